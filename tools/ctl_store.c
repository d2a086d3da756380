/* A store nobody has open: init, store verify, rebuild, compare, stat, compact, rotate-master; and a backup of any. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl.h"
#include "rfl_store.h"

static int store_options(const struct ctl *ctl, struct rfl_store_options *out)
{
    uint64_t mib = 0;
    *out = (struct rfl_store_options){ .key_path = ctl->key, .allow_any_fs = ctl->any_fs,
                                         .credentials_dir = getenv("CREDENTIALS_DIRECTORY") };
    if (ctl->map != NULL && (!ctl_number_parse(ctl->map, 1u << 24, &mib) || mib == 0))
        return ctl_fail(ctl, CTL_USAGE, "--map is not a number of MiB", "such as 65536 for 64 GiB");
    out->map_bytes = mib << 20;
    return CTL_OK;
}

static int store_failed(const struct ctl *ctl, enum rfl_err err, const char *why)
{
    char what[240];
    const char *detail = why != NULL ? why : err == RFL_E_IO ? strerror(errno) : "";
    (void)snprintf(what, sizeof what, "%s%s%s", rfl_err_text(err), detail[0] != '\0' ? ": " : "", detail);
    switch (err) {
    case RFL_E_ABSENT:
        return ctl_fail(ctl, CTL_NO_INPUT, what, "name the folder that referralctl init made");
    case RFL_E_EXISTS:
        return ctl_fail(ctl, CTL_CANNOT_CREATE, what, "name a folder that is not there yet");
    case RFL_E_LOCKED:
        return ctl_fail(ctl, CTL_TRY_AGAIN, what, "stop the daemon first, or work on a copy");
    case RFL_E_STATE:
        return ctl_fail(ctl, CTL_TRY_AGAIN, what, "referralctl store rotate-master DIR NEWKEY, with the same NEWKEY");
    case RFL_E_VERSION:
        return ctl_fail(ctl, CTL_STORE_FAILED, what, "use the version of this program that wrote it");
    case RFL_E_OK: case RFL_E_INVALID: case RFL_E_FULL: case RFL_E_CORRUPT: case RFL_E_IO:
    case RFL_E_FENCED: case RFL_E_CONFLICT: case RFL_E_MEMORY:
        break;
    }
    return ctl_fail(ctl, CTL_STORE_FAILED, what, "keep the folder as it is and look at it before anything is started");
}

int ctl_init(const struct ctl *ctl)
{
    struct rfl_store_options options;
    int exit_code = store_options(ctl, &options);
    if (exit_code != CTL_OK)
        return exit_code;
    const char *dir = ctl->argv[0];
    errno = 0;
    enum rfl_err err = rfl_store_init(dir, &options);
    if (err == RFL_E_IO && (errno == EACCES || errno == ENOENT || errno == EROFS || errno == ENOSPC))
        return ctl_fail(ctl, CTL_CANNOT_CREATE, strerror(errno), "its parent folder must exist and be writable");
    if (err != RFL_E_OK)
        return store_failed(ctl, err, NULL);
    char key[RFL_STORE_PATH_BYTES];
    const char *why = NULL;
    err = rfl_store_key_path(dir, &options, key, &why);
    if (err != RFL_E_OK)
        return store_failed(ctl, err, why);
    if (ctl->json)
        return ctl_print_value(json_pack("{s:s, s:s}", "store", dir, "master_key", key));
    printf("made    %s: an empty store\n"
           "key     %s: keep a copy of it elsewhere; without it nobody can read the store,\n"
           "        and whoever has both can read everything\n"
           "next    set store_dir = \"%s\" in referrald.conf, then: referrald -c referrald.conf\n",
           dir, key, dir);
    return CTL_OK;
}

struct watcher { const struct ctl *ctl; json_t *findings; const char *doing; int64_t said_ms; };

static void say_finding(void *ctx, const char *rule, uint64_t where)
{
    struct watcher *watcher = ctx;
    if (watcher->ctl->json)
        (void)json_array_append_new(watcher->findings, json_pack("{s:s, s:I}", "rule", rule, "where",
                                                                 (json_int_t)where));
    else
        printf("FAIL  %s (at %llu)\n", rule, (unsigned long long)where);
}

/* On a terminal, a line that rewrites itself, five times a second. */
static void say_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct watcher *watcher = ctx;
    int64_t now_ms = ctl_now_ms();
    if (!isatty(STDERR_FILENO) || (now_ms - watcher->said_ms < 200 && done < total))
        return;
    watcher->said_ms = now_ms;
    fprintf(stderr, "\r%s %llu of %llu%s", watcher->doing, (unsigned long long)done, (unsigned long long)total,
            done >= total ? "\n" : "");
}

