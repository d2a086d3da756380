#include "rfl_policy.h"
#include "rfl_policy_index.h"

const char *rfl_policy_rule_text(enum rfl_policy_rule rule)
{
#define RFL_X(name, text, remedy) text,
    static const char *const texts[] = { RFL_POLICY_RULE_LIST(RFL_X) };
#undef RFL_X
    return (unsigned)rule < RFL_POLICY_RULE_COUNT ? texts[rule] : "unknown rule";
}

const char *rfl_policy_rule_remedy(enum rfl_policy_rule rule)
{
#define RFL_X(name, text, remedy) remedy,
    static const char *const remedies[] = { RFL_POLICY_RULE_LIST(RFL_X) };
#undef RFL_X
    return (unsigned)rule < RFL_POLICY_RULE_COUNT ? remedies[rule] : "";
}

struct check {
    const struct rfl_policy *policy;
    void (*found)(void *ctx, const struct rfl_policy_finding *finding);
    void *ctx;
    uint32_t count;
};

static void report(struct check *check, struct rfl_policy_finding finding)
{
    check->count++;
    if (check->found != NULL)
        check->found(check->ctx, &finding);
}

static bool owns(const struct check *check, const struct rfl_area *area, struct rfl_queue_no id,
                 enum rfl_queue_kind kind)
{
    const struct rfl_queue *queue = rfl_policy_queue(check->policy, id);
    return queue != NULL && queue->kind == kind && queue->area.v == area->id.v;
}

static void check_sub_icbs(struct check *check, const struct rfl_area *area, uint32_t index)
{
    const struct rfl_policy *policy = check->policy;
    const struct rfl_successor *one = rfl_policy_successor(policy, area, index);
    for (uint32_t i = 0; i < one->sub_count; i++) {
        for (uint32_t other = index + 1; other < area->successor_count; other++) {
            const struct rfl_successor *two = rfl_policy_successor(policy, area, other);
            if (two->sub_count != 0 && rfl_policy_successor_takes(policy, two, policy->sub_code[one->sub_first + i]))
                report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_SUB_ICB_TWICE, .area = area->id,
                                                           .other_area = two->to });
        }
    }
}

static uint32_t successors_at_end(const struct rfl_policy *policy, const struct rfl_area *area)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < area->successor_count; i++)
        count += rfl_policy_successor(policy, area, i)->from_ms == area->until_ms;
    return count;
}

static void check_successor(struct check *check, const struct rfl_area *area, uint32_t index)
{
    const struct rfl_successor *successor = rfl_policy_successor(check->policy, area, index);
    const struct rfl_area *to = rfl_policy_area(check->policy, successor->to);
    struct rfl_policy_finding finding = { .area = area->id, .other_area = successor->to };
    bool boundary = successor->sub_count != 0 && successor->from_ms > area->from_ms &&
                    successor->from_ms < area->until_ms;
    if (to == NULL)
        finding.rule = RFL_POLICY_RULE_SUCCESSOR_ABSENT;
    else if (to == area)
        finding.rule = RFL_POLICY_RULE_SUCCESSOR_ITSELF;
    else if (!boundary && area->until_ms == RFL_NO_END_MS)
        finding.rule = RFL_POLICY_RULE_SUCCESSOR_OF_LIVE_AREA;
    else if (!boundary && successor->from_ms != area->until_ms)
        finding.rule = RFL_POLICY_RULE_SUCCESSOR_DATE;
    else if (!rfl_area_alive(to, successor->from_ms))
        finding.rule = RFL_POLICY_RULE_SUCCESSOR_NOT_ALIVE;
    else if (successor->sub_count == 0 && successors_at_end(check->policy, area) > 1)
        finding.rule = RFL_POLICY_RULE_SUCCESSOR_MIXED;
    if (finding.rule != RFL_POLICY_RULE_NONE)
        report(check, finding);
    check_sub_icbs(check, area, index);
}

static void check_area(struct check *check, const struct rfl_area *area, bool has_alias)
{
    if (!owns(check, area, area->intake, RFL_QUEUE_KIND_PROVIDER))
        report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_AREA_NO_INTAKE, .area = area->id,
                                                   .queue = area->intake });
    if (!owns(check, area, area->triage, RFL_QUEUE_KIND_TRIAGE))
        report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_AREA_NO_TRIAGE, .area = area->id,
                                                   .queue = area->triage });
    if (!has_alias)
        report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_AREA_NO_ALIAS, .area = area->id });
    if (area->until_ms != RFL_NO_END_MS && successors_at_end(check->policy, area) == 0)
        report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_AREA_NO_SUCCESSOR, .area = area->id });
    for (uint32_t i = 0; i < area->successor_count; i++)
        check_successor(check, area, i);
}

