#include "zap.h"

#include <stdlib.h>
#include <zmq.h>

/* Frames of a request (RFC 27): to whom the answer goes and the delimiter, version, request id, domain, address,
 * identity, mechanism, then CURVE's one credential, the client's public key. */
enum { ROUTE, DELIMITER, VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIAL, FRAMES };
enum { FRAME_BYTES_MAX = 256 };

struct frame { size_t len; uint8_t bytes[FRAME_BYTES_MAX]; };

/* A good key that is beyond its quota. */
struct held { struct frame route, request; struct rfl_curve_key key; const char *why; int64_t until_boot_ms; };

struct zap {
    void *socket;
    const struct rfl_keys *keys;
    struct quota *quota;
    bool crowded;
    uint32_t held_count, held_serial;
    int64_t looked_boot_ms;                     /* at those held */
    struct held held[ZAP_HELD_MAX];
    struct zap_counters counters;
    uint32_t refusals_count;
    struct zap_refusal refusal[ZAP_REFUSALS_KEPT];
};

enum rfl_err zap_new(void *context, struct zap **out)
{
    int linger = 0;
    struct zap *zap = calloc(1, sizeof *zap);
    if (zap == NULL)
        return RFL_E_MEMORY;
    zap->socket = zmq_socket(context, ZMQ_ROUTER);
    if (zap->socket == NULL || zmq_setsockopt(zap->socket, ZMQ_LINGER, &linger, sizeof linger) == -1
        || zmq_bind(zap->socket, "inproc://zeromq.zap.01") == -1) {
        zap_free(&zap);
        return RFL_E_IO;
    }
    *out = zap;
    return RFL_E_OK;
}

void zap_free(struct zap **zap)
{
    if (*zap != NULL && (*zap)->socket != NULL)
        (void)zmq_close((*zap)->socket);
    free(*zap);
    *zap = NULL;
}

void zap_set_keys(struct zap *zap, const struct rfl_keys *keys) { zap->keys = keys; }
void zap_set_quota(struct zap *zap, struct quota *quota) { zap->quota = quota; }
void *zap_socket(struct zap *zap) { return zap->socket; }
const struct zap_counters *zap_counters(const struct zap *zap) { return &zap->counters; }

uint32_t zap_refusals(struct zap *zap, struct zap_refusal out[ZAP_REFUSALS_KEPT])
{
    uint32_t count = zap->refusals_count;
    memcpy(out, zap->refusal, count * sizeof out[0]);
    zap->refusals_count = 0;
    return count;
}

void zap_reset(struct zap *zap)
{
    zap->counters = (struct zap_counters){ 0 };
    zap->refusals_count = 0;
}

/* The address is libzmq's: an IP address, or localhost and a process. Nothing else in it is kept. */
static void note_refusal(struct zap *zap, const char *why, const struct rfl_curve_key *key, const struct frame *address)
{
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz.:";
    struct zap_refusal made = { .why = why, .times = 1 };
    rfl_key_fingerprint(key, made.fingerprint);
    for (size_t i = 0; i < address->len && i < sizeof made.address - 1; i++)
        made.address[i] = memchr(plain, address->bytes[i], sizeof plain - 1) != NULL ? (char)address->bytes[i] : '?';
    for (uint32_t i = 0; i < zap->refusals_count; i++)
        if (zap->refusal[i].why == why && strcmp(zap->refusal[i].fingerprint, made.fingerprint) == 0
            && strcmp(zap->refusal[i].address, made.address) == 0) {
            zap->refusal[i].times++;
            return;
        }
    if (zap->refusals_count < ZAP_REFUSALS_KEPT)
        zap->refusal[zap->refusals_count++] = made;
}

/* The status, "200" to let it in. With "300" *why is set, and nothing is counted yet. */
static const char *judge(struct zap *zap, const struct rfl_curve_key *key, const struct frame *address,
                         const struct rfl_now *now, const char **why)
{
    const struct rfl_key_entry *entry = zap->keys != NULL ? rfl_keys_find(zap->keys, key) : NULL;
    if (entry == NULL) {
        zap->counters.key_unknown++;
        note_refusal(zap, "key_unknown", key, address);
        return "400";
    }
    switch (rfl_key_state(entry, now->wall_ms)) {
    case RFL_KEY_GOOD:
        *why = zap->quota != NULL ? quota_handshake(zap->quota, entry, zap->crowded, now->boot_ms) : NULL;
        if (*why != NULL)
            return "300";
        zap->counters.key_good++;
        return "200";
    case RFL_KEY_NOT_YET:
        zap->counters.key_not_yet++;
        note_refusal(zap, "key_not_yet", key, address);
        break;
    case RFL_KEY_EXPIRED:
        zap->counters.key_expired++;
        note_refusal(zap, "key_expired", key, address);
        break;
    case RFL_KEY_REVOKED:
        zap->counters.key_revoked++;
        note_refusal(zap, "key_revoked", key, address);
        break;
    case RFL_KEY_STATE_COUNT:
        assert(false);
    }
    return "500";
}

