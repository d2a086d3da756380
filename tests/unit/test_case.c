/* The case as a value: where it can be found again, and what makes it unsound. */
#include "core_case.h"

static void indexes_of_each_status_are_the_documented_ones(void **state)
{
    (void)state;
    for (unsigned st = 0; st < RFL_STATUS_COUNT; st++) {
        struct rfl_case kase = case_in((enum rfl_status)st);
        struct rfl_keys keys;
        memset(&keys, 0x5A, sizeof keys);
        rfl_keys_of(&kase, &keys);
        bool clocked = st >= RFL_STATUS_TRIAGE && st < RFL_STATUS_CLOSED;
        assert_int_equal(keys.has[RFL_INDEX_QUEUE], st == RFL_STATUS_QUEUED);
        assert_int_equal(keys.has[RFL_INDEX_HOLDER], st == RFL_STATUS_OFFERED);
        assert_int_equal(keys.has[RFL_INDEX_DUE], clocked);
        assert_int_equal(keys.has[RFL_INDEX_WORK], is_held_by_worker((enum rfl_status)st));
        assert_false(keys.has[RFL_INDEX_LINKED]);
        if (keys.has[RFL_INDEX_WORK])
            assert_int_equal(keys.order[RFL_INDEX_WORK].a, N_INTAKE);
        if (keys.has[RFL_INDEX_QUEUE]) {
            assert_int_equal(keys.order[RFL_INDEX_QUEUE].a, N_INTAKE << 16 | RFL_BAND_ROUTINE << 8 | RFL_DOOR_GP);
            assert_int_equal(keys.order[RFL_INDEX_QUEUE].b, kase.since_ms);
            assert_int_equal(keys.order[RFL_INDEX_QUEUE].c, CASE);
        }
        if (keys.has[RFL_INDEX_HOLDER]) {
            assert_int_equal(keys.order[RFL_INDEX_HOLDER].a, HOLDER);
            assert_int_equal(keys.order[RFL_INDEX_HOLDER].b, 0);
            assert_int_equal(keys.order[RFL_INDEX_HOLDER].c, CASE);
        }
        if (clocked) {
            assert_int_equal(keys.order[RFL_INDEX_DUE].a, kase.due_ms);
            assert_int_equal(keys.order[RFL_INDEX_DUE].b, kase.clock);
            assert_int_equal(keys.order[RFL_INDEX_DUE].c, CASE);
        }
    }
}

static void case_that_rests_on_another_is_in_the_index_of_links_alone(void **state)
{
    (void)state;
    for (unsigned st = RFL_STATUS_TRIAGE; st < RFL_STATUS_CLOSED; st++) {
        struct rfl_case kase = case_in((enum rfl_status)st);
        struct rfl_keys keys;
        kase.linked_to.v = CASE + 1;
        rfl_keys_of(&kase, &keys);
        for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
            assert_int_equal(keys.has[i], i == RFL_INDEX_LINKED);
        assert_int_equal(keys.order[RFL_INDEX_LINKED].a, CASE + 1);
        assert_int_equal(keys.order[RFL_INDEX_LINKED].c, CASE);
    }
}

static void clock_asks_at_half_at_most_and_at_its_end(void **state)
{
    (void)state;
    struct rfl_case kase = case_in(RFL_STATUS_QUEUED);
    kase.half_ms = kase.due_ms - 50;
    kase.most_ms = kase.due_ms - 20;
    assert_int_equal(rfl_case_next_ms(&kase), kase.half_ms);
    kase.warned = 1;
    assert_int_equal(rfl_case_next_ms(&kase), kase.most_ms);
    kase.warned = 2;
    assert_int_equal(rfl_case_next_ms(&kase), kase.due_ms);
    kase.warned = 0;
    kase.half_ms = kase.most_ms = 0;
    assert_int_equal(rfl_case_next_ms(&kase), kase.due_ms);
    struct rfl_case offered = case_in(RFL_STATUS_OFFERED);
    offered.half_ms = offered.most_ms = offered.due_ms - 5;     /* of the clock behind the lease */
    assert_int_equal(rfl_case_next_ms(&offered), offered.due_ms);
}

