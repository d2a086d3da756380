/* Cases: list, show, explain. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "rfl_json.h"

enum { LIST_LIMIT_DEFAULT = 100, PAGE_ROWS = 200 };

static void case_row(struct ctl_table *table, const struct rfl_case_row *row)
{
    ctl_cell_view(table, row->case_code);
    ctl_cell_view(table, row->receipt);
    ctl_cell(table, "%s", rfl_status_word((enum rfl_status)row->status));
    ctl_cell(table, "%s", rfl_door_name((enum rfl_door)row->door));
    ctl_cell_view(table, row->area);
    ctl_cell_view(table, row->queue);
    ctl_cell_time(table, row->opened_ms);
    ctl_cell_time(table, row->due_ms);
    ctl_cell_count(table, row->referrals);
    ctl_cell_count(table, row->hops);
    ctl_cell_view(table, row->next_action);
}

/* Appends the rows of one page to the array. */
static void collect(json_t *all, const struct rfl_reply *reply)
{
    json_t *page = rfl_json_of_reply(reply);
    (void)json_array_extend(all, json_object_get(page, "cases"));
    json_decref(page);
}

static int list_filters(const struct ctl *ctl, struct rfl_ask *ask, uint64_t *limit)
{
    enum rfl_status status = RFL_STATUS_NONE;
    *limit = LIST_LIMIT_DEFAULT;
    if (ctl->limit != NULL && (!ctl_number_parse(ctl->limit, 1000000, limit) || *limit == 0))
        return ctl_fail(ctl, CTL_USAGE, "--limit is not a number of rows", "give 1 to 1000000");
    if (ctl->status != NULL && (!rfl_status_from_word(ctl->status, strlen(ctl->status), &status)
                                || status == RFL_STATUS_NONE))
        return ctl_fail(ctl, CTL_USAGE, "--status is none of the ten words",
                        "received triage on_hold queued offered declining accepted waiting_on_person active closed");
    ask->status = (uint8_t)status;
    for (unsigned door = RFL_DOOR_GP; ctl->door != NULL && door < RFL_DOOR_COUNT; door++)
        if (strcmp(ctl->door, rfl_door_name((enum rfl_door)door)) == 0)
            ask->door = (uint8_t)door;
    if (ctl->door != NULL && ask->door == RFL_DOOR_NONE)
        return ctl_fail(ctl, CTL_USAGE, "--door is none of the doors",
                        "gp employer jobcentre self local_service pharmacist fit_note_service provider other");
    if (ctl->queue != NULL)
        ask->queue = rfl_view_of(ctl->queue);
    return CTL_OK;
}

/* One page into the table or the array; *more says whether another follows, its cursor then is in `after`. */
static int list_page(const struct ctl *ctl, struct ctl_talk *talk, struct rfl_ask *ask, uint64_t *left,
                     struct ctl_table *table, json_t *all, char after[RFL_NAME_BYTES_MAX])
{
    struct rfl_reply reply;
    ask->limit = (uint32_t)(*left < PAGE_ROWS ? *left : PAGE_ROWS);
    int exit_code = ctl_ask(ctl, talk, ask, RFL_MSG_CASES, &reply);
    if (exit_code != CTL_OK)
        return exit_code;
    const struct rfl_msg_cases *cases = &reply.cases;
    for (uint32_t i = 0; !ctl->json && i < cases->rows_count; i++)
        case_row(table, &cases->rows[i]);
    if (ctl->json)
        collect(all, &reply);
    *left -= cases->rows_count < *left ? cases->rows_count : *left;
    size_t len = cases->next.len < RFL_NAME_BYTES_MAX ? cases->next.len : 0;
    if (len > 0)
        memcpy(after, cases->next.p, len);
    ask->after = (struct rfl_view){ (const uint8_t *)after, len };
    return CTL_OK;
}

