/* Where a person goes once their area is known: advice, rules, intake, and whether the queue has room. */
#include "rfl_route_int.h"

/* ---- the profile ---- */

static unsigned place_by(const struct rfl_policy *policy, const struct rfl_facts *facts, const struct rfl_area *area,
                         enum rfl_key key)
{
    const struct rfl_clue *clue = &facts->clue[key];
    return clue->grade == RFL_GRADE_OK ? rfl_policy_place_of_code(policy, area, clue->sub_icb) : 0;
}

static unsigned place_of(const struct rfl_policy *policy, const struct rfl_facts *facts, const struct rfl_area *area,
                         enum rfl_key key)
{
    unsigned place = place_by(policy, facts, area, key);
    for (unsigned i = 0; place == 0 && i < RFL_KEY_COUNT; i++) {
        enum rfl_key other = (enum rfl_key)policy->precedence[i];
        if (other != RFL_KEY_POSTCODE || (facts->clue[other].flags & RFL_CLUE_LARGE_USER) == 0)
            place = place_by(policy, facts, area, other);
    }
    return place <= RFL_PLACES_PER_AREA_MAX ? place : 0;
}

void rfl_profile_of(const struct rfl_policy *policy, const struct rfl_facts *facts, struct rfl_area_no id,
                    enum rfl_key key, struct rfl_profile *out)
{
    const struct rfl_area *area = rfl_policy_area(policy, id);
    memset(out, 0, sizeof *out);
    out->door = facts->door;
    out->band = facts->band;
    out->employment = facts->employment;
    out->barrier = facts->main_barrier;
    out->age_years = facts->age_years;
    out->weeks_out_of_work = facts->weeks_out_of_work;
    out->flags = (uint8_t)facts->flags;
    out->key = (uint8_t)key;
    out->source = facts->source;
    if (area != NULL && area->place_count != 0)
        out->place = (uint8_t)place_of(policy, facts, area, key);
}

/* ---- room ---- */

static bool takes(const struct rfl__in_area *in, const struct rfl_queue *queue)
{
    if (in->at_ms < queue->opens_ms || in->at_ms >= queue->closes_ms)
        return false;
    for (uint32_t i = 0; i < in->full_count; i++)
        if (in->full[i].v == queue->id.v)
            return false;
    return true;
}

/* The depth is bounded for a policy that was never checked: it may lead in circles. */
static const struct rfl_queue *who_takes(const struct rfl_policy *policy, const struct rfl__in_area *in,
                                         const struct rfl_queue *queue, unsigned depth)
{
    if (queue == NULL || takes(in, queue))
        return queue;
    for (uint32_t i = 0; depth < RFL_OVERFLOW_MAX && i < queue->overflow_count; i++) {
        const struct rfl_queue *taker = who_takes(policy, in, rfl_policy_queue(policy, queue->overflow[i]), depth + 1);
        if (taker != NULL)
            return taker;
    }
    return NULL;
}

/* ---- answers ---- */

struct answer {
    enum rfl_verdict verdict;
    enum rfl_route_reason reason;
    struct rfl_queue_no queue;
    int64_t retry_ms;
};

static struct answer to_triage(const struct rfl_policy *policy, const struct rfl__in_area *in, enum rfl_verdict verdict,
                               enum rfl_route_reason reason, int64_t retry_ms)
{
    const struct rfl_queue *triage = rfl_policy_triage_of(policy, in->area->id, in->at_ms);
    return (struct answer){ verdict, reason, triage != NULL ? triage->id : policy->national_triage, retry_ms };
}

static struct answer to_queue(const struct rfl_policy *policy, const struct rfl__in_area *in, struct rfl_queue_no id,
                              enum rfl_route_reason reason)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, id), *taker = who_takes(policy, in, queue, 0);
    if (taker != NULL)
        return (struct answer){ RFL_ROUTE_TO, taker == queue ? reason : RFL_ROUTE_REASON_OVERFLOWED, taker->id, 0 };
    if (queue == NULL || in->at_ms < queue->opens_ms)
        return to_triage(policy, in, RFL_ROUTE_NOT_YET, RFL_ROUTE_REASON_INTAKE_NOT_OPEN,
                         queue != NULL ? queue->opens_ms : 0);
    return to_triage(policy, in, RFL_ROUTE_TRIAGE, in->at_ms >= queue->closes_ms ? RFL_ROUTE_REASON_QUEUE_CLOSED
                                                                                 : RFL_ROUTE_REASON_ALL_FULL, 0);
}

static struct answer by_rule(const struct rfl_policy *policy, const struct rfl__in_area *in,
                             const struct rfl_rule *rule)
{
    if (rule->answer == RFL_ANSWER_TO)
        return to_queue(policy, in, rule->to, RFL_ROUTE_REASON_BY_RULE);
    if (rule->answer == RFL_ANSWER_NOT_YET)
        return to_triage(policy, in, RFL_ROUTE_NOT_YET, RFL_ROUTE_REASON_RULE_NOT_YET, rule->retry_ms);
    return to_triage(policy, in, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_RULE_NOWHERE, 0);
}

