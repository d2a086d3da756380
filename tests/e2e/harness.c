#include "harness.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "canaries.h"
#include "canary.h"

/* ---- files ---- */

int64_t e2e_clock_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

__attribute__((format(printf, 2, 3)))
static void path_in(char out[E2E_PATH_BYTES], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, E2E_PATH_BYTES, format, args);
    va_end(args);
    assert_true(len > 0 && len < E2E_PATH_BYTES);
}

void e2e_write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_not_equal(fputs(text, f), EOF);
    assert_int_equal(fclose(f), 0);
}

char *e2e_read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t cap = 1 << 16, len = 0, got;
    char *text = malloc(cap);
    assert_non_null(text);
    while ((got = fread(text + len, 1, cap - len - 1, f)) > 0) {
        len += got;
        if (cap - len < 2) {
            text = realloc(text, cap *= 2);
            assert_non_null(text);
        }
    }
    (void)fclose(f);
    text[len] = '\0';
    return text;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    (void)st;
    (void)flag;
    (void)where;
    return remove(path);
}

static void copy_policy(const struct e2e *e)
{
    static const char *const names[] = { "areas", "calendar", "clocks", "disclosure", "jobcentres", "journey",
                                         "retention", "rules", "sources" };
    assert_int_equal(mkdir(e->policy, 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char from[E2E_PATH_BYTES], to[E2E_PATH_BYTES];
        path_in(from, "config/policy/%s.conf", names[i]);
        path_in(to, "%.200s/%s.conf", e->policy, names[i]);
        char *text = e2e_read_file(from);
        e2e_write_file(to, text);
        free(text);
    }
}

void e2e_write_conf(const struct e2e *e)
{
    char text[4096], keys[2 * E2E_PATH_BYTES + 64] = "without_keys = true;";
    if (e->keys)
        (void)snprintf(keys, sizeof keys, "server_key = \"%s\"; keys_file = \"%s\";", e->server_key, e->keys_file);
    int len = snprintf(text, sizeof text,
                       "schema_version = 1;\nstore_dir = \"%s\";\nstore_map = \"%s\";\nstore_any_fs = true;\n"
                       "policy_dir = \"%s\";\ndoors = \"%s\";\nworkers = \"%s\";\nadmin = \"%s\"; %s\n%s\n"
                       "log_format = \"logfmt\";\nend_of_config = true;\n",
                       e->store, e->store_map, e->policy, e->doors, e->workers, e->admin, keys, e->extra);
    assert_true(len > 0 && (size_t)len < sizeof text);
    e2e_write_file(e->conf, text);
}

/* ---- keys ---- */

const char *e2e_days(int from, int until)
{
    static char text[4][80];
    static unsigned turn;
    char *out = text[turn++ % 4];
    int32_t today = rfl_date_days(rfl_london_date((int64_t)time(NULL) * 1000));
    struct rfl_date a = rfl_date_from_days(today + from), b = rfl_date_from_days(today + until);
    (void)snprintf(out, sizeof text[0], "from = \"%04d-%02d-%02d\"; until = \"%04d-%02d-%02d\";", (int)a.year, a.month,
                   a.day, (int)b.year, b.month, b.day);
    return out;
}

struct rfl_identity e2e_identity(const struct e2e *e)
{
    struct rfl_identity made;
    rfl_identity_make(&made);
    memcpy(made.server, e->operator.server, sizeof made.server);
    return made;
}

void e2e_allow(struct e2e *e, const char *name, const struct rfl_identity *identity, const char *terms)
{
    size_t used = strlen(e->entries);
    int len = snprintf(e->entries + used, sizeof e->entries - used,
                       "%s  { name = \"%s\"; public = \"%s\"; owner = \"the tests\"; %s }", used > 0 ? ",\n" : "", name,
                       identity->public, terms);
    assert_true(len > 0 && (size_t)len < sizeof e->entries - used);
}

void e2e_write_keys(const struct e2e *e)
{
    static char text[E2E_KEYS_BYTES + 256];
    (void)snprintf(text, sizeof text, "schema_version = 1;\nkeys = (\n%s\n);\nend_of_config = true;\n", e->entries);
    e2e_write_file(e->keys_file, text);
    assert_int_equal(chmod(e->keys_file, 0600), 0);
}

void e2e_use_keys(struct e2e *e)
{
    struct rfl_identity server;
    char terms[256];
    path_in(e->server_key, "%.150s/server.key", e->dir);
    path_in(e->keys_file, "%.150s/keys.conf", e->dir);
    rfl_identity_make(&server);
    assert_int_equal(rfl_identity_write(e->server_key, &server), RFL_E_OK);
    memcpy(e->operator.server, server.public, sizeof server.public);
    e->operator = e2e_identity(e);
    (void)snprintf(terms, sizeof terms, "%s operator = \"harness\"; verbs = ( \"read\", \"triage\", \"queue\","
                   " \"policy\", \"keys\", \"audit\", \"subject\", \"reveal\" );", e2e_days(-1, 100));
    e2e_allow(e, "harness", &e->operator, terms);
    e2e_write_keys(e);
    e->keys = true;
    e2e_write_conf(e);
}

static const struct rfl_identity *operator_of(const struct e2e *e)
{
    return e->keys ? &e->operator : NULL;
}

void e2e_learn_endpoints(struct e2e *e)
{
    struct e2e_peer peer;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    char text[3 * E2E_PATH_BYTES];
    e2e_peer_open_as(&peer, e->admin, operator_of(e));
    e2e_peer_ask(&peer, &ask, &reply);
    struct rfl_view bind = reply.admin_state.bind;
    assert_true(bind.len < sizeof text);
    memcpy(text, bind.p, bind.len);
    text[bind.len] = '\0';
    assert_int_equal(sscanf(text, "%255s %255s %255s", e->doors, e->workers, e->admin), 3);
    e2e_peer_close(&peer);
}

void e2e_setup(struct e2e *e)
{
    const struct rfl_store_options options = { .map_bytes = UINT64_C(256) << 20, .allow_any_fs = true };
    const char *tmp = getenv("TMPDIR");
    memset(e, 0, sizeof *e);
    path_in(e->dir, "%.100s/referrald-e2e.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(e->dir));
    path_in(e->conf, "%.150s/referrald.conf", e->dir);
    path_in(e->store, "%.150s/store", e->dir);
    path_in(e->policy, "%.150s/policy", e->dir);
    path_in(e->doors, "ipc://%.150s/run/doors", e->dir);
    path_in(e->workers, "ipc://%.150s/run/workers", e->dir);
    path_in(e->admin, "ipc://%.150s/run/admin", e->dir);
    path_in(e->log, "%.150s/log", e->dir);
    (void)snprintf(e->store_map, sizeof e->store_map, "256MiB");
    copy_policy(e);
    e2e_write_conf(e);
    assert_int_equal(rfl_store_init(e->store, &options), RFL_E_OK);
}

void e2e_teardown(struct e2e *e)
{
    if (e->pid != 0)
        (void)e2e_stop(e, SIGKILL);
    assert_int_equal(canary_search(e->dir), 0);         /* nobody is named in anything that was left */
    assert_int_equal(nftw(e->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- the process ---- */

/* In the child. A small quarantine, so that memory measured under the sanitizers is the program's own; the leak of
 * libconfig after a syntax error is known. */
static void become_daemon(const char *const *arguments, int out, int err)
{
    const char *argv[16] = { RFL_REFERRALD };
    for (int i = 0; i < 14 && arguments[i] != NULL; i++)
        argv[i + 1] = arguments[i];
    (void)setenv("ASAN_OPTIONS", "quarantine_size_mb=1:malloc_context_size=4:verify_asan_link_order=0", 1);
    if (access("tests/lsan.supp", R_OK) == 0)
        (void)setenv("LSAN_OPTIONS", "suppressions=tests/lsan.supp:print_suppressions=0", 1);
    if (dup2(out, STDOUT_FILENO) == -1 || dup2(err, STDERR_FILENO) == -1)
        _exit(126);
    union { const char **from; char *const *to; } cast = { argv };
    (void)execv(RFL_REFERRALD, cast.to);
    _exit(127);
}

void e2e_spawn(struct e2e *e)
{
    const char *const arguments[] = { "-c", e->conf, NULL };
    assert_int_equal(e->pid, 0);
    int log = open(e->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(log >= 0);
    e->pid = fork();
    assert_int_not_equal(e->pid, -1);
    if (e->pid == 0) {
        if (e->preload != NULL)
            (void)setenv("LD_PRELOAD", e->preload, 1);
        become_daemon(arguments, log, log);
    }
    (void)close(log);
}

static void fail_with_log(const struct e2e *e, const char *what)
{
    char *text = e2e_read_file(e->log);
    print_error("the daemon's log:\n%s\n", text);
    free(text);
    fail_msg("%s", what);
}

void e2e_start(struct e2e *e)
{
    struct e2e_peer peer;
    struct rfl_reply reply;
    e2e_spawn(e);
    e2e_peer_open_as(&peer, e->admin, operator_of(e));
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    e2e_peer_send(&peer, &ask);                 /* waits in our own pipe until the socket is there */
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    while (!e2e_peer_hear(&peer, &reply, 50)) {
        int status;
        if (waitpid(e->pid, &status, WNOHANG) != 0) {
            e->pid = 0;
            fail_with_log(e, "the daemon ended instead of becoming ready");
        }
        if (e2e_clock_ms() > deadline)
            fail_with_log(e, "the daemon did not become ready");
    }
    assert_int_equal(reply.kind, RFL_MSG_ADMIN_STATE);
    e2e_peer_close(&peer);
}

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int e2e_run(const char *const *arguments, char *out, size_t cap)
{
    int ends[2], status;
    size_t len = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0)
        become_daemon(arguments, ends[1], ends[1]);
    (void)close(ends[1]);
    for (ssize_t got = 1; got > 0 && len < cap - 1; len += got > 0 ? (size_t)got : 0)
        got = read(ends[0], out + len, cap - 1 - len);
    out[len] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return exit_code(status);
}

/* A child that does not end in time is killed, and the test fails. */
int e2e_wait(struct e2e *e)
{
    int status = 0;
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    while (waitpid(e->pid, &status, WNOHANG) == 0) {
        if (e2e_clock_ms() > deadline) {
            (void)kill(e->pid, SIGKILL);
            (void)waitpid(e->pid, &status, 0);
            e->pid = 0;
            fail_with_log(e, "the daemon did not end");
        }
        (void)poll(NULL, 0, 5);
    }
    e->pid = 0;
    return exit_code(status);
}

int e2e_stop(struct e2e *e, int signal)
{
    assert_int_not_equal(e->pid, 0);            /* 0 would be everybody of our own group, ctest included */
    assert_int_equal(kill(e->pid, signal), 0);
    return e2e_wait(e);
}

bool e2e_is_running(const struct e2e *e)
{
    int status;
    return e->pid != 0 && waitpid(e->pid, &status, WNOHANG) == 0;
}

size_t e2e_log_bytes(const struct e2e *e)
{
    struct stat st;
    return stat(e->log, &st) == 0 ? (size_t)st.st_size : 0;
}

size_t e2e_await_log(const struct e2e *e, const char *text, size_t from)
{
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    for (;;) {
        char *log = e2e_read_file(e->log);
        size_t len = strlen(log);
        bool found = len > from && strstr(log + from, text) != NULL;
        free(log);
        if (found)
            return len;
        if (e2e_clock_ms() > deadline)
            fail_with_log(e, text);
        (void)poll(NULL, 0, 5);
    }
}

long e2e_rss_kib(const struct e2e *e)
{
    char path[E2E_PATH_BYTES], line[256];
    long kib = -1;
    path_in(path, "/proc/%ld/status", (long)e->pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (kib == -1 && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtol(line + 8, NULL, 10);
    (void)fclose(f);
    assert_true(kib > 0);
    return kib;
}

/* ---- a peer ---- */

void e2e_peer_open(struct e2e_peer *peer, const char *endpoint)
{
    e2e_peer_open_as(peer, endpoint, NULL);
}

void e2e_peer_open_as(struct e2e_peer *peer, const char *endpoint, const struct rfl_identity *identity)
{
    void *context = zmq_ctx_new();
    assert_non_null(context);
    e2e_peer_open_in(context, peer, endpoint, identity);
    peer->context = context;
}

void e2e_peer_open_in(void *context, struct e2e_peer *peer, const char *endpoint, const struct rfl_identity *identity)
{
    int linger = 0, unlimited = 0;
    *peer = (struct e2e_peer){ .memory = malloc(RFL_ARENA_BYTES), .frame = malloc(RFL_MESSAGE_BYTES_MAX) };
    assert_true(peer->memory != NULL && peer->frame != NULL);
    rfl_arena_init(&peer->arena, peer->memory, RFL_ARENA_BYTES);
    peer->socket = zmq_socket(context, ZMQ_DEALER);
    assert_non_null(peer->socket);
    assert_int_equal(zmq_setsockopt(peer->socket, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_setsockopt(peer->socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited), 0);
    assert_int_equal(zmq_setsockopt(peer->socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited), 0);
    if (identity != NULL) {
        assert_int_equal(zmq_setsockopt(peer->socket, ZMQ_CURVE_SERVERKEY, identity->server, 41), 0);
        assert_int_equal(zmq_setsockopt(peer->socket, ZMQ_CURVE_PUBLICKEY, identity->public, 41), 0);
        assert_int_equal(zmq_setsockopt(peer->socket, ZMQ_CURVE_SECRETKEY, identity->secret, 41), 0);
    }
    assert_int_equal(zmq_connect(peer->socket, endpoint), 0);
}

void e2e_peer_close(struct e2e_peer *peer)
{
    (void)zmq_close(peer->socket);
    if (peer->context != NULL)
        (void)zmq_ctx_term(peer->context);
    free(peer->memory);
    free(peer->frame);
    memset(peer, 0, sizeof *peer);
}

void e2e_peer_send_frames(struct e2e_peer *peer, const struct rfl_view *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_not_equal(zmq_send(peer->socket, frames[i].p, frames[i].len, i + 1 < count ? ZMQ_SNDMORE : 0), -1);
}

void e2e_peer_send(struct e2e_peer *peer, struct rfl_ask *ask)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    ask->correlation = ++peer->correlation;
    size_t len = rfl_wire_encode_ask(ask, frame, sizeof frame);
    assert_true(len > 0);
    e2e_peer_send_frames(peer, &(struct rfl_view){ frame, len }, 1);
}

bool e2e_peer_hear(struct e2e_peer *peer, struct rfl_reply *reply, int timeout_ms)
{
    zmq_pollitem_t item = { .socket = peer->socket, .events = ZMQ_POLLIN };
    if (zmq_poll(&item, 1, timeout_ms) != 1)
        return false;
    int len = zmq_recv(peer->socket, peer->frame, RFL_MESSAGE_BYTES_MAX, 0);
    assert_true(len >= 0 && len <= RFL_MESSAGE_BYTES_MAX);
    rfl_arena_reset(&peer->arena);
    struct rfl_view frame = { peer->frame, (size_t)len };
    assert_int_equal(rfl_wire_decode_reply(frame, &peer->arena, reply), RFL_CODE_OK);
    return true;
}

static bool hear_until(struct e2e_peer *peer, struct rfl_reply *reply, int64_t deadline)
{
    int64_t left = deadline - e2e_clock_ms();
    return left > 0 && e2e_peer_hear(peer, reply, (int)left);
}

void e2e_peer_await(struct e2e_peer *peer, enum rfl_message_kind kind, struct rfl_reply *reply)
{
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    do
        if (!hear_until(peer, reply, deadline))
            fail_msg("no %s came", rfl_message_name(kind));
    while (reply->kind != kind);
}

void e2e_peer_ask(struct e2e_peer *peer, struct rfl_ask *ask, struct rfl_reply *reply)
{
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    e2e_peer_send(peer, ask);
    do
        if (!hear_until(peer, reply, deadline))
            fail_msg("%s was not answered", rfl_message_name(ask->kind));
    while (reply->correlation != ask->correlation);
}

void e2e_peer_expect_refusal(struct e2e_peer *peer, struct rfl_ask *ask, enum rfl_code code)
{
    struct rfl_reply reply;
    e2e_peer_ask(peer, ask, &reply);
    if (reply.kind != RFL_MSG_REFUSAL)
        fail_msg("%s was answered by %s instead of a refusal", rfl_message_name(ask->kind),
                 rfl_message_name(reply.kind));
    assert_string_equal(rfl_code_name(reply.refusal.code), rfl_code_name(code));
}

/* ---- messages ---- */

struct rfl_view e2e_view(const char *text)
{
    return (struct rfl_view){ (const uint8_t *)text, strlen(text) };
}

struct rfl_view e2e_referral(const char *words)
{
    static uint8_t bytes[RFL_BODY_BYTES_MAX];
    const struct rfl_form form = {
        .door = RFL_DOOR_JOBCENTRE, .has_band = true, .band = RFL_BAND_ROUTINE, .consent = RFL_CONSENT_GIVEN,
        .employment = RFL_EMPLOYMENT_OUT_OF_WORK, .main_barrier = 3, .weeks_out_of_work = 12,
        .jobcentre = e2e_view("EX0001"), .name = e2e_view(CANARY_NAME),
        .date_of_birth = e2e_view(CANARY_BIRTH), .address = e2e_view(CANARY_STREET), .phone = e2e_view(CANARY_PHONE),
        .email = e2e_view(CANARY_EMAIL), .contact_notes = e2e_view(CANARY_NOTES), .reason = e2e_view(words),
    };
    size_t len = rfl_wire_encode_form(&form, bytes, sizeof bytes);
    assert_true(len > 0);
    assert_true(canary_all_in(bytes, len));
    return (struct rfl_view){ bytes, len };
}

struct rfl_ask e2e_submit(const char *reference, const char *words)
{
    return (struct rfl_ask){ .kind = RFL_MSG_SUBMIT, .source = e2e_view("jobcentre-feed"),
                             .reference = e2e_view(reference), .referral = e2e_referral(words) };
}

static void ask_state(struct e2e_peer *admin, struct rfl_reply *reply)
{
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    e2e_peer_ask(admin, &ask, reply);
    assert_int_equal(reply->kind, RFL_MSG_ADMIN_STATE);
}

uint64_t e2e_peer_counter(struct e2e_peer *admin, const char *name)
{
    struct rfl_reply reply;
    ask_state(admin, &reply);
    for (uint32_t i = 0; i < reply.admin_state.counters_count; i++) {
        const struct rfl_counter *at = &reply.admin_state.counters[i];
        if (at->name.len == strlen(name) && memcmp(at->name.p, name, at->name.len) == 0)
            return at->value;
    }
    fail_msg("the admin status has no counter %s", name);
    return 0;
}

uint64_t e2e_counter(const struct e2e *e, const char *name)
{
    struct e2e_peer peer;
    e2e_peer_open_as(&peer, e->admin, operator_of(e));
    uint64_t value = e2e_peer_counter(&peer, name);
    e2e_peer_close(&peer);
    return value;
}

struct rfl_msg_admin_state e2e_admin_state(const struct e2e *e)
{
    struct e2e_peer peer;
    struct rfl_reply reply;
    e2e_peer_open_as(&peer, e->admin, operator_of(e));
    ask_state(&peer, &reply);
    e2e_peer_close(&peer);
    struct rfl_msg_admin_state state = reply.admin_state;
    state.counters = NULL;
    state.version = state.policy = state.directory = state.bind = (struct rfl_view){ NULL, 0 };
    return state;
}
