/* Rules, advice, places, acceptance and room in an invented area, North, with two places and three providers; South is
 * its neighbour. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "rfl_route.h"

#define V(text) ((struct rfl_view){ (const uint8_t *)(text), sizeof(text) - 1 })

enum { NORTH = 1, SOUTH = 2, INTAKE = 101, NORTH_TRIAGE = 201, ALPHA = 301, BETA, GAMMA, DELTA, SOUTH_INTAKE = 102,
       SOUTH_TRIAGE = 202, NATIONAL = 900, UPPER = 11, LOWER = 12 };
enum { NOW_MS = 50000, LATER_MS = 90000 };

static struct rfl_policy *policy;

static void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }

/* ---- building ---- */

static void add_queue(uint16_t id, uint16_t area, enum rfl_queue_kind kind, struct rfl_view name, int64_t opens_ms)
{
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { id }, .area = { area }, .kind = kind,
        .name = name, .owner = V("owner"), .lead = V("lead"), .opens_ms = opens_ms }));
}

static void add_area(uint16_t id, struct rfl_view name, struct rfl_view code)
{
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { id }, .name = name, .full_name = name,
        .region = V("Middle"), .from_ms = 1, .until_ms = RFL_NO_END_MS, .intake = { (uint16_t)(100 + id) },
        .triage = { (uint16_t)(200 + id) } }));
    must(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { id }, code, 1, RFL_NO_END_MS }));
}

static enum rfl_err place(uint16_t id, uint16_t area, struct rfl_view name, struct rfl_view code, struct rfl_view more)
{
    struct rfl_view codes[] = { code, more };
    return rfl_policy_add_place(policy, &(struct rfl_place_input){ { id }, { area }, name, codes,
                                                                   more.len > 0 ? 2 : 1 });
}

static void add_defaults(void)
{
    struct rfl_calendar *cal = rfl_policy_calendar_edit(policy);
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        must(rfl_policy_set_clock(policy, (enum rfl_clock)i, 3600000));
    must(rfl_calendar_init(cal, 2026, 2026));
    must(rfl_calendar_hours(cal, RFL_MONDAY, 540, 1020));
    must(rfl_calendar_finish(cal));
    add_queue(NATIONAL, 0, RFL_QUEUE_KIND_NATIONAL, V("national/triage"), 0);
    must(rfl_policy_add_source(policy, &(struct rfl_source_input){ .id = { 5 }, .name = V("pilot"),
                                                                   .doors = 1u << RFL_DOOR_GP }));
}

static int set_up(void **state)
{
    (void)state;
    policy = malloc(sizeof *policy);
    assert_non_null(policy);
    rfl_policy_init(policy);
    add_area(NORTH, V("north"), V("QNN"));
    add_area(SOUTH, V("south"), V("QSS"));
    add_queue(INTAKE, NORTH, RFL_QUEUE_KIND_PROVIDER, V("north/intake"), 0);
    add_queue(NORTH_TRIAGE, NORTH, RFL_QUEUE_KIND_TRIAGE, V("north/triage"), 0);
    add_queue(ALPHA, NORTH, RFL_QUEUE_KIND_PROVIDER, V("north/alpha"), 0);
    add_queue(BETA, NORTH, RFL_QUEUE_KIND_PROVIDER, V("north/beta"), 0);
    add_queue(GAMMA, NORTH, RFL_QUEUE_KIND_PROVIDER, V("north/gamma"), LATER_MS);
    add_queue(DELTA, NORTH, RFL_QUEUE_KIND_PROVIDER, V("north/delta"), 0);
    add_queue(SOUTH_INTAKE, SOUTH, RFL_QUEUE_KIND_PROVIDER, V("south/intake"), 0);
    add_queue(SOUTH_TRIAGE, SOUTH, RFL_QUEUE_KIND_TRIAGE, V("south/triage"), 0);
    must(place(UPPER, NORTH, V("upper"), V("N1"), V("E38N1")));
    must(place(LOWER, NORTH, V("lower"), V("N2"), V("")));
    add_defaults();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(policy);
    policy = NULL;
    return 0;
}

/* A rule of North in force for ever: TO when to is not 0, else nowhere. Names are made of one letter. */
static struct rfl_rule_input rule(const char *name, uint16_t to, struct rfl_condition when)
{
    return (struct rfl_rule_input){
        .written = { .name = { (const uint8_t *)name, strlen(name) }, .owner = V("Lead, North"), .why = V("agreed"),
                     .file = V("north.conf"), .line = 7 },
        .area = { NORTH }, .until_ms = RFL_NO_END_MS, .when = when,
        .answer = to != 0 ? RFL_ANSWER_TO : RFL_ANSWER_NOWHERE, .to = { to } };
}

