/* Providers who never mean yes and referrers who never stop: whatever they do, each person ends with an owner who can
 * act, within the budget of redirects and the limit of offers. Real engine, store and policy; figures are asserted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "canaries.h"
#include "rfl_decide.h"
#include "world.h"

enum { PEOPLE = 24, PROVIDERS = 3, DOOR_SESSION = 10, DESK_SESSION = 20, WORKER_SESSION = 30 };
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

static const struct { const char *queue; const char *postcode; } providers[PROVIDERS] = {
    { "greater-manchester/intake", "QA1 1AA" }, { "black-country/intake", "QA1 1AU" },
    { "birmingham-solihull/intake", "QA1 1AS" } };

static struct world world;
static uint64_t correlation, generation;
static struct offer { char code[RFL_RECEIPT_BYTES]; struct rfl_token token; unsigned provider; } offers[256];
static unsigned offers_count, offers_made;

static struct rfl_view text(const char *s) { return (struct rfl_view){ (const uint8_t *)s, strlen(s) }; }

static uint64_t session_of(unsigned provider) { return WORKER_SESSION + generation * PROVIDERS + provider; }

static const char *worker_of(unsigned provider)
{
    static const char *const names[PROVIDERS] = { "desk-a", "desk-b", "desk-c" };
    return names[provider];
}

static void begin(int64_t advance_ms)
{
    world.now.wall_ms += advance_ms;
    world.now.boot_ms += advance_ms;
    assert_int_equal(rfl_engine_begin(world.engine, &world.now), RFL_E_OK);
}

/* The first answer to the ask, within the turn; refusals are the caller's business. */
static const struct rfl_reply *ask(uint64_t session, struct rfl_ask *what)
{
    uint32_t before, after;
    (void)rfl_engine_outbox(world.engine, &before);
    what->correlation = ++correlation;
    rfl_engine_handle(world.engine, session, what);
    const struct rfl_outgoing *out = rfl_engine_outbox(world.engine, &after);
    for (; before < after; before++)
        if (out[before].reply.correlation == correlation)
            return &out[before].reply;
    fail_msg("no answer");
    return NULL;
}

/* Commits, and collects what was offered. */
static void end(void)
{
    uint32_t count;
    rfl_engine_settle(world.engine);
    assert_int_equal(rfl_engine_commit(world.engine), RFL_E_OK);
    const struct rfl_outgoing *out = rfl_engine_outbox(world.engine, &count);
    offers_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (out[i].reply.kind != RFL_MSG_OFFER)
            continue;
        struct offer *offer = &offers[offers_count++];
        assert_int_equal(out[i].reply.offer.case_code.len, RFL_RECEIPT_BYTES - 1);
        memcpy(offer->code, out[i].reply.offer.case_code.p, RFL_RECEIPT_BYTES - 1);
        offer->token = out[i].reply.offer.token;
        offer->provider = (unsigned)((out[i].session - WORKER_SESSION) % PROVIDERS);
        offers_made++;
    }
}

/* An invented number of the never-issued range with its check digit. */
static const char *nhs_number(unsigned person)
{
    static char number[16];
    for (unsigned n = person * 11;; n++) {
        unsigned sum = 9 * 10 + 9 * 9 + 9 * 8;
        (void)snprintf(number, sizeof number, "9990%05u", n);
        for (unsigned i = 3; i < 9; i++)
            sum += (unsigned)(number[i] - '0') * (10 - i);
        unsigned check = (11 - sum % 11) % 11;
        if (check == 10)
            continue;
        number[9] = (char)('0' + check);
        number[10] = '\0';
        return number;
    }
}

static const struct rfl_reply *refer(unsigned person, const char *reference, const char *note)
{
    static uint8_t body[1024];
    struct rfl_ask what = { .kind = RFL_MSG_SUBMIT, .source = text("gp-north"), .reference = text(reference) };
    what.form = (struct rfl_form){ .name = text(CANARY_NAME), .phone = text(CANARY_PHONE),
                                   .address = text(CANARY_STREET), .contact_notes = text(CANARY_NOTES),
                                   .nhs_number = text(nhs_number(person)), .door = RFL_DOOR_GP,
                                   .consent = RFL_CONSENT_GIVEN, .has_band = true, .band = RFL_BAND_ROUTINE,
                                   .postcode = text(providers[person % PROVIDERS].postcode),
                                   .correlation_id = text(note) };
    what.referral = (struct rfl_view){ body, rfl_wire_encode_form(&what.form, body, sizeof body) };
    const struct rfl_reply *reply = ask(DOOR_SESSION, &what);
    return reply;
}

