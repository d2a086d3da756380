#include "rfl_conf_load.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* "closed, reason": a word of feedback, then what goes with it. False for anything else. */
static bool cell_from(const char *text, struct rfl_disclosure *cell)
{
    static const char *const extras[] = { ", provider", ", reason" };
    const char *comma = strchr(text, ',');
    size_t len = comma != NULL ? (size_t)(comma - text) : strlen(text);
    bool has[COUNT(extras)];
    enum rfl_tell tell;
    if (!rfl_tell_from_word(text, len, &tell))
        return false;
    text += len;
    for (size_t i = 0; i < COUNT(extras); i++) {
        has[i] = strncmp(text, extras[i], strlen(extras[i])) == 0;
        text += has[i] ? strlen(extras[i]) : 0;
    }
    *cell = (struct rfl_disclosure){ (uint8_t)tell, has[0], has[1] };
    return *text == '\0';
}

static bool read_column(struct rfl_conf_load *load, struct config_setting_t *group, enum rfl_door door)
{
    struct rfl_conf_member members[RFL_DISCLOSED_COUNT + 1];
    bool ok = true;
    for (unsigned i = 0; i < RFL_DISCLOSED_COUNT; i++)
        members[i] = (struct rfl_conf_member){ rfl_disclosed_word((enum rfl_disclosed)i), RFL_CONF_IS_TEXT, true };
    members[RFL_DISCLOSED_COUNT] = (struct rfl_conf_member){ "sees_place", RFL_CONF_IS_BOOL, true };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    bool seen = config_setting_get_bool(rfl__conf_member(group, "sees_place")) != 0;
    ok = rfl__conf_taken(load, group, rfl_policy_set_place(load->policy, door, seen));
    for (unsigned i = 0; i < RFL_DISCLOSED_COUNT; i++) {
        struct rfl_disclosure cell;
        if (!cell_from(rfl__conf_text(group, members[i].name), &cell) ||
            rfl_policy_set_disclosure(load->policy, door, (enum rfl_disclosed)i, cell) != RFL_E_OK)
            ok = rfl__conf_fail(load, rfl__conf_member(group, members[i].name),
                                "this cannot be said of that event",
                                "see the words at the head of the file; then \", provider\" or \", reason\" where "
                                "they belong");
    }
    return ok;
}

/* The columns that are written out: bits 1 << door. */
static bool read_columns(struct rfl_conf_load *load, struct config_setting_t *group, uint16_t *doors)
{
    struct rfl_conf_member members[RFL_DOOR_COUNT - 1];
    bool ok = true;
    for (unsigned i = 1; i < RFL_DOOR_COUNT; i++)
        members[i - 1] = (struct rfl_conf_member){ rfl_door_name((enum rfl_door)i), RFL_CONF_IS_GROUP, false };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    *doors = 0;
    for (unsigned i = 1; i < RFL_DOOR_COUNT; i++) {
        config_setting_t *column = rfl__conf_member(group, members[i - 1].name);
        if (column == NULL)
            continue;
        load->door_line[i] = (int)config_setting_source_line(column);
        *doors = (uint16_t)(*doors | 1u << i);
        ok = read_column(load, column, (enum rfl_door)i) && ok;
    }
    return ok;
}

static bool copy_column(struct rfl_conf_load *load, struct config_setting_t *setting, enum rfl_door from,
                        enum rfl_door to)
{
    bool ok = rfl__conf_taken(load, setting,
                              rfl_policy_set_place(load->policy, to, rfl_policy_sees_place(load->policy, from)));
    load->door_line[to] = (int)config_setting_source_line(setting);
    for (unsigned row = 0; row < RFL_DISCLOSED_COUNT; row++) {
        struct rfl_disclosure cell = *rfl_policy_disclosure(load->policy, from, (enum rfl_disclosed)row);
        ok = rfl__conf_taken(load, setting,
                             rfl_policy_set_disclosure(load->policy, to, (enum rfl_disclosed)row, cell)) && ok;
    }
    return ok;
}

/* Every door has a column of its own or the strictest one, which is a protected door's; who has it is protected too. */
static bool read_without_column(struct rfl_conf_load *load, struct config_setting_t *root, uint16_t written)
{
    config_setting_t *list = rfl__conf_member(root, "without_column"), *named = rfl__conf_member(root, "strictest");
    config_setting_t *protect = rfl__conf_member(root, "protected");
    uint16_t without, protected_doors;
    enum rfl_door strictest;
    bool ok = rfl__conf_doors(load, list, &without);
    ok = rfl__conf_doors(load, protect, &protected_doors) && ok;
    if (!rfl__conf_door(load, named, &strictest) || !ok)
        return false;
    if ((written & without) != 0 || (written | without) != (1u << RFL_DOOR_COUNT) - 2)
        return rfl__conf_fail(load, list, "a door has no column, or a column and a place in this list",
                              "write a column for a door under doors, or list it here: one of both");
    if ((written & protected_doors & 1u << strictest) == 0)
        return rfl__conf_fail(load, named, "the strictest column must be a protected door's own",
                              "name a door that has a column and is listed under protected");
    for (unsigned required = 0; required < 2; required++) {
        static const enum rfl_door always[] = { RFL_DOOR_EMPLOYER, RFL_DOOR_JOBCENTRE };
        if ((protected_doors >> always[required] & 1) == 0)
            ok = rfl__conf_fail(load, protect, "employer and jobcentre are always protected", "list both");
    }
    for (unsigned door = 1; door < RFL_DOOR_COUNT; door++)
        if ((without >> door & 1) != 0)
            ok = copy_column(load, list, strictest, (enum rfl_door)door) && ok;
    return rfl__conf_taken(load, protect,
                           rfl_policy_set_protected(load->policy, (uint16_t)(protected_doors | without))) && ok;
}

bool rfl__conf_read_disclosure(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = {
        { "doors", RFL_CONF_IS_GROUP, true }, { "strictest", RFL_CONF_IS_TEXT, true },
        { "without_column", RFL_CONF_IS_LIST, true }, { "protected", RFL_CONF_IS_LIST, true },
    };
    uint16_t written = 0;
    if (!rfl__conf_root_members(&load->at, root, members, COUNT(members)))
        return false;
    return read_columns(load, rfl__conf_member(root, "doors"), &written) && read_without_column(load, root, written);
}
