/* The end of the demonstration: tables, ledger, and every sum done again. */
#include <stdlib.h>

#include "ctl.h"
#include "demo.h"

enum { QUEUES_SHOWN = 8 };

/* ---- what was sent, by door ---- */

struct by_door { uint64_t sent, of_kind[DEMO_KIND_COUNT], refused; };

struct sums {
    struct by_door door[RFL_DOOR_COUNT], total;
    uint64_t joined_by[DEMO_KEY_NONE];
    uint64_t receipts, receipts_twice, replays_wrong, conflicts_wrong, unanswered;
};

static int compare_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* Equal receipts among referrals that should each have one of their own. */
static uint64_t receipts_twice(const struct demo_plan *plan)
{
    const char **all = calloc(plan->count, sizeof *all);
    uint64_t count = 0, twice = 0;
    if (all == NULL)
        return plan->count;                 /* not known to be well is not well */
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->referral[i].kind <= DEMO_JOIN && plan->referral[i].receipt[0] != '\0')
            all[count++] = plan->referral[i].receipt;
    qsort(all, count, sizeof *all, compare_text);
    for (uint64_t i = 1; i < count; i++)
        twice += strcmp(all[i - 1], all[i]) == 0;
    free(all);
    return twice;
}

static void count_one(struct sums *sums, const struct demo_plan *plan, const struct demo_referral *r)
{
    struct by_door *rows[] = { &sums->door[r->door], &sums->total };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rows[i]->sent++;
        rows[i]->of_kind[r->kind]++;
        rows[i]->refused += r->refused != RFL_CODE_OK;
    }
    sums->unanswered += !r->answered;
    sums->receipts += r->receipt[0] != '\0';
    if (r->kind == DEMO_JOIN)
        sums->joined_by[r->key]++;
    if (r->kind == DEMO_REPLAY)
        sums->replays_wrong += !r->replayed || strcmp(r->receipt, plan->referral[r->of].receipt) != 0;
    if (r->kind == DEMO_CONFLICT)
        sums->conflicts_wrong += r->refused != RFL_CODE_CONFLICT;
}

static struct sums count_all(const struct demo_plan *plan)
{
    struct sums sums = { .receipts_twice = receipts_twice(plan) };
    for (uint32_t i = 0; i < plan->count; i++)
        count_one(&sums, plan, &plan->referral[i]);
    return sums;
}

/* ---- tables ---- */

static void door_row(struct ctl_table *table, const char *name, const struct by_door *row)
{
    ctl_cell(table, "%s", name);
    ctl_cell_count(table, row->sent);
    for (unsigned kind = 0; kind < DEMO_KIND_COUNT; kind++)
        ctl_cell_count(table, row->of_kind[kind]);
}

static void print_doors(const struct sums *sums)
{
    struct ctl_table table;
    ctl_table_init(&table, "DOOR >SENT >NEW >JOINED >REPLAY >CONFLICT");
    for (unsigned door = 0; door < RFL_DOOR_COUNT; door++)
        if (sums->door[door].sent > 0)
            door_row(&table, rfl_door_name((enum rfl_door)door), &sums->door[door]);
    door_row(&table, "TOTAL", &sums->total);
    ctl_table_print(&table, stdout);
}

static uint64_t with_provider(const uint64_t by_status[RFL_STATUS_COUNT])
{
    return by_status[RFL_STATUS_ACCEPTED] + by_status[RFL_STATUS_WAITING_ON_PERSON] + by_status[RFL_STATUS_ACTIVE];
}

static void queue_row(struct ctl_table *table, const char *name, const uint64_t by_status[RFL_STATUS_COUNT])
{
    ctl_cell(table, "%s", name);
    ctl_cell_count(table, by_status[RFL_STATUS_QUEUED]);
    ctl_cell_count(table, by_status[RFL_STATUS_OFFERED]);
    ctl_cell_count(table, with_provider(by_status));
    ctl_cell_count(table, by_status[RFL_STATUS_DECLINING]);
    ctl_cell_count(table, by_status[RFL_STATUS_TRIAGE]);
    ctl_cell_count(table, by_status[RFL_STATUS_ON_HOLD]);
}

static int larger_first(const void *a, const void *b)
{
    const struct demo_queue *const *x = a, *const *y = b;
    if ((*x)->total != (*y)->total)
        return (*x)->total < (*y)->total ? 1 : -1;
    return strcmp((*x)->name, (*y)->name);
}

