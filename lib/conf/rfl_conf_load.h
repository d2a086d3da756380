/* rfl_conf_load.h: one reading of the policy folder. Internal to lib/conf. */
#ifndef RFL_CONF_LOAD_H
#define RFL_CONF_LOAD_H

#include "rfl_conf_walk.h"

enum { RFL_CONF_ROUTE_FILES_MAX = 512, RFL_CONF_ROUTE_NAME_BYTES = 96 };

/* A file of rfl_conf_load.file, and a line of it. */
struct rfl_conf_spot { uint16_t file; int line; };

struct rfl_conf_load {
    struct rfl_conf_at at;                      /* the file being read */
    struct rfl_policy *policy;
    struct rfl_area_no area;
    int64_t day_ms;                             /* of the calendar; eight hours when that could not be read */
    bool ok, areas_ok;
    int door_line[RFL_DOOR_COUNT];              /* where each door's column was written */
    int area_line[65536], source_line[65536];   /* where each id was written */
    struct rfl_conf_spot queue_at[65536], place_at[65536];
    char file[1 + RFL_CONF_ROUTE_FILES_MAX][RFL_CONF_ROUTE_NAME_BYTES];     /* "areas.conf", then those of routes.d */
    uint16_t file_count, file_now;
    bool keys_said[65536];                      /* of this area: accepts or precedence */
};

/* Reports at the setting; always false, and the load has failed. */
bool rfl__conf_fail(struct rfl_conf_load *load, struct config_setting_t *setting, const char *rule,
                    const char *remedy);
/* False and reported unless err is RFL_E_OK: why the policy did not take the setting. */
bool rfl__conf_taken(struct rfl_conf_load *load, struct config_setting_t *setting, enum rfl_err err);
/* A permanent id, 1 to 65535. False and reported otherwise. */
bool rfl__conf_id(struct rfl_conf_load *load, struct config_setting_t *group, uint16_t *id);
/* Midnight Europe/London of a date member; `fallback_ms` when it is absent. False and reported when it is no date. */
bool rfl__conf_date_ms(struct rfl_conf_load *load, struct config_setting_t *group, const char *name,
                       int64_t fallback_ms, int64_t *out);
/* The area of this name; 0, false and reported when there is none. */
bool rfl__conf_area_named(struct rfl_conf_load *load, struct config_setting_t *setting, const char *name,
                          struct rfl_area_no *out);
/* The queue of this name; false and reported when there is none. */
bool rfl__conf_queue_named(struct rfl_conf_load *load, struct config_setting_t *setting, const char *name,
                           struct rfl_queue_no *out);
/* This file and the setting's line. */
struct rfl_conf_spot rfl__conf_here(const struct rfl_conf_load *load, const struct config_setting_t *setting);
/* { triage = "1wd"; ... }: sets what is there; NULL: nothing. */
bool rfl__conf_clocks(struct rfl_conf_load *load, struct config_setting_t *group, int64_t clock_ms[RFL_CLOCK_COUNT]);

/* The door of a text; false and reported when there is none of that name. */
bool rfl__conf_door(struct rfl_conf_load *load, struct config_setting_t *item, enum rfl_door *door);
/* ( "gp", "self" ) as bits 1 << door; false and reported when an item is no door. */
bool rfl__conf_doors(struct rfl_conf_load *load, struct config_setting_t *list, uint16_t *doors);

/* For rfl__conf_each, ctx the load: a further provider queue of load->area, named <area>/<name>; and, when all of them
 * are known, when it closes, its capacity and its overflow. */
bool rfl__conf_read_provider(void *ctx, struct config_setting_t *group);
bool rfl__conf_read_room(void *ctx, struct config_setting_t *group);

/* False and reported when the word is no key. */
bool rfl__conf_key(struct rfl_conf_load *load, struct config_setting_t *item, const char *word, enum rfl_key *key);
/* Every key once, in order. */
bool rfl__conf_keys(struct rfl_conf_load *load, struct config_setting_t *setting, enum rfl_key keys[RFL_KEY_COUNT]);
/* What a rule of load->area (0: of every area) looks at. NULL: nothing, it holds for everybody. */
bool rfl__conf_when(struct rfl_conf_load *load, struct config_setting_t *group, struct rfl_condition *out);

/* The files of routes.d, in the order of their names; both passes. Nothing when there is no such folder. */
bool rfl__conf_read_routes(struct rfl_conf_load *load, const char *dir);
/* One file of the folder: reported as <dir>/<name>. */
bool rfl__conf_read_file(struct rfl_conf_load *load, const char *dir, const char *name,
                         bool (*read)(struct rfl_conf_load *load, struct config_setting_t *root));

bool rfl__conf_read_disclosure(struct rfl_conf_load *load, struct config_setting_t *root);
bool rfl__conf_read_journey(struct rfl_conf_load *load, struct config_setting_t *root);
bool rfl__conf_read_retention(struct rfl_conf_load *load, struct config_setting_t *root);
bool rfl__conf_read_areas(struct rfl_conf_load *load, struct config_setting_t *root);
bool rfl__conf_read_sources(struct rfl_conf_load *load, struct config_setting_t *root);
bool rfl__conf_read_jobcentres(struct rfl_conf_load *load, struct config_setting_t *root);
bool rfl__conf_read_calendar(struct rfl_conf_load *load, struct config_setting_t *root);
bool rfl__conf_read_clocks(struct rfl_conf_load *load, struct config_setting_t *root);
bool rfl__conf_read_rules(struct rfl_conf_load *load, struct config_setting_t *root);

/* BLAKE2b over what a compiled policy means, in a fixed order; independent of the order of areas, queues, sources and
 * offices in their files. RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl__conf_digest(const struct rfl_policy *policy, struct rfl_hash *out);

#endif
