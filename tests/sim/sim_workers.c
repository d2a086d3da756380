/* What workers do: subscribe, answer, forget, come back, answer too late or with somebody else's token. */
#include "sim.h"

#include <stdio.h>

static const char *worker_name(unsigned worker)
{
    static char names[M_WORKERS][16];
    (void)snprintf(names[worker], sizeof names[worker], "worker-%u", worker);
    return names[worker];
}

void sim_card_take(struct sim *sim, unsigned worker, uint16_t kase, struct rfl_token token)
{
    sim->hand[worker][sim->hand_next[worker]++ % SIM_HAND] = (struct sim_card){ kase, token };
}

void sim_subscribe(struct sim *sim, unsigned worker, uint16_t queues, uint32_t credit)
{
    static struct rfl_view names[M_QUEUES];
    uint32_t count = 0;
    uint64_t session = sim->next_session++;
    for (unsigned i = 0; i < M_QUEUES; i++) {
        const struct rfl_queue *queue = rfl_policy_queue(sim->policies[0], (struct rfl_queue_no){ model_intake[i] });
        if ((queues & 1u << i) != 0)
            names[count++] = rfl_policy_text(sim->policies[0], queue->name);
    }
    struct rfl_ask ask = { .kind = RFL_MSG_SUBSCRIBE, .worker = sim_text(worker_name(worker)), .names = names,
                           .names_count = count, .credit = credit };
    struct m_answer answer = { .code = RFL_CODE_OK };
    if (sim->draining)
        answer.code = RFL_CODE_DRAINING;
    else
        model_subscribe(&sim->model, worker, session, queues, credit);
    sim_say(sim, "worker %u subscribes to %x, credit %u", worker, queues, credit);
    const struct rfl_reply *reply = sim_ask(sim, session, &ask);
    if (sim_expect(sim, reply, &answer, RFL_MSG_SUBSCRIBED) &&
        reply->subscribed.outstanding != model_outstanding(&sim->model, worker))
        sim_fail(sim, "worker %u: %u offers are out, the model says %u", worker, reply->subscribed.outstanding,
                 model_outstanding(&sim->model, worker));
}

static void say_goodbye(struct sim *sim, unsigned worker)
{
    struct rfl_ask ask = { .kind = RFL_MSG_GOODBYE, .worker = sim_text(worker_name(worker)) };
    struct m_answer answer = { .code = RFL_CODE_OK };
    uint64_t session = sim->model.worker[worker].session;
    if (session == 0)
        return;
    unsigned returned = model_goodbye(&sim->model, worker);
    sim_say(sim, "worker %u says goodbye, %u offers go back", worker, returned);
    const struct rfl_reply *reply = sim_ask(sim, session, &ask);
    if (sim_expect(sim, reply, &answer, RFL_MSG_BYE) && reply->bye.returned != returned)
        sim_fail(sim, "worker %u: %u offers went back", worker, reply->bye.returned);
}

static void go_away(struct sim *sim, unsigned worker)
{
    uint64_t session = sim->model.worker[worker].session;
    if (session == 0)
        return;
    unsigned returned = model_gone(&sim->model, worker);
    sim_say(sim, "worker %u is gone, %u offers go back", worker, returned);
    rfl_engine_gone(sim->world.engine, session);
    if (rfl_store_error(sim->world.store) == RFL_E_OK)      /* else the turn is undone, and there is nothing to read */
        sim_follow(sim);
}

static void ping(struct sim *sim, unsigned worker)
{
    struct rfl_ask ask = { .kind = RFL_MSG_PING };
    struct m_answer answer = { .code = RFL_CODE_OK };
    uint64_t session = sim->model.worker[worker].session;
    if (session == 0)
        return;
    model_heard(&sim->model, session);
    (void)sim_expect(sim, sim_ask(sim, session, &ask), &answer, RFL_MSG_PONG);
}

/* ---- verbs ---- */

static struct rfl_view queue_name(struct sim *sim, uint16_t queue)
{
    const struct rfl_queue *found = rfl_policy_queue(sim->policies[0], (struct rfl_queue_no){ queue });
    return found == NULL ? sim_text("no-such/queue") : rfl_policy_text(sim->policies[0], found->name);
}

void sim_do_verb(struct sim *sim, const struct m_verb *verb)
{
    struct rfl_ask ask = { .kind = (uint8_t)verb->kind, .worker = sim_text(worker_name(verb->worker)),
                           .code = sim_text(sim_code_of_case(sim, verb->kase)), .token = verb->token,
                           .reason = verb->reason, .reached = verb->reached, .at_ms = verb->until_ms,
                           .text = sim_text("because"), .role = sim_text("intake") };
    if (verb->kind == RFL_MSG_REDIRECT)
        ask.queue = queue_name(sim, verb->queue_known ? verb->queue : 0);
    if (verb->kind == RFL_MSG_OUTCOME)
        ask.outcome = verb->code;
    else if (verb->kind == RFL_MSG_CONTACTED)
        ask.channel = verb->code;
    sim->bare = verb->reason == 0 || verb->code == 0;
    struct m_answer answer = model_verb(&sim->model, verb);
    sim_say(sim, "worker %u: %s case %u, token %u.%u > %s, %s", verb->worker, rfl_message_name(verb->kind), verb->kase,
            verb->token.epoch, verb->token.seq, rfl_code_name(answer.code),
            rfl_status_word((enum rfl_status)answer.status));
    const struct rfl_reply *reply = sim_ask(sim, verb->session, &ask);
    bool accept = verb->kind == RFL_MSG_ACCEPT;
    if (!sim_expect(sim, reply, &answer, accept ? RFL_MSG_RECORD : RFL_MSG_DONE))
        return;
    if (accept && reply->record.total != model_records(&sim->model, verb->kase))
        sim_fail(sim, "case %u: %u records, the model says %u", verb->kase, reply->record.total,
                 model_records(&sim->model, verb->kase));
    if (!accept && reply->done.status != answer.status)
        sim_fail(sim, "case %u: done says %s", verb->kase, rfl_status_word((enum rfl_status)reply->done.status));
}

