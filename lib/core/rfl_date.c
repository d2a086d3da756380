#include "rfl_date.h"

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)

/* The calendar repeats every 400 years. 719468 days lie between 1 March of year 0 and 1 January 1970. */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, FROM_MARCH_0_DAYS = 719468 };

static uint8_t month_days(int32_t year, uint8_t month)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool rfl_date_valid(struct rfl_date date)
{
    return date.year >= RFL_DATE_YEAR_MIN && date.year <= RFL_DATE_YEAR_MAX && date.month >= 1 && date.month <= 12 &&
           date.day >= 1 && date.day <= month_days(date.year, date.month);
}

bool rfl_date_parse(struct rfl_view text, struct rfl_date *out)
{
    memset(out, 0, sizeof *out);
    if (text.len != 10)
        return false;
    int32_t part[3] = { 0, 0, 0 };
    for (size_t i = 0, at = 0; i < 10; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? text.p[i] != '-' : text.p[i] < '0' || text.p[i] > '9')
            return false;
        if (dash)
            at++;
        else
            part[at] = part[at] * 10 + (text.p[i] - '0');
    }
    struct rfl_date read = { part[0], (uint8_t)part[1], (uint8_t)part[2] };
    if (!rfl_date_valid(read))
        return false;
    *out = read;
    return true;
}

/* Both ways count years from March, so that the leap day is the last of its year and months have a regular rhythm:
 * 153 days in every five months. */
int32_t rfl_date_days(struct rfl_date date)
{
    assert(rfl_date_valid(date));
    int32_t year = date.month <= 2 ? date.year - 1 : date.year;
    int32_t month = date.month <= 2 ? date.month + 9 : date.month - 3;
    int32_t days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date.day - 1;
    return days - FROM_MARCH_0_DAYS;
}

struct rfl_date rfl_date_from_days(int32_t days)
{
    assert(days >= RFL_DATE_DAYS_MIN && days <= RFL_DATE_DAYS_MAX);
    int32_t era = (days + FROM_MARCH_0_DAYS) / ERA_DAYS, in_era = (days + FROM_MARCH_0_DAYS) % ERA_DAYS;
    int32_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / (ERA_DAYS - 1)) / 365;
    int32_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int32_t month = (5 * in_year + 2) / 153;
    int32_t day = in_year - (153 * month + 2) / 5 + 1;
    int32_t from_january = month < 10 ? month + 3 : month - 9;
    return (struct rfl_date){ .year = era * ERA_YEARS + year + (from_january <= 2 ? 1 : 0),
                              .month = (uint8_t)from_january, .day = (uint8_t)day };
}

unsigned rfl_weekday(int32_t days)
{
    assert(days >= RFL_DATE_DAYS_MIN && days <= RFL_DATE_DAYS_MAX);
    int32_t weekday = (days + RFL_THURSDAY) % RFL_WEEKDAYS;
    return (unsigned)(weekday < 0 ? weekday + RFL_WEEKDAYS : weekday);
}

static int32_t last_sunday(int32_t year, uint8_t month)
{
    int32_t last = rfl_date_days((struct rfl_date){ year, month, month_days(year, month) });
    return last - (int32_t)((rfl_weekday(last) + 1) % RFL_WEEKDAYS);
}

/* Both changes are at 01:00 UTC. */
static int64_t summer_begins_ms(int32_t year) { return last_sunday(year, 3) * DAY_MS + HOUR_MS; }
static int64_t summer_ends_ms(int32_t year) { return last_sunday(year, 10) * DAY_MS + HOUR_MS; }

static int32_t year_of(int64_t at_ms)
{
    assert(at_ms >= 0 && at_ms / DAY_MS <= RFL_DATE_DAYS_MAX);
    return rfl_date_from_days((int32_t)(at_ms / DAY_MS)).year;
}

int64_t rfl_london_offset_ms(int64_t at_ms)
{
    int32_t year = year_of(at_ms);
    return at_ms >= summer_begins_ms(year) && at_ms < summer_ends_ms(year) ? HOUR_MS : 0;
}

struct rfl_date rfl_london_date(int64_t at_ms)
{
    return rfl_date_from_days((int32_t)((at_ms + rfl_london_offset_ms(at_ms)) / DAY_MS));
}

int64_t rfl_london_to_utc_ms(int64_t local_ms)
{
    int32_t year = year_of(local_ms);
    int64_t begins_ms = summer_begins_ms(year);
    if (local_ms < begins_ms || local_ms >= summer_ends_ms(year) + HOUR_MS)
        return local_ms;
    return local_ms < begins_ms + HOUR_MS ? begins_ms : local_ms - HOUR_MS;
}

int64_t rfl_london_midnight_ms(struct rfl_date date)
{
    return rfl_london_to_utc_ms(rfl_date_days(date) * DAY_MS);
}
