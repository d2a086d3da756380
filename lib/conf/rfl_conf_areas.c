#include "rfl_conf_load.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { SUB_ICBS_MAX = 256 };

static const struct rfl_conf_member area_members[] = {
    { "id", RFL_CONF_IS_INT, true }, { "name", RFL_CONF_IS_TEXT, true }, { "full_name", RFL_CONF_IS_TEXT, true },
    { "region", RFL_CONF_IS_TEXT, true }, { "from", RFL_CONF_IS_TEXT, true }, { "until", RFL_CONF_IS_TEXT, false },
    { "codes", RFL_CONF_IS_LIST, true }, { "successors", RFL_CONF_IS_LIST, false },
    { "intake", RFL_CONF_IS_GROUP, true }, { "triage", RFL_CONF_IS_GROUP, true },
    { "providers", RFL_CONF_IS_LIST, false }, { "boundary", RFL_CONF_IS_LIST, false },
};

/* A queue's name is the area's name, a slash and `last`. */
static bool read_queue(struct rfl_conf_load *load, struct config_setting_t *group, enum rfl_queue_kind kind,
                       const char *prefix, const char *last)
{
    static const struct rfl_conf_member members[] = {
        { "id", RFL_CONF_IS_INT, true }, { "owner", RFL_CONF_IS_TEXT, true }, { "lead", RFL_CONF_IS_TEXT, true },
        { "clocks", RFL_CONF_IS_GROUP, false }, { "opens", RFL_CONF_IS_TEXT, false },
        { "name", RFL_CONF_IS_TEXT, false }, { "closes", RFL_CONF_IS_TEXT, false },
        { "capacity", RFL_CONF_IS_INT, false }, { "overflow", RFL_CONF_IS_WORDS, false },
    };
    char name[2 * RFL_NAME_BYTES_MAX];
    struct rfl_queue_input in = { .area = load->area, .kind = kind };
    /* Only a queue of the list of providers has a name and room of its own, only a provider's may open later. */
    size_t count = last == NULL ? COUNT(members) : kind == RFL_QUEUE_KIND_PROVIDER ? COUNT(members) - 4
                   : COUNT(members) - 5;
    if (!rfl__conf_members(&load->at, group, members, count) || !rfl__conf_id(load, group, &in.id.v))
        return false;
    if (last == NULL && rfl__conf_member(group, "name") == NULL)
        return rfl__conf_fail(load, group, "the setting name is missing", "add it");
    (void)snprintf(name, sizeof name, "%s/%s", prefix, last != NULL ? last : rfl__conf_text(group, "name"));
    bool ok = rfl__conf_clocks(load, rfl__conf_member(group, "clocks"), in.clock_ms);
    ok = rfl__conf_date_ms(load, group, "opens", RFL_ALWAYS_FROM_MS, &in.opens_ms) && ok;
    in.name = rfl__conf_view(name);
    in.owner = rfl__conf_view(rfl__conf_text(group, "owner"));
    in.lead = rfl__conf_view(rfl__conf_text(group, "lead"));
    load->queue_at[in.id.v] = rfl__conf_here(load, group);
    return ok && rfl__conf_taken(load, group, rfl_policy_add_queue(load->policy, &in));
}

bool rfl__conf_read_provider(void *ctx, struct config_setting_t *group)
{
    struct rfl_conf_load *load = ctx;
    char prefix[RFL_NAME_BYTES_MAX + 1];
    struct rfl_view name = rfl_policy_text(load->policy, rfl_policy_area(load->policy, load->area)->name);
    (void)snprintf(prefix, sizeof prefix, "%.*s", (int)name.len, (const char *)name.p);
    return read_queue(load, group, RFL_QUEUE_KIND_PROVIDER, prefix, NULL);
}

