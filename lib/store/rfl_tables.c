#include "rfl_tables.h"

#include <stdlib.h>

enum { DIRTY_FIRST = 1024, UNDO_FIRST = 1024 };

/* ---- memory ---- */

enum rfl_err rfl_tables_new(struct rfl_store **out)
{
    struct rfl_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return RFL_E_MEMORY;
    store->env.lock_fd = store->env.data_fd = -1;
    store->dirty_cap = DIRTY_FIRST;
    store->undo_cap = UNDO_FIRST;
    store->dirty = calloc(DIRTY_FIRST, sizeof *store->dirty);
    store->dirty_slots = calloc(2 * DIRTY_FIRST, sizeof *store->dirty_slots);
    store->undo = calloc(UNDO_FIRST, sizeof *store->undo);
    store->sources = calloc(RFL_SOURCE_NUMBERS, sizeof *store->sources);
    store->queues = calloc(RFL_QUEUE_NUMBERS, sizeof *store->queues);
    store->touched = calloc(RFL_SOURCE_NUMBERS, sizeof *store->touched);
    store->is_touched = calloc(RFL_SOURCE_NUMBERS, sizeof *store->is_touched);
    store->entry_bytes = malloc(RFL_ENTRY_BYTES_MAX);
    store->sealed_bytes = malloc(RFL_ENTRY_BYTES_MAX);
    store->read_bytes = malloc(RFL_ENTRY_BYTES_MAX);
    if (store->dirty == NULL || store->dirty_slots == NULL || store->undo == NULL || store->sources == NULL ||
        store->queues == NULL ||
        store->touched == NULL || store->is_touched == NULL || store->entry_bytes == NULL ||
        store->sealed_bytes == NULL || store->read_bytes == NULL) {
        rfl_tables_free(&store);
        return RFL_E_MEMORY;
    }
    *out = store;
    return RFL_E_OK;
}

void rfl_tables_free(struct rfl_store **store)
{
    struct rfl_store *s = *store;
    *store = NULL;
    if (s == NULL)
        return;
    rfl_env_close(&s->env);
    rfl_seal_close(&s->seal);
    for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
        rfl_ordset_fini(&s->order[i]);
    for (unsigned i = 0; i < RFL_HASH_INDEX_COUNT; i++)
        rfl_hashidx_fini(&s->by[i]);
    free(s->dirty);
    free(s->dirty_slots);
    free(s->undo);
    free(s->sources);
    free(s->queues);
    free(s->queue_undo);
    free(s->touched);
    free(s->is_touched);
    free(s->entry_bytes);
    free(s->sealed_bytes);
    free(s->read_bytes);
    free(s);
}

/* ---- the cases of this turn ---- */

static size_t slot_of(const struct rfl_store *s, uint64_t id)
{
    size_t mask = 2 * s->dirty_cap - 1;
    size_t at = (size_t)(id * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;
    while (s->dirty_slots[at] != 0 && s->dirty[s->dirty_slots[at] - 1].now.id.v != id)
        at = (at + 1) & mask;
    return at;
}

static struct rfl_dirty *dirty_find(const struct rfl_store *s, uint64_t id)
{
    uint32_t slot = s->dirty_slots[slot_of(s, id)];
    return slot == 0 ? NULL : &s->dirty[slot - 1];
}

static enum rfl_err dirty_grow(struct rfl_store *s)
{
    size_t cap = 2 * s->dirty_cap;
    struct rfl_dirty *dirty = realloc(s->dirty, cap * sizeof *dirty);
    if (dirty == NULL)
        return rfl_env_fail(&s->env, RFL_E_MEMORY);
    s->dirty = dirty;
    uint32_t *slots = calloc(2 * cap, sizeof *slots);
    if (slots == NULL)
        return rfl_env_fail(&s->env, RFL_E_MEMORY);
    free(s->dirty_slots);
    s->dirty_slots = slots;
    s->dirty_cap = cap;
    for (size_t i = 0; i < s->dirty_count; i++)
        s->dirty_slots[slot_of(s, s->dirty[i].now.id.v)] = (uint32_t)i + 1;
    return RFL_E_OK;
}

static void dirty_clear(struct rfl_store *s)
{
    if (s->dirty_count > 0)
        memset(s->dirty_slots, 0, 2 * s->dirty_cap * sizeof *s->dirty_slots);
    s->dirty_count = 0;
}

/* ---- reading ---- */

enum rfl_err rfl_tables_case(struct rfl_store *s, uint64_t id, struct rfl_case *out)
{
    const struct rfl_dirty *dirty = dirty_find(s, id);
    uint8_t key[RFL_KEY_ID_BYTES];
    struct rfl_view row;
    if (dirty != NULL) {
        *out = dirty->now;
        return RFL_E_OK;
    }
    rfl_put_be64(key, id);
    enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_CASES, (struct rfl_view){ key, sizeof key }, &row);
    if (err == RFL_E_OK)
        err = rfl_case_decode(row, out);
    if (err == RFL_E_OK && out->id.v != id)
        err = RFL_E_CORRUPT;
    return err;
}

