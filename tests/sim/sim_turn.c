/* A seed from its first moment to its last, turn by turn. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM_PERMILLE = 600 /* of a store that is not meant to become full: there the seed comes to its end */ };

struct rfl_view sim_text(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static const char *code_of(struct sim *sim, enum rfl_receipt_kind kind, uint64_t id)
{
    static char texts[8][RFL_RECEIPT_BYTES];
    static unsigned turn;
    char *text = texts[turn++ % 8];
    if (rfl_receipt_encode(rfl_store_receipt_key(sim->world.store), kind, id == 0 ? 1 : id, text) != RFL_E_OK)
        sim_fail(sim, "no code for %llu", (unsigned long long)id);
    return text;
}

const char *sim_code_of_case(struct sim *sim, uint16_t kase) { return code_of(sim, RFL_RECEIPT_CASE, kase); }
const char *sim_code_of_referral(struct sim *sim, uint16_t n) { return code_of(sim, RFL_RECEIPT_REFERRAL, n); }

static uint16_t case_of(struct sim *sim, struct rfl_view code)
{
    enum rfl_receipt_kind kind;
    uint64_t id = 0;
    if (rfl_receipt_decode(rfl_store_receipt_key(sim->world.store), code, &kind, &id) != RFL_E_OK ||
        kind != RFL_RECEIPT_CASE || id > M_CASES_MAX)
        sim_fail(sim, "a case code that is none");
    return (uint16_t)id;
}

/* ---- what the engine says without being asked ---- */

static void check_offer(struct sim *sim, const struct rfl_outgoing *out)
{
    const struct rfl_msg_offer *offer = &out->reply.offer;
    uint16_t kase = case_of(sim, offer->case_code);
    if (sim->draining)
        sim_fail(sim, "case %u: an offer by a daemon that is stopping", kase);
    sim_check_turn(sim, kase);
    const char *wrong = model_offered(&sim->model, out->session, kase, offer->token);
    sim_say(sim, "offer of case %u, token %u.%u, to session %llu", kase, offer->token.epoch, offer->token.seq,
            (unsigned long long)out->session);
    if (wrong != NULL)
        sim_fail(sim, "case %u: %s", kase, wrong);
    const struct m_case *k = &sim->model.kase[kase];
    if (offer->deadline_ms != k->due_ms || offer->band != k->band || offer->hops != k->hops ||
        offer->lapses != k->lapses || offer->referrals != k->count)
        sim_fail(sim, "case %u: the preview does not say what the model has", kase);
    sim->tally.offers++;
}

static bool must_hear(const struct sim *sim, unsigned worker)
{
    const struct m_worker *w = &sim->model.worker[worker];
    bool theirs = false;
    for (unsigned i = 0; i < M_QUEUES; i++)
        theirs = theirs || ((w->queues & 1u << i) != 0 && !m_lives(&sim->model, model_intake[i]));
    return theirs && !w->told_moved;
}

/* Once a session, to who works for the queue that has ended. */
static void check_moved(struct sim *sim, uint64_t session)
{
    unsigned w = 0;
    while (w < M_WORKERS && sim->model.worker[w].session != session)
        w++;
    if (w == M_WORKERS || !must_hear(sim, w))
        sim_fail(sim, "session %llu hears that a queue has ended, again or for nothing", (unsigned long long)session);
    sim->model.worker[w].told_moved = true;
}

static void look_at_unasked(struct sim *sim, const struct rfl_outgoing *out)
{
    if (out->reply.kind == RFL_MSG_OFFER) {
        check_offer(sim, out);
    } else if (out->reply.kind == RFL_MSG_FEEDBACK) {
        sim_check_mails(sim);
        sim_check_feedback(sim, &out->reply.feedback, out->session);
    } else if (out->reply.kind == RFL_MSG_NOTICE) {
        if (out->reply.notice.kind == RFL_NOTICE_DRAINING && !sim->draining)
            sim_fail(sim, "a notice of stopping by a daemon that is not");
        if (out->reply.notice.kind == RFL_NOTICE_QUEUE_MOVED)
            check_moved(sim, out->session);
        sim->tally.notices++;
    } else if (out->reply.kind != RFL_MSG_RECORD) {
        sim_fail(sim, "%s, which nobody asked for", rfl_message_name((enum rfl_message_kind)out->reply.kind));
    }
}

static void look_at_rest(struct sim *sim)
{
    uint32_t count;
    const struct rfl_outgoing *out = rfl_engine_outbox(sim->world.engine, &count);
    for (; sim->answered < count; sim->answered++)
        look_at_unasked(sim, &out[sim->answered]);
}

/* ---- asking ---- */

/* There and back as frames: what arrives is what was said. */
static void check_framed(struct sim *sim, const struct rfl_reply *reply)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    static struct rfl_reply back;
    size_t len = rfl_wire_encode_reply(reply, frame, sizeof frame);
    rfl_arena_reset(&sim->world.arena);
    if (len == 0 || rfl_wire_decode_reply((struct rfl_view){ frame, len }, &sim->world.arena, &back) != RFL_CODE_OK ||
        back.kind != reply->kind || back.correlation != reply->correlation)
        sim_fail(sim, "a %s does not survive its frame", rfl_message_name((enum rfl_message_kind)reply->kind));
}

