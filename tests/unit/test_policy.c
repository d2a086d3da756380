/* A small invented country: Northmoor lives on and changes a code, Eastvale merges into Newvale, Westfold is
 * divided. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "rfl_policy.h"

#define V(text) ((struct rfl_view){ (const uint8_t *)(text), sizeof(text) - 1 })
#define HOUR INT64_C(3600000)
#define WD (8 * HOUR)

enum { NORTHMOOR = 1, EASTVALE = 2, WESTFOLD = 3, NEWVALE = 4, NATIONAL = 900 };
enum { FIRST_MS = 1000, CHANGE_MS = 500000 };

static struct rfl_policy *policy;

static void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }

static void add_area(uint16_t id, struct rfl_view name, int64_t from_ms, int64_t until_ms)
{
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { id }, .name = name, .full_name = name,
        .region = V("Middle"), .from_ms = from_ms, .until_ms = until_ms, .intake = { (uint16_t)(100 + id) },
        .triage = { (uint16_t)(200 + id) } }));
}

static void add_code(uint16_t area, struct rfl_view code, int64_t from_ms, int64_t until_ms)
{
    must(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { area }, code, from_ms, until_ms }));
}

static void add_queue(uint16_t id, uint16_t area, enum rfl_queue_kind kind, struct rfl_view name)
{
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { id }, .area = { area }, .kind = kind,
        .name = name, .owner = V("owner"), .lead = V("lead") }));
}

static void add_queues(void)
{
    add_queue(101, NORTHMOOR, RFL_QUEUE_KIND_PROVIDER, V("northmoor/intake"));
    add_queue(201, NORTHMOOR, RFL_QUEUE_KIND_TRIAGE, V("northmoor/triage"));
    add_queue(102, EASTVALE, RFL_QUEUE_KIND_PROVIDER, V("eastvale/intake"));
    add_queue(202, EASTVALE, RFL_QUEUE_KIND_TRIAGE, V("eastvale/triage"));
    add_queue(103, WESTFOLD, RFL_QUEUE_KIND_PROVIDER, V("westfold/intake"));
    add_queue(203, WESTFOLD, RFL_QUEUE_KIND_TRIAGE, V("westfold/triage"));
    add_queue(104, NEWVALE, RFL_QUEUE_KIND_PROVIDER, V("newvale/intake"));
    add_queue(204, NEWVALE, RFL_QUEUE_KIND_TRIAGE, V("newvale/triage"));
}

/* Everything but compile and national triage, so that a test can add what it wants to see refused or reported. */
static void add_country(void)
{
    struct rfl_view parts[] = { V("W1"), V("W2") };
    struct rfl_calendar *cal = rfl_policy_calendar_edit(policy);
    add_area(NORTHMOOR, V("northmoor"), FIRST_MS, RFL_NO_END_MS);
    add_area(EASTVALE, V("eastvale"), FIRST_MS, CHANGE_MS);
    add_area(WESTFOLD, V("westfold"), FIRST_MS, CHANGE_MS);
    add_area(NEWVALE, V("newvale"), CHANGE_MS, RFL_NO_END_MS);
    add_code(NORTHMOOR, V("QNN"), FIRST_MS, RFL_NO_END_MS);
    add_code(NORTHMOOR, V("E54900001"), FIRST_MS, CHANGE_MS);
    add_code(NORTHMOOR, V("E54900009"), CHANGE_MS, RFL_NO_END_MS);
    add_code(EASTVALE, V("QEE"), FIRST_MS, CHANGE_MS);
    add_code(WESTFOLD, V("QWW"), FIRST_MS, CHANGE_MS);
    add_code(NEWVALE, V("N1N1N"), CHANGE_MS, RFL_NO_END_MS);
    const struct rfl_successor_input next[] = {
        { { EASTVALE }, { NEWVALE }, CHANGE_MS, NULL, 0 },
        { { WESTFOLD }, { NEWVALE }, CHANGE_MS, parts, 1 },
        { { WESTFOLD }, { NORTHMOOR }, CHANGE_MS, parts + 1, 1 },
    };
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++)
        must(rfl_policy_add_successor(policy, &next[i]));
    add_queues();
    must(rfl_policy_add_source(policy, &(struct rfl_source_input){ .id = { 7 }, .name = V("gp-north"),
        .doors = 1u << RFL_DOOR_GP, .area = { NORTHMOOR }, .sub_icb = V("N9") }));
    must(rfl_policy_add_source(policy, &(struct rfl_source_input){ .id = { 8 }, .name = V("self-page"),
        .doors = 1u << RFL_DOOR_SELF }));
    must(rfl_policy_add_jobcentre(policy, V("EX01"), (struct rfl_area_no){ WESTFOLD }, V("W2")));
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        must(rfl_policy_set_clock(policy, (enum rfl_clock)i, i == RFL_CLOCK_LEASE ? 4 * HOUR : 2 * WD));
    must(rfl_calendar_init(cal, 2026, 2027));
    for (unsigned d = RFL_MONDAY; d <= RFL_FRIDAY; d++)
        must(rfl_calendar_hours(cal, d, 540, 1020));
    must(rfl_calendar_finish(cal));
}

