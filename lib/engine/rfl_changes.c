/* What a referrer does to a referral it has sent: a newer body, or taking it back. */
#include "rfl_engine_int.h"

enum { DOOR_VERBS = 1 << RFL_DO_AMEND | 1 << RFL_DO_WITHDRAW };

static bool find_own(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask, const struct rfl_source *source,
                     struct rfl_referral *referral, struct rfl_case *kase)
{
    struct rfl_hash hash = rfl_store_hash(e->store, RFL_HASH_REFERENCE, source->id.v, ask->reference);
    if (rfl_store_find_reference(e->store, hash, referral) &&
        rfl_store_case(e->store, referral->kase, kase) == RFL_E_OK)
        return true;
    rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
    return false;
}

static void say_changed(struct rfl_engine *e, uint64_t session, struct rfl_referral_id id)
{
    struct rfl_referral referral;
    struct rfl_case kase;
    if (rfl_store_referral(e->store, id, &referral) != RFL_E_OK || !rfl__survivor(e, referral.kase, &kase)) {
        rfl__refuse(e, session, RFL_CODE_UNKNOWN_OUTCOME);
        return;
    }
    struct rfl_msg_changed *changed = &rfl__say(e, session, RFL_MSG_CHANGED)->changed;
    changed->receipt = rfl__receipt_text(e, id);
    changed->status = (uint8_t)rfl__status_for(e, referral.door, kase.status);
    changed->version = referral.amendments;
}

static void refuse_change(struct rfl_engine *e, uint64_t session, const struct rfl_referral *referral,
                          const struct rfl_case *kase)
{
    bool stands = referral->withdrawn == RFL_WITHDRAW_NONE;
    rfl__refuse_state(e, session, rfl__status_for(e, referral->door, kase->status),
                      stands ? rfl_legal_commands(kase) & DOOR_VERBS : 0);
}

/* The hash of the newest body, and where the entry it is in wanted the person placed. */
static bool newest_body(struct rfl_engine *e, const struct rfl_referral *referral, struct rfl_hash *body,
                        struct rfl_queue_no *queue)
{
    struct rfl_entry entry;
    if (rfl_store_entry(e->store, referral->latest, &entry) != RFL_E_OK)
        return false;
    *body = entry.events[0].submission.body;
    queue->v = entry.decided.decision.queue.v;
    return true;
}

static void note_resemblance(struct rfl_engine *e, struct rfl_case *kase, const struct rfl__person *person)
{
    struct rfl_entry entry = { .actor = RFL_ACTOR_SYSTEM };
    struct rfl_command command = { .kind = RFL_DO_RESEMBLE };
    command.other = person->open.id.v != 0 && person->open.id.v != kase->id.v ? person->open.id : person->resembles;
    if (command.other.v == 0 || command.other.v == kase->id.v || command.other.v == kase->resembles.v)
        return;
    if (rfl__do(e, kase, &command, &entry, (struct rfl_view){ NULL, 0 }) == RFL_E_OK)
        rfl__count(e, RFL__N_resembled);
}

/* Who holds the case, or the one it rests on, is told that there is something newer, or that it is theirs no more. */
static void tell_holder(struct rfl_engine *e, struct rfl_case_id id, uint64_t holder_before, enum rfl_notice kind)
{
    struct rfl_case kase;
    if (!rfl__survivor(e, id, &kase))
        return;
    if (holder_before != 0 && kase.holder != holder_before)
        rfl__notice(e, holder_before, &kase, RFL_NOTICE_WITHDRAWN);
    else
        rfl__notice(e, kase.holder, &kase, kind);
}

