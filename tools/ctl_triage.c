/* The triage desk: what waits there, and what can be done about it. Every change is tried dry or done with a reason. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "rfl_json.h"
#include "rfl_receipt.h"

enum { PAGE_ROWS = 200, LIST_LIMIT_DEFAULT = 100, WHY_BYTES = 96, WORD_BYTES = 64 };

/* ---- the list ---- */

/* One case of the list, kept while others are asked about. */
struct desk_row { char code[RFL_RECEIPT_BYTES]; json_t *json; struct desk_row *next; };
struct desk { struct desk_row *first, **end; uint64_t count, limit; };

static bool is_open(const struct rfl_case_row *row)
{
    return row->status != RFL_STATUS_CLOSED && row->linked_to.len == 0;
}

/* Why a case stands on the desk's list; an empty text when it does not. */
static void why_of(const struct rfl_case_row *row, char out[WHY_BYTES])
{
    out[0] = '\0';
    if (!is_open(row))
        return;
    if (row->status == RFL_STATUS_DECLINING)
        (void)snprintf(out, WHY_BYTES, "a provider proposes to decline");
    else if (row->status == RFL_STATUS_TRIAGE)
        (void)snprintf(out, WHY_BYTES, "no queue yet");
    else if (row->status == RFL_STATUS_ON_HOLD)
        (void)snprintf(out, WHY_BYTES, "held: %.*s", (int)row->hold.len, (const char *)row->hold.p);
    size_t len = strlen(out);
    if (row->escalation > 0)
        len += (size_t)snprintf(out + len, WHY_BYTES - len, "%sescalated %u", len > 0 ? ", " : "",
                                (unsigned)row->escalation);
    if (row->resembles.len > 0)
        (void)snprintf(out + len, WHY_BYTES - len, "%sresembles %.*s", len > 0 ? ", " : "", (int)row->resembles.len,
                       (const char *)row->resembles.p);
}

static void keep_row(struct desk *desk, const struct rfl_case_row *row, json_t *json, const char *why)
{
    struct desk_row *kept = calloc(1, sizeof *kept);
    if (kept == NULL) {
        fputs("referralctl: out of memory\n", stderr);
        exit(CTL_TRY_AGAIN);
    }
    assert(row->case_code.len < sizeof kept->code);
    memcpy(kept->code, row->case_code.p, row->case_code.len);
    kept->json = json_incref(json);
    (void)json_object_set_new(json, "why", json_string(why));
    *desk->end = kept;
    desk->end = &kept->next;
    desk->count++;
}

static void keep_page(struct desk *desk, const struct rfl_reply *reply)
{
    const struct rfl_msg_cases *page = &reply->cases;
    json_t *json = rfl_json_of_reply(reply), *rows = json_object_get(json, "cases");
    for (uint32_t i = 0; i < page->rows_count && desk->count < desk->limit; i++) {
        char why[WHY_BYTES];
        why_of(&page->rows[i], why);
        if (why[0] != '\0')
            keep_row(desk, &page->rows[i], json_array_get(rows, i), why);
    }
    json_decref(json);
}

/* The newest words somebody gave a reason in: a provider's decline, a redirect. */
static void reason_of_timeline(const struct rfl_msg_shown *shown, char out[WORD_BYTES])
{
    static const char *const kinds[] = { "declined", "redirected" };
    for (uint32_t i = 0; i < shown->timeline_count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            const struct rfl_timeline_row *row = &shown->timeline[i];
            if (row->event.len == strlen(kinds[k]) && memcmp(row->event.p, kinds[k], row->event.len) == 0)
                (void)snprintf(out, WORD_BYTES, "%.*s", (int)row->detail.len, (const char *)row->detail.p);
        }
}

/* What a provider said, else how it was placed when it came. */
static int ask_reason(const struct ctl *ctl, struct ctl_talk *talk, struct desk_row *row)
{
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_SHOW, .code = rfl_view_of(row->code) };
    char reason[WORD_BYTES] = "";
    int exit_code = ctl_ask(ctl, talk, &ask, RFL_MSG_SHOWN, &reply);
    if (exit_code != CTL_OK)
        return exit_code;
    reason_of_timeline(&reply.shown, reason);
    ask.kind = RFL_MSG_EXPLAIN;
    if (reason[0] == '\0' && (exit_code = ctl_ask(ctl, talk, &ask, RFL_MSG_EXPLAINED, &reply)) == CTL_OK)
        (void)snprintf(reason, sizeof reason, "%.*s", (int)reply.explained.reason.len,
                       (const char *)reply.explained.reason.p);
    (void)json_object_set_new(row->json, "reason", json_string(reason));
    return exit_code;
}

