/* The engine places people by the rules of an area: room as a fact of each decision, and what was put off until a day
 * decided again on it without anybody doing anything. */
#include "engine_world.h"
#include "route_folder.h"

#include "rfl_route.h"

#define ONE "devon/one"
#define TWO "devon/two"
#define DESK "devon/triage"

/* Two providers, of two and of one; until the middle of November nobody from the self-referral page. */
static int world_of_rules(void **state)
{
    struct rfl_conf_report report = { .count = 0 };
    (void)folder_up(state);
    write_policy("routes.d/a.conf",
        "schema_version = 1;\narea = \"devon\";\n"
        "providers = ( { id = 3901; name = \"one\"; owner = \"o\"; lead = \"l\"; capacity = 2;\n"
        "                overflow = \"devon/two\"; },\n"
        "  { id = 3902; name = \"two\"; owner = \"o\"; lead = \"l\"; capacity = 1; } );\n"
        "rules = ( { name = \"wait\"; owner = \"Lead\"; why = \"not before\"; not_yet = \"2026-11-16\";\n"
        "            when = { door = \"self\"; }; },\n"
        "  { name = \"all\"; owner = \"Lead\"; why = \"agreed\"; to = \"devon/one\"; } );\nend_of_config = true;\n");
    if (rfl_conf_policy_load(folder, &shipped_policy, &report) != RFL_E_OK)
        rfl_conf_report_print(&report, stdout);
    assert_non_null(shipped_policy);
    open_world(64 << 20);
    return 0;
}

static int world_gone(void **state)
{
    close_world();
    rfl_conf_policy_free(&shipped_policy);
    return folder_down(state);
}

static struct rfl_case case_of(uint64_t id)
{
    struct rfl_case kase;
    begin();
    must(rfl_store_case(w.store, (struct rfl_case_id){ id }, &kase));
    must(rfl_engine_commit(w.engine));
    return kase;
}

static void expect_at(uint64_t id, enum rfl_status status, const char *queue)
{
    struct rfl_case kase = case_of(id);
    assert_int_equal(kase.status, status);
    assert_text(rfl_policy_text(shipped_policy, rfl_policy_queue(shipped_policy, kase.queue)->name), queue);
}

static void send(const char *reference, enum rfl_door door)
{
    const struct rfl_reply *reply = submit((struct knock){ .source = door == RFL_DOOR_SELF ? "self-page" : NULL,
                                                           .reference = reference, .area = "QJK", .door = door });
    expect_kind(reply, RFL_MSG_RECEIPT);
}

/* What was decided in the case's newest entry that has a decision, and that its facts alone give it again. */
static struct rfl_decided decided_of(uint64_t id)
{
    struct rfl_entry entry = { .has_decided = false };
    struct rfl_decision again;
    struct rfl_seq seq = case_of(id).last_seq;
    begin();
    for (; seq.v != 0 && !entry.has_decided; seq = entry.prev_of_case)
        must(rfl_store_entry(w.store, seq, &entry));
    must(rfl_engine_commit(w.engine));
    assert_true(entry.has_decided);
    rfl_route(shipped_policy, &entry.decided.facts, entry.wall_ms, &again);
    assert_memory_equal(&again, &entry.decided.decision, sizeof again);
    return entry.decided;
}

static const struct rfl_reply *close_case(const struct held *offer)
{
    struct rfl_ask ask = verb_of(RFL_MSG_CLOSE, "anna", offer);
    ask.reason = RFL_CLOSE_COMPLETED;
    return asked(SESSION_ANNA, &ask);
}

