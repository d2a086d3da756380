/* bus.h: the three ROUTER sockets, and nothing about what is said on them.
 *
 * A message is exactly one routing frame and one payload frame. Everything else a peer can send (more frames, a frame
 * that is too large, an identity of its own choosing) is drained, counted and, where there is somebody to answer,
 * reported as misframed. Nothing here waits but bus_wait.
 *
 * A peer that is gone is known only when something is sent to it: its session then ends, and bus_gone says so once. A
 * peer that does not read what it is sent ends the same way: after a gap nothing more may be said in that session, or a
 * later acknowledgement would cover what was never heard. Sessions silent for BUS_FORGET_MS end as well, so a mailbox
 * or subscription that is to last must be heard of once a day. */
#ifndef BUS_H
#define BUS_H

#include "rfl_base.h"

enum bus_socket { BUS_DOORS, BUS_WORKERS, BUS_ADMIN, BUS_SOCKET_COUNT };

enum { BUS_ENDPOINT_BYTES = 256, BUS_FORGET_MS = 24 * 3600 * 1000 };

struct bus;

/* Counted on purpose, because nobody is answered or a peer is cut off: (name, what it counts). */
#define BUS_COUNTER_LIST(X) \
    X(bus_frames_in)         /* payload frames handed to the loop */ \
    X(bus_misframed)         /* messages of other than two frames */ \
    X(bus_foreign_ids)       /* messages dropped because their sender chose its own routing id */ \
    X(bus_sent)              /* frames given to libzmq */ \
    X(bus_unreachable)       /* sends to a peer that is gone */ \
    X(bus_not_reading)       /* sends refused because the peer has read nothing of the last BUS_SEND_HWM */ \
    X(bus_unsendable)        /* replies to a session that had ended */ \
    X(bus_evicted)           /* sessions that made room for others */ \
    X(bus_forgotten)         /* sessions silent for BUS_FORGET_MS */ \
    X(bus_accept_failed)     /* connections the system could not give us: descriptors or memory */ \
    X(bus_handshake_failed)  /* connections that did not speak the protocol of ZeroMQ */ \
    X(bus_disconnected)      /* connections that ended, and those cut for a frame that is too large or malformed */ \
    X(bus_untold)            /* ended sessions the engine must notice by its own idle clock: too many at once */
struct bus_counters {
#define X(name) uint64_t name;
    BUS_COUNTER_LIST(X)
#undef X
};

/* What an endpoint became; the text of a port "*" is the port it got. Borrowed until bus_free. */
const char *bus_endpoint(const struct bus *bus, enum bus_socket socket);
const struct bus_counters *bus_counters(const struct bus *bus);
uint32_t bus_session_count(const struct bus *bus);

/* RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err bus_new(struct bus **out);
/* Makes the socket's limits and binds it; each socket once. An ipc endpoint's folder is made (0700) when it is missing
 * and must be its owner's alone. RFL_E_INVALID: the folder is not; RFL_E_IO: errno says why. */
RFL_MUST_USE enum rfl_err bus_bind(struct bus *bus, enum bus_socket socket, const char *endpoint);
/* Closes everything. What was sent but not yet handed to the kernel is given linger_ms; nothing depends on it. */
void bus_free(struct bus **bus, int linger_ms);

/* Waits until a socket can be read, `fd` can be read, or timeout_ms passed. True when a socket can be read. */
bool bus_wait(struct bus *bus, int fd, int64_t timeout_ms);

struct bus_frame {
    uint8_t socket;                             /* enum bus_socket */
    bool misframed;                             /* the payload is then empty */
    uint64_t session;                           /* 0: dropped and counted; there is nobody to answer */
    struct rfl_view payload;                    /* borrowed until the next bus_receive */
};
/* One message, also when it was dropped, so that the caller's bound on a turn holds against every sender. The sockets
 * take turns. False when all of them were found empty since bus_wait. Never waits. */
bool bus_receive(struct bus *bus, int64_t boot_ms, struct bus_frame *out);

/* Best effort: what cannot be sent is counted, and a later turn or the peer's next ask tells it again. */
void bus_send(struct bus *bus, uint64_t session, struct rfl_view frame);

/* Ends sessions that have been silent for BUS_FORGET_MS; bus_gone then tells them. */
void bus_forget(struct bus *bus, int64_t boot_ms);
/* The next session that ended and was not told yet; 0: none. */
uint64_t bus_gone(struct bus *bus);
bool bus_has_gone(const struct bus *bus);

#endif
