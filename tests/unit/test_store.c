/* The store on real LMDB files: opening, turns, mailboxes, sealing, damage, and tables that follow from the log. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rfl_env.h"
#include "rfl_rows.h"
#include "rfl_seal.h"
#include "store_life.h"

struct fixture { char top[64], dir[96], copy[96]; struct rfl_store_options options; };

static void remove_store(const char *dir)
{
    static const char *const names[] = { "data.mdb", "lock.mdb", "lock", "master.key" };
    char path[160];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(f->top, sizeof f->top, "%.30s/rfl_store.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->top));
    (void)snprintf(f->dir, sizeof f->dir, "%s/store", f->top);
    (void)snprintf(f->copy, sizeof f->copy, "%s/copy", f->top);
    f->options = (struct rfl_store_options){ .map_bytes = 16 << 20, .allow_any_fs = true };
    assert_int_equal(rfl_store_init(f->dir, &f->options), RFL_E_OK);
    *state = f;
    return 0;
}

/* Also a test: nothing that a store made is left beside it. */
static int teardown(void **state)
{
    struct fixture *f = *state;
    remove_store(f->dir);
    remove_store(f->copy);
    int left = rmdir(f->top);
    free(f);
    return left;
}

static struct rfl_store *opened(const struct fixture *f)
{
    struct rfl_store *store = NULL;
    const char *why = "";
    enum rfl_err err = rfl_store_open(f->dir, &f->options, INT64_C(1780000000000), &store, &why);
    if (err != RFL_E_OK)
        print_error("%s\n", why);
    assert_int_equal(err, RFL_E_OK);
    return store;
}

static enum rfl_err open_fails(const struct fixture *f)
{
    struct rfl_store *store = NULL;
    const char *why = NULL;
    enum rfl_err err = rfl_store_open(f->dir, &f->options, 1, &store, &why);
    assert_int_not_equal(err, RFL_E_OK);
    assert_null(store);
    assert_non_null(why);
    return err;
}

static void live(struct rfl_store *store, struct life *life, int turns, size_t personal_bytes_max)
{
    for (int turn = 0; turn < turns; turn++) {
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        for (uint64_t i = life_draw(life) % 12; i > 0; i--)
            assert_int_equal(life_command(life, store, personal_bytes_max), RFL_E_OK);
        assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    }
}

static struct life life_of(uint64_t seed)
{
    return (struct life){ .random = seed * UINT64_C(0x9E3779B97F4A7C15), .wall_ms = INT64_C(1780000000000) };
}

/* ---- raw access, for damage ---- */

/* One table of a store nobody has open, by the store's own environment but past everything that guards it. */
struct raw { struct rfl_env env; enum rfl_table table; };
struct raw_row { uint8_t key[16], value[RFL_VALUE_BYTES_MAX]; size_t key_len, len; };

static void raw_open(struct raw *raw, const char *dir, enum rfl_table table)
{
    const struct rfl_store_options options = { .map_bytes = 64 << 20, .allow_any_fs = true };
    const char *why = "";
    assert_int_equal(rfl_env_open(&raw->env, dir, RFL_ENV_WRITE, &options, &why), RFL_E_OK);
    assert_int_equal(rfl_env_begin(&raw->env), RFL_E_OK);
    raw->table = table;
}

static void raw_close(struct raw *raw)
{
    assert_int_equal(rfl_env_commit(&raw->env), RFL_E_OK);
    rfl_env_close(&raw->env);
}

static struct raw_row raw_read(struct raw *raw, size_t number)
{
    struct raw_row row;
    struct rfl_walk walk = { 0 };
    memset(&row, 0, sizeof row);
    for (size_t i = 0; i <= number; i++)
        assert_true(rfl_walk_next(&raw->env, raw->table, &walk));
    assert_true(walk.key.len <= sizeof row.key && walk.value.len <= sizeof row.value);
    memcpy(row.key, walk.key.p, walk.key.len);
    memcpy(row.value, walk.value.p, walk.value.len);
    row.key_len = walk.key.len;
    row.len = walk.value.len;
    rfl_walk_end(&walk);
    return row;
}

static void raw_put(struct raw *raw, const struct raw_row *key, const struct raw_row *value)
{
    assert_int_equal(rfl_env_put(&raw->env, raw->table, (struct rfl_view){ key->key, key->key_len },
                                 (struct rfl_view){ value->value, value->len }, false), RFL_E_OK);
}

