/* The parts of the daemon that need no socket: options and their example file, endpoints, sessions, log lines, and
 * which message is heard where. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "belongs.h"
#include "clock.h"
#include "endpoint.h"
#include "log.h"
#include "options.h"
#include "peers.h"
#include "session.h"

enum { TEXT_BYTES = 65536 };

static size_t slurp(FILE *f, char *out)
{
    size_t len = fread(out, 1, TEXT_BYTES - 1, f);
    out[len] = '\0';
    return len;
}

/* ---- options ---- */

static void example_file_is_the_table(void **state)
{
    (void)state;
    static char wanted[TEXT_BYTES], found[TEXT_BYTES];
    FILE *f = tmpfile(), *example = fopen("config/referrald.conf", "r");
    assert_non_null(f);
    assert_non_null(example);
    assert_true(rfl_conf_print_example(options_table(), f));
    rewind(f);
    assert_true(slurp(f, wanted) > 1000);
    (void)slurp(example, found);
    assert_string_equal(found, wanted);
    (void)fclose(f);
    (void)fclose(example);
}

static void example_file_reads_as_the_defaults(void **state)
{
    (void)state;
    static struct rfl_conf_report report;
    static struct options read, defaults;
    struct rfl_conf_origin origins[OPTIONS_COUNT];
    memset(&report, 0, sizeof report);
    memset(&defaults, 0, sizeof defaults);
    memset(&read, 0, sizeof read);
    assert_int_equal(options_read("config/referrald.conf", &read, origins, &report), RFL_E_OK);
    assert_int_equal(report.count, 0);
    rfl_conf_defaults(options_table(), &defaults, NULL);
    assert_memory_equal(&read, &defaults, sizeof read);
    for (int i = 0; i < OPTIONS_COUNT; i++)
        assert_true(origins[i].line > 0);       /* every option stands in the example */
}

/* Writes one more setting between the frame and reads it; the count of findings, the first one's key into key_out. */
static uint32_t findings_of(const char *setting, char *key_out)
{
    char path[] = "/tmp/referrald-options.XXXXXX", text[1024];
    static struct rfl_conf_report report;
    static struct options options;
    struct rfl_conf_origin origins[OPTIONS_COUNT];
    memset(&report, 0, sizeof report);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    int len = snprintf(text, sizeof text, "schema_version = 1;\n%s\nend_of_config = true;\n", setting);
    assert_int_equal(write(fd, text, (size_t)len), len);
    (void)close(fd);
    enum rfl_err err = options_read(path, &options, origins, &report);
    assert_int_equal(err, report.count == 0 ? RFL_E_OK : RFL_E_INVALID);
    (void)snprintf(key_out, RFL_CONF_KEY_BYTES, "%s", report.finding[0].key);
    (void)unlink(path);
    return report.count;
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    static const struct { const char *setting, *key; } cases[] = {
        { "store_map = \"1025KiB\";", "store_map" },
        { "log_format = \"xml1\";", "log_format" },
        { "doors = \"tcp://localhost:5701\";", "doors" },
        { "without_keys = true; doors = \"tcp://0.0.0.0:5701\";", "doors" },
        { "workers = \"tcp://127.0.0.1:5701\";", "workers" },
        { "without_keys = true; admin = \"tcp://127.0.0.1:5703\";", "admin" },
        { "doors = \"ipc:///run/referrald/admin\";", "admin" },
    };
    char key[RFL_CONF_KEY_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(findings_of(cases[i].setting, key), 1);
        assert_string_equal(key, cases[i].key);
    }
    assert_int_equal(findings_of("doors = \"tcp://[::1]:*\"; workers = \"tcp://[::1]:*\";", key), 0);
    assert_int_equal(findings_of("doors = \"tcp://10.1.2.3:5701\"; admin = \"tcp://*:5703\";", key), 0);
}

/* ---- endpoints ---- */

