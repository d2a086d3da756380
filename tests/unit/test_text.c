/* Text: the fast check against a slow one that was written from RFC 3629 alone, over every short text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rfl_text.h"

/* Decodes by arithmetic on the code point: length and bits from the first byte, then is this its shortest form? */
static enum rfl_text_state slow(const uint8_t *p, size_t len, bool lines)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    enum rfl_text_state worst = RFL_TEXT_OK;
    for (size_t i = 0; i < len; ) {
        unsigned n = p[i] < 0x80 ? 1 : (p[i] >> 5) == 6 ? 2 : (p[i] >> 4) == 14 ? 3 : (p[i] >> 3) == 30 ? 4 : 0;
        if (n == 0 || n > len - i)
            return RFL_TEXT_NOT_UTF8;
        uint32_t point = n == 1 ? p[i] : p[i] & (0xffU >> (n + 1));
        for (unsigned k = 1; k < n; k++) {
            if ((p[i + k] >> 6) != 2)
                return RFL_TEXT_NOT_UTF8;
            point = point << 6 | (p[i + k] & 0x3fU);
        }
        if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return RFL_TEXT_NOT_UTF8;
        bool line = lines && (point == 9 || point == 10 || point == 13);
        bool control = (point < 32 || (point >= 127 && point < 160)) && !line;
        enum rfl_text_state now = point == 0 ? RFL_TEXT_NUL : control ? RFL_TEXT_CONTROL : RFL_TEXT_OK;
        worst = now > worst ? now : worst;
        i += n;
    }
    return worst;
}

static void compare(const uint8_t *p, size_t len)
{
    struct rfl_view view = { p, len };
    for (unsigned lines = 0; lines < 2; lines++)
        if (rfl_text_check(view, lines != 0) != slow(p, len, lines != 0))
            fail_msg("differs: length %zu, begins %02x %02x %02x %02x", len, p[0], p[1], p[2], p[3]);
}

static void every_short_text_is_judged_as_the_standard_says(void **state)
{
    (void)state;
    uint8_t p[4] = { 0 };
    for (unsigned i = 0; i < 1U << 16; i++) {
        p[0] = (uint8_t)i, p[1] = (uint8_t)(i >> 8);
        compare(p, 1 + (i > 0xff));
        compare(p, 2);
    }
    static const uint8_t edges[] = { 0x00, 0x20, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                     0xa0, 0xbf, 0xc0, 0xc2, 0xed, 0xf4, 0xff };
    for (unsigned i = 0; i < 1U << 16; i++)
        for (unsigned c = 0; c < sizeof edges; c++) {
            p[0] = (uint8_t)i, p[1] = (uint8_t)(i >> 8), p[2] = edges[c], p[3] = edges[(i + c) % sizeof edges];
            compare(p, 3);
            compare(p, 4);
        }
}

static void every_byte_is_found_at_every_place_of_a_long_text(void **state)
{
    (void)state;
    uint8_t text[40];
    for (size_t at = 0; at < sizeof text; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            memset(text, 'x', sizeof text);
            text[at] = (uint8_t)byte;
            compare(text, sizeof text);
        }
}

static void the_empty_text_is_fine(void **state)
{
    (void)state;
    assert_int_equal(rfl_text_check((struct rfl_view){ NULL, 0 }, false), RFL_TEXT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_text_is_judged_as_the_standard_says),
        cmocka_unit_test(every_byte_is_found_at_every_place_of_a_long_text),
        cmocka_unit_test(the_empty_text_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
