/* The daemon at a glance: status, queue list. */
#include <stdio.h>

#include "ctl.h"
#include "rfl_json.h"

static void status_line(struct ctl_table *table, const char *label, uint64_t value)
{
    ctl_cell(table, "%s", label);
    ctl_cell_count(table, value);
}

static void status_fields(const struct rfl_msg_admin_state *state)
{
    struct ctl_table table;
    ctl_fields_init(&table);
    ctl_cell(&table, "version");
    ctl_cell_view(&table, state->version);
    ctl_cell(&table, "started");
    ctl_cell_time(&table, state->started_ms);
    ctl_cell(&table, "policy");
    ctl_cell_view(&table, state->policy);
    ctl_cell(&table, "directory");
    ctl_cell_view(&table, state->directory);
    ctl_cell(&table, "sockets");
    ctl_cell_view(&table, state->bind);
    status_line(&table, "epoch", state->epoch);
    status_line(&table, "log entries", state->log_entries);
    status_line(&table, "mailbox rows", state->mailbox_rows);
    ctl_cell(&table, "store");
    ctl_cell(&table, "%.1f MiB, %.1f %% of the map", (double)state->store_bytes / 1048576,
             (double)state->store_permille / 10);
    ctl_cell(&table, "indexes");
    ctl_cell(&table, "%.1f MiB of memory", (double)state->index_bytes / 1048576);
    ctl_table_print(&table, stdout);
}

static int show_state(const struct ctl *ctl, const struct rfl_reply *reply)
{
    const struct rfl_msg_admin_state *state = &reply->admin_state;
    struct ctl_table table;
    (void)ctl;
    status_fields(state);
    printf("ledger  %llu referrals = %llu cases + %llu joined", (unsigned long long)state->referrals,
           (unsigned long long)state->cases, (unsigned long long)state->joined);
    printf("; %s\n", state->adds_up ? "it adds up" : "IT DOES NOT ADD UP");
    ctl_table_init(&table, "STATUS >CASES");
    for (unsigned status = RFL_STATUS_RECEIVED; status < RFL_STATUS_COUNT; status++)
        status_line(&table, rfl_status_word((enum rfl_status)status), state->by_status[status]);
    ctl_table_print(&table, stdout);
    if (state->counters_count > 0) {
        ctl_table_init(&table, "COUNTER >VALUE");
        for (uint32_t i = 0; i < state->counters_count; i++) {
            ctl_cell_view(&table, state->counters[i].name);
            ctl_cell_count(&table, state->counters[i].value);
        }
        ctl_table_print(&table, stdout);
    }
    return CTL_OK;
}

int ctl_status(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    int exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_ADMIN_STATE, &reply);
    if (exit_code == CTL_OK)
        exit_code = ctl->json ? ctl_print_json(&reply) : show_state(ctl, &reply);
    if (exit_code == CTL_OK && !reply.admin_state.adds_up)
        exit_code = ctl_fail(ctl, CTL_FINDINGS, "the ledger does not add up",
                             "stop the daemon and run: referralctl store verify DIR");
    ctl_talk_close(&talk);
    return exit_code;
}

static json_t *text_json(struct rfl_view view)
{
    return json_stringn(view.len > 0 ? (const char *)view.p : "", view.len);
}

static json_t *queue_json(const struct rfl_queue_row *row)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I}", "name", text_json(row->name), "owner", text_json(row->owner),
                     "area", text_json(row->area), "waiting", (json_int_t)row->waiting, "oldest_ms",
                     (json_int_t)row->oldest_ms, "workers", (json_int_t)row->workers);
}

static void queue_row(struct ctl_table *table, const struct rfl_queue_row *row)
{
    ctl_cell_view(table, row->name);
    ctl_cell_view(table, row->area);
    ctl_cell_count(table, row->waiting);
    ctl_cell_time(table, row->oldest_ms);
    ctl_cell_count(table, row->workers);
    ctl_cell_view(table, row->owner);
}

/* Takes one page; the name of its last queue is the cursor of the next. */
static bool take_page(const struct ctl *ctl, const struct rfl_msg_queues *page, struct ctl_table *table, json_t *all,
                      uint64_t *waiting, struct rfl_ask *ask, char after[RFL_NAME_BYTES_MAX])
{
    for (uint32_t i = 0; i < page->rows_count; i++) {
        *waiting += page->rows[i].waiting;
        if (ctl->waiting && page->rows[i].waiting == 0)
            continue;
        if (ctl->json)
            (void)json_array_append_new(all, queue_json(&page->rows[i]));
        else
            queue_row(table, &page->rows[i]);
    }
    if (!page->more || page->rows_count == 0)
        return false;
    struct rfl_view last = page->rows[page->rows_count - 1].name;
    size_t len = last.len < RFL_NAME_BYTES_MAX ? last.len : RFL_NAME_BYTES_MAX;
    memcpy(after, last.p, len);
    ask->after = (struct rfl_view){ (const uint8_t *)after, len };
    return true;
}

int ctl_queue_list(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct ctl_table table;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_QUEUE_LIST };
    char after[RFL_NAME_BYTES_MAX];
    uint64_t waiting = 0;
    bool more = true;
    json_t *all = json_array();
    ctl_table_init(&table, "QUEUE AREA >WAITING OLDEST >WORKERS OWNER");
    int exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    while (exit_code == CTL_OK && more) {
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_QUEUES, &reply);
        if (exit_code == CTL_OK)
            more = take_page(ctl, &reply.queues, &table, all, &waiting, &ask, after);
    }
    ctl_talk_close(&talk);
    if (exit_code == CTL_OK && ctl->json) {
        ctl_table_drop(&table);
        return ctl_print_value(json_pack("{s:o, s:I}", "queues", all, "waiting", (json_int_t)waiting));
    }
    json_decref(all);
    if (exit_code != CTL_OK) {
        ctl_table_drop(&table);
        return exit_code;
    }
    ctl_table_print(&table, stdout);
    printf("%llu waiting\n", (unsigned long long)waiting);
    return CTL_OK;
}
