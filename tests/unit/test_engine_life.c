/* Stories of what comes back to referrers, of operators, and of trouble: lost connections, restarts, a full store. */
#include "engine_world.h"

#include "rfl_disclose.h"

static struct held offer_to(uint64_t session, const char *worker)
{
    expect_kind(subscribe(session, worker, MANCHESTER, 1), RFL_MSG_SUBSCRIBED);
    return heard_offer(session, 0);
}

static const struct rfl_reply *open_mailbox(uint64_t session, const char *source, uint32_t credit, uint64_t after)
{
    struct rfl_ask ask = { .kind = RFL_MSG_MAILBOX_OPEN, .source = text_of(source), .credit = credit,
                           .after_sequence = after };
    return asked(session, &ask);
}

static const struct rfl_reply *acknowledge(uint64_t session, const char *source, uint64_t upto)
{
    struct rfl_ask ask = { .kind = RFL_MSG_FEEDBACK_ACK, .source = text_of(source), .upto = upto };
    return asked(session, &ask);
}

/* Accepts, contacts, starts, has an outcome and closes with this reason. */
static void live_through(const struct held *offer, enum rfl_close reason)
{
    static const enum rfl_message_kind steps[] = { RFL_MSG_ACCEPT, RFL_MSG_CONTACTED, RFL_MSG_STARTED,
                                                   RFL_MSG_OUTCOME };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        assert_int_not_equal(verb(SESSION_ANNA, steps[i], "anna", offer)->kind, RFL_MSG_REFUSAL);
    /* Three attempts over two channels that reached nobody: else no one may be called unreachable. */
    for (unsigned i = 0; i < 3; i++) {
        struct rfl_ask tried = verb_of(RFL_MSG_CONTACTED, "anna", offer);
        tried.channel = i == 0 ? RFL_CHANNEL_LETTER : RFL_CHANNEL_PHONE;
        tried.reached = false;
        expect_kind(asked(SESSION_ANNA, &tried), RFL_MSG_DONE);
    }
    struct rfl_ask ask = verb_of(RFL_MSG_CLOSE, "anna", offer);
    ask.reason = (uint8_t)reason;
    expect_kind(asked(SESSION_ANNA, &ask), RFL_MSG_DONE);
}

/* ---- feedback ---- */

struct door_case { const char *source, *reference; enum rfl_door door; };
static const struct door_case door_cases[] = {
    { "gp-north", "gp", RFL_DOOR_GP }, { "employer-portal", "em", RFL_DOOR_EMPLOYER },
    { "jobcentre-feed", "jc", RFL_DOOR_JOBCENTRE }, { "self-page", "se", RFL_DOOR_SELF },
    { "local-service-manchester", "ls", RFL_DOOR_LOCAL_SERVICE }, { "pharmacy-bridge", "ph", RFL_DOOR_PHARMACIST },
    { "fit-note-birmingham", "fn", RFL_DOOR_FIT_NOTE_SERVICE }, { "provider-transfer", "pr", RFL_DOOR_PROVIDER },
    { "local-service-cornwall", "ot", RFL_DOOR_OTHER } };
enum { DOOR_CASES = sizeof door_cases / sizeof door_cases[0] };

/* Every door's adapter refers the same person; each hears its own column of the matrix, in order, with its own receipt
 * and reference, and the mailbox numbers its messages 1, 2, 3. */
static void every_door_hears_its_column_of_the_matrix(void **state)
{
    (void)state;
    static const enum rfl_event_kind happened[] = { RFL_EVENT_ACCEPTED, RFL_EVENT_STARTED, RFL_EVENT_OUTCOME,
                                                    RFL_EVENT_CLOSED };
    for (unsigned i = 0; i < DOOR_CASES; i++)
        expect_kind(submit((struct knock){ .source = door_cases[i].source, .reference = door_cases[i].reference,
                                           .door = door_cases[i].door, .nhs = person(1) }), RFL_MSG_RECEIPT);
    struct held offer = offer_to(SESSION_ANNA, "anna");
    live_through(&offer, RFL_CLOSE_PERSON_DECLINED);
    for (unsigned i = 0; i < DOOR_CASES; i++) {
        unsigned heard = 0;
        expect_kind(open_mailbox(SESSION_MORE + i, door_cases[i].source, 100, 0), RFL_MSG_MAILBOX_OPENED);
        for (unsigned h = 0; h < sizeof happened / sizeof happened[0]; h++) {
            const struct rfl_event event = { .kind = happened[h], .reason = RFL_CLOSE_PERSON_DECLINED };
            const struct rfl_disclosure *may = rfl_disclose(shipped_policy, door_cases[i].door, &event);
            if (may == NULL)
                continue;
            const struct rfl_reply *r = said(SESSION_MORE + i, RFL_MSG_FEEDBACK, heard++);
            assert_non_null(r);
            assert_text(r->feedback.word, rfl_tell_word((enum rfl_tell)may->tell));
            assert_text(r->feedback.reference, door_cases[i].reference);
            assert_text(r->feedback.source, door_cases[i].source);
            assert_int_equal(r->feedback.sequence, heard);
            assert_text(r->feedback.provider, may->provider ? MANCHESTER : "");
            assert_text(r->feedback.detail, !may->reason ? "" : happened[h] == RFL_EVENT_CLOSED ? "person_declined"
                                                                                                : "plan_agreed");
        }
        assert_null(said(SESSION_MORE + i, RFL_MSG_FEEDBACK, heard));
    }
}

