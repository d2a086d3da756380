/* Areas through time, in a small invented country: Oakham ends and becomes Elmham whole; Ashford is divided between
 * Elmham (A1) and Thornby (A2); part T1 of Thornby, which lives on, leaves for Elmham and comes back later. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "rfl_lineage.h"
#include "rfl_route.h"

#define V(text) ((struct rfl_view){ (const uint8_t *)(text), sizeof(text) - 1 })

enum { OAKHAM = 1, ASHFORD, ELMHAM, THORNBY, NATIONAL = 900 };
enum { FIRST_MS = 1000, CHANGE_MS = 5000, AWAY_MS = 7000, BACK_MS = 9000 };

static struct rfl_policy *policy;

static void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }

static void add_area(uint16_t id, struct rfl_view code, struct rfl_view name, struct rfl_view intake,
                     struct rfl_view triage, int64_t from_ms, int64_t until_ms)
{
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { id }, .name = name, .full_name = name,
        .region = V("Middle"), .from_ms = from_ms, .until_ms = until_ms, .intake = { (uint16_t)(100 + id) },
        .triage = { (uint16_t)(200 + id) } }));
    must(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { id }, code, from_ms, until_ms }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { (uint16_t)(100 + id) }, .area = { id },
        .kind = RFL_QUEUE_KIND_PROVIDER, .name = intake, .owner = V("o"), .lead = V("l") }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { (uint16_t)(200 + id) }, .area = { id },
        .kind = RFL_QUEUE_KIND_TRIAGE, .name = triage, .owner = V("o"), .lead = V("l") }));
}

static void add_successor(uint16_t area, uint16_t to, int64_t from_ms, const struct rfl_view *part)
{
    must(rfl_policy_add_successor(policy, &(struct rfl_successor_input){ { area }, { to }, from_ms, part,
                                                                         part != NULL ? 1 : 0 }));
}

static int set_up(void **state)
{
    (void)state;
    static const struct rfl_view a1 = { (const uint8_t *)"A1", 2 }, a2 = { (const uint8_t *)"A2", 2 },
                                 t1 = { (const uint8_t *)"T1", 2 };
    policy = malloc(sizeof *policy);
    assert_non_null(policy);
    rfl_policy_init(policy);
    add_area(OAKHAM, V("QOO"), V("oakham"), V("oakham/intake"), V("oakham/triage"), FIRST_MS, CHANGE_MS);
    add_area(ASHFORD, V("QAA"), V("ashford"), V("ashford/intake"), V("ashford/triage"), FIRST_MS, CHANGE_MS);
    add_area(ELMHAM, V("E1E1E"), V("elmham"), V("elmham/intake"), V("elmham/triage"), CHANGE_MS, RFL_NO_END_MS);
    add_area(THORNBY, V("QTT"), V("thornby"), V("thornby/intake"), V("thornby/triage"), FIRST_MS, RFL_NO_END_MS);
    add_successor(OAKHAM, ELMHAM, CHANGE_MS, NULL);
    add_successor(ASHFORD, ELMHAM, CHANGE_MS, &a1);
    add_successor(ASHFORD, THORNBY, CHANGE_MS, &a2);
    add_successor(THORNBY, ELMHAM, AWAY_MS, &t1);
    add_successor(ELMHAM, THORNBY, BACK_MS, &t1);
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { NATIONAL },
        .kind = RFL_QUEUE_KIND_NATIONAL, .name = V("national/triage"), .owner = V("o"), .lead = V("l") }));
    return 0;
}

static void finish(void)
{
    struct rfl_calendar *cal = rfl_policy_calendar_edit(policy);
    must(rfl_calendar_init(cal, 2026, 2027));
    for (unsigned d = RFL_MONDAY; d <= RFL_FRIDAY; d++)
        must(rfl_calendar_hours(cal, d, 540, 1020));
    must(rfl_calendar_finish(cal));
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        must(rfl_policy_set_clock(policy, (enum rfl_clock)i, 3600000));
    must(rfl_policy_compile(policy));
}

static int tear_down(void **state)
{
    (void)state;
    free(policy);
    return 0;
}

static enum rfl_policy_rule first_rule;

static void note_rule(void *ctx, const struct rfl_policy_finding *finding)
{
    (void)ctx;
    if (first_rule == RFL_POLICY_RULE_NONE)
        first_rule = finding->rule;
}

static enum rfl_policy_rule judged(void)
{
    first_rule = RFL_POLICY_RULE_NONE;
    (void)rfl_policy_check(policy, note_rule, NULL);
    return first_rule;
}

static uint16_t heir(uint16_t area, int64_t at_ms)
{
    const struct rfl_area *found = rfl_lineage_heir(policy, (struct rfl_area_no){ area }, at_ms);
    return found != NULL ? found->id.v : 0;
}

static uint16_t queue(uint16_t id, int64_t at_ms)
{
    return rfl_lineage_queue(policy, (struct rfl_queue_no){ id }, at_ms).v;
}

static void an_ended_area_has_an_heir_only_as_a_whole(void **state)
{
    (void)state;
    finish();
    assert_int_equal(judged(), RFL_POLICY_RULE_NONE);
    assert_int_equal(heir(OAKHAM, CHANGE_MS - 1), OAKHAM);
    assert_int_equal(heir(OAKHAM, CHANGE_MS), ELMHAM);
    assert_int_equal(heir(ASHFORD, CHANGE_MS), 0);
    assert_int_equal(heir(ELMHAM, FIRST_MS), 0);            /* not begun */
    assert_int_equal(heir(THORNBY, BACK_MS), THORNBY);      /* a part that leaves does not end it */
    assert_int_equal(queue(101, CHANGE_MS), 103);
    assert_int_equal(queue(201, CHANGE_MS), 203);
    assert_int_equal(queue(102, CHANGE_MS), NATIONAL);
    assert_int_equal(queue(102, CHANGE_MS - 1), 102);
    assert_int_equal(queue(104, BACK_MS), 104);
    assert_false(rfl_lineage_gone(policy, (struct rfl_queue_no){ NATIONAL }, INT64_MAX - 1));
    assert_true(rfl_lineage_gone(policy, (struct rfl_queue_no){ 201 }, CHANGE_MS));
}

