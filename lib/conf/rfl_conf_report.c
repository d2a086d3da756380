#include "rfl_conf.h"
#include "rfl_conf_walk.h"

static void put(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

void rfl_conf_report_add(struct rfl_conf_report *report, const char *file, int line, const char *key,
                         const char *rule, const char *remedy)
{
    if (report->count < RFL_CONF_FINDINGS_MAX) {
        struct rfl_conf_finding *f = &report->finding[report->count];
        put(f->file, sizeof f->file, file);
        put(f->key, sizeof f->key, key);
        put(f->rule, sizeof f->rule, rule);
        put(f->remedy, sizeof f->remedy, remedy);
        f->line = line;
    }
    report->count++;
}

void rfl_conf_report_print(const struct rfl_conf_report *report, FILE *out)
{
    uint32_t shown = report->count < RFL_CONF_FINDINGS_MAX ? report->count : RFL_CONF_FINDINGS_MAX;
    for (uint32_t i = 0; i < shown; i++) {
        const struct rfl_conf_finding *f = &report->finding[i];
        if (f->file[0] != '\0')
            (void)fprintf(out, "%s:", f->file);
        if (f->line > 0)
            (void)fprintf(out, "%d:", f->line);
        if (f->file[0] != '\0' || f->line > 0)
            (void)fputc(' ', out);
        if (f->key[0] != '\0')
            (void)fprintf(out, "%s: ", f->key);
        (void)fprintf(out, "%s%s%s\n", f->rule, f->remedy[0] != '\0' ? "; " : "", f->remedy);
    }
    if (report->count > shown)
        (void)fprintf(out, "... and %u more\n", (unsigned)(report->count - shown));
}

enum { WORD_MAX = 48 };

static size_t word_len(const char *word)
{
    size_t n = 0;
    while (word[n] != '\0' && word[n] != '.')
        n++;
    return n;
}

/* Edits (insert, delete, replace) that turn one word into the other. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            corner = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[b_len];
}

const char *rfl__conf_nearest(const char *text, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t len = word_len(text), near = len / 3 + 1;
    for (size_t i = 0; i < count && len <= WORD_MAX; i++) {
        size_t other = word_len(words[i]);
        if (other == 0 || other > WORD_MAX)
            continue;
        size_t edits = distance(text, len, words[i], other);
        if (edits <= near) {
            best = words[i];
            near = edits - (edits > 0 ? 1 : 0);
        }
    }
    return best;
}
