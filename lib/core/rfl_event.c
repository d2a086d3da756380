#include "rfl_event.h"

#include "rfl_wordlist.h"

RFL_WORD_BODIES(EVENT, event_kind, RFL_EVENT_LIST)

uint32_t rfl_event_fields(enum rfl_event_kind kind)
{
    enum { Q = RFL_HAS_QUEUE, A = RFL_HAS_AREA, C = RFL_HAS_CLOCK, B = RFL_HAS_ACCEPT_BY, S = RFL_HAS_SINCE,
           T = RFL_HAS_TOKEN, H = RFL_HAS_HOLDER, R = RFL_HAS_REASON, O = RFL_HAS_CODE, L = RFL_HAS_LEVEL,
           N = RFL_HAS_TOLD };
    static const uint32_t fields[RFL_EVENT_COUNT] = {
        [RFL_EVENT_RECEIVED] = RFL_HAS_SUBMISSION | RFL_HAS_BAND,
        [RFL_EVENT_JOINED] = RFL_HAS_SUBMISSION | RFL_HAS_BAND,
        [RFL_EVENT_ROUTED] = Q | A | C | B | S | R,
        [RFL_EVENT_UNPLACED] = Q | A | C | R,
        [RFL_EVENT_HELD] = Q | A | C | R,
        [RFL_EVENT_OFFERED] = C | T | H,
        [RFL_EVENT_TOUCHED] = C,
        [RFL_EVENT_LAPSED] = C,
        [RFL_EVENT_RETURNED] = C,
        [RFL_EVENT_ACCEPTED] = C | N,
        [RFL_EVENT_DECLINED] = C | R,
        [RFL_EVENT_REDIRECTED] = R | N,
        [RFL_EVENT_DEFERRED] = C,
        [RFL_EVENT_RELEASED] = 0,
        [RFL_EVENT_CONTACTED] = C | O,
        [RFL_EVENT_TRIED] = O,
        [RFL_EVENT_STARTED] = C | N,
        [RFL_EVENT_OUTCOME] = C | O | N,
        [RFL_EVENT_CLOSED] = R | N,
        [RFL_EVENT_ESCALATED] = C | L,
        [RFL_EVENT_PARKED] = C,
        [RFL_EVENT_MAILBOX_ACKED] = RFL_HAS_UPTO,
        [RFL_EVENT_EPOCH_STARTED] = T,
        [RFL_EVENT_POLICY_LOADED] = RFL_HAS_DIGEST,
    };
    return (unsigned)kind < RFL_EVENT_COUNT ? fields[kind] : 0;
}
