#include "world.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "canary.h"

/* Invented practices (Z990nn): whole areas, areas that ended, divided areas with and without a deciding part. 14Z is
 * none of the places that its area has rules for. */
static const struct { const char *icb, *sub; char status; } practices[WORLD_PRACTICES] = {
    { "QOP", "14Z", 'A' }, { "QE1", "00Q", 'A' }, { "QT6", "11N", 'A' }, { "QUA", "D2P2L", 'A' },
    { "QHL", "15E", 'A' }, { "QF7", "03L", 'A' }, { "QYG", "01A", 'A' }, { "QWO", "02P", 'A' },
    { "QM7", "06K", 'A' }, { "QM7", "07H", 'A' }, { "QJG", "06L", 'A' }, { "QJG", "06T", 'A' },
    { "QNQ", "D4U1Y", 'A' }, { "QNQ", "U2G6B", 'A' }, { "QXU", "92A", 'A' }, { "QMJ", "93C", 'A' },
    { "QRV", "W2U3Z", 'A' }, { "S1Y5D", "06K", 'A' }, { "Z9B2Z", "93C", 'A' }, { "QRL", "D9Y0V", 'A' },
    { "Q99", "7A1", 'A' }, { "QOP", "14L", 'C' }, { "QGH", "18C", 'A' }, { "QNC", "05D", 'D' },
};

/* Invented postcodes (ZA1 nAA and so on): ONS codes of living, ended and divided areas, and places outside England. */
static const struct { const char *text, *icb, *sub, *country, *ended, *user; } postcodes[WORLD_POSTCODES] = {
    { "QA1 1AA", "E54000057", "E38000998", "E92000001", "", "0" },     /* a part that is no place of its area */
    { "QA1 1AB", "E54000048", "E38000014", "E92000001", "", "0" },
    { "QA1 1AD", "E54000036", "E38000089", "E92000001", "", "0" },
    { "QA1 1AE", "E54000025", "E38000049", "E92000001", "", "0" },
    { "QA1 1AF", "E54000025", "E38000197", "E92000001", "", "0" },
    { "QA1 1AG", "E54000023", "E38000086", "E92000001", "", "0" },
    { "QA1 1AH", "E54000034", "E38000252", "E92000001", "", "0" },
    { "QA1 1AJ", "E54000065", "E38000049", "E92000001", "", "0" },
    { "QA1 1AL", "E54000071", "E38000240", "E92000001", "", "0" },
    { "QA1 1AN", "E54000048", "E38000014", "E92000001", "201203", "0" },
    { "QA1 1AP", "E54000048", "E38000014", "E92000001", "", "1" },
    { "QA1 1AQ", "E54000042", "E38000253", "E92000001", "", "0" },
    { "QA1 1AR", "E54000067", "E38000253", "E92000001", "", "0" },
    { "QA1 1AS", "E54000055", "E38000258", "E92000001", "", "0" },
    { "QA1 1AT", "E54000061", "E38000062", "E92000001", "", "0" },
    { "QA1 1AU", "E54000062", "E38000259", "E92000001", "", "0" },
    { "QB1 1AA", "S99999999", "S03000012", "S92000003", "", "0" },
    { "QB1 1AB", "W99999999", "W11000024", "W92000004", "", "0" },
    { "QB1 1AD", "N99999999", "ZC010", "N92000002", "", "0" },
    { "QB1 1AE", "L99999999", "L99999999", "L93000001", "", "0" },
    { "QA1 1AW", "E54000050", "E38000130", "E92000001", "", "0" },
    { "QA1 1AX", "E54000028", "E38000240", "E92000001", "", "0" },
    { "QA1 1AY", "E54000063", "E38000264", "E92000001", "", "0" },
    { "QA1 1AZ", "E54000099", "E38000999", "E92000001", "", "0" },
    { "QA1 1BA", "E54000057", "E38000217", "E92000001", "", "0" },     /* the city of Manchester */
    { "QA1 1BB", "E54000062", "E38000996", "E92000001", "", "0" },
    { "QA1 1BD", "E54000062", "E38000997", "E92000001", "", "0" },
};

