/* People's data at rest: keys that open only where they belong, erasure that leaves nothing, another master key at any
 * moment of a kill, and heads that anybody can check. Real stores on disk; every file of the folder is searched raw. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rfl_env.h"
#include "rfl_rows.h"
#include "rfl_seal.h"
#include "rfl_store.h"

enum { CASES = 24, NOW = 1000, PATH_BYTES = 600 };
static const int64_t wall_ms = INT64_C(1780000000000);

struct fixture { char top[64], dir[96], copy[96], other[96], key[96], new_key[96]; struct rfl_store_options options; };

static void remove_tree(const char *path)
{
    char inside[PATH_BYTES];
    DIR *dir = opendir(path);
    for (const struct dirent *at; dir != NULL && (at = readdir(dir)) != NULL; )
        if (strcmp(at->d_name, ".") != 0 && strcmp(at->d_name, "..") != 0) {
            (void)snprintf(inside, sizeof inside, "%s/%s", path, at->d_name);
            if (unlink(inside) != 0)
                remove_tree(inside);
        }
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(path);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(f->top, sizeof f->top, "%.30s/rfl_vault.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->top));
    (void)snprintf(f->dir, sizeof f->dir, "%s/store", f->top);
    (void)snprintf(f->copy, sizeof f->copy, "%s/copy", f->top);
    (void)snprintf(f->other, sizeof f->other, "%s/other", f->top);
    (void)snprintf(f->key, sizeof f->key, "%s/store/master.key", f->top);
    (void)snprintf(f->new_key, sizeof f->new_key, "%s/new.key", f->top);
    f->options = (struct rfl_store_options){ .map_bytes = 64 << 20, .allow_any_fs = true };
    assert_int_equal(rfl_store_init(f->dir, &f->options), RFL_E_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    remove_tree(f->top);
    free(f);
    return 0;
}

static struct rfl_store *open_at(const struct fixture *f, const char *dir, const char *key)
{
    struct rfl_store_options options = f->options;
    struct rfl_store *store = NULL;
    const char *why = "";
    options.key_path = key;
    enum rfl_err err = rfl_store_open(dir, &options, wall_ms, &store, &why);
    if (err != RFL_E_OK)
        print_error("%s\n", why);
    assert_int_equal(err, RFL_E_OK);
    return store;
}

/* ---- lives ---- */

static const char *canary_of(uint64_t number)
{
    static char text[64];
    (void)snprintf(text, sizeof text, "CANARY-%04llu-Ada-Invented-1-Nowhere-Street", (unsigned long long)number);
    return text;
}

static struct rfl_hash match_of(uint64_t person)
{
    struct rfl_hash hash = { { 0xA5, (uint8_t)person, (uint8_t)(person >> 8), 0x5A } };
    hash.b[15] = (uint8_t)(person * 37 + 11);
    return hash;
}

static struct rfl_event submission(struct rfl_store *store, enum rfl_event_kind kind, uint64_t person)
{
    struct rfl_event e = { .kind = (uint8_t)kind, .band = RFL_BAND_ROUTINE };
    e.submission.id = rfl_store_next_referral(store);
    e.submission.reference = match_of(70000 - e.submission.id.v);
    e.submission.reference.b[9] = (uint8_t)e.submission.id.v;
    e.submission.body = match_of(90);
    e.submission.match[RFL_MATCH_NHS_NUMBER] = match_of(person);
    e.submission.door = RFL_DOOR_GP;
    e.submission.consent = RFL_CONSENT_GIVEN;
    return e;
}

static enum rfl_err append(struct rfl_store *store, struct rfl_entry *entry, const char *words)
{
    entry->wall_ms = wall_ms + NOW;
    entry->actor = RFL_ACTOR_OPERATOR;
    return rfl_store_append(store, entry, (struct rfl_view){ (const uint8_t *)words, strlen(words) });
}

static void must_append(struct rfl_store *store, struct rfl_entry *entry, const char *words)
{
    assert_int_equal(append(store, entry, words), RFL_E_OK);
}

static void simple(struct rfl_store *store, uint64_t id, enum rfl_event_kind kind, const char *words)
{
    struct rfl_entry entry = { .kase = { id }, .event_count = 1 };
    entry.events[0].kind = (uint8_t)kind;
    must_append(store, &entry, words);
}

static uint64_t open_case(struct rfl_store *store, uint64_t person)
{
    struct rfl_entry entry = { .kase = rfl_store_next_case(store), .event_count = 2, .source = { 1 } };
    uint64_t id = entry.kase.v;
    entry.events[0] = submission(store, RFL_EVENT_RECEIVED, person);
    entry.events[1] = (struct rfl_event){ .kind = RFL_EVENT_UNPLACED, .queue = { 7 }, .clock = RFL_CLOCK_TRIAGE,
                                          .due_ms = wall_ms + 9000 };
    must_append(store, &entry, canary_of(id));
    return id;
}

