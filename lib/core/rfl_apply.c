#include "rfl_apply.h"

/* What operators do about a person's data, whatever the case is waiting for. */
#define OF_ITS_DATA(status) \
    [RFL_EVENT_KEPT] = (status), [RFL_EVENT_UNKEPT] = (status), [RFL_EVENT_REVEALED] = (status)

/* What may happen in every open status and leaves it as it is: about its referrals, and the overlay of links. */
#define IN_ANY_OPEN(status) \
    [RFL_EVENT_JOINED] = (status), [RFL_EVENT_AMENDED] = (status), [RFL_EVENT_WITHDRAWN] = (status), \
    [RFL_EVENT_RESEMBLED] = (status), [RFL_EVENT_LINKED] = (status), [RFL_EVENT_UNLINKED] = (status), \
    OF_ITS_DATA(status), [RFL_EVENT_CLOSED] = RFL_STATUS_CLOSED

/* Where a superior steps in: a clock that waits on an owner warns, then escalates. */
#define WITH_A_CLOCK(status) [RFL_EVENT_WARNED] = (status), [RFL_EVENT_ESCALATED] = (status)

/* The only place that says what may happen when. An empty cell is a refusal. `received` is where a case stands between
 * being taken from one owner and being given to the next, inside one entry. MOVED out of accepted, waiting and active
 * is for a superior who takes the case from a provider that has gone quiet: else nobody could. */
static const uint8_t next_of[RFL_STATUS_COUNT][RFL_EVENT_COUNT] = {
    [RFL_STATUS_NONE] = { [RFL_EVENT_RECEIVED] = RFL_STATUS_RECEIVED },
    [RFL_STATUS_RECEIVED] = {
        [RFL_EVENT_ROUTED] = RFL_STATUS_QUEUED, [RFL_EVENT_UNPLACED] = RFL_STATUS_TRIAGE,
        [RFL_EVENT_HELD] = RFL_STATUS_ON_HOLD },
    [RFL_STATUS_TRIAGE] = {
        IN_ANY_OPEN(RFL_STATUS_TRIAGE), WITH_A_CLOCK(RFL_STATUS_TRIAGE), [RFL_EVENT_MOVED] = RFL_STATUS_RECEIVED,
        [RFL_EVENT_PAUSED] = RFL_STATUS_ON_HOLD, [RFL_EVENT_REHOMED] = RFL_STATUS_TRIAGE,
        [RFL_EVENT_PUT_OFF] = RFL_STATUS_TRIAGE },
    [RFL_STATUS_ON_HOLD] = {
        IN_ANY_OPEN(RFL_STATUS_ON_HOLD), WITH_A_CLOCK(RFL_STATUS_ON_HOLD),
        [RFL_EVENT_RELEASED] = RFL_STATUS_RECEIVED, [RFL_EVENT_MOVED] = RFL_STATUS_RECEIVED,
        [RFL_EVENT_REHOMED] = RFL_STATUS_ON_HOLD },
    [RFL_STATUS_QUEUED] = {
        IN_ANY_OPEN(RFL_STATUS_QUEUED), WITH_A_CLOCK(RFL_STATUS_QUEUED), [RFL_EVENT_OFFERED] = RFL_STATUS_OFFERED,
        [RFL_EVENT_PARKED] = RFL_STATUS_ON_HOLD, [RFL_EVENT_MOVED] = RFL_STATUS_RECEIVED,
        [RFL_EVENT_PAUSED] = RFL_STATUS_ON_HOLD, [RFL_EVENT_REHOMED] = RFL_STATUS_QUEUED,
        [RFL_EVENT_UNHOMED] = RFL_STATUS_TRIAGE },
    [RFL_STATUS_OFFERED] = {
        IN_ANY_OPEN(RFL_STATUS_OFFERED), [RFL_EVENT_TOUCHED] = RFL_STATUS_OFFERED,
        [RFL_EVENT_LAPSED] = RFL_STATUS_QUEUED, [RFL_EVENT_RETURNED] = RFL_STATUS_QUEUED,
        [RFL_EVENT_ACCEPTED] = RFL_STATUS_ACCEPTED, [RFL_EVENT_DECLINED] = RFL_STATUS_DECLINING,
        [RFL_EVENT_REDIRECTED] = RFL_STATUS_RECEIVED, [RFL_EVENT_DEFERRED] = RFL_STATUS_ON_HOLD },
    [RFL_STATUS_DECLINING] = {
        IN_ANY_OPEN(RFL_STATUS_DECLINING), WITH_A_CLOCK(RFL_STATUS_DECLINING),
        [RFL_EVENT_MOVED] = RFL_STATUS_RECEIVED, [RFL_EVENT_SENT_BACK] = RFL_STATUS_RECEIVED,
        [RFL_EVENT_PAUSED] = RFL_STATUS_ON_HOLD, [RFL_EVENT_REHOMED] = RFL_STATUS_DECLINING },
    [RFL_STATUS_ACCEPTED] = {
        IN_ANY_OPEN(RFL_STATUS_ACCEPTED), WITH_A_CLOCK(RFL_STATUS_ACCEPTED),
        [RFL_EVENT_CONTACTED] = RFL_STATUS_WAITING_ON_PERSON, [RFL_EVENT_TRIED] = RFL_STATUS_ACCEPTED,
        [RFL_EVENT_STARTED] = RFL_STATUS_ACTIVE, [RFL_EVENT_MOVED] = RFL_STATUS_RECEIVED },
    [RFL_STATUS_WAITING_ON_PERSON] = {
        IN_ANY_OPEN(RFL_STATUS_WAITING_ON_PERSON), WITH_A_CLOCK(RFL_STATUS_WAITING_ON_PERSON),
        [RFL_EVENT_CONTACTED] = RFL_STATUS_WAITING_ON_PERSON, [RFL_EVENT_TRIED] = RFL_STATUS_WAITING_ON_PERSON,
        [RFL_EVENT_STARTED] = RFL_STATUS_ACTIVE, [RFL_EVENT_MOVED] = RFL_STATUS_RECEIVED },
    [RFL_STATUS_ACTIVE] = {
        IN_ANY_OPEN(RFL_STATUS_ACTIVE), WITH_A_CLOCK(RFL_STATUS_ACTIVE), [RFL_EVENT_OUTCOME] = RFL_STATUS_ACTIVE,
        [RFL_EVENT_CONTACTED] = RFL_STATUS_ACTIVE, [RFL_EVENT_TRIED] = RFL_STATUS_ACTIVE,
        [RFL_EVENT_MOVED] = RFL_STATUS_RECEIVED },
    [RFL_STATUS_CLOSED] = {
        OF_ITS_DATA(RFL_STATUS_CLOSED), [RFL_EVENT_OUTCOME] = RFL_STATUS_CLOSED,
        [RFL_EVENT_ERASED] = RFL_STATUS_CLOSED },
};
static_assert(RFL_STATUS_NONE == 0, "the zero cell must mean: not allowed");

