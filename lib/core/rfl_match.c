#include "rfl_match.h"

/* ---- names ---- */

enum { NAME_WORDS_MAX = 12, NAME_BYTES_MAX = 120 };

struct name { char text[NAME_BYTES_MAX]; size_t len; bool full; struct { size_t at, len; } word[NAME_WORDS_MAX];
              unsigned words; };

/* Letters of Latin-1 from 00C0 and of Latin Extended-A from 0100, without their marks; ' ' stands for a sign that is
 * none. Both cases of a letter give the same. */
static const char latin_1[] = "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty";
static const char latin_a[] = "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnn"
                              "oooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(sizeof latin_1 == 64 + 1 && sizeof latin_a == 128 + 1, "a letter for each code point");

static void put(struct name *name, char c)
{
    if (name->len == sizeof name->text)
        name->full = true;
    else
        name->text[name->len++] = c;
}

static uint32_t continued(struct rfl_view text, size_t at) { return at < text.len ? text.p[at] & 0x3Fu : 0; }

/* The code point at *at, which is moved past it. The text is valid UTF-8 (decoding has seen to it); a byte that is not
 * is taken as itself. */
static uint32_t next_point(struct rfl_view text, size_t *at)
{
    uint8_t c = text.p[(*at)++];
    if (c < 0xC0)
        return c;
    if (c < 0xE0)
        return (c & 0x1Fu) << 6 | continued(text, (*at)++);
    uint32_t point = (c < 0xF0 ? c & 0x0Fu : c & 0x07u) << 12 | continued(text, *at) << 6 | continued(text, *at + 1);
    *at += 2;
    return c < 0xF0 ? point : point << 6 | continued(text, (*at)++);
}

/* A letter of another script is kept as its number, so that it is the same however often it is written. */
static void put_other(struct name *name, uint32_t point)
{
    for (unsigned shift = 0; shift < 21; shift += 7)
        put(name, (char)(0x80u | (point >> shift & 0x7Fu)));
}

static bool is_space(uint32_t point)
{
    return point <= ' ' || point == '-' || point == ',' || point == '.' || point == '/' || point == 0xA0 ||
           (point >= 0x2000 && point <= 0x2015) || point == 0x3000;
}

/* Signs that are written or left out as one likes: apostrophes of all kinds, marks that stand alone. */
static bool is_nothing(uint32_t point)
{
    return point == '\'' || point == '`' || point == 0xB4 || point == 0x2018 || point == 0x2019 || point == 0x02BC ||
           (point >= 0x0300 && point <= 0x036F);
}

static void put_letter(struct name *name, uint32_t point)
{
    if (point >= 'A' && point <= 'Z')
        put(name, (char)(point + ('a' - 'A')));
    else if (point < 0x80)
        put(name, (char)point);
    else if (point >= 0xC0 && point < 0x100 && latin_1[point - 0xC0] != ' ')
        put(name, latin_1[point - 0xC0]);
    else if (point >= 0x100 && point < 0x180)
        put(name, latin_a[point - 0x100]);
    else
        put_other(name, point);
}

static bool is_title(const char *word, size_t len)
{
    static const char titles[][5] = { "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "lady", "lord", "dame",
                                      "rev" };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (len < sizeof titles[i] && memcmp(titles[i], word, len) == 0 && titles[i][len] == '\0')
            return true;
    return false;
}

static void end_word(struct name *name, size_t from)
{
    if (name->len == from)
        return;
    if (is_title(name->text + from, name->len - from)) {
        name->len = from;
    } else if (name->words == NAME_WORDS_MAX) {
        name->full = true;
    } else {
        name->word[name->words].at = from;
        name->word[name->words++].len = name->len - from;
    }
}

static bool word_before(const struct name *name, unsigned a, unsigned b)
{
    size_t len_a = name->word[a].len, len_b = name->word[b].len;
    int c = memcmp(name->text + name->word[a].at, name->text + name->word[b].at, len_a < len_b ? len_a : len_b);
    return c != 0 ? c < 0 : len_a < len_b;
}

