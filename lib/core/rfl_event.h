/* rfl_event.h: what happened. The log is a list of entries, an entry is what one command did: 1 to 4 events.
 *
 * An event carries the decision, not the wish: the queue chosen, the deadline computed, the token issued. Applying it
 * needs no policy, no clock and no luck, so live running, restart, rebuild and simulation reach the same state by the
 * same rfl_apply. Which fields a kind uses is one table (rfl_event_fields); the others are zero. */
#ifndef RFL_EVENT_H
#define RFL_EVENT_H

#include "rfl_case.h"
#include "rfl_route.h"

/* Append only; numbers are stored. The second column is the word people see in a timeline. */
#define RFL_EVENT_LIST(X) \
    X(NONE, "none") \
    X(RECEIVED, "received")       /* a referral opened a case */ \
    X(JOINED, "joined")           /* a referral joined the person's open case */ \
    X(ROUTED, "routed")           /* placed in a provider's queue */ \
    X(UNPLACED, "unplaced")       /* given to a triage queue */ \
    X(HELD, "held")               /* may not be disclosed or offered yet */ \
    X(OFFERED, "offered") \
    X(TOUCHED, "touched")         /* the holder asked for more time */ \
    X(LAPSED, "lapsed")           /* the lease ran out: counted */ \
    X(RETURNED, "returned")       /* the holder said goodbye or went away: not counted */ \
    X(ACCEPTED, "accepted")       /* responsibility moved */ \
    X(DECLINED, "declined")       /* a proposal, to triage */ \
    X(REDIRECTED, "redirected")   /* a hop: the old queue is released and the new one owns it, at once */ \
    X(DEFERRED, "deferred") \
    X(RELEASED, "released")       /* a hold ended */ \
    X(CONTACTED, "contacted") \
    X(STARTED, "started") \
    X(OUTCOME, "outcome") \
    X(CLOSED, "closed") \
    X(ESCALATED, "escalated")     /* a clock ran out: the owner's superior must act */ \
    X(PARKED, "parked")           /* offers lapsed too often: an operator must look */ \
    X(MAILBOX_ACKED, "mailbox_acked") /* of a source, not of a case */ \
    X(EPOCH_STARTED, "epoch_started") /* the store was opened; raises the fencing epoch */ \
    X(POLICY_LOADED, "policy_loaded") \
    X(TRIED, "tried")             /* the person was not reached: counted */ \
    X(WARNED, "warned")           /* half (level 1) or most (level 2) of the running clock is over */ \
    X(MOVED, "moved")             /* taken from its place by triage or an amendment, to be placed anew at once */ \
    X(SENT_BACK, "sent_back")     /* triage did not agree with a decline: back to the same queue */ \
    X(AMENDED, "amended")         /* a referral's newer body */ \
    X(WITHDRAWN, "withdrawn")     /* a referral taken back; the case goes on while another stands */ \
    X(PAUSED, "paused")           /* triage holds it, with a reason and an end */ \
    X(RESEMBLED, "resembled")     /* may be the same person as another open case */ \
    X(LINKED, "linked")           /* rests on another case: one person, one open case */ \
    X(UNLINKED, "unlinked")       /* exactly as it was before it was linked */ \
    X(QUEUE_SET, "queue_set")     /* of a queue, not of a case */ \
    X(ERASED, "erased")           /* the person is gone: data key, match keys, links; figures stay */ \
    X(KEPT, "kept")               /* a legal hold: must not be erased */ \
    X(UNKEPT, "unkept")           /* the legal hold is over */ \
    X(REVEALED, "revealed")       /* an operator read personal data */ \
    X(REHOMED, "rehomed")         /* its area changed: another queue; it has no clock, so that it can reset none */ \
    X(UNHOMED, "unhomed")         /* the same out of a provider's queue to triage, its clock running on */ \
    X(PUT_OFF, "put_off")         /* is to be decided again on a day: the running clock ends with it */

#define RFL_X(name, word) RFL_EVENT_##name,
RFL_WORD_ENUM(EVENT, event_kind, RFL_EVENT_LIST(RFL_X))
#undef RFL_X

