/* rfl_directory_build.h: compiles published files into a dated, read-only directory.
 *
 * Postcode files are ONSPD or NSPL of any edition: columns are found by name, whatever the year in it (icb, icb23cd,
 * icb26cd) and wherever it stands. Practice files are epraccur: 27 columns by position, no header. Only codes that
 * begin with E54 and E38 count as ICB and sub-ICB; rows of Scotland, Wales, Northern Ireland and the islands are kept
 * with their country alone, so that a lookup can say "outside England" and not "unknown". Terminated postcodes keep
 * their last place and are flagged. Of a postcode listed twice the live row is kept, else the one that ended last,
 * else the first. Of a practice listed twice the one that is not closed, else the first.
 *
 * The output is written beside its final name, synced, and renamed over it, so a reader sees the old file or the new
 * one and never a part. The same inputs, label, number and date give the same bytes. Nothing of a row is ever put into
 * a message: reports name files, lines and rules. Uses about 70 bytes of memory a row. */
#ifndef RFL_DIRECTORY_BUILD_H
#define RFL_DIRECTORY_BUILD_H

#include "rfl_directory.h"

/* Why a row was left out. A row left out never fails a build; a damaged file does. */
#define RFL_DIRECTORY_SKIP_LIST(X) \
    X(POSTCODE_SHAPE, "the postcode is not of the published shape") \
    X(POSTCODE_ICB, "in England by its country, but without an English ICB code") \
    X(POSTCODE_COUNTRY, "the country and the ICB column contradict each other, or neither is known") \
    X(POSTCODE_TWICE, "the postcode is listed twice; the live or later row was kept") \
    X(PRACTICE_CODE, "the practice code is not an ODS code of 3 to 11 characters") \
    X(PRACTICE_ICB, "the practice has no ICB and is not outside England") \
    X(PRACTICE_TWICE, "the practice is listed twice; the open or earlier row was kept")
enum rfl_directory_skip {
#define X(name, text) RFL_DIRECTORY_SKIP_##name,
    RFL_DIRECTORY_SKIP_LIST(X)
#undef X
    RFL_DIRECTORY_SKIP_COUNT
};
const char *rfl_directory_skip_text(enum rfl_directory_skip skip);

enum { RFL_DIRECTORY_SKIP_LINES = 5, RFL_DIRECTORY_LABEL_MAX = 31, RFL_DIRECTORY_FILES_MAX = 255 };

/* Called now and then while rows are read. Must not keep `file`. */
struct rfl_directory_progress {
    const char *file;                           /* name without folders */
    uint64_t rows, bytes, bytes_total;          /* over all files */
};

struct rfl_directory_recipe {
    const char *out_path;
    const char *label;                          /* 1 to RFL_DIRECTORY_LABEL_MAX printable ASCII characters */
    uint16_t edition;                           /* 1 to 65535, larger for later ones */
    struct rfl_date effective;                  /* in force from 00:00 in England, years 1972 to 9999 */
    const char *const *postcode_paths;
    size_t postcode_path_count;
    const char *const *practice_paths;
    size_t practice_path_count;                 /* both together 1 to RFL_DIRECTORY_FILES_MAX */
    void (*progress)(void *arg, const struct rfl_directory_progress *progress);     /* may be NULL */
    void *progress_arg;
};

struct rfl_directory_report {
    uint64_t rows_read;                         /* without headers; rows_read = postcodes + practices + all skipped */
    uint32_t postcodes, postcodes_outside, postcodes_terminated, postcodes_large_user;
    uint32_t practices, practices_outside, practices_closed;
    uint32_t gp_practices_active;               /* setting 4, status A, in England */
    uint32_t places;                            /* different (ICB, sub-ICB, country) */
    uint64_t file_bytes;                        /* of the compiled file */
    struct {
        uint64_t count;
        struct { uint32_t file, line; } first[RFL_DIRECTORY_SKIP_LINES];    /* file: postcode files, then practices */
    } skipped[RFL_DIRECTORY_SKIP_COUNT];
    struct rfl_directory_fault fault;           /* why it failed */
};

/* Builds recipe->out_path. *report is filled as far as it came, also after an error; the former file at out_path, if
 * any, is then untouched.
 *
 * RFL_E_INVALID   the recipe breaks a limit; or a file is damaged (a line the CSV reader refuses, a row with another
 *                 number of columns), lacks a column (the rule names it), or has no row that can be used
 * RFL_E_ABSENT    an input or the folder of the output does not exist
 * RFL_E_FULL      more postcodes, practices or places than the format holds
 * RFL_E_IO        reading, writing, syncing or renaming failed: report->fault.sys_errno
 * RFL_E_MEMORY */
RFL_MUST_USE enum rfl_err rfl_directory_build(const struct rfl_directory_recipe *recipe,
                                              struct rfl_directory_report *report);

#endif
