#include "rfl_ident.h"

#include "rfl_date.h"

enum { DAY_MS = 86400000, AGE_YEARS_MAX = 130 };

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool is_upper(uint8_t c) { return c >= 'A' && c <= 'Z'; }

static uint8_t upper(uint8_t c) { return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c; }

static struct rfl_view trim(struct rfl_view v)
{
    while (v.len > 0 && v.p[0] == ' ') {
        v.p++;
        v.len--;
    }
    while (v.len > 0 && v.p[v.len - 1] == ' ')
        v.len--;
    return v;
}

/* Copies letters and digits, upper case, to `out` (room for `max`), dropping one space or dash after each number of
 * characters whose bit is set in `gaps`. Returns how many were copied; 0 when anything else stands in the text. */
static size_t take_grouped(struct rfl_view v, uint32_t gaps, char *out, size_t max)
{
    size_t count = 0;
    bool gap_used = false;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = upper(v.p[i]);
        if (is_digit(c) || is_upper(c)) {
            if (count == max)
                return 0;
            out[count++] = (char)c;
            gap_used = false;
        } else if ((c == ' ' || c == '-') && !gap_used && (gaps >> count & 1) != 0) {
            gap_used = true;
        } else {
            return 0;
        }
    }
    return gap_used ? 0 : count;
}

/* Each character of `shape` stands for itself, but A is any letter and 9 is any digit. `text` is upper case. */
static bool has_shape(const char *text, size_t len, const char *shape)
{
    for (size_t i = 0; i < len; i++) {
        if (shape[i] == 'A' ? !is_upper((uint8_t)text[i]) : shape[i] == '9' ? !is_digit((uint8_t)text[i])
                                                                            : text[i] != shape[i])
            return false;
    }
    return shape[len] == '\0';
}

static bool nhs_check_fits(const char *digits)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 9; i++)
        sum += (10 - i) * (uint32_t)(digits[i] - '0');
    uint32_t check = (11 - sum % 11) % 11;      /* 11 is written 0; 10 has no digit, so it fits none */
    return check == (uint32_t)(digits[9] - '0');
}

/* For numbers whose check digit fits. */
static enum rfl_grade nhs_range(const char *digits)
{
    bool equal = true;
    for (size_t i = 1; i < 10; i++)
        equal = equal && digits[i] == digits[0];
    if (memcmp(digits, "999", 3) == 0)
        return RFL_GRADE_TEST_RANGE;
    return equal || memcmp(digits, "0101", 4) < 0 ? RFL_GRADE_UNKNOWN : RFL_GRADE_OK;
}

enum rfl_grade rfl_ident_nhs(struct rfl_view text, char out[RFL_NHS_BYTES])
{
    memset(out, 0, RFL_NHS_BYTES);
    text = trim(text);
    if (text.len == 0)
        return RFL_GRADE_ABSENT;
    char digits[10];
    size_t count = take_grouped(text, 1u << 3 | 1u << 6, digits, sizeof digits);
    if (count != sizeof digits || !has_shape(digits, count, "9999999999"))
        return RFL_GRADE_MALFORMED;
    memcpy(out, digits, sizeof digits);
    return nhs_check_fits(digits) ? nhs_range(digits) : RFL_GRADE_BAD_CHECK;
}

static bool nino_prefix_used(const char *text)
{
    static const char never[] = "DFIQUV";
    static const char unused[][2] = { { 'B', 'G' }, { 'G', 'B' }, { 'K', 'N' }, { 'N', 'K' }, { 'N', 'T' },
                                      { 'T', 'N' }, { 'Z', 'Z' } };
    for (size_t i = 0; i + 1 < sizeof never; i++)
        if (text[0] == never[i] || text[1] == never[i])
            return false;
    for (size_t i = 0; i < sizeof unused / sizeof unused[0]; i++)
        if (memcmp(text, unused[i], 2) == 0)
            return false;
    return text[1] != 'O';
}

enum rfl_grade rfl_ident_nino(struct rfl_view text, char out[RFL_NINO_BYTES])
{
    memset(out, 0, RFL_NINO_BYTES);
    text = trim(text);
    if (text.len == 0)
        return RFL_GRADE_ABSENT;
    char nino[9];
    size_t count = take_grouped(text, 1u << 2 | 1u << 4 | 1u << 6 | 1u << 8, nino, sizeof nino);
    bool shaped = count == 8 ? has_shape(nino, 8, "AA999999")
                             : count == 9 && has_shape(nino, 9, "AA999999A") && nino[8] <= 'D';
    if (!shaped || !nino_prefix_used(nino))
        return RFL_GRADE_MALFORMED;
    memcpy(out, nino, count);
    return RFL_GRADE_OK;
}

static bool postcode_shaped(const char *text, size_t len)
{
    static const char *const shapes[] = { "A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA" };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (has_shape(text, len, shapes[i]))
            return true;
    return false;
}

static bool bfpo_shaped(const char *text, size_t len)
{
    static const char *const shapes[] = { "BFPO9", "BFPO99", "BFPO999", "BFPO9999" };
    return len > 4 && has_shape(text, len, shapes[len - 5]);
}

