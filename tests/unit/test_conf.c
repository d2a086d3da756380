/* The strict reader: everything libconfig would let pass, the option table, and the shipped policy folder. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rfl_conf.h"

/* libconfig 1.5 leaks the 64 bytes of a string that stood before a syntax error; the leak sanitizer asks here. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so\n";
}
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

#define FRAME(body) "schema_version = 1;\n" body "\nend_of_config = true;\n"

struct values {
    int64_t heartbeat, map;
    int32_t hops, batch;
    bool verbose;
    char name[RFL_CONF_STRING_BYTES], must[RFL_CONF_STRING_BYTES];
    struct rfl_conf_list doors;
};

#define AT(field) offsetof(struct values, field)
static const struct rfl_conf_option options[] = {
    { "must", RFL_CONF_STRING, AT(must), "1", "8", NULL, false, "a text that has to be given" },
    { "name", RFL_CONF_STRING, AT(name), NULL, NULL, "referrald", true, "what the daemon calls itself" },
    { "verbose", RFL_CONF_BOOL, AT(verbose), NULL, NULL, "false", true, "whether to say more" },
    { "doors", RFL_CONF_LIST, AT(doors), "1", "3", "gp self", true, "which doors are open" },
    { "bus.heartbeat", RFL_CONF_DUR, AT(heartbeat), "1s", "60s", "5s", false, "how often a silent peer is probed" },
    { "bus.batch", RFL_CONF_COUNT, AT(batch), "1", "4096", "512", true, "messages in one turn" },
    { "store.map", RFL_CONF_SIZE, AT(map), "64MiB", "1TiB", "64GiB", false, "largest size of the store file" },
    { "store.hops", RFL_CONF_COUNT, AT(hops), "1", "9", "2", true, "redirects before the lead is asked" },
};
static const struct rfl_conf_table table = { options, sizeof options / sizeof options[0] };

static struct rfl_conf_report report;
static struct rfl_conf_origin origins[sizeof options / sizeof options[0]];

static enum rfl_err open_text(const char *text, struct rfl_conf_file **file)
{
    memset(&report, 0, sizeof report);
    *file = NULL;
    return rfl_conf_open_text("t.conf", (struct rfl_view){ (const uint8_t *)text, strlen(text) }, &report, file);
}

static enum rfl_err read_text(const char *text, struct values *values)
{
    struct rfl_conf_file *file;
    memset(values, 0, sizeof *values);
    rfl_conf_defaults(&table, values, origins);
    enum rfl_err err = open_text(text, &file);
    if (err == RFL_E_OK)
        err = rfl_conf_read(file, &table, values, origins, &report);
    rfl_conf_free(&file);
    return err;
}

/* The i-th finding is at this line, about this key, and its rule or remedy holds these words. */
static void expect_finding(uint32_t i, int line, const char *key, const char *words)
{
    if (i >= report.count)
        fail_msg("finding %u is missing: %s", (unsigned)i, words);
    const struct rfl_conf_finding *f = &report.finding[i];
    if (f->line != line || strcmp(f->key, key) != 0 || (strstr(f->rule, words) == NULL &&
                                                        strstr(f->remedy, words) == NULL))
        fail_msg("finding %u: line %d key '%s': %s; %s", (unsigned)i, f->line, f->key, f->rule, f->remedy);
    assert_true(f->rule[0] != '\0' && f->remedy[0] != '\0');
}

static void integers_that_do_not_fit_are_seen_in_the_text(void **state)
{
    (void)state;
    static const struct { const char *number; const char *words; } cases[] = {
        { "4294967297", "31 bits" }, { "2147483648", "31 bits" }, { "3000000000", "31 bits" },
        { "-4294967297", "31 bits" }, { "99999999999999999999999999", "31 bits" }, { "2147483648L", "plain decimal" },
        { "5L", "plain decimal" }, { "0xFFFFFFFF", "plain decimal" }, { "0x10", "plain decimal" },
        { "010", "octal" }, { "00", "octal" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        struct rfl_conf_file *file;
        (void)snprintf(text, sizeof text, FRAME("# 4294967297\n/* 4294967297\n */ a9999999999 = \"4294967297\";\n"
                                                "b = %s;"), cases[i].number);
        assert_int_equal(open_text(text, &file), RFL_E_INVALID);
        assert_null(file);
        assert_int_equal(report.count, 1);
        expect_finding(0, 5, "", cases[i].words);
        assert_null(strstr(report.finding[0].rule, cases[i].number));
    }
}

static void ordinary_numbers_pass_the_scan(void **state)
{
    (void)state;
    static const char *const fine[] = { "0", "1", "-1", "2147483647", "1.5", "1e10", "-2.5E-3", "true",
                                        "\"\\\"4294967297\"", "( 1, 2, 3 )", "\"a\" \"99999999999\"" };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        char text[256];
        struct rfl_conf_file *file;
        (void)snprintf(text, sizeof text, FRAME("x-9999999999 = %s; // 9999999999"), fine[i]);
        assert_int_equal(open_text(text, &file), RFL_E_OK);
        assert_int_equal(report.count, 0);
        rfl_conf_free(&file);
        assert_null(file);
    }
}

