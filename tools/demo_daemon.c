/* Starting, killing and stopping referrald, and asking it what an operator would ask. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

enum { ANSWER_MS = 20000, STOP_MS = 20000, ARGUMENTS_MAX = DEMO_WORDS_MAX + 4 };

int64_t demo_now_ms(void)
{
    struct timespec ts;
    if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
        return 0;
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void demo_say(const char *format, ...)
{
    char when[16];
    time_t seconds = (time_t)(demo_now_ms() / 1000);
    struct tm tm;
    va_list args;
    if (localtime_r(&seconds, &tm) != NULL && strftime(when, sizeof when, "%H:%M:%S", &tm) > 0)
        printf("  %s  ", when);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
    (void)fflush(stdout);
}

/* In the child: dies with its parent, writes to the log, becomes the program. Our parent has threads, so nothing here
 * may take a lock: no malloc, no stdio. */
static void become(char *const argv[], const char *log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1 || dup2(fd, STDERR_FILENO) == -1
        || prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
        _exit(126);
    (void)execv(argv[0], argv);
    _exit(127);
}

static pid_t spawn(const char *const argv[], const char *log)
{
    char *copy[ARGUMENTS_MAX + 1] = { NULL };
    (void)fflush(stdout);
    for (size_t n = 0; argv[n] != NULL; n++) {
        assert(n < ARGUMENTS_MAX);
        copy[n] = strdup(argv[n]);
    }
    pid_t pid = fork();
    if (pid == 0)
        become(copy, log);
    for (size_t n = 0; n < ARGUMENTS_MAX; n++)
        free(copy[n]);
    return pid;
}

static int wait_for(pid_t pid)
{
    int status;
    pid_t got;
    do
        got = waitpid(pid, &status, 0);
    while (got == -1 && errno == EINTR);
    return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int demo_run(const char *const argv[], const char *log)
{
    pid_t pid = spawn(argv, log);
    return pid == -1 ? -1 : wait_for(pid);
}

bool demo_ask_operator(struct demo *demo, const struct rfl_ask *ask, enum rfl_message_kind wanted,
                       struct rfl_reply *reply)
{
    if (rfl_client_ask(demo->operator, ask, ANSWER_MS, reply) != RFL_E_OK) {
        printf("the daemon does not answer; see %s/referrald.log\n", demo->dir);
        return false;
    }
    if (reply->kind != wanted)
        printf("the daemon answered %s instead of %s\n", rfl_message_name((enum rfl_message_kind)reply->kind),
               rfl_message_name(wanted));
    return reply->kind == wanted;
}

/* A port that is free now; the system gives none of its own accord to anybody soon after. */
static int free_port(int *fd)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd == -1 || bind(*fd, (struct sockaddr *)&address, size) == -1
        || getsockname(*fd, (struct sockaddr *)&address, &size) == -1)
        return -1;
    return ntohs(address.sin_port);
}

bool demo_daemon_addresses(const char *folder)
{
    int port[3], fd[3];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/endpoints", folder);
    for (int i = 0; i < 3; i++)                 /* all of them before the first is free again: three different ones */
        port[i] = free_port(&fd[i]);
    FILE *f = fopen(path, "we");
    for (int i = 0; f != NULL && i < 3; i++)
        fprintf(f, "tcp://127.0.0.1:%d\n", port[i]);
    for (int i = 0; i < 3; i++)
        if (fd[i] != -1)
            (void)close(fd[i]);
    return f != NULL && fclose(f) == 0 && port[0] != -1 && port[1] != -1 && port[2] != -1;
}

bool demo_daemon_start(struct demo *demo)
{
    char log[512];
    struct rfl_reply reply;
    const char *const argv[] = { demo->daemon_path, "-c", demo->conf_path, NULL };
    (void)snprintf(log, sizeof log, "%s/referrald.log", demo->dir);
    demo->daemon_pid = spawn(argv, log);
    if (demo->daemon_pid == -1)
        return false;
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    return demo_ask_operator(demo, &ask, RFL_MSG_ADMIN_STATE, &reply);
}

void demo_daemon_kill(struct demo *demo)
{
    (void)kill(demo->daemon_pid, SIGKILL);
    (void)wait_for(demo->daemon_pid);
    demo->daemon_pid = 0;
    demo->daemon_kills++;
}

int demo_daemon_stop(struct demo *demo)
{
    (void)kill(demo->daemon_pid, SIGTERM);
    int64_t until_ms = demo_now_ms() + STOP_MS;
    int status;
    while (waitpid(demo->daemon_pid, &status, WNOHANG) == 0) {
        if (demo_now_ms() > until_ms) {
            (void)kill(demo->daemon_pid, SIGKILL);
            (void)wait_for(demo->daemon_pid);
            return -1;
        }
        (void)poll(NULL, 0, 20);
    }
    demo->daemon_pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
