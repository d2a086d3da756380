/* Areas through time: what becomes of who waits when they change (asked of the daemon), and the areas of a policy
 * folder with their codes, predecessors and successors. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "rfl_conf.h"
#include "rfl_date.h"
#include "rfl_lineage.h"

enum { PLAN_ROWS_MAX = 4096, CURSOR_BYTES = 64, NAME = RFL_NAME_BYTES_MAX + 1, SAMPLES = 3, CODE = 32 };

struct plan_row { char queue[NAME], to[NAME], reason[NAME], samples[SAMPLES][CODE]; unsigned samples_count;
                  uint64_t waiting, held; };
struct plan { struct plan_row *rows; unsigned count; uint64_t waiting, held, to_desk; };

static void keep(char *out, size_t size, struct rfl_view view)
{
    (void)snprintf(out, size, "%.*s", (int)view.len, view.len > 0 ? (const char *)view.p : "");
}

static bool same(const char *text, struct rfl_view view)
{
    return strlen(text) == view.len && (view.len == 0 || memcmp(text, view.p, view.len) == 0);
}

/* Midnight in London for a bare date, because that is when areas change; else a moment. */
static bool moment_of(const char *text, int64_t *ms)
{
    struct rfl_date date;
    if (!rfl_date_parse(rfl_view_of(text), &date))
        return ctl_time_parse(text, ms);
    *ms = rfl_london_midnight_ms(date);
    return true;
}

static int moment(const struct ctl *ctl, int64_t *ms)
{
    *ms = ctl_now_ms();
    if (ctl->at != NULL && !moment_of(ctl->at, ms))
        return ctl_fail(ctl, CTL_USAGE, "the time in --at is none",
                        "write 2026-04-01 (midnight in London) or 2026-04-01 09:30");
    return CTL_OK;
}

/* ---- plan ---- */

/* Rows of one queue, to and reason are one row, whatever page they came on. False: more than fit. */
static bool add_row(struct plan *plan, const struct rfl_area_row *in)
{
    unsigned i = 0;
    while (i < plan->count && !(same(plan->rows[i].queue, in->queue) && same(plan->rows[i].to, in->to) &&
                                same(plan->rows[i].reason, in->reason)))
        i++;
    if (i == PLAN_ROWS_MAX)
        return false;
    struct plan_row *row = &plan->rows[i];
    if (i == plan->count) {
        keep(row->queue, sizeof row->queue, in->queue);
        keep(row->to, sizeof row->to, in->to);
        keep(row->reason, sizeof row->reason, in->reason);
        plan->count++;
    }
    for (uint32_t k = 0; k < in->samples_count && row->samples_count < SAMPLES; k++)
        keep(row->samples[row->samples_count++], CODE, in->samples[k]);
    row->waiting += in->waiting;
    row->held += in->held;
    plan->waiting += in->waiting;
    plan->held += in->held;
    plan->to_desk += in->reason.len > 0 ? in->waiting : 0;
    return true;
}

static int read_plan(const struct ctl *ctl, struct ctl_talk *talk, int64_t at_ms, bool past, struct plan *plan)
{
    char after[CURSOR_BYTES + 1] = "";
    struct rfl_ask ask = { .kind = RFL_MSG_AREA_PLAN, .at_ms = at_ms, .past = past };
    struct rfl_reply reply;
    int exit_code = CTL_OK;
    do {
        ask.after = rfl_view_of(after);
        exit_code = ctl_ask(ctl, talk, &ask, RFL_MSG_AREA_PLANNED, &reply);
        if (exit_code != CTL_OK)
            return exit_code;
        for (uint32_t i = 0; i < reply.area_planned.rows_count; i++)
            if (!add_row(plan, &reply.area_planned.rows[i]))
                return ctl_fail(ctl, CTL_PROTOCOL, "the plan has more rows than a person can read", NULL);
        keep(after, sizeof after, reply.area_planned.next);
    } while (after[0] != '\0');
    return CTL_OK;
}

static int by_queue(const void *x, const void *y)
{
    const struct plan_row *a = x, *b = y;
    int order = strcmp(a->queue, b->queue);
    if (order == 0)
        order = strcmp(a->reason, b->reason);
    return order != 0 ? order : strcmp(a->to, b->to);
}

static int plan_json(const struct plan *plan, int64_t at_ms, bool past)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < plan->count; i++) {
        const struct plan_row *row = &plan->rows[i];
        json_t *samples = json_array();
        for (unsigned k = 0; k < row->samples_count; k++)
            (void)json_array_append_new(samples, json_string(row->samples[k]));
        (void)json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "queue", row->queue, "to",
            row->to, "reason", row->reason, "waiting", (json_int_t)row->waiting, "held", (json_int_t)row->held,
            "samples", samples));
    }
    return ctl_print_value(json_pack("{s:I, s:b, s:o, s:I, s:I, s:I}", "at_ms", (json_int_t)at_ms, "past", past, "rows",
                                     rows, "waiting", (json_int_t)plan->waiting, "to_triage",
                                     (json_int_t)plan->to_desk, "held", (json_int_t)plan->held));
}

