/* Whose turn it is: the people who wait, and the workers who have room for them. */
#include "rfl_engine_int.h"
#include "rfl_lineage.h"

enum { FLAGS_OF_MAX = 256 /* referrals looked at, the newest, so that no flood of them holds up the offers */ };

/* What a worker must see before saying yes, whichever of the case's standing referrals says so. */
static uint32_t flags_of_chain(struct rfl_engine *e, struct rfl_referral_id newest, uint32_t *left)
{
    struct rfl_referral referral = { .prev_on_case = newest };
    struct rfl_entry entry;
    uint32_t flags = 0;
    while (*left > 0 && referral.prev_on_case.v != 0 &&
           rfl_store_referral(e->store, referral.prev_on_case, &referral) == RFL_E_OK) {
        (*left)--;
        if (referral.withdrawn == RFL_WITHDRAW_NONE &&
            rfl_store_entry(e->store, referral.latest, &entry) == RFL_E_OK && entry.has_decided)
            flags |= entry.decided.facts.flags;
    }
    return flags;
}

/* Of the case, and of those that rest on it. */
static uint32_t flags_of(struct rfl_engine *e, const struct rfl_case *kase)
{
    struct rfl_order from = { kase->id.v, 0, 0 }, at;
    uint32_t left = FLAGS_OF_MAX, flags = flags_of_chain(e, kase->last_referral, &left);
    while (rfl_store_first(e->store, RFL_INDEX_LINKED, &from, &at) && at.a == from.a) {
        struct rfl_case linked;
        if (rfl_store_case(e->store, (struct rfl_case_id){ at.c }, &linked) == RFL_E_OK)
            flags |= flags_of_chain(e, linked.last_referral, &left);
        from.c = at.c + 1;
    }
    return flags;
}

static void fill_preview(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_msg_offer *offer)
{
    struct rfl_referral first;
    struct rfl_entry entry;
    offer->case_code = rfl__case_text(e, kase->id);
    offer->area = rfl__area_name(e, kase->area);
    offer->queue = rfl__queue_name(e, kase->queue);
    offer->token = kase->token;
    offer->deadline_ms = kase->due_ms;
    offer->since_ms = kase->since_ms;
    offer->band = kase->band;
    offer->door = kase->door;
    offer->hops = kase->hops;
    offer->lapses = kase->lapses;
    offer->referrals = kase->referral_count;
    offer->flags = flags_of(e, kase);
    if (rfl_store_referral(e->store, kase->first_referral, &first) != RFL_E_OK ||
        rfl_store_entry(e->store, first.latest, &entry) != RFL_E_OK || !entry.has_decided)
        return;
    const struct rfl_facts *facts = &entry.decided.facts;
    offer->main_barrier = facts->main_barrier;
    if (facts->main_barrier != 0)
        offer->barrier_group = rfl__literal(rfl_barrier_group_word(rfl_barrier_group_of(facts->main_barrier)));
    offer->employment = facts->employment;
    offer->weeks_out_of_work = facts->weeks_out_of_work;
}

static void say_offer(struct rfl_engine *e, const struct rfl__session *s, const struct rfl_case *kase)
{
    struct rfl_reply *reply = rfl__say(e, s->id, RFL_MSG_OFFER);
    if (reply == NULL)
        return;
    reply->correlation = 0;             /* also within a Subscribe: an offer is nobody's answer */
    fill_preview(e, kase, &reply->offer);
}

/* After a reconnect: what this worker was offered before and has not answered, with the tokens it had. */
void rfl__offer_again(struct rfl_engine *e, struct rfl__session *s)
{
    struct rfl_order from = { s->holder, 0, 0 }, at;
    while (rfl_store_first(e->store, RFL_INDEX_HOLDER, &from, &at) && at.a == s->holder) {
        struct rfl_case kase;
        from.c = at.c + 1;
        if (rfl_store_case(e->store, (struct rfl_case_id){ at.c }, &kase) == RFL_E_OK)
            say_offer(e, s, &kase);
    }
}

/* ---- the people who wait ---- */

/* The one of each door who has waited longest, by the band they count in: a routine case that has waited for the
 * policy's ageing time counts as urgent, so that nobody waits for ever behind people who are. */
struct heads { bool has[RFL_BAND_COUNT][RFL_DOOR_COUNT]; struct rfl_order at[RFL_BAND_COUNT][RFL_DOOR_COUNT]; };

static void note_head(struct heads *heads, unsigned band, unsigned door, const struct rfl_order *at)
{
    if (heads->has[band][door] && heads->at[band][door].b <= at->b)
        return;
    heads->has[band][door] = true;
    heads->at[band][door] = *at;
}

/* One look for each band and door that somebody waits in, however many wait. */
static void find_heads(const struct rfl_engine *e, struct rfl_queue_no queue, struct heads *heads)
{
    struct rfl_order from = { (uint64_t)queue.v << 16, 0, 0 }, at;
    memset(heads, 0, sizeof *heads);
    while (rfl_store_first(e->store, RFL_INDEX_QUEUE, &from, &at) && at.a >> 16 == queue.v) {
        unsigned band = at.a >> 8 & 0xff, door = at.a & 0xff;
        assert(band < RFL_BAND_COUNT && door < RFL_DOOR_COUNT);
        bool aged = band != RFL_BAND_URGENT && rfl_policy_aged_ms(e->policy, (int64_t)at.b) <= e->now.wall_ms;
        note_head(heads, aged ? RFL_BAND_URGENT : band, door, &at);
        from = (struct rfl_order){ at.a + 1, 0, 0 };
    }
}

