/* 1 April 2026 under load: twelve areas end, three of them divided, while thousands of cases wait, are offered, held
 * and worked on in all 42. The engine on a real store, the shipped policy, two editions of an invented directory.
 *
 * What must come out is computed here a second time, from the published succession and from who was put on which
 * invented practice's list; nothing of the code under test is asked for it. */
#include "engine_world.h"

#include <sys/wait.h>

#include "canaries.h"
#include "rfl_apply.h"
#include "rfl_date.h"
#include "rfl_decide.h"
#include "rfl_directory_build.h"
#include "rfl_lineage.h"
#include "rfl_wire.h"

#define DATA "../shared/data/"
enum { OLD_AREAS = 42, PER_AREA = 60, CASES = OLD_AREAS * PER_AREA, LATE_CASES = 84, SESSION_WORK = 100,
       CREDIT = 12, PAGES_MAX = 200, PLAN_ROWS = 256 };

/* The published succession, by ODS codes; more than one: divided. */
static const struct { const char *old, *next[3]; } succession[] = {
    { "QHG", { "S1Y5D" } }, { "QUE", { "S1Y5D" } }, { "QM7", { "S1Y5D", "D7T5G" } }, { "QH8", { "D7T5G" } },
    { "QJG", { "D7T5G", "T6Y0W" } }, { "QMM", { "T6Y0W" } }, { "QXU", { "S9B9J" } }, { "QNX", { "S9B9J" } },
    { "QNQ", { "S9B9J", "S0E4D", "QRL" } }, { "QU9", { "S0E4D" } }, { "QMJ", { "Z9B2Z" } }, { "QRV", { "Z9B2Z" } } };
enum { ENDING = sizeof succession / sizeof succession[0] };
static const struct { const char *sub, *next; } parts[] = {
    { "06K", "S1Y5D" }, { "06N", "S1Y5D" }, { "07H", "D7T5G" }, { "06L", "T6Y0W" }, { "07K", "T6Y0W" },
    { "06T", "D7T5G" } };
static const struct { const char *sub, *next; } frimley[] = {
    { "U2G6B", "S0E4D" }, { "D9Y0V", "QRL" }, { "92A", "S9B9J" } };

/* One person: on the list of an invented practice. next: the area's code from the hour on; "" nothing decides. */
struct someone { char practice[8], icb[8], sub[8], icb_new[8], sub_new[8], next[8]; bool listed; uint16_t area; };
static struct someone people[CASES + LATE_CASES];
static struct rfl_directory_set *directories;
static struct rfl_policy *policy_of_world;
static int64_t hour_ms;
static struct rfl_case before[CASES + LATE_CASES + 1];
static unsigned hands;                  /* offers heard so far */
static uint32_t known;                  /* cases in the store */
static bool swept;                      /* from here on nobody may wait in an area that has ended */

/* ---- invented people, practices and the two editions ---- */

static const char *const *next_of(const char *old)
{
    static const char *const none[3];
    for (unsigned i = 0; i < ENDING; i++)
        if (strcmp(succession[i].old, old) == 0)
            return succession[i].next;
    return none;
}

/* The area's ODS code: three characters, or five since 2020. */
static const char *ods(const struct rfl_area *area)
{
    for (uint32_t i = 0; i < shipped_policy->alias_count; i++) {
        const struct rfl_alias *alias = &shipped_policy->alias[i];
        if (alias->area.v == area->id.v && strlen(alias->code) <= 5)
            return alias->code;
    }
    fail_msg("area %u has no ODS code", area->id.v);
    return "";
}

static void put(char out[8], const char *text)
{
    assert_true(strlen(text) < 8);
    memmove(out, text, strlen(text) + 1);       /* both may be of one person */
}

/* Of a merged area every other practice still has the old code in the new edition; of Frimley every fourth is missing
 * from it, so that only the old, undivided sub-ICB is known of them. */
static void invent(struct someone *one, const struct rfl_area *area, unsigned n, unsigned k)
{
    const char *const *next = next_of(ods(area));
    *one = (struct someone){ .listed = true, .area = area->id.v };
    (void)snprintf(one->practice, sizeof one->practice, "Z%05u", 10000 + n);
    put(one->icb, ods(area));
    put(one->sub, "99Z");
    put(one->icb_new, ods(area));
    put(one->next, ods(area));
    if (next[0] != NULL) {
        put(one->next, next[0]);
        put(one->icb_new, k % 2 == 0 ? next[0] : ods(area));
    }
    if (strcmp(ods(area), "QNQ") == 0) {
        put(one->sub, "D4U1Y");
        one->listed = k % 4 != 3;
        put(one->icb_new, one->listed ? frimley[k % 3].next : "");
        put(one->next, one->icb_new);
        put(one->sub_new, one->listed ? frimley[k % 3].sub : "");
        return;
    }
    if (next[0] != NULL && next[1] != NULL) {
        unsigned first = strcmp(ods(area), "QM7") == 0 ? 0 : 3, at = first + k % 3;
        put(one->sub, parts[at].sub);
        put(one->next, parts[at].next);
        put(one->icb_new, k % 2 == 0 ? parts[at].next : ods(area));
    }
    put(one->sub_new, one->sub);
}