static void order_is_by_three_numbers_in_turn(void **state)
{
    (void)state;
    const uint64_t values[] = { 0, 1, 255, UINT64_C(1) << 32, UINT64_MAX };
    struct rfl_order all[125];
    unsigned count = 0;
    for (unsigned a = 0; a < 5; a++)
        for (unsigned b = 0; b < 5; b++)
            for (unsigned c = 0; c < 5; c++)
                all[count++] = (struct rfl_order){ values[a], values[b], values[c] };
    for (unsigned x = 0; x < count; x++)
        for (unsigned y = 0; y < count; y++)
            assert_int_equal(rfl_order_compare(&all[x], &all[y]), (x > y) - (x < y));
}

static void holder_of_a_name_is_fnv_and_never_nobody(void **state)
{
    (void)state;
    assert_true(rfl_holder_of((struct rfl_view){ NULL, 0 }) == UINT64_C(0xCBF29CE484222325));
    assert_true(rfl_holder_of(V("a")) == UINT64_C(0xAF63DC4C8601EC8C));             /* published FNV-1a vectors */
    assert_true(rfl_holder_of(V("foobar")) == UINT64_C(0x85944171F73967E8));
    assert_true(rfl_holder_of(V("intake-1")) != rfl_holder_of(V("intake-2")));
}

static void sound_case_of_every_stored_status_has_no_objection_and_an_action(void **state)
{
    (void)state;
    for (unsigned st = 0; st < RFL_STATUS_COUNT; st++) {
        struct rfl_case kase = case_in((enum rfl_status)st);
        const char *broken = rfl_case_broken(&kase);
        if (st == RFL_STATUS_NONE || st == RFL_STATUS_RECEIVED)
            assert_non_null(broken);
        else
            assert_null(broken);
        assert_true(rfl_next_action((enum rfl_status)st)[0] != '\0');
    }
    assert_string_equal(rfl_next_action((enum rfl_status)99), "unknown");
}

/* Whatever a clock is worth, one status has its own, and those that wait for an owner may have an escalation's. */
static void clocks_that_may_run_are_the_published_ones(void **state)
{
    (void)state;
    static const uint16_t may[RFL_STATUS_COUNT] = {
        [RFL_STATUS_TRIAGE] = 1 << RFL_CLOCK_TRIAGE | 1 << RFL_CLOCK_ESCALATED,
        [RFL_STATUS_ON_HOLD] = 1 << RFL_CLOCK_HOLD | 1 << RFL_CLOCK_CONSENT | 1 << RFL_CLOCK_PARKED |
                               1 << RFL_CLOCK_ESCALATED,
        [RFL_STATUS_QUEUED] = 1 << RFL_CLOCK_ACCEPT | 1 << RFL_CLOCK_ESCALATED,
        [RFL_STATUS_OFFERED] = 1 << RFL_CLOCK_LEASE,
        [RFL_STATUS_DECLINING] = 1 << RFL_CLOCK_DECLINE | 1 << RFL_CLOCK_ESCALATED,
        [RFL_STATUS_ACCEPTED] = 1 << RFL_CLOCK_CONTACT | 1 << RFL_CLOCK_ESCALATED,
        [RFL_STATUS_WAITING_ON_PERSON] = 1 << RFL_CLOCK_FOLLOW_UP | 1 << RFL_CLOCK_ESCALATED,
        [RFL_STATUS_ACTIVE] = 1 << RFL_CLOCK_OUTCOME_FIRST | 1 << RFL_CLOCK_OUTCOME_LATER | 1 << RFL_CLOCK_ESCALATED,
        [RFL_STATUS_CLOSED] = 1 << RFL_CLOCK_NONE };
    for (unsigned st = RFL_STATUS_TRIAGE; st < RFL_STATUS_COUNT; st++)
        for (unsigned clock = 0; clock < RFL_CLOCK_COUNT; clock++) {
            struct rfl_case kase = case_in((enum rfl_status)st);
            kase.clock = (uint8_t)clock;
            kase.due_ms = clock == RFL_CLOCK_NONE ? 0 : NOW_MS;
            kase.escalation = clock == RFL_CLOCK_ESCALATED;
            assert_int_equal(rfl_case_broken(&kase) == NULL, may[st] >> clock & 1);
        }
}

static struct rfl_case spoilt(enum rfl_status status, size_t offset, size_t bytes, uint64_t value)
{
    struct rfl_case kase = case_in(status);
    memcpy((uint8_t *)&kase + offset, &value, bytes);       /* little-endian machine, as the tests' */
    return kase;
}

