/* What workers do to a case, and what time does. */
#include "model.h"

/* ---- connections ---- */

static bool is_out_to(const struct m_case *k, unsigned worker)
{
    return k->status == RFL_STATUS_OFFERED && k->worker == (int)worker && k->linked_to == 0;
}

unsigned model_outstanding(const struct model *m, unsigned worker)
{
    unsigned count = 0;
    for (unsigned i = 0; i < m->open_count; i++)
        count += is_out_to(&m->kase[m->open[i]], worker);
    return count;
}

static unsigned give_back(struct model *m, unsigned worker)
{
    unsigned count = 0;
    for (unsigned i = 0; i < m->open_count; i++) {
        uint16_t n = m->open[i];
        if (!is_out_to(&m->kase[n], worker))
            continue;
        m_requeue(m_touch(m, n));
        count++;
    }
    return count;
}

void model_subscribe(struct model *m, unsigned worker, uint64_t session, uint16_t queues, uint32_t credit)
{
    uint64_t gone = m->worker[worker].gone;
    m->worker[worker] = (struct m_worker){ session, gone, queues, false, credit, m->now_ms };
}

unsigned model_goodbye(struct model *m, unsigned worker)
{
    m->worker[worker].session = 0;
    return give_back(m, worker);
}

unsigned model_gone(struct model *m, unsigned worker)
{
    m->worker[worker].gone = m->worker[worker].session;
    return model_goodbye(m, worker);
}

void model_undone(struct model *m, const struct m_worker now[M_WORKERS])
{
    for (unsigned i = 0; i < M_WORKERS; i++) {
        struct m_worker *worker = &m->worker[i];
        worker->gone = now[i].gone;
        if (worker->session == worker->gone)
            worker->session = 0;
        worker->heard_ms = m->now_ms;
    }
}

void model_heard(struct model *m, uint64_t session)
{
    for (unsigned i = 0; i < M_WORKERS; i++)
        if (session != 0 && m->worker[i].session == session)
            m->worker[i].heard_ms = m->now_ms;
}

void model_restarted(struct model *m)
{
    for (unsigned i = 0; i < M_WORKERS; i++)
        m->worker[i].session = 0;       /* what they were offered stays theirs until it lapses */
    m->idle_look_ms = 0;
}

unsigned model_records(const struct model *m, uint16_t kase)
{
    unsigned count = 0;
    for (uint16_t n = 1; n <= m->cases; n++) {
        if (n != kase && m->kase[n].linked_to != kase)
            continue;
        for (uint16_t r = m->kase[n].last; r != 0; r = m->referral[r].prev_on_case)
            count += m->referral[r].withdrawn == RFL_WITHDRAW_NONE;
    }
    return count < 64 ? count : 64;
}

/* ---- verbs ---- */

static bool legal(const struct m_case *k, enum rfl_message_kind kind)
{
    bool offered = k->status == RFL_STATUS_OFFERED, active = k->status == RFL_STATUS_ACTIVE;
    bool with_provider = k->status == RFL_STATUS_ACCEPTED || k->status == RFL_STATUS_WAITING_ON_PERSON;
    if (k->linked_to != 0 || k->erased)
        return false;                   /* it rests on another, or nothing happens to it any more */
    switch ((int)kind) {
    case RFL_MSG_ACCEPT: case RFL_MSG_DECLINE: case RFL_MSG_REDIRECT: case RFL_MSG_DEFER: case RFL_MSG_TOUCH:
        return offered;
    case RFL_MSG_CONTACTED: case RFL_MSG_CLOSE: return with_provider || active;
    case RFL_MSG_STARTED: return with_provider;
    case RFL_MSG_OUTCOME: return active || k->status == RFL_STATUS_CLOSED;
    default: assert(!"not a verb"); return false;
    }
}

bool model_legal(const struct model *m, uint16_t kase, enum rfl_message_kind kind)
{
    const struct m_case *k = &m->kase[kase];
    return kind >= RFL_MSG_PLACE ? m_desk_may(k, kind) : legal(k, kind);
}

bool m_was_looked_for(const struct model *m, const struct m_case *k)
{
    unsigned channels = 0;
    for (unsigned i = 0; i < RFL_CHANNEL_COUNT; i++)
        channels += (k->channels & 1u << i) != 0;
    return k->tries >= rfl_policy_attempts_min(m->policy) && channels >= rfl_policy_channels_min(m->policy);
}

/* Legal in this status, and yet not now. */
static bool too_soon_or_late(const struct model *m, const struct m_case *k, const struct m_verb *verb)
{
    if (verb->kind == RFL_MSG_TOUCH)
        return k->touches >= rfl_policy_touches_max(m->policy);
    if (verb->kind == RFL_MSG_OUTCOME && k->status == RFL_STATUS_CLOSED)
        return m->now_ms > k->closed_ms + rfl_policy_outcome_ms(m->policy);
    return verb->kind == RFL_MSG_CLOSE && verb->reason == RFL_CLOSE_UNREACHABLE && !m_was_looked_for(m, k);
}

