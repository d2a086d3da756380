/* A log of ten thousand entries outside its store: what holds is said to hold, and whatever is done to any one entry is
 * found, at that entry. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl_chain.h"
#include "rfl_record.h"

enum { ENTRIES = 10000, BYTES = 512, FORKS_EVERY = 250 };
static const int64_t begin_ms = INT64_C(1790000000000);

static struct { uint8_t bytes[BYTES]; size_t len; uint8_t hash[32]; } log_[ENTRIES + 1];    /* by number; 0: none */
static uint8_t store_id[16], public_key[32], secret_key[64];

/* ---- making a log ---- */

static void hash_of(const uint8_t *bytes, size_t len, uint8_t out[32])
{
    assert_int_equal(crypto_generichash(out, 32, bytes, len, NULL, 0), 0);
}

/* Entry `seq` that follows `prev`; salt makes another one that is as good. */
static size_t make_entry(uint64_t seq, const uint8_t prev[32], unsigned salt, uint8_t out[BYTES])
{
    struct rfl_entry entry = { .seq = { seq }, .wall_ms = begin_ms + (int64_t)seq, .actor = RFL_ACTOR_OPERATOR,
                               .actor_name = rfl_view_of("ines"), .event_count = 1, .why = rfl_view_of("because") };
    entry.events[0] = (struct rfl_event){ .kind = RFL_EVENT_QUEUE_SET, .queue = { 7 }, .code = RFL_QUEUE_MODE_PAUSE,
                                          .until_ms = begin_ms + (int64_t)salt };
    size_t len = rfl_entry_encode(&entry, prev, out, BYTES);
    assert_true(len > 0);
    return len;
}

static int make_log(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    (void)crypto_sign_keypair(public_key, secret_key);
    randombytes_buf(store_id, sizeof store_id);
    for (uint64_t i = 1; i <= ENTRIES; i++) {
        log_[i].len = make_entry(i, log_[i - 1].hash, 1, log_[i].bytes);
        hash_of(log_[i].bytes, log_[i].len, log_[i].hash);
    }
    return 0;
}

static struct ctl_head head_of(uint64_t seq, const uint8_t hash[32])
{
    struct ctl_head head = { .head = { .epoch = 3, .seq = { seq }, .wall_ms = begin_ms + (int64_t)seq } };
    uint8_t text[RFL_HEAD_TEXT_BYTES];
    memcpy(head.head.store_id, store_id, sizeof store_id);
    memcpy(head.head.hash, hash, 32);
    memcpy(head.public_key, public_key, sizeof public_key);
    rfl_head_text(&head.head, text);
    (void)crypto_sign_detached(head.head.signature, NULL, text, sizeof text, secret_key);
    return head;
}

/* ---- feeding it to the checker ---- */

static bool feed(struct ctl_chain *chain, uint64_t said, const uint8_t *bytes, size_t len)
{
    char text[2 * BYTES];
    (void)sodium_bin2base64(text, sizeof text, bytes, len, sodium_base64_VARIANT_ORIGINAL);
    json_t *line = json_pack("{s:I, s:s}", "seq", (json_int_t)said, "bytes", text);
    bool good = ctl_chain_line(chain, line, NULL, NULL);
    json_decref(line);
    return good;
}

static bool feed_true(struct ctl_chain *chain, uint64_t seq)
{
    return feed(chain, seq, log_[seq].bytes, log_[seq].len);
}

static bool feed_head(struct ctl_chain *chain, const struct ctl_head *head)
{
    json_t *line = json_pack("{s:o}", "head", ctl_head_json(head));
    bool good = ctl_chain_line(chain, line, NULL, NULL);
    json_decref(line);
    return good;
}

static void feed_header(struct ctl_chain *chain)
{
    const struct ctl_head head = head_of(1, log_[1].hash);
    json_t *line = ctl_head_json(&head);
    (void)json_object_set_new(line, "format", json_string(CTL_CHAIN_FORMAT));
    assert_true(ctl_chain_line(chain, line, NULL, NULL));
    json_decref(line);
}

/* The checker as it is after `count` true entries. */
static struct ctl_chain whole;
static void rewind_to(uint64_t count)
{
    whole.count = count;
    whole.has_head = false;
    whole.why = NULL;
    whole.bad_seq = 0;
}

static void expect_bad_at(uint64_t seq, const char *what)
{
    if (whole.why == NULL || whole.bad_seq != seq)
        fail_msg("%s entry %llu: said %llu, %s", what, (unsigned long long)seq, (unsigned long long)whole.bad_seq,
                 whole.why != NULL ? whole.why : "nothing wrong");
}

static void a_true_log_holds_and_its_heads_lie_on_it(void **state)
{
    (void)state;
    const struct ctl_head last = head_of(ENTRIES, log_[ENTRIES].hash);
    memset(&whole, 0, sizeof whole);
    feed_header(&whole);
    for (uint64_t i = 1; i <= ENTRIES; i++)
        assert_true(feed_true(&whole, i));
    assert_true(feed_head(&whole, &last));
    for (uint64_t i = 1; i <= ENTRIES; i += 17) {
        struct ctl_head head = head_of(i, log_[i].hash);
        assert_null(ctl_head_judge(&whole, &head));
        head.head.hash[i % 32] ^= 1;
        assert_non_null(ctl_head_judge(&whole, &head));
    }
    assert_false(feed_true(&whole, ENTRIES));           /* nothing follows the head */
}

