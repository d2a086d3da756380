/* What operators do: every verb of the triage desk, with and without a reason, in earnest and not. */
#include "sim.h"

#include <stdio.h>

#include "rfl_apply.h"
#include "rfl_decide.h"

static struct rfl_view queue_name(struct sim *sim, uint16_t queue)
{
    const struct rfl_queue *found = rfl_policy_queue(sim->policies[0], (struct rfl_queue_no){ queue });
    return found == NULL ? sim_text("no-such/queue") : rfl_policy_text(sim->policies[0], found->name);
}

static void give_order(struct sim *sim, const struct m_order *order)
{
    struct rfl_ask ask = { .kind = (uint8_t)order->kind, .code = sim_text(sim_code_of_case(sim, order->kase)),
                           .operator_name = sim_text("desk"), .dry_run = order->dry_run,
                           .override_no = order->override_no, .at_ms = order->until_ms, .reason = order->close };
    if (order->signed_)
        ask.why = sim_text("looked at it");
    if (order->queue != 0 || order->kind == RFL_MSG_PLACE)
        ask.queue = queue_name(sim, order->queue_known ? order->queue : 0);
    if (order->kind == RFL_MSG_LINK)
        ask.to = sim_text(sim_code_of_case(sim, order->other));
    sim->bare = !order->signed_ || order->close == 0;
    struct m_answer answer = model_order(&sim->model, order);
    sim_say(sim, "desk: %s%s case %u (queue %u, other %u) > %s, %s", order->dry_run ? "would " : "",
            rfl_message_name(order->kind), order->kase, order->queue, order->other, rfl_code_name(answer.code),
            rfl_status_word((enum rfl_status)answer.status));
    struct rfl_store_stat before, after;
    rfl_store_stat(sim->world.store, &before);
    const struct rfl_reply *reply = sim_ask(sim, SIM_OPERATOR_SESSION, &ask);
    rfl_store_stat(sim->world.store, &after);
    if (order->dry_run && memcmp(before.head, after.head, sizeof before.head) != 0)
        sim_fail(sim, "a dry run changed something");
    if (sim_expect(sim, reply, &answer, RFL_MSG_ACTED) && !order->dry_run &&
        reply->acted.after.status != answer.status)
        sim_fail(sim, "case %u: acted says %s", order->kase,
                 rfl_status_word((enum rfl_status)reply->acted.after.status));
}

static uint16_t some_open_case(struct sim *sim)
{
    if (sim->model.open_count == 0 || sim_chance(sim, 12))
        return (uint16_t)(1 + sim_below(sim, sim->model.cases + 2u));
    return sim->model.open[sim_below(sim, sim->model.open_count)];
}

/* One that rests on another; 0: none does. */
static uint16_t some_resting_case(struct sim *sim)
{
    const struct model *m = &sim->model;
    unsigned first = m->open_count == 0 ? 0 : sim_below(sim, m->open_count);
    for (unsigned i = 0; m->links > 0 && i < m->open_count; i++) {
        uint16_t n = m->open[(first + i) % m->open_count];
        if (m->kase[n].linked_to != 0)
            return n;
    }
    return 0;
}

static void some_order(struct sim *sim)
{
    static const int64_t ahead_ms[] = { -1000, 3600000, 86400000, 2 * 86400000, INT64_C(40) * 86400000 };
    static const uint16_t targets[] = { 1016, 1004, 1003, 1001, 1005, 2016, 2004, 1, 3001, 3005 };
    struct m_order order = { .kind = (enum rfl_message_kind)(RFL_MSG_PLACE + sim_below(sim, 7)),
                             .kase = some_open_case(sim), .other = some_open_case(sim),
                             .signed_ = !sim_chance(sim, 8), .dry_run = sim_chance(sim, 32),
                             .override_no = sim_chance(sim, 60), .queue_known = !sim_chance(sim, 8),
                             .queue = targets[sim_below(sim, sizeof targets / sizeof targets[0])],
                             .until_ms = sim->world.now.wall_ms + ahead_ms[sim_below(sim, 5)],
                             .close = (uint8_t)sim_below(sim, RFL_CLOSE_COUNT) };
    uint16_t area = order.kase <= sim->model.cases ? sim->model.kase[order.kase].area : 0;
    if (order.kind == RFL_MSG_PLACE && sim_chance(sim, 48) && area != 0)
        order.queue = (uint16_t)(2000 + area);      /* its own desk, perhaps once more */
    if (order.kind == RFL_MSG_RELEASE && sim_chance(sim, 128))
        order.queue = 0;
    else if (order.kind != RFL_MSG_PLACE && order.kind != RFL_MSG_RELEASE)
        order.queue = 0;
    if (order.kind == RFL_MSG_RELEASE)
        order.override_no = false;      /* the message has no such field: who wants that says Place */
    uint16_t resting = order.kind == RFL_MSG_UNLINK && sim_chance(sim, 160) ? some_resting_case(sim) : 0;
    if (resting != 0)
        order.kase = resting;
    if (order.kase != 0)
        give_order(sim, &order);
}

static void set_queue(struct sim *sim, const struct m_order *order)
{
    static const char *const modes[RFL_QUEUE_MODE_COUNT] = { "clear", "pause", "hold", "divert", "capacity" };
    struct rfl_ask ask = { .kind = RFL_MSG_QUEUE_SET, .operator_name = sim_text("desk"), .dry_run = order->dry_run,
                           .mode = order->mode, .at_ms = order->until_ms, .capacity = order->capacity,
                           .queue = queue_name(sim, order->queue_known ? order->queue : 0) };
    sim->bare = !order->signed_;
    if (order->signed_)
        ask.why = sim_text("as agreed");
    if (order->mode == RFL_QUEUE_MODE_DIVERT)
        ask.to = queue_name(sim, order->to);
    struct m_answer answer = model_queue_set(&sim->model, order);
    sim_say(sim, "desk: %s%s queue %u (to %u, capacity %u) for %lld minutes > %s", order->dry_run ? "would " : "",
            modes[order->mode], order->queue, order->to, order->capacity,
            (long long)(order->until_ms - sim->world.now.wall_ms) / 60000, rfl_code_name(answer.code));
    (void)sim_expect(sim, sim_ask(sim, SIM_OPERATOR_SESSION, &ask), &answer, RFL_MSG_ACTED);
}

