#include "rfl_areas.h"

#include <stdlib.h>

enum { SESSION_IDLE_MS = 30000, FULL_PERMILLE = 700, IDLE_CHECK_MS = 1000,
       BUSY_RETRY_MS = 500, FULL_RETRY_MS = 30000 };

static void name_counters(struct rfl_engine *e)
{
    static const char *const names[] = {
#define X(name) [RFL__N_##name] = #name,
        RFL_COUNTERS(X)
#undef X
    };
    for (unsigned i = 0; i < RFL__COUNTER_COUNT; i++)
        e->counters[i].name = names[i];
}

static bool policy_is_logged(struct rfl_engine *e, struct rfl_hash digest)
{
    struct rfl_seq seq = rfl_store_policy(e->store);
    struct rfl_entry entry;
    return seq.v != 0 && rfl_store_entry(e->store, seq, &entry) == RFL_E_OK &&
           rfl_hash_same(entry.events[0].digest, digest);
}

/* A policy is logged once each time another one comes into force, so that every entry can name the one it was decided
 * under, and whenever somebody asks for it. A turn of its own. */
static enum rfl_err log_policy(struct rfl_engine *e, const struct rfl_engine_wish *wish)
{
    struct rfl_hash digest = rfl_policy_digest(e->policy);
    struct rfl_entry entry = { .wall_ms = e->now.wall_ms, .actor = RFL_ACTOR_SYSTEM, .event_count = 1 };
    entry.events[0] = (struct rfl_event){ .kind = RFL_EVENT_POLICY_LOADED, .digest = digest };
    if (wish != NULL) {
        entry.actor = RFL_ACTOR_OPERATOR;
        entry.actor_name = wish->operator_name;
        entry.why = wish->why;
    }
    enum rfl_err err = rfl_store_begin(e->store);
    if (err == RFL_E_OK && (wish != NULL || !policy_is_logged(e, digest)))
        err = rfl_store_append(e->store, &entry, (struct rfl_view){ NULL, 0 });
    if (err == RFL_E_OK)
        return rfl_store_commit(e->store);
    rfl_store_abort(e->store);
    return err;
}

static struct rfl_engine_options with_defaults(struct rfl_engine_options options)
{
    if (options.session_idle_ms == 0)
        options.session_idle_ms = SESSION_IDLE_MS;
    if (options.full_permille == 0)
        options.full_permille = FULL_PERMILLE;
    return options;
}

enum rfl_err rfl_engine_new(const struct rfl_engine_options *options, const struct rfl_now *now,
                            struct rfl_engine **out)
{
    *out = NULL;
    struct rfl_engine *e = calloc(1, sizeof *e);
    void *memory = malloc(RFL__TURN_ARENA_BYTES);
    struct rfl_outgoing *outbox = malloc(RFL__OUTBOX_MAX * sizeof *outbox);
    struct rfl__turns *turns = calloc(RFL_QUEUES_MAX, sizeof *turns);
    if (e == NULL || memory == NULL || outbox == NULL || turns == NULL) {
        free(turns);
        free(outbox);
        free(memory);
        free(e);
        return RFL_E_MEMORY;
    }
    e->options = with_defaults(*options);
    e->store = options->store;
    e->policy = options->policy;
    e->outbox = outbox;
    e->turns = turns;
    e->now = *now;
    e->started_ms = now->wall_ms;
    rfl_arena_init(&e->arena, memory, RFL__TURN_ARENA_BYTES);
    name_counters(e);
    rfl__sweep_again(e);
    enum rfl_err err = log_policy(e, NULL);
    if (err != RFL_E_OK)
        rfl_engine_free(&e);
    *out = e;
    return err;
}

void rfl_engine_free(struct rfl_engine **engine)
{
    struct rfl_engine *e = *engine;
    if (e == NULL)
        return;
    rfl__sessions_fini(&e->sessions);
    free(e->outbox);
    free(e->turns);
    free(e->arena.base);
    free(e);
    *engine = NULL;
}