static int set_up(void **state)
{
    (void)state;
    policy = malloc(sizeof *policy);
    assert_non_null(policy);
    rfl_policy_init(policy);
    add_country();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(policy);
    policy = NULL;
    return 0;
}

static void finish(void)
{
    add_queue(NATIONAL, 0, RFL_QUEUE_KIND_NATIONAL, V("national/triage"));
    must(rfl_policy_compile(policy));
}

static unsigned rules_found[RFL_POLICY_RULE_COUNT];

static void note_rule(void *ctx, const struct rfl_policy_finding *finding)
{
    (void)ctx;
    rules_found[finding->rule]++;
}

static uint32_t check(void)
{
    memset(rules_found, 0, sizeof rules_found);
    return rfl_policy_check(policy, note_rule, NULL);
}

static void whole_policy_has_no_finding(void **state)
{
    (void)state;
    finish();
    assert_int_equal(check(), 0);
    assert_int_equal(rfl_policy_compile(policy), RFL_E_STATE);
}

static void things_are_found_by_id_and_by_name(void **state)
{
    (void)state;
    finish();
    assert_int_equal(rfl_policy_queue(policy, (struct rfl_queue_no){ 203 })->area.v, WESTFOLD);
    assert_null(rfl_policy_queue(policy, (struct rfl_queue_no){ 0 }));
    assert_null(rfl_policy_queue(policy, (struct rfl_queue_no){ 999 }));
    assert_int_equal(rfl_policy_queue_by_name(policy, V("newvale/triage"))->id.v, 204);
    assert_null(rfl_policy_queue_by_name(policy, V("newvale/triag")));
    assert_null(rfl_policy_queue_by_name(policy, V("")));
    assert_int_equal(rfl_policy_source_by_name(policy, V("gp-north"))->id.v, 7);
    assert_null(rfl_policy_source_by_name(policy, V("gp-south")));
    assert_int_equal(rfl_policy_area_by_name(policy, V("westfold"))->id.v, WESTFOLD);
    const struct rfl_source *source = rfl_policy_source(policy, (struct rfl_source_no){ 7 });
    assert_true(rfl_policy_source_may(source, RFL_DOOR_GP));
    assert_false(rfl_policy_source_may(source, RFL_DOOR_SELF));
    assert_false(rfl_policy_source_may(source, RFL_DOOR_NONE));
    assert_int_equal(rfl_policy_national_triage(policy)->id.v, NATIONAL);
    struct rfl_view name = rfl_policy_text(policy, rfl_policy_area(policy, (struct rfl_area_no){ NEWVALE })->name);
    assert_int_equal(name.len, 7);
    assert_memory_equal(name.p, "newvale", 7);
}

static void codes_are_dated(void **state)
{
    (void)state;
    static const struct { const char *code; int64_t at_ms; uint16_t area; enum rfl_code_stand stand; } cases[] = {
        { "QNN", FIRST_MS, NORTHMOOR, RFL_CODE_STAND_IN_FORCE },
        { "QNN", FIRST_MS - 1, 0, RFL_CODE_STAND_UNKNOWN },
        { "E54900001", CHANGE_MS - 1, NORTHMOOR, RFL_CODE_STAND_IN_FORCE },
        { "E54900001", CHANGE_MS, NORTHMOOR, RFL_CODE_STAND_OLD },
        { "E54900009", CHANGE_MS - 1, NORTHMOOR, RFL_CODE_STAND_EARLY },
        { "E54900009", CHANGE_MS, NORTHMOOR, RFL_CODE_STAND_IN_FORCE },
        { "QEE", CHANGE_MS, EASTVALE, RFL_CODE_STAND_OLD },
        { "N1N1N", CHANGE_MS - 1, 0, RFL_CODE_STAND_UNKNOWN },
        { "N1N1N", CHANGE_MS, NEWVALE, RFL_CODE_STAND_IN_FORCE },
        { "QXX", CHANGE_MS, 0, RFL_CODE_STAND_UNKNOWN },
        { "qnn", CHANGE_MS, 0, RFL_CODE_STAND_UNKNOWN },
        { "", CHANGE_MS, 0, RFL_CODE_STAND_UNKNOWN },
        { "ABCDEFGHIJKLM", CHANGE_MS, 0, RFL_CODE_STAND_UNKNOWN },
    };
    finish();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum rfl_code_stand stand = RFL_CODE_STAND_COUNT;
        struct rfl_view code = { (const uint8_t *)cases[i].code, strlen(cases[i].code) };
        const struct rfl_area *area = rfl_policy_area_by_code(policy, code, cases[i].at_ms, &stand);
        assert_int_equal(area != NULL ? area->id.v : 0, cases[i].area);
        assert_int_equal(stand, cases[i].stand);
    }
}

