#include "bus_int.h"

#include <linux/filter.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
    CAME_MAX = 10, CAME_MS = 100,   /* when it is crowded, so many may come in so long */
    ADMIN_KEPT = 64,                /* connections that only the admin socket may have */
    CROWDED_LOOKS = 256,             /* descriptors searched for somebody silent to give way */
    CROWDED_HANDSHAKE_MS = 500,     /* a handshake may take so long before its connection gives way, */
    CROWDED_SILENT_MS = 2000        /* and the first word after it so long */
};

/* What libzmq refuses by itself never reaches the loop, but it is counted. The pair has no high-water mark, because an
 * I/O thread that reports waits when there is no room; between two turns it can only be as many as connections end. */
bool bus__open_monitor(struct bus *bus, enum bus_socket socket)
{
    char name[32];
    int unlimited = 0, linger = 0;
    (void)snprintf(name, sizeof name, "inproc://monitor-%d", (int)socket);
    if (zmq_socket_monitor(bus->socket[socket], name, ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED
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
bool bus__next_event(void *monitor, uint16_t *event, uint32_t *value)
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

static bool has_shaken_hands(const struct peer *peer) { return peer->bytes.received >= METER_HANDSHAKE_BYTES; }

static bool gives_way(const struct bus *bus, const struct peer *peer)
{
    return peer->session == 0 && !peer->has_key && peer->cut_boot_ms == 0 && peer->socket != BUS_ADMIN
        && bus->boot_ms - peer->since_boot_ms > (has_shaken_hands(peer) ? CROWDED_SILENT_MS : CROWDED_HANDSHAKE_MS);
}

/* Whoever has said nothing for a while gives way to the one who came: before all others those who have not shaken
 * hands, because a handshake is what costs most and whoever is cut comes back. If there is nobody, the one who came
 * does. */
static void make_room(struct bus *bus, int fd)
{
    struct peer *peer, *came = peers_at(bus->peers, fd);
    uint32_t most = came != NULL && came->socket == BUS_ADMIN ? bus->connections_max
                                                              : bus->connections_max - ADMIN_KEPT;
    if (came == NULL || peers_count(bus->peers) <= most)
        return;
    bus->counters.bus_crowded++;
    int goes = fd;
    for (int looks = 0; looks < CROWDED_LOOKS; looks++, bus->crowded_fd++) {
        if ((peer = peers_next(bus->peers, &bus->crowded_fd)) == NULL) {
            bus->crowded_fd = 0;
        } else if (gives_way(bus, peer)) {
            goes = bus->crowded_fd;
            if (!has_shaken_hands(peer))
                break;
        }
    }
    peer = peers_at(bus->peers, goes);
    peer->cut_boot_ms = bus->boot_ms;           /* libzmq tells when it is gone */
    (void)peers_shut(peer, goes);
}

bool bus__is_crowded(const struct bus *bus)
{
    return peers_count(bus->peers) > bus->connections_max / 4 * 3;
}

/* Whoever is cut to make room comes back at once, and that costs libzmq more than everybody's messages. So when it is
 * crowded only some may come in a while. A filter that takes nothing drops the others' first packets, as a full backlog
 * does, and their systems try again after a second. Connections that there are have filters of their own: none. */
static void keep_out(struct bus *bus, uint8_t socket)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog filter = { 1, &nothing };
    if (bus->boot_ms - bus->came_boot_ms >= CAME_MS) {
        bus->came_boot_ms = bus->boot_ms;
        bus->came = 0;
    }
    if (++bus->came < CAME_MAX || bus->listener[socket] == 0 || socket == BUS_ADMIN || !bus__is_crowded(bus))
        return;
    if (bus->deaf_until_boot_ms[socket] != 0
        || setsockopt(bus->listener[socket], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == -1)
        return;
    bus->deaf_until_boot_ms[socket] = bus->boot_ms + CAME_MS;
    bus->counters.bus_kept_out++;
}

void bus__let_come(struct bus *bus)
{
    int unused = 0;
    for (int i = 0; i < BUS_SOCKET_COUNT; i++)
        if (bus->deaf_until_boot_ms[i] != 0 && bus->boot_ms >= bus->deaf_until_boot_ms[i]
            && setsockopt(bus->listener[i], SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == 0)
            bus->deaf_until_boot_ms[i] = 0;
}

int64_t bus__next_let_come(const struct bus *bus)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < BUS_SOCKET_COUNT; i++)
        if (bus->deaf_until_boot_ms[i] != 0 && bus->deaf_until_boot_ms[i] < next)
            next = bus->deaf_until_boot_ms[i];
    return next;
}

void bus__heed_monitor(struct bus *bus, uint8_t socket)
{
    uint16_t event;
    uint32_t value;
    while (bus__next_event(bus->monitor[socket], &event, &value)) {
        if (event == ZMQ_EVENT_ACCEPTED) {
            peers_accepted(bus->peers, (int)value, socket, bus->boot_ms);
            make_room(bus, (int)value);
            keep_out(bus, socket);
        } else if (event == ZMQ_EVENT_LISTENING) {
            bus->listener[socket] = strncmp(bus->endpoint[socket], "tcp:", 4) == 0 ? (int)value : 0;
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