static void refer_everybody(void)
{
    begin(0);
    for (unsigned i = 0; i < PEOPLE; i++) {
        char reference[16];
        (void)snprintf(reference, sizeof reference, "first-%u", i);
        assert_int_equal(refer(i, reference, "")->kind, RFL_MSG_RECEIPT);
    }
    end();
}

static void connect_everybody(uint32_t credit)
{
    generation++;
    begin(0);
    for (unsigned i = 0; i < PROVIDERS; i++) {
        struct rfl_view queue = text(providers[i].queue);
        struct rfl_ask what = { .kind = RFL_MSG_SUBSCRIBE, .worker = text(worker_of(i)), .names = &queue,
                                .names_count = 1, .credit = credit };
        assert_int_equal(ask(session_of(i), &what)->kind, RFL_MSG_SUBSCRIBED);
    }
    end();
}

static void ping_everybody(void)
{
    for (unsigned i = 0; i < PROVIDERS; i++) {
        struct rfl_ask what = { .kind = RFL_MSG_PING };
        assert_int_equal(ask(session_of(i), &what)->kind, RFL_MSG_PONG);
    }
}

static const struct rfl_reply *answer(const struct offer *offer, enum rfl_message_kind kind, const char *queue)
{
    struct rfl_ask what = { .kind = (uint8_t)kind, .worker = text(worker_of(offer->provider)),
                            .code = text(offer->code), .token = offer->token, .reason = RFL_DECLINE_NO_CAPACITY,
                            .text = text("not here"), .role = text("intake") };
    if (queue != NULL)
        what.queue = text(queue);
    return ask(session_of(offer->provider), &what);
}

static void open_world(void)
{
    world_open(&world, "config/policy", 64 << 20);
    offers_count = offers_made = 0;
    correlation = generation = 0;
}

static struct rfl_case case_of(uint64_t id)
{
    struct rfl_case kase;
    assert_int_equal(rfl_store_case(world.store, (struct rfl_case_id){ id }, &kase), RFL_E_OK);
    assert_null(rfl_case_broken(&kase));
    assert_true(rfl_owner_of(world.policy, &kase, world.now.wall_ms).len > 0);
    return kase;
}

/* Somebody owns it by name, and a clock of theirs runs. */
static void assert_owner(const struct rfl_case *kase, const char *begins)
{
    struct rfl_view owner = rfl_owner_of(world.policy, kase, world.now.wall_ms);
    assert_true(owner.len >= strlen(begins));
    assert_memory_equal(owner.p, begins, strlen(begins));
    assert_true(kase->due_ms > world.now.wall_ms);
}

static unsigned count_in(enum rfl_status status)
{
    struct rfl_store_stat stat;
    rfl_store_stat(world.store, &stat);
    return (unsigned)stat.case_by_status[status];
}

/* ---- providers ---- */

static void always_redirecting_ends_at_triage_within_the_budget(void **state)
{
    (void)state;
    unsigned redirects = 0, rounds = 0;
    open_world();
    refer_everybody();
    connect_everybody(64);
    while (offers_count > 0 && ++rounds < 20) {
        struct offer now[256];
        unsigned count = offers_count;
        memcpy(now, offers, sizeof now);
        begin(MINUTE_MS / 6);
        for (unsigned i = 0; i < count; i++) {
            const char *next = providers[(now[i].provider + 1) % PROVIDERS].queue;
            assert_int_equal(answer(&now[i], RFL_MSG_REDIRECT, next)->kind, RFL_MSG_DONE);
            redirects++;
        }
        end();
    }
    unsigned budget = rfl_policy_hops_max(world.policy);
    assert_int_equal(redirects, PEOPLE * (budget + 1));     /* the one beyond the budget is triage's business */
    assert_int_equal(offers_made, PEOPLE * (budget + 1));
    begin(0);
    assert_int_equal(count_in(RFL_STATUS_TRIAGE), PEOPLE);
    for (uint64_t id = 1; id <= PEOPLE; id++) {
        struct rfl_case kase = case_of(id);
        assert_int_equal(kase.hops, budget + 1);
        assert_owner(&kase, "Head of triage");      /* the lead by name, at once: the desk has seen it often enough */
    }
    rfl_store_abort(world.store);
    world_close(&world);
}