static const char *chars(struct rfl_view v) { return v.len > 0 ? (const char *)v.p : ""; }

/* What an employer hears, as one string: all but the moment, the receipt and the reference, which are its own. */
static void hear_all(const char *source, uint64_t session, char *out, size_t cap)
{
    size_t used = 0;
    expect_kind(open_mailbox(session, source, 100, 0), RFL_MSG_MAILBOX_OPENED);
    for (unsigned n = 0; said(session, RFL_MSG_FEEDBACK, n) != NULL; n++) {
        const struct rfl_msg_feedback *f = &said(session, RFL_MSG_FEEDBACK, n)->feedback;
        used += (size_t)snprintf(out + used, cap - used, "%u|%.*s|%.*s|%.*s\n", (unsigned)f->sequence,
                                 (int)f->word.len, chars(f->word), (int)f->detail.len, chars(f->detail),
                                 (int)f->provider.len, chars(f->provider));
        assert_true(used < cap);
    }
}

static void strict_doors_cannot_tell_one_end_from_another(void **state)
{
    (void)state;
    static const char expected[] = "1|with_the_service||\n2|closed||\n";
    for (unsigned reason = RFL_CLOSE_COMPLETED; reason < RFL_CLOSE_JOINED_OTHER_CASE; reason++) {
        close_world();
        open_world(64 << 20);
        for (unsigned i = 0; i < 2; i++)
            expect_kind(submit((struct knock){ .source = door_cases[1 + i].source, .reference = "x",
                                               .door = door_cases[1 + i].door, .nhs = person(1) }), RFL_MSG_RECEIPT);
        struct held offer = offer_to(SESSION_ANNA, "anna");
        live_through(&offer, (enum rfl_close)reason);
        for (unsigned i = 0; i < 2; i++) {
            char heard[512] = "";
            hear_all(door_cases[1 + i].source, SESSION_MORE + i, heard, sizeof heard);
            assert_string_equal(heard, expected);
            const struct rfl_msg_status_report *report = &status_of(door_cases[1 + i].source, "x")->status_report;
            assert_int_equal(report->status, RFL_STATUS_CLOSED);
            assert_int_equal(report->owner.len + report->area.len + report->next_action.len, 0);
            assert_int_equal(report->due_ms, 0);
            assert_int_equal(report->since_ms, 0);
        }
    }
}

static void status_is_coarse_for_strict_doors_and_whole_for_the_practice(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "g", .nhs = person(1) });
    (void)submit((struct knock){ .source = "employer-portal", .reference = "e", .door = RFL_DOOR_EMPLOYER,
                                 .nhs = person(1) });
    assert_int_equal(status_of("gp-north", "g")->status_report.status, RFL_STATUS_QUEUED);
    assert_int_equal(status_of("employer-portal", "e")->status_report.status, RFL_STATUS_RECEIVED);
    struct held offer = offer_to(SESSION_ANNA, "anna");
    assert_int_equal(status_of("gp-north", "g")->status_report.status, RFL_STATUS_OFFERED);
    assert_int_equal(status_of("employer-portal", "e")->status_report.status, RFL_STATUS_RECEIVED);
    (void)verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    (void)verb(SESSION_ANNA, RFL_MSG_STARTED, "anna", &offer);
    const struct rfl_msg_status_report *report = &status_of("gp-north", "g")->status_report;
    assert_int_equal(report->status, RFL_STATUS_ACTIVE);
    assert_text(report->next_action, "record an outcome");
    assert_text(report->area, "greater-manchester");
    assert_true(report->owner.len > 0 && report->due_ms > w.now.wall_ms);
    assert_int_equal(report->since_ms, w.now.wall_ms);
    assert_int_equal(status_of("employer-portal", "e")->status_report.status, RFL_STATUS_ACCEPTED);
    /* Another source's reference, receipt or case code opens nothing. */
    expect_refused(status_of("employer-portal", "g"), RFL_CODE_NOT_FOUND);
    char receipt[32];
    const struct rfl_reply *r = submit((struct knock){ .reference = "g", .nhs = person(1) });
    (void)snprintf(receipt, sizeof receipt, "%.*s", (int)r->receipt.receipt.len, (const char *)r->receipt.receipt.p);
    struct rfl_ask ask = { .kind = RFL_MSG_STATUS_QUERY, .source = V("gp-north"), .code = text_of(receipt) };
    expect_kind(asked(SESSION_DOOR, &ask), RFL_MSG_STATUS_REPORT);
    ask.source = V("employer-portal");
    expect_refused(asked(SESSION_DOOR, &ask), RFL_CODE_NOT_FOUND);
    ask.source = V("gp-north");
    ask.code = text_of(offer.code);
    expect_refused(asked(SESSION_DOOR, &ask), RFL_CODE_NOT_FOUND);
    ask.code.len = 0;
    expect_refused(asked(SESSION_DOOR, &ask), RFL_CODE_NOT_FOUND);
}

