/* rfl_store.h: everything that must survive. The only code that knows LMDB.
 *
 * The event log is the truth; cases, referrals, sources and mailboxes are what applying the log gives; queue order, due
 * clocks, holders, references and match keys are derived indexes in memory, made from those tables at open and kept by
 * the one function that writes a case or a referral. (Why in memory: a synced b-tree pays a page for every entry whose
 * key is not sequential, which costs five times everything else together; an index that is never on disk can neither
 * cost a flush nor disagree with the disk.) Sealing keys are the one thing that is neither log nor derived: they are
 * kept apart so that erasing a key erases a person.
 *
 * One store is open once in one process (flock). One write transaction at a time, begun with the turn: all reads see
 * it. Errors are sticky: after the first failure every call of the turn does nothing and returns the same error, and
 * commit returns it. RFL_E_FULL leaves the store usable (abort, answer BUSY); any other error is final: the process
 * must stop (exit 74) and nothing of the turn may be spoken.
 *
 * Not thread-safe; no fork after open. */
#ifndef RFL_STORE_H
#define RFL_STORE_H

#include "rfl_head.h"
#include "rfl_record.h"
#include "rfl_receipt.h"

struct rfl_store;

struct rfl_store_options {
    uint64_t map_bytes;         /* largest size of the store file; a multiple of the page size; 0: 64 GiB */
    const char *key_path;       /* master key file, 32 bytes, mode 0600; NULL: "master.key" in the store's folder */
    const char *credentials_dir;    /* where a key_path without '/' lies: $CREDENTIALS_DIRECTORY; NULL: nowhere */
    /* Accept a filesystem other than ext4, XFS, btrfs and (for tests) tmpfs and overlay; a network one never is. */
    bool allow_any_fs;
};

/* Which file the master key is, by the rules above. RFL_E_ABSENT: named without '/', and credentials_dir is not given;
 * RFL_E_INVALID: longer than RFL_STORE_PATH_BYTES. *why_out gets a literal. */
enum { RFL_STORE_PATH_BYTES = 4096 };
RFL_MUST_USE enum rfl_err rfl_store_key_path(const char *dir, const struct rfl_store_options *options,
                                             char out[RFL_STORE_PATH_BYTES], const char **why_out);

/* Makes an empty store: builds it in a temporary folder beside `dir`, syncs file, folder and parent, and renames. Makes
 * the master key when key_path does not exist. RFL_E_EXISTS: dir is there already; RFL_E_IO: errno says why. */
RFL_MUST_USE enum rfl_err rfl_store_init(const char *dir, const struct rfl_store_options *options);

/* Opens, locks, checks sizes and versions, raises the epoch in a commit of its own, and builds the indexes.
 * RFL_E_ABSENT: no store there (never made implicitly); LOCKED; VERSION; CORRUPT; IO; STATE: a rotation of its master
 * key was not finished. *why_out, when not NULL, gets a
 * literal saying which check failed and what to do. */
RFL_MUST_USE enum rfl_err rfl_store_open(const char *dir, const struct rfl_store_options *options, int64_t wall_ms,
                                         struct rfl_store **out, const char **why_out);
void rfl_store_close(struct rfl_store **store);

/* ---- one turn ---- */
RFL_MUST_USE enum rfl_err rfl_store_begin(struct rfl_store *store);
/* Durable when it returns RFL_E_OK. On any error nothing was committed as far as anybody may be told. */
RFL_MUST_USE enum rfl_err rfl_store_commit(struct rfl_store *store);
/* Undoes the turn, indexes included. */
void rfl_store_abort(struct rfl_store *store);
enum rfl_err rfl_store_error(const struct rfl_store *store);

/* ---- reading; legal inside a turn ---- */
/* RFL_E_ABSENT, or RFL_E_CORRUPT for a record that fails its checks (it is never served). */
RFL_MUST_USE enum rfl_err rfl_store_case(struct rfl_store *store, struct rfl_case_id id, struct rfl_case *out);
RFL_MUST_USE enum rfl_err rfl_store_referral(struct rfl_store *store, struct rfl_referral_id id,
                                             struct rfl_referral *out);
/* The entry's views are valid until the next rfl_store_entry, append, commit or abort. */
RFL_MUST_USE enum rfl_err rfl_store_entry(struct rfl_store *store, struct rfl_seq seq, struct rfl_entry *out);
/* The bytes of an entry as they are stored, unchecked, for whoever checks the chain; valid as an entry's views are.
 * RFL_E_ABSENT: there is no such entry. */
RFL_MUST_USE enum rfl_err rfl_store_raw(struct rfl_store *store, struct rfl_seq seq, struct rfl_view *out);

/* What operators have said of a queue; mode CLEAR: nothing. One row a queue: a newer setting of another mode adds to
 * it, CLEAR takes all of it back. The engine compares `until` with the turn's moment: an end needs no event. */
