/* zap.h: who may connect. libzmq asks here during every CURVE handshake, before anything a peer says is read.
 *
 * libzmq without a handler accepts every key; with the socket options that bus.c sets it accepts none. So the handler
 * is bound before the first socket, and is served from the loop's own wait (bus_wait) and nowhere else. A peer that is
 * let in carries its public key, in Z85, as the User-Id of each of its messages.
 *
 * What a refused peer sees is a ZAP status: 400 for a key that is not known, 500 for one that is known but is not good
 * now. libzmq hands both on, tells them apart from everything else, and does not connect again by itself.
 *
 * A good key that is beyond its quota is kept waiting, because a handshake costs us more than most messages and libzmq
 * tries again in a tenth of a second. It is let in as soon as it may be; if it may not for ZAP_HOLD_MS_MIN or a little
 * longer, it meets status 300: the connection ends without a word, and libzmq tries again by itself. */
#ifndef ZAP_H
#define ZAP_H

#include "quota.h"

#define ZAP_DOMAIN "referrald"

enum {
    ZAP_HOLD_MS_MIN = 2100, ZAP_HOLD_MS_MAX = 2900,     /* spread, so that they do not all come again together */
    ZAP_HOLD_STEP_MS = 100,                             /* from one look at them to the next */
    ZAP_HELD_MAX = 512                                  /* who comes when so many are waiting is refused at once */
};

/* Handshakes by their end. */
#define ZAP_COUNTER_LIST(X) \
    X(key_good) X(key_unknown) X(key_expired) X(key_revoked) X(key_not_yet) \
    X(key_malformed)         /* requests that were none of CURVE's: our own mistake, or libzmq's */
struct zap_counters {
#define X(name) uint64_t name;
    ZAP_COUNTER_LIST(X)
#undef X
};

/* A refusal to be told of: which key, from where. */
struct zap_refusal { const char *why; char fingerprint[RFL_FINGERPRINT_CHARS + 1], address[64]; uint64_t times; };
enum { ZAP_REFUSALS_KEPT = 16 };

struct zap;

/* Binds the handler in libzmq's context. RFL_E_MEMORY, RFL_E_IO. */
RFL_MUST_USE enum rfl_err zap_new(void *context, struct zap **out);
void zap_free(struct zap **zap);
/* Whom to let in from now on: borrowed. NULL, as at first: nobody. */
void zap_set_keys(struct zap *zap, const struct rfl_keys *keys);
/* By what to judge good keys too, borrowed: until then by nothing more. */
void zap_set_quota(struct zap *zap, struct quota *quota);
/* To be polled for reading. */
void *zap_socket(struct zap *zap);
/* Answers all requests that have come, and those that have waited. crowded: there is room for few more connections. */
void zap_serve(struct zap *zap, const struct rfl_now *now, bool crowded);
/* When zap_serve has something to do, whether or not requests have come; INT64_MAX: never. */
int64_t zap_next(const struct zap *zap);
const struct zap_counters *zap_counters(const struct zap *zap);
/* Forgets what was counted and kept. */
void zap_reset(struct zap *zap);
/* The refusals since this was last asked, at most ZAP_REFUSALS_KEPT kinds; others are counted. Returns how many. */
uint32_t zap_refusals(struct zap *zap, struct zap_refusal out[ZAP_REFUSALS_KEPT]);

#endif