/* Five people of one practice, each accepted: five messages. */
static void make_mail(void)
{
    expect_kind(subscribe(SESSION_ANNA, "anna", MANCHESTER, 1), RFL_MSG_SUBSCRIBED);
    for (unsigned i = 0; i < 5; i++) {
        char reference[8];
        (void)snprintf(reference, sizeof reference, "r-%u", i);
        (void)submit((struct knock){ .reference = reference });
        struct held offer = heard_offer(SESSION_ANNA, 0);
        expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_MSG_RECORD);
    }
}

static void mail_keeps_to_credit_and_stays_until_acknowledged(void **state)
{
    (void)state;
    make_mail();
    const struct rfl_reply *r = open_mailbox(SESSION_GP, "gp-north", 2, 0);
    assert_int_equal(r->mailbox_opened.acknowledged, 0);
    assert_int_equal(r->mailbox_opened.last, 5);
    assert_int_equal(count_said(SESSION_GP, RFL_MSG_FEEDBACK), 2);
    quiet_turn();
    assert_int_equal(count_said(SESSION_GP, RFL_MSG_FEEDBACK), 0);
    assert_int_equal(acknowledge(SESSION_GP, "gp-north", 1)->acked.upto, 1);
    assert_int_equal(count_said(SESSION_GP, RFL_MSG_FEEDBACK), 1);
    assert_int_equal(said(SESSION_GP, RFL_MSG_FEEDBACK, 0)->feedback.sequence, 3);
    restart();                                          /* nothing that was not acknowledged is forgotten */
    assert_int_equal(open_mailbox(SESSION_GP, "gp-north", 10, 0)->mailbox_opened.acknowledged, 1);
    assert_int_equal(count_said(SESSION_GP, RFL_MSG_FEEDBACK), 4);
    assert_int_equal(said(SESSION_GP, RFL_MSG_FEEDBACK, 0)->feedback.sequence, 2);
    assert_int_equal(acknowledge(SESSION_GP, "gp-north", 99)->acked.upto, 5);   /* no further than there is */
    assert_int_equal(acknowledge(SESSION_GP, "gp-north", 3)->acked.upto, 5);    /* and never back */
    (void)open_mailbox(SESSION_GP, "gp-north", 10, 0);
    assert_int_equal(count_said(SESSION_GP, RFL_MSG_FEEDBACK), 0);
    expect_refused(open_mailbox(SESSION_GP, "nobody", 1, 0), RFL_CODE_UNKNOWN_SOURCE);
    expect_refused(acknowledge(SESSION_GP, "nobody", 1), RFL_CODE_UNKNOWN_SOURCE);
}

static void mailbox_opened_after_a_message_goes_on_there_whatever_the_credit(void **state)
{
    (void)state;
    make_mail();
    (void)open_mailbox(SESSION_GP, "gp-north", 2, 3);
    assert_int_equal(count_said(SESSION_GP, RFL_MSG_FEEDBACK), 2);
    assert_int_equal(said(SESSION_GP, RFL_MSG_FEEDBACK, 0)->feedback.sequence, 4);
    (void)open_mailbox(SESSION_GP, "gp-north", 2, 99);          /* a number that was never given means the beginning */
    assert_int_equal(said(SESSION_GP, RFL_MSG_FEEDBACK, 0)->feedback.sequence, 1);
}

static void acknowledgement_over_another_connection_makes_room_too(void **state)
{
    (void)state;
    make_mail();
    (void)open_mailbox(SESSION_GP, "gp-north", 2, 0);
    (void)acknowledge(SESSION_MORE, "gp-north", 2);
    assert_int_equal(count_said(SESSION_GP, RFL_MSG_FEEDBACK), 2);
    assert_int_equal(said(SESSION_GP, RFL_MSG_FEEDBACK, 1)->feedback.sequence, 4);
}

/* ---- connections that go, restarts ---- */

