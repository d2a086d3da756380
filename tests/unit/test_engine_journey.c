/* The journey off the straight road: taken back, amended, met again, placed, held, linked, warned of, waiting in
 * turn. */
#include "engine_world.h"

#define DAY_MS (24 * HOUR_MS)

static const struct rfl_reply *asks(enum rfl_message_kind kind, struct rfl_ask ask)
{
    ask.kind = (uint8_t)kind;
    return asked(kind >= RFL_MSG_ADMIN_STATUS ? (uint64_t)SESSION_ADMIN : (uint64_t)SESSION_DOOR, &ask);
}

static struct held offer_to_anna(void)
{
    (void)subscribe(SESSION_ANNA, "anna", MANCHESTER, 50);
    return heard_offer(SESSION_ANNA, 0);
}

/* A case code from the list, by its place; it outlives the turn. */
static const char *case_code(unsigned n)
{
    static char codes[8][32];
    static unsigned turn;
    char *code = codes[turn++ % 8];
    const struct rfl_reply *reply = asks(RFL_MSG_LIST, (struct rfl_ask){ .limit = 50 });
    expect_kind(reply, RFL_MSG_CASES);
    assert_true(n < reply->cases.rows_count);
    (void)snprintf(code, sizeof codes[0], "%.*s", (int)reply->cases.rows[n].case_code.len,
                   (const char *)reply->cases.rows[n].case_code.p);
    return code;
}

static const struct rfl_case_row *row(unsigned n)
{
    const struct rfl_reply *reply = asks(RFL_MSG_LIST, (struct rfl_ask){ .limit = 50 });
    assert_true(n < reply->cases.rows_count);
    return &reply->cases.rows[n];
}

static struct rfl_ask operator_ask(const char *code)
{
    return (struct rfl_ask){ .code = text_of(code), .operator_name = V("desk-1"), .why = V("said on the telephone") };
}

static unsigned mail(const char *source, uint64_t session, const char *word)
{
    unsigned heard = 0;
    struct rfl_ask ask = { .kind = RFL_MSG_MAILBOX_OPEN, .source = text_of(source), .credit = 100 };
    expect_kind(asked(session, &ask), RFL_MSG_MAILBOX_OPENED);
    for (unsigned n = 0; said(session, RFL_MSG_FEEDBACK, n) != NULL; n++)
        heard += is_text(said(session, RFL_MSG_FEEDBACK, n)->feedback.word, word);
    return heard;
}

static const struct rfl_reply *withdraw(const char *source, const char *reference, enum rfl_withdraw reason)
{
    return asks(RFL_MSG_WITHDRAW, (struct rfl_ask){ .source = text_of(source), .reference = text_of(reference),
                                                    .reason = (uint8_t)reason });
}

/* ---- taken back ---- */

static void withdrawal_in_the_middle_of_an_offer_stops_everything(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    struct held offer = offer_to_anna();
    expect_kind(withdraw("gp-north", "a", RFL_WITHDRAW_PERSON), RFL_MSG_CHANGED);
    assert_non_null(said(SESSION_ANNA, RFL_MSG_NOTICE, 0));
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_NOTICE, 0)->notice.kind, RFL_NOTICE_WITHDRAWN);
    expect_refused(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_CODE_FENCED);
    expect_refused(verb(SESSION_ANNA, RFL_MSG_OUTCOME, "anna", &offer), RFL_CODE_FENCED);
    assert_int_equal(status_of("gp-north", "a")->status_report.status, RFL_STATUS_CLOSED);
    assert_int_equal(mail("gp-north", SESSION_GP, "closed"), 1);
    expect_kind(withdraw("gp-north", "a", RFL_WITHDRAW_PERSON), RFL_MSG_CHANGED);       /* asked again: said again */
    expect_refused(withdraw("gp-north", "b", RFL_WITHDRAW_PERSON), RFL_CODE_NOT_FOUND);
    expect_refused(withdraw("self-page", "a", RFL_WITHDRAW_PERSON), RFL_CODE_NOT_FOUND);
}

static void case_goes_on_while_one_referral_stands(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .nhs = person(1) });
    (void)submit((struct knock){ .source = "employer-portal", .reference = "b", .door = RFL_DOOR_EMPLOYER,
                                 .nhs = person(1) });
    expect_kind(withdraw("gp-north", "a", RFL_WITHDRAW_ENTERED_IN_ERROR), RFL_MSG_CHANGED);
    assert_int_equal(row(0)->status, RFL_STATUS_QUEUED);
    assert_int_equal(mail("gp-north", SESSION_GP, "closed"), 1);            /* of its own part, */
    assert_int_equal(mail("employer-portal", SESSION_MORE, "closed"), 0);   /* which is nobody else's */
    expect_kind(withdraw("employer-portal", "b", RFL_WITHDRAW_REVOKED), RFL_MSG_CHANGED);
    assert_int_equal(row(0)->status, RFL_STATUS_CLOSED);
    assert_int_equal(mail("gp-north", SESSION_GP, "closed"), 1);            /* and nothing after it */
    assert_int_equal(mail("employer-portal", SESSION_MORE, "closed"), 1);
}

