/* What a policy folder says, without a daemon: is it sound for everybody, and where another one sends people elsewhere.
 *
 * Both read folders and change nothing. Findings are first put into a JSON value, of which the table for people is
 * another reading, so that the two cannot differ. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_policy_text.h"
#include "rfl_conf_keys.h"

static const char policy_dir_default[] = "/etc/referrald/policy";

/* ---- reading ---- */

static json_t *text_json(struct rfl_view view) { return json_stringn((const char *)view.p, view.len); }

/* A text of ctl_policy_text.h, which is freed. */
static json_t *taken(char *text)
{
    json_t *value = text != NULL ? json_string(text) : NULL;
    free(text);
    return value;
}

static void set(json_t *object, const char *key, json_t *value)
{
    if (value == NULL || json_object_set_new(object, key, value) != 0)
        abort();                                /* out of memory; nothing was changed */
}

static const char *get(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void report_json(const struct rfl_conf_report *report, json_t *findings)
{
    for (uint32_t i = 0; i < report->count && i < RFL_CONF_FINDINGS_MAX; i++) {
        const struct rfl_conf_finding *f = &report->finding[i];
        json_t *one = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s}", "severity", "error", "finding", "does_not_load",
                                "file", f->file, "line", f->line, "key", f->key, "what", f->rule, "do", f->remedy);
        if (one == NULL || json_array_append_new(findings, one) != 0)
            abort();
    }
}

/* CTL_OK; CTL_FINDINGS: it does not load, and the findings are in the array; else told. */
static int load(const struct ctl *ctl, const char *dir, struct rfl_policy **policy, json_t *findings)
{
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    if (access(dir, R_OK | X_OK) != 0) {
        free(report);
        return ctl_fail(ctl, CTL_NO_INPUT, "the policy folder cannot be read", "name a folder with areas.conf in it");
    }
    enum rfl_err err = report == NULL ? RFL_E_MEMORY : rfl_conf_policy_load(dir, policy, report);
    if (err == RFL_E_MEMORY) {
        free(report);
        return ctl_fail(ctl, CTL_TRY_AGAIN, "out of memory", NULL);
    }
    if (err != RFL_E_OK)
        report_json(report, findings);
    free(report);
    return err == RFL_E_OK ? CTL_OK : CTL_FINDINGS;
}

static void print_unloadable(const json_t *one)
{
    printf("error does_not_load: %s", get(one, "file"));
    if (json_integer_value(json_object_get(one, "line")) > 0)
        printf(":%d", (int)json_integer_value(json_object_get(one, "line")));
    if (get(one, "key")[0] != '\0')
        printf(" %s", get(one, "key"));
    printf("\n  %s\n  do: %s\n", get(one, "what"), get(one, "do"));
}

/* ---- policy check ---- */

struct checking { const struct rfl_policy *policy; json_t *findings; };

struct workers { const struct rfl_policy *policy; const struct rfl_keys *keys; int64_t now_ms; };

static bool has_worker(void *ctx, struct rfl_queue_no queue)
{
    const struct workers *w = ctx;
    struct rfl_view name = ctl_queue_name(w->policy, queue);
    for (uint32_t i = 0; i < rfl_keys_count(w->keys); i++) {
        const struct rfl_key_entry *entry = rfl_keys_get(w->keys, i);
        enum rfl_key_state state = rfl_key_state(entry, w->now_ms);
        if (entry->kind == RFL_KEY_WORKER && (state == RFL_KEY_GOOD || state == RFL_KEY_NOT_YET) &&
            rfl_key_may_use_queue(w->keys, entry, name))
            return true;
    }
    return false;
}

static json_t *witness_json(const struct rfl_policy *policy, const struct rfl_witness *w)
{
    struct rfl_decision d;
    json_t *one = json_object(), *full = json_array();
    rfl_route_profile(policy, w->area, &w->profile, w->at_ms, w->full, w->full_count, NULL, &d);
    for (unsigned i = 0; i < w->full_count; i++)
        (void)json_array_append_new(full, text_json(ctl_queue_name(policy, w->full[i])));
    set(one, "area", text_json(ctl_area_name(policy, w->area)));
    set(one, "at", taken(ctl_moment_text(w->at_ms)));
    set(one, "person", taken(ctl_person_text(policy, w->area, &w->profile)));
    set(one, "full", full);
    set(one, "goes_to", text_json(ctl_queue_name(policy, d.queue)));
    set(one, "because", json_string(rfl_route_reason_word((enum rfl_route_reason)d.reason)));
    return one;
}

