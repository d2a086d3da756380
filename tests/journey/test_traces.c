/* Traces: what the simulator found, told again in the few steps that matter. Each is named after what is expected, and
 * each failed before the engine was mended. Real engine, store and policy; the clock is a variable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "canaries.h"
#include "rfl_decide.h"
#include "world.h"

enum { DOOR_SESSION = 10, DESK_SESSION = 20, WORKER_SESSION = 30, HEARD_MAX = 64, TEXT = 48 };
#define HOUR_MS INT64_C(3600000)
#define MANCHESTER "greater-manchester/intake"
#define BLACK_COUNTRY "black-country/intake"
#define IN_MANCHESTER "QA1 1AA"
#define IN_BLACK_COUNTRY "QA1 1AU"

static struct world world;
static uint64_t correlation;

/* What was said in the latest turn without being asked for. */
static struct heard { char code[TEXT], word[TEXT], provider[TEXT]; struct rfl_token token; uint8_t kind; }
    heard[HEARD_MAX];
static unsigned heard_count;

static struct rfl_view text(const char *s) { return (struct rfl_view){ (const uint8_t *)s, strlen(s) }; }

static void copy(char out[TEXT], struct rfl_view view)
{
    (void)snprintf(out, TEXT, "%.*s", (int)view.len, view.len == 0 ? "" : (const char *)view.p);
}

/* ---- turns of one ask ---- */

static void begin(int64_t advance_ms)
{
    world.now.wall_ms += advance_ms;
    world.now.boot_ms += advance_ms;
    assert_int_equal(rfl_engine_begin(world.engine, &world.now), RFL_E_OK);
}

static void end(void)
{
    uint32_t count;
    rfl_engine_settle(world.engine);
    assert_int_equal(rfl_engine_commit(world.engine), RFL_E_OK);
    const struct rfl_outgoing *out = rfl_engine_outbox(world.engine, &count);
    heard_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct rfl_reply *reply = &out[i].reply;
        if (reply->kind != RFL_MSG_OFFER && reply->kind != RFL_MSG_FEEDBACK)
            continue;
        assert_true(heard_count < HEARD_MAX);
        struct heard *said = &heard[heard_count++];
        memset(said, 0, sizeof *said);
        said->kind = reply->kind;
        if (reply->kind == RFL_MSG_OFFER) {
            copy(said->code, reply->offer.case_code);
            said->token = reply->offer.token;
        } else {
            copy(said->word, reply->feedback.word);
            copy(said->provider, reply->feedback.provider);
        }
    }
}

/* The first answer; every ask has one, whatever it asks. */
static const struct rfl_reply *ask(uint64_t session, struct rfl_ask *what)
{
    uint32_t before, after;
    (void)rfl_engine_outbox(world.engine, &before);
    what->correlation = ++correlation;
    rfl_engine_handle(world.engine, session, what);
    const struct rfl_outgoing *out = rfl_engine_outbox(world.engine, &after);
    for (; before < after; before++)
        if (out[before].session == session && out[before].reply.correlation == correlation)
            return &out[before].reply;
    fail_msg("%s was not answered", rfl_message_name((enum rfl_message_kind)what->kind));
    return NULL;
}

/* A turn of its own for one ask; refused: RFL_CODE_*; else OK, and of the kind that is expected. */
static enum rfl_code turn(uint64_t session, struct rfl_ask *what, enum rfl_message_kind success)
{
    begin(1000);
    const struct rfl_reply *reply = ask(session, what);
    enum rfl_code code = reply->kind == RFL_MSG_REFUSAL ? (enum rfl_code)reply->refusal.code : RFL_CODE_OK;
    if (code == RFL_CODE_OK)
        assert_int_equal(reply->kind, success);
    end();
    return code;
}

/* ---- referrals ---- */

struct person { const char *nhs_number, *nino, *postcode; };

static struct rfl_ask referral_ask(enum rfl_message_kind kind, const char *reference, const struct person *person,
                                   const char *note)
{
    static uint8_t body[1024];
    struct rfl_ask what = { .kind = (uint8_t)kind, .source = text("gp-north"), .reference = text(reference) };
    what.form = (struct rfl_form){ .name = text(CANARY_NAME), .phone = text(CANARY_PHONE),
                                   .address = text(CANARY_STREET), .contact_notes = text(CANARY_NOTES),
                                   .door = RFL_DOOR_GP, .consent = RFL_CONSENT_GIVEN, .has_band = true,
                                   .band = RFL_BAND_ROUTINE, .postcode = text(person->postcode),
                                   .correlation_id = text(note) };
    if (person->nhs_number != NULL)
        what.form.nhs_number = text(person->nhs_number);
    if (person->nino != NULL)
        what.form.nino = text(person->nino);
    what.referral = (struct rfl_view){ body, rfl_wire_encode_form(&what.form, body, sizeof body) };
    assert_int_not_equal(what.referral.len, 0);
    return what;
}

