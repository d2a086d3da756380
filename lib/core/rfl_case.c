#include "rfl_case.h"

static bool exists(const struct rfl_case *kase) { return kase->status != RFL_STATUS_NONE; }

int64_t rfl_case_next_ms(const struct rfl_case *kase)
{
    if (kase->clock == RFL_CLOCK_LEASE)
        return kase->due_ms;        /* the warnings are of the clock behind it, which speaks again when it is back */
    if (kase->warned == 0 && kase->half_ms != 0)
        return kase->half_ms;
    return kase->warned < 2 && kase->most_ms != 0 ? kase->most_ms : kase->due_ms;
}

static bool held_by_worker(enum rfl_status status)
{
    return status == RFL_STATUS_OFFERED || status == RFL_STATUS_ACCEPTED ||
           status == RFL_STATUS_WAITING_ON_PERSON || status == RFL_STATUS_ACTIVE;
}

void rfl_keys_of(const struct rfl_case *kase, struct rfl_keys *out)
{
    memset(out, 0, sizeof *out);
    if (!exists(kase))
        return;
    if (kase->linked_to.v != 0) {
        out->has[RFL_INDEX_LINKED] = true;
        out->order[RFL_INDEX_LINKED] = (struct rfl_order){ kase->linked_to.v, 0, kase->id.v };
        return;
    }
    if (kase->status == RFL_STATUS_QUEUED) {
        out->has[RFL_INDEX_QUEUE] = true;
        out->order[RFL_INDEX_QUEUE] = (struct rfl_order){
            (uint64_t)kase->queue.v << 16 | (uint64_t)kase->band << 8 | kase->door, (uint64_t)kase->since_ms,
            kase->id.v };
    }
    if (kase->clock != RFL_CLOCK_NONE) {
        out->has[RFL_INDEX_DUE] = true;
        out->order[RFL_INDEX_DUE] = (struct rfl_order){ (uint64_t)rfl_case_next_ms(kase), kase->clock, kase->id.v };
    }
    if (kase->status == RFL_STATUS_OFFERED) {
        out->has[RFL_INDEX_HOLDER] = true;
        out->order[RFL_INDEX_HOLDER] = (struct rfl_order){ kase->holder, 0, kase->id.v };
    }
    if (kase->status == RFL_STATUS_TRIAGE || kase->status == RFL_STATUS_ON_HOLD ||
        kase->status == RFL_STATUS_DECLINING) {
        out->has[RFL_INDEX_DESK] = true;
        out->order[RFL_INDEX_DESK] = (struct rfl_order){ kase->queue.v, 0, kase->id.v };
    }
    if (held_by_worker((enum rfl_status)kase->status)) {
        out->has[RFL_INDEX_WORK] = true;
        out->order[RFL_INDEX_WORK] = (struct rfl_order){ kase->queue.v, 0, kase->id.v };
    }
}

static int compare_u64(uint64_t x, uint64_t y) { return (x > y) - (x < y); }

int rfl_order_compare(const struct rfl_order *x, const struct rfl_order *y)
{
    int c = compare_u64(x->a, y->a);
    if (c == 0)
        c = compare_u64(x->b, y->b);
    return c != 0 ? c : compare_u64(x->c, y->c);
}

uint64_t rfl_holder_of(struct rfl_view worker)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < worker.len; i++)
        h = (h ^ worker.p[i]) * UINT64_C(0x100000001B3);
    return h != 0 ? h : 1;
}

/* Which clocks may run in a status: bit 1 << enum rfl_clock. Escalation replaces the clock of any status that waits on
 * an owner, never a lease (an offer that is not answered lapses instead) and never a hold's stated end. */
static uint32_t clocks_of(enum rfl_status status)
{
    enum { ESC = 1 << RFL_CLOCK_ESCALATED };
    switch (status) {
    case RFL_STATUS_NONE: return 1u << RFL_CLOCK_NONE;
    case RFL_STATUS_RECEIVED: break;        /* between two events of one entry only */
    case RFL_STATUS_TRIAGE: return 1u << RFL_CLOCK_TRIAGE | ESC;
    case RFL_STATUS_ON_HOLD: return 1u << RFL_CLOCK_HOLD | 1u << RFL_CLOCK_CONSENT | 1u << RFL_CLOCK_PARKED | ESC;
    case RFL_STATUS_QUEUED: return 1u << RFL_CLOCK_ACCEPT | ESC;
    case RFL_STATUS_OFFERED: return 1u << RFL_CLOCK_LEASE;
    case RFL_STATUS_DECLINING: return 1u << RFL_CLOCK_DECLINE | ESC;
    case RFL_STATUS_ACCEPTED: return 1u << RFL_CLOCK_CONTACT | ESC;
    case RFL_STATUS_WAITING_ON_PERSON: return 1u << RFL_CLOCK_FOLLOW_UP | ESC;
    case RFL_STATUS_ACTIVE: return 1u << RFL_CLOCK_OUTCOME_FIRST | 1u << RFL_CLOCK_OUTCOME_LATER | ESC;
    case RFL_STATUS_CLOSED: return 1u << RFL_CLOCK_NONE;
    case RFL_STATUS_COUNT: break;
    }
    return 0;
}