static void consent_goes_with_the_referral_that_had_it(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .nhs = person(1), .consent = RFL_CONSENT_NOT_GIVEN });
    (void)submit((struct knock){ .source = "self-page", .reference = "b", .door = RFL_DOOR_SELF, .nhs = person(1) });
    struct held offer = offer_to_anna();
    expect_kind(withdraw("self-page", "b", RFL_WITHDRAW_REVOKED), RFL_MSG_CHANGED);
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_NOTICE, 0)->notice.kind, RFL_NOTICE_WITHDRAWN);
    assert_text(row(0)->hold, "consent");
    expect_refused(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_CODE_FENCED);
    assert_int_equal(mail("gp-north", SESSION_GP, "held"), 2);          /* at the beginning, and now again */
    assert_int_equal(mail("self-page", SESSION_MORE, "closed"), 1);
    assert_int_equal(mail("self-page", SESSION_MORE, "held"), 0);       /* it hears nothing more */
    (void)submit((struct knock){ .source = "self-page", .reference = "c", .door = RFL_DOOR_SELF, .nhs = person(1) });
    offer = heard_offer(SESSION_ANNA, 0);
    (void)submit((struct knock){ .source = "self-page", .reference = "d", .door = RFL_DOOR_SELF, .nhs = person(1) });
    expect_kind(withdraw("self-page", "c", RFL_WITHDRAW_REVOKED), RFL_MSG_CHANGED);
    assert_int_equal(row(0)->status, RFL_STATUS_OFFERED);               /* d has consent as well */
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_MSG_RECORD);
    expect_kind(withdraw("self-page", "d", RFL_WITHDRAW_REVOKED), RFL_MSG_CHANGED);
    assert_int_equal(row(0)->status, RFL_STATUS_ACCEPTED);              /* somebody has said yes already */
}

/* ---- amended ---- */

static struct rfl_ask amendment(const char *reference, const char *body, uint32_t version)
{
    struct rfl_ask ask = submit_of(&(struct knock){ .reference = reference, .body = body });
    ask.version = version;
    return ask;
}

static void newer_body_reaches_who_holds_the_case(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .body = "first" });
    struct held offer = offer_to_anna();
    (void)verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    const struct rfl_reply *reply = asks(RFL_MSG_AMEND, amendment("a", "second", 0));
    expect_kind(reply, RFL_MSG_CHANGED);
    assert_int_equal(reply->changed.version, 1);
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_NOTICE, 0)->notice.kind, RFL_NOTICE_AMENDED);
    expect_refused(asks(RFL_MSG_AMEND, amendment("a", "third", 0)), RFL_CODE_VERSION_CONFLICT);
    expect_kind(asks(RFL_MSG_AMEND, amendment("a", "second", 7)), RFL_MSG_CHANGED);     /* the newest already */
    reply = verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    expect_kind(reply, RFL_MSG_RECORD);
    assert_text(reply->record.referral, "second");
    reply = submit((struct knock){ .reference = "a", .body = "first" });
    expect_kind(reply, RFL_MSG_RECEIPT);
    assert_true(reply->receipt.replayed);
    expect_refused(submit((struct knock){ .reference = "a", .body = "second" }), RFL_CODE_CONFLICT);
}

static void amendment_moves_whoever_waits_and_consent_taken_back_holds(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .body = "first" });
    struct rfl_ask moved = amendment("a", "second", 0);
    moved.form.referrer_area = V("QT6");
    expect_kind(asks(RFL_MSG_AMEND, moved), RFL_MSG_CHANGED);
    assert_text(row(0)->queue, CORNWALL);
    struct rfl_ask taken = amendment("a", "third", 1);
    taken.form.consent = RFL_CONSENT_NOT_GIVEN;
    expect_kind(asks(RFL_MSG_AMEND, taken), RFL_MSG_CHANGED);
    assert_int_equal(row(0)->status, RFL_STATUS_ON_HOLD);
    assert_text(row(0)->hold, "consent");
    assert_int_equal(mail("gp-north", SESSION_GP, "held"), 1);
    expect_kind(asks(RFL_MSG_AMEND, amendment("a", "fourth", 2)), RFL_MSG_CHANGED);
    assert_int_equal(row(0)->status, RFL_STATUS_QUEUED);
    assert_text(row(0)->queue, MANCHESTER);
}

