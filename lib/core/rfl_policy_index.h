/* rfl_policy_index.h: the small open-addressing tables inside a policy. Internal to lib/core/rfl_policy*.c.
 *
 * A slot holds one more than a position in some array, 0 when it is free. Tables are at least twice as long as their
 * arrays and a power of two, so a search always meets a free slot. */
#ifndef RFL_POLICY_INDEX_H
#define RFL_POLICY_INDEX_H

#include "rfl_policy.h"

#define RFL__SLOTS(array) ((uint32_t)(sizeof(array) / sizeof(array)[0]))

static_assert((2 * RFL_POLICY_ALIASES_MAX & (2 * RFL_POLICY_ALIASES_MAX - 1)) == 0, "slots are a power of two");
static_assert((2 * RFL_POLICY_JOBCENTRES_MAX & (2 * RFL_POLICY_JOBCENTRES_MAX - 1)) == 0, "slots are a power of two");
static_assert((2 * RFL_QUEUES_MAX & (2 * RFL_QUEUES_MAX - 1)) == 0, "slots are a power of two");
static_assert((2 * RFL_SOURCES_MAX & (2 * RFL_SOURCES_MAX - 1)) == 0, "slots are a power of two");
static_assert((2 * RFL_POLICY_SUB_CODES_MAX & (2 * RFL_POLICY_SUB_CODES_MAX - 1)) == 0, "slots are a power of two");
static_assert((2 * RFL_AREAS_MAX & (2 * RFL_AREAS_MAX - 1)) == 0, "slots are a power of two");

/* FNV-1a with a final mix; the tables are filled from configuration, so nobody hostile chooses their keys. */
static inline uint32_t rfl__hash_name(struct rfl_view name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ name.p[i]) * 16777619u;
    return h ^ (h >> 15);
}

static inline uint32_t rfl__hash_code(const char code[RFL_CODE_BYTES])
{
    uint64_t a;
    uint32_t b;
    memcpy(&a, code, sizeof a);
    memcpy(&b, code + sizeof a, sizeof b);
    uint64_t h = (a ^ ((uint64_t)b << 20)) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 54);
}

/* The view as a zero-padded code; false when it is empty, too long, or not all A-Z 0-9. */
bool rfl__code_from_view(struct rfl_view view, char code[RFL_CODE_BYTES]);

static inline bool rfl__code_same(const char a[RFL_CODE_BYTES], const char b[RFL_CODE_BYTES])
{
    return memcmp(a, b, RFL_CODE_BYTES) == 0;
}

/* A slug: a-z 0-9 and single inner hyphens; with `parts`, several of them parted by '/'. */
bool rfl__name_ok(struct rfl_view name, bool parts);
/* `least` to RFL_POLICY_TEXT_BYTES_MAX bytes, none of them a control character. */
bool rfl__text_ok(struct rfl_view text, size_t least);
/* Every key exactly once. */
bool rfl__keys_complete(const enum rfl_key keys[RFL_KEY_COUNT]);
bool rfl__pool_has_room(const struct rfl_policy *policy, size_t bytes);
struct rfl_text rfl__pool_put(struct rfl_policy *policy, struct rfl_view text);
void rfl__slot_put(uint16_t *slots, uint32_t count, uint32_t hash, uint32_t position);

/* Places by area and by code, rules and advice by area: the part of compile in rfl_policy_rules.c. */
void rfl__compile_rules(struct rfl_policy *policy);
/* The part of rfl_policy_check in rfl_policy_check_rules.c. */
uint32_t rfl__check_rules(const struct rfl_policy *policy,
                          void (*found)(void *ctx, const struct rfl_policy_finding *finding), void *ctx);

/* The defaults of rfl_policy_told.c, for rfl_policy_init. */
void rfl__policy_told_init(struct rfl_policy *policy);

/* The defaults of the journey's numbers (rfl_policy_journey.c). */
void rfl__policy_journey_init(struct rfl_policy *policy);

#endif
