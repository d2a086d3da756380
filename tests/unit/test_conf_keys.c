/* keys.conf and identity files: what is taken, what each rule refuses and where, and what a key then may do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rfl_conf_keys.h"

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

/* Published example keys of the CurveZMQ library's own documents. */
#define PUBLIC_A "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define PUBLIC_B "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET_A "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
#define SOURCE_PART "source = \"gp-north\"; doors = ( \"gp\", \"self\" );"
#define DATES "from = \"2026-04-01\"; until = \"2027-04-01\";"
#define ENTRY(name, public, dates, rest) "{ name = \"" name "\"; public = \"" public "\"; owner = \"head of GP " \
    "systems\"; " dates " " rest " }"
#define FILE_OF(entries) "schema_version = 1;\nkeys = (\n" entries "\n);\nend_of_config = true;\n"

static struct rfl_conf_report report;

static struct rfl_view view(const char *text)
{
    return (struct rfl_view){ (const uint8_t *)text, strlen(text) };
}

static enum rfl_err load(const char *text, struct rfl_keys **keys)
{
    memset(&report, 0, sizeof report);
    *keys = NULL;
    enum rfl_err err = rfl_keys_load_text("keys.conf", view(text), &report, keys);
    assert_int_equal(err == RFL_E_OK, *keys != NULL);
    assert_int_equal(err == RFL_E_OK, report.count == 0);
    return err;
}

static struct rfl_curve_key key(const char *z85)
{
    struct rfl_curve_key out;
    assert_true(rfl_key_from_z85(view(z85), &out));
    return out;
}

static void z85_goes_there_and_back(void **state)
{
    (void)state;
    char text[RFL_Z85_CHARS + 1];
    struct rfl_curve_key a = key(PUBLIC_A), none;
    rfl_key_to_z85(&a, text);
    assert_string_equal(text, PUBLIC_A);
    static const char *const bad[] = { "", PUBLIC_A "x", "short", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\"",
                                       "####################%%%%%%%%%%%%%%%%%%%%" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(rfl_key_from_z85(view(bad[i]), &none));
}

static void a_key_may_do_what_its_entry_says(void **state)
{
    (void)state;
    struct rfl_keys *keys;
    assert_int_equal(load(FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART) ",\n"
                                  ENTRY("b", PUBLIC_B, DATES, "worker = \"desk\"; queues = ( \"kent-medway/intake\","
                                        " \"greater-manchester/*\" ); rate = 5; connections = 2;")), &keys), RFL_E_OK);
    struct rfl_curve_key a = key(PUBLIC_A), b = key(PUBLIC_B), neither = a;
    neither.b[31] ^= 1;
    const struct rfl_key_entry *source = rfl_keys_find(keys, &a), *worker = rfl_keys_find(keys, &b);
    assert_null(rfl_keys_find(keys, &neither));
    assert_true(source == rfl_keys_named(keys, view("a")) && worker == rfl_keys_named(keys, view("b")));
    assert_null(rfl_keys_named(keys, view("c")));
    assert_true(rfl_key_is_of(source, RFL_KEY_SOURCE, view("gp-north")));
    assert_false(rfl_key_is_of(source, RFL_KEY_SOURCE, view("gp-nort")));
    assert_false(rfl_key_is_of(source, RFL_KEY_WORKER, view("gp-north")));
    for (unsigned door = 0; door < RFL_DOOR_COUNT; door++) {
        assert_int_equal(rfl_key_may_use_door(source, (enum rfl_door)door),
                         door == RFL_DOOR_GP || door == RFL_DOOR_SELF);
        assert_false(rfl_key_may_use_door(worker, (enum rfl_door)door));
    }
    static const struct { const char *queue; bool may; } queues[] = {
        { "kent-medway/intake", true }, { "kent-medway/intake2", false }, { "kent-medway", false },
        { "greater-manchester/intake", true }, { "greater-manchester/", false }, { "greater-manchester", false },
        { "greater-manchester-2/intake", false }, { "", false },
    };
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
        assert_int_equal(rfl_key_may_use_queue(keys, worker, view(queues[i].queue)), queues[i].may);
        assert_false(rfl_key_may_use_queue(keys, source, view(queues[i].queue)));
    }
    assert_int_equal(source->rate, RFL_KEY_RATE_DEFAULT);
    assert_int_equal(source->connections, RFL_KEY_CONNECTIONS_DEFAULT);
    assert_int_equal(worker->rate, 5);
    assert_int_equal(worker->connections, 2);
    assert_int_equal(worker->line, 4);
    for (unsigned verb = 0; verb < RFL_VERB_COUNT; verb++)
        assert_false(rfl_key_may(source, (enum rfl_verb)verb) || rfl_key_may(worker, (enum rfl_verb)verb));
    rfl_keys_free(&keys);
}

