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

static bool read_file(struct rfl_conf_load *load, const char *dir, const char *name,
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

/* A finding about the whole, put at the line of the thing it is about. */
static void add_finding(void *ctx, const struct rfl_policy_finding *f)
{
    struct found *found = ctx;
    struct rfl_conf_load *load = found->load;
    char path[RFL_CONF_NAME_BYTES], key[RFL_CONF_KEY_BYTES] = "";
    const char *name = "areas.conf";
    int line = load->area_line[f->area.v];
    if (f->queue.v != 0 && load->queue_line[f->queue.v] != 0)
        line = load->queue_line[f->queue.v];
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
    load->day_ms = INT64_C(8) * 3600 * 1000;
    (void)read_file(load, dir, "calendar.conf", rfl__conf_read_calendar);
    (void)read_file(load, dir, "clocks.conf", rfl__conf_read_clocks);
    (void)read_file(load, dir, "rules.conf", rfl__conf_read_rules);
    (void)read_file(load, dir, "disclosure.conf", rfl__conf_read_disclosure);
    (void)read_file(load, dir, "journey.conf", rfl__conf_read_journey);
    (void)read_file(load, dir, "retention.conf", rfl__conf_read_retention);
    load->areas_ok = true;
    load->areas_ok = read_file(load, dir, "areas.conf", rfl__conf_read_areas);
    (void)read_file(load, dir, "jobcentres.conf", rfl__conf_read_jobcentres);
    (void)read_file(load, dir, "sources.conf", rfl__conf_read_sources);
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
