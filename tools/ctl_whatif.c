/* whatif: the decisions of the log made again under another policy. Reads facts, never bodies; writes nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl_chain.h"
#include "rfl_conf_archive.h"
#include "rfl_directory.h"
#include "rfl_json.h"
#include "rfl_receipt.h"
#include "rfl_record.h"
#include "rfl_whatif.h"

enum { SAMPLES_DEFAULT = 3, SAMPLES_MAX = 1000000, PAIRS_SHOWN = 4, CASES_FIRST = 65536, DAYS_MAX = 3700,
       DIGITS_SHOWN = 12, SHADOWS_MAX = 256 };
static const int64_t DAY_MS = INT64_C(86400) * 1000;

/* What a rule that is being tried out would have done: whom it would have taken from one queue to another. */
struct shadow { uint16_t rule; struct rfl_queue_no from, to; uint64_t count; };

struct sample {
    uint64_t sequence;
    uint16_t queue, rule;
    uint8_t kind, reason;
    /* ---- of an export, where nobody can be asked ---- */
    uint8_t door_before, reason_before;
    struct rfl_queue_no queue_before;
    int64_t at_ms;
    char code[RFL_RECEIPT_BYTES];
};

struct replay {
    const struct ctl *ctl;
    struct ctl_talk talk;
    struct rfl_policy *policy;
    struct rfl_directory_set *directories;
    struct rfl_whatif whatif;
    enum rfl_fate listed;               /* NONE: samples of every kind */
    uint64_t sample_max, sample_count[RFL_FATE_COUNT], samples, sample_room;
    struct sample *sample;
    uint32_t shadow_count;
    struct shadow shadow[SHADOWS_MAX + 1];      /* the last: whatever there was no place for */
    uint64_t moved, kept;               /* clues placed by the other directory; that it could not place */
    uint64_t unreadable;
    const char *case_code;              /* of the entry, in an export */
    bool no_memory;
    char before[RFL_NAME_BYTES_MAX];    /* the policy in force, some digits */
};

static int no_memory(const struct ctl *ctl)
{
    return ctl_fail(ctl, CTL_TRY_AGAIN, rfl_err_text(RFL_E_MEMORY), "try again");
}

/* ---- before ---- */

static bool percent(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= 0 && *out <= 100;
}

static int read_options(struct replay *r)
{
    const struct ctl *ctl = r->ctl;
    double ignored;
    if (ctl->policy == NULL)
        return ctl_fail(ctl, CTL_USAGE, "--policy is missing", "name the folder with the other policy");
    if ((ctl->since != NULL && !ctl_time_parse(ctl->since, &r->whatif.since_ms))
        || (ctl->until != NULL && !ctl_time_parse(ctl->until, &r->whatif.until_ms)))
        return ctl_fail(ctl, CTL_USAGE, "--since or --until is no time", "such as 2026-04-01 or 2026-04-01T09:30:00Z");
    if (ctl->at != NULL && !ctl_time_parse(ctl->at, &r->whatif.at_ms))
        return ctl_fail(ctl, CTL_USAGE, "--at is no time", "such as 2026-04-01 or 2026-04-01T09:30:00Z");
    if ((ctl->max_to_triage != NULL && !percent(ctl->max_to_triage, &ignored))
        || (ctl->max_changed != NULL && !percent(ctl->max_changed, &ignored)))
        return ctl_fail(ctl, CTL_USAGE, "a limit is no percentage", "give 0 to 100, such as 0.1");
    r->sample_max = SAMPLES_DEFAULT;
    if (ctl->samples != NULL && !ctl_number_parse(ctl->samples, SAMPLES_MAX, &r->sample_max))
        return ctl_fail(ctl, CTL_USAGE, "--samples is not a number", "give 0 to 1000000");
    if (ctl->kind != NULL && (!rfl_fate_from_word(ctl->kind, strlen(ctl->kind), &r->listed)
                              || r->listed == RFL_FATE_NONE || r->listed == RFL_FATE_SAME))
        return ctl_fail(ctl, CTL_USAGE, "--list is no kind of change",
                        "use other-queue, other-area, other-desk, to-area, to-triage or no-owner");
    if (ctl->kind != NULL && ctl->samples == NULL)
        r->sample_max = SAMPLES_MAX;
    return CTL_OK;
}

