/* What referrers take back or change, and what operators do: proto/README.md, sections 5 and 8. */
#include "model.h"

/* ---- the person's no, and consent ---- */

static bool holds_for_consent(const struct m_case *k)
{
    return k->status == RFL_STATUS_ON_HOLD && k->hold == RFL_HOLD_CONSENT;
}

static void hold_for_consent(struct model *m, struct m_case *k)
{
    m_free_holder(k);
    k->status = RFL_STATUS_ON_HOLD;
    k->hold = RFL_HOLD_CONSENT;
    k->escalation = 0;
    k->since_ms = k->accept_by_ms = 0;
    k->lapses = 0;
    m_start_clock(m, k, RFL_CLOCK_CONSENT);
    m_tell(m, k, M_NEWS_HELD, 0, 0);
}

/* Nobody has said yes, and it does not wait for consent already. */
static bool may_still_be_disclosed(const struct m_case *k)
{
    return k->status == RFL_STATUS_TRIAGE || k->status == RFL_STATUS_QUEUED || k->status == RFL_STATUS_OFFERED ||
           k->status == RFL_STATUS_DECLINING || (k->status == RFL_STATUS_ON_HOLD && !holds_for_consent(k));
}

/* ---- Amend ---- */

static void place_anew(struct model *m, struct m_case *k, uint16_t n, struct m_place to, uint16_t routed_before,
                       int64_t quiet_until_ms)
{
    const struct m_referral *r = &m->referral[n];
    bool waits = k->status == RFL_STATUS_TRIAGE || k->status == RFL_STATUS_QUEUED;
    if (!m_may_disclose(&r->newest)) {
        if (may_still_be_disclosed(k))
            hold_for_consent(m, k);
    } else if (holds_for_consent(k)) {
        k->escalation = 0;
        m_placed(m, k, n, &to);
        m_place_or_be_quiet(m, k, &r->newest, to, quiet_until_ms);
    } else if (waits && to.queue != routed_before && to.queue != k->queue && !m_said_no(k, to.queue)) {
        k->escalation = 0;
        m_placed(m, k, n, &to);
        m_put(m, k, to, k->since_ms > 0 ? k->since_ms : k->opened_ms);
    }
}

struct m_answer model_amend(struct model *m, unsigned source, uint32_t reference, const struct m_form *form,
                            uint32_t version)
{
    struct m_answer answer = { .code = RFL_CODE_OK };
    uint16_t n = m_find_reference(m, source, reference);
    if (n == 0)
        return (struct m_answer){ .code = RFL_CODE_NOT_FOUND };
    struct m_referral *r = &m->referral[n];
    answer.referral = n;
    answer.status = m->kase[r->kase].status;
    if (m_same_form(form, &r->newest))
        return answer;
    if (form->door != r->form.door)
        answer.code = RFL_CODE_DOOR_NOT_ALLOWED;
    else if (r->withdrawn != RFL_WITHDRAW_NONE || m->kase[r->kase].status == RFL_STATUS_CLOSED)
        answer.code = RFL_CODE_STATE;
    else if (version != r->amendments)
        answer.code = RFL_CODE_VERSION_CONFLICT;
    if (answer.code != RFL_CODE_OK)
        return answer;
    struct m_place to = m_route(m, source, form, &m->kase[r->kase]);
    struct m_case *k = m_begin(m, r->kase);
    const struct m_case before = *k;
    struct m_person person = m_person_of(m, form);
    struct m_form was = r->newest;
    uint16_t routed_before = r->decided;
    r->newest = *form;
    r->decided = to.queue;
    r->amendments++;
    m_index(m, n, &was);
    if (form->band < k->band)
        k->band = form->band;
    uint16_t other = person.open != 0 && person.open != r->kase ? person.open : person.resembles;
    if (k->linked_to == 0) {
        place_anew(m, k, n, to, routed_before, person.quiet_until_ms);
        if (other != 0 && other != r->kase)
            k->resembles = other;
    } else if (!m_may_disclose(&r->newest) && may_still_be_disclosed(k)) {
        hold_for_consent(m, k);         /* it rests, and may be unlinked */
    }
    m_end(m, k, &before);
    answer.status = k->status;
    return answer;
}

