#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rfl_conf_keys.h"
#include "rfl_store.h"

#define EVERY_DOOR "( \"gp\", \"employer\", \"jobcentre\", \"self\", \"local_service\", \"pharmacist\", " \
                   "\"fit_note_service\", \"provider\", \"other\" )"

static const char *const policy_files[] = { "areas.conf", "calendar.conf", "clocks.conf", "disclosure.conf",
                                            "jobcentres.conf", "journey.conf", "retention.conf", "rules.conf" };

static bool said(const char *what, const char *path)
{
    fprintf(stderr, "world: %s: %s: %s\n", what, path, strerror(errno));
    return false;
}

static bool copy_file(const char *from, const char *to)
{
    char buffer[65536];
    bool good = false;
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    if (in != NULL && out != NULL) {
        size_t n;
        good = true;
        while (good && (n = fread(buffer, 1, sizeof buffer, in)) > 0)
            good = fwrite(buffer, 1, n, out) == n;
        good = good && !ferror(in);
    }
    if (in != NULL)
        (void)fclose(in);
    if (out != NULL && fclose(out) != 0)
        good = false;
    return good || said("cannot copy", from);
}

static bool write_sources(const char *path)
{
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return said("cannot write", path);
    fprintf(f, "schema_version = 1;\nsources = (\n");
    for (unsigned i = 0; i < WORLD_SOURCES; i++)
        fprintf(f, "  { id = %u; name = \"bench-%u\"; doors = " EVERY_DOOR "; }%s\n", i + 1, i,
                i + 1 < WORLD_SOURCES ? "," : "");
    fprintf(f, ");\nend_of_config = true;\n");
    return fclose(f) == 0 || said("cannot write", path);
}

static bool write_policy(const struct world *world)
{
    char from[2 * WORLD_PATH_BYTES], to[2 * WORLD_PATH_BYTES];
    (void)snprintf(to, sizeof to, "%s/policy", world->dir);
    if (mkdir(to, 0700) == -1)
        return said("cannot make", to);
    for (size_t i = 0; i < sizeof policy_files / sizeof policy_files[0]; i++) {
        (void)snprintf(from, sizeof from, "%s/%s", world->options.policy_dir, policy_files[i]);
        (void)snprintf(to, sizeof to, "%s/policy/%s", world->dir, policy_files[i]);
        if (!copy_file(from, to))
            return false;
    }
    (void)snprintf(to, sizeof to, "%s/policy/sources.conf", world->dir);
    return write_sources(to);
}

static void allow(FILE *f, const char *name, unsigned number, const struct rfl_identity *identity)
{
    fprintf(f, "  { name = \"%s-%u\"; public = \"%s\"; owner = \"the bench\"; from = \"2000-01-01\"; "
               "until = \"2100-01-01\"; ", name, number, identity->public);
}

/* A server's key, and keys.conf with one operator and the adapters. */
static bool write_keys(struct world *world)
{
    char server_path[2 * WORLD_PATH_BYTES], path[2 * WORLD_PATH_BYTES];
    struct rfl_identity server;
    (void)snprintf(server_path, sizeof server_path, "%s/server.key", world->dir);
    (void)snprintf(path, sizeof path, "%s/keys.conf", world->dir);
    rfl_identity_make(&server);
    if (rfl_identity_write(server_path, &server) != RFL_E_OK)
        return said("cannot write", server_path);
    FILE *f = fopen(path, "w");
    if (f == NULL || fchmod(fileno(f), 0600) == -1) {
        if (f != NULL)
            (void)fclose(f);
        return said("cannot write", path);
    }
    fprintf(f, "schema_version = 1;\nkeys = (\n");
    for (unsigned i = 0; i < world->options.keys; i++) {
        rfl_identity_make(&world->adapter[i]);
        memcpy(world->adapter[i].server, server.public, sizeof server.public);
        allow(f, "adapter", i, &world->adapter[i]);
        fprintf(f, "source = \"bench-%u\"; doors = " EVERY_DOOR "; rate = %d; },\n", i % WORLD_SOURCES,
                RFL_KEY_RATE_MAX);
    }
    rfl_identity_make(&world->operator);
    memcpy(world->operator.server, server.public, sizeof server.public);
    allow(f, "operator", 0, &world->operator);
    fprintf(f, "operator = \"operator\"; verbs = ( \"read\" ); } );\nend_of_config = true;\n");
    return fclose(f) == 0 || said("cannot write", path);
}

