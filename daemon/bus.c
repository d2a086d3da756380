#include "bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "endpoint.h"
#include "session.h"

/* A client may have 4,096 asks in flight, and a worker as much credit. Twice that holds the answers of a whole turn to
 * one peer, so a peer that reads at all is never taken for one that does not; and a peer's pipe does not fill while
 * the loop waits for a commit, which with heartbeats would cut a healthy peer off. */
enum { BUS_SEND_HWM = 2 * RFL_BATCH_MAX, BUS_RECEIVE_HWM = 2 * RFL_BATCH_MAX };
static_assert(BUS_SEND_HWM >= RFL_CREDIT_MAX + RFL_BATCH_MAX, "one turn's answers and offers to one peer fit");

enum { GONE_COUNT_MAX = SESSION_COUNT_MAX };

struct bus {
    void *context, *socket[BUS_SOCKET_COUNT];
    void *monitor[BUS_SOCKET_COUNT];            /* where libzmq tells what it refused by itself */
    char endpoint[BUS_SOCKET_COUNT][BUS_ENDPOINT_BYTES];
    struct session_table *sessions;
    zmq_msg_t payload;                          /* always initialised: the last frame handed out */
    uint8_t turn_of;                            /* the socket whose turn it is */
    bool dry[BUS_SOCKET_COUNT];                 /* found empty since bus_wait */
    uint32_t gone_count;
    uint64_t gone[GONE_COUNT_MAX];              /* ended sessions the engine was not told of yet */
    struct bus_counters counters;
};

const char *bus_endpoint(const struct bus *bus, enum bus_socket socket)
{
    return bus->endpoint[socket];
}

const struct bus_counters *bus_counters(const struct bus *bus)
{
    return &bus->counters;
}

uint32_t bus_session_count(const struct bus *bus)
{
    return session_count(bus->sessions);
}

enum rfl_err bus_new(struct bus **out)
{
    struct bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL)
        return RFL_E_MEMORY;
    (void)zmq_msg_init(&bus->payload);
    bus->sessions = session_table_new(SESSION_COUNT_MAX);
    bus->context = zmq_ctx_new();
    if (bus->sessions == NULL || bus->context == NULL) {
        bus_free(&bus, 0);
        return RFL_E_MEMORY;
    }
    *out = bus;
    return RFL_E_OK;
}

void bus_free(struct bus **bus_io, int linger_ms)
{
    struct bus *bus = *bus_io;
    if (bus == NULL)
        return;
    (void)zmq_msg_close(&bus->payload);
    for (int i = 0; i < BUS_SOCKET_COUNT; i++) {
        if (bus->socket[i] == NULL)
            continue;
        if (bus->monitor[i] != NULL) {
            (void)zmq_socket_monitor(bus->socket[i], NULL, 0);
            (void)zmq_close(bus->monitor[i]);
        }
        (void)zmq_setsockopt(bus->socket[i], ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        (void)zmq_close(bus->socket[i]);
    }
    if (bus->context != NULL)
        while (zmq_ctx_term(bus->context) == -1 && errno == EINTR)
            ;
    session_table_free(&bus->sessions);
    free(bus);
    *bus_io = NULL;
}

/* The folder decides who may connect over ipc: libzmq makes the socket file before anybody could set its mode. */
static enum rfl_err check_folder(const char *endpoint)
{
    char folder[ENDPOINT_BYTES_MAX];
    struct stat st;
    if (!endpoint_ipc_folder(endpoint, folder, sizeof folder))
        return RFL_E_OK;
    if (mkdir(folder, 0700) == -1 && errno != EEXIST)
        return RFL_E_IO;
    if (stat(folder, &st) == -1)
        return RFL_E_IO;
    return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0 ? RFL_E_OK : RFL_E_INVALID;
}

static bool set_limits(void *socket, bool ipv6)
{
    static const struct { int option, value; } limits[] = {
        { ZMQ_LINGER, 0 },                      /* what is worth keeping is in the store */
        { ZMQ_SNDHWM, BUS_SEND_HWM },
        { ZMQ_RCVHWM, BUS_RECEIVE_HWM },
        { ZMQ_ROUTER_MANDATORY, 1 },            /* a peer that is gone is an error, not silence */
        { ZMQ_HANDSHAKE_IVL, 3000 },            /* a connection that says nothing costs a descriptor: 3 s, not 30 */
        { ZMQ_BACKLOG, 512 },
        { ZMQ_HEARTBEAT_IVL, 5000 },            /* slow: a commit that stalls must not cut peers off */
        { ZMQ_HEARTBEAT_TIMEOUT, 30000 },
    };
    int64_t frame_bytes_max = RFL_MESSAGE_BYTES_MAX;
    int wants_ipv6 = ipv6;      /* only for [::1]: with it an IPv4 address is bound, and shown, as ::ffff:127.0.0.1 */
    if (zmq_setsockopt(socket, ZMQ_IPV6, &wants_ipv6, sizeof wants_ipv6) == -1)
        return false;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes_max, sizeof frame_bytes_max) == -1)
        return false;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (zmq_setsockopt(socket, limits[i].option, &limits[i].value, sizeof limits[i].value) == -1)
            return false;
    return true;
}

