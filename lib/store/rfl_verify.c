/* Checking a store, rebuilding it from its log, comparing two. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "rfl_making.h"
#include "rfl_opening.h"
#include "rfl_path.h"
#include "rfl_replay.h"

static const struct rfl_store_options default_options;

/* ---- verify ---- */

/* Every case has its key, and an erased one has none. `made`: what the log gives. */
static enum rfl_err check_keys_of_cases(struct rfl_store *s, struct rfl_store *made, struct rfl_store_report *report)
{
    struct rfl_case kase;
    enum rfl_err err = RFL_E_OK;
    for (uint64_t id = 1; id <= made->state.cases && err == RFL_E_OK; id++) {
        uint8_t key[RFL_KEY_ID_BYTES];
        struct rfl_view row;
        rfl_put_be64(key, id);
        err = rfl_tables_case(made, id, &kase);
        enum rfl_err found = rfl_env_get(&s->env, RFL_TABLE_KEYS, (struct rfl_view){ key, sizeof key }, &row);
        if (err == RFL_E_OK && found != RFL_E_OK && found != RFL_E_ABSENT)
            err = found;
        else if (err == RFL_E_OK && found == RFL_E_ABSENT && !kase.erased)
            rfl_report_say(report, "the key of a case is missing, and nobody erased it", id);
        else if (err == RFL_E_OK && found == RFL_E_OK && kase.erased)
            rfl_report_say(report, "an erased case has its key again", id);
    }
    return err;
}

static enum rfl_err check_keys(struct rfl_store *s, uint64_t cases, struct rfl_store_report *report)
{
    struct rfl_walk walk = { 0 };
    while (rfl_walk_next(&s->env, RFL_TABLE_KEYS, &walk)) {
        uint64_t id = walk.key.len == RFL_KEY_ID_BYTES ? rfl_get_be64(walk.key.p) : UINT64_MAX;
        if (id == 0)
            continue;                           /* the store secret: opened when the store was */
        rfl_seal_key_forget(s->seal);
        if (id > cases)
            rfl_report_say(report, "a wrapped key belongs to no case", id);
        else if (rfl_seal_key_load(s->seal, (struct rfl_case_id){ id }, walk.value) != RFL_E_OK)
            rfl_report_say(report, "a wrapped key does not open", id);
    }
    enum rfl_err err = walk.err;
    rfl_walk_end(&walk);
    return err;
}

/* Every place of every index, made from the stored cases here and kept by applying the log there. */
static void compare_places(const struct rfl_store *a, const struct rfl_store *b, struct rfl_store_report *report)
{
    for (unsigned i = 0; i < RFL_INDEX_COUNT; i++) {
        struct rfl_order from = { 0, 0, 0 }, in_a = from, in_b = from;
        bool same = a->order[i].count == b->order[i].count;
        while (same && rfl_ordset_first(&a->order[i], &from, &in_a)) {
            same = rfl_ordset_first(&b->order[i], &from, &in_b) && rfl_order_compare(&in_a, &in_b) == 0;
            from = in_a;
            from.c++;
        }
        if (!same)
            rfl_report_say(report, "an index is not what the cases say", in_a.c);
    }
}

static enum rfl_err check_references(struct rfl_store *s, struct rfl_store_report *report)
{
    struct rfl_referral referral, found;
    enum rfl_err err = RFL_E_OK;
    for (uint64_t id = 1; id <= s->state.referrals && err == RFL_E_OK; id++) {
        err = rfl_tables_referral(s, id, &referral);
        if (err == RFL_E_OK)
            err = rfl_tables_find(s, RFL_BY_REFERENCE, referral.reference, &found);
        if (err == RFL_E_OK && found.id.v != id)
            rfl_report_say(report, "two referrals have the same reference", id);
    }
    return err;
}

/* What the tables of `from` say among themselves. Damage in them is found, row by row, by the comparison; here it only
 * means that there is nothing to look at. */