enum rfl_err rfl_tables_referral(struct rfl_store *s, uint64_t id, struct rfl_referral *out)
{
    uint8_t key[RFL_KEY_ID_BYTES];
    struct rfl_view row;
    rfl_put_be64(key, id);
    enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_REFERRALS, (struct rfl_view){ key, sizeof key }, &row);
    if (err == RFL_E_OK)
        err = rfl_referral_decode(row, out);
    if (err == RFL_E_OK && out->id.v != id)
        err = RFL_E_CORRUPT;
    return err;
}

/* Keys of different kinds are hashed in different domains, so one index has them all. */
static bool has_hash(const struct rfl_referral *referral, enum rfl_hash_index index, struct rfl_hash hash)
{
    if (index == RFL_BY_REFERENCE)
        return rfl_hash_same(referral->reference, hash);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
        if (rfl_hash_same(referral->match[i], hash))
            return true;
    return false;
}

struct search { struct rfl_store *store; enum rfl_hash_index index; struct rfl_hash hash; struct rfl_referral *out; };

static bool is_searched(void *ctx, uint64_t id)
{
    struct search *search = ctx;
    struct rfl_store *s = search->store;
    enum rfl_err err = rfl_tables_referral(s, id, search->out);
    if (err != RFL_E_OK) {
        (void)rfl_env_fail(&s->env, RFL_E_CORRUPT);     /* an index never names a referral that is not there */
        return true;
    }
    return has_hash(search->out, search->index, search->hash);
}

enum rfl_err rfl_tables_find(struct rfl_store *s, enum rfl_hash_index index, struct rfl_hash hash,
                             struct rfl_referral *out)
{
    struct search search = { s, index, hash, out };
    if (s->env.err != RFL_E_OK)
        return s->env.err;
    uint64_t id = rfl_hashidx_find(&s->by[index], hash, is_searched, &search);
    if (s->env.err != RFL_E_OK)
        return s->env.err;
    return id != 0 ? RFL_E_OK : RFL_E_ABSENT;
}

/* ---- indexes ---- */

/* Moves a case from the places of `before` to those of `after`; the only function that does. New places are taken
 * before old ones are left: only taking one needs memory, so on RFL_E_MEMORY nothing has changed. */
