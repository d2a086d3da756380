/* Stories of adapters and workers, each on a store of its own. */
#include "engine_world.h"

/* ---- doors ---- */

static void submission_gets_a_receipt_once_and_the_same_again(void **state)
{
    (void)state;
    char receipt[32];
    const struct rfl_reply *r = submit((struct knock){ .reference = "r-1" });
    expect_kind(r, RFL_MSG_RECEIPT);
    assert_false(r->receipt.replayed);
    assert_false(r->receipt.joined);
    assert_int_equal(r->receipt.status, RFL_STATUS_QUEUED);
    assert_text(r->receipt.area, "greater-manchester");
    assert_text(r->receipt.queue, MANCHESTER);
    assert_text(r->receipt.reason, "by_referrer_area");
    assert_int_equal(r->receipt.received_ms, MONDAY_MS);
    assert_true(r->receipt.due_ms > MONDAY_MS);
    (void)snprintf(receipt, sizeof receipt, "%.*s", (int)r->receipt.receipt.len, (const char *)r->receipt.receipt.p);
    pass(HOUR_MS);
    r = submit((struct knock){ .reference = "r-1" });
    assert_true(r->receipt.replayed);
    assert_text(r->receipt.receipt, receipt);
    assert_int_equal(r->receipt.received_ms, MONDAY_MS);
    expect_refused(submit((struct knock){ .reference = "r-1", .body = "other bytes" }), RFL_CODE_CONFLICT);
    r = submit((struct knock){ .reference = "r-1", .source = "gp-south" });     /* another's reference is another's */
    assert_false(r->receipt.replayed);
    assert_int_equal(counter("receipts"), 2);
    assert_int_equal(counter("replays"), 1);
    assert_int_equal(counter("conflicts"), 1);
}

static void same_submission_twice_in_one_turn_is_one_referral(void **state)
{
    (void)state;
    struct knock k = { .reference = "r-1" };
    struct rfl_ask ask = submit_of(&k);
    struct rfl_store_stat stat;
    begin();
    for (uint64_t i = 1; i <= 3; i++) {
        ask.correlation = i;
        rfl_engine_handle(w.engine, SESSION_DOOR, &ask);
    }
    must(end());
    assert_int_equal(count_said(SESSION_DOOR, RFL_MSG_RECEIPT), 3);
    assert_false(said(SESSION_DOOR, RFL_MSG_RECEIPT, 0)->receipt.replayed);
    assert_true(said(SESSION_DOOR, RFL_MSG_RECEIPT, 2)->receipt.replayed);
    rfl_store_stat(w.store, &stat);
    assert_int_equal(stat.referrals, 1);
}

static void messages_are_refused_with_a_code_and_nothing_is_stored(void **state)
{
    (void)state;
    struct rfl_store_stat before, after;
    rfl_store_stat(w.store, &before);
    expect_refused(submit((struct knock){ .reference = "r", .source = "nobody" }), RFL_CODE_UNKNOWN_SOURCE);
    expect_refused(submit((struct knock){ .reference = "r", .door = RFL_DOOR_EMPLOYER }), RFL_CODE_DOOR_NOT_ALLOWED);
    struct knock k = { .reference = "r" };
    struct rfl_ask ask = submit_of(&k);
    ask.findings.count = ask.findings.errors = 1;
    ask.findings.list[0] = (struct rfl_finding){ .path = V("referral.door"), .code = V("no_door"),
                                                 .severity = RFL_SEVERITY_ERROR };
    const struct rfl_reply *r = asked(SESSION_DOOR, &ask);
    expect_refused(r, RFL_CODE_INVALID);
    assert_int_equal(r->refusal.findings_count, 1);
    assert_text(r->refusal.findings[0].path, "referral.door");
    ask.kind = RFL_MSG_VALIDATE;
    r = asked(SESSION_DOOR, &ask);
    expect_kind(r, RFL_MSG_VALIDATED);
    assert_false(r->validated.acceptable);
    assert_int_equal(r->validated.findings_count, 1);
    rfl_store_stat(w.store, &after);
    assert_int_equal(before.entries, after.entries);
    ask.kind = RFL_MSG_SUBMIT;
    ask.findings.errors = 0;
    ask.findings.list[0].severity = RFL_SEVERITY_WARNING;
    r = asked(SESSION_DOOR, &ask);                      /* a warning travels with the receipt and refuses nobody */
    expect_kind(r, RFL_MSG_RECEIPT);
    assert_int_equal(r->receipt.warnings_count, 1);
}

