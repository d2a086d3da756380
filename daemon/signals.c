#include "signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

/* Only async-signal-safe calls; the mapping is gone, so nothing of the store may be touched again. */
static void on_bus_error(int number)
{
    static const char text[] = "level=error event=store.sigbus next=\"check the disk and the store file; exit 74\"\n";
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(EX_IOERR);
}

int signals_start(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction bus = { .sa_handler = on_bus_error };
    if (sigaction(SIGPIPE, &ignore, NULL) == -1 || sigaction(SIGBUS, &bus, NULL) == -1)
        return -1;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

enum signals_event signals_next(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
        return SIGNALS_NONE;
    return info.ssi_signo == SIGHUP ? SIGNALS_RELOAD : SIGNALS_DRAIN;
}
