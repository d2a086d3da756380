#include "rfl_conf_keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 512, ENTRY_BYTES_MAX = 65536 };

struct rfl_keyfile {
    char path[PATH_BYTES], folder[PATH_BYTES];
    int lock;                                   /* the folder */
    mode_t mode;
    char *text;                                 /* terminated */
    struct rfl_keys *keys;
};

static const char empty[] = "# keys.conf: who may connect to referrald, and what each may do. Public keys only.\n"
                            "# Written by referralctl keys; comments stay. A key that is not here may nothing.\n"
                            "schema_version = 1;\n\nkeys = (\n);\n\nend_of_config = true;\n";

const struct rfl_keys *rfl_keyfile_keys(const struct rfl_keyfile *file) { return file->keys; }

/* ---- opening ---- */

static bool set_paths(struct rfl_keyfile *file, const char *path)
{
    size_t len = strlen(path);
    const char *slash = strrchr(path, '/');
    if (len == 0 || len + 8 >= PATH_BYTES)      /* room for the ending of the new file */
        return false;
    memcpy(file->path, path, len + 1);
    size_t folder = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    memcpy(file->folder, slash == NULL ? "." : path, slash == NULL ? 1 : folder);
    return true;
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rbe");
    char *text = f != NULL ? malloc(RFL_CONF_FILE_BYTES_MAX + 1) : NULL;
    size_t len = text != NULL ? fread(text, 1, RFL_CONF_FILE_BYTES_MAX, f) : 0;
    if (text != NULL)
        text[len] = '\0';
    if (f != NULL)
        (void)fclose(f);
    return text;
}

static enum rfl_err take_file(struct rfl_keyfile *file, struct rfl_conf_report *report)
{
    struct stat st;
    file->mode = 0644;
    if (stat(file->path, &st) == -1 && errno == ENOENT) {
        file->text = strdup(empty);
        return file->text == NULL ? RFL_E_MEMORY
             : rfl_keys_load_text(file->path, (struct rfl_view){ (const uint8_t *)empty, strlen(empty) }, report,
                                  &file->keys);
    }
    enum rfl_err err = rfl_keys_load(file->path, report, &file->keys);
    if (err != RFL_E_OK)
        return err;
    file->mode = st.st_mode & 0777;
    file->text = read_text(file->path);
    return file->text != NULL ? RFL_E_OK : RFL_E_MEMORY;
}

