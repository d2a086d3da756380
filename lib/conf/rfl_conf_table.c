#include "rfl_conf.h"
#include "rfl_conf_walk.h"

#include <string.h>

enum { OPTIONS_MAX = 256 };

struct reading {
    struct rfl_conf_at at;
    const struct rfl_conf_table *table;
    uint8_t *values;
    struct rfl_conf_origin *origins;
    bool seen[OPTIONS_MAX];
    bool ok;
};

static enum rfl_err parse_count(const char *text, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && value <= INT32_MAX; i++)
        value = value * 10 + (text[i] - '0');
    if (i == 0 || text[i] != '\0' || value > INT32_MAX)
        return RFL_E_INVALID;
    *out = value;
    return RFL_E_OK;
}

static int64_t list_length(const char *items)
{
    int64_t count = items[0] != '\0' ? 1 : 0;
    for (size_t i = 0; items[i] != '\0'; i++)
        count += items[i] == ' ' ? 1 : 0;
    return count;
}

/* What min and max are compared with: the number, or the length of a text or a list. */
static enum rfl_err measure(enum rfl_conf_kind kind, const char *text, int64_t *out)
{
    switch (kind) {
    case RFL_CONF_DUR:
        return rfl_conf_parse_duration(text, out);
    case RFL_CONF_SIZE:
        return rfl_conf_parse_size(text, out);
    case RFL_CONF_COUNT:
        return parse_count(text, out);
    case RFL_CONF_BOOL:
        *out = strcmp(text, "true") == 0;
        return *out != 0 || strcmp(text, "false") == 0 ? RFL_E_OK : RFL_E_INVALID;
    case RFL_CONF_STRING:
        *out = (int64_t)strlen(text);
        return RFL_E_OK;
    case RFL_CONF_LIST:
        *out = list_length(text);
        return RFL_E_OK;
    }
    return RFL_E_INVALID;
}

static bool has_length(enum rfl_conf_kind kind)
{
    return kind == RFL_CONF_STRING || kind == RFL_CONF_LIST;
}

static void bounds(const struct rfl_conf_option *o, int64_t *min, int64_t *max)
{
    enum rfl_conf_kind kind = has_length(o->kind) ? RFL_CONF_COUNT : o->kind;
    *min = 0;
    *max = o->kind == RFL_CONF_STRING ? RFL_CONF_STRING_BYTES - 1 : o->kind == RFL_CONF_LIST ? RFL_CONF_LIST_MAX
           : o->kind == RFL_CONF_COUNT ? INT32_MAX : o->kind == RFL_CONF_BOOL ? 1 : INT64_MAX;
    int64_t limit = *max;
    if (o->min != NULL) {
        enum rfl_err err = measure(kind, o->min, min);
        assert(err == RFL_E_OK);
    }
    if (o->max != NULL) {
        enum rfl_err err = measure(kind, o->max, max);
        assert(err == RFL_E_OK);
    }
    assert(*min <= *max && *max <= limit);
}

static void store_number(const struct rfl_conf_option *o, uint8_t *field, int64_t value)
{
    if (o->kind == RFL_CONF_COUNT) {
        int32_t count = (int32_t)value;
        memcpy(field, &count, sizeof count);
    } else if (o->kind == RFL_CONF_BOOL) {
        bool truth = value != 0;
        memcpy(field, &truth, sizeof truth);
    } else {
        memcpy(field, &value, sizeof value);
    }
}

static void store_words(const char *words, struct rfl_conf_list *list)
{
    memset(list, 0, sizeof *list);
    for (size_t at = 0; words[at] != '\0' && list->count < RFL_CONF_LIST_MAX; list->count++) {
        size_t len = 0;
        while (words[at + len] != '\0' && words[at + len] != ' ')
            len++;
        assert(len < RFL_CONF_STRING_BYTES);
        memcpy(list->item[list->count], words + at, len);
        at += len + (words[at + len] == ' ' ? 1 : 0);
    }
}

static void store_default(const struct rfl_conf_option *o, uint8_t *values)
{
    uint8_t *field = values + o->offset;
    const char *text = o->fallback != NULL ? o->fallback : "";
    int64_t min, max, value = 0;
    bounds(o, &min, &max);
    if (o->fallback != NULL) {
        enum rfl_err err = measure(o->kind, text, &value);
        assert(err == RFL_E_OK && value >= min && value <= max);
    }
    if (o->kind == RFL_CONF_STRING) {
        memset(field, 0, RFL_CONF_STRING_BYTES);
        memcpy(field, text, strlen(text));
    } else if (o->kind == RFL_CONF_LIST) {
        store_words(text, (struct rfl_conf_list *)(void *)field);
    } else {
        store_number(o, field, value);
    }
}

