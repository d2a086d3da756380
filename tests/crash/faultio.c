/* Interposes the calls by which LMDB reaches the disk. Linked into a test it is armed by calls; preloaded into a
 * program (LD_PRELOAD) by the environment: FAULTIO_AT=<n>, FAULTIO_KIND=eio|enospc|short, FAULTIO_STICKY=1. Only calls
 * on a file named data.mdb count, so logs and sockets go on as they are. */
#include "faultio.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int left = -1;
static bool armed, fired, sticky_mode;
static enum faultio_kind mode;
static const char *first_call = "";

void faultio_arm(int n, enum faultio_kind kind, bool sticky)
{
    left = n;
    armed = n >= 0;
    fired = false;
    mode = kind;
    sticky_mode = sticky;
    first_call = "";
}

bool faultio_fired(void) { return fired; }
const char *faultio_call(void) { return first_call; }

__attribute__((constructor)) static void arm_from_environment(void)
{
    const char *at = getenv("FAULTIO_AT"), *kind = getenv("FAULTIO_KIND"), *sticky = getenv("FAULTIO_STICKY");
    if (at == NULL)
        return;
    enum faultio_kind wanted = FAULTIO_EIO;
    if (kind != NULL && strcmp(kind, "enospc") == 0)
        wanted = FAULTIO_ENOSPC;
    if (kind != NULL && strcmp(kind, "short") == 0)
        wanted = FAULTIO_SHORT;
    faultio_arm((int)strtol(at, NULL, 10), wanted, sticky != NULL && strcmp(sticky, "1") == 0);
}

static bool is_data_file(int fd)
{
    char link[64], path[4096];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path);
    return len >= 8 && memcmp(path + len - 8, "data.mdb", 8) == 0;
}

static bool fails_now(int fd, const char *call)
{
    if (!armed || !is_data_file(fd))
        return false;
    if (fired)
        return sticky_mode;
    if (left-- > 0)
        return false;
    fired = true;
    first_call = call;
    return true;
}

static int refuse(void)
{
    errno = mode == FAULTIO_ENOSPC ? ENOSPC : EIO;
    return -1;
}

/* ISO C has no conversion from what dlsym returns to a function; this is the way POSIX shows. */
#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (real == NULL) \
        *(void **)(&real) = dlsym(RTLD_NEXT, name)

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    if (!fails_now(fd, "pwrite"))
        return real(fd, p, n, at);
    return mode == FAULTIO_SHORT && n > 1 ? real(fd, p, n / 2, at) : refuse();
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (!fails_now(fd, "writev"))
        return real(fd, v, count);
    return mode == FAULTIO_SHORT && count > 1 ? real(fd, v, count - 1) : refuse();
}

int fdatasync(int fd)
{
    REAL(int, "fdatasync", int);
    return fails_now(fd, "fdatasync") ? refuse() : real(fd);
}

int fsync(int fd)
{
    REAL(int, "fsync", int);
    return fails_now(fd, "fsync") ? refuse() : real(fd);
}

int fallocate(int fd, int how, off_t at, off_t n)
{
    REAL(int, "fallocate", int, int, off_t, off_t);
    return fails_now(fd, "fallocate") ? refuse() : real(fd, how, at, n);
}
