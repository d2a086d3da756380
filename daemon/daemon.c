#include "daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "modes.h"
#include "notify.h"
#include "rfl_wire.h"

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
        .credentials_dir = getenv("CREDENTIALS_DIRECTORY"),
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

static bool read_form(struct rfl_view referral, struct rfl_arena *arena, struct rfl_form *form)
{
    struct rfl_findings findings;
    return rfl_wire_decode_form(referral, arena, form, &findings) == RFL_CODE_OK;
}

static int open_engine(struct daemon *d)
{
    const struct rfl_engine_options options = {
        .store = d->store,
        .policy = d->guidance.policy,
        .directories = d->guidance.directories,
        .policy_kept = reload_kept,
        .policy_ctx = d,
        .lease_ms = d->options.lease_min,
        .test_people = d->options.test_people,
        .session_idle_ms = d->options.session_idle,
        .full_permille = (uint32_t)d->options.store_full_permille,
        .read_form = read_form,
    };
    enum rfl_err err = rfl_engine_new(&options, &d->now, &d->engine);
    if (err == RFL_E_OK)
        return 0;
    LOG(&d->log, ERROR, "engine.failed", F_ERR("error", err), F_ERRNO("errno", errno));
    return exit_of_store(err);
}

static const char *const socket_names[BUS_SOCKET_COUNT] = { "doors", "workers", "admin" };

static int bind_socket(struct daemon *d, enum bus_socket socket, const char *endpoint)
{
    enum rfl_err err = bus_bind(d->bus, socket, endpoint);
    if (err == RFL_E_OK)
        return 0;
    int code = errno;
    if (err == RFL_E_INVALID) {
        LOG(&d->log, ERROR, "bind.refused", F_OURS("socket", socket_names[socket]),
            F_LIT("why", "the folder of an ipc socket must belong to this user and be closed to others"),
            F_LIT("next", "chmod 0700 it, or choose another folder"));
        return EX_CONFIG;
    }
    if (err == RFL_E_VERSION) {
        LOG(&d->log, ERROR, "bind.refused", F_OURS("socket", socket_names[socket]),
            F_LIT("why", "this libzmq cannot be made to insist on keys (CURVE, ZAP, option 93)"),
            F_LIT("next", "use the libzmq of Debian 12"));
        return EX_CONFIG;
    }
    LOG(&d->log, ERROR, "bind.failed", F_OURS("socket", socket_names[socket]), F_ERRNO("errno", code),
        F_LIT("next", "free the address, or choose another one in the configuration"));
    return EX_UNAVAILABLE;
}

/* What keeps strangers out is another library's, so it is tried before anything is read. The table is in force by then:
 * a client that was waiting for us and is told that its key is unknown would not come again by itself. */
static int try_locks(struct daemon *d)
{
    for (unsigned socket = 0; socket < BUS_SOCKET_COUNT; socket++) {
        if (bus_refuses_strangers(d->bus, (enum bus_socket)socket))
            continue;
        LOG(&d->log, ERROR, "keys.not_kept", F_OURS("socket", socket_names[socket]),
            F_LIT("why", "a key that nobody knows was not refused, or this machine does not reach its own address"),
            F_LIT("next", "allow that address (IPAddressAllow= of the unit, firewall); or look at libzmq: it must have "
                  "CURVE, ZAP and ZMQ_ZAP_ENFORCE_DOMAIN"));
        return EX_CONFIG;
    }
    return 0;
}

static int open_bus(struct daemon *d)
{
    enum rfl_err err = bus_new(&d->bus);
    if (err == RFL_E_OK && !d->options.without_keys)
        err = bus_require_keys(d->bus, &d->keyring.server);
    if (err != RFL_E_OK) {
        LOG(&d->log, ERROR, "bus.failed", F_ERRNO("errno", errno));
        return EX_TEMPFAIL;
    }
    bus_set_keys(d->bus, d->keyring.keys);
    int code = bind_socket(d, BUS_DOORS, d->options.doors);
    if (code == 0)
        code = bind_socket(d, BUS_WORKERS, d->options.workers);
    if (code == 0)
        code = bind_socket(d, BUS_ADMIN, d->options.admin);
    if (code != 0)
        return code;
    if (d->options.without_keys)
        LOG(&d->log, WARN, "keys.none", F_LIT("why", "without_keys = true: whoever reaches a socket may do everything"),
            F_LIT("next", "for development only; set server_key and keys_file"));
    else
        code = try_locks(d);
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
        reload_judge_first(d);
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
    if (d->kept != NULL)
        rfl_conf_policy_free(&d->kept);
    keyring_close(&d->keyring);
}

struct cutting { const struct daemon *d; const struct rfl_keys *old, *keys; };

static bool wants_cut(void *ctx, const struct peer *peer)
{
    const struct cutting *cutting = ctx;
    const struct rfl_key_entry *entry = rfl_keys_find(cutting->keys, &peer->key);
    if (entry == NULL || rfl_key_state(entry, cutting->d->now.wall_ms) != RFL_KEY_GOOD)
        return true;
    const struct rfl_key_entry *old = rfl_keys_find(cutting->old, &peer->key);
    /* What is said of doors and verbs is judged by message; a subscription was judged once. */
    return old == NULL || old->kind != entry->kind || strcmp(old->who, entry->who) != 0
        || !rfl_key_same_queues(cutting->old, old, cutting->keys, entry);
}

enum rfl_err daemon_put_keys(struct daemon *d, struct rfl_keys *keys, uint32_t *ended)
{
    struct rfl_keys *old = keyring_replace(&d->keyring, keys);
    if (old == NULL)
        return RFL_E_MEMORY;
    bus_set_keys(d->bus, keys);
    *ended = bus_cut_all(d->bus, wants_cut, &(struct cutting){ d, old, keys }, d->now.boot_ms, false);
    rfl_keys_free(&old);
    LOG(&d->log, NOTE, "keys.loaded", F_U64("keys", rfl_keys_count(keys)), F_U64("ended", *ended));
    return RFL_E_OK;
}

enum rfl_err daemon_reload_keys(struct daemon *d, bool dry_run, struct rfl_conf_report *report, uint32_t *ended)
{
    struct rfl_keys *keys = NULL;
    *ended = 0;
    if (d->options.without_keys)
        return RFL_E_OK;
    enum rfl_err err = keyring_read(&d->options, report, &keys);
    if (err == RFL_E_OK && dry_run)
        *ended = bus_cut_all(d->bus, wants_cut, &(struct cutting){ d, d->keyring.keys, keys }, d->now.boot_ms, true);
    else if (err == RFL_E_OK && (err = daemon_put_keys(d, keys, ended)) == RFL_E_OK)
        keys = NULL;
    rfl_keys_free(&keys);
    return err;
}

void daemon_end_expired(struct daemon *d)
{
    if (d->keyring.keys == NULL)
        return;
    struct cutting cutting = { d, d->keyring.keys, d->keyring.keys };
    uint32_t ended = bus_cut_all(d->bus, wants_cut, &cutting, d->now.boot_ms, false);
    if (ended > 0)
        LOG(&d->log, NOTE, "keys.ended", F_U64("connections", ended));
}
