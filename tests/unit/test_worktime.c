/* Working time against the cases people argue about, and against an oracle that counts every minute. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "rfl_policy.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WD (8 * HOUR)

static const struct rfl_date holidays[] = {
    { 2025, 12, 25 }, { 2025, 12, 26 }, { 2026, 1, 1 }, { 2026, 4, 3 }, { 2026, 4, 6 }, { 2026, 5, 4 },
    { 2026, 5, 25 }, { 2026, 8, 31 }, { 2026, 12, 25 }, { 2026, 12, 28 }, { 2027, 1, 1 },
};

static struct rfl_calendar office, nights;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(rfl_calendar_init(&office, 2025, 2027), RFL_E_OK);
    assert_int_equal(rfl_calendar_init(&nights, 2025, 2027), RFL_E_OK);
    for (unsigned d = RFL_MONDAY; d <= RFL_FRIDAY; d++)
        assert_int_equal(rfl_calendar_hours(&office, d, 9 * 60, 17 * 60), RFL_E_OK);
    for (unsigned d = RFL_MONDAY; d <= RFL_SUNDAY; d++)
        assert_int_equal(rfl_calendar_hours(&nights, d, 0, 6 * 60), RFL_E_OK);
    for (size_t i = 0; i < sizeof holidays / sizeof holidays[0]; i++)
        assert_int_equal(rfl_calendar_holiday(&office, holidays[i]), RFL_E_OK);
    assert_int_equal(rfl_calendar_finish(&office), RFL_E_OK);
    assert_int_equal(rfl_calendar_finish(&nights), RFL_E_OK);
    assert_int_equal(office.day_ms, WD);
    return 0;
}

/* A London clock reading to UTC: summer time of these years, written out. */
static int64_t london(int year, int month, int day, int hour, int minute)
{
    static const int begins[] = { 30, 29, 28 }, ends[] = { 26, 25, 31 };       /* of March and October, 2025 .. 2027 */
    int64_t utc = rfl_date_days((struct rfl_date){ year, (uint8_t)month, (uint8_t)day }) * DAY + hour * HOUR +
                  minute * MINUTE;
    bool after_begin = month > 3 || (month == 3 && (day > begins[year - 2025] ||
                                                    (day == begins[year - 2025] && hour >= 2)));
    bool before_end = month < 10 || (month == 10 && (day < ends[year - 2025] ||
                                                     (day == ends[year - 2025] && hour < 2)));
    return after_begin && before_end ? utc - HOUR : utc;
}

struct due_case { int64_t from_ms, work_ms, due_ms; };

static void due_moments_people_argue_about(void **state)
{
    (void)state;
    const struct due_case cases[] = {
        { london(2026, 6, 5, 16, 0), 2 * WD, london(2026, 6, 9, 16, 0) },       /* Friday 16:00 + 2 wd: Tuesday 16:00 */
        { london(2026, 6, 6, 11, 0), 1 * WD, london(2026, 6, 8, 17, 0) },       /* Saturday: Monday, end of day */
        { london(2026, 6, 5, 17, 0), 1 * HOUR, london(2026, 6, 8, 10, 0) },     /* at closing time */
        { london(2026, 6, 5, 8, 0), 4 * HOUR, london(2026, 6, 5, 13, 0) },      /* before opening */
        { london(2026, 6, 5, 9, 0), 8 * HOUR, london(2026, 6, 5, 17, 0) },      /* exactly the day */
        { london(2026, 6, 5, 9, 0), 8 * HOUR + 1, london(2026, 6, 8, 9, 0) + 1 },
        { london(2026, 4, 2, 16, 0), 1 * WD, london(2026, 4, 7, 16, 0) },       /* Maundy Thursday over Easter */
        { london(2026, 4, 3, 10, 0), 1 * HOUR, london(2026, 4, 7, 10, 0) },     /* on Good Friday */
        { london(2026, 3, 27, 16, 0), 2 * WD, london(2026, 3, 31, 16, 0) },     /* over the start of summer time */
        { london(2026, 10, 23, 16, 0), 2 * WD, london(2026, 10, 27, 16, 0) },   /* over its end */
        { london(2026, 12, 31, 16, 0), 2 * WD, london(2027, 1, 5, 16, 0) },     /* over New Year */
        { london(2025, 12, 24, 12, 0), 3 * WD, london(2025, 12, 31, 12, 0) },   /* over Christmas */
        { london(2026, 6, 6, 11, 0), 0, london(2026, 6, 6, 11, 0) },            /* nothing to wait for */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t due_ms = -1, work_ms = -1;
        assert_int_equal(rfl_worktime_add(&office, cases[i].from_ms, cases[i].work_ms, &due_ms), RFL_E_OK);
        assert_int_equal(due_ms, cases[i].due_ms);
        assert_int_equal(rfl_worktime_between(&office, cases[i].from_ms, due_ms, &work_ms), RFL_E_OK);
        assert_int_equal(work_ms, cases[i].work_ms);
        assert_int_equal(rfl_worktime_between(&office, due_ms, cases[i].from_ms, &work_ms), RFL_E_OK);
        assert_int_equal(work_ms, -cases[i].work_ms);
    }
}

