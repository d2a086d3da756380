/* Hostile bytes on the real daemon's real sockets: each gets a typed answer or a counted drop, and afterwards the same
 * process serves everybody else as before, in bounded memory. One daemon lives through the whole file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "harness.h"

enum {
    RSS_GROWTH_KIB_MAX = 64 * 1024,             /* for the whole file, from the first answer on */
    RANDOM_FRAMES = 20000, LOT = 500,
    FRAME_BYTES = RFL_MESSAGE_BYTES_MAX
};

static struct e2e e;
static pid_t pid_at_start;
static long rss_kib_at_start;
static int port;
static uint8_t frame[FRAME_BYTES + 1];

static int start(void **state)
{
    (void)state;
    e2e_setup(&e);
    (void)snprintf(e.doors, sizeof e.doors, "tcp://127.0.0.1:*");
    e2e_write_conf(&e);
    e2e_start(&e);
    pid_at_start = e.pid;
    struct e2e_peer peer;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    e2e_peer_open(&peer, e.admin);
    e2e_peer_ask(&peer, &ask, &reply);
    static const char before_port[] = "tcp://127.0.0.1:";
    struct rfl_view bind = reply.admin_state.bind;
    assert_true(bind.len > sizeof before_port && memcmp(bind.p, before_port, sizeof before_port - 1) == 0);
    for (size_t i = sizeof before_port - 1; i < bind.len && bind.p[i] >= '0' && bind.p[i] <= '9'; i++)
        port = port * 10 + (bind.p[i] - '0');
    (void)snprintf(e.doors, sizeof e.doors, "tcp://127.0.0.1:%d", port);
    e2e_peer_close(&peer);
    rss_kib_at_start = e2e_rss_kib(&e);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(e2e_stop(&e, SIGTERM), 0);
    e2e_teardown(&e);
    return 0;
}