enum rfl_err rfl_engine_set_policy(struct rfl_engine *e, const struct rfl_policy *policy,
                                   const struct rfl_directory_set *directories, const struct rfl_now *now,
                                   const struct rfl_engine_wish *wish)
{
    const struct rfl_policy *policy_before = e->policy;
    const struct rfl_directory_set *directories_before = e->options.directories;
    e->policy = policy;
    memset(e->turns, 0, RFL_QUEUES_MAX * sizeof *e->turns);     /* queues may have other places now */
    e->options.directories = directories;
    e->now = *now;
    rfl__sweep_again(e);
    enum rfl_err err = log_policy(e, wish);
    if (err != RFL_E_OK) {
        e->policy = policy_before;
        e->options.directories = directories_before;
    }
    return err;
}

/* ---- the turn ---- */

enum rfl_err rfl_engine_begin(struct rfl_engine *e, const struct rfl_now *now)
{
    e->now = *now;
    e->directory = rfl_directory_set_at(e->options.directories, now->wall_ms);
    rfl_arena_reset(&e->arena);
    e->outbox_count = 0;
    e->asked_count = 0;
    e->leftover = e->head_asked = false;
    e->moves_count = 0;
    if (e->rest_ends_ms != 0 && e->rest_ends_ms <= now->wall_ms) {
        e->rest_ends_ms = 0;
        e->queue_changes++;
    }
    rfl__count(e, RFL__N_turns);
    return rfl_store_begin(e->store);
}

bool rfl_engine_has_room(const struct rfl_engine *e)
{
    return e->asked_count < RFL_BATCH_MAX && e->outbox_count < RFL__OUTBOX_MAX / 2 &&
           e->arena.used < e->arena.cap / 4 && rfl_store_error(e->store) == RFL_E_OK;
}

static void handle_by_kind(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    if (ask->kind >= RFL_MSG_ADMIN_STATUS)
        rfl__handle_admin(e, session, ask);
    else if (ask->kind >= RFL_MSG_SUBSCRIBE)
        rfl__handle_worker(e, session, ask);
    else
        rfl__handle_door(e, session, ask);
}

static void note_asked(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    assert(e->asked_count < RFL_BATCH_MAX);
    e->asked[e->asked_count++] = (struct rfl__asked){ session, ask->correlation };
    e->correlation = ask->correlation;
    rfl__count(e, RFL__N_asks);
}

void rfl_engine_handle(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    note_asked(e, session, ask);
    if (rfl_store_error(e->store) == RFL_E_OK)
        handle_by_kind(e, session, ask);
    e->correlation = 0;
}

void rfl_engine_refuse(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask, enum rfl_code code)
{
    note_asked(e, session, ask);
    uint32_t before = e->outbox_count;
    rfl__refuse(e, session, code);
    if (ask->findings.count > 0 && e->outbox_count > before) {
        struct rfl_msg_refusal *refusal = &e->outbox[before].reply.refusal;
        size_t bytes = ask->findings.count * sizeof ask->findings.list[0];
        refusal->findings = (const void *)rfl__copy(e, ask->findings.list, bytes).p;
        refusal->findings_count = refusal->findings == NULL ? 0 : ask->findings.count;
    }
    e->correlation = 0;
}

/* Undone: everybody in the turn hears that nothing of it happened. Subscriptions and mailboxes are as they were, so
 * that a Goodbye that is said again returns the offers; nobody is counted silent through it. */
static void say_undone(struct rfl_engine *e)
{
    uint32_t permille = rfl_store_used_permille(e->store);
    enum rfl_code code = permille >= e->options.full_permille ? RFL_CODE_STORE_FULL : RFL_CODE_BUSY;
    e->outbox_count = 0;
    for (uint32_t i = 0; i < e->asked_count; i++) {
        e->correlation = e->asked[i].correlation;
        rfl__refuse(e, e->asked[i].session, code);
        rfl__count(e, RFL__N_busy);
    }
    e->correlation = 0;
    rfl__sessions_put_back(&e->sessions);
    for (uint32_t i = 0; i < e->sessions.count; i++) {
        struct rfl__session *s = &e->sessions.slots[i];
        s->heard_ms = e->now.wall_ms;
        s->recount = true;
        s->seen_queue_changes = s->seen_mail_changes = UINT64_MAX;      /* look again, whatever the counts are */
        if (s->mailbox.v != 0) {
            struct rfl_source_row row;
            rfl_store_source(e->store, s->mailbox, &row);
            s->mailbox_sent = row.mailbox_acked > s->mailbox_from ? row.mailbox_acked : s->mailbox_from;
        }
    }
    rfl__sweep_again(e);
    e->moves_count = 0;
    rfl__count(e, RFL__N_turns_undone);
}

