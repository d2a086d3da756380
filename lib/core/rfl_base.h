/* rfl_base.h: the words every module shares: ids, limits, errors, the two clocks.
 *
 * Owns nothing and allocates nothing. An id is a struct so that a case cannot be passed where a referral is wanted;
 * zero is never issued and means "none". Every limit of the program is in this file, and the limits are checked
 * against each other when it is compiled. */
#ifndef RFL_BASE_H
#define RFL_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(NDEBUG)
#error "assertions stay on in every build: they catch our own mistakes before these reach a person's case"
#endif

#define RFL_MUST_USE __attribute__((warn_unused_result))

/* Numbers never change and are never reused: they appear on the wire, in logs and in exit messages. */
#define RFL_ERR_LIST(X) \
    X(OK, 0, "ok") \
    X(INVALID, 1, "input breaks a documented limit") \
    X(STATE, 2, "not allowed in this state") \
    X(FULL, 3, "a limit is reached; try again later") \
    X(CORRUPT, 4, "a stored record failed its checks") \
    X(IO, 5, "the operating system refused; the log has its errno") \
    X(FENCED, 6, "this offer has lapsed, was handed on or is finished") \
    X(ABSENT, 7, "nothing is stored under that name") \
    X(CONFLICT, 8, "the same reference came with other bytes before") \
    X(VERSION, 9, "written by another version of this program") \
    X(MEMORY, 10, "out of memory") \
    X(LOCKED, 11, "another process has the store open") \
    X(EXISTS, 12, "it exists already")

enum rfl_err {
#define X(name, value, text) RFL_E_##name = value,
    RFL_ERR_LIST(X)
#undef X
};

/* The English text of an error; never NULL, never freed. An unknown number gets a text that says so. */
const char *rfl_err_text(enum rfl_err err);
/* The error's name as documents and logs print it, such as "FENCED". */
const char *rfl_err_name(enum rfl_err err);

struct rfl_case_id { uint64_t v; };         /* 1, 2, 3 ... over the life of a store */
struct rfl_referral_id { uint64_t v; };     /* the same; its receipt is a keyed permutation of it (rfl_receipt.h) */
struct rfl_seq { uint64_t v; };             /* position in the event log; the first entry is 1 */
struct rfl_area_no { uint16_t v; };         /* written in config/areas, never reused */
struct rfl_queue_no { uint16_t v; };        /* written in config, never reused */
struct rfl_source_no { uint16_t v; };       /* written in config, never reused */

/* A fencing token: strictly increasing over the life of a store, because the epoch is raised durably at every open. */
struct rfl_token { uint32_t epoch, seq; };

static inline bool rfl_token_same(struct rfl_token a, struct rfl_token b)
{
    return a.epoch == b.epoch && a.seq == b.seq;
}

/* Borrowed bytes; not terminated. p may be NULL when len is 0. */
struct rfl_view { const uint8_t *p; size_t len; };

/* Both clocks of one turn. wall_ms: ms since 1970 UTC, never below an earlier reading. boot_ms: CLOCK_BOOTTIME. Lease
 * and due times are wall_ms: a clock jump makes a thing late or offered again, and tokens decide who owns it. */
struct rfl_now { int64_t wall_ms, boot_ms; };

/* A keyed or plain BLAKE2b digest, cut to 16 bytes. All zero means "none". */
struct rfl_hash { uint8_t b[16]; };

static inline bool rfl_hash_same(struct rfl_hash a, struct rfl_hash b) { return memcmp(a.b, b.b, sizeof a.b) == 0; }
static inline bool rfl_hash_none(struct rfl_hash a)
{
    static const struct rfl_hash none;
    return rfl_hash_same(a, none);
}

enum {
    RFL_MESSAGE_BYTES_MAX = 65536,          /* one payload frame (proto/README.md) */
    RFL_BODY_BYTES_MAX = 60000,             /* an encoded Referral inside it: a Record must fit a frame as well */
    RFL_ARENA_BYTES = 16 * RFL_MESSAGE_BYTES_MAX,
    RFL_VALUE_BYTES_MAX = 4080,             /* one LMDB overflow page; longer log entries are stored in chunks */
    RFL_BATCH_MAX = 4096,                   /* messages in one turn */
    RFL_TURN_BYTES_MAX = 8 << 20,           /* and their bytes: below LMDB's spill list limit with room to spare */
    RFL_REFERENCE_BYTES_MAX = 128,          /* a source's own reference */
    RFL_NAME_BYTES_MAX = 64,                /* source, worker, queue and area names */
    RFL_TEXT_BYTES_MAX = 2000,              /* free text with a reason */
    RFL_WHY_BYTES_MAX = 200,                /* an operator's reason for what is done to a queue */
    RFL_EVENTS_PER_COMMAND_MAX = 4,
    RFL_DECLINED_BY_MAX = 8,                /* queues that said no, kept with the case */
    RFL_AREAS_MAX = 512, RFL_QUEUES_MAX = 4096, RFL_SOURCES_MAX = 4096,
    RFL_FINDINGS_MAX = 32,
    RFL_QUEUES_PER_WORKER_MAX = 512,
    RFL_CREDIT_MAX = 4096
};
static_assert(RFL_BODY_BYTES_MAX + 4096 <= RFL_MESSAGE_BYTES_MAX, "a body and its envelope fit one frame");

/* Kinds of referrer. The order is stored and on the wire: append only. */
#define RFL_DOOR_LIST(X) \
    X(NONE, "none") X(GP, "gp") X(EMPLOYER, "employer") X(JOBCENTRE, "jobcentre") X(SELF, "self") \
    X(LOCAL_SERVICE, "local_service") X(PHARMACIST, "pharmacist") X(FIT_NOTE_SERVICE, "fit_note_service") \
    X(PROVIDER, "provider") X(OTHER, "other")
enum rfl_door {
#define X(name, text) RFL_DOOR_##name,
    RFL_DOOR_LIST(X)
#undef X
    RFL_DOOR_COUNT
};
const char *rfl_door_name(enum rfl_door door);

#endif
