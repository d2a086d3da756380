/* rfl_route.h: which area and queue own the next step of a referral, and why.
 *
 * Pure: (policy, facts, moment) -> decision. Always answers, with a queue that exists (given a policy that passed
 * rfl_policy_check): nobody is refused for lack of an area. Allocates nothing, owns nothing, keeps no names, numbers or
 * postcodes. About 200 ns.
 *
 * What it does, in this order:
 * 1. Every key of the facts is looked up, used or not: its code, then the successors of an area that has ended or lost
 *    this part by then, as often as needed. A split area is decided by the sub-ICB; where that is too coarse the key is
 *    "undecided".
 * 2. A key counts where the area it names takes people by it. How strong it is, is its position in that area's own
 *    order of the keys if it has one, else in the policy's; a large-user postcode (an organisation's mail address) is
 *    weaker than everything. The strongest wins, the policy's order decides between equals. Others stay in the trail;
 *    disagreement sets `conflict`.
 * 3. A home outside England goes to national triage, for signposting, unless the GP practice is English.
 * 4. No key: national triage, with the reason.
 * 5. The area's advice: the first that holds is kept; if it names a queue, that is where the person goes.
 * 6. Else the area's rules: the first that is in force and holds decides. A shadow rule decides nothing: the first one
 *    that alone would have changed the answer is kept. No rule: the area's intake.
 * 7. A queue that is full, has closed or has not opened is left for those that it overflows to, in order, each with
 *    what it overflows to itself. Nobody takes it: "not yet" where the queue opens later, else the area's triage.
 */
#ifndef RFL_ROUTE_H
#define RFL_ROUTE_H

#include "rfl_policy.h"

/* Three answers. TO: the provider queue of the area. TRIAGE: a person must decide; the queue is a triage queue.
 * NOT_YET: the area is known but its intake opens later (retry_ms); until then its triage queue owns the case. */
#define RFL_VERDICT_LIST(X) X(NONE, "none") X(TO, "to") X(TRIAGE, "triage") X(NOT_YET, "not_yet")
#define RFL_X(name, word) RFL_ROUTE_##name,
enum rfl_verdict { RFL_VERDICT_LIST(RFL_X) RFL_ROUTE_COUNT };
#undef RFL_X
const char *rfl_verdict_word(enum rfl_verdict verdict);

/* Why. Stored and on the wire: append only. */
#define RFL_ROUTE_REASON_LIST(X) \
    X(NONE, "none") \
    X(BY_POSTCODE, "by_postcode") X(BY_GP_PRACTICE, "by_gp_practice") X(BY_JOBCENTRE, "by_jobcentre") \
    X(BY_REFERRER_AREA, "by_referrer_area") \
    X(NO_KEY, "no_key")                             /* nothing was supplied that could name an area */ \
    X(ALL_KEYS_UNUSABLE, "all_keys_unusable")       /* something was, and none of it could be used */ \
    X(AREA_SPLIT_UNDECIDED, "area_split_undecided") /* an ended area was divided more finely than any key says */ \
    X(OUTSIDE_ENGLAND, "outside_england") \
    X(INTAKE_NOT_OPEN, "intake_not_open") \
    X(REDIRECTED, "redirected")                     /* a provider passed it on */ \
    X(HOP_BUDGET, "hop_budget")                     /* passed on too often: triage decides */ \
    X(SAID_NO_BEFORE, "said_no_before")             /* passed on to a queue that had said no */ \
    X(HOLD_ENDED, "hold_ended")                     /* back to the queue it was held from */ \
    X(PLACED, "placed")                             /* triage put it there */ \
    X(PLACED_DESPITE_NO, "placed_despite_no")       /* triage put it there although that queue had said no */ \
    X(SENT_BACK, "sent_back")                       /* triage did not agree with the decline */ \
    X(AMENDED, "amended")                           /* a newer body says that it belongs elsewhere */ \
    X(QUEUE_ON_HOLD, "queue_on_hold")               /* an operator's hold on the queue: triage decides */ \
    X(DIVERTED, "diverted")                         /* an operator's diversion of the queue */ \
    X(CONSENT_GONE, "consent_gone")                 /* the referral that had the person's consent was taken back */ \
    X(BY_RULE, "by_rule")                           /* a rule of the area names the queue */ \
    X(BY_ADVICE, "by_advice")                       /* an advice names a queue that suits the person better */ \
    X(RULE_NOWHERE, "rule_nowhere")                 /* a rule says that the triage desk must decide */ \
    X(RULE_NOT_YET, "rule_not_yet")                 /* a rule says that it is too early */ \
    X(OVERFLOWED, "overflowed")                     /* the queue was full or closed: where it overflows to */ \
    X(ALL_FULL, "all_full")                         /* the queue and all it overflows to were full: triage decides */ \
    X(AREA_CHANGED, "area_changed")                 /* its area ended or lost this part: decided again */ \
    X(QUEUE_CLOSED, "queue_closed")                 /* the queue takes nobody any more: triage decides */
