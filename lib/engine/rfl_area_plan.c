/* AreaPlan: what becomes of who waits when areas change, as it would be at a moment, or as it was done. Reads only. */
#include "rfl_areas.h"

#include <stdio.h>

enum { LOOKED_A_PAGE_MAX = 200, ENTRIES_A_PAGE_MAX = 4000, ROWS_MAX = 64, SAMPLES_MAX = 3, CURSOR_BYTES = 64,
       STORY_MAX = 512 };
/* The end of the year 9999: dates end there. */
static const int64_t AT_MS_MAX = INT64_C(253402300799999);

struct page { struct rfl_area_row *rows; struct rfl_view (*samples)[SAMPLES_MAX]; uint32_t count; };

static bool same(struct rfl_view a, struct rfl_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* One case more; false: the page is full. */
static bool add(struct rfl_engine *e, struct page *page, const struct rfl_area_row *one, bool held,
                struct rfl_case_id id)
{
    uint32_t i = 0;
    while (i < page->count && !(same(page->rows[i].queue, one->queue) && same(page->rows[i].to, one->to) &&
                                same(page->rows[i].reason, one->reason)))
        i++;
    if (i == ROWS_MAX)
        return false;
    struct rfl_area_row *row = &page->rows[i];
    if (i == page->count) {
        *row = *one;
        row->samples = page->samples[i];
        page->count++;
    }
    row->held += held;
    row->waiting += !held;
    if (row->samples_count < SAMPLES_MAX)
        page->samples[i][row->samples_count++] = rfl__case_text(e, id);
    return true;
}

static struct rfl_view cursor_text(struct rfl_engine *e, const uint64_t *numbers, unsigned count)
{
    char text[CURSOR_BYTES + 1];
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%llx", i > 0 ? "." : "",
                                (unsigned long long)numbers[i]);
    assert(len <= CURSOR_BYTES);
    return rfl__copy(e, text, len);
}

static bool cursor_read(struct rfl_view text, uint64_t *numbers, unsigned count)
{
    unsigned at = 0, digits = 0;
    memset(numbers, 0, count * sizeof numbers[0]);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        if (c == '.' && digits > 0 && at + 1 < count) {
            at++;
            digits = 0;
            continue;
        }
        bool digit = c >= '0' && c <= '9';
        if ((!digit && (c < 'a' || c > 'f')) || ++digits > 16)
            return false;
        numbers[at] = numbers[at] << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    return at + 1 == count && digits > 0;
}

/* ---- as it would be ---- */

static struct rfl__walk plan_walk(void)
{
    return (struct rfl__walk){ .index = { RFL_INDEX_QUEUE, RFL_INDEX_DESK, RFL_INDEX_WORK }, .index_count = 3 };
}

static struct rfl_view walk_text(struct rfl_engine *e, const struct rfl__walk *walk)
{
    const uint64_t numbers[] = { walk->turn, walk->queue, walk->inside, walk->from.a, walk->from.b, walk->from.c };
    return cursor_text(e, numbers, sizeof numbers / sizeof numbers[0]);
}

static bool walk_read(struct rfl_view text, struct rfl__walk *walk)
{
    uint64_t numbers[6];
    *walk = plan_walk();
    if (text.len == 0)
        return true;
    if (!cursor_read(text, numbers, 6) || numbers[0] >= walk->index_count || numbers[1] >= RFL_QUEUES_MAX)
        return false;
    walk->turn = (unsigned)numbers[0];
    walk->queue = (uint32_t)numbers[1];
    walk->inside = numbers[2] != 0;
    walk->from = (struct rfl_order){ numbers[3], numbers[4], numbers[5] };
    return true;
}

/* Of who is with a worker: as though they had come back to the queue. */
static void come_back(struct rfl_case *kase)
{
    kase->status = RFL_STATUS_QUEUED;
    kase->clock = RFL_CLOCK_ACCEPT;
    kase->holder = 0;
}

static bool plan_one(struct rfl_engine *e, struct page *page, struct rfl_case_id id, bool held)
{
    struct rfl_case kase;
    struct rfl__home home;
    struct rfl_events events;
    if (rfl_store_case(e->store, id, &kase) != RFL_E_OK)
        return true;
    if (held)
        come_back(&kase);
    if (!rfl__home_of(e, &kase, &home) ||
        rfl_decide(e->policy, &kase, &home.command, &e->now, &events) != RFL_E_OK)
        return true;
    const struct rfl_event *event = &events.list[0];
    const struct rfl_area_row row = { .queue = rfl__queue_name(e, kase.queue), .to = rfl__queue_name(e, event->queue),
                                      .reason = rfl__why_desk(e, kase.queue, event, &home.decided.decision) };
    return add(e, page, &row, held, id);
}