static void every_rule_has_a_case_that_breaks_it(void **state)
{
    (void)state;
#define SPOIL(status, member, value) \
    { RFL_STATUS_##status, offsetof(struct rfl_case, member), sizeof ((struct rfl_case *)0)->member, (uint64_t)(value) }
    static const struct { enum rfl_status status; size_t offset, bytes; uint64_t value; } rows[] = {
        SPOIL(QUEUED, status, RFL_STATUS_COUNT), SPOIL(QUEUED, status, 255), SPOIL(QUEUED, clock, RFL_CLOCK_COUNT),
        SPOIL(QUEUED, clock, 255), SPOIL(QUEUED, band, RFL_BAND_COUNT), SPOIL(ON_HOLD, hold, RFL_HOLD_COUNT),
        SPOIL(QUEUED, door, RFL_DOOR_COUNT), SPOIL(CLOSED, close, RFL_CLOSE_COUNT),
        SPOIL(QUEUED, outcome, RFL_OUTCOME_COUNT), SPOIL(QUEUED, id, 0), SPOIL(QUEUED, first_referral, 0),
        SPOIL(QUEUED, last_referral, FIRST - 1), SPOIL(QUEUED, referral_count, 0), SPOIL(QUEUED, due_ms, 0),
        SPOIL(QUEUED, due_ms, -1), SPOIL(CLOSED, due_ms, 1), SPOIL(QUEUED, queue, 0),
        SPOIL(ON_HOLD, hold, RFL_HOLD_NONE), SPOIL(QUEUED, hold, RFL_HOLD_PARKED),
        SPOIL(CLOSED, close, RFL_CLOSE_NONE), SPOIL(ACTIVE, close, RFL_CLOSE_DIED), SPOIL(OFFERED, holder, 0),
        SPOIL(ACCEPTED, holder, 0), SPOIL(WAITING_ON_PERSON, holder, 0), SPOIL(ACTIVE, holder, 0),
        SPOIL(OFFERED, token.epoch, 0), SPOIL(OFFERED, token.seq, 0), SPOIL(QUEUED, holder, 1),
        SPOIL(TRIAGE, holder, 1), SPOIL(ON_HOLD, holder, 1), SPOIL(DECLINING, holder, 1), SPOIL(CLOSED, holder, 1),
        SPOIL(QUEUED, accept_by_ms, 0), SPOIL(OFFERED, accept_by_ms, 0),
        SPOIL(QUEUED, declined_count, RFL_DECLINED_BY_MAX + 1), SPOIL(QUEUED, warned, 3), SPOIL(QUEUED, half_ms, 5),
        SPOIL(QUEUED, most_ms, 5), SPOIL(QUEUED, withdrawn_count, 2), SPOIL(QUEUED, linked_to.v, CASE),
        SPOIL(CLOSED, linked_to.v, 1), SPOIL(QUEUED, previous.v, CASE), SPOIL(CLOSED, closed_ms, 0),
        SPOIL(ACTIVE, closed_ms, 1), SPOIL(CLOSED, quiet_until_ms, 1) };
#undef SPOIL
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rfl_case kase = spoilt(rows[i].status, rows[i].offset, rows[i].bytes, rows[i].value);
        if (rfl_case_broken(&kase) == NULL)
            fail_msg("row %zu is sound", i);
    }
    struct rfl_case kase = case_in(RFL_STATUS_QUEUED);
    kase.clock = RFL_CLOCK_ESCALATED;
    assert_non_null(rfl_case_broken(&kase));            /* nobody has been escalated to */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes_of_each_status_are_the_documented_ones),
        cmocka_unit_test(case_that_rests_on_another_is_in_the_index_of_links_alone),
        cmocka_unit_test(clock_asks_at_half_at_most_and_at_its_end),
        cmocka_unit_test(order_is_by_three_numbers_in_turn),
        cmocka_unit_test(holder_of_a_name_is_fnv_and_never_nobody),
        cmocka_unit_test(sound_case_of_every_stored_status_has_no_objection_and_an_action),
        cmocka_unit_test(clocks_that_may_run_are_the_published_ones),
        cmocka_unit_test(every_rule_has_a_case_that_breaks_it),
    };
    return cmocka_run_group_tests_name("case", tests, NULL, NULL);
}
