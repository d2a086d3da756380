#include "rfl_counterfactual.h"

#include "rfl_cells.h"
#include "rfl_wordlist.h"

RFL_WORD_BODIES(CHANGE, change, RFL_CHANGE_LIST)

struct search {
    const struct rfl_policy *policy;
    const struct rfl_facts *facts;
    int64_t at_ms;
    struct rfl_decision real;
    struct rfl_counterfactual *out;
    uint32_t max, count;
};

/* ---- one change ---- */

static void set_field(struct rfl_facts *facts, enum rfl_field field, uint16_t value)
{
    switch (field) {
    case RFL_FIELD_DOOR: facts->door = (uint8_t)value; break;
    case RFL_FIELD_BAND: facts->band = (uint8_t)value; break;
    case RFL_FIELD_EMPLOYMENT: facts->employment = (uint8_t)value; break;
    case RFL_FIELD_BARRIER: facts->main_barrier = (uint8_t)value; break;
    case RFL_FIELD_AGE: facts->age_years = (uint8_t)value; break;
    case RFL_FIELD_WEEKS: facts->weeks_out_of_work = value; break;
    case RFL_FIELD_FLAGS: facts->flags = value; break;
    case RFL_FIELD_SOURCE: facts->source.v = value; break;
    case RFL_FIELD_KEY: case RFL_FIELD_PLACE: case RFL_FIELD_COUNT: assert(!"a key or a place is no field of facts");
    }
}

static void set_place(const struct rfl_policy *policy, struct rfl_clue *clue, struct rfl_place_no id)
{
    const struct rfl_place *place = rfl_policy_place(policy, id);
    memset(clue->sub_icb, 0, sizeof clue->sub_icb);
    if (place != NULL && place->code_count > 0)
        memcpy(clue->sub_icb, policy->place_code[place->code_first], sizeof clue->sub_icb);
}

static void set_area(const struct rfl_policy *policy, struct rfl_clue *clue, struct rfl_area_no area)
{
    memset(clue, 0, sizeof *clue);
    clue->grade = RFL_GRADE_OK;
    clue->country = 'E';
    memcpy(clue->icb, rfl_policy_area(policy, area)->code, sizeof clue->icb);
}

static void make_room(struct rfl_facts *facts, struct rfl_queue_no queue)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < facts->full_count; i++)
        if (facts->full[i].v != queue.v)
            facts->full[kept++] = facts->full[i];
    facts->full_count = kept;
}

void rfl_counterfactual_apply(const struct rfl_policy *policy, const struct rfl_counterfactual *change,
                              struct rfl_facts *facts, int64_t *at_ms)
{
    switch ((enum rfl_change)change->change) {
    case RFL_CHANGE_FIELD: set_field(facts, (enum rfl_field)change->field, change->value); break;
    case RFL_CHANGE_PLACE: set_place(policy, &facts->clue[change->key], change->place); break;
    case RFL_CHANGE_ROOM: make_room(facts, change->room); break;
    case RFL_CHANGE_MOMENT: *at_ms = change->at_ms; break;
    case RFL_CHANGE_KEY_ABSENT: memset(&facts->clue[change->key], 0, sizeof facts->clue[0]); break;
    case RFL_CHANGE_KEY_AREA: set_area(policy, &facts->clue[change->key], change->area); break;
    case RFL_CHANGE_COUNT: break;
    }
}

/* Keeps the change when it leads to another queue; says whether it does. */
static bool try_change(struct search *s, struct rfl_counterfactual change)
{
    struct rfl_facts facts = *s->facts;
    struct rfl_decision other;
    int64_t at_ms = s->at_ms;
    rfl_counterfactual_apply(s->policy, &change, &facts, &at_ms);
    rfl_route(s->policy, &facts, at_ms, &other);
    if (other.queue.v == s->real.queue.v)
        return false;
    change.queue = other.queue;
    change.verdict = other.verdict;
    change.reason = other.reason;
    if (s->count < s->max)
        s->out[s->count] = change;
    s->count++;
    return true;
}

static bool try_field(struct search *s, enum rfl_field field, uint32_t value)
{
    return try_change(s, (struct rfl_counterfactual){ .change = RFL_CHANGE_FIELD, .field = (uint8_t)field,
                                                      .value = (uint16_t)value });
}