static void goodbye_and_gone_return_offers_uncounted(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "r" });
    struct held first = offer_to(SESSION_ANNA, "anna");
    struct rfl_ask bye = { .kind = RFL_MSG_GOODBYE, .worker = V("anna") };
    const struct rfl_reply *r = asked(SESSION_ANNA, &bye);
    expect_kind(r, RFL_MSG_BYE);
    assert_int_equal(r->bye.returned, 1);
    struct held second = offer_to(SESSION_BEN, "ben");
    assert_true(second.token.seq > first.token.seq);
    assert_int_equal(said(SESSION_BEN, RFL_MSG_OFFER, 0)->offer.lapses, 0);
    begin();
    rfl_engine_gone(w.engine, SESSION_BEN);
    rfl_engine_gone(w.engine, SESSION_MORE);            /* nobody we know */
    must(end());
    struct held third = offer_to(SESSION_ANNA, "anna");
    assert_true(third.token.seq > second.token.seq);
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.lapses, 0);
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.since_ms, MONDAY_MS);
    pass(31000);                                        /* silent for longer than a worker may be */
    struct held fourth = offer_to(SESSION_BEN, "ben");
    assert_true(fourth.token.seq > third.token.seq);
    assert_int_equal(counter("returns"), 3);
    assert_int_equal(counter("lapses"), 0);
    assert_int_equal(counter("sessions_gone"), 2);
}

static void worker_on_a_new_connection_hears_its_offers_with_their_tokens(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "r" });
    struct held first = offer_to(SESSION_ANNA, "anna");
    const struct rfl_reply *r = subscribe(SESSION_MORE, "anna", MANCHESTER, 1);
    assert_int_equal(r->subscribed.outstanding, 1);
    struct held again = heard_offer(SESSION_MORE, 0);
    assert_true(rfl_token_same(first.token, again.token));
    begin();
    rfl_engine_gone(w.engine, SESSION_ANNA);            /* the old connection ends later: nothing returns */
    must(end());
    assert_int_equal(counter("returns"), 0);
    expect_kind(verb(SESSION_MORE, RFL_MSG_ACCEPT, "anna", &again), RFL_MSG_RECORD);
}

static void restart_in_the_middle_loses_nothing(void **state)
{
    (void)state;
    static const char body[] = "told once";
    (void)submit((struct knock){ .reference = "r", .body = body });
    struct held first = offer_to(SESSION_ANNA, "anna");
    (void)submit((struct knock){ .reference = "waiting" });
    uint32_t epoch = rfl_store_epoch(w.store);
    restart();
    assert_int_equal(rfl_store_epoch(w.store), epoch + 1);
    assert_true(submit((struct knock){ .reference = "r", .body = body })->receipt.replayed);
    const struct rfl_reply *r = subscribe(SESSION_ANNA + 100, "anna", MANCHESTER, 2);
    assert_int_equal(r->subscribed.outstanding, 1);
    assert_int_equal(count_said(SESSION_ANNA + 100, RFL_MSG_OFFER), 2);
    struct held again = heard_offer(SESSION_ANNA + 100, 0), other = heard_offer(SESSION_ANNA + 100, 1);
    assert_true(rfl_token_same(first.token, again.token));
    assert_int_equal(other.token.epoch, epoch + 1);     /* above every token of the life before */
    r = verb(SESSION_ANNA + 100, RFL_MSG_ACCEPT, "anna", &again);
    assert_text(r->record.referral, body);
    restart();
    (void)subscribe(SESSION_ANNA + 200, "anna", MANCHESTER, 2);
    expect_kind(verb(SESSION_ANNA + 200, RFL_MSG_CONTACTED, "anna", &again), RFL_MSG_DONE);
    restart();
    at(other.deadline_ms - 1);                          /* the lease goes on over the restart, whoever comes back */
    quiet_turn();
    assert_int_equal(counter("lapses"), 0);
    at(other.deadline_ms);
    quiet_turn();
    assert_int_equal(counter("lapses"), 1);
}

static void draining_finishes_what_is_begun_and_takes_nothing_new(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "r" });
    struct held offer = offer_to(SESSION_ANNA, "anna");
    (void)submit((struct knock){ .reference = "waits" });
    rfl_engine_drain(w.engine);
    assert_int_equal(rfl_engine_next_due(w.engine), w.now.wall_ms);
    quiet_turn();
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_NOTICE, 0)->notice.kind, RFL_NOTICE_DRAINING);
    expect_refused(submit((struct knock){ .reference = "new" }), RFL_CODE_DRAINING);
    assert_true(submit((struct knock){ .reference = "r" })->receipt.replayed);
    expect_refused(subscribe(SESSION_BEN, "ben", MANCHESTER, 1), RFL_CODE_DRAINING);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_MSG_RECORD);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 0);
    quiet_turn();
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_NOTICE), 0);      /* said once */
}

/* ---- a store without room ---- */