enum rfl_status rfl_table_next(enum rfl_status status, enum rfl_event_kind event)
{
    if ((unsigned)status >= RFL_STATUS_COUNT || (unsigned)event >= RFL_EVENT_COUNT)
        return RFL_STATUS_NONE;
    return (enum rfl_status)next_of[status][event];
}

static uint8_t one_more(uint8_t n) { return n < UINT8_MAX ? (uint8_t)(n + 1) : n; }

static void note_no(struct rfl_case *kase, struct rfl_queue_no queue)
{
    if (kase->declined_count == RFL_DECLINED_BY_MAX) {
        memmove(&kase->declined_by[0], &kase->declined_by[1], (RFL_DECLINED_BY_MAX - 1) * sizeof queue);
        kase->declined_count--;
    }
    kase->declined_by[kase->declined_count++] = queue;
}

static void add_referral(struct rfl_case *kase, const struct rfl_event *event)
{
    kase->last_referral = event->submission.id;
    if (kase->referral_count < UINT16_MAX)
        kase->referral_count++;
    if (event->band < kase->band)
        kase->band = event->band;
}

static void open_case(struct rfl_case *kase, const struct rfl_event *event, const struct rfl_entry *entry)
{
    kase->id = entry->kase;
    kase->door = event->submission.door;
    kase->band = event->band;
    kase->previous = event->other;
    kase->opened_ms = entry->wall_ms;
    kase->first_referral = event->submission.id;
    add_referral(kase, event);
}

