#include "rfl_decide.h"

#include "rfl_apply.h"
#include "rfl_disclose.h"

/* A clock must end even beyond the calendar's last year: then each working day counts as three days of wall time, which
 * is later than the calendar would say and never "never". */
static int64_t due_at(const struct rfl_policy *policy, struct rfl_queue_no queue, enum rfl_clock clock, int64_t from_ms)
{
    int64_t due_ms;
    if (rfl_policy_due(policy, queue, clock, from_ms, &due_ms) == RFL_E_OK)
        return due_ms;
    return from_ms + 9 * rfl_policy_clock_ms(policy, queue, clock);
}

static struct rfl_event *add(struct rfl_events *out, enum rfl_event_kind kind)
{
    assert(out->count < RFL_EVENTS_PER_COMMAND_MAX);
    struct rfl_event *event = &out->list[out->count++];
    memset(event, 0, sizeof *event);
    event->kind = (uint8_t)kind;
    return event;
}

static struct rfl_event *add_clocked(struct rfl_events *out, enum rfl_event_kind kind, enum rfl_clock clock,
                                     int64_t due_ms)
{
    struct rfl_event *event = add(out, kind);
    event->clock = (uint8_t)clock;
    event->due_ms = due_ms;
    return event;
}

static void add_routed(struct rfl_events *out, const struct rfl_policy *policy, const struct rfl_queue *queue,
                       enum rfl_route_reason reason, int64_t since_ms, int64_t now_ms)
{
    int64_t accept_by_ms = due_at(policy, queue->id, RFL_CLOCK_ACCEPT, now_ms);
    struct rfl_event *event = add_clocked(out, RFL_EVENT_ROUTED, RFL_CLOCK_ACCEPT, accept_by_ms);
    event->queue = queue->id;
    event->area = queue->area;
    event->reason = (uint8_t)reason;
    event->since_ms = since_ms;
    event->accept_by_ms = accept_by_ms;
}

static void add_unplaced(struct rfl_events *out, const struct rfl_policy *policy, const struct rfl_queue *triage,
                         enum rfl_route_reason reason, int64_t now_ms)
{
    struct rfl_event *event = add_clocked(out, RFL_EVENT_UNPLACED, RFL_CLOCK_TRIAGE,
                                          due_at(policy, triage->id, RFL_CLOCK_TRIAGE, now_ms));
    event->queue = triage->id;
    event->area = triage->area;
    event->reason = (uint8_t)reason;
}

/* The queue of a decision; national triage when the policy in force no longer has it. */
static const struct rfl_queue *decided_queue(const struct rfl_policy *policy, const struct rfl_decision *decision)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, decision->queue);
    if (queue == NULL)
        queue = rfl_policy_national_triage(policy);
    assert(queue != NULL);
    return queue;
}

static void add_placed(struct rfl_events *out, const struct rfl_policy *policy, const struct rfl_decision *decision,
                       int64_t since_ms, int64_t now_ms)
{
    const struct rfl_queue *queue = decided_queue(policy, decision);
    if (queue->kind == RFL_QUEUE_KIND_PROVIDER)
        add_routed(out, policy, queue, (enum rfl_route_reason)decision->reason, since_ms, now_ms);
    else
        add_unplaced(out, policy, queue, (enum rfl_route_reason)decision->reason, now_ms);
}

static void decide_receive(const struct rfl_policy *policy, const struct rfl_case *before,
                           const struct rfl_command *command, int64_t now_ms, struct rfl_events *out)
{
    bool open = before->status != RFL_STATUS_NONE;
    struct rfl_event *event = add(out, open ? RFL_EVENT_JOINED : RFL_EVENT_RECEIVED);
    event->submission = command->submission;
    event->band = command->band;
    bool consent = rfl_policy_consent_ok(policy, (enum rfl_door)command->submission.door,
                                         (enum rfl_consent)command->submission.consent);
    if (!open && consent) {
        add_placed(out, policy, command->decision, now_ms, now_ms);
    } else if (!open) {
        const struct rfl_queue *queue = decided_queue(policy, command->decision);
        event = add_clocked(out, RFL_EVENT_HELD, RFL_CLOCK_CONSENT,
                            due_at(policy, queue->id, RFL_CLOCK_CONSENT, now_ms));
        event->queue = queue->id;
        event->area = queue->area;
        event->reason = command->decision->reason;
    } else if (before->status == RFL_STATUS_ON_HOLD && before->hold == RFL_HOLD_CONSENT && consent) {
        (void)add(out, RFL_EVENT_RELEASED);
        add_placed(out, policy, command->decision, before->opened_ms, now_ms);
    }
}

