/* rfl_policy.h: the compiled policy: areas with their dated codes and successors, queues, sources, doors, clocks.
 *
 * One struct without pointers, in the caller's memory (about 3 MiB: static or heap, not a small stack). It is filled by
 * rfl_policy_add_... and rfl_policy_set_..., indexed once by rfl_policy_compile, judged by rfl_policy_check, and then
 * only read, by any number of readers. Names live in its own pool, so a policy can be copied with memcpy. Nothing
 * allocates. Moments are ms since 1970 UTC, lengths are ms of working time (rfl_worktime.h).
 *
 * Ids (area, queue, source) are permanent: they are written in configuration, stored in the log, and never reused.
 * Neither an ODS nor an ONS code is a stable key of an area: QXU kept its ODS code while its ONS code changed in 2023,
 * QRL did so in 2026, and Frimley was divided among three. So codes are dated aliases of a permanent id.
 *
 * Every add or set returns RFL_E_INVALID for an argument out of its stated range, RFL_E_FULL when a limit of this file
 * or rfl_base.h is reached, RFL_E_EXISTS when the id or name is taken, RFL_E_STATE after rfl_policy_compile; and then
 * nothing was changed. References between things (a queue's area, a successor) are checked by rfl_policy_check, so the
 * order of adding is free. */
#ifndef RFL_POLICY_H
#define RFL_POLICY_H

#include "rfl_rule.h"
#include "rfl_worktime.h"

enum {
    RFL_POLICY_ALIASES_MAX = 2048,
    RFL_POLICY_SUCCESSORS_MAX = 2048,
    RFL_POLICY_SUB_CODES_MAX = 4096,
    RFL_POLICY_JOBCENTRES_MAX = 2048,
    RFL_POLICY_TEXT_BYTES = 512 * 1024,
    RFL_POLICY_DAYS_MAX = 3660,                 /* the longest length in days of all hours */
    RFL_POLICY_ATTEMPTS_MAX = 20, RFL_POLICY_SHARE_MAX = 100,
    RFL_POLICY_HOPS_MAX = 9, RFL_POLICY_OFFERS_MAX = 99, RFL_POLICY_TOUCHES_MAX = 99,
    RFL_POLICY_TEXT_BYTES_MAX = 200             /* a full name, an owner, a lead */
};

/* "from the beginning" and "no end known" of a dated thing. A period is [from_ms, until_ms). */
#define RFL_ALWAYS_FROM_MS INT64_C(0)
#define RFL_NO_END_MS INT64_MAX

/* A name in the policy's pool; rfl_policy_text gives its bytes. */
struct rfl_text { uint32_t at; uint16_t len; };

/* How long one class of records is kept, in days of the calendar, and why, in words for people. */
struct rfl_kept { uint32_t days; struct rfl_text why; };
enum { RFL_POLICY_KEPT_DAYS_MAX = 36600 };

#define RFL_QUEUE_KIND_LIST(X) X(NONE, "none") X(PROVIDER, "provider") X(TRIAGE, "triage") X(NATIONAL, "national")
#define RFL_X(name, word) RFL_QUEUE_KIND_##name,
RFL_WORD_ENUM(QUEUE_KIND, queue_kind, RFL_QUEUE_KIND_LIST(RFL_X))
#undef RFL_X

struct rfl_area {
    struct rfl_area_no id;
    struct rfl_queue_no intake, triage;         /* its default provider queue and its triage queue */
    uint16_t successor_first, successor_count;  /* into the policy's successors, after compile */
    uint16_t place_first, place_count;          /* into the policy's places, after compile */
    uint16_t rule_first, advice_first;          /* 1 + position of its first one, after compile; 0: none */
    uint8_t accepts;                            /* bits 1 << enum rfl_key that may bring a person here; 0: every key */
    uint8_t precedence[RFL_KEY_COUNT];          /* its own order of the keys; [0] RFL_KEY_COUNT: the policy's */
    char code[RFL_CODE_BYTES];                  /* one of its codes that never meant another area; "" none */
    struct rfl_text name, full_name, region;    /* "greater-manchester", "NHS Greater Manchester ...", "North West" */
    int64_t from_ms, until_ms;
};

struct rfl_queue {
    struct rfl_queue_no id;
    struct rfl_area_no area;                    /* 0 for national triage */
    uint8_t kind;                               /* enum rfl_queue_kind */
    struct rfl_text name, owner, lead;          /* owner and lead: who answers for it, a role rather than a person */
    int64_t opens_ms;                           /* provider queue: takes cases from then on; RFL_ALWAYS_FROM_MS */
    int64_t closes_ms;                          /* and none from then on; RFL_NO_END_MS */
    uint32_t capacity;                          /* cases waiting or being worked at which it is full; 0: never */
    uint8_t overflow_count;
    struct rfl_queue_no overflow[RFL_OVERFLOW_MAX];     /* who takes what it has no room for, in order */
    int64_t clock_ms[RFL_CLOCK_COUNT];          /* overrides; 0: the policy's default */
};

