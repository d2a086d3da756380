#include "gates.h"

#include <stdlib.h>

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

enum rfl_err gates_prove(const struct rfl_policy *policy, int64_t now_ms, struct rfl_conf_report *report)
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