static struct answer by_intake(const struct rfl_policy *policy, const struct rfl__in_area *in)
{
    static const uint8_t reason_of[RFL_KEY_COUNT] = { [RFL_KEY_POSTCODE] = RFL_ROUTE_REASON_BY_POSTCODE,
        [RFL_KEY_GP_PRACTICE] = RFL_ROUTE_REASON_BY_GP_PRACTICE, [RFL_KEY_JOBCENTRE] = RFL_ROUTE_REASON_BY_JOBCENTRE,
        [RFL_KEY_REFERRER_AREA] = RFL_ROUTE_REASON_BY_REFERRER_AREA };
    return to_queue(policy, in, in->area->intake, (enum rfl_route_reason)reason_of[in->profile->key]);
}

/* ---- who decides ---- */

static bool holds(const struct rfl__in_area *in, const struct rfl_condition *when, struct rfl_tried tried)
{
    tried.unmet = tried.in_force ? rfl_condition_unmet(when, in->profile) : RFL_FIELD_COUNT;
    if (in->watch != NULL)
        in->watch->tried(in->watch->ctx, &tried);
    return tried.in_force && tried.unmet == RFL_FIELD_COUNT;
}

static uint32_t first_advice(const struct rfl_policy *policy, const struct rfl__in_area *in)
{
    struct rfl_policy_walk walk = rfl_policy_advice_of(policy, in->area);
    for (uint32_t at; (at = rfl_policy_walk_next(&walk)) != 0;) {
        const struct rfl_advice *advice = &policy->advice[at - 1];
        bool in_force = in->at_ms >= advice->from_ms && in->at_ms < advice->until_ms;
        if (holds(in, &advice->when, (struct rfl_tried){ (uint16_t)at, true, in_force, RFL_FIELD_COUNT }))
            return at;
    }
    return 0;
}

/* A rule that says "not yet" has nothing more to say on its day. */
static bool in_force(const struct rfl_rule *rule, int64_t at_ms)
{
    return at_ms >= rule->from_ms && at_ms < rule->until_ms &&
           (rule->answer != RFL_ANSWER_NOT_YET || at_ms < rule->retry_ms);
}

/* The first rule that holds and is no shadow; *shadow: the first shadow before it that holds. */
static uint32_t first_rule(const struct rfl_policy *policy, const struct rfl__in_area *in, uint32_t *shadow)
{
    struct rfl_policy_walk walk = rfl_policy_rules_of(policy, in->area);
    *shadow = 0;
    for (uint32_t at; (at = rfl_policy_walk_next(&walk)) != 0;) {
        const struct rfl_rule *rule = &policy->rule[at - 1];
        struct rfl_tried tried = { (uint16_t)at, false, in_force(rule, in->at_ms), RFL_FIELD_COUNT };
        if (!holds(in, &rule->when, tried))
            continue;
        if (!rule->shadow)
            return at;
        if (*shadow == 0)
            *shadow = at;
    }
    return 0;
}

/* Each shadow rule is taken alone: what if it, and no other of them, decided? */
static void keep_shadow(const struct rfl_policy *policy, const struct rfl__in_area *in, uint32_t first,
                        const struct answer *real, struct rfl_decision *out)
{
    struct rfl_policy_walk walk = rfl_policy_rules_of(policy, in->area);
    for (uint32_t at; (at = rfl_policy_walk_next(&walk)) != 0 && at != out->rule;) {
        const struct rfl_rule *rule = &policy->rule[at - 1];
        if (at < first || !rule->shadow || !in_force(rule, in->at_ms) ||
            rfl_condition_unmet(&rule->when, in->profile) != RFL_FIELD_COUNT)
            continue;
        struct answer other = by_rule(policy, in, rule);
        if (other.verdict == real->verdict && other.queue.v == real->queue.v && other.retry_ms == real->retry_ms)
            continue;
        out->shadow = (uint16_t)at;
        out->shadow_queue = other.queue;
        return;
    }
}

void rfl__route_in_area(const struct rfl_policy *policy, const struct rfl__in_area *in, struct rfl_decision *out)
{
    const struct rfl_place *place = rfl_policy_place_at(policy, in->area, in->profile->place);
    struct answer answer;
    uint32_t shadow = 0;
    out->key = in->profile->key;
    out->area = in->area->id;
    if (place != NULL)
        out->place = place->id;
    out->advice = (uint16_t)first_advice(policy, in);
    if (out->advice != 0 && policy->advice[out->advice - 1].to.v != 0) {
        answer = to_queue(policy, in, policy->advice[out->advice - 1].to, RFL_ROUTE_REASON_BY_ADVICE);
    } else {
        out->rule = (uint16_t)first_rule(policy, in, &shadow);
        answer = out->rule != 0 ? by_rule(policy, in, &policy->rule[out->rule - 1]) : by_intake(policy, in);
    }
    if (shadow != 0)
        keep_shadow(policy, in, shadow, &answer, out);
    out->verdict = (uint8_t)answer.verdict;
    out->reason = (uint8_t)answer.reason;
    out->queue = answer.queue;
    out->retry_ms = answer.retry_ms;
}

void rfl_route_profile(const struct rfl_policy *policy, struct rfl_area_no id, const struct rfl_profile *profile,
                       int64_t at_ms, const struct rfl_queue_no *full, uint32_t full_count,
                       const struct rfl_watch *watch, struct rfl_decision *out)
{
    const struct rfl_area *area = rfl_policy_area(policy, id);
    assert(policy->compiled && area != NULL && profile->key < RFL_KEY_COUNT);
    memset(out, 0, sizeof *out);
    rfl__route_in_area(policy, &(struct rfl__in_area){ area, profile, at_ms, full, full_count, watch }, out);
}
