/* rfl_dirdraft.h: what the loaders fill and the builder sorts and writes. Internal to lib/directory. */
#ifndef RFL_DIRDRAFT_H
#define RFL_DIRDRAFT_H

#include "rfl_csv.h"
#include "rfl_directory_build.h"
#include "rfl_dirfile.h"

struct rfl__draft_place { char icb[RFL_CODE_BYTES], sub_icb[RFL_CODE_BYTES], country; };

struct rfl__draft_postcode {
    uint64_t key;
    uint32_t line;
    uint32_t ended;                     /* YYYYMM, 0 while live */
    uint16_t place;
    uint8_t flags, source;
};

struct rfl__draft_practice {
    char code[RFL_CODE_BYTES];
    uint32_t line, closed_on;           /* YYYYMMDD, 0 when none is given */
    uint16_t place;
    uint8_t flags, source, setting;
    char status;
};

struct rfl__draft {
    const struct rfl_directory_recipe *recipe;
    struct rfl_directory_report *report;
    uint64_t bytes_before, bytes_total;             /* of the files already read; of all */
    uint8_t source;                                 /* the file being read */
    uint16_t place_last;                            /* neighbours share a place: tried first */
    uint32_t place_count;
    size_t postcode_count, postcode_room, practice_count, practice_room;
    struct rfl__draft_postcode *postcodes;
    struct rfl__draft_practice *practices;
    struct rfl__draft_place places[RFL_DIR_PLACES_MAX];
};

/* Both read one file into the draft, count in the report and fill report->fault (without its file) on an error. */
RFL_MUST_USE enum rfl_err rfl__postcodes_load(struct rfl__draft *draft, const char *path);
RFL_MUST_USE enum rfl_err rfl__practices_load(struct rfl__draft *draft, const char *path);

/* Helpers of the loaders. */
RFL_MUST_USE enum rfl_err rfl__draft_refuse(struct rfl__draft *draft, const char *rule, uint32_t line);
/* Passes on an error of the CSV reader with its line, rule and errno. */
RFL_MUST_USE enum rfl_err rfl__draft_csv_error(struct rfl__draft *draft, const struct rfl_csv *csv, enum rfl_err err);
void rfl__draft_skip(struct rfl__draft *draft, enum rfl_directory_skip skip, uint32_t source, uint32_t line);
/* The index of the place, added if new. RFL_E_FULL above RFL_DIR_PLACES_MAX. */
RFL_MUST_USE enum rfl_err rfl__draft_place(struct rfl__draft *draft, const struct rfl__draft_place *place,
                                           uint16_t *index);
/* Room for one more element of `each_bytes` in *array. RFL_E_FULL when `max` are there already; RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl__draft_grow(void **array, size_t count, size_t *room, size_t max, size_t each_bytes);
void rfl__draft_progress(struct rfl__draft *draft, const struct rfl_csv *csv);

#endif
