/* rfl_sessions.h: what the engine remembers of a connection while it lasts. Nothing here outlives the process; every
 * decision that must is in the store. Internal to lib/engine. */
#ifndef RFL_SESSIONS_H
#define RFL_SESSIONS_H

#include "rfl_message.h"

enum { RFL__SESSIONS_MAX = 16384 };

struct rfl__session {
    uint64_t id;                        /* 0: a free slot */
    int64_t heard_ms;
    /* a worker's */
    uint64_t holder;                    /* rfl_holder_of its name; 0: no subscription */
    struct rfl_queue_no *queues;        /* owned */
    uint32_t queue_count, queue_next;   /* where the next look for work begins */
    uint32_t credit, outstanding;
    uint64_t seen_queue_changes;        /* nothing was waiting for it at this value of the engine's count */
    int64_t told_moved_ms;              /* which queues had ended until then, it has been told; 0: of none */
    bool recount;                       /* outstanding must be counted again from the store */
    uint8_t worker_len;
    char worker[RFL_NAME_BYTES_MAX];
    /* an adapter's */
    struct rfl_source_no mailbox;       /* 0: not open */
    uint32_t mailbox_credit;
    uint64_t mailbox_from;              /* opened after this sequence: up to it nothing counts as in flight */
    uint64_t mailbox_sent;              /* sequence sent last */
    uint64_t seen_mail_changes;
};

/* A session as it was when the turn began, with queues of its own; id 0: forgotten. */
struct rfl__session_kept { struct rfl__session was; bool existed; };

struct rfl__sessions {
    struct rfl__session_kept *kept;     /* what this turn has changed */
    uint32_t kept_count, kept_cap;
    struct rfl__session *slots;         /* dense; order is not kept */
    uint32_t count, cap, turn;          /* turn: whose turn it is to be looked at first */
};

void rfl__sessions_fini(struct rfl__sessions *sessions);
/* NULL: not there. */
struct rfl__session *rfl__session_find(struct rfl__sessions *sessions, uint64_t id);
/* Finds or adds; NULL: RFL__SESSIONS_MAX are there, or out of memory. Pointers to sessions move when one is added or
 * dropped. */
struct rfl__session *rfl__session_need(struct rfl__sessions *sessions, uint64_t id);
/* The session that has this worker's subscription; NULL: none. */
struct rfl__session *rfl__session_of_holder(struct rfl__sessions *sessions, uint64_t holder);
void rfl__session_drop(struct rfl__sessions *sessions, struct rfl__session *session);

/* Before a session is changed, made or dropped by what a turn may undo: remembers how it was, once a turn. False: no
 * memory, and nothing may be changed. */
RFL_MUST_USE bool rfl__session_keep(struct rfl__sessions *sessions, uint64_t id);
/* The connection is gone: whatever becomes of the turn, its session does not come back. */
void rfl__session_forget(struct rfl__sessions *sessions, uint64_t id);
/* The turn is durable: what was is forgotten. Or it was undone: sessions are as they were. */
void rfl__sessions_settled(struct rfl__sessions *sessions);
void rfl__sessions_put_back(struct rfl__sessions *sessions);

#endif
