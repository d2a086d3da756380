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

struct fair {
    uint64_t now, last_finish, serial, turn_us;
    uint32_t count;
    uint64_t bytes;
    uint16_t served;                    /* the flow of the last fair_next; NONE: fair_spent was told */
    uint16_t free_node, free_flow;
    uint16_t fresh_node;                /* those from here on were never used */
    uint16_t heap_count;
    uint16_t bucket[BUCKETS];
    uint16_t heap[FLOWS];       /* flows with messages, the one that is due first on top */
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

void fair_free(struct fair **fair_io)
{
    struct fair *fair = *fair_io;
    for (uint16_t i = 0; fair != NULL && i < fair->heap_count; i++)
        for (uint16_t n = fair->flow[fair->heap[i]].first; n != NONE; n = fair->node[n].next)
            (void)zmq_msg_close(&fair->node[n].payload);
    free(fair);
    *fair_io = NULL;
}

/* ---- the heap ---- */

static bool before(const struct fair *fair, uint16_t x, uint16_t y)
{
    const struct flow *a = &fair->flow[x], *b = &fair->flow[y];
    return a->due != b->due ? a->due < b->due : a->serial < b->serial;
}

static void place(struct fair *fair, uint16_t at, uint16_t flow)
{
    fair->heap[at] = flow;
    fair->flow[flow].heap_at = at;
}

static void rise(struct fair *fair, uint16_t flow)
{
    uint16_t at = fair->flow[flow].heap_at;
    for (uint16_t up; at > 0 && (up = (uint16_t)((at - 1) / 2), before(fair, flow, fair->heap[up])); at = up)
        place(fair, at, fair->heap[up]);
    place(fair, at, flow);
}

static void sink(struct fair *fair, uint16_t flow)
{
    uint16_t at = fair->flow[flow].heap_at;
    for (uint32_t down; (down = 2u * at + 1) < fair->heap_count; at = (uint16_t)down) {
        if (down + 1 < fair->heap_count && before(fair, fair->heap[down + 1], fair->heap[down]))
            down++;
        if (!before(fair, fair->heap[down], flow))
            break;
        place(fair, at, fair->heap[down]);
    }
    place(fair, at, flow);
}

static void leave_heap(struct fair *fair, uint16_t flow)
{
    uint16_t at = fair->flow[flow].heap_at, last = fair->heap[--fair->heap_count];
    if (last == flow)
        return;
    place(fair, at, last);
    rise(fair, last);
    sink(fair, last);
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
        f->heap_at = fair->heap_count++;
        rise(fair, flow);
    } else {
        fair->node[f->last].next = n;
    }
    f->last = n;
}

bool fair_put(struct fair *fair, const struct fair_message *message, zmq_msg_t *payload, uint32_t *wait_ms)
{
    assert(fair->served == NONE);
    if (fair->heap_count == 0)
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

static bool is_long(const struct flow *f) { return f->last_us > FAIR_LONG_MESSAGE_US; }

void fair_begin(struct fair *fair) { fair->turn_us = 0; }

bool fair_next(struct fair *fair, struct fair_message *out, zmq_msg_t *payload)
{
    assert(fair->served == NONE);
    struct flow *f = &fair->flow[fair->heap[0]];
    if (fair->heap_count == 0 || fair->turn_us >= FAIR_TURN_US || (fair->turn_us > 0 && is_long(f)))
        return false;
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
    fair->served = fair->heap[0];
    return true;
}

/* The us more: whatever costs nothing by the clock must not come for nothing. */
void fair_spent(struct fair *fair, uint64_t spent_us)
{
    assert(fair->served != NONE);
    struct flow *f = &fair->flow[fair->served];
    f->last_us = spent_us + 1;
    f->finish = f->start += f->last_us;
    f->due = f->finish + f->last_us;
    if (f->finish > fair->last_finish)
        fair->last_finish = f->finish;
    if (f->first == NONE)
        leave_heap(fair, fair->served);
    else
        sink(fair, fair->served);
    fair->served = NONE;
    fair->turn_us = is_long(f) ? FAIR_TURN_US : fair->turn_us + f->last_us;
}

uint32_t fair_count(const struct fair *fair) { return fair->count; }
