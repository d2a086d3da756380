#include "rfl_csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUF_BYTES = 1 << 20 };
static_assert(RFL_CSV_LINE_BYTES_MAX < BUF_BYTES / 2, "a refill makes room for a whole line");

enum rfl_err rfl_csv_init(struct rfl_csv *csv, const char *path)
{
    memset(csv, 0, sizeof *csv);
    csv->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (csv->fd == -1) {
        csv->sys_errno = errno;
        return errno == ENOENT ? RFL_E_ABSENT : RFL_E_IO;
    }
    csv->buf = malloc(BUF_BYTES);
    return csv->buf == NULL ? RFL_E_MEMORY : RFL_E_OK;
}

void rfl_csv_fini(struct rfl_csv *csv)
{
    free(csv->buf);
    if (csv->fd != -1)
        (void)close(csv->fd);       /* only read from: nothing can be lost */
    csv->buf = NULL;
    csv->fd = -1;
}

static enum rfl_err refuse(struct rfl_csv *csv, const char *rule)
{
    csv->rule = rule;
    return RFL_E_INVALID;
}

static enum rfl_err refill(struct rfl_csv *csv)
{
    memmove(csv->buf, csv->buf + csv->start, csv->end - csv->start);
    csv->end -= csv->start;
    csv->start = 0;
    while (csv->end < BUF_BYTES && !csv->at_end) {
        ssize_t got = read(csv->fd, csv->buf + csv->end, BUF_BYTES - csv->end);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1) {
            csv->sys_errno = errno;
            return RFL_E_IO;
        }
        csv->at_end = got == 0;
        csv->end += (size_t)got;
    }
    return RFL_E_OK;
}

/* Finds the next line, without its end, as *text and *len. At the end of the file *text is NULL. */
static enum rfl_err take_line(struct rfl_csv *csv, uint8_t **text, size_t *len)
{
    uint8_t *newline = NULL;
    if (csv->end > csv->start)
        newline = memchr(csv->buf + csv->start, '\n', csv->end - csv->start);
    if (newline == NULL && !csv->at_end) {
        enum rfl_err err = refill(csv);
        if (err != RFL_E_OK)
            return err;
        newline = memchr(csv->buf, '\n', csv->end);
    }
    *text = NULL;
    if (csv->start == csv->end)
        return RFL_E_OK;
    uint8_t *first = csv->buf + csv->start;
    size_t whole = newline == NULL ? csv->end - csv->start : (size_t)(newline - first);
    csv->line++;
    if (whole > RFL_CSV_LINE_BYTES_MAX)
        return refuse(csv, "the line is longer than 32768 bytes");
    if (memchr(first, '\0', whole) != NULL)
        return refuse(csv, "the line holds a zero byte");
    csv->start += whole + (newline == NULL ? 0 : 1);
    csv->bytes += whole + (newline == NULL ? 0 : 1);
    if (csv->line == 1 && whole >= 3 && memcmp(first, "\xef\xbb\xbf", 3) == 0) {
        first += 3;
        whole -= 3;
    }
    if (whole > 0 && first[whole - 1] == '\r')
        whole--;
    *text = first;
    *len = whole;
    return RFL_E_OK;
}

/* Reads the quoted field that starts at `p` (behind its opening quote), closing the gaps that doubled quotes leave.
 * Returns the place behind the closing quote; NULL when there is none before `end`. */
static uint8_t *take_quoted(uint8_t *p, const uint8_t *end, struct rfl_view *field)
{
    uint8_t *to = p;
    field->p = p;
    for (; p < end; p++) {
        if (*p == '"') {
            if (p + 1 == end || p[1] != '"') {
                field->len = (size_t)(to - field->p);
                return p + 1;
            }
            p++;
        }
        *to++ = *p;
    }
    return NULL;
}

static enum rfl_err split(struct rfl_csv *csv, uint8_t *p, const uint8_t *end)
{
    for (;;) {
        if (csv->field_count == RFL_CSV_FIELDS_MAX)
            return refuse(csv, "the line has more than 128 fields");
        struct rfl_view *field = &csv->field[csv->field_count++];
        if (p < end && *p == '"') {
            p = take_quoted(p + 1, end, field);
            if (p == NULL)
                return refuse(csv, "a quoted field is not closed on its line");
            if (p < end && *p != ',')
                return refuse(csv, "a closing quote is not followed by a comma or the end of the line");
        } else {
            field->p = p;
            for (; p < end && *p != ','; p++)
                if (*p == '"')
                    return refuse(csv, "a quote stands inside an unquoted field");
            field->len = (size_t)(p - field->p);
        }
        if (p == end)
            return RFL_E_OK;
        p++;
    }
}

enum rfl_err rfl_csv_next(struct rfl_csv *csv)
{
    uint8_t *text;
    size_t len = 0;
    csv->field_count = 0;
    do {
        enum rfl_err err = take_line(csv, &text, &len);
        if (err != RFL_E_OK)
            return err;
    } while (text != NULL && len == 0);
    return text == NULL ? RFL_E_OK : split(csv, text, text + len);
}