static void an_operator_has_verbs_and_days(void **state)
{
    (void)state;
    struct rfl_keys *keys;
    assert_int_equal(load(FILE_OF(ENTRY("a", PUBLIC_A, DATES, "operator = \"Anna Example\"; verbs = (\"read\", "
                                        "\"keys\");") "," ENTRY("b", PUBLIC_B, DATES, "operator = \"anna\"; verbs = "
                                        "( \"audit\" ); revoked = true; why = \"lost\";")), &keys), RFL_E_OK);
    const struct rfl_key_entry *anna = rfl_keys_get(keys, 0), *gone = rfl_keys_get(keys, 1);
    for (unsigned verb = 0; verb < RFL_VERB_COUNT; verb++)
        assert_int_equal(rfl_key_may(anna, (enum rfl_verb)verb), verb == RFL_VERB_READ || verb == RFL_VERB_KEYS);
    /* 1 April is in summer time: midnight in London is 23:00 UTC of the day before. */
    int64_t from_ms = INT64_C(1774998000000), until_ms = INT64_C(1806534000000);
    assert_int_equal(anna->from_ms, from_ms);
    assert_int_equal(anna->until_ms, until_ms);
    assert_int_equal(rfl_key_state(anna, from_ms - 1), RFL_KEY_NOT_YET);
    assert_int_equal(rfl_key_state(anna, from_ms), RFL_KEY_GOOD);
    assert_int_equal(rfl_key_state(anna, until_ms - 1), RFL_KEY_GOOD);
    assert_int_equal(rfl_key_state(anna, until_ms), RFL_KEY_EXPIRED);
    assert_int_equal(rfl_key_state(gone, from_ms), RFL_KEY_REVOKED);
    assert_int_equal(strlen(anna->fingerprint), RFL_FINGERPRINT_CHARS);
    assert_string_not_equal(anna->fingerprint, gone->fingerprint);
    rfl_keys_free(&keys);
}

