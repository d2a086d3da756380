#include "rfl_worktime.h"

#include "rfl_ident.h"

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)

static bool leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month - 1] + (month == 2 && leap_year(year) ? 1 : 0);
}

bool rfl_date_valid(struct rfl_date date)
{
    return date.year >= 1970 && date.year <= 9999 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
           date.day <= month_days(date.year, date.month);
}

static int32_t civil_days(int year, int month, int day)
{
    return (int32_t)rfl_day_number((struct rfl_day){ year, (uint8_t)month, (uint8_t)day });
}

int32_t rfl_date_days(struct rfl_date date)
{
    assert(rfl_date_valid(date));
    return civil_days(date.year, date.month, date.day);
}

struct rfl_date rfl_date_from_days(int32_t days)
{
    assert(days >= 0 && days <= 2932896);
    struct rfl_day day = rfl_day_of_number(days);
    return (struct rfl_date){ (int16_t)day.year, day.month, day.day };
}

unsigned rfl_weekday(int32_t days)
{
    assert(days >= 0);
    return (unsigned)(days + RFL_THURSDAY) % RFL_WEEKDAYS;
}

static int32_t last_sunday(int year, int month)
{
    int32_t last = civil_days(year, month, month_days(year, month));
    return last - (int32_t)((rfl_weekday(last) + 1) % RFL_WEEKDAYS);
}

/* Both changes are at 01:00 UTC. */
static int64_t summer_begins_ms(int year) { return last_sunday(year, 3) * DAY_MS + HOUR_MS; }
static int64_t summer_ends_ms(int year) { return last_sunday(year, 10) * DAY_MS + HOUR_MS; }

int64_t rfl_london_offset_ms(int64_t at_ms)
{
    assert(at_ms >= 0 && at_ms / DAY_MS <= 2932896);
    int year = rfl_date_from_days((int32_t)(at_ms / DAY_MS)).year;
    return at_ms >= summer_begins_ms(year) && at_ms < summer_ends_ms(year) ? HOUR_MS : 0;
}

struct rfl_date rfl_london_date(int64_t at_ms)
{
    return rfl_date_from_days((int32_t)((at_ms + rfl_london_offset_ms(at_ms)) / DAY_MS));
}

/* What a London clock shows, as if it were UTC, to UTC. The hour that does not exist in March becomes its end, and of
 * the hour that comes twice in October the first is meant: so a later reading never gives an earlier moment. */
static int64_t from_london_ms(int64_t local_ms)
{
    int year = rfl_date_from_days((int32_t)(local_ms / DAY_MS)).year;
    int64_t begins_ms = summer_begins_ms(year);
    if (local_ms < begins_ms || local_ms >= summer_ends_ms(year) + HOUR_MS)
        return local_ms;
    return local_ms < begins_ms + HOUR_MS ? begins_ms : local_ms - HOUR_MS;
}

int64_t rfl_london_midnight_ms(struct rfl_date date)
{
    return from_london_ms(rfl_date_days(date) * DAY_MS);
}

enum rfl_err rfl_calendar_init(struct rfl_calendar *cal, int first_year, int last_year)
{
    if (first_year < RFL_CALENDAR_YEAR_MIN || last_year > RFL_CALENDAR_YEAR_MAX || last_year < first_year ||
        last_year - first_year >= RFL_CALENDAR_YEARS_MAX)
        return RFL_E_INVALID;
    memset(cal, 0, sizeof *cal);
    cal->first_year = (int16_t)first_year;
    cal->last_year = (int16_t)last_year;
    cal->first_day = civil_days(first_year, 1, 1);
    cal->day_count = civil_days(last_year + 1, 1, 1) - cal->first_day;
    return RFL_E_OK;
}

enum rfl_err rfl_calendar_hours(struct rfl_calendar *cal, unsigned weekday, int open_min, int close_min)
{
    if (cal->finished || weekday >= RFL_WEEKDAYS || open_min < 0 || close_min > 24 * 60 || close_min <= open_min)
        return RFL_E_INVALID;
    cal->open_min[weekday] = (int16_t)open_min;
    cal->close_min[weekday] = (int16_t)close_min;
    return RFL_E_OK;
}

enum rfl_err rfl_calendar_holiday(struct rfl_calendar *cal, struct rfl_date date)
{
    if (cal->finished || !rfl_date_valid(date) || date.year < cal->first_year || date.year > cal->last_year)
        return RFL_E_INVALID;
    uint8_t *holiday = &cal->holiday[rfl_date_days(date) - cal->first_day];
    if (*holiday != 0)
        return RFL_E_EXISTS;
    *holiday = 1;
    return RFL_E_OK;
}