struct rfl_queue_row_stored {
    struct rfl_queue_no queue;
    int64_t pause_until_ms, hold_until_ms, divert_until_ms, capacity_until_ms;  /* 0: not set */
    struct rfl_queue_no divert_to;
    uint64_t capacity;
    struct rfl_seq set_by;                      /* the newest entry that set something: who and why are there */
};
/* A queue nothing was ever said of is a row of zeroes. */
void rfl_store_queue(struct rfl_store *store, struct rfl_queue_no queue, struct rfl_queue_row_stored *out);

bool rfl_store_find_reference(struct rfl_store *store, struct rfl_hash reference, struct rfl_referral *out);
/* The newest referral with this match key. A key that an amendment took away no longer finds it; an older referral with
 * that key is found again after the next start. */
bool rfl_store_find_match(struct rfl_store *store, struct rfl_hash match, struct rfl_referral *out);

/* The first place in an index at or after *from (inclusive); false at the end. O(log n). */
bool rfl_store_first(const struct rfl_store *store, enum rfl_index index, const struct rfl_order *from,
                     struct rfl_order *out);
uint64_t rfl_store_index_count(const struct rfl_store *store, enum rfl_index index);
/* How many places of an index lie before *order. O(n / 256). */
uint64_t rfl_store_rank(const struct rfl_store *store, enum rfl_index index, const struct rfl_order *order);

struct rfl_source_row { struct rfl_source_no source; uint64_t mailbox_last, mailbox_acked;
                        struct rfl_referral_id last_referral; uint64_t referral_count; };
/* A source never seen is a row of zeroes. */
void rfl_store_source(struct rfl_store *store, struct rfl_source_no source, struct rfl_source_row *out);

struct rfl_mail { uint64_t sequence; struct rfl_referral_id referral; struct rfl_seq seq; uint8_t event_index; };
/* The source's first unacknowledged mail with a sequence above `after`; false: none. */
bool rfl_store_mail_after(struct rfl_store *store, struct rfl_source_no source, uint64_t after, struct rfl_mail *out);

/* ---- writing ---- */
/* What the next submission and case will be called; stable within a turn until an entry uses it. */
struct rfl_referral_id rfl_store_next_referral(const struct rfl_store *store);
struct rfl_case_id rfl_store_next_case(const struct rfl_store *store);
/* The next fencing token of this epoch; every call gives another. */
struct rfl_token rfl_store_next_token(struct rfl_store *store);

/* Appends the entry (its seq, prev_of_case and policy are set here) and applies it to the tables and indexes: this is
 * the only function that changes stored state, and rebuild uses its second half. `personal` (may be empty) is sealed
 * under the case's data key, which is made with the case and destroyed by ERASED (whose entry may have no `personal`:
 * its reason is entry->why). Sticky errors; RFL_E_STATE or CORRUPT from an event the core refuses is our own mistake
 * and is also sticky. */
RFL_MUST_USE enum rfl_err rfl_store_append(struct rfl_store *store, struct rfl_entry *entry,
                                           struct rfl_view personal);

/* The epoch of this opening: 1, 2, 3 ... */
uint32_t rfl_store_epoch(const struct rfl_store *store);
/* The entry of the newest POLICY_LOADED; zero: none was logged yet. */
struct rfl_seq rfl_store_policy(const struct rfl_store *store);

/* Opens the sealed part of an entry into out (cap bytes). RFL_E_CORRUPT: forged, moved or damaged; RFL_E_ABSENT: the
 * entry has none, or (it has, entry->sealed.len > 0) its case was erased; RFL_E_FULL: cap is too small. */
RFL_MUST_USE enum rfl_err rfl_store_unseal(struct rfl_store *store, const struct rfl_entry *entry, uint8_t *out,
                                           size_t cap, size_t *len_out);

/* ---- keyed hashes and receipts; the keys are derived from the master key ---- */
/* The match domains are in the order of enum rfl_match: RFL_HASH_NHS_NUMBER + match. */
enum rfl_hash_domain { RFL_HASH_REFERENCE, RFL_HASH_BODY, RFL_HASH_NHS_NUMBER, RFL_HASH_NINO, RFL_HASH_PERSON,
                       RFL_HASH_COUNT };
static_assert(RFL_HASH_PERSON - RFL_HASH_NHS_NUMBER + 1 == RFL_MATCH_COUNT, "a domain for each kind of key");
/* `tag` separates spaces inside a domain (the source's number for references, else 0). */
struct rfl_hash rfl_store_hash(const struct rfl_store *store, enum rfl_hash_domain domain, uint64_t tag,
                               struct rfl_view bytes);
const struct rfl_receipt_key *rfl_store_receipt_key(const struct rfl_store *store);