/* Doors take turns by their shares: each one that has somebody waiting gains its share, who has most goes first and
 * pays for all. So of any run of offers a door gets its share, and a flood through another door delays its head by no
 * more than the shares say. Who has nobody waiting saves nothing up. */
static bool take_turn(const struct rfl_engine *e, const struct heads *heads, unsigned band, int32_t *balance,
                      unsigned *door_out)
{
    int32_t total = 0;
    bool found = false;
    for (unsigned door = 0; door < RFL_DOOR_COUNT; door++) {
        if (!heads->has[band][door]) {
            balance[door] = 0;
            continue;
        }
        int32_t share = (int32_t)rfl_policy_door_share(e->policy, (enum rfl_door)door);
        balance[door] += share;
        total += share;
        bool before = !found || balance[door] > balance[*door_out] ||
                      (balance[door] == balance[*door_out] &&
                       heads->at[band][door].b < heads->at[band][*door_out].b);
        if (before)
            *door_out = door;
        found = true;
    }
    if (found)
        balance[*door_out] -= total;
    return found;
}

static bool first_waiting(struct rfl_engine *e, struct rfl_queue_no id, struct rfl_case_id *out)
{
    const struct rfl_queue *queue = rfl_policy_queue(e->policy, id);
    struct rfl_order from = { (uint64_t)id.v << 16, 0, 0 }, at;
    struct heads heads;
    if (queue == NULL || !rfl_store_first(e->store, RFL_INDEX_QUEUE, &from, &at) || at.a >> 16 != id.v ||
        rfl_lineage_gone(e->policy, id, e->now.wall_ms) || rfl__queue_rests(e, id))
        return false;
    find_heads(e, id, &heads);
    struct rfl__turns *turns = &e->turns[queue - e->policy->queue];
    for (unsigned band = 0; band < RFL_BAND_COUNT; band++) {
        unsigned door = 0;
        if (take_turn(e, &heads, band, turns->balance[band], &door)) {
            out->v = heads.at[band][door].c;
            return true;
        }
    }
    return false;
}

uint64_t rfl__waiting_in(const struct rfl_engine *e, struct rfl_queue_no queue, int64_t *oldest_ms)
{
    struct rfl_order from = { (uint64_t)queue.v << 16, 0, 0 }, past = { ((uint64_t)queue.v + 1) << 16, 0, 0 }, at;
    uint64_t waiting = rfl_store_rank(e->store, RFL_INDEX_QUEUE, &past) -
                       rfl_store_rank(e->store, RFL_INDEX_QUEUE, &from);
    *oldest_ms = 0;
    while (rfl_store_first(e->store, RFL_INDEX_QUEUE, &from, &at) && at.a >> 16 == queue.v) {
        if (*oldest_ms == 0 || (int64_t)at.b < *oldest_ms)
            *oldest_ms = (int64_t)at.b;
        from = (struct rfl_order){ at.a + 1, 0, 0 };
    }
    return waiting;
}

/* ---- the workers ---- */

/* One offer to this session, from the next of its queues that has somebody waiting; false: nothing for it. */
static bool offer_one(struct rfl_engine *e, struct rfl__session *s)
{
    struct rfl_case_id id;
    struct rfl_case kase;
    uint32_t tried = 0;
    while (tried < s->queue_count && !first_waiting(e, s->queues[s->queue_next], &id)) {
        s->queue_next = (s->queue_next + 1) % s->queue_count;
        tried++;
    }
    if (tried == s->queue_count || rfl_store_case(e->store, id, &kase) != RFL_E_OK)
        return false;
    struct rfl_entry entry = { .actor = RFL_ACTOR_SYSTEM,
                               .actor_name = { (const uint8_t *)s->worker, s->worker_len } };
    struct rfl_command command = { .kind = RFL_DO_OFFER, .token = rfl_store_next_token(e->store),
                                   .holder = s->holder, .lease_ms = e->options.lease_ms };
    if (rfl__do(e, &kase, &command, &entry, (struct rfl_view){ NULL, 0 }) != RFL_E_OK)
        return false;
    s->outstanding++;
    s->queue_next = (s->queue_next + 1) % s->queue_count;
    say_offer(e, s, &kase);
    rfl__count(e, RFL__N_offers);
    return true;
}

bool rfl__may_offer(const struct rfl_engine *e)
{
    return e->outbox_count < RFL__OUTBOX_MAX - 64 && e->arena.used < e->arena.cap / 2 &&
           rfl_store_error(e->store) == RFL_E_OK;
}

static bool wants_work(struct rfl_engine *e, struct rfl__session *s)
{
    if (s->holder == 0)
        return false;
    if (s->recount) {
        s->outstanding = rfl__outstanding_of(e, s->holder);
        s->recount = false;
    }
    return s->outstanding < s->credit && s->seen_queue_changes != e->queue_changes;
}

/* Round and round, one offer a session, so that no worker with large credit takes everything; sessions for whom nothing
 * waited are not looked at again until somebody begins to wait. */
void rfl__make_offers(struct rfl_engine *e)
{
    bool more = !e->draining && e->sessions.count > 0;
    while (more) {
        more = false;
        for (uint32_t i = 0; i < e->sessions.count; i++) {
            struct rfl__session *s = &e->sessions.slots[(e->sessions.turn + i) % e->sessions.count];
            if (!wants_work(e, s))
                continue;
            if (!rfl__may_offer(e)) {
                e->leftover = true;
                return;
            }
            if (offer_one(e, s))
                more = true;
            else
                s->seen_queue_changes = e->queue_changes;
        }
    }
    e->sessions.turn++;
}