/* A page ends after so many cases looked at, so that no question holds up the daemon's turn. */
static void plan_page(struct rfl_engine *e, struct rfl__walk *walk, struct page *page, struct rfl_view *next)
{
    struct rfl__walk before = *walk;
    struct rfl_case_id id;
    for (unsigned looked = 0; rfl__walk_next(e, walk, &id); before = *walk) {
        bool held = walk->index[walk->turn] == RFL_INDEX_WORK;
        if (looked++ < LOOKED_A_PAGE_MAX && plan_one(e, page, id, held))
            continue;
        *next = walk_text(e, &before);
        return;
    }
}

/* ---- as it was done ---- */

/* The first entry at since_ms or later: times in the log never go back. */
static uint64_t first_since(struct rfl_engine *e, int64_t since_ms, uint64_t last)
{
    uint64_t low = 1, high = last + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct rfl_entry entry;
        if (rfl_store_entry(e->store, (struct rfl_seq){ middle }, &entry) == RFL_E_OK && entry.wall_ms < since_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The queue it was in before an entry: where an earlier one had put it. */
static struct rfl_queue_no queue_before(struct rfl_engine *e, struct rfl_seq seq)
{
    struct rfl_entry entry;
    for (unsigned i = 0; i < STORY_MAX && seq.v != 0; i++, seq = entry.prev_of_case) {
        if (rfl_store_entry(e->store, seq, &entry) != RFL_E_OK)
            break;
        for (uint32_t k = entry.event_count; k-- > 0;)
            if ((rfl_event_fields((enum rfl_event_kind)entry.events[k].kind) & RFL_HAS_AREA) != 0)
                return entry.events[k].queue;
    }
    return (struct rfl_queue_no){ 0 };
}

static bool report_one(struct rfl_engine *e, struct page *page, uint64_t seq)
{
    struct rfl_entry entry;
    if (rfl_store_entry(e->store, (struct rfl_seq){ seq }, &entry) != RFL_E_OK ||
        (entry.events[0].kind != RFL_EVENT_REHOMED && entry.events[0].kind != RFL_EVENT_UNHOMED))
        return true;
    const struct rfl_event event = entry.events[0];
    const struct rfl_decision decision = entry.decided.decision;
    const struct rfl_case_id id = entry.kase;
    struct rfl_queue_no from = queue_before(e, entry.prev_of_case);
    const struct rfl_area_row row = { .queue = rfl__queue_name(e, from), .to = rfl__queue_name(e, event.queue),
                                      .reason = rfl__why_desk(e, from, &event, &decision) };
    return add(e, page, &row, false, id);
}

static void report_page(struct rfl_engine *e, uint64_t seq, struct page *page, struct rfl_view *next)
{
    struct rfl_store_stat stat;
    rfl_store_stat(e->store, &stat);
    for (unsigned looked = 0; seq <= stat.entries; seq++) {
        if (looked++ < ENTRIES_A_PAGE_MAX && report_one(e, page, seq))
            continue;
        *next = cursor_text(e, &seq, 1);
        return;
    }
}

static bool report(struct rfl_engine *e, const struct rfl_ask *ask, struct page *page, struct rfl_view *next)
{
    struct rfl_store_stat stat;
    uint64_t seq;
    rfl_store_stat(e->store, &stat);
    if (ask->after.len > 0 && !cursor_read(ask->after, &seq, 1))
        return false;
    if (ask->after.len == 0)
        seq = first_since(e, ask->at_ms, stat.entries);
    report_page(e, seq, page, next);
    return true;
}

/* The engine as it would stand at that moment: its clock and its directory; nothing else of a turn is different. */
static bool plan(struct rfl_engine *e, const struct rfl_ask *ask, struct page *page, struct rfl_view *next)
{
    const struct rfl_now today = e->now;
    const struct rfl_directory *directory = e->directory;
    struct rfl__walk walk;
    if (!walk_read(ask->after, &walk))
        return false;
    if (ask->at_ms > today.wall_ms) {
        e->now.wall_ms = ask->at_ms;
        e->directory = rfl_directory_set_at(e->options.directories, ask->at_ms);
    }
    plan_page(e, &walk, page, next);
    e->now = today;
    e->directory = directory;
    return true;
}

void rfl__handle_area_plan(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct page page = { .rows = rfl_arena_take(&e->arena, ROWS_MAX * sizeof *page.rows),
                         .samples = rfl_arena_take(&e->arena, ROWS_MAX * sizeof *page.samples) };
    struct rfl_view next = { NULL, 0 };
    bool sound = ask->at_ms >= 0 && ask->at_ms <= AT_MS_MAX && page.rows != NULL &&
                 page.samples != NULL;
    if (sound)
        sound = ask->past ? report(e, ask, &page, &next) : plan(e, ask, &page, &next);
    if (!sound) {
        rfl__refuse(e, session, RFL_CODE_INVALID);
        return;
    }
    struct rfl_msg_area_planned *planned = &rfl__say(e, session, RFL_MSG_AREA_PLANNED)->area_planned;
    planned->at_ms = ask->past || ask->at_ms > e->now.wall_ms ? ask->at_ms : e->now.wall_ms;
    planned->rows = page.rows;
    planned->rows_count = page.count;
    planned->next = next;
}
