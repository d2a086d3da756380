/* What the rules of a policy folder say and do, without a daemon: an area's rules in order, and the route tests. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "rfl_conf_tests.h"

static const char policy_dir_default[] = "/etc/referrald/policy";

static json_t *text_of(const struct rfl_policy *policy, struct rfl_text text)
{
    struct rfl_view view = rfl_policy_text(policy, text);
    return json_stringn((const char *)view.p, view.len);
}

static const char *get(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void cell(struct ctl_table *table, const char *text)
{
    ctl_cell_view(table, (struct rfl_view){ (const uint8_t *)text, strlen(text) });
}

/* Findings go to standard error: without a sound policy there is no result. */
static int load(const struct ctl *ctl, const char *dir, struct rfl_policy **policy)
{
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    if (access(dir, R_OK | X_OK) != 0) {
        free(report);
        return ctl_fail(ctl, CTL_NO_INPUT, "the policy folder cannot be read", "name a folder with areas.conf in it");
    }
    enum rfl_err err = report == NULL ? RFL_E_MEMORY : rfl_conf_policy_load(dir, policy, report);
    if (err == RFL_E_INVALID)
        rfl_conf_report_print(report, stderr);
    free(report);
    if (err == RFL_E_MEMORY)
        return ctl_fail(ctl, CTL_TRY_AGAIN, "out of memory", NULL);
    return err == RFL_E_OK ? CTL_OK : ctl_fail(ctl, CTL_BAD_DATA, "the policy does not load", "policy check says more");
}

/* ---- route list ---- */

static json_t *date_of(int64_t ms, int64_t none_ms)
{
    char text[16];
    struct rfl_date date = rfl_london_date(ms != none_ms ? ms : 0);
    if (ms == none_ms)
        return json_null();
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
    return json_string(text);
}

static json_t *queue_of(const struct rfl_policy *policy, struct rfl_queue_no id)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, id);
    return queue != NULL ? text_of(policy, queue->name) : json_null();
}

static json_t *written(const struct rfl_policy *policy, const char *kind, const struct rfl_written *w, int64_t from_ms,
                       int64_t until_ms, struct rfl_area_no area)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:b}", "kind", kind, "name", text_of(policy, w->name),
                     "owner", text_of(policy, w->owner), "why", text_of(policy, w->why), "file",
                     text_of(policy, w->file), "line", (int)w->line, "from", date_of(from_ms, RFL_ALWAYS_FROM_MS),
                     "until", date_of(until_ms, RFL_NO_END_MS), "every_area", area.v == 0);
}

static json_t *list_of(const struct rfl_policy *policy, const struct rfl_area *area)
{
    json_t *list = json_array();
    struct rfl_policy_walk walk = rfl_policy_advice_of(policy, area);
    for (uint32_t at; (at = rfl_policy_walk_next(&walk)) != 0;) {
        const struct rfl_advice *advice = &policy->advice[at - 1];
        json_t *one = written(policy, "eligibility", &advice->written, advice->from_ms, advice->until_ms,
                              advice->area);
        (void)json_object_set_new(one, "answer", json_string("says"));
        (void)json_object_set_new(one, "says", text_of(policy, advice->says));
        (void)json_object_set_new(one, "to", queue_of(policy, advice->to));
        (void)json_array_append_new(list, one);
    }
    walk = rfl_policy_rules_of(policy, area);
    for (uint32_t at; (at = rfl_policy_walk_next(&walk)) != 0;) {
        const struct rfl_rule *rule = &policy->rule[at - 1];
        json_t *one = written(policy, "rule", &rule->written, rule->from_ms, rule->until_ms, rule->area);
        (void)json_object_set_new(one, "answer", json_string(rfl_answer_word((enum rfl_answer)rule->answer)));
        (void)json_object_set_new(one, "to", queue_of(policy, rule->to));
        (void)json_object_set_new(one, "not_yet", date_of(rule->retry_ms, 0));
        (void)json_object_set_new(one, "shadow", json_boolean(rule->shadow));
        (void)json_object_set_new(one, "doors_differ", json_boolean(rule->doors_differ));
        (void)json_array_append_new(list, one);
    }
    return list;
}

static void print_list(const json_t *list)
{
    struct ctl_table table;
    const json_t *one;
    size_t i;
    ctl_table_init(&table, "KIND NAME ANSWER TO FROM UNTIL OWNER WRITTEN");
    json_array_foreach(list, i, one) {
        bool shadow = json_is_true(json_object_get(one, "shadow"));
        const char *answer = get(one, "answer");
        cell(&table, shadow ? "shadow rule" : get(one, "kind"));
        cell(&table, get(one, "name"));
        if (get(one, "says")[0] != '\0')
            ctl_cell(&table, "says %s", get(one, "says"));
        else if (get(one, "not_yet")[0] != '\0')
            ctl_cell(&table, "not before %s", get(one, "not_yet"));
        else
            cell(&table, answer);
        cell(&table, get(one, "to"));
        cell(&table, get(one, "from"));
        cell(&table, get(one, "until"));
        cell(&table, get(one, "owner"));
        ctl_cell(&table, "%s:%d", get(one, "file"), (int)json_integer_value(json_object_get(one, "line")));
    }
    ctl_table_print(&table, stdout);
    printf("%zu; the first that holds decides, and when none does, the area's intake\n", json_array_size(list));
}

