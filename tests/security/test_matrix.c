/* The key matrix: every way of coming to the daemon's door, and what becomes of it. One table, filled in as it is found
 * and printed at the end; a cell that is other than expected fails its row. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "canaries.h"
#include "harness.h"
#include "raw_curve.h"
#include "referral.h"

enum { ANSWER_MS = 10000 };

static struct e2e e;
static struct rfl_identity source, worker, reader, stranger, expired, early, revoked, other_server;

/* ---- the table ---- */

enum { ROWS_MAX = 64 };
static struct { const char *who, *asks, *outcome; } found[ROWS_MAX];
static unsigned found_count;

static void expect(const char *who, const char *asks, const char *outcome, const char *expected)
{
    assert_true(found_count < ROWS_MAX);
    found[found_count].who = who;
    found[found_count].asks = asks;
    found[found_count++].outcome = outcome;
    if (strcmp(outcome, expected) != 0)
        fail_msg("%s, %s: %s instead of %s", who, asks, outcome, expected);
}

static int print_table(void **state)
{
    (void)state;
    print_message("\n%-36s %-44s %s\n", "WHO COMES", "ASKS", "OUTCOME");
    for (unsigned i = 0; i < found_count; i++)
        print_message("%-36s %-44s %s\n", found[i].who, found[i].asks, found[i].outcome);
    print_message("\n");
    assert_int_equal(e2e_stop(&e, SIGTERM), 0);
    e2e_teardown(&e);
    return 0;
}

/* ---- the world ---- */

static void allow(const char *name, struct rfl_identity *identity, int from, int until, const char *rights)
{
    char terms[256];
    *identity = e2e_identity(&e);
    (void)snprintf(terms, sizeof terms, "%s %s", e2e_days(from, until), rights);
    e2e_allow(&e, name, identity, terms);
}

#define SOURCE_RIGHTS "source = \"jobcentre-feed\"; doors = ( \"jobcentre\" );"

static int start(void **state)
{
    (void)state;
    e2e_setup(&e);
    const char *any = "tcp://127.0.0.1:*";
    memcpy(e.doors, any, strlen(any) + 1);
    memcpy(e.workers, any, strlen(any) + 1);
    e2e_use_keys(&e);
    allow("source", &source, -1, 100, SOURCE_RIGHTS);
    allow("worker", &worker, -1, 100,
          "worker = \"desk\"; queues = ( \"greater-manchester/*\", \"kent-medway/intake\" );");
    allow("reader", &reader, -1, 100, "operator = \"reader\"; verbs = ( \"read\" );");
    allow("expired", &expired, -30, 0, SOURCE_RIGHTS);
    allow("early", &early, 1, 100, SOURCE_RIGHTS);
    allow("revoked", &revoked, -1, 100, SOURCE_RIGHTS " revoked = true;");
    stranger = e2e_identity(&e);
    other_server = source;
    memcpy(other_server.server, stranger.public, sizeof other_server.server);
    e2e_write_keys(&e);
    e2e_start(&e);
    e2e_learn_endpoints(&e);
    return 0;
}

/* ---- at the handshake ---- */

static const char *trouble_name(enum rfl_client_trouble trouble)
{
    static const char *const names[RFL_TROUBLE_COUNT] = { "let in", "unreachable", "wrong_server_key", "key_not_known",
                                                          "key_ended", "refused" };
    return names[trouble];
}

/* What a client of the library learns when it asks for what its key may do. */
static const char *knocks(const char *endpoint, const struct rfl_identity *identity)
{
    struct rfl_client *client = NULL;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_KEY_SHOW };
    struct rfl_client_options options = { .endpoint = endpoint, .give_up = true };
    if (identity != NULL) {
        options.server_key = identity->server;
        options.public_key = identity->public;
        options.secret_key = identity->secret;
    }
    assert_int_equal(rfl_client_new(&options, &client), RFL_E_OK);
    enum rfl_err err = rfl_client_ask(client, &ask, ANSWER_MS, &reply);
    enum rfl_client_trouble trouble = rfl_client_trouble(client);
    assert_int_equal(err == RFL_E_OK, trouble == RFL_TROUBLE_NONE);
    if (err == RFL_E_OK)
        assert_int_equal(reply.kind, RFL_MSG_KEY_SHOWN);
    assert_true(rfl_trouble_text(trouble)[0] != '\0' && rfl_trouble_remedy(trouble)[0] != '\0');
    rfl_client_free(&client);
    return trouble_name(trouble);
}

