/* Where people belong: parts of England and who has them when, the areas' rules, the room in their queues. */
#include "model.h"

enum { BIRMINGHAM = 3, BLACK_COUNTRY = 4, BRISTOL = 5, MANCHESTER = 16, BATH = 1, NATIONAL_TRIAGE = 1 };

const uint16_t model_intake[M_QUEUES] = { 1016, 1004, 1003, 1001, 1005, 3001, 3002, 3003, 3005 };
static const uint16_t area_of_intake[M_QUEUES] = { 16, 4, 3, 1, 5, 16, 16, 16, 3 };

const struct m_home model_places[M_PLACES] = {
    { NULL, 0, 0 }, { "QA1 1AA", MANCHESTER, 0 }, { "QA1 1AU", BLACK_COUNTRY, 1 }, { "QA1 1AS", BIRMINGHAM, 0 },
    { "QB1 1AA", 0, M_OUTSIDE }, { "QA1 1BA", MANCHESTER, M_CITY }, { "QA1 1BB", BLACK_COUNTRY, 0 },
    { "QA1 1BD", BLACK_COUNTRY, 2 } };

static unsigned index_of(uint16_t queue)
{
    unsigned i = 0;
    while (i < M_QUEUES && model_intake[i] != queue)
        i++;
    return i;
}

bool m_queue_is_intake(uint16_t queue) { return index_of(queue) < M_QUEUES; }

uint16_t m_area_of(uint16_t queue)
{
    if (m_queue_is_intake(queue))
        return area_of_intake[index_of(queue)];
    return queue == NATIONAL_TRIAGE ? 0 : (uint16_t)(queue - 2000);
}

/* ---- areas through time ---- */

bool m_alive(const struct model *m, uint16_t area) { return area != BLACK_COUNTRY || m->now_ms < m->england->ends_ms; }

bool m_lives(const struct model *m, uint16_t queue)
{
    return m_queue_is_intake(queue) && m_alive(m, m_area_of(queue));
}

static bool is_open(const struct model *m, uint16_t queue)
{
    int64_t closes_ms = m->england->closes_ms[index_of(queue)];
    return m->now_ms >= m->england->opens_ms[index_of(queue)] && (closes_ms == 0 || m->now_ms < closes_ms);
}

bool m_takes(const struct model *m, uint16_t queue) { return m_lives(m, queue) && is_open(m, queue); }

/* Who has the whole of what was an area; 0: nobody has. */
static uint16_t heir_of(const struct model *m, uint16_t area)
{
    if (m_alive(m, area))
        return area;
    return m->england->divided ? 0 : BIRMINGHAM;
}

uint16_t m_triage_of(const struct model *m, uint16_t area)
{
    uint16_t heir = area == 0 ? 0 : heir_of(m, area);
    return heir == 0 ? NATIONAL_TRIAGE : (uint16_t)(2000 + heir);
}

/* The area that has the place now; 0: none, or nobody can say. */
static uint16_t area_of_home(const struct model *m, const struct m_home *home)
{
    bool city_left = home->area == MANCHESTER && home->part == M_CITY && m->now_ms >= m->england->leaves_ms;
    if (city_left)
        return BRISTOL;
    if (m_alive(m, home->area))
        return home->area;
    if (!m->england->divided)
        return BIRMINGHAM;
    return home->part == 1 ? BIRMINGHAM : home->part == 2 ? BATH : 0;
}

/* When the area last changed: it ended, or a part of it left. 0: never yet. */
static int64_t changed_ms(const struct model *m, uint16_t area)
{
    int64_t at_ms = area == BLACK_COUNTRY ? m->england->ends_ms : area == MANCHESTER ? m->england->leaves_ms
                                                                                     : INT64_MAX;
    return at_ms <= m->now_ms ? at_ms : 0;
}

/* ---- rules and room ---- */

static bool is_of_age(const struct m_rule *rule, uint8_t age)
{
    if (rule->age_max == 0)
        return true;
    return age == 0 ? rule->age_unknown : age >= rule->age_min && age <= rule->age_max;
}

