#include "loop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "belongs.h"
#include "notify.h"
#include "permit.h"
#include "rfl_wire.h"
#include "signals.h"

enum {
    REST_MS = 10 * 1000,            /* the longest an idle loop sleeps: housekeeping */
    FULL_PAUSE_MS = 100,            /* after a turn that found no room, before due work is tried again */
    DRAIN_QUIET_MS = 100,           /* draining ends when nothing has come for so long */
    DRAIN_MS_MAX = 5 * 1000,        /* or after this, whoever is still talking */
    HEAD_LOOK_MS = 1000, HEAD_SAY_MS = 60 * 1000, HEAD_ENTRIES = 1000,
    COUNTERS_MAX = 192,
    LAST_WORD_MS = 250,             /* from a refusal that ends a connection to its cut */
    ENDING_MAX = 256                /* keys about to end, in one status */
};

#define LOOP_COUNTER_LIST(X) \
    X(turns)                 /* committed */ \
    X(turns_undone)          /* found no room: everybody in them heard BUSY */ \
    X(undecodable)           /* frames that were no ask of ours */ \
    X(wrong_socket) \
    X(not_permitted)         /* asks that the key does not allow */ \
    X(key_ended)             /* asks on a connection whose key ended meanwhile */ \
    X(replies_too_big)       /* our own mistake; the peer heard LIMIT */

struct loop {
    struct daemon *d;
    struct rfl_arena arena;
    struct rfl_ask ask;
    uint8_t *frame;                                     /* RFL_MESSAGE_BYTES_MAX, for the reply being encoded */
    int64_t rested_boot_ms, fed_boot_ms;                /* last housekeeping, last watchdog */
    int64_t heard_boot_ms, drain_boot_ms;               /* draining: last input, and when it ends at the latest */
    int64_t watchdog_ms;
    bool drain_new;                                     /* the engine must be told in the next turn */
    bool full;                                          /* the last turn was undone */
    struct { uint64_t session, correlation; struct reload_wish wish; } asked;   /* a PolicyLoad; session 0: none */
    struct rfl_policy_finding_row findings[RFL_CONF_FINDINGS_MAX];
    struct rfl_policy_row policies[RFL_POLICY_ROWS_MAX];
    int64_t head_looked_boot_ms, head_said_boot_ms;     /* the log's signed head: looked at, last logged, */
    uint64_t head_said_seq;                             /* and which entry that was */
    struct bus_counters seen;                           /* as of the last housekeeping */
    struct {
#define X(name) uint64_t name;
        LOOP_COUNTER_LIST(X)
#undef X
    } counters;
    struct rfl_counter shown[COUNTERS_MAX];
    struct rfl_key_ending ending[ENDING_MAX];
    int64_t refusals_said_boot_ms;
    char bind[3 * BUS_ENDPOINT_BYTES];
};

/* ---- speaking ---- */

static struct rfl_view text_view(const char *text)
{
    return (struct rfl_view){ (const uint8_t *)text, strlen(text) };
}

static void add_counter(struct loop *loop, uint32_t *count, const char *name, uint64_t value)
{
    if (*count < COUNTERS_MAX)
        loop->shown[(*count)++] = (struct rfl_counter){ { (const uint8_t *)name, strlen(name) }, value };
}

static void complete_keys(struct loop *loop, struct rfl_msg_admin_state *state)
{
    const struct daemon *d = loop->d;
    const struct rfl_keys *keys = d->keyring.keys;
    state->without_keys = d->options.without_keys;
    state->keys = keyring_good(&d->keyring, d->now.wall_ms);
    state->keys_ending = loop->ending;
    for (uint32_t i = 0; keys != NULL && i < rfl_keys_count(keys) && state->keys_ending_count < ENDING_MAX; i++) {
        const struct rfl_key_entry *entry = rfl_keys_get(keys, i);
        if (keyring_is_ending(entry, d->now.wall_ms))
            loop->ending[state->keys_ending_count++] = (struct rfl_key_ending){ text_view(entry->name),
                                                                                entry->until_ms };
    }
}