struct rfl_source {
    struct rfl_source_no id;
    uint16_t doors;                             /* bit 1 << enum rfl_door for each door it may act for */
    struct rfl_area_no area;                    /* where the referrer works; 0: nowhere in particular */
    char sub_icb[RFL_CODE_BYTES];               /* finer, when known, so that a split area can be decided; "" none */
    struct rfl_text name;
};

struct rfl_jobcentre {
    char code[RFL_CODE_BYTES];
    struct rfl_area_no area;
    char sub_icb[RFL_CODE_BYTES];
};

struct rfl_alias {
    char code[RFL_CODE_BYTES];
    struct rfl_area_no area;
    int64_t from_ms, until_ms;                  /* when the code was the one in force */
};

/* Where an area's cases go from from_ms on: at its end or, of a part that leaves a living area (a boundary), earlier.
 * No sub-ICB codes: all of them, so never at a boundary. */
struct rfl_successor {
    struct rfl_area_no area, to;
    int64_t from_ms;
    uint16_t sub_first, sub_count;
};

struct rfl_place {
    struct rfl_place_no id;                     /* permanent, from configuration */
    struct rfl_area_no area;
    struct rfl_text name;                       /* a slug: "wigan" */
    uint16_t code_first, code_count;            /* its sub-ICB codes, into place_code */
};

/* Where a rule or an advice was written, and who answers for it. */
struct rfl_written { struct rfl_text name, owner, why, file; uint16_t line; };

/* In force in [from_ms, until_ms). area 0: of every area. */
struct rfl_rule {
    struct rfl_written written;
    struct rfl_area_no area;
    int64_t from_ms, until_ms;
    struct rfl_condition when;
    uint8_t answer;                             /* enum rfl_answer */
    bool shadow;                                /* only recorded: what it would have done */
    bool doors_differ;                          /* doors are treated unequally on purpose, and `why` says why */
    struct rfl_queue_no to;                     /* TO */
    int64_t retry_ms;                           /* NOT_YET */
};

/* Eligibility of an area, as advice: `says` is a short word such as "out_of_work_too_long"; to 0: no other queue. */
struct rfl_advice {
    struct rfl_written written;
    struct rfl_area_no area;
    int64_t from_ms, until_ms;
    struct rfl_condition when;
    struct rfl_text says;
    struct rfl_queue_no to;
};

/* What a referrer through one door hears of one row. tell NOTHING: not even that it happened. */
struct rfl_disclosure {
    uint8_t tell;                               /* enum rfl_tell */
    bool provider;                              /* which provider is named */
    bool reason;                                /* the reason, or the outcome, is given */
};

/* Complete so that it can be held by value; read it through the functions below. Indexes are one more than a position,
 * so that zero means "none". */
