/* The real case against the model's; indexes against cases; counts against each other. */
#include "sim.h"

static uint16_t number_of_linked(const struct rfl_case *kase) { return (uint16_t)kase->linked_to.v; }

static bool same_noes(const struct rfl_case *kase, const struct m_case *k)
{
    if (kase->declined_count != k->no_count)
        return false;
    for (unsigned i = 0; i < k->no_count; i++)
        if (kase->declined_by[i].v != k->no[i])
            return false;
    return true;
}

static void compare_words(struct sim *sim, uint16_t n, const struct rfl_case *kase, const struct m_case *k)
{
    const struct { const char *what; uint64_t real, model; } pairs[] = {
        { "status", kase->status, k->status }, { "hold", kase->hold, k->hold }, { "clock", kase->clock, k->clock },
        { "band", kase->band, k->band }, { "door", kase->door, k->door }, { "hops", kase->hops, k->hops },
        { "lapses", kase->lapses, k->lapses }, { "touches", kase->touches, k->touches },
        { "escalation", kase->escalation, k->escalation }, { "close", kase->close, k->close },
        { "outcome", kase->outcome, k->outcome }, { "contacts", kase->contacts, k->contacts },
        { "queue", kase->queue.v, k->queue }, { "area", kase->area.v, k->area },
        { "warned", kase->warned, k->warned }, { "first referral", kase->first_referral.v, k->first },
        { "last referral", kase->last_referral.v, k->last }, { "referrals", kase->referral_count, k->count },
        { "withdrawn", kase->withdrawn_count, k->withdrawn }, { "linked to", number_of_linked(kase), k->linked_to },
        { "kept", kase->kept, k->kept }, { "erased", kase->erased, k->erased },
        { "resembles", kase->resembles.v, k->resembles }, { "token epoch", kase->token.epoch, k->token.epoch },
        { "token", kase->token.seq, k->token.seq }, { "held", kase->holder != 0, k->worker >= 0 } };
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].real != pairs[i].model)
            sim_fail(sim, "case %u: %s is %llu, the model says %llu", n, pairs[i].what,
                     (unsigned long long)pairs[i].real, (unsigned long long)pairs[i].model);
    if (!same_noes(kase, k))
        sim_fail(sim, "case %u: the queues that said no differ (%u, the model says %u)", n, kase->declined_count,
                 k->no_count);
}

static void compare_times(struct sim *sim, uint16_t n, const struct rfl_case *kase, const struct m_case *k)
{
    const struct { const char *what; int64_t real, model; } pairs[] = {
        { "opened", kase->opened_ms, k->opened_ms }, { "since", kase->since_ms, k->since_ms },
        { "accept by", kase->accept_by_ms, k->accept_by_ms }, { "due", kase->due_ms, k->due_ms },
        { "half", kase->half_ms, k->half_ms }, { "most", kase->most_ms, k->most_ms },
        { "quiet until", kase->quiet_until_ms, k->quiet_until_ms } };
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].real != pairs[i].model)
            sim_fail(sim, "case %u: %s is %lld, the model says %lld", n, pairs[i].what, (long long)pairs[i].real,
                     (long long)pairs[i].model);
}

static void check_index(struct sim *sim, uint16_t n, const struct rfl_case *kase)
{
    struct rfl_keys keys;
    struct rfl_order at;
    rfl_keys_of(kase, &keys);
    for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
        if (keys.has[i] && (!rfl_store_first(sim->world.store, (enum rfl_index)i, &keys.order[i], &at) ||
                            rfl_order_compare(&at, &keys.order[i]) != 0))
            sim_fail(sim, "case %u: not in index %u", n, i);
    bool open = kase->status != RFL_STATUS_CLOSED && kase->linked_to.v == 0;
    if (keys.has[RFL_INDEX_DUE] != open)
        sim_fail(sim, "case %u: an open case has a clock in the due index, and no other", n);
}

void sim_check_case(struct sim *sim, uint16_t n)
{
    struct rfl_case kase;
    enum rfl_err err = rfl_store_case(sim->world.store, (struct rfl_case_id){ n }, &kase);
    if (err != RFL_E_OK)
        sim_fail(sim, "case %u: %s", n, rfl_err_text(err));
    const char *broken = rfl_case_broken(&kase);
    if (broken != NULL)
        sim_fail(sim, "case %u: %s", n, broken);
    struct rfl_view owner = rfl_owner_of(sim->policies[sim->policy], &kase, sim->world.now.wall_ms);
    if (owner.len == 0)
        sim_fail(sim, "case %u: nobody owns it", n);
    compare_words(sim, n, &kase, &sim->model.kase[n]);
    compare_times(sim, n, &kase, &sim->model.kase[n]);
    check_index(sim, n, &kase);
    sim->tally.compared++;
}

