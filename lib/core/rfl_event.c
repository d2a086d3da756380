#include "rfl_event.h"

#include "rfl_wordlist.h"

RFL_WORD_BODIES(EVENT, event_kind, RFL_EVENT_LIST)

uint32_t rfl_event_fields(enum rfl_event_kind kind)
{
    enum { Q = RFL_HAS_QUEUE, A = RFL_HAS_AREA, C = RFL_HAS_CLOCK, B = RFL_HAS_ACCEPT_BY, S = RFL_HAS_SINCE,
           T = RFL_HAS_TOKEN, H = RFL_HAS_HOLDER, R = RFL_HAS_REASON, O = RFL_HAS_CODE, L = RFL_HAS_LEVEL,
           N = RFL_HAS_TOLD, W = RFL_HAS_WARN, X = RFL_HAS_OTHER, U = RFL_HAS_UNTIL, F = RFL_HAS_REFERRAL };
    static const uint32_t fields[RFL_EVENT_COUNT] = {
        [RFL_EVENT_RECEIVED] = RFL_HAS_SUBMISSION | RFL_HAS_BAND | X,
        [RFL_EVENT_JOINED] = RFL_HAS_SUBMISSION | RFL_HAS_BAND,
        [RFL_EVENT_ROUTED] = Q | A | C | B | S | R | W,
        [RFL_EVENT_UNPLACED] = Q | A | C | R | L | W,
        [RFL_EVENT_HELD] = Q | A | C | R | W | N,
        [RFL_EVENT_OFFERED] = C | T | H,
        [RFL_EVENT_TOUCHED] = C,
        [RFL_EVENT_LAPSED] = C,
        [RFL_EVENT_RETURNED] = C,
        [RFL_EVENT_ACCEPTED] = C | W | N,
        [RFL_EVENT_DECLINED] = C | R | W,
        [RFL_EVENT_REDIRECTED] = R | N,
        [RFL_EVENT_DEFERRED] = C | W,
        [RFL_EVENT_RELEASED] = 0,
        [RFL_EVENT_CONTACTED] = C | O | W,
        [RFL_EVENT_TRIED] = O,
        [RFL_EVENT_STARTED] = C | O | L | W | N,
        [RFL_EVENT_OUTCOME] = C | O | W | N,
        [RFL_EVENT_CLOSED] = R | U | N,
        [RFL_EVENT_ESCALATED] = C | L | W | N,
        [RFL_EVENT_PARKED] = C | W,
        [RFL_EVENT_MAILBOX_ACKED] = RFL_HAS_UPTO,
        [RFL_EVENT_EPOCH_STARTED] = T,
        [RFL_EVENT_POLICY_LOADED] = RFL_HAS_DIGEST,
        [RFL_EVENT_WARNED] = L | N,
        [RFL_EVENT_MOVED] = 0,
        [RFL_EVENT_SENT_BACK] = 0,
        [RFL_EVENT_AMENDED] = F | RFL_HAS_SUBMISSION | RFL_HAS_BAND,
        [RFL_EVENT_WITHDRAWN] = F | R | N,
        [RFL_EVENT_PAUSED] = C | W,
        [RFL_EVENT_RESEMBLED] = X,
        [RFL_EVENT_LINKED] = X,
        [RFL_EVENT_UNLINKED] = X,
        [RFL_EVENT_QUEUE_SET] = Q | O | U | X | RFL_HAS_UPTO,
        [RFL_EVENT_ERASED] = 0,
        [RFL_EVENT_KEPT] = 0,
        [RFL_EVENT_UNKEPT] = 0,
        [RFL_EVENT_REVEALED] = 0,
        [RFL_EVENT_REHOMED] = Q | A | R,
        [RFL_EVENT_UNHOMED] = Q | A | R,
        [RFL_EVENT_PUT_OFF] = U,
    };
    return (unsigned)kind < RFL_EVENT_COUNT ? fields[kind] : 0;
}

enum rfl_disclosed rfl_event_disclosed(enum rfl_event_kind kind)
{
    static const uint8_t one_more[RFL_EVENT_COUNT] = {
        [RFL_EVENT_HELD] = RFL_DISCLOSED_HELD + 1, [RFL_EVENT_WARNED] = RFL_DISCLOSED_WAITING + 1,
        [RFL_EVENT_ESCALATED] = RFL_DISCLOSED_WAITING + 1, [RFL_EVENT_ACCEPTED] = RFL_DISCLOSED_ACCEPTED + 1,
        [RFL_EVENT_REDIRECTED] = RFL_DISCLOSED_REDIRECTED + 1, [RFL_EVENT_STARTED] = RFL_DISCLOSED_STARTED + 1,
        [RFL_EVENT_OUTCOME] = RFL_DISCLOSED_OUTCOME + 1, [RFL_EVENT_CLOSED] = RFL_DISCLOSED_CLOSED_OTHER + 1,
        [RFL_EVENT_WITHDRAWN] = RFL_DISCLOSED_CLOSED_OTHER + 1 };
    if ((unsigned)kind >= RFL_EVENT_COUNT || one_more[kind] == 0)
        return RFL_DISCLOSED_COUNT;
    return (enum rfl_disclosed)(one_more[kind] - 1);
}

enum rfl_notify rfl_event_notify(enum rfl_event_kind kind)
{
    switch (rfl_event_disclosed(kind)) {
    case RFL_DISCLOSED_HELD:
    case RFL_DISCLOSED_WAITING: return RFL_NOTIFY_WAITING;
    case RFL_DISCLOSED_ACCEPTED: return RFL_NOTIFY_ACCEPTED;
    case RFL_DISCLOSED_REDIRECTED: return RFL_NOTIFY_MOVED;
    case RFL_DISCLOSED_STARTED:
    case RFL_DISCLOSED_OUTCOME: return RFL_NOTIFY_PROGRESS;
    case RFL_DISCLOSED_CLOSED_PERSON:
    case RFL_DISCLOSED_CLOSED_SERVICE:
    case RFL_DISCLOSED_CLOSED_OTHER: return RFL_NOTIFY_CLOSED;
    case RFL_DISCLOSED_COUNT: break;
    }
    return RFL_NOTIFY_COUNT;
}