/* After every test: the same process takes a referral through another door, and has not grown. */
static int still_serves(void **state)
{
    static int number;
    char reference[32];
    struct e2e_peer peer;
    struct rfl_reply reply;
    (void)state;
    (void)snprintf(reference, sizeof reference, "afterwards-%d", ++number);
    struct rfl_ask ask = e2e_submit(reference, "an ordinary referral");
    e2e_peer_open(&peer, e.doors);
    e2e_peer_ask(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    assert_false(reply.receipt.replayed);
    e2e_peer_close(&peer);
    assert_true(e2e_is_running(&e));
    assert_int_equal(e.pid, pid_at_start);
    long grown_kib = e2e_rss_kib(&e) - rss_kib_at_start;
    if (grown_kib > RSS_GROWTH_KIB_MAX)
        fail_msg("the daemon grew by %ld KiB", grown_kib);
    return 0;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void send_frame(struct e2e_peer *peer, const void *bytes, size_t len)
{
    e2e_peer_send_frames(peer, &(struct rfl_view){ bytes, len }, 1);
}

/* Answers come in order, so everything before a Ping is answered when its own answer (here a refusal: nobody has
 * subscribed) comes. Returns how many answers came before it; *refused, how many of them were refusals. */
static uint32_t answers_until_now(struct e2e_peer *peer, uint32_t *refused)
{
    struct rfl_ask ping = { .kind = RFL_MSG_PING, .worker = e2e_view("w") };
    struct rfl_reply reply;
    uint32_t answers = 0;
    *refused = 0;
    peer->correlation = (UINT64_C(1) << 60) + peer->correlation % (1 << 20);
    e2e_peer_send(peer, &ping);
    for (;;) {
        if (!e2e_peer_hear(peer, &reply, E2E_DEADLINE_MS))
            fail_msg("nothing more came after %u answers", answers);
        if (reply.correlation == ping.correlation)
            return answers;
        answers++;
        *refused += reply.kind == RFL_MSG_REFUSAL;
    }
}

static enum rfl_code refusal_of(struct e2e_peer *peer, const void *bytes, size_t len)
{
    struct rfl_reply reply;
    send_frame(peer, bytes, len);
    if (!e2e_peer_hear(peer, &reply, E2E_DEADLINE_MS))
        fail_msg("a frame of %zu bytes was not answered", len);
    assert_int_equal(reply.kind, RFL_MSG_REFUSAL);
    return reply.refusal.code;
}

static size_t good_submit(const char *reference)
{
    struct rfl_ask ask = e2e_submit(reference, "words that get bent");
    ask.correlation = 77;
    size_t len = rfl_wire_encode_ask(&ask, frame, sizeof frame);
    assert_true(len > 100);
    return len;
}

static void await_counter(struct e2e_peer *admin, const char *name, uint64_t wanted)
{
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    uint64_t value;
    while ((value = e2e_peer_counter(admin, name)) < wanted)
        if (e2e_clock_ms() > deadline)
            fail_msg("%s is %llu instead of %llu", name, (unsigned long long)value, (unsigned long long)wanted);
}

/* ---- payloads ---- */

static void a_submit_cut_at_every_byte_is_refused(void **state)
{
    (void)state;
    struct e2e_peer peer;
    uint64_t before = e2e_admin_state(&e).referrals;
    size_t len = good_submit("cut");
    e2e_peer_open(&peer, e.doors);
    for (size_t cut = 0; cut < len; cut++) {
        enum rfl_code code = refusal_of(&peer, frame, cut);
        if (code != RFL_CODE_PARSE && code != RFL_CODE_VERSION && code != RFL_CODE_INVALID)
            fail_msg("cut at %zu: %s", cut, rfl_code_name(code));
    }
    e2e_peer_close(&peer);
    assert_int_equal(e2e_admin_state(&e).referrals, before);
}

static void every_bent_byte_of_a_submit_is_answered(void **state)
{
    (void)state;
    struct e2e_peer peer;
    uint32_t refused, refused_all = 0;
    uint8_t bent[1024];
    size_t len = good_submit("bent");
    assert_true(len < sizeof bent);
    e2e_peer_open(&peer, e.doors);
    for (size_t at = 0; at < len; at++) {
        static const uint8_t flips[] = { 0x01, 0x80, 0xff, 0x7f };
        for (size_t i = 0; i < sizeof flips; i++) {
            memcpy(bent, frame, len);
            bent[at] ^= flips[i];
            send_frame(&peer, bent, len);
        }
        assert_int_equal(answers_until_now(&peer, &refused), sizeof flips);
        refused_all += refused;
    }
    assert_true(refused_all > len);
    e2e_peer_close(&peer);
}

static void random_bytes_are_refused(void **state)
{
    (void)state;
    uint64_t seed = 20261121;
    const char *const endpoints[] = { e.doors, e.workers, e.admin };
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t socket = 0; socket < 3; socket++) {
        struct e2e_peer peer;
        uint32_t refused;
        e2e_peer_open(&peer, endpoints[socket]);
        for (int sent = 0; sent < RANDOM_FRAMES; sent += LOT) {
            for (int i = 0; i < LOT; i++) {
                size_t len = next_random(&seed) % 300;
                for (size_t at = 0; at < len; at++)
                    frame[at] = (uint8_t)next_random(&seed);
                if (len > 2 && i % 2 == 0)
                    memcpy(frame, "\x08\x01", 2);           /* half of them claim our version */
                send_frame(&peer, frame, len);
            }
            assert_int_equal(answers_until_now(&peer, &refused), LOT);
            assert_int_equal(refused, LOT);
        }
        e2e_peer_close(&peer);
    }
}

static size_t put_varint(uint8_t *out, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        out[len++] = (uint8_t)(value | 0x80);
    out[len++] = (uint8_t)value;
    return len;
}

/* Every field number an envelope could have, with an empty body: asks, answers of ours, and what is no message. */
static void every_message_number_is_answered_on_every_socket(void **state)
{
    (void)state;
    const char *const endpoints[] = { e.doors, e.workers, e.admin };
    for (size_t socket = 0; socket < 3; socket++) {
        struct e2e_peer peer;
        e2e_peer_open(&peer, endpoints[socket]);
        for (uint64_t number = 3; number < 200; number++) {
            struct rfl_reply reply;
            uint8_t bytes[16] = { 0x08, 0x01 };
            size_t len = 2 + put_varint(bytes + 2, number << 3 | 2);
            bytes[len++] = 0;
            send_frame(&peer, bytes, len);
            if (!e2e_peer_hear(&peer, &reply, E2E_DEADLINE_MS))
                fail_msg("message number %llu was not answered", (unsigned long long)number);
        }
        e2e_peer_close(&peer);
    }
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    static const uint64_t versions[] = { 0, 2, 3, 255, UINT32_MAX, UINT64_MAX };
    struct e2e_peer peer;
    size_t len = good_submit("version");
    assert_memory_equal(frame, "\x08\x01", 2);
    e2e_peer_open(&peer, e.doors);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        uint8_t bytes[1024] = { 0x08 };
        size_t head = 1 + put_varint(bytes + 1, versions[i]);
        memcpy(bytes + head, frame + 2, len - 2);
        assert_int_equal(refusal_of(&peer, bytes, head + len - 2), RFL_CODE_VERSION);
    }
    assert_int_equal(refusal_of(&peer, frame + 2, len - 2), RFL_CODE_VERSION);
    e2e_peer_close(&peer);
}

