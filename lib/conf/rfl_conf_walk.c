#include "rfl_conf_walk.h"

#include <string.h>

enum { PATH_DEPTH_MAX = 8 };

/* "areas.[3].intake.owner"; deeper settings than PATH_DEPTH_MAX lose their outer names. */
static void path_of(const config_setting_t *setting, char *out, size_t size)
{
    const config_setting_t *chain[PATH_DEPTH_MAX];
    size_t depth = 0, used = 0;
    for (; setting != NULL && !config_setting_is_root(setting) && depth < PATH_DEPTH_MAX;
         setting = config_setting_parent(setting))
        chain[depth++] = setting;
    out[0] = '\0';
    while (depth-- > 0 && used < size) {
        const char *name = config_setting_name(chain[depth]);
        const char *dot = used > 0 ? "." : "";
        int n = name != NULL ? snprintf(out + used, size - used, "%s%s", dot, name)
                             : snprintf(out + used, size - used, "%s[%d]", dot, config_setting_index(chain[depth]));
        used += n > 0 ? (size_t)n : 0;
    }
}

void rfl__conf_complain(const struct rfl_conf_at *at, const struct config_setting_t *setting, const char *rule,
                        const char *remedy)
{
    char path[RFL_CONF_KEY_BYTES];
    path_of(setting, path, sizeof path);
    rfl_conf_report_add(at->report, at->file, (int)config_setting_source_line(setting), path, rule, remedy);
}

bool rfl__conf_typed(const struct rfl_conf_at *at, struct config_setting_t *setting, enum rfl_conf_type type)
{
    static const char *const remedies[] = {
        [RFL_CONF_IS_INT] = "write a plain integer, without quotes", [RFL_CONF_IS_TEXT] = "write a text in quotes",
        [RFL_CONF_IS_BOOL] = "write true or false", [RFL_CONF_IS_GROUP] = "write a group { ... }",
        [RFL_CONF_IS_LIST] = "write a list ( ... )",
        [RFL_CONF_IS_WORDS] = "write a text in quotes, or a list ( ... ) of them",
    };
    int is = config_setting_type(setting);
    bool right = (type == RFL_CONF_IS_INT && is == CONFIG_TYPE_INT) ||
                 (type == RFL_CONF_IS_TEXT && is == CONFIG_TYPE_STRING) ||
                 (type == RFL_CONF_IS_BOOL && is == CONFIG_TYPE_BOOL) ||
                 (type == RFL_CONF_IS_GROUP && is == CONFIG_TYPE_GROUP) ||
                 (type == RFL_CONF_IS_WORDS && is == CONFIG_TYPE_STRING) ||
                 ((type == RFL_CONF_IS_LIST || type == RFL_CONF_IS_WORDS) &&
                  (is == CONFIG_TYPE_LIST || is == CONFIG_TYPE_ARRAY));
    if (!right)
        rfl__conf_complain(at, setting, "the value has another type", remedies[type]);
    return right;
}

static const struct rfl_conf_member *member_named(const struct rfl_conf_member *members, size_t count,
                                                  const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static void complain_unknown(const struct rfl_conf_at *at, const config_setting_t *setting,
                             const struct rfl_conf_member *members, size_t count)
{
    const char *words[32];
    char remedy[160];
    assert(count <= sizeof words / sizeof words[0]);
    for (size_t i = 0; i < count; i++)
        words[i] = members[i].name;
    const char *near = rfl__conf_nearest(config_setting_name(setting), words, count);
    if (near != NULL)
        (void)snprintf(remedy, sizeof remedy, "did you mean %s?", near);
    else
        (void)snprintf(remedy, sizeof remedy, "remove it");
    rfl__conf_complain(at, setting, "no setting of that name is known here", remedy);
}

static bool members_from(const struct rfl_conf_at *at, config_setting_t *group,
                         const struct rfl_conf_member *members, size_t count, bool root)
{
    bool ok = true;
    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(setting);
        if (root && (strcmp(name, "schema_version") == 0 || strcmp(name, "end_of_config") == 0))
            continue;
        const struct rfl_conf_member *member = member_named(members, count, name);
        if (member == NULL)
            complain_unknown(at, setting, members, count);
        if (member == NULL || !rfl__conf_typed(at, setting, member->type))
            ok = false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!members[i].required || rfl__conf_member(group, members[i].name) != NULL)
            continue;
        char rule[128];
        (void)snprintf(rule, sizeof rule, "the setting %s is missing", members[i].name);
        rfl__conf_complain(at, group, rule, "add it");
        ok = false;
    }
    return ok;
}

bool rfl__conf_members(const struct rfl_conf_at *at, struct config_setting_t *group,
                       const struct rfl_conf_member *members, size_t count)
{
    return members_from(at, group, members, count, false);
}

bool rfl__conf_root_members(const struct rfl_conf_at *at, struct config_setting_t *root,
                            const struct rfl_conf_member *members, size_t count)
{
    return members_from(at, root, members, count, true);
}

struct config_setting_t *rfl__conf_member(struct config_setting_t *group, const char *name)
{
    return config_setting_get_member(group, name);
}

const char *rfl__conf_text(struct config_setting_t *group, const char *name)
{
    config_setting_t *setting = config_setting_get_member(group, name);
    const char *text = setting != NULL ? config_setting_get_string(setting) : NULL;
    return text != NULL ? text : "";
}

int rfl__conf_int(struct config_setting_t *group, const char *name)
{
    config_setting_t *setting = config_setting_get_member(group, name);
    return setting != NULL && config_setting_type(setting) == CONFIG_TYPE_INT ? config_setting_get_int(setting) : 0;
}

const char *rfl__conf_word(struct config_setting_t *words, uint32_t i)
{
    bool list = config_setting_is_aggregate(words);
    config_setting_t *item = list ? config_setting_get_elem(words, i) : i == 0 ? words : NULL;
    const char *text = item != NULL ? config_setting_get_string(item) : NULL;
    return item == NULL ? NULL : text != NULL ? text : "";
}

struct rfl_view rfl__conf_view(const char *text)
{
    return (struct rfl_view){ (const uint8_t *)text, strlen(text) };
}

bool rfl__conf_each(const struct rfl_conf_at *at, struct config_setting_t *list, enum rfl_conf_type type,
                    bool (*each)(void *ctx, struct config_setting_t *item), void *ctx)
{
    bool ok = true;
    for (int i = 0; list != NULL && i < config_setting_length(list); i++) {
        config_setting_t *item = config_setting_get_elem(list, (unsigned)i);
        bool fine = rfl__conf_typed(at, item, type) && each(ctx, item);
        ok = ok && fine;
    }
    return ok;
}
