/* The days that more people are in a queue than it has room for, by hand; kinds of change on a policy of two areas. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "rfl_conf.h"
#include "rfl_whatif.h"

enum { DAYS = 10, CASES = 16 };
static const int64_t DAY_MS = INT64_C(86400) * 1000, START_MS = INT64_C(1775000000000);     /* 1 April 2026, noon-ish */

static struct rfl_policy *policy;
static struct rfl_whatif what;
static struct rfl_whatif_case cases[CASES];
static const struct rfl_queue *manchester, *dorset, *desk;

static const struct rfl_queue *queue_named(const char *name)
{
    return rfl_policy_queue_by_name(policy, (struct rfl_view){ (const uint8_t *)name, strlen(name) });
}

static int setup(void **state)
{
    static struct rfl_conf_report report;
    (void)state;
    assert_int_equal(rfl_conf_policy_load("config/policy", &policy, &report), RFL_E_OK);
    manchester = queue_named("greater-manchester/intake");
    dorset = queue_named("dorset/intake");
    desk = queue_named("dorset/triage");
    assert_true(manchester != NULL && dorset != NULL && desk != NULL);
    rfl_whatif_init(&what, policy);
    memset(cases, 0, sizeof cases);
    what.cases = cases;
    what.case_count = CASES;
    what.days = DAYS;
    what.first_day = rfl_date_days(rfl_london_date(START_MS));
    what.change = calloc((size_t)2 * policy->queue_count * DAYS, sizeof *what.change);
    assert_non_null(what.change);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(what.change);
    rfl_conf_policy_free(&policy);
    return 0;
}

static void set_capacity(const struct rfl_queue *queue, uint32_t capacity)
{
    policy->queue[queue - policy->queue].capacity = capacity;
}

/* A referral of somebody whose referrer works in this area: the stored decision is `before`. */
static enum rfl_fate decided(uint64_t kase, int64_t at_ms, const struct rfl_queue *goes, const struct rfl_queue *before)
{
    struct rfl_whatif_one one;
    const struct rfl_area *area = rfl_policy_area(policy, goes->area);
    struct rfl_entry entry = { .seq = { kase }, .kase = { kase }, .wall_ms = at_ms, .event_count = 1,
                               .has_decided = true };
    entry.events[0].kind = RFL_EVENT_RECEIVED;
    entry.decided.facts.door = RFL_DOOR_GP;
    entry.decided.facts.clue[RFL_KEY_REFERRER_AREA].grade = RFL_GRADE_OK;
    memcpy(entry.decided.facts.clue[RFL_KEY_REFERRER_AREA].icb, area->code, RFL_CODE_BYTES);
    rfl_route(policy, &entry.decided.facts, at_ms, &entry.decided.decision);
    assert_int_equal(entry.decided.decision.queue.v, goes->id.v);
    entry.decided.decision.queue = before->id;
    entry.decided.decision.area = before->area;
    entry.decided.decision.verdict = before->kind == RFL_QUEUE_KIND_PROVIDER ? RFL_ROUTE_TO : RFL_ROUTE_TRIAGE;
    rfl_whatif_take(&what, &entry, &one);
    if (one.kind != RFL_FATE_NONE)
        assert_int_equal(one.after.queue.v, goes->id.v);
    return (enum rfl_fate)one.kind;
}

static void closed(uint64_t kase, int64_t at_ms)
{
    struct rfl_whatif_one one;
    struct rfl_entry entry = { .seq = { 99 }, .kase = { kase }, .wall_ms = at_ms, .event_count = 1 };
    entry.events[0].kind = RFL_EVENT_CLOSED;
    rfl_whatif_take(&what, &entry, &one);
    assert_int_equal(one.kind, RFL_FATE_NONE);
}

static struct rfl_whatif_room room_of(const struct rfl_queue *queue)
{
    struct rfl_whatif_room room;
    rfl_whatif_room(&what, (uint32_t)(queue - policy->queue), &room);
    return room;
}

