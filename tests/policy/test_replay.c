/* What was decided can be decided again, from the log alone, and comes out the same to the byte: from the facts of an
 * entry, at its moment, under the policy that the archive keeps by the digest that the log names.
 *
 * A corpus of made-up decisions over the shipped policy goes through the entry's own encoder and decoder
 * (RFL_REPLAY_COUNT, default 1,000,000); then referrals through the real engine and a real store, under two policies
 * one after the other (RFL_REPLAY_STORED, default 20,000). RFL_SEED says which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "canaries.h"
#include "lots.h"
#include "rfl_conf_archive.h"
#include "world.h"

#define RULE "wigan"
#define RULE_TO "to = \"greater-manchester/wigan/be-well\""
#define RULE_TO_OTHERS "to = \"greater-manchester/ingeus\""

enum { TURN = 256, PATH = 160, COMMAND = 512, PEOPLE = 60000, DAY_S = 86400 };
static const int64_t FIRST_MS = INT64_C(1672531200000), LAST_MS = INT64_C(1861920000000);      /* 2023 to 2028 */

static char dir[] = "/tmp/rfl-replay.XXXXXX", archive[PATH];
static struct lots lots;

static uint64_t setting(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned below(unsigned n) { return lots_below(&lots, n); }
static struct rfl_view text_of(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

/* ---- policies ---- */

static void run(const char *format, ...)
{
    char command[COMMAND];
    va_list words;
    va_start(words, format);
    (void)vsnprintf(command, sizeof command, format, words);
    va_end(words);
    assert_int_equal(system(command), 0);
}

static struct rfl_policy *load(const char *path)
{
    static struct rfl_conf_report report;
    struct rfl_policy *policy = NULL;
    enum rfl_err err = rfl_conf_policy_load(path, &policy, &report);
    rfl_conf_report_print(&report, stdout);
    assert_int_equal(err, RFL_E_OK);
    return policy;
}

/* What the daemon does when a policy takes effect. */
static void keep(const char *path, const struct rfl_policy *policy)
{
    assert_int_equal(rfl_conf_archive_keep(archive, path, rfl_policy_digest(policy)), RFL_E_OK);
}

static struct rfl_policy *kept(struct rfl_hash digest)
{
    static struct rfl_conf_report report;
    struct rfl_policy *policy = NULL;
    assert_int_equal(rfl_conf_archive_load(archive, digest, &policy, &report), RFL_E_OK);
    assert_true(rfl_hash_same(rfl_policy_digest(policy), digest));
    return policy;
}

/* The shipped folder with one rule that sends people elsewhere. */
static struct rfl_policy *one_rule_changed(void)
{
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/changed", dir);
    run("cp -r config/policy %s && sed -i 's|%s|%s|' %s/routes.d/greater-manchester.conf", path, RULE_TO,
        RULE_TO_OTHERS, path);
    return load(path);
}

static bool rule_is(const struct rfl_policy *policy, const struct rfl_decision *d, const char *name)
{
    struct rfl_view view = { NULL, 0 };
    if (d->rule != 0)
        view = rfl_policy_text(policy, policy->rule[d->rule - 1].written.name);
    return view.len == strlen(name) && memcmp(view.p, name, view.len) == 0;
}

/* ---- made-up facts ---- */

static void put(char code[RFL_CODE_BYTES], const char *from)
{
    memset(code, 0, RFL_CODE_BYTES);
    memcpy(code, from, strnlen(from, RFL_CODE_BYTES - 1));
}

/* Codes of the area that the place lies in, whichever way they are written; or codes that have nothing to do with one
 * another, old, early, unknown ones among them. */
static void random_codes(const struct rfl_policy *policy, struct rfl_clue *clue)
{
    static const char *const odd_icb[] = { "", "QZZ", "E54999999", "q", "OLDAREACODE" }, *const odd_sub[] =
        { "", "99Z", "E38999999", "14Z" };
    const struct rfl_place *place = &policy->place[below(policy->place_count)];
    bool rhyme = below(2) == 0;
    const struct rfl_alias *alias = &policy->alias[below(policy->alias_count)];
    for (unsigned i = 0; rhyme && alias->area.v != place->area.v && i < 100000; i++)
        alias = &policy->alias[below(policy->alias_count)];
    put(clue->icb, below(12) != 0 || rhyme ? alias->code : odd_icb[below(5)]);
    if (rhyme)
        put(clue->sub_icb, policy->place_code[place->code_first + below(place->code_count)]);
    else if (below(3) != 0)
        put(clue->sub_icb, policy->sub_code[below(policy->sub_count)]);
    else
        put(clue->sub_icb, odd_sub[below(4)]);
}

static void random_clue(const struct rfl_policy *policy, enum rfl_key key, struct rfl_clue *clue)
{
    static const char countries[] = { 'E', 'W', 'S', 'N', 'I', 0 };
    clue->grade = (uint8_t)(below(3) == 0 ? below(RFL_GRADE_COUNT) : RFL_GRADE_OK);
    if (clue->grade == RFL_GRADE_ABSENT)
        return;
    clue->country = below(3) != 0 ? 'E' : countries[below(sizeof countries)];
    clue->flags = (uint8_t)(below(4) == 0 ? below(8) : 0);
    random_codes(policy, clue);
    if (key == RFL_KEY_JOBCENTRE && below(2) == 0)
        rfl_policy_clue_jobcentre(policy, text_of(policy->jobcentre[below(policy->jobcentre_count)].code), clue);
    if (key == RFL_KEY_POSTCODE || key == RFL_KEY_GP_PRACTICE) {
        clue->edition = (uint16_t)below(9);
        clue->line = below(2700000);
    }
}

static void random_facts(const struct rfl_policy *policy, struct rfl_facts *facts)
{
    unsigned keys = below(1u << RFL_KEY_COUNT);
    memset(facts, 0, sizeof *facts);
    facts->door = (uint8_t)(1 + below(RFL_DOOR_COUNT - 1));
    facts->band = (uint8_t)below(RFL_BAND_COUNT);
    facts->consent = (uint8_t)below(RFL_CONSENT_COUNT);
    facts->employment = (uint8_t)below(RFL_EMPLOYMENT_COUNT);
    facts->main_barrier = (uint8_t)below(RFL_BARRIER_MAX + 1);
    facts->age_years = (uint8_t)below(120);
    facts->weeks_out_of_work = (uint16_t)(below(3) == 0 ? below(UINT16_MAX + 1u) : below(30));
    facts->flags = below(16);
    facts->source = policy->source[below(policy->source_count)].id;
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        if ((keys >> key & 1) != 0)
            random_clue(policy, (enum rfl_key)key, &facts->clue[key]);
    facts->full_count = (uint8_t)(below(2) == 0 ? 0 : below(RFL_FULL_MAX + 1));
    for (unsigned i = 0; i < facts->full_count; i++)        /* queues with room to lack, most of the time */
        do
            facts->full[i] = policy->queue[below(policy->queue_count)].id;
        while (below(8) != 0 && rfl_policy_queue(policy, facts->full[i])->capacity == 0);
}

/* ---- an entry ---- */

/* Lines name postcodes, so the log's clear part has none. */
static void without_lines(struct rfl_decided *decided)
{
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        decided->facts.clue[key].line = decided->decision.step[key].line = 0;
}

/* Through the bytes of an entry. */
static void store_and_read(uint64_t number, int64_t at_ms, const struct rfl_decided *decided, struct rfl_entry *out)
{
    static uint8_t bytes[RFL_ENTRY_BYTES_MAX];
    static struct rfl_entry entry;
    uint8_t prev[32] = { 0 };
    memset(&entry, 0, sizeof entry);
    entry.seq.v = number + 1;
    entry.kase.v = number + 1;
    entry.wall_ms = at_ms;
    entry.actor = RFL_ACTOR_SOURCE;
    entry.source = decided->facts.source;
    entry.event_count = 1;
    entry.events[0].kind = RFL_EVENT_RECEIVED;
    entry.events[0].submission.id.v = number + 1;
    entry.events[0].submission.door = decided->facts.door;
    entry.has_decided = true;
    entry.decided = *decided;
    size_t len = rfl_entry_encode(&entry, prev, bytes, sizeof bytes);
    assert_int_not_equal(len, 0);
    assert_int_equal(rfl_entry_decode((struct rfl_view){ bytes, len }, out, prev), RFL_E_OK);
}

static bool again_is_same(const struct rfl_policy *policy, const struct rfl_entry *entry)
{
    struct rfl_decision again;
    memset(&again, 0x5a, sizeof again);
    rfl_route(policy, &entry->decided.facts, entry->wall_ms, &again);
    return memcmp(&again, &entry->decided.decision, sizeof again) == 0;
}

/* ---- what came ---- */

struct seen {
    uint64_t reason[RFL_ROUTE_REASON_COUNT], how[RFL_HOW_COUNT], verdict[RFL_ROUTE_COUNT];
    uint64_t rule[RFL_RULES_MAX], advice[RFL_ADVICE_MAX], shadow, conflict;
};

static void note(struct seen *seen, const struct rfl_decision *d)
{
    seen->reason[d->reason]++;
    seen->verdict[d->verdict]++;
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        seen->how[d->step[i].how]++;
    if (d->rule != 0)
        seen->rule[d->rule - 1]++;
    if (d->advice != 0)
        seen->advice[d->advice - 1]++;
    seen->shadow += d->shadow != 0;
    seen->conflict += d->conflict;
}

/* A corpus that never meets a rule says nothing of it. */
static void everything_was_met(const struct rfl_policy *policy, const struct seen *seen)
{
    static const uint8_t reasons[] = { RFL_ROUTE_REASON_BY_POSTCODE, RFL_ROUTE_REASON_BY_GP_PRACTICE,
        RFL_ROUTE_REASON_BY_JOBCENTRE, RFL_ROUTE_REASON_BY_REFERRER_AREA, RFL_ROUTE_REASON_NO_KEY,
        RFL_ROUTE_REASON_ALL_KEYS_UNUSABLE, RFL_ROUTE_REASON_AREA_SPLIT_UNDECIDED,
        RFL_ROUTE_REASON_OUTSIDE_ENGLAND, RFL_ROUTE_REASON_BY_RULE, RFL_ROUTE_REASON_OVERFLOWED,
        RFL_ROUTE_REASON_ALL_FULL };
    static const uint8_t hows[] = { RFL_HOW_NONE, RFL_HOW_UNUSABLE, RFL_HOW_NO_CODE, RFL_HOW_UNKNOWN_CODE,
        RFL_HOW_CODE, RFL_HOW_OLD_CODE, RFL_HOW_SUCCEEDED, RFL_HOW_SPLIT, RFL_HOW_UNDECIDED };
    for (unsigned i = 0; i < sizeof reasons; i++)
        if (seen->reason[reasons[i]] == 0)
            fail_msg("%s never came", rfl_route_reason_word((enum rfl_route_reason)reasons[i]));
    for (unsigned i = 0; i < sizeof hows; i++)
        if (seen->how[hows[i]] == 0)
            fail_msg("%s never came", rfl_how_word((enum rfl_how)hows[i]));
    for (unsigned i = 0; i < policy->rule_count; i++)
        assert_true(policy->rule[i].shadow || seen->rule[i] > 0);
    for (unsigned i = 0; i < policy->advice_count; i++)
        assert_true(seen->advice[i] > 0);
    assert_true(seen->verdict[RFL_ROUTE_TO] > 0 && seen->verdict[RFL_ROUTE_TRIAGE] > 0);
    assert_true(seen->shadow > 0 && seen->conflict > 0);
}

static void a_corpus_comes_out_the_same(void **state)
{
    (void)state;
    static struct rfl_decided decided;
    static struct rfl_entry entry;
    static struct seen seen;
    uint64_t count = setting("RFL_REPLAY_COUNT", 1000000), by_rule = 0, caught = 0;
    lots.state = setting("RFL_SEED", 7);
    struct rfl_policy *policy = load("config/policy"), *other = one_rule_changed();
    keep("config/policy", policy);
    struct rfl_policy *archived = kept(rfl_policy_digest(policy));
    print_message("seed %llu\n", (unsigned long long)lots.state);
    double start_s = now_s();
    for (uint64_t i = 0; i < count; i++) {
        int64_t at_ms = FIRST_MS + (int64_t)(lots_next(&lots) % (uint64_t)(LAST_MS - FIRST_MS));
        random_facts(policy, &decided.facts);
        rfl_route(policy, &decided.facts, at_ms, &decided.decision);
        store_and_read(i, at_ms, &decided, &entry);
        without_lines(&decided);
        assert_int_equal(entry.wall_ms, at_ms);
        assert_memory_equal(&entry.decided.facts, &decided.facts, sizeof decided.facts);
        assert_memory_equal(&entry.decided.decision, &decided.decision, sizeof decided.decision);
        if (!again_is_same(archived, &entry))
            fail_msg("decision %llu is another one", (unsigned long long)i);
        note(&seen, &decided.decision);
        /* The changed rule is seen, and nothing else. Where all is full both of its answers are the desk. */
        bool ruled = rule_is(policy, &decided.decision, RULE), differs = !again_is_same(other, &entry);
        assert_true(ruled == differs || (ruled && decided.decision.reason == RFL_ROUTE_REASON_ALL_FULL));
        by_rule += ruled;
        caught += differs;
    }
    print_message("%llu decisions stored, read and made again, each under two policies: %.1f s; with rule %s changed "
                  "%llu differ, %llu were its\n", (unsigned long long)count, now_s() - start_s, RULE,
                  (unsigned long long)caught, (unsigned long long)by_rule);
    everything_was_met(policy, &seen);
    assert_true(caught > 0);
    rfl_conf_policy_free(&policy);
    rfl_conf_policy_free(&archived);
    rfl_conf_policy_free(&other);
}

/* ---- through an engine ---- */

static struct world world;

static void submit(uint64_t number)
{
    static uint8_t body[RFL_BODY_BYTES_MAX], frame[RFL_MESSAGE_BYTES_MAX];
    static const char *const sources[] = { "gp-north", "self-page", "jobcentre-feed", "local-service-manchester" };
    static const uint8_t doors[] = { RFL_DOOR_GP, RFL_DOOR_SELF, RFL_DOOR_JOBCENTRE, RFL_DOOR_LOCAL_SERVICE };
    static const char *const areas[] = { "QOP", "QM7", "QNQ", "E54000057", "QZZ" };
    static struct rfl_ask ask;
    char reference[24], name[48];
    unsigned door = below(4);
    (void)snprintf(reference, sizeof reference, "ref-%llu", (unsigned long long)number);
    (void)snprintf(name, sizeof name, "%s %u", CANARY_NAME, below(PEOPLE));
    struct rfl_form form = { .name = text_of(name), .date_of_birth = text_of(CANARY_BIRTH), .has_band = true,
        .band = (uint8_t)below(RFL_BAND_COUNT), .employment = (uint8_t)below(RFL_EMPLOYMENT_COUNT),
        .main_barrier = (uint8_t)below(RFL_BARRIER_MAX + 1), .weeks_out_of_work = below(40), .door = doors[door],
        .consent = RFL_CONSENT_GIVEN };
    if (below(3) == 0)
        form.postcode = text_of(world_postcode(below(WORLD_POSTCODES)));
    if (below(2) == 0)
        form.gp_practice = text_of(below(2) == 0 ? world_practice(below(WORLD_PRACTICES)) : world_practice(1));
    if (below(4) == 0)
        form.jobcentre = text_of(world.policy->jobcentre[below(world.policy->jobcentre_count)].code);
    if (below(4) == 0)
        form.referrer_area = text_of(areas[below(5)]);
    struct rfl_ask asked = { .kind = RFL_MSG_SUBMIT, .correlation = number + 1, .reference = text_of(reference),
                             .source = text_of(sources[door]) };
    asked.referral = (struct rfl_view){ body, rfl_wire_encode_form(&form, body, sizeof body) };
    size_t len = rfl_wire_encode_ask(&asked, frame, sizeof frame);
    assert_true(asked.referral.len != 0 && len != 0);
    rfl_arena_reset(&world.arena);
    assert_int_equal(rfl_wire_decode_ask((struct rfl_view){ frame, len }, &world.arena, &ask), RFL_CODE_OK);
    rfl_engine_handle(world.engine, 1, &ask);
}

static void submit_many(uint64_t first, uint64_t end)
{
    while (first < end) {
        uint32_t said, turn = end - first < TURN ? (uint32_t)(end - first) : TURN;
        world.now.wall_ms += (int64_t)below(DAY_S) * 1000;
        assert_int_equal(rfl_engine_begin(world.engine, &world.now), RFL_E_OK);
        for (uint32_t i = 0; i < turn; i++)
            submit(first++);
        rfl_engine_settle(world.engine);
        assert_int_equal(rfl_engine_commit(world.engine), RFL_E_OK);
        const struct rfl_outgoing *outbox = rfl_engine_outbox(world.engine, &said);
        for (uint32_t i = 0; i < turn; i++)
            assert_int_equal(outbox[i].reply.kind, RFL_MSG_RECEIPT);
    }
}

/* The policy that the entry names, by its digest, out of the archive. */
static const struct rfl_policy *policy_of(const struct rfl_entry *entry, struct rfl_policy *known[2])
{
    static struct rfl_entry loaded;
    assert_int_equal(rfl_store_entry(world.store, entry->policy, &loaded), RFL_E_OK);
    assert_int_equal(loaded.events[0].kind, RFL_EVENT_POLICY_LOADED);
    struct rfl_hash digest = loaded.events[0].digest;
    for (unsigned i = 0; i < 2; i++) {
        if (known[i] == NULL)
            known[i] = kept(digest);
        if (rfl_hash_same(rfl_policy_digest(known[i]), digest))
            return known[i];
    }
    fail_msg("a third policy");
    return NULL;
}

/* Reads the whole log. Returns how many decisions are in it. */
static uint64_t read_log(struct rfl_policy *known[2], uint64_t under[2], struct seen *seen)
{
    static struct rfl_entry entry;
    struct rfl_store_stat stat;
    uint64_t decisions = 0;
    assert_int_equal(rfl_store_begin(world.store), RFL_E_OK);
    rfl_store_stat(world.store, &stat);
    for (uint64_t seq = 1; seq <= stat.entries; seq++) {
        assert_int_equal(rfl_store_entry(world.store, (struct rfl_seq){ seq }, &entry), RFL_E_OK);
        if (!entry.has_decided)
            continue;
        struct rfl_entry copy = entry;              /* another entry is read for its policy */
        const struct rfl_policy *policy = policy_of(&copy, known);
        unsigned which = policy == known[0] ? 0 : 1;
        if (!again_is_same(policy, &copy))
            fail_msg("entry %llu is decided otherwise", (unsigned long long)seq);
        /* The other of the two says otherwise of exactly those who are its changed rule's. */
        if (known[1 - which] != NULL)
            assert_true(again_is_same(known[1 - which], &copy) == !rule_is(policy, &copy.decided.decision, RULE));
        note(seen, &copy.decided.decision);
        under[which]++;
        decisions++;
    }
    rfl_store_abort(world.store);
    return decisions;
}

static void a_log_comes_out_the_same(void **state)
{
    (void)state;
    static struct seen seen;
    char path[PATH];
    uint64_t count = setting("RFL_REPLAY_STORED", 20000), under[2] = { 0, 0 };
    struct rfl_policy *known[2] = { NULL, NULL }, *first, *other = one_rule_changed();
    lots.state = setting("RFL_SEED", 7);
    world_open(&world, "config/policy", 0);
    (void)snprintf(path, sizeof path, "%s/changed", dir);
    keep("config/policy", world.policy);
    keep(path, other);
    double start_s = now_s();
    submit_many(0, count / 2);
    assert_int_equal(rfl_engine_set_policy(world.engine, other, world.directories, &world.now, NULL), RFL_E_OK);
    first = world.policy;
    world.policy = other;
    submit_many(count / 2, count);
    double stored_s = now_s();
    uint64_t decisions = read_log(known, under, &seen);
    print_message("%llu referrals submitted: %.1f s; %llu decisions of the log made again: %.1f s, %llu under the "
                  "first policy, %llu under the second\n", (unsigned long long)count, stored_s - start_s,
                  (unsigned long long)decisions, now_s() - stored_s, (unsigned long long)under[0],
                  (unsigned long long)under[1]);
    assert_true(decisions >= count && under[0] >= count / 2 && under[1] >= count / 2);
    assert_true(seen.reason[RFL_ROUTE_REASON_BY_RULE] > 0 && seen.reason[RFL_ROUTE_REASON_ALL_KEYS_UNUSABLE] > 0);
    rfl_conf_policy_free(&first);
    for (unsigned i = 0; i < 2; i++)
        rfl_conf_policy_free(&known[i]);
    world_close(&world);                            /* frees the other */
}

static int setup(void **state)
{
    (void)state;
    memcpy(dir, "/tmp/rfl-replay.XXXXXX", sizeof dir);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(archive, sizeof archive, "%s/policies", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run("rm -r %s", dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_corpus_comes_out_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_comes_out_the_same, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
