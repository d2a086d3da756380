/* rfl_rule.h: what the people who answer for an area may say about where its cases go: rules and advice over a profile.
 *
 * Once a person's area is known, everything a rule may look at is a profile: ten small fields, none of them a name, a
 * number or a postcode. A condition constrains some of the fields, each to a set of values or to a range, and all of
 * them must hold; there is no "or" inside a rule (write two), no arithmetic and no loop, so every evaluation ends, and
 * the whole space of profiles can be searched by rfl_prove.h. Rules are tried in the order they are written; the first
 * that is in force and holds gives the answer:
 *
 *   to        that provider queue, or where its overflow leads when it is full
 *   nowhere   no provider may have it: the area's triage desk decides
 *   not_yet   the same, until a day that the rule names; then it is decided again
 *
 * and when none holds, the area's own intake does, so there is always an answer. Advice (an area's eligibility) comes
 * before the rules: the first that holds is kept with the decision for whoever owns the case next; it may name a queue
 * that suits the person better, and is never a refusal.
 *
 * Pure values; text lies in the policy's pool. A rule is known by its place in its policy, and decisions are kept with
 * that policy's digest, so a place means the same for ever. */
#ifndef RFL_RULE_H
#define RFL_RULE_H

#include "rfl_facts.h"

enum {
    RFL_RULES_MAX = 4096, RFL_ADVICE_MAX = 1024, RFL_PLACES_MAX = 1024,
    RFL_PLACES_PER_AREA_MAX = 63,               /* a condition names them by bits; bit 0 is "no place known" */
    RFL_RULE_SOURCES_MAX = 8,
    RFL_OVERFLOW_MAX = 4                        /* queues an overflowing one names, in order */
};

/* A part of an area, such as a borough: the sub-ICB codes that mean it. Number: permanent, from configuration. */
struct rfl_place_no { uint16_t v; };

/* (NAME, the word in a condition). The order is the order explanations and witnesses are printed in. */
#define RFL_FIELD_LIST(X) \
    X(DOOR, "door") X(BAND, "band") X(EMPLOYMENT, "employment") \
    X(BARRIER, "barrier")               /* main barrier 1..18; 0: not stated */ \
    X(AGE, "age")                       /* years; 0: not known */ \
    X(WEEKS, "weeks_out_of_work")       /* 0: not stated, or in work */ \
    X(FLAGS, "flags")                   /* safeguarding, incident, interpreter, step_free */ \
    X(KEY, "decided_by")                /* the key that named the area */ \
    X(PLACE, "place")                   /* 0: no place known */ \
    X(SOURCE, "source")
#define RFL_X(name, word) RFL_FIELD_##name,
RFL_WORD_ENUM(FIELD, field, RFL_FIELD_LIST(RFL_X))
#undef RFL_X

/* What rules see of a referral. */
struct rfl_profile {
    uint8_t door, band, employment, barrier;    /* enums of the same names; barrier 0..18 */
    uint8_t age_years;
    uint16_t weeks_out_of_work;
    uint8_t flags;                              /* RFL_FLAG_... */
    uint8_t key;                                /* enum rfl_key */
    uint8_t place;                              /* 1 + the place's position among its area's; 0 none */
    struct rfl_source_no source;
};

/* A range [min, max] of years or weeks; `unknown` says whether a profile whose value is 0 satisfies it as well: what is
 * not known is never taken for a young or a recent one. */
struct rfl_range { uint16_t min, max; bool unknown; };

/* Every field in `fields` (bits 1 << enum rfl_field) must hold; the others are free and their members zero. */
struct rfl_condition {
    uint16_t fields;
    uint16_t doors;                             /* bits 1 << value, here and below */
    uint8_t bands, employments, keys;
    uint32_t barriers;
    struct rfl_range age, weeks;
    uint8_t flags_set, flags_clear;             /* RFL_FLAG_... that must be set, that must not; never both */
    uint64_t places;                            /* bits 1 << rfl_profile.place */
    uint8_t source_count;
    struct rfl_source_no source[RFL_RULE_SOURCES_MAX];
};

#define RFL_ANSWER_LIST(X) X(NONE, "none") X(TO, "to") X(NOWHERE, "nowhere") X(NOT_YET, "not_yet")
#define RFL_X(name, word) RFL_ANSWER_##name,
RFL_WORD_ENUM(ANSWER, answer, RFL_ANSWER_LIST(RFL_X))
#undef RFL_X

/* The first field (in the order of RFL_FIELD_LIST) of the condition that the profile does not meet; RFL_FIELD_COUNT: it
 * meets all of them. */
enum rfl_field rfl_condition_unmet(const struct rfl_condition *condition, const struct rfl_profile *profile);

#endif
