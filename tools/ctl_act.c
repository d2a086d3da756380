/* What the verbs of an operator share: who acts, why, until when, tried dry or done; and showing what came of it. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "rfl_json.h"

int ctl_who_and_why(const struct ctl *ctl, struct rfl_ask *ask)
{
    if (ctl->reason == NULL || ctl->reason[0] == '\0')
        return ctl_fail(ctl, CTL_USAGE, "this needs a reason, which is kept for ever",
                        "add --reason \"why, in words\"");
    const char *name = ctl->operator != NULL ? ctl->operator : getenv("USER");
    if (ctl->operator == NULL && ctl->identity != NULL)
        name = "";                      /* the daemon knows whose key it is */
    else if (name == NULL || name[0] == '\0')
        return ctl_fail(ctl, CTL_USAGE, "who acts is not known", "add --operator NAME, or set USER");
    ask->operator_name = rfl_view_of(name);
    ask->why = rfl_view_of(ctl->reason);
    return CTL_OK;
}

int ctl_act_begin(const struct ctl *ctl, struct rfl_ask *ask)
{
    if (ctl->dry_run == ctl->execute)
        return ctl_fail(ctl, CTL_USAGE, ctl->execute ? "either --dry-run or --execute, not both"
                                                     : "this changes something, so say which: nothing was done",
                        "add --dry-run to see what would happen, then the same with --execute");
    ask->dry_run = ctl->dry_run;
    return ctl_who_and_why(ctl, ask);
}

