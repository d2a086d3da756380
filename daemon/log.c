#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* A pipe that polls writable takes PIPE_BUF (4,096) bytes without waiting, so a line stays below that. */
enum { LINE_BYTES_MAX = 2048 };

struct line { char *p; size_t len, cap; };

__attribute__((format(printf, 2, 3)))
static void put(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->p + line->len, line->cap - line->len, format, args);
    va_end(args);
    size_t room = line->cap - line->len - 1;
    if (n > 0)
        line->len += (size_t)n < room ? (size_t)n : room;
}

/* Quotes what has a space; a control byte, a quote or a backslash is written as '?', so a line is always one line. */
static void put_text(struct line *line, const char *text)
{
    bool quote = *text == '\0' || strpbrk(text, " =\"") != NULL;
    put(line, quote ? "\"" : "");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        put(line, "%c", c < 0x20 || c == 0x7f || c == '"' || c == '\\' ? '?' : c);
    }
    put(line, quote ? "\"" : "");
}

static void put_finding(struct line *line, const struct rfl_conf_finding *finding)
{
    put(line, " file=");
    put_text(line, finding->file);
    put(line, " line=%d key=", finding->line);
    put_text(line, finding->key);
    put(line, " rule=");
    put_text(line, finding->rule);
    put(line, " remedy=");
    put_text(line, finding->remedy);
}

static void put_field(struct line *line, const struct log_field *field)
{
    if (field->kind == LF_FINDING) {
        put_finding(line, field->v.finding);
        return;
    }
    put(line, " %s=", field->key);
    switch (field->kind) {
    case LF_U64:
    case LF_ID:
        put(line, "%" PRIu64, field->v.u);
        break;
    case LF_I64:
        put(line, "%" PRId64, field->v.i);
        break;
    case LF_LIT:
    case LF_OURS:
        put_text(line, field->v.lit != NULL ? field->v.lit : "");
        break;
    case LF_ERR:
        put(line, "%s", rfl_err_name((enum rfl_err)field->v.u));
        break;
    case LF_ERRNO: {
        const char *name = strerrorname_np((int)field->v.i);
        put(line, "%s", name != NULL ? name : "none");
        break;
    }
    case LF_HASH:
        for (size_t i = 0; i < sizeof field->v.hash.b; i++)
            put(line, "%02x", field->v.hash.b[i]);
        break;
    case LF_HEX:
        for (size_t i = 0; i < field->v.bytes.len; i++)
            put(line, "%02x", field->v.bytes.p[i]);
        break;
    case LF_KEY:
        put_text(line, field->v.option->key);
        break;
    case LF_FINDING:
        break;
    }
}

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR: return "error";
    case LOG_LEVEL_WARN: return "warn";
    case LOG_LEVEL_NOTE: return "note";
    case LOG_LEVEL_INFO: return "info";
    }
    return "info";
}

size_t log_render(enum log_format format, int64_t wall_ms, enum log_level level, const char *event,
                  const struct log_field *fields, size_t count, char *out, size_t cap)
{
    struct line line = { out, 0, cap - 1 };     /* one byte is kept for the newline */
    struct tm tm;
    time_t seconds = (time_t)(wall_ms / 1000);
    (void)gmtime_r(&seconds, &tm);
    int ms = (int)(wall_ms % 1000);
    switch (format) {
    case LOG_FORMAT_AUTO:
    case LOG_FORMAT_LOGFMT:
        put(&line, "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03dZ level=%s event=%s", tm.tm_year + 1900, tm.tm_mon + 1,
            tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms, level_word(level), event);
        break;
    case LOG_FORMAT_JOURNAL:
        put(&line, "<%d>event=%s", (int)level, event);
        break;
    case LOG_FORMAT_HUMAN:
        put(&line, "%02d:%02d:%02d.%03d %-5s %s", tm.tm_hour, tm.tm_min, tm.tm_sec, ms, level_word(level), event);
        break;
    }
    for (size_t i = 0; i < count; i++)
        put_field(&line, &fields[i]);
    out[line.len] = '\n';
    return line.len + 1;
}

/* systemd sets JOURNAL_STREAM to device:inode of the stream it gave us; it is inherited, so the numbers must match. */
static bool is_journal(int fd)
{
    const char *text = getenv("JOURNAL_STREAM");
    struct stat st;
    if (text == NULL || fstat(fd, &st) == -1)
        return false;
    char mine[64];
    (void)snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(mine, text) == 0;
}

void log_init(struct log *log, int fd, enum log_format format)
{
    if (format == LOG_FORMAT_AUTO) {
        format = LOG_FORMAT_LOGFMT;
        if (is_journal(fd))
            format = LOG_FORMAT_JOURNAL;
        else if (isatty(fd) == 1)
            format = LOG_FORMAT_HUMAN;
    }
    *log = (struct log){ .fd = fd, .format = format, .dropped = log->dropped };
}

void log_event(struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    char text[LINE_BYTES_MAX];
    size_t len = log_render(log->format, clock_stamp_ms(), level, event, fields, count, text, sizeof text);
    struct pollfd pollfd = { .fd = log->fd, .events = POLLOUT };
    if (poll(&pollfd, 1, 0) != 1 || (pollfd.revents & POLLOUT) == 0 || write(log->fd, text, len) != (ssize_t)len)
        log->dropped++;
}
