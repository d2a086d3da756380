/* Any bytes as a configuration file. Property: what is taken is inside its ranges, and printed and read again it is the
 * same; all else has a finding that names a rule and a remedy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfl_conf.h"

#include "fuzz_target.h"

/* libconfig 1.5 leaks the 64 bytes of a string that stood before a syntax error; the leak sanitizer asks here. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so\n";
}
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

struct values {
    int64_t wait, map;
    int32_t hops;
    bool verbose;
    char name[RFL_CONF_STRING_BYTES];
    struct rfl_conf_list doors;
};

#define AT(field) offsetof(struct values, field)
static const struct rfl_conf_option options[] = {
    { "name", RFL_CONF_STRING, AT(name), "0", "200", "x", true, "a text" },
    { "verbose", RFL_CONF_BOOL, AT(verbose), NULL, NULL, "false", true, "a truth" },
    { "doors", RFL_CONF_LIST, AT(doors), "0", "5", "gp", true, "a list" },
    { "bus.wait", RFL_CONF_DUR, AT(wait), "1ms", "400d", "5s", true, "a duration" },
    { "bus.hops", RFL_CONF_COUNT, AT(hops), "1", "9", "2", true, "a number" },
    { "bus.map", RFL_CONF_SIZE, AT(map), "1B", "1TiB", "1GiB", true, "a size" },
};
static const struct rfl_conf_table table = { options, sizeof options / sizeof options[0] };

static struct rfl_conf_report report;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool read_text(struct rfl_view text, struct values *values)
{
    struct rfl_conf_file *file = NULL;
    memset(values, 0, sizeof *values);
    memset(&report, 0, sizeof report);
    rfl_conf_defaults(&table, values, NULL);
    enum rfl_err err = rfl_conf_open_text("f", text, &report, &file);
    require((err == RFL_E_OK) == (file != NULL));
    if (err == RFL_E_OK)
        err = rfl_conf_read(file, &table, values, NULL, &report);
    rfl_conf_free(&file);
    require((err == RFL_E_OK) == (report.count == 0));
    for (uint32_t i = 0; i < report.count && i < RFL_CONF_FINDINGS_MAX; i++)
        require(report.finding[i].rule[0] != '\0' && report.finding[i].remedy[0] != '\0');
    return err == RFL_E_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct values first, again;
    char *text = NULL;
    size_t len = 0;
    if (!read_text((struct rfl_view){ data, size }, &first))
        return 0;
    require(first.hops >= 1 && first.hops <= 9 && first.wait >= 1 && first.map >= 1 && first.doors.count <= 5 &&
            strlen(first.name) <= 200);
    FILE *out = open_memstream(&text, &len);
    require(out != NULL && rfl_conf_print(&table, &first, NULL, out));
    (void)fclose(out);
    require(read_text((struct rfl_view){ (const uint8_t *)text, len }, &again));
    require(memcmp(&first, &again, sizeof first) == 0);
    free(text);
    return 0;
}