static void consent_taken_back_while_a_case_rests_holds_it_when_it_is_unlinked(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .body = "of a" });
    (void)submit((struct knock){ .source = "self-page", .reference = "b", .door = RFL_DOOR_SELF, .body = "of b" });
    struct rfl_ask link = operator_ask(case_code(0));
    link.to = text_of(case_code(1));
    expect_kind(asks(RFL_MSG_LINK, link), RFL_MSG_ACTED);
    struct rfl_ask taken = amendment("a", "no more", 0);
    taken.form.consent = RFL_CONSENT_NOT_GIVEN;
    expect_kind(asks(RFL_MSG_AMEND, taken), RFL_MSG_CHANGED);
    expect_kind(asks(RFL_MSG_UNLINK, operator_ask(case_code(0))), RFL_MSG_ACTED);
    assert_int_equal(row(0)->status, RFL_STATUS_ON_HOLD);
    assert_text(row(0)->hold, "consent");
    assert_int_equal(row(1)->status, RFL_STATUS_QUEUED);
}

/* ---- met again ---- */

static void key_that_an_amendment_takes_away_still_finds_who_has_it(void **state)
{
    (void)state;
    struct rfl_ask first = submit_of(&(struct knock){ .reference = "a", .nhs = person(1) });
    first.form.nino = V("AB123456C");
    expect_kind(asks(RFL_MSG_SUBMIT, first), RFL_MSG_RECEIPT);
    struct rfl_ask second = submit_of(&(struct knock){ .reference = "b", .nhs = person(1) });
    second.form.nino = V("AB123456C");
    assert_true(asks(RFL_MSG_SUBMIT, second)->receipt.joined);
    struct rfl_ask changed = amendment("b", "with another number", 0);
    changed.form.nhs_number = text_of(person(1));
    changed.form.nino = V("JA100000A");
    expect_kind(asks(RFL_MSG_AMEND, changed), RFL_MSG_CHANGED);
    for (unsigned round = 0; round < 2; round++) {
        struct rfl_ask again = submit_of(&(struct knock){ .reference = round == 0 ? "c" : "d" });
        again.form.nino = V("AB123456C");
        assert_true(asks(RFL_MSG_SUBMIT, again)->receipt.joined);       /* the first still has it, */
        restart();                                                      /* and opening the store finds the same */
    }
    struct rfl_ask other = submit_of(&(struct knock){ .reference = "e" });
    other.form.nino = V("JA100000A");
    assert_true(asks(RFL_MSG_SUBMIT, other)->receipt.joined);
}

static void person_is_known_by_weaker_keys_and_likeness_is_for_people_to_judge(void **state)
{
    (void)state;
    struct rfl_ask first = submit_of(&(struct knock){ .reference = "a", .nhs = person(1) });
    first.form.nino = V("AB123456C");
    expect_kind(asks(RFL_MSG_SUBMIT, first), RFL_MSG_RECEIPT);
    struct rfl_ask again = submit_of(&(struct knock){ .source = "self-page", .reference = "b",
                                                      .door = RFL_DOOR_SELF });
    again.form.nino = V("ab 12 34 56");
    assert_true(asks(RFL_MSG_SUBMIT, again)->receipt.joined);
    struct rfl_ask like = submit_of(&(struct knock){ .reference = "c", .nhs = person(50) });
    like.form.nino = V("AB123456D");
    assert_false(asks(RFL_MSG_SUBMIT, like)->receipt.joined);
    char other[32];
    (void)snprintf(other, sizeof other, "%s", case_code(0));
    assert_text(row(1)->resembles, other);
    assert_int_equal(row(0)->resembles.len, 0);
    expect_kind(asks(RFL_MSG_UNLINK, operator_ask(case_code(1))), RFL_MSG_ACTED);      /* they are two people */
    assert_int_equal(row(1)->resembles.len, 0);
}

static void after_a_persons_no_others_wait_and_they_themselves_do_not(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .nhs = person(1) });
    (void)withdraw("gp-north", "a", RFL_WITHDRAW_PERSON);
    (void)submit((struct knock){ .source = "jobcentre-feed", .reference = "b", .door = RFL_DOOR_JOBCENTRE,
                                 .nhs = person(1) });
    assert_int_equal(row(1)->status, RFL_STATUS_ON_HOLD);
    assert_text(row(1)->hold, "do_not_contact");
    assert_int_equal(mail("jobcentre-feed", SESSION_MORE, "held"), 0);  /* that there was a no: nobody's business */
    expect_refused(asks(RFL_MSG_PLACE, operator_ask(case_code(1))), RFL_CODE_UNKNOWN_QUEUE);
    (void)submit((struct knock){ .source = "self-page", .reference = "c", .door = RFL_DOOR_SELF, .nhs = person(1) });
    assert_int_equal(row(1)->status, RFL_STATUS_QUEUED);
    (void)withdraw("self-page", "c", RFL_WITHDRAW_PERSON);
    (void)submit((struct knock){ .source = "jobcentre-feed", .reference = "d", .door = RFL_DOOR_JOBCENTRE,
                                 .nhs = person(1) });
    assert_text(row(2)->hold, "do_not_contact");
    pass(rfl_policy_quiet_ms(shipped_policy) + HOUR_MS);
    assert_int_equal(row(2)->status, RFL_STATUS_QUEUED);
}