static void close_it(struct rfl_store *store, uint64_t id)
{
    struct rfl_entry entry = { .kase = { id }, .event_count = 1 };
    entry.events[0] = (struct rfl_event){ .kind = RFL_EVENT_CLOSED, .reason = RFL_CLOSE_COMPLETED };
    must_append(store, &entry, canary_of(id));
}

static void erase(struct rfl_store *store, uint64_t id)
{
    struct rfl_entry entry = { .kase = { id }, .event_count = 1, .why = { (const uint8_t *)"asked for", 9 } };
    entry.events[0].kind = RFL_EVENT_ERASED;
    must_append(store, &entry, "");
}

/* Cases 1 to CASES, one a person; a second referral and some words in each; the even ones closed. */
static void fill(struct rfl_store *store)
{
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    for (uint64_t person = 1; person <= CASES; person++) {
        uint64_t id = open_case(store, person);
        struct rfl_entry joined = { .kase = { id }, .event_count = 1, .source = { 2 } };
        joined.events[0] = submission(store, RFL_EVENT_JOINED, person);
        must_append(store, &joined, canary_of(id));
        simple(store, id, RFL_EVENT_REVEALED, canary_of(id));
        if (id % 2 == 0)
            close_it(store, id);
    }
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
}

static void fill_dir(const struct fixture *f)
{
    struct rfl_store *store = open_at(f, f->dir, NULL);
    fill(store);
    rfl_store_close(&store);
}

/* ---- looking at it raw ---- */

static uint8_t *read_file(const char *path, size_t *len)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    *len = (size_t)read(fd, bytes, (size_t)st.st_size);
    assert_int_equal(*len, st.st_size);
    (void)close(fd);
    return bytes;
}

/* In how many files of a folder these bytes are. */
static unsigned found_in(const char *folder, const void *what, size_t n)
{
    char path[PATH_BYTES];
    unsigned found = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *at; (at = readdir(dir)) != NULL; ) {
        size_t len;
        if (at->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, at->d_name);
        uint8_t *bytes = read_file(path, &len);
        found += memmem(bytes, len, what, n) != NULL;
        free(bytes);
    }
    (void)closedir(dir);
    return found;
}

static void raw_open(struct rfl_env *env, const struct fixture *f)
{
    const char *why = "";
    assert_int_equal(rfl_env_open(env, f->dir, RFL_ENV_WRITE, &f->options, &why), RFL_E_OK);
    assert_int_equal(rfl_env_begin(env), RFL_E_OK);
}

static void raw_close(struct rfl_env *env)
{
    assert_int_equal(rfl_env_commit(env), RFL_E_OK);
    rfl_env_close(env);
}

static struct rfl_view id_key(uint64_t id, uint8_t key[RFL_KEY_ID_BYTES])
{
    rfl_put_be64(key, id);
    return (struct rfl_view){ key, RFL_KEY_ID_BYTES };
}

/* The wrapped key of a case, and the data key in it. */
static void raw_key(const struct fixture *f, uint64_t id, uint8_t row[RFL_SEAL_ROW_BYTES])
{
    struct rfl_env env;
    struct rfl_view value;
    uint8_t key[RFL_KEY_ID_BYTES];
    raw_open(&env, f);
    assert_int_equal(rfl_env_get(&env, RFL_TABLE_KEYS, id_key(id, key), &value), RFL_E_OK);
    assert_int_equal(value.len, RFL_SEAL_ROW_BYTES);
    memcpy(row, value.p, RFL_SEAL_ROW_BYTES);
    raw_close(&env);
}

static void say(void *ctx, const char *rule, uint64_t where)
{
    (void)ctx;
    print_message("    %s (%llu)\n", rule, (unsigned long long)where);
}

static void expect_sound(const struct fixture *f, const char *dir, const char *key)
{
    struct rfl_store_options options = f->options;
    struct rfl_store_report report = { .say = say };
    options.key_path = key;
    assert_int_equal(rfl_store_verify(dir, &options, &report), RFL_E_OK);
    assert_int_equal(report.findings, 0);
}

static uint64_t findings_of(const struct fixture *f)
{
    struct rfl_store_report report = { .say = NULL };
    enum rfl_err err = rfl_store_verify(f->dir, &f->options, &report);
    assert_true(err == RFL_E_OK || err == RFL_E_CORRUPT);
    return report.findings;
}

/* ---- sealed parts and keys ---- */

struct place { struct rfl_seq seq; struct rfl_case_id kase; uint8_t bytes[160]; size_t len; };

