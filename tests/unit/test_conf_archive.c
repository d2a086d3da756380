/* The archive of policies: keeping, finding, loading, pinning. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rfl_conf_archive.h"

static char dir[] = "/tmp/rfl-archive.XXXXXX", archive[64], folder[64];
static struct rfl_conf_report report;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    char command[200];
    (void)state;
    memcpy(dir, "/tmp/rfl-archive.XXXXXX", sizeof dir);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(archive, sizeof archive, "%s/policies", dir);
    (void)snprintf(folder, sizeof folder, "%s/policy", dir);
    (void)snprintf(command, sizeof command, "cp -r config/policy %s", folder);
    assert_int_equal(system(command), 0);
    memset(&report, 0, sizeof report);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct rfl_hash digest_of(const char *path)
{
    struct rfl_policy *policy = NULL;
    assert_int_equal(rfl_conf_policy_load(path, &policy, &report), RFL_E_OK);
    struct rfl_hash digest = rfl_policy_digest(policy);
    rfl_conf_policy_free(&policy);
    return digest;
}

static struct rfl_view text_of(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static void a_digest_is_32_digits(void **state)
{
    (void)state;
    struct rfl_hash digest = { { 0x00, 0x1f, 0xf0, 0xab } }, back = { { 9 } };
    char text[RFL_CONF_DIGEST_TEXT];
    rfl_conf_digest_text(digest, text);
    assert_string_equal(text, "001ff0ab000000000000000000000000");
    assert_int_equal(rfl_conf_digest_parse(text_of(text), &back), RFL_E_OK);
    assert_true(rfl_hash_same(digest, back));
    assert_int_equal(rfl_conf_digest_parse(text_of("001FF0ab000000000000000000000000"), &back), RFL_E_INVALID);
    assert_int_equal(rfl_conf_digest_parse(text_of("001ff0ab00000000000000000000000"), &back), RFL_E_INVALID);
    assert_int_equal(rfl_conf_digest_parse(text_of("001ff0ab0000000000000000000000000"), &back), RFL_E_INVALID);
    assert_int_equal(rfl_conf_digest_parse(text_of(""), &back), RFL_E_INVALID);
    assert_true(rfl_hash_same(digest, back));
}

static void what_is_kept_is_loaded_again_and_found_by_digits(void **state)
{
    (void)state;
    struct rfl_policy *policy = NULL;
    struct rfl_hash digest = digest_of(folder), found, other = digest;
    char text[RFL_CONF_DIGEST_TEXT];
    write_file("policy/notes.txt", "not the policy's");
    assert_false(rfl_conf_archive_has(archive, digest));
    assert_int_equal(rfl_conf_archive_load(archive, digest, &policy, &report), RFL_E_ABSENT);
    assert_int_equal(rfl_conf_archive_keep(archive, folder, digest), RFL_E_OK);
    assert_int_equal(rfl_conf_archive_keep(archive, folder, digest), RFL_E_OK);
    assert_true(rfl_conf_archive_has(archive, digest));
    assert_int_equal(rfl_conf_archive_load(archive, digest, &policy, &report), RFL_E_OK);
    assert_true(rfl_hash_same(rfl_policy_digest(policy), digest));
    rfl_conf_policy_free(&policy);
    rfl_conf_digest_text(digest, text);
    for (size_t len = 0; len <= 32; len++)
        assert_int_equal(rfl_conf_archive_find(archive, (struct rfl_view){ (const uint8_t *)text, len }, &found),
                         len < 8 ? RFL_E_INVALID : RFL_E_OK);
    assert_true(rfl_hash_same(found, digest));
    /* A second that begins alike: the digits do not decide. */
    char twin[128];
    text[31] = text[31] == '0' ? '1' : '0';
    (void)snprintf(twin, sizeof twin, "%s/%s", archive, text);
    assert_int_equal(mkdir(twin, 0700), 0);
    assert_int_equal(rfl_conf_archive_find(archive, (struct rfl_view){ (const uint8_t *)text, 31 }, &found),
                     RFL_E_CONFLICT);
    assert_int_equal(rfl_conf_archive_find(archive, text_of(text), &found), RFL_E_OK);
    other.b[0] ^= 1;
    rfl_conf_digest_text(other, text);
    assert_int_equal(rfl_conf_archive_find(archive, text_of(text), &found), RFL_E_ABSENT);
    (void)snprintf(twin, sizeof twin, "%s/notes.txt", archive);
    assert_int_not_equal(access(twin, F_OK), 0);
}