int ctl_route_list(const struct ctl *ctl)
{
    struct rfl_policy *policy = NULL;
    int exit_code = load(ctl, ctl->argc > 1 ? ctl->argv[1] : policy_dir_default, &policy);
    if (exit_code != CTL_OK)
        return exit_code;
    struct rfl_view name = { (const uint8_t *)ctl->argv[0], strlen(ctl->argv[0]) };
    const struct rfl_area *area = rfl_policy_area_by_name(policy, name);
    if (area == NULL) {
        exit_code = ctl_fail(ctl, CTL_BAD_DATA, "no area has that name", "use a name of areas.conf");
    } else {
        json_t *list = list_of(policy, area);
        if (ctl->json)
            (void)ctl_print_value(json_incref(list));
        else
            print_list(list);
        json_decref(list);
    }
    rfl_conf_policy_free(&policy);
    return exit_code;
}

/* ---- route test ---- */

struct testing { const struct rfl_policy *policy; json_t *tests; unsigned failed; };

static json_t *name_of(const struct rfl_policy *policy, uint16_t number, const struct rfl_written *written_down)
{
    return number != 0 ? text_of(policy, written_down->name) : json_string("");
}

static json_t *got_of(const struct rfl_policy *policy, const struct rfl_decision *d)
{
    return json_pack("{s:o, s:s, s:o, s:o}", "queue", queue_of(policy, d->queue), "reason",
                     rfl_route_reason_word((enum rfl_route_reason)d->reason), "rule",
                     name_of(policy, d->rule, d->rule != 0 ? &policy->rule[d->rule - 1].written : NULL), "advice",
                     name_of(policy, d->advice, d->advice != 0 ? &policy->advice[d->advice - 1].written : NULL));
}

static void note(void *ctx, const struct rfl_conf_test *test)
{
    struct testing *testing = ctx;
    json_t *one = json_pack("{s:s, s:b, s:s, s:i, s:{s:s, s:s?, s:s?, s:s?}, s:o}", "name", test->name, "passed",
                            test->passed, "file", test->file, "line", test->line, "expected", "queue", test->expect,
                            "reason", test->reason, "rule", test->rule, "advice", test->advice, "got",
                            got_of(testing->policy, &test->got));
    testing->failed += test->passed ? 0 : 1;
    (void)json_array_append_new(testing->tests, one);
}

/* A queue alone, or with what else the test names. */
static void print_wanted(const char *word, const json_t *what)
{
    static const char *const more[] = { "reason", "rule", "advice" };
    printf("  %s %s", word, get(what, "queue"));
    for (unsigned i = 0; i < 3; i++)
        if (json_is_string(json_object_get(what, more[i])))
            printf(", %s %s", more[i], get(what, more[i])[0] != '\0' ? get(what, more[i]) : "none");
    printf("\n");
}

static void print_tests(const json_t *tests)
{
    struct ctl_table table;
    const json_t *one;
    size_t i;
    ctl_table_init(&table, "FILE >PASSED >FAILED");
    for (size_t begin = 0; begin < json_array_size(tests); begin = i) {
        const char *file = get(json_array_get(tests, begin), "file");
        uint64_t count[2] = { 0, 0 };
        for (i = begin; i < json_array_size(tests) && strcmp(get(json_array_get(tests, i), "file"), file) == 0; i++)
            count[json_is_true(json_object_get(json_array_get(tests, i), "passed")) ? 0 : 1]++;
        cell(&table, file);
        ctl_cell_count(&table, count[0]);
        ctl_cell_count(&table, count[1]);
    }
    ctl_table_print(&table, stdout);
    json_array_foreach(tests, i, one) {
        if (json_is_true(json_object_get(one, "passed")))
            continue;
        printf("FAILED %s (%s:%d)\n", get(one, "name"), get(one, "file"),
               (int)json_integer_value(json_object_get(one, "line")));
        print_wanted("expected", json_object_get(one, "expected"));
        print_wanted("got     ", json_object_get(one, "got"));
    }
}

int ctl_route_test(const struct ctl *ctl)
{
    const char *dir = ctl->argc > 0 ? ctl->argv[0] : policy_dir_default;
    struct rfl_policy *policy = NULL;
    int64_t at_ms = ctl_now_ms();
    if (ctl->at != NULL && !ctl_time_parse(ctl->at, &at_ms))
        return ctl_fail(ctl, CTL_USAGE, "--at is no time", "write 2026-04-01, or 2026-04-01T09:30:00Z");
    int exit_code = load(ctl, dir, &policy);
    if (exit_code != CTL_OK)
        return exit_code;
    struct testing testing = { policy, json_array(), 0 };
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    enum rfl_err err = report == NULL ? RFL_E_MEMORY
                                      : rfl_conf_tests_run(dir, policy, at_ms, note, &testing, report);
    size_t count = json_array_size(testing.tests);
    if (err == RFL_E_INVALID)
        rfl_conf_report_print(report, stderr);
    if (ctl->json)
        (void)ctl_print_value(json_pack("{s:O, s:I, s:I}", "tests", testing.tests, "passed",
                                        (json_int_t)(count - testing.failed), "failed", (json_int_t)testing.failed));
    else
        print_tests(testing.tests);
    if (!ctl->json)
        printf("%zu passed, %u failed\n", count - testing.failed, testing.failed);
    json_decref(testing.tests);
    free(report);
    rfl_conf_policy_free(&policy);
    if (err != RFL_E_OK)
        return ctl_fail(ctl, CTL_BAD_DATA, "a file of tests.d cannot be read", "correct what is named above");
    return testing.failed == 0 ? CTL_OK : CTL_FINDINGS;
}
