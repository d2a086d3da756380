#include "rfl_replay.h"

#include <stdlib.h>

#include "rfl_making.h"

enum { TURN_ENTRIES = 2048, TURN_BYTES = 4 << 20, PROGRESS_ENTRIES = 4096 };

void rfl_report_say(struct rfl_store_report *report, const char *rule, uint64_t where)
{
    report->findings++;
    if (report->say != NULL)
        report->say(report->ctx, rule, where);
}

/* ---- the log, entry by entry ---- */

/* An entry's parts put together. `whole` is false when a part is missing, too large or out of place. */
struct log_walk { struct rfl_walk rows; uint8_t *bytes; bool has_row; uint64_t seq; size_t len; bool whole; };

static bool is_part(const struct rfl_walk *rows, uint64_t seq, uint16_t part)
{
    uint8_t key[RFL_KEY_PART_BYTES];
    rfl_key_part(seq, part, key);
    return rows->key.len == sizeof key && memcmp(rows->key.p, key, sizeof key) == 0;
}

static bool next_entry(struct rfl_env *env, struct log_walk *walk)
{
    if (!walk->has_row && !rfl_walk_next(env, RFL_TABLE_LOG, &walk->rows))
        return false;
    walk->has_row = true;
    walk->len = 0;
    walk->whole = walk->rows.key.len == RFL_KEY_PART_BYTES;
    walk->seq = walk->whole ? rfl_get_be64(walk->rows.key.p) : 0;
    size_t last = RFL_VALUE_BYTES_MAX;
    for (uint16_t part = 0; walk->has_row; part++) {
        if (walk->rows.key.len != RFL_KEY_PART_BYTES || rfl_get_be64(walk->rows.key.p) != walk->seq) {
            if (part > 0)
                break;
            walk->seq = 0;
        }
        const struct rfl_view value = walk->rows.value;
        walk->whole = walk->whole && is_part(&walk->rows, walk->seq, part) && last == RFL_VALUE_BYTES_MAX &&
                      value.len <= RFL_VALUE_BYTES_MAX && walk->len + value.len <= RFL_ENTRY_BYTES_MAX;
        if (walk->whole) {
            memcpy(walk->bytes + walk->len, value.p, value.len);
            walk->len += value.len;
            last = value.len;
        }
        walk->has_row = rfl_walk_next(env, RFL_TABLE_LOG, &walk->rows);
    }
    return true;
}

/* ---- making tables ---- */

static enum rfl_err to_commit(struct rfl_replay *r)
{
    if (r->to->env.txn == NULL)
        return RFL_E_OK;
    r->turn_entries = 0;
    return rfl_store_commit(r->to);
}

static enum rfl_err to_ready(struct rfl_replay *r)
{
    enum rfl_err err = RFL_E_OK;
    if (++r->turn_entries > TURN_ENTRIES || r->to->env.turn_bytes > TURN_BYTES)
        err = to_commit(r);
    if (err == RFL_E_OK && r->to->env.txn == NULL)
        err = rfl_store_begin(r->to);
    return err;
}

static enum rfl_err copy_parts(struct rfl_replay *r, uint64_t seq, struct rfl_view bytes)
{
    enum rfl_err err = RFL_E_OK;
    uint8_t key[RFL_KEY_PART_BYTES];
    uint16_t part = 0;
    for (size_t done = 0; done < bytes.len && err == RFL_E_OK; done += RFL_VALUE_BYTES_MAX) {
        size_t left = bytes.len - done;
        rfl_key_part(seq, part++, key);
        err = rfl_env_put(&r->to->env, RFL_TABLE_LOG, (struct rfl_view){ key, sizeof key },
                          (struct rfl_view){ bytes.p + done, left < RFL_VALUE_BYTES_MAX ? left : RFL_VALUE_BYTES_MAX },
                          true);
    }
    return err;
}

