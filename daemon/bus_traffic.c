#include "bus_int.h"

#include <errno.h>
#include <stdio.h>

enum { PULLS_MAX = 1024 };         /* messages taken from libzmq in a turn; it takes them from its peers in turn */

/* Every session that ends passes here once. The array holds all there can be at one time, so it overflows only
 * when they come and go faster than turns do; the engine's idle clock then finds what it was not told. */
void bus__end_session(struct bus *bus, uint64_t session)
{
    session_end(bus->sessions, session);
    peers_forget_session(bus->peers, session);
    if (bus->gone_count < SESSION_COUNT_MAX)
        bus->gone[bus->gone_count++] = session;
    else
        bus->counters.bus_untold++;
}

/* Reads and forgets the rest of a message: libzmq hands over all of its frames or none. Returns their bytes on the
 * wire. */
static uint64_t drain_message(void *socket, bool with_keys)
{
    int more = 1;
    uint64_t bytes = 0;
    zmq_msg_t rest;
    (void)zmq_msg_init(&rest);
    while (more && zmq_msg_recv(&rest, socket, ZMQ_DONTWAIT) != -1) {
        more = zmq_msg_more(&rest);
        bytes += meter_wire_bytes(zmq_msg_size(&rest), with_keys);
    }
    (void)zmq_msg_close(&rest);
    return bytes;
}

/* The connection behind the message. At the first of a session everything older is heard before: that it was accepted,
 * and on all sockets that another had its number, or what is kept of it now would be taken away again. */
static struct peer *find_peer(struct bus *bus, uint64_t session)
{
    struct peer *peer = peers_of(bus->peers, session);
    if (peer != NULL)
        return peer;
    for (uint8_t i = 0; i < BUS_SOCKET_COUNT; i++)
        if (bus->monitor[i] != NULL)
            bus__heed_monitor(bus, i);
    return peers_heard(bus->peers, zmq_msg_get(&bus->payload, ZMQ_SRCFD), session);
}

static void remember_key(struct bus *bus, struct peer *peer, const struct rfl_curve_key *key, const char *user)
{
    if (!peer->has_key)
        quota_spoke(bus->quota, key);
    peer->has_key = true;
    peer->key = *key;
    (void)snprintf(peer->user, sizeof peer->user, "%s", user);
}

/* Whose message the payload is. libzmq says it of the payload frame and not of the routing frame. What was decoded of
 * an earlier message of the connection is used again when libzmq says the same. False: it does not say, or the
 * connection is being cut; the message is dropped. */
static bool find_key(struct bus *bus, uint64_t wire_bytes, struct bus_frame *out)
{
    const char *user = zmq_msg_gets(&bus->payload, "User-Id");
    struct peer *peer = find_peer(bus, out->session);
    if (peer != NULL && peer->cut_boot_ms != 0)
        return false;
    if (peer != NULL)
        meter_took(&peer->bytes, wire_bytes, !out->misframed);
    if (bus->zap == NULL)
        return true;
    if (user == NULL)
        return false;
    if (peer != NULL && peer->has_key && strcmp(peer->user, user) == 0) {
        out->key = &peer->key;
        return true;
    }
    if (!rfl_key_from_z85((struct rfl_view){ (const uint8_t *)user, strlen(user) }, &bus->key))
        return false;
    out->key = &bus->key;
    if (peer != NULL)
        remember_key(bus, peer, &bus->key, user);
    return true;
}

/* An id of its own choosing would let a peer starve whoever has it too, and it is never answered. The owner of the key
 * is to blame; there is no session. */
static void blame_foreign(struct bus *bus)
{
    struct rfl_curve_key key;
    const char *user = bus->zap != NULL ? zmq_msg_gets(&bus->payload, "User-Id") : NULL;
    struct peer *peer = peers_at(bus->peers, zmq_msg_get(&bus->payload, ZMQ_SRCFD));
    if (user == NULL || !rfl_key_from_z85((struct rfl_view){ (const uint8_t *)user, strlen(user) }, &key))
        return;
    if (peer != NULL && peer->session == 0)
        remember_key(bus, peer, &key, user);
    quota_punish(bus->quota, &key, QUOTA_FOREIGN_ID, bus->boot_ms);
}