int ctl_list(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct ctl_table table;
    struct rfl_ask ask = { .kind = RFL_MSG_LIST };
    char after[RFL_NAME_BYTES_MAX];
    uint64_t left;
    int exit_code = list_filters(ctl, &ask, &left);
    if (exit_code != CTL_OK)
        return exit_code;
    exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    json_t *all = json_array();
    ctl_table_init(&table, "CASE RECEIPT STATUS DOOR AREA QUEUE OPENED DUE >REFERRALS >HOPS NEXT");
    bool more = true;
    while (exit_code == CTL_OK && more) {
        exit_code = list_page(ctl, &talk, &ask, &left, &table, all, after);
        more = ask.after.len > 0 && left > 0;
    }
    bool cut = ask.after.len > 0;
    ctl_talk_close(&talk);
    if (exit_code == CTL_OK && !ctl->json)
        ctl_table_print(&table, stdout);
    else
        ctl_table_drop(&table);
    if (exit_code == CTL_OK && ctl->json)
        return ctl_print_value(json_pack("{s:o, s:b}", "cases", all, "more", (int)cut));
    json_decref(all);
    if (exit_code == CTL_OK && cut)
        fputs("there are more: raise --limit, or filter with --status, --queue and --door\n", stderr);
    return exit_code;
}

static void put_if(const char *label, struct rfl_view value)
{
    if (value.len == 0)
        return;
    fputs(label, stdout);
    ctl_put_view(stdout, value);
}

static int show_shown(const struct ctl *ctl, const struct rfl_reply *reply)
{
    const struct rfl_msg_shown *shown = &reply->shown;
    struct ctl_table table;
    (void)ctl;
    ctl_put_view(stdout, shown->row.case_code);
    printf("  %s  owner: ", rfl_status_word((enum rfl_status)shown->row.status));
    ctl_put_view(stdout, shown->row.owner);
    fputs("  next: ", stdout);
    ctl_put_view(stdout, shown->row.next_action);
    char due[CTL_TIME_BYTES] = "no clock";
    if (shown->row.due_ms > 0)
        ctl_time_text(shown->row.due_ms, ctl_now_ms(), due);
    printf("  by: %s\narea ", due);
    ctl_put_view(stdout, shown->row.area);
    fputs("  queue ", stdout);
    ctl_put_view(stdout, shown->row.queue);
    printf("  door %s  hops %u  referrals", rfl_door_name((enum rfl_door)shown->row.door), (unsigned)shown->row.hops);
    for (uint32_t i = 0; i < shown->receipts_count; i++) {
        putchar(' ');
        ctl_put_view(stdout, shown->receipts[i]);
    }
    put_if("  hold ", shown->row.hold);
    put_if("  linked to ", shown->row.linked_to);
    put_if("  resembles ", shown->row.resembles);
    putchar('\n');
    ctl_table_init(&table, ">ENTRY WHEN EVENT ACTOR DETAIL");
    for (uint32_t i = 0; i < shown->timeline_count; i++) {
        ctl_cell_count(&table, shown->timeline[i].sequence);
        ctl_cell_time(&table, shown->timeline[i].at_ms);
        ctl_cell_view(&table, shown->timeline[i].event);
        ctl_cell_view(&table, shown->timeline[i].actor);
        ctl_cell_view(&table, shown->timeline[i].detail);
    }
    ctl_table_print(&table, stdout);
    if (shown->truncated)
        puts("(older entries are left out)");
    puts("names hidden");
    return CTL_OK;
}

int ctl_show_case(const struct ctl *ctl)
{
    struct rfl_ask ask = { .kind = RFL_MSG_SHOW, .code = rfl_view_of(ctl->argv[0]) };
    return ctl_ask_once(ctl, ctl->admin, &ask, RFL_MSG_SHOWN, show_shown);
}

