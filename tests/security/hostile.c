#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>
#include <zmq.h>

#include "canaries.h"
#include "harness.h"

enum { CROWD_CONNECTIONS = 100, SILENT_CONNECTIONS = 150, HALF_OPEN_CONNECTIONS = 500, RECONCILE_NAMES = 2000 };

/* ---- a client of libzmq ---- */

struct line { void *context, *socket, *monitor; };

static bool attacks(const struct hostile *h) { return atomic_load(h->attack) && !atomic_load(h->over); }

static void add(atomic_ullong *count, unsigned n) { atomic_fetch_add_explicit(count, n, memory_order_relaxed); }

static void must(bool good)
{
    if (!good)
        _exit(3);
}

static void *connect_as(void *context, const struct rfl_identity *identity, const char *id)
{
    int none = 0, few = 1000;
    void *socket = zmq_socket(context, ZMQ_DEALER);
    must(socket != NULL && zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) == 0
         && zmq_setsockopt(socket, ZMQ_SNDHWM, &few, sizeof few) == 0
         && zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, identity->server, RFL_Z85_CHARS + 1) == 0
         && zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, identity->public, RFL_Z85_CHARS + 1) == 0
         && zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, identity->secret, RFL_Z85_CHARS + 1) == 0);
    if (id != NULL)
        must(zmq_setsockopt(socket, ZMQ_ROUTING_ID, id, strlen(id)) == 0);
    return socket;
}

static void line_open(const struct hostile *h, struct line *line, const char *id, int receive_max)
{
    int small = 4096;
    line->context = zmq_ctx_new();
    line->socket = connect_as(line->context, &h->identity, id);
    if (receive_max > 0)
        must(zmq_setsockopt(line->socket, ZMQ_RCVHWM, &receive_max, sizeof receive_max) == 0
             && zmq_setsockopt(line->socket, ZMQ_RCVBUF, &small, sizeof small) == 0);
    must(zmq_socket_monitor(line->socket, "inproc://events", ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
                            | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) == 0);
    line->monitor = zmq_socket(line->context, ZMQ_PAIR);
    must(zmq_connect(line->monitor, "inproc://events") == 0 && zmq_connect(line->socket, h->doors) == 0);
}

/* A connection that ended: was it ever one? */
static void line_events(const struct hostile *h, struct line *line)
{
    uint8_t frame[6], address[8];
    while (zmq_recv(line->monitor, frame, sizeof frame, ZMQ_DONTWAIT) == (int)sizeof frame) {
        uint16_t event;
        memcpy(&event, frame, sizeof event);
        (void)zmq_recv(line->monitor, address, sizeof address, ZMQ_DONTWAIT);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            add(&h->seen->connected, 1);
        else if (event == ZMQ_EVENT_DISCONNECTED)
            add(&h->seen->cut, 1);
        else
            add(&h->seen->refused, 1);
    }
}

static void line_close(const struct hostile *h, struct line *line)
{
    line_events(h, line);
    (void)zmq_socket_monitor(line->socket, NULL, 0);
    (void)zmq_close(line->monitor);
    (void)zmq_close(line->socket);
    (void)zmq_ctx_term(line->context);
}

static void line_hear(const struct hostile *h, void *socket)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX], memory[RFL_ARENA_BYTES];
    struct rfl_arena arena;
    static struct rfl_reply reply;
    for (int len; (len = zmq_recv(socket, frame, sizeof frame, ZMQ_DONTWAIT)) != -1; ) {
        rfl_arena_init(&arena, memory, sizeof memory);
        add(&h->seen->answered, 1);
        if (len <= (int)sizeof frame
            && rfl_wire_decode_reply((struct rfl_view){ frame, (size_t)len }, &arena, &reply) == RFL_CODE_OK
            && reply.kind == RFL_MSG_REFUSAL && reply.refusal.code == RFL_CODE_BUSY && reply.refusal.retry_after_ms > 0)
            add(&h->seen->busy, 1);
    }
}

static size_t encode(struct rfl_ask ask, uint8_t *frame)
{
    ask.correlation = 1;
    return rfl_wire_encode_ask(&ask, frame, RFL_MESSAGE_BYTES_MAX);
}

/* Sends one frame; when there is no room, waits a little. */
static void line_send(const struct hostile *h, struct line *line, const uint8_t *frame, size_t len, bool more)
{
    if (zmq_send(line->socket, frame, len, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) != -1)
        add(&h->seen->tried, 1);
    else
        (void)poll(NULL, 0, 2);
    line_events(h, line);
}

/* ---- the kinds ---- */

static void endless(const struct hostile *h, size_t bytes, bool asks_first)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    struct line line;
    line_open(h, &line, NULL, 0);
    if (asks_first)
        line_send(h, &line, frame, encode((struct rfl_ask){ .kind = RFL_MSG_KEY_SHOW }, frame), false);
    while (attacks(h))
        line_send(h, &line, frame, bytes, true);
    line_close(h, &line);
}