static uint64_t take_payload(struct bus *bus, void *socket, struct bus_frame *out)
{
    uint64_t bytes = meter_wire_bytes(zmq_msg_size(&bus->payload), bus->zap != NULL);
    out->misframed = zmq_msg_more(&bus->payload);
    if (out->misframed)
        return bytes + drain_message(socket, bus->zap != NULL);
    out->payload = (struct rfl_view){ zmq_msg_data(&bus->payload), zmq_msg_size(&bus->payload) };
    return bytes;
}

/* Lets the message wait for its turn, if its key may. False: there is nothing to be said of it now. */
static bool wait_in_line(struct bus *bus, uint64_t wire_bytes, struct bus_frame *out)
{
    struct fair_message message = { .session = out->session, .put_boot_ms = bus->boot_ms, .socket = out->socket,
                                    .misframed = out->misframed };
    enum quota_verdict verdict = QUOTA_TAKE;
    if (out->key != NULL) {
        message.key = *out->key;
        verdict = quota_message(bus->quota, out->key, wire_bytes, bus->boot_ms, &out->busy_ms);
    }
    if (verdict == QUOTA_DROP || (verdict == QUOTA_TAKE && fair_put(bus->fair, &message, &bus->payload, &out->busy_ms)))
        return false;
    bus->counters.bus_no_room += verdict == QUOTA_TAKE;
    return true;
}

/* One message from libzmq. False: the socket is empty. *out has a session when it is to be answered at once. */
static bool fetch(struct bus *bus, uint8_t which, int64_t boot_ms, struct bus_frame *out)
{
    void *socket = bus->socket[which];
    zmq_msg_t routing;
    (void)zmq_msg_init(&routing);
    if (zmq_msg_recv(&routing, socket, ZMQ_DONTWAIT) == -1)
        return false;
    const uint8_t *id = zmq_msg_data(&routing);
    bool ours = zmq_msg_size(&routing) == SESSION_ROUTING_BYTES && id[0] == 0;
    struct session_peer peer = { .socket = which };
    if (ours)
        memcpy(&peer.id, id + 1, sizeof peer.id);
    bool more = zmq_msg_more(&routing);
    (void)zmq_msg_close(&routing);
    *out = (struct bus_frame){ .socket = which, .misframed = true };
    bool paid = more && zmq_msg_recv(&bus->payload, socket, ZMQ_DONTWAIT) != -1;
    uint64_t wire_bytes = paid ? take_payload(bus, socket, out) : 0;
    if (!ours) {
        bus->counters.bus_foreign_ids++;
        if (paid)
            blame_foreign(bus);
        return true;
    }
    uint64_t evicted;
    out->session = session_heard(bus->sessions, peer, boot_ms, &evicted);
    if (evicted != 0) {
        bus->counters.bus_evicted++;
        bus__end_session(bus, evicted);
    }
    if ((paid || bus->zap != NULL) && (!paid || !find_key(bus, wire_bytes, out))) {
        bus->counters.bus_unsigned++;
        out->session = 0;                       /* there is nobody to answer */
        return true;
    }
    bus->counters.bus_misframed += out->misframed;
    if (!wait_in_line(bus, wire_bytes, out))
        out->session = 0;
    return true;
}

/* Takes what libzmq has, socket by socket, until something is to be answered at once. */
static bool fetch_any(struct bus *bus, struct bus_frame *out)
{
    for (int dry = 0; bus->pulls_left > 0 && dry < BUS_SOCKET_COUNT; ) {
        uint8_t which = bus->turn_of;
        bus->turn_of = (uint8_t)((which + 1) % BUS_SOCKET_COUNT);
        if (bus->dry[which] || !fetch(bus, which, bus->boot_ms, out)) {
            bus->dry[which] = true;
            dry++;
            continue;
        }
        dry = 0;
        bus->pulls_left--;
        if (out->session != 0)
            return true;
    }
    return false;
}

