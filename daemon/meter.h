/* meter.h: what one connection makes us hold, and which connections must go.
 *
 * libzmq limits frames and counts whole messages, so a message without an end, a flood of large frames and a reader
 * that does not read all grow this process beside every high-water mark. The kernel knows better: TCP_INFO says how
 * many bytes came in and how many the other side has confirmed. What came in and was not taken by the loop, and what
 * the loop gave and was not confirmed, is held for that connection by libzmq. Heartbeats and the handshake are bytes
 * too, and are told apart from what is held: going out, by the most that was ever confirmed beyond what was given;
 * coming in, by what was left over at a moment when all sockets were dry and the next message proved that it had not
 * begun before.
 *
 * Where it ends: ipc has no such figures, and is for processes of this same user. */
#ifndef METER_H
#define METER_H

#include "peers.h"
#include "quota.h"

enum {
    METER_HELD_MAX = 16 << 20,                  /* bytes in, and as many out, of one connection */
    METER_KEY_HELD_MAX = 48 << 20,              /* both together, of all connections of a key */
    METER_ALL_HELD_MAX = 192 << 20,             /* of everybody: over it the connection goes that holds most */
    METER_SLOW_BYTES_S = 1024,                  /* what grows slower than this is nobody's fault: heartbeats of weeks */
    METER_EVERY_MS = 50,                        /* how often each connection is looked at, */
    METER_LOOKS_MAX = 256,                      /* so many at one time: a fifth of a millisecond */
    METER_SILENT_MANY = 256, METER_SILENT_SHORT_MS = 5000,  /* so many silent ones, and each has only so long */
    METER_SILENT_AT_ONCE = 1,                   /* in one round: they come back together, and handshakes are dear */
    METER_HANDSHAKE_BYTES = 512                 /* RFC 26: a greeting, HELLO and INITIATE are more; who sent less
                                                   has not shaken hands */
};

#define METER_COUNTER_LIST(X) \
    X(meter_cut_in)             /* connections cut for what they sent and had not finished, or was not taken yet */ \
    X(meter_cut_out)            /* for not reading */ \
    X(meter_cut_key)            /* because all connections of their key held too much together */ \
    X(meter_cut_all)            /* because everybody's did, and this one most */ \
    X(meter_cut_old)            /* for bytes that grew so slowly that nobody is to blame; made anew by their owner */ \
    X(meter_cut_silent)         /* for saying nothing after they were made */ \
    X(meter_cut_shut_out)       /* because their key is shut out */
struct meter_counters {
#define X(name) uint64_t name;
    METER_COUNTER_LIST(X)
#undef X
};

struct meter {
    int64_t looked_boot_ms;
    int next_fd, largest_fd;                    /* of this round: where it goes on, and who holds most so far */
    uint64_t held, most;                        /* all together, and that one */
    struct meter_counters counters;
};

/* What CURVE adds to a frame: its command, nonce, box and flags (RFC 26). */
enum { METER_CURVE_BYTES = 8 + 8 + 16 + 1 };
/* The bytes of one frame on the wire. */
uint64_t meter_wire_bytes(size_t payload_bytes, bool with_keys);
/* The loop took a message that was so long on the wire; whole: it was one payload frame. */
void meter_took(struct peer_bytes *bytes, uint64_t wire_bytes, bool whole);

/* Looks at connections, and plans the cut (cut_boot_ms) of those that must go; quota hears of whose fault it was.
 * dry[socket]: nothing could be read from it just now. Returns how many are to be cut now. */
uint32_t meter_look(struct meter *meter, struct peers *peers, struct quota *quota, const bool *dry, int64_t boot_ms);

/* When the next of so many connections are to be looked at. */
int64_t meter_next_look(const struct meter *meter, uint32_t connections);

#endif
