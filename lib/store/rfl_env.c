#include "rfl_env.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "rfl_path.h"

static const uint64_t map_bytes_default = UINT64_C(64) << 30;
static const uint64_t reserve_step_bytes = UINT64_C(64) << 20;
/* Space that is always there beyond the last page: twice what the largest turn may write. */
static const uint64_t reserve_floor_bytes = UINT64_C(32) << 20;
enum { FREE_LIST_AGE_MAX = 256 };       /* commits between two readings of the free list */

static const char *const table_names[RFL_TABLE_COUNT] = {
    [RFL_TABLE_META] = "meta", [RFL_TABLE_LOG] = "log", [RFL_TABLE_CASES] = "cases",
    [RFL_TABLE_REFERRALS] = "referrals", [RFL_TABLE_SOURCES] = "sources", [RFL_TABLE_MAILBOXES] = "mailboxes",
    [RFL_TABLE_KEYS] = "keys", [RFL_TABLE_QUEUES] = "queues",
};

const char *rfl_table_name(enum rfl_table table)
{
    assert(table < RFL_TABLE_COUNT);
    return table_names[table];
}

static enum rfl_err from_mdb(int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return RFL_E_OK;
    case MDB_NOTFOUND: return RFL_E_ABSENT;
    case MDB_MAP_FULL: return RFL_E_FULL;
    case MDB_KEYEXIST: case MDB_CORRUPTED: case MDB_PAGE_NOTFOUND: case MDB_INVALID: return RFL_E_CORRUPT;
    case MDB_VERSION_MISMATCH: return RFL_E_VERSION;
    case ENOMEM: return RFL_E_MEMORY;
    case ENOENT: return RFL_E_ABSENT;
    default: errno = rc > 0 ? rc : EIO; return RFL_E_IO;
    }
}

/* LMDB found its own structures contradicting each other. What it would say names only its source lines, and nothing
 * after it can be trusted, least of all a commit. */
static void on_mdb_assert(MDB_env *env, const char *text)
{
    (void)env;
    (void)text;
    static const char line[] = "store: LMDB found the file damaged; stopping (74): verify it, restore a backup\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
    (void)ignored;
    _exit(74);
}

/* ---- before LMDB touches the file ---- */

static bool fs_allowed(const char *dir, const struct rfl_store_options *options)
{
    enum { XFS_MAGIC = 0x58465342 };
    static const uint64_t network[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
                                        CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC, AFS_FS_MAGIC, CODA_SUPER_MAGIC, V9FS_MAGIC };
    struct statfs fs;
    if (statfs(dir, &fs) != 0)
        return false;
    uint64_t magic = (uint64_t)fs.f_type & UINT32_MAX;
    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++)
        if (magic == network[i])
            return false;
    return options->allow_any_fs || magic == EXT4_SUPER_MAGIC || magic == XFS_MAGIC || magic == BTRFS_SUPER_MAGIC ||
           magic == TMPFS_MAGIC || magic == OVERLAYFS_SUPER_MAGIC;
}

