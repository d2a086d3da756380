/* session.h: connections by number: (socket, routing id) <-> session.
 *
 * libzmq names a peer by five bytes that it chose itself: a zero and a counter. A session number stands for one of
 * them, is never 0 and never used again in a run, so that what the engine keeps about a session cannot reach whoever
 * comes next. The table is bounded; when it is full the session heard longest ago makes room, and the caller hears of
 * it. Memory is fixed at _new. Everything is O(1). */
#ifndef SESSION_H
#define SESSION_H

#include "rfl_base.h"

/* Loopback peers of one machine; the unit's LimitNOFILE is above it. */
enum { SESSION_COUNT_MAX = 16384, SESSION_ROUTING_BYTES = 5 };

struct session_table;

/* Who is behind a session. id is the counter of the routing id (its last four bytes). */
struct session_peer { uint8_t socket; uint32_t id; };

/* NULL when out of memory. count_max is at most SESSION_COUNT_MAX; tests use less. */
struct session_table *session_table_new(uint32_t count_max);
void session_table_free(struct session_table **table);

/* The session of a peer that was just heard, made when it is new. *evicted is the session that had to make room, else
 * 0. */
uint64_t session_heard(struct session_table *table, struct session_peer peer, int64_t boot_ms, uint64_t *evicted);
/* False when the session has ended. */
bool session_find(const struct session_table *table, uint64_t session, struct session_peer *out);
/* Ends a session; nothing when it has ended already. */
void session_end(struct session_table *table, uint64_t session);
/* The session heard longest ago if that was before `boot_ms`; else 0. It is not ended by this. */
uint64_t session_stale(const struct session_table *table, int64_t boot_ms);
uint32_t session_count(const struct session_table *table);

#endif
