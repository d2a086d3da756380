/* Every single wrong character and every swap is tried, on more codes than a person could read in a year. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "rfl_receipt.h"

static const struct rfl_receipt_key key = { { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 } };
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static struct rfl_view view(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static bool decodes(const char *text)
{
    enum rfl_receipt_kind kind = RFL_RECEIPT_KIND_COUNT;
    uint64_t id = 77;
    enum rfl_err err = rfl_receipt_decode(&key, view(text), &kind, &id);
    if (err != RFL_E_OK) {
        assert_int_equal(err, RFL_E_INVALID);
        assert_int_equal(kind, RFL_RECEIPT_KIND_COUNT);
        assert_int_equal(id, 77);
    }
    return err == RFL_E_OK;
}

static void must_decode(const char *text, enum rfl_receipt_kind kind_expected, uint64_t id_expected)
{
    enum rfl_receipt_kind kind = RFL_RECEIPT_KIND_COUNT;
    uint64_t id = 0;
    assert_int_equal(rfl_receipt_decode(&key, view(text), &kind, &id), RFL_E_OK);
    assert_int_equal(kind, kind_expected);
    assert_int_equal(id, id_expected);
}

static void round_function_gives_the_published_vector(void **state)
{
    (void)state;
    uint8_t bytes[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    uint64_t word = 0;
    for (unsigned i = 8; i-- > 0;)
        word = word << 8 | bytes[i];
    /* SipHash-2-4, key 00..0f, input 00..07: 62 24 93 9a 79 f5 f5 93 in the reference implementation's table. */
    assert_true(rfl__receipt_mix(&key, word) == UINT64_C(0x93f5f5799a932462));
}

static void every_id_comes_back(void **state)
{
    (void)state;
    char text[RFL_RECEIPT_BYTES];
    for (unsigned kind = 0; kind < RFL_RECEIPT_KIND_COUNT; kind++) {
        uint64_t step = 1;
        for (uint64_t id = 1; id <= RFL_RECEIPT_ID_MAX; id += step) {
            assert_int_equal(rfl_receipt_encode(&key, (enum rfl_receipt_kind)kind, id, text), RFL_E_OK);
            assert_int_equal(strlen(text), 12);
            must_decode(text, (enum rfl_receipt_kind)kind, id);
            step = id < 5000 ? 1 : id / 997;
        }
        assert_int_equal(rfl_receipt_encode(&key, (enum rfl_receipt_kind)kind, RFL_RECEIPT_ID_MAX, text), RFL_E_OK);
        must_decode(text, (enum rfl_receipt_kind)kind, RFL_RECEIPT_ID_MAX);
    }
}

static void ids_outside_the_range_get_no_code(void **state)
{
    (void)state;
    const uint64_t ids[] = { 0, RFL_RECEIPT_ID_MAX + 1, UINT64_MAX };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char text[RFL_RECEIPT_BYTES] = "unchanged";
        assert_int_equal(rfl_receipt_encode(&key, RFL_RECEIPT_CASE, ids[i], text), RFL_E_INVALID);
        assert_string_equal(text, "");
    }
}

static void every_wrong_character_is_found(void **state)
{
    (void)state;
    unsigned long tried = 0;
    for (uint64_t id = 1; id <= 2000; id++) {
        char text[RFL_RECEIPT_BYTES];
        assert_int_equal(rfl_receipt_encode(&key, (enum rfl_receipt_kind)(id % 2), id * 7919, text), RFL_E_OK);
        for (size_t at = 0; at < 12; at++) {
            char right = text[at];
            for (size_t s = 0; s < 32 && right != '-'; s++) {
                if (alphabet[s] == right)
                    continue;
                text[at] = alphabet[s];
                assert_false(decodes(text));
                tried++;
            }
            text[at] = right;
        }
    }
    assert_int_equal(tried, 2000 * 10 * 31);
}

/* The check is linear, so whether a swap of two values is found does not depend on the other symbols; all 32 x 32 pairs
 * at all places are tried, among other symbols that change with each. */
static void every_swap_of_every_pair_is_found(void **state)
{
    (void)state;
    unsigned long swaps = 0;
    for (size_t a = 0; a < 7; a++)
        for (size_t b = a + 1; b < 8; b++)
            for (unsigned pair = 0; pair < 1024; pair++) {
                char text[] = "WW-0000-0000";
                static const size_t place[8] = { 3, 4, 5, 6, 8, 9, 10, 11 };
                for (size_t i = 0; i < 8; i++)
                    text[place[i]] = alphabet[(pair * 7 + i * 11 + a) % 32];
                text[place[a]] = alphabet[pair / 32];
                text[place[b]] = alphabet[pair % 32];
                size_t other = a != 0 && b != 0 ? 0 : a != 1 && b != 1 ? 1 : 2;
                unsigned s = 0;
                do                                      /* one of 32 makes the sum fit: a code that is right */
                    text[place[other]] = alphabet[s];
                while (!decodes(text) && ++s < 32);
                if (s == 32 || text[place[a]] == text[place[b]])
                    continue;
                char kept = text[place[a]];
                text[place[a]] = text[place[b]];
                text[place[b]] = kept;
                assert_false(decodes(text));
                swaps++;
            }
    assert_true(swaps >= 28 * 31 * 32 - 28);            /* one code of 2^35 has no id and may be met */
}