/* ---- fields ---- */

static void try_words(struct search *s, enum rfl_field field, unsigned first, unsigned end, unsigned now)
{
    for (unsigned value = first; value < end; value++)
        if (value != now)
            (void)try_field(s, field, value);
}

/* Among what a condition's range tells apart, the least value above `value`, or the greatest below it. */
static void nearer(const struct rfl_condition *when, enum rfl_field field, bool up, uint32_t value, uint32_t *best)
{
    const struct rfl_range *range = field == RFL_FIELD_AGE ? &when->age : &when->weeks;
    if ((when->fields & 1u << field) == 0)
        return;
    const uint32_t begins[] = { range->min, range->max + 1u };
    for (unsigned i = 0; i < 2; i++) {
        if (up && begins[i] > value && begins[i] < *best)
            *best = begins[i];
        if (!up && begins[i] > 0 && begins[i] - 1 < value && begins[i] - 1 > *best)
            *best = begins[i] - 1;
    }
}

static uint32_t next_value(const struct search *s, enum rfl_field field, bool up, uint32_t value, uint32_t max)
{
    uint32_t best = up ? max + 1 : 0;
    if (up && value == 0)
        return 1;
    for (uint32_t i = 0; i < s->policy->advice_count; i++)
        if (rfl_cells_advice_counts(&s->policy->advice[i], s->real.area, s->at_ms))
            nearer(&s->policy->advice[i].when, field, up, value, &best);
    for (uint32_t i = 0; i < s->policy->rule_count; i++)
        if (rfl_cells_rule_counts(&s->policy->rule[i], s->real.area, s->at_ms))
            nearer(&s->policy->rule[i].when, field, up, value, &best);
    return best;
}

static void try_numbers(struct search *s, enum rfl_field field, uint32_t now, uint32_t max)
{
    uint32_t value = now;
    while ((value = next_value(s, field, true, value, max)) <= max)
        if (try_field(s, field, value))
            break;
    value = now;
    while ((value = next_value(s, field, false, value, max)) > 0)
        if (try_field(s, field, value))
            break;
    if (now != 0)
        (void)try_field(s, field, 0);
}

static void try_sources(struct search *s)
{
    for (uint32_t i = 0; i < s->policy->source_count; i++) {
        const struct rfl_source *source = &s->policy->source[i];
        if (source->id.v != s->facts->source.v && rfl_policy_source_may(source, (enum rfl_door)s->facts->door))
            (void)try_field(s, RFL_FIELD_SOURCE, source->id.v);
    }
}

static void try_fields(struct search *s)
{
    const struct rfl_facts *facts = s->facts;
    try_words(s, RFL_FIELD_DOOR, RFL_DOOR_NONE + 1, RFL_DOOR_COUNT, facts->door);
    try_words(s, RFL_FIELD_BAND, 0, RFL_BAND_COUNT, facts->band);
    try_words(s, RFL_FIELD_EMPLOYMENT, 0, RFL_EMPLOYMENT_COUNT, facts->employment);
    try_words(s, RFL_FIELD_BARRIER, 0, 19, facts->main_barrier);
    try_numbers(s, RFL_FIELD_AGE, facts->age_years, RFL_PROFILE_AGE_MAX);
    try_numbers(s, RFL_FIELD_WEEKS, facts->weeks_out_of_work, RFL_PROFILE_WEEKS_MAX);
    for (unsigned flag = 1; flag <= RFL_PROFILE_FLAGS_MAX; flag <<= 1)
        (void)try_field(s, RFL_FIELD_FLAGS, facts->flags ^ flag);
    try_sources(s);
}

/* ---- the rest ---- */

static void try_places(struct search *s)
{
    const struct rfl_area *area = rfl_policy_area(s->policy, s->real.area);
    struct rfl_counterfactual change = { .change = RFL_CHANGE_PLACE, .key = s->real.key };
    if (area == NULL)
        return;
    for (unsigned i = 0; i <= area->place_count; i++) {
        const struct rfl_place *place = rfl_policy_place_at(s->policy, area, i);
        change.place.v = place == NULL ? 0 : place->id.v;
        if (change.place.v != s->real.place.v)
            (void)try_change(s, change);
    }
}