static void hand_over(struct sim *sim, uint64_t session, struct rfl_ask *ask)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    static struct rfl_ask decoded;
    bool odd = ask->kind == RFL_MSG_SUBMIT && ask->form.door == RFL_DOOR_NONE;
    bool bare = sim->bare;
    sim->bare = false;
    if (bare || (!odd && sim_below(sim, 16) >= sim->habits.wire)) {
        rfl_engine_handle(sim->world.engine, session, ask);
        return;
    }
    size_t len = rfl_wire_encode_ask(ask, frame, sizeof frame);
    rfl_arena_reset(&sim->world.arena);
    enum rfl_code code = rfl_wire_decode_ask((struct rfl_view){ frame, len }, &sim->world.arena, &decoded);
    sim->tally.framed++;
    if (code == RFL_CODE_OK)
        rfl_engine_handle(sim->world.engine, session, &decoded);
    else
        rfl_engine_refuse(sim->world.engine, session, &decoded, code);
}

const struct rfl_reply *sim_ask(struct sim *sim, uint64_t session, struct rfl_ask *ask)
{
    uint32_t count, first = sim->answered;
    struct rfl_store_stat before;
    ask->correlation = ++sim->next_correlation;
    sim->tally.commands++;
    sim->tally.asks[ask->kind]++;
    sim->asked = ask->kind;
    rfl_store_stat(sim->world.store, &before);
    sim_follow(sim);
    uint64_t rehomed = sim->tally.rehomed;
    hand_over(sim, session, ask);
    const struct rfl_outgoing *out = rfl_engine_outbox(sim->world.engine, &count);
    if (rfl_store_error(sim->world.store) != RFL_E_OK)
        return NULL;
    sim_follow(sim);
    while (first < count && (out[first].session != session || out[first].reply.correlation != ask->correlation))
        look_at_unasked(sim, &out[first++]);
    if (first >= count)
        sim_fail(sim, "no answer to %s", rfl_message_name((enum rfl_message_kind)ask->kind));
    if (out[first].reply.kind == RFL_MSG_REFUSAL) {
        struct rfl_store_stat after;
        rfl_store_stat(sim->world.store, &after);
        if (before.entries + (sim->tally.rehomed - rehomed) != after.entries)
            sim_fail(sim, "a refused %s changed something", rfl_message_name((enum rfl_message_kind)ask->kind));
        sim->tally.refused[out[first].reply.refusal.code]++;
    }
    if (sim_below(sim, 16) < sim->habits.wire)
        check_framed(sim, &out[first].reply);
    sim->answered = first + 1;
    look_at_rest(sim);
    return &out[first].reply;
}

/* A refusal for the status names what is possible instead, and nothing else. */
static void check_legal(struct sim *sim, const struct rfl_msg_refusal *refusal, uint16_t kase, uint8_t asked)
{
    bool desk = asked >= RFL_MSG_PLACE;
    unsigned first = desk ? RFL_MSG_PLACE : RFL_MSG_ACCEPT, last = desk ? RFL_MSG_UNLINK : RFL_MSG_CLOSE;
    for (unsigned kind = first; kind <= last; kind++) {
        const char *name = rfl_message_name((enum rfl_message_kind)kind);
        bool named = false;
        for (uint32_t i = 0; i < refusal->legal_count; i++)
            named = named || (refusal->legal[i].len == strlen(name) &&
                              memcmp(refusal->legal[i].p, name, strlen(name)) == 0);
        if (kind != RFL_MSG_RECORD && named != model_legal(&sim->model, kase, (enum rfl_message_kind)kind))
            sim_fail(sim, "case %u: a refusal %s %s", kase, named ? "names" : "does not name", name);
    }
}