static bool has_alias(const struct rfl_policy *policy, struct rfl_area_no area)
{
    for (uint32_t i = 0; i < policy->alias_count; i++)
        if (policy->alias[i].area.v == area.v)
            return true;
    return false;
}

/* Aliases are in order of their code, so those that could disagree are neighbours. */
static void check_alias(struct check *check, uint32_t index)
{
    const struct rfl_policy *policy = check->policy;
    const struct rfl_alias *one = &policy->alias[index];
    const struct rfl_area *area = rfl_policy_area(policy, one->area);
    if (area == NULL)
        report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_ALIAS_AREA_ABSENT, .area = one->area });
    else if (one->from_ms < area->from_ms || one->until_ms > area->until_ms)
        report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_ALIAS_OUTSIDE_AREA, .area = one->area });
    for (uint32_t i = index + 1; i < policy->alias_count; i++) {
        const struct rfl_alias *two = &policy->alias[i];
        if (!rfl__code_same(one->code, two->code))
            break;
        if (one->from_ms < two->until_ms && two->from_ms < one->until_ms)
            report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_ALIAS_AMBIGUOUS, .area = one->area,
                                                       .other_area = two->area });
    }
}

static void check_queue(struct check *check, const struct rfl_queue *queue)
{
    const struct rfl_policy *policy = check->policy;
    int64_t clock_ms_max = RFL_WORKTIME_DAYS_MAX * policy->calendar.day_ms;
    struct rfl_policy_finding finding = { .area = queue->area, .queue = queue->id };
    if (queue->kind != RFL_QUEUE_KIND_NATIONAL && rfl_policy_area(policy, queue->area) == NULL) {
        finding.rule = RFL_POLICY_RULE_QUEUE_AREA_ABSENT;
        report(check, finding);
    }
    if (queue->owner.len == 0 || queue->lead.len == 0) {
        finding.rule = RFL_POLICY_RULE_QUEUE_NO_OWNER;
        report(check, finding);
    }
    for (unsigned i = RFL_CLOCK_NONE + 1; i < RFL_CLOCK_COUNT; i++) {
        if (queue->clock_ms[i] > clock_ms_max) {
            finding.rule = RFL_POLICY_RULE_CLOCK_TOO_LONG;
            finding.clock = (enum rfl_clock)i;
            report(check, finding);
        }
    }
    if (rfl_policy_clock_ms(policy, queue->id, RFL_CLOCK_LEASE) >
        rfl_policy_clock_ms(policy, queue->id, RFL_CLOCK_ACCEPT)) {
        finding.rule = RFL_POLICY_RULE_CLOCK_LEASE;
        finding.clock = RFL_CLOCK_LEASE;
        report(check, finding);
    }
}

static void check_default_clocks(struct check *check)
{
    const struct rfl_policy *policy = check->policy;
    for (unsigned i = RFL_CLOCK_NONE + 1; i < RFL_CLOCK_COUNT; i++) {
        struct rfl_policy_finding finding = { .clock = (enum rfl_clock)i };
        if (policy->clock_ms[i] == 0)
            finding.rule = RFL_POLICY_RULE_CLOCK_MISSING;
        else if (policy->clock_ms[i] > RFL_WORKTIME_DAYS_MAX * policy->calendar.day_ms)
            finding.rule = RFL_POLICY_RULE_CLOCK_TOO_LONG;
        if (finding.rule != RFL_POLICY_RULE_NONE)
            report(check, finding);
    }
}

static void check_jobcentre(struct check *check, const struct rfl_jobcentre *office)
{
    const struct rfl_area *area = rfl_policy_area(check->policy, office->area);
    struct rfl_policy_finding finding = { .area = office->area };
    if (area == NULL)
        finding.rule = RFL_POLICY_RULE_JOBCENTRE_AREA_ABSENT;
    else if (area->code[0] == '\0')
        finding.rule = RFL_POLICY_RULE_JOBCENTRE_UNKNOWABLE;
    if (finding.rule != RFL_POLICY_RULE_NONE)
        report(check, finding);
}

static void check_source(struct check *check, const struct rfl_source *source)
{
    const struct rfl_area *area = rfl_policy_area(check->policy, source->area);
    struct rfl_policy_finding finding = { .area = source->area, .source = source->id };
    if (source->area.v == 0)
        return;
    if (area == NULL)
        finding.rule = RFL_POLICY_RULE_SOURCE_AREA_ABSENT;
    else if (area->code[0] == '\0')
        finding.rule = RFL_POLICY_RULE_SOURCE_UNKNOWABLE;
    if (finding.rule != RFL_POLICY_RULE_NONE)
        report(check, finding);
}