/* ---- Withdraw ---- */

/* What is left of a case's referrals: any, any with consent, and any that was not a mistake. */
struct standing { bool any, consent, no_mistake; };

static void look_at(const struct model *m, uint16_t kase, struct standing *out)
{
    for (uint16_t n = m->kase[kase].last; n != 0; n = m->referral[n].prev_on_case) {
        bool stands = m->referral[n].withdrawn == RFL_WITHDRAW_NONE;
        out->any = out->any || stands;
        out->consent = out->consent || (stands && m_may_disclose(&m->referral[n].newest));
        out->no_mistake = out->no_mistake || m->referral[n].withdrawn != RFL_WITHDRAW_ENTERED_IN_ERROR;
    }
}

static void look_at_linked(const struct model *m, uint16_t kase, struct standing *out)
{
    for (uint16_t n = 1; m->links > 0 && n <= m->cases; n++)
        if (m->kase[n].linked_to == kase)
            look_at(m, n, out);
}

static void hold_anybody_for_consent(struct model *m, uint16_t kase)
{
    struct m_case *k = m_begin(m, kase);
    const struct m_case before = *k;
    hold_for_consent(m, k);
    m_end(m, k, &before);
}

/* The case that the withdrawn referral's case rests on goes on for whoever still stands; on hold when it goes on only
 * for cases that rest on it, and the one with the consent is gone. */
static void end_survivor(struct model *m, uint16_t kase, enum rfl_withdraw reason, bool consented)
{
    struct standing all = { false, false, false }, own = all;
    look_at(m, kase, &own);
    look_at(m, kase, &all);
    look_at_linked(m, kase, &all);
    if (m->kase[kase].status == RFL_STATUS_CLOSED)
        return;
    if (reason != RFL_WITHDRAW_PERSON && all.any) {
        if (consented && !own.any && !all.consent && may_still_be_disclosed(&m->kase[kase]))
            hold_anybody_for_consent(m, kase);
        return;
    }
    m_close(m, m_begin(m, kase), reason == RFL_WITHDRAW_PERSON ? RFL_CLOSE_PERSON_DECLINED
                                 : all.no_mistake ? RFL_CLOSE_WITHDRAWN_BY_REFERRER : RFL_CLOSE_SENT_IN_ERROR);
}

struct m_answer model_withdraw(struct model *m, unsigned source, uint32_t reference, enum rfl_withdraw reason)
{
    struct m_answer answer = { .code = RFL_CODE_OK };
    uint16_t n = m_find_reference(m, source, reference);
    if (n == 0)
        return (struct m_answer){ .code = RFL_CODE_NOT_FOUND };
    struct m_referral *r = &m->referral[n];
    answer.referral = n;
    answer.status = m->kase[r->kase].status;
    if (r->withdrawn != RFL_WITHDRAW_NONE)
        return answer;
    if (m->kase[r->kase].status == RFL_STATUS_CLOSED) {
        answer.code = RFL_CODE_STATE;
        return answer;
    }
    struct m_case *k = m_begin(m, r->kase);
    const struct m_case before = *k;
    r->withdrawn = (uint8_t)reason;
    k->withdrawn++;
    struct standing own = { false, false, false }, linked = own;
    look_at(m, r->kase, &own);
    look_at_linked(m, r->kase, &linked);
    bool mistake = !own.no_mistake && !linked.no_mistake;
    enum rfl_close close = reason == RFL_WITHDRAW_PERSON ? RFL_CLOSE_PERSON_DECLINED
                           : mistake ? RFL_CLOSE_SENT_IN_ERROR : RFL_CLOSE_WITHDRAWN_BY_REFERRER;
    bool closes = k->linked_to == 0 && (reason == RFL_WITHDRAW_PERSON || (!own.any && !linked.any));
    m_tell_one(m, n, M_NEWS_CLOSED, closes ? (uint8_t)close : 0, 0);
    bool consented = m_may_disclose(&r->newest), consent = own.any ? own.consent : linked.consent;
    bool goes_on = k->linked_to == 0 || (own.any && reason != RFL_WITHDRAW_PERSON);
    if (!closes && goes_on && consented && !consent && may_still_be_disclosed(k))
        hold_for_consent(m, k);
    m_end(m, k, &before);
    if (closes)
        m_close(m, k, close);
    else if (k->linked_to != 0)
        end_survivor(m, k->linked_to, reason, consented);
    answer.status = k->status;
    return answer;
}