/* ---- the signed head ---- */
/* The key that checks this store's heads. It never changes: not with the master key, not in a copy or rebuilt store. */
void rfl_store_public_key(const struct rfl_store *store, uint8_t out[32]);
/* The head as it is now: inside a turn, after everything appended so far. It may be spoken only once that is committed.
 * Costs a signature, 20 to 40 microseconds. */
void rfl_store_sign_head(const struct rfl_store *store, struct rfl_head *out);

/* ---- figures ---- */
struct rfl_store_stat {
    uint32_t epoch;
    uint64_t entries, cases, referrals, joined, mailbox_rows;
    uint64_t cases_erased;                          /* of all time, */
    uint64_t keys_lingering;                        /* and since the last compaction: their wrapped keys may still lie
                                                       in pages of the file that are free */
    uint64_t case_by_status[RFL_STATUS_COUNT];      /* counted from the cases, kept by the function that writes one */
    uint64_t map_bytes, used_bytes, file_bytes;     /* used_bytes: pages in use, the free list taken off */
    uint64_t index_bytes;                           /* memory of the derived indexes */
    uint8_t head[32];                               /* hash of the newest entry, */
    int64_t wall_ms;                                /* and its time: no clock reading may be below it */
};
void rfl_store_stat(struct rfl_store *store, struct rfl_store_stat *out);
/* Share of the map in use, 0 to 1000; cheap enough to ask once a turn. */
uint32_t rfl_store_used_permille(struct rfl_store *store);

/* ---- checking and rebuilding a store nobody has open ---- */
struct rfl_store_report {
    void (*say)(void *ctx, const char *rule, uint64_t where);   /* each finding: a literal, and a log sequence or id */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* may be NULL */
    void *ctx;
    uint64_t findings;
};
/* Reads everything: chain, checksums, every sealed part opens, every table row is what applying the log gives, every
 * index entry is what the cases say, the counts add up. RFL_E_OK: no finding; RFL_E_CORRUPT: report->findings of them;
 * other errors: could not be read. */
RFL_MUST_USE enum rfl_err rfl_store_verify(const char *dir, const struct rfl_store_options *options,
                                           struct rfl_store_report *report);
/* Writes a new store at `out_dir` whose tables are made from the log of `dir` (log and sealing keys are copied). */
RFL_MUST_USE enum rfl_err rfl_store_rebuild(const char *dir, const char *out_dir,
                                            const struct rfl_store_options *options, struct rfl_store_report *report);
/* Wraps every key of the store under another master key, the file `new_key_path` (made when it is not there; named
 * like options->key_path). Killed at any point, it is finished by running it again with the same new key; until then
 * the store does not open. A transaction wraps at most 4,096 keys. Receipts, references, match keys and heads stay
 * what they are. When options->key_path is NULL the new key becomes DIR/master.key, and the old one stays beside it
 * as master.key.<version>; else the caller's configuration must name the new file from now on. Done already:
 * RFL_E_OK, nothing rewrapped. RFL_E_CORRUPT: neither key is the one of this store, or a wrapped key is damaged
 * (nothing of it is lost: the old key still opens what it opened); the errors of opening a store. progress: after
 * every commit. */
struct rfl_rotation {
    void (*progress)(void *ctx, uint64_t done, uint64_t total);     /* may be NULL */
    void *ctx;
    uint64_t rewrapped;
    const char *why;                    /* a literal, on every error */
};
RFL_MUST_USE enum rfl_err rfl_store_rotate_master(const char *dir, const struct rfl_store_options *options,
                                                  const char *new_key_path, struct rfl_rotation *rotation);

/* ---- copies (rfl_copy.c) ---- */
/* Writes the file anew without its free pages, checks the copy whole (rfl_store_verify, same report) and puts it in the
 * place of the old one by a rename. Nobody may have the store open, nor take a backup of it (RFL_E_LOCKED). Afterwards
 * no byte of an erased case's key is in the folder. RFL_E_CORRUPT: findings; the old file is as it was. */
RFL_MUST_USE enum rfl_err rfl_store_compact(const char *dir, const struct rfl_store_options *options,
                                            struct rfl_store_report *report);
/* A compacted copy at `out_dir`, of one moment, while another process may be writing: one reader, whose snapshot
 * keeps pages from being reused as long as the copying takes. The copy is synced, opened and verified before it gets
 * its name. The master key stays out. Not for the process that has the store open. RFL_E_EXISTS: out_dir is there. */
RFL_MUST_USE enum rfl_err rfl_store_backup(const char *dir, const char *out_dir,
                                           const struct rfl_store_options *options, struct rfl_store_report *report);

/* Compares two stores table by table, byte for byte; says the first difference of each table. */
RFL_MUST_USE enum rfl_err rfl_store_compare(const char *dir_a, const char *dir_b,
                                            const struct rfl_store_options *options, struct rfl_store_report *report);

#endif
