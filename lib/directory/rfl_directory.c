#include "rfl_directory.h"
#include "rfl_dirfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLACE_ICB = 0, PLACE_SUB_ICB = 12, PLACE_COUNTRY = 24 };
enum { ENTRY_PLACE = 0, ENTRY_FLAGS = 2, ENTRY_SOURCE = 3, ENTRY_LINE = 4 };
enum { PRACTICE_ENTRY = 12, PRACTICE_CLOSED_ON = 20, PRACTICE_SETTING = 24, PRACTICE_STATUS = 25 };
enum { CLUE_FLAGS = RFL_CLUE_TERMINATED | RFL_CLUE_LARGE_USER | RFL_CLUE_CLOSED_PRACTICE };

struct rfl_directory {
    struct rfl__dir_header head;
    struct rfl__dir_layout at;
    const uint8_t *map;
};

static bool text_in(const uint8_t *p, size_t bytes)
{
    const uint8_t *end = memchr(p, '\0', bytes);
    if (end == NULL)
        return false;
    for (const uint8_t *c = p; c < end; c++)
        if (*c < ' ' || *c > '~')
            return false;
    return true;
}

static bool entry_in_bounds(const struct rfl_directory *d, const uint8_t *entry)
{
    return rfl__get16(entry + ENTRY_PLACE) < d->head.place_count && entry[ENTRY_SOURCE] < d->head.source_count;
}

static bool tables_hold(const struct rfl_directory *d)
{
    for (uint32_t i = 0; i < d->head.place_count; i++) {
        const uint8_t *place = d->map + d->at.places + (uint64_t)i * RFL_DIR_PLACE_BYTES;
        if (!text_in(place + PLACE_ICB, RFL_CODE_BYTES) || !text_in(place + PLACE_SUB_ICB, RFL_CODE_BYTES) ||
            memchr("EWSNI", place[PLACE_COUNTRY], 5) == NULL)
            return false;
    }
    for (uint32_t i = 0; i < d->head.source_count; i++)
        if (!text_in(d->map + d->at.sources + (uint64_t)i * RFL_DIR_SOURCE_BYTES, RFL_DIR_SOURCE_BYTES))
            return false;
    const uint8_t *before = NULL;
    for (uint32_t i = 0; i < d->head.practice_count; i++) {
        const uint8_t *practice = d->map + d->at.practices + (uint64_t)i * RFL_DIR_PRACTICE_BYTES;
        if ((before != NULL && memcmp(before, practice, RFL_CODE_BYTES) >= 0) ||
            !entry_in_bounds(d, practice + PRACTICE_ENTRY))
            return false;
        before = practice;
    }
    return true;
}

static bool postcodes_hold(const struct rfl_directory *d)
{
    const uint8_t *keys = d->map + d->at.keys, *entries = d->map + d->at.entries, *fences = d->map + d->at.fences;
    uint64_t before = 0;
    bool good = true;
    for (uint32_t i = 0; i < d->head.postcode_count; i++) {
        uint64_t key = rfl__get64(keys + (uint64_t)i * RFL_DIR_KEY_BYTES);
        good = good && key > before && entry_in_bounds(d, entries + (uint64_t)i * RFL_DIR_ENTRY_BYTES);
        if (i % RFL_DIR_FENCE_EVERY == 0)
            good = good && rfl__get64(fences + i / RFL_DIR_FENCE_EVERY * RFL_DIR_KEY_BYTES) == key;
        before = key;
    }
    return good;
}

static enum rfl_err check(struct rfl_directory *d, const char **rule)
{
    uint64_t body_bytes = d->at.file_bytes - RFL_DIR_HEADER_BYTES;
    *rule = "the bytes of the directory are damaged: its checksum does not fit; build it again";
    if (rfl__dir_checksum(d->map + RFL_DIR_HEADER_BYTES, body_bytes) != d->head.body_checksum)
        return RFL_E_CORRUPT;
    *rule = "the tables of the directory contradict each other; build it again";
    if (!tables_hold(d) || !postcodes_hold(d) || !text_in((const uint8_t *)d->head.label, RFL_DIR_LABEL_BYTES))
        return RFL_E_CORRUPT;
    *rule = NULL;
    return RFL_E_OK;
}

static void name_file(struct rfl_directory_fault *fault, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t len = strnlen(name, RFL_DIRECTORY_NAME_BYTES - 1);
    memset(fault, 0, sizeof *fault);
    memcpy(fault->file, name, len);
}