static void triage_and_leads_always_have_somebody(void **state)
{
    (void)state;
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { 301 }, .area = { NORTHMOOR },
        .kind = RFL_QUEUE_KIND_PROVIDER, .name = V("northmoor/hill/be-well"), .owner = V("Be Well"),
        .lead = V("Hill lead") }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { NATIONAL },
        .kind = RFL_QUEUE_KIND_NATIONAL, .name = V("national/triage"), .owner = V("desk"), .lead = V("head") }));
    must(rfl_policy_compile(policy));
    assert_int_equal(rfl_policy_triage_of(policy, (struct rfl_area_no){ EASTVALE }, CHANGE_MS - 1)->id.v, 202);
    assert_int_equal(rfl_policy_triage_of(policy, (struct rfl_area_no){ EASTVALE }, CHANGE_MS)->id.v, 204);
    assert_int_equal(rfl_policy_triage_of(policy, (struct rfl_area_no){ WESTFOLD }, CHANGE_MS)->id.v, NATIONAL);
    assert_int_equal(rfl_policy_triage_of(policy, (struct rfl_area_no){ 0 }, CHANGE_MS)->id.v, NATIONAL);
    assert_int_equal(rfl_policy_triage_of(policy, (struct rfl_area_no){ 77 }, CHANGE_MS)->id.v, NATIONAL);
    static const char *const names[] = { "Be Well", "Hill lead", "lead", "head", "head" };
    for (unsigned level = 0; level < 5; level++) {
        struct rfl_view who = rfl_policy_lead_name(policy, (struct rfl_queue_no){ 301 }, level);
        assert_int_equal(who.len, strlen(names[level]));
        assert_memory_equal(who.p, names[level], who.len);
    }
    assert_int_equal(rfl_policy_lead_name(policy, (struct rfl_queue_no){ 999 }, 0).len, 4);
}

static void consent_depends_on_the_door(void **state)
{
    (void)state;
    must(rfl_policy_set_implied_consent(policy, RFL_DOOR_GP, true));
    must(rfl_policy_set_implied_consent(policy, RFL_DOOR_SELF, true));
    must(rfl_policy_set_implied_consent(policy, RFL_DOOR_SELF, false));
    assert_int_equal(rfl_policy_set_implied_consent(policy, RFL_DOOR_NONE, true), RFL_E_INVALID);
    finish();
    unsigned ok = 0;
    for (unsigned door = 0; door < RFL_DOOR_COUNT; door++)
        for (unsigned consent = 0; consent < RFL_CONSENT_COUNT; consent++) {
            bool want = consent == RFL_CONSENT_GIVEN || (door == RFL_DOOR_GP && consent == RFL_CONSENT_IMPLIED);
            assert_int_equal(rfl_policy_consent_ok(policy, (enum rfl_door)door, (enum rfl_consent)consent), want);
            ok += want;
        }
    assert_int_equal(ok, RFL_DOOR_COUNT + 1);
}

static void clocks_are_due_in_working_time(void **state)
{
    (void)state;
    struct rfl_queue_input fast = { .id = { 301 }, .area = { NORTHMOOR }, .kind = RFL_QUEUE_KIND_PROVIDER,
        .name = V("northmoor/fast"), .owner = V("o"), .lead = V("l") };
    fast.clock_ms[RFL_CLOCK_ACCEPT] = 4 * HOUR;
    must(rfl_policy_add_queue(policy, &fast));
    finish();
    int64_t friday = rfl_london_midnight_ms((struct rfl_date){ 2026, 6, 5 }), due_ms = 5;
    must(rfl_policy_due(policy, (struct rfl_queue_no){ 101 }, RFL_CLOCK_ACCEPT, friday + 16 * HOUR, &due_ms));
    assert_int_equal(due_ms, friday + 4 * 24 * HOUR + 16 * HOUR);
    must(rfl_policy_due(policy, (struct rfl_queue_no){ 301 }, RFL_CLOCK_ACCEPT, friday + 16 * HOUR, &due_ms));
    assert_int_equal(due_ms, friday + 3 * 24 * HOUR + 12 * HOUR);
    due_ms = 5;
    assert_int_equal(rfl_policy_due(policy, (struct rfl_queue_no){ 101 }, RFL_CLOCK_NONE, friday, &due_ms),
                     RFL_E_INVALID);
    assert_int_equal(rfl_policy_due(policy, (struct rfl_queue_no){ 101 }, RFL_CLOCK_ACCEPT, INT64_MAX, &due_ms),
                     RFL_E_INVALID);
    assert_int_equal(due_ms, 5);
}