static void count_say(void *ctx, const char *rule, uint64_t where)
{
    (void)where;
    const char **last = ctx;
    *last = rule;
}

static uint64_t findings_of(const struct fixture *f)
{
    const char *last = NULL;
    struct rfl_store_report report = { .say = count_say, .ctx = &last };
    enum rfl_err err = rfl_store_verify(f->dir, &f->options, &report);
    assert_int_equal(err == RFL_E_OK, report.findings == 0);
    assert_int_equal(last == NULL, report.findings == 0);
    return report.findings;
}

/* ---- opening ---- */

static void init_makes_a_private_store_and_refuses_an_existing_one(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "", "/data.mdb", "/lock", "/master.key" };
    for (size_t i = 0; i < 4; i++) {
        char path[160];
        struct stat st;
        (void)snprintf(path, sizeof path, "%s%s", f->dir, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, i == 0 ? 0700 : 0600);
    }
    assert_int_equal(rfl_store_init(f->dir, &f->options), RFL_E_EXISTS);
    assert_int_equal(findings_of(f), 0);
}

static void open_refuses_what_is_not_a_whole_store(void **state)
{
    struct fixture *f = *state;
    char path[160];
    struct rfl_store *store = opened(f);
    assert_int_equal(open_fails(f), RFL_E_LOCKED);
    struct rfl_store_report report = { .say = NULL };
    assert_int_equal(rfl_store_verify(f->dir, &f->options, &report), RFL_E_LOCKED);
    struct life life = life_of(5);
    live(store, &life, 20, 3000);
    rfl_store_close(&store);
    assert_null(store);

    struct fixture elsewhere = *f;
    (void)snprintf(elsewhere.dir, sizeof elsewhere.dir, "%s/none", f->top);
    assert_int_equal(open_fails(&elsewhere), RFL_E_ABSENT);
    assert_int_equal(access(elsewhere.dir, F_OK), -1);

    struct raw raw;
    raw_open(&raw, f->dir, RFL_TABLE_META);
    struct raw_row key = { .key = "store", .key_len = 5 }, row = { .len = RFL_IDENTITY_BYTES }, good;
    struct rfl_view identity;
    assert_int_equal(rfl_env_get(&raw.env, raw.table, (struct rfl_view){ key.key, 5 }, &identity), RFL_E_OK);
    good.len = identity.len;
    memcpy(good.value, identity.p, identity.len);
    rfl_identity_encode(&(struct rfl_identity){ .format = RFL_STORE_FORMAT + 1 }, row.value);
    raw_put(&raw, &key, &row);
    raw_close(&raw);
    assert_int_equal(open_fails(f), RFL_E_VERSION);
    raw_open(&raw, f->dir, RFL_TABLE_META);
    raw_put(&raw, &key, &good);
    raw_close(&raw);
    store = opened(f);
    rfl_store_close(&store);

    (void)snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    assert_int_equal(truncate(path, 6 * 4096), 0);
    assert_int_equal(open_fails(f), RFL_E_CORRUPT);
    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(open_fails(f), RFL_E_CORRUPT);
}

static void open_refuses_another_master_key(void **state)
{
    struct fixture *f = *state;
    char path[160];
    (void)snprintf(path, sizeof path, "%s/master.key", f->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_fails(f), RFL_E_ABSENT);
    assert_int_equal(rfl_seal_master_make(path), RFL_E_OK);
    assert_int_equal(open_fails(f), RFL_E_CORRUPT);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(open_fails(f), RFL_E_INVALID);
}

static void every_open_raises_the_epoch(void **state)
{
    struct fixture *f = *state;
    struct rfl_token last = { 0, 0 };
    for (uint32_t epoch = 1; epoch <= 3; epoch++) {
        struct rfl_store *store = opened(f);
        struct rfl_store_stat st;
        rfl_store_stat(store, &st);
        assert_int_equal(st.epoch, epoch);
        assert_int_equal(st.entries, epoch);
        for (int i = 0; i < 3; i++) {
            struct rfl_token token = rfl_store_next_token(store);
            assert_true(token.epoch > last.epoch || (token.epoch == last.epoch && token.seq > last.seq));
            last = token;
        }
        rfl_store_close(&store);
    }
}

