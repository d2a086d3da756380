#include "rfl_apply.h"

/* The only place that says what may happen when. An empty cell is a refusal. `received` is where a case stands between
 * being taken from one owner and being given to the next, inside one entry. */
static const uint8_t next_of[RFL_STATUS_COUNT][RFL_EVENT_COUNT] = {
    [RFL_STATUS_NONE] = { [RFL_EVENT_RECEIVED] = RFL_STATUS_RECEIVED },
    [RFL_STATUS_RECEIVED] = {
        [RFL_EVENT_ROUTED] = RFL_STATUS_QUEUED, [RFL_EVENT_UNPLACED] = RFL_STATUS_TRIAGE,
        [RFL_EVENT_HELD] = RFL_STATUS_ON_HOLD },
    [RFL_STATUS_TRIAGE] = {
        [RFL_EVENT_JOINED] = RFL_STATUS_TRIAGE, [RFL_EVENT_ESCALATED] = RFL_STATUS_TRIAGE },
    [RFL_STATUS_ON_HOLD] = {
        [RFL_EVENT_JOINED] = RFL_STATUS_ON_HOLD, [RFL_EVENT_RELEASED] = RFL_STATUS_RECEIVED,
        [RFL_EVENT_ESCALATED] = RFL_STATUS_ON_HOLD },
    [RFL_STATUS_QUEUED] = {
        [RFL_EVENT_JOINED] = RFL_STATUS_QUEUED, [RFL_EVENT_OFFERED] = RFL_STATUS_OFFERED,
        [RFL_EVENT_PARKED] = RFL_STATUS_ON_HOLD, [RFL_EVENT_ESCALATED] = RFL_STATUS_QUEUED },
    [RFL_STATUS_OFFERED] = {
        [RFL_EVENT_JOINED] = RFL_STATUS_OFFERED, [RFL_EVENT_TOUCHED] = RFL_STATUS_OFFERED,
        [RFL_EVENT_LAPSED] = RFL_STATUS_QUEUED, [RFL_EVENT_RETURNED] = RFL_STATUS_QUEUED,
        [RFL_EVENT_ACCEPTED] = RFL_STATUS_ACCEPTED, [RFL_EVENT_DECLINED] = RFL_STATUS_DECLINING,
        [RFL_EVENT_REDIRECTED] = RFL_STATUS_RECEIVED, [RFL_EVENT_DEFERRED] = RFL_STATUS_ON_HOLD },
    [RFL_STATUS_DECLINING] = {
        [RFL_EVENT_JOINED] = RFL_STATUS_DECLINING, [RFL_EVENT_ESCALATED] = RFL_STATUS_DECLINING },
    [RFL_STATUS_ACCEPTED] = {
        [RFL_EVENT_JOINED] = RFL_STATUS_ACCEPTED, [RFL_EVENT_CONTACTED] = RFL_STATUS_WAITING_ON_PERSON,
        [RFL_EVENT_TRIED] = RFL_STATUS_ACCEPTED, [RFL_EVENT_STARTED] = RFL_STATUS_ACTIVE,
        [RFL_EVENT_CLOSED] = RFL_STATUS_CLOSED, [RFL_EVENT_ESCALATED] = RFL_STATUS_ACCEPTED },
    [RFL_STATUS_WAITING_ON_PERSON] = {
        [RFL_EVENT_JOINED] = RFL_STATUS_WAITING_ON_PERSON, [RFL_EVENT_CONTACTED] = RFL_STATUS_WAITING_ON_PERSON,
        [RFL_EVENT_TRIED] = RFL_STATUS_WAITING_ON_PERSON, [RFL_EVENT_STARTED] = RFL_STATUS_ACTIVE,
        [RFL_EVENT_CLOSED] = RFL_STATUS_CLOSED, [RFL_EVENT_ESCALATED] = RFL_STATUS_WAITING_ON_PERSON },
    [RFL_STATUS_ACTIVE] = {
        [RFL_EVENT_JOINED] = RFL_STATUS_ACTIVE, [RFL_EVENT_OUTCOME] = RFL_STATUS_ACTIVE,
        [RFL_EVENT_CONTACTED] = RFL_STATUS_ACTIVE, [RFL_EVENT_TRIED] = RFL_STATUS_ACTIVE,
        [RFL_EVENT_CLOSED] = RFL_STATUS_CLOSED, [RFL_EVENT_ESCALATED] = RFL_STATUS_ACTIVE },
    [RFL_STATUS_CLOSED] = { [RFL_EVENT_OUTCOME] = RFL_STATUS_CLOSED },
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

static void release_holder(struct rfl_case *kase)
{
    kase->holder = 0;
    kase->touches = 0;
}

/* What an event does beyond status and clock, which rfl_apply sets for all. */
static void take_effect(struct rfl_case *kase, const struct rfl_event *event, const struct rfl_entry *entry)
{
    switch ((enum rfl_event_kind)event->kind) {
    case RFL_EVENT_RECEIVED: open_case(kase, event, entry); break;
    case RFL_EVENT_JOINED: add_referral(kase, event); break;
    case RFL_EVENT_HELD: place(kase, event); kase->hold = RFL_HOLD_CONSENT; break;
    case RFL_EVENT_ROUTED:
    case RFL_EVENT_UNPLACED: place(kase, event); break;
    case RFL_EVENT_OFFERED:
        kase->token = event->token;
        kase->holder = event->holder;
        kase->touches = 0;
        break;
    case RFL_EVENT_TOUCHED: kase->touches = one_more(kase->touches); break;
    case RFL_EVENT_LAPSED: kase->lapses = one_more(kase->lapses); release_holder(kase); break;
    case RFL_EVENT_RETURNED: release_holder(kase); break;
    case RFL_EVENT_ACCEPTED: kase->escalation = 0; kase->accept_by_ms = 0; break;
    case RFL_EVENT_DECLINED:
        note_no(kase, kase->queue);
        kase->escalation = 0;               /* another owner now, who has not been late yet */
        release_holder(kase);
        break;
    case RFL_EVENT_REDIRECTED:
        note_no(kase, kase->queue);
        kase->hops = one_more(kase->hops);
        kase->escalation = 0;
        release_holder(kase);
        break;
    case RFL_EVENT_DEFERRED: kase->hold = RFL_HOLD_DEFERRED; kase->escalation = 0; release_holder(kase); break;
    case RFL_EVENT_PARKED: kase->hold = RFL_HOLD_PARKED; kase->escalation = 0; break;
    case RFL_EVENT_RELEASED: kase->hold = RFL_HOLD_NONE; kase->escalation = 0; break;
    case RFL_EVENT_CONTACTED: kase->escalation = 0; kase->contacts = one_more(kase->contacts); break;
    case RFL_EVENT_TRIED: kase->contacts = one_more(kase->contacts); break;
    case RFL_EVENT_STARTED: kase->escalation = 0; break;
    case RFL_EVENT_OUTCOME: kase->escalation = 0; kase->outcome = event->code; break;
    case RFL_EVENT_CLOSED: kase->close = event->reason; kase->escalation = 0; release_holder(kase); break;
    case RFL_EVENT_ESCALATED:
        kase->escalation = event->level;
        if (kase->status == RFL_STATUS_QUEUED)
            kase->accept_by_ms = event->due_ms;     /* the lead's time for a yes; kept while it is offered */
        break;
    case RFL_EVENT_NONE:
    case RFL_EVENT_MAILBOX_ACKED:
    case RFL_EVENT_EPOCH_STARTED:
    case RFL_EVENT_POLICY_LOADED:
    case RFL_EVENT_COUNT: assert(false && "the table allows no such event of a case");
    }
}

static bool fits(const struct rfl_case *before, const struct rfl_event *event, const struct rfl_entry *entry)
{
    if (event->kind == RFL_EVENT_RECEIVED)
        return entry->kase.v != 0 && event->submission.id.v != 0;
    if (event->kind == RFL_EVENT_JOINED && event->submission.id.v <= before->last_referral.v)
        return false;
    return before->id.v == entry->kase.v;
}

enum rfl_err rfl_apply(const struct rfl_case *before, const struct rfl_event *event, const struct rfl_entry *entry,
                       struct rfl_case *after)
{
    enum rfl_status next = rfl_table_next((enum rfl_status)before->status, (enum rfl_event_kind)event->kind);
    if (next == RFL_STATUS_NONE)
        return RFL_E_STATE;
    if (!fits(before, event, entry))
        return RFL_E_CORRUPT;
    struct rfl_case kase = *before;
    kase.status = (uint8_t)next;
    if ((rfl_event_fields((enum rfl_event_kind)event->kind) & RFL_HAS_CLOCK) != 0 || next == RFL_STATUS_CLOSED ||
        next == RFL_STATUS_RECEIVED) {
        kase.clock = next == RFL_STATUS_CLOSED ? RFL_CLOCK_NONE : event->clock;
        kase.due_ms = next == RFL_STATUS_CLOSED ? 0 : event->due_ms;
    }
    take_effect(&kase, event, entry);
    *after = kase;
    return RFL_E_OK;
}

enum rfl_err rfl_apply_done(struct rfl_case *kase, const struct rfl_entry *entry)
{
    kase->last_seq = entry->seq;
    kase->version++;
    return rfl_case_broken(kase) == NULL ? RFL_E_OK : RFL_E_CORRUPT;
}