static enum rfl_err move_places(struct rfl_store *s, const struct rfl_case *before, const struct rfl_case *after)
{
    struct rfl_keys from, to;
    rfl_keys_of(before, &from);
    rfl_keys_of(after, &to);
    for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
        if (from.has[i] && to.has[i] && rfl_order_compare(&from.order[i], &to.order[i]) == 0)
            from.has[i] = to.has[i] = false;
    unsigned taken = 0;
    enum rfl_err err = RFL_E_OK, left = RFL_E_OK;
    for (; taken < RFL_INDEX_COUNT && err == RFL_E_OK; taken++)
        if (to.has[taken])
            err = rfl_ordset_insert(&s->order[taken], &to.order[taken]);
    if (err != RFL_E_OK) {
        taken--;                                        /* the one that failed */
        memcpy(&from, &to, sizeof from);                /* leave what was taken, not what was there */
    }
    for (unsigned i = 0; i < taken && left == RFL_E_OK; i++)
        if (from.has[i])
            left = rfl_ordset_remove(&s->order[i], &from.order[i]);
    /* Anything else means that places and cases disagree: our own mistake. */
    assert(left == RFL_E_OK && (err == RFL_E_OK || err == RFL_E_MEMORY));
    if (err != RFL_E_OK)
        return err;
    if (before->status != RFL_STATUS_NONE)
        s->by_status[before->status]--;
    if (after->status != RFL_STATUS_NONE)
        s->by_status[after->status]++;
    s->erased += after->erased;
    s->erased -= before->erased;
    return RFL_E_OK;
}

enum rfl_err rfl_tables_move_slot(struct rfl_store *s, enum rfl_hash_index index, struct rfl_hash hash, uint64_t from,
                                  uint64_t to)
{
    enum rfl_err err = RFL_E_OK;
    if (s->undo_count == s->undo_cap) {
        struct rfl_undo *undo = realloc(s->undo, 2 * s->undo_cap * sizeof *undo);
        if (undo == NULL)
            return rfl_env_fail(&s->env, RFL_E_MEMORY);
        s->undo = undo;
        s->undo_cap *= 2;
    }
    if (from == 0)
        err = rfl_env_fail(&s->env, rfl_hashidx_add(&s->by[index], hash, to));
    else
        (void)rfl_hashidx_change(&s->by[index], hash, from, to);
    if (err == RFL_E_OK)
        s->undo[s->undo_count++] = (struct rfl_undo){ index, hash, from, to };
    return err;
}

enum rfl_err rfl_tables_point_reference(struct rfl_store *s, const struct rfl_referral *referral)
{
    struct rfl_referral older;
    enum rfl_err err = rfl_tables_find(s, RFL_BY_REFERENCE, referral->reference, &older);
    if (err != RFL_E_OK && err != RFL_E_ABSENT)
        return err;
    uint64_t from = err == RFL_E_OK ? older.id.v : 0;
    return rfl_tables_move_slot(s, RFL_BY_REFERENCE, referral->reference, from, referral->id.v);
}

/* hash -> id, in place of an older referral with the same hash: when the table is read from its beginning. */
static enum rfl_err load_hash(struct rfl_store *s, enum rfl_hash_index index, struct rfl_hash hash, uint64_t id)
{
    struct rfl_referral older;
    if (rfl_hash_none(hash))
        return RFL_E_OK;
    enum rfl_err err = rfl_tables_find(s, index, hash, &older);
    if (err == RFL_E_OK)
        (void)rfl_hashidx_change(&s->by[index], hash, older.id.v, id);
    else if (err == RFL_E_ABSENT)
        err = rfl_env_fail(&s->env, rfl_hashidx_add(&s->by[index], hash, id));
    return err;
}

static enum rfl_err load_hashes_of(struct rfl_store *s, const struct rfl_referral *referral)
{
    enum rfl_err err = load_hash(s, RFL_BY_REFERENCE, referral->reference, referral->id.v);
    for (unsigned i = 0; i < RFL_MATCH_COUNT && err == RFL_E_OK; i++)
        err = load_hash(s, RFL_BY_MATCH, referral->match[i], referral->id.v);
    return err;
}

