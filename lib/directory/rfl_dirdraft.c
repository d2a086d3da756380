#include "rfl_dirdraft.h"

#include <stdlib.h>

enum rfl_err rfl__draft_refuse(struct rfl__draft *draft, const char *rule, uint32_t line)
{
    draft->report->fault.rule = rule;
    draft->report->fault.line = line;
    return RFL_E_INVALID;
}

enum rfl_err rfl__draft_csv_error(struct rfl__draft *draft, const struct rfl_csv *csv, enum rfl_err err)
{
    struct rfl_directory_fault *fault = &draft->report->fault;
    fault->sys_errno = err == RFL_E_IO ? csv->sys_errno : 0;
    fault->line = err == RFL_E_INVALID ? csv->line : 0;
    fault->rule = err == RFL_E_INVALID ? csv->rule : err == RFL_E_ABSENT ? "there is no such file"
                : err == RFL_E_MEMORY ? "out of memory" : "the file cannot be read";
    return err;
}

void rfl__draft_skip(struct rfl__draft *draft, enum rfl_directory_skip skip, uint32_t source, uint32_t line)
{
    uint64_t at = draft->report->skipped[skip].count++;
    if (at < RFL_DIRECTORY_SKIP_LINES) {
        draft->report->skipped[skip].first[at].file = source;
        draft->report->skipped[skip].first[at].line = line;
    }
}

static bool same_place(const struct rfl__draft_place *a, const struct rfl__draft_place *b)
{
    return a->country == b->country && memcmp(a->icb, b->icb, sizeof a->icb) == 0 &&
           memcmp(a->sub_icb, b->sub_icb, sizeof a->sub_icb) == 0;
}

enum rfl_err rfl__draft_place(struct rfl__draft *draft, const struct rfl__draft_place *place, uint16_t *index)
{
    uint32_t at = draft->place_last;
    if (at >= draft->place_count || !same_place(&draft->places[at], place)) {
        at = 0;
        while (at < draft->place_count && !same_place(&draft->places[at], place))
            at++;
    }
    if (at == RFL_DIR_PLACES_MAX) {
        draft->report->fault.rule = "the files name more than 4096 different areas";
        return RFL_E_FULL;
    }
    if (at == draft->place_count)
        draft->places[draft->place_count++] = *place;
    draft->place_last = (uint16_t)at;
    *index = (uint16_t)at;
    return RFL_E_OK;
}

enum rfl_err rfl__draft_grow(void **array, size_t count, size_t *room, size_t max, size_t each_bytes)
{
    if (count < *room)
        return RFL_E_OK;
    if (count == max)
        return RFL_E_FULL;
    size_t wanted = *room == 0 ? 4096 : *room * 2;
    void *larger = realloc(*array, wanted * each_bytes);
    if (larger == NULL)
        return RFL_E_MEMORY;
    *array = larger;
    *room = wanted;
    return RFL_E_OK;
}

void rfl__draft_progress(struct rfl__draft *draft, const struct rfl_csv *csv)
{
    if (draft->recipe->progress == NULL)
        return;
    struct rfl_directory_progress progress = {
        .file = draft->report->fault.file, .rows = draft->report->rows_read,
        .bytes = draft->bytes_before + csv->bytes, .bytes_total = draft->bytes_total,
    };
    draft->recipe->progress(draft->recipe->progress_arg, &progress);
}
