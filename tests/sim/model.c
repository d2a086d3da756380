/* The model's people, places, clocks and words; what adapters do is at the end. */
#include "model.h"

/* config/policy/sources.conf; area: whose somebody without an address is, because the referrer works there. */
const struct m_source model_sources[M_SOURCES] = {
    { NULL, { 0 }, 0 },
    { "gp-north", { RFL_DOOR_GP }, 0 },
    { "gp-south", { RFL_DOOR_GP, RFL_DOOR_PHARMACIST }, 0 },
    { "jobcentre-feed", { RFL_DOOR_JOBCENTRE }, 0 },
    { "employer-portal", { RFL_DOOR_EMPLOYER }, 0 },
    { "self-page", { RFL_DOOR_SELF }, 0 },
    { "local-service-manchester", { RFL_DOOR_LOCAL_SERVICE }, 16 },
    { NULL, { 0 }, 0 },
    { "pharmacy-bridge", { RFL_DOOR_PHARMACIST }, 0 },
    { NULL, { 0 }, 0 },
    { "fit-note-birmingham", { RFL_DOOR_FIT_NOTE_SERVICE }, 3 },
    { "provider-transfer", { RFL_DOOR_PROVIDER }, 0 },
    { NULL, { 0 }, 0 },
};

void model_init(struct model *m, const struct rfl_policy *policy, const struct m_england *england, int64_t now_ms,
                int64_t idle_ms)
{
    memset(m, 0, sizeof *m);
    m->policy = policy;
    m->england = england;
    m->now_ms = now_ms;
    m->idle_ms = idle_ms;
}

void model_copy(struct model *to, const struct model *from)
{
    memcpy(to, from, offsetof(struct model, kase));
    memcpy(to->kase, from->kase, (from->cases + 1u) * sizeof from->kase[0]);
    memcpy(to->referral, from->referral, (from->referrals + 1u) * sizeof from->referral[0]);
    for (unsigned i = 0; i < M_SOURCES; i++)
        memcpy(to->mail[i], from->mail[i], (from->mails[i] + 1u) * sizeof from->mail[0][0]);
}

bool model_is_full(const struct model *m)
{
    for (unsigned i = 0; i < M_SOURCES; i++)
        if (m->mails[i] > M_MAILS_MAX - 4600)     /* one jump of time may tell everybody */
            return true;
    return m->cases > M_CASES_MAX - 50 || m->open_count > M_OPEN_MAX - 50 || m->referrals > M_REFERRALS_MAX - 50;
}

/* Every fourth person has the name and birth of the one before, as twins with one first name might. */
unsigned model_named(const struct m_form *form)
{
    return form->person % 4 == 1 ? form->person - 1u : form->person;
}

static unsigned key_of(const struct m_form *form, unsigned kind)
{
    return kind == RFL_MATCH_NAME_BIRTH_POSTCODE ? model_named(form) * M_PLACES + form->place : form->person;
}

static bool has_key(const struct m_form *form, unsigned kind)
{
    if (kind == RFL_MATCH_NAME_BIRTH_POSTCODE && model_places[form->place].postcode == NULL)
        return false;
    return (form->keys & 1u << kind) != 0;
}

struct m_case *m_touch(struct model *m, uint16_t kase)
{
    assert(kase > 0 && kase <= m->cases);
    if (!m->kase[kase].touched && m->touched_count < sizeof m->touched / sizeof m->touched[0]) {
        m->kase[kase].touched = true;
        m->touched[m->touched_count++] = kase;
    }
    return &m->kase[kase];
}

/* ---- clocks ---- */

static int64_t end_of(const struct model *m, uint16_t queue, enum rfl_clock clock, int64_t permille)
{
    struct rfl_queue_no no = { queue };
    int64_t end_ms = 0, work_ms = rfl_policy_clock_ms(m->policy, no, clock) * permille / 1000;
    if (rfl_worktime_add(rfl_policy_calendar(m->policy), m->now_ms, work_ms, &end_ms) != RFL_E_OK)
        assert(!"the simulator stays inside the calendar");
    return end_ms;
}

