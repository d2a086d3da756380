/* What referrers bring: a referral, a newer body of it, its withdrawal. */
#include "rfl_decide_int.h"

/* The queue of a decision; national triage when the policy in force no longer has it. */
static const struct rfl_queue *decided_queue(const struct rfl__deciding *d)
{
    const struct rfl_queue *queue = rfl_policy_queue(d->policy, d->command->decision->queue);
    if (queue == NULL)
        queue = rfl_policy_national_triage(d->policy);
    assert(queue != NULL);
    return queue;
}

/* Where the decision says, unless an operator has the queue on hold or diverted. */
static void add_placed(const struct rfl__deciding *d, int64_t since_ms)
{
    const struct rfl_queue *queue = decided_queue(d);
    const struct rfl_queue *other = rfl_policy_queue(d->policy, d->command->target);
    enum rfl_route_reason reason = (enum rfl_route_reason)d->command->decision->reason;
    if (queue->kind != RFL_QUEUE_KIND_PROVIDER) {
        rfl__add_unplaced(d, queue, reason);
        rfl__end_by(&d->out->list[d->out->count - 1], d->command->decision->retry_ms);
        return;
    }
    if (d->command->target_held)
        rfl__add_unplaced(d, rfl_policy_triage_of(d->policy, queue->area, d->now_ms), RFL_ROUTE_REASON_QUEUE_ON_HOLD);
    else if (other != NULL && rfl__takes_cases(d, other))
        rfl__add_routed(d, other, RFL_ROUTE_REASON_DIVERTED, since_ms);
    else
        rfl__add_routed(d, queue, reason, since_ms);
}

void rfl__decide_again(const struct rfl__deciding *d)
{
    const struct rfl_case *before = d->before;
    (void)rfl__add(d, RFL_EVENT_MOVED);
    if (rfl__said_no(before, d->command->decision->queue))
        rfl__add_unplaced(d, rfl_policy_triage_of(d->policy, before->area, d->now_ms),
                          RFL_ROUTE_REASON_SAID_NO_BEFORE);
    else
        add_placed(d, before->since_ms > 0 ? before->since_ms : before->opened_ms);
}

static void add_held(const struct rfl__deciding *d, const struct rfl_queue *queue, uint8_t reason)
{
    struct rfl_event *event = rfl__add_run(d, RFL_EVENT_HELD, queue->id, RFL_CLOCK_CONSENT);
    event->queue = queue->id;
    event->area = queue->area;
    event->reason = reason;
}

/* The person said no not long ago. Referrers hear "still waiting" when they would of anybody in the queue, so that this
 * hold is not to be told from a wait by its silence. */
static void add_quiet(const struct rfl__deciding *d)
{
    const struct rfl_queue *queue = decided_queue(d);
    int64_t until_ms = d->command->quiet_until_ms;
    struct rfl_event *event = rfl__add_run(d, RFL_EVENT_HELD, queue->id, RFL_CLOCK_ACCEPT);
    event->clock = RFL_CLOCK_HOLD;
    event->due_ms = until_ms;
    event->half_ms = event->half_ms < until_ms ? event->half_ms : until_ms;
    event->most_ms = event->most_ms < until_ms ? event->most_ms : until_ms;
    event->queue = queue->id;
    event->area = queue->area;
    event->reason = d->command->decision->reason;
}

static bool must_be_quiet(const struct rfl__deciding *d)
{
    return d->command->quiet_until_ms > d->now_ms && d->command->submission.door != RFL_DOOR_SELF;
}

static bool consents(const struct rfl__deciding *d)
{
    const struct rfl_submission *submission = &d->command->submission;
    return rfl_policy_consent_ok(d->policy, (enum rfl_door)submission->door, (enum rfl_consent)submission->consent);
}

static void add_placed_or_quiet(const struct rfl__deciding *d, int64_t since_ms)
{
    if (must_be_quiet(d))
        add_quiet(d);
    else
        add_placed(d, since_ms);
}

static bool holds(const struct rfl_case *kase, enum rfl_hold hold)
{
    return kase->status == RFL_STATUS_ON_HOLD && kase->hold == hold;
}

static void decide_receive(const struct rfl__deciding *d)
{
    bool open = d->before->status != RFL_STATUS_NONE, consent = consents(d);
    struct rfl_event *event = rfl__add(d, open ? RFL_EVENT_JOINED : RFL_EVENT_RECEIVED);
    event->submission = d->command->submission;
    event->band = d->command->band;
    if (!open) {
        event->other = d->command->previous;
        if (consent)
            add_placed_or_quiet(d, d->now_ms);
        else
            add_held(d, decided_queue(d), d->command->decision->reason);
        if (d->command->other.v != 0)
            rfl__add(d, RFL_EVENT_RESEMBLED)->other = d->command->other;
    } else if (consent && holds(d->before, RFL_HOLD_CONSENT)) {
        (void)rfl__add(d, RFL_EVENT_RELEASED);
        add_placed_or_quiet(d, d->before->opened_ms);
    } else if (consent && holds(d->before, RFL_HOLD_DO_NOT_CONTACT) &&
               d->command->submission.door == RFL_DOOR_SELF) {
        (void)rfl__add(d, RFL_EVENT_RELEASED);
        add_placed(d, d->before->opened_ms);
    }
}

