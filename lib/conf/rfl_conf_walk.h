/* rfl_conf_walk.h: walking libconfig's settings strictly. Internal to lib/conf.
 *
 * A group is checked against the table of its members first: unknown, missing and wrongly typed ones are reported, all
 * of them. After that the getters can be used without looking. */
#ifndef RFL_CONF_WALK_H
#define RFL_CONF_WALK_H

#include <libconfig.h>

#include "rfl_conf.h"

struct rfl_conf_at { struct rfl_conf_report *report; const char *file; };

enum rfl_conf_type { RFL_CONF_IS_INT, RFL_CONF_IS_TEXT, RFL_CONF_IS_BOOL, RFL_CONF_IS_GROUP, RFL_CONF_IS_LIST,
                     RFL_CONF_IS_WORDS /* a text, or a list of texts and integers */ };

struct rfl_conf_member { const char *name; enum rfl_conf_type type; bool required; };

/* Reports at the setting's line and path. */
void rfl__conf_complain(const struct rfl_conf_at *at, const struct config_setting_t *setting, const char *rule,
                        const char *remedy);
/* True when the setting has this type; otherwise reported. A list is ( ) or [ ]. */
bool rfl__conf_typed(const struct rfl_conf_at *at, struct config_setting_t *setting, enum rfl_conf_type type);
/* True when the group has all required members of the right types and no other. */
bool rfl__conf_members(const struct rfl_conf_at *at, struct config_setting_t *group,
                       const struct rfl_conf_member *members, size_t count);
/* The same for the root of a file, whose frame was checked when it was opened. */
bool rfl__conf_root_members(const struct rfl_conf_at *at, struct config_setting_t *root,
                            const struct rfl_conf_member *members, size_t count);

/* "" or 0 or NULL when the member is absent or of another type. Texts are borrowed from the file. */
const char *rfl__conf_text(struct config_setting_t *group, const char *name);
int rfl__conf_int(struct config_setting_t *group, const char *name);
struct config_setting_t *rfl__conf_member(struct config_setting_t *group, const char *name);
/* The i-th text of WORDS; NULL past its end. An integer, as libconfig keeps it, is "". */
const char *rfl__conf_word(struct config_setting_t *words, uint32_t i);
struct rfl_view rfl__conf_view(const char *text);

/* Calls `each` for every element of a list or array of this type; others are reported. False when any was, or when
 * `each` returned false. The list may be NULL: then there is nothing to do. */
bool rfl__conf_each(const struct rfl_conf_at *at, struct config_setting_t *list, enum rfl_conf_type type,
                    bool (*each)(void *ctx, struct config_setting_t *item), void *ctx);

/* The nearest of `count` words to `text` within a third of its length; NULL when none is near. A word may end at a dot:
 * words are compared up to their first '.'. */
const char *rfl__conf_nearest(const char *text, const char *const *words, size_t count);

/* Finds what libconfig would let pass, in the raw text: integers that are not plain decimals within 31 bits and sign,
 * @include, open strings, NUL bytes and \x00 in strings. Reports every one; false when there was any. */
bool rfl__conf_scan(const struct rfl_conf_at *at, struct rfl_view text);

/* "1h", "64MiB": the shortest exact text, as the parsers read it. */
void rfl__conf_duration_text(int64_t ms, char *out, size_t size);
void rfl__conf_size_text(int64_t bytes, char *out, size_t size);

#endif