static bool said_no(const struct rfl_case *kase, struct rfl_queue_no queue)
{
    for (unsigned i = 0; i < kase->declined_count; i++)
        if (kase->declined_by[i].v == queue.v)
            return true;
    return false;
}

/* A provider's queue that is open by now, in an area that exists. */
static bool takes_cases(const struct rfl_policy *policy, const struct rfl_queue *queue, int64_t now_ms)
{
    const struct rfl_area *area = rfl_policy_area(policy, queue->area);
    return queue->kind == RFL_QUEUE_KIND_PROVIDER && queue->opens_ms <= now_ms && area != NULL &&
           rfl_area_alive(area, now_ms);
}

static enum rfl_err decide_redirect(const struct rfl_policy *policy, const struct rfl_case *before,
                                    const struct rfl_command *command, int64_t now_ms, struct rfl_events *out)
{
    const struct rfl_queue *target = rfl_policy_queue(policy, command->target);
    if (target == NULL || target->id.v == before->queue.v || !takes_cases(policy, target, now_ms))
        return RFL_E_INVALID;
    struct rfl_event *event = add(out, RFL_EVENT_REDIRECTED);
    event->reason = command->reason;
    const struct rfl_queue *triage = rfl_policy_triage_of(policy, before->area, now_ms);
    if (before->hops >= rfl_policy_hops_max(policy))
        add_unplaced(out, policy, triage, RFL_ROUTE_REASON_HOP_BUDGET, now_ms);
    else if (said_no(before, target->id))
        add_unplaced(out, policy, triage, RFL_ROUTE_REASON_SAID_NO_BEFORE, now_ms);
    else
        add_routed(out, policy, target, RFL_ROUTE_REASON_REDIRECTED, now_ms, now_ms);
    return RFL_E_OK;
}

/* Back to the place in the queue that it had; the deadline for a yes went on running, escalated or not: a case that is
 * offered and returned for ever is somebody's superior's business on time. */
static void add_requeued(struct rfl_events *out, enum rfl_event_kind kind, const struct rfl_case *before)
{
    (void)add_clocked(out, kind, before->escalation == 0 ? RFL_CLOCK_ACCEPT : RFL_CLOCK_ESCALATED,
                      before->accept_by_ms);
}

static void add_escalated(struct rfl_events *out, const struct rfl_policy *policy, const struct rfl_case *before,
                          int64_t now_ms)
{
    struct rfl_event *event = add_clocked(out, RFL_EVENT_ESCALATED, RFL_CLOCK_ESCALATED,
                                          due_at(policy, before->queue, RFL_CLOCK_ESCALATED, now_ms));
    event->level = before->escalation < UINT8_MAX ? (uint8_t)(before->escalation + 1) : UINT8_MAX;
}

static void decide_release(const struct rfl_policy *policy, const struct rfl_case *before, int64_t now_ms,
                           struct rfl_events *out)
{
    (void)add(out, RFL_EVENT_RELEASED);
    const struct rfl_queue *queue = rfl_policy_queue(policy, before->queue);
    if (queue != NULL && takes_cases(policy, queue, now_ms))
        add_routed(out, policy, queue, RFL_ROUTE_REASON_HOLD_ENDED, before->since_ms, now_ms);
    else
        add_unplaced(out, policy, rfl_policy_triage_of(policy, before->area, now_ms), RFL_ROUTE_REASON_HOLD_ENDED,
                     now_ms);
}

static enum rfl_err decide_expire(const struct rfl_policy *policy, const struct rfl_case *before, int64_t now_ms,
                                  struct rfl_events *out)
{
    if (before->clock == RFL_CLOCK_NONE || before->due_ms > now_ms)
        return RFL_E_STATE;
    if (before->clock == RFL_CLOCK_LEASE) {
        add_requeued(out, RFL_EVENT_LAPSED, before);
        if (before->lapses + 1u >= rfl_policy_offers_max(policy))
            (void)add_clocked(out, RFL_EVENT_PARKED, RFL_CLOCK_PARKED,
                              due_at(policy, before->queue, RFL_CLOCK_PARKED, now_ms));
    } else if (before->clock == RFL_CLOCK_HOLD) {
        decide_release(policy, before, now_ms, out);
    } else {
        add_escalated(out, policy, before, now_ms);
    }
    return RFL_E_OK;
}

static int64_t lease_end(const struct rfl_policy *policy, const struct rfl_case *before,
                         const struct rfl_command *command, int64_t now_ms)
{
    return command->lease_ms > 0 ? now_ms + command->lease_ms : due_at(policy, before->queue, RFL_CLOCK_LEASE, now_ms);
}

