/* rfl_conf.h: strict reading of configuration files in libconfig's syntax.
 *
 * libconfig alone accepts what must not be accepted: unknown keys, a file cut off at a line, and numbers that do not
 * fit (`4294967297` reads as 1). Here every file says `schema_version = 1` first and `end_of_config = true` last,
 * unknown keys are errors with a suggestion, every number is checked against its text, durations and sizes are strings
 * with units, and *all* problems are reported with file, line, key, rule and remedy: never the value.
 *
 * Two readers stand on it: a table of options that fills a struct (for the daemon, rfl_conf_read), and the policy
 * folder (rfl_conf_policy_load). Reading allocates; it is for start and reload, not for the loop: libconfig does not
 * check its own allocations, and leaks 64 bytes for a string before a syntax error. Not thread-safe per file. */
#ifndef RFL_CONF_H
#define RFL_CONF_H

#include <stdio.h>

#include "rfl_policy.h"

struct config_setting_t;                        /* libconfig's; only needed by those who walk a file themselves */

enum {
    RFL_CONF_FILE_BYTES_MAX = 4 << 20,
    RFL_CONF_FINDINGS_MAX = 64,
    RFL_CONF_STRING_BYTES = 256,                /* with its terminator */
    RFL_CONF_LIST_MAX = 32,
    RFL_CONF_KEY_BYTES = 96, RFL_CONF_NAME_BYTES = 320
};

/* ---- what was wrong ---- */

struct rfl_conf_finding {
    char file[RFL_CONF_NAME_BYTES];             /* as opened; "" when it concerns the whole */
    int line;                                   /* 0: the whole file */
    char key[RFL_CONF_KEY_BYTES];               /* path of the key, such as "queues.[3].owner"; "" none */
    char rule[256], remedy[160];                /* a failed route test names two queues and more */
};

/* Findings in the order met. All zero is empty; `count` may exceed RFL_CONF_FINDINGS_MAX: the rest was dropped. */
struct rfl_conf_report {
    uint32_t count;
    struct rfl_conf_finding finding[RFL_CONF_FINDINGS_MAX];
};

/* Adds one; texts are cut to fit. Any text may be NULL. */
void rfl_conf_report_add(struct rfl_conf_report *report, const char *file, int line, const char *key,
                         const char *rule, const char *remedy);
/* "file:line: key: rule; remedy", one a line. */
void rfl_conf_report_print(const struct rfl_conf_report *report, FILE *out);

/* ---- a file ---- */

struct rfl_conf_file;

/* Reads, parses and checks the frame of one file: readable, at most RFL_CONF_FILE_BYTES_MAX, no NUL, no @include, every
 * integer within 31 bits and sign, schema_version = 1, end_of_config = true as the last setting. RFL_E_INVALID: the
 * findings say why. RFL_E_IO: it cannot be read (reported as well). RFL_E_MEMORY. On success *out is the caller's, to
 * be given to rfl_conf_free. */
RFL_MUST_USE enum rfl_err rfl_conf_open(const char *path, struct rfl_conf_report *report, struct rfl_conf_file **out);
/* The same for text in memory; `name` stands for the file in findings. */
RFL_MUST_USE enum rfl_err rfl_conf_open_text(const char *name, struct rfl_view text, struct rfl_conf_report *report,
                                             struct rfl_conf_file **out);
void rfl_conf_free(struct rfl_conf_file **file);
const char *rfl_conf_name(const struct rfl_conf_file *file);
/* Borrowed from the file. */
struct config_setting_t *rfl_conf_root(struct rfl_conf_file *file);

/* ---- values ---- */

/* "500ms" "30s" "15m" "4h" "7d" -> ms. RFL_E_INVALID: not a plain decimal number and one unit, or it does not fit. */
RFL_MUST_USE enum rfl_err rfl_conf_parse_duration(const char *text, int64_t *ms);
/* "4096B" "64KiB" "64MiB" "1GiB" "2TiB" -> bytes. RFL_E_INVALID as above. */
RFL_MUST_USE enum rfl_err rfl_conf_parse_size(const char *text, int64_t *bytes);
/* "2wd" working days, "4wh" working hours, "30wm" working minutes, "20ws" working seconds -> ms of working time;
 * day_ms is one working day. RFL_E_INVALID as above. */
