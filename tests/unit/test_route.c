/* Routing in a small invented country: Northmoor lives on, Eastvale merged into Newvale, Westfold was divided between
 * Newvale (W1) and Northmoor (W2), Newvale later became Farvale. Southwold's intake opens late. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "rfl_route.h"

#define V(text) ((struct rfl_view){ (const uint8_t *)(text), sizeof(text) - 1 })

enum { NORTHMOOR = 1, EASTVALE, WESTFOLD, NEWVALE, FARVALE, SOUTHWOLD, AREAS, NATIONAL = 900 };
enum { FIRST_MS = 1000, CHANGE_MS = 500000, LATER_MS = 900000, OPENS_MS = 700000 };

static struct rfl_policy *policy;

static void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }

struct place { struct rfl_view name, code, intake, triage; int64_t from_ms, until_ms; };

#define P(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static const struct place places[AREAS] = {
    [NORTHMOOR] = { P("northmoor"), P("QNN"), P("northmoor/intake"), P("northmoor/triage"), FIRST_MS, INT64_MAX },
    [EASTVALE] = { P("eastvale"), P("QEE"), P("eastvale/intake"), P("eastvale/triage"), FIRST_MS, CHANGE_MS },
    [WESTFOLD] = { P("westfold"), P("QWW"), P("westfold/intake"), P("westfold/triage"), FIRST_MS, CHANGE_MS },
    [NEWVALE] = { P("newvale"), P("N1N1N"), P("newvale/intake"), P("newvale/triage"), CHANGE_MS, LATER_MS },
    [FARVALE] = { P("farvale"), P("F1F1F"), P("farvale/intake"), P("farvale/triage"), LATER_MS, INT64_MAX },
    [SOUTHWOLD] = { P("southwold"), P("QSS"), P("southwold/intake"), P("southwold/triage"), FIRST_MS, INT64_MAX },
};

static void add_place(uint16_t id)
{
    const struct place *p = &places[id];
    uint16_t intake = (uint16_t)(100 + id), triage = (uint16_t)(200 + id);
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { id }, .name = p->name, .full_name = p->name,
        .region = V("Middle"), .from_ms = p->from_ms, .until_ms = p->until_ms, .intake = { intake },
        .triage = { triage } }));
    must(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { id }, p->code, p->from_ms, p->until_ms }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { intake }, .area = { id },
        .kind = RFL_QUEUE_KIND_PROVIDER, .name = p->intake, .owner = V("o"), .lead = V("l"),
        .opens_ms = id == SOUTHWOLD ? OPENS_MS : 0 }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { triage }, .area = { id },
        .kind = RFL_QUEUE_KIND_TRIAGE, .name = p->triage, .owner = V("o"), .lead = V("l") }));
}

static int set_up(void **state)
{
    (void)state;
    struct rfl_view w1 = V("W1"), w2 = V("W2");
    const struct rfl_successor_input next[] = {
        { { EASTVALE }, { NEWVALE }, CHANGE_MS, NULL, 0 }, { { WESTFOLD }, { NEWVALE }, CHANGE_MS, &w1, 1 },
        { { WESTFOLD }, { NORTHMOOR }, CHANGE_MS, &w2, 1 }, { { NEWVALE }, { FARVALE }, LATER_MS, NULL, 0 },
    };
    policy = malloc(sizeof *policy);
    assert_non_null(policy);
    rfl_policy_init(policy);
    for (uint16_t id = NORTHMOOR; id < AREAS; id++)
        add_place(id);
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++)
        must(rfl_policy_add_successor(policy, &next[i]));
    must(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { NORTHMOOR }, V("E1"), FIRST_MS, CHANGE_MS }));
    must(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { NORTHMOOR }, V("E2"), CHANGE_MS, INT64_MAX }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { NATIONAL }, .kind = RFL_QUEUE_KIND_NATIONAL,
        .name = V("national/triage"), .owner = V("o"), .lead = V("l") }));
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        must(rfl_policy_set_clock(policy, (enum rfl_clock)i, 3600000));
    must(rfl_calendar_init(rfl_policy_calendar_edit(policy), 2026, 2026));
    must(rfl_calendar_hours(rfl_policy_calendar_edit(policy), RFL_MONDAY, 540, 1020));
    must(rfl_calendar_finish(rfl_policy_calendar_edit(policy)));
    must(rfl_policy_compile(policy));
    assert_int_equal(rfl_policy_check(policy, NULL, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(policy);
    return 0;
}

static struct rfl_clue clue(const char *icb, const char *sub_icb)
{
    struct rfl_clue out = { .grade = RFL_GRADE_OK, .country = 'E' };
    memcpy(out.icb, icb, strlen(icb));
    memcpy(out.sub_icb, sub_icb, strlen(sub_icb));
    return out;
}

static struct rfl_clue graded(enum rfl_grade grade)
{
    return (struct rfl_clue){ .grade = (uint8_t)grade };
}

static void expect(const struct rfl_decision *d, enum rfl_verdict verdict, enum rfl_route_reason reason,
                   uint16_t queue)
{
    if (d->verdict != verdict || d->reason != reason || d->queue.v != queue)
        fail_msg("got %s %s queue %u, wanted %s %s queue %u", rfl_verdict_word((enum rfl_verdict)d->verdict),
                 rfl_route_reason_word((enum rfl_route_reason)d->reason), d->queue.v, rfl_verdict_word(verdict),
                 rfl_route_reason_word(reason), queue);
}

static const struct rfl_route_step *step_of(const struct rfl_decision *d, enum rfl_key key)
{
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        if (d->step[i].key == key)
            return &d->step[i];
    fail_msg("key %u is not in the trail", (unsigned)key);
    return NULL;
}

static void codes_lead_to_areas_by_date(void **state)
{
    (void)state;
    static const struct { const char *icb, *sub; int64_t at_ms; uint16_t area; enum rfl_how how; } cases[] = {
        { "QNN", "", FIRST_MS, NORTHMOOR, RFL_HOW_CODE },
        { "E1", "", CHANGE_MS - 1, NORTHMOOR, RFL_HOW_CODE },
        { "E1", "", CHANGE_MS, NORTHMOOR, RFL_HOW_OLD_CODE },
        { "E2", "", CHANGE_MS - 1, NORTHMOOR, RFL_HOW_EARLY_CODE },
        { "QEE", "", CHANGE_MS - 1, EASTVALE, RFL_HOW_CODE },
        { "QEE", "", CHANGE_MS, NEWVALE, RFL_HOW_SUCCEEDED },
        { "QEE", "", LATER_MS, FARVALE, RFL_HOW_SUCCEEDED },
        { "QWW", "", CHANGE_MS - 1, WESTFOLD, RFL_HOW_CODE },
        { "QWW", "W1", CHANGE_MS, NEWVALE, RFL_HOW_SPLIT },
        { "QWW", "W2", CHANGE_MS, NORTHMOOR, RFL_HOW_SPLIT },
        { "QWW", "W1", LATER_MS, FARVALE, RFL_HOW_SPLIT },
        { "QWW", "W3", CHANGE_MS, 0, RFL_HOW_UNDECIDED },
        { "QWW", "", CHANGE_MS, 0, RFL_HOW_UNDECIDED },
        { "N1N1N", "", CHANGE_MS - 1, 0, RFL_HOW_UNKNOWN_CODE },
        { "N1N1N", "", CHANGE_MS, NEWVALE, RFL_HOW_CODE },
        { "QZZ", "", CHANGE_MS, 0, RFL_HOW_UNKNOWN_CODE },
        { "", "", CHANGE_MS, 0, RFL_HOW_NO_CODE },
    };
    static const enum rfl_route_reason by[] = { RFL_ROUTE_REASON_BY_POSTCODE, RFL_ROUTE_REASON_BY_GP_PRACTICE,
                                                RFL_ROUTE_REASON_BY_JOBCENTRE, RFL_ROUTE_REASON_BY_REFERRER_AREA };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (unsigned key = 0; key < RFL_KEY_COUNT; key++) {
            struct rfl_facts facts = { 0 };
            struct rfl_decision d;
            facts.clue[key] = clue(cases[i].icb, cases[i].sub);
            rfl_route(policy, &facts, cases[i].at_ms, &d);
            assert_int_equal(d.area.v, cases[i].area);
            const struct rfl_route_step *step = step_of(&d, (enum rfl_key)key);
            assert_int_equal(step->how, cases[i].how);
            assert_int_equal(step->area.v, cases[i].area);
            assert_int_equal(step->flags & RFL_STEP_CHOSEN, cases[i].area != 0 ? RFL_STEP_CHOSEN : 0);
            if (cases[i].area != 0)
                expect(&d, RFL_ROUTE_TO, by[key], (uint16_t)(100 + cases[i].area));
            else
                expect(&d, RFL_ROUTE_TRIAGE, cases[i].how == RFL_HOW_UNDECIDED
                       ? RFL_ROUTE_REASON_AREA_SPLIT_UNDECIDED : RFL_ROUTE_REASON_ALL_KEYS_UNUSABLE, NATIONAL);
        }
}

/* The whole space of four keys that each lead to one of two areas, nowhere, or are not there. */
static void precedence_decides_in_every_combination(void **state)
{
    (void)state;
    static const uint8_t order[] = { RFL_KEY_GP_PRACTICE, RFL_KEY_POSTCODE, RFL_KEY_JOBCENTRE, RFL_KEY_REFERRER_AREA };
    for (unsigned combination = 0; combination < 256; combination++) {
        struct rfl_facts facts = { 0 };
        struct rfl_decision d;
        unsigned want = 0, seen = 0, winner = RFL_KEY_COUNT;
        for (unsigned i = 0; i < RFL_KEY_COUNT; i++) {
            unsigned choice = combination >> (2 * i) & 3;
            facts.clue[order[i]] = choice == 0 ? graded(RFL_GRADE_ABSENT) : choice == 1 ? graded(RFL_GRADE_UNKNOWN)
                                   : clue(choice == 2 ? "QNN" : "QEE", "");
            unsigned area = choice == 2 ? NORTHMOOR : choice == 3 ? EASTVALE : 0;
            winner = want == 0 && area != 0 ? order[i] : winner;
            want = want == 0 ? area : want;
            seen |= area == 0 ? 0 : 1u << area;
        }
        rfl_route(policy, &facts, FIRST_MS, &d);
        assert_int_equal(d.area.v, want);
        assert_int_equal(d.key, winner);
        assert_int_equal(d.conflict, seen == (1u << NORTHMOOR | 1u << EASTVALE));
        assert_int_equal(d.queue.v, want != 0 ? 100 + want : NATIONAL);
        for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
            assert_int_equal(d.step[i].key, order[i]);
        if (combination == 0)
            expect(&d, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_NO_KEY, NATIONAL);
        else if (want == 0)
            expect(&d, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_ALL_KEYS_UNUSABLE, NATIONAL);
    }
}

