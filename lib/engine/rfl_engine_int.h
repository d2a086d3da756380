/* rfl_engine_int.h: what the engine's files share. Internal to lib/engine. */
#ifndef RFL_ENGINE_INT_H
#define RFL_ENGINE_INT_H

#include "rfl_decide.h"
#include "rfl_engine.h"
#include "rfl_personal.h"
#include "rfl_sessions.h"

#define RFL_COUNTERS(X) \
    X(turns) X(asks) X(refused) X(submits) X(receipts) X(replays) X(conflicts) X(joined) X(invalid) X(busy) \
    X(offers) X(accepts) X(declines) X(redirects) X(lapses) X(returns) X(fenced) X(feedback_sent) X(parked) \
    X(escalations) X(sessions_gone) X(turns_undone)

enum rfl__counter {
#define X(name) RFL__N_##name,
    RFL_COUNTERS(X)
#undef X
    RFL__COUNTER_COUNT
};

enum { RFL__OUTBOX_MAX = 16384, RFL__TURN_ARENA_BYTES = 48 << 20 };

struct rfl__asked { uint64_t session, correlation; };

struct rfl_engine {
    struct rfl_engine_options options;
    struct rfl_store *store;
    const struct rfl_policy *policy;
    const struct rfl_directory *directory;      /* in force at the turn's moment; NULL: none */
    struct rfl_now now;
    struct rfl__sessions sessions;
    struct rfl_arena arena;                     /* replies' strings; reset at begin */
    struct rfl_outgoing *outbox;
    uint32_t outbox_count;
    struct rfl__asked asked[RFL_BATCH_MAX];
    uint32_t asked_count;
    uint64_t correlation;                       /* of the ask being handled; 0 otherwise */
    bool draining, draining_said, leftover;
    uint64_t queue_changes, mail_changes;       /* raised when a case starts to wait; when mail is put */
    int64_t idle_check_ms;
    int64_t started_ms;
    uint8_t personal[RFL_PERSONAL_BYTES_MAX];
    struct rfl_engine_counter counters[RFL__COUNTER_COUNT];
};

/* ---- rfl_engine.c ---- */
/* The next reply of the outbox, zeroed, addressed and correlated; NULL when the outbox is full (has_room prevents it
 * for asks; unasked messages are then left for the next turn). */
struct rfl_reply *rfl__say(struct rfl_engine *e, uint64_t session, enum rfl_message_kind kind);
void rfl__refuse(struct rfl_engine *e, uint64_t session, enum rfl_code code);
void rfl__refuse_state(struct rfl_engine *e, uint64_t session, enum rfl_status status);
void rfl__count(struct rfl_engine *e, enum rfl__counter counter);
/* Decides and appends in one step: entry is completed with the events. RFL_E_OK, or decide's error (nothing happened),
 * or the store's (sticky). *kase becomes the case as it is afterwards. */
RFL_MUST_USE enum rfl_err rfl__do(struct rfl_engine *e, struct rfl_case *kase, const struct rfl_command *command,
                                  struct rfl_entry *entry, struct rfl_view personal);
struct rfl_view rfl__copy(struct rfl_engine *e, const void *p, size_t len);
struct rfl_view rfl__literal(const char *text);
struct rfl_view rfl__receipt_text(struct rfl_engine *e, struct rfl_referral_id id);
struct rfl_view rfl__case_text(struct rfl_engine *e, struct rfl_case_id id);
struct rfl_view rfl__queue_name(const struct rfl_engine *e, struct rfl_queue_no queue);
struct rfl_view rfl__area_name(const struct rfl_engine *e, struct rfl_area_no area);
/* The case a receipt or case code names; false: none. *referral_out (may be NULL) gets the referral, zero for WC-. */
bool rfl__find_code(struct rfl_engine *e, struct rfl_view code, struct rfl_case *kase,
                    struct rfl_referral *referral_out);
/* Opens the sealed submission of a referral; its views live in the turn's arena. */
RFL_MUST_USE enum rfl_err rfl__open_submission(struct rfl_engine *e, const struct rfl_referral *referral,
                                               struct rfl_personal_submission *out);

/* ---- by socket ---- */
void rfl__handle_door(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
void rfl__handle_worker(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
void rfl__handle_admin(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);

/* ---- rfl_facts_of.c ---- */
/* What the form says: graded, looked up, coarse. The clues still have their lines. */
void rfl__facts_of(const struct rfl_engine *e, const struct rfl_form *form, struct rfl_source_no source,
                   int64_t at_ms, struct rfl_facts *facts);

/* ---- rfl_settle.c ---- */
/* Offers that are out to this worker, counted in the store. */
uint32_t rfl__outstanding_of(const struct rfl_engine *e, uint64_t holder);
/* Back to their queues, uncounted; returns how many. */
uint32_t rfl__return_offers(struct rfl_engine *e, struct rfl__session *session);
void rfl__offer_again(struct rfl_engine *e, struct rfl__session *session);

#endif