/* What the commands that check a store have in common: findings are told as they come, then one verdict. */
struct job { struct rfl_store_options options; struct watcher watcher; struct rfl_store_report report; };

static int begin(struct job *job, const struct ctl *ctl, const char *doing)
{
    int exit_code = store_options(ctl, &job->options);
    if (exit_code != CTL_OK)
        return exit_code;
    job->watcher = (struct watcher){ ctl, json_array(), doing, 0 };
    job->report = (struct rfl_store_report){ say_finding, say_progress, &job->watcher, 0 };
    return CTL_OK;
}

static int finish(struct job *job, enum rfl_err err, const char *well)
{
    struct watcher *watcher = &job->watcher;
    const struct ctl *ctl = watcher->ctl;
    uint64_t findings = job->report.findings;
    if (err != RFL_E_OK && err != RFL_E_CORRUPT) {
        json_decref(watcher->findings);
        return store_failed(ctl, err, NULL);
    }
    bool good = err == RFL_E_OK && findings == 0;
    if (ctl->json) {
        (void)ctl_print_value(json_pack("{s:b, s:I, s:o}", "ok", (int)good, "count", (json_int_t)findings, "findings",
                                        watcher->findings));
    } else {
        json_decref(watcher->findings);
        if (good)
            printf("ok    %s\n", well);
    }
    if (good)
        return CTL_OK;
    return ctl_fail(ctl, CTL_FINDINGS, "the store is not as it should be",
                    "keep this folder untouched; restore a backup, or try: referralctl store rebuild DIR NEWDIR");
}

int ctl_store_verify(const struct ctl *ctl)
{
    struct job job;
    int exit_code = begin(&job, ctl, "checked");
    if (exit_code != CTL_OK)
        return exit_code;
    return finish(&job, rfl_store_verify(ctl->argv[0], &job.options, &job.report),
                  "chain verified, every record and every sealed part checks, the tables are what the log gives");
}

int ctl_store_rebuild(const struct ctl *ctl)
{
    struct job job;
    int exit_code = begin(&job, ctl, "rebuilt");
    if (exit_code != CTL_OK)
        return exit_code;
    return finish(&job, rfl_store_rebuild(ctl->argv[0], ctl->argv[1], &job.options, &job.report),
                  "rebuilt from the log; compare them with: referralctl store compare DIR NEWDIR");
}

int ctl_store_compare(const struct ctl *ctl)
{
    struct job job;
    int exit_code = begin(&job, ctl, "compared");
    if (exit_code != CTL_OK)
        return exit_code;
    return finish(&job, rfl_store_compare(ctl->argv[0], ctl->argv[1], &job.options, &job.report),
                  "the same, byte for byte");
}

int ctl_store_compact(const struct ctl *ctl)
{
    struct job job;
    int exit_code = begin(&job, ctl, "checked");
    if (exit_code != CTL_OK)
        return exit_code;
    return finish(&job, rfl_store_compact(ctl->argv[0], &job.options, &job.report),
                  "compacted and verified; no key of an erased case is left in the folder");
}

int ctl_store_backup(const struct ctl *ctl)
{
    struct job job;
    int exit_code = begin(&job, ctl, "checked");
    if (exit_code != CTL_OK)
        return exit_code;
    return finish(&job, rfl_store_backup(ctl->argv[0], ctl->argv[1], &job.options, &job.report),
                  "copied and verified; it opens only with the master key, which is not in it: keep that elsewhere");
}

static void say_rewrapped(void *ctx, uint64_t done, uint64_t total) { say_progress(ctx, done, total); }

