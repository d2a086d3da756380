#include "rfl_conf_load.h"

#include <stdlib.h>
#include <string.h>

bool rfl__conf_fail(struct rfl_conf_load *load, struct config_setting_t *setting, const char *rule,
                    const char *remedy)
{
    rfl__conf_complain(&load->at, setting, rule, remedy);
    load->ok = false;
    return false;
}

bool rfl__conf_taken(struct rfl_conf_load *load, struct config_setting_t *setting, enum rfl_err err)
{
    if (err == RFL_E_OK)
        return true;
    if (err == RFL_E_EXISTS)
        return rfl__conf_fail(load, setting, "its id, name or code is taken", "ids are permanent: use a new one");
    if (err == RFL_E_FULL)
        return rfl__conf_fail(load, setting, "the policy has no room for more", "see the limits in rfl_policy.h");
    return rfl__conf_fail(load, setting, "a name, code, text or date of it is ill-formed or out of range",
                          "names: a-z 0-9 and hyphens, at most 64; codes: A-Z 0-9, at most 11; from before until");
}

bool rfl__conf_id(struct rfl_conf_load *load, struct config_setting_t *group, uint16_t *id)
{
    config_setting_t *setting = rfl__conf_member(group, "id");
    int value = rfl__conf_int(group, "id");
    if (value < 1 || value > UINT16_MAX)
        return rfl__conf_fail(load, setting != NULL ? setting : group, "an id is a plain integer from 1 to 65535",
                              "give it a number never used before");
    *id = (uint16_t)value;
    return true;
}

bool rfl__conf_date_ms(struct rfl_conf_load *load, struct config_setting_t *group, const char *name,
                       int64_t fallback_ms, int64_t *out)
{
    config_setting_t *setting = rfl__conf_member(group, name);
    struct rfl_date date;
    *out = fallback_ms;
    if (setting == NULL)
        return true;
    if (rfl_conf_parse_date(rfl__conf_text(group, name), &date) != RFL_E_OK)
        return rfl__conf_fail(load, setting, "this is not a date", "write it as \"2026-04-01\"");
    *out = rfl_london_midnight_ms(date);
    return true;
}

bool rfl__conf_area_named(struct rfl_conf_load *load, struct config_setting_t *setting, const char *name,
                          struct rfl_area_no *out)
{
    const struct rfl_area *area = rfl_policy_area_by_name(load->policy, rfl__conf_view(name));
    *out = area != NULL ? area->id : (struct rfl_area_no){ 0 };
    if (area != NULL)
        return true;
    load->ok = false;
    /* When areas.conf was not read, every name is unknown, and saying so would bury the reason. */
    return load->areas_ok && rfl__conf_fail(load, setting, "no area has that name", "use a name of areas.conf");
}

bool rfl__conf_queue_named(struct rfl_conf_load *load, struct config_setting_t *setting, const char *name,
                           struct rfl_queue_no *out)
{
    const struct rfl_queue *queue = rfl_policy_queue_by_name(load->policy, rfl__conf_view(name));
    *out = queue != NULL ? queue->id : (struct rfl_queue_no){ 0 };
    if (queue != NULL)
        return true;
    load->ok = false;
    return load->areas_ok && rfl__conf_fail(load, setting, "no queue has that name",
                                            "write <area>/intake or <area>/<name of a provider>");
}

struct rfl_conf_spot rfl__conf_here(const struct rfl_conf_load *load, const struct config_setting_t *setting)
{
    return (struct rfl_conf_spot){ load->file_now, (int)config_setting_source_line(setting) };
}

bool rfl__conf_read_file(struct rfl_conf_load *load, const char *dir, const char *name,
                         bool (*read)(struct rfl_conf_load *load, struct config_setting_t *root))
{
    struct rfl_conf_file *file = NULL;
    char path[RFL_CONF_NAME_BYTES];
    bool ok = false;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        rfl_conf_report_add(load->at.report, name, 0, NULL, "the path of the folder is too long", "use a shorter one");
    } else if (rfl_conf_open(path, load->at.report, &file) == RFL_E_OK) {
        load->at.file = path;
        ok = read(load, rfl_conf_root(file));
        load->at.file = "";
    }
    rfl_conf_free(&file);
    load->ok = load->ok && ok;
    return ok;
}

struct found { struct rfl_conf_load *load; const char *dir; };

/* Where the rule or advice of a finding was written, and as key what it is called. */
static struct rfl_conf_spot written_at(const struct rfl_conf_load *load, const struct rfl_policy_finding *f,
                                        char *key, size_t size)
{
    const struct rfl_policy *policy = load->policy;
    const struct rfl_written *written = f->of_rule != 0 ? &policy->rule[f->of_rule - 1].written
                                                        : &policy->advice[f->of_advice - 1].written;
    struct rfl_view name = rfl_policy_text(policy, written->name), file = rfl_policy_text(policy, written->file);
    (void)snprintf(key, size, "%s %.*s", f->of_rule != 0 ? "rule" : "eligibility", (int)name.len,
                   (const char *)name.p);
    for (uint16_t i = 0; i < load->file_count; i++)
        if (strlen(load->file[i]) == file.len && memcmp(load->file[i], file.p, file.len) == 0)
            return (struct rfl_conf_spot){ i, written->line };
    return (struct rfl_conf_spot){ 0, 0 };
}

