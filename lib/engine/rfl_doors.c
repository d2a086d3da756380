/* What adapters ask: Submit, Validate, Status, mailbox, Reconcile. */
#include "rfl_disclose.h"
#include "rfl_engine_int.h"

/* A walk is bounded so that one question cannot hold up everybody's turn. */
enum { RECONCILE_MAX = 200, RECONCILE_WALK_MAX = 20000, RECONCILE_BYTES_MAX = 48 * 1024 };

const struct rfl_source *rfl__source_of(struct rfl_engine *e, uint64_t session, struct rfl_view name)
{
    const struct rfl_source *source = rfl_policy_source_by_name(e->policy, name);
    if (source == NULL)
        rfl__refuse(e, session, RFL_CODE_UNKNOWN_SOURCE);
    return source;
}

void rfl__say_invalid(struct rfl_engine *e, uint64_t session, const struct rfl_findings *findings)
{
    struct rfl_reply *reply = rfl__say(e, session, RFL_MSG_REFUSAL);
    reply->refusal.code = RFL_CODE_INVALID;
    reply->refusal.findings =
        (const void *)rfl__copy(e, findings->list, findings->count * sizeof findings->list[0]).p;
    reply->refusal.findings_count = reply->refusal.findings == NULL ? 0 : findings->count;
    rfl__count(e, RFL__N_invalid);
    rfl__count(e, RFL__N_refused);
}

/* ---- Submit ---- */

/* How it was placed, from its log entry. */
static enum rfl_route_reason placed_by(struct rfl_engine *e, const struct rfl_referral *referral)
{
    struct rfl_entry entry;
    bool known = rfl_store_entry(e->store, referral->seq, &entry) == RFL_E_OK && entry.has_decided;
    return known ? (enum rfl_route_reason)entry.decided.decision.reason : RFL_ROUTE_REASON_NONE;
}

static void say_receipt(struct rfl_engine *e, uint64_t session, const struct rfl_referral *referral, bool replayed,
                        enum rfl_route_reason placed, const struct rfl_findings *warnings)
{
    struct rfl_case kase;
    if (!rfl__survivor(e, referral->kase, &kase)) {
        rfl__refuse(e, session, RFL_CODE_UNKNOWN_OUTCOME);
        return;
    }
    struct rfl_reply *reply = rfl__say(e, session, RFL_MSG_RECEIPT);
    struct rfl_msg_receipt *receipt = &reply->receipt;
    receipt->receipt = rfl__receipt_text(e, referral->id);
    receipt->replayed = replayed;
    receipt->received_ms = referral->received_ms;
    receipt->epoch = rfl_store_epoch(e->store);
    receipt->log_sequence = referral->seq.v;
    receipt->version = referral->amendments;
    bool seen = rfl_disclose_place(e->policy, (enum rfl_door)referral->door);
    /* Asked again and again, the heads of replays would tell a door when something happened in the log at all. */
    if (!replayed || seen)
        rfl__want_head(e, &receipt->head);
    if (seen) {
        receipt->joined = referral->prev_on_case.v != 0;
        receipt->status = kase.status;
        receipt->due_ms = kase.due_ms;
        receipt->area = rfl__area_name(e, kase.area);
        receipt->queue = rfl__queue_name(e, kase.queue);
        if (!receipt->joined)           /* a later referral found its place taken */
            receipt->reason = rfl__literal(rfl_route_reason_word(placed));
    } else {
        receipt->status = RFL_STATUS_RECEIVED;
    }
    if (warnings->count > 0)
        receipt->warnings =
            (const void *)rfl__copy(e, warnings->list, warnings->count * sizeof warnings->list[0]).p;
    receipt->warnings_count = receipt->warnings == NULL ? 0 : warnings->count;
    rfl__count(e, replayed ? RFL__N_replays : RFL__N_receipts);
}

static size_t seal_text(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_facts *facts)
{
    struct rfl_personal_submission personal = { .reference = ask->reference, .referral = ask->referral };
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        personal.line[key] = facts->clue[key].line;
    return rfl_personal_put_submission(&personal, e->personal, sizeof e->personal);
}

static void forget_lines(struct rfl_decided *decided)
{
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        decided->facts.clue[i].line = decided->decision.step[i].line = 0;
}

/* Whether somebody still writes, or a directory still gives, a code that is no more. */
static bool used_old_code(const struct rfl_decision *decision)
{
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        if (decision->step[i].how == RFL_HOW_OLD_CODE || decision->step[i].how == RFL_HOW_SUCCEEDED ||
            decision->step[i].how == RFL_HOW_SPLIT)
            return true;
    return false;
}