static int load_policy(struct replay *r)
{
    struct rfl_directory_fault fault = { 0 };
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return no_memory(r->ctl);
    enum rfl_err err = rfl_conf_policy_load(r->ctl->policy, &r->policy, report);
    rfl_conf_report_print(report, stderr);
    free(report);
    if (err != RFL_E_OK)
        return ctl_fail(r->ctl, CTL_BAD_DATA, "the policy cannot be used", "correct it, then try again");
    if (r->ctl->directory == NULL)
        return CTL_OK;
    err = rfl_directory_set_open(r->ctl->directory, &r->directories, &fault);
    return err == RFL_E_OK ? CTL_OK
                           : ctl_fail(r->ctl, CTL_BAD_DATA, fault.rule != NULL ? fault.rule : rfl_err_text(err),
                                      "name a folder of compiled directories");
}

/* ---- replaying ---- */

/* Facts have no postcode and no practice, but the sub-ICB that they were in, and an edition may have given that to
 * another ICB. What the facts do not say stays as it was, and is counted. */
static void look_up_again(struct replay *r, struct rfl_entry *entry)
{
    static const uint8_t looked_up[] = { RFL_KEY_POSTCODE, RFL_KEY_GP_PRACTICE };
    const struct rfl_directory *directory = rfl_directory_set_at(r->directories, entry->wall_ms);
    for (size_t i = 0; directory != NULL && i < sizeof looked_up; i++) {
        struct rfl_clue *clue = &entry->decided.facts.clue[looked_up[i]];
        if (clue->grade == RFL_GRADE_ABSENT)
            continue;
        if (rfl_directory_sub_icb(directory, clue->sub_icb, clue->icb)) {
            clue->edition = rfl_directory_edition(directory);
            r->moved++;
        } else {
            r->kept++;
        }
    }
}

static bool grow_cases(struct rfl_whatif *w, uint64_t number)
{
    uint64_t room = w->case_count == 0 ? CASES_FIRST : w->case_count;
    while (room <= number)
        room *= 2;
    if (room == w->case_count)
        return true;
    struct rfl_whatif_case *cases = realloc(w->cases, room * sizeof *cases);
    if (cases == NULL)
        return false;
    memset(cases + w->case_count, 0, (room - w->case_count) * sizeof *cases);
    w->cases = cases;
    w->case_count = room;
    return true;
}

/* The days from the first entry on are known when it is read. */
static bool begin_days(struct rfl_whatif *w, int64_t first_ms)
{
    int64_t days = (ctl_now_ms() - first_ms) / DAY_MS + 3;
    w->first_day = rfl_date_days(rfl_london_date(first_ms));
    w->days = (uint32_t)(days < 1 ? 1 : days > DAYS_MAX ? DAYS_MAX : days);
    w->change = calloc((size_t)2 * w->policy->queue_count * w->days, sizeof *w->change);
    return w->change != NULL;
}

static bool keep_sample(struct replay *r, const struct rfl_entry *entry, const struct rfl_whatif_one *one)
{
    if (one->kind <= RFL_FATE_SAME || (r->listed != RFL_FATE_NONE && one->kind != r->listed)
        || r->sample_count[one->kind] == r->sample_max)
        return true;
    if (r->samples == r->sample_room) {
        uint64_t room = r->sample_room == 0 ? 64 : 2 * r->sample_room;
        struct sample *sample = realloc(r->sample, room * sizeof *sample);
        if (sample == NULL)
            return false;
        r->sample = sample;
        r->sample_room = room;
    }
    r->sample_count[one->kind]++;
    const struct rfl_decision *before = &entry->decided.decision;
    struct sample *sample = &r->sample[r->samples++];
    *sample = (struct sample){ .sequence = entry->seq.v, .queue = one->after.queue.v, .rule = one->after.rule,
                               .kind = one->kind, .reason = one->after.reason,
                               .door_before = entry->decided.facts.door, .reason_before = before->reason,
                               .queue_before = before->queue, .at_ms = entry->wall_ms };
    (void)snprintf(sample->code, sizeof sample->code, "%s", r->case_code != NULL ? r->case_code : "");
    return true;
}

static void keep_shadow(struct replay *r, const struct rfl_decision *after)
{
    uint32_t i = 0;
    if (after->shadow == 0)
        return;
    while (i < r->shadow_count && (r->shadow[i].rule != after->shadow || r->shadow[i].from.v != after->queue.v
                                   || r->shadow[i].to.v != after->shadow_queue.v))
        i++;
    if (i == r->shadow_count && i < SHADOWS_MAX)
        r->shadow[r->shadow_count++] = (struct shadow){ after->shadow, after->queue, after->shadow_queue, 0 };
    r->shadow[i].count++;
}

