/* Random sound policies and random facts: routing always answers with a queue that exists and takes people, and agrees
 * with a plain second reading of the rules. RFL_SEED and RFL_COUNT (policies) may be given. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "rfl_route.h"

#define V(text) ((struct rfl_view){ (const uint8_t *)(text), sizeof(text) - 1 })

enum { AREAS = 3, PROVIDERS = 5, PLACES = 4, RULES_MAX = 12, ASKS = 200, NATIONAL = 900, SPAN_MS = 1000 };

static struct rfl_policy *policy;
static uint64_t state;

static uint64_t random_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(2685821657736338717);
}

static unsigned below(unsigned n) { return (unsigned)((random_bits() >> 33) % n); }
static bool chance(unsigned percent) { return below(100) < percent; }
static void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }
static struct rfl_view view(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }
static uint16_t provider(unsigned area, unsigned i) { return (uint16_t)(100 * (area + 1) + i); }
static uint16_t triage(unsigned area) { return (uint16_t)(100 * (area + 1) + 50); }

/* ---- a policy ---- */

static void add_queue(uint16_t id, uint16_t area, enum rfl_queue_kind kind, int64_t opens_ms)
{
    char name[32];
    (void)snprintf(name, sizeof name, "q/n%u", (unsigned)id);
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { id }, .area = { area }, .kind = kind,
        .name = view(name), .owner = V("o"), .lead = V("l"), .opens_ms = opens_ms }));
}

/* Only to later providers of the area, so there is no circle; at most two, so it is short enough. */
static void add_room(unsigned area, unsigned i)
{
    struct rfl_queue_no to[2] = { { provider(area, i + 1) }, { provider(area, i + 2) } };
    int64_t closes_ms = chance(20) ? SPAN_MS / 2 + below(SPAN_MS) : RFL_NO_END_MS;
    must(rfl_policy_set_room(policy, (struct rfl_queue_no){ provider(area, i) }, closes_ms, below(3), to,
                             i + 2 < PROVIDERS ? below(3) : i + 1 < PROVIDERS ? below(2) : 0));
}

static void add_area(unsigned area)
{
    char name[8], code[8];
    uint16_t id = (uint16_t)(area + 1);
    (void)snprintf(name, sizeof name, "a%u", area);
    (void)snprintf(code, sizeof code, "Q%u", area);
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { id }, .name = view(name), .full_name = V("A"),
        .region = V("R"), .from_ms = 0, .until_ms = RFL_NO_END_MS, .intake = { provider(area, 0) },
        .triage = { triage(area) } }));
    must(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { id }, view(code), 0, RFL_NO_END_MS }));
    add_queue(triage(area), id, RFL_QUEUE_KIND_TRIAGE, 0);
    for (unsigned i = 0; i < PROVIDERS; i++)
        add_queue(provider(area, i), id, RFL_QUEUE_KIND_PROVIDER, chance(20) ? below(SPAN_MS / 2) : 0);
    for (unsigned i = 0; i < PROVIDERS; i++)
        if (chance(60))
            add_room(area, i);
    for (unsigned i = 0; i < PLACES; i++) {
        char sub[8];
        (void)snprintf(name, sizeof name, "p%u", i);
        (void)snprintf(sub, sizeof sub, "S%u", i);        /* the same codes in every area: a place is an area's */
        struct rfl_view codes = view(sub);
        must(rfl_policy_add_place(policy, &(struct rfl_place_input){ { (uint16_t)(id * 10 + i) }, { id }, view(name),
                                                                     &codes, 1 }));
    }
    enum rfl_key own[RFL_KEY_COUNT] = { RFL_KEY_POSTCODE, RFL_KEY_GP_PRACTICE, RFL_KEY_JOBCENTRE,
                                        RFL_KEY_REFERRER_AREA };
    for (unsigned i = RFL_KEY_COUNT; i > 1; i--) {
        unsigned j = below(i);
        enum rfl_key moved = own[i - 1];
        own[i - 1] = own[j];
        own[j] = moved;
    }
    must(rfl_policy_set_area_keys(policy, (struct rfl_area_no){ id }, (uint8_t)(chance(50) ? 0 : 1 + below(15)),
                                  chance(50) ? own : NULL));
}