static void expect_clue(const struct rfl_clue *clue, enum rfl_grade grade, const char *icb, const char *sub_icb)
{
    assert_int_equal(clue->grade, grade);
    assert_string_equal(clue->icb, icb);
    assert_string_equal(clue->sub_icb, sub_icb);
    assert_int_equal(clue->line, 0);
    assert_int_equal(clue->edition, 0);
}

static void clues_come_from_configuration(void **state)
{
    (void)state;
    struct rfl_clue clue;
    finish();
    rfl_policy_clue_jobcentre(policy, V("EX01"), &clue);
    expect_clue(&clue, RFL_GRADE_OK, "QWW", "W2");
    rfl_policy_clue_jobcentre(policy, V("EX02"), &clue);
    expect_clue(&clue, RFL_GRADE_UNKNOWN, "", "");
    rfl_policy_clue_jobcentre(policy, V("ex01"), &clue);
    expect_clue(&clue, RFL_GRADE_MALFORMED, "", "");
    rfl_policy_clue_jobcentre(policy, V(""), &clue);
    expect_clue(&clue, RFL_GRADE_ABSENT, "", "");
    rfl_policy_clue_referrer(policy, (struct rfl_source_no){ 7 }, &clue);
    assert_int_equal(clue.grade, RFL_GRADE_OK);
    assert_string_equal(clue.sub_icb, "N9");
    rfl_policy_clue_referrer(policy, (struct rfl_source_no){ 8 }, &clue);
    expect_clue(&clue, RFL_GRADE_ABSENT, "", "");
    rfl_policy_clue_referrer(policy, (struct rfl_source_no){ 99 }, &clue);
    expect_clue(&clue, RFL_GRADE_ABSENT, "", "");
}

/* A code that moved from one area to another cannot stand for either in a clue. */
static void clue_uses_a_code_that_is_only_its_own(void **state)
{
    (void)state;
    struct rfl_clue clue;
    add_code(NORTHMOOR, V("A0A0A"), FIRST_MS, CHANGE_MS);
    add_code(NEWVALE, V("A0A0A"), CHANGE_MS, RFL_NO_END_MS);
    finish();
    assert_int_equal(check(), 0);
    rfl_policy_clue_referrer(policy, (struct rfl_source_no){ 7 }, &clue);
    expect_clue(&clue, RFL_GRADE_OK, "E54900001", "N9");
    const struct rfl_area *area = rfl_policy_area_by_code(policy, V("A0A0A"), CHANGE_MS - 1, NULL);
    assert_int_equal(area->id.v, NORTHMOOR);
    area = rfl_policy_area_by_code(policy, V("A0A0A"), CHANGE_MS, NULL);
    assert_int_equal(area->id.v, NEWVALE);
}

