#include "rfl_cells.h"

/* ---- moments ---- */

struct dates { int64_t *at; uint32_t count; int64_t from_ms, until_ms; bool full; };

static void add_date(struct dates *d, int64_t at_ms)
{
    uint32_t low = 0, high = d->count;
    if (at_ms < d->from_ms || at_ms >= d->until_ms)
        return;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (d->at[middle] < at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < d->count && d->at[low] == at_ms)
        return;
    if (d->count == RFL_DATES_MAX) {
        d->full = true;
        return;
    }
    memmove(d->at + low + 1, d->at + low, (d->count - low) * sizeof *d->at);
    d->at[low] = at_ms;
    d->count++;
}

/* The dates of an area's queues, and of all queues once a rule of every area leads somewhere else. */
static void add_policy(struct dates *d, const struct rfl_policy *policy, struct rfl_area_no area)
{
    bool elsewhere = false;
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct rfl_rule *rule = &policy->rule[i];
        if (rule->area.v != 0 && rule->area.v != area.v)
            continue;
        add_date(d, rule->from_ms);
        add_date(d, rule->until_ms);
        if (rule->answer == RFL_ANSWER_NOT_YET)
            add_date(d, rule->retry_ms);
        elsewhere = elsewhere || rule->area.v == 0;
    }
    for (uint32_t i = 0; i < policy->advice_count; i++) {
        const struct rfl_advice *advice = &policy->advice[i];
        if (advice->area.v != 0 && advice->area.v != area.v)
            continue;
        add_date(d, advice->from_ms);
        add_date(d, advice->until_ms);
        elsewhere = elsewhere || advice->area.v == 0;
    }
    for (uint32_t i = 0; i < policy->queue_count; i++) {
        if (!elsewhere && policy->queue[i].area.v != area.v)
            continue;
        add_date(d, policy->queue[i].opens_ms);
        add_date(d, policy->queue[i].closes_ms);
    }
}

enum rfl_err rfl_cells_dates(const struct rfl_policy *policy, const struct rfl_policy *other, struct rfl_area_no area,
                             int64_t from_ms, int64_t dates[RFL_DATES_MAX], uint32_t *count)
{
    const struct rfl_policy *both[] = { policy, other };
    struct dates d = { .at = dates, .from_ms = RFL_NO_END_MS };
    for (unsigned i = 0; i < 2 && both[i] != NULL; i++) {
        const struct rfl_area *one = rfl_policy_area(both[i], area);
        if (one == NULL || one->until_ms <= from_ms)
            continue;
        int64_t begins_ms = one->from_ms > from_ms ? one->from_ms : from_ms;
        d.from_ms = begins_ms < d.from_ms ? begins_ms : d.from_ms;
        d.until_ms = one->until_ms > d.until_ms ? one->until_ms : d.until_ms;
    }
    add_date(&d, d.from_ms);
    for (unsigned i = 0; i < 2 && both[i] != NULL; i++) {
        const struct rfl_area *one = rfl_policy_area(both[i], area);
        if (one != NULL) {
            add_date(&d, one->from_ms);
            add_date(&d, one->until_ms);
        }
        add_policy(&d, both[i], area);
    }
    if (d.full)
        return RFL_E_FULL;
    *count = d.count;
    return RFL_E_OK;
}

/* ---- what counts ---- */

bool rfl_cells_rule_counts(const struct rfl_rule *rule, struct rfl_area_no area, int64_t at_ms)
{
    return !rule->shadow && (rule->area.v == 0 || rule->area.v == area.v) && at_ms >= rule->from_ms &&
           at_ms < rule->until_ms && (rule->answer != RFL_ANSWER_NOT_YET || at_ms < rule->retry_ms);
}

bool rfl_cells_advice_counts(const struct rfl_advice *advice, struct rfl_area_no area, int64_t at_ms)
{
    return (advice->area.v == 0 || advice->area.v == area.v) && at_ms >= advice->from_ms && at_ms < advice->until_ms;
}

void rfl_cells_cut(struct rfl_space *space, const struct rfl_policy *policy, struct rfl_area_no area, int64_t at_ms)
{
    for (uint32_t i = 0; i < policy->advice_count; i++)
        if (rfl_cells_advice_counts(&policy->advice[i], area, at_ms))
            rfl_space_cut(space, &policy->advice[i].when);
    for (uint32_t i = 0; i < policy->rule_count; i++)
        if (rfl_cells_rule_counts(&policy->rule[i], area, at_ms))
            rfl_space_cut(space, &policy->rule[i].when);
}

