#include "rfl_conf_archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGITS_MIN = 8, PATH_BYTES = 512, COPY_BYTES = 16384, FOLDERS_OPEN = 8 };
static const char new_prefix[] = ".new.";

void rfl_conf_digest_text(struct rfl_hash digest, char out[RFL_CONF_DIGEST_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof digest.b; i++) {
        out[2 * i] = hex[digest.b[i] >> 4];
        out[2 * i + 1] = hex[digest.b[i] & 15];
    }
    out[2 * sizeof digest.b] = '\0';
}

enum rfl_err rfl_conf_digest_parse(struct rfl_view text, struct rfl_hash *out)
{
    struct rfl_hash digest = { { 0 } };
    static_assert(RFL_CONF_DIGEST_TEXT == 2 * sizeof digest.b + 1, "two digits a byte");
    if (text.len != 2 * sizeof digest.b)
        return RFL_E_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return RFL_E_INVALID;
        uint8_t digit = (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        digest.b[i / 2] = (uint8_t)(digest.b[i / 2] << 4 | digit);
    }
    *out = digest;
    return RFL_E_OK;
}

static bool join(char out[PATH_BYTES], const char *dir, const char *name)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", dir, name);
    if (n >= 0 && n < PATH_BYTES)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

static bool join_digest(char out[PATH_BYTES], const char *archive, struct rfl_hash digest)
{
    char name[RFL_CONF_DIGEST_TEXT];
    rfl_conf_digest_text(digest, name);
    return join(out, archive, name);
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd != -1 && fsync(fd) == 0;
    int saved = errno;
    if (fd != -1)
        (void)close(fd);
    errno = saved;
    return good;
}

static bool ends_in(const char *name, const char *tail)
{
    size_t len = strlen(name), tail_len = strlen(tail);
    return len > tail_len && name[0] != '.' && strcmp(name + len - tail_len, tail) == 0;
}

/* ---- writing a folder ---- */

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool copy_file(const char *from, const char *to)
{
    char bytes[COPY_BYTES];
    ssize_t got = -1;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in == -1 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    while (out != -1 && (got = read(in, bytes, sizeof bytes)) > 0 && write_all(out, bytes, (size_t)got))
        ;
    bool good = got == 0 && fsync(out) == 0;
    int saved = errno;
    if (in != -1)
        (void)close(in);
    if (out != -1 && close(out) != 0)
        good = false;
    errno = saved;
    return good;
}

static bool copy_folder(const char *from, const char *to, bool inner);

/* Whatever is neither a .conf nor, on the first level, a .d folder is none of the policy's. */
static bool copy_entry(const char *from, const char *to, const char *name, bool inner)
{
    char source[PATH_BYTES], target[PATH_BYTES];
    struct stat st;
    bool folder = ends_in(name, ".d") && !inner;
    if (!folder && !ends_in(name, ".conf"))
        return true;
    if (!join(source, from, name) || !join(target, to, name) || stat(source, &st) != 0)
        return false;
    if (folder && S_ISDIR(st.st_mode))
        return mkdir(target, 0700) == 0 && copy_folder(source, target, true);
    return folder || !S_ISREG(st.st_mode) || copy_file(source, target);
}

static bool copy_folder(const char *from, const char *to, bool inner)
{
    DIR *dir = opendir(from);
    if (dir == NULL)
        return false;
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(dir)) != NULL; )
        good = copy_entry(from, to, entry->d_name, inner);
    int saved = errno;
    (void)closedir(dir);
    errno = saved;
    return good && sync_folder(to);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

static void remove_folder(const char *path)
{
    int saved = errno;
    (void)nftw(path, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    errno = saved;
}

static void sweep(const char *archive)
{
    char path[PATH_BYTES];
    DIR *dir = opendir(archive);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL; )
        if (strncmp(entry->d_name, new_prefix, sizeof new_prefix - 1) == 0 && join(path, archive, entry->d_name))
            remove_folder(path);
    (void)closedir(dir);
}

static bool make_archive(const char *archive)
{
    char parent[PATH_BYTES];
    if (mkdir(archive, 0700) != 0)
        return errno == EEXIST;
    return join(parent, archive, "..") && sync_folder(parent);
}

/* The copy has to be read as what is in force: else it would explain decisions that it did not make. */
static enum rfl_err check_copy(const char *dir, struct rfl_hash digest, struct rfl_policy **out,
                               struct rfl_conf_report *report)
{
    struct rfl_policy *policy = NULL;
    enum rfl_err err = rfl_conf_policy_load(dir, &policy, report);
    if (err != RFL_E_OK)
        return err;
    if (!rfl_hash_same(rfl_policy_digest(policy), digest)) {
        rfl_conf_policy_free(&policy);
        return RFL_E_CORRUPT;
    }
    *out = policy;
    return RFL_E_OK;
}