static void every_rule_refuses_the_whole_file(void **state)
{
    (void)state;
    static const struct { const char *text, *key; } bad[] = {
        { FILE_OF(ENTRY("a", "short", DATES, SOURCE_PART)), "public" },
        { FILE_OF(ENTRY("A", PUBLIC_A, DATES, SOURCE_PART)), "name" },
        { FILE_OF(ENTRY("", PUBLIC_A, DATES, SOURCE_PART)), "name" },
        { FILE_OF(ENTRY("a", PUBLIC_A, "from = \"2026-04-01\"; until = \"2026-04-01\";", SOURCE_PART)), "until" },
        { FILE_OF(ENTRY("a", PUBLIC_A, "from = \"2026-04-31\"; until = \"2027-04-01\";", SOURCE_PART)), "from" },
        { FILE_OF(ENTRY("a", PUBLIC_A, "from = \"2026-04-01\";", SOURCE_PART)), "[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART " revoked = false;")), "revoked" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "")), "[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "source = \"gp-north\";")), "[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "source = \"gp-north\"; verbs = ( \"read\" );")), "[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART " operator = \"x\"; verbs = ( \"read\" );")), "[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "source = \"gp-north\"; doors = ( \"chemist\" );")), "doors.[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "source = \"gp-north\"; doors = ( 1 );")), "doors.[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "source = \"gp-north\"; doors = ( );")), "doors" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "source = \"GP North\"; doors = ( \"gp\" );")), "source" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "worker = \"w\"; queues = ( \"*\" );")), "queues.[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "worker = \"w\"; queues = ( \"/*\" );")), "queues.[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "worker = \"w\"; queues = ( \"a*\" );")), "queues.[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, "operator = \"x\"; verbs = ( \"write\" );")), "verbs.[0]" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART " rate = 0;")), "rate" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART " connections = 16385;")), "connections" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART " door = 1;")), "door" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART) "," ENTRY("a", PUBLIC_B, DATES, SOURCE_PART)), "name" },
        { FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART) "," ENTRY("b", PUBLIC_A, DATES, SOURCE_PART)), "public" },
        { "schema_version = 1;\nend_of_config = true;\n", "" },
        { "schema_version = 1;\nkeys = ();\n", "end_of_config" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rfl_keys *keys;
        if (load(bad[i].text, &keys) != RFL_E_INVALID)
            fail_msg("taken: %s", bad[i].text);
        const struct rfl_conf_finding *first = &report.finding[0];
        size_t len = strlen(first->key), tail = strlen(bad[i].key);
        if (len < tail || strcmp(first->key + len - tail, bad[i].key) != 0)
            fail_msg("%s is blamed instead of %s: %s", first->key, bad[i].key, bad[i].text);
        assert_true(first->rule[0] != '\0' && first->remedy[0] != '\0');
        assert_null(strstr(first->rule, PUBLIC_A));
    }
}

static void all_that_is_wrong_is_said_at_once(void **state)
{
    (void)state;
    struct rfl_keys *keys;
    assert_int_equal(load(FILE_OF(ENTRY("a", "short", DATES, SOURCE_PART) ",\n"
                                  ENTRY("B", PUBLIC_B, DATES, "operator = \"x\"; verbs = ( \"write\", \"rite\" );")),
                          &keys), RFL_E_INVALID);
    assert_int_equal(report.count, 4);
    assert_int_equal(report.finding[0].line, 3);
    assert_int_equal(report.finding[1].line, 4);
}

static void a_full_table_finds_every_key(void **state)
{
    (void)state;
    enum { MANY = 500 };
    static char text[MANY * 300 + 100];
    static struct rfl_identity made[MANY];
    size_t len = (size_t)snprintf(text, sizeof text, "schema_version = 1;\nkeys = (\n");
    for (int i = 0; i < MANY; i++) {
        rfl_identity_make(&made[i]);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s{ name = \"k-%d\"; public = \"%s\"; owner = \"o\"; "
                                DATES " " SOURCE_PART " }", i > 0 ? ",\n" : "", i, made[i].public);
    }
    (void)snprintf(text + len, sizeof text - len, ");\nend_of_config = true;\n");
    struct rfl_keys *keys;
    assert_int_equal(load(text, &keys), RFL_E_OK);
    assert_int_equal(rfl_keys_count(keys), MANY);
    for (int i = 0; i < MANY; i++) {
        struct rfl_curve_key public = key(made[i].public), secret = key(made[i].secret);
        char name[16];
        (void)snprintf(name, sizeof name, "k-%d", i);
        assert_string_equal(rfl_keys_find(keys, &public)->name, name);
        assert_null(rfl_keys_find(keys, &secret));
    }
    rfl_keys_free(&keys);
}

/* ---- identity files ---- */

static char folder[64], path[128];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/referrald-keys.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/key", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static enum rfl_err read_identity(bool wants_server, struct rfl_identity *out)
{
    memset(&report, 0, sizeof report);
    return rfl_identity_read(path, wants_server, &report, out);
}