static void plan_table(const struct plan *plan, bool past)
{
    struct ctl_table table;
    ctl_table_init(&table, past ? "QUEUE TO REASON >MOVED SAMPLES" : "QUEUE TO REASON >WAITING >WITH_WORKERS SAMPLES");
    for (unsigned i = 0; i < plan->count; i++) {
        const struct plan_row *row = &plan->rows[i];
        ctl_cell(&table, "%s", row->queue);
        ctl_cell(&table, "%s", row->to);
        ctl_cell_view(&table, rfl_view_of(row->reason));
        ctl_cell_count(&table, row->waiting);
        if (!past)
            ctl_cell_count(&table, row->held);
        ctl_cell(&table, "%s %s %s", row->samples[0], row->samples[1], row->samples[2]);
    }
    ctl_table_print(&table, stdout);
    printf("%llu %s = %llu to who follows + %llu to triage, which must decide", (unsigned long long)plan->waiting,
           past ? "moved" : "would move", (unsigned long long)(plan->waiting - plan->to_desk),
           (unsigned long long)plan->to_desk);
    if (!past)
        printf("; %llu with workers stay until they come back", (unsigned long long)plan->held);
    printf("\n");
}

int ctl_area_plan(const struct ctl *ctl)
{
    struct ctl_talk talk;
    int64_t at_ms;
    struct plan plan = { .rows = calloc(PLAN_ROWS_MAX, sizeof *plan.rows) };
    int exit_code = plan.rows == NULL ? ctl_fail(ctl, CTL_TRY_AGAIN, "out of memory", NULL) : moment(ctl, &at_ms);
    if (exit_code != CTL_OK) {
        free(plan.rows);
        return exit_code;
    }
    bool past = ctl->at != NULL && at_ms <= ctl_now_ms();
    exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = read_plan(ctl, &talk, at_ms, past, &plan);
    ctl_talk_close(&talk);
    if (exit_code == CTL_OK) {
        qsort(plan.rows, plan.count, sizeof *plan.rows, by_queue);
        if (ctl->json)
            exit_code = plan_json(&plan, at_ms, past);
        else
            plan_table(&plan, past);
    }
    free(plan.rows);
    return exit_code;
}

/* ---- the areas of a policy folder ---- */

static int load(const struct ctl *ctl, struct rfl_policy **policy)
{
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    enum rfl_err err = report == NULL ? RFL_E_MEMORY : rfl_conf_policy_load(ctl->argv[0], policy, report);
    free(report);
    if (err == RFL_E_OK)
        return CTL_OK;
    return ctl_fail(ctl, err == RFL_E_ABSENT ? CTL_NO_INPUT : CTL_BAD_DATA, "that folder is not a sound policy",
                    "referrald -t says what is wrong with it");
}

static void date_text(int64_t ms, char out[16])
{
    if (ms == RFL_NO_END_MS)
        (void)snprintf(out, 16, "-");
    else {
        struct rfl_date date = rfl_london_date(ms);
        (void)snprintf(out, 16, "%04d-%02u-%02u", date.year, date.month, date.day);
    }
}

static struct rfl_view area_name(const struct rfl_policy *policy, struct rfl_area_no id)
{
    const struct rfl_area *area = rfl_policy_area(policy, id);
    return area != NULL ? rfl_policy_text(policy, area->name) : rfl_view_of("");
}

static void codes_text(const struct rfl_policy *policy, struct rfl_area_no id, int64_t at_ms, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < policy->alias_count && len < size; i++) {
        const struct rfl_alias *alias = &policy->alias[i];
        if (alias->area.v == id.v && alias->from_ms <= at_ms && at_ms < alias->until_ms)
            len += (size_t)snprintf(out + len, size - len, "%s%.*s", len > 0 ? " " : "", RFL_CODE_BYTES, alias->code);
    }
}

static void list_area(struct ctl_table *table, json_t *all, const struct rfl_policy *policy,
                      const struct rfl_area *area, int64_t at_ms)
{
    char codes[128], from[16], until[16];
    struct rfl_view name = rfl_policy_text(policy, area->name), region = rfl_policy_text(policy, area->region);
    codes_text(policy, area->id, at_ms, codes, sizeof codes);
    date_text(area->from_ms, from);
    date_text(area->until_ms, until);
    (void)json_array_append_new(all, json_pack("{s:i, s:s%, s:s, s:s%, s:s, s:s}", "id", (int)area->id.v, "name",
        name.p, name.len, "codes", codes, "region", region.p, region.len, "from", from, "until", until));
    ctl_cell_count(table, area->id.v);
    ctl_cell_view(table, name);
    ctl_cell(table, "%s", codes);
    ctl_cell_view(table, region);
    ctl_cell(table, "%s", from);
    ctl_cell(table, "%s", until);
}

