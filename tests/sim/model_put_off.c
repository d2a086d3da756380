/* Who is told "not yet": the triage desk has them, and on a day that is known they are decided again, by what was known
 * of them when they were put off. */
#include "model.h"

/* Whole years, by the day in UTC; 0: nobody has said when they were born. */
uint8_t m_age(const struct model *m, const struct m_form *form)
{
    struct rfl_date today = rfl_date_from_days((int32_t)(m->now_ms / 86400000));
    bool had_birthday = today.month > M_BIRTH_MONTH || (today.month == M_BIRTH_MONTH && today.day >= M_BIRTH_DAY);
    if ((form->keys & 1u << RFL_MATCH_NAME_BIRTH_POSTCODE) == 0)
        return 0;
    return (uint8_t)((unsigned)today.year - model_birth_year(form) - (had_birthday ? 0u : 1u));
}

unsigned model_birth_year(const struct m_form *form) { return 1940 + model_named(form) % 50; }

/* A hold or a decline may come in between; a person who has put it somewhere else has ended it. */
int64_t m_day_of(const struct m_case *k) { return k->queue == k->again_at ? k->again_ms : 0; }

void m_end_by(struct m_case *k, int64_t until_ms)
{
    if (until_ms == 0 || until_ms >= k->due_ms)
        return;
    k->due_ms = until_ms;
    k->half_ms = k->half_ms < until_ms ? k->half_ms : until_ms;
    k->most_ms = k->most_ms < until_ms ? k->most_ms : until_ms;
}

void m_give_back(struct model *m, struct m_case *k)
{
    int64_t day_ms = m_day_of(k);
    m_to_triage(m, k);
    if (day_ms != 0)
        m_end_by(k, day_ms > m->now_ms ? day_ms : m->now_ms);
}

bool m_is_due_again(const struct model *m, const struct m_case *k)
{
    return k->status == RFL_STATUS_TRIAGE && m_day_of(k) != 0 && m_day_of(k) <= m->now_ms;
}

/* With the place in line that the case had. Nobody comes this way to a provider who has said no: as for who is passed
 * back to one, it is the head of triage who decides, not the desk. */
void m_decide_again(struct model *m, struct m_case *k)
{
    struct m_place to = m_route_facts(m, &k->facts, k);
    k->escalation = 0;
    m_placed(m, k, 0, &to);
    if (!m_said_no(k, to.queue)) {
        m_put(m, k, to, k->since_ms > 0 ? k->since_ms : k->opened_ms);
        return;
    }
    m_to_triage(m, k);
    k->escalation = 1;
}

bool model_overdue(const struct model *m, uint16_t kase)
{
    return m->kase[kase].linked_to == 0 && m_is_due_again(m, &m->kase[kase]);
}