void m_set_clock(struct m_case *k, enum rfl_clock clock, int64_t due_ms)
{
    k->clock = (uint8_t)clock;
    k->due_ms = due_ms;
    k->half_ms = k->most_ms = 0;
    k->warned = 0;
}

void m_start_clock(struct model *m, struct m_case *k, enum rfl_clock clock)
{
    m_set_clock(k, clock, end_of(m, k->queue, clock, 1000));
    if (clock == RFL_CLOCK_LEASE || clock == RFL_CLOCK_HOLD)
        return;                         /* an offer lapses and a hold ends: nobody is warned */
    k->half_ms = end_of(m, k->queue, clock, 500);
    k->most_ms = end_of(m, k->queue, clock, 800);
}

/* The warnings of the clock for a yes wait behind the lease. */
void m_start_lease(struct model *m, struct m_case *k)
{
    k->clock = RFL_CLOCK_LEASE;
    k->due_ms = end_of(m, k->queue, RFL_CLOCK_LEASE, 1000);
}

/* ---- from hand to hand ---- */

void m_place(struct model *m, struct m_case *k, uint16_t queue, uint16_t area, int64_t since_ms)
{
    bool intake = m_queue_is_intake(queue);
    k->queue = queue;
    k->area = area;
    k->hold = RFL_HOLD_NONE;
    k->lapses = 0;
    k->status = intake ? RFL_STATUS_QUEUED : RFL_STATUS_TRIAGE;
    k->since_ms = intake ? since_ms : 0;
    m_start_clock(m, k, intake ? RFL_CLOCK_ACCEPT : RFL_CLOCK_TRIAGE);
    k->accept_by_ms = intake ? k->due_ms : 0;
}

void m_put(struct model *m, struct m_case *k, struct m_place place, int64_t since_ms)
{
    bool held = false;
    uint16_t queue = m_queue_is_intake(place.queue) ? m_where(m, place.queue, &held) : place.queue;
    if (held)
        queue = m_triage_of(m, place.area);
    else if (m_queue_is_intake(queue) && !m_takes(m, queue))
        queue = place.queue;            /* diverted to where nobody is any more */
    m_place(m, k, queue, m_area_of(queue), since_ms);
    m_end_by(k, place.again_ms);
}

/* Out of a hold: back to where it was held from, with its place in the queue, unless that queue said no. */
void m_release(struct model *m, struct m_case *k)
{
    bool held;
    int64_t since_ms = k->since_ms > 0 ? k->since_ms : k->opened_ms;
    uint16_t queue = m_where(m, k->queue, &held);
    k->escalation = 0;
    if (m_takes(m, queue) && !m_said_no(k, queue) && !held)
        m_place(m, k, queue, m_area_of(queue), since_ms);
    else
        m_give_back(m, k);
}

void m_to_triage(struct model *m, struct m_case *k)
{
    uint16_t desk = m_triage_of(m, k->area);
    m_place(m, k, desk, m_area_of(desk), 0);
}

void m_free_holder(struct m_case *k)
{
    k->worker = -1;
    k->touches = 0;
}

/* An offer came to nothing: back to the place in the queue, and the time for a yes went on running. */
void m_requeue(struct m_case *k)
{
    m_free_holder(k);
    k->status = RFL_STATUS_QUEUED;
    k->clock = k->escalation > 0 ? RFL_CLOCK_ESCALATED : RFL_CLOCK_ACCEPT;
    k->due_ms = k->accept_by_ms;
}

bool m_said_no(const struct m_case *k, uint16_t queue)
{
    for (unsigned i = 0; i < k->no_count; i++)
        if (k->no[i] == queue)
            return true;
    return false;
}

void m_say_no(struct m_case *k)
{
    if (k->no_count == RFL_DECLINED_BY_MAX) {
        memmove(&k->no[0], &k->no[1], (RFL_DECLINED_BY_MAX - 1) * sizeof k->no[0]);
        k->no_count--;
    }
    k->no[k->no_count++] = k->queue;
}