/* ---- turns ---- */

static void what_was_committed_is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = opened(f);
    struct life life = life_of(11);
    live(store, &life, 150, 1500);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    uint64_t before = life_fingerprint(store);
    rfl_store_abort(store);
    struct rfl_store_stat st, st_after;
    rfl_store_stat(store, &st);
    assert_true(st.cases > 50 && st.joined > 20 && st.mailbox_rows > 0);
    rfl_store_close(&store);

    store = opened(f);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    assert_int_equal(life_fingerprint(store), before);
    rfl_store_abort(store);
    rfl_store_stat(store, &st_after);
    assert_int_equal(st_after.entries, st.entries + 1);
    assert_int_equal(st_after.epoch, st.epoch + 1);
    assert_true(st_after.wall_ms >= st.wall_ms);
    rfl_store_close(&store);
    assert_int_equal(findings_of(f), 0);
}

static void an_aborted_turn_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = opened(f);
    struct life life = life_of(23);
    live(store, &life, 60, 600);
    for (int round = 0; round < 25; round++) {
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        uint64_t before = life_fingerprint(store);
        struct rfl_store_stat st, st_after;
        rfl_store_stat(store, &st);
        uint64_t references = life.references;
        for (int i = 0; i < 40; i++)
            assert_int_equal(life_command(&life, store, 600), RFL_E_OK);
        assert_int_not_equal(life_fingerprint(store), before);
        rfl_store_abort(store);
        life.references = references;
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        assert_int_equal(life_fingerprint(store), before);
        rfl_store_abort(store);
        rfl_store_stat(store, &st_after);
        st_after.used_bytes = st.used_bytes;
        st_after.index_bytes = st.index_bytes;
        st_after.file_bytes = st.file_bytes;
        assert_memory_equal(&st, &st_after, sizeof st);
        live(store, &life, 2, 600);
    }
    rfl_store_close(&store);
    assert_int_equal(findings_of(f), 0);
}

static void a_refused_entry_is_final(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = opened(f);
    struct life life = life_of(3);
    live(store, &life, 10, 100);
    struct rfl_store_stat st, st_after;
    rfl_store_stat(store, &st);
    struct rfl_entry entry = { .wall_ms = 1, .kase = { 1 }, .event_count = 1 };
    entry.events[0].kind = RFL_EVENT_EPOCH_STARTED;
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    assert_int_equal(rfl_store_append(store, &entry, (struct rfl_view){ NULL, 0 }), RFL_E_STATE);
    entry.kase.v = 0;
    entry.events[0].kind = RFL_EVENT_POLICY_LOADED;         /* allowed, but not any more */
    assert_int_equal(rfl_store_append(store, &entry, (struct rfl_view){ NULL, 0 }), RFL_E_STATE);
    assert_int_equal(rfl_store_error(store), RFL_E_STATE);
    assert_int_equal(rfl_store_commit(store), RFL_E_STATE);
    assert_int_equal(rfl_store_error(store), RFL_E_STATE);
    assert_int_equal(rfl_store_begin(store), RFL_E_STATE);
    rfl_store_close(&store);
    store = opened(f);
    rfl_store_stat(store, &st_after);
    assert_int_equal(st_after.entries, st.entries + 1);
    rfl_store_close(&store);
    assert_int_equal(findings_of(f), 0);
}

static void a_full_map_is_answered_and_survived(void **state)
{
    struct fixture *f = *state;
    f->options.map_bytes = 1 << 20;
    struct rfl_store *store = opened(f);
    struct life life = life_of(31);
    enum rfl_err err = RFL_E_OK;
    uint64_t turns = 0, before = 0;
    struct rfl_store_stat st, st_after;
    uint32_t permille = 0;
    while (err == RFL_E_OK) {
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        before = life_fingerprint(store);
        rfl_store_stat(store, &st);
        permille = rfl_store_used_permille(store);
        for (int i = 0; i < 20 && err == RFL_E_OK; i++)
            err = life_command(&life, store, 4000);
        if (err == RFL_E_FULL)
            assert_int_equal(rfl_store_error(store), RFL_E_FULL);
        err = rfl_store_commit(store);
        assert_true(++turns < 1000);
    }
    assert_int_equal(err, RFL_E_FULL);
    assert_true(permille > 500);
    assert_int_equal(rfl_store_error(store), RFL_E_OK);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    assert_int_equal(life_fingerprint(store), before);
    rfl_store_abort(store);
    rfl_store_stat(store, &st_after);
    assert_int_equal(st_after.entries, st.entries);
    rfl_store_close(&store);

    f->options.map_bytes = 16 << 20;
    store = opened(f);
    live(store, &life, 5, 4000);
    rfl_store_close(&store);
    assert_int_equal(findings_of(f), 0);
}