static void undecided_key_gives_way_to_the_next(void **state)
{
    (void)state;
    struct rfl_facts facts = { 0 };
    struct rfl_decision d;
    facts.clue[RFL_KEY_GP_PRACTICE] = clue("QWW", "W9");
    facts.clue[RFL_KEY_POSTCODE] = clue("QNN", "");
    rfl_route(policy, &facts, CHANGE_MS, &d);
    expect(&d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_POSTCODE, 101);
    assert_int_equal(step_of(&d, RFL_KEY_GP_PRACTICE)->how, RFL_HOW_UNDECIDED);
    assert_int_equal(step_of(&d, RFL_KEY_GP_PRACTICE)->named.v, WESTFOLD);
    assert_false(d.conflict);
}

static void organisation_mail_postcode_comes_last(void **state)
{
    (void)state;
    struct rfl_facts facts = { 0 };
    struct rfl_decision d;
    facts.clue[RFL_KEY_POSTCODE] = clue("QEE", "");
    facts.clue[RFL_KEY_POSTCODE].flags = RFL_CLUE_LARGE_USER;
    facts.clue[RFL_KEY_REFERRER_AREA] = clue("QNN", "");
    rfl_route(policy, &facts, FIRST_MS, &d);
    expect(&d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_REFERRER_AREA, 101);
    assert_true(d.conflict);
    assert_int_equal(d.step[RFL_KEY_COUNT - 1].key, RFL_KEY_POSTCODE);
    assert_int_equal(d.step[RFL_KEY_COUNT - 1].flags, RFL_STEP_LARGE_USER);
    facts.clue[RFL_KEY_REFERRER_AREA] = graded(RFL_GRADE_ABSENT);
    rfl_route(policy, &facts, FIRST_MS, &d);
    expect(&d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_POSTCODE, 102);
}

