/* The daemon at a glance, and its queues: status, queue list, and what an operator may set a queue to. */
#include <stdio.h>

#include "ctl.h"
#include "rfl_json.h"

static void status_line(struct ctl_table *table, const char *label, uint64_t value)
{
    ctl_cell(table, "%s", label);
    ctl_cell_count(table, value);
}

static void key_ending(struct ctl_table *table, const struct rfl_key_ending *ending)
{
    char when[CTL_TIME_BYTES];
    ctl_time_text(ending->until_ms, ctl_now_ms(), when);
    ctl_cell(table, "%.*s, %s: referralctl keys rotate", (int)ending->name.len, (const char *)ending->name.p, when);
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
    ctl_cell(&table, state->policy_pinned ? "pinned since" : "in force since");
    ctl_cell_time(&table, state->policy_since_ms);
    if (state->policy_doubtful.len > 0) {
        ctl_cell(&table, "policy DOUBTFUL");
        ctl_cell_view(&table, state->policy_doubtful);
    }
    if (state->reload_refused_ms > 0) {
        ctl_cell(&table, "reload refused");
        ctl_cell_time(&table, state->reload_refused_ms);
        ctl_cell(&table, "why");
        ctl_cell_view(&table, state->reload_refused);
    }
    ctl_cell(&table, "keys");
    if (state->without_keys)
        ctl_cell(&table, "NONE ASKED FOR: whoever reaches a socket may do everything (without_keys = true)");
    else
        ctl_cell(&table, "%u good", (unsigned)state->keys);
    for (uint32_t i = 0; i < state->keys_ending_count; i++) {
        ctl_cell(&table, "key ending");
        key_ending(&table, &state->keys_ending[i]);
    }
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
    ctl_cell(&table, "signed head");
    char head[80] = "none";
    size_t len = (size_t)snprintf(head, sizeof head, "entry %llu, hash ", (unsigned long long)state->head.sequence);
    for (size_t i = 0; i < 8 && i < state->head.hash.len; i++)
        len += (size_t)snprintf(head + len, sizeof head - len, "%02x", state->head.hash.p[i]);
    ctl_cell(&table, "%s", head);
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
    json_t *all = json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "name", text_json(row->name), "owner",
                            text_json(row->owner), "area", text_json(row->area), "waiting", (json_int_t)row->waiting,
                            "oldest_ms", (json_int_t)row->oldest_ms, "workers", (json_int_t)row->workers, "working",
                            (json_int_t)row->working);
    json_t *set = json_pack("{s:s, s:I, s:o, s:I, s:o, s:o}", "mode",
                            rfl_queue_mode_word((enum rfl_queue_mode)row->mode), "until_ms", (json_int_t)row->until_ms,
                            "to", text_json(row->to), "capacity", (json_int_t)row->capacity, "set_by",
                            text_json(row->set_by), "why", text_json(row->why));
    (void)json_object_update(all, set);
    json_decref(set);
    return all;
}

static void queue_row(struct ctl_table *table, const struct rfl_queue_row *row)
{
    char setting[CTL_SETTING_BYTES];
    ctl_queue_setting(row, setting, sizeof setting);
    ctl_cell_view(table, row->name);
    ctl_cell_view(table, row->area);
    ctl_cell_count(table, row->waiting);
    ctl_cell_time(table, row->oldest_ms);
    ctl_cell_count(table, row->workers);
    ctl_cell_count(table, row->working);
    ctl_cell_view(table, row->owner);
    ctl_cell(table, "%s", setting);
    ctl_cell_time(table, row->until_ms);
    ctl_cell_view(table, row->set_by);
    ctl_cell_view(table, row->why);
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
    ctl_table_init(&table, "QUEUE AREA >WAITING OLDEST >WORKERS >WORKING OWNER SETTING UNTIL SET_BY WHY");
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

/* ---- settings ---- */

static int set(const struct ctl *ctl, struct rfl_ask *ask, enum rfl_queue_mode mode)
{
    struct ctl_talk talk;
    ask->kind = RFL_MSG_QUEUE_SET;
    ask->queue = rfl_view_of(ctl->argv[0]);
    ask->mode = (uint8_t)mode;
    int exit_code = ctl_act_begin(ctl, ask);
    if (exit_code == CTL_OK && mode != RFL_QUEUE_MODE_CLEAR)
        exit_code = ctl_act_until(ctl, &ask->at_ms);
    if (exit_code != CTL_OK)
        return exit_code;
    exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_act(ctl, &talk, ask);
    ctl_talk_close(&talk);
    return exit_code;
}

int ctl_queue_pause(const struct ctl *ctl) { return set(ctl, &(struct rfl_ask){ 0 }, RFL_QUEUE_MODE_PAUSE); }
int ctl_queue_hold(const struct ctl *ctl) { return set(ctl, &(struct rfl_ask){ 0 }, RFL_QUEUE_MODE_HOLD); }
int ctl_queue_clear(const struct ctl *ctl) { return set(ctl, &(struct rfl_ask){ 0 }, RFL_QUEUE_MODE_CLEAR); }

int ctl_queue_divert(const struct ctl *ctl)
{
    if (ctl->to == NULL)
        return ctl_fail(ctl, CTL_USAGE, "where to is not said", "add --to QUEUE");
    return set(ctl, &(struct rfl_ask){ .to = rfl_view_of(ctl->to) }, RFL_QUEUE_MODE_DIVERT);
}

int ctl_queue_capacity(const struct ctl *ctl)
{
    uint64_t capacity;
    if (!ctl_number_parse(ctl->argv[1], 1000000, &capacity) || capacity == 0)
        return ctl_fail(ctl, CTL_USAGE, "that is no number of cases",
                        "give 1 to 1000000; queue pause is for offering nobody");
    return set(ctl, &(struct rfl_ask){ .capacity = (uint32_t)capacity }, RFL_QUEUE_MODE_CAPACITY);
}
