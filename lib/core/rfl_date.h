/* rfl_date.h: days of the calendar, and when they begin and end in England.
 *
 * Values only: nothing is kept, nothing is allocated, no locale and no time zone file is consulted. Days are of the
 * Gregorian calendar, carried back before its introduction, years 1000 to 9999: the years a date of birth written
 * YYYY-MM-DD can name without a leading zero. A date that breaks this is no date anywhere in the program. Whoever needs
 * a narrower range says so and checks it (configuration from 1970, a directory from 1972, a person's age up to 130).
 *
 * The one time zone is Europe/London, by rule: summer time, an hour ahead of UTC, from the last Sunday of March to the
 * last Sunday of October, both at 01:00 UTC (Summer Time Act 1972 as amended in 2002; so since 1996). For 1970 to 1995
 * the same rule is used, which did not hold everywhere. All moments are ms since 1970 UTC. */
#ifndef RFL_DATE_H
#define RFL_DATE_H

#include "rfl_base.h"

enum { RFL_MONDAY, RFL_TUESDAY, RFL_WEDNESDAY, RFL_THURSDAY, RFL_FRIDAY, RFL_SATURDAY, RFL_SUNDAY, RFL_WEEKDAYS };

enum {
    RFL_DATE_YEAR_MIN = 1000, RFL_DATE_YEAR_MAX = 9999,
    RFL_DATE_DAYS_MIN = -354285, RFL_DATE_DAYS_MAX = 2932896    /* 1000-01-01 and 9999-12-31, from 1970-01-01 */
};

/* Month 1 to 12, day 1 to 31. */
struct rfl_date { int32_t year; uint8_t month, day; };

/* False for a date that does not exist (31 April, 29 February 2023) and for years outside 1000 to 9999. */
bool rfl_date_valid(struct rfl_date date);
/* Exactly YYYY-MM-DD, untrusted. False when the text has another shape or rfl_date_valid says no; *out is then zero. */
bool rfl_date_parse(struct rfl_view text, struct rfl_date *out);
/* Days since 1970-01-01 of a valid date, negative before; and back, for RFL_DATE_DAYS_MIN to RFL_DATE_DAYS_MAX. */
int32_t rfl_date_days(struct rfl_date date);
struct rfl_date rfl_date_from_days(int32_t days);
/* RFL_MONDAY .. RFL_SUNDAY of days since 1970-01-01 (a Thursday), in the same range. */
unsigned rfl_weekday(int32_t days);

/* Midnight Europe/London at the start of a valid date of 1970 to 9999: when a dated change takes effect. */
int64_t rfl_london_midnight_ms(struct rfl_date date);
/* What a London clock is ahead of UTC at this moment: 0 or 3,600,000 ms. at_ms in the years 1970 to 9999. */
int64_t rfl_london_offset_ms(int64_t at_ms);
/* The date a London wall calendar shows at this moment (at_ms in the years 1970 to 9999). */
struct rfl_date rfl_london_date(int64_t at_ms);
/* What a London clock shows, as if it were UTC (years 1970 to 9999), to UTC. The hour that does not exist in March
 * becomes its end, and of the hour that comes twice in October the first is meant: so a later reading never gives an
 * earlier moment. */
int64_t rfl_london_to_utc_ms(int64_t local_ms);

#endif
