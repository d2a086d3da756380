#include "rfl_finding.h"

#define LITERAL(text) { (const uint8_t *)"" text, sizeof text - 1 }

static const struct rfl_finding kinds[RFL_FINDING_COUNT] = {
#define X(name, code_, severity_, rule_, remedy_) \
    [RFL_FINDING_##name] = { .code = LITERAL(code_), .rule = LITERAL(rule_), .remedy = LITERAL(remedy_), \
                             .severity = RFL_SEVERITY_##severity_ },
    RFL_FINDING_LIST(X)
#undef X
};

void rfl_findings_clear(struct rfl_findings *findings)
{
    findings->count = findings->errors = findings->dropped = 0;     /* the list is 2 KiB and only read up to count */
}

struct rfl_finding rfl_finding_of(struct rfl_view path, enum rfl_finding_kind kind)
{
    assert((unsigned)kind < RFL_FINDING_COUNT);
    struct rfl_finding finding = kinds[kind];
    finding.path = path;
    return finding;
}

void rfl_findings_add(struct rfl_findings *findings, struct rfl_view path, enum rfl_finding_kind kind)
{
    struct rfl_finding finding = rfl_finding_of(path, kind);
    bool error = finding.severity == RFL_SEVERITY_ERROR;
    findings->errors += error;
    if (findings->count < RFL_FINDINGS_MAX) {
        findings->list[findings->count++] = finding;
        return;
    }
    findings->dropped++;
    for (uint32_t i = 0; error && i < findings->count; i++)
        if (findings->list[i].severity == RFL_SEVERITY_WARNING) {
            findings->list[i] = finding;
            return;
        }
}