static void home_outside_england_needs_an_english_practice(void **state)
{
    (void)state;
    struct rfl_facts facts = { 0 };
    struct rfl_decision d;
    facts.clue[RFL_KEY_POSTCODE] = graded(RFL_GRADE_OUTSIDE);
    facts.clue[RFL_KEY_POSTCODE].country = 'W';
    rfl_route(policy, &facts, FIRST_MS, &d);
    expect(&d, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_OUTSIDE_ENGLAND, NATIONAL);
    facts.clue[RFL_KEY_JOBCENTRE] = clue("QNN", "");
    rfl_route(policy, &facts, FIRST_MS, &d);
    expect(&d, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_OUTSIDE_ENGLAND, NATIONAL);
    assert_int_equal(step_of(&d, RFL_KEY_JOBCENTRE)->area.v, NORTHMOOR);
    assert_int_equal(step_of(&d, RFL_KEY_JOBCENTRE)->flags & RFL_STEP_CHOSEN, 0);
    assert_int_equal(d.area.v, 0);
    facts.clue[RFL_KEY_GP_PRACTICE] = clue("QEE", "");
    rfl_route(policy, &facts, FIRST_MS, &d);
    expect(&d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_GP_PRACTICE, 102);
    facts.clue[RFL_KEY_GP_PRACTICE] = graded(RFL_GRADE_OUTSIDE);
    facts.clue[RFL_KEY_POSTCODE] = clue("QNN", "");
    rfl_route(policy, &facts, FIRST_MS, &d);
    expect(&d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_POSTCODE, 101);
    facts.clue[RFL_KEY_POSTCODE] = graded(RFL_GRADE_ABSENT);
    facts.clue[RFL_KEY_JOBCENTRE] = graded(RFL_GRADE_ABSENT);
    rfl_route(policy, &facts, FIRST_MS, &d);
    expect(&d, RFL_ROUTE_TRIAGE, RFL_ROUTE_REASON_OUTSIDE_ENGLAND, NATIONAL);
}

