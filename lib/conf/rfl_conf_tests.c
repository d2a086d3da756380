#include "rfl_conf_tests.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rfl_conf_walk.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { TEST_NAME_BYTES = 96 };

struct run {
    struct rfl_conf_at at;
    const struct rfl_policy *policy;
    int64_t at_ms;
    const char *file;                           /* within the folder */
    void (*each)(void *ctx, const struct rfl_conf_test *test);
    void *ctx;
};

static bool fail(struct run *run, config_setting_t *setting, const char *rule, const char *remedy)
{
    rfl__conf_complain(&run->at, setting, rule, remedy);
    return false;
}

/* ---- facts ---- */

/* An area's code and perhaps a part's: ( "QOP", "02H" ); "outside": outside England; "large_user" as third word. */
static bool read_codes(struct run *run, config_setting_t *words, struct rfl_clue *out)
{
    const char *icb = words != NULL ? rfl__conf_word(words, 0) : NULL;
    if (words == NULL)
        return true;
    if (icb != NULL && strcmp(icb, "outside") == 0) {
        out->grade = RFL_GRADE_OUTSIDE;
        out->country = 'S';
        return true;
    }
    const char *sub = icb != NULL ? rfl__conf_word(words, 1) : NULL, *more = sub != NULL ? rfl__conf_word(words, 2)
                                                                                        : NULL;
    if (icb == NULL || strlen(icb) >= sizeof out->icb || (sub != NULL && strlen(sub) >= sizeof out->sub_icb) ||
        (more != NULL && strcmp(more, "large_user") != 0))
        return fail(run, words, "these are no codes of a place",
                    "write the area's code, and its part's beside it: ( \"QOP\", \"02H\" )");
    out->grade = RFL_GRADE_OK;
    out->country = 'E';
    out->flags = more != NULL ? RFL_CLUE_LARGE_USER : 0;
    (void)snprintf(out->icb, sizeof out->icb, "%s", icb);
    (void)snprintf(out->sub_icb, sizeof out->sub_icb, "%s", sub != NULL ? sub : "");
    return true;
}

static bool read_number(struct run *run, config_setting_t *group, const char *name, int highest, int *out)
{
    config_setting_t *setting = rfl__conf_member(group, name);
    *out = rfl__conf_int(group, name);
    return (*out >= 0 && *out <= highest) ||
           fail(run, setting, "the number is out of range", "0 is not known; age to 150, barrier to 18");
}

static bool read_words(struct run *run, config_setting_t *group, struct rfl_facts *facts)
{
    const char *door = rfl__conf_text(group, "door"), *employment = rfl__conf_text(group, "employment");
    const char *band = rfl__conf_text(group, "band"), *source = rfl__conf_text(group, "source");
    enum rfl_employment status = RFL_EMPLOYMENT_NOT_STATED;
    enum rfl_band urgency = RFL_BAND_ROUTINE;
    bool ok = true;
    for (unsigned i = RFL_DOOR_NONE + 1; i < RFL_DOOR_COUNT; i++)
        if (strcmp(rfl_door_name((enum rfl_door)i), door) == 0)
            facts->door = (uint8_t)i;
    if (facts->door == RFL_DOOR_NONE)
        ok = fail(run, rfl__conf_member(group, "door"), "no door has that name", "use gp, employer, self and so on");
    if (employment[0] != '\0' && !rfl_employment_from_word(employment, strlen(employment), &status))
        ok = fail(run, rfl__conf_member(group, "employment"), "this is no employment status",
                  "use in_work, off_sick, out_of_work, student or other");
    if (band[0] != '\0' && !rfl_band_from_word(band, strlen(band), &urgency))
        ok = fail(run, rfl__conf_member(group, "band"), "this is no band", "use urgent or routine");
    facts->employment = (uint8_t)status;
    facts->band = (uint8_t)urgency;
    if (source[0] == '\0')
        return ok;
    const struct rfl_source *found = rfl_policy_source_by_name(run->policy, rfl__conf_view(source));
    if (found == NULL)
        return fail(run, rfl__conf_member(group, "source"), "no source has that name", "use a name of sources.conf");
    facts->source = found->id;
    return ok;
}

static bool read_flags(struct run *run, config_setting_t *words, struct rfl_facts *facts)
{
    static const char *const names[] = { "safeguarding", "incident", "interpreter", "step_free" };
    const char *word;
    for (uint32_t i = 0; words != NULL && (word = rfl__conf_word(words, i)) != NULL; i++) {
        uint32_t before = facts->flags;
        for (unsigned f = 0; f < COUNT(names); f++)
            if (strcmp(names[f], word) == 0)
                facts->flags |= 1u << f;
        if (facts->flags == before)
            return fail(run, words, "this is no flag, or twice the same",
                        "use safeguarding, incident, interpreter or step_free");
    }
    return true;
}