static struct rfl_condition random_condition(bool places)
{
    struct rfl_condition c = { .fields = 0 };
    if (chance(40)) {
        c.fields |= 1u << RFL_FIELD_DOOR;
        c.doors = (uint16_t)(2u << below(4) | 2u << below(4));
    }
    if (chance(20)) {
        c.fields |= 1u << RFL_FIELD_AGE;
        c.age = (struct rfl_range){ 16, (uint16_t)(16 + below(80)), chance(50) };
    }
    if (chance(20)) {
        c.fields |= 1u << RFL_FIELD_WEEKS;
        c.weeks = (struct rfl_range){ (uint16_t)below(5), (uint16_t)(5 + below(40)), chance(50) };
    }
    if (chance(20)) {
        c.fields |= 1u << RFL_FIELD_FLAGS;
        c.flags_set = (uint8_t)(1u << below(2));
        c.flags_clear = (uint8_t)(4u << below(2));
    }
    if (chance(20)) {
        c.fields |= 1u << RFL_FIELD_KEY;
        c.keys = (uint8_t)(1 + below(15));
    }
    if (places && chance(30)) {
        c.fields |= 1u << RFL_FIELD_PLACE;
        c.places = 1 + below((2u << PLACES) - 1);
    }
    return c;
}

static void add_rules(void)
{
    unsigned rules = below(RULES_MAX), said = below(3);
    for (unsigned i = 0; i < rules + said; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "r%u", i);
        unsigned area = below(AREAS + 1);
        int64_t from_ms = below(SPAN_MS / 2);
        struct rfl_rule_input in = { .written = { .name = view(name), .owner = V("o"), .why = V("w") },
            .area = { (uint16_t)area }, .from_ms = from_ms, .until_ms = from_ms + 1 + below(SPAN_MS),
            .when = random_condition(area != 0), .answer = RFL_ANSWER_NOWHERE, .shadow = chance(25) };
        if (area != 0 && chance(70)) {
            in.answer = RFL_ANSWER_TO;
            in.to.v = provider(area - 1, below(PROVIDERS));
        } else if (chance(50)) {
            in.answer = RFL_ANSWER_NOT_YET;
            in.retry_ms = from_ms + 1 + below(SPAN_MS);
        }
        if (i < rules)
            must(rfl_policy_add_rule(policy, &in));
        else
            must(rfl_policy_add_advice(policy, &(struct rfl_advice_input){ in.written, in.area, in.from_ms,
                in.until_ms, in.when, V("said"), in.to }));
    }
}

static void make_policy(void)
{
    struct rfl_calendar *cal = rfl_policy_calendar_edit(policy);
    for (unsigned area = 0; area < AREAS; area++)
        add_area(area);
    add_queue(NATIONAL, 0, RFL_QUEUE_KIND_NATIONAL, 0);
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        must(rfl_policy_set_clock(policy, (enum rfl_clock)i, 3600000));
    must(rfl_calendar_init(cal, 2026, 2026));
    must(rfl_calendar_hours(cal, RFL_MONDAY, 540, 1020));
    must(rfl_calendar_finish(cal));
    add_rules();
    must(rfl_policy_compile(policy));
}

static void random_facts(struct rfl_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    facts->door = (uint8_t)(1 + below(5));
    facts->age_years = (uint8_t)(chance(20) ? 0 : below(100));
    facts->weeks_out_of_work = (uint16_t)(chance(20) ? 0 : below(60));
    facts->flags = below(16);
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++) {
        struct rfl_clue *clue = &facts->clue[key];
        clue->grade = (uint8_t)(chance(60) ? RFL_GRADE_OK : below(RFL_GRADE_COUNT));
        clue->flags = chance(10) ? RFL_CLUE_LARGE_USER : 0;
        (void)snprintf(clue->icb, sizeof clue->icb, "Q%u", below(AREAS + 1));
        if (chance(70))
            (void)snprintf(clue->sub_icb, sizeof clue->sub_icb, "S%u", below(PLACES + 1));
    }
    facts->full_count = (uint8_t)below(RFL_FULL_MAX + 1);
    for (unsigned i = 0; i < facts->full_count; i++)
        facts->full[i].v = provider(below(AREAS), below(PROVIDERS));
}

/* ---- the second reading: all rules, one after the other ---- */

static uint16_t plain_taker(uint16_t id, const struct rfl_facts *facts, int64_t at_ms)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, (struct rfl_queue_no){ id });
    bool takes = at_ms >= queue->opens_ms && at_ms < queue->closes_ms;
    for (unsigned i = 0; i < facts->full_count; i++)
        takes = takes && facts->full[i].v != id;
    if (takes)
        return id;
    for (unsigned i = 0; i < queue->overflow_count; i++) {
        uint16_t taker = plain_taker(queue->overflow[i].v, facts, at_ms);
        if (taker != 0)
            return taker;
    }
    return 0;
}

static bool for_area(struct rfl_area_no rule, struct rfl_area_no area) { return rule.v == 0 || rule.v == area.v; }

