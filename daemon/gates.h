/* gates.h: what a policy has to pass before it may be in force, beyond being readable and sound in its parts. */
#ifndef GATES_H
#define GATES_H

#include "rfl_conf.h"

/* Two gates, the proof first: what has to pass before a policy takes effect.
 *
 * The proof: whoever comes from now_ms on goes where somebody meant them to go (rfl_prove.h). Its errors are added to
 * the report, with the file and line of the rule; its warnings are not: referralctl policy check shows them. It takes
 * some milliseconds on the policy of England (3 ms with the sanitizers), so it is done between turns of the loop.
 *
 * The route tests (rfl_conf_tests.h) of tests_dir, the policy folder that it was read from; one without a date is of
 * now_ms. A test that fails is added to the report: its file and line, its name as the key, what it expected and what
 * it got. NULL for a policy of the archive, which passed its tests when it came in: a test without a date, or one that
 * was added later, must not close the way back on a bad day.
 *
 * RFL_E_INVALID: errors, a test that failed, or a file of tests that cannot be read; RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err gates_pass(const struct rfl_policy *policy, const char *tests_dir, int64_t now_ms,
                                     struct rfl_conf_report *report);

#endif