static void the_handshake_names_what_is_wrong(void **state)
{
    (void)state;
    const struct { const char *who; const struct rfl_identity *identity; const char *expected, *counter; } rows[] = {
        { "a good key", &source, "let in", "key_good" },
        { "a key nobody knows", &stranger, "key_not_known", "key_unknown" },
        { "an expired key", &expired, "key_ended", "key_expired" },
        { "a key that is not good yet", &early, "key_ended", "key_not_yet" },
        { "a revoked key", &revoked, "key_ended", "key_revoked" },
        { "a good key, wrong server key", &other_server, "wrong_server_key", "bus_wrong_server_key" },
        { "no key (NULL)", NULL, "refused", "bus_no_key" },
    };
    const struct { const char *name, *endpoint; } sockets[] = {
        { "doors (tcp)", e.doors }, { "workers (tcp)", e.workers }, { "admin (ipc)", e.admin } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t s = 0; s < 3; s++) {
            uint64_t before = e2e_counter(&e, rows[i].counter);
            expect(rows[i].who, sockets[s].name, knocks(sockets[s].endpoint, rows[i].identity), rows[i].expected);
            assert_true(e2e_counter(&e, rows[i].counter) > before);
        }
    expect("nobody is there", "a port of nobody", knocks("tcp://127.0.0.1:1", &source), "unreachable");
    struct rfl_curve_key key;
    char line[128];
    assert_true(rfl_key_from_z85(e2e_view(stranger.public), &key));
    char fingerprint[RFL_FINGERPRINT_CHARS + 1];
    rfl_key_fingerprint(&key, fingerprint);
    (void)snprintf(line, sizeof line, "event=key.refused why=key_unknown key=%s from=127.0.0.1", fingerprint);
    (void)e2e_await_log(&e, line, 0);
}

