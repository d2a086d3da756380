#include "rfl_hashidx.h"

#include <stdlib.h>

/* Linear probing. Slots of one table lie in the order of their homes, a home is tag * cap >> 24, and an empty slot is 0
 * (ids start at 1). Growing by half when seven eighths are used gives 9 to 14 bytes an entry. */
enum { TAG_BITS = 24, ID_BITS = 40, CAP_FIRST = 16 };

static uint32_t part_of(struct rfl_hash hash)
{
    return ((uint32_t)hash.b[0] << 8 | hash.b[1]) % RFL_HASHIDX_PARTS;
}

static uint64_t tag_of(struct rfl_hash hash)
{
    return (uint64_t)hash.b[2] << 16 | (uint64_t)hash.b[3] << 8 | hash.b[4];
}

static uint32_t home_of(const struct rfl_hashidx_part *part, uint64_t tag)
{
    return (uint32_t)(tag * part->cap >> TAG_BITS);
}

static uint32_t after(const struct rfl_hashidx_part *part, uint32_t at)
{
    return at + 1 == part->cap ? 0 : at + 1;
}

void rfl_hashidx_init(struct rfl_hashidx *index)
{
    memset(index, 0, sizeof *index);
}

void rfl_hashidx_fini(struct rfl_hashidx *index)
{
    for (size_t i = 0; i < RFL_HASHIDX_PARTS; i++)
        free(index->parts[i].slots);
    rfl_hashidx_init(index);
}

uint64_t rfl_hashidx_find(const struct rfl_hashidx *index, struct rfl_hash hash, rfl_hashidx_match *match, void *ctx)
{
    const struct rfl_hashidx_part *part = &index->parts[part_of(hash)];
    uint64_t tag = tag_of(hash);
    if (part->cap == 0)
        return 0;
    for (uint32_t at = home_of(part, tag); part->slots[at] != 0; at = after(part, at)) {
        uint64_t id = part->slots[at] & RFL_HASHIDX_ID_MAX;
        if (part->slots[at] >> ID_BITS == tag && match(ctx, id))
            return id;
    }
    return 0;
}

void rfl_hashidx_expect(const struct rfl_hashidx *index, struct rfl_hash hash)
{
    const struct rfl_hashidx_part *part = &index->parts[part_of(hash)];
    if (part->cap > 0)
        __builtin_prefetch(&part->slots[home_of(part, tag_of(hash))]);
}

static void place(struct rfl_hashidx_part *part, uint64_t slot)
{
    uint32_t at = home_of(part, slot >> ID_BITS);
    while (part->slots[at] != 0)
        at = after(part, at);
    part->slots[at] = slot;
}

static enum rfl_err grow(struct rfl_hashidx *index, struct rfl_hashidx_part *part)
{
    struct rfl_hashidx_part bigger = { NULL, part->cap == 0 ? CAP_FIRST : part->cap + part->cap / 2, part->used };
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return RFL_E_MEMORY;
    for (uint32_t i = 0; i < part->cap; i++)
        if (part->slots[i] != 0)
            place(&bigger, part->slots[i]);
    index->slot_count += bigger.cap - part->cap;
    free(part->slots);
    *part = bigger;
    return RFL_E_OK;
}

enum rfl_err rfl_hashidx_add(struct rfl_hashidx *index, struct rfl_hash hash, uint64_t id)
{
    assert(id != 0 && id <= RFL_HASHIDX_ID_MAX);
    struct rfl_hashidx_part *part = &index->parts[part_of(hash)];
    if (part->used >= part->cap - part->cap / 8 && grow(index, part) != RFL_E_OK)
        return RFL_E_MEMORY;
    place(part, tag_of(hash) << ID_BITS | id);
    part->used++;
    index->count++;
    return RFL_E_OK;
}

/* Empties the slot at `hole` and moves back whoever was pushed past it, so that no search stops short. */
static void close_hole(struct rfl_hashidx_part *part, uint32_t hole)
{
    for (uint32_t at = after(part, hole); part->slots[at] != 0; at = after(part, at)) {
        uint32_t home = home_of(part, part->slots[at] >> ID_BITS);
        uint32_t from_home = at >= home ? at - home : at + part->cap - home;
        uint32_t from_hole = at >= hole ? at - hole : at + part->cap - hole;
        if (from_home < from_hole)
            continue;               /* its home lies behind the hole: it may stay */
        part->slots[hole] = part->slots[at];
        hole = at;
    }
    part->slots[hole] = 0;
}

bool rfl_hashidx_change(struct rfl_hashidx *index, struct rfl_hash hash, uint64_t from, uint64_t to)
{
    assert(from != 0 && to <= RFL_HASHIDX_ID_MAX);
    struct rfl_hashidx_part *part = &index->parts[part_of(hash)];
    uint64_t slot = tag_of(hash) << ID_BITS | from;
    if (part->cap == 0)
        return false;
    uint32_t at = home_of(part, tag_of(hash));
    while (part->slots[at] != slot) {
        if (part->slots[at] == 0)
            return false;
        at = after(part, at);
    }
    if (to != 0) {
        part->slots[at] = tag_of(hash) << ID_BITS | to;
        return true;
    }
    close_hole(part, at);
    part->used--;
    index->count--;
    return true;
}

uint64_t rfl_hashidx_bytes(const struct rfl_hashidx *index)
{
    return index->slot_count * sizeof(uint64_t) + sizeof *index;
}
