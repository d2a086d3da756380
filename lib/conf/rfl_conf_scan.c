#include "rfl_conf_walk.h"

/* A reading of the raw text, only as deep as needed to find integers and strings where they are: comments are # and //
 * to the end of the line and C's, strings know backslash escapes, names may hold digits and hyphens. */
struct scan {
    const struct rfl_conf_at *at;
    const uint8_t *p, *end;
    int line;
    bool ok;
};

static void complain(struct scan *s, const char *rule, const char *remedy)
{
    rfl_conf_report_add(s->at->report, s->at->file, s->line, NULL, rule, remedy);
    s->ok = false;
}

static uint8_t peek(const struct scan *s, size_t ahead)
{
    return (size_t)(s->end - s->p) > ahead ? s->p[ahead] : 0;
}

static void step(struct scan *s)
{
    if (*s->p == '\n')
        s->line++;
    if (*s->p == '\0')
        complain(s, "the file holds a NUL byte", "save it as plain UTF-8 text");
    s->p++;
}

static bool digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool letter(uint8_t c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '*' || c == '_'; }

static void skip_line(struct scan *s)
{
    while (s->p < s->end && *s->p != '\n')
        step(s);
}

static void skip_block_comment(struct scan *s)
{
    s->p += 2;
    while (s->p < s->end && !(*s->p == '*' && peek(s, 1) == '/'))
        step(s);
    s->p = s->end - s->p > 2 ? s->p + 2 : s->end;
}

/* libconfig would name the last line of the file for an open string; here it is the line where it was opened. */
static void skip_string(struct scan *s)
{
    int line = s->line;
    s->p++;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p == '\\' && peek(s, 1) == 'x' && peek(s, 2) == '0' && peek(s, 3) == '0')
            complain(s, "a string holds \\x00, which would vanish", "remove it");
        if (*s->p == '\\' && s->end - s->p > 1)
            step(s);
        step(s);
    }
    if (s->p < s->end) {
        s->p++;
        return;
    }
    s->line = line;
    complain(s, "a string is not closed before the end of the file", "close it with a quote");
}

static void skip_name(struct scan *s)
{
    while (s->p < s->end && (letter(*s->p) || digit(*s->p) || *s->p == '-'))
        s->p++;
}

/* s->p is at a digit. A float is left to the type check of its key. */
static void take_number(struct scan *s)
{
    const uint8_t *first = s->p;
    uint64_t value = 0;
    bool plain = true, real = false;
    for (; s->p < s->end; s->p++) {
        uint8_t c = *s->p;
        bool sign = (c == '+' || c == '-') && (s->p[-1] == 'e' || s->p[-1] == 'E');
        if (!digit(c) && !letter(c) && c != '.' && !sign)
            break;
        real = real || c == '.' || sign || ((c == 'e' || c == 'E') && peek(s, 1) != 0);
        plain = plain && digit(c);
        if (digit(c) && value < UINT64_C(1) << 40)
            value = value * 10 + (uint64_t)(c - '0');
    }
    size_t len = (size_t)(s->p - first);
    bool hex = len > 1 && first[0] == '0' && (first[1] == 'x' || first[1] == 'X');
    if (real && !hex)
        return;
    if (!plain)
        complain(s, "an integer is not a plain decimal number", "write it with the digits 0 to 9 only");
    else if (len > 1 && first[0] == '0')
        complain(s, "an integer begins with 0, which reads as octal to people", "remove the leading zeros");
    else if (value > INT32_MAX)
        complain(s, "an integer does not fit 31 bits", "write a smaller number, or a text with a unit");
}

bool rfl__conf_scan(const struct rfl_conf_at *at, struct rfl_view text)
{
    struct scan s = { .at = at, .p = text.p, .end = text.p + text.len, .line = 1, .ok = true };
    while (s.p < s.end) {
        if (*s.p == '#' || (*s.p == '/' && peek(&s, 1) == '/')) {
            skip_line(&s);
        } else if (*s.p == '/' && peek(&s, 1) == '*') {
            skip_block_comment(&s);
        } else if (*s.p == '"') {
            skip_string(&s);
        } else if (digit(*s.p)) {
            take_number(&s);
        } else if (letter(*s.p)) {
            skip_name(&s);
        } else {
            if (*s.p == '@')
                complain(&s, "@include is not allowed", "put the settings into this file");
            step(&s);
        }
    }
    return s.ok;
}
