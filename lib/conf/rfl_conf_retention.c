#include "rfl_conf_load.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define DAY_MS (INT64_C(24) * 3600 * 1000)

enum { YEAR_DAYS = 366 };       /* so that eight years are never less than eight years */

/* "8y" or "400d". */
static bool days_from(const char *text, int64_t *days)
{
    char as_days[16];
    int64_t ms;
    size_t len = strlen(text);
    bool years = len > 1 && len < sizeof as_days && text[len - 1] == 'y';
    if (years) {
        memcpy(as_days, text, len + 1);
        as_days[len - 1] = 'd';
    }
    if (len == 0 || (!years && text[len - 1] != 'd') ||
        rfl_conf_parse_duration(years ? as_days : text, &ms) != RFL_E_OK)
        return false;
    *days = ms / DAY_MS * (years ? YEAR_DAYS : 1);
    return true;
}

static bool read_class(struct rfl_conf_load *load, struct config_setting_t *group, enum rfl_retention class)
{
    static const struct rfl_conf_member members[] = {
        { "keep", RFL_CONF_IS_TEXT, true }, { "why", RFL_CONF_IS_TEXT, true } };
    int64_t days;
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    if (!days_from(rfl__conf_text(group, "keep"), &days) || days > RFL_POLICY_KEPT_DAYS_MAX)
        return rfl__conf_fail(load, rfl__conf_member(group, "keep"),
                              "this is no time in days or years from 0d to 36600d",
                              "write years, such as \"8y\", or days, such as \"400d\"");
    return rfl__conf_taken(load, group, rfl_policy_set_kept(load->policy, class, (unsigned)days,
                                                            rfl__conf_view(rfl__conf_text(group, "why"))));
}

bool rfl__conf_read_retention(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = { { "classes", RFL_CONF_IS_GROUP, true } };
    struct rfl_conf_member classes[RFL_RETENTION_COUNT];
    bool ok = true;
    for (unsigned i = 0; i < RFL_RETENTION_COUNT; i++)
        classes[i] = (struct rfl_conf_member){ rfl_retention_word((enum rfl_retention)i), RFL_CONF_IS_GROUP, true };
    if (!rfl__conf_root_members(&load->at, root, members, COUNT(members)) ||
        !rfl__conf_members(&load->at, rfl__conf_member(root, "classes"), classes, COUNT(classes)))
        return false;
    for (unsigned i = 0; i < RFL_RETENTION_COUNT; i++)
        ok = read_class(load, rfl__conf_member(rfl__conf_member(root, "classes"), classes[i].name),
                        (enum rfl_retention)i) && ok;
    return ok;
}