static enum rfl_err system_error(struct rfl_directory_fault *fault, const char *rule)
{
    fault->sys_errno = errno;
    fault->rule = errno == ENOENT ? "there is no such file" : rule;
    return errno == ENOENT ? RFL_E_ABSENT : RFL_E_IO;
}

/* Maps `fd` into d. The caller unmaps whatever d->map holds, also after an error. */
static enum rfl_err map_file(int fd, struct rfl_directory *d, struct rfl_directory_fault *fault)
{
    struct stat st;
    if (fstat(fd, &st) == -1)
        return system_error(fault, "the file cannot be examined");
    if (!S_ISREG(st.st_mode) || st.st_size < RFL_DIR_HEADER_BYTES) {
        fault->rule = "this is not a compiled directory";
        return RFL_E_CORRUPT;
    }
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return system_error(fault, "the file cannot be mapped");
    d->map = map;
    d->at.file_bytes = (uint64_t)st.st_size;
    enum rfl_err err = rfl__dir_header_read(d->map, d->at.file_bytes, &d->head, &fault->rule);
    if (err != RFL_E_OK)
        return err;
    d->at = rfl__dir_layout_of(&d->head);
    return check(d, &fault->rule);
}

enum rfl_err rfl_directory_open(const char *path, struct rfl_directory **out, struct rfl_directory_fault *fault)
{
    struct rfl_directory_fault unwanted;
    if (fault == NULL)
        fault = &unwanted;
    name_file(fault, path);
    *out = NULL;
    struct rfl_directory *d = NULL;
    enum rfl_err err;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return system_error(fault, "the file cannot be opened");
    d = calloc(1, sizeof *d);
    if (d == NULL) {
        err = RFL_E_MEMORY;
        fault->rule = "out of memory";
        goto out;
    }
    err = map_file(fd, d, fault);
    if (err != RFL_E_OK)
        goto out;
    *out = d;
    d = NULL;
out:
    rfl_directory_close(&d);
    (void)close(fd);            /* the mapping stays */
    return err;
}

void rfl_directory_close(struct rfl_directory **directory)
{
    struct rfl_directory *d = *directory;
    if (d == NULL)
        return;
    if (d->map != NULL) {
        union { const uint8_t *map; void *unmap; } p = { .map = d->map };
        int rc = munmap(p.unmap, (size_t)d->at.file_bytes);
        assert(rc == 0);
    }
    free(d);
    *directory = NULL;
}

const char *rfl_directory_label(const struct rfl_directory *d) { return d->head.label; }
uint16_t rfl_directory_edition(const struct rfl_directory *d) { return d->head.edition; }
struct rfl_date rfl_directory_effective(const struct rfl_directory *d) { return d->head.effective; }
int64_t rfl_directory_effective_ms(const struct rfl_directory *d) { return d->head.effective_ms; }
uint32_t rfl_directory_postcode_count(const struct rfl_directory *d) { return d->head.postcode_count; }
uint32_t rfl_directory_practice_count(const struct rfl_directory *d) { return d->head.practice_count; }

const char *rfl_directory_source(const struct rfl_directory *d, uint32_t index)
{
    if (index >= d->head.source_count)
        return NULL;
    return (const char *)(d->map + d->at.sources + (uint64_t)index * RFL_DIR_SOURCE_BYTES);
}

/* The last index below `count` whose key is not above `key`; `count` must not be 0 and keys[0] not above it. The branch
 * depends on nothing that can be predicted, so the loop has none: it halves `count` and adds or not. */
static uint32_t last_not_above(const uint8_t *keys, uint32_t count, uint64_t key)
{
    uint32_t base = 0;
    while (count > 1) {
        uint32_t half = count / 2;
        base += rfl__get64(keys + (uint64_t)(base + half) * RFL_DIR_KEY_BYTES) <= key ? half : 0;
        count -= half;
    }
    return base;
}

/* Two levels: the fences, one key in 64, are a third of a megabyte for the whole country and stay in the processor's
 * cache; below them eight cache lines are searched. */
static const uint8_t *find_postcode(const struct rfl_directory *d, uint64_t key)
{
    uint32_t count = d->head.postcode_count;
    const uint8_t *fences = d->map + d->at.fences, *keys = d->map + d->at.keys;
    if (count == 0 || key < rfl__get64(keys))
        return NULL;
    uint32_t fence_count = (count + RFL_DIR_FENCE_EVERY - 1) / RFL_DIR_FENCE_EVERY;
    uint32_t first = last_not_above(fences, fence_count, key) * RFL_DIR_FENCE_EVERY;
    uint32_t left = count - first < RFL_DIR_FENCE_EVERY ? count - first : RFL_DIR_FENCE_EVERY;
    uint32_t found = first + last_not_above(keys + (uint64_t)first * RFL_DIR_KEY_BYTES, left, key);
    if (rfl__get64(keys + (uint64_t)found * RFL_DIR_KEY_BYTES) != key)
        return NULL;
    return d->map + d->at.entries + (uint64_t)found * RFL_DIR_ENTRY_BYTES;
}

