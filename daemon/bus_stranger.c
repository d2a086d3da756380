#include "bus_int.h"

#include <errno.h>
#include <stdio.h>

enum { STRANGER_MS = 5000 };       /* how long a stranger's own refusal may take at start */

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
        bus__serve_zap(bus);
        (void)bus__next_event(monitor, &event, &status);
        bus__heed_monitor(bus, (uint8_t)socket);
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
