/* Each changed fact really changes the queue, it is the nearest that does, and none is left out: by trying all values.
 *
 *   test_counterfactual [SEED [POLICIES]] */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lots.h"
#include "rfl_conf.h"
#include "rfl_counterfactual.h"

enum { CHANGES_MAX = 4096, ASKS = 6, LAST_MS = 10000, STEP_MS = 100 };

static struct rfl_policy *policy;
static struct rfl_counterfactual change[CHANGES_MAX];
static uint32_t changes;
static struct rfl_facts facts;
static struct rfl_decision real;
static int64_t at_ms;
static uint64_t seed = 1;
static unsigned policies = 200;
static unsigned met[RFL_CHANGE_COUNT], met_field[RFL_FIELD_COUNT];

static void lots_clue(struct lots *lots, struct rfl_clue *clue)
{
    memset(clue, 0, sizeof *clue);
    if (lots_one_in(lots, 3))
        return;
    clue->grade = RFL_GRADE_OK;
    (void)snprintf(clue->icb, sizeof clue->icb, "Q%u", 1 + lots_below(lots, 2));
    if (lots_one_in(lots, 2))
        (void)snprintf(clue->sub_icb, sizeof clue->sub_icb, "S%u%u", 1 + lots_below(lots, 2), lots_below(lots, 3));
}

static void lots_facts(struct lots *lots)
{
    struct rfl_profile p;
    lots_profile(lots, 0, policy->source_count, &p);
    memset(&facts, 0, sizeof facts);
    facts.door = p.door != 0 ? p.door : 1;
    facts.band = p.band;
    facts.employment = p.employment;
    facts.main_barrier = p.barrier;
    facts.age_years = p.age_years;
    facts.weeks_out_of_work = p.weeks_out_of_work;
    facts.flags = p.flags;
    facts.source = p.source;
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        lots_clue(lots, &facts.clue[key]);
    for (unsigned i = lots_below(lots, 3); i > 0; i--) {
        struct rfl_queue_no full = policy->queue[lots_below(lots, policy->queue_count)].id;
        if (facts.full_count == 0 || facts.full[0].v != full.v)
            facts.full[facts.full_count++] = full;
    }
    at_ms = STEP_MS * (10 + (int64_t)lots_below(lots, 90)) + lots_below(lots, 2);
}

static struct rfl_queue_no queue_with(const struct rfl_facts *other, int64_t other_ms)
{
    struct rfl_decision d;
    rfl_route(policy, other, other_ms, &d);
    return d.queue;
}

static void each_really_changes_it(void)
{
    for (uint32_t i = 0; i < changes; i++) {
        struct rfl_facts other = facts;
        int64_t other_ms = at_ms;
        rfl_counterfactual_apply(policy, &change[i], &other, &other_ms);
        assert_int_equal(queue_with(&other, other_ms).v, change[i].queue.v);
        assert_int_not_equal(change[i].queue.v, real.queue.v);
        assert_true(i == 0 || change[i - 1].change <= change[i].change);
        met[change[i].change]++;
        if (change[i].change == RFL_CHANGE_FIELD)
            met_field[change[i].field]++;
    }
}

static unsigned said_field(enum rfl_field field, unsigned value)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < changes; i++)
        n += change[i].change == RFL_CHANGE_FIELD && change[i].field == field && change[i].value == value ? 1 : 0;
    return n;
}

static bool field_changes(enum rfl_field field, unsigned value)
{
    struct rfl_facts other = facts;
    switch ((unsigned)field) {
    case RFL_FIELD_DOOR: other.door = (uint8_t)value; break;
    case RFL_FIELD_BAND: other.band = (uint8_t)value; break;
    case RFL_FIELD_EMPLOYMENT: other.employment = (uint8_t)value; break;
    case RFL_FIELD_BARRIER: other.main_barrier = (uint8_t)value; break;
    case RFL_FIELD_AGE: other.age_years = (uint8_t)value; break;
    case RFL_FIELD_WEEKS: other.weeks_out_of_work = (uint16_t)value; break;
    case RFL_FIELD_FLAGS: other.flags = value; break;
    case RFL_FIELD_SOURCE: other.source.v = (uint16_t)value; break;
    default: assert_true(false);
    }
    return queue_with(&other, at_ms).v != real.queue.v;
}

static void no_word_is_left_out(void)
{
    static const struct { enum rfl_field field; unsigned first, end; } words[] = {
        { RFL_FIELD_DOOR, 1, RFL_DOOR_COUNT }, { RFL_FIELD_BAND, 0, RFL_BAND_COUNT },
        { RFL_FIELD_EMPLOYMENT, 0, RFL_EMPLOYMENT_COUNT }, { RFL_FIELD_BARRIER, 0, 19 } };
    for (unsigned w = 0; w < sizeof words / sizeof words[0]; w++)
        for (unsigned value = words[w].first; value < words[w].end; value++)
            assert_int_equal(said_field(words[w].field, value), field_changes(words[w].field, value));
    for (unsigned flag = 1; flag < 16; flag <<= 1)
        assert_int_equal(said_field(RFL_FIELD_FLAGS, facts.flags ^ flag),
                         field_changes(RFL_FIELD_FLAGS, facts.flags ^ flag));
    for (uint32_t i = 0; i < policy->source_count; i++)
        if (rfl_policy_source_may(&policy->source[i], (enum rfl_door)facts.door))
            assert_int_equal(said_field(RFL_FIELD_SOURCE, policy->source[i].id.v),
                             field_changes(RFL_FIELD_SOURCE, policy->source[i].id.v));
}