static enum rfl_err load_places(struct rfl_store *s, struct rfl_order *places[RFL_INDEX_COUNT], uint64_t rows)
{
    struct rfl_walk walk = { 0 };
    size_t count[RFL_INDEX_COUNT] = { 0 };
    enum rfl_err err = RFL_E_OK;
    for (uint64_t row = 0; err == RFL_E_OK && row < rows && rfl_walk_next(&s->env, RFL_TABLE_CASES, &walk); row++) {
        struct rfl_case kase;
        struct rfl_keys keys;
        err = rfl_case_decode(walk.value, &kase);
        if (err == RFL_E_OK && (walk.key.len != RFL_KEY_ID_BYTES || rfl_get_be64(walk.key.p) != kase.id.v))
            err = RFL_E_CORRUPT;
        if (err != RFL_E_OK)
            break;
        rfl_keys_of(&kase, &keys);
        for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
            if (keys.has[i])
                places[i][count[i]++] = keys.order[i];
        s->by_status[kase.status]++;
        s->erased += kase.erased;
    }
    if (err == RFL_E_OK)
        err = walk.err;
    rfl_walk_end(&walk);
    for (unsigned i = 0; i < RFL_INDEX_COUNT && err == RFL_E_OK; i++)
        err = rfl_ordset_fill(&s->order[i], places[i], count[i]);
    return err;
}

static enum rfl_err load_hashes(struct rfl_store *s)
{
    struct rfl_walk walk = { 0 };
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK && rfl_walk_next(&s->env, RFL_TABLE_REFERRALS, &walk)) {
        struct rfl_referral referral;
        err = rfl_referral_decode(walk.value, &referral);
        if (err == RFL_E_OK && (walk.key.len != RFL_KEY_ID_BYTES || rfl_get_be64(walk.key.p) != referral.id.v))
            err = RFL_E_CORRUPT;
        if (err == RFL_E_OK)
            err = load_hashes_of(s, &referral);
    }
    if (err == RFL_E_OK)
        err = walk.err;
    rfl_walk_end(&walk);
    return err;
}

enum rfl_err rfl_tables_load_indexes(struct rfl_store *s)
{
    struct rfl_order *places[RFL_INDEX_COUNT] = { NULL };
    uint64_t rows = rfl_env_rows(&s->env, RFL_TABLE_CASES);
    enum rfl_err err = rows == s->state.cases && rfl_env_rows(&s->env, RFL_TABLE_REFERRALS) == s->state.referrals ?
                       RFL_E_OK : RFL_E_CORRUPT;
    for (unsigned i = 0; i < RFL_INDEX_COUNT && err == RFL_E_OK; i++) {
        places[i] = malloc((rows + 1) * sizeof *places[i]);
        err = places[i] == NULL ? RFL_E_MEMORY : RFL_E_OK;
    }
    if (err == RFL_E_OK)
        err = load_places(s, places, rows);
    for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
        free(places[i]);
    return err == RFL_E_OK ? load_hashes(s) : err;
}

enum rfl_err rfl_tables_load_sources(struct rfl_store *s)
{
    struct rfl_walk walk = { 0 };
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK && rfl_walk_next(&s->env, RFL_TABLE_SOURCES, &walk)) {
        struct rfl_source_row row;
        uint8_t key[RFL_KEY_SOURCE_BYTES];
        err = rfl_source_decode(walk.value, &row);
        if (err != RFL_E_OK)
            break;
        rfl_key_source(row.source, key);
        if (walk.key.len != sizeof key || memcmp(walk.key.p, key, sizeof key) != 0)
            err = RFL_E_CORRUPT;
        s->sources[row.source.v] = row;
    }
    if (err == RFL_E_OK)
        err = walk.err;
    rfl_walk_end(&walk);
    return err;
}

/* ---- writing ---- */

static enum rfl_err put_case(struct rfl_store *s, const struct rfl_case *before, const struct rfl_case *after)
{
    struct rfl_dirty *dirty = dirty_find(s, after->id.v);
    if (dirty == NULL) {
        if (s->dirty_count == s->dirty_cap && dirty_grow(s) != RFL_E_OK)
            return s->env.err;
        dirty = &s->dirty[s->dirty_count];
        dirty->before = *before;
        dirty->now = *before;
        dirty->now.id = after->id;
        s->dirty_slots[slot_of(s, after->id.v)] = (uint32_t)++s->dirty_count;
    }
    enum rfl_err err = move_places(s, before, after);
    if (err == RFL_E_OK)
        dirty->now = *after;
    return rfl_env_fail(&s->env, err);
}