static void full_queues_pass_people_on(void **state)
{
    (void)state;
    (void)subscribe(SESSION_ANNA, "anna", ONE, 1);
    send("a", RFL_DOOR_GP);
    struct held offer = heard_offer(SESSION_ANNA, 0);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_ACCEPT, "anna", &offer), RFL_MSG_RECORD);
    send("b", RFL_DOOR_GP);                         /* one is worked on, one is offered: full */
    send("c", RFL_DOOR_GP);
    send("d", RFL_DOOR_GP);
    expect_at(2, RFL_STATUS_OFFERED, ONE);
    expect_at(3, RFL_STATUS_QUEUED, TWO);
    expect_at(4, RFL_STATUS_TRIAGE, DESK);
    struct rfl_decided third = decided_of(3), fourth = decided_of(4);
    assert_int_equal(decided_of(2).facts.full_count, 0);
    assert_int_equal(third.facts.full_count, 1);
    assert_int_equal(third.facts.full[0].v, 3901);
    assert_int_equal(third.decision.reason, RFL_ROUTE_REASON_OVERFLOWED);
    assert_int_equal(fourth.facts.full_count, 2);
    assert_int_equal(fourth.decision.reason, RFL_ROUTE_REASON_ALL_FULL);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_CONTACTED, "anna", &offer), RFL_MSG_DONE);
    expect_kind(verb(SESSION_ANNA, RFL_MSG_STARTED, "anna", &offer), RFL_MSG_DONE);
    expect_kind(close_case(&offer), RFL_MSG_DONE);
    send("e", RFL_DOOR_GP);                         /* there is room again */
    assert_int_equal(case_of(5).queue.v, 3901);
    restart();
    send("f", RFL_DOOR_GP);
    expect_at(6, RFL_STATUS_TRIAGE, DESK);          /* room is counted from what is stored */
}

static void nobody_is_in_their_own_way(void **state)
{
    (void)state;
    send("a", RFL_DOOR_GP);
    send("b", RFL_DOOR_GP);
    struct rfl_ask ask = submit_of(&(struct knock){ .reference = "b", .body = "newer", .area = "QJK" });
    ask.kind = RFL_MSG_AMEND;
    expect_kind(asked(SESSION_DOOR, &ask), RFL_MSG_CHANGED);
    expect_at(2, RFL_STATUS_QUEUED, ONE);
    assert_int_equal(decided_of(2).facts.full_count, 0);
}

static void what_was_put_off_is_decided_again_on_its_day(void **state)
{
    (void)state;
    int64_t day_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 16 });
    send("a", RFL_DOOR_SELF);
    expect_at(1, RFL_STATUS_TRIAGE, DESK);
    struct rfl_decided first = decided_of(1);
    assert_int_equal(first.decision.verdict, RFL_ROUTE_NOT_YET);
    assert_int_equal(first.decision.retry_ms, day_ms);
    while (w.now.wall_ms + HOUR_MS < day_ms) {
        pass(HOUR_MS);
        struct rfl_case kase = case_of(1);
        assert_int_equal(kase.status, RFL_STATUS_TRIAGE);
        assert_true(kase.due_ms > w.now.wall_ms && kase.due_ms <= day_ms);
    }
    assert_true(case_of(1).escalation > 0);         /* the desk was reminded all the while */
    at(day_ms - 1);
    quiet_turn();
    expect_at(1, RFL_STATUS_TRIAGE, DESK);
    at(day_ms);
    quiet_turn();
    expect_at(1, RFL_STATUS_QUEUED, ONE);
    struct rfl_decided again = decided_of(1);
    assert_int_equal(again.decision.reason, RFL_ROUTE_REASON_BY_RULE);
    assert_int_equal(again.decision.rule, 2);
    assert_memory_equal(&again.facts, &first.facts, sizeof again.facts);
}

static void the_first_clock_ends_with_the_day_as_well(void **state)
{
    (void)state;
    int64_t day_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 16 });
    at(day_ms - HOUR_MS);
    send("a", RFL_DOOR_SELF);
    assert_true(case_of(1).due_ms == day_ms);
    at(day_ms);
    quiet_turn();
    expect_at(1, RFL_STATUS_QUEUED, ONE);
}

