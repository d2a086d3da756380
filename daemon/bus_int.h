/* bus_int.h: what the files of the bus share; nobody else includes it.
 *
 * bus.c makes, binds and waits; bus_monitor.c heeds what libzmq tells of connections; bus_traffic.c receives and sends;
 * bus_cut.c ends connections; bus_stranger.c is the self-test at start. */
#ifndef BUS_INT_H
#define BUS_INT_H

#include "bus.h"
#include "clock.h"
#include "fair.h"
#include "session.h"

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
    int listener[BUS_SOCKET_COUNT];             /* its descriptor, which is libzmq's; 0: not tcp */
    int64_t deaf_until_boot_ms[BUS_SOCKET_COUNT];   /* it hears of no new connection before; 0: it hears */
    uint32_t came;                              /* connections since came_boot_ms */
    int64_t came_boot_ms;
    bool any_tcp;
    struct rfl_identity server;
    struct rfl_curve_key key;                   /* of the last message, where no connection holds it */
    int64_t next_cut_boot_ms;
    int64_t boot_ms;                            /* of the last turn */
    zmq_msg_t payload;                          /* always initialised: the last frame handed out */
    uint8_t turn_of;                            /* the socket whose turn it is */
    bool dry[BUS_SOCKET_COUNT];                 /* found empty since bus_wait */
    uint32_t gone_count;
    uint64_t gone[SESSION_COUNT_MAX];              /* ended sessions the engine was not told of yet */
    struct bus_counters counters;
};

/* bus_monitor.c. next_event: false when there is none. */
bool bus__open_monitor(struct bus *bus, enum bus_socket socket);
bool bus__next_event(void *monitor, uint16_t *event, uint32_t *value);
void bus__heed_monitor(struct bus *bus, uint8_t socket);
/* There is room for few more connections. */
bool bus__is_crowded(const struct bus *bus);
/* Lets connections come again that bus__heed_monitor kept out, when it is time. */
void bus__let_come(struct bus *bus);
/* When that is; INT64_MAX: nobody is kept out. */
int64_t bus__next_let_come(const struct bus *bus);
/* bus.c: answers the handshakes that wait. */
void bus__serve_zap(struct bus *bus);
/* bus_traffic.c */
void bus__end_session(struct bus *bus, uint64_t session);
/* bus_cut.c */
void bus__plan_cut(struct bus *bus, struct peer *peer, int64_t boot_ms);

#endif