size_t rfl__decide_form(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_case *own,
                        struct rfl_entry *entry)
{
    rfl__facts_of(e, &ask->form, entry->source, e->now.wall_ms, &entry->decided.facts);
    rfl__route(e, &entry->decided.facts, own, &entry->decided.decision);
    size_t personal_len = seal_text(e, ask, &entry->decided.facts);
    assert(personal_len > 0);
    if (used_old_code(&entry->decided.decision))
        rfl__count(e, RFL__N_old_codes);
    forget_lines(&entry->decided);
    return personal_len;
}

static void receive(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask, const struct rfl_source *source,
                    struct rfl_submission *submission)
{
    struct rfl_entry entry = { .actor = RFL_ACTOR_SOURCE, .source = source->id, .has_decided = true };
    struct rfl__person person;
    size_t personal_len = rfl__decide_form(e, ask, NULL, &entry);
    rfl__match_of(e, &ask->form, submission->match);
    rfl__person_of(e, submission->match, &person);
    struct rfl_case kase = person.open;
    bool joins = kase.id.v != 0;
    struct rfl_command command = { .kind = RFL_DO_RECEIVE, .submission = *submission,
                                   .band = entry.decided.facts.band, .decision = &entry.decided.decision,
                                   .other = person.resembles, .previous = person.previous,
                                   .quiet_until_ms = person.quiet_until_ms };
    rfl__where(e, entry.decided.decision.queue, &command);
    if (rfl__do(e, &kase, &command, &entry, (struct rfl_view){ e->personal, personal_len }) != RFL_E_OK)
        return;                 /* the store's error: it is sticky, and commit will answer for the whole turn */
    struct rfl_referral referral;
    if (rfl_store_referral(e->store, submission->id, &referral) == RFL_E_OK)
        say_receipt(e, session, &referral, false, (enum rfl_route_reason)entry.decided.decision.reason,
                    &ask->findings);
    if (joins)
        rfl__count(e, RFL__N_joined);
    else if (person.resembles.v != 0)
        rfl__count(e, RFL__N_resembled);
}

static void handle_submit(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    rfl__count(e, RFL__N_submits);
    const struct rfl_source *source = rfl__source_of(e, session, ask->source);
    if (source == NULL)
        return;
    struct rfl_submission submission = {
        .reference = rfl_store_hash(e->store, RFL_HASH_REFERENCE, source->id.v, ask->reference),
        .body = rfl_store_hash(e->store, RFL_HASH_BODY, 0, ask->referral),
        .door = ask->form.door, .consent = ask->form.consent,
        .notify = ask->form.notify != 0 ? ask->form.notify
                                        : rfl_policy_notify(e->policy, (enum rfl_door)ask->form.door) };
    struct rfl_referral before;
    if (rfl_store_find_reference(e->store, submission.reference, &before)) {
        if (rfl_hash_same(before.body, submission.body)) {
            say_receipt(e, session, &before, true, placed_by(e, &before), &ask->findings);
        } else {
            rfl__refuse(e, session, RFL_CODE_CONFLICT);
            rfl__count(e, RFL__N_conflicts);
        }
        return;
    }
    if (ask->findings.errors > 0)
        rfl__say_invalid(e, session, &ask->findings);
    else if (!rfl_policy_source_may(source, (enum rfl_door)ask->form.door))
        rfl__refuse(e, session, RFL_CODE_DOOR_NOT_ALLOWED);
    else if (e->draining)
        rfl__refuse(e, session, RFL_CODE_DRAINING);
    else if (rfl_store_used_permille(e->store) >= e->options.full_permille)
        rfl__refuse(e, session, RFL_CODE_STORE_FULL);
    else {
        submission.id = rfl_store_next_referral(e->store);
        receive(e, session, ask, source, &submission);
    }
}

static void handle_validate(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl_reply *reply = rfl__say(e, session, RFL_MSG_VALIDATED);
    const struct rfl_findings *findings = &ask->findings;
    if (findings->count > 0)
        reply->validated.findings =
            (const void *)rfl__copy(e, findings->list, findings->count * sizeof findings->list[0]).p;
    reply->validated.findings_count = reply->validated.findings == NULL ? 0 : findings->count;
    reply->validated.acceptable = findings->errors == 0;
}

/* ---- Status ---- */

static bool find_asked(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_source *source,
                       struct rfl_referral *referral)
{
    enum rfl_receipt_kind kind;
    uint64_t id;
    if (ask->reference.len > 0) {
        struct rfl_hash hash = rfl_store_hash(e->store, RFL_HASH_REFERENCE, source->id.v, ask->reference);
        return rfl_store_find_reference(e->store, hash, referral);
    }
    return rfl_receipt_decode(rfl_store_receipt_key(e->store), ask->code, &kind, &id) == RFL_E_OK &&
           kind == RFL_RECEIPT_REFERRAL &&
           rfl_store_referral(e->store, (struct rfl_referral_id){ id }, referral) == RFL_E_OK &&
           referral->source.v == source->id.v;
}