enum rfl_err rfl_keyfile_open(const char *path, struct rfl_conf_report *report, struct rfl_keyfile **out)
{
    struct rfl_keyfile *file = calloc(1, sizeof *file);
    if (file == NULL)
        return RFL_E_MEMORY;
    enum rfl_err err = RFL_E_OK;
    file->lock = -1;
    if (!set_paths(file, path) || (file->lock = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
        rfl_conf_report_add(report, path, 0, NULL, "its folder cannot be opened", "make the folder first");
        err = RFL_E_IO;
    } else if (flock(file->lock, LOCK_EX | LOCK_NB) == -1) {
        err = RFL_E_LOCKED;
    }
    if (err == RFL_E_OK)
        err = take_file(file, report);
    if (err == RFL_E_OK)
        *out = file;
    else
        rfl_keyfile_close(&file);
    return err;
}

void rfl_keyfile_close(struct rfl_keyfile **file)
{
    if (*file == NULL)
        return;
    if ((*file)->lock != -1)
        (void)close((*file)->lock);
    rfl_keys_free(&(*file)->keys);
    free((*file)->text);
    free(*file);
    *file = NULL;
}

/* ---- finding places in the text, which has been read as configuration before ---- */

/* Past what libconfig passes over: spaces and comments. */
static const char *skip_space(const char *p)
{
    for (;;) {
        if (strchr(" \t\r\n\f", *p) != NULL && *p != '\0')
            p++;
        else if (*p == '#' || (p[0] == '/' && p[1] == '/'))
            p += strcspn(p, "\n");
        else if (p[0] == '/' && p[1] == '*') {
            const char *end = strstr(p + 2, "*/");
            p = end != NULL ? end + 2 : p + strlen(p);
        } else
            return p;
    }
}

/* Past one token: a string, a word, or one other character. */
static const char *skip_token(const char *p)
{
    size_t word = strcspn(p, " \t\r\n\f#/\"(){}[]=:;,");
    if (*p == '"') {
        for (p++; *p != '\0' && *p != '"'; p++)
            p += *p == '\\' && p[1] != '\0';
        return *p == '"' ? p + 1 : p;
    }
    return word > 0 ? p + word : *p != '\0' ? p + 1 : p;
}

/* What closes the bracket that `open` is at. */
static const char *closing(const char *open)
{
    int depth = 0;
    const char *p = open;
    for (; *p != '\0'; p = skip_space(skip_token(p))) {
        depth += *p == '(' || *p == '{' || *p == '[';
        depth -= *p == ')' || *p == '}' || *p == ']';
        if (depth == 0)
            return p;
    }
    return p;
}

/* The value of a member of the group or file that begins at p; NULL: it has none of that name. */
static const char *value_of(const char *p, const char *end, const char *name)
{
    size_t len = strlen(name);
    for (p = skip_space(p); p < end && *p != '\0'; p = skip_space(skip_token(p))) {
        if (*p == '(' || *p == '{' || *p == '[') {
            p = closing(p);
            continue;
        }
        const char *after = skip_token(p);
        if ((size_t)(after - p) != len || memcmp(p, name, len) != 0)
            continue;
        after = skip_space(after);
        if (*after == '=' || *after == ':')
            return skip_space(after + 1);
    }
    return NULL;
}

/* The '(' of keys = ( ... ), which may as well be a '['. */
static const char *list_of(const struct rfl_keyfile *file)
{
    const char *list = value_of(file->text, file->text + strlen(file->text), "keys");
    assert(list != NULL && (*list == '(' || *list == '['));
    return list;
}

/* The '{' of the entry of this name, as the file stands now; NULL: there is none. */
static const char *entry_of(const struct rfl_keyfile *file, const char *name)
{
    const char *list = list_of(file), *end = closing(list);
    char quoted[RFL_NAME_BYTES_MAX + 3];
    (void)snprintf(quoted, sizeof quoted, "\"%.*s\"", RFL_NAME_BYTES_MAX, name);
    for (const char *p = skip_space(list + 1); p < end; p = skip_space(skip_token(p))) {
        if (*p != '{')
            continue;
        const char *close = closing(p), *value = value_of(p + 1, close, "name");
        if (value != NULL && strncmp(value, quoted, strlen(quoted)) == 0)
            return p;
        p = close;
    }
    return NULL;
}

/* ---- changing ---- */

/* Puts text in the place of `cut` characters at `at`, a place in file->text. */
static enum rfl_err replace_at(struct rfl_keyfile *file, const char *at, size_t cut, const char *text)
{
    size_t before = (size_t)(at - file->text), len = strlen(text), rest = strlen(at + cut);
    char *made = malloc(before + len + rest + 1);
    if (made == NULL)
        return RFL_E_MEMORY;
    memcpy(made, file->text, before);
    memcpy(made + before, text, len);
    memcpy(made + before + len, at + cut, rest + 1);
    free(file->text);
    file->text = made;
    return RFL_E_OK;
}

struct writer { char *p; size_t len, cap; };

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->p + w->len, w->cap - w->len, format, args);
    va_end(args);
    w->len += n > 0 ? (size_t)n : 0;
    if (w->len >= w->cap)
        w->len = w->cap - 1;
}

/* "gp,self" as "gp", "self". */
static void put_list(struct writer *w, const char *items)
{
    for (const char *comma = "("; *items != '\0'; comma = ",") {
        size_t len = strcspn(items, ",");
        put(w, "%s \"%.*s\"", comma, (int)len, items);
        items += len + (items[len] == ',');
    }
    put(w, " );");
}

/* A comment or a quoted text that ends where it should, whatever was typed. */
static void put_plain(struct writer *w, const char *text)
{
    for (; *text != '\0'; text++)
        put(w, "%c", (unsigned char)*text < 0x20 || *text == '"' || *text == '\\' || *text == 0x7f ? ' ' : *text);
}