/* ---- the desk ---- */

static void decline_is_a_proposal_that_the_desk_answers(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    struct held offer = offer_to_anna();
    expect_kind(verb(SESSION_ANNA, RFL_MSG_DECLINE, "anna", &offer), RFL_MSG_DONE);
    struct rfl_ask place = operator_ask(case_code(0));
    place.queue = V(MANCHESTER);
    expect_refused(asks(RFL_MSG_PLACE, place), RFL_CODE_INVALID);       /* it said no */
    place.why.len = 0;
    expect_refused(asks(RFL_MSG_PLACE, place), RFL_CODE_REASON_MISSING);
    place = operator_ask(case_code(0));
    place.queue = V(CORNWALL);
    place.dry_run = true;
    uint64_t entries;
    struct rfl_store_stat stat;
    rfl_store_stat(w.store, &stat);
    entries = stat.entries;
    const struct rfl_reply *reply = asks(RFL_MSG_PLACE, place);
    expect_kind(reply, RFL_MSG_ACTED);
    assert_int_equal(reply->acted.before.status, RFL_STATUS_DECLINING);
    assert_int_equal(reply->acted.after.status, RFL_STATUS_QUEUED);
    assert_text(reply->acted.after.queue, CORNWALL);
    assert_text(reply->acted.events[0], "moved");
    rfl_store_stat(w.store, &stat);
    assert_int_equal(stat.entries, entries);
    assert_int_equal(row(0)->status, RFL_STATUS_DECLINING);
    expect_kind(asks(RFL_MSG_SEND_BACK, operator_ask(case_code(0))), RFL_MSG_ACTED);
    struct held again = heard_offer(SESSION_ANNA, 0);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &again), RFL_MSG_RECORD);
}

static bool names(const struct rfl_msg_refusal *refusal, const char *word)
{
    for (uint32_t i = 0; i < refusal->legal_count; i++)
        if (is_text(refusal->legal[i], word))
            return true;
    return false;
}

static void refusal_of_a_status_names_what_is_possible(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    const struct rfl_reply *reply = asks(RFL_MSG_SEND_BACK, operator_ask(case_code(0)));
    expect_refused(reply, RFL_CODE_STATE);
    assert_true(names(&reply->refusal, "place") && names(&reply->refusal, "hold") && names(&reply->refusal, "shut") &&
                names(&reply->refusal, "link"));
    assert_false(names(&reply->refusal, "send_back") || names(&reply->refusal, "accept"));
    struct held offer = offer_to_anna();
    reply = verb(SESSION_ANNA, RFL_MSG_STARTED, "anna", &offer);
    expect_refused(reply, RFL_CODE_STATE);
    assert_true(names(&reply->refusal, "accept") && names(&reply->refusal, "decline") &&
                names(&reply->refusal, "touch"));
    assert_false(names(&reply->refusal, "started") || names(&reply->refusal, "shut"));
}

static void hold_needs_an_end_and_ends_by_itself(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    struct rfl_ask hold = operator_ask(case_code(0));
    expect_refused(asks(RFL_MSG_HOLD, hold), RFL_CODE_INVALID);
    hold.at_ms = w.now.wall_ms + 2 * HOUR_MS;
    expect_kind(asks(RFL_MSG_HOLD, hold), RFL_MSG_ACTED);
    assert_text(row(0)->hold, "operator");
    pass(2 * HOUR_MS);
    assert_int_equal(row(0)->status, RFL_STATUS_QUEUED);
}

static struct rfl_case stored(uint64_t id)
{
    struct rfl_case kase;
    must(rfl_store_begin(w.store));
    must(rfl_store_case(w.store, (struct rfl_case_id){ id }, &kase));
    rfl_store_abort(w.store);
    return kase;
}

static void link_and_unlink_leave_everything_as_it_was(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .body = "of a" });
    (void)submit((struct knock){ .source = "self-page", .reference = "b", .door = RFL_DOOR_SELF, .body = "of b" });
    struct rfl_case before = stored(1);
    struct rfl_ask link = operator_ask(case_code(0));
    char to[32];
    (void)snprintf(to, sizeof to, "%s", case_code(1));
    link.to = text_of(case_code(0));
    expect_refused(asks(RFL_MSG_LINK, link), RFL_CODE_INVALID);         /* to itself */
    link.to = text_of(to);
    expect_kind(asks(RFL_MSG_LINK, link), RFL_MSG_ACTED);
    assert_text(row(0)->linked_to, to);
    expect_refused(asks(RFL_MSG_HOLD, operator_ask(case_code(0))), RFL_CODE_STATE);
    expect_kind(asks(RFL_MSG_UNLINK, operator_ask(case_code(0))), RFL_MSG_ACTED);
    struct rfl_case after = stored(1);
    after.version = before.version;             /* two more entries speak of it: that is all */
    after.last_seq = before.last_seq;
    uint8_t bytes[2][RFL_CASE_BYTES];
    rfl_case_encode(&before, bytes[0]);
    rfl_case_encode(&after, bytes[1]);
    assert_memory_equal(bytes[0], bytes[1], RFL_CASE_BYTES);
    struct rfl_store_stat stat;
    rfl_store_stat(w.store, &stat);
    assert_int_equal(stat.mailbox_rows, 0);
}

