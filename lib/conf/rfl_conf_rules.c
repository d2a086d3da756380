#include "rfl_conf_load.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const weekdays[RFL_WEEKDAYS] = { "monday", "tuesday", "wednesday", "thursday", "friday",
                                                    "saturday", "sunday" };

/* "09:00" of a text at `text`; false for another shape. */
static bool clock_face(const char *text, int *minutes)
{
    for (size_t i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return false;
    int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
    *minutes = hour * 60 + minute;
    return minute < 60 && *minutes <= 24 * 60;
}

static bool read_hours(struct rfl_conf_load *load, struct config_setting_t *hours)
{
    struct rfl_conf_member members[RFL_WEEKDAYS];
    struct rfl_calendar *cal = rfl_policy_calendar_edit(load->policy);
    bool ok = true;
    for (unsigned i = 0; i < RFL_WEEKDAYS; i++)
        members[i] = (struct rfl_conf_member){ weekdays[i], RFL_CONF_IS_TEXT, false };
    if (!rfl__conf_members(&load->at, hours, members, RFL_WEEKDAYS))
        return false;
    for (unsigned i = 0; i < RFL_WEEKDAYS; i++) {
        const char *text = rfl__conf_text(hours, weekdays[i]);
        int open_min, close_min;
        if (text[0] == '\0')
            continue;
        if (strlen(text) != 11 || text[5] != '-' || !clock_face(text, &open_min) ||
            !clock_face(text + 6, &close_min) || rfl_calendar_hours(cal, i, open_min, close_min) != RFL_E_OK)
            ok = rfl__conf_fail(load, rfl__conf_member(hours, weekdays[i]), "these are no hours of a day",
                                "write them as \"09:00-17:00\"");
    }
    return ok;
}

static bool read_holiday(void *ctx, struct config_setting_t *item)
{
    struct rfl_conf_load *load = ctx;
    struct rfl_date date;
    if (rfl_conf_parse_date(config_setting_get_string(item), &date) != RFL_E_OK)
        return rfl__conf_fail(load, item, "this is not a date", "write it as \"2026-04-03\"");
    switch ((int)rfl_calendar_holiday(rfl_policy_calendar_edit(load->policy), date)) {
    case RFL_E_OK:
        return true;
    case RFL_E_EXISTS:
        return rfl__conf_fail(load, item, "the date is listed twice", "remove one");
    default:
        return rfl__conf_fail(load, item, "the date is outside the calendar's years", "widen years, or remove it");
    }
}

bool rfl__conf_read_calendar(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = {
        { "years", RFL_CONF_IS_GROUP, true }, { "hours", RFL_CONF_IS_GROUP, true },
        { "holidays", RFL_CONF_IS_LIST, true },
    };
    static const struct rfl_conf_member years_members[] = {
        { "first", RFL_CONF_IS_INT, true }, { "last", RFL_CONF_IS_INT, true },
    };
    struct rfl_calendar *cal = rfl_policy_calendar_edit(load->policy);
    if (!rfl__conf_root_members(&load->at, root, members, COUNT(members)))
        return false;
    config_setting_t *years = rfl__conf_member(root, "years"), *hours = rfl__conf_member(root, "hours");
    if (!rfl__conf_members(&load->at, years, years_members, COUNT(years_members)))
        return false;
    if (rfl_calendar_init(cal, rfl__conf_int(years, "first"), rfl__conf_int(years, "last")) != RFL_E_OK)
        return rfl__conf_fail(load, years, "the years are out of order, out of range or more than 16",
                              "use at most 16 years between 2000 and 2199");
    bool ok = read_hours(load, hours);
    if (!rfl__conf_each(&load->at, rfl__conf_member(root, "holidays"), RFL_CONF_IS_TEXT, read_holiday, load) || !ok)
        return false;
    if (rfl_calendar_finish(cal) != RFL_E_OK)
        return rfl__conf_fail(load, hours, "no day has hours, or the days differ in length",
                              "give each working day the same number of hours");
    load->day_ms = cal->day_ms;
    return true;
}

bool rfl__conf_clocks(struct rfl_conf_load *load, struct config_setting_t *group, int64_t clock_ms[RFL_CLOCK_COUNT])
{
    struct rfl_conf_member members[RFL_CLOCK_COUNT - 1];
    bool ok = true;
    if (group == NULL)
        return true;
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        members[i - 1] = (struct rfl_conf_member){ rfl_clock_word((enum rfl_clock)i), RFL_CONF_IS_TEXT, false };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++) {
        const char *name = rfl_clock_word((enum rfl_clock)i), *text = rfl__conf_text(group, name);
        int64_t ms;
        if (rfl__conf_member(group, name) == NULL)
            continue;
        if (rfl_conf_parse_work(text, load->day_ms, &ms) != RFL_E_OK || ms <= 0 ||
            ms > RFL_WORKTIME_DAYS_MAX * load->day_ms)
            ok = rfl__conf_fail(load, rfl__conf_member(group, name), "this is no working time above 0, up to 400wd",
                                "write working days \"2wd\", hours \"4wh\", minutes \"30wm\" or seconds \"20ws\"");
        else
            clock_ms[i] = ms;
    }
    return ok;
}