static const uint8_t *find_practice(const struct rfl_directory *d, struct rfl_view text)
{
    char code[RFL_ODS_BYTES];
    if (rfl_ident_ods(text, code) != RFL_GRADE_OK || code[RFL_CODE_BYTES - 1] != '\0')
        return NULL;
    uint32_t low = 0, high = d->head.practice_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint8_t *practice = d->map + d->at.practices + (uint64_t)middle * RFL_DIR_PRACTICE_BYTES;
        int order = memcmp(practice, code, RFL_CODE_BYTES);
        if (order == 0)
            return practice;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void fill_clue(const struct rfl_directory *d, const uint8_t *entry, struct rfl_clue *out)
{
    memset(out, 0, sizeof *out);
    out->grade = RFL_GRADE_UNKNOWN;
    out->edition = d->head.edition;
    if (entry == NULL)
        return;
    const uint8_t *place = d->map + d->at.places + (uint64_t)rfl__get16(entry + ENTRY_PLACE) * RFL_DIR_PLACE_BYTES;
    memcpy(out->icb, place + PLACE_ICB, RFL_CODE_BYTES);
    memcpy(out->sub_icb, place + PLACE_SUB_ICB, RFL_CODE_BYTES);
    out->country = (char)place[PLACE_COUNTRY];
    out->grade = out->country == 'E' ? RFL_GRADE_OK : RFL_GRADE_OUTSIDE;
    out->flags = entry[ENTRY_FLAGS] & CLUE_FLAGS;
    out->line = rfl__get32(entry + ENTRY_LINE);
}

static void no_directory(struct rfl_clue *out)
{
    memset(out, 0, sizeof *out);
    out->grade = RFL_GRADE_UNKNOWN;
}

void rfl_directory_postcode(const struct rfl_directory *d, uint64_t key, struct rfl_clue *out)
{
    if (d == NULL)
        no_directory(out);
    else
        fill_clue(d, find_postcode(d, key), out);
}

void rfl_directory_practice(const struct rfl_directory *d, struct rfl_view code, struct rfl_clue *out)
{
    if (d == NULL) {
        no_directory(out);
        return;
    }
    const uint8_t *practice = find_practice(d, code);
    fill_clue(d, practice == NULL ? NULL : practice + PRACTICE_ENTRY, out);
}

bool rfl_directory_postcode_detail(const struct rfl_directory *d, uint64_t key, struct rfl_directory_detail *out)
{
    memset(out, 0, sizeof *out);
    const uint8_t *entry = d == NULL ? NULL : find_postcode(d, key);
    if (entry == NULL)
        return false;
    out->source = entry[ENTRY_SOURCE];
    out->setting = UINT8_MAX;
    return true;
}

bool rfl_directory_practice_detail(const struct rfl_directory *d, struct rfl_view code,
                                   struct rfl_directory_detail *out)
{
    memset(out, 0, sizeof *out);
    const uint8_t *practice = d == NULL ? NULL : find_practice(d, code);
    if (practice == NULL)
        return false;
    *out = (struct rfl_directory_detail){
        .source = practice[PRACTICE_ENTRY + ENTRY_SOURCE], .closed_on = rfl__get32(practice + PRACTICE_CLOSED_ON),
        .setting = practice[PRACTICE_SETTING], .status = (char)practice[PRACTICE_STATUS],
    };
    return true;
}

bool rfl_directory_sub_icb(const struct rfl_directory *d, const char sub_icb[RFL_CODE_BYTES], char icb[RFL_CODE_BYTES])
{
    for (uint32_t i = 0; sub_icb[0] != '\0' && i < d->head.place_count; i++) {
        const uint8_t *place = d->map + d->at.places + (uint64_t)i * RFL_DIR_PLACE_BYTES;
        if (memcmp(place + PLACE_SUB_ICB, sub_icb, RFL_CODE_BYTES) == 0) {
            memcpy(icb, place + PLACE_ICB, RFL_CODE_BYTES);
            return true;
        }
    }
    return false;
}
