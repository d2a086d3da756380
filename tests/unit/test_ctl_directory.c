/* `referralctl directory` as a person or a script meets it: exit codes, tables, JSON, and what is never printed. */
#include "directory_fixture.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/wait.h>

static char program[512];

static const char postcodes[] =
    "pcds,doterm,usertype,ctry,sicbl,icb\n"
    "QA1 1AA,,0,E92000001,E38000001,E54000001\nQA1 1AB,199606,1,E92000001,E38000001,E54000001\n"
    "QB1 1AA,,0,W92000004,W11000024,W99999999\nsomewhere,,0,E92000001,E38000001,E54000001\n";
static const char practices[] =
    "\"Z99001\",\"INVENTED\",\"Y63\",\"Q0A\",\"\",\"\",\"\",\"\",\"\",\"QA1 1AA\",\"19740401\",\"20200331\",\"C\","
    "\"B\",\"00A\",\"\",\"\",\"\",\"\",\"\",\"\",\"0\",\"\",\"\",\"\",\"4\",\"\"\n";

static char out_text[16384], err_text[16384];

static void read_back(const char *name, char *text, size_t room)
{
    FILE *f = fopen(in_folder(name), "r");
    assert_non_null(f);
    text[fread(text, 1, room - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
}

/* In the child: the streams become files of the folder, then the program takes over. */
static void become(char **argv, const char *input)
{
    static const struct { int fd; const char *name; } streams[] = { { 1, "stdout" }, { 2, "stderr" } };
    if (freopen(input, "r", stdin) == NULL)
        _exit(126);
    for (size_t i = 0; i < 2; i++) {
        int fd = creat(in_folder(streams[i].name), 0600);
        if (fd == -1 || dup2(fd, streams[i].fd) == -1)
            _exit(126);
    }
    (void)execv(program, argv);
    _exit(126);
}

/* Runs "referralctl directory ...", its words ending with a NULL; the output is then in out_text and err_text. */
static int run_with(const char *input, const char *first, va_list more)
{
    char *argv[24] = { strdup(program), strdup("directory") };
    int argc = 2, status;
    for (const char *word = first; word != NULL; word = va_arg(more, const char *)) {
        assert_true(argc < 23);
        argv[argc++] = strdup(word);
    }
    pid_t child = fork();
    assert_true(child != -1);
    if (child == 0)
        become(argv, input);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    read_back("stdout", out_text, sizeof out_text);
    read_back("stderr", err_text, sizeof err_text);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return WEXITSTATUS(status);
}

static int run(const char *first, ...)
{
    va_list more;
    va_start(more, first);
    int code = run_with("/dev/null", first, more);
    va_end(more);
    return code;
}

static int run_reading(const char *input, const char *first, ...)
{
    va_list more;
    va_start(more, first);
    int code = run_with(input, first, more);
    va_end(more);
    return code;
}

static void put_inputs(void)
{
    put_bytes("p.csv", postcodes, sizeof postcodes - 1);
    put_bytes("e.csv", practices, sizeof practices - 1);
}

static int build_one(const char *json)
{
    put_inputs();
    return run("build", "--out", in_folder("a.rfldir"), "--edition", "invented", "--number", "7", "--effective",
               "2026-04-01", "--postcodes", in_folder("p.csv"), "--practices", in_folder("e.csv"), json, NULL);
}

static void build_reports_what_it_did(void **state)
{
    (void)state;
    assert_int_equal(build_one(NULL), 0);
    assert_string_equal(err_text, "");
    assert_non_null(strstr(out_text, "postcodes kept                                3\n"));
    assert_non_null(strstr(out_text, "p.csv line 5\n"));
    assert_non_null(strstr(out_text, "edition 7 \"invented\", in force from 2026-04-01\n"));
    assert_null(strstr(out_text, "somewhere"));
    assert_int_equal(build_one("--json"), 0);
    json_t *report = json_loads(out_text, 0, NULL);
    assert_non_null(report);
    assert_int_equal(json_integer_value(json_object_get(report, "rows_read")), 5);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(report, "practices"), "closed")), 1);
    const json_t *left_out = json_array_get(json_object_get(report, "left_out"), 0);
    const json_t *first = json_array_get(json_object_get(left_out, "first"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "line")), 5);
    assert_string_equal(json_string_value(json_object_get(first, "file")), "p.csv");
    json_decref(report);
}

static void lookup_answers_for_people(void **state)
{
    (void)state;
    assert_int_equal(build_one(NULL), 0);
    static const struct { const char *key; int code; const char *says[3]; } v[] = {
        { "QA1 1AA", 0, { "postcode   ok\n", "ICB        E54000001\n", "p.csv line 2\n" } },
        { "qa11ab", 0, { "flags      terminated large-user\n", "sub-ICB    E38000001\n", "edition    7" } },
        { "QB1 1AA", 0, { "postcode   outside\n", "country    Wales\n", "p.csv line 4\n" } },
        { "z99001", 0, { "practice   ok\n", "closed on  2020-03-31\n", "setting    GP practice\n" } },
        { "ZZ99 3VZ", 0, { "pseudo: no fixed abode\n", "", "" } }, { "V81999", 0, { "pseudo: no practice\n", "", "" } },
        { "QA1 1AD", 1, { "postcode   unknown\n", "", "" } }, { "Z99002", 1, { "practice   unknown\n", "", "" } },
        { "my house", 1, { "neither    malformed\n", "", "" } }, { "", 1, { "neither    absent\n", "", "" } },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        int code = run("lookup", "--directory", in_folder("a.rfldir"), v[i].key, NULL);
        assert_int_equal(code, v[i].code);
        for (size_t k = 0; k < 3; k++)
            assert_non_null(strstr(out_text, v[i].says[k]));
        assert_true(v[i].key[0] == '\0' || strstr(out_text, v[i].key) == NULL);      /* never echoed */
        assert_string_equal(err_text, "");
    }
}