int ctl_area_list(const struct ctl *ctl)
{
    struct rfl_policy *policy = NULL;
    struct ctl_table table;
    int64_t at_ms;
    int exit_code = moment(ctl, &at_ms);
    if (exit_code == CTL_OK)
        exit_code = load(ctl, &policy);
    if (exit_code != CTL_OK)
        return exit_code;
    json_t *all = json_array();
    ctl_table_init(&table, ">ID AREA CODES REGION FROM UNTIL");
    for (uint32_t i = 0; i < policy->area_count; i++)
        if (rfl_area_alive(&policy->area[i], at_ms))
            list_area(&table, all, policy, &policy->area[i], at_ms);
    size_t count = json_array_size(all);
    if (ctl->json) {
        ctl_table_drop(&table);
        exit_code = ctl_print_value(json_pack("{s:I, s:o}", "at_ms", (json_int_t)at_ms, "areas", all));
    } else {
        json_decref(all);
        ctl_table_print(&table, stdout);
        printf("%zu areas\n", count);
    }
    rfl_conf_policy_free(&policy);
    return exit_code;
}

struct lineage { struct ctl_table table; json_t *rows; };

static void lineage_row(struct lineage *out, const char *what, struct rfl_view which, int64_t from_ms, int64_t until_ms,
                        const char *parts)
{
    char from[16], until[16];
    date_text(from_ms, from);
    date_text(until_ms, until);
    (void)json_array_append_new(out->rows, json_pack("{s:s, s:s%, s:s, s:s, s:s}", "what", what, "which",
        which.len > 0 ? (const char *)which.p : "", which.len, "from", from, "until", until, "parts", parts));
    ctl_cell(&out->table, "%s", what);
    ctl_cell_view(&out->table, which);
    ctl_cell(&out->table, "%s", from);
    ctl_cell(&out->table, "%s", until);
    ctl_cell_view(&out->table, rfl_view_of(parts));
}

static void parts_text(const struct rfl_policy *policy, const struct rfl_successor *one, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < one->sub_count && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%.*s", len > 0 ? " " : "", RFL_CODE_BYTES,
                                policy->sub_code[one->sub_first + i]);
}

static void lineage_of(struct lineage *out, const struct rfl_policy *policy, const struct rfl_area *area)
{
    char parts[4096];
    lineage_row(out, "area", rfl_policy_text(policy, area->name), area->from_ms, area->until_ms, "");
    for (uint32_t i = 0; i < policy->alias_count; i++) {
        const struct rfl_alias *alias = &policy->alias[i];
        size_t len = strnlen(alias->code, RFL_CODE_BYTES);
        if (alias->area.v == area->id.v)
            lineage_row(out, "code", (struct rfl_view){ (const uint8_t *)alias->code, len }, alias->from_ms,
                        alias->until_ms, "");
    }
    for (uint32_t i = 0; i < policy->successor_count; i++) {
        const struct rfl_successor *one = &policy->successor[i];
        if (one->to.v != area->id.v && one->area.v != area->id.v)
            continue;
        parts_text(policy, one, parts, sizeof parts);
        bool from = one->to.v == area->id.v;
        lineage_row(out, from ? "came from" : "goes to", area_name(policy, from ? one->area : one->to), one->from_ms,
                    RFL_NO_END_MS, one->sub_count == 0 ? "everything" : parts);
    }
}

int ctl_area_lineage(const struct ctl *ctl)
{
    struct rfl_policy *policy = NULL;
    int64_t at_ms;
    int exit_code = moment(ctl, &at_ms);
    if (exit_code == CTL_OK)
        exit_code = load(ctl, &policy);
    if (exit_code != CTL_OK)
        return exit_code;
    struct rfl_view wanted = rfl_view_of(ctl->argv[1]);
    const struct rfl_area *area = rfl_policy_area_by_name(policy, wanted);
    if (area == NULL)
        area = rfl_policy_area_by_code(policy, wanted, at_ms, NULL);
    if (area == NULL) {
        rfl_conf_policy_free(&policy);
        return ctl_fail(ctl, CTL_NO_INPUT, "no area has that name or code at that time",
                        "referralctl area list DIR names them; --at looks at another time");
    }
    struct lineage out = { .rows = json_array() };
    ctl_table_init(&out.table, "WHAT WHICH FROM UNTIL PARTS");
    lineage_of(&out, policy, area);
    if (ctl->json) {
        ctl_table_drop(&out.table);
        exit_code = ctl_print_value(json_pack("{s:o}", "lineage", out.rows));
    } else {
        json_decref(out.rows);
        ctl_table_print(&out.table, stdout);
    }
    rfl_conf_policy_free(&policy);
    return exit_code;
}