struct rfl_policy {
    uint32_t area_count, queue_count, source_count, jobcentre_count, alias_count, successor_count, sub_count;
    uint32_t place_count, place_code_count, rule_count, advice_count;
    uint32_t text_count;
    bool compiled;
    uint8_t precedence[RFL_KEY_COUNT];
    uint8_t hops_max, offers_max, touches_max;
    uint16_t implied_doors;                     /* doors for which implied consent is enough */
    struct rfl_queue_no national_triage;
    int64_t clock_ms[RFL_CLOCK_COUNT];
    struct rfl_disclosure disclosure[RFL_DISCLOSED_COUNT][RFL_DOOR_COUNT];
    uint16_t place_doors;                       /* doors that may see area, queue, owner and whether it joined */
    uint16_t protected_doors;                   /* doors that must not be able to tell protected reasons apart */
    uint8_t notify[RFL_DOOR_COUNT];             /* bit 1 << enum rfl_notify: what a referral hears unless it chooses */
    int64_t outcome_ms;                         /* wall time after closing during which outcomes are taken */
    int64_t quiet_ms;                           /* wall time for which a person's no is respected */
    int64_t ageing_ms;                          /* working time after which routine counts as urgent */
    uint8_t attempts_min, channels_min;         /* before a person may be called unreachable */
    uint8_t door_share[RFL_DOOR_COUNT];         /* turns in a queue */
    struct rfl_kept kept[RFL_RETENTION_COUNT];
    struct rfl_hash digest;
    uint16_t area_at[65536], queue_at[65536], source_at[65536];
    uint16_t code_slot[2 * RFL_POLICY_ALIASES_MAX];             /* the first alias of a run with one code */
    uint16_t jobcentre_slot[2 * RFL_POLICY_JOBCENTRES_MAX];
    uint16_t queue_slot[2 * RFL_QUEUES_MAX], source_slot[2 * RFL_SOURCES_MAX], area_slot[2 * RFL_AREAS_MAX];
    uint16_t place_slot[2 * RFL_POLICY_SUB_CODES_MAX], place_of_code[RFL_POLICY_SUB_CODES_MAX];
    uint16_t rule_first, advice_first;          /* 1 + position of the first one of every area; 0: none */
    uint16_t rule_next[RFL_RULES_MAX], advice_next[RFL_ADVICE_MAX];     /* the next one of the same area, likewise */
    struct rfl_area area[RFL_AREAS_MAX];
    struct rfl_queue queue[RFL_QUEUES_MAX];
    struct rfl_source source[RFL_SOURCES_MAX];
    struct rfl_jobcentre jobcentre[RFL_POLICY_JOBCENTRES_MAX];
    struct rfl_alias alias[RFL_POLICY_ALIASES_MAX];
    struct rfl_successor successor[RFL_POLICY_SUCCESSORS_MAX];
    char sub_code[RFL_POLICY_SUB_CODES_MAX][RFL_CODE_BYTES];
    struct rfl_place place[RFL_PLACES_MAX];
    char place_code[RFL_POLICY_SUB_CODES_MAX][RFL_CODE_BYTES];
    struct rfl_rule rule[RFL_RULES_MAX];        /* in the order they are tried */
    struct rfl_advice advice[RFL_ADVICE_MAX];
    struct rfl_calendar calendar;
    char text[RFL_POLICY_TEXT_BYTES];
};

/* ---- building ---- */

/* Empty, with the default precedence (gp_practice, postcode, jobcentre, referrer_area: the NHS rule is the practice's
 * area first, then the usual residence), hops_max 2, offers_max 5, touches_max 4, no implied consent, the strictest
 * disclosure for every door but gp, self and local_service, every notice wanted, outcomes for 731 days; the numbers
 * of the journey as said at their setters. */
void rfl_policy_init(struct rfl_policy *policy);

struct rfl_area_input {
    struct rfl_area_no id;                      /* 1 to 65535 */
    struct rfl_view name;                       /* a slug: a-z 0-9 and inner hyphens, up to RFL_NAME_BYTES_MAX */
    struct rfl_view full_name, region;          /* 1 to RFL_POLICY_TEXT_BYTES_MAX */
    int64_t from_ms, until_ms;                  /* from < until */
    struct rfl_queue_no intake, triage;
};
RFL_MUST_USE enum rfl_err rfl_policy_add_area(struct rfl_policy *policy, const struct rfl_area_input *in);

struct rfl_alias_input {
    struct rfl_area_no area;
    struct rfl_view code;                       /* 1 to 11 of A-Z 0-9 */
    int64_t from_ms, until_ms;
};
RFL_MUST_USE enum rfl_err rfl_policy_add_alias(struct rfl_policy *policy, const struct rfl_alias_input *in);

struct rfl_successor_input {
    struct rfl_area_no area, to;
    int64_t from_ms;
    const struct rfl_view *sub_icbs;            /* ODS and ONS codes of the parts that go there; NULL with 0: all */
    uint32_t sub_icb_count;
};
RFL_MUST_USE enum rfl_err rfl_policy_add_successor(struct rfl_policy *policy, const struct rfl_successor_input *in);

struct rfl_queue_input {
    struct rfl_queue_no id;
    struct rfl_area_no area;
    enum rfl_queue_kind kind;
    struct rfl_view name;                       /* slugs parted by '/', up to RFL_NAME_BYTES_MAX */
    struct rfl_view owner, lead;
    int64_t opens_ms;
    int64_t clock_ms[RFL_CLOCK_COUNT];          /* 0: default */
};
/* A second queue of kind NATIONAL is RFL_E_EXISTS. */
RFL_MUST_USE enum rfl_err rfl_policy_add_queue(struct rfl_policy *policy, const struct rfl_queue_input *in);

/* When a provider queue stops taking cases, how many it has room for, and who takes the rest. closes_ms is after the
 * queue's opening; RFL_NO_END_MS: never. capacity 0: no end of room. overflow: up to RFL_OVERFLOW_MAX queues, none of
 * them itself or twice. RFL_E_INVALID also when there is no such queue yet. */
