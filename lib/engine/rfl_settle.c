/* What happens in a turn although nobody asked: clocks that are over, silent sessions, offers, feedback. */
#include "rfl_disclose.h"
#include "rfl_areas.h"

enum { EXPIRIES_A_TURN_MAX = 512, IDLE_LOOK_MS = 1000 };

/* ---- clocks ---- */

static void note_expired(struct rfl_engine *e, const struct rfl_case *kase, const struct rfl_event *event,
                         uint64_t holder_before)
{
    if (event->kind == RFL_EVENT_LAPSED) {
        rfl__count(e, RFL__N_lapses);
        rfl__notice(e, holder_before, kase, RFL_NOTICE_OFFER_LAPSED);
    } else if (event->kind == RFL_EVENT_WARNED) {
        rfl__count(e, RFL__N_warnings);
        if (event->level == 2)
            rfl__notice(e, kase->holder, kase, RFL_NOTICE_DEADLINE_SOON);
    } else if (event->kind == RFL_EVENT_ESCALATED) {
        rfl__count(e, RFL__N_escalations);
    }
    if (kase->hold == RFL_HOLD_PARKED && event->kind == RFL_EVENT_LAPSED)
        rfl__count(e, RFL__N_parked);
}

/* False when the case's clock could not be moved: its record cannot be read. */
static bool expire(struct rfl_engine *e, struct rfl_case_id id)
{
    struct rfl_case kase;
    if (rfl_store_case(e->store, id, &kase) != RFL_E_OK)
        return false;
    if (rfl__bring_home(e, &kase, false) != RFL_E_OK)
        return false;
    uint64_t holder = kase.holder;
    struct rfl_entry entry = { .actor = RFL_ACTOR_CLOCK };
    struct rfl_command command = { .kind = RFL_DO_EXPIRE };
    if (kase.clock == RFL_CLOCK_HOLD)
        rfl__where(e, kase.queue, &command);
    rfl__put_off(e, &kase, &command, &entry);
    if (rfl__do(e, &kase, &command, &entry, (struct rfl_view){ NULL, 0 }) != RFL_E_OK)
        return false;
    note_expired(e, &kase, &entry.events[0], holder);
    return true;
}

/* A damaged case stays where it is, and those behind it are not kept waiting by it. */
static void expire_due(struct rfl_engine *e)
{
    struct rfl_order from = { 0, 0, 0 }, first;
    for (unsigned i = 0; i < EXPIRIES_A_TURN_MAX; i++) {
        if (!rfl_store_first(e->store, RFL_INDEX_DUE, &from, &first) || (int64_t)first.a > e->now.wall_ms ||
            rfl_store_error(e->store) != RFL_E_OK)
            return;
        if (!expire(e, (struct rfl_case_id){ first.c })) {
            from = first;
            from.c++;
        }
    }
    e->leftover = true;
}

/* ---- sessions that went away ---- */

uint32_t rfl__outstanding_of(const struct rfl_engine *e, uint64_t holder)
{
    struct rfl_order from = { holder, 0, 0 }, at;
    uint32_t count = 0;
    while (rfl_store_first(e->store, RFL_INDEX_HOLDER, &from, &at) && at.a == holder) {
        count++;
        from = at;
        from.c++;
    }
    return count;
}

uint32_t rfl__return_offers(struct rfl_engine *e, struct rfl__session *s)
{
    struct rfl_order from = { s->holder, 0, 0 }, at;
    uint32_t count = 0;
    while (s->holder != 0 && rfl_store_first(e->store, RFL_INDEX_HOLDER, &from, &at) && at.a == s->holder) {
        struct rfl_case kase;
        from.c = at.c + 1;
        if (rfl_store_case(e->store, (struct rfl_case_id){ at.c }, &kase) != RFL_E_OK)
            continue;
        struct rfl_entry entry = { .actor = RFL_ACTOR_WORKER,
                                   .actor_name = { (const uint8_t *)s->worker, s->worker_len } };
        struct rfl_command command = { .kind = RFL_DO_RETURN, .token = kase.token, .holder = kase.holder };
        if (rfl__do(e, &kase, &command, &entry, (struct rfl_view){ NULL, 0 }) == RFL_E_OK) {
            rfl__count(e, RFL__N_returns);
            count++;
        }
    }
    s->outstanding = 0;
    return count;
}

void rfl_engine_gone(struct rfl_engine *e, uint64_t session)
{
    struct rfl__session *s = rfl__session_find(&e->sessions, session);
    rfl__session_forget(&e->sessions, session);
    if (s == NULL)
        return;
    (void)rfl__return_offers(e, s);
    rfl__session_drop(&e->sessions, s);
    rfl__count(e, RFL__N_sessions_gone);
}

/* A worker whose connection still stands but who says nothing may be gone; an adapter may be silent for days. */
static void drop_silent(struct rfl_engine *e)
{
    if (e->now.wall_ms < e->idle_check_ms + IDLE_LOOK_MS && e->now.wall_ms >= e->idle_check_ms)
        return;
    e->idle_check_ms = e->now.wall_ms;
    for (uint32_t i = e->sessions.count; i-- > 0;) {
        struct rfl__session *s = &e->sessions.slots[i];
        if (s->holder != 0 && e->now.wall_ms - s->heard_ms > e->options.session_idle_ms)
            rfl_engine_gone(e, s->id);
    }
}

/* ---- feedback ---- */

struct rfl_view rfl__feedback_detail(const struct rfl_event *event)
{
    if (event->kind == RFL_EVENT_CLOSED)
        return rfl__literal(rfl_close_word((enum rfl_close)event->reason));
    if (event->kind == RFL_EVENT_OUTCOME)
        return rfl__literal(rfl_outcome_word((enum rfl_outcome)event->code));
    return rfl__literal("");
}