/* Who answers for what a finding is about: the rule, the queue, or the area's triage desk. */
static struct rfl_view owner_of(const struct rfl_policy *policy, const struct rfl_proof_finding *f)
{
    const struct rfl_area *area = rfl_policy_area(policy, f->area);
    const struct rfl_queue *queue = rfl_policy_queue(policy, area != NULL ? area->triage : f->queue);
    if (f->by.rule != 0)
        return rfl_policy_text(policy, policy->rule[f->by.rule - 1].written.owner);
    if (f->by.advice != 0)
        return rfl_policy_text(policy, policy->advice[f->by.advice - 1].written.owner);
    return queue != NULL ? rfl_policy_text(policy, queue->owner) : (struct rfl_view){ (const uint8_t *)"", 0 };
}

static bool decided(struct rfl_decider by) { return by.rule != 0 || by.advice != 0; }

static void keep_finding(void *ctx, const struct rfl_proof_finding *f)
{
    struct checking *c = ctx;
    const struct rfl_policy *policy = c->policy;
    json_t *one = json_object(), *covers = json_array();
    set(one, "severity", json_string(rfl_proof_is_error(f->proof) ? "error" : "warning"));
    set(one, "finding", json_string(rfl_proof_word(f->proof)));
    set(one, "owner", text_json(owner_of(policy, f)));
    if (decided(f->by) || f->proof == RFL_PROOF_DOORS_DIFFER)
        set(one, "by", taken(ctl_decider_text(policy, f->by)));
    if (decided(f->other) || f->proof == RFL_PROOF_DOORS_DIFFER)
        set(one, "other", taken(ctl_decider_text(policy, f->other)));
    if (f->area.v != 0)
        set(one, "area", text_json(ctl_area_name(policy, f->area)));
    if (f->queue.v != 0)
        set(one, "queue", text_json(ctl_queue_name(policy, f->queue)));
    set(one, "what", json_string(rfl_proof_text(f->proof)));
    for (unsigned i = 0; i < f->cover_count; i++)
        (void)json_array_append_new(covers, taken(ctl_decider_text(policy, f->cover[i])));
    set(one, "covered_by", covers);
    if (f->shown)
        set(one, "shown_by", witness_json(policy, &f->witness));
    if (f->shown && f->proof == RFL_PROOF_DOORS_DIFFER)
        set(one, "and_by", witness_json(policy, &f->other_witness));
    set(one, "do", json_string(rfl_proof_remedy(f->proof)));
    if (json_array_append_new(c->findings, one) != 0)
        abort();
}

static void print_witness(const char *label, const json_t *w)
{
    size_t i;
    json_t *full;
    if (w == NULL)
        return;
    printf("  %s: area=%s at=%s %s", label, get(w, "area"), get(w, "at"), get(w, "person"));
    json_array_foreach(json_object_get(w, "full"), i, full)
        printf("%s%s", i == 0 ? " full=" : ",", json_string_value(full));
    printf("\n    goes to %s (%s)\n", get(w, "goes_to"), get(w, "because"));
}

static void print_finding(const json_t *one)
{
    static const char *const about[] = { "by", "other", "area", "queue" };
    const char *between = ": ";
    size_t i;
    json_t *cover;
    printf("%s %s", get(one, "severity"), get(one, "finding"));
    for (unsigned k = 0; k < sizeof about / sizeof about[0]; k++) {
        if (get(one, about[k])[0] == '\0')
            continue;
        printf("%s%s%s", between, k >= 2 ? about[k] : "", k >= 2 ? " " : "");
        printf("%s", get(one, about[k]));
        between = ", ";
    }
    if (get(one, "owner")[0] != '\0')
        printf("; %s answers for it", get(one, "owner"));
    printf("\n  %s\n", get(one, "what"));
    json_array_foreach(json_object_get(one, "covered_by"), i, cover)
        printf("%s%s", i == 0 ? "  before it: " : ", ", json_string_value(cover));
    if (json_array_size(json_object_get(one, "covered_by")) > 0)
        puts("");
    print_witness("shown by", json_object_get(one, "shown_by"));
    print_witness("and by", json_object_get(one, "and_by"));
    printf("  do: %s\n", get(one, "do"));
}