RFL_MUST_USE enum rfl_err rfl_policy_set_room(struct rfl_policy *policy, struct rfl_queue_no queue, int64_t closes_ms,
                                              uint32_t capacity, const struct rfl_queue_no *overflow,
                                              uint32_t overflow_count);

/* ---- what an area says of its own (rfl_rule.h) ---- */

/* By which keys an area takes people (bits 1 << enum rfl_key; 0: by every one) and how strong each of them is there:
 * `precedence` has every key exactly once, strongest first; NULL: the policy's. RFL_E_INVALID also when there is no
 * such area yet. */
RFL_MUST_USE enum rfl_err rfl_policy_set_area_keys(struct rfl_policy *policy, struct rfl_area_no area, uint8_t accepts,
                                                   const enum rfl_key *precedence);

struct rfl_place_input {
    struct rfl_place_no id;                     /* 1 to 65535, permanent */
    struct rfl_area_no area;
    struct rfl_view name;                       /* a slug, unique within the area */
    const struct rfl_view *sub_icbs;            /* ODS and ONS codes, at least one */
    uint32_t sub_icb_count;
};
RFL_MUST_USE enum rfl_err rfl_policy_add_place(struct rfl_policy *policy, const struct rfl_place_input *in);

struct rfl_written_input {
    struct rfl_view name;                       /* a slug, unique among the rules, or the advice, of its area */
    struct rfl_view owner, why;                 /* 1 to RFL_POLICY_TEXT_BYTES_MAX */
    struct rfl_view file;                       /* up to RFL_POLICY_TEXT_BYTES_MAX */
    uint16_t line;                              /* 0 not known */
};

/* A rule comes after those added before it. from < until; the condition as said in rfl_rule.h, with at least one value
 * for every field it constrains; `to` for TO only; retry_ms, after from_ms, for NOT_YET only. */
struct rfl_rule_input {
    struct rfl_written_input written;
    struct rfl_area_no area;                    /* 0: every area */
    int64_t from_ms, until_ms;
    struct rfl_condition when;
    enum rfl_answer answer;
    bool shadow, doors_differ;
    struct rfl_queue_no to;
    int64_t retry_ms;
};
RFL_MUST_USE enum rfl_err rfl_policy_add_rule(struct rfl_policy *policy, const struct rfl_rule_input *in);

struct rfl_advice_input {
    struct rfl_written_input written;
    struct rfl_area_no area;
    int64_t from_ms, until_ms;
    struct rfl_condition when;
    struct rfl_view says;                       /* a word: a-z 0-9 and inner underscores, up to RFL_NAME_BYTES_MAX */
    struct rfl_queue_no to;                     /* 0: only said */
};
RFL_MUST_USE enum rfl_err rfl_policy_add_advice(struct rfl_policy *policy, const struct rfl_advice_input *in);

struct rfl_source_input {
    struct rfl_source_no id;
    struct rfl_view name;                       /* a slug */
    uint16_t doors;                             /* at least one; not RFL_DOOR_NONE */
    struct rfl_area_no area;
    struct rfl_view sub_icb;                    /* "" or a code */
};
RFL_MUST_USE enum rfl_err rfl_policy_add_source(struct rfl_policy *policy, const struct rfl_source_input *in);

/* code: 1 to 11 of A-Z 0-9; sub_icb: "" or a code. */
RFL_MUST_USE enum rfl_err rfl_policy_add_jobcentre(struct rfl_policy *policy, struct rfl_view code,
                                                   struct rfl_area_no area, struct rfl_view sub_icb);
/* The default length of a clock: more than 0. The upper end is RFL_WORKTIME_DAYS_MAX days of the calendar, checked by
 * rfl_policy_check. */
RFL_MUST_USE enum rfl_err rfl_policy_set_clock(struct rfl_policy *policy, enum rfl_clock clock, int64_t work_ms);
/* Whether implied consent is enough for this door. */
RFL_MUST_USE enum rfl_err rfl_policy_set_implied_consent(struct rfl_policy *policy, enum rfl_door door, bool enough);
/* Every key exactly once. */
RFL_MUST_USE enum rfl_err rfl_policy_set_precedence(struct rfl_policy *policy, const enum rfl_key keys[RFL_KEY_COUNT]);
/* hops 1..RFL_POLICY_HOPS_MAX, offers 1..RFL_POLICY_OFFERS_MAX, touches 1..RFL_POLICY_TOUCHES_MAX. */
RFL_MUST_USE enum rfl_err rfl_policy_set_budgets(struct rfl_policy *policy, unsigned hops, unsigned offers,
                                                 unsigned touches);