static const struct rfl_reply *place(uint64_t id, const char *queue, bool override_no)
{
    char code[RFL_RECEIPT_BYTES];
    assert_int_equal(rfl_receipt_encode(rfl_store_receipt_key(world.store), RFL_RECEIPT_CASE, id, code), RFL_E_OK);
    struct rfl_ask what = { .kind = RFL_MSG_PLACE, .operator_name = text("desk"), .why = text("declined"),
                            .code = text(code), .queue = text(queue), .override_no = override_no };
    return ask(DESK_SESSION, &what);
}

static void decline_all(unsigned *declines)
{
    struct offer now[256];
    unsigned count = offers_count;
    memcpy(now, offers, sizeof now);
    begin(MINUTE_MS / 6);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(answer(&now[i], RFL_MSG_DECLINE, NULL)->kind, RFL_MSG_DONE);
    end();
    *declines += count;
}

static void always_declining_stays_with_a_desk_that_is_not_sent_back_to_a_no(void **state)
{
    (void)state;
    unsigned declines = 0;
    open_world();
    refer_everybody();
    connect_everybody(64);
    decline_all(&declines);
    for (unsigned step = 1; step < PROVIDERS; step++) {
        begin(MINUTE_MS / 6);
        for (uint64_t id = 1; id <= PEOPLE; id++)
            assert_int_equal(place(id, providers[(id - 1 + step) % PROVIDERS].queue, false)->kind, RFL_MSG_ACTED);
        end();
        decline_all(&declines);
    }
    assert_int_equal(declines, PEOPLE * PROVIDERS);
    begin(MINUTE_MS / 6);
    for (uint64_t id = 1; id <= PEOPLE; id++) {
        const struct rfl_reply *reply = place(id, providers[id % PROVIDERS].queue, false);
        assert_int_equal(reply->kind, RFL_MSG_REFUSAL);     /* never back to a no without a word about it */
        assert_int_equal(reply->refusal.code, RFL_CODE_INVALID);
        struct rfl_case kase = case_of(id);
        assert_int_equal(kase.status, RFL_STATUS_DECLINING);
        assert_owner(&kase, "Triage desk");
    }
    assert_int_equal(place(1, providers[0].queue, true)->kind, RFL_MSG_ACTED);
    end();
    for (unsigned i = 0; i < 4; i++) {                      /* a desk that does nothing either: its superiors own it */
        begin(72 * HOUR_MS);
        end();
    }
    begin(0);
    struct rfl_case kase = case_of(2);
    assert_int_equal(kase.status, RFL_STATUS_DECLINING);
    assert_true(kase.escalation >= 3);
    assert_owner(&kase, "Head of national triage");
    rfl_store_abort(world.store);
    world_close(&world);
}

static void accepting_late_is_fenced_and_parks_the_case_at_the_limit(void **state)
{
    (void)state;
    unsigned fenced = 0, rounds = 0;
    open_world();
    refer_everybody();
    connect_everybody(64);
    unsigned limit = rfl_policy_offers_max(world.policy);
    while (offers_count > 0 && ++rounds < 30) {
        struct offer now[256];
        unsigned count = offers_count;
        memcpy(now, offers, sizeof now);
        begin(0);
        ping_everybody();
        end();
        for (unsigned i = 0; i < 40; i++) {                 /* the lease runs in working hours: wait until it is over */
            begin(HOUR_MS / 2);
            ping_everybody();
            end();
            if (offers_count > 0 || count_in(RFL_STATUS_OFFERED) == 0)
                break;
        }
        struct offer next[256];
        unsigned next_count = offers_count;
        memcpy(next, offers, sizeof next);
        begin(0);
        ping_everybody();
        for (unsigned i = 0; i < count; i++) {
            const struct rfl_reply *reply = answer(&now[i], RFL_MSG_ACCEPT, NULL);
            assert_int_equal(reply->kind, RFL_MSG_REFUSAL);
            assert_int_equal(reply->refusal.code, RFL_CODE_FENCED);
            fenced++;
        }
        end();
        memcpy(offers, next, sizeof next);
        offers_count = next_count;
    }
    assert_int_equal(offers_made, PEOPLE * limit);
    assert_int_equal(fenced, PEOPLE * limit);
    begin(0);
    for (uint64_t id = 1; id <= PEOPLE; id++) {
        struct rfl_case kase = case_of(id);
        assert_int_equal(kase.status, RFL_STATUS_ON_HOLD);
        assert_int_equal(kase.hold, RFL_HOLD_PARKED);
        assert_int_equal(kase.lapses, limit);
        assert_true(kase.due_ms > 0);
    }
    rfl_store_abort(world.store);
    world_close(&world);
}

