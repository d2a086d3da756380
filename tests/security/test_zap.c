/* The bus and the handler of handshakes alone: with the handler unserved, or gone, or without a table, nobody gets in,
 * whatever key they hold; and the stranger's test that the daemon makes at its start tells a lock from a hole. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "bus.h"
#include "clock.h"

enum { OUTCOME_MS = 10000 };

static struct rfl_identity server, client;
static struct rfl_keys *keys;

static int make_keys(void **state)
{
    (void)state;
    static struct rfl_conf_report report;
    char text[1024];
    rfl_identity_make(&server);
    rfl_identity_make(&client);
    int len = snprintf(text, sizeof text, "schema_version = 1;\nkeys = ( { name = \"a\"; public = \"%s\"; "
                       "owner = \"o\"; from = \"2020-01-01\"; until = \"2199-01-01\"; source = \"gp-north\"; "
                       "doors = ( \"gp\" ); } );\nend_of_config = true;\n", client.public);
    struct rfl_view view = { (const uint8_t *)text, (size_t)len };
    return rfl_keys_load_text("keys.conf", view, &report, &keys) == RFL_E_OK ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    rfl_keys_free(&keys);
    return 0;
}

static struct bus *listening(void)
{
    struct bus *bus = NULL;
    assert_int_equal(bus_new(&bus), RFL_E_OK);
    assert_int_equal(bus_require_keys(bus, &server), RFL_E_OK);
    for (unsigned socket = 0; socket < BUS_SOCKET_COUNT; socket++)
        assert_int_equal(bus_bind(bus, (enum bus_socket)socket, "tcp://127.0.0.1:*"), RFL_E_OK);
    return bus;
}

static int64_t boot_now_ms(void)
{
    struct clock clock = { 0 };
    struct rfl_now now;
    clock_read(&clock, &now);
    return now.boot_ms;
}

/* What the holder of the good key meets, in a context of its own. serve: the loop's wait goes on meanwhile. Returns the
 * event of its monitor, 0 when the time was up. */
static uint16_t knock(struct bus *bus, const char *endpoint, bool serve, int timeout_ms, bool *was_heard)
{
    int linger = 0;
    uint16_t event = 0;
    uint8_t frame[6], rest[256];
    struct bus_frame heard;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER), *monitor = zmq_socket(context, ZMQ_PAIR);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    (void)zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server.public, 41);
    (void)zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, client.public, 41);
    (void)zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, client.secret, 41);
    assert_int_equal(zmq_socket_monitor(socket, "inproc://m", ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                     | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
                     | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL), 0);
    assert_int_equal(zmq_connect(monitor, "inproc://m"), 0);
    assert_int_equal(zmq_connect(socket, endpoint), 0);
    (void)zmq_send(socket, "hello", 5, ZMQ_DONTWAIT);
    *was_heard = false;
    for (int waited = 0; waited < timeout_ms && (event == 0 || (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED && !*was_heard));
         waited += 10) {
        zmq_pollitem_t item = { .socket = monitor, .events = ZMQ_POLLIN };
        if (zmq_poll(&item, 1, 10) == 1 && zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT) == (int)sizeof frame) {
            memcpy(&event, frame, sizeof event);
            (void)zmq_recv(monitor, rest, sizeof rest, ZMQ_DONTWAIT);
        }
        if (serve) {
            (void)bus_wait(bus, -1, 1);
            bus_begin(bus, boot_now_ms());
        }
        while (serve && bus_receive(bus, &heard)) {
            *was_heard = true;
            bus_spent(bus, &heard, 1);
        }
    }
    (void)zmq_close(monitor);
    (void)zmq_close(socket);
    (void)zmq_ctx_term(context);
    return event;
}

