/* What operators ask. Reads only; nothing here names a person: bodies stay sealed but for the directory lines of an
 * explanation, and those are never a postcode's. */
#include "rfl_areas.h"

enum { ROWS_MAX = 200, ROWS_DEFAULT = 50, TIMELINE_MAX = 400, LIST_SCAN_MAX = 20000, RECEIPTS_SHOWN_MAX = 64,
       DIGEST_TEXT = 12, PAGE_BYTES_MAX = 48 * 1024 /* of an answer's rows: it has to fit one frame */ };
/* The end of the year 9999: dates end there. */
static const int64_t EXPLAIN_AT_MS_MAX = INT64_C(253402300799999);

static struct rfl_view digest_text(struct rfl_engine *e, struct rfl_hash digest)
{
    static const char hex[] = "0123456789abcdef";
    char text[DIGEST_TEXT];
    for (unsigned i = 0; i < DIGEST_TEXT; i++)
        text[i] = hex[(digest.b[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
    return rfl__copy(e, text, DIGEST_TEXT);
}

/* ---- status ---- */

static void handle_state(struct rfl_engine *e, uint64_t session)
{
    struct rfl_store_stat stat;
    rfl_store_stat(e->store, &stat);
    struct rfl_msg_admin_state *state = &rfl__say(e, session, RFL_MSG_ADMIN_STATE)->admin_state;
    struct rfl_counter *counters = rfl_arena_take(&e->arena, RFL__COUNTER_COUNT * sizeof *counters);
    uint64_t cases = 0;
    state->version = rfl__literal(RFL_VERSION);
    state->policy = digest_text(e, rfl_policy_digest(e->policy));
    state->policy_since_ms = rfl__policy_since(e);
    state->directory = rfl__literal(e->directory != NULL ? rfl_directory_label(e->directory) : "none");
    state->epoch = stat.epoch;
    state->log_entries = stat.entries;
    state->referrals = stat.referrals;
    state->cases = stat.cases;
    state->joined = stat.joined;
    state->store_permille = rfl_store_used_permille(e->store);
    state->store_bytes = stat.used_bytes;
    state->mailbox_rows = stat.mailbox_rows;
    state->index_bytes = stat.index_bytes;
    rfl__want_head(e, &state->head);
    state->started_ms = e->started_ms;
    state->now_ms = e->now.wall_ms;
    for (unsigned i = 0; i < RFL_STATUS_COUNT; i++) {
        state->by_status[i] = stat.case_by_status[i];
        cases += stat.case_by_status[i];
    }
    state->adds_up = cases == stat.cases && stat.referrals == stat.cases + stat.joined;
    for (unsigned i = 0; counters != NULL && i < RFL__COUNTER_COUNT; i++)
        counters[i] = (struct rfl_counter){ rfl__literal(e->counters[i].name), e->counters[i].value };
    state->counters = counters;
    state->counters_count = counters != NULL ? RFL__COUNTER_COUNT : 0;
}

/* ---- queues ---- */

static uint32_t workers_of(const struct rfl_engine *e, struct rfl_queue_no queue)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->sessions.count; i++) {
        const struct rfl__session *s = &e->sessions.slots[i];
        for (uint32_t k = 0; s->holder != 0 && k < s->queue_count; k++)
            count += s->queues[k].v == queue.v;
    }
    return count;
}

void rfl__queue_row(struct rfl_engine *e, const struct rfl_queue *queue, struct rfl_queue_row *row)
{
    *row = (struct rfl_queue_row){ .name = rfl_policy_text(e->policy, queue->name),
                                   .owner = rfl_policy_text(e->policy, queue->owner),
                                   .area = rfl__area_name(e, queue->area), .workers = workers_of(e, queue->id) };
    row->waiting = rfl__waiting_in(e, queue->id, &row->oldest_ms);
    rfl__queue_settings(e, queue->id, row);
}

/* Queues in the policy's order; pages by the name of the last one seen. */
static void handle_queues(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    const struct rfl_queue *last = ask->after.len > 0 ? rfl_policy_queue_by_name(e->policy, ask->after) : NULL;
    if (ask->after.len > 0 && last == NULL) {
        rfl__refuse(e, session, RFL_CODE_UNKNOWN_QUEUE);
        return;
    }
    struct rfl_msg_queues *queues = &rfl__say(e, session, RFL_MSG_QUEUES)->queues;
    struct rfl_queue_row *rows = rfl_arena_take(&e->arena, ROWS_MAX * sizeof *rows);
    size_t bytes = 0;
    uint32_t i = last == NULL ? 0 : (uint32_t)(last - e->policy->queue) + 1;
    for (; rows != NULL && i < e->policy->queue_count; i++) {
        queues->more = queues->rows_count == ROWS_MAX || bytes > PAGE_BYTES_MAX;
        if (queues->more)
            break;
        struct rfl_queue_row *row = &rows[queues->rows_count++];
        rfl__queue_row(e, &e->policy->queue[i], row);
        bytes += row->name.len + row->owner.len + row->area.len + row->to.len + row->set_by.len + row->why.len + 80;
    }
    queues->rows = rows;
}

/* ---- cases ---- */

void rfl__case_row(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_case_row *row)
{
    *row = (struct rfl_case_row){
        .case_code = rfl__case_text(e, kase->id), .area = rfl__area_name(e, kase->area),
        .queue = rfl__queue_name(e, kase->queue), .owner = rfl_owner_of(e->policy, kase, e->now.wall_ms),
        .next_action = rfl__literal(rfl_next_action((enum rfl_status)kase->status)),
        .receipt = rfl__receipt_text(e, kase->first_referral), .status = kase->status, .door = kase->door,
        .band = kase->band, .opened_ms = kase->opened_ms, .due_ms = kase->due_ms,
        .referrals = kase->referral_count, .hops = kase->hops, .escalation = kase->escalation };
    if (kase->hold != RFL_HOLD_NONE)
        row->hold = rfl__literal(rfl_hold_word((enum rfl_hold)kase->hold));
    if (kase->linked_to.v != 0)
        row->linked_to = rfl__case_text(e, kase->linked_to);
    if (kase->resembles.v != 0)
        row->resembles = rfl__case_text(e, kase->resembles);
    if (kase->previous.v != 0)
        row->previous = rfl__case_text(e, kase->previous);
    row->kept = kase->kept != 0;
    row->erased = kase->erased != 0;
}

static bool passes(const struct rfl_ask *ask, const struct rfl_queue *queue, const struct rfl_case *kase)
{
    return (ask->status == RFL_STATUS_NONE || kase->status == ask->status) &&
           (ask->door == RFL_DOOR_NONE || kase->door == ask->door) &&
           (queue == NULL || kase->queue.v == queue->id.v);
}

static size_t bytes_of_row(const struct rfl_case_row *row)
{
    return row->case_code.len + row->area.len + row->queue.len + row->owner.len + row->next_action.len +
           row->receipt.len + row->hold.len + row->linked_to.len + row->resembles.len +
           row->previous.len + 80;
}

/* In order of case number. A page ends at `limit` rows, at PAGE_BYTES_MAX or after LIST_SCAN_MAX cases looked at,
 * whichever is first: `next` goes on from there, so no filter can hold up the daemon's turn. */
static void handle_list(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    const struct rfl_queue *queue = ask->queue.len > 0 ? rfl_policy_queue_by_name(e->policy, ask->queue) : NULL;
    uint32_t limit = ask->limit == 0 ? ROWS_DEFAULT : ask->limit < ROWS_MAX ? ask->limit : ROWS_MAX;
    struct rfl_case_row *rows = rfl_arena_take(&e->arena, limit * sizeof *rows);
    enum rfl_receipt_kind kind = RFL_RECEIPT_CASE;
    uint64_t id = 0;
    if (ask->queue.len > 0 && queue == NULL) {
        rfl__refuse(e, session, RFL_CODE_UNKNOWN_QUEUE);
        return;
    }
    if (ask->after.len > 0 &&
        (rfl_receipt_decode(rfl_store_receipt_key(e->store), ask->after, &kind, &id) != RFL_E_OK ||
         kind != RFL_RECEIPT_CASE)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    struct rfl_msg_cases *cases = &rfl__say(e, session, RFL_MSG_CASES)->cases;
    uint64_t last = rfl_store_next_case(e->store).v - 1, scanned = 0;
    size_t bytes = 0;
    while (rows != NULL && id < last && cases->rows_count < limit && bytes < PAGE_BYTES_MAX &&
           scanned++ < LIST_SCAN_MAX) {
        struct rfl_case kase;
        id++;
        if (rfl_store_case(e->store, (struct rfl_case_id){ id }, &kase) != RFL_E_OK || !passes(ask, queue, &kase))
            continue;
        rfl__case_row(e, &kase, &rows[cases->rows_count]);
        bytes += bytes_of_row(&rows[cases->rows_count++]);
    }
    cases->rows = rows;
    if (id < last)
        cases->next = rfl__case_text(e, (struct rfl_case_id){ id });
}

/* ---- one case ---- */

struct rfl_view rfl__actor_text(struct rfl_engine *e, const struct rfl_entry *entry)
{
    static const char *const words[] = { "system", "source", "worker", "operator", "clock" };
    const struct rfl_source *source = rfl_policy_source(e->policy, entry->source);
    if (entry->actor_name.len > 0)
        return rfl__copy(e, entry->actor_name.p, entry->actor_name.len);
    if (source != NULL)
        return rfl_policy_text(e->policy, source->name);
    return rfl__literal(entry->actor < sizeof words / sizeof words[0] ? words[entry->actor] : "unknown");
}

/* Where, and why there: "greater-manchester/intake (placed_despite_no)". */
static struct rfl_view placed_text(struct rfl_engine *e, const struct rfl_event *event)
{
    struct rfl_view queue = rfl__queue_name(e, event->queue);
    struct rfl_view reason = rfl__literal(rfl_route_reason_word((enum rfl_route_reason)event->reason));
    size_t len = queue.len + reason.len + 3;
    uint8_t *text = rfl_arena_take(&e->arena, len);
    if (text == NULL)
        return queue;
    if (queue.len > 0)
        memcpy(text, queue.p, queue.len);
    memcpy(text + queue.len, " (", 2);
    memcpy(text + queue.len + 2, reason.p, reason.len);
    text[len - 1] = ')';
    return (struct rfl_view){ text, len };
}

static struct rfl_view event_detail(struct rfl_engine *e, const struct rfl_event *event)
{
    switch (event->kind) {
    case RFL_EVENT_ROUTED:
    case RFL_EVENT_UNPLACED:
    case RFL_EVENT_REHOMED:
    case RFL_EVENT_UNHOMED:
    case RFL_EVENT_HELD: return placed_text(e, event);
    case RFL_EVENT_RECEIVED:
    case RFL_EVENT_JOINED: return rfl__literal(rfl_door_name((enum rfl_door)event->submission.door));
    case RFL_EVENT_DECLINED:
    case RFL_EVENT_REDIRECTED: return rfl__literal(rfl_decline_word((enum rfl_decline)event->reason));
    case RFL_EVENT_CLOSED: return rfl__literal(rfl_close_word((enum rfl_close)event->reason));
    case RFL_EVENT_OUTCOME: return rfl__literal(rfl_outcome_word((enum rfl_outcome)event->code));
    case RFL_EVENT_STARTED: return rfl__literal(rfl_employment_word((enum rfl_employment)event->code));
    case RFL_EVENT_CONTACTED:
    case RFL_EVENT_TRIED: return rfl__literal(rfl_channel_word((enum rfl_channel)event->code));
    case RFL_EVENT_WARNED: return rfl__literal(event->level == 1 ? "half" : "most");
    case RFL_EVENT_WITHDRAWN: return rfl__literal(rfl_withdraw_word((enum rfl_withdraw)event->reason));
    case RFL_EVENT_RESEMBLED:
    case RFL_EVENT_LINKED:
    case RFL_EVENT_UNLINKED: return rfl__case_text(e, event->other);
    default: return rfl__literal("");           /* its name says it all */
    }
}

/* Newest entry first in the store, oldest first in the answer; a very long story keeps its newest part. */
static void fill_timeline(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_msg_shown *shown)
{
    struct rfl_timeline_row *rows = rfl_arena_take(&e->arena, TIMELINE_MAX * sizeof *rows);
    uint32_t at = TIMELINE_MAX;
    size_t bytes = 0;
    for (struct rfl_seq seq = kase->last_seq; rows != NULL && seq.v != 0;) {
        struct rfl_entry entry;
        if (rfl_store_entry(e->store, seq, &entry) != RFL_E_OK)
            break;
        if (at < entry.event_count || bytes > PAGE_BYTES_MAX) {
            shown->truncated = true;
            break;
        }
        struct rfl_view actor = rfl__actor_text(e, &entry);
        for (uint32_t i = entry.event_count; i-- > 0;) {
            const struct rfl_event *event = &entry.events[i];
            rows[--at] = (struct rfl_timeline_row){
                entry.seq.v, entry.wall_ms, rfl__literal(rfl_event_kind_word((enum rfl_event_kind)event->kind)),
                actor, event_detail(e, event) };
            bytes += rows[at].event.len + rows[at].actor.len + rows[at].detail.len + 32;
        }
        seq = entry.prev_of_case;
    }
    shown->timeline = rows == NULL ? NULL : rows + at;
    shown->timeline_count = rows == NULL ? 0 : TIMELINE_MAX - at;
}

static void handle_show(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl_case kase;
    struct rfl_referral referral;
    if (!rfl__find_code(e, ask->code, &kase, NULL)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    struct rfl_msg_shown *shown = &rfl__say(e, session, RFL_MSG_SHOWN)->shown;
    struct rfl_view *receipts = rfl_arena_take(&e->arena, RECEIPTS_SHOWN_MAX * sizeof *receipts);
    rfl__case_row(e, &kase, &shown->row);
    fill_timeline(e, &kase, shown);
    for (struct rfl_referral_id id = kase.last_referral;
         receipts != NULL && id.v != 0 && shown->receipts_count < RECEIPTS_SHOWN_MAX; id = referral.prev_on_case) {
        if (rfl_store_referral(e->store, id, &referral) != RFL_E_OK)
            break;
        receipts[shown->receipts_count++] = rfl__receipt_text(e, id);
    }
    shown->receipts = receipts;
}

/* ---- explain ---- */

static struct rfl_view code_view(struct rfl_engine *e, const char code[RFL_CODE_BYTES])
{
    size_t len = 0;
    while (len < RFL_CODE_BYTES && code[len] != '\0')
        len++;
    return rfl__copy(e, code, len);
}

static void add_marks(struct rfl_engine *e, const struct rfl_route_step *step, struct rfl_candidate_row *row)
{
    static const struct { uint8_t flag; const char *text; } marks[] = {
        { RFL_STEP_TERMINATED, "terminated" }, { RFL_STEP_LARGE_USER, "large_user" },
        { RFL_STEP_CLOSED_PRACTICE, "closed_practice" } };
    struct rfl_view *list = rfl_arena_take(&e->arena, sizeof marks / sizeof marks[0] * sizeof *list);
    for (unsigned i = 0; list != NULL && i < sizeof marks / sizeof marks[0]; i++)
        if ((step->flags & marks[i].flag) != 0)
            list[row->marks_count++] = rfl__literal(marks[i].text);
    row->marks = list;
}

static void fill_explained(struct rfl_engine *e, const struct rfl_facts *facts, const struct rfl_decision *decision,
                           const uint32_t *lines, struct rfl_msg_explained *out)
{
    struct rfl_candidate_row *rows = rfl_arena_take(&e->arena, RFL_KEY_COUNT * sizeof *rows);
    const struct rfl_queue *queue = rfl_policy_queue(e->policy, decision->queue);
    bool consent = rfl_policy_consent_ok(e->policy, (enum rfl_door)facts->door, (enum rfl_consent)facts->consent);
    out->verdict = rfl__literal(rfl_verdict_word((enum rfl_verdict)decision->verdict));
    out->reason = rfl__literal(rfl_route_reason_word((enum rfl_route_reason)decision->reason));
    out->area = rfl__area_name(e, decision->area);
    out->queue = rfl__queue_name(e, decision->queue);
    out->owner = queue != NULL ? rfl_policy_text(e->policy, queue->owner) : rfl__literal("");
    out->consent = rfl__literal(consent ? rfl_consent_word((enum rfl_consent)facts->consent) : "missing");
    out->door = facts->door;
    for (unsigned i = 0; rows != NULL && i < RFL_KEY_COUNT; i++) {
        const struct rfl_route_step *step = &decision->step[i];
        const struct rfl_clue *clue = &facts->clue[step->key];
        struct rfl_candidate_row *row = &rows[out->candidates_count++];
        row->key = rfl__literal(rfl_key_word((enum rfl_key)step->key));
        row->grade = rfl__literal(rfl_grade_word((enum rfl_grade)clue->grade));
        row->icb = code_view(e, clue->icb);
        row->sub_icb = code_view(e, clue->sub_icb);
        row->area = rfl__area_name(e, step->area);
        row->how = rfl__literal(rfl_how_word((enum rfl_how)step->how));
        row->chosen = (step->flags & RFL_STEP_CHOSEN) != 0;
        row->edition = clue->edition;
        row->line = step->key == RFL_KEY_POSTCODE ? 0 : lines[step->key];   /* a postcode's line names the postcode */
        add_marks(e, step, row);
    }
    out->candidates = rows;
}

static void explain_hypothetical(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    int64_t at_ms = ask->at_ms != 0 ? ask->at_ms : e->now.wall_ms;
    if (at_ms < 0 || at_ms > EXPLAIN_AT_MS_MAX) {
        rfl__refuse(e, session, RFL_CODE_INVALID);
        return;
    }
    const struct rfl_directory *today = e->directory;
    struct rfl_facts facts;
    struct rfl_decision decision;
    uint32_t lines[RFL_KEY_COUNT];
    e->directory = rfl_directory_set_at(e->options.directories, at_ms);
    rfl__facts_of(e, &ask->form, (struct rfl_source_no){ 0 }, at_ms, &facts);
    e->directory = today;
    if (ask->at_ms == 0)
        rfl__route(e, &facts, NULL, &decision);
    else
        rfl_route(e->policy, &facts, at_ms, &decision);     /* how full queues are is only known of now */
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        lines[key] = facts.clue[key].line;
    struct rfl_msg_explained *out = &rfl__say(e, session, RFL_MSG_EXPLAINED)->explained;
    out->hypothetical = true;
    out->at_ms = at_ms;
    out->policy = digest_text(e, rfl_policy_digest(e->policy));
    fill_explained(e, &facts, &decision, lines, out);
    rfl__explain_rules(e, e->policy, &(struct rfl_decided){ facts, decision }, at_ms, ask->counterfactual, out);
    if (ask->findings.count > 0)
        out->warnings = (const void *)rfl__copy(e, ask->findings.list,
                                                ask->findings.count * sizeof ask->findings.list[0]).p;
    out->warnings_count = out->warnings == NULL ? 0 : ask->findings.count;
}

static void explain_stored(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl_case kase;
    struct rfl_referral referral;
    struct rfl_entry entry;
    struct rfl_hash digest;
    struct rfl_personal_submission personal = { { NULL, 0 }, { NULL, 0 }, { 0 } };
    bool found = rfl__find_code(e, ask->code, &kase, &referral);
    if (found && referral.id.v == 0)
        found = rfl_store_referral(e->store, kase.first_referral, &referral) == RFL_E_OK;
    if (!found || rfl_store_entry(e->store, referral.latest, &entry) != RFL_E_OK || !entry.has_decided) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    struct rfl_decided decided = entry.decided;         /* the entry's memory is lent only until the next read */
    struct rfl_seq policy = entry.policy;
    int64_t at_ms = entry.wall_ms;
    if (rfl__open_submission(e, &referral, &personal) != RFL_E_OK)
        memset(personal.line, 0, sizeof personal.line);     /* explained without lines */
    struct rfl_msg_explained *out = &rfl__say(e, session, RFL_MSG_EXPLAINED)->explained;
    out->code = rfl__receipt_text(e, referral.id);
    out->at_ms = at_ms;
    const struct rfl_policy *decider = rfl__policy_of(e, policy, &digest);
    out->policy = digest_text(e, digest);
    out->next_action = rfl__literal(rfl_next_action((enum rfl_status)kase.status));
    out->due_ms = kase.due_ms;
    fill_explained(e, &decided.facts, &decided.decision, personal.line, out);
    rfl__explain_rules(e, decider, &decided, at_ms, ask->counterfactual, out);
}

void rfl__handle_admin(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    if (ask->kind == RFL_MSG_ADMIN_STATUS)
        handle_state(e, session);
    else if (ask->kind == RFL_MSG_QUEUE_LIST)
        handle_queues(e, session, ask);
    else if (ask->kind == RFL_MSG_LIST)
        handle_list(e, session, ask);
    else if (ask->kind == RFL_MSG_SHOW)
        handle_show(e, session, ask);
    else if (ask->kind == RFL_MSG_QUEUE_SET)
        rfl__handle_queue_set(e, session, ask);
    else if (ask->kind == RFL_MSG_AUDIT_READ)
        rfl__handle_audit_read(e, session, ask);
    else if (ask->kind == RFL_MSG_POLICY_LIST)
        rfl__handle_policy_list(e, session);
    else if (ask->kind == RFL_MSG_REVEAL)
        rfl__handle_reveal(e, session, ask);
    else if (ask->kind == RFL_MSG_TOLD_QUERY)
        rfl__handle_told(e, session, ask);
    else if (ask->kind == RFL_MSG_RETENTION_QUERY)
        rfl__handle_retention(e, session, ask);
    else if (ask->kind == RFL_MSG_SUBJECT_FIND)
        rfl__handle_subject_find(e, session, ask);
    else if (rfl__is_of_subject(ask->kind))
        rfl__handle_subject(e, session, ask);
    else if (ask->kind == RFL_MSG_AREA_PLAN)
        rfl__handle_area_plan(e, session, ask);
    else if (ask->kind == RFL_MSG_DECISION_QUERY)
        rfl__handle_decision(e, session, ask);
    else if (rfl__is_triage(ask->kind))
        rfl__handle_triage(e, session, ask);
    else if (ask->kind == RFL_MSG_EXPLAIN && ask->referral.len > 0)
        explain_hypothetical(e, session, ask);
    else if (ask->kind == RFL_MSG_EXPLAIN)
        explain_stored(e, session, ask);
    else
        rfl__refuse(e, session, RFL_CODE_PARSE);
}
