#include "gates.h"

#include <stdlib.h>

#include "rfl_conf_tests.h"
#include "rfl_prove.h"

struct proving { const struct rfl_policy *policy; struct rfl_conf_report *report; };

static void put(char *out, size_t size, struct rfl_view view)
{
    (void)snprintf(out, size, "%.*s", (int)view.len, (const char *)view.p);
}

static void add(void *ctx, const struct rfl_proof_finding *found)
{
    const struct proving *p = ctx;
    const struct rfl_written *written = found->by.rule != 0     ? &p->policy->rule[found->by.rule - 1].written
                                        : found->by.advice != 0 ? &p->policy->advice[found->by.advice - 1].written
                                                                : NULL;
    const struct rfl_area *area = rfl_policy_area(p->policy, found->area);
    const struct rfl_queue *queue = rfl_policy_queue(p->policy, found->queue);
    char file[RFL_CONF_NAME_BYTES] = "", key[RFL_CONF_KEY_BYTES] = "";
    if (!rfl_proof_is_error(found->proof))
        return;
    if (written != NULL) {
        put(file, sizeof file, rfl_policy_text(p->policy, written->file));
        put(key, sizeof key, rfl_policy_text(p->policy, written->name));
    } else if (area != NULL) {
        put(key, sizeof key, rfl_policy_text(p->policy, area->name));
    } else if (queue != NULL) {
        put(key, sizeof key, rfl_policy_text(p->policy, queue->name));
    }
    rfl_conf_report_add(p->report, file, written != NULL ? written->line : 0, key, rfl_proof_text(found->proof),
                        rfl_proof_remedy(found->proof));
}

static enum rfl_err prove(const struct rfl_policy *policy, int64_t now_ms, struct rfl_conf_report *report)
{
    struct rfl_prove_work *work = malloc(sizeof *work);
    const struct rfl_prove_options options = { .from_ms = now_ms };
    struct proving proving = { policy, report };
    struct rfl_prove_count count = { 0 };
    if (work == NULL)
        return RFL_E_MEMORY;
    rfl_prove(policy, &options, work, add, &proving, &count);
    free(work);
    return count.errors == 0 ? RFL_E_OK : RFL_E_INVALID;
}

/* ---- the tests of those who wrote the rules ---- */

struct testing { const struct rfl_policy *policy; struct rfl_conf_report *report; uint32_t failed; };

static void take_test(void *ctx, const struct rfl_conf_test *test)
{
    struct testing *t = ctx;
    char differs[sizeof t->report->finding[0].rule];
    if (test->passed)
        return;
    t->failed++;
    rfl_conf_test_differs(t->policy, test, differs, sizeof differs);
    rfl_conf_report_add(t->report, test->file, test->line, test->name, differs,
                        "correct the rule, or the test when the rule is meant; referralctl route test shows them all");
}

static enum rfl_err run_tests(const struct rfl_policy *policy, const char *dir, int64_t now_ms,
                              struct rfl_conf_report *report)
{
    struct testing testing = { policy, report, 0 };
    enum rfl_err err = rfl_conf_tests_run(dir, policy, now_ms, take_test, &testing, report);
    return err == RFL_E_OK && testing.failed > 0 ? RFL_E_INVALID : err;
}

enum rfl_err gates_pass(const struct rfl_policy *policy, const char *tests_dir, int64_t now_ms,
                        struct rfl_conf_report *report)
{
    enum rfl_err proof = prove(policy, now_ms, report);
    enum rfl_err tests = proof == RFL_E_MEMORY || tests_dir == NULL ? RFL_E_OK
                                                                    : run_tests(policy, tests_dir, now_ms, report);
    return proof != RFL_E_OK ? proof : tests;
}
