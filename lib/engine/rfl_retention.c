/* What is kept for how long, and what is there: a report. Nothing is erased without a person's act. */
#include <stdio.h>

#include "rfl_engine_int.h"

enum { CASES_A_TURN_MAX = 2000, ENTRIES_LOOKED_AT_MAX = 64, KEEP_BYTES = 24 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct report { struct rfl_retention_row *rows; int64_t before_ms[RFL_RETENTION_COUNT]; };

static void add(struct report *report, enum rfl_retention class, int64_t since_ms, bool may_go)
{
    struct rfl_retention_row *row = &report->rows[class];
    row->items++;
    if (row->oldest_ms == 0 || since_ms < row->oldest_ms)
        row->oldest_ms = since_ms;
    row->beyond += may_go && since_ms < report->before_ms[class];
}

/* Whether a provider ever said yes. A story longer than what is looked at has had somebody. */
static bool was_accepted(struct rfl_engine *e, const struct rfl_case *kase)
{
    struct rfl_entry entry;
    unsigned looked = 0;
    for (struct rfl_seq seq = kase->last_seq; seq.v != 0; seq = entry.prev_of_case) {
        if (looked++ == ENTRIES_LOOKED_AT_MAX || rfl_store_entry(e->store, seq, &entry) != RFL_E_OK)
            return true;
        for (uint32_t i = 0; i < entry.event_count; i++)
            if (entry.events[i].kind == RFL_EVENT_ACCEPTED)
                return true;
    }
    return false;
}

/* Returns the last case looked at; zero: that was all. */
static uint64_t add_cases(struct rfl_engine *e, struct report *report, uint64_t after)
{
    uint64_t last = rfl_store_next_case(e->store).v - 1, id = after;
    for (unsigned i = 0; i < CASES_A_TURN_MAX && id < last; i++) {
        struct rfl_case kase;
        id++;
        if (rfl_store_case(e->store, (struct rfl_case_id){ id }, &kase) != RFL_E_OK || kase.erased ||
            kase.status != RFL_STATUS_CLOSED)
            continue;
        add(report, was_accepted(e, &kase) ? RFL_RETENTION_CLOSED : RFL_RETENTION_UNACCEPTED, kase.closed_ms,
            kase.kept == 0);
    }
    return id < last ? id : 0;
}

static int64_t time_of(struct rfl_engine *e, uint64_t seq)
{
    struct rfl_entry entry;
    return rfl_store_entry(e->store, (struct rfl_seq){ seq }, &entry) == RFL_E_OK ? entry.wall_ms : INT64_MAX;
}

/* Times only rise along the log, and mail lies in the order of the log: what is older than a moment is a beginning of
 * either, whose end is found by halving. */
static void add_log(struct rfl_engine *e, struct report *report)
{
    struct rfl_store_stat stat;
    struct rfl_retention_row *row = &report->rows[RFL_RETENTION_LOG];
    rfl_store_stat(e->store, &stat);
    uint64_t low = 0, high = stat.entries;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2 + 1;
        if (time_of(e, middle) < report->before_ms[RFL_RETENTION_LOG])
            low = middle;
        else
            high = middle - 1;
    }
    row->items = stat.entries;
    row->oldest_ms = time_of(e, 1);
    row->beyond = low;
}

static void add_mail(struct rfl_engine *e, struct report *report, struct rfl_source_no source)
{
    struct rfl_retention_row *row = &report->rows[RFL_RETENTION_MAIL_WAITING];
    struct rfl_source_row mailbox;
    struct rfl_mail mail;
    rfl_store_source(e->store, source, &mailbox);
    uint64_t low = mailbox.mailbox_acked, high = mailbox.mailbox_last;
    if (!rfl_store_mail_after(e->store, source, low, &mail))
        return;
    int64_t oldest_ms = time_of(e, mail.seq.v);
    if (row->oldest_ms == 0 || oldest_ms < row->oldest_ms)
        row->oldest_ms = oldest_ms;
    row->items += high - low;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (rfl_store_mail_after(e->store, source, middle, &mail) &&
            time_of(e, mail.seq.v) < report->before_ms[RFL_RETENTION_MAIL_WAITING])
            low = middle + 1;
        else
            high = middle;
    }
    row->beyond += low - mailbox.mailbox_acked;
}

static struct rfl_view keep_text(struct rfl_engine *e, uint32_t days)
{
    char text[KEEP_BYTES];
    int len = days > 0 && days % 366 == 0 ? snprintf(text, sizeof text, "%u y", (unsigned)days / 366)
                                          : snprintf(text, sizeof text, "%u d", (unsigned)days);
    return rfl__copy(e, text, (size_t)len);
}

void rfl__handle_retention(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct report report = { .rows = rfl_arena_take(&e->arena, RFL_RETENTION_COUNT * sizeof *report.rows) };
    if (report.rows == NULL) {
        rfl__refuse(e, session, RFL_CODE_BUSY);
        return;
    }
    for (unsigned i = 0; i < RFL_RETENTION_COUNT; i++) {
        const struct rfl_kept *kept = &e->policy->kept[i];
        report.rows[i] = (struct rfl_retention_row){ .what = rfl__literal(rfl_retention_word((enum rfl_retention)i)),
            .keep = keep_text(e, kept->days), .why = rfl_policy_text(e->policy, kept->why) };
        report.before_ms[i] = e->now.wall_ms - (int64_t)kept->days * DAY_MS;
    }
    struct rfl_msg_retention *retention = &rfl__say(e, session, RFL_MSG_RETENTION)->retention;
    retention->next = add_cases(e, &report, ask->after_sequence);
    if (retention->next == 0) {
        add_log(e, &report);
        for (uint32_t i = 0; i < e->policy->source_count; i++)
            add_mail(e, &report, e->policy->source[i].id);
    }
    retention->rows = report.rows;
    retention->rows_count = RFL_RETENTION_COUNT;
}