/* What libzmq refuses by itself never reaches the loop, but it is counted. The pair has no high-water mark, because an
 * I/O thread that reports waits when there is no room; between two turns it can only be as many as connections end. */
static bool open_monitor(struct bus *bus, enum bus_socket socket)
{
    char name[32];
    int unlimited = 0, linger = 0;
    (void)snprintf(name, sizeof name, "inproc://monitor-%d", (int)socket);
    if (zmq_socket_monitor(bus->socket[socket], name, ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED
                           | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                           | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == -1)
        return false;
    bus->monitor[socket] = zmq_socket(bus->context, ZMQ_PAIR);
    return bus->monitor[socket] != NULL
        && zmq_setsockopt(bus->monitor[socket], ZMQ_RCVHWM, &unlimited, sizeof unlimited) != -1
        && zmq_setsockopt(bus->monitor[socket], ZMQ_LINGER, &linger, sizeof linger) != -1
        && zmq_connect(bus->monitor[socket], name) != -1;
}

/* An event is two frames: its number and a value, and the address. */
static void count_events(struct bus *bus, void *monitor)
{
    uint8_t event_frame[8], address[8];         /* recv cuts what is longer */
    while (zmq_recv(monitor, event_frame, sizeof event_frame, ZMQ_DONTWAIT) >= 2) {
        uint16_t event;
        memcpy(&event, event_frame, sizeof event);
        (void)zmq_recv(monitor, address, sizeof address, ZMQ_DONTWAIT);
        if (event == ZMQ_EVENT_ACCEPT_FAILED)
            bus->counters.bus_accept_failed++;
        else if (event == ZMQ_EVENT_DISCONNECTED)
            bus->counters.bus_disconnected++;
        else
            bus->counters.bus_handshake_failed++;
    }
}

enum rfl_err bus_bind(struct bus *bus, enum bus_socket socket, const char *endpoint)
{
    assert(bus->socket[socket] == NULL);
    enum rfl_err err = check_folder(endpoint);
    if (err != RFL_E_OK)
        return err;
    bus->socket[socket] = zmq_socket(bus->context, ZMQ_ROUTER);
    if (bus->socket[socket] == NULL
        || !set_limits(bus->socket[socket], strchr(endpoint, '[') != NULL))
        return RFL_E_IO;
    if (!open_monitor(bus, socket) || zmq_bind(bus->socket[socket], endpoint) == -1)
        return RFL_E_IO;
    size_t len = BUS_ENDPOINT_BYTES;
    if (zmq_getsockopt(bus->socket[socket], ZMQ_LAST_ENDPOINT, bus->endpoint[socket], &len) == -1)
        return RFL_E_IO;
    return RFL_E_OK;
}

bool bus_wait(struct bus *bus, int fd, int64_t timeout_ms)
{
    enum { MONITORS = 1 + BUS_SOCKET_COUNT, ITEMS = MONITORS + BUS_SOCKET_COUNT };
    zmq_pollitem_t items[ITEMS] = { { .fd = fd, .events = ZMQ_POLLIN } };
    for (int i = 0; i < BUS_SOCKET_COUNT; i++) {
        items[i + 1] = (zmq_pollitem_t){ .socket = bus->socket[i], .events = ZMQ_POLLIN };
        items[i + MONITORS] = (zmq_pollitem_t){ .socket = bus->monitor[i], .events = ZMQ_POLLIN };
    }
    bool readable = false;
    if (zmq_poll(items, ITEMS, (long)timeout_ms) == -1)
        return false;                           /* EINTR: the loop comes round again */
    for (int i = 0; i < BUS_SOCKET_COUNT; i++) {
        if ((items[i + MONITORS].revents & ZMQ_POLLIN) != 0)
            count_events(bus, bus->monitor[i]);
        bus->dry[i] = (items[i + 1].revents & ZMQ_POLLIN) == 0;
        readable |= !bus->dry[i];
    }
    return readable;
}

/* Every session that ends passes here once. The array holds all there can be at one time, so it overflows only
 * when they come and go faster than turns do; the engine's idle clock then finds what it was not told. */
static void end_session(struct bus *bus, uint64_t session)
{
    session_end(bus->sessions, session);
    if (bus->gone_count < GONE_COUNT_MAX)
        bus->gone[bus->gone_count++] = session;
    else
        bus->counters.bus_untold++;
}

/* Reads and forgets the rest of a message: libzmq hands over all of its frames or none. */
static void drain_message(void *socket)
{
    int more = 1;
    zmq_msg_t rest;
    (void)zmq_msg_init(&rest);
    while (more && zmq_msg_recv(&rest, socket, ZMQ_DONTWAIT) != -1)
        more = zmq_msg_more(&rest);
    (void)zmq_msg_close(&rest);
}

/* False: the socket is empty. */
static bool fetch(struct bus *bus, uint8_t which, int64_t boot_ms, struct bus_frame *out)
{
    void *socket = bus->socket[which];
    zmq_msg_t routing;
    (void)zmq_msg_init(&routing);
    if (zmq_msg_recv(&routing, socket, ZMQ_DONTWAIT) == -1)
        return false;
    const uint8_t *id = zmq_msg_data(&routing);
    bool ours = zmq_msg_size(&routing) == SESSION_ROUTING_BYTES && id[0] == 0;
    struct session_peer peer = { .socket = which };
    if (ours)
        memcpy(&peer.id, id + 1, sizeof peer.id);
    bool more = zmq_msg_more(&routing);
    (void)zmq_msg_close(&routing);
    out->misframed = true;
    out->payload = (struct rfl_view){ NULL, 0 };
    if (more && zmq_msg_recv(&bus->payload, socket, ZMQ_DONTWAIT) != -1) {
        out->misframed = zmq_msg_more(&bus->payload);
        if (out->misframed)
            drain_message(socket);
        else
            out->payload = (struct rfl_view){ zmq_msg_data(&bus->payload), zmq_msg_size(&bus->payload) };
    }
    if (!ours) {
        bus->counters.bus_foreign_ids++;
        out->session = 0;
        return true;
    }
    uint64_t evicted;
    out->socket = which;
    out->session = session_heard(bus->sessions, peer, boot_ms, &evicted);
    if (evicted != 0) {
        bus->counters.bus_evicted++;
        end_session(bus, evicted);
    }
    bus->counters.bus_misframed += out->misframed;
    bus->counters.bus_frames_in++;
    return true;
}

bool bus_receive(struct bus *bus, int64_t boot_ms, struct bus_frame *out)
{
    for (int tried = 0; tried < BUS_SOCKET_COUNT; tried++) {
        uint8_t which = bus->turn_of;
        bus->turn_of = (uint8_t)((which + 1) % BUS_SOCKET_COUNT);
        if (bus->dry[which])
            continue;
        if (fetch(bus, which, boot_ms, out))
            return true;
        bus->dry[which] = true;
    }
    return false;
}

void bus_send(struct bus *bus, uint64_t session, struct rfl_view frame)
{
    struct session_peer peer;
    if (!session_find(bus->sessions, session, &peer)) {
        bus->counters.bus_unsendable++;
        return;
    }
    uint8_t id[SESSION_ROUTING_BYTES] = { 0 };
    memcpy(id + 1, &peer.id, sizeof peer.id);
    void *socket = bus->socket[peer.socket];
    if (zmq_send(socket, id, sizeof id, ZMQ_DONTWAIT | ZMQ_SNDMORE) != -1) {
        /* The peer may vanish between its two frames; libzmq then drops the message, as it may at any later moment. */
        if (zmq_send(socket, frame.p, frame.len, ZMQ_DONTWAIT) != -1)
            bus->counters.bus_sent++;
        return;
    }
    if (errno == EAGAIN)
        bus->counters.bus_not_reading++;
    else
        bus->counters.bus_unreachable++;
    end_session(bus, session);
}

void bus_forget(struct bus *bus, int64_t boot_ms)
{
    for (uint64_t session; (session = session_stale(bus->sessions, boot_ms - BUS_FORGET_MS)) != 0; ) {
        bus->counters.bus_forgotten++;
        end_session(bus, session);
    }
}

uint64_t bus_gone(struct bus *bus)
{
    return bus->gone_count == 0 ? 0 : bus->gone[--bus->gone_count];
}

bool bus_has_gone(const struct bus *bus)
{
    return bus->gone_count > 0;
}