static void add_rule(const char *name, uint16_t to, struct rfl_condition when)
{
    struct rfl_rule_input in = rule(name, to, when);
    must(rfl_policy_add_rule(policy, &in));
}

static struct rfl_advice_input advice(const char *name, uint16_t to, struct rfl_condition when)
{
    struct rfl_rule_input in = rule(name, to, when);
    return (struct rfl_advice_input){ in.written, in.area, in.from_ms, in.until_ms, when, V("too_late"), { to } };
}

static struct rfl_condition any(void) { return (struct rfl_condition){ .fields = 0 }; }

static struct rfl_condition by_door(enum rfl_door door)
{
    return (struct rfl_condition){ .fields = 1u << RFL_FIELD_DOOR, .doors = (uint16_t)(1u << door) };
}

static struct rfl_condition by_place(unsigned number)
{
    return (struct rfl_condition){ .fields = 1u << RFL_FIELD_PLACE, .places = UINT64_C(1) << number };
}

static uint32_t compile(void)
{
    must(rfl_policy_compile(policy));
    return rfl_policy_check(policy, NULL, NULL);
}

/* ---- asking ---- */

static struct rfl_facts facts_of(enum rfl_door door, const char *icb, const char *sub_icb)
{
    struct rfl_facts facts = { .door = (uint8_t)door };
    struct rfl_clue *clue = &facts.clue[RFL_KEY_POSTCODE];
    clue->grade = RFL_GRADE_OK;
    clue->country = 'E';
    memcpy(clue->icb, icb, strlen(icb));
    memcpy(clue->sub_icb, sub_icb, strlen(sub_icb));
    return facts;
}

static struct rfl_decision ask(const struct rfl_facts *facts, int64_t at_ms)
{
    struct rfl_decision d;
    memset(&d, 0xAA, sizeof d);
    rfl_route(policy, facts, at_ms, &d);
    return d;
}

static struct rfl_decision ask_door(enum rfl_door door, int64_t at_ms)
{
    struct rfl_facts facts = facts_of(door, "QNN", "N1");
    return ask(&facts, at_ms);
}

static void expect(struct rfl_decision d, enum rfl_verdict verdict, enum rfl_route_reason reason, uint16_t queue)
{
    if (d.verdict != verdict || d.reason != reason || d.queue.v != queue)
        fail_msg("got %s %s queue %u, wanted %s %s queue %u", rfl_verdict_word((enum rfl_verdict)d.verdict),
                 rfl_route_reason_word((enum rfl_route_reason)d.reason), d.queue.v, rfl_verdict_word(verdict),
                 rfl_route_reason_word(reason), queue);
}

/* ---- conditions ---- */

static void every_field_is_looked_at(void **state)
{
    (void)state;
    const struct rfl_profile met = { .door = RFL_DOOR_GP, .band = RFL_BAND_ROUTINE,
        .employment = RFL_EMPLOYMENT_OFF_SICK, .barrier = 12, .age_years = 40, .weeks_out_of_work = 10,
        .flags = RFL_FLAG_INTERPRETER, .key = RFL_KEY_JOBCENTRE, .place = 2, .source = { 5 } };
    const struct rfl_condition when = { .fields = (1u << RFL_FIELD_COUNT) - 1, .doors = 1u << RFL_DOOR_GP,
        .bands = 1u << RFL_BAND_ROUTINE, .employments = 1u << RFL_EMPLOYMENT_OFF_SICK, .keys = 1u << RFL_KEY_JOBCENTRE,
        .barriers = 1u << 12, .age = { 16, 64, false }, .weeks = { 0, 26, false }, .flags_set = RFL_FLAG_INTERPRETER,
        .flags_clear = RFL_FLAG_INCIDENT, .places = 1u << 2, .source_count = 1, .source = { { 5 } } };
    assert_int_equal(rfl_condition_unmet(&when, &met), RFL_FIELD_COUNT);
    struct rfl_profile other[RFL_FIELD_COUNT];
    for (unsigned i = 0; i < RFL_FIELD_COUNT; i++)
        other[i] = met;
    other[RFL_FIELD_DOOR].door = RFL_DOOR_SELF;
    other[RFL_FIELD_BAND].band = RFL_BAND_URGENT;
    other[RFL_FIELD_EMPLOYMENT].employment = RFL_EMPLOYMENT_NOT_STATED;
    other[RFL_FIELD_BARRIER].barrier = 0;
    other[RFL_FIELD_AGE].age_years = 0;
    other[RFL_FIELD_WEEKS].weeks_out_of_work = 27;
    other[RFL_FIELD_FLAGS].flags |= RFL_FLAG_INCIDENT;
    other[RFL_FIELD_KEY].key = RFL_KEY_POSTCODE;
    other[RFL_FIELD_PLACE].place = 0;
    other[RFL_FIELD_SOURCE].source.v = 6;
    for (unsigned i = 0; i < RFL_FIELD_COUNT; i++)
        assert_int_equal(rfl_condition_unmet(&when, &other[i]), i);
    struct rfl_condition young = { .fields = 1u << RFL_FIELD_AGE, .age = { 16, 24, true } };
    assert_int_equal(rfl_condition_unmet(&young, &other[RFL_FIELD_AGE]), RFL_FIELD_COUNT);
    assert_int_equal(rfl_condition_unmet(&young, &met), RFL_FIELD_AGE);
}