/* Gives the number of the case that it came to. */
static uint64_t refer(const char *reference, const struct person *person)
{
    struct rfl_store_stat stat;
    struct rfl_referral referral;
    struct rfl_ask what = referral_ask(RFL_MSG_SUBMIT, reference, person, "");
    assert_int_equal(turn(DOOR_SESSION, &what, RFL_MSG_RECEIPT), RFL_CODE_OK);
    rfl_store_stat(world.store, &stat);
    assert_int_equal(rfl_store_begin(world.store), RFL_E_OK);
    assert_int_equal(rfl_store_referral(world.store, (struct rfl_referral_id){ stat.referrals }, &referral), RFL_E_OK);
    rfl_store_abort(world.store);
    return referral.kase.v;
}

static void amend(const char *reference, const struct person *person, uint32_t version)
{
    struct rfl_ask what = referral_ask(RFL_MSG_AMEND, reference, person, "changed");
    what.version = version;
    assert_int_equal(turn(DOOR_SESSION, &what, RFL_MSG_CHANGED), RFL_CODE_OK);
}

static void withdraw(const char *reference)
{
    struct rfl_ask what = { .kind = RFL_MSG_WITHDRAW, .source = text("gp-north"), .reference = text(reference),
                            .reason = RFL_WITHDRAW_REVOKED };
    assert_int_equal(turn(DOOR_SESSION, &what, RFL_MSG_CHANGED), RFL_CODE_OK);
}

/* ---- cases ---- */

static const char *code_of(uint64_t kase)
{
    static char codes[4][RFL_RECEIPT_BYTES];
    static unsigned next;
    char *code = codes[next++ % 4];
    assert_int_equal(rfl_receipt_encode(rfl_store_receipt_key(world.store), RFL_RECEIPT_CASE, kase, code), RFL_E_OK);
    return code;
}

static struct rfl_case case_of(uint64_t number)
{
    struct rfl_case kase;
    assert_int_equal(rfl_store_begin(world.store), RFL_E_OK);
    assert_int_equal(rfl_store_case(world.store, (struct rfl_case_id){ number }, &kase), RFL_E_OK);
    rfl_store_abort(world.store);
    return kase;
}

static void subscribe(const char *worker, const char *queue, uint32_t credit)
{
    struct rfl_view name = text(queue);
    struct rfl_ask what = { .kind = RFL_MSG_SUBSCRIBE, .worker = text(worker), .names = &name, .names_count = 1,
                            .credit = credit };
    assert_int_equal(turn(WORKER_SESSION, &what, RFL_MSG_SUBSCRIBED), RFL_CODE_OK);
}

static unsigned offers(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < heard_count; i++)
        count += heard[i].kind == RFL_MSG_OFFER;
    return count;
}

/* The only offer of the latest turn, which is of this case. */
static struct rfl_token offered(uint64_t kase)
{
    assert_int_equal(offers(), 1);
    assert_string_equal(heard[0].code, code_of(kase));
    return heard[0].token;
}

static enum rfl_code accept(const char *worker, uint64_t kase, struct rfl_token token)
{
    struct rfl_ask what = { .kind = RFL_MSG_ACCEPT, .worker = text(worker), .code = text(code_of(kase)),
                            .token = token };
    return turn(WORKER_SESSION, &what, RFL_MSG_RECORD);
}

static struct rfl_ask order(enum rfl_message_kind kind, uint64_t kase)
{
    return (struct rfl_ask){ .kind = (uint8_t)kind, .code = text(code_of(kase)), .operator_name = text("desk"),
                             .why = text("looked at it") };
}

static enum rfl_code link_to(uint64_t kase, uint64_t other)
{
    struct rfl_ask what = order(RFL_MSG_LINK, kase);
    what.to = text(code_of(other));
    return turn(DESK_SESSION, &what, RFL_MSG_ACTED);
}

static enum rfl_code unlink_again(uint64_t kase)
{
    struct rfl_ask what = order(RFL_MSG_UNLINK, kase);
    return turn(DESK_SESSION, &what, RFL_MSG_ACTED);
}

static void set_queue(const char *queue, enum rfl_queue_mode mode, const char *to)
{
    struct rfl_ask what = { .kind = RFL_MSG_QUEUE_SET, .queue = text(queue), .mode = (uint8_t)mode,
                            .operator_name = text("desk"), .why = text("as agreed"),
                            .at_ms = world.now.wall_ms + 24 * HOUR_MS };
    if (to != NULL)
        what.to = text(to);
    assert_int_equal(turn(DESK_SESSION, &what, RFL_MSG_ACTED), RFL_CODE_OK);
}