static void night_work_loses_and_gains_the_changed_hour(void **state)
{
    (void)state;
    int64_t work_ms;
    int64_t march = rfl_london_midnight_ms((struct rfl_date){ 2026, 3, 29 });
    int64_t october = rfl_london_midnight_ms((struct rfl_date){ 2026, 10, 25 });
    assert_int_equal(rfl_worktime_between(&nights, march, march + 12 * HOUR, &work_ms), RFL_E_OK);
    assert_int_equal(work_ms, 5 * HOUR);
    assert_int_equal(rfl_worktime_between(&nights, october, october + 12 * HOUR, &work_ms), RFL_E_OK);
    assert_int_equal(work_ms, 7 * HOUR);
}

/* Work from 01:30: in March that reading does not exist and work begins at 02:00; in October the first one counts. */
static void opening_inside_the_changed_hour(void **state)
{
    (void)state;
    static struct rfl_calendar cal;
    int64_t work_ms;
    int64_t march = rfl_london_midnight_ms((struct rfl_date){ 2026, 3, 29 });
    int64_t october = rfl_london_midnight_ms((struct rfl_date){ 2026, 10, 25 });
    assert_int_equal(rfl_calendar_init(&cal, 2026, 2026), RFL_E_OK);
    assert_int_equal(rfl_calendar_hours(&cal, RFL_SUNDAY, 90, 330), RFL_E_OK);
    assert_int_equal(rfl_calendar_finish(&cal), RFL_E_OK);
    assert_int_equal(rfl_worktime_between(&cal, march, march + 12 * HOUR, &work_ms), RFL_E_OK);
    assert_int_equal(work_ms, 3 * HOUR + 30 * MINUTE);
    assert_false(rfl_worktime_open(&cal, march + HOUR - 1));
    assert_true(rfl_worktime_open(&cal, march + HOUR));
    assert_int_equal(rfl_worktime_between(&cal, october, october + 12 * HOUR, &work_ms), RFL_E_OK);
    assert_int_equal(work_ms, 5 * HOUR);
    assert_true(rfl_worktime_open(&cal, october + 90 * MINUTE));
}

static uint64_t seed = 20260401;