/* ---- data ---- */

bool model_data(struct model *m, uint16_t kase, enum m_data what)
{
    if (kase == 0 || kase > m->cases || m->kase[kase].erased)
        return false;
    bool closed = m->kase[kase].status == RFL_STATUS_CLOSED, kept = m->kase[kase].kept;
    if ((what == M_KEEP && kept) || (what == M_UNKEEP && !kept) || (what == M_ERASE && (kept || !closed)))
        return false;
    struct m_case *k = m_touch(m, kase);
    k->kept = what == M_KEEP || (kept && what != M_UNKEEP);
    if (what != M_ERASE)
        return true;
    k->erased = true;
    m->links = (uint16_t)(m->links - (k->linked_to != 0));
    k->linked_to = k->resembles = k->previous = 0;
    for (uint16_t n = k->last; n != 0; n = m->referral[n].prev_on_case)
        m_forget(m, n);
    return true;
}

/* ---- the desk ---- */

bool m_desk_may(const struct m_case *k, enum rfl_message_kind kind)
{
    bool waits = k->status == RFL_STATUS_TRIAGE || k->status == RFL_STATUS_QUEUED || k->status == RFL_STATUS_DECLINING;
    bool on_hold = k->status == RFL_STATUS_ON_HOLD;
    bool late = k->escalation > 0 && (k->status == RFL_STATUS_ACCEPTED || k->status == RFL_STATUS_ACTIVE ||
                                      k->status == RFL_STATUS_WAITING_ON_PERSON);
    if (k->status == RFL_STATUS_CLOSED)
        return false;
    if (k->linked_to != 0)
        return kind == RFL_MSG_UNLINK;
    switch ((int)kind) {
    case RFL_MSG_PLACE:
        return waits || late || (on_hold && k->hold != RFL_HOLD_CONSENT && k->hold != RFL_HOLD_DO_NOT_CONTACT);
    case RFL_MSG_SEND_BACK: return k->status == RFL_STATUS_DECLINING;
    case RFL_MSG_HOLD: return waits;
    case RFL_MSG_RELEASE: return on_hold;
    case RFL_MSG_UNLINK: return k->resembles != 0;
    default: return true;
    }
}

static bool hold_end_ok(const struct model *m, const struct m_case *k, int64_t until_ms)
{
    int64_t latest_ms;
    return until_ms > m->now_ms &&
           rfl_policy_due(m->policy, (struct rfl_queue_no){ k->queue }, RFL_CLOCK_HOLD, m->now_ms, &latest_ms) ==
               RFL_E_OK &&
           until_ms <= latest_ms;
}

static bool desk_sensible(const struct model *m, const struct m_case *k, const struct m_order *order)
{
    bool place = order->kind == RFL_MSG_PLACE || (order->kind == RFL_MSG_RELEASE && order->queue != 0);
    if (place && !(m_queue_is_intake(order->queue) ? m_takes(m, order->queue) : m_alive(m, m_area_of(order->queue))))
        return false;
    bool waits = k->status == RFL_STATUS_TRIAGE || k->status == RFL_STATUS_QUEUED;
    bool held = false;
    if (place)                          /* what a person asks for by name is not diverted */
        return (order->queue != k->queue || !waits) && (!m_said_no(k, order->queue) || order->override_no) &&
               !(m_where(m, order->queue, &held) == order->queue && held);
    if (order->kind == RFL_MSG_HOLD)
        return hold_end_ok(m, k, order->until_ms);
    if (order->kind == RFL_MSG_SHUT)
        return order->close > RFL_CLOSE_NONE && order->close < RFL_CLOSE_JOINED_OTHER_CASE;
    return order->kind != RFL_MSG_LINK || order->other != order->kase;
}