/* The engine knows nothing of sockets: what only the daemon can say of itself is added here. */
static void complete_admin_state(struct loop *loop, struct rfl_msg_admin_state *state)
{
    struct daemon *d = loop->d;
    uint32_t count = 0;
    for (; count < state->counters_count && count < COUNTERS_MAX; count++)
        loop->shown[count] = state->counters[count];
    const struct bus_counters *bus = bus_counters(d->bus);
#define X(name) add_counter(loop, &count, #name, bus->name);
    BUS_COUNTER_LIST(X)
#undef X
    const struct meter_counters *meter = bus_meter_counters(d->bus);
#define X(name) add_counter(loop, &count, #name, meter->name);
    METER_COUNTER_LIST(X)
#undef X
#define X(name) add_counter(loop, &count, "loop_" #name, loop->counters.name);
    LOOP_COUNTER_LIST(X)
#undef X
    if (bus_zap(d->bus) != NULL) {
        const struct zap_counters *zap = zap_counters(bus_zap(d->bus));
        const struct quota_counters *quota = quota_counters(bus_quota(d->bus));
#define X(name) add_counter(loop, &count, #name, quota->name);
        QUOTA_COUNTER_LIST(X)
#undef X
#define X(name) add_counter(loop, &count, #name, zap->name);
        ZAP_COUNTER_LIST(X)
#undef X
    }
    add_counter(loop, &count, "bus_connections", peers_count(bus_peers(d->bus)));
    add_counter(loop, &count, "bus_sessions", bus_session_count(d->bus));
    add_counter(loop, &count, "log_dropped", d->log.dropped);
    state->counters = loop->shown;
    state->counters_count = count;
    complete_keys(loop, state);
    int len = snprintf(loop->bind, sizeof loop->bind, "%s %s %s", bus_endpoint(d->bus, BUS_DOORS),
                       bus_endpoint(d->bus, BUS_WORKERS), bus_endpoint(d->bus, BUS_ADMIN));
    assert(len > 0 && (size_t)len < sizeof loop->bind);
    state->bind = (struct rfl_view){ (const uint8_t *)loop->bind, (size_t)len };
    state->policy_pinned = d->standing.pinned;
    state->reload_refused_ms = d->standing.refused_ms;
    state->reload_refused = text_view(d->standing.refused);
    state->policy_doubtful = text_view(d->standing.doubtful);
}

static size_t encode(struct loop *loop, const struct rfl_reply *reply)
{
    if (reply->kind == RFL_MSG_ADMIN_STATE) {
        struct rfl_reply completed = *reply;
        complete_admin_state(loop, &completed.admin_state);
        return rfl_wire_encode_reply(&completed, loop->frame, RFL_MESSAGE_BYTES_MAX);
    }
    if (reply->kind == RFL_MSG_POLICIES) {
        struct rfl_reply completed = *reply;
        reload_complete_list(loop->d, &completed.policies, loop->policies);
        return rfl_wire_encode_reply(&completed, loop->frame, RFL_MESSAGE_BYTES_MAX);
    }
    size_t len = rfl_wire_encode_reply(reply, loop->frame, RFL_MESSAGE_BYTES_MAX);
    if (len != 0)
        return len;
    loop->counters.replies_too_big++;
    LOG(&loop->d->log, ERROR, "reply.too_big", F_U64("kind", reply->kind));
    const struct rfl_reply refusal = { .kind = RFL_MSG_REFUSAL, .correlation = reply->correlation,
                                       .refusal = { .code = RFL_CODE_LIMIT } };
    return rfl_wire_encode_reply(&refusal, loop->frame, RFL_MESSAGE_BYTES_MAX);
}

static void speak(struct loop *loop)
{
    uint32_t count;
    const struct rfl_outgoing *outbox = rfl_engine_outbox(loop->d->engine, &count);
    for (uint32_t i = 0; i < count; i++) {
        size_t len = encode(loop, &outbox[i].reply);
        bus_send(loop->d->bus, outbox[i].session, (struct rfl_view){ loop->frame, len });
    }
}

static void refuse(struct loop *loop, uint64_t session, enum rfl_code code)
{
    if (code == RFL_CODE_WRONG_SOCKET)
        loop->counters.wrong_socket++;
    else if (code == RFL_CODE_NOT_PERMITTED)
        loop->counters.not_permitted++;
    else if (code == RFL_CODE_KEY_ENDED)
        loop->counters.key_ended++;
    else
        loop->counters.undecodable++;
    rfl_engine_refuse(loop->d->engine, session, &loop->ask, code);
}

/* ---- what the daemon answers without the engine: nothing of it is in the store ---- */

