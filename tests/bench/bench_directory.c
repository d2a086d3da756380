/* bench_directory: how long a directory takes to build, open and ask, beside reading the same bytes with nothing done.
 *
 *   bench_directory POSTCODES.csv OUT.rfldir       (POSTCODES.csv from gen_postcodes)
 *
 * Prints figures and never fails on them. Exit 70 when the build, the opening or a lookup of a known postcode fails. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rfl_directory_build.h"

enum { LOOKUPS = 4000000, SAMPLE_MAX = 1 << 20 };

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One read of the file, so that the build does not pay for a cold page cache, and what reading alone costs. */
static double read_only_s(const char *path)
{
    static uint8_t buffer[1 << 20];
    double start_s = now_s();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t bytes = 0;
    for (ssize_t got = 1; fd != -1 && got > 0; bytes += (uint64_t)(got > 0 ? got : 0))
        got = read(fd, buffer, sizeof buffer);
    if (fd != -1)
        (void)close(fd);
    printf("input         %10.1f MB\n", (double)bytes / 1e6);
    return now_s() - start_s;
}

/* Keys of the file's own postcodes, spread over it: third column of gen_postcodes' files. */
static size_t sample_keys(const char *path, uint64_t *keys)
{
    char line[2048];
    size_t count = 0;
    FILE *f = fopen(path, "r");
    for (uint64_t n = 0; f != NULL && count < SAMPLE_MAX && fgets(line, sizeof line, f) != NULL; n++) {
        struct rfl_postcode postcode;
        struct rfl_view text = { (const uint8_t *)line + 1, 7 };
        if (n % 3 == 1 && rfl_ident_postcode(text, &postcode) == RFL_GRADE_OK)
            keys[count++] = postcode.key;
    }
    if (f != NULL)
        (void)fclose(f);
    return count;
}

static int time_lookups(const struct rfl_directory *directory, const uint64_t *keys, size_t count)
{
    uint64_t x = 1, found = 0;
    double start_s = now_s();
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        struct rfl_clue clue;
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        rfl_directory_postcode(directory, keys[(x >> 33) % count], &clue);
        found += clue.grade != RFL_GRADE_UNKNOWN;
    }
    double each_ns = (now_s() - start_s) / LOOKUPS * 1e9;
    printf("lookup        %10.0f ns each, %d random postcodes out of %zu, all found: %s\n", each_ns, LOOKUPS, count,
           found == LOOKUPS ? "yes" : "no");
    return found == LOOKUPS ? 0 : 70;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fputs("usage: bench_directory POSTCODES.csv OUT.rfldir\n", stderr);
        return 64;
    }
    const char *input = argv[1];
    struct rfl_directory_recipe recipe = { .out_path = argv[2], .label = "bench", .edition = 1,
                                           .effective = { 2026, 4, 1 }, .postcode_paths = &input,
                                           .postcode_path_count = 1 };
    struct rfl_directory_report report;
    struct rfl_directory *directory = NULL;
    (void)read_only_s(input);
    double read_s = read_only_s(input), start_s = now_s();
    if (rfl_directory_build(&recipe, &report) != RFL_E_OK) {
        (void)fprintf(stderr, "%s line %" PRIu32 ": %s\n", report.fault.file, report.fault.line, report.fault.rule);
        return 70;
    }
    printf("read only     %10.2f s\nbuild         %10.2f s  %" PRIu64 " rows, file %.1f MB\n", read_s,
           now_s() - start_s, report.rows_read, (double)report.file_bytes / 1e6);
    start_s = now_s();
    if (rfl_directory_open(argv[2], &directory, NULL) != RFL_E_OK)
        return 70;
    printf("open, checked %10.2f ms\n", (now_s() - start_s) * 1e3);
    int code = 70;
    uint64_t *keys = malloc(SAMPLE_MAX * sizeof *keys);
    if (keys != NULL) {
        size_t count = sample_keys(input, keys);
        code = count == 0 ? 70 : time_lookups(directory, keys, count);
    }
    free(keys);
    rfl_directory_close(&directory);
    return code;
}
