/* Where a case that waits goes when its area has changed under it. */
#include "rfl_decide_int.h"

#include "rfl_lineage.h"

/* A desk's work goes to a desk, a provider's to a provider who has not said no; a desk where there is none. An
 * operator's hold or diversion of the new queue counts as it does for a new referral. */
static const struct rfl_queue *home_of(const struct rfl__deciding *d)
{
    const struct rfl_queue *was = rfl_policy_queue(d->policy, d->before->queue);
    const struct rfl_queue *home = rfl_policy_queue(d->policy, d->command->decision->queue);
    const struct rfl_queue *other = rfl_policy_queue(d->policy, d->command->target);
    bool provider = was != NULL && was->kind == RFL_QUEUE_KIND_PROVIDER && d->before->status != RFL_STATUS_TRIAGE;
    if (home == NULL)
        return rfl_policy_national_triage(d->policy);
    if (provider && other != NULL && rfl__takes_cases(d, other))
        home = other;
    if (provider && (home->kind != RFL_QUEUE_KIND_PROVIDER ||
                     (!d->command->target_held && !rfl__said_no(d->before, home->id))))
        return home;
    return rfl_policy_triage_of(d->policy, home->area, d->now_ms);
}

/* Its clock runs on, but not past the day on which it is decided again. */
enum rfl_err rfl__decide_rehome(const struct rfl__deciding *d)
{
    const struct rfl_queue *home = home_of(d);
    assert(home != NULL);
    if (home->id.v == d->before->queue.v)
        return RFL_E_INVALID;
    bool stranded = d->before->status == RFL_STATUS_QUEUED && home->kind != RFL_QUEUE_KIND_PROVIDER;
    struct rfl_event *event = rfl__add(d, stranded ? RFL_EVENT_UNHOMED : RFL_EVENT_REHOMED);
    event->queue = home->id;
    event->area = home->area;
    event->reason = RFL_ROUTE_REASON_AREA_CHANGED;
    int64_t day_ms = d->command->decision->verdict == RFL_ROUTE_NOT_YET ? d->command->decision->retry_ms : 0;
    if ((stranded || d->before->status == RFL_STATUS_TRIAGE) && day_ms != 0 && day_ms < d->before->due_ms)
        rfl__add(d, RFL_EVENT_PUT_OFF)->until_ms = day_ms;
    return RFL_E_OK;
}
