/* What may be commanded, what is refused, who hears, who owns. The events themselves: rfl_decide_<subject>.c. */
#include "rfl_decide.h"

#include "rfl_apply.h"
#include "rfl_decide_int.h"
#include "rfl_disclose.h"
#include "rfl_lineage.h"

const char *rfl_command_word(enum rfl_command_kind kind)
{
#define RFL_X(name, word) word,
    static const char *const words[] = { RFL_COMMAND_LIST(RFL_X) };
#undef RFL_X
    return (unsigned)kind < RFL_DO_COUNT ? words[kind] : "unknown";
}

static bool is_taken(const struct rfl_case *kase)
{
    return kase->status == RFL_STATUS_ACCEPTED || kase->status == RFL_STATUS_WAITING_ON_PERSON ||
           kase->status == RFL_STATUS_ACTIVE;
}

/* What the table alone does not say. */
static bool also_possible(const struct rfl_case *kase, enum rfl_command_kind kind)
{
    bool of_data = kind >= RFL_DO_ERASE && kind <= RFL_DO_REVEAL;
    if (kase->erased)
        return false;
    if (of_data)
        return kind == RFL_DO_UNKEEP ? kase->kept != 0 : kind == RFL_DO_REVEAL || kase->kept == 0;
    bool asks_first = kase->hold == RFL_HOLD_CONSENT || kase->hold == RFL_HOLD_DO_NOT_CONTACT;
    if (kase->linked_to.v != 0)
        return kind == RFL_DO_UNLINK || kind == RFL_DO_AMEND || kind == RFL_DO_WITHDRAW ||
               kind == RFL_DO_FOLLOW;
    if (kind == RFL_DO_FOLLOW)
        return false;
    if (kind == RFL_DO_PLACE)       /* out of such a hold only by a release; from a provider only once it is late */
        return !asks_first && (!is_taken(kase) || kase->escalation > 0);
    if (kind == RFL_DO_CLOSE)
        return is_taken(kase);
    if (kind == RFL_DO_UNLINK)
        return kase->resembles.v != 0;
    return true;
}

/* Whether the command's first event is one the table allows, so that a refusal is said before anything is computed. */
static bool possible(const struct rfl_case *kase, enum rfl_command_kind kind)
{
    static const uint8_t first_event[RFL_DO_COUNT] = {
        [RFL_DO_RECEIVE] = RFL_EVENT_JOINED, [RFL_DO_OFFER] = RFL_EVENT_OFFERED, [RFL_DO_ACCEPT] = RFL_EVENT_ACCEPTED,
        [RFL_DO_DECLINE] = RFL_EVENT_DECLINED, [RFL_DO_REDIRECT] = RFL_EVENT_REDIRECTED,
        [RFL_DO_DEFER] = RFL_EVENT_DEFERRED, [RFL_DO_TOUCH] = RFL_EVENT_TOUCHED,
        [RFL_DO_CONTACT] = RFL_EVENT_CONTACTED, [RFL_DO_START] = RFL_EVENT_STARTED,
        [RFL_DO_OUTCOME] = RFL_EVENT_OUTCOME, [RFL_DO_CLOSE] = RFL_EVENT_CLOSED,
        [RFL_DO_RETURN] = RFL_EVENT_RETURNED, [RFL_DO_AMEND] = RFL_EVENT_AMENDED,
        [RFL_DO_WITHDRAW] = RFL_EVENT_WITHDRAWN, [RFL_DO_RESEMBLE] = RFL_EVENT_RESEMBLED,
        [RFL_DO_FOLLOW] = RFL_EVENT_CLOSED, [RFL_DO_PLACE] = RFL_EVENT_MOVED,
        [RFL_DO_SEND_BACK] = RFL_EVENT_SENT_BACK, [RFL_DO_HOLD] = RFL_EVENT_PAUSED,
        [RFL_DO_RELEASE] = RFL_EVENT_RELEASED, [RFL_DO_SHUT] = RFL_EVENT_CLOSED, [RFL_DO_LINK] = RFL_EVENT_LINKED,
        [RFL_DO_UNLINK] = RFL_EVENT_UNLINKED, [RFL_DO_ERASE] = RFL_EVENT_ERASED, [RFL_DO_KEEP] = RFL_EVENT_KEPT,
        [RFL_DO_UNKEEP] = RFL_EVENT_UNKEPT, [RFL_DO_REVEAL] = RFL_EVENT_REVEALED,
        [RFL_DO_REHOME] = RFL_EVENT_REHOMED };
    enum rfl_status status = (enum rfl_status)kase->status;
    if (status == RFL_STATUS_NONE)
        return kind == RFL_DO_RECEIVE;
    if (kind == RFL_DO_EXPIRE)
        return kase->clock != RFL_CLOCK_NONE && kase->linked_to.v == 0;
    return rfl_table_next(status, (enum rfl_event_kind)first_event[kind]) != RFL_STATUS_NONE &&
           also_possible(kase, kind);
}

uint32_t rfl_legal_commands(const struct rfl_case *kase)
{
    uint32_t legal = 0;
    for (unsigned kind = 0; kind < RFL_DO_COUNT; kind++)
        if (possible(kase, (enum rfl_command_kind)kind))
            legal |= UINT32_C(1) << kind;
    return legal;
}

static bool within(uint8_t word, uint8_t none, uint8_t count) { return word > none && word < count; }

