/* The CSV reader: what it reads, what it refuses and at which line. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rfl_csv.h"

static char path[64];

static int make_path(void **state)
{
    (void)state;
    memcpy(path, "/tmp/rfl_csv_XXXXXX", sizeof "/tmp/rfl_csv_XXXXXX");
    int fd = mkstemp(path);
    return fd == -1 ? -1 : close(fd);
}

static int drop_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void put(const char *bytes, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static bool field_is(const struct rfl_csv *csv, size_t i, const char *text)
{
    return csv->field[i].len == strlen(text) && memcmp(csv->field[i].p, text, strlen(text)) == 0;
}

static void rows_are_read_as_written(void **state)
{
    (void)state;
    static const struct { const char *text; size_t count; const char *field[4]; uint32_t line; } v[] = {
        { "a,b,c\n", 3, { "a", "b", "c" }, 1 }, { "a,b,c\r\n", 3, { "a", "b", "c" }, 1 },
        { "a,b,c", 3, { "a", "b", "c" }, 1 }, { "\"a\",\"b\"\r\n", 2, { "a", "b" }, 1 },
        { "\"a,b\",c", 2, { "a,b", "c" }, 1 }, { "\"a\"\"b\",\"\"\"\"", 2, { "a\"b", "\"" }, 1 },
        { ",,", 3, { "", "", "" }, 1 }, { "\"\",", 2, { "", "" }, 1 }, { "\n\r\n\nx", 1, { "x" }, 4 },
        { "\xef\xbb\xbf" "a,b", 2, { "a", "b" }, 1 }, { "\xef\xbb\xbf\"a\",b", 2, { "a", "b" }, 1 },
        { "\xc3\xa9,\xff", 2, { "\xc3\xa9", "\xff" }, 1 }, { " a ,b", 2, { " a ", "b" }, 1 },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct rfl_csv csv;
        put(v[i].text, strlen(v[i].text));
        assert_int_equal(rfl_csv_init(&csv, path), RFL_E_OK);
        assert_int_equal(rfl_csv_next(&csv), RFL_E_OK);
        assert_int_equal(csv.field_count, v[i].count);
        assert_int_equal(csv.line, v[i].line);
        for (size_t f = 0; f < v[i].count; f++)
            assert_true(field_is(&csv, f, v[i].field[f]));
        assert_int_equal(rfl_csv_next(&csv), RFL_E_OK);
        assert_int_equal(csv.field_count, 0);
        assert_int_equal(csv.bytes, strlen(v[i].text));
        rfl_csv_fini(&csv);
    }
}

static void damage_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct { const char *text; size_t len; const char *rule; } v[] = {
        { "a\n\"b\n", 5, "not closed" }, { "a\n\"b", 4, "not closed" }, { "a\n\"b\"\"", 6, "not closed" },
        { "a\n\"b\"c,d\n", 9, "not followed by a comma" }, { "a\nb\"c\n", 6, "inside an unquoted" },
        { "a\nb\0c\n", 6, "zero byte" }, { "a\n\"b\nc\"\n", 8, "not closed" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct rfl_csv csv;
        put(v[i].text, v[i].len);
        assert_int_equal(rfl_csv_init(&csv, path), RFL_E_OK);
        assert_int_equal(rfl_csv_next(&csv), RFL_E_OK);
        assert_null(csv.rule);
        assert_int_equal(rfl_csv_next(&csv), RFL_E_INVALID);
        assert_int_equal(csv.line, 2);
        assert_non_null(strstr(csv.rule, v[i].rule));
        rfl_csv_fini(&csv);
    }
}

static void lines_end_at_their_limit(void **state)
{
    (void)state;
    static const size_t over[] = { 0, 1, 3 << 20 };
    char *text = calloc(1, RFL_CSV_LINE_BYTES_MAX + (3 << 20) + 8);
    assert_non_null(text);
    for (size_t i = 0; i < 3; i++) {
        struct rfl_csv csv;
        size_t len = RFL_CSV_LINE_BYTES_MAX + over[i];
        memset(text, 'x', len);
        memcpy(text + len, "\ny\n", 3);
        put(text, len + 3);
        assert_int_equal(rfl_csv_init(&csv, path), RFL_E_OK);
        assert_int_equal(rfl_csv_next(&csv), over[i] == 0 ? RFL_E_OK : RFL_E_INVALID);
        assert_int_equal(csv.line, 1);
        assert_int_equal(csv.rule == NULL, over[i] == 0);
        if (over[i] == 0) {
            assert_int_equal(csv.field[0].len, len);
            assert_int_equal(rfl_csv_next(&csv), RFL_E_OK);
            assert_true(field_is(&csv, 0, "y"));
        }
        rfl_csv_fini(&csv);
    }
    free(text);
}

static void too_many_fields_are_refused(void **state)
{
    (void)state;
    char text[RFL_CSV_FIELDS_MAX + 2];
    memset(text, ',', sizeof text);
    for (size_t commas = RFL_CSV_FIELDS_MAX - 1; commas <= RFL_CSV_FIELDS_MAX; commas++) {
        struct rfl_csv csv;
        put(text, commas);
        assert_int_equal(rfl_csv_init(&csv, path), RFL_E_OK);
        assert_int_equal(rfl_csv_next(&csv), commas < RFL_CSV_FIELDS_MAX ? RFL_E_OK : RFL_E_INVALID);
        rfl_csv_fini(&csv);
    }
}

/* Rows of all lengths from 1 to 700 bytes, over several megabytes, so that every place in a row meets a refill. */
static void rows_across_refills_stay_whole(void **state)
{
    (void)state;
    enum { ROWS = 12000 };
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < ROWS; i++)
        assert_true(fprintf(f, "%u,\"%0*u\"\n", i, (int)(i % 700) + 1, i) > 0);
    long bytes = ftell(f);
    assert_int_equal(fclose(f), 0);
    assert_true(bytes > 4 << 20);
    struct rfl_csv csv;
    assert_int_equal(rfl_csv_init(&csv, path), RFL_E_OK);
    for (unsigned i = 0; i < ROWS; i++) {
        char first[16], second[720];
        (void)snprintf(first, sizeof first, "%u", i);
        (void)snprintf(second, sizeof second, "%0*u", (int)(i % 700) + 1, i);
        assert_int_equal(rfl_csv_next(&csv), RFL_E_OK);
        assert_int_equal(csv.field_count, 2);
        assert_int_equal(csv.line, i + 1);
        assert_true(field_is(&csv, 0, first) && field_is(&csv, 1, second));
    }
    assert_int_equal(rfl_csv_next(&csv), RFL_E_OK);
    assert_int_equal(csv.field_count, 0);
    assert_int_equal(csv.bytes, bytes);
    rfl_csv_fini(&csv);
}

static void what_cannot_be_opened_or_read_is_said(void **state)
{
    (void)state;
    struct rfl_csv csv;
    assert_int_equal(rfl_csv_init(&csv, "/tmp/rfl_csv_there_is_no_such_file"), RFL_E_ABSENT);
    rfl_csv_fini(&csv);
    assert_int_equal(rfl_csv_init(&csv, "/tmp"), RFL_E_OK);         /* a folder opens, but cannot be read */
    assert_int_equal(rfl_csv_next(&csv), RFL_E_IO);
    assert_true(csv.sys_errno != 0);
    rfl_csv_fini(&csv);
    put("", 0);
    assert_int_equal(rfl_csv_init(&csv, path), RFL_E_OK);
    assert_int_equal(rfl_csv_next(&csv), RFL_E_OK);
    assert_int_equal(csv.field_count, 0);
    assert_int_equal(csv.line, 0);
    rfl_csv_fini(&csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_written),
        cmocka_unit_test(damage_is_refused_with_its_line),
        cmocka_unit_test(lines_end_at_their_limit),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(rows_across_refills_stay_whole),
        cmocka_unit_test(what_cannot_be_opened_or_read_is_said),
    };
    return cmocka_run_group_tests_name("csv", tests, make_path, drop_path);
}