/* ---- dividing ---- */

struct division {
    const struct rfl_space *space;
    unsigned which;
    int64_t at_ms;
    struct rfl_cells *out;
    unsigned from;                              /* which of the two lists is pending */
    uint32_t count;                             /* boxes in it */
    bool full;
};

static void put_cell(struct division *d, const struct rfl_box *box, uint32_t advice, uint32_t rule)
{
    if (d->out->count == RFL_CELLS_MAX) {
        d->full = true;
        return;
    }
    d->out->cell[d->out->count++] = (struct rfl_cell){ .box = *box, .advice = (uint16_t)advice,
                                                       .rule = (uint16_t)rule };
}

/* What is pending and meets the condition becomes cells; the rest is pending. */
static void divide(struct division *d, const struct rfl_condition *when, uint32_t advice, uint32_t rule)
{
    const struct rfl_box *pending = d->out->pending[d->from];
    struct rfl_box *rest = d->out->pending[1 - d->from], hit, box;
    uint32_t kept = 0;
    rfl_space_box(d->space, d->which, when, &box);
    if (rfl_box_empty(&box))
        return;
    for (uint32_t i = 0; i < d->count && !d->full; i++) {
        if (kept + RFL_FIELD_COUNT > RFL_CELLS_MAX) {
            d->full = true;
            return;
        }
        if (rfl_box_intersect(&pending[i], &box, &hit))
            put_cell(d, &hit, advice, rule);
        kept += rfl_box_subtract(&pending[i], &box, rest + kept);
    }
    d->from = 1 - d->from;
    d->count = kept;
}

static void divide_by_rules(struct division *d, uint32_t advice)
{
    const struct rfl_policy *policy = d->space->policy[d->which];
    for (uint32_t i = 0; i < policy->rule_count && d->count > 0 && !d->full; i++)
        if (rfl_cells_rule_counts(&policy->rule[i], d->space->area, d->at_ms))
            divide(d, &policy->rule[i].when, advice, i + 1);
    for (uint32_t i = 0; i < d->count && !d->full; i++)
        put_cell(d, &d->out->pending[d->from][i], advice, 0);
}

/* Each in turn, so that one profile is looked at where many are meant. */
static void ask(const struct division *d, struct rfl_cell *cell)
{
    struct rfl_profile witness;
    struct rfl_decision decision;
    rfl_space_witness(d->space, d->which, &cell->box, &witness);
    rfl_route_profile(d->space->policy[d->which], d->space->area, &witness, d->at_ms, NULL, 0, NULL, &decision);
    assert(decision.advice == cell->advice && decision.rule == cell->rule);
    cell->verdict = decision.verdict;
    cell->reason = decision.reason;
    cell->queue = decision.queue;
}

enum rfl_err rfl_cells_make(const struct rfl_space *space, unsigned which, int64_t at_ms, struct rfl_cells *out)
{
    const struct rfl_policy *policy = space->policy[which];
    struct division d = { .space = space, .which = which, .at_ms = at_ms, .out = out };
    out->count = 0;
    d.count = rfl_space_whole(space, out->pending[0]);
    for (uint32_t i = 0; i < policy->advice_count && !d.full; i++)
        if (rfl_cells_advice_counts(&policy->advice[i], space->area, at_ms))
            divide(&d, &policy->advice[i].when, i + 1, 0);
    /* Where an advice names a queue, it decides; where it only says something, or there is none, the rules do. Those
     * cells are taken back, one advice after the other: they are in the order of the advice. */
    uint32_t advised = d.full ? 0 : out->count;
    divide_by_rules(&d, 0);
    for (uint32_t i = 0; i < advised && !d.full; i++) {
        struct rfl_cell *cell = &out->cell[i];
        if (policy->advice[cell->advice - 1].to.v != 0)
            continue;
        uint16_t advice = cell->advice;
        d.count = 1;
        d.out->pending[d.from][0] = cell->box;
        cell->advice = 0;                       /* marked: replaced by the cells that follow */
        divide_by_rules(&d, advice);
    }
    if (d.full)
        return RFL_E_FULL;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < out->count; i++)
        if (i >= advised || out->cell[i].advice != 0)
            out->cell[kept++] = out->cell[i];
    out->count = kept;
    for (uint32_t i = 0; i < out->count; i++)
        ask(&d, &out->cell[i]);
    return RFL_E_OK;
}
