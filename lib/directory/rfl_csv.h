/* rfl_csv.h: reads a published CSV file row by row, strictly and fast.
 *
 * RFC 4180 with one rule more: a quoted field ends on the line it began on. None of the files this program reads has
 * a line break inside a field, and a file cut in the middle or with a stray quote would otherwise swallow rows in
 * silence.
 * Lines end with LF or CRLF; the last one may end with the file. Blank lines are passed over and counted as lines. A
 * byte order mark at the start is passed over. Bytes above 127 are passed on as they are.
 *
 * The file is read through one buffer of a megabyte; memory does not grow with the file. */
#ifndef RFL_CSV_H
#define RFL_CSV_H

#include "rfl_base.h"

enum { RFL_CSV_FIELDS_MAX = 128, RFL_CSV_LINE_BYTES_MAX = 32768 };

struct rfl_csv {
    struct rfl_view field[RFL_CSV_FIELDS_MAX];      /* the present row; borrowed until the next call */
    size_t field_count;                             /* 0 when the file is at its end */
    uint32_t line;                                  /* of the present row; the first line is 1 */
    uint64_t bytes;                                 /* of the file, up to the end of the present row */
    const char *rule;                               /* which rule the file broke at `line`; NULL while it broke none */
    int sys_errno;                                  /* after RFL_E_IO */
    /* private */
    uint8_t *buf;
    size_t start, end;
    int fd;
    bool at_end;
};

/* Opens `path` for reading. rfl_csv_fini must follow, also after an error. RFL_E_ABSENT: no such file;
 * RFL_E_IO, with sys_errno; RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl_csv_init(struct rfl_csv *csv, const char *path);

/* Moves on to the next row, or to the end. RFL_E_INVALID: the file is damaged at csv->line, and csv->rule says how: a
 * zero byte, a line above RFL_CSV_LINE_BYTES_MAX, a quote that is not closed, anything but a comma after a closing
 * quote, a quote inside an unquoted field, or too many fields. RFL_E_IO with sys_errno. After an error only fini. */
RFL_MUST_USE enum rfl_err rfl_csv_next(struct rfl_csv *csv);

void rfl_csv_fini(struct rfl_csv *csv);

#endif