bool rfl__conf_read_room(void *ctx, struct config_setting_t *group)
{
    struct rfl_conf_load *load = ctx;
    struct rfl_queue_no id = { 0 }, overflow[RFL_OVERFLOW_MAX];
    int64_t closes_ms;
    uint32_t count = 0;
    int capacity = rfl__conf_int(group, "capacity");
    config_setting_t *list = rfl__conf_member(group, "overflow");
    if (!rfl__conf_id(load, group, &id.v) ||
        !rfl__conf_date_ms(load, group, "closes", RFL_NO_END_MS, &closes_ms))
        return false;
    if (rfl__conf_member(group, "capacity") != NULL && capacity < 1)
        return rfl__conf_fail(load, rfl__conf_member(group, "capacity"), "a capacity is at least 1",
                              "leave it out when there is always room");
    for (const char *word; list != NULL && (word = rfl__conf_word(list, count)) != NULL;) {
        if (count == RFL_OVERFLOW_MAX)
            return rfl__conf_fail(load, list, "the overflow names more than 4 queues", "name 4 at the most");
        if (!rfl__conf_queue_named(load, list, word, &overflow[count++]))
            return false;
    }
    if (rfl_policy_set_room(load->policy, id, closes_ms, (uint32_t)capacity, overflow, count) == RFL_E_OK)
        return true;
    return rfl__conf_fail(load, group, "it closes before it opens, or overflows to itself or twice to one queue",
                          "check opens, closes and overflow");
}

static bool read_code(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "code", RFL_CONF_IS_TEXT, true }, { "from", RFL_CONF_IS_TEXT, false }, { "until", RFL_CONF_IS_TEXT, false },
    };
    struct rfl_conf_load *load = ctx;
    const struct rfl_area *area = rfl_policy_area(load->policy, load->area);
    struct rfl_alias_input in = { .area = load->area };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    bool ok = rfl__conf_date_ms(load, group, "from", area->from_ms, &in.from_ms);
    ok = rfl__conf_date_ms(load, group, "until", area->until_ms, &in.until_ms) && ok;
    in.code = rfl__conf_view(rfl__conf_text(group, "code"));
    return ok && rfl__conf_taken(load, group, rfl_policy_add_alias(load->policy, &in));
}

/* Who takes over: everything or some parts at the area's end, or at_ms some parts of a living one. */
static bool read_taker(struct rfl_conf_load *load, struct config_setting_t *group, int64_t at_ms)
{
    struct rfl_view codes[SUB_ICBS_MAX];
    struct rfl_successor_input in = { .area = load->area, .from_ms = at_ms, .sub_icbs = codes };
    if (!rfl__conf_area_named(load, rfl__conf_member(group, "to"), rfl__conf_text(group, "to"), &in.to))
        return false;
    config_setting_t *list = rfl__conf_member(group, "sub_icbs");
    int count = list != NULL ? config_setting_length(list) : 0;
    if (list != NULL && (count == 0 || count > SUB_ICBS_MAX))
        return rfl__conf_fail(load, list, "the list is empty or longer than 256",
                              "name at least one; a successor that takes everything at the end has no list");
    for (int i = 0; i < count; i++) {
        config_setting_t *item = config_setting_get_elem(list, (unsigned)i);
        if (!rfl__conf_typed(&load->at, item, RFL_CONF_IS_TEXT))
            return false;
        codes[in.sub_icb_count++] = rfl__conf_view(config_setting_get_string(item));
    }
    return rfl__conf_taken(load, group, rfl_policy_add_successor(load->policy, &in));
}

static bool read_successor(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "to", RFL_CONF_IS_TEXT, true }, { "sub_icbs", RFL_CONF_IS_LIST, false },
    };
    struct rfl_conf_load *load = ctx;
    return rfl__conf_members(&load->at, group, members, COUNT(members)) &&
           read_taker(load, group, rfl_policy_area(load->policy, load->area)->until_ms);
}

static bool read_boundary(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "at", RFL_CONF_IS_TEXT, true }, { "to", RFL_CONF_IS_TEXT, true }, { "sub_icbs", RFL_CONF_IS_LIST, true },
    };
    struct rfl_conf_load *load = ctx;
    int64_t at_ms;
    return rfl__conf_members(&load->at, group, members, COUNT(members)) &&
           rfl__conf_date_ms(load, group, "at", 0, &at_ms) && read_taker(load, group, at_ms);
}

