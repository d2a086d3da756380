#include "rfl_flight.h"

#include <stdlib.h>

enum rfl_err rfl_flight_init(struct rfl_flight *flight, uint32_t count_max)
{
    assert(count_max > 0 && count_max <= 1u << 20);
    uint32_t slots = 16;
    while (slots < 2 * count_max)
        slots *= 2;
    *flight = (struct rfl_flight){ .mask = slots - 1, .count_max = count_max, .next_correlation = 1,
                                   .next_due_ms = INT64_MAX };
    flight->slot = calloc(slots, sizeof *flight->slot);
    return flight->slot == NULL ? RFL_E_MEMORY : RFL_E_OK;
}

void rfl_flight_fini(struct rfl_flight *flight)
{
    for (uint32_t i = 0; flight->slot != NULL && i <= flight->mask; i++)
        free(flight->slot[i].frame);
    free(flight->slot);
    *flight = (struct rfl_flight){ 0 };
}

/* Correlations are consecutive, so their low bits are the best hash there is: a run of asks is a run of slots. */
static uint32_t home_of(const struct rfl_flight *flight, uint64_t correlation)
{
    return (uint32_t)correlation & flight->mask;
}

enum rfl_err rfl_flight_add(struct rfl_flight *flight, uint64_t correlation, struct rfl_view frame, int64_t due_ms,
                            struct rfl_flight_entry **out)
{
    assert(correlation != 0 && frame.len > 0 && frame.len <= RFL_MESSAGE_BYTES_MAX);
    if (flight->count == flight->count_max)
        return RFL_E_FULL;
    uint8_t *copy = malloc(frame.len);
    if (copy == NULL)
        return RFL_E_MEMORY;
    memcpy(copy, frame.p, frame.len);
    uint32_t at = home_of(flight, correlation);
    while (flight->slot[at].correlation != 0) {
        assert(flight->slot[at].correlation != correlation);
        at = (at + 1) & flight->mask;
    }
    flight->slot[at] = (struct rfl_flight_entry){ .correlation = correlation, .frame = copy,
                                                  .frame_bytes = (uint32_t)frame.len };
    flight->count++;
    flight->unsent_count++;
    rfl_flight_set_due(flight, &flight->slot[at], due_ms);
    *out = &flight->slot[at];
    return RFL_E_OK;
}

struct rfl_flight_entry *rfl_flight_find(struct rfl_flight *flight, uint64_t correlation)
{
    if (correlation == 0)
        return NULL;
    for (uint32_t at = home_of(flight, correlation); flight->slot[at].correlation != 0; at = (at + 1) & flight->mask)
        if (flight->slot[at].correlation == correlation)
            return &flight->slot[at];
    return NULL;
}

void rfl_flight_remove(struct rfl_flight *flight, struct rfl_flight_entry *entry)
{
    uint32_t hole = (uint32_t)(entry - flight->slot);
    assert(hole <= flight->mask && entry->correlation != 0);
    if (!entry->sent)
        flight->unsent_count--;
    free(entry->frame);
    flight->count--;
    /* Ensures: no empty slot lies between an entry's home and its place, or it would not be found again. */
    for (uint32_t at = (hole + 1) & flight->mask; flight->slot[at].correlation != 0; at = (at + 1) & flight->mask) {
        uint32_t home = home_of(flight, flight->slot[at].correlation);
        if (((at - home) & flight->mask) < ((at - hole) & flight->mask))
            continue;
        flight->slot[hole] = flight->slot[at];
        hole = at;
    }
    flight->slot[hole] = (struct rfl_flight_entry){ 0 };
    if (flight->count == 0)
        flight->next_due_ms = INT64_MAX;
}

void rfl_flight_set_due(struct rfl_flight *flight, struct rfl_flight_entry *entry, int64_t due_ms)
{
    entry->due_ms = due_ms;
    if (due_ms < flight->next_due_ms)
        flight->next_due_ms = due_ms;
}

void rfl_flight_mark_sent(struct rfl_flight *flight, struct rfl_flight_entry *entry)
{
    if (!entry->sent)
        flight->unsent_count--;
    entry->sent = true;
}

void rfl_flight_each_due(struct rfl_flight *flight, int64_t now_ms,
                         bool (*visit)(void *ctx, struct rfl_flight_entry *entry), void *ctx)
{
    if (flight->unsent_count == 0 && now_ms < flight->next_due_ms)
        return;
    bool going = true;
    int64_t next_due_ms = INT64_MAX;
    for (uint32_t i = 0; i <= flight->mask; i++) {
        struct rfl_flight_entry *entry = &flight->slot[i];
        if (entry->correlation == 0)
            continue;
        if (going && (!entry->sent || entry->due_ms <= now_ms))
            going = visit(ctx, entry);
        if (entry->due_ms < next_due_ms)
            next_due_ms = entry->due_ms;
    }
    flight->next_due_ms = next_due_ms;
}
