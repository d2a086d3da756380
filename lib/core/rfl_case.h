/* rfl_case.h: one person's open journey, and one accepted submission, as values.
 *
 * A case has exactly one status, one owner (a function of status, queue and escalation), one next action (a function of
 * status) and one running clock. Everything that finds a case again is a key computed from it by rfl_keys_of: queue
 * order, due clock, holder. Nothing else may move a case from one list to another.
 *
 * A case that is all zero is a case that does not exist. Values; no ownership; times in ms since 1970 UTC. */
#ifndef RFL_CASE_H
#define RFL_CASE_H

#include "rfl_words.h"

struct rfl_case {
    struct rfl_case_id id;
    uint8_t status;             /* enum rfl_status */
    uint8_t clock;              /* enum rfl_clock: which clock due_ms belongs to; NONE only when closed */
    uint8_t band;               /* enum rfl_band */
    uint8_t hold;               /* enum rfl_hold; NONE unless on_hold */
    uint8_t door;               /* enum rfl_door of the first referral */
    uint8_t hops;               /* redirects so far; the one beyond the policy's hops_max went to triage */
    uint8_t lapses;             /* offers that ran out in the present queue */
    uint8_t touches;            /* lease extensions of the present offer */
    uint8_t escalation;         /* 0: the owner of the status; 1: the area's lead; 2 and more: the national lead */
    uint8_t close;              /* enum rfl_close; NONE unless closed */
    uint8_t outcome;            /* enum rfl_outcome, the latest */
    uint8_t contacts;           /* logged attempts to reach the person, saturating */
    uint8_t tries;              /* of them, how many reached nobody since the person was last reached, saturating */
    uint8_t tried_channels;     /* bit 1 << enum rfl_channel of these attempts */
    uint8_t warned;             /* of the running clock: 0, 1 half of it is over, 2 most of it (80 %) */
    uint8_t kept;               /* 1: a legal hold stands, the case must not be erased */
    uint8_t erased;             /* 1: the person was erased: only figures are left, and nothing happens any more */
    uint8_t declined_count;     /* entries of declined_by in use; the oldest goes when full */
    struct rfl_queue_no declined_by[RFL_DECLINED_BY_MAX];
    struct rfl_area_no area;    /* zero in national triage */
    struct rfl_queue_no queue;  /* where it waits, or from where it was offered, accepted or held */
    uint16_t referral_count;
    uint16_t withdrawn_count;   /* referrals that were taken back; when all are, the case is closed */
    uint32_t version;           /* entries of the log that touched it */
    struct rfl_token token;     /* of the present or latest offer */
    uint64_t holder;            /* rfl_holder_of the worker's name while offered or accepted, else 0 */
    int64_t opened_ms;
    int64_t since_ms;           /* place in the queue: kept over a lapsed offer, new at a redirect */
    int64_t accept_by_ms;       /* when somebody must have said yes, kept while it is offered; later once escalated */
    int64_t half_ms, most_ms;   /* when half and 80 % of the running clock are over; 0: this clock has no warnings.
                                   While it is offered: of the clock for a yes, which goes on behind the lease */
    int64_t due_ms;             /* when the running clock is over */
    int64_t closed_ms;          /* outcomes are taken for a while after it */
    int64_t quiet_until_ms;     /* closed by the person's no: not offered again before, unless they come themselves */
    struct rfl_case_id linked_to;   /* the case this one is linked to: it rests, whole, until unlinked; once that one
                                       is closed this one is too, and stays linked */
    struct rfl_case_id resembles;   /* another open case that may be the same person: triage decides */
    struct rfl_case_id previous;    /* the person's episode before this one, closed when this one was opened; 0: none */
    struct rfl_referral_id first_referral, last_referral;   /* the chain of rfl_referral.prev_on_case starts at last */
    struct rfl_seq last_seq;    /* newest log entry of the case; entries chain back from it */
};

/* One accepted submission. Changed by nothing but its own amendments and its withdrawal. */
struct rfl_referral {
    struct rfl_referral_id id;
    struct rfl_case_id kase;
    struct rfl_referral_id prev_on_case, prev_of_source;    /* zero: the first */
    struct rfl_seq seq;                                     /* its log entry, which has the sealed body */
    int64_t received_ms;
    struct rfl_source_no source;
    uint8_t door;                                           /* enum rfl_door */
    uint8_t consent;                                        /* enum rfl_consent */
    struct rfl_hash reference;                              /* keyed hash of (source, reference) */
    struct rfl_hash body;                                   /* keyed hash of the body's bytes */
    struct rfl_hash match[RFL_MATCH_COUNT];                 /* keyed hashes by enum rfl_match; zero: none */
    struct rfl_referral_id prev_of_match[RFL_MATCH_COUNT];  /* the newest older one that has this key; zero: none */
    struct rfl_seq latest;                                  /* the entry with its newest body: seq, or an amendment's */
    uint16_t amendments;
    uint8_t withdrawn;                                      /* enum rfl_withdraw; NONE while it stands */
    uint8_t notify;                                         /* bit 1 << enum rfl_notify: wants to hear; 0: all */
};

/* A place in a derived index: compared as three numbers, first a, then b, then c (which is the case). */
struct rfl_order { uint64_t a, b, c; };

/* Which index a key belongs to. */
enum rfl_index { RFL_INDEX_QUEUE, RFL_INDEX_DUE, RFL_INDEX_HOLDER, RFL_INDEX_WORK, RFL_INDEX_LINKED,
                 RFL_INDEX_DESK, RFL_INDEX_COUNT };

/* The place of a case in each index. has[i] false: the case is not in that index.
 * A case that is linked to another is in LINKED and in no other. (Cases linked to one are found by that index and not
 * by a list through the cases, because one entry of the log changes one case.)
 *   QUEUE   a = queue << 16 | band << 8 | door, b = since_ms, c = case      exactly while queued
 *   DUE     a = rfl_case_next_ms, b = clock, c = case         while it has a clock
 *   HOLDER  a = holder, b = 0, c = case                       exactly while offered
 *   WORK    a = queue, b = 0, c = case                        while offered, accepted, waiting on the person or active
 *   LINKED  a = linked_to, b = 0, c = case                    exactly while linked
 *   DESK    a = queue, b = 0, c = case                        while in triage, on hold or declining: what waits for a
 *                                                             decision rather than for a worker */
struct rfl_keys { bool has[RFL_INDEX_COUNT]; struct rfl_order order[RFL_INDEX_COUNT]; };

/* When the running clock next asks for something: half of it, most of it, its end. 0: closed. */
int64_t rfl_case_next_ms(const struct rfl_case *kase);

void rfl_keys_of(const struct rfl_case *kase, struct rfl_keys *out);

int rfl_order_compare(const struct rfl_order *x, const struct rfl_order *y);

/* A number for a worker's name (64-bit FNV-1a), never 0. Names are not personal; the number only finds offers again. */
uint64_t rfl_holder_of(struct rfl_view worker);

/* The invariant of every stored case: one owner, one action, one clock, fields that fit the status. Returns NULL when
 * it holds, else the English name of the first rule broken (a literal). */
const char *rfl_case_broken(const struct rfl_case *kase);

/* What has to happen next, in words for a person ("accept, decline or redirect"). Never NULL. */
const char *rfl_next_action(enum rfl_status status);

#endif
