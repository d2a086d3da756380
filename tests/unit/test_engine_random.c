/* Random asks of every kind, sensible and not, as the wire would let them through: every one is answered, every answer
 * fits a frame and comes back from it, nothing ends the process, and the store that is left is what its log says.
 * `test_engine_random SEED` draws other ones. */
#include "engine_world.h"

#include "rfl_wire.h"

enum { STEPS = 20000, POOL = 64, SESSIONS = 12, ASKS_A_TURN_MAX = 120 };

static uint64_t random_state, first_seed = 20261102;
static uint64_t draw(uint64_t below)
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (z ^ z >> 31) % below;
}

/* What was heard in answers, to be asked about again: some of it is out of date by then. */
static struct held heard[POOL];
static uint64_t heard_by[POOL];                 /* the session */
static const char *worker_of[SESSIONS + 1];     /* who subscribed last on it */
static char receipts[POOL][32];
static unsigned heard_count, receipt_count, reference_count;
static unsigned kinds_said[RFL_MSG_COUNT], codes_said[RFL_CODE_COUNT];

static const char *const workers[] = { "anna", "ben", "cleo", "" };
static const char *const queues[] = { MANCHESTER, CORNWALL, "black-country/intake", "greater-manchester/triage",
                                      "national/triage", "no/such", "" };
static const char *const sources[] = { "gp-north", "gp-south", "jobcentre-feed", "employer-portal", "self-page",
                                       "nobody", "" };
static const char *const areas[] = { "QOP", "QT6", "QUA", "QHG", "E54000057", "ZZZ", "?", "" };
static const int64_t moments[] = { 0, 1, -1, MONDAY_MS, MONDAY_MS + HOUR_MS, INT64_MAX, INT64_MIN };

#define PICK(list) (list[draw(sizeof list / sizeof list[0])])

static char reference[RFL_REFERENCE_BYTES_MAX + 1], words[RFL_TEXT_BYTES_MAX];
static struct rfl_view names[8];

/* Mostly a door that the source may act for. */
static void fill_form(struct rfl_form *form, unsigned source)
{
    static const char *const births[] = { "1980-05-06", "2999-01-01", "0000-00-00", "yesterday", "" };
    static const char *const postcodes[] = { "M1 1AA", "ZZ99 3VZ", "CF10 1AA", "x", "" };
    static const uint8_t doors[] = { RFL_DOOR_GP, RFL_DOOR_GP, RFL_DOOR_JOBCENTRE, RFL_DOOR_EMPLOYER, RFL_DOOR_SELF };
    form->door = draw(10) == 0 ? (uint8_t)draw(RFL_DOOR_COUNT) : doors[source];
    form->consent = (uint8_t)draw(RFL_CONSENT_COUNT);
    form->employment = (uint8_t)draw(RFL_EMPLOYMENT_COUNT);
    form->band = (uint8_t)draw(RFL_BAND_COUNT);
    form->has_band = draw(2) == 1;
    form->main_barrier = (uint8_t)draw(RFL_BARRIER_MAX + 1);
    form->weeks_out_of_work = (uint32_t)draw(5201);
    form->safeguarding = draw(8) == 0;
    form->interpreter = draw(8) == 0;
    form->referrer_area = text_of(PICK(areas));
    form->nhs_number = text_of(draw(3) == 0 ? "" : person((unsigned)draw(300)));
    form->date_of_birth = text_of(PICK(births));
    form->postcode = text_of(PICK(postcodes));
    form->gp_practice = text_of(draw(2) == 0 ? "Y99999" : "");
    form->jobcentre = text_of(draw(2) == 0 ? "JC001" : "");
}

static void fill_names(struct rfl_ask *ask)
{
    ask->names = names;
    ask->names_count = (uint32_t)draw(sizeof names / sizeof names[0] + 1);
    for (unsigned i = 0; i < ask->names_count; i++) {
        if (ask->kind == RFL_MSG_SUBSCRIBE)
            names[i] = text_of(draw(20) == 0 ? PICK(queues) : queues[draw(4)]);
        else
            names[i] = text_of(reference);
    }
}

/* A worker mostly answers what it was offered, over its own connection. */
static uint64_t any_session(struct rfl_ask *ask, unsigned which)
{
    uint64_t session = 1 + draw(SESSIONS);
    bool verb = ask->kind > RFL_MSG_OFFER && ask->kind < RFL_MSG_GOODBYE;
    if (verb && heard_by[which] != 0 && draw(8) != 0) {
        session = heard_by[which];
        ask->worker = text_of(worker_of[session]);
        ask->code = text_of(heard[which].code);
        ask->token = heard[which].token;
    } else if (ask->kind == RFL_MSG_SUBSCRIBE) {
        worker_of[session] = workers[draw(3)];
        ask->worker = text_of(worker_of[session]);
    }
    return session;
}

