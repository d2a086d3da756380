/* What a rule looks at: when = { door = ("gp"); age = "16-64"; ... }. Every setting narrows; there is no "or". */
#include <stdlib.h>
#include <string.h>

#include "rfl_conf_load.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* One word of one setting is put into the condition; false and reported when it is none of its words. */
typedef bool (*word_fn)(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                        struct rfl_condition *out);

static bool unknown(const char *word) { return strcmp(word, "unknown") == 0; }

static bool put_door(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                     struct rfl_condition *out)
{
    enum rfl_door door;
    (void)word;
    if (!rfl__conf_door(load, item, &door))
        return false;
    out->doors = (uint16_t)(out->doors | 1u << door);
    return true;
}

static bool put_band(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                     struct rfl_condition *out)
{
    enum rfl_band band;
    if (!rfl_band_from_word(word, strlen(word), &band))
        return rfl__conf_fail(load, item, "this is no band", "use urgent or routine");
    out->bands = (uint8_t)(out->bands | 1u << band);
    return true;
}

static bool put_employment(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                           struct rfl_condition *out)
{
    enum rfl_employment employment = RFL_EMPLOYMENT_NOT_STATED;
    if (!unknown(word) && (!rfl_employment_from_word(word, strlen(word), &employment) ||
                           employment == RFL_EMPLOYMENT_NOT_STATED))
        return rfl__conf_fail(load, item, "this is no employment status",
                              "use in_work, off_sick, out_of_work, student, other or unknown");
    out->employments = (uint8_t)(out->employments | 1u << employment);
    return true;
}

/* A number of the Labour Force Survey's list, a group of its roll-up, or unknown. */
static bool put_barrier(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                        struct rfl_condition *out)
{
    enum rfl_barrier_group group;
    int number = config_setting_type(item) == CONFIG_TYPE_INT ? config_setting_get_int(item) : 0;
    if (number >= 1 && number <= RFL_BARRIER_MAX) {
        out->barriers |= 1u << number;
        return true;
    }
    if (unknown(word)) {
        out->barriers |= 1u;
        return true;
    }
    if (!rfl_barrier_group_from_word(word, strlen(word), &group) || group == RFL_BARRIER_GROUP_NONE)
        return rfl__conf_fail(load, item, "this is no main barrier",
                              "use 1 to 18, unknown, musculoskeletal, mental_health, learning_difficulties, autism, "
                              "other or heart_blood_pressure_circulation");
    for (unsigned i = 1; i <= RFL_BARRIER_MAX; i++)
        if (rfl_barrier_group_of((uint8_t)i) == group)
            out->barriers |= 1u << i;
    return true;
}

static const struct { const char *word; uint8_t flag; } flags[] = {
    { "safeguarding", RFL_FLAG_SAFEGUARDING }, { "incident", RFL_FLAG_INCIDENT },
    { "interpreter", RFL_FLAG_INTERPRETER }, { "step_free", RFL_FLAG_STEP_FREE },
};

static bool put_flag(struct rfl_conf_load *load, struct config_setting_t *item, const char *word, uint8_t *set,
                     uint8_t other)
{
    for (size_t i = 0; i < COUNT(flags); i++) {
        if (strcmp(flags[i].word, word) != 0)
            continue;
        if ((other & flags[i].flag) != 0)
            return rfl__conf_fail(load, item, "the rule asks for a flag and against it", "leave it in one of the two");
        *set |= flags[i].flag;
        return true;
    }
    return rfl__conf_fail(load, item, "this is no flag", "use safeguarding, incident, interpreter or step_free");
}

static bool put_flag_set(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                         struct rfl_condition *out)
{
    return put_flag(load, item, word, &out->flags_set, out->flags_clear);
}

static bool put_flag_clear(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                           struct rfl_condition *out)
{
    return put_flag(load, item, word, &out->flags_clear, out->flags_set);
}

static bool put_key(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                    struct rfl_condition *out)
{
    enum rfl_key key;
    if (!rfl__conf_key(load, item, word, &key))
        return false;
    out->keys = (uint8_t)(out->keys | 1u << key);
    return true;
}