static bool same_hours(const struct rfl_calendar *cal, int64_t *day_ms)
{
    *day_ms = 0;
    for (unsigned i = 0; i < RFL_WEEKDAYS; i++) {
        int64_t length_ms = (cal->close_min[i] - cal->open_min[i]) * MINUTE_MS;
        if (length_ms != 0 && *day_ms != 0 && length_ms != *day_ms)
            return false;
        if (length_ms != 0)
            *day_ms = length_ms;
    }
    return *day_ms != 0;
}

enum rfl_err rfl_calendar_finish(struct rfl_calendar *cal)
{
    int64_t day_ms, before_ms = 0;
    if (cal->finished || cal->day_count == 0 || !same_hours(cal, &day_ms))
        return RFL_E_INVALID;
    for (int32_t i = 0; i <= cal->day_count; i++) {
        int32_t day = cal->first_day + i;
        unsigned weekday = rfl_weekday(day);
        int64_t open_ms = from_london_ms(day * DAY_MS + cal->open_min[weekday] * MINUTE_MS);
        cal->at[i].open_ms = open_ms;
        cal->at[i].before_ms = before_ms;
        if (i < cal->day_count && cal->holiday[i] == 0)
            before_ms += from_london_ms(day * DAY_MS + cal->close_min[weekday] * MINUTE_MS) - open_ms;
    }
    cal->day_ms = day_ms;
    cal->finished = true;
    return RFL_E_OK;
}

static bool covers(const struct rfl_calendar *cal, int64_t at_ms)
{
    return cal->finished && at_ms >= cal->first_day * DAY_MS && at_ms < (cal->first_day + cal->day_count) * DAY_MS;
}

/* The day whose opening is the last one at or before at_ms, or the UTC day when none of it has opened yet. In summer a
 * London day begins an hour before the UTC day of the same date, hence the look at the next one. */
static int32_t day_index(const struct rfl_calendar *cal, int64_t at_ms)
{
    int32_t i = (int32_t)(at_ms / DAY_MS) - cal->first_day;
    return cal->at[i + 1].open_ms <= at_ms ? i + 1 : i;
}

static int64_t day_length_ms(const struct rfl_calendar *cal, int32_t i)
{
    return i < cal->day_count ? cal->at[i + 1].before_ms - cal->at[i].before_ms : 0;
}

/* Working time from the calendar's first moment to at_ms. */
static int64_t worked_ms(const struct rfl_calendar *cal, int64_t at_ms)
{
    int32_t i = day_index(cal, at_ms);
    int64_t into_ms = at_ms - cal->at[i].open_ms, length_ms = day_length_ms(cal, i);
    if (into_ms < 0)
        into_ms = 0;
    return cal->at[i].before_ms + (into_ms < length_ms ? into_ms : length_ms);
}

enum rfl_err rfl_worktime_add(const struct rfl_calendar *cal, int64_t from_ms, int64_t work_ms, int64_t *due_ms)
{
    if (!covers(cal, from_ms) || work_ms < 0 || work_ms > RFL_WORKTIME_DAYS_MAX * cal->day_ms)
        return RFL_E_INVALID;
    if (work_ms == 0) {
        *due_ms = from_ms;
        return RFL_E_OK;
    }
    int64_t target_ms = worked_ms(cal, from_ms) + work_ms;
    int32_t low = (int32_t)(from_ms / DAY_MS) - cal->first_day, high = cal->day_count;
    if (cal->at[high].before_ms < target_ms)
        return RFL_E_INVALID;
    /* Invariant: less than the target lies before `low`, at least the target before `high`. */
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (cal->at[middle].before_ms < target_ms)
            low = middle;
        else
            high = middle;
    }
    *due_ms = cal->at[low].open_ms + (target_ms - cal->at[low].before_ms);
    return RFL_E_OK;
}

enum rfl_err rfl_worktime_between(const struct rfl_calendar *cal, int64_t from_ms, int64_t to_ms, int64_t *work_ms)
{
    if (!covers(cal, from_ms) || !covers(cal, to_ms))
        return RFL_E_INVALID;
    *work_ms = worked_ms(cal, to_ms) - worked_ms(cal, from_ms);
    return RFL_E_OK;
}

bool rfl_worktime_open(const struct rfl_calendar *cal, int64_t at_ms)
{
    if (!covers(cal, at_ms))
        return false;
    int32_t i = day_index(cal, at_ms);
    int64_t into_ms = at_ms - cal->at[i].open_ms;
    return into_ms >= 0 && into_ms < day_length_ms(cal, i);
}