static size_t sealed_places(struct rfl_store *store, struct place *places, size_t max)
{
    struct rfl_store_stat stat;
    size_t count = 0;
    rfl_store_stat(store, &stat);
    for (uint64_t seq = 1; seq <= stat.entries && count < max; seq++) {
        struct rfl_entry entry;
        assert_int_equal(rfl_store_entry(store, (struct rfl_seq){ seq }, &entry), RFL_E_OK);
        if (entry.sealed.len == 0)
            continue;
        assert_in_range(entry.sealed.len, 1, sizeof places[count].bytes);
        places[count] = (struct place){ .seq = entry.seq, .kase = entry.kase, .len = entry.sealed.len };
        memcpy(places[count++].bytes, entry.sealed.p, entry.sealed.len);
    }
    return count;
}

static enum rfl_err open_there(struct rfl_store *store, const struct place *there, const uint8_t *bytes, size_t len)
{
    struct rfl_entry entry = { .seq = there->seq, .kase = there->kase, .sealed = { bytes, len } };
    uint8_t out[256];
    size_t out_len = 0;
    return rfl_store_unseal(store, &entry, out, sizeof out, &out_len);
}

static void every_byte_changed_and_every_pair_exchanged_is_never_served(void **state)
{
    struct fixture *f = *state;
    static struct place places[3 * CASES];
    struct rfl_store *store = open_at(f, f->dir, NULL);
    fill(store);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    size_t count = sealed_places(store, places, sizeof places / sizeof places[0]);
    assert_int_equal(count, 3 * CASES);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(open_there(store, &places[i], places[i].bytes, places[i].len), RFL_E_OK);
        for (size_t at = 0; at < places[i].len; at++) {
            places[i].bytes[at] ^= (uint8_t)(1 + at % 255);
            assert_int_equal(open_there(store, &places[i], places[i].bytes, places[i].len), RFL_E_CORRUPT);
            places[i].bytes[at] ^= (uint8_t)(1 + at % 255);
        }
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            assert_int_equal(open_there(store, &places[i], places[j].bytes, places[j].len),
                             i == j ? RFL_E_OK : RFL_E_CORRUPT);
    rfl_store_abort(store);
    rfl_store_close(&store);
}

static void every_byte_of_a_wrapped_key_changed_and_every_pair_exchanged_is_found(void **state)
{
    struct fixture *f = *state;
    uint8_t rows[CASES + 1][RFL_SEAL_ROW_BYTES], id[16], key[RFL_KEY_ID_BYTES];
    struct rfl_seal *seal = NULL;
    const char *why = "";
    fill_dir(f);
    struct rfl_env env;
    struct rfl_view row;
    raw_open(&env, f);
    struct rfl_identity identity;
    struct rfl_view name = { (const uint8_t *)"store", 5 };
    assert_int_equal(rfl_env_get(&env, RFL_TABLE_META, name, &row), RFL_E_OK);
    assert_int_equal(rfl_identity_decode(row, &identity), RFL_E_OK);
    memcpy(id, identity.store_id, sizeof id);
    for (uint64_t i = 0; i <= CASES; i++) {
        assert_int_equal(rfl_env_get(&env, RFL_TABLE_KEYS, id_key(i, key), &row), RFL_E_OK);
        memcpy(rows[i], row.p, row.len);
    }
    raw_close(&env);
    assert_int_equal(rfl_seal_open(f->key, id, 1, &seal, &why), RFL_E_OK);
    for (uint64_t i = 1; i <= CASES; i++)
        for (uint64_t j = 0; j <= CASES; j++) {
            rfl_seal_key_forget(seal);
            assert_int_equal(rfl_seal_key_load(seal, (struct rfl_case_id){ i },
                                               (struct rfl_view){ rows[j], RFL_SEAL_ROW_BYTES }),
                             i == j ? RFL_E_OK : RFL_E_CORRUPT);
        }
    for (size_t at = 0; at < RFL_SEAL_ROW_BYTES; at++) {
        rows[3][at] ^= 0x41;
        rfl_seal_key_forget(seal);
        assert_int_not_equal(rfl_seal_key_load(seal, (struct rfl_case_id){ 3 },
                                               (struct rfl_view){ rows[3], RFL_SEAL_ROW_BYTES }), RFL_E_OK);
        rows[3][at] ^= 0x41;
    }
    rfl_seal_close(&seal);
    raw_open(&env, f);                          /* and in the store: verify names both */
    assert_int_equal(rfl_env_put(&env, RFL_TABLE_KEYS, id_key(5, key),
                                 (struct rfl_view){ rows[6], RFL_SEAL_ROW_BYTES }, false), RFL_E_OK);
    assert_int_equal(rfl_env_put(&env, RFL_TABLE_KEYS, id_key(6, key),
                                 (struct rfl_view){ rows[5], RFL_SEAL_ROW_BYTES }, false), RFL_E_OK);
    raw_close(&env);
    assert_true(findings_of(f) >= 2);
}

