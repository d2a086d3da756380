#include "lots.h"

#include <stdio.h>

/* Few different ends, so that ranges touch and overlap. */
static const uint16_t ends[] = { 1, 2, 15, 16, 17, 18, 26, 64, 65, 100, 130, 131, 255, 5199, 5200, 6000 };
enum { ENDS = sizeof ends / sizeof ends[0] };

struct rfl_range lots_range(struct lots *lots, uint16_t max)
{
    uint16_t a = ends[lots_below(lots, ENDS)], b = ends[lots_below(lots, ENDS)];
    a = a > max ? max : a;
    b = b > max ? max : b;
    return (struct rfl_range){ a < b ? a : b, a < b ? b : a, lots_one_in(lots, 3) };
}

void lots_condition(struct lots *lots, unsigned rare, unsigned places, unsigned sources, struct rfl_condition *out)
{
    memset(out, 0, sizeof *out);
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++)
        if (lots_one_in(lots, rare) && (f != RFL_FIELD_SOURCE || sources > 0))
            out->fields |= (uint16_t)(1u << f);
    if ((out->fields & 1u << RFL_FIELD_DOOR) != 0)
        out->doors = (uint16_t)(lots_set(lots, RFL_DOOR_COUNT - 1) << 1);
    if ((out->fields & 1u << RFL_FIELD_BAND) != 0)
        out->bands = (uint8_t)lots_set(lots, RFL_BAND_COUNT);
    if ((out->fields & 1u << RFL_FIELD_EMPLOYMENT) != 0)
        out->employments = (uint8_t)lots_set(lots, RFL_EMPLOYMENT_COUNT);
    if ((out->fields & 1u << RFL_FIELD_BARRIER) != 0)
        out->barriers = (uint32_t)lots_set(lots, 19);
    if ((out->fields & 1u << RFL_FIELD_AGE) != 0)
        out->age = lots_range(lots, 255);
    if ((out->fields & 1u << RFL_FIELD_WEEKS) != 0)
        out->weeks = lots_range(lots, 6000);
    if ((out->fields & 1u << RFL_FIELD_FLAGS) != 0) {
        out->flags_set = (uint8_t)(1u << lots_below(lots, 4));
        out->flags_clear = (uint8_t)(lots_below(lots, 16) & ~(unsigned)out->flags_set);
    }
    if ((out->fields & 1u << RFL_FIELD_KEY) != 0)
        out->keys = (uint8_t)lots_set(lots, RFL_KEY_COUNT);
    if ((out->fields & 1u << RFL_FIELD_PLACE) != 0)
        out->places = lots_set(lots, places + 1);
    if ((out->fields & 1u << RFL_FIELD_SOURCE) != 0) {
        out->source_count = (uint8_t)(1 + lots_below(lots, 3));
        for (unsigned i = 0; i < out->source_count; i++)
            out->source[i].v = (uint16_t)(1 + lots_below(lots, sources));
    }
}

void lots_profile(struct lots *lots, unsigned places, unsigned sources, struct rfl_profile *out)
{
    memset(out, 0, sizeof *out);
    out->door = (uint8_t)lots_below(lots, RFL_DOOR_COUNT);
    out->band = (uint8_t)lots_below(lots, RFL_BAND_COUNT);
    out->employment = (uint8_t)lots_below(lots, RFL_EMPLOYMENT_COUNT);
    out->barrier = (uint8_t)lots_below(lots, 19);
    out->age_years = (uint8_t)(lots_one_in(lots, 3) ? 0 : 1 + lots_below(lots, RFL_PROFILE_AGE_MAX));
    uint16_t near = ends[lots_below(lots, ENDS)];
    out->weeks_out_of_work = lots_one_in(lots, 3) ? 0 : near > RFL_PROFILE_WEEKS_MAX ? 5200 : near;
    out->flags = (uint8_t)lots_below(lots, 16);
    out->key = (uint8_t)lots_below(lots, RFL_KEY_COUNT);
    out->place = (uint8_t)lots_below(lots, places + 1);
    out->source.v = (uint16_t)lots_below(lots, sources + 2);
}

/* ---- a policy ---- */

static const int64_t froms[] = { 0, 2000, 5000 }, untils[] = { 3000, 6000, RFL_NO_END_MS };
enum { AREA_FROM_MS = 1000, AREA_UNTIL_MS = 9000, PROVIDERS = 3, NATIONAL = 1 };

