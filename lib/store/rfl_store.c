#include "rfl_store.h"

#include <errno.h>
#include <stdlib.h>

#include "rfl_opening.h"
#include "rfl_path.h"
#include "rfl_tables.h"

/* ---- opening ---- */

static struct rfl_view name_of(const char *name) { return (struct rfl_view){ (const uint8_t *)name, strlen(name) }; }

enum rfl_err rfl_store_key_path(const char *dir, const struct rfl_store_options *options,
                                char out[RFL_PATH_BYTES_MAX], const char **why_out)
{
    const char *name = options->key_path != NULL ? options->key_path : "master.key";
    bool inside = options->key_path == NULL, credential = !inside && strchr(name, '/') == NULL;
    *why_out = "the master key is named without a folder and systemd has handed over no credentials: name it with one";
    if (credential && (options->credentials_dir == NULL || options->credentials_dir[0] == '\0'))
        return RFL_E_ABSENT;
    *why_out = "the path of the master key is too long";
    if (inside || credential)
        return rfl_path_join(out, inside ? dir : options->credentials_dir, name) ? RFL_E_OK : RFL_E_INVALID;
    size_t len = strlen(name);
    if (len >= RFL_PATH_BYTES_MAX)
        return RFL_E_INVALID;
    memcpy(out, name, len + 1);
    return RFL_E_OK;
}

static enum rfl_err open_identity(struct rfl_store *s, const char **why_out)
{
    struct rfl_view row;
    *why_out = "the store has no readable identity: restore a backup";
    enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_META, name_of("store"), &row);
    if (err == RFL_E_OK)
        err = rfl_identity_decode(row, &s->identity);
    if (err == RFL_E_VERSION)
        *why_out = "the store was written by another version of this program: use that version, or upgrade it";
    return err == RFL_E_ABSENT ? RFL_E_CORRUPT : err;
}

static enum rfl_err open_seal(struct rfl_store *s, const char *dir, const struct rfl_store_options *options,
                              const char **why_out)
{
    char path[RFL_PATH_BYTES_MAX];
    uint8_t key[RFL_KEY_ID_BYTES] = { 0 };
    struct rfl_view row, begun;
    enum rfl_err err = rfl_store_key_path(dir, options, path, why_out);
    if (err != RFL_E_OK)
        return err;
    *why_out = "a rotation of the master key was begun and not finished: run it again with the same new key";
    err = rfl_env_get(&s->env, RFL_TABLE_META, name_of("rotation"), &begun);
    if (err != RFL_E_ABSENT)
        return err == RFL_E_OK ? RFL_E_STATE : err;
    *why_out = "the wrapped store secret is missing: restore a backup";
    err = rfl_env_get(&s->env, RFL_TABLE_KEYS, (struct rfl_view){ key, sizeof key }, &row);
    if (err != RFL_E_OK)
        return err == RFL_E_ABSENT ? RFL_E_CORRUPT : err;
    err = rfl_seal_open(path, s->identity.store_id, rfl_seal_row_version(row), &s->seal, why_out);
    if (err != RFL_E_OK)
        return err;
    *why_out = "this master key is not the one of this store";
    return rfl_seal_secret_load(s->seal, row);
}

/* A store that was never compacted has no such row. */
static enum rfl_err open_compacted(struct rfl_store *s)
{
    struct rfl_view row;
    enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_META, name_of("compacted"), &row);
    return err == RFL_E_OK ? rfl_compacted_decode(row, &s->compacted) : err == RFL_E_ABSENT ? RFL_E_OK : err;
}

enum rfl_err rfl_opening_state(struct rfl_store *s, const char **why_out)
{
    struct rfl_view row;
    *why_out = "the store's state row is damaged: rebuild it from its log";
    enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_META, name_of("state"), &row);
    if (err == RFL_E_OK)
        err = rfl_state_decode(row, &s->state);
    if (err == RFL_E_OK) {
        *why_out = "a row of a source is damaged: rebuild the store from its log";
        err = rfl_tables_load_sources(s);
    }
    if (err == RFL_E_OK) {
        *why_out = "a row of a queue is damaged: rebuild the store from its log";
        err = rfl_queues_load(s);
    }
    if (err == RFL_E_OK) {
        *why_out = "the row of the last compaction is damaged: compact the store again";
        err = open_compacted(s);
    }
    s->state_before = s->state;
    return err == RFL_E_ABSENT ? RFL_E_CORRUPT : err;
}

