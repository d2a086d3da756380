/* People's rights: which cases are a person's, and what is done to all of them at once. */
#include "rfl_apply.h"
#include "rfl_engine_int.h"

enum { SUBJECT_VERBS = 1u << RFL_DO_SHUT | 1u << RFL_DO_ERASE | 1u << RFL_DO_KEEP | 1u << RFL_DO_UNKEEP };

static const struct rfl_case_row *rows_of(struct rfl_engine *e, const struct rfl__subject *subject, uint32_t *count)
{
    struct rfl_case_row *rows = rfl_arena_take(&e->arena, (subject->count + 1) * sizeof *rows);
    struct rfl_case kase;
    *count = 0;
    for (uint32_t i = 0; rows != NULL && i < subject->count; i++)
        if (rfl_store_case(e->store, subject->list[i], &kase) == RFL_E_OK)
            rfl__case_row(e, &kase, &rows[(*count)++]);
    return rows;
}

/* ---- find ---- */

/* The cases of whoever the form describes. False: refused. Whoever asks learns that this person is known here, which is
 * written on every case that says so. */
static bool find_described(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask,
                           struct rfl__subject *subject)
{
    struct rfl_hash match[RFL_MATCH_COUNT];
    bool any = false;
    rfl__match_of(e, &ask->form, match);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
        any = any || !rfl_hash_none(match[i]);
    if (!any) {
        rfl__refuse(e, session, RFL_CODE_INVALID);
        return false;
    }
    rfl__subject_by_keys(e, match, subject);
    for (uint32_t i = 0; !subject->over && i < subject->count; i++) {
        struct rfl_case kase;
        if (rfl_store_case(e->store, subject->list[i], &kase) == RFL_E_OK && !kase.erased &&
            rfl__note_revealed(e, ask, &kase) != RFL_E_OK)
            return false;       /* the store's error is sticky, and answers for the whole turn */
    }
    return true;
}