static void must(enum rfl_err err) { assert(err == RFL_E_OK); }
static struct rfl_view view(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }
static uint16_t provider(unsigned area, unsigned i) { return (uint16_t)(1000 * area + i); }
static uint16_t triage(unsigned area) { return (uint16_t)(1000 * area + 500); }

static void add_queue(struct rfl_policy *policy, uint16_t id, unsigned area, enum rfl_queue_kind kind, int64_t opens_ms)
{
    char name[32];
    (void)snprintf(name, sizeof name, "q/n%u", (unsigned)id);
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { id }, .area = { (uint16_t)area },
        .kind = kind, .name = view(name), .owner = view("o"), .lead = view("l"), .opens_ms = opens_ms }));
}

static void add_area(struct lots *lots, struct rfl_policy *policy, unsigned area, bool limited)
{
    char name[16], code[32];
    (void)snprintf(name, sizeof name, "a%u", area);
    (void)snprintf(code, sizeof code, "Q%u", area);
    int64_t until_ms = limited ? AREA_UNTIL_MS : RFL_NO_END_MS;
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { (uint16_t)area }, .name = view(name),
        .full_name = view("A"), .region = view("R"), .from_ms = AREA_FROM_MS, .until_ms = until_ms,
        .intake = { provider(area, 0) }, .triage = { triage(area) } }));
    must(rfl_policy_add_alias(policy, &(struct rfl_alias_input){ { (uint16_t)area }, view(code), AREA_FROM_MS,
                                                                 until_ms }));
    add_queue(policy, triage(area), area, RFL_QUEUE_KIND_TRIAGE, 0);
    unsigned count = 1 + lots_below(lots, PROVIDERS);
    for (unsigned i = 0; i < count; i++)
        add_queue(policy, provider(area, i), area, RFL_QUEUE_KIND_PROVIDER, lots_one_in(lots, 6) ? 4000 : 0);
    for (unsigned i = 0; i < count; i++) {
        struct rfl_queue_no to[] = { { provider(area, i + 1) }, { provider(area, i + 2) } };
        unsigned after = count - 1 - i;
        must(rfl_policy_set_room(policy, (struct rfl_queue_no){ provider(area, i) },
                                 lots_one_in(lots, 5) ? 7000 : RFL_NO_END_MS, lots_below(lots, 2), to,
                                 lots_below(lots, 1 + (after < 2 ? after : 2))));
    }
    unsigned places = lots_below(lots, 4);
    for (unsigned i = 0; i < places; i++) {
        (void)snprintf(name, sizeof name, "p%u", i);
        (void)snprintf(code, sizeof code, "S%u%u", area, i);
        struct rfl_view sub = view(code);
        must(rfl_policy_add_place(policy, &(struct rfl_place_input){ { (uint16_t)(10 * area + i) },
                                                                     { (uint16_t)area }, view(name), &sub, 1 }));
    }
    if (lots_one_in(lots, 2))
        must(rfl_policy_set_area_keys(policy, (struct rfl_area_no){ (uint16_t)area },
                                      (uint8_t)lots_set(lots, RFL_KEY_COUNT), NULL));
}

static unsigned places_of(const struct rfl_policy *policy, unsigned area)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < policy->place_count; i++)
        count += policy->place[i].area.v == area ? 1 : 0;
    return count;
}

static struct rfl_queue_no any_provider(struct lots *lots, const struct rfl_policy *policy, unsigned area)
{
    for (;;) {
        const struct rfl_queue *queue = &policy->queue[lots_below(lots, policy->queue_count)];
        if (queue->kind == RFL_QUEUE_KIND_PROVIDER && (area == 0 || queue->area.v == area))
            return queue->id;
    }
}

/* Whose fields are not in play is taken out again, so that few fields make many overlaps. */
static struct rfl_condition condition_over(struct lots *lots, const struct rfl_policy *policy, uint16_t fields,
                                           unsigned area)
{
    struct rfl_condition c, out;
    unsigned places = area == 0 ? 0 : places_of(policy, area);
    lots_condition(lots, 2, places, policy->source_count, &c);
    memset(&out, 0, sizeof out);
    out.fields = c.fields & fields;
#define KEEP(bit, member) do { if ((out.fields & 1u << RFL_FIELD_##bit) != 0) out.member = c.member; } while (0)
    KEEP(DOOR, doors);
    KEEP(BAND, bands);
    KEEP(EMPLOYMENT, employments);
    KEEP(BARRIER, barriers);
    KEEP(AGE, age);
    KEEP(WEEKS, weeks);
    KEEP(FLAGS, flags_set);
    KEEP(FLAGS, flags_clear);
    KEEP(KEY, keys);
    KEEP(PLACE, places);
    KEEP(SOURCE, source_count);
#undef KEEP
    if ((out.fields & 1u << RFL_FIELD_SOURCE) != 0)
        memcpy(out.source, c.source, sizeof out.source);
    return out;
}

