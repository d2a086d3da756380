/* What happens to who waits when an area ends or loses a part. */
#include "rfl_areas.h"

#include "rfl_lineage.h"

enum { SWEPT_A_TURN_MAX = 128, STORY_MAX = 512 /* entries of a case looked back on */ };

static bool waits(const struct rfl_case *kase)
{
    return kase->linked_to.v == 0 && (kase->status == RFL_STATUS_TRIAGE || kase->status == RFL_STATUS_ON_HOLD ||
                                      kase->status == RFL_STATUS_QUEUED || kase->status == RFL_STATUS_DECLINING);
}

/* ---- how it came to where it is ---- */

struct origin {
    struct rfl_referral_id referral;    /* whose facts placed it; 0 not known */
    int64_t placed_ms;
    bool by_facts;                      /* they say this area; else a person or an operator's setting did */
};

static void find_origin(struct rfl_engine *e, const struct rfl_case *kase, struct origin *out)
{
    struct rfl_entry entry;
    struct rfl_seq seq = kase->last_seq;
    *out = (struct origin){ .placed_ms = 0 };
    for (unsigned i = 0; i < STORY_MAX && seq.v != 0; i++, seq = entry.prev_of_case) {
        if (rfl_store_entry(e->store, seq, &entry) != RFL_E_OK)
            return;
        if (!rfl__is_placed(&entry))
            continue;
        if (out->placed_ms == 0) {
            const struct rfl_decision *decision = &entry.decided.decision;
            out->placed_ms = entry.wall_ms;
            out->by_facts = entry.has_decided && decision->area.v == kase->area.v && decision->key < RFL_KEY_COUNT;
        }
        if (entry.has_decided && entry.events[0].submission.id.v != 0) {
            out->referral = entry.events[0].submission.id;
            return;
        }
    }
}

/* ---- what its facts are now ---- */

/* The one that placed it while it stands, else the newest that stands, else the newest. */
static bool find_referral(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_referral_id wanted,
                          struct rfl_referral *out)
{
    if (wanted.v != 0 && rfl_store_referral(e->store, wanted, out) == RFL_E_OK &&
        out->withdrawn == RFL_WITHDRAW_NONE)
        return true;
    struct rfl_referral_id id = kase->last_referral;
    while (id.v != 0 && rfl_store_referral(e->store, id, out) == RFL_E_OK) {
        if (out->withdrawn == RFL_WITHDRAW_NONE)
            return true;
        id = out->prev_on_case;
    }
    return rfl_store_referral(e->store, kase->last_referral, out) == RFL_E_OK;
}

/* Into the arena and not into e->personal, where what is about to be stored may lie. */
static bool open_body(struct rfl_engine *e, const struct rfl_referral *referral, struct rfl_view *out)
{
    struct rfl_entry entry;
    struct rfl_personal_submission personal;
    uint8_t *room = rfl_arena_take(&e->arena, RFL_PERSONAL_BYTES_MAX);
    size_t len;
    if (room == NULL || rfl_store_entry(e->store, referral->latest, &entry) != RFL_E_OK ||
        rfl_store_unseal(e->store, &entry, room, RFL_PERSONAL_BYTES_MAX, &len) != RFL_E_OK ||
        rfl_personal_get_submission((struct rfl_view){ room, len }, &personal) != RFL_E_OK)
        return false;
    *out = personal.referral;
    return true;
}

/* Looked up anew from what the referrer wrote. Nothing of the person is kept: facts are numbers and codes. */
static bool read_anew(struct rfl_engine *e, const struct rfl_referral *referral, struct rfl_facts *facts)
{
    struct rfl_view body;
    struct rfl_form form;
    size_t mark = e->arena.used;
    bool read = e->options.read_form != NULL && open_body(e, referral, &body) &&
                e->options.read_form(body, &e->arena, &form);
    if (read)
        rfl__facts_of(e, &form, referral->source, e->now.wall_ms, facts);
    e->arena.used = mark;
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        facts->clue[key].line = 0;      /* a line of a postcode file names the postcode */
    return read;
}