static void amend(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask, struct rfl_case *kase,
                  const struct rfl_referral *referral, struct rfl_submission *submission, struct rfl_queue_no decided)
{
    struct rfl_entry entry = { .actor = RFL_ACTOR_SOURCE, .source = referral->source, .has_decided = true };
    struct rfl__person person;
    uint64_t holder = kase->holder;
    size_t personal_len = rfl__decide_form(e, ask, kase, &entry);
    rfl__match_of(e, &ask->form, submission->match);
    rfl__person_of(e, submission->match, &person);
    struct rfl_command command = { .kind = RFL_DO_AMEND, .submission = *submission,
                                   .band = entry.decided.facts.band, .quiet_until_ms = person.quiet_until_ms };
    if (kase->hold == RFL_HOLD_CONSENT || entry.decided.decision.queue.v != decided.v)
        command.decision = &entry.decided.decision;
    rfl__where(e, entry.decided.decision.queue, &command);
    enum rfl_err err = rfl__do(e, kase, &command, &entry, (struct rfl_view){ e->personal, personal_len });
    if (err == RFL_E_STATE)
        refuse_change(e, session, referral, kase);
    if (err != RFL_E_OK)
        return;
    rfl__count(e, RFL__N_amended);
    tell_holder(e, kase->id, holder, RFL_NOTICE_AMENDED);
    if (kase->linked_to.v == 0)
        note_resemblance(e, kase, &person);
    say_changed(e, session, referral->id);
}

void rfl__handle_amend(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    const struct rfl_source *source = rfl__source_of(e, session, ask->source);
    struct rfl_referral referral;
    struct rfl_case kase;
    struct rfl_hash newest;
    struct rfl_queue_no decided;
    if (source == NULL || !find_own(e, session, ask, source, &referral, &kase))
        return;
    struct rfl_submission submission = {
        .id = referral.id, .reference = referral.reference, .door = referral.door, .consent = ask->form.consent,
        .body = rfl_store_hash(e->store, RFL_HASH_BODY, 0, ask->referral),
        .notify = ask->form.notify != 0 ? ask->form.notify
                                        : rfl_policy_notify(e->policy, (enum rfl_door)referral.door) };
    if (!newest_body(e, &referral, &newest, &decided))
        rfl__refuse(e, session, RFL_CODE_UNKNOWN_OUTCOME);
    else if (rfl_hash_same(newest, submission.body))
        say_changed(e, session, referral.id);
    else if (ask->findings.errors > 0)
        rfl__say_invalid(e, session, &ask->findings);
    else if (ask->form.door != referral.door)
        rfl__refuse(e, session, RFL_CODE_DOOR_NOT_ALLOWED);
    else if (referral.withdrawn != RFL_WITHDRAW_NONE || kase.status == RFL_STATUS_CLOSED)
        refuse_change(e, session, &referral, &kase);
    else if (ask->version != referral.amendments)
        rfl__refuse(e, session, RFL_CODE_VERSION_CONFLICT);
    else
        amend(e, session, ask, &kase, &referral, &submission, decided);
}

/* ---- Withdraw ---- */

/* What stands on a case beside one referral: anything, anything with consent, and anything that was not a mistake. */
struct standing { bool any, consent, no_mistake; };

static bool consents(const struct rfl_engine *e, const struct rfl_referral *referral)
{
    return rfl_policy_consent_ok(e->policy, (enum rfl_door)referral->door, (enum rfl_consent)referral->consent);
}

static void look_at_case(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_referral_id but,
                         struct standing *out)
{
    struct rfl_referral referral = { .prev_on_case = kase->last_referral };
    while (referral.prev_on_case.v != 0 &&
           rfl_store_referral(e->store, referral.prev_on_case, &referral) == RFL_E_OK) {
        bool stands = referral.withdrawn == RFL_WITHDRAW_NONE && referral.id.v != but.v;
        out->any = out->any || stands;
        out->consent = out->consent || (stands && consents(e, &referral));
        out->no_mistake = out->no_mistake ||
                          (referral.id.v != but.v && referral.withdrawn != RFL_WITHDRAW_ENTERED_IN_ERROR);
    }
}

static void look_at_linked(struct rfl_engine *e, struct rfl_case_id id, struct rfl_referral_id but,
                           struct standing *out)
{
    struct rfl_order from = { id.v, 0, 0 }, at;
    while (rfl_store_first(e->store, RFL_INDEX_LINKED, &from, &at) && at.a == id.v) {
        struct rfl_case linked;
        if (rfl_store_case(e->store, (struct rfl_case_id){ at.c }, &linked) == RFL_E_OK)
            look_at_case(e, &linked, but, out);
        from = at;
        from.c++;
    }
}