bool rfl__conf_read_clocks(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = { { "clocks", RFL_CONF_IS_GROUP, true } };
    int64_t clock_ms[RFL_CLOCK_COUNT] = { 0 };
    bool ok = true;
    if (!rfl__conf_root_members(&load->at, root, members, COUNT(members)))
        return false;
    config_setting_t *clocks = rfl__conf_member(root, "clocks");
    if (!rfl__conf_clocks(load, clocks, clock_ms))
        return false;
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++) {
        char rule[128];
        if (clock_ms[i] != 0) {
            enum rfl_err err = rfl_policy_set_clock(load->policy, (enum rfl_clock)i, clock_ms[i]);
            ok = rfl__conf_taken(load, clocks, err) && ok;
            continue;
        }
        (void)snprintf(rule, sizeof rule, "the clock %s is missing", rfl_clock_word((enum rfl_clock)i));
        ok = rfl__conf_fail(load, clocks, rule, "give it a length");
    }
    return ok;
}

struct word_list { struct rfl_conf_load *load; enum rfl_key keys[RFL_KEY_COUNT]; unsigned count; };

bool rfl__conf_key(struct rfl_conf_load *load, struct config_setting_t *item, const char *word, enum rfl_key *key)
{
    return rfl_key_from_word(word, strlen(word), key) ||
           rfl__conf_fail(load, item, "this is no key", "use gp_practice, postcode, jobcentre or referrer_area");
}

static bool read_key(void *ctx, struct config_setting_t *item)
{
    struct word_list *list = ctx;
    enum rfl_key key;
    if (!rfl__conf_key(list->load, item, config_setting_get_string(item), &key))
        return false;
    if (list->count == RFL_KEY_COUNT)
        return rfl__conf_fail(list->load, item, "this is one key too many",
                              "list gp_practice, postcode, jobcentre and referrer_area once each");
    list->keys[list->count++] = key;
    return true;
}

bool rfl__conf_keys(struct rfl_conf_load *load, struct config_setting_t *setting, enum rfl_key keys[RFL_KEY_COUNT])
{
    struct word_list list = { .load = load };
    unsigned seen = 0;
    if (!rfl__conf_each(&load->at, setting, RFL_CONF_IS_TEXT, read_key, &list))
        return false;
    for (unsigned i = 0; i < list.count; i++)
        seen |= 1u << list.keys[i];
    if (seen != (1u << RFL_KEY_COUNT) - 1)
        return rfl__conf_fail(load, setting, "every key must be listed exactly once",
                              "list gp_practice, postcode, jobcentre and referrer_area");
    memcpy(keys, list.keys, sizeof list.keys);
    return true;
}

static bool read_precedence(struct rfl_conf_load *load, struct config_setting_t *setting)
{
    enum rfl_key keys[RFL_KEY_COUNT];
    return rfl__conf_keys(load, setting, keys) &&
           rfl__conf_taken(load, setting, rfl_policy_set_precedence(load->policy, keys));
}

bool rfl__conf_door(struct rfl_conf_load *load, struct config_setting_t *item, enum rfl_door *door)
{
    const char *word = config_setting_get_string(item);
    for (unsigned i = RFL_DOOR_NONE + 1; i < RFL_DOOR_COUNT; i++) {
        if (strcmp(rfl_door_name((enum rfl_door)i), word) == 0) {
            *door = (enum rfl_door)i;
            return true;
        }
    }
    return rfl__conf_fail(load, item, "no door has that name", "use gp, employer, jobcentre, self, local_service, "
                          "pharmacist, fit_note_service, provider or other");
}

bool rfl__conf_doors(struct rfl_conf_load *load, struct config_setting_t *list, uint16_t *doors)
{
    bool ok = true;
    *doors = 0;
    for (int i = 0; i < config_setting_length(list); i++) {
        config_setting_t *item = config_setting_get_elem(list, (unsigned)i);
        enum rfl_door door;
        if (!rfl__conf_typed(&load->at, item, RFL_CONF_IS_TEXT) || !rfl__conf_door(load, item, &door))
            ok = false;
        else
            *doors = (uint16_t)(*doors | 1u << door);
    }
    return ok;
}