static struct rfl_ask any_ask(enum rfl_message_kind kind, uint64_t *session)
{
    unsigned which = (unsigned)draw(POOL);
    const struct held *offer = &heard[which];
    struct rfl_ask ask = { .kind = (uint8_t)kind, .correlation = ++w.correlation };
    unsigned number = kind == RFL_MSG_SUBMIT && draw(4) != 0 ? ++reference_count : (unsigned)draw(reference_count + 1);
    (void)snprintf(reference, sizeof reference, "ref-%u", number);
    unsigned source = (unsigned)draw(5);
    fill_form(&ask.form, source);
    ask.source = text_of(draw(12) == 0 ? PICK(sources) : sources[source]);
    ask.reference = text_of(draw(20) == 0 && kind != RFL_MSG_SUBMIT ? "" : reference);
    ask.worker = text_of(draw(20) == 0 ? PICK(workers) : workers[draw(3)]);
    ask.code = text_of(draw(2) == 0 ? offer->code : PICK(receipts));
    ask.queue = text_of(PICK(queues));
    ask.text = (struct rfl_view){ (const uint8_t *)words, draw(sizeof words + 1) };
    ask.role = text_of("role");
    ask.referral = (struct rfl_view){ (const uint8_t *)words, kind == RFL_MSG_EXPLAIN ? draw(2) : 1 + draw(1900) };
    ask.token = draw(10) == 0 ? (struct rfl_token){ (uint32_t)draw(4), (uint32_t)draw(400) } : offer->token;
    ask.credit = draw(10) == 0 ? UINT32_MAX : (uint32_t)draw(6);
    ask.limit = draw(10) == 0 ? UINT32_MAX : (uint32_t)draw(300);
    ask.after_sequence = draw(3) == 0 ? draw(50) : draw(3) == 0 ? UINT64_MAX : 0;
    ask.sequence = draw(200);
    ask.upto = draw(10) == 0 ? UINT64_MAX : draw(60);
    ask.after = text_of(draw(3) == 0 ? offer->code : draw(6) == 0 ? PICK(queues) : "");
    ask.at_ms = draw(2) == 0 ? PICK(moments) : w.now.wall_ms + (int64_t)draw(40) * HOUR_MS;
    ask.reason = (uint8_t)draw(draw(10) == 0 ? 256 : 5);
    ask.channel = (uint8_t)draw(draw(10) == 0 ? 256 : 5);
    ask.outcome = (uint8_t)draw(draw(10) == 0 ? 256 : 5);
    ask.status = (uint8_t)draw(RFL_STATUS_COUNT);
    ask.door = (uint8_t)draw(RFL_DOOR_COUNT);
    ask.reached = draw(2) == 1;
    ask.operator_name = text_of(draw(8) == 0 ? "" : "desk-1");
    ask.why = (struct rfl_view){ (const uint8_t *)words, draw(8) == 0 ? 0 : 1 + draw(400) };
    ask.to = kind == RFL_MSG_LINK ? text_of(heard[draw(POOL)].code) : text_of(PICK(queues));
    ask.mode = (uint8_t)draw(draw(10) == 0 ? 256 : RFL_QUEUE_MODE_COUNT);
    ask.version = draw(4) == 0 ? (uint32_t)draw(3) : 0;
    ask.capacity = (uint32_t)draw(20);
    ask.dry_run = draw(3) == 0;
    ask.override_no = draw(2) == 0;
    ask.employment = (uint8_t)draw(draw(10) == 0 ? 256 : RFL_EMPLOYMENT_COUNT);
    ask.main_barrier = (uint8_t)draw(draw(10) == 0 ? 256 : RFL_BARRIER_MAX + 1);
    fill_names(&ask);
    *session = any_session(&ask, which);
    if (draw(20) == 0) {
        ask.findings.count = 1;
        ask.findings.errors = (uint32_t)draw(2);
        ask.findings.list[0] = (struct rfl_finding){ .path = V("referral.door"), .code = V("x"), .rule = V("r"),
                                                     .remedy = V("m"), .severity = RFL_SEVERITY_WARNING };
    }
    return ask;
}

/* Every kind of message there is; those that are ours to say are asked too, and the everyday ones most. */
static enum rfl_message_kind any_kind(void)
{
    static const uint8_t everyday[] = { RFL_MSG_SUBMIT, RFL_MSG_SUBMIT, RFL_MSG_SUBSCRIBE, RFL_MSG_ACCEPT,
                                        RFL_MSG_ACCEPT, RFL_MSG_CONTACTED, RFL_MSG_STARTED, RFL_MSG_CLOSE,
                                        RFL_MSG_MAILBOX_OPEN, RFL_MSG_REDIRECT, RFL_MSG_DEFER };
    return (enum rfl_message_kind)(draw(2) == 0 ? PICK(everyday) : draw(RFL_MSG_COUNT + 3));
}