/* "+30m" "+4h" "+3d" from now. */
static bool distance_parse(const char *text, int64_t *ms)
{
    static const struct { char name; int64_t ms; } units[] = { { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
    char digits[8];
    uint64_t count;
    size_t len = strlen(text);
    if (len < 2 || len > sizeof digits)
        return false;
    memcpy(digits, text, len - 1);
    digits[len - 1] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (text[len - 1] == units[i].name && ctl_number_parse(digits, 99999, &count) && count > 0) {
            *ms = ctl_now_ms() + (int64_t)count * units[i].ms;
            return true;
        }
    return false;
}

int ctl_act_until(const struct ctl *ctl, int64_t *ms)
{
    static const char shapes[] = "such as +4h, +3d, 2026-12-01, \"2026-12-01 09:30\" or 2026-12-01T09:30:00Z";
    if (ctl->until == NULL)
        return ctl_fail(ctl, CTL_USAGE, "this needs an end: nothing is set that can be forgotten", "add --until TIME");
    bool good = ctl->until[0] == '+' ? distance_parse(ctl->until + 1, ms) : ctl_time_parse(ctl->until, ms);
    return good ? CTL_OK : ctl_fail(ctl, CTL_USAGE, "--until is no time", shapes);
}

static void pair(struct ctl_table *table, const char *label, struct rfl_view before, struct rfl_view after)
{
    ctl_cell(table, "%s", label);
    ctl_cell_view(table, before);
    ctl_cell_view(table, after);
}

/* For what most cases do not have: no line when neither has it. */
static void pair_if(struct ctl_table *table, const char *label, struct rfl_view before, struct rfl_view after)
{
    if (before.len > 0 || after.len > 0)
        pair(table, label, before, after);
}

static void pair_count(struct ctl_table *table, const char *label, uint32_t before, uint32_t after)
{
    if (before == 0 && after == 0)
        return;
    ctl_cell(table, "%s", label);
    ctl_cell_count(table, before);
    ctl_cell_count(table, after);
}

static void acted_case(const struct rfl_case_row *before, const struct rfl_case_row *after)
{
    struct ctl_table table;
    ctl_table_init(&table, "_ BEFORE AFTER");
    pair(&table, "status", rfl_view_of(rfl_status_word((enum rfl_status)before->status)),
         rfl_view_of(rfl_status_word((enum rfl_status)after->status)));
    pair(&table, "queue", before->queue, after->queue);
    pair(&table, "owner", before->owner, after->owner);
    pair(&table, "next", before->next_action, after->next_action);
    ctl_cell(&table, "due");
    ctl_cell_time(&table, before->due_ms);
    ctl_cell_time(&table, after->due_ms);
    pair_if(&table, "hold", before->hold, after->hold);
    pair_if(&table, "linked to", before->linked_to, after->linked_to);
    pair_if(&table, "resembles", before->resembles, after->resembles);
    pair_count(&table, "escalation", before->escalation, after->escalation);
    pair_count(&table, "hops", before->hops, after->hops);
    ctl_table_print(&table, stdout);
}

/* A queue may be paused, diverted and bounded at once; what is felt first comes first. */
void ctl_queue_setting(const struct rfl_queue_row *row, char *out, size_t size)
{
    size_t len = 0;
    if (row->mode == RFL_QUEUE_MODE_PAUSE || row->mode == RFL_QUEUE_MODE_HOLD)
        len += (size_t)snprintf(out, size, row->mode == RFL_QUEUE_MODE_PAUSE ? "paused" : "takes nobody new");
    if (row->to.len > 0 && len < size)
        len += (size_t)snprintf(out + len, size - len, "%sdiverted to %.*s", len > 0 ? ", " : "", (int)row->to.len,
                                (const char *)row->to.p);
    if (row->capacity > 0 && len < size)
        len += (size_t)snprintf(out + len, size - len, "%sat most %u at once", len > 0 ? ", " : "",
                                (unsigned)row->capacity);
    if (len == 0)
        (void)snprintf(out, size, "–");
}

static void acted_queue(const struct rfl_queue_row *row)
{
    struct ctl_table table;
    char setting[CTL_SETTING_BYTES];
    ctl_queue_setting(row, setting, sizeof setting);
    ctl_fields_init(&table);
    ctl_cell(&table, "setting");
    ctl_cell(&table, "%s", setting);
    ctl_cell(&table, "until");
    ctl_cell_time(&table, row->until_ms);
    ctl_cell(&table, "set by");
    ctl_cell_view(&table, row->set_by);
    ctl_cell(&table, "why");
    ctl_cell_view(&table, row->why);
    ctl_cell(&table, "waiting");
    ctl_cell_count(&table, row->waiting);
    ctl_cell(&table, "working");
    ctl_cell_count(&table, row->working);
    ctl_table_print(&table, stdout);
}

/* What the row says once the ask is done; a setting of one mode leaves those of the others. */
static void set_row(const struct rfl_ask *ask, struct rfl_queue_row *row)
{
    bool first = row->mode == RFL_QUEUE_MODE_CLEAR || ask->mode <= row->mode;
    if (ask->mode == RFL_QUEUE_MODE_CLEAR) {
        row->to = row->set_by = row->why = (struct rfl_view){ NULL, 0 };
        row->capacity = 0;
    } else {
        row->set_by = ask->operator_name;
        row->why = ask->why;
    }
    if (first) {
        row->mode = ask->mode;
        row->until_ms = ask->at_ms;
    }
    if (ask->mode == RFL_QUEUE_MODE_DIVERT)
        row->to = ask->to;
    if (ask->mode == RFL_QUEUE_MODE_CAPACITY)
        row->capacity = ask->capacity;
}

static int show_acted(const struct rfl_ask *ask, struct rfl_msg_acted *acted)
{
    ctl_put_view(stdout, acted->queue.name.len > 0 ? acted->queue.name : acted->before.case_code);
    fputs(acted->dry_run ? "  dry run, nothing was changed; it would be:" : "  done:", stdout);
    for (uint32_t i = 0; i < acted->events_count; i++) {
        putchar(' ');
        ctl_put_view(stdout, acted->events[i]);
    }
    putchar('\n');
    if (acted->queue.name.len > 0) {
        if (acted->dry_run)
            set_row(ask, &acted->queue);
        acted_queue(&acted->queue);
    } else {
        acted_case(&acted->before, &acted->after);
    }
    return CTL_OK;
}

/* INVALID comes without findings here: what it was about depends on the verb. */
static const char *remedy_of(uint8_t kind)
{
    if (kind == RFL_MSG_PLACE || kind == RFL_MSG_RELEASE)
        return "name a queue that is there, open and not on hold, where the case is not already; one that said no to "
               "this case before needs --override-no";
    if (kind == RFL_MSG_HOLD)
        return "give an end in the future, not later than the policy's hold clock (clocks.conf)";
    if (kind == RFL_MSG_LINK)
        return "name two different cases, neither closed nor linked already";
    return "give an end in the future; divert to another provider's queue that is open; a capacity above 0";
}

int ctl_act(const struct ctl *ctl, struct ctl_talk *talk, const struct rfl_ask *ask)
{
    struct rfl_reply reply;
    talk->invalid_remedy = remedy_of(ask->kind);
    int exit_code = ctl_ask(ctl, talk, ask, RFL_MSG_ACTED, &reply);
    if (exit_code != CTL_OK)
        return exit_code;
    return ctl->json ? ctl_print_json(&reply) : show_acted(ask, &reply.acted);
}
