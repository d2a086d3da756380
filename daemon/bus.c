#include "bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "clock.h"
#include "endpoint.h"
#include "fair.h"
#include "session.h"

/* A client may have 4,096 asks in flight, and a worker as much credit. Twice that holds the answers of a whole turn to
 * one peer, so a peer that reads at all is never taken for one that does not; and a peer's pipe does not fill while
 * the loop waits for a commit, which with heartbeats would cut a healthy peer off. */
enum { BUS_SEND_HWM = 2 * RFL_BATCH_MAX, BUS_RECEIVE_HWM = 2 * RFL_BATCH_MAX };
static_assert(BUS_SEND_HWM >= RFL_CREDIT_MAX + RFL_BATCH_MAX, "one turn's answers and offers to one peer fit");

enum {
    GONE_COUNT_MAX = SESSION_COUNT_MAX,
    ENFORCE_DOMAIN = 93,            /* ZMQ_ZAP_ENFORCE_DOMAIN: works by number where the header does not declare it */
    STRANGER_MS = 5000,             /* how long a stranger's own refusal may take at start */
    KERNEL_BUFFER_BYTES = 256 << 10,    /* each way of each connection; left alone, the kernel gives up to 6 MiB */
    BACKLOG = 512,
    FILES_KEPT = BACKLOG + 64,      /* descriptors that are no connection's, and those accepted before we notice */
    ADMIN_KEPT = 64,                /* connections that only the admin socket may have */
    CROWDED_LOOKS = 64,             /* descriptors searched for somebody silent to give way */
    CROWDED_SILENT_MS = 1000,       /* a handshake may take so long before its connection gives way */
    PULLS_MAX = 1024,               /* messages taken from libzmq in a turn; it takes them from its peers in turn */
    LOCAL_LOOK_MS = 5000            /* how often to look when all sockets are ipc: only silence can be seen there */
};

struct bus {
    void *context, *socket[BUS_SOCKET_COUNT];
    void *monitor[BUS_SOCKET_COUNT];            /* where libzmq tells what it refused by itself */
    char endpoint[BUS_SOCKET_COUNT][BUS_ENDPOINT_BYTES];
    struct session_table *sessions;
    struct peers *peers;
    struct zap *zap;                            /* NULL: without keys */
    struct quota *quota;
    struct fair *fair;                          /* what was taken from libzmq and waits for the loop */
    uint32_t pulls_left;                        /* in this turn */
    struct meter meter;
    struct clock clock;
    uint64_t strikes_seen;
    uint32_t connections_max;
    int crowded_fd;                             /* where the search for somebody silent goes on */
    bool any_tcp;
    struct rfl_identity server;
    struct rfl_curve_key key;                   /* of the last message, where no connection holds it */
    int64_t next_cut_boot_ms;
    int64_t boot_ms;                            /* of the last turn */
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

/* accept never fails for want of a descriptor, as a listener that cannot accept spins. */
static uint32_t connections_max(void)
{
    struct rlimit files;
    uint32_t most = SESSION_COUNT_MAX - SESSION_COUNT_MAX / 8;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < most + FILES_KEPT)
        most = files.rlim_cur > 2 * FILES_KEPT ? (uint32_t)files.rlim_cur - FILES_KEPT
                                                : (uint32_t)files.rlim_cur / 2;
    return most;
}