static bool sensible(const struct model *m, const struct m_case *k, const struct m_verb *verb)
{
    int64_t latest_ms = 0;
    bool held;
    switch ((int)verb->kind) {
    case RFL_MSG_DECLINE: return verb->reason > RFL_DECLINE_NONE && verb->reason < RFL_DECLINE_COUNT;
    case RFL_MSG_REDIRECT:
        if (verb->reason <= RFL_DECLINE_NONE || verb->reason >= RFL_DECLINE_COUNT || !m_queue_is_intake(verb->queue))
            return false;               /* to where it is, it is not passed on; by another's diversion, it is */
        return m_where(m, verb->queue, &held) != verb->queue || (verb->queue != k->queue && m_takes(m, verb->queue));
    case RFL_MSG_DEFER:
        if (rfl_policy_due(m->policy, (struct rfl_queue_no){ k->queue }, RFL_CLOCK_HOLD, m->now_ms, &latest_ms) !=
            RFL_E_OK)
            return false;
        return verb->until_ms > m->now_ms && verb->until_ms <= latest_ms;
    case RFL_MSG_CONTACTED: return verb->code > RFL_CHANNEL_NONE && verb->code < RFL_CHANNEL_COUNT;
    case RFL_MSG_OUTCOME: return verb->code > RFL_OUTCOME_NONE && verb->code < RFL_OUTCOME_COUNT;
    case RFL_MSG_CLOSE:
        return verb->reason > RFL_CLOSE_NONE && verb->reason < RFL_CLOSE_JOINED_OTHER_CASE;
    default: return true;
    }
}

static void redirect(struct model *m, struct m_case *k, uint16_t asked)
{
    bool held;
    uint16_t target = m_where(m, asked, &held);
    bool over = k->hops >= rfl_policy_hops_max(m->policy), said_no = m_said_no(k, target);
    m_say_no(k);
    k->hops++;
    k->escalation = 0;
    m_free_holder(k);
    m_placed(m, k, 0, NULL);
    if (over || said_no || held || target == k->queue || !m_takes(m, target))
        m_to_triage(m, k);
    else
        m_place(m, k, target, m_area_of(target), m->now_ms);
    if (over || said_no)
        k->escalation = 1;          /* the head of triage, not the desk */
    m_tell(m, k, M_NEWS_MOVED, 0, k->queue);
}

static void contact(struct model *m, struct m_case *k, const struct m_verb *verb)
{
    k->contacts = k->contacts < UINT8_MAX ? (uint8_t)(k->contacts + 1) : UINT8_MAX;
    if (!verb->reached) {
        k->tries = k->tries < UINT8_MAX ? (uint8_t)(k->tries + 1) : UINT8_MAX;
        k->channels |= (uint8_t)(1u << verb->code);
        return;                         /* the clock runs on */
    }
    k->escalation = k->tries = k->channels = 0;
    if (k->status == RFL_STATUS_ACTIVE) {
        m_start_clock(m, k, RFL_CLOCK_OUTCOME_LATER);
        return;
    }
    k->status = RFL_STATUS_WAITING_ON_PERSON;
    m_start_clock(m, k, RFL_CLOCK_FOLLOW_UP);
}

static void answer_offer(struct model *m, struct m_case *k, const struct m_verb *verb)
{
    switch ((int)verb->kind) {
    case RFL_MSG_ACCEPT:
        k->status = RFL_STATUS_ACCEPTED;
        k->escalation = 0;
        k->accept_by_ms = 0;
        m_start_clock(m, k, RFL_CLOCK_CONTACT);
        m_tell(m, k, M_NEWS_ACCEPTED, 0, k->queue);
        break;
    case RFL_MSG_DECLINE:
        m_say_no(k);
        m_free_holder(k);
        k->status = RFL_STATUS_DECLINING;
        k->escalation = 0;
        m_start_clock(m, k, RFL_CLOCK_DECLINE);
        break;
    case RFL_MSG_REDIRECT: redirect(m, k, verb->queue); break;
    case RFL_MSG_DEFER:
        m_free_holder(k);
        k->status = RFL_STATUS_ON_HOLD;
        k->hold = RFL_HOLD_DEFERRED;
        k->escalation = 0;
        m_set_clock(k, RFL_CLOCK_HOLD, verb->until_ms);
        break;
    default:
        k->touches++;
        m_start_lease(m, k);
        break;
    }
}

