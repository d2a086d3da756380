/* Another master key, without the store being readable by neither in between.
 *
 * While it is under way, row "rotation" of meta holds the store secret wrapped under the new key, and the row of the
 * store secret in `keys` is still the old one. So each run sees where the last one was: no such row, and the old key
 * opens the secret: not begun; the row: begun; no such row, and the new key opens the secret: rewrapped, only the key
 * file may have to be put in its place. The first and the last transaction put and remove the row. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "rfl_making.h"
#include "rfl_path.h"
#include "rfl_replay.h"

enum { BATCH_ROWS = 4096 };

struct rotating {
    const char *dir;
    const struct rfl_store_options *options;
    char old_path[RFL_PATH_BYTES_MAX], new_path[RFL_PATH_BYTES_MAX];
    struct rfl_env env;
    uint8_t store_id[16];
    uint64_t cases;
    uint16_t version;                   /* of the row of the store secret */
    struct rfl_seal *old, *new;         /* new: of version + 1 */
    uint8_t secret[RFL_SEAL_ROW_BYTES]; /* row of the store secret under the new key */
    bool begun;
    struct rfl_rotation *report;
};

static enum rfl_err failed(struct rotating *r, enum rfl_err err, const char *why)
{
    if (err != RFL_E_OK)
        r->report->why = why;
    return err;
}

static struct rfl_view name_of(const char *name) { return (struct rfl_view){ (const uint8_t *)name, strlen(name) }; }

static struct rfl_view key_of(uint64_t id, uint8_t key[RFL_KEY_ID_BYTES])
{
    rfl_put_be64(key, id);
    return (struct rfl_view){ key, RFL_KEY_ID_BYTES };
}

static enum rfl_err read_rows(struct rotating *r, uint8_t secret_now[RFL_SEAL_ROW_BYTES])
{
    struct rfl_identity identity;
    struct rfl_state state;
    struct rfl_view row;
    uint8_t key[RFL_KEY_ID_BYTES];
    enum rfl_err err = rfl_env_get(&r->env, RFL_TABLE_META, name_of("store"), &row);
    if (err == RFL_E_OK)
        err = rfl_identity_decode(row, &identity);
    if (err == RFL_E_OK)
        err = rfl_env_get(&r->env, RFL_TABLE_META, name_of("state"), &row);
    if (err == RFL_E_OK)
        err = rfl_state_decode(row, &state);
    if (err == RFL_E_OK)
        err = rfl_env_get(&r->env, RFL_TABLE_KEYS, key_of(0, key), &row);
    if (err == RFL_E_OK && rfl_seal_row_version(row) == 0)
        err = RFL_E_CORRUPT;
    if (err != RFL_E_OK)
        return failed(r, err == RFL_E_ABSENT ? RFL_E_CORRUPT : err, "the store's own rows are damaged: restore it");
    memcpy(r->store_id, identity.store_id, sizeof r->store_id);
    memcpy(secret_now, row.p, RFL_SEAL_ROW_BYTES);
    r->cases = state.cases;
    r->version = rfl_seal_row_version(row);
    err = rfl_env_get(&r->env, RFL_TABLE_META, name_of("rotation"), &row);
    r->begun = err == RFL_E_OK;
    if (r->begun && row.len == RFL_SEAL_ROW_BYTES)
        memcpy(r->secret, row.p, RFL_SEAL_ROW_BYTES);
    else if (r->begun)
        return failed(r, RFL_E_CORRUPT, "the row of the rotation is damaged: restore a backup");
    return err == RFL_E_ABSENT ? RFL_E_OK : err;
}

/* Whether the key in this file opens a row of the store secret; *out is its seal then, else NULL. */
static enum rfl_err try_key(struct rotating *r, const char *path, const uint8_t row[RFL_SEAL_ROW_BYTES],
                            struct rfl_seal **out)
{
    struct rfl_view view = { row, RFL_SEAL_ROW_BYTES };
    enum rfl_err err = rfl_seal_open(path, r->store_id, rfl_seal_row_version(view), out, &r->report->why);
    if (err == RFL_E_OK && rfl_seal_secret_load(*out, view) != RFL_E_OK)
        rfl_seal_close(out);
    return err;
}