static void a_folder_that_changed_meanwhile_is_not_kept(void **state)
{
    (void)state;
    struct rfl_policy *policy = NULL;
    struct rfl_hash digest = digest_of(folder), none;
    write_file("policy/sources.conf", "schema_version = 1;\nsources = ();\nend_of_config = true;\n");
    assert_int_equal(rfl_conf_archive_keep(archive, folder, digest), RFL_E_STATE);
    write_file("policy/sources.conf", "schema_version = 1;\n");
    assert_int_equal(rfl_conf_archive_keep(archive, folder, digest), RFL_E_STATE);
    assert_false(rfl_conf_archive_has(archive, digest));
    assert_int_equal(rmdir(archive), 0);                    /* nothing is left in it */
    assert_int_equal(rfl_conf_archive_load(archive, digest, &policy, &report), RFL_E_ABSENT);
    assert_int_equal(rfl_conf_archive_pinned(archive, &none), RFL_E_ABSENT);
}

static void what_was_changed_in_the_archive_is_not_served(void **state)
{
    (void)state;
    struct rfl_policy *policy = NULL;
    struct rfl_hash digest = digest_of(folder);
    char text[RFL_CONF_DIGEST_TEXT], name[128];
    assert_int_equal(rfl_conf_archive_keep(archive, folder, digest), RFL_E_OK);
    rfl_conf_digest_text(digest, text);
    (void)snprintf(name, sizeof name, "policies/%s/sources.conf", text);
    write_file(name, "schema_version = 1;\nsources = ();\nend_of_config = true;\n");
    assert_int_equal(rfl_conf_archive_load(archive, digest, &policy, &report), RFL_E_CORRUPT);
    write_file(name, "schema_version = 1;\n");
    assert_int_equal(rfl_conf_archive_load(archive, digest, &policy, &report), RFL_E_INVALID);
    assert_true(report.count > 0);
    assert_null(policy);
}

static void leftovers_of_a_crash_are_swept_and_never_read(void **state)
{
    (void)state;
    struct rfl_hash digest = digest_of(folder), found;
    char left[128];
    assert_int_equal(mkdir(archive, 0700), 0);
    (void)snprintf(left, sizeof left, "%s/.new.123456", archive);
    assert_int_equal(mkdir(left, 0700), 0);
    write_file("policies/.new.123456/areas.conf", "half");
    assert_int_equal(rfl_conf_archive_find(archive, text_of("00000000"), &found), RFL_E_ABSENT);
    assert_int_equal(rfl_conf_archive_keep(archive, folder, digest), RFL_E_OK);
    assert_int_not_equal(access(left, F_OK), 0);
}

static void a_pin_says_one_digest_or_none(void **state)
{
    (void)state;
    struct rfl_hash digest = { { 1, 2, 3 } }, found;
    assert_int_equal(mkdir(archive, 0700), 0);
    assert_int_equal(rfl_conf_archive_unpin(archive), RFL_E_OK);
    assert_int_equal(rfl_conf_archive_pin(archive, digest), RFL_E_OK);
    assert_int_equal(rfl_conf_archive_pinned(archive, &found), RFL_E_OK);
    assert_true(rfl_hash_same(found, digest));
    digest.b[0] = 9;
    assert_int_equal(rfl_conf_archive_pin(archive, digest), RFL_E_OK);
    assert_int_equal(rfl_conf_archive_pinned(archive, &found), RFL_E_OK);
    assert_true(rfl_hash_same(found, digest));
    static const char *const odd[] = { "", "0102", "09020300000000000000000000000000",
                                       "09020300000000000000000000000000\n\n", "0902030000000000000000000000000x\n" };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        write_file("policies/pinned", odd[i]);
        assert_int_equal(rfl_conf_archive_pinned(archive, &found), RFL_E_CORRUPT);
    }
    assert_int_equal(rfl_conf_archive_unpin(archive), RFL_E_OK);
    assert_int_equal(rfl_conf_archive_pinned(archive, &found), RFL_E_ABSENT);
}

int main(void)
{
#define A_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_32_digits),
        A_TEST(what_is_kept_is_loaded_again_and_found_by_digits),
        A_TEST(a_folder_that_changed_meanwhile_is_not_kept),
        A_TEST(what_was_changed_in_the_archive_is_not_served),
        A_TEST(leftovers_of_a_crash_are_swept_and_never_read),
        A_TEST(a_pin_says_one_digest_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