/* ---- the traces ---- */

/* Two people's cases have one National Insurance number between them, so the newer one answers to it. Whatever happens
 * to the older one's referral, whoever comes with that number alone joins the newer one, before a restart and after. */
static const struct person older = { "9990000018", "JA100001A", IN_MANCHESTER };
static const struct person newer = { "9990000026", "JA100001A", IN_MANCHESTER };
static const struct person number_alone = { NULL, "JA100001A", IN_MANCHESTER };

static void an_older_referral_amended_changes_nothing_about_who_joins_whom(void **state)
{
    (void)state;
    uint64_t first = refer("a-1", &older), second = refer("a-2", &newer);
    assert_int_not_equal(first, second);
    amend("a-1", &older, 0);
    assert_int_equal(refer("a-3", &number_alone), second);
    amend("a-1", &newer, 1);
    amend("a-1", &older, 2);
    world_restart(&world);
    assert_int_equal(refer("a-4", &number_alone), second);
}

static void an_older_referral_withdrawn_changes_nothing_about_who_joins_whom(void **state)
{
    static const struct person older_by_nhs_number = { "9990000018", NULL, IN_MANCHESTER };
    (void)state;
    uint64_t first = refer("a-1", &older);
    assert_int_equal(refer("a-1b", &older_by_nhs_number), first);
    uint64_t second = refer("a-2", &newer);
    assert_int_not_equal(first, second);
    withdraw("a-1");
    assert_int_equal(refer("a-3", &number_alone), second);
    world_restart(&world);
    assert_int_equal(refer("a-4", &number_alone), second);
}

/* It went on for the sake of the one that rested on it. When that one goes its own way nothing is left, and who was
 * offered it and says yes hears that it is over: there is an answer. */
static void a_case_that_went_on_for_another_ends_when_they_are_unlinked(void **state)
{
    static const struct person one = { "9990000018", NULL, IN_MANCHESTER };
    static const struct person other = { "9990000026", NULL, IN_BLACK_COUNTRY };
    (void)state;
    subscribe("worker", MANCHESTER, 1);
    uint64_t goes_on = refer("b-1", &one);
    struct rfl_token token = offered(goes_on);
    uint64_t rests = refer("b-2", &other);
    assert_int_equal(link_to(rests, goes_on), RFL_CODE_OK);
    withdraw("b-1");
    assert_int_equal(case_of(goes_on).status, RFL_STATUS_OFFERED);
    assert_int_equal(unlink_again(rests), RFL_CODE_OK);
    assert_int_equal(case_of(goes_on).status, RFL_STATUS_CLOSED);
    assert_int_equal(case_of(goes_on).close, RFL_CLOSE_WITHDRAWN_BY_REFERRER);
    assert_int_equal(case_of(rests).status, RFL_STATUS_QUEUED);
    assert_int_equal(accept("worker", goes_on, token), RFL_CODE_FENCED);
}

/* The surgery reads its mail after the case has gone from the provider who said yes to another one. */
static void feedback_read_late_names_the_provider_of_its_own_moment(void **state)
{
    static const struct person one = { "9990000018", NULL, IN_MANCHESTER };
    struct rfl_ask open = { .kind = RFL_MSG_MAILBOX_OPEN, .source = text("gp-north"), .credit = 20 };
    (void)state;
    subscribe("worker", MANCHESTER, 1);
    uint64_t kase = refer("c-1", &one);
    assert_int_equal(accept("worker", kase, offered(kase)), RFL_CODE_OK);
    begin(14 * 24 * HOUR_MS);           /* no contact: the lead is asked, and may place it elsewhere */
    end();
    assert_true(case_of(kase).escalation > 0);
    struct rfl_ask place = order(RFL_MSG_PLACE, kase);
    place.queue = text(BLACK_COUNTRY);
    assert_int_equal(turn(DESK_SESSION, &place, RFL_MSG_ACTED), RFL_CODE_OK);
    assert_int_equal(turn(DOOR_SESSION, &open, RFL_MSG_MAILBOX_OPENED), RFL_CODE_OK);
    unsigned accepted = 0;
    for (unsigned i = 0; i < heard_count; i++) {
        if (heard[i].kind != RFL_MSG_FEEDBACK || strcmp(heard[i].word, "accepted") != 0)
            continue;
        assert_string_equal(heard[i].provider, MANCHESTER);
        accepted++;
    }
    assert_int_equal(accepted, 1);
}

