/* Identifiers: tables of published vectors, whole small spaces, and bytes that only look like letters. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "rfl_date.h"
#include "rfl_ident.h"

#define DAY_MS INT64_C(86400000)

static struct rfl_view view(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

struct vector { const char *in; enum rfl_grade grade; const char *out; };

static void nhs_numbers_are_graded(void **state)
{
    (void)state;
    static const struct vector v[] = {
        { "9476719931", RFL_GRADE_OK, "9476719931" },
        { "3478526985", RFL_GRADE_BAD_CHECK, "3478526985" },
        { "4010232137", RFL_GRADE_OK, "4010232137" }, { "401 023 2137", RFL_GRADE_OK, "4010232137" },
        { "401-023-2137", RFL_GRADE_OK, "4010232137" }, { "401 0232137", RFL_GRADE_OK, "4010232137" },
        { "  401 023 2137  ", RFL_GRADE_OK, "4010232137" }, { "4010232136", RFL_GRADE_BAD_CHECK, "4010232136" },
        { "9990000018", RFL_GRADE_TEST_RANGE, "9990000018" }, { "999 999 9999", RFL_GRADE_TEST_RANGE, "9999999999" },
        { "999 999 9998", RFL_GRADE_BAD_CHECK, "9999999998" },
        { "0000000000", RFL_GRADE_UNKNOWN, "0000000000" }, { "1111111111", RFL_GRADE_UNKNOWN, "1111111111" },
        { "4444444444", RFL_GRADE_UNKNOWN, "4444444444" }, { "7777777777", RFL_GRADE_UNKNOWN, "7777777777" },
        { "", RFL_GRADE_ABSENT, "" }, { "   ", RFL_GRADE_ABSENT, "" }, { "-", RFL_GRADE_MALFORMED, "" },
        { "401023213", RFL_GRADE_MALFORMED, "" }, { "40102321370", RFL_GRADE_MALFORMED, "" },
        { "4010 232137", RFL_GRADE_MALFORMED, "" }, { "401  0232137", RFL_GRADE_MALFORMED, "" },
        { "401 023 2137-", RFL_GRADE_MALFORMED, "" }, { "401023213A", RFL_GRADE_MALFORMED, "" },
        { "401\t0232137", RFL_GRADE_MALFORMED, "" }, { "+4010232137", RFL_GRADE_MALFORMED, "" },
        { "\xd9\xa4" "01023213", RFL_GRADE_MALFORMED, "" },     /* an Arabic-Indic four */
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        char out[RFL_NHS_BYTES];
        memset(out, 'x', sizeof out);
        enum rfl_grade grade = rfl_ident_nhs(view(v[i].in), out);
        if (grade != v[i].grade)
            print_message("row %zu\n", i);
        assert_int_equal(grade, v[i].grade);
        assert_string_equal(out, v[i].out);
    }
}

static void ten_check_digits_one_fits(void **state)
{
    (void)state;
    unsigned none = 0;
    for (unsigned stem = 450000000; stem < 450000000 + 11000; stem++) {
        unsigned fits = 0;
        for (unsigned check = 0; check < 10; check++) {
            char text[24], out[RFL_NHS_BYTES];
            (void)snprintf(text, sizeof text, "%u%u", stem, check);
            enum rfl_grade grade = rfl_ident_nhs(view(text), out);
            assert_true(grade == RFL_GRADE_OK || grade == RFL_GRADE_BAD_CHECK);
            fits += grade == RFL_GRADE_OK;
        }
        assert_true(fits <= 1);
        none += fits == 0;
    }
    assert_int_equal(none, 1000);           /* one stem in eleven needs the digit 10, which does not exist */
}

static void nhs_ranges_have_their_published_ends(void **state)
{
    (void)state;
    static const struct { unsigned stem; enum rfl_grade grade; } v[] = {    /* the first nine digits */
        { 10099999, RFL_GRADE_UNKNOWN }, { 10100001, RFL_GRADE_OK }, { 311299998, RFL_GRADE_OK },
        { 320000002, RFL_GRADE_OK }, { 399999998, RFL_GRADE_OK }, { 400000000, RFL_GRADE_OK },
        { 799999999, RFL_GRADE_OK }, { 998999999, RFL_GRADE_OK }, { 999000001, RFL_GRADE_TEST_RANGE },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        unsigned fitting = 0;
        for (unsigned check = 0; check < 10; check++) {
            char text[24], out[RFL_NHS_BYTES];
            (void)snprintf(text, sizeof text, "%09u%u", v[i].stem, check);
            enum rfl_grade grade = rfl_ident_nhs(view(text), out);
            if (grade == RFL_GRADE_BAD_CHECK)
                continue;
            assert_int_equal(grade, v[i].grade);
            fitting++;
        }
        if (fitting != 1)
            print_message("row %zu\n", i);
        assert_int_equal(fitting, 1);
    }
}