static void swaps_across_the_kind_letters_are_found(void **state)
{
    (void)state;
    unsigned met = 0;
    for (uint64_t id = 1; id <= 20000; id++) {
        char text[RFL_RECEIPT_BYTES];
        assert_int_equal(rfl_receipt_encode(&key, (enum rfl_receipt_kind)(id % 2), id, text), RFL_E_OK);
        char second = text[1], first = text[3];
        text[1] = first;
        text[3] = second;
        if (first != second) {
            assert_false(decodes(text));
            met += first == 'C' || first == 'W';
        }
        text[1] = second == 'W' ? 'C' : 'W';
        text[3] = first;
        assert_false(decodes(text));                    /* the other kind's letters, same symbols */
    }
    assert_true(met > 100);                             /* WW-C... and WC-W... did occur */
}

static void people_may_write_it_their_way(void **state)
{
    (void)state;
    for (uint64_t id = 1; id < 3000; id++) {
        char text[RFL_RECEIPT_BYTES], loose[40];
        assert_int_equal(rfl_receipt_encode(&key, RFL_RECEIPT_REFERRAL, id, text), RFL_E_OK);
        size_t at = 0;
        loose[at++] = ' ';
        for (size_t i = 0; i < 12; i++) {
            char c = text[i];
            if (c == '-')
                continue;
            if (c == '1')
                c = id % 2 ? 'l' : 'I';
            else if (c == '0')
                c = id % 2 ? 'o' : 'O';
            else if (c == 'V')
                c = id % 2 ? 'u' : 'U';
            else if (c >= 'A' && id % 3 == 0)
                c = (char)(c - 'A' + 'a');
            loose[at++] = c;
            if ((id + i) % 4 == 0)
                loose[at++] = i % 2 ? ' ' : '-';
        }
        loose[at] = '\0';
        must_decode(loose, RFL_RECEIPT_REFERRAL, id);
    }
}

static void what_is_no_receipt_is_refused(void **state)
{
    (void)state;
    char good[RFL_RECEIPT_BYTES];
    assert_int_equal(rfl_receipt_encode(&key, RFL_RECEIPT_REFERRAL, 12345, good), RFL_E_OK);
    char more[RFL_RECEIPT_BYTES + 1], less[RFL_RECEIPT_BYTES], with_nul[RFL_RECEIPT_BYTES], long_text[80];
    (void)snprintf(more, sizeof more, "%s0", good);
    (void)snprintf(less, sizeof less, "%.11s", good);
    assert_false(decodes(more));
    assert_false(decodes(less));
    assert_false(decodes(good + 3));                    /* without its kind */
    assert_false(decodes(""));
    assert_false(decodes("----------"));
    assert_false(decodes("WX-0000-0000"));
    assert_false(decodes("WW_0000_0000"));
    memset(long_text, ' ', sizeof long_text);
    memcpy(long_text, good, 12);
    long_text[79] = '\0';
    assert_false(decodes(long_text));
    memcpy(with_nul, good, sizeof with_nul);
    with_nul[5] = '\0';
    enum rfl_receipt_kind kind = RFL_RECEIPT_CASE;
    uint64_t id = 5;
    struct rfl_view bytes = { (const uint8_t *)with_nul, 12 };
    assert_int_equal(rfl_receipt_decode(&key, bytes, &kind, &id), RFL_E_INVALID);
    assert_int_equal(rfl_receipt_decode(&key, (struct rfl_view){ NULL, 0 }, &kind, &id), RFL_E_INVALID);
    assert_int_equal(id, 5);
    assert_true(decodes(good));
}

/* Consecutive ids, and the same id under a key that differs in one bit, share nothing but by chance: five of seven
 * symbols alike would happen once in millions of pairs. */
static void neighbours_do_not_look_alike(void **state)
{
    (void)state;
    char before[RFL_RECEIPT_BYTES] = "", text[RFL_RECEIPT_BYTES], other[RFL_RECEIPT_BYTES];
    struct rfl_receipt_key second = key;
    second.b[15] ^= 1;
    unsigned alike = 0, alike_keys = 0;
    for (uint64_t id = 1; id <= 4096; id++) {
        assert_int_equal(rfl_receipt_encode(&key, RFL_RECEIPT_REFERRAL, id, text), RFL_E_OK);
        assert_int_equal(rfl_receipt_encode(&second, RFL_RECEIPT_REFERRAL, id, other), RFL_E_OK);
        unsigned same = 0, same_keys = 0;
        for (size_t i = 3; i < 11; i++) {
            same += text[i] == before[i];
            same_keys += text[i] == other[i];
        }
        alike += same >= 6;                             /* the dash is one of them: five of seven symbols */
        alike_keys += same_keys >= 6;
        memcpy(before, text, sizeof before);
    }
    assert_int_equal(alike, 0);
    assert_int_equal(alike_keys, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_function_gives_the_published_vector),
        cmocka_unit_test(every_id_comes_back),
        cmocka_unit_test(ids_outside_the_range_get_no_code),
        cmocka_unit_test(every_wrong_character_is_found),
        cmocka_unit_test(every_swap_of_every_pair_is_found),
        cmocka_unit_test(swaps_across_the_kind_letters_are_found),
        cmocka_unit_test(people_may_write_it_their_way),
        cmocka_unit_test(what_is_no_receipt_is_refused),
        cmocka_unit_test(neighbours_do_not_look_alike),
    };
    return cmocka_run_group_tests_name("receipt", tests, NULL, NULL);
}
