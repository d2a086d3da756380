#include "rfl_conf.h"
#include "rfl_conf_walk.h"

struct unit { const char *name; int64_t factor; };

static bool same_text(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] != '\0' && a[i] == b[i])
        i++;
    return a[i] == b[i];
}

/* Digits without a leading zero (unless it is the only one), then one unit; the product fits int64_t. */
static enum rfl_err parse_with_unit(const char *text, const struct unit *units, size_t count, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9'; i++) {
        if ((i == 1 && text[0] == '0') || value > (INT64_MAX - (text[i] - '0')) / 10)
            return RFL_E_INVALID;
        value = value * 10 + (text[i] - '0');
    }
    if (i == 0)
        return RFL_E_INVALID;
    for (size_t u = 0; u < count; u++) {
        if (!same_text(text + i, units[u].name))
            continue;
        if (units[u].factor <= 0 || value > INT64_MAX / units[u].factor)
            return RFL_E_INVALID;
        *out = value * units[u].factor;
        return RFL_E_OK;
    }
    return RFL_E_INVALID;
}

static const struct unit durations[] = {
    { "d", INT64_C(86400000) }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};
static const struct unit sizes[] = {
    { "TiB", INT64_C(1) << 40 }, { "GiB", 1 << 30 }, { "MiB", 1 << 20 }, { "KiB", 1 << 10 }, { "B", 1 },
};

enum rfl_err rfl_conf_parse_duration(const char *text, int64_t *ms)
{
    return parse_with_unit(text, durations, sizeof durations / sizeof durations[0], ms);
}

enum rfl_err rfl_conf_parse_size(const char *text, int64_t *bytes)
{
    return parse_with_unit(text, sizes, sizeof sizes / sizeof sizes[0], bytes);
}

enum rfl_err rfl_conf_parse_work(const char *text, int64_t day_ms, int64_t *ms)
{
    const struct unit units[] = { { "wd", day_ms }, { "wh", 3600000 }, { "wm", 60000 }, { "ws", 1000 } };
    return parse_with_unit(text, units, sizeof units / sizeof units[0], ms);
}

enum rfl_err rfl_conf_parse_date(const char *text, struct rfl_date *date)
{
    struct rfl_date read;
    size_t len = strnlen(text, 11);
    if (!rfl_date_parse((struct rfl_view){ (const uint8_t *)text, len }, &read) || read.year < 1970)
        return RFL_E_INVALID;
    *date = read;
    return RFL_E_OK;
}

/* Units go from large to small and end with a factor of 1, so one always divides. */
static void text_of(int64_t value, const struct unit *units, size_t count, char *out, size_t size)
{
    size_t u = 0;
    while (u + 1 < count && (value == 0 || value % units[u].factor != 0))
        u++;
    (void)snprintf(out, size, "%lld%s", (long long)(value / units[u].factor), units[u].name);
}

void rfl__conf_duration_text(int64_t ms, char *out, size_t size)
{
    text_of(ms, durations, sizeof durations / sizeof durations[0], out, size);
}

void rfl__conf_size_text(int64_t bytes, char *out, size_t size)
{
    text_of(bytes, sizes, sizeof sizes / sizeof sizes[0], out, size);
}
