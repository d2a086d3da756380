/* What intake workers ask: subscribe, the verbs on an offer and on a case they have, goodbye. */
#include "rfl_engine_int.h"

#include <stdlib.h>

enum { WORKER_VERBS = 1 << RFL_DO_ACCEPT | 1 << RFL_DO_DECLINE | 1 << RFL_DO_REDIRECT | 1 << RFL_DO_DEFER |
                      1 << RFL_DO_TOUCH | 1 << RFL_DO_CONTACT | 1 << RFL_DO_START | 1 << RFL_DO_OUTCOME |
                      1 << RFL_DO_CLOSE };
enum { RECORDS_MAX = 64 /* referrals of one case that are handed over; the newest when there are more */ };

/* ---- subscription ---- */

static bool known_queues(struct rfl_engine *e, const struct rfl_ask *ask, struct rfl_queue_no *queues)
{
    for (uint32_t i = 0; i < ask->names_count; i++) {
        const struct rfl_queue *queue = rfl_policy_queue_by_name(e->policy, ask->names[i]);
        if (queue == NULL)
            return false;
        queues[i] = queue->id;
    }
    return true;
}

static void handle_subscribe(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    if (e->draining) {
        rfl__refuse(e, session, RFL_CODE_DRAINING);
        return;
    }
    struct rfl_queue_no *queues = calloc(ask->names_count, sizeof *queues);
    uint64_t holder = rfl_holder_of(ask->worker);
    const struct rfl__session *before = rfl__session_of_holder(&e->sessions, holder);
    bool kept = rfl__session_keep(&e->sessions, session) &&
                (before == NULL || rfl__session_keep(&e->sessions, before->id));
    struct rfl__session *s = queues != NULL && kept ? rfl__session_need(&e->sessions, session) : NULL;
    if (s == NULL || !known_queues(e, ask, queues)) {
        rfl__refuse(e, session, s == NULL ? RFL_CODE_BUSY : RFL_CODE_UNKNOWN_QUEUE);
        free(queues);
        return;
    }
    struct rfl__session *earlier = rfl__session_of_holder(&e->sessions, holder);
    if (earlier != NULL && earlier != s)
        earlier->holder = 0;            /* the worker is on a new connection; its offers stay its own */
    if (s->holder != 0 && s->holder != holder)
        rfl__return_offers(e, s);       /* the connection now speaks for another worker */
    free(s->queues);
    s->queues = queues;
    s->queue_count = ask->names_count;
    s->queue_next = 0;
    s->holder = holder;
    s->worker_len = (uint8_t)ask->worker.len;
    memcpy(s->worker, ask->worker.p, ask->worker.len);
    s->credit = ask->credit;
    s->heard_ms = e->now.wall_ms;
    s->seen_queue_changes = UINT64_MAX;
    s->told_moved_ms = 0;
    s->outstanding = rfl__outstanding_of(e, holder);
    s->recount = false;
    struct rfl_msg_subscribed *subscribed = &rfl__say(e, session, RFL_MSG_SUBSCRIBED)->subscribed;
    subscribed->queues = s->queue_count;
    subscribed->credit = s->credit;
    subscribed->outstanding = s->outstanding;
    rfl__offer_again(e, s);
}

static void handle_goodbye(struct rfl_engine *e, uint64_t session)
{
    struct rfl__session *s = rfl__session_find(&e->sessions, session);
    uint32_t returned = 0;
    if (s != NULL && !rfl__session_keep(&e->sessions, session)) {
        rfl__refuse(e, session, RFL_CODE_BUSY);
        return;
    }
    if (s != NULL) {
        returned = rfl__return_offers(e, s);
        rfl__session_drop(&e->sessions, s);
    }
    rfl__say(e, session, RFL_MSG_BYE)->bye.returned = returned;
}

/* ---- verbs ---- */

static bool load_case(struct rfl_engine *e, const struct rfl_ask *ask, struct rfl_case *kase)
{
    enum rfl_receipt_kind kind;
    uint64_t id;
    return rfl_receipt_decode(rfl_store_receipt_key(e->store), ask->code, &kind, &id) == RFL_E_OK &&
           kind == RFL_RECEIPT_CASE && rfl_store_case(e->store, (struct rfl_case_id){ id }, kase) == RFL_E_OK;
}

