/* prop_submit: whoever is sent in, whatever is known of them, gets a receipt and is in exactly one place, with one
 * owner and one clock (promises P2 and P3).
 *
 * Every combination of what a key can be is walked through, with the rest at random: NHS number, postcode, practice,
 * Jobcentre office, referrer's area, consent and door. The referrals go through the wire's own encoder and decoder into
 * the real engine and store. RFL_PROP_COUNT says how many (default 1,000,000), RFL_SEED which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "canaries.h"
#include "rfl_decide.h"
#include "world.h"

enum { TURN = 1024 };

static struct world world;
static uint64_t random_state;

static uint64_t next_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static unsigned below(unsigned n) { return (unsigned)(next_random() % n); }

static uint64_t setting(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static struct rfl_view text_of(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

/* An invented number of the never-issued range, with its check digit: one of `people`, so that the same ones return. */
static const char *nhs_number(unsigned people)
{
    static char text[16];
    for (;;) {
        unsigned n = below(people), sum = 9 * 10 + 9 * 9 + 9 * 8;
        (void)snprintf(text, sizeof text, "9990%05u", n);
        for (unsigned i = 3; i < 9; i++)
            sum += (unsigned)(text[i] - '0') * (10 - i);
        unsigned check = (11 - sum % 11) % 11;
        if (check == 10)
            continue;
        text[9] = (char)('0' + check);
        text[10] = '\0';
        return text;
    }
}

/* Takes the next digit of a mixed-radix number: every combination comes once before any comes twice. */
static unsigned digit(uint64_t *combination, unsigned radix)
{
    unsigned d = (unsigned)(*combination % radix);
    *combination /= radix;
    return d;
}

static void fill_keys(struct rfl_form *form, uint64_t c)
{
    static const char *const pseudo[] = { "ZZ99 3VZ", "ZZ99 3WZ", "ZZ99 3CZ", "ZZ99 3GZ", "ZZ99 1WZ", "ZZ99 6CZ" };
    static const char *const offices[] = { "EX0001", "EX0006", "EX0008", "EX9999" };
    static const char *const areas[] = { "QOP", "QM7", "QNQ", "S1Y5D", "E54000057", "QZZ", "?!" };
    switch (digit(&c, 5)) {
    case 1: form->nhs_number = text_of("999 000"); break;
    case 2: form->nhs_number = text_of("3478526985"); break;
    case 3: form->nhs_number = text_of(nhs_number(1000)); break;
    case 4: form->nhs_number = text_of(nhs_number(100000)); break;
    default: break;
    }
    switch (digit(&c, 5)) {
    case 1: form->postcode = text_of("not a postcode"); break;
    case 2: form->postcode = text_of(pseudo[below(6)]); break;
    case 3: form->postcode = text_of("QX9 9XX"); break;
    case 4: form->postcode = text_of(world_postcode(below(WORLD_POSTCODES))); break;
    default: break;
    }
    switch (digit(&c, 4)) {
    case 1: form->gp_practice = text_of("!!"); break;
    case 2: form->gp_practice = text_of("Z98765"); break;
    case 3: form->gp_practice = text_of(world_practice(below(WORLD_PRACTICES))); break;
    default: break;
    }
    unsigned office = digit(&c, 5), area = digit(&c, 8);
    if (office > 0)
        form->jobcentre = text_of(offices[office - 1]);
    if (area > 0)
        form->referrer_area = text_of(areas[area - 1]);
    form->consent = (uint8_t)digit(&c, RFL_CONSENT_COUNT);
    form->door = (uint8_t)(1 + digit(&c, RFL_DOOR_COUNT - 1));
}

static const char *source_for(uint8_t door)
{
    static const char *const names[RFL_DOOR_COUNT] = {
        [RFL_DOOR_GP] = "gp-north", [RFL_DOOR_EMPLOYER] = "employer-portal", [RFL_DOOR_JOBCENTRE] = "jobcentre-feed",
        [RFL_DOOR_SELF] = "self-page", [RFL_DOOR_LOCAL_SERVICE] = "local-service-manchester",
        [RFL_DOOR_PHARMACIST] = "pharmacy-bridge", [RFL_DOOR_FIT_NOTE_SERVICE] = "fit-note-birmingham",
        [RFL_DOOR_PROVIDER] = "provider-transfer", [RFL_DOOR_OTHER] = "talking-therapies" };
    return names[door];
}

static void submit(uint64_t number)
{
    static uint8_t body[RFL_BODY_BYTES_MAX], frame[RFL_MESSAGE_BYTES_MAX];
    static struct rfl_ask ask;
    char reference[24];
    struct rfl_form form = { .name = text_of(CANARY_NAME), .phone = text_of(CANARY_PHONE),
                             .has_band = true, .band = (uint8_t)below(RFL_BAND_COUNT),
                             .employment = (uint8_t)below(RFL_EMPLOYMENT_COUNT),
                             .main_barrier = (uint8_t)below(RFL_BARRIER_MAX + 1), .weeks_out_of_work = below(60),
                             .safeguarding = below(20) == 0, .date_of_birth = text_of(CANARY_BIRTH) };
    fill_keys(&form, number);
    (void)snprintf(reference, sizeof reference, "ref-%llu", (unsigned long long)number);
    struct rfl_ask asked = { .kind = RFL_MSG_SUBMIT, .correlation = number + 1, .reference = text_of(reference),
                             .source = text_of(source_for(form.door)) };
    asked.referral = (struct rfl_view){ body, rfl_wire_encode_form(&form, body, sizeof body) };
    assert_int_not_equal(asked.referral.len, 0);
    size_t len = rfl_wire_encode_ask(&asked, frame, sizeof frame);
    assert_int_not_equal(len, 0);
    rfl_arena_reset(&world.arena);
    assert_int_equal(rfl_wire_decode_ask((struct rfl_view){ frame, len }, &world.arena, &ask), RFL_CODE_OK);
    rfl_engine_handle(world.engine, 1, &ask);
}

