#include "daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "modes.h"
#include "notify.h"

static enum rfl_err load_archived(const struct options *options, struct rfl_hash digest, struct rfl_policy **out,
                                  struct rfl_conf_report *report)
{
    char archive[RELOAD_PATH_BYTES];
    (void)snprintf(archive, sizeof archive, "%s/policies", options->store_dir);
    enum rfl_err err = rfl_conf_archive_load(archive, digest, out, report);
    if (err == RFL_E_ABSENT)
        rfl_conf_report_add(report, archive, 0, "", "the archive does not have this policy",
                            "see: referralctl policy list");
    if (err == RFL_E_CORRUPT)
        rfl_conf_report_add(report, archive, 0, "", "what the archive has under this digest is another policy: it was "
                            "changed, or kept by another version", "choose another one");
    return err;
}

enum rfl_err guidance_load(const struct options *options, const struct rfl_hash *archived, struct guidance *out,
                           struct rfl_conf_report *report)
{
    struct guidance fresh = { NULL, NULL };
    modes_check_folder(options->policy_dir, "policy_dir", report);
    if (options->directory_dir[0] != '\0')
        modes_check_folder(options->directory_dir, "directory_dir", report);
    if (report->count > 0)
        return RFL_E_INVALID;
    enum rfl_err err = archived != NULL ? load_archived(options, *archived, &fresh.policy, report)
                                        : rfl_conf_policy_load(options->policy_dir, &fresh.policy, report);
    if (err == RFL_E_OK && options->directory_dir[0] != '\0') {
        struct rfl_directory_fault fault = { 0 };
        err = rfl_directory_set_open(options->directory_dir, &fresh.directories, &fault);
        if (err != RFL_E_OK)
            rfl_conf_report_add(report, fault.file, (int)fault.line, "directory_dir",
                                fault.rule != NULL ? fault.rule : rfl_err_text(err),
                                "compile the directory again, or take the file out of the folder");
    }
    if (err != RFL_E_OK) {
        guidance_free(&fresh);
        return err;
    }
    *out = fresh;
    return RFL_E_OK;
}

void guidance_free(struct guidance *guidance)
{
    if (guidance->policy != NULL)
        rfl_conf_policy_free(&guidance->policy);
    if (guidance->directories != NULL)
        rfl_directory_set_close(&guidance->directories);
}

/* 66 and 78 need a person, 75 may pass by itself, 74 stays down until a person has looked. */
static int exit_of_store(enum rfl_err err)
{
    switch (err) {
    case RFL_E_ABSENT: return EX_NOINPUT;
    case RFL_E_LOCKED:
    case RFL_E_MEMORY: return EX_TEMPFAIL;
    case RFL_E_OK:
    case RFL_E_INVALID:
    case RFL_E_STATE:
    case RFL_E_FULL:
    case RFL_E_CORRUPT:
    case RFL_E_IO:
    case RFL_E_FENCED:
    case RFL_E_CONFLICT:
    case RFL_E_VERSION:
    case RFL_E_EXISTS: break;
    }
    return EX_IOERR;
}

static int open_store(struct daemon *d)
{
    const struct rfl_store_options options = {
        .map_bytes = (uint64_t)d->options.store_map,
        .key_path = d->options.store_key[0] != '\0' ? d->options.store_key : NULL,
        .allow_any_fs = d->options.store_any_fs,
    };
    const char *why = NULL;
    errno = 0;
    enum rfl_err err = rfl_store_open(d->options.store_dir, &options, d->now.wall_ms, &d->store, &why);
    if (err == RFL_E_OK)
        return 0;
    int code = errno;
    if (err == RFL_E_ABSENT)
        LOG(&d->log, ERROR, "store.absent", F_ERR("error", err), F_OURS("why", why),
            F_LIT("next", "mount it, or make one with: referralctl init"));
    else if (err == RFL_E_LOCKED)
        LOG(&d->log, ERROR, "store.locked", F_ERR("error", err), F_OURS("why", why),
            F_LIT("next", "another referrald serves this store; stop it first"));
    else
        LOG(&d->log, ERROR, "store.failed", F_ERR("error", err), F_ERRNO("errno", code), F_OURS("why", why),
            F_LIT("next", "look at the disk, then: referralctl store verify"));
    return exit_of_store(err);
}