static void file_needs_its_frame(void **state)
{
    (void)state;
    static const struct { const char *text, *key, *words; } cases[] = {
        { "", "schema_version", "first setting" },
        { "schema_version = 1;\n", "end_of_config", "is the file whole" },
        { "schema_version = 1;\nmust = \"x\";\n", "end_of_config", "is the file whole" },
        { "end_of_config = true;\n", "schema_version", "first setting" },
        { "must = \"x\";\nschema_version = 1;\nend_of_config = true;\n", "schema_version", "first setting" },
        { "schema_version = 1;\nend_of_config = true;\nmust = \"x\";\n", "end_of_config", "last setting" },
        { "schema_version = 2;\nend_of_config = true;\n", "schema_version", "schema_version 1" },
        { "schema_version = \"1\";\nend_of_config = true;\n", "schema_version", "schema_version 1" },
        { "schema_version = 1;\nend_of_config = false;\n", "end_of_config", "must be true" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rfl_conf_file *file;
        assert_int_equal(open_text(cases[i].text, &file), RFL_E_INVALID);
        assert_string_equal(report.finding[0].key, cases[i].key);
        assert_non_null(strstr(report.finding[0].rule, cases[i].words));
    }
}

static void damaged_text_is_refused_with_its_line(void **state)
{
    (void)state;
    struct rfl_conf_file *file;
    static const char nul[] = "schema_version = 1;\n\0end_of_config = true;\n";
    assert_int_equal(open_text(FRAME("a = 1;\nb = = 2;"), &file), RFL_E_INVALID);
    expect_finding(0, 3, "", "syntax error");
    assert_int_equal(open_text(FRAME("a = 1;\na = 2;"), &file), RFL_E_INVALID);
    expect_finding(0, 3, "", "duplicate");
    assert_int_equal(open_text(FRAME("@include \"/etc/passwd\""), &file), RFL_E_INVALID);
    expect_finding(0, 2, "", "@include");
    assert_int_equal(open_text(FRAME("a = \"x\\x00y\";"), &file), RFL_E_INVALID);
    expect_finding(0, 2, "", "\\x00");
    assert_int_equal(open_text(FRAME("a = 1;\nb = \"open\nc = 2;"), &file), RFL_E_INVALID);
    expect_finding(0, 3, "", "not closed");
    memset(&report, 0, sizeof report);
    assert_int_equal(rfl_conf_open_text("t.conf", (struct rfl_view){ (const uint8_t *)nul, sizeof nul - 1 }, &report,
                                        &file), RFL_E_INVALID);
    expect_finding(0, 2, "", "NUL");
    memset(&report, 0, sizeof report);
    assert_int_equal(rfl_conf_open("/nonexistent/x.conf", &report, &file), RFL_E_IO);
    assert_int_equal(report.count, 1);
    memset(&report, 0, sizeof report);
    assert_int_equal(rfl_conf_open("/tmp", &report, &file), RFL_E_IO);
}

static void units_are_read_exactly(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t ms; } durations[] = {
        { "500ms", 500 }, { "30s", 30000 }, { "15m", 900000 }, { "4h", 14400000 }, { "7d", 604800000 }, { "0s", 0 },
        { "9223372036854775807ms", INT64_MAX }, { "9223372036854775808ms", -1 }, { "9223372036854776s", -1 },
        { "", -1 }, { "s", -1 }, { "30", -1 }, { " 30s", -1 }, { "30 s", -1 }, { "30sec", -1 }, { "-1s", -1 },
        { "+1s", -1 }, { "1.5h", -1 }, { "030s", -1 }, { "30S", -1 }, { "1wd", -1 },
    };
    static const struct { const char *text; int64_t bytes; } sizes[] = {
        { "4096B", 4096 }, { "64KiB", 65536 }, { "64MiB", 67108864 }, { "1GiB", 1073741824 },
        { "2TiB", INT64_C(2199023255552) }, { "8388608TiB", -1 }, { "64MB", -1 }, { "64", -1 }, { "64mib", -1 },
    };
    static const struct { const char *text; int64_t ms; } works[] = {
        { "2wd", 57600000 }, { "4wh", 14400000 }, { "30wm", 1800000 }, { "20ws", 20000 }, { "2d", -1 }, { "2", -1 },
        { "wd", -1 },
    };
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int64_t got = -1;
        enum rfl_err err = rfl_conf_parse_duration(durations[i].text, &got);
        assert_int_equal(err, durations[i].ms < 0 ? RFL_E_INVALID : RFL_E_OK);
        assert_true(got == durations[i].ms);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int64_t got = -1;
        enum rfl_err err = rfl_conf_parse_size(sizes[i].text, &got);
        assert_int_equal(err, sizes[i].bytes < 0 ? RFL_E_INVALID : RFL_E_OK);
        assert_true(got == sizes[i].bytes);
    }
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        int64_t got = -1;
        enum rfl_err err = rfl_conf_parse_work(works[i].text, 28800000, &got);
        assert_int_equal(err, works[i].ms < 0 ? RFL_E_INVALID : RFL_E_OK);
        assert_true(got == works[i].ms);
    }
}

