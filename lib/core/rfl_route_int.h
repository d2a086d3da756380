/* rfl_route_int.h: between the two halves of routing. Internal to lib/core/rfl_route*.c. */
#ifndef RFL_ROUTE_INT_H
#define RFL_ROUTE_INT_H

#include "rfl_policy_index.h"
#include "rfl_route.h"

/* The question once the area is known. */
struct rfl__in_area {
    const struct rfl_area *area;
    const struct rfl_profile *profile;
    int64_t at_ms;
    const struct rfl_queue_no *full;
    uint32_t full_count;
    const struct rfl_watch *watch;              /* or NULL */
};

/* Sets everything of *out but its steps and `conflict`; the members that it does not name are zero before. */
void rfl__route_in_area(const struct rfl_policy *policy, const struct rfl__in_area *in, struct rfl_decision *out);

#endif