static void place(struct rfl_case *kase, const struct rfl_event *event)
{
    kase->queue = event->queue;
    kase->area = event->area;
    kase->since_ms = event->since_ms;
    kase->accept_by_ms = event->accept_by_ms;
    kase->lapses = 0;
}

/* Another place, and nothing else: its clock, warnings, escalation, hold and turn in the queue go on. In triage the
 * clock for a yes is the one for a decision; it ends when it would have ended. */
static void rehome(struct rfl_case *kase, const struct rfl_event *event)
{
    kase->queue = event->queue;
    kase->area = event->area;
    kase->lapses = 0;
    if (event->kind == RFL_EVENT_UNHOMED && kase->clock == RFL_CLOCK_ACCEPT)
        kase->clock = RFL_CLOCK_TRIAGE;
}

/* Nothing of the clock but its end, and what would be said after it: a warning that was given is not given again. */
static void end_by(struct rfl_case *kase, int64_t until_ms)
{
    kase->due_ms = until_ms;
    kase->half_ms = kase->half_ms < until_ms ? kase->half_ms : until_ms;
    kase->most_ms = kase->most_ms < until_ms ? kase->most_ms : until_ms;
}

static void release_holder(struct rfl_case *kase)
{
    kase->holder = 0;
    kase->touches = 0;
}

/* Whose turn it is has changed: the next owner has not been late yet. */
static void hand_over(struct rfl_case *kase)
{
    kase->escalation = 0;
    release_holder(kase);
}

/* The latest no of this queue is taken back. */
static void forget_no(struct rfl_case *kase, struct rfl_queue_no queue)
{
    unsigned at = kase->declined_count;
    while (at > 0 && kase->declined_by[at - 1].v != queue.v)
        at--;
    if (at == 0)
        return;
    for (unsigned i = at; i < kase->declined_count; i++)
        kase->declined_by[i - 1] = kase->declined_by[i];
    kase->declined_by[--kase->declined_count].v = 0;
}

static void note_try(struct rfl_case *kase, uint8_t channel)
{
    kase->contacts = one_more(kase->contacts);
    kase->tries = one_more(kase->tries);
    kase->tried_channels = (uint8_t)(kase->tried_channels | 1u << channel);
}

static void note_contact(struct rfl_case *kase)
{
    kase->escalation = 0;
    kase->contacts = one_more(kase->contacts);
    kase->tries = kase->tried_channels = 0;
}

/* A token stays good for late outcomes only in the hands of who had said yes. */
static void close_case(struct rfl_case *kase, const struct rfl_event *event, int64_t now_ms, bool taken)
{
    kase->close = event->reason;
    kase->closed_ms = now_ms;
    kase->quiet_until_ms = event->until_ms;
    kase->hold = RFL_HOLD_NONE;
    if (!taken)
        kase->token = (struct rfl_token){ 0, 0 };
    hand_over(kase);
}

static void escalate(struct rfl_case *kase, const struct rfl_event *event)
{
    kase->escalation = event->level;
    if (kase->status == RFL_STATUS_QUEUED)
        kase->accept_by_ms = event->due_ms;     /* the lead's time for a yes; kept while it is offered */
}

static void hold(struct rfl_case *kase, enum rfl_hold reason)
{
    kase->hold = (uint8_t)reason;
    hand_over(kase);
}

/* What an event does to the offer, the hold and the place; false: it is of another kind. */
static bool move(struct rfl_case *kase, const struct rfl_event *event)
{
    switch (event->kind) {
    case RFL_EVENT_HELD:
        place(kase, event);
        hold(kase, event->clock == RFL_CLOCK_CONSENT ? RFL_HOLD_CONSENT : RFL_HOLD_DO_NOT_CONTACT);
        break;
    case RFL_EVENT_ROUTED: place(kase, event); break;
    case RFL_EVENT_UNPLACED: place(kase, event); kase->escalation = event->level; break;
    case RFL_EVENT_OFFERED:
        kase->token = event->token;
        kase->holder = event->holder;
        kase->touches = 0;
        break;
    case RFL_EVENT_TOUCHED: kase->touches = one_more(kase->touches); break;
    case RFL_EVENT_LAPSED: kase->lapses = one_more(kase->lapses); release_holder(kase); break;
    case RFL_EVENT_RETURNED: release_holder(kase); break;
    case RFL_EVENT_DECLINED: note_no(kase, kase->queue); hand_over(kase); break;
    case RFL_EVENT_REDIRECTED: note_no(kase, kase->queue); kase->hops = one_more(kase->hops); hand_over(kase); break;
    case RFL_EVENT_DEFERRED: hold(kase, RFL_HOLD_DEFERRED); break;
    case RFL_EVENT_PARKED: hold(kase, RFL_HOLD_PARKED); break;
    case RFL_EVENT_PAUSED: hold(kase, RFL_HOLD_OPERATOR); break;
    case RFL_EVENT_RELEASED:
    case RFL_EVENT_MOVED: hold(kase, RFL_HOLD_NONE); break;
    case RFL_EVENT_SENT_BACK: forget_no(kase, kase->queue); hand_over(kase); break;
    case RFL_EVENT_REHOMED:
    case RFL_EVENT_UNHOMED: rehome(kase, event); break;
    default: return false;
    }
    return true;
}

