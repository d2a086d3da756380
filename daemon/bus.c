#include "bus_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint.h"

/* A client may have 4,096 asks in flight, and a worker as much credit. Twice that holds the answers of a whole turn to
 * one peer, so a peer that reads at all is never taken for one that does not; and a peer's pipe does not fill while
 * the loop waits for a commit, which with heartbeats would cut a healthy peer off. */
enum { BUS_SEND_HWM = 2 * RFL_BATCH_MAX, BUS_RECEIVE_HWM = 2 * RFL_BATCH_MAX };
static_assert(BUS_SEND_HWM >= RFL_CREDIT_MAX + RFL_BATCH_MAX, "one turn's answers and offers to one peer fit");

enum {
    ENFORCE_DOMAIN = 93,            /* ZMQ_ZAP_ENFORCE_DOMAIN: works by number where the header does not declare it */
    KERNEL_BUFFER_BYTES = 256 << 10,    /* each way of each connection; left alone, the kernel gives up to 6 MiB */
    BACKLOG = 512,
    FILES_KEPT = BACKLOG + 64       /* descriptors that are no connection's, and those accepted before we notice */
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
static bool set_limits(void *socket, bool tcp, bool ipv6, bool with_keys)
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
    int64_t frame_bytes_max = RFL_MESSAGE_BYTES_MAX + (with_keys ? METER_CURVE_BYTES : 0);   /* libzmq counts all */
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
        || !set_limits(bus->socket[socket], tcp, strchr(endpoint, '[') != NULL, bus->zap != NULL))
        return RFL_E_IO;
    if (bus->zap != NULL && !insist_on_keys(bus, bus->socket[socket]))
        return RFL_E_VERSION;
    if (!bus__open_monitor(bus, socket) || zmq_bind(bus->socket[socket], endpoint) == -1)
        return RFL_E_IO;
    size_t len = BUS_ENDPOINT_BYTES;
    if (zmq_getsockopt(bus->socket[socket], ZMQ_LAST_ENDPOINT, bus->endpoint[socket], &len) == -1)
        return RFL_E_IO;
    return RFL_E_OK;
}

/* Handshakes come between turns too. */
void bus__serve_zap(struct bus *bus)
{
    struct rfl_now now;
    clock_read(&bus->clock, &now);
    bus->boot_ms = now.boot_ms;
    zap_serve(bus->zap, &now, bus__is_crowded(bus));
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
    uint64_t now_us = clock_monotonic_us(), ready_us = fair_ready_us(bus->fair);
    int64_t ready_ms = ready_us <= now_us ? 0 : (int64_t)((ready_us - now_us) / 1000) + 1;
    int64_t zap_boot_ms = bus->zap != NULL ? zap_next(bus->zap) : INT64_MAX;
    timeout_ms = ready_ms < timeout_ms ? ready_ms : timeout_ms;
    if (zap_boot_ms - bus->boot_ms < timeout_ms)
        timeout_ms = zap_boot_ms > bus->boot_ms ? zap_boot_ms - bus->boot_ms : 0;
    if (zmq_poll(items, bus->zap != NULL ? ITEMS : ZAP, (long)timeout_ms) == -1)
        return false;                           /* EINTR: the loop comes round again */
    bool readable = ready_us <= clock_monotonic_us();
    struct rfl_now now;
    clock_read(&bus->clock, &now);
    bus->boot_ms = now.boot_ms;     /* the wait may have been long: who comes now has not been silent since before it */
    if ((items[ZAP].revents & ZMQ_POLLIN) != 0 || now.boot_ms >= zap_boot_ms)
        bus__serve_zap(bus);
    for (uint8_t i = 0; i < BUS_SOCKET_COUNT; i++) {
        if ((items[i + MONITORS].revents & ZMQ_POLLIN) != 0)
            bus__heed_monitor(bus, i);
        bus->dry[i] = (items[i + 1].revents & ZMQ_POLLIN) == 0;
        readable |= !bus->dry[i];
    }
    return readable;
}