static void add_rule(struct lots *lots, struct rfl_policy *policy, uint16_t fields, unsigned areas, unsigned number)
{
    char name[16];
    unsigned area = lots_below(lots, areas + 1);
    (void)snprintf(name, sizeof name, "r%u", number);
    struct rfl_rule_input in = { .written = { .name = view(name), .owner = view("o"), .why = view("w") },
        .area = { (uint16_t)area }, .from_ms = froms[lots_below(lots, 3)], .until_ms = untils[lots_below(lots, 3)],
        .when = condition_over(lots, policy, fields, area), .answer = RFL_ANSWER_NOWHERE,
        .shadow = lots_one_in(lots, 8), .doors_differ = lots_one_in(lots, 3) };
    if (in.until_ms <= in.from_ms)
        in.until_ms = RFL_NO_END_MS;
    if (!lots_one_in(lots, 4)) {
        in.answer = RFL_ANSWER_TO;
        in.to = any_provider(lots, policy, area);
    } else if (lots_one_in(lots, 2)) {
        in.answer = RFL_ANSWER_NOT_YET;
        in.retry_ms = in.from_ms + 1500;
    }
    must(rfl_policy_add_rule(policy, &in));
}

static void add_advice(struct lots *lots, struct rfl_policy *policy, uint16_t fields, unsigned areas, unsigned number)
{
    char name[16];
    unsigned area = lots_below(lots, areas + 1);
    (void)snprintf(name, sizeof name, "v%u", number);
    struct rfl_advice_input in = { .written = { .name = view(name), .owner = view("o"), .why = view("w") },
        .area = { (uint16_t)area }, .from_ms = froms[lots_below(lots, 3)], .until_ms = RFL_NO_END_MS,
        .when = condition_over(lots, policy, fields, area), .says = view("said") };
    if (lots_one_in(lots, 2))
        in.to = any_provider(lots, policy, area);
    must(rfl_policy_add_advice(policy, &in));
}

void lots_policy(struct lots *lots, uint16_t fields, struct rfl_policy *out)
{
    char name[] = "s0";
    unsigned areas = 1 + lots_below(lots, 2), rules = lots_below(lots, 7), said = lots_below(lots, 3);
    rfl_policy_init(out);
    add_area(lots, out, 1, areas == 2 && lots_one_in(lots, 2));
    if (areas == 2) {
        add_area(lots, out, 2, false);
        if (out->area[0].until_ms != RFL_NO_END_MS)
            must(rfl_policy_add_successor(out, &(struct rfl_successor_input){ { 1 }, { 2 }, AREA_UNTIL_MS, NULL, 0 }));
    }
    add_queue(out, NATIONAL, 0, RFL_QUEUE_KIND_NATIONAL, 0);
    unsigned sources = lots_below(lots, 5);
    for (unsigned i = 1; i <= sources; i++) {
        name[1] = (char)('0' + i);
        must(rfl_policy_add_source(out, &(struct rfl_source_input){ .id = { (uint16_t)i }, .name = view(name),
            .doors = (uint16_t)(2u << lots_below(lots, 3) | 2u << lots_below(lots, 3)) }));
    }
    for (unsigned i = 0; i < rules; i++)
        add_rule(lots, out, fields, areas, i);
    for (unsigned i = 0; i < said; i++)
        add_advice(lots, out, fields, areas, i);
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        must(rfl_policy_set_clock(out, (enum rfl_clock)i, 3600000));
    must(rfl_calendar_init(rfl_policy_calendar_edit(out), 2026, 2026));
    must(rfl_calendar_hours(rfl_policy_calendar_edit(out), RFL_MONDAY, 540, 1020));
    must(rfl_calendar_finish(rfl_policy_calendar_edit(out)));
    must(rfl_policy_compile(out));
    assert(rfl_policy_check(out, NULL, NULL) == 0);
}

