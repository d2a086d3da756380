/* rfl_disclose.h: who hears what. The disclosure matrix, door by event, in one table.
 *
 * What employers, the Jobcentre and every door without a column of its own hear is the same whatever the reason: "with
 * the service" and "closed". So a person's no, an ineligibility and an unanswered phone look alike to them. */
#ifndef RFL_DISCLOSE_H
#define RFL_DISCLOSE_H

#include "rfl_event.h"

struct rfl_disclosure {
    const char *word;           /* Feedback.word */
    bool provider, reason;      /* whether Feedback.provider and Feedback.detail are filled */
};

/* What a referrer through this door hears of this event; NULL: nothing. A literal. */
const struct rfl_disclosure *rfl_disclose(enum rfl_door door, enum rfl_event_kind kind);

/* Whether a referrer through this door may see where its referral stands (area, queue, owner, whether it joined an open
 * case). The others see that it was received, that it is with the service, or that it is closed. */
bool rfl_disclose_place(enum rfl_door door);

/* The doors that hear of it: bit 1 << door. An event carries this set, so applying it needs no matrix. */
uint16_t rfl_disclose_told(enum rfl_event_kind kind);

#endif