void rfl__handle_subject_find(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl__subject subject;
    struct rfl_case kase;
    if (!rfl__who_and_why(e, session, ask))
        return;
    if (ask->code.len > 0 && !rfl__find_code(e, ask->code, &kase, NULL)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    if (ask->code.len > 0)
        rfl__subject_of(e, kase.id, &subject);
    else if (!find_described(e, session, ask, &subject))
        return;
    if (subject.over) {
        rfl__refuse(e, session, RFL_CODE_LIMIT);
        return;
    }
    struct rfl_msg_subject_found *found = &rfl__say(e, session, RFL_MSG_SUBJECT_FOUND)->subject_found;
    found->cases = rows_of(e, &subject, &found->cases_count);
}

/* ---- erase, hold, release ---- */

static const uint8_t commands[RFL_MSG_COUNT] = {
    [RFL_MSG_SUBJECT_ERASE] = RFL_DO_ERASE, [RFL_MSG_SUBJECT_HOLD] = RFL_DO_KEEP,
    [RFL_MSG_SUBJECT_RELEASE] = RFL_DO_UNKEEP };

/* Whether there is something to do to this case; erasing goes by all or none. */
static bool concerns(const struct rfl_case *kase, uint8_t command)
{
    if (kase->erased)
        return false;
    return command == RFL_DO_ERASE || (kase->kept != 0) == (command == RFL_DO_UNKEEP);
}

static bool in_the_way(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_finding *finding)
{
    bool open = kase->status != RFL_STATUS_CLOSED;
    *finding = (struct rfl_finding){ .path = rfl__case_text(e, kase->id), .severity = RFL_SEVERITY_ERROR };
    finding->code = rfl__literal(open ? "open" : "kept");
    finding->rule = rfl__literal(open ? "is a case of this person and is not closed" : "is under a legal hold");
    finding->remedy = rfl__literal(open ? "close it first: referralctl triage close, or let its provider finish it"
                                        : "ask who placed the hold: referralctl subject release");
    return !kase->erased && (open || kase->kept != 0);
}

/* True when erasing was refused: each case that is in the way is named, with what to do. */
static bool refuse_erasure(struct rfl_engine *e, uint64_t session, const struct rfl__subject *subject)
{
    struct rfl_finding *findings = rfl_arena_take(&e->arena, RFL_FINDINGS_MAX * sizeof *findings);
    uint32_t count = 0, before = e->outbox_count;
    struct rfl_case kase, first = { 0 };
    for (uint32_t i = 0; findings != NULL && i < subject->count && count < RFL_FINDINGS_MAX; i++) {
        if (rfl_store_case(e->store, subject->list[i], &kase) != RFL_E_OK || !in_the_way(e, &kase, &findings[count]))
            continue;
        if (count++ == 0)
            first = kase;
    }
    if (count == 0)
        return false;
    rfl__refuse_state(e, session, (enum rfl_status)first.status, rfl_legal_commands(&first) & SUBJECT_VERBS);
    if (e->outbox_count > before) {
        e->outbox[before].reply.refusal.findings = findings;
        e->outbox[before].reply.refusal.findings_count = count;
    }
    return true;
}

/* Does it, or with dry_run only finds out to which. Returns how many; *events_out is what happens to each. */
static uint32_t act_on_all(struct rfl_engine *e, const struct rfl_ask *ask, struct rfl__subject *subject)
{
    const struct rfl_command command = { .kind = (enum rfl_command_kind)commands[ask->kind] };
    struct rfl__subject done = { .count = 0 };
    for (uint32_t i = 0; i < subject->count; i++) {
        struct rfl_case kase;
        if (rfl_store_case(e->store, subject->list[i], &kase) != RFL_E_OK || !concerns(&kase, (uint8_t)command.kind))
            continue;
        struct rfl_entry entry = { .actor = RFL_ACTOR_OPERATOR, .actor_name = ask->operator_name };
        const struct rfl_personal_words words = { .text = ask->why };
        struct rfl_view personal = { NULL, 0 };
        if (command.kind == RFL_DO_ERASE)
            entry.why = ask->why;
        else
            personal = (struct rfl_view){ e->personal,
                                          rfl_personal_put_words(&words, e->personal, sizeof e->personal) };
        if (!ask->dry_run && rfl__do(e, &kase, &command, &entry, personal) != RFL_E_OK)
            continue;
        done.list[done.count++] = subject->list[i];
    }
    *subject = done;
    return done.count;
}

bool rfl__is_of_subject(uint8_t message_kind)
{
    return message_kind < RFL_MSG_COUNT && commands[message_kind] != RFL_DO_RECEIVE;
}

void rfl__handle_subject(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    static const char *const events[RFL_DO_COUNT] = {
        [RFL_DO_ERASE] = "erased", [RFL_DO_KEEP] = "kept", [RFL_DO_UNKEEP] = "unkept" };
    struct rfl__subject subject;
    struct rfl_case kase;
    if (!rfl__who_and_why(e, session, ask))
        return;
    if (ask->kind == RFL_MSG_SUBJECT_ERASE && ask->why.len > RFL_WHY_BYTES_MAX) {
        rfl__refuse(e, session, RFL_CODE_REASON_MISSING);       /* as the wire's limit says it */
        return;
    }
    if (!rfl__find_code(e, ask->code, &kase, NULL)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    rfl__subject_of(e, kase.id, &subject);
    if (subject.over) {
        rfl__refuse(e, session, RFL_CODE_LIMIT);
        return;
    }
    if (ask->kind == RFL_MSG_SUBJECT_ERASE && refuse_erasure(e, session, &subject))
        return;
    if (act_on_all(e, ask, &subject) == 0) {
        if (rfl_store_error(e->store) == RFL_E_OK)
            rfl__refuse_state(e, session, (enum rfl_status)kase.status, rfl_legal_commands(&kase) & SUBJECT_VERBS);
        return;
    }
    rfl__count(e, ask->dry_run ? RFL__N_dry_runs : RFL__N_acted);
    struct rfl_view *event = rfl_arena_take(&e->arena, sizeof *event);
    struct rfl_msg_subject_done *done = &rfl__say(e, session, RFL_MSG_SUBJECT_DONE)->subject_done;
    done->dry_run = ask->dry_run;
    done->cases = rows_of(e, &subject, &done->cases_count);
    if (event != NULL)
        *event = rfl__literal(events[commands[ask->kind]]);
    done->events = event;
    done->events_count = event != NULL;
}
