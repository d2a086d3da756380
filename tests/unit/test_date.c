/* Dates: every day of the range, texts that only look like dates, and the two mornings a year when London changes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rfl_date.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct rfl_view view(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static bool same(struct rfl_date a, struct rfl_date b)
{
    return a.year == b.year && a.month == b.month && a.day == b.day;
}

static void known_days_have_their_numbers(void **state)
{
    (void)state;
    static const struct { struct rfl_date date; int32_t days; unsigned weekday; } v[] = {
        { { 1970, 1, 1 }, 0, RFL_THURSDAY }, { { 1969, 12, 31 }, -1, RFL_WEDNESDAY },
        { { 2000, 3, 1 }, 11017, RFL_WEDNESDAY }, { { 9999, 12, 31 }, 2932896, RFL_FRIDAY },
        { { 1000, 1, 1 }, -354285, RFL_WEDNESDAY }, { { 2026, 4, 3 }, 20546, RFL_FRIDAY },
        { { 1900, 1, 1 }, -25567, RFL_MONDAY }, { { 1752, 9, 14 }, -79366, RFL_THURSDAY },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        assert_int_equal(rfl_date_days(v[i].date), v[i].days);
        assert_true(same(rfl_date_from_days(v[i].days), v[i].date));
        assert_int_equal(rfl_weekday(v[i].days), v[i].weekday);
    }
    assert_int_equal(RFL_DATE_DAYS_MIN, rfl_date_days((struct rfl_date){ RFL_DATE_YEAR_MIN, 1, 1 }));
    assert_int_equal(RFL_DATE_DAYS_MAX, rfl_date_days((struct rfl_date){ RFL_DATE_YEAR_MAX, 12, 31 }));
}

static void days_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const struct rfl_date bad[] = {
        { 2023, 2, 29 }, { 2100, 2, 29 }, { 1900, 2, 29 }, { 2026, 4, 31 }, { 2026, 0, 1 }, { 2026, 13, 1 },
        { 2026, 255, 1 }, { 2026, 1, 0 }, { 2026, 1, 32 }, { 2026, 1, 255 }, { 999, 12, 31 }, { 10000, 1, 1 },
        { 0, 1, 1 }, { -2026, 1, 1 }, { 67562, 4, 1 }, { INT32_MAX, 1, 1 }, { INT32_MIN, 1, 1 }, { 0, 0, 0 },
    };
    static const struct rfl_date good[] = {
        { 2024, 2, 29 }, { 2000, 2, 29 }, { 1000, 1, 1 }, { 9999, 12, 31 }, { 1969, 12, 31 }, { 1895, 6, 16 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(rfl_date_valid(bad[i]));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(rfl_date_valid(good[i]));
}

/* The length of every month, spelled out again so that the module is not its own witness. */
static bool is_last_of_month(struct rfl_date date)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    return date.day == days[date.month - 1] + (date.month == 2 && leap);
}

static void every_day_of_nine_thousand_years_comes_back(void **state)
{
    (void)state;
    struct rfl_date want = { 1000, 1, 1 };
    unsigned weekday = RFL_WEDNESDAY;
    for (int32_t days = RFL_DATE_DAYS_MIN; days <= RFL_DATE_DAYS_MAX; days++) {
        struct rfl_date got = rfl_date_from_days(days);
        if (!same(got, want) || !rfl_date_valid(got) || rfl_date_days(got) != days || rfl_weekday(days) != weekday)
            fail_msg("day %ld is %ld-%u-%u", (long)days, (long)got.year, got.month, got.day);
        bool last = is_last_of_month(want);
        want.day++;
        if (rfl_date_valid(want) == last)
            fail_msg("the month of day %ld ends elsewhere", (long)days);
        weekday = (weekday + 1) % RFL_WEEKDAYS;
        if (!last)
            continue;
        want.day = 1;
        want.month = (uint8_t)(want.month % 12 + 1);
        want.year += want.month == 1 ? 1 : 0;
    }
    assert_true(same(want, (struct rfl_date){ 10000, 1, 1 }));
}

static void dates_are_read_exactly(void **state)
{
    (void)state;
    static const struct { const char *text; struct rfl_date date; } v[] = {
        { "2028-02-29", { 2028, 2, 29 } }, { "1990-06-15", { 1990, 6, 15 } }, { "1895-06-16", { 1895, 6, 16 } },
        { "1000-01-01", { 1000, 1, 1 } }, { "9999-12-31", { 9999, 12, 31 } }, { "2000-02-29", { 2000, 2, 29 } },
        { "0999-12-31", { 0 } }, { "0990-06-15", { 0 } }, { "0000-01-01", { 0 } }, { "1900-02-29", { 0 } },
        { "2026-02-29", { 0 } }, { "1990-13-01", { 0 } }, { "1990-00-01", { 0 } }, { "1990-04-31", { 0 } },
        { "1990-04-00", { 0 } }, { "15/06/1990", { 0 } }, { "1990-6-15", { 0 } }, { "1990-06-15T", { 0 } },
        { "", { 0 } }, { "2026", { 0 } }, { "2026-4-1", { 0 } }, { "2026-04-01 ", { 0 } }, { " 2026-04-01", { 0 } },
        { "26-04-01", { 0 } }, { "2026/04/01", { 0 } }, { "2026-04-0x", { 0 } }, { "2026-04:01", { 0 } },
        { "20260-4-01", { 0 } }, { "2026--4-01", { 0 } }, { "+202-04-01", { 0 } }, { "2026004001", { 0 } },
        { "2026-99-99", { 0 } }, { "\xd9\xa2" "26-04-01", { 0 } },      /* an Arabic-Indic two */
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct rfl_date out = { 1, 2, 3 };
        if (rfl_date_parse(view(v[i].text), &out) != (v[i].date.year != 0) || !same(out, v[i].date))
            fail_msg("row %zu", i);
    }
    struct rfl_date out = { 1, 2, 3 };
    assert_false(rfl_date_parse((struct rfl_view){ NULL, 0 }, &out));
    assert_true(same(out, (struct rfl_date){ 0 }));
    assert_false(rfl_date_parse((struct rfl_view){ (const uint8_t *)"2026-04-01", 9 }, &out));
    assert_true(rfl_date_parse((struct rfl_view){ (const uint8_t *)"2026-04-01T09:00", 10 }, &out));
    assert_false(rfl_date_parse((struct rfl_view){ (const uint8_t *)"2026-04-0\0", 10 }, &out));
}

