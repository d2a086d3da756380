/* Where a referral goes when queues may be full, and what was put off until a day and is decided again on it. */
#include "rfl_engine_int.h"

enum { LOOK_BACK_MAX = 1000 };                  /* entries of one case that are read to find its decision */

static uint64_t between(const struct rfl_engine *e, enum rfl_index index, uint64_t from, uint64_t past)
{
    const struct rfl_order first = { from, 0, 0 }, end = { past, 0, 0 };
    return rfl_store_rank(e->store, index, &end) - rfl_store_rank(e->store, index, &first);
}

/* Those who wait in a queue and those who are worked on there, but for `own`: nobody is in their own way. */
static uint64_t load_of(const struct rfl_engine *e, struct rfl_queue_no queue, const struct rfl_case *own)
{
    uint64_t count = between(e, RFL_INDEX_QUEUE, (uint64_t)queue.v << 16, ((uint64_t)queue.v + 1) << 16) +
                     between(e, RFL_INDEX_WORK, queue.v, queue.v + 1u);
    if (own != NULL && own->queue.v == queue.v) {
        struct rfl_keys keys;
        rfl_keys_of(own, &keys);
        count -= (keys.has[RFL_INDEX_QUEUE] ? 1u : 0u) + (keys.has[RFL_INDEX_WORK] ? 1u : 0u);
    }
    return count;
}

void rfl__route(const struct rfl_engine *e, struct rfl_facts *facts, const struct rfl_case *own,
                struct rfl_decision *out)
{
    facts->full_count = 0;
    memset(facts->full, 0, sizeof facts->full);
    for (;;) {
        rfl_route(e->policy, facts, e->now.wall_ms, out);
        const struct rfl_queue *queue = rfl_policy_queue(e->policy, out->queue);
        if (queue == NULL || queue->capacity == 0 || facts->full_count == RFL_FULL_MAX ||
            load_of(e, queue->id, own) < queue->capacity)
            return;
        facts->full[facts->full_count++] = queue->id;
    }
}

bool rfl__is_placed(const struct rfl_entry *entry)
{
    for (uint32_t i = 0; i < entry->event_count; i++) {
        const struct rfl_event *event = &entry->events[i];
        bool places = event->kind == RFL_EVENT_ROUTED || event->kind == RFL_EVENT_UNPLACED ||
                      event->kind == RFL_EVENT_HELD || event->kind == RFL_EVENT_REHOMED ||
                      event->kind == RFL_EVENT_UNHOMED;
        if (places && event->reason != RFL_ROUTE_REASON_HOLD_ENDED && event->reason != RFL_ROUTE_REASON_SENT_BACK &&
            event->reason != RFL_ROUTE_REASON_CONSENT_GONE && event->reason != RFL_ROUTE_REASON_AMENDED)
            return true;
    }
    return false;
}

/* The decision that brought the case where it is; false: there is none, or somebody has moved it since. */
static bool decision_of(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_decided *out)
{
    struct rfl_entry entry;
    struct rfl_seq seq = kase->last_seq;
    for (unsigned i = 0; i < LOOK_BACK_MAX && seq.v != 0; i++, seq = entry.prev_of_case) {
        if (rfl_store_entry(e->store, seq, &entry) != RFL_E_OK)
            return false;
        if (!rfl__is_placed(&entry))
            continue;
        *out = entry.decided;
        return entry.has_decided && out->decision.queue.v == kase->queue.v;
    }
    return false;
}

void rfl__put_off(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_command *command,
                  struct rfl_entry *entry)
{
    struct rfl_decided decided;
    const struct rfl_queue *desk = rfl_policy_queue(e->policy, kase->queue);
    if (desk == NULL || desk->kind == RFL_QUEUE_KIND_PROVIDER || !decision_of(e, kase, &decided) ||
        decided.decision.verdict != RFL_ROUTE_NOT_YET)
        return;
    bool is_due = decided.decision.retry_ms <= e->now.wall_ms;
    command->until_ms = is_due ? e->now.wall_ms : decided.decision.retry_ms;
    if (!is_due || kase->status != RFL_STATUS_TRIAGE)
        return;
    entry->has_decided = true;
    entry->decided.facts = decided.facts;
    rfl__route(e, &entry->decided.facts, kase, &entry->decided.decision);
    command->decision = &entry->decided.decision;
    rfl__where(e, entry->decided.decision.queue, command);
}
