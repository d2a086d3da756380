#include "rfl_worktime.h"

#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

enum rfl_err rfl_calendar_init(struct rfl_calendar *cal, int first_year, int last_year)
{
    if (first_year < RFL_CALENDAR_YEAR_MIN || last_year > RFL_CALENDAR_YEAR_MAX || last_year < first_year ||
        last_year - first_year >= RFL_CALENDAR_YEARS_MAX)
        return RFL_E_INVALID;
    memset(cal, 0, sizeof *cal);
    cal->first_year = (int16_t)first_year;
    cal->last_year = (int16_t)last_year;
    cal->first_day = rfl_date_days((struct rfl_date){ first_year, 1, 1 });
    cal->day_count = rfl_date_days((struct rfl_date){ last_year + 1, 1, 1 }) - cal->first_day;
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
        int64_t open_ms = rfl_london_to_utc_ms(day * DAY_MS + cal->open_min[weekday] * MINUTE_MS);
        cal->at[i].open_ms = open_ms;
        cal->at[i].before_ms = before_ms;
        if (i < cal->day_count && cal->holiday[i] == 0)
            before_ms += rfl_london_to_utc_ms(day * DAY_MS + cal->close_min[weekday] * MINUTE_MS) - open_ms;
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