static enum rfl_err begin_rotation(struct rotating *r, const uint8_t secret_now[RFL_SEAL_ROW_BYTES])
{
    if (r->version == UINT16_MAX)
        return failed(r, RFL_E_FULL, "the master key of this store was rotated 65,534 times");
    enum rfl_err err = rfl_seal_open(r->new_path, r->store_id, (uint16_t)(r->version + 1), &r->new, &r->report->why);
    if (err == RFL_E_OK)
        err = rfl_seal_rewrap(r->old, r->new, (struct rfl_case_id){ 0 },
                              (struct rfl_view){ secret_now, RFL_SEAL_ROW_BYTES }, r->secret);
    if (err == RFL_E_OK)
        err = rfl_env_put(&r->env, RFL_TABLE_META, name_of("rotation"),
                          (struct rfl_view){ r->secret, sizeof r->secret }, false);
    return err;
}

/* One transaction's worth from *next on. */
static enum rfl_err rewrap_batch(struct rotating *r, uint64_t *next)
{
    uint8_t key[RFL_KEY_ID_BYTES], row[RFL_SEAL_ROW_BYTES];
    struct rfl_view now;
    enum rfl_err err = RFL_E_OK;
    for (unsigned rows = 0; rows < BATCH_ROWS && *next <= r->cases && err == RFL_E_OK; rows++, (*next)++) {
        err = rfl_env_get(&r->env, RFL_TABLE_KEYS, key_of(*next, key), &now);
        bool is_new = err == RFL_E_OK && rfl_seal_row_version(now) == r->version + 1;
        if (err == RFL_E_ABSENT || is_new) {                /* erased, or done by an earlier run */
            err = RFL_E_OK;
            continue;
        }
        if (err == RFL_E_OK)
            err = rfl_seal_rewrap(r->old, r->new, (struct rfl_case_id){ *next }, now, row);
        if (err == RFL_E_OK)
            err = rfl_env_put(&r->env, RFL_TABLE_KEYS, key_of(*next, key), (struct rfl_view){ row, sizeof row },
                              false);
        r->report->rewrapped += err == RFL_E_OK;
    }
    return failed(r, err, "a wrapped key does not open: verify the store with its old master key, then restore it");
}

/* Nothing is under the old key any more: the secret follows, and the rotation is over. */
static enum rfl_err finish_rotation(struct rotating *r)
{
    struct rfl_walk walk = { 0 };
    uint8_t key[RFL_KEY_ID_BYTES];
    bool whole = true;
    while (rfl_walk_next(&r->env, RFL_TABLE_KEYS, &walk))
        whole = whole && walk.key.len == RFL_KEY_ID_BYTES &&
                (rfl_get_be64(walk.key.p) == 0 || rfl_seal_row_version(walk.value) == r->version + 1);
    enum rfl_err err = walk.err;
    rfl_walk_end(&walk);
    if (err == RFL_E_OK && !whole)
        return failed(r, RFL_E_CORRUPT, "a wrapped key belongs to no case: verify the store with its old master key");
    if (err == RFL_E_OK)
        err = rfl_env_put(&r->env, RFL_TABLE_KEYS, key_of(0, key), (struct rfl_view){ r->secret, sizeof r->secret },
                          false);
    return err == RFL_E_OK ? rfl_env_del(&r->env, RFL_TABLE_META, name_of("rotation")) : err;
}

static enum rfl_err commit(struct rotating *r, uint64_t done)
{
    enum rfl_err err = failed(r, rfl_env_commit(&r->env), "a commit failed: look at the disk, then run it again");
    if (err == RFL_E_OK && r->report->progress != NULL)
        r->report->progress(r->report->ctx, done, r->cases);
    return err == RFL_E_OK ? rfl_env_begin(&r->env) : err;
}

static enum rfl_err rewrap_all(struct rotating *r)
{
    enum rfl_err err = commit(r, 0);                        /* the row that says it was begun */
    for (uint64_t next = 1; next <= r->cases && err == RFL_E_OK; ) {
        err = rewrap_batch(r, &next);
        if (err == RFL_E_OK)
            err = commit(r, next - 1);
    }
    if (err == RFL_E_OK)
        err = finish_rotation(r);
    return err == RFL_E_OK ? commit(r, r->cases) : err;
}

