/* The checker against brute force: on drawn policies, every profile there can be is routed at every moment, and what
 * that shows by plain counting is compared with the findings, none missing and none too many; each witness is routed.
 *
 *   test_prove_random [SEED [POLICIES]] */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lots.h"
#include "shows.h"

enum { KEYS_MAX = 4096, COMBINATIONS_MAX = 128 };

/* A finding without its witness. */
struct key { uint16_t proof; struct rfl_decider by, other; uint16_t queue, area; };
struct keys { uint32_t count; struct key key[KEYS_MAX]; };

static struct rfl_policy *policy;
static struct rfl_prove_work *work;
static struct people *people;
static struct rfl_decision *decision;           /* of people, at the moment looked at */
static struct keys *expected, *told;
static const struct rfl_prove_options *told_options;
static uint64_t seed = 1;
static unsigned policies = 1000;
static unsigned met[RFL_PROOF_COUNT];

static struct rfl_decider rule_of(uint32_t i) { return (struct rfl_decider){ 0, (uint16_t)(i + 1) }; }
static struct rfl_decider advice_of(uint32_t i) { return (struct rfl_decider){ (uint16_t)(i + 1), 0 }; }

static void put(struct keys *keys, struct key key)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (memcmp(&keys->key[i], &key, sizeof key) == 0)
            return;
    assert_true(keys->count < KEYS_MAX);
    keys->key[keys->count++] = key;
}

static bool has(const struct keys *keys, const struct key *key)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (memcmp(&keys->key[i], key, sizeof *key) == 0)
            return true;
    return false;
}

/* Which of the two doors is named first is no matter. */
static struct key doors_key(struct rfl_decider a, struct rfl_decider b)
{
    bool turn = a.rule > b.rule || (a.rule == b.rule && a.advice > b.advice);
    return (struct key){ .proof = RFL_PROOF_DOORS_DIFFER, .by = turn ? b : a, .other = turn ? a : b };
}

/* ---- brute force ---- */

struct brute {
    struct rfl_area_no area;
    int64_t at_ms;
    bool rule_used[RFL_RULES_MAX], rule_met[RFL_RULES_MAX], advice_used[RFL_ADVICE_MAX], advice_met[RFL_ADVICE_MAX];
    bool queue_used[RFL_QUEUES_MAX], queue_met[RFL_QUEUES_MAX];
};

static bool holds(const struct rfl_condition *when, const struct rfl_profile *p)
{
    return rfl_condition_unmet(when, p) == RFL_FIELD_COUNT;
}

static bool in_force(const struct brute *b, const struct rfl_rule *r)
{
    return !r->shadow && (r->area.v == 0 || r->area.v == b->area.v) && r->from_ms <= b->at_ms &&
           b->at_ms < r->until_ms && (r->answer != RFL_ANSWER_NOT_YET || b->at_ms < r->retry_ms);
}

static bool among(const struct rfl_condition *a, const struct rfl_condition *b)
{
    for (uint32_t i = 0; i < people->count; i++)
        if (holds(a, &people->profile[i]) && !holds(b, &people->profile[i]))
            return false;
    return true;
}

static void brute_overlap(const struct brute *b, const struct rfl_profile *p, uint32_t first)
{
    const struct rfl_rule *one = &policy->rule[first];
    for (uint32_t j = first + 1; j < policy->rule_count; j++) {
        const struct rfl_rule *two = &policy->rule[j];
        struct key key = { .proof = RFL_PROOF_OVERLAP, .by = rule_of(first), .other = rule_of(j) };
        bool same = one->answer == two->answer && one->to.v == two->to.v && one->retry_ms == two->retry_ms;
        if (in_force(b, two) && holds(&two->when, p) && !same && !(one->area.v != 0 && two->area.v == 0) &&
            !has(expected, &key) && !among(&one->when, &two->when) && !among(&two->when, &one->when))
            put(expected, key);
    }
}

static uint32_t queue_index(struct rfl_queue_no id) { return (uint32_t)(rfl_policy_queue(policy, id) - policy->queue); }

/* Every combination of queues that could be full. */
static void brute_room(struct brute *b, const struct rfl_profile *p)
{
    uint16_t may[8];
    unsigned count = 0;
    for (uint32_t i = 0; i < policy->queue_count; i++)
        if (policy->queue[i].capacity > 0 || policy->queue[i].overflow_count > 0)
            may[count++] = policy->queue[i].id.v;
    for (unsigned set = 0; set < 1u << count; set++) {
        struct rfl_queue_no full[8];
        struct rfl_decision d;
        uint32_t n = 0;
        for (unsigned i = 0; i < count; i++)
            if ((set >> i & 1) != 0)
                full[n++].v = may[i];
        rfl_route_profile(policy, b->area, p, b->at_ms, full, n, NULL, &d);
        if (d.verdict == RFL_ROUTE_TO)
            b->queue_used[queue_index(d.queue)] = true;
    }
}

