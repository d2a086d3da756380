/* Words, errors and the numbers that are stored and spoken. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "rfl_event.h"
#include "rfl_route.h"

static void errors_have_a_name_and_a_text_and_keep_their_numbers(void **state)
{
    (void)state;
    static const char *const names[] = { "OK", "INVALID", "STATE", "FULL", "CORRUPT", "IO", "FENCED", "ABSENT",
                                         "CONFLICT", "VERSION", "MEMORY", "LOCKED", "EXISTS" };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal(rfl_err_name((enum rfl_err)i), names[i]);
        assert_true(rfl_err_text((enum rfl_err)i)[0] != '\0');
    }
    assert_string_equal(rfl_err_name((enum rfl_err)13), "UNKNOWN");
    assert_string_equal(rfl_err_text((enum rfl_err)13), "an error this version does not know");
    assert_string_equal(rfl_door_name(RFL_DOOR_COUNT), "unknown");
    assert_string_equal(rfl_door_name((enum rfl_door)200), "unknown");
}

/* Both ways through every word; what is not in the list leaves *out alone. */
#define WALK(upper, lower) \
    do { \
        for (unsigned i = 0; i < RFL_##upper##_COUNT; i++) { \
            const char *word = rfl_##lower##_word((enum rfl_##lower)i); \
            enum rfl_##lower back = (enum rfl_##lower)77; \
            assert_true(rfl_##lower##_from_word(word, strlen(word), &back)); \
            assert_int_equal(back, i); \
            back = (enum rfl_##lower)77; \
            assert_false(rfl_##lower##_from_word(word, strlen(word) - 1, &back)); \
            assert_int_equal(back, 77); \
        } \
        assert_string_equal(rfl_##lower##_word(RFL_##upper##_COUNT), "unknown"); \
        enum rfl_##lower none = (enum rfl_##lower)77; \
        assert_false(rfl_##lower##_from_word("", 0, &none)); \
        assert_false(rfl_##lower##_from_word("no such word", 12, &none)); \
        assert_int_equal(none, 77); \
    } while (0)

static void every_word_is_found_by_its_spelling_and_no_other(void **state)
{
    (void)state;
    WALK(STATUS, status);
    WALK(CLOCK, clock);
    WALK(HOLD, hold);
    WALK(DECLINE, decline);
    WALK(CLOSE, close);
    WALK(CHANNEL, channel);
    WALK(OUTCOME, outcome);
    WALK(BAND, band);
    WALK(CONSENT, consent);
    WALK(EMPLOYMENT, employment);
    WALK(KEY, key);
    WALK(GRADE, grade);
    WALK(EVENT, event_kind);
    WALK(ROUTE_REASON, route_reason);
    WALK(HOW, how);
    WALK(BARRIER_GROUP, barrier_group);
}

/* The Labour Force Survey's 18 health problems, one by one, as the scheme's figures add them up. */
static void every_barrier_has_its_group(void **state)
{
    (void)state;
    static const enum rfl_barrier_group expected[RFL_BARRIER_MAX + 1] = {
        [1] = RFL_BARRIER_GROUP_MUSCULOSKELETAL, [2] = RFL_BARRIER_GROUP_MUSCULOSKELETAL,
        [3] = RFL_BARRIER_GROUP_MUSCULOSKELETAL, [9] = RFL_BARRIER_GROUP_HEART,
        [12] = RFL_BARRIER_GROUP_MENTAL_HEALTH, [14] = RFL_BARRIER_GROUP_LEARNING,
        [15] = RFL_BARRIER_GROUP_MENTAL_HEALTH, [18] = RFL_BARRIER_GROUP_AUTISM };
    assert_int_equal(rfl_barrier_group_of(0), RFL_BARRIER_GROUP_NONE);
    for (uint8_t barrier = 1; barrier <= RFL_BARRIER_MAX; barrier++)
        assert_int_equal(rfl_barrier_group_of(barrier),
                         expected[barrier] != RFL_BARRIER_GROUP_NONE ? expected[barrier] : RFL_BARRIER_GROUP_OTHER);
    assert_int_equal(rfl_barrier_group_of(RFL_BARRIER_MAX + 1), RFL_BARRIER_GROUP_OTHER);
}

static void tokens_and_hashes_compare_whole(void **state)
{
    (void)state;
    struct rfl_token a = { 1, 2 };
    assert_true(rfl_token_same(a, (struct rfl_token){ 1, 2 }));
    assert_false(rfl_token_same(a, (struct rfl_token){ 2, 2 }));
    assert_false(rfl_token_same(a, (struct rfl_token){ 1, 1 }));
    struct rfl_hash none = { { 0 } }, last = { { 0 } };
    last.b[15] = 1;
    assert_true(rfl_hash_none(none));
    assert_false(rfl_hash_none(last));
    assert_false(rfl_hash_same(none, last));
    assert_true(rfl_hash_same(last, last));
}

/* The words' numbers are stored: the protocol's text, which is published, is the second place that says them. */
static char proto[65536];

static int read_proto(void **state)
{
    (void)state;
    FILE *f = fopen("proto/referral.proto", "r");
    if (f == NULL)
        return -1;
    size_t len = fread(proto, 1, sizeof proto - 1, f);
    (void)fclose(f);
    return len > 1000 && len < sizeof proto - 1 ? 0 : -1;
}

static void expect_in_proto(const char *prefix, const char *word, unsigned number)
{
    char upper[128], line[160];
    int len = snprintf(upper, sizeof upper, "%s_%s", prefix, word);
    assert_in_range(len, 1, sizeof upper - 1);
    for (char *p = upper; *p != '\0'; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
    (void)snprintf(line, sizeof line, " %s = %u;", upper, number);
    if (strstr(proto, line) == NULL)
        fail_msg("the protocol does not say \"%s\"", line + 1);
}

static void stored_numbers_are_the_protocols(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RFL_DOOR_COUNT; i++)
        expect_in_proto("DOOR", rfl_door_name((enum rfl_door)i), i);
    for (unsigned i = 0; i < RFL_BAND_COUNT; i++)
        expect_in_proto("BAND", rfl_band_word((enum rfl_band)i), i);
    for (unsigned i = 0; i < RFL_CONSENT_COUNT; i++)
        expect_in_proto("CONSENT", rfl_consent_word((enum rfl_consent)i), i);
    for (unsigned i = 0; i < RFL_EMPLOYMENT_COUNT; i++)
        expect_in_proto("EMPLOYMENT", rfl_employment_word((enum rfl_employment)i), i);
    for (unsigned i = 0; i < RFL_STATUS_COUNT; i++)
        expect_in_proto("STATUS", rfl_status_word((enum rfl_status)i), i);
    for (unsigned i = 0; i < RFL_DECLINE_COUNT; i++)
        expect_in_proto("DECLINE", rfl_decline_word((enum rfl_decline)i), i);
    for (unsigned i = 0; i < RFL_CLOSE_COUNT; i++)
        expect_in_proto("CLOSE", rfl_close_word((enum rfl_close)i), i);
    for (unsigned i = 0; i < RFL_CHANNEL_COUNT; i++)
        expect_in_proto("CHANNEL", rfl_channel_word((enum rfl_channel)i), i);
    for (unsigned i = 0; i < RFL_OUTCOME_COUNT; i++)
        expect_in_proto("OUTCOME", rfl_outcome_word((enum rfl_outcome)i), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_a_name_and_a_text_and_keep_their_numbers),
        cmocka_unit_test(every_word_is_found_by_its_spelling_and_no_other),
        cmocka_unit_test(every_barrier_has_its_group),
        cmocka_unit_test(tokens_and_hashes_compare_whole),
        cmocka_unit_test_setup(stored_numbers_are_the_protocols, read_proto),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
