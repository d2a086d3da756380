#include "rfl_disclose.h"

static const uint8_t class_of[RFL_CLOSE_COUNT] = {
    [RFL_CLOSE_NONE] = RFL_DISCLOSED_CLOSED_OTHER,
    [RFL_CLOSE_COMPLETED] = RFL_DISCLOSED_CLOSED_OTHER,
    [RFL_CLOSE_PERSON_DECLINED] = RFL_DISCLOSED_CLOSED_PERSON,
    [RFL_CLOSE_PERSON_MOVED] = RFL_DISCLOSED_CLOSED_PERSON,
    [RFL_CLOSE_UNREACHABLE] = RFL_DISCLOSED_CLOSED_SERVICE,
    [RFL_CLOSE_DIED] = RFL_DISCLOSED_CLOSED_PERSON,
    [RFL_CLOSE_NOT_ELIGIBLE] = RFL_DISCLOSED_CLOSED_SERVICE,
    [RFL_CLOSE_WITHDRAWN_BY_REFERRER] = RFL_DISCLOSED_CLOSED_OTHER,
    [RFL_CLOSE_SENT_IN_ERROR] = RFL_DISCLOSED_CLOSED_OTHER,
    [RFL_CLOSE_ALREADY_ON_PROVISION] = RFL_DISCLOSED_CLOSED_SERVICE,
    [RFL_CLOSE_JOINED_OTHER_CASE] = RFL_DISCLOSED_CLOSED_OTHER,
};

enum rfl_disclosed rfl_disclose_row(const struct rfl_event *event)
{
    if (event->kind == RFL_EVENT_CLOSED && event->reason < RFL_CLOSE_COUNT)
        return (enum rfl_disclosed)class_of[event->reason];
    return rfl_event_disclosed((enum rfl_event_kind)event->kind);
}

const struct rfl_disclosure *rfl_disclose(const struct rfl_policy *policy, enum rfl_door door,
                                          const struct rfl_event *event)
{
    enum rfl_disclosed row = rfl_disclose_row(event);
    if (row == RFL_DISCLOSED_COUNT)
        return NULL;
    const struct rfl_disclosure *cell = rfl_policy_disclosure(policy, door, row);
    return cell->tell != RFL_TELL_NOTHING ? cell : NULL;
}

/* A door hears of closing whatever the reason (rfl_policy_check), so one class stands for the three. */
uint16_t rfl_disclose_told(const struct rfl_policy *policy, enum rfl_event_kind kind)
{
    uint16_t told = 0;
    enum rfl_disclosed row = rfl_event_disclosed(kind);
    if (row == RFL_DISCLOSED_COUNT)
        return 0;
    for (unsigned door = RFL_DOOR_NONE + 1; door < RFL_DOOR_COUNT; door++)
        if (rfl_policy_disclosure(policy, (enum rfl_door)door, row)->tell != RFL_TELL_NOTHING)
            told |= (uint16_t)(1u << door);
    return told;
}

bool rfl_disclose_place(const struct rfl_policy *policy, enum rfl_door door)
{
    return rfl_policy_sees_place(policy, door);
}
