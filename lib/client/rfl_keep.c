#include "rfl_keep.h"

#include <stdlib.h>

static bool name_fits(struct rfl_view name)
{
    return name.len > 0 && name.len <= RFL_NAME_BYTES_MAX;
}

static bool arguments_fit(struct rfl_view worker, const struct rfl_view *queues, uint32_t queue_count,
                          uint32_t credit)
{
    if (!name_fits(worker) || queue_count == 0 || queue_count > RFL_QUEUES_PER_WORKER_MAX)
        return false;
    for (uint32_t i = 0; i < queue_count; i++)
        if (!name_fits(queues[i]))
            return false;
    return credit > 0 && credit <= RFL_CREDIT_MAX;
}

enum rfl_err rfl_keep_start(struct rfl_keep *keep, struct rfl_view worker, const struct rfl_view *queues,
                            uint32_t queue_count, uint32_t credit)
{
    if (!arguments_fit(worker, queues, queue_count, credit))
        return RFL_E_INVALID;
    struct rfl_keep made = { .on = true, .asked = RFL_MSG_SUBSCRIBE, .now = true, .ping_ms = keep->ping_ms,
                             .credit = credit, .worker_bytes = worker.len, .queue_count = queue_count };
    memcpy(made.worker, worker.p, worker.len);
    made.queue = calloc(queue_count, sizeof *made.queue);
    made.names = calloc(queue_count, RFL_NAME_BYTES_MAX);
    if (made.queue == NULL || made.names == NULL) {
        free(made.queue);
        free(made.names);
        return RFL_E_MEMORY;
    }
    for (uint32_t i = 0; i < queue_count; i++) {
        uint8_t *name = made.names + (size_t)i * RFL_NAME_BYTES_MAX;
        memcpy(name, queues[i].p, queues[i].len);
        made.queue[i] = (struct rfl_view){ name, queues[i].len };
    }
    rfl_keep_stop(keep);
    *keep = made;
    return RFL_E_OK;
}

void rfl_keep_stop(struct rfl_keep *keep)
{
    free(keep->queue);
    free(keep->names);
    *keep = (struct rfl_keep){ .ping_ms = keep->ping_ms };
}

int64_t rfl_keep_due_ms(const struct rfl_keep *keep)
{
    if (!keep->on)
        return INT64_MAX;
    return keep->now ? INT64_MIN : keep->asked_ms + keep->ping_ms;
}

enum rfl_message_kind rfl_keep_next(const struct rfl_keep *keep, int64_t now_ms)
{
    if (now_ms < rfl_keep_due_ms(keep) || !keep->on)
        return RFL_MSG_NONE;
    return keep->asked == RFL_MSG_NONE ? RFL_MSG_PING : RFL_MSG_SUBSCRIBE;
}

void rfl_keep_ask(const struct rfl_keep *keep, enum rfl_message_kind kind, struct rfl_ask *ask)
{
    assert(keep->on && (kind == RFL_MSG_PING || kind == RFL_MSG_SUBSCRIBE));
    memset(ask, 0, sizeof *ask);
    ask->kind = (uint8_t)kind;
    ask->worker = (struct rfl_view){ (const uint8_t *)keep->worker, keep->worker_bytes };
    if (kind == RFL_MSG_PING)
        return;
    ask->credit = keep->credit;
    ask->names = keep->queue;
    ask->names_count = keep->queue_count;
}

void rfl_keep_sent(struct rfl_keep *keep, enum rfl_message_kind kind, uint64_t correlation, int64_t now_ms)
{
    keep->asked = (uint8_t)kind;
    keep->correlation = correlation;
    keep->asked_ms = now_ms;
    keep->now = false;
}

void rfl_keep_lost(struct rfl_keep *keep)
{
    if (!keep->on || keep->asked == RFL_MSG_SUBSCRIBE)
        return;
    keep->asked = RFL_MSG_SUBSCRIBE;
    keep->now = true;
}

bool rfl_keep_answer(struct rfl_keep *keep, const struct rfl_reply *reply)
{
    keep->correlation = 0;
    if (reply->kind != RFL_MSG_REFUSAL) {
        keep->asked = RFL_MSG_NONE;
        return reply->kind == RFL_MSG_SUBSCRIBED;
    }
    enum rfl_code code = (enum rfl_code)reply->refusal.code;
    if (code == RFL_CODE_NOT_SUBSCRIBED) {
        rfl_keep_lost(keep);
        return false;
    }
    if (rfl_code_retryable(code)) {
        keep->asked = RFL_MSG_SUBSCRIBE;        /* after ping_ms: the daemon is busy or on its way out */
        return false;
    }
    rfl_keep_stop(keep);
    return true;
}
