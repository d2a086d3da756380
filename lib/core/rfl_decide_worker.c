/* What a worker does with an offer, and with a case that it has. */
#include "rfl_decide_int.h"

static int64_t lease_end(const struct rfl__deciding *d)
{
    struct rfl_run run;
    if (d->command->lease_ms > 0)
        return d->now_ms + d->command->lease_ms;
    rfl_policy_run(d->policy, d->before->queue, RFL_CLOCK_LEASE, d->now_ms, &run);
    return run.due_ms;
}

static enum rfl_err decide_redirect(const struct rfl__deciding *d)
{
    const struct rfl_case *before = d->before;
    const struct rfl_queue *target = rfl_policy_queue(d->policy, d->command->target);
    bool leads_on = target != NULL && target->id.v != before->queue.v && rfl__takes_cases(d, target);
    if (!leads_on && !d->command->diverted)
        return RFL_E_INVALID;
    rfl__add(d, RFL_EVENT_REDIRECTED)->reason = d->command->reason;
    const struct rfl_queue *triage = rfl_policy_triage_of(d->policy, before->area, d->now_ms);
    if (before->hops >= rfl_policy_hops_max(d->policy))
        rfl__add_unplaced(d, triage, RFL_ROUTE_REASON_HOP_BUDGET);
    else if (target != NULL && rfl__said_no(before, target->id))
        rfl__add_unplaced(d, triage, RFL_ROUTE_REASON_SAID_NO_BEFORE);
    else if (!leads_on)         /* the diversion leads back to who has just said "not us": triage decides */
        rfl__add_unplaced(d, triage, RFL_ROUTE_REASON_DIVERTED);
    else if (d->command->target_held)
        rfl__add_unplaced(d, triage, RFL_ROUTE_REASON_QUEUE_ON_HOLD);
    else
        rfl__add_routed(d, target, RFL_ROUTE_REASON_REDIRECTED, d->now_ms);
    return RFL_E_OK;
}

static enum rfl_err decide_defer(const struct rfl__deciding *d)
{
    if (d->command->until_ms <= d->now_ms || d->command->until_ms > rfl__hold_end_max_ms(d))
        return RFL_E_INVALID;
    (void)rfl__add_until(d, RFL_EVENT_DEFERRED, RFL_CLOCK_HOLD, d->command->until_ms);
    return RFL_E_OK;
}

static enum rfl_err decide_contact(const struct rfl__deciding *d)
{
    enum rfl_clock clock = d->before->status == RFL_STATUS_ACTIVE ? RFL_CLOCK_OUTCOME_LATER : RFL_CLOCK_FOLLOW_UP;
    struct rfl_event *event = d->command->reached
        ? rfl__add_run(d, RFL_EVENT_CONTACTED, d->before->queue, clock) : rfl__add(d, RFL_EVENT_TRIED);
    event->code = d->command->code;
    return RFL_E_OK;
}

static enum rfl_err decide_outcome(const struct rfl__deciding *d)
{
    bool closed = d->before->status == RFL_STATUS_CLOSED;
    if (closed && d->now_ms - d->before->closed_ms > rfl_policy_outcome_ms(d->policy))
        return RFL_E_STATE;
    struct rfl_event *event = closed
        ? rfl__add(d, RFL_EVENT_OUTCOME)
        : rfl__add_run(d, RFL_EVENT_OUTCOME, d->before->queue, RFL_CLOCK_OUTCOME_LATER);
    event->code = d->command->code;
    return RFL_E_OK;
}

static enum rfl_err decide_close(const struct rfl__deciding *d)
{
    if (d->command->reason == RFL_CLOSE_UNREACHABLE && !rfl__tried_enough(d))
        return RFL_E_STATE;
    rfl__add_closed(d, (enum rfl_close)d->command->reason);
    return RFL_E_OK;
}

static enum rfl_err decide_offer(const struct rfl__deciding *d)
{
    struct rfl_event *event = rfl__add_until(d, RFL_EVENT_OFFERED, RFL_CLOCK_LEASE, lease_end(d));
    event->token = d->command->token;
    event->holder = d->command->holder;
    return RFL_E_OK;
}

static enum rfl_err decide_touch(const struct rfl__deciding *d)
{
    if (d->before->touches >= rfl_policy_touches_max(d->policy))
        return RFL_E_STATE;
    (void)rfl__add_until(d, RFL_EVENT_TOUCHED, RFL_CLOCK_LEASE, lease_end(d));
    return RFL_E_OK;
}

static enum rfl_err decide_start(const struct rfl__deciding *d)
{
    struct rfl_event *event = rfl__add_run(d, RFL_EVENT_STARTED, d->before->queue, RFL_CLOCK_OUTCOME_FIRST);
    event->code = d->command->code;
    event->level = d->command->barrier;
    return RFL_E_OK;
}

/* Back to the place in the queue that it had; the deadline for a yes went on running, escalated or not: a case that is
 * offered and returned for ever is somebody's superior's business on time. */
static enum rfl_err decide_return(const struct rfl__deciding *d)
{
    (void)rfl__add_until(d, RFL_EVENT_RETURNED,
                         d->before->escalation == 0 ? RFL_CLOCK_ACCEPT : RFL_CLOCK_ESCALATED, d->before->accept_by_ms);
    return RFL_E_OK;
}

enum rfl_err rfl__decide_worker(const struct rfl__deciding *d)
{
    switch (d->command->kind) {
    case RFL_DO_OFFER: return decide_offer(d);
    case RFL_DO_ACCEPT:
        (void)rfl__add_run(d, RFL_EVENT_ACCEPTED, d->before->queue, RFL_CLOCK_CONTACT);
        return RFL_E_OK;
    case RFL_DO_DECLINE:
        rfl__add_run(d, RFL_EVENT_DECLINED, d->before->queue, RFL_CLOCK_DECLINE)->reason = d->command->reason;
        return RFL_E_OK;
    case RFL_DO_REDIRECT: return decide_redirect(d);
    case RFL_DO_DEFER: return decide_defer(d);
    case RFL_DO_TOUCH: return decide_touch(d);
    case RFL_DO_CONTACT: return decide_contact(d);
    case RFL_DO_START: return decide_start(d);
    case RFL_DO_OUTCOME: return decide_outcome(d);
    case RFL_DO_CLOSE: return decide_close(d);
    case RFL_DO_RETURN: return decide_return(d);
    case RFL_DO_RECEIVE: case RFL_DO_EXPIRE: case RFL_DO_AMEND: case RFL_DO_WITHDRAW: case RFL_DO_RESEMBLE:
    case RFL_DO_PLACE: case RFL_DO_SEND_BACK: case RFL_DO_HOLD: case RFL_DO_RELEASE: case RFL_DO_SHUT:
    case RFL_DO_LINK: case RFL_DO_UNLINK: case RFL_DO_FOLLOW: case RFL_DO_ERASE: case RFL_DO_KEEP:
    case RFL_DO_UNKEEP: case RFL_DO_REVEAL: case RFL_DO_REHOME: case RFL_DO_COUNT: break;
    }
    assert(false && "not a worker's verb");
    return RFL_E_STATE;
}
