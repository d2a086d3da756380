#include "fair.h"

#include <stdlib.h>

/* Times are in us of the loop's work. A key's `start` is where the work on its first message begins, `due` is where
 * that will end if it takes as long as its last one did, and `finish` is where its work ended so far. `now` is where
 * the work is that everybody had an equal part of: a key that is behind it begins at it, so that time in which it asked
 * for nothing is not saved up. */
enum { NONE = UINT16_MAX, FLOWS = RFL_KEYS_MAX, BUCKETS = 8192, WAIT_MS_MIN = 10 };
static_assert((BUCKETS & (BUCKETS - 1)) == 0, "buckets are found with a mask");
static_assert((int)FAIR_MESSAGES_MAX < (int)NONE && (int)FLOWS < (int)NONE, "16 bits, and one left for none");

struct node { struct fair_message message; zmq_msg_t payload; uint16_t next; };

struct flow {
    struct rfl_curve_key key;
    uint64_t start, due, finish;
    uint64_t serial;                    /* of two that are due together, who came first */
    uint64_t last_us;                   /* what its last message took */
    uint16_t first, last;               /* messages; NONE: nothing waits, and it is not in the heap */
    uint16_t heap_at;
    uint16_t next;                      /* in its bucket, or free */
    uint32_t count;
    uint64_t bytes;
};

/* Flows with messages, the one that is due first on top. */
struct heap { uint16_t count, at[FLOWS]; };

struct fair {
    uint64_t now, last_finish, serial, turn_us;
    uint64_t begun_us, others_us;       /* by the clock: this turn; the last time that no long message was served */
    uint64_t long_us;                   /* by the clock: no long message before that, while others are about */
    uint32_t count;
    uint64_t bytes;
    uint16_t served;                    /* the flow of the last fair_next; NONE: fair_spent was told */
    uint16_t free_node, free_flow;
    uint16_t fresh_node;                /* those from here on were never used */
    struct heap short_ones, long_ones;  /* by what the last message of each took */
    uint16_t bucket[BUCKETS];
    struct flow flow[FLOWS];
    struct node node[FAIR_MESSAGES_MAX];
};

struct fair *fair_new(void)
{
    struct fair *fair = calloc(1, sizeof *fair);
    if (fair == NULL)
        return NULL;
    fair->free_node = NONE;
    memset(fair->bucket, 0xff, sizeof fair->bucket);
    for (uint16_t i = 0; i < FLOWS; i++)
        fair->flow[i].next = i + 1 < FLOWS ? (uint16_t)(i + 1) : NONE;
    fair->served = NONE;
    return fair;
}

static void drop(struct fair *fair, const struct heap *heap)
{
    for (uint16_t i = 0; i < heap->count; i++)
        for (uint16_t n = fair->flow[heap->at[i]].first; n != NONE; n = fair->node[n].next)
            (void)zmq_msg_close(&fair->node[n].payload);
}

void fair_free(struct fair **fair)
{
    if (*fair != NULL) {
        drop(*fair, &(*fair)->short_ones);
        drop(*fair, &(*fair)->long_ones);
    }
    free(*fair);
    *fair = NULL;
}

/* ---- the heaps ---- */

static bool is_long(const struct flow *f) { return f->last_us > FAIR_LONG_MESSAGE_US; }

static struct heap *heap_of(struct fair *fair, const struct flow *f)
{
    return is_long(f) ? &fair->long_ones : &fair->short_ones;
}

static bool before(const struct fair *fair, uint16_t x, uint16_t y)
{
    const struct flow *a = &fair->flow[x], *b = &fair->flow[y];
    return a->due != b->due ? a->due < b->due : a->serial < b->serial;
}

static void place(struct fair *fair, struct heap *heap, uint16_t at, uint16_t flow)
{
    heap->at[at] = flow;
    fair->flow[flow].heap_at = at;
}

