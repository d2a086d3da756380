/* The algebra of boxes against its meaning: whatever a box says of a profile, the condition itself says of it.
 *
 *   test_space [SEED [ROUNDS]] */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lots.h"

enum { AREA = 7, PLACES_MAX = 4, SOURCES_MAX = 9, CONDITIONS = 6, PROFILES = 60 };

static struct rfl_policy *policy;
static struct rfl_space space;
static uint64_t seed = 1;
static unsigned rounds = 2000;

struct world {
    struct lots lots;
    unsigned places, sources;
    struct rfl_condition condition[CONDITIONS];
    struct rfl_box box[CONDITIONS], whole[RFL_SPACE_WHOLE_MAX];
    uint32_t whole_count;
};

static void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }
static struct rfl_view view(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static void make_policy(struct world *w)
{
    char name[] = "s0";
    policy->source_count = policy->place_count = 0;
    rfl_policy_init(policy);
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { AREA }, .name = view("here"),
        .full_name = view("Here"), .region = view("North"), .from_ms = 1, .until_ms = RFL_NO_END_MS }));
    policy->area[0].accepts = (uint8_t)(lots_one_in(&w->lots, 2) ? 0 : lots_set(&w->lots, RFL_KEY_COUNT));
    w->places = lots_below(&w->lots, PLACES_MAX + 1);
    w->sources = lots_below(&w->lots, SOURCES_MAX + 1);
    for (unsigned i = 0; i < w->places; i++)
        policy->place[policy->place_count++] = (struct rfl_place){ .id = { (uint16_t)(90 - i) }, .area = { AREA } };
    for (unsigned i = 1; i <= w->sources; i++) {
        name[1] = (char)('0' + i);
        must(rfl_policy_add_source(policy, &(struct rfl_source_input){ .id = { (uint16_t)i }, .name = view(name),
            .doors = (uint16_t)(2u << lots_below(&w->lots, 3) | 2u << lots_below(&w->lots, 3)) }));
    }
    must(rfl_calendar_init(rfl_policy_calendar_edit(policy), 2026, 2026));
    must(rfl_calendar_hours(rfl_policy_calendar_edit(policy), RFL_MONDAY, 540, 1020));
    must(rfl_calendar_finish(rfl_policy_calendar_edit(policy)));
    must(rfl_policy_compile(policy));
}

static void make_world(struct world *w, uint64_t from)
{
    memset(w, 0, sizeof *w);
    w->lots.state = from;
    make_policy(w);
    rfl_space_begin(&space, policy, NULL, (struct rfl_area_no){ AREA });
    for (unsigned i = 0; i < CONDITIONS; i++) {
        lots_condition(&w->lots, 3, w->places, w->sources, &w->condition[i]);
        rfl_space_cut(&space, &w->condition[i]);
    }
    must(rfl_space_finish(&space));
    for (unsigned i = 0; i < CONDITIONS; i++)
        rfl_space_box(&space, 0, &w->condition[i], &w->box[i]);
    w->whole_count = rfl_space_whole(&space, w->whole);
}

/* The definition in the head of rfl_space.h, said plainly. */
static bool can_exist(const struct world *w, const struct rfl_profile *p)
{
    const struct rfl_source *source = rfl_policy_source(policy, p->source);
    bool sent = w->sources == 0 ? p->source.v == 0 && p->door != 0
                                : source != NULL && rfl_policy_source_may(source, (enum rfl_door)p->door);
    uint8_t accepts = policy->area[0].accepts;
    return sent && (accepts == 0 || (accepts >> p->key & 1) != 0) && p->place <= w->places;
}

static unsigned in_how_many(const struct rfl_box *boxes, uint32_t count, const struct rfl_profile *p)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += rfl_space_has(&space, 0, &boxes[i], p) ? 1 : 0;
    return n;
}

static bool holds(const struct rfl_condition *c, const struct rfl_profile *p)
{
    return rfl_condition_unmet(c, p) == RFL_FIELD_COUNT;
}

static void a_box_is_its_condition(void **state)
{
    struct world w;
    unsigned inside = 0, existing = 0;
    (void)state;
    for (unsigned round = 0; round < rounds; round++) {
        make_world(&w, seed + round);
        for (unsigned n = 0; n < PROFILES; n++) {
            struct rfl_profile p;
            lots_profile(&w.lots, w.places, w.sources, &p);
            bool can = can_exist(&w, &p);
            assert_int_equal(in_how_many(w.whole, w.whole_count, &p), can ? 1 : 0);
            existing += can ? 1 : 0;
            for (unsigned i = 0; can && i < CONDITIONS; i++) {
                assert_int_equal(rfl_space_has(&space, 0, &w.box[i], &p), holds(&w.condition[i], &p));
                inside += holds(&w.condition[i], &p) ? 1 : 0;
            }
        }
    }
    assert_true(inside > rounds && existing > rounds);
}

