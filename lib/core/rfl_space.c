#include "rfl_space.h"

enum { AGE = 0, WEEKS = 1, NO_CLASS = RFL_SPACE_CLASSES_MAX };
static_assert(RFL_PROFILE_FLAGS_MAX == (RFL_FLAG_SAFEGUARDING | RFL_FLAG_INCIDENT | RFL_FLAG_INTERPRETER |
                                        RFL_FLAG_STEP_FREE), "every combination of flags is a class");
static_assert(RFL_PLACES_PER_AREA_MAX + 1 <= RFL_SPACE_CLASSES_MAX, "the places of one area fit");

static uint64_t first_bits(unsigned count)
{
    return count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

static unsigned lowest(uint64_t set)
{
    assert(set != 0);
    return (unsigned)__builtin_ctzll(set);
}

/* ---- sources: one class for each set of doors, divided by every condition that names some of them ---- */

static unsigned add_source_class(struct rfl_space *s, uint16_t doors)
{
    if (s->classes[RFL_FIELD_SOURCE] >= RFL_SPACE_CLASSES_MAX) {
        s->full = true;
        return NO_CLASS;
    }
    unsigned class_no = s->classes[RFL_FIELD_SOURCE]++;
    s->source_doors[class_no] = doors;
    return class_no;
}

static void put_source(struct rfl_space *s, struct rfl_source_no source, unsigned class_no)
{
    if (s->source_count[class_no]++ == 0 || source.v < s->source[class_no].v)
        s->source[class_no] = source;
    s->class_of_source[source.v] = (uint8_t)class_no;
}

static void add_source(struct rfl_space *s, struct rfl_source_no source, uint16_t doors)
{
    unsigned class_no = 0;
    while (class_no < s->classes[RFL_FIELD_SOURCE] && s->source_doors[class_no] != doors)
        class_no++;
    if (class_no == s->classes[RFL_FIELD_SOURCE])
        class_no = add_source_class(s, doors);
    if (class_no != NO_CLASS)
        put_source(s, source, class_no);
}

/* A source of both policies may act for the doors that either gives it: it is what its referrals are like that is
 * compared, and routing does not ask who may send. */
static void add_sources(struct rfl_space *s)
{
    memset(s->class_of_source, NO_CLASS, sizeof s->class_of_source);
    for (unsigned which = 0; which < RFL_SPACE_POLICIES_MAX && s->policy[which] != NULL; which++) {
        const struct rfl_policy *other = s->policy[1 - which];
        for (uint32_t i = 0; i < s->policy[which]->source_count; i++) {
            const struct rfl_source *source = &s->policy[which]->source[i];
            const struct rfl_source *twin = other == NULL ? NULL : rfl_policy_source(other, source->id);
            if (s->class_of_source[source->id.v] == NO_CLASS)
                add_source(s, source->id, (uint16_t)(source->doors | (twin == NULL ? 0 : twin->doors)));
        }
    }
    if (s->classes[RFL_FIELD_SOURCE] == 0)
        add_source(s, (struct rfl_source_no){ 0 }, (uint16_t)(first_bits(RFL_DOOR_COUNT) & ~UINT64_C(1)));
}

/* The least source of a class after one has left it. */
static void find_least(struct rfl_space *s, unsigned class_no)
{
    for (uint32_t v = 0; v < 65536; v++) {
        if (s->class_of_source[v] == class_no) {
            s->source[class_no].v = (uint16_t)v;
            return;
        }
    }
}

static void cut_sources(struct rfl_space *s, const struct rfl_condition *c)
{
    uint8_t moved_to[RFL_SPACE_CLASSES_MAX];
    memset(moved_to, NO_CLASS, sizeof moved_to);
    unsigned before = s->classes[RFL_FIELD_SOURCE];
    for (unsigned i = 0; i < c->source_count && !s->full; i++) {
        unsigned old = s->class_of_source[c->source[i].v];
        if (old >= before)
            continue;                           /* not a source of the policy, or named twice */
        if (moved_to[old] == NO_CLASS) {
            if (s->source_count[old] == 1)
                continue;                       /* alone already */
            moved_to[old] = (uint8_t)add_source_class(s, s->source_doors[old]);
            if (s->full)
                return;
        }
        put_source(s, c->source[i], moved_to[old]);
        s->source_count[old]--;
        if (s->source_count[old] > 0 && s->source[old].v == c->source[i].v)
            find_least(s, old);
    }
}

/* ---- years and weeks ---- */

static void cut_at(struct rfl_space *s, unsigned which, uint32_t value)
{
    enum rfl_field field = which == AGE ? RFL_FIELD_AGE : RFL_FIELD_WEEKS;
    uint16_t *low = s->low[which];
    unsigned count = s->classes[field], at = 1;
    if (value < 2 || value > (which == AGE ? RFL_PROFILE_AGE_MAX : RFL_PROFILE_WEEKS_MAX))
        return;
    while (at < count && low[at] < value)
        at++;
    if (at < count && low[at] == value)
        return;
    if (count == RFL_SPACE_CLASSES_MAX) {
        s->full = true;
        return;
    }
    memmove(low + at + 1, low + at, (count - at) * sizeof *low);
    low[at] = (uint16_t)value;
    s->classes[field]++;
}

static uint64_t range_set(const struct rfl_space *s, unsigned which, const struct rfl_range *range)
{
    unsigned count = s->classes[which == AGE ? RFL_FIELD_AGE : RFL_FIELD_WEEKS];
    uint64_t set = range->unknown ? 1 : 0;
    for (unsigned i = 1; i < count; i++)
        if (s->low[which][i] >= range->min && s->low[which][i] <= range->max)
            set |= UINT64_C(1) << i;
    return set;
}

static unsigned range_class(const struct rfl_space *s, unsigned which, uint16_t value)
{
    unsigned i = s->classes[which == AGE ? RFL_FIELD_AGE : RFL_FIELD_WEEKS] - 1u;
    while (i > 0 && s->low[which][i] > value)
        i--;
    return value == 0 ? 0 : i;
}

/* ---- places: known by their ids, so that two policies mean the same one ---- */

static void add_places(struct rfl_space *s)
{
    struct rfl_place_no id[RFL_SPACE_CLASSES_MAX];
    unsigned count = 1;
    memset(id, 0, sizeof id);
    for (unsigned which = 0; which < RFL_SPACE_POLICIES_MAX && s->policy[which] != NULL; which++) {
        unsigned position = 0;
        for (uint32_t i = 0; i < s->policy[which]->place_count; i++) {
            const struct rfl_place *place = &s->policy[which]->place[i];
            unsigned at = 1;
            if (place->area.v != s->area.v)
                continue;
            position++;
            while (at < count && id[at].v != place->id.v)
                at++;
            if (at == RFL_SPACE_CLASSES_MAX) {
                s->full = true;
                return;
            }
            if (at == count)
                id[count++] = place->id;
            s->place[which][at] = (uint8_t)position;
        }
    }
    s->classes[RFL_FIELD_PLACE] = (uint8_t)count;
}

static uint64_t place_set(const struct rfl_space *s, unsigned which, uint64_t places)
{
    uint64_t set = 0;
    for (unsigned i = 0; i < s->classes[RFL_FIELD_PLACE]; i++)
        if ((places >> s->place[which][i] & 1) != 0)
            set |= UINT64_C(1) << i;
    return set;
}

/* ---- the space ---- */

static uint8_t keys_of(const struct rfl_policy *policy, struct rfl_area_no id)
{
    const struct rfl_area *area = policy == NULL ? NULL : rfl_policy_area(policy, id);
    if (area == NULL)
        return 0;
    return area->accepts != 0 ? area->accepts : (uint8_t)first_bits(RFL_KEY_COUNT);
}

void rfl_space_begin(struct rfl_space *space, const struct rfl_policy *policy, const struct rfl_policy *other,
                     struct rfl_area_no area)
{
    memset(space, 0, sizeof *space);
    space->policy[0] = policy;
    space->policy[1] = other;
    space->area = area;
    space->keys = (uint8_t)(keys_of(policy, area) | keys_of(other, area));
    space->classes[RFL_FIELD_DOOR] = RFL_DOOR_COUNT;
    space->classes[RFL_FIELD_BAND] = RFL_BAND_COUNT;
    space->classes[RFL_FIELD_EMPLOYMENT] = RFL_EMPLOYMENT_COUNT;
    space->classes[RFL_FIELD_BARRIER] = 19;
    space->classes[RFL_FIELD_FLAGS] = RFL_PROFILE_FLAGS_MAX + 1;
    space->classes[RFL_FIELD_KEY] = RFL_KEY_COUNT;
    space->classes[RFL_FIELD_AGE] = space->classes[RFL_FIELD_WEEKS] = 2;
    space->low[AGE][1] = space->low[WEEKS][1] = 1;
    add_places(space);
    add_sources(space);
}

void rfl_space_cut(struct rfl_space *space, const struct rfl_condition *condition)
{
    if ((condition->fields & 1u << RFL_FIELD_AGE) != 0) {
        cut_at(space, AGE, condition->age.min);
        cut_at(space, AGE, condition->age.max + 1u);
    }
    if ((condition->fields & 1u << RFL_FIELD_WEEKS) != 0) {
        cut_at(space, WEEKS, condition->weeks.min);
        cut_at(space, WEEKS, condition->weeks.max + 1u);
    }
    if ((condition->fields & 1u << RFL_FIELD_SOURCE) != 0)
        cut_sources(space, condition);
}

enum rfl_err rfl_space_finish(struct rfl_space *space) { return space->full ? RFL_E_FULL : RFL_E_OK; }

uint32_t rfl_space_whole(const struct rfl_space *space, struct rfl_box out[RFL_SPACE_WHOLE_MAX])
{
    uint32_t count = 0;
    for (unsigned c = 0; c < space->classes[RFL_FIELD_SOURCE]; c++) {
        uint32_t at = 0;
        if (space->source_count[c] == 0)
            continue;
        while (at < count && out[at].set[RFL_FIELD_DOOR] != space->source_doors[c])
            at++;
        if (at == count) {
            for (unsigned f = 0; f < RFL_FIELD_COUNT; f++)
                out[at].set[f] = first_bits(space->classes[f]);
            out[at].set[RFL_FIELD_DOOR] = space->source_doors[c];
            out[at].set[RFL_FIELD_KEY] = space->keys;
            out[at].set[RFL_FIELD_SOURCE] = 0;
            count++;
        }
        out[at].set[RFL_FIELD_SOURCE] |= UINT64_C(1) << c;
    }
    return space->keys == 0 ? 0 : count;
}

static uint64_t set_of(const struct rfl_space *s, unsigned which, const struct rfl_condition *c, enum rfl_field field)
{
    uint64_t set = 0;
    switch (field) {
    case RFL_FIELD_DOOR: return c->doors;
    case RFL_FIELD_BAND: return c->bands;
    case RFL_FIELD_EMPLOYMENT: return c->employments;
    case RFL_FIELD_BARRIER: return c->barriers;
    case RFL_FIELD_AGE: return range_set(s, AGE, &c->age);
    case RFL_FIELD_WEEKS: return range_set(s, WEEKS, &c->weeks);
    case RFL_FIELD_FLAGS:
        for (unsigned flags = 0; flags <= RFL_PROFILE_FLAGS_MAX; flags++)
            if ((flags & c->flags_set) == c->flags_set && (flags & c->flags_clear) == 0)
                set |= UINT64_C(1) << flags;
        return set;
    case RFL_FIELD_KEY: return c->keys;
    case RFL_FIELD_PLACE: return place_set(s, which, c->places);
    case RFL_FIELD_SOURCE:
        for (unsigned i = 0; i < c->source_count; i++)
            if (s->class_of_source[c->source[i].v] != NO_CLASS)
                set |= UINT64_C(1) << s->class_of_source[c->source[i].v];
        return set;
    case RFL_FIELD_COUNT: break;
    }
    return 0;
}

void rfl_space_box(const struct rfl_space *space, unsigned which, const struct rfl_condition *condition,
                   struct rfl_box *out)
{
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        out->set[f] = first_bits(space->classes[f]);
        if ((condition->fields & 1u << f) != 0)
            out->set[f] &= set_of(space, which, condition, (enum rfl_field)f);
    }
}

