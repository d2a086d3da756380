#include "reload.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon.h"
#include "gates.h"
#include "notify.h"

enum { SHRINK_SHARE = 10 };         /* one in so many providers' queues may go without force */

static void archive_of(const struct daemon *d, char out[RELOAD_PATH_BYTES])
{
    (void)snprintf(out, RELOAD_PATH_BYTES, "%s/policies", d->options.store_dir);
}

static enum rfl_err find(struct rfl_conf_report *report, enum rfl_err err, const char *rule, const char *remedy)
{
    rfl_conf_report_add(report, "", 0, "", rule, remedy);
    return err;
}

/* ---- saying ---- */

static void say_findings(struct daemon *d, const struct rfl_conf_report *report, bool at_start)
{
    uint32_t shown = report->count < RFL_CONF_FINDINGS_MAX ? report->count : RFL_CONF_FINDINGS_MAX;
    for (uint32_t i = 0; i < shown; i++)
        if (at_start)
            LOG(&d->log, ERROR, "policy.finding", F_FINDING(&report->finding[i]));
        else
            LOG(&d->log, ERROR, "reload.finding", F_FINDING(&report->finding[i]));
}

/* For status: the first finding in a line. */
static void put_first(char out[RELOAD_SAID_BYTES], const struct rfl_conf_report *report)
{
    const struct rfl_conf_finding *first = &report->finding[0];
    const char *file = strrchr(first->file, '/') != NULL ? strrchr(first->file, '/') + 1 : first->file;
    (void)snprintf(out, RELOAD_SAID_BYTES, "%.80s%s%s%s%s", file, file[0] != '\0' ? ": " : "", first->key,
                   first->key[0] != '\0' ? ": " : "", first->rule);
}

/* ---- at the start ---- */

enum rfl_err reload_first(struct daemon *d, struct rfl_conf_report *report)
{
    char archive[RELOAD_PATH_BYTES];
    struct rfl_hash pinned;
    archive_of(d, archive);
    enum rfl_err err = rfl_conf_archive_pinned(archive, &pinned);
    if (err == RFL_E_ABSENT)
        return guidance_load(&d->options, NULL, &d->guidance, report);
    if (err != RFL_E_OK)
        return find(report, err, "the file that pins a policy cannot be read",
                    "look at policies/pinned in the store's folder; without it policy_dir is in force");
    d->standing.pinned = true;
    err = guidance_load(&d->options, &pinned, &d->guidance, report);
    return err == RFL_E_OK ? err : find(report, err, "the policy that is pinned cannot be loaded",
                                        "remove policies/pinned in the store's folder to start with policy_dir");
}

void reload_keep_first(struct daemon *d)
{
    char archive[RELOAD_PATH_BYTES];
    archive_of(d, archive);
    if (d->standing.pinned)
        return;
    errno = 0;
    enum rfl_err err = rfl_conf_archive_keep(archive, d->options.policy_dir,
                                             rfl_policy_digest(d->guidance.policy));
    if (err != RFL_E_OK)
        LOG(&d->log, ERROR, "policy.not_kept", F_ERR("error", err), F_ERRNO("errno", errno),
            F_HASH("policy", d->guidance.policy->digest),
            F_LIT("next", "serving goes on; what is decided now can be explained from its trail only; mend the folder "
                  "policies in the store's folder, then reload"));
}

void reload_judge_first(struct daemon *d)
{
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    enum rfl_err err = report == NULL ? RFL_E_MEMORY
                                      : gates_pass(d->guidance.policy,
                                                   d->standing.pinned ? NULL : d->options.policy_dir, d->now.wall_ms,
                                                   report);
    if (report != NULL && err != RFL_E_OK)
        say_findings(d, report, true);
    if (err != RFL_E_OK)
        LOG(&d->log, ERROR, "policy.doubtful", F_ERR("error", err),
            F_U64("findings", report != NULL ? report->count : 0),
            F_HASH("policy", d->guidance.policy->digest),
            F_LIT("next", "serving goes on; correct the policy, check with referrald -t, reload"));
    if (report != NULL && err == RFL_E_INVALID)
        put_first(d->standing.doubtful, report);
    free(report);
}

/* ---- the gates ---- */