static struct rfl_view words_of(struct rfl_engine *e, const struct rfl_ask *ask)
{
    struct rfl_personal_words words = { .text = ask->text };
    if (ask->text.len == 0)
        return (struct rfl_view){ NULL, 0 };
    return (struct rfl_view){ e->personal, rfl_personal_put_words(&words, e->personal, sizeof e->personal) };
}

/* A case has the consent of its own referrals; one that goes on only for what rests on it has theirs. */
static bool has_consent(const struct standing *own, const struct standing *linked)
{
    return own->any ? own->consent : linked->consent;
}

void rfl__end_case(struct rfl_engine *e, const struct rfl_entry *like, uint8_t reason, struct rfl_case_id id,
                   bool consented)
{
    struct rfl_case kase;
    struct standing own = { false, false, false }, linked = { false, false, false };
    if (rfl_store_case(e->store, id, &kase) != RFL_E_OK)
        return;
    uint64_t holder = kase.holder;
    look_at_case(e, &kase, (struct rfl_referral_id){ 0 }, &own);
    look_at_linked(e, kase.id, (struct rfl_referral_id){ 0 }, &linked);
    bool consent_gone = consented && !own.any && !linked.consent;
    if (reason != RFL_WITHDRAW_PERSON && (own.any || linked.any) && !consent_gone)
        return;
    struct rfl_entry entry = { .actor = like->actor, .source = like->source, .actor_name = like->actor_name };
    struct rfl_command command = { .kind = RFL_DO_WITHDRAW, .reason = reason, .others_stand = linked.any,
                                   .consent_gone = consent_gone,
                                   .all_in_error = !own.no_mistake && !linked.no_mistake };
    if (rfl__do(e, &kase, &command, &entry, (struct rfl_view){ NULL, 0 }) == RFL_E_OK && holder != 0)
        rfl__notice(e, holder, &kase, RFL_NOTICE_WITHDRAWN);
}

void rfl__handle_withdraw(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    const struct rfl_source *source = rfl__source_of(e, session, ask->source);
    struct rfl_referral referral;
    struct rfl_case kase;
    if (source == NULL || !find_own(e, session, ask, source, &referral, &kase))
        return;
    if (referral.withdrawn != RFL_WITHDRAW_NONE) {
        say_changed(e, session, referral.id);       /* done before */
        return;
    }
    struct standing own = { .no_mistake = ask->reason != RFL_WITHDRAW_ENTERED_IN_ERROR }, linked = { .any = false };
    look_at_case(e, &kase, referral.id, &own);
    look_at_linked(e, kase.id, referral.id, &linked);
    uint64_t holder = kase.holder;
    struct rfl_entry entry = { .actor = RFL_ACTOR_SOURCE, .source = source->id };
    struct rfl_command command = { .kind = RFL_DO_WITHDRAW, .submission = { .id = referral.id }, .reason = ask->reason,
                                   .others_stand = linked.any,
                                   .consent_gone = consents(e, &referral) && !has_consent(&own, &linked),
                                   .all_in_error = !own.no_mistake && !linked.no_mistake };
    enum rfl_err err = rfl__do(e, &kase, &command, &entry, words_of(e, ask));
    if (err == RFL_E_STATE)
        refuse_change(e, session, &referral, &kase);
    else if (err == RFL_E_INVALID)
        rfl__refuse(e, session, RFL_CODE_INVALID);
    if (err != RFL_E_OK)
        return;
    rfl__count(e, RFL__N_withdrawn);
    if (holder != 0 && kase.holder == 0)
        rfl__notice(e, holder, &kase, RFL_NOTICE_WITHDRAWN);
    if (kase.linked_to.v != 0)
        rfl__end_case(e, &entry, ask->reason, kase.linked_to, consents(e, &referral));
    say_changed(e, session, referral.id);
}