const char *world_practice(unsigned i)
{
    static char codes[WORLD_PRACTICES][8];
    i %= WORLD_PRACTICES;
    (void)snprintf(codes[i], sizeof codes[i], "Z99%03u", i);
    return codes[i];
}

const char *world_postcode(unsigned i) { return postcodes[i % WORLD_POSTCODES].text; }

static const char *path_of(const struct world *world, const char *name)
{
    static char paths[4][192];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", world->folder, name);
    return path;
}

static void write_practices(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < WORLD_PRACTICES; i++)
        (void)fprintf(f, "\"%s\",\"INVENTED PRACTICE\",\"%s\",\"%s\",\"\",\"\",\"\",\"\",\"\",\"QA1 1AA\",\"19900401\","
                      "\"%s\",\"%c\",\"B\",\"%s\",\"20200401\",\"\",\"\",\"\",\"\",\"\",\"0\",\"\",\"%s\",\"\",\"4\","
                      "\"\"\r\n", world_practice(i), strcmp(practices[i].icb, "Q99") == 0 ? "W00" : "Y60",
                      practices[i].icb, practices[i].status == 'C' ? "20200331" : "", practices[i].status,
                      practices[i].sub, practices[i].sub);
    assert_int_equal(fclose(f), 0);
}

static void write_postcodes(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs("pcd7,pcds,doterm,usrtypind,ctry26cd,sicbl26cd,icb26cd\n", f);
    for (unsigned i = 0; i < WORLD_POSTCODES; i++)
        (void)fprintf(f, "\"%.3s%s\",\"%s\",\"%s\",\"%s\",\"%s\",\"%s\",\"%s\"\n", postcodes[i].text,
                      postcodes[i].text + 3, postcodes[i].text, postcodes[i].ended, postcodes[i].user,
                      postcodes[i].country, postcodes[i].sub, postcodes[i].icb);
    assert_int_equal(fclose(f), 0);
}

static void make_directories(struct world *world)
{
    char postcode_csv[192], practice_csv[192], out[192];
    struct rfl_directory_report report;
    struct rfl_directory_fault fault;
    assert_int_equal(mkdir(path_of(world, "dir"), 0700), 0);
    (void)snprintf(postcode_csv, sizeof postcode_csv, "%s/postcodes.csv", world->folder);
    (void)snprintf(practice_csv, sizeof practice_csv, "%s/practices.csv", world->folder);
    (void)snprintf(out, sizeof out, "%s/dir/world.rfldir", world->folder);
    write_postcodes(postcode_csv);
    write_practices(practice_csv);
    const char *postcode_paths[] = { postcode_csv }, *practice_paths[] = { practice_csv };
    struct rfl_directory_recipe recipe = {
        .out_path = out, .label = "invented", .edition = 1, .effective = { 2026, 1, 1 },
        .postcode_paths = postcode_paths, .postcode_path_count = 1,
        .practice_paths = practice_paths, .practice_path_count = 1 };
    enum rfl_err err = rfl_directory_build(&recipe, &report);
    if (err != RFL_E_OK)
        print_message("directory: %s (line %u)\n", report.fault.rule, report.fault.line);
    assert_int_equal(err, RFL_E_OK);
    assert_int_equal(rfl_directory_set_open(path_of(world, "dir"), &world->directories, &fault), RFL_E_OK);
}

static struct rfl_store_options store_options(const struct world *world)
{
    return (struct rfl_store_options){ .map_bytes = world->map_bytes, .allow_any_fs = true,
                                       .key_path = world->key_path[0] != '\0' ? world->key_path : NULL };
}

/* A key that is no secret: hashes, and with them the order in which indexes are filled, are the same in every run. */
static void write_key(struct world *world)
{
    uint8_t key[32];
    (void)snprintf(world->key_path, sizeof world->key_path, "%s/sim.key", world->folder);
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(world->key_seed >> i % 8 * 8 ^ i * 37);
    int fd = open(world->key_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, key, sizeof key), sizeof key);
    assert_int_equal(close(fd), 0);
}