/* Each of the turn's referrals was answered with a receipt of its own. */
static void check_receipts(uint64_t first, uint32_t count)
{
    uint32_t said;
    const struct rfl_outgoing *outbox = rfl_engine_outbox(world.engine, &said);
    assert_int_equal(said, count);
    for (uint32_t i = 0; i < said; i++) {
        if (outbox[i].reply.kind != RFL_MSG_RECEIPT)
            print_message("code %u for %llu\n", outbox[i].reply.refusal.code, (unsigned long long)first + i);
        assert_int_equal(outbox[i].reply.kind, RFL_MSG_RECEIPT);
        assert_int_equal(outbox[i].reply.correlation, first + i + 1);
        assert_int_equal(outbox[i].reply.receipt.receipt.len, RFL_RECEIPT_BYTES - 1);
    }
}

static bool in_index(enum rfl_index index, const struct rfl_keys *keys)
{
    struct rfl_order at;
    return keys->has[index] && rfl_store_first(world.store, index, &keys->order[index], &at) &&
           rfl_order_compare(&at, &keys->order[index]) == 0;
}

/* Every case: one owner, one clock that is in the due index, and in a queue exactly when it waits there. */
static void check_places(uint64_t referrals)
{
    struct rfl_store_stat stat;
    uint64_t queued = 0, open = 0, referrals_on_cases = 0;
    assert_int_equal(rfl_store_begin(world.store), RFL_E_OK);
    rfl_store_stat(world.store, &stat);
    assert_int_equal(stat.referrals, referrals);
    for (uint64_t id = 1; id <= stat.cases; id++) {
        struct rfl_case kase;
        struct rfl_keys keys;
        assert_int_equal(rfl_store_case(world.store, (struct rfl_case_id){ id }, &kase), RFL_E_OK);
        assert_null(rfl_case_broken(&kase));
        assert_int_not_equal(rfl_owner_of(world.policy, &kase, world.now.wall_ms).len, 0);
        assert_non_null(rfl_policy_queue(world.policy, kase.queue));
        rfl_keys_of(&kase, &keys);
        assert_true(in_index(RFL_INDEX_DUE, &keys));
        assert_int_equal(in_index(RFL_INDEX_QUEUE, &keys), kase.status == RFL_STATUS_QUEUED);
        queued += kase.status == RFL_STATUS_QUEUED;
        open += kase.status != RFL_STATUS_CLOSED;
        referrals_on_cases += kase.referral_count;
    }
    assert_int_equal(rfl_store_index_count(world.store, RFL_INDEX_QUEUE), queued);
    assert_int_equal(rfl_store_index_count(world.store, RFL_INDEX_DUE), open);
    assert_int_equal(referrals_on_cases, referrals);
    rfl_store_abort(world.store);
    print_message("%llu referrals: %llu cases, %llu joined; queued %llu, triage %llu, on hold %llu\n",
                  (unsigned long long)referrals, (unsigned long long)stat.cases, (unsigned long long)stat.joined,
                  (unsigned long long)stat.case_by_status[RFL_STATUS_QUEUED],
                  (unsigned long long)stat.case_by_status[RFL_STATUS_TRIAGE],
                  (unsigned long long)stat.case_by_status[RFL_STATUS_ON_HOLD]);
    assert_int_not_equal(stat.case_by_status[RFL_STATUS_QUEUED], 0);
    assert_int_not_equal(stat.case_by_status[RFL_STATUS_TRIAGE], 0);
    assert_int_not_equal(stat.case_by_status[RFL_STATUS_ON_HOLD], 0);
    assert_int_not_equal(stat.joined, 0);
}

static void everybody_gets_a_receipt_an_owner_and_a_clock(void **state)
{
    (void)state;
    uint64_t count = setting("RFL_PROP_COUNT", 1000000);
    random_state = setting("RFL_SEED", 7);
    print_message("seed %llu\n", (unsigned long long)random_state);
    world_open(&world, "config/policy", 0);
    for (uint64_t first = 0; first < count; first += TURN) {
        uint32_t turn = count - first < TURN ? (uint32_t)(count - first) : TURN;
        world.now.wall_ms += below(2000);
        assert_int_equal(rfl_engine_begin(world.engine, &world.now), RFL_E_OK);
        for (uint32_t i = 0; i < turn; i++)
            submit(first + i);
        rfl_engine_settle(world.engine);
        assert_int_equal(rfl_engine_commit(world.engine), RFL_E_OK);
        check_receipts(first, turn);
    }
    check_places(count);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(everybody_gets_a_receipt_an_owner_and_a_clock) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
