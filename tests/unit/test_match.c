/* Match keys: what makes two referrals speak of one person, and what must never. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rfl_match.h"

#define V(text) ((struct rfl_view){ (const uint8_t *)(text), sizeof(text) - 1 })
#define NOW_MS INT64_C(1788343200000)       /* 2 September 2026 */

static struct rfl_match_texts texts_of(const struct rfl_form *form, bool test_people)
{
    struct rfl_match_texts texts;
    memset(&texts, 0x5A, sizeof texts);
    rfl_match_texts_of(form, test_people, NOW_MS, &texts);
    return texts;
}

static struct rfl_form person(struct rfl_view name, struct rfl_view birth, struct rfl_view postcode)
{
    return (struct rfl_form){ .name = name, .date_of_birth = birth, .postcode = postcode };
}

static bool same_person(const struct rfl_form *a, const struct rfl_form *b)
{
    struct rfl_match_texts x = texts_of(a, false), y = texts_of(b, false);
    enum { P = RFL_MATCH_NAME_BIRTH_POSTCODE };
    return x.len[P] > 0 && x.len[P] == y.len[P] && memcmp(x.text[P], y.text[P], x.len[P]) == 0;
}

static bool same_name(struct rfl_view a, struct rfl_view b)
{
    struct rfl_form x = person(a, V("1980-02-29"), V("M1 1AE")), y = person(b, V("1980-02-29"), V("M1 1AE"));
    return same_person(&x, &y);
}