static void lookup_reads_keys_from_standard_input(void **state)
{
    (void)state;
    assert_int_equal(build_one(NULL), 0);
    static const char keys[] = "QA1 1AA\r\nZ99001\nQA1 1AD";
    put_bytes("keys", keys, sizeof keys - 1);
    int code = run_reading(in_folder("keys"), "lookup", "--json", "--directory", in_folder("a.rfldir"), "-", NULL);
    assert_int_equal(code, 1);
    json_t *all = json_loads(out_text, 0, NULL);
    assert_int_equal(json_array_size(all), 3);
    static const char *const grades[] = { "ok", "ok", "unknown" };
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(all, i), "grade")), grades[i]);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 1), "icb")), "Q0A");
    assert_true(json_is_true(json_object_get(json_array_get(all, 1), "closed")));
    json_decref(all);
}

static void list_shows_the_order_of_effect(void **state)
{
    (void)state;
    assert_int_equal(build_one(NULL), 0);
    assert_int_equal(run("build", "--out", in_folder("b.rfldir"), "--edition", "before", "--number", "6", "--effective",
                         "2025-04-01", "--practices", in_folder("e.csv"), NULL), 0);
    assert_int_equal(run("list", folder, NULL), 0);
    const char *before = strstr(out_text, "before"), *invented = strstr(out_text, "invented");
    assert_true(before != NULL && invented != NULL && before < invented);
    assert_int_equal(run("list", "--json", folder, NULL), 0);
    json_t *all = json_loads(out_text, 0, NULL);
    assert_int_equal(json_array_size(all), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 0), "effective")), "2025-04-01");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 1), "postcodes")), 3);
    json_decref(all);
}

static void every_failure_has_its_exit_code(void **state)
{
    (void)state;
    put_inputs();
    char p[384], none[384], out[384];           /* in_folder lends only for a while */
    (void)snprintf(p, sizeof p, "%s/p.csv", folder);
    (void)snprintf(none, sizeof none, "%s/none", folder);
    (void)snprintf(out, sizeof out, "%s/a.rfldir", folder);
    assert_int_equal(run(NULL), 64);
    assert_int_equal(run("nonsense", NULL), 64);
    assert_int_equal(run("build", "--postcodes", p, NULL), 64);
    assert_int_equal(run("build", "--mistake", NULL), 64);
    assert_int_equal(run("lookup", "QA1 1AA", NULL), 64);
    assert_int_equal(run("list", NULL), 64);
    assert_null(strstr(err_text, "QA1"));
#define BUILD(out, number, date, in) \
    run("build", "--out", out, "--edition", "x", "--number", number, "--effective", date, "--postcodes", in, NULL)
    assert_int_equal(BUILD(out, "0", "2026-04-01", p), 64);
    assert_int_equal(BUILD(out, "65536", "2026-04-01", p), 64);
    assert_int_equal(BUILD(out, "1x", "2026-04-01", p), 64);
    assert_int_equal(BUILD(out, "1", "2026-02-29", p), 64);
    assert_int_equal(BUILD(out, "1", "2026-04-01", none), 66);
    assert_non_null(strstr(err_text, "none: there is no such file"));
    assert_int_equal(BUILD(out, "1", "2026-04-01", in_folder("e.csv")), 65);
    assert_non_null(strstr(err_text, "e.csv: line 1: the header has no postcode column"));
    assert_int_equal(BUILD(in_folder("none/a.rfldir"), "1", "2026-04-01", p), 73);
#undef BUILD
    assert_int_equal(run("lookup", "--directory", none, "QA1 1AA", NULL), 66);
    assert_int_equal(run("lookup", "--directory", in_folder("e.csv"), "QA1 1AA", NULL), 65);
    assert_int_equal(run("list", none, NULL), 66);
    assert_int_equal(run("build", "--help", NULL), 0);
    assert_int_equal(memcmp(out_text, "usage: ", 7), 0);
    assert_int_equal(access(in_folder("a.rfldir"), F_OK), -1);
}

/* The program lies beside this test; it is built with everything else, not with the tests alone. */
static bool find_program(void)
{
    static const char name[] = "referralctl";
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - sizeof name);
    char *slash = len == -1 ? NULL : memrchr(program, '/', (size_t)len);
    if (slash == NULL)
        return false;
    memcpy(slash + 1, name, sizeof name);
    return access(program, X_OK) == 0;
}

int main(void)
{
    if (!find_program()) {
        (void)puts("skipped: referralctl is not built");
        return 77;
    }
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        T(build_reports_what_it_did), T(lookup_answers_for_people), T(lookup_reads_keys_from_standard_input),
        T(list_shows_the_order_of_effect), T(every_failure_has_its_exit_code),
    };
#undef T
    return cmocka_run_group_tests_name("ctl_directory", tests, NULL, NULL);
}