/* Classes of sources are in no order. */
static struct rfl_source_no least_source(const struct rfl_space *s, uint64_t set)
{
    struct rfl_source_no least = s->source[lowest(set)];
    for (unsigned i = lowest(set) + 1; i < s->classes[RFL_FIELD_SOURCE]; i++)
        if ((set >> i & 1) != 0 && s->source[i].v < least.v)
            least = s->source[i];
    return least;
}

void rfl_space_witness(const struct rfl_space *space, unsigned which, const struct rfl_box *box,
                       struct rfl_profile *out)
{
    memset(out, 0, sizeof *out);
    out->door = (uint8_t)lowest(box->set[RFL_FIELD_DOOR]);
    out->band = (uint8_t)lowest(box->set[RFL_FIELD_BAND]);
    out->employment = (uint8_t)lowest(box->set[RFL_FIELD_EMPLOYMENT]);
    out->barrier = (uint8_t)lowest(box->set[RFL_FIELD_BARRIER]);
    out->age_years = (uint8_t)space->low[AGE][lowest(box->set[RFL_FIELD_AGE])];
    out->weeks_out_of_work = space->low[WEEKS][lowest(box->set[RFL_FIELD_WEEKS])];
    out->flags = (uint8_t)lowest(box->set[RFL_FIELD_FLAGS]);
    out->key = (uint8_t)lowest(box->set[RFL_FIELD_KEY]);
    out->place = space->place[which][lowest(box->set[RFL_FIELD_PLACE])];
    out->source = least_source(space, box->set[RFL_FIELD_SOURCE]);
}