enum rfl_err rfl_opening(const char *dir, enum rfl_env_mode mode, const struct rfl_store_options *options,
                         struct rfl_store **out, const char **why_out)
{
    struct rfl_store *s = NULL;
    *why_out = "out of memory";
    enum rfl_err err = rfl_tables_new(&s);
    if (err != RFL_E_OK)
        return err;
    err = rfl_env_open(&s->env, dir, mode, options, why_out);
    if (err == RFL_E_OK) {
        *why_out = "the store cannot be read";
        err = rfl_env_begin(&s->env);
    }
    if (err == RFL_E_OK)
        err = open_identity(s, why_out);
    if (err == RFL_E_OK)
        err = open_seal(s, dir, options, why_out);
    if (err == RFL_E_OK)
        *out = s;
    else
        rfl_tables_free(&s);
    return err;
}

/* Raises the epoch, durably and before anything else: a token of this process is above every earlier one, and a commit
 * of the process before that may or may not have reached the disk is settled by one that has. */
static enum rfl_err start_epoch(struct rfl_store *s, int64_t wall_ms)
{
    struct rfl_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return RFL_E_MEMORY;
    entry->wall_ms = wall_ms > s->state.wall_ms ? wall_ms : s->state.wall_ms;
    entry->actor = RFL_ACTOR_SYSTEM;
    entry->event_count = 1;
    entry->events[0].kind = RFL_EVENT_EPOCH_STARTED;
    entry->events[0].token.epoch = s->state.epoch + 1;
    enum rfl_err err = rfl_store_begin(s);
    if (err == RFL_E_OK)
        err = rfl_store_append(s, entry, (struct rfl_view){ NULL, 0 });
    if (err == RFL_E_OK)
        err = rfl_store_commit(s);
    free(entry);
    return err;
}

enum rfl_err rfl_store_open(const char *dir, const struct rfl_store_options *options, int64_t wall_ms,
                            struct rfl_store **out, const char **why_out)
{
    static const struct rfl_store_options defaults;
    const char *why = NULL;
    struct rfl_store *s = NULL;
    enum rfl_err err = rfl_opening(dir, RFL_ENV_WRITE, options != NULL ? options : &defaults, &s, &why);
    if (err == RFL_E_OK) {
        err = rfl_opening_state(s, &why);
        rfl_env_abort(&s->env);
    }
    if (err == RFL_E_OK) {
        why = "the first commit failed: the disk is full or failing";
        err = start_epoch(s, wall_ms);
        if (err == RFL_E_FULL)
            why = "the store is full to its last page: enlarge its map (option store_map, --map), then start again";
    }
    if (err == RFL_E_OK) {
        why = "a case or referral is damaged: rebuild the store from its log";
        err = rfl_env_begin(&s->env);
    }
    if (err == RFL_E_OK) {
        err = rfl_tables_load_indexes(s);
        rfl_env_abort(&s->env);
    }
    if (err == RFL_E_OK)
        *out = s;
    else
        rfl_tables_free(&s);
    if (why_out != NULL && err != RFL_E_OK)
        *why_out = why;
    return err;
}

void rfl_store_close(struct rfl_store **store)
{
    if (*store != NULL && (*store)->env.txn != NULL)
        rfl_store_abort(*store);
    rfl_tables_free(store);
}

/* ---- one turn ---- */

enum rfl_err rfl_store_begin(struct rfl_store *s)
{
    return rfl_env_begin(&s->env);
}

enum rfl_err rfl_store_commit(struct rfl_store *s)
{
    enum rfl_err err = rfl_tables_flush(s);
    if (err == RFL_E_OK)
        err = rfl_env_commit(&s->env);
    else
        rfl_env_abort(&s->env);
    if (err == RFL_E_OK)
        rfl_tables_keep(s);
    else
        rfl_tables_undo(s);
    return err;
}

void rfl_store_abort(struct rfl_store *s)
{
    rfl_env_abort(&s->env);
    rfl_tables_undo(s);
}

enum rfl_err rfl_store_error(const struct rfl_store *s)
{
    return s->env.dead != RFL_E_OK ? s->env.dead : s->env.err;
}

/* ---- reading ---- */