static void write_edition(const char *path, bool later)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < CASES + LATE_CASES; i++) {
        const struct someone *one = &people[i];
        if (!later || one->listed)
            (void)fprintf(f, "\"%s\",\"INVENTED PRACTICE\",\"Y60\",\"%s\",\"\",\"\",\"\",\"\",\"\",\"QA1 1AA\","
                          "\"19900401\",\"\",\"A\",\"B\",\"%s\",\"20200401\",\"\",\"\",\"\",\"\",\"\",\"0\",\"\","
                          "\"%s\",\"\",\"4\",\"\"\r\n",
                          one->practice, later ? one->icb_new : one->icb, later ? one->sub_new : one->sub,
                          later ? one->sub_new : one->sub);
    }
    assert_int_equal(fclose(f), 0);
}

static void compile_edition(const char *folder, unsigned edition, struct rfl_date effective)
{
    static struct rfl_directory_report report;
    char csv[256], out[256];
    (void)snprintf(csv, sizeof csv, "%s/practices.csv", folder);
    (void)snprintf(out, sizeof out, "%s/invented-%u.rfldir", folder, edition);
    write_edition(csv, edition > 1);
    const char *paths[] = { csv };
    const struct rfl_directory_recipe recipe = { .out_path = out, .label = "invented", .edition = (uint16_t)edition,
        .effective = effective, .practice_paths = paths, .practice_path_count = 1 };
    if (rfl_directory_build(&recipe, &report) != RFL_E_OK)
        fail_msg("directory: %s (line %u)", report.fault.rule, report.fault.line);
    (void)unlink(csv);
}