static void print_queues(const struct demo_findings *found)
{
    const struct demo_queue *order[DEMO_QUEUES_MAX];
    struct ctl_table table;
    uint64_t rest[RFL_STATUS_COUNT] = { 0 };
    char more[48];
    for (uint32_t i = 0; i < found->queue_count; i++)
        order[i] = &found->queue[i];
    qsort(order, found->queue_count, sizeof order[0], larger_first);
    ctl_table_init(&table, "QUEUE >WAITING >OFFERED >ACCEPTED >DECLINING >TRIAGE >ON_HOLD");
    for (uint32_t i = 0; i < found->queue_count; i++) {
        if (i < QUEUES_SHOWN)
            queue_row(&table, order[i]->name, order[i]->by_status);
        for (unsigned status = 0; i >= QUEUES_SHOWN && status < RFL_STATUS_COUNT; status++)
            rest[status] += order[i]->by_status[status];
    }
    if (found->queue_count > QUEUES_SHOWN) {
        (void)snprintf(more, sizeof more, "(%u more)", found->queue_count - QUEUES_SHOWN);
        queue_row(&table, more, rest);
    }
    queue_row(&table, "TOTAL", found->by_status);
    ctl_table_print(&table, stdout);
}

/* ---- what must hold ---- */

struct verdict { json_t *problems; int count; };

static void must(struct verdict *verdict, bool holds, const char *promise)
{
    if (holds)
        return;
    verdict->count++;
    printf("NOT SO  %s\n", promise);
    (void)json_array_append_new(verdict->problems, json_string(promise));
}

static uint64_t duplicated(const struct demo_findings *found, const struct sums *sums)
{
    uint64_t wanted = sums->total.of_kind[DEMO_NEW] + sums->total.of_kind[DEMO_JOIN];
    uint64_t extra = found->referrals > wanted ? found->referrals - wanted : 0;
    return extra + sums->receipts_twice + found->told_twice;
}

static void check_ledger(struct verdict *v, const struct demo *demo, const struct demo_findings *found,
                         const struct sums *sums)
{
    const uint64_t *kinds = sums->total.of_kind;
    uint64_t open = 0;
    for (unsigned status = RFL_STATUS_RECEIVED; status < RFL_STATUS_COUNT; status++)
        open += found->by_status[status];
    must(v, sums->unanswered == 0, "every referral that was sent has an answer");
    must(v, demo->lost == 0, "every reference is still known under the receipt it was given");
    must(v, duplicated(found, sums) == 0, "nothing is stored twice and no receipt was given twice");
    must(v, sums->receipts == kinds[DEMO_NEW] + kinds[DEMO_JOIN] + kinds[DEMO_REPLAY],
         "receipts are the new, the joined and the replayed referrals");
    must(v, found->referrals == kinds[DEMO_NEW] + kinds[DEMO_JOIN], "stored referrals are the new and the joined ones");
    must(v, found->cases == kinds[DEMO_NEW], "every new person has one case, and a closed one's next referral its own");
    must(v, found->joined == kinds[DEMO_JOIN], "every person who came again by another door joined the open case");
    must(v, sums->replays_wrong == 0, "a replay gets the first receipt again, and is told that it is one");
    must(v, sums->conflicts_wrong == 0, "the same reference with other bytes is a conflict");
    must(v, found->adds_up && open == found->cases, "cases are the sum of their statuses");
    must(v, found->listed == found->cases && found->listed_referrals == found->referrals,
         "the list has every case with all its referrals");
}

static uint64_t taken_over(const struct demo *demo)
{
    uint64_t taken = 0;
    for (uint32_t i = 0; i < demo->cut_count; i++)
        taken += demo->cut[i].taken;
    return taken;
}