int ctl_store_rotate(const struct ctl *ctl)
{
    struct rfl_store_options options;
    int exit_code = store_options(ctl, &options);
    if (exit_code != CTL_OK)
        return exit_code;
    const char *new_key = ctl->argc > 1 ? ctl->argv[1] : ctl->new_key;
    if (new_key == NULL || (ctl->argc > 1 && ctl->new_key != NULL))
        return ctl_fail(ctl, CTL_USAGE, "which new key is not clear", "name it once: --new-key FILE (made if absent)");
    struct watcher watcher = { ctl, NULL, "rewrapped", 0 };
    struct rfl_rotation rotation = { say_rewrapped, &watcher, 0, NULL };
    enum rfl_err err = rfl_store_rotate_master(ctl->argv[0], &options, new_key, &rotation);
    if (err != RFL_E_OK)
        return store_failed(ctl, err, rotation.why);
    if (ctl->json)
        return ctl_print_value(json_pack("{s:b, s:I}", "ok", 1, "rewrapped", (json_int_t)rotation.rewrapped));
    printf("ok    %llu keys wrapped anew; nothing opens with the old master key any more\n",
           (unsigned long long)rotation.rewrapped);
    if (options.key_path == NULL)
        printf("key   the new one is master.key in the store's folder, the old one lies beside it under its number\n");
    else
        printf("next  set store_key in referrald.conf to the new file before you start the daemon\n");
    printf("      backups made before today open with the old key only: destroying it ends them\n");
    return CTL_OK;
}

static json_t *stat_json(const struct rfl_store_stat *stat, const char *head)
{
    json_t *statuses = json_object();
    for (unsigned status = RFL_STATUS_RECEIVED; status < RFL_STATUS_COUNT; status++)
        (void)json_object_set_new(statuses, rfl_status_word((enum rfl_status)status),
                                  json_integer((json_int_t)stat->case_by_status[status]));
    return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "epoch",
                     (int)stat->epoch, "entries", (json_int_t)stat->entries, "cases", (json_int_t)stat->cases,
                     "referrals", (json_int_t)stat->referrals, "joined", (json_int_t)stat->joined, "mailbox_rows",
                     (json_int_t)stat->mailbox_rows, "map_bytes", (json_int_t)stat->map_bytes, "used_bytes",
                     (json_int_t)stat->used_bytes, "file_bytes", (json_int_t)stat->file_bytes, "index_bytes",
                     (json_int_t)stat->index_bytes, "cases_erased", (json_int_t)stat->cases_erased, "keys_lingering",
                     (json_int_t)stat->keys_lingering, "head", head, "by_status", statuses);
}

static int print_stat(const struct ctl *ctl, const struct rfl_store_stat *stat)
{
    char head[2 * sizeof stat->head + 1];
    for (size_t i = 0; i < sizeof stat->head; i++)
        (void)snprintf(head + 2 * i, 3, "%02x", stat->head[i]);
    if (ctl->json)
        return ctl_print_value(stat_json(stat, head));
    struct ctl_table table;
    const struct { const char *label; uint64_t value; } rows[] = {
        { "epoch", stat->epoch }, { "entries", stat->entries }, { "cases", stat->cases },
        { "referrals", stat->referrals }, { "joined", stat->joined }, { "mailbox rows", stat->mailbox_rows },
        { "map bytes", stat->map_bytes }, { "used bytes", stat->used_bytes }, { "file bytes", stat->file_bytes },
        { "index bytes", stat->index_bytes }, { "cases erased", stat->cases_erased },
        { "keys lingering", stat->keys_lingering },
    };
    ctl_table_init(&table, "FIGURE >VALUE");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ctl_cell(&table, "%s", rows[i].label);
        ctl_cell_count(&table, rows[i].value);
    }
    for (unsigned status = RFL_STATUS_RECEIVED; status < RFL_STATUS_COUNT; status++) {
        ctl_cell(&table, "%s", rfl_status_word((enum rfl_status)status));
        ctl_cell_count(&table, stat->case_by_status[status]);
    }
    ctl_table_print(&table, stdout);
    printf("head  %s\n", head);
    return CTL_OK;
}

int ctl_store_stat(const struct ctl *ctl)
{
    struct rfl_store_options options;
    struct rfl_store *store = NULL;
    const char *why = NULL;
    int exit_code = store_options(ctl, &options);
    if (exit_code != CTL_OK)
        return exit_code;
    enum rfl_err err = rfl_store_open(ctl->argv[0], &options, ctl_now_ms(), &store, &why);
    if (err != RFL_E_OK)
        return store_failed(ctl, err, why);
    struct rfl_store_stat stat;
    rfl_store_stat(store, &stat);
    exit_code = print_stat(ctl, &stat);
    rfl_store_close(&store);
    return exit_code;
}