/* Bytes as they are to the doors socket; what came back, at most cap bytes, until the daemon closed. True: it did. */
static bool raw(const void *bytes, size_t len, uint8_t *out, size_t cap, size_t *got)
{
    int fd = raw_connect(e.doors, true);
    assert_true(fd != -1);
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
    ssize_t n = 1;
    *got = 0;
    while (n > 0 && *got < cap) {
        struct pollfd item = { .fd = fd, .events = POLLIN };
        if (poll(&item, 1, ANSWER_MS) != 1)
            break;
        n = recv(fd, out + *got, cap - *got, 0);
        *got += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    return n <= 0;
}

static void old_and_plain_protocols_are_refused(void **state)
{
    (void)state;
    static const uint8_t submit[] = "\x01\x00\x09" "whatever";
    static const uint8_t zmtp1[] = "\x01\x00" "\x05\x00" "hello";              /* anonymous, then a frame */
    static const uint8_t zmtp2[] = "\xff\0\0\0\0\0\0\0\x01\x7f" "\x01\x05\0\0";   /* revision 1, DEALER, no identity */
    uint8_t zmtp3_null[64 + sizeof submit] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L' };
    uint8_t zmtp3_plain[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'P', 'L', 'A', 'I', 'N' };
    memcpy(zmtp3_null + 64, submit, sizeof submit);
    const struct { const char *who; const uint8_t *bytes; size_t len; } rows[] = {
        { "a ZMTP 1.0 greeting", zmtp1, sizeof zmtp1 - 1 }, { "a ZMTP 2.0 greeting", zmtp2, sizeof zmtp2 - 1 },
        { "ZMTP 3.0 with NULL", zmtp3_null, sizeof zmtp3_null },
        { "ZMTP 3.0 with PLAIN", zmtp3_plain, sizeof zmtp3_plain } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[512];
        size_t got;
        uint64_t frames = e2e_counter(&e, "bus_frames_in"), ended = e2e_counter(&e, "bus_disconnected");
        bool closed = raw(rows[i].bytes, rows[i].len, out, sizeof out, &got);
        /* A greeting may come back, and nothing after it; the two counts that are asked for are frames themselves. */
        bool silent = closed && got <= 64 && e2e_counter(&e, "bus_frames_in") == frames + 2;
        expect(rows[i].who, "doors (tcp), byte by byte", silent ? "closed unheard" : "heard", "closed unheard");
        assert_true(e2e_counter(&e, "bus_disconnected") > ended);
    }
}

/* The same handshake without libzmq, so that what libzmq would not send can follow it: a message is taken once, because
 * its number must be higher than the one before. */
static void a_handshake_by_hand_is_worth_the_same(void **state)
{
    (void)state;
    const struct { const char *who; const struct rfl_identity *identity; const char *expected, *counter; } rows[] = {
        { "a good key", &source, "let in", "key_good" }, { "a key nobody knows", &stranger, "refused", "key_unknown" },
        { "a revoked key", &revoked, "refused", "key_revoked" },
        { "a good key, wrong server key", &other_server, "cut off", "bus_wrong_server_key" },
    };
    struct raw_curve curve;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t before = e2e_counter(&e, rows[i].counter);
        const char *end = !raw_curve_knock(&curve, e.doors, rows[i].identity) ? "cut off"
                          : raw_curve_enter(&curve) ? "let in" : "refused";
        expect(rows[i].who, "doors (tcp), CURVE by hand", end, rows[i].expected);
        assert_true(e2e_counter(&e, rows[i].counter) > before);
        raw_curve_close(&curve);
    }
    uint8_t frame[RFL_MESSAGE_BYTES_MAX], answer[1024];
    struct rfl_ask ask = { .kind = RFL_MSG_KEY_SHOW, .correlation = 1 };
    size_t len = rfl_wire_encode_ask(&ask, frame, sizeof frame), got;
    assert_true(raw_curve_knock(&curve, e.doors, &source) && raw_curve_enter(&curve));
    assert_true(raw_curve_send(&curve, frame, len, false));
    bool heard = raw_curve_hear(&curve, answer, sizeof answer, &got);
    expect("a good key, by hand", "KeyShow", heard ? "answered" : "closed unheard", "answered");
    curve.nonce--;
    assert_true(raw_curve_send(&curve, frame, len, false));
    heard = raw_curve_hear(&curve, answer, sizeof answer, &got);
    expect("a good key, by hand", "KeyShow, the same message again", heard ? "answered" : "closed unheard",
           "closed unheard");
    raw_curve_close(&curve);
}

/* ---- after the handshake: message by message ---- */

static const char *answer_to(const char *endpoint, const struct rfl_identity *identity, struct rfl_ask *ask)
{
    struct e2e_peer peer;
    struct rfl_reply reply;
    e2e_peer_open_as(&peer, endpoint, identity);
    e2e_peer_ask(&peer, ask, &reply);
    const char *answer = reply.kind == RFL_MSG_REFUSAL ? rfl_code_name((enum rfl_code)reply.refusal.code)
                                                       : rfl_message_name((enum rfl_message_kind)reply.kind);
    e2e_peer_close(&peer);
    return answer;
}

/* libzmq counts what CURVE adds against the limit of a frame; it is not the sender's. */
static void the_longest_message_is_heard(void **state)
{
    (void)state;
    static uint8_t longest[RFL_MESSAGE_BYTES_MAX];
    const struct rfl_view frame = { longest, sizeof longest };
    struct e2e_peer peer;
    struct rfl_reply reply;
    e2e_peer_open_as(&peer, e.doors, &source);
    e2e_peer_send_frames(&peer, &frame, 1);
    assert_true(e2e_peer_hear(&peer, &reply, E2E_DEADLINE_MS));
    assert_int_equal(reply.kind, RFL_MSG_REFUSAL);
    e2e_peer_close(&peer);
}