static void say_refused(struct rfl_engine *e, uint64_t session, enum rfl_err err, const struct rfl_case *kase)
{
    if (err == RFL_E_FENCED) {
        rfl__refuse(e, session, RFL_CODE_FENCED);
        rfl__count(e, RFL__N_fenced);
    } else if (err == RFL_E_STATE) {
        rfl__refuse_state(e, session, (enum rfl_status)kase->status, rfl__legal_of(kase, WORKER_VERBS));
    } else if (err == RFL_E_INVALID) {
        rfl__refuse(e, session, RFL_CODE_INVALID);
    }                                   /* else the store's: commit answers for the whole turn */
}

static void say_done(struct rfl_engine *e, uint64_t session, const struct rfl_case *kase)
{
    struct rfl_msg_done *done = &rfl__say(e, session, RFL_MSG_DONE)->done;
    done->case_code = rfl__case_text(e, kase->id);
    done->token = kase->token;
    done->status = kase->status;
    done->due_ms = kase->due_ms;
    done->queue = rfl__queue_name(e, kase->queue);
}

struct chain { struct rfl_referral referral[RECORDS_MAX]; uint32_t count; };

/* Newest first; what was taken back is not passed on. */
static bool add_chain(struct rfl_engine *e, struct rfl_referral_id newest, struct chain *chain)
{
    struct rfl_referral referral = { .prev_on_case = newest };
    while (referral.prev_on_case.v != 0 && chain->count < RECORDS_MAX) {
        if (rfl_store_referral(e->store, referral.prev_on_case, &referral) != RFL_E_OK)
            return false;
        if (referral.withdrawn == RFL_WITHDRAW_NONE)
            chain->referral[chain->count++] = referral;
    }
    return true;
}

/* Of the case, and of those that rest on it: the story is told once. */
static bool find_records(struct rfl_engine *e, const struct rfl_case *kase, struct chain *chain)
{
    struct rfl_order from = { kase->id.v, 0, 0 }, at;
    chain->count = 0;
    bool whole = add_chain(e, kase->last_referral, chain);
    while (whole && rfl_store_first(e->store, RFL_INDEX_LINKED, &from, &at) && at.a == kase->id.v) {
        struct rfl_case linked;
        whole = rfl_store_case(e->store, (struct rfl_case_id){ at.c }, &linked) == RFL_E_OK &&
                add_chain(e, linked.last_referral, chain);
        from = at;
        from.c++;
    }
    return whole;
}

/* The whole record, one message a referral with its newest body, oldest first: only ever to the holder of an accepted
 * case. */
static void say_records(struct rfl_engine *e, uint64_t session, const struct rfl_case *kase)
{
    struct chain chain;
    if (!find_records(e, kase, &chain)) {
        rfl__refuse(e, session, RFL_CODE_UNKNOWN_OUTCOME);
        return;
    }
    struct rfl_view code = rfl__case_text(e, kase->id);
    for (uint32_t i = 0; i < chain.count; i++) {
        const struct rfl_referral *referral = &chain.referral[chain.count - 1 - i];
        struct rfl_personal_submission personal;
        if (rfl__open_submission(e, referral, &personal) != RFL_E_OK) {
            rfl__refuse(e, session, RFL_CODE_UNKNOWN_OUTCOME);
            return;
        }
        struct rfl_reply *reply = rfl__say(e, session, RFL_MSG_RECORD);
        if (reply == NULL)
            return;                     /* the worker asks again with the same token and gets all of them */
        reply->record = (struct rfl_msg_record){
            .case_code = code, .receipt = rfl__receipt_text(e, referral->id), .referral = personal.referral,
            .token = kase->token, .index = i, .total = chain.count, .received_ms = referral->received_ms,
            .due_ms = kase->due_ms, .door = referral->door };
    }
}