static uint64_t random_below(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

/* Obvious and slow: is this minute worked? The London hour comes from the written-out dates of summer time. */
static bool minute_is_worked(const struct rfl_calendar *cal, int64_t at_ms)
{
    bool summer = false;
    for (int year = 2025; year <= 2027; year++) {
        static const int begins[] = { 30, 29, 28 }, ends[] = { 26, 25, 31 };
        struct rfl_date from = { year, 3, (uint8_t)begins[year - 2025] };
        struct rfl_date to = { year, 10, (uint8_t)ends[year - 2025] };
        summer = summer || (at_ms >= rfl_date_days(from) * DAY + HOUR && at_ms < rfl_date_days(to) * DAY + HOUR);
    }
    int64_t local_ms = at_ms + (summer ? HOUR : 0);
    int32_t day = (int32_t)(local_ms / DAY);
    int64_t minute = local_ms % DAY / MINUTE;
    if (cal == &nights)
        return minute < 6 * 60;
    for (size_t i = 0; i < sizeof holidays / sizeof holidays[0]; i++)
        if (rfl_date_days(holidays[i]) == day)
            return false;
    return (day + 3) % 7 < 5 && minute >= 9 * 60 && minute < 17 * 60;
}

static void agrees_with_counting_minutes(void **state)
{
    (void)state;
    int64_t first = london(2025, 1, 1, 0, 0);
    for (int round = 0; round < 2000; round++) {
        const struct rfl_calendar *cal = round % 2 == 0 ? &office : &nights;
        int64_t from = first + (int64_t)random_below(1050 * 24 * 60) * MINUTE, at = from, due_ms, work_ms;
        int64_t want = 1 + (int64_t)random_below(24 * 60), left = want;
        for (; left > 0; at += MINUTE) {
            bool worked = minute_is_worked(cal, at);
            if (rfl_worktime_open(cal, at) != worked)
                fail_msg("round %d: open and the count of minutes disagree", round);
            left -= worked ? 1 : 0;
        }
        assert_int_equal(rfl_worktime_add(cal, from, want * MINUTE, &due_ms), RFL_E_OK);
        assert_int_equal(due_ms, at);
        assert_int_equal(rfl_worktime_between(cal, from, at, &work_ms), RFL_E_OK);
        assert_int_equal(work_ms, want * MINUTE);
    }
}

/* A policy with nothing but this calendar and one clock of this length. To be freed. */
static struct rfl_policy *policy_with(const struct rfl_calendar *cal, int64_t work_ms)
{
    struct rfl_policy *policy = malloc(sizeof *policy);
    assert_non_null(policy);
    rfl_policy_init(policy);
    *rfl_policy_calendar_edit(policy) = *cal;
    assert_int_equal(rfl_policy_set_clock(policy, RFL_CLOCK_ACCEPT, work_ms), RFL_E_OK);
    return policy;
}

struct warn_case { bool at_night; int64_t from_ms, work_ms, half_ms, most_ms, due_ms; };

/* Half and 80 % of a clock are of its working time: a weekend, Easter or a changed hour inside it does not count. */
static void warnings_people_argue_about(void **state)
{
    (void)state;
    const struct warn_case cases[] = {
        /* two working days from Friday 16:00 */
        { false, london(2026, 6, 5, 16, 0), 2 * WD, london(2026, 6, 8, 16, 0), london(2026, 6, 9, 12, 48),
          london(2026, 6, 9, 16, 0) },
        /* one from Maundy Thursday noon, over Good Friday and Easter Monday */
        { false, london(2026, 4, 2, 12, 0), WD, london(2026, 4, 2, 16, 0), london(2026, 4, 7, 10, 24),
          london(2026, 4, 7, 12, 0) },
        /* one from the Friday before summer time begins, and before it ends */
        { false, london(2026, 3, 27, 15, 0), WD, london(2026, 3, 30, 11, 0), london(2026, 3, 30, 13, 24),
          london(2026, 3, 30, 15, 0) },
        { false, london(2026, 10, 23, 15, 0), WD, london(2026, 10, 26, 11, 0), london(2026, 10, 26, 13, 24),
          london(2026, 10, 26, 15, 0) },
        /* half and most fall exactly on the closing hour: then, not the next morning */
        { false, london(2026, 6, 8, 13, 0), WD, london(2026, 6, 8, 17, 0), london(2026, 6, 9, 11, 24),
          london(2026, 6, 9, 13, 0) },
        { false, london(2026, 6, 8, 9, 0), 10 * HOUR, london(2026, 6, 8, 14, 0), london(2026, 6, 8, 17, 0),
          london(2026, 6, 9, 11, 0) },
        /* work at night: the hour that is missing, and the hour that comes twice */
        { true, london(2026, 3, 28, 0, 0), 10 * HOUR, london(2026, 3, 28, 5, 0), london(2026, 3, 29, 3, 0),
          london(2026, 3, 29, 5, 0) },
        { true, london(2026, 10, 24, 0, 0), 12 * HOUR, london(2026, 10, 24, 6, 0), london(2026, 10, 25, 2, 36),
          london(2026, 10, 25, 5, 0) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rfl_policy *policy = policy_with(cases[i].at_night ? &nights : &office, cases[i].work_ms);
        struct rfl_run run;
        rfl_policy_run(policy, (struct rfl_queue_no){ 0 }, RFL_CLOCK_ACCEPT, cases[i].from_ms, &run);
        if (run.half_ms != cases[i].half_ms || run.most_ms != cases[i].most_ms || run.due_ms != cases[i].due_ms)
            fail_msg("case %u: half %+lld, most %+lld, due %+lld minutes off", (unsigned)i,
                     (long long)((run.half_ms - cases[i].half_ms) / MINUTE),
                     (long long)((run.most_ms - cases[i].most_ms) / MINUTE),
                     (long long)((run.due_ms - cases[i].due_ms) / MINUTE));
        free(policy);
    }
}

/* The moment by which `want` worked minutes have passed, counted one by one. */
static int64_t count_minutes(const struct rfl_calendar *cal, int64_t at, int64_t want)
{
    for (; want > 0; at += MINUTE)
        want -= minute_is_worked(cal, at) ? 1 : 0;
    return at;
}

/* Six hundred random clocks, half of them begun in the weeks of a changed hour, of Easter or of Christmas 2026. */
static void warnings_agree_with_counting_minutes(void **state)
{
    (void)state;
    const int64_t weeks[] = { london(2026, 3, 25, 0, 0), london(2026, 10, 21, 0, 0), london(2026, 3, 31, 0, 0),
                              london(2026, 12, 22, 0, 0), london(2025, 10, 22, 0, 0), london(2027, 3, 24, 0, 0) };
    int64_t first = london(2025, 1, 1, 0, 0);
    struct rfl_policy *policies[] = { policy_with(&office, 1), policy_with(&nights, 1) };
    for (int round = 0; round < 600; round++) {
        const struct rfl_calendar *cal = round % 2 == 0 ? &office : &nights;
        struct rfl_policy *policy = policies[round % 2];
        int64_t week = weeks[random_below(sizeof weeks / sizeof weeks[0])];
        int64_t from = round % 4 < 2 ? week + (int64_t)random_below(8 * 24 * 60) * MINUTE
                                     : first + (int64_t)random_below(1040 * 24 * 60) * MINUTE;
        int64_t tenths = 1 + (int64_t)random_below(3 * 48), half, most, due;    /* ten minutes to three working days */
        struct rfl_run run;
        policy->clock_ms[RFL_CLOCK_ACCEPT] = tenths * 10 * MINUTE;
        rfl_policy_run(policy, (struct rfl_queue_no){ 0 }, RFL_CLOCK_ACCEPT, from, &run);
        half = count_minutes(cal, from, tenths * 5);
        most = count_minutes(cal, half, tenths * 3);
        due = count_minutes(cal, most, tenths * 2);
        if (run.half_ms != half || run.most_ms != most || run.due_ms != due)
            fail_msg("round %d: warnings and the count of minutes disagree", round);
    }
    free(policies[0]);
    free(policies[1]);
}

/* Beyond the calendar's last year a clock still ends, later than it would, and its warnings come in order before. */
static void warnings_come_in_order_although_the_calendar_has_ended(void **state)
{
    (void)state;
    struct rfl_policy *policy = policy_with(&office, 5 * WD);
    for (int64_t from = london(2027, 12, 20, 9, 0); from < london(2027, 12, 31, 12, 0) + 30 * DAY; from += HOUR) {
        struct rfl_run run;
        rfl_policy_run(policy, (struct rfl_queue_no){ 0 }, RFL_CLOCK_ACCEPT, from, &run);
        assert_true(from < run.half_ms && run.half_ms < run.most_ms && run.most_ms < run.due_ms);
        assert_true(run.due_ms <= from + 9 * 5 * WD);
    }
    free(policy);
}

static void limits_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static struct rfl_calendar cal;
    int64_t out = 77, start = london(2025, 1, 1, 0, 0), end = london(2027, 12, 31, 12, 0);
    assert_int_equal(rfl_worktime_add(&office, start - 1, 1, &out), RFL_E_INVALID);
    assert_int_equal(rfl_worktime_add(&office, start, -1, &out), RFL_E_INVALID);
    assert_int_equal(rfl_worktime_add(&office, start, RFL_WORKTIME_DAYS_MAX * WD + 1, &out), RFL_E_INVALID);
    assert_int_equal(rfl_worktime_add(&office, end, 2 * WD, &out), RFL_E_INVALID);
    assert_int_equal(rfl_worktime_between(&office, start, end + DAY, &out), RFL_E_INVALID);
    assert_int_equal(out, 77);
    assert_int_equal(rfl_worktime_add(&office, start, RFL_WORKTIME_DAYS_MAX * WD, &out), RFL_E_OK);
    assert_int_equal(rfl_calendar_init(&cal, 2026, 2025), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_init(&cal, 2020, 2036), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_init(&cal, 2020, 2035), RFL_E_OK);
    assert_int_equal(rfl_calendar_finish(&cal), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_hours(&cal, RFL_MONDAY, 600, 600), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_hours(&cal, RFL_WEEKDAYS, 1, 2), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_hours(&cal, RFL_MONDAY, 0, 1440), RFL_E_OK);
    assert_int_equal(rfl_calendar_hours(&cal, RFL_FRIDAY, 0, 720), RFL_E_OK);
    assert_int_equal(rfl_calendar_finish(&cal), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_hours(&cal, RFL_FRIDAY, 0, 1440), RFL_E_OK);
    assert_int_equal(rfl_calendar_holiday(&cal, (struct rfl_date){ 2036, 1, 1 }), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_holiday(&cal, (struct rfl_date){ 2026, 2, 30 }), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_holiday(&cal, (struct rfl_date){ 2026, 1, 1 }), RFL_E_OK);
    assert_int_equal(rfl_calendar_holiday(&cal, (struct rfl_date){ 2026, 1, 1 }), RFL_E_EXISTS);
    assert_int_equal(rfl_calendar_finish(&cal), RFL_E_OK);
    assert_int_equal(rfl_calendar_finish(&cal), RFL_E_INVALID);
    assert_int_equal(rfl_calendar_hours(&cal, RFL_MONDAY, 0, 60), RFL_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_moments_people_argue_about),
        cmocka_unit_test(night_work_loses_and_gains_the_changed_hour),
        cmocka_unit_test(opening_inside_the_changed_hour),
        cmocka_unit_test(agrees_with_counting_minutes),
        cmocka_unit_test(warnings_people_argue_about),
        cmocka_unit_test(warnings_agree_with_counting_minutes),
        cmocka_unit_test(warnings_come_in_order_although_the_calendar_has_ended),
        cmocka_unit_test(limits_are_refused_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
