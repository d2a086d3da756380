/* What a key may use up: rates, honest waiting times, connections and how long it is shut out; on a clock that is a
 * variable. What the kernel says of connections is seen in test_hostile_keys. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "meter.h"

enum { RATE = 100, PATIENCE = QUOTA_PATIENCE_S * RATE, CONNECTIONS = 4, T0 = 1000000 };

static struct rfl_keys *keys;
static const struct rfl_key_entry *entry;
static struct quota *quota;

static int begin(void **state)
{
    (void)state;
    static struct rfl_conf_report report;
    struct rfl_identity identity;
    char text[1024];
    rfl_identity_make(&identity);
    int len = snprintf(text, sizeof text,
                       "schema_version = 1;\nkeys = ( { name = \"a\"; public = \"%s\"; owner = \"o\"; "
                       "from = \"2020-01-01\"; until = \"2199-01-01\"; source = \"gp-north\"; "
                       "doors = ( \"gp\" ); rate = %d; connections = %d; } );\nend_of_config = true;\n",
                       identity.public, (int)RATE, (int)CONNECTIONS);
    if (rfl_keys_load_text("keys.conf", (struct rfl_view){ (const uint8_t *)text, (size_t)len }, &report, &keys)
        != RFL_E_OK)
        return -1;
    entry = rfl_keys_get(keys, 0);
    quota = quota_new();
    if (quota != NULL)
        quota_set_keys(quota, keys);
    return quota != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    quota_free(&quota);
    rfl_keys_free(&keys);
    return 0;
}

static enum quota_verdict message(int64_t boot_ms, uint32_t *retry_ms)
{
    return quota_message(quota, &entry->public, 100, boot_ms, retry_ms);
}

static unsigned taken_of(unsigned count, int64_t boot_ms)
{
    unsigned taken = 0;
    uint32_t retry_ms;
    for (unsigned i = 0; i < count; i++)
        taken += message(boot_ms, &retry_ms) == QUOTA_TAKE;
    return taken;
}

static void two_seconds_worth_at_once_then_the_rate(void **state)
{
    (void)state;
    assert_int_equal(taken_of(3 * RATE, T0), 2 * RATE);
    assert_int_equal(taken_of(3 * RATE, T0 + 500), RATE / 2);
    assert_int_equal(taken_of(3 * RATE, T0 + 100000), 2 * RATE);
    unsigned long_ones = 0;
    uint32_t retry_ms;
    while (quota_message(quota, &entry->public, 3 * QUOTA_PIECE_BYTES, T0 + 200000, &retry_ms) == QUOTA_TAKE)
        long_ones++;
    assert_int_equal(long_ones, 2 * RATE / 4);
    assert_int_equal(retry_ms, 4 * 1000 / RATE - 2 * RATE % 4 * 1000 / RATE + 1);
}

/* Whoever waits as long as it was told is taken, and those that were told so in one moment do not all come at once. */
static void busy_names_a_moment_with_room(void **state)
{
    (void)state;
    enum { LATE = 50 };
    uint32_t retry_ms[LATE], again;
    assert_int_equal(taken_of(2 * RATE, T0), 2 * RATE);
    for (unsigned i = 0; i < LATE; i++) {
        assert_int_equal(message(T0, &retry_ms[i]), QUOTA_BUSY);
        assert_true(retry_ms[i] > 0 && (i == 0 || retry_ms[i] > retry_ms[i - 1]));
    }
    assert_true(retry_ms[0] <= 1000 / RATE + 1 && retry_ms[LATE - 1] <= LATE * 1000 / RATE + 1);
    for (unsigned i = 0; i < LATE; i++)
        assert_int_equal(message(T0 + retry_ms[i], &again), QUOTA_TAKE);
}

static void whoever_goes_on_and_on_is_shut_out_for_longer_each_time(void **state)
{
    (void)state;
    int64_t now_ms = T0, for_ms = QUOTA_SHUT_OUT_MS;
    uint32_t retry_ms;
    for (unsigned strikes = 0; strikes < 10; strikes++) {
        unsigned answered = 0;
        for (; message(now_ms, &retry_ms) != QUOTA_DROP; answered++)
            assert_true(answered < 4 * RATE + PATIENCE + 1);
        assert_true(answered >= PATIENCE);
        struct quota_struck struck[QUOTA_STRIKES_KEPT];
        assert_int_equal(quota_strikes(quota, struck), 1);
        assert_string_equal(struck[0].why, "flood");
        assert_int_equal(struck[0].for_ms, for_ms);
        assert_string_equal(quota_handshake(quota, entry, false, now_ms + for_ms - 1), "key_shut_out");
        now_ms += for_ms;
        assert_false(quota_is_shut_out(quota, &entry->public, now_ms));
        assert_null(quota_handshake(quota, entry, false, now_ms));
        quota_spoke(quota, &entry->public);
        quota_recount(quota);
        quota_recount(quota);
        for_ms = 2 * for_ms < QUOTA_SHUT_OUT_MS_MAX ? 2 * for_ms : QUOTA_SHUT_OUT_MS_MAX;
    }
    now_ms += QUOTA_FORGIVEN_MS + 1;
    quota_punish(quota, &entry->public, QUOTA_HELD, now_ms);
    assert_false(quota_is_shut_out(quota, &entry->public, now_ms + QUOTA_SHUT_OUT_MS));
}

