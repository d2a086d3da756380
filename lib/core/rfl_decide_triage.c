/* What triage and other operators may do to a case. Who and why are the entry's business (lib/engine). */
#include "rfl_decide_int.h"

#include "rfl_lineage.h"

static bool is_waiting(const struct rfl_case *kase)
{
    return kase->status == RFL_STATUS_TRIAGE || kase->status == RFL_STATUS_QUEUED;
}

/* Whether the case may be put there. */
static bool target_ok(const struct rfl__deciding *d, const struct rfl_queue *target)
{
    if (target == NULL || (is_waiting(d->before) && target->id.v == d->before->queue.v))
        return false;
    if (target->kind != RFL_QUEUE_KIND_PROVIDER)
        return !rfl_lineage_gone(d->policy, target->id, d->now_ms);
    return rfl__takes_cases(d, target) && !d->command->target_held &&
           ((d->command->kind == RFL_DO_PLACE && d->command->override_no) || !rfl__said_no(d->before, target->id));
}

static enum rfl_route_reason place_reason(const struct rfl__deciding *d)
{
    return rfl__said_no(d->before, d->command->target) ? RFL_ROUTE_REASON_PLACED_DESPITE_NO : RFL_ROUTE_REASON_PLACED;
}

static enum rfl_err decide_place(const struct rfl__deciding *d)
{
    const struct rfl_queue *target = rfl_policy_queue(d->policy, d->command->target);
    if (!target_ok(d, target))
        return RFL_E_INVALID;
    (void)rfl__add(d, RFL_EVENT_MOVED);
    if (target->kind == RFL_QUEUE_KIND_PROVIDER)
        rfl__add_routed(d, target, place_reason(d), d->before->since_ms > 0 ? d->before->since_ms
                                                                            : d->before->opened_ms);
    else
        rfl__add_unplaced(d, target, RFL_ROUTE_REASON_PLACED);
    return RFL_E_OK;
}

/* Back to who declined, with a new deadline and the old place in line. A queue that takes nobody any more sends the
 * case to triage. */
static enum rfl_err decide_send_back(const struct rfl__deciding *d)
{
    const struct rfl_queue *queue = rfl_policy_queue(d->policy, d->before->queue);
    (void)rfl__add(d, RFL_EVENT_SENT_BACK);
    if (queue != NULL && rfl__takes_cases(d, queue))
        rfl__add_routed(d, queue, RFL_ROUTE_REASON_SENT_BACK, d->before->since_ms);
    else
        rfl__add_given_back(d, RFL_ROUTE_REASON_SENT_BACK);
    return RFL_E_OK;
}

static enum rfl_err decide_hold(const struct rfl__deciding *d)
{
    if (d->command->until_ms <= d->now_ms || d->command->until_ms > rfl__hold_end_max_ms(d))
        return RFL_E_INVALID;
    (void)rfl__add_until(d, RFL_EVENT_PAUSED, RFL_CLOCK_HOLD, d->command->until_ms);
    return RFL_E_OK;
}

static enum rfl_err decide_operator_release(const struct rfl__deciding *d)
{
    bool asked = d->command->target.v != 0 && !d->command->diverted;
    if (asked && !target_ok(d, rfl_policy_queue(d->policy, d->command->target)))
        return RFL_E_INVALID;
    return rfl__decide_release(d, asked ? place_reason(d) : RFL_ROUTE_REASON_HOLD_ENDED);
}

static enum rfl_err decide_shut(const struct rfl__deciding *d)
{
    if (d->command->reason == RFL_CLOSE_UNREACHABLE && !rfl__tried_enough(d))
        return RFL_E_STATE;
    rfl__add_closed(d, (enum rfl_close)d->command->reason);
    return RFL_E_OK;
}

static enum rfl_err decide_link(const struct rfl__deciding *d)
{
    if (d->command->other.v == 0 || d->command->other.v == d->before->id.v)
        return RFL_E_INVALID;
    rfl__add(d, RFL_EVENT_LINKED)->other = d->command->other;
    return RFL_E_OK;
}

/* A case whose referrals were all taken back while it rested has nobody to go on for. */
static enum rfl_err decide_unlink(const struct rfl__deciding *d)
{
    bool linked = d->before->linked_to.v != 0;
    rfl__add(d, RFL_EVENT_UNLINKED)->other = linked ? d->before->linked_to : d->before->resembles;
    if (linked && d->before->withdrawn_count == d->before->referral_count)
        rfl__add_closed(d, RFL_CLOSE_WITHDRAWN_BY_REFERRER);
    return RFL_E_OK;
}

enum rfl_err rfl__decide_triage(const struct rfl__deciding *d)
{
    switch (d->command->kind) {
    case RFL_DO_PLACE: return decide_place(d);
    case RFL_DO_SEND_BACK: return decide_send_back(d);
    case RFL_DO_HOLD: return decide_hold(d);
    case RFL_DO_RELEASE: return decide_operator_release(d);
    case RFL_DO_SHUT: return decide_shut(d);
    case RFL_DO_LINK: return decide_link(d);
    case RFL_DO_UNLINK: return decide_unlink(d);
    case RFL_DO_RECEIVE: case RFL_DO_OFFER: case RFL_DO_ACCEPT: case RFL_DO_DECLINE: case RFL_DO_REDIRECT:
    case RFL_DO_DEFER: case RFL_DO_TOUCH: case RFL_DO_CONTACT: case RFL_DO_START: case RFL_DO_OUTCOME:
    case RFL_DO_CLOSE: case RFL_DO_RETURN: case RFL_DO_EXPIRE: case RFL_DO_AMEND: case RFL_DO_WITHDRAW:
    case RFL_DO_RESEMBLE: case RFL_DO_FOLLOW: case RFL_DO_ERASE: case RFL_DO_KEEP: case RFL_DO_UNKEEP:
    case RFL_DO_REVEAL: case RFL_DO_REHOME: case RFL_DO_COUNT: break;
    }
    assert(false && "not an operator's verb");
    return RFL_E_STATE;
}