/* The rules of what an overlay may be: warnings of a clock, links, what was counted. */
static const char *overlay_broken(const struct rfl_case *kase)
{
    int64_t end_ms = kase->clock == RFL_CLOCK_LEASE ? kase->accept_by_ms : kase->due_ms;
    if (kase->warned > 2 || kase->half_ms < 0 || kase->half_ms > kase->most_ms || kase->most_ms > end_ms ||
        (kase->half_ms == 0) != (kase->most_ms == 0))
        return "a clock's warnings lie before its end, in their order";
    if (kase->withdrawn_count > kase->referral_count)
        return "no more referrals are taken back than were sent";
    if (kase->linked_to.v == kase->id.v || kase->previous.v >= kase->id.v)
        return "a case is not linked to itself, and the episode before is an earlier case";
    if (!kase->erased &&
        (kase->linked_to.v != 0 && kase->status == RFL_STATUS_CLOSED) != (kase->close == RFL_CLOSE_JOINED_OTHER_CASE))
        return "a closed case rests on another only where it was closed with that one";
    if ((kase->status == RFL_STATUS_CLOSED) != (kase->closed_ms != 0) ||
        (kase->quiet_until_ms != 0 && kase->close != RFL_CLOSE_PERSON_DECLINED))
        return "a closed case says since when, and only a person's no asks for quiet";
    if (kase->kept > 1 || kase->erased > 1 ||
        (kase->erased && (kase->kept || kase->status != RFL_STATUS_CLOSED || kase->linked_to.v != 0 ||
                          kase->resembles.v != 0 || kase->previous.v != 0)))
        return "an erased case is closed, under no legal hold and points at no other case";
    return NULL;
}

const char *rfl_case_broken(const struct rfl_case *kase)
{
    if (!exists(kase) || kase->status == RFL_STATUS_RECEIVED)
        return "a stored case has a status, and has been routed";
    if (kase->status >= RFL_STATUS_COUNT || kase->clock >= RFL_CLOCK_COUNT || kase->band >= RFL_BAND_COUNT ||
        kase->hold >= RFL_HOLD_COUNT || kase->door >= RFL_DOOR_COUNT || kase->close >= RFL_CLOSE_COUNT ||
        kase->outcome >= RFL_OUTCOME_COUNT)
        return "every word is in its list";
    if (kase->id.v == 0 || kase->first_referral.v == 0 || kase->last_referral.v < kase->first_referral.v ||
        kase->referral_count == 0)
        return "a case has an id and at least one referral";
    if ((clocks_of((enum rfl_status)kase->status) & 1u << kase->clock) == 0)
        return "the running clock is one of its status";
    if ((kase->clock == RFL_CLOCK_NONE) != (kase->due_ms == 0) || kase->due_ms < 0)
        return "an open case has exactly one clock with an end, a closed one none";
    if ((kase->clock == RFL_CLOCK_ESCALATED) && kase->escalation == 0)
        return "an escalation clock runs only when escalated";
    if (kase->queue.v == 0)
        return "a case has a queue, and so an owner";
    if ((kase->status == RFL_STATUS_ON_HOLD) != (kase->hold != RFL_HOLD_NONE))
        return "a hold has a reason, and nothing else has";
    if ((kase->status == RFL_STATUS_CLOSED) != (kase->close != RFL_CLOSE_NONE))
        return "a closed case has a reason, and no open one has";
    if (held_by_worker((enum rfl_status)kase->status) &&
        (kase->holder == 0 || kase->token.epoch == 0 || kase->token.seq == 0))
        return "an offered or accepted case has a holder and a token";
    if (!held_by_worker((enum rfl_status)kase->status) && kase->holder != 0)
        return "only an offered or accepted case has a holder";
    if ((kase->status == RFL_STATUS_QUEUED || kase->status == RFL_STATUS_OFFERED) && kase->accept_by_ms <= 0)
        return "a case that waits for a yes has a deadline for it";
    if (kase->declined_count > RFL_DECLINED_BY_MAX)
        return "the list of noes is within its bound";
    return overlay_broken(kase);
}

const char *rfl_next_action(enum rfl_status status)
{
    switch (status) {
    case RFL_STATUS_NONE: return "nothing";
    case RFL_STATUS_RECEIVED: return "route";
    case RFL_STATUS_TRIAGE: return "assign or redirect";
    case RFL_STATUS_ON_HOLD: return "release or withdraw";
    case RFL_STATUS_QUEUED: return "offer to a provider";
    case RFL_STATUS_OFFERED: return "accept, decline or redirect";
    case RFL_STATUS_DECLINING: return "approve or send back";
    case RFL_STATUS_ACCEPTED: return "first contact";
    case RFL_STATUS_WAITING_ON_PERSON: return "follow up";
    case RFL_STATUS_ACTIVE: return "record an outcome";
    case RFL_STATUS_CLOSED: return "none";
    case RFL_STATUS_COUNT: break;
    }
    return "unknown";
}
