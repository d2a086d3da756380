/* What happens in a turn although nobody asked: clocks that are over, silent sessions, offers, feedback. */
#include "rfl_disclose.h"
#include "rfl_engine_int.h"

enum { EXPIRIES_A_TURN_MAX = 512, IDLE_LOOK_MS = 1000 };

/* ---- clocks ---- */

static void say_lapsed(struct rfl_engine *e, uint64_t holder, const struct rfl_case *kase)
{
    struct rfl__session *s = rfl__session_of_holder(&e->sessions, holder);
    if (s == NULL)
        return;
    s->recount = true;
    struct rfl_reply *reply = rfl__say(e, s->id, RFL_MSG_NOTICE);
    if (reply == NULL)
        return;
    reply->notice.kind = RFL_NOTICE_OFFER_LAPSED;
    reply->notice.case_code = rfl__case_text(e, kase->id);
    reply->notice.token = kase->token;
}

/* False when the case's clock could not be moved: its record cannot be read. */
static bool expire(struct rfl_engine *e, struct rfl_case_id id)
{
    struct rfl_case kase;
    if (rfl_store_case(e->store, id, &kase) != RFL_E_OK)
        return false;
    uint64_t holder = kase.status == RFL_STATUS_OFFERED ? kase.holder : 0;
    struct rfl_entry entry = { .actor = RFL_ACTOR_CLOCK };
    struct rfl_command command = { .kind = RFL_DO_EXPIRE };
    if (rfl__do(e, &kase, &command, &entry, (struct rfl_view){ NULL, 0 }) != RFL_E_OK)
        return false;
    if (holder != 0) {
        rfl__count(e, RFL__N_lapses);
        say_lapsed(e, holder, &kase);
    }
    if (kase.hold == RFL_HOLD_PARKED)
        rfl__count(e, RFL__N_parked);
    if (entry.events[0].kind == RFL_EVENT_ESCALATED)
        rfl__count(e, RFL__N_escalations);
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

/* ---- offers ---- */

static void fill_preview(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_msg_offer *offer)
{
    struct rfl_referral first;
    struct rfl_entry entry;
    offer->case_code = rfl__case_text(e, kase->id);
    offer->area = rfl__area_name(e, kase->area);
    offer->queue = rfl__queue_name(e, kase->queue);
    offer->token = kase->token;
    offer->deadline_ms = kase->due_ms;
    offer->since_ms = kase->since_ms;
    offer->band = kase->band;
    offer->door = kase->door;
    offer->hops = kase->hops;
    offer->lapses = kase->lapses;
    offer->referrals = kase->referral_count;
    if (rfl_store_referral(e->store, kase->first_referral, &first) != RFL_E_OK ||
        rfl_store_entry(e->store, first.seq, &entry) != RFL_E_OK || !entry.has_decided)
        return;
    const struct rfl_facts *facts = &entry.decided.facts;
    offer->main_barrier = facts->main_barrier;
    offer->employment = facts->employment;
    offer->weeks_out_of_work = facts->weeks_out_of_work;
    offer->flags = facts->flags;
}

static void say_offer(struct rfl_engine *e, const struct rfl__session *s, const struct rfl_case *kase)
{
    struct rfl_reply *reply = rfl__say(e, s->id, RFL_MSG_OFFER);
    if (reply == NULL)
        return;
    reply->correlation = 0;             /* also within a Subscribe: an offer is nobody's answer */
    fill_preview(e, kase, &reply->offer);
}

/* After a reconnect: what this worker was offered before and has not answered, with the tokens it had. */
void rfl__offer_again(struct rfl_engine *e, struct rfl__session *s)
{
    struct rfl_order from = { s->holder, 0, 0 }, at;
    while (rfl_store_first(e->store, RFL_INDEX_HOLDER, &from, &at) && at.a == s->holder) {
        struct rfl_case kase;
        from.c = at.c + 1;
        if (rfl_store_case(e->store, (struct rfl_case_id){ at.c }, &kase) == RFL_E_OK)
            say_offer(e, s, &kase);
    }
}

/* The case that waits longest in the queue, urgent before routine. */
static bool first_waiting(const struct rfl_engine *e, struct rfl_queue_no queue, struct rfl_case_id *id)
{
    struct rfl_order from = { (uint64_t)queue.v << 8, 0, 0 }, at;
    if (!rfl_store_first(e->store, RFL_INDEX_QUEUE, &from, &at) || at.a >> 8 != queue.v)
        return false;
    id->v = at.c;
    return true;
}

/* One offer to this session, from the next of its queues that has somebody waiting; false: nothing for it. */
static bool offer_one(struct rfl_engine *e, struct rfl__session *s)
{
    struct rfl_case_id id;
    struct rfl_case kase;
    uint32_t tried = 0;
    while (tried < s->queue_count && !first_waiting(e, s->queues[s->queue_next], &id)) {
        s->queue_next = (s->queue_next + 1) % s->queue_count;
        tried++;
    }
    if (tried == s->queue_count || rfl_store_case(e->store, id, &kase) != RFL_E_OK)
        return false;
    struct rfl_entry entry = { .actor = RFL_ACTOR_SYSTEM,
                               .actor_name = { (const uint8_t *)s->worker, s->worker_len } };
    struct rfl_command command = { .kind = RFL_DO_OFFER, .token = rfl_store_next_token(e->store),
                                   .holder = s->holder, .lease_ms = e->options.lease_ms };
    if (rfl__do(e, &kase, &command, &entry, (struct rfl_view){ NULL, 0 }) != RFL_E_OK)
        return false;
    s->outstanding++;
    s->queue_next = (s->queue_next + 1) % s->queue_count;
    say_offer(e, s, &kase);
    rfl__count(e, RFL__N_offers);
    return true;
}

static bool may_offer(const struct rfl_engine *e)
{
    return e->outbox_count < RFL__OUTBOX_MAX - 64 && e->arena.used < e->arena.cap / 2 &&
           rfl_store_error(e->store) == RFL_E_OK;
}

static bool wants_work(struct rfl_engine *e, struct rfl__session *s)
{
    if (s->holder == 0)
        return false;
    if (s->recount) {
        s->outstanding = rfl__outstanding_of(e, s->holder);
        s->recount = false;
    }
    return s->outstanding < s->credit && s->seen_queue_changes != e->queue_changes;
}

/* Round and round, one offer a session, so that no worker with large credit takes everything; sessions for whom nothing
 * waited are not looked at again until somebody begins to wait. */
static void make_offers(struct rfl_engine *e)
{
    bool more = !e->draining && e->sessions.count > 0;
    while (more) {
        more = false;
        for (uint32_t i = 0; i < e->sessions.count; i++) {
            struct rfl__session *s = &e->sessions.slots[(e->sessions.turn + i) % e->sessions.count];
            if (!wants_work(e, s))
                continue;
            if (!may_offer(e)) {
                e->leftover = true;
                return;
            }
            if (offer_one(e, s))
                more = true;
            else
                s->seen_queue_changes = e->queue_changes;
        }
    }
    e->sessions.turn++;
}

/* ---- feedback ---- */

static struct rfl_view detail_of(const struct rfl_event *event)
{
    if (event->kind == RFL_EVENT_CLOSED)
        return rfl__literal(rfl_close_word((enum rfl_close)event->reason));
    if (event->kind == RFL_EVENT_OUTCOME)
        return rfl__literal(rfl_outcome_word((enum rfl_outcome)event->code));
    return rfl__literal("");
}

/* Who has it after the event: the queue it was routed to in the same entry, else the case's. */
static struct rfl_view provider_of(struct rfl_engine *e, const struct rfl_entry *entry, uint32_t index)
{
    struct rfl_case kase;
    for (uint32_t i = index; i < entry->event_count; i++)
        if (entry->events[i].kind == RFL_EVENT_ROUTED || entry->events[i].kind == RFL_EVENT_UNPLACED)
            return rfl__queue_name(e, entry->events[i].queue);
    return rfl_store_case(e->store, entry->kase, &kase) == RFL_E_OK ? rfl__queue_name(e, kase.queue)
                                                                    : rfl__literal("");
}

static void say_feedback(struct rfl_engine *e, const struct rfl__session *s, const struct rfl_mail *mail)
{
    struct rfl_referral referral;
    struct rfl_entry entry;
    struct rfl_personal_submission personal;
    if (rfl_store_referral(e->store, mail->referral, &referral) != RFL_E_OK ||
        rfl__open_submission(e, &referral, &personal) != RFL_E_OK ||
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
        reply->feedback.detail = detail_of(&event);
    if (may->provider)
        reply->feedback.provider = provider_of(e, &entry, mail->event_index);
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
        if (!may_offer(e)) {
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
    expire_due(e);
    make_offers(e);
    deliver_mail(e);
}
