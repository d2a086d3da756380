/* Who hears what. The matrix is written down here a second time, in words, as it was published for review. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "rfl_disclose.h"

static const enum rfl_door strict[] = { RFL_DOOR_EMPLOYER, RFL_DOOR_JOBCENTRE, RFL_DOOR_PHARMACIST,
                                        RFL_DOOR_FIT_NOTE_SERVICE, RFL_DOOR_PROVIDER, RFL_DOOR_OTHER };
enum { STRICT_COUNT = sizeof strict / sizeof strict[0] };

static bool is_strict(enum rfl_door door)
{
    for (unsigned i = 0; i < STRICT_COUNT; i++)
        if (strict[i] == door)
            return true;
    return false;
}

/* "word" alone, "word provider" or "word reason"; "" is nothing. */
static const char *published(enum rfl_door door, enum rfl_event_kind kind)
{
    bool gp_or_self = door == RFL_DOOR_GP || door == RFL_DOOR_SELF, local = door == RFL_DOOR_LOCAL_SERVICE;
    if (door == RFL_DOOR_NONE)
        return "";
    if (kind == RFL_EVENT_ACCEPTED)
        return gp_or_self || local ? "accepted provider" : "with_the_service";
    if (kind == RFL_EVENT_REDIRECTED)
        return gp_or_self || local ? "redirected provider" : "";
    if (kind == RFL_EVENT_STARTED)
        return gp_or_self ? "started" : "";
    if (kind == RFL_EVENT_OUTCOME)
        return gp_or_self ? "outcome reason" : "";
    if (kind == RFL_EVENT_CLOSED)
        return gp_or_self ? "closed reason" : "closed";
    return "";
}

static void matrix_is_the_published_one(void **state)
{
    (void)state;
    for (unsigned ev = 0; ev < RFL_EVENT_COUNT; ev++)
        for (unsigned door = 0; door < RFL_DOOR_COUNT; door++) {
            const struct rfl_disclosure *d = rfl_disclose((enum rfl_door)door, (enum rfl_event_kind)ev);
            char said[64] = "";
            if (d != NULL)
                assert_in_range(snprintf(said, sizeof said, "%s%s%s", d->word, d->provider ? " provider" : "",
                                         d->reason ? " reason" : ""), 1, sizeof said - 1);
            assert_string_equal(said, published((enum rfl_door)door, (enum rfl_event_kind)ev));
        }
}

static void strict_doors_hear_the_same_of_everything_and_never_a_reason_or_a_provider(void **state)
{
    (void)state;
    for (unsigned ev = 0; ev < RFL_EVENT_COUNT; ev++) {
        const struct rfl_disclosure *employer = rfl_disclose(RFL_DOOR_EMPLOYER, (enum rfl_event_kind)ev);
        for (unsigned i = 0; i < STRICT_COUNT; i++) {
            const struct rfl_disclosure *other = rfl_disclose(strict[i], (enum rfl_event_kind)ev);
            assert_int_equal(other == NULL, employer == NULL);
            if (other == NULL)
                continue;
            assert_string_equal(other->word, employer->word);
            assert_false(other->provider);
            assert_false(other->reason);
        }
    }
}

static void told_has_a_bit_for_each_door_that_hears(void **state)
{
    (void)state;
    for (unsigned ev = 0; ev < RFL_EVENT_COUNT; ev++) {
        uint16_t told = rfl_disclose_told((enum rfl_event_kind)ev);
        for (unsigned door = 0; door < RFL_DOOR_COUNT; door++)
            assert_int_equal(told >> door & 1, published((enum rfl_door)door, (enum rfl_event_kind)ev)[0] != '\0');
        assert_int_equal(told >> RFL_DOOR_COUNT, 0);
    }
    assert_int_equal(rfl_disclose_told(RFL_EVENT_CLOSED), (1 << RFL_DOOR_COUNT) - 2);   /* every door */
    assert_int_equal(rfl_disclose_told(RFL_EVENT_DECLINED), 0);         /* a proposal is nobody's business yet */
    assert_int_equal(rfl_disclose_told(RFL_EVENT_TRIED), 0);
}

static void nobody_but_the_practice_and_the_person_sees_where_it_is(void **state)
{
    (void)state;
    for (unsigned door = 0; door < RFL_DOOR_COUNT + 3; door++)
        assert_int_equal(rfl_disclose_place((enum rfl_door)door), door == RFL_DOOR_GP || door == RFL_DOOR_SELF);
    for (unsigned door = RFL_DOOR_GP; door < RFL_DOOR_COUNT; door++)
        if (is_strict((enum rfl_door)door))
            assert_false(rfl_disclose_place((enum rfl_door)door));
}

static void numbers_beyond_the_lists_hear_nothing(void **state)
{
    (void)state;
    assert_null(rfl_disclose(RFL_DOOR_COUNT, RFL_EVENT_CLOSED));
    assert_null(rfl_disclose((enum rfl_door)255, RFL_EVENT_CLOSED));
    assert_null(rfl_disclose(RFL_DOOR_GP, RFL_EVENT_COUNT));
    assert_int_equal(rfl_disclose_told((enum rfl_event_kind)255), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrix_is_the_published_one),
        cmocka_unit_test(strict_doors_hear_the_same_of_everything_and_never_a_reason_or_a_provider),
        cmocka_unit_test(told_has_a_bit_for_each_door_that_hears),
        cmocka_unit_test(nobody_but_the_practice_and_the_person_sees_where_it_is),
        cmocka_unit_test(numbers_beyond_the_lists_hear_nothing),
    };
    return cmocka_run_group_tests_name("disclose", tests, NULL, NULL);
}