static void refused_additions_change_nothing(void **state)
{
    (void)state;
    struct rfl_policy *before = malloc(sizeof *before);
    struct rfl_area_input area = { .id = { 50 }, .name = V("elsewhere"), .full_name = V("E"), .region = V("R"),
                                   .from_ms = 1, .until_ms = 2 };
    struct rfl_queue_input queue = { .id = { 50 }, .area = { 1 }, .kind = RFL_QUEUE_KIND_PROVIDER, .name = V("a/b") };
    assert_non_null(before);
    memcpy(before, policy, sizeof *before);
    static const char *const bad_names[] = { "", "-a", "a-", "a--b", "A", "a b", "a/b", "a_b" };
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        area.name = (struct rfl_view){ (const uint8_t *)bad_names[i], strlen(bad_names[i]) };
        assert_int_equal(rfl_policy_add_area(policy, &area), RFL_E_INVALID);
    }
    area.name = V("northmoor");
    assert_int_equal(rfl_policy_add_area(policy, &area), RFL_E_EXISTS);
    area.name = V("elsewhere");
    area.id.v = NORTHMOOR;
    assert_int_equal(rfl_policy_add_area(policy, &area), RFL_E_EXISTS);
    area.id.v = 0;
    assert_int_equal(rfl_policy_add_area(policy, &area), RFL_E_INVALID);
    area.id.v = 50;
    area.until_ms = 1;
    assert_int_equal(rfl_policy_add_area(policy, &area), RFL_E_INVALID);
    queue.id.v = 101;
    assert_int_equal(rfl_policy_add_queue(policy, &queue), RFL_E_EXISTS);
    queue.id.v = 50;
    queue.clock_ms[RFL_CLOCK_LEASE] = -1;
    assert_int_equal(rfl_policy_add_queue(policy, &queue), RFL_E_INVALID);
    queue.clock_ms[RFL_CLOCK_LEASE] = 0;
    queue.kind = RFL_QUEUE_KIND_NATIONAL;
    assert_int_equal(rfl_policy_add_queue(policy, &queue), RFL_E_INVALID);
    assert_int_equal(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { 1 }, V("q"), 1, 2 }), RFL_E_INVALID);
    assert_int_equal(rfl_policy_add_jobcentre(policy, V("EX01"), (struct rfl_area_no){ 1 }, V("")), RFL_E_EXISTS);
    assert_int_equal(rfl_policy_add_source(policy, &(struct rfl_source_input){ .id = { 9 }, .name = V("x") }),
                     RFL_E_INVALID);
    const enum rfl_key twice[RFL_KEY_COUNT] = { RFL_KEY_POSTCODE, RFL_KEY_POSTCODE, RFL_KEY_JOBCENTRE,
                                                RFL_KEY_REFERRER_AREA };
    assert_int_equal(rfl_policy_set_precedence(policy, twice), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_budgets(policy, 0, 1, 1), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_budgets(policy, 10, 1, 1), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_clock(policy, RFL_CLOCK_NONE, 1), RFL_E_INVALID);
    assert_memory_equal(before, policy, sizeof *before);
    free(before);
}

static void disclosure_says_only_what_happened(void **state)
{
    (void)state;
    static const struct { enum rfl_disclosed row; enum rfl_tell tell; bool provider, reason, good; } cells[] = {
        { RFL_DISCLOSED_ACCEPTED, RFL_TELL_ACCEPTED, true, false, true },
        { RFL_DISCLOSED_ACCEPTED, RFL_TELL_WITH_THE_SERVICE, false, false, true },
        { RFL_DISCLOSED_ACCEPTED, RFL_TELL_ACCEPTED, false, true, false },
        { RFL_DISCLOSED_ACCEPTED, RFL_TELL_CLOSED, false, false, false },
        { RFL_DISCLOSED_ACCEPTED, RFL_TELL_NOTHING, false, false, true },
        { RFL_DISCLOSED_ACCEPTED, RFL_TELL_NOTHING, true, false, false },
        { RFL_DISCLOSED_HELD, RFL_TELL_WAITING, false, false, true },
        { RFL_DISCLOSED_WAITING, RFL_TELL_HELD, false, false, false },
        { RFL_DISCLOSED_STARTED, RFL_TELL_STARTED, true, false, false },
        { RFL_DISCLOSED_OUTCOME, RFL_TELL_OUTCOME, false, true, true },
        { RFL_DISCLOSED_CLOSED_PERSON, RFL_TELL_CLOSED, false, true, true },
        { RFL_DISCLOSED_CLOSED_PERSON, RFL_TELL_CLOSED, true, false, false },
        { RFL_DISCLOSED_CLOSED_OTHER, RFL_TELL_OUTCOME, false, false, false },
        { RFL_DISCLOSED_COUNT, RFL_TELL_CLOSED, false, false, false },
        { RFL_DISCLOSED_CLOSED_OTHER, RFL_TELL_COUNT, false, false, false },
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct rfl_disclosure cell = { (uint8_t)cells[i].tell, cells[i].provider, cells[i].reason };
        assert_int_equal(rfl_policy_set_disclosure(policy, RFL_DOOR_GP, cells[i].row, cell),
                         cells[i].good ? RFL_E_OK : RFL_E_INVALID);
        if (cells[i].good)
            assert_memory_equal(rfl_policy_disclosure(policy, RFL_DOOR_GP, cells[i].row), &cell, sizeof cell);
    }
}