static bool put_place(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                      struct rfl_condition *out)
{
    unsigned number = unknown(word) ? 0 : rfl_policy_place_named(load->policy, load->area, rfl__conf_view(word));
    if ((number == 0 && !unknown(word)) || number > RFL_PLACES_PER_AREA_MAX)
        return rfl__conf_fail(load, item, "the area has no place of that name",
                              "use a name of places = ( ... ) of this area, or unknown");
    out->places |= UINT64_C(1) << number;
    return true;
}

static bool put_source(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                       struct rfl_condition *out)
{
    const struct rfl_source *source = rfl_policy_source_by_name(load->policy, rfl__conf_view(word));
    if (source == NULL)
        return rfl__conf_fail(load, item, "no source has that name", "use a name of sources.conf");
    if (out->source_count == RFL_RULE_SOURCES_MAX)
        return rfl__conf_fail(load, item, "the rule names more than 8 sources", "write a second rule");
    out->source[out->source_count++] = source->id;
    return true;
}

/* "16-64", "16+", "24"; false for another shape. */
static bool read_range(const char *text, unsigned long highest, struct rfl_range *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long min = strtoul(text, &end, 10), max = min;
    if (strcmp(end, "+") == 0) {
        max = highest;
    } else if (end[0] == '-' && end[1] >= '0' && end[1] <= '9') {
        max = strtoul(end + 1, &end, 10);
        if (*end != '\0')
            return false;
    } else if (*end != '\0') {
        return false;
    }
    out->min = (uint16_t)min;
    out->max = (uint16_t)max;
    return min <= max && max <= highest && max > 0;
}

static bool put_range(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                      unsigned long highest, struct rfl_range *out)
{
    if (unknown(word)) {
        out->unknown = true;
        return true;
    }
    if (out->max != 0 || !read_range(word, highest, out))
        return rfl__conf_fail(load, item, "this is no range, or a second one",
                              "write one such as \"16-64\" or \"16+\"; \"unknown\" may stand beside it in a list");
    return true;
}

static bool put_age(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                    struct rfl_condition *out)
{
    return put_range(load, item, word, UINT8_MAX, &out->age);
}

static bool put_weeks(struct rfl_conf_load *load, struct config_setting_t *item, const char *word,
                      struct rfl_condition *out)
{
    return put_range(load, item, word, UINT16_MAX, &out->weeks);
}

static const struct { const char *name; enum rfl_field field; word_fn put; } settings[] = {
    { "door", RFL_FIELD_DOOR, put_door }, { "band", RFL_FIELD_BAND, put_band },
    { "employment", RFL_FIELD_EMPLOYMENT, put_employment }, { "barrier", RFL_FIELD_BARRIER, put_barrier },
    { "age", RFL_FIELD_AGE, put_age }, { "weeks_out_of_work", RFL_FIELD_WEEKS, put_weeks },
    { "flags", RFL_FIELD_FLAGS, put_flag_set }, { "without_flags", RFL_FIELD_FLAGS, put_flag_clear },
    { "decided_by", RFL_FIELD_KEY, put_key }, { "place", RFL_FIELD_PLACE, put_place },
    { "source", RFL_FIELD_SOURCE, put_source },
};

bool rfl__conf_when(struct rfl_conf_load *load, struct config_setting_t *group, struct rfl_condition *out)
{
    struct rfl_conf_member members[COUNT(settings)];
    bool ok = true;
    memset(out, 0, sizeof *out);
    if (group == NULL)
        return true;
    for (size_t i = 0; i < COUNT(settings); i++)
        members[i] = (struct rfl_conf_member){ settings[i].name, RFL_CONF_IS_WORDS, false };
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return load->ok = false;
    for (size_t i = 0; i < COUNT(settings); i++) {
        config_setting_t *words = rfl__conf_member(group, settings[i].name);
        bool list = words != NULL && config_setting_is_aggregate(words);
        if (words == NULL)
            continue;
        if (rfl__conf_word(words, 0) == NULL)
            ok = rfl__conf_fail(load, words, "the list is empty", "name a value, or leave the setting out");
        out->fields = (uint16_t)(out->fields | 1u << settings[i].field);
        for (uint32_t at = 0; rfl__conf_word(words, at) != NULL; at++)
            ok = settings[i].put(load, list ? config_setting_get_elem(words, at) : words,
                                 rfl__conf_word(words, at), out) && ok;
    }
    return ok;
}
