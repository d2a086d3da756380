#include "rfl_conf_load.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static bool read_quiet(struct rfl_conf_load *load, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = { { "person_said_no", RFL_CONF_IS_TEXT, true } };
    int64_t ms;
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    if (rfl_conf_parse_duration(rfl__conf_text(group, "person_said_no"), &ms) != RFL_E_OK ||
        rfl_policy_set_quiet(load->policy, ms) != RFL_E_OK)
        return rfl__conf_fail(load, rfl__conf_member(group, "person_said_no"), "this is no time from 0d to 731d",
                              "write days, such as \"182d\"");
    return true;
}

static bool read_ageing(struct rfl_conf_load *load, struct config_setting_t *root)
{
    int64_t ms;
    if (rfl_conf_parse_work(rfl__conf_text(root, "ageing"), load->day_ms, &ms) == RFL_E_OK && ms > 0 &&
        ms <= RFL_WORKTIME_DAYS_MAX * load->day_ms && rfl_policy_set_ageing(load->policy, ms) == RFL_E_OK)
        return true;
    return rfl__conf_fail(load, rfl__conf_member(root, "ageing"), "this is no working time above 0, up to 400wd",
                          "write working days \"5wd\" or hours \"4wh\"");
}

static bool read_unreachable(struct rfl_conf_load *load, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "attempts_min", RFL_CONF_IS_INT, true }, { "channels_min", RFL_CONF_IS_INT, true },
    };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    int attempts = rfl__conf_int(group, "attempts_min"), channels = rfl__conf_int(group, "channels_min");
    if (attempts < 0 || channels < 0 ||
        rfl_policy_set_unreachable(load->policy, (unsigned)attempts, (unsigned)channels) != RFL_E_OK)
        return rfl__conf_fail(load, group, "the attempts or channels are out of range",
                              "use attempts_min 1 to 20, channels_min 1 to 6 and not above attempts_min");
    return true;
}

/* One member for each door. */
static bool each_door(struct rfl_conf_load *load, struct config_setting_t *group, enum rfl_conf_type type,
                      bool (*each)(struct rfl_conf_load *load, struct config_setting_t *item, enum rfl_door door))
{
    struct rfl_conf_member members[RFL_DOOR_COUNT - 1];
    bool ok = true;
    for (unsigned i = 1; i < RFL_DOOR_COUNT; i++)
        members[i - 1] = (struct rfl_conf_member){ rfl_door_name((enum rfl_door)i), type, true };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    for (unsigned i = 1; i < RFL_DOOR_COUNT; i++)
        ok = each(load, rfl__conf_member(group, members[i - 1].name), (enum rfl_door)i) && ok;
    return ok;
}

static bool read_turns(struct rfl_conf_load *load, struct config_setting_t *item, enum rfl_door door)
{
    int share = config_setting_get_int(item);
    if (share < 0 || rfl_policy_set_door_share(load->policy, door, (unsigned)share) != RFL_E_OK)
        return rfl__conf_fail(load, item, "a door's turns are out of range", "use 1 to 100");
    return true;
}

static bool read_notices(struct rfl_conf_load *load, struct config_setting_t *list, enum rfl_door door)
{
    unsigned bits = 0;
    for (int i = 0; i < config_setting_length(list); i++) {
        config_setting_t *item = config_setting_get_elem(list, (unsigned)i);
        enum rfl_notify notify;
        if (!rfl__conf_typed(&load->at, item, RFL_CONF_IS_TEXT))
            return false;
        struct rfl_view word = rfl__conf_view(config_setting_get_string(item));
        if (!rfl_notify_from_word((const char *)word.p, word.len, &notify))
            return rfl__conf_fail(load, item, "there is no such notice",
                                  "use accepted, waiting, moved, progress and closed");
        bits |= 1u << notify;
    }
    if (rfl_policy_set_notify(load->policy, door, (uint8_t)bits) != RFL_E_OK)
        return rfl__conf_fail(load, list, "closed is not among the notices", "every referrer hears that it is closed");
    return true;
}

static bool read_outcomes(struct rfl_conf_load *load, struct config_setting_t *root)
{
    int64_t ms;
    if (rfl_conf_parse_duration(rfl__conf_text(root, "outcomes_after_closing"), &ms) == RFL_E_OK &&
        ms % DAY_MS == 0 && ms / DAY_MS <= RFL_POLICY_DAYS_MAX &&
        rfl_policy_set_outcome_days(load->policy, (unsigned)(ms / DAY_MS)) == RFL_E_OK)
        return true;
    return rfl__conf_fail(load, rfl__conf_member(root, "outcomes_after_closing"),
                          "this is no number of days from 1d to 3660d", "write days, such as \"731d\"");
}

bool rfl__conf_read_journey(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = {
        { "do_not_contact", RFL_CONF_IS_GROUP, true }, { "ageing", RFL_CONF_IS_TEXT, true },
        { "unreachable", RFL_CONF_IS_GROUP, true }, { "turns", RFL_CONF_IS_GROUP, true },
        { "notices", RFL_CONF_IS_GROUP, true }, { "outcomes_after_closing", RFL_CONF_IS_TEXT, true },
    };
    if (!rfl__conf_root_members(&load->at, root, members, COUNT(members)))
        return false;
    bool ok = read_quiet(load, rfl__conf_member(root, "do_not_contact"));
    ok = read_ageing(load, root) && ok;
    ok = read_unreachable(load, rfl__conf_member(root, "unreachable")) && ok;
    ok = each_door(load, rfl__conf_member(root, "turns"), RFL_CONF_IS_INT, read_turns) && ok;
    ok = each_door(load, rfl__conf_member(root, "notices"), RFL_CONF_IS_LIST, read_notices) && ok;
    return read_outcomes(load, root) && ok;
}