static void make_directories(void)
{
    char folder[160], path[256];
    struct rfl_directory_fault fault;
    (void)snprintf(folder, sizeof folder, "%s/directories", w.folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    compile_edition(folder, 1, (struct rfl_date){ 2025, 10, 1 });
    compile_edition(folder, 2, (struct rfl_date){ 2026, 4, 1 });
    must(rfl_directory_set_open(folder, &directories, &fault));
    for (unsigned edition = 1; edition <= 2; edition++) {       /* mapped; the names are not needed any more */
        (void)snprintf(path, sizeof path, "%s/invented-%u.rfldir", folder, edition);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static bool read_form(struct rfl_view referral, struct rfl_arena *arena, struct rfl_form *form)
{
    struct rfl_findings findings;
    return rfl_wire_decode_form(referral, arena, form, &findings) == RFL_CODE_OK;
}

static void open_country(void)
{
    const char *base = getenv("TMPDIR");
    unsigned n = 0;
    int64_t eve_ms;
    hour_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 4, 1 });
    eve_ms = hour_ms - 1;
    memset(&w, 0, sizeof w);
    (void)snprintf(w.folder, sizeof w.folder, "%.60s/rfl_areas_XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(w.folder));
    (void)snprintf(w.dir, sizeof w.dir, "%s/store", w.folder);
    for (unsigned k = 0; k < PER_AREA + LATE_CASES / OLD_AREAS; k++)
        for (uint32_t i = 0; i < shipped_policy->area_count; i++)
            if (rfl_area_alive(&shipped_policy->area[i], eve_ms)) {
                invent(&people[n], &shipped_policy->area[i], n, k);
                n++;
            }
    assert_int_equal(n, CASES + LATE_CASES);
    make_directories();
    w.store_options = (struct rfl_store_options){ .map_bytes = 256 << 20, .allow_any_fs = true };
    w.options = (struct rfl_engine_options){ .test_people = true, .directories = directories, .read_form = read_form,
                                             .session_idle_ms = INT64_C(30) * 24 * HOUR_MS };
    w.now = (struct rfl_now){ hour_ms - 6 * 24 * HOUR_MS + 9 * HOUR_MS, 1000 };     /* Thursday 26 March, 09:00 */
    known = 0;
    hands = 0;
    swept = false;
    must(rfl_store_init(w.dir, &w.store_options));
    policy_of_world = shipped_policy;
    open_engine();
}

static int country_up(void **state)
{
    (void)state;
    open_country();
    return 0;
}

/* ---- at every instant ---- */

static struct rfl_case load(uint32_t id)
{
    struct rfl_case kase;
    must(rfl_store_case(w.store, (struct rfl_case_id){ id }, &kase));
    return kase;
}

static bool with_worker(const struct rfl_case *kase)
{
    return kase->status == RFL_STATUS_OFFERED || kase->status == RFL_STATUS_ACCEPTED ||
           kase->status == RFL_STATUS_WAITING_ON_PERSON || kase->status == RFL_STATUS_ACTIVE;
}

/* Nobody is lost and nobody is without an owner who is there; whom a worker does not have is in a living area. */
static void look_at_everybody(void)
{
    begin();
    known = (uint32_t)(rfl_store_next_case(w.store).v - 1);
    for (uint32_t id = 1; id <= known; id++) {
        struct rfl_case kase = load(id);
        assert_null(rfl_case_broken(&kase));
        if (kase.status == RFL_STATUS_CLOSED)
            continue;
        assert_true(kase.due_ms > 0);
        assert_true(rfl_owner_of(policy_of_world, &kase, w.now.wall_ms).len > 0);
        const struct rfl_queue *queue = rfl_policy_queue(policy_of_world, kase.queue);
        assert_non_null(queue);
        assert_int_equal(queue->area.v, kase.area.v);
        if (swept && !with_worker(&kase))
            assert_false(rfl_lineage_gone(policy_of_world, kase.queue, w.now.wall_ms));
    }
    rfl_engine_settle(w.engine);
    must(rfl_engine_commit(w.engine));
}

/* ---- load ---- */

static void submit_someone(unsigned n)
{
    static uint8_t body[RFL_BODY_BYTES_MAX];
    char reference[24];
    struct rfl_ask ask = { .kind = RFL_MSG_SUBMIT, .source = V("gp-north") };
    (void)snprintf(reference, sizeof reference, "ref-%u", n);
    ask.reference = text_of(reference);
    ask.form = (struct rfl_form){ .door = RFL_DOOR_GP, .has_band = true, .band = n % 7 == 0 ? RFL_BAND_URGENT
                                                                                            : RFL_BAND_ROUTINE,
        .consent = n % 11 == 5 ? RFL_CONSENT_NOT_GIVEN : RFL_CONSENT_GIVEN, .gp_practice = text_of(people[n].practice),
        .name = V(CANARY_NAME), .phone = V(CANARY_PHONE) };
    ask.form.nhs_number = text_of(person(n * 13));
    size_t len = rfl_wire_encode_form(&ask.form, body, sizeof body);
    assert_true(len > 0);
    ask.referral = (struct rfl_view){ body, len };
    ask.correlation = ++w.correlation;
    rfl_engine_handle(w.engine, SESSION_DOOR, &ask);
}

/* In turns of a hundred. */
static void submit_all(unsigned from, unsigned upto)
{
    for (unsigned n = from; n < upto;) {
        begin();
        for (unsigned i = 0; i < 100 && n < upto; i++)
            submit_someone(n++);
        must(end());
        for (uint32_t i = 0; i < w.said_count; i++)
            assert_true(w.said[i].session != SESSION_DOOR || w.said[i].reply.kind == RFL_MSG_RECEIPT);
    }
}

static char worker_name[OLD_AREAS + 8][24], queue_name[OLD_AREAS + 8][80];
static uint16_t worker_area[OLD_AREAS + 8];
static struct held in_hand[OLD_AREAS * CREDIT * 16];
static uint64_t hand_of[OLD_AREAS * CREDIT * 16];

static void take_offers(void)
{
    for (uint32_t i = 0; i < w.said_count; i++) {
        const struct rfl_reply *reply = &w.said[i].reply;
        if (reply->kind != RFL_MSG_OFFER)
            continue;
        assert_true(hands < sizeof in_hand / sizeof in_hand[0]);
        in_hand[hands] = (struct held){ .token = reply->offer.token, .deadline_ms = reply->offer.deadline_ms };
        (void)snprintf(in_hand[hands].code, sizeof in_hand[0].code, "%.*s", (int)reply->offer.case_code.len,
                       (const char *)reply->offer.case_code.p);
        hand_of[hands++] = w.said[i].session;
    }
}

static void subscribe_workers(void)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < shipped_policy->area_count; i++) {
        const struct rfl_area *area = &shipped_policy->area[i];
        if (!rfl_area_alive(area, w.now.wall_ms))
            continue;
        struct rfl_view name = rfl_policy_text(shipped_policy, rfl_policy_queue(shipped_policy, area->intake)->name);
        (void)snprintf(queue_name[n], sizeof queue_name[n], "%.*s", (int)name.len, (const char *)name.p);
        (void)snprintf(worker_name[n], sizeof worker_name[n], "worker-%u", n);
        worker_area[n] = area->id.v;
        expect_kind(subscribe(SESSION_WORK + n, worker_name[n], queue_name[n], CREDIT), RFL_MSG_SUBSCRIBED);
        take_offers();
        n++;
    }
    assert_int_equal(n, OLD_AREAS);
}

static struct rfl_ask verb_in_hand(unsigned hand, enum rfl_message_kind kind)
{
    unsigned n = (unsigned)(hand_of[hand] - SESSION_WORK);
    struct rfl_ask ask = verb_of(kind, worker_name[n], &in_hand[hand]);
    ask.text = V("words");
    ask.role = V("coach");
    ask.employment = RFL_EMPLOYMENT_IN_WORK;
    ask.at_ms = hour_ms + (kind == RFL_MSG_DEFER ? 12 * HOUR_MS : 0);
    ask.queue = text_of(queue_name[(n + 1) % OLD_AREAS]);
    ask.correlation = ++w.correlation;
    return ask;
}

/* What a worker does with its i-th offer, step by step; the rest is left in their hands. */
static enum rfl_message_kind habit(unsigned hand, unsigned step)
{
    static const enum rfl_message_kind habits[9][3] = {
        { RFL_MSG_ACCEPT }, { RFL_MSG_DECLINE }, { RFL_MSG_DEFER }, { RFL_MSG_REDIRECT },
        { RFL_MSG_ACCEPT, RFL_MSG_CONTACTED }, { RFL_MSG_ACCEPT, RFL_MSG_CONTACTED, RFL_MSG_STARTED } };
    return habits[hand % 9][step];
}

