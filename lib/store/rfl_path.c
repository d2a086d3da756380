#include "rfl_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool fits(int written)
{
    if (written >= 0 && written < RFL_PATH_BYTES_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

bool rfl_path_join(char out[RFL_PATH_BYTES_MAX], const char *dir, const char *name)
{
    return fits(snprintf(out, RFL_PATH_BYTES_MAX, "%s/%s", dir, name));
}

/* Length without the slashes at the end, so that "a/b/" has the neighbours of "a/b". */
static int trimmed(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return len < RFL_PATH_BYTES_MAX ? (int)len : RFL_PATH_BYTES_MAX;
}

bool rfl_path_make_beside(char out[RFL_PATH_BYTES_MAX], const char *dir)
{
    return fits(snprintf(out, RFL_PATH_BYTES_MAX, "%.*s.new.XXXXXX", trimmed(dir), dir)) && mkdtemp(out) != NULL;
}

bool rfl_path_parent(char out[RFL_PATH_BYTES_MAX], const char *path)
{
    int len = trimmed(path);
    while (len > 0 && path[len - 1] != '/')
        len--;
    if (len == 0)
        return fits(snprintf(out, RFL_PATH_BYTES_MAX, "."));
    return fits(snprintf(out, RFL_PATH_BYTES_MAX, "%.*s", len, path));
}

bool rfl_path_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    bool good = fsync(fd) == 0;
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return good;
}

void rfl_path_remove_store(const char *dir)
{
    static const char *const names[] = { "data.mdb", "lock.mdb", "lock", "master.key" };
    char path[RFL_PATH_BYTES_MAX];
    int saved = errno;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (rfl_path_join(path, dir, names[i]))
            (void)unlink(path);
    (void)rmdir(dir);
    errno = saved;
}

bool rfl_path_copy(const char *from, const char *to)
{
    char bytes[512];
    bool good = false;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in == -1 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out != -1) {
        ssize_t got = 0;
        good = true;
        while (good && (got = read(in, bytes, sizeof bytes)) > 0)
            good = write(out, bytes, (size_t)got) == got;
        good = good && got == 0 && fsync(out) == 0;
    }
    explicit_bzero(bytes, sizeof bytes);
    int saved = errno;
    if (in != -1)
        (void)close(in);
    if (out != -1 && close(out) != 0)
        good = false;
    errno = saved;
    return good;
}
