/* What operators have said of queues: pause, hold, divert, capacity. All of it ends by itself. */
#include "rfl_engine_int.h"

static void settings_of(struct rfl_engine *e, struct rfl_queue_no queue, struct rfl_queue_row_stored *out)
{
    int64_t now_ms = e->now.wall_ms;
    rfl_store_queue(e->store, queue, out);
    if (out->pause_until_ms <= now_ms)
        out->pause_until_ms = 0;
    if (out->hold_until_ms <= now_ms)
        out->hold_until_ms = 0;
    if (out->divert_until_ms <= now_ms)
        out->divert_until_ms = 0;
    if (out->capacity_until_ms <= now_ms)
        out->capacity_until_ms = 0;
}

/* One diversion is followed, not a second: else two queues could send people round in circles. */
void rfl__where(struct rfl_engine *e, struct rfl_queue_no queue, struct rfl_command *command)
{
    struct rfl_queue_row_stored at;
    settings_of(e, queue, &at);
    if (at.divert_until_ms != 0 && at.divert_to.v != queue.v) {
        command->target = at.divert_to;
        settings_of(e, at.divert_to, &at);
    }
    command->target_held = at.hold_until_ms != 0;
}

static uint64_t working_in(const struct rfl_engine *e, struct rfl_queue_no queue)
{
    struct rfl_order from = { queue.v, 0, 0 }, past = { queue.v + 1u, 0, 0 };
    return rfl_store_rank(e->store, RFL_INDEX_WORK, &past) - rfl_store_rank(e->store, RFL_INDEX_WORK, &from);
}

bool rfl__queue_rests(struct rfl_engine *e, struct rfl_queue_no queue)
{
    struct rfl_queue_row_stored at;
    settings_of(e, queue, &at);
    int64_t end_ms = at.pause_until_ms != 0 ? at.pause_until_ms : at.capacity_until_ms;
    if (end_ms != 0 && (e->rest_ends_ms == 0 || end_ms < e->rest_ends_ms))
        e->rest_ends_ms = end_ms;
    return at.pause_until_ms != 0 || (at.capacity_until_ms != 0 && working_in(e, queue) >= at.capacity);
}

static void who_and_why(struct rfl_engine *e, struct rfl_seq seq, struct rfl_queue_row *row)
{
    struct rfl_entry entry;
    if (seq.v == 0 || rfl_store_entry(e->store, seq, &entry) != RFL_E_OK)
        return;
    row->set_by = rfl__copy(e, entry.actor_name.p, entry.actor_name.len);
    row->why = rfl__copy(e, entry.why.p, entry.why.len);
}

/* The strongest setting is the row's mode; a capacity is shown beside any. */
void rfl__queue_settings(struct rfl_engine *e, struct rfl_queue_no queue, struct rfl_queue_row *row)
{
    struct rfl_queue_row_stored at;
    settings_of(e, queue, &at);
    row->working = working_in(e, queue);
    row->mode = RFL_QUEUE_MODE_CLEAR;
    if (at.capacity_until_ms != 0) {
        row->mode = RFL_QUEUE_MODE_CAPACITY;
        row->until_ms = at.capacity_until_ms;
        row->capacity = (uint32_t)at.capacity;
    }
    if (at.divert_until_ms != 0) {
        row->mode = RFL_QUEUE_MODE_DIVERT;
        row->until_ms = at.divert_until_ms;
        row->to = rfl__queue_name(e, at.divert_to);
    }
    if (at.hold_until_ms != 0) {
        row->mode = RFL_QUEUE_MODE_HOLD;
        row->until_ms = at.hold_until_ms;
    }
    if (at.pause_until_ms != 0) {
        row->mode = RFL_QUEUE_MODE_PAUSE;
        row->until_ms = at.pause_until_ms;
    }
    if (row->mode != RFL_QUEUE_MODE_CLEAR)
        who_and_why(e, at.set_by, row);
}

static enum rfl_code judge(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_queue *queue,
                           struct rfl_event *event)
{
    bool clear = ask->mode == RFL_QUEUE_MODE_CLEAR, divert = ask->mode == RFL_QUEUE_MODE_DIVERT;
    const struct rfl_queue *to = divert ? rfl_policy_queue_by_name(e->policy, ask->to) : NULL;
    if (ask->operator_name.len == 0 || ask->why.len == 0)
        return RFL_CODE_REASON_MISSING;
    if (queue == NULL || (divert && to == NULL))
        return RFL_CODE_UNKNOWN_QUEUE;
    bool sound = ask->mode < RFL_QUEUE_MODE_COUNT && queue->kind == RFL_QUEUE_KIND_PROVIDER &&
                 (clear || ask->at_ms > e->now.wall_ms) && ask->operator_name.len <= RFL_NAME_BYTES_MAX &&
                 (to == NULL || (to->kind == RFL_QUEUE_KIND_PROVIDER && to != queue));
    if (!sound)
        return RFL_CODE_INVALID;
    *event = (struct rfl_event){ .kind = RFL_EVENT_QUEUE_SET, .queue = queue->id, .code = ask->mode,
                                 .until_ms = clear ? 0 : ask->at_ms,
                                 .upto = ask->mode == RFL_QUEUE_MODE_CAPACITY ? ask->capacity : 0 };
    event->other.v = to != NULL ? to->id.v : 0;
    return RFL_CODE_OK;
}

/* A long reason is cut at a letter's edge: the log keeps it in the clear, beside the queue. */
static struct rfl_view short_why(struct rfl_view why)
{
    if (why.len > RFL_WHY_BYTES_MAX) {
        why.len = RFL_WHY_BYTES_MAX;
        while (why.len > 0 && (why.p[why.len] & 0xC0) == 0x80)
            why.len--;
    }
    return why;
}

void rfl__handle_queue_set(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    static const char *const set = "queue_set";
    const struct rfl_queue *queue = rfl_policy_queue_by_name(e->policy, ask->queue);
    struct rfl_entry entry = { .actor = RFL_ACTOR_OPERATOR, .actor_name = ask->operator_name,
                               .wall_ms = e->now.wall_ms, .event_count = 1, .why = short_why(ask->why) };
    enum rfl_code code = judge(e, ask, queue, &entry.events[0]);
    if (code != RFL_CODE_OK) {
        rfl__refuse(e, session, code);
        return;
    }
    struct rfl_view *events = rfl_arena_take(&e->arena, sizeof *events);
    if (!ask->dry_run && rfl_store_append(e->store, &entry, (struct rfl_view){ NULL, 0 }) != RFL_E_OK)
        return;
    struct rfl_msg_acted *acted = &rfl__say(e, session, RFL_MSG_ACTED)->acted;
    acted->dry_run = ask->dry_run;
    rfl__queue_row(e, queue, &acted->queue);
    if (events != NULL) {
        events[0] = rfl__literal(set);
        acted->events = events;
        acted->events_count = 1;
    }
    e->queue_changes++;             /* a pause or capacity taken back: workers are looked at again */
    rfl__count(e, ask->dry_run ? RFL__N_dry_runs : RFL__N_acted);
}