static void linked_case_is_told_with_the_one_it_rests_on(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .body = "of a" });
    (void)submit((struct knock){ .source = "self-page", .reference = "b", .door = RFL_DOOR_SELF, .body = "of b" });
    struct rfl_ask link = operator_ask(case_code(0));
    link.to = text_of(case_code(1));
    expect_kind(asks(RFL_MSG_LINK, link), RFL_MSG_ACTED);
    struct held offer = offer_to_anna();
    assert_null(said(SESSION_ANNA, RFL_MSG_OFFER, 1));
    (void)verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_RECORD), 2);
    assert_int_equal(mail("gp-north", SESSION_GP, "accepted"), 1);
    assert_int_equal(mail("self-page", SESSION_MORE, "accepted"), 1);
    /* The person's no through the door of the case that rests ends the journey. */
    expect_kind(withdraw("gp-north", "a", RFL_WITHDRAW_PERSON), RFL_MSG_CHANGED);
    assert_int_equal(stored(2).status, RFL_STATUS_CLOSED);
    assert_int_equal(stored(2).close, RFL_CLOSE_PERSON_DECLINED);
}

static void linked_case_says_so_when_it_refuses(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .body = "of a" });
    (void)submit((struct knock){ .source = "self-page", .reference = "b", .door = RFL_DOOR_SELF, .body = "of b" });
    struct held offer = offer_to_anna();
    struct rfl_ask link = operator_ask(offer.code);
    link.to = text_of(is_text(text_of(offer.code), case_code(0)) ? case_code(1) : case_code(0));
    expect_kind(asks(RFL_MSG_LINK, link), RFL_MSG_ACTED);
    const struct rfl_reply *reply = asks(RFL_MSG_HOLD, operator_ask(offer.code));
    expect_refused(reply, RFL_CODE_STATE);
    assert_true(reply->refusal.legal_count == 3 && names(&reply->refusal, "unlink") &&
                names(&reply->refusal, "amend") && names(&reply->refusal, "withdraw"));
    reply = verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    expect_refused(reply, RFL_CODE_STATE);
    assert_true(reply->refusal.legal_count == 3 && names(&reply->refusal, "unlink"));
}

static void release_goes_to_no_queue_that_said_no(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    struct held offer = offer_to_anna();
    expect_kind(verb(SESSION_ANNA, RFL_MSG_DECLINE, "anna", &offer), RFL_MSG_DONE);
    struct rfl_ask hold = operator_ask(offer.code), release = operator_ask(offer.code);
    hold.at_ms = w.now.wall_ms + 2 * HOUR_MS;
    expect_kind(asks(RFL_MSG_HOLD, hold), RFL_MSG_ACTED);
    release.queue = V(MANCHESTER);
    release.override_no = true;                                         /* which only Place has */
    expect_refused(asks(RFL_MSG_RELEASE, release), RFL_CODE_INVALID);
    release.queue.len = 0;
    expect_kind(asks(RFL_MSG_RELEASE, release), RFL_MSG_ACTED);
    assert_int_equal(row(0)->status, RFL_STATUS_TRIAGE);
    release.queue = V(MANCHESTER);
    expect_kind(asks(RFL_MSG_PLACE, release), RFL_MSG_ACTED);
}

static void timeline_says_where_why_there_and_who(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    struct held offer = offer_to_anna();
    expect_kind(verb(SESSION_ANNA, RFL_MSG_DECLINE, "anna", &offer), RFL_MSG_DONE);
    struct rfl_ask place = operator_ask(offer.code);
    place.queue = V(MANCHESTER);
    place.override_no = true;
    expect_kind(asks(RFL_MSG_PLACE, place), RFL_MSG_ACTED);
    const struct rfl_reply *reply = asks(RFL_MSG_SHOW, (struct rfl_ask){ .code = text_of(offer.code) });
    expect_kind(reply, RFL_MSG_SHOWN);
    const struct rfl_timeline_row *rows = reply->shown.timeline;
    uint32_t routed = 0, moved = 0;
    for (uint32_t i = 0; i < reply->shown.timeline_count; i++) {
        routed = is_text(rows[i].event, "routed") ? i : routed;
        moved = is_text(rows[i].event, "moved") ? i : moved;
    }
    assert_text(rows[1].detail, MANCHESTER " (by_referrer_area)");
    assert_text(rows[moved].actor, "desk-1");
    assert_text(rows[moved].detail, "");                                /* nothing that the operator wrote */
    assert_text(rows[routed].detail, MANCHESTER " (placed_despite_no)");
}

