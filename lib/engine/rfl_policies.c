/* What has been in force, and what another policy would take away. */
#include "rfl_engine_int.h"

#include <stdlib.h>

/* From the newest: each POLICY_LOADED names the one before it. False at the beginning, or when it cannot be read. The
 * entry's views live until the next read. */
static bool loaded_before(struct rfl_engine *e, struct rfl_seq *seq, struct rfl_entry *out)
{
    if (seq->v == 0 || rfl_store_entry(e->store, *seq, out) != RFL_E_OK)
        return false;
    *seq = out->policy;
    return out->events[0].kind == RFL_EVENT_POLICY_LOADED;
}

/* Loads of the same policy in a row are one time in force. */
int64_t rfl__policy_since(struct rfl_engine *e)
{
    struct rfl_seq seq = rfl_store_policy(e->store);
    struct rfl_hash digest = rfl_policy_digest(e->policy);
    struct rfl_entry entry;
    int64_t since_ms = 0;
    while (loaded_before(e, &seq, &entry) && rfl_hash_same(entry.events[0].digest, digest))
        since_ms = entry.wall_ms;
    return since_ms;
}

enum rfl_err rfl_engine_policy_before(struct rfl_engine *e, struct rfl_hash *out)
{
    struct rfl_hash digest = rfl_policy_digest(e->policy);
    struct rfl_entry entry;
    enum rfl_err err = rfl_store_begin(e->store);
    struct rfl_seq seq = rfl_store_policy(e->store);
    bool found = false;
    while (err == RFL_E_OK && !found && loaded_before(e, &seq, &entry))
        found = !rfl_hash_same(entry.events[0].digest, digest);
    if (found)
        *out = entry.events[0].digest;
    rfl_store_abort(e->store);
    return err != RFL_E_OK ? err : found ? RFL_E_OK : RFL_E_ABSENT;
}

static struct rfl_view hex(struct rfl_engine *e, struct rfl_hash digest)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * sizeof digest.b];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = digits[(digest.b[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
    return rfl__copy(e, text, sizeof text);
}

/* Whether it is kept, and pinned, only the daemon knows: it completes the rows. */
void rfl__handle_policy_list(struct rfl_engine *e, uint64_t session)
{
    struct rfl_msg_policies *out = &rfl__say(e, session, RFL_MSG_POLICIES)->policies;
    struct rfl_policy_row *rows = rfl_arena_take(&e->arena, RFL_POLICY_ROWS_MAX * sizeof *rows);
    struct rfl_seq seq = rfl_store_policy(e->store);
    struct rfl_entry entry;
    while (rows != NULL && loaded_before(e, &seq, &entry)) {
        out->truncated = out->rows_count == RFL_POLICY_ROWS_MAX;
        if (out->truncated)
            break;
        rows[out->rows_count] = (struct rfl_policy_row){
            .digest = hex(e, entry.events[0].digest), .since_ms = entry.wall_ms, .in_force = out->rows_count == 0,
            .by = entry.actor_name.len > 0 ? rfl__copy(e, entry.actor_name.p, entry.actor_name.len)
                                           : rfl__literal("system"),
            .why = rfl__copy(e, entry.why.p, entry.why.len) };
        out->rows_count++;
    }
    out->rows = rows;
}

/* Every open case that rests on no other has a running clock, so the clocks' index names them all. */
static enum rfl_err count_people(struct rfl_engine *e, uint64_t people[UINT16_MAX + 1])
{
    struct rfl_order at = { 0, 0, 0 }, found;
    while (rfl_store_first(e->store, RFL_INDEX_DUE, &at, &found)) {
        struct rfl_case kase;
        enum rfl_err err = rfl_store_case(e->store, (struct rfl_case_id){ found.c }, &kase);
        if (err != RFL_E_OK)
            return err;
        people[kase.queue.v]++;
        at = found;
        at.c++;
    }
    return RFL_E_OK;
}

enum rfl_err rfl_engine_shrink(struct rfl_engine *e, const struct rfl_policy *next,
                               void (*lost)(void *ctx, const struct rfl_queue *queue, uint64_t people), void *ctx,
                               struct rfl_engine_shrink *out)
{
    bool some = false;
    *out = (struct rfl_engine_shrink){ 0, 0 };
    for (uint32_t i = 0; i < e->policy->queue_count; i++) {
        const struct rfl_queue *queue = &e->policy->queue[i];
        bool provider = queue->kind == RFL_QUEUE_KIND_PROVIDER, gone = rfl_policy_queue(next, queue->id) == NULL;
        out->providers += provider;
        out->providers_lost += provider && gone;
        some = some || gone;
    }
    if (!some)
        return RFL_E_OK;
    uint64_t *people = calloc(UINT16_MAX + 1, sizeof *people);
    if (people == NULL)
        return RFL_E_MEMORY;
    enum rfl_err err = rfl_store_begin(e->store);
    if (err == RFL_E_OK)
        err = count_people(e, people);
    rfl_store_abort(e->store);
    for (uint32_t i = 0; err == RFL_E_OK && i < e->policy->queue_count; i++)
        if (rfl_policy_queue(next, e->policy->queue[i].id) == NULL)
            lost(ctx, &e->policy->queue[i], people[e->policy->queue[i].id.v]);
    free(people);
    return err;
}

const struct rfl_policy *rfl__policy_of(struct rfl_engine *e, struct rfl_seq loaded, struct rfl_hash *digest_out)
{
    struct rfl_entry entry;
    *digest_out = (struct rfl_hash){ { 0 } };
    if (loaded.v == 0 || rfl_store_entry(e->store, loaded, &entry) != RFL_E_OK)
        return NULL;
    *digest_out = entry.events[0].digest;
    if (rfl_hash_same(*digest_out, rfl_policy_digest(e->policy)))
        return e->policy;
    return e->options.policy_kept == NULL ? NULL : e->options.policy_kept(e->options.policy_ctx, *digest_out);
}

/* Names of a policy that is only lent are copied. */
static struct rfl_view copied(struct rfl_engine *e, struct rfl_view view) { return rfl__copy(e, view.p, view.len); }

void rfl__handle_decision(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl_entry entry;
    struct rfl_hash digest;
    if (rfl_store_entry(e->store, (struct rfl_seq){ ask->sequence }, &entry) != RFL_E_OK || !entry.has_decided) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    const struct rfl_decision decision = entry.decided.decision;    /* the entry is lent until the next read */
    struct rfl_msg_decision *out = &rfl__say(e, session, RFL_MSG_DECISION)->decision;
    out->sequence = entry.seq.v;
    out->at_ms = entry.wall_ms;
    out->door = entry.decided.facts.door;
    out->case_code = rfl__case_text(e, entry.kase);
    out->reason = rfl__literal(rfl_route_reason_word((enum rfl_route_reason)decision.reason));
    const struct rfl_policy *policy = rfl__policy_of(e, entry.policy, &digest);
    out->policy = hex(e, digest);
    const struct rfl_queue *queue = rfl_policy_queue(policy != NULL ? policy : e->policy, decision.queue);
    if (queue != NULL)
        out->queue = copied(e, rfl_policy_text(policy != NULL ? policy : e->policy, queue->name));
    if (policy != NULL && decision.rule != 0 && decision.rule <= policy->rule_count)
        out->rule = copied(e, rfl_policy_text(policy, policy->rule[decision.rule - 1].written.name));
}