void m_open_remove(struct model *m, const struct m_case *k)
{
    uint16_t number = (uint16_t)(k - m->kase);
    for (unsigned i = 0; i < m->open_count; i++) {
        if (m->open[i] != number)
            continue;
        m->open[i] = m->open[--m->open_count];
        return;
    }
    assert(!"the case was open");
}

static void close_it(struct model *m, struct m_case *k, enum rfl_close reason)
{
    bool taken = k->status == RFL_STATUS_ACCEPTED || k->status == RFL_STATUS_WAITING_ON_PERSON ||
                 k->status == RFL_STATUS_ACTIVE;
    m_open_remove(m, k);
    k->status = RFL_STATUS_CLOSED;
    k->closed_ms = m->now_ms;
    k->quiet_until_ms = reason == RFL_CLOSE_PERSON_DECLINED ? m->now_ms + rfl_policy_quiet_ms(m->policy) : 0;
    if (!taken)
        k->token = (struct rfl_token){ 0, 0 };      /* nobody had said yes: the offer is good for nothing */
    k->close = (uint8_t)reason;
    k->hold = RFL_HOLD_NONE;
    k->escalation = 0;
    m_free_holder(k);
    m_set_clock(k, RFL_CLOCK_NONE, 0);
}

/* What rests on a case ends with it; its referrers hear of it once, with the others. */
void m_close(struct model *m, struct m_case *k, enum rfl_close reason)
{
    uint16_t number = (uint16_t)(k - m->kase);
    close_it(m, k, reason);
    m_tell(m, k, M_NEWS_CLOSED, (uint8_t)reason, 0);
    for (uint16_t n = 1; m->links > 0 && n <= m->cases; n++)
        if (m->kase[n].linked_to == number && m->kase[n].status != RFL_STATUS_CLOSED)
            close_it(m, m_touch(m, n), RFL_CLOSE_JOINED_OTHER_CASE);
}

/* ---- what referrers hear: proto/README.md, "Mailbox" ---- */

const char *model_word(enum m_word word)
{
    static const char *const words[M_WORDS] = { "accepted", "with_the_service", "redirected", "started", "outcome",
                                                "closed", "waiting", "held" };
    return words[word];
}

static bool hears(uint8_t door, enum m_news news, struct m_mail *mail)
{
    bool gp = door == RFL_DOOR_GP, self = door == RFL_DOOR_SELF, local = door == RFL_DOOR_LOCAL_SERVICE;
    bool open_door = gp || self || local;
    uint16_t provider = mail->provider;
    uint8_t detail = mail->detail;
    mail->provider = 0;
    mail->detail = 0;
    switch (news) {
    case M_NEWS_ACCEPTED:
        mail->word = open_door ? M_ACCEPTED : M_WITH_SERVICE;
        mail->provider = open_door ? provider : 0;
        return true;
    case M_NEWS_MOVED:
        mail->word = M_REDIRECTED;
        mail->provider = provider;
        return open_door;
    case M_NEWS_STARTED:
        mail->word = M_STARTED;
        return gp || self;
    case M_NEWS_OUTCOME:
        mail->word = M_OUTCOME;
        mail->detail = detail;
        return gp || self;
    case M_NEWS_CLOSED:
        mail->word = M_CLOSED;
        mail->detail = gp || self ? detail : 0;
        return true;
    case M_NEWS_WAITING:
        mail->word = M_WAITING;
        return true;
    case M_NEWS_HELD:
        mail->word = open_door ? M_HELD : M_WAITING;
        return true;
    }
    return false;
}

/* Under which of a referral's choices the news falls. */
static enum rfl_notify choice_of(enum m_news news)
{
    switch (news) {
    case M_NEWS_ACCEPTED: return RFL_NOTIFY_ACCEPTED;
    case M_NEWS_MOVED: return RFL_NOTIFY_MOVED;
    case M_NEWS_STARTED:
    case M_NEWS_OUTCOME: return RFL_NOTIFY_PROGRESS;
    case M_NEWS_CLOSED: return RFL_NOTIFY_CLOSED;
    case M_NEWS_WAITING:
    case M_NEWS_HELD: break;
    }
    return RFL_NOTIFY_WAITING;
}

