/* The table of what may happen when, walked whole, and what each event does to a case. */
#include "core_case.h"

static struct rfl_event event_of(enum rfl_event_kind kind, enum rfl_status status)
{
    enum rfl_status next = rfl_table_next(status, kind);
    uint32_t has = rfl_event_fields(kind);
    struct rfl_event event = { .kind = (uint8_t)kind };
    if (has & RFL_HAS_QUEUE) event.queue.v = S_INTAKE;
    if (has & RFL_HAS_AREA) event.area.v = SOUTH;
    if (has & RFL_HAS_CLOCK) {
        event.clock = kind == RFL_EVENT_ESCALATED ? (uint8_t)RFL_CLOCK_ESCALATED : clock_in(next);
        event.due_ms = event.clock == RFL_CLOCK_NONE ? 0 : NOW_MS + 7;
    }
    if (has & RFL_HAS_ACCEPT_BY) event.accept_by_ms = NOW_MS + 8;
    if (has & RFL_HAS_SINCE) event.since_ms = NOW_MS - 3;
    if (has & RFL_HAS_TOKEN) event.token = (struct rfl_token){ 3, 1 };
    if (has & RFL_HAS_HOLDER) event.holder = 78;
    if (has & RFL_HAS_REASON) event.reason = 2;
    if (has & RFL_HAS_CODE) event.code = 1;
    if (has & RFL_HAS_LEVEL) event.level = 1;
    if (has & RFL_HAS_BAND) event.band = RFL_BAND_URGENT;
    if (has & RFL_HAS_SUBMISSION) event.submission.id.v = FIRST + 1;
    if (has & RFL_HAS_REFERRAL) event.referral.v = FIRST;
    if (has & RFL_HAS_OTHER) event.other.v = kind == RFL_EVENT_RECEIVED ? CASE - 1 : CASE + 2;
    if (kind == RFL_EVENT_CLOSED) event.until_ms = NOW_MS + 9;
    if (kind == RFL_EVENT_PUT_OFF) event.until_ms = NOW_MS - 5;      /* before the clock's end */
    return event;
}

/* With a clock that has warnings, and another case that it resembles, so that every event can speak of it. */
static struct rfl_case case_before(enum rfl_status status)
{
    struct rfl_case kase = case_in(status);
    if (status >= RFL_STATUS_TRIAGE && status < RFL_STATUS_CLOSED) {
        kase.resembles.v = CASE + 2;
        kase.half_ms = kase.most_ms = kase.due_ms - 9;
    }
    return kase;
}

static void table_is_walked_whole_and_a_refused_event_changes_nothing(void **state)
{
    (void)state;
    const struct rfl_entry entry = entry_at(NOW_MS);
    unsigned allowed = 0;
    for (unsigned st = 0; st < RFL_STATUS_COUNT; st++)
        for (unsigned ev = 0; ev < RFL_EVENT_COUNT; ev++) {
            struct rfl_case before = case_before((enum rfl_status)st);
            before.kept = ev == RFL_EVENT_UNKEPT;
            const struct rfl_event event = event_of((enum rfl_event_kind)ev, (enum rfl_status)st);
            enum rfl_status next = rfl_table_next((enum rfl_status)st, (enum rfl_event_kind)ev);
            struct rfl_case kase, untouched;
            memcpy(&kase, &before, sizeof kase);
            memset(&untouched, 0x5A, sizeof untouched);
            struct rfl_case other = untouched;
            enum rfl_err err = rfl_apply(&kase, &event, &entry, &kase);
            assert_int_equal(rfl_apply(&before, &event, &entry, &other), err);
            if (next == RFL_STATUS_NONE) {
                assert_int_equal(err, RFL_E_STATE);
                assert_memory_equal(&kase, &before, sizeof kase);
                assert_memory_equal(&other, &untouched, sizeof other);
                continue;
            }
            allowed++;
            assert_int_equal(err, RFL_E_OK);
            assert_int_equal(kase.status, next);
            assert_int_equal(other.status, next);
            if (next != RFL_STATUS_RECEIVED)
                assert_null(rfl_case_broken(&kase));
        }
    assert_int_equal(allowed, 139);      /* change only together with the drawing in proto/README.md */
}