/* By what the referrer wrote; where that cannot be read any more, or today's directory says nothing of it, by the codes
 * that were found then. */
static void decide_anew(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_referral_id wanted,
                        struct rfl_decided *out)
{
    struct rfl_referral referral;
    struct rfl_entry entry;
    memset(out, 0, sizeof *out);
    bool known = find_referral(e, kase, wanted, &referral);
    bool read = known && read_anew(e, &referral, &out->facts);
    rfl__route(e, &out->facts, kase, &out->decision);
    if ((read && out->decision.area.v != 0) || !known ||
        rfl_store_entry(e->store, referral.latest, &entry) != RFL_E_OK || !entry.has_decided)
        return;
    out->facts = entry.decided.facts;
    rfl__route(e, &out->facts, kase, &out->decision);
}

/* ---- where it belongs ---- */

static bool follows(const struct rfl_engine *e, struct rfl_queue_no from, struct rfl_area_no area)
{
    struct rfl_queue_no next[RFL_LINEAGE_QUEUES_MAX];
    uint32_t count = rfl_lineage_queues(e->policy, from, e->now.wall_ms, next);
    for (uint32_t i = 0; i < count; i++)
        if (rfl_policy_queue(e->policy, next[i])->area.v == area.v)
            return true;
    return false;
}

/* Somebody had put it there, whatever its facts say: who follows the whole area keeps it. Of a divided area the facts
 * may choose among those that follow; else a person decides again. */
static void decide_placed(const struct rfl_engine *e, const struct rfl_case *kase, struct rfl_decision *decision)
{
    const struct rfl_queue *was = rfl_policy_queue(e->policy, kase->queue);
    const struct rfl_area *heir = rfl_lineage_heir(e->policy, was->area, e->now.wall_ms);
    if (heir == NULL && decision->area.v != 0 && follows(e, kase->queue, decision->area))
        return;
    const struct rfl_queue *intake = heir != NULL ? rfl_policy_queue(e->policy, heir->intake) : NULL;
    bool open = intake != NULL && intake->opens_ms <= e->now.wall_ms;
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        decision->step[i].flags &= (uint8_t)~RFL_STEP_CHOSEN;
    decision->key = RFL_KEY_COUNT;
    decision->verdict = open ? RFL_ROUTE_TO : RFL_ROUTE_TRIAGE;
    decision->reason = heir != NULL ? RFL_ROUTE_REASON_AREA_CHANGED : RFL_ROUTE_REASON_AREA_SPLIT_UNDECIDED;
    decision->area.v = heir != NULL ? heir->id.v : 0;
    decision->queue = open ? heir->intake
                           : rfl_policy_triage_of(e->policy, decision->area, e->now.wall_ms)->id;
    decision->retry_ms = 0;
}

bool rfl__home_of(struct rfl_engine *e, const struct rfl_case *kase, struct rfl__home *out)
{
    bool gone = rfl_lineage_gone(e->policy, kase->queue, e->now.wall_ms);
    int64_t changed_ms = rfl_lineage_changed_ms(e->policy, kase->area, e->now.wall_ms);
    struct origin origin;
    if (!waits(kase) || (!gone && changed_ms == 0))
        return false;
    find_origin(e, kase, &origin);
    if (!gone && (!origin.by_facts || origin.placed_ms >= changed_ms))
        return false;
    decide_anew(e, kase, origin.referral, &out->decided);
    if (gone && !origin.by_facts)
        decide_placed(e, kase, &out->decided.decision);
    const struct rfl_decision *decision = &out->decided.decision;
    if (!gone && (decision->area.v == 0 || decision->area.v == kase->area.v))
        return false;
    out->command = (struct rfl_command){ .kind = RFL_DO_REHOME, .decision = decision };
    rfl__where(e, decision->queue, &out->command);
    return true;
}