/* A worker who dies with an offer costs the person nothing but time, and the time is somebody's business. */
static void dying_returns_the_offer_and_the_superiors_own_it_in_time(void **state)
{
    (void)state;
    open_world();
    refer_everybody();
    for (unsigned round = 0; round < 16; round++) {
        connect_everybody(64);
        begin(4 * HOUR_MS);                                 /* silent for longer than a session may be */
        end();
    }
    begin(0);
    assert_int_equal(count_in(RFL_STATUS_QUEUED), PEOPLE);
    assert_int_equal(rfl_store_index_count(world.store, RFL_INDEX_HOLDER), 0);
    for (uint64_t id = 1; id <= PEOPLE; id++) {
        struct rfl_case kase = case_of(id);
        assert_true(kase.lapses <= 16);
        assert_int_equal(kase.escalation, 2);
        assert_owner(&kase, "Head of triage");
    }
    rfl_store_abort(world.store);
    world_close(&world);
}

/* ---- referrers ---- */

static void resubmitting_everything_twenty_times_makes_nobody_two(void **state)
{
    (void)state;
    struct rfl_store_stat before, after;
    open_world();
    refer_everybody();
    rfl_store_stat(world.store, &before);
    for (unsigned again = 0; again < 20; again++) {
        begin(MINUTE_MS);
        for (unsigned i = 0; i < PEOPLE; i++) {
            char reference[16];
            (void)snprintf(reference, sizeof reference, "first-%u", i);
            const struct rfl_reply *reply = refer(i, reference, "");
            assert_int_equal(reply->kind, RFL_MSG_RECEIPT);
            assert_true(reply->receipt.replayed);
            reply = refer(i, reference, "changed");
            assert_int_equal(reply->refusal.code, RFL_CODE_CONFLICT);
        }
        end();
    }
    rfl_store_stat(world.store, &after);
    assert_memory_equal(before.head, after.head, sizeof before.head);       /* not one entry more */
    for (unsigned again = 0; again < 20; again++) {                         /* and under new names each time */
        begin(MINUTE_MS);
        for (unsigned i = 0; i < PEOPLE; i++) {
            char reference[24];
            (void)snprintf(reference, sizeof reference, "again-%u-%u", again, i);
            assert_int_equal(refer(i, reference, "")->kind, RFL_MSG_RECEIPT);
        }
        end();
    }
    rfl_store_stat(world.store, &after);
    assert_int_equal(after.cases, PEOPLE);
    assert_int_equal(after.referrals, 21 * PEOPLE);
    assert_int_equal(after.joined, 20 * PEOPLE);
    begin(0);
    for (uint64_t id = 1; id <= PEOPLE; id++) {
        struct rfl_case kase = case_of(id);
        assert_int_equal(kase.referral_count, 21);
        assert_int_equal(kase.status, RFL_STATUS_QUEUED);
        assert_owner(&kase, "Intake");
    }
    rfl_store_abort(world.store);
    connect_everybody(64);
    assert_int_equal(offers_made, PEOPLE);                                  /* one offer a person, not twenty-one */
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(always_redirecting_ends_at_triage_within_the_budget),
        cmocka_unit_test(always_declining_stays_with_a_desk_that_is_not_sent_back_to_a_no),
        cmocka_unit_test(accepting_late_is_fenced_and_parks_the_case_at_the_limit),
        cmocka_unit_test(dying_returns_the_offer_and_the_superiors_own_it_in_time),
        cmocka_unit_test(resubmitting_everything_twenty_times_makes_nobody_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