static enum rfl_err make_tables(struct rfl_replay *r, const struct rfl_entry *entry, struct rfl_view bytes)
{
    if (r->broken)
        return RFL_E_OK;
    enum rfl_err err = to_ready(r);
    if (err == RFL_E_OK && r->copy_log)
        err = copy_parts(r, entry->seq.v, bytes);
    if (err != RFL_E_OK)
        return err;
    err = rfl_tables_apply(r->to, entry, r->head);
    if ((err == RFL_E_STATE || err == RFL_E_CORRUPT) && r->to->env.err == RFL_E_OK) {
        rfl_report_say(r->report, "an entry does not follow from the entries before it", entry->seq.v);
        r->broken = true;
        err = RFL_E_OK;
    }
    return err;
}

static enum rfl_err check_sealed(struct rfl_replay *r, const struct rfl_entry *entry)
{
    size_t len;
    enum rfl_err err = rfl_store_unseal(r->from, entry, r->from->sealed_bytes, RFL_ENTRY_BYTES_MAX, &len);
    if (err == RFL_E_CORRUPT || err == RFL_E_VERSION) {
        rfl_report_say(r->report, "the sealed part of an entry does not open", entry->seq.v);
        err = RFL_E_OK;
    }
    return err == RFL_E_ABSENT ? RFL_E_OK : err;        /* it has none, or its key has been erased */
}

static enum rfl_err one_entry(struct rfl_replay *r, const struct log_walk *walk, uint64_t expected)
{
    static const char *const damaged = "an entry of the log is damaged";
    struct rfl_entry entry;
    uint8_t prev[32];
    struct rfl_view bytes = { walk->bytes, walk->len };
    enum rfl_err err = walk->whole ? rfl_entry_decode(bytes, &entry, prev) : RFL_E_CORRUPT;
    if (err != RFL_E_OK || entry.seq.v != walk->seq) {
        rfl_report_say(r->report, err == RFL_E_VERSION ? "an entry has an unknown version" : damaged, walk->seq);
        r->broken = true;
        return RFL_E_OK;
    }
    if (walk->seq != expected) {
        rfl_report_say(r->report, "entries of the log are missing before this one", walk->seq);
        r->broken = true;
    }
    if (memcmp(prev, r->head, sizeof prev) != 0)
        rfl_report_say(r->report, "the chain is broken: an entry does not name the hash of the one before", walk->seq);
    rfl_seal_chain(bytes, r->head);
    err = check_sealed(r, &entry);
    return err == RFL_E_OK ? make_tables(r, &entry, bytes) : err;
}

enum rfl_err rfl_replay_log(struct rfl_replay *r)
{
    struct log_walk walk = { .bytes = r->from->read_bytes };
    uint64_t expected = 1, rows = rfl_env_rows(&r->from->env, RFL_TABLE_LOG);
    enum rfl_err err = RFL_E_OK;
    memset(r->head, 0, sizeof r->head);
    while (err == RFL_E_OK && next_entry(&r->from->env, &walk)) {
        err = one_entry(r, &walk, expected);
        expected = walk.seq + 1;
        if (r->report->progress != NULL && walk.seq % PROGRESS_ENTRIES == 0)
            r->report->progress(r->report->ctx, walk.seq, rows);
    }
    if (err == RFL_E_OK)
        err = walk.rows.err;
    rfl_walk_end(&walk.rows);
    if (err == RFL_E_OK)
        err = to_commit(r);
    return err;
}

enum rfl_err rfl_replay_target(const char *dir, enum rfl_env_mode mode, const struct rfl_store *from,
                               const struct rfl_store_options *options, struct rfl_store **out)
{
    struct rfl_store *to = NULL;
    const char *why = NULL;
    enum rfl_err err = rfl_tables_new(&to);
    if (err != RFL_E_OK)
        return err;
    to->identity = from->identity;
    err = rfl_env_open(&to->env, dir, mode, options, &why);
    if (err == RFL_E_OK)
        err = rfl_making_rows(&to->env, &to->identity, NULL);
    if (err == RFL_E_OK)
        *out = to;
    else
        rfl_tables_free(&to);
    return err;
}

/* ---- comparing ---- */