static void journey_settings_are_bounded_and_then_closed(void **state)
{
    (void)state;
    struct rfl_disclosure cell = { RFL_TELL_CLOSED, false, false };
    uint8_t closed = 1u << RFL_NOTIFY_CLOSED;
    assert_int_equal(rfl_policy_set_disclosure(policy, RFL_DOOR_NONE, RFL_DISCLOSED_CLOSED_OTHER, cell), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_disclosure(policy, RFL_DOOR_COUNT, RFL_DISCLOSED_CLOSED_OTHER, cell),
                     RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_place(policy, RFL_DOOR_NONE, true), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_protected(policy, 1), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_protected(policy, 1u << RFL_DOOR_COUNT), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_notify(policy, RFL_DOOR_GP, 1u << RFL_NOTIFY_ACCEPTED), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_notify(policy, RFL_DOOR_GP, 1u << RFL_NOTIFY_COUNT | closed), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_notify(policy, RFL_DOOR_NONE, closed), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_outcome_days(policy, 0), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_outcome_days(policy, RFL_POLICY_DAYS_MAX + 1), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_quiet(policy, -1), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_quiet(policy, 732 * 24 * HOUR), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_ageing(policy, 0), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_unreachable(policy, 2, 3), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_unreachable(policy, 0, 0), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_unreachable(policy, RFL_POLICY_ATTEMPTS_MAX, RFL_CHANNEL_COUNT), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_door_share(policy, RFL_DOOR_GP, 0), RFL_E_INVALID);
    assert_int_equal(rfl_policy_set_door_share(policy, RFL_DOOR_NONE, 1), RFL_E_INVALID);
    must(rfl_policy_set_notify(policy, RFL_DOOR_GP, closed));
    assert_int_equal(rfl_policy_notify(policy, RFL_DOOR_GP), closed);
    assert_int_equal(rfl_policy_notify(policy, RFL_DOOR_NONE), 0);
    must(rfl_policy_set_outcome_days(policy, 3));
    assert_true(rfl_policy_outcome_ms(policy) == 3 * 24 * HOUR);
    must(rfl_policy_set_door_share(policy, RFL_DOOR_GP, RFL_POLICY_SHARE_MAX));
    assert_int_equal(rfl_policy_door_share(policy, RFL_DOOR_GP), RFL_POLICY_SHARE_MAX);
    finish();
    assert_int_equal(rfl_policy_set_disclosure(policy, RFL_DOOR_GP, RFL_DISCLOSED_CLOSED_OTHER, cell), RFL_E_STATE);
    assert_int_equal(rfl_policy_set_place(policy, RFL_DOOR_GP, true), RFL_E_STATE);
    assert_int_equal(rfl_policy_set_protected(policy, 2), RFL_E_STATE);
    assert_int_equal(rfl_policy_set_notify(policy, RFL_DOOR_GP, closed), RFL_E_STATE);
    assert_int_equal(rfl_policy_set_outcome_days(policy, 4), RFL_E_STATE);
    assert_int_equal(rfl_policy_set_quiet(policy, 1), RFL_E_STATE);
    assert_int_equal(rfl_policy_set_ageing(policy, 1), RFL_E_STATE);
    assert_int_equal(rfl_policy_set_unreachable(policy, 3, 2), RFL_E_STATE);
    assert_int_equal(rfl_policy_set_door_share(policy, RFL_DOOR_GP, 1), RFL_E_STATE);
}

static void limits_say_full(void **state)
{
    (void)state;
    enum rfl_err err = RFL_E_OK;
    struct rfl_alias_input alias = { { NORTHMOOR }, V("QNN"), 1, 2 };
    uint32_t count = policy->alias_count;
    while ((err = rfl_policy_add_alias(policy, &alias)) == RFL_E_OK)
        count++;
    assert_int_equal(err, RFL_E_FULL);
    assert_int_equal(count, RFL_POLICY_ALIASES_MAX);
}

static void spoil_areas(enum rfl_policy_rule rule)
{
    if (rule == RFL_POLICY_RULE_AREA_NO_INTAKE)
        policy->area[0].intake.v = 102;
    if (rule == RFL_POLICY_RULE_AREA_NO_TRIAGE)
        policy->area[0].triage.v = 101;
    if (rule == RFL_POLICY_RULE_AREA_NO_ALIAS || rule == RFL_POLICY_RULE_SOURCE_UNKNOWABLE ||
        rule == RFL_POLICY_RULE_JOBCENTRE_UNKNOWABLE)
        policy->alias[3].area.v = WESTFOLD;
    if (rule == RFL_POLICY_RULE_AREA_NO_SUCCESSOR)
        policy->successor[0].area.v = WESTFOLD;
    if (rule == RFL_POLICY_RULE_ALIAS_AMBIGUOUS)
        add_code(EASTVALE, V("QNN"), CHANGE_MS - 1, CHANGE_MS);
    if (rule == RFL_POLICY_RULE_ALIAS_AREA_ABSENT)
        add_code(99, V("QZZ"), FIRST_MS, CHANGE_MS);
    if (rule == RFL_POLICY_RULE_ALIAS_OUTSIDE_AREA)
        add_code(EASTVALE, V("QZZ"), FIRST_MS, CHANGE_MS + 1);
}