static void dates_are_read_exactly(void **state)
{
    (void)state;
    struct rfl_date date = { 1, 2, 3 };
    static const char *const bad[] = { "", "2026", "2026-4-1", "2026-04-31", "2026-04-01 ", "26-04-01", "2026/04/01",
                                       "2026-13-01", "2026-02-29", "2026-04-0x", "1969-12-31" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(rfl_conf_parse_date(bad[i], &date), RFL_E_INVALID);
    assert_int_equal(date.year, 1);
    assert_int_equal(rfl_conf_parse_date("2028-02-29", &date), RFL_E_OK);
    assert_true(date.year == 2028 && date.month == 2 && date.day == 29);
}

static void table_fills_the_struct(void **state)
{
    (void)state;
    struct values v;
    assert_int_equal(read_text(FRAME("must = \"now\";\nverbose = true;\ndoors = ( \"gp\" );\n"
                                     "bus = { heartbeat = \"10s\"; };\nstore = { hops = 3; map = \"128MiB\"; };"), &v),
                     RFL_E_OK);
    assert_int_equal(report.count, 0);
    assert_string_equal(v.must, "now");
    assert_string_equal(v.name, "referrald");
    assert_true(v.verbose);
    assert_int_equal(v.doors.count, 1);
    assert_string_equal(v.doors.item[0], "gp");
    assert_int_equal(v.heartbeat, 10000);
    assert_int_equal(v.batch, 512);
    assert_int_equal(v.hops, 3);
    assert_int_equal(v.map, 128 << 20);
    assert_int_equal(origins[0].line, 2);
    assert_string_equal(origins[0].file, "t.conf");
    assert_int_equal(origins[1].line, 0);
    assert_string_equal(origins[1].file, "default");
    assert_int_equal(origins[4].line, 5);
}

static void every_problem_is_reported_at_once(void **state)
{
    (void)state;
    struct values v;
    assert_int_equal(read_text(FRAME("leese_s = 30;\nnmae = \"x\";\nverbose = 1;\ndoors = ( \"gp\", 5 );\n"
                                     "bus = { heartbeat = \"10\"; batch = 5000; hartbeat = 1; };\n"
                                     "store = { map = \"1MiB\"; hops = \"2\"; };\nbuss = { x = 1; };"), &v),
                     RFL_E_INVALID);
    expect_finding(0, 2, "leese_s", "remove it");
    expect_finding(1, 3, "nmae", "did you mean name?");
    expect_finding(2, 4, "verbose", "true or false");
    expect_finding(3, 5, "doors.[1]", "in quotes");
    expect_finding(4, 6, "bus.heartbeat", "500ms, 30s");
    expect_finding(5, 6, "bus.batch", "use 1 to 4096");
    expect_finding(6, 6, "bus.hartbeat", "did you mean heartbeat?");
    expect_finding(7, 7, "store.map", "use 64MiB to 1TiB");
    expect_finding(8, 7, "store.hops", "plain integer");
    expect_finding(9, 8, "buss", "did you mean bus?");
    expect_finding(10, 0, "must", "missing");
    assert_int_equal(report.count, 11);
}

static void unknown_key_alone_is_enough_to_fail(void **state)
{
    (void)state;
    struct values v;
    assert_int_equal(read_text(FRAME("must = \"now\";\nbus = { hartbeat = \"1s\"; };"), &v), RFL_E_INVALID);
    assert_int_equal(report.count, 1);
    expect_finding(0, 3, "bus.hartbeat", "did you mean heartbeat?");
}

static void values_never_appear_in_a_report(void **state)
{
    (void)state;
    struct values v;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(read_text(FRAME("must = \"SECRETSECRET\";\nname = 7777;\nverbose = \"SECRET\";\n"
                                     "doors = \"SECRET\";\n"
                                     "bus = { heartbeat = \"SECRET\"; batch = 77777; };\nstore = \"SECRET\";"), &v),
                     RFL_E_INVALID);
    FILE *out = open_memstream(&text, &size);
    rfl_conf_report_print(&report, out);
    (void)fclose(out);
    assert_int_equal(report.count, 7);
    assert_null(strstr(text, "SECRET"));
    assert_null(strstr(text, "7777"));
    assert_non_null(strstr(text, "t.conf:2: must: the text is too short or too long; use 1 to 8 bytes\n"));
    free(text);
}

static void printed_configuration_reads_back_the_same(void **state)
{
    (void)state;
    struct values v, again;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(read_text(FRAME("must = \"a\\\"b\\\\c\";\ndoors = ( \"x y\", \"z\" );\n"
                                     "bus = { heartbeat = \"1500ms\"; };\nstore = { map = \"65MiB\"; };"), &v),
                     RFL_E_OK);
    FILE *out = open_memstream(&text, &size);
    assert_true(rfl_conf_print(&table, &v, origins, out));
    (void)fclose(out);
    assert_non_null(strstr(text, "heartbeat = \"1500ms\";    # t.conf:4\n"));
    assert_non_null(strstr(text, "batch = 512;    # default\n"));
    assert_int_equal(read_text(text, &again), RFL_E_OK);
    assert_memory_equal(&v, &again, sizeof v);
    free(text);
    out = open_memstream(&text, &size);
    assert_true(rfl_conf_print_example(&table, out));
    (void)fclose(out);
    assert_non_null(strstr(text, "  # how often a silent peer is probed. 1s to 60s. A change needs a restart.\n"
                                 "  heartbeat = \"5s\";\n"));
    struct rfl_conf_file *file;
    assert_int_equal(open_text(text, &file), RFL_E_OK);
    rfl_conf_free(&file);
    assert_int_equal(read_text(text, &again), RFL_E_INVALID);
    assert_int_equal(report.count, 1);
    expect_finding(0, 0, "must", "missing");
    free(text);
}

/* Whatever bytes come, the reader says yes, or no with a reason, and keeps every field inside its range. */
static void damaged_bytes_get_an_answer(void **state)
{
    (void)state;
    static const char whole[] = FRAME("must = \"now\"; /* c */\ndoors = ( \"gp\", \"self\" );\nverbose = true;\n"
                                      "bus = { heartbeat = \"10s\"; batch = 7; };\nstore = { hops = 3; };");
    static const char marks[] = "{}()[]=;:\",\\@#/*0123456789xLe.-\n\x80";
    uint64_t seed = 5;
    unsigned yes = 0, no = 0;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof whole];
        struct values v;
        memcpy(text, whole, sizeof whole);
        for (int i = 0; i <= round % 3; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            text[(seed >> 33) % (sizeof whole - 1)] = marks[(seed >> 20) % (sizeof marks - 1)];
        }
        bool read = read_text(text, &v) == RFL_E_OK;
        if (read == (report.count > 0) || v.hops < 1 || v.hops > 9 || v.batch < 1 || v.batch > 4096 ||
            v.heartbeat < 1000 || v.heartbeat > 60000 || v.doors.count > 3 || strlen(v.must) > 8)
            fail_msg("round %d: %u findings for a file that was %s", round, (unsigned)report.count,
                     read ? "taken" : "refused");
        yes += read ? 1 : 0;
        no += read ? 0 : 1;
    }
    assert_true(yes > 100 && no > 10000);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    static char text[200000];
    struct rfl_conf_file *file;
    size_t n = (size_t)snprintf(text, sizeof text, "schema_version = 1;\n");
    for (int i = 0; i < 30000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "a = {");
    assert_int_equal(open_text(text, &file), RFL_E_INVALID);
    assert_int_equal(report.count, 1);
}

