#include "hostile.h"

#include <errno.h>
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
#include "elsewhere.h"
#include "harness.h"
#include "meter.h"
#include "raw_curve.h"

enum { CROWD_CONNECTIONS = 100, SILENT_CONNECTIONS = 150, HALF_OPEN_CONNECTIONS = 500, COMING_AT_ONCE = 8,
       RECONCILE_NAMES = 2000, RECONNECT_MS = 100 /* libzmq's */ };

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

static void line_open(const struct hostile *h, struct line *line, const char *id)
{
    line->context = zmq_ctx_new();
    line->socket = connect_as(line->context, &h->identity, id);
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

static void note_answer(const struct hostile *h, const uint8_t *frame, size_t len)
{
    static uint8_t memory[RFL_ARENA_BYTES];
    static struct rfl_reply reply;
    struct rfl_arena arena;
    rfl_arena_init(&arena, memory, sizeof memory);
    add(&h->seen->answered, 1);
    if (rfl_wire_decode_reply((struct rfl_view){ frame, len }, &arena, &reply) == RFL_CODE_OK
        && reply.kind == RFL_MSG_REFUSAL && reply.refusal.code == RFL_CODE_BUSY && reply.refusal.retry_after_ms > 0)
        add(&h->seen->busy, 1);
}

static void line_hear(const struct hostile *h, void *socket)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    for (int len; (len = zmq_recv(socket, frame, sizeof frame, ZMQ_DONTWAIT)) != -1; )
        note_answer(h, frame, (size_t)len < sizeof frame ? (size_t)len : sizeof frame);
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

/* False: it was not let in. */
static bool enter(const struct hostile *h, struct raw_curve *curve)
{
    bool in = raw_curve_enter(curve);
    add(in ? &h->seen->connected : &h->seen->refused, 1);
    return in;
}

static bool come_in(const struct hostile *h, struct raw_curve *curve)
{
    return raw_curve_knock(curve, h->doors, &h->identity) && enter(h, curve);
}

static void end_raw(const struct hostile *h, struct raw_curve *curve, bool in, bool cut)
{
    add(&h->seen->cut, in && cut);
    raw_curve_close(curve);
    if (!in)
        (void)poll(NULL, 0, RECONNECT_MS);
}

static bool ask_for_rights(const struct hostile *h, struct raw_curve *curve)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    size_t len;
    if (!raw_curve_send(curve, frame, encode((struct rfl_ask){ .kind = RFL_MSG_KEY_SHOW }, frame), false))
        return false;
    add(&h->seen->tried, 1);
    if (!raw_curve_hear(curve, frame, sizeof frame, &len))
        return false;
    note_answer(h, frame, len);
    return true;
}

/* Ended before METER_HELD_MAX it was for something else, and is no cut of a message without an end. */
static void endless(const struct hostile *h, size_t bytes, bool asks_first)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    struct raw_curve curve;
    uint64_t sent = 0;
    bool in = come_in(h, &curve), open = in && (!asks_first || ask_for_rights(h, &curve));
    for (; open && attacks(h); sent += bytes, add(&h->seen->tried, 1))
        open = raw_curve_send(&curve, frame, bytes, true);
    end_raw(h, &curve, in, !open && sent > METER_HELD_MAX);
}

/* Whole messages of `frames` frames; pause_ms between them. */
static void flood(const struct hostile *h, const uint8_t *frame, size_t len, unsigned frames, int pause_ms)
{
    struct line line;
    line_open(h, &line, NULL);
    while (attacks(h)) {
        for (unsigned i = 0; i < frames; i++)
            line_send(h, &line, frame, len, i + 1 < frames);
        line_hear(h, line.socket);
        if (pause_ms > 0)
            (void)poll(NULL, 0, pause_ms);
    }
    line_close(h, &line);
}

/* Every question has as many findings as there can be. No faster than they are answered, or it would be a FLOOD; what
 * it has not read goes on piling up after a quiet while. */
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
    struct raw_curve curve;
    bool in = come_in(h, &curve), open = in;
    while (open && !atomic_load(h->over)) {
        if (!attacks(h)) {
            (void)poll(NULL, 0, 20);
            continue;
        }
        open = raw_curve_send(&curve, frame, len, false) && raw_curve_send(&curve, frame, len, false);
        add(&h->seen->tried, 2);
        (void)poll(NULL, 0, 1);
    }
    end_raw(h, &curve, in, !open);
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
        (void)poll(NULL, 0, asks ? 100 : 500);
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
    line_open(h, &line[0], "gp-north");
    line_open(h, &line[1], "gp-north");
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

static bool knock(const struct hostile *h, struct raw_curve *curve)
{
    struct rfl_identity identity = h->identity;
    if (h->kind == HOSTILE_STRANGER) {
        rfl_identity_make(&identity);
        memcpy(identity.server, h->identity.server, sizeof identity.server);
    }
    bool judged = raw_curve_knock(curve, h->doors, &identity);
    add(&h->seen->tried, judged);
    return judged;
}

/* A refusal for a while is not said, and the connection ends a second later; so there are some at a time. */
static void comes_and_goes(const struct hostile *h, unsigned count)
{
    struct raw_curve curve[COMING_AT_ONCE];
    struct pollfd item[COMING_AT_ONCE];
    for (unsigned i = 0; i < count; i++)
        item[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
    while (attacks(h)) {
        for (unsigned i = 0; i < count; i++) {
            if (item[i].fd != -1 && item[i].revents != 0) {
                add(&h->seen->cut, enter(h, &curve[i]) && !ask_for_rights(h, &curve[i]));
                raw_curve_close(&curve[i]);
                item[i].fd = -1;
            }
            if (item[i].fd == -1 && knock(h, &curve[i]))
                item[i].fd = curve[i].fd;
        }
        (void)poll(item, count, 100);
    }
    for (unsigned i = 0; i < count; i++)
        if (item[i].fd != -1)
            raw_curve_close(&curve[i]);
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
    static struct pollfd item[HALF_OPEN_CONNECTIONS];
    static size_t said[HALF_OPEN_CONNECTIONS];
    for (unsigned i = 0; i < count; i++)
        item[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
    while (attacks(h)) {
        for (unsigned i = 0; i < count; i++) {
            if (item[i].fd != -1 && item[i].revents != 0 && raw_over(h, item[i].fd)) {
                (void)close(item[i].fd);
                item[i].fd = -1;
            }
            if (item[i].fd == -1 && (item[i].fd = raw_connect(h->doors, false)) != -1) {
                add(&h->seen->tried, 1);
                said[i] = 0;
            }
            size_t now = slowly ? 1 : len;
            if (item[i].fd != -1 && now > 0 && said[i] + now <= len
                && send(item[i].fd, bytes + said[i], now, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
                said[i] += now;
        }
        (void)poll(NULL, 0, slowly ? 100 : 10);
        (void)poll(item, count, slowly ? 0 : 100);
    }
    for (unsigned i = 0; i < count; i++)
        if (item[i].fd != -1)
            (void)close(item[i].fd);
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
    case HOSTILE_COMES_AND_GOES: comes_and_goes(h, COMING_AT_ONCE); break;
    case HOSTILE_STRANGER: comes_and_goes(h, 1); break;
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
    elsewhere_go();
    while (!atomic_load(hostile->over) && getppid() == parent) {
        if (attacks(hostile))
            attack(hostile);
        (void)poll(NULL, 0, 20);
    }
    _exit(0);
}
