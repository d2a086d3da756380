/* rfl_counterfactual.h: which single fact, had it been another, would have sent a referral somewhere else.
 *
 * One thing is changed at a time, by as little as it takes: a word to each other word, years and weeks to the nearest
 * value on either side that matters, one flag, one queue that was full, one key left out or naming another living area,
 * the part of the area, the moment. Whatever is returned was tried: routing the changed facts gives that queue. */
#ifndef RFL_COUNTERFACTUAL_H
#define RFL_COUNTERFACTUAL_H

#include "rfl_route.h"

/* In the order they are returned. */
#define RFL_CHANGE_LIST(X) \
    X(FIELD, "field")               /* a field of the facts has another value */ \
    X(PLACE, "place")               /* the key that decided names another part of the area, or none */ \
    X(ROOM, "room")                 /* a queue was not full */ \
    X(MOMENT, "moment")             /* it came later, or earlier */ \
    X(KEY_ABSENT, "key_absent")     /* a key was not supplied */ \
    X(KEY_AREA, "key_area")         /* a key named another area */
#define RFL_X(name, word) RFL_CHANGE_##name,
RFL_WORD_ENUM(CHANGE, change, RFL_CHANGE_LIST(RFL_X))
#undef RFL_X

struct rfl_counterfactual {
    uint8_t change;                             /* enum rfl_change */
    uint8_t field;                              /* FIELD: enum rfl_field; never KEY or PLACE */
    uint8_t key;                                /* PLACE, KEY_...: enum rfl_key */
    uint16_t value;                             /* FIELD: as in rfl_profile, FLAGS all of them; SOURCE its number */
    struct rfl_place_no place;                  /* PLACE; 0: none */
    struct rfl_area_no area;                    /* KEY_AREA */
    struct rfl_queue_no room;                   /* ROOM */
    int64_t at_ms;                              /* MOMENT */
    uint8_t verdict, reason;                    /* of the other decision */
    struct rfl_queue_no queue;                  /* where it would go: never where it goes */
};

/* The changed question. */
void rfl_counterfactual_apply(const struct rfl_policy *policy, const struct rfl_counterfactual *change,
                              struct rfl_facts *facts, int64_t *at_ms);
/* Fills out[] with at most `max` and returns how many there are in all, which may be more. Within one change: by field
 * or key in their order, then the least value first; for years, weeks and the moment the next one above or later, the
 * one below or before, then "not known". */
uint32_t rfl_counterfactual(const struct rfl_policy *policy, const struct rfl_facts *facts, int64_t at_ms,
                            struct rfl_counterfactual *out, uint32_t max);

#endif