static void numbers_beyond_the_lists_are_refusals(void **state)
{
    (void)state;
    assert_int_equal(rfl_table_next(RFL_STATUS_COUNT, RFL_EVENT_JOINED), RFL_STATUS_NONE);
    assert_int_equal(rfl_table_next((enum rfl_status)255, (enum rfl_event_kind)255), RFL_STATUS_NONE);
    assert_int_equal(rfl_table_next(RFL_STATUS_QUEUED, RFL_EVENT_COUNT), RFL_STATUS_NONE);
    struct rfl_case kase = case_in(RFL_STATUS_QUEUED);
    struct rfl_entry entry = entry_at(NOW_MS);
    struct rfl_event event = { .kind = 200 };
    assert_int_equal(rfl_apply(&kase, &event, &entry, &kase), RFL_E_STATE);
}

static void nothing_makes_a_case_vanish_and_nothing_of_a_source_or_the_store_touches_one(void **state)
{
    (void)state;
    for (unsigned st = 0; st < RFL_STATUS_COUNT; st++) {
        assert_int_equal(rfl_table_next((enum rfl_status)st, RFL_EVENT_MAILBOX_ACKED), RFL_STATUS_NONE);
        assert_int_equal(rfl_table_next((enum rfl_status)st, RFL_EVENT_EPOCH_STARTED), RFL_STATUS_NONE);
        assert_int_equal(rfl_table_next((enum rfl_status)st, RFL_EVENT_POLICY_LOADED), RFL_STATUS_NONE);
        assert_int_equal(rfl_table_next((enum rfl_status)st, RFL_EVENT_NONE), RFL_STATUS_NONE);
    }
    /* Nobody leaves before the end without a reason: closed is reached from every open status, by one event. */
    for (unsigned st = 0; st < RFL_STATUS_CLOSED; st++)
        for (unsigned ev = 0; ev < RFL_EVENT_COUNT; ev++)
            if (rfl_table_next((enum rfl_status)st, (enum rfl_event_kind)ev) == RFL_STATUS_CLOSED) {
                assert_int_equal(ev, RFL_EVENT_CLOSED);
                assert_true(st >= RFL_STATUS_TRIAGE);
            }
}

static bool has_exit(enum rfl_status status)
{
    for (unsigned ev = 0; ev < RFL_EVENT_COUNT; ev++) {
        enum rfl_status next = rfl_table_next(status, (enum rfl_event_kind)ev);
        if (next != RFL_STATUS_NONE && next != status)
            return true;
    }
    return false;
}

static void every_open_status_has_an_exit_and_somebody_who_is_asked_in_the_end(void **state)
{
    (void)state;
    for (unsigned st = RFL_STATUS_RECEIVED; st < RFL_STATUS_CLOSED; st++) {
        assert_true(has_exit((enum rfl_status)st));
        if (st != RFL_STATUS_RECEIVED && st != RFL_STATUS_OFFERED)
            assert_int_equal(rfl_table_next((enum rfl_status)st, RFL_EVENT_ESCALATED), st);
    }
}

static void later_referral_joins_every_open_status_and_only_raises_the_band(void **state)
{
    (void)state;
    const struct rfl_entry entry = entry_at(NOW_MS);
    for (unsigned st = RFL_STATUS_TRIAGE; st < RFL_STATUS_CLOSED; st++)
        for (unsigned band = 0; band < RFL_BAND_COUNT; band++) {
            struct rfl_case before = case_in((enum rfl_status)st), after;
            struct rfl_event event = event_of(RFL_EVENT_JOINED, (enum rfl_status)st);
            event.band = (uint8_t)band;
            must(rfl_apply(&before, &event, &entry, &after));
            assert_int_equal(after.status, st);
            assert_int_equal(after.clock, before.clock);
            assert_int_equal(after.due_ms, before.due_ms);
            assert_int_equal(after.since_ms, before.since_ms);
            assert_int_equal(after.band, band);
            assert_int_equal(after.referral_count, 2);
            assert_int_equal(after.last_referral.v, FIRST + 1);
            assert_int_equal(after.first_referral.v, FIRST);
            assert_int_equal(after.door, RFL_DOOR_GP);
            must(rfl_apply(&after, &(struct rfl_event){ .kind = RFL_EVENT_JOINED, .band = RFL_BAND_ROUTINE,
                                                        .submission = { .id = { FIRST + 2 } } }, &entry, &after));
            assert_int_equal(after.band, band);
        }
}

