#include "zap.h"

#include <stdlib.h>
#include <zmq.h>

/* Frames of a request (RFC 27): version, request id, domain, address, identity, mechanism, then CURVE's one credential,
 * the client's public key. */
enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIAL, FRAMES, FRAME_BYTES_MAX = 256 };

struct frame { size_t len; uint8_t bytes[FRAME_BYTES_MAX]; };

struct zap {
    void *socket;
    const struct rfl_keys *keys;
    struct quota *quota;
    bool crowded;
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
    zap->socket = zmq_socket(context, ZMQ_REP);
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

/* The status, "200" to let it in. */
static const char *judge(struct zap *zap, const struct rfl_curve_key *key, const struct frame *address,
                         const struct rfl_now *now)
{
    const char *why;
    const struct rfl_key_entry *entry = zap->keys != NULL ? rfl_keys_find(zap->keys, key) : NULL;
    if (entry == NULL) {
        zap->counters.key_unknown++;
        note_refusal(zap, "key_unknown", key, address);
        return "400";
    }
    switch (rfl_key_state(entry, now->wall_ms)) {
    case RFL_KEY_GOOD:
        why = zap->quota != NULL ? quota_handshake(zap->quota, entry, zap->crowded, now->boot_ms) : NULL;
        if (why != NULL) {
            note_refusal(zap, why, key, address);
            return "300";
        }
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

/* Every request gets an answer, or libzmq would hold all the others back. */
static void answer(struct zap *zap, const struct frame *request, const char *status, const char *user)
{
    const struct { const void *p; size_t len; } frames[] = {
        { "1.0", 3 }, { request->bytes, request->len }, { status, 3 }, { "", 0 }, { user, strlen(user) }, { "", 0 } };
    enum { LAST = sizeof frames / sizeof frames[0] - 1 };
    for (size_t i = 0; i <= LAST; i++)
        (void)zmq_send(zap->socket, frames[i].p, frames[i].len, ZMQ_DONTWAIT | (i < LAST ? ZMQ_SNDMORE : 0));
}

void zap_serve(struct zap *zap, const struct rfl_now *now, bool crowded)
{
    struct frame frames[FRAMES];
    struct rfl_curve_key key;
    char user[RFL_Z85_CHARS + 1];
    bool whole;
    memset(frames, 0, sizeof frames);
    zap->crowded = crowded;
    while (receive(zap, frames, &whole)) {
        const char *status = "500";
        user[0] = '\0';
        if (whole && is(&frames[VERSION], "1.0") && is(&frames[DOMAIN], ZAP_DOMAIN) && is(&frames[MECHANISM], "CURVE")
            && frames[CREDENTIAL].len == sizeof key.b) {
            memcpy(key.b, frames[CREDENTIAL].bytes, sizeof key.b);
            status = judge(zap, &key, &frames[ADDRESS], now);
        } else {
            zap->counters.key_malformed++;
        }
        if (status[0] == '2')
            rfl_key_to_z85(&key, user);
        answer(zap, &frames[REQUEST], status, user);
    }
}
