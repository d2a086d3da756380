/* What operators look at: the whole, queues, lists, one case, why somebody was placed where they are. Looking changes
 * nothing, and what is shown is what the model has. */
#include "sim.h"

static bool says(struct rfl_view view, const char *text)
{
    return view.len == strlen(text) && (view.len == 0 || memcmp(view.p, text, view.len) == 0);
}

static bool same(struct rfl_view a, struct rfl_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static struct rfl_view queue_name(struct sim *sim, uint16_t queue)
{
    const struct rfl_policy *policy = sim->policies[sim->policy];
    const struct rfl_queue *found = rfl_policy_queue(policy, (struct rfl_queue_no){ queue });
    return found == NULL ? sim_text("no-such/queue") : rfl_policy_text(policy, found->name);
}

/* NULL: refused, as it should be. */
static const struct rfl_reply *look(struct sim *sim, struct rfl_ask *ask, enum rfl_code code,
                                    enum rfl_message_kind success)
{
    struct rfl_store_stat before, after;
    struct m_answer answer = { .code = code };
    rfl_store_stat(sim->world.store, &before);
    const struct rfl_reply *reply = sim_ask(sim, SIM_OPERATOR_SESSION, ask);
    rfl_store_stat(sim->world.store, &after);
    if (memcmp(before.head, after.head, sizeof before.head) != 0 || before.entries != after.entries)
        sim_fail(sim, "looking changed something");
    return sim_expect(sim, reply, &answer, success) ? reply : NULL;
}

static void look_at_whole(struct sim *sim)
{
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    const struct rfl_reply *reply = look(sim, &ask, RFL_CODE_OK, RFL_MSG_ADMIN_STATE);
    uint64_t cases = 0;
    if (reply == NULL)
        return;
    const struct rfl_msg_admin_state *state = &reply->admin_state;
    for (unsigned i = 0; i < RFL_STATUS_COUNT; i++)
        cases += state->by_status[i];
    if (!state->adds_up || state->referrals != sim->model.referrals || state->cases != sim->model.cases ||
        cases != state->cases || state->cases - state->by_status[RFL_STATUS_CLOSED] != sim->model.open_count)
        sim_fail(sim, "the state does not add up");
}

/* ---- queues ---- */

static void check_queue(struct sim *sim, const struct rfl_queue_row *row, uint16_t queue)
{
    uint64_t waiting = 0, working = 0;
    int64_t oldest_ms = 0;
    for (unsigned i = 0; i < sim->model.open_count; i++) {
        const struct m_case *k = &sim->model.kase[sim->model.open[i]];
        bool here = k->queue == queue && k->linked_to == 0, waits = here && k->status == RFL_STATUS_QUEUED;
        waiting += waits;
        working += here && k->worker >= 0;
        if (waits && (oldest_ms == 0 || k->since_ms < oldest_ms))
            oldest_ms = k->since_ms;
    }
    if (row->waiting != waiting || row->working != working || row->oldest_ms != oldest_ms || row->owner.len == 0)
        sim_fail(sim, "queue %u: %llu wait, %llu are worked on; the model says %llu and %llu", queue,
                 (unsigned long long)row->waiting, (unsigned long long)row->working, (unsigned long long)waiting,
                 (unsigned long long)working);
}

static void look_at_queues(struct sim *sim)
{
    struct rfl_ask ask = { .kind = RFL_MSG_QUEUE_LIST };
    const struct rfl_reply *reply = look(sim, &ask, RFL_CODE_OK, RFL_MSG_QUEUES);
    for (uint32_t i = 0; reply != NULL && i < reply->queues.rows_count; i++)
        for (unsigned j = 0; j < M_QUEUES; j++)
            if (same(reply->queues.rows[i].name, queue_name(sim, model_intake[j])))
                check_queue(sim, &reply->queues.rows[i], model_intake[j]);
}

/* ---- cases ---- */

static void check_row(struct sim *sim, const struct rfl_case_row *row, uint16_t n)
{
    const struct m_case *k = &sim->model.kase[n];
    bool right = says(row->case_code, sim_code_of_case(sim, n)) && row->status == k->status && row->door == k->door &&
                 row->band == k->band && row->due_ms == k->due_ms && row->opened_ms == k->opened_ms &&
                 row->hops == k->hops && row->referrals == k->count && row->escalation == k->escalation &&
                 same(row->queue, queue_name(sim, k->queue)) && row->owner.len > 0 && row->next_action.len > 0 &&
                 says(row->receipt, sim_code_of_referral(sim, k->first)) &&
                 (row->hold.len > 0) == (k->hold != RFL_HOLD_NONE);
    const struct { struct rfl_view shown; uint16_t kase; } others[] = {
        { row->linked_to, k->linked_to }, { row->resembles, k->resembles }, { row->previous, k->previous } };
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        right = right && says(others[i].shown, others[i].kase == 0 ? "" : sim_code_of_case(sim, others[i].kase));
    if (!right)
        sim_fail(sim, "case %u: its row does not say what the model has", n);
}

static bool passes(const struct m_case *k, const struct rfl_ask *ask, uint16_t queue)
{
    return (ask->status == 0 || k->status == ask->status) && (ask->door == 0 || k->door == ask->door) &&
           (queue == 0 || k->queue == queue);
}

static void look_at_list(struct sim *sim)
{
    uint16_t queue = sim_chance(sim, 80) ? model_intake[sim_below(sim, M_QUEUES)] : 0;
    uint16_t at = sim_chance(sim, 100) ? 0 : (uint16_t)sim_below(sim, sim->model.cases + 1u);
    struct rfl_ask ask = { .kind = RFL_MSG_LIST, .limit = 1 + sim_below(sim, 12),
                           .status = (uint8_t)(sim_chance(sim, 128) ? sim_below(sim, RFL_STATUS_COUNT) : 0),
                           .door = (uint8_t)(sim_chance(sim, 64) ? sim_below(sim, RFL_DOOR_COUNT) : 0) };
    if (queue != 0)
        ask.queue = queue_name(sim, queue);
    if (at != 0)
        ask.after = sim_text(sim_code_of_case(sim, at));
    const struct rfl_reply *reply = look(sim, &ask, RFL_CODE_OK, RFL_MSG_CASES);
    uint32_t seen = 0;
    if (reply == NULL)
        return;
    while (at < sim->model.cases && seen < ask.limit) {
        if (!passes(&sim->model.kase[++at], &ask, queue))
            continue;
        if (seen >= reply->cases.rows_count)
            sim_fail(sim, "case %u is not in the list", at);
        check_row(sim, &reply->cases.rows[seen++], at);
    }
    if (reply->cases.rows_count != seen ||
        !says(reply->cases.next, at < sim->model.cases ? sim_code_of_case(sim, at) : ""))
        sim_fail(sim, "a list of %u has %u rows, or does not go on where it ends", seen, reply->cases.rows_count);
}

/* One that is there by the code of the case or of a referral, or one that is not. Gives the case; 0: nobody's code. */
static uint16_t some_code(struct sim *sim, struct rfl_ask *ask, uint16_t *referral_out)
{
    const struct model *m = &sim->model;
    *referral_out = 0;
    if (m->referrals == 0 || sim_chance(sim, 8)) {
        ask->code = sim_text(sim_code_of_case(sim, (uint16_t)(m->cases + 3u)));
        return 0;
    }
    uint16_t n = (uint16_t)(1 + sim_below(sim, m->referrals)), kase = m->referral[n].kase;
    bool by_case = sim_chance(sim, 100);
    *referral_out = by_case ? m->kase[kase].first : n;
    ask->code = sim_text(by_case ? sim_code_of_case(sim, kase) : sim_code_of_referral(sim, n));
    return kase;
}

static void check_timeline(struct sim *sim, const struct rfl_msg_shown *shown, uint16_t n)
{
    bool right = shown->timeline_count > 0 && (shown->truncated || says(shown->timeline[0].event, "received"));
    for (uint32_t i = 1; right && i < shown->timeline_count; i++)
        right = shown->timeline[i - 1].sequence <= shown->timeline[i].sequence && shown->timeline[i].actor.len > 0;
    if (!right)
        sim_fail(sim, "case %u: its story does not begin with receipt, or is out of order", n);
}

static void look_at_one(struct sim *sim)
{
    struct rfl_ask ask = { .kind = RFL_MSG_SHOW };
    uint16_t referral, kase = some_code(sim, &ask, &referral);
    const struct rfl_reply *reply = look(sim, &ask, kase == 0 ? RFL_CODE_NOT_FOUND : RFL_CODE_OK, RFL_MSG_SHOWN);
    if (reply == NULL)
        return;
    const struct rfl_msg_shown *shown = &reply->shown;
    uint16_t n = sim->model.kase[kase].last;
    check_row(sim, &shown->row, kase);
    check_timeline(sim, shown, kase);
    for (uint32_t i = 0; i < shown->receipts_count; i++) {
        if (!says(shown->receipts[i], sim_code_of_referral(sim, n)))
            sim_fail(sim, "case %u: receipt %u is not that of referral %u", kase, i, n);
        n = sim->model.referral[n].prev_on_case;
    }
    if (n != 0 && shown->receipts_count < 64)
        sim_fail(sim, "case %u: referral %u is not shown", kase, n);
}

/* ---- why ---- */

static void look_at_reasons(struct sim *sim)
{
    struct rfl_ask ask = { .kind = RFL_MSG_EXPLAIN };
    uint16_t n, kase = some_code(sim, &ask, &n);
    const struct rfl_reply *reply = look(sim, &ask, kase == 0 ? RFL_CODE_NOT_FOUND : RFL_CODE_OK, RFL_MSG_EXPLAINED);
    if (reply == NULL)
        return;
    const struct m_referral *r = &sim->model.referral[n];
    const struct rfl_msg_explained *why = &reply->explained;
    if (why->hypothetical || !says(why->code, sim_code_of_referral(sim, n)) || why->candidates_count == 0 ||
        why->due_ms != sim->model.kase[kase].due_ms || why->door != r->form.door ||
        says(why->consent, "missing") == m_may_disclose(&r->newest) ||
        !same(why->queue, queue_name(sim, r->decided)))
        sim_fail(sim, "referral %u: the explanation is not of what was decided", n);
}

static void suppose(struct sim *sim)
{
    struct rfl_ask ask = { .kind = RFL_MSG_EXPLAIN };
    struct m_form form = sim_some_form(sim, 1);
    ask.referral = sim_bytes_of(&form, &ask.form);
    const struct rfl_reply *reply = look(sim, &ask, RFL_CODE_OK, RFL_MSG_EXPLAINED);
    if (reply != NULL && (!reply->explained.hypothetical || reply->explained.code.len > 0 ||
                          !same(reply->explained.queue, queue_name(sim, m_route(&sim->model, 0, &form, NULL).queue))))
        sim_fail(sim, "what is only supposed is explained as if it were there, or elsewhere");
}

void sim_look(struct sim *sim)
{
    static void (*const looks[])(struct sim *) = { look_at_whole, look_at_queues, look_at_list, look_at_one,
                                                   look_at_reasons, suppose };
    looks[sim_below(sim, sizeof looks / sizeof looks[0])](sim);
}