/* Twenty submissions in a turn, until one turn does not fit. */
static enum rfl_err submit_many(unsigned turn, const char *area, const char *body)
{
    for (unsigned i = 0; i < 20; i++) {
        char reference[16];
        (void)snprintf(reference, sizeof reference, "t-%u-%u", turn, i);
        struct knock k = { .reference = reference, .body = body, .area = area };
        struct rfl_ask ask = submit_of(&k);
        ask.correlation = 100 * turn + i + 1;
        rfl_engine_handle(w.engine, SESSION_DOOR, &ask);
    }
    return end();
}

static void turn_that_does_not_fit_is_undone_and_everybody_hears_so(void **state)
{
    (void)state;
    char body[4001];
    struct rfl_store_stat before, after;
    close_world();
    open_world(1 << 20);
    close_engine();
    w.options.full_permille = 5000;                /* no mark: the map itself is the end */
    open_engine();
    expect_kind(subscribe(SESSION_ANNA, "anna", MANCHESTER, 3), RFL_MSG_SUBSCRIBED);
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    enum rfl_err err = RFL_E_OK;
    unsigned turn = 0;
    for (; turn < 50 && err == RFL_E_OK; turn++) {
        rfl_store_stat(w.store, &before);
        begin();
        err = submit_many(turn, "QOP", body);
    }
    assert_int_equal(err, RFL_E_FULL);
    assert_true(turn > 1);
    rfl_store_stat(w.store, &after);
    assert_int_equal(w.said_count, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(w.said[i].session, SESSION_DOOR);
        assert_int_equal(w.said[i].reply.correlation, 100 * (turn - 1) + i + 1);
        expect_refused(&w.said[i].reply, RFL_CODE_BUSY);
        assert_true(w.said[i].reply.refusal.retry_after_ms > 0);
    }
    assert_int_equal(after.entries, before.entries);
    assert_int_equal(after.referrals, before.referrals);
    assert_memory_equal(after.head, before.head, sizeof after.head);
    assert_memory_equal(after.case_by_status, before.case_by_status, sizeof after.case_by_status);
    assert_int_equal(counter("turns_undone"), 1);
    char reference[16];
    (void)snprintf(reference, sizeof reference, "t-%u-0", turn - 1);
    expect_refused(status_of("gp-north", reference), RFL_CODE_NOT_FOUND);
    (void)snprintf(reference, sizeof reference, "t-%u-0", turn - 2);
    expect_kind(status_of("gp-north", reference), RFL_MSG_STATUS_REPORT);
}

/* The worker's yes was in a turn that was undone. When it says it again it hears of the next person in the same turn,
 * although nobody has begun to wait since the start. */
static void undone_turn_hides_nobody_who_waits(void **state)
{
    (void)state;
    char body[4001];
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    close_world();
    open_world(1 << 20);
    (void)submit((struct knock){ .reference = "first" });
    (void)submit((struct knock){ .reference = "second" });
    close_engine();
    w.options.full_permille = 5000;
    open_engine();
    for (unsigned turn = 0; counter("turns_undone") == 0 && turn < 50; turn++) {
        begin();
        (void)submit_many(turn, "", body);
    }
    restart();
    struct held offer = offer_to(SESSION_ANNA, "anna");
    struct rfl_ask accept = verb_of(RFL_MSG_ACCEPT, "anna", &offer);
    begin();
    rfl_engine_handle(w.engine, SESSION_ANNA, &accept);
    assert_int_equal(submit_many(60, "", body), RFL_E_FULL);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_RECORD) + count_said(SESSION_ANNA, RFL_MSG_OFFER), 0);
    expect_refused(&w.said[0].reply, RFL_CODE_BUSY);
    expect_kind(asked(SESSION_ANNA, &accept), RFL_MSG_RECORD);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_OFFER), 1);
}

/* Goodbye and Subscribe in a turn that was undone did not happen: said again, they do what they do. */
static void undone_turn_leaves_subscriptions_as_they_were(void **state)
{
    (void)state;
    char body[4001];
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    close_world();
    open_world(1 << 20);
    (void)submit((struct knock){ .reference = "first" });
    close_engine();
    w.options.full_permille = 5000;
    open_engine();
    for (unsigned turn = 0; counter("turns_undone") == 0 && turn < 50; turn++) {
        begin();
        (void)submit_many(turn, "", body);
    }
    restart();
    (void)offer_to(SESSION_ANNA, "anna");
    struct rfl_ask goodbye = { .kind = RFL_MSG_GOODBYE, .worker = V("anna") };
    const struct rfl_view names[1] = { V(CORNWALL) };
    struct rfl_ask moves = { .kind = RFL_MSG_SUBSCRIBE, .worker = V("anna"), .credit = 1, .names = names,
                             .names_count = 1 };
    begin();
    rfl_engine_handle(w.engine, SESSION_BEN, &moves);           /* on another connection, elsewhere */
    rfl_engine_handle(w.engine, SESSION_ANNA, &goodbye);
    assert_int_equal(submit_many(60, "", body), RFL_E_FULL);
    struct rfl_ask ping = { .kind = RFL_MSG_PING };
    expect_refused(asked(SESSION_BEN, &ping), RFL_CODE_NOT_SUBSCRIBED);
    expect_kind(asked(SESSION_ANNA, &ping), RFL_MSG_PONG);
    const struct rfl_reply *bye = asked(SESSION_ANNA, &goodbye);
    expect_kind(bye, RFL_MSG_BYE);
    assert_int_equal(bye->bye.returned, 1);
    assert_int_equal(status_of("gp-north", "first")->status_report.status, RFL_STATUS_QUEUED);
}