enum rfl_err rfl_store_case(struct rfl_store *s, struct rfl_case_id id, struct rfl_case *out)
{
    return rfl_tables_case(s, id.v, out);
}

enum rfl_err rfl_store_referral(struct rfl_store *s, struct rfl_referral_id id, struct rfl_referral *out)
{
    return rfl_tables_referral(s, id.v, out);
}

/* A part that is not full is the last; one part alone is read where it lies. */
static enum rfl_err read_parts(struct rfl_store *s, uint64_t seq, struct rfl_view *out)
{
    uint8_t key[RFL_KEY_PART_BYTES];
    struct rfl_view part;
    size_t len = 0;
    for (uint16_t number = 0;; number++) {
        rfl_key_part(seq, number, key);
        enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_LOG, (struct rfl_view){ key, sizeof key }, &part);
        if (err == RFL_E_ABSENT && number > 0)
            break;
        if (err != RFL_E_OK)
            return err;
        if (part.len > RFL_VALUE_BYTES_MAX || len + part.len > RFL_ENTRY_BYTES_MAX)
            return RFL_E_CORRUPT;
        if (number == 0 && part.len < RFL_VALUE_BYTES_MAX) {
            *out = part;
            return RFL_E_OK;
        }
        memcpy(s->read_bytes + len, part.p, part.len);
        len += part.len;
        if (part.len < RFL_VALUE_BYTES_MAX)
            break;
    }
    *out = (struct rfl_view){ s->read_bytes, len };
    return RFL_E_OK;
}

enum rfl_err rfl_store_raw(struct rfl_store *s, struct rfl_seq seq, struct rfl_view *out)
{
    if (seq.v == 0 || seq.v > s->state.entries)
        return RFL_E_ABSENT;
    enum rfl_err err = read_parts(s, seq.v, out);
    return err == RFL_E_ABSENT ? RFL_E_CORRUPT : err;
}

enum rfl_err rfl_store_entry(struct rfl_store *s, struct rfl_seq seq, struct rfl_entry *out)
{
    uint8_t prev[32];
    struct rfl_view bytes;
    enum rfl_err err = rfl_store_raw(s, seq, &bytes);
    if (err == RFL_E_ABSENT)
        return err;
    if (err == RFL_E_OK)
        err = rfl_entry_decode(bytes, out, prev);
    if (err == RFL_E_ABSENT || (err == RFL_E_OK && out->seq.v != seq.v))
        err = RFL_E_CORRUPT;
    return err;
}

bool rfl_store_find_reference(struct rfl_store *s, struct rfl_hash reference, struct rfl_referral *out)
{
    return rfl_tables_find(s, RFL_BY_REFERENCE, reference, out) == RFL_E_OK;
}

bool rfl_store_find_match(struct rfl_store *s, struct rfl_hash match, struct rfl_referral *out)
{
    return rfl_tables_find(s, RFL_BY_MATCH, match, out) == RFL_E_OK;
}

bool rfl_store_first(const struct rfl_store *s, enum rfl_index index, const struct rfl_order *from,
                     struct rfl_order *out)
{
    assert(index < RFL_INDEX_COUNT);
    return rfl_ordset_first(&s->order[index], from, out);
}

uint64_t rfl_store_index_count(const struct rfl_store *s, enum rfl_index index)
{
    assert(index < RFL_INDEX_COUNT);
    return s->order[index].count;
}

uint64_t rfl_store_rank(const struct rfl_store *s, enum rfl_index index, const struct rfl_order *order)
{
    assert(index < RFL_INDEX_COUNT);
    return rfl_ordset_rank(&s->order[index], order);
}

uint32_t rfl_store_epoch(const struct rfl_store *s) { return s->state.epoch; }

struct rfl_seq rfl_store_policy(const struct rfl_store *s) { return (struct rfl_seq){ s->state.policy }; }

void rfl_store_source(struct rfl_store *s, struct rfl_source_no source, struct rfl_source_row *out)
{
    *out = s->sources[source.v];
    out->source = source;
}

void rfl_store_queue(struct rfl_store *s, struct rfl_queue_no queue, struct rfl_queue_row_stored *out)
{
    *out = s->queues[queue.v];
    out->queue = queue;
}