static int compare_keys(struct rfl_view a, struct rfl_view b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int c = memcmp(a.p, b.p, len);
    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

/* The number a row is known by: a log sequence, an id, a source, or a mailbox sequence. */
static uint64_t number_of(enum rfl_table table, struct rfl_view key)
{
    size_t from = table == RFL_TABLE_MAILBOXES && key.len > 2 ? 2 : 0;
    uint64_t number = 0;
    for (size_t i = from; i < key.len && i < from + 8; i++)
        number = number << 8 | key.p[i];
    return number;
}

static const char *const differs[RFL_TABLE_COUNT] = {
    [RFL_TABLE_META] = "the store's counters are not what the log gives",
    [RFL_TABLE_LOG] = "the logs differ",
    [RFL_TABLE_CASES] = "a case is not what the log gives",
    [RFL_TABLE_REFERRALS] = "a referral is not what the log gives",
    [RFL_TABLE_SOURCES] = "a source's row is not what the log gives",
    [RFL_TABLE_MAILBOXES] = "a mailbox row is not what the log gives",
    [RFL_TABLE_KEYS] = "the wrapped keys differ",
    [RFL_TABLE_QUEUES] = "a queue's row is not what the log gives",
};

static enum rfl_err compare_meta(struct rfl_env *a, struct rfl_env *b, struct rfl_store_report *report)
{
    static const char *const names[] = { "store", "state" };
    for (size_t i = 0; i < 2; i++) {
        struct rfl_view key = { (const uint8_t *)names[i], 5 }, row_a = { NULL, 0 }, row_b = { NULL, 0 };
        enum rfl_err err_a = rfl_env_get(a, RFL_TABLE_META, key, &row_a);
        enum rfl_err err_b = rfl_env_get(b, RFL_TABLE_META, key, &row_b);
        if (err_a != RFL_E_OK && err_a != RFL_E_ABSENT)
            return err_a;
        if (err_b != RFL_E_OK && err_b != RFL_E_ABSENT)
            return err_b;
        if (row_a.len != row_b.len || (row_a.len > 0 && memcmp(row_a.p, row_b.p, row_a.len) != 0))
            rfl_report_say(report, differs[RFL_TABLE_META], i);
    }
    return RFL_E_OK;
}

/* A case that has not been written since its record had an older version says the same in other bytes. */
static bool same_row(enum rfl_table table, struct rfl_view a, struct rfl_view b)
{
    if (a.len == b.len)
        return memcmp(a.p, b.p, a.len) == 0;
    struct rfl_case in_a, in_b;
    uint8_t row_a[RFL_CASE_BYTES], row_b[RFL_CASE_BYTES];
    if (table != RFL_TABLE_CASES || rfl_case_decode(a, &in_a) != RFL_E_OK || rfl_case_decode(b, &in_b) != RFL_E_OK)
        return false;
    rfl_case_encode(&in_a, row_a);
    rfl_case_encode(&in_b, row_b);
    return memcmp(row_a, row_b, sizeof row_a) == 0;
}

enum rfl_err rfl_replay_compare(struct rfl_env *a, struct rfl_env *b, enum rfl_table table, bool say_all,
                                struct rfl_store_report *report)
{
    if (table == RFL_TABLE_META)
        return compare_meta(a, b, report);
    struct rfl_walk in_a = { 0 }, in_b = { 0 };
    bool more_a = rfl_walk_next(a, table, &in_a), more_b = rfl_walk_next(b, table, &in_b), goes_on = true;
    while (goes_on && (more_a || more_b)) {
        int c = !more_a ? 1 : !more_b ? -1 : compare_keys(in_a.key, in_b.key);
        bool same = c == 0 && same_row(table, in_a.value, in_b.value);
        if (!same) {
            rfl_report_say(report, differs[table], number_of(table, c <= 0 ? in_a.key : in_b.key));
            goes_on = say_all;
        }
        if (c <= 0)
            more_a = rfl_walk_next(a, table, &in_a);
        if (c >= 0)
            more_b = rfl_walk_next(b, table, &in_b);
    }
    rfl_walk_end(&in_a);
    rfl_walk_end(&in_b);
    return in_a.err != RFL_E_OK ? in_a.err : in_b.err;
}