static void say(struct loop *loop, uint64_t session, const struct rfl_reply *reply)
{
    size_t len = encode(loop, reply);
    bus_send(loop->d->bus, session, (struct rfl_view){ loop->frame, len });
}

static void say_keys_refused(struct loop *loop, uint64_t session, const struct rfl_conf_report *report)
{
    struct rfl_finding finding[RFL_FINDINGS_MAX];
    uint32_t count = report->count < RFL_FINDINGS_MAX ? report->count : RFL_FINDINGS_MAX;
    char path[RFL_FINDINGS_MAX][RFL_CONF_KEY_BYTES + 24];
    for (uint32_t i = 0; i < count; i++) {
        const struct rfl_conf_finding *f = &report->finding[i];
        (void)snprintf(path[i], sizeof path[i], "keys.conf:%d: %s", f->line, f->key);
        finding[i] = (struct rfl_finding){ text_view(path[i]), text_view("keys.conf"), text_view(f->rule),
                                           text_view(f->remedy), RFL_SEVERITY_ERROR };
    }
    say(loop, session, &(struct rfl_reply){ .kind = RFL_MSG_REFUSAL, .correlation = loop->ask.correlation,
        .refusal = { .code = RFL_CODE_INVALID, .findings = finding, .findings_count = count } });
}

static void reload_keys(struct loop *loop, uint64_t session)
{
    struct daemon *d = loop->d;
    uint32_t ended = 0;
    if (loop->ask.why.len == 0 || loop->ask.operator_name.len == 0) {
        refuse(loop, session, RFL_CODE_REASON_MISSING);
        return;
    }
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    enum rfl_err err = report == NULL ? RFL_E_MEMORY : daemon_reload_keys(d, loop->ask.dry_run, report, &ended);
    if (err == RFL_E_OK) {
        say(loop, session, &(struct rfl_reply){ .kind = RFL_MSG_KEYS_RELOADED, .correlation = loop->ask.correlation,
            .keys_reloaded = { loop->ask.dry_run, keyring_good(&d->keyring, d->now.wall_ms), ended } });
    } else if (err == RFL_E_MEMORY) {
        refuse(loop, session, RFL_CODE_BUSY);
    } else {
        if (!loop->ask.dry_run)
            LOG(&d->log, ERROR, "keys.kept_old", F_ERR("error", err), F_U64("findings", report->count),
                F_FINDING(&report->finding[0]));
        say_keys_refused(loop, session, report);
    }
    free(report);
}

/* entry is NULL without keys. */
static void show_key(struct loop *loop, uint64_t session, const struct rfl_key_entry *entry)
{
    static char prefix[RFL_KEY_QUEUES_MAX][RFL_NAME_BYTES_MAX + 2];
    struct rfl_view may[RFL_KEY_QUEUES_MAX];
    struct rfl_reply reply = { .kind = RFL_MSG_KEY_SHOWN, .correlation = loop->ask.correlation,
                               .key_shown = { .without_keys = entry == NULL, .may = may } };
    struct rfl_msg_key_shown *shown = &reply.key_shown;
    for (unsigned door = 1; entry != NULL && door < RFL_DOOR_COUNT; door++)
        if (rfl_key_may_use_door(entry, (enum rfl_door)door))
            may[shown->may_count++] = text_view(rfl_door_name((enum rfl_door)door));
    for (unsigned verb = 0; entry != NULL && verb < RFL_VERB_COUNT; verb++)
        if (rfl_key_may(entry, (enum rfl_verb)verb))
            may[shown->may_count++] = text_view(rfl_verb_word((enum rfl_verb)verb));
    for (uint32_t i = 0; entry != NULL && i < entry->queues_count; i++) {
        const struct rfl_key_queue *queue = rfl_keys_queue(loop->d->keyring.keys, entry, i);
        (void)snprintf(prefix[i], sizeof prefix[i], "%s%s", queue->name, queue->prefix ? "*" : "");
        may[shown->may_count++] = text_view(prefix[i]);
    }
    if (entry != NULL) {
        shown->name = text_view(entry->name);
        shown->kind = text_view(rfl_key_kind_word((enum rfl_key_kind)entry->kind));
        shown->who = text_view(entry->who);
        shown->owner = text_view(entry->owner);
        shown->fingerprint = text_view(entry->fingerprint);
        shown->from_ms = entry->from_ms;
        shown->until_ms = entry->until_ms;
    }
    say(loop, session, &reply);
}

