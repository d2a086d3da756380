/* rfl_conf_keys.h: keys.conf, the table of who may talk to the daemon and what each may do.
 *
 * Deny by default: a key that is not in the table may not connect, and a key in it may do what its entry says, and
 * no more. An entry is of one kind: a source (an adapter; some doors), a worker (intake; some queues) or an operator
 * (some verbs). Several keys may be of the same source, worker or operator: that is how a key is changed without a gap.
 * There are public keys in here only, so the file is no secret; but whoever can write it decides who gets in, and it is
 * refused when others than its owner can.
 *
 *     keys = (
 *       { name = "gp-north-2026"; public = "..."; owner = "head of GP systems"; from = "2026-04-01";
 *         until = "2027-04-01"; source = "gp-north"; doors = ( "gp" ); },
 *       { name = "manchester-desk"; public = "..."; owner = "..."; from = "..."; until = "...";
 *         worker = "manchester"; queues = ( "kent-medway/intake" ); rate = 500; connections = 20; },
 *       { name = "anna"; public = "..."; owner = "..."; from = "..."; until = "..."; operator = "anna";
 *         verbs = ( "read", "triage" ); revoked = true; } );
 *
 * A queue is a name, or an area followed by a slash and a star for all of its queues. A loaded table does not change;
 * it is replaced whole. Lookups neither allocate nor fail. */
#ifndef RFL_CONF_KEYS_H
#define RFL_CONF_KEYS_H

#include "rfl_conf_identity.h"

enum {
    RFL_KEYS_MAX = 8192, RFL_KEY_QUEUES_MAX = 512, RFL_KEY_OWNER_BYTES_MAX = 200,
    RFL_KEY_RATE_MAX = 1000000, RFL_KEY_CONNECTIONS_MAX = 16384,
    RFL_KEY_RATE_DEFAULT = 2000,                /* messages a second */
    RFL_KEY_CONNECTIONS_DEFAULT = 64            /* at one time */
};

enum rfl_key_kind { RFL_KEY_SOURCE, RFL_KEY_WORKER, RFL_KEY_OPERATOR, RFL_KEY_KIND_COUNT };

/* What an operator may do. (NAME, word) */
#define RFL_VERB_LIST(X) \
    X(READ, "read")          /* status, lists, stories, explanations: nothing that names a person */ \
    X(TRIAGE, "triage")      /* decide about cases */ \
    X(QUEUE, "queue")        /* pause, hold, divert and limit queues */ \
    X(POLICY, "policy")      /* load another policy */ \
    X(KEYS, "keys")          /* load another keys.conf */ \
    X(AUDIT, "audit")        /* read who did what */ \
    X(SUBJECT, "subject")    /* a person's rights over their data: copies, erasure */ \
    X(REVEAL, "reveal")      /* see what names a person */
enum rfl_verb {
#define X(name, word) RFL_VERB_##name,
    RFL_VERB_LIST(X)
#undef X
    RFL_VERB_COUNT
};
const char *rfl_verb_word(enum rfl_verb verb);
const char *rfl_key_kind_word(enum rfl_key_kind kind);      /* "source", as keys.conf says it */

/* (NAME, word); what is told of a key at a moment. */
#define RFL_KEY_STATE_LIST(X) X(GOOD, "good") X(NOT_YET, "not_yet") X(EXPIRED, "expired") X(REVOKED, "revoked")
enum rfl_key_state {
#define X(name, word) RFL_KEY_##name,
    RFL_KEY_STATE_LIST(X)
#undef X
    RFL_KEY_STATE_COUNT
};
const char *rfl_key_state_word(enum rfl_key_state state);

/* A queue's name, or with `prefix` what names must begin with ("greater-manchester/"). */
struct rfl_key_queue { char name[RFL_NAME_BYTES_MAX + 1]; bool prefix; };

struct rfl_key_entry {
    struct rfl_curve_key public;
    char name[RFL_NAME_BYTES_MAX + 1];
    char who[RFL_NAME_BYTES_MAX + 1];           /* the source, worker or operator */
    char owner[RFL_KEY_OWNER_BYTES_MAX + 1];    /* a role that answers for it */
    char fingerprint[RFL_FINGERPRINT_CHARS + 1];
    uint8_t kind;                               /* enum rfl_key_kind */
    bool revoked;
    uint16_t doors, verbs;                      /* bits 1 << enum rfl_door, 1 << enum rfl_verb */
    uint32_t queues_first, queues_count;        /* in the table's queues */
    uint32_t rate, connections;
    int64_t from_ms, until_ms;                  /* good from this moment to before that one */
    int line;                                   /* in keys.conf */
};

struct rfl_keys;

/* Reads keys.conf; all or nothing. On RFL_E_OK *out is the caller's. RFL_E_INVALID: the report says everything that is
 * wrong; RFL_E_IO: it cannot be read (reported too); RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl_keys_load(const char *path, struct rfl_conf_report *report, struct rfl_keys **out);
/* The same for text in memory; `name` stands for the file in findings. */
RFL_MUST_USE enum rfl_err rfl_keys_load_text(const char *name, struct rfl_view text, struct rfl_conf_report *report,
                                             struct rfl_keys **out);
void rfl_keys_free(struct rfl_keys **keys);

uint32_t rfl_keys_count(const struct rfl_keys *keys);
/* In the order of the file; at < rfl_keys_count. Borrowed from the table, as are all entries below. */
const struct rfl_key_entry *rfl_keys_get(const struct rfl_keys *keys, uint32_t at);
/* NULL: no such key. Expected constant time. */
const struct rfl_key_entry *rfl_keys_find(const struct rfl_keys *keys, const struct rfl_curve_key *public);
const struct rfl_key_entry *rfl_keys_named(const struct rfl_keys *keys, struct rfl_view name);
const struct rfl_key_queue *rfl_keys_queue(const struct rfl_keys *keys, const struct rfl_key_entry *entry, uint32_t at);

enum rfl_key_state rfl_key_state(const struct rfl_key_entry *entry, int64_t now_ms);
bool rfl_key_is_of(const struct rfl_key_entry *entry, enum rfl_key_kind kind, struct rfl_view who);
bool rfl_key_may_use_door(const struct rfl_key_entry *entry, enum rfl_door door);
bool rfl_key_may_use_queue(const struct rfl_keys *keys, const struct rfl_key_entry *entry, struct rfl_view queue);
/* The same queues in the same order, whatever else differs. */
bool rfl_key_same_queues(const struct rfl_keys *a_keys, const struct rfl_key_entry *a, const struct rfl_keys *b_keys,
                         const struct rfl_key_entry *b);
bool rfl_key_may(const struct rfl_key_entry *entry, enum rfl_verb verb);

#endif
