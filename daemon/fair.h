/* fair.h: whose message is next.
 *
 * The loop is one thread, and its time is what all keys share. Messages wait here by key, and the key goes first whose
 * message will, as far as its last one tells, be done first if all keys had equal parts: self-clocked fair queueing
 * (Golestani, 1994). Who asks for less than an equal part waits for nobody's backlog, however many others have one;
 * those who ask for more have equal parts; and nobody is held back while nobody else waits.
 *
 * Everybody in a turn waits for its end. So a turn is FAIR_TURN_US of work at most, and a key whose last message took
 * FAIR_LONG_MESSAGE_US or more is served in a turn of its own: what was taken before it is answered before it. While
 * others are about, all of these together have one part in FAIR_LONG_PART of the time.
 *
 * A key may have an eighth as much waiting as is still free, so there is room for one that has less (dynamic
 * thresholds: Choudhury and Hahne, 1998). Messages of one key stay in order. Memory is fixed but for the payloads,
 * which are bounded. Without keys all messages are one key's. */
#ifndef FAIR_H
#define FAIR_H

#include <zmq.h>

#include "rfl_conf_keys.h"

enum {
    FAIR_MESSAGES_MAX = 40960, FAIR_BYTES_MAX = 64 << 20,   /* waiting, of all keys together; */
    FAIR_KEY_PART = 8,                          /* a ninth for one alone: as many as it may have in flight, and some */
    FAIR_TURN_US = 3000,                        /* of work in one turn: some 250 referrals */
    FAIR_LONG_MESSAGE_US = 250,
    FAIR_LONG_PART = 4,
    FAIR_ABOUT_US = 20 * 1000                   /* others are about for so long after one of them was served */
};
static_assert(FAIR_MESSAGES_MAX / (FAIR_KEY_PART + 1) >= RFL_BATCH_MAX, "a key alone finds room for all it may ask");

struct fair_message {
    uint64_t session;
    int64_t put_boot_ms;
    struct rfl_curve_key key;                   /* all zero without keys */
    uint8_t socket;                             /* enum bus_socket */
    bool misframed;                             /* its payload is empty */
};

struct fair;

/* NULL when out of memory. */
struct fair *fair_new(void);
void fair_free(struct fair **fair);

/* Takes the message with its payload, which is then empty. False: there is no room, and the payload is still the
 * caller's; *wait_ms is how long the key's oldest message has waited, as the next one may have to. */
bool fair_put(struct fair *fair, const struct fair_message *message, zmq_msg_t *payload, uint32_t *wait_ms);
/* A turn begins, now by a clock that never goes back. */
void fair_begin(struct fair *fair, uint64_t now_us);
/* From when on a turn has a message, if none comes before; UINT64_MAX: none is waiting. */
uint64_t fair_ready_us(const struct fair *fair);
/* Hands out the next message; *payload is an initialised one. False: none is waiting, or the turn has worked enough. */
bool fair_next(struct fair *fair, struct fair_message *out, zmq_msg_t *payload);
/* What the message of the last fair_next cost. To be called once after each. */
void fair_spent(struct fair *fair, uint64_t spent_us);
/* Messages waiting. */
uint32_t fair_count(const struct fair *fair);

#endif
