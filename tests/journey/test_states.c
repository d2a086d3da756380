/* Every status has an exit, an owner, an action and a clock, and the document shows the table that is in force. */
#include "states.h"
#include "states_doc.h"

static bool is_open(enum rfl_status status)
{
    return status != RFL_STATUS_NONE && status != RFL_STATUS_RECEIVED && status != RFL_STATUS_CLOSED;
}

static void every_open_status_has_an_exit_to_closed(void **state)
{
    (void)state;
    for (unsigned from = RFL_STATUS_RECEIVED; from < RFL_STATUS_COUNT; from++) {
        bool reached[RFL_STATUS_COUNT] = { false };
        unsigned exits = 0;
        for (unsigned event = 1; event < RFL_EVENT_COUNT; event++)
            exits += rfl_table_next((enum rfl_status)from, (enum rfl_event_kind)event) != RFL_STATUS_NONE &&
                     rfl_table_next((enum rfl_status)from, (enum rfl_event_kind)event) != from ? 1 : 0;
        assert_int_equal(exits > 0, from != RFL_STATUS_CLOSED);
        reached[from] = true;
        for (unsigned round = 0; round < RFL_STATUS_COUNT; round++)
            for (unsigned s = 1; s < RFL_STATUS_COUNT; s++)
                for (unsigned event = 1; reached[s] && event < RFL_EVENT_COUNT; event++)
                    reached[rfl_table_next((enum rfl_status)s, (enum rfl_event_kind)event)] = true;
        assert_true(reached[RFL_STATUS_CLOSED]);
    }
}

/* All ten are reachable from nothing, and nothing leads back to "never heard of". */
static void every_status_can_be_reached(void **state)
{
    (void)state;
    bool reached[RFL_STATUS_COUNT] = { false };
    reached[RFL_STATUS_NONE] = true;
    for (unsigned round = 0; round < RFL_STATUS_COUNT; round++)
        for (unsigned s = 0; s < RFL_STATUS_COUNT; s++)
            for (unsigned event = 1; reached[s] && event < RFL_EVENT_COUNT; event++)
                reached[rfl_table_next((enum rfl_status)s, (enum rfl_event_kind)event)] = true;
    for (unsigned s = 0; s < RFL_STATUS_COUNT; s++)
        assert_true(reached[s]);
}

static void every_open_status_has_an_owner_an_action_and_a_clock(void **state)
{
    (void)state;
    struct rfl_policy *policy = states_policy();
    for (unsigned s = RFL_STATUS_TRIAGE; s < RFL_STATUS_COUNT; s++) {
        enum rfl_status status = (enum rfl_status)s;
        unsigned clocks = 0;
        for (unsigned clock = RFL_CLOCK_NONE + 1; clock < RFL_CLOCK_COUNT; clock++)
            clocks += states_clock_runs(status, (enum rfl_clock)clock) ? 1 : 0;
        assert_int_equal(clocks > 0, is_open(status));
        assert_int_equal(states_clock_runs(status, RFL_CLOCK_NONE), !is_open(status));
        assert_true(rfl_next_action(status)[0] != '\0');
        for (unsigned hold = status == RFL_STATUS_ON_HOLD ? 1 : 0;
             hold < (status == RFL_STATUS_ON_HOLD ? RFL_HOLD_COUNT : 1); hold++) {
            for (uint8_t level = 0; level < 4; level++) {
                struct rfl_case kase = case_in(status);
                kase.hold = (uint8_t)hold;
                kase.escalation = level;
                struct rfl_view who = rfl_owner_of(policy, &kase, NOW_MS);
                bool nobody = who.len == 6 && memcmp(who.p, "nobody", 6) == 0;
                assert_true(who.len > 0);
                assert_int_equal(nobody, !is_open(status));
            }
        }
    }
    free(policy);
}

/* Every clock but the one that means none runs in some status, so none is configured for nothing. */
static void every_clock_runs_somewhere(void **state)
{
    (void)state;
    for (unsigned clock = RFL_CLOCK_NONE + 1; clock < RFL_CLOCK_COUNT; clock++) {
        unsigned statuses = 0;
        for (unsigned s = RFL_STATUS_TRIAGE; s < RFL_STATUS_COUNT; s++)
            statuses += states_clock_runs((enum rfl_status)s, (enum rfl_clock)clock) ? 1 : 0;
        assert_true(statuses > 0);
    }
}

static void document_shows_the_table_in_force(void **state)
{
    (void)state;
    size_t len = 0;
    char *text = states_doc_read("proto/README.md"), *printed = states_doc_printed();
    assert_non_null(text);
    const char *part = states_doc_part(text, &len);
    assert_non_null(part);
    if (len != strlen(printed) || memcmp(part, printed, len) != 0)
        fail_msg("proto/README.md differs from the table: run draw_states --write proto/README.md");
    assert_non_null(strstr(printed, "received --> queued: routed\n"));
    assert_non_null(strstr(printed, "offered --> accepted: accepted\n"));
    assert_null(strstr(printed, "closed --> queued"));
    free(text);
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_open_status_has_an_exit_to_closed),
        cmocka_unit_test(every_status_can_be_reached),
        cmocka_unit_test(every_open_status_has_an_owner_an_action_and_a_clock),
        cmocka_unit_test(every_clock_runs_somewhere),
        cmocka_unit_test(document_shows_the_table_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