static void explain_candidates(const struct rfl_msg_explained *why)
{
    struct ctl_table table;
    ctl_table_init(&table, "KEY GRADE ICB SUB_ICB AREA HOW >LINE >EDITION CHOSEN MARKS");
    for (uint32_t i = 0; i < why->candidates_count; i++) {
        const struct rfl_candidate_row *row = &why->candidates[i];
        char marks[128] = "";
        size_t len = 0;
        for (uint32_t m = 0; m < row->marks_count && len + row->marks[m].len + 2 < sizeof marks; m++)
            len += (size_t)snprintf(marks + len, sizeof marks - len, "%s%.*s", m > 0 ? " " : "",
                                    (int)row->marks[m].len, (const char *)row->marks[m].p);
        ctl_cell_view(&table, row->key);
        ctl_cell_view(&table, row->grade);
        ctl_cell_view(&table, row->icb);
        ctl_cell_view(&table, row->sub_icb);
        ctl_cell_view(&table, row->area);
        ctl_cell_view(&table, row->how);
        ctl_cell_count(&table, row->line);
        ctl_cell_count(&table, row->edition);
        ctl_cell(&table, row->chosen ? "YES" : "no");
        ctl_cell_view(&table, rfl_view_of(marks));
    }
    ctl_table_print(&table, stdout);
}

static void explain_field(struct ctl_table *table, const char *label, struct rfl_view value)
{
    ctl_cell(table, "%s", label);
    ctl_cell_view(table, value);
}

/* The rules in the order they were tried, and why each did not fit. */
static void explain_tried(const struct rfl_msg_explained *why)
{
    struct ctl_table table;
    if (why->tried_count == 0)
        return;
    ctl_table_init(&table, "RULE KIND HOLDS WHY_NOT OWNER FILE >LINE");
    for (uint32_t i = 0; i < why->tried_count; i++) {
        const struct rfl_tried_row *row = &why->tried[i];
        ctl_cell_view(&table, row->name);
        ctl_cell(&table, row->advice ? "advice" : row->shadow ? "shadow" : "rule");
        ctl_cell(&table, row->holds ? "YES" : "no");
        ctl_cell_view(&table, row->unmet);
        ctl_cell_view(&table, row->owner);
        ctl_cell_view(&table, row->file);
        ctl_cell_count(&table, row->line);
    }
    ctl_table_print(&table, stdout);
}

static void explain_room(struct ctl_table *table, const struct rfl_msg_explained *why)
{
    if (why->capacity > 0) {
        ctl_cell(table, "capacity");
        ctl_cell(table, "%llu of %u, now", (unsigned long long)why->people, (unsigned)why->capacity);
    }
    for (uint32_t i = 0; i < why->full_count; i++)
        explain_field(table, "was full", why->full[i]);
}

/* "postcode were in devon" is "postcode were in " and "devon"; without a value: all of it, and nothing. */
static struct rfl_view differ_value(struct rfl_view change)
{
    static const char *const words[] = { " were in ", " were " };
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
        for (size_t at = 0, len = strlen(words[w]); at + len <= change.len; at++)
            if (memcmp(change.p + at, words[w], len) == 0)
                return (struct rfl_view){ change.p + at + len, change.len - at - len };
    return (struct rfl_view){ change.p + change.len, 0 };
}

/* Whether it only says that another area's people go to that area's intake. */
static bool differ_at_home(const struct rfl_differ_row *row)
{
    struct rfl_view area = differ_value(row->change);
    return area.len > 0 && row->queue.len == area.len + strlen("/intake")
        && memcmp(row->queue.p, area.p, area.len) == 0
        && memcmp(row->queue.p + area.len, "/intake", strlen("/intake")) == 0;
}

static bool differ_alike(const struct rfl_differ_row *a, const struct rfl_differ_row *b)
{
    struct rfl_view value_a = differ_value(a->change), value_b = differ_value(b->change);
    size_t subject = a->change.len - value_a.len;
    return value_a.len > 0 && value_b.len > 0 && subject == b->change.len - value_b.len
        && memcmp(a->change.p, b->change.p, subject) == 0
        && ((differ_at_home(a) && differ_at_home(b)) || ctl_view_same(a->queue, b->queue));
}

