/* rfl_arena.h: a bump arena with a hard cap, for everything that lives one message or one turn.
 *
 * Memory it gives is zeroed and aligned to 16. Over the cap it gives NULL: a message that would need more is refused.
 * Reset forgets everything at once. The memory is the owner's; the arena frees nothing by itself. */
#ifndef RFL_ARENA_H
#define RFL_ARENA_H

#include "rfl_base.h"

struct rfl_arena { uint8_t *base; size_t cap, used; };

static inline void rfl_arena_init(struct rfl_arena *arena, void *memory, size_t cap)
{
    *arena = (struct rfl_arena){ memory, cap & ~(size_t)15, 0 };
}
static inline void rfl_arena_reset(struct rfl_arena *arena) { arena->used = 0; }

static inline void *rfl_arena_take(struct rfl_arena *arena, size_t bytes)
{
    if (bytes > arena->cap - arena->used)
        return NULL;
    size_t take = (bytes + 15) & ~(size_t)15;       /* cap and used are multiples of 16, so this still fits */
    uint8_t *p = arena->base + arena->used;
    arena->used += take;
    return memset(p, 0, take);                      /* generated decoders expect zeroes */
}

#endif
