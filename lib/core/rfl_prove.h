/* rfl_prove.h: no wrong door, proved: a whole policy looked at for every person it could meet, at every moment.
 *
 * rfl_policy_check looks at each thing by itself (a code that means two areas, a queue without an owner or a clock, an
 * overflow or a succession that goes in a circle, a rule that names what does not exist) and a policy with such a fault
 * is never loaded. This looks at all of it together. For every area, from each moment at which its answers may change,
 * the whole space of profiles (rfl_space.h) is divided into cells (rfl_cells.h), and each finding carries a witness: a
 * profile, an area, a moment and the queues that are full, for which rfl_route_profile shows what is said.
 *
 * Pure; nothing is allocated: the work memory is the caller's. On the policy of England it takes milliseconds. */
#ifndef RFL_PROVE_H
#define RFL_PROVE_H

#include "rfl_cells.h"

/* (NAME, word, whether it is an error, what is wrong, what to do). An error sends somebody where nobody meant them to
 * go, or is a line that does nothing; a warning may be meant. */
#define RFL_PROOF_LIST(X) \
    X(GAP, "gap", true, "nobody takes these people: the area's intake has closed and no rule holds", \
      "give the area an open intake, or a rule without conditions at the end") \
    X(RULE_COVERED, "rule_covered", true, \
      "the rule never decides: what comes before it takes everybody it is for", \
      "move it before them, narrow them, or remove it") \
    X(RULE_NOBODY, "rule_nobody", true, "the rule never decides: nobody can meet its conditions", \
      "compare its door, source, key and place with what the area and the sources allow") \
    X(ADVICE_COVERED, "advice_covered", true, \
      "the advice is never given: what comes before it is for everybody it is for", \
      "move it before them, narrow them, or remove it") \
    X(ADVICE_NOBODY, "advice_nobody", true, "the advice is never given: nobody can meet its conditions", \
      "compare its door, source, key and place with what the area and the sources allow") \
    X(OVERLAP, "overlap", false, \
      "two rules with different answers hold, and neither is the more special one: the earlier one decides", \
      "say in one of them whom it leaves to the other, or give them one answer") \
    X(DOORS_DIFFER, "doors_differ", true, \
      "the same person goes to another queue when they come through another door", \
      "take door and source out of the condition, or write doors_differ with the reason in `why`") \
    X(QUEUE_NO_WORKER, "queue_no_worker", true, "people are sent to a queue that no key may subscribe to", \
      "give a worker's key this queue, or lead the people elsewhere") \
    X(QUEUE_CLOSED, "queue_closed", true, \
      "the answer leads to a queue that takes nobody any more: triage decides instead", \
      "end the rule when the queue closes, or say what the queue overflows to") \
    X(QUEUE_LATER, "queue_later", false, \
      "the answer leads to a queue that opens later: triage keeps these people until then", \
      "begin the rule when the queue opens, or say what the queue overflows to") \
    X(QUEUE_UNUSED, "queue_unused", false, "nothing leads to this provider queue", \
      "lead a rule, an advice or an overflow to it, or remove it") \
    X(TOO_COMPLEX, "too_complex", true, \
      "the rules of the area make more distinctions than can be looked at", \
      "use fewer different ages, weeks and sources, or fewer rules that each constrain many fields")

enum rfl_proof {
#define RFL_X(name, word, error, text, remedy) RFL_PROOF_##name,
    RFL_PROOF_LIST(RFL_X)
#undef RFL_X
    RFL_PROOF_COUNT
};
const char *rfl_proof_word(enum rfl_proof proof);
bool rfl_proof_is_error(enum rfl_proof proof);      /* else it is a warning */
const char *rfl_proof_text(enum rfl_proof proof);
const char *rfl_proof_remedy(enum rfl_proof proof);

/* Somebody, somewhere, some time: the arguments of rfl_route_profile. */
struct rfl_witness {
    struct rfl_area_no area;
    int64_t at_ms;
    struct rfl_profile profile;
    uint8_t full_count;
    struct rfl_queue_no full[RFL_FULL_MAX];
};

/* Who decides: 1 + position in the policy; 0: none. Both 0: the area's intake. */
struct rfl_decider { uint16_t advice, rule; };

enum { RFL_PROOF_COVERS_MAX = 8 };

/* What does not apply is zero. */
struct rfl_proof_finding {
    enum rfl_proof proof;
    struct rfl_decider by, other;               /* who it is about; the other of two */
    struct rfl_area_no area;                    /* of GAP and TOO_COMPLEX */
    struct rfl_queue_no queue;
    struct rfl_queue_no other_queue;            /* DOORS_DIFFER: where the other witness goes */
    /* RULE_COVERED, ADVICE_COVERED: who decides instead, where and when the witness is; not all when there are many. */
    uint8_t cover_count;
    struct rfl_decider cover[RFL_PROOF_COVERS_MAX];
    bool shown;                                 /* has a witness: all but _NOBODY, _UNUSED and TOO_COMPLEX do */
    struct rfl_witness witness, other_witness;  /* the other: DOORS_DIFFER */
};

struct rfl_prove_options {
    int64_t from_ms;                            /* what is over by then is not looked at; 0: all of it */
    bool (*has_worker)(void *ctx, struct rfl_queue_no queue);   /* whether any key may subscribe; NULL: not known */
    void *worker_ctx;
};

enum { RFL_PROOF_FINDINGS_MAX = 2048 };         /* different ones told in one go */

/* What has been seen of a rule, an advice or a queue on the way. */
struct rfl_prove_seen {
    bool used, met;                             /* it decides, or is led to; somebody meets it */
    uint8_t cover_count;
    struct rfl_decider cover[RFL_PROOF_COVERS_MAX];
    struct rfl_witness witness;                 /* of use, or of being met without being used */
};

/* About 6 MiB, the caller's; its contents do not matter. */
struct rfl_prove_work {
    struct rfl_space space;
    struct rfl_cells cells;
    int64_t date[RFL_DATES_MAX];
    struct rfl_prove_seen rule[RFL_RULES_MAX], advice[RFL_ADVICE_MAX], queue[RFL_QUEUES_MAX];
    uint32_t finding_count;
    struct { uint8_t proof; struct rfl_decider by, other; uint16_t id; } told[RFL_PROOF_FINDINGS_MAX];
};

struct rfl_prove_count { uint32_t errors, warnings, areas, moments, cells; };

/* Tells `found` every finding once, of each the first witness met, and counts them. The policy is one that passed
 * rfl_policy_check. At 0 errors: whoever comes, by whatever door, at any moment from from_ms on, goes to a queue that
 * takes them or to a desk that somebody meant to decide, and the door makes no difference that no rule owns. */
void rfl_prove(const struct rfl_policy *policy, const struct rfl_prove_options *options, struct rfl_prove_work *work,
               void (*found)(void *ctx, const struct rfl_proof_finding *finding), void *ctx,
               struct rfl_prove_count *count);

#endif