/* What a door hears of a row. RFL_E_INVALID: no such door, row or word; a word that says something else than the row; a
 * provider beside anything but ACCEPTED and REDIRECTED, a reason beside anything but OUTCOME and a closing. */
RFL_MUST_USE enum rfl_err rfl_policy_set_disclosure(struct rfl_policy *policy, enum rfl_door door,
                                                    enum rfl_disclosed row, struct rfl_disclosure cell);
RFL_MUST_USE enum rfl_err rfl_policy_set_place(struct rfl_policy *policy, enum rfl_door door, bool seen);
/* Sets of doors are bits 1 << enum rfl_door; NONE is not one. */
RFL_MUST_USE enum rfl_err rfl_policy_set_protected(struct rfl_policy *policy, uint16_t doors);
/* bits: 1 << enum rfl_notify; CLOSED is always one of them, or RFL_E_INVALID. */
RFL_MUST_USE enum rfl_err rfl_policy_set_notify(struct rfl_policy *policy, enum rfl_door door, uint8_t bits);
/* days: 1 to RFL_POLICY_DAYS_MAX. */
RFL_MUST_USE enum rfl_err rfl_policy_set_outcome_days(struct rfl_policy *policy, unsigned days);
/* days: 0 to RFL_POLICY_KEPT_DAYS_MAX; why: 1 to RFL_WHY_BYTES_MAX bytes. A class is set once: RFL_E_EXISTS.
 * RFL_E_FULL. */
RFL_MUST_USE enum rfl_err rfl_policy_set_kept(struct rfl_policy *policy, enum rfl_retention class, unsigned days,
                                              struct rfl_view why);
/* ---- numbers of the journey; the defaults of rfl_policy_init in brackets ---- */

/* How long a person's no is respected before somebody else may offer them the service again, in ms of wall time, 0 to
 * 731 days [26 weeks]. 0: not at all. */
RFL_MUST_USE enum rfl_err rfl_policy_set_quiet(struct rfl_policy *policy, int64_t wall_ms);
/* After how much working time in its queue a routine case counts as urgent: more than 0, at most 3,660 days of 24 hours
 * [40 hours, which is five working days]. */
RFL_MUST_USE enum rfl_err rfl_policy_set_ageing(struct rfl_policy *policy, int64_t work_ms);
/* What must have been tried before a person may be called unreachable: attempts 1..RFL_POLICY_ATTEMPTS_MAX [3] over
 * channels 1..RFL_CHANNEL_COUNT - 1 [2], channels not above attempts. */
RFL_MUST_USE enum rfl_err rfl_policy_set_unreachable(struct rfl_policy *policy, unsigned attempts, unsigned channels);
/* The turns a door has in each queue against the other doors', 1..RFL_POLICY_SHARE_MAX [1 each]. */
RFL_MUST_USE enum rfl_err rfl_policy_set_door_share(struct rfl_policy *policy, enum rfl_door door, unsigned share);

/* Filled in place with rfl_calendar_...; finish it before rfl_policy_compile. */
struct rfl_calendar *rfl_policy_calendar_edit(struct rfl_policy *policy);

/* Builds the indexes; from here on the policy is only read. RFL_E_STATE: called twice, or the calendar is open. */
RFL_MUST_USE enum rfl_err rfl_policy_compile(struct rfl_policy *policy);
/* Set once after compile, by who can hash (lib/conf): a digest of the canonical text of the whole policy. */
void rfl_policy_set_digest(struct rfl_policy *policy, struct rfl_hash digest);

/* ---- judging ---- */