/* ---- what is in it ---- */

static void personal_parts_of_every_length_come_back(void **state)
{
    struct fixture *f = *state;
    static uint8_t body[RFL_BODY_BYTES_MAX], out[RFL_BODY_BYTES_MAX];
    static struct rfl_entry entry;
    struct rfl_store *store = opened(f);
    struct life life = life_of(9);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 31);
    size_t lengths[200], count = 0;
    for (size_t n = 3500; n < 4100; n += 7)
        lengths[count++] = n;
    for (size_t n = 7900; n < 8200; n += 7)
        lengths[count++] = n;
    lengths[count++] = 1;
    lengths[count++] = RFL_BODY_BYTES_MAX;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        assert_true(life_entry(&life, store, rfl_store_next_case(store), &entry));
        assert_int_equal(rfl_store_append(store, &entry, (struct rfl_view){ body, lengths[i] }), RFL_E_OK);
        struct rfl_seq seq = entry.seq;
        size_t len = 0;
        assert_int_equal(rfl_store_entry(store, seq, &entry), RFL_E_OK);
        assert_int_equal(rfl_store_unseal(store, &entry, out, lengths[i] - 1, &len), RFL_E_FULL);
        assert_int_equal(rfl_store_unseal(store, &entry, out, sizeof out, &len), RFL_E_OK);
        assert_int_equal(len, lengths[i]);
        assert_memory_equal(out, body, len);
        assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    }
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    struct rfl_seq first = { 1 }, none = { 0 }, beyond = { 1000000 };
    size_t len;
    assert_int_equal(rfl_store_entry(store, first, &entry), RFL_E_OK);
    assert_int_equal(rfl_store_unseal(store, &entry, out, sizeof out, &len), RFL_E_ABSENT);
    assert_int_equal(rfl_store_entry(store, none, &entry), RFL_E_ABSENT);
    assert_int_equal(rfl_store_entry(store, beyond, &entry), RFL_E_ABSENT);
    rfl_store_abort(store);
    rfl_store_close(&store);
    assert_int_equal(findings_of(f), 0);
}

static void append_one(struct rfl_store *store, struct life *life, struct rfl_case_id id, enum rfl_event_kind kind,
                       uint8_t door, uint16_t source, uint16_t told)
{
    static struct rfl_entry entry;
    struct rfl_case kase = { .status = RFL_STATUS_NONE };
    if (id.v != rfl_store_next_case(store).v)
        assert_int_equal(rfl_store_case(store, id, &kase), RFL_E_OK);
    enum rfl_status next = rfl_table_next((enum rfl_status)kase.status, kind);
    memset(&entry, 0, sizeof entry);
    entry.wall_ms = ++life->wall_ms;
    entry.source.v = source;
    entry.kase = id;
    entry.events[entry.event_count++] = life_event(life, store, kind, next);
    entry.events[0].submission.door = door;
    entry.events[0].told = told;
    if (next == RFL_STATUS_RECEIVED)
        entry.events[entry.event_count++] = life_event(life, store, RFL_EVENT_ROUTED, RFL_STATUS_QUEUED);
    assert_int_equal(rfl_store_append(store, &entry, (struct rfl_view){ NULL, 0 }), RFL_E_OK);
}

static void acknowledge(struct rfl_store *store, struct rfl_source_no source, uint64_t upto)
{
    struct rfl_entry ack = { .wall_ms = 1, .source = source, .event_count = 1 };
    ack.events[0].kind = RFL_EVENT_MAILBOX_ACKED;
    ack.events[0].upto = upto;
    assert_int_equal(rfl_store_append(store, &ack, (struct rfl_view){ NULL, 0 }), RFL_E_OK);
}

