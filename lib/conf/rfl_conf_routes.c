/* routes.d/<anything>.conf: what the people who answer for an area say of it. Two passes over the files: places and
 * providers of all of them first, so that rules and overflow may name what stands further on. */
#include "rfl_conf_load.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { PLACE_CODES_MAX = 64 };

static const struct rfl_conf_member file_members[] = {
    { "area", RFL_CONF_IS_TEXT, false }, { "accepts", RFL_CONF_IS_LIST, false },
    { "precedence", RFL_CONF_IS_LIST, false }, { "places", RFL_CONF_IS_LIST, false },
    { "providers", RFL_CONF_IS_LIST, false }, { "eligibility", RFL_CONF_IS_LIST, false },
    { "rules", RFL_CONF_IS_LIST, false },
};

/* ---- first pass ---- */

static bool read_place(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "id", RFL_CONF_IS_INT, true }, { "name", RFL_CONF_IS_TEXT, true }, { "sub_icbs", RFL_CONF_IS_LIST, true },
    };
    struct rfl_conf_load *load = ctx;
    struct rfl_view codes[PLACE_CODES_MAX];
    struct rfl_place_input in = { .area = load->area, .sub_icbs = codes };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)) || !rfl__conf_id(load, group, &in.id.v))
        return false;
    config_setting_t *list = rfl__conf_member(group, "sub_icbs");
    if (config_setting_length(list) < 1 || config_setting_length(list) > PLACE_CODES_MAX)
        return rfl__conf_fail(load, list, "the list is empty or longer than 64", "list the place's sub-ICB codes");
    for (int i = 0; i < config_setting_length(list); i++) {
        config_setting_t *item = config_setting_get_elem(list, (unsigned)i);
        if (!rfl__conf_typed(&load->at, item, RFL_CONF_IS_TEXT))
            return load->ok = false;
        codes[in.sub_icb_count++] = rfl__conf_view(config_setting_get_string(item));
    }
    in.name = rfl__conf_view(rfl__conf_text(group, "name"));
    load->place_at[in.id.v] = rfl__conf_here(load, group);
    return rfl__conf_taken(load, group, rfl_policy_add_place(load->policy, &in));
}

static bool read_accepts(struct rfl_conf_load *load, struct config_setting_t *list, uint8_t *accepts)
{
    bool ok = true;
    for (int i = 0; list != NULL && i < config_setting_length(list); i++) {
        config_setting_t *item = config_setting_get_elem(list, (unsigned)i);
        enum rfl_key key;
        if (!rfl__conf_typed(&load->at, item, RFL_CONF_IS_TEXT) ||
            !rfl__conf_key(load, item, config_setting_get_string(item), &key))
            ok = false;
        else
            *accepts = (uint8_t)(*accepts | 1u << key);
    }
    if (ok && list != NULL && *accepts == 0)
        return rfl__conf_fail(load, list, "the area accepts nobody",
                              "leave the setting out: then it accepts every key");
    return ok;
}

static bool read_keys(struct rfl_conf_load *load, struct config_setting_t *root)
{
    config_setting_t *accepts = rfl__conf_member(root, "accepts"), *order = rfl__conf_member(root, "precedence");
    enum rfl_key keys[RFL_KEY_COUNT];
    uint8_t bits = 0;
    if (accepts == NULL && order == NULL)
        return true;
    if (load->keys_said[load->area.v])
        return rfl__conf_fail(load, accepts != NULL ? accepts : order, "another file has said it of this area",
                              "leave accepts and precedence in one file of the area");
    load->keys_said[load->area.v] = true;
    bool ok = read_accepts(load, accepts, &bits);
    ok = (order == NULL || rfl__conf_keys(load, order, keys)) && ok;
    return ok && rfl__conf_taken(load, root, rfl_policy_set_area_keys(load->policy, load->area, bits,
                                                                      order != NULL ? keys : NULL));
}

/* Sets load->area; 0 when the file is about every area. */
static bool find_area(struct rfl_conf_load *load, struct config_setting_t *root)
{
    config_setting_t *setting = rfl__conf_member(root, "area");
    load->area.v = 0;
    return setting == NULL || rfl__conf_area_named(load, setting, config_setting_get_string(setting), &load->area);
}