static void reload_says_what_needs_a_restart(void **state)
{
    (void)state;
    struct values before, after;
    assert_int_equal(read_text(FRAME("must = \"a\";"), &before), RFL_E_OK);
    assert_int_equal(read_text(FRAME("must = \"a\"; verbose = true; bus = { batch = 3; };"), &after), RFL_E_OK);
    assert_null(rfl_conf_reload_blocked(&table, &before, &after));
    assert_int_equal(read_text(FRAME("must = \"a\"; bus = { heartbeat = \"6s\"; };"), &after), RFL_E_OK);
    assert_string_equal(rfl_conf_reload_blocked(&table, &before, &after)->key, "bus.heartbeat");
}

static void long_report_counts_what_it_dropped(void **state)
{
    (void)state;
    memset(&report, 0, sizeof report);
    for (int i = 0; i < RFL_CONF_FINDINGS_MAX + 5; i++)
        rfl_conf_report_add(&report, "f", i, "k", "rule", "remedy");
    assert_int_equal(report.count, RFL_CONF_FINDINGS_MAX + 5);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    rfl_conf_report_print(&report, out);
    (void)fclose(out);
    assert_non_null(strstr(text, "... and 5 more\n"));
    free(text);
}

/* ---- the policy folder ---- */

static const char *const policy_files[] = { "calendar.conf", "clocks.conf", "rules.conf", "disclosure.conf",
                                            "journey.conf", "retention.conf", "areas.conf", "jobcentres.conf",
                                            "sources.conf" };
enum { POLICY_FILES = sizeof policy_files / sizeof policy_files[0] };

static char folder[64];

static char *read_shipped(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "config/policy/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    (void)fclose(f);
    return text;
}

/* Writes the shipped file into the folder with the first `from` replaced by `to`; from must be there. */
static void write_changed(const char *name, const char *from, const char *to)
{
    char path[256], *text = read_shipped(name), *at = from != NULL ? strstr(text, from) : text;
    assert_non_null(at);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    (void)fprintf(f, "%.*s%s", (int)(at - text), text, from != NULL ? to : "");
    (void)fputs(at + (from != NULL ? strlen(from) : 0), f);
    assert_int_equal(fclose(f), 0);
    free(text);
}

static int set_up_folder(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/rfl-conf-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < POLICY_FILES; i++)
        write_changed(policy_files[i], NULL, NULL);
    return 0;
}