static void closed_intake_is_not_yet(void **state)
{
    (void)state;
    struct rfl_facts facts = { 0 };
    struct rfl_decision d;
    facts.clue[RFL_KEY_POSTCODE] = clue("QSS", "");
    rfl_route(policy, &facts, OPENS_MS - 1, &d);
    expect(&d, RFL_ROUTE_NOT_YET, RFL_ROUTE_REASON_INTAKE_NOT_OPEN, 200 + SOUTHWOLD);
    assert_int_equal(d.retry_ms, OPENS_MS);
    assert_int_equal(d.area.v, SOUTHWOLD);
    rfl_route(policy, &facts, OPENS_MS, &d);
    expect(&d, RFL_ROUTE_TO, RFL_ROUTE_REASON_BY_POSTCODE, 100 + SOUTHWOLD);
    assert_int_equal(d.retry_ms, 0);
}

static void trail_keeps_where_each_answer_came_from(void **state)
{
    (void)state;
    struct rfl_facts facts = { 0 };
    struct rfl_decision d;
    facts.clue[RFL_KEY_POSTCODE] = clue("QNN", "");
    facts.clue[RFL_KEY_POSTCODE].line = 77;
    facts.clue[RFL_KEY_POSTCODE].edition = 3;
    facts.clue[RFL_KEY_POSTCODE].flags = RFL_CLUE_TERMINATED;
    facts.clue[RFL_KEY_GP_PRACTICE] = clue("QEE", "");
    facts.clue[RFL_KEY_GP_PRACTICE].line = 5;
    facts.clue[RFL_KEY_GP_PRACTICE].flags = RFL_CLUE_CLOSED_PRACTICE;
    rfl_route(policy, &facts, FIRST_MS, &d);
    const struct rfl_route_step *home = step_of(&d, RFL_KEY_POSTCODE), *practice = step_of(&d, RFL_KEY_GP_PRACTICE);
    assert_int_equal(home->line, 77);
    assert_int_equal(home->edition, 3);
    assert_int_equal(home->flags, RFL_STEP_TERMINATED | RFL_STEP_LINE_PERSONAL);
    assert_int_equal(practice->line, 5);
    assert_int_equal(practice->flags, RFL_STEP_CLOSED_PRACTICE | RFL_STEP_CHOSEN);
    assert_int_equal(home->grade, RFL_GRADE_OK);
}

