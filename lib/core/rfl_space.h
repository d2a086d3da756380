/* rfl_space.h: the whole space of profiles of one area, as boxes that can be intersected, subtracted and shown.
 *
 * A rule can only tell profiles apart by the constants it names. So each field is cut into classes: the words of door,
 * band, employment, barrier, flags, key and place are a class each; years and weeks are intervals between the ends that
 * conditions name, and class 0 for "not known"; sources that no condition tells apart and that may act for the same
 * doors are one class. Whatever a list of rules decides is the same for all profiles of one class in every field.
 *
 * A box is a set of classes in every field, and means all their combinations. A space is made in three steps: begin
 * with an area, cut by every condition that matters, finish; conditions can then be turned into boxes. Two policies can
 * share a space: a place is then known by its id, for its position may differ, and a profile is made for one of them.
 *
 * Profiles that can exist: a source of the policy through a door it may act for (a policy without any source: source 0
 * through every door); a key that the area accepts; a place of the area, or none; years 1..130 and weeks 1..5,200, or
 * 0. A space is about 70 KiB in the caller's memory; it borrows its policies, and nothing is allocated. */
#ifndef RFL_SPACE_H
#define RFL_SPACE_H

#include "rfl_policy.h"

enum {
    RFL_SPACE_CLASSES_MAX = 64,                 /* of one field */
    RFL_SPACE_POLICIES_MAX = 2,
    RFL_SPACE_WHOLE_MAX = RFL_SPACE_CLASSES_MAX,    /* boxes that rfl_space_whole gives */
    RFL_PROFILE_AGE_MAX = 130, RFL_PROFILE_WEEKS_MAX = 5200, RFL_PROFILE_FLAGS_MAX = 15
};

/* Bits 1 << class, by field. Empty when one of them is 0. */
struct rfl_box { uint64_t set[RFL_FIELD_COUNT]; };

struct rfl_space {
    const struct rfl_policy *policy[RFL_SPACE_POLICIES_MAX];    /* [1] may be NULL */
    struct rfl_area_no area;
    bool full;                                  /* a field needs more than RFL_SPACE_CLASSES_MAX classes */
    uint8_t classes[RFL_FIELD_COUNT];
    uint8_t keys;                               /* bits 1 << enum rfl_key that may bring people here */
    uint16_t low[2][RFL_SPACE_CLASSES_MAX];     /* age, weeks: the least value of each class */
    uint8_t place[RFL_SPACE_POLICIES_MAX][RFL_SPACE_CLASSES_MAX];       /* the place's value in a profile; 0: absent */
    struct rfl_source_no source[RFL_SPACE_CLASSES_MAX];         /* the least of each class */
    uint16_t source_doors[RFL_SPACE_CLASSES_MAX];
    uint16_t source_count[RFL_SPACE_CLASSES_MAX];               /* 0: the class has become empty */
    uint8_t class_of_source[65536];             /* by number; RFL_SPACE_CLASSES_MAX: not one of the policy's */
};

/* `other` may be NULL. The area must be one of at least one of them. */
void rfl_space_begin(struct rfl_space *space, const struct rfl_policy *policy, const struct rfl_policy *other,
                     struct rfl_area_no area);
/* Makes the space tell apart whatever this condition does. */
void rfl_space_cut(struct rfl_space *space, const struct rfl_condition *condition);
/* After the last cut. RFL_E_FULL: more than RFL_SPACE_CLASSES_MAX classes in a field; the space is of no use then. */
RFL_MUST_USE enum rfl_err rfl_space_finish(struct rfl_space *space);

/* Every profile that can exist, as disjoint boxes; returns how many, at most RFL_SPACE_WHOLE_MAX. 0: none can. */
uint32_t rfl_space_whole(const struct rfl_space *space, struct rfl_box out[RFL_SPACE_WHOLE_MAX]);
/* The profiles that meet a condition the space was cut by, read with policy `which` (0 or 1). May be empty. Not only
 * those that can exist: intersect it with the whole. */
void rfl_space_box(const struct rfl_space *space, unsigned which, const struct rfl_condition *condition,
                   struct rfl_box *out);
/* The smallest profile of a box that is not empty (field by field in their order), as policy `which` would see it. */
void rfl_space_witness(const struct rfl_space *space, unsigned which, const struct rfl_box *box,
                       struct rfl_profile *out);
/* Whether the profile, as policy `which` sees it, lies in the box. */
bool rfl_space_has(const struct rfl_space *space, unsigned which, const struct rfl_box *box,
                   const struct rfl_profile *profile);
/* The inclusive range of years or weeks that a class stands for; field AGE or WEEKS, class 1 and more. */
void rfl_space_range(const struct rfl_space *space, enum rfl_field field, unsigned class_no, uint16_t *min,
                     uint16_t *max);

/* ---- boxes of one space ---- */

bool rfl_box_empty(const struct rfl_box *box);
/* False: they have nothing in common, and *out is empty. out may be a or b. */
bool rfl_box_intersect(const struct rfl_box *a, const struct rfl_box *b, struct rfl_box *out);
bool rfl_box_within(const struct rfl_box *a, const struct rfl_box *b);
/* a without b, as disjoint boxes; returns how many. */
uint32_t rfl_box_subtract(const struct rfl_box *a, const struct rfl_box *b, struct rfl_box out[RFL_FIELD_COUNT]);
/* Makes *a both, when they differ in one field at the most, or one holds the other; else false and nothing changed. */
bool rfl_box_merge(struct rfl_box *a, const struct rfl_box *b);

#endif
