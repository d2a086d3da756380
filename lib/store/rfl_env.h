/* rfl_env.h: the LMDB environment of a store: files, locks, one transaction with a sticky error.
 *
 * Only this file and its .c know LMDB's rules; everything above works with tables, byte keys and rfl_err. Inside a
 * transaction the first failure is kept: later calls do nothing and return it, and commit returns it. RFL_E_FULL (the
 * map or the disk is full) ends with the transaction; every other failure of a write or a commit is final: `dead` then
 * holds it, and no transaction begins again. A failed commit is never retried and never aborted (LMDB frees the handle
 * itself), and whether it reached the disk is unknown until the next open.
 *
 * Plain b-trees with big-endian keys; no DUPSORT, no MDB_CURRENT, default flushes; values are at most
 * RFL_VALUE_BYTES_MAX bytes. Not thread-safe; no fork while it is open. */
#ifndef RFL_ENV_H
#define RFL_ENV_H

#include <lmdb.h>

#include "rfl_store.h"

enum rfl_table {
    RFL_TABLE_META,             /* LMDB's unnamed table: its page is written by every commit anyway */
    RFL_TABLE_LOG, RFL_TABLE_CASES, RFL_TABLE_REFERRALS, RFL_TABLE_SOURCES, RFL_TABLE_MAILBOXES, RFL_TABLE_KEYS,
    RFL_TABLE_QUEUES,
    RFL_TABLE_COUNT
};

const char *rfl_table_name(enum rfl_table table);

struct rfl_env {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi[RFL_TABLE_COUNT];
    int lock_fd, data_fd;
    bool read_only;
    bool disk_full;             /* the disk would not give the next stretch of the file in advance */
    enum rfl_err err;           /* of the transaction */
    enum rfl_err dead;          /* for ever */
    uint64_t map_bytes, reserved_bytes;
    uint64_t turn_bytes;        /* of values put in this transaction */
    uint64_t free_pages;        /* of the free list when it was last read */
    uint32_t free_age;          /* commits since then */
};

enum rfl_env_mode { RFL_ENV_WRITE, RFL_ENV_READ, RFL_ENV_CREATE, RFL_ENV_SCRATCH, RFL_ENV_SHARED };

/* Opens the environment in `dir`. CREATE makes its files and tables in an existing folder; SCRATCH does too, for
 * tables that are thrown away afterwards, and does not flush them. SHARED reads while another process may be writing,
 * and keeps others from exchanging the file meanwhile (RFL_E_LOCKED: somebody is about to). WRITE and READ lock the
 * folder against a second process (RFL_E_LOCKED) and check filesystem, size and versions. *why_out gets a literal on
 * every error. On error `env` is as after rfl_env_close. */
RFL_MUST_USE enum rfl_err rfl_env_open(struct rfl_env *env, const char *dir, enum rfl_env_mode mode,
                                       const struct rfl_store_options *options, const char **why_out);
void rfl_env_close(struct rfl_env *env);

/* Writes the tables as they are now, without free pages and unused parts of pages, as a new data.mdb in `dir`.
 * Outside a transaction; nothing is synced. RFL_E_IO: errno says why. */
RFL_MUST_USE enum rfl_err rfl_env_copy(struct rfl_env *env, const char *dir);
/* Keeps SHARED openings out until the environment is closed. RFL_E_LOCKED: there is one. */
RFL_MUST_USE enum rfl_err rfl_env_exclude(struct rfl_env *env);

RFL_MUST_USE enum rfl_err rfl_env_begin(struct rfl_env *env);
RFL_MUST_USE enum rfl_err rfl_env_commit(struct rfl_env *env);
void rfl_env_abort(struct rfl_env *env);
/* Makes err the transaction's error unless it has one. Returns the transaction's error. */
enum rfl_err rfl_env_fail(struct rfl_env *env, enum rfl_err err);

/* RFL_E_ABSENT is an answer, not a failure. The view is LMDB's: valid until the next put, del or end. */
RFL_MUST_USE enum rfl_err rfl_env_get(struct rfl_env *env, enum rfl_table table, struct rfl_view key,
                                      struct rfl_view *out);
/* append: the caller knows that no key of the table is above this one; RFL_E_CORRUPT when one is. */
RFL_MUST_USE enum rfl_err rfl_env_put(struct rfl_env *env, enum rfl_table table, struct rfl_view key,
                                      struct rfl_view value, bool append);
RFL_MUST_USE enum rfl_err rfl_env_del(struct rfl_env *env, enum rfl_table table, struct rfl_view key);

/* Reads a table from its first key to its last. One row after the other: start with a zeroed struct; nothing may be
 * written to the table in between. rfl_walk_end must be called. */
struct rfl_walk { MDB_cursor *cursor; struct rfl_view key, value; enum rfl_err err; };
bool rfl_walk_next(struct rfl_env *env, enum rfl_table table, struct rfl_walk *walk);
void rfl_walk_end(struct rfl_walk *walk);

/* Rows of a table as the transaction sees it. */
uint64_t rfl_env_rows(struct rfl_env *env, enum rfl_table table);
/* Pages in use, the free list taken off; the free list is read again every few commits. Inside a transaction. */
uint64_t rfl_env_used_pages(struct rfl_env *env);
uint64_t rfl_env_file_bytes(const struct rfl_env *env);

enum { RFL_ENV_PAGE_BYTES = 4096 };

#endif