enum rfl_err rfl_engine_commit(struct rfl_engine *e)
{
    enum rfl_err err = rfl_store_error(e->store);
    if (err == RFL_E_OK && e->head_asked)
        rfl__sign_outbox(e);
    if (err == RFL_E_OK)
        err = rfl_store_commit(e->store);
    else
        rfl_store_abort(e->store);
    if (err == RFL_E_FULL)
        say_undone(e);
    else if (err != RFL_E_OK)
        e->outbox_count = 0;
    rfl__sessions_settled(&e->sessions);
    return err;
}

const struct rfl_outgoing *rfl_engine_outbox(const struct rfl_engine *e, uint32_t *count_out)
{
    *count_out = e->outbox_count;
    return e->outbox;
}

int64_t rfl_engine_next_due(const struct rfl_engine *e)
{
    static const struct rfl_order from;
    struct rfl_order first;
    if (e->leftover || (e->draining && !e->draining_said))
        return e->now.wall_ms;
    int64_t due_ms = rfl__sweep_due(e);
    if (rfl_store_first(e->store, RFL_INDEX_DUE, &from, &first))
        due_ms = (int64_t)first.a < due_ms ? (int64_t)first.a : due_ms;
    if (e->rest_ends_ms != 0 && e->rest_ends_ms < due_ms)
        due_ms = e->rest_ends_ms;
    if (e->sessions.count > 0 && e->idle_check_ms + IDLE_CHECK_MS < due_ms)
        due_ms = e->idle_check_ms + IDLE_CHECK_MS;
    return due_ms;
}

void rfl_engine_drain(struct rfl_engine *e)
{
    e->draining = true;
}

const struct rfl_engine_move *rfl_engine_moves(const struct rfl_engine *e, uint32_t *count_out)
{
    *count_out = e->moves_count;
    return e->moves;
}

const struct rfl_engine_counter *rfl_engine_counters(const struct rfl_engine *e, uint32_t *count_out)
{
    *count_out = RFL__COUNTER_COUNT;
    return e->counters;
}

/* ---- shared by the engine's files ---- */

void rfl__count(struct rfl_engine *e, enum rfl__counter counter) { e->counters[counter].value++; }

struct rfl_reply *rfl__say(struct rfl_engine *e, uint64_t session, enum rfl_message_kind kind)
{
    if (e->outbox_count == RFL__OUTBOX_MAX)
        return NULL;
    struct rfl_outgoing *out = &e->outbox[e->outbox_count++];
    memset(out, 0, sizeof *out);
    out->session = session;
    out->reply.kind = (uint8_t)kind;
    out->reply.correlation = e->correlation;
    return &out->reply;
}

void rfl__refuse(struct rfl_engine *e, uint64_t session, enum rfl_code code)
{
    struct rfl_reply *reply = rfl__say(e, session, RFL_MSG_REFUSAL);
    if (reply == NULL)
        return;
    reply->refusal.code = (uint8_t)code;
    if (rfl_code_retryable(code))
        reply->refusal.retry_after_ms = code == RFL_CODE_STORE_FULL ? FULL_RETRY_MS : BUSY_RETRY_MS;
    rfl__count(e, RFL__N_refused);
}

void rfl__refuse_state(struct rfl_engine *e, uint64_t session, enum rfl_status status, uint32_t verbs)
{
    uint32_t before = e->outbox_count;
    rfl__refuse(e, session, RFL_CODE_STATE);
    if (e->outbox_count == before)
        return;
    struct rfl_msg_refusal *refusal = &e->outbox[before].reply.refusal;
    refusal->status = (uint8_t)status;
    struct rfl_view *legal = rfl_arena_take(&e->arena, RFL_DO_COUNT * sizeof *legal);
    for (unsigned kind = 0; legal != NULL && kind < RFL_DO_COUNT; kind++)
        if ((verbs >> kind & 1) != 0)
            legal[refusal->legal_count++] = rfl__literal(rfl_command_word((enum rfl_command_kind)kind));
    refusal->legal = legal;
}

