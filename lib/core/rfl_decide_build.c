/* Events with their clocks, and the places people are given. */
#include "rfl_decide_int.h"

struct rfl_event *rfl__add(const struct rfl__deciding *d, enum rfl_event_kind kind)
{
    assert(d->out->count < RFL_EVENTS_PER_COMMAND_MAX);
    struct rfl_event *event = &d->out->list[d->out->count++];
    memset(event, 0, sizeof *event);
    event->kind = (uint8_t)kind;
    return event;
}

struct rfl_event *rfl__add_until(const struct rfl__deciding *d, enum rfl_event_kind kind, enum rfl_clock clock,
                                 int64_t due_ms)
{
    struct rfl_event *event = rfl__add(d, kind);
    event->clock = (uint8_t)clock;
    event->due_ms = due_ms;
    return event;
}

struct rfl_event *rfl__add_run(const struct rfl__deciding *d, enum rfl_event_kind kind, struct rfl_queue_no queue,
                               enum rfl_clock clock)
{
    struct rfl_run run;
    rfl_policy_run(d->policy, queue, clock, d->now_ms, &run);
    struct rfl_event *event = rfl__add_until(d, kind, clock, run.due_ms);
    event->half_ms = run.half_ms;
    event->most_ms = run.most_ms;
    return event;
}

void rfl__add_routed(const struct rfl__deciding *d, const struct rfl_queue *queue, enum rfl_route_reason reason,
                     int64_t since_ms)
{
    struct rfl_event *event = rfl__add_run(d, RFL_EVENT_ROUTED, queue->id, RFL_CLOCK_ACCEPT);
    event->queue = queue->id;
    event->area = queue->area;
    event->reason = (uint8_t)reason;
    event->since_ms = since_ms;
    event->accept_by_ms = event->due_ms;
}

void rfl__end_by(struct rfl_event *event, int64_t until_ms)
{
    if (until_ms == 0 || until_ms >= event->due_ms)
        return;
    event->due_ms = until_ms;
    event->half_ms = event->half_ms < until_ms ? event->half_ms : until_ms;
    event->most_ms = event->most_ms < until_ms ? event->most_ms : until_ms;
}

void rfl__add_unplaced(const struct rfl__deciding *d, const struct rfl_queue *triage, enum rfl_route_reason reason)
{
    struct rfl_event *event = rfl__add_run(d, RFL_EVENT_UNPLACED, triage->id, RFL_CLOCK_TRIAGE);
    event->queue = triage->id;
    event->area = triage->area;
    event->reason = (uint8_t)reason;
    /* Passed round once too often: not the desk but its lead, by name, decides now. */
    event->level = reason == RFL_ROUTE_REASON_HOP_BUDGET || reason == RFL_ROUTE_REASON_SAID_NO_BEFORE ? 1 : 0;
}

void rfl__add_given_back(const struct rfl__deciding *d, enum rfl_route_reason reason)
{
    rfl__add_unplaced(d, rfl_policy_triage_of(d->policy, d->before->area, d->now_ms), reason);
    rfl__end_by(&d->out->list[d->out->count - 1], d->command->until_ms);
}

void rfl__add_closed(const struct rfl__deciding *d, enum rfl_close reason)
{
    struct rfl_event *event = rfl__add(d, RFL_EVENT_CLOSED);
    event->reason = (uint8_t)reason;
    if (reason == RFL_CLOSE_PERSON_DECLINED)
        event->until_ms = d->now_ms + rfl_policy_quiet_ms(d->policy);
}

bool rfl__said_no(const struct rfl_case *kase, struct rfl_queue_no queue)
{
    for (unsigned i = 0; i < kase->declined_count; i++)
        if (kase->declined_by[i].v == queue.v)
            return true;
    return false;
}

bool rfl__takes_cases(const struct rfl__deciding *d, const struct rfl_queue *queue)
{
    const struct rfl_area *area = rfl_policy_area(d->policy, queue->area);
    return queue->kind == RFL_QUEUE_KIND_PROVIDER && queue->opens_ms <= d->now_ms && d->now_ms < queue->closes_ms &&
           area != NULL && rfl_area_alive(area, d->now_ms);
}

int64_t rfl__hold_end_max_ms(const struct rfl__deciding *d)
{
    struct rfl_run run;
    rfl_policy_run(d->policy, d->before->queue, RFL_CLOCK_HOLD, d->now_ms, &run);
    return run.due_ms;
}

bool rfl__tried_enough(const struct rfl__deciding *d)
{
    unsigned channels = 0;
    for (unsigned bits = d->before->tried_channels; bits != 0; bits >>= 1)
        channels += bits & 1;
    return d->before->tries >= rfl_policy_attempts_min(d->policy) && channels >= rfl_policy_channels_min(d->policy);
}