/* What is left are figures. The links go because another case that still names its person would name this one's. */
static void erase(struct rfl_case *kase)
{
    kase->erased = 1;
    kase->linked_to.v = kase->resembles.v = kase->previous.v = 0;
}

/* What an event does beyond status and clock, which rfl_apply sets for all. */
static void take_effect(struct rfl_case *kase, const struct rfl_event *event, const struct rfl_entry *entry, bool taken)
{
    if (move(kase, event))
        return;
    switch (event->kind) {
    case RFL_EVENT_RECEIVED: open_case(kase, event, entry); break;
    case RFL_EVENT_JOINED: add_referral(kase, event); break;
    case RFL_EVENT_ACCEPTED: kase->escalation = 0; kase->accept_by_ms = 0; break;
    case RFL_EVENT_CONTACTED: note_contact(kase); break;
    case RFL_EVENT_TRIED: note_try(kase, event->code); break;
    case RFL_EVENT_STARTED: kase->escalation = 0; kase->tries = kase->tried_channels = 0; break;
    case RFL_EVENT_OUTCOME: kase->escalation = 0; kase->outcome = event->code; break;
    case RFL_EVENT_CLOSED: close_case(kase, event, entry->wall_ms, taken); break;
    case RFL_EVENT_ESCALATED: escalate(kase, event); break;
    case RFL_EVENT_WARNED: kase->warned = event->level; break;
    case RFL_EVENT_AMENDED: kase->band = event->band < kase->band ? event->band : kase->band; break;
    case RFL_EVENT_WITHDRAWN: kase->withdrawn_count++; break;
    case RFL_EVENT_RESEMBLED: kase->resembles = event->other; break;
    case RFL_EVENT_LINKED: kase->linked_to = event->other; break;
    case RFL_EVENT_ERASED: erase(kase); break;
    case RFL_EVENT_KEPT: kase->kept = 1; break;
    case RFL_EVENT_UNKEPT: kase->kept = 0; break;
    case RFL_EVENT_PUT_OFF: end_by(kase, event->until_ms); break;
    case RFL_EVENT_REVEALED: break;             /* the log says so; the case is as it was */
    case RFL_EVENT_UNLINKED:
        if (kase->linked_to.v != 0)
            kase->linked_to.v = 0;
        else
            kase->resembles.v = 0;
        break;
    default: assert(false && "the table allows no such event of a case");
    }
}

/* Whether the event speaks of this case as it is. */
static bool fits(const struct rfl_case *before, const struct rfl_event *event, const struct rfl_entry *entry)
{
    if (event->kind == RFL_EVENT_RECEIVED)
        return entry->kase.v != 0 && event->submission.id.v != 0 && event->other.v < entry->kase.v;
    if (before->id.v != entry->kase.v)
        return false;
    switch (event->kind) {
    case RFL_EVENT_JOINED: return event->submission.id.v > before->last_referral.v;
    case RFL_EVENT_WARNED: return event->level > before->warned && event->level <= 2 && before->half_ms != 0;
    case RFL_EVENT_TRIED: return event->code < RFL_CHANNEL_COUNT;
    case RFL_EVENT_PUT_OFF: return event->until_ms > 0 && event->until_ms < before->due_ms;
    case RFL_EVENT_AMENDED: return event->referral.v != 0;
    case RFL_EVENT_WITHDRAWN:
        return event->referral.v != 0 && event->reason > RFL_WITHDRAW_NONE && event->reason < RFL_WITHDRAW_COUNT &&
               before->withdrawn_count < before->referral_count;
    case RFL_EVENT_RESEMBLED:
    case RFL_EVENT_LINKED: return event->other.v != 0 && event->other.v != before->id.v;
    case RFL_EVENT_UNLINKED:
        return event->other.v != 0 &&
               event->other.v == (before->linked_to.v != 0 ? before->linked_to.v : before->resembles.v);
    default: return true;
    }
}