static void a_source_speaks_for_itself_and_its_doors(void **state)
{
    (void)state;
    struct rfl_ask own = e2e_submit("matrix-1", "words"), other = own, door = own, status = own, validate = own;
    uint8_t bytes[RFL_BODY_BYTES_MAX];
    const struct rfl_form form = { .door = RFL_DOOR_GP, .consent = RFL_CONSENT_GIVEN, .gp_practice = e2e_view("A81001"),
                                   .name = e2e_view(CANARY_NAME), .phone = e2e_view(CANARY_PHONE) };
    other.source = status.source = e2e_view("gp-north");
    status.kind = RFL_MSG_STATUS_QUERY;
    status.reference = e2e_view("matrix-1");
    door.reference = e2e_view("matrix-2");
    door.referral = (struct rfl_view){ bytes, rfl_wire_encode_form(&form, bytes, sizeof bytes) };
    validate = door;
    validate.kind = RFL_MSG_VALIDATE;
    uint64_t before = e2e_admin_state(&e).referrals;
    expect("source jobcentre-feed", "Submit as itself", answer_to(e.doors, &source, &own), "receipt");
    expect("source jobcentre-feed", "Submit as gp-north", answer_to(e.doors, &source, &other), "NOT_PERMITTED");
    expect("source jobcentre-feed", "Submit through the door gp", answer_to(e.doors, &source, &door), "NOT_PERMITTED");
    expect("source jobcentre-feed", "Validate through the door gp", answer_to(e.doors, &source, &validate),
           "NOT_PERMITTED");
    expect("source jobcentre-feed", "StatusQuery as gp-north", answer_to(e.doors, &source, &status), "NOT_PERMITTED");
    status.source = e2e_view("jobcentre-feed");
    expect("source jobcentre-feed", "StatusQuery as itself", answer_to(e.doors, &source, &status), "status_report");
    struct rfl_ask mailbox = { .kind = RFL_MSG_MAILBOX_OPEN, .source = e2e_view("gp-north"), .credit = 1 };
    expect("source jobcentre-feed", "MailboxOpen of gp-north", answer_to(e.doors, &source, &mailbox), "NOT_PERMITTED");
    expect("worker desk", "Submit as jobcentre-feed", answer_to(e.doors, &worker, &own), "NOT_PERMITTED");
    expect("operator harness (every verb)", "Submit as jobcentre-feed", answer_to(e.doors, &e.operator, &own),
           "NOT_PERMITTED");
    assert_int_equal(e2e_admin_state(&e).referrals, before + 1);
}

static struct rfl_ask subscribe(const char *name, const struct rfl_view *queues, uint32_t count)
{
    return (struct rfl_ask){ .kind = RFL_MSG_SUBSCRIBE, .worker = e2e_view(name), .names = queues, .names_count = count,
                             .credit = 0 };
}

static void a_worker_has_its_name_and_its_queues(void **state)
{
    (void)state;
    const struct rfl_view own[] = { e2e_view("greater-manchester/intake"), e2e_view("kent-medway/intake") };
    const struct rfl_view mixed[] = { own[0], e2e_view("lancashire-south-cumbria/intake") };
    struct rfl_ask asks[] = { subscribe("desk", own, 2), subscribe("desk", mixed, 2), subscribe("other", own, 1) };
    expect("worker desk", "Subscribe to its queues", answer_to(e.workers, &worker, &asks[0]), "subscribed");
    expect("worker desk", "Subscribe to another area's too", answer_to(e.workers, &worker, &asks[1]), "NOT_PERMITTED");
    expect("worker desk", "Subscribe as another worker", answer_to(e.workers, &worker, &asks[2]), "NOT_PERMITTED");
    expect("source jobcentre-feed", "Subscribe as desk", answer_to(e.workers, &source, &asks[0]), "NOT_PERMITTED");
    struct rfl_ask ping = { .kind = RFL_MSG_PING };
    expect("worker desk", "Ping without a name", answer_to(e.workers, &worker, &ping), "NOT_SUBSCRIBED");
    expect("source jobcentre-feed", "Ping without a name", answer_to(e.workers, &source, &ping), "NOT_PERMITTED");
}

