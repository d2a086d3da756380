/* Whole copies of a store: compacting it in its place, and backing it up while it is in use.
 *
 * LMDB is copy-on-write: an erased key's old page stays in the file, free, until it is reused. LMDB's compacting copy
 * takes along only pages that are in use, and of these only the used parts; so neither its copy nor anything made from
 * it has a byte of what was erased. It does not sync and does not check, so both are done here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "rfl_making.h"
#include "rfl_opening.h"
#include "rfl_path.h"
#include "rfl_replay.h"

static const struct rfl_store_options default_options;

/* Notes in the copy what has been erased by now, then reads all of it. */
static enum rfl_err finish_copy(const char *made, const struct rfl_store_options *options,
                                struct rfl_store_report *report)
{
    const char *why = NULL;
    struct rfl_store *store = NULL;
    enum rfl_err err = rfl_opening(made, RFL_ENV_WRITE, options, &store, &why);
    if (err == RFL_E_OK)
        err = rfl_opening_state(store, &why);
    if (err == RFL_E_OK) {
        why = "a case or referral is damaged";
        err = rfl_tables_load_indexes(store);
    }
    if (err == RFL_E_OK) {
        why = "the copy cannot be written";
        err = rfl_making_compacted(&store->env, store->erased);
    }
    if (err == RFL_E_OK)
        err = rfl_env_commit(&store->env);
    rfl_store_close(&store);
    if (err != RFL_E_OK) {
        rfl_report_say(report, why, 0);
        return err;
    }
    return rfl_store_verify(made, options, report);
}

/* The key of the store copied, which is not in the copy. */
static enum rfl_err options_of_copy(const char *dir, const struct rfl_store_options *options,
                                    char key[RFL_PATH_BYTES_MAX], struct rfl_store_options *out,
                                    struct rfl_store_report *report)
{
    const char *why = NULL;
    enum rfl_err err = rfl_store_key_path(dir, options, key, &why);
    if (err != RFL_E_OK)
        rfl_report_say(report, why, 0);
    *out = *options;
    out->key_path = key;
    return err;
}

static enum rfl_err copy_shared(const char *dir, const char *made, const struct rfl_store_options *options,
                                struct rfl_store_report *report)
{
    const char *why = NULL;
    struct rfl_env env;
    enum rfl_err err = rfl_env_open(&env, dir, RFL_ENV_SHARED, options, &why);
    if (err != RFL_E_OK) {
        rfl_report_say(report, why, 0);
        return err;
    }
    err = rfl_env_copy(&env, made);
    rfl_env_close(&env);
    if (err != RFL_E_OK)
        rfl_report_say(report, "the copy could not be written: is there room for it?", 0);
    return err;
}

enum rfl_err rfl_store_backup(const char *dir, const char *out_dir, const struct rfl_store_options *options,
                              struct rfl_store_report *report)
{
    char made[RFL_PATH_BYTES_MAX], key[RFL_PATH_BYTES_MAX];
    struct rfl_store_options of_copy;
    report->findings = 0;
    if (faccessat(AT_FDCWD, out_dir, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return RFL_E_EXISTS;
    enum rfl_err err = options_of_copy(dir, options != NULL ? options : &default_options, key, &of_copy, report);
    if (err != RFL_E_OK)
        return err;
    if (!rfl_path_make_beside(made, out_dir))
        return RFL_E_IO;
    err = copy_shared(dir, made, &of_copy, report);
    if (err == RFL_E_OK)
        err = finish_copy(made, &of_copy, report);
    if (err == RFL_E_OK)
        err = rfl_making_name(made, out_dir);
    if (err != RFL_E_OK)
        rfl_path_remove_store(made);
    return err;
}

/* The old file's place is taken while its environment is still open, which keeps writers and backups out. */
static enum rfl_err swap_in(const char *made, const char *dir)
{
    char from[RFL_PATH_BYTES_MAX], to[RFL_PATH_BYTES_MAX];
    if (!rfl_path_join(from, made, "data.mdb") || !rfl_path_join(to, dir, "data.mdb") || !rfl_path_sync(from) ||
        rename(from, to) != 0 || !rfl_path_sync(dir))
        return RFL_E_IO;
    return RFL_E_OK;
}

static enum rfl_err compact_into(const char *dir, const char *made, const struct rfl_store_options *options,
                                 struct rfl_store_report *report)
{
    const char *why = NULL;
    struct rfl_store *store = NULL;
    enum rfl_err err = rfl_opening(dir, RFL_ENV_READ, options, &store, &why);
    if (err == RFL_E_OK) {
        rfl_env_abort(&store->env);
        why = "a backup of the store is being taken: try again when it is done";
        err = rfl_env_exclude(&store->env);
    }
    if (err == RFL_E_OK) {
        why = "the copy could not be written: is there room for it?";
        err = rfl_env_copy(&store->env, made);
    }
    if (err != RFL_E_OK)
        rfl_report_say(report, why, 0);
    else
        err = finish_copy(made, options, report);
    if (err == RFL_E_OK)
        err = swap_in(made, dir);
    rfl_store_close(&store);
    return err;
}

enum rfl_err rfl_store_compact(const char *dir, const struct rfl_store_options *options,
                               struct rfl_store_report *report)
{
    char made[RFL_PATH_BYTES_MAX], key[RFL_PATH_BYTES_MAX];
    struct rfl_store_options of_copy;
    report->findings = 0;
    enum rfl_err err = options_of_copy(dir, options != NULL ? options : &default_options, key, &of_copy, report);
    if (err != RFL_E_OK)
        return err;
    if (!rfl_path_make_beside(made, dir))
        return RFL_E_IO;
    err = compact_into(dir, made, &of_copy, report);
    int saved = errno;
    rfl_path_remove_store(made);
    errno = saved;
    return err;
}
