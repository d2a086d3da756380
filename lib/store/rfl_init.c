/* Making an empty store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rfl_making.h"
#include "rfl_path.h"

static struct rfl_view name_of(const char *name) { return (struct rfl_view){ (const uint8_t *)name, strlen(name) }; }

enum rfl_err rfl_making_rows(struct rfl_env *env, const struct rfl_identity *identity, const uint8_t *secret)
{
    static const struct rfl_state nothing;
    uint8_t store[RFL_IDENTITY_BYTES], state[RFL_STATE_BYTES], key[RFL_KEY_ID_BYTES] = { 0 };
    enum rfl_err err = rfl_env_begin(env);
    if (err != RFL_E_OK)
        return err;
    rfl_identity_encode(identity, store);
    rfl_state_encode(&nothing, state);
    err = rfl_env_put(env, RFL_TABLE_META, name_of("store"), (struct rfl_view){ store, sizeof store }, false);
    if (err == RFL_E_OK)
        err = rfl_env_put(env, RFL_TABLE_META, name_of("state"), (struct rfl_view){ state, sizeof state }, false);
    if (err == RFL_E_OK && secret != NULL)
        err = rfl_env_put(env, RFL_TABLE_KEYS, (struct rfl_view){ key, sizeof key },
                          (struct rfl_view){ secret, RFL_SEAL_ROW_BYTES }, false);
    if (err == RFL_E_OK)
        return rfl_env_commit(env);
    rfl_env_abort(env);
    return err;
}

enum rfl_err rfl_making_compacted(struct rfl_env *env, uint64_t erased)
{
    uint8_t row[RFL_COMPACTED_BYTES];
    rfl_compacted_encode(erased, row);
    return rfl_env_put(env, RFL_TABLE_META, name_of("compacted"), (struct rfl_view){ row, sizeof row }, false);
}

/* Everything inside the new folder, before it has its name. */
static enum rfl_err make_inside(const char *dir, const struct rfl_store_options *options)
{
    char path[RFL_PATH_BYTES_MAX];
    struct rfl_identity identity = { .format = RFL_STORE_FORMAT };
    uint8_t secret[RFL_SEAL_ROW_BYTES];
    struct rfl_env env;
    struct rfl_seal *seal = NULL;
    const char *why = NULL;
    enum rfl_err err = rfl_store_key_path(dir, options, path, &why);
    if (err == RFL_E_OK)
        err = rfl_seal_master_make(path);
    if (err == RFL_E_EXISTS)                    /* an operator's own key serves */
        err = RFL_E_OK;
    if (err == RFL_E_OK)
        err = rfl_seal_identity(identity.store_id);
    if (err == RFL_E_OK)
        err = rfl_seal_open(path, identity.store_id, RFL_SEAL_VERSION_FIRST, &seal, &why);
    if (err != RFL_E_OK)
        return err;
    rfl_seal_secret_new(seal, secret);
    rfl_seal_close(&seal);
    err = rfl_env_open(&env, dir, RFL_ENV_CREATE, options, &why);
    if (err == RFL_E_OK) {
        err = rfl_making_rows(&env, &identity, secret);
        rfl_env_close(&env);
    }
    return err;
}

enum rfl_err rfl_making_name(const char *made, const char *dir)
{
    char path[RFL_PATH_BYTES_MAX];
    if (!rfl_path_join(path, made, "data.mdb") || !rfl_path_sync(path) || !rfl_path_sync(made))
        return RFL_E_IO;
    if (renameat2(AT_FDCWD, made, AT_FDCWD, dir, RENAME_NOREPLACE) != 0)
        return errno == EEXIST ? RFL_E_EXISTS : RFL_E_IO;
    return rfl_path_parent(path, dir) && rfl_path_sync(path) ? RFL_E_OK : RFL_E_IO;
}

enum rfl_err rfl_store_init(const char *dir, const struct rfl_store_options *options)
{
    static const struct rfl_store_options defaults;
    char made[RFL_PATH_BYTES_MAX];
    struct stat st;
    if (lstat(dir, &st) == 0)
        return RFL_E_EXISTS;
    if (errno != ENOENT || !rfl_path_make_beside(made, dir))
        return RFL_E_IO;
    enum rfl_err err = make_inside(made, options != NULL ? options : &defaults);
    if (err == RFL_E_OK)
        err = rfl_making_name(made, dir);
    if (err != RFL_E_OK)
        rfl_path_remove_store(made);
    return err;
}