static void london_midnight_follows_summer_time(void **state)
{
    (void)state;
    static const struct { struct rfl_date date; int64_t ms; } cases[] = {
        { { 2026, 4, 1 }, INT64_C(1774998000000) },     /* 31 March 23:00 UTC */
        { { 2026, 3, 29 }, INT64_C(1774742400000) },    /* the morning before the change: still GMT */
        { { 2026, 3, 30 }, INT64_C(1774825200000) },
        { { 2026, 10, 25 }, INT64_C(1792882800000) },   /* still summer */
        { { 2026, 10, 26 }, INT64_C(1792972800000) },
        { { 2022, 7, 1 }, INT64_C(1656630000000) },
        { { 2026, 1, 1 }, INT64_C(1767225600000) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(rfl_london_midnight_ms(cases[i].date), cases[i].ms);
        struct rfl_date at = rfl_london_date(cases[i].ms), before = rfl_london_date(cases[i].ms - 1);
        assert_int_equal(rfl_date_days(at), rfl_date_days(cases[i].date));
        assert_int_equal(rfl_date_days(before), rfl_date_days(cases[i].date) - 1);
    }
    assert_int_equal(rfl_london_offset_ms(INT64_C(1774745999999)), 0);
    assert_int_equal(rfl_london_offset_ms(INT64_C(1774746000000)), HOUR);
    assert_int_equal(rfl_london_offset_ms(INT64_C(1792889999999)), HOUR);
    assert_int_equal(rfl_london_offset_ms(INT64_C(1792890000000)), 0);
}

static void midnight_is_an_hour_early_in_summer(void **state)
{
    (void)state;
    static const struct { struct rfl_date date; bool summer; } v[] = {      /* last Sundays: 2026-03-29, 2026-10-25 */
        { { 2026, 3, 28 }, false }, { { 2026, 3, 29 }, false }, { { 2026, 3, 30 }, true }, { { 2026, 7, 1 }, true },
        { { 2026, 10, 25 }, true }, { { 2026, 10, 26 }, false }, { { 2026, 1, 1 }, false }, { { 2024, 3, 31 }, false },
        { { 2024, 4, 1 }, true }, { { 2027, 10, 31 }, true }, { { 2027, 11, 1 }, false }, { { 1970, 1, 1 }, false },
        { { 9999, 12, 31 }, false },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        assert_int_equal(rfl_london_midnight_ms(v[i].date), rfl_date_days(v[i].date) * DAY - (v[i].summer ? HOUR : 0));
}

/* Each midnight of 1970 to 9999 comes back as its date, and the second before it as the date before: the rule for
 * midnights and the rule for moments are the same rule. */
static void every_midnight_begins_its_date(void **state)
{
    (void)state;
    for (int32_t days = 1; days <= RFL_DATE_DAYS_MAX; days++) {
        int64_t ms = rfl_london_midnight_ms(rfl_date_from_days(days));
        if (rfl_date_days(rfl_london_date(ms)) != days || rfl_date_days(rfl_london_date(ms - 1)) != days - 1)
            fail_msg("day %ld begins elsewhere", (long)days);
    }
}

static void clock_readings_of_the_changed_hours(void **state)
{
    (void)state;
    int64_t march = rfl_date_days((struct rfl_date){ 2026, 3, 29 }) * DAY;
    int64_t october = rfl_date_days((struct rfl_date){ 2026, 10, 25 }) * DAY;
    assert_int_equal(rfl_london_to_utc_ms(march + HOUR - 1), march + HOUR - 1);
    assert_int_equal(rfl_london_to_utc_ms(march + HOUR), march + HOUR);             /* 01:00 to 02:00 do not exist */
    assert_int_equal(rfl_london_to_utc_ms(march + 90 * MINUTE), march + HOUR);
    assert_int_equal(rfl_london_to_utc_ms(march + 2 * HOUR), march + HOUR);
    assert_int_equal(rfl_london_to_utc_ms(march + 3 * HOUR), march + 2 * HOUR);
    assert_int_equal(rfl_london_to_utc_ms(october + 90 * MINUTE), october + 30 * MINUTE);      /* the first of two */
    assert_int_equal(rfl_london_to_utc_ms(october + 2 * HOUR - 1), october + HOUR - 1);
    assert_int_equal(rfl_london_to_utc_ms(october + 2 * HOUR), october + 2 * HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_days_have_their_numbers),
        cmocka_unit_test(days_that_do_not_exist_are_refused),
        cmocka_unit_test(every_day_of_nine_thousand_years_comes_back),
        cmocka_unit_test(dates_are_read_exactly),
        cmocka_unit_test(london_midnight_follows_summer_time),
        cmocka_unit_test(midnight_is_an_hour_early_in_summer),
        cmocka_unit_test(every_midnight_begins_its_date),
        cmocka_unit_test(clock_readings_of_the_changed_hours),
    };
    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
