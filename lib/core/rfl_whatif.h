/* rfl_whatif.h: what other rules would have done with what was decided.
 *
 * The log keeps the facts of every routing decision, without a name, number or postcode, so a decision can be made
 * again under any policy, also after the person was erased. Entries are given one by one, in the order of the log;
 * each decision is made again at its own moment, or all of them at one moment, and compared with what was stored.
 * Nothing is written, nothing allocated: the memory, some of which grows with the log, is the caller's.
 *
 * What it cannot know: full queues are those that were full then (of those asked then), and people stay where they were
 * placed first, until their case is closed; whatever a desk or a provider did afterwards is left out on both sides. */
#ifndef RFL_WHATIF_H
#define RFL_WHATIF_H

#include "rfl_date.h"
#include "rfl_event.h"

/* What became of a decision. An area's desk is its triage queue; "another" compares queues. */
#define RFL_FATE_LIST(X) \
    X(NONE, "none")                     /* the entry has no decision, or is outside the time asked about */ \
    X(SAME, "same")                     /* the same queue */ \
    X(OTHER_QUEUE, "other-queue")       /* another provider's queue of the same area */ \
    X(OTHER_AREA, "other-area")         /* a provider's queue of another area */ \
    X(OTHER_DESK, "other-desk")         /* a desk decided, and another one would */ \
    X(TO_AREA, "to-area")               /* a desk decided, and a provider would have it */ \
    X(TO_TRIAGE, "to-triage")           /* a provider had it, and a desk would decide */ \
    X(NO_OWNER, "no-owner")             /* the queue does not exist: never on a policy that passed its check */
#define RFL_X(name, word) RFL_FATE_##name,
RFL_WORD_ENUM(FATE, fate, RFL_FATE_LIST(RFL_X))
#undef RFL_X

enum { RFL_WHATIF_PAIRS = 4096 };       /* different pairs of queues that are told apart */

/* From one queue to another, and how often. before and after 0: the rest, beyond RFL_WHATIF_PAIRS. */
struct rfl_whatif_pair { struct rfl_queue_no before, after; uint8_t kind; uint64_t count; };

/* Where a case was placed first, and would be: places in the policy, plus one; 0: neither. */
struct rfl_whatif_case { uint16_t before, after; };

struct rfl_whatif {
    const struct rfl_policy *policy;    /* the other one; compiled, checked, borrowed */
    int64_t since_ms, until_ms;         /* decisions of [since, until) */
    int64_t at_ms;                      /* made again as if it were then; 0: each at its own moment */
    uint64_t replayed, looked_up;       /* looked_up: that rest on a postcode or practice, whose edition is kept */
    uint64_t count[RFL_FATE_COUNT];
    uint32_t pair_count;
    struct rfl_whatif_pair pair[RFL_WHATIF_PAIRS + 1];
    /* ---- people in queues, day by day; the caller's, zeroed ---- */
    struct rfl_whatif_case *cases;      /* by case number, [0, case_count); numbers beyond are not counted */
    uint64_t case_count;
    int32_t *change;                    /* [2][queues of the policy][days]: came less went; NULL: not asked for */
    uint32_t days;
    int32_t first_day;                  /* days since 1970 in London: the first of `change` */
};

/* The decision that would be made, and which entry it is about. */
struct rfl_whatif_one { uint8_t kind; /* enum rfl_fate */ struct rfl_decision after; };

/* Everything zero but the policy and "all of the time". */
void rfl_whatif_init(struct rfl_whatif *w, const struct rfl_policy *policy);
/* Takes the next entry of the log. out gets kind NONE, or the decision. */
void rfl_whatif_take(struct rfl_whatif *w, const struct rfl_entry *entry, struct rfl_whatif_one *out);

/* How many days more people than the queue has room for would be in it: as it was, and as it would be. A queue without
 * a capacity is never full: 0 and 0. peak: the most people on one day. queue: position in the policy. */
struct rfl_whatif_room { uint32_t days_before, days_after, peak_before, peak_after; };
void rfl_whatif_room(const struct rfl_whatif *w, uint32_t queue, struct rfl_whatif_room *out);

#endif