/* ---- applying ---- */

static bool brings_referral(const struct rfl_event *event)
{
    return event->kind == RFL_EVENT_RECEIVED || event->kind == RFL_EVENT_JOINED;
}

static bool brings_good_referral(const struct rfl_entry *entry, const struct rfl_event *event, uint64_t id)
{
    return event->submission.id.v == id && entry->source.v != 0 && event->submission.door < RFL_DOOR_COUNT &&
           event->submission.consent < RFL_CONSENT_COUNT;
}

/* An amendment or a withdrawal: of a referral of this case that stands. */
static enum rfl_err judge_referral(struct rfl_store *s, const struct rfl_entry *entry, const struct rfl_event *event)
{
    struct rfl_referral referral;
    enum rfl_err err = rfl_tables_referral(s, event->referral.v, &referral);
    bool good = err == RFL_E_OK && referral.kase.v == entry->kase.v && referral.withdrawn == RFL_WITHDRAW_NONE &&
                event->submission.consent < RFL_CONSENT_COUNT;
    return good || (err != RFL_E_OK && err != RFL_E_ABSENT) ? err : RFL_E_CORRUPT;
}

/* The case after all events of the entry, or why it cannot be; changes nothing. */
static enum rfl_err judge_case(struct rfl_store *s, const struct rfl_entry *entry, struct rfl_case *before,
                               struct rfl_case *after)
{
    uint64_t referrals = s->state.referrals;
    enum rfl_err err = RFL_E_OK;
    memset(before, 0, sizeof *before);
    if (entry->kase.v != s->state.cases + 1)
        err = rfl_tables_case(s, entry->kase.v, before);
    if (err == RFL_E_ABSENT || (err == RFL_E_OK && entry->prev_of_case.v != before->last_seq.v))
        err = RFL_E_CORRUPT;
    *after = *before;
    for (uint32_t i = 0; i < entry->event_count && err == RFL_E_OK; i++) {
        if (brings_referral(&entry->events[i]) && !brings_good_referral(entry, &entry->events[i], ++referrals))
            return RFL_E_CORRUPT;
        if (entry->events[i].referral.v != 0)
            err = judge_referral(s, entry, &entry->events[i]);
        if (err != RFL_E_OK)
            return err;
        err = rfl_apply(after, &entry->events[i], entry, after);
    }
    return err == RFL_E_OK ? rfl_apply_done(after, entry) : err;
}

/* The one thing an event does to `keys`, which is no table that applying the log makes: in a rebuilt store the row is
 * not there. Zeroes first, so that the page it lies in keeps nothing of it; what older pages keep goes with the next
 * compaction. */
static enum rfl_err destroy_key(struct rfl_store *s, struct rfl_case_id id)
{
    static const uint8_t nothing[RFL_SEAL_ROW_BYTES];
    uint8_t key[RFL_KEY_ID_BYTES];
    struct rfl_view row, at = { key, sizeof key };
    rfl_put_be64(key, id.v);
    enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_KEYS, at, &row);
    if (err == RFL_E_ABSENT)
        return RFL_E_OK;
    if (s->seal != NULL && rfl_seal_key_in_use(s->seal, id))
        rfl_seal_key_forget(s->seal);
    if (err == RFL_E_OK)
        err = rfl_env_put(&s->env, RFL_TABLE_KEYS, at, (struct rfl_view){ nothing, sizeof nothing }, false);
    return err == RFL_E_OK ? rfl_env_del(&s->env, RFL_TABLE_KEYS, at) : err;
}

