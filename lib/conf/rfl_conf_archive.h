/* rfl_conf_archive.h: every policy that was ever in force, so that what was decided under it can be explained and
 * decided again, and so that a bad day can go back to a good one.
 *
 * The archive is a folder (the daemon's: `policies` in the store's folder). In it, one folder for each digest, named by
 * its 32 hex digits, with the .conf files as they were read (those of the policy's folder and of the `.d` folders in
 * it); and perhaps a file `pinned` with one digest, which says that this policy and not policy_dir's is to be in force.
 * Everything is written under another name, synced and renamed, so a crash leaves at most a folder `.new.*`, which is
 * never read and is swept away by the next keeping. Folders are 0700, files 0600. One writer: whoever holds the store's
 * lock. */
#ifndef RFL_CONF_ARCHIVE_H
#define RFL_CONF_ARCHIVE_H

#include "rfl_conf.h"

enum { RFL_CONF_DIGEST_TEXT = 33 };         /* 32 hex digits and the terminator */

void rfl_conf_digest_text(struct rfl_hash digest, char out[RFL_CONF_DIGEST_TEXT]);
/* RFL_E_INVALID: not 32 lower-case hex digits. */
RFL_MUST_USE enum rfl_err rfl_conf_digest_parse(struct rfl_view text, struct rfl_hash *out);

/* Keeps the policy folder `dir`, which was read as `digest`; nothing when it is kept already. Makes the archive when
 * it is not there (its parent must be). RFL_E_STATE: the folder has changed since it was read; RFL_E_IO: errno says
 * why; RFL_E_MEMORY. The archive is then as it was. */
RFL_MUST_USE enum rfl_err rfl_conf_archive_keep(const char *archive, const char *dir, struct rfl_hash digest);
bool rfl_conf_archive_has(const char *archive, struct rfl_hash digest);
/* The one kept policy whose digest begins with `digits`, 8 or more of them. RFL_E_ABSENT: none does; RFL_E_CONFLICT:
 * several do; RFL_E_INVALID: these are not digits, or too few. */
RFL_MUST_USE enum rfl_err rfl_conf_archive_find(const char *archive, struct rfl_view digits, struct rfl_hash *out);
/* Loads a kept policy; free it with rfl_conf_policy_free. RFL_E_ABSENT: not kept. RFL_E_CORRUPT: what is kept under
 * this digest has another one: it was changed, or written for another version of this program. RFL_E_INVALID: it does
 * not load, the report says why. RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl_conf_archive_load(const char *archive, struct rfl_hash digest, struct rfl_policy **out,
                                                struct rfl_conf_report *report);

/* Durable when it returns RFL_E_OK. RFL_E_IO: errno says why. Unpinning what is not pinned is RFL_E_OK. */
RFL_MUST_USE enum rfl_err rfl_conf_archive_pin(const char *archive, struct rfl_hash digest);
RFL_MUST_USE enum rfl_err rfl_conf_archive_unpin(const char *archive);
/* RFL_E_ABSENT: nothing is pinned. RFL_E_CORRUPT: the file `pinned` holds no digest. RFL_E_IO. */
RFL_MUST_USE enum rfl_err rfl_conf_archive_pinned(const char *archive, struct rfl_hash *out);

#endif
