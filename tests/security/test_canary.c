/* The search for canaries finds them, in every shape, wherever they are; and nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "canaries.h"
#include "canary.h"

static const char *const values[] = { CANARY_NAME, CANARY_STREET, CANARY_PHONE, CANARY_EMAIL, CANARY_NHS_NUMBER,
                                      CANARY_NINO, CANARY_POSTCODE, CANARY_BIRTH, CANARY_WORDS };
enum { VALUES = sizeof values / sizeof values[0] };

static size_t found_in(const char *text)
{
    return canary_search_bytes("a text of the test", (const uint8_t *)text, strlen(text));
}

/* Base64 as anybody would write it, padding and all. */
static void encode(const char *text, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i += 3) {
        unsigned a = (unsigned char)text[i], b = i + 1 < len ? (unsigned char)text[i + 1] : 0;
        unsigned c = i + 2 < len ? (unsigned char)text[i + 2] : 0, all = a << 16 | b << 8 | c;
        *out++ = digits[all >> 18];
        *out++ = digits[all >> 12 & 63];
        *out++ = i + 1 < len ? digits[all >> 6 & 63] : '=';
        *out++ = i + 2 < len ? digits[all & 63] : '=';
    }
    *out = '\0';
}

static void every_value_is_found_in_every_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        char text[128], shape[256], *at = shape;
        (void)snprintf(text, sizeof text, "level=note event=x why=\"%s\"", values[i]);
        assert_int_equal(found_in(text), 1);
        for (char *c = text; *c != '\0'; c++)
            *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        assert_int_equal(found_in(text), 1);
        for (const char *c = values[i]; *c != '\0'; c++)
            if (*c != ' ' && *c != '-')
                *at++ = *c;
        *at = '\0';
        assert_int_equal(found_in(shape), 1);
        at = shape;
        for (const char *c = values[i]; *c != '\0'; c++)
            at += snprintf(at, 3, "%02X", (unsigned)*c);
        assert_int_equal(found_in(shape), 1);
        for (size_t before = 0; before < 3; before++) {
            (void)snprintf(text, sizeof text, "%.*s%s%s", (int)before, "xy", values[i], before == 1 ? "" : "+");
            encode(text, shape);
            if (found_in(shape) != 1)
                fail_msg("value %zu is not found in base64 after %zu bytes", i, before);
        }
    }
}

static void the_bytes_around_do_not_matter(void **state)
{
    static uint8_t bytes[3 * 4096];
    size_t len = strlen(CANARY_NAME);
    (void)state;
    for (size_t at = 4096 - 2 * len; at < 4096 + 2 * len; at++) {   /* over the border of a page of zeros */
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes + at, CANARY_NAME, len);
        assert_int_equal(canary_search_bytes("pages", bytes, sizeof bytes), 1);
    }
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes + sizeof bytes - len, CANARY_NAME, len);
    assert_int_equal(canary_search_bytes("the end", bytes, sizeof bytes), 1);
    assert_int_equal(canary_search_bytes("the end cut", bytes, sizeof bytes - 1), 0);
}

static void nothing_else_is_found(void **state)
{
    (void)state;
    assert_int_equal(found_in(""), 0);
    assert_int_equal(found_in("Quill feather, umbrella, 07700 900462, QZ46 8ZY, 1947-07-18, QUIL"), 0);
}

/* The tester tested as the suite uses it: a folder as a test leaves it, with a name in a log below it. */
static void a_name_in_a_log_of_a_folder_is_found(void **state)
{
    char dir[] = "/tmp/referrald-canary.XXXXXX", sub[64], log[80];
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(sub, sizeof sub, "%s/run", dir);
    (void)snprintf(log, sizeof log, "%s/log", sub);
    assert_int_equal(mkdir(sub, 0700), 0);
    FILE *f = fopen(log, "w");
    assert_non_null(f);
    (void)fputs("level=note event=daemon.ready\n", f);
    assert_int_equal(fflush(f), 0);
    assert_int_equal(canary_search(dir), 0);
    (void)fputs("level=note event=said name=\"Zeb " CANARY_NAME "\"\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(canary_search(dir), 1);
    assert_int_equal(unlink(log), 0);
    (void)snprintf(log, sizeof log, "%s/%s.json", sub, CANARY_NINO);
    f = fopen(log, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(canary_search(dir), 1);            /* the name of a file */
    assert_int_equal(unlink(log) + rmdir(sub) + rmdir(dir), 0);
    assert_int_equal(canary_search(dir), 1);            /* not there: nobody has shown that it is clean */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_found_in_every_shape),
        cmocka_unit_test(the_bytes_around_do_not_matter),
        cmocka_unit_test(nothing_else_is_found),
        cmocka_unit_test(a_name_in_a_log_of_a_folder_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
