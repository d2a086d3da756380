#include "meter.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

uint64_t meter_wire_bytes(size_t payload_bytes, bool with_keys)
{
    enum { SHORT_MAX = 255, SHORT_HEAD = 2, LONG_HEAD = 9 };
    uint64_t bytes = payload_bytes + (with_keys ? METER_CURVE_BYTES : 0);
    return bytes + (bytes > SHORT_MAX ? LONG_HEAD : SHORT_HEAD);
}

/* Messages come in order. So whatever was there before this one began, and was no message of before, was no message at
 * all, unless it was a part of this one. */
void meter_took(struct peer_bytes *bytes, uint64_t wire_bytes, bool whole)
{
    bytes->taken += wire_bytes;
    if (whole && bytes->mark > wire_bytes && bytes->mark - wire_bytes > bytes->control_in)
        bytes->control_in = bytes->mark - wire_bytes;
    bytes->mark = 0;
}

struct held { uint64_t in, out; };

/* False: no TCP connection, or it is gone. */
static bool read_held(int fd, struct peer_bytes *bytes, bool dry, struct held *held)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 || len < offsetof(struct tcp_info, tcpi_segs_out))
        return false;
    uint64_t in = info.tcpi_bytes_received, out = info.tcpi_bytes_acked;
    bytes->received = in;
    uint64_t left = in > bytes->taken ? in - bytes->taken : 0;
    if (bytes->control_in > left)
        bytes->control_in = left;               /* whole messages were still underway when it was learnt */
    if (dry && bytes->mark == 0)
        bytes->mark = left;
    if (out > bytes->given && out - bytes->given > bytes->control_out)
        bytes->control_out = out - bytes->given;
    uint64_t sent = bytes->given + bytes->control_out;
    *held = (struct held){ left - bytes->control_in, sent > out ? sent - out : 0 };
    return true;
}

/* ---- who must go ---- */

static uint32_t plan(struct peer *peer, uint64_t *counter, int64_t boot_ms)
{
    (*counter)++;
    peer->cut_boot_ms = boot_ms > 0 ? boot_ms : 1;
    return 1;
}

static uint32_t cut_guilty(struct meter *meter, struct quota *quota, struct peer *peer, const struct held *held,
                           int64_t boot_ms)
{
    struct meter_counters *counters = &meter->counters;
    bool in = held->in > METER_HELD_MAX;
    uint64_t lasted_s = (uint64_t)(boot_ms - peer->since_boot_ms) / 1000 + 1;
    if (in && held->in / lasted_s < METER_SLOW_BYTES_S)
        return plan(peer, &counters->meter_cut_old, boot_ms);
    enum quota_strike why = in ? QUOTA_HELD : QUOTA_NOT_READING;
    if (peer->has_key)
        quota_punish(quota, &peer->key, why, boot_ms);
    else
        quota_punish_silent(quota, peer->since_boot_ms, why, boot_ms);
    return plan(peer, in ? &counters->meter_cut_in : &counters->meter_cut_out, boot_ms);
}

static uint32_t judge(struct meter *meter, struct quota *quota, struct peer *peer, const struct held *held,
                      int64_t boot_ms)
{
    uint64_t both = held->in + held->out;
    if (peer->has_key && quota_is_shut_out(quota, &peer->key, boot_ms))
        return plan(peer, &meter->counters.meter_cut_shut_out, boot_ms);
    if (held->in > METER_HELD_MAX || held->out > METER_HELD_MAX)
        return cut_guilty(meter, quota, peer, held, boot_ms);
    if (peer->has_key && quota_held(quota, &peer->key, both) > METER_KEY_HELD_MAX) {
        quota_punish(quota, &peer->key, held->in > held->out ? QUOTA_HELD : QUOTA_NOT_READING, boot_ms);
        return plan(peer, &meter->counters.meter_cut_key, boot_ms);
    }
    meter->held += both;
    return 0;
}

static uint32_t cut_silent(struct meter *meter, struct peers *peers, int64_t boot_ms)
{
    struct peer *peer;
    uint32_t silent = 0, cut = 0;
    for (int fd = 0; (peer = peers_next(peers, &fd)) != NULL; fd++)
        silent += peer->session == 0 && !peer->has_key && peer->cut_boot_ms == 0;
    int64_t longest_ms = silent > METER_SILENT_MANY ? METER_SILENT_SHORT_MS : QUOTA_SILENT_MS;
    for (int fd = 0; (peer = peers_next(peers, &fd)) != NULL && cut < METER_SILENT_AT_ONCE; fd++)
        if (peer->session == 0 && !peer->has_key && peer->cut_boot_ms == 0
            && boot_ms - peer->since_boot_ms > longest_ms)
            cut += plan(peer, &meter->counters.meter_cut_silent, boot_ms);
    return cut;
}

/* One round is over when every connection was looked at; then what they all hold together is known. */
static uint32_t end_round(struct meter *meter, struct peers *peers, struct quota *quota, int64_t boot_ms)
{
    uint32_t cut = 0;
    struct peer *largest = peers_at(peers, meter->largest_fd);
    if (meter->held > METER_ALL_HELD_MAX && largest != NULL && largest->cut_boot_ms == 0)
        cut = plan(largest, &meter->counters.meter_cut_all, boot_ms);
    meter->next_fd = meter->largest_fd = 0;
    meter->held = meter->most = 0;
    quota_recount(quota);
    return cut + cut_silent(meter, peers, boot_ms);
}

uint32_t meter_look(struct meter *meter, struct peers *peers, struct quota *quota, const bool *dry, int64_t boot_ms)
{
    struct peer *peer;
    uint32_t cut = 0, looks = 0;
    meter->looked_boot_ms = boot_ms;
    for (; (peer = peers_next(peers, &meter->next_fd)) != NULL && looks < METER_LOOKS_MAX; meter->next_fd++, looks++) {
        struct held held = { 0, 0 };
        if (peer->cut_boot_ms != 0)
            continue;
        (void)read_held(meter->next_fd, &peer->bytes, dry[peer->socket], &held);
        cut += judge(meter, quota, peer, &held, boot_ms);
        if (held.in + held.out > meter->most) {
            meter->most = held.in + held.out;
            meter->largest_fd = meter->next_fd;
        }
    }
    return peer == NULL ? cut + end_round(meter, peers, quota, boot_ms) : cut;
}

int64_t meter_next_look(const struct meter *meter, uint32_t connections)
{
    uint32_t looks = (connections + METER_LOOKS_MAX - 1) / METER_LOOKS_MAX;
    int64_t each_ms = looks > 1 ? METER_EVERY_MS / looks : METER_EVERY_MS;
    return meter->looked_boot_ms + (each_ms > 1 ? each_ms : 1);
}