/* ---- erasure ---- */

static void erasing_needs_a_closed_case_that_nobody_keeps(void **state)
{
    struct fixture *f = *state;
    static const struct { uint64_t id; bool keep, twice; enum rfl_err expected; } rows[] = {
        { 1, false, false, RFL_E_STATE }, { 2, true, false, RFL_E_STATE }, { 4, false, true, RFL_E_STATE },
        { 6, false, false, RFL_E_OK } };
    fill_dir(f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rfl_store *store = open_at(f, f->dir, NULL);
        struct rfl_entry entry = { .kase = { rows[i].id }, .event_count = 1 };
        entry.events[0].kind = RFL_EVENT_ERASED;
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        if (rows[i].keep)
            simple(store, rows[i].id, RFL_EVENT_KEPT, "a claim is pending");
        if (rows[i].twice)
            erase(store, rows[i].id);
        assert_int_equal(append(store, &entry, ""), rows[i].expected);
        rfl_store_abort(store);
        rfl_store_close(&store);
    }
    struct rfl_store *store = open_at(f, f->dir, NULL);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    simple(store, 2, RFL_EVENT_KEPT, "a claim is pending");
    simple(store, 2, RFL_EVENT_UNKEPT, "it is settled");
    erase(store, 2);
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    struct rfl_entry sealed = { .kase = { 4 }, .event_count = 1 };      /* words under the key it destroys */
    sealed.events[0].kind = RFL_EVENT_ERASED;
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    assert_int_equal(append(store, &sealed, "why"), RFL_E_INVALID);
    rfl_store_abort(store);
    rfl_store_close(&store);
}

static void an_erased_person_is_found_by_nothing_and_figures_stay(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = open_at(f, f->dir, NULL);
    struct rfl_referral referral;
    struct rfl_case before, after;
    fill(store);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    assert_true(rfl_store_find_match(store, match_of(2), &referral));
    struct rfl_hash reference = referral.reference;
    assert_int_equal(rfl_store_case(store, (struct rfl_case_id){ 2 }, &before), RFL_E_OK);
    erase(store, 2);
    for (int committed = 0; committed < 2; committed++) {
        struct rfl_store_stat stat;
        struct rfl_entry entry;
        uint8_t out[200];
        size_t len = 0;
        assert_false(rfl_store_find_match(store, match_of(2), &referral));
        assert_true(rfl_store_find_match(store, match_of(3), &referral));
        assert_true(rfl_store_find_reference(store, reference, &referral));     /* a resent message is still known */
        assert_true(rfl_hash_none(referral.match[RFL_MATCH_NHS_NUMBER]));
        assert_int_equal(rfl_store_case(store, (struct rfl_case_id){ 2 }, &after), RFL_E_OK);
        assert_true(after.erased && after.status == RFL_STATUS_CLOSED && after.closed_ms == before.closed_ms);
        assert_int_equal(after.close, before.close);
        assert_int_equal(rfl_store_entry(store, referral.seq, &entry), RFL_E_OK);
        assert_true(entry.sealed.len > 0);
        assert_int_equal(rfl_store_unseal(store, &entry, out, sizeof out, &len), RFL_E_ABSENT);
        rfl_store_stat(store, &stat);
        assert_int_equal(stat.cases_erased, 1);
        assert_int_equal(stat.keys_lingering, 1);
        assert_int_equal(stat.case_by_status[RFL_STATUS_CLOSED], CASES / 2);
        if (committed)
            break;
        assert_int_equal(rfl_store_commit(store), RFL_E_OK);
        rfl_store_close(&store);
        store = open_at(f, f->dir, NULL);
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    }
    struct rfl_entry outcome = { .kase = { 2 }, .event_count = 1 };
    outcome.events[0] = (struct rfl_event){ .kind = RFL_EVENT_OUTCOME, .code = RFL_OUTCOME_OTHER };
    assert_int_equal(append(store, &outcome, ""), RFL_E_STATE);
    rfl_store_abort(store);
    rfl_store_close(&store);
}

static void an_erasure_undone_with_its_turn_is_no_erasure(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = open_at(f, f->dir, NULL);
    struct rfl_referral referral;
    fill(store);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    erase(store, 2);
    rfl_store_abort(store);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    assert_true(rfl_store_find_match(store, match_of(2), &referral));
    simple(store, 2, RFL_EVENT_REVEALED, canary_of(2));         /* its key is there */
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_close(&store);
    expect_sound(f, f->dir, NULL);
}