struct loss { struct rfl_conf_report *report; const struct rfl_policy *policy; bool people; };

static void say_lost(void *ctx, const struct rfl_queue *queue, uint64_t people)
{
    struct loss *loss = ctx;
    char rule[128], name[RFL_NAME_BYTES_MAX + 1];
    struct rfl_view text = rfl_policy_text(loss->policy, queue->name);
    if (people == 0)
        return;
    loss->people = true;
    (void)snprintf(name, sizeof name, "%.*s", (int)text.len, (const char *)text.p);
    (void)snprintf(rule, sizeof rule, "the queue is gone, and %llu open cases are in it", (unsigned long long)people);
    rfl_conf_report_add(loss->report, "areas.conf", 0, name, rule,
                        "keep the queue until nobody is in it, or say --force when that is meant");
}

/* A file that was cut off, or an empty one, reads well. */
static enum rfl_err check_shrink(struct daemon *d, const struct rfl_policy *next, struct rfl_conf_report *report,
                                 bool force)
{
    struct loss loss = { report, d->guidance.policy, false };
    struct rfl_engine_shrink shrink;
    char rule[128];
    enum rfl_err err = rfl_engine_shrink(d->engine, next, say_lost, &loss, &shrink);
    if (err != RFL_E_OK)
        return err;
    bool many = shrink.providers_lost * SHRINK_SHARE > shrink.providers;
    if (many) {
        (void)snprintf(rule, sizeof rule, "%u of the %u providers' queues in force are gone",
                       (unsigned)shrink.providers_lost, (unsigned)shrink.providers);
        rfl_conf_report_add(report, "areas.conf", 0, "queues", rule,
                            "see whether the file is whole; say --force when that is meant");
    }
    return (many || loss.people) && !force ? RFL_E_CONFLICT : RFL_E_OK;
}

/* ---- loading ---- */

struct incoming {
    struct options options;
    struct rfl_conf_origin origins[OPTIONS_COUNT];
    struct guidance guidance;
    struct rfl_keys *keys;                          /* of HUP; NULL: those in force stay */
    struct rfl_hash digest;
    bool archived;
};

static enum rfl_err load_folder(struct daemon *d, struct incoming *in, bool with_keys, struct rfl_conf_report *report)
{
    enum rfl_err err = options_read(d->conf_path, &in->options, in->origins, report);
    if (err != RFL_E_OK)
        return err;
    const struct rfl_conf_option *blocked = rfl_conf_reload_blocked(options_table(), &d->options, &in->options);
    if (blocked != NULL) {
        rfl_conf_report_add(report, d->conf_path, 0, blocked->key, "this option needs a restart",
                            "put the old value back, or restart");
        return RFL_E_INVALID;
    }
    enum rfl_err keys_err = RFL_E_OK;
    err = guidance_load(&in->options, NULL, &in->guidance, report);
    if (with_keys && !in->options.without_keys)
        keys_err = keyring_read(&in->options, report, &in->keys);
    return err != RFL_E_OK ? err : keys_err;
}

static enum rfl_err load_archived(struct daemon *d, const char *digest, struct incoming *in,
                                  struct rfl_conf_report *report)
{
    char archive[RELOAD_PATH_BYTES];
    struct rfl_view text = { (const uint8_t *)digest, strlen(digest) };
    archive_of(d, archive);
    in->options = d->options;
    memcpy(in->origins, d->origins, sizeof in->origins);
    in->archived = true;
    enum rfl_err err = strcmp(digest, "previous") == 0 ? rfl_engine_policy_before(d->engine, &in->digest)
                                                       : rfl_conf_archive_find(archive, text, &in->digest);
    if (err == RFL_E_ABSENT)
        return find(report, err, "no such policy was ever in force here", "see: referralctl policy list");
    if (err == RFL_E_CONFLICT)
        return find(report, err, "several policies begin with these digits", "give more of them");
    if (err == RFL_E_INVALID)
        return find(report, err, "this is neither \"previous\" nor eight digits or more of a digest",
                    "see: referralctl policy list");
    return err != RFL_E_OK ? err : guidance_load(&in->options, &in->digest, &in->guidance, report);
}

/* ---- taking effect ---- */

