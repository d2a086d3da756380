/* The real daemon, looked at from outside: what the kernel says it may still do, and what it will not start with. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "harness.h"

/* The text after "Name:" in a file of /proc, without the space before it; "" when there is none. */
static void proc_line(const char *path, const char *name, char out[256])
{
    char line[256];
    size_t len = strlen(name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    out[0] = '\0';
    while (out[0] == '\0' && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, len) == 0) {
            const char *at = line + len + strspn(line + len, ": \t");
            (void)snprintf(out, 256, "%.*s", (int)strcspn(at, "\n"), at);
        }
    (void)fclose(f);
}

static void expect_proc(pid_t pid, const char *file, const char *name, const char *expected)
{
    char path[128], found[256];
    (void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
    proc_line(path, name, found);
    if (strcmp(found, expected) != 0)
        fail_msg("%s of %s is \"%s\" instead of \"%s\"", name, file, found, expected);
}

static int setup(void **state)
{
    struct e2e *e = malloc(sizeof *e);
    assert_non_null(e);
    e2e_setup(e);
    *state = e;
    return 0;
}

static int teardown(void **state)
{
    e2e_teardown(*state);
    free(*state);
    return 0;
}

static void expect_said(const struct e2e *e, const char *text)
{
    char *log = e2e_read_file(e->log);
    if (strstr(log, text) == NULL)
        fail_msg("the log does not say %s:\n%s", text, log);
    free(log);
}

/* ---- what it may still do ---- */

static void every_thread_is_behind_the_filter(void **state)
{
    struct e2e *e = *state;
    char path[64];
    int threads = 0;
    e2e_start(e);
    (void)snprintf(path, sizeof path, "/proc/%ld/task", (long)e->pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *at; (at = readdir(dir)) != NULL; ) {
        char file[300];
        if (at->d_name[0] == '.')
            continue;
        (void)snprintf(file, sizeof file, "task/%s/status", at->d_name);
        expect_proc(e->pid, file, "Seccomp", "2");
        expect_proc(e->pid, file, "NoNewPrivs", "1");
        threads++;
    }
    (void)closedir(dir);
    assert_true(threads >= 3);                  /* the loop, and libzmq's two */
}

static void no_core_and_keys_that_stay_in_memory(void **state)
{
    struct e2e *e = *state;
    struct rlimit memlock;
    char path[64], found[256];
    e2e_start(e);
    (void)snprintf(path, sizeof path, "/proc/%ld/limits", (long)e->pid);
    proc_line(path, "Max core file size", found);
    assert_non_null(strstr(found, "0                    0"));
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)e->pid);
    proc_line(path, "VmLck", found);
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &memlock), 0);
#ifndef __SANITIZE_ADDRESS__                    /* which makes mlock do nothing */
    if (memlock.rlim_cur >= 1 << 16 && strtol(found, NULL, 10) <= 0)
        fail_msg("no memory is locked, though %llu bytes may be", (unsigned long long)memlock.rlim_cur);
#endif
}

static void own(const char *path, const struct passwd *row)
{
    if (chown(path, row->pw_uid, row->pw_gid) != 0)
        fail_msg("chown of a file of the test's own failed");
}

/* Whether somebody else may go down to the folder: the temporary folder may be root's alone. */
static bool is_reachable(const char *dir)
{
    char path[E2E_PATH_BYTES];
    struct stat st;
    for (const char *at = strchr(dir + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        (void)snprintf(path, sizeof path, "%.*s", (int)(at - dir), dir);
        if (stat(path, &st) != 0 || (st.st_mode & S_IXOTH) == 0)
            return false;
    }
    return true;
}

/* As a start from root with the option user: everything that is made belongs to that user, and nothing of root is
 * left. */
static void started_as_root_it_becomes_its_user(void **state)
{
    static const char *const files[] = { "", "/data.mdb", "/lock.mdb", "/lock", "/master.key" };
    struct e2e *e = *state;
    struct e2e_peer door;
    struct rfl_reply reply;
    char path[E2E_PATH_BYTES + 16], expected[64];
    const struct passwd *row = getpwnam("nobody");
    if (geteuid() != 0 || row == NULL || !is_reachable(e->dir))
        skip();
    own(e->dir, row);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", e->store, files[i]);
        if (access(path, F_OK) == 0)
            own(path, row);
    }
    (void)snprintf(e->extra, sizeof e->extra, "user = \"nobody\";");
    e2e_write_conf(e);
    e2e_start(e);
    unsigned long uid = row->pw_uid, gid = row->pw_gid;
    (void)snprintf(expected, sizeof expected, "%lu\t%lu\t%lu\t%lu", uid, uid, uid, uid);
    expect_proc(e->pid, "status", "Uid", expected);
    (void)snprintf(expected, sizeof expected, "%lu\t%lu\t%lu\t%lu", gid, gid, gid, gid);
    expect_proc(e->pid, "status", "Gid", expected);
    (void)snprintf(expected, sizeof expected, "%lu ", gid);
    expect_proc(e->pid, "status", "Groups", expected);
    expect_proc(e->pid, "status", "CapEff", "0000000000000000");
    expect_proc(e->pid, "status", "CapPrm", "0000000000000000");
    e2e_peer_open(&door, e->doors);
    struct rfl_ask ask = e2e_submit("walled", "served from behind the walls");
    e2e_peer_ask(&door, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    e2e_peer_close(&door);
    assert_int_equal(e2e_stop(e, SIGTERM), 0);
}

static void who_it_runs_as_is_said(void **state)
{
    struct e2e *e = *state;
    e2e_start(e);
    if (geteuid() == 0)
        expect_said(e, "event=user.root");
    else
        expect_proc(e->pid, "status", "CapEff", "0000000000000000");
    assert_int_equal(e2e_stop(e, SIGTERM), 0);
    (void)snprintf(e->extra, sizeof e->extra, "user = \"no-such-user-here\";");
    e2e_write_conf(e);
    e2e_spawn(e);
    assert_int_equal(e2e_wait(e), EX_CONFIG);
    expect_said(e, "event=user.refused why=\"there is no such user on this machine\"");
}

/* ---- what it will not start with ---- */

struct wrong_mode { const char *file; mode_t wrong, right; const char *said, *remedy; };

static void files_of_the_store_that_others_may_use_are_refused(void **state)
{
    static const struct wrong_mode rows[] = {
        { "store", 0750, 0700, "key=\"store folder\"", "remedy=\"chmod 0700 the folder\"" },
        { "store/data.mdb", 0640, 0600, "key=\"store file\"", "remedy=\"chmod 0600 the file\"" },
        { "store/master.key", 0604, 0600, "key=\"master key\"", "remedy=\"chmod 0600 the file\"" },
    };
    struct e2e *e = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[E2E_PATH_BYTES + 32];
        (void)snprintf(path, sizeof path, "%s/%s", e->dir, rows[i].file);
        (void)unlink(e->log);
        assert_int_equal(chmod(path, rows[i].wrong), 0);
        e2e_spawn(e);
        assert_int_equal(e2e_wait(e), EX_CONFIG);
        expect_said(e, "event=modes.refused");
        expect_said(e, rows[i].said);
        expect_said(e, rows[i].remedy);
        assert_int_equal(chmod(path, rows[i].right), 0);
    }
    e2e_start(e);
}