static void verify_wants_keys_of_exactly_those_who_were_not_erased(void **state)
{
    struct fixture *f = *state;
    uint8_t row[RFL_SEAL_ROW_BYTES], key[RFL_KEY_ID_BYTES];
    struct rfl_env env;
    fill_dir(f);
    raw_key(f, 2, row);
    struct rfl_store *store = open_at(f, f->dir, NULL);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    erase(store, 2);
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_close(&store);
    assert_int_equal(findings_of(f), 0);
    raw_open(&env, f);                          /* out of a backup, back in its place */
    assert_int_equal(rfl_env_put(&env, RFL_TABLE_KEYS, id_key(2, key), (struct rfl_view){ row, sizeof row }, false),
                     RFL_E_OK);
    raw_close(&env);
    assert_int_equal(findings_of(f), 1);
    raw_open(&env, f);
    assert_int_equal(rfl_env_del(&env, RFL_TABLE_KEYS, id_key(2, key)), RFL_E_OK);
    assert_int_equal(rfl_env_del(&env, RFL_TABLE_KEYS, id_key(3, key)), RFL_E_OK);
    raw_close(&env);
    assert_int_equal(findings_of(f), 1);
}

/* ---- copies ---- */

/* By the book (FORMAT.md) and libsodium alone. */
static void unwrap(const uint8_t master[32], const uint8_t store_id[16], uint64_t id,
                   const uint8_t row[RFL_SEAL_ROW_BYTES], uint8_t out[32])
{
    uint8_t kek[32], associated[42] = "keys";
    memcpy(associated + 8, store_id, 16);
    associated[32] = (uint8_t)id;               /* little-endian, and below 256 here */
    associated[40] = 1;
    assert_int_equal(crypto_kdf_derive_from_key(kek, sizeof kek, 1, "rflmastr", master), 0);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, row + 28, 48, associated,
                                                                sizeof associated, row + 4, kek), 0);
}

static void data_key_of(const struct fixture *f, const uint8_t row[RFL_SEAL_ROW_BYTES], uint64_t id, uint8_t out[32])
{
    size_t len;
    struct rfl_store *store = open_at(f, f->dir, NULL);
    struct rfl_head head;
    rfl_store_sign_head(store, &head);
    rfl_store_close(&store);
    uint8_t *master = read_file(f->key, &len);
    assert_int_equal(len, RFL_SEAL_MASTER_BYTES);
    unwrap(master, head.store_id, id, row, out);
    free(master);
}

static void after_a_compaction_nothing_of_the_erased_is_in_the_folder_nor_in_a_backup(void **state)
{
    struct fixture *f = *state;
    uint8_t rows[CASES + 1][RFL_SEAL_ROW_BYTES], data_key[32];
    struct rfl_store_report report = { .say = say };
    struct rfl_store_stat stat;
    fill_dir(f);
    for (uint64_t id = 2; id <= CASES; id += 2)
        raw_key(f, id, rows[id]);
    data_key_of(f, rows[2], 2, data_key);
    assert_int_equal(found_in(f->dir, rows[2], RFL_SEAL_ROW_BYTES), 1);     /* the search finds what is there */
    struct rfl_store *store = open_at(f, f->dir, NULL);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    for (uint64_t id = 2; id <= CASES; id += 2)
        erase(store, id);
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_stat(store, &stat);
    assert_int_equal(stat.keys_lingering, CASES / 2);
    rfl_store_close(&store);
    unsigned lingering = 0;
    for (uint64_t id = 2; id <= CASES; id += 2)
        lingering += found_in(f->dir, rows[id] + 4, RFL_SEAL_ROW_BYTES - 4);
    assert_true(lingering > 0);                 /* why there is a compaction at all */
    assert_int_equal(rfl_store_compact(f->dir, &f->options, &report), RFL_E_OK);
    assert_int_equal(rfl_store_backup(f->dir, f->copy, &f->options, &report), RFL_E_OK);
    const char *const folders[] = { f->dir, f->copy };
    for (size_t i = 0; i < 2; i++) {
        for (uint64_t id = 2; id <= CASES; id += 2)
            for (size_t at = 0; at + 16 <= RFL_SEAL_ROW_BYTES; at += 12)    /* not even a piece of it */
                assert_int_equal(found_in(folders[i], rows[id] + (at > 0 ? at : 4), 12), 0);
        assert_int_equal(found_in(folders[i], data_key, sizeof data_key), 0);
        assert_int_equal(found_in(folders[i], "CANARY", 6), 0);
        expect_sound(f, folders[i], f->key);
    }
    store = open_at(f, f->dir, NULL);
    rfl_store_stat(store, &stat);
    assert_int_equal(stat.keys_lingering, 0);
    assert_int_equal(stat.cases_erased, CASES / 2);
    rfl_store_close(&store);
}

