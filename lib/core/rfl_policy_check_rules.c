/* What can be wrong with places, room and rules, as far as one look at each can say; rfl_prove.h looks at all of them
 * together. */
#include "rfl_policy.h"
#include "rfl_policy_index.h"

struct check {
    const struct rfl_policy *policy;
    void (*found)(void *ctx, const struct rfl_policy_finding *finding);
    void *ctx;
    uint32_t count;
};

static void report(struct check *check, enum rfl_policy_rule rule, struct rfl_policy_finding finding)
{
    finding.rule = rule;
    check->count++;
    if (check->found != NULL)
        check->found(check->ctx, &finding);
}

static bool is_provider_of(const struct rfl_policy *policy, struct rfl_queue_no id, struct rfl_area_no area)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, id);
    return queue != NULL && queue->kind == RFL_QUEUE_KIND_PROVIDER && (area.v == 0 || queue->area.v == area.v);
}

static void check_place(struct check *check, const struct rfl_place *place)
{
    const struct rfl_policy *policy = check->policy;
    const struct rfl_area *area = rfl_policy_area(policy, place->area);
    struct rfl_policy_finding finding = { .area = place->area, .place = place->id };
    if (area == NULL) {
        report(check, RFL_POLICY_RULE_PLACE_AREA_ABSENT, finding);
        return;
    }
    uint32_t at = (uint32_t)(place - policy->place);
    if (at - area->place_first == RFL_PLACES_PER_AREA_MAX)
        report(check, RFL_POLICY_RULE_PLACES_TOO_MANY, finding);
    for (uint32_t i = 0; i < place->code_count; i++)
        if (rfl_policy_place_of_code(policy, area, policy->place_code[place->code_first + i]) !=
            at - area->place_first + 1)
            report(check, RFL_POLICY_RULE_PLACE_CODE_TWICE, finding);
}

/* ---- overflow ---- */

struct walk { const struct check *check; struct rfl_queue_no start; uint32_t met; bool circle, long_; };

/* As rfl_route follows it: first to last, each with all that it leads to. */
static void follow_overflow(struct walk *walk, const struct rfl_queue *queue, unsigned depth)
{
    for (uint32_t i = 0; queue != NULL && i < queue->overflow_count && !walk->circle && !walk->long_; i++) {
        if (queue->overflow[i].v == walk->start.v)
            walk->circle = true;
        else if (++walk->met >= RFL_FULL_MAX || depth == RFL_OVERFLOW_MAX)
            walk->long_ = true;
        else
            follow_overflow(walk, rfl_policy_queue(walk->check->policy, queue->overflow[i]), depth + 1);
    }
}

static void check_overflow(struct check *check, const struct rfl_queue *queue)
{
    struct rfl_policy_finding finding = { .area = queue->area, .queue = queue->id };
    struct walk walk = { .check = check, .start = queue->id };
    for (uint32_t i = 0; i < queue->overflow_count; i++) {
        if (!is_provider_of(check->policy, queue->overflow[i], queue->area)) {
            report(check, RFL_POLICY_RULE_OVERFLOW_QUEUE, finding);
            return;
        }
    }
    follow_overflow(&walk, queue, 0);
    if (walk.circle)
        report(check, RFL_POLICY_RULE_OVERFLOW_CIRCLE, finding);
    else if (walk.long_)
        report(check, RFL_POLICY_RULE_OVERFLOW_LONG, finding);
}

/* ---- rules and advice ---- */

/* What both have in common. to 0: no queue is named. */
static void check_said(struct check *check, struct rfl_policy_finding finding, int64_t from_ms, int64_t until_ms,
                       const struct rfl_condition *when, struct rfl_queue_no to)
{
    const struct rfl_policy *policy = check->policy;
    const struct rfl_area *area = rfl_policy_area(policy, finding.area);
    if (area == NULL && finding.area.v != 0) {
        report(check, RFL_POLICY_RULE_RULE_AREA_ABSENT, finding);
        return;
    }
    if (area != NULL && (from_ms >= area->until_ms || until_ms <= area->from_ms))
        report(check, RFL_POLICY_RULE_RULE_DATES, finding);
    if (to.v != 0 && !is_provider_of(policy, to, finding.area))
        report(check, RFL_POLICY_RULE_RULE_QUEUE, finding);
    /* A place is numbered within its area: for every area at once, only "no place known" means something. */
    unsigned places = area != NULL ? area->place_count : 0u;
    if (places < RFL_PLACES_PER_AREA_MAX && when->places >> (places + 1) != 0)
        report(check, RFL_POLICY_RULE_RULE_PLACE, finding);
    for (unsigned i = 0; i < when->source_count; i++)
        if (rfl_policy_source(policy, when->source[i]) == NULL)
            report(check, RFL_POLICY_RULE_RULE_SOURCE, finding);
}

uint32_t rfl__check_rules(const struct rfl_policy *policy,
                          void (*found)(void *ctx, const struct rfl_policy_finding *finding), void *ctx)
{
    struct check check = { policy, found, ctx, 0 };
    for (uint32_t i = 0; i < policy->place_count; i++)
        check_place(&check, &policy->place[i]);
    for (uint32_t i = 0; i < policy->queue_count; i++)
        check_overflow(&check, &policy->queue[i]);
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct rfl_rule *rule = &policy->rule[i];
        struct rfl_policy_finding finding = { .area = rule->area, .queue = rule->to, .of_rule = (uint16_t)(i + 1) };
        check_said(&check, finding, rule->from_ms, rule->until_ms, &rule->when, rule->to);
    }
    for (uint32_t i = 0; i < policy->advice_count; i++) {
        const struct rfl_advice *advice = &policy->advice[i];
        struct rfl_policy_finding finding = { .area = advice->area, .queue = advice->to,
                                              .of_advice = (uint16_t)(i + 1) };
        check_said(&check, finding, advice->from_ms, advice->until_ms, &advice->when, advice->to);
    }
    return check.count;
}
