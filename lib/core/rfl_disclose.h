/* rfl_disclose.h: who hears what: the policy's disclosure matrix (config/policy/disclosure.conf), asked by event.
 *
 * A protected door hears the same whatever the reason: a policy in which it could tell a person's no, an ineligibility
 * and an unanswered phone apart does not pass rfl_policy_check. */
#ifndef RFL_DISCLOSE_H
#define RFL_DISCLOSE_H

#include "rfl_event.h"
#include "rfl_policy.h"

/* The row of an event: rfl_event_disclosed, and for CLOSED the class of its reason. RFL_DISCLOSED_COUNT: none. */
enum rfl_disclosed rfl_disclose_row(const struct rfl_event *event);

/* What a referrer through this door hears of this event; NULL: nothing. Borrowed from the policy. */
const struct rfl_disclosure *rfl_disclose(const struct rfl_policy *policy, enum rfl_door door,
                                          const struct rfl_event *event);

/* Whether a referrer through this door may see where its referral stands (area, queue, owner, whether it joined an open
 * case). The others see that it was received, that it is with the service, or that it is closed. */
bool rfl_disclose_place(const struct rfl_policy *policy, enum rfl_door door);

/* The doors that may hear of an event of this kind: bit 1 << door. An event carries this set, so applying it needs no
 * matrix. Whoever decides clears it where hearing would tell more than the row says: once a provider said yes nobody
 * hears "waiting" (it would mean that the person does not answer); a hold after the person's earlier no is told to
 * nobody; a warning is told at the half and not again; WITHDRAWN is for that referral alone. */
uint16_t rfl_disclose_told(const struct rfl_policy *policy, enum rfl_event_kind kind);

#endif