static bool is_placing(const struct rfl_event *event)
{
    return event->kind == RFL_EVENT_ROUTED || event->kind == RFL_EVENT_UNPLACED || event->kind == RFL_EVENT_HELD ||
           event->kind == RFL_EVENT_REHOMED || event->kind == RFL_EVENT_UNHOMED;
}

/* Who had it after the event: the queue it was given to in the same entry or last before. Not the case's present queue:
 * what is delivered twice says the same twice. */
struct rfl_view rfl__feedback_provider(struct rfl_engine *e, const struct rfl_entry *entry, uint32_t index)
{
    struct rfl_entry earlier;
    for (uint32_t i = index; i < entry->event_count; i++)
        if (is_placing(&entry->events[i]))
            return rfl__queue_name(e, entry->events[i].queue);
    for (struct rfl_seq seq = entry->prev_of_case; seq.v != 0; seq = earlier.prev_of_case) {
        if (rfl_store_entry(e->store, seq, &earlier) != RFL_E_OK)
            break;
        for (uint32_t i = earlier.event_count; i-- > 0;)
            if (is_placing(&earlier.events[i]))
                return rfl__queue_name(e, earlier.events[i].queue);
    }
    return rfl__literal("");
}

/* How the case stands now, for doors that may see it: who has it, since when, by when. */
static void fill_standing(struct rfl_engine *e, const struct rfl_referral *referral, struct rfl_msg_feedback *feedback)
{
    struct rfl_case kase;
    struct rfl_entry last;
    if (!rfl_disclose_place(e->policy, (enum rfl_door)referral->door) || !rfl__survivor(e, referral->kase, &kase))
        return;
    feedback->status = kase.status;
    feedback->owner = rfl_owner_of(e->policy, &kase, e->now.wall_ms);
    feedback->due_ms = kase.due_ms;
    if (rfl_store_entry(e->store, kase.last_seq, &last) == RFL_E_OK)
        feedback->since_ms = last.wall_ms;
}

static void say_feedback(struct rfl_engine *e, const struct rfl__session *s, const struct rfl_mail *mail)
{
    struct rfl_referral referral;
    struct rfl_entry entry;
    struct rfl_personal_submission personal = { .reference = { NULL, 0 } };    /* so of a person who was erased */
    if (rfl_store_referral(e->store, mail->referral, &referral) != RFL_E_OK)
        return;
    enum rfl_err err = rfl__open_submission(e, &referral, &personal);
    if ((err != RFL_E_OK && err != RFL_E_ABSENT) ||
        rfl_store_entry(e->store, mail->seq, &entry) != RFL_E_OK || mail->event_index >= entry.event_count)
        return;
    struct rfl_event event = entry.events[mail->event_index];
    const struct rfl_disclosure *may = rfl_disclose(e->policy, (enum rfl_door)referral.door, &event);
    struct rfl_reply *reply = may != NULL ? rfl__say(e, s->id, RFL_MSG_FEEDBACK) : NULL;
    if (reply == NULL)
        return;
    const struct rfl_source *source = rfl_policy_source(e->policy, s->mailbox);
    reply->feedback.source = source != NULL ? rfl_policy_text(e->policy, source->name) : rfl__literal("");
    reply->feedback.sequence = mail->sequence;
    reply->feedback.receipt = rfl__receipt_text(e, referral.id);
    reply->feedback.reference = personal.reference;
    reply->feedback.word = rfl__literal(rfl_tell_word((enum rfl_tell)may->tell));
    reply->feedback.at_ms = entry.wall_ms;
    if (may->reason)
        reply->feedback.detail = rfl__feedback_detail(&event);
    if (may->provider)
        reply->feedback.provider = rfl__feedback_provider(e, &entry, mail->event_index);
    fill_standing(e, &referral, &reply->feedback);
    rfl__count(e, RFL__N_feedback_sent);
}

static void send_mail(struct rfl_engine *e, struct rfl__session *s)
{
    struct rfl_source_row row;
    struct rfl_mail mail;
    rfl_store_source(e->store, s->mailbox, &row);
    if (s->mailbox_sent < row.mailbox_acked)
        s->mailbox_sent = row.mailbox_acked;
    uint64_t behind = s->mailbox_from > row.mailbox_acked ? s->mailbox_from : row.mailbox_acked;
    while (s->mailbox_sent - behind < s->mailbox_credit &&
           rfl_store_mail_after(e->store, s->mailbox, s->mailbox_sent, &mail)) {
        if (!rfl__may_offer(e)) {
            e->leftover = true;
            return;
        }
        say_feedback(e, s, &mail);
        s->mailbox_sent = mail.sequence;
    }
    s->seen_mail_changes = e->mail_changes;
}

static void deliver_mail(struct rfl_engine *e)
{
    for (uint32_t i = 0; i < e->sessions.count; i++) {
        struct rfl__session *s = &e->sessions.slots[i];
        if (s->mailbox.v != 0 && s->seen_mail_changes != e->mail_changes)
            send_mail(e, s);
    }
}

static void say_draining(struct rfl_engine *e)
{
    for (uint32_t i = 0; i < e->sessions.count; i++) {
        struct rfl_reply *reply = rfl__say(e, e->sessions.slots[i].id, RFL_MSG_NOTICE);
        if (reply != NULL)
            reply->notice.kind = RFL_NOTICE_DRAINING;
    }
    e->draining_said = true;
}

void rfl_engine_settle(struct rfl_engine *e)
{
    if (e->draining && !e->draining_said)
        say_draining(e);
    drop_silent(e);
    rfl__sweep_areas(e);
    rfl__tell_moved(e);
    expire_due(e);
    rfl__make_offers(e);
    deliver_mail(e);
}