static void sort_words(const struct name *name, unsigned order[NAME_WORDS_MAX])
{
    for (unsigned i = 0; i < name->words; i++) {
        unsigned at = i;
        for (; at > 0 && word_before(name, i, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static void read_name(struct rfl_view text, struct name *name)
{
    size_t from = 0;
    memset(name, 0, sizeof *name);
    for (size_t at = 0; at < text.len && !name->full;) {
        uint32_t point = next_point(text, &at);
        if (is_space(point)) {
            end_word(name, from);
            from = name->len;
        } else if (!is_nothing(point)) {
            put_letter(name, point);
        }
    }
    end_word(name, from);
}

/* ---- keys ---- */

static void add(struct rfl_match_texts *out, const void *p, size_t len)
{
    size_t *at = &out->len[RFL_MATCH_NAME_BIRTH_POSTCODE];
    memcpy(out->text[RFL_MATCH_NAME_BIRTH_POSTCODE] + *at, p, len);
    *at += len;
}

/* One word is no name to know somebody by: twins share a surname, a birthday and a home. */
static void add_person(const struct rfl_form *form, int64_t now_ms, struct rfl_match_texts *out)
{
    struct rfl_birth birth;
    struct rfl_postcode postcode;
    struct name name;
    unsigned order[NAME_WORDS_MAX];
    if (rfl_ident_birth(form->date_of_birth, now_ms, &birth) != RFL_GRADE_OK ||
        rfl_ident_postcode(form->postcode, &postcode) != RFL_GRADE_OK || postcode.kind != RFL_POSTCODE_ORDINARY)
        return;
    read_name(form->name, &name);
    if (name.full || name.words < 2)
        return;
    static_assert(NAME_BYTES_MAX + NAME_WORDS_MAX + 4 + RFL_POSTCODE_BYTES <= RFL_MATCH_TEXT_BYTES_MAX, "it fits");
    const uint8_t day[4] = { (uint8_t)(birth.year >> 8), (uint8_t)birth.year, birth.month, birth.day };
    add(out, day, sizeof day);
    add(out, postcode.text, sizeof postcode.text);
    sort_words(&name, order);
    for (unsigned i = 0; i < name.words; i++) {
        add(out, name.text + name.word[order[i]].at, name.word[order[i]].len);
        add(out, " ", 1);
    }
}

void rfl_match_texts_of(const struct rfl_form *form, bool test_people, int64_t now_ms, struct rfl_match_texts *out)
{
    enum { NHS_DIGITS = 10, NINO_CHARACTERS = 8 };
    char nhs[RFL_NHS_BYTES], nino[RFL_NINO_BYTES];
    memset(out, 0, sizeof *out);
    enum rfl_grade grade = rfl_ident_nhs(form->nhs_number, nhs);
    if (grade == RFL_GRADE_OK || (grade == RFL_GRADE_TEST_RANGE && test_people)) {
        memcpy(out->text[RFL_MATCH_NHS_NUMBER], nhs, NHS_DIGITS);
        out->len[RFL_MATCH_NHS_NUMBER] = NHS_DIGITS;
    }
    if (rfl_ident_nino(form->nino, nino) == RFL_GRADE_OK) {
        memcpy(out->text[RFL_MATCH_NINO], nino, NINO_CHARACTERS);
        out->len[RFL_MATCH_NINO] = NINO_CHARACTERS;
    }
    add_person(form, now_ms, out);
}

enum rfl_match_verdict rfl_match_judge(const struct rfl_hash mine[RFL_MATCH_COUNT],
                                       const struct rfl_hash theirs[RFL_MATCH_COUNT])
{
    bool differs = false;
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++) {
        if (rfl_hash_none(mine[i]) || rfl_hash_none(theirs[i]))
            continue;
        if (rfl_hash_same(mine[i], theirs[i]))
            return differs ? RFL_MATCH_RESEMBLES : RFL_MATCH_SAME;
        differs = true;
    }
    return RFL_MATCH_STRANGERS;
}