static void check_work(struct verdict *v, const struct demo *demo, const struct demo_findings *found)
{
    const struct demo_tally *tally = &demo->tally;
    uint64_t accepted = with_provider(found->by_status), declining = found->by_status[RFL_STATUS_DECLINING];
    uint64_t answered = demo->journey.sent_back + demo->journey.approved;
    must(v, found->by_status[RFL_STATUS_OFFERED] == 0 && found->by_status[RFL_STATUS_RECEIVED] == 0,
         "nothing is out with a worker who has gone");
    /* A verb whose answer was lost in the kill took effect once; its repetition was refused: that is in fenced. */
    must(v, found->told <= accepted && accepted <= found->told + tally->fenced,
         "what workers were told they accepted is what the store says is accepted");
    must(v, found->told_twice == 0, "no case was accepted by two workers");
    must(v, found->told_wrong == 0, "every case a worker was told it accepted is with its provider");
    must(v, tally->declined <= declining + answered && declining + answered <= tally->declined + tally->fenced,
         "what workers declined was answered by triage, or waits for it");
    must(v, found->hops <= tally->redirected + demo->journey.moves + tally->fenced,
         "no case moved on that nobody redirected");
    must(v, tally->redirected > 0 && tally->deferred > 0 && tally->declined > 0, "workers did all they can do");
    must(v, tally->refused == 0, "no worker was refused but for offers that had lapsed or were answered before");
    must(v, demo->daemon_kills > 0 && demo->worker_kills > 0, "somebody was killed");
    must(v, demo->keys > demo_source_count + DEMO_DESKS && demo->strangers_refused == 1,
         "everybody has a key, and a key nobody knows is refused");
    must(v, demo->cut_count > 0 && taken_over(demo) == demo->cut_count,
         "whom a worker held whose key was revoked, others were offered");
    must(v, demo->feedback_gaps == 0, "no mailbox has a gap");
    must(v, demo->feedback >= accepted, "of every accepted case somebody heard");
    must(v, found->daemon_exit == 0, "the daemon stopped in order when asked");
    must(v, found->verify_exit == 0, "the store verifies: chain, records, seals, tables");
}

/* Each of the journey's harder moments, and what follows from it. */
static void check_journey(struct verdict *v, const struct demo *demo, const struct demo_findings *found)
{
    const struct demo_journey *j = &demo->journey;
    uint64_t told = 0;
    for (unsigned word = 0; word < RFL_TELL_COUNT; word++)
        told += j->told[word];
    must(v, j->paused_waiting > 0 && j->diverted > 0, "a paused queue kept its people, a diverted one sent them on");
    must(v, j->sent_back > 0 && j->approved > 0, "triage sent declines back and approved others");
    must(v, j->released > 0 && j->released <= j->held_for_consent, "who agreed was released");
    must(v, j->withdrawn == 1 && j->fenced_after == 1,
         "who withdrew in the middle of an offer was disclosed to nobody");
    must(v, j->do_not_contact == 1, "a no is respected when the same person is referred again");
    must(v, j->over_budget == 1 && j->moves > 1, "the redirect beyond the budget went to triage");
    must(v, j->warned >= DEMO_SCENE_LATE_COUNT && j->escalated >= 2 * (uint64_t)DEMO_SCENE_LATE_COUNT
         && j->national == DEMO_SCENE_LATE_COUNT, "clocks that ran out warned, then asked the next one up");
    must(v, j->told[RFL_TELL_WAITING] >= DEMO_SCENE_LATE_COUNT, "who referred them heard that they are still waiting");
    must(v, told == demo->feedback && j->told[RFL_TELL_NOTHING] == 0, "every piece of feedback is a known word");
    must(v, found->by_status[RFL_STATUS_CLOSED] == j->withdrawn, "nobody is closed but who withdrew");
}

/* ---- JSON ---- */

static json_t *doors_json(const struct sums *sums)
{
    json_t *doors = json_array();
    for (unsigned door = 0; door < RFL_DOOR_COUNT; door++) {
        const struct by_door *row = &sums->door[door];
        if (row->sent > 0)
            (void)json_array_append_new(doors, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "door",
                rfl_door_name((enum rfl_door)door), "sent", (json_int_t)row->sent, "new",
                (json_int_t)row->of_kind[DEMO_NEW], "joined", (json_int_t)row->of_kind[DEMO_JOIN], "replays",
                (json_int_t)row->of_kind[DEMO_REPLAY], "conflicts", (json_int_t)row->of_kind[DEMO_CONFLICT],
                "refused", (json_int_t)row->refused));
    }
    return doors;
}

static json_t *statuses_json(const uint64_t by_status[RFL_STATUS_COUNT])
{
    json_t *statuses = json_object();
    for (unsigned status = RFL_STATUS_RECEIVED; status < RFL_STATUS_COUNT; status++)
        (void)json_object_set_new(statuses, rfl_status_word((enum rfl_status)status),
                                  json_integer((json_int_t)by_status[status]));
    return statuses;
}

static json_t *queues_json(const struct demo_findings *found)
{
    json_t *queues = json_array();
    for (uint32_t i = 0; i < found->queue_count; i++)
        (void)json_array_append_new(queues, json_pack("{s:s, s:I, s:o}", "queue", found->queue[i].name, "cases",
            (json_int_t)found->queue[i].total, "by_status", statuses_json(found->queue[i].by_status)));
    return queues;
}