static void ninos_are_graded(void **state)
{
    (void)state;
    static const struct vector v[] = {
        { "AB123456C", RFL_GRADE_OK, "AB123456C" }, { "ab 12 34 56 c", RFL_GRADE_OK, "AB123456C" },
        { "AB-12-34-56-C", RFL_GRADE_OK, "AB123456C" }, { "AB 123456", RFL_GRADE_OK, "AB123456" },
        { "OA123456D", RFL_GRADE_OK, "OA123456D" }, { "AO123456D", RFL_GRADE_MALFORMED, "" },
        { "QQ 12 34 56 A", RFL_GRADE_MALFORMED, "" }, { "11 a1 11 11", RFL_GRADE_MALFORMED, "" },
        { "AB123456E", RFL_GRADE_MALFORMED, "" }, { "AB1234567", RFL_GRADE_MALFORMED, "" },
        { "AB12345", RFL_GRADE_MALFORMED, "" }, { "AB123456CC", RFL_GRADE_MALFORMED, "" },
        { "A B123456C", RFL_GRADE_MALFORMED, "" }, { "", RFL_GRADE_ABSENT, "" }, { " ", RFL_GRADE_ABSENT, "" },
        { "\xc4\xb1" "B123456", RFL_GRADE_MALFORMED, "" },      /* dotless i */
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        char out[RFL_NINO_BYTES];
        memset(out, 'x', sizeof out);
        assert_int_equal(rfl_ident_nino(view(v[i].in), out), v[i].grade);
        assert_string_equal(out, v[i].out);
    }
}

static void all_nino_prefixes_are_tried(void **state)
{
    (void)state;
    unsigned used = 0;
    for (char a = 'A'; a <= 'Z'; a++)
        for (char b = 'A'; b <= 'Z'; b++) {
            const char text[] = { a, b, '1', '2', '3', '4', '5', '6', 'A', '\0' };
            char out[RFL_NINO_BYTES];
            used += rfl_ident_nino(view(text), out) == RFL_GRADE_OK;
        }
    assert_int_equal(used, 20 * 19 - 7);    /* 20 first letters, 19 second ones, less BG GB KN NK NT TN ZZ */
}

static void postcodes_are_graded(void **state)
{
    (void)state;
    static const struct { const char *in; enum rfl_grade grade; const char *out; enum rfl_postcode_kind kind; } v[] = {
        { "M1 1AD", RFL_GRADE_OK, "M11AD", RFL_POSTCODE_ORDINARY },
        { "M1  1AD", RFL_GRADE_OK, "M11AD", RFL_POSTCODE_ORDINARY },
        { "M1   1AD", RFL_GRADE_OK, "M11AD", RFL_POSTCODE_ORDINARY },
        { " m11ad ", RFL_GRADE_OK, "M11AD", RFL_POSTCODE_ORDINARY },
        { "SW1 A1 AA", RFL_GRADE_OK, "SW1A1AA", RFL_POSTCODE_ORDINARY },
        { "EC1Y8LX", RFL_GRADE_OK, "EC1Y8LX", RFL_POSTCODE_ORDINARY },
        { "W1A 0AX", RFL_GRADE_OK, "W1A0AX", RFL_POSTCODE_ORDINARY },
        { "AB10 1AA", RFL_GRADE_OK, "AB101AA", RFL_POSTCODE_ORDINARY },
        { "N16 8AA", RFL_GRADE_OK, "N168AA", RFL_POSTCODE_ORDINARY },
        { "gir 0aa", RFL_GRADE_OK, "GIR0AA", RFL_POSTCODE_GIRO },
        { "GIR 0AB", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },
        { "BF1 3AA", RFL_GRADE_PSEUDO, "BF13AA", RFL_POSTCODE_BFPO },
        { "bfpo 58", RFL_GRADE_PSEUDO, "BFPO58", RFL_POSTCODE_BFPO },
        { "BFPO 1234", RFL_GRADE_PSEUDO, "BFPO1234", RFL_POSTCODE_BFPO },
        { "BFPO 12345", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },
        { "BFPO", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },
        { "ZZ99 3VZ", RFL_GRADE_PSEUDO, "ZZ993VZ", RFL_POSTCODE_NO_FIXED_ABODE },
        { "zz993wz", RFL_GRADE_PSEUDO, "ZZ993WZ", RFL_POSTCODE_NOT_KNOWN },
        { "ZZ99 3CZ", RFL_GRADE_PSEUDO, "ZZ993CZ", RFL_POSTCODE_ENGLAND },
        { "ZZ99 3GZ", RFL_GRADE_PSEUDO, "ZZ993GZ", RFL_POSTCODE_WALES },
        { "ZZ99 1WZ", RFL_GRADE_PSEUDO, "ZZ991WZ", RFL_POSTCODE_SCOTLAND },
        { "ZZ99 2WZ", RFL_GRADE_PSEUDO, "ZZ992WZ", RFL_POSTCODE_NORTHERN_IRELAND },
        { "ZZ99 6CZ", RFL_GRADE_PSEUDO, "ZZ996CZ", RFL_POSTCODE_ABROAD },
        { "ZZ9 9AA", RFL_GRADE_OK, "ZZ99AA", RFL_POSTCODE_ORDINARY },
        { "", RFL_GRADE_ABSENT, "", RFL_POSTCODE_NONE }, { "  ", RFL_GRADE_ABSENT, "", RFL_POSTCODE_NONE },
        { "M1", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE }, { "M1-1AD", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },
        { "M1 1A", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },
        { "1M 1AD", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },
        { "SW1AB 1AA", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },
        { "\xc4\xb1" "P1 1AA", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },       /* dotless i for IP1 */
        { "\xc5\xbf" "E1 1AA", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },       /* long s for SE1 */
        { "M1\xc2\xa0" "1AD", RFL_GRADE_MALFORMED, "", RFL_POSTCODE_NONE },        /* no-break space */
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct rfl_postcode out;
        memset(&out, 'x', sizeof out);
        if (rfl_ident_postcode(view(v[i].in), &out) != v[i].grade)
            print_message("row %zu\n", i);
        assert_int_equal(rfl_ident_postcode(view(v[i].in), &out), v[i].grade);
        assert_int_equal(out.kind, v[i].kind);
        assert_int_equal(strnlen(out.text, sizeof out.text), strlen(v[i].out));
        assert_memory_equal(out.text, v[i].out, strlen(v[i].out));
        assert_int_equal(out.key == 0, v[i].out[0] == '\0');
    }
}

