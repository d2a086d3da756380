/* rfl_areas.h: who waits in an area that has ended or lost a part is decided again. Internal to lib/engine.
 *
 * One function says what would happen to a case (rfl__home_of); the move and the plan both ask it, so that a plan can
 * be wrong only where the case, the policy or the directory changes in between. */
#ifndef RFL_AREAS_H
#define RFL_AREAS_H

#include "rfl_engine_int.h"

struct rfl__home {
    struct rfl_decided decided;         /* the facts as they are now, without lines, and where they lead */
    struct rfl_command command;         /* its decision points into `decided`: not to be copied */
};

/* Where a case that waits belongs at the turn's moment. False: where it is. A queue whose area has ended is nobody's
 * home. One whose living area has lost a part is left by whom facts had brought there before, and lead elsewhere now;
 * whom a person had placed there stays. */
bool rfl__home_of(struct rfl_engine *e, const struct rfl_case *kase, struct rfl__home *out);

/* Moves a case that waits in an ended area, or, `looked`, in any where it does not belong. Of a case that belongs where
 * it is: RFL_E_OK, and nothing. *kase is the case afterwards. */
RFL_MUST_USE enum rfl_err rfl__bring_home(struct rfl_engine *e, struct rfl_case *kase, bool looked);

/* Everybody whose area has changed since the last look, a bounded number a turn. */
void rfl__sweep_areas(struct rfl_engine *e);
/* From the beginning: another policy, or a turn that was undone. */
void rfl__sweep_again(struct rfl_engine *e);
/* When the next look is due; INT64_MAX: no change is known. */
int64_t rfl__sweep_due(const struct rfl_engine *e);

/* Tells workers who subscribed to a queue that has ended where it went, once a session and queue. */
void rfl__tell_moved(struct rfl_engine *e);

/* Why a desk has it: a word, or none for what went from a desk to the desk that follows, or to a provider. */
struct rfl_view rfl__why_desk(const struct rfl_engine *e, struct rfl_queue_no from, const struct rfl_event *event,
                              const struct rfl_decision *decision);

/* ---- rfl_area_plan.c ---- */
void rfl__handle_area_plan(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);

#endif
