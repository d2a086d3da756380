/* Times for people: local, and how far away. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ctl.h"

int64_t ctl_now_ms(void)
{
    struct timespec ts;
    if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
        return 0;
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* "35 s", "12 min", "5 h", "3 d": two figures at most say enough. */
static void distance_text(int64_t ms, char out[24])
{
    static const struct { int64_t unit_ms, below; const char *name; } units[] = {
        { 1000, 120, "s" }, { 60000, 120, "min" }, { 3600000, 48, "h" }, { 86400000, INT64_MAX, "d" },
    };
    size_t i = 0;
    while (ms / units[i].unit_ms >= units[i].below)
        i++;
    (void)snprintf(out, 24, "%lld %s", (long long)(ms / units[i].unit_ms), units[i].name);
}

void ctl_time_text(int64_t ms, int64_t now_ms, char out[CTL_TIME_BYTES])
{
    time_t seconds = (time_t)(ms / 1000), now_seconds = (time_t)(now_ms / 1000);
    struct tm then, now;
    char day[32], distance[24];
    if (localtime_r(&seconds, &then) == NULL || localtime_r(&now_seconds, &now) == NULL) {
        (void)snprintf(out, CTL_TIME_BYTES, "%lld ms", (long long)ms);
        return;
    }
    (void)strftime(day, sizeof day, then.tm_year == now.tm_year ? "%d %b %H:%M" : "%d %b %Y %H:%M", &then);
    distance_text(ms > now_ms ? ms - now_ms : now_ms - ms, distance);
    (void)snprintf(out, CTL_TIME_BYTES, ms > now_ms ? "%s (in %s)" : "%s (%s ago)", day, distance);
}

bool ctl_time_parse(const char *text, int64_t *ms)
{
    static const struct { const char *format; bool utc; } shapes[] = {
        { "%Y-%m-%dT%H:%M:%SZ", true }, { "%Y-%m-%dT%H:%MZ", true }, { "%Y-%m-%d %H:%M", false },
        { "%Y-%m-%dT%H:%M", false }, { "%Y-%m-%d", false },
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct tm tm = { .tm_isdst = -1 };
        const char *end = strptime(text, shapes[i].format, &tm);
        if (end == NULL || *end != '\0')
            continue;
        struct tm given = tm;
        time_t seconds = shapes[i].utc ? timegm(&tm) : mktime(&tm);
        if (seconds < 0 || tm.tm_mday != given.tm_mday)     /* 30 February becomes 2 March: not a date */
            return false;
        *ms = (int64_t)seconds * 1000;
        return true;
    }
    return false;
}

bool ctl_number_parse(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text[0] == '\0')
        return false;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*p - '0');
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}