static void add_count(json_t *object, const char *key, uint64_t value)
{
    (void)json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* As referralctl printed it; null when that is no JSON. */
static void add_answer(json_t *object, const struct demo *demo, enum demo_question question)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.json", demo->dir, demo_question_name(question));
    json_t *answer = json_load_file(path, 0, NULL);
    (void)json_object_set_new(object, demo_question_name(question), answer != NULL ? answer : json_null());
}

static void add_journey(json_t *object, const struct demo_journey *j, const struct sums *sums)
{
    static const char *const keys[] = { "nhs_number", "nino", "name_birth_postcode" };
    const struct { const char *key; uint64_t value; } counts[] = {
        { "paused_waiting", j->paused_waiting }, { "diverted", j->diverted }, { "sent_back", j->sent_back },
        { "approved", j->approved }, { "held_for_consent", j->held_for_consent }, { "released", j->released },
        { "withdrawn", j->withdrawn }, { "fenced_after_withdrawal", j->fenced_after }, { "moves", j->moves },
        { "over_budget", j->over_budget }, { "do_not_contact", j->do_not_contact }, { "warned", j->warned },
        { "escalated", j->escalated }, { "escalated_to_the_top", j->national },
    };
    json_t *joined = json_object(), *told = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        add_count(object, counts[i].key, counts[i].value);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        add_count(joined, keys[i], sums->joined_by[i]);
    for (unsigned word = RFL_TELL_NOTHING + 1; word < RFL_TELL_COUNT; word++)
        add_count(told, rfl_tell_word((enum rfl_tell)word), j->told[word]);
    (void)json_object_set_new(object, "joined_by", joined);
    (void)json_object_set_new(object, "feedback_by_word", told);
}