static void check_cell(struct check *check, enum rfl_door door, enum rfl_disclosed row)
{
    const struct rfl_disclosure *cell = rfl_policy_disclosure(check->policy, door, row);
    const struct rfl_disclosure *first = rfl_policy_disclosure(check->policy, door, RFL_DISCLOSED_CLOSED_PERSON);
    const struct rfl_disclosure *waiting = rfl_policy_disclosure(check->policy, door, RFL_DISCLOSED_WAITING);
    struct rfl_policy_finding finding = { .door = door, .row = row };
    if (cell->provider)
        finding.rule = RFL_POLICY_RULE_DOOR_PROVIDER;
    else if (cell->reason)
        finding.rule = RFL_POLICY_RULE_DOOR_REASON;
    else if (row >= RFL_DISCLOSED_CLOSED_PERSON && cell->tell != first->tell)
        finding.rule = RFL_POLICY_RULE_DOOR_CLOSINGS;
    else if (row == RFL_DISCLOSED_HELD && cell->tell != RFL_TELL_NOTHING && cell->tell != waiting->tell)
        finding.rule = RFL_POLICY_RULE_DOOR_PATH;
    else if ((row == RFL_DISCLOSED_REDIRECTED || row == RFL_DISCLOSED_STARTED || row == RFL_DISCLOSED_OUTCOME) &&
             cell->tell != RFL_TELL_NOTHING)
        finding.rule = RFL_POLICY_RULE_DOOR_PATH;
    if (finding.rule != RFL_POLICY_RULE_NONE)
        report(check, finding);
}

/* Through a protected door nobody may learn whether a person said no, could not be reached or was not eligible: not
 * from a word, not from a name or a reason, and not from hearing of a step that only some people come to. */
static void check_door(struct check *check, enum rfl_door door)
{
    struct rfl_policy_finding finding = { .door = door };
    for (unsigned row = RFL_DISCLOSED_CLOSED_PERSON; row < RFL_DISCLOSED_COUNT; row++) {
        if (rfl_policy_disclosure(check->policy, door, (enum rfl_disclosed)row)->tell != RFL_TELL_NOTHING)
            continue;
        finding.rule = RFL_POLICY_RULE_DOOR_UNTOLD;
        finding.row = (enum rfl_disclosed)row;
        report(check, finding);
    }
    if ((check->policy->protected_doors >> door & 1) == 0)
        return;
    if (rfl_policy_sees_place(check->policy, door))
        report(check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_DOOR_PLACE, .door = door });
    for (unsigned row = 0; row < RFL_DISCLOSED_COUNT; row++)
        check_cell(check, door, (enum rfl_disclosed)row);
}

uint32_t rfl_policy_check(const struct rfl_policy *policy,
                          void (*found)(void *ctx, const struct rfl_policy_finding *finding), void *ctx)
{
    struct check check = { .policy = policy, .found = found, .ctx = ctx };
    assert(policy->compiled);
    if (policy->area_count == 0)
        report(&check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_NO_AREA });
    if (policy->national_triage.v == 0)
        report(&check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_NO_NATIONAL_TRIAGE });
    check_default_clocks(&check);
    for (uint32_t i = 0; i < policy->area_count; i++)
        check_area(&check, &policy->area[i], has_alias(policy, policy->area[i].id));
    for (uint32_t i = 0; i < policy->successor_count; i++)
        if (rfl_policy_area(policy, policy->successor[i].area) == NULL)
            report(&check, (struct rfl_policy_finding){ .rule = RFL_POLICY_RULE_SUCCESSOR_ABSENT,
                                                        .area = policy->successor[i].area });
    for (uint32_t i = 0; i < policy->alias_count; i++)
        check_alias(&check, i);
    for (uint32_t i = 0; i < policy->queue_count; i++)
        check_queue(&check, &policy->queue[i]);
    for (uint32_t i = 0; i < policy->source_count; i++)
        check_source(&check, &policy->source[i]);
    for (uint32_t i = 0; i < policy->jobcentre_count; i++)
        check_jobcentre(&check, &policy->jobcentre[i]);
    for (unsigned door = RFL_DOOR_NONE + 1; door < RFL_DOOR_COUNT; door++)
        check_door(&check, (enum rfl_door)door);
    return check.count + rfl__check_rules(policy, found, ctx);
}
