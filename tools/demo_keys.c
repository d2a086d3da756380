/* Who may connect: a key pair for everybody in the demonstration, keys.conf with the least that each needs, and a
 * stranger. */
#include <stdlib.h>

#include "demo.h"
#include "rfl_conf_keyfile.h"

enum { PATH_BYTES = 512, RIGHTS_BYTES = DEMO_QUEUES_OF_A_DESK_MAX * (RFL_NAME_BYTES_MAX + 2), ANSWER_MS = 20000,
       GOOD_DAYS = 90 };

struct maker {
    const char *folder;
    struct rfl_identity server;
    struct rfl_keyfile *file;
    struct rfl_conf_report report;
    char rights[RIGHTS_BYTES];
};

static void path_of(const char *folder, const char *name, char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "%s/keys/%s.key", folder, name);
}

static bool make_pair(const char *folder, const char *name, const char *server, struct rfl_identity *out)
{
    char path[PATH_BYTES];
    path_of(folder, name, path);
    rfl_identity_make(out);
    (void)snprintf(out->server, sizeof out->server, "%s", server);
    return rfl_identity_write(path, out) == RFL_E_OK;
}

static bool allow(struct maker *m, enum rfl_key_kind kind, const char *name, const char *rights)
{
    struct rfl_identity made;
    struct rfl_date today = rfl_london_date(demo_now_ms());
    bool good = make_pair(m->folder, name, m->server.public, &made);
    const struct rfl_key_grant grant = { .name = name, .public = made.public, .owner = "the demonstration",
                                         .who = name, .rights = rights, .kind = kind, .from = today,
                                         .until = rfl_date_from_days(rfl_date_days(today) + GOOD_DAYS) };
    good = good && rfl_keyfile_add(m->file, &grant) == RFL_E_OK;
    rfl_identity_forget(&made);
    return good;
}

static bool allow_worker(struct maker *m, const char *name, const struct rfl_view *queues, uint32_t count)
{
    size_t used = 0;
    m->rights[0] = '\0';
    for (uint32_t i = 0; i < count; i++)
        used += (size_t)snprintf(m->rights + used, sizeof m->rights - used, "%s%.*s", i > 0 ? "," : "",
                                 (int)queues[i].len, (const char *)queues[i].p);
    return allow(m, RFL_KEY_WORKER, name, m->rights);
}

static bool allow_everybody(struct maker *m, const struct demo_world *world)
{
    struct rfl_view queues[DEMO_QUEUES_OF_A_DESK_MAX];
    char name[DEMO_NAME_BYTES];
    for (uint32_t i = 0; i < demo_source_count; i++)
        if (!allow(m, RFL_KEY_SOURCE, demo_source_names[i], rfl_door_name(demo_source_door(i))))
            return false;
    for (uint32_t i = 0; i < DEMO_DESKS; i++) {
        demo_desk_name(i, name);
        if (!allow_worker(m, name, queues, demo_desk_queues(world, i, queues)))
            return false;
    }
    return allow_worker(m, DEMO_EVENING_NAME, queues, demo_evening_queues(world, queues))
        && allow(m, RFL_KEY_OPERATOR, DEMO_DESK_OPERATOR, "read,triage,queue")
        && allow(m, RFL_KEY_OPERATOR, DEMO_KEEPER, "policy,keys")
        && allow(m, RFL_KEY_OPERATOR, DEMO_VISITOR, "read,audit");
}

bool demo_keys_make(const struct demo_world *world, const char *folder)
{
    char path[PATH_BYTES];
    struct maker *m = calloc(1, sizeof *m);
    if (m == NULL)
        return false;
    m->folder = folder;
    (void)snprintf(path, sizeof path, "%s/keys.conf", folder);
    bool good = make_pair(folder, "server", "", &m->server)
        && rfl_keyfile_open(path, &m->report, &m->file) == RFL_E_OK && allow_everybody(m, world)
        && rfl_keyfile_save(m->file, true, &m->report) == RFL_E_OK;
    if (!good) {
        rfl_conf_report_print(&m->report, stderr);
        fputs("demo_driver: the keys could not be made\n", stderr);
    }
    rfl_keyfile_close(&m->file);
    rfl_identity_forget(&m->server);
    free(m);
    return good;
}

static bool read_pair(const struct demo *demo, const char *name, struct rfl_identity *out)
{
    static struct rfl_conf_report report;
    char path[PATH_BYTES];
    path_of(demo->dir, name, path);
    if (rfl_identity_read(path, true, &report, out) == RFL_E_OK)
        return true;
    rfl_conf_report_print(&report, stderr);
    return false;
}

static bool connect_with(struct rfl_identity *identity, struct rfl_client_options options, struct rfl_client **out)
{
    options.server_key = identity->server;
    options.public_key = identity->public;
    options.secret_key = identity->secret;
    bool good = rfl_client_new(&options, out) == RFL_E_OK;
    rfl_identity_forget(identity);
    return good;
}

bool demo_keys_connect(const struct demo *demo, const char *name, const struct rfl_client_options *options,
                       struct rfl_client **out)
{
    struct rfl_identity identity;
    return read_pair(demo, name, &identity) && connect_with(&identity, *options, out);
}

bool demo_keys_stranger(struct demo *demo)
{
    struct rfl_identity known, stranger;
    struct rfl_client *client = NULL;
    struct rfl_reply reply;
    const struct rfl_client_options options = { .endpoint = demo->doors, .give_up = true };
    const struct rfl_ask ask = { .kind = RFL_MSG_KEY_SHOW };
    if (!read_pair(demo, DEMO_VISITOR, &known))
        return false;
    rfl_identity_make(&stranger);
    memcpy(stranger.server, known.server, sizeof stranger.server);
    rfl_identity_forget(&known);
    if (!connect_with(&stranger, options, &client))
        return false;
    bool answered = rfl_client_ask(client, &ask, ANSWER_MS, &reply) == RFL_E_OK;
    enum rfl_client_trouble trouble = rfl_client_trouble(client);
    rfl_client_free(&client);
    demo->strangers_refused += !answered && trouble == RFL_TROUBLE_KEY_NOT_KNOWN;
    demo_say("a key nobody knows: %s", answered ? "LET IN" : "refused");
    return true;
}

bool demo_ctl(struct demo *demo, const char *name, const char *const words[], const char *file)
{
    char log[PATH_BYTES], identity[PATH_BYTES];
    const char *argv[DEMO_WORDS_MAX + 4] = { demo->ctl_path, "--identity", identity };
    (void)snprintf(log, sizeof log, "%s/%s", demo->dir, file);
    path_of(demo->dir, name, identity);
    for (size_t i = 0; words[i] != NULL; i++) {
        assert(i < DEMO_WORDS_MAX);
        argv[3 + i] = words[i];
    }
    if (demo_run(argv, log) == 0)
        return true;
    printf("referralctl %s %s failed; see %s\n", words[0], words[1], log);
    return false;
}

bool demo_keys_revoke(struct demo *demo, const char *name)
{
    char keys[PATH_BYTES];
    (void)snprintf(keys, sizeof keys, "%s/keys.conf", demo->dir);
    const char *const revoke[] = { "keys", "revoke", name, "--keys", keys, "--operator", DEMO_KEEPER, "--reason",
                                   "lost with a bag", "--execute", NULL };
    return demo_ctl(demo, DEMO_KEEPER, revoke, "operator.log");
}