static void rise(struct fair *fair, struct heap *heap, uint16_t flow)
{
    uint16_t at = fair->flow[flow].heap_at;
    for (uint16_t up; at > 0 && (up = (uint16_t)((at - 1) / 2), before(fair, flow, heap->at[up])); at = up)
        place(fair, heap, at, heap->at[up]);
    place(fair, heap, at, flow);
}

static void sink(struct fair *fair, struct heap *heap, uint16_t flow)
{
    uint16_t at = fair->flow[flow].heap_at;
    for (uint32_t down; (down = 2u * at + 1) < heap->count; at = (uint16_t)down) {
        if (down + 1 < heap->count && before(fair, heap->at[down + 1], heap->at[down]))
            down++;
        if (!before(fair, heap->at[down], flow))
            break;
        place(fair, heap, at, heap->at[down]);
    }
    place(fair, heap, at, flow);
}

static void enter(struct fair *fair, uint16_t flow)
{
    struct heap *heap = heap_of(fair, &fair->flow[flow]);
    place(fair, heap, heap->count++, flow);
    rise(fair, heap, flow);
}

static void leave(struct fair *fair, uint16_t flow)
{
    struct heap *heap = heap_of(fair, &fair->flow[flow]);
    uint16_t at = fair->flow[flow].heap_at, last = heap->at[--heap->count];
    if (last == flow)
        return;
    place(fair, heap, at, last);
    rise(fair, heap, last);
    sink(fair, heap, last);
}

/* ---- flows by key ---- */

static uint16_t *bucket_of(struct fair *fair, const struct rfl_curve_key *key)
{
    uint32_t at;
    memcpy(&at, key->b, sizeof at);
    return &fair->bucket[at & (BUCKETS - 1)];
}

/* Those who wait for nothing and have had no more than their part are strangers again. */
static void forget_idle(struct fair *fair)
{
    for (uint32_t b = 0; b < BUCKETS; b++)
        for (uint16_t *link = &fair->bucket[b], flow; (flow = *link) != NONE; ) {
            struct flow *f = &fair->flow[flow];
            if (f->first != NONE || f->finish > fair->now) {
                link = &f->next;
                continue;
            }
            *link = f->next;
            f->next = fair->free_flow;
            fair->free_flow = flow;
        }
}

/* NONE: too many. */
static uint16_t flow_of(struct fair *fair, const struct rfl_curve_key *key)
{
    uint16_t *bucket = bucket_of(fair, key), flow;
    for (flow = *bucket; flow != NONE; flow = fair->flow[flow].next)
        if (memcmp(&fair->flow[flow].key, key, sizeof *key) == 0)
            return flow;
    if (fair->free_flow == NONE)
        forget_idle(fair);
    if ((flow = fair->free_flow) == NONE)
        return NONE;
    fair->free_flow = fair->flow[flow].next;
    fair->flow[flow] = (struct flow){ .key = *key, .first = NONE, .last = NONE, .next = *bucket };
    *bucket = flow;
    return flow;
}

/* ---- messages ---- */

static bool has_room(const struct fair *fair, const struct flow *f, size_t bytes)
{
    return f->count < (FAIR_MESSAGES_MAX - fair->count) / FAIR_KEY_PART
        && f->bytes + bytes <= (FAIR_BYTES_MAX - fair->bytes) / FAIR_KEY_PART;
}

/* Behind what the key has waiting already, or as a flow of its own at the end of its work so far. */
static void append(struct fair *fair, uint16_t flow, uint16_t n)
{
    struct flow *f = &fair->flow[flow];
    if (f->first == NONE) {
        f->first = n;
        f->start = f->finish > fair->now ? f->finish : fair->now;
        f->due = f->start + f->last_us;
        f->serial = ++fair->serial;
        enter(fair, flow);
    } else {
        fair->node[f->last].next = n;
    }
    f->last = n;
}

