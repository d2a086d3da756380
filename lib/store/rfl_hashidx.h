/* rfl_hashidx.h: from a keyed 128-bit hash to a referral id, in memory, in 8 bytes a slot.
 *
 * A slot keeps 24 bits of the hash (the tag) and a 40-bit id, not the hash itself: whoever asks checks the referral
 * behind an id for the whole hash, so a stale or colliding slot costs one more look and is otherwise harmless. The hash
 * is divided over 1,024 small tables that grow one at a time, so no turn waits for all of it to grow, and a table grows
 * without knowing the hashes, because a slot's place follows from its tag.
 *
 * Owns its tables. Not thread-safe. */
#ifndef RFL_HASHIDX_H
#define RFL_HASHIDX_H

#include "rfl_base.h"

enum { RFL_HASHIDX_PARTS = 1024 };
#define RFL_HASHIDX_ID_MAX ((UINT64_C(1) << 40) - 1)

struct rfl_hashidx_part { uint64_t *slots; uint32_t cap, used; };

struct rfl_hashidx {
    struct rfl_hashidx_part parts[RFL_HASHIDX_PARTS];
    uint64_t count, slot_count;
};

/* Whether the thing called `id` has the hash that is looked for (which the caller keeps in ctx). */
typedef bool rfl_hashidx_match(void *ctx, uint64_t id);

void rfl_hashidx_init(struct rfl_hashidx *index);
void rfl_hashidx_fini(struct rfl_hashidx *index);

/* The first id under this hash that `match` says yes to; 0: none. */
uint64_t rfl_hashidx_find(const struct rfl_hashidx *index, struct rfl_hash hash, rfl_hashidx_match *match, void *ctx);

/* Says that this hash will be looked for soon, so that the memory behind it is on its way meanwhile. */
void rfl_hashidx_expect(const struct rfl_hashidx *index, struct rfl_hash hash);

/* Adds a slot, also when one with the same hash is there. id: 1 to RFL_HASHIDX_ID_MAX. RFL_E_MEMORY: nothing was
 * changed. */
RFL_MUST_USE enum rfl_err rfl_hashidx_add(struct rfl_hashidx *index, struct rfl_hash hash, uint64_t id);

/* The slot (hash, from) now says `to`; to 0 removes it. False: there is no such slot. Never needs memory. */
bool rfl_hashidx_change(struct rfl_hashidx *index, struct rfl_hash hash, uint64_t from, uint64_t to);

/* Memory held, in bytes. */
uint64_t rfl_hashidx_bytes(const struct rfl_hashidx *index);

#endif