/* What can be wrong with a policy as a whole: the rule, and what to do. */
#define RFL_POLICY_RULE_LIST(X) \
    X(NONE, "none", "") \
    X(NO_AREA, "the policy has no area", "add one to areas.conf") \
    X(NO_NATIONAL_TRIAGE, "there is no national triage queue", "add a queue of kind national") \
    X(AREA_NO_INTAKE, "the area's intake queue does not exist, is not a provider queue or belongs elsewhere", \
      "give the area an intake queue of its own") \
    X(AREA_NO_TRIAGE, "the area's triage queue does not exist, is not a triage queue or belongs elsewhere", \
      "give the area a triage queue of its own") \
    X(AREA_NO_ALIAS, "the area has no code", "add its ODS and ONS codes") \
    X(AREA_NO_SUCCESSOR, "the area ends and nobody follows it", "list its successors, or remove its end") \
    X(SUCCESSOR_OF_LIVE_AREA, "an area that does not end has a successor", \
      "give the area an end, or remove it; a part that leaves is a boundary with a date and sub-ICBs") \
    X(SUCCESSOR_ABSENT, "the successor does not exist", "use the id of an area of this policy") \
    X(SUCCESSOR_ITSELF, "an area is its own successor", "name the area that follows it") \
    X(SUCCESSOR_DATE, "the successor takes over at another moment than the area's end, or a boundary moves when " \
      "there is no such area", "use the area's end date, or for a boundary a date of its life") \
    X(SUCCESSOR_NOT_ALIVE, "the successor does not exist at the moment it takes over", "check both areas' dates") \
    X(SUCCESSOR_MIXED, "one successor takes everything, yet there are others", "list the sub-ICBs of each") \
    X(SUB_ICB_TWICE, "a sub-ICB goes to two successors", "leave it in one list") \
    X(ALIAS_AMBIGUOUS, "a code means two areas at one moment", "correct the dates so that they do not overlap") \
    X(ALIAS_AREA_ABSENT, "a code names an area that does not exist", "use the id of an area of this policy") \
    X(ALIAS_OUTSIDE_AREA, "a code is in force when its area does not exist", "keep it inside the area's dates") \
    X(QUEUE_AREA_ABSENT, "the queue's area does not exist", "use the id of an area of this policy") \
    X(QUEUE_NO_OWNER, "the queue has no owner or no lead", "name a role that answers for it") \
    X(CLOCK_MISSING, "a clock has no length", "give it a default in clocks.conf") \
    X(CLOCK_TOO_LONG, "a clock is longer than 400 working days", "shorten it") \
    X(CLOCK_LEASE, "an offer's lease outlasts the clock for acceptance", "make the lease shorter") \
    X(SOURCE_AREA_ABSENT, "the source's area does not exist", "use the id of an area of this policy, or leave it out") \
    X(JOBCENTRE_AREA_ABSENT, "the Jobcentre's area does not exist", "use the id of an area of this policy") \
    X(JOBCENTRE_UNKNOWABLE, "the Jobcentre's area has no code of its own", "add a code to that area") \
    X(SOURCE_UNKNOWABLE, "the source's area has no code of its own", "add a code to that area") \
    X(DOOR_UNTOLD, "a door does not hear of every closing", "every referrer hears that it is closed") \
    X(DOOR_PLACE, "a protected door sees where a referral stands", "write sees_place = false") \
    X(DOOR_PROVIDER, "a protected door is told of a provider", "take the provider out of that line") \
    X(DOOR_REASON, "a protected door is given a reason", "take the reason out of that line") \
    X(DOOR_PATH, "a protected door hears of what happens only to some", "write \"nothing\" in that line") \
    X(DOOR_CLOSINGS, "a protected door can tell one reason for closing from another", \
      "write the same for closed_person, closed_service and closed_other") \
    X(PLACE_AREA_ABSENT, "the place's area does not exist", "use the id of an area of this policy") \
    X(PLACES_TOO_MANY, "the area has more than 63 places", "join some of them") \
    X(PLACE_CODE_TWICE, "a sub-ICB belongs to two places of one area", "leave it in one list") \
    X(OVERFLOW_QUEUE, "a queue of its overflow does not exist, is not a provider queue or belongs elsewhere", \
      "name provider queues of the same area") \
    X(OVERFLOW_CIRCLE, "its overflow comes back to it", "take one queue out of the circle") \
    X(OVERFLOW_LONG, "its overflow leads on more than four times, or to more than seven queues", "shorten it") \
    X(RULE_AREA_ABSENT, "the rule's area does not exist", "use the id of an area of this policy") \
    X(RULE_DATES, "the rule is in force only when its area does not exist", "check its dates and the area's") \
    X(RULE_QUEUE, "the rule's queue does not exist, is not a provider queue or belongs to another area", \
      "name a provider queue of the rule's area") \
    X(RULE_PLACE, "the rule names a place that its area does not have", "name a place of the rule's area") \
    X(RULE_SOURCE, "the rule names a source that does not exist", "name a source of sources.conf")

enum rfl_policy_rule {
#define RFL_X(name, rule, remedy) RFL_POLICY_RULE_##name,
    RFL_POLICY_RULE_LIST(RFL_X)
#undef RFL_X
    RFL_POLICY_RULE_COUNT
};
const char *rfl_policy_rule_text(enum rfl_policy_rule rule);
const char *rfl_policy_rule_remedy(enum rfl_policy_rule rule);