static void without_keys_only_this_machine_may_be_listened_to(void **state)
{
    (void)state;
    static const struct { const char *endpoint; bool doors, admin; } cases[] = {
        { "tcp://127.0.0.1:5701", true, false },
        { "tcp://127.255.3.4:1", true, false },
        { "tcp://[::1]:65535", true, false },
        { "tcp://127.0.0.1:*", true, false },
        { "ipc:///run/referrald/admin", true, true },
        { "ipc:///a", true, true },
        { "tcp://0.0.0.0:5701", false, false },
        { "tcp://*:5701", false, false },
        { "tcp://eth0:5701", false, false },
        { "tcp://localhost:5701", false, false },
        { "tcp://10.0.0.1:5701", false, false },
        { "tcp://128.0.0.1:5701", false, false },
        { "tcp://127.0.0.256:5701", false, false },
        { "tcp://127.0.0.1.nip.io:5701", false, false },
        { "tcp://127.0.0.01:5701", false, false },
        { "tcp://0127.0.0.1:5701", false, false },
        { "tcp://127.0.1:5701", false, false },
        { "tcp://127.0.0.1:0", false, false },
        { "tcp://127.0.0.1:65536", false, false },
        { "tcp://127.0.0.1:4294972997", false, false },
        { "tcp://127.0.0.1:5701;tcp://10.0.0.1:1", false, false },
        { "tcp://127.0.0.1:", false, false },
        { "tcp://127.0.0.1", false, false },
        { "tcp://[::]:5701", false, false },
        { "tcp://[::ffff:10.0.0.1]:5701", false, false },
        { "tcp://::1:5701", false, false },
        { "ipc://@abstract", false, false },
        { "ipc://*", false, false },
        { "ipc://run/admin", false, false },
        { "ipc:///run/", false, false },
        { "ipc://", false, false },
        { "inproc://doors", false, false },
        { "pgm://127.0.0.1:5701", false, false },
        { "", false, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct endpoint_verdict doors = endpoint_check(cases[i].endpoint, ENDPOINT_LOOPBACK);
        struct endpoint_verdict admin = endpoint_check(cases[i].endpoint, ENDPOINT_IPC);
        if ((doors.rule == NULL) != cases[i].doors || (admin.rule == NULL) != cases[i].admin)
            fail_msg("endpoint %zu of the table is judged wrongly", i);
        assert_true((doors.rule == NULL) == (doors.remedy == NULL));
    }
}

static void with_keys_any_address_will_do(void **state)
{
    (void)state;
    static const struct { const char *endpoint; bool taken; } cases[] = {
        { "tcp://127.0.0.1:5701", true }, { "tcp://0.0.0.0:5701", true }, { "tcp://*:5701", true },
        { "tcp://10.0.0.1:*", true }, { "tcp://[::]:5701", true }, { "tcp://[::1]:5701", true },
        { "tcp://[2001:db8::1]:5701", true }, { "tcp://[::ffff:10.0.0.1]:5701", true },
        { "ipc:///run/referrald/admin", true },
        { "tcp://eth0:5701", false }, { "tcp://localhost:5701", false }, { "tcp://10.0.0.256:5701", false },
        { "tcp://10.0.1:5701", false }, { "tcp://*", false }, { "tcp://**:1", false }, { "tcp://[]:1", false },
        { "tcp://[::1:5701", false }, { "tcp://[eth0]:1", false }, { "tcp://10.0.0.1:0", false },
        { "inproc://doors", false }, { "", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if ((endpoint_check(cases[i].endpoint, ENDPOINT_ANY).rule == NULL) != cases[i].taken)
            fail_msg("endpoint %zu of the table is judged wrongly", i);
}

static void a_socket_path_has_a_length_and_a_folder(void **state)
{
    (void)state;
    char endpoint[ENDPOINT_BYTES_MAX + 2] = "ipc:///", folder[ENDPOINT_BYTES_MAX];
    memset(endpoint + 7, 'x', ENDPOINT_BYTES_MAX - 7);
    assert_null(endpoint_check(endpoint, ENDPOINT_IPC).rule);
    assert_true(endpoint_ipc_folder(endpoint, folder, sizeof folder));
    assert_string_equal(folder, "/");
    endpoint[ENDPOINT_BYTES_MAX] = 'x';
    assert_non_null(endpoint_check(endpoint, ENDPOINT_IPC).rule);
    assert_true(endpoint_ipc_folder("ipc:///run/referrald/admin", folder, sizeof folder));
    assert_string_equal(folder, "/run/referrald");
    assert_false(endpoint_ipc_folder("tcp://127.0.0.1:1", folder, sizeof folder));
}

/* ---- sessions ---- */

static void a_session_is_never_used_again(void **state)
{
    (void)state;
    struct session_table *table = session_table_new(4);
    const struct session_peer a = { BUS_DOORS, 7 }, same_id_elsewhere = { BUS_WORKERS, 7 };
    struct session_peer found;
    uint64_t evicted;
    uint64_t first = session_heard(table, a, 10, &evicted);
    assert_int_not_equal(first, 0);
    assert_int_equal(session_heard(table, a, 11, &evicted), first);
    assert_int_not_equal(session_heard(table, same_id_elsewhere, 11, &evicted), first);
    assert_int_equal(session_count(table), 2);
    session_end(table, first);
    assert_false(session_find(table, first, &found));
    uint64_t second = session_heard(table, a, 12, &evicted);
    assert_int_not_equal(second, first);
    assert_false(session_find(table, first, &found));
    session_end(table, first);                  /* ending what has ended touches nobody else */
    assert_true(session_find(table, second, &found));
    assert_int_equal(found.id, 7);
    assert_int_equal(found.socket, BUS_DOORS);
    assert_false(session_find(table, 0, &found));
    assert_false(session_find(table, UINT64_MAX, &found));
    session_table_free(&table);
}

static void a_full_table_makes_room_by_the_longest_silence(void **state)
{
    (void)state;
    struct session_table *table = session_table_new(3);
    uint64_t session[3], evicted;
    struct session_peer found;
    for (uint32_t i = 0; i < 3; i++)
        session[i] = session_heard(table, (struct session_peer){ BUS_DOORS, i }, i, &evicted);
    (void)session_heard(table, (struct session_peer){ BUS_DOORS, 0 }, 5, &evicted);
    assert_int_equal(evicted, 0);
    uint64_t newcomer = session_heard(table, (struct session_peer){ BUS_DOORS, 9 }, 6, &evicted);
    assert_int_equal(evicted, session[1]);
    assert_false(session_find(table, session[1], &found));
    assert_true(session_find(table, session[0], &found));
    assert_true(session_find(table, newcomer, &found));
    assert_int_equal(session_count(table), 3);
    assert_int_equal(session_stale(table, 2), 0);           /* heard at 2: not before 2 */
    assert_int_equal(session_stale(table, 3), session[2]);
    session_table_free(&table);
}

/* The table against a plain array, over many peers that come, speak and end. */
static void sessions_agree_with_a_plain_array(void **state)
{
    (void)state;
    enum { PEERS = 400, ROOM = 128, STEPS = 60000 };
    struct session_table *table = session_table_new(ROOM);
    uint64_t of_peer[PEERS] = { 0 }, seed = 42, evicted;
    uint32_t live = 0, evictions = 0;
    for (int64_t step = 1; step <= STEPS; step++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t id = (uint32_t)(seed >> 33) % PEERS;
        struct session_peer peer = { (uint8_t)(id % 3), id / 3 * 0x01000193u }, found;
        if (seed >> 62 == 0) {
            session_end(table, of_peer[id]);
            live -= of_peer[id] != 0;
            of_peer[id] = 0;
            continue;
        }
        uint64_t session = session_heard(table, peer, step, &evicted);
        if (of_peer[id] != 0)
            assert_int_equal(session, of_peer[id]);
        live += of_peer[id] == 0;
        of_peer[id] = session;
        for (uint32_t i = 0; evicted != 0 && i < PEERS; i++) {
            if (of_peer[i] == evicted) {
                of_peer[i] = evicted = 0;
                live--;
                evictions++;
            }
        }
        assert_int_equal(evicted, 0);                       /* whoever made room was there */
        assert_int_equal(session_count(table), live);
        assert_true(session_find(table, session, &found));
        assert_true(found.id == peer.id && found.socket == peer.socket);
    }
    assert_true(evictions > 1000);
    session_table_free(&table);
}

/* Full, so that most peers lie behind others; ending some must not hide the rest. */
static void a_full_table_finds_everybody(void **state)
{
    (void)state;
    struct session_table *table = session_table_new(SESSION_COUNT_MAX);
    static uint64_t session[SESSION_COUNT_MAX];
    uint64_t evicted;
    for (uint32_t i = 0; i < SESSION_COUNT_MAX; i++)
        session[i] = session_heard(table, (struct session_peer){ BUS_DOORS, i * 2654435761u }, i, &evicted);
    for (uint32_t i = 0; i < SESSION_COUNT_MAX; i += 3)
        session_end(table, session[i]);
    for (uint32_t i = 0; i < SESSION_COUNT_MAX; i++) {
        struct session_peer found;
        assert_true(session_find(table, session[i], &found) == (i % 3 != 0));
        if (i % 3 != 0)
            assert_int_equal(session_heard(table, (struct session_peer){ BUS_DOORS, i * 2654435761u }, i, &evicted),
                             session[i]);
    }
    assert_int_equal(session_count(table), SESSION_COUNT_MAX - SESSION_COUNT_MAX / 3 - 1);
    session_table_free(&table);
}

/* ---- the log ---- */

static void log_lines_have_three_shapes(void **state)
{
    (void)state;
    char text[512];
    const struct log_field fields[] = { F_U64("cases", 12), F_ERR("error", RFL_E_FENCED), F_LIT("next", "drop it"),
                                        F_ID("case", ((struct rfl_case_id){ 3 })), F_ERRNO("errno", 5),
                                        F_I64("exit", -1), F_HASH("policy", ((struct rfl_hash){ { 0xab } })) };
    const char tail[] = " cases=12 error=FENCED next=\"drop it\" case=3 errno=EIO exit=-1 "
                        "policy=ab000000000000000000000000000000\n";
    const struct { enum log_format format; const char *head; } shapes[] = {
        { LOG_FORMAT_LOGFMT, "ts=2026-04-01T00:00:00.007Z level=warn event=case.lapsed" },
        { LOG_FORMAT_JOURNAL, "<4>event=case.lapsed" },
        { LOG_FORMAT_HUMAN, "00:00:00.007 warn  case.lapsed" },
    };
    for (size_t i = 0; i < 3; i++) {
        size_t len = log_render(shapes[i].format, 1775001600007, LOG_LEVEL_WARN, "case.lapsed", fields, 7, text,
                                sizeof text - 1);
        text[len] = '\0';
        size_t head = strlen(shapes[i].head);
        assert_memory_equal(text, shapes[i].head, head);
        assert_string_equal(text + head, tail);
    }
}

static void a_log_line_is_one_line_and_ends(void **state)
{
    (void)state;
    struct rfl_conf_finding finding = { .file = "a b", .line = 3, .key = "x\ny" };
    char text[80];
    memset(finding.rule, 'r', sizeof finding.rule - 1);
    const struct log_field fields[] = { F_FINDING(&finding), F_FINDING(&finding) };
    size_t len = log_render(LOG_FORMAT_JOURNAL, 0, LOG_LEVEL_INFO, "e", fields, 2, text, sizeof text);
    assert_int_equal(len, sizeof text - 1);                 /* cut, with its newline */
    assert_int_equal(text[len - 1], '\n');
    assert_ptr_equal(memchr(text, '\n', len), text + len - 1);
    assert_memory_equal(text, "<6>event=e file=\"a b\" line=3 key=x?y rule=rrr", 40);
}

static void a_full_pipe_never_stops_the_log(void **state)
{
    (void)state;
    int ends[2];
    struct log log = { 0 };
    assert_int_equal(pipe(ends), 0);
    log_init(&log, ends[1], LOG_FORMAT_LOGFMT);
    for (int i = 0; i < 4000; i++)                          /* more than any pipe holds */
        LOG(&log, INFO, "filler", F_U64("number", (uint64_t)i));
    assert_true(log.dropped > 0 && log.dropped < 4000);
    char first[64];
    assert_int_equal(read(ends[0], first, sizeof first), sizeof first);
    assert_memory_equal(first, "ts=", 3);                   /* what found room was written */
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* ---- messages and sockets ---- */

static void every_ask_belongs_somewhere_and_no_answer_does(void **state)
{
    (void)state;
    static const char direction[RFL_MSG_COUNT] = {
#define A 'A'
#define R 'R'
#define X(name, field, way) [RFL_MSG_##name] = way,
        RFL_MESSAGE_LIST(X)
#undef X
#undef A
#undef R
    };
    for (int kind = 0; kind < RFL_MSG_COUNT; kind++) {
        int sockets = 0;
        for (int i = 0; i < BUS_SOCKET_COUNT; i++)
            sockets += belongs_on((enum rfl_message_kind)kind, (enum bus_socket)i);
        assert_true((sockets > 0) == (direction[kind] == 'A'));
        assert_true(sockets <= 1 || kind == RFL_MSG_KEY_SHOW);
    }
    assert_false(belongs_on(RFL_MSG_COUNT, BUS_DOORS));
    assert_true(belongs_on(RFL_MSG_SUBMIT, BUS_DOORS));
    assert_true(belongs_on(RFL_MSG_ACCEPT, BUS_WORKERS));
    assert_true(belongs_on(RFL_MSG_SHOW, BUS_ADMIN));
}

static void the_clock_never_goes_back(void **state)
{
    (void)state;
    struct clock clock = { .wall_floor_ms = INT64_C(4102444800000) };       /* as if read in 2100 */
    struct rfl_now now;
    clock_read(&clock, &now);
    assert_int_equal(now.wall_ms, INT64_C(4102444800000));
    clock = (struct clock){ 0 };
    clock_read(&clock, &now);
    assert_true(now.wall_ms > INT64_C(1700000000000) && now.boot_ms > 0);
}

/* Each socket's monitor is heard by itself: what two of them say of one number comes in any order, and in the end it
 * belongs to whoever has it. */
static void a_number_belongs_to_whoever_has_it_now(void **state)
{
    (void)state;
    enum { SOCKETS = 3, CHANGES = 6, ROUNDS = 4000 };
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct peers *peers = peers_new();
    assert_non_null(peers);
    uint32_t seed = 7;
    int owner = -1;
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t said[SOCKETS][2 * CHANGES + 2];             /* 1: accepted, 0: closed */
        size_t count[SOCKETS] = { 0 }, heard[SOCKETS] = { 0 };
        for (int i = 0; i < CHANGES; i++) {
            int next = (int)(seed >> 16) % (SOCKETS + 1) - 1;
            seed = seed * 1664525u + 1013904223u;
            if (owner >= 0)
                said[owner][count[owner]++] = 0;
            if (next >= 0)
                said[next][count[next]++] = 1;
            owner = next;
        }
        for (int first = round % SOCKETS, i = 0; i < SOCKETS; i++) {
            uint8_t socket = (uint8_t)((first + (round & 1 ? i : SOCKETS - i)) % SOCKETS);
            for (; heard[socket] < count[socket]; heard[socket]++)
                if (said[socket][heard[socket]] == 1)
                    peers_accepted(peers, pair[0], socket, 1);
                else
                    peers_closed(peers, pair[0], socket);
        }
        struct peer *peer = peers_at(peers, pair[0]);
        assert_int_equal(peer != NULL, owner >= 0);
        assert_int_equal(peers_count(peers), owner >= 0);
        if (peer == NULL)
            continue;
        assert_int_equal(peer->socket, owner);
        assert_true(peer->session == 0 && !peer->has_key);
        peer->has_key = true;                               /* and nothing of whoever had it before */
        assert_ptr_equal(peers_heard(peers, pair[0], 77), peer);
        assert_ptr_equal(peers_of(peers, 77), peer);
        uint8_t other = (uint8_t)((owner + 1) % SOCKETS);
        peers_closed(peers, pair[0], other);                /* not its own end */
        assert_ptr_equal(peers_of(peers, 77), peer);
        peers_closed(peers, pair[0], (uint8_t)owner);
        owner = -1;
    }
    peers_free(&peers);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_file_is_the_table),
        cmocka_unit_test(example_file_reads_as_the_defaults),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
        cmocka_unit_test(without_keys_only_this_machine_may_be_listened_to),
        cmocka_unit_test(with_keys_any_address_will_do),
        cmocka_unit_test(a_socket_path_has_a_length_and_a_folder),
        cmocka_unit_test(a_session_is_never_used_again),
        cmocka_unit_test(a_full_table_makes_room_by_the_longest_silence),
        cmocka_unit_test(sessions_agree_with_a_plain_array),
        cmocka_unit_test(a_full_table_finds_everybody),
        cmocka_unit_test(a_number_belongs_to_whoever_has_it_now),
        cmocka_unit_test(log_lines_have_three_shapes),
        cmocka_unit_test(a_log_line_is_one_line_and_ends),
        cmocka_unit_test(a_full_pipe_never_stops_the_log),
        cmocka_unit_test(every_ask_belongs_somewhere_and_no_answer_does),
        cmocka_unit_test(the_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
