#include "rfl_whatif.h"

#include "rfl_wordlist.h"

RFL_WORD_BODIES(FATE, fate, RFL_FATE_LIST)

void rfl_whatif_init(struct rfl_whatif *w, const struct rfl_policy *policy)
{
    memset(w, 0, sizeof *w);
    w->policy = policy;
    w->until_ms = INT64_MAX;
}

static enum rfl_fate kind_of(const struct rfl_policy *policy, const struct rfl_decision *before,
                               const struct rfl_decision *after)
{
    bool was_desk = before->verdict != RFL_ROUTE_TO, is_desk = after->verdict != RFL_ROUTE_TO;
    if (rfl_policy_queue(policy, after->queue) == NULL)
        return RFL_FATE_NO_OWNER;
    if (before->queue.v == after->queue.v)
        return RFL_FATE_SAME;
    if (was_desk)
        return is_desk ? RFL_FATE_OTHER_DESK : RFL_FATE_TO_AREA;
    if (is_desk)
        return RFL_FATE_TO_TRIAGE;
    return before->area.v == after->area.v ? RFL_FATE_OTHER_QUEUE : RFL_FATE_OTHER_AREA;
}

static void count_pair(struct rfl_whatif *w, struct rfl_queue_no before, struct rfl_queue_no after, enum rfl_fate kind)
{
    for (uint32_t i = 0; i < w->pair_count; i++) {
        struct rfl_whatif_pair *pair = &w->pair[i];
        if (pair->before.v == before.v && pair->after.v == after.v && pair->kind == kind) {
            pair->count++;
            return;
        }
    }
    if (w->pair_count == RFL_WHATIF_PAIRS) {
        w->pair[RFL_WHATIF_PAIRS].count++;
        return;
    }
    w->pair[w->pair_count++] = (struct rfl_whatif_pair){ before, after, (uint8_t)kind, 1 };
}

/* ---- people in queues ---- */

/* Position among the policy's queues, plus one; 0: it has no such queue. */
static uint16_t place_of(const struct rfl_policy *policy, struct rfl_queue_no queue)
{
    const struct rfl_queue *found = rfl_policy_queue(policy, queue);
    return found == NULL ? 0 : (uint16_t)(found - policy->queue + 1);
}

static int32_t *day_of(const struct rfl_whatif *w, unsigned side, uint32_t queue, uint32_t day)
{
    return &w->change[((size_t)side * w->policy->queue_count + queue) * w->days + day];
}

/* A day before the first counts as the first: whoever came earlier is there already. After the last: nothing. */
static void change_on(struct rfl_whatif *w, int64_t at_ms, const struct rfl_whatif_case *kase, int32_t by,
                      bool next_day)
{
    int64_t day = (int64_t)rfl_date_days(rfl_london_date(at_ms)) - w->first_day + (next_day ? 1 : 0);
    if (day < 0)
        day = 0;
    if (day >= w->days)
        return;
    if (kase->before != 0)
        *day_of(w, 0, kase->before - 1u, (uint32_t)day) += by;
    if (kase->after != 0)
        *day_of(w, 1, kase->after - 1u, (uint32_t)day) += by;
}

static void came(struct rfl_whatif *w, const struct rfl_entry *entry, const struct rfl_decision *after)
{
    if (w->change == NULL || entry->kase.v >= w->case_count)
        return;
    struct rfl_whatif_case *kase = &w->cases[entry->kase.v];
    if (kase->before != 0 || kase->after != 0)
        return;                         /* joined, amended: it has its place */
    kase->before = place_of(w->policy, entry->decided.decision.queue);
    kase->after = place_of(w->policy, after->queue);
    change_on(w, entry->wall_ms, kase, 1, false);
}

static void went(struct rfl_whatif *w, const struct rfl_entry *entry)
{
    if (w->change == NULL || entry->kase.v >= w->case_count)
        return;
    for (uint32_t i = 0; i < entry->event_count; i++)
        if (entry->events[i].kind == RFL_EVENT_CLOSED) {
            change_on(w, entry->wall_ms, &w->cases[entry->kase.v], -1, true);
            w->cases[entry->kase.v] = (struct rfl_whatif_case){ 0, 0 };
        }
}

void rfl_whatif_room(const struct rfl_whatif *w, uint32_t queue, struct rfl_whatif_room *out)
{
    uint32_t *days[2] = { &out->days_before, &out->days_after }, *peak[2] = { &out->peak_before, &out->peak_after };
    uint32_t capacity = w->policy->queue[queue].capacity;
    memset(out, 0, sizeof *out);
    for (unsigned side = 0; w->change != NULL && side < 2; side++) {
        int64_t people = 0;
        for (uint32_t day = 0; day < w->days; day++) {
            people += *day_of(w, side, queue, day);
            if (people > *peak[side])
                *peak[side] = (uint32_t)people;
            *days[side] += capacity != 0 && people > capacity;
        }
    }
}

/* ---- an entry ---- */

void rfl_whatif_take(struct rfl_whatif *w, const struct rfl_entry *entry, struct rfl_whatif_one *out)
{
    memset(out, 0, sizeof *out);
    went(w, entry);
    if (!entry->has_decided || entry->wall_ms < w->since_ms || entry->wall_ms >= w->until_ms)
        return;
    const struct rfl_decision *before = &entry->decided.decision;
    rfl_route(w->policy, &entry->decided.facts, w->at_ms != 0 ? w->at_ms : entry->wall_ms, &out->after);
    enum rfl_fate kind = kind_of(w->policy, before, &out->after);
    out->kind = (uint8_t)kind;
    w->replayed++;
    w->looked_up += entry->decided.facts.clue[RFL_KEY_POSTCODE].grade != RFL_GRADE_ABSENT ||
                    entry->decided.facts.clue[RFL_KEY_GP_PRACTICE].grade != RFL_GRADE_ABSENT;
    w->count[kind]++;
    if (kind != RFL_FATE_SAME)
        count_pair(w, before->queue, out->after.queue, kind);
    came(w, entry, &out->after);
}
