/* The difference of two policies against brute force: a profile, an area and a moment lie in exactly one difference
 * when the two route them to different queues, with those queues and those rules; else in none.
 *
 *   test_policy_diff [SEED [POLICIES]] */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lots.h"
#include "rfl_policy_diff.h"
#include "shows.h"

enum { MOMENTS = 13, PEOPLE = PEOPLE_MAX, AREAS = 2 };
static const int64_t moment[MOMENTS] = { 0, 1000, 1500, 2000, 3000, 3500, 4000, 5000, 6000, 6500, 7000, 9000, 9500 };

static struct rfl_policy *from, *to;
static struct rfl_diff_work *work;
static struct people *people[AREAS + 1];        /* by area id */
static uint8_t (*covered)[MOMENTS][PEOPLE];     /* [area id] */
static uint64_t seed = 1;
static unsigned policies = 400;
static uint32_t told;

static void ask(const struct rfl_policy *policy, uint16_t area, int64_t at_ms, const struct rfl_profile *p,
                struct rfl_decision *out)
{
    ask_about(policy, &(struct rfl_witness){ .area = { area }, .at_ms = at_ms, .profile = *p }, out);
}

static bool same_decider(struct rfl_decider a, struct rfl_decider b)
{
    return a.advice == b.advice && a.rule == b.rule;
}

static void keep(void *ctx, const struct rfl_space *space, const struct rfl_difference *d)
{
    const struct rfl_policy *both[] = { from, to };
    const struct rfl_queue_no queue[] = { d->from, d->to };
    const struct rfl_decider by[] = { d->by_from, d->by_to };
    const struct people *who = people[d->area.v];
    struct rfl_decision decision;
    (void)ctx;
    told++;
    assert_true(d->from_ms < d->until_ms && d->from.v != d->to.v);
    for (unsigned m = 0; m < MOMENTS; m++) {
        if (moment[m] < d->from_ms || moment[m] >= d->until_ms)
            continue;
        for (uint32_t i = 0; i < who->count; i++) {
            if (!rfl_space_has(space, 0, &d->box, &who->profile[i]))
                continue;
            covered[d->area.v][m][i]++;
            for (unsigned w = 0; w < 2; w++) {
                if (queue[w].v == 0) {
                    assert_false(rfl_area_alive(rfl_policy_area(both[w], d->area), moment[m]));
                    continue;
                }
                ask(both[w], d->area.v, moment[m], &who->profile[i], &decision);
                assert_int_equal(decision.queue.v, queue[w].v);
                assert_true(same_decider(decider_in(both[w], &decision), by[w]));
            }
        }
    }
}

static unsigned compare(uint64_t drawn, const struct rfl_diff_options *options)
{
    unsigned differing = 0;
    struct rfl_decision a, b;
    told = 0;
    memset(covered, 0, (AREAS + 1) * sizeof *covered);
    assert_int_equal(rfl_policy_diff(from, to, options, work, keep, NULL), RFL_E_OK);
    for (uint32_t n = 0; n < from->area_count; n++) {
        const struct rfl_area *area = &from->area[n], *other = rfl_policy_area(to, area->id);
        for (unsigned m = 0; m < MOMENTS; m++) {
            bool one = rfl_area_alive(area, moment[m]), two = rfl_area_alive(other, moment[m]);
            bool looked = options->at_one_moment ? moment[m] == options->from_ms : moment[m] >= options->from_ms;
            for (uint32_t i = 0; i < people[area->id.v]->count; i++) {
                memset(&a, 0, sizeof a);
                memset(&b, 0, sizeof b);
                if (one)
                    ask(from, area->id.v, moment[m], &people[area->id.v]->profile[i], &a);
                if (two)
                    ask(to, area->id.v, moment[m], &people[area->id.v]->profile[i], &b);
                bool differs = looked && a.queue.v != b.queue.v;
                if (looked && covered[area->id.v][m][i] != (differs ? 1 : 0))
                    print_error("seed %llu, area %u, moment %u, person %u\n", (unsigned long long)drawn,
                                area->id.v, m, (unsigned)i);
                if (looked)
                    assert_int_equal(covered[area->id.v][m][i], differs ? 1 : 0);
                differing += differs ? 1 : 0;
            }
        }
    }
    return differing;
}