static bool read_full(struct run *run, config_setting_t *words, struct rfl_facts *facts)
{
    const char *word;
    for (uint32_t i = 0; words != NULL && (word = rfl__conf_word(words, i)) != NULL; i++) {
        const struct rfl_queue *queue = rfl_policy_queue_by_name(run->policy, rfl__conf_view(word));
        if (queue == NULL || i == RFL_FULL_MAX)
            return fail(run, words, "a full queue does not exist, or there are more than 8", "name at most 8 queues");
        facts->full[facts->full_count++] = queue->id;
    }
    return true;
}

static bool read_facts(struct run *run, config_setting_t *group, struct rfl_facts *facts)
{
    int age, weeks, barrier;
    memset(facts, 0, sizeof *facts);
    bool ok = read_words(run, group, facts);
    ok = read_number(run, group, "age", 150, &age) && ok;
    ok = read_number(run, group, "weeks_out_of_work", UINT16_MAX, &weeks) && ok;
    ok = read_number(run, group, "barrier", RFL_BARRIER_MAX, &barrier) && ok;
    ok = read_flags(run, rfl__conf_member(group, "flags"), facts) && ok;
    ok = read_full(run, rfl__conf_member(group, "full"), facts) && ok;
    ok = read_codes(run, rfl__conf_member(group, "postcode"), &facts->clue[RFL_KEY_POSTCODE]) && ok;
    ok = read_codes(run, rfl__conf_member(group, "gp_practice"), &facts->clue[RFL_KEY_GP_PRACTICE]) && ok;
    ok = read_codes(run, rfl__conf_member(group, "referrer_area"), &facts->clue[RFL_KEY_REFERRER_AREA]) && ok;
    rfl_policy_clue_jobcentre(run->policy, rfl__conf_view(rfl__conf_text(group, "jobcentre")),
                              &facts->clue[RFL_KEY_JOBCENTRE]);
    facts->age_years = (uint8_t)age;
    facts->weeks_out_of_work = (uint16_t)weeks;
    facts->main_barrier = (uint8_t)barrier;
    facts->consent = RFL_CONSENT_GIVEN;
    return ok;
}

/* ---- a test ---- */

enum { PARTS = 4 };

/* What a test may expect, and what came. expected NULL: not said; "": none. */
struct part { const char *what, *expected; struct rfl_view got; };

static struct rfl_view name_of(const struct rfl_policy *policy, const struct rfl_written *written)
{
    return written != NULL ? rfl_policy_text(policy, written->name) : rfl__conf_view("");
}

static void parts_of(const struct rfl_policy *policy, const struct rfl_conf_test *test, struct part out[PARTS])
{
    const struct rfl_decision *d = &test->got;
    const struct rfl_queue *queue = rfl_policy_queue(policy, d->queue);
    out[0] = (struct part){ "queue", test->expect, queue != NULL ? rfl_policy_text(policy, queue->name)
                                                                 : rfl__conf_view("") };
    out[1] = (struct part){ "reason", test->reason,
                            rfl__conf_view(rfl_route_reason_word((enum rfl_route_reason)d->reason)) };
    out[2] = (struct part){ "rule", test->rule,
                            name_of(policy, d->rule != 0 ? &policy->rule[d->rule - 1].written : NULL) };
    out[3] = (struct part){ "advice", test->advice,
                            name_of(policy, d->advice != 0 ? &policy->advice[d->advice - 1].written : NULL) };
}

static bool as_said(const struct part *part)
{
    return part->expected == NULL || (strlen(part->expected) == part->got.len &&
                                      memcmp(part->expected, part->got.p, part->got.len) == 0);
}

static bool as_expected(const struct rfl_policy *policy, const struct rfl_conf_test *test)
{
    struct part part[PARTS];
    bool same = true;
    parts_of(policy, test, part);
    for (unsigned i = 0; i < PARTS; i++)
        same = same && as_said(&part[i]);
    return same;
}

void rfl_conf_test_differs(const struct rfl_policy *policy, const struct rfl_conf_test *test, char *out, size_t size)
{
    struct part part[PARTS];
    size_t used = 0;
    parts_of(policy, test, part);
    out[0] = '\0';
    for (unsigned i = 0; i < PARTS && used < size; i++) {
        const struct part *p = &part[i];
        struct rfl_view got = p->got.len > 0 ? p->got : rfl__conf_view("none");
        if (as_said(p))
            continue;
        int n = snprintf(out + used, size - used, "%s%s: expected %s, got %.*s", used > 0 ? "; " : "", p->what,
                         p->expected[0] != '\0' ? p->expected : "none", (int)got.len, (const char *)got.p);
        used += n > 0 ? (size_t)n : 0;
    }
}

static const char *said(config_setting_t *group, const char *name)
{
    return rfl__conf_member(group, name) != NULL ? rfl__conf_text(group, name) : NULL;
}