void sim_check_touched(struct sim *sim)
{
    struct model *m = &sim->model;
    for (unsigned i = 0; i < m->touched_count; i++) {
        sim_check_case(sim, m->touched[i]);
        m->kase[m->touched[i]].touched = false;
    }
    m->touched_count = 0;
}

/* ---- mail ---- */

static bool fits(const struct sim *sim, const struct m_mail *mail, const struct rfl_mail *row)
{
    (void)sim;
    return mail->referral == row->referral.v;
}

/* The rows of this turn are the model's, in some order; the model takes over the order. The words are compared when the
 * row is read by its adapter. */
static void check_mails_of(struct sim *sim, uint16_t source)
{
    struct model *m = &sim->model;
    struct rfl_source_row row;
    rfl_store_source(sim->world.store, (struct rfl_source_no){ source }, &row);
    if (row.mailbox_last != m->mails[source])
        sim_fail(sim, "source %u: %llu mails, the model says %u", source, (unsigned long long)row.mailbox_last,
                 m->mails[source]);
    for (uint16_t i = sim->checked_mails[source]; i < m->mails[source]; i++) {
        struct rfl_mail mail;
        if (!rfl_store_mail_after(sim->world.store, (struct rfl_source_no){ source }, i, &mail))
            sim_fail(sim, "source %u: mail %u is missing", source, i + 1);
        uint16_t j = i;
        while (j < m->mails[source] && !fits(sim, &m->mail[source][j], &mail))
            j++;
        if (j == m->mails[source])
            sim_fail(sim, "source %u: mail %u is about referral %llu, of whom nothing is to be told", source, i + 1,
                     (unsigned long long)mail.referral.v);
        struct m_mail moved = m->mail[source][j];
        memmove(&m->mail[source][i + 1], &m->mail[source][i], (size_t)(j - i) * sizeof moved);
        m->mail[source][i] = moved;
    }
    sim->checked_mails[source] = m->mails[source];
}

void sim_check_mails(struct sim *sim)
{
    for (uint16_t source = 1; source < M_SOURCES; source++)
        if (sim->checked_mails[source] != sim->model.mails[source])
            check_mails_of(sim, source);
}

/* ---- everything ---- */

static void check_counts(struct sim *sim)
{
    struct rfl_store_stat stat;
    struct model *m = &sim->model;
    uint64_t by_status[RFL_STATUS_COUNT] = { 0 }, referrals = 0, index[RFL_INDEX_COUNT] = { 0 };
    rfl_store_stat(sim->world.store, &stat);
    if (stat.cases != m->cases || stat.referrals != m->referrals)
        sim_fail(sim, "%llu cases of %llu referrals, the model says %u of %u", (unsigned long long)stat.cases,
                 (unsigned long long)stat.referrals, m->cases, m->referrals);
    for (uint16_t n = 1; n <= m->cases; n++) {
        struct rfl_case kase;
        struct rfl_keys keys;
        sim_check_case(sim, n);
        if (rfl_store_case(sim->world.store, (struct rfl_case_id){ n }, &kase) != RFL_E_OK)
            sim_fail(sim, "case %u: unreadable", n);
        rfl_keys_of(&kase, &keys);
        by_status[kase.status]++;
        referrals += kase.referral_count;
        for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
            index[i] += keys.has[i];
    }
    for (unsigned i = 0; i < RFL_STATUS_COUNT; i++)
        if (by_status[i] != stat.case_by_status[i])
            sim_fail(sim, "status %s: %llu cases counted, the store says %llu", rfl_status_word((enum rfl_status)i),
                     (unsigned long long)by_status[i], (unsigned long long)stat.case_by_status[i]);
    for (unsigned i = 0; i < RFL_INDEX_COUNT; i++)
        if (index[i] != rfl_store_index_count(sim->world.store, (enum rfl_index)i))
            sim_fail(sim, "index %u: %llu places, %llu cases", i,
                     (unsigned long long)rfl_store_index_count(sim->world.store, (enum rfl_index)i),
                     (unsigned long long)index[i]);
    if (referrals != stat.referrals)
        sim_fail(sim, "every receipt is on one case: %llu of %llu", (unsigned long long)referrals,
                 (unsigned long long)stat.referrals);
}