static void a_store_rebuilt_after_erasures_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct rfl_store_report report = { .say = say };
    struct rfl_store *store = open_at(f, f->dir, NULL);
    fill(store);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    erase(store, 2);
    erase(store, 8);
    assert_int_equal(open_case(store, 2), CASES + 1);           /* the same person, afresh */
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_close(&store);
    expect_sound(f, f->dir, NULL);
    assert_int_equal(rfl_store_rebuild(f->dir, f->copy, &f->options, &report), RFL_E_OK);
    assert_int_equal(rfl_store_compare(f->dir, f->copy, &f->options, &report), RFL_E_OK);
    expect_sound(f, f->copy, NULL);
}

/* What is promised of backups older than an erasure: they open with the master key they were made under, the person
 * in them, until that key is destroyed; a restored one is erased anew; and after a rotation the new key does not open
 * it. */
static void an_older_backup_has_the_person_until_its_master_key_is_gone(void **state)
{
    struct fixture *f = *state;
    struct rfl_store_report report = { .say = say };
    struct rfl_rotation rotation = { .progress = NULL };
    uint8_t row[RFL_SEAL_ROW_BYTES];
    fill_dir(f);
    raw_key(f, 2, row);
    assert_int_equal(rfl_store_backup(f->dir, f->copy, &f->options, &report), RFL_E_OK);
    struct rfl_store *store = open_at(f, f->dir, NULL);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    erase(store, 2);
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_close(&store);
    assert_int_equal(found_in(f->copy, row, sizeof row), 1);
    store = open_at(f, f->copy, f->key);        /* restored, and erased again: a new epoch */
    assert_int_equal(rfl_store_epoch(store), 2);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    erase(store, 2);
    assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    rfl_store_close(&store);
    expect_sound(f, f->copy, f->key);
    assert_int_equal(rfl_store_rotate_master(f->dir, &f->options, f->new_key, &rotation), RFL_E_OK);
    struct rfl_store_options with_new = f->options;
    const char *why = NULL;
    with_new.key_path = f->new_key;
    assert_int_equal(rfl_store_open(f->copy, &with_new, wall_ms, &store, &why), RFL_E_CORRUPT);
    assert_non_null(why);
}

/* ---- another master key ---- */

static void kill_me_after(void *ctx, uint64_t done, uint64_t total)
{
    int *commits = ctx;
    (void)done;
    (void)total;
    if (--*commits == 0)
        (void)raise(SIGKILL);
}

/* True: it was killed in its n-th commit; false: it came to its end before. */
static bool killed_at(const struct fixture *f, int commits)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rfl_rotation rotation = { .progress = kill_me_after, .ctx = &commits };
        enum rfl_err err = rfl_store_rotate_master(f->dir, &f->options, f->new_key, &rotation);
        _exit(err == RFL_E_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

static void nothing_is_wrapped_under(const struct fixture *f, uint16_t version)
{
    struct rfl_env env;
    struct rfl_walk walk = { 0 };
    unsigned rows = 0;
    raw_open(&env, f);
    for (; rfl_walk_next(&env, RFL_TABLE_KEYS, &walk); rows++)
        assert_int_not_equal(rfl_seal_row_version(walk.value), version);
    assert_true(rows > CASES);
    rfl_walk_end(&walk);
    raw_close(&env);
}

enum { MANY = 9000 };                   /* three batches of 4,096 */

static void fill_many(const struct fixture *f)
{
    struct rfl_store *store = open_at(f, f->dir, NULL);
    for (unsigned done = 0; done < MANY; done += 1000) {
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        for (unsigned i = 0; i < 1000; i++)
            (void)open_case(store, done + i + 1);
        assert_int_equal(rfl_store_commit(store), RFL_E_OK);
    }
    rfl_store_close(&store);
}

static void a_rotation_killed_after_any_commit_is_finished_by_the_next(void **state)
{
    struct fixture *f = *state;
    struct rfl_store_options options = f->options;
    fill_many(f);
    struct rfl_store *store = open_at(f, f->dir, NULL);
    const struct rfl_receipt_key receipts = *rfl_store_receipt_key(store);
    struct rfl_view text = { (const uint8_t *)"9990000018", 10 };
    struct rfl_hash match = rfl_store_hash(store, RFL_HASH_NHS_NUMBER, 0, text);
    uint8_t public_key[32], same_key[32];
    rfl_store_public_key(store, public_key);
    rfl_store_close(&store);
    unsigned kills = 0;
    for (int commits = 1; killed_at(f, commits); commits++, kills++) {      /* begun, three batches, the secret */
        const char *why = NULL;
        if (kills < 4) {                        /* in between nobody opens it by mistake */
            assert_int_equal(rfl_store_open(f->dir, &options, wall_ms, &store, &why), RFL_E_STATE);
            assert_non_null(strstr(why, "rotation"));
        }
        assert_in_range(kills, 0, 9);
    }
    assert_int_equal(kills, 5);
    nothing_is_wrapped_under(f, 1);
    store = open_at(f, f->dir, NULL);           /* the store's own key file is the new one */
    struct rfl_hash again = rfl_store_hash(store, RFL_HASH_NHS_NUMBER, 0, text);
    assert_memory_equal(rfl_store_receipt_key(store), &receipts, sizeof receipts);
    assert_true(rfl_hash_same(match, again));
    rfl_store_public_key(store, same_key);
    assert_memory_equal(same_key, public_key, sizeof same_key);
    rfl_store_close(&store);
    expect_sound(f, f->dir, NULL);
    struct rfl_rotation rotation = { .progress = NULL };
    assert_int_equal(rfl_store_rotate_master(f->dir, &f->options, f->new_key, &rotation), RFL_E_OK);
    assert_int_equal(rotation.rewrapped, 0);
    char kept[PATH_BYTES];
    size_t len;
    (void)snprintf(kept, sizeof kept, "%s.1", f->key);
    free(read_file(kept, &len));
    assert_int_equal(len, RFL_SEAL_MASTER_BYTES);
}

static void a_rotation_names_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    struct rfl_rotation rotation = { .progress = NULL };
    struct rfl_store_options options = f->options;
    char third[96];
    (void)snprintf(third, sizeof third, "%s/third.key", f->top);
    fill_dir(f);
    int one = 1;                                /* begun, then another new key */
    assert_true(killed_at(f, one));
    assert_int_equal(rfl_store_rotate_master(f->dir, &options, third, &rotation), RFL_E_CORRUPT);
    assert_non_null(strstr(rotation.why, "another new key"));
    assert_int_equal(rfl_store_rotate_master(f->dir, &options, f->new_key, &rotation), RFL_E_OK);
    assert_int_equal(rotation.rewrapped, CASES);
    options.key_path = third;                   /* neither is its own */
    assert_int_equal(rfl_store_rotate_master(f->dir, &options, third, &rotation), RFL_E_CORRUPT);
    options.key_path = "master";                /* a credential, and there are none */
    assert_int_equal(rfl_store_rotate_master(f->dir, &options, third, &rotation), RFL_E_ABSENT);
    expect_sound(f, f->dir, NULL);
}