/* A finding about the whole, put at the line of the thing it is about. */
static void add_finding(void *ctx, const struct rfl_policy_finding *f)
{
    struct found *found = ctx;
    struct rfl_conf_load *load = found->load;
    char path[RFL_CONF_NAME_BYTES], key[RFL_CONF_KEY_BYTES] = "";
    struct rfl_conf_spot at = { 0, load->area_line[f->area.v] };
    if (f->queue.v != 0 && load->queue_at[f->queue.v].line != 0)
        at = load->queue_at[f->queue.v];
    if (f->place.v != 0)
        at = load->place_at[f->place.v];
    if (f->of_rule != 0 || f->of_advice != 0)
        at = written_at(load, f, key, sizeof key);
    int line = at.line;
    const char *name = load->file[at.file];
    if (f->source.v != 0) {
        name = "sources.conf";
        line = load->source_line[f->source.v];
    }
    if (f->rule == RFL_POLICY_RULE_JOBCENTRE_AREA_ABSENT || f->rule == RFL_POLICY_RULE_JOBCENTRE_UNKNOWABLE)
        name = "jobcentres.conf";
    if (f->door != RFL_DOOR_NONE) {
        name = "disclosure.conf";
        line = load->door_line[f->door];
        (void)snprintf(key, sizeof key, "doors.%s.%s", rfl_door_name(f->door),
                       f->rule == RFL_POLICY_RULE_DOOR_PLACE ? "sees_place" : rfl_disclosed_word(f->row));
    }
    if (f->clock != RFL_CLOCK_NONE)
        (void)snprintf(key, sizeof key, "clocks.%s", rfl_clock_word(f->clock));
    (void)snprintf(path, sizeof path, "%s/%s", found->dir, name);
    rfl_conf_report_add(load->at.report, path, line, key, rfl_policy_rule_text(f->rule),
                        rfl_policy_rule_remedy(f->rule));
    load->ok = false;
}

static void read_all(struct rfl_conf_load *load, const char *dir)
{
    load->ok = true;
    (void)snprintf(load->file[load->file_count++], sizeof load->file[0], "areas.conf");
    load->day_ms = INT64_C(8) * 3600 * 1000;
    (void)rfl__conf_read_file(load, dir, "calendar.conf", rfl__conf_read_calendar);
    (void)rfl__conf_read_file(load, dir, "clocks.conf", rfl__conf_read_clocks);
    (void)rfl__conf_read_file(load, dir, "rules.conf", rfl__conf_read_rules);
    (void)rfl__conf_read_file(load, dir, "disclosure.conf", rfl__conf_read_disclosure);
    (void)rfl__conf_read_file(load, dir, "journey.conf", rfl__conf_read_journey);
    (void)rfl__conf_read_file(load, dir, "retention.conf", rfl__conf_read_retention);
    load->areas_ok = true;
    load->areas_ok = rfl__conf_read_file(load, dir, "areas.conf", rfl__conf_read_areas);
    (void)rfl__conf_read_file(load, dir, "jobcentres.conf", rfl__conf_read_jobcentres);
    (void)rfl__conf_read_file(load, dir, "sources.conf", rfl__conf_read_sources);
    load->ok = rfl__conf_read_routes(load, dir) && load->ok;
}

enum rfl_err rfl_conf_policy_load(const char *dir, struct rfl_policy **out, struct rfl_conf_report *report)
{
    enum rfl_err err = RFL_E_MEMORY;
    struct rfl_hash digest;
    struct rfl_policy *policy = malloc(sizeof *policy);
    struct rfl_conf_load *load = calloc(1, sizeof *load);
    if (policy == NULL || load == NULL)
        goto out;
    err = RFL_E_INVALID;
    rfl_policy_init(policy);
    load->policy = policy;
    load->at.report = report;
    read_all(load, dir);
    if (!load->ok)
        goto out;
    err = rfl_policy_compile(policy);
    assert(err == RFL_E_OK);
    struct found found = { load, dir };
    if (rfl_policy_check(policy, add_finding, &found) != 0) {
        err = RFL_E_INVALID;
        goto out;
    }
    err = rfl__conf_digest(policy, &digest);
    if (err != RFL_E_OK)
        goto out;
    rfl_policy_set_digest(policy, digest);
    *out = policy;
    policy = NULL;
out:
    free(load);
    free(policy);
    return err;
}

void rfl_conf_policy_free(struct rfl_policy **policy)
{
    free(*policy);
    *policy = NULL;
}