/* Workers say yes, no, later and elsewhere, speak to people and start: a hundred answers in a turn. */
static void work(void)
{
    unsigned first = hands;
    for (unsigned step = 0; step < 3; step++)
        for (unsigned i = 0; i < first;) {
            begin();
            for (unsigned n = 0; n < 100 && i < first; i++) {
                struct rfl_ask ask = verb_in_hand(i, habit(i, step));
                if (ask.kind == RFL_MSG_NONE)
                    continue;
                rfl_engine_handle(w.engine, hand_of[i], &ask);
                n++;
            }
            must(end());
            for (uint32_t k = 0; k < w.said_count; k++)
                if (w.said[k].reply.kind == RFL_MSG_REFUSAL)
                    fail_msg("refused with %s", rfl_code_name((enum rfl_code)w.said[k].reply.refusal.code));
            take_offers();
        }
}

/* The desk pauses some, and one case of each area waits at its desk. */
static void triage(void)
{
    for (uint32_t id = 1; id <= CASES; id += 5) {
        begin();
        struct rfl_case kase = load(id);
        must(rfl_engine_commit(w.engine));
        if (kase.status != RFL_STATUS_QUEUED && kase.status != RFL_STATUS_DECLINING)
            continue;
        char code[RFL_RECEIPT_BYTES], desk[80];
        must(rfl_receipt_encode(rfl_store_receipt_key(w.store), RFL_RECEIPT_CASE, id, code));
        struct rfl_view name = rfl_policy_text(shipped_policy,
            rfl_policy_triage_of(shipped_policy, kase.area, w.now.wall_ms)->name);
        (void)snprintf(desk, sizeof desk, "%.*s", (int)name.len, (const char *)name.p);
        struct rfl_ask ask = { .kind = id % 2 == 0 ? RFL_MSG_HOLD : RFL_MSG_PLACE, .code = text_of(code),
                               .operator_name = V("desk"), .why = V("because"), .at_ms = hour_ms + 40 * HOUR_MS,
                               .queue = text_of(desk) };
        expect_kind(asked(SESSION_ADMIN, &ask), RFL_MSG_ACTED);
    }
}

/* Until the engine has nothing left to do at this moment. */
static void settle_down(void)
{
    unsigned turns = 0;
    do {
        quiet_turn();
        take_offers();
    } while (rfl_engine_next_due(w.engine) <= w.now.wall_ms && turns++ < 1000);
}

static void live_through_march(void)
{
    submit_all(0, CASES / 2);
    subscribe_workers();
    work();
    look_at_everybody();
    for (unsigned step = 0; step < 27; step++) {     /* four days of leases that run out: some are parked in the end */
        at(w.now.wall_ms + 4 * HOUR_MS);
        settle_down();
    }
    submit_all(CASES / 2, CASES);
    take_offers();
    triage();
    at(hour_ms - 6 * HOUR_MS);                      /* Tuesday, 18:00 in London: the working day is over */
    settle_down();
    look_at_everybody();
    assert_int_equal(known, CASES);
}

static void remember_everybody(void)
{
    begin();
    for (uint32_t id = 1; id <= known; id++)
        before[id] = load(id);
    must(rfl_engine_commit(w.engine));
}

/* ---- the plan, and the report ---- */

struct planned { char queue[80], to[80], reason[40]; uint64_t waiting, held; };
struct plan { struct planned row[PLAN_ROWS]; unsigned count; uint64_t waiting, held; };

static bool is(const char *text, struct rfl_view v) { return is_text(v, text); }

static void add_row(struct plan *plan, const struct rfl_area_row *row)
{
    unsigned i = 0;
    while (i < plan->count && !(is(plan->row[i].queue, row->queue) && is(plan->row[i].to, row->to) &&
                                is(plan->row[i].reason, row->reason)))
        i++;
    assert_true(i < PLAN_ROWS);
    if (i == plan->count) {
        (void)snprintf(plan->row[i].queue, 80, "%.*s", (int)row->queue.len, (const char *)row->queue.p);
        (void)snprintf(plan->row[i].to, 80, "%.*s", (int)row->to.len, (const char *)row->to.p);
        (void)snprintf(plan->row[i].reason, 40, "%.*s", (int)row->reason.len,
                       row->reason.len > 0 ? (const char *)row->reason.p : "");
        plan->count++;
    }
    assert_in_range(row->samples_count, 1, 3);
    plan->row[i].waiting += row->waiting;
    plan->row[i].held += row->held;
    plan->waiting += row->waiting;
    plan->held += row->held;
}

static void read_plan(struct plan *plan, int64_t at_ms, bool past)
{
    char after[80] = "";
    memset(plan, 0, sizeof *plan);
    for (unsigned page = 0; page < PAGES_MAX; page++) {
        struct rfl_ask ask = { .kind = RFL_MSG_AREA_PLAN, .at_ms = at_ms, .past = past, .after = text_of(after) };
        const struct rfl_reply *reply = asked(SESSION_ADMIN, &ask);
        expect_kind(reply, RFL_MSG_AREA_PLANNED);
        for (uint32_t i = 0; i < reply->area_planned.rows_count; i++)
            add_row(plan, &reply->area_planned.rows[i]);
        if (reply->area_planned.next.len == 0)
            return;
        (void)snprintf(after, sizeof after, "%.*s", (int)reply->area_planned.next.len,
                       (const char *)reply->area_planned.next.p);
    }
    fail_msg("a plan without an end");
}

