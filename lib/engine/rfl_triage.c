/* What operators do to a case: decided like everything else, with a name and a reason, and dry-runnable. */
#include "rfl_apply.h"
#include "rfl_areas.h"

enum { TRIAGE_VERBS = 1 << RFL_DO_PLACE | 1 << RFL_DO_SEND_BACK | 1 << RFL_DO_HOLD | 1 << RFL_DO_RELEASE |
                      1 << RFL_DO_SHUT | 1 << RFL_DO_LINK | 1 << RFL_DO_UNLINK };

static const uint8_t kinds[RFL_MSG_COUNT] = {
    [RFL_MSG_PLACE] = RFL_DO_PLACE, [RFL_MSG_SEND_BACK] = RFL_DO_SEND_BACK, [RFL_MSG_HOLD] = RFL_DO_HOLD,
    [RFL_MSG_RELEASE] = RFL_DO_RELEASE, [RFL_MSG_SHUT] = RFL_DO_SHUT, [RFL_MSG_LINK] = RFL_DO_LINK,
    [RFL_MSG_UNLINK] = RFL_DO_UNLINK };
static_assert(RFL_DO_RECEIVE == 0, "zero: no verb of triage");

bool rfl__is_triage(uint8_t message_kind)
{
    return message_kind < RFL_MSG_COUNT && kinds[message_kind] != RFL_DO_RECEIVE;
}

/* The other case of a link: open, and nothing rests on the one that is to rest, so that links are never deeper than
 * one. */
static enum rfl_code judge_link(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_case *kase,
                                struct rfl_command *command)
{
    struct rfl_case other;
    struct rfl_order from = { kase->id.v, 0, 0 }, at;
    if (!rfl__find_code(e, ask->to, &other, NULL))
        return RFL_CODE_NOT_FOUND;
    command->other = other.id;
    if (other.status == RFL_STATUS_CLOSED || other.linked_to.v != 0)
        return RFL_CODE_STATE;
    if (rfl_store_first(e->store, RFL_INDEX_LINKED, &from, &at) && at.a == kase->id.v)
        return RFL_CODE_STATE;
    return RFL_CODE_OK;
}

static enum rfl_code command_of(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_case *kase,
                                struct rfl_command *command)
{
    *command = (struct rfl_command){ .kind = (enum rfl_command_kind)kinds[ask->kind], .reason = ask->reason,
                                     .override_no = ask->override_no };
    if (ask->kind == RFL_MSG_HOLD)
        command->until_ms = ask->at_ms;
    if (ask->kind == RFL_MSG_LINK)
        return judge_link(e, ask, kase, command);
    if (ask->kind == RFL_MSG_RELEASE)
        rfl__where(e, kase->queue, command);
    command->diverted = command->target.v != 0;
    if (ask->queue.len == 0)
        return ask->kind == RFL_MSG_PLACE ? RFL_CODE_UNKNOWN_QUEUE : RFL_CODE_OK;
    const struct rfl_queue *queue = rfl_policy_queue_by_name(e->policy, ask->queue);
    if (queue == NULL)
        return RFL_CODE_UNKNOWN_QUEUE;
    command->target = queue->id;                /* what a person asks for by name is not diverted */
    command->diverted = false;
    struct rfl_command there = { .kind = command->kind };
    rfl__where(e, queue->id, &there);
    command->target_held = there.target.v == 0 && there.target_held;
    return RFL_CODE_OK;
}

/* What the case would be: the same decision, applied to a copy. */
static enum rfl_err rehearse(struct rfl_engine *e, struct rfl_case *kase, const struct rfl_command *command,
                             struct rfl_entry *entry)
{
    struct rfl_events events;
    enum rfl_err err = rfl_decide(e->policy, kase, command, &e->now, &events);
    if (err != RFL_E_OK)
        return err;
    entry->wall_ms = e->now.wall_ms;
    entry->kase = kase->id;
    entry->event_count = events.count;
    memcpy(entry->events, events.list, events.count * sizeof events.list[0]);
    for (uint32_t i = 0; i < events.count && err == RFL_E_OK; i++)
        err = rfl_apply(kase, &events.list[i], entry, kase);
    return err;
}