static void go_on(struct model *m, struct m_case *k, const struct m_verb *verb)
{
    switch ((int)verb->kind) {
    case RFL_MSG_CONTACTED: contact(m, k, verb); break;
    case RFL_MSG_STARTED:
        k->status = RFL_STATUS_ACTIVE;
        k->escalation = k->tries = k->channels = 0;
        m_start_clock(m, k, RFL_CLOCK_OUTCOME_FIRST);
        m_tell(m, k, M_NEWS_STARTED, 0, 0);
        break;
    case RFL_MSG_OUTCOME:
        k->outcome = verb->code;
        k->escalation = 0;
        if (k->status == RFL_STATUS_ACTIVE)
            m_start_clock(m, k, RFL_CLOCK_OUTCOME_LATER);
        m_tell(m, k, M_NEWS_OUTCOME, verb->code, 0);
        break;
    default:
        m_close(m, k, (enum rfl_close)verb->reason);
        break;
    }
}

struct m_answer model_verb(struct model *m, const struct m_verb *verb)
{
    struct m_answer answer = { .code = RFL_CODE_OK };
    model_heard(m, verb->session);
    if (m->worker[verb->worker].session != verb->session || verb->session == 0)
        answer.code = RFL_CODE_NOT_SUBSCRIBED;
    else if (verb->kase == 0 || verb->kase > m->cases)
        answer.code = RFL_CODE_NOT_FOUND;
    else if (verb->kind == RFL_MSG_REDIRECT && !verb->queue_known)
        answer.code = RFL_CODE_UNKNOWN_QUEUE;
    if (answer.code != RFL_CODE_OK)
        return answer;
    const struct m_case *now = &m->kase[verb->kase];
    bool has_it = now->worker == (int)verb->worker || now->status == RFL_STATUS_CLOSED;
    bool token_fits = verb->token.epoch != 0 && rfl_token_same(verb->token, now->token);
    bool out = now->status == RFL_STATUS_OFFERED;
    answer.status = now->status;
    answer.kase = verb->kase;
    if (verb->kind == RFL_MSG_ACCEPT && token_fits && now->worker == (int)verb->worker && !out &&
        now->linked_to == 0)
        return answer;                  /* said yes before: the records again */
    if (!has_it || !token_fits)
        answer.code = RFL_CODE_FENCED;
    else if (!legal(now, verb->kind))
        answer.code = RFL_CODE_STATE;
    else if (!sensible(m, now, verb))
        answer.code = RFL_CODE_INVALID;
    else if (too_soon_or_late(m, now, verb))
        answer.code = RFL_CODE_STATE;
    if (answer.code != RFL_CODE_OK)
        return answer;
    struct m_case *k = m_begin(m, verb->kase);
    const struct m_case before = *k;
    if (out)
        answer_offer(m, k, verb);
    else
        go_on(m, k, verb);
    m_end(m, k, &before);
    answer.status = k->status;
    return answer;
}

/* ---- time ---- */

/* Nobody has said yes: the referrers hear that it still waits. */
static bool before_yes(const struct m_case *k)
{
    return k->status == RFL_STATUS_TRIAGE || k->status == RFL_STATUS_ON_HOLD || k->status == RFL_STATUS_QUEUED ||
           k->status == RFL_STATUS_DECLINING;
}

static void escalate(struct model *m, struct m_case *k)
{
    k->escalation = k->escalation < UINT8_MAX ? (uint8_t)(k->escalation + 1) : UINT8_MAX;
    m_start_clock(m, k, RFL_CLOCK_ESCALATED);
    if (k->status == RFL_STATUS_TRIAGE)
        m_end_by(k, m_day_of(k));
    if (k->status == RFL_STATUS_QUEUED)
        k->accept_by_ms = k->due_ms;
    if (before_yes(k))
        m_tell(m, k, M_NEWS_WAITING, 0, 0);
}

/* When the running clock next asks for something; a lease only ends. */
int64_t m_next_of(const struct m_case *k)
{
    if (k->clock == RFL_CLOCK_NONE || k->linked_to != 0)
        return INT64_MAX;
    if (k->clock == RFL_CLOCK_LEASE)
        return k->due_ms;
    if (k->warned == 0 && k->half_ms != 0)
        return k->half_ms;
    return k->warned < 2 && k->most_ms != 0 ? k->most_ms : k->due_ms;
}

static void lapse(struct model *m, struct m_case *k)
{
    m_requeue(k);
    k->lapses++;
    if (k->lapses < rfl_policy_offers_max(m->policy))
        return;
    k->status = RFL_STATUS_ON_HOLD;
    k->hold = RFL_HOLD_PARKED;
    k->escalation = 0;
    m_start_clock(m, k, RFL_CLOCK_PARKED);
}

