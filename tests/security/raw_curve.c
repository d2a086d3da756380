#include "raw_curve.h"

#include <errno.h>

#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    KEY = RFL_KEY_BYTES, MAC = crypto_box_MACBYTES, NONCE = crypto_box_NONCEBYTES, SHORT_NONCE = 8, LONG_NONCE = 16,
    HEAD = 9,                                   /* of every frame: flags, and its length in eight bytes */
    COOKIE = 96, HELLO = 200, WELCOME = 168, MESSAGE = 8 + SHORT_NONCE + MAC + 1,
    LONG = 2, COMMAND = 4,                      /* of a frame */
    INNER_MORE = 1, INNER_COMMAND = 2           /* under the seal */
};

/* ---- bytes ---- */

int raw_connect(const char *endpoint, bool waits)
{
    const struct timeval wait = { .tv_sec = RAW_WAIT_S };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    address.sin_port = htons((uint16_t)strtol(strrchr(endpoint, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);
    if (fd != -1 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == -1
                     || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == -1
                     || (connect(fd, (struct sockaddr *)&address, sizeof address) == -1
                         && (waits || errno != EINPROGRESS)))) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static bool put(int fd, const uint8_t *bytes, size_t len)
{
    for (ssize_t n; len > 0; bytes += n, len -= (size_t)n)
        if ((n = send(fd, bytes, len, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

static bool take(int fd, uint8_t *bytes, size_t len)
{
    return recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static void put_number(uint8_t out[8], uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        out[i] = (uint8_t)number;
}

/* The body is behind room for the head. */
static bool put_frame(int fd, uint8_t flags, uint8_t *frame, size_t body_len)
{
    frame[0] = flags | LONG;
    put_number(frame + 1, body_len);
    return put(fd, frame, HEAD + body_len);
}

static bool take_frame(int fd, uint8_t *body, size_t cap, size_t *len)
{
    uint8_t flags, size[8] = { 0 };
    if (!take(fd, &flags, 1) || !((flags & LONG) != 0 ? take(fd, size, 8) : take(fd, size + 7, 1)))
        return false;
    *len = 0;
    for (int i = 0; i < 8; i++)
        *len = *len << 8 | size[i];
    return *len <= cap && take(fd, body, *len);
}

/* A nonce is its purpose and the bytes that are sent along. */
static void make_nonce(uint8_t nonce[NONCE], const char *purpose, const uint8_t *sent)
{
    size_t len = strlen(purpose);
    memcpy(nonce, purpose, len);
    memcpy(nonce + len, sent, NONCE - len);
}

static bool is(const uint8_t *body, size_t len, const char *name)
{
    return len >= strlen(name) && memcmp(body, name, strlen(name)) == 0;
}

/* ---- the handshake: capitals are public keys, primes are of this connection ---- */

struct shake { struct rfl_curve_key server, public, secret; uint8_t own[KEY], own_secret[KEY], theirs[KEY],
               cookie[COOKIE]; };

/* The greeting, and at once HELLO: C', and zeros sealed from C' to S. WELCOME: S' and a cookie sealed from S to C'. */
static bool say_hello(int fd, struct shake *k)
{
    static const uint8_t zeros[64], greeting[RAW_GREETING_BYTES] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f,
                                                                     3, 0, 'C', 'U', 'R', 'V', 'E' };
    uint8_t frame[HEAD + HELLO] = { 0 }, *body = frame + HEAD, nonce[NONCE], welcome[WELCOME], inside[KEY + COOKIE];
    uint8_t theirs[RAW_GREETING_BYTES];
    size_t len;
    memcpy(body, "\5HELLO\1", 7);
    memcpy(body + 80, k->own, KEY);
    put_number(body + 112, 1);
    make_nonce(nonce, "CurveZMQHELLO---", body + 112);
    if (crypto_box_easy(body + 120, zeros, sizeof zeros, nonce, k->server.b, k->own_secret) != 0
        || !put(fd, greeting, sizeof greeting) || !put_frame(fd, COMMAND, frame, HELLO)
        || !take(fd, theirs, sizeof theirs) || !take_frame(fd, welcome, sizeof welcome, &len) || len != WELCOME
        || !is(welcome, len, "\7WELCOME"))
        return false;
    make_nonce(nonce, "WELCOME-", welcome + 8);
    if (crypto_box_open_easy(inside, welcome + 24, WELCOME - 24, nonce, k->server.b, k->own_secret) != 0)
        return false;
    memcpy(k->theirs, inside, KEY);
    memcpy(k->cookie, inside + KEY, COOKIE);
    return true;
}

/* INITIATE: the cookie; sealed from C' to S': C, the vouch (C' and S sealed from C to S'), the kind of socket. */
static bool initiate(int fd, const struct shake *k)
{
    static const char meta[] = "\x0bSocket-Type\0\0\0\6DEALER";
    enum { META = sizeof meta - 1, INSIDE = KEY + LONG_NONCE + MAC + 2 * KEY + META,
           INITIATE = 9 + COOKIE + SHORT_NONCE + MAC + INSIDE };
    uint8_t frame[HEAD + INITIATE], *body = frame + HEAD, nonce[NONCE], vouched[2 * KEY], inside[INSIDE];
    memcpy(vouched, k->own, KEY);
    memcpy(vouched + KEY, k->server.b, KEY);
    memcpy(inside, k->public.b, KEY);
    randombytes_buf(inside + KEY, LONG_NONCE);
    make_nonce(nonce, "VOUCH---", inside + KEY);
    if (crypto_box_easy(inside + KEY + LONG_NONCE, vouched, sizeof vouched, nonce, k->theirs, k->secret.b) != 0)
        return false;
    memcpy(inside + INSIDE - META, meta, META);
    memcpy(body, "\x08INITIATE", 9);
    memcpy(body + 9, k->cookie, COOKIE);
    put_number(body + 9 + COOKIE, 2);
    make_nonce(nonce, "CurveZMQINITIATE", body + 9 + COOKIE);
    return crypto_box_easy(body + 9 + COOKIE + SHORT_NONCE, inside, INSIDE, nonce, k->theirs, k->own_secret) == 0
        && put_frame(fd, COMMAND, frame, INITIATE);
}

bool raw_curve_knock(struct raw_curve *curve, const char *endpoint, const struct rfl_identity *identity)
{
    struct shake k;
    *curve = (struct raw_curve){ .fd = raw_connect(endpoint, true), .nonce = 3 };
    if (curve->fd != -1 && sodium_init() != -1
        && rfl_key_from_z85((struct rfl_view){ (const uint8_t *)identity->server, RFL_Z85_CHARS }, &k.server)
        && rfl_key_from_z85((struct rfl_view){ (const uint8_t *)identity->public, RFL_Z85_CHARS }, &k.public)
        && rfl_key_from_z85((struct rfl_view){ (const uint8_t *)identity->secret, RFL_Z85_CHARS }, &k.secret)
        && crypto_box_keypair(k.own, k.own_secret) == 0 && say_hello(curve->fd, &k) && initiate(curve->fd, &k)
        && crypto_box_beforenm(curve->box, k.theirs, k.own_secret) == 0)
        return true;
    raw_curve_close(curve);
    return false;
}

/* READY, or else ERROR or the end. */
bool raw_curve_enter(struct raw_curve *curve)
{
    uint8_t answer[512];
    size_t len;
    if (take_frame(curve->fd, answer, sizeof answer, &len) && is(answer, len, "\5READY"))
        return true;
    raw_curve_close(curve);
    return false;
}

/* ---- messages ---- */

bool raw_curve_send(struct raw_curve *curve, const uint8_t *payload, size_t len, bool more)
{
    static uint8_t frame[HEAD + MESSAGE + RAW_FRAME_BYTES_MAX], plain[1 + RAW_FRAME_BYTES_MAX];
    uint8_t *body = frame + HEAD, nonce[NONCE];
    if (len > RAW_FRAME_BYTES_MAX)
        return false;
    plain[0] = more ? INNER_MORE : 0;
    memcpy(plain + 1, payload, len);
    memcpy(body, "\7MESSAGE", 8);
    put_number(body + 8, curve->nonce++);
    make_nonce(nonce, "CurveZMQMESSAGEC", body + 8);
    return crypto_box_easy_afternm(body + 8 + SHORT_NONCE, plain, 1 + len, nonce, curve->box) == 0
        && put_frame(curve->fd, 0, frame, MESSAGE + len);
}

bool raw_curve_hear(struct raw_curve *curve, uint8_t *out, size_t cap, size_t *len)
{
    static uint8_t body[MESSAGE + RAW_FRAME_BYTES_MAX], plain[1 + RAW_FRAME_BYTES_MAX];
    uint8_t nonce[NONCE];
    size_t got;
    do {
        if (!take_frame(curve->fd, body, sizeof body, &got) || got < MESSAGE || !is(body, got, "\7MESSAGE"))
            return false;
        make_nonce(nonce, "CurveZMQMESSAGES", body + 8);
        if (crypto_box_open_easy_afternm(plain, body + 8 + SHORT_NONCE, got - 8 - SHORT_NONCE, nonce, curve->box) != 0)
            return false;
    } while ((plain[0] & INNER_COMMAND) != 0);
    *len = got - MESSAGE;
    if (*len > cap)
        return false;
    memcpy(out, plain + 1, *len);
    return true;
}

void raw_curve_close(struct raw_curve *curve)
{
    if (curve->fd != -1)
        (void)close(curve->fd);
    curve->fd = -1;
}