static void a_store_of_another_user_is_refused(void **state)
{
    struct e2e *e = *state;
    const struct passwd *row = getpwnam("nobody");
    if (geteuid() != 0 || row == NULL)
        skip();
    own(e->store, row);
    e2e_spawn(e);
    assert_int_equal(e2e_wait(e), EX_CONFIG);
    expect_said(e, "key=\"store folder\"");
    expect_said(e, "it belongs to another user than the daemon's");
}

/* Whoever may write the policy decides who is told what. Checked by -t as well, and again on reload. */
static void guidance_that_everybody_may_write_is_refused(void **state)
{
    static const struct wrong_mode rows[] = {
        { "referrald.conf", 0646, 0600, "configuration", "chmod o-w it" },
        { "policy", 0707, 0700, "policy_dir", "chmod o-w it" },
        { "policy/disclosure.conf", 0666, 0600, "policy_dir", "chmod o-w it" },
    };
    struct e2e *e = *state;
    const char *const check[] = { "-t", "-c", e->conf, NULL };
    char path[E2E_PATH_BYTES + 32], out[4096];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", e->dir, rows[i].file);
        assert_int_equal(chmod(path, rows[i].wrong), 0);
        assert_int_equal(e2e_run(check, out, sizeof out), EX_CONFIG);
        assert_non_null(strstr(out, path));
        assert_non_null(strstr(out, rows[i].said));
        assert_non_null(strstr(out, rows[i].remedy));
        assert_int_equal(chmod(path, rows[i].right), 0);
    }
    assert_int_equal(e2e_run(check, out, sizeof out), 0);
    e2e_start(e);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(kill(e->pid, SIGHUP), 0);
    (void)e2e_await_log(e, "event=reload.kept_old", 0);
    expect_said(e, "everybody on this machine may write it");
}

/* The configuration of the harness with one text in it replaced; both must be of one length. */
static void replace(const struct e2e *e, const char *old, const char *new)
{
    char *text = e2e_read_file(e->conf), *at = strstr(text, old);
    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(new));
    memcpy(at, new, strlen(new));
    e2e_write_file(e->conf, text);
    free(text);
}

static void a_filesystem_that_breaks_promises_is_refused(void **state)
{
    static const struct { const char *type; bool if_told; } rows[] = {
        { "28cd3d45", true },                   /* cramfs, for one nobody knows */
        { "6969", false }, { "ff534d42", false }, { "fe534d42", false }, { "c36400", false },   /* NFS CIFS SMB2 Ceph */
    };
    struct e2e *e = *state;
    e->preload = RFL_STRANGE_DISK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)setenv("STRANGE_DISK", rows[i].type, 1);
        e2e_write_conf(e);
        if (rows[i].if_told) {
            e2e_start(e);
            assert_int_equal(e2e_stop(e, SIGTERM), 0);
            replace(e, "store_any_fs = true;", "store_any_fs =false;");
        }
        (void)unlink(e->log);
        e2e_spawn(e);
        assert_int_equal(e2e_wait(e), EX_IOERR);
        expect_said(e, "filesystem where a lock or a flush cannot be relied on");
    }
    (void)setenv("STRANGE_DISK", "ef53", 1);    /* ext4 needs no permission */
    e2e_start(e);
    (void)unsetenv("STRANGE_DISK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_thread_is_behind_the_filter, setup, teardown),
        cmocka_unit_test_setup_teardown(no_core_and_keys_that_stay_in_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(started_as_root_it_becomes_its_user, setup, teardown),
        cmocka_unit_test_setup_teardown(who_it_runs_as_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(files_of_the_store_that_others_may_use_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_of_another_user_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(guidance_that_everybody_may_write_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_filesystem_that_breaks_promises_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