static void brute_one(struct brute *b, const struct rfl_profile *p, const struct rfl_decision *d, struct keys *asked)
{
    struct rfl_decider by = decider_in(policy, d);
    struct rfl_queue_no queue = rfl_policy_area(policy, b->area)->intake;
    for (uint32_t i = 0; i < policy->advice_count; i++)
        if (rfl_cells_advice_counts(&policy->advice[i], b->area, b->at_ms) && holds(&policy->advice[i].when, p))
            b->advice_met[i] = true;
    for (uint32_t i = 0; i < policy->rule_count; i++)
        if (in_force(b, &policy->rule[i]) && holds(&policy->rule[i].when, p))
            b->rule_met[i] = true;
    if (d->advice != 0)
        b->advice_used[d->advice - 1] = true;
    if (by.advice != 0)
        queue = policy->advice[by.advice - 1].to;
    if (d->rule != 0) {
        b->rule_used[d->rule - 1] = true;
        queue = policy->rule[d->rule - 1].to;
        brute_overlap(b, p, d->rule - 1u);
    }
    if (queue.v == 0)
        return;
    b->queue_met[queue_index(queue)] = true;
    struct key key = { .by = by, .area = b->area.v };
    if (!has(asked, &key)) {
        put(asked, key);
        brute_room(b, p);
    }
    key = (struct key){ .proof = RFL_PROOF_QUEUE_LATER, .by = by, .queue = queue.v };
    if (d->verdict == RFL_ROUTE_TO)
        return;
    if (rfl_policy_queue(policy, queue)->opens_ms <= b->at_ms) {
        bool gap = by.rule == 0 && by.advice == 0;
        key.proof = gap ? RFL_PROOF_GAP : RFL_PROOF_QUEUE_CLOSED;
        key.area = gap ? b->area.v : 0;
    }
    put(expected, key);
}

static bool meant(struct rfl_decider by) { return by.rule != 0 && policy->rule[by.rule - 1].doors_differ; }

static void brute_doors(void)
{
    for (uint32_t i = 0; i < people->count; i++) {
        for (uint32_t j = i + 1; j < people->count; j++) {
            struct rfl_profile a = people->profile[i], b = people->profile[j];
            if (a.door == b.door || decision[i].queue.v == decision[j].queue.v)
                continue;
            a.door = b.door;
            a.source = b.source;
            struct rfl_decider by = decider_in(policy, &decision[i]), other = decider_in(policy, &decision[j]);
            if (memcmp(&a, &b, sizeof a) == 0 && !meant(by) && !meant(other))
                put(expected, doors_key(by, other));
        }
    }
}

static bool has_worker(void *ctx, struct rfl_queue_no queue)
{
    (void)ctx;
    return queue.v % 3 != 1;
}

static void brute_end(const struct brute *b, int64_t from_ms)
{
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct rfl_rule *r = &policy->rule[i];
        const struct rfl_area *area = rfl_policy_area(policy, r->area);
        bool over = r->until_ms <= from_ms || (r->answer == RFL_ANSWER_NOT_YET && r->retry_ms <= from_ms) ||
                    (area != NULL && area->until_ms <= from_ms);
        if (!r->shadow && !over && !b->rule_used[i])
            put(expected, (struct key){ .proof = b->rule_met[i] ? RFL_PROOF_RULE_COVERED : RFL_PROOF_RULE_NOBODY,
                                        .by = rule_of(i) });
    }
    for (uint32_t i = 0; i < policy->advice_count; i++) {
        const struct rfl_area *area = rfl_policy_area(policy, policy->advice[i].area);
        if (!b->advice_used[i] && policy->advice[i].until_ms > from_ms && (area == NULL || area->until_ms > from_ms))
            put(expected, (struct key){ .proof = b->advice_met[i] ? RFL_PROOF_ADVICE_COVERED : RFL_PROOF_ADVICE_NOBODY,
                                        .by = advice_of(i) });
    }
    for (uint32_t i = 0; i < policy->queue_count; i++) {
        const struct rfl_queue *q = &policy->queue[i];
        struct key key = { .proof = RFL_PROOF_QUEUE_UNUSED, .queue = q->id.v };
        const struct rfl_area *area = rfl_policy_area(policy, q->area);
        if (q->kind != RFL_QUEUE_KIND_PROVIDER || area->until_ms <= from_ms || q->closes_ms <= from_ms)
            continue;
        if (b->queue_used[i] && !has_worker(NULL, q->id)) {
            key.proof = RFL_PROOF_QUEUE_NO_WORKER;
            put(expected, key);
        } else if (!b->queue_used[i] && !b->queue_met[i] && area->intake.v != q->id.v) {
            put(expected, key);
        }
    }
}

/* Every millisecond at which anything at all begins or ends, and from_ms. */
static unsigned all_moments(int64_t from_ms, int64_t out[64])
{
    static const int64_t dates[] = { 0, 1000, 1500, 2000, 3000, 3500, 4000, 5000, 6000, 6500, 7000, 9000, 9500 };
    unsigned count = 0;
    out[count++] = from_ms;
    for (unsigned i = 0; i < sizeof dates / sizeof dates[0]; i++)
        if (dates[i] > from_ms)
            out[count++] = dates[i];
    return count;
}