static void an_operator_has_verbs_and_a_name(void **state)
{
    (void)state;
    struct rfl_ask status = { .kind = RFL_MSG_ADMIN_STATUS }, list = { .kind = RFL_MSG_LIST };
    struct rfl_ask hold = { .kind = RFL_MSG_HOLD, .code = e2e_view("WW-7K3M-92QX"), .at_ms = 1,
                            .why = e2e_view("why") };
    struct rfl_ask pause = { .kind = RFL_MSG_QUEUE_SET, .queue = e2e_view("kent-medway/intake"), .why = e2e_view("why"),
                             .mode = RFL_QUEUE_MODE_CLEAR };
    struct rfl_ask reload = { .kind = RFL_MSG_KEYS_RELOAD, .why = e2e_view("why") };
    expect("operator reader (read)", "AdminStatus", answer_to(e.admin, &reader, &status), "admin_state");
    expect("operator reader (read)", "List", answer_to(e.admin, &reader, &list), "cases");
    expect("operator reader (read)", "Hold", answer_to(e.admin, &reader, &hold), "NOT_PERMITTED");
    expect("operator reader (read)", "QueueSet", answer_to(e.admin, &reader, &pause), "NOT_PERMITTED");
    expect("operator reader (read)", "KeysReload", answer_to(e.admin, &reader, &reload), "NOT_PERMITTED");
    expect("source jobcentre-feed", "AdminStatus", answer_to(e.admin, &source, &status), "NOT_PERMITTED");
    expect("worker desk", "List", answer_to(e.admin, &worker, &list), "NOT_PERMITTED");
    expect("operator harness (every verb)", "QueueSet, its name filled in", answer_to(e.admin, &e.operator, &pause),
           "acted");
    pause.operator_name = e2e_view("reader");
    expect("operator harness (every verb)", "QueueSet in another's name", answer_to(e.admin, &e.operator, &pause),
           "NOT_PERMITTED");
    reload.why = e2e_view("");
    expect("operator harness (every verb)", "KeysReload without a reason", answer_to(e.admin, &e.operator, &reload),
           "REASON_MISSING");
}

static void a_key_in_use_is_revoked(void **state)
{
    (void)state;
    struct rfl_ask reload = { .kind = RFL_MSG_KEYS_RELOAD, .why = e2e_view("lost") };
    struct rfl_identity doomed;
    size_t entries = strlen(e.entries);
    allow("doomed", &doomed, -1, 100, SOURCE_RIGHTS);
    e2e_write_keys(&e);
    expect("operator harness (every verb)", "KeysReload, one key more", answer_to(e.admin, &e.operator, &reload),
           "keys_reloaded");
    struct rfl_client *client = NULL;
    struct rfl_reply reply;
    struct rfl_ask show = { .kind = RFL_MSG_KEY_SHOW };
    const struct rfl_client_options options = { .endpoint = e.doors, .server_key = doomed.server, .give_up = true,
                                                .public_key = doomed.public, .secret_key = doomed.secret };
    assert_int_equal(rfl_client_new(&options, &client), RFL_E_OK);
    assert_int_equal(rfl_client_ask(client, &show, ANSWER_MS, &reply), RFL_E_OK);
    uint64_t cut = e2e_counter(&e, "bus_cut");
    e.entries[entries] = '\0';
    e2e_write_keys(&e);
    struct e2e_peer admin;
    e2e_peer_open_as(&admin, e.admin, &e.operator);
    e2e_peer_ask(&admin, &reload, &reply);
    assert_int_equal(reply.kind, RFL_MSG_KEYS_RELOADED);
    assert_int_equal(reply.keys_reloaded.ended, 1);
    e2e_peer_close(&admin);
    enum rfl_err err = rfl_client_ask(client, &show, ANSWER_MS, &reply);
    expect("a key revoked while connected", "its next ask", err == RFL_E_OK ? rfl_message_name(reply.kind)
           : trouble_name(rfl_client_trouble(client)), "key_not_known");
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    while (e2e_counter(&e, "bus_cut") != cut + 1)
        assert_true(e2e_clock_ms() < deadline);
    rfl_client_free(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_names_what_is_wrong),
        cmocka_unit_test(old_and_plain_protocols_are_refused),
        cmocka_unit_test(a_handshake_by_hand_is_worth_the_same),
        cmocka_unit_test(the_longest_message_is_heard),
        cmocka_unit_test(a_source_speaks_for_itself_and_its_doors),
        cmocka_unit_test(a_worker_has_its_name_and_its_queues),
        cmocka_unit_test(an_operator_has_verbs_and_a_name),
        cmocka_unit_test(a_key_in_use_is_revoked),
    };
    return cmocka_run_group_tests(tests, start, print_table);
}