void rfl_conf_defaults(const struct rfl_conf_table *table, void *values, struct rfl_conf_origin *origins)
{
    assert(table->count <= OPTIONS_MAX);
    for (uint32_t i = 0; i < table->count; i++) {
        store_default(&table->options[i], values);
        if (origins != NULL) {
            memset(&origins[i], 0, sizeof origins[i]);
            memcpy(origins[i].file, "default", sizeof "default");
        }
    }
}

static void complain_range(struct reading *r, const struct rfl_conf_option *o, config_setting_t *setting)
{
    static const char *const what[] = {
        [RFL_CONF_DUR] = "the duration is out of range", [RFL_CONF_SIZE] = "the size is out of range",
        [RFL_CONF_COUNT] = "the number is out of range", [RFL_CONF_BOOL] = "out of range",
        [RFL_CONF_STRING] = "the text is too short or too long", [RFL_CONF_LIST] = "the list is too short or too long",
    };
    char remedy[160];
    const char *unit = o->kind == RFL_CONF_STRING ? " bytes" : o->kind == RFL_CONF_LIST ? " items" : "";
    int64_t min, max;
    char low[32], high[32];
    bounds(o, &min, &max);
    (void)snprintf(low, sizeof low, "%lld", (long long)min);
    (void)snprintf(high, sizeof high, "%lld", (long long)max);
    (void)snprintf(remedy, sizeof remedy, "use %s to %s%s", o->min != NULL ? o->min : low,
                   o->max != NULL ? o->max : high, unit);
    rfl__conf_complain(&r->at, setting, what[o->kind], remedy);
    r->ok = false;
}

/* A text without control characters that fits its field; otherwise reported. */
static bool take_text(struct reading *r, config_setting_t *setting, char out[RFL_CONF_STRING_BYTES])
{
    const char *text = config_setting_get_string(setting);
    size_t len = strlen(text);
    bool ok = len < RFL_CONF_STRING_BYTES;
    for (size_t i = 0; ok && i < len; i++)
        ok = (uint8_t)text[i] >= 0x20 && text[i] != 0x7f;
    if (!ok) {
        rfl__conf_complain(&r->at, setting, "the text is longer than 255 bytes or holds control characters",
                           "shorten it, or remove them");
        r->ok = false;
        return false;
    }
    memset(out, 0, RFL_CONF_STRING_BYTES);
    memcpy(out, text, len);
    return true;
}

static void read_list(struct reading *r, const struct rfl_conf_option *o, config_setting_t *setting)
{
    struct rfl_conf_list *list = (struct rfl_conf_list *)(void *)(r->values + o->offset);
    int64_t min, max, count = config_setting_length(setting);
    bounds(o, &min, &max);
    if (count < min || count > max) {
        complain_range(r, o, setting);
        return;
    }
    memset(list, 0, sizeof *list);
    for (int i = 0; i < (int)count; i++) {
        config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        if (!rfl__conf_typed(&r->at, item, RFL_CONF_IS_TEXT))
            r->ok = false;
        else if (take_text(r, item, list->item[list->count]))
            list->count++;
    }
}

static void read_number(struct reading *r, const struct rfl_conf_option *o, config_setting_t *setting)
{
    int64_t min, max, value = 0;
    enum rfl_err err = RFL_E_OK;
    if (o->kind == RFL_CONF_COUNT)
        value = config_setting_get_int(setting);
    else if (o->kind == RFL_CONF_BOOL)
        value = config_setting_get_bool(setting);
    else
        err = measure(o->kind, config_setting_get_string(setting), &value);
    if (err != RFL_E_OK) {
        rfl__conf_complain(&r->at, setting, "it is not a number with a unit, or does not fit",
                           o->kind == RFL_CONF_DUR ? "write a duration such as 500ms, 30s, 15m, 4h or 7d"
                                                   : "write a size such as 4096B, 64KiB, 64MiB or 1GiB");
        r->ok = false;
        return;
    }
    bounds(o, &min, &max);
    if (value < min || value > max)
        complain_range(r, o, setting);
    else
        store_number(o, r->values + o->offset, value);
}

static void read_string(struct reading *r, const struct rfl_conf_option *o, config_setting_t *setting)
{
    int64_t min, max, len = (int64_t)strlen(config_setting_get_string(setting));
    bounds(o, &min, &max);
    if (len < min || len > max)
        complain_range(r, o, setting);
    else
        (void)take_text(r, setting, (char *)(r->values + o->offset));
}