static void put_entry(struct writer *w, const struct rfl_key_grant *grant)
{
    static const char *const lists[RFL_KEY_KIND_COUNT] = { "doors", "queues", "verbs" };
    if (grant->why != NULL) {
        put(w, "  # ");
        put_plain(w, grant->why);
        put(w, "\n");
    }
    put(w, "  { name = \"%s\"; public = \"%s\";\n    owner = \"", grant->name, grant->public);
    put_plain(w, grant->owner);
    put(w, "\"; from = \"%04d-%02d-%02d\"; until = \"%04d-%02d-%02d\";\n    %s = \"%s\"; %s = ", (int)grant->from.year,
        grant->from.month, grant->from.day, (int)grant->until.year, grant->until.month, grant->until.day,
        rfl_key_kind_word(grant->kind), grant->who, lists[grant->kind]);
    put_list(w, grant->rights);
    if (grant->rate != 0)
        put(w, " rate = %u;", (unsigned)grant->rate);
    if (grant->connections != 0)
        put(w, " connections = %u;", (unsigned)grant->connections);
    put(w, " }\n");
}

enum rfl_err rfl_keyfile_add(struct rfl_keyfile *file, const struct rfl_key_grant *grant)
{
    const char *list = list_of(file), *end = closing(list), *last = NULL;
    for (const char *p = skip_space(list + 1); p < end; p = skip_space(skip_token(p))) {
        p = *p == '{' ? closing(p) : p;
        last = p;
    }
    if (last != NULL && *last == '}') {         /* the comma goes before a comment that ends the line */
        size_t at = (size_t)(end - file->text);
        enum rfl_err err = replace_at(file, last + 1, 0, ",");
        if (err != RFL_E_OK)
            return err;
        end = file->text + at + 1;
    }
    struct writer w = { malloc(ENTRY_BYTES_MAX), 0, ENTRY_BYTES_MAX };
    if (w.p == NULL)
        return RFL_E_MEMORY;
    if (end[-1] != '\n')
        put(&w, "\n");
    put_entry(&w, grant);
    enum rfl_err err = replace_at(file, end, 0, w.p);
    free(w.p);
    return err;
}

enum rfl_err rfl_keyfile_revoke(struct rfl_keyfile *file, const char *name, const char *why)
{
    char text[512];
    struct writer w = { text, 0, sizeof text };
    const char *entry = entry_of(file, name);
    if (entry == NULL)
        return RFL_E_ABSENT;
    const char *end = closing(entry);
    if (value_of(entry + 1, end, "revoked") != NULL)
        return RFL_E_STATE;
    put(&w, "revoked = true; why = \"");
    put_plain(&w, why);
    put(&w, "\"; ");
    return replace_at(file, end, 0, text);
}

enum rfl_err rfl_keyfile_set_until(struct rfl_keyfile *file, const char *name, struct rfl_date until)
{
    char text[32];
    const char *entry = entry_of(file, name);
    const char *value = entry != NULL ? value_of(entry + 1, closing(entry), "until") : NULL;
    if (value == NULL)
        return RFL_E_ABSENT;
    (void)snprintf(text, sizeof text, "\"%04d-%02d-%02d\"", (int)until.year, until.month, until.day);
    return replace_at(file, value, (size_t)(skip_token(value) - value), text);
}

/* ---- saving ---- */

enum rfl_err rfl_keyfile_save(struct rfl_keyfile *file, bool write_it, struct rfl_conf_report *report)
{
    struct rfl_keys *keys = NULL;
    size_t len = strlen(file->text);
    enum rfl_err err = rfl_keys_load_text(file->path, (struct rfl_view){ (const uint8_t *)file->text, len }, report,
                                          &keys);
    rfl_keys_free(&keys);
    if (err != RFL_E_OK || !write_it)
        return err;
    char path[PATH_BYTES + 8];
    (void)snprintf(path, sizeof path, "%s.new", file->path);
    (void)unlink(path);                         /* of a change that was cut off; the folder is locked */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1)
        return RFL_E_IO;
    bool ok = write(fd, file->text, len) == (ssize_t)len && fchmod(fd, file->mode) == 0 && fsync(fd) == 0;
    ok = close(fd) == 0 && ok && rename(path, file->path) == 0 && fsync(file->lock) == 0;
    if (!ok)
        (void)unlink(path);
    return ok ? RFL_E_OK : RFL_E_IO;
}