static bool read_area(void *ctx, struct config_setting_t *group)
{
    struct rfl_conf_load *load = ctx;
    struct rfl_area_input in = { .id = { 0 } };
    if (!rfl__conf_members(&load->at, group, area_members, COUNT(area_members)) ||
        !rfl__conf_id(load, group, &in.id.v))
        return false;
    bool ok = rfl__conf_date_ms(load, group, "from", 0, &in.from_ms);
    ok = rfl__conf_date_ms(load, group, "until", RFL_NO_END_MS, &in.until_ms) && ok;
    ok = rfl__conf_id(load, rfl__conf_member(group, "intake"), &in.intake.v) && ok;
    ok = rfl__conf_id(load, rfl__conf_member(group, "triage"), &in.triage.v) && ok;
    if (!ok)
        return false;
    in.name = rfl__conf_view(rfl__conf_text(group, "name"));
    in.full_name = rfl__conf_view(rfl__conf_text(group, "full_name"));
    in.region = rfl__conf_view(rfl__conf_text(group, "region"));
    load->area_line[in.id.v] = (int)config_setting_source_line(group);
    return rfl__conf_taken(load, group, rfl_policy_add_area(load->policy, &in));
}

/* The second pass: what refers to areas by name, or hangs on one that was taken. */
static bool read_area_parts(struct rfl_conf_load *load, struct config_setting_t *group)
{
    const char *name = rfl__conf_text(group, "name");
    const struct rfl_area *area = rfl_policy_area_by_name(load->policy, rfl__conf_view(name));
    if (area == NULL || area->id.v != rfl__conf_int(group, "id"))
        return false;                           /* reported by the first pass */
    load->area = area->id;
    bool ok = rfl__conf_each(&load->at, rfl__conf_member(group, "codes"), RFL_CONF_IS_GROUP, read_code, load);
    ok = rfl__conf_each(&load->at, rfl__conf_member(group, "successors"), RFL_CONF_IS_GROUP, read_successor, load) &&
         ok;
    ok = rfl__conf_each(&load->at, rfl__conf_member(group, "boundary"), RFL_CONF_IS_GROUP, read_boundary, load) && ok;
    ok = read_queue(load, rfl__conf_member(group, "intake"), RFL_QUEUE_KIND_PROVIDER, name, "intake") && ok;
    ok = read_queue(load, rfl__conf_member(group, "triage"), RFL_QUEUE_KIND_TRIAGE, name, "triage") && ok;
    ok = rfl__conf_each(&load->at, rfl__conf_member(group, "providers"), RFL_CONF_IS_GROUP, rfl__conf_read_provider,
                        load) && ok;
    return ok && rfl__conf_each(&load->at, rfl__conf_member(group, "providers"), RFL_CONF_IS_GROUP,
                                rfl__conf_read_room, load);
}

bool rfl__conf_read_areas(struct rfl_conf_load *load, struct config_setting_t *root)
{
    static const struct rfl_conf_member members[] = {
        { "areas", RFL_CONF_IS_LIST, true }, { "national_triage", RFL_CONF_IS_GROUP, true },
    };
    if (!rfl__conf_root_members(&load->at, root, members, COUNT(members)))
        return false;
    config_setting_t *areas = rfl__conf_member(root, "areas");
    load->area.v = 0;
    bool ok = read_queue(load, rfl__conf_member(root, "national_triage"), RFL_QUEUE_KIND_NATIONAL, "national",
                         "triage");
    /* Every area has a number and a name before anything refers to one. Elements that are no groups were reported. */
    load->areas_ok = rfl__conf_each(&load->at, areas, RFL_CONF_IS_GROUP, read_area, load);
    for (int i = 0; i < config_setting_length(areas); i++) {
        config_setting_t *group = config_setting_get_elem(areas, (unsigned)i);
        if (config_setting_is_group(group))
            ok = read_area_parts(load, group) && ok;
    }
    return load->areas_ok && ok;
}
