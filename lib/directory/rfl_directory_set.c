#include "rfl_directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct rfl_directory_set {
    uint32_t count;
    struct rfl_directory *item[RFL_DIRECTORY_SET_MAX];
};

static bool is_directory_name(const char *name)
{
    static const char suffix[] = RFL_DIRECTORY_SUFFIX;
    size_t len = strlen(name), suffix_len = sizeof suffix - 1;
    return name[0] != '.' && len > suffix_len && memcmp(name + len - suffix_len, suffix, suffix_len) == 0;
}

static bool comes_before(const struct rfl_directory *a, const struct rfl_directory *b)
{
    int64_t a_ms = rfl_directory_effective_ms(a), b_ms = rfl_directory_effective_ms(b);
    return a_ms != b_ms ? a_ms < b_ms : rfl_directory_edition(a) < rfl_directory_edition(b);
}

static void insert(struct rfl_directory_set *set, struct rfl_directory *directory)
{
    uint32_t at = set->count++;
    for (; at > 0 && comes_before(directory, set->item[at - 1]); at--)
        set->item[at] = set->item[at - 1];
    set->item[at] = directory;
}

static enum rfl_err add(struct rfl_directory_set *set, const char *folder, const char *name,
                        struct rfl_directory_fault *fault)
{
    struct rfl_directory *directory = NULL;
    char *path = NULL;
    if (set->count == RFL_DIRECTORY_SET_MAX) {
        *fault = (struct rfl_directory_fault){ .rule = "the folder has more than 64 directories; remove old ones" };
        return RFL_E_FULL;
    }
    if (asprintf(&path, "%s/%s", folder, name) == -1) {
        *fault = (struct rfl_directory_fault){ .rule = "out of memory" };
        return RFL_E_MEMORY;
    }
    enum rfl_err err = rfl_directory_open(path, &directory, fault);
    free(path);
    if (err == RFL_E_OK)
        insert(set, directory);
    return err;
}

static enum rfl_err add_all(DIR *dir, struct rfl_directory_set *set, const char *folder,
                            struct rfl_directory_fault *fault)
{
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0) {
            *fault = (struct rfl_directory_fault){ .rule = "the folder cannot be read", .sys_errno = errno };
            return RFL_E_IO;
        }
        if (entry == NULL)
            return RFL_E_OK;
        if (is_directory_name(entry->d_name))
            err = add(set, folder, entry->d_name, fault);
    }
    return err;
}

enum rfl_err rfl_directory_set_open(const char *folder, struct rfl_directory_set **out,
                                    struct rfl_directory_fault *fault)
{
    struct rfl_directory_fault unwanted;
    if (fault == NULL)
        fault = &unwanted;
    memset(fault, 0, sizeof *fault);
    *out = NULL;
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        fault->sys_errno = errno;
        fault->rule = "the folder of directories cannot be opened";
        return errno == ENOENT ? RFL_E_ABSENT : RFL_E_IO;
    }
    enum rfl_err err = RFL_E_MEMORY;
    struct rfl_directory_set *set = calloc(1, sizeof *set);
    if (set == NULL) {
        fault->rule = "out of memory";
        goto out;
    }
    err = add_all(dir, set, folder, fault);
    if (err != RFL_E_OK)
        goto out;
    *out = set;
    set = NULL;
out:
    rfl_directory_set_close(&set);
    (void)closedir(dir);
    return err;
}

void rfl_directory_set_close(struct rfl_directory_set **set)
{
    if (*set == NULL)
        return;
    for (uint32_t i = 0; i < (*set)->count; i++)
        rfl_directory_close(&(*set)->item[i]);
    free(*set);
    *set = NULL;
}

uint32_t rfl_directory_set_count(const struct rfl_directory_set *set) { return set->count; }

const struct rfl_directory *rfl_directory_set_get(const struct rfl_directory_set *set, uint32_t index)
{
    assert(index < set->count);
    return set->item[index];
}

const struct rfl_directory *rfl_directory_set_at(const struct rfl_directory_set *set, int64_t at_ms)
{
    const struct rfl_directory *last = NULL;
    for (uint32_t i = 0; set != NULL && i < set->count; i++)
        if (rfl_directory_effective_ms(set->item[i]) <= at_ms)
            last = set->item[i];
    return last;
}

int64_t rfl_directory_set_next_ms(const struct rfl_directory_set *set, int64_t at_ms)
{
    for (uint32_t i = 0; set != NULL && i < set->count; i++)
        if (rfl_directory_effective_ms(set->item[i]) > at_ms)
            return rfl_directory_effective_ms(set->item[i]);
    return INT64_MAX;
}
