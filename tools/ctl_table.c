/* Tables: aligned columns, at least two spaces apart, plain when nobody watches. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"

enum { HEADING_BYTES = 32 };

static void *or_stop(void *memory)
{
    if (memory == NULL) {
        fputs("referralctl: out of memory\n", stderr);
        exit(CTL_TRY_AGAIN);
    }
    return memory;
}

void ctl_table_init(struct ctl_table *table, const char *headings)
{
    *table = (struct ctl_table){ 0 };
    while (*headings != '\0') {
        size_t len = strcspn(headings, " ");
        bool right = headings[0] == '>';
        assert(table->columns < CTL_COLUMNS_MAX && len > right && len < HEADING_BYTES);
        char *heading = or_stop(strndup(headings + right, len - right));
        for (char *p = heading; *p != '\0'; p++)
            if (*p == '_')
                *p = ' ';
        table->right |= (unsigned)right << table->columns;
        table->heading[table->columns++] = heading;
        headings += len + (headings[len] == ' ');
    }
}

void ctl_fields_init(struct ctl_table *table)
{
    *table = (struct ctl_table){ .columns = 2 };
}

static void add_cell(struct ctl_table *table, char *text)
{
    if (table->count == table->room) {
        size_t room = table->room == 0 ? 64 : table->room * 2;
        table->cell = or_stop(realloc(table->cell, room * sizeof table->cell[0]));
        table->room = room;
    }
    table->cell[table->count++] = text;
}

/* Control characters of C0, DEL and C1 (as UTF-8: C2 80 to C2 9F) become '?'; everything else stays. */
static void make_harmless(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7F)
            *p = '?';
        else if (*p == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0)
            p[0] = p[1] = '?';
    }
}

void ctl_cell(struct ctl_table *table, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        text = NULL;
    make_harmless(or_stop(text));
    add_cell(table, text);
}

void ctl_cell_view(struct ctl_table *table, struct rfl_view view)
{
    if (view.len == 0)
        ctl_cell(table, "–");
    else
        ctl_cell(table, "%.*s", (int)view.len, (const char *)view.p);
}

void ctl_cell_count(struct ctl_table *table, uint64_t count)
{
    ctl_cell(table, "%llu", (unsigned long long)count);
}

void ctl_cell_time(struct ctl_table *table, int64_t ms)
{
    char text[CTL_TIME_BYTES];
    if (ms <= 0) {
        ctl_cell(table, "–");
        return;
    }
    ctl_time_text(ms, ctl_now_ms(), text);
    ctl_cell(table, "%s", text);
}

void ctl_put_view(FILE *out, struct rfl_view view)
{
    char *text = or_stop(strndup(view.len > 0 ? (const char *)view.p : "", view.len));
    make_harmless(text);
    fputs(text, out);
    free(text);
}

/* Columns on a terminal: code points, as nearly every text here is Latin; combining marks would cost one too many. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (const char *p = text; *p != '\0'; p++)
        width += ((unsigned char)*p & 0xC0) != 0x80;
    return width;
}

static void print_row(const struct ctl_table *table, FILE *out, const char *const *cells, const size_t *width)
{
    for (unsigned column = 0; column < table->columns; column++) {
        bool right = (table->right >> column & 1) != 0, last = column + 1 == table->columns;
        size_t pad = width[column] - width_of(cells[column]);
        if (right)
            fprintf(out, "%*s", (int)pad, "");
        fputs(cells[column], out);
        if (!last)
            fprintf(out, "%*s", (int)(right ? 2 : pad + 2), "");
    }
    fputc('\n', out);
}

void ctl_table_drop(struct ctl_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cell[i]);
    free(table->cell);
    for (unsigned column = 0; column < table->columns; column++)
        free(table->heading[column]);
    *table = (struct ctl_table){ 0 };
}

void ctl_table_print(struct ctl_table *table, FILE *out)
{
    size_t width[CTL_COLUMNS_MAX] = { 0 };
    bool headed = table->columns > 0 && table->heading[0] != NULL;
    assert(table->columns > 0 && table->count % table->columns == 0);
    for (unsigned column = 0; headed && column < table->columns; column++)
        width[column] = width_of(table->heading[column]);
    for (size_t i = 0; i < table->count; i++) {
        size_t cell = width_of(table->cell[i]);
        if (cell > width[i % table->columns])
            width[i % table->columns] = cell;
    }
    bool bold = headed && isatty(fileno(out)) && getenv("NO_COLOR") == NULL;
    if (bold)
        fputs("\033[1m", out);
    if (headed)
        print_row(table, out, (const char *const *)table->heading, width);
    if (bold)
        fputs("\033[0m", out);
    for (size_t i = 0; i < table->count; i += table->columns)
        print_row(table, out, (const char *const *)table->cell + i, width);
    ctl_table_drop(table);
}

bool ctl_view_same(struct rfl_view a, struct rfl_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
