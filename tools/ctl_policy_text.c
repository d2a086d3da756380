#include <stdlib.h>
#include <time.h>

#include "ctl.h"
#include "ctl_policy_text.h"

enum { SOURCES_NAMED = 4 };

/* A text that is written to like a file. */
struct text { FILE *file; char *bytes; size_t len; };

static bool text_open(struct text *text)
{
    text->file = open_memstream(&text->bytes, &text->len);
    return text->file != NULL;
}

static char *text_close(struct text *text)
{
    if (fclose(text->file) == 0)
        return text->bytes;
    free(text->bytes);
    return NULL;
}

static struct rfl_view literal(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

struct rfl_view ctl_queue_name(const struct rfl_policy *policy, struct rfl_queue_no id)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, id);
    return queue != NULL ? rfl_policy_text(policy, queue->name) : literal("–");
}

struct rfl_view ctl_area_name(const struct rfl_policy *policy, struct rfl_area_no id)
{
    const struct rfl_area *area = rfl_policy_area(policy, id);
    return area != NULL ? rfl_policy_text(policy, area->name) : literal("–");
}

static void put_source(FILE *out, const struct rfl_policy *policy, struct rfl_source_no id)
{
    const struct rfl_source *source = rfl_policy_source(policy, id);
    ctl_put_view(out, source != NULL ? rfl_policy_text(policy, source->name) : literal("any"));
}

static void put_place(FILE *out, const struct rfl_policy *policy, struct rfl_area_no id, unsigned number)
{
    const struct rfl_area *area = rfl_policy_area(policy, id);
    const struct rfl_place *place = area != NULL ? rfl_policy_place_at(policy, area, number) : NULL;
    ctl_put_view(out, place != NULL ? rfl_policy_text(policy, place->name) : literal("unknown"));
}

static void put_flags(FILE *out, unsigned flags)
{
    static const char *const words[] = { "safeguarding", "incident", "interpreter", "step_free" };
    for (unsigned i = 0; i < 4; i++)
        if ((flags >> i & 1) != 0)
            (void)fprintf(out, "%s%s", words[i], flags >> (i + 1) != 0 ? "+" : "");
    if (flags == 0)
        (void)fputs("none", out);
}

static void put_number(FILE *out, unsigned value)
{
    if (value == 0)
        (void)fputs("unknown", out);
    else
        (void)fprintf(out, "%u", value);
}

/* The word or number of one class of a field, as conditions say it. */
static void put_value(FILE *out, const struct rfl_policy *policy, struct rfl_area_no area, enum rfl_field field,
                      unsigned value)
{
    switch (field) {
    case RFL_FIELD_DOOR: (void)fputs(rfl_door_name((enum rfl_door)value), out); break;
    case RFL_FIELD_BAND: (void)fputs(rfl_band_word((enum rfl_band)value), out); break;
    case RFL_FIELD_EMPLOYMENT:
        (void)fputs(value == 0 ? "unknown" : rfl_employment_word((enum rfl_employment)value), out);
        break;
    case RFL_FIELD_BARRIER: case RFL_FIELD_AGE: case RFL_FIELD_WEEKS: put_number(out, value); break;
    case RFL_FIELD_FLAGS: put_flags(out, value); break;
    case RFL_FIELD_KEY: (void)fputs(rfl_key_word((enum rfl_key)value), out); break;
    case RFL_FIELD_PLACE: put_place(out, policy, area, value); break;
    case RFL_FIELD_SOURCE: put_source(out, policy, (struct rfl_source_no){ (uint16_t)value }); break;
    case RFL_FIELD_COUNT: break;
    }
}

/* ---- a person ---- */

static unsigned fields_looked_at(const struct rfl_policy *policy, struct rfl_area_no area)
{
    unsigned fields = 1u << RFL_FIELD_DOOR | 1u << RFL_FIELD_SOURCE;
    for (uint32_t i = 0; i < policy->rule_count; i++)
        if (policy->rule[i].area.v == 0 || policy->rule[i].area.v == area.v)
            fields |= policy->rule[i].when.fields;
    for (uint32_t i = 0; i < policy->advice_count; i++)
        if (policy->advice[i].area.v == 0 || policy->advice[i].area.v == area.v)
            fields |= policy->advice[i].when.fields;
    return fields;
}

static unsigned value_of(const struct rfl_profile *p, enum rfl_field field)
{
    const unsigned value[RFL_FIELD_COUNT] = { [RFL_FIELD_DOOR] = p->door, [RFL_FIELD_BAND] = p->band,
        [RFL_FIELD_EMPLOYMENT] = p->employment, [RFL_FIELD_BARRIER] = p->barrier, [RFL_FIELD_AGE] = p->age_years,
        [RFL_FIELD_WEEKS] = p->weeks_out_of_work, [RFL_FIELD_FLAGS] = p->flags, [RFL_FIELD_KEY] = p->key,
        [RFL_FIELD_PLACE] = p->place, [RFL_FIELD_SOURCE] = p->source.v };
    return value[field];
}

char *ctl_person_text(const struct rfl_policy *policy, struct rfl_area_no area, const struct rfl_profile *profile)
{
    unsigned fields = fields_looked_at(policy, area);
    struct text text;
    if (!text_open(&text))
        return NULL;
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        if ((fields >> f & 1) == 0)
            continue;
        (void)fprintf(text.file, "%s%s=", ftell(text.file) > 0 ? " " : "", rfl_field_word((enum rfl_field)f));
        put_value(text.file, policy, area, (enum rfl_field)f, value_of(profile, (enum rfl_field)f));
    }
    return text_close(&text);
}