/* What a door without sight of the journey may know: it came, somebody has said yes, or it is over. */
static enum rfl_status coarse(enum rfl_status status)
{
    bool with_service = status == RFL_STATUS_ACCEPTED || status == RFL_STATUS_WAITING_ON_PERSON ||
                        status == RFL_STATUS_ACTIVE;
    if (status == RFL_STATUS_CLOSED)
        return status;
    return with_service ? RFL_STATUS_ACCEPTED : RFL_STATUS_RECEIVED;
}

enum rfl_status rfl__status_for(const struct rfl_engine *e, uint8_t door, uint8_t status)
{
    bool sees = rfl_disclose_place(e->policy, (enum rfl_door)door);
    return sees ? (enum rfl_status)status : coarse((enum rfl_status)status);
}

static void handle_status(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    const struct rfl_source *source = rfl__source_of(e, session, ask->source);
    struct rfl_referral referral;
    struct rfl_case kase;
    if (source == NULL)
        return;
    if (!find_asked(e, ask, source, &referral) || !rfl__survivor(e, referral.kase, &kase)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    struct rfl_msg_status_report *report = &rfl__say(e, session, RFL_MSG_STATUS_REPORT)->status_report;
    report->receipt = rfl__receipt_text(e, referral.id);
    report->received_ms = referral.received_ms;
    report->version = referral.amendments;
    if (!rfl_disclose_place(e->policy, (enum rfl_door)referral.door)) {
        report->status = (uint8_t)coarse((enum rfl_status)kase.status);
        return;
    }
    struct rfl_entry last;
    report->status = kase.status;
    report->owner = rfl_owner_of(e->policy, &kase, e->now.wall_ms);
    report->next_action = rfl__literal(rfl_next_action((enum rfl_status)kase.status));
    report->area = rfl__area_name(e, kase.area);
    report->due_ms = kase.due_ms;
    if (rfl_store_entry(e->store, kase.last_seq, &last) == RFL_E_OK)
        report->since_ms = last.wall_ms;
}

/* ---- mailbox ---- */

static void handle_mailbox_open(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    const struct rfl_source *source = rfl__source_of(e, session, ask->source);
    if (source == NULL)
        return;
    bool kept = rfl__session_keep(&e->sessions, session);
    struct rfl__session *s = kept ? rfl__session_need(&e->sessions, session) : NULL;
    if (s == NULL) {
        rfl__refuse(e, session, RFL_CODE_BUSY);
        return;
    }
    struct rfl_source_row row;
    rfl_store_source(e->store, source->id, &row);
    s->heard_ms = e->now.wall_ms;
    s->mailbox = source->id;
    s->mailbox_credit = ask->credit;
    s->mailbox_sent = ask->after_sequence > row.mailbox_acked && ask->after_sequence <= row.mailbox_last
                          ? ask->after_sequence : row.mailbox_acked;
    s->mailbox_from = s->mailbox_sent;
    s->seen_mail_changes = UINT64_MAX;
    struct rfl_msg_mailbox_opened *opened = &rfl__say(e, session, RFL_MSG_MAILBOX_OPENED)->mailbox_opened;
    opened->acknowledged = row.mailbox_acked;
    opened->last = row.mailbox_last;
}

static void handle_feedback_ack(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    const struct rfl_source *source = rfl__source_of(e, session, ask->source);
    if (source == NULL)
        return;
    struct rfl_source_row row;
    rfl_store_source(e->store, source->id, &row);
    uint64_t upto = ask->upto < row.mailbox_last ? ask->upto : row.mailbox_last;
    if (upto > row.mailbox_acked) {
        struct rfl_entry entry = { .actor = RFL_ACTOR_SOURCE, .source = source->id, .wall_ms = e->now.wall_ms,
                                   .event_count = 1 };
        entry.events[0] = (struct rfl_event){ .kind = RFL_EVENT_MAILBOX_ACKED, .upto = upto };
        if (rfl_store_append(e->store, &entry, (struct rfl_view){ NULL, 0 }) != RFL_E_OK)
            return;
        e->mail_changes++;              /* there is room again in whichever session has this mailbox open */
    }
    rfl__say(e, session, RFL_MSG_ACKED)->acked.upto = upto > row.mailbox_acked ? upto : row.mailbox_acked;
}

/* ---- Reconcile: the references a source believes receipted against those we hold ---- */

/* The references asked about, to be looked up by their hash: at most half of the places are taken. */
struct listed { struct rfl_hash *place; uint32_t mask; };

static struct rfl_hash *place_of(const struct listed *listed, struct rfl_hash hash)
{
    uint32_t at;
    memcpy(&at, hash.b, sizeof at);
    for (at &= listed->mask; !rfl_hash_none(listed->place[at]) && !rfl_hash_same(listed->place[at], hash); )
        at = (at + 1) & listed->mask;
    return &listed->place[at];
}

static bool make_listed(struct rfl_engine *e, uint32_t count, struct listed *listed)
{
    for (listed->mask = 1; listed->mask < 2 * count; )
        listed->mask = 2 * listed->mask + 1;
    size_t bytes = ((size_t)listed->mask + 1) * sizeof *listed->place;
    listed->place = rfl_arena_take(&e->arena, bytes);
    if (listed->place != NULL)
        memset(listed->place, 0, bytes);
    return listed->place != NULL;
}

static bool find_missing(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_source *source,
                         struct listed *listed, struct rfl_msg_reconciled *out)
{
    struct rfl_view *missing = rfl_arena_take(&e->arena, (ask->names_count + 1) * sizeof *missing);
    struct rfl_referral referral;
    if (missing == NULL || !make_listed(e, ask->names_count, listed))
        return false;
    for (uint32_t i = 0; i < ask->names_count; i++) {
        struct rfl_hash hash = rfl_store_hash(e->store, RFL_HASH_REFERENCE, source->id.v, ask->names[i]);
        *place_of(listed, hash) = hash;
        if (!rfl_store_find_reference(e->store, hash, &referral))
            missing[out->missing_count++] = rfl__copy(e, ask->names[i].p, ask->names[i].len);
    }
    out->missing = missing;
    return true;
}

/* What is missing lies in the same answer, and all of it has to fit one frame. */
static size_t bytes_of_missing(const struct rfl_msg_reconciled *found)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < found->missing_count; i++)
        bytes += found->missing[i].len + 4;
    return bytes;
}