enum rfl_err bus_new(struct bus **out)
{
    struct bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL)
        return RFL_E_MEMORY;
    (void)zmq_msg_init(&bus->payload);
    bus->next_cut_boot_ms = INT64_MAX;
    bus->sessions = session_table_new(SESSION_COUNT_MAX);
    bus->peers = peers_new();
    bus->quota = quota_new();
    bus->fair = fair_new();
    bus->connections_max = connections_max();
    bus->context = zmq_ctx_new();
    if (bus->sessions == NULL || bus->peers == NULL || bus->quota == NULL || bus->fair == NULL
        || bus->context == NULL) {
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
    fair_free(&bus->fair);
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
    zap_free(&bus->zap);
    rfl_identity_forget(&bus->server);
    if (bus->context != NULL)
        while (zmq_ctx_term(bus->context) == -1 && errno == EINTR)
            ;
    session_table_free(&bus->sessions);
    peers_free(&bus->peers);
    quota_free(&bus->quota);
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

/* libzmq 4.3.4 stops reading a connection whose pipe is full. When such a one breaks, and a heartbeat is due or in what
 * was read of it, libzmq aborts (stream_engine_base.cpp: !_io_error): anybody with a key could end the daemon by
 * flooding it and hanging up. So over tcp no pipe is ever full: what a connection may leave unread is bounded in bytes,
 * by meter.h. Over ipc, where bytes cannot be metered, pipes are bounded and there are no heartbeats: the kernel tells
 * at once when the other side has gone. */
static bool set_limits(void *socket, bool tcp, bool ipv6)
{
    const struct { int option, value; } limits[] = {
        { ZMQ_LINGER, 0 },                      /* what is worth keeping is in the store */
        { ZMQ_SNDHWM, BUS_SEND_HWM },
        { ZMQ_RCVHWM, tcp ? 0 : BUS_RECEIVE_HWM },
        { ZMQ_ROUTER_MANDATORY, 1 },            /* a peer that is gone is an error, not silence */
        { ZMQ_HANDSHAKE_IVL, 3000 },            /* a connection that says nothing costs a descriptor: 3 s, not 30 */
        { ZMQ_BACKLOG, BACKLOG },
        { ZMQ_SNDBUF, KERNEL_BUFFER_BYTES },
        { ZMQ_RCVBUF, KERNEL_BUFFER_BYTES },
        { ZMQ_HEARTBEAT_IVL, tcp ? 5000 : 0 },            /* slow: a commit that stalls must not cut peers off */
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
    if (zmq_socket_monitor(bus->socket[socket], name, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED
                           | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                           | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == -1)
        return false;
    bus->monitor[socket] = zmq_socket(bus->context, ZMQ_PAIR);
    return bus->monitor[socket] != NULL
        && zmq_setsockopt(bus->monitor[socket], ZMQ_RCVHWM, &unlimited, sizeof unlimited) != -1
        && zmq_setsockopt(bus->monitor[socket], ZMQ_LINGER, &linger, sizeof linger) != -1
        && zmq_connect(bus->monitor[socket], name) != -1;
}

/* An event is two frames: its number and a value, and the address. False: there was none. */
static bool next_event(void *monitor, uint16_t *event, uint32_t *value)
{
    uint8_t frame[6], address[8];               /* recv cuts what is longer */
    if (zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT) < (int)sizeof frame)
        return false;
    memcpy(event, frame, sizeof *event);
    memcpy(value, frame + sizeof *event, sizeof *value);
    (void)zmq_recv(monitor, address, sizeof address, ZMQ_DONTWAIT);
    return true;
}

static void count_refused(struct bus *bus, uint16_t event, uint32_t value)
{
    bus->counters.bus_handshake_failed++;
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return;                                 /* by its reason in zap_counters */
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL && value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
        bus->counters.bus_wrong_server_key++;
    else
        bus->counters.bus_no_key += bus->zap != NULL;
}

/* Whoever has said nothing for a while gives way to the one who came; if there is nobody, the one who came does. */
static void make_room(struct bus *bus, int fd)
{
    struct peer *peer, *came = peers_at(bus->peers, fd);
    uint32_t most = came != NULL && came->socket == BUS_ADMIN ? bus->connections_max
                                                              : bus->connections_max - ADMIN_KEPT;
    if (came == NULL || peers_count(bus->peers) <= most)
        return;
    bus->counters.bus_crowded++;
    for (int looks = 0; looks < CROWDED_LOOKS; looks++, bus->crowded_fd++) {
        if ((peer = peers_next(bus->peers, &bus->crowded_fd)) == NULL) {
            bus->crowded_fd = 0;
        } else if (peer->session == 0 && !peer->has_key && peer->cut_boot_ms == 0 && peer->socket != BUS_ADMIN
                   && bus->boot_ms - peer->since_boot_ms > CROWDED_SILENT_MS) {
            peer->cut_boot_ms = bus->boot_ms;   /* libzmq tells when it is gone */
            (void)peers_shut(peer, bus->crowded_fd);
            return;
        }
    }
    came->cut_boot_ms = bus->boot_ms;
    (void)peers_shut(came, fd);
}

static bool is_crowded(const struct bus *bus)
{
    return peers_count(bus->peers) > bus->connections_max / 4 * 3;
}

static void heed_monitor(struct bus *bus, uint8_t socket)
{
    uint16_t event;
    uint32_t value;
    while (next_event(bus->monitor[socket], &event, &value)) {
        if (event == ZMQ_EVENT_ACCEPTED) {
            peers_accepted(bus->peers, (int)value, socket, bus->boot_ms);
            make_room(bus, (int)value);
        } else if (event == ZMQ_EVENT_ACCEPT_FAILED) {
            bus->counters.bus_accept_failed++;
        } else if (event == ZMQ_EVENT_DISCONNECTED) {
            const struct peer *peer = peers_at(bus->peers, (int)value);
            if (peer != NULL && peer->has_key)
                quota_left(bus->quota, &peer->key);
            bus->counters.bus_disconnected++;
            peers_closed(bus->peers, (int)value, socket);
        } else {
            count_refused(bus, event, value);
        }
    }
}

enum rfl_err bus_require_keys(struct bus *bus, const struct rfl_identity *server)
{
    assert(bus->zap == NULL && bus->socket[0] == NULL);
    bus->server = *server;
    enum rfl_err err = zap_new(bus->context, &bus->zap);
    if (err == RFL_E_OK)
        zap_set_quota(bus->zap, bus->quota);
    return err;
}

void bus_set_keys(struct bus *bus, const struct rfl_keys *keys)
{
    if (bus->zap == NULL)
        return;
    zap_set_keys(bus->zap, keys);
    quota_set_keys(bus->quota, keys);
}

struct zap *bus_zap(struct bus *bus) { return bus->zap; }
struct peers *bus_peers(struct bus *bus) { return bus->peers; }
struct quota *bus_quota(struct bus *bus) { return bus->quota; }
const struct meter_counters *bus_meter_counters(const struct bus *bus) { return &bus->meter.counters; }

/* The domain alone, or option 93 alone, would let every key in when the handler cannot be asked: both, or neither. */
static bool insist_on_keys(const struct bus *bus, void *socket)
{
    int on = 1;
    return zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, sizeof ZAP_DOMAIN - 1) == 0
        && zmq_setsockopt(socket, ENFORCE_DOMAIN, &on, sizeof on) == 0
        && zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on) == 0
        && zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, bus->server.secret, RFL_Z85_CHARS + 1) == 0;
}