static int tear_down_folder(void **state)
{
    (void)state;
    for (int i = 0; i < POLICY_FILES; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", folder, policy_files[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static enum rfl_err load(struct rfl_policy **out)
{
    memset(&report, 0, sizeof report);
    *out = NULL;
    return rfl_conf_policy_load(folder, out, &report);
}

static struct rfl_hash digest_of_folder(void)
{
    struct rfl_policy *policy;
    assert_int_equal(load(&policy), RFL_E_OK);
    struct rfl_hash digest = rfl_policy_digest(policy);
    rfl_conf_policy_free(&policy);
    assert_null(policy);
    return digest;
}

static void shipped_policy_is_sound(void **state)
{
    (void)state;
    struct rfl_policy *policy;
    assert_int_equal(load(&policy), RFL_E_OK);
    assert_int_equal(report.count, 0);
    assert_int_equal(policy->area_count, 48);
    assert_int_equal(policy->queue_count, 97);
    unsigned alive_2025 = 0, alive_2026 = 0;
    int64_t change_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 4, 1 });
    for (uint32_t i = 0; i < policy->area_count; i++) {
        alive_2025 += rfl_area_alive(&policy->area[i], change_ms - 1) ? 1 : 0;
        alive_2026 += rfl_area_alive(&policy->area[i], change_ms) ? 1 : 0;
    }
    assert_int_equal(alive_2025, 42);
    assert_int_equal(alive_2026, 36);
    assert_false(rfl_hash_none(rfl_policy_digest(policy)));
    assert_true(rfl_policy_consent_ok(policy, RFL_DOOR_GP, RFL_CONSENT_IMPLIED));
    assert_false(rfl_policy_consent_ok(policy, RFL_DOOR_EMPLOYER, RFL_CONSENT_IMPLIED));
    assert_false(rfl_policy_consent_ok(policy, RFL_DOOR_JOBCENTRE, RFL_CONSENT_IMPLIED));
    unsigned doors = 0;
    for (uint32_t i = 0; i < policy->source_count; i++)
        doors |= policy->source[i].doors;
    assert_int_equal(doors, (1u << RFL_DOOR_COUNT) - 2);
    rfl_conf_policy_free(&policy);
}

static void digest_is_of_the_meaning(void **state)
{
    (void)state;
    struct rfl_hash first = digest_of_folder();
    write_changed("clocks.conf", "# clocks.conf", "# another comment\n\n# clocks.conf");
    write_changed("sources.conf", "{ id = 1; name = \"gp-north\"; doors = ( \"gp\" ); },\n",
                  "{ name = \"gp-north\"; id = 1; doors = ( \"gp\" ); },\n");
    assert_true(rfl_hash_same(first, digest_of_folder()));
    static const struct { const char *file, *from, *to; } changes[] = {
        { "clocks.conf", "triage = \"1wd\"", "triage = \"2wd\"" },
        { "rules.conf", "hops_max = 2", "hops_max = 3" },
        { "rules.conf", "\"gp_practice\", \"postcode\"", "\"postcode\", \"gp_practice\"" },
        { "rules.conf", "( \"gp\", \"pharmacist\"", "( \"pharmacist\"" },
        { "calendar.conf", "\"2026-04-03\", ", "" },
        { "disclosure.conf", "accepted = \"accepted, provider\"", "accepted = \"accepted\"" },
        { "disclosure.conf", "accepted = \"accepted, provider\"", "accepted = \"with_the_service, provider\"" },
        { "disclosure.conf", "closed_person = \"closed, reason\"", "closed_person = \"closed\"" },
        { "disclosure.conf", "sees_place = true", "sees_place = false" },
        { "journey.conf", "\"182d\"", "\"183d\"" },
        { "journey.conf", "ageing = \"5wd\"", "ageing = \"6wd\"" },
        { "journey.conf", "attempts_min = 3", "attempts_min = 4" },
        { "journey.conf", "channels_min = 2", "channels_min = 3" },
        { "journey.conf", "  self = 1;", "  self = 2;" },
        { "journey.conf", "employer = ( \"accepted\", \"waiting\"", "employer = ( \"accepted\"" },
        { "journey.conf", "\"731d\"", "\"730d\"" },
        { "retention.conf", "keep = \"8y\"", "keep = \"9y\"" },
        { "retention.conf", "so that it is known", "so it is known" },
        { "areas.conf", "lead = \"Head of national triage\"", "lead = \"Somebody\"" },
        { "areas.conf", "sub_icbs = ( \"07H\"", "sub_icbs = ( \"07J\"" },
        { "areas.conf", "{ code = \"QOP\"; }", "{ code = \"QOP\"; from = \"2023-01-01\"; }" },
        { "jobcentres.conf", "area = \"black-country\"", "area = \"devon\"" },
        { "sources.conf", "doors = ( \"self\" )", "doors = ( \"self\", \"other\" )" },
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        write_changed(changes[i].file, changes[i].from, changes[i].to);
        if (rfl_hash_same(first, digest_of_folder()))
            fail_msg("change %u does not change the digest", (unsigned)i);
        write_changed(changes[i].file, NULL, NULL);
    }
    assert_true(rfl_hash_same(first, digest_of_folder()));
}