/* The number of the rule that decides, and the queue that it or the advice or the intake leads to. */
static uint16_t plain_queue(const struct rfl_facts *facts, const struct rfl_profile *profile, struct rfl_area_no area,
                            int64_t at_ms, unsigned *rule_out)
{
    uint16_t start = rfl_policy_area(policy, area)->intake.v;
    *rule_out = 0;
    for (unsigned i = 0; i < policy->advice_count; i++) {
        const struct rfl_advice *a = &policy->advice[i];
        if (!for_area(a->area, area) || at_ms < a->from_ms || at_ms >= a->until_ms ||
            rfl_condition_unmet(&a->when, profile) != RFL_FIELD_COUNT)
            continue;
        if (a->to.v != 0)
            return plain_taker(a->to.v, facts, at_ms);
        break;
    }
    for (unsigned i = 0; i < policy->rule_count; i++) {
        const struct rfl_rule *r = &policy->rule[i];
        if (r->shadow || !for_area(r->area, area) || at_ms < r->from_ms || at_ms >= r->until_ms ||
            (r->answer == RFL_ANSWER_NOT_YET && at_ms >= r->retry_ms) ||
            rfl_condition_unmet(&r->when, profile) != RFL_FIELD_COUNT)
            continue;
        *rule_out = i + 1;
        start = r->to.v;
        break;
    }
    return start != 0 ? plain_taker(start, facts, at_ms) : 0;
}

static void agree(const struct rfl_facts *facts, int64_t at_ms, unsigned counts[RFL_ROUTE_REASON_COUNT])
{
    struct rfl_decision d, alone;
    struct rfl_profile profile;
    unsigned rule;
    memset(&d, (int)below(256), sizeof d);
    rfl_route(policy, facts, at_ms, &d);
    counts[d.reason]++;
    const struct rfl_queue *queue = rfl_policy_queue(policy, d.queue);
    assert_non_null(queue);
    assert_true(d.verdict > RFL_ROUTE_NONE && d.verdict < RFL_ROUTE_COUNT);
    assert_true((d.verdict == RFL_ROUTE_TO) == (queue->kind == RFL_QUEUE_KIND_PROVIDER));
    assert_true((d.verdict == RFL_ROUTE_NOT_YET) == (d.retry_ms > at_ms));
    if (d.area.v == 0) {
        assert_int_equal(d.queue.v, NATIONAL);
        return;
    }
    rfl_profile_of(policy, facts, d.area, (enum rfl_key)d.key, &profile);
    uint16_t want = plain_queue(facts, &profile, d.area, at_ms, &rule);
    assert_int_equal(d.rule, rule);
    assert_int_equal(d.queue.v, want != 0 ? want : triage(d.area.v - 1u));
    memset(&alone, 0x77, sizeof alone);
    rfl_route_profile(policy, d.area, &profile, at_ms, facts->full, facts->full_count, NULL, &alone);
    memset(d.step, 0, sizeof d.step);
    alone.conflict = d.conflict;
    assert_memory_equal(&d, &alone, sizeof d);
    if (d.shadow != 0) {
        assert_true(policy->rule[d.shadow - 1].shadow && (d.rule == 0 || d.shadow < d.rule));
        assert_non_null(rfl_policy_queue(policy, d.shadow_queue));
    }
}

static void random_policies_always_answer(void **unused)
{
    (void)unused;
    const char *seed_text = getenv("RFL_SEED"), *count_text = getenv("RFL_COUNT");
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : 1;
    unsigned long policies = count_text != NULL ? strtoul(count_text, NULL, 10) : 150, sound = 0;
    unsigned counts[RFL_ROUTE_REASON_COUNT] = { 0 };
    policy = malloc(sizeof *policy);
    assert_non_null(policy);
    (void)printf("seed %llu, %lu policies\n", (unsigned long long)seed, policies);
    for (unsigned long i = 0; i < policies; i++) {
        state = (seed + i) * UINT64_C(0x9E3779B97F4A7C15) | 1;
        rfl_policy_init(policy);
        make_policy();
        if (rfl_policy_check(policy, NULL, NULL) != 0)
            continue;
        sound++;
        for (unsigned ask = 0; ask < ASKS; ask++) {
            struct rfl_facts facts;
            random_facts(&facts);
            agree(&facts, below(2 * SPAN_MS), counts);
        }
    }
    free(policy);
    assert_true(sound * 10 > policies * 7);
    static const enum rfl_route_reason reached[] = { RFL_ROUTE_REASON_BY_RULE, RFL_ROUTE_REASON_BY_ADVICE,
        RFL_ROUTE_REASON_RULE_NOWHERE, RFL_ROUTE_REASON_RULE_NOT_YET, RFL_ROUTE_REASON_OVERFLOWED,
        RFL_ROUTE_REASON_ALL_FULL, RFL_ROUTE_REASON_QUEUE_CLOSED, RFL_ROUTE_REASON_INTAKE_NOT_OPEN };
    for (unsigned i = 0; i < sizeof reached / sizeof reached[0]; i++)
        if (counts[reached[i]] == 0)
            fail_msg("%s never happened", rfl_route_reason_word(reached[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_policies_always_answer) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