static void case_that_rests_is_closed_with_the_one_it_rests_on(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .body = "of a" });
    (void)submit((struct knock){ .source = "self-page", .reference = "b", .door = RFL_DOOR_SELF, .body = "of b" });
    struct rfl_ask link = operator_ask(case_code(0));
    link.to = text_of(case_code(1));
    expect_kind(asks(RFL_MSG_LINK, link), RFL_MSG_ACTED);
    struct rfl_ask shut = operator_ask(case_code(1));
    shut.reason = RFL_CLOSE_JOINED_OTHER_CASE;
    expect_refused(asks(RFL_MSG_SHUT, shut), RFL_CODE_INVALID);         /* nobody's to say */
    shut.reason = RFL_CLOSE_COMPLETED;
    expect_kind(asks(RFL_MSG_SHUT, shut), RFL_MSG_ACTED);
    assert_int_equal(stored(1).status, RFL_STATUS_CLOSED);              /* in the same turn: no open case rests on it */
    assert_int_equal(stored(1).close, RFL_CLOSE_JOINED_OTHER_CASE);
    assert_int_equal(stored(1).linked_to.v, 2);
    assert_int_equal(mail("gp-north", SESSION_GP, "closed"), 1);        /* told once, of the closing of the whole */
    assert_text(said(SESSION_GP, RFL_MSG_FEEDBACK, 0)->feedback.detail, "completed");
    assert_int_equal(mail("self-page", SESSION_MORE, "closed"), 1);
    expect_refused(asks(RFL_MSG_UNLINK, operator_ask(case_code(0))), RFL_CODE_STATE);
    expect_refused(withdraw("gp-north", "a", RFL_WITHDRAW_REVOKED), RFL_CODE_STATE);
    restart();
    assert_int_equal(status_of("gp-north", "a")->status_report.status, RFL_STATUS_CLOSED);
}

/* ---- queues ---- */

static struct rfl_ask setting(enum rfl_queue_mode mode, int64_t until_ms)
{
    return (struct rfl_ask){ .operator_name = V("desk-1"), .why = V("flood in the building"), .queue = V(MANCHESTER),
                             .mode = (uint8_t)mode, .at_ms = until_ms };
}

static void what_is_said_of_a_queue_holds_and_ends_by_itself(void **state)
{
    (void)state;
    int64_t until_ms = w.now.wall_ms + HOUR_MS;
    expect_refused(asks(RFL_MSG_QUEUE_SET, setting(RFL_QUEUE_MODE_PAUSE, 0)), RFL_CODE_INVALID);
    const struct rfl_reply *reply = asks(RFL_MSG_QUEUE_SET, setting(RFL_QUEUE_MODE_PAUSE, until_ms));
    expect_kind(reply, RFL_MSG_ACTED);
    assert_int_equal(reply->acted.queue.mode, RFL_QUEUE_MODE_PAUSE);
    assert_text(reply->acted.queue.why, "flood in the building");
    (void)submit((struct knock){ .reference = "a" });
    (void)subscribe(SESSION_ANNA, "anna", MANCHESTER, 5);
    assert_null(said(SESSION_ANNA, RFL_MSG_OFFER, 0));
    assert_int_equal(rfl_engine_next_due(w.engine) <= until_ms, true);
    struct rfl_ask ping = { .kind = RFL_MSG_PING };
    at(until_ms - 1000);
    (void)asked(SESSION_ANNA, &ping);
    pass(1000);
    assert_non_null(said(SESSION_ANNA, RFL_MSG_OFFER, 0));

    until_ms = w.now.wall_ms + HOUR_MS;
    expect_kind(asks(RFL_MSG_QUEUE_SET, setting(RFL_QUEUE_MODE_HOLD, until_ms)), RFL_MSG_ACTED);
    (void)submit((struct knock){ .reference = "b" });
    assert_int_equal(row(1)->status, RFL_STATUS_TRIAGE);
    expect_kind(asks(RFL_MSG_QUEUE_SET, setting(RFL_QUEUE_MODE_CLEAR, 0)), RFL_MSG_ACTED);
    struct rfl_ask divert = setting(RFL_QUEUE_MODE_DIVERT, until_ms);
    divert.to = V(CORNWALL);
    expect_kind(asks(RFL_MSG_QUEUE_SET, divert), RFL_MSG_ACTED);
    restart();
    (void)submit((struct knock){ .reference = "c" });
    assert_text(row(2)->queue, CORNWALL);
    at(until_ms);
    (void)submit((struct knock){ .reference = "d" });
    assert_text(row(3)->queue, MANCHESTER);
}