/* Every receipted referral is there, once, on the case the model put it on. */
static void check_referrals(struct sim *sim)
{
    for (uint16_t n = 1; n <= sim->model.referrals; n++) {
        struct rfl_referral referral;
        const struct m_referral *r = &sim->model.referral[n];
        if (rfl_store_referral(sim->world.store, (struct rfl_referral_id){ n }, &referral) != RFL_E_OK)
            sim_fail(sim, "referral %u had a receipt and is not there", n);
        if (referral.kase.v != r->kase || referral.source.v != r->source || referral.withdrawn != r->withdrawn ||
            referral.amendments != r->amendments || referral.received_ms != r->received_ms)
            sim_fail(sim, "referral %u is not what the model has", n);
    }
}

void sim_check_all(struct sim *sim)
{
    check_counts(sim);
    check_referrals(sim);
}

/* ---- the log, for the marks of coverage ---- */

static void mark_decision(struct sim *sim, const struct rfl_decision *decision)
{
    const struct rfl_policy *policy = sim->policies[sim->policy];
    sim->tally.reason[decision->reason]++;
    sim->tally.by_age += decision->rule != 0 && decision->rule <= policy->rule_count &&
                         (policy->rule[decision->rule - 1].when.fields & 1u << RFL_FIELD_AGE) != 0;
}

void sim_look_at_log(struct sim *sim)
{
    struct rfl_store_stat stat;
    rfl_store_stat(sim->world.store, &stat);
    for (; sim->seen_entries < stat.entries; sim->seen_entries++) {
        struct rfl_entry entry;
        if (rfl_store_entry(sim->world.store, (struct rfl_seq){ sim->seen_entries + 1 }, &entry) != RFL_E_OK)
            sim_fail(sim, "entry %llu cannot be read", (unsigned long long)sim->seen_entries + 1);
        if (entry.kase.v == 0 || entry.kase.v > M_CASES_MAX)
            continue;
        if (entry.has_decided)
            mark_decision(sim, &entry.decided.decision);
        uint8_t *status = &sim->seen_status[entry.kase.v];
        for (uint32_t i = 0; i < entry.event_count; i++) {
            sim->tally.cell[*status][entry.events[i].kind]++;
            *status = (uint8_t)rfl_table_next((enum rfl_status)*status, (enum rfl_event_kind)entry.events[i].kind);
        }
    }
}

/* ---- the log, for what the engine did by itself ---- */

static void follow_clock(struct sim *sim, const struct rfl_entry *entry)
{
    uint16_t n = (uint16_t)entry->kase.v;
    if (entry->has_decided) {
        sim_say(sim, "case %u is decided again on its day: queue %u", n, entry->events[entry->event_count - 1].queue.v);
        sim->tally.again++;
        sim->tally.again_moved += sim->model.kase[n].came_home;
    }
    model_clock(&sim->model, n);
}

void sim_follow(struct sim *sim)
{
    struct rfl_store_stat stat;
    rfl_store_stat(sim->world.store, &stat);
    for (; sim->followed < stat.entries; sim->followed++) {
        struct rfl_entry entry;
        if (rfl_store_entry(sim->world.store, (struct rfl_seq){ sim->followed + 1 }, &entry) != RFL_E_OK)
            sim_fail(sim, "entry %llu cannot be read", (unsigned long long)sim->followed + 1);
        uint8_t kind = entry.event_count > 0 ? entry.events[0].kind : (uint8_t)RFL_EVENT_NONE;
        if (kind != RFL_EVENT_REHOMED && kind != RFL_EVENT_UNHOMED) {
            if (entry.actor == RFL_ACTOR_CLOCK && entry.kase.v != 0)
                follow_clock(sim, &entry);
            continue;
        }
        sim_say(sim, "case %llu goes from queue %u to queue %u: its area has changed",
                (unsigned long long)entry.kase.v, sim->model.kase[entry.kase.v].queue, entry.events[0].queue.v);
        model_rehomed(&sim->model, (uint16_t)entry.kase.v);
        sim->tally.rehomed++;
    }
}
