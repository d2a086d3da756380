/* rfl_decide.h: what must happen because of a command: (policy, case, command, now) -> events. Changes nothing. */
#ifndef RFL_DECIDE_H
#define RFL_DECIDE_H

#include "rfl_event.h"
#include "rfl_policy.h"

/* (NAME, the verb people see where a refusal names what is possible). The order is: the case's beginning and offers, a
 * worker's verbs (ACCEPT to RETURN), the clock, what a source asks, what triage asks (PLACE to UNLINK), what is done
 * about a person's data (ERASE to REVEAL), what a date does. */
#define RFL_COMMAND_LIST(X) \
    X(RECEIVE, "submit")    /* submission, band, decision: opens a case, or joins the open one given as `before` */ \
    X(OFFER, "offer")       /* token, holder: to the worker behind holder */ \
    X(ACCEPT, "accept")     /* token, holder; and so for the worker verbs below */ \
    X(DECLINE, "decline")   /* reason: enum rfl_decline */ \
    X(REDIRECT, "redirect") /* reason, target */ \
    X(DEFER, "defer")       /* until_ms */ \
    X(TOUCH, "touch") \
    X(CONTACT, "contacted") /* code: enum rfl_channel; reached */ \
    X(START, "started")     /* code: enum rfl_employment at the first appointment; barrier */ \
    X(OUTCOME, "outcome")   /* code: enum rfl_outcome */ \
    X(CLOSE, "close")       /* reason: enum rfl_close */ \
    X(RETURN, "goodbye")    /* the holder said goodbye or went away: token */ \
    X(EXPIRE, "expire")     /* the running clock is over, or has reached a warning; in triage decision: it was put off \
                               until now and is decided again; until_ms: it is put off until then; 0: it is not */ \
    X(AMEND, "amend")       /* submission (id: which), band; decision: set when it belongs elsewhere now, else NULL */ \
    X(WITHDRAW, "withdraw") /* submission.id, reason: enum rfl_withdraw; others_stand, consent_gone, all_in_error */ \
    X(RESEMBLE, "resemble") /* other: a case with a weaker match key in common and a stronger one that differs */ \
    X(FOLLOW, "follow")     /* the case that this one rests on was closed: so is this one, and nobody is told twice */ \
    X(PLACE, "place")       /* target: assign; from declining it approves the decline */ \
    X(SEND_BACK, "send_back") /* a decline is not agreed to; until_ms: as for EXPIRE, should it come to triage */ \
    X(HOLD, "hold")         /* until_ms */ \
    X(RELEASE, "release")   /* a hold of any kind; target may be given; until_ms: the same */ \
    X(SHUT, "shut")         /* reason: enum rfl_close; any open case */ \
    X(LINK, "link")         /* other: `before` comes to rest on it */ \
    X(UNLINK, "unlink")     /* of a case that is not linked: it does not resemble the other after all */ \
    X(ERASE, "erase")       /* a closed case that nobody keeps: the person is gone from it for ever */ \
    X(KEEP, "keep")         /* a legal hold: no erasure before UNKEEP */ \
    X(UNKEEP, "unkeep") \
    X(REVEAL, "reveal")     /* somebody reads personal data of it; any status */ \
    X(REHOME, "rehome")     /* decision: where it belongs now that its area has changed */

#define RFL_X(name, word) RFL_DO_##name,
enum rfl_command_kind { RFL_COMMAND_LIST(RFL_X) RFL_DO_COUNT };
#undef RFL_X
const char *rfl_command_word(enum rfl_command_kind kind);

struct rfl_command {
    enum rfl_command_kind kind;
    struct rfl_token token;
    uint64_t holder;
    struct rfl_submission submission;
    const struct rfl_decision *decision;
    uint8_t band, reason, code, barrier;
    bool reached;
    /* Where to: REDIRECT, PLACE, RELEASE as asked; in every command that places somebody (RECEIVE, AMEND, EXPIRE,
     * REHOME) the caller puts the queue that an operator's diversion names here. */
    struct rfl_queue_no target;
    bool diverted;              /* REDIRECT, RELEASE: `target` comes of a diversion, nobody asked for it by name */
    bool target_held;           /* an operator's hold is on the queue it would go to: triage decides instead */
    bool override_no;           /* PLACE: although that queue said no before; recorded */
    struct rfl_case_id other;   /* RESEMBLE, LINK; RECEIVE of a new case: an open one it resembles, or 0 */
    struct rfl_case_id previous;    /* RECEIVE of a new case: the person's closed episode before, or 0 */
    int64_t quiet_until_ms;     /* RECEIVE, AMEND: until then the person's no is respected; 0: there was none */
    bool others_stand;          /* WITHDRAW: of linked cases; this one goes on for them */
    bool consent_gone;          /* WITHDRAW: with the referral that had it; none that stands has consent */
    bool all_in_error;          /* WITHDRAW: every referral of the case was entered in error */
    int64_t until_ms;
    int64_t lease_ms;           /* OFFER, TOUCH: an offer's length instead of the policy's lease clock; 0: that clock */
};

struct rfl_events { uint32_t count; struct rfl_event list[RFL_EVENTS_PER_COMMAND_MAX]; };

/* Turns a command into the events that must happen, in order; on any error there are none. `before` is all zero for a
 * person without an open case. At most RFL_EVENTS_PER_COMMAND_MAX events. Errors:
 *   RFL_E_FENCED   a worker verb whose token is not the case's, or whose holder is not
 *   RFL_E_STATE    not in rfl_legal_commands; a touch beyond its limit; unreachable before the policy's number of
 *                  attempts on different channels; an outcome later than the policy takes them
 *   RFL_E_INVALID  a reason, channel or outcome that is none, not in its list, or (joined_other_case) nobody's to say;
 *                  a redirect or placement to where it is (but a redirect that a diversion leads there goes to triage),
 *                  or to a queue that is not there, not open, on hold or in an area that has ended; a placement to one
 *                  that said no, without override; a deferral or hold into the past or beyond the hold clock; a
 *                  rehoming to where it is */
RFL_MUST_USE enum rfl_err rfl_decide(const struct rfl_policy *policy, const struct rfl_case *before,
                                     const struct rfl_command *command, const struct rfl_now *now,
                                     struct rfl_events *out);

/* What may be commanded of a case as it stands: bits 1 << enum rfl_command_kind. Arguments may still be refused. */
uint32_t rfl_legal_commands(const struct rfl_case *kase);

/* Who owns the next step of a case at a moment, in words for a person. Borrowed from the policy, or a literal. */
struct rfl_view rfl_owner_of(const struct rfl_policy *policy, const struct rfl_case *kase, int64_t at_ms);

#endif