void m_tell_one(struct model *m, uint16_t referral, enum m_news news, uint8_t detail, uint16_t provider)
{
    struct m_referral *r = &m->referral[referral];
    struct m_mail mail = { referral, 0, detail, provider };
    bool wanted = r->form.notify == 0 || (r->form.notify & 1u << choice_of(news)) != 0;
    if (!wanted || !hears(r->form.door, news, &mail))
        return;
    assert(m->mails[r->source] < M_MAILS_MAX);
    m->mail[r->source][m->mails[r->source]++] = mail;
}

static void tell_referrals(struct model *m, struct m_case *k, struct m_mail what, enum m_news news)
{
    for (uint16_t n = k->last; n != 0; n = m->referral[n].prev_on_case)
        if (m->referral[n].withdrawn == RFL_WITHDRAW_NONE)
            m_tell_one(m, n, news, what.detail, what.provider);
}

void m_tell(struct model *m, struct m_case *k, enum m_news news, uint8_t detail, uint16_t provider)
{
    struct m_mail what = { 0, 0, detail, provider };
    uint16_t number = (uint16_t)(k - m->kase);
    tell_referrals(m, k, what, news);
    for (uint16_t n = 1; m->links > 0 && n <= m->cases; n++)
        if (m->kase[n].linked_to == number)
            tell_referrals(m, &m->kase[n], what, news);
}

/* ---- adapters ---- */

uint16_t m_find_reference(const struct model *m, unsigned source, uint32_t reference)
{
    assert(reference < M_REFERENCES);
    uint16_t n = m->by_reference[reference];
    while (n != 0 && m->referral[n].source != source)
        n = m->referral[n].prev_of_reference;
    return n;
}

bool m_same_form(const struct m_form *a, const struct m_form *b)
{
    return a->person == b->person && a->keys == b->keys && a->place == b->place && a->door == b->door &&
           a->consent == b->consent && a->band == b->band && a->notify == b->notify && a->off_sick == b->off_sick &&
           a->body == b->body;
}

static uint16_t rests_on(const struct model *m, uint16_t kase)
{
    return m->kase[kase].linked_to != 0 ? m->kase[kase].linked_to : kase;
}

/* Whether a referral of the case has a key of this kind, and whether one has this very key. */
static void look_for_key(const struct model *m, uint16_t kase, const struct m_form *form, unsigned kind, bool *has,
                         bool *same)
{
    *has = *same = false;
    unsigned looked_at = 0;
    for (uint16_t n = m->kase[kase].last; n != 0 && looked_at++ < M_LOOKED_AT; n = m->referral[n].prev_on_case) {
        const struct m_referral *r = &m->referral[n];
        if (r->withdrawn == RFL_WITHDRAW_ENTERED_IN_ERROR || !has_key(&r->newest, kind))
            continue;
        *has = true;
        *same = *same || key_of(&r->newest, kind) == key_of(form, kind);
    }
}

/* The strongest key that the referral and the case both have decides: the same, it is the same person. A weaker one
 * that is the same after a stronger one that differs: a resemblance. */
enum verdict { STRANGERS, SAME, RESEMBLES };
static enum verdict judge(const struct model *m, const struct m_form *form, uint16_t kase)
{
    bool stronger_differs = false;
    for (unsigned kind = 0; kind < M_KEYS; kind++) {
        bool has, same;
        look_for_key(m, kase, form, kind, &has, &same);
        if (!has_key(form, kind) || !has)
            continue;
        if (same)
            return stronger_differs ? RESEMBLES : SAME;
        stronger_differs = true;
    }
    return STRANGERS;
}

static int64_t quiet_until(const struct model *m, uint16_t kase)
{
    int64_t until_ms = 0;
    for (unsigned i = 0; kase != 0 && !m->kase[kase].erased && i < M_EPISODES; i++, kase = m->kase[kase].previous)
        if (m->kase[kase].quiet_until_ms > until_ms)
            until_ms = m->kase[kase].quiet_until_ms;
    return until_ms;
}