static void remember(uint64_t session, const struct rfl_reply *reply)
{
    kinds_said[reply->kind]++;
    if (reply->kind == RFL_MSG_REFUSAL)
        codes_said[reply->refusal.code]++;
    if (reply->kind == RFL_MSG_OFFER) {
        heard_by[heard_count % POOL] = session;
        struct held *slot = &heard[heard_count++ % POOL];
        (void)snprintf(slot->code, sizeof slot->code, "%.*s", (int)reply->offer.case_code.len,
                       (const char *)reply->offer.case_code.p);
        slot->token = reply->offer.token;
    } else if (reply->kind == RFL_MSG_RECEIPT) {
        (void)snprintf(receipts[receipt_count++ % POOL], sizeof receipts[0], "%.*s", (int)reply->receipt.receipt.len,
                       (const char *)reply->receipt.receipt.p);
    }
}

static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
static uint8_t arena_memory[RFL_ARENA_BYTES];

/* What the engine says is what the client hears. */
static void expect_speakable(const struct rfl_reply *reply)
{
    struct rfl_arena arena;
    struct rfl_reply back;
    size_t len = rfl_wire_encode_reply(reply, frame, sizeof frame);
    if (len == 0)
        fail_msg("a %s fits no frame", rfl_message_name((enum rfl_message_kind)reply->kind));
    rfl_arena_init(&arena, arena_memory, sizeof arena_memory);
    enum rfl_code code = rfl_wire_decode_reply((struct rfl_view){ frame, len }, &arena, &back);
    if (code != RFL_CODE_OK)
        fail_msg("a %s is not decoded: %s", rfl_message_name((enum rfl_message_kind)reply->kind), rfl_code_name(code));
    assert_int_equal(back.kind, reply->kind);
    assert_int_equal(back.correlation, reply->correlation);
}

static void expect_answered(uint64_t first, uint64_t last)
{
    static bool answered[ASKS_A_TURN_MAX];
    memset(answered, 0, sizeof answered);
    for (uint32_t i = 0; i < w.said_count; i++) {
        const struct rfl_reply *reply = &w.said[i].reply;
        remember(w.said[i].session, reply);
        expect_speakable(reply);
        if (reply->correlation != 0) {
            assert_in_range(reply->correlation, first, last);
            answered[reply->correlation - first] = true;
        }
    }
    for (uint64_t c = first; c <= last; c++)
        assert_true(answered[c - first]);
}

static void expect_adds_up(void)
{
    struct rfl_store_stat stat;
    uint64_t cases = 0, clocked = 0;
    rfl_store_stat(w.store, &stat);
    for (unsigned i = 0; i < RFL_STATUS_COUNT; i++)
        cases += stat.case_by_status[i];
    clocked = cases - stat.case_by_status[RFL_STATUS_CLOSED];
    assert_int_equal(cases, stat.cases);
    assert_int_equal(stat.referrals, stat.cases + stat.joined);
    assert_int_equal(stat.case_by_status[RFL_STATUS_NONE] + stat.case_by_status[RFL_STATUS_RECEIVED], 0);
    uint64_t resting[RFL_STATUS_COUNT] = { 0 }, links = 0;
    struct rfl_order from = { 0, 0, 0 }, at;
    assert_int_equal(rfl_store_begin(w.store), RFL_E_OK);
    for (; rfl_store_first(w.store, RFL_INDEX_LINKED, &from, &at); from = at, from.c++) {
        struct rfl_case kase;
        assert_int_equal(rfl_store_case(w.store, (struct rfl_case_id){ at.c }, &kase), RFL_E_OK);
        resting[kase.status]++;
        links += kase.status != RFL_STATUS_CLOSED;      /* closed with the one it rested on, it has no clock anyway */
    }
    rfl_store_abort(w.store);
    assert_int_equal(rfl_store_index_count(w.store, RFL_INDEX_DUE), clocked - links);
    assert_int_equal(rfl_store_index_count(w.store, RFL_INDEX_QUEUE),
                     stat.case_by_status[RFL_STATUS_QUEUED] - resting[RFL_STATUS_QUEUED]);
    assert_int_equal(rfl_store_index_count(w.store, RFL_INDEX_HOLDER),
                     stat.case_by_status[RFL_STATUS_OFFERED] - resting[RFL_STATUS_OFFERED]);
}