bool rfl_store_mail_after(struct rfl_store *s, struct rfl_source_no source, uint64_t after, struct rfl_mail *out)
{
    const struct rfl_source_row *row = &s->sources[source.v];
    struct rfl_mail mail = { .sequence = (after > row->mailbox_acked ? after : row->mailbox_acked) + 1 };
    uint8_t key[RFL_KEY_MAIL_BYTES];
    struct rfl_view bytes;
    if (after >= row->mailbox_last || mail.sequence > row->mailbox_last)
        return false;
    rfl_key_mail(source, mail.sequence, key);
    enum rfl_err err = rfl_env_get(&s->env, RFL_TABLE_MAILBOXES, (struct rfl_view){ key, sizeof key }, &bytes);
    if (err == RFL_E_OK)
        err = rfl_mail_decode(bytes, source, &mail);
    if (err != RFL_E_OK) {
        (void)rfl_env_fail(&s->env, RFL_E_CORRUPT);     /* passing over it would be losing it in silence */
        return false;
    }
    *out = mail;
    return true;
}

struct rfl_referral_id rfl_store_next_referral(const struct rfl_store *s)
{
    return (struct rfl_referral_id){ s->state.referrals + 1 };
}

struct rfl_case_id rfl_store_next_case(const struct rfl_store *s)
{
    return (struct rfl_case_id){ s->state.cases + 1 };
}

struct rfl_token rfl_store_next_token(struct rfl_store *s)
{
    assert(s->token_seq < UINT32_MAX);      /* four thousand million offers since the last start */
    return (struct rfl_token){ s->state.epoch, ++s->token_seq };
}

/* ---- hashes and figures ---- */

struct rfl_hash rfl_store_hash(const struct rfl_store *s, enum rfl_hash_domain domain, uint64_t tag,
                               struct rfl_view bytes)
{
    struct rfl_hash hash = rfl_seal_hash(s->seal, domain, tag, bytes);
    if (domain != RFL_HASH_BODY)
        rfl_hashidx_expect(&s->by[domain == RFL_HASH_REFERENCE ? RFL_BY_REFERENCE : RFL_BY_MATCH], hash);
    return hash;
}

const struct rfl_receipt_key *rfl_store_receipt_key(const struct rfl_store *s)
{
    return rfl_seal_receipt_key(s->seal);
}

void rfl_store_public_key(const struct rfl_store *s, uint8_t out[32]) { rfl_seal_public_key(s->seal, out); }

void rfl_store_sign_head(const struct rfl_store *s, struct rfl_head *out)
{
    uint8_t text[RFL_HEAD_TEXT_BYTES];
    memcpy(out->store_id, s->identity.store_id, sizeof out->store_id);
    out->epoch = s->state.epoch;
    out->seq.v = s->state.entries;
    out->wall_ms = s->state.wall_ms;
    memcpy(out->hash, s->state.head, sizeof out->hash);
    rfl_head_text(out, text);
    rfl_seal_sign(s->seal, (struct rfl_view){ text, sizeof text }, out->signature);
}

void rfl_store_stat(struct rfl_store *s, struct rfl_store_stat *out)
{
    memset(out, 0, sizeof *out);
    out->epoch = s->state.epoch;
    out->entries = s->state.entries;
    out->cases = s->state.cases;
    out->referrals = s->state.referrals;
    out->joined = s->state.joined;
    out->mailbox_rows = s->state.mailbox_rows;
    out->cases_erased = s->erased;
    out->keys_lingering = s->erased - s->compacted;
    memcpy(out->case_by_status, s->by_status, sizeof out->case_by_status);
    out->map_bytes = s->env.map_bytes;
    out->used_bytes = rfl_env_used_pages(&s->env) * RFL_ENV_PAGE_BYTES;
    out->file_bytes = rfl_env_file_bytes(&s->env);
    for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
        out->index_bytes += rfl_ordset_bytes(&s->order[i]);
    for (unsigned i = 0; i < RFL_HASH_INDEX_COUNT; i++)
        out->index_bytes += rfl_hashidx_bytes(&s->by[i]);
    memcpy(out->head, s->state.head, sizeof out->head);
    out->wall_ms = s->state.wall_ms;
}

uint32_t rfl_store_used_permille(struct rfl_store *s)
{
    if (s->env.disk_full)
        return 1000;
    uint64_t pages = s->env.map_bytes / RFL_ENV_PAGE_BYTES;
    return (uint32_t)(rfl_env_used_pages(&s->env) * 1000 / (pages > 0 ? pages : 1));
}