uint16_t lots_fields(struct lots *lots)
{
    static const uint16_t weight[RFL_FIELD_COUNT] = { [RFL_FIELD_DOOR] = 1, [RFL_FIELD_BAND] = 2,
        [RFL_FIELD_EMPLOYMENT] = 6, [RFL_FIELD_BARRIER] = 19, [RFL_FIELD_AGE] = 36, [RFL_FIELD_WEEKS] = 36,
        [RFL_FIELD_FLAGS] = 16, [RFL_FIELD_KEY] = 4, [RFL_FIELD_PLACE] = 4, [RFL_FIELD_SOURCE] = 1 };
    uint16_t fields = 0;
    for (unsigned product = 1, tries = 0; tries < 4; tries++) {
        unsigned f = lots_below(lots, RFL_FIELD_COUNT);
        if ((fields & 1u << f) != 0 || product * weight[f] > 300)
            continue;
        fields |= (uint16_t)(1u << f);
        product *= weight[f];
    }
    return fields;
}

/* ---- people ---- */

/* 0, and every value at or beside an end that conditions may name; just one when nothing looks at it. */
static unsigned numbers(bool in_play, uint16_t max, uint16_t out[64])
{
    unsigned count = 0;
    out[count++] = 0;
    for (unsigned i = 0; in_play && i < ENDS; i++) {
        for (int beside = -1; beside <= 1; beside++) {
            int value = ends[i] + beside;
            bool known = value < 1 || value > max;
            for (unsigned j = 0; j < count; j++)
                known = known || out[j] == value;
            if (!known)
                out[count++] = (uint16_t)value;
        }
    }
    return count;
}

struct making { const struct rfl_policy *policy; uint16_t fields; struct people *out; uint16_t years[64], weeks[64]; };

/* The fields whose values are plain numbers from 0, as digits; the others go into a list. */
static void add_people(struct making *m, struct rfl_profile base, unsigned places)
{
    unsigned year_count = numbers((m->fields & 1u << RFL_FIELD_AGE) != 0, RFL_PROFILE_AGE_MAX, m->years);
    unsigned week_count = numbers((m->fields & 1u << RFL_FIELD_WEEKS) != 0, RFL_PROFILE_WEEKS_MAX, m->weeks);
    const unsigned size[] = { RFL_BAND_COUNT, RFL_EMPLOYMENT_COUNT, 19, 16, places + 1 };
    const enum rfl_field field[] = { RFL_FIELD_BAND, RFL_FIELD_EMPLOYMENT, RFL_FIELD_BARRIER, RFL_FIELD_FLAGS,
                                     RFL_FIELD_PLACE };
    unsigned total = year_count * week_count;
    for (unsigned i = 0; i < 5; i++)
        total *= (m->fields & 1u << field[i]) != 0 ? size[i] : 1;
    for (unsigned n = 0; n < total; n++) {
        unsigned rest = n, digit[5] = { 0 };
        for (unsigned i = 0; i < 5; i++) {
            if ((m->fields & 1u << field[i]) == 0)
                continue;
            digit[i] = rest % size[i];
            rest /= size[i];
        }
        struct rfl_profile p = base;
        p.band = (uint8_t)digit[0];
        p.employment = (uint8_t)digit[1];
        p.barrier = (uint8_t)digit[2];
        p.flags = (uint8_t)digit[3];
        p.place = (uint8_t)digit[4];
        p.age_years = (uint8_t)m->years[rest % year_count];
        p.weeks_out_of_work = m->weeks[rest / year_count];
        assert(m->out->count < PEOPLE_MAX);
        m->out->profile[m->out->count++] = p;
    }
}

void people_make(const struct rfl_policy *policy, struct rfl_area_no area, uint16_t fields, struct people *out)
{
    struct making m = { .policy = policy, .fields = fields, .out = out };
    uint8_t accepts = rfl_policy_area(policy, area)->accepts;
    unsigned places = places_of(policy, area.v);
    out->count = 0;
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++) {
        if (accepts != 0 && (accepts >> key & 1) == 0)
            continue;
        struct rfl_profile base = { .key = (uint8_t)key };
        for (unsigned door = 1; door < RFL_DOOR_COUNT; door++) {
            base.door = (uint8_t)door;
            if (policy->source_count == 0)
                add_people(&m, base, places);
            for (uint32_t i = 0; i < policy->source_count; i++) {
                base.source = policy->source[i].id;
                if (rfl_policy_source_may(&policy->source[i], (enum rfl_door)door))
                    add_people(&m, base, places);
            }
        }
        if ((fields & 1u << RFL_FIELD_KEY) == 0)
            break;
    }
}