RFL_MUST_USE enum rfl_err rfl_conf_parse_work(const char *text, int64_t day_ms, int64_t *ms);
/* "2026-04-01" -> the date. RFL_E_INVALID: another shape, no such date, or before 1970; *date is unchanged. */
RFL_MUST_USE enum rfl_err rfl_conf_parse_date(const char *text, struct rfl_date *date);

/* ---- a table of options that fills a struct ---- */

/* One table drives parsing, checking, printing and the example file (STYLE rule 27). The field of the struct is:
 *   DUR    int64_t, ms          min, max, fallback are texts such as "30s"
 *   SIZE   int64_t, bytes       texts such as "64MiB"
 *   COUNT  int32_t              texts such as "10"; written in the file as a plain integer
 *   BOOL   bool                 fallback "true" or "false"; min, max NULL
 *   STRING char[RFL_CONF_STRING_BYTES]      min, max: least and most bytes as texts such as "1", "255"; NULL: 0, 255
 *   LIST   struct rfl_conf_list             min, max: least and most items; fallback: items parted by one space
 * fallback NULL: the option must be in the file. */
enum rfl_conf_kind { RFL_CONF_DUR, RFL_CONF_SIZE, RFL_CONF_COUNT, RFL_CONF_BOOL, RFL_CONF_STRING, RFL_CONF_LIST };

struct rfl_conf_list { uint32_t count; char item[RFL_CONF_LIST_MAX][RFL_CONF_STRING_BYTES]; };

struct rfl_conf_option {
    const char *key;                            /* "name", or "group.name" for one inside group = { ... }; */
    enum rfl_conf_kind kind;
    size_t offset;                              /* offsetof the field */
    const char *min, *max, *fallback;
    bool reload;                                /* may change without a restart */
    const char *help;                           /* one line for -T and the example file */
};

struct rfl_conf_table { const struct rfl_conf_option *options; uint32_t count; };

/* Where an effective value came from: line 0 is the fallback of the table. One per option. */
struct rfl_conf_origin { char file[RFL_CONF_NAME_BYTES]; int line; };

/* Sets every field to its fallback ("" or 0 where there is none) and every origin to "default". Asserts that every
 * fallback, min and max of the table can be read and that the fallback lies between them: our own mistake. origins may
 * be NULL here and below. */
void rfl_conf_defaults(const struct rfl_conf_table *table, void *values, struct rfl_conf_origin *origins);

/* Reads the file into values on top of what is there, checks it whole, and reports everything wrong: unknown key (with
 * a suggestion), wrong type, unit, range, missing option. RFL_E_INVALID: there were findings; values are then partly
 * set, so read into a fresh struct and swap it in only on RFL_E_OK. */
RFL_MUST_USE enum rfl_err rfl_conf_read(struct rfl_conf_file *file, const struct rfl_conf_table *table, void *values,
                                        struct rfl_conf_origin *origins, struct rfl_conf_report *report);

/* Prints "key = value;    # file:line, or default" for each option: valid configuration text, ready to be read again.
 * Strings are quoted and escaped. False when writing failed. */
bool rfl_conf_print(const struct rfl_conf_table *table, const void *values, const struct rfl_conf_origin *origins,
                    FILE *out);
/* Prints the commented example file of the table: help, range and default of each option, and the frame. */
bool rfl_conf_print_example(const struct rfl_conf_table *table, FILE *out);

/* The first option whose values differ although it may not change without a restart; NULL: a reload may go ahead. */
const struct rfl_conf_option *rfl_conf_reload_blocked(const struct rfl_conf_table *table, const void *before,
                                                      const void *after);

/* ---- the policy folder ---- */

/* Loads calendar.conf, clocks.conf, rules.conf, disclosure.conf, journey.conf, retention.conf, areas.conf,
 * jobcentres.conf, sources.conf and routes.d/<any name>.conf (in the order of their names) from the folder, compiles
 * and checks them, and sets the digest. All or nothing: on RFL_E_OK *out is the caller's, to be given to
 * rfl_conf_policy_free; on RFL_E_INVALID (a file that cannot be read is one reason) the report says everything that is
 * wrong and *out is untouched. RFL_E_MEMORY. The digest (BLAKE2b, 16 bytes) is over what the policy means, so comments,
 * layout and the order of areas, queues, sources and offices do not change it; the order of rules and places does. */
RFL_MUST_USE enum rfl_err rfl_conf_policy_load(const char *dir, struct rfl_policy **out,
                                               struct rfl_conf_report *report);
void rfl_conf_policy_free(struct rfl_policy **policy);

#endif