static void every_referrer_named_is_told_once_until_acknowledged(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = opened(f);
    struct life life = life_of(77);
    struct rfl_case_id kase = { 1 };
    struct rfl_source_row row;
    struct rfl_mail mail;
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    append_one(store, &life, kase, RFL_EVENT_RECEIVED, RFL_DOOR_GP, 4, 0);
    append_one(store, &life, kase, RFL_EVENT_JOINED, RFL_DOOR_JOBCENTRE, 5, 0);
    append_one(store, &life, kase, RFL_EVENT_JOINED, RFL_DOOR_GP, 5, 0);
    append_one(store, &life, kase, RFL_EVENT_OFFERED, 0, 0, 0);
    assert_false(rfl_store_mail_after(store, (struct rfl_source_no){ 4 }, 0, &mail));
    append_one(store, &life, kase, RFL_EVENT_ACCEPTED, 0, 0, 1 << RFL_DOOR_GP);
    append_one(store, &life, kase, RFL_EVENT_STARTED, 0, 0, 1 << RFL_DOOR_GP | 1 << RFL_DOOR_JOBCENTRE);
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_close(&store);
    store = opened(f);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);

    const struct rfl_source_no four = { 4 }, five = { 5 };
    const uint64_t want_four[] = { 1, 1 }, want_five[] = { 3, 3, 2 };       /* newest referral first */
    uint64_t after = 0;
    for (size_t i = 0; i < 2; i++, after = mail.sequence) {
        assert_true(rfl_store_mail_after(store, four, after, &mail));
        assert_int_equal(mail.referral.v, want_four[i]);
        assert_int_equal(mail.sequence, i + 1);
    }
    assert_false(rfl_store_mail_after(store, four, after, &mail));
    after = 0;
    for (size_t i = 0; i < 3; i++, after = mail.sequence) {
        assert_true(rfl_store_mail_after(store, five, after, &mail));
        assert_int_equal(mail.referral.v, want_five[i]);
    }
    assert_false(rfl_store_mail_after(store, five, after, &mail));

    /* A submission that comes with news in the same entry gets a receipt for itself; the others get the news. */
    static struct rfl_entry both;
    both.wall_ms = ++life.wall_ms;
    both.source = four;
    both.kase = kase;
    both.event_count = 2;
    both.events[0] = life_event(&life, store, RFL_EVENT_JOINED, RFL_STATUS_ACTIVE);
    both.events[0].submission.door = RFL_DOOR_GP;
    both.events[1] = life_event(&life, store, RFL_EVENT_OUTCOME, RFL_STATUS_ACTIVE);
    both.events[1].told = 1 << RFL_DOOR_GP;
    assert_int_equal(rfl_store_append(store, &both, (struct rfl_view){ NULL, 0 }), RFL_E_OK);
    assert_true(rfl_store_mail_after(store, four, 2, &mail));
    assert_int_equal(mail.referral.v, 1);
    assert_int_equal(mail.event_index, 1);
    assert_false(rfl_store_mail_after(store, four, 3, &mail));

    acknowledge(store, five, 2);
    assert_true(rfl_store_mail_after(store, five, 0, &mail));
    assert_int_equal(mail.sequence, 3);
    acknowledge(store, five, 1);                /* older than what is acknowledged: nothing comes back */
    acknowledge(store, five, UINT64_MAX);       /* more than was ever put there: all of it */
    assert_false(rfl_store_mail_after(store, five, 0, &mail));
    rfl_store_source(store, five, &row);
    assert_true(row.mailbox_acked == 4 && row.mailbox_last == 4);
    assert_int_equal(row.referral_count, 2);
    assert_int_equal(row.last_referral.v, 3);
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    struct rfl_store_stat st;
    rfl_store_stat(store, &st);
    assert_int_equal(st.mailbox_rows, 3);
    assert_int_equal(st.joined, 3);
    rfl_store_close(&store);
    assert_int_equal(findings_of(f), 0);
}

/* ---- checking ---- */