static void with_handler_and_table_the_key_is_let_in(void **state)
{
    (void)state;
    struct bus *bus = listening();
    bool heard;
    bus_set_keys(bus, keys);
    assert_true(bus_refuses_strangers(bus, BUS_DOORS));
    assert_true(bus_refuses_strangers(bus, BUS_WORKERS));
    assert_true(bus_refuses_strangers(bus, BUS_ADMIN));
    assert_int_equal(zap_counters(bus_zap(bus))->key_unknown, 0);      /* the test of ourselves is nobody's fault */
    assert_int_equal(knock(bus, bus_endpoint(bus, BUS_DOORS), true, OUTCOME_MS, &heard), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_true(heard);
    assert_int_equal(zap_counters(bus_zap(bus))->key_good, 1);
    bus_free(&bus, 0);
}

/* Shut out for a second, or, the third time, for four. */
static void shut_out(struct bus *bus, unsigned times)
{
    struct rfl_curve_key key;
    assert_true(rfl_key_from_z85((struct rfl_view){ (const uint8_t *)client.public, RFL_Z85_CHARS }, &key));
    int64_t at_ms = boot_now_ms();
    for (unsigned i = 1; i < times; i++)
        at_ms -= QUOTA_SHUT_OUT_MS << (i - 1);
    for (unsigned i = 0; i < times; at_ms += QUOTA_SHUT_OUT_MS << i++)
        quota_punish(bus_quota(bus), &key, QUOTA_FLOOD, at_ms);
}

static void beyond_its_quota_it_waits_and_is_let_in(void **state)
{
    (void)state;
    struct bus *bus = listening();
    bool heard;
    bus_set_keys(bus, keys);
    shut_out(bus, 1);
    assert_int_equal(knock(bus, bus_endpoint(bus, BUS_DOORS), true, OUTCOME_MS, &heard), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_true(heard);
    assert_int_equal(quota_counters(bus_quota(bus))->key_shut_out, 0);
    bus_free(&bus, 0);
}

static void it_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct bus *bus = listening();
    bool heard;
    bus_set_keys(bus, keys);
    shut_out(bus, 3);
    uint16_t event = knock(bus, bus_endpoint(bus, BUS_DOORS), true, OUTCOME_MS, &heard);
    assert_true(event != 0 && event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_int_equal(quota_counters(bus_quota(bus))->key_shut_out, 1);
    bus_free(&bus, 0);
}

static int connect_plainly(const char *endpoint)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    address.sin_port = htons((uint16_t)strtol(strrchr(endpoint, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd != -1);
    (void)connect(fd, (struct sockaddr *)&address, sizeof address);
    return fd;
}

/* In a crowd some are kept out for a moment. It ends even if all who are there go meanwhile. */
static void whoever_was_kept_out_comes_in_the_end(void **state)
{
    (void)state;
    enum { FILES = 400, CROWD = 170 };          /* room for 200 connections, of which 150 are a crowd */
    int crowd[CROWD];
    bool heard;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ FILES, before.rlim_max }), 0);
    struct bus *bus = listening();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    bus_set_keys(bus, keys);
    for (unsigned i = 0; i < CROWD; i++)
        crowd[i] = connect_plainly(bus_endpoint(bus, BUS_DOORS));
    for (int i = 0; i < OUTCOME_MS && bus_counters(bus)->bus_kept_out == 0; i++)
        (void)bus_wait(bus, -1, 1);
    assert_int_equal(bus_counters(bus)->bus_kept_out, 1);
    for (unsigned i = 0; i < CROWD; i++)
        (void)close(crowd[i]);
    for (int i = 0; i < OUTCOME_MS && peers_count(bus_peers(bus)) > 0; i++)
        (void)bus_wait(bus, -1, 1);
    assert_int_equal(peers_count(bus_peers(bus)), 0);
    assert_true(bus_next_look(bus) <= boot_now_ms() + 1000);
    while (boot_now_ms() < bus_next_look(bus) && bus_next_look(bus) != INT64_MAX)
        (void)bus_wait(bus, -1, 1);
    bus_look(bus, boot_now_ms());
    assert_int_equal(knock(bus, bus_endpoint(bus, BUS_DOORS), true, OUTCOME_MS, &heard), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    bus_free(&bus, 0);
}

static void without_a_table_nobody_is(void **state)
{
    (void)state;
    struct bus *bus = listening();
    bool heard;
    assert_int_equal(knock(bus, bus_endpoint(bus, BUS_DOORS), true, OUTCOME_MS, &heard),
                     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    assert_false(heard);
    bus_free(&bus, 0);
}

/* The loop stands still: handshakes wait, and are given up by libzmq's own clock. */
static void unserved_handler_lets_nobody_in(void **state)
{
    (void)state;
    struct bus *bus = listening();
    struct bus_frame frame;
    bool heard;
    bus_set_keys(bus, keys);
    assert_int_not_equal(knock(bus, bus_endpoint(bus, BUS_DOORS), false, 1500, &heard), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    bus_begin(bus, 1);
    assert_false(bus_receive(bus, &frame));
    bus_free(&bus, 0);
}

/* A ROUTER with the daemon's very options and no handler in its context at all, with one of the two, and with both. */
static void only_both_options_hold_without_a_handler(void **state)
{
    (void)state;
    static const struct { bool domain, enforce, let_in; } rows[] = {
        { false, false, true }, { true, false, true }, { true, true, false } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *context = zmq_ctx_new(), *router = zmq_socket(context, ZMQ_ROUTER);
        int on = 1, linger = 0;
        char endpoint[256];
        size_t len = sizeof endpoint;
        bool heard;
        assert_int_equal(zmq_setsockopt(router, ZMQ_LINGER, &linger, sizeof linger), 0);
        assert_int_equal(zmq_setsockopt(router, ZMQ_CURVE_SERVER, &on, sizeof on), 0);
        assert_int_equal(zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, server.secret, 41), 0);
        if (rows[i].domain)
            assert_int_equal(zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)), 0);
        if (rows[i].enforce)
            assert_int_equal(zmq_setsockopt(router, 93, &on, sizeof on), 0);
        assert_int_equal(zmq_bind(router, "tcp://127.0.0.1:*"), 0);
        assert_int_equal(zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &len), 0);
        uint16_t event = knock(NULL, endpoint, false, rows[i].let_in ? 3000 : 1000, &heard);
        print_message("zap domain %d, option 93 %d, no handler: %s\n", rows[i].domain, rows[i].enforce,
                      event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ? "everybody gets in" : "nobody gets in");
        assert_int_equal(event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED, rows[i].let_in);
        (void)zmq_close(router);
        (void)zmq_ctx_term(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_handler_and_table_the_key_is_let_in),
        cmocka_unit_test(beyond_its_quota_it_waits_and_is_let_in),
        cmocka_unit_test(it_does_not_wait_for_ever),
        cmocka_unit_test(whoever_was_kept_out_comes_in_the_end),
        cmocka_unit_test(without_a_table_nobody_is),
        cmocka_unit_test(unserved_handler_lets_nobody_in),
        cmocka_unit_test(only_both_options_hold_without_a_handler),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