/* What came in before its session ended, or its key was shut out, has nobody left who waits for it. */
static bool is_wanted(struct bus *bus, const struct fair_message *message)
{
    struct session_peer peer;
    bool shut_out = bus->zap != NULL && quota_is_shut_out(bus->quota, &message->key, bus->boot_ms);
    bool wanted = !shut_out && session_find(bus->sessions, message->session, &peer);
    bus->counters.bus_too_late += !wanted;
    return wanted;
}

void bus_begin(struct bus *bus, int64_t boot_ms)
{
    bus->boot_ms = boot_ms;
    bus->pulls_left = PULLS_MAX;
    fair_begin(bus->fair, clock_monotonic_us());
}

bool bus_receive(struct bus *bus, struct bus_frame *out)
{
    struct fair_message message;
    if (fetch_any(bus, out))
        return true;
    while (fair_next(bus->fair, &message, &bus->payload)) {
        if (!is_wanted(bus, &message)) {
            fair_spent(bus->fair, 0);
            continue;
        }
        bus->key = message.key;
        *out = (struct bus_frame){ .socket = message.socket, .misframed = message.misframed,
                                   .session = message.session, .key = bus->zap != NULL ? &bus->key : NULL };
        if (!out->misframed)
            out->payload = (struct rfl_view){ zmq_msg_data(&bus->payload), zmq_msg_size(&bus->payload) };
        bus->counters.bus_frames_in++;
        return true;
    }
    return false;
}

void bus_spent(struct bus *bus, const struct bus_frame *frame, uint64_t spent_us)
{
    if (frame->busy_ms == 0)
        fair_spent(bus->fair, spent_us);
}

/* There is a gap in what it will hear, so it had better begin anew. */
static void cut_not_reading(struct bus *bus, uint64_t session)
{
    struct peer *peer = peers_of(bus->peers, session);
    bus->counters.bus_not_reading++;
    if (peer == NULL)
        return;
    if (peer->has_key)
        quota_punish(bus->quota, &peer->key, QUOTA_NOT_READING, bus->boot_ms);
    bus__plan_cut(bus, peer, bus->boot_ms);
}

void bus_send(struct bus *bus, uint64_t session, struct rfl_view frame)
{
    struct session_peer peer;
    if (!session_find(bus->sessions, session, &peer)) {
        bus->counters.bus_unsendable++;
        return;
    }
    uint8_t id[SESSION_ROUTING_BYTES] = { 0 };
    memcpy(id + 1, &peer.id, sizeof peer.id);
    void *socket = bus->socket[peer.socket];
    if (zmq_send(socket, id, sizeof id, ZMQ_DONTWAIT | ZMQ_SNDMORE) != -1) {
        /* The peer may vanish between its two frames; libzmq then drops the message, as it may at any later moment. */
        if (zmq_send(socket, frame.p, frame.len, ZMQ_DONTWAIT) == -1)
            return;
        bus->counters.bus_sent++;
        struct peer *to = peers_of(bus->peers, session);
        if (to != NULL)
            to->bytes.given += meter_wire_bytes(frame.len, bus->zap != NULL);
        return;
    }
    if (errno == EAGAIN)
        cut_not_reading(bus, session);
    else
        bus->counters.bus_unreachable++;
    bus__end_session(bus, session);
}

void bus_forget(struct bus *bus, int64_t boot_ms)
{
    for (uint64_t session; (session = session_stale(bus->sessions, boot_ms - BUS_FORGET_MS)) != 0; ) {
        bus->counters.bus_forgotten++;
        bus__end_session(bus, session);
    }
}

uint64_t bus_gone(struct bus *bus)
{
    return bus->gone_count == 0 ? 0 : bus->gone[--bus->gone_count];
}

bool bus_has_gone(const struct bus *bus)
{
    return bus->gone_count > 0;
}