static void above_the_mark_new_people_wait_and_work_goes_on(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "r" });
    struct held offer = offer_to(SESSION_ANNA, "anna");
    close_engine();
    w.options.full_permille = 1;                   /* anything at all is above it */
    open_engine();
    assert_true(rfl_store_used_permille(w.store) >= 1);
    const struct rfl_reply *r = submit((struct knock){ .reference = "new" });
    expect_refused(r, RFL_CODE_STORE_FULL);
    assert_true(r->refusal.retry_after_ms > 0);
    assert_true(submit((struct knock){ .reference = "r" })->receipt.replayed);
    (void)subscribe(SESSION_ANNA, "anna", MANCHESTER, 1);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_MSG_RECORD);
    struct rfl_ask ask = verb_of(RFL_MSG_CLOSE, "anna", &offer);
    expect_kind(asked(SESSION_ANNA, &ask), RFL_MSG_DONE);
}

/* ---- reconcile and operators ---- */

static void reconcile_finds_what_only_one_side_has(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        char reference[8];
        (void)snprintf(reference, sizeof reference, "r-%u", i);
        (void)submit((struct knock){ .reference = reference });
        pass(1000);
    }
    (void)submit((struct knock){ .source = "gp-south", .reference = "r-9" });
    const struct rfl_view names[] = { V("r-1"), V("r-9"), V("r-3"), V("never") };
    struct rfl_ask ask = { .kind = RFL_MSG_RECONCILE, .source = V("gp-north"), .names = names, .names_count = 4,
                           .at_ms = MONDAY_MS + 1000 };
    const struct rfl_reply *r = asked(SESSION_DOOR, &ask);
    expect_kind(r, RFL_MSG_RECONCILED);
    assert_int_equal(r->reconciled.missing_count, 2);
    assert_text(r->reconciled.missing[0], "r-9");       /* another source's is not ours */
    assert_text(r->reconciled.missing[1], "never");
    assert_int_equal(r->reconciled.surplus_count, 3);   /* r-0 came before the moment asked about */
    assert_text(r->reconciled.surplus[0].reference, "r-5");
    assert_text(r->reconciled.surplus[2].reference, "r-2");
    assert_false(r->reconciled.truncated);
    ask.names_count = 0;
    ask.at_ms = 0;
    r = asked(SESSION_DOOR, &ask);
    assert_int_equal(r->reconciled.surplus_count, 6);
}

/* The largest answer there can be: 500 names of the greatest length missing, and more surplus than fits. */
static void reconcile_answers_fit_a_frame(void **state)
{
    (void)state;
    enum { MISSING = 480, SURPLUS = 400 };
    static char texts[MISSING][RFL_REFERENCE_BYTES_MAX + 1];
    static struct rfl_view names[MISSING];
    begin();
    for (unsigned i = 0; i < SURPLUS; i++) {
        char reference[RFL_REFERENCE_BYTES_MAX + 1];
        memset(reference, 's', sizeof reference - 1);
        (void)snprintf(reference + 120, 9, "%08u", i);
        struct knock k = { .reference = reference, .body = "b" };
        struct rfl_ask ask = submit_of(&k);
        rfl_engine_handle(w.engine, SESSION_DOOR, &ask);
    }
    must(end());
    for (unsigned i = 0; i < MISSING; i++) {
        memset(texts[i], 'm', RFL_REFERENCE_BYTES_MAX);
        (void)snprintf(texts[i] + 120, 9, "%08u", i);
        names[i] = text_of(texts[i]);
    }
    for (unsigned count = 0; count <= MISSING; count += 120) {
        size_t bytes = 0;
        struct rfl_ask ask = { .kind = RFL_MSG_RECONCILE, .source = V("gp-north"), .names = names,
                               .names_count = count };
        const struct rfl_reply *r = asked(SESSION_DOOR, &ask);
        assert_int_equal(r->reconciled.missing_count, count);
        for (unsigned i = 0; i < r->reconciled.missing_count; i++)
            bytes += r->reconciled.missing[i].len + 4;
        for (unsigned i = 0; i < r->reconciled.surplus_count; i++)
            bytes += r->reconciled.surplus[i].reference.len + r->reconciled.surplus[i].receipt.len + 24;
        assert_true(r->reconciled.truncated);
        assert_true(bytes < RFL_MESSAGE_BYTES_MAX - 512);
    }
}

