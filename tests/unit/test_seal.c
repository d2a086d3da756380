/* Keys and sealing: what was sealed opens only where it was put, and nothing damaged ever opens. */
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

#include "rfl_seal.h"

struct fixture { char dir[64], key[96], other[96]; struct rfl_seal *seal; uint8_t secret_row[RFL_SEAL_ROW_BYTES]; };

static const uint8_t store_id[16] = { 1, 2, 3 };
static const char *why;

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/rfl_seal.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->key, sizeof f->key, "%s/master.key", f->dir);
    (void)snprintf(f->other, sizeof f->other, "%s/other.key", f->dir);
    assert_int_equal(rfl_seal_master_make(f->key), RFL_E_OK);
    assert_int_equal(rfl_seal_open(f->key, store_id, 1, &f->seal, &why), RFL_E_OK);
    rfl_seal_secret_new(f->seal, f->secret_row);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rfl_seal_close(&f->seal);
    (void)unlink(f->key);
    (void)unlink(f->other);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

static void put_file(const char *path, size_t bytes, mode_t mode)
{
    static const char zeroes[64];
    (void)unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, zeroes, bytes), bytes);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void the_master_key_file_is_checked(void **state)
{
    struct fixture *f = *state;
    struct rfl_seal *seal = NULL;
    struct stat st;
    assert_int_equal(rfl_seal_master_make(f->key), RFL_E_EXISTS);
    assert_int_equal(stat(f->key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(rfl_seal_open(f->other, store_id, 1, &seal, &why), RFL_E_ABSENT);
    const size_t wrong_sizes[] = { 0, 31, 33, 64 };
    for (size_t i = 0; i < sizeof wrong_sizes / sizeof wrong_sizes[0]; i++) {
        put_file(f->other, wrong_sizes[i], 0600);
        assert_int_equal(rfl_seal_open(f->other, store_id, 1, &seal, &why), RFL_E_INVALID);
    }
    put_file(f->other, 32, 0604);
    assert_int_equal(rfl_seal_open(f->other, store_id, 1, &seal, &why), RFL_E_INVALID);
    put_file(f->other, 32, 0620);
    assert_int_equal(rfl_seal_open(f->other, store_id, 1, &seal, &why), RFL_E_INVALID);
    assert_null(seal);
    put_file(f->other, 32, 0400);
    assert_int_equal(rfl_seal_open(f->other, store_id, 1, &seal, &why), RFL_E_OK);
    rfl_seal_close(&seal);
    assert_null(seal);
}

static void a_text_opens_only_where_it_was_sealed(void **state)
{
    struct fixture *f = *state;
    uint8_t row[RFL_SEAL_ROW_BYTES], row_other[RFL_SEAL_ROW_BYTES], sealed[200], out[200];
    const struct rfl_view text = { (const uint8_t *)"Ada Invented, 1 Nowhere Street", 30 };
    const struct rfl_case_id kase = { 7 }, other = { 8 };
    const struct rfl_seq seq = { 12 };
    rfl_seal_key_new(f->seal, kase, row);
    size_t len = rfl_seal_text(f->seal, kase, seq, text, sealed);
    assert_int_equal(len, text.len + RFL_SEAL_OVERHEAD_BYTES);
    struct rfl_view whole = { sealed, len };
    assert_int_equal(rfl_seal_open_text(f->seal, kase, seq, whole, out), RFL_E_OK);
    assert_memory_equal(out, text.p, text.len);
    assert_int_equal(rfl_seal_open_text(f->seal, kase, (struct rfl_seq){ 13 }, whole, out), RFL_E_CORRUPT);
    assert_int_equal(out[0], 0);
    for (size_t i = 0; i < len * 8; i++) {
        sealed[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(rfl_seal_open_text(f->seal, kase, seq, whole, out), RFL_E_CORRUPT);
        sealed[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < len; n++)
        assert_int_equal(rfl_seal_open_text(f->seal, kase, seq, (struct rfl_view){ sealed, n }, out), RFL_E_CORRUPT);

    rfl_seal_key_new(f->seal, other, row_other);
    assert_false(rfl_seal_key_in_use(f->seal, kase));
    assert_int_equal(rfl_seal_open_text(f->seal, other, seq, whole, out), RFL_E_CORRUPT);
    assert_int_equal(rfl_seal_key_load(f->seal, kase, (struct rfl_view){ row, sizeof row }), RFL_E_OK);
    assert_int_equal(rfl_seal_open_text(f->seal, kase, seq, whole, out), RFL_E_OK);
    assert_memory_equal(out, text.p, text.len);
}

static void a_wrapped_key_opens_only_for_its_case_store_and_master(void **state)
{
    struct fixture *f = *state;
    uint8_t row[RFL_SEAL_ROW_BYTES];
    const struct rfl_case_id kase = { 7 }, other = { 8 };
    const struct rfl_view view = { row, sizeof row };
    rfl_seal_key_new(f->seal, kase, row);
    rfl_seal_key_forget(f->seal);
    assert_false(rfl_seal_key_in_use(f->seal, kase));
    assert_int_equal(rfl_seal_key_load(f->seal, other, view), RFL_E_CORRUPT);
    for (size_t i = 0; i < sizeof row * 8; i++) {
        row[i / 8] ^= (uint8_t)(1 << i % 8);
        enum rfl_err err = rfl_seal_key_load(f->seal, kase, view);
        assert_int_equal(err, i / 8 == 0 || i / 8 == 2 || i / 8 == 3 ? RFL_E_VERSION : RFL_E_CORRUPT);
        assert_false(rfl_seal_key_in_use(f->seal, kase));
        row[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(rfl_seal_key_load(f->seal, kase, (struct rfl_view){ row, sizeof row - 1 }), RFL_E_CORRUPT);
    assert_int_equal(rfl_seal_key_load(f->seal, kase, view), RFL_E_OK);

    struct rfl_seal *stranger = NULL;
    const uint8_t other_id[16] = { 9 };
    assert_int_equal(rfl_seal_open(f->key, other_id, 1, &stranger, &why), RFL_E_OK);
    assert_int_equal(rfl_seal_key_load(stranger, kase, view), RFL_E_CORRUPT);
    rfl_seal_close(&stranger);
    assert_int_equal(rfl_seal_master_make(f->other), RFL_E_OK);
    assert_int_equal(rfl_seal_open(f->other, store_id, 1, &stranger, &why), RFL_E_OK);
    assert_int_equal(rfl_seal_key_load(stranger, kase, view), RFL_E_CORRUPT);
    assert_int_equal(rfl_seal_secret_load(stranger, (struct rfl_view){ f->secret_row, sizeof f->secret_row }),
                     RFL_E_CORRUPT);
    rfl_seal_close(&stranger);
}

static void hashes_and_receipt_key_live_as_long_as_the_store(void **state)
{
    struct fixture *f = *state;
    const struct rfl_view text = { (const uint8_t *)"reference-1", 11 };
    struct rfl_hash first = rfl_seal_hash(f->seal, RFL_HASH_REFERENCE, 1, text);
    assert_false(rfl_hash_same(first, rfl_seal_hash(f->seal, RFL_HASH_REFERENCE, 2, text)));
    assert_false(rfl_hash_same(first, rfl_seal_hash(f->seal, RFL_HASH_BODY, 1, text)));
    assert_false(rfl_hash_same(first, rfl_seal_hash(f->seal, RFL_HASH_NHS_NUMBER, 1, text)));
    assert_false(rfl_hash_same(first, rfl_seal_hash(f->seal, RFL_HASH_REFERENCE, 1, (struct rfl_view){ text.p, 10 })));
    struct rfl_receipt_key receipt = *rfl_seal_receipt_key(f->seal);

    struct rfl_seal *again = NULL;
    assert_int_equal(rfl_seal_open(f->key, store_id, 1, &again, &why), RFL_E_OK);
    assert_int_equal(rfl_seal_secret_load(again, (struct rfl_view){ f->secret_row, sizeof f->secret_row }), RFL_E_OK);
    assert_true(rfl_hash_same(first, rfl_seal_hash(again, RFL_HASH_REFERENCE, 1, text)));
    assert_memory_equal(receipt.b, rfl_seal_receipt_key(again)->b, sizeof receipt.b);
    rfl_seal_close(&again);
}

static void random_bytes_do_not_repeat_over_a_refill(void **state)
{
    struct fixture *f = *state;
    enum { DRAWS = 600, BYTES = 24 };
    uint8_t (*seen)[BYTES] = calloc(DRAWS, BYTES);
    for (int i = 0; i < DRAWS; i++) {
        rfl_seal_draw(f->seal, seen[i], BYTES);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(seen[i], seen[k], BYTES);
    }
    free(seen);
}

static void the_chain_hash_is_blake2b_256(void **state)
{
    (void)state;
    static const uint8_t want[8] = { 0x0e, 0x57, 0x51, 0xc0, 0x26, 0xe5, 0x43, 0xb2 };  /* of no bytes at all */
    uint8_t got[32];
    rfl_seal_chain((struct rfl_view){ NULL, 0 }, got);
    assert_memory_equal(got, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_master_key_file_is_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_opens_only_where_it_was_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrapped_key_opens_only_for_its_case_store_and_master, setup, teardown),
        cmocka_unit_test_setup_teardown(hashes_and_receipt_key_live_as_long_as_the_store, setup, teardown),
        cmocka_unit_test_setup_teardown(random_bytes_do_not_repeat_over_a_refill, setup, teardown),
        cmocka_unit_test(the_chain_hash_is_blake2b_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
