/* Loaded into the daemon before its libraries (LD_PRELOAD): the wall clock is as many milliseconds ahead as the file
 * named by MOVED_CLOCK says, eight bytes that whoever tests writes while the daemon runs. The file is mapped before
 * main, because the daemon may open none later. Every other clock is the system's. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead_ms;
static int (*real)(clockid_t id, struct timespec *out);

__attribute__((constructor)) static void find(void)
{
    const char *path = getenv("MOVED_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    if (fd == -1)
        return;
    void *mapped = mmap(NULL, sizeof *ahead_ms, PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    ahead_ms = mapped != MAP_FAILED ? mapped : NULL;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    if (real == NULL)
        find();
    int rc = real(id, out);
    if (rc == 0 && id == CLOCK_REALTIME && ahead_ms != NULL)
        out->tv_sec += *ahead_ms / 1000;
    return rc;
}
