/* What a clock does: warns, releases, gives back, asks the superior. */
#include "rfl_decide_int.h"

static enum rfl_err decide_lapse(const struct rfl__deciding *d)
{
    const struct rfl_case *before = d->before;
    (void)rfl__add_until(d, RFL_EVENT_LAPSED, before->escalation == 0 ? RFL_CLOCK_ACCEPT : RFL_CLOCK_ESCALATED,
                         before->accept_by_ms);
    if (before->lapses + 1u >= rfl_policy_offers_max(d->policy))
        (void)rfl__add_run(d, RFL_EVENT_PARKED, before->queue, RFL_CLOCK_PARKED);
    return RFL_E_OK;
}

enum rfl_err rfl__decide_release(const struct rfl__deciding *d, enum rfl_route_reason reason)
{
    const struct rfl_case *before = d->before;
    const struct rfl_queue *home = rfl_policy_queue(d->policy, before->queue);
    const struct rfl_queue *other = rfl_policy_queue(d->policy, d->command->target);
    const struct rfl_queue *queue = other != NULL ? other : home;
    int64_t since_ms = before->since_ms > 0 ? before->since_ms : before->opened_ms;
    (void)rfl__add(d, RFL_EVENT_RELEASED);
    bool may_return = queue != NULL && !rfl__said_no(before, queue->id);
    if (may_return && rfl__takes_cases(d, queue) && !d->command->target_held)
        rfl__add_routed(d, queue, reason, since_ms);
    else if (other != NULL && other->kind != RFL_QUEUE_KIND_PROVIDER)
        rfl__add_unplaced(d, other, reason);
    else
        rfl__add_given_back(d, reason);
    return RFL_E_OK;
}

/* A warning that came together with a later one is not told twice; the last thing is what matters. */
static enum rfl_err decide_warning(const struct rfl__deciding *d)
{
    rfl__add(d, RFL_EVENT_WARNED)->level = d->before->most_ms <= d->now_ms ? 2 : 1;
    return RFL_E_OK;
}

enum rfl_err rfl__decide_expire(const struct rfl__deciding *d)
{
    const struct rfl_case *before = d->before;
    if (before->clock == RFL_CLOCK_NONE || before->linked_to.v != 0 || rfl_case_next_ms(before) > d->now_ms)
        return RFL_E_STATE;
    if (d->command->decision != NULL && before->status == RFL_STATUS_TRIAGE) {
        rfl__decide_again(d);
        return RFL_E_OK;
    }
    if (before->clock == RFL_CLOCK_LEASE)
        return decide_lapse(d);
    if (before->due_ms > d->now_ms)
        return decide_warning(d);
    if (before->clock == RFL_CLOCK_HOLD)
        return rfl__decide_release(d, RFL_ROUTE_REASON_HOLD_ENDED);
    struct rfl_event *event = rfl__add_run(d, RFL_EVENT_ESCALATED, before->queue, RFL_CLOCK_ESCALATED);
    rfl__end_by(event, before->status == RFL_STATUS_TRIAGE ? d->command->until_ms : 0);
    event->level = before->escalation < UINT8_MAX ? (uint8_t)(before->escalation + 1) : UINT8_MAX;
    return RFL_E_OK;
}