/* Any bytes in the facts get an answer with a queue that exists, and the same answer twice, byte for byte. */
static void whatever_comes_is_answered(void **state)
{
    (void)state;
    static const char *const codes[] = { "QNN", "QEE", "QWW", "N1N1N", "F1F1F", "QSS", "E1", "W1", "", "zz" };
    uint64_t seed = 11;
    for (int round = 0; round < 50000; round++) {
        struct rfl_facts facts;
        struct rfl_decision a, b;
        memset(&facts, 0, sizeof facts);
        for (unsigned key = 0; key < RFL_KEY_COUNT; key++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            facts.clue[key] = clue(codes[(seed >> 33) % 10], codes[(seed >> 37) % 10]);
            facts.clue[key].grade = (uint8_t)((seed >> 41) % 11);
            facts.clue[key].flags = (uint8_t)(seed >> 47);
            if ((seed >> 55) % 16 == 0)
                memset(facts.clue[key].icb, (int)(seed >> 58), sizeof facts.clue[key].icb);
        }
        int64_t at_ms = (int64_t)((seed >> 20) % 1000000) - 1000;
        memset(&a, 0x55, sizeof a);
        memset(&b, 0xAA, sizeof b);
        rfl_route(policy, &facts, at_ms, &a);
        rfl_route(policy, &facts, at_ms, &b);
        if (memcmp(&a, &b, sizeof a) != 0 || rfl_policy_queue(policy, a.queue) == NULL || a.verdict == RFL_ROUTE_NONE)
            fail_msg("round %d has no sound answer", round);
        const struct rfl_area *area = rfl_policy_area(policy, a.area);
        if (area != NULL && !rfl_area_alive(area, at_ms))
            fail_msg("round %d was sent to an area that is not alive", round);
    }
}

static void words_are_closed_lists(void **state)
{
    (void)state;
    enum rfl_how how = RFL_HOW_NONE;
    enum rfl_route_reason reason = RFL_ROUTE_REASON_NONE;
    assert_string_equal(rfl_how_word(RFL_HOW_UNDECIDED), "undecided");
    assert_string_equal(rfl_how_word(RFL_HOW_COUNT), "unknown");
    assert_string_equal(rfl_verdict_word(RFL_ROUTE_NOT_YET), "not_yet");
    assert_true(rfl_how_from_word("split", 5, &how));
    assert_int_equal(how, RFL_HOW_SPLIT);
    assert_false(rfl_how_from_word("spli", 4, &how));
    assert_int_equal(how, RFL_HOW_SPLIT);
    assert_true(rfl_route_reason_from_word("no_key", 6, &reason));
    assert_int_equal(reason, RFL_ROUTE_REASON_NO_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_lead_to_areas_by_date),
        cmocka_unit_test(precedence_decides_in_every_combination),
        cmocka_unit_test(undecided_key_gives_way_to_the_next),
        cmocka_unit_test(organisation_mail_postcode_comes_last),
        cmocka_unit_test(home_outside_england_needs_an_english_practice),
        cmocka_unit_test(closed_intake_is_not_yet),
        cmocka_unit_test(trail_keeps_where_each_answer_came_from),
        cmocka_unit_test(whatever_comes_is_answered),
        cmocka_unit_test(words_are_closed_lists),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
