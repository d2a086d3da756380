#include "rfl_policy_diff.h"

struct diff {
    const struct rfl_policy *policy[2];
    const struct rfl_diff_options *options;
    struct rfl_diff_work *work;
    void (*found)(void *ctx, const struct rfl_space *space, const struct rfl_difference *difference);
    void *ctx;
    struct rfl_area_no area;
    struct rfl_box whole[RFL_SPACE_WHOLE_MAX];
    uint32_t whole_count;
};

/* One space for all moments of an area, so that differences of two moments can be compared. */
static void cut_all(struct rfl_space *space, const struct rfl_policy *policy, struct rfl_area_no area)
{
    for (uint32_t i = 0; i < policy->advice_count; i++)
        if (policy->advice[i].area.v == 0 || policy->advice[i].area.v == area.v)
            rfl_space_cut(space, &policy->advice[i].when);
    for (uint32_t i = 0; i < policy->rule_count; i++)
        if (!policy->rule[i].shadow && (policy->rule[i].area.v == 0 || policy->rule[i].area.v == area.v))
            rfl_space_cut(space, &policy->rule[i].when);
}

/* Makes *a the box of both when nobody who can exist is in it but those of either: a door and a source that no source
 * may combine do not keep two boxes apart. */
static bool join(const struct diff *d, struct rfl_box *a, const struct rfl_box *b)
{
    struct rfl_box both = *a, some;
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        if (f != RFL_FIELD_DOOR && f != RFL_FIELD_SOURCE && a->set[f] != b->set[f])
            return rfl_box_merge(a, b);
        both.set[f] |= b->set[f];
    }
    for (uint32_t i = 0; i < d->whole_count; i++) {
        if (!rfl_box_intersect(&both, &d->whole[i], &some))
            continue;
        struct rfl_box in_a, in_b;
        bool some_a = rfl_box_intersect(a, &some, &in_a), some_b = rfl_box_intersect(b, &some, &in_b);
        if (some_a && some_b && !rfl_box_merge(&in_a, &in_b))
            return false;
        if (!rfl_box_within(&some, some_a ? &in_a : &in_b))
            return false;
    }
    *a = both;
    return true;
}

static bool same_people_elsewhere(const struct rfl_difference *a, const struct rfl_difference *b)
{
    return a->from.v == b->from.v && a->to.v == b->to.v && a->by_from.advice == b->by_from.advice &&
           a->by_from.rule == b->by_from.rule && a->by_to.advice == b->by_to.advice && a->by_to.rule == b->by_to.rule;
}

/* Whether everybody who can exist in the box is in one of the differences that are like the first. */
static bool all_of_them(const struct diff *d, const struct rfl_box *box, const struct rfl_difference *list,
                        uint32_t count)
{
    struct rfl_box (*left)[RFL_DIFF_PIECES_MAX] = d->work->left;
    uint32_t pieces = 0;
    unsigned now = 0;
    for (uint32_t i = 0; i < d->whole_count; i++)
        pieces += rfl_box_intersect(box, &d->whole[i], &left[now][pieces]) ? 1 : 0;
    for (uint32_t i = 0; i < count && pieces > 0; i++) {
        if (!same_people_elsewhere(&list[0], &list[i]))
            continue;
        uint32_t after = 0;
        for (uint32_t p = 0; p < pieces; p++) {
            if (after + RFL_FIELD_COUNT > RFL_DIFF_PIECES_MAX)
                return false;
            after += rfl_box_subtract(&left[now][p], &list[i].box, &left[1 - now][after]);
        }
        now = 1 - now;
        pieces = after;
    }
    return pieces == 0;
}

/* One rule is written for one kind of people, and other rules and sources cut it up: when the box around all pieces has
 * nobody else in it, it is said instead of them. */
