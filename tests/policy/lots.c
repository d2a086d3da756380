#include "lots.h"

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
