#include "rfl_disclose.h"

static_assert(RFL_DOOR_COUNT <= 16, "a set of doors fits 16 bits");

static const struct rfl_disclosure
    accepted = { "accepted", true, false }, with_service = { "with_the_service", false, false },
    redirected = { "redirected", true, false }, started = { "started", false, false },
    outcome = { "outcome", false, true }, closed_why = { "closed", false, true }, closed = { "closed", false, false };

/* Rows as published for review: the strictest column is the employer's, and every door not written down has it. */
static const struct rfl_disclosure *const matrix[RFL_EVENT_COUNT][RFL_DOOR_COUNT] = {
    [RFL_EVENT_ACCEPTED] = {
        [RFL_DOOR_GP] = &accepted, [RFL_DOOR_SELF] = &accepted, [RFL_DOOR_LOCAL_SERVICE] = &accepted,
        [RFL_DOOR_EMPLOYER] = &with_service, [RFL_DOOR_JOBCENTRE] = &with_service,
        [RFL_DOOR_PHARMACIST] = &with_service, [RFL_DOOR_FIT_NOTE_SERVICE] = &with_service,
        [RFL_DOOR_PROVIDER] = &with_service, [RFL_DOOR_OTHER] = &with_service },
    [RFL_EVENT_REDIRECTED] = {
        [RFL_DOOR_GP] = &redirected, [RFL_DOOR_SELF] = &redirected, [RFL_DOOR_LOCAL_SERVICE] = &redirected },
    [RFL_EVENT_STARTED] = { [RFL_DOOR_GP] = &started, [RFL_DOOR_SELF] = &started },
    [RFL_EVENT_OUTCOME] = { [RFL_DOOR_GP] = &outcome, [RFL_DOOR_SELF] = &outcome },
    [RFL_EVENT_CLOSED] = {
        [RFL_DOOR_GP] = &closed_why, [RFL_DOOR_SELF] = &closed_why, [RFL_DOOR_LOCAL_SERVICE] = &closed,
        [RFL_DOOR_EMPLOYER] = &closed, [RFL_DOOR_JOBCENTRE] = &closed, [RFL_DOOR_PHARMACIST] = &closed,
        [RFL_DOOR_FIT_NOTE_SERVICE] = &closed, [RFL_DOOR_PROVIDER] = &closed, [RFL_DOOR_OTHER] = &closed },
};

const struct rfl_disclosure *rfl_disclose(enum rfl_door door, enum rfl_event_kind kind)
{
    return (unsigned)door < RFL_DOOR_COUNT && (unsigned)kind < RFL_EVENT_COUNT ? matrix[kind][door] : NULL;
}

uint16_t rfl_disclose_told(enum rfl_event_kind kind)
{
    uint16_t told = 0;
    for (unsigned door = 0; door < RFL_DOOR_COUNT; door++)
        if (rfl_disclose((enum rfl_door)door, kind) != NULL)
            told |= (uint16_t)(1u << door);
    return told;
}

bool rfl_disclose_place(enum rfl_door door) { return door == RFL_DOOR_GP || door == RFL_DOOR_SELF; }
