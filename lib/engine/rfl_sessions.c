#include "rfl_sessions.h"

#include <stdlib.h>

void rfl__sessions_fini(struct rfl__sessions *sessions)
{
    rfl__sessions_settled(sessions);
    free(sessions->kept);
    for (uint32_t i = 0; i < sessions->count; i++)
        free(sessions->slots[i].queues);
    free(sessions->slots);
    *sessions = (struct rfl__sessions){ 0 };
}

/* Only workers and open mailboxes have a session here, some hundreds at the most; a scan of their ids is a few
 * cache lines and needs no second structure that could disagree. */
struct rfl__session *rfl__session_find(struct rfl__sessions *sessions, uint64_t id)
{
    for (uint32_t i = 0; i < sessions->count; i++)
        if (sessions->slots[i].id == id)
            return &sessions->slots[i];
    return NULL;
}

struct rfl__session *rfl__session_need(struct rfl__sessions *sessions, uint64_t id)
{
    struct rfl__session *found = rfl__session_find(sessions, id);
    if (found != NULL || sessions->count == RFL__SESSIONS_MAX)
        return found;
    if (sessions->count == sessions->cap) {
        uint32_t cap = sessions->cap == 0 ? 16 : 2 * sessions->cap;
        struct rfl__session *slots = realloc(sessions->slots, cap * sizeof *slots);
        if (slots == NULL)
            return NULL;
        sessions->slots = slots;
        sessions->cap = cap;
    }
    found = &sessions->slots[sessions->count++];
    *found = (struct rfl__session){ .id = id };
    return found;
}

struct rfl__session *rfl__session_of_holder(struct rfl__sessions *sessions, uint64_t holder)
{
    for (uint32_t i = 0; i < sessions->count; i++)
        if (sessions->slots[i].holder == holder)
            return &sessions->slots[i];
    return NULL;
}

void rfl__session_drop(struct rfl__sessions *sessions, struct rfl__session *session)
{
    free(session->queues);
    *session = sessions->slots[--sessions->count];
}

/* ---- a turn that may be undone ---- */

static bool is_kept(const struct rfl__sessions *sessions, uint64_t id)
{
    for (uint32_t i = 0; i < sessions->kept_count; i++)
        if (sessions->kept[i].was.id == id)
            return true;
    return false;
}

static bool make_room(struct rfl__sessions *sessions)
{
    if (sessions->kept_count < sessions->kept_cap)
        return true;
    uint32_t cap = sessions->kept_cap == 0 ? 16 : 2 * sessions->kept_cap;
    struct rfl__session_kept *kept = realloc(sessions->kept, cap * sizeof *kept);
    if (kept == NULL)
        return false;
    sessions->kept = kept;
    sessions->kept_cap = cap;
    return true;
}

bool rfl__session_keep(struct rfl__sessions *sessions, uint64_t id)
{
    const struct rfl__session *s = rfl__session_find(sessions, id);
    struct rfl__session_kept kept = { .was = { .id = id }, .existed = s != NULL };
    if (is_kept(sessions, id))
        return true;
    if (!make_room(sessions))
        return false;
    if (s != NULL) {
        kept.was = *s;
        kept.was.queues = NULL;
    }
    if (s != NULL && s->queue_count > 0) {
        kept.was.queues = malloc(s->queue_count * sizeof *s->queues);
        if (kept.was.queues == NULL)
            return false;
        memcpy(kept.was.queues, s->queues, s->queue_count * sizeof *s->queues);
    }
    sessions->kept[sessions->kept_count++] = kept;
    return true;
}

void rfl__session_forget(struct rfl__sessions *sessions, uint64_t id)
{
    for (uint32_t i = 0; i < sessions->kept_count; i++)
        if (sessions->kept[i].was.id == id) {
            free(sessions->kept[i].was.queues);
            sessions->kept[i] = (struct rfl__session_kept){ .existed = false };
        }
}

void rfl__sessions_settled(struct rfl__sessions *sessions)
{
    for (uint32_t i = 0; i < sessions->kept_count; i++)
        free(sessions->kept[i].was.queues);
    sessions->kept_count = 0;
}

/* Who was dropped finds its slot again: slots are never given back. */
void rfl__sessions_put_back(struct rfl__sessions *sessions)
{
    for (uint32_t i = 0; i < sessions->kept_count; i++) {
        struct rfl__session_kept *kept = &sessions->kept[i];
        struct rfl__session *s = rfl__session_find(sessions, kept->was.id);
        if (!kept->existed && s != NULL && kept->was.id != 0)
            rfl__session_drop(sessions, s);
    }
    for (uint32_t i = 0; i < sessions->kept_count; i++) {
        struct rfl__session_kept *kept = &sessions->kept[i];
        struct rfl__session *s = kept->existed ? rfl__session_need(sessions, kept->was.id) : NULL;
        if (s == NULL)
            continue;
        free(s->queues);
        *s = kept->was;
        kept->was.queues = NULL;
    }
    rfl__sessions_settled(sessions);
}