/* One line for all values of one thing that lead to one queue. */
static void explain_differ(const struct rfl_msg_explained *why)
{
    for (uint32_t i = 0; i < why->differ_count; i++) {
        const struct rfl_differ_row *row = &why->differ[i];
        uint32_t before = 0, alike = 0;
        while (before < i && !differ_alike(&why->differ[before], row))
            before++;
        if (before < i)
            continue;
        for (uint32_t j = i + 1; j < why->differ_count; j++)
            alike += differ_alike(row, &why->differ[j]) ? 1 : 0;
        fputs(i == 0 ? "would differ if: " : "                 ", stdout);
        if (alike > 0 && differ_at_home(row)) {
            ctl_put_view(stdout, (struct rfl_view){ row->change.p,
                                                    row->change.len - differ_value(row->change).len });
            printf("another area  → that area's intake\n");
            continue;
        }
        ctl_put_view(stdout, row->change);
        for (uint32_t j = i + 1; j < why->differ_count; j++) {
            if (!differ_alike(row, &why->differ[j]))
                continue;
            fputs(--alike == 0 ? " or " : ", ", stdout);
            ctl_put_view(stdout, differ_value(why->differ[j].change));
        }
        fputs("  → ", stdout);
        ctl_put_view(stdout, row->queue);
        putchar('\n');
    }
    if (why->differ_all > why->differ_count)
        printf("                 ... and %u more\n", (unsigned)(why->differ_all - why->differ_count));
}

static int show_explained(const struct ctl *ctl, const struct rfl_reply *reply)
{
    const struct rfl_msg_explained *why = &reply->explained;
    struct ctl_table table;
    (void)ctl;
    if (why->hypothetical)
        fputs("a referral like this", stdout);
    else
        ctl_put_view(stdout, why->code);
    char at[CTL_TIME_BYTES];
    ctl_time_text(why->at_ms, ctl_now_ms(), at);
    printf("  door %s  decided for %s  under policy ", rfl_door_name((enum rfl_door)why->door), at);
    ctl_put_view(stdout, why->policy);
    putchar('\n');
    ctl_fields_init(&table);
    explain_field(&table, "verdict", why->verdict);
    explain_field(&table, "reason", why->reason);
    explain_field(&table, "area", why->area);
    explain_field(&table, "queue", why->queue);
    explain_field(&table, "owner", why->owner);
    explain_field(&table, "consent", why->consent);
    explain_field(&table, "place", why->place);
    explain_field(&table, "rule", why->rule);
    explain_field(&table, "advice", why->advice);
    explain_room(&table, why);
    if (why->shadow.len > 0) {
        explain_field(&table, "shadow rule", why->shadow);
        explain_field(&table, "would send to", why->shadow_queue);
    }
    if (!why->hypothetical)
        explain_field(&table, "decided again", why->again);
    if (!why->hypothetical) {
        explain_field(&table, "next", why->next_action);
        ctl_cell(&table, "due");
        ctl_cell_time(&table, why->due_ms);
    }
    ctl_table_print(&table, stdout);
    explain_candidates(why);
    explain_tried(why);
    explain_differ(why);
    ctl_print_findings(stdout, why->warnings, why->warnings_count);
    return CTL_OK;
}

int ctl_explain(const struct ctl *ctl)
{
    static struct ctl_referral referral;
    struct rfl_ask ask = { .kind = RFL_MSG_EXPLAIN, .counterfactual = ctl->counterfactual };
    if ((ctl->argc == 1) == (ctl->file != NULL))
        return ctl_fail(ctl, CTL_USAGE, "either a code or --file", "such as: explain WW-7K3M-92QX");
    if (ctl->at != NULL && !ctl_time_parse(ctl->at, &ask.at_ms))
        return ctl_fail(ctl, CTL_USAGE, "--at is no time", "such as 2026-04-01, 2026-04-01 09:30 or ...T09:30:00Z");
    if (ctl->file == NULL) {
        ask.code = rfl_view_of(ctl->argv[0]);
        return ctl_ask_once(ctl, ctl->admin, &ask, RFL_MSG_EXPLAINED, show_explained);
    }
    int exit_code = ctl_referral_read(ctl, ctl->file, &referral);
    ask.referral = (struct rfl_view){ referral.body, referral.len };
    if (exit_code == CTL_BAD_DATA)
        ctl_print_findings(stderr, referral.findings.list, referral.findings.count);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask_once(ctl, ctl->admin, &ask, RFL_MSG_EXPLAINED, show_explained);
    ctl_referral_free(&referral);
    return exit_code;
}