/* Of everything that has come due meanwhile, the last is what matters: nobody is warned of what is over. */
void m_run_on(struct model *m, struct m_case *k)
{
    if (m_is_due_again(m, k)) {
        m_decide_again(m, k);
    } else if (k->clock == RFL_CLOCK_LEASE) {
        lapse(m, k);
    } else if (k->due_ms > m->now_ms) {
        if (k->warned == 0 && before_yes(k))
            m_tell(m, k, M_NEWS_WAITING, 0, 0);
        k->warned = k->most_ms <= m->now_ms ? 2 : 1;
    } else if (k->clock == RFL_CLOCK_HOLD) {
        m_release(m, k);
    } else {
        escalate(m, k);
    }
}

void model_drop_silent(struct model *m)
{
    bool look = m->now_ms >= m->idle_look_ms + 1000 || m->now_ms < m->idle_look_ms;
    if (look)
        m->idle_look_ms = m->now_ms;
    for (unsigned i = 0; look && i < M_WORKERS; i++)
        if (m->worker[i].session != 0 && m->now_ms - m->worker[i].heard_ms > m->idle_ms)
            (void)model_gone(m, i);
}

void model_clock(struct model *m, uint16_t kase)
{
    if (m_next_of(&m->kase[kase]) <= m->now_ms)
        m_run_on(m, m_touch(m, kase));
}

void model_clocks(struct model *m)
{
    for (unsigned i = 0; i < m->open_count; i++)
        while (m_next_of(&m->kase[m->open[i]]) <= m->now_ms)
            m_run_on(m, m_touch(m, m->open[i]));
}

/* ---- offers ---- */

static int worker_of(const struct model *m, uint64_t session)
{
    for (unsigned i = 0; i < M_WORKERS; i++)
        if (session != 0 && m->worker[i].session == session)
            return (int)i;
    return -1;
}

static bool wants(const struct model *m, unsigned worker, uint16_t queue)
{
    for (unsigned i = 0; i < M_QUEUES; i++)
        if (model_intake[i] == queue)
            return (m->worker[worker].queues & 1u << i) != 0;
    return false;
}

static bool later(struct rfl_token a, struct rfl_token b)
{
    return a.epoch != b.epoch ? a.epoch > b.epoch : a.seq > b.seq;
}

/* Somebody urgent waits in the same queue; a routine case that has waited for long counts as urgent. */
static bool overtakes(const struct model *m, const struct m_case *now)
{
    if (now->band == RFL_BAND_URGENT || rfl_policy_aged_ms(m->policy, now->since_ms) <= m->now_ms)
        return false;
    for (unsigned i = 0; i < m->open_count; i++) {
        const struct m_case *k = &m->kase[m->open[i]];
        if (k->status == RFL_STATUS_QUEUED && k->queue == now->queue && k->linked_to == 0 && k->band < now->band)
            return true;
    }
    return false;
}

const char *model_offered(struct model *m, uint64_t session, uint16_t kase, struct rfl_token token)
{
    int worker = worker_of(m, session);
    if (worker < 0)
        return "an offer to nobody";
    if (kase == 0 || kase > m->cases)
        return "an offer of no case";
    const struct m_case *now = &m->kase[kase];
    if (now->status == RFL_STATUS_OFFERED && now->worker == worker && rfl_token_same(now->token, token))
        return NULL;                    /* after a reconnect: the same again */
    if (now->status != RFL_STATUS_QUEUED || now->linked_to != 0)
        return "an offer of a case that does not wait";
    if (!m_lives(m, now->queue))
        return "an offer from a queue that is no more";
    if (m_rests(m, now->queue))
        return "an offer from a queue that is paused or at its capacity";
    if (!wants(m, (unsigned)worker, now->queue))
        return "an offer from a queue that the worker did not ask for";
    if (model_outstanding(m, (unsigned)worker) >= m->worker[worker].credit)
        return "an offer beyond the worker's credit";
    if (!later(token, m->last_token))
        return "a token that is not newer than all before";
    if (overtakes(m, now))
        return "an offer of a routine case before an urgent one";
    struct m_case *k = m_touch(m, kase);
    m->last_token = token;
    k->token = token;
    k->worker = (int8_t)worker;
    k->touches = 0;
    k->status = RFL_STATUS_OFFERED;
    m_start_lease(m, k);
    return NULL;
}

uint16_t model_forgotten(const struct model *m)
{
    for (unsigned i = 0; i < M_WORKERS; i++) {
        if (m->worker[i].session == 0 || model_outstanding(m, i) >= m->worker[i].credit)
            continue;
        for (unsigned j = 0; j < m->open_count; j++) {
            const struct m_case *k = &m->kase[m->open[j]];
            if (k->status == RFL_STATUS_QUEUED && k->linked_to == 0 && wants(m, i, k->queue) &&
                m_lives(m, k->queue) && !m_rests(m, k->queue))
                return m->open[j];
        }
    }
    return 0;
}