static void nobody_is_refused_for_lack_of_an_area(void **state)
{
    (void)state;
    static const char *const odd[] = { "", "ZZZ", "not a code", "Q99" };
    for (unsigned i = 0; i < 4; i++) {
        char reference[8];
        (void)snprintf(reference, sizeof reference, "r-%u", i);
        const struct rfl_reply *r = submit((struct knock){ .reference = reference, .area = odd[i] });
        expect_kind(r, RFL_MSG_RECEIPT);
        assert_int_equal(r->receipt.status, RFL_STATUS_TRIAGE);
        assert_int_equal(r->receipt.area.len, 0);
        assert_true(r->receipt.due_ms > MONDAY_MS);
        assert_true(status_of("gp-north", reference)->status_report.owner.len > 0);
    }
}

static void one_person_has_one_open_case_over_doors_and_areas(void **state)
{
    (void)state;
    struct rfl_store_stat stat;
    assert_false(submit((struct knock){ .reference = "a", .nhs = person(1) })->receipt.joined);
    const struct rfl_reply *r = submit((struct knock){ .reference = "b", .nhs = person(1), .source = "self-page",
                                                       .door = RFL_DOOR_SELF, .area = "QT6", .urgent = true });
    assert_true(r->receipt.joined);
    assert_text(r->receipt.queue, MANCHESTER);          /* the case stays where it is */
    r = submit((struct knock){ .reference = "c", .nhs = person(1), .source = "jobcentre-feed",
                               .door = RFL_DOOR_JOBCENTRE });
    assert_false(r->receipt.joined);                    /* whether somebody was known already is not told to all */
    assert_int_equal(r->receipt.status, RFL_STATUS_RECEIVED);
    assert_int_equal(r->receipt.queue.len, 0);
    assert_int_equal(r->receipt.area.len, 0);
    assert_int_equal(r->receipt.due_ms, 0);
    assert_int_equal(r->receipt.reason.len, 0);
    assert_false(submit((struct knock){ .reference = "d", .nhs = person(2) })->receipt.joined);
    assert_false(submit((struct knock){ .reference = "e" })->receipt.joined);
    assert_false(submit((struct knock){ .reference = "f" })->receipt.joined);   /* without a number nobody is guessed */
    rfl_store_stat(w.store, &stat);
    assert_int_equal(stat.cases, 4);
    assert_int_equal(stat.joined, 2);
    assert_int_equal(counter("joined"), 2);
}

/* ---- offers ---- */

static void offers_keep_to_credit_and_urgent_comes_first_then_the_longest_wait(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "first" });
    pass(1000);
    (void)submit((struct knock){ .reference = "second" });
    pass(1000);
    (void)submit((struct knock){ .reference = "urgent", .urgent = true });
    expect_kind(subscribe(SESSION_ANNA, "anna", MANCHESTER, 2), RFL_MSG_SUBSCRIBED);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 2);
    const struct rfl_reply *urgent = said(SESSION_ANNA, RFL_MSG_OFFER, 0);
    const struct rfl_reply *first = said(SESSION_ANNA, RFL_MSG_OFFER, 1);
    assert_int_equal(urgent->offer.band, RFL_BAND_URGENT);
    assert_int_equal(first->offer.since_ms, MONDAY_MS);
    assert_int_equal(first->offer.deadline_ms, w.now.wall_ms + 4 * HOUR_MS);
    assert_text(first->offer.queue, MANCHESTER);
    struct held one = heard_offer(SESSION_ANNA, 1);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &one), RFL_MSG_RECORD);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 1);       /* room again, in the same turn */
    quiet_turn();
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 0);
}