/* All frames of one request. False: none has come. *whole is false when it has other frames than CURVE's. */
static bool receive(struct zap *zap, struct frame frames[FRAMES], bool *whole)
{
    int more = 1;
    size_t more_len = sizeof more, count = 0;
    *whole = true;
    while (more) {
        struct frame spare, *frame = count < FRAMES ? &frames[count] : &spare;
        int len = zmq_recv(zap->socket, frame->bytes, sizeof frame->bytes, ZMQ_DONTWAIT);
        if (len == -1)
            return false;
        *whole = *whole && (size_t)len <= sizeof frame->bytes;
        frame->len = (size_t)len <= sizeof frame->bytes ? (size_t)len : sizeof frame->bytes;
        count++;
        if (zmq_getsockopt(zap->socket, ZMQ_RCVMORE, &more, &more_len) == -1)
            more = 0;
    }
    *whole = *whole && count == FRAMES;
    return true;
}

static bool is(const struct frame *frame, const char *text)
{
    return frame->len == strlen(text) && memcmp(frame->bytes, text, frame->len) == 0;
}

/* Every request gets an answer sooner or later, or its connection waits for libzmq's own clock. */
static void answer(struct zap *zap, const struct frame *route, const struct frame *request, const char *status,
                   const struct rfl_curve_key *key)
{
    char user[RFL_Z85_CHARS + 1] = "";
    if (status[0] == '2')
        rfl_key_to_z85(key, user);
    const struct { const void *p; size_t len; } frames[] = {
        { route->bytes, route->len }, { "", 0 }, { "1.0", 3 }, { request->bytes, request->len }, { status, 3 },
        { "", 0 }, { user, strlen(user) }, { "", 0 } };
    enum { LAST = sizeof frames / sizeof frames[0] - 1 };
    for (size_t i = 0; i <= LAST; i++)
        (void)zmq_send(zap->socket, frames[i].p, frames[i].len, ZMQ_DONTWAIT | (i < LAST ? ZMQ_SNDMORE : 0));
}

/* False: too many wait already. */
static bool hold(struct zap *zap, const struct frame frames[FRAMES], const struct rfl_curve_key *key, const char *why,
                 int64_t boot_ms)
{
    enum { SPREAD_MS = ZAP_HOLD_MS_MAX - ZAP_HOLD_MS_MIN, STRIDE_MS = 617 };    /* prime to it: everywhere in turn */
    if (zap->held_count == ZAP_HELD_MAX)
        return false;
    zap->held[zap->held_count++] = (struct held){ frames[ROUTE], frames[REQUEST], *key, why, boot_ms + ZAP_HOLD_MS_MIN
                                                  + zap->held_serial++ * STRIDE_MS % SPREAD_MS };
    return true;
}

/* In the order in which they came: whoever waits longest is let in first. */
static void look_at_held(struct zap *zap, const struct rfl_now *now)
{
    uint32_t kept = 0;
    zap->looked_boot_ms = now->boot_ms;
    for (uint32_t i = 0; i < zap->held_count; i++) {
        struct held *held = &zap->held[i];
        const struct frame nowhere = { .len = 0 };
        const char *status = judge(zap, &held->key, &nowhere, now, &held->why);
        if (status[0] == '3' && now->boot_ms < held->until_boot_ms) {
            zap->held[kept++] = *held;
            continue;
        }
        if (status[0] == '3')
            quota_refused(zap->quota, held->why);
        answer(zap, &held->route, &held->request, status, &held->key);
    }
    zap->held_count = kept;
}

int64_t zap_next(const struct zap *zap)
{
    return zap->held_count > 0 ? zap->looked_boot_ms + ZAP_HOLD_STEP_MS : INT64_MAX;
}

static void take_request(struct zap *zap, const struct frame frames[FRAMES], bool whole, const struct rfl_now *now)
{
    struct rfl_curve_key key;
    const char *status = "500", *why = NULL;
    if (whole && is(&frames[VERSION], "1.0") && is(&frames[DOMAIN], ZAP_DOMAIN) && is(&frames[MECHANISM], "CURVE")
        && frames[CREDENTIAL].len == sizeof key.b) {
        memcpy(key.b, frames[CREDENTIAL].bytes, sizeof key.b);
        status = judge(zap, &key, &frames[ADDRESS], now, &why);
    } else {
        zap->counters.key_malformed++;
    }
    if (status[0] == '3') {
        note_refusal(zap, why, &key, &frames[ADDRESS]);
        if (hold(zap, frames, &key, why, now->boot_ms))
            return;
        quota_refused(zap->quota, why);
    }
    answer(zap, &frames[ROUTE], &frames[REQUEST], status, &key);
}

void zap_serve(struct zap *zap, const struct rfl_now *now, bool crowded)
{
    struct frame frames[FRAMES];
    bool whole;
    memset(frames, 0, sizeof frames);
    zap->crowded = crowded;
    if (now->boot_ms >= zap_next(zap))
        look_at_held(zap, now);
    while (receive(zap, frames, &whole))
        take_request(zap, frames, whole, now);
}
