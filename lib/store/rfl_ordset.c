#include "rfl_ordset.h"

#include <stdlib.h>

struct rfl_ordset_chunk {
    uint32_t count;                                 /* never 0 for a chunk in the list */
    struct rfl_order orders[RFL_ORDSET_CHUNK_MAX];
};

enum { JOIN_BELOW = RFL_ORDSET_CHUNK_MAX / 4, JOINED_MAX = RFL_ORDSET_CHUNK_MAX * 3 / 4 };

/* Here and not rfl_order_compare: it is the inner loop of every search, and inlining it halves its cost. */
static inline bool below(const struct rfl_order *x, const struct rfl_order *y)
{
    if (x->a != y->a)
        return x->a < y->a;
    if (x->b != y->b)
        return x->b < y->b;
    return x->c < y->c;
}

static inline bool same(const struct rfl_order *x, const struct rfl_order *y)
{
    return x->a == y->a && x->b == y->b && x->c == y->c;
}

void rfl_ordset_init(struct rfl_ordset *set)
{
    memset(set, 0, sizeof *set);
}

void rfl_ordset_fini(struct rfl_ordset *set)
{
    for (size_t i = 0; i < set->chunk_count; i++)
        free(set->chunks[i]);
    free(set->chunks);
    rfl_ordset_init(set);
}