/* ---- rules ---- */

static void first_rule_in_force_decides(void **state)
{
    (void)state;
    struct rfl_rule_input dated = rule("dated", BETA, by_door(RFL_DOOR_GP)), wait = rule("wait", 0, any());
    dated.from_ms = NOW_MS;
    dated.until_ms = LATER_MS;
    wait.when = by_door(RFL_DOOR_EMPLOYER);
    wait.answer = RFL_ANSWER_NOT_YET;
    wait.retry_ms = LATER_MS;
    must(rfl_policy_add_rule(policy, &dated));
    add_rule("gp", ALPHA, by_door(RFL_DOOR_GP));
    add_rule("nobody", 0, by_door(RFL_DOOR_JOBCENTRE));
    must(rfl_policy_add_rule(policy, &wait));
    assert_int_equal(compile(), 0);
    expect(ask_door(RFL_DOOR_GP, NOW_MS - 1), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);
    expect(ask_door(RFL_DOOR_GP, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, BETA);
    expect(ask_door(RFL_DOOR_GP, LATER_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);
    expect(ask_door(RFL_DOOR_JOBCENTRE, NOW_MS), RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_RULE_NOWHERE, NORTH_TRIAGE);
    struct rfl_decision d = ask_door(RFL_DOOR_EMPLOYER, NOW_MS);
    expect(d, RFL_ROUTE_NOT_YET, RFL_ROUTE_REASON_RULE_NOT_YET, NORTH_TRIAGE);
    assert_int_equal(d.retry_ms, LATER_MS);
    assert_int_equal(d.rule, 4);
    d = ask_door(RFL_DOOR_EMPLOYER, LATER_MS);
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_POSTCODE, INTAKE);
    assert_int_equal(d.rule, 0);
    assert_int_equal(d.retry_ms, 0);
    assert_int_equal(ask_door(RFL_DOOR_GP, NOW_MS).rule, 1);
    assert_int_equal(ask_door(RFL_DOOR_GP, NOW_MS).place.v, UPPER);
}

static void rules_of_every_area_keep_their_place(void **state)
{
    (void)state;
    struct rfl_rule_input all = rule("all-jobcentre", 0, by_door(RFL_DOOR_JOBCENTRE));
    all.area.v = 0;
    add_rule("a", ALPHA, by_door(RFL_DOOR_GP));
    must(rfl_policy_add_rule(policy, &all));
    add_rule("b", BETA, by_door(RFL_DOOR_JOBCENTRE));
    all.written.name = V("all");
    all.when = by_door(RFL_DOOR_SELF);
    must(rfl_policy_add_rule(policy, &all));
    add_rule("c", DELTA, by_door(RFL_DOOR_EMPLOYER));
    assert_int_equal(compile(), 0);
    expect(ask_door(RFL_DOOR_GP, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);
    expect(ask_door(RFL_DOOR_JOBCENTRE, NOW_MS), RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_RULE_NOWHERE, NORTH_TRIAGE);
    expect(ask_door(RFL_DOOR_SELF, NOW_MS), RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_RULE_NOWHERE, NORTH_TRIAGE);
    expect(ask_door(RFL_DOOR_EMPLOYER, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, DELTA);
    struct rfl_facts south = facts_of(RFL_DOOR_SELF, "QSS", ""), gp = facts_of(RFL_DOOR_GP, "QSS", "");
    expect(ask(&south, NOW_MS), RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_RULE_NOWHERE, SOUTH_TRIAGE);
    expect(ask(&gp, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_POSTCODE, SOUTH_INTAKE);
}

static void place_comes_from_the_winning_key_then_from_any(void **state)
{
    (void)state;
    add_rule("upper", ALPHA, by_place(1));
    add_rule("lower", BETA, by_place(2));
    add_rule("nowhere-known", 0, by_place(0));
    assert_int_equal(compile(), 0);
    struct rfl_facts facts = facts_of(RFL_DOOR_SELF, "QNN", "N2");
    expect(ask(&facts, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, BETA);
    struct rfl_clue *practice = &facts.clue[RFL_KEY_GP_PRACTICE];
    *practice = facts.clue[RFL_KEY_POSTCODE];
    memcpy(practice->sub_icb, "E38N1", 6);
    expect(ask(&facts, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);     /* the practice wins */
    memcpy(practice->sub_icb, "N9", 3);
    memset(practice->sub_icb + 2, 0, RFL_CODE_BYTES - 2);
    struct rfl_decision d = ask(&facts, NOW_MS);                                /* its part is no place: the home */
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, BETA);
    assert_int_equal(d.place.v, LOWER);
    facts.clue[RFL_KEY_POSTCODE].flags = RFL_CLUE_LARGE_USER;
    d = ask(&facts, NOW_MS);
    expect(d, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_RULE_NOWHERE, NORTH_TRIAGE);
    assert_int_equal(d.place.v, 0);
    facts.clue[RFL_KEY_POSTCODE] = (struct rfl_clue){ .grade = RFL_GRADE_UNKNOWN, .sub_icb = "N2" };
    expect(ask(&facts, NOW_MS), RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_RULE_NOWHERE, NORTH_TRIAGE);
}

/* ---- keys ---- */

static enum rfl_how how_of(const struct rfl_decision *d, enum rfl_key key)
{
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        if (d->step[i].key == key)
            return (enum rfl_how)d->step[i].how;
    fail();
    return RFL_HOW_NONE;
}

static void keys_not_accepted_are_passed_over(void **state)
{
    (void)state;
    must(rfl_policy_set_area_keys(policy, (struct rfl_area_no){ NORTH },
                                  1u << RFL_KEY_POSTCODE | 1u << RFL_KEY_JOBCENTRE, NULL));
    assert_int_equal(compile(), 0);
    struct rfl_facts facts = facts_of(RFL_DOOR_SELF, "QSS", "S1");
    facts.clue[RFL_KEY_GP_PRACTICE] = facts_of(RFL_DOOR_SELF, "QNN", "N1").clue[RFL_KEY_POSTCODE];
    struct rfl_decision d = ask(&facts, NOW_MS);
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_POSTCODE, SOUTH_INTAKE);
    assert_int_equal(how_of(&d, RFL_KEY_GP_PRACTICE), RFL_HOW_NOT_ACCEPTED);
    assert_false(d.conflict);
    facts.clue[RFL_KEY_JOBCENTRE] = facts.clue[RFL_KEY_GP_PRACTICE];
    d = ask(&facts, NOW_MS);
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_POSTCODE, SOUTH_INTAKE);
    assert_true(d.conflict);
    assert_int_equal(how_of(&d, RFL_KEY_JOBCENTRE), RFL_HOW_CODE);
    memset(&facts.clue[RFL_KEY_POSTCODE], 0, sizeof facts.clue[0]);
    memset(&facts.clue[RFL_KEY_JOBCENTRE], 0, sizeof facts.clue[0]);
    d = ask(&facts, NOW_MS);
    expect(d, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_ALL_KEYS_UNUSABLE, NATIONAL);
}

static void strength_is_the_candidate_areas_own(void **state)
{
    (void)state;
    const enum rfl_key home_first[] = { RFL_KEY_POSTCODE, RFL_KEY_JOBCENTRE, RFL_KEY_GP_PRACTICE,
                                        RFL_KEY_REFERRER_AREA };
    must(rfl_policy_set_area_keys(policy, (struct rfl_area_no){ SOUTH }, 0, home_first));
    assert_int_equal(compile(), 0);
    struct rfl_facts facts = facts_of(RFL_DOOR_SELF, "QSS", "S1");
    facts.clue[RFL_KEY_GP_PRACTICE] = facts_of(RFL_DOOR_SELF, "QNN", "N1").clue[RFL_KEY_POSTCODE];
    /* Both are first in their area's order: the policy's order decides, and it has the practice first. */
    expect(ask(&facts, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_GP_PRACTICE, INTAKE);
    /* For North a Jobcentre is third, for South second: so South has it before North's Jobcentre, not before its GP. */
    facts.clue[RFL_KEY_JOBCENTRE] = facts.clue[RFL_KEY_GP_PRACTICE];
    facts.clue[RFL_KEY_GP_PRACTICE] = facts.clue[RFL_KEY_POSTCODE];
    memset(&facts.clue[RFL_KEY_POSTCODE], 0, sizeof facts.clue[0]);
    struct rfl_decision d = ask(&facts, NOW_MS);
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_GP_PRACTICE, SOUTH_INTAKE);     /* third in South, third in North */
    assert_int_equal(d.step[0].key, RFL_KEY_POSTCODE);                          /* nothing named: the policy's order */
    facts.clue[RFL_KEY_REFERRER_AREA] = facts.clue[RFL_KEY_JOBCENTRE];
    facts.clue[RFL_KEY_JOBCENTRE] = facts.clue[RFL_KEY_GP_PRACTICE];
    facts.clue[RFL_KEY_GP_PRACTICE] = facts.clue[RFL_KEY_REFERRER_AREA];
    expect(ask(&facts, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_GP_PRACTICE, INTAKE);     /* first before second */
    facts.clue[RFL_KEY_POSTCODE] = facts.clue[RFL_KEY_JOBCENTRE];
    facts.clue[RFL_KEY_POSTCODE].flags = RFL_CLUE_LARGE_USER;
    memset(&facts.clue[RFL_KEY_GP_PRACTICE], 0, sizeof facts.clue[0]);
    memset(&facts.clue[RFL_KEY_JOBCENTRE], 0, sizeof facts.clue[0]);
    d = ask(&facts, NOW_MS);                                                    /* last of all, whatever South says */
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_REFERRER_AREA, INTAKE);
    assert_int_equal(d.step[RFL_KEY_COUNT - 1].key, RFL_KEY_POSTCODE);
}

/* ---- advice, shadow ---- */

static void advice_is_kept_and_may_name_a_queue(void **state)
{
    (void)state;
    struct rfl_advice_input said = advice("said", 0, by_door(RFL_DOOR_GP));
    struct rfl_advice_input better = advice("better", BETA, by_door(RFL_DOOR_SELF));
    struct rfl_advice_input later = advice("later", DELTA, any());
    later.from_ms = LATER_MS;
    must(rfl_policy_add_advice(policy, &said));
    must(rfl_policy_add_advice(policy, &better));
    must(rfl_policy_add_advice(policy, &later));
    add_rule("all", ALPHA, any());
    assert_int_equal(compile(), 0);
    struct rfl_decision d = ask_door(RFL_DOOR_GP, NOW_MS);
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);
    assert_int_equal(d.advice, 1);
    d = ask_door(RFL_DOOR_SELF, NOW_MS);
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_ADVICE, BETA);
    assert_int_equal(d.advice, 2);
    assert_int_equal(d.rule, 0);
    assert_int_equal(ask_door(RFL_DOOR_EMPLOYER, NOW_MS).advice, 0);
    expect(ask_door(RFL_DOOR_EMPLOYER, LATER_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_ADVICE, DELTA);
}

static void shadow_rules_are_only_recorded(void **state)
{
    (void)state;
    struct rfl_rule_input same = rule("same", ALPHA, any()), other = rule("other", BETA, by_door(RFL_DOOR_GP));
    struct rfl_rule_input third = rule("third", DELTA, any()), after = rule("after", BETA, any());
    same.shadow = other.shadow = third.shadow = after.shadow = true;
    must(rfl_policy_add_rule(policy, &same));
    must(rfl_policy_add_rule(policy, &other));
    must(rfl_policy_add_rule(policy, &third));
    add_rule("real", ALPHA, any());
    must(rfl_policy_add_rule(policy, &after));
    assert_int_equal(compile(), 0);
    struct rfl_decision d = ask_door(RFL_DOOR_GP, NOW_MS);
    expect(d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);
    assert_int_equal(d.rule, 4);
    assert_int_equal(d.shadow, 2);
    assert_int_equal(d.shadow_queue.v, BETA);
    d = ask_door(RFL_DOOR_SELF, NOW_MS);
    assert_int_equal(d.shadow, 3);
    assert_int_equal(d.shadow_queue.v, DELTA);
    struct rfl_facts facts = facts_of(RFL_DOOR_SELF, "QNN", "");
    facts.full_count = 1;
    facts.full[0].v = DELTA;                                        /* where it would have gone is full: triage */
    d = ask(&facts, NOW_MS);
    assert_int_equal(d.shadow, 3);
    assert_int_equal(d.shadow_queue.v, NORTH_TRIAGE);
}

/* ---- room ---- */

static void room(uint16_t queue, int64_t closes_ms, uint16_t first, uint16_t second)
{
    struct rfl_queue_no to[] = { { first }, { second } };
    must(rfl_policy_set_room(policy, (struct rfl_queue_no){ queue }, closes_ms, 3, to,
                             first == 0 ? 0 : second == 0 ? 1 : 2));
}

static struct rfl_decision ask_full(uint16_t first, uint16_t second, uint16_t third, int64_t at_ms)
{
    struct rfl_facts facts = facts_of(RFL_DOOR_GP, "QNN", "N1");
    const uint16_t full[] = { first, second, third };
    for (unsigned i = 0; i < 3 && full[i] != 0; i++)
        facts.full[facts.full_count++].v = full[i];
    return ask(&facts, at_ms);
}

static void full_queues_overflow_in_order(void **state)
{
    (void)state;
    add_rule("all", ALPHA, any());
    room(ALPHA, RFL_NO_END_MS, BETA, DELTA);
    room(BETA, RFL_NO_END_MS, GAMMA, INTAKE);
    assert_int_equal(compile(), 0);
    const enum rfl_route_reason over = RFL_ROUTE_REASON_OVERFLOWED;
    expect(ask_full(0, 0, 0, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);
    expect(ask_full(BETA, 0, 0, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);
    expect(ask_full(ALPHA, 0, 0, NOW_MS), RFL_ROUTE_TO, over, BETA);
    expect(ask_full(ALPHA, BETA, 0, NOW_MS), RFL_ROUTE_TO, over, INTAKE);       /* Gamma has not opened */
    expect(ask_full(ALPHA, BETA, 0, LATER_MS), RFL_ROUTE_TO, over, GAMMA);
    expect(ask_full(ALPHA, BETA, INTAKE, NOW_MS), RFL_ROUTE_TO, over, DELTA);
    struct rfl_facts facts = facts_of(RFL_DOOR_GP, "QNN", "N1");
    facts.full_count = 4;
    memcpy(facts.full, (const struct rfl_queue_no[]){ { INTAKE }, { DELTA }, { BETA }, { ALPHA } },
           4 * sizeof facts.full[0]);
    struct rfl_decision d = ask(&facts, NOW_MS);
    expect(d, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_ALL_FULL, NORTH_TRIAGE);
    assert_int_equal(d.rule, 1);
}

static void queues_open_and_close(void **state)
{
    (void)state;
    add_rule("gp", GAMMA, by_door(RFL_DOOR_GP));
    add_rule("self", ALPHA, by_door(RFL_DOOR_SELF));
    add_rule("employer", BETA, by_door(RFL_DOOR_EMPLOYER));
    room(ALPHA, NOW_MS, 0, 0);
    room(BETA, NOW_MS, DELTA, 0);
    assert_int_equal(compile(), 0);
    struct rfl_decision d = ask_door(RFL_DOOR_GP, NOW_MS);
    expect(d, RFL_ROUTE_NOT_YET, RFL_ROUTE_REASON_INTAKE_NOT_OPEN, NORTH_TRIAGE);
    assert_int_equal(d.retry_ms, LATER_MS);
    expect(ask_door(RFL_DOOR_GP, LATER_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, GAMMA);
    expect(ask_door(RFL_DOOR_SELF, NOW_MS - 1), RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_RULE, ALPHA);
    expect(ask_door(RFL_DOOR_SELF, NOW_MS), RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_QUEUE_CLOSED, NORTH_TRIAGE);
    expect(ask_door(RFL_DOOR_EMPLOYER, NOW_MS), RFL_ROUTE_TO, RFL_ROUTE_REASON_OVERFLOWED, DELTA);
}

/* ---- watching ---- */

struct seen { unsigned count; struct rfl_tried tried[8]; };

static void note(void *ctx, const struct rfl_tried *tried)
{
    struct seen *seen = ctx;
    assert_true(seen->count < 8);
    seen->tried[seen->count++] = *tried;
}

static void what_was_tried_is_told(void **state)
{
    (void)state;
    struct rfl_advice_input said = advice("said", 0, by_door(RFL_DOOR_SELF));
    struct rfl_rule_input past = rule("past", BETA, any());
    struct seen seen = { .count = 0 };
    const struct rfl_watch watch = { note, &seen };
    past.until_ms = NOW_MS;
    must(rfl_policy_add_advice(policy, &said));
    must(rfl_policy_add_rule(policy, &past));
    add_rule("lower", BETA, by_place(2));
    add_rule("all", ALPHA, any());
    add_rule("unreached", BETA, any());
    assert_int_equal(compile(), 0);
    struct rfl_facts facts = facts_of(RFL_DOOR_GP, "QNN", "N1");
    struct rfl_decision d, plain = ask(&facts, NOW_MS);
    memset(&d, 0x55, sizeof d);
    rfl_route_watched(policy, &facts, NOW_MS, &watch, &d);
    assert_memory_equal(&d, &plain, sizeof d);
    const struct rfl_tried want[] = { { 1, true, true, RFL_FIELD_DOOR }, { 1, false, false, RFL_FIELD_COUNT },
                                      { 2, false, true, RFL_FIELD_PLACE }, { 3, false, true, RFL_FIELD_COUNT } };
    assert_int_equal(seen.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(seen.tried[i].number, want[i].number);
        assert_int_equal(seen.tried[i].advice, want[i].advice);
        assert_int_equal(seen.tried[i].in_force, want[i].in_force);
        assert_int_equal(seen.tried[i].unmet, want[i].unmet);
    }
}

/* ---- what is refused, what is found ---- */

static void refused(struct rfl_rule_input in, enum rfl_err err)
{
    uint32_t before = policy->rule_count, text = policy->text_count;
    assert_int_equal(rfl_policy_add_rule(policy, &in), err);
    assert_int_equal(policy->rule_count, before);
    assert_int_equal(policy->text_count, text);
}

static void ill_formed_rules_are_refused(void **state)
{
    (void)state;
    static struct rfl_condition bad[12];
    bad[0] = (struct rfl_condition){ .doors = 2 };
    bad[1] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_DOOR };
    bad[2] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_DOOR, .doors = 1u << RFL_DOOR_NONE };
    bad[3] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_BARRIER, .barriers = 1u << 19 };
    bad[4] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_AGE, .age = { 30, 20, false } };
    bad[5] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_AGE, .age = { 0, 256, false } };
    bad[6] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_AGE, .age = { 0, 0, false } };
    bad[7] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_FLAGS };
    bad[8] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_FLAGS, .flags_set = 1, .flags_clear = 1 };
    bad[9] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_COUNT };
    bad[10] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_SOURCE, .source_count = 2, .source = { { 5 } } };
    bad[11] = (struct rfl_condition){ .fields = 1u << RFL_FIELD_KEY, .keys = 1u << RFL_KEY_COUNT };
    for (unsigned i = 0; i < 12; i++)
        refused(rule("x", ALPHA, bad[i]), RFL_E_INVALID);
    struct rfl_rule_input in = rule("x", ALPHA, any());
    in.written.owner.len = 0;
    refused(in, RFL_E_INVALID);
    in = rule("x", ALPHA, any());
    in.written.why.len = 0;
    refused(in, RFL_E_INVALID);
    refused(rule("Not A Slug", ALPHA, any()), RFL_E_INVALID);
    in = rule("x", ALPHA, any());
    in.until_ms = in.from_ms;
    refused(in, RFL_E_INVALID);
    in = rule("x", ALPHA, any());
    in.answer = RFL_ANSWER_NOWHERE;
    refused(in, RFL_E_INVALID);
    in = rule("x", 0, any());
    in.answer = RFL_ANSWER_NOT_YET;
    refused(in, RFL_E_INVALID);
    add_rule("x", ALPHA, any());
    refused(rule("x", BETA, any()), RFL_E_EXISTS);
    in = rule("x", 0, any());
    in.area.v = SOUTH;
    must(rfl_policy_add_rule(policy, &in));             /* a name is of its area */
    assert_int_equal(place(UPPER, SOUTH, V("other"), V("S1"), V("")), RFL_E_EXISTS);
    assert_int_equal(place(13, NORTH, V("upper"), V("N7"), V("")), RFL_E_EXISTS);
    assert_int_equal(place(13, NORTH, V("new"), V("n7"), V("")), RFL_E_INVALID);
    struct rfl_queue_no self[] = { { ALPHA }, { BETA }, { BETA } };
    assert_int_equal(rfl_policy_set_room(policy, self[0], RFL_NO_END_MS, 1, self, 1), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_room(policy, self[0], RFL_NO_END_MS, 1, self + 1, 2), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_room(policy, (struct rfl_queue_no){ GAMMA }, LATER_MS, 1, NULL, 0), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_area_keys(policy, (struct rfl_area_no){ 9 }, 0, NULL), RFL_E_INVALID);
    (void)compile();
    refused(rule("y", ALPHA, any()), RFL_E_STATE);
}

