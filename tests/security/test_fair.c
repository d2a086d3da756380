/* Whose message is next (fair.h), with costs given instead of measured. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fair.h"

static struct fair *fair;
static uint64_t clock_us;
static int64_t boot_ms;

static int teardown(void **state)
{
    (void)state;
    fair_free(&fair);
    return 0;
}

static bool put_bytes(uint8_t key, uint64_t session, size_t bytes, uint32_t *wait_ms)
{
    struct fair_message message = { .session = session, .put_boot_ms = boot_ms, .key.b = { key } };
    zmq_msg_t payload;
    assert_int_equal(zmq_msg_init_size(&payload, bytes), 0);
    memset(zmq_msg_data(&payload), key, bytes);
    bool put = fair_put(fair, &message, &payload, wait_ms);
    assert_int_equal(zmq_msg_size(&payload), put ? 0 : bytes);
    (void)zmq_msg_close(&payload);
    return put;
}

static void put(uint8_t key, uint64_t session)
{
    uint32_t wait_ms;
    assert_true(put_bytes(key, session, 10, &wait_ms));
}

static void put_many(uint8_t key, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put(key, i);
}

/* The key of the next message in this turn, which costs what its key's messages cost; 0: the turn is over. */
static uint64_t cost_us[256], spent_us[256], session;

static uint8_t next_in_turn(void)
{
    struct fair_message message = { .key.b = { 0 } };
    zmq_msg_t payload;
    (void)zmq_msg_init(&payload);
    if (fair_next(fair, &message, &payload)) {
        const uint8_t *bytes = zmq_msg_data(&payload);
        assert_true(zmq_msg_size(&payload) > 0 && bytes[0] == message.key.b[0]);
        session = message.session;
        spent_us[message.key.b[0]] += cost_us[message.key.b[0]];
        fair_spent(fair, cost_us[message.key.b[0]]);
    }
    (void)zmq_msg_close(&payload);
    return message.key.b[0];
}

/* In a turn so late that nobody else is about. */
static uint8_t next(void)
{
    fair_begin(fair, clock_us += 1000000);
    return next_in_turn();
}

static void who_asks_little_waits_for_no_backlog(void **state)
{
    (void)state;
    for (uint8_t key = 1; key <= 40; key++) {
        cost_us[key] = 1000;
        put_many(key, 100);
    }
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(next() > 0, true);
    cost_us[99] = 20;                           /* of 10,020: less than a forty-first part */
    for (unsigned i = 0; i < 1000; i++) {
        if (i % 10 == 0)
            put(99, i);
        assert_int_equal(next() == 99, i % 10 == 0);
    }
}

static void time_is_shared_not_messages(void **state)
{
    (void)state;
    static const uint64_t costs[] = { 20, 100, 700 };
    for (uint8_t key = 1; key <= 3; key++) {
        cost_us[key] = costs[key - 1];
        put_many(key, 2000);
    }
    while (spent_us[1] < 30000)
        (void)next();
    for (uint8_t key = 2; key <= 3; key++)
        assert_true(spent_us[key] > 28000 && spent_us[key] < 32000);
}

/* It has not asked for an hour; it has no hour of others' time for it. */
static void nobody_saves_up(void **state)
{
    (void)state;
    cost_us[1] = cost_us[2] = 100;
    put_many(1, 3000);
    for (unsigned i = 0; i < 1000; i++)
        (void)next();
    put_many(2, 1000);
    spent_us[1] = spent_us[2] = 0;
    for (unsigned i = 0; i < 1000; i++)
        (void)next();
    assert_int_equal(spent_us[1], 50000);
    assert_int_equal(spent_us[2], 50000);
}

/* Nor does it pay for what it had while nobody else waited. */
static void what_was_free_is_not_owed(void **state)
{
    (void)state;
    cost_us[1] = cost_us[2] = 100;
    put_many(1, 1000);
    while (next() != 0)
        ;
    put_many(1, 10);
    put_many(2, 10);
    spent_us[1] = spent_us[2] = 0;
    for (unsigned i = 0; i < 10; i++)
        (void)next();
    assert_int_equal(spent_us[1], 500);
    assert_int_equal(spent_us[2], 500);
}

static void a_key_keeps_its_order(void **state)
{
    (void)state;
    uint64_t seen[4] = { 0 };
    cost_us[1] = 10, cost_us[2] = 300, cost_us[3] = 0;
    for (unsigned i = 1; i <= 1000; i++)
        for (uint8_t key = 1; key <= 3; key++)
            put(key, i);
    for (uint8_t key; (key = next()) != 0; seen[key] = session)
        assert_int_equal(session, seen[key] + 1);
    assert_int_equal(seen[1] + seen[2] + seen[3], 3000);
    assert_int_equal(fair_count(fair), 0);
}