bool sim_expect(struct sim *sim, const struct rfl_reply *reply, const struct m_answer *answer,
                enum rfl_message_kind success)
{
    if (reply == NULL)
        return false;                   /* the store is full: the turn will be undone, whatever the answer was */
    enum rfl_code code = reply->kind == RFL_MSG_REFUSAL ? (enum rfl_code)reply->refusal.code : RFL_CODE_OK;
    if (code != answer->code && !(sim->habits.small && code == RFL_CODE_STORE_FULL))
        sim_fail(sim, "answered %s, the model says %s", rfl_code_name(code), rfl_code_name(answer->code));
    if (code == RFL_CODE_STORE_FULL) {
        sim->crash_now = true;          /* the model thinks otherwise: this turn is lost */
        return false;
    }
    if (code == RFL_CODE_OK && reply->kind != success)
        sim_fail(sim, "answered with %s", rfl_message_name((enum rfl_message_kind)reply->kind));
    if (code == RFL_CODE_STATE && answer->status != 0 && reply->refusal.status != answer->status)
        sim_fail(sim, "refused for status %s, the model says %s",
                 rfl_status_word((enum rfl_status)reply->refusal.status),
                 rfl_status_word((enum rfl_status)answer->status));
    if (code == RFL_CODE_STATE && answer->kase != 0)
        check_legal(sim, &reply->refusal, answer->kase, sim->asked);
    return code == RFL_CODE_OK;
}

/* ---- a turn ---- */

static void do_something(struct sim *sim)
{
    unsigned deed = sim_draw(sim, sim->habits.weight, SIM_DEEDS);
    if (deed == SIM_DEEDS)
        return;
    sim->step++;
    sim->tally.deeds[deed]++;
    if (deed <= SIM_WITHDRAW)
        sim_adapter(sim, (enum sim_deed)deed);
    else if (deed <= SIM_STALE)
        sim_worker(sim, (enum sim_deed)deed);
    else
        sim_operator(sim, (enum sim_deed)deed);
    if (rfl_store_error(sim->world.store) == RFL_E_OK && !sim->crash_now)
        sim_check_touched(sim);
}

static void put_back(struct sim *sim, bool restart)
{
    model_copy(&sim->model, &sim->saved);
    sim->model.touched_count = 0;
    for (unsigned i = 1; i < M_SOURCES; i++)
        if (sim->checked_mails[i] > sim->model.mails[i])
            sim->checked_mails[i] = sim->model.mails[i];
    if (restart)
        model_restarted(&sim->model);
}

static void reopen(struct sim *sim)
{
    struct rfl_store_stat stat;
    sim->world.policy = sim->policies[sim->policy];
    if (sim->habits.small && rfl_store_used_permille(sim->world.store) > 800)
        sim->world.map_bytes += sim->world.map_bytes / 4;   /* a full one does not open again until it is given room */
    sim->world.now.wall_ms = sim->machine_ms;   /* a new process knows nothing of what the clock said before */
    sim->draining = false;
    sim_forget_turns(sim);
    world_restart(&sim->world);
    if (rfl_store_begin(sim->world.store) != RFL_E_OK)
        sim_fail(sim, "a reopened store cannot be read");
    rfl_store_stat(sim->world.store, &stat);
    sim_check_all(sim);
    rfl_store_abort(sim->world.store);
    sim->model.last_token = (struct rfl_token){ stat.epoch, 0 };
    sim->model.touched_count = 0;
    sim->tally.crashes++;
}

/* Unless the engine says that it is not done, nobody waits in an area that has changed, or for a day that has come, and
 * every worker knows. */
static void check_areas(struct sim *sim)
{
    struct model *m = &sim->model;
    if (rfl_engine_next_due(sim->world.engine) <= sim->world.now.wall_ms)
        return;
    for (unsigned i = 0; i < m->open_count; i++) {
        if (model_homeless(m, m->open[i]))
            sim_fail(sim, "case %u waits where nobody may any more", m->open[i]);
        if (model_overdue(m, m->open[i]))
            sim_fail(sim, "case %u was put off until a day that has come", m->open[i]);
    }
    for (unsigned w = 0; w < M_WORKERS; w++)
        if (m->worker[w].session != 0 && must_hear(sim, w))
            sim_fail(sim, "worker %u was not told that its queue has ended", w);
}