/* One thing wrong; ids that do not apply are 0. */
struct rfl_policy_finding {
    enum rfl_policy_rule rule;
    struct rfl_area_no area, other_area;
    struct rfl_queue_no queue;
    struct rfl_source_no source;
    enum rfl_clock clock;
    enum rfl_door door;                         /* of a finding about disclosure, with the row */
    enum rfl_disclosed row;
    struct rfl_place_no place;
    uint16_t of_rule, of_advice;                /* 1 + position in the policy */
};

/* Tells `found` (may be NULL) everything that is wrong with a compiled policy and returns how many findings there were.
 * At 0: every code means one area at every moment, every area and queue has an owner, a lead and clocks, every ended
 * area has somebody to follow it, and rfl_route always answers with a queue that exists. */
uint32_t rfl_policy_check(const struct rfl_policy *policy,
                          void (*found)(void *ctx, const struct rfl_policy_finding *finding), void *ctx);

/* ---- reading a compiled policy ---- */

/* Borrowed from the policy. */
struct rfl_view rfl_policy_text(const struct rfl_policy *policy, struct rfl_text text);

/* NULL when there is none. O(1). */
const struct rfl_queue *rfl_policy_queue(const struct rfl_policy *policy, struct rfl_queue_no id);
const struct rfl_queue *rfl_policy_queue_by_name(const struct rfl_policy *policy, struct rfl_view name);
const struct rfl_source *rfl_policy_source(const struct rfl_policy *policy, struct rfl_source_no id);
const struct rfl_source *rfl_policy_source_by_name(const struct rfl_policy *policy, struct rfl_view name);
const struct rfl_area *rfl_policy_area(const struct rfl_policy *policy, struct rfl_area_no id);
const struct rfl_area *rfl_policy_area_by_name(const struct rfl_policy *policy, struct rfl_view name);
/* The place of the area that this sub-ICB code (RFL_CODE_BYTES) means, as in rfl_profile.place: 1 + its position among
 * the area's; 0: none. O(1), compiled. */
unsigned rfl_policy_place_of_code(const struct rfl_policy *policy, const struct rfl_area *area,
                                  const char code[RFL_CODE_BYTES]);
/* The same number for a place's name; also before compile. 0: none. */
unsigned rfl_policy_place_named(const struct rfl_policy *policy, struct rfl_area_no area, struct rfl_view name);
/* The place behind that number; NULL for 0 and for one that the area does not have. Compiled. */
const struct rfl_place *rfl_policy_place_at(const struct rfl_policy *policy, const struct rfl_area *area,
                                            unsigned number);
/* By its permanent id, or NULL; it looks at all of them. */
const struct rfl_place *rfl_policy_place(const struct rfl_policy *policy, struct rfl_place_no id);
/* The rules, or the advice, that are tried for an area: its own and those of every area, in the order they were
 * written. Each call gives 1 + the position of the next one; 0: no more. Compiled. */
struct rfl_policy_walk { const uint16_t *next; uint16_t own, all; };
struct rfl_policy_walk rfl_policy_rules_of(const struct rfl_policy *policy, const struct rfl_area *area);
struct rfl_policy_walk rfl_policy_advice_of(const struct rfl_policy *policy, const struct rfl_area *area);
uint32_t rfl_policy_walk_next(struct rfl_policy_walk *walk);
/* Whether the source may act for this door. */
bool rfl_policy_source_may(const struct rfl_source *source, enum rfl_door door);

/* How a code stands to its area at a moment. */
#define RFL_CODE_STAND_LIST(X) \
    X(UNKNOWN, "unknown")        /* no such code, or its area begins later and did not exist under another code */ \
    X(IN_FORCE, "in_force") \
    X(OLD, "old")                /* replaced or ended before: old codes keep working */ \
    X(EARLY, "early")            /* not in force yet, but its area exists already under another code */
#define RFL_X(name, word) RFL_CODE_STAND_##name,
RFL_WORD_ENUM(CODE_STAND, code_stand, RFL_CODE_STAND_LIST(RFL_X))
#undef RFL_X

/* The area a code means at a moment; NULL when the stand is UNKNOWN. The area itself may have ended by then: routing
 * follows its successors. stand_out may be NULL. The code is compared as given: upper case. */
const struct rfl_area *rfl_policy_area_by_code(const struct rfl_policy *policy, struct rfl_view code, int64_t at_ms,
                                               enum rfl_code_stand *stand_out);
bool rfl_area_alive(const struct rfl_area *area, int64_t at_ms);
/* The i-th successor (0 .. area->successor_count - 1). */
const struct rfl_successor *rfl_policy_successor(const struct rfl_policy *policy, const struct rfl_area *area,
                                                 uint32_t index);