static const struct rfl_reply *list(const char *after, uint32_t limit, enum rfl_status status)
{
    struct rfl_ask ask = { .kind = RFL_MSG_LIST, .after = text_of(after), .limit = limit, .status = (uint8_t)status };
    return asked(SESSION_ADMIN, &ask);
}

static void list_pages_through_every_case_once(void **state)
{
    (void)state;
    char after[32] = "";
    unsigned seen = 0, pages = 0;
    for (unsigned i = 0; i < 11; i++) {
        char reference[8];
        (void)snprintf(reference, sizeof reference, "r-%u", i);
        (void)submit((struct knock){ .reference = reference, .area = i % 2 == 0 ? "QOP" : "" });
    }
    do {
        const struct rfl_msg_cases *cases = &list(after, 4, RFL_STATUS_NONE)->cases;
        seen += cases->rows_count;
        pages++;
        (void)snprintf(after, sizeof after, "%.*s", (int)cases->next.len,
                       cases->next.len > 0 ? (const char *)cases->next.p : "");
    } while (after[0] != '\0' && pages < 10);
    assert_int_equal(seen, 11);
    assert_int_equal(pages, 3);
    const struct rfl_msg_cases *triage = &list("", 0, RFL_STATUS_TRIAGE)->cases;
    assert_int_equal(triage->rows_count, 5);
    assert_text(triage->rows[0].owner, "National triage desk");
    assert_text(triage->rows[0].next_action, "assign or redirect");
    expect_refused(list("WC-0000-0000", 4, RFL_STATUS_NONE), RFL_CODE_NOT_FOUND);
    struct rfl_ask ask = { .kind = RFL_MSG_LIST, .queue = V("no/such") };
    expect_refused(asked(SESSION_ADMIN, &ask), RFL_CODE_UNKNOWN_QUEUE);
    ask.queue = V(MANCHESTER);
    assert_int_equal(asked(SESSION_ADMIN, &ask)->cases.rows_count, 6);
}

static void queues_say_who_waits_since_when_and_for_whom(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    pass(1000);
    (void)submit((struct knock){ .reference = "b", .urgent = true });
    (void)subscribe(SESSION_ANNA, "anna", MANCHESTER, 0);
    struct rfl_ask ask = { .kind = RFL_MSG_QUEUE_LIST };
    bool seen = false;
    const struct rfl_reply *r = asked(SESSION_ADMIN, &ask);
    for (uint32_t i = 0; i < r->queues.rows_count; i++) {
        const struct rfl_queue_row *row = &r->queues.rows[i];
        bool here = is_text(row->name, MANCHESTER);
        seen = seen || here;
        assert_int_equal(row->waiting, here ? 2 : 0);
        assert_int_equal(row->workers, here ? 1 : 0);
        assert_int_equal(row->oldest_ms, here ? MONDAY_MS : 0);
        assert_true(row->owner.len > 0);
    }
    assert_true(seen);
    ask.after = V("no/such");
    expect_refused(asked(SESSION_ADMIN, &ask), RFL_CODE_UNKNOWN_QUEUE);
}

static void show_tells_the_story_in_order(void **state)
{
    (void)state;
    static const char *const events[] = { "received", "routed", "joined", "offered", "accepted" };
    (void)submit((struct knock){ .reference = "r", .nhs = person(1) });
    (void)submit((struct knock){ .reference = "s", .nhs = person(1) });
    struct held offer = offer_to(SESSION_ANNA, "anna");
    (void)verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    struct rfl_ask ask = { .kind = RFL_MSG_SHOW, .code = text_of(offer.code) };
    const struct rfl_reply *r = asked(SESSION_ADMIN, &ask);
    expect_kind(r, RFL_MSG_SHOWN);
    assert_int_equal(r->shown.timeline_count, 5);
    for (unsigned i = 0; i < 5; i++)
        assert_text(r->shown.timeline[i].event, events[i]);
    assert_text(r->shown.timeline[0].actor, "gp-north");
    assert_text(r->shown.timeline[1].detail, MANCHESTER " (by_referrer_area)");
    assert_text(r->shown.timeline[4].actor, "anna");
    assert_int_equal(r->shown.receipts_count, 2);
    assert_int_equal(r->shown.row.referrals, 2);
    ask.code = V("WW-XXXX-XXXX");
    expect_refused(asked(SESSION_ADMIN, &ask), RFL_CODE_NOT_FOUND);
}