static void operations_mean_what_they_say(void **state)
{
    struct world w;
    unsigned merged = 0, met = 0;
    (void)state;
    for (unsigned round = 0; round < rounds; round++) {
        make_world(&w, seed + round);
        for (unsigned n = 0; n < PROFILES; n++) {
            struct rfl_box common, both, rest[RFL_FIELD_COUNT];
            const struct rfl_box *a = &w.box[lots_below(&w.lots, CONDITIONS)];
            const struct rfl_box *b = &w.box[lots_below(&w.lots, CONDITIONS)];
            struct rfl_profile p;
            do
                lots_profile(&w.lots, w.places, w.sources, &p);
            while (w.whole_count > 0 && !can_exist(&w, &p) && !lots_one_in(&w.lots, 50));
            bool in_a = rfl_space_has(&space, 0, a, &p), in_b = rfl_space_has(&space, 0, b, &p);
            bool some = rfl_box_intersect(a, b, &common);
            assert_int_equal(rfl_space_has(&space, 0, &common, &p), in_a && in_b);
            assert_true(some || !(in_a && in_b));
            assert_int_equal(some, !rfl_box_empty(&common));
            uint32_t count = rfl_box_subtract(a, b, rest);
            assert_true(count <= RFL_FIELD_COUNT);
            assert_int_equal(in_how_many(rest, count, &p), in_a && !in_b ? 1 : 0);
            for (uint32_t i = 0; i < count; i++)
                assert_false(rfl_box_empty(&rest[i]));
            assert_int_equal(rfl_box_within(a, b), count == 0);
            both = *a;
            if (!rfl_box_empty(a) && !rfl_box_empty(b) && rfl_box_merge(&both, b)) {
                assert_int_equal(rfl_space_has(&space, 0, &both, &p), in_a || in_b);
                merged++;
            }
            met += in_a && in_b ? 1 : 0;
        }
    }
    assert_true(merged > rounds && met > 0);
}

static void a_witness_is_the_least_of_its_box(void **state)
{
    struct world w;
    unsigned shown = 0;
    (void)state;
    for (unsigned round = 0; round < rounds; round++) {
        make_world(&w, seed + round);
        for (uint32_t i = 0; i < w.whole_count; i++) {
            struct rfl_box box;
            struct rfl_profile least, p;
            unsigned which = lots_below(&w.lots, CONDITIONS);
            if (!rfl_box_intersect(&w.whole[i], &w.box[which], &box))
                continue;
            rfl_space_witness(&space, 0, &box, &least);
            assert_true(can_exist(&w, &least) && holds(&w.condition[which], &least));
            for (unsigned n = 0; n < PROFILES; n++) {
                lots_profile(&w.lots, w.places, w.sources, &p);
                if (!rfl_space_has(&space, 0, &box, &p))
                    continue;
                assert_true(least.door <= p.door && least.band <= p.band && least.employment <= p.employment &&
                            least.barrier <= p.barrier && least.age_years <= p.age_years &&
                            least.weeks_out_of_work <= p.weeks_out_of_work && least.flags <= p.flags &&
                            least.key <= p.key && least.place <= p.place && least.source.v <= p.source.v);
            }
            shown++;
        }
    }
    assert_true(shown > rounds / 2);
}

static void too_many_distinctions_are_said(void **state)
{
    struct world w = { .lots = { seed } };
    (void)state;
    make_policy(&w);
    rfl_space_begin(&space, policy, NULL, (struct rfl_area_no){ AREA });
    for (unsigned i = 0; i < RFL_SPACE_CLASSES_MAX; i++) {
        struct rfl_condition c = { .fields = 1u << RFL_FIELD_WEEKS, .weeks = { (uint16_t)(2 + i), 6000, false } };
        assert_int_equal(rfl_space_finish(&space), i <= RFL_SPACE_CLASSES_MAX - 2 ? RFL_E_OK : RFL_E_FULL);
        rfl_space_cut(&space, &c);
    }
    assert_int_equal(rfl_space_finish(&space), RFL_E_FULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_is_its_condition), cmocka_unit_test(operations_mean_what_they_say),
        cmocka_unit_test(a_witness_is_the_least_of_its_box), cmocka_unit_test(too_many_distinctions_are_said),
    };
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        rounds = (unsigned)strtoul(argv[2], NULL, 10);
    printf("seed %llu, rounds %u\n", (unsigned long long)seed, rounds);
    policy = malloc(sizeof *policy);
    assert(policy != NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(policy);
    return failed;
}