/* ---- a box ---- */

/* Neighbouring classes of years or weeks are one range. */
static void put_ranges(FILE *out, const struct rfl_space *space, enum rfl_field field, uint64_t set)
{
    const char *comma = "";
    uint16_t min, max, end;
    if ((set & 1) != 0) {
        (void)fputs("unknown", out);
        comma = ",";
    }
    for (unsigned i = 1; i < space->classes[field]; i++) {
        if ((set >> i & 1) == 0)
            continue;
        rfl_space_range(space, field, i, &min, &end);
        while (i + 1u < space->classes[field] && (set >> (i + 1) & 1) != 0)
            rfl_space_range(space, field, ++i, &max, &end);
        (void)fprintf(out, "%s%u-%u", comma, (unsigned)min, (unsigned)end);
        comma = ",";
    }
}

static void put_sources(FILE *out, const struct rfl_space *space, uint64_t set)
{
    unsigned named = 0, more = 0;
    for (uint32_t v = 0; v < 65536; v++) {
        unsigned class_no = space->class_of_source[v];
        if (class_no >= RFL_SPACE_CLASSES_MAX || (set >> class_no & 1) == 0)
            continue;
        if (named == SOURCES_NAMED) {
            more++;
            continue;
        }
        unsigned which = space->policy[1] != NULL && rfl_policy_source(space->policy[0],
                                                                       (struct rfl_source_no){ (uint16_t)v }) == NULL;
        (void)fputs(named++ > 0 ? "," : "", out);
        put_source(out, space->policy[which], (struct rfl_source_no){ (uint16_t)v });
    }
    if (more > 0)
        (void)fprintf(out, " and %u more", more);
}

static void put_places(FILE *out, const struct rfl_space *space, uint64_t set)
{
    const char *comma = "";
    for (unsigned i = 0; i < space->classes[RFL_FIELD_PLACE]; i++) {
        if ((set >> i & 1) == 0)
            continue;
        unsigned which = i > 0 && space->place[0][i] == 0 ? 1 : 0;
        (void)fputs(comma, out);
        put_place(out, space->policy[which], space->area, space->place[which][i]);
        comma = ",";
    }
}

static void put_words(FILE *out, const struct rfl_space *space, enum rfl_field field, uint64_t set)
{
    const char *comma = "";
    for (unsigned i = 0; i < space->classes[field]; i++) {
        if ((set >> i & 1) == 0)
            continue;
        (void)fputs(comma, out);
        put_value(out, space->policy[0], space->area, field, i);
        comma = ",";
    }
}

static void put_set(FILE *out, const struct rfl_space *space, enum rfl_field field, uint64_t set)
{
    if (field == RFL_FIELD_AGE || field == RFL_FIELD_WEEKS)
        put_ranges(out, space, field, set);
    else if (field == RFL_FIELD_SOURCE)
        put_sources(out, space, set);
    else if (field == RFL_FIELD_PLACE)
        put_places(out, space, set);
    else
        put_words(out, space, field, set);
}

char *ctl_box_text(const struct rfl_space *space, const struct rfl_box *box)
{
    struct rfl_box whole[RFL_SPACE_WHOLE_MAX], some, everybody = { { 0 } }, met = { { 0 } };
    uint32_t count = rfl_space_whole(space, whole);
    struct text text;
    if (!text_open(&text))
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        bool meets = rfl_box_intersect(box, &whole[i], &some);
        for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
            everybody.set[f] |= whole[i].set[f];
            met.set[f] |= meets ? some.set[f] : 0;
        }
    }
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        if (met.set[f] == everybody.set[f])
            continue;
        (void)fprintf(text.file, "%s%s=", ftell(text.file) > 0 ? " " : "", rfl_field_word((enum rfl_field)f));
        put_set(text.file, space, (enum rfl_field)f, met.set[f]);
    }
    if (ftell(text.file) == 0)
        (void)fputs("everybody", text.file);
    return text_close(&text);
}

/* ---- who decides, and when ---- */

char *ctl_decider_text(const struct rfl_policy *policy, struct rfl_decider by)
{
    struct text text;
    if (by.rule == 0 && by.advice == 0)
        return strdup("the area's intake");
    const struct rfl_written *written = by.rule != 0 ? &policy->rule[by.rule - 1].written
                                                     : &policy->advice[by.advice - 1].written;
    if (!text_open(&text))
        return NULL;
    (void)fputs(by.rule != 0 ? "rule " : "advice ", text.file);
    ctl_put_view(text.file, rfl_policy_text(policy, written->name));
    if (written->file.len > 0) {
        (void)fputs(" (", text.file);
        ctl_put_view(text.file, rfl_policy_text(policy, written->file));
        (void)fprintf(text.file, ":%u)", (unsigned)written->line);
    }
    return text_close(&text);
}

char *ctl_moment_text(int64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    char text[32];
    if (at_ms == RFL_NO_END_MS)
        return strdup("ever");
    struct rfl_date date = rfl_london_date(at_ms);      /* days of a policy begin in London, wherever this is typed */
    if (rfl_london_midnight_ms(date) == at_ms) {
        (void)snprintf(text, sizeof text, "%04d-%02d-%02d", (int)date.year, date.month, date.day);
        return strdup(text);
    }
    if (gmtime_r(&seconds, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return strdup("?");
    return strdup(text);
}