static void digits_of(struct rfl_hash digest, char out[DIGITS_SHOWN + 1])
{
    char text[RFL_CONF_DIGEST_TEXT];
    rfl_conf_digest_text(digest, text);
    memcpy(out, text, DIGITS_SHOWN);
    out[DIGITS_SHOWN] = '\0';
}

static bool take(struct replay *r, struct rfl_view bytes)
{
    static struct rfl_entry entry;
    struct rfl_whatif_one one;
    uint8_t prev[32];
    if (rfl_entry_decode(bytes, &entry, prev) != RFL_E_OK) {
        r->unreadable++;
        return true;
    }
    if (!grow_cases(&r->whatif, entry.kase.v) || (r->whatif.change == NULL && !begin_days(&r->whatif, entry.wall_ms)))
        return false;
    if (r->ctl->audit != NULL && entry.events[0].kind == RFL_EVENT_POLICY_LOADED)
        digits_of(entry.events[0].digest, r->before);
    if (entry.has_decided && r->directories != NULL)
        look_up_again(r, &entry);
    rfl_whatif_take(&r->whatif, &entry, &one);
    keep_shadow(r, &one.after);
    return keep_sample(r, &entry, &one);
}

static void take_exported(void *ctx, uint64_t seq, struct rfl_view bytes, const char *case_code, const char *receipt)
{
    struct replay *r = ctx;
    (void)seq;
    (void)receipt;
    r->case_code = case_code;
    r->no_memory = r->no_memory || !take(r, bytes);
}

/* An export that does not hold is not replayed: a figure of half a log would look like one of the whole. */
static int replay_export(struct replay *r)
{
    struct ctl_chain chain;
    char what[200];
    int exit_code = ctl_chain_read(r->ctl->audit, take_exported, r, &chain);
    if (exit_code == CTL_NO_INPUT)
        exit_code = ctl_fail(r->ctl, exit_code, strerror(errno), "name a file that referralctl audit export wrote");
    else if (exit_code != CTL_OK) {
        if (chain.bad_seq != 0)
            (void)snprintf(what, sizeof what, "entry %llu %s", (unsigned long long)chain.bad_seq, chain.why);
        else
            (void)snprintf(what, sizeof what, "%s", chain.why);
        exit_code = ctl_fail(r->ctl, CTL_BAD_DATA, what, "export it again");
    }
    ctl_chain_free(&chain);
    return exit_code == CTL_OK && r->no_memory ? no_memory(r->ctl) : exit_code;
}

static int replay_log(struct replay *r)
{
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    int exit_code = ctl_ask(r->ctl, &r->talk, &ask, RFL_MSG_ADMIN_STATE, &reply);
    if (exit_code != CTL_OK)
        return exit_code;
    (void)snprintf(r->before, sizeof r->before, "%.*s", (int)reply.admin_state.policy.len,
                   (const char *)reply.admin_state.policy.p);
    ask = (struct rfl_ask){ .kind = RFL_MSG_AUDIT_READ };
    r->talk.denied_remedy = "it reads the log, and needs the right `audit`: ask whoever keeps keys.conf";
    for (;;) {
        exit_code = ctl_ask(r->ctl, &r->talk, &ask, RFL_MSG_AUDIT_PAGE, &reply);
        if (exit_code != CTL_OK || reply.audit_page.entries_count == 0)
            return exit_code;
        for (uint32_t i = 0; i < reply.audit_page.entries_count; i++) {
            if (!take(r, reply.audit_page.entries[i].entry))
                return no_memory(r->ctl);
            ask.after_sequence = reply.audit_page.entries[i].sequence;
        }
    }
}

/* ---- saying ---- */

static struct rfl_view queue_name(const struct replay *r, struct rfl_queue_no queue)
{
    const struct rfl_queue *found = rfl_policy_queue(r->policy, queue);
    return found != NULL ? rfl_policy_text(r->policy, found->name) : rfl_view_of("(a queue this policy lacks)");
}

static struct rfl_view rule_name(const struct replay *r, uint16_t rule)
{
    static const struct rfl_view none;
    return rule == 0 ? none : rfl_policy_text(r->policy, r->policy->rule[rule - 1].written.name);
}

static double share(const struct replay *r, uint64_t count)
{
    return r->whatif.replayed == 0 ? 0 : 100.0 * (double)count / (double)r->whatif.replayed;
}