static void connections_are_counted_heard_or_not(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        assert_null(quota_handshake(quota, entry, false, T0));
    assert_string_equal(quota_handshake(quota, entry, false, T0), "key_over_connections");
    for (unsigned i = 0; i < CONNECTIONS; i++)
        quota_spoke(quota, &entry->public);
    assert_string_equal(quota_handshake(quota, entry, false, T0), "key_over_connections");
    for (unsigned i = 0; i + 1 < CONNECTIONS; i++)      /* one has gone */
        (void)quota_held(quota, &entry->public, 10);
    assert_int_equal(quota_held(quota, &entry->public, 0), 10 * (CONNECTIONS - 1));
    quota_recount(quota);
    assert_string_equal(quota_handshake(quota, entry, false, T0), "key_over_connections");
    quota_recount(quota);
    assert_null(quota_handshake(quota, entry, false, T0));
}

static void silent_handshakes_are_forgotten_when_they_were_cut(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        assert_null(quota_handshake(quota, entry, false, T0));
    assert_non_null(quota_handshake(quota, entry, false, T0 + QUOTA_SILENT_MS));
    assert_null(quota_handshake(quota, entry, false, T0 + 2 * QUOTA_SILENT_MS));
}

static void connecting_again_and_again_is_refused_for_a_while(void **state)
{
    (void)state;
    unsigned let_in = 0;
    for (; quota_handshake(quota, entry, false, T0) == NULL; let_in++) {
        quota_spoke(quota, &entry->public);
        quota_recount(quota);
        quota_recount(quota);                           /* it has gone again */
    }
    assert_int_equal(let_in, QUOTA_HANDSHAKE_BURST * CONNECTIONS);
    assert_string_equal(quota_handshake(quota, entry, false, T0), "key_over_handshakes");
    assert_null(quota_handshake(quota, entry, false, T0 + 1000));
}

static void a_silent_offender_is_the_key_that_shook_hands_then(void **state)
{
    (void)state;
    assert_null(quota_handshake(quota, entry, false, T0 + 10));
    quota_punish_silent(quota, T0 + 11, QUOTA_HELD, T0 + 500);
    assert_false(quota_is_shut_out(quota, &entry->public, T0 + 500));
    quota_punish_silent(quota, T0, QUOTA_HELD, T0 + 500);
    assert_true(quota_is_shut_out(quota, &entry->public, T0 + 500));
}

static void strikes_outlive_another_table_and_strangers_have_none(void **state)
{
    (void)state;
    const struct rfl_curve_key stranger = { { 1 } };
    uint32_t retry_ms;
    quota_punish(quota, &entry->public, QUOTA_HELD, T0);
    quota_set_keys(quota, keys);
    assert_true(quota_is_shut_out(quota, &entry->public, T0));
    quota_punish(quota, &stranger, QUOTA_HELD, T0);
    assert_false(quota_is_shut_out(quota, &stranger, T0));
    assert_int_equal(quota_message(quota, &stranger, 100, T0, &retry_ms), QUOTA_TAKE);
    quota_set_keys(quota, NULL);
    assert_false(quota_is_shut_out(quota, &entry->public, T0));
}

static void heartbeats_are_told_from_an_unfinished_message(void **state)
{
    (void)state;
    struct peer_bytes bytes = { .mark = 5000 };         /* dry, and 5,000 bytes more came than were taken */
    uint64_t wire = meter_wire_bytes(100, true);
    assert_int_equal(wire, 135);
    assert_int_equal(meter_wire_bytes(300, true), 342);
    assert_int_equal(meter_wire_bytes(100, false), 102);
    meter_took(&bytes, wire, false);
    assert_int_equal(bytes.control_in, 0);              /* several frames: some of them may have been there */
    bytes.mark = 5000;
    meter_took(&bytes, wire, true);
    assert_int_equal(bytes.control_in, 5000 - wire);
    meter_took(&bytes, wire, true);
    assert_int_equal(bytes.control_in, 5000 - wire);
    assert_int_equal(bytes.taken, 3 * wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_seconds_worth_at_once_then_the_rate, begin, end),
        cmocka_unit_test_setup_teardown(busy_names_a_moment_with_room, begin, end),
        cmocka_unit_test_setup_teardown(whoever_goes_on_and_on_is_shut_out_for_longer_each_time, begin, end),
        cmocka_unit_test_setup_teardown(connections_are_counted_heard_or_not, begin, end),
        cmocka_unit_test_setup_teardown(silent_handshakes_are_forgotten_when_they_were_cut, begin, end),
        cmocka_unit_test_setup_teardown(connecting_again_and_again_is_refused_for_a_while, begin, end),
        cmocka_unit_test_setup_teardown(a_silent_offender_is_the_key_that_shook_hands_then, begin, end),
        cmocka_unit_test_setup_teardown(strikes_outlive_another_table_and_strangers_have_none, begin, end),
        cmocka_unit_test(heartbeats_are_told_from_an_unfinished_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