static bool has_place(const struct rfl_space *s, unsigned which, uint64_t set, uint8_t place)
{
    for (unsigned i = 0; i < s->classes[RFL_FIELD_PLACE]; i++)
        if ((set >> i & 1) != 0 && s->place[which][i] == place)
            return true;
    return false;
}

bool rfl_space_has(const struct rfl_space *space, unsigned which, const struct rfl_box *box,
                   const struct rfl_profile *profile)
{
    const uint64_t *set = box->set;
    unsigned source = space->class_of_source[profile->source.v];
    return (set[RFL_FIELD_DOOR] >> profile->door & 1) != 0 && (set[RFL_FIELD_BAND] >> profile->band & 1) != 0 &&
           (set[RFL_FIELD_EMPLOYMENT] >> profile->employment & 1) != 0 &&
           (set[RFL_FIELD_BARRIER] >> profile->barrier & 1) != 0 &&
           (set[RFL_FIELD_AGE] >> range_class(space, AGE, profile->age_years) & 1) != 0 &&
           (set[RFL_FIELD_WEEKS] >> range_class(space, WEEKS, profile->weeks_out_of_work) & 1) != 0 &&
           (set[RFL_FIELD_FLAGS] >> profile->flags & 1) != 0 && (set[RFL_FIELD_KEY] >> profile->key & 1) != 0 &&
           has_place(space, which, set[RFL_FIELD_PLACE], profile->place) && source != NO_CLASS &&
           (set[RFL_FIELD_SOURCE] >> source & 1) != 0;
}