/* The latest no of the queue that is to try again. */
static void forget_no(struct m_case *k)
{
    unsigned i = k->no_count;
    while (i > 0 && k->no[i - 1] != k->queue)
        i--;
    if (i == 0)
        return;
    memmove(&k->no[i - 1], &k->no[i], (k->no_count - i) * sizeof k->no[0]);
    k->no_count--;
}

static void unlink_case(struct model *m, struct m_case *k)
{
    if (k->linked_to == 0) {
        k->resembles = 0;
        return;
    }
    uint16_t other = k->linked_to;
    k->linked_to = 0;
    m->links--;
    end_survivor(m, other, RFL_WITHDRAW_REVOKED, true);           /* it may have gone on for this one only */
    if (k->withdrawn == k->count)
        m_close(m, k, RFL_CLOSE_WITHDRAWN_BY_REFERRER);     /* all was taken back while it rested */
}

static void act(struct model *m, struct m_case *k, const struct m_order *order)
{
    uint16_t queue = order->queue;
    int64_t since_ms = k->since_ms > 0 ? k->since_ms : k->opened_ms;
    switch ((int)order->kind) {
    case RFL_MSG_PLACE:
        m_free_holder(k);
        k->escalation = 0;
        m_placed(m, k, 0, NULL);
        m_place(m, k, queue, m_area_of(queue), since_ms);
        break;
    case RFL_MSG_RELEASE:
        k->escalation = 0;
        if (queue == 0) {
            m_release(m, k);
            break;
        }
        m_placed(m, k, 0, NULL);
        m_place(m, k, queue, m_area_of(queue), since_ms);
        break;
    case RFL_MSG_SEND_BACK:
        forget_no(k);
        k->escalation = 0;
        if (m_takes(m, k->queue))
            m_place(m, k, k->queue, k->area, k->since_ms);
        else
            m_give_back(m, k);
        break;
    case RFL_MSG_HOLD:
        k->status = RFL_STATUS_ON_HOLD;
        k->hold = RFL_HOLD_OPERATOR;
        k->escalation = 0;
        m_set_clock(k, RFL_CLOCK_HOLD, order->until_ms);
        break;
    case RFL_MSG_SHUT:
        m_close(m, k, (enum rfl_close)order->close);
        break;
    case RFL_MSG_LINK:
        k->linked_to = order->other;
        m->links++;
        break;
    default: unlink_case(m, k); break;
    }
}

/* On a case that is open and rests on nobody; and nothing rests on the one that is to rest. */
static bool may_rest(const struct model *m, const struct m_order *order)
{
    for (uint16_t n = 1; m->links > 0 && n <= m->cases; n++)
        if (m->kase[n].linked_to == order->kase)
            return false;
    return m->kase[order->other].status != RFL_STATUS_CLOSED && m->kase[order->other].linked_to == 0;
}

/* ---- queues ---- */

static struct m_queue *settings_of(struct model *m, uint16_t queue)
{
    for (unsigned i = 0; i < M_QUEUES; i++)
        if (model_intake[i] == queue)
            return &m->queue[i];
    return NULL;
}

static const struct m_queue *read_settings(const struct model *m, uint16_t queue)
{
    static const struct m_queue none;
    for (unsigned i = 0; i < M_QUEUES; i++)
        if (model_intake[i] == queue)
            return &m->queue[i];
    return &none;
}

