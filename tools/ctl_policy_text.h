/* ctl_policy_text.h: people, conditions and rules of a policy in the words of its files.
 *
 * What is returned is the caller's to free; NULL when memory has run out. */
#ifndef CTL_POLICY_TEXT_H
#define CTL_POLICY_TEXT_H

#include "rfl_policy_diff.h"

/* "door=self source=self-page age=17 place=wigan": the fields that rules of the area look at, and how it came. */
char *ctl_person_text(const struct rfl_policy *policy, struct rfl_area_no area, const struct rfl_profile *profile);
/* "door=self,gp age=1-17": the fields in which the box is less than everybody; "everybody". */
char *ctl_box_text(const struct rfl_space *space, const struct rfl_box *box);
/* "rule under-18 (routes.d/kent.conf:12)", "the area's intake". */
char *ctl_decider_text(const struct rfl_policy *policy, struct rfl_decider by);
/* "2026-04-01" or "2026-04-01T09:30:00Z", in UTC or, when it is midnight there, in local time; "ever" for no end. */
char *ctl_moment_text(int64_t at_ms);
/* Names; a dash when there is none. */
struct rfl_view ctl_queue_name(const struct rfl_policy *policy, struct rfl_queue_no queue);
struct rfl_view ctl_area_name(const struct rfl_policy *policy, struct rfl_area_no area);

#endif