static void nearer_moment(int64_t date_ms, bool up, int64_t at_ms, int64_t *best)
{
    if (up && date_ms > at_ms && date_ms < *best)
        *best = date_ms;
    if (!up && date_ms > 0 && date_ms - 1 < at_ms && date_ms - 1 > *best)
        *best = date_ms - 1;
}

/* The next moment at which anything in the policy begins or ends; or the last one before something did. */
static int64_t next_moment(const struct rfl_policy *policy, bool up, int64_t at_ms)
{
    int64_t best = up ? RFL_NO_END_MS : 0;
    for (uint32_t i = 0; i < policy->area_count; i++) {
        nearer_moment(policy->area[i].from_ms, up, at_ms, &best);
        nearer_moment(policy->area[i].until_ms, up, at_ms, &best);
    }
    for (uint32_t i = 0; i < policy->alias_count; i++) {
        nearer_moment(policy->alias[i].from_ms, up, at_ms, &best);
        nearer_moment(policy->alias[i].until_ms, up, at_ms, &best);
    }
    for (uint32_t i = 0; i < policy->successor_count; i++)
        nearer_moment(policy->successor[i].from_ms, up, at_ms, &best);
    for (uint32_t i = 0; i < policy->queue_count; i++) {
        nearer_moment(policy->queue[i].opens_ms, up, at_ms, &best);
        nearer_moment(policy->queue[i].closes_ms, up, at_ms, &best);
    }
    for (uint32_t i = 0; i < policy->advice_count; i++) {
        nearer_moment(policy->advice[i].from_ms, up, at_ms, &best);
        nearer_moment(policy->advice[i].until_ms, up, at_ms, &best);
    }
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        nearer_moment(policy->rule[i].from_ms, up, at_ms, &best);
        nearer_moment(policy->rule[i].until_ms, up, at_ms, &best);
        nearer_moment(policy->rule[i].retry_ms, up, at_ms, &best);
    }
    return best;
}

static void try_moments(struct search *s)
{
    struct rfl_counterfactual change = { .change = RFL_CHANGE_MOMENT, .at_ms = s->at_ms };
    while ((change.at_ms = next_moment(s->policy, true, change.at_ms)) != RFL_NO_END_MS)
        if (try_change(s, change))
            break;
    change.at_ms = s->at_ms;
    while ((change.at_ms = next_moment(s->policy, false, change.at_ms)) > 0)
        if (try_change(s, change))
            break;
}

static void try_key(struct search *s, enum rfl_key key)
{
    struct rfl_counterfactual change = { .change = RFL_CHANGE_KEY_AREA, .key = (uint8_t)key };
    struct rfl_area_no now = { 0 };
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        if (s->real.step[i].key == key)
            now = s->real.step[i].area;
    for (uint32_t i = 0; i < s->policy->area_count; i++) {
        const struct rfl_area *area = &s->policy->area[i];
        change.area = area->id;
        if (area->id.v != now.v && area->code[0] != '\0' && rfl_area_alive(area, s->at_ms))
            (void)try_change(s, change);
    }
}

uint32_t rfl_counterfactual(const struct rfl_policy *policy, const struct rfl_facts *facts, int64_t at_ms,
                            struct rfl_counterfactual *out, uint32_t max)
{
    struct search s = { .policy = policy, .facts = facts, .at_ms = at_ms, .out = out, .max = max };
    rfl_route(policy, facts, at_ms, &s.real);
    if (s.real.area.v != 0)
        try_fields(&s);
    try_places(&s);
    for (unsigned i = 0; i < facts->full_count; i++)
        (void)try_change(&s, (struct rfl_counterfactual){ .change = RFL_CHANGE_ROOM, .room = facts->full[i] });
    try_moments(&s);
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        if (facts->clue[key].grade != RFL_GRADE_ABSENT)
            (void)try_change(&s, (struct rfl_counterfactual){ .change = RFL_CHANGE_KEY_ABSENT, .key = (uint8_t)key });
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        try_key(&s, (enum rfl_key)key);
    return s.count;
}