static void a_key_named_without_a_folder_is_a_credential(void **state)
{
    struct fixture *f = *state;
    struct rfl_store_options options = f->options;
    struct rfl_store *store = NULL;
    const char *why = NULL;
    options.key_path = "new.key";
    assert_int_equal(rfl_store_init(f->copy, &options), RFL_E_ABSENT);
    options.credentials_dir = f->top;
    assert_int_equal(rfl_store_init(f->copy, &options), RFL_E_OK);
    size_t len;
    free(read_file(f->new_key, &len));          /* there, and not in the working directory */
    assert_int_equal(rfl_store_open(f->copy, &options, wall_ms, &store, &why), RFL_E_OK);
    rfl_store_close(&store);
    options.credentials_dir = "";
    assert_int_equal(rfl_store_open(f->copy, &options, wall_ms, &store, &why), RFL_E_ABSENT);
    assert_non_null(strstr(why, "credentials"));
}

/* ---- heads ---- */

static void a_head_is_checked_without_a_store_and_no_bit_of_it_may_change(void **state)
{
    struct fixture *f = *state;
    struct rfl_store *store = open_at(f, f->dir, NULL);
    struct rfl_head before, head, changed;
    uint8_t public_key[32], hash[32] = { 0 };
    struct rfl_view bytes;
    fill(store);
    rfl_store_public_key(store, public_key);
    rfl_store_sign_head(store, &before);
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    simple(store, 1, RFL_EVENT_REVEALED, canary_of(1));
    rfl_store_sign_head(store, &head);          /* within the turn it covers what the turn has appended */
    assert_int_equal(head.seq.v, before.seq.v + 1);
    assert_true(rfl_head_verify(&before, public_key) && rfl_head_verify(&head, public_key));
    for (uint64_t seq = 1; seq <= head.seq.v; seq++) {
        uint8_t kept[32];
        memcpy(kept, hash, sizeof kept);
        assert_int_equal(rfl_store_raw(store, (struct rfl_seq){ seq }, &bytes), RFL_E_OK);
        assert_int_equal(rfl_chain_check(hash, (struct rfl_seq){ seq + 1 }, bytes, hash), RFL_E_CORRUPT);
        kept[seq % 32] ^= 1;
        assert_int_equal(rfl_chain_check(kept, (struct rfl_seq){ seq }, bytes, hash), RFL_E_CORRUPT);
        assert_int_equal(rfl_chain_check(hash, (struct rfl_seq){ seq }, bytes, hash), RFL_E_OK);
        if (seq == before.seq.v)
            assert_memory_equal(hash, before.hash, sizeof hash);
    }
    assert_memory_equal(hash, head.hash, sizeof hash);
    assert_int_equal(rfl_store_raw(store, (struct rfl_seq){ head.seq.v + 1 }, &bytes), RFL_E_ABSENT);
    for (size_t bit = 0; bit < 8 * sizeof head; bit++) {
        memcpy(&changed, &head, sizeof head);
        ((uint8_t *)&changed)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        bool padding = bit / 8 >= offsetof(struct rfl_head, epoch) + sizeof head.epoch &&
                       bit / 8 < offsetof(struct rfl_head, seq);
        assert_int_equal(rfl_head_verify(&changed, public_key), padding);
    }
    public_key[7] ^= 1;
    assert_false(rfl_head_verify(&head, public_key));
    rfl_store_abort(store);
    rfl_store_close(&store);
}