#define RFL_X(name, word) RFL_ROUTE_REASON_##name,
RFL_WORD_ENUM(ROUTE_REASON, route_reason, RFL_ROUTE_REASON_LIST(RFL_X))
#undef RFL_X

/* How one key came to its area, or why it did not. Stored: append only. */
#define RFL_HOW_LIST(X) \
    X(NONE, "none")                     /* not supplied */ \
    X(UNUSABLE, "unusable")             /* see its grade */ \
    X(NO_CODE, "no_code")               /* found, but the directory gives no area for it */ \
    X(UNKNOWN_CODE, "unknown_code")     /* a code this policy does not know, or one of an area that begins later */ \
    X(CODE, "code")                     /* the code in force */ \
    X(OLD_CODE, "old_code")             /* a replaced code of an area that lives on */ \
    X(EARLY_CODE, "early_code")         /* a code of the future, of an area that exists already */ \
    X(SUCCEEDED, "succeeded")           /* the area has ended and went to its successor as a whole */ \
    X(SPLIT, "split")                   /* the area was divided or lost this part; the sub-ICB decided */ \
    X(UNDECIDED, "undecided")           /* ... and the sub-ICB did not decide */ \
    X(ENDED, "ended")                   /* the area has ended and nobody follows it */ \
    X(NOT_ACCEPTED, "not_accepted")     /* the area does not take people by this key */
#define RFL_X(name, word) RFL_HOW_##name,
RFL_WORD_ENUM(HOW, how, RFL_HOW_LIST(RFL_X))
#undef RFL_X

enum { RFL_STEP_CHOSEN = 1, RFL_STEP_TERMINATED = 2, RFL_STEP_LARGE_USER = 4, RFL_STEP_CLOSED_PRACTICE = 8,
       RFL_STEP_LINE_PERSONAL = 16 /* its line in the directory is a postcode's: seal it, never log it */ };

/* What one key gave. */
struct rfl_route_step {
    uint8_t key, grade, how, flags;             /* enum rfl_key, rfl_grade, rfl_how; RFL_STEP_... */
    struct rfl_area_no named;                   /* the area its code names; 0 none */
    struct rfl_area_no area;                    /* the area it means at that moment, successors followed; 0 none */
    uint32_t line;                              /* of the directory's file; 0 when it was configuration */
    uint16_t edition;
};

struct rfl_decision {
    uint8_t verdict;                            /* enum rfl_verdict */
    uint8_t reason;                             /* enum rfl_route_reason */
    uint8_t key;                                /* enum rfl_key that won; RFL_KEY_COUNT: none */
    bool conflict;                              /* two usable keys name different areas */
    struct rfl_area_no area;                    /* 0 none */
    struct rfl_queue_no queue;                  /* never 0 on a checked policy */
    int64_t retry_ms;                           /* NOT_YET: when the intake or the rule opens; else 0 */
    struct rfl_place_no place;                  /* 0: no place known */
    uint16_t rule, advice, shadow;              /* 1 + position in the policy; 0: none held */
    struct rfl_queue_no shadow_queue;           /* where the shadow rule would have sent it */
    struct rfl_route_step step[RFL_KEY_COUNT];  /* every key, in the order tried */
};

/* What was looked at on the way to a decision, for those who explain it. */
struct rfl_tried {
    uint16_t number;                            /* 1 + position among the policy's rules, or advice */
    bool advice;
    bool in_force;                              /* false: its dates passed it over; `unmet` is then COUNT */
    enum rfl_field unmet;                       /* the first field that it does not meet; COUNT: it holds */
};
struct rfl_watch { void (*tried)(void *ctx, const struct rfl_tried *tried); void *ctx; };

/* Where a referral with these facts belongs at at_ms. Every byte of *out is written. */
void rfl_route(const struct rfl_policy *policy, const struct rfl_facts *facts, int64_t at_ms, struct rfl_decision *out);
/* The same, telling `watch` (may be NULL) of every advice and rule tried, in order, up to the one that decides. */
void rfl_route_watched(const struct rfl_policy *policy, const struct rfl_facts *facts, int64_t at_ms,
                       const struct rfl_watch *watch, struct rfl_decision *out);

/* What rules see of these facts when this area was named by this key. The place is what the sub-ICB of that key's clue
 * means in the area; when it means none there, that of the first other key that does, in the policy's order (a
 * large-user postcode does not). */
void rfl_profile_of(const struct rfl_policy *policy, const struct rfl_facts *facts, struct rfl_area_no area,
                    enum rfl_key key, struct rfl_profile *out);

/* Steps 5 to 7 alone: the area is known, and alive at at_ms. full: the queues without room, full_count of them (0 to
 * RFL_FULL_MAX), in any order. watch may be NULL. Every byte of *out is written; its steps are zero, its key the
 * profile's. */
void rfl_route_profile(const struct rfl_policy *policy, struct rfl_area_no area, const struct rfl_profile *profile,
                       int64_t at_ms, const struct rfl_queue_no *full, uint32_t full_count,
                       const struct rfl_watch *watch, struct rfl_decision *out);

#endif