/* A policy is changed between turns, so it waits for the end of this one. */
static void load_later(struct loop *loop, uint64_t session)
{
    enum rfl_code code = RFL_CODE_BUSY;
    if (loop->asked.session == 0 && reload_wish_of(&loop->ask, &loop->asked.wish, &code)) {
        loop->asked.session = session;
        loop->asked.correlation = loop->ask.correlation;
    } else {
        refuse(loop, session, code);
    }
}

/* ---- listening ---- */

/* Who asks, by the table in force; NULL: nobody whose key is good. */
static const struct rfl_key_entry *asker(const struct daemon *d, const struct bus_frame *frame)
{
    const struct rfl_key_entry *entry = rfl_keys_find(d->keyring.keys, frame->key);
    return entry != NULL && rfl_key_state(entry, d->now.wall_ms) == RFL_KEY_GOOD ? entry : NULL;
}

/* Nothing of the body is looked at, so that it costs little; and nothing is in the store, so it may be said at once. */
static void say_over_rate(struct loop *loop, const struct bus_frame *frame)
{
    say(loop, frame->session, &(struct rfl_reply){
        .kind = RFL_MSG_REFUSAL, .correlation = rfl_wire_correlation(frame->payload),
        .refusal = { .code = RFL_CODE_BUSY, .retry_after_ms = frame->busy_ms } });
}

static void take_frame(struct loop *loop, const struct bus_frame *frame)
{
    struct daemon *d = loop->d;
    const struct rfl_key_entry *entry = NULL;
    if (frame->busy_ms != 0) {
        say_over_rate(loop, frame);
        return;
    }
    enum rfl_code code = RFL_CODE_PARSE;
    rfl_arena_reset(&loop->arena);
    if (frame->misframed)
        memset(&loop->ask, 0, sizeof loop->ask);
    else
        code = rfl_wire_decode_ask(frame->payload, &loop->arena, &loop->ask);
    if (code == RFL_CODE_OK && !belongs_on(loop->ask.kind, frame->socket))
        code = RFL_CODE_WRONG_SOCKET;
    if (frame->key != NULL && (entry = asker(d, frame)) == NULL) {
        code = RFL_CODE_KEY_ENDED;
        bus_cut(d->bus, frame->session, d->now.boot_ms + LAST_WORD_MS);
    }
    if (code == RFL_CODE_OK && entry != NULL)
        code = permit(d->keyring.keys, entry, &loop->ask);
    if (code != RFL_CODE_OK)
        refuse(loop, frame->session, code);
    else if (loop->ask.kind == RFL_MSG_POLICY_LOAD)
        load_later(loop, frame->session);
    else if (loop->ask.kind == RFL_MSG_KEYS_RELOAD)
        reload_keys(loop, frame->session);
    else if (loop->ask.kind == RFL_MSG_KEY_SHOW)
        show_key(loop, frame->session, entry);
    else
        rfl_engine_handle(d->engine, frame->session, &loop->ask);
}

static void take_input(struct loop *loop)
{
    struct daemon *d = loop->d;
    size_t bytes = 0;
    uint64_t from_us = clock_worked_us();
    struct bus_frame frame;
    bus_begin(d->bus, d->now.boot_ms);
    while (bytes <= RFL_TURN_BYTES_MAX - RFL_MESSAGE_BYTES_MAX && rfl_engine_has_room(d->engine)
           && bus_receive(d->bus, &frame)) {
        take_frame(loop, &frame);
        uint64_t to_us = clock_worked_us();
        bus_spent(d->bus, &frame, to_us - from_us);
        from_us = to_us;
        bytes += frame.payload.len;
    }
}

static void tell_gone(struct loop *loop)
{
    for (uint64_t session; rfl_engine_has_room(loop->d->engine) && (session = bus_gone(loop->d->bus)) != 0; )
        rfl_engine_gone(loop->d->engine, session);
}

/* ---- between turns ---- */

