/* rfl_policy_diff.h: what another policy would do otherwise, for whom, from when: not which lines differ.
 *
 * For every area and moment both policies divide the same space of profiles into cells (rfl_cells.h); where two cells
 * meet and lead to different queues, people go elsewhere. Rules that were moved, renamed, split or joined without
 * changing where anybody goes give no difference. Queues, areas, places and sources are compared by their permanent
 * numbers. Pure; nothing is allocated. */
#ifndef RFL_POLICY_DIFF_H
#define RFL_POLICY_DIFF_H

#include "rfl_prove.h"

enum {
    RFL_DIFFERENCES_MAX = 4096,                 /* of one area at one moment */
    RFL_DIFF_PIECES_MAX = 1024                  /* boxes that are looked at to find one that holds many */
};

struct rfl_difference {
    struct rfl_area_no area;
    int64_t from_ms, until_ms;                  /* from then to then; RFL_NO_END_MS */
    struct rfl_queue_no from, to;               /* 0: the area does not exist in that policy at that time */
    struct rfl_decider by_from, by_to;          /* positions in each policy */
    struct rfl_box box;                         /* of the profiles that can exist: those in it; they are disjoint */
};

struct rfl_diff_options {
    bool at_one_moment;                         /* only from_ms, said until it may change; else all from then on */
    int64_t from_ms;
};

/* About 11 MiB, the caller's. */
struct rfl_diff_work {
    struct rfl_space space;
    struct rfl_cells cells[2];
    int64_t date[RFL_DATES_MAX];
    uint32_t count[2];
    struct rfl_difference list[2][RFL_DIFFERENCES_MAX];
    struct rfl_box left[2][RFL_DIFF_PIECES_MAX];
};

/* Tells `found` every difference, area by area, with the space that its box is of (policy 0: from, 1: to). RFL_E_FULL:
 * an area has more rules, or differs in more ways, than can be looked at; what was told until then holds. */
RFL_MUST_USE enum rfl_err rfl_policy_diff(const struct rfl_policy *from, const struct rfl_policy *to,
                                          const struct rfl_diff_options *options, struct rfl_diff_work *work,
                                          void (*found)(void *ctx, const struct rfl_space *space,
                                                        const struct rfl_difference *difference), void *ctx);

#endif
