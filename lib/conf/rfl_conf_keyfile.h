/* rfl_conf_keyfile.h: changing keys.conf without touching what is not changed: comments, order and layout stay.
 *
 * Opening locks the folder of the file against other writers, until it is closed. Changes are made to the text in
 * memory; saving reads it as the daemon will, and only then puts it in the place of the old file, in one step. */
#ifndef RFL_CONF_KEYFILE_H
#define RFL_CONF_KEYFILE_H

#include "rfl_conf_keys.h"

struct rfl_keyfile;

/* What is to be allowed, as terminated texts. `rights` is a comma-separated list of doors, queues or verbs. `why`, when
 * given, is kept as a comment above the entry. */
struct rfl_key_grant {
    const char *name, *public, *owner, *who, *rights, *why;
    enum rfl_key_kind kind;
    struct rfl_date from, until;
    uint32_t rate, connections;                 /* 0: not said */
};

/* A file that is not there is opened as one without entries. RFL_E_INVALID, RFL_E_IO: the report says why;
 * RFL_E_LOCKED: somebody else is changing it; RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl_keyfile_open(const char *path, struct rfl_conf_report *report, struct rfl_keyfile **out);
/* Unlocks; what was not saved is forgotten. */
void rfl_keyfile_close(struct rfl_keyfile **file);
/* As it was opened. */
const struct rfl_keys *rfl_keyfile_keys(const struct rfl_keyfile *file);

/* RFL_E_MEMORY; whether the texts make sense is found by saving. */
RFL_MUST_USE enum rfl_err rfl_keyfile_add(struct rfl_keyfile *file, const struct rfl_key_grant *grant);
/* RFL_E_ABSENT: no such entry; RFL_E_STATE: it is revoked already; RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl_keyfile_revoke(struct rfl_keyfile *file, const char *name, const char *why);
/* Gives an entry another last day. RFL_E_ABSENT, RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl_keyfile_set_until(struct rfl_keyfile *file, const char *name, struct rfl_date until);
/* Checks the changed text; with `write` it is then in the place of the old one, synced, with the old one's mode (0644
 * for a new file). RFL_E_INVALID: the report says what the changes broke, and nothing was written; RFL_E_IO: errno. */
RFL_MUST_USE enum rfl_err rfl_keyfile_save(struct rfl_keyfile *file, bool write, struct rfl_conf_report *report);

#endif