static void say_policy_loaded(struct loop *loop, const struct rfl_conf_report *report,
                              const struct reload_result *result)
{
    char before[RFL_CONF_DIGEST_TEXT], after[RFL_CONF_DIGEST_TEXT] = "";
    uint32_t count = report->count < RFL_CONF_FINDINGS_MAX ? report->count : RFL_CONF_FINDINGS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct rfl_conf_finding *f = &report->finding[i];
        loop->findings[i] = (struct rfl_policy_finding_row){ text_view(f->file), text_view(f->key),
                                                             text_view(f->rule),
                                                             text_view(f->remedy),
                                                             f->line > 0 ? (uint32_t)f->line : 0 };
    }
    rfl_conf_digest_text(result->before, before);
    if (!rfl_hash_none(result->after))
        rfl_conf_digest_text(result->after, after);
    struct rfl_reply reply = { .kind = RFL_MSG_POLICY_LOADED, .correlation = loop->asked.correlation };
    reply.policy_loaded = (struct rfl_msg_policy_loaded){
        .dry_run = loop->asked.wish.dry_run, .taken = result->taken, .pinned = loop->d->standing.pinned,
        .before = text_view(before), .after = text_view(after), .findings = loop->findings, .findings_count = count };
    size_t len = encode(loop, &reply);
    bus_send(loop->d->bus, loop->asked.session, (struct rfl_view){ loop->frame, len });
}

/* False when the store failed underneath. */
static bool load_policy(struct loop *loop)
{
    struct reload_result result = { .store_works = true, .before = rfl_policy_digest(loop->d->guidance.policy) };
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    if (report != NULL) {
        reload(loop->d, &loop->asked.wish, report, &result);
        if (result.store_works)
            say_policy_loaded(loop, report, &result);
    }
    free(report);
    loop->asked.session = 0;
    return result.store_works;
}

static bool heed_signals(struct loop *loop)
{
    struct daemon *d = loop->d;
    for (enum signals_event event; (event = signals_next(d->signal_fd)) != SIGNALS_NONE; ) {
        if (event == SIGNALS_RELOAD) {
            if (!reload_signalled(d))
                return false;
            continue;
        }
        if (d->draining) {
            loop->drain_boot_ms = d->now.boot_ms;   /* asked twice: at once */
            continue;
        }
        notify_stopping();
        LOG(&d->log, NOTE, "daemon.draining", F_U64("sessions", bus_session_count(d->bus)));
        d->draining = loop->drain_new = true;
        loop->drain_boot_ms = d->now.boot_ms + DRAIN_MS_MAX;
    }
    return true;
}

static void say_status(const struct loop *loop)
{
    char text[160];
    if (loop->d->draining)
        return;
    (void)snprintf(text, sizeof text, "%s: %" PRIu32 " sessions, store %" PRIu32 " permille full, %" PRIu64 " turns",
                   loop->full ? "no room for new work" : "serving", bus_session_count(loop->d->bus),
                   rfl_store_used_permille(loop->d->store), loop->counters.turns);
    notify_status(text);
}

/* What peers do wrong is counted where it happens and logged here, so that nobody can fill a log by doing it. */
static void keep_house(struct loop *loop)
{
    struct daemon *d = loop->d;
    if (d->now.boot_ms - loop->rested_boot_ms < REST_MS)
        return;
    loop->rested_boot_ms = d->now.boot_ms;
    bus_forget(d->bus, d->now.boot_ms);
    daemon_end_expired(d);
    keyring_warn(&d->keyring, &d->log, d->now.wall_ms);
    say_status(loop);
    const struct bus_counters *now = bus_counters(d->bus), *seen = &loop->seen;
    if (now->bus_misframed != seen->bus_misframed || now->bus_foreign_ids != seen->bus_foreign_ids
        || now->bus_not_reading != seen->bus_not_reading || now->bus_evicted != seen->bus_evicted
        || now->bus_wrong_server_key != seen->bus_wrong_server_key || now->bus_no_key != seen->bus_no_key)
        LOG(&d->log, WARN, "bus.trouble", F_U64("misframed", now->bus_misframed),
            F_U64("foreign_ids", now->bus_foreign_ids), F_U64("not_reading", now->bus_not_reading),
            F_U64("evicted", now->bus_evicted), F_U64("unreachable", now->bus_unreachable),
            F_U64("wrong_server_key", now->bus_wrong_server_key), F_U64("no_key", now->bus_no_key));
    loop->seen = *now;
}