void rfl_space_range(const struct rfl_space *space, enum rfl_field field, unsigned class_no, uint16_t *min,
                     uint16_t *max)
{
    unsigned which = field == RFL_FIELD_AGE ? AGE : WEEKS;
    assert(class_no >= 1 && class_no < space->classes[field]);
    *min = space->low[which][class_no];
    *max = which == AGE ? RFL_PROFILE_AGE_MAX : RFL_PROFILE_WEEKS_MAX;
    if (class_no + 1u < space->classes[field])
        *max = (uint16_t)(space->low[which][class_no + 1] - 1);
}

/* ---- boxes ---- */

bool rfl_box_empty(const struct rfl_box *box)
{
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++)
        if (box->set[f] == 0)
            return true;
    return false;
}

bool rfl_box_intersect(const struct rfl_box *a, const struct rfl_box *b, struct rfl_box *out)
{
    bool some = true;
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        out->set[f] = a->set[f] & b->set[f];
        some = some && out->set[f] != 0;
    }
    return some;
}

bool rfl_box_within(const struct rfl_box *a, const struct rfl_box *b)
{
    if (rfl_box_empty(a))
        return true;
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++)
        if ((a->set[f] & ~b->set[f]) != 0)
            return false;
    return true;
}

uint32_t rfl_box_subtract(const struct rfl_box *a, const struct rfl_box *b, struct rfl_box out[RFL_FIELD_COUNT])
{
    struct rfl_box rest = *a, common;
    uint32_t count = 0;
    if (rfl_box_empty(a))
        return 0;
    if (!rfl_box_intersect(a, b, &common)) {
        out[0] = *a;
        return 1;
    }
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        if (rest.set[f] == common.set[f])
            continue;
        out[count] = rest;
        out[count++].set[f] &= ~common.set[f];
        rest.set[f] = common.set[f];
    }
    return count;
}

bool rfl_box_merge(struct rfl_box *a, const struct rfl_box *b)
{
    unsigned differing = 0, at = 0;
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        if (a->set[f] != b->set[f]) {
            differing++;
            at = f;
        }
    }
    if (differing > 1 && !rfl_box_within(b, a)) {
        if (!rfl_box_within(a, b))
            return false;
        *a = *b;
        return true;
    }
    if (differing == 1)
        a->set[at] |= b->set[at];
    return true;
}