static void redirect_that_a_diversion_leads_back_goes_to_triage(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    struct held offer = offer_to_anna();
    struct rfl_ask divert = setting(RFL_QUEUE_MODE_DIVERT, w.now.wall_ms + HOUR_MS);
    divert.queue = V(CORNWALL);
    divert.to = V(MANCHESTER);
    expect_kind(asks(RFL_MSG_QUEUE_SET, divert), RFL_MSG_ACTED);
    struct rfl_ask redirect = verb_of(RFL_MSG_REDIRECT, "anna", &offer);
    redirect.queue = V(MANCHESTER);
    expect_refused(asked(SESSION_ANNA, &redirect), RFL_CODE_INVALID);   /* where it is */
    redirect.queue = V(CORNWALL);
    expect_kind(asked(SESSION_ANNA, &redirect), RFL_MSG_DONE);
    assert_int_equal(row(0)->status, RFL_STATUS_TRIAGE);
    assert_text(row(0)->queue, "greater-manchester/triage");
}

static void capacity_is_what_may_be_in_hand_at_once(void **state)
{
    (void)state;
    struct rfl_ask limit = setting(RFL_QUEUE_MODE_CAPACITY, w.now.wall_ms + DAY_MS);
    limit.capacity = 1;
    expect_kind(asks(RFL_MSG_QUEUE_SET, limit), RFL_MSG_ACTED);
    (void)submit((struct knock){ .reference = "a" });
    (void)submit((struct knock){ .reference = "b" });
    struct held offer = offer_to_anna();
    assert_null(said(SESSION_ANNA, RFL_MSG_OFFER, 1));
    (void)verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    assert_null(said(SESSION_ANNA, RFL_MSG_OFFER, 0));
    struct rfl_ask shut = verb_of(RFL_MSG_CLOSE, "anna", &offer);
    shut.reason = RFL_CLOSE_COMPLETED;
    expect_kind(asked(SESSION_ANNA, &shut), RFL_MSG_DONE);
    assert_non_null(said(SESSION_ANNA, RFL_MSG_OFFER, 0));
}

/* ---- in turn ---- */

static void flood_through_one_door_delays_anothers_head_by_its_share_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        char reference[16];
        (void)snprintf(reference, sizeof reference, "e-%u", i);
        (void)submit((struct knock){ .source = "employer-portal", .reference = reference, .door = RFL_DOOR_EMPLOYER });
    }
    w.now.wall_ms += 1000;
    (void)submit((struct knock){ .reference = "a" });
    (void)submit((struct knock){ .reference = "b" });
    (void)subscribe(SESSION_ANNA, "anna", MANCHESTER, 4);
    unsigned practice = 0;
    for (unsigned n = 0; n < 4; n++)
        practice += said(SESSION_ANNA, RFL_MSG_OFFER, n)->offer.door == RFL_DOOR_GP;
    assert_int_equal(practice, 2);
}

static void routine_that_has_waited_long_enough_counts_as_urgent(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "old" });
    pass(16 * DAY_MS);
    for (unsigned i = 0; i < 10; i++) {
        char reference[16];
        (void)snprintf(reference, sizeof reference, "u-%u", i);
        (void)submit((struct knock){ .reference = reference, .urgent = true });
    }
    (void)subscribe(SESSION_ANNA, "anna", MANCHESTER, 1);
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.band, RFL_BAND_ROUTINE);
}

static void mark_of_any_referral_is_seen_before_the_yes(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a", .nhs = person(1) });
    struct rfl_ask joins = submit_of(&(struct knock){ .source = "self-page", .reference = "b", .door = RFL_DOOR_SELF,
                                                      .nhs = person(1) });
    joins.form.safeguarding = true;
    assert_true(asks(RFL_MSG_SUBMIT, joins)->receipt.joined);
    struct rfl_ask other = submit_of(&(struct knock){ .reference = "c" });
    other.form.step_free = true;
    expect_kind(asks(RFL_MSG_SUBMIT, other), RFL_MSG_RECEIPT);
    struct rfl_ask link = operator_ask(case_code(1));
    link.to = text_of(case_code(0));
    expect_kind(asks(RFL_MSG_LINK, link), RFL_MSG_ACTED);
    (void)offer_to_anna();
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.flags, RFL_FLAG_SAFEGUARDING | RFL_FLAG_STEP_FREE);
    expect_kind(withdraw("self-page", "b", RFL_WITHDRAW_REVOKED), RFL_MSG_CHANGED);
    (void)subscribe(SESSION_ANNA, "anna", MANCHESTER, 50);              /* what was taken back says nothing more */
    assert_int_equal(said(SESSION_ANNA, RFL_MSG_OFFER, 0)->offer.flags, RFL_FLAG_STEP_FREE);
}

/* ---- clocks ---- */