static void numbers_are_keys_only_when_they_can_be_somebodys(void **state)
{
    (void)state;
    static const struct { const char *nhs; bool test_people; size_t len; } rows[] = {
        { "9434765919", false, 10 }, { "943 476 5919", false, 10 }, { "943-476-5919", false, 10 },
        { "9434765918", false, 0 },             /* bad check digit */
        { "9999999999", false, 0 }, { "9990000018", false, 0 }, { "9990000018", true, 10 }, { "", false, 0 },
        { "943476591", false, 0 }, { "4444444444", false, 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rfl_form form = { .nhs_number = { (const uint8_t *)rows[i].nhs, strlen(rows[i].nhs) } };
        struct rfl_match_texts texts = texts_of(&form, rows[i].test_people);
        if (texts.len[RFL_MATCH_NHS_NUMBER] != rows[i].len)
            fail_msg("row %zu: %zu characters", i, texts.len[RFL_MATCH_NHS_NUMBER]);
        assert_int_equal(texts.len[RFL_MATCH_NINO] + texts.len[RFL_MATCH_NAME_BIRTH_POSTCODE], 0);
    }
}

static void suffix_of_a_nino_says_nothing(void **state)
{
    (void)state;
    static const char *const spellings[] = { "AB123456C", "ab 12 34 56 d", "AB123456" };
    for (size_t i = 0; i < 3; i++) {
        struct rfl_form form = { .nino = { (const uint8_t *)spellings[i], strlen(spellings[i]) } };
        struct rfl_match_texts texts = texts_of(&form, false);
        assert_int_equal(texts.len[RFL_MATCH_NINO], 8);
        assert_memory_equal(texts.text[RFL_MATCH_NINO], "AB123456", 8);
    }
    struct rfl_form never = { .nino = V("QQ123456C") };
    assert_int_equal(texts_of(&never, false).len[RFL_MATCH_NINO], 0);
}

static void one_name_is_one_name_however_it_is_written(void **state)
{
    (void)state;
    assert_true(same_name(V("Anna Smith"), V("SMITH, anna")));
    assert_true(same_name(V("Anna Smith"), V("  Mrs. Anna   Smith ")));
    assert_true(same_name(V("Zo\xc3\xab O\xe2\x80\x99" "Brien"), V("ZOE O'Brien")));
    assert_true(same_name(V("Zoe\xcc\x88 OBrien"), V("ZO\xc3\x8b OBrien")));        /* a mark that stands alone */
    assert_true(same_name(V("Se\xc3\xa1n Kelly-Jones"), V("Sean Kelly Jones")));
    assert_true(same_name(V("\xc5\x81ukasz \xc5\xbb" "ak"), V("lukasz zak")));
    assert_true(same_name(V("\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd Smith"), V("Smith \xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd")));
    assert_true(same_name(V("Dr Prof Ann Lee"), V("Lee Ann")));
}

static void other_names_are_other_people(void **state)
{
    (void)state;
    assert_false(same_name(V("Anna Smith"), V("Hanna Smith")));
    assert_false(same_name(V("Anna Smith"), V("Anna Maria Smith")));
    assert_false(same_name(V("Ann Asmith"), V("Anna Smith")));
    assert_false(same_name(V("Smith"), V("Smith")));            /* one word: twins share it */
    assert_false(same_name(V("Mr Smith"), V("Mr Smith")));
    assert_false(same_name(V(""), V("")));
    assert_false(same_name(V("\xd0\x98\xd0\xb2 Smith"), V("\xd0\x98\xd0\xb3 Smith")));
}

static void birth_and_postcode_must_both_be_sound(void **state)
{
    (void)state;
    static const struct { const char *birth, *postcode; bool key; } rows[] = {
        { "1980-02-29", "m11ae", true }, { "1980-02-29", "M1 1AE", true }, { "1981-02-29", "M1 1AE", false },
        { "2030-01-01", "M1 1AE", false }, { "29/02/1980", "M1 1AE", false }, { "", "M1 1AE", false },
        { "1980-02-29", "", false }, { "1980-02-29", "ZZ99 3VZ", false }, { "1980-02-29", "BFPO 58", false },
        { "1980-02-29", "not one", false } };
    struct rfl_form whole = person(V("Anna Smith"), V("1980-02-29"), V("M1 1AE"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rfl_form form = person(V("Anna Smith"), (struct rfl_view){ (const uint8_t *)rows[i].birth,
                                      strlen(rows[i].birth) }, (struct rfl_view){ (const uint8_t *)rows[i].postcode,
                                      strlen(rows[i].postcode) });
        if (same_person(&whole, &form) != rows[i].key)
            fail_msg("row %zu", i);
    }
    struct rfl_form moved = person(V("Anna Smith"), V("1980-02-29"), V("M1 1AF"));
    struct rfl_form younger = person(V("Anna Smith"), V("1980-03-01"), V("M1 1AE"));
    assert_false(same_person(&whole, &moved) || same_person(&whole, &younger));
}

/* Any bytes at all, cut anywhere: a key or none, within its bound (the sanitizers look on). */
static void names_of_any_length_and_any_bytes_stay_within_bounds(void **state)
{
    (void)state;
    static uint8_t bytes[700];
    uint64_t random = 7;
    for (unsigned round = 0; round < 4000; round++) {
        size_t len = random % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            bytes[i] = (uint8_t)(random >> 33 & (round % 2 != 0 ? 0xff : 0x7f));
            if (random >> 60 == 0)
                bytes[i] = ' ';
        }
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        struct rfl_form form = person((struct rfl_view){ bytes, len }, V("1980-02-29"), V("M1 1AE"));
        assert_in_range(texts_of(&form, false).len[RFL_MATCH_NAME_BIRTH_POSTCODE], 0, RFL_MATCH_TEXT_BYTES_MAX);
    }
}

/* ---- judging ---- */

static struct rfl_hash key(uint8_t number)
{
    struct rfl_hash hash = { { number } };
    return hash;
}

static void strongest_key_that_both_have_decides(void **state)
{
    (void)state;
    static const struct { uint8_t mine[3], theirs[3]; enum rfl_match_verdict verdict; } rows[] = {
        { { 1, 2, 3 }, { 1, 2, 3 }, RFL_MATCH_SAME },
        { { 1, 0, 0 }, { 1, 5, 6 }, RFL_MATCH_SAME },
        { { 1, 2, 3 }, { 1, 9, 9 }, RFL_MATCH_SAME },           /* moved house, and a mistyped NINO */
        { { 0, 2, 0 }, { 4, 2, 0 }, RFL_MATCH_SAME },
        { { 0, 0, 3 }, { 4, 5, 3 }, RFL_MATCH_SAME },
        { { 1, 2, 0 }, { 4, 2, 0 }, RFL_MATCH_RESEMBLES },
        { { 1, 0, 3 }, { 4, 0, 3 }, RFL_MATCH_RESEMBLES },
        { { 0, 2, 3 }, { 1, 5, 3 }, RFL_MATCH_RESEMBLES },
        { { 1, 0, 0 }, { 0, 1, 1 }, RFL_MATCH_STRANGERS },      /* kinds are not compared with each other */
        { { 1, 2, 3 }, { 4, 5, 6 }, RFL_MATCH_STRANGERS },
        { { 0, 0, 0 }, { 0, 0, 0 }, RFL_MATCH_STRANGERS } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rfl_hash mine[RFL_MATCH_COUNT], theirs[RFL_MATCH_COUNT];
        for (unsigned k = 0; k < RFL_MATCH_COUNT; k++) {
            mine[k] = key(rows[i].mine[k]);
            theirs[k] = key(rows[i].theirs[k]);
        }
        if (rfl_match_judge(mine, theirs) != rows[i].verdict || rfl_match_judge(theirs, mine) != rows[i].verdict)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_keys_only_when_they_can_be_somebodys),
        cmocka_unit_test(suffix_of_a_nino_says_nothing),
        cmocka_unit_test(one_name_is_one_name_however_it_is_written),
        cmocka_unit_test(other_names_are_other_people),
        cmocka_unit_test(birth_and_postcode_must_both_be_sound),
        cmocka_unit_test(names_of_any_length_and_any_bytes_stay_within_bounds),
        cmocka_unit_test(strongest_key_that_both_have_decides),
    };
    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