/* Every arrangement of letter, digit and space in up to eight places: the accepted ones are the six published forms. */
static void all_shapes_are_tried(void **state)
{
    (void)state;
    static const char *const forms[] = { "A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA" };
    unsigned ok = 0, arrangements = 1;
    for (unsigned len = 0; len <= 8; len++, arrangements *= 3)
        for (unsigned n = 0; n < arrangements; n++) {
            char text[9] = "", packed[9] = "";
            size_t packed_len = 0;
            for (unsigned i = 0, rest = n; i < len; i++, rest /= 3) {
                text[i] = "A9 "[rest % 3];
                if (text[i] != ' ')
                    packed[packed_len++] = text[i];
            }
            bool expected = false;
            for (size_t f = 0; f < 6; f++)
                expected = expected || strcmp(packed, forms[f]) == 0;
            struct rfl_postcode out;
            enum rfl_grade grade = rfl_ident_postcode(view(text), &out);
            assert_int_equal(grade, packed_len == 0 ? RFL_GRADE_ABSENT : expected ? RFL_GRADE_OK : RFL_GRADE_MALFORMED);
            ok += expected;
        }
    assert_true(ok > 6);
}

static void postcode_keys_sort_as_texts_do(void **state)
{
    (void)state;
    static const char *const sorted[] = {
        "AB10 1AA", "AB1 0AA", "AB1 0AF", "AB2 0AA", "M11 1AA", "M1 1AD", "SE1P 5ZZ"
    };
    struct rfl_postcode before, out;
    memset(&before, 0, sizeof before);
    for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++) {
        assert_int_equal(rfl_ident_postcode(view(sorted[i]), &out), RFL_GRADE_OK);
        assert_true(out.key > before.key);
        assert_true(memcmp(out.text, before.text, sizeof out.text) > 0);
        before = out;
    }
    assert_true(out.key >> 56 == 'S');
}

