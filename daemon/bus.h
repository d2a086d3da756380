/* bus.h: the three ROUTER sockets, and nothing about what is said on them.
 *
 * A message is exactly one routing frame and one payload frame. Everything else a peer can send (more frames, a frame
 * that is too large, an identity of its own choosing) is drained, counted and, where there is somebody to answer,
 * reported as misframed. Nothing here waits but bus_wait.
 *
 * A peer that is gone is known only when something is sent to it: its session then ends, and bus_gone says so once. A
 * peer that does not read what it is sent ends the same way: after a gap nothing more may be said in that session, or a
 * later acknowledgement would cover what was never heard. Sessions silent for BUS_FORGET_MS end as well, so a mailbox
 * or subscription that is to last must be heard of once a day.
 *
 * After bus_require_keys every connection is CURVE, ipc included, and has proved which key it holds; a message whose
 * key libzmq does not say is dropped. */
#ifndef BUS_H
#define BUS_H

#include "meter.h"
#include "zap.h"

enum bus_socket { BUS_DOORS, BUS_WORKERS, BUS_ADMIN, BUS_SOCKET_COUNT };

enum { BUS_ENDPOINT_BYTES = 256, BUS_FORGET_MS = 24 * 3600 * 1000 };

struct bus;

/* Counted on purpose, because nobody is answered or a peer is cut off: (name, what it counts). */
#define BUS_COUNTER_LIST(X) \
    X(bus_frames_in)         /* payload frames handed to the loop */ \
    X(bus_misframed)         /* messages of other than two frames */ \
    X(bus_foreign_ids)       /* messages dropped because their sender chose its own routing id */ \
    X(bus_no_room)           /* messages answered BUSY because too much of their key is waiting already (fair.h) */ \
    X(bus_too_late)          /* messages dropped: their session ended, or their key was shut out, while they waited */ \
    X(bus_sent)              /* frames given to libzmq */ \
    X(bus_unreachable)       /* sends to a peer that is gone */ \
    X(bus_not_reading)       /* sends refused because the peer has read nothing of the last BUS_SEND_HWM */ \
    X(bus_unsendable)        /* replies to a session that had ended */ \
    X(bus_evicted)           /* sessions that made room for others */ \
    X(bus_forgotten)         /* sessions silent for BUS_FORGET_MS */ \
    X(bus_accept_failed)     /* connections the system could not give us: descriptors or memory */ \
    X(bus_handshake_failed)  /* connections that were refused, for whatever reason; of these: */ \
    X(bus_wrong_server_key)  /* they expected another daemon's key, or bent the handshake */ \
    X(bus_no_key)            /* they offered no key (NULL, PLAIN), spoke an older protocol, or none of ZeroMQ's */ \
    X(bus_unsigned)          /* messages dropped: no key, which cannot be, or of a connection about to be cut */ \
    X(bus_cut)               /* connections cut: their key ended or was given other rights, or meter.h says why */ \
    X(bus_crowded)           /* connections closed as soon as they were made, or before they said anything: no room */ \
    X(bus_kept_out)          /* times that no connection was let come for a moment, because it was crowded */ \
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
/* Before the first bus_bind: from now on nobody without a key is heard. RFL_E_MEMORY, RFL_E_IO. */
RFL_MUST_USE enum rfl_err bus_require_keys(struct bus *bus, const struct rfl_identity *server);
/* Who may connect: borrowed; NULL, as at first: nobody. Connections that were made before are not touched by this. */
void bus_set_keys(struct bus *bus, const struct rfl_keys *keys);
/* NULL without keys. */
struct zap *bus_zap(struct bus *bus);
struct quota *bus_quota(struct bus *bus);
const struct meter_counters *bus_meter_counters(const struct bus *bus);
/* Connects to the bound socket with a key that nobody knows. True when it was refused, and for that reason, in time. */
RFL_MUST_USE bool bus_refuses_strangers(struct bus *bus, enum bus_socket socket);
/* Makes the socket's limits and binds it; each socket once. An ipc endpoint's folder is made (0700) when it is missing
 * and must be its owner's alone. RFL_E_INVALID: the folder is not; RFL_E_VERSION: this libzmq cannot be
 * made to insist on keys; RFL_E_IO: errno says why. */
RFL_MUST_USE enum rfl_err bus_bind(struct bus *bus, enum bus_socket socket, const char *endpoint);
/* Closes everything. What was sent but not yet handed to the kernel is given linger_ms; nothing depends on it. */
void bus_free(struct bus **bus, int linger_ms);

/* Waits until a socket can be read, `fd` can be read, or timeout_ms passed; not at all while messages wait for their
 * turn. True when there is something to receive. */
bool bus_wait(struct bus *bus, int fd, int64_t timeout_ms);

struct bus_frame {
    uint8_t socket;                             /* enum bus_socket */
    bool misframed;                             /* the payload is then empty */
    uint32_t busy_ms;                           /* not 0: its key may not ask now, and may try again in so long */
    uint64_t session;
    const struct rfl_curve_key *key;            /* whose it is, borrowed like the payload; NULL without keys */
    struct rfl_view payload;                    /* borrowed until the next bus_receive */
};
/* A turn of the loop begins: what it may receive, and how long it may work, is bounded against every sender. */
void bus_begin(struct bus *bus, int64_t boot_ms);
/* The next message: first those to be answered BUSY, then, in fair.h's order, those that wait. False when there are
 * none or the turn has had enough. Never waits. */
bool bus_receive(struct bus *bus, struct bus_frame *out);
/* What the loop spent on the message: once after each. */
void bus_spent(struct bus *bus, const struct bus_frame *frame, uint64_t spent_us);

/* Best effort: what cannot be sent is counted, and a later turn or the peer's next ask tells it again. */
void bus_send(struct bus *bus, uint64_t session, struct rfl_view frame);

/* Nothing more is heard on the session's connection, and it is cut when boot_ms comes (bus_cut_due), by when what was
 * sent before has left. */
void bus_cut(struct bus *bus, uint64_t session, int64_t boot_ms);
/* Asks of every connection on which something was heard whether it is to be cut now. Returns how many were; with
 * `dry_run`, how many would be. */
typedef bool bus_wants_cut(void *ctx, const struct peer *peer);
uint32_t bus_cut_all(struct bus *bus, bus_wants_cut *wants_cut, void *ctx, int64_t boot_ms, bool dry_run);
void bus_cut_due(struct bus *bus, int64_t boot_ms);
/* When bus_cut_due has something to do; INT64_MAX: never. */
int64_t bus_next_cut(const struct bus *bus);
/* Connections by descriptor, to be looked at. */
struct peers *bus_peers(struct bus *bus);

/* Looks at what connections make us hold (meter.h), when it is time; those that must go are then due to be cut. */
void bus_look(struct bus *bus, int64_t boot_ms);
/* When bus_look has something to do; INT64_MAX: never, as nobody is connected or kept out. */
int64_t bus_next_look(const struct bus *bus);

/* Ends sessions that have been silent for BUS_FORGET_MS; bus_gone then tells them. */
void bus_forget(struct bus *bus, int64_t boot_ms);
/* The next session that ended and was not told yet; 0: none. */
uint64_t bus_gone(struct bus *bus);
bool bus_has_gone(const struct bus *bus);

#endif
