#include "rfl_rule.h"

#include "rfl_wordlist.h"

RFL_WORD_BODIES(FIELD, field, RFL_FIELD_LIST)
RFL_WORD_BODIES(ANSWER, answer, RFL_ANSWER_LIST)

static bool in_range(const struct rfl_range *range, uint16_t value)
{
    return value == 0 ? range->unknown : value >= range->min && value <= range->max;
}

static bool in_sources(const struct rfl_condition *c, struct rfl_source_no source)
{
    for (unsigned i = 0; i < c->source_count; i++)
        if (c->source[i].v == source.v)
            return true;
    return false;
}

static bool meets(const struct rfl_condition *c, const struct rfl_profile *p, enum rfl_field field)
{
    switch (field) {
    case RFL_FIELD_DOOR: return (c->doors >> p->door & 1) != 0;
    case RFL_FIELD_BAND: return (c->bands >> p->band & 1) != 0;
    case RFL_FIELD_EMPLOYMENT: return (c->employments >> p->employment & 1) != 0;
    case RFL_FIELD_BARRIER: return (c->barriers >> p->barrier & 1) != 0;
    case RFL_FIELD_AGE: return in_range(&c->age, p->age_years);
    case RFL_FIELD_WEEKS: return in_range(&c->weeks, p->weeks_out_of_work);
    case RFL_FIELD_FLAGS: return (p->flags & c->flags_set) == c->flags_set && (p->flags & c->flags_clear) == 0;
    case RFL_FIELD_KEY: return (c->keys >> p->key & 1) != 0;
    case RFL_FIELD_PLACE: return (c->places >> p->place & 1) != 0;
    case RFL_FIELD_SOURCE: return in_sources(c, p->source);
    case RFL_FIELD_COUNT: break;
    }
    return false;
}

enum rfl_field rfl_condition_unmet(const struct rfl_condition *condition, const struct rfl_profile *profile)
{
    for (unsigned field = 0; field < RFL_FIELD_COUNT; field++)
        if ((condition->fields & 1u << field) != 0 && !meets(condition, profile, (enum rfl_field)field))
            return (enum rfl_field)field;
    return RFL_FIELD_COUNT;
}