static void a_rebuilt_store_is_the_same_byte_for_byte(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = opened(f);
    struct life life = life_of(41);
    live(store, &life, 120, 9000);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    uint64_t before = life_fingerprint(store);
    rfl_store_close(&store);
    struct rfl_store_report report = { .say = NULL };
    assert_int_equal(findings_of(f), 0);
    assert_int_equal(rfl_store_rebuild(f->dir, f->dir, &f->options, &report), RFL_E_EXISTS);
    assert_int_equal(rfl_store_rebuild(f->dir, f->copy, &f->options, &report), RFL_E_OK);
    assert_int_equal(rfl_store_compare(f->dir, f->copy, &f->options, &report), RFL_E_OK);
    struct fixture copy = *f;
    memcpy(copy.dir, f->copy, sizeof copy.dir);
    assert_int_equal(findings_of(&copy), 0);
    store = opened(&copy);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    assert_int_equal(life_fingerprint(store), before);
    rfl_store_close(&store);
    assert_int_equal(rfl_store_compare(f->dir, f->copy, &f->options, &report), RFL_E_CORRUPT);
    assert_true(report.findings >= 2);          /* the copy has one entry and one epoch more */
}

static void one_damage(struct fixture *f, enum rfl_table table, int how, uint64_t salt)
{
    struct raw raw;
    raw_open(&raw, f->dir, table);
    size_t rows = rfl_env_rows(&raw.env, table);
    assert_true(rows > 2);
    size_t number = salt % (rows - 1);
    struct raw_row row = raw_read(&raw, number), next = raw_read(&raw, number + 1), bad = row;
    bad.value[salt % row.len] ^= (uint8_t)(1 << salt % 8);
    if (how == 0)
        raw_put(&raw, &row, &bad);
    else if (how == 1)
        assert_int_equal(rfl_env_del(&raw.env, table, (struct rfl_view){ row.key, row.key_len }), RFL_E_OK);
    else {
        raw_put(&raw, &row, &next);
        raw_put(&raw, &next, &row);
    }
    raw_close(&raw);
    if (findings_of(f) == 0)
        fail_msg("damage %d to row %zu of %s was not found", how, number, rfl_table_name(table));
    raw_open(&raw, f->dir, table);
    raw_put(&raw, &row, &row);
    raw_put(&raw, &next, &next);
    raw_close(&raw);
}

static void every_kind_of_damage_is_found(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = opened(f);
    struct life life = life_of(59);
    live(store, &life, 40, 5000);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    for (int i = 0; i < 4; i++) {               /* mail that nobody has acknowledged */
        struct rfl_case_id kase = rfl_store_next_case(store);
        append_one(store, &life, kase, RFL_EVENT_RECEIVED, RFL_DOOR_GP, 4, 0);
        append_one(store, &life, kase, RFL_EVENT_OFFERED, 0, 0, 0);
        append_one(store, &life, kase, RFL_EVENT_ACCEPTED, 0, 0, 1 << RFL_DOOR_GP);
    }
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_close(&store);
    static const enum rfl_table tables[] = { RFL_TABLE_LOG, RFL_TABLE_CASES, RFL_TABLE_REFERRALS, RFL_TABLE_SOURCES,
                                             RFL_TABLE_MAILBOXES, RFL_TABLE_KEYS };
    for (size_t table = 0; table < 6; table++)
        for (int how = 0; how < 3; how++)
            for (int i = 0; i < (how == 0 ? 12 : 3); i++) {
                /* A key that is gone is a person erased: no damage, unless it is the store secret's. */
                if (tables[table] == RFL_TABLE_KEYS && how == 1)
                    continue;
                one_damage(f, tables[table], how, life_draw(&life));
            }
    assert_int_equal(findings_of(f), 0);
}