static void spoil_successors(enum rfl_policy_rule rule)
{
    struct rfl_view parts[] = { V("W1") };
    struct rfl_successor_input s = { { WESTFOLD }, { NORTHMOOR }, CHANGE_MS, NULL, 0 };
    if (rule < RFL_POLICY_RULE_SUCCESSOR_OF_LIVE_AREA || rule > RFL_POLICY_RULE_SUB_ICB_TWICE)
        return;
    if (rule == RFL_POLICY_RULE_SUCCESSOR_OF_LIVE_AREA) {
        s.area.v = NORTHMOOR;
        s.to.v = NEWVALE;
    }
    s.to.v = rule == RFL_POLICY_RULE_SUCCESSOR_ABSENT ? 99 : s.to.v;
    s.to.v = rule == RFL_POLICY_RULE_SUCCESSOR_ITSELF ? WESTFOLD : s.to.v;
    s.to.v = rule == RFL_POLICY_RULE_SUCCESSOR_NOT_ALIVE ? EASTVALE : s.to.v;
    s.from_ms += rule == RFL_POLICY_RULE_SUCCESSOR_DATE ? 1 : 0;
    if (rule == RFL_POLICY_RULE_SUB_ICB_TWICE) {
        s.sub_icbs = parts;
        s.sub_icb_count = 1;
    }
    must(rfl_policy_add_successor(policy, &s));
}

static void spoil_queues_and_clocks(enum rfl_policy_rule rule)
{
    struct rfl_queue_input q = { .id = { 301 }, .area = { NORTHMOOR }, .kind = RFL_QUEUE_KIND_PROVIDER,
        .name = V("northmoor/x"), .owner = V("o"), .lead = V("l") };
    q.area.v = rule == RFL_POLICY_RULE_QUEUE_AREA_ABSENT ? 99 : q.area.v;
    q.lead.len = rule == RFL_POLICY_RULE_QUEUE_NO_OWNER ? 0 : q.lead.len;
    q.clock_ms[RFL_CLOCK_HOLD] = rule == RFL_POLICY_RULE_CLOCK_TOO_LONG ? 400 * WD + 1 : 0;
    q.clock_ms[RFL_CLOCK_LEASE] = rule == RFL_POLICY_RULE_CLOCK_LEASE ? 3 * WD : 0;
    must(rfl_policy_add_queue(policy, &q));
    if (rule == RFL_POLICY_RULE_CLOCK_MISSING)
        policy->clock_ms[RFL_CLOCK_CONTACT] = 0;
    if (rule != RFL_POLICY_RULE_NO_NATIONAL_TRIAGE)
        add_queue(NATIONAL, 0, RFL_QUEUE_KIND_NATIONAL, V("national/triage"));
}

static void spoil_sources(enum rfl_policy_rule rule)
{
    struct rfl_source_input source = { .id = { 9 }, .name = V("s"), .doors = 2 };
    if (rule == RFL_POLICY_RULE_SOURCE_UNKNOWABLE)
        source.area.v = EASTVALE;
    if (rule == RFL_POLICY_RULE_SOURCE_AREA_ABSENT)
        source.area.v = 99;
    must(rfl_policy_add_source(policy, &source));
    if (rule == RFL_POLICY_RULE_JOBCENTRE_AREA_ABSENT)
        must(rfl_policy_add_jobcentre(policy, V("EX9"), (struct rfl_area_no){ 99 }, V("")));
    if (rule == RFL_POLICY_RULE_JOBCENTRE_UNKNOWABLE)
        must(rfl_policy_add_jobcentre(policy, V("EX9"), (struct rfl_area_no){ EASTVALE }, V("")));
}

static void set_cell(enum rfl_door door, enum rfl_disclosed row, enum rfl_tell tell, bool provider, bool reason)
{
    must(rfl_policy_set_disclosure(policy, door, row, (struct rfl_disclosure){ (uint8_t)tell, provider, reason }));
}