/* Whole messages of `frames` frames; pause_ms between them. */
static void flood(const struct hostile *h, const uint8_t *frame, size_t len, unsigned frames, int pause_ms)
{
    struct line line;
    line_open(h, &line, NULL, 0);
    while (attacks(h)) {
        for (unsigned i = 0; i < frames; i++)
            line_send(h, &line, frame, len, i + 1 < frames);
        line_hear(h, line.socket);
        if (pause_ms > 0)
            (void)poll(NULL, 0, pause_ms);
    }
    line_close(h, &line);
}

/* Every question has as many findings as there can be. */
static void deaf(const struct hostile *h)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX], form_bytes[RFL_BODY_BYTES_MAX];
    static char long_need[RFL_FINDINGS_MAX][200];
    struct rfl_form form = { .door = RFL_DOOR_JOBCENTRE, .name = e2e_view(CANARY_NAME),
                             .contact_notes = e2e_view(CANARY_NOTES) };
    for (unsigned i = 0; i < RFL_FINDINGS_MAX; i++) {
        memset(long_need[i], 'x', sizeof long_need[i] - 1);
        form.needs[form.needs_count++] = e2e_view(long_need[i]);
    }
    struct rfl_view referral = { form_bytes, rfl_wire_encode_form(&form, form_bytes, sizeof form_bytes) };
    size_t len = encode((struct rfl_ask){ .kind = RFL_MSG_VALIDATE, .source = e2e_view("jobcentre-feed"),
                                          .referral = referral }, frame);
    must(referral.len > 0 && len > 0);
    struct line line;
    line_open(h, &line, NULL, 1);
    while (attacks(h))
        line_send(h, &line, frame, len, false);
    line_close(h, &line);
}

static void heavy(const struct hostile *h)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    static char name[RECONCILE_NAMES][16];
    static struct rfl_view names[RECONCILE_NAMES];
    for (unsigned i = 0; i < RECONCILE_NAMES; i++) {
        (void)snprintf(name[i], sizeof name[i], "none-%u", i);
        names[i] = e2e_view(name[i]);
    }
    size_t len = encode((struct rfl_ask){ .kind = RFL_MSG_RECONCILE, .source = e2e_view("jobcentre-feed"),
                                          .names = names, .names_count = RECONCILE_NAMES }, frame);
    must(len > 0);
    flood(h, frame, len, 1, 1);
}

static void crowd(const struct hostile *h, unsigned count, bool asks)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    struct line line[CROWD_CONNECTIONS + SILENT_CONNECTIONS];
    size_t len = encode((struct rfl_ask){ .kind = RFL_MSG_KEY_SHOW }, frame);
    void *context = zmq_ctx_new();
    (void)zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 4096);
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        line[i] = (struct line){ .context = context, .socket = connect_as(context, &h->identity, NULL) };
        (void)snprintf(name, sizeof name, "inproc://events-%u", i);
        must(zmq_socket_monitor(line[i].socket, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
                                | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) == 0);
        line[i].monitor = zmq_socket(context, ZMQ_PAIR);
        must(zmq_connect(line[i].monitor, name) == 0 && zmq_connect(line[i].socket, h->doors) == 0);
        if (asks && zmq_send(line[i].socket, frame, len, ZMQ_DONTWAIT) != -1)
            add(&h->seen->tried, 1);
    }
    while (asks ? attacks(h) : !atomic_load(h->over)) {
        for (unsigned i = 0; i < count; i++) {
            line_events(h, &line[i]);
            line_hear(h, line[i].socket);
        }
        (void)poll(NULL, 0, 50);
    }
    for (unsigned i = 0; i < count; i++) {
        (void)zmq_socket_monitor(line[i].socket, NULL, 0);
        (void)zmq_close(line[i].monitor);
        (void)zmq_close(line[i].socket);
    }
    (void)zmq_ctx_term(context);
}

static void named(const struct hostile *h)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    size_t len = encode((struct rfl_ask){ .kind = RFL_MSG_KEY_SHOW }, frame);
    struct line line[2];
    line_open(h, &line[0], "gp-north", 0);
    line_open(h, &line[1], "gp-north", 0);
    while (attacks(h)) {
        for (unsigned i = 0; i < 2; i++) {
            line_send(h, &line[i], frame, len, false);
            line_hear(h, line[i].socket);
        }
        (void)poll(NULL, 0, 1);
    }
    line_close(h, &line[0]);
    line_close(h, &line[1]);
}