static void text_that_is_no_text_is_found_and_never_echoed(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t len; } bad[] = {
        { "zebra\xff", 6 }, { "zebra\xc0\x80", 7 }, { "zebra\xed\xa0\x80", 8 }, { "zebra\0zebra", 11 },
        { "\xf8zebra", 6 },
    };
    struct e2e_peer peer;
    e2e_peer_open(&peer, e.doors);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rfl_ask ask = e2e_submit("text", "words");
        struct rfl_reply reply;
        uint8_t *heard = peer.frame;
        ask.reference = (struct rfl_view){ (const uint8_t *)bad[i].bytes, bad[i].len };
        e2e_peer_ask(&peer, &ask, &reply);
        assert_int_equal(reply.kind, RFL_MSG_REFUSAL);
        assert_int_equal(reply.refusal.code, RFL_CODE_INVALID);
        assert_true(reply.refusal.findings_count >= 1);
        assert_null(memmem(heard, 600, "zebra", 5));
        memset(heard, 0, 600);
    }
    struct rfl_ask ask = e2e_submit("unknown", "words");
    ask.source = e2e_view("nobody-we-know");
    e2e_peer_expect_refusal(&peer, &ask, RFL_CODE_UNKNOWN_SOURCE);
    e2e_peer_close(&peer);
}

/* Small frames that would unpack into much, deep nesting, and fields nobody knows. */
static void amplifying_messages_are_refused(void **state)
{
    (void)state;
    struct e2e_peer peer;
    size_t len;
    e2e_peer_open(&peer, e.doors);
    /* Reconcile (22) with 30,000 empty references. */
    static uint8_t body[FRAME_BYTES];
    for (len = 0; len < 60000; len += 2)
        memcpy(body + len, "\x1a\x00", 2);
    memcpy(frame, "\x08\x01", 2);
    size_t head = 2 + put_varint(frame + 2, 22 << 3 | 2);
    head += put_varint(frame + head, len);
    memcpy(frame + head, body, len);
    enum rfl_code code = refusal_of(&peer, frame, head + len);
    assert_true(code == RFL_CODE_LIMIT || code == RFL_CODE_INVALID);
    /* 30,000 unknown fields before nothing. */
    memcpy(frame, "\x08\x01", 2);
    for (len = 2; len < 60000; len += 3)
        memcpy(frame + len, "\xf8\x07\x00", 3);
    code = refusal_of(&peer, frame, len);
    assert_true(code == RFL_CODE_PARSE || code == RFL_CODE_LIMIT);
    /* 60,000 opened groups, and 60,000 nested lengths. */
    memset(frame + 2, 0x53, 60000);
    code = refusal_of(&peer, frame, 60002);
    assert_true(code == RFL_CODE_PARSE || code == RFL_CODE_LIMIT);
    memset(frame + 2, 0x52, 60000);
    code = refusal_of(&peer, frame, 60002);
    assert_true(code == RFL_CODE_PARSE || code == RFL_CODE_LIMIT);
    e2e_peer_close(&peer);
}

/* ---- frames ---- */

