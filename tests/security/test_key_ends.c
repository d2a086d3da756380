/* A key's last day passes while its owner is connected: the daemon, whose wall clock the test moves, must say so and
 * cut the connection, without waiting for its housekeeping. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>

#include "harness.h"

enum { KEYS = 3 };
static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;

static struct e2e e;
static char clock_path[E2E_PATH_BYTES];
static struct rfl_identity ending[KEYS];       /* the first to tomorrow, the next a day longer */

static void move_clock(int64_t ahead_ms)
{
    FILE *f = fopen(clock_path, "r+e");         /* written in place: the daemon has it mapped */
    assert_non_null(f);
    assert_int_equal(fwrite(&ahead_ms, sizeof ahead_ms, 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

static int start(void **state)
{
    (void)state;
    e2e_setup(&e);
    (void)snprintf(clock_path, sizeof clock_path, "%.200s/clock", e.dir);
    e2e_write_file(clock_path, "12345678");
    move_clock(0);
    assert_int_equal(setenv("MOVED_CLOCK", clock_path, 1), 0);
    e.preload = RFL_MOVED_CLOCK;
    e2e_use_keys(&e);
    for (int i = 0; i < KEYS; i++) {
        char name[16], terms[192];
        ending[i] = e2e_identity(&e);
        (void)snprintf(name, sizeof name, "ending-%d", i);
        (void)snprintf(terms, sizeof terms, "%s source = \"jobcentre-feed\"; doors = ( \"jobcentre\" );",
                       e2e_days(-1, 1 + i));
        e2e_allow(&e, name, &ending[i], terms);
    }
    e2e_write_keys(&e);
    e2e_start(&e);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(e2e_stop(&e, SIGTERM), 0);
    e2e_teardown(&e);
    return 0;
}

/* False: housekeeping, every ten seconds, came between the clock and the ask and cut the connection first. */
static bool told_that_it_ended(int i)
{
    struct e2e_peer peer;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_KEY_SHOW };
    e2e_peer_open_as(&peer, e.doors, &ending[i]);
    e2e_peer_ask(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_KEY_SHOWN);
    uint64_t told = e2e_counter(&e, "loop_key_ended"), cut = e2e_counter(&e, "bus_cut");
    uint64_t referrals = e2e_admin_state(&e).referrals;
    struct rfl_ask submit = e2e_submit("after-its-end", "words");
    move_clock((1 + i) * DAY_MS);
    e2e_peer_send(&peer, &submit);
    bool heard = e2e_peer_hear(&peer, &reply, 5000);
    if (heard) {
        assert_int_equal(reply.kind, RFL_MSG_REFUSAL);
        assert_int_equal(reply.correlation, submit.correlation);
        assert_int_equal(reply.refusal.code, RFL_CODE_KEY_ENDED);
        assert_int_equal(e2e_counter(&e, "loop_key_ended"), told + 1);
    }
    int64_t until = e2e_clock_ms() + E2E_DEADLINE_MS;
    while (e2e_counter(&e, "bus_cut") != cut + 1)
        assert_true(e2e_clock_ms() < until);
    assert_int_equal(e2e_admin_state(&e).referrals, referrals);
    e2e_peer_close(&peer);
    return heard;
}

static void a_key_that_ends_while_connected_is_told_and_cut(void **state)
{
    (void)state;
    int tried = 0;
    uint64_t late = e2e_counter(&e, "key_expired");
    while (!told_that_it_ended(tried))
        assert_true(++tried < KEYS);
    int64_t until = e2e_clock_ms() + E2E_DEADLINE_MS;
    struct e2e_peer peer;                       /* and comes in no more */
    e2e_peer_open_as(&peer, e.doors, &ending[tried]);
    while (e2e_counter(&e, "key_expired") == late)
        assert_true(e2e_clock_ms() < until);
    e2e_peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_key_that_ends_while_connected_is_told_and_cut) };
    return cmocka_run_group_tests(tests, start, stop);
}
