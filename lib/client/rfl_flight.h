/* rfl_flight.h: the asks of one client that wait for an answer.
 *
 * A table of fixed capacity, keyed by correlation, that owns a copy of each frame sent, so that the same bytes can be
 * sent again. Correlations are given out in order and never repeat. It reads no clock and sends nothing: the caller
 * says what time it is and asks what is due. Internal to libreferral. */
#ifndef RFL_FLIGHT_H
#define RFL_FLIGHT_H

#include "rfl_base.h"

struct rfl_flight_entry {
    uint64_t correlation;               /* 0: an empty slot */
    uint64_t tag;
    int64_t due_ms;                     /* when to send it again */
    uint8_t *frame;
    uint32_t frame_bytes;
    uint32_t wait_ms;                   /* what the last wait was drawn from; doubles */
    uint8_t kind;                       /* enum rfl_message_kind of the ask */
    bool sent;                          /* handed to ZeroMQ at least once */
};

struct rfl_flight {
    struct rfl_flight_entry *slot;
    uint32_t mask, count, count_max, unsent_count;
    uint64_t next_correlation;
    int64_t next_due_ms;                /* no entry is due earlier; INT64_MAX when there is none */
};

/* RFL_E_MEMORY. count_max: 1 to 2^20. */
RFL_MUST_USE enum rfl_err rfl_flight_init(struct rfl_flight *flight, uint32_t count_max);
void rfl_flight_fini(struct rfl_flight *flight);

/* Takes a copy of the frame. The entry's due_ms is `due_ms`, and it is not marked as sent. RFL_E_FULL, RFL_E_MEMORY.
 * *out is valid until the next add or remove. */
RFL_MUST_USE enum rfl_err rfl_flight_add(struct rfl_flight *flight, uint64_t correlation, struct rfl_view frame,
                                         int64_t due_ms, struct rfl_flight_entry **out);
/* NULL: not waiting (any more). Valid until the next add or remove. */
struct rfl_flight_entry *rfl_flight_find(struct rfl_flight *flight, uint64_t correlation);
void rfl_flight_remove(struct rfl_flight *flight, struct rfl_flight_entry *entry);
void rfl_flight_set_due(struct rfl_flight *flight, struct rfl_flight_entry *entry, int64_t due_ms);
void rfl_flight_mark_sent(struct rfl_flight *flight, struct rfl_flight_entry *entry);
/* Calls `visit` once for each entry due at now_ms or not sent yet, until it returns false; it may set_due and mark_sent
 * the entry it is given, nothing else. */
void rfl_flight_each_due(struct rfl_flight *flight, int64_t now_ms,
                         bool (*visit)(void *ctx, struct rfl_flight_entry *entry), void *ctx);

#endif