static void two_workers_share_what_waits(void **state)
{
    (void)state;
    expect_kind(subscribe(SESSION_ANNA, "anna", MANCHESTER, 100), RFL_MSG_SUBSCRIBED);
    expect_kind(subscribe(SESSION_BEN, "ben", MANCHESTER, 100), RFL_MSG_SUBSCRIBED);
    begin();
    for (unsigned i = 0; i < 10; i++) {
        char reference[8];
        (void)snprintf(reference, sizeof reference, "r-%u", i);
        struct knock k = { .reference = reference };
        struct rfl_ask ask = submit_of(&k);
        rfl_engine_handle(w.engine, SESSION_DOOR, &ask);
    }
    must(end());
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 5);
    assert_int_equal(count_said(SESSION_BEN, RFL_MSG_OFFER), 5);
}

static void worker_of_two_queues_serves_them_in_turn(void **state)
{
    (void)state;
    const struct rfl_view both[] = { V(MANCHESTER), V(CORNWALL) };
    struct rfl_ask ask = { .kind = RFL_MSG_SUBSCRIBE, .worker = V("anna"), .credit = 4, .names = both,
                           .names_count = 2 };
    begin();
    for (unsigned i = 0; i < 8; i++) {
        char reference[8];
        (void)snprintf(reference, sizeof reference, "r-%u", i);
        struct knock k = { .reference = reference, .area = i < 4 ? "QOP" : "QT6" };
        struct rfl_ask knock = submit_of(&k);
        rfl_engine_handle(w.engine, SESSION_DOOR, &knock);
    }
    must(end());
    expect_kind(asked(SESSION_ANNA, &ask), RFL_MSG_SUBSCRIBED);
    unsigned cornwall = 0;
    for (unsigned n = 0; n < 4; n++)
        cornwall += is_text(said(SESSION_ANNA, RFL_MSG_OFFER, n)->offer.queue, CORNWALL);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 4);
    assert_int_equal(cornwall, 2);
}

static void worker_gets_only_its_own_queue(void **state)
{
    (void)state;
    expect_kind(subscribe(SESSION_ANNA, "anna", CORNWALL, 10), RFL_MSG_SUBSCRIBED);
    (void)submit((struct knock){ .reference = "m" });
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 0);
    (void)submit((struct knock){ .reference = "c", .area = "QT6" });
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 1);
    expect_refused(subscribe(SESSION_BEN, "ben", "no/such", 1), RFL_CODE_UNKNOWN_QUEUE);
}

static struct held one_offer(const char *reference, uint64_t session, const char *worker)
{
    (void)submit((struct knock){ .reference = reference });
    expect_kind(subscribe(session, worker, MANCHESTER, 1), RFL_MSG_SUBSCRIBED);
    return heard_offer(session, 0);
}

static void record_is_what_was_submitted_and_only_after_yes(void **state)
{
    (void)state;
    static const char body[] = "any bytes at all: \x01\x02\xff and a name";
    (void)submit((struct knock){ .reference = "r", .body = body, .nhs = person(1) });
    (void)submit((struct knock){ .reference = "s", .body = "the second knock", .nhs = person(1) });
    expect_kind(subscribe(SESSION_ANNA, "anna", MANCHESTER, 1), RFL_MSG_SUBSCRIBED);
    struct held offer = heard_offer(SESSION_ANNA, 0);
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.referrals, 2);
    for (unsigned again = 0; again < 2; again++) {      /* a lost answer is asked for again */
        const struct rfl_reply *r = verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
        expect_kind(r, RFL_MSG_RECORD);
        assert_text(r->record.referral, body);
        assert_int_equal(r->record.index, 0);
        assert_int_equal(r->record.total, 2);
        r = said(SESSION_ANNA, RFL_MSG_RECORD, 1);
        assert_non_null(r);
        assert_text(r->record.referral, "the second knock");
        assert_int_equal(r->record.index, 1);
    }
    assert_int_equal(counter("accepts"), 1);
    expect_kind(subscribe(SESSION_BEN, "ben", MANCHESTER, 1), RFL_MSG_SUBSCRIBED);
    expect_refused(verb(SESSION_BEN, RFL_MSG_ACCEPT, "ben", &offer), RFL_CODE_FENCED);
    expect_refused(verb(SESSION_MORE, RFL_MSG_ACCEPT, "anna", &offer), RFL_CODE_NOT_SUBSCRIBED);
    offer.token.seq++;
    expect_refused(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_CODE_FENCED);
    (void)snprintf(offer.code, sizeof offer.code, "WC-0000-0000");
    expect_refused(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_CODE_NOT_FOUND);
}