static void ods_and_practice_codes_are_graded(void **state)
{
    (void)state;
    static const struct { const char *in; enum rfl_grade ods, practice; const char *out; } v[] = {
        { "a81001", RFL_GRADE_OK, RFL_GRADE_OK, "A81001" }, { " Z99001 ", RFL_GRADE_OK, RFL_GRADE_OK, "Z99001" },
        { "JER001", RFL_GRADE_OK, RFL_GRADE_OK, "JER001" }, { "a1b2c", RFL_GRADE_OK, RFL_GRADE_OK, "A1B2C" },
        { "V81997", RFL_GRADE_OK, RFL_GRADE_PSEUDO, "V81997" }, { "V81999", RFL_GRADE_OK, RFL_GRADE_PSEUDO, "V81999" },
        { "V81996", RFL_GRADE_OK, RFL_GRADE_OK, "V81996" }, { "QHL", RFL_GRADE_OK, RFL_GRADE_MALFORMED, "QHL" },
        { "s1y5d", RFL_GRADE_OK, RFL_GRADE_OK, "S1Y5D" },
        { "ABCDEFGHIJ12", RFL_GRADE_OK, RFL_GRADE_MALFORMED, "ABCDEFGHIJ12" },
        { "ABCDEFGHIJ123", RFL_GRADE_MALFORMED, RFL_GRADE_MALFORMED, "" },
        { "QH", RFL_GRADE_MALFORMED, RFL_GRADE_MALFORMED, "" },
        { "A8-1001", RFL_GRADE_MALFORMED, RFL_GRADE_MALFORMED, "" },
        { "A81 001", RFL_GRADE_MALFORMED, RFL_GRADE_MALFORMED, "" }, { "", RFL_GRADE_ABSENT, RFL_GRADE_ABSENT, "" },
        { "\xc5\xbf" "1Y5D", RFL_GRADE_MALFORMED, RFL_GRADE_MALFORMED, "" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        char out[RFL_ODS_BYTES];
        memset(out, 'x', sizeof out);
        assert_int_equal(rfl_ident_ods(view(v[i].in), out), v[i].ods);
        assert_string_equal(out, v[i].out);
        assert_int_equal(rfl_ident_practice(view(v[i].in), out), v[i].practice);
        assert_string_equal(out, v[i].practice == RFL_GRADE_MALFORMED ? "" : v[i].out);
    }
}

static void births_are_graded_and_ages_counted(void **state)
{
    (void)state;
    static const struct { const char *born, *seen; enum rfl_grade grade; unsigned age; } v[] = {
        { "1990-06-15", "2026-06-14", RFL_GRADE_OK, 35 }, { "1990-06-15", "2026-06-15", RFL_GRADE_OK, 36 },
        { "2004-02-29", "2026-02-28", RFL_GRADE_OK, 21 }, { "2004-02-29", "2026-03-01", RFL_GRADE_OK, 22 },
        { "2004-02-29", "2028-02-29", RFL_GRADE_OK, 24 }, { "2026-06-15", "2026-06-15", RFL_GRADE_OK, 0 },
        { "2026-06-16", "2026-06-15", RFL_GRADE_BAD_CHECK, 0 }, { "1895-06-16", "2026-06-15", RFL_GRADE_OK, 130 },
        { "1895-06-15", "2026-06-15", RFL_GRADE_BAD_CHECK, 0 }, { "1900-02-29", "2026-06-15", RFL_GRADE_MALFORMED, 0 },
        { "2000-02-29", "2026-06-15", RFL_GRADE_OK, 26 }, { "1990-13-01", "2026-06-15", RFL_GRADE_MALFORMED, 0 },
        { "1990-00-01", "2026-06-15", RFL_GRADE_MALFORMED, 0 }, { "1990-04-31", "2026-06-15", RFL_GRADE_MALFORMED, 0 },
        { "1990-04-00", "2026-06-15", RFL_GRADE_MALFORMED, 0 }, { "15/06/1990", "2026-06-15", RFL_GRADE_MALFORMED, 0 },
        { "1990-6-15", "2026-06-15", RFL_GRADE_MALFORMED, 0 }, { "1990-06-15T", "2026-06-15", RFL_GRADE_MALFORMED, 0 },
        { "0990-06-15", "2026-06-15", RFL_GRADE_MALFORMED, 0 }, { "", "2026-06-15", RFL_GRADE_ABSENT, 0 },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct rfl_date seen;
        struct rfl_birth out;
        assert_true(rfl_date_parse(view(v[i].seen), &seen));
        int64_t midnight_ms = rfl_date_days(seen) * DAY_MS;
        for (int64_t ms = midnight_ms; ms < midnight_ms + DAY_MS; ms += DAY_MS - 1) {
            memset(&out, 'x', sizeof out);
            assert_int_equal(rfl_ident_birth(view(v[i].born), ms, &out), v[i].grade);
            assert_int_equal(out.age_years, v[i].age);
            assert_int_equal(out.year == 0, v[i].grade == RFL_GRADE_ABSENT || v[i].grade == RFL_GRADE_MALFORMED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nhs_numbers_are_graded),
        cmocka_unit_test(ten_check_digits_one_fits),
        cmocka_unit_test(nhs_ranges_have_their_published_ends),
        cmocka_unit_test(ninos_are_graded),
        cmocka_unit_test(all_nino_prefixes_are_tried),
        cmocka_unit_test(postcodes_are_graded),
        cmocka_unit_test(all_shapes_are_tried),
        cmocka_unit_test(postcode_keys_sort_as_texts_do),
        cmocka_unit_test(ods_and_practice_codes_are_graded),
        cmocka_unit_test(births_are_graded_and_ages_counted),
    };
    return cmocka_run_group_tests_name("ident", tests, NULL, NULL);
}