static void room_counts_on_that_day_too(void **state)
{
    (void)state;
    send("a", RFL_DOOR_SELF);
    send("b", RFL_DOOR_GP);
    send("c", RFL_DOOR_GP);
    send("d", RFL_DOOR_GP);
    expect_at(4, RFL_STATUS_QUEUED, TWO);
    at(rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 16 }));
    quiet_turn();
    expect_at(1, RFL_STATUS_TRIAGE, DESK);
    assert_int_equal(decided_of(1).decision.reason, RFL_ROUTE_REASON_ALL_FULL);
    assert_true(case_of(1).due_ms > w.now.wall_ms);
}

static void place_by_hand(unsigned n, const char *queue)
{
    char code[32];
    struct rfl_ask list = { .kind = RFL_MSG_LIST, .limit = 5 };
    const struct rfl_reply *reply = asked(SESSION_ADMIN, &list);
    (void)snprintf(code, sizeof code, "%.*s", (int)reply->cases.rows[n].case_code.len,
                   (const char *)reply->cases.rows[n].case_code.p);
    struct rfl_ask place = { .kind = RFL_MSG_PLACE, .code = text_of(code), .operator_name = V("desk-1"),
                             .why = V("asked by phone"), .queue = text_of(queue) };
    expect_kind(asked(SESSION_ADMIN, &place), RFL_MSG_ACTED);
}

static void what_somebody_has_placed_stays_there(void **state)
{
    (void)state;
    send("a", RFL_DOOR_SELF);
    send("b", RFL_DOOR_SELF);
    place_by_hand(0, "kent-medway/intake");
    place_by_hand(1, "kent-medway/triage");
    at(rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 16 }));
    quiet_turn();
    uint64_t placed = case_of(1).status == RFL_STATUS_QUEUED ? 1 : 2;
    expect_at(placed, RFL_STATUS_QUEUED, "kent-medway/intake");
    expect_at(3 - placed, RFL_STATUS_TRIAGE, "kent-medway/triage");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_of_rules, world_gone)

/* Cornwall ends and Devon follows. */
static struct rfl_queue_no end_cornwall(struct rfl_policy *later, int64_t day_ms)
{
    struct rfl_area *cornwall = &later->area[rfl_policy_area_by_name(later, V("cornwall-isles-of-scilly")) -
                                             later->area];
    cornwall->until_ms = day_ms;
    cornwall->successor_first = (uint16_t)later->successor_count;
    cornwall->successor_count = 1;
    later->successor[later->successor_count++] = (struct rfl_successor){ .area = cornwall->id, .from_ms = day_ms,
        .to = rfl_policy_area_by_name(later, V("devon"))->id };
    for (uint32_t i = 0; i < later->alias_count; i++)
        if (later->alias[i].area.v == cornwall->id.v)
            later->alias[i].until_ms = day_ms;
    assert_int_equal(rfl_policy_check(later, NULL, NULL), 0);
    must(rfl_engine_set_policy(w.engine, later, NULL, &w.now, NULL));
    return cornwall->intake;
}

/* Whoever waits there is passed on by Devon's full queues as a new one would be. */
static void who_is_moved_because_an_area_ends_finds_full_queues_full(void **state)
{
    (void)state;
    struct rfl_policy *later = malloc(sizeof *later);
    assert_non_null(later);
    memcpy(later, shipped_policy, sizeof *later);
    int64_t day_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 16 });
    struct rfl_queue_no cornwall_intake = end_cornwall(later, day_ms);
    static const char *const references[] = { "a", "b", "c", "d" };
    for (unsigned i = 0; i < 4; i++)
        expect_kind(submit((struct knock){ .reference = references[i], .area = "QT6", .door = RFL_DOOR_GP }),
                    RFL_MSG_RECEIPT);
    struct rfl_case before = case_of(4);
    assert_int_equal(before.queue.v, cornwall_intake.v);
    at(day_ms);
    quiet_turn();
    expect_at(1, RFL_STATUS_QUEUED, ONE);
    expect_at(2, RFL_STATUS_QUEUED, ONE);
    expect_at(3, RFL_STATUS_QUEUED, TWO);
    expect_at(4, RFL_STATUS_TRIAGE, DESK);
    assert_int_equal(case_of(4).opened_ms, before.opened_ms);
    restart();                          /* the policy is the shipped one again */
    free(later);
}

