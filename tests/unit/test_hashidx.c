/* The hash index against a table of what was put, with honest, equal and deliberately colliding hashes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "rfl_hashidx.h"

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* hashes[id] is the hash of id; what the caller of the index would read from its records. */
struct world { struct rfl_hash *hashes; struct rfl_hash wanted; uint64_t looks; };

static bool is_wanted(void *ctx, uint64_t id)
{
    struct world *world = ctx;
    world->looks++;
    return rfl_hash_same(world->hashes[id], world->wanted);
}

static uint64_t find(const struct rfl_hashidx *index, struct world *world, struct rfl_hash hash)
{
    world->wanted = hash;
    return rfl_hashidx_find(index, hash, is_wanted, world);
}

static struct rfl_hash random_hash(void)
{
    struct rfl_hash hash;
    uint64_t words[2] = { draw(), draw() };
    memcpy(hash.b, words, sizeof hash.b);
    return hash;
}

static void everything_put_is_found_and_nothing_else(void **unused)
{
    (void)unused;
    enum { COUNT = 60000 };
    state = 7;
    struct rfl_hashidx *index = malloc(sizeof *index);
    struct world world = { calloc(COUNT + 1, sizeof(struct rfl_hash)), { { 0 } }, 0 };
    rfl_hashidx_init(index);
    for (uint64_t id = 1; id <= COUNT; id++) {
        world.hashes[id] = random_hash();
        assert_int_equal(rfl_hashidx_add(index, world.hashes[id], id), RFL_E_OK);
    }
    assert_int_equal(index->count, COUNT);
    for (uint64_t id = 1; id <= COUNT; id++)
        assert_int_equal(find(index, &world, world.hashes[id]), id);
    assert_true(world.looks < COUNT + 50);
    world.looks = 0;
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(find(index, &world, random_hash()), 0);
    assert_true(world.looks < 50);
    assert_true(rfl_hashidx_bytes(index) < (uint64_t)COUNT * 15 + sizeof *index);
    rfl_hashidx_fini(index);
    free(world.hashes);
    free(index);
}

/* All in one table, with tags from a few values: long runs, wrap-around, and holes in the middle of runs. */
static struct rfl_hash crowded_hash(void)
{
    struct rfl_hash hash = random_hash();
    hash.b[0] = 0;
    hash.b[1] = 0;
    hash.b[2] = draw() % 2 == 0 ? 0xff : (uint8_t)draw();
    hash.b[3] = 0xff;
    hash.b[4] = (uint8_t)(0xfc | (draw() & 3));
    return hash;
}

static void adding_and_removing_in_a_crowd_keeps_the_rest_findable(void **unused)
{
    (void)unused;
    enum { COUNT = 400, STEPS = 20000 };
    state = 99;
    struct rfl_hashidx *index = malloc(sizeof *index);
    struct world world = { calloc(COUNT + 1, sizeof(struct rfl_hash)), { { 0 } }, 0 };
    bool there[COUNT + 1] = { false };
    rfl_hashidx_init(index);
    for (int step = 0; step < STEPS; step++) {
        uint64_t id = draw() % COUNT + 1;
        if (there[id]) {
            assert_true(rfl_hashidx_change(index, world.hashes[id], id, 0));
            assert_false(rfl_hashidx_change(index, world.hashes[id], id, 0));
        } else {
            world.hashes[id] = crowded_hash();
            assert_int_equal(rfl_hashidx_add(index, world.hashes[id], id), RFL_E_OK);
        }
        there[id] = !there[id];
        uint64_t other = draw() % COUNT + 1;
        if (!rfl_hash_none(world.hashes[other]))
            assert_int_equal(find(index, &world, world.hashes[other]), there[other] ? other : 0);
    }
    for (uint64_t id = 1; id <= COUNT; id++)
        if (!rfl_hash_none(world.hashes[id]))
            assert_int_equal(find(index, &world, world.hashes[id]), there[id] ? id : 0);
    rfl_hashidx_fini(index);
    free(world.hashes);
    free(index);
}

static void a_newer_id_replaces_an_older_and_can_be_undone(void **unused)
{
    (void)unused;
    state = 3;
    struct rfl_hashidx *index = malloc(sizeof *index);
    struct world world = { calloc(4, sizeof(struct rfl_hash)), { { 0 } }, 0 };
    rfl_hashidx_init(index);
    struct rfl_hash hash = random_hash(), twin = hash;
    twin.b[15] ^= 1;                            /* the same tag, another hash */
    world.hashes[1] = hash;
    world.hashes[2] = hash;
    world.hashes[3] = twin;
    assert_int_equal(rfl_hashidx_add(index, hash, 1), RFL_E_OK);
    assert_int_equal(rfl_hashidx_add(index, twin, 3), RFL_E_OK);
    assert_true(rfl_hashidx_change(index, hash, 1, 2));
    assert_int_equal(find(index, &world, hash), 2);
    assert_int_equal(find(index, &world, twin), 3);
    assert_false(rfl_hashidx_change(index, hash, 1, 2));
    assert_true(rfl_hashidx_change(index, hash, 2, 1));
    assert_int_equal(find(index, &world, hash), 1);
    assert_int_equal(index->count, 2);
    rfl_hashidx_fini(index);
    free(world.hashes);
    free(index);
}

static void an_empty_index_has_nothing(void **unused)
{
    (void)unused;
    struct rfl_hashidx *index = malloc(sizeof *index);
    struct world world = { NULL, { { 0 } }, 0 };
    rfl_hashidx_init(index);
    assert_int_equal(find(index, &world, random_hash()), 0);
    assert_false(rfl_hashidx_change(index, random_hash(), 1, 2));
    rfl_hashidx_fini(index);
    free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_put_is_found_and_nothing_else),
        cmocka_unit_test(adding_and_removing_in_a_crowd_keeps_the_rest_findable),
        cmocka_unit_test(a_newer_id_replaces_an_older_and_can_be_undone),
        cmocka_unit_test(an_empty_index_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