/* The first chunk whose last place is not below *order; chunk_count when all are. */
static size_t chunk_at(const struct rfl_ordset *set, const struct rfl_order *order)
{
    size_t low = 0, high = set->chunk_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct rfl_ordset_chunk *chunk = set->chunks[middle];
        if (below(&chunk->orders[chunk->count - 1], order))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first place in the chunk not below *order. */
static uint32_t place_at(const struct rfl_ordset_chunk *chunk, const struct rfl_order *order)
{
    uint32_t low = 0, high = chunk->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (below(&chunk->orders[middle], order))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room for a new chunk at `at`. NULL: out of memory, nothing changed. */
static struct rfl_ordset_chunk *chunk_open(struct rfl_ordset *set, size_t at)
{
    if (set->chunk_count == set->chunk_cap) {
        size_t cap = set->chunk_cap == 0 ? 16 : set->chunk_cap * 2;
        struct rfl_ordset_chunk **chunks = realloc(set->chunks, cap * sizeof *chunks);
        if (chunks == NULL)
            return NULL;
        set->chunks = chunks;
        set->chunk_cap = cap;
    }
    struct rfl_ordset_chunk *chunk = malloc(sizeof *chunk);
    if (chunk == NULL)
        return NULL;
    chunk->count = 0;
    memmove(&set->chunks[at + 1], &set->chunks[at], (set->chunk_count - at) * sizeof *set->chunks);
    set->chunks[at] = chunk;
    set->chunk_count++;
    return chunk;
}

static void chunk_drop(struct rfl_ordset *set, size_t at)
{
    free(set->chunks[at]);
    set->chunk_count--;
    memmove(&set->chunks[at], &set->chunks[at + 1], (set->chunk_count - at) * sizeof *set->chunks);
}

static void chunk_insert(struct rfl_ordset_chunk *chunk, uint32_t at, const struct rfl_order *order)
{
    assert(chunk->count < RFL_ORDSET_CHUNK_MAX && at <= chunk->count);
    memmove(&chunk->orders[at + 1], &chunk->orders[at], (chunk->count - at) * sizeof *order);
    chunk->orders[at] = *order;
    chunk->count++;
}

/* Puts *order, whose place is `at` in the full chunk `index`: after its end into a chunk of its own, so that a run that
 * grows at its end leaves full chunks behind; else the chunk is parted at that place (but not too unevenly), so that a
 * run ending in the middle of a chunk ends at the end of one from then on. */
static enum rfl_err insert_splitting(struct rfl_ordset *set, size_t index, uint32_t at, const struct rfl_order *order)
{
    struct rfl_ordset_chunk *next = chunk_open(set, index + 1);
    if (next == NULL)
        return RFL_E_MEMORY;
    struct rfl_ordset_chunk *chunk = set->chunks[index];
    if (at < chunk->count) {
        uint32_t kept = at < JOIN_BELOW ? JOIN_BELOW : at > JOINED_MAX ? JOINED_MAX : at;
        next->count = chunk->count - kept;
        memcpy(next->orders, &chunk->orders[kept], next->count * sizeof *order);
        chunk->count = kept;
    }
    if (at <= chunk->count && chunk->count < RFL_ORDSET_CHUNK_MAX)
        chunk_insert(chunk, at, order);
    else
        chunk_insert(next, at - chunk->count, order);
    set->count++;
    return RFL_E_OK;
}

/* Of a place between two chunks: whether it goes to the end of the one before `index`. It is a growing run's end more
 * often than a run's start, so yes, unless that would open a chunk where a sparse one lies ready. */
static bool belongs_before(const struct rfl_ordset *set, size_t index)
{
    return set->chunks[index - 1]->count < RFL_ORDSET_CHUNK_MAX || index == set->chunk_count ||
           set->chunks[index]->count > RFL_ORDSET_CHUNK_MAX / 2;
}

enum rfl_err rfl_ordset_insert(struct rfl_ordset *set, const struct rfl_order *order)
{
    size_t index = chunk_at(set, order);
    if (set->chunk_count == 0) {
        struct rfl_ordset_chunk *first = chunk_open(set, 0);
        if (first == NULL)
            return RFL_E_MEMORY;
        chunk_insert(first, 0, order);
        set->count = 1;
        return RFL_E_OK;
    }
    uint32_t at = 0;
    if (index < set->chunk_count) {
        at = place_at(set->chunks[index], order);
        if (same(&set->chunks[index]->orders[at], order))
            return RFL_E_EXISTS;
    }
    if (at == 0 && index > 0 && belongs_before(set, index)) {
        index--;
        at = set->chunks[index]->count;
    }
    struct rfl_ordset_chunk *chunk = set->chunks[index];
    if (chunk->count == RFL_ORDSET_CHUNK_MAX)
        return insert_splitting(set, index, at, order);
    chunk_insert(chunk, at, order);
    set->count++;
    return RFL_E_OK;
}

/* Joins chunk `index` with the one after it when either is sparse and both fit well into one. */
static void join_next(struct rfl_ordset *set, size_t index)
{
    if (index + 1 >= set->chunk_count)
        return;
    struct rfl_ordset_chunk *chunk = set->chunks[index], *next = set->chunks[index + 1];
    if ((chunk->count >= JOIN_BELOW && next->count >= JOIN_BELOW) || chunk->count + next->count > JOINED_MAX)
        return;
    memcpy(&chunk->orders[chunk->count], next->orders, next->count * sizeof next->orders[0]);
    chunk->count += next->count;
    chunk_drop(set, index + 1);
}

enum rfl_err rfl_ordset_remove(struct rfl_ordset *set, const struct rfl_order *order)
{
    size_t index = chunk_at(set, order);
    if (index == set->chunk_count)
        return RFL_E_ABSENT;
    struct rfl_ordset_chunk *chunk = set->chunks[index];
    uint32_t at = place_at(chunk, order);
    if (!same(&chunk->orders[at], order))
        return RFL_E_ABSENT;
    chunk->count--;
    set->count--;
    memmove(&chunk->orders[at], &chunk->orders[at + 1], (chunk->count - at) * sizeof *order);
    if (chunk->count == 0) {
        chunk_drop(set, index);
        return RFL_E_OK;
    }
    join_next(set, index);
    if (index > 0)
        join_next(set, index - 1);
    return RFL_E_OK;
}

static int order_for_sort(const void *x, const void *y)
{
    const struct rfl_order *a = x, *b = y;
    return below(a, b) ? -1 : below(b, a);
}

enum rfl_err rfl_ordset_fill(struct rfl_ordset *set, struct rfl_order *orders, size_t count)
{
    assert(set->count == 0);
    qsort(orders, count, sizeof *orders, order_for_sort);
    for (size_t i = 1; i < count; i++)
        if (same(&orders[i - 1], &orders[i]))
            return RFL_E_EXISTS;
    /* A quarter is left free: a chunk filled to the brim splits at the first place that falls into its middle. */
    for (size_t done = 0; done < count; done += JOINED_MAX) {
        struct rfl_ordset_chunk *chunk = chunk_open(set, set->chunk_count);
        if (chunk == NULL) {
            rfl_ordset_fini(set);
            return RFL_E_MEMORY;
        }
        size_t take = count - done < JOINED_MAX ? count - done : JOINED_MAX;
        memcpy(chunk->orders, orders + done, take * sizeof *orders);
        chunk->count = (uint32_t)take;
    }
    set->count = count;
    return RFL_E_OK;
}

bool rfl_ordset_first(const struct rfl_ordset *set, const struct rfl_order *from, struct rfl_order *out)
{
    size_t index = chunk_at(set, from);
    if (index == set->chunk_count)
        return false;
    const struct rfl_ordset_chunk *chunk = set->chunks[index];
    *out = chunk->orders[place_at(chunk, from)];
    return true;
}

uint64_t rfl_ordset_bytes(const struct rfl_ordset *set)
{
    return set->chunk_count * sizeof(struct rfl_ordset_chunk) + set->chunk_cap * sizeof *set->chunks;
}

uint64_t rfl_ordset_rank(const struct rfl_ordset *set, const struct rfl_order *order)
{
    size_t at = chunk_at(set, order);
    uint64_t before = 0;
    for (size_t i = 0; i < at; i++)
        before += set->chunks[i]->count;
    return at < set->chunk_count ? before + place_at(set->chunks[at], order) : before;
}