static void event_that_contradicts_the_case_is_corrupt(void **state)
{
    (void)state;
    struct rfl_entry entry = entry_at(NOW_MS);
    struct rfl_case before = case_in(RFL_STATUS_QUEUED), kase = before;
    struct rfl_event joined = event_of(RFL_EVENT_JOINED, RFL_STATUS_QUEUED);
    joined.submission.id.v = FIRST;                     /* not a later referral */
    assert_int_equal(rfl_apply(&kase, &joined, &entry, &kase), RFL_E_CORRUPT);
    struct rfl_event offered = event_of(RFL_EVENT_OFFERED, RFL_STATUS_QUEUED);
    entry.kase.v = CASE + 1;                            /* of another case */
    assert_int_equal(rfl_apply(&kase, &offered, &entry, &kase), RFL_E_CORRUPT);
    assert_memory_equal(&kase, &before, sizeof kase);
    struct rfl_case none = case_in(RFL_STATUS_NONE);
    struct rfl_event received = event_of(RFL_EVENT_RECEIVED, RFL_STATUS_NONE);
    entry.kase.v = 0;
    assert_int_equal(rfl_apply(&none, &received, &entry, &none), RFL_E_CORRUPT);
    entry.kase.v = CASE;
    received.submission.id.v = 0;
    assert_int_equal(rfl_apply(&none, &received, &entry, &none), RFL_E_CORRUPT);
}

static void entry_that_ends_between_two_owners_is_corrupt(void **state)
{
    (void)state;
    const struct rfl_entry entry = entry_at(NOW_MS);
    struct rfl_case kase = case_in(RFL_STATUS_NONE);
    struct rfl_event received = event_of(RFL_EVENT_RECEIVED, RFL_STATUS_NONE);
    must(rfl_apply(&kase, &received, &entry, &kase));
    struct rfl_case stopped = kase;
    assert_int_equal(rfl_apply_done(&stopped, &entry), RFL_E_CORRUPT);
    struct rfl_event routed = event_of(RFL_EVENT_ROUTED, RFL_STATUS_RECEIVED);
    must(rfl_apply(&kase, &routed, &entry, &kase));
    must(rfl_apply_done(&kase, &entry));
    assert_int_equal(kase.version, 1);
    assert_int_equal(kase.last_seq.v, entry.seq.v);
    assert_int_equal(kase.opened_ms, NOW_MS);
    assert_int_equal(kase.area.v, SOUTH);
    assert_int_equal(kase.queue.v, S_INTAKE);
    assert_int_equal(kase.since_ms, NOW_MS - 3);
    assert_int_equal(kase.accept_by_ms, NOW_MS + 8);
    assert_int_equal(kase.band, RFL_BAND_URGENT);
}

/* Whoever owns the case next begins at level 0: it was somebody else who was late. */
static void escalation_ends_when_another_owner_or_an_answer_comes(void **state)
{
    (void)state;
    static const struct { enum rfl_status status; enum rfl_event_kind kind; bool kept; } rows[] = {
        { RFL_STATUS_OFFERED, RFL_EVENT_ACCEPTED, false }, { RFL_STATUS_OFFERED, RFL_EVENT_DECLINED, false },
        { RFL_STATUS_OFFERED, RFL_EVENT_REDIRECTED, false }, { RFL_STATUS_OFFERED, RFL_EVENT_DEFERRED, false },
        { RFL_STATUS_QUEUED, RFL_EVENT_PARKED, false }, { RFL_STATUS_ON_HOLD, RFL_EVENT_RELEASED, false },
        { RFL_STATUS_ACCEPTED, RFL_EVENT_CONTACTED, false }, { RFL_STATUS_ACCEPTED, RFL_EVENT_STARTED, false },
        { RFL_STATUS_ACTIVE, RFL_EVENT_OUTCOME, false }, { RFL_STATUS_ACTIVE, RFL_EVENT_CLOSED, false },
        { RFL_STATUS_QUEUED, RFL_EVENT_OFFERED, true }, { RFL_STATUS_OFFERED, RFL_EVENT_LAPSED, true },
        { RFL_STATUS_OFFERED, RFL_EVENT_RETURNED, true }, { RFL_STATUS_OFFERED, RFL_EVENT_TOUCHED, true },
        { RFL_STATUS_ACCEPTED, RFL_EVENT_TRIED, true }, { RFL_STATUS_TRIAGE, RFL_EVENT_JOINED, true } };
    const struct rfl_entry entry = entry_at(NOW_MS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rfl_case kase = case_in(rows[i].status);
        struct rfl_event event = event_of(rows[i].kind, rows[i].status);
        kase.escalation = 2;
        must(rfl_apply(&kase, &event, &entry, &kase));
        assert_int_equal(kase.escalation, rows[i].kept ? 2 : 0);
    }
}