static bool write_conf(const struct world *world)
{
    char keys[4 * WORLD_PATH_BYTES] = "without_keys = true;";
    if (world->options.keys > 0)
        (void)snprintf(keys, sizeof keys, "server_key = \"%s/server.key\";\nkeys_file = \"%s/keys.conf\";", world->dir,
                       world->dir);
    FILE *f = fopen(world->conf_path, "w");
    if (f == NULL)
        return said("cannot write", world->conf_path);
    fprintf(f, "schema_version = 1;\nstore_dir = \"%s\";\nstore_any_fs = true;\npolicy_dir = \"%s/policy\";\n"
               "doors = \"%s\";\nworkers = \"%s\";\nadmin = \"%s\";\nlog_format = \"logfmt\";\n"
               "%s\ntest_people = true;\n"
               "%send_of_config = true;\n",
            world->store_dir, world->dir, world->doors, world->workers, world->admin, keys,
            world->options.more_conf != NULL ? world->options.more_conf : "");
    return fclose(f) == 0 || said("cannot write", world->conf_path);
}

/* A port nobody listens on now. Somebody may take it before the daemon does: then it does not start, and says so. */
static unsigned free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t address_bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unsigned port = 0;
    if (fd != -1 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0
        && getsockname(fd, (struct sockaddr *)&address, &address_bytes) == 0)
        port = ntohs(address.sin_port);
    if (fd != -1)
        (void)close(fd);
    return port;
}

static void choose_endpoints(struct world *world)
{
    (void)snprintf(world->admin, sizeof world->admin, "ipc://%s/run/admin", world->dir);
    if (world->options.ipc) {
        (void)snprintf(world->doors, sizeof world->doors, "ipc://%s/run/doors", world->dir);
        (void)snprintf(world->workers, sizeof world->workers, "ipc://%s/run/workers", world->dir);
        return;
    }
    unsigned doors = free_port(), workers = free_port();
    (void)snprintf(world->doors, sizeof world->doors, "tcp://127.0.0.1:%u", doors);
    (void)snprintf(world->workers, sizeof world->workers, "tcp://127.0.0.1:%u", workers);
}

bool world_init(struct world *world, const struct world_options *options)
{
    assert(options->keys <= WORLD_KEYS_MAX);
    *world = (struct world){ .options = *options };
    if (strlen(options->parent_dir) > WORLD_PATH_BYTES - 40)
        return fprintf(stderr, "world: the folder's path is too long\n") < 0;
    (void)snprintf(world->dir, sizeof world->dir, "%s/world-XXXXXX", options->parent_dir);
    if (mkdtemp(world->dir) == NULL)
        return said("cannot make", world->dir);
    (void)snprintf(world->store_dir, sizeof world->store_dir, "%s/store", world->dir);
    (void)snprintf(world->conf_path, sizeof world->conf_path, "%s/referrald.conf", world->dir);
    (void)snprintf(world->log_path, sizeof world->log_path, "%s/daemon.log", world->dir);
    choose_endpoints(world);
    if (!write_policy(world) || !write_conf(world) || (options->keys > 0 && !write_keys(world)))
        return false;
    const struct rfl_store_options store = { .allow_any_fs = true };
    return rfl_store_init(world->store_dir, &store) == RFL_E_OK || said("cannot make a store", world->store_dir);
}

static void redirect(const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1 || dup2(fd, STDERR_FILENO) == -1)
        _exit(126);
}

static pid_t run(const char *program, char *const argv[], const char *out_path, int out_flags)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
    redirect(out_path, out_flags);
    (void)execv(program, argv);
    _exit(127);
}