static const struct { const char *file, *from, *to, *key, *words; } spoilings[] = {
    { "clocks.conf", "lease = \"4wh\"", "leese = \"4wh\"", "clocks.leese", "did you mean lease?" },
    { "clocks.conf", "lease = \"4wh\"", "lease = \"4h\"", "clocks.lease", "working" },
    { "clocks.conf", "lease = \"4wh\"", "lease = \"401wd\"", "clocks.lease", "400wd" },
    { "clocks.conf", "  hold = \"5wd\";", "", "clocks", "the clock hold is missing" },
    { "clocks.conf", "lease = \"4wh\"", "lease = \"9wd\"", "clocks.lease", "outlasts" },
    { "calendar.conf", "09:00-17:00", "9:00-17:00", "hours.monday", "no hours" },
    { "calendar.conf", "09:00-17:00", "09:00-16:00", "hours", "differ in length" },
    { "calendar.conf", "\"2026-04-06\"", "\"2026-04-03\"", "holidays.", "twice" },
    { "calendar.conf", "\"2026-04-06\"", "\"2036-04-06\"", "holidays.", "outside" },
    { "calendar.conf", "\"2026-04-06\"", "\"2026-04-31\"", "holidays.", "not a date" },
    { "rules.conf", "\"postcode\"", "\"gp_practice\"", "precedence", "exactly once" },
    { "rules.conf", "\"postcode\"", "\"star_sign\"", "precedence.[1]", "no key" },
    { "rules.conf", "hops_max = 2", "hops_max = 10", "budgets", "out of range" },
    { "rules.conf", "budgets = {", "colour = 1;\nbudgets = {", "colour", "remove it" },
    { "disclosure.conf", "\"pharmacist\", ", "", "without_column", "no column" },
    { "disclosure.conf", "\"pharmacist\"", "\"gp\"", "without_column", "no column" },
    { "disclosure.conf", "\"pharmacist\"", "\"pharmacist\", \"gp\"", "without_column", "and a place in this list" },
    { "disclosure.conf", "\"pharmacist\"", "\"chemist\"", "without_column.[0]", "no door" },
    { "disclosure.conf", "strictest = \"employer\"", "strictest = \"gp\"", "strictest", "protected door's own" },
    { "disclosure.conf", "strictest = \"employer\"", "strictest = \"provider\"", "strictest", "own" },
    { "disclosure.conf", "( \"employer\", \"jobcentre\" )", "( \"employer\" )", "protected", "always protected" },
    { "disclosure.conf", "accepted = \"accepted, provider\"", "accepted = \"accepted,provider\"",
      "doors.gp.accepted", "cannot be said" },
    { "disclosure.conf", "accepted = \"accepted, provider\"", "accepted = \"closed\"", "doors.gp.accepted",
      "cannot be said" },
    { "disclosure.conf", "accepted = \"accepted, provider\"", "accepted = \"accepted, reason\"",
      "doors.gp.accepted", "cannot be said" },
    { "disclosure.conf", "accepted = \"accepted, provider\"", "accepted = \"nothing, provider\"",
      "doors.gp.accepted", "cannot be said" },
    { "disclosure.conf", "  jobcentre = {", "  jobcenter = {", "doors.jobcenter", "did you mean jobcentre?" },
    { "disclosure.conf", "    started = \"started\";\n", "", "doors.gp", "started is missing" },
    { "disclosure.conf", "closed_other = \"closed, reason\"", "closed_other = \"nothing\"",
      "doors.gp.closed_other", "every closing" },
    { "journey.conf", "\"182d\"", "\"732d\"", "do_not_contact.person_said_no", "0d to 731d" },
    { "journey.conf", "\"182d\"", "\"26wd\"", "do_not_contact.person_said_no", "days" },
    { "journey.conf", "ageing = \"5wd\"", "ageing = \"0wd\"", "ageing", "above 0" },
    { "journey.conf", "ageing = \"5wd\"", "ageing = \"401wd\"", "ageing", "400wd" },
    { "journey.conf", "attempts_min = 3", "attempts_min = 1", "unreachable", "out of range" },
    { "journey.conf", "channels_min = 2", "channels_min = 0", "unreachable", "out of range" },
    { "journey.conf", "  self = 1;", "  self = 101;", "turns.self", "1 to 100" },
    { "journey.conf", "  self = 1;", "", "turns", "self is missing" },
    { "journey.conf", "\"waiting\", \"closed\" )", "\"waiting\" )", "notices.employer", "every referrer hears" },
    { "journey.conf", "\"waiting\", \"closed\" )", "\"waitng\", \"closed\" )", "notices.employer.[1]", "no such" },
    { "journey.conf", "\"731d\"", "\"36h\"", "outcomes_after_closing", "days" },
    { "journey.conf", "\"731d\"", "\"3661d\"", "outcomes_after_closing", "3660d" },
    { "retention.conf", "keep = \"8y\"", "keep = \"8wd\"", "classes.closed_case.keep", "years" },
    { "retention.conf", "keep = \"8y\"", "keep = \"101y\"", "classes.closed_case.keep", "0d to 36600d" },
    { "retention.conf", "keep = \"8y\"", "keep = \"\"", "classes.closed_case.keep", "years" },
    { "retention.conf", "  log = {", "  logs = {", "classes.logs", "did you mean log?" },
    { "retention.conf", "why = \"so that it is known", "who = \"so that it is known", "classes.log.who", "why" },
    { "areas.conf", "{ id = 2;", "{ colour = 1; id = 2;", "areas.[1].colour", "remove it" },
    { "areas.conf", "{ id = 2;", "{ id = 1;", "areas.[1]", "taken" },
    { "areas.conf", "{ id = 2;", "{ id = 65536;", "areas.[1].id", "1 to 65535" },
    { "areas.conf", "name = \"black-country\"", "name = \"Black Country\"", "areas.[3]", "ill-formed" },
    { "areas.conf", "to = \"central-east\"", "to = \"central-west\"", "successors.[0].to", "no area" },
    { "areas.conf", "sub_icbs = ( \"07H\"", "sub_icbs = ( \"06K\"", "", "two successors" },
    { "areas.conf", "{ code = \"QOP\"; }", "{ code = \"QHM\"; }", "", "two areas at one moment" },
    { "areas.conf", "intake = { id = 1004;", "intake = { id = 1003;", "areas.[3].intake", "taken" },
    { "areas.conf", "successors = ( { to = \"central-east\"; } );", "", "", "nobody follows" },
    { "areas.conf", "owner = \"Intake, Devon\"", "owner = \"\"", "", "no owner" },
    { "areas.conf", "owner = \"Intake, Devon\"; ", "", "areas.[11].intake", "owner is missing" },
    { "jobcentres.conf", "area = \"black-country\"", "area = \"blackcountry\"", "jobcentres.[3].area", "no area" },
    { "jobcentres.conf", "\"EX0002\"", "\"EX0001\"", "jobcentres.[1]", "taken" },
    { "sources.conf", "doors = ( \"self\" )", "doors = ( \"shelf\" )", "sources.[4].doors.[0]", "no door" },
    { "sources.conf", "doors = ( \"self\" )", "doors = ()", "sources.[4]", "out of range" },
};

