#include "rfl_conf.h"
#include "rfl_conf_walk.h"

#include <string.h>

static void put_quoted(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '"' || text[i] == '\\')
            (void)fputc('\\', out);
        (void)fputc(text[i], out);
    }
    (void)fputc('"', out);
}

static void put_number(FILE *out, const struct rfl_conf_option *o, const uint8_t *field)
{
    int64_t wide;
    int32_t count;
    bool truth;
    char text[40];
    if (o->kind == RFL_CONF_COUNT) {
        memcpy(&count, field, sizeof count);
        (void)fprintf(out, "%d", (int)count);
        return;
    }
    if (o->kind == RFL_CONF_BOOL) {
        memcpy(&truth, field, sizeof truth);
        (void)fputs(truth ? "true" : "false", out);
        return;
    }
    memcpy(&wide, field, sizeof wide);
    if (o->kind == RFL_CONF_DUR)
        rfl__conf_duration_text(wide, text, sizeof text);
    else
        rfl__conf_size_text(wide, text, sizeof text);
    (void)fprintf(out, "\"%s\"", text);
}

static void put_value(FILE *out, const struct rfl_conf_option *o, const uint8_t *field)
{
    if (o->kind == RFL_CONF_STRING) {
        put_quoted(out, (const char *)field);
    } else if (o->kind == RFL_CONF_LIST) {
        const struct rfl_conf_list *list = (const struct rfl_conf_list *)(const void *)field;
        (void)fputc('(', out);
        for (uint32_t i = 0; i < list->count; i++) {
            (void)fputs(i > 0 ? ", " : " ", out);
            put_quoted(out, list->item[i]);
        }
        (void)fputs(list->count > 0 ? " )" : ")", out);
    } else {
        put_number(out, o, field);
    }
}

/* Opens and closes groups between one option and the next; options of a group stand together in a table. */
static const char *enter(FILE *out, const char *before, const char *key)
{
    const char *dot = key != NULL ? strchr(key, '.') : NULL;
    size_t len = dot != NULL ? (size_t)(dot - key) : 0;
    bool was = before != NULL;
    if (was && dot != NULL && strncmp(before, key, len + 1) == 0)
        return before;
    if (was)
        (void)fputs("};\n", out);
    if (dot != NULL)
        (void)fprintf(out, "%.*s = {\n", (int)len, key);
    return dot != NULL ? key : NULL;
}

static void put_name(FILE *out, const char *group, const char *key)
{
    const char *dot = strchr(key, '.');
    (void)fprintf(out, "%s%s = ", group != NULL ? "  " : "", dot != NULL ? dot + 1 : key);
}

bool rfl_conf_print(const struct rfl_conf_table *table, const void *values, const struct rfl_conf_origin *origins,
                    FILE *out)
{
    const char *group = NULL;
    (void)fputs("schema_version = 1;\n", out);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct rfl_conf_option *o = &table->options[i];
        group = enter(out, group, o->key);
        put_name(out, group, o->key);
        put_value(out, o, (const uint8_t *)values + o->offset);
        (void)fputc(';', out);
        if (origins != NULL && origins[i].line > 0)
            (void)fprintf(out, "    # %s:%d", origins[i].file, origins[i].line);
        else if (origins != NULL)
            (void)fprintf(out, "    # %s", origins[i].file);
        (void)fputc('\n', out);
    }
    (void)enter(out, group, NULL);
    (void)fputs("end_of_config = true;\n", out);
    return ferror(out) == 0 && fflush(out) == 0;
}

static void put_help(FILE *out, const struct rfl_conf_option *o, const char *indent)
{
    static const char *const unit[] = {
        [RFL_CONF_DUR] = "", [RFL_CONF_SIZE] = "", [RFL_CONF_COUNT] = "", [RFL_CONF_BOOL] = "",
        [RFL_CONF_STRING] = " bytes", [RFL_CONF_LIST] = " items",
    };
    (void)fprintf(out, "\n%s# %s.", indent, o->help);
    if (o->min != NULL && o->max != NULL)
        (void)fprintf(out, " %s to %s%s.", o->min, o->max, unit[o->kind]);
    if (o->fallback == NULL)
        (void)fputs(" Must be given.", out);
    if (!o->reload)
        (void)fputs(" A change needs a restart.", out);
    (void)fputc('\n', out);
}

static void put_words(FILE *out, const char *words)
{
    (void)fputc('(', out);
    for (const char *at = words; *at != '\0';) {
        size_t len = strcspn(at, " ");
        (void)fprintf(out, "%s\"%.*s\"", at != words ? ", " : " ", (int)len, at);
        at += len + (at[len] == ' ' ? 1 : 0);
    }
    (void)fputs(words[0] != '\0' ? " )" : ")", out);
}

static void put_fallback(FILE *out, const struct rfl_conf_option *o)
{
    const char *text = o->fallback != NULL ? o->fallback : "";
    if (o->kind == RFL_CONF_LIST)
        put_words(out, text);
    else if (o->kind == RFL_CONF_COUNT || o->kind == RFL_CONF_BOOL)
        (void)fputs(text, out);
    else
        put_quoted(out, text);
}

bool rfl_conf_print_example(const struct rfl_conf_table *table, FILE *out)
{
    const char *group = NULL;
    (void)fputs("schema_version = 1;\n", out);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct rfl_conf_option *o = &table->options[i];
        group = enter(out, group, o->key);
        put_help(out, o, group != NULL ? "  " : "");
        if (o->fallback == NULL)
            (void)fputs("# ", out);
        put_name(out, group, o->key);
        put_fallback(out, o);
        (void)fputs(";\n", out);
    }
    (void)enter(out, group, NULL);
    (void)fputs("\nend_of_config = true;\n", out);
    return ferror(out) == 0 && fflush(out) == 0;
}