static void there_is_room_for_whoever_has_less(void **state)
{
    (void)state;
    uint32_t wait_ms = 0;
    unsigned had[21] = { 0 };
    for (uint8_t key = 1; key <= 20; key++)
        while (put_bytes(key, 0, 1, &wait_ms))
            had[key]++;
    unsigned free_before = FAIR_MESSAGES_MAX;
    for (uint8_t key = 1; key <= 20; free_before -= had[key++])
        assert_in_range(had[key], free_before / (FAIR_KEY_PART + 1) - 1, free_before / (FAIR_KEY_PART + 1) + 1);
    put(21, 0);
    cost_us[1] = 10;
    assert_int_equal(next(), 1);
    assert_false(put_bytes(1, 0, 1, &wait_ms)); /* it has far more than an eighth of what is free now */
}

static void bytes_have_room_like_messages(void **state)
{
    (void)state;
    uint32_t wait_ms = 0;
    boot_ms = 5000;
    assert_true(put_bytes(1, 0, FAIR_BYTES_MAX / 16, &wait_ms));
    assert_true(put_bytes(1, 0, FAIR_BYTES_MAX / 32, &wait_ms));
    boot_ms = 5700;
    assert_false(put_bytes(1, 0, FAIR_BYTES_MAX / 16, &wait_ms));
    assert_int_equal(wait_ms, 700);                             /* as long as its oldest has waited */
    assert_true(put_bytes(2, 0, FAIR_BYTES_MAX / 16, &wait_ms));
    cost_us[1] = cost_us[2] = 10;
    assert_int_equal(next(), 1);
    assert_true(put_bytes(1, 0, FAIR_BYTES_MAX / 32, &wait_ms));    /* what was served has left */
}

static void a_turn_has_an_end(void **state)
{
    (void)state;
    unsigned count = 0;
    cost_us[1] = cost_us[2] = 100;
    put_many(1, 100);
    put_many(2, 100);
    fair_begin(fair, clock_us);
    while (next_in_turn() != 0)
        count++;
    assert_int_equal(count, FAIR_TURN_US / 100);
}

static void what_takes_long_has_a_turn_of_its_own(void **state)
{
    (void)state;
    cost_us[1] = FAIR_LONG_MESSAGE_US, cost_us[2] = 10;
    put_many(1, 3);
    assert_int_equal(next(), 1);                                /* now it is known */
    put_many(2, 5);
    fair_begin(fair, clock_us);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(next_in_turn(), 2);
    assert_int_equal(next_in_turn(), 0);
    fair_begin(fair, clock_us += 1000000);
    assert_int_equal(next_in_turn(), 1);
    put(2, 0);
    assert_int_equal(next_in_turn(), 0);
}

/* For half a second; a turn costs what is done in it, and when there is nothing to do the clock goes on to when there
 * is. Returns what was spent on the long ones. */
static uint64_t half_a_second(bool others_are_about)
{
    uint64_t until_us = clock_us + 500000, before_us = spent_us[1], asks_us = clock_us;
    while (clock_us < until_us) {
        for (; others_are_about && asks_us <= clock_us; asks_us += 500)
            put(2, 0);
        uint64_t turn_us = spent_us[1] + spent_us[2];
        fair_begin(fair, clock_us);
        while (next_in_turn() != 0)
            ;
        clock_us += spent_us[1] + spent_us[2] - turn_us;
        uint64_t ready_us = fair_ready_us(fair);
        if (others_are_about && ready_us > asks_us)
            ready_us = asks_us;
        clock_us = ready_us > clock_us ? ready_us : clock_us;
    }
    return spent_us[1] - before_us;
}

static void long_ones_have_their_part_while_others_are_about(void **state)
{
    (void)state;
    clock_us = 1000000;
    cost_us[1] = 1000, cost_us[2] = 20;
    put_many(1, 2000);
    assert_in_range(half_a_second(false), 499000, 500000);
    assert_in_range(half_a_second(true), 115000, 126000);
    assert_in_range(half_a_second(false), 480000, 487000);     /* FAIR_ABOUT_US after the last of them */
}

static int setup(void **state)
{
    (void)state;
    memset(cost_us, 0, sizeof cost_us);
    memset(spent_us, 0, sizeof spent_us);
    boot_ms = 1000;
    fair = fair_new();
    return fair != NULL ? 0 : -1;
}

int main(void)
{
#define FAIR_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        FAIR_TEST(who_asks_little_waits_for_no_backlog),
        FAIR_TEST(time_is_shared_not_messages),
        FAIR_TEST(nobody_saves_up),
        FAIR_TEST(what_was_free_is_not_owed),
        FAIR_TEST(a_key_keeps_its_order),
        FAIR_TEST(there_is_room_for_whoever_has_less),
        FAIR_TEST(bytes_have_room_like_messages),
        FAIR_TEST(a_turn_has_an_end),
        FAIR_TEST(what_takes_long_has_a_turn_of_its_own),
        FAIR_TEST(long_ones_have_their_part_while_others_are_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