static void a_damaged_record_is_never_served(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = opened(f);
    struct life life = life_of(67);
    static struct rfl_entry entry;
    live(store, &life, 30, 300);
    rfl_store_close(&store);
    static const enum rfl_table tables[] = { RFL_TABLE_CASES, RFL_TABLE_REFERRALS, RFL_TABLE_SOURCES };
    for (size_t table = 0; table < 3; table++) {
        struct raw raw;
        raw_open(&raw, f->dir, tables[table]);
        struct raw_row row = raw_read(&raw, 1), bad = row;
        bad.value[row.len / 2] ^= 4;
        raw_put(&raw, &row, &bad);
        raw_close(&raw);
        assert_int_equal(open_fails(f), RFL_E_CORRUPT);
        raw_open(&raw, f->dir, tables[table]);
        struct raw_row next = raw_read(&raw, 2);
        raw_put(&raw, &row, &next);         /* whole in itself, but another's */
        raw_put(&raw, &next, &row);
        raw_close(&raw);
        assert_int_equal(open_fails(f), RFL_E_CORRUPT);
        raw_open(&raw, f->dir, tables[table]);
        raw_put(&raw, &row, &row);
        raw_put(&raw, &next, &next);
        raw_close(&raw);
    }
    struct raw raw;
    raw_open(&raw, f->dir, RFL_TABLE_LOG);
    struct raw_row row = raw_read(&raw, 4), bad = row;
    bad.value[row.len / 2] ^= 4;
    raw_put(&raw, &row, &bad);
    raw_close(&raw);
    store = opened(f);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    struct rfl_seq seq = { 1 };
    unsigned refused = 0;
    for (; seq.v < 20; seq.v++)
        if (rfl_store_entry(store, seq, &entry) == RFL_E_CORRUPT)
            refused++;
    assert_int_equal(refused, 1);
    rfl_store_abort(store);
    rfl_store_close(&store);
    struct rfl_store_report report = { .say = NULL };
    assert_int_equal(rfl_store_rebuild(f->dir, f->copy, &f->options, &report), RFL_E_CORRUPT);
    assert_int_equal(access(f->copy, F_OK), -1);
}

/* The parts are exchanged by somebody who makes every checksum right again. */
static void exchanged_sealed_parts_do_not_open(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = opened(f);
    struct life life = life_of(71);
    static struct rfl_entry a, b;
    static uint8_t bytes[RFL_ENTRY_BYTES_MAX], out[RFL_ENTRY_BYTES_MAX];
    uint8_t body[64] = { 1, 2, 3 }, prev[32] = { 0 };
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    for (int i = 0; i < 2; i++) {
        assert_true(life_entry(&life, store, rfl_store_next_case(store), &a));
        assert_int_equal(rfl_store_append(store, &a, (struct rfl_view){ body, sizeof body }), RFL_E_OK);
    }
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_close(&store);

    struct raw raw;
    raw_open(&raw, f->dir, RFL_TABLE_LOG);
    struct raw_row rows[2] = { raw_read(&raw, 1), raw_read(&raw, 2) };
    assert_int_equal(rfl_entry_decode((struct rfl_view){ rows[0].value, rows[0].len }, &a, prev), RFL_E_OK);
    assert_int_equal(rfl_entry_decode((struct rfl_view){ rows[1].value, rows[1].len }, &b, prev), RFL_E_OK);
    b.sealed = a.sealed;
    size_t len = rfl_entry_encode(&b, prev, bytes, sizeof bytes);
    assert_true(len > 0 && len <= sizeof rows[1].value);
    struct raw_row forged = rows[1];
    memcpy(forged.value, bytes, len);
    forged.len = len;
    raw_put(&raw, &rows[1], &forged);
    raw_close(&raw);

    store = opened(f);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    size_t opened_len = 0;
    assert_int_equal(rfl_store_entry(store, (struct rfl_seq){ 3 }, &b), RFL_E_OK);
    assert_int_equal(rfl_store_unseal(store, &b, out, sizeof out, &opened_len), RFL_E_CORRUPT);
    assert_int_equal(rfl_store_entry(store, (struct rfl_seq){ 2 }, &a), RFL_E_OK);
    assert_int_equal(rfl_store_unseal(store, &a, out, sizeof out, &opened_len), RFL_E_OK);
    rfl_store_abort(store);
    rfl_store_close(&store);
    assert_true(findings_of(f) >= 2);           /* it does not open, and the next entry names another hash */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(init_makes_a_private_store_and_refuses_an_existing_one),
        T(open_refuses_what_is_not_a_whole_store),
        T(open_refuses_another_master_key),
        T(every_open_raises_the_epoch),
        T(what_was_committed_is_there_after_a_restart),
        T(an_aborted_turn_leaves_no_trace),
        T(a_refused_entry_is_final),
        T(a_full_map_is_answered_and_survived),
        T(personal_parts_of_every_length_come_back),
        T(every_referrer_named_is_told_once_until_acknowledged),
        T(a_rebuilt_store_is_the_same_byte_for_byte),
        T(every_kind_of_damage_is_found),
        T(a_damaged_record_is_never_served),
        T(exchanged_sealed_parts_do_not_open),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
