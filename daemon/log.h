/* log.h: events with typed fields, one line each, on stderr.
 *
 * There is no way to log a string that came from outside: a field is a number, an id, a literal, a digest, an error or
 * one of our own findings, and the macros take no char * of content. Keys and event names are literals.
 *
 *     LOG(log, INFO, "store.opened", F_U64("epoch", epoch), F_ERR("error", err), F_LIT("next", "exit"));
 *
 * Shapes: "logfmt" (one line of key=value, RFC 3339 UTC), "journal" (a <n> priority, no time: the journal has its own),
 * "human" (time of day first). Auto chooses journal when stderr is the journal, human on a terminal, else logfmt.
 * A line that would have to wait (a full pipe) is dropped and counted: the log never stops the loop. */
#ifndef LOG_H
#define LOG_H

#include "rfl_conf.h"
#include "rfl_message.h"

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_LOGFMT, LOG_FORMAT_JOURNAL, LOG_FORMAT_HUMAN };
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_NOTE = 5, LOG_LEVEL_INFO = 6 };

enum log_kind { LF_U64, LF_I64, LF_ID, LF_LIT, LF_ERR, LF_ERRNO, LF_HASH, LF_KEY, LF_FINDING, LF_OURS, LF_HEX };

struct log_field {
    const char *key;
    enum log_kind kind;
    union {
        uint64_t u;
        int64_t i;
        const char *lit;
        struct rfl_hash hash;
        struct { const uint8_t *p; size_t len; } bytes;
        const struct rfl_conf_option *option;
        const struct rfl_conf_finding *finding;
    } v;
};

#define F_U64(k, x) ((struct log_field){ "" k, LF_U64, { .u = (x) } })
#define F_I64(k, x) ((struct log_field){ "" k, LF_I64, { .i = (x) } })
#define F_ID(k, x) ((struct log_field){ "" k, LF_ID, { .u = (x).v } })              /* rfl_case_id and its like */
#define F_LIT(k, x) ((struct log_field){ "" k, LF_LIT, { .lit = "" x } })           /* string literals only */
#define F_ERR(k, x) ((struct log_field){ "" k, LF_ERR, { .u = (uint64_t)(enum rfl_err)(x) } })
#define F_ERRNO(k, x) ((struct log_field){ "" k, LF_ERRNO, { .i = (x) } })
#define F_HASH(k, x) ((struct log_field){ "" k, LF_HASH, { .hash = (x) } })         /* struct rfl_hash, a digest */
/* A hash or signature, by its address: &head.hash. The type is that of an array of bytes, which no text is. */
#define F_HASH32(k, x) \
    ((struct log_field){ "" k, LF_HEX, { .bytes = { *(uint8_t (*)[32]){ (x) }, 32 } } })
#define F_SIGNATURE(k, x) \
    ((struct log_field){ "" k, LF_HEX, { .bytes = { *(uint8_t (*)[64]){ (x) }, 64 } } })
#define F_KEY(k, x) ((struct log_field){ "" k, LF_KEY, { .option = (x) } })         /* an option of our own table */
#define F_FINDING(x) ((struct log_field){ "", LF_FINDING, { .finding = (x) } })     /* file line key rule remedy */
/* For the one source of literals that hands them over as a pointer: rfl_store_open's why. */
#define F_OURS(k, x) ((struct log_field){ "" k, LF_OURS, { .lit = (x) } })

struct log { int fd; enum log_format format; uint64_t dropped; };

/* format is resolved once here; the environment is read for JOURNAL_STREAM. */
void log_init(struct log *log, int fd, enum log_format format);
void log_event(struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               size_t count);
/* What log_event would write, into out (cap bytes, at least 64), for tests; returns its length with the newline. */
size_t log_render(enum log_format format, int64_t wall_ms, enum log_level level, const char *event,
                  const struct log_field *fields, size_t count, char *out, size_t cap);

#define LOG(log, level, event, ...) \
    log_event((log), LOG_LEVEL_##level, "" event, (const struct log_field[]){ __VA_ARGS__ }, \
              sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

#endif
