/* rfl_engine.h: one turn: asks come in, the store changes once, replies go out. The daemon, the simulator and the
 * offline tools all drive this; it reads no clock, opens no socket and knows no frame.
 *
 *   rfl_engine_begin(engine, now)
 *   rfl_engine_handle(engine, session, ask)      as often as the turn has room
 *   rfl_engine_settle(engine)                    due clocks, then offers to whoever has credit
 *   rfl_engine_commit(engine)                    everything above is durable, or none of it
 *   rfl_engine_outbox(engine, ...)               and only now may it be said
 *
 * A session is the caller's number for one connection (never 0, never reused in a run). What the engine remembers of a
 * session (subscription, credit, open mailbox) is lost with the process; everything else is in the store.
 *
 * Owns its arena and outbox; borrows store, directory set and policy. Not thread-safe. */
#ifndef RFL_ENGINE_H
#define RFL_ENGINE_H

#include "rfl_arena.h"
#include "rfl_directory.h"
#include "rfl_message.h"
#include "rfl_policy.h"
#include "rfl_store.h"

struct rfl_engine;

struct rfl_engine_options {
    struct rfl_store *store;
    const struct rfl_policy *policy;                /* borrowed; rfl_engine_set_policy replaces it between turns */
    const struct rfl_directory_set *directories;    /* may be NULL: then only configuration places people */
    int64_t lease_ms;           /* how long an offer lasts, instead of the policy's lease clock; 0: that clock */
    bool test_people;           /* NHS numbers that are never issued count as valid: never on a live instance */
    int64_t session_idle_ms;    /* a worker session silent for longer is gone and its offers return; 0: 30 s */
    /* Reads the bytes of a stored Referral back into a form, with views into them or memory of the arena; false: they
     * cannot be read. What areas change is then decided from the facts that were stored. NULL: always so. */
    bool (*read_form)(struct rfl_view referral, struct rfl_arena *arena, struct rfl_form *form);
    /* A policy that was in force once, borrowed until the next call; NULL: not kept. The function may be NULL. */
    const struct rfl_policy *(*policy_kept)(void *ctx, struct rfl_hash digest);
    void *policy_ctx;
    uint32_t full_permille;     /* share of the map in use above which new referrals are refused; 0: 700. The rest is
                                   kept for finishing what is open. */
};

/* Logs POLICY_LOADED when the policy's digest is not the one last logged. RFL_E_MEMORY, or the store's error. */
RFL_MUST_USE enum rfl_err rfl_engine_new(const struct rfl_engine_options *options, const struct rfl_now *now,
                                         struct rfl_engine **out);
void rfl_engine_free(struct rfl_engine **engine);

/* Who wants a policy in force, and why: kept in the log. Up to RFL_NAME_BYTES_MAX and RFL_WHY_BYTES_MAX. */
struct rfl_engine_wish { struct rfl_view operator_name, why; };

/* Between turns. The new policy is in force from the next turn; offers that are out are not touched. On an error (the
 * store's) the one before stays in force. An operator's wish is logged also when the policy is the one in force; wish
 * NULL: nobody's but the system's. */
RFL_MUST_USE enum rfl_err rfl_engine_set_policy(struct rfl_engine *engine, const struct rfl_policy *policy,
                                                const struct rfl_directory_set *directories,
                                                const struct rfl_now *now, const struct rfl_engine_wish *wish);

/* Between turns: what another policy would take away. Calls `lost` for every queue of the policy in force that `next`
 * does not have, with how many open cases are in it (waiting, held, offered or being worked on). The counts are of
 * providers' queues. RFL_E_MEMORY, or the store's error. */
struct rfl_engine_shrink { uint32_t providers, providers_lost; };
RFL_MUST_USE enum rfl_err rfl_engine_shrink(struct rfl_engine *engine, const struct rfl_policy *next,
                                            void (*lost)(void *ctx, const struct rfl_queue *queue, uint64_t people),
                                            void *ctx, struct rfl_engine_shrink *out);
/* The digest that was in force before the present one (and is another one). RFL_E_ABSENT: none was. */
RFL_MUST_USE enum rfl_err rfl_engine_policy_before(struct rfl_engine *engine, struct rfl_hash *out);

RFL_MUST_USE enum rfl_err rfl_engine_begin(struct rfl_engine *engine, const struct rfl_now *now);
/* Exactly one or more replies are put in the outbox for every ask. The ask's views need not outlive the call. */
void rfl_engine_handle(struct rfl_engine *engine, uint64_t session, const struct rfl_ask *ask);
/* A frame that could not be decoded: puts the refusal in the outbox and counts it. */
void rfl_engine_refuse(struct rfl_engine *engine, uint64_t session, const struct rfl_ask *ask, enum rfl_code code);
/* The connection is gone: its offers return, its mailbox closes. Inside a turn. */
void rfl_engine_gone(struct rfl_engine *engine, uint64_t session);
void rfl_engine_settle(struct rfl_engine *engine);
/* False when the turn should be committed before more asks are handled. */
bool rfl_engine_has_room(const struct rfl_engine *engine);
/* Receipts, audit pages and the state of the daemon carry the head of the log as this turn leaves it, signed once.
 * RFL_E_OK: durable. RFL_E_FULL: the turn was undone and the outbox now holds BUSY or STORE_FULL for every ask in it.
 * Anything else: stop the process; the outbox is empty and must stay unsaid. */
RFL_MUST_USE enum rfl_err rfl_engine_commit(struct rfl_engine *engine);

struct rfl_outgoing { uint64_t session; struct rfl_reply reply; };
/* The replies of the last commit, in order. Valid until the next begin. */
const struct rfl_outgoing *rfl_engine_outbox(const struct rfl_engine *engine, uint32_t *count_out);

/* Who was moved in the last turn because an area ended or lost a part: how many out of each queue, and how many of them
 * to a triage desk. After RFL_E_OK from commit; valid until the next begin. At most RFL_MOVES_MAX queues a turn. */
enum { RFL_MOVES_MAX = 64 };
struct rfl_engine_move { struct rfl_queue_no queue; uint32_t cases, to_triage; };
const struct rfl_engine_move *rfl_engine_moves(const struct rfl_engine *engine, uint32_t *count_out);

/* When the next turn is needed although nobody asks (a clock, an idle session), in wall ms; INT64_MAX: never. Work left
 * over by a full turn makes it "now". */
int64_t rfl_engine_next_due(const struct rfl_engine *engine);

/* Draining: new referrals and subscriptions are refused with DRAINING, workers get a notice, no more offers. */
void rfl_engine_drain(struct rfl_engine *engine);

/* Counters for status and tests, by name; a literal array terminated by a NULL name, values as of now. */
struct rfl_engine_counter { const char *name; uint64_t value; };
const struct rfl_engine_counter *rfl_engine_counters(const struct rfl_engine *engine, uint32_t *count_out);

#endif