struct rfl_view rfl__why_desk(const struct rfl_engine *e, struct rfl_queue_no from, const struct rfl_event *event,
                              const struct rfl_decision *decision)
{
    const struct rfl_queue *was = rfl_policy_queue(e->policy, from), *is = rfl_policy_queue(e->policy, event->queue);
    const struct rfl_queue *wanted = rfl_policy_queue(e->policy, decision->queue);
    bool desk_to_desk = was != NULL && was->kind != RFL_QUEUE_KIND_PROVIDER && event->area.v != 0;
    if (is == NULL || is->kind == RFL_QUEUE_KIND_PROVIDER || desk_to_desk)
        return rfl__literal("");
    if (wanted != NULL && wanted->kind == RFL_QUEUE_KIND_PROVIDER)
        return rfl__literal(rfl_route_reason_word(RFL_ROUTE_REASON_AREA_CHANGED));
    return rfl__literal(rfl_route_reason_word((enum rfl_route_reason)decision->reason));
}

/* ---- the move ---- */

/* What this turn has moved, by the queue it left; the daemon logs it after the commit. */
static void note_moved(struct rfl_engine *e, struct rfl_queue_no from, const struct rfl_event *event)
{
    const struct rfl_queue *to = rfl_policy_queue(e->policy, event->queue);
    uint32_t i = 0;
    while (i < e->moves_count && e->moves[i].queue.v != from.v)
        i++;
    if (i == RFL_MOVES_MAX)
        return;                         /* the counters below have it */
    if (i == e->moves_count)
        e->moves[e->moves_count++] = (struct rfl_engine_move){ .queue = from };
    e->moves[i].cases++;
    e->moves[i].to_triage += to == NULL || to->kind != RFL_QUEUE_KIND_PROVIDER;
}

enum rfl_err rfl__bring_home(struct rfl_engine *e, struct rfl_case *kase, bool looked)
{
    struct rfl__home home;
    struct rfl_queue_no from = kase->queue;
    if ((!looked && !rfl_lineage_gone(e->policy, from, e->now.wall_ms)) || !rfl__home_of(e, kase, &home))
        return RFL_E_OK;
    struct rfl_entry entry = { .actor = RFL_ACTOR_CLOCK, .has_decided = true, .decided = home.decided };
    enum rfl_err err = rfl__do(e, kase, &home.command, &entry, (struct rfl_view){ NULL, 0 });
    if (err == RFL_E_INVALID)
        return RFL_E_OK;                /* an operator's diversion leads back to where it is */
    if (err == RFL_E_OK) {
        rfl__count(e, entry.events[0].kind == RFL_EVENT_UNHOMED ? RFL__N_unhomed : RFL__N_rehomed);
        note_moved(e, from, &entry.events[0]);
    }
    return err;
}

/* ---- everybody, when the hour has come ---- */

static bool is_changed(const struct rfl_engine *e, const struct rfl_queue *queue)
{
    return rfl_lineage_changed_ms(e->policy, queue->area, e->now.wall_ms) != 0;
}

/* Where the cases of a queue stand in an index that a sweep walks. */
static struct rfl_order first_of(enum rfl_index index, struct rfl_queue_no queue)
{
    return (struct rfl_order){ index == RFL_INDEX_QUEUE ? (uint64_t)queue.v << 16 : queue.v, 0, 0 };
}

static bool is_of(enum rfl_index index, const struct rfl_order *at, struct rfl_queue_no queue)
{
    return (index == RFL_INDEX_QUEUE ? at->a >> 16 : at->a) == queue.v;
}

bool rfl__walk_next(const struct rfl_engine *e, struct rfl__walk *walk, struct rfl_case_id *out)
{
    struct rfl_order at;
    for (; walk->turn < walk->index_count; walk->turn++, walk->queue = 0, walk->inside = false) {
        enum rfl_index index = walk->index[walk->turn];
        for (; walk->queue < e->policy->queue_count; walk->queue++, walk->inside = false) {
            const struct rfl_queue *queue = &e->policy->queue[walk->queue];
            if (!is_changed(e, queue))
                continue;
            if (!walk->inside)
                walk->from = first_of(index, queue->id);
            walk->inside = true;
            if (!rfl_store_first(e->store, index, &walk->from, &at) || !is_of(index, &at, queue->id))
                continue;
            walk->from = at;
            walk->from.c++;
            *out = (struct rfl_case_id){ at.c };
            return true;
        }
    }
    return false;
}