static void clock_warns_at_half_and_at_most_and_then_asks_the_superior(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    pass(23 * HOUR_MS);                                     /* Tuesday 09:00: seven of sixteen working hours */
    assert_int_equal(mail("gp-north", SESSION_GP, "waiting"), 0);
    pass(HOUR_MS);                                          /* eight */
    assert_int_equal(mail("gp-north", SESSION_GP, "waiting"), 1);
    assert_int_equal(counter("warnings"), 1);
    pass(5 * HOUR_MS);                                      /* thirteen: past 80 % */
    assert_int_equal(counter("warnings"), 2);
    assert_int_equal(mail("gp-north", SESSION_GP, "waiting"), 1);
    pass(19 * HOUR_MS);                                     /* Wednesday 10:00: over */
    assert_int_equal(counter("escalations"), 1);
    assert_int_equal(row(0)->escalation, 1);
    assert_int_equal(mail("gp-north", SESSION_GP, "waiting"), 2);
}

static void referral_hears_of_what_it_chose(void **state)
{
    (void)state;
    struct rfl_ask ask = submit_of(&(struct knock){ .reference = "a" });
    ask.form.notify = 1 << RFL_NOTIFY_CLOSED;
    expect_kind(asks(RFL_MSG_SUBMIT, ask), RFL_MSG_RECEIPT);
    struct held offer = offer_to_anna();
    (void)verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    (void)verb(SESSION_ANNA, RFL_MSG_STARTED, "anna", &offer);
    struct rfl_ask done = verb_of(RFL_MSG_CLOSE, "anna", &offer);
    expect_kind(asked(SESSION_ANNA, &done), RFL_MSG_DONE);
    assert_int_equal(mail("gp-north", SESSION_GP, "accepted") + mail("gp-north", SESSION_GP, "started"), 0);
    assert_int_equal(mail("gp-north", SESSION_GP, "closed"), 1);
}

static void late_case_is_taken_from_a_provider_that_is_gone(void **state)
{
    (void)state;
    (void)submit((struct knock){ .reference = "a" });
    struct held offer = offer_to_anna();
    (void)verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer);
    struct rfl_ask place = operator_ask(case_code(0));
    place.queue = V(CORNWALL);
    expect_refused(asks(RFL_MSG_PLACE, place), RFL_CODE_STATE);        /* it is theirs, and not late */
    pass(8 * DAY_MS);
    assert_true(row(0)->escalation > 0);
    expect_kind(asks(RFL_MSG_PLACE, place), RFL_MSG_ACTED);
    assert_int_equal(row(0)->status, RFL_STATUS_QUEUED);
    (void)subscribe(SESSION_ANNA, "anna", MANCHESTER, 5);
    expect_refused(verb(SESSION_ANNA, RFL_MSG_STARTED, "anna", &offer), RFL_CODE_FENCED);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(withdrawal_in_the_middle_of_an_offer_stops_everything),
        STORY(case_goes_on_while_one_referral_stands),
        STORY(consent_goes_with_the_referral_that_had_it),
        STORY(newer_body_reaches_who_holds_the_case),
        STORY(amendment_moves_whoever_waits_and_consent_taken_back_holds),
        STORY(person_is_known_by_weaker_keys_and_likeness_is_for_people_to_judge),
        STORY(key_that_an_amendment_takes_away_still_finds_who_has_it),
        STORY(after_a_persons_no_others_wait_and_they_themselves_do_not),
        STORY(decline_is_a_proposal_that_the_desk_answers),
        STORY(refusal_of_a_status_names_what_is_possible),
        STORY(hold_needs_an_end_and_ends_by_itself),
        STORY(consent_taken_back_while_a_case_rests_holds_it_when_it_is_unlinked),
        STORY(link_and_unlink_leave_everything_as_it_was),
        STORY(linked_case_is_told_with_the_one_it_rests_on),
        STORY(linked_case_says_so_when_it_refuses),
        STORY(release_goes_to_no_queue_that_said_no),
        STORY(timeline_says_where_why_there_and_who),
        STORY(case_that_rests_is_closed_with_the_one_it_rests_on),
        STORY(what_is_said_of_a_queue_holds_and_ends_by_itself),
        STORY(redirect_that_a_diversion_leads_back_goes_to_triage),
        STORY(capacity_is_what_may_be_in_hand_at_once),
        STORY(mark_of_any_referral_is_seen_before_the_yes),
        STORY(flood_through_one_door_delays_anothers_head_by_its_share_only),
        STORY(routine_that_has_waited_long_enough_counts_as_urgent),
        STORY(clock_warns_at_half_and_at_most_and_then_asks_the_superior),
        STORY(referral_hears_of_what_it_chose),
        STORY(late_case_is_taken_from_a_provider_that_is_gone),
    };
    return cmocka_run_group_tests_name("engine_journey", tests, load_policy, free_policy);
}