static void find_surplus(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_source *source,
                         const struct listed *listed, struct rfl_msg_reconciled *out)
{
    struct rfl_surplus *surplus = rfl_arena_take(&e->arena, RECONCILE_MAX * sizeof *surplus);
    struct rfl_source_row row;
    struct rfl_referral referral;
    size_t bytes = bytes_of_missing(out);
    if (surplus == NULL) {
        out->truncated = true;
        return;
    }
    rfl_store_source(e->store, source->id, &row);
    struct rfl_referral_id id = row.last_referral;
    for (uint32_t walked = 0; id.v != 0; id = referral.prev_of_source, walked++) {
        struct rfl_personal_submission personal;
        if (rfl_store_referral(e->store, id, &referral) != RFL_E_OK || referral.received_ms < ask->at_ms)
            break;
        if (!rfl_hash_none(*place_of(listed, referral.reference)))
            continue;
        enum rfl_err err = rfl__open_submission(e, &referral, &personal);
        if (err == RFL_E_ABSENT)
            continue;                   /* the person was erased, and with them what the source called it */
        out->truncated = walked >= RECONCILE_WALK_MAX || out->surplus_count == RECONCILE_MAX ||
                         bytes > RECONCILE_BYTES_MAX || err != RFL_E_OK;
        if (out->truncated)
            break;
        bytes += personal.reference.len + 40;
        surplus[out->surplus_count++] = (struct rfl_surplus){ personal.reference, rfl__receipt_text(e, referral.id),
                                                              referral.received_ms };
    }
    out->surplus = surplus;
}

static void handle_reconcile(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    const struct rfl_source *source = rfl__source_of(e, session, ask->source);
    if (source == NULL)
        return;
    struct rfl_msg_reconciled found = { 0 };
    struct listed listed;
    if (!find_missing(e, ask, source, &listed, &found)) {
        rfl__refuse(e, session, RFL_CODE_LIMIT);
        return;
    }
    find_surplus(e, ask, source, &listed, &found);
    rfl__say(e, session, RFL_MSG_RECONCILED)->reconciled = found;
}

void rfl__handle_door(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    if (ask->kind == RFL_MSG_SUBMIT)
        handle_submit(e, session, ask);
    else if (ask->kind == RFL_MSG_VALIDATE)
        handle_validate(e, session, ask);
    else if (ask->kind == RFL_MSG_STATUS_QUERY)
        handle_status(e, session, ask);
    else if (ask->kind == RFL_MSG_MAILBOX_OPEN)
        handle_mailbox_open(e, session, ask);
    else if (ask->kind == RFL_MSG_FEEDBACK_ACK)
        handle_feedback_ack(e, session, ask);
    else if (ask->kind == RFL_MSG_AMEND)
        rfl__handle_amend(e, session, ask);
    else if (ask->kind == RFL_MSG_WITHDRAW)
        rfl__handle_withdraw(e, session, ask);
    else if (ask->kind == RFL_MSG_RECONCILE)
        handle_reconcile(e, session, ask);
    else
        rfl__refuse(e, session, RFL_CODE_PARSE);
}
