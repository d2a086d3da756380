/* states.h: the life of a case as tables, asked of the core itself: what may happen when (rfl_table_next), whose turn
 * it is (rfl_owner_of), what they do (rfl_next_action), which clock runs (rfl_case_broken). */
#ifndef STATES_H
#define STATES_H

#include <stdio.h>

#include "core_case.h"

/* One area whose queues are owned and led by roles with plain names; not compiled. To be freed. */
struct rfl_policy *states_policy(void);

/* Whether this clock may run in this status. */
bool states_clock_runs(enum rfl_status status, enum rfl_clock clock);

/* The diagram (mermaid) and the table, as Markdown. */
void states_print(FILE *out);

#endif
