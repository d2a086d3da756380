#include "rfl_conf_identity.h"
#include "rfl_conf_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert((int)RFL_KEY_BYTES == (int)crypto_box_PUBLICKEYBYTES, "CURVE's keys are libsodium's boxes'");

static const char z85_digits[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

bool rfl_key_from_z85(struct rfl_view text, struct rfl_curve_key *key)
{
    struct rfl_curve_key read;
    memset(key, 0, sizeof *key);
    if (text.len != RFL_Z85_CHARS)
        return false;
    for (size_t group = 0; group < RFL_KEY_BYTES / 4; group++) {
        uint64_t value = 0;
        for (size_t i = 0; i < 5; i++) {
            uint8_t c = text.p[5 * group + i];
            const char *digit = c != '\0' ? strchr(z85_digits, c) : NULL;
            if (digit == NULL)
                return false;
            value = value * 85 + (uint64_t)(digit - z85_digits);
        }
        if (value > UINT32_MAX)
            return false;
        for (size_t i = 0; i < 4; i++)
            read.b[4 * group + i] = (uint8_t)(value >> (24 - 8 * i));
    }
    *key = read;
    return true;
}

void rfl_key_to_z85(const struct rfl_curve_key *key, char out[RFL_Z85_CHARS + 1])
{
    for (size_t group = 0; group < RFL_KEY_BYTES / 4; group++) {
        const uint8_t *b = key->b + 4 * group;
        uint32_t value = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        for (size_t i = 5; i-- > 0; value /= 85)
            out[5 * group + i] = z85_digits[value % 85];
    }
    out[RFL_Z85_CHARS] = '\0';
}

void rfl_key_fingerprint(const struct rfl_curve_key *key, char out[RFL_FINGERPRINT_CHARS + 1])
{
    uint8_t digest[crypto_generichash_BYTES_MIN];
    static_assert(sizeof digest >= RFL_FINGERPRINT_CHARS / 2, "the digest is long enough");
    (void)crypto_generichash(digest, sizeof digest, key->b, sizeof key->b, NULL, 0);
    (void)sodium_bin2hex(out, RFL_FINGERPRINT_CHARS + 1, digest, RFL_FINGERPRINT_CHARS / 2);
}

void rfl_identity_make(struct rfl_identity *identity)
{
    struct rfl_curve_key secret, public;
    memset(identity, 0, sizeof *identity);
    (void)crypto_box_keypair(public.b, secret.b);
    rfl_key_to_z85(&secret, identity->secret);
    rfl_key_to_z85(&public, identity->public);
    sodium_memzero(&secret, sizeof secret);
}

void rfl_identity_forget(struct rfl_identity *identity)
{
    sodium_memzero(identity, sizeof *identity);
}

/* A file of root's that a group may read is taken: that is how systemd hands over credentials where it has ACLs. */
static bool is_closed(const struct stat *st)
{
    bool credential = st->st_uid == 0 && geteuid() != 0;
    return S_ISREG(st->st_mode) && (st->st_mode & (credential ? 037U : 077U)) == 0;
}

/* The whole file as text, terminated; NULL after reporting. The caller forgets and frees `cap` bytes. */
enum { FILE_BYTES_MAX = 4096 };
static bool read_closed_file(const char *path, struct rfl_conf_report *report, char text[FILE_BYTES_MAX], size_t *len)
{
    struct stat st;
    char rule[128];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ok = false;
    if (fd == -1 || fstat(fd, &st) == -1) {
        (void)snprintf(rule, sizeof rule, "the file cannot be read: %s", strerror(errno));
        rfl_conf_report_add(report, path, 0, NULL, rule, "name another file, or make one: referralctl keys new");
    } else if (!is_closed(&st)) {
        rfl_conf_report_add(report, path, 0, NULL, "a file with a secret key must be closed to everybody else",
                            "chmod 0600 it; if others could read it, make a new key and revoke this one");
    } else {
        ssize_t got = read(fd, text, FILE_BYTES_MAX);
        ok = got >= 0 && got < FILE_BYTES_MAX;
        *len = ok ? (size_t)got : 0;
        if (!ok)
            rfl_conf_report_add(report, path, 0, NULL, "this is no key file", "make one: referralctl keys new");
    }
    if (fd != -1)
        (void)close(fd);
    return ok;
}

static bool take_key(const struct rfl_conf_at *at, config_setting_t *root, const char *name,
                     char out[RFL_Z85_CHARS + 1], struct rfl_curve_key *key)
{
    config_setting_t *setting = rfl__conf_member(root, name);
    const char *text = rfl__conf_text(root, name);
    if (setting == NULL)
        return true;
    if (!rfl_key_from_z85(rfl__conf_view(text), key)) {
        rfl__conf_complain(at, setting, "this is no key: 40 characters of Z85",
                           "make the file again: referralctl keys new");
        return false;
    }
    memcpy(out, text, RFL_Z85_CHARS + 1);
    return true;
}

static enum rfl_err take_identity(const struct rfl_conf_at *at, config_setting_t *root, bool wants_server,
                                  struct rfl_identity *out)
{
    const struct rfl_conf_member members[] = { { "secret", RFL_CONF_IS_TEXT, true },
                                               { "public", RFL_CONF_IS_TEXT, true },
                                               { "server", RFL_CONF_IS_TEXT, true } };
    struct rfl_curve_key secret, public, server, fits;
    enum rfl_err err = RFL_E_INVALID;
    if (rfl__conf_root_members(at, root, members, wants_server ? 3 : 2)) {
        bool ok = take_key(at, root, "secret", out->secret, &secret);
        ok = take_key(at, root, "public", out->public, &public) && ok;
        ok = take_key(at, root, "server", out->server, &server) && ok;
        if (ok && crypto_scalarmult_base(fits.b, secret.b) == 0 && memcmp(fits.b, public.b, sizeof fits.b) == 0)
            err = RFL_E_OK;
        else if (ok)
            rfl__conf_complain(at, rfl__conf_member(root, "public"), "the public key is not that of the secret key",
                               "make the file again: referralctl keys new");
    }
    sodium_memzero(&secret, sizeof secret);
    return err;
}

enum rfl_err rfl_identity_read(const char *path, bool wants_server, struct rfl_conf_report *report,
                               struct rfl_identity *out)
{
    char text[FILE_BYTES_MAX];
    size_t len;
    struct rfl_conf_file *file = NULL;
    struct rfl_identity read = { "", "", "" };
    if (!read_closed_file(path, report, text, &len))
        return RFL_E_IO;
    enum rfl_err err = rfl_conf_open_text(path, (struct rfl_view){ (const uint8_t *)text, len }, report, &file);
    sodium_memzero(text, sizeof text);
    if (err == RFL_E_OK)
        err = take_identity(&(struct rfl_conf_at){ report, path }, rfl_conf_root(file), wants_server, &read);
    rfl_conf_free(&file);
    if (err == RFL_E_OK)
        *out = read;
    rfl_identity_forget(&read);
    return err;
}

/* The name of a new file is safe only when its folder is synced as well. */
static bool sync_folder_of(const char *path)
{
    char folder[RFL_CONF_NAME_BYTES * 2] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL && (size_t)(slash - path) < sizeof folder) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash == path ? 1 : slash - path] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd != -1 && fsync(fd) == 0;
    if (fd != -1)
        (void)close(fd);
    return ok;
}

enum rfl_err rfl_identity_write(const char *path, const struct rfl_identity *identity)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1)
        return errno == EEXIST ? RFL_E_EXISTS : RFL_E_IO;
    char text[FILE_BYTES_MAX];
    int len = snprintf(text, sizeof text,
                       "# A secret key. Keep it where nobody else can read it, and never send it to anybody.\n"
                       "schema_version = 1;\nsecret = \"%s\";\npublic = \"%s\";\n%s%s%send_of_config = true;\n",
                       identity->secret, identity->public, identity->server[0] != '\0' ? "server = \"" : "",
                       identity->server, identity->server[0] != '\0' ? "\";\n" : "");
    bool ok = write(fd, text, (size_t)len) == (ssize_t)len && fchmod(fd, 0600) == 0 && fsync(fd) == 0;
    int code = errno;
    sodium_memzero(text, sizeof text);
    ok = close(fd) == 0 && ok && sync_folder_of(path);
    if (!ok) {
        (void)unlink(path);
        errno = code != 0 ? code : EIO;
    }
    return ok ? RFL_E_OK : RFL_E_IO;
}