static void join_groups(const struct diff *d, struct rfl_difference *list, uint32_t *count)
{
    for (uint32_t i = 0; i < *count; i++) {
        struct rfl_box both = list[i].box;
        uint32_t first = 0;
        while (!same_people_elsewhere(&list[first], &list[i]))
            first++;
        if (first < i)
            continue;                   /* tried with the first of them */
        for (uint32_t j = i + 1; j < *count; j++)
            for (unsigned f = 0; same_people_elsewhere(&list[i], &list[j]) && f < RFL_FIELD_COUNT; f++)
                both.set[f] |= list[j].box.set[f];
        if (!all_of_them(d, &both, &list[i], *count - i))
            continue;
        list[i].box = both;
        uint32_t kept = i + 1;
        for (uint32_t j = i + 1; j < *count; j++)
            if (!same_people_elsewhere(&list[i], &list[j]))
                list[kept++] = list[j];
        *count = kept;
    }
}

static void join_all(const struct diff *d, struct rfl_difference *list, uint32_t *count)
{
    join_groups(d, list, count);
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 0; i < *count; i++) {
            for (uint32_t j = i + 1; j < *count; j++) {
                if (!same_people_elsewhere(&list[i], &list[j]) || !join(d, &list[i].box, &list[j].box))
                    continue;
                list[j--] = list[--*count];
                again = true;
            }
        }
    }
}

static struct rfl_decider decider_of(const struct rfl_policy *policy, const struct rfl_cell *cell)
{
    bool advised = cell->advice != 0 && policy->advice[cell->advice - 1].to.v != 0;
    return (struct rfl_decider){ advised ? cell->advice : 0, cell->rule };
}

static enum rfl_err add(struct rfl_difference *list, uint32_t *count, const struct rfl_difference *difference)
{
    if (*count == RFL_DIFFERENCES_MAX)
        return RFL_E_FULL;
    list[(*count)++] = *difference;
    return RFL_E_OK;
}

static enum rfl_err compare_cells(struct diff *d, struct rfl_difference *list, uint32_t *count)
{
    const struct rfl_cells *a = &d->work->cells[0], *b = &d->work->cells[1];
    struct rfl_difference one = { .area = d->area };
    for (uint32_t i = 0; i < a->count; i++) {
        for (uint32_t j = 0; j < b->count; j++) {
            if (a->cell[i].queue.v == b->cell[j].queue.v ||
                !rfl_box_intersect(&a->cell[i].box, &b->cell[j].box, &one.box))
                continue;
            one.from = a->cell[i].queue;
            one.to = b->cell[j].queue;
            one.by_from = decider_of(d->policy[0], &a->cell[i]);
            one.by_to = decider_of(d->policy[1], &b->cell[j]);
            if (add(list, count, &one) != RFL_E_OK)
                return RFL_E_FULL;
        }
    }
    return RFL_E_OK;
}

/* In a policy without the area its people are somebody else's: all of them differ, and where they go is not this
 * area's to say. */
static enum rfl_err only_one(struct diff *d, bool in_from, struct rfl_difference *list, uint32_t *count)
{
    const struct rfl_cells *cells = &d->work->cells[in_from ? 0 : 1];
    for (uint32_t i = 0; i < cells->count; i++) {
        const struct rfl_cell *cell = &cells->cell[i];
        struct rfl_difference one = { .area = d->area, .box = cell->box };
        *(in_from ? &one.from : &one.to) = cell->queue;
        *(in_from ? &one.by_from : &one.by_to) = decider_of(d->policy[in_from ? 0 : 1], cell);
        if (add(list, count, &one) != RFL_E_OK)
            return RFL_E_FULL;
    }
    return RFL_E_OK;
}

static enum rfl_err at_moment(struct diff *d, int64_t at_ms, struct rfl_difference *list, uint32_t *count)
{
    bool alive[2];
    *count = 0;
    for (unsigned i = 0; i < 2; i++) {
        const struct rfl_area *area = rfl_policy_area(d->policy[i], d->area);
        alive[i] = area != NULL && rfl_area_alive(area, at_ms);
        if (alive[i] && rfl_cells_make(&d->work->space, i, at_ms, &d->work->cells[i]) != RFL_E_OK)
            return RFL_E_FULL;
    }
    enum rfl_err err = RFL_E_OK;
    if (alive[0] && alive[1])
        err = compare_cells(d, list, count);
    else if (alive[0] || alive[1])
        err = only_one(d, alive[0], list, count);
    join_all(d, list, count);
    return err;
}