static enum rfl_err check_indexes(struct rfl_store *from, const struct rfl_store *made, struct rfl_store_report *report)
{
    uint64_t cases = 0;
    enum rfl_err err = rfl_tables_load_indexes(from);
    if (err == RFL_E_CORRUPT || err == RFL_E_VERSION || err == RFL_E_EXISTS) {
        rfl_report_say(report, "a case or referral is damaged, or rows are missing or too many", 0);
        return RFL_E_OK;
    }
    if (err != RFL_E_OK)
        return err;
    compare_places(from, made, report);
    for (unsigned i = 0; i < RFL_STATUS_COUNT; i++)
        cases += from->by_status[i];
    if (cases != from->state.cases || from->state.cases + from->state.joined != from->state.referrals ||
        rfl_env_rows(&from->env, RFL_TABLE_MAILBOXES) != from->state.mailbox_rows)
        rfl_report_say(report, "the counts do not add up", cases);
    return check_references(from, report);
}

static enum rfl_err verify_with(struct rfl_store *from, const char *scratch, const struct rfl_store_options *options,
                                struct rfl_store_report *report)
{
    const char *why = NULL;
    struct rfl_store *made = NULL;
    enum rfl_err err = rfl_opening_state(from, &why);
    if (err == RFL_E_CORRUPT || err == RFL_E_VERSION) {
        rfl_report_say(report, why, 0);
        err = RFL_E_OK;
    }
    if (err == RFL_E_OK)
        err = rfl_replay_target(scratch, RFL_ENV_SCRATCH, from, options, &made);
    if (err != RFL_E_OK)
        return err;
    struct rfl_replay replay = { .from = from, .to = made, .report = report };
    err = rfl_replay_log(&replay);
    if (err == RFL_E_OK && !replay.broken) {
        static const enum rfl_table tables[] = { RFL_TABLE_META, RFL_TABLE_CASES, RFL_TABLE_REFERRALS,
                                                 RFL_TABLE_SOURCES, RFL_TABLE_MAILBOXES, RFL_TABLE_QUEUES };
        err = rfl_env_begin(&made->env);
        for (size_t i = 0; i < sizeof tables / sizeof tables[0] && err == RFL_E_OK; i++)
            err = rfl_replay_compare(&from->env, &made->env, tables[i], true, report);
        if (err == RFL_E_OK)
            err = check_keys_of_cases(from, made, report);
        rfl_env_abort(&made->env);
    }
    if (err == RFL_E_OK)
        err = check_keys(from, replay.broken ? UINT64_MAX - 1 : made->state.cases, report);
    if (err == RFL_E_OK && report->findings == 0)
        err = check_indexes(from, made, report);
    rfl_tables_free(&made);
    return err;
}

enum rfl_err rfl_store_verify(const char *dir, const struct rfl_store_options *options, struct rfl_store_report *report)
{
    char scratch[RFL_PATH_BYTES_MAX];
    const char *why = NULL;
    struct rfl_store *from = NULL;
    if (options == NULL)
        options = &default_options;
    report->findings = 0;
    enum rfl_err err = rfl_opening(dir, RFL_ENV_READ, options, &from, &why);
    if (err != RFL_E_OK) {
        rfl_report_say(report, why, 0);
        return err;
    }
    if (!rfl_path_make_beside(scratch, dir)) {
        rfl_store_close(&from);
        return RFL_E_IO;
    }
    err = verify_with(from, scratch, options, report);
    rfl_path_remove_store(scratch);
    rfl_store_close(&from);
    return err != RFL_E_OK ? err : report->findings > 0 ? RFL_E_CORRUPT : RFL_E_OK;
}

/* ---- rebuild ---- */

static enum rfl_err copy_keys(struct rfl_store *from, struct rfl_store *to)
{
    struct rfl_walk walk = { 0 };
    enum rfl_err err = rfl_env_begin(&to->env);
    uint64_t rows = 0;
    while (err == RFL_E_OK && rfl_walk_next(&from->env, RFL_TABLE_KEYS, &walk)) {
        if (++rows % 65536 == 0) {              /* a transaction of bounded size */
            err = rfl_env_commit(&to->env);
            if (err == RFL_E_OK)
                err = rfl_env_begin(&to->env);
        }
        if (err == RFL_E_OK)
            err = rfl_env_put(&to->env, RFL_TABLE_KEYS, walk.key, walk.value, true);
    }
    if (err == RFL_E_OK)
        err = walk.err;
    rfl_walk_end(&walk);
    if (err == RFL_E_OK)
        return rfl_env_commit(&to->env);
    rfl_env_abort(&to->env);
    return err;
}