static bool read_first(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const char *const of_one_area[] = { "accepts", "precedence", "places", "providers" };
    if (!rfl__conf_root_members(&load->at, root, file_members, COUNT(file_members)) || !find_area(load, root))
        return false;
    for (size_t i = 0; load->area.v == 0 && i < COUNT(of_one_area); i++)
        if (rfl__conf_member(root, of_one_area[i]) != NULL)
            return rfl__conf_fail(load, rfl__conf_member(root, of_one_area[i]), "a file without an area has this",
                                  "name its area: area = \"...\"; only rules and eligibility may be of every area");
    bool ok = read_keys(load, root);
    ok = rfl__conf_each(&load->at, rfl__conf_member(root, "places"), RFL_CONF_IS_GROUP, read_place, load) && ok;
    return rfl__conf_each(&load->at, rfl__conf_member(root, "providers"), RFL_CONF_IS_GROUP, rfl__conf_read_provider,
                          load) && ok;
}

/* ---- second pass ---- */

/* What a rule and an eligibility have in common. */
static bool read_written(struct rfl_conf_load *load, struct config_setting_t *group, struct rfl_written_input *written,
                         int64_t *from_ms, int64_t *until_ms, struct rfl_condition *when)
{
    int line = (int)config_setting_source_line(group);
    written->name = rfl__conf_view(rfl__conf_text(group, "name"));
    written->owner = rfl__conf_view(rfl__conf_text(group, "owner"));
    written->why = rfl__conf_view(rfl__conf_text(group, "why"));
    written->file = rfl__conf_view(load->file[load->file_now]);
    written->line = line <= UINT16_MAX ? (uint16_t)line : 0;
    bool ok = rfl__conf_date_ms(load, group, "from", RFL_ALWAYS_FROM_MS, from_ms);
    ok = rfl__conf_date_ms(load, group, "until", RFL_NO_END_MS, until_ms) && ok;
    return rfl__conf_when(load, rfl__conf_member(group, "when"), when) && ok;
}

static bool flag(struct config_setting_t *group, const char *name)
{
    config_setting_t *setting = rfl__conf_member(group, name);
    return setting != NULL && config_setting_get_bool(setting) != 0;
}

static bool taken(struct rfl_conf_load *load, struct config_setting_t *group, enum rfl_err err)
{
    if (err == RFL_E_EXISTS)
        return rfl__conf_fail(load, group, "the area has another of that name", "give it a name of its own");
    if (err == RFL_E_INVALID)
        return rfl__conf_fail(load, group, "a name, owner, reason or date of it is ill-formed",
                              "name: a-z 0-9 and hyphens; owner and why: 1 to 200 characters; from before until");
    return rfl__conf_taken(load, group, err);
}

static bool read_answer(struct rfl_conf_load *load, struct config_setting_t *group, struct rfl_rule_input *in)
{
    config_setting_t *to = rfl__conf_member(group, "to"), *not_yet = rfl__conf_member(group, "not_yet");
    bool nowhere = flag(group, "nowhere");
    if ((to != NULL) + (not_yet != NULL) + nowhere != 1)
        return rfl__conf_fail(load, group, "the rule has no answer, or more than one",
                              "write one of to = \"<queue>\", nowhere = true, not_yet = \"<date>\"");
    if (nowhere) {
        in->answer = RFL_ANSWER_NOWHERE;
        return true;
    }
    if (to != NULL) {
        in->answer = RFL_ANSWER_TO;
        return rfl__conf_queue_named(load, to, config_setting_get_string(to), &in->to);
    }
    in->answer = RFL_ANSWER_NOT_YET;
    if (!rfl__conf_date_ms(load, group, "not_yet", 0, &in->retry_ms))
        return false;
    return in->retry_ms > in->from_ms ||
           rfl__conf_fail(load, not_yet, "the day is not after the rule's beginning", "name a later day");
}

static bool read_rule(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "name", RFL_CONF_IS_TEXT, true }, { "owner", RFL_CONF_IS_TEXT, true }, { "why", RFL_CONF_IS_TEXT, true },
        { "from", RFL_CONF_IS_TEXT, false }, { "until", RFL_CONF_IS_TEXT, false },
        { "when", RFL_CONF_IS_GROUP, false }, { "to", RFL_CONF_IS_TEXT, false },
        { "nowhere", RFL_CONF_IS_BOOL, false }, { "not_yet", RFL_CONF_IS_TEXT, false },
        { "shadow", RFL_CONF_IS_BOOL, false }, { "doors_differ", RFL_CONF_IS_BOOL, false },
    };
    struct rfl_conf_load *load = ctx;
    struct rfl_rule_input in = { .area = load->area };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return load->ok = false;
    bool ok = read_written(load, group, &in.written, &in.from_ms, &in.until_ms, &in.when);
    ok = read_answer(load, group, &in) && ok;
    in.shadow = flag(group, "shadow");
    in.doors_differ = flag(group, "doors_differ");
    return ok && taken(load, group, rfl_policy_add_rule(load->policy, &in));
}