static void spoil(enum rfl_policy_rule fault)
{
    struct rfl_rule_input in = rule("x", ALPHA, any());
    struct rfl_queue_no south = { SOUTH_INTAKE };
    if (fault == RFL_POLICY_RULE_PLACE_AREA_ABSENT)
        must(place(20, 99, V("x"), V("X1"), V("")));
    for (unsigned i = 0; fault == RFL_POLICY_RULE_PLACES_TOO_MANY && i < RFL_PLACES_PER_AREA_MAX - 1u; i++) {
        char name[] = { 'p', (char)('a' + i / 8), (char)('a' + i % 8) }, code[] = { 'X', (char)('A' + i / 8),
                                                                                   (char)('A' + i % 8) };
        struct rfl_view view = { (const uint8_t *)code, 3 };
        must(rfl_policy_add_place(policy, &(struct rfl_place_input){ { (uint16_t)(20 + i) }, { NORTH },
            { (const uint8_t *)name, 3 }, &view, 1 }));
    }
    if (fault == RFL_POLICY_RULE_PLACE_CODE_TWICE)
        must(place(20, NORTH, V("x"), V("N2"), V("")));
    if (fault == RFL_POLICY_RULE_OVERFLOW_QUEUE)
        must(rfl_policy_set_room(policy, (struct rfl_queue_no){ ALPHA }, RFL_NO_END_MS, 1, &south, 1));
    if (fault == RFL_POLICY_RULE_OVERFLOW_CIRCLE) {
        room(ALPHA, RFL_NO_END_MS, BETA, 0);
        room(BETA, RFL_NO_END_MS, ALPHA, 0);
    }
    if (fault == RFL_POLICY_RULE_OVERFLOW_LONG) {
        room(ALPHA, RFL_NO_END_MS, BETA, GAMMA);        /* beta, delta, intake, gamma, intake; gamma, intake ... */
        room(BETA, RFL_NO_END_MS, DELTA, GAMMA);
        room(DELTA, RFL_NO_END_MS, INTAKE, GAMMA);
        room(GAMMA, RFL_NO_END_MS, INTAKE, 0);
    }
    in.area.v = fault == RFL_POLICY_RULE_RULE_AREA_ABSENT ? 99 : in.area.v;
    in.until_ms = fault == RFL_POLICY_RULE_RULE_DATES ? 1 : in.until_ms;
    in.to.v = fault == RFL_POLICY_RULE_RULE_QUEUE ? SOUTH_INTAKE : in.to.v;
    if (fault == RFL_POLICY_RULE_RULE_PLACE)
        in.when = by_place(3);
    if (fault == RFL_POLICY_RULE_RULE_SOURCE)
        in.when = (struct rfl_condition){ .fields = 1u << RFL_FIELD_SOURCE, .source_count = 1, .source = { { 6 } } };
    must(rfl_policy_add_rule(policy, &in));
}