static bool read_form(struct rfl_view referral, struct rfl_arena *arena, struct rfl_form *form)
{
    struct rfl_findings findings;
    return rfl_wire_decode_form(referral, arena, form, &findings) == RFL_CODE_OK;
}

static void open_engine(struct world *world)
{
    const char *why = NULL;
    struct rfl_store_options options = store_options(world);
    enum rfl_err err = rfl_store_open(path_of(world, "store"), &options, world->now.wall_ms, &world->store, &why);
    if (err != RFL_E_OK)
        print_message("store: %s: %s\n", rfl_err_text(err), why == NULL ? "" : why);
    assert_int_equal(err, RFL_E_OK);
    struct rfl_engine_options engine = { .store = world->store, .policy = world->policy, .test_people = true,
                                         .directories = world->directories, .read_form = read_form,
                                         .session_idle_ms = world->session_idle_ms,
                                         .full_permille = world->full_permille };
    assert_int_equal(rfl_engine_new(&engine, &world->now, &world->engine), RFL_E_OK);
}

static void make_store(struct world *world, uint64_t map_bytes)
{
    world->now = (struct rfl_now){ WORLD_BEGINS_MS, 1000 };
    world->map_bytes = map_bytes;
    if (world->key_seed != 0)
        write_key(world);
    struct rfl_store_options options = store_options(world);
    assert_int_equal(rfl_store_init(path_of(world, "store"), &options), RFL_E_OK);
}

void world_open(struct world *world, const char *policy, uint64_t map_bytes)
{
    const char *base = getenv("TMPDIR");
    struct rfl_conf_report report;
    memset(world, 0, sizeof *world);
    memset(&report, 0, sizeof report);
    (void)snprintf(world->folder, sizeof world->folder, "%.60s/rfl_world_XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(rfl_conf_policy_load(policy, &world->policy, &report), RFL_E_OK);
    make_directories(world);
    make_store(world, map_bytes);
    rfl_arena_init(&world->arena, malloc(RFL_ARENA_BYTES), RFL_ARENA_BYTES);
    assert_non_null(world->arena.base);
    open_engine(world);
}

void world_restart(struct world *world)
{
    rfl_engine_free(&world->engine);
    rfl_store_close(&world->store);
    open_engine(world);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

/* What a story leaves behind names nobody. */
static void leave(const char *path)
{
    assert_int_equal(canary_search(path), 0);
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void world_new_store(struct world *world, uint64_t map_bytes)
{
    rfl_engine_free(&world->engine);
    rfl_store_close(&world->store);
    remove_tree(path_of(world, "store"));
    make_store(world, map_bytes);
    open_engine(world);
}

static void say_finding(void *ctx, const char *rule, uint64_t where)
{
    (void)ctx;
    print_message("store: %s at %llu\n", rule, (unsigned long long)where);
}

static void verify(struct world *world)
{
    char store[192], rebuilt[192];
    struct rfl_store_options options = store_options(world);
    struct rfl_store_report report = { .say = say_finding };
    (void)snprintf(store, sizeof store, "%s/store", world->folder);
    (void)snprintf(rebuilt, sizeof rebuilt, "%s/rebuilt", world->folder);
    assert_int_equal(rfl_store_verify(store, &options, &report), RFL_E_OK);
    if (options.map_bytes != 0)                                 /* rebuilt in one go, it may need more room */
        options.map_bytes = 2 * options.map_bytes + (2 << 20);
    assert_int_equal(rfl_store_rebuild(store, rebuilt, &options, &report), RFL_E_OK);
    assert_int_equal(rfl_store_compare(store, rebuilt, &options, &report), RFL_E_OK);
}

void world_verify(struct world *world)
{
    rfl_engine_free(&world->engine);
    rfl_store_close(&world->store);
    verify(world);
    remove_tree(path_of(world, "rebuilt"));
}

void world_close(struct world *world)
{
    rfl_engine_free(&world->engine);
    rfl_store_close(&world->store);
    verify(world);
    rfl_directory_set_close(&world->directories);
    rfl_conf_policy_free(&world->policy);
    free(world->arena.base);
    leave(world->folder);
}

void world_abandon(struct world *world) { remove_tree(world->folder); }