/* A compiled policy is changed in place, where no index of it speaks of what changes. */
static void change_something(struct lots *lots, uint16_t fields)
{
    struct rfl_rule *rule = to->rule_count == 0 ? NULL : &to->rule[lots_below(lots, to->rule_count)];
    struct rfl_rule *next = rule == NULL || rule + 1 == to->rule + to->rule_count ? NULL : rule + 1;
    struct rfl_queue *queue = &to->queue[lots_below(lots, to->queue_count)];
    struct rfl_rule moved;
    switch (lots_below(lots, 7)) {
    case 0:
        if (rule != NULL && rule->answer == RFL_ANSWER_TO && queue->kind == RFL_QUEUE_KIND_PROVIDER &&
            (rule->area.v == 0 || rule->area.v == queue->area.v))
            rule->to = queue->id;
        break;
    case 1:
        if (rule != NULL && (fields & 1u << RFL_FIELD_AGE) != 0) {
            rule->when.fields |= 1u << RFL_FIELD_AGE;
            rule->when.age = lots_range(lots, 255);
        }
        break;
    case 2:
        if (next != NULL && next->area.v == rule->area.v) {
            moved = *rule;
            *rule = *next;
            *next = moved;
        }
        break;
    case 3:
        if (rule != NULL)
            rule->shadow = !rule->shadow;
        break;
    case 4:
        if (rule != NULL)
            rule->until_ms = rule->from_ms + 1000;
        break;
    case 5: queue->opens_ms = 3500; break;
    default: to->area[0].until_ms = 6500; break;
    }
}

static void make_people(uint16_t fields)
{
    for (uint32_t i = 0; i < from->area_count; i++)
        people_make(from, from->area[i].id, fields, people[from->area[i].id.v]);
}

static void differences_are_what_brute_force_finds(void **state)
{
    unsigned differing = 0, equal = 0;
    (void)state;
    for (unsigned i = 0; i < policies; i++) {
        struct lots lots = { seed + i };
        uint16_t fields = lots_fields(&lots);
        if (i % 3 == 0)                         /* where a difference is one of doors and of who may use them */
            fields = 1u << RFL_FIELD_DOOR | 1u << RFL_FIELD_SOURCE;
        lots_policy(&lots, fields, from);
        memcpy(to, from, sizeof *to);
        make_people(fields);
        assert_int_equal(compare(seed + i, &(struct rfl_diff_options){ .from_ms = 0 }), 0);
        assert_int_equal(told, 0);
        for (unsigned n = 1 + lots_below(&lots, 3); n > 0; n--)
            change_something(&lots, fields);
        struct rfl_diff_options options = { .at_one_moment = lots_one_in(&lots, 3),
                                            .from_ms = moment[lots_below(&lots, MOMENTS)] };
        unsigned now = compare(seed + i, &options);
        assert_int_equal(told > 0, now > 0);
        differing += now > 0 ? 1 : 0;
        equal += now == 0 ? 1 : 0;
    }
    printf("  %u pairs differ, %u do not\n", differing, equal);
    assert_true(differing > policies / 10 && equal > policies / 10);
}

