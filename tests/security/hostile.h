/* hostile.h: clients that mean harm, most of them with a good key. Each is a process of its own, at the lowest priority
 * because it stands for another machine, and does one thing as hard as it can for as long as it is told to. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "rfl_conf_identity.h"

/* What the daemon must do about a kind, seen from its side. */
enum { CUT = 1, BUSY = 2, REFUSED = 4, IGNORED = 8 };

/* (NAME, what it does, what must become of it, rights beside its source's in keys.conf; NULL: its key is not known) */
#define HOSTILE_LIST(X) \
    X(ENDLESS, "a message without an end, from its first frame on", CUT, "") \
    X(ENDLESS_LATE, "one honest question, then a message without one", CUT, "") \
    X(FLOOD, "Submits as fast as it can", BUSY | CUT, "rate = 50;") \
    X(OVER_RATE, "Submits at more than its rate, whatever it hears", BUSY, "rate = 20;") \
    X(JUNK, "frames of random bytes as fast as it can", BUSY | CUT, "rate = 50;") \
    X(LARGE, "frames of 64 KiB as fast as it can", CUT, "rate = 50;") \
    X(OVERSIZE, "frames over the limit", CUT, "") \
    X(MISFRAMED, "messages of three frames", BUSY | CUT, "rate = 50;") \
    X(DEAF, "questions with long answers, none of which it reads", CUT, "rate = 100000;") \
    X(HEAVY, "questions that take long to answer, within its rate", BUSY, "rate = 100000;") \
    X(CROWD, "ten times the connections it may have, each with a question", REFUSED, "connections = 10;") \
    X(SILENT, "connections that say nothing", CUT, "connections = 16000;") \
    X(NAMED, "a routing id of its own, the same on two connections", IGNORED | CUT, "") \
    X(COMES_AND_GOES, "connects, asks, goes, as fast as it can", REFUSED, "connections = 4;") \
    X(STRANGER, "connects with a new key that nobody knows, as fast as it can", REFUSED, NULL) \
    X(ZMTP1, "greetings of ZMTP 1.0 with a message behind", CUT | IGNORED, NULL) \
    X(HALF_OPEN, "connections that never begin the handshake", CUT | IGNORED, NULL) \
    X(SLOW, "a handshake of a byte every 100 ms", CUT | IGNORED, NULL)
enum hostile_kind {
#define X(name, text, must, rights) HOSTILE_##name,
    HOSTILE_LIST(X)
#undef X
    HOSTILE_COUNT
};

/* What it saw, in memory it shares with the test. */
struct hostile_seen {
    atomic_ullong tried, answered, busy;        /* frames or bytes sent; answers; those of them that were BUSY */
    atomic_ullong connected, refused, cut;      /* handshakes by their end; connections that ended after one */
};

struct hostile {
    enum hostile_kind kind;
    const char *doors;
    struct rfl_identity identity;
    const atomic_bool *attack, *over;           /* shared */
    struct hostile_seen *seen;
};

/* Forks. The child never returns. */
pid_t hostile_start(const struct hostile *hostile);

#endif