/* The archive and the pin first: after a crash between them and the log the start finds the same and logs it. */
static enum rfl_err prepare(struct daemon *d, const struct incoming *in, struct rfl_conf_report *report)
{
    char archive[RELOAD_PATH_BYTES];
    archive_of(d, archive);
    errno = 0;
    enum rfl_err err = in->archived ? RFL_E_OK
                                    : rfl_conf_archive_keep(archive, in->options.policy_dir, in->digest);
    if (err == RFL_E_STATE)
        return find(report, err, "the folder was changed while it was read", "reload again");
    if (err != RFL_E_OK)
        return find(report, err, "the policy cannot be kept in the archive",
                    "look at the folder policies in the store's folder: room, and who may write there");
    err = in->archived ? rfl_conf_archive_pin(archive, in->digest) : rfl_conf_archive_unpin(archive);
    return err == RFL_E_OK ? err : find(report, err, "the pin cannot be written",
                                        "look at policies/pinned in the store's folder");
}

/* The store had no room to log it: the old one stays in force, and what is pinned stays so. */
static void put_pin_back(struct daemon *d)
{
    char archive[RELOAD_PATH_BYTES];
    archive_of(d, archive);
    enum rfl_err err = d->standing.pinned ? rfl_conf_archive_pin(archive, d->guidance.policy->digest)
                                          : rfl_conf_archive_unpin(archive);
    if (err != RFL_E_OK)
        LOG(&d->log, ERROR, "policy.pin_failed", F_ERR("error", err), F_ERRNO("errno", errno),
            F_LIT("next", "look at policies/pinned in the store's folder before the next start"));
}

static void swap(struct daemon *d, struct incoming *in)
{
    struct guidance old = d->guidance;
    bool unpinned = d->standing.pinned && !in->archived;
    d->guidance = in->guidance;
    d->options = in->options;
    memcpy(d->origins, in->origins, sizeof d->origins);
    d->standing = (struct reload_standing){ .pinned = in->archived };
    guidance_free(&old);
    uint32_t ended;
    if (in->keys != NULL && daemon_put_keys(d, in->keys, &ended) == RFL_E_OK)
        in->keys = NULL;
    if (unpinned)
        LOG(&d->log, NOTE, "policy.unpinned", F_HASH("policy", d->guidance.policy->digest));
    LOG(&d->log, NOTE, "reload.done", F_HASH("policy", d->guidance.policy->digest),
        F_U64("pinned", d->standing.pinned));
}

static enum rfl_err take_effect(struct daemon *d, const struct reload_wish *wish, struct incoming *in,
                                struct rfl_conf_report *report, bool *store_works)
{
    struct rfl_engine_wish who = { { (const uint8_t *)wish->operator_name, strlen(wish->operator_name) },
                                   { (const uint8_t *)wish->why, strlen(wish->why) } };
    enum rfl_err err = prepare(d, in, report);
    if (err != RFL_E_OK)
        return err;
    err = rfl_engine_set_policy(d->engine, in->guidance.policy, in->guidance.directories, &d->now,
                                who.operator_name.len > 0 ? &who : NULL);
    *store_works = err == RFL_E_OK || err == RFL_E_FULL;
    if (err == RFL_E_OK) {
        swap(d, in);
        return err;
    }
    put_pin_back(d);
    return find(report, err, "the store has no room to log it", "make room, then load it again");
}

/* ---- refused ---- */

static void say_kept_old(struct daemon *d, enum rfl_err err, const struct rfl_conf_report *report)
{
    LOG(&d->log, ERROR, "reload.kept_old", F_ERR("error", err), F_U64("findings", report->count),
        F_HASH("policy", d->guidance.policy->digest), F_LIT("next", "correct it, check with referrald -t, reload"));
    struct reload_standing *standing = &d->standing;
    standing->refused_ms = d->now.wall_ms;
    if (report->count == 0)
        (void)snprintf(standing->refused, sizeof standing->refused, "%s", rfl_err_text(err));
    else
        put_first(standing->refused, report);
}

