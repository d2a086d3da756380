/* rfl_decide_int.h: what the files that decide share: events with their clocks, and places. Internal to lib/core. */
#ifndef RFL_DECIDE_INT_H
#define RFL_DECIDE_INT_H

#include "rfl_decide.h"

/* One decision being made. */
struct rfl__deciding {
    const struct rfl_policy *policy;
    const struct rfl_case *before;
    const struct rfl_command *command;
    int64_t now_ms;
    struct rfl_events *out;
};

/* Appends an event, all zero but its kind. */
struct rfl_event *rfl__add(const struct rfl__deciding *d, enum rfl_event_kind kind);
/* With a clock of this queue's that starts now, and its warnings. */
struct rfl_event *rfl__add_run(const struct rfl__deciding *d, enum rfl_event_kind kind, struct rfl_queue_no queue,
                               enum rfl_clock clock);
/* With an end that was decided elsewhere: a lease, a hold. No warnings. */
struct rfl_event *rfl__add_until(const struct rfl__deciding *d, enum rfl_event_kind kind, enum rfl_clock clock,
                                 int64_t due_ms);
void rfl__add_routed(const struct rfl__deciding *d, const struct rfl_queue *queue, enum rfl_route_reason reason,
                     int64_t since_ms);
void rfl__add_unplaced(const struct rfl__deciding *d, const struct rfl_queue *triage, enum rfl_route_reason reason);
/* The event's clock and warnings end then, if not before; 0: as they are. */
/* To the desk of its area, until its day where it is put off. */
void rfl__add_given_back(const struct rfl__deciding *d, enum rfl_route_reason reason);
void rfl__end_by(struct rfl_event *event, int64_t until_ms);

bool rfl__said_no(const struct rfl_case *kase, struct rfl_queue_no queue);
/* A provider's queue that is open by now, in an area that exists. */
bool rfl__takes_cases(const struct rfl__deciding *d, const struct rfl_queue *queue);
int64_t rfl__hold_end_max_ms(const struct rfl__deciding *d);
/* Whether enough was tried to call the person unreachable. */
bool rfl__tried_enough(const struct rfl__deciding *d);
/* The case's end; a person's no asks for quiet. */
void rfl__add_closed(const struct rfl__deciding *d, enum rfl_close reason);

/* A case in triage goes where the command's decision says. */
void rfl__decide_again(const struct rfl__deciding *d);
RFL_MUST_USE enum rfl_err rfl__decide_referral(const struct rfl__deciding *d);
RFL_MUST_USE enum rfl_err rfl__decide_worker(const struct rfl__deciding *d);
RFL_MUST_USE enum rfl_err rfl__decide_expire(const struct rfl__deciding *d);
RFL_MUST_USE enum rfl_err rfl__decide_triage(const struct rfl__deciding *d);
RFL_MUST_USE enum rfl_err rfl__decide_subject(const struct rfl__deciding *d);
RFL_MUST_USE enum rfl_err rfl__decide_rehome(const struct rfl__deciding *d);
/* Out of a hold: to the target when there is one, else where it was held from; triage when that takes nobody. */
RFL_MUST_USE enum rfl_err rfl__decide_release(const struct rfl__deciding *d, enum rfl_route_reason reason);

#endif