/* Whether the command's words are of their lists. What a reason is for, nobody is told without one. */
static bool sensible(const struct rfl_command *command)
{
    uint8_t reason = command->reason, code = command->code;
    if (command->kind == RFL_DO_DECLINE || command->kind == RFL_DO_REDIRECT)
        return within(reason, RFL_DECLINE_NONE, RFL_DECLINE_COUNT);
    if (command->kind == RFL_DO_CLOSE || command->kind == RFL_DO_SHUT)
        return within(reason, RFL_CLOSE_NONE, RFL_CLOSE_COUNT) && reason != RFL_CLOSE_JOINED_OTHER_CASE;
    if (command->kind == RFL_DO_WITHDRAW)
        return within(reason, RFL_WITHDRAW_NONE, RFL_WITHDRAW_COUNT);
    if (command->kind == RFL_DO_CONTACT)
        return within(code, RFL_CHANNEL_NONE, RFL_CHANNEL_COUNT);
    if (command->kind == RFL_DO_OUTCOME)
        return within(code, RFL_OUTCOME_NONE, RFL_OUTCOME_COUNT);
    if (command->kind == RFL_DO_START)
        return code < RFL_EMPLOYMENT_COUNT && command->barrier <= RFL_BARRIER_MAX;
    return true;
}

static bool is_worker_verb(enum rfl_command_kind kind)
{
    return kind >= RFL_DO_ACCEPT && kind <= RFL_DO_RETURN;
}

/* A token is good as long as its holder has the case; after closing it is still good for late outcomes, and for hearing
 * that the case is closed by who had said yes. */
static bool fenced(const struct rfl_case *before, const struct rfl_command *command)
{
    if (!rfl_token_same(command->token, before->token) || command->token.epoch == 0)
        return true;
    return before->holder != command->holder && before->status != RFL_STATUS_CLOSED;
}

/* Who hears of it. "Still waiting" is for as long as nobody has said yes, because later it would say that the person
 * does not answer; once a clock, and again when it is over. A hold for the person's earlier no is nobody's business. */
static void tell(const struct rfl_policy *policy, const struct rfl_case *before, struct rfl_events *out)
{
    for (uint32_t i = 0; i < out->count; i++) {
        struct rfl_event *event = &out->list[i];
        enum rfl_event_kind kind = (enum rfl_event_kind)event->kind;
        bool closes = i + 1 < out->count && out->list[i + 1].kind == RFL_EVENT_CLOSED;
        bool silent = (rfl_event_disclosed(kind) == RFL_DISCLOSED_WAITING && is_taken(before)) ||
                      (kind == RFL_EVENT_WARNED && before->warned != 0) ||
                      (kind == RFL_EVENT_HELD && event->clock != RFL_CLOCK_CONSENT) ||
                      (kind == RFL_EVENT_WITHDRAWN && closes) ||
                      (kind == RFL_EVENT_CLOSED && event->reason == RFL_CLOSE_JOINED_OTHER_CASE);
        event->told = silent ? 0 : rfl_disclose_told(policy, kind);
    }
}

static enum rfl_err decide_by_kind(const struct rfl__deciding *d)
{
    enum rfl_command_kind kind = d->command->kind;
    if (kind == RFL_DO_EXPIRE)
        return rfl__decide_expire(d);
    if (kind == RFL_DO_REHOME)
        return rfl__decide_rehome(d);
    if (kind >= RFL_DO_ERASE)
        return rfl__decide_subject(d);
    if (kind >= RFL_DO_PLACE)
        return rfl__decide_triage(d);
    if (kind == RFL_DO_RECEIVE || kind > RFL_DO_EXPIRE)
        return rfl__decide_referral(d);
    return rfl__decide_worker(d);
}

enum rfl_err rfl_decide(const struct rfl_policy *policy, const struct rfl_case *before,
                        const struct rfl_command *command, const struct rfl_now *now, struct rfl_events *out)
{
    const struct rfl__deciding deciding = { policy, before, command, now->wall_ms, out };
    out->count = 0;
    if (is_worker_verb(command->kind) && fenced(before, command))
        return RFL_E_FENCED;
    if (!possible(before, command->kind))
        return RFL_E_STATE;
    if (!sensible(command))
        return RFL_E_INVALID;
    enum rfl_err err = decide_by_kind(&deciding);
    if (err != RFL_E_OK)
        out->count = 0;
    tell(policy, before, out);
    return err;
}

struct rfl_view rfl_owner_of(const struct rfl_policy *policy, const struct rfl_case *kase, int64_t at_ms)
{
    const struct rfl_queue *desk = rfl_policy_triage_of(policy, kase->area, at_ms);
    bool triage = kase->status == RFL_STATUS_DECLINING || kase->hold == RFL_HOLD_PARKED ||
                  kase->hold == RFL_HOLD_DO_NOT_CONTACT || kase->hold == RFL_HOLD_OPERATOR;
    if (kase->status == RFL_STATUS_CLOSED || kase->status == RFL_STATUS_NONE)
        return (struct rfl_view){ (const uint8_t *)"nobody", 6 };
    struct rfl_queue_no queue = triage ? desk->id : kase->queue;
    bool with_worker = is_taken(kase) || kase->status == RFL_STATUS_OFFERED;
    if (!with_worker || kase->escalation > 0)       /* a provider keeps whom it has; who is asked about it is alive */
        queue = rfl_lineage_queue(policy, queue, at_ms);
    return rfl_policy_lead_name(policy, queue, kase->escalation);
}
