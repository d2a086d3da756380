/* Who hears what of an event, by the matrix of the policy. */
#include "core_case.h"

#include "rfl_disclose.h"

static struct rfl_policy *policy;

static int set_up(void **state)
{
    (void)state;
    policy = malloc(sizeof *policy);
    assert_non_null(policy);
    rfl_policy_init(policy);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(policy);
    return 0;
}

static struct rfl_event event_of(enum rfl_event_kind kind, uint8_t reason)
{
    struct rfl_event event;
    memset(&event, 0, sizeof event);
    event.kind = (uint8_t)kind;
    event.reason = reason;
    return event;
}

static const char *word_of(enum rfl_door door, enum rfl_event_kind kind, uint8_t reason)
{
    struct rfl_event event = event_of(kind, reason);
    const struct rfl_disclosure *cell = rfl_disclose(policy, door, &event);
    return cell != NULL ? rfl_tell_word((enum rfl_tell)cell->tell) : "-";
}

/* The matrix as it was published for review, written out once more by hand. */
static void default_matrix_is_the_published_one(void **state)
{
    (void)state;
    static const struct { enum rfl_event_kind kind; const char *gp, *local, *strict; } rows[] = {
        { RFL_EVENT_RECEIVED, "-", "-", "-" }, { RFL_EVENT_ROUTED, "-", "-", "-" },
        { RFL_EVENT_HELD, "held", "held", "waiting" }, { RFL_EVENT_WARNED, "waiting", "waiting", "waiting" },
        { RFL_EVENT_ESCALATED, "waiting", "waiting", "waiting" },
        { RFL_EVENT_ACCEPTED, "accepted", "accepted", "with_the_service" },
        { RFL_EVENT_REDIRECTED, "redirected", "redirected", "-" }, { RFL_EVENT_DECLINED, "-", "-", "-" },
        { RFL_EVENT_CONTACTED, "-", "-", "-" }, { RFL_EVENT_TRIED, "-", "-", "-" },
        { RFL_EVENT_STARTED, "started", "-", "-" }, { RFL_EVENT_OUTCOME, "outcome", "-", "-" },
        { RFL_EVENT_CLOSED, "closed", "closed", "closed" }, { RFL_EVENT_WITHDRAWN, "closed", "closed", "closed" },
        { RFL_EVENT_LINKED, "-", "-", "-" }, { RFL_EVENT_RESEMBLED, "-", "-", "-" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned d = RFL_DOOR_NONE + 1; d < RFL_DOOR_COUNT; d++) {
            enum rfl_door door = (enum rfl_door)d;
            bool open = door == RFL_DOOR_GP || door == RFL_DOOR_SELF;
            assert_string_equal(word_of(door, rows[i].kind, RFL_CLOSE_COMPLETED),
                                open ? rows[i].gp : door == RFL_DOOR_LOCAL_SERVICE ? rows[i].local : rows[i].strict);
            assert_int_equal(rfl_disclose_place(policy, door), open);
        }
        assert_string_equal(word_of(RFL_DOOR_NONE, rows[i].kind, 0), "-");
        assert_string_equal(word_of(RFL_DOOR_COUNT, rows[i].kind, 0), "-");
    }
    assert_false(rfl_disclose_place(policy, RFL_DOOR_NONE));
}

/* Whatever the reason for closing, a protected door is given the very same cell. */
static void protected_doors_hear_one_closing(void **state)
{
    (void)state;
    for (unsigned door = RFL_DOOR_NONE + 1; door < RFL_DOOR_COUNT; door++) {
        bool is_protected = (policy->protected_doors >> door & 1) != 0;
        for (unsigned reason = 1; reason < RFL_CLOSE_COUNT; reason++) {
            struct rfl_event event = event_of(RFL_EVENT_CLOSED, (uint8_t)reason);
            const struct rfl_disclosure *cell = rfl_disclose(policy, (enum rfl_door)door, &event);
            assert_non_null(cell);
            assert_int_equal(cell->tell, RFL_TELL_CLOSED);
            assert_false(cell->provider);
            assert_int_equal(cell->reason, door == RFL_DOOR_GP || door == RFL_DOOR_SELF);
            assert_false(is_protected && cell->reason);
        }
    }
    assert_true((policy->protected_doors >> RFL_DOOR_JOBCENTRE & 1) != 0);
    assert_true((policy->protected_doors >> RFL_DOOR_EMPLOYER & 1) != 0);
}