static void other_than_two_frames_is_refused_and_counted(void **state)
{
    (void)state;
    enum { SHAPES = 4 };
    static const size_t counts[SHAPES] = { 2, 3, 10, 1000 };
    struct e2e_peer peer;
    struct rfl_view frames[1000];
    struct rfl_reply reply;
    uint64_t before = e2e_counter(&e, "bus_misframed"), referrals = e2e_admin_state(&e).referrals;
    size_t len = good_submit("frames");
    e2e_peer_open(&peer, e.doors);
    for (size_t i = 0; i < SHAPES; i++) {
        for (size_t at = 0; at < counts[i]; at++)
            frames[at] = (struct rfl_view){ frame, at % 2 == 0 ? 0 : len };     /* the first is what a REQ would send */
        e2e_peer_send_frames(&peer, frames, counts[i]);
        assert_true(e2e_peer_hear(&peer, &reply, E2E_DEADLINE_MS));
        assert_int_equal(reply.kind, RFL_MSG_REFUSAL);
        assert_int_equal(reply.refusal.code, RFL_CODE_PARSE);
    }
    enum rfl_code code = refusal_of(&peer, frame, 0);      /* one empty frame: framed well, but no message */
    assert_true(code == RFL_CODE_PARSE || code == RFL_CODE_VERSION);
    e2e_peer_close(&peer);
    assert_int_equal(e2e_counter(&e, "bus_misframed"), before + SHAPES);
    assert_int_equal(e2e_admin_state(&e).referrals, referrals);
}

static void an_oversize_frame_ends_the_connection_only(void **state)
{
    (void)state;
    struct e2e_peer peer, neighbour, admin;
    uint32_t refused;
    e2e_peer_open(&admin, e.admin);
    e2e_peer_open(&neighbour, e.doors);
    assert_int_equal(answers_until_now(&neighbour, &refused), 0);
    e2e_peer_open(&peer, e.doors);
    memset(frame, 0, sizeof frame);
    enum rfl_code code = refusal_of(&peer, frame, FRAME_BYTES);                 /* the largest there may be */
    assert_true(code == RFL_CODE_PARSE || code == RFL_CODE_LIMIT);
    uint64_t before = e2e_peer_counter(&admin, "bus_disconnected");
    send_frame(&peer, frame, FRAME_BYTES + 1);
    await_counter(&admin, "bus_disconnected", before + 1);
    /* libzmq drops that peer's connection; a DEALER comes back by itself and is a new peer. What it sends before it
     * has noticed is lost, so it asks until it is heard. */
    struct rfl_ask ping = { .kind = RFL_MSG_PING, .worker = e2e_view("w") };
    struct rfl_reply reply;
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    do {
        assert_true(e2e_clock_ms() < deadline);
        e2e_peer_send(&peer, &ping);
    } while (!e2e_peer_hear(&peer, &reply, 50));
    assert_int_equal(reply.refusal.code, RFL_CODE_WRONG_SOCKET);
    assert_int_equal(answers_until_now(&neighbour, &refused), 0);              /* nobody else was cut off */
    e2e_peer_close(&peer);
    e2e_peer_close(&neighbour);
    e2e_peer_close(&admin);
}

static void a_peer_that_names_itself_is_dropped_and_counted(void **state)
{
    (void)state;
    static const char *const ids[] = { "evil", "evil5", "x", "a-long-name-of-its-own-choosing" };
    uint64_t before = e2e_counter(&e, "bus_foreign_ids");
    size_t len = good_submit("named"), sent = 0;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct e2e_peer peer;
        struct rfl_reply reply;
        e2e_peer_open(&peer, e.doors);
        (void)zmq_close(peer.socket);
        peer.socket = zmq_socket(peer.context, ZMQ_DEALER);
        int linger = 0;
        assert_int_equal(zmq_setsockopt(peer.socket, ZMQ_LINGER, &linger, sizeof linger), 0);
        assert_int_equal(zmq_setsockopt(peer.socket, ZMQ_ROUTING_ID, ids[i], strlen(ids[i])), 0);
        assert_int_equal(zmq_connect(peer.socket, e.doors), 0);
        send_frame(&peer, frame, len);
        sent++;
        int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
        while (e2e_counter(&e, "bus_foreign_ids") < before + sent)
            assert_true(e2e_clock_ms() < deadline);
        assert_false(e2e_peer_hear(&peer, &reply, 0));
        e2e_peer_close(&peer);
    }
}