/* What an event does to referrals; the case and its counts follow. */
static enum rfl_err apply_to_referrals(struct rfl_store *s, const struct rfl_entry *entry,
                                       const struct rfl_event *event, struct rfl_referral_id *newest)
{
    if (event->kind == RFL_EVENT_AMENDED || event->kind == RFL_EVENT_WITHDRAWN)
        return rfl_news_change(s, entry, event);
    if (event->kind == RFL_EVENT_ERASED) {
        enum rfl_err err = rfl_news_erase(s, *newest);
        return err == RFL_E_OK ? destroy_key(s, entry->kase) : err;
    }
    if (!brings_referral(event))
        return RFL_E_OK;
    enum rfl_err err = rfl_news_referral(s, entry, event, *newest);
    *newest = event->submission.id;
    if (event->kind == RFL_EVENT_JOINED)
        s->state.joined++;
    else
        s->state.cases = entry->kase.v;
    return err;
}

static enum rfl_err apply_to_case(struct rfl_store *s, const struct rfl_entry *entry, const struct rfl_case *before,
                                  const struct rfl_case *after)
{
    struct rfl_referral_id newest = before->last_referral;
    enum rfl_err err = RFL_E_OK;
    for (uint32_t i = 0; i < entry->event_count && err == RFL_E_OK; i++)
        err = apply_to_referrals(s, entry, &entry->events[i], &newest);
    if (err == RFL_E_OK)
        err = put_case(s, before, after);
    for (uint32_t i = 0; i < entry->event_count && err == RFL_E_OK; i++)
        err = rfl_news_tell(s, entry, (uint8_t)i, newest);
    return err;
}

/* Entries about no case. Judged first, like the others: nothing has been changed when one is refused. */
static enum rfl_err apply_to_store(struct rfl_store *s, const struct rfl_entry *entry)
{
    enum rfl_err err = entry->prev_of_case.v == 0 ? RFL_E_OK : RFL_E_CORRUPT;
    for (uint32_t i = 0; i < entry->event_count && err == RFL_E_OK; i++) {
        const struct rfl_event *event = &entry->events[i];
        if (event->kind == RFL_EVENT_EPOCH_STARTED)
            err = entry->event_count == 1 && event->token.epoch == s->state.epoch + 1 ? RFL_E_OK : RFL_E_CORRUPT;
        else if (event->kind == RFL_EVENT_QUEUE_SET)
            err = rfl_queues_judge(event);
        else if (event->kind != RFL_EVENT_MAILBOX_ACKED && event->kind != RFL_EVENT_POLICY_LOADED)
            err = RFL_E_STATE;
    }
    for (uint32_t i = 0; i < entry->event_count && err == RFL_E_OK; i++) {
        const struct rfl_event *event = &entry->events[i];
        if (event->kind == RFL_EVENT_EPOCH_STARTED)
            s->state.epoch = event->token.epoch;
        else if (event->kind == RFL_EVENT_POLICY_LOADED)
            s->state.policy = entry->seq.v;
        else if (event->kind == RFL_EVENT_QUEUE_SET)
            err = rfl_queues_set(s, entry, event);
        else
            err = rfl_news_acknowledge(s, entry->source, event->upto);
    }
    return err;
}

enum rfl_err rfl_tables_apply(struct rfl_store *s, const struct rfl_entry *entry, const uint8_t head[32])
{
    struct rfl_case before, after;
    if (s->env.err != RFL_E_OK)
        return s->env.err;
    if (entry->seq.v != s->state.entries + 1 || entry->policy.v != s->state.policy || entry->event_count == 0 ||
        entry->event_count > RFL_EVENTS_PER_COMMAND_MAX)
        return RFL_E_CORRUPT;
    enum rfl_err err;
    if (entry->kase.v == 0) {
        err = apply_to_store(s, entry);
    } else {
        err = judge_case(s, entry, &before, &after);
        if (err == RFL_E_OK)
            err = apply_to_case(s, entry, &before, &after);
    }
    if (err != RFL_E_OK)
        return err;
    s->state.entries = entry->seq.v;
    s->state.wall_ms = entry->wall_ms;
    memcpy(s->state.head, head, sizeof s->state.head);
    return RFL_E_OK;
}