int world_ctl(const struct world *world, const char *out_path, char *const arguments[])
{
    enum { ARGUMENTS_MAX = 16 };
    char program[2 * WORLD_PATH_BYTES];
    char *argv[ARGUMENTS_MAX + 2] = { program };
    (void)snprintf(program, sizeof program, "%s/referralctl", world->options.bin_dir);
    for (unsigned i = 0; i < ARGUMENTS_MAX && arguments[i] != NULL; i++)
        argv[i + 1] = arguments[i];
    pid_t pid = run(program, argv, out_path != NULL ? out_path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
    int status;
    if (pid == -1 || waitpid(pid, &status, 0) == -1)
        return 126;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool world_spawn(struct world *world)
{
    assert(world->daemon == 0);
    char program[2 * WORLD_PATH_BYTES];
    (void)snprintf(program, sizeof program, "%s/referrald", world->options.bin_dir);
    char *argv[] = { program, "-c", world->conf_path, NULL };
    pid_t pid = run(program, argv, world->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC);
    if (pid == -1)
        return said("cannot start", program);
    world->daemon = pid;
    return true;
}

bool world_has_ended(struct world *world)
{
    int status;
    if (world->daemon != 0 && waitpid(world->daemon, &status, WNOHANG) == 0)
        return false;
    world->daemon = 0;
    return true;
}

static struct rfl_client *operator_of(const struct world *world)
{
    struct rfl_client *client = NULL;
    struct rfl_client_options options = { .endpoint = world->admin, .in_flight_max = 8, .resend_ms = 200 };
    if (world->options.keys > 0) {
        options.server_key = world->operator.server;
        options.public_key = world->operator.public;
        options.secret_key = world->operator.secret;
    }
    return rfl_client_new(&options, &client) == RFL_E_OK ? client : NULL;
}

bool world_await(struct world *world, struct rfl_msg_admin_state *state_out)
{
    enum { LOOK_MS = 1000, LOOKS = 600 };
    struct rfl_client *client = operator_of(world);
    struct rfl_ask *ask = calloc(1, sizeof *ask);
    bool good = false;
    struct rfl_reply reply;
    for (unsigned i = 0; client != NULL && ask != NULL && !good && i < LOOKS; i++) {
        ask->kind = RFL_MSG_ADMIN_STATUS;
        good = rfl_client_ask(client, ask, LOOK_MS, &reply) == RFL_E_OK && reply.kind == RFL_MSG_ADMIN_STATE;
        if (!good && world_has_ended(world))
            break;
    }
    if (good && state_out != NULL) {
        *state_out = reply.admin_state;
        state_out->version = state_out->policy = state_out->directory = state_out->bind = (struct rfl_view){ 0 };
        state_out->counters = NULL;
        state_out->counters_count = 0;
    }
    if (!good)
        fprintf(stderr, "world: the daemon does not answer; its log is %s\n", world->log_path);
    free(ask);
    rfl_client_free(&client);
    return good;
}

bool world_start(struct world *world)
{
    return world_spawn(world) && world_await(world, NULL);
}

int world_end(struct world *world, int signal_number)
{
    int status = 0;
    if (world->daemon == 0)
        return -1;
    (void)kill(world->daemon, signal_number);
    while (waitpid(world->daemon, &status, 0) == -1 && errno == EINTR)
        ;
    world->daemon = 0;
    return status;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void world_fini(struct world *world)
{
    (void)world_end(world, SIGKILL);
    if (world->dir[0] != '\0')
        (void)nftw(world->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    world->dir[0] = '\0';
}

bool world_usage(const struct world *world, struct world_usage *out)
{
    char path[64], line[512];
    *out = (struct world_usage){ 0 };
    (void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)world->daemon);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return said("cannot read", path);
    unsigned long kib;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "Rss: %lu kB", &kib) == 1)
            out->resident_bytes = (uint64_t)kib << 10;
        if (sscanf(line, "Anonymous: %lu kB", &kib) == 1)
            out->private_bytes = (uint64_t)kib << 10;
    }
    (void)fclose(f);
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)world->daemon);
    f = fopen(path, "r");
    if (f == NULL || fgets(line, sizeof line, f) == NULL) {
        if (f != NULL)
            (void)fclose(f);
        return said("cannot read", path);
    }
    (void)fclose(f);
    unsigned long user = 0, system = 0;
    const char *after_name = strrchr(line, ')');
    if (after_name == NULL || sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                                     &system) != 2)
        return said("cannot read", path);
    out->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

unsigned world_queues(struct world *world, char (*names)[RFL_NAME_BYTES_MAX + 1], unsigned names_max)
{
    struct rfl_client *client = operator_of(world);
    struct rfl_ask *ask = calloc(1, sizeof *ask);
    unsigned count = 0;
    bool more = client != NULL && ask != NULL;
    while (more && count < names_max) {
        struct rfl_reply reply;
        ask->kind = RFL_MSG_QUEUE_LIST;
        ask->after = count == 0 ? (struct rfl_view){ 0 } : rfl_view_of(names[count - 1]);
        if (rfl_client_ask(client, ask, 10000, &reply) != RFL_E_OK || reply.kind != RFL_MSG_QUEUES)
            break;
        for (uint32_t i = 0; i < reply.queues.rows_count && count < names_max; i++) {
            struct rfl_view name = reply.queues.rows[i].name;
            assert(name.len <= RFL_NAME_BYTES_MAX);
            memcpy(names[count], name.p, name.len);
            names[count++][name.len] = '\0';
        }
        more = reply.queues.more && reply.queues.rows_count > 0;
    }
    free(ask);
    rfl_client_free(&client);
    return count;
}