static void queues_that_follow_are_all_named(void **state)
{
    (void)state;
    struct rfl_queue_no out[RFL_LINEAGE_QUEUES_MAX];
    finish();
    assert_int_equal(rfl_lineage_queues(policy, (struct rfl_queue_no){ 102 }, CHANGE_MS - 1, out), 0);
    assert_int_equal(rfl_lineage_queues(policy, (struct rfl_queue_no){ 102 }, CHANGE_MS, out), 2);
    assert_int_equal(out[0].v, 103);
    assert_int_equal(out[1].v, 104);
    assert_int_equal(rfl_lineage_queues(policy, (struct rfl_queue_no){ 201 }, CHANGE_MS, out), 1);
    assert_int_equal(out[0].v, 203);
}

static void moments_of_change_are_ends_and_boundaries(void **state)
{
    (void)state;
    finish();
    assert_int_equal(rfl_lineage_next_ms(policy, FIRST_MS), CHANGE_MS);
    assert_int_equal(rfl_lineage_next_ms(policy, CHANGE_MS), AWAY_MS);
    assert_int_equal(rfl_lineage_next_ms(policy, AWAY_MS), BACK_MS);
    assert_int_equal(rfl_lineage_next_ms(policy, BACK_MS), INT64_MAX);
    assert_int_equal(rfl_lineage_changed_ms(policy, (struct rfl_area_no){ OAKHAM }, CHANGE_MS - 1), 0);
    assert_int_equal(rfl_lineage_changed_ms(policy, (struct rfl_area_no){ OAKHAM }, BACK_MS), CHANGE_MS);
    assert_int_equal(rfl_lineage_changed_ms(policy, (struct rfl_area_no){ THORNBY }, BACK_MS), AWAY_MS);
    assert_int_equal(rfl_lineage_changed_ms(policy, (struct rfl_area_no){ ELMHAM }, AWAY_MS), 0);
}