static void spoiled_policy_is_refused_with_file_and_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spoilings / sizeof spoilings[0]; i++) {
        struct rfl_policy *policy;
        bool seen = false;
        write_changed(spoilings[i].file, spoilings[i].from, spoilings[i].to);
        assert_int_equal(load(&policy), RFL_E_INVALID);
        assert_null(policy);
        for (uint32_t f = 0; f < report.count && f < RFL_CONF_FINDINGS_MAX; f++)
            seen = seen || ((strstr(report.finding[f].rule, spoilings[i].words) != NULL ||
                             strstr(report.finding[f].remedy, spoilings[i].words) != NULL) &&
                            strstr(report.finding[f].key, spoilings[i].key) != NULL);
        if (!seen) {
            rfl_conf_report_print(&report, stderr);
            fail_msg("case %u: %s", (unsigned)i, spoilings[i].words);
        }
        write_changed(spoilings[i].file, NULL, NULL);
    }
    assert_false(rfl_hash_none(digest_of_folder()));
}

/* The shipped column of the Jobcentre, spoiled in every line: no protected door may tell reasons apart. */
static void matrix_that_tells_too_much_is_refused(void **state)
{
    (void)state;
    static const struct { const char *line, *instead, *words; } cases[] = {
        { "held = \"waiting\"", "held = \"held\"", "happens only to some" },
        { "accepted = \"with_the_service\"", "accepted = \"with_the_service, provider\"", "told of a provider" },
        { "redirected = \"nothing\"", "redirected = \"redirected\"", "happens only to some" },
        { "redirected = \"nothing\"", "redirected = \"redirected, provider\"", "told of a provider" },
        { "started = \"nothing\"", "started = \"started\"", "happens only to some" },
        { "outcome = \"nothing\"", "outcome = \"outcome\"", "happens only to some" },
        { "outcome = \"nothing\"", "outcome = \"outcome, reason\"", "given a reason" },
        { "closed_person = \"closed\"", "closed_person = \"closed, reason\"", "given a reason" },
        { "closed_person = \"closed\"", "closed_person = \"nothing\"", "every closing" },
        { "closed_service = \"closed\"", "closed_service = \"closed, reason\"", "given a reason" },
        { "closed_service = \"closed\"", "closed_service = \"nothing\"", "one reason for closing from another" },
        { "closed_other = \"closed\"", "closed_other = \"closed, reason\"", "given a reason" },
        { "closed_other = \"closed\"", "closed_other = \"nothing\"", "one reason for closing from another" },
        { "sees_place = false", "sees_place = true", "where a referral stands" },
    };
    char *text = read_shipped("disclosure.conf"), *column = strstr(text, "  jobcentre = {"), whole[1024], spoiled[1024];
    assert_non_null(column);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rfl_policy *policy;
        const char *at = strstr(column, cases[i].line);
        assert_non_null(at);
        (void)snprintf(whole, sizeof whole, "%s", column);
        (void)snprintf(spoiled, sizeof spoiled, "%.*s%s%s", (int)(at - column), column, cases[i].instead,
                       at + strlen(cases[i].line));
        write_changed("disclosure.conf", whole, spoiled);
        assert_int_equal(load(&policy), RFL_E_INVALID);
        bool seen = false;
        for (uint32_t f = 0; f < report.count && f < RFL_CONF_FINDINGS_MAX; f++)
            seen = seen || (strstr(report.finding[f].rule, cases[i].words) != NULL &&
                            strstr(report.finding[f].key, "doors.jobcentre.") != NULL && report.finding[f].line > 0);
        if (!seen) {
            rfl_conf_report_print(&report, stderr);
            fail_msg("case %u: %s", (unsigned)i, cases[i].words);
        }
    }
    free(text);
    write_changed("disclosure.conf", NULL, NULL);
}