/* The moment from which on it is looked at: --at, else now. CTL_OK or CTL_USAGE. */
static int moment(const struct ctl *ctl, int64_t *at_ms)
{
    *at_ms = ctl_now_ms();
    if (ctl->at != NULL && !ctl_time_parse(ctl->at, at_ms))
        return ctl_fail(ctl, CTL_USAGE, "--at is no time", "such as 2026-04-01 or 2026-04-01T09:30:00Z");
    return CTL_OK;
}

static int load_keys(const struct ctl *ctl, struct rfl_keys **keys, json_t *findings)
{
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    enum rfl_err err = report == NULL ? RFL_E_MEMORY : rfl_keys_load(ctl->keys, report, keys);
    int exit_code = CTL_OK;
    if (err == RFL_E_MEMORY) {
        exit_code = ctl_fail(ctl, CTL_TRY_AGAIN, "out of memory", NULL);
    } else if (err != RFL_E_OK) {
        report_json(report, findings);
        exit_code = CTL_FINDINGS;
    }
    free(report);
    return exit_code;
}

static int64_t elapsed_us(struct timespec since)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (int64_t)(now.tv_sec - since.tv_sec) * 1000000 + (now.tv_nsec - since.tv_nsec) / 1000;
}

static int prove(const struct ctl *ctl, const struct rfl_policy *policy, const struct rfl_keys *keys, int64_t from_ms,
                 json_t *result)
{
    struct rfl_prove_work *work = malloc(sizeof *work);
    struct workers workers = { policy, keys, ctl_now_ms() };
    struct checking checking = { policy, json_object_get(result, "findings") };
    struct rfl_prove_options options = { from_ms, keys != NULL ? has_worker : NULL, &workers };
    struct rfl_prove_count count;
    struct timespec begun = { 0 };
    if (work == NULL)
        return ctl_fail(ctl, CTL_TRY_AGAIN, "out of memory", NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    rfl_prove(policy, &options, work, keep_finding, &checking, &count);
    set(result, "areas", json_integer(count.areas));
    set(result, "moments", json_integer(count.moments));
    set(result, "kinds_of_people", json_integer(count.cells));
    set(result, "took_us", json_integer(elapsed_us(begun)));
    free(work);
    return CTL_OK;
}

static unsigned count_of(const json_t *findings, const char *severity)
{
    unsigned count = 0;
    size_t i;
    json_t *one;
    json_array_foreach(findings, i, one)
        count += strcmp(get(one, "severity"), severity) == 0 ? 1 : 0;
    return count;
}

static void print_check(const json_t *result, unsigned errors, unsigned warnings)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(result, "findings"), i, one) {
        if (strcmp(get(one, "finding"), "does_not_load") == 0)
            print_unloadable(one);
        else
            print_finding(one);
        puts("");
    }
    if (json_object_get(result, "areas") != NULL)
        printf("%d areas, %d times, %d kinds of people looked at in %.1f ms\n",
               (int)json_integer_value(json_object_get(result, "areas")),
               (int)json_integer_value(json_object_get(result, "moments")),
               (int)json_integer_value(json_object_get(result, "kinds_of_people")),
               (double)json_integer_value(json_object_get(result, "took_us")) / 1000);
    printf("%u errors, %u warnings\n", errors, warnings);
}

int ctl_policy_check(const struct ctl *ctl)
{
    struct rfl_policy *policy = NULL;
    struct rfl_keys *keys = NULL;
    int64_t from_ms;
    int exit_code = moment(ctl, &from_ms);
    if (exit_code != CTL_OK)
        return exit_code;
    json_t *result = json_pack("{s:[]}", "findings");
    json_t *findings = json_object_get(result, "findings");
    exit_code = load(ctl, ctl->argc > 0 ? ctl->argv[0] : policy_dir_default, &policy, findings);
    if (exit_code == CTL_OK && ctl->keys != NULL)
        exit_code = load_keys(ctl, &keys, findings);
    if (exit_code == CTL_OK)
        exit_code = prove(ctl, policy, keys, from_ms, result);
    if (exit_code == CTL_OK || exit_code == CTL_FINDINGS) {
        unsigned errors = count_of(findings, "error"), warnings = count_of(findings, "warning");
        exit_code = errors > 0 || (ctl->strict && warnings > 0) ? CTL_FINDINGS : CTL_OK;
        set(result, "errors", json_integer(errors));
        set(result, "warnings", json_integer(warnings));
        if (ctl->json)
            (void)ctl_print_value(json_incref(result));
        else
            print_check(result, errors, warnings);
    }
    json_decref(result);
    rfl_keys_free(&keys);
    rfl_conf_policy_free(&policy);
    return exit_code;
}