static void print_row(struct ctl_table *table, const json_t *row)
{
    static const char *const words[] = { "case_code", "status", "why", "reason", "queue", "owner" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *text = json_string_value(json_object_get(row, words[i]));
        ctl_cell_view(table, rfl_view_of(text != NULL ? text : ""));
    }
    ctl_cell_time(table, (int64_t)json_integer_value(json_object_get(row, "due_ms")));
}

static int collect(const struct ctl *ctl, struct ctl_talk *talk, struct rfl_ask *ask, struct desk *desk)
{
    struct rfl_reply reply;
    char after[RFL_NAME_BYTES_MAX];
    do {
        int exit_code = ctl_ask(ctl, talk, ask, RFL_MSG_CASES, &reply);
        if (exit_code != CTL_OK)
            return exit_code;
        keep_page(desk, &reply);
        size_t len = reply.cases.next.len <= sizeof after ? reply.cases.next.len : 0;
        if (len > 0)
            memcpy(after, reply.cases.next.p, len);
        ask->after = (struct rfl_view){ (const uint8_t *)after, len };
    } while (ask->after.len > 0 && desk->count < desk->limit);
    for (struct desk_row *row = desk->first; row != NULL; row = row->next) {
        int exit_code = ask_reason(ctl, talk, row);
        if (exit_code != CTL_OK)
            return exit_code;
    }
    return CTL_OK;
}

static int print_desk(const struct ctl *ctl, const struct desk *desk, bool more)
{
    struct ctl_table table;
    if (ctl->json) {
        json_t *all = json_array();
        for (const struct desk_row *row = desk->first; row != NULL; row = row->next)
            (void)json_array_append(all, row->json);
        return ctl_print_value(json_pack("{s:o, s:b}", "cases", all, "more", (int)more));
    }
    ctl_table_init(&table, "CASE STATUS WHY REASON QUEUE OWNER DUE");
    for (const struct desk_row *row = desk->first; row != NULL; row = row->next)
        print_row(&table, row->json);
    ctl_table_print(&table, stdout);
    printf("%llu on the desk\n", (unsigned long long)desk->count);
    if (more)
        fputs("there may be more: raise --limit, or filter with --status and --queue\n", stderr);
    return CTL_OK;
}

int ctl_triage_list(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct rfl_ask ask = { .kind = RFL_MSG_LIST, .limit = PAGE_ROWS };
    struct desk desk = { .limit = LIST_LIMIT_DEFAULT };
    enum rfl_status status = RFL_STATUS_NONE;
    desk.end = &desk.first;
    if (ctl->limit != NULL && (!ctl_number_parse(ctl->limit, 100000, &desk.limit) || desk.limit == 0))
        return ctl_fail(ctl, CTL_USAGE, "--limit is not a number of rows", "give 1 to 100000");
    if (ctl->status != NULL && (!rfl_status_from_word(ctl->status, strlen(ctl->status), &status)
                                || status == RFL_STATUS_NONE))
        return ctl_fail(ctl, CTL_USAGE, "--status is none of the ten words", "see referralctl list");
    ask.status = (uint8_t)status;
    if (ctl->queue != NULL)
        ask.queue = rfl_view_of(ctl->queue);
    int exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = collect(ctl, &talk, &ask, &desk);
    ctl_talk_close(&talk);
    if (exit_code == CTL_OK)
        exit_code = print_desk(ctl, &desk, ask.after.len > 0);
    while (desk.first != NULL) {
        struct desk_row *row = desk.first;
        desk.first = row->next;
        json_decref(row->json);
        free(row);
    }
    return exit_code;
}

/* ---- the verbs ---- */

/* Opens, does it, closes. */
static int act(const struct ctl *ctl, const struct rfl_ask *ask)
{
    struct ctl_talk talk;
    int exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_act(ctl, &talk, ask);
    ctl_talk_close(&talk);
    return exit_code;
}

/* The three words for placing somebody are one verb of the protocol: here each is refused where another one is meant,
 * so that nobody overrules a provider when they thought they placed someone new. `statuses`: 1 << enum rfl_status. */
struct placing { unsigned statuses; const char *what, *instead; };

/* Where an approved decline goes when no queue is named: to the desk of the case's own area. */
static void desk_of(const struct rfl_case_row *row, char out[RFL_NAME_BYTES_MAX + 8])
{
    if (row->area.len == 0)
        (void)snprintf(out, RFL_NAME_BYTES_MAX + 8, "national/triage");
    else
        (void)snprintf(out, RFL_NAME_BYTES_MAX + 8, "%.*s/triage", (int)row->area.len, (const char *)row->area.p);
}

