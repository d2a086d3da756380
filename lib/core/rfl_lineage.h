/* rfl_lineage.h: areas through time: who follows an area that has ended, and when an area changes.
 *
 * Pure readings of a compiled policy. An area changes when it ends and when a part of it leaves (a boundary moves);
 * both are its successors with their dates. Moments are ms since 1970 UTC. */
#ifndef RFL_LINEAGE_H
#define RFL_LINEAGE_H

#include "rfl_policy.h"

enum { RFL_LINEAGE_QUEUES_MAX = 16 };           /* areas that one area can have gone to, as far as they are named */

/* The living area that has all of this one: itself, or who took it over as a whole, as often as needed. NULL: it was
 * divided, nobody follows, it is 0, unknown or has not begun. */
const struct rfl_area *rfl_lineage_heir(const struct rfl_policy *policy, struct rfl_area_no area, int64_t at_ms);

/* Whether the queue's area has ended. National triage never has; a queue that is not there counts as not ended. */
bool rfl_lineage_gone(const struct rfl_policy *policy, struct rfl_queue_no queue, int64_t at_ms);

/* The queue that answers for this one: itself until its area has ended, then the heir's intake (of a triage queue its
 * triage queue), national triage when the area was divided. */
struct rfl_queue_no rfl_lineage_queue(const struct rfl_policy *policy, struct rfl_queue_no queue, int64_t at_ms);

/* Every queue that may get people from this one now that its area has ended: of each living area that follows it, the
 * intake (of a triage queue, the triage queue). Returns how many, at most RFL_LINEAGE_QUEUES_MAX; 0: not ended, or
 * nobody follows. */
uint32_t rfl_lineage_queues(const struct rfl_policy *policy, struct rfl_queue_no queue, int64_t at_ms,
                            struct rfl_queue_no out[RFL_LINEAGE_QUEUES_MAX]);

/* The newest moment, at_ms or before, at which the area ended or a part of it left; 0: none. */
int64_t rfl_lineage_changed_ms(const struct rfl_policy *policy, struct rfl_area_no area, int64_t at_ms);
/* The next moment after at_ms at which any area ends or loses a part; INT64_MAX: none is known. */
int64_t rfl_lineage_next_ms(const struct rfl_policy *policy, int64_t at_ms);

/* The successor that has the part of the area which lies in this sub-ICB (RFL_CODE_BYTES; "" not known), of those that
 * took over at at_ms or before but after `after_ms`: one that names the part, else the one that took everything at the
 * area's end. NULL: the area still has it, or, when it has ended, nobody can say. */
const struct rfl_successor *rfl_lineage_successor(const struct rfl_policy *policy, const struct rfl_area *area,
                                                  const char sub_icb[RFL_CODE_BYTES], int64_t after_ms,
                                                  int64_t at_ms);

#endif