/* ---- policy diff ---- */

struct differing { const struct rfl_policy *policy[2]; json_t *all; };

static json_t *side_json(const struct rfl_policy *policy, struct rfl_queue_no queue, struct rfl_decider by)
{
    json_t *side = json_object();
    set(side, "queue", text_json(ctl_queue_name(policy, queue)));
    set(side, "by", queue.v != 0 ? taken(ctl_decider_text(policy, by)) : json_string("the area does not exist"));
    return side;
}

static void keep_difference(void *ctx, const struct rfl_space *space, const struct rfl_difference *d)
{
    struct differing *all = ctx;
    unsigned which = d->from.v != 0 ? 0 : 1;
    struct rfl_box whole[RFL_SPACE_WHOLE_MAX], some = d->box;
    struct rfl_profile witness;
    json_t *one = json_object();
    uint32_t count = rfl_space_whole(space, whole);
    for (uint32_t i = 0; i < count && !rfl_box_intersect(&d->box, &whole[i], &some); i++)
        continue;
    rfl_space_witness(space, which, &some, &witness);
    set(one, "area", text_json(ctl_area_name(all->policy[which], d->area)));
    set(one, "from", taken(ctl_moment_text(d->from_ms)));
    set(one, "until", taken(ctl_moment_text(d->until_ms)));
    set(one, "who", taken(ctl_box_text(space, &d->box)));
    set(one, "before", side_json(all->policy[0], d->from, d->by_from));
    set(one, "after", side_json(all->policy[1], d->to, d->by_to));
    set(one, "such_as", taken(ctl_person_text(all->policy[which], d->area, &witness)));
    if (json_array_append_new(all->all, one) != 0)
        abort();
}

static void print_differences(const json_t *all)
{
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one) {
        const json_t *before = json_object_get(one, "before"), *after = json_object_get(one, "after");
        printf("%s from %s", get(one, "area"), get(one, "from"));
        if (strcmp(get(one, "until"), "ever") != 0)
            printf(" until %s", get(one, "until"));
        printf(": %s\n  before: %s, %s\n  after:  %s, %s\n  such as: %s\n\n", get(one, "who"), get(before, "queue"),
               get(before, "by"), get(after, "queue"), get(after, "by"), get(one, "such_as"));
    }
    printf("%zu differences\n", json_array_size(all));
}

static int compare(const struct ctl *ctl, struct differing *differing, const struct rfl_diff_options *options)
{
    struct rfl_diff_work *work = malloc(sizeof *work);
    if (work == NULL)
        return ctl_fail(ctl, CTL_TRY_AGAIN, "out of memory", NULL);
    enum rfl_err err = rfl_policy_diff(differing->policy[0], differing->policy[1], options, work, keep_difference,
                                       differing);
    free(work);
    if (err != RFL_E_OK)
        return ctl_fail(ctl, CTL_BAD_DATA, "an area makes more distinctions than can be compared",
                        "see policy check: too_complex");
    return json_array_size(differing->all) > 0 ? CTL_FINDINGS : CTL_OK;
}

int ctl_policy_diff(const struct ctl *ctl)
{
    struct rfl_policy *policy[2] = { NULL, NULL };
    struct rfl_diff_options options = { .at_one_moment = ctl->at != NULL };
    json_t *findings = json_array(), *one;
    size_t i;
    int exit_code = moment(ctl, &options.from_ms);
    for (unsigned n = 0; n < 2 && exit_code == CTL_OK; n++) {
        exit_code = load(ctl, ctl->argv[n], &policy[n], findings);
        json_array_foreach(findings, i, one)
            print_unloadable(one);
        if (exit_code == CTL_FINDINGS)
            exit_code = ctl_fail(ctl, CTL_BAD_DATA, "a policy does not load", "mend it, or name another folder");
    }
    if (exit_code == CTL_OK) {
        struct differing differing = { { policy[0], policy[1] }, findings };
        exit_code = compare(ctl, &differing, &options);
        if (ctl->json && exit_code <= CTL_FINDINGS)
            (void)ctl_print_value(json_pack("{s:O}", "differences", findings));
        else if (exit_code <= CTL_FINDINGS)
            print_differences(findings);
    }
    json_decref(findings);
    rfl_conf_policy_free(&policy[0]);
    rfl_conf_policy_free(&policy[1]);
    return exit_code;
}