/* A door that hears what a protected one hears is not protected yet: another policy. */
static void protection_is_part_of_the_digest(void **state)
{
    (void)state;
    static const char protect[] = "protected = ( \"employer\", \"jobcentre\"";
    static const char listed[] = "\"provider\", \"other\" );";
    char *text = read_shipped("disclosure.conf"), *name = strstr(text, "  jobcentre = {"), *end;
    char path[256], column[1024];
    assert_non_null(name);
    end = strstr(name, "  };\n");
    (void)snprintf(column, sizeof column, "  other = {%.*s  };\n", (int)(end - strchr(name, '{') - 1),
                   strchr(name, '{') + 1);
    struct rfl_hash digest[2];
    for (int i = 0; i < 2; i++) {
        const char *first = strstr(text, protect) + sizeof protect - 1, *second = strstr(text, listed);
        (void)snprintf(path, sizeof path, "%s/disclosure.conf", folder);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        (void)fprintf(f, "%.*s%s%.*s\"provider\" );%.*s%s%s", (int)(first - text), text, i == 0 ? "" : ", \"other\"",
                      (int)(second - first), first, (int)(name - second - (long)sizeof listed + 1),
                      second + sizeof listed - 1, column, name);
        assert_int_equal(fclose(f), 0);
        digest[i] = digest_of_folder();
    }
    assert_false(rfl_hash_same(digest[0], digest[1]));
    free(text);
    write_changed("disclosure.conf", NULL, NULL);
}

/* The shipped files say what the program assumes when nothing is said, the notices of the strict doors apart. */
static void shipped_journey_is_the_default(void **state)
{
    (void)state;
    struct rfl_policy *policy, *fresh = malloc(sizeof *fresh);
    assert_non_null(fresh);
    rfl_policy_init(fresh);
    assert_int_equal(load(&policy), RFL_E_OK);
    for (unsigned row = 0; row < RFL_DISCLOSED_COUNT; row++)
        for (unsigned door = 1; door < RFL_DOOR_COUNT; door++)
            assert_memory_equal(&policy->disclosure[row][door], &fresh->disclosure[row][door],
                                sizeof(struct rfl_disclosure));
    assert_int_equal(policy->place_doors, fresh->place_doors);
    assert_int_equal(policy->protected_doors, fresh->protected_doors);
    assert_true(policy->quiet_ms == fresh->quiet_ms && policy->ageing_ms == fresh->ageing_ms);
    assert_int_equal(policy->attempts_min, fresh->attempts_min);
    assert_int_equal(policy->channels_min, fresh->channels_min);
    assert_memory_equal(policy->door_share, fresh->door_share, sizeof policy->door_share);
    assert_true(policy->outcome_ms == fresh->outcome_ms);
    assert_int_equal(rfl_policy_notify(policy, RFL_DOOR_GP), (1u << RFL_NOTIFY_COUNT) - 1);
    assert_int_equal(rfl_policy_notify(policy, RFL_DOOR_JOBCENTRE),
                     1u << RFL_NOTIFY_ACCEPTED | 1u << RFL_NOTIFY_WAITING | 1u << RFL_NOTIFY_CLOSED);
    rfl_conf_policy_free(&policy);
    free(fresh);
}

static void missing_file_is_named_once(void **state)
{
    (void)state;
    struct rfl_policy *policy;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/areas.conf", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(load(&policy), RFL_E_INVALID);
    assert_int_equal(report.count, 1);
    assert_string_equal(report.finding[0].file, path);
    write_changed("areas.conf", NULL, NULL);
}

/* A file cut off after any line must be refused: the frame is what makes a short file visible. */
static void policy_cut_short_is_never_read(void **state)
{
    (void)state;
    char path[256], *text = read_shipped("sources.conf");
    (void)snprintf(path, sizeof path, "%s/sources.conf", folder);
    size_t whole = (size_t)(strstr(text, "end_of_config") - text);
    for (size_t cut = 0; cut <= whole; cut++) {
        struct rfl_policy *policy;
        if (text[cut] != '\n' && cut != whole)
            continue;
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, cut, f), cut);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(load(&policy), RFL_E_INVALID);
        assert_true(report.count > 0);
    }
    free(text);
    write_changed("sources.conf", NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_that_do_not_fit_are_seen_in_the_text),
        cmocka_unit_test(ordinary_numbers_pass_the_scan),
        cmocka_unit_test(file_needs_its_frame),
        cmocka_unit_test(damaged_text_is_refused_with_its_line),
        cmocka_unit_test(units_are_read_exactly),
        cmocka_unit_test(dates_are_read_exactly),
        cmocka_unit_test(table_fills_the_struct),
        cmocka_unit_test(every_problem_is_reported_at_once),
        cmocka_unit_test(unknown_key_alone_is_enough_to_fail),
        cmocka_unit_test(values_never_appear_in_a_report),
        cmocka_unit_test(printed_configuration_reads_back_the_same),
        cmocka_unit_test(damaged_bytes_get_an_answer),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(reload_says_what_needs_a_restart),
        cmocka_unit_test(long_report_counts_what_it_dropped),
        cmocka_unit_test(shipped_policy_is_sound),
        cmocka_unit_test(digest_is_of_the_meaning),
        cmocka_unit_test(spoiled_policy_is_refused_with_file_and_key),
        cmocka_unit_test(matrix_that_tells_too_much_is_refused),
        cmocka_unit_test(protection_is_part_of_the_digest),
        cmocka_unit_test(shipped_journey_is_the_default),
        cmocka_unit_test(missing_file_is_named_once),
        cmocka_unit_test(policy_cut_short_is_never_read),
    };
    return cmocka_run_group_tests(tests, set_up_folder, tear_down_folder);
}
