/* rfl_wire_judge.h: what a readable Referral leaves to be desired. Internal to lib/wire.
 *
 * Promise P2 draws the line: an error is only what cannot be processed at all (no door, nothing about the person). All
 * else is a warning that travels with the receipt; a key that is no good was simply not used. No clock is consulted, so
 * a date of birth in the future passes here: the engine grades it again with the time of its turn. */
#ifndef RFL_WIRE_JUDGE_H
#define RFL_WIRE_JUDGE_H

#include "rfl_message.h"

/* `door_said`: there is a finding about the door already. */
void rfl__wire_judge(const struct rfl_form *form, bool door_said, struct rfl_findings *findings);

#endif