enum rfl_err bus_bind(struct bus *bus, enum bus_socket socket, const char *endpoint)
{
    bool tcp = strncmp(endpoint, "tcp:", 4) == 0;
    assert(bus->socket[socket] == NULL);
    bus->any_tcp |= tcp;
    enum rfl_err err = check_folder(endpoint);
    if (err != RFL_E_OK)
        return err;
    bus->socket[socket] = zmq_socket(bus->context, ZMQ_ROUTER);
    if (bus->socket[socket] == NULL
        || !set_limits(bus->socket[socket], tcp, strchr(endpoint, '[') != NULL))
        return RFL_E_IO;
    if (bus->zap != NULL && !insist_on_keys(bus, bus->socket[socket]))
        return RFL_E_VERSION;
    if (!open_monitor(bus, socket) || zmq_bind(bus->socket[socket], endpoint) == -1)
        return RFL_E_IO;
    size_t len = BUS_ENDPOINT_BYTES;
    if (zmq_getsockopt(bus->socket[socket], ZMQ_LAST_ENDPOINT, bus->endpoint[socket], &len) == -1)
        return RFL_E_IO;
    return RFL_E_OK;
}

static void *stranger_socket(struct bus *bus, enum bus_socket socket, void **monitor)
{
    int linger = 0, ipv6 = strchr(bus->endpoint[socket], '[') != NULL;
    struct rfl_identity stranger;
    char name[32];
    (void)snprintf(name, sizeof name, "inproc://stranger-%d", (int)socket);
    void *made = zmq_socket(bus->context, ZMQ_DEALER);
    *monitor = zmq_socket(bus->context, ZMQ_PAIR);
    rfl_identity_make(&stranger);
    if (made != NULL && *monitor != NULL
        && zmq_setsockopt(made, ZMQ_LINGER, &linger, sizeof linger) == 0
        && zmq_setsockopt(*monitor, ZMQ_LINGER, &linger, sizeof linger) == 0
        && zmq_setsockopt(made, ZMQ_IPV6, &ipv6, sizeof ipv6) == 0
        && zmq_setsockopt(made, ZMQ_CURVE_SERVERKEY, bus->server.public, RFL_Z85_CHARS + 1) == 0
        && zmq_setsockopt(made, ZMQ_CURVE_PUBLICKEY, stranger.public, RFL_Z85_CHARS + 1) == 0
        && zmq_setsockopt(made, ZMQ_CURVE_SECRETKEY, stranger.secret, RFL_Z85_CHARS + 1) == 0
        && zmq_socket_monitor(made, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                              | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 0
        && zmq_connect(*monitor, name) == 0 && zmq_connect(made, bus->endpoint[socket]) == 0)
        return made;
    if (made != NULL)
        (void)zmq_close(made);
    return NULL;
}

/* Handshakes come between turns too. */
static void serve_zap(struct bus *bus)
{
    struct rfl_now now;
    clock_read(&bus->clock, &now);
    bus->boot_ms = now.boot_ms;
    zap_serve(bus->zap, &now, is_crowded(bus));
}

bool bus_refuses_strangers(struct bus *bus, enum bus_socket socket)
{
    uint16_t event = 0;
    uint32_t status = 0;
    void *monitor, *stranger = stranger_socket(bus, socket, &monitor);
    uint64_t until_us = clock_monotonic_us() + STRANGER_MS * UINT64_C(1000), now_us;
    while (stranger != NULL && (event == 0 || bus->counters.bus_disconnected == 0)
           && (now_us = clock_monotonic_us()) < until_us) {
        zmq_pollitem_t items[] = { { .socket = zap_socket(bus->zap), .events = ZMQ_POLLIN },
                                   { .socket = monitor, .events = ZMQ_POLLIN },
                                   { .socket = bus->monitor[socket], .events = ZMQ_POLLIN } };
        if (zmq_poll(items, 3, (long)((until_us - now_us) / 1000) + 1) == -1 && errno != EINTR)
            break;
        serve_zap(bus);
        (void)next_event(monitor, &event, &status);
        heed_monitor(bus, (uint8_t)socket);
    }
    if (stranger != NULL) {
        (void)zmq_socket_monitor(stranger, NULL, 0);
        (void)zmq_close(stranger);
    }
    if (monitor != NULL)
        (void)zmq_close(monitor);
    zap_reset(bus->zap);                        /* it was ourselves: nobody is to look for them */
    memset(&bus->counters, 0, sizeof bus->counters);
    return event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && status == 400;
}

bool bus_wait(struct bus *bus, int fd, int64_t timeout_ms)
{
    enum { MONITORS = 1 + BUS_SOCKET_COUNT, ZAP = MONITORS + BUS_SOCKET_COUNT, ITEMS };
    zmq_pollitem_t items[ITEMS] = { { .fd = fd, .events = ZMQ_POLLIN } };
    for (int i = 0; i < BUS_SOCKET_COUNT; i++) {
        items[i + 1] = (zmq_pollitem_t){ .socket = bus->socket[i], .events = ZMQ_POLLIN };
        items[i + MONITORS] = (zmq_pollitem_t){ .socket = bus->monitor[i], .events = ZMQ_POLLIN };
    }
    if (bus->zap != NULL)
        items[ZAP] = (zmq_pollitem_t){ .socket = zap_socket(bus->zap), .events = ZMQ_POLLIN };
    bool readable = fair_count(bus->fair) > 0;
    if (zmq_poll(items, bus->zap != NULL ? ITEMS : ZAP, readable ? 0 : (long)timeout_ms) == -1)
        return false;                           /* EINTR: the loop comes round again */
    struct rfl_now now;
    clock_read(&bus->clock, &now);
    bus->boot_ms = now.boot_ms;     /* the wait may have been long: who comes now has not been silent since before it */
    if ((items[ZAP].revents & ZMQ_POLLIN) != 0)
        serve_zap(bus);
    for (uint8_t i = 0; i < BUS_SOCKET_COUNT; i++) {
        if ((items[i + MONITORS].revents & ZMQ_POLLIN) != 0)
            heed_monitor(bus, i);
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
    peers_forget_session(bus->peers, session);
    if (bus->gone_count < GONE_COUNT_MAX)
        bus->gone[bus->gone_count++] = session;
    else
        bus->counters.bus_untold++;
}

/* Reads and forgets the rest of a message: libzmq hands over all of its frames or none. Returns their bytes on the
 * wire. */
static uint64_t drain_message(void *socket, bool with_keys)
{
    int more = 1;
    uint64_t bytes = 0;
    zmq_msg_t rest;
    (void)zmq_msg_init(&rest);
    while (more && zmq_msg_recv(&rest, socket, ZMQ_DONTWAIT) != -1) {
        more = zmq_msg_more(&rest);
        bytes += meter_wire_bytes(zmq_msg_size(&rest), with_keys);
    }
    (void)zmq_msg_close(&rest);
    return bytes;
}

/* The connection behind the message. At the first of a session everything older is heard before: that it was accepted,
 * and on all sockets that another had its number, or what is kept of it now would be taken away again. */
static struct peer *find_peer(struct bus *bus, uint64_t session)
{
    struct peer *peer = peers_of(bus->peers, session);
    if (peer != NULL)
        return peer;
    for (uint8_t i = 0; i < BUS_SOCKET_COUNT; i++)
        if (bus->monitor[i] != NULL)
            heed_monitor(bus, i);
    return peers_heard(bus->peers, zmq_msg_get(&bus->payload, ZMQ_SRCFD), session);
}

static void remember_key(struct bus *bus, struct peer *peer, const struct rfl_curve_key *key, const char *user)
{
    if (!peer->has_key)
        quota_spoke(bus->quota, key);
    peer->has_key = true;
    peer->key = *key;
    (void)snprintf(peer->user, sizeof peer->user, "%s", user);
}

/* Whose message the payload is. libzmq says it of the payload frame and not of the routing frame. What was decoded of
 * an earlier message of the connection is used again when libzmq says the same. False: it does not say, or the
 * connection is being cut; the message is dropped. */
static bool find_key(struct bus *bus, uint64_t wire_bytes, struct bus_frame *out)
{
    const char *user = zmq_msg_gets(&bus->payload, "User-Id");
    struct peer *peer = find_peer(bus, out->session);
    if (peer != NULL && peer->cut_boot_ms != 0)
        return false;
    if (peer != NULL)
        meter_took(&peer->bytes, wire_bytes, !out->misframed);
    if (bus->zap == NULL)
        return true;
    if (user == NULL)
        return false;
    if (peer != NULL && peer->has_key && strcmp(peer->user, user) == 0) {
        out->key = &peer->key;
        return true;
    }
    if (!rfl_key_from_z85((struct rfl_view){ (const uint8_t *)user, strlen(user) }, &bus->key))
        return false;
    out->key = &bus->key;
    if (peer != NULL)
        remember_key(bus, peer, &bus->key, user);
    return true;
}

/* An id of its own choosing would let a peer starve whoever has it too, and it is never answered. The owner of the key
 * is to blame; there is no session. */
static void blame_foreign(struct bus *bus)
{
    struct rfl_curve_key key;
    const char *user = bus->zap != NULL ? zmq_msg_gets(&bus->payload, "User-Id") : NULL;
    struct peer *peer = peers_at(bus->peers, zmq_msg_get(&bus->payload, ZMQ_SRCFD));
    if (user == NULL || !rfl_key_from_z85((struct rfl_view){ (const uint8_t *)user, strlen(user) }, &key))
        return;
    if (peer != NULL && peer->session == 0)
        remember_key(bus, peer, &key, user);
    quota_punish(bus->quota, &key, QUOTA_FOREIGN_ID, bus->boot_ms);
}

static uint64_t take_payload(struct bus *bus, void *socket, struct bus_frame *out)
{
    uint64_t bytes = meter_wire_bytes(zmq_msg_size(&bus->payload), bus->zap != NULL);
    out->misframed = zmq_msg_more(&bus->payload);
    if (out->misframed)
        return bytes + drain_message(socket, bus->zap != NULL);
    out->payload = (struct rfl_view){ zmq_msg_data(&bus->payload), zmq_msg_size(&bus->payload) };
    return bytes;
}

/* Lets the message wait for its turn, if its key may. False: there is nothing to be said of it now. */
static bool wait_in_line(struct bus *bus, uint64_t wire_bytes, struct bus_frame *out)
{
    struct fair_message message = { .session = out->session, .put_boot_ms = bus->boot_ms, .socket = out->socket,
                                    .misframed = out->misframed };
    enum quota_verdict verdict = QUOTA_TAKE;
    if (out->key != NULL) {
        message.key = *out->key;
        verdict = quota_message(bus->quota, out->key, wire_bytes, bus->boot_ms, &out->busy_ms);
    }
    if (verdict == QUOTA_DROP || (verdict == QUOTA_TAKE && fair_put(bus->fair, &message, &bus->payload, &out->busy_ms)))
        return false;
    bus->counters.bus_no_room += verdict == QUOTA_TAKE;
    return true;
}

/* One message from libzmq. False: the socket is empty. *out has a session when it is to be answered at once. */
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
    *out = (struct bus_frame){ .socket = which, .misframed = true };
    bool paid = more && zmq_msg_recv(&bus->payload, socket, ZMQ_DONTWAIT) != -1;
    uint64_t wire_bytes = paid ? take_payload(bus, socket, out) : 0;
    if (!ours) {
        bus->counters.bus_foreign_ids++;
        if (paid)
            blame_foreign(bus);
        return true;
    }
    uint64_t evicted;
    out->session = session_heard(bus->sessions, peer, boot_ms, &evicted);
    if (evicted != 0) {
        bus->counters.bus_evicted++;
        end_session(bus, evicted);
    }
    if ((paid || bus->zap != NULL) && (!paid || !find_key(bus, wire_bytes, out))) {
        bus->counters.bus_unsigned++;
        out->session = 0;                       /* there is nobody to answer */
        return true;
    }
    bus->counters.bus_misframed += out->misframed;
    if (!wait_in_line(bus, wire_bytes, out))
        out->session = 0;
    return true;
}

/* Takes what libzmq has, socket by socket, until something is to be answered at once. */
static bool fetch_any(struct bus *bus, struct bus_frame *out)
{
    for (int dry = 0; bus->pulls_left > 0 && dry < BUS_SOCKET_COUNT; ) {
        uint8_t which = bus->turn_of;
        bus->turn_of = (uint8_t)((which + 1) % BUS_SOCKET_COUNT);
        if (bus->dry[which] || !fetch(bus, which, bus->boot_ms, out)) {
            bus->dry[which] = true;
            dry++;
            continue;
        }
        dry = 0;
        bus->pulls_left--;
        if (out->session != 0)
            return true;
    }
    return false;
}

/* What came in before its session ended, or its key was shut out, has nobody left who waits for it. */
static bool is_wanted(struct bus *bus, const struct fair_message *message)
{
    struct session_peer peer;
    bool shut_out = bus->zap != NULL && quota_is_shut_out(bus->quota, &message->key, bus->boot_ms);
    bool wanted = !shut_out && session_find(bus->sessions, message->session, &peer);
    bus->counters.bus_too_late += !wanted;
    return wanted;
}

void bus_begin(struct bus *bus, int64_t boot_ms)
{
    bus->boot_ms = boot_ms;
    bus->pulls_left = PULLS_MAX;
    fair_begin(bus->fair);
}

bool bus_receive(struct bus *bus, struct bus_frame *out)
{
    struct fair_message message;
    if (fetch_any(bus, out))
        return true;
    while (fair_next(bus->fair, &message, &bus->payload)) {
        if (!is_wanted(bus, &message)) {
            fair_spent(bus->fair, 0);
            continue;
        }
        bus->key = message.key;
        *out = (struct bus_frame){ .socket = message.socket, .misframed = message.misframed,
                                   .session = message.session, .key = bus->zap != NULL ? &bus->key : NULL };
        if (!out->misframed)
            out->payload = (struct rfl_view){ zmq_msg_data(&bus->payload), zmq_msg_size(&bus->payload) };
        bus->counters.bus_frames_in++;
        return true;
    }
    return false;
}

void bus_spent(struct bus *bus, const struct bus_frame *frame, uint64_t spent_us)
{
    if (frame->busy_ms == 0)
        fair_spent(bus->fair, spent_us);
}

static void plan_cut(struct bus *bus, struct peer *peer, int64_t boot_ms);

/* There is a gap in what it will hear, so it had better begin anew. */
static void cut_not_reading(struct bus *bus, uint64_t session)
{
    struct peer *peer = peers_of(bus->peers, session);
    bus->counters.bus_not_reading++;
    if (peer == NULL)
        return;
    if (peer->has_key)
        quota_punish(bus->quota, &peer->key, QUOTA_NOT_READING, bus->boot_ms);
    plan_cut(bus, peer, bus->boot_ms);
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
        if (zmq_send(socket, frame.p, frame.len, ZMQ_DONTWAIT) == -1)
            return;
        bus->counters.bus_sent++;
        struct peer *to = peers_of(bus->peers, session);
        if (to != NULL)
            to->bytes.given += meter_wire_bytes(frame.len, bus->zap != NULL);
        return;
    }
    if (errno == EAGAIN)
        cut_not_reading(bus, session);
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

/* ---- cutting connections ---- */

static void plan_cut(struct bus *bus, struct peer *peer, int64_t boot_ms)
{
    if (peer->cut_boot_ms == 0)
        peer->cut_boot_ms = boot_ms > 0 ? boot_ms : 1;
    if (peer->cut_boot_ms < bus->next_cut_boot_ms)
        bus->next_cut_boot_ms = peer->cut_boot_ms;
}

void bus_cut(struct bus *bus, uint64_t session, int64_t boot_ms)
{
    struct peer *peer = peers_of(bus->peers, session);
    if (peer != NULL)
        plan_cut(bus, peer, boot_ms);
    else
        end_session(bus, session);              /* its descriptor is not known: its messages go on being refused */
}

uint32_t bus_cut_all(struct bus *bus, bus_wants_cut *wants_cut, void *ctx, int64_t boot_ms, bool dry_run)
{
    uint32_t count = 0;
    struct peer *peer;
    for (int fd = 0; (peer = peers_next(bus->peers, &fd)) != NULL; fd++) {
        if (!peer->has_key || peer->cut_boot_ms != 0 || !wants_cut(ctx, peer))
            continue;
        count++;
        if (!dry_run)
            plan_cut(bus, peer, boot_ms);
    }
    return count;
}

void bus_cut_due(struct bus *bus, int64_t boot_ms)
{
    struct peer *peer;
    if (boot_ms < bus->next_cut_boot_ms)
        return;
    bus->next_cut_boot_ms = INT64_MAX;
    for (int fd = 0; (peer = peers_next(bus->peers, &fd)) != NULL; fd++) {
        if (peer->cut_boot_ms == 0)
            continue;
        if (peer->cut_boot_ms > boot_ms) {
            plan_cut(bus, peer, peer->cut_boot_ms);
            continue;
        }
        uint64_t session = peer->session;
        bus->counters.bus_cut += peers_shut(peer, fd);
        if (session != 0)
            end_session(bus, session);
    }
}

void bus_look(struct bus *bus, int64_t boot_ms)
{
    bus->boot_ms = boot_ms;
    if (boot_ms < bus_next_look(bus))
        return;
    bus->strikes_seen = quota_counters(bus->quota)->key_strikes;
    if (meter_look(&bus->meter, bus->peers, bus->quota, bus->dry, boot_ms) > 0)
        bus->next_cut_boot_ms = 0;
}

int64_t bus_next_look(const struct bus *bus)
{
    if (peers_count(bus->peers) == 0)
        return INT64_MAX;
    if (quota_counters(bus->quota)->key_strikes != bus->strikes_seen)
        return 0;
    return bus->any_tcp ? meter_next_look(&bus->meter, peers_count(bus->peers))
                        : bus->meter.looked_boot_ms + LOCAL_LOOK_MS;
}

int64_t bus_next_cut(const struct bus *bus)
{
    return bus->next_cut_boot_ms;
}