static bool read_advice(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "name", RFL_CONF_IS_TEXT, true }, { "owner", RFL_CONF_IS_TEXT, true }, { "why", RFL_CONF_IS_TEXT, true },
        { "from", RFL_CONF_IS_TEXT, false }, { "until", RFL_CONF_IS_TEXT, false },
        { "when", RFL_CONF_IS_GROUP, true }, { "says", RFL_CONF_IS_TEXT, true }, { "to", RFL_CONF_IS_TEXT, false },
    };
    struct rfl_conf_load *load = ctx;
    struct rfl_advice_input in = { .area = load->area };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return load->ok = false;
    bool ok = read_written(load, group, &in.written, &in.from_ms, &in.until_ms, &in.when);
    config_setting_t *to = rfl__conf_member(group, "to");
    ok = (to == NULL || rfl__conf_queue_named(load, to, config_setting_get_string(to), &in.to)) && ok;
    in.says = rfl__conf_view(rfl__conf_text(group, "says"));
    return ok && taken(load, group, rfl_policy_add_advice(load->policy, &in));
}

static bool read_second(struct rfl_conf_load *load, struct config_setting_t *root)
{
    if (!find_area(load, root))
        return false;
    bool ok = rfl__conf_each(&load->at, rfl__conf_member(root, "providers"), RFL_CONF_IS_GROUP, rfl__conf_read_room,
                             load);
    ok = rfl__conf_each(&load->at, rfl__conf_member(root, "eligibility"), RFL_CONF_IS_GROUP, read_advice, load) && ok;
    return rfl__conf_each(&load->at, rfl__conf_member(root, "rules"), RFL_CONF_IS_GROUP, read_rule, load) && ok;
}

/* ---- the folder ---- */

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static bool folder_fails(struct rfl_conf_load *load, const char *dir, const char *rule, const char *remedy)
{
    rfl_conf_report_add(load->at.report, dir, 0, "routes.d", rule, remedy);
    return load->ok = false;
}

/* Into load->file, after areas.conf. The order of a folder is nobody's choice: names are sorted. */
static bool list_files(struct rfl_conf_load *load, const char *dir)
{
    char path[RFL_CONF_NAME_BYTES];
    int n = snprintf(path, sizeof path, "%s/routes.d", dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return folder_fails(load, dir, "the path of the folder is too long", "use a shorter one");
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT || folder_fails(load, dir, "the folder cannot be read", "correct its permissions");
    bool ok = true;
    for (const struct dirent *entry; ok && (entry = readdir(folder)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len < 6 || entry->d_name[0] == '.' || strcmp(entry->d_name + len - 5, ".conf") != 0)
            continue;
        char *name = load->file[load->file_count];
        if (load->file_count == 1 + RFL_CONF_ROUTE_FILES_MAX || len + 10 > sizeof load->file[0])
            ok = folder_fails(load, dir, "it has more than 512 files, or one of a long name", "join files; rename it");
        else
            (void)snprintf(name, sizeof load->file[0], "routes.d/%.*s", (int)(sizeof load->file[0] - 10),
                           entry->d_name);
        load->file_count++;
    }
    (void)closedir(folder);
    if (ok)
        qsort(load->file + 1, load->file_count - 1u, sizeof load->file[0], by_name);
    return ok;
}

bool rfl__conf_read_routes(struct rfl_conf_load *load, const char *dir)
{
    if (!list_files(load, dir))
        return false;
    bool ok = true;
    for (load->file_now = 1; load->file_now < load->file_count; load->file_now++)
        ok = rfl__conf_read_file(load, dir, load->file[load->file_now], read_first) && ok;
    /* What a rule names may be in a file that was not read, and saying so of each rule would bury the reason. */
    for (load->file_now = 1; ok && load->file_now < load->file_count; load->file_now++)
        (void)rfl__conf_read_file(load, dir, load->file[load->file_now], read_second);
    load->file_now = 0;
    return ok;
}