bool fair_put(struct fair *fair, const struct fair_message *message, zmq_msg_t *payload, uint32_t *wait_ms)
{
    assert(fair->served == NONE);
    if (fair->count == 0)
        fair->now = fair->last_finish;          /* nobody waits: all begin as equals */
    size_t bytes = zmq_msg_size(payload);
    uint16_t flow = flow_of(fair, &message->key);
    struct flow *f = flow != NONE ? &fair->flow[flow] : NULL;
    if (f == NULL || !has_room(fair, f, bytes)) {
        int64_t waited_ms = f != NULL && f->first != NONE
                            ? message->put_boot_ms - fair->node[f->first].message.put_boot_ms : 0;
        *wait_ms = waited_ms > WAIT_MS_MIN ? (uint32_t)waited_ms : WAIT_MS_MIN;
        return false;
    }
    uint16_t n = fair->free_node != NONE ? fair->free_node : fair->fresh_node++;
    struct node *node = &fair->node[n];
    if (n == fair->free_node)
        fair->free_node = node->next;
    node->message = *message;
    node->next = NONE;
    (void)zmq_msg_init(&node->payload);
    (void)zmq_msg_move(&node->payload, payload);
    append(fair, flow, n);
    f->count++;
    f->bytes += bytes;
    fair->count++;
    fair->bytes += bytes;
    return true;
}

void fair_begin(struct fair *fair, uint64_t now_us)
{
    fair->begun_us = now_us;
    fair->turn_us = 0;
}

/* The time of the long ones, by the clock: their next part, or when nobody else is about. */
static uint64_t long_from_us(const struct fair *fair)
{
    uint64_t alone_us = fair->others_us + FAIR_ABOUT_US;
    return fair->long_us < alone_us ? fair->long_us : alone_us;
}

/* NONE: no message for now. */
static uint16_t next_flow(const struct fair *fair)
{
    uint16_t short_one = fair->short_ones.count > 0 ? fair->short_ones.at[0] : NONE;
    uint16_t long_one = fair->long_ones.count > 0 ? fair->long_ones.at[0] : NONE;
    if (fair->turn_us >= FAIR_TURN_US)
        return NONE;
    if (long_one == NONE || fair->begun_us < long_from_us(fair)
        || (short_one != NONE && before(fair, short_one, long_one)))
        return short_one;
    return fair->turn_us == 0 ? long_one : NONE;
}

bool fair_next(struct fair *fair, struct fair_message *out, zmq_msg_t *payload)
{
    assert(fair->served == NONE);
    uint16_t flow = next_flow(fair);
    if (flow == NONE)
        return false;
    struct flow *f = &fair->flow[flow];
    uint16_t n = f->first;
    struct node *node = &fair->node[n];
    size_t bytes = zmq_msg_size(&node->payload);
    *out = node->message;
    (void)zmq_msg_move(payload, &node->payload);
    (void)zmq_msg_close(&node->payload);
    f->count--;
    f->bytes -= bytes;
    fair->count--;
    fair->bytes -= bytes;
    f->first = node->next;
    node->next = fair->free_node;
    fair->free_node = n;
    fair->now = f->start > fair->now ? f->start : fair->now;
    fair->served = flow;
    return true;
}

/* The us more: whatever costs nothing by the clock must not come for nothing. */
void fair_spent(struct fair *fair, uint64_t spent_us)
{
    assert(fair->served != NONE);
    struct flow *f = &fair->flow[fair->served];
    leave(fair, fair->served);
    f->last_us = spent_us + 1;
    f->finish = f->start += f->last_us;
    f->due = f->finish + f->last_us;
    if (f->finish > fair->last_finish)
        fair->last_finish = f->finish;
    if (f->first != NONE)
        enter(fair, fair->served);
    fair->served = NONE;
    if (is_long(f)) {
        fair->turn_us = FAIR_TURN_US;
        fair->long_us = fair->begun_us + FAIR_LONG_PART * f->last_us;
    } else {
        fair->turn_us += f->last_us;
        fair->others_us = fair->begun_us;
    }
}

uint64_t fair_ready_us(const struct fair *fair)
{
    if (fair->count == 0)
        return UINT64_MAX;
    return fair->short_ones.count > 0 ? 0 : long_from_us(fair);
}

uint32_t fair_count(const struct fair *fair) { return fair->count; }