/* A rule that says "not yet" says nothing more on its day. */
static bool holds(const struct model *m, const struct m_rule *rule, uint16_t area, const struct m_facts *facts)
{
    const struct m_form *form = &facts->form;
    bool city = area == MANCHESTER && model_places[form->place].part == M_CITY;
    return rule->area == area && !rule->shadow && m->now_ms >= rule->from_ms && m->now_ms < rule->until_ms &&
           (rule->again_ms == 0 || m->now_ms < rule->again_ms) && is_of_age(rule, facts->age) &&
           (rule->where == M_ANYWHERE || (rule->where == M_IN_THE_CITY) == city) &&
           (rule->door == 0 || rule->door == form->door) && (!rule->off_sick || form->off_sick);
}

/* Who waits there and who is worked on there, but for the one it is about. */
static bool is_full(const struct model *m, uint16_t queue, const struct m_case *own)
{
    uint32_t capacity = m->england->capacity[index_of(queue)], count = 0;
    for (unsigned i = 0; capacity != 0 && i < m->open_count; i++) {
        const struct m_case *k = &m->kase[m->open[i]];
        count += k != own && k->queue == queue && k->linked_to == 0 &&
                 (k->status == RFL_STATUS_QUEUED || k->worker >= 0);
    }
    return capacity != 0 && count >= capacity;
}

/* Whoever takes them; the queue itself, or whom it passes people on to. Nobody: the desk, and until the queue opens. */
static void find_room(const struct model *m, uint16_t wanted, const struct m_case *own, struct m_place *out)
{
    uint16_t queue = wanted;
    while (queue != 0 && (!is_open(m, queue) || is_full(m, queue, own)))
        queue = m->england->overflow[index_of(queue)];
    int64_t opens_ms = m->england->opens_ms[index_of(wanted)];
    if (queue != 0)
        out->queue = queue;
    else if (m->now_ms < opens_ms)
        out->again_ms = opens_ms;
}

struct m_place m_route_facts(const struct model *m, const struct m_facts *facts, const struct m_case *own)
{
    const struct m_home *home = &model_places[facts->form.place];
    const struct m_rule *rule = NULL;
    uint16_t area = home->area != 0 ? area_of_home(m, home) : 0;
    if (area == 0 && home->part != M_OUTSIDE)
        area = model_sources[facts->source].area;       /* nothing better is known than where the referrer works */
    if (area == 0)
        return (struct m_place){ .queue = NATIONAL_TRIAGE, .facts = *facts };
    for (unsigned i = 0; i < m->england->rules && rule == NULL; i++)
        if (holds(m, &m->england->rule[i], area, facts))
            rule = &m->england->rule[i];
    struct m_place to = { .queue = (uint16_t)(2000 + area), .area = area, .by_facts = true, .facts = *facts };
    if (rule == NULL)
        find_room(m, (uint16_t)(1000 + area), own, &to);
    else if (rule->to != 0)
        find_room(m, rule->to, own, &to);
    else
        to.again_ms = rule->again_ms;
    return to;
}

struct m_place m_route(const struct model *m, unsigned source, const struct m_form *form, const struct m_case *own)
{
    struct m_facts facts = { *form, (uint8_t)source, m_age(m, form) };
    return m_route_facts(m, &facts, own);
}

/* ---- who has lost their home ---- */

static bool waits(const struct m_case *k)
{
    return k->linked_to == 0 && (k->status == RFL_STATUS_TRIAGE || k->status == RFL_STATUS_ON_HOLD ||
                                 k->status == RFL_STATUS_QUEUED || k->status == RFL_STATUS_DECLINING);
}

void m_placed(struct model *m, struct m_case *k, uint16_t referral, const struct m_place *place)
{
    k->placed_ms = m->now_ms;
    k->came_home = false;
    k->placed_area = place != NULL && place->by_facts ? place->area : 0;
    k->again_ms = place != NULL ? place->again_ms : 0;
    k->again_at = place != NULL ? place->queue : 0;
    if (place != NULL)
        k->facts = place->facts;
    if (referral != 0)
        k->placed_by = referral;
}

/* The referral that brought it where it is, while it stands; else the newest that does; else the newest. */
static const struct m_referral *speaks_for(const struct model *m, const struct m_case *k)
{
    uint16_t n = k->placed_by;
    if (n != 0 && m->referral[n].withdrawn == RFL_WITHDRAW_NONE)
        return &m->referral[n];
    for (n = k->last; n != 0; n = m->referral[n].prev_on_case)
        if (m->referral[n].withdrawn == RFL_WITHDRAW_NONE)
            return &m->referral[n];
    return &m->referral[k->last];
}