static void handle_accept(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl_case kase;
    if (!load_case(e, ask, &kase)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    uint64_t holder = rfl_holder_of(ask->worker);
    bool has_it = kase.holder == holder && rfl_token_same(kase.token, ask->token) &&
                  kase.status != RFL_STATUS_OFFERED && kase.status != RFL_STATUS_CLOSED && kase.linked_to.v == 0;
    if (!has_it) {                      /* a repeated accept by who has the case gets the record again */
        struct rfl_entry entry = { .actor = RFL_ACTOR_WORKER, .actor_name = ask->worker };
        struct rfl_command command = { .kind = RFL_DO_ACCEPT, .token = ask->token, .holder = holder };
        enum rfl_err err = rfl__do(e, &kase, &command, &entry, (struct rfl_view){ NULL, 0 });
        if (err != RFL_E_OK) {
            say_refused(e, session, err, &kase);
            return;
        }
        rfl__count(e, RFL__N_accepts);
    }
    say_records(e, session, &kase);
}

static enum rfl_code command_of(struct rfl_engine *e, const struct rfl_ask *ask, struct rfl_command *command)
{
    static const uint8_t kinds[RFL_MSG_COUNT] = {
        [RFL_MSG_DECLINE] = RFL_DO_DECLINE, [RFL_MSG_REDIRECT] = RFL_DO_REDIRECT, [RFL_MSG_DEFER] = RFL_DO_DEFER,
        [RFL_MSG_TOUCH] = RFL_DO_TOUCH, [RFL_MSG_CONTACTED] = RFL_DO_CONTACT, [RFL_MSG_STARTED] = RFL_DO_START,
        [RFL_MSG_OUTCOME] = RFL_DO_OUTCOME, [RFL_MSG_CLOSE] = RFL_DO_CLOSE };
    static_assert(RFL_DO_RECEIVE == 0, "zero: no verb of a worker");
    *command = (struct rfl_command){
        .kind = (enum rfl_command_kind)kinds[ask->kind], .token = ask->token, .holder = rfl_holder_of(ask->worker),
        .reason = ask->reason, .reached = ask->reached, .until_ms = ask->at_ms, .lease_ms = e->options.lease_ms,
        .code = ask->kind == RFL_MSG_OUTCOME ? ask->outcome : ask->channel };
    if (ask->kind == RFL_MSG_STARTED) {
        command->code = ask->employment;
        command->barrier = ask->main_barrier;
    }
    if (ask->kind == RFL_MSG_REDIRECT) {
        const struct rfl_queue *target = rfl_policy_queue_by_name(e->policy, ask->queue);
        if (target == NULL)
            return RFL_CODE_UNKNOWN_QUEUE;
        struct rfl_command there = { .target = target->id };
        rfl__where(e, target->id, &there);
        command->target = there.target;
        command->diverted = there.target.v != target->id.v;
        command->target_held = there.target_held;
    }
    return kinds[ask->kind] != RFL_DO_RECEIVE ? RFL_CODE_OK : RFL_CODE_PARSE;
}

static void handle_verb(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl_case kase;
    struct rfl_command command;
    if (!load_case(e, ask, &kase)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    enum rfl_code code = command_of(e, ask, &command);
    if (code != RFL_CODE_OK) {
        rfl__refuse(e, session, code);
        return;
    }
    struct rfl_entry entry = { .actor = RFL_ACTOR_WORKER, .actor_name = ask->worker };
    struct rfl_view personal = { NULL, 0 };
    if (ask->text.len > 0 || ask->role.len > 0 || ask->next_step.len > 0) {
        struct rfl_personal_words words = { ask->text, ask->role, ask->next_step };
        personal = (struct rfl_view){ e->personal,
                                      rfl_personal_put_words(&words, e->personal, sizeof e->personal) };
    }
    enum rfl_err err = rfl__do(e, &kase, &command, &entry, personal);
    if (err != RFL_E_OK) {
        say_refused(e, session, err, &kase);
        return;
    }
    if (command.kind == RFL_DO_DECLINE)
        rfl__count(e, RFL__N_declines);
    else if (command.kind == RFL_DO_REDIRECT)
        rfl__count(e, RFL__N_redirects);
    say_done(e, session, &kase);
}

void rfl__handle_worker(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    if (ask->kind == RFL_MSG_SUBSCRIBE) {
        handle_subscribe(e, session, ask);
        return;
    }
    struct rfl__session *s = rfl__session_find(&e->sessions, session);
    if (s != NULL) {
        s->heard_ms = e->now.wall_ms;
        s->recount = true;
    }
    if (ask->kind == RFL_MSG_GOODBYE)
        handle_goodbye(e, session);
    else if (s == NULL || s->holder == 0)
        rfl__refuse(e, session, RFL_CODE_NOT_SUBSCRIBED);
    else if (ask->kind == RFL_MSG_PING)
        (void)rfl__say(e, session, RFL_MSG_PONG);
    else if (ask->kind == RFL_MSG_ACCEPT)
        handle_accept(e, session, ask);
    else
        handle_verb(e, session, ask);
}
