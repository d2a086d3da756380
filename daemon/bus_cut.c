#include "bus_int.h"

enum { LOCAL_LOOK_MS = 5000 };     /* how often to look when all sockets are ipc: only silence can be seen there */

void bus__plan_cut(struct bus *bus, struct peer *peer, int64_t boot_ms)
{
    if (peer->cut_boot_ms == 0)
        peer->cut_boot_ms = boot_ms > 0 ? boot_ms : 1;
    if (peer->cut_boot_ms < bus->next_cut_boot_ms)
        bus->next_cut_boot_ms = peer->cut_boot_ms;
}

void bus_cut(struct bus *bus, uint64_t session, int64_t boot_ms)
{
    struct peer *peer = peers_of(bus->peers, session);
    if (peer != NULL)
        bus__plan_cut(bus, peer, boot_ms);
    else
        bus__end_session(bus, session);         /* its descriptor is not known: its messages go on being refused */
}

uint32_t bus_cut_all(struct bus *bus, bus_wants_cut *wants_cut, void *ctx, int64_t boot_ms, bool dry_run)
{
    uint32_t count = 0;
    struct peer *peer;
    for (int fd = 0; (peer = peers_next(bus->peers, &fd)) != NULL; fd++) {
        if (!peer->has_key || peer->cut_boot_ms != 0 || !wants_cut(ctx, peer))
            continue;
        count++;
        if (!dry_run)
            bus__plan_cut(bus, peer, boot_ms);
    }
    return count;
}

void bus_cut_due(struct bus *bus, int64_t boot_ms)
{
    struct peer *peer;
    if (boot_ms < bus->next_cut_boot_ms)
        return;
    bus->next_cut_boot_ms = INT64_MAX;
    for (int fd = 0; (peer = peers_next(bus->peers, &fd)) != NULL; fd++) {
        if (peer->cut_boot_ms == 0)
            continue;
        if (peer->cut_boot_ms > boot_ms) {
            bus__plan_cut(bus, peer, peer->cut_boot_ms);
            continue;
        }
        uint64_t session = peer->session;
        bus->counters.bus_cut += peers_shut(peer, fd);
        if (session != 0)
            bus__end_session(bus, session);
    }
}

void bus_look(struct bus *bus, int64_t boot_ms)
{
    bus->boot_ms = boot_ms;
    if (boot_ms < bus_next_look(bus))
        return;
    bus__let_come(bus);
    bus->strikes_seen = quota_counters(bus->quota)->key_strikes;
    if (meter_look(&bus->meter, bus->peers, bus->quota, bus->dry, boot_ms) > 0)
        bus->next_cut_boot_ms = 0;
}

int64_t bus_next_look(const struct bus *bus)
{
    int64_t come = bus__next_let_come(bus);
    if (peers_count(bus->peers) == 0)
        return come;
    if (quota_counters(bus->quota)->key_strikes != bus->strikes_seen)
        return 0;
    int64_t look = bus->any_tcp ? meter_next_look(&bus->meter, peers_count(bus->peers))
                                : bus->meter.looked_boot_ms + LOCAL_LOOK_MS;
    return look < come ? look : come;
}

int64_t bus_next_cut(const struct bus *bus)
{
    return bus->next_cut_boot_ms;
}