/* ---- the end of a turn ---- */

static int by_case_id(const void *x, const void *y)
{
    const struct rfl_dirty *a = x, *b = y;
    return (a->now.id.v > b->now.id.v) - (a->now.id.v < b->now.id.v);
}

enum rfl_err rfl_tables_flush(struct rfl_store *s)
{
    uint8_t key[RFL_KEY_ID_BYTES], row[RFL_CASE_BYTES], source_key[RFL_KEY_SOURCE_BYTES], source[RFL_SOURCE_BYTES];
    uint8_t state[RFL_STATE_BYTES];
    enum rfl_err err = s->env.err;
    if (err != RFL_E_OK || s->state.entries == s->state_before.entries)
        return err;
    /* In the order of their ids, so that new ones are appended. Slots no longer match: nothing looks after this. */
    qsort(s->dirty, s->dirty_count, sizeof *s->dirty, by_case_id);
    for (size_t i = 0; i < s->dirty_count && err == RFL_E_OK; i++) {
        rfl_put_be64(key, s->dirty[i].now.id.v);
        rfl_case_encode(&s->dirty[i].now, row);
        err = rfl_env_put(&s->env, RFL_TABLE_CASES, (struct rfl_view){ key, sizeof key },
                          (struct rfl_view){ row, sizeof row }, s->dirty[i].before.id.v == 0);
    }
    for (size_t i = 0; i < s->touched_count && err == RFL_E_OK; i++) {
        rfl_key_source(s->touched[i].source, source_key);
        rfl_source_encode(&s->sources[s->touched[i].source.v], source);
        err = rfl_env_put(&s->env, RFL_TABLE_SOURCES, (struct rfl_view){ source_key, sizeof source_key },
                          (struct rfl_view){ source, sizeof source }, false);
    }
    rfl_state_encode(&s->state, state);
    static const uint8_t name[] = { 's', 't', 'a', 't', 'e' };
    if (err == RFL_E_OK)
        err = rfl_env_put(&s->env, RFL_TABLE_META, (struct rfl_view){ name, sizeof name },
                          (struct rfl_view){ state, sizeof state }, false);
    return err;
}

static void forget_turn(struct rfl_store *s)
{
    dirty_clear(s);
    s->undo_count = 0;
    for (size_t i = 0; i < s->touched_count; i++)
        s->is_touched[s->touched[i].source.v] = false;
    s->touched_count = 0;
    s->queue_undo_count = 0;
}

void rfl_tables_keep(struct rfl_store *s)
{
    forget_turn(s);
    s->state_before = s->state;
}

void rfl_tables_undo(struct rfl_store *s)
{
    for (size_t i = 0; i < s->dirty_count; i++)
        if (move_places(s, &s->dirty[i].now, &s->dirty[i].before) != RFL_E_OK)
            s->env.dead = RFL_E_MEMORY;     /* the indexes are not what they must be; only a new start makes them so */
    while (s->undo_count > 0) {
        const struct rfl_undo *undo = &s->undo[--s->undo_count];
        if (undo->to != 0)
            (void)rfl_hashidx_change(&s->by[undo->index], undo->hash, undo->to, undo->from);
        else if (rfl_hashidx_add(&s->by[undo->index], undo->hash, undo->from) != RFL_E_OK)
            s->env.dead = RFL_E_MEMORY;
    }
    for (size_t i = 0; i < s->touched_count; i++)
        s->sources[s->touched[i].source.v] = s->touched[i];
    while (s->queue_undo_count > 0) {
        const struct rfl_queue_row_stored *row = &s->queue_undo[--s->queue_undo_count];
        s->queues[row->queue.v] = *row;
    }
    forget_turn(s);
    s->state = s->state_before;
    if (s->seal != NULL)
        rfl_seal_key_forget(s->seal);       /* it may be the key of a case that now never was */
}