static bool same_list(const struct rfl_diff_work *work)
{
    if (work->count[0] != work->count[1])
        return false;
    for (uint32_t i = 0; i < work->count[0]; i++)
        if (!same_people_elsewhere(&work->list[0][i], &work->list[1][i]) ||
            memcmp(&work->list[0][i].box, &work->list[1][i].box, sizeof work->list[0][i].box) != 0)
            return false;
    return true;
}

static void tell(struct diff *d, unsigned which, int64_t from_ms, int64_t until_ms)
{
    for (uint32_t i = 0; i < d->work->count[which]; i++) {
        struct rfl_difference *one = &d->work->list[which][i];
        one->from_ms = from_ms;
        one->until_ms = until_ms;
        d->found(d->ctx, &d->work->space, one);
    }
}

static int64_t end_of(const struct diff *d)
{
    int64_t end_ms = 0;
    for (unsigned i = 0; i < 2; i++) {
        const struct rfl_area *area = rfl_policy_area(d->policy[i], d->area);
        if (area != NULL && area->until_ms > end_ms)
            end_ms = area->until_ms;
    }
    return end_ms;
}

/* list[0]: what was found at the moments from since_ms to now; list[1]: at this one. */
static enum rfl_err over_time(struct diff *d)
{
    struct rfl_diff_work *work = d->work;
    uint32_t dates = 0;
    int64_t since_ms = 0;
    enum rfl_err err = rfl_cells_dates(d->policy[0], d->policy[1], d->area, d->options->from_ms, work->date, &dates);
    if (err != RFL_E_OK)
        return err;
    int64_t end_ms = end_of(d);
    if (d->options->at_one_moment) {
        end_ms = dates > 1 ? work->date[1] : end_ms;
        dates = dates > 0 && work->date[0] == d->options->from_ms ? 1 : 0;
    }
    work->count[0] = 0;
    for (uint32_t i = 0; i < dates; i++) {
        if ((err = at_moment(d, work->date[i], work->list[1], &work->count[1])) != RFL_E_OK)
            break;
        if (same_list(work))
            continue;
        tell(d, 0, since_ms, work->date[i]);
        since_ms = work->date[i];
        memcpy(work->list[0], work->list[1], work->count[1] * sizeof work->list[0][0]);
        work->count[0] = work->count[1];
    }
    if (err == RFL_E_OK)
        tell(d, 0, since_ms, end_ms);
    return err;
}

static enum rfl_err look_at_area(struct diff *d, struct rfl_area_no area)
{
    struct rfl_space *space = &d->work->space;
    d->area = area;
    rfl_space_begin(space, d->policy[0], d->policy[1], area);
    cut_all(space, d->policy[0], area);
    cut_all(space, d->policy[1], area);
    if (rfl_space_finish(space) != RFL_E_OK)
        return RFL_E_FULL;
    d->whole_count = rfl_space_whole(space, d->whole);
    return over_time(d);
}

enum rfl_err rfl_policy_diff(const struct rfl_policy *from, const struct rfl_policy *to,
                             const struct rfl_diff_options *options, struct rfl_diff_work *work,
                             void (*found)(void *ctx, const struct rfl_space *space,
                                           const struct rfl_difference *difference), void *ctx)
{
    struct diff d = { .policy = { from, to }, .options = options, .work = work, .found = found, .ctx = ctx };
    enum rfl_err err = RFL_E_OK;
    assert(from->compiled && to->compiled);
    for (uint32_t i = 0; i < from->area_count && err == RFL_E_OK; i++)
        err = look_at_area(&d, from->area[i].id);
    for (uint32_t i = 0; i < to->area_count && err == RFL_E_OK; i++)
        if (rfl_policy_area(from, to->area[i].id) == NULL)
            err = look_at_area(&d, to->area[i].id);
    return err;
}