/* Where its area's end, or the loss of a part, leads it; false: nowhere else. `looked`: whoever belongs elsewhere now,
 * and not only who is in an area that is no more. */
static bool belongs_elsewhere(const struct model *m, const struct m_case *k, bool looked, struct m_place *out)
{
    bool gone = !m_alive(m, m_area_of(k->queue)), by_facts = k->placed_area != 0 && k->placed_area == k->area;
    const struct m_referral *r = speaks_for(m, k);
    if (!waits(k) || (!gone && (!looked || !by_facts || changed_ms(m, k->area) == 0 ||
                                k->placed_ms >= changed_ms(m, k->area))))
        return false;
    *out = m_route(m, r->source, &r->newest, k);
    if (!gone)
        return out->area != 0 && out->area != k->area;
    uint16_t heir = heir_of(m, m_area_of(k->queue));
    bool may_choose = heir == 0 && (out->area == BIRMINGHAM || out->area == BATH);
    if (!by_facts && !may_choose)       /* somebody had put it there, and who follows keeps it */
        *out = (struct m_place){ .queue = heir != 0 ? (uint16_t)(1000 + heir) : NATIONAL_TRIAGE, .area = heir,
                                 .facts = out->facts };
    return true;
}

/* A living area is looked through once, when a part of it leaves: what becomes known of somebody later is the business
 * of an amendment. */
bool model_homeless(struct model *m, uint16_t kase)
{
    struct m_place to;
    struct m_case *k = &m->kase[kase];
    bool looked = k->looked_ms < changed_ms(m, k->area);
    if (waits(k))
        k->looked_ms = m->now_ms;
    return belongs_elsewhere(m, k, looked, &to) && m_home(m, k, to) != k->queue;
}

/* A provider's people go to a provider who has not said no and takes them; else, and for a desk's, to a desk. */
uint16_t m_home(const struct model *m, const struct m_case *k, struct m_place to)
{
    bool held = false, wants_provider = m_queue_is_intake(k->queue) && k->status != RFL_STATUS_TRIAGE;
    uint16_t queue = to.queue;
    if (!m_queue_is_intake(queue))
        return wants_provider ? queue : m_triage_of(m, m_area_of(queue));
    uint16_t other = m_where(m, queue, &held);
    if (wants_provider && m_takes(m, other))
        queue = other;
    return wants_provider && !held && !m_said_no(k, queue) ? queue : m_triage_of(m, m_area_of(queue));
}

/* Another place and nothing else. Who waited for a provider and has to wait for a desk waits for its decision, up to
 * the day where it is too early. */
void m_go_home(struct model *m, struct m_case *k, bool looked)
{
    struct m_place to;
    if (!belongs_elsewhere(m, k, looked, &to))
        return;
    uint16_t queue = m_home(m, k, to);
    if (queue == k->queue)
        return;
    if (k->status == RFL_STATUS_QUEUED && !m_queue_is_intake(queue)) {
        k->status = RFL_STATUS_TRIAGE;
        k->clock = k->clock == RFL_CLOCK_ACCEPT ? (uint8_t)RFL_CLOCK_TRIAGE : k->clock;
    }
    k->queue = queue;
    k->area = m_area_of(queue);
    k->lapses = 0;
    m_placed(m, k, 0, &to);
    k->came_home = true;
    if (k->status == RFL_STATUS_TRIAGE)
        m_end_by(k, m_day_of(k));
}

struct m_case *m_begin(struct model *m, uint16_t kase)
{
    struct m_case *k = m_touch(m, kase);
    m_go_home(m, k, false);
    return k;
}

/* Two things end a case's stay where areas do not matter to it: a worker who had it, and another case that it rested
 * on. */
void m_end(struct model *m, struct m_case *k, const struct m_case *before)
{
    bool had = before->worker >= 0 && before->linked_to == 0, has = k->worker >= 0 && k->linked_to == 0;
    m_go_home(m, k, before->linked_to != k->linked_to || (had && !has));
}

void model_rehomed(struct model *m, uint16_t kase)
{
    struct m_case *k = m_touch(m, kase);
    while (k->status == RFL_STATUS_OFFERED && m_next_of(k) <= m->now_ms)
        m_run_on(m, k);
    m_go_home(m, k, true);
}