static uint16_t routed(const char *icb, const char *sub_icb, int64_t at_ms, enum rfl_how *how)
{
    struct rfl_facts facts;
    struct rfl_decision decision;
    memset(&facts, 0, sizeof facts);
    struct rfl_clue *clue = &facts.clue[RFL_KEY_GP_PRACTICE];
    clue->grade = RFL_GRADE_OK;
    memcpy(clue->icb, icb, strlen(icb));
    memcpy(clue->sub_icb, sub_icb, strlen(sub_icb));
    rfl_route(policy, &facts, at_ms, &decision);
    *how = (enum rfl_how)decision.step[0].how;
    return decision.area.v;
}

/* A split, then a merge of what was split, is nothing: whoever's part went and came back is where they were. */
static void a_part_follows_its_boundary_there_and_back(void **state)
{
    (void)state;
    static const struct { const char *icb, *sub; int64_t at_ms; uint16_t area; enum rfl_how how; } rows[] = {
        { "QTT", "T1", CHANGE_MS, THORNBY, RFL_HOW_CODE }, { "QTT", "T1", AWAY_MS - 1, THORNBY, RFL_HOW_CODE },
        { "QTT", "T1", AWAY_MS, ELMHAM, RFL_HOW_SPLIT }, { "QTT", "T1", BACK_MS - 1, ELMHAM, RFL_HOW_SPLIT },
        { "QTT", "T1", BACK_MS, THORNBY, RFL_HOW_SPLIT }, { "QTT", "T2", BACK_MS, THORNBY, RFL_HOW_CODE },
        { "QTT", "", AWAY_MS, THORNBY, RFL_HOW_CODE }, { "E1E1E", "T1", AWAY_MS, ELMHAM, RFL_HOW_CODE },
        { "E1E1E", "T1", BACK_MS, THORNBY, RFL_HOW_SPLIT }, { "QOO", "", CHANGE_MS, ELMHAM, RFL_HOW_SUCCEEDED },
        { "QOO", "", CHANGE_MS - 1, OAKHAM, RFL_HOW_CODE }, { "QAA", "A1", CHANGE_MS, ELMHAM, RFL_HOW_SPLIT },
        { "QAA", "A2", BACK_MS, THORNBY, RFL_HOW_SPLIT }, { "QAA", "A3", CHANGE_MS, 0, RFL_HOW_UNDECIDED } };
    finish();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rfl_how how;
        assert_int_equal(routed(rows[i].icb, rows[i].sub, rows[i].at_ms, &how), rows[i].area);
        assert_int_equal(how, rows[i].how);
    }
}

static void a_boundary_has_a_date_within_the_areas_life_and_a_living_taker(void **state)
{
    (void)state;
    static const struct rfl_view part = { (const uint8_t *)"O1", 2 };
    static const struct { uint16_t area, to; int64_t from_ms; bool whole; enum rfl_policy_rule rule; } rows[] = {
        { OAKHAM, THORNBY, FIRST_MS + 1, false, RFL_POLICY_RULE_NONE },
        { OAKHAM, THORNBY, FIRST_MS, false, RFL_POLICY_RULE_SUCCESSOR_DATE },
        { OAKHAM, THORNBY, CHANGE_MS + 1, false, RFL_POLICY_RULE_SUCCESSOR_DATE },
        { OAKHAM, THORNBY, FIRST_MS + 1, true, RFL_POLICY_RULE_SUCCESSOR_DATE },
        { OAKHAM, ELMHAM, FIRST_MS + 1, false, RFL_POLICY_RULE_SUCCESSOR_NOT_ALIVE },
        { THORNBY, ELMHAM, AWAY_MS, true, RFL_POLICY_RULE_SUCCESSOR_OF_LIVE_AREA },
        { THORNBY, ELMHAM, FIRST_MS, false, RFL_POLICY_RULE_SUCCESSOR_OF_LIVE_AREA } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i > 0) {
            free(policy);
            (void)set_up(state);
        }
        add_successor(rows[i].area, rows[i].to, rows[i].from_ms, rows[i].whole ? NULL : &part);
        finish();
        assert_int_equal(judged(), rows[i].rule);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_ended_area_has_an_heir_only_as_a_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(queues_that_follow_are_all_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moments_of_change_are_ends_and_boundaries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_follows_its_boundary_there_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_boundary_has_a_date_within_the_areas_life_and_a_living_taker, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("lineage", tests, NULL, NULL);
}
