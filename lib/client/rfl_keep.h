/* rfl_keep.h: keeps a worker's subscription alive, as a value: it says what to send next and is told what came back.
 *
 * A DEALER cannot see that its connection was replaced, and the daemon forgets a subscription with its connection. So
 * the worker pings; a ping without an answer in time, or one answered NOT_SUBSCRIBED, means that it must subscribe
 * again. It reads no clock and sends nothing. Internal to libreferral. */
#ifndef RFL_KEEP_H
#define RFL_KEEP_H

#include "rfl_message.h"

struct rfl_keep {
    bool on;
    uint8_t asked;                      /* RFL_MSG_NONE, _PING or _SUBSCRIBE: what has not been answered */
    bool now;                           /* do not wait for ping_ms */
    uint32_t ping_ms, credit;
    int64_t asked_ms;
    uint64_t correlation;               /* of what was asked last */
    char worker[RFL_NAME_BYTES_MAX];
    size_t worker_bytes;
    struct rfl_view *queue;             /* heap; each view points into `names` */
    uint32_t queue_count;
    uint8_t *names;
};

/* Copies everything. RFL_E_INVALID: worker or a queue is empty or longer than RFL_NAME_BYTES_MAX, no queue or more than
 * RFL_QUEUES_PER_WORKER_MAX, credit 0 or above RFL_CREDIT_MAX. RFL_E_MEMORY. On error *keep is unchanged. */
RFL_MUST_USE enum rfl_err rfl_keep_start(struct rfl_keep *keep, struct rfl_view worker, const struct rfl_view *queues,
                                         uint32_t queue_count, uint32_t credit);
void rfl_keep_stop(struct rfl_keep *keep);

/* What to send now: RFL_MSG_SUBSCRIBE, RFL_MSG_PING or RFL_MSG_NONE. */
enum rfl_message_kind rfl_keep_next(const struct rfl_keep *keep, int64_t now_ms);
/* When rfl_keep_next will say something else than NONE; INT64_MAX when off. */
int64_t rfl_keep_due_ms(const struct rfl_keep *keep);
/* The ask to send, with views into *keep. */
void rfl_keep_ask(const struct rfl_keep *keep, enum rfl_message_kind kind, struct rfl_ask *ask);
void rfl_keep_sent(struct rfl_keep *keep, enum rfl_message_kind kind, uint64_t correlation, int64_t now_ms);

/* An answer with the correlation sent last. True when the caller's user should hear it: a Subscribed, or a refusal
 * that asking again cannot change (the keeping has then stopped). */
bool rfl_keep_answer(struct rfl_keep *keep, const struct rfl_reply *reply);
/* Some other ask was answered NOT_SUBSCRIBED. */
void rfl_keep_lost(struct rfl_keep *keep);

#endif