static void messages_of_other_sockets_are_refused(void **state)
{
    (void)state;
    struct rfl_token token = { 1, 1 };
    struct rfl_ask accept = { .kind = RFL_MSG_ACCEPT, .worker = e2e_view("w"), .code = e2e_view("WC-7K3M-92QX"),
                              .token = token };
    struct rfl_ask status = { .kind = RFL_MSG_ADMIN_STATUS }, list = { .kind = RFL_MSG_LIST };
    struct rfl_ask submit = e2e_submit("wrong-socket", "words");
    uint64_t before = e2e_counter(&e, "loop_wrong_socket"), referrals = e2e_admin_state(&e).referrals;
    struct e2e_peer peer;
    e2e_peer_open(&peer, e.doors);
    e2e_peer_expect_refusal(&peer, &accept, RFL_CODE_WRONG_SOCKET);
    e2e_peer_expect_refusal(&peer, &status, RFL_CODE_WRONG_SOCKET);
    e2e_peer_close(&peer);
    e2e_peer_open(&peer, e.workers);
    e2e_peer_expect_refusal(&peer, &submit, RFL_CODE_WRONG_SOCKET);
    e2e_peer_expect_refusal(&peer, &list, RFL_CODE_WRONG_SOCKET);
    e2e_peer_close(&peer);
    e2e_peer_open(&peer, e.admin);
    e2e_peer_expect_refusal(&peer, &submit, RFL_CODE_WRONG_SOCKET);
    e2e_peer_expect_refusal(&peer, &accept, RFL_CODE_WRONG_SOCKET);
    e2e_peer_close(&peer);
    assert_int_equal(e2e_counter(&e, "loop_wrong_socket"), before + 6);
    assert_int_equal(e2e_admin_state(&e).referrals, referrals);
}

/* ---- connections ---- */

