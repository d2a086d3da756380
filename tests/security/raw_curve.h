/* raw_curve.h: a client of ZMTP 3.0 with CURVE (RFC 23 and 26) by hand, over a plain TCP socket, for what libzmq would
 * never send: it keeps an unfinished message back, its nonces only grow, and a connection costs it a thread.
 *
 * The caller owns the struct and closes it, more than once if it likes. Calls block, for RAW_WAIT_S at most; one that
 * failed leaves a connection of no more use. Heartbeats are passed over, so the daemon hangs up on one that has
 * said nothing for half a minute. Nothing is checked of the daemon but that it can seal and open what it should. */
#ifndef RAW_CURVE_H
#define RAW_CURVE_H

#include "rfl_conf_identity.h"

enum { RAW_WAIT_S = 10, RAW_GREETING_BYTES = 64, RAW_FRAME_BYTES_MAX = 128 << 10 };

struct raw_curve { int fd; uint64_t nonce; uint8_t box[RFL_KEY_BYTES]; };

/* A plain connection to "tcp://127.0.0.1:PORT". -1: nobody is there. One that does not wait is still being made, and no
 * call on it blocks. */
int raw_connect(const char *endpoint, bool waits);

/* Connects and shakes hands, as a DEALER without a routing id of its own, up to where the daemon judges the key. False:
 * it did not come so far, and nothing is left open. */
bool raw_curve_knock(struct raw_curve *curve, const char *endpoint, const struct rfl_identity *identity);
/* Waits for the judgement. False: the daemon refused the key, by an error or by hanging up; closed. */
bool raw_curve_enter(struct raw_curve *curve);
/* One frame of at most RAW_FRAME_BYTES_MAX; more: its message goes on. False: the other side closed. */
bool raw_curve_send(struct raw_curve *curve, const uint8_t *payload, size_t len, bool more);
/* The next frame of a message, passing over commands. False: the other side closed, or it is longer than cap. */
bool raw_curve_hear(struct raw_curve *curve, uint8_t *out, size_t cap, size_t *len);
void raw_curve_close(struct raw_curve *curve);

#endif
