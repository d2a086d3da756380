#include "rfl_conf.h"
#include "rfl_conf_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rfl_conf_file {
    config_t config;
    char name[RFL_CONF_NAME_BYTES];
};

const char *rfl_conf_name(const struct rfl_conf_file *file) { return file->name; }
struct config_setting_t *rfl_conf_root(struct rfl_conf_file *file) { return config_root_setting(&file->config); }

void rfl_conf_free(struct rfl_conf_file **file)
{
    if (*file == NULL)
        return;
    config_destroy(&(*file)->config);
    free(*file);
    *file = NULL;
}

/* A file that was cut off at a line still parses, so the last setting must say that it is the last. */
static bool frame_ok(const struct rfl_conf_at *at, config_setting_t *root)
{
    int count = config_setting_length(root);
    config_setting_t *first = count > 0 ? config_setting_get_elem(root, 0) : NULL;
    config_setting_t *last = count > 0 ? config_setting_get_elem(root, (unsigned)count - 1) : NULL;
    bool version = first != NULL && strcmp(config_setting_name(first), "schema_version") == 0;
    bool end = last != NULL && strcmp(config_setting_name(last), "end_of_config") == 0;
    if (!version)
        rfl_conf_report_add(at->report, at->file, 0, "schema_version", "it is not the first setting",
                            "begin the file with schema_version = 1;");
    else if (config_setting_type(first) != CONFIG_TYPE_INT || config_setting_get_int(first) != 1) {
        rfl__conf_complain(at, first, "this program reads schema_version 1 only", "write schema_version = 1;");
        version = false;
    }
    if (!end)
        rfl_conf_report_add(at->report, at->file, 0, "end_of_config", "it is not the last setting: is the file whole?",
                            "end the file with end_of_config = true;");
    else if (config_setting_type(last) != CONFIG_TYPE_BOOL || !config_setting_get_bool(last)) {
        rfl__conf_complain(at, last, "it must be true", "write end_of_config = true;");
        end = false;
    }
    return version && end;
}

/* `text` is terminated. */
static enum rfl_err open_terminated(const char *name, const char *text, size_t len, struct rfl_conf_report *report,
                                    struct rfl_conf_file **out)
{
    struct rfl_conf_at at = { report, name };
    if (!rfl__conf_scan(&at, (struct rfl_view){ (const uint8_t *)text, len }))
        return RFL_E_INVALID;
    struct rfl_conf_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return RFL_E_MEMORY;
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    config_init(&file->config);
    if (config_read_string(&file->config, text) != CONFIG_TRUE) {
        rfl_conf_report_add(report, name, config_error_line(&file->config), NULL, config_error_text(&file->config),
                            "correct the line, or the one before it");
        rfl_conf_free(&file);
        return RFL_E_INVALID;
    }
    if (!frame_ok(&at, config_root_setting(&file->config))) {
        rfl_conf_free(&file);
        return RFL_E_INVALID;
    }
    *out = file;
    return RFL_E_OK;
}

enum rfl_err rfl_conf_open_text(const char *name, struct rfl_view text, struct rfl_conf_report *report,
                                struct rfl_conf_file **out)
{
    if (text.len > RFL_CONF_FILE_BYTES_MAX) {
        rfl_conf_report_add(report, name, 0, NULL, "the file is larger than 4 MiB", "make it smaller");
        return RFL_E_INVALID;
    }
    char *copy = malloc(text.len + 1);
    if (copy == NULL)
        return RFL_E_MEMORY;
    if (text.len != 0)
        memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    enum rfl_err err = open_terminated(name, copy, text.len, report, out);
    free(copy);
    return err;
}

enum rfl_err rfl_conf_open(const char *path, struct rfl_conf_report *report, struct rfl_conf_file **out)
{
    enum rfl_err err = RFL_E_IO;
    char *text = NULL, rule[128];
    size_t len = 0;
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        goto out;
    text = malloc(RFL_CONF_FILE_BYTES_MAX + 1);
    if (text == NULL) {
        err = RFL_E_MEMORY;
        goto out;
    }
    len = fread(text, 1, RFL_CONF_FILE_BYTES_MAX + 1, f);
    if (ferror(f) != 0)
        goto out;
    err = rfl_conf_open_text(path, (struct rfl_view){ (const uint8_t *)text, len }, report, out);
out:
    if (err == RFL_E_IO) {
        (void)snprintf(rule, sizeof rule, "the file cannot be read: %s", strerror(errno));
        rfl_conf_report_add(report, path, 0, NULL, rule, "create it, or correct its permissions");
    }
    free(text);
    if (f != NULL)
        (void)fclose(f);
    return err;
}