/* A verb for this case; usually one that its status allows. */
static enum rfl_message_kind some_verb(struct sim *sim, uint8_t status)
{
    unsigned weights[RFL_MSG_COUNT] = { 0 };
    bool lawful = sim_below(sim, 16) < sim->habits.lawful;
    for (unsigned kind = RFL_MSG_ACCEPT; kind <= RFL_MSG_CLOSE; kind++) {
        bool offer_verb = kind == RFL_MSG_ACCEPT || kind == RFL_MSG_DECLINE || kind == RFL_MSG_REDIRECT ||
                          kind == RFL_MSG_DEFER || kind == RFL_MSG_TOUCH;
        if (kind == RFL_MSG_RECORD)
            continue;
        if (!lawful || offer_verb == (status == RFL_STATUS_OFFERED))
            weights[kind] = sim->habits.verb[kind];
    }
    unsigned kind = sim_draw(sim, weights, RFL_MSG_COUNT);
    return kind == RFL_MSG_COUNT ? RFL_MSG_TOUCH : (enum rfl_message_kind)kind;
}

static int64_t some_end(struct sim *sim)
{
    static const int64_t ahead_ms[] = { -1000, 0, 60000, 3600000, 86400000, 3 * 86400000, INT64_C(40) * 86400000 };
    return sim->world.now.wall_ms + ahead_ms[sim_below(sim, 7)];
}

static uint8_t some_word(struct sim *sim, unsigned count)
{
    return (uint8_t)(sim_below(sim, 24) == 0 ? 0 : 1 + sim_below(sim, count - 1));
}

static void use_card(struct sim *sim, unsigned worker, unsigned holder)
{
    struct sim_card *card = &sim->hand[holder][sim_below(sim, SIM_HAND)];
    unsigned tries = 0;
    while (tries++ < 4 && (card->kase == 0 || sim->model.kase[card->kase].worker != (int)holder ||
                           !rfl_token_same(card->token, sim->model.kase[card->kase].token)))
        card = &sim->hand[holder][sim_below(sim, SIM_HAND)];
    if (card->kase == 0)
        return;
    struct m_verb verb = { .kase = card->kase, .worker = worker, .session = sim->model.worker[worker].session,
                           .token = card->token, .until_ms = some_end(sim), .reached = sim_chance(sim, 110) };
    bool there = card->kase <= sim->model.cases;
    verb.kind = some_verb(sim, there ? sim->model.kase[card->kase].status : 0);
    verb.queue_known = !sim_chance(sim, 10);
    verb.queue = sim_chance(sim, 12) ? 2016 : model_intake[sim_below(sim, M_QUEUES)];
    if (verb.kind == RFL_MSG_CLOSE)
        verb.reason = some_word(sim, RFL_CLOSE_COUNT);
    else
        verb.reason = some_word(sim, RFL_DECLINE_COUNT);
    verb.code = verb.kind == RFL_MSG_OUTCOME ? some_word(sim, RFL_OUTCOME_COUNT) : some_word(sim, RFL_CHANNEL_COUNT);
    if (verb.session != 0)
        sim_do_verb(sim, &verb);
}

/* What was never offered, or was offered to somebody else, or long ago. */
static void use_wrong_card(struct sim *sim, unsigned worker)
{
    unsigned holder = sim_below(sim, M_WORKERS);
    const struct sim_card *card = &sim->hand[holder][sim_below(sim, SIM_HAND)];
    struct m_verb verb = { .kase = card->kase, .worker = worker, .session = sim->model.worker[worker].session,
                           .token = card->token, .reason = RFL_DECLINE_OTHER, .code = RFL_CHANNEL_PHONE,
                           .queue = model_intake[0], .queue_known = true, .until_ms = some_end(sim) };
    verb.kind = some_verb(sim, RFL_STATUS_NONE);
    if (sim_chance(sim, 40))
        verb.kase = (uint16_t)(sim->model.cases + 7);
    if (sim_chance(sim, 40))
        verb.token.seq++;
    if (sim_chance(sim, 20))
        verb.session = 99;
    if (verb.kase != 0 && verb.session != 0 && verb.token.epoch != 0)
        sim_do_verb(sim, &verb);
}

void sim_worker(struct sim *sim, enum sim_deed deed)
{
    unsigned worker = sim_below(sim, M_WORKERS);
    switch ((int)deed) {
    case SIM_SUBSCRIBE:
        sim_subscribe(sim, worker, (uint16_t)(1 + sim_below(sim, (1 << M_QUEUES) - 1)), sim_below(sim, 8));
        break;
    case SIM_GOODBYE: say_goodbye(sim, worker); break;
    case SIM_GONE: go_away(sim, worker); break;
    case SIM_PING: ping(sim, worker); break;
    case SIM_VERB: use_card(sim, worker, worker); break;
    default: use_wrong_card(sim, worker); break;
    }
}