static enum rfl_err decide_offer_verb(const struct rfl_policy *policy, const struct rfl_case *before,
                                      const struct rfl_command *command, int64_t now_ms, struct rfl_events *out)
{
    struct rfl_event *event;
    if (command->kind == RFL_DO_ACCEPT) {
        (void)add_clocked(out, RFL_EVENT_ACCEPTED, RFL_CLOCK_CONTACT,
                          due_at(policy, before->queue, RFL_CLOCK_CONTACT, now_ms));
    } else if (command->kind == RFL_DO_DECLINE) {
        event = add_clocked(out, RFL_EVENT_DECLINED, RFL_CLOCK_DECLINE,
                            due_at(policy, before->queue, RFL_CLOCK_DECLINE, now_ms));
        event->reason = command->reason;
    } else if (command->kind == RFL_DO_REDIRECT) {
        return decide_redirect(policy, before, command, now_ms, out);
    } else if (command->kind == RFL_DO_DEFER) {
        if (command->until_ms <= now_ms || command->until_ms > due_at(policy, before->queue, RFL_CLOCK_HOLD, now_ms))
            return RFL_E_INVALID;
        (void)add_clocked(out, RFL_EVENT_DEFERRED, RFL_CLOCK_HOLD, command->until_ms);
    } else if (command->kind == RFL_DO_RETURN) {
        add_requeued(out, RFL_EVENT_RETURNED, before);
    } else {
        assert(command->kind == RFL_DO_TOUCH);
        if (before->touches >= rfl_policy_touches_max(policy))
            return RFL_E_STATE;
        (void)add_clocked(out, RFL_EVENT_TOUCHED, RFL_CLOCK_LEASE, lease_end(policy, before, command, now_ms));
    }
    return RFL_E_OK;
}

static void decide_journey_verb(const struct rfl_policy *policy, const struct rfl_case *before,
                                const struct rfl_command *command, int64_t now_ms, struct rfl_events *out)
{
    struct rfl_event *event;
    bool active = before->status == RFL_STATUS_ACTIVE, closed = before->status == RFL_STATUS_CLOSED;
    enum rfl_clock outcome = RFL_CLOCK_OUTCOME_LATER;
    if (command->kind == RFL_DO_CONTACT && !command->reached) {
        event = add(out, RFL_EVENT_TRIED);
        event->code = command->code;
    } else if (command->kind == RFL_DO_CONTACT) {
        enum rfl_clock clock = active ? outcome : RFL_CLOCK_FOLLOW_UP;
        event = add_clocked(out, RFL_EVENT_CONTACTED, clock, due_at(policy, before->queue, clock, now_ms));
        event->code = command->code;
    } else if (command->kind == RFL_DO_START) {
        (void)add_clocked(out, RFL_EVENT_STARTED, RFL_CLOCK_OUTCOME_FIRST,
                          due_at(policy, before->queue, RFL_CLOCK_OUTCOME_FIRST, now_ms));
    } else if (command->kind == RFL_DO_OUTCOME) {
        event = closed ? add_clocked(out, RFL_EVENT_OUTCOME, RFL_CLOCK_NONE, 0)
                       : add_clocked(out, RFL_EVENT_OUTCOME, outcome, due_at(policy, before->queue, outcome, now_ms));
        event->code = command->code;
    } else {
        assert(command->kind == RFL_DO_CLOSE);
        event = add(out, RFL_EVENT_CLOSED);
        event->reason = command->reason;
    }
}

/* Whether the command's first event is one the table allows, so that a refusal is said before anything is computed. */
static bool possible(const struct rfl_case *before, const struct rfl_command *command)
{
    static const uint8_t first_event[] = {
        [RFL_DO_RECEIVE] = RFL_EVENT_JOINED, [RFL_DO_OFFER] = RFL_EVENT_OFFERED, [RFL_DO_ACCEPT] = RFL_EVENT_ACCEPTED,
        [RFL_DO_DECLINE] = RFL_EVENT_DECLINED, [RFL_DO_REDIRECT] = RFL_EVENT_REDIRECTED,
        [RFL_DO_DEFER] = RFL_EVENT_DEFERRED, [RFL_DO_TOUCH] = RFL_EVENT_TOUCHED,
        [RFL_DO_CONTACT] = RFL_EVENT_CONTACTED, [RFL_DO_START] = RFL_EVENT_STARTED,
        [RFL_DO_OUTCOME] = RFL_EVENT_OUTCOME, [RFL_DO_CLOSE] = RFL_EVENT_CLOSED,
        [RFL_DO_RETURN] = RFL_EVENT_RETURNED, [RFL_DO_EXPIRE] = RFL_EVENT_NONE };
    enum rfl_status status = (enum rfl_status)before->status;
    if (command->kind == RFL_DO_EXPIRE || status == RFL_STATUS_NONE)
        return status != RFL_STATUS_NONE || command->kind == RFL_DO_RECEIVE;
    return rfl_table_next(status, (enum rfl_event_kind)first_event[command->kind]) != RFL_STATUS_NONE;
}