/* Who was refused at the door: the first at once, then no more often than housekeeping. */
static void say_refusals(struct loop *loop)
{
    struct daemon *d = loop->d;
    struct zap_refusal refusal[ZAP_REFUSALS_KEPT];
    if (bus_zap(d->bus) == NULL
        || (loop->refusals_said_boot_ms != 0 && d->now.boot_ms - loop->refusals_said_boot_ms < REST_MS))
        return;
    uint32_t count = zap_refusals(bus_zap(d->bus), refusal);
    for (uint32_t i = 0; i < count; i++)
        LOG(&d->log, WARN, "key.refused", F_OURS("why", refusal[i].why), F_OURS("key", refusal[i].fingerprint),
            F_OURS("from", refusal[i].address), F_U64("times", refusal[i].times));
    struct quota_struck struck[QUOTA_STRIKES_KEPT];
    uint32_t struck_count = quota_strikes(bus_quota(d->bus), struck);
    for (uint32_t i = 0; i < struck_count; i++)
        LOG(&d->log, WARN, "key.shut_out", F_OURS("why", struck[i].why), F_OURS("key", struck[i].fingerprint),
            F_U64("for_ms", struck[i].for_ms), F_U64("times", struck[i].times),
            F_LIT("next", "ask its owner (referralctl keys list); revoke it if it goes on"));
    if (count + struck_count > 0)
        loop->refusals_said_boot_ms = d->now.boot_ms;
}

/* The signed head goes to the journal, which somebody else keeps: after a minute or HEAD_ENTRIES entries, whichever is
 * first, when it is another one. Signing costs some microseconds, so it is looked at once a second at most. */
static void say_head(struct loop *loop)
{
    struct daemon *d = loop->d;
    struct rfl_head head;
    int64_t now = d->now.boot_ms;
    if (loop->head_looked_boot_ms != 0 && now - loop->head_looked_boot_ms < HEAD_LOOK_MS)
        return;
    loop->head_looked_boot_ms = now;
    rfl_store_sign_head(d->store, &head);
    bool due = loop->head_said_seq == 0 || now - loop->head_said_boot_ms >= HEAD_SAY_MS ||
               head.seq.v - loop->head_said_seq >= HEAD_ENTRIES;
    if (!due || head.seq.v == loop->head_said_seq)
        return;
    loop->head_said_seq = head.seq.v;
    loop->head_said_boot_ms = now;
    LOG(&d->log, INFO, "audit.head", F_U64("seq", head.seq.v), F_U64("epoch", head.epoch), F_I64("at_ms", head.wall_ms),
        F_HASH32("hash", &head.hash), F_SIGNATURE("signature", &head.signature));
}

/* Only a turn that was committed, or one that had nothing to commit, proves that the daemon works. */
static void feed_watchdog(struct loop *loop)
{
    int64_t now = loop->d->now.boot_ms;
    if (loop->watchdog_ms == 0 || (loop->fed_boot_ms != 0 && now - loop->fed_boot_ms < loop->watchdog_ms / 2))
        return;
    loop->fed_boot_ms = now;
    notify_alive();
}

static int64_t wait_ms(const struct loop *loop)
{
    const struct daemon *d = loop->d;
    int64_t wait = loop->watchdog_ms > 0 && loop->watchdog_ms < REST_MS ? loop->watchdog_ms : REST_MS;
    int64_t due = rfl_engine_next_due(d->engine);
    if (due - d->now.wall_ms < wait && due != INT64_MAX)
        wait = due - d->now.wall_ms;
    if (loop->full && wait < FULL_PAUSE_MS)
        wait = FULL_PAUSE_MS;
    if (d->draining && wait > DRAIN_QUIET_MS)
        wait = DRAIN_QUIET_MS;
    if (bus_next_cut(d->bus) != INT64_MAX && bus_next_cut(d->bus) - d->now.boot_ms < wait)
        wait = bus_next_cut(d->bus) - d->now.boot_ms;
    if (bus_next_look(d->bus) != INT64_MAX && bus_next_look(d->bus) - d->now.boot_ms < wait)
        wait = bus_next_look(d->bus) - d->now.boot_ms;
    if (bus_has_gone(d->bus) || loop->drain_new || wait < 0)
        wait = 0;
    return wait;
}

/* ---- a turn ---- */

enum step { STEP_ON, STEP_DRAINED, STEP_STORE_FAILED };