struct m_person m_person_of(const struct model *m, const struct m_form *form)
{
    struct m_person person = { 0, 0, 0, 0 };
    for (unsigned kind = 0; kind < M_KEYS; kind++) {
        uint16_t n = has_key(form, kind) ? m->newest[kind][key_of(form, kind)] : 0;
        if (n == 0)
            continue;
        enum verdict verdict = judge(m, form, m->referral[n].kase);
        uint16_t kase = rests_on(m, m->referral[n].kase);
        if (m->kase[kase].erased)
            continue;
        bool open = m->kase[kase].status != RFL_STATUS_CLOSED;
        if (verdict == SAME && open && person.open == 0)
            person.open = kase;
        else if (verdict == SAME && !open && kase > person.previous)
            person.previous = kase;
        else if (verdict == RESEMBLES && open && person.resembles == 0)
            person.resembles = kase;
    }
    person.quiet_until_ms = quiet_until(m, person.open != 0 ? m->kase[person.open].previous : person.previous);
    return person;
}

static uint16_t newest_with(const struct model *m, unsigned kind, unsigned key)
{
    uint16_t n = m->referrals;
    while (n > 0 && (m->referral[n].forgotten || !has_key(&m->referral[n].newest, kind) ||
                     key_of(&m->referral[n].newest, kind) != key))
        n--;
    return n;
}

void m_index(struct model *m, uint16_t referral, const struct m_form *was)
{
    const struct m_form *form = &m->referral[referral].newest;
    for (unsigned kind = 0; kind < M_KEYS; kind++) {
        if (was != NULL && has_key(was, kind))
            m->newest[kind][key_of(was, kind)] = newest_with(m, kind, key_of(was, kind));
        if (has_key(form, kind) && m->newest[kind][key_of(form, kind)] < referral)
            m->newest[kind][key_of(form, kind)] = referral;
    }
}

void m_forget(struct model *m, uint16_t referral)
{
    const struct m_form *form = &m->referral[referral].newest;
    m->referral[referral].forgotten = true;
    for (unsigned kind = 0; kind < M_KEYS; kind++)
        if (has_key(form, kind))
            m->newest[kind][key_of(form, kind)] = newest_with(m, kind, key_of(form, kind));
}

static bool door_allowed(unsigned source, uint8_t door)
{
    const uint8_t *doors = model_sources[source].doors;
    return door != 0 && (doors[0] == door || doors[1] == door || doors[2] == door);
}

/* Said by the person, or implied where a clinician was asked. */
bool m_may_disclose(const struct m_form *form)
{
    bool clinician = form->door == RFL_DOOR_GP || form->door == RFL_DOOR_PHARMACIST ||
                     form->door == RFL_DOOR_FIT_NOTE_SERVICE;
    return form->consent == RFL_CONSENT_GIVEN || (form->consent == RFL_CONSENT_IMPLIED && clinician);
}

/* A person's no is respected for a time, unless they come themselves. Referrers cannot tell this from a wait. */
void m_place_or_be_quiet(struct model *m, struct m_case *k, const struct m_form *form, struct m_place place,
                         int64_t until_ms)
{
    if (until_ms <= m->now_ms || form->door == RFL_DOOR_SELF) {
        m_put(m, k, place, k->opened_ms);
        return;
    }
    k->status = RFL_STATUS_ON_HOLD;
    k->hold = RFL_HOLD_DO_NOT_CONTACT;
    k->queue = place.queue;
    k->area = m_area_of(place.queue);
    k->since_ms = k->accept_by_ms = 0;
    m_start_clock(m, k, RFL_CLOCK_ACCEPT);
    k->clock = RFL_CLOCK_HOLD;
    k->due_ms = until_ms;
    k->half_ms = k->half_ms < until_ms ? k->half_ms : until_ms;
    k->most_ms = k->most_ms < until_ms ? k->most_ms : until_ms;
}