static unsigned found[RFL_POLICY_RULE_COUNT];

static void note_fault(void *ctx, const struct rfl_policy_finding *finding)
{
    (void)ctx;
    found[finding->rule]++;
}

static void every_fault_is_named(void **state)
{
    unsigned rounds = 0;
    for (unsigned i = RFL_POLICY_RULE_PLACE_AREA_ABSENT; i <= RFL_POLICY_RULE_RULE_SOURCE; i++, rounds++) {
        tear_down(state);
        set_up(state);
        memset(found, 0, sizeof found);
        spoil((enum rfl_policy_rule)i);
        must(rfl_policy_compile(policy));
        uint32_t count = rfl_policy_check(policy, note_fault, NULL);
        if (found[i] == 0 || count > 2)
            fail_msg("%s: found %u times among %u", rfl_policy_rule_text((enum rfl_policy_rule)i), found[i],
                     (unsigned)count);
    }
    assert_int_equal(rounds, 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_is_looked_at), TEST(first_rule_in_force_decides), TEST(rules_of_every_area_keep_their_place),
        TEST(place_comes_from_the_winning_key_then_from_any), TEST(keys_not_accepted_are_passed_over),
        TEST(strength_is_the_candidate_areas_own), TEST(advice_is_kept_and_may_name_a_queue),
        TEST(shadow_rules_are_only_recorded), TEST(full_queues_overflow_in_order), TEST(queues_open_and_close),
        TEST(what_was_tried_is_told), TEST(ill_formed_rules_are_refused), TEST(every_fault_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