static enum rfl_postcode_kind postcode_kind(const char *text, size_t len)
{
    static const struct { char inward[3]; enum rfl_postcode_kind kind; } pseudo[] = {
        { { '3', 'V', 'Z' }, RFL_POSTCODE_NO_FIXED_ABODE },
        { { '3', 'W', 'Z' }, RFL_POSTCODE_NOT_KNOWN },
        { { '3', 'C', 'Z' }, RFL_POSTCODE_ENGLAND },
        { { '3', 'G', 'Z' }, RFL_POSTCODE_WALES },
        { { '1', 'W', 'Z' }, RFL_POSTCODE_SCOTLAND },
        { { '2', 'W', 'Z' }, RFL_POSTCODE_NORTHERN_IRELAND },
    };
    if (has_shape(text, len, "GIR0AA"))
        return text[4] == 'A' && text[5] == 'A' ? RFL_POSTCODE_GIRO : RFL_POSTCODE_NONE;
    if (bfpo_shaped(text, len))
        return RFL_POSTCODE_BFPO;
    if (!postcode_shaped(text, len))
        return RFL_POSTCODE_NONE;
    if (has_shape(text, len, "BF19AA"))
        return RFL_POSTCODE_BFPO;
    if (len != 7 || memcmp(text, "ZZ99", 4) != 0)
        return RFL_POSTCODE_ORDINARY;
    for (size_t i = 0; i < sizeof pseudo / sizeof pseudo[0]; i++)
        if (memcmp(text + 4, pseudo[i].inward, 3) == 0)
            return pseudo[i].kind;
    return RFL_POSTCODE_ABROAD;
}

enum rfl_grade rfl_ident_postcode(struct rfl_view text, struct rfl_postcode *out)
{
    memset(out, 0, sizeof *out);
    text = trim(text);
    if (text.len == 0)
        return RFL_GRADE_ABSENT;
    char packed[RFL_POSTCODE_BYTES];            /* eight: "BFPO1234" is the longest */
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = upper(text.p[i]);
        if (c == ' ')
            continue;
        if ((!is_digit(c) && !is_upper(c)) || count == sizeof packed)
            return RFL_GRADE_MALFORMED;
        packed[count++] = (char)c;
    }
    enum rfl_postcode_kind kind = postcode_kind(packed, count);
    if (kind == RFL_POSTCODE_NONE)
        return RFL_GRADE_MALFORMED;
    memcpy(out->text, packed, count);
    for (size_t i = 0; i < sizeof out->text; i++)
        out->key = out->key << 8 | (uint8_t)out->text[i];
    out->kind = kind;
    return kind == RFL_POSTCODE_ORDINARY || kind == RFL_POSTCODE_GIRO ? RFL_GRADE_OK : RFL_GRADE_PSEUDO;
}

enum rfl_grade rfl_ident_ods(struct rfl_view text, char out[RFL_ODS_BYTES])
{
    memset(out, 0, RFL_ODS_BYTES);
    text = trim(text);
    if (text.len == 0)
        return RFL_GRADE_ABSENT;
    char code[RFL_ODS_BYTES - 1];
    size_t count = take_grouped(text, 0, code, sizeof code);
    if (count < 3)
        return RFL_GRADE_MALFORMED;
    memcpy(out, code, count);
    return RFL_GRADE_OK;
}

enum rfl_grade rfl_ident_practice(struct rfl_view text, char out[RFL_ODS_BYTES])
{
    enum rfl_grade grade = rfl_ident_ods(text, out);
    if (grade != RFL_GRADE_OK)
        return grade;
    size_t len = 0;
    while (len < RFL_ODS_BYTES && out[len] != '\0')
        len++;
    if (!has_shape(out, len, "A99999") && !has_shape(out, len, "AAA999") && !has_shape(out, len, "A9A9A")) {
        memset(out, 0, RFL_ODS_BYTES);
        return RFL_GRADE_MALFORMED;
    }
    return memcmp(out, "V8199", 5) == 0 && out[5] >= '7' && out[5] <= '9' ? RFL_GRADE_PSEUDO : RFL_GRADE_OK;
}

enum rfl_grade rfl_ident_birth(struct rfl_view text, int64_t now_ms, struct rfl_birth *out)
{
    memset(out, 0, sizeof *out);
    text = trim(text);
    if (text.len == 0)
        return RFL_GRADE_ABSENT;
    struct rfl_date born;
    if (!rfl_date_parse(text, &born))
        return RFL_GRADE_MALFORMED;
    *out = (struct rfl_birth){ .year = (uint16_t)born.year, .month = born.month, .day = born.day };
    assert(now_ms >= 0 && now_ms / DAY_MS <= RFL_DATE_DAYS_MAX);
    int32_t today = (int32_t)(now_ms / DAY_MS);
    struct rfl_date now = rfl_date_from_days(today);
    if (rfl_date_days(born) > today)
        return RFL_GRADE_BAD_CHECK;
    int32_t age_years = now.year - born.year;
    if (now.month < born.month || (now.month == born.month && now.day < born.day))
        age_years--;
    if (age_years > AGE_YEARS_MAX)
        return RFL_GRADE_BAD_CHECK;
    out->age_years = (uint8_t)age_years;
    return RFL_GRADE_OK;
}
