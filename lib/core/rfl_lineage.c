#include "rfl_lineage.h"

const struct rfl_successor *rfl_lineage_successor(const struct rfl_policy *policy, const struct rfl_area *area,
                                                  const char sub_icb[RFL_CODE_BYTES], int64_t after_ms, int64_t at_ms)
{
    const struct rfl_successor *whole = NULL;
    for (uint32_t i = 0; i < area->successor_count; i++) {
        const struct rfl_successor *one = rfl_policy_successor(policy, area, i);
        if (one->from_ms > at_ms || one->from_ms <= after_ms || !rfl_policy_successor_takes(policy, one, sub_icb))
            continue;
        if (one->sub_count != 0)
            return one;
        whole = whole == NULL ? one : whole;
    }
    return whole;
}

/* The one area that took over everything at the end; NULL: several did, or none. */
static const struct rfl_area *taken_over_by(const struct rfl_policy *policy, const struct rfl_area *area)
{
    const struct rfl_area *to = NULL;
    for (uint32_t i = 0; i < area->successor_count; i++) {
        const struct rfl_successor *one = rfl_policy_successor(policy, area, i);
        if (one->from_ms < area->until_ms)
            continue;               /* a part that had left before */
        if (to != NULL || one->sub_count != 0)
            return NULL;
        to = rfl_policy_area(policy, one->to);
    }
    return to;
}

const struct rfl_area *rfl_lineage_heir(const struct rfl_policy *policy, struct rfl_area_no id, int64_t at_ms)
{
    const struct rfl_area *area = rfl_policy_area(policy, id);
    for (uint32_t steps = 0; area != NULL && area->until_ms <= at_ms && steps <= policy->area_count; steps++)
        area = taken_over_by(policy, area);
    return area != NULL && rfl_area_alive(area, at_ms) ? area : NULL;
}

bool rfl_lineage_gone(const struct rfl_policy *policy, struct rfl_queue_no id, int64_t at_ms)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, id);
    const struct rfl_area *area = queue != NULL ? rfl_policy_area(policy, queue->area) : NULL;
    return area != NULL && area->until_ms <= at_ms;
}

static struct rfl_queue_no same_kind(const struct rfl_queue *queue, const struct rfl_area *area)
{
    return queue->kind == RFL_QUEUE_KIND_PROVIDER ? area->intake : area->triage;
}

struct rfl_queue_no rfl_lineage_queue(const struct rfl_policy *policy, struct rfl_queue_no id, int64_t at_ms)
{
    if (!rfl_lineage_gone(policy, id, at_ms))
        return id;
    const struct rfl_queue *queue = rfl_policy_queue(policy, id);
    const struct rfl_area *heir = rfl_lineage_heir(policy, queue->area, at_ms);
    return heir != NULL ? same_kind(queue, heir) : policy->national_triage;
}

static uint32_t add_once(struct rfl_queue_no *list, uint32_t count, struct rfl_queue_no queue)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i].v == queue.v)
            return count;
    if (count < RFL_LINEAGE_QUEUES_MAX)
        list[count++] = queue;
    return count;
}

/* Breadth first over the areas that follow; ended ones among them stand in the list until they are looked at. */
uint32_t rfl_lineage_queues(const struct rfl_policy *policy, struct rfl_queue_no id, int64_t at_ms,
                            struct rfl_queue_no out[RFL_LINEAGE_QUEUES_MAX])
{
    struct rfl_queue_no seen[RFL_LINEAGE_QUEUES_MAX];
    uint32_t seen_count = 0, count = 0;
    if (!rfl_lineage_gone(policy, id, at_ms))
        return 0;
    const struct rfl_queue *queue = rfl_policy_queue(policy, id);
    seen_count = add_once(seen, seen_count, id);
    for (uint32_t at = 0; at < seen_count; at++) {
        const struct rfl_queue *of = rfl_policy_queue(policy, seen[at]);
        const struct rfl_area *area = of != NULL ? rfl_policy_area(policy, of->area) : NULL;
        if (area == NULL)
            continue;
        if (area->until_ms > at_ms) {
            count = add_once(out, count, of->id);
            continue;
        }
        for (uint32_t i = 0; i < area->successor_count; i++) {
            const struct rfl_area *to = rfl_policy_area(policy, rfl_policy_successor(policy, area, i)->to);
            if (to != NULL)
                seen_count = add_once(seen, seen_count, same_kind(queue, to));
        }
    }
    return count;
}

int64_t rfl_lineage_changed_ms(const struct rfl_policy *policy, struct rfl_area_no id, int64_t at_ms)
{
    const struct rfl_area *area = rfl_policy_area(policy, id);
    int64_t changed_ms = area != NULL && area->until_ms <= at_ms ? area->until_ms : 0;
    for (uint32_t i = 0; area != NULL && i < area->successor_count; i++) {
        const struct rfl_successor *one = rfl_policy_successor(policy, area, i);
        if (one->from_ms <= at_ms && one->from_ms > changed_ms)
            changed_ms = one->from_ms;
    }
    return changed_ms;
}

int64_t rfl_lineage_next_ms(const struct rfl_policy *policy, int64_t at_ms)
{
    int64_t next_ms = INT64_MAX;
    for (uint32_t i = 0; i < policy->area_count; i++)
        if (policy->area[i].until_ms > at_ms && policy->area[i].until_ms < next_ms)
            next_ms = policy->area[i].until_ms;
    for (uint32_t i = 0; i < policy->successor_count; i++)
        if (policy->successor[i].from_ms > at_ms && policy->successor[i].from_ms < next_ms)
            next_ms = policy->successor[i].from_ms;
    return next_ms;
}