static void expect_same_plan(const struct plan *said, const struct plan *was)
{
    unsigned rows = 0;
    for (unsigned i = 0; i < said->count; i++) {
        const struct planned *one = &said->row[i];
        bool found = one->waiting == 0;
        rows += one->waiting != 0;
        for (unsigned k = 0; k < was->count && !found; k++)
            found = strcmp(one->queue, was->row[k].queue) == 0 && strcmp(one->to, was->row[k].to) == 0 &&
                    strcmp(one->reason, was->row[k].reason) == 0 && one->waiting == was->row[k].waiting;
        if (!found)
            fail_msg("planned %llu from %s to %s (%s), and that is not what happened",
                     (unsigned long long)one->waiting, one->queue, one->to, one->reason);
    }
    assert_int_equal(rows, was->count);
    assert_int_equal(said->waiting, was->waiting);
}

/* ---- what must come out ---- */

static bool ends(uint16_t area)
{
    const struct rfl_area *found = rfl_policy_area(shipped_policy, (struct rfl_area_no){ area });
    return found != NULL && next_of(ods(found))[0] != NULL;
}

static const struct rfl_area *area_of_code(const char *code)
{
    const struct rfl_area *area = rfl_policy_area_by_code(shipped_policy, text_of(code), hour_ms, NULL);
    assert_non_null(area);
    return area;
}

/* Of a case whose own practice put it into this area; a redirected one belongs to whom it was given. */
static const char *expected_area(const struct rfl_case *was, uint32_t id)
{
    const struct rfl_area *area = rfl_policy_area(shipped_policy, was->area);
    if (people[id - 1].area == was->area.v)
        return people[id - 1].next;
    const char *const *next = next_of(ods(area));
    return next[1] == NULL ? next[0] : NULL;
}

static void expect_moved(const struct rfl_case *was, const struct rfl_case *is_now, uint32_t id)
{
    const char *code = expected_area(was, id);
    const struct rfl_queue *old_queue = rfl_policy_queue(shipped_policy, was->queue);
    bool desk = old_queue->kind != RFL_QUEUE_KIND_PROVIDER;
    struct rfl_case expected = *was;
    if (code == NULL) {                     /* placed by a person into an area that was divided: its desk or theirs */
        assert_false(rfl_lineage_gone(shipped_policy, is_now->queue, hour_ms));
        expected.queue = is_now->queue;
        expected.area = is_now->area;
        desk = rfl_policy_queue(shipped_policy, is_now->queue)->kind != RFL_QUEUE_KIND_PROVIDER;
    } else if (code[0] == '\0') {
        expected.queue = shipped_policy->national_triage;
        expected.area.v = 0;
        desk = true;
    } else {
        const struct rfl_area *to = area_of_code(code);
        expected.area = to->id;
        expected.queue = desk ? to->triage : to->intake;
    }
    if (desk && was->status == RFL_STATUS_QUEUED) {
        expected.status = RFL_STATUS_TRIAGE;
        expected.clock = was->clock == RFL_CLOCK_ACCEPT ? (uint8_t)RFL_CLOCK_TRIAGE : was->clock;
    }
    expected.lapses = 0;
    expected.version = was->version + 1;
    expected.last_seq = is_now->last_seq;
    if (memcmp(&expected, is_now, sizeof expected) != 0)
        fail_msg("case %u, %s in queue %u: to queue %u and not %u, clock %u due %lld and not %u due %lld", id,
                 rfl_status_word((enum rfl_status)was->status), was->queue.v, is_now->queue.v, expected.queue.v,
                 is_now->clock, (long long)is_now->due_ms, expected.clock, (long long)expected.due_ms);
}

static uint64_t moved_statuses[RFL_STATUS_COUNT], moved_holds[RFL_HOLD_COUNT];

/* Everybody against what they were before the hour; returns how many moved. */
static uint64_t compare_everybody(void)
{
    uint64_t moved = 0, now_in[65536 / 256] = { 0 }, then_in[65536 / 256] = { 0 };
    memset(moved_statuses, 0, sizeof moved_statuses);
    memset(moved_holds, 0, sizeof moved_holds);
    begin();
    for (uint32_t id = 1; id <= CASES; id++) {
        struct rfl_case is_now = load(id);
        const struct rfl_case *was = &before[id];
        bool moves = ends(was->area.v) && !with_worker(was) && was->status != RFL_STATUS_CLOSED;
        if (!moves) {
            assert_memory_equal(&is_now, was, sizeof is_now);
        } else {
            expect_moved(was, &is_now, id);
            const char *code = expected_area(was, id);
            then_in[code == NULL ? is_now.area.v : code[0] == '\0' ? 0 : area_of_code(code)->id.v]++;
            now_in[is_now.area.v]++;
            moved_statuses[was->status]++;
            moved_holds[was->hold]++;
            moved++;
        }
    }
    must(rfl_engine_commit(w.engine));
    assert_memory_equal(now_in, then_in, sizeof now_in);
    return moved;
}

/* ---- the log of a case: no offer while another is out ---- */