static bool read_test(void *ctx, struct config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "name", RFL_CONF_IS_TEXT, true }, { "at", RFL_CONF_IS_TEXT, false }, { "door", RFL_CONF_IS_TEXT, true },
        { "band", RFL_CONF_IS_TEXT, false }, { "employment", RFL_CONF_IS_TEXT, false },
        { "age", RFL_CONF_IS_INT, false }, { "weeks_out_of_work", RFL_CONF_IS_INT, false },
        { "barrier", RFL_CONF_IS_INT, false }, { "flags", RFL_CONF_IS_WORDS, false },
        { "source", RFL_CONF_IS_TEXT, false }, { "full", RFL_CONF_IS_WORDS, false },
        { "postcode", RFL_CONF_IS_WORDS, false }, { "gp_practice", RFL_CONF_IS_WORDS, false },
        { "jobcentre", RFL_CONF_IS_TEXT, false }, { "referrer_area", RFL_CONF_IS_WORDS, false },
        { "expect", RFL_CONF_IS_TEXT, true }, { "reason", RFL_CONF_IS_TEXT, false },
        { "rule", RFL_CONF_IS_TEXT, false }, { "advice", RFL_CONF_IS_TEXT, false },
    };
    struct run *run = ctx;
    struct rfl_facts facts;
    struct rfl_date date;
    struct rfl_conf_test test = { .file = run->file, .line = (int)config_setting_source_line(group),
                                  .at_ms = run->at_ms };
    if (!rfl__conf_members(&run->at, group, members, COUNT(members)) || !read_facts(run, group, &facts))
        return false;
    if (said(group, "at") != NULL) {
        if (rfl_conf_parse_date(said(group, "at"), &date) != RFL_E_OK)
            return fail(run, rfl__conf_member(group, "at"), "this is not a date", "write it as \"2026-09-01\"");
        test.at_ms = rfl_london_midnight_ms(date);
    }
    test.name = said(group, "name");
    test.expect = said(group, "expect");
    test.reason = said(group, "reason");
    test.rule = said(group, "rule");
    test.advice = said(group, "advice");
    if (rfl_policy_queue_by_name(run->policy, rfl__conf_view(test.expect)) == NULL)
        return fail(run, rfl__conf_member(group, "expect"), "no queue has that name", "write <area>/<queue>");
    rfl_route(run->policy, &facts, test.at_ms, &test.got);
    test.passed = as_expected(run->policy, &test);
    run->each(run->ctx, &test);
    return true;
}

/* ---- the folder ---- */

static int only_conf(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static bool read_file(struct run *run, const char *dir, const char *name)
{
    static const struct rfl_conf_member members[] = { { "tests", RFL_CONF_IS_LIST, true } };
    char path[RFL_CONF_NAME_BYTES], within[TEST_NAME_BYTES + 8];
    struct rfl_conf_file *file = NULL;
    int m = snprintf(within, sizeof within, "tests.d/%s", name);
    int n = snprintf(path, sizeof path, "%s/tests.d/%s", dir, name);
    if (m < 0 || (size_t)m >= sizeof within || n < 0 || (size_t)n >= sizeof path) {
        rfl_conf_report_add(run->at.report, "tests.d", 0, NULL, "the path of a file of tests is too long",
                            "shorten its name or its folder's; a file left out would look like one that passes");
        return false;
    }
    run->at.file = path;
    run->file = within;
    bool ok = rfl_conf_open(path, run->at.report, &file) == RFL_E_OK &&
              rfl__conf_root_members(&run->at, rfl_conf_root(file), members, COUNT(members)) &&
              rfl__conf_each(&run->at, rfl__conf_member(rfl_conf_root(file), "tests"), RFL_CONF_IS_GROUP, read_test,
                             run);
    rfl_conf_free(&file);
    return ok;
}

enum rfl_err rfl_conf_tests_run(const char *dir, const struct rfl_policy *policy, int64_t at_ms,
                                void (*each)(void *ctx, const struct rfl_conf_test *test), void *ctx,
                                struct rfl_conf_report *report)
{
    struct run run = { .at = { report, "" }, .policy = policy, .at_ms = at_ms, .each = each, .ctx = ctx };
    char path[RFL_CONF_NAME_BYTES];
    struct dirent **entries = NULL;
    bool ok = true;
    int n = snprintf(path, sizeof path, "%s/tests.d", dir);
    if (n < 0 || (size_t)n >= sizeof path) {
        rfl_conf_report_add(report, "tests.d", 0, NULL, "the path of the policy is too long", "use a shorter one");
        return RFL_E_INVALID;
    }
    int count = scandir(path, &entries, only_conf, by_bytes);
    if (count < 0 && errno == ENOENT)
        return RFL_E_OK;
    if (count < 0) {
        rfl_conf_report_add(report, path, 0, NULL, "the folder cannot be read", "correct its permissions");
        return RFL_E_INVALID;
    }
    for (int i = 0; i < count; i++) {
        ok = read_file(&run, dir, entries[i]->d_name) && ok;
        free(entries[i]);
    }
    free(entries);
    return ok ? RFL_E_OK : RFL_E_INVALID;
}