static void say_acted(struct rfl_engine *e, uint64_t session, const struct rfl_entry *entry, bool dry_run,
                      const struct rfl_case cases[2])
{
    struct rfl_view *events = rfl_arena_take(&e->arena, RFL_EVENTS_PER_COMMAND_MAX * sizeof *events);
    struct rfl_msg_acted *acted = &rfl__say(e, session, RFL_MSG_ACTED)->acted;
    acted->dry_run = dry_run;
    rfl__case_row(e, &cases[0], &acted->before);
    rfl__case_row(e, &cases[1], &acted->after);
    for (uint32_t i = 0; events != NULL && i < entry->event_count; i++)
        events[acted->events_count++] = rfl__literal(rfl_event_kind_word((enum rfl_event_kind)entry->events[i].kind));
    acted->events = events;
}

static void refuse(struct rfl_engine *e, uint64_t session, enum rfl_err err, const struct rfl_case *kase)
{
    if (err == RFL_E_STATE)
        rfl__refuse_state(e, session, (enum rfl_status)kase->status, rfl__legal_of(kase, TRIAGE_VERBS));
    else if (err == RFL_E_INVALID)
        rfl__refuse(e, session, RFL_CODE_INVALID);
}

void rfl__handle_triage(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl_case cases[2];
    struct rfl_command command;
    if (ask->operator_name.len == 0 || ask->operator_name.len > RFL_NAME_BYTES_MAX || ask->why.len == 0) {
        rfl__refuse(e, session, RFL_CODE_REASON_MISSING);
        return;
    }
    if (!rfl__find_code(e, ask->code, &cases[0], NULL)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    if (!ask->dry_run && rfl__bring_home(e, &cases[0], false) != RFL_E_OK)
        return;
    enum rfl_code code = command_of(e, ask, &cases[0], &command);
    if (code != RFL_CODE_OK) {
        if (code == RFL_CODE_STATE)
            refuse(e, session, RFL_E_STATE, &cases[0]);
        else
            rfl__refuse(e, session, code);
        return;
    }
    struct rfl_entry entry = { .actor = RFL_ACTOR_OPERATOR, .actor_name = ask->operator_name };
    if (ask->kind == RFL_MSG_SEND_BACK || ask->kind == RFL_MSG_RELEASE)
        rfl__put_off(e, &cases[0], &command, &entry);
    struct rfl_personal_words words = { .text = ask->why };
    struct rfl_view personal = { e->personal, rfl_personal_put_words(&words, e->personal, sizeof e->personal) };
    cases[1] = cases[0];
    enum rfl_err err = ask->dry_run ? rehearse(e, &cases[1], &command, &entry)
                                    : rfl__do(e, &cases[1], &command, &entry, personal);
    if (err != RFL_E_OK) {
        refuse(e, session, err, &cases[0]);
        return;
    }
    if (!ask->dry_run && ask->kind == RFL_MSG_UNLINK && cases[0].linked_to.v != 0)
        rfl__end_case(e, &entry, RFL_WITHDRAW_REVOKED, cases[0].linked_to, true);   /* that may have gone on for it */
    rfl__count(e, ask->dry_run ? RFL__N_dry_runs : RFL__N_acted);
    if (!ask->dry_run && cases[0].holder != 0 && (cases[1].holder == 0 || cases[1].linked_to.v != 0))
        rfl__notice(e, cases[0].holder, &cases[0], RFL_NOTICE_WITHDRAWN);
    struct rfl__session *holder = rfl__session_of_holder(&e->sessions, cases[1].holder);
    if (!ask->dry_run && cases[1].holder != 0 && holder != NULL)
        holder->recount = true;         /* an offer that rested is out again: it takes room under the credit */
    say_acted(e, session, &entry, ask->dry_run, cases);
}