static const struct rfl_reply *order(uint64_t id, enum rfl_message_kind kind, const char *queue, int64_t at_ms)
{
    char code[RFL_RECEIPT_BYTES];
    must(rfl_receipt_encode(rfl_store_receipt_key(w.store), RFL_RECEIPT_CASE, id, code));
    struct rfl_ask ask = { .kind = kind, .code = text_of(code), .operator_name = V("desk-1"), .why = V("because"),
                           .queue = text_of(queue), .at_ms = at_ms };
    return asked(SESSION_ADMIN, &ask);
}

/* Three people of Cornwall by the self-referral page, and a fourth whom a person has put at Cornwall's desk. Cornwall
 * ends at midnight; it is too early for such people in Devon until the 16th. */
static void who_is_moved_to_where_it_is_too_early_is_decided_again_on_that_day(void **state)
{
    (void)state;
    int64_t ends_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 14 });
    int64_t day_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 16 });
    (void)end_cornwall(shipped_policy, ends_ms);        /* in force after a restart, too */
    at(ends_ms - 15 * HOUR_MS);
    static const char *const references[] = { "a", "b", "c", "d" };
    for (unsigned i = 0; i < 4; i++)
        expect_kind(submit((struct knock){ .source = "self-page", .reference = references[i], .area = "QT6",
                                           .door = RFL_DOOR_SELF }), RFL_MSG_RECEIPT);
    expect_kind(order(4, RFL_MSG_PLACE, "cornwall-isles-of-scilly/triage", 0), RFL_MSG_ACTED);
    at(ends_ms - HOUR_MS);
    quiet_turn();
    struct rfl_case before = case_of(1);
    assert_true(before.due_ms > day_ms && before.half_ms < ends_ms && before.warned == 1);
    at(ends_ms);
    quiet_turn();
    for (uint64_t id = 1; id <= 4; id++)
        expect_at(id, RFL_STATUS_TRIAGE, DESK);
    assert_int_equal(decided_of(1).decision.verdict, RFL_ROUTE_NOT_YET);
    struct rfl_case after = case_of(1);
    assert_true(after.due_ms == day_ms && after.half_ms == before.half_ms && after.warned == 1);
    expect_kind(order(2, RFL_MSG_HOLD, "", ends_ms + HOUR_MS), RFL_MSG_ACTED);
    expect_kind(order(3, RFL_MSG_HOLD, "", day_ms + HOUR_MS), RFL_MSG_ACTED);
    at(ends_ms + HOUR_MS);
    quiet_turn();
    expect_at(2, RFL_STATUS_TRIAGE, DESK);              /* released to where it had been, with a new clock */
    assert_true(case_of(2).due_ms <= day_ms);
    restart();
    at(day_ms - 1);
    quiet_turn();
    expect_at(1, RFL_STATUS_TRIAGE, DESK);
    expect_at(2, RFL_STATUS_TRIAGE, DESK);
    assert_true(rfl_engine_next_due(w.engine) <= day_ms);       /* an idle daemon wakes for it */
    at(day_ms);
    quiet_turn();
    expect_at(1, RFL_STATUS_QUEUED, ONE);
    expect_at(2, RFL_STATUS_QUEUED, ONE);
    assert_int_equal(decided_of(1).decision.reason, RFL_ROUTE_REASON_BY_RULE);
    assert_true(case_of(1).since_ms == before.since_ms);        /* its place in line */
    expect_at(3, RFL_STATUS_ON_HOLD, DESK);
    at(day_ms + HOUR_MS);
    quiet_turn();
    expect_at(3, RFL_STATUS_QUEUED, TWO);               /* at once */
    expect_at(4, RFL_STATUS_TRIAGE, DESK);              /* a person decides, as one had */
}