static void an_identity_is_written_closed_and_read_back(void **state)
{
    (void)state;
    struct rfl_identity made, read;
    struct stat st;
    rfl_identity_make(&made);
    memcpy(made.server, PUBLIC_A, sizeof made.server);
    mode_t before = umask(0);
    assert_int_equal(rfl_identity_write(path, &made), RFL_E_OK);
    (void)umask(before);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(rfl_identity_write(path, &made), RFL_E_EXISTS);
    assert_int_equal(read_identity(true, &read), RFL_E_OK);
    assert_memory_equal(&made, &read, sizeof made);
    assert_int_equal(read_identity(false, &read), RFL_E_INVALID);       /* a client's is no daemon's */
    static const mode_t open_modes[] = { 0640, 0604, 0620, 0601 };
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        assert_int_equal(read_identity(true, &read), RFL_E_IO);
        assert_int_equal(report.count, 1);
    }
}

/* Where systemd has ACLs, credentials are files of root's, mode 0440: the bits of the group are the mask of the ACL. */
static void a_credential_of_systemd_is_read(void **state)
{
    (void)state;
    enum { NOBODY = 65534 };
    struct rfl_identity made, read;
    static const struct { mode_t mode; enum rfl_err err; } modes[] = {
        { 0440, RFL_E_OK }, { 0444, RFL_E_IO }, { 0460, RFL_E_IO }, { 0450, RFL_E_IO } };
    if (geteuid() != 0) {
        print_message("skipped: only root can make a file of root's\n");
        skip();
    }
    rfl_identity_make(&made);
    assert_int_equal(rfl_identity_write(path, &made), RFL_E_OK);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chown(path, 0, NOBODY), 0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i].mode), 0);
        assert_int_equal(setegid(NOBODY), 0);
        assert_int_equal(seteuid(NOBODY), 0);
        enum rfl_err err = read_identity(false, &read);
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(setegid(0), 0);
        assert_int_equal(err, modes[i].err);
        assert_int_equal(read_identity(false, &read), RFL_E_IO);            /* root's own may not be open to a group */
    }
}

static void a_bad_identity_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "secret = \"" SECRET_A "\";\n", "secret = \"x\";\npublic = \"" PUBLIC_A "\";\n",
        "secret = \"" SECRET_A "\";\npublic = \"" PUBLIC_B "\";\n",
        "secret = \"" SECRET_A "\";\npublic = \"" PUBLIC_A "\";\nserver = \"" PUBLIC_B "\";\n" };
    struct rfl_identity out;
    assert_int_equal(read_identity(false, &out), RFL_E_IO);             /* absent */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fprintf(f, "schema_version = 1;\n%send_of_config = true;\n", bad[i]) > 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(chmod(path, 0600), 0);
        if (read_identity(false, &out) != RFL_E_INVALID)
            fail_msg("taken: %s", bad[i]);
        assert_null(strstr(report.finding[0].rule, SECRET_A));
    }
}

static void keys_conf_that_others_can_write_is_refused(void **state)
{
    (void)state;
    struct rfl_keys *keys = NULL;
    static const struct { mode_t mode; enum rfl_err err; } modes[] = {
        { 0644, RFL_E_OK }, { 0600, RFL_E_OK }, { 0664, RFL_E_INVALID }, { 0646, RFL_E_INVALID } };
    memset(&report, 0, sizeof report);
    assert_int_equal(rfl_keys_load(path, &report, &keys), RFL_E_IO);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(FILE_OF(ENTRY("a", PUBLIC_A, DATES, SOURCE_PART)), f) >= 0);
    assert_int_equal(fclose(f), 0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        memset(&report, 0, sizeof report);
        assert_int_equal(chmod(path, modes[i].mode), 0);
        assert_int_equal(rfl_keys_load(path, &report, &keys), modes[i].err);
        rfl_keys_free(&keys);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(z85_goes_there_and_back),
        cmocka_unit_test(a_key_may_do_what_its_entry_says),
        cmocka_unit_test(an_operator_has_verbs_and_days),
        cmocka_unit_test(every_rule_refuses_the_whole_file),
        cmocka_unit_test(all_that_is_wrong_is_said_at_once),
        cmocka_unit_test(a_full_table_finds_every_key),
        cmocka_unit_test_setup_teardown(an_identity_is_written_closed_and_read_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_credential_of_systemd_is_read, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_bad_identity_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(keys_conf_that_others_can_write_is_refused, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