static int by_count(const void *a, const void *b)
{
    const struct rfl_whatif_pair *one = a, *two = b;
    return (one->count < two->count) - (one->count > two->count);
}

static void digits(const struct replay *r, char out[DIGITS_SHOWN + 1])
{
    digits_of(rfl_policy_digest(r->policy), out);
}

static void print_kind(const struct replay *r, enum rfl_fate kind, const char *label)
{
    unsigned shown = 0;
    int width = 18;
    for (const char *c = label; *c != '\0'; c++)
        width += ((unsigned char)*c & 0xC0) == 0x80 ? 1 : 0;        /* bytes that are not the first of their letter */
    printf("  %-*s %10llu  %5.1f %%", width, label, (unsigned long long)r->whatif.count[kind],
           share(r, r->whatif.count[kind]));
    for (uint32_t i = 0; kind != RFL_FATE_SAME && i < r->whatif.pair_count && shown < PAIRS_SHOWN; i++) {
        const struct rfl_whatif_pair *pair = &r->whatif.pair[i];
        if (pair->kind != kind)
            continue;
        fputs(shown++ == 0 ? "    " : ", ", stdout);
        ctl_put_view(stdout, queue_name(r, pair->before));
        fputs(" → ", stdout);
        ctl_put_view(stdout, queue_name(r, pair->after));
        printf(" %llu", (unsigned long long)pair->count);
    }
    putchar('\n');
}

static const struct { enum rfl_fate kind; const char *label; bool always; } kinds[] = {
    { RFL_FATE_SAME, "same queue", true }, { RFL_FATE_OTHER_QUEUE, "other queue", false },
    { RFL_FATE_OTHER_AREA, "other area", false }, { RFL_FATE_OTHER_DESK, "other desk", false },
    { RFL_FATE_TO_AREA, "triage → area", false }, { RFL_FATE_TO_TRIAGE, "area → triage", true },
    { RFL_FATE_NO_OWNER, "no owner", true } };
static_assert(sizeof kinds / sizeof kinds[0] == RFL_FATE_COUNT - 1, "a line for each");

static void print_shadows(const struct replay *r)
{
    for (uint32_t i = 0; i <= r->shadow_count; i++) {
        const struct shadow *shadow = &r->shadow[i];
        if (shadow->count == 0)
            continue;
        fputs("shadow rule ", stdout);
        ctl_put_view(stdout, rule_name(r, shadow->rule));
        fputs(" would have made a difference: ", stdout);
        ctl_put_view(stdout, queue_name(r, shadow->from));
        fputs(" → ", stdout);
        ctl_put_view(stdout, queue_name(r, shadow->to));
        printf(" %llu\n", (unsigned long long)shadow->count);
    }
}

static void print_rooms(const struct replay *r)
{
    for (uint32_t i = 0; i < r->policy->queue_count; i++) {
        struct rfl_whatif_room room;
        rfl_whatif_room(&r->whatif, i, &room);
        if (room.days_after <= room.days_before)
            continue;
        fputs("capacity: ", stdout);
        ctl_put_view(stdout, rfl_policy_text(r->policy, r->policy->queue[i].name));
        printf(" would exceed %u on %u days (as it was: %u), at most %u people\n",
               (unsigned)r->policy->queue[i].capacity, (unsigned)room.days_after, (unsigned)room.days_before,
               (unsigned)room.peak_after);
    }
}

/* What the daemon says of the entry, in the words of the policy that decided; kind NONE when it does not know it. An
 * export has no words of that policy: a queue is called as it is in the other one, and a rule has no name. */
static int ask_decision(struct replay *r, const struct sample *sample, struct rfl_reply *reply)
{
    if (r->ctl->audit != NULL) {
        reply->decision = (struct rfl_msg_decision){ .case_code = rfl_view_of(sample->code), .at_ms = sample->at_ms,
            .queue = queue_name(r, sample->queue_before), .sequence = sample->sequence, .door = sample->door_before,
            .reason = rfl_view_of(rfl_route_reason_word((enum rfl_route_reason)sample->reason_before)) };
        return CTL_OK;
    }
    const struct rfl_ask ask = { .kind = RFL_MSG_DECISION_QUERY, .sequence = sample->sequence };
    return ctl_ask(r->ctl, &r->talk, &ask, RFL_MSG_DECISION, reply);
}

static struct rfl_view why(struct rfl_view rule, struct rfl_view reason) { return rule.len > 0 ? rule : reason; }