static enum rfl_err copy_checked(const char *from, const char *to, struct rfl_hash digest)
{
    struct rfl_policy *policy = NULL;
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    enum rfl_err err = report == NULL ? RFL_E_MEMORY : copy_folder(from, to, false) ? RFL_E_OK : RFL_E_IO;
    if (err == RFL_E_OK)
        err = check_copy(to, digest, &policy, report);
    if (err == RFL_E_OK)
        rfl_conf_policy_free(&policy);
    free(report);
    return err == RFL_E_INVALID || err == RFL_E_CORRUPT ? RFL_E_STATE : err;
}

enum rfl_err rfl_conf_archive_keep(const char *archive, const char *dir, struct rfl_hash digest)
{
    char made[PATH_BYTES], name[PATH_BYTES];
    if (rfl_conf_archive_has(archive, digest))
        return RFL_E_OK;
    if (!make_archive(archive))
        return RFL_E_IO;
    sweep(archive);
    if (!join(made, archive, ".new.XXXXXX") || !join_digest(name, archive, digest) || mkdtemp(made) == NULL)
        return RFL_E_IO;
    enum rfl_err err = copy_checked(dir, made, digest);
    if (err == RFL_E_OK && (rename(made, name) != 0 || !sync_folder(archive)))
        err = RFL_E_IO;
    if (err != RFL_E_OK)
        remove_folder(made);
    return err;
}

/* ---- reading ---- */

bool rfl_conf_archive_has(const char *archive, struct rfl_hash digest)
{
    char path[PATH_BYTES];
    struct stat st;
    return join_digest(path, archive, digest) && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum rfl_err rfl_conf_archive_find(const char *archive, struct rfl_view digits, struct rfl_hash *out)
{
    if (digits.len < DIGITS_MIN || digits.len >= RFL_CONF_DIGEST_TEXT)
        return RFL_E_INVALID;
    for (size_t i = 0; i < digits.len; i++)
        if ((digits.p[i] < '0' || digits.p[i] > '9') && (digits.p[i] < 'a' || digits.p[i] > 'f'))
            return RFL_E_INVALID;
    DIR *dir = opendir(archive);
    enum rfl_err err = RFL_E_ABSENT;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL; ) {
        struct rfl_view name = { (const uint8_t *)entry->d_name, strlen(entry->d_name) };
        struct rfl_hash found;
        if (rfl_conf_digest_parse(name, &found) != RFL_E_OK || memcmp(name.p, digits.p, digits.len) != 0)
            continue;
        err = err == RFL_E_ABSENT ? RFL_E_OK : RFL_E_CONFLICT;
        *out = found;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return err;
}

enum rfl_err rfl_conf_archive_load(const char *archive, struct rfl_hash digest, struct rfl_policy **out,
                                   struct rfl_conf_report *report)
{
    char path[PATH_BYTES];
    if (!rfl_conf_archive_has(archive, digest))
        return RFL_E_ABSENT;
    return join_digest(path, archive, digest) ? check_copy(path, digest, out, report) : RFL_E_ABSENT;
}

/* ---- the pin ---- */

enum rfl_err rfl_conf_archive_pin(const char *archive, struct rfl_hash digest)
{
    char made[PATH_BYTES], name[PATH_BYTES], text[RFL_CONF_DIGEST_TEXT + 1];
    if (!join(made, archive, ".new.pinned") || !join(name, archive, "pinned"))
        return RFL_E_IO;
    rfl_conf_digest_text(digest, text);
    text[RFL_CONF_DIGEST_TEXT - 1] = '\n';
    int fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd != -1 && write_all(fd, text, RFL_CONF_DIGEST_TEXT) && fsync(fd) == 0;
    if (fd != -1 && close(fd) != 0)
        good = false;
    return good && rename(made, name) == 0 && sync_folder(archive) ? RFL_E_OK : RFL_E_IO;
}

enum rfl_err rfl_conf_archive_unpin(const char *archive)
{
    char name[PATH_BYTES];
    if (!join(name, archive, "pinned"))
        return RFL_E_IO;
    if (unlink(name) != 0)
        return errno == ENOENT ? RFL_E_OK : RFL_E_IO;
    return sync_folder(archive) ? RFL_E_OK : RFL_E_IO;
}

enum rfl_err rfl_conf_archive_pinned(const char *archive, struct rfl_hash *out)
{
    char name[PATH_BYTES], text[RFL_CONF_DIGEST_TEXT + 1];
    int fd = join(name, archive, "pinned") ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd == -1)
        return errno == ENOENT ? RFL_E_ABSENT : RFL_E_IO;
    ssize_t len = read(fd, text, sizeof text);
    (void)close(fd);
    if (len < 0)
        return RFL_E_IO;
    if (len != RFL_CONF_DIGEST_TEXT || text[RFL_CONF_DIGEST_TEXT - 1] != '\n')
        return RFL_E_CORRUPT;
    struct rfl_view digits = { (const uint8_t *)text, RFL_CONF_DIGEST_TEXT - 1 };
    return rfl_conf_digest_parse(digits, out) == RFL_E_OK ? RFL_E_OK : RFL_E_CORRUPT;
}