/* ---- full ---- */

static enum rfl_err fill_one(struct rfl_store *store, bool people)
{
    struct rfl_entry entry = { .event_count = 1, .events = { { .kind = RFL_EVENT_POLICY_LOADED } } };
    if (!people)
        return append(store, &entry, "");
    entry = (struct rfl_entry){ .kase = rfl_store_next_case(store), .event_count = 2, .source = { 1 } };
    entry.events[0] = submission(store, RFL_EVENT_RECEIVED, entry.kase.v);
    entry.events[1] = (struct rfl_event){ .kind = RFL_EVENT_UNPLACED, .queue = { 7 }, .clock = RFL_CLOCK_TRIAGE,
                                          .due_ms = wall_ms + 9000 };
    return append(store, &entry, canary_of(entry.kase.v));
}

/* Turns of so many people, or of the smallest entries there are, until there is no room for one. */
static void fill_until_full(struct rfl_store *store, bool people, unsigned per_turn)
{
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK) {
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        for (unsigned i = 0; i < per_turn && err == RFL_E_OK; i++)
            err = fill_one(store, people);
        if (err == RFL_E_OK)
            err = rfl_store_commit(store);
        else
            rfl_store_abort(store);
    }
    assert_int_equal(err, RFL_E_FULL);
}

static void a_completely_full_store_opens_again_once_its_map_is_larger(void **state)
{
    struct fixture *f = *state;
    struct rfl_store_options options = f->options;
    struct rfl_store *store = NULL;
    const char *why = NULL;
    options.map_bytes = 1 << 20;
    assert_int_equal(rfl_store_open(f->dir, &options, wall_ms, &store, &why), RFL_E_OK);
    fill_until_full(store, true, 32);
    fill_until_full(store, false, 32);
    fill_until_full(store, false, 1);
    uint64_t cases = rfl_store_next_case(store).v - 1;
    rfl_store_close(&store);
    enum rfl_err err = RFL_E_OK;
    for (int opens = 0; err == RFL_E_OK && opens < 50; opens++) {   /* pages set free last may serve one more time */
        err = rfl_store_open(f->dir, &options, wall_ms, &store, &why);
        rfl_store_close(&store);
    }
    assert_int_equal(err, RFL_E_FULL);          /* the epoch's commit found no room */
    assert_non_null(strstr(why, "enlarge its map"));
    options.map_bytes = 2 << 20;
    assert_int_equal(rfl_store_open(f->dir, &options, wall_ms, &store, &why), RFL_E_OK);
    assert_int_equal(rfl_store_next_case(store).v - 1, cases);
    rfl_store_close(&store);
    expect_sound(f, f->dir, NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(every_byte_changed_and_every_pair_exchanged_is_never_served),
        T(every_byte_of_a_wrapped_key_changed_and_every_pair_exchanged_is_found),
        T(erasing_needs_a_closed_case_that_nobody_keeps),
        T(an_erased_person_is_found_by_nothing_and_figures_stay),
        T(an_erasure_undone_with_its_turn_is_no_erasure),
        T(verify_wants_keys_of_exactly_those_who_were_not_erased),
        T(after_a_compaction_nothing_of_the_erased_is_in_the_folder_nor_in_a_backup),
        T(a_store_rebuilt_after_erasures_is_the_same),
        T(an_older_backup_has_the_person_until_its_master_key_is_gone),
        T(a_rotation_killed_after_any_commit_is_finished_by_the_next),
        T(a_rotation_names_what_is_wrong),
        T(a_key_named_without_a_folder_is_a_credential),
        T(a_head_is_checked_without_a_store_and_no_bit_of_it_may_change),
        T(a_completely_full_store_opens_again_once_its_map_is_larger),
    };
    return cmocka_run_group_tests_name("vault", tests, NULL, NULL);
}