static void explain_says_why_then_and_what_if(void **state)
{
    (void)state;
    struct knock k = { .reference = "r" };
    (void)submit(k);
    struct held offer = offer_to(SESSION_ANNA, "anna");
    struct rfl_ask ask = { .kind = RFL_MSG_EXPLAIN, .code = text_of(offer.code) };
    const struct rfl_reply *r = asked(SESSION_ADMIN, &ask);
    expect_kind(r, RFL_MSG_EXPLAINED);
    assert_false(r->explained.hypothetical);
    assert_int_equal(r->explained.at_ms, MONDAY_MS);
    assert_text(r->explained.reason, "by_referrer_area");
    assert_text(r->explained.queue, MANCHESTER);
    assert_int_equal(r->explained.policy.len, 12);
    assert_int_equal(r->explained.candidates_count, RFL_KEY_COUNT);
    struct rfl_store_stat before, after;
    rfl_store_stat(w.store, &before);
    k.area = "QT6";
    ask = submit_of(&k);
    ask.kind = RFL_MSG_EXPLAIN;
    ask.form.date_of_birth = V("1980-05-06");
    r = asked(SESSION_ADMIN, &ask);
    assert_true(r->explained.hypothetical);
    assert_text(r->explained.queue, CORNWALL);
    static const int64_t never[] = { -1, INT64_MIN, INT64_MAX, INT64_C(253402300800000) };
    for (unsigned i = 0; i < 4; i++) {                  /* a moment outside the calendar of dates is no moment */
        ask.at_ms = never[i];
        expect_refused(asked(SESSION_ADMIN, &ask), RFL_CODE_INVALID);
    }
    ask.at_ms = INT64_C(253402300799999);
    expect_kind(asked(SESSION_ADMIN, &ask), RFL_MSG_EXPLAINED);
    rfl_store_stat(w.store, &after);
    assert_int_equal(before.entries, after.entries);    /* asking changes nothing */
}

static void state_adds_up(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .nhs = person(1) });
    (void)submit((struct knock){ .reference = "b", .nhs = person(1) });
    (void)submit((struct knock){ .reference = "c" });
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    const struct rfl_msg_admin_state *s = &asked(SESSION_ADMIN, &ask)->admin_state;
    assert_true(s->adds_up);
    assert_int_equal(s->referrals, 3);
    assert_int_equal(s->cases, 2);
    assert_int_equal(s->joined, 1);
    assert_int_equal(s->by_status[RFL_STATUS_QUEUED], 2);
    assert_int_equal(s->log_entries, 5);                /* the epoch, the policy, three submissions */
    assert_int_equal(s->policy.len, 12);
}

static void refusal_of_a_frame_says_when_to_come_back(void **state)
{
    (void)state;
    struct rfl_ask ask = { .correlation = 9 };
    begin();
    rfl_engine_refuse(w.engine, SESSION_DOOR, &ask, RFL_CODE_BUSY);
    rfl_engine_refuse(w.engine, SESSION_DOOR, &ask, RFL_CODE_PARSE);
    must(end());
    assert_int_equal(w.said_count, 2);
    assert_int_equal(w.said[0].reply.correlation, 9);
    assert_true(w.said[0].reply.refusal.retry_after_ms > 0);
    assert_int_equal(w.said[1].reply.refusal.retry_after_ms, 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(every_door_hears_its_column_of_the_matrix),
        STORY(strict_doors_cannot_tell_one_end_from_another),
        STORY(status_is_coarse_for_strict_doors_and_whole_for_the_practice),
        STORY(mail_keeps_to_credit_and_stays_until_acknowledged),
        STORY(mailbox_opened_after_a_message_goes_on_there_whatever_the_credit),
        STORY(acknowledgement_over_another_connection_makes_room_too),
        STORY(goodbye_and_gone_return_offers_uncounted),
        STORY(worker_on_a_new_connection_hears_its_offers_with_their_tokens),
        STORY(restart_in_the_middle_loses_nothing),
        STORY(draining_finishes_what_is_begun_and_takes_nothing_new),
        STORY(turn_that_does_not_fit_is_undone_and_everybody_hears_so),
        STORY(undone_turn_hides_nobody_who_waits),
        STORY(undone_turn_leaves_subscriptions_as_they_were),
        STORY(above_the_mark_new_people_wait_and_work_goes_on),
        STORY(reconcile_finds_what_only_one_side_has),
        STORY(reconcile_answers_fit_a_frame),
        STORY(list_pages_through_every_case_once),
        STORY(queues_say_who_waits_since_when_and_for_whom),
        STORY(show_tells_the_story_in_order),
        STORY(explain_says_why_then_and_what_if),
        STORY(state_adds_up),
        STORY(refusal_of_a_frame_says_when_to_come_back),
    };
    return cmocka_run_group_tests_name("engine_life", tests, load_policy, free_policy);
}