/* The store's own key file: the old one stays under the name of its version, the new one takes its place. */
static enum rfl_err adopt_key(struct rotating *r, uint16_t old_version)
{
    char next[RFL_PATH_BYTES_MAX], kept[RFL_PATH_BYTES_MAX];
    int used = snprintf(kept, sizeof kept, "%s.%u", r->old_path, (unsigned)old_version);
    if (r->options->key_path != NULL)
        return RFL_E_OK;
    if (used < 0 || used >= RFL_PATH_BYTES_MAX || !rfl_path_join(next, r->dir, "master.key.next"))
        return failed(r, RFL_E_IO, "the name of the key file is too long");
    (void)unlink(next);                                     /* of a run that was killed here */
    bool good = rfl_path_copy(r->new_path, next) && (link(r->old_path, kept) == 0 || errno == EEXIST) &&
                rename(next, r->old_path) == 0 && rfl_path_sync(r->dir);
    return failed(r, good ? RFL_E_OK : RFL_E_IO, "the new key could not be put in the store's folder: run it again");
}

static enum rfl_err rotate(struct rotating *r)
{
    uint8_t secret_now[RFL_SEAL_ROW_BYTES];
    struct rfl_seal *done = NULL;
    static const char *const neither = "neither the old nor the new master key is the one of this store";
    enum rfl_err err = read_rows(r, secret_now);
    if (err == RFL_E_OK && !r->begun)
        err = try_key(r, r->new_path, secret_now, &done);
    bool is_done = done != NULL;
    rfl_seal_close(&done);
    if (err != RFL_E_OK)
        return err;
    err = try_key(r, r->old_path, secret_now, &r->old);
    if (is_done) {                      /* both open it: the file is in its place as well */
        bool adopted = err == RFL_E_OK && r->old != NULL;
        return adopted ? RFL_E_OK : adopt_key(r, (uint16_t)(r->version - 1));
    }
    if (err == RFL_E_OK && r->old == NULL)
        return failed(r, RFL_E_CORRUPT, neither);
    if (err == RFL_E_OK && !r->begun)
        err = begin_rotation(r, secret_now);
    else if (err == RFL_E_OK)
        err = try_key(r, r->new_path, r->secret, &r->new);
    if (err == RFL_E_OK && r->new == NULL)
        return failed(r, RFL_E_CORRUPT, "the rotation that was begun is to another new key: give that one");
    if (err == RFL_E_OK)
        err = rewrap_all(r);
    return err == RFL_E_OK ? adopt_key(r, r->version) : err;
}

/* A new key is made where the caller named a file, never in the folder of credentials. */
static enum rfl_err find_keys(struct rotating *r, const char *new_key_path)
{
    struct rfl_store_options named = *r->options;
    named.key_path = new_key_path;
    enum rfl_err err = rfl_store_key_path(r->dir, r->options, r->old_path, &r->report->why);
    if (err == RFL_E_OK)
        err = rfl_store_key_path(r->dir, &named, r->new_path, &r->report->why);
    if (err != RFL_E_OK || strchr(new_key_path, '/') == NULL)
        return err;
    err = rfl_seal_master_make(r->new_path);
    return err == RFL_E_EXISTS ? RFL_E_OK : failed(r, err, "the new key file cannot be made");
}

enum rfl_err rfl_store_rotate_master(const char *dir, const struct rfl_store_options *options,
                                     const char *new_key_path, struct rfl_rotation *rotation)
{
    static const struct rfl_store_options defaults;
    struct rotating r = { .dir = dir, .options = options != NULL ? options : &defaults, .report = rotation };
    rotation->rewrapped = 0;
    rotation->why = "the store cannot be written";
    enum rfl_err err = rfl_env_open(&r.env, dir, RFL_ENV_WRITE, r.options, &rotation->why);
    if (err != RFL_E_OK)
        return err;
    err = find_keys(&r, new_key_path);
    if (err == RFL_E_OK)
        err = failed(&r, rfl_env_begin(&r.env), "the store cannot be read");
    if (err == RFL_E_OK)
        err = rotate(&r);
    rfl_env_close(&r.env);
    rfl_seal_close(&r.old);
    rfl_seal_close(&r.new);
    return err;
}
