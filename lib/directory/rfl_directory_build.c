#include "rfl_directory_build.h"
#include "rfl_dirdraft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *rfl_directory_skip_text(enum rfl_directory_skip skip)
{
    static const char *const texts[RFL_DIRECTORY_SKIP_COUNT] = {
#define X(name, text) [RFL_DIRECTORY_SKIP_##name] = text,
        RFL_DIRECTORY_SKIP_LIST(X)
#undef X
    };
    assert((unsigned)skip < RFL_DIRECTORY_SKIP_COUNT);
    return texts[skip];
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static const char *source_path(const struct rfl_directory_recipe *r, size_t index)
{
    if (index < r->postcode_path_count)
        return r->postcode_paths[index];
    return r->practice_paths[index - r->postcode_path_count];
}

static size_t source_count(const struct rfl_directory_recipe *r)
{
    return r->postcode_path_count + r->practice_path_count;
}

static void name_fault(struct rfl_directory_report *report, const char *path)
{
    const char *name = file_name(path);
    memset(report->fault.file, 0, sizeof report->fault.file);
    memcpy(report->fault.file, name, strnlen(name, sizeof report->fault.file - 1));
}

/* What the recipe breaks, or NULL. */
static const char *broken_rule(const struct rfl_directory_recipe *r)
{
    size_t len = strnlen(r->label, RFL_DIRECTORY_LABEL_MAX + 1);
    if (len == 0 || len > RFL_DIRECTORY_LABEL_MAX)
        return "the label must have 1 to 31 characters";
    for (size_t i = 0; i < len; i++)
        if (r->label[i] < ' ' || r->label[i] > '~')
            return "the label must be printable ASCII";
    if (r->edition == 0)
        return "the edition number must be 1 to 65535";
    if (r->effective.year < 1972 || r->effective.year > 9999)
        return "the effective date must be a day of the years 1972 to 9999";
    if (!rfl_date_valid(r->effective))
        return "the effective date is not a day of the calendar";
    if (source_count(r) == 0 || source_count(r) > RFL_DIRECTORY_FILES_MAX)
        return "1 to 255 postcode and practice files are needed";
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct rfl__draft_postcode *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if ((x->ended == 0) != (y->ended == 0))
        return x->ended == 0 ? -1 : 1;
    if (x->ended != y->ended)
        return x->ended > y->ended ? -1 : 1;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static int by_code(const void *a, const void *b)
{
    const struct rfl__draft_practice *x = a, *y = b;
    int order = memcmp(x->code, y->code, sizeof x->code);
    if (order != 0)
        return order;
    if ((x->status == 'C') != (y->status == 'C'))
        return x->status == 'C' ? 1 : -1;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* The order puts the row to keep before its doubles. */
static void sort_and_count(struct rfl__draft *d)
{
    struct rfl_directory_report *report = d->report;
    size_t kept = 0;
    if (d->postcode_count > 0)
        qsort(d->postcodes, d->postcode_count, sizeof d->postcodes[0], by_key);
    for (size_t i = 0; i < d->postcode_count; i++) {
        const struct rfl__draft_postcode *row = &d->postcodes[i];
        if (kept > 0 && d->postcodes[kept - 1].key == row->key) {
            rfl__draft_skip(d, RFL_DIRECTORY_SKIP_POSTCODE_TWICE, row->source, row->line);
            continue;
        }
        report->postcodes_outside += d->places[row->place].country != 'E';
        report->postcodes_terminated += (row->flags & RFL_CLUE_TERMINATED) != 0;
        report->postcodes_large_user += (row->flags & RFL_CLUE_LARGE_USER) != 0;
        d->postcodes[kept++] = *row;
    }
    d->postcode_count = kept;
    kept = 0;
    if (d->practice_count > 0)
        qsort(d->practices, d->practice_count, sizeof d->practices[0], by_code);
    for (size_t i = 0; i < d->practice_count; i++) {
        const struct rfl__draft_practice *row = &d->practices[i];
        if (kept > 0 && memcmp(d->practices[kept - 1].code, row->code, sizeof row->code) == 0) {
            rfl__draft_skip(d, RFL_DIRECTORY_SKIP_PRACTICE_TWICE, row->source, row->line);
            continue;
        }
        bool english = d->places[row->place].country == 'E';
        report->practices_outside += !english;
        report->practices_closed += row->status == 'C';
        report->gp_practices_active += english && row->status == 'A' && (row->flags & RFL_DIR_GP_PRACTICE) != 0;
        d->practices[kept++] = *row;
    }
    d->practice_count = kept;
    report->postcodes = (uint32_t)d->postcode_count;
    report->practices = (uint32_t)d->practice_count;
    report->places = d->place_count;
}

static void put_entry(uint8_t *p, uint16_t place, uint8_t flags, uint8_t source, uint32_t line)
{
    rfl__put16(p, place);
    p[2] = flags;
    p[3] = source;
    rfl__put32(p + 4, line);
}

static void put_body(const struct rfl__draft *d, const struct rfl__dir_layout *at, uint8_t *image)
{
    for (size_t i = 0; i < d->place_count; i++) {
        uint8_t *p = image + at->places + i * RFL_DIR_PLACE_BYTES;
        memcpy(p, d->places[i].icb, RFL_CODE_BYTES);
        memcpy(p + 12, d->places[i].sub_icb, RFL_CODE_BYTES);
        p[24] = (uint8_t)d->places[i].country;
    }
    for (size_t i = 0; i < source_count(d->recipe); i++) {
        const char *name = file_name(source_path(d->recipe, i));
        uint8_t *p = image + at->sources + i * RFL_DIR_SOURCE_BYTES;
        size_t len = strnlen(name, RFL_DIR_SOURCE_BYTES - 1);
        for (size_t k = 0; k < len; k++)            /* the reader promises printable ASCII */
            p[k] = name[k] < ' ' || name[k] > '~' ? '?' : (uint8_t)name[k];
    }
    for (size_t i = 0; i < d->practice_count; i++) {
        const struct rfl__draft_practice *row = &d->practices[i];
        uint8_t *p = image + at->practices + i * RFL_DIR_PRACTICE_BYTES;
        memcpy(p, row->code, RFL_CODE_BYTES);
        put_entry(p + 12, row->place, row->flags, row->source, row->line);
        rfl__put32(p + 20, row->closed_on);
        p[24] = row->setting;
        p[25] = (uint8_t)row->status;
    }
    for (size_t i = 0; i < d->postcode_count; i++) {
        const struct rfl__draft_postcode *row = &d->postcodes[i];
        if (i % RFL_DIR_FENCE_EVERY == 0)
            rfl__put64(image + at->fences + i / RFL_DIR_FENCE_EVERY * RFL_DIR_KEY_BYTES, row->key);
        rfl__put64(image + at->keys + i * RFL_DIR_KEY_BYTES, row->key);
        put_entry(image + at->entries + i * RFL_DIR_ENTRY_BYTES, row->place, row->flags, row->source, row->line);
    }
}

/* Returns the whole file in memory, for the caller to free; NULL when there is not enough. */
static uint8_t *make_image(const struct rfl__draft *d, size_t *bytes)
{
    struct rfl__dir_header head = {
        .edition = d->recipe->edition, .effective = d->recipe->effective,
        .effective_ms = rfl_london_midnight_ms(d->recipe->effective), .place_count = d->place_count,
        .source_count = (uint32_t)source_count(d->recipe), .postcode_count = (uint32_t)d->postcode_count,
        .practice_count = (uint32_t)d->practice_count,
    };
    memcpy(head.label, d->recipe->label, strnlen(d->recipe->label, RFL_DIRECTORY_LABEL_MAX));
    struct rfl__dir_layout at = rfl__dir_layout_of(&head);
    uint8_t *image = calloc(1, at.file_bytes);
    if (image == NULL)
        return NULL;
    put_body(d, &at, image);
    head.body_checksum = rfl__dir_checksum(image + RFL_DIR_HEADER_BYTES, at.file_bytes - RFL_DIR_HEADER_BYTES);
    rfl__dir_header_write(&head, image);
    *bytes = at.file_bytes;
    return image;
}

static bool write_all(int fd, const uint8_t *p, size_t left)
{
    while (left > 0) {
        ssize_t done = write(fd, p, left);
        if (done == -1 && errno == EINTR)
            continue;
        if (done == -1)
            return false;
        p += done;
        left -= (size_t)done;
    }
    return true;
}

/* Syncs the folder that holds `path`, so that the rename itself survives a power cut. */
static bool sync_folder(const char *path)
{
    const char *name = file_name(path);
    char *folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
    if (folder == NULL)
        return false;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd == -1)
        return false;
    bool good = fsync(fd) == 0;
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return good;
}

/* Order is the design: the bytes are on disk before the name points at them, and the name before we say so. */
static enum rfl_err swap_in(const char *path, const uint8_t *image, size_t bytes, struct rfl_directory_fault *fault)
{
    char *temp = NULL;
    int fd = -1;
    enum rfl_err err = RFL_E_IO;
    if (asprintf(&temp, "%s.XXXXXX", path) == -1) {
        fault->rule = "out of memory";
        return RFL_E_MEMORY;
    }
    fault->rule = "a file cannot be made beside the output";
    fd = mkstemp(temp);
    if (fd == -1)
        goto out;
    fault->rule = "writing the output failed; the former file is untouched";
    if (fchmod(fd, 0644) == -1 || !write_all(fd, image, bytes) || fsync(fd) == -1 || rename(temp, path) == -1) {
        fault->sys_errno = errno;
        (void)unlink(temp);
        goto out;
    }
    fault->rule = "the new file is in place, but syncing its folder failed: it may be gone after a power cut";
    if (sync_folder(path)) {
        fault->rule = NULL;
        err = RFL_E_OK;
    }
out:
    if (err != RFL_E_OK && fault->sys_errno == 0)
        fault->sys_errno = errno;
    if (err != RFL_E_OK && fd == -1 && fault->sys_errno == ENOENT)
        err = RFL_E_ABSENT;
    if (fd != -1)
        (void)close(fd);        /* synced already */
    free(temp);
    return err;
}

static void sum_sizes(struct rfl__draft *d)
{
    for (size_t i = 0; i < source_count(d->recipe); i++) {
        struct stat st;
        if (stat(source_path(d->recipe, i), &st) == 0)      /* only for the progress shown; opening reports errors */
            d->bytes_total += (uint64_t)st.st_size;
    }
}

static enum rfl_err load_all(struct rfl__draft *d)
{
    enum rfl_err err = RFL_E_OK;
    sum_sizes(d);
    for (size_t i = 0; i < source_count(d->recipe) && err == RFL_E_OK; i++) {
        const char *path = source_path(d->recipe, i);
        d->source = (uint8_t)i;
        name_fault(d->report, path);
        err = i < d->recipe->postcode_path_count ? rfl__postcodes_load(d, path) : rfl__practices_load(d, path);
    }
    if (err == RFL_E_FULL && d->report->fault.rule == NULL)
        d->report->fault.rule = "the files have more rows than a directory holds";
    if (err == RFL_E_MEMORY && d->report->fault.rule == NULL)
        d->report->fault.rule = "out of memory";
    return err;
}

enum rfl_err rfl_directory_build(const struct rfl_directory_recipe *recipe, struct rfl_directory_report *report)
{
    memset(report, 0, sizeof *report);
    report->fault.rule = broken_rule(recipe);
    if (report->fault.rule != NULL)
        return RFL_E_INVALID;
    uint8_t *image = NULL;
    size_t bytes = 0;
    enum rfl_err err = RFL_E_MEMORY;
    struct rfl__draft *draft = calloc(1, sizeof *draft);
    report->fault.rule = "out of memory";
    if (draft == NULL)
        goto out;
    draft->recipe = recipe;
    draft->report = report;
    report->fault.rule = NULL;
    err = load_all(draft);
    if (err != RFL_E_OK)
        goto out;
    sort_and_count(draft);
    name_fault(report, recipe->out_path);
    image = make_image(draft, &bytes);
    if (image == NULL) {
        err = RFL_E_MEMORY;
        report->fault.rule = "out of memory";
        goto out;
    }
    err = swap_in(recipe->out_path, image, bytes, &report->fault);
    report->file_bytes = err == RFL_E_OK ? bytes : 0;
    if (err == RFL_E_OK)
        memset(&report->fault, 0, sizeof report->fault);
out:
    if (draft != NULL) {
        free(draft->postcodes);
        free(draft->practices);
    }
    free(image);
    free(draft);
    return err;
}
