/* The ordered set against a plain sorted array, over growing, shrinking, random and adverse orders. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "rfl_ordset.h"

enum { PLACES_MAX = 3000 };

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int compare(const struct rfl_order *x, const struct rfl_order *y)
{
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    return x->c == y->c ? 0 : x->c < y->c ? -1 : 1;
}

struct model { struct rfl_order places[PLACES_MAX]; size_t count; };

static size_t model_at(const struct model *model, const struct rfl_order *order)
{
    size_t at = 0;
    while (at < model->count && compare(&model->places[at], order) < 0)
        at++;
    return at;
}

static bool model_has(const struct model *model, const struct rfl_order *order)
{
    size_t at = model_at(model, order);
    return at < model->count && compare(&model->places[at], order) == 0;
}

static void model_insert(struct model *model, const struct rfl_order *order)
{
    size_t at = model_at(model, order);
    memmove(&model->places[at + 1], &model->places[at], (model->count - at) * sizeof *order);
    model->places[at] = *order;
    model->count++;
}

static void model_remove(struct model *model, const struct rfl_order *order)
{
    size_t at = model_at(model, order);
    model->count--;
    memmove(&model->places[at], &model->places[at + 1], (model->count - at) * sizeof *order);
}

/* Walks the whole set from the beginning and compares every place. */
static void assert_same(const struct rfl_ordset *set, const struct model *model)
{
    assert_int_equal(set->count, model->count);
    struct rfl_order from = { 0, 0, 0 }, out;
    for (size_t i = 0; i < model->count; i++) {
        assert_true(rfl_ordset_first(set, &from, &out));
        assert_int_equal(compare(&out, &model->places[i]), 0);
        from = out;
        from.c++;
    }
    assert_false(rfl_ordset_first(set, &from, &out));
}

static void one_step(struct rfl_ordset *set, struct model *model, const struct rfl_order *order, bool insert)
{
    bool there = model_has(model, order);
    if (insert && model->count < PLACES_MAX) {
        assert_int_equal(rfl_ordset_insert(set, order), there ? RFL_E_EXISTS : RFL_E_OK);
        if (!there)
            model_insert(model, order);
        return;
    }
    assert_int_equal(rfl_ordset_remove(set, order), there ? RFL_E_OK : RFL_E_ABSENT);
    if (there)
        model_remove(model, order);
}

static void random_steps_agree_with_a_sorted_array(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        state = seed * UINT64_C(0x9E3779B97F4A7C15);
        struct rfl_ordset set;
        struct model *model = calloc(1, sizeof *model);
        rfl_ordset_init(&set);
        for (int i = 0; i < 12000; i++) {
            struct rfl_order order = { draw() % 5, draw() % 40, draw() % 20 };
            unsigned growing = (i / 3000) % 2 == 0 ? 7 : 3;
            one_step(&set, model, &order, draw() % 10 < growing);
            if (i % 1500 == 0)
                assert_same(&set, model);
        }
        assert_same(&set, model);
        free(model);
        rfl_ordset_fini(&set);
    }
}

static void queues_that_grow_at_their_ends_fill_their_chunks(void **unused)
{
    (void)unused;
    struct rfl_ordset set;
    rfl_ordset_init(&set);
    for (uint64_t i = 0; i < 40000; i++) {
        struct rfl_order order = { i % 10, i, i };
        assert_int_equal(rfl_ordset_insert(&set, &order), RFL_E_OK);
    }
    assert_true(rfl_ordset_bytes(&set) < 40000 * 24 * 3 / 2);
    for (uint64_t i = 0; i < 40000; i++) {
        struct rfl_order from = { i % 10, 0, 0 }, out;
        assert_true(rfl_ordset_first(&set, &from, &out));
        assert_int_equal(out.c, i);
        assert_int_equal(rfl_ordset_remove(&set, &out), RFL_E_OK);
    }
    assert_int_equal(set.count, 0);
    assert_int_equal(set.chunk_count, 0);
    rfl_ordset_fini(&set);
}

static void falling_orders_do_not_open_a_chunk_each(void **unused)
{
    (void)unused;
    struct rfl_ordset set;
    rfl_ordset_init(&set);
    for (uint64_t i = 0; i < 10000; i++) {
        struct rfl_order order = { 1, 1000000 - i, i };
        assert_int_equal(rfl_ordset_insert(&set, &order), RFL_E_OK);
    }
    assert_true(set.chunk_count < 10000 / 64);
    rfl_ordset_fini(&set);
}

static void a_thinned_set_gives_its_memory_back(void **unused)
{
    (void)unused;
    struct rfl_ordset set;
    rfl_ordset_init(&set);
    struct rfl_order *orders = calloc(50000, sizeof *orders);
    for (uint64_t i = 0; i < 50000; i++)
        orders[i] = (struct rfl_order){ i, 0, 0 };
    assert_int_equal(rfl_ordset_fill(&set, orders, 50000), RFL_E_OK);
    size_t full = set.chunk_count;
    for (uint64_t i = 0; i < 50000; i++)
        if (i % 64 != 0)
            assert_int_equal(rfl_ordset_remove(&set, &orders[i]), RFL_E_OK);
    assert_int_equal(set.count, 50000 / 64 + 1);
    assert_true(set.chunk_count * 8 < full);
    struct rfl_order from = { 65, 0, 0 }, out;
    assert_true(rfl_ordset_first(&set, &from, &out));
    assert_int_equal(out.a, 128);
    free(orders);
    rfl_ordset_fini(&set);
}

static void filling_sorts_and_refuses_doubles(void **unused)
{
    (void)unused;
    state = 42;
    struct rfl_ordset set;
    rfl_ordset_init(&set);
    struct model *model = calloc(1, sizeof *model);
    struct rfl_order *orders = calloc(PLACES_MAX, sizeof *orders);
    for (uint64_t i = 0; i < PLACES_MAX - 1; i++) {
        orders[i] = (struct rfl_order){ draw() % 7, draw(), i };
        model_insert(model, &orders[i]);
    }
    orders[PLACES_MAX - 1] = orders[17];
    struct rfl_order *twice = calloc(PLACES_MAX, sizeof *twice);
    memcpy(twice, orders, PLACES_MAX * sizeof *orders);
    assert_int_equal(rfl_ordset_fill(&set, twice, PLACES_MAX), RFL_E_EXISTS);
    assert_int_equal(set.count, 0);
    assert_int_equal(rfl_ordset_fill(&set, orders, PLACES_MAX - 1), RFL_E_OK);
    assert_same(&set, model);
    free(twice);
    free(orders);
    free(model);
    rfl_ordset_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps_agree_with_a_sorted_array),
        cmocka_unit_test(queues_that_grow_at_their_ends_fill_their_chunks),
        cmocka_unit_test(falling_orders_do_not_open_a_chunk_each),
        cmocka_unit_test(a_thinned_set_gives_its_memory_back),
        cmocka_unit_test(filling_sorts_and_refuses_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
