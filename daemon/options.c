#include "options.h"

#include "endpoint.h"
#include "modes.h"

#define OPT(kind, field, min, max, fallback, reload, help) \
    { #field, RFL_CONF_##kind, offsetof(struct options, field), min, max, fallback, reload, help }

/* Sorted as the example file shows them. */
static const struct rfl_conf_option table[] = {
    /*  kind    field                min       max       default                      reload help */
    OPT(STRING, store_dir,           "1",      "200",    "/var/lib/referrald/store",  false,
        "folder of the store; referralctl init makes it, the daemon never"),
    OPT(STRING, store_key,           "0",      "200",    "",                          false,
        "master key file of mode 0600; without a slash: a credential of systemd; empty: master.key in store_dir"),
    OPT(SIZE,   store_map,           "1MiB",   "1TiB",   "64GiB",                     false,
        "largest size of the store file, in whole pages of 4 KiB"),
    OPT(COUNT,  store_full_permille, "1",      "999",    "700",                       false,
        "new referrals are refused above this share of the map; the rest is for finishing what is open"),
    OPT(BOOL,   store_any_fs,        NULL,     NULL,     "false",                     false,
        "accept a filesystem that is not known to keep its promises (never a network one)"),
    OPT(STRING, policy_dir,          "1",      "200",    "/etc/referrald/policy",     true,
        "folder of the policy: areas, calendar, clocks, disclosure, journey and others, each a .conf file"),
    OPT(STRING, directory_dir,       "0",      "200",    "",                          true,
        "folder of compiled directories; empty: only configuration places people"),
    OPT(STRING, doors,               "1",      "120",    "tcp://127.0.0.1:5701",      false,
        "where adapters connect: tcp or ipc"),
    OPT(STRING, workers,             "1",      "120",    "tcp://127.0.0.1:5702",      false,
        "where intake workers connect: tcp or ipc"),
    OPT(STRING, admin,               "1",      "120",    "ipc:///run/referrald/admin", false,
        "where referralctl connects: tcp or ipc; an ipc socket lies in a folder that is its owner's alone"),
    OPT(STRING, server_key,          "1",      "200",    "/etc/referrald/server.key", false,
        "the daemon's own key pair, mode 0600; referralctl keys new --server makes it"),
    OPT(STRING, keys_file,           "1",      "200",    "/etc/referrald/keys.conf",  true,
        "who may connect and what each may do; referralctl keys allow writes it"),
    OPT(BOOL,   without_keys,        NULL,     NULL,     "false",                     false,
        "for development: whoever reaches a socket may do everything; tcp on this machine only, admin ipc only"),
    OPT(DUR,    session_idle,        "1s",     "1h",     "30s",                       false,
        "a worker silent for longer is gone and its offers return to their queue"),
    OPT(DUR,    lease_min,           "0ms",    "1h",     "0ms",                       false,
        "for demonstrations: how long an offer lasts; 0ms: the policy says"),
    OPT(BOOL,   test_people,         NULL,     NULL,     "false",                     false,
        "for demonstrations: NHS numbers that are never issued tell people apart too"),
    OPT(STRING, log_format,          "4",      "7",      "auto",                      false,
        "auto, logfmt, journal or human"),
    OPT(STRING, user,                "0",      "32",     "",                          false,
        "when started as root, become this user before the store is opened; empty: stay who it is"),
};
static_assert(sizeof table / sizeof table[0] == OPTIONS_COUNT, "OPTIONS_COUNT is the table's length");

const struct rfl_conf_table *options_table(void)
{
    static const struct rfl_conf_table whole = { table, OPTIONS_COUNT };
    return &whole;
}

/* Reports against the key, with the file and line its value came from. */
static void blame(struct rfl_conf_report *report, const struct rfl_conf_origin *origins, const char *key,
                  const char *rule, const char *remedy)
{
    uint32_t at = 0;
    while (at < OPTIONS_COUNT && strcmp(table[at].key, key) != 0)
        at++;
    assert(at < OPTIONS_COUNT);
    rfl_conf_report_add(report, origins[at].file, origins[at].line, key, rule, remedy);
}

static void check_endpoint(struct rfl_conf_report *report, const struct rfl_conf_origin *origins, const char *key,
                           const char *endpoint, enum endpoint_rule rule)
{
    struct endpoint_verdict verdict = endpoint_check(endpoint, rule);
    if (verdict.rule != NULL)
        blame(report, origins, key, verdict.rule, verdict.remedy);
}

static bool is_log_format(const char *word)
{
    return strcmp(word, "auto") == 0 || strcmp(word, "logfmt") == 0 || strcmp(word, "journal") == 0
        || strcmp(word, "human") == 0;
}

/* What the table cannot say of one value alone. */
static void check_whole(const struct options *options, const struct rfl_conf_origin *origins,
                        struct rfl_conf_report *report)
{
    enum endpoint_rule rule = options->without_keys ? ENDPOINT_LOOPBACK : ENDPOINT_ANY;
    check_endpoint(report, origins, "doors", options->doors, rule);
    check_endpoint(report, origins, "workers", options->workers, rule);
    check_endpoint(report, origins, "admin", options->admin, options->without_keys ? ENDPOINT_IPC : rule);
    if (strcmp(options->doors, options->workers) == 0 && strstr(options->doors, ":*") == NULL)
        blame(report, origins, "workers", "doors and workers are two sockets", "give workers another port or path");
    if (strstr(options->admin, ":*") == NULL
        && (strcmp(options->admin, options->doors) == 0 || strcmp(options->admin, options->workers) == 0))
        blame(report, origins, "admin", "admin has a socket of its own", "give admin another path");
    if (options->store_map % 4096 != 0)
        blame(report, origins, "store_map", "the map is whole pages", "use a multiple of 4 KiB, such as 64MiB");
    if (!is_log_format(options->log_format))
        blame(report, origins, "log_format", "not one of the known words", "use auto, logfmt, journal or human");
}

enum rfl_err options_read(const char *path, struct options *options, struct rfl_conf_origin origins[OPTIONS_COUNT],
                          struct rfl_conf_report *report)
{
    struct rfl_conf_file *file = NULL;
    rfl_conf_defaults(options_table(), options, origins);
    enum rfl_err err = rfl_conf_open(path, report, &file);
    if (err != RFL_E_OK)
        return err;
    err = rfl_conf_read(file, options_table(), options, origins, report);
    if (err == RFL_E_OK) {
        check_whole(options, origins, report);
        modes_check_guarded(path, "configuration", report);
        err = report->count == 0 ? RFL_E_OK : RFL_E_INVALID;
    }
    rfl_conf_free(&file);
    return err;
}