static void noes_are_kept_up_to_their_bound_and_the_oldest_goes(void **state)
{
    (void)state;
    const struct rfl_entry entry = entry_at(NOW_MS);
    struct rfl_case kase = case_in(RFL_STATUS_OFFERED);
    for (uint16_t i = 1; i <= RFL_DECLINED_BY_MAX + 3; i++) {
        struct rfl_case offered = kase;
        offered.status = RFL_STATUS_OFFERED;
        offered.queue.v = (uint16_t)(500 + i);
        offered.hops = i == 1 ? 254 : offered.hops;
        struct rfl_event event = event_of(RFL_EVENT_REDIRECTED, RFL_STATUS_OFFERED);
        must(rfl_apply(&offered, &event, &entry, &kase));
        assert_int_equal(kase.holder, 0);
        assert_int_equal(kase.touches, 0);
        assert_int_equal(kase.hops, UINT8_MAX);         /* saturates, never wraps to none */
    }
    assert_int_equal(kase.declined_count, RFL_DECLINED_BY_MAX);
    for (unsigned i = 0; i < RFL_DECLINED_BY_MAX; i++)
        assert_int_equal(kase.declined_by[i].v, 504 + i);
}

static void lapses_count_returns_do_not_and_both_leave_the_token(void **state)
{
    (void)state;
    const struct rfl_entry entry = entry_at(NOW_MS);
    struct rfl_case before = case_in(RFL_STATUS_OFFERED), lapsed, returned;
    before.touches = 2;
    struct rfl_event event = event_of(RFL_EVENT_LAPSED, RFL_STATUS_OFFERED);
    must(rfl_apply(&before, &event, &entry, &lapsed));
    event.kind = RFL_EVENT_RETURNED;
    must(rfl_apply(&before, &event, &entry, &returned));
    assert_int_equal(lapsed.lapses, 1);
    assert_int_equal(returned.lapses, 0);
    const struct rfl_case *const each[] = { &lapsed, &returned };
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(each[i]->holder, 0);
        assert_int_equal(each[i]->touches, 0);
        assert_int_equal(each[i]->since_ms, before.since_ms);
        assert_int_equal(each[i]->accept_by_ms, before.accept_by_ms);
        assert_true(rfl_token_same(each[i]->token, before.token));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_walked_whole_and_a_refused_event_changes_nothing),
        cmocka_unit_test(numbers_beyond_the_lists_are_refusals),
        cmocka_unit_test(nothing_makes_a_case_vanish_and_nothing_of_a_source_or_the_store_touches_one),
        cmocka_unit_test(every_open_status_has_an_exit_and_somebody_who_is_asked_in_the_end),
        cmocka_unit_test(later_referral_joins_every_open_status_and_only_raises_the_band),
        cmocka_unit_test(event_that_contradicts_the_case_is_corrupt),
        cmocka_unit_test(entry_that_ends_between_two_owners_is_corrupt),
        cmocka_unit_test(escalation_ends_when_another_owner_or_an_answer_comes),
        cmocka_unit_test(noes_are_kept_up_to_their_bound_and_the_oldest_goes),
        cmocka_unit_test(lapses_count_returns_do_not_and_both_leave_the_token),
    };
    return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}
