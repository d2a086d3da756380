/* Loaded into the daemon before its libraries (LD_PRELOAD): from the moment the file named by E2E_DISK_FAILS exists,
 * every fdatasync fails with EIO, as a disk that is dying would. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd)
{
    const char *sign = getenv("E2E_DISK_FAILS");
    int (*real)(int) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    if (sign != NULL && access(sign, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}