static int place(const struct ctl *ctl, const struct placing *placing)
{
    struct ctl_talk talk;
    struct rfl_reply reply;
    char desk[RFL_NAME_BYTES_MAX + 8];
    struct rfl_ask show = { .kind = RFL_MSG_SHOW, .code = rfl_view_of(ctl->argv[0]) };
    struct rfl_ask ask = { .kind = RFL_MSG_PLACE, .code = show.code, .override_no = ctl->override_no };
    int exit_code = ctl_act_begin(ctl, &ask);
    if (exit_code != CTL_OK)
        return exit_code;
    exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, &show, RFL_MSG_SHOWN, &reply);
    if (exit_code == CTL_OK) {
        bool other = reply.shown.row.status != RFL_STATUS_CLOSED && reply.shown.row.linked_to.len == 0
            && (placing->statuses >> reply.shown.row.status & 1) == 0;
        desk_of(&reply.shown.row, desk);
        ask.queue = rfl_view_of(ctl->argc > 1 ? ctl->argv[1] : desk);
        char what[WHY_BYTES];
        (void)snprintf(what, sizeof what, "%s; it is %s", placing->what,
                       rfl_status_word((enum rfl_status)reply.shown.row.status));
        exit_code = other ? ctl_fail(ctl, CTL_FINDINGS, what, placing->instead) : ctl_act(ctl, &talk, &ask);
    }
    ctl_talk_close(&talk);
    return exit_code;
}

int ctl_triage_assign(const struct ctl *ctl)
{
    static const struct placing placing = {
        1u << RFL_STATUS_TRIAGE | 1u << RFL_STATUS_ON_HOLD, "assign is for a case that has no provider yet",
        "triage redirect moves it on from a provider's queue; triage approve answers a proposal to decline" };
    return place(ctl, &placing);
}

int ctl_triage_redirect(const struct ctl *ctl)
{
    static const struct placing placing = {
        1u << RFL_STATUS_QUEUED | 1u << RFL_STATUS_OFFERED | 1u << RFL_STATUS_ACCEPTED
            | 1u << RFL_STATUS_WAITING_ON_PERSON | 1u << RFL_STATUS_ACTIVE,
        "redirect is for a case in a provider's queue",
        "triage assign places one that has no provider; triage approve answers a proposal to decline" };
    return place(ctl, &placing);
}

int ctl_triage_approve(const struct ctl *ctl)
{
    static const struct placing placing = {
        1u << RFL_STATUS_DECLINING, "approve is for a provider's proposal to decline",
        "triage list --status declining shows those" };
    return place(ctl, &placing);
}

/* A verb that needs its code, and perhaps a second operand. */
static int simple(const struct ctl *ctl, enum rfl_message_kind kind)
{
    struct rfl_ask ask = { .kind = (uint8_t)kind, .code = rfl_view_of(ctl->argv[0]), .override_no = ctl->override_no };
    int exit_code = ctl_act_begin(ctl, &ask);
    if (ctl->argc > 1 && kind == RFL_MSG_LINK)
        ask.to = rfl_view_of(ctl->argv[1]);
    else if (ctl->argc > 1)
        ask.queue = rfl_view_of(ctl->argv[1]);
    if (exit_code == CTL_OK && kind == RFL_MSG_HOLD)
        exit_code = ctl_act_until(ctl, &ask.at_ms);
    return exit_code == CTL_OK ? act(ctl, &ask) : exit_code;
}

int ctl_triage_send_back(const struct ctl *ctl) { return simple(ctl, RFL_MSG_SEND_BACK); }
int ctl_triage_hold(const struct ctl *ctl) { return simple(ctl, RFL_MSG_HOLD); }
int ctl_triage_release(const struct ctl *ctl) { return simple(ctl, RFL_MSG_RELEASE); }
int ctl_case_link(const struct ctl *ctl) { return simple(ctl, RFL_MSG_LINK); }
int ctl_case_unlink(const struct ctl *ctl) { return simple(ctl, RFL_MSG_UNLINK); }

int ctl_triage_close(const struct ctl *ctl)
{
    struct rfl_ask ask = { .kind = RFL_MSG_SHUT, .code = rfl_view_of(ctl->argv[0]) };
    enum rfl_close word = RFL_CLOSE_NONE;
    int exit_code = ctl_act_begin(ctl, &ask);
    if (exit_code != CTL_OK)
        return exit_code;
    if (ctl->as == NULL || !rfl_close_from_word(ctl->as, strlen(ctl->as), &word) || word == RFL_CLOSE_NONE ||
        word == RFL_CLOSE_JOINED_OTHER_CASE)
        return ctl_fail(ctl, CTL_USAGE, "--as WORD says how it is closed",
                        "completed person_declined person_moved unreachable died not_eligible withdrawn_by_referrer "
                        "sent_in_error already_on_provision");
    ask.reason = (uint8_t)word;
    return act(ctl, &ask);
}