static void expect_no_double_offer(uint32_t id)
{
    struct rfl_entry entry;
    int out = 0;
    struct rfl_seq chain[512];
    unsigned count = 0;
    for (struct rfl_seq seq = load(id).last_seq; seq.v != 0 && count < 512; seq = entry.prev_of_case) {
        must(rfl_store_entry(w.store, seq, &entry));
        chain[count++] = seq;
    }
    while (count-- > 0) {
        must(rfl_store_entry(w.store, chain[count], &entry));
        for (uint32_t i = 0; i < entry.event_count; i++) {
            uint8_t kind = entry.events[i].kind;
            if (kind == RFL_EVENT_OFFERED)
                assert_int_equal(out++, 0);
            else if (kind == RFL_EVENT_LAPSED || kind == RFL_EVENT_RETURNED || kind == RFL_EVENT_DECLINED ||
                     kind == RFL_EVENT_REDIRECTED || kind == RFL_EVENT_DEFERRED || kind == RFL_EVENT_MOVED ||
                     kind == RFL_EVENT_CLOSED)
                out = 0;
            else if (kind == RFL_EVENT_REHOMED || kind == RFL_EVENT_UNHOMED)
                assert_int_equal(out, 0);       /* what a worker has is not moved under it */
        }
    }
}

static void close_country(void)
{
    char copy[160];
    struct rfl_store_report report = { .say = say_finding };
    (void)snprintf(copy, sizeof copy, "%s/rebuilt", w.folder);
    close_engine();
    must(rfl_store_rebuild(w.dir, copy, &w.store_options, &report));
    must(rfl_store_compare(w.dir, copy, &w.store_options, &report));
    assert_int_equal(report.findings, 0);
    char dir[128];
    memcpy(dir, w.dir, sizeof dir);
    (void)snprintf(w.dir, sizeof w.dir, "%.100s/rebuilt", w.folder);
    remove_file("data.mdb");
    remove_file("lock.mdb");
    remove_file("master.key");
    remove_file("lock");
    (void)rmdir(w.dir);
    memcpy(w.dir, dir, sizeof dir);
    open_engine();
    close_world();                      /* verifies */
    rfl_directory_set_close(&directories);
}

static int country_down(void **state)
{
    (void)state;
    close_country();
    return 0;
}

/* ---- the stories ---- */

static unsigned turns_needed(void)
{
    unsigned turns = 0;
    at(hour_ms);
    do {
        quiet_turn();
        take_offers();
        look_at_everybody();
        turns++;
    } while (rfl_engine_next_due(w.engine) <= w.now.wall_ms && turns < 1000);
    swept = true;
    look_at_everybody();
    return turns;
}

static void everybody_goes_to_who_follows_with_the_clock_running_on(void **state)
{
    (void)state;
    static struct plan planned, reported, nothing;
    live_through_march();
    read_plan(&planned, hour_ms, false);
    read_plan(&nothing, hour_ms - 1, false);
    assert_int_equal(nothing.count, 0);
    remember_everybody();
    at(hour_ms - 1);
    assert_true(rfl_engine_next_due(w.engine) <= hour_ms);      /* an idle daemon wakes for it */
    quiet_turn();
    assert_int_equal(counter("rehomed") + counter("unhomed"), 0);
    remember_everybody();
    assert_true(turns_needed() > 1);                            /* in batches: nobody waits for all of it */
    uint64_t moved = compare_everybody();
    print_message("%llu moved: %llu queued, %llu at a desk, %llu on hold (%llu parked), %llu declining; %llu with a "
                  "worker stayed\n", (unsigned long long)moved, (unsigned long long)moved_statuses[RFL_STATUS_QUEUED],
                  (unsigned long long)moved_statuses[RFL_STATUS_TRIAGE],
                  (unsigned long long)moved_statuses[RFL_STATUS_ON_HOLD],
                  (unsigned long long)moved_holds[RFL_HOLD_PARKED],
                  (unsigned long long)moved_statuses[RFL_STATUS_DECLINING], (unsigned long long)planned.held);
    assert_int_equal(counter("rehomed") + counter("unhomed"), moved);
    assert_true(moved_statuses[RFL_STATUS_QUEUED] > 0 && moved_statuses[RFL_STATUS_TRIAGE] > 0 &&
                moved_statuses[RFL_STATUS_DECLINING] > 0 && moved_holds[RFL_HOLD_CONSENT] > 0 &&
                moved_holds[RFL_HOLD_DEFERRED] > 0 && moved_holds[RFL_HOLD_OPERATOR] > 0 &&
                moved_holds[RFL_HOLD_PARKED] > 0 && planned.held > 0);
    read_plan(&reported, hour_ms, true);
    expect_same_plan(&planned, &reported);
    assert_int_equal(reported.waiting, moved);
    read_plan(&nothing, hour_ms, false);
    assert_int_equal(nothing.waiting, 0);
    assert_int_equal(nothing.held, planned.held);
}