/* The steps by which consent that is taken back puts a case on hold, wherever it is, resting included. */
static bool is_of_consent(const struct rfl_event *event)
{
    return event->kind == RFL_EVENT_RETURNED || event->kind == RFL_EVENT_MOVED || event->kind == RFL_EVENT_RELEASED ||
           (event->kind == RFL_EVENT_HELD && event->clock == RFL_CLOCK_CONSENT);
}

static bool is_of_data(const struct rfl_event *event)
{
    return event->kind == RFL_EVENT_ERASED || event->kind == RFL_EVENT_KEPT || event->kind == RFL_EVENT_UNKEPT ||
           event->kind == RFL_EVENT_REVEALED;
}

/* Nothing happens to an erased case any more; a legal hold is put once, ended once, and stands before an erasure. */
static bool forbidden(const struct rfl_case *before, const struct rfl_event *event)
{
    bool has_hold = before->kept != 0;
    return before->erased || (has_hold && (event->kind == RFL_EVENT_ERASED || event->kind == RFL_EVENT_KEPT)) ||
           (!has_hold && event->kind == RFL_EVENT_UNKEPT);
}

/* A case that rests on another hears of its own referrals and data, of being unlinked and of the other's end, and of
 * nothing else; and only such a case is closed by another's end. */
static bool rests(const struct rfl_case *before, const struct rfl_event *event)
{
    bool follows = event->kind == RFL_EVENT_CLOSED && event->reason == RFL_CLOSE_JOINED_OTHER_CASE;
    if (before->linked_to.v == 0)
        return follows;
    return !follows && event->kind != RFL_EVENT_UNLINKED && event->kind != RFL_EVENT_AMENDED &&
           event->kind != RFL_EVENT_WITHDRAWN && !is_of_consent(event) && !is_of_data(event);
}

static void set_clock(struct rfl_case *kase, const struct rfl_event *event)
{
    uint32_t has = rfl_event_fields((enum rfl_event_kind)event->kind);
    bool closed = kase->status == RFL_STATUS_CLOSED, between = kase->status == RFL_STATUS_RECEIVED;
    if ((has & RFL_HAS_CLOCK) != 0 || closed || between) {
        kase->clock = closed || between ? (uint8_t)RFL_CLOCK_NONE : event->clock;
        kase->due_ms = closed || between ? 0 : event->due_ms;
    }
    if ((has & RFL_HAS_WARN) != 0 || closed || between) {
        kase->half_ms = closed || between ? 0 : event->half_ms;
        kase->most_ms = closed || between ? 0 : event->most_ms;
        kase->warned = 0;
    }
}

enum rfl_err rfl_apply(const struct rfl_case *before, const struct rfl_event *event, const struct rfl_entry *entry,
                       struct rfl_case *after)
{
    enum rfl_status next = rfl_table_next((enum rfl_status)before->status, (enum rfl_event_kind)event->kind);
    if (next == RFL_STATUS_NONE || forbidden(before, event) || rests(before, event))
        return RFL_E_STATE;
    if (!fits(before, event, entry))
        return RFL_E_CORRUPT;
    struct rfl_case kase = *before;
    kase.status = (uint8_t)next;
    bool taken = before->status == RFL_STATUS_ACCEPTED || before->status == RFL_STATUS_WAITING_ON_PERSON ||
                 before->status == RFL_STATUS_ACTIVE;
    set_clock(&kase, event);
    take_effect(&kase, event, entry, taken);
    *after = kase;
    return RFL_E_OK;
}

enum rfl_err rfl_apply_done(struct rfl_case *kase, const struct rfl_entry *entry)
{
    kase->last_seq = entry->seq;
    kase->version++;
    return rfl_case_broken(kase) == NULL ? RFL_E_OK : RFL_E_CORRUPT;
}