/* A worker was told in one turn where their queue has gone; the next, at the same moment, does not fit and is undone:
 * that does not undo what was told before. */
static void workers_are_not_told_again_because_a_later_turn_was_undone(void **state)
{
    (void)state;
    char reference[16], body[4001];
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    int64_t ends_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 14 });
    (void)end_cornwall(shipped_policy, ends_ms);
    close_world();
    open_world(1 << 20);
    close_engine();
    w.options.full_permille = 5000;                     /* no mark: the map itself is the end */
    open_engine();
    at(ends_ms);
    (void)subscribe(SESSION_ANNA, "anna", CORNWALL, 1);
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_NOTICE), 1);
    for (unsigned n = 0; counter("turns_undone") == 0 && n < 1000; n++) {
        (void)snprintf(reference, sizeof reference, "r-%u", n);
        struct rfl_ask ask = submit_of(&(struct knock){ .reference = reference, .body = body, .area = "QJK" });
        begin();
        rfl_engine_handle(w.engine, SESSION_DOOR, &ask);
        (void)end();
    }
    assert_int_equal(counter("turns_undone"), 1);
    quiet_turn();
    assert_int_equal(count_said(SESSION_ANNA, RFL_MSG_NOTICE), 0);
}

/* What decided before and what would decide after: both can be asked for, by name and with the day. */
static void a_rule_whose_day_has_come_is_explained(void **state)
{
    (void)state;
    struct rfl_ask ask = submit_of(&(struct knock){ .reference = "x", .area = "QJK", .door = RFL_DOOR_SELF });
    ask.kind = RFL_MSG_EXPLAIN;
    const struct rfl_reply *reply = asked(SESSION_ADMIN, &ask);
    expect_kind(reply, RFL_MSG_EXPLAINED);
    assert_int_equal(reply->explained.tried_count, 1);
    assert_true(reply->explained.tried[0].holds);
    at(rfl_london_midnight_ms((struct rfl_date){ 2026, 11, 16 }));
    reply = asked(SESSION_ADMIN, &ask);
    expect_kind(reply, RFL_MSG_EXPLAINED);
    assert_int_equal(reply->explained.tried_count, 2);
    assert_text(reply->explained.tried[0].unmet, "over since 2026-11-16");
    assert_true(reply->explained.tried[1].holds);
}

/* From the desk to a provider and back again, by hand: the day is nobody's business any more. */
static void what_somebody_has_placed_at_the_same_desk_stays_there(void **state)
{
    (void)state;
    send("a", RFL_DOOR_SELF);
    expect_kind(order(1, RFL_MSG_PLACE, "kent-medway/intake", 0), RFL_MSG_ACTED);
    expect_kind(order(1, RFL_MSG_PLACE, DESK, 0), RFL_MSG_ACTED);
    for (unsigned day = 16; day < 30; day++) {
        at(rfl_london_midnight_ms((struct rfl_date){ 2026, 11, (uint8_t)day }));
        quiet_turn();
        expect_at(1, RFL_STATUS_TRIAGE, DESK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(full_queues_pass_people_on), TEST(nobody_is_in_their_own_way),
        TEST(what_was_put_off_is_decided_again_on_its_day), TEST(the_first_clock_ends_with_the_day_as_well),
        TEST(room_counts_on_that_day_too),
        TEST(what_somebody_has_placed_stays_there),
        TEST(who_is_moved_because_an_area_ends_finds_full_queues_full),
        TEST(who_is_moved_to_where_it_is_too_early_is_decided_again_on_that_day),
        TEST(what_somebody_has_placed_at_the_same_desk_stays_there),
        TEST(a_rule_whose_day_has_come_is_explained),
        TEST(workers_are_not_told_again_because_a_later_turn_was_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