static void brute_force(uint16_t fields, int64_t from_ms)
{
    static struct brute b;
    static struct keys asked;
    int64_t moment[64];
    unsigned moments = all_moments(from_ms, moment);
    memset(&b, 0, sizeof b);
    for (uint32_t a = 0; a < policy->area_count; a++) {
        b.area = policy->area[a].id;
        people_make(policy, b.area, fields, people);
        for (unsigned m = 0; m < moments; m++) {
            b.at_ms = moment[m];
            asked.count = 0;
            if (!rfl_area_alive(&policy->area[a], b.at_ms))
                continue;
            for (uint32_t i = 0; i < people->count; i++) {
                rfl_route_profile(policy, b.area, &people->profile[i], b.at_ms, NULL, 0, NULL, &decision[i]);
                brute_one(&b, &people->profile[i], &decision[i], &asked);
            }
            if (people->count <= COMBINATIONS_MAX)
                brute_doors();
        }
    }
    brute_end(&b, from_ms);
}

/* ---- comparing ---- */

static void keep(void *ctx, const struct rfl_proof_finding *f)
{
    struct key key = { .proof = (uint16_t)f->proof, .by = f->by, .other = f->other, .queue = f->queue.v,
                       .area = f->area.v };
    const char *wrong = shows(policy, told_options, f);
    (void)ctx;
    if (wrong != NULL)
        print_error("%s: %s\n", rfl_proof_word(f->proof), wrong);
    assert_null(wrong);
    if (f->proof == RFL_PROOF_DOORS_DIFFER)
        key = doors_key(f->by, f->other);
    met[f->proof]++;
    put(told, key);
}

static void print_key(const char *what, const struct key *k, uint64_t from)
{
    print_error("seed %llu: %s %s: by %u/%u, other %u/%u, queue %u, area %u\n", (unsigned long long)from, what,
                rfl_proof_word((enum rfl_proof)k->proof), k->by.advice, k->by.rule, k->other.advice, k->other.rule,
                k->queue, k->area);
}

static void compare(uint64_t from, bool with_doors)
{
    bool same = true;
    for (uint32_t i = 0; i < expected->count; i++) {
        if (!has(told, &expected->key[i])) {
            print_key("not found", &expected->key[i], from);
            same = false;
        }
    }
    for (uint32_t i = 0; i < told->count; i++) {
        if (!has(expected, &told->key[i]) && (with_doors || told->key[i].proof != RFL_PROOF_DOORS_DIFFER)) {
            print_key("not so", &told->key[i], from);
            same = false;
        }
    }
    assert_true(same);
}

static void findings_are_what_brute_force_finds(void **state)
{
    (void)state;
    unsigned compared = 0;
    for (unsigned i = 0; i < policies; i++) {
        struct lots lots = { seed + i };
        struct rfl_prove_count count;
        uint16_t fields = lots_fields(&lots);
        struct rfl_prove_options options = { .from_ms = lots_one_in(&lots, 2) ? 0 : 4500, .has_worker = has_worker };
        lots_policy(&lots, fields, policy);
        expected->count = told->count = 0;
        told_options = &options;
        brute_force(fields, options.from_ms);
        bool with_doors = true;             /* pairs of people are compared where there are few */
        for (uint32_t a = 0; a < policy->area_count; a++) {
            people_make(policy, policy->area[a].id, fields, people);
            with_doors = with_doors && people->count <= COMBINATIONS_MAX;
        }
        rfl_prove(policy, &options, work, keep, NULL, &count);
        compare(seed + i, with_doors);
        compared += expected->count;
        unsigned errors = 0;
        for (uint32_t k = 0; k < told->count; k++)
            errors += rfl_proof_is_error((enum rfl_proof)told->key[k].proof) ? 1 : 0;
        assert_true(count.errors >= errors && (count.errors == 0) == (errors == 0));
    }
    for (unsigned i = 0; i < RFL_PROOF_TOO_COMPLEX; i++) {
        printf("  %-16s %u\n", rfl_proof_word((enum rfl_proof)i), met[i]);
        assert_true(met[i] > 0);                /* every kind was drawn */
    }
    assert_true(compared > policies);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(findings_are_what_brute_force_finds) };
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        policies = (unsigned)strtoul(argv[2], NULL, 10);
    printf("seed %llu, policies %u\n", (unsigned long long)seed, policies);
    policy = malloc(sizeof *policy);
    work = malloc(sizeof *work);
    people = malloc(sizeof *people);
    decision = malloc(PEOPLE_MAX * sizeof *decision);
    expected = malloc(sizeof *expected);
    told = malloc(sizeof *told);
    assert(policy != NULL && work != NULL && people != NULL && decision != NULL && expected != NULL && told != NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(policy);
    free(work);
    free(people);
    free(decision);
    free(expected);
    free(told);
    return failed;
}
