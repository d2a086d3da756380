#include "rfl_sessions.h"

#include <stdlib.h>

void rfl__sessions_fini(struct rfl__sessions *sessions)
{
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
