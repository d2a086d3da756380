#include "permit.h"

enum who {
    ANYBODY,            /* any key that is good */
    SOURCE,             /* in its own name */
    SOURCE_AT_DOOR,     /* and through one of its doors */
    WORKER,             /* in its own name */
    WORKER_OF_QUEUES,   /* and for its own queues */
    OPERATOR,           /* with the verb, in its own name when it gives one */
    NOBODY              /* we say it, nobody asks it */
};

struct need { enum who who; enum rfl_verb verb; };

#define VERB(name) (struct need){ OPERATOR, RFL_VERB_##name }

/* A switch without a default, so that a new message does not compile before somebody has decided who may ask it. */
static struct need need_of(enum rfl_message_kind kind)
{
    switch (kind) {
    case RFL_MSG_SUBMIT: case RFL_MSG_VALIDATE: case RFL_MSG_AMEND:
        return (struct need){ .who = SOURCE_AT_DOOR };
    case RFL_MSG_STATUS_QUERY: case RFL_MSG_MAILBOX_OPEN: case RFL_MSG_FEEDBACK_ACK: case RFL_MSG_RECONCILE:
    case RFL_MSG_WITHDRAW:
        return (struct need){ .who = SOURCE };
    case RFL_MSG_SUBSCRIBE:
        return (struct need){ .who = WORKER_OF_QUEUES };
    case RFL_MSG_ACCEPT: case RFL_MSG_DECLINE: case RFL_MSG_REDIRECT: case RFL_MSG_DEFER: case RFL_MSG_TOUCH:
    case RFL_MSG_CONTACTED: case RFL_MSG_STARTED: case RFL_MSG_OUTCOME: case RFL_MSG_CLOSE: case RFL_MSG_GOODBYE:
    case RFL_MSG_PING:
        return (struct need){ .who = WORKER };
    case RFL_MSG_ADMIN_STATUS: case RFL_MSG_QUEUE_LIST: case RFL_MSG_LIST: case RFL_MSG_SHOW: case RFL_MSG_EXPLAIN:
        return VERB(READ);
    case RFL_MSG_PLACE: case RFL_MSG_SEND_BACK: case RFL_MSG_HOLD: case RFL_MSG_RELEASE: case RFL_MSG_SHUT:
    case RFL_MSG_LINK: case RFL_MSG_UNLINK:
        return VERB(TRIAGE);
    case RFL_MSG_POLICY_LIST: case RFL_MSG_RETENTION_QUERY: case RFL_MSG_AREA_PLAN: case RFL_MSG_DECISION_QUERY:
        return VERB(READ);
    case RFL_MSG_POLICY_LOAD:
        return VERB(POLICY);
    case RFL_MSG_AUDIT_READ:
        return VERB(AUDIT);
    case RFL_MSG_REVEAL:
        return VERB(REVEAL);
    case RFL_MSG_SUBJECT_FIND: case RFL_MSG_TOLD_QUERY: case RFL_MSG_SUBJECT_ERASE: case RFL_MSG_SUBJECT_HOLD:
    case RFL_MSG_SUBJECT_RELEASE:
        return VERB(SUBJECT);
    case RFL_MSG_QUEUE_SET:
        return VERB(QUEUE);
    case RFL_MSG_KEYS_RELOAD:
        return VERB(KEYS);
    case RFL_MSG_KEY_SHOW:
        return (struct need){ .who = ANYBODY };
    case RFL_MSG_NONE: case RFL_MSG_RECEIPT: case RFL_MSG_REFUSAL: case RFL_MSG_VALIDATED: case RFL_MSG_STATUS_REPORT:
    case RFL_MSG_MAILBOX_OPENED: case RFL_MSG_FEEDBACK: case RFL_MSG_ACKED: case RFL_MSG_RECONCILED:
    case RFL_MSG_CHANGED: case RFL_MSG_SUBSCRIBED: case RFL_MSG_OFFER: case RFL_MSG_RECORD: case RFL_MSG_DONE:
    case RFL_MSG_BYE: case RFL_MSG_PONG: case RFL_MSG_NOTICE: case RFL_MSG_ADMIN_STATE: case RFL_MSG_QUEUES:
    case RFL_MSG_CASES: case RFL_MSG_SHOWN: case RFL_MSG_EXPLAINED: case RFL_MSG_ACTED: case RFL_MSG_KEYS_RELOADED:
    case RFL_MSG_KEY_SHOWN: case RFL_MSG_AUDIT_PAGE: case RFL_MSG_REVEALED: case RFL_MSG_SUBJECT_FOUND:
    case RFL_MSG_TOLD: case RFL_MSG_SUBJECT_DONE: case RFL_MSG_RETENTION: case RFL_MSG_POLICY_LOADED:
    case RFL_MSG_POLICIES: case RFL_MSG_AREA_PLANNED: case RFL_MSG_DECISION: case RFL_MSG_COUNT:
        break;
    }
    return (struct need){ .who = NOBODY };
}

/* A name that may be left out (Ping's, an operator's) is then nobody else's. */
static bool named(const struct rfl_key_entry *entry, enum rfl_key_kind kind, struct rfl_view name)
{
    return entry->kind == kind && (name.len == 0 || rfl_key_is_of(entry, kind, name));
}

static bool all_queues(const struct rfl_keys *keys, const struct rfl_key_entry *entry, const struct rfl_ask *ask)
{
    for (uint32_t i = 0; i < ask->names_count; i++)
        if (!rfl_key_may_use_queue(keys, entry, ask->names[i]))
            return false;
    return true;
}

static bool may(const struct rfl_keys *keys, const struct rfl_key_entry *entry, const struct rfl_ask *ask)
{
    struct need need = need_of((enum rfl_message_kind)ask->kind);
    switch (need.who) {
    case ANYBODY: return true;
    case SOURCE: return named(entry, RFL_KEY_SOURCE, ask->source);
    case SOURCE_AT_DOOR:
        return named(entry, RFL_KEY_SOURCE, ask->source) && rfl_key_may_use_door(entry, (enum rfl_door)ask->form.door);
    case WORKER: return named(entry, RFL_KEY_WORKER, ask->worker);
    case WORKER_OF_QUEUES: return named(entry, RFL_KEY_WORKER, ask->worker) && all_queues(keys, entry, ask);
    case OPERATOR: return named(entry, RFL_KEY_OPERATOR, ask->operator_name) && rfl_key_may(entry, need.verb);
    case NOBODY: break;
    }
    return false;
}

enum rfl_code permit(const struct rfl_keys *keys, const struct rfl_key_entry *entry, struct rfl_ask *ask)
{
    if (!may(keys, entry, ask))
        return RFL_CODE_NOT_PERMITTED;
    if (entry->kind == RFL_KEY_OPERATOR && ask->operator_name.len == 0)
        ask->operator_name = (struct rfl_view){ (const uint8_t *)entry->who, strlen(entry->who) };
    return RFL_CODE_OK;
}