/* What became of who waited where an area has changed, queue by queue. */
static void log_moves(struct loop *loop)
{
    uint32_t count;
    const struct rfl_engine_move *moves = rfl_engine_moves(loop->d->engine, &count);
    for (uint32_t i = 0; i < count; i++)
        LOG(&loop->d->log, NOTE, "area.moved", F_ID("queue", moves[i].queue), F_U64("cases", moves[i].cases),
            F_U64("to_triage", moves[i].to_triage));
}

static enum step commit(struct loop *loop)
{
    struct daemon *d = loop->d;
    errno = 0;
    enum rfl_err err = rfl_engine_commit(d->engine);
    if (err == RFL_E_OK) {
        loop->counters.turns++;
        loop->full = false;
        log_moves(loop);
        return STEP_ON;
    }
    if (err == RFL_E_FULL) {
        loop->counters.turns_undone++;
        if (!loop->full)
            LOG(&d->log, ERROR, "turn.undone", F_ERR("error", err), F_U64("used_permille",
                rfl_store_used_permille(d->store)), F_LIT("next", "new work is refused until there is room"));
        loop->full = true;
        return STEP_ON;
    }
    LOG(&d->log, ERROR, "store.failed", F_ERR("error", err), F_ERRNO("errno", errno),
        F_LIT("next", "nothing of this turn was said; look at the disk, then: referralctl store verify"));
    return STEP_STORE_FAILED;
}

/* Order is the design: nothing is said in 5 that 4 has not made durable. A failed commit ends the process (exit 74):
 * nobody was told anything, and a restart goes on from what is on disk. */
static enum step turn(struct loop *loop)
{
    struct daemon *d = loop->d;
    bool readable = bus_wait(d->bus, d->signal_fd, wait_ms(loop));              /* 1 */
    clock_read(&d->clock, &d->now);                                             /* 2: once a turn */
    if (!heed_signals(loop))
        return STEP_STORE_FAILED;
    keep_house(loop);
    say_head(loop);
    say_refusals(loop);
    bus_look(d->bus, d->now.boot_ms);
    bus_cut_due(d->bus, d->now.boot_ms);
    bool due = rfl_engine_next_due(d->engine) <= d->now.wall_ms;
    if (readable || loop->drain_new)
        loop->heard_boot_ms = d->now.boot_ms;
    if (d->draining && (d->now.boot_ms >= loop->drain_boot_ms
                        || d->now.boot_ms - loop->heard_boot_ms >= DRAIN_QUIET_MS))
        return STEP_DRAINED;
    if (!readable && !due && !loop->drain_new && !bus_has_gone(d->bus)) {
        feed_watchdog(loop);
        return STEP_ON;
    }
    if (rfl_engine_begin(d->engine, &d->now) != RFL_E_OK) {
        LOG(&d->log, ERROR, "store.failed", F_ERRNO("errno", errno), F_LIT("next", "see the disk and the store"));
        return STEP_STORE_FAILED;
    }
    if (loop->drain_new)
        rfl_engine_drain(d->engine);
    loop->drain_new = false;
    tell_gone(loop);
    take_input(loop);                                                           /* 3: frames first, then due clocks; */
    rfl_engine_settle(d->engine);                                               /*    bad input gets an answer */
    if (commit(loop) != STEP_ON)                                                /* 4: one transaction */
        return STEP_STORE_FAILED;
    speak(loop);                                                                /* 5: receipts, offers, feedback */
    if (loop->asked.session != 0 && !load_policy(loop))
        return STEP_STORE_FAILED;
    feed_watchdog(loop);
    return STEP_ON;
}

enum loop_end loop_run(struct daemon *daemon)
{
    struct loop *loop = calloc(1, sizeof *loop);
    uint8_t *memory = malloc(RFL_ARENA_BYTES + RFL_MESSAGE_BYTES_MAX);
    enum step step = STEP_STORE_FAILED;
    if (loop != NULL && memory != NULL) {
        loop->d = daemon;
        rfl_arena_init(&loop->arena, memory, RFL_ARENA_BYTES);
        loop->frame = memory + RFL_ARENA_BYTES;
        loop->watchdog_ms = notify_watchdog_ms();
        say_status(loop);
        do
            step = turn(loop);
        while (step == STEP_ON);
    }
    free(memory);
    free(loop);
    return step == STEP_DRAINED ? LOOP_DRAINED : LOOP_STOP_STORE;
}
