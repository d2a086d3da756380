/* rfl_conf_tests.h: route tests: what the people who answer for an area expect of their rules, in tests.d/<name>.conf
 * of the policy folder, beside the rules. They are no part of the policy and of its digest; but a policy folder whose
 * tests fail is not loaded by a running daemon.
 *
 * A test gives facts as a policy owner would say them and the queue that is expected; config/policy/tests.d explains
 * every setting. Reading is as strict as everywhere in lib/conf. */
#ifndef RFL_CONF_TESTS_H
#define RFL_CONF_TESTS_H

#include "rfl_conf.h"
#include "rfl_route.h"

/* One test and what came of it; texts are borrowed until the callback returns. */
struct rfl_conf_test {
    const char *file;                           /* within the folder: "tests.d/devon.conf" */
    int line;
    const char *name, *expect;                  /* a queue */
    const char *reason, *rule, *advice;         /* NULL: not said; "": none */
    int64_t at_ms;
    struct rfl_decision got;
    bool passed;
};

/* Reads every file of <dir>/tests.d in the order of their names and decides each test with this policy (compiled and
 * checked), at its own date or at at_ms; tells `each`. RFL_E_INVALID: something could not be read, the report says
 * what; the other tests were run. RFL_E_MEMORY. No such folder: there are no tests. */
RFL_MUST_USE enum rfl_err rfl_conf_tests_run(const char *dir, const struct rfl_policy *policy, int64_t at_ms,
                                             void (*each)(void *ctx, const struct rfl_conf_test *test), void *ctx,
                                             struct rfl_conf_report *report);
/* What a failed test expected and did not get, such as "queue: expected a/b, got c/d; advice: expected none, got e",
 * cut to fit and terminated; "" when it passed. policy: the one it was decided with. */
void rfl_conf_test_differs(const struct rfl_policy *policy, const struct rfl_conf_test *test, char *out, size_t size);

#endif