/* Whether nobody has said yes yet: then consent that is taken back must keep the person from being offered, now or
 * later, whatever the case waits for. */
static bool awaits_yes(const struct rfl_case *kase)
{
    return kase->status == RFL_STATUS_TRIAGE || kase->status == RFL_STATUS_QUEUED ||
           kase->status == RFL_STATUS_OFFERED || kase->status == RFL_STATUS_DECLINING ||
           (kase->status == RFL_STATUS_ON_HOLD && kase->hold != RFL_HOLD_CONSENT);
}

static void hold_for_consent(const struct rfl__deciding *d, enum rfl_route_reason reason)
{
    const struct rfl_case *before = d->before;
    const struct rfl_queue *there = rfl_policy_queue(d->policy, before->queue);
    if (before->status == RFL_STATUS_OFFERED)
        (void)rfl__add_until(d, RFL_EVENT_RETURNED, RFL_CLOCK_ACCEPT, before->accept_by_ms);
    (void)rfl__add(d, before->status == RFL_STATUS_ON_HOLD ? RFL_EVENT_RELEASED : RFL_EVENT_MOVED);
    add_held(d, there != NULL ? there : rfl_policy_national_triage(d->policy), (uint8_t)reason);
}

/* Who has said yes is told of the newer body; before that, it may put the case elsewhere. */
static void decide_amend(const struct rfl__deciding *d)
{
    const struct rfl_case *before = d->before;
    bool waits = before->status == RFL_STATUS_TRIAGE || before->status == RFL_STATUS_QUEUED;
    struct rfl_event *event = rfl__add(d, RFL_EVENT_AMENDED);
    event->referral = d->command->submission.id;
    event->submission = d->command->submission;
    event->band = d->command->band;
    if (!consents(d) && awaits_yes(before)) {
        hold_for_consent(d, RFL_ROUTE_REASON_AMENDED);      /* also while it rests: it may be unlinked */
    } else if (before->linked_to.v != 0) {
        return;
    } else if (consents(d) && d->command->decision != NULL && holds(before, RFL_HOLD_CONSENT)) {
        (void)rfl__add(d, RFL_EVENT_RELEASED);
        add_placed_or_quiet(d, before->opened_ms);
    } else if (consents(d) && d->command->decision != NULL && waits &&
               d->command->decision->queue.v != before->queue.v &&
               !rfl__said_no(before, d->command->decision->queue)) {
        (void)rfl__add(d, RFL_EVENT_MOVED);
        add_placed(d, before->since_ms > 0 ? before->since_ms : before->opened_ms);
    }
}

/* The person's no ends the whole case; a referrer's only when no other referral stands. What stands may be without
 * consent: then nobody may see the person any more until it comes. */
static void decide_withdraw(const struct rfl__deciding *d)
{
    bool person = d->command->reason == RFL_WITHDRAW_PERSON, named = d->command->submission.id.v != 0;
    bool last = d->before->withdrawn_count + (named ? 1u : 0u) >= d->before->referral_count;
    if (named && d->before->withdrawn_count >= d->before->referral_count)
        return;                     /* none of its referrals stands any more */
    if (named) {
        struct rfl_event *event = rfl__add(d, RFL_EVENT_WITHDRAWN);
        event->referral = d->command->submission.id;
        event->reason = d->command->reason;
    }
    bool rests = d->before->linked_to.v != 0;       /* the case it rests on is closed by a command of its own */
    if (person && !rests)
        rfl__add_closed(d, RFL_CLOSE_PERSON_DECLINED);
    else if (last && !d->command->others_stand && !rests)
        rfl__add_closed(d, d->command->all_in_error ? RFL_CLOSE_SENT_IN_ERROR : RFL_CLOSE_WITHDRAWN_BY_REFERRER);
    else if (d->command->consent_gone && awaits_yes(d->before) && !(rests && (person || last)))
        hold_for_consent(d, RFL_ROUTE_REASON_CONSENT_GONE);
}

enum rfl_err rfl__decide_referral(const struct rfl__deciding *d)
{
    if (d->command->kind == RFL_DO_RECEIVE) {
        decide_receive(d);
    } else if (d->command->kind == RFL_DO_AMEND) {
        decide_amend(d);
    } else if (d->command->kind == RFL_DO_WITHDRAW) {
        decide_withdraw(d);
    } else if (d->command->kind == RFL_DO_FOLLOW) {
        rfl__add_closed(d, RFL_CLOSE_JOINED_OTHER_CASE);
    } else {
        assert(d->command->kind == RFL_DO_RESEMBLE);
        if (d->command->other.v == 0 || d->command->other.v == d->before->id.v)
            return RFL_E_INVALID;
        rfl__add(d, RFL_EVENT_RESEMBLED)->other = d->command->other;
    }
    return d->out->count > 0 ? RFL_E_OK : RFL_E_STATE;
}