static void some_setting(struct sim *sim)
{
    static const int64_t ahead_ms[] = { -1000, 600000, 3600000, 86400000, 3 * 86400000 };
    static const uint8_t modes[] = { RFL_QUEUE_MODE_CLEAR, RFL_QUEUE_MODE_CLEAR, RFL_QUEUE_MODE_PAUSE,
                                     RFL_QUEUE_MODE_HOLD, RFL_QUEUE_MODE_DIVERT, RFL_QUEUE_MODE_CAPACITY };
    struct m_order order = { .kind = RFL_MSG_QUEUE_SET, .signed_ = !sim_chance(sim, 8),
                             .dry_run = sim_chance(sim, 32), .queue_known = !sim_chance(sim, 8),
                             .queue = sim_chance(sim, 12) ? 2016 : model_intake[sim_below(sim, M_QUEUES)],
                             .to = sim_chance(sim, 12) ? 2016 : model_intake[sim_below(sim, M_QUEUES)],
                             .mode = modes[sim_below(sim, 6)], .capacity = 1 + sim_below(sim, 5),
                             .until_ms = sim->world.now.wall_ms + ahead_ms[sim_below(sim, 5)] };
    set_queue(sim, &order);
}

/* A legal hold, its end, an erasure or a look at the data of one case: decided by the core and appended in the engine's
 * turn, without a message, because the engine's messages are of all the cases of a person. */
static void some_data(struct sim *sim)
{
    static const uint8_t verbs[M_DATA] = { [M_KEEP] = RFL_DO_KEEP, [M_UNKEEP] = RFL_DO_UNKEEP,
                                           [M_ERASE] = RFL_DO_ERASE, [M_REVEAL] = RFL_DO_REVEAL };
    enum m_data what = (enum m_data)sim_below(sim, M_DATA);
    uint16_t n = what == M_ERASE ? (uint16_t)(1 + sim_below(sim, sim->model.cases + 2u)) : some_open_case(sim);
    struct rfl_command command = { .kind = (enum rfl_command_kind)verbs[what] };
    struct rfl_events events;
    struct rfl_case kase;
    if (n == 0 || rfl_store_case(sim->world.store, (struct rfl_case_id){ n }, &kase) != RFL_E_OK)
        return;
    enum rfl_err err = rfl_decide(sim->policies[0], &kase, &command, &sim->world.now, &events);
    bool may = model_data(&sim->model, n, what);
    sim_say(sim, "data: %s case %u > %s", rfl_command_word(command.kind), n, may ? "done" : "STATE");
    if ((err == RFL_E_OK) != may || (err != RFL_E_OK && err != RFL_E_STATE))
        sim_fail(sim, "case %u: %s gives %s, the model says %s", n, rfl_command_word(command.kind),
                 rfl_err_name(err), may ? "done" : "STATE");
    if (!may)
        return;
    struct rfl_entry entry = { .wall_ms = sim->world.now.wall_ms, .actor = RFL_ACTOR_OPERATOR, .kase = { n },
                               .actor_name = sim_text("desk"), .event_count = 1, .events = { events.list[0] } };
    if (what == M_ERASE)
        entry.why = sim_text("asked for");
    err = rfl_store_append(sim->world.store, &entry, what == M_ERASE ? (struct rfl_view){ NULL, 0 }
                                                                     : sim_text("looked into it"));
    if (err != rfl_store_error(sim->world.store))       /* a full store undoes the turn, as after any other ask */
        sim_fail(sim, "case %u: %s was decided and not applied", n, rfl_command_word(command.kind));
}

/* What operators said of queues is taken back, so that everybody can come to an end. */
void sim_clear_queues(struct sim *sim)
{
    for (unsigned i = 0; i < M_QUEUES; i++) {
        struct m_order order = { .kind = RFL_MSG_QUEUE_SET, .signed_ = true, .queue_known = true,
                                 .queue = model_intake[i], .mode = RFL_QUEUE_MODE_CLEAR };
        set_queue(sim, &order);
    }
}

void sim_operator(struct sim *sim, enum sim_deed deed)
{
    if (deed == SIM_LOOK)
        sim_look(sim);
    else if (deed == SIM_ORDER)
        some_order(sim);
    else if (deed == SIM_DATA)
        some_data(sim);
    else
        some_setting(sim);
}

void sim_settle_desk(struct sim *sim, uint16_t kase)
{
    const struct m_case *k = &sim->model.kase[kase];
    struct m_order order = { .kase = kase, .signed_ = true, .queue_known = true };
    if (k->linked_to != 0)
        order.kind = RFL_MSG_UNLINK;
    else if (k->status == RFL_STATUS_TRIAGE)
        order.kind = RFL_MSG_PLACE;
    else if (k->status == RFL_STATUS_ON_HOLD)
        order.kind = RFL_MSG_RELEASE;
    else if (k->status == RFL_STATUS_DECLINING)
        order.kind = RFL_MSG_SEND_BACK;
    else
        return;
    order.override_no = order.kind == RFL_MSG_PLACE;
    if (order.kind == RFL_MSG_PLACE)
        order.queue = model_intake[0];
    give_order(sim, &order);
}