static bool read_implied(void *ctx, struct config_setting_t *item)
{
    struct rfl_conf_load *load = ctx;
    enum rfl_door door;
    return rfl__conf_door(load, item, &door) &&
           rfl__conf_taken(load, item, rfl_policy_set_implied_consent(load->policy, door, true));
}

bool rfl__conf_read_rules(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = {
        { "precedence", RFL_CONF_IS_LIST, true }, { "implied_consent", RFL_CONF_IS_LIST, true },
        { "budgets", RFL_CONF_IS_GROUP, true },
    };
    static const struct rfl_conf_member budgets_members[] = {
        { "hops_max", RFL_CONF_IS_INT, true }, { "offers_max", RFL_CONF_IS_INT, true },
        { "touches_max", RFL_CONF_IS_INT, true },
    };
    if (!rfl__conf_root_members(&load->at, root, members, COUNT(members)))
        return false;
    bool ok = read_precedence(load, rfl__conf_member(root, "precedence"));
    ok = rfl__conf_each(&load->at, rfl__conf_member(root, "implied_consent"), RFL_CONF_IS_TEXT, read_implied, load) &&
         ok;
    config_setting_t *budgets = rfl__conf_member(root, "budgets");
    if (!rfl__conf_members(&load->at, budgets, budgets_members, COUNT(budgets_members)))
        return false;
    int hops = rfl__conf_int(budgets, "hops_max"), offers = rfl__conf_int(budgets, "offers_max");
    int touches = rfl__conf_int(budgets, "touches_max");
    if (hops < 0 || offers < 0 || touches < 0 ||
        rfl_policy_set_budgets(load->policy, (unsigned)hops, (unsigned)offers, (unsigned)touches) != RFL_E_OK)
        ok = rfl__conf_fail(load, budgets, "a budget is out of range",
                            "use hops_max 1 to 9, offers_max and touches_max 1 to 99");
    return ok;
}

static bool read_source(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "id", RFL_CONF_IS_INT, true }, { "name", RFL_CONF_IS_TEXT, true }, { "doors", RFL_CONF_IS_LIST, true },
        { "area", RFL_CONF_IS_TEXT, false }, { "sub_icb", RFL_CONF_IS_TEXT, false },
    };
    struct rfl_conf_load *load = ctx;
    struct rfl_source_input in = { .id = { 0 } };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)) || !rfl__conf_id(load, group, &in.id.v) ||
        !rfl__conf_doors(load, rfl__conf_member(group, "doors"), &in.doors))
        return false;
    const char *area = rfl__conf_text(group, "area");
    if (area[0] != '\0' && !rfl__conf_area_named(load, rfl__conf_member(group, "area"), area, &in.area))
        return false;
    in.name = rfl__conf_view(rfl__conf_text(group, "name"));
    in.sub_icb = rfl__conf_view(rfl__conf_text(group, "sub_icb"));
    load->source_line[in.id.v] = (int)config_setting_source_line(group);
    return rfl__conf_taken(load, group, rfl_policy_add_source(load->policy, &in));
}

bool rfl__conf_read_sources(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = { { "sources", RFL_CONF_IS_LIST, true } };
    return rfl__conf_root_members(&load->at, root, members, COUNT(members)) &&
           rfl__conf_each(&load->at, rfl__conf_member(root, "sources"), RFL_CONF_IS_GROUP, read_source, load);
}

static bool read_jobcentre(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "code", RFL_CONF_IS_TEXT, true }, { "area", RFL_CONF_IS_TEXT, true }, { "sub_icb", RFL_CONF_IS_TEXT, false },
    };
    struct rfl_conf_load *load = ctx;
    struct rfl_area_no area;
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)) ||
        !rfl__conf_area_named(load, rfl__conf_member(group, "area"), rfl__conf_text(group, "area"), &area))
        return false;
    return rfl__conf_taken(load, group,
                           rfl_policy_add_jobcentre(load->policy, rfl__conf_view(rfl__conf_text(group, "code")), area,
                                                    rfl__conf_view(rfl__conf_text(group, "sub_icb"))));
}

bool rfl__conf_read_jobcentres(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = { { "jobcentres", RFL_CONF_IS_LIST, true } };
    return rfl__conf_root_members(&load->at, root, members, COUNT(members)) &&
           rfl__conf_each(&load->at, rfl__conf_member(root, "jobcentres"), RFL_CONF_IS_GROUP, read_jobcentre, load);
}