uint32_t rfl__legal_of(const struct rfl_case *kase, uint32_t verbs)
{
    enum { OF_LINKED = 1 << RFL_DO_AMEND | 1 << RFL_DO_WITHDRAW | 1 << RFL_DO_UNLINK };
    return rfl_legal_commands(kase) & (kase->linked_to.v != 0 ? (uint32_t)OF_LINKED : verbs);
}

void rfl__notice(struct rfl_engine *e, uint64_t holder, const struct rfl_case *kase, enum rfl_notice kind)
{
    struct rfl__session *s = holder != 0 ? rfl__session_of_holder(&e->sessions, holder) : NULL;
    if (s == NULL)
        return;
    s->recount = true;
    struct rfl_reply *reply = rfl__say(e, s->id, RFL_MSG_NOTICE);
    if (reply == NULL)
        return;
    reply->correlation = 0;             /* also within another's ask: a notice is nobody's answer */
    reply->notice.kind = (uint8_t)kind;
    reply->notice.case_code = rfl__case_text(e, kase->id);
    reply->notice.token = kase->token;
}

struct rfl_view rfl__copy(struct rfl_engine *e, const void *p, size_t len)
{
    uint8_t *to = len > 0 ? rfl_arena_take(&e->arena, len) : NULL;
    if (to == NULL)
        return (struct rfl_view){ NULL, 0 };
    memcpy(to, p, len);
    return (struct rfl_view){ to, len };
}