/* The hour itself: adapters go on sending, workers go on answering, offers run out. */
static void what_comes_back_from_a_worker_after_the_hour_goes_home_at_once(void **state)
{
    (void)state;
    uint64_t old_codes, home = 0;
    live_through_march();
    remember_everybody();
    old_codes = counter("old_codes");
    at(hour_ms);
    submit_all(CASES, CASES + LATE_CASES);          /* old codes and new ones, into a turn that moves people */
    assert_true(counter("old_codes") > old_codes);
    (void)turns_needed();
    (void)compare_everybody();
    for (uint32_t id = CASES + 1; id <= known; id++) {
        begin();
        struct rfl_case kase = load(id);
        must(rfl_engine_commit(w.engine));
        const char *code = people[id - 1].next;
        assert_int_equal(kase.area.v, code[0] == '\0' ? 0 : area_of_code(code)->id.v);
    }
    unsigned first = hands;
    for (unsigned i = 0; i < first; i++) {
        struct rfl_case kase;
        enum rfl_receipt_kind kind;
        uint64_t id;
        must(rfl_receipt_decode(rfl_store_receipt_key(w.store), text_of(in_hand[i].code), &kind, &id));
        begin();
        kase = load((uint32_t)id);
        must(rfl_engine_commit(w.engine));
        if (kase.status != RFL_STATUS_OFFERED || !rfl_token_same(kase.token, in_hand[i].token) || i % 3 == 2)
            continue;
        struct rfl_ask ask = verb_in_hand(i, i % 3 == 0 ? RFL_MSG_DECLINE : RFL_MSG_DEFER);
        expect_kind(asked(hand_of[i], &ask), RFL_MSG_DONE);
        take_offers();
        begin();
        struct rfl_case after = load((uint32_t)id);
        must(rfl_engine_commit(w.engine));
        assert_int_equal(after.status, i % 3 == 0 ? RFL_STATUS_DECLINING : RFL_STATUS_ON_HOLD);
        if (ends(kase.area.v)) {
            assert_int_not_equal(after.queue.v, kase.queue.v);
            home++;
        }
        assert_false(rfl_lineage_gone(shipped_policy, after.queue, w.now.wall_ms));
    }
    assert_true(home > 0);
    look_at_everybody();
    pass(20 * HOUR_MS);                 /* the rest lapse; holds and clocks go on */
    look_at_everybody();
    for (unsigned day = 0; day < 3; day++) {
        pass(24 * HOUR_MS);
        look_at_everybody();
    }
    begin();
    for (uint32_t id = 1; id <= known; id++)
        expect_no_double_offer(id);
    must(rfl_engine_commit(w.engine));
}

static void workers_of_a_queue_that_ended_are_told_once_where_it_went(void **state)
{
    (void)state;
    unsigned told = 0, named = 0;
    live_through_march();
    at(hour_ms);
    unsigned turns = 0;
    do {
        quiet_turn();
        for (uint32_t i = 0; i < w.said_count; i++) {
            const struct rfl_msg_notice *notice = &w.said[i].reply.notice;
            if (w.said[i].reply.kind != RFL_MSG_NOTICE || notice->kind != RFL_NOTICE_QUEUE_MOVED)
                continue;
            unsigned n = (unsigned)(w.said[i].session - SESSION_WORK);
            const struct rfl_area *area = rfl_policy_area(shipped_policy, (struct rfl_area_no){ worker_area[n] });
            const char *const *next = next_of(ods(area));
            assert_text(notice->queue, queue_name[n]);
            for (unsigned k = 0; k < 3 && next[k] != NULL; k++, named++) {
                bool found = false;
                struct rfl_view wanted = rfl_policy_text(shipped_policy,
                    rfl_policy_queue(shipped_policy, area_of_code(next[k])->intake)->name);
                for (uint32_t t = 0; t < notice->moved_to_count; t++)
                    found = found || (notice->moved_to[t].len == wanted.len &&
                                      memcmp(notice->moved_to[t].p, wanted.p, wanted.len) == 0);
                assert_true(found);
            }
            told++;
        }
    } while (rfl_engine_next_due(w.engine) <= w.now.wall_ms && turns++ < 1000);
    assert_int_equal(told, ENDING);
    assert_int_equal(named, 16);
    expect_kind(subscribe(900, "latecomer", "frimley/intake", 5), RFL_MSG_SUBSCRIBED);
    assert_int_equal(count_said(900, RFL_MSG_NOTICE), 1);
    assert_int_equal(said(900, RFL_MSG_NOTICE, 0)->notice.moved_to_count, 3);
    assert_int_equal(count_said(900, RFL_MSG_OFFER), 0);
    pass(HOUR_MS);
    assert_int_equal(count_said(900, RFL_MSG_NOTICE), 0);
    swept = true;
}

/* kill -9 in the middle of the move, in a turn that had not been committed: the next start finishes it. */
static void a_process_killed_in_the_middle_leaves_a_move_that_the_next_start_finishes(void **state)
{
    (void)state;
    live_through_march();
    remember_everybody();
    close_engine();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_engine();
        at(hour_ms);
        for (unsigned turn = 0; turn < 2; turn++)
            quiet_turn();
        begin();
        rfl_engine_settle(w.engine);
        (void)kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    open_engine();
    begin();
    unsigned left = 0;
    for (uint32_t id = 1; id <= CASES; id++) {
        struct rfl_case kase = load(id);
        left += ends(kase.area.v) && !with_worker(&kase) && kase.status != RFL_STATUS_CLOSED;
    }
    rfl_store_abort(w.store);
    assert_true(left > 0);
    at(hour_ms);
    assert_true(rfl_engine_next_due(w.engine) <= w.now.wall_ms);        /* nobody need ask for it */
    (void)turns_needed();
    assert_true(compare_everybody() > left);
}