static int connect_raw(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* As much as the daemon takes before it hangs up. */
static void write_raw(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

static void handshake_raw(int fd)
{
    static const uint8_t greeting[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 'N', 'U', 'L', 'L' };
    static const uint8_t ready[] = "\x04\x26\x05READY\x0bSocket-Type\0\0\0\x06" "DEALER\x08Identity\0\0\0";
    write_raw(fd, greeting, sizeof greeting);
    write_raw(fd, ready, sizeof ready);                     /* with the literal's own NUL: the identity is empty */
}

/* Reads until the daemon hangs up: its own greeting, then the end of the stream or a reset. */
static void await_hang_up(int fd)
{
    uint8_t bytes[256];
    struct pollfd pollfd = { .fd = fd, .events = POLLIN };
    do
        assert_int_equal(poll(&pollfd, 1, E2E_DEADLINE_MS), 1);
    while (recv(fd, bytes, sizeof bytes, 0) > 0);
}

static void garbage_on_the_wire_is_survived(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 200; round++) {
        int fd = connect_raw();
        uint8_t bytes[512];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)next_random(&seed);
        switch (round % 5) {
        case 0:
            write_raw(fd, bytes, sizeof bytes);
            break;
        case 1:
            write_raw(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
            break;
        case 2:                                             /* ZMTP 1: an anonymous identity, then a frame */
            write_raw(fd, "\x01\x00\x0b\x00", 4);
            write_raw(fd, bytes, sizeof bytes);
            break;
        case 3:                                             /* a greeting cut short, or with a mechanism nobody has */
            write_raw(fd, "\xff\0\0\0\0\0\0\0\0\x7f\x03\0" "NOPE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                      (size_t)(12 + round % 20));
            write_raw(fd, bytes, sizeof bytes);
            break;
        case 4:                                             /* a handshake, then garbage where frames should be */
            handshake_raw(fd);
            write_raw(fd, bytes, sizeof bytes);
            break;
        }
        (void)close(fd);
    }
}

static void an_unknown_mechanism_is_hung_up_on_and_counted(void **state)
{
    (void)state;
    static const uint8_t greeting[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 'N', 'O', 'P', 'E' };
    struct e2e_peer admin;
    e2e_peer_open(&admin, e.admin);
    uint64_t before = e2e_peer_counter(&admin, "bus_handshake_failed");
    for (int i = 0; i < 10; i++) {
        int fd = connect_raw();
        write_raw(fd, greeting, sizeof greeting);
        await_hang_up(fd);
        (void)close(fd);
    }
    await_counter(&admin, "bus_handshake_failed", before + 10);
    e2e_peer_close(&admin);
}

static void a_frame_that_claims_to_be_endless_costs_nothing(void **state)
{
    (void)state;
    static const uint8_t claims[][9] = {
        { 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        { 0x02, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        { 0x02, 0, 0, 0, 0, 0x40, 0, 0, 0 },                /* 1 GiB */
        { 0x02, 0, 0, 0, 0, 0, 0x01, 0, 0x01 },             /* one byte too many */
    };
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        int fd = connect_raw();
        handshake_raw(fd);
        write_raw(fd, claims[i], sizeof claims[i]);
        await_hang_up(fd);
        (void)close(fd);
    }
}

/* libzmq keeps the frames of an unfinished message; hanging up gives them back. */
static void an_unfinished_message_is_given_back(void **state)
{
    (void)state;
    static uint8_t part[60009] = { 0x03, 0, 0, 0, 0, 0, 0, 0xea, 0x60 };        /* more to come, 60,000 bytes */
    for (int round = 0; round < 4; round++) {
        int fd = connect_raw();
        handshake_raw(fd);
        for (int i = 0; i < 200; i++)
            write_raw(fd, part, sizeof part);
        (void)close(fd);
    }
}

static void idle_connections_do_not_keep_others_out(void **state)
{
    (void)state;
    enum { IDLE = 300 };
    int fds[IDLE];
    struct e2e_peer peer;
    uint32_t refused;
    for (int i = 0; i < IDLE; i++)
        fds[i] = connect_raw();
    e2e_peer_open(&peer, e.doors);
    assert_int_equal(answers_until_now(&peer, &refused), 0);
    e2e_peer_close(&peer);
    for (int i = 0; i < IDLE; i++)
        (void)close(fds[i]);
}

/* It asks and never reads. Others are served, it is cut off, and what it was owed does not pile up. */
static void a_peer_that_never_reads_is_cut_off(void **state)
{
    (void)state;
    uint64_t before = e2e_counter(&e, "bus_not_reading");
    struct e2e_peer deaf, other;
    struct rfl_ask ping = { .kind = RFL_MSG_PING, .worker = e2e_view("w") };
    int one = 1;
    uint32_t refused;
    e2e_peer_open(&deaf, e.workers);
    (void)zmq_close(deaf.socket);
    deaf.socket = zmq_socket(deaf.context, ZMQ_DEALER);
    assert_int_equal(zmq_setsockopt(deaf.socket, ZMQ_LINGER, &(int){ 0 }, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(deaf.socket, ZMQ_RCVHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_connect(deaf.socket, e.workers), 0);
    e2e_peer_open(&other, e.workers);
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    do {
        for (int i = 0; i < 2000; i++)
            e2e_peer_send(&deaf, &ping);
        assert_int_equal(answers_until_now(&other, &refused), 0);
        assert_true(e2e_clock_ms() < deadline);
    } while (e2e_counter(&e, "bus_not_reading") == before);
    e2e_peer_close(&deaf);
    e2e_peer_close(&other);
}

static void peers_that_come_and_go_leave_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct e2e_peer peer;
        uint32_t refused;
        e2e_peer_open(&peer, i % 2 == 0 ? e.doors : e.workers);
        assert_int_equal(answers_until_now(&peer, &refused), 0);
        e2e_peer_close(&peer);
    }
}

#define HOSTILE(f) cmocka_unit_test_teardown(f, still_serves)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOSTILE(a_submit_cut_at_every_byte_is_refused),
        HOSTILE(every_bent_byte_of_a_submit_is_answered),
        HOSTILE(random_bytes_are_refused),
        HOSTILE(every_message_number_is_answered_on_every_socket),
        HOSTILE(other_versions_are_refused),
        HOSTILE(text_that_is_no_text_is_found_and_never_echoed),
        HOSTILE(amplifying_messages_are_refused),
        HOSTILE(other_than_two_frames_is_refused_and_counted),
        HOSTILE(an_oversize_frame_ends_the_connection_only),
        HOSTILE(a_peer_that_names_itself_is_dropped_and_counted),
        HOSTILE(messages_of_other_sockets_are_refused),
        HOSTILE(garbage_on_the_wire_is_survived),
        HOSTILE(an_unknown_mechanism_is_hung_up_on_and_counted),
        HOSTILE(a_frame_that_claims_to_be_endless_costs_nothing),
        HOSTILE(an_unfinished_message_is_given_back),
        HOSTILE(idle_connections_do_not_keep_others_out),
        HOSTILE(a_peer_that_never_reads_is_cut_off),
        HOSTILE(peers_that_come_and_go_leave_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
