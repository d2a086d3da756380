/* quota.h: how much each key may ask of us, and for how long one that goes far beyond it is shut out.
 *
 * keys.conf says messages a second (`rate`) and connections at one time (`connections`); a message counts once for each
 * QUOTA_PIECE_BYTES begun, because a long one can ask a lot. A bucket of two seconds' worth of messages absorbs bursts;
 * a message over it is answered BUSY with the moment at which there will be room for it. What
 * messages cost differs: the loop's time is shared out by fair.h.
 *
 * A key that does not heed that, or does us harm otherwise, gets a strike: all of its connections are cut and
 * handshakes with it are refused for a second, then two, then four, up to QUOTA_SHUT_OUT_MS_MAX; after a quiet
 * QUOTA_FORGIVEN_MS all is forgotten. The refusal is ZAP's status 300, so that a libzmq client comes back by itself.
 *
 * Everything is by key, however many connections it has. Memory is fixed. Nothing fails. Times are boot_ms. */
#ifndef QUOTA_H
#define QUOTA_H

#include "rfl_conf_keys.h"

enum {
    QUOTA_PIECE_BYTES = 4096,
    QUOTA_BURST_MS = 2000,                      /* of `rate`, at once */
    QUOTA_PATIENCE_S = 4,                       /* of `rate`: BUSY answers beyond a burst more, at `rate` a second */
    QUOTA_PATIENCE_MIN = 256,                   /* forgotten; that small a key may have so many asks in flight, */
    QUOTA_PATIENCE_MAX = 4096,                  /* and nobody more */
    QUOTA_RETRY_MS_MAX = 60 * 1000,
    QUOTA_HANDSHAKE_BURST = 4,                  /* times `connections`, at once; then `connections` a second */
    QUOTA_SILENT_MS = 60 * 1000,                /* a connection that said nothing for so long is cut */
    QUOTA_SHUT_OUT_MS = 1000, QUOTA_SHUT_OUT_MS_MAX = 256 * 1000, QUOTA_FORGIVEN_MS = 600 * 1000,
    QUOTA_STRIKES_KEPT = 16,
    QUOTA_CROWDED_CONNECTIONS = 8               /* what a key may have when there is little room left for everybody */
};

#define QUOTA_COUNTER_LIST(X) \
    X(key_over_rate)            /* messages answered BUSY because the key sent more than its rate */ \
    X(key_dropped)              /* messages dropped unanswered: their key is shut out */ \
    X(key_strikes)              /* times a key was shut out */ \
    X(key_shut_out)             /* handshakes refused because the key is shut out */ \
    X(key_over_connections)     /* handshakes refused because the key has its connections */ \
    X(key_over_handshakes)      /* handshakes refused because the key connects too often */
struct quota_counters {
#define X(name) uint64_t name;
    QUOTA_COUNTER_LIST(X)
#undef X
};

/* (NAME, word): why a key was shut out. */
#define QUOTA_STRIKE_LIST(X) \
    X(FLOOD, "flood")               /* went on far beyond its rate */ \
    X(HELD, "unfinished_input")     /* sent more than is let pile up unread: a message without an end, mostly */ \
    X(NOT_READING, "not_reading")   /* does not read what it is sent */ \
    X(FOREIGN_ID, "routing_id")     /* chose a routing id of its own */
enum quota_strike {
#define X(name, word) QUOTA_##name,
    QUOTA_STRIKE_LIST(X)
#undef X
    QUOTA_STRIKE_COUNT
};

enum quota_verdict { QUOTA_TAKE, QUOTA_BUSY, QUOTA_DROP };

struct quota_struck { const char *why; char fingerprint[RFL_FINGERPRINT_CHARS + 1]; uint64_t times, for_ms; };

struct quota;

/* NULL when out of memory. */
struct quota *quota_new(void);
void quota_free(struct quota **quota);
const struct quota_counters *quota_counters(const struct quota *quota);

/* The keys in force from now on, borrowed; NULL: none. What is known of those that were there before stays. */
void quota_set_keys(struct quota *quota, const struct rfl_keys *keys);

/* One more message of the key, of so many bytes on the wire. *retry_ms is set with QUOTA_BUSY. A key that is not in
 * force is let pass: the loop says what there is to say. */
enum quota_verdict quota_message(struct quota *quota, const struct rfl_curve_key *key, uint64_t bytes,
                                 int64_t boot_ms, uint32_t *retry_ms);
/* A handshake with a good key. NULL: let it in; else why not, a literal that is a counter's name too. */
const char *quota_handshake(struct quota *quota, const struct rfl_key_entry *entry, bool crowded, int64_t boot_ms);
/* Counts one that was refused, by why. */
void quota_refused(struct quota *quota, const char *why);
/* The first message on a connection of the key. */
void quota_spoke(struct quota *quota, const struct rfl_curve_key *key);

/* A connection that quota_spoke was told of has ended. */
void quota_left(struct quota *quota, const struct rfl_curve_key *key);

/* Counting connections and bytes anew: begin, then each connection on which something was heard, with the bytes held
 * for it. quota_held returns what is held for the key up to now. */
void quota_recount(struct quota *quota);
uint64_t quota_held(struct quota *quota, const struct rfl_curve_key *key, uint64_t bytes);

void quota_punish(struct quota *quota, const struct rfl_curve_key *key, enum quota_strike why, int64_t boot_ms);
/* For a connection that never said a whole message, so that its key is not known: the key that shook hands next after
 * the connection was made, and has not been heard since. */
void quota_punish_silent(struct quota *quota, int64_t since_boot_ms, enum quota_strike why, int64_t boot_ms);
bool quota_is_shut_out(const struct quota *quota, const struct rfl_curve_key *key, int64_t boot_ms);

/* The strikes since this was last asked, at most QUOTA_STRIKES_KEPT keys and reasons; others are counted. */
uint32_t quota_strikes(struct quota *quota, struct quota_struck out[QUOTA_STRIKES_KEPT]);

#endif