static void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }
static struct rfl_view view(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static void add_queue(struct rfl_policy *policy, uint16_t id, enum rfl_queue_kind kind, const char *name)
{
    must(rfl_policy_add_queue(policy, &(struct rfl_queue_input){ .id = { id }, .name = view(name), .kind = kind,
        .area = { kind == RFL_QUEUE_KIND_NATIONAL ? 0 : 1 }, .owner = view("o"), .lead = view("l") }));
}

/* One area with two places in the order asked for; people of "east" go to their own queue. */
static void by_place(struct rfl_policy *policy, bool east_first, bool split)
{
    const char *names[] = { east_first ? "east" : "west", east_first ? "west" : "east" };
    rfl_policy_init(policy);
    must(rfl_policy_add_area(policy, &(struct rfl_area_input){ .id = { 1 }, .name = view("here"), .until_ms = 9000,
        .full_name = view("A"), .region = view("R"), .intake = { 10 }, .triage = { 20 } }));
    add_queue(policy, 10, RFL_QUEUE_KIND_PROVIDER, "here/intake");
    add_queue(policy, 11, RFL_QUEUE_KIND_PROVIDER, "here/east");
    add_queue(policy, 20, RFL_QUEUE_KIND_TRIAGE, "here/triage");
    add_queue(policy, 1, RFL_QUEUE_KIND_NATIONAL, "national/triage");
    for (unsigned i = 0; i < 2; i++) {
        struct rfl_view code = view(names[i][0] == 'e' ? "E1" : "W1");
        must(rfl_policy_add_place(policy, &(struct rfl_place_input){ { names[i][0] == 'e' ? 5 : 6 }, { 1 },
                                                                     view(names[i]), &code, 1 }));
    }
    for (unsigned i = 0; i < (split ? 2 : 1); i++) {
        struct rfl_rule_input in = { .written = { .name = view(i == 0 ? "a" : "b"), .owner = view("o"),
            .why = view("w") }, .area = { 1 }, .until_ms = RFL_NO_END_MS, .answer = RFL_ANSWER_TO, .to = { 11 } };
        in.when.fields = 1u << RFL_FIELD_PLACE;
        in.when.places = UINT64_C(1) << rfl_policy_place_named(policy, (struct rfl_area_no){ 1 }, view("east"));
        if (split) {
            in.when.fields |= 1u << RFL_FIELD_AGE;
            in.when.age = i == 0 ? (struct rfl_range){ 1, 17, false } : (struct rfl_range){ 18, 255, true };
        }
        must(rfl_policy_add_rule(policy, &in));
    }
    must(rfl_calendar_init(rfl_policy_calendar_edit(policy), 2026, 2026));
    must(rfl_calendar_hours(rfl_policy_calendar_edit(policy), RFL_MONDAY, 540, 1020));
    must(rfl_calendar_finish(rfl_policy_calendar_edit(policy)));
    must(rfl_policy_compile(policy));
}

static void count(void *ctx, const struct rfl_space *space, const struct rfl_difference *d)
{
    (void)space;
    (void)d;
    ++*(unsigned *)ctx;
}

static void renumbered_and_rewritten_is_no_difference(void **state)
{
    struct rfl_diff_options options = { .from_ms = 0 };
    unsigned n = 0;
    (void)state;
    by_place(from, true, false);
    by_place(to, false, true);
    must(rfl_policy_diff(from, to, &options, work, count, &n));
    assert_int_equal(n, 0);
    to->rule[1].to.v = 10;                      /* grown people of the east: one difference, one box */
    must(rfl_policy_diff(from, to, &options, work, count, &n));
    assert_int_equal(n, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(differences_are_what_brute_force_finds),
                                        cmocka_unit_test(renumbered_and_rewritten_is_no_difference) };
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        policies = (unsigned)strtoul(argv[2], NULL, 10);
    printf("seed %llu, policies %u\n", (unsigned long long)seed, policies);
    from = malloc(sizeof *from);
    to = malloc(sizeof *to);
    work = malloc(sizeof *work);
    covered = malloc((AREAS + 1) * sizeof *covered);
    for (unsigned i = 0; i <= AREAS; i++)
        people[i] = malloc(sizeof *people[i]);
    assert(from != NULL && to != NULL && work != NULL && covered != NULL && people[AREAS] != NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (unsigned i = 0; i <= AREAS; i++)
        free(people[i]);
    free(covered);
    free(work);
    free(to);
    free(from);
    return failed;
}