static void comes_and_goes(const struct hostile *h)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    size_t len = encode((struct rfl_ask){ .kind = RFL_MSG_KEY_SHOW }, frame);
    while (attacks(h)) {
        struct line line;
        struct rfl_identity made = h->identity;
        struct hostile now = *h;
        if (h->kind == HOSTILE_STRANGER) {
            rfl_identity_make(&made);
            memcpy(made.server, h->identity.server, sizeof made.server);
        }
        now.identity = made;
        line_open(&now, &line, NULL, 0);
        line_send(h, &line, frame, len, false);
        zmq_pollitem_t items[] = { { .socket = line.socket, .events = ZMQ_POLLIN },
                                   { .socket = line.monitor, .events = ZMQ_POLLIN } };
        for (int rounds = 0; rounds < 3 && (items[0].revents & ZMQ_POLLIN) == 0; rounds++) {
            (void)zmq_poll(items, 2, 200);
            line_events(h, &line);
        }
        line_hear(h, line.socket);
        line_close(h, &line);
    }
}

static int raw_connect(const struct hostile *h)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    address.sin_port = htons((uint16_t)strtol(strrchr(h->doors, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == -1) {
        (void)close(fd);
        return -1;
    }
    add(&h->seen->tried, 1);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Reads what is there. True: the daemon has closed. More than a greeting would be an answer. */
static bool raw_over(const struct hostile *h, int fd)
{
    uint8_t bytes[512];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        if (got > 64)
            add(&h->seen->answered, 1);
    if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    add(&h->seen->cut, 1);
    return true;
}

/* `count` connections at one time, each made again when the daemon closed it. `bytes` go out at once, or one by one. */
static void raw(const struct hostile *h, unsigned count, const uint8_t *bytes, size_t len, bool slowly)
{
    static int fd[HALF_OPEN_CONNECTIONS];
    static size_t said[HALF_OPEN_CONNECTIONS];
    for (unsigned i = 0; i < count; i++)
        fd[i] = -1;
    while (attacks(h)) {
        for (unsigned i = 0; i < count; i++) {
            if (fd[i] != -1 && raw_over(h, fd[i])) {
                (void)close(fd[i]);
                fd[i] = -1;
            }
            if (fd[i] == -1 && (fd[i] = raw_connect(h)) != -1)
                said[i] = 0;
            size_t now = slowly ? 1 : len;
            if (fd[i] != -1 && said[i] + now <= len && send(fd[i], bytes + said[i], now, MSG_NOSIGNAL) > 0)
                said[i] += now;
        }
        (void)poll(NULL, 0, slowly ? 100 : 10);
    }
    for (unsigned i = 0; i < count; i++)
        if (fd[i] != -1)
            (void)close(fd[i]);
}

static void attack(const struct hostile *h)
{
    static uint8_t frame[2 * RFL_MESSAGE_BYTES_MAX], empty[1];
    static const uint8_t zmtp1[] = "\x01\x00" "\x05\x00" "hello";
    uint8_t greeting[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E' };
    char reference[64];
    (void)snprintf(reference, sizeof reference, "hostile-%ld", (long)getpid());
    switch (h->kind) {
    case HOSTILE_ENDLESS: endless(h, 60000, false); break;
    case HOSTILE_ENDLESS_LATE: endless(h, 16000, true); break;
    case HOSTILE_FLOOD: flood(h, frame, encode(e2e_submit(reference, "flood"), frame), 1, 0); break;
    case HOSTILE_OVER_RATE: flood(h, frame, encode(e2e_submit(reference, "over"), frame), 1, 11); break;
    case HOSTILE_JUNK: must(getrandom(frame, 300, 0) == 300); flood(h, frame, 300, 1, 0); break;
    case HOSTILE_LARGE: flood(h, frame, RFL_MESSAGE_BYTES_MAX, 1, 0); break;
    case HOSTILE_OVERSIZE: flood(h, frame, sizeof frame, 1, 20); break;
    case HOSTILE_MISFRAMED: flood(h, frame, 10, 3, 0); break;
    case HOSTILE_DEAF: deaf(h); break;
    case HOSTILE_HEAVY: heavy(h); break;
    case HOSTILE_CROWD: crowd(h, CROWD_CONNECTIONS, true); break;
    case HOSTILE_SILENT: crowd(h, SILENT_CONNECTIONS, false); break;
    case HOSTILE_NAMED: named(h); break;
    case HOSTILE_COMES_AND_GOES: case HOSTILE_STRANGER: comes_and_goes(h); break;
    case HOSTILE_ZMTP1: raw(h, 4, zmtp1, sizeof zmtp1 - 1, false); break;
    case HOSTILE_HALF_OPEN: raw(h, HALF_OPEN_CONNECTIONS, empty, 0, false); break;
    case HOSTILE_SLOW: raw(h, 20, greeting, sizeof greeting, true); break;
    case HOSTILE_COUNT: break;
    }
}

pid_t hostile_start(const struct hostile *hostile)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    const struct sched_param idle = { 0 };
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0, 19);
    (void)sched_setscheduler(0, SCHED_IDLE, &idle);
    while (!atomic_load(hostile->over) && getppid() == parent) {
        if (attacks(hostile))
            attack(hostile);
        (void)poll(NULL, 0, 20);
    }
    _exit(0);
}