static void lease_that_ends_is_offered_again_under_a_higher_token(void **state)
{
    (void)state;
    struct held first = one_offer("r", SESSION_ANNA, "anna");
    assert_in_range(rfl_engine_next_due(w.engine), w.now.wall_ms, first.deadline_ms);
    at(first.deadline_ms - 1);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_PING, "anna", &first), RFL_MSG_PONG);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_NOTICE), 0);
    at(first.deadline_ms);
    quiet_turn();
    const struct rfl_reply *notice = said(SESSION_ANNA, RFL_MSG_NOTICE, 0);
    assert_non_null(notice);
    assert_int_equal(notice->notice.kind, RFL_NOTICE_OFFER_LAPSED);
    assert_true(rfl_token_same(notice->notice.token, first.token));
    struct held second = heard_offer(SESSION_ANNA, 0);
    assert_string_equal(first.code, second.code);
    assert_true(second.token.seq > first.token.seq);
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.lapses, 1);
    expect_refused(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &first), RFL_CODE_FENCED);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &second), RFL_MSG_RECORD);
}

static void offers_that_lapse_too_often_are_parked(void **state)
{
    (void)state;
    struct held offer = one_offer("r", SESSION_ANNA, "anna");
    for (unsigned lapse = 1; lapse <= 5; lapse++) {
        at(offer.deadline_ms - 1);
        expect_kind(verb(SESSION_ANNA, RFL_MSG_PING, "anna", &offer), RFL_MSG_PONG);
        at(offer.deadline_ms);
        quiet_turn();
        if (lapse < 5)
            offer = heard_offer(SESSION_ANNA, 0);
    }
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 0);
    const struct rfl_reply *r = status_of("gp-north", "r");
    assert_int_equal(r->status_report.status, RFL_STATUS_ON_HOLD);
    assert_text(r->status_report.owner, "Triage desk, Greater Manchester");
    assert_int_equal(counter("parked"), 1);
    assert_int_equal(counter("lapses"), 5);
}

/* ---- verbs ---- */

static void decline_is_a_proposal_to_triage(void **state)
{
    (void)state;
    struct held offer = one_offer("r", SESSION_ANNA, "anna");
    struct rfl_ask ask = verb_of(RFL_MSG_DECLINE, "anna", &offer);
    ask.text = V("the reason in words");
    ask.role = V("intake nurse");
    const struct rfl_reply *r = asked(SESSION_ANNA, &ask);
    expect_kind(r, RFL_MSG_DONE);
    assert_int_equal(r->done.status, RFL_STATUS_DECLINING);
    r = status_of("gp-north", "r");
    assert_int_equal(r->status_report.status, RFL_STATUS_DECLINING);
    assert_text(r->status_report.owner, "Triage desk, Greater Manchester");
    assert_text(r->status_report.next_action, "approve or send back");
    expect_refused(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_CODE_FENCED);
    assert_int_equal(counter("declines"), 1);
}

static const struct rfl_reply *redirect(uint64_t session, const char *worker, const struct held *offer,
                                        const char *queue)
{
    struct rfl_ask ask = verb_of(RFL_MSG_REDIRECT, worker, offer);
    ask.queue = text_of(queue);
    return asked(session, &ask);
}

static void redirects_end_at_triage_and_never_go_round(void **state)
{
    (void)state;
    struct held offer = one_offer("r", SESSION_ANNA, "anna");
    expect_refused(redirect(SESSION_ANNA, "anna", &offer, "no/such"), RFL_CODE_UNKNOWN_QUEUE);
    expect_refused(redirect(SESSION_ANNA, "anna", &offer, MANCHESTER), RFL_CODE_INVALID);
    expect_refused(redirect(SESSION_ANNA, "anna", &offer, "greater-manchester/triage"), RFL_CODE_INVALID);
    const struct rfl_reply *r = redirect(SESSION_ANNA, "anna", &offer, CORNWALL);
    expect_kind(r, RFL_MSG_DONE);
    assert_int_equal(r->done.status, RFL_STATUS_QUEUED);
    assert_text(r->done.queue, CORNWALL);
    expect_kind(subscribe(SESSION_BEN, "ben", CORNWALL, 1), RFL_MSG_SUBSCRIBED);
    struct held second = heard_offer(SESSION_BEN, 0);
    assert_int_equal(said(SESSION_BEN, RFL_MSG_OFFER, 0)->offer.hops, 1);
    r = redirect(SESSION_BEN, "ben", &second, MANCHESTER);      /* which has said no */
    expect_kind(r, RFL_MSG_DONE);
    assert_int_equal(r->done.status, RFL_STATUS_TRIAGE);
    assert_text(r->done.queue, "cornwall-isles-of-scilly/triage");
}