static void whatever_is_done_to_an_entry_is_found_there(void **state)
{
    (void)state;
    const struct ctl_head last = head_of(ENTRIES, log_[ENTRIES].hash);
    uint8_t other[BYTES];
    for (uint64_t i = 1; i <= ENTRIES; i++) {
        rewind_to(i - 1);                                                           /* left out */
        assert_false(i < ENTRIES ? feed_true(&whole, i + 1) : feed_head(&whole, &last));
        expect_bad_at(i, "without");
        rewind_to(i - 1);                                                           /* left out, the rest renumbered */
        assert_false(i < ENTRIES ? feed(&whole, i, log_[i + 1].bytes, log_[i + 1].len) : feed_head(&whole, &last));
        expect_bad_at(i, "another in the place of");
        memcpy(other, log_[i].bytes, log_[i].len);                                  /* one bit */
        other[12 + (i * 31) % (log_[i].len - 12)] ^= (uint8_t)(1u << i % 8);
        rewind_to(i - 1);
        bool said = feed(&whole, i, other, log_[i].len);
        assert_false(said);
        if (whole.bad_seq != i && whole.bad_seq != i - 1)       /* in the hash of the one before: one of the two */
            expect_bad_at(i, "one bit in");
        rewind_to(i - 1);                                                           /* made anew, with its checksum */
        size_t len = make_entry(i, log_[i - 1].hash, 2, other);
        assert_true(feed(&whole, i, other, len));
        assert_false(i < ENTRIES ? feed_true(&whole, i + 1) : feed_head(&whole, &last));
        expect_bad_at(i, "made anew");
        rewind_to(i - 1);
        assert_true(feed_true(&whole, i));
        if (i < ENTRIES) {                                                          /* the rest cut off */
            rewind_to(i);
            assert_false(feed_head(&whole, &last));
            expect_bad_at(i + 1, "cut off at");
        }
    }
}

/* Everything from one entry on made anew: a chain that holds; only the signature or a head kept elsewhere tells. */
static void a_fork_is_found_by_the_head_and_by_whoever_kept_one(void **state)
{
    (void)state;
    const struct ctl_head last = head_of(ENTRIES, log_[ENTRIES].hash);
    for (uint64_t i = 1; i <= ENTRIES; i += FORKS_EVERY) {
        uint8_t bytes[BYTES], hash[32];
        memcpy(hash, log_[i - 1].hash, sizeof hash);
        rewind_to(i - 1);
        for (uint64_t k = i; k <= ENTRIES; k++) {
            size_t len = make_entry(k, hash, 2, bytes);
            assert_true(feed(&whole, k, bytes, len));
            hash_of(bytes, len, hash);
        }
        struct ctl_head forged = last;
        memcpy(forged.head.hash, hash, sizeof hash);
        assert_false(feed_head(&whole, &last));                                     /* the true head: another entry */
        expect_bad_at(ENTRIES, "the true head after a fork at");
        rewind_to(ENTRIES);
        assert_false(feed_head(&whole, &forged));                                   /* the hash put in: not signed */
        expect_bad_at(ENTRIES, "a forged head after a fork at");
        rewind_to(ENTRIES);
        const struct ctl_head stolen = head_of(ENTRIES, hash);                      /* by whoever has the key */
        assert_true(feed_head(&whole, &stolen));
        const struct ctl_head before = head_of(i > 1 ? i - 1 : 1, log_[i > 1 ? i - 1 : 1].hash);
        const struct ctl_head kept = head_of(i, log_[i].hash);                      /* a receipt of the day */
        assert_non_null(ctl_head_judge(&whole, &kept));
        if (i > 1)
            assert_null(ctl_head_judge(&whole, &before));
        rewind_to(i - 1);
        for (uint64_t k = i; k <= ENTRIES; k++)                                     /* as it was, for the next round */
            assert_true(feed_true(&whole, k));
    }
}

static void another_store_or_key_is_found(void **state)
{
    (void)state;
    struct ctl_head head = head_of(ENTRIES, log_[ENTRIES].hash);
    head.head.store_id[3] ^= 1;
    rewind_to(ENTRIES);
    assert_non_null(ctl_head_judge(&whole, &head));
    uint8_t keep[64], other_public[32];
    memcpy(keep, secret_key, sizeof keep);
    (void)crypto_sign_keypair(other_public, secret_key);
    head = head_of(ENTRIES, log_[ENTRIES].hash);
    assert_non_null(ctl_head_judge(&whole, &head));                 /* said to be by our key */
    memcpy(head.public_key, other_public, sizeof other_public);
    assert_non_null(ctl_head_judge(&whole, &head));                 /* truly by another */
    memcpy(secret_key, keep, sizeof keep);
    static const char *const lines[] = { "{}", "{\"seq\": 1}", "{\"seq\": 10001, \"bytes\": \"AAAA\"}",
                                         "{\"head\": {}}", "{\"head\": 7}", "{\"seq\": \"x\", \"bytes\": 7}" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        json_t *line = json_loads(lines[i], 0, NULL);
        rewind_to(ENTRIES);
        assert_false(ctl_chain_line(&whole, line, NULL, NULL));
        assert_non_null(whole.why);
        json_decref(line);
    }
    ctl_chain_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_log_holds_and_its_heads_lie_on_it),
        cmocka_unit_test(whatever_is_done_to_an_entry_is_found_there),
        cmocka_unit_test(a_fork_is_found_by_the_head_and_by_whoever_kept_one),
        cmocka_unit_test(another_store_or_key_is_found),
    };
    return cmocka_run_group_tests_name("chain", tests, make_log, NULL);
}
