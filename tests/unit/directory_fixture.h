/* directory_fixture.h: a folder of its own for each test, and files written from strings. */
#ifndef DIRECTORY_FIXTURE_H
#define DIRECTORY_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rfl_directory_build.h"

static char folder[64];

/* Paths are made in turn in eight buffers, so a call may use several. */
static inline const char *in_folder(const char *name)
{
    static char paths[8][384];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline int make_folder(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/rfl_dir_XXXXXX", base == NULL ? "/tmp" : base);
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static inline unsigned count_files(void)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
        count += e->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static inline int drop_folder(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (const struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(in_folder(e->d_name)) == -1)
            (void)rmdir(in_folder(e->d_name));
    if (dir != NULL)
        (void)closedir(dir);
    return rmdir(folder);
}

static inline void put_bytes(const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* The file as bytes, for the caller to free. */
static inline uint8_t *get_bytes(const char *name, size_t *len)
{
    FILE *f = fopen(in_folder(name), "r");
    assert_non_null(f);
    uint8_t *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    *len = fread(bytes, 1, 1 << 20, f);
    assert_int_equal(fclose(f), 0);
    return bytes;
}

/* One postcode file and one practice file (either may be NULL) to "out.rfldir". */
static inline enum rfl_err build(const char *postcodes, const char *practices, struct rfl_directory_report *report)
{
    struct rfl_directory_recipe recipe = {
        .out_path = in_folder("out.rfldir"), .label = "invented", .edition = 7, .effective = { 2026, 4, 1 },
        .postcode_paths = &postcodes, .postcode_path_count = postcodes != NULL,
        .practice_paths = &practices, .practice_path_count = practices != NULL,
    };
    return rfl_directory_build(&recipe, report);
}

static inline struct rfl_clue ask_postcode(const struct rfl_directory *d, const char *text)
{
    struct rfl_postcode postcode;
    struct rfl_clue clue;
    struct rfl_view view = { (const uint8_t *)text, strlen(text) };
    assert_int_equal(rfl_ident_postcode(view, &postcode), RFL_GRADE_OK);
    memset(&clue, 0xee, sizeof clue);
    rfl_directory_postcode(d, postcode.key, &clue);
    return clue;
}

static inline struct rfl_clue ask_practice(const struct rfl_directory *d, const char *text)
{
    struct rfl_clue clue;
    memset(&clue, 0xee, sizeof clue);
    rfl_directory_practice(d, (struct rfl_view){ (const uint8_t *)text, strlen(text) }, &clue);
    return clue;
}

static inline uint64_t skipped_total(const struct rfl_directory_report *report)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < RFL_DIRECTORY_SKIP_COUNT; i++)
        total += report->skipped[i].count;
    return total;
}

/* Every row is accounted for, whatever happened. */
static inline void assert_adds_up(const struct rfl_directory_report *report)
{
    assert_int_equal(report->rows_read, report->postcodes + report->practices + skipped_total(report));
}

#endif
