/* gates.h: what a policy has to pass before it may be in force, beyond being readable and sound in its parts. */
#ifndef GATES_H
#define GATES_H

#include "rfl_conf.h"

/* Proves that whoever comes from now_ms on goes where somebody meant them to go (rfl_prove.h). Its errors are added to
 * the report, with the file and line of the rule; its warnings are not: referralctl policy check shows them. Takes some
 * milliseconds on the policy of England (3 ms with the sanitizers), so it is done between turns of the loop.
 * RFL_E_INVALID: errors; RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err gates_prove(const struct rfl_policy *policy, int64_t now_ms, struct rfl_conf_report *report);

#endif
