#include "rfl_text.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes at once that are all printable ASCII: what nearly every field is made of. */
static bool plain8(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    uint64_t no_del = word ^ EACH(0x7f);
    uint64_t low = (word - EACH(0x20)) | (no_del - EACH(0x01));     /* borrows only ever add doubt, never remove it */
    return ((word | low) & EACH(0x80)) == 0;
}

static bool follows(const uint8_t *p, size_t count)
{
    for (size_t i = 1; i <= count; i++)
        if ((p[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* Length of the sequence that begins at p, or 0 when it is not UTF-8. The first byte is above 0x7f. */
static size_t sequence(const uint8_t *p, size_t left)
{
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && follows(p, 1) ? 2 : 0;
    if ((p[0] & 0xf0) == 0xe0) {
        if (left < 3 || !follows(p, 2))
            return 0;
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0, surrogate = p[0] == 0xed && p[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (left < 4 || !follows(p, 3))
            return 0;
        bool overlong = p[0] == 0xf0 && p[1] < 0x90, beyond = p[0] == 0xf4 && p[1] > 0x8f;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

static enum rfl_text_state ascii(uint8_t c, bool lines)
{
    if (c == 0)
        return RFL_TEXT_NUL;
    if ((c >= 0x20 && c != 0x7f) || (lines && (c == '\n' || c == '\t' || c == '\r')))
        return RFL_TEXT_OK;
    return RFL_TEXT_CONTROL;
}

enum rfl_text_state rfl_text_check(struct rfl_view text, bool lines)
{
    enum rfl_text_state worst = RFL_TEXT_OK;
    for (size_t i = 0; i < text.len; ) {
        if (text.len - i >= 8 && plain8(text.p + i)) {
            i += 8;
            continue;
        }
        enum rfl_text_state now;
        size_t step = 1;
        if (text.p[i] < 0x80) {
            now = ascii(text.p[i], lines);
        } else {
            step = sequence(text.p + i, text.len - i);
            if (step == 0)
                return RFL_TEXT_NOT_UTF8;
            now = text.p[i] == 0xc2 && text.p[i + 1] < 0xa0 ? RFL_TEXT_CONTROL : RFL_TEXT_OK;
        }
        worst = now > worst ? now : worst;
        i += step;
    }
    return worst;
}