static struct rfl__walk sweep_walk(void)
{
    return (struct rfl__walk){ .index = { RFL_INDEX_QUEUE, RFL_INDEX_DESK }, .index_count = 2 };
}

void rfl__sweep_again(struct rfl_engine *e)
{
    e->sweep = sweep_walk();
    e->sweep_due_ms = 0;
    e->changed_ms = e->now.wall_ms;
}

int64_t rfl__sweep_due(const struct rfl_engine *e)
{
    struct rfl__walk walk = e->sweep;
    struct rfl_case_id id;
    if (e->sweep_due_ms != 0)
        return e->sweep_due_ms;
    return rfl__walk_next(e, &walk, &id) ? e->now.wall_ms : rfl_lineage_next_ms(e->policy, e->now.wall_ms);
}

/* A case that cannot be read stays where it is, and those behind it are not kept waiting by it. */
void rfl__sweep_areas(struct rfl_engine *e)
{
    struct rfl_case_id id;
    struct rfl_case kase;
    if (e->sweep_due_ms != 0 && e->now.wall_ms < e->sweep_due_ms)
        return;
    if (e->sweep_due_ms != 0)
        rfl__sweep_again(e);
    for (unsigned looked = 0; rfl_store_error(e->store) == RFL_E_OK && rfl__walk_next(e, &e->sweep, &id); looked++) {
        if (rfl_store_case(e->store, id, &kase) == RFL_E_OK && rfl__bring_home(e, &kase, true) != RFL_E_OK)
            return;                     /* the store's error is sticky: commit answers, and the sweep begins again */
        if (looked == SWEPT_A_TURN_MAX) {
            e->leftover = true;
            return;
        }
    }
    e->sweep_due_ms = rfl_lineage_next_ms(e->policy, e->now.wall_ms);
}

/* ---- the workers ---- */

static bool tell_queue(struct rfl_engine *e, const struct rfl__session *s, struct rfl_queue_no queue)
{
    struct rfl_queue_no next[RFL_LINEAGE_QUEUES_MAX];
    uint32_t count = rfl_lineage_queues(e->policy, queue, e->now.wall_ms, next);
    struct rfl_view *names = rfl_arena_take(&e->arena, RFL_LINEAGE_QUEUES_MAX * sizeof *names);
    struct rfl_reply *reply = names != NULL && rfl__may_offer(e) ? rfl__say(e, s->id, RFL_MSG_NOTICE) : NULL;
    if (reply == NULL)
        return false;
    reply->correlation = 0;
    reply->notice.kind = RFL_NOTICE_QUEUE_MOVED;
    reply->notice.queue = rfl__queue_name(e, queue);
    for (uint32_t i = 0; i < count; i++)
        names[reply->notice.moved_to_count++] = rfl__queue_name(e, next[i]);
    reply->notice.moved_to = names;
    return true;
}

static bool tell_session(struct rfl_engine *e, struct rfl__session *s)
{
    for (uint32_t i = 0; i < s->queue_count; i++) {
        const struct rfl_queue *queue = rfl_policy_queue(e->policy, s->queues[i]);
        const struct rfl_area *area = queue != NULL ? rfl_policy_area(e->policy, queue->area) : NULL;
        bool news = area != NULL && area->until_ms <= e->now.wall_ms && area->until_ms > s->told_moved_ms;
        if (news && (!rfl__session_keep(&e->sessions, s->id) || !tell_queue(e, s, s->queues[i])))
            return false;               /* kept: should the turn be undone, it has not been told */
    }
    return true;
}

void rfl__tell_moved(struct rfl_engine *e)
{
    for (uint32_t i = 0; i < e->sessions.count; i++) {
        struct rfl__session *s = &e->sessions.slots[i];
        if (s->holder == 0 || s->told_moved_ms >= e->changed_ms)
            continue;
        if (!tell_session(e, s)) {
            e->leftover = true;
            return;
        }
        s->told_moved_ms = e->now.wall_ms;
    }
}
