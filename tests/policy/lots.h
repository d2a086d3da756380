/* lots.h: drawn lots for the tests of the policy: a generator with a seed, and conditions and profiles made with it. */
#ifndef LOTS_H
#define LOTS_H

#include "rfl_space.h"

struct lots { uint64_t state; };

static inline uint64_t lots_next(struct lots *lots)
{
    uint64_t z = lots->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline unsigned lots_below(struct lots *lots, unsigned n) { return (unsigned)(lots_next(lots) % n); }
static inline bool lots_one_in(struct lots *lots, unsigned n) { return lots_below(lots, n) == 0; }

/* A set of values below `count`, not empty; about half of them. */
static inline uint64_t lots_set(struct lots *lots, unsigned count)
{
    uint64_t all = count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    uint64_t set = lots_next(lots) & all;
    return set != 0 ? set : UINT64_C(1) << lots_below(lots, count);
}

struct rfl_range lots_range(struct lots *lots, uint16_t max);
/* Each field is constrained once in `rare` times; places 0 .. places, sources 1 .. sources. */
void lots_condition(struct lots *lots, unsigned rare, unsigned places, unsigned sources, struct rfl_condition *out);
/* Any profile, also one that cannot exist; sources 0 .. sources + 1. */
void lots_profile(struct lots *lots, unsigned places, unsigned sources, struct rfl_profile *out);

/* A policy of one or two areas, few sources, rules, advice and dates, which passes rfl_policy_check. Conditions look at
 * the fields of `fields` only (bits 1 << enum rfl_field). Compiled; without a digest. */
void lots_policy(struct lots *lots, uint16_t fields, struct rfl_policy *out);
/* A few fields, never more combinations of their values than people_make has room for. */
uint16_t lots_fields(struct lots *lots);

/* Every profile that can exist in the area, of those that conditions over these fields can tell apart. */
enum { PEOPLE_MAX = 40000 };
struct people { uint32_t count; struct rfl_profile profile[PEOPLE_MAX]; };
void people_make(const struct rfl_policy *policy, struct rfl_area_no area, uint16_t fields, struct people *out);

#endif