static void third_redirect_is_over_the_budget(void **state)
{
    (void)state;
    static const char *const queues[] = { MANCHESTER, CORNWALL, "black-country/intake", "birmingham-solihull/intake" };
    (void)submit((struct knock){ .reference = "r" });
    for (unsigned hop = 0; hop < 3; hop++) {
        expect_kind(subscribe(SESSION_MORE + hop, "w", queues[hop], 1), RFL_MSG_SUBSCRIBED);
        struct held offer = heard_offer(SESSION_MORE + hop, 0);
        const struct rfl_reply *r = redirect(SESSION_MORE + hop, "w", &offer, queues[hop + 1]);
        assert_int_equal(r->done.status, hop < 2 ? RFL_STATUS_QUEUED : RFL_STATUS_TRIAGE);
        assert_text(r->done.queue, hop < 2 ? queues[hop + 1] : "black-country/triage");
    }
}

static void deferral_comes_back_to_its_place(void **state)
{
    (void)state;
    struct held offer = one_offer("r", SESSION_ANNA, "anna");
    struct rfl_ask ask = verb_of(RFL_MSG_DEFER, "anna", &offer);
    expect_refused(asked(SESSION_ANNA, &ask), RFL_CODE_INVALID);        /* until when? */
    ask.at_ms = w.now.wall_ms + HOUR_MS;
    const struct rfl_reply *r = asked(SESSION_ANNA, &ask);
    expect_kind(r, RFL_MSG_DONE);
    assert_int_equal(r->done.status, RFL_STATUS_ON_HOLD);
    assert_int_equal(r->done.due_ms, ask.at_ms);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 0);
    at(ask.at_ms - 1);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_PING, "anna", &offer), RFL_MSG_PONG);
    at(ask.at_ms);
    quiet_turn();
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.since_ms, MONDAY_MS);
}

static void touch_gives_more_time_as_often_as_the_policy_says(void **state)
{
    (void)state;
    struct held offer = one_offer("r", SESSION_ANNA, "anna");
    for (unsigned i = 0; i < 4; i++) {
        at(w.now.wall_ms + HOUR_MS / 2);
        const struct rfl_reply *r = verb(SESSION_ANNA, RFL_MSG_TOUCH, "anna", &offer);
        expect_kind(r, RFL_MSG_DONE);
        assert_int_equal(r->done.due_ms, w.now.wall_ms + 4 * HOUR_MS);
    }
    const struct rfl_reply *r = verb(SESSION_ANNA, RFL_MSG_TOUCH, "anna", &offer);
    expect_refused(r, RFL_CODE_STATE);
    assert_int_equal(r->refusal.status, RFL_STATUS_OFFERED);
}

static void journey_from_yes_to_the_end_and_a_late_outcome(void **state)
{
    (void)state;
    static const struct { enum rfl_message_kind kind; enum rfl_status status; } steps[] = {
        { RFL_MSG_CONTACTED, RFL_STATUS_WAITING_ON_PERSON }, { RFL_MSG_STARTED, RFL_STATUS_ACTIVE },
        { RFL_MSG_OUTCOME, RFL_STATUS_ACTIVE }, { RFL_MSG_CONTACTED, RFL_STATUS_ACTIVE },
        { RFL_MSG_CLOSE, RFL_STATUS_CLOSED }, { RFL_MSG_OUTCOME, RFL_STATUS_CLOSED } };
    struct held offer = one_offer("r", SESSION_ANNA, "anna");
    expect_refused(verb(SESSION_ANNA, RFL_MSG_STARTED, "anna", &offer), RFL_CODE_STATE);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_MSG_RECORD);
    struct rfl_ask tried = verb_of(RFL_MSG_CONTACTED, "anna", &offer);
    tried.reached = false;
    assert_int_equal(asked(SESSION_ANNA, &tried)->done.status, RFL_STATUS_ACCEPTED);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct rfl_reply *r = verb(SESSION_ANNA, steps[i].kind, "anna", &offer);
        expect_kind(r, RFL_MSG_DONE);
        assert_int_equal(r->done.status, steps[i].status);
        assert_int_equal(r->done.due_ms == 0, steps[i].status == RFL_STATUS_CLOSED);
    }
    expect_refused(verb(SESSION_ANNA, RFL_MSG_CLOSE, "anna", &offer), RFL_CODE_STATE);
}