struct rfl_view rfl__literal(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static struct rfl_view code_text(struct rfl_engine *e, enum rfl_receipt_kind kind, uint64_t id)
{
    char text[RFL_RECEIPT_BYTES];
    if (rfl_receipt_encode(rfl_store_receipt_key(e->store), kind, id, text) != RFL_E_OK)
        return (struct rfl_view){ NULL, 0 };
    return rfl__copy(e, text, RFL_RECEIPT_BYTES - 1);
}

struct rfl_view rfl__receipt_text(struct rfl_engine *e, struct rfl_referral_id id)
{
    return code_text(e, RFL_RECEIPT_REFERRAL, id.v);
}

struct rfl_view rfl__case_text(struct rfl_engine *e, struct rfl_case_id id)
{
    return code_text(e, RFL_RECEIPT_CASE, id.v);
}

struct rfl_view rfl__queue_name(const struct rfl_engine *e, struct rfl_queue_no id)
{
    const struct rfl_queue *queue = rfl_policy_queue(e->policy, id);
    return queue == NULL ? rfl__literal("") : rfl_policy_text(e->policy, queue->name);
}

struct rfl_view rfl__area_name(const struct rfl_engine *e, struct rfl_area_no id)
{
    const struct rfl_area *area = rfl_policy_area(e->policy, id);
    return area == NULL ? rfl__literal("") : rfl_policy_text(e->policy, area->name);
}

bool rfl__find_code(struct rfl_engine *e, struct rfl_view code, struct rfl_case *kase,
                    struct rfl_referral *referral_out)
{
    enum rfl_receipt_kind kind;
    uint64_t id;
    struct rfl_referral referral = { 0 };
    if (rfl_receipt_decode(rfl_store_receipt_key(e->store), code, &kind, &id) != RFL_E_OK)
        return false;
    struct rfl_case_id of = { id };
    if (kind == RFL_RECEIPT_REFERRAL) {
        if (rfl_store_referral(e->store, (struct rfl_referral_id){ id }, &referral) != RFL_E_OK)
            return false;
        of = referral.kase;
    }
    if (referral_out != NULL)
        *referral_out = referral;
    return rfl_store_case(e->store, of, kase) == RFL_E_OK;
}

enum rfl_err rfl__open_submission(struct rfl_engine *e, const struct rfl_referral *referral,
                                  struct rfl_personal_submission *out)
{
    struct rfl_entry entry;
    size_t len;
    enum rfl_err err = rfl_store_entry(e->store, referral->latest, &entry);
    if (err != RFL_E_OK)
        return err;
    err = rfl_store_unseal(e->store, &entry, e->personal, sizeof e->personal, &len);
    if (err != RFL_E_OK)
        return err;
    struct rfl_view copy = rfl__copy(e, e->personal, len);
    return copy.p == NULL ? RFL_E_FULL : rfl_personal_get_submission(copy, out);
}

static bool works_on(const struct rfl_case *kase)
{
    return kase->linked_to.v == 0 && (kase->status == RFL_STATUS_OFFERED || kase->status == RFL_STATUS_ACCEPTED ||
                                      kase->status == RFL_STATUS_WAITING_ON_PERSON ||
                                      kase->status == RFL_STATUS_ACTIVE);
}

/* Whether what happened makes somebody wait for a worker, or a worker free under a queue's capacity, or puts mail: then
 * sessions are worth looking at again. */
static void note_changes(struct rfl_engine *e, const struct rfl_entry *entry, bool worked, const struct rfl_case *kase)
{
    if (kase->status == RFL_STATUS_QUEUED || (worked && !works_on(kase)))
        e->queue_changes++;
    for (uint32_t i = 0; i < entry->event_count; i++)
        if (entry->events[i].told != 0)
            e->mail_changes++;
}

/* No open case is without a running clock: what rests on a case ends with it. Links are never deeper than one. */
static enum rfl_err close_linked(struct rfl_engine *e, const struct rfl_entry *like)
{
    struct rfl_order from = { like->kase.v, 0, 0 }, at;
    enum rfl_err err = RFL_E_OK;
    for (; err == RFL_E_OK && rfl_store_first(e->store, RFL_INDEX_LINKED, &from, &at) && at.a == from.a; from.c++) {
        struct rfl_case linked;
        struct rfl_entry entry = { .actor = like->actor, .source = like->source, .actor_name = like->actor_name };
        const struct rfl_command command = { .kind = RFL_DO_FOLLOW };
        from = at;
        err = rfl_store_case(e->store, (struct rfl_case_id){ at.c }, &linked);
        if (err == RFL_E_OK && linked.status != RFL_STATUS_CLOSED)
            err = rfl__do(e, &linked, &command, &entry, (struct rfl_view){ NULL, 0 });
    }
    return err;
}

static enum rfl_err do_one(struct rfl_engine *e, struct rfl_case *kase, const struct rfl_command *command,
                           struct rfl_entry *entry, struct rfl_view personal)
{
    struct rfl_events events;
    bool worked = works_on(kase), was_closed = kase->status == RFL_STATUS_CLOSED;
    enum rfl_err err = rfl_decide(e->policy, kase, command, &e->now, &events);
    if (err != RFL_E_OK)
        return err;
    entry->wall_ms = e->now.wall_ms;
    entry->kase = kase->id.v != 0 ? kase->id : rfl_store_next_case(e->store);
    entry->event_count = events.count;
    memcpy(entry->events, events.list, events.count * sizeof events.list[0]);
    err = rfl_store_append(e->store, entry, personal);
    if (err == RFL_E_OK)
        err = rfl_store_case(e->store, entry->kase, kase);
    if (err == RFL_E_OK)
        note_changes(e, entry, worked, kase);
    if (err == RFL_E_OK && kase->status == RFL_STATUS_CLOSED && !was_closed)
        err = close_linked(e, entry);
    return err;
}

/* What comes back to wait, from a worker or from resting on another case, may have lost its home meanwhile. */
static bool comes_to_wait(const struct rfl_case *before, const struct rfl_case *after)
{
    return before->linked_to.v != after->linked_to.v || (works_on(before) && !works_on(after));
}

enum rfl_err rfl__do(struct rfl_engine *e, struct rfl_case *kase, const struct rfl_command *command,
                     struct rfl_entry *entry, struct rfl_view personal)
{
    enum rfl_err err = RFL_E_OK;
    if (command->kind == RFL_DO_REHOME)
        return do_one(e, kase, command, entry, personal);
    if (kase->id.v != 0)                /* nobody's command finds a case in a queue that has ended */
        err = rfl__bring_home(e, kase, false);
    const struct rfl_case before = *kase;
    if (err == RFL_E_OK)
        err = do_one(e, kase, command, entry, personal);
    if (err == RFL_E_OK)
        err = rfl__bring_home(e, kase, comes_to_wait(&before, kase));
    return err;
}
