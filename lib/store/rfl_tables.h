/* rfl_tables.h: the inside of struct rfl_store, and the one function that changes tables and indexes. For lib/store.
 *
 * Ensures, between any two calls: 1. every case in a table or in `dirty` has its places in `order` and is counted once
 * in `by_status`; 2. every referral is found by its reference, and the newest of each match key by that key; 3. what
 * abort needs to take 1 and 2 back to the beginning of the turn is in `dirty`, `undo` and `touched`. */
#ifndef RFL_TABLES_H
#define RFL_TABLES_H

#include "rfl_apply.h"
#include "rfl_env.h"
#include "rfl_hashidx.h"
#include "rfl_ordset.h"
#include "rfl_rows.h"
#include "rfl_seal.h"

/* A case changed in this turn: as it is now, and as it was when the turn began (all zero: it was not). Written to its
 * table once, at the commit, however many entries touch it. */
struct rfl_dirty { struct rfl_case now, before; };

enum rfl_hash_index { RFL_BY_REFERENCE, RFL_BY_MATCH, RFL_HASH_INDEX_COUNT };
struct rfl_undo { enum rfl_hash_index index; struct rfl_hash hash; uint64_t from, to; };

enum { RFL_SOURCE_NUMBERS = UINT16_MAX + 1, RFL_QUEUE_NUMBERS = UINT16_MAX + 1 };

struct rfl_store {
    struct rfl_env env;
    struct rfl_seal *seal;
    struct rfl_identity identity;
    struct rfl_state state, state_before;
    uint32_t token_seq;

    struct rfl_ordset order[RFL_INDEX_COUNT];
    struct rfl_hashidx by[RFL_HASH_INDEX_COUNT];
    uint64_t by_status[RFL_STATUS_COUNT];
    uint64_t erased;                            /* cases that are; counted with by_status */
    uint64_t compacted;                         /* of them, how many before the last compaction */

    struct rfl_dirty *dirty;
    uint32_t *dirty_slots;                      /* hash of case id -> place in dirty + 1; a power of two */
    size_t dirty_count, dirty_cap;              /* slots: 2 * dirty_cap */
    struct rfl_undo *undo;
    size_t undo_count, undo_cap;

    struct rfl_source_row *sources;             /* by number */
    struct rfl_source_row *touched;             /* rows as they were when the turn began */
    size_t touched_count;
    bool *is_touched;                           /* by number */

    struct rfl_queue_row_stored *queues;        /* by number */
    struct rfl_queue_row_stored *queue_undo;    /* rows as they were before each change of this turn */
    size_t queue_undo_count, queue_undo_cap;

    uint8_t *entry_bytes, *sealed_bytes, *read_bytes;       /* RFL_ENTRY_BYTES_MAX each */
};

/* Memory of a store without an environment; and everything undone, environment included. */
RFL_MUST_USE enum rfl_err rfl_tables_new(struct rfl_store **out);
void rfl_tables_free(struct rfl_store **store);

/* Applies an entry that is (or is about to be) in the log with hash `head`. RFL_E_STATE, RFL_E_CORRUPT: the entry does
 * not follow from what is stored, nothing was changed and nothing is sticky; any other error is the transaction's. */
RFL_MUST_USE enum rfl_err rfl_tables_apply(struct rfl_store *store, const struct rfl_entry *entry,
                                           const uint8_t head[32]);
/* Writes what waits in memory to its tables; the commit itself is the caller's. */
RFL_MUST_USE enum rfl_err rfl_tables_flush(struct rfl_store *store);
/* After a commit: what was before is forgotten. After an abort: memory is as it was when the turn began. */
void rfl_tables_keep(struct rfl_store *store);
void rfl_tables_undo(struct rfl_store *store);

/* Fills the indexes from cases and referrals, and the sources. Inside a transaction. */
RFL_MUST_USE enum rfl_err rfl_tables_load_sources(struct rfl_store *store);
RFL_MUST_USE enum rfl_err rfl_tables_load_indexes(struct rfl_store *store);

/* Makes the referral the one found by its reference. */
RFL_MUST_USE enum rfl_err rfl_tables_point_reference(struct rfl_store *store, const struct rfl_referral *referral);
/* The slot (hash, from) of an index says `to`; from 0 adds one, to 0 removes it. Abort takes it back. */
RFL_MUST_USE enum rfl_err rfl_tables_move_slot(struct rfl_store *store, enum rfl_hash_index index,
                                               struct rfl_hash hash, uint64_t from, uint64_t to);

/* ---- rfl_chain.c: the referrals that share a match key, newest first ---- */
/* Writes the row of a new referral (`before` NULL) or of a changed one, and sets after->prev_of_match. Of each key the
 * newest that has it is found by it, also after another has lost it; a key that an older referral gains or loses is
 * looked for along those that are newer and share it, however many these are. */
RFL_MUST_USE enum rfl_err rfl_chain_write(struct rfl_store *store, const struct rfl_referral *before,
                                          struct rfl_referral *after);

/* ---- rfl_news.c: referrals, and what their sources hear ---- */
/* The referral that RECEIVED or JOINED brings. */
RFL_MUST_USE enum rfl_err rfl_news_referral(struct rfl_store *store, const struct rfl_entry *entry,
                                            const struct rfl_event *event, struct rfl_referral_id prev_on_case);
/* What AMENDED or WITHDRAWN does to one. */
RFL_MUST_USE enum rfl_err rfl_news_change(struct rfl_store *store, const struct rfl_entry *entry,
                                          const struct rfl_event *event);
/* What ERASED does to the referrals of a case, `newest` and those before it: nobody is found by their match keys. The
 * keyed hashes of reference and body stay, so that a resent message is known and does not bring the person back. */
RFL_MUST_USE enum rfl_err rfl_news_erase(struct rfl_store *store, struct rfl_referral_id newest);
/* Puts mail for every referral of the case, and of the cases linked to it, whose door the event names and who wants to
 * hear of such events. newest: the case's last referral. */
RFL_MUST_USE enum rfl_err rfl_news_tell(struct rfl_store *store, const struct rfl_entry *entry, uint8_t event_index,
                                        struct rfl_referral_id newest);
RFL_MUST_USE enum rfl_err rfl_news_acknowledge(struct rfl_store *store, struct rfl_source_no source, uint64_t upto);

/* ---- rfl_queues.c: what operators have said of queues ---- */
RFL_MUST_USE enum rfl_err rfl_queues_judge(const struct rfl_event *event);
RFL_MUST_USE enum rfl_err rfl_queues_set(struct rfl_store *store, const struct rfl_entry *entry,
                                         const struct rfl_event *event);
RFL_MUST_USE enum rfl_err rfl_queues_load(struct rfl_store *store);

/* Reads a record and checks that it is the one asked for. */
RFL_MUST_USE enum rfl_err rfl_tables_case(struct rfl_store *store, uint64_t id, struct rfl_case *out);
RFL_MUST_USE enum rfl_err rfl_tables_referral(struct rfl_store *store, uint64_t id, struct rfl_referral *out);
/* RFL_E_ABSENT: none has this hash. A damaged candidate is the transaction's error: it might be the one. */
RFL_MUST_USE enum rfl_err rfl_tables_find(struct rfl_store *store, enum rfl_hash_index index, struct rfl_hash hash,
                                          struct rfl_referral *out);

#endif