static int open_engine(struct daemon *d)
{
    const struct rfl_engine_options options = {
        .store = d->store,
        .policy = d->guidance.policy,
        .directories = d->guidance.directories,
        .lease_ms = d->options.lease_min,
        .test_people = d->options.test_people,
        .session_idle_ms = d->options.session_idle,
        .full_permille = (uint32_t)d->options.store_full_permille,
    };
    enum rfl_err err = rfl_engine_new(&options, &d->now, &d->engine);
    if (err == RFL_E_OK)
        return 0;
    LOG(&d->log, ERROR, "engine.failed", F_ERR("error", err), F_ERRNO("errno", errno));
    return exit_of_store(err);
}

static int bind_socket(struct daemon *d, enum bus_socket socket, const char *endpoint)
{
    static const char *const keys[BUS_SOCKET_COUNT] = { "doors", "workers", "admin" };
    enum rfl_err err = bus_bind(d->bus, socket, endpoint);
    if (err == RFL_E_OK)
        return 0;
    int code = errno;
    if (err == RFL_E_INVALID) {
        LOG(&d->log, ERROR, "bind.refused", F_OURS("socket", keys[socket]),
            F_LIT("why", "the folder of an ipc socket must belong to this user and be closed to others"),
            F_LIT("next", "chmod 0700 it, or choose another folder"));
        return EX_CONFIG;
    }
    LOG(&d->log, ERROR, "bind.failed", F_OURS("socket", keys[socket]), F_ERRNO("errno", code),
        F_LIT("next", "free the address, or choose another one in the configuration"));
    return EX_UNAVAILABLE;
}

static int open_bus(struct daemon *d)
{
    if (bus_new(&d->bus) != RFL_E_OK) {
        LOG(&d->log, ERROR, "bus.failed", F_ERRNO("errno", errno));
        return EX_TEMPFAIL;
    }
    int code = bind_socket(d, BUS_DOORS, d->options.doors);
    if (code == 0)
        code = bind_socket(d, BUS_WORKERS, d->options.workers);
    if (code == 0)
        code = bind_socket(d, BUS_ADMIN, d->options.admin);
    return code;
}

static int check_modes(struct daemon *d)
{
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return EX_TEMPFAIL;
    modes_check_store(&d->options, report);
    for (uint32_t i = 0; i < report->count && i < RFL_CONF_FINDINGS_MAX; i++)
        LOG(&d->log, ERROR, "modes.refused", F_FINDING(&report->finding[i]));
    int code = report->count == 0 ? 0 : EX_CONFIG;
    free(report);
    return code;
}

int daemon_open(struct daemon *d)
{
    clock_read(&d->clock, &d->now);
    int code = check_modes(d);
    if (code == 0)
        code = open_store(d);
    if (code == 0) {
        reload_keep_first(d);       /* before the engine logs that it is in force */
        code = open_engine(d);
    }
    if (code == 0)
        code = open_bus(d);         /* last: whoever can connect can be answered */
    if (code != 0)
        return code;
    struct rfl_store_stat stat;
    rfl_store_stat(d->store, &stat);
    LOG(&d->log, NOTE, "daemon.ready", F_U64("epoch", stat.epoch), F_U64("entries", stat.entries),
        F_U64("cases", stat.cases), F_HASH("policy", d->guidance.policy->digest));
    return 0;
}

void daemon_close(struct daemon *d, int linger_ms)
{
    bus_free(&d->bus, linger_ms);
    if (d->engine != NULL)
        rfl_engine_free(&d->engine);
    if (d->store != NULL)
        rfl_store_close(&d->store);
    guidance_free(&d->guidance);
}