/* Bits of rfl_event_fields: which members an event of a kind has. */
enum {
    RFL_HAS_QUEUE = 1 << 0, RFL_HAS_AREA = 1 << 1, RFL_HAS_CLOCK = 1 << 2 /* clock and due_ms */,
    RFL_HAS_ACCEPT_BY = 1 << 3, RFL_HAS_SINCE = 1 << 4, RFL_HAS_TOKEN = 1 << 5, RFL_HAS_HOLDER = 1 << 6,
    RFL_HAS_REASON = 1 << 7, RFL_HAS_CODE = 1 << 8, RFL_HAS_LEVEL = 1 << 9, RFL_HAS_BAND = 1 << 10,
    RFL_HAS_TOLD = 1 << 11, RFL_HAS_UPTO = 1 << 12, RFL_HAS_DIGEST = 1 << 13, RFL_HAS_SUBMISSION = 1 << 14,
    RFL_HAS_WARN = 1 << 15 /* half_ms and most_ms */, RFL_HAS_OTHER = 1 << 16, RFL_HAS_UNTIL = 1 << 17,
    RFL_HAS_REFERRAL = 1 << 18
};

/* A submission as the log keeps it in the clear: hashes and coarse words only. */
struct rfl_submission {
    struct rfl_referral_id id;
    struct rfl_hash reference, body, match[RFL_MATCH_COUNT];
    uint8_t door, consent, notify;
};

struct rfl_event {
    uint8_t kind;                   /* enum rfl_event_kind */
    uint8_t clock;                  /* enum rfl_clock now running, */
    int64_t due_ms;                 /* and when it is over */
    int64_t half_ms, most_ms;       /* its two warnings; 0 none */
    int64_t accept_by_ms;
    int64_t since_ms;
    int64_t until_ms;               /* CLOSED: quiet until; QUEUE_SET: its end; PUT_OFF: the day */
    struct rfl_case_id other;       /* LINKED, UNLINKED, RESEMBLED: the other case; RECEIVED: the episode before;
                                       QUEUE_SET: v is the number of the queue diverted to */
    struct rfl_referral_id referral;    /* AMENDED, WITHDRAWN: which */
    struct rfl_queue_no queue;
    struct rfl_area_no area;
    struct rfl_token token;
    uint64_t holder;
    uint8_t reason;                 /* enum rfl_decline, rfl_close or rfl_route_reason, by kind */
    uint8_t code;                   /* enum rfl_outcome or rfl_channel, by kind */
    uint8_t level;                  /* escalation */
    uint8_t band;
    uint16_t told;                  /* bit 1 << door: referrers through these doors hear of it in their mailbox */
    uint64_t upto;                  /* MAILBOX_ACKED: done with up to this sequence; QUEUE_SET: the capacity */
    struct rfl_hash digest;         /* POLICY_LOADED */
    struct rfl_submission submission;
};

uint32_t rfl_event_fields(enum rfl_event_kind kind);
/* The row of the disclosure matrix that an event of this kind is; RFL_DISCLOSED_COUNT: of no row, nobody
 * hears of it. A closing is CLOSED_OTHER here; rfl_disclose_row knows its reason. */
enum rfl_disclosed rfl_event_disclosed(enum rfl_event_kind kind);
/* Under which of a referral's notification choices it falls; RFL_NOTIFY_COUNT: of no row. */
enum rfl_notify rfl_event_notify(enum rfl_event_kind kind);

enum rfl_actor_kind { RFL_ACTOR_SYSTEM, RFL_ACTOR_SOURCE, RFL_ACTOR_WORKER, RFL_ACTOR_OPERATOR, RFL_ACTOR_CLOCK };

/* Facts and trail of a routing decision: everything needed to explain it, and to decide it again under any policy.
 * Line numbers of a postcode file name a postcode, so in the log's clear part every line is zero; the true ones are in
 * the sealed part. */
struct rfl_decided { struct rfl_facts facts; struct rfl_decision decision; };

/* An entry of the log. Views are borrowed. */
struct rfl_entry {
    struct rfl_seq seq;             /* given by the store */
    struct rfl_seq prev_of_case;    /* given by the store: the case's entry before this one, zero for the first */
    struct rfl_seq policy;          /* entry of the POLICY_LOADED it was decided under; given by the store */
    int64_t wall_ms;
    uint8_t actor;                  /* enum rfl_actor_kind */
    struct rfl_source_no source;    /* of a source's entry, and of MAILBOX_ACKED */
    struct rfl_view actor_name;     /* a worker's or operator's name, not a person's */
    struct rfl_view why;            /* QUEUE_SET, POLICY_LOADED, ERASED: the operator's reason, in the clear because no
                                       case's key can keep it: about no person; up to RFL_WHY_BYTES_MAX */
    struct rfl_case_id kase;        /* zero: about no case */
    uint32_t event_count;
    struct rfl_event events[RFL_EVENTS_PER_COMMAND_MAX];
    bool has_decided;
    struct rfl_decided decided;
    struct rfl_view sealed;         /* nonce, ciphertext and tag of the personal part; empty when there is none */
};

#endif
