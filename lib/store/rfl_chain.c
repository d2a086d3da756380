/* The referrals that share a match key, newest first: whoever loses a key leaves it to the newest that still has it. */
#include "rfl_tables.h"

static enum rfl_err put_row(struct rfl_store *s, const struct rfl_referral *referral, bool is_new)
{
    uint8_t key[RFL_KEY_ID_BYTES], row[RFL_REFERRAL_BYTES];
    rfl_put_be64(key, referral->id.v);
    rfl_referral_encode(referral, row);
    return rfl_env_put(&s->env, RFL_TABLE_REFERRALS, (struct rfl_view){ key, sizeof key },
                       (struct rfl_view){ row, sizeof row }, is_new);
}

/* On from `at`, which is newer than `id`, to the last that is. */
static enum rfl_err walk_to(struct rfl_store *s, unsigned kind, uint64_t id, struct rfl_referral *at)
{
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK && at->prev_of_match[kind].v > id)
        err = rfl_tables_referral(s, at->prev_of_match[kind].v, at);
    return rfl_env_fail(&s->env, err == RFL_E_ABSENT ? RFL_E_CORRUPT : err);
}

static enum rfl_err enter(struct rfl_store *s, unsigned kind, struct rfl_referral *referral)
{
    struct rfl_hash hash = referral->match[kind];
    struct rfl_referral at;
    if (rfl_hash_none(hash))
        return RFL_E_OK;
    enum rfl_err err = rfl_tables_find(s, RFL_BY_MATCH, hash, &at);
    if (err == RFL_E_ABSENT)
        return rfl_tables_move_slot(s, RFL_BY_MATCH, hash, 0, referral->id.v);
    if (err == RFL_E_OK && at.id.v < referral->id.v) {
        referral->prev_of_match[kind] = at.id;
        return rfl_tables_move_slot(s, RFL_BY_MATCH, hash, at.id.v, referral->id.v);
    }
    /* Itself, met by the slot of another of its keys that collides with this one: a chance of one in 2^34. */
    if (err == RFL_E_OK && at.id.v == referral->id.v)
        return rfl_tables_move_slot(s, RFL_BY_MATCH, hash, 0, referral->id.v);
    if (err == RFL_E_OK)
        err = walk_to(s, kind, referral->id.v, &at);
    if (err != RFL_E_OK)
        return err;
    referral->prev_of_match[kind] = at.prev_of_match[kind];
    at.prev_of_match[kind] = referral->id;
    return put_row(s, &at, false);
}

static enum rfl_err leave(struct rfl_store *s, unsigned kind, const struct rfl_referral *referral)
{
    struct rfl_hash hash = referral->match[kind];
    struct rfl_referral at;
    if (rfl_hash_none(hash))
        return RFL_E_OK;
    enum rfl_err err = rfl_tables_find(s, RFL_BY_MATCH, hash, &at);
    if (err == RFL_E_OK && at.id.v == referral->id.v)
        return rfl_tables_move_slot(s, RFL_BY_MATCH, hash, at.id.v, at.prev_of_match[kind].v);
    if (err == RFL_E_OK)
        err = walk_to(s, kind, referral->id.v, &at);
    if (err == RFL_E_ABSENT || (err == RFL_E_OK && at.prev_of_match[kind].v != referral->id.v))
        err = rfl_env_fail(&s->env, RFL_E_CORRUPT);     /* who has a key is in its chain */
    if (err != RFL_E_OK)
        return err;
    at.prev_of_match[kind] = referral->prev_of_match[kind];
    return put_row(s, &at, false);
}

/* The row is there before an index names it: whoever meets the slot may read it. */
enum rfl_err rfl_chain_write(struct rfl_store *s, const struct rfl_referral *before, struct rfl_referral *after)
{
    bool changed[RFL_MATCH_COUNT], follows = false;
    enum rfl_err err = RFL_E_OK;
    for (unsigned kind = 0; kind < RFL_MATCH_COUNT && err == RFL_E_OK; kind++) {
        changed[kind] = before == NULL || !rfl_hash_same(before->match[kind], after->match[kind]);
        if (changed[kind] && before != NULL)
            err = leave(s, kind, before);
        if (changed[kind])
            after->prev_of_match[kind].v = 0;
    }
    if (err == RFL_E_OK)
        err = put_row(s, after, before == NULL);
    for (unsigned kind = 0; kind < RFL_MATCH_COUNT && err == RFL_E_OK; kind++) {
        if (changed[kind])
            err = enter(s, kind, after);
        follows = follows || (changed[kind] && after->prev_of_match[kind].v != 0);
    }
    return follows && err == RFL_E_OK ? put_row(s, after, false) : err;
}
