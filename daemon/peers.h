/* peers.h: connections by descriptor: what the system knows of them, beside what the protocol does (session.h).
 *
 * libzmq has no call to end one connection, but it says which descriptor it accepted and which one a message came
 * through. Here is kept which key and session are behind a descriptor, so that a key that has ended can be cut off and
 * bytes can be counted. libzmq owns the descriptors: nothing here closes one, and one is only touched while its inode
 * is the one it was met with, because numbers are used again.
 *
 * Memory is fixed. A descriptor of PEERS_FD_MAX or more is not known here: its messages are still judged one by one. */
#ifndef PEERS_H
#define PEERS_H

#include "rfl_conf_identity.h"

enum { PEERS_FD_MAX = 65536 };

/* Bytes as they are on the wire, kept by meter.c. */
struct peer_bytes {
    uint64_t taken, given;              /* of messages that the loop took, and that it sent */
    uint64_t received;                  /* when it was last looked at */
    uint64_t control_in;                /* at least so many were received that are no messages */
    uint64_t control_out;               /* and sent */
    uint64_t mark;                      /* control_in as it would be if nothing was held when it was read; 0: none */
};

struct peer {
    bool here;
    bool has_key;                       /* key is set: something was heard on it */
    uint8_t socket;                     /* enum bus_socket */
    uint8_t sockets;                    /* 1 << socket of each that has accepted this number and not ended it yet */
    uint64_t inode;
    uint64_t session;                   /* 0: nothing was heard on it yet */
    int64_t since_boot_ms;              /* accepted, or first heard */
    int64_t cut_boot_ms;                /* when it is to be cut; 0: not */
    struct peer_bytes bytes;
    struct rfl_curve_key key;
    char user[RFL_Z85_CHARS + 1];       /* the same, as libzmq hands it over with each message */
};

struct peers;

/* NULL when out of memory. */
struct peers *peers_new(void);
void peers_free(struct peers **peers);

/* What libzmq's monitors say. Each socket has one of its own, so that what two of them say of one number, which is used
 * again at once, comes in any order; only what one socket says is in order. */
void peers_accepted(struct peers *peers, int fd, uint8_t socket, int64_t boot_ms);
void peers_closed(struct peers *peers, int fd, uint8_t socket);
/* What a message says: the connection behind a session. NULL: the descriptor is out of range, or is not that
 * connection's as far as is known: libzmq's word of accepting and closing comes apart from the messages. A later
 * message finds it. (A message left over from a closed connection may still be put to one that has got its number and
 * said nothing yet; the worst that comes of it is that one more connection is cut, and made again by its owner.) */
struct peer *peers_heard(struct peers *peers, int fd, uint64_t session);
/* NULL: out of range, or no connection that is known of. */
struct peer *peers_at(struct peers *peers, int fd);
/* NULL: not known, or closed. */
struct peer *peers_of(struct peers *peers, uint64_t session);
void peers_forget_session(struct peers *peers, uint64_t session);

/* The connections from this descriptor on, in order: the first at or after *fd, which is set to its own; NULL: none. */
struct peer *peers_next(struct peers *peers, int *fd);
/* Ends the connection as if the network had, if the descriptor is still the one that was met. libzmq then closes it. */
bool peers_shut(const struct peer *peer, int fd);
uint32_t peers_count(const struct peers *peers);

#endif