static void closing_has_its_class_by_the_reason(void **state)
{
    (void)state;
    static const struct { enum rfl_close reason; enum rfl_disclosed row; } rows[] = {
        { RFL_CLOSE_PERSON_DECLINED, RFL_DISCLOSED_CLOSED_PERSON }, { RFL_CLOSE_DIED, RFL_DISCLOSED_CLOSED_PERSON },
        { RFL_CLOSE_PERSON_MOVED, RFL_DISCLOSED_CLOSED_PERSON },
        { RFL_CLOSE_UNREACHABLE, RFL_DISCLOSED_CLOSED_SERVICE },
        { RFL_CLOSE_NOT_ELIGIBLE, RFL_DISCLOSED_CLOSED_SERVICE },
        { RFL_CLOSE_ALREADY_ON_PROVISION, RFL_DISCLOSED_CLOSED_SERVICE },
        { RFL_CLOSE_COMPLETED, RFL_DISCLOSED_CLOSED_OTHER }, { RFL_CLOSE_SENT_IN_ERROR, RFL_DISCLOSED_CLOSED_OTHER },
        { RFL_CLOSE_WITHDRAWN_BY_REFERRER, RFL_DISCLOSED_CLOSED_OTHER },
        { RFL_CLOSE_JOINED_OTHER_CASE, RFL_DISCLOSED_CLOSED_OTHER },
    };
    assert_int_equal(sizeof rows / sizeof rows[0], RFL_CLOSE_COUNT - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rfl_event closed = event_of(RFL_EVENT_CLOSED, (uint8_t)rows[i].reason);
        struct rfl_event withdrawn = event_of(RFL_EVENT_WITHDRAWN, RFL_WITHDRAW_REVOKED);
        assert_int_equal(rfl_disclose_row(&closed), rows[i].row);
        assert_int_equal(rfl_disclose_row(&withdrawn), RFL_DISCLOSED_CLOSED_OTHER);
    }
    struct rfl_event damaged = event_of(RFL_EVENT_CLOSED, UINT8_MAX), none = event_of(RFL_EVENT_COUNT, 0);
    assert_int_equal(rfl_disclose_row(&damaged), RFL_DISCLOSED_CLOSED_OTHER);
    assert_int_equal(rfl_disclose_row(&none), RFL_DISCLOSED_COUNT);
    assert_null(rfl_disclose(policy, RFL_DOOR_GP, &none));
    assert_int_equal(rfl_disclose_told(policy, RFL_EVENT_COUNT), 0);
}

/* The set of doors an event carries and the lookup by door are one matrix, also when it is changed. */
static void told_set_agrees_with_the_lookup(void **state)
{
    (void)state;
    struct rfl_disclosure nothing = { RFL_TELL_NOTHING, false, false };
    for (int round = 0; round < 2; round++) {
        for (unsigned k = 0; k < RFL_EVENT_COUNT; k++) {
            struct rfl_event event = event_of((enum rfl_event_kind)k, RFL_CLOSE_COMPLETED);
            uint16_t told = rfl_disclose_told(policy, (enum rfl_event_kind)k);
            for (unsigned door = 0; door < 16; door++)
                assert_int_equal(told >> door & 1, rfl_disclose(policy, (enum rfl_door)door, &event) != NULL);
        }
        uint16_t all = (uint16_t)((1u << RFL_DOOR_COUNT) - 2), gp = 1u << RFL_DOOR_GP;
        assert_int_equal(rfl_disclose_told(policy, RFL_EVENT_ACCEPTED), round == 0 ? all : all & ~gp);
        must(rfl_policy_set_disclosure(policy, RFL_DOOR_GP, RFL_DISCLOSED_ACCEPTED, nothing));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(default_matrix_is_the_published_one), TEST(protected_doors_hear_one_closing),
        TEST(closing_has_its_class_by_the_reason), TEST(told_set_agrees_with_the_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