static void spoil_disclosure(enum rfl_policy_rule rule)
{
    if (rule == RFL_POLICY_RULE_DOOR_UNTOLD)
        set_cell(RFL_DOOR_GP, RFL_DISCLOSED_CLOSED_OTHER, RFL_TELL_NOTHING, false, false);
    if (rule == RFL_POLICY_RULE_DOOR_PLACE)
        must(rfl_policy_set_place(policy, RFL_DOOR_JOBCENTRE, true));
    if (rule == RFL_POLICY_RULE_DOOR_PROVIDER)
        set_cell(RFL_DOOR_EMPLOYER, RFL_DISCLOSED_ACCEPTED, RFL_TELL_ACCEPTED, true, false);
    if (rule == RFL_POLICY_RULE_DOOR_REASON)
        set_cell(RFL_DOOR_OTHER, RFL_DISCLOSED_CLOSED_SERVICE, RFL_TELL_CLOSED, false, true);
    if (rule == RFL_POLICY_RULE_DOOR_PATH)
        set_cell(RFL_DOOR_JOBCENTRE, RFL_DISCLOSED_STARTED, RFL_TELL_STARTED, false, false);
    if (rule == RFL_POLICY_RULE_DOOR_CLOSINGS)
        set_cell(RFL_DOOR_JOBCENTRE, RFL_DISCLOSED_CLOSED_SERVICE, RFL_TELL_NOTHING, false, false);
}

/* Each round spoils the sound policy in one way; the check must say which, and little that does not follow from it.
 * Every rule of the list but two has its round: an empty policy has one of its own below. Those about places, room and
 * rules are in tests/policy/test_rules.c. */
static void every_fault_is_named(void **state)
{
    unsigned rounds = 0;
    for (unsigned i = RFL_POLICY_RULE_NO_NATIONAL_TRIAGE; i <= RFL_POLICY_RULE_DOOR_CLOSINGS; i++, rounds++) {
        enum rfl_policy_rule rule = (enum rfl_policy_rule)i;
        tear_down(state);
        set_up(state);
        spoil_areas(rule);
        spoil_successors(rule);
        spoil_queues_and_clocks(rule);
        spoil_sources(rule);
        spoil_disclosure(rule);
        must(rfl_policy_compile(policy));
        uint32_t count = check();
        if (rules_found[rule] == 0 || count > 3)
            fail_msg("rule %u: found %u times among %u", i, rules_found[rule], (unsigned)count);
        assert_true(rfl_policy_rule_text(rule)[0] != '\0' && rfl_policy_rule_remedy(rule)[0] != '\0');
    }
    assert_int_equal(rounds, RFL_POLICY_RULE_DOOR_CLOSINGS - 1);
}

static void empty_policy_is_not_sound(void **state)
{
    (void)state;
    rfl_policy_init(policy);
    struct rfl_calendar *cal = rfl_policy_calendar_edit(policy);
    assert_int_equal(rfl_policy_compile(policy), RFL_E_STATE);
    must(rfl_calendar_init(cal, 2026, 2026));
    must(rfl_calendar_hours(cal, RFL_MONDAY, 540, 1020));
    must(rfl_calendar_finish(cal));
    must(rfl_policy_compile(policy));
    assert_int_equal(check(), 2 + RFL_CLOCK_COUNT - 1);
    assert_int_equal(rules_found[RFL_POLICY_RULE_NO_AREA], 1);
    assert_int_equal(rules_found[RFL_POLICY_RULE_NO_NATIONAL_TRIAGE], 1);
    assert_int_equal(rules_found[RFL_POLICY_RULE_CLOCK_MISSING], RFL_CLOCK_COUNT - 1);
}

static void copy_of_a_policy_works(void **state)
{
    (void)state;
    finish();
    struct rfl_hash digest = { { 1, 2, 3 } };
    rfl_policy_set_digest(policy, digest);
    struct rfl_policy *copy = malloc(sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, policy, sizeof *copy);
    memset(policy, 0xAA, sizeof *policy);
    assert_int_equal(rfl_policy_queue_by_name(copy, V("westfold/intake"))->id.v, 103);
    assert_true(rfl_hash_same(rfl_policy_digest(copy), digest));
    free(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_policy_has_no_finding), TEST(things_are_found_by_id_and_by_name), TEST(codes_are_dated),
        TEST(triage_and_leads_always_have_somebody), TEST(consent_depends_on_the_door),
        TEST(clocks_are_due_in_working_time), TEST(clues_come_from_configuration),
        TEST(clue_uses_a_code_that_is_only_its_own), TEST(refused_additions_change_nothing),
        TEST(limits_say_full),
        TEST(disclosure_says_only_what_happened), TEST(journey_settings_are_bounded_and_then_closed),
        TEST(every_fault_is_named),
        TEST(empty_policy_is_not_sound), TEST(copy_of_a_policy_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