static int print_samples(struct replay *r)
{
    struct ctl_table table;
    struct rfl_reply reply;
    int exit_code = CTL_OK;
    if (r->samples == 0)
        return exit_code;
    ctl_table_init(&table, "CHANGE CASE WHEN DOOR WAS BY WOULD_BE BY");
    for (uint64_t i = 0; i < r->samples && exit_code == CTL_OK; i++) {
        const struct sample *sample = &r->sample[i];
        exit_code = ask_decision(r, sample, &reply);
        if (exit_code != CTL_OK)
            break;
        ctl_cell(&table, "%s", rfl_fate_word((enum rfl_fate)sample->kind));
        ctl_cell_view(&table, reply.decision.case_code);
        ctl_cell_time(&table, reply.decision.at_ms);
        ctl_cell(&table, "%s", rfl_door_name((enum rfl_door)reply.decision.door));
        ctl_cell_view(&table, reply.decision.queue);
        ctl_cell_view(&table, why(reply.decision.rule, reply.decision.reason));
        ctl_cell_view(&table, queue_name(r, (struct rfl_queue_no){ sample->queue }));
        ctl_cell_view(&table, why(rule_name(r, sample->rule), rfl_view_of(rfl_route_reason_word(
                                                                  (enum rfl_route_reason)sample->reason))));
    }
    if (exit_code == CTL_OK)
        ctl_table_print(&table, stdout);
    else
        ctl_table_drop(&table);
    return exit_code;
}

static int print_text(struct replay *r)
{
    char after[DIGITS_SHOWN + 1];
    digits(r, after);
    printf("%llu decisions replayed, %s → %s, nothing written\n", (unsigned long long)r->whatif.replayed, r->before,
           after);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].always || r->whatif.count[kinds[i].kind] > 0)
            print_kind(r, kinds[i].kind, kinds[i].label);
    print_shadows(r);
    print_rooms(r);
    if (r->directories != NULL)
        printf("directory: %llu keys placed by the other edition; %llu could not be: facts have no postcode and no "
               "practice, and their sub-ICB is not in it; they were replayed as they were placed then\n",
               (unsigned long long)r->moved, (unsigned long long)r->kept);
    if (r->unreadable > 0)
        printf("%llu entries could not be read: run referralctl store verify\n", (unsigned long long)r->unreadable);
    return print_samples(r);
}

static json_t *view_json(struct rfl_view view)
{
    return view.len == 0 ? json_string("") : json_stringn((const char *)view.p, view.len);
}

static json_t *pairs_json(const struct replay *r)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < r->whatif.pair_count; i++) {
        const struct rfl_whatif_pair *pair = &r->whatif.pair[i];
        (void)json_array_append_new(all, json_pack("{s:s, s:o, s:o, s:I}", "kind",
            rfl_fate_word((enum rfl_fate)pair->kind), "before", view_json(queue_name(r, pair->before)), "after",
            view_json(queue_name(r, pair->after)), "count", (json_int_t)pair->count));
    }
    return all;
}

static json_t *rooms_json(const struct replay *r)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < r->policy->queue_count; i++) {
        struct rfl_whatif_room room;
        rfl_whatif_room(&r->whatif, i, &room);
        if (r->policy->queue[i].capacity != 0)
            (void)json_array_append_new(all, json_pack("{s:o, s:i, s:i, s:i, s:i, s:i}", "queue",
                view_json(rfl_policy_text(r->policy, r->policy->queue[i].name)), "capacity",
                (int)r->policy->queue[i].capacity, "days_before", (int)room.days_before, "days_after",
                (int)room.days_after, "peak_before", (int)room.peak_before, "peak_after", (int)room.peak_after));
    }
    return all;
}

static json_t *shadows_json(const struct replay *r)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i <= r->shadow_count; i++) {
        const struct shadow *shadow = &r->shadow[i];
        if (shadow->count != 0)
            (void)json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:I}", "rule",
                view_json(rule_name(r, shadow->rule)), "from", view_json(queue_name(r, shadow->from)), "to",
                view_json(queue_name(r, shadow->to)), "count", (json_int_t)shadow->count));
    }
    return all;
}

