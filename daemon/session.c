#include "session.h"

#include <stdlib.h>

/* Invariants: a slot is in use exactly when its session is not 0; it is then in the hash once and in the list once,
 * the list runs from heard longest ago to heard last, and free slots are chained through `next`. A session is
 * serial * SESSION_COUNT_MAX + slot with serials counted from 1, so it names its slot and is never repeated. */
enum { NONE = UINT16_MAX, BUCKET_COUNT = 2 * SESSION_COUNT_MAX };
static_assert((int)SESSION_COUNT_MAX < (int)NONE, "a slot number fits 16 bits and leaves one for none");
static_assert((BUCKET_COUNT & (BUCKET_COUNT - 1)) == 0, "buckets are found with a mask");

struct slot {
    uint64_t session;
    int64_t heard_boot_ms;
    struct session_peer peer;
    uint16_t before, next;
};

struct session_table {
    uint64_t serial;
    uint32_t count, count_max;
    uint16_t free, oldest, newest;
    uint16_t bucket[BUCKET_COUNT];
    struct slot slot[];
};

struct session_table *session_table_new(uint32_t count_max)
{
    assert(count_max >= 1 && count_max <= SESSION_COUNT_MAX);
    struct session_table *table = calloc(1, sizeof *table + count_max * sizeof table->slot[0]);
    if (table == NULL)
        return NULL;
    table->count_max = count_max;
    table->oldest = table->newest = NONE;
    memset(table->bucket, 0xff, sizeof table->bucket);
    for (uint32_t i = 0; i < count_max; i++)
        table->slot[i].next = i + 1 < count_max ? (uint16_t)(i + 1) : NONE;
    return table;
}

void session_table_free(struct session_table **table)
{
    free(*table);
    *table = NULL;
}

static uint32_t bucket_of(struct session_peer peer)
{
    uint64_t key = ((uint64_t)peer.socket << 32 | peer.id) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(key >> 40) & (BUCKET_COUNT - 1);
}

static bool same_peer(struct session_peer a, struct session_peer b)
{
    return a.socket == b.socket && a.id == b.id;
}

/* The bucket that holds the peer, or the free one where it would go: at most half are taken, so there is one. */
static uint32_t probe(const struct session_table *table, struct session_peer peer)
{
    uint32_t at = bucket_of(peer);
    while (table->bucket[at] != NONE && !same_peer(table->slot[table->bucket[at]].peer, peer))
        at = (at + 1) & (BUCKET_COUNT - 1);
    return at;
}

/* Closes the gap, so that every later probe still finds what was pushed past it. */
static void bucket_clear(struct session_table *table, uint32_t gap)
{
    uint32_t at = gap;
    for (;;) {
        at = (at + 1) & (BUCKET_COUNT - 1);
        if (table->bucket[at] == NONE)
            break;
        uint32_t home = bucket_of(table->slot[table->bucket[at]].peer);
        if (((at - home) & (BUCKET_COUNT - 1)) >= ((at - gap) & (BUCKET_COUNT - 1))) {
            table->bucket[gap] = table->bucket[at];
            gap = at;
        }
    }
    table->bucket[gap] = NONE;
}

static void list_remove(struct session_table *table, uint16_t at)
{
    struct slot *slot = &table->slot[at];
    if (slot->before != NONE)
        table->slot[slot->before].next = slot->next;
    else
        table->oldest = slot->next;
    if (slot->next != NONE)
        table->slot[slot->next].before = slot->before;
    else
        table->newest = slot->before;
}

static void list_append(struct session_table *table, uint16_t at)
{
    struct slot *slot = &table->slot[at];
    slot->before = table->newest;
    slot->next = NONE;
    if (table->newest != NONE)
        table->slot[table->newest].next = at;
    else
        table->oldest = at;
    table->newest = at;
}

static uint16_t slot_of(const struct session_table *table, uint64_t session)
{
    uint64_t at = session % SESSION_COUNT_MAX;
    return session != 0 && at < table->count_max && table->slot[at].session == session ? (uint16_t)at : NONE;
}

uint64_t session_heard(struct session_table *table, struct session_peer peer, int64_t boot_ms, uint64_t *evicted)
{
    *evicted = 0;
    uint32_t bucket = probe(table, peer);
    uint16_t at = table->bucket[bucket];
    if (at != NONE) {
        if (at != table->newest) {
            list_remove(table, at);
            list_append(table, at);
        }
        table->slot[at].heard_boot_ms = boot_ms;
        return table->slot[at].session;
    }
    if (table->free == NONE) {
        *evicted = table->slot[table->oldest].session;
        session_end(table, *evicted);
        bucket = probe(table, peer);            /* ending one may have moved the free bucket */
    }
    at = table->free;
    struct slot *slot = &table->slot[at];
    table->free = slot->next;
    *slot = (struct slot){ .peer = peer, .heard_boot_ms = boot_ms };
    slot->session = ++table->serial * SESSION_COUNT_MAX + at;
    table->bucket[bucket] = at;
    list_append(table, at);
    table->count++;
    return slot->session;
}

bool session_find(const struct session_table *table, uint64_t session, struct session_peer *out)
{
    uint16_t at = slot_of(table, session);
    if (at == NONE)
        return false;
    *out = table->slot[at].peer;
    return true;
}

void session_end(struct session_table *table, uint64_t session)
{
    uint16_t at = slot_of(table, session);
    if (at == NONE)
        return;
    bucket_clear(table, probe(table, table->slot[at].peer));
    list_remove(table, at);
    table->slot[at] = (struct slot){ .next = table->free };
    table->free = at;
    table->count--;
}

uint64_t session_stale(const struct session_table *table, int64_t boot_ms)
{
    if (table->oldest == NONE || table->slot[table->oldest].heard_boot_ms >= boot_ms)
        return 0;
    return table->slot[table->oldest].session;
}

uint32_t session_count(const struct session_table *table)
{
    return table->count;
}