static void random_turn(unsigned asks)
{
    uint64_t first = w.correlation + 1;
    begin();
    for (unsigned i = 0; i < asks && rfl_engine_has_room(w.engine); i++) {
        uint64_t session;
        struct rfl_ask ask = any_ask(any_kind(), &session);
        if (draw(30) == 0)
            rfl_engine_refuse(w.engine, session, &ask, (enum rfl_code)(1 + draw(RFL_CODE_COUNT - 1)));
        else
            rfl_engine_handle(w.engine, session, &ask);
    }
    if (draw(40) == 0)
        rfl_engine_gone(w.engine, 1 + draw(SESSIONS));
    enum rfl_err err = end();
    if (err != RFL_E_OK)
        assert_int_equal(err, RFL_E_FULL);
    expect_answered(first, w.correlation);
    expect_adds_up();
}

/* Mostly no time passes; sometimes some does, up to days. Clock readings never go back. */
static void let_time_pass(void)
{
    static const int64_t steps[] = { 0, 0, 0, 0, 0, 0, 10, 1000, 5000, HOUR_MS, 30 * HOUR_MS };
    int64_t ms = PICK(steps);
    if (ms < HOUR_MS || draw(10) == 0)
        at(w.now.wall_ms + ms);
}

static void random_asks(uint64_t seed, uint64_t map_bytes, unsigned steps)
{
    random_state = seed;
    heard_count = receipt_count = reference_count = 0;
    memset(heard, 0, sizeof heard);
    memset(heard_by, 0, sizeof heard_by);
    memset(receipts, 0, sizeof receipts);
    memset(kinds_said, 0, sizeof kinds_said);
    memset(codes_said, 0, sizeof codes_said);
    memset(words, 'w', sizeof words);
    open_world(map_bytes);
    for (uint64_t asked_before = w.correlation; w.correlation - asked_before < steps;) {
        let_time_pass();
        random_turn(1 + (unsigned)draw(ASKS_A_TURN_MAX));
        if (draw(25) == 0)
            restart();
    }
}

static void twenty_thousand_random_asks_are_all_answered(void **state)
{
    (void)state;
    random_asks(first_seed, 256 << 20, STEPS);
    for (unsigned kind = RFL_MSG_SUBMIT; kind < RFL_MSG_COUNT; kind++) {
        if (kind == RFL_MSG_POLICY_LOADED)
            continue;           /* the daemon's own, between turns */
        static const char *const directions[] = {
#define X(name, field, direction) #direction,
            RFL_MESSAGE_LIST(X)
#undef X
        };
        /* The two that the daemon answers by itself are not the engine's. */
        bool ours = directions[kind - 1][0] == 'R' && kind != RFL_MSG_KEYS_RELOADED && kind != RFL_MSG_KEY_SHOWN;
        if (ours != (kinds_said[kind] > 0))
            fail_msg("%s was said %u times", rfl_message_name((enum rfl_message_kind)kind), kinds_said[kind]);
    }
    assert_true(codes_said[RFL_CODE_FENCED] > 0 && codes_said[RFL_CODE_STATE] > 0 && codes_said[RFL_CODE_CONFLICT] > 0);
    struct rfl_store_stat stat;
    rfl_store_stat(w.store, &stat);
    print_message("%u entries, %u cases, %u closed; %u offers, %u records, %u fenced\n", (unsigned)stat.entries,
                  (unsigned)stat.cases, (unsigned)stat.case_by_status[RFL_STATUS_CLOSED], kinds_said[RFL_MSG_OFFER],
                  kinds_said[RFL_MSG_RECORD], codes_said[RFL_CODE_FENCED]);
    assert_int_equal(counter("turns_undone"), 0);
    close_world();
}

/* The same against a map that is soon full: turns are undone, again and again, and nothing is half done. */
static void random_asks_into_a_full_store_are_all_answered(void **state)
{
    (void)state;
    random_asks(first_seed + 1, 1 << 20, 4000);
    assert_true(codes_said[RFL_CODE_STORE_FULL] > 0);
    close_world();
}

static void random_asks_until_turns_do_not_fit_are_all_answered(void **state)
{
    (void)state;
    uint64_t undone = 0;
    random_state = first_seed + 2;
    open_world(1 << 20);
    close_engine();
    w.options.full_permille = 5000;
    open_engine();
    for (unsigned turn = 0; turn < 600 && undone < 20; turn++) {
        let_time_pass();
        random_turn(1 + (unsigned)draw(ASKS_A_TURN_MAX));
        undone = counter("turns_undone");
    }
    assert_int_equal(undone, 20);
    close_world();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_thousand_random_asks_are_all_answered),
        cmocka_unit_test(random_asks_into_a_full_store_are_all_answered),
        cmocka_unit_test(random_asks_until_turns_do_not_fit_are_all_answered),
    };
    if (argc == 2)
        first_seed = strtoull(argv[1], NULL, 10);
    return cmocka_run_group_tests_name("engine_random", tests, load_policy, free_policy);
}
