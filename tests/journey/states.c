#include "states.h"

enum { LEVELS = 3 };

static const enum rfl_status order[] = {
    RFL_STATUS_RECEIVED, RFL_STATUS_TRIAGE, RFL_STATUS_ON_HOLD, RFL_STATUS_QUEUED, RFL_STATUS_OFFERED,
    RFL_STATUS_DECLINING, RFL_STATUS_ACCEPTED, RFL_STATUS_WAITING_ON_PERSON, RFL_STATUS_ACTIVE, RFL_STATUS_CLOSED,
};
enum { STATUSES = sizeof order / sizeof order[0] };

struct rfl_policy *states_policy(void)
{
    struct rfl_policy *policy = malloc(sizeof *policy);
    assert_non_null(policy);
    rfl_policy_init(policy);
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { NORTH }, .name = V("north"),
        .full_name = V("north"), .region = V("north"), .from_ms = 1, .until_ms = RFL_NO_END_MS,
        .intake = { N_INTAKE }, .triage = { N_TRIAGE } }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { N_INTAKE }, .area = { NORTH },
        .kind = RFL_QUEUE_KIND_PROVIDER, .name = V("north/intake"), .owner = V("the queue's provider"),
        .lead = V("the queue's lead") }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { N_TRIAGE }, .area = { NORTH },
        .kind = RFL_QUEUE_KIND_TRIAGE, .name = V("north/triage"), .owner = V("the triage desk"),
        .lead = V("the head of triage") }));
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { NATIONAL },
        .kind = RFL_QUEUE_KIND_NATIONAL, .name = V("national/triage"), .owner = V("the national desk"),
        .lead = V("the head of national triage") }));
    return policy;
}

bool states_clock_runs(enum rfl_status status, enum rfl_clock clock)
{
    struct rfl_case kase = case_in(status);
    kase.clock = (uint8_t)clock;
    kase.escalation = clock == RFL_CLOCK_ESCALATED ? 1 : 0;
    const char *broken = rfl_case_broken(&kase);
    bool clock_broken = broken != NULL && strcmp(broken, "the running clock is one of its status") == 0;
    return status != RFL_STATUS_RECEIVED && !clock_broken;
}

static struct rfl_view owner(const struct rfl_policy *policy, enum rfl_status status, enum rfl_hold hold, uint8_t level)
{
    struct rfl_case kase = case_in(status);
    kase.hold = (uint8_t)hold;
    kase.escalation = level;
    return rfl_owner_of(policy, &kase, NOW_MS);
}

static bool same(struct rfl_view a, struct rfl_view b) { return a.len == b.len && memcmp(a.p, b.p, a.len) == 0; }

/* A hold's owner depends on why: each owner is said once, with the holds that are its. */
static void put_holders(FILE *out, const struct rfl_policy *policy)
{
    bool said[RFL_HOLD_COUNT] = { true };
    for (unsigned hold = 1; hold < RFL_HOLD_COUNT; hold++) {
        struct rfl_view who = owner(policy, RFL_STATUS_ON_HOLD, (enum rfl_hold)hold, 0);
        bool first = true;
        if (said[hold])
            continue;
        (void)fprintf(out, "%s%.*s (", hold > 1 ? "; " : "", (int)who.len, (const char *)who.p);
        for (unsigned other = hold; other < RFL_HOLD_COUNT; other++) {
            if (!same(who, owner(policy, RFL_STATUS_ON_HOLD, (enum rfl_hold)other, 0)))
                continue;
            (void)fprintf(out, "%s%s", first ? "" : ", ", rfl_hold_word((enum rfl_hold)other));
            said[other] = true;
            first = false;
        }
        (void)fputc(')', out);
    }
}

static void put_owner(FILE *out, const struct rfl_policy *policy, enum rfl_status status)
{
    if (status == RFL_STATUS_RECEIVED) {
        (void)fputs("the daemon", out);
    } else if (status == RFL_STATUS_ON_HOLD) {
        put_holders(out, policy);
    } else {
        struct rfl_view who = owner(policy, status, RFL_HOLD_NONE, 0);
        (void)fprintf(out, "%.*s", (int)who.len, (const char *)who.p);
    }
}