static bool write_json(const struct demo *demo, const struct demo_findings *found, const struct sums *sums,
                       json_t *problems, double seconds)
{
    const struct demo_tally *tally = &demo->tally;
    const struct { const char *key; uint64_t value; } counts[] = {
        { "seed", demo->world.seed }, { "areas", demo->world.area_count }, { "sent", demo->sent },
        { "receipts", sums->receipts }, { "referrals", found->referrals }, { "cases", found->cases },
        { "joined", found->joined }, { "replays", sums->total.of_kind[DEMO_REPLAY] },
        { "conflicts", sums->total.of_kind[DEMO_CONFLICT] }, { "refused", sums->total.refused },
        { "offers", tally->offers }, { "accepted", with_provider(found->by_status) },
        { "accepted_told", found->told },
        { "accepted_twice", found->told_twice }, { "added_later", tally->added },
        { "declined", tally->declined }, { "redirected", tally->redirected },
        { "deferred", tally->deferred }, { "started", tally->started }, { "fenced", tally->fenced },
        { "triage", found->by_status[RFL_STATUS_TRIAGE] }, { "waiting", found->by_status[RFL_STATUS_QUEUED] },
        { "on_hold", found->by_status[RFL_STATUS_ON_HOLD] }, { "closed", found->by_status[RFL_STATUS_CLOSED] },
        { "feedback", demo->feedback },
        { "lost", demo->lost }, { "duplicated", duplicated(found, sums) }, { "log_entries", found->log_entries },
        { "kills", demo->daemon_kills + demo->worker_kills }, { "daemon_kills", demo->daemon_kills },
        { "worker_kills", demo->worker_kills }, { "offers_at_death", demo->held_at_death },
        { "keys", demo->keys }, { "strangers_refused", demo->strangers_refused },
        { "offers_at_revocation", demo->cut_count }, { "taken_over", taken_over(demo) },
    };
    json_t *object = json_object();
    add_journey(object, &demo->journey, sums);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        add_count(object, counts[i].key, counts[i].value);
    for (unsigned i = 0; i < DEMO_QUESTIONS; i++)
        add_answer(object, demo, (enum demo_question)i);
    (void)json_object_set_new(object, "seconds", json_real(seconds));
    (void)json_object_set_new(object, "store_verified", json_boolean(found->verify_exit == 0));
    (void)json_object_set_new(object, "by_status", statuses_json(found->by_status));
    (void)json_object_set_new(object, "doors", doors_json(sums));
    (void)json_object_set_new(object, "queues", queues_json(found));
    (void)json_object_set(object, "problems", problems);
    bool good = json_dump_file(object, demo->json_path, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0;
    json_decref(object);
    return good;
}

/* ---- all of it ---- */

static void print_ledger(const struct demo *demo, const struct demo_findings *found, const struct sums *sums)
{
    const uint64_t *s = found->by_status, *kinds = sums->total.of_kind;
    printf("\nledger  %u sent = %llu cases + %llu joined + %llu replays + %llu conflicts\n"
           "        %llu cases = waiting %llu + accepted %llu + declining %llu + triage %llu + on hold %llu"
           " + closed %llu\n",
           demo->sent, (unsigned long long)found->cases, (unsigned long long)found->joined,
           (unsigned long long)kinds[DEMO_REPLAY], (unsigned long long)kinds[DEMO_CONFLICT],
           (unsigned long long)found->cases, (unsigned long long)s[RFL_STATUS_QUEUED],
           (unsigned long long)with_provider(s), (unsigned long long)s[RFL_STATUS_DECLINING],
           (unsigned long long)s[RFL_STATUS_TRIAGE], (unsigned long long)s[RFL_STATUS_ON_HOLD],
           (unsigned long long)s[RFL_STATUS_CLOSED]);
    printf("work    %llu offers: accepted %llu (%llu started), declined %llu, redirected %llu, deferred %llu;"
           " %llu pieces of feedback read\n", (unsigned long long)demo->tally.offers,
           (unsigned long long)with_provider(s), (unsigned long long)demo->tally.started,
           (unsigned long long)demo->tally.declined, (unsigned long long)demo->tally.redirected,
           (unsigned long long)demo->tally.deferred, (unsigned long long)demo->feedback);
}

static void journey_line(struct ctl_table *table, const char *what, uint64_t count, const char *then)
{
    ctl_cell(table, "%s", what);
    ctl_cell_count(table, count);
    ctl_cell(table, "%s", then);
}

static void print_journey(const struct demo_journey *j, const struct sums *sums)
{
    struct ctl_table table;
    ctl_table_init(&table, "JOURNEY >COUNT WHAT_FOLLOWED");
    journey_line(&table, "joined by NHS number", sums->joined_by[DEMO_KEY_NHS_NUMBER], "one person, one case");
    journey_line(&table, "joined by NINO", sums->joined_by[DEMO_KEY_NINO], "likewise");
    journey_line(&table, "joined by name, birth, postcode", sums->joined_by[DEMO_KEY_NAME_BIRTH_POSTCODE],
                 "likewise");
    journey_line(&table, "held for consent", j->held_for_consent, "nothing was passed on");
    journey_line(&table, "agreed later", j->released, "released to their queue");
    journey_line(&table, "declines sent back", j->sent_back, "to who declined");
    journey_line(&table, "declines approved", j->approved, "placed with another provider");
    journey_line(&table, "waited in paused queues", j->paused_waiting, "offered once it was over");
    journey_line(&table, "diverted", j->diverted, "to the queue the operator named");
    journey_line(&table, "withdrawn while on offer", j->withdrawn, "closed; a late yes was fenced");
    journey_line(&table, "referred again after a no", j->do_not_contact, "held, with an owner and an end");
    journey_line(&table, "redirects of one case", j->moves, "the last one over the budget: triage has it");
    journey_line(&table, "warnings of clocks", j->warned, "at 50 % and 80 % of the time");
    journey_line(&table, "breaches of clocks", j->escalated, "the lead was asked, then the next one up");
    journey_line(&table, "still-waiting notices", j->told[RFL_TELL_WAITING], "read by who referred them");
    ctl_table_print(&table, stdout);
}

int demo_report(const struct demo *demo, const struct demo_findings *found)
{
    struct sums sums = count_all(&demo->plan);
    struct verdict verdict = { json_array(), 0 };
    double seconds = (double)(demo_now_ms() - demo->started_ms) / 1000;
    (void)putchar('\n');
    print_doors(&sums);
    (void)putchar('\n');
    print_queues(found);
    (void)putchar('\n');
    print_journey(&demo->journey, &sums);
    demo_questions_print(demo);
    print_ledger(demo, found, &sums);
    check_ledger(&verdict, demo, found, &sums);
    check_work(&verdict, demo, found);
    check_journey(&verdict, demo, found);
    printf("store   %llu log entries, chain %s; the daemon was killed %u time(s), a worker holding %u offers once;"
           " %.1f s\n", (unsigned long long)found->log_entries, found->verify_exit == 0 ? "verified" : "NOT VERIFIED",
           demo->daemon_kills, demo->held_at_death, seconds);
    if (demo->json_path != NULL)
        must(&verdict, write_json(demo, found, &sums, verdict.problems, seconds), "the JSON file can be written");
    json_decref(verdict.problems);
    printf("lost %llu   duplicated %llu\n", (unsigned long long)demo->lost,
           (unsigned long long)duplicated(found, &sums));
    return verdict.count;
}
