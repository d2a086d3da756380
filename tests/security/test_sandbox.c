/* The walls of daemon/sandbox.c, each tried from inside by a child that has put itself behind them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

enum { NOT_REACHED = 250, WALLS_FAILED = 251 };

/* Runs f in a child. Its result is the exit code; -signal when a signal ended it. */
static int in_child(int (*f)(const void *), const void *with)
{
    int status;
    pid_t pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0)
        _exit(f(with));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct call { const char *name; long number; long a, b, c, d, e, f; };

/* The errno of the call behind the filter; 0 when it was let through. */
static int behind_the_filter(const void *with)
{
    const struct call *call = with;
    if (!sandbox_start() || !sandbox_filter())
        return WALLS_FAILED;
    return syscall(call->number, call->a, call->b, call->c, call->d, call->e, call->f) == -1 ? errno : 0;
}

static void what_only_an_intruder_calls_kills_the_process(void **state)
{
    static const char program[] = "/bin/true";
    const struct call calls[] = {
        { "execve", SYS_execve, (long)program, 0, 0, 0, 0, 0 },
        { "execveat", SYS_execveat, AT_FDCWD, (long)program, 0, 0, 0, 0 },
#ifndef __SANITIZE_ADDRESS__
        { "ptrace", SYS_ptrace, 0, 0, 0, 0, 0, 0 },
        { "process_vm_readv", SYS_process_vm_readv, getpid(), 0, 0, 0, 0, 0 },
#endif
        { "process_vm_writev", SYS_process_vm_writev, getpid(), 0, 0, 0, 0, 0 },
        { "setuid", SYS_setuid, 0, 0, 0, 0, 0, 0 },
        { "mount", SYS_mount, 0, 0, 0, 0, 0, 0 },
        { "unshare", SYS_unshare, 0, 0, 0, 0, 0, 0 },
        { "bpf", SYS_bpf, 0, 0, 0, 0, 0, 0 },
        { "io_uring_setup", SYS_io_uring_setup, 1, 0, 0, 0, 0, 0 },
        { "memfd_create", SYS_memfd_create, (long)program, 0, 0, 0, 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int end = in_child(behind_the_filter, &calls[i]);
        if (end != -SIGSYS)
            fail_msg("%s ended with %d instead of SIGSYS", calls[i].name, end);
    }
}

static void what_is_not_on_the_list_is_refused(void **state)
{
    const struct call calls[] = {
        { "socket(AF_NETLINK)", SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0, 0, 0 },
        { "socket(AF_PACKET)", SYS_socket, AF_PACKET, SOCK_RAW, 0, 0, 0, 0 },
        { "socket(AF_INET)", SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0 },
        { "socket(AF_INET6)", SYS_socket, AF_INET6, SOCK_DGRAM, 0, 0, 0, 0 },
        { "connect", SYS_connect, 0, 0, 0, 0, 0, 0 },
        { "bind", SYS_bind, 0, 0, 0, 0, 0, 0 },
        { "listen", SYS_listen, 0, 1, 0, 0, 0, 0 },
        { "mmap to run", SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 },
        { "mprotect to run", SYS_mprotect, 0, 4096, PROT_EXEC, 0, 0, 0 },
        { "chmod", SYS_chmod, (long)"/", 0777, 0, 0, 0, 0 },
        { "chown", SYS_chown, (long)"/", 1, 1, 0, 0, 0 },
        { "link", SYS_link, (long)"/a", (long)"/b", 0, 0, 0, 0 },
        { "symlink", SYS_symlink, (long)"/a", (long)"/b", 0, 0, 0, 0 },
        { "mknod", SYS_mknod, (long)"/a", 0, 0, 0, 0, 0 },
        { "clone3", SYS_clone3, 0, 0, 0, 0, 0, 0 },
        { "settimeofday", SYS_settimeofday, 0, 0, 0, 0, 0, 0 },
        { "sched_setscheduler FIFO", SYS_sched_setscheduler, 0, SCHED_FIFO, 0, 0, 0, 0 },
        { "setrlimit", SYS_setrlimit, RLIMIT_CORE, 0, 0, 0, 0, 0 },
#ifndef __SANITIZE_ADDRESS__
        { "clone", SYS_clone, SIGCHLD, 0, 0, 0, 0, 0 },
        { "kill", SYS_kill, getpid(), 0, 0, 0, 0, 0 },
        { "prctl dumpable", SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0, 0 },
#endif
    };
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int end = in_child(behind_the_filter, &calls[i]);
        if (end != EPERM)
            fail_msg("%s ended with %d instead of EPERM", calls[i].name, end);
    }
}