static void read_option(struct reading *r, uint32_t index, config_setting_t *setting)
{
    static const enum rfl_conf_type type_of[] = {
        [RFL_CONF_DUR] = RFL_CONF_IS_TEXT, [RFL_CONF_SIZE] = RFL_CONF_IS_TEXT, [RFL_CONF_COUNT] = RFL_CONF_IS_INT,
        [RFL_CONF_BOOL] = RFL_CONF_IS_BOOL, [RFL_CONF_STRING] = RFL_CONF_IS_TEXT, [RFL_CONF_LIST] = RFL_CONF_IS_LIST,
    };
    const struct rfl_conf_option *o = &r->table->options[index];
    r->seen[index] = true;
    if (!rfl__conf_typed(&r->at, setting, type_of[o->kind])) {
        r->ok = false;
        return;
    }
    if (o->kind == RFL_CONF_LIST)
        read_list(r, o, setting);
    else if (o->kind == RFL_CONF_STRING)
        read_string(r, o, setting);
    else
        read_number(r, o, setting);
    if (r->origins != NULL) {
        (void)snprintf(r->origins[index].file, sizeof r->origins[index].file, "%s", r->at.file);
        r->origins[index].line = (int)config_setting_source_line(setting);
    }
}

/* Whether the option lies in the group of this name ("" is the root); *rest is its name there. */
static bool in_group(const struct rfl_conf_option *o, const char *group, const char **rest)
{
    size_t len = strlen(group);
    *rest = len == 0 ? o->key : o->key + len + 1;
    return len == 0 || (strncmp(o->key, group, len) == 0 && o->key[len] == '.');
}

enum { FOUND_NOTHING, FOUND_GROUP, FOUND_OPTION };

static int find(const struct reading *r, const char *group, const char *name, uint32_t *index)
{
    size_t len = strlen(name);
    const char *rest;
    for (uint32_t i = 0; i < r->table->count; i++) {
        if (!in_group(&r->table->options[i], group, &rest) || strncmp(rest, name, len) != 0)
            continue;
        *index = i;
        if (rest[len] == '\0')
            return FOUND_OPTION;
        if (rest[len] == '.' && group[0] == '\0')
            return FOUND_GROUP;
    }
    return FOUND_NOTHING;
}

static void complain_unknown(struct reading *r, const char *group, config_setting_t *setting)
{
    const char *words[OPTIONS_MAX], *rest;
    char remedy[160];
    size_t count = 0;
    for (uint32_t i = 0; i < r->table->count; i++)
        if (in_group(&r->table->options[i], group, &rest))
            words[count++] = rest;
    const char *near = rfl__conf_nearest(config_setting_name(setting), words, count);
    if (near != NULL)
        (void)snprintf(remedy, sizeof remedy, "did you mean %.*s?", (int)strcspn(near, "."), near);
    else
        (void)snprintf(remedy, sizeof remedy, "remove it");
    rfl__conf_complain(&r->at, setting, "no setting of that name is known here", remedy);
    r->ok = false;
}

static void read_group(struct reading *r, const char *group, config_setting_t *settings)
{
    uint32_t index;
    for (int i = 0; i < config_setting_length(settings); i++) {
        config_setting_t *setting = config_setting_get_elem(settings, (unsigned)i);
        const char *name = config_setting_name(setting);
        if (group[0] == '\0' && (strcmp(name, "schema_version") == 0 || strcmp(name, "end_of_config") == 0))
            continue;
        int found = find(r, group, name, &index);
        if (found == FOUND_OPTION)
            read_option(r, index, setting);
        else if (found == FOUND_NOTHING)
            complain_unknown(r, group, setting);
        else if (rfl__conf_typed(&r->at, setting, RFL_CONF_IS_GROUP))
            read_group(r, name, setting);
        else
            r->ok = false;
    }
}

enum rfl_err rfl_conf_read(struct rfl_conf_file *file, const struct rfl_conf_table *table, void *values,
                           struct rfl_conf_origin *origins, struct rfl_conf_report *report)
{
    struct reading r = { .at = { report, rfl_conf_name(file) }, .table = table, .values = values, .origins = origins,
                         .ok = true };
    assert(table->count <= OPTIONS_MAX);
    read_group(&r, "", rfl_conf_root(file));
    for (uint32_t i = 0; i < table->count; i++) {
        if (r.seen[i] || table->options[i].fallback != NULL)
            continue;
        rfl_conf_report_add(report, r.at.file, 0, table->options[i].key, "the setting is missing", "add it");
        r.ok = false;
    }
    return r.ok ? RFL_E_OK : RFL_E_INVALID;
}

static bool same_value(const struct rfl_conf_option *o, const uint8_t *before, const uint8_t *after)
{
    size_t size = sizeof(int64_t);
    if (o->kind == RFL_CONF_COUNT)
        size = sizeof(int32_t);
    if (o->kind == RFL_CONF_BOOL)
        size = sizeof(bool);
    if (o->kind == RFL_CONF_STRING)
        size = RFL_CONF_STRING_BYTES;
    if (o->kind == RFL_CONF_LIST)
        size = sizeof(struct rfl_conf_list);
    return memcmp(before + o->offset, after + o->offset, size) == 0;
}

const struct rfl_conf_option *rfl_conf_reload_blocked(const struct rfl_conf_table *table, const void *before,
                                                      const void *after)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (!table->options[i].reload && !same_value(&table->options[i], before, after))
            return &table->options[i];
    return NULL;
}
