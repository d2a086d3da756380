/* rfl_worktime.h: when a clock that runs only in England's working hours is due.
 *
 * A calendar is built once from configuration and then only read. It owns nothing, allocates nothing, and knows one
 * time zone: Europe/London, by the rule of rfl_date.h. All moments are ms since 1970 UTC, all lengths ms. Not checked:
 * that a moment is the present; past and future are the same to it.
 *
 *     struct rfl_calendar cal;
 *     rfl_calendar_init(&cal, 2023, 2028);
 *     for (unsigned weekday = RFL_MONDAY; weekday <= RFL_FRIDAY; weekday++)
 *         err = rfl_calendar_hours(&cal, weekday, 9 * 60, 17 * 60);
 *     err = rfl_calendar_holiday(&cal, (struct rfl_date){ 2026, 4, 3 });
 *     err = rfl_calendar_finish(&cal);
 *     err = rfl_worktime_add(&cal, friday_16_00_ms, 2 * cal.day_ms, &due_ms);      Tuesday 16:00 */
#ifndef RFL_WORKTIME_H
#define RFL_WORKTIME_H

#include "rfl_date.h"

enum {
    RFL_CALENDAR_YEAR_MIN = 2000, RFL_CALENDAR_YEAR_MAX = 2199,
    RFL_CALENDAR_YEARS_MAX = 16,
    RFL_CALENDAR_DAYS_MAX = RFL_CALENDAR_YEARS_MAX * 366,
    RFL_WORKTIME_DAYS_MAX = 400                 /* the longest length a clock may have, in working days */
};

/* Complete so that it can lie inside the policy; read it through the functions. day_ms is for everyone: the length of
 * one working day ("1wd"). Per civil day: when work begins, and how much working time lies before that. */
struct rfl_calendar {
    int64_t day_ms;
    int32_t first_day, day_count;               /* days since 1970-01-01 */
    int16_t first_year, last_year;
    int16_t open_min[RFL_WEEKDAYS], close_min[RFL_WEEKDAYS];
    bool finished;
    uint8_t holiday[RFL_CALENDAR_DAYS_MAX];
    struct { int64_t open_ms, before_ms; } at[RFL_CALENDAR_DAYS_MAX + 1];
};

/* Empties the calendar: no hours, no holidays, the years first..last. RFL_E_INVALID: years out of order, out of
 * RFL_CALENDAR_YEAR_MIN..MAX, or more than RFL_CALENDAR_YEARS_MAX of them. */
RFL_MUST_USE enum rfl_err rfl_calendar_init(struct rfl_calendar *cal, int first_year, int last_year);

/* Work on this weekday from open_min to close_min (minutes after local midnight, 0 <= open < close <= 1440).
 * RFL_E_INVALID: not so, or the calendar is finished. */
RFL_MUST_USE enum rfl_err rfl_calendar_hours(struct rfl_calendar *cal, unsigned weekday, int open_min, int close_min);

/* No work on that date. RFL_E_INVALID: no such date, or outside the calendar's years. RFL_E_EXISTS: listed before. */
RFL_MUST_USE enum rfl_err rfl_calendar_holiday(struct rfl_calendar *cal, struct rfl_date date);

/* Computes the days. RFL_E_INVALID: no weekday has hours, or their lengths differ: then "one working day" would not
 * be a length. */
RFL_MUST_USE enum rfl_err rfl_calendar_finish(struct rfl_calendar *cal);

/* Sets *due_ms to the moment when `work_ms` of working time (0 to RFL_WORKTIME_DAYS_MAX working days) have passed since
 * `from_ms`: the earliest such moment, so eight hours from Monday 09:00 end on Monday 17:00, and no time at all ends
 * where it began. RFL_E_INVALID: work_ms out of range, or the calendar does not reach that far; *due_ms is then
 * unchanged. O(log of the calendar's days). */
RFL_MUST_USE enum rfl_err rfl_worktime_add(const struct rfl_calendar *cal, int64_t from_ms, int64_t work_ms,
                                           int64_t *due_ms);

/* The inverse: sets *work_ms to the working time between two moments, negative when to_ms lies before from_ms.
 * RFL_E_INVALID: a moment outside the calendar; *work_ms is unchanged. O(1). */
RFL_MUST_USE enum rfl_err rfl_worktime_between(const struct rfl_calendar *cal, int64_t from_ms, int64_t to_ms,
                                               int64_t *work_ms);

/* Whether the moment lies inside working hours; false outside the calendar. */
bool rfl_worktime_open(const struct rfl_calendar *cal, int64_t at_ms);

#endif
