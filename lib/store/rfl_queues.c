/* What operators have said of queues: a row each, in a table and in memory. */
#include <stdlib.h>

#include "rfl_tables.h"

enum { QUEUE_UNDO_FIRST = 16 };

enum rfl_err rfl_queues_judge(const struct rfl_event *event)
{
    bool clear = event->code == RFL_QUEUE_MODE_CLEAR;
    if (event->code >= RFL_QUEUE_MODE_COUNT || event->queue.v == 0 || event->other.v > UINT16_MAX ||
        (!clear && event->until_ms <= 0) || ((event->code == RFL_QUEUE_MODE_DIVERT) != (event->other.v != 0)))
        return RFL_E_CORRUPT;
    return RFL_E_OK;
}

static enum rfl_err remember(struct rfl_store *s, const struct rfl_queue_row_stored *row)
{
    if (s->queue_undo_count == s->queue_undo_cap) {
        size_t cap = s->queue_undo_cap == 0 ? QUEUE_UNDO_FIRST : 2 * s->queue_undo_cap;
        struct rfl_queue_row_stored *undo = realloc(s->queue_undo, cap * sizeof *undo);
        if (undo == NULL)
            return rfl_env_fail(&s->env, RFL_E_MEMORY);
        s->queue_undo = undo;
        s->queue_undo_cap = cap;
    }
    s->queue_undo[s->queue_undo_count++] = *row;
    return RFL_E_OK;
}

enum rfl_err rfl_queues_set(struct rfl_store *s, const struct rfl_entry *entry, const struct rfl_event *event)
{
    struct rfl_queue_row_stored *row = &s->queues[event->queue.v];
    uint8_t key[RFL_KEY_QUEUE_BYTES], bytes[RFL_QUEUE_BYTES];
    row->queue = event->queue;
    enum rfl_err err = remember(s, row);
    if (err != RFL_E_OK)
        return err;
    switch ((enum rfl_queue_mode)event->code) {
    case RFL_QUEUE_MODE_CLEAR: *row = (struct rfl_queue_row_stored){ .queue = event->queue }; break;
    case RFL_QUEUE_MODE_PAUSE: row->pause_until_ms = event->until_ms; break;
    case RFL_QUEUE_MODE_HOLD: row->hold_until_ms = event->until_ms; break;
    case RFL_QUEUE_MODE_DIVERT:
        row->divert_until_ms = event->until_ms;
        row->divert_to.v = (uint16_t)event->other.v;
        break;
    case RFL_QUEUE_MODE_CAPACITY:
        row->capacity_until_ms = event->until_ms;
        row->capacity = event->upto;
        break;
    case RFL_QUEUE_MODE_COUNT: break;
    }
    row->set_by = entry->seq;
    rfl_key_queue(event->queue, key);
    rfl_queue_encode(row, bytes);
    return rfl_env_put(&s->env, RFL_TABLE_QUEUES, (struct rfl_view){ key, sizeof key },
                       (struct rfl_view){ bytes, sizeof bytes }, false);
}

enum rfl_err rfl_queues_load(struct rfl_store *s)
{
    struct rfl_walk walk = { 0 };
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK && rfl_walk_next(&s->env, RFL_TABLE_QUEUES, &walk)) {
        struct rfl_queue_row_stored row;
        uint8_t key[RFL_KEY_QUEUE_BYTES];
        err = rfl_queue_decode(walk.value, &row);
        if (err != RFL_E_OK)
            break;
        rfl_key_queue(row.queue, key);
        if (walk.key.len != sizeof key || memcmp(walk.key.p, key, sizeof key) != 0)
            err = RFL_E_CORRUPT;
        s->queues[row.queue.v] = row;
    }
    if (err == RFL_E_OK)
        err = walk.err;
    rfl_walk_end(&walk);
    return err;
}