static int samples_json(struct replay *r, json_t *all)
{
    struct rfl_reply reply;
    int exit_code = CTL_OK;
    for (uint64_t i = 0; i < r->samples && exit_code == CTL_OK; i++) {
        const struct sample *sample = &r->sample[i];
        exit_code = ask_decision(r, sample, &reply);
        if (exit_code != CTL_OK)
            break;
        const struct rfl_msg_decision *was = &reply.decision;
        (void)json_array_append_new(all, json_pack("{s:s, s:I, s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "kind",
            rfl_fate_word((enum rfl_fate)sample->kind), "sequence", (json_int_t)sample->sequence, "case_code",
            view_json(was->case_code), "at_ms", (json_int_t)was->at_ms, "door",
            rfl_door_name((enum rfl_door)was->door), "queue_before", view_json(was->queue), "rule_before",
            view_json(was->rule), "reason_before", view_json(was->reason), "queue_after",
            view_json(queue_name(r, (struct rfl_queue_no){ sample->queue })), "rule_after",
            view_json(rule_name(r, sample->rule)), "reason_after",
            rfl_route_reason_word((enum rfl_route_reason)sample->reason)));
    }
    return exit_code;
}

static int print_json(struct replay *r)
{
    char after[DIGITS_SHOWN + 1];
    json_t *counts = json_object(), *samples = json_array();
    digits(r, after);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        (void)json_object_set_new(counts, rfl_fate_word(kinds[i].kind),
                                  json_integer((json_int_t)r->whatif.count[kinds[i].kind]));
    int exit_code = samples_json(r, samples);
    json_t *value = json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "policy_before",
                              r->before, "policy_after", after, "replayed", (json_int_t)r->whatif.replayed, "counts",
                              counts, "pairs", pairs_json(r), "shadows", shadows_json(r), "rooms", rooms_json(r),
                              "samples", samples, "looked_up", (json_int_t)r->whatif.looked_up, "placed_again",
                              (json_int_t)r->moved, "not_placed_again", (json_int_t)r->kept, "unreadable",
                              (json_int_t)r->unreadable);
    if (exit_code == CTL_OK)
        return ctl_print_value(value);
    json_decref(value);
    return exit_code;
}

/* ---- gates ---- */

static bool over(struct replay *r, const char *limit, const char *name, uint64_t count)
{
    double most = 0;
    if (limit == NULL || !percent(limit, &most) || share(r, count) <= most)
        return false;
    fprintf(stderr, "referralctl: whatif: %s: %llu of %llu are %.3f %%, more than %s %%\n", name,
            (unsigned long long)count, (unsigned long long)r->whatif.replayed, share(r, count), limit);
    return true;
}

static int judge(struct replay *r)
{
    const uint64_t *count = r->whatif.count;
    (void)fflush(stdout);               /* the judgement after what it is about */
    bool bad = over(r, r->ctl->max_to_triage, "area → triage", count[RFL_FATE_TO_TRIAGE]);
    bad = over(r, r->ctl->max_changed, "changed", r->whatif.replayed - count[RFL_FATE_SAME]) || bad;
    if (count[RFL_FATE_NO_OWNER] > 0)
        bad = ctl_fail(r->ctl, CTL_FINDINGS, "somebody would have no owner", "see referralctl policy check") != CTL_OK;
    if (r->unreadable > 0)
        bad = ctl_fail(r->ctl, CTL_FINDINGS, "entries could not be read", "run referralctl store verify") != CTL_OK;
    return bad ? CTL_FINDINGS : CTL_OK;
}

int ctl_whatif(const struct ctl *ctl)
{
    struct replay *r = calloc(1, sizeof *r);
    if (r == NULL)
        return no_memory(ctl);
    r->ctl = ctl;
    rfl_whatif_init(&r->whatif, NULL);
    int exit_code = read_options(r);
    if (exit_code == CTL_OK)
        exit_code = load_policy(r);
    r->whatif.policy = r->policy;
    if (exit_code == CTL_OK && ctl->audit == NULL)
        exit_code = ctl_talk_open(ctl, ctl->admin, &r->talk);
    if (exit_code == CTL_OK)
        exit_code = ctl->audit != NULL ? replay_export(r) : replay_log(r);
    if (exit_code == CTL_OK) {
        qsort(r->whatif.pair, r->whatif.pair_count, sizeof r->whatif.pair[0], by_count);
        exit_code = ctl->json ? print_json(r) : print_text(r);
    }
    if (exit_code == CTL_OK)
        exit_code = judge(r);
    ctl_talk_close(&r->talk);
    free(r->sample);
    free(r->whatif.cases);
    free(r->whatif.change);
    if (r->policy != NULL)
        rfl_conf_policy_free(&r->policy);
    if (r->directories != NULL)
        rfl_directory_set_close(&r->directories);
    free(r);
    return exit_code;
}