/* One diversion is followed, not a second. */
uint16_t m_where(const struct model *m, uint16_t queue, bool *held)
{
    const struct m_queue *q = read_settings(m, queue);
    uint16_t to = q->divert_until_ms > m->now_ms ? q->divert_to : queue;
    *held = read_settings(m, to)->hold_until_ms > m->now_ms;
    return to;
}

bool m_rests(const struct model *m, uint16_t queue)
{
    const struct m_queue *q = read_settings(m, queue);
    uint32_t working = 0;
    if (q->pause_until_ms > m->now_ms)
        return true;
    if (q->capacity_until_ms <= m->now_ms)
        return false;
    for (unsigned i = 0; i < m->open_count; i++) {
        const struct m_case *k = &m->kase[m->open[i]];
        working += k->queue == queue && k->worker >= 0 && k->linked_to == 0;
    }
    return working >= q->capacity;
}

struct m_answer model_queue_set(struct model *m, const struct m_order *order)
{
    struct m_queue *q = settings_of(m, order->queue);
    bool divert = order->mode == RFL_QUEUE_MODE_DIVERT, clear = order->mode == RFL_QUEUE_MODE_CLEAR;
    if (!order->signed_)
        return (struct m_answer){ .code = RFL_CODE_REASON_MISSING };
    if (!order->queue_known)
        return (struct m_answer){ .code = RFL_CODE_UNKNOWN_QUEUE };
    if (q == NULL || (!clear && order->until_ms <= m->now_ms) ||
        (divert && (order->to == order->queue || !m_queue_is_intake(order->to))))
        return (struct m_answer){ .code = RFL_CODE_INVALID };
    if (order->dry_run)
        return (struct m_answer){ .code = RFL_CODE_OK };
    switch ((int)order->mode) {
    case RFL_QUEUE_MODE_CLEAR: *q = (struct m_queue){ 0 }; break;
    case RFL_QUEUE_MODE_PAUSE: q->pause_until_ms = order->until_ms; break;
    case RFL_QUEUE_MODE_HOLD: q->hold_until_ms = order->until_ms; break;
    case RFL_QUEUE_MODE_DIVERT: q->divert_until_ms = order->until_ms; q->divert_to = order->to; break;
    default: q->capacity_until_ms = order->until_ms; q->capacity = order->capacity; break;
    }
    return (struct m_answer){ .code = RFL_CODE_OK };
}

struct m_answer model_order(struct model *m, const struct m_order *order)
{
    struct m_answer answer = { .code = RFL_CODE_OK };
    bool wants_queue = order->kind == RFL_MSG_PLACE || (order->kind == RFL_MSG_RELEASE && order->queue != 0);
    if (!order->signed_)
        answer.code = RFL_CODE_REASON_MISSING;
    else if (order->kase == 0 || order->kase > m->cases ||
             (order->kind == RFL_MSG_LINK && (order->other == 0 || order->other > m->cases)))
        answer.code = RFL_CODE_NOT_FOUND;
    else if (wants_queue && !order->queue_known)
        answer.code = RFL_CODE_UNKNOWN_QUEUE;
    if (answer.code != RFL_CODE_OK)
        return answer;
    const struct m_case *now = order->dry_run ? &m->kase[order->kase] : m_begin(m, order->kase);
    answer.status = now->status;
    if (!m_desk_may(now, order->kind) || (order->kind == RFL_MSG_LINK && !may_rest(m, order)))
        answer.code = RFL_CODE_STATE;
    else if (!desk_sensible(m, now, order))
        answer.code = RFL_CODE_INVALID;
    else if (order->kind == RFL_MSG_SHUT && order->close == RFL_CLOSE_UNREACHABLE && !m_was_looked_for(m, now))
        answer.code = RFL_CODE_STATE;
    answer.kase = order->kase;
    if (answer.code != RFL_CODE_OK || order->dry_run)
        return answer;
    struct m_case *k = m_touch(m, order->kase);
    const struct m_case before = *k;
    act(m, k, order);
    m_end(m, k, &before);
    answer.status = k->status;
    return answer;
}