static enum rfl_err lock_folder(struct rfl_env *env, const char *dir, const char **why_out)
{
    char path[RFL_PATH_BYTES_MAX];
    *why_out = "the lock file of the store cannot be opened";
    if (!rfl_path_join(path, dir, "lock"))
        return RFL_E_IO;
    env->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (env->lock_fd == -1)
        return RFL_E_IO;
    if (flock(env->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return RFL_E_OK;
    *why_out = "another process has the store open: stop it first";
    return errno == EWOULDBLOCK ? RFL_E_LOCKED : RFL_E_IO;
}

/* The folder's lock is the writer's. A reader beside it holds the file itself, so that nobody puts another in its place
 * (rfl_env_exclude) while LMDB's reader slots speak of this one. */
static enum rfl_err lock_file(struct rfl_env *env, const char *dir, const char **why_out)
{
    char path[RFL_PATH_BYTES_MAX];
    struct stat held, named;
    *why_out = "the store file cannot be opened";
    if (!rfl_path_join(path, dir, "data.mdb"))
        return RFL_E_IO;
    env->lock_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (env->lock_fd == -1)
        return RFL_E_IO;
    *why_out = "the store is being compacted: try again when that is done";
    if (flock(env->lock_fd, LOCK_SH | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? RFL_E_LOCKED : RFL_E_IO;
    if (fstat(env->lock_fd, &held) != 0 || stat(path, &named) != 0)
        return RFL_E_IO;
    return held.st_ino == named.st_ino ? RFL_E_OK : RFL_E_LOCKED;
}

static enum rfl_err check_file(const char *dir, const struct rfl_store_options *options, const char **why_out)
{
    char path[RFL_PATH_BYTES_MAX];
    struct stat st;
    *why_out = "there is no store here: check that the disk is mounted, or make one with init";
    if (!rfl_path_join(path, dir, "data.mdb") || stat(path, &st) != 0)
        return RFL_E_ABSENT;
    *why_out = "the store is on a filesystem where a lock or a flush cannot be relied on: use ext4, XFS or btrfs";
    if (!fs_allowed(dir, options))
        return RFL_E_IO;
    *why_out = "the store file is shorter than its headers: restore a backup";
    return st.st_size >= 2 * RFL_ENV_PAGE_BYTES ? RFL_E_OK : RFL_E_CORRUPT;
}

/* A page read from beyond the end of a mapped file is SIGBUS, so the size is compared before any page is read. */
static enum rfl_err check_size(struct rfl_env *env, const char **why_out)
{
    MDB_envinfo info;
    MDB_stat stat_of_env;
    *why_out = "the store file is shorter than its last page: restore a backup";
    if (mdb_env_info(env->env, &info) != 0 || mdb_env_stat(env->env, &stat_of_env) != 0)
        return RFL_E_CORRUPT;
    if (rfl_env_file_bytes(env) < (info.me_last_pgno + 1) * (uint64_t)RFL_ENV_PAGE_BYTES)
        return RFL_E_CORRUPT;
    *why_out = "the store was made on a machine with another page size";
    if (stat_of_env.ms_psize != RFL_ENV_PAGE_BYTES)
        return RFL_E_VERSION;
    env->map_bytes = info.me_mapsize;
    return RFL_E_OK;
}

/* ---- opening ---- */

static enum rfl_err open_tables(struct rfl_env *env, enum rfl_env_mode mode, const char **why_out)
{
    bool create = mode == RFL_ENV_CREATE || mode == RFL_ENV_SCRATCH;
    *why_out = "a table of the store is missing or damaged: restore a backup";
    enum rfl_err err = rfl_env_begin(env);
    if (err != RFL_E_OK)
        return err;
    for (unsigned table = 0; table < RFL_TABLE_COUNT && err == RFL_E_OK; table++) {
        const char *name = table == RFL_TABLE_META ? NULL : table_names[table];
        err = from_mdb(mdb_dbi_open(env->txn, name, create ? MDB_CREATE : 0, &env->dbi[table]));
        if (err == RFL_E_ABSENT)
            err = RFL_E_CORRUPT;
    }
    if (err == RFL_E_OK)
        return rfl_env_commit(env);
    rfl_env_abort(env);
    return err;
}

static enum rfl_err open_env(struct rfl_env *env, const char *dir, enum rfl_env_mode mode,
                             const struct rfl_store_options *options, const char **why_out)
{
    unsigned flags = env->read_only ? MDB_RDONLY : mode == RFL_ENV_SCRATCH ? MDB_NOSYNC : 0;
    uint64_t map_bytes = options->map_bytes != 0 ? options->map_bytes : map_bytes_default;
    *why_out = "LMDB could not open the store";
    int rc = mdb_env_create(&env->env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(env->env, map_bytes);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(env->env, RFL_TABLE_COUNT);
    if (rc == 0)
        rc = mdb_env_set_assert(env->env, on_mdb_assert);
    if (rc == 0)
        rc = mdb_env_open(env->env, dir, flags, 0600);
    if (rc == 0)
        rc = mdb_env_get_fd(env->env, &env->data_fd);
    if (rc != 0)
        return from_mdb(rc);
    int dead_readers = 0;
    if (fcntl(env->data_fd, F_SETFD, FD_CLOEXEC) != 0 || mdb_reader_check(env->env, &dead_readers) != 0)
        return RFL_E_IO;
    return RFL_E_OK;
}

enum rfl_err rfl_env_open(struct rfl_env *env, const char *dir, enum rfl_env_mode mode,
                          const struct rfl_store_options *options, const char **why_out)
{
    bool create = mode == RFL_ENV_CREATE || mode == RFL_ENV_SCRATCH;
    memset(env, 0, sizeof *env);
    env->lock_fd = env->data_fd = -1;
    env->read_only = mode == RFL_ENV_READ || mode == RFL_ENV_SHARED;
    env->free_age = FREE_LIST_AGE_MAX;
    mode_t before = umask(0077);
    enum rfl_err err = create ? RFL_E_OK : check_file(dir, options, why_out);
    if (err == RFL_E_OK)
        err = mode == RFL_ENV_SHARED ? lock_file(env, dir, why_out) : lock_folder(env, dir, why_out);
    if (err == RFL_E_OK)
        err = open_env(env, dir, mode, options, why_out);
    (void)umask(before);
    if (err == RFL_E_OK && !create)
        err = check_size(env, why_out);
    if (err == RFL_E_OK)
        err = open_tables(env, mode, why_out);
    if (err == RFL_E_OK)
        err = check_size(env, why_out);
    env->reserved_bytes = err == RFL_E_OK ? rfl_env_file_bytes(env) : 0;
    if (err != RFL_E_OK)
        rfl_env_close(env);
    return err;
}

enum rfl_err rfl_env_copy(struct rfl_env *env, const char *dir)
{
    assert(env->txn == NULL);
    mode_t before = umask(0077);
    int rc = mdb_env_copy2(env->env, dir, MDB_CP_COMPACT);
    (void)umask(before);
    return from_mdb(rc);
}

enum rfl_err rfl_env_exclude(struct rfl_env *env)
{
    if (flock(env->data_fd, LOCK_EX | LOCK_NB) == 0)
        return RFL_E_OK;
    return errno == EWOULDBLOCK ? RFL_E_LOCKED : RFL_E_IO;
}

void rfl_env_close(struct rfl_env *env)
{
    int saved = errno;
    rfl_env_abort(env);
    if (env->env != NULL)
        mdb_env_close(env->env);
    if (env->lock_fd != -1)
        (void)close(env->lock_fd);
    memset(env, 0, sizeof *env);
    env->lock_fd = env->data_fd = -1;
    errno = saved;
}

/* ---- the transaction ---- */

static uint64_t last_page(const struct rfl_env *env)
{
    MDB_envinfo info;
    int rc = mdb_env_info(env->env, &info);
    assert(rc == 0);                        /* it fails only for a NULL argument */
    (void)rc;
    return info.me_last_pgno;
}

/* Asks the disk for the next stretch of the file while there is still room for a whole turn, so that a full disk shows
 * here, where it can be answered, and not as a short write inside a commit, where it cannot. */
static enum rfl_err reserve(struct rfl_env *env)
{
    uint64_t used = (last_page(env) + 1) * RFL_ENV_PAGE_BYTES;
    if (env->read_only || used + reserve_floor_bytes <= env->reserved_bytes || env->reserved_bytes >= env->map_bytes)
        return RFL_E_OK;
    uint64_t want = used + reserve_step_bytes;
    if (want > env->map_bytes)
        want = env->map_bytes;
    if (want <= env->reserved_bytes)
        return RFL_E_OK;
    int rc = fallocate(env->data_fd, 0, (off_t)env->reserved_bytes, (off_t)(want - env->reserved_bytes));
    env->disk_full = rc != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
    if (env->disk_full || (rc != 0 && errno == EINTR))
        return RFL_E_OK;                    /* asked again at the next turn */
    if (rc != 0 && errno != EOPNOTSUPP)
        return RFL_E_IO;
    env->reserved_bytes = want;             /* where the filesystem cannot reserve, a full disk is met by the commit */
    return RFL_E_OK;
}

enum rfl_err rfl_env_begin(struct rfl_env *env)
{
    assert(env->txn == NULL);
    if (env->dead != RFL_E_OK)
        return env->dead;
    env->err = RFL_E_OK;
    env->turn_bytes = 0;
    enum rfl_err err = reserve(env);
    if (err == RFL_E_OK)
        err = from_mdb(mdb_txn_begin(env->env, NULL, env->read_only ? MDB_RDONLY : 0, &env->txn));
    if (err != RFL_E_OK) {
        env->txn = NULL;
        env->dead = err;
    }
    return err;
}

enum rfl_err rfl_env_fail(struct rfl_env *env, enum rfl_err err)
{
    if (env->err == RFL_E_OK && err != RFL_E_OK)
        env->err = err;
    return env->err;
}

enum rfl_err rfl_env_commit(struct rfl_env *env)
{
    assert(env->txn != NULL);
    enum rfl_err err = env->err;
    if (err != RFL_E_OK) {
        rfl_env_abort(env);
        return err;
    }
    int rc = mdb_txn_commit(env->txn);      /* frees the handle even when it fails */
    env->txn = NULL;
    env->free_age++;
    err = from_mdb(rc);
    if (err != RFL_E_OK && err != RFL_E_FULL)
        env->dead = err = err == RFL_E_CORRUPT || err == RFL_E_MEMORY ? err : RFL_E_IO;
    return err;
}

void rfl_env_abort(struct rfl_env *env)
{
    if (env->txn == NULL)
        return;
    mdb_txn_abort(env->txn);
    env->txn = NULL;
    if (env->err != RFL_E_OK && env->err != RFL_E_FULL)
        env->dead = env->err;
    env->err = RFL_E_OK;
}

/* ---- rows ---- */

static MDB_val val_of(struct rfl_view view)
{
    return (MDB_val){ view.len, (void *)(uintptr_t)view.p };    /* LMDB's type is not const; it only reads */
}

static struct rfl_view view_of(MDB_val val)
{
    return (struct rfl_view){ val.mv_data, val.mv_size };
}

enum rfl_err rfl_env_get(struct rfl_env *env, enum rfl_table table, struct rfl_view key, struct rfl_view *out)
{
    assert(env->txn != NULL);
    MDB_val k = val_of(key), v;
    if (env->err != RFL_E_OK)
        return env->err;
    int rc = mdb_get(env->txn, env->dbi[table], &k, &v);
    if (rc == MDB_NOTFOUND)
        return RFL_E_ABSENT;
    if (rc != 0)
        return rfl_env_fail(env, from_mdb(rc));
    *out = view_of(v);
    return RFL_E_OK;
}

enum rfl_err rfl_env_put(struct rfl_env *env, enum rfl_table table, struct rfl_view key, struct rfl_view value,
                         bool append)
{
    assert(env->txn != NULL && value.len <= RFL_VALUE_BYTES_MAX);
    MDB_val k = val_of(key), v = val_of(value);
    if (env->err != RFL_E_OK)
        return env->err;
    env->turn_bytes += value.len;
    if (env->disk_full && env->reserved_bytes < (last_page(env) + 1) * RFL_ENV_PAGE_BYTES + 4 * env->turn_bytes +
                                                (UINT64_C(1) << 20))
        return rfl_env_fail(env, RFL_E_FULL);
    return rfl_env_fail(env, from_mdb(mdb_put(env->txn, env->dbi[table], &k, &v, append ? MDB_APPEND : 0)));
}

enum rfl_err rfl_env_del(struct rfl_env *env, enum rfl_table table, struct rfl_view key)
{
    assert(env->txn != NULL);
    MDB_val k = val_of(key);
    if (env->err != RFL_E_OK)
        return env->err;
    int rc = mdb_del(env->txn, env->dbi[table], &k, NULL);
    return rc == MDB_NOTFOUND ? RFL_E_ABSENT : rfl_env_fail(env, from_mdb(rc));
}

bool rfl_walk_next(struct rfl_env *env, enum rfl_table table, struct rfl_walk *walk)
{
    assert(env->txn != NULL);
    MDB_val k, v;
    bool started = walk->cursor != NULL;
    if (walk->err != RFL_E_OK)
        return false;
    int rc = started ? 0 : mdb_cursor_open(env->txn, env->dbi[table], &walk->cursor);
    if (rc == 0)
        rc = mdb_cursor_get(walk->cursor, &k, &v, started ? MDB_NEXT : MDB_FIRST);
    if (rc != 0) {
        walk->err = rc == MDB_NOTFOUND ? RFL_E_OK : from_mdb(rc);
        return false;
    }
    walk->key = view_of(k);
    walk->value = view_of(v);
    return true;
}

void rfl_walk_end(struct rfl_walk *walk)
{
    if (walk->cursor != NULL)
        mdb_cursor_close(walk->cursor);
    walk->cursor = NULL;
}

/* ---- figures ---- */

uint64_t rfl_env_rows(struct rfl_env *env, enum rfl_table table)
{
    MDB_stat st;
    if (mdb_stat(env->txn, env->dbi[table], &st) != 0)
        return 0;
    return st.ms_entries;
}

/* LMDB keeps its free pages in table 0: a row for each transaction that freed some, its value a count and the pages. */
static uint64_t read_free_list(struct rfl_env *env)
{
    MDB_cursor *cursor = NULL;
    MDB_val k, v;
    uint64_t pages = 0;
    if (mdb_cursor_open(env->txn, 0, &cursor) != 0)
        return 0;
    while (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == 0) {
        size_t count;
        if (v.mv_size < sizeof count)
            break;
        memcpy(&count, v.mv_data, sizeof count);
        pages += count;
    }
    mdb_cursor_close(cursor);
    return pages;
}

uint64_t rfl_env_used_pages(struct rfl_env *env)
{
    uint64_t pages = last_page(env) + 1;
    if (env->txn != NULL && env->free_age >= FREE_LIST_AGE_MAX) {
        env->free_pages = read_free_list(env);
        env->free_age = 0;
    }
    return pages > env->free_pages ? pages - env->free_pages : 0;
}

uint64_t rfl_env_file_bytes(const struct rfl_env *env)
{
    struct stat st;
    return fstat(env->data_fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}