static void put_clocks(FILE *out, enum rfl_status status)
{
    bool any = false;
    for (unsigned clock = RFL_CLOCK_NONE + 1; clock < RFL_CLOCK_COUNT; clock++) {
        if (!states_clock_runs(status, (enum rfl_clock)clock))
            continue;
        (void)fprintf(out, "%s%s", any ? ", " : "", rfl_clock_word((enum rfl_clock)clock));
        any = true;
    }
    if (!any)
        (void)fputs(status == RFL_STATUS_RECEIVED ? "none: left in the same transaction" : "none", out);
}

/* The events that lead from one status to another, parted by `comma`; how many. */
static unsigned put_events(FILE *out, enum rfl_status from, enum rfl_status to, const char *comma)
{
    unsigned count = 0;
    for (unsigned event = 1; event < RFL_EVENT_COUNT; event++) {
        if (rfl_table_next(from, (enum rfl_event_kind)event) != to)
            continue;
        if (out != NULL)
            (void)fprintf(out, "%s%s", count > 0 ? comma : "", rfl_event_kind_word((enum rfl_event_kind)event));
        count++;
    }
    return count;
}

static void put_exits(FILE *out, enum rfl_status from)
{
    bool any = false;
    for (unsigned i = 0; i < STATUSES; i++) {
        if (order[i] == from || put_events(NULL, from, order[i], "") == 0)
            continue;
        (void)fputs(any ? "; " : "", out);
        (void)put_events(out, from, order[i], ", ");
        (void)fprintf(out, " → `%s`", rfl_status_word(order[i]));
        any = true;
    }
    (void)fputs(any ? "" : "none", out);
}

static void print_diagram(FILE *out)
{
    (void)fputs("```mermaid\nstateDiagram-v2\n    [*] --> received: received\n", out);
    for (unsigned i = 0; i < STATUSES; i++) {
        for (unsigned j = 0; j < STATUSES; j++) {
            if (i == j || put_events(NULL, order[i], order[j], "") == 0)
                continue;
            (void)fprintf(out, "    %s --> %s: ", rfl_status_word(order[i]), rfl_status_word(order[j]));
            (void)put_events(out, order[i], order[j], ", ");
            (void)fputc('\n', out);
        }
    }
    (void)fputs("    closed --> [*]\n```\n", out);
}

static void print_table(FILE *out, const struct rfl_policy *policy)
{
    (void)fputs("| status | whose turn | next action | clock | what leaves it | what leaves it as it is |\n"
                "|---|---|---|---|---|---|\n", out);
    for (unsigned i = 0; i < STATUSES; i++) {
        (void)fprintf(out, "| `%s` | ", rfl_status_word(order[i]));
        put_owner(out, policy, order[i]);
        (void)fprintf(out, " | %s | ", rfl_next_action(order[i]));
        put_clocks(out, order[i]);
        (void)fputs(" | ", out);
        put_exits(out, order[i]);
        (void)fputs(" | ", out);
        if (put_events(out, order[i], order[i], ", ") == 0)
            (void)fputs("–", out);
        (void)fputs(" |\n", out);
    }
}

static void print_levels(FILE *out, const struct rfl_policy *policy)
{
    static const enum rfl_status shown[] = { RFL_STATUS_QUEUED, RFL_STATUS_TRIAGE };
    (void)fputs("| the clock ran out | once | twice | and again |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        (void)fputs("| where it is the turn of ", out);
        put_owner(out, policy, shown[i]);
        for (uint8_t level = 1; level <= LEVELS; level++) {
            struct rfl_view who = owner(policy, shown[i], RFL_HOLD_NONE, level);
            (void)fprintf(out, " | %.*s", (int)who.len, (const char *)who.p);
        }
        (void)fputs(" |\n", out);
    }
}

void states_print(FILE *out)
{
    struct rfl_policy *policy = states_policy();
    print_diagram(out);
    (void)fputc('\n', out);
    print_table(out, policy);
    (void)fputc('\n', out);
    print_levels(out, policy);
    free(policy);
}
