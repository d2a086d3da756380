/* The one function that appends, and the reverse of its sealing. */
#include "rfl_tables.h"

static struct rfl_view case_key(struct rfl_case_id id, uint8_t key[RFL_KEY_ID_BYTES])
{
    rfl_put_be64(key, id.v);
    return (struct rfl_view){ key, RFL_KEY_ID_BYTES };
}

/* Puts the case's data key in use. RFL_E_ABSENT: it has been erased. */
static enum rfl_err use_key(struct rfl_store *s, struct rfl_case_id id)
{
    uint8_t key[RFL_KEY_ID_BYTES];
    struct rfl_view row;
    if (rfl_seal_key_in_use(s->seal, id))
        return RFL_E_OK;
    enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_KEYS, case_key(id, key), &row);
    return err == RFL_E_OK ? rfl_seal_key_load(s->seal, id, row) : err;
}

static enum rfl_err make_key(struct rfl_store *s, struct rfl_case_id id)
{
    uint8_t key[RFL_KEY_ID_BYTES], row[RFL_SEAL_ROW_BYTES];
    rfl_seal_key_new(s->seal, id, row);
    return rfl_env_put(&s->env, RFL_TABLE_KEYS, case_key(id, key), (struct rfl_view){ row, sizeof row }, true);
}

static bool erases(const struct rfl_entry *entry)
{
    for (uint32_t i = 0; i < entry->event_count; i++)
        if (entry->events[i].kind == RFL_EVENT_ERASED)
            return true;
    return false;
}

/* Seals into the store's own buffer; entry->sealed is a view of it. What would be sealed with a key that goes with the
 * same entry is a mistake: nobody could ever read it. */
static enum rfl_err seal_personal(struct rfl_store *s, struct rfl_entry *entry, struct rfl_view personal)
{
    bool opens_case = entry->kase.v != 0 && entry->kase.v == s->state.cases + 1;
    enum rfl_err err = RFL_E_OK;
    entry->sealed = (struct rfl_view){ NULL, 0 };
    if (opens_case)
        err = make_key(s, entry->kase);
    if (personal.len == 0 || err != RFL_E_OK)
        return err;
    if (entry->kase.v == 0 || erases(entry) ||
        personal.len > RFL_ENTRY_BYTES_MAX - RFL_ENTRY_CLEAR_BYTES_MAX - RFL_SEAL_OVERHEAD_BYTES)
        return RFL_E_INVALID;
    err = use_key(s, entry->kase);
    if (err != RFL_E_OK)
        return err;
    entry->sealed.len = rfl_seal_text(s->seal, entry->kase, entry->seq, personal, s->sealed_bytes);
    entry->sealed.p = s->sealed_bytes;
    return RFL_E_OK;
}

static enum rfl_err put_parts(struct rfl_store *s, struct rfl_seq seq, struct rfl_view bytes)
{
    uint8_t key[RFL_KEY_PART_BYTES];
    enum rfl_err err = RFL_E_OK;
    uint16_t number = 0;
    for (size_t done = 0; done < bytes.len && err == RFL_E_OK; done += RFL_VALUE_BYTES_MAX) {
        size_t left = bytes.len - done;
        rfl_key_part(seq.v, number++, key);
        err = rfl_env_put(&s->env, RFL_TABLE_LOG, (struct rfl_view){ key, sizeof key },
                          (struct rfl_view){ bytes.p + done, left < RFL_VALUE_BYTES_MAX ? left : RFL_VALUE_BYTES_MAX },
                          true);
    }
    return err;
}

static enum rfl_err give_places(struct rfl_store *s, struct rfl_entry *entry)
{
    struct rfl_case kase;
    entry->seq.v = s->state.entries + 1;
    entry->policy.v = s->state.policy;
    entry->prev_of_case.v = 0;
    if (entry->kase.v == 0 || entry->kase.v == s->state.cases + 1)
        return RFL_E_OK;
    enum rfl_err err = rfl_tables_case(s, entry->kase.v, &kase);
    if (err == RFL_E_OK)
        entry->prev_of_case = kase.last_seq;
    return err;
}

enum rfl_err rfl_store_append(struct rfl_store *s, struct rfl_entry *entry, struct rfl_view personal)
{
    uint8_t head[32];
    assert(s->env.txn != NULL);
    enum rfl_err err = s->env.err;
    if (err == RFL_E_OK)
        err = give_places(s, entry);
    if (err == RFL_E_OK)
        err = seal_personal(s, entry, personal);
    if (err == RFL_E_OK) {
        struct rfl_view bytes = { s->entry_bytes, 0 };
        bytes.len = rfl_entry_encode(entry, s->state.head, s->entry_bytes, RFL_ENTRY_BYTES_MAX);
        rfl_seal_chain(bytes, head);
        err = bytes.len == 0 ? RFL_E_INVALID : put_parts(s, entry->seq, bytes);
    }
    if (err == RFL_E_OK)
        err = rfl_tables_apply(s, entry, head);
    return rfl_env_fail(&s->env, err);
}

enum rfl_err rfl_store_unseal(struct rfl_store *s, const struct rfl_entry *entry, uint8_t *out, size_t cap,
                              size_t *len_out)
{
    if (entry->sealed.len == 0)
        return RFL_E_ABSENT;
    if (entry->sealed.len < RFL_SEAL_OVERHEAD_BYTES || entry->kase.v == 0)
        return RFL_E_CORRUPT;
    if (entry->sealed.len - RFL_SEAL_OVERHEAD_BYTES > cap)
        return RFL_E_FULL;
    enum rfl_err err = use_key(s, entry->kase);
    if (err == RFL_E_OK)
        err = rfl_seal_open_text(s->seal, entry->kase, entry->seq, entry->sealed, out);
    if (err == RFL_E_OK)
        *len_out = entry->sealed.len - RFL_SEAL_OVERHEAD_BYTES;
    return err;
}