static void person_who_comes_back_after_the_end_has_a_new_episode(void **state)
{
    (void)state;
    struct rfl_store_stat stat;
    (void)submit((struct knock){ .reference = "r", .nhs = person(7) });
    expect_kind(subscribe(SESSION_ANNA, "anna", MANCHESTER, 1), RFL_MSG_SUBSCRIBED);
    struct held offer = heard_offer(SESSION_ANNA, 0);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_MSG_RECORD);
    assert_true(submit((struct knock){ .reference = "s", .nhs = person(7) })->receipt.joined);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_CLOSE, "anna", &offer), RFL_MSG_DONE);
    const struct rfl_reply *r = submit((struct knock){ .reference = "t", .nhs = person(7) });
    assert_false(r->receipt.joined);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 1);
    assert_true(submit((struct knock){ .reference = "u", .nhs = person(7) })->receipt.joined);
    rfl_store_stat(w.store, &stat);
    assert_int_equal(stat.cases, 2);
    assert_int_equal(stat.case_by_status[RFL_STATUS_CLOSED], 1);
}

static void nobody_is_offered_before_the_person_agreed(void **state)
{
    (void)state;
    expect_kind(subscribe(SESSION_ANNA, "anna", MANCHESTER, 9), RFL_MSG_SUBSCRIBED);
    (void)submit((struct knock){ .reference = "r", .nhs = person(3), .source = "jobcentre-feed",
                                 .door = RFL_DOOR_JOBCENTRE, .consent = RFL_CONSENT_IMPLIED });
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 0);
    pass(24 * HOUR_MS);
    expect_kind(subscribe(SESSION_ANNA, "anna", MANCHESTER, 9), RFL_MSG_SUBSCRIBED);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 0);
    const struct rfl_reply *r = submit((struct knock){ .reference = "s", .nhs = person(3),
                                                       .consent = RFL_CONSENT_IMPLIED });
    assert_true(r->receipt.joined);                     /* a practice's word is enough */
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.since_ms, MONDAY_MS);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(submission_gets_a_receipt_once_and_the_same_again),
        STORY(same_submission_twice_in_one_turn_is_one_referral),
        STORY(messages_are_refused_with_a_code_and_nothing_is_stored),
        STORY(nobody_is_refused_for_lack_of_an_area),
        STORY(one_person_has_one_open_case_over_doors_and_areas),
        STORY(offers_keep_to_credit_and_urgent_comes_first_then_the_longest_wait),
        STORY(two_workers_share_what_waits),
        STORY(worker_of_two_queues_serves_them_in_turn),
        STORY(worker_gets_only_its_own_queue),
        STORY(record_is_what_was_submitted_and_only_after_yes),
        STORY(lease_that_ends_is_offered_again_under_a_higher_token),
        STORY(offers_that_lapse_too_often_are_parked),
        STORY(decline_is_a_proposal_to_triage),
        STORY(redirects_end_at_triage_and_never_go_round),
        STORY(third_redirect_is_over_the_budget),
        STORY(deferral_comes_back_to_its_place),
        STORY(touch_gives_more_time_as_often_as_the_policy_says),
        STORY(journey_from_yes_to_the_end_and_a_late_outcome),
        STORY(person_who_comes_back_after_the_end_has_a_new_episode),
        STORY(nobody_is_offered_before_the_person_agreed),
    };
    return cmocka_run_group_tests_name("engine", tests, load_policy, free_policy);
}