static void settle(struct sim *sim)
{
    model_drop_silent(&sim->model);
    sim->answered = 0;
    (void)rfl_engine_outbox(sim->world.engine, &sim->answered);
    rfl_engine_settle(sim->world.engine);
    if (rfl_store_error(sim->world.store) != RFL_E_OK)
        return;
    sim_follow(sim);
    model_clocks(&sim->model);
    look_at_rest(sim);
    sim_check_touched(sim);
    sim_check_mails(sim);
    uint16_t forgotten = sim->draining ? 0 : model_forgotten(&sim->model);
    if (forgotten != 0)
        sim_fail(sim, "case %u waits, a worker with credit wants it, and it is not offered", forgotten);
    check_areas(sim);
}

/* What was committed is said; some of it never arrives. */
static void say_outbox(struct sim *sim)
{
    uint32_t count;
    const struct rfl_outgoing *out = rfl_engine_outbox(sim->world.engine, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (sim_chance(sim, sim->habits.lose)) {
            sim->tally.lost++;
            continue;
        }
        if (out[i].reply.kind != RFL_MSG_OFFER)
            continue;
        uint16_t kase = case_of(sim, out[i].reply.offer.case_code);
        for (unsigned w = 0; w < M_WORKERS; w++)
            if (sim->model.worker[w].session == out[i].session)
                sim_card_take(sim, w, kase, out[i].reply.offer.token);
    }
}

/* Everybody in a turn that was undone hears so, and nothing else is said. */
static void check_undone(struct sim *sim)
{
    uint32_t count;
    const struct rfl_outgoing *out = rfl_engine_outbox(sim->world.engine, &count);
    for (uint32_t i = 0; i < count; i++)
        if (out[i].reply.kind != RFL_MSG_REFUSAL || !rfl_code_retryable((enum rfl_code)out[i].reply.refusal.code))
            sim_fail(sim, "a turn that was undone says something else");
    struct m_worker workers[M_WORKERS];
    int64_t idle_look_ms = sim->model.idle_look_ms;
    memcpy(workers, sim->model.worker, sizeof workers);
    put_back(sim, false);
    model_undone(&sim->model, workers);
    sim->model.idle_look_ms = idle_look_ms;
    sim_forget_turns(sim);
    sim->tally.undone++;
}

static void end_turn(struct sim *sim)
{
    if (sim->crash_now || sim_chance(sim, sim->habits.undo)) {
        sim_say(sim, "the process dies in the middle of the turn");
        rfl_store_abort(sim->world.store);
        put_back(sim, true);
        reopen(sim);
        return;
    }
    settle(sim);
    if (rfl_store_error(sim->world.store) == RFL_E_OK)
        sim_look_at_log(sim);
    if (sim->tally.turns % 64 == 0 && rfl_store_error(sim->world.store) == RFL_E_OK)
        sim_check_all(sim);
    enum rfl_err err = rfl_engine_commit(sim->world.engine);
    if (err == RFL_E_FULL) {
        sim_say(sim, "the store is full: nothing of the turn happened");
        check_undone(sim);
        return;
    }
    if (err != RFL_E_OK)
        sim_fail(sim, "commit: %s", rfl_err_text(err));
    if (sim_chance(sim, sim->habits.crash)) {
        sim_say(sim, "the process dies before it says anything");
        model_restarted(&sim->model);
        reopen(sim);
        return;
    }
    say_outbox(sim);
    if (sim->draining && sim_chance(sim, 100)) {
        sim_say(sim, "the daemon has stopped, and starts again");
        model_restarted(&sim->model);
        reopen(sim);
    }
}

static void begin_turn(struct sim *sim)
{
    sim->turn++;
    sim->tally.turns++;
    sim->answered = 0;
    sim->crash_now = false;
    sim->model.now_ms = sim->world.now.wall_ms;
    sim->model.policy = sim->policies[sim->policy];
    model_copy(&sim->saved, &sim->model);
    if (rfl_engine_begin(sim->world.engine, &sim->world.now) != RFL_E_OK)
        sim_fail(sim, "a turn cannot begin");
    struct rfl_store_stat stat;
    rfl_store_stat(sim->world.store, &stat);
    sim->followed = stat.entries;
}