/* Whether this successor takes the sub-ICB: by its list, or because it takes everything. code: RFL_CODE_BYTES. */
bool rfl_policy_successor_takes(const struct rfl_policy *policy, const struct rfl_successor *successor,
                                const char code[RFL_CODE_BYTES]);

/* The queue that triages this area at this moment: its own, or once it has ended that of the one area that has all of
 * it (rfl_lineage_heir); national triage when there is none, and when the area is 0, unknown or not begun. Never NULL
 * on a policy that passed rfl_policy_check. */
const struct rfl_queue *rfl_policy_triage_of(const struct rfl_policy *policy, struct rfl_area_no area, int64_t at_ms);
const struct rfl_queue *rfl_policy_national_triage(const struct rfl_policy *policy);

/* Who is responsible for a queue at an escalation level: 0 its owner, 1 its lead, 2 the lead of its area's triage, 3
 * and more the lead of national triage. Borrowed; never empty on a policy that passed its check. */
struct rfl_view rfl_policy_lead_name(const struct rfl_policy *policy, struct rfl_queue_no queue, unsigned level);

/* Whether a referral through this door may be disclosed to a provider with this consent. GIVEN always, IMPLIED where
 * the door's configuration says so, anything else never. */
bool rfl_policy_consent_ok(const struct rfl_policy *policy, enum rfl_door door, enum rfl_consent consent);

/* The cell of the disclosure matrix; never NULL. An unknown door hears nothing. rfl_disclose.h asks by event. */
const struct rfl_disclosure *rfl_policy_disclosure(const struct rfl_policy *policy, enum rfl_door door,
                                                   enum rfl_disclosed row);
bool rfl_policy_sees_place(const struct rfl_policy *policy, enum rfl_door door);
/* What a referral through this door hears of when it does not choose: bits 1 << enum rfl_notify. */
uint8_t rfl_policy_notify(const struct rfl_policy *policy, enum rfl_door door);
/* How long after closing an outcome is still taken, in ms of wall time. */
int64_t rfl_policy_outcome_ms(const struct rfl_policy *policy);

/* The length of a clock at a queue, in ms of working time: its own, else the default; 0 for RFL_CLOCK_NONE. An unknown
 * queue has the defaults. */
int64_t rfl_policy_clock_ms(const struct rfl_policy *policy, struct rfl_queue_no queue, enum rfl_clock clock);
/* When that clock, started at from_ms, is due. RFL_E_INVALID: the clock is NONE or the calendar does not reach that
 * far; *due_ms is unchanged. */
RFL_MUST_USE enum rfl_err rfl_policy_due(const struct rfl_policy *policy, struct rfl_queue_no queue,
                                         enum rfl_clock clock, int64_t from_ms, int64_t *due_ms);

/* Redirects before triage is asked; lapsed offers before a case is parked; extensions of one offer. */
unsigned rfl_policy_hops_max(const struct rfl_policy *policy);
unsigned rfl_policy_offers_max(const struct rfl_policy *policy);
unsigned rfl_policy_touches_max(const struct rfl_policy *policy);
int64_t rfl_policy_quiet_ms(const struct rfl_policy *policy);
unsigned rfl_policy_attempts_min(const struct rfl_policy *policy);
unsigned rfl_policy_channels_min(const struct rfl_policy *policy);
/* From when on a routine case that waits since since_ms counts as urgent. */
int64_t rfl_policy_aged_ms(const struct rfl_policy *policy, int64_t since_ms);
unsigned rfl_policy_door_share(const struct rfl_policy *policy, enum rfl_door door);

/* A running clock: half and 80 % of its working time, and its end. It ends even beyond the calendar's last year: then
 * each working day counts as three days of wall time, which is later than the calendar would say and never "never". */
struct rfl_run { int64_t half_ms, most_ms, due_ms; };
void rfl_policy_run(const struct rfl_policy *policy, struct rfl_queue_no queue, enum rfl_clock clock, int64_t from_ms,
                    struct rfl_run *out);
const struct rfl_calendar *rfl_policy_calendar(const struct rfl_policy *policy);
struct rfl_hash rfl_policy_digest(const struct rfl_policy *policy);

/* Clues that come from configuration rather than from the directory: what a Jobcentre office code says, and where the
 * referrer works. line and edition are 0. An empty code or a source without an area: grade ABSENT. A code of another
 * shape: MALFORMED. An office that is not listed: UNKNOWN. */
void rfl_policy_clue_jobcentre(const struct rfl_policy *policy, struct rfl_view code, struct rfl_clue *out);
void rfl_policy_clue_referrer(const struct rfl_policy *policy, struct rfl_source_no source, struct rfl_clue *out);

#endif