static enum rfl_err rebuild_into(const char *dir, const char *made, const struct rfl_store_options *options,
                                 struct rfl_store_report *report)
{
    char old_key[RFL_PATH_BYTES_MAX], new_key[RFL_PATH_BYTES_MAX];
    const char *why = NULL;
    struct rfl_store *from = NULL, *to = NULL;
    enum rfl_err err = rfl_opening(dir, RFL_ENV_READ, options, &from, &why);
    if (err != RFL_E_OK) {
        rfl_report_say(report, why, 0);
        return err;
    }
    err = rfl_replay_target(made, RFL_ENV_CREATE, from, options, &to);
    if (err == RFL_E_OK)
        err = copy_keys(from, to);
    struct rfl_replay replay = { .from = from, .to = to, .copy_log = true, .report = report };
    if (err == RFL_E_OK)
        err = rfl_replay_log(&replay);
    if (err == RFL_E_OK)
        err = rfl_env_begin(&to->env);
    if (err == RFL_E_OK && to->erased > 0)              /* no page of the new file ever held an erased key */
        err = rfl_making_compacted(&to->env, to->erased);
    if (err == RFL_E_OK)
        err = rfl_env_commit(&to->env);
    rfl_tables_free(&to);
    rfl_store_close(&from);
    if (err == RFL_E_OK && options->key_path == NULL &&
        (!rfl_path_join(old_key, dir, "master.key") || !rfl_path_join(new_key, made, "master.key") ||
         !rfl_path_copy(old_key, new_key)))
        err = RFL_E_IO;
    return err == RFL_E_OK && replay.broken ? RFL_E_CORRUPT : err;
}

enum rfl_err rfl_store_rebuild(const char *dir, const char *out_dir, const struct rfl_store_options *options,
                               struct rfl_store_report *report)
{
    char made[RFL_PATH_BYTES_MAX];
    if (options == NULL)
        options = &default_options;
    report->findings = 0;
    if (faccessat(AT_FDCWD, out_dir, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return RFL_E_EXISTS;
    if (!rfl_path_make_beside(made, out_dir))
        return RFL_E_IO;
    enum rfl_err err = rebuild_into(dir, made, options, report);
    if (err == RFL_E_OK)
        err = rfl_making_name(made, out_dir);
    if (err != RFL_E_OK)
        rfl_path_remove_store(made);
    return err != RFL_E_OK ? err : report->findings > 0 ? RFL_E_CORRUPT : RFL_E_OK;
}

/* ---- compare ---- */

enum rfl_err rfl_store_compare(const char *dir_a, const char *dir_b, const struct rfl_store_options *options,
                               struct rfl_store_report *report)
{
    const char *why = NULL;
    struct rfl_store *a = NULL, *b = NULL;
    if (options == NULL)
        options = &default_options;
    report->findings = 0;
    enum rfl_err err = rfl_opening(dir_a, RFL_ENV_READ, options, &a, &why);
    if (err == RFL_E_OK)
        err = rfl_opening(dir_b, RFL_ENV_READ, options, &b, &why);
    if (err != RFL_E_OK)
        rfl_report_say(report, why, a == NULL ? 1 : 2);
    for (unsigned table = 0; table < RFL_TABLE_COUNT && err == RFL_E_OK; table++)
        err = rfl_replay_compare(&a->env, &b->env, (enum rfl_table)table, false, report);
    rfl_store_close(&a);
    rfl_store_close(&b);
    return err != RFL_E_OK ? err : report->findings > 0 ? RFL_E_CORRUPT : RFL_E_OK;
}
