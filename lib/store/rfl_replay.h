/* rfl_replay.h: reading a whole log again: checking it, and making tables from it. For lib/store.
 *
 * verify and rebuild are the same walk over the log with another destination: a scratch store that is compared and
 * thrown away, or a new store that also gets the log and the keys. */
#ifndef RFL_REPLAY_H
#define RFL_REPLAY_H

#include "rfl_tables.h"

struct rfl_replay {
    struct rfl_store *from, *to;
    bool copy_log;                      /* else only the tables are made */
    struct rfl_store_report *report;
    bool broken;                        /* an entry could not be applied: the tables made so far are not comparable */
    uint64_t turn_entries;
    uint8_t head[32];
};

/* Counts a finding and says it. */
void rfl_report_say(struct rfl_store_report *report, const char *rule, uint64_t where);

/* from: with its transaction open. to: without one. RFL_E_OK also when there were findings; other errors: `from` could
 * not be read or `to` not be written. */
RFL_MUST_USE enum rfl_err rfl_replay_log(struct rfl_replay *replay);

/* Whether a table has the same rows in both, byte for byte; says the first difference, or all of them. meta: only the
 * store's own rows. Both inside a transaction. */
RFL_MUST_USE enum rfl_err rfl_replay_compare(struct rfl_env *a, struct rfl_env *b, enum rfl_table table, bool say_all,
                                             struct rfl_store_report *report);

/* A new environment at `dir`, which exists, with the identity of `from`. */
RFL_MUST_USE enum rfl_err rfl_replay_target(const char *dir, enum rfl_env_mode mode, const struct rfl_store *from,
                                            const struct rfl_store_options *options, struct rfl_store **out);

#endif