static void open_case(struct model *m, uint16_t referral, const struct m_person *person, struct m_place place)
{
    const struct m_referral *r = &m->referral[referral];
    uint16_t number = ++m->cases;
    struct m_case *k = &m->kase[number];
    memset(k, 0, sizeof *k);
    assert(m->open_count < M_OPEN_MAX);
    m->open[m->open_count++] = number;
    k->worker = -1;
    k->opened_ms = m->now_ms;
    k->door = r->form.door;
    k->band = r->form.band;
    k->first = referral;
    k->previous = person->previous;
    k->resembles = person->resembles;
    m_placed(m, k, referral, &place);
    if (m_may_disclose(&r->form)) {
        m_place_or_be_quiet(m, k, &r->form, place, person->quiet_until_ms);
        return;
    }
    k->status = RFL_STATUS_ON_HOLD;
    k->hold = RFL_HOLD_CONSENT;
    k->queue = place.queue;
    k->area = m_area_of(place.queue);
    m_start_clock(m, k, RFL_CLOCK_CONSENT);
}

static void join(struct model *m, uint16_t referral, int64_t quiet_until_ms, struct m_place place)
{
    struct m_referral *r = &m->referral[referral];
    struct m_case *k = m_begin(m, r->kase);
    r->prev_on_case = k->last;
    k->last = referral;
    k->count++;
    if (r->form.band < k->band)
        k->band = r->form.band;
    if (k->count == 1 || k->status != RFL_STATUS_ON_HOLD || !m_may_disclose(&r->form))
        return;
    if (k->hold == RFL_HOLD_CONSENT) {
        k->escalation = 0;
        m_placed(m, k, referral, &place);
        m_place_or_be_quiet(m, k, &r->form, place, quiet_until_ms);
    } else if (k->hold == RFL_HOLD_DO_NOT_CONTACT && r->form.door == RFL_DOOR_SELF) {
        k->escalation = 0;
        m_placed(m, k, referral, &place);
        m_put(m, k, place, k->opened_ms);
    }
}

struct m_answer model_submit(struct model *m, unsigned source, uint32_t reference, const struct m_form *form)
{
    struct m_answer answer = { .code = RFL_CODE_OK };
    if (source >= M_SOURCES || model_sources[source].name == NULL)
        return (struct m_answer){ .code = RFL_CODE_UNKNOWN_SOURCE };
    uint16_t number = m_find_reference(m, source, reference);
    if (number != 0) {
        bool same = m_same_form(form, &m->referral[number].form);
        answer.code = same ? RFL_CODE_OK : RFL_CODE_CONFLICT;
        answer.referral = same ? number : 0;
        answer.replayed = same;
        answer.joined = m->referral[number].prev_on_case != 0;
        return answer;
    }
    if (!door_allowed(source, form->door))
        return (struct m_answer){ .code = form->door == RFL_DOOR_NONE ? RFL_CODE_INVALID : RFL_CODE_DOOR_NOT_ALLOWED };
    struct m_person person = m_person_of(m, form);
    number = ++m->referrals;
    struct m_referral *r = &m->referral[number];
    *r = (struct m_referral){ .source = (uint8_t)source, .reference = reference, .form = *form, .newest = *form,
                              .received_ms = m->now_ms };
    r->prev_of_reference = m->by_reference[reference];
    m->by_reference[reference] = number;
    struct m_place place = m_route(m, source, form, NULL);
    r->decided = place.queue;
    if (person.open == 0)
        open_case(m, number, &person, place);
    r->kase = person.open != 0 ? person.open : m->cases;
    join(m, number, person.quiet_until_ms, place);
    m_index(m, number, NULL);
    struct m_case *k = &m->kase[r->kase];
    if (k->status == RFL_STATUS_ON_HOLD && k->hold == RFL_HOLD_CONSENT && person.open == 0)
        m_tell(m, k, M_NEWS_HELD, 0, 0);        /* a receipt would be enough, were it not for this */
    answer.referral = number;
    answer.joined = person.open != 0;
    return answer;
}