static void the_nearest_number_is_said(enum rfl_field field, unsigned now, unsigned max)
{
    unsigned up = now + 1, down = now;
    while (up <= max && !field_changes(field, up))
        up++;
    while (down > 1 && !field_changes(field, down - 1))
        down--;
    for (unsigned value = 1; value <= max; value++)
        assert_int_equal(said_field(field, value), value == up || (down > 1 && value == down - 1));
    assert_int_equal(said_field(field, 0), now != 0 && field_changes(field, 0));
}

static void the_nearest_moment_is_said(void)
{
    int64_t up = (at_ms / STEP_MS + 1) * STEP_MS, down = at_ms / STEP_MS * STEP_MS - (at_ms % STEP_MS == 0 ? 1 : 0);
    if (at_ms % STEP_MS != 0)
        down--;
    while (up <= LAST_MS && queue_with(&facts, up).v == real.queue.v)
        up += STEP_MS;
    while (down > 0 && queue_with(&facts, down).v == real.queue.v)
        down -= STEP_MS;
    unsigned said = 0;
    for (uint32_t i = 0; i < changes; i++) {
        if (change[i].change != RFL_CHANGE_MOMENT)
            continue;
        assert_true(change[i].at_ms == up || change[i].at_ms == down);
        said++;
    }
    assert_int_equal(said, (up <= LAST_MS ? 1 : 0) + (down > 0 ? 1 : 0));
}

static unsigned said(enum rfl_change kind, unsigned key, unsigned area, unsigned room)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < changes; i++)
        n += change[i].change == kind && change[i].key == key && change[i].area.v == area && change[i].room.v == room
                 ? 1 : 0;
    return n;
}

static void no_key_or_queue_is_left_out(void)
{
    for (unsigned i = 0; i < facts.full_count; i++) {
        struct rfl_facts other = facts;
        other.full_count = 0;
        for (unsigned j = 0; j < facts.full_count; j++)
            if (j != i)
                other.full[other.full_count++] = facts.full[j];
        assert_int_equal(said(RFL_CHANGE_ROOM, 0, 0, facts.full[i].v), queue_with(&other, at_ms).v != real.queue.v);
    }
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++) {
        struct rfl_facts other = facts;
        memset(&other.clue[key], 0, sizeof other.clue[key]);
        assert_int_equal(said(RFL_CHANGE_KEY_ABSENT, key, 0, 0), queue_with(&other, at_ms).v != real.queue.v);
    }
}

static void changes_of_drawn_policies(void **state)
{
    (void)state;
    for (unsigned i = 0; i < policies; i++) {
        struct lots lots = { seed + i };
        uint16_t fields = (uint16_t)(lots_fields(&lots) | 1u << lots_below(&lots, RFL_FIELD_COUNT));
        lots_policy(&lots, fields, policy);
        for (unsigned n = 0; n < ASKS; n++) {
            lots_facts(&lots);
            rfl_route(policy, &facts, at_ms, &real);
            changes = rfl_counterfactual(policy, &facts, at_ms, change, CHANGES_MAX);
            assert_true(changes <= CHANGES_MAX);
            each_really_changes_it();
            if (real.area.v != 0) {
                no_word_is_left_out();
                the_nearest_number_is_said(RFL_FIELD_AGE, facts.age_years, 130);
            }
            if (real.area.v != 0 && n == 0)
                the_nearest_number_is_said(RFL_FIELD_WEEKS, facts.weeks_out_of_work, 5200);
            the_nearest_moment_is_said();
            no_key_or_queue_is_left_out();
            struct rfl_counterfactual first[2];
            assert_int_equal(rfl_counterfactual(policy, &facts, at_ms, first, 2), changes);
            assert_memory_equal(first, change, (changes < 2 ? changes : 2) * sizeof first[0]);
        }
    }
    for (unsigned i = 0; i < RFL_CHANGE_COUNT; i++) {
        printf("  %-10s %u\n", rfl_change_word((enum rfl_change)i), met[i]);
        assert_true(met[i] > 0);
    }
    for (unsigned i = 0; i < RFL_FIELD_COUNT; i++)
        assert_int_equal(met_field[i] > 0, i != RFL_FIELD_KEY && i != RFL_FIELD_PLACE);
}

/* Somebody of every area of England, by its own code. */
static void changes_of_the_shipped_policy(void **state)
{
    struct rfl_conf_report report = { 0 };
    struct rfl_policy *drawn = policy, *england = NULL;
    unsigned all = 0;
    (void)state;
    assert_int_equal(rfl_conf_policy_load("config/policy", &england, &report), RFL_E_OK);
    policy = england;
    at_ms = INT64_C(1782900000000);             /* 1 July 2026 */
    for (uint32_t i = 0; i < england->area_count; i++) {
        memset(&facts, 0, sizeof facts);
        facts.door = RFL_DOOR_GP;
        facts.band = RFL_BAND_ROUTINE;
        facts.age_years = 44;
        facts.source = england->source[0].id;
        facts.clue[RFL_KEY_GP_PRACTICE].grade = RFL_GRADE_OK;
        memcpy(facts.clue[RFL_KEY_GP_PRACTICE].icb, england->area[i].code, RFL_CODE_BYTES);
        rfl_route(england, &facts, at_ms, &real);
        changes = rfl_counterfactual(england, &facts, at_ms, change, CHANGES_MAX);
        assert_true(changes > 0 && changes <= CHANGES_MAX);
        each_really_changes_it();
        all += changes;
    }
    printf("  %u in %u areas\n", all, (unsigned)england->area_count);
    policy = drawn;
    rfl_conf_policy_free(&england);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(changes_of_drawn_policies),
                                        cmocka_unit_test(changes_of_the_shipped_policy) };
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        policies = (unsigned)strtoul(argv[2], NULL, 10);
    printf("seed %llu, policies %u\n", (unsigned long long)seed, policies);
    policy = malloc(sizeof *policy);
    assert(policy != NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(policy);
    return failed;
}
