/* Readers and writers with a sticky error, and the checksum. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rfl_bytes.h"

static void what_was_written_is_read_and_is_little_endian(void **state)
{
    (void)state;
    static const uint8_t expected[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0F, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A,
                                        0x09, 0x08, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 'o', 'k' };
    uint8_t bytes[sizeof expected], two[2];
    struct rfl_wr w = rfl_wr_of(bytes, sizeof bytes);
    rfl_wr_u8(&w, 0x01);
    rfl_wr_u16(&w, 0x0203);
    rfl_wr_u32(&w, 0x04050607);
    rfl_wr_u64(&w, UINT64_C(0x08090A0B0C0D0E0F));
    rfl_wr_i64(&w, -2);
    rfl_wr_bytes(&w, "ok", 2);
    assert_false(w.bad);
    assert_int_equal(w.used, sizeof bytes);
    assert_memory_equal(bytes, expected, sizeof bytes);
    struct rfl_rd r = rfl_rd_of((struct rfl_view){ bytes, sizeof bytes });
    assert_int_equal(rfl_rd_u8(&r), 0x01);
    assert_int_equal(rfl_rd_u16(&r), 0x0203);
    assert_int_equal(rfl_rd_u32(&r), 0x04050607);
    assert_true(rfl_rd_u64(&r) == UINT64_C(0x08090A0B0C0D0E0F));
    assert_true(rfl_rd_i64(&r) == -2);
    assert_false(rfl_rd_done(&r));
    rfl_rd_bytes(&r, two, sizeof two);
    assert_memory_equal(two, "ok", 2);
    assert_true(rfl_rd_done(&r));
}

/* For every length the buffer may be short by: the first field that does not fit is not written in part, and nothing
 * after it is written although it would fit. */
static void write_that_does_not_fit_stops_all_later_ones(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 15; cap++) {
        uint8_t bytes[16];
        memset(bytes, 0xEE, sizeof bytes);
        struct rfl_wr w = rfl_wr_of(bytes, cap);
        rfl_wr_u32(&w, 0);
        rfl_wr_u64(&w, 0);
        rfl_wr_u16(&w, 0);
        rfl_wr_u8(&w, 0);
        size_t whole = cap < 4 ? 0 : cap < 12 ? 4 : cap < 14 ? 12 : 14;
        assert_true(w.bad);
        assert_int_equal(w.used, whole);
        for (size_t i = 0; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], i < whole ? 0 : 0xEE);
    }
}

static void read_beyond_the_end_gives_zero_for_ever(void **state)
{
    (void)state;
    uint8_t bytes[7] = { 1, 2, 3, 4, 5, 6, 7 }, out[3] = { 9, 9, 9 };
    struct rfl_rd r = rfl_rd_of((struct rfl_view){ bytes, sizeof bytes });
    assert_true(rfl_rd_u64(&r) == 0);
    assert_int_equal(rfl_rd_u8(&r), 0);             /* it would fit, but comes too late */
    rfl_rd_bytes(&r, out, sizeof out);
    assert_int_equal(out[0] + out[1] + out[2], 0);
    assert_int_equal(rfl_rd_view(&r, 1).len, 0);
    assert_null(rfl_rd_view(&r, 0).p);
    assert_false(rfl_rd_done(&r));
    struct rfl_rd empty = rfl_rd_of((struct rfl_view){ NULL, 0 });
    assert_true(rfl_rd_done(&empty));
    rfl_rd_bytes(&empty, out, 0);
    assert_true(rfl_rd_done(&empty));
    assert_int_equal(rfl_rd_view(&empty, SIZE_MAX).len, 0);
    assert_false(rfl_rd_done(&empty));
}

static void view_is_lent_from_the_readers_memory(void **state)
{
    (void)state;
    const uint8_t bytes[5] = { 1, 2, 3, 4, 5 };
    struct rfl_rd r = rfl_rd_of((struct rfl_view){ bytes, sizeof bytes });
    (void)rfl_rd_u8(&r);
    struct rfl_view v = rfl_rd_view(&r, 4);
    assert_ptr_equal(v.p, bytes + 1);
    assert_int_equal(v.len, 4);
    assert_true(rfl_rd_done(&r));
}

static void big_endian_keys_order_as_their_numbers(void **state)
{
    (void)state;
    const uint64_t values[] = { 0, 1, 255, 256, 65535, 65536, UINT64_C(1) << 40, UINT64_MAX - 1, UINT64_MAX };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t a[8], b[8];
        rfl_put_be64(a, values[i]);
        assert_true(rfl_get_be64(a) == values[i]);
        for (size_t k = 0; k < i; k++) {
            rfl_put_be64(b, values[k]);
            assert_true(memcmp(b, a, 8) < 0);
        }
    }
}

static uint64_t sum(const void *p, size_t n, uint64_t seed) { return rfl_checksum64(p, n, seed); }

static void checksum_depends_on_every_bit_on_length_order_and_seed(void **state)
{
    (void)state;
    uint8_t bytes[40];
    for (size_t n = 0; n <= sizeof bytes; n++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(37 * i + n);
        uint64_t whole = sum(bytes, n, 5);
        assert_true(whole == sum(bytes, n, 5));
        assert_true(whole != sum(bytes, n, 6));
        for (size_t bit = 0; bit < 8 * n; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_true(sum(bytes, n, 5) != whole);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t shorter = 0; shorter < n; shorter++)
            assert_true(sum(bytes, shorter, 5) != whole);
    }
    static const uint8_t zeroes[64];
    for (size_t n = 0; n < 64; n++)             /* nothing but zeroes: only the length differs */
        assert_true(sum(zeroes, n, 0) != sum(zeroes, n + 1, 0));
    uint8_t swapped[40];
    memcpy(swapped, bytes + 8, 8);
    memcpy(swapped + 8, bytes, 8);
    memcpy(swapped + 16, bytes + 16, 24);
    assert_true(sum(swapped, 40, 5) != sum(bytes, 40, 5));
}

/* Stored with every record: it may never change. */
static void checksum_is_the_one_that_stores_are_written_with(void **state)
{
    (void)state;
    assert_true(sum(NULL, 0, 0) == UINT64_C(0x7DD36621BA4AB0FA));
    assert_true(sum("referrald", 9, 1) == UINT64_C(0x1193D64B8B9C34A4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_and_is_little_endian),
        cmocka_unit_test(write_that_does_not_fit_stops_all_later_ones),
        cmocka_unit_test(read_beyond_the_end_gives_zero_for_ever),
        cmocka_unit_test(view_is_lent_from_the_readers_memory),
        cmocka_unit_test(big_endian_keys_order_as_their_numbers),
        cmocka_unit_test(checksum_depends_on_every_bit_on_length_order_and_seed),
        cmocka_unit_test(checksum_is_the_one_that_stores_are_written_with),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