static void a_release_towards_a_queue_that_takes_nobody_goes_to_triage(void **state)
{
    static const struct person one = { "9990000018", NULL, IN_MANCHESTER };
    (void)state;
    uint64_t kase = refer("d-1", &one);
    struct rfl_ask hold = order(RFL_MSG_HOLD, kase), release = order(RFL_MSG_RELEASE, kase);
    hold.at_ms = world.now.wall_ms + 2 * HOUR_MS;
    assert_int_equal(turn(DESK_SESSION, &hold, RFL_MSG_ACTED), RFL_CODE_OK);
    assert_int_equal(case_of(kase).status, RFL_STATUS_ON_HOLD);
    set_queue(MANCHESTER, RFL_QUEUE_MODE_DIVERT, BLACK_COUNTRY);
    set_queue(BLACK_COUNTRY, RFL_QUEUE_MODE_HOLD, NULL);
    assert_int_equal(turn(DESK_SESSION, &release, RFL_MSG_ACTED), RFL_CODE_OK);
    assert_int_equal(case_of(kase).status, RFL_STATUS_TRIAGE);
}

/* An offer that rests takes no room; once it is out again it does, at once. */
static void nothing_is_offered_beyond_a_credit_that_an_unlinked_offer_uses_up(void **state)
{
    static const struct person one = { "9990000018", NULL, IN_MANCHESTER };
    static const struct person other = { "9990000026", NULL, IN_BLACK_COUNTRY };
    static const struct person third = { "9990000034", NULL, IN_MANCHESTER };
    (void)state;
    subscribe("worker", MANCHESTER, 1);
    uint64_t kase = refer("e-1", &one);
    struct rfl_token token = offered(kase);
    uint64_t elsewhere = refer("e-2", &other);
    assert_int_equal(link_to(kase, elsewhere), RFL_CODE_OK);
    assert_int_equal(unlink_again(kase), RFL_CODE_OK);
    assert_int_equal(case_of(kase).status, RFL_STATUS_OFFERED);
    uint64_t waits = refer("e-3", &third);
    assert_int_equal(offers(), 0);
    assert_int_equal(accept("worker", kase, token), RFL_CODE_OK);
    (void)offered(waits);
}

/* The queue said no before and got the case all the same, by the desk's override. When it passes the case on to a queue
 * that is diverted to itself, that is a no for the second time: the lead is asked, not the desk that overrode. */
static void a_second_no_by_way_of_a_diversion_is_the_leads_business(void **state)
{
    static const struct person one = { "9990000018", NULL, IN_MANCHESTER };
    (void)state;
    subscribe("worker", MANCHESTER, 1);
    uint64_t kase = refer("f-1", &one);
    struct rfl_ask decline = { .kind = RFL_MSG_DECLINE, .worker = text("worker"), .code = text(code_of(kase)),
                               .token = offered(kase), .reason = RFL_DECLINE_OTHER, .text = text("not ours"),
                               .role = text("intake") };
    assert_int_equal(turn(WORKER_SESSION, &decline, RFL_MSG_DONE), RFL_CODE_OK);
    struct rfl_ask place = order(RFL_MSG_PLACE, kase);
    place.queue = text(MANCHESTER);
    place.override_no = true;
    assert_int_equal(turn(DESK_SESSION, &place, RFL_MSG_ACTED), RFL_CODE_OK);
    struct rfl_ask redirect = { .kind = RFL_MSG_REDIRECT, .worker = text("worker"), .code = text(code_of(kase)),
                                .token = offered(kase), .reason = RFL_DECLINE_OTHER, .text = text("not ours"),
                                .role = text("intake"), .queue = text(BLACK_COUNTRY) };
    set_queue(BLACK_COUNTRY, RFL_QUEUE_MODE_DIVERT, MANCHESTER);
    assert_int_equal(turn(WORKER_SESSION, &redirect, RFL_MSG_DONE), RFL_CODE_OK);
    assert_int_equal(case_of(kase).status, RFL_STATUS_TRIAGE);
    assert_int_equal(case_of(kase).escalation, 1);
}

static int set_up(void **state)
{
    (void)state;
    world_open(&world, "config/policy", 1 << 20);
    world.session_idle_ms = 400 * 24 * HOUR_MS;
    world_restart(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TRACE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TRACE(an_older_referral_amended_changes_nothing_about_who_joins_whom),
        TRACE(an_older_referral_withdrawn_changes_nothing_about_who_joins_whom),
        TRACE(a_case_that_went_on_for_another_ends_when_they_are_unlinked),
        TRACE(feedback_read_late_names_the_provider_of_its_own_moment),
        TRACE(a_release_towards_a_queue_that_takes_nobody_goes_to_triage),
        TRACE(nothing_is_offered_beyond_a_credit_that_an_unlinked_offer_uses_up),
        TRACE(a_second_no_by_way_of_a_diversion_is_the_leads_business),
#undef TRACE
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
