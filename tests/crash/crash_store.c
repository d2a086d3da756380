/* Every I/O call of the store fails once: each time there is a named error, nothing is spoken of the turn, and after
 * opening again exactly what was committed before is there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "faultio.h"
#include "store_life.h"

enum { TURNS = 4, COMMANDS = 6, RUNS_MAX = 1000 };

struct run { char dir[96]; struct rfl_store_options options; uint64_t committed; struct rfl_store_stat stat; };

static void remove_store(const char *dir)
{
    static const char *const names[] = { "data.mdb", "lock.mdb", "lock", "master.key" };
    char path[160];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static void remember(struct run *run, struct rfl_store *store)
{
    assert_int_equal(rfl_store_begin(store), RFL_E_OK);
    run->committed = life_fingerprint(store);
    rfl_store_stat(store, &run->stat);
    rfl_store_abort(store);
}

static enum rfl_err one_turn(struct rfl_store *store, struct life *life)
{
    enum rfl_err err = rfl_store_begin(store);
    if (err != RFL_E_OK)
        return err;
    for (int i = 0; i < COMMANDS && err == RFL_E_OK; i++)
        err = life_command(life, store, 3000);
    enum rfl_err committed = rfl_store_commit(store);
    assert_true(err == RFL_E_OK || err == committed);       /* sticky: the first error is the one the commit gives */
    return committed;
}

/* Lives until something fails. A full disk is answered and lived with; anything else is final. */
static enum rfl_err scenario(struct run *run, uint64_t seed)
{
    struct rfl_store *store = NULL;
    struct life life = { .random = seed, .wall_ms = INT64_C(1780000000000) };
    enum rfl_err err = rfl_store_open(run->dir, &run->options, life.wall_ms, &store, NULL);
    if (err != RFL_E_OK)
        return err;
    /* Only the turns are counted from here: reading for the fingerprint writes nothing. */
    for (int turn = 0; turn < TURNS && err == RFL_E_OK; turn++) {
        remember(run, store);
        struct life before = life;
        err = one_turn(store, &life);
        if (err == RFL_E_FULL) {
            assert_int_equal(rfl_store_error(store), RFL_E_OK);
            life = before;
            err = one_turn(store, &life);
        }
    }
    if (err == RFL_E_OK) {
        remember(run, store);
    } else if (err != RFL_E_FULL) {
        assert_int_equal(rfl_store_error(store), err);
        assert_int_equal(rfl_store_begin(store), err);      /* latched: no second try */
    }
    rfl_store_close(&store);
    return err;
}

static void check_after(struct run *run)
{
    struct rfl_store *store = NULL;
    struct rfl_store_stat st;
    const char *why = "";
    struct rfl_store_report report = { .say = NULL };
    assert_int_equal(rfl_store_verify(run->dir, &run->options, &report), RFL_E_OK);
    assert_int_equal(rfl_store_open(run->dir, &run->options, 1, &store, &why), RFL_E_OK);
    rfl_store_stat(store, &st);
    if (run->stat.entries > 0) {
        assert_int_equal(st.entries, run->stat.entries + 1);
        assert_int_equal(rfl_store_begin(store), RFL_E_OK);
        assert_int_equal(life_fingerprint(store), run->committed);
        rfl_store_abort(store);
    }
    rfl_store_close(&store);
}

/* Returns whether the fault was met; false: the scenario has fewer calls than n + 1. */
static bool one_run(int n, enum faultio_kind kind, bool sticky)
{
    char top[64];
    struct run run = { .options = { .map_bytes = 8 << 20, .allow_any_fs = true } };
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(top, sizeof top, "%.30s/rfl_crash.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(top));
    (void)snprintf(run.dir, sizeof run.dir, "%s/store", top);
    assert_int_equal(rfl_store_init(run.dir, &run.options), RFL_E_OK);
    faultio_arm(n, kind, sticky);
    enum rfl_err err = scenario(&run, UINT64_C(0x9E3779B97F4A7C15));
    bool fired = faultio_fired();
    bool reserving = fired && kind == FAULTIO_ENOSPC && strcmp(faultio_call(), "fallocate") == 0;
    faultio_arm(-1, kind, false);
    if (!fired || (reserving && !sticky && run.stat.entries > 0))
        assert_int_equal(err, RFL_E_OK);
    else
        assert_int_equal(err, reserving ? RFL_E_FULL : RFL_E_IO);
    check_after(&run);
    remove_store(run.dir);
    assert_int_equal(rmdir(top), 0);
    return fired;
}

static int sweep(enum faultio_kind kind, bool sticky)
{
    int n = 0;
    while (one_run(n, kind, sticky))
        assert_true(++n < RUNS_MAX);
    return n;
}

static void every_call_that_fails_with_eio(void **state)
{
    (void)state;
    assert_true(sweep(FAULTIO_EIO, false) > 20);
}

static void every_call_from_one_on_fails_with_eio(void **state)
{
    (void)state;
    assert_true(sweep(FAULTIO_EIO, true) > 20);
}

static void every_call_that_meets_a_full_disk(void **state)
{
    (void)state;
    assert_true(sweep(FAULTIO_ENOSPC, false) > 20);
}

static void every_write_that_is_short(void **state)
{
    (void)state;
    assert_true(sweep(FAULTIO_SHORT, false) > 20);
}

static void init_that_fails_leaves_nothing(void **state)
{
    (void)state;
    char top[64], dir[96];
    const char *tmp = getenv("TMPDIR");
    const struct rfl_store_options options = { .map_bytes = 8 << 20, .allow_any_fs = true };
    (void)snprintf(top, sizeof top, "%.30s/rfl_crash.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(top));
    (void)snprintf(dir, sizeof dir, "%s/store", top);
    int n = 0;
    for (bool fired = true; fired; n++) {
        faultio_arm(n, FAULTIO_EIO, false);
        enum rfl_err err = rfl_store_init(dir, &options);
        fired = faultio_fired();
        faultio_arm(-1, FAULTIO_EIO, false);
        if (err == RFL_E_OK) {
            assert_true(!fired);
            remove_store(dir);
        } else {
            assert_int_equal(err, RFL_E_IO);
            assert_int_equal(access(dir, F_OK), -1);
        }
    }
    assert_true(n > 4);
    assert_int_equal(rmdir(top), 0);            /* no temporary folder stays behind either */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_that_fails_with_eio),
        cmocka_unit_test(every_call_from_one_on_fails_with_eio),
        cmocka_unit_test(every_call_that_meets_a_full_disk),
        cmocka_unit_test(every_write_that_is_short),
        cmocka_unit_test(init_that_fails_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
