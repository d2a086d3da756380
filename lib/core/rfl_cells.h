/* rfl_cells.h: what an area decides at a moment, for every profile: disjoint boxes, each with who decides there.
 *
 * Advice and rules are walked in their order with boxes instead of a profile: what meets a condition becomes cells of
 * it, the rest goes on to the next. Within a cell the same advice and the same rule decide, so one profile speaks for
 * all of it, and where it goes is not worked out a second time: rfl_route_profile is asked about the cell's witness. */
#ifndef RFL_CELLS_H
#define RFL_CELLS_H

#include "rfl_route.h"
#include "rfl_space.h"

enum { RFL_CELLS_MAX = 16384, RFL_DATES_MAX = 16384 };

struct rfl_cell {
    struct rfl_box box;
    uint16_t advice, rule;                      /* 1 + position in the policy; 0: none holds, or is not asked for */
    uint8_t verdict, reason;                    /* enums rfl_verdict, rfl_route_reason, when no queue is full */
    struct rfl_queue_no queue;                  /* the same */
};

/* About 4 MiB, the caller's. */
struct rfl_cells {
    uint32_t count;
    struct rfl_cell cell[RFL_CELLS_MAX];
    struct rfl_box pending[2][RFL_CELLS_MAX];   /* work */
};

/* The moments at or after from_ms at which this area's answers may change, in order, the first being from_ms or the
 * area's beginning, whichever is later; none when it has ended by then. `other` (may be NULL) adds a second policy's.
 * RFL_E_FULL: more than RFL_DATES_MAX; *count is then unchanged. */
RFL_MUST_USE enum rfl_err rfl_cells_dates(const struct rfl_policy *policy, const struct rfl_policy *other,
                                          struct rfl_area_no area, int64_t from_ms, int64_t dates[RFL_DATES_MAX],
                                          uint32_t *count);
/* Whether it is tried at all for that area at that moment. A shadow rule decides nothing and is not. */
bool rfl_cells_rule_counts(const struct rfl_rule *rule, struct rfl_area_no area, int64_t at_ms);
bool rfl_cells_advice_counts(const struct rfl_advice *advice, struct rfl_area_no area, int64_t at_ms);
/* Cuts the space by the conditions of all that count. */
void rfl_cells_cut(struct rfl_space *space, const struct rfl_policy *policy, struct rfl_area_no area, int64_t at_ms);
/* The area, alive at at_ms in policy `which` of a finished space, which was cut by it. RFL_E_FULL: the rules divide the
 * space into more than RFL_CELLS_MAX boxes; *out is then of no use. */
RFL_MUST_USE enum rfl_err rfl_cells_make(const struct rfl_space *space, unsigned which, int64_t at_ms,
                                         struct rfl_cells *out);

#endif