static void kinds_of_change(void **state)
{
    (void)state;
    assert_int_equal(decided(1, START_MS, manchester, manchester), RFL_FATE_SAME);
    assert_int_equal(decided(2, START_MS, manchester, dorset), RFL_FATE_OTHER_AREA);
    assert_int_equal(decided(3, START_MS, manchester, dorset), RFL_FATE_OTHER_AREA);
    assert_int_equal(decided(4, START_MS, manchester, desk), RFL_FATE_TO_AREA);
    what.since_ms = START_MS;
    what.until_ms = START_MS + 1;
    assert_int_equal(decided(5, START_MS + 1, manchester, dorset), RFL_FATE_NONE);
    assert_int_equal(decided(5, START_MS - 1, manchester, dorset), RFL_FATE_NONE);
    assert_int_equal(decided(5, START_MS, dorset, dorset), RFL_FATE_SAME);
    assert_int_equal(what.replayed, 5);
    assert_int_equal(what.count[RFL_FATE_SAME], 2);
    assert_int_equal(what.count[RFL_FATE_OTHER_AREA], 2);
    assert_int_equal(what.count[RFL_FATE_TO_AREA], 1);
    assert_int_equal(what.count[RFL_FATE_NONE] + what.count[RFL_FATE_NO_OWNER] + what.count[RFL_FATE_TO_TRIAGE], 0);
    assert_int_equal(what.pair_count, 2);
    assert_int_equal(what.pair[0].before.v, dorset->id.v);
    assert_int_equal(what.pair[0].after.v, manchester->id.v);
    assert_int_equal(what.pair[0].count, 2);
}

/* Two in Manchester from day 0, a third from day 1 to day 3, who would be the second of two without case 2. */
static void days_without_room(void **state)
{
    (void)state;
    set_capacity(manchester, 2);
    set_capacity(dorset, 1);
    (void)decided(1, START_MS, manchester, manchester);
    (void)decided(2, START_MS, dorset, manchester);
    (void)decided(3, START_MS + DAY_MS, manchester, manchester);
    (void)decided(3, START_MS + 2 * DAY_MS, dorset, dorset);        /* joined: the case has its place */
    closed(3, START_MS + 3 * DAY_MS);
    closed(3, START_MS + 4 * DAY_MS);                               /* once is enough */
    struct rfl_whatif_room room = room_of(manchester);
    assert_int_equal(room.peak_before, 3);
    assert_int_equal(room.peak_after, 2);
    assert_int_equal(room.days_before, 3);                          /* days 1, 2 and 3 */
    assert_int_equal(room.days_after, 0);
    room = room_of(dorset);
    assert_int_equal(room.peak_before, 0);
    assert_int_equal(room.peak_after, 1);
    assert_int_equal(room.days_after, 0);
    (void)decided(4, START_MS + 8 * DAY_MS, dorset, manchester);
    room = room_of(dorset);
    assert_int_equal(room.days_after, 2);                           /* days 8 and 9, the last */
    set_capacity(dorset, 0);
    assert_int_equal(room_of(dorset).days_after, 0);
}

/* Before the first day: there already. After the last, and beyond the cases known: not counted, and not written. */
static void what_is_outside_the_days_is_kept_outside(void **state)
{
    (void)state;
    set_capacity(manchester, 1);
    (void)decided(1, START_MS - 5 * DAY_MS, manchester, manchester);
    (void)decided(2, START_MS + DAYS * DAY_MS, manchester, manchester);
    (void)decided(CASES, START_MS, manchester, manchester);
    closed(CASES, START_MS);
    closed(7, START_MS);
    struct rfl_whatif_room room = room_of(manchester);
    assert_int_equal(room.peak_after, 1);
    assert_int_equal(room.days_after, 0);
    assert_int_equal(what.replayed, 3);
}

int main(void)
{
#define W_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = { W_TEST(kinds_of_change), W_TEST(days_without_room),
                                        W_TEST(what_is_outside_the_days_is_kept_outside) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