/* Devon lives on and loses a part to Dorset: whom facts had put there follows it, whom a person had put there stays. */
static void who_waits_in_a_part_that_leaves_a_living_area_follows_it(void **state)
{
    (void)state;
    struct rfl_policy *later = malloc(sizeof *later);
    assert_non_null(later);
    memcpy(later, shipped_policy, sizeof *later);
    struct rfl_area *devon = &later->area[rfl_policy_area_by_name(later, V("devon")) - later->area];
    const struct rfl_area *dorset = rfl_policy_area_by_name(later, V("dorset"));
    int64_t moves_ms = hour_ms + 24 * HOUR_MS;
    assert_int_equal(devon->successor_count, 0);
    devon->successor_first = (uint16_t)later->successor_count;
    devon->successor_count = 1;
    put(later->sub_code[later->sub_count], "99Z");
    later->successor[later->successor_count++] = (struct rfl_successor){ .area = devon->id, .to = dorset->id,
        .from_ms = moves_ms, .sub_first = (uint16_t)later->sub_count++, .sub_count = 1 };
    assert_int_equal(rfl_policy_check(later, NULL, NULL), 0);
    at(hour_ms);
    must(rfl_engine_set_policy(w.engine, later, directories, &w.now, NULL));
    policy_of_world = later;
    submit_all(0, 2 * OLD_AREAS);
    struct rfl_ask place = { .kind = RFL_MSG_PLACE, .operator_name = V("desk"), .why = V("because"),
                             .queue = V("devon/intake") };
    char code[RFL_RECEIPT_BYTES];
    must(rfl_receipt_encode(rfl_store_receipt_key(w.store), RFL_RECEIPT_CASE, 1, code));
    place.code = text_of(code);
    expect_kind(asked(SESSION_ADMIN, &place), RFL_MSG_ACTED);
    look_at_everybody();
    remember_everybody();
    static struct plan planned, reported;
    read_plan(&planned, moves_ms, false);
    at(moves_ms - 1);
    settle_down();
    remember_everybody();
    at(moves_ms);
    settle_down();
    look_at_everybody();
    begin();
    unsigned moved = 0;
    for (uint32_t id = 1; id <= known; id++) {
        struct rfl_case is_now = load(id), expected = before[id];
        if (people[id - 1].area == devon->id.v) {
            expected.queue = before[id].queue.v == devon->intake.v ? dorset->intake : dorset->triage;
            expected.area = dorset->id;
            expected.version++;
            expected.last_seq = is_now.last_seq;
            moved++;
        }
        assert_memory_equal(&is_now, &expected, sizeof expected);
    }
    must(rfl_engine_commit(w.engine));
    assert_int_equal(moved, 2);
    read_plan(&reported, moves_ms, true);
    expect_same_plan(&planned, &reported);
    restart();                          /* shipped: nobody comes back by themselves */
    policy_of_world = shipped_policy;
    free(later);
}

/* The table above against the file it is published in. */
static void the_succession_is_the_published_one(void **state)
{
    (void)state;
    char line[512];
    unsigned rows = 0;
    FILE *f = fopen(DATA "icb_succession_2026.csv", "r");
    if (f == NULL) {
        print_message("skipped: no reference data\n");
        skip();
    }
    while (fgets(line, sizeof line, f) != NULL) {
        char old[8] = "", next[8] = "";
        const char *comma = strchr(line, ',');
        if (comma == NULL || comma - line > 6 || line[0] != 'Q')
            continue;
        memcpy(old, line, (size_t)(comma - line));
        size_t len = strcspn(comma + 1, ",");
        assert_true(len < sizeof next);
        memcpy(next, comma + 1, len);
        if (strcmp(old, next) == 0)
            continue;                   /* the area that lives on */
        bool found = false;
        for (unsigned k = 0; k < 3 && next_of(old)[k] != NULL; k++)
            found = found || strcmp(next_of(old)[k], next) == 0;
        if (!found)
            fail_msg("%s to %s is not in the table", old, next);
        rows++;
    }
    (void)fclose(f);
    assert_int_equal(rows, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_succession_is_the_published_one),
        cmocka_unit_test_setup_teardown(everybody_goes_to_who_follows_with_the_clock_running_on, country_up,
                                        country_down),
        cmocka_unit_test_setup_teardown(what_comes_back_from_a_worker_after_the_hour_goes_home_at_once, country_up,
                                        country_down),
        cmocka_unit_test_setup_teardown(workers_of_a_queue_that_ended_are_told_once_where_it_went, country_up,
                                        country_down),
        cmocka_unit_test_setup_teardown(who_waits_in_a_part_that_leaves_a_living_area_follows_it, country_up,
                                        country_down),
        cmocka_unit_test_setup_teardown(a_process_killed_in_the_middle_leaves_a_move_that_the_next_start_finishes,
                                        country_up, country_down),
    };
    return cmocka_run_group_tests_name("areas", tests, load_policy, free_policy);
}