/* The machine's clock goes on, or is set back; the daemon's waits until it is past again (daemon/clock.c). */
static void move_clock(struct sim *sim, int64_t ms)
{
    sim->machine_ms += ms;
    if (sim_chance(sim, sim->habits.back)) {
        int64_t back_ms = (int64_t)(sim_random(sim) % (2 * UINT64_C(86400000)));
        sim->machine_ms = sim->machine_ms - back_ms > WORLD_BEGINS_MS ? sim->machine_ms - back_ms : WORLD_BEGINS_MS;
        sim_say(sim, "the clock is set back by %lld minutes", (long long)back_ms / 60000);
        sim->tally.backward++;
    }
    if (sim->machine_ms > sim->world.now.wall_ms)
        sim->world.now.wall_ms = sim->machine_ms;
    sim->world.now.boot_ms += ms;
}

static void pass_time(struct sim *sim)
{
    static const int64_t longest_ms[] = { 1, 5000, 1800000, 8 * 3600000, 3 * INT64_C(86400000),
                                          365 * INT64_C(86400000) };
    unsigned jump = sim_draw(sim, sim->habits.jump, 6);
    int64_t last_ms = WORLD_BEGINS_MS + 900 * INT64_C(86400000);
    if (jump == 6 || sim->world.now.wall_ms > last_ms)
        jump = 1;
    int64_t ms = (int64_t)(sim_random(sim) % (uint64_t)longest_ms[jump]), until_ms = sim_until_change(sim);
    int64_t end_ms = last_ms + 100 * INT64_C(86400000);     /* the calendar has room for the longest clock after it */
    if (until_ms > 2 && sim_chance(sim, 12) && sim->world.now.wall_ms + until_ms < end_ms)
        ms = until_ms - 1 + sim_below(sim, 3);      /* the last moment before, the first, and just after */
    if (ms > 60000)
        sim_say(sim, "%lld minutes pass", (long long)ms / 60000);
    move_clock(sim, ms);
    for (unsigned i = 0; sim->habits.faithful && i < M_WORKERS; i++)
        if (sim->model.worker[i].session != 0)
            sim->model.worker[i].heard_ms = -1;
}

static void load_other_policy(struct sim *sim)
{
    sim->policy ^= 1u;
    sim->world.policy = sim->policies[sim->policy];
    sim_forget_turns(sim);
    enum rfl_err err = rfl_engine_set_policy(sim->world.engine, sim->world.policy, sim->world.directories,
                                             &sim->world.now, NULL);
    if (err == RFL_E_FULL && sim->habits.small) {
        sim->policy ^= 1u;              /* no room even to note it: the one before stays in force */
        sim->world.policy = sim->policies[sim->policy];
        return;
    }
    if (err != RFL_E_OK)
        sim_fail(sim, "the policy cannot be replaced: %s", rfl_err_text(err));
    sim_say(sim, "policy %u", sim->policy);
    sim->tally.reloads++;
}

/* Through a jump of time a faithful worker went on pinging. */
static void ping_all(struct sim *sim)
{
    for (unsigned i = 0; i < M_WORKERS; i++) {
        struct rfl_ask ask = { .kind = RFL_MSG_PING };
        struct m_answer answer = { .code = RFL_CODE_OK };
        if (sim->model.worker[i].session == 0 || sim->model.worker[i].heard_ms != -1)
            continue;
        model_heard(&sim->model, sim->model.worker[i].session);
        (void)sim_expect(sim, sim_ask(sim, sim->model.worker[i].session, &ask), &answer, RFL_MSG_PONG);
    }
}

static void take_turn(struct sim *sim)
{
    unsigned count = 1 + sim_below(sim, sim->habits.turn);
    pass_time(sim);
    if (sim_chance(sim, sim->habits.reload))
        load_other_policy(sim);
    if (sim->step >= sim->announced_at)
        sim_announce(sim);
    if (!sim->draining && sim_chance(sim, sim->habits.drain)) {
        sim_say(sim, "the daemon is told to stop");
        rfl_engine_drain(sim->world.engine);
        sim->draining = true;
        sim->tally.drains++;
    }
    begin_turn(sim);
    ping_all(sim);
    for (unsigned i = 0; i < count && rfl_store_error(sim->world.store) == RFL_E_OK && !sim->crash_now; i++)
        do_something(sim);
    end_turn(sim);
}

/* ---- the end: faults stop, everybody behaves, and everything must come to an end ---- */

