/* rfl_ordset.h: an ordered set of places (struct rfl_order) in memory: the queue, due and holder indexes.
 *
 * A sorted list of chunks of at most 256 places. Finding is two binary searches; adding or removing moves at most one
 * chunk's worth of bytes; adding at the end of a full chunk opens a new one, so queues that only grow at their end (the
 * usual case) fill their chunks. A chunk that empties is freed and a sparse one is joined with its neighbour.
 *
 * Owns its chunks. Not thread-safe. */
#ifndef RFL_ORDSET_H
#define RFL_ORDSET_H

#include "rfl_case.h"

enum { RFL_ORDSET_CHUNK_MAX = 256 };

struct rfl_ordset_chunk;

struct rfl_ordset {
    struct rfl_ordset_chunk **chunks;
    size_t chunk_count, chunk_cap;
    uint64_t count;
};

void rfl_ordset_init(struct rfl_ordset *set);
void rfl_ordset_fini(struct rfl_ordset *set);

/* RFL_E_EXISTS: it is there already; RFL_E_MEMORY. On any error nothing changed. O(log n). */
RFL_MUST_USE enum rfl_err rfl_ordset_insert(struct rfl_ordset *set, const struct rfl_order *order);

/* RFL_E_ABSENT: it is not there. Never needs memory, so undoing an insert always succeeds. O(log n). */
RFL_MUST_USE enum rfl_err rfl_ordset_remove(struct rfl_ordset *set, const struct rfl_order *order);

/* Fills an empty set with `count` places, which it sorts where they lie. RFL_E_EXISTS: two are the same;
 * RFL_E_MEMORY. On any error the set is empty. */
RFL_MUST_USE enum rfl_err rfl_ordset_fill(struct rfl_ordset *set, struct rfl_order *orders, size_t count);

/* The first place not below *from; false: there is none. */
bool rfl_ordset_first(const struct rfl_ordset *set, const struct rfl_order *from, struct rfl_order *out);

/* How many places lie before *order. O(n / 256). */
uint64_t rfl_ordset_rank(const struct rfl_ordset *set, const struct rfl_order *order);

/* Memory held, in bytes. */
uint64_t rfl_ordset_bytes(const struct rfl_ordset *set);

#endif
