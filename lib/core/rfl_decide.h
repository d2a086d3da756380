/* rfl_decide.h: what must happen because of a command: (policy, case, command, now) -> events. Changes nothing. */
#ifndef RFL_DECIDE_H
#define RFL_DECIDE_H

#include "rfl_event.h"
#include "rfl_policy.h"

enum rfl_command_kind {
    RFL_DO_RECEIVE,     /* submission, band, decision: opens a case, or joins the open one given as `before` */
    RFL_DO_OFFER,       /* token, holder: to the worker behind holder */
    RFL_DO_ACCEPT,      /* token, holder; and so for the worker verbs below */
    RFL_DO_DECLINE,     /* reason: enum rfl_decline */
    RFL_DO_REDIRECT,    /* reason, target */
    RFL_DO_DEFER,       /* until_ms */
    RFL_DO_TOUCH,
    RFL_DO_CONTACT,     /* code: enum rfl_channel; reached */
    RFL_DO_START,
    RFL_DO_OUTCOME,     /* code: enum rfl_outcome */
    RFL_DO_CLOSE,       /* reason: enum rfl_close */
    RFL_DO_RETURN,      /* the holder said goodbye or went away: token */
    RFL_DO_EXPIRE,      /* the running clock is over, or has reached a warning */
    RFL_DO_AMEND,       /* submission, band, decision: a newer body; re-placed when it waits and belongs elsewhere now */
    RFL_DO_WITHDRAW,    /* submission.id, reason: enum rfl_withdraw */
    RFL_DO_RESEMBLE,    /* other: a case with a weaker match key in common and a stronger one that differs */
    /* triage and operators: `reason` and text are compulsory and go into the entry */
    RFL_DO_PLACE,       /* target: assign from triage, a hold, declining (which approves the decline) or a queue */
    RFL_DO_SEND_BACK,   /* a decline is not agreed to */
    RFL_DO_HOLD,        /* until_ms */
    RFL_DO_RELEASE,     /* a hold of any kind; target may be given */
    RFL_DO_SHUT,        /* reason: enum rfl_close, from triage, a hold, a queue or declining */
    RFL_DO_LINK,        /* other: `before` comes to rest on it */
    RFL_DO_UNLINK
};

struct rfl_command {
    enum rfl_command_kind kind;
    struct rfl_token token;
    uint64_t holder;
    struct rfl_submission submission;
    const struct rfl_decision *decision;
    uint8_t band, reason, code;
    bool reached;
    struct rfl_queue_no target;
    struct rfl_case_id other;
    bool override_no;           /* PLACE: although that queue said no before; recorded */
    bool target_takes;          /* REDIRECT, PLACE: the target takes people now (no hold on it) */
    int64_t until_ms;
    int64_t lease_ms;           /* OFFER, TOUCH: how long, instead of the policy's lease clock; 0: that clock */
};

struct rfl_events { uint32_t count; struct rfl_event list[RFL_EVENTS_PER_COMMAND_MAX]; };

/* Turns a command into the events that must happen, in order; on any error there are none. `before` is all zero for a
 * person without an open case. At most RFL_EVENTS_PER_COMMAND_MAX events. Errors:
 *   RFL_E_FENCED   a worker verb whose token is not the case's, or whose holder is not
 *   RFL_E_STATE    not possible in the case's status; a touch beyond its limit
 *   RFL_E_INVALID  a reason, channel or outcome that is none or not in its list; a redirect to where it is, to a queue
 *                  that is not a provider's or not open, or into an area that has ended; a deferral into the past or
 *                  beyond the policy's hold clock */
RFL_MUST_USE enum rfl_err rfl_decide(const struct rfl_policy *policy, const struct rfl_case *before,
                                     const struct rfl_command *command, const struct rfl_now *now,
                                     struct rfl_events *out);

/* Who owns the next step of a case at a moment, in words for a person. Borrowed from the policy, or a literal. */
struct rfl_view rfl_owner_of(const struct rfl_policy *policy, const struct rfl_case *kase, int64_t at_ms);

#endif