void reload(struct daemon *d, const struct reload_wish *wish, struct rfl_conf_report *report,
            struct reload_result *out)
{
    struct incoming *in = calloc(1, sizeof *in);
    *out = (struct reload_result){ .store_works = true, .before = rfl_policy_digest(d->guidance.policy) };
    if (!wish->dry_run)
        notify_reloading();
    enum rfl_err err = in == NULL                 ? RFL_E_MEMORY
                       : wish->digest[0] == '\0'  ? load_folder(d, in, wish->operator_name[0] == '\0', report)
                                                  : load_archived(d, wish->digest, in, report);
    if (err == RFL_E_OK) {
        in->digest = out->after = rfl_policy_digest(in->guidance.policy);
        err = gates_pass(in->guidance.policy, in->archived ? NULL : in->options.policy_dir, d->now.wall_ms, report);
        if (err == RFL_E_OK)
            err = check_shrink(d, in->guidance.policy, report, wish->force);
    }
    if (err == RFL_E_OK && !wish->dry_run)
        err = take_effect(d, wish, in, report, &out->store_works);
    out->taken = err == RFL_E_OK;
    if (in != NULL && (wish->dry_run || err != RFL_E_OK))
        guidance_free(&in->guidance);
    if (in != NULL)
        rfl_keys_free(&in->keys);
    free(in);
    if (wish->dry_run)
        return;
    say_findings(d, report, false);
    if (err != RFL_E_OK)
        say_kept_old(d, err, report);
    notify_ready(err == RFL_E_OK ? "ready" : "ready, but the last reload was refused");
}

bool reload_signalled(struct daemon *d)
{
    static const struct reload_wish wish;
    struct reload_result result = { .store_works = true };
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    if (report == NULL) {
        LOG(&d->log, ERROR, "reload.kept_old", F_ERR("error", RFL_E_MEMORY), F_LIT("next", "reload again"));
        return true;
    }
    reload(d, &wish, report, &result);
    free(report);
    return result.store_works;
}

/* ---- the past ---- */

const struct rfl_policy *reload_kept(void *ctx, struct rfl_hash digest)
{
    struct daemon *d = ctx;
    char archive[RELOAD_PATH_BYTES];
    if (d->kept != NULL && rfl_hash_same(rfl_policy_digest(d->kept), digest))
        return d->kept;
    if (d->kept != NULL)
        rfl_conf_policy_free(&d->kept);
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    archive_of(d, archive);
    enum rfl_err err = report == NULL ? RFL_E_MEMORY : rfl_conf_archive_load(archive, digest, &d->kept, report);
    if (err != RFL_E_OK && err != RFL_E_ABSENT)
        LOG(&d->log, WARN, "policy.not_readable", F_ERR("error", err), F_HASH("policy", digest),
            F_LIT("next", "put back what was kept in the folder policies of the store's folder"));
    free(report);
    return d->kept;
}

/* ---- an operator ---- */

static void put_text(char *out, size_t size, struct rfl_view text)
{
    assert(text.len < size);
    if (text.len > 0)
        memcpy(out, text.p, text.len);
    out[text.len] = '\0';
}

bool reload_wish_of(const struct rfl_ask *ask, struct reload_wish *out, enum rfl_code *code)
{
    memset(out, 0, sizeof *out);
    *code = ask->operator_name.len == 0 || ask->why.len == 0 ? RFL_CODE_REASON_MISSING
            : ask->digest.len >= sizeof out->digest          ? RFL_CODE_NOT_FOUND
                                                             : RFL_CODE_OK;
    if (*code != RFL_CODE_OK)
        return false;
    put_text(out->operator_name, sizeof out->operator_name, ask->operator_name);
    put_text(out->why, sizeof out->why, ask->why);
    put_text(out->digest, sizeof out->digest, ask->digest);
    out->dry_run = ask->dry_run;
    out->force = ask->force;
    return true;
}

void reload_complete_list(const struct daemon *d, struct rfl_msg_policies *policies, struct rfl_policy_row *rows)
{
    char archive[RELOAD_PATH_BYTES];
    archive_of(d, archive);
    for (uint32_t i = 0; i < policies->rows_count; i++) {
        struct rfl_hash digest;
        rows[i] = policies->rows[i];
        rows[i].kept = rfl_conf_digest_parse(rows[i].digest, &digest) == RFL_E_OK
                    && rfl_conf_archive_has(archive, digest);
        rows[i].pinned = rows[i].in_force && d->standing.pinned;
    }
    policies->rows = rows;
}