/* Returns the number of the first step that failed, 0 when all went well. */
static int work_as_usual(const void *with)
{
    static const char text[] = "one line\n";
    char bytes[sizeof text];
    const char *path = with;
    if (!sandbox_start() || !sandbox_filter())
        return WALLS_FAILED;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd == -1)
        return 1;
    if (pwrite(fd, text, sizeof text, 0) != sizeof text || fdatasync(fd) == -1)
        return 2;
    if (pread(fd, bytes, sizeof bytes, 0) != sizeof text || memcmp(bytes, text, sizeof text) != 0)
        return 3;
    void *map = mmap(NULL, sizeof text, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED || memcmp(map, text, sizeof text) != 0 || munmap(map, sizeof text) == -1)
        return 4;
    if (close(fd) == -1 || unlink(path) == -1)
        return 5;
    int local = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (local == -1 || close(local) == -1)
        return 6;
    return 0;
}

static void what_serving_needs_goes_on(void **state)
{
    char path[64] = "/tmp/referrald-sandbox.XXXXXX";
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(in_child(work_as_usual, path), 0);
    assert_int_equal(access(path, F_OK), -1);
}

static int look_at_what_is_given_up(const void *with)
{
    struct rlimit core;
    (void)with;
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) == -1 && errno != EPERM)
        return 1;
    if (!sandbox_start())
        return WALLS_FAILED;
    if (getrlimit(RLIMIT_CORE, &core) == -1 || core.rlim_cur != 0 || core.rlim_max != 0)
        return 2;
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 3;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 4;
    return umask(0) == 0077 ? 0 : 5;
}

static void cores_and_privileges_are_given_up_first(void **state)
{
    (void)state;
    assert_int_equal(in_child(look_at_what_is_given_up, NULL), 0);
}

static void *ask_for_netlink(void *gate)
{
    static int got;
    char byte;
    got = read(*(int *)gate, &byte, 1) == 1 ? 0 : NOT_REACHED;
    if (got == 0 && socket(AF_NETLINK, SOCK_RAW, 0) == -1)
        got = errno;
    return &got;
}

/* A thread that was there before the filter, as libzmq's are. */
static int thread_before_the_filter(const void *with)
{
    int gate[2];
    void *got = NULL;
    pthread_t thread;
    (void)with;
    if (pipe2(gate, O_CLOEXEC) == -1 || pthread_create(&thread, NULL, ask_for_netlink, &gate[0]) != 0)
        return NOT_REACHED;
    if (!sandbox_start() || !sandbox_filter())
        return WALLS_FAILED;
    if (write(gate[1], "x", 1) != 1 || pthread_join(thread, &got) != 0)
        return NOT_REACHED;
    return *(int *)got;
}

static void threads_that_were_there_are_held_too(void **state)
{
    (void)state;
    assert_int_equal(in_child(thread_before_the_filter, NULL), EPERM);
}

/* Returns the number of the first thing that is wrong, 0 when all is well. */
static int become_nobody(const void *with)
{
    gid_t groups[8];
    (void)with;
    if (!sandbox_is_root())
        return 1;
    if (sandbox_become("nobody") != NULL)
        return 2;
    const struct passwd *row = getpwnam("nobody");
    if (row == NULL || getuid() != row->pw_uid || geteuid() != row->pw_uid || getegid() != row->pw_gid)
        return 3;
    if (getgroups(8, groups) != 1 || groups[0] != row->pw_gid)
        return 4;
    if (setuid(0) != -1 || seteuid(0) != -1 || setgid(0) != -1 || open("/etc/shadow", O_RDONLY | O_CLOEXEC) != -1)
        return 5;
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 6;
    if (sandbox_become("nobody") != NULL || sandbox_is_root())      /* who it is already */
        return 7;
    return sandbox_become("daemon") != NULL ? 0 : 8;                /* somebody else */
}

static void root_is_given_up_for_good(void **state)
{
    (void)state;
    if (!sandbox_is_root())
        skip();
    assert_int_equal(in_child(become_nobody, NULL), 0);
}

static int ask_to_become(const void *with)
{
    uid_t before = geteuid();
    return sandbox_become(with) != NULL && geteuid() == before ? 1 : 0;
}

static void a_user_that_is_no_help_is_refused(void **state)
{
    (void)state;
    assert_int_equal(in_child(ask_to_become, ""), 0);
    assert_int_equal(in_child(ask_to_become, "root"), 1);
    assert_int_equal(in_child(ask_to_become, "no-such-user-here"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_and_privileges_are_given_up_first),
        cmocka_unit_test(what_serving_needs_goes_on),
        cmocka_unit_test(what_is_not_on_the_list_is_refused),
        cmocka_unit_test(what_only_an_intruder_calls_kills_the_process),
        cmocka_unit_test(threads_that_were_there_are_held_too),
        cmocka_unit_test(root_is_given_up_for_good),
        cmocka_unit_test(a_user_that_is_no_help_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