static void be_kind(struct sim *sim, uint16_t n)
{
    static const uint8_t kind_of[RFL_STATUS_COUNT] = {
        [RFL_STATUS_OFFERED] = RFL_MSG_ACCEPT, [RFL_STATUS_ACCEPTED] = RFL_MSG_CONTACTED,
        [RFL_STATUS_WAITING_ON_PERSON] = RFL_MSG_STARTED, [RFL_STATUS_ACTIVE] = RFL_MSG_CLOSE };
    const struct m_case *k = &sim->model.kase[n];
    struct m_verb verb = { .kind = (enum rfl_message_kind)kind_of[k->status], .kase = n, .token = k->token,
                           .code = RFL_CHANNEL_PHONE, .reached = true, .reason = RFL_CLOSE_COMPLETED };
    if (verb.kind == RFL_MSG_NONE || k->worker < 0 || k->linked_to != 0) {
        sim_settle_desk(sim, n);
        return;
    }
    verb.worker = (unsigned)k->worker;
    verb.session = sim->model.worker[verb.worker].session;
    sim_do_verb(sim, &verb);
}

static bool come_to_an_end(struct sim *sim)
{
    memset(&sim->habits, 0, sizeof sim->habits);
    sim->habits.wire = 4;
    if (sim->draining) {
        model_restarted(&sim->model);
        reopen(sim);
    }
    for (unsigned round = 0; round < 40 + sim->model.open_count * 4u; round++) {
        uint16_t open[M_OPEN_MAX], count = sim->model.open_count;
        memcpy(open, sim->model.open, count * sizeof open[0]);
        move_clock(sim, sim->world.now.wall_ms - sim->machine_ms + 600000);
        begin_turn(sim);
        if (round == 0)
            sim_clear_queues(sim);
        for (unsigned i = 0; i < M_WORKERS && round % 8 == 0; i++)
            sim_subscribe(sim, i, (1 << M_QUEUES) - 1, 16);
        for (unsigned i = 0; i < M_WORKERS; i++)
            sim->model.worker[i].heard_ms = -1;
        ping_all(sim);
        for (uint16_t i = 0; i < count; i++)
            if (sim->model.kase[open[i]].status != RFL_STATUS_CLOSED)
                be_kind(sim, open[i]);
        end_turn(sim);
        if (sim->model.open_count == 0)
            return true;
    }
    return false;
}

static void begin_seed(struct sim *sim, uint64_t seed)
{
    sim->seed = sim->random = seed;
    sim->step = sim->turn = sim->traced = sim->seen_entries = 0;
    sim->policy = 0;
    sim->next_session = 1000;
    sim->next_reference = 1;
    sim->next_body = 1;
    sim->next_correlation = 0;
    sim->bare = sim->draining = false;
    sim_forget_turns(sim);
    memset(sim->hand, 0, sizeof sim->hand);
    memset(sim->hand_next, 0, sizeof sim->hand_next);
    memset(sim->checked_mails, 0, sizeof sim->checked_mails);
    memset(sim->seen_status, 0, sizeof sim->seen_status);
    sim_choose_habits(sim);
    sim_draw_england(sim);
    sim->world.policy = sim->policies[0];
    sim->world.session_idle_ms = 30000;
    sim->world.full_permille = sim->habits.small && sim_chance(sim, 128) ? 1000 : 0;    /* 1000: until nothing fits */
    sim->world.key_seed = seed + 1;
    world_new_store(&sim->world, sim->habits.small ? 1 << 20 : 8 << 20);
    sim->machine_ms = sim->world.now.wall_ms;
    model_init(&sim->model, sim->policies[0], &sim->england, sim->world.now.wall_ms, sim->world.session_idle_ms);
}

void sim_run(struct sim *sim, uint64_t seed, uint64_t steps)
{
    begin_seed(sim, seed);
    bool small = sim->habits.small;
    while (sim->step < steps && !model_is_full(&sim->model) && sim->next_reference < M_REFERENCES - 200 &&
           (small || rfl_store_used_permille(sim->world.store) < ROOM_PERMILLE))
        take_turn(sim);
    for (uint16_t n = 1; n <= sim->model.cases; n++)
        sim->tally.ended[sim->model.kase[n].status]++;
    if (!small && !come_to_an_end(sim))
        sim_fail(sim, "%u cases did not come to an end", sim->model.open_count);
    sim->tally.seeds++;
    sim_count_england(sim);
    world_verify(&sim->world);
}