/* Whether the command's words are of their lists. What a reason is for, nobody is told without one. */
static bool sensible(const struct rfl_command *command)
{
    uint8_t reason = command->reason, code = command->code;
    if (command->kind == RFL_DO_DECLINE || command->kind == RFL_DO_REDIRECT)
        return reason > RFL_DECLINE_NONE && reason < RFL_DECLINE_COUNT;
    if (command->kind == RFL_DO_CLOSE)
        return reason > RFL_CLOSE_NONE && reason < RFL_CLOSE_COUNT;
    if (command->kind == RFL_DO_CONTACT)
        return code > RFL_CHANNEL_NONE && code < RFL_CHANNEL_COUNT;
    if (command->kind == RFL_DO_OUTCOME)
        return code > RFL_OUTCOME_NONE && code < RFL_OUTCOME_COUNT;
    return true;
}

static bool is_worker_verb(enum rfl_command_kind kind)
{
    return kind >= RFL_DO_ACCEPT && kind <= RFL_DO_RETURN;
}

/* A token is good as long as its holder has the case; after closing it is still good for late outcomes. */
static bool fenced(const struct rfl_case *before, const struct rfl_command *command)
{
    if (!rfl_token_same(command->token, before->token) || command->token.epoch == 0)
        return true;
    return before->holder != command->holder && before->status != RFL_STATUS_CLOSED;
}

/* Who hears of it. "Still waiting" is for as long as nobody has said yes: later it would say that the person does not
 * answer. */
static void tell(const struct rfl_policy *policy, const struct rfl_case *before, struct rfl_events *out)
{
    bool taken = before->status == RFL_STATUS_ACCEPTED || before->status == RFL_STATUS_WAITING_ON_PERSON ||
                 before->status == RFL_STATUS_ACTIVE;
    for (uint32_t i = 0; i < out->count; i++) {
        enum rfl_event_kind kind = (enum rfl_event_kind)out->list[i].kind;
        if (!taken || rfl_event_disclosed(kind) != RFL_DISCLOSED_WAITING)
            out->list[i].told = rfl_disclose_told(policy, kind);
    }
}

enum rfl_err rfl_decide(const struct rfl_policy *policy, const struct rfl_case *before,
                        const struct rfl_command *command, const struct rfl_now *now, struct rfl_events *out)
{
    out->count = 0;
    enum rfl_err err = RFL_E_OK;
    if (is_worker_verb(command->kind) && fenced(before, command))
        return RFL_E_FENCED;
    if (!possible(before, command))
        return RFL_E_STATE;
    if (!sensible(command))
        return RFL_E_INVALID;
    if (command->kind == RFL_DO_RECEIVE) {
        decide_receive(policy, before, command, now->wall_ms, out);
    } else if (command->kind == RFL_DO_OFFER) {
        struct rfl_event *event = add_clocked(out, RFL_EVENT_OFFERED, RFL_CLOCK_LEASE,
                                              lease_end(policy, before, command, now->wall_ms));
        event->token = command->token;
        event->holder = command->holder;
    } else if (command->kind == RFL_DO_EXPIRE) {
        err = decide_expire(policy, before, now->wall_ms, out);
    } else if (command->kind <= RFL_DO_TOUCH || command->kind == RFL_DO_RETURN) {
        err = decide_offer_verb(policy, before, command, now->wall_ms, out);
    } else {
        decide_journey_verb(policy, before, command, now->wall_ms, out);
    }
    if (err != RFL_E_OK)
        out->count = 0;
    tell(policy, before, out);
    return err;
}

struct rfl_view rfl_owner_of(const struct rfl_policy *policy, const struct rfl_case *kase, int64_t at_ms)
{
    const struct rfl_queue *desk = rfl_policy_triage_of(policy, kase->area, at_ms);
    bool triage = kase->status == RFL_STATUS_DECLINING || kase->hold == RFL_HOLD_PARKED;
    if (kase->status == RFL_STATUS_CLOSED || kase->status == RFL_STATUS_NONE)
        return (struct rfl_view){ (const uint8_t *)"nobody", 6 };
    return rfl_policy_lead_name(policy, triage ? desk->id : kase->queue, kase->escalation);
}
