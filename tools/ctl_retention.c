/* What is kept for how long, and what is there. */
#include <stdlib.h>

#include "ctl.h"

enum { CLASSES_MAX = 16, TEXT_BYTES = 256 };

struct sum { char what[TEXT_BYTES], keep[TEXT_BYTES], why[TEXT_BYTES]; uint64_t items, beyond; int64_t oldest_ms; };

static void add_page(const struct rfl_msg_retention *page, struct sum *sums, uint32_t *count)
{
    *count = page->rows_count < CLASSES_MAX ? page->rows_count : CLASSES_MAX;
    for (uint32_t i = 0; i < *count; i++) {
        const struct rfl_retention_row *row = &page->rows[i];
        (void)snprintf(sums[i].what, TEXT_BYTES, "%.*s", (int)row->what.len, (const char *)row->what.p);
        (void)snprintf(sums[i].keep, TEXT_BYTES, "%.*s", (int)row->keep.len, (const char *)row->keep.p);
        (void)snprintf(sums[i].why, TEXT_BYTES, "%.*s", (int)row->why.len, (const char *)row->why.p);
        sums[i].items += row->items;
        sums[i].beyond += row->beyond;
        if (row->oldest_ms != 0 && (sums[i].oldest_ms == 0 || row->oldest_ms < sums[i].oldest_ms))
            sums[i].oldest_ms = row->oldest_ms;
    }
}

static int print_sums(const struct ctl *ctl, const struct sum *sums, uint32_t count)
{
    struct ctl_table table;
    uint64_t beyond = 0;
    if (ctl->json) {
        json_t *rows = json_array();
        for (uint32_t i = 0; i < count; i++)
            (void)json_array_append_new(rows, json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "what", sums[i].what, "keep",
                sums[i].keep, "items", (json_int_t)sums[i].items, "oldest_ms", (json_int_t)sums[i].oldest_ms, "beyond",
                (json_int_t)sums[i].beyond, "why", sums[i].why));
        return ctl_print_value(json_pack("{s:o}", "rows", rows));
    }
    ctl_table_init(&table, "WHAT KEPT_FOR >ITEMS OLDEST >BEYOND WHY");
    for (uint32_t i = 0; i < count; i++) {
        ctl_cell(&table, "%s", sums[i].what);
        ctl_cell(&table, "%s", sums[i].keep);
        ctl_cell_count(&table, sums[i].items);
        ctl_cell_time(&table, sums[i].oldest_ms);
        ctl_cell_count(&table, sums[i].beyond);
        ctl_cell_view(&table, rfl_view_of(sums[i].why));
        beyond += sums[i].beyond;
    }
    ctl_table_print(&table, stdout);
    printf("a report: nothing is erased by it or by time. %s\n", beyond == 0 ? "Nothing is beyond its time."
           : "What is beyond its time is looked at by a person: referralctl subject erase");
    return CTL_OK;
}

int ctl_retention(const struct ctl *ctl)
{
    static struct sum sums[CLASSES_MAX];
    struct ctl_talk talk;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_RETENTION_QUERY };
    uint32_t count = 0;
    int exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    while (exit_code == CTL_OK) {
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_RETENTION, &reply);
        if (exit_code != CTL_OK)
            break;
        add_page(&reply.retention, sums, &count);
        ask.after_sequence = reply.retention.next;
        if (ask.after_sequence == 0)
            break;
    }
    ctl_talk_close(&talk);
    return exit_code == CTL_OK ? print_sums(ctl, sums, count) : exit_code;
}
