#include "rfl_policy.h"
#include "rfl_policy_index.h"

/* What each door hears, and for how long outcomes are taken. */

static_assert(RFL_DOOR_COUNT <= 16, "a set of doors fits 16 bits");
static_assert(RFL_NOTIFY_COUNT <= 8, "a choice of notices fits a byte");

enum { DAY_MS = 24 * 3600 * 1000, ALL_NOTICES = (1 << RFL_NOTIFY_COUNT) - 1, OUTCOME_DAYS = 731 };

static bool is_door(enum rfl_door door) { return door > RFL_DOOR_NONE && door < RFL_DOOR_COUNT; }

static void set_door(struct rfl_policy *policy, enum rfl_door door,
                     const struct rfl_disclosure cells[RFL_DISCLOSED_COUNT])
{
    for (unsigned row = 0; row < RFL_DISCLOSED_COUNT; row++)
        policy->disclosure[row][door] = cells[row];
}

/* The first published draft of the matrix; every door not written down has the strictest column, the employer's. */
void rfl__policy_told_init(struct rfl_policy *policy)
{
    static const struct rfl_disclosure
        open_column[RFL_DISCLOSED_COUNT] = {
            [RFL_DISCLOSED_ACCEPTED] = { RFL_TELL_ACCEPTED, true, false },
            [RFL_DISCLOSED_HELD] = { RFL_TELL_HELD, false, false },
            [RFL_DISCLOSED_WAITING] = { RFL_TELL_WAITING, false, false },
            [RFL_DISCLOSED_REDIRECTED] = { RFL_TELL_REDIRECTED, true, false },
            [RFL_DISCLOSED_STARTED] = { RFL_TELL_STARTED, false, false },
            [RFL_DISCLOSED_OUTCOME] = { RFL_TELL_OUTCOME, false, true },
            [RFL_DISCLOSED_CLOSED_PERSON] = { RFL_TELL_CLOSED, false, true },
            [RFL_DISCLOSED_CLOSED_SERVICE] = { RFL_TELL_CLOSED, false, true },
            [RFL_DISCLOSED_CLOSED_OTHER] = { RFL_TELL_CLOSED, false, true } },
        local_column[RFL_DISCLOSED_COUNT] = {
            [RFL_DISCLOSED_ACCEPTED] = { RFL_TELL_ACCEPTED, true, false },
            [RFL_DISCLOSED_HELD] = { RFL_TELL_HELD, false, false },
            [RFL_DISCLOSED_WAITING] = { RFL_TELL_WAITING, false, false },
            [RFL_DISCLOSED_REDIRECTED] = { RFL_TELL_REDIRECTED, true, false },
            [RFL_DISCLOSED_CLOSED_PERSON] = { RFL_TELL_CLOSED, false, false },
            [RFL_DISCLOSED_CLOSED_SERVICE] = { RFL_TELL_CLOSED, false, false },
            [RFL_DISCLOSED_CLOSED_OTHER] = { RFL_TELL_CLOSED, false, false } },
        strict_column[RFL_DISCLOSED_COUNT] = {
            [RFL_DISCLOSED_ACCEPTED] = { RFL_TELL_WITH_THE_SERVICE, false, false },
            [RFL_DISCLOSED_HELD] = { RFL_TELL_WAITING, false, false },
            [RFL_DISCLOSED_WAITING] = { RFL_TELL_WAITING, false, false },
            [RFL_DISCLOSED_CLOSED_PERSON] = { RFL_TELL_CLOSED, false, false },
            [RFL_DISCLOSED_CLOSED_SERVICE] = { RFL_TELL_CLOSED, false, false },
            [RFL_DISCLOSED_CLOSED_OTHER] = { RFL_TELL_CLOSED, false, false } };
    unsigned open_doors = 1u << RFL_DOOR_GP | 1u << RFL_DOOR_SELF, all = (1u << RFL_DOOR_COUNT) - 2;
    for (unsigned door = RFL_DOOR_NONE + 1; door < RFL_DOOR_COUNT; door++) {
        bool open = (open_doors >> door & 1) != 0;
        set_door(policy, (enum rfl_door)door,
                 open ? open_column : door == RFL_DOOR_LOCAL_SERVICE ? local_column : strict_column);
        policy->notify[door] = ALL_NOTICES;
    }
    policy->place_doors = (uint16_t)open_doors;
    policy->protected_doors = (uint16_t)(all & ~open_doors & ~(1u << RFL_DOOR_LOCAL_SERVICE));
    policy->outcome_ms = (int64_t)OUTCOME_DAYS * DAY_MS;
}

/* What can be said of a row without saying something else than happened. */
static bool fits_row(enum rfl_disclosed row, struct rfl_disclosure cell)
{
    static const uint16_t words[RFL_DISCLOSED_COUNT] = {
        [RFL_DISCLOSED_HELD] = 1u << RFL_TELL_HELD | 1u << RFL_TELL_WAITING,
        [RFL_DISCLOSED_WAITING] = 1u << RFL_TELL_WAITING,
        [RFL_DISCLOSED_ACCEPTED] = 1u << RFL_TELL_ACCEPTED | 1u << RFL_TELL_WITH_THE_SERVICE,
        [RFL_DISCLOSED_REDIRECTED] = 1u << RFL_TELL_REDIRECTED,
        [RFL_DISCLOSED_STARTED] = 1u << RFL_TELL_STARTED,
        [RFL_DISCLOSED_OUTCOME] = 1u << RFL_TELL_OUTCOME,
        [RFL_DISCLOSED_CLOSED_PERSON] = 1u << RFL_TELL_CLOSED,
        [RFL_DISCLOSED_CLOSED_SERVICE] = 1u << RFL_TELL_CLOSED,
        [RFL_DISCLOSED_CLOSED_OTHER] = 1u << RFL_TELL_CLOSED };
    bool has_provider = row == RFL_DISCLOSED_ACCEPTED || row == RFL_DISCLOSED_REDIRECTED;
    bool has_reason = row == RFL_DISCLOSED_OUTCOME || row >= RFL_DISCLOSED_CLOSED_PERSON;
    if (cell.tell == RFL_TELL_NOTHING)
        return !cell.provider && !cell.reason;
    return (words[row] >> cell.tell & 1) != 0 && (!cell.provider || has_provider) && (!cell.reason || has_reason);
}

enum rfl_err rfl_policy_set_disclosure(struct rfl_policy *policy, enum rfl_door door, enum rfl_disclosed row,
                                       struct rfl_disclosure cell)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (!is_door(door) || (unsigned)row >= RFL_DISCLOSED_COUNT || cell.tell >= RFL_TELL_COUNT || !fits_row(row, cell))
        return RFL_E_INVALID;
    policy->disclosure[row][door] = cell;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_place(struct rfl_policy *policy, enum rfl_door door, bool seen)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (!is_door(door))
        return RFL_E_INVALID;
    uint16_t bit = (uint16_t)(1u << door);
    policy->place_doors = (uint16_t)(seen ? policy->place_doors | bit : policy->place_doors & ~bit);
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_protected(struct rfl_policy *policy, uint16_t doors)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if ((doors & (1u << RFL_DOOR_NONE)) != 0 || doors >> RFL_DOOR_COUNT != 0)
        return RFL_E_INVALID;
    policy->protected_doors = doors;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_notify(struct rfl_policy *policy, enum rfl_door door, uint8_t bits)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (!is_door(door) || (bits & ~ALL_NOTICES) != 0 || (bits & 1u << RFL_NOTIFY_CLOSED) == 0)
        return RFL_E_INVALID;
    policy->notify[door] = bits;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_outcome_days(struct rfl_policy *policy, unsigned days)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (days < 1 || days > RFL_POLICY_DAYS_MAX)
        return RFL_E_INVALID;
    policy->outcome_ms = (int64_t)days * DAY_MS;
    return RFL_E_OK;
}

const struct rfl_disclosure *rfl_policy_disclosure(const struct rfl_policy *policy, enum rfl_door door,
                                                   enum rfl_disclosed row)
{
    static const struct rfl_disclosure nothing;
    assert((unsigned)row < RFL_DISCLOSED_COUNT);
    return is_door(door) ? &policy->disclosure[row][door] : &nothing;
}

bool rfl_policy_sees_place(const struct rfl_policy *policy, enum rfl_door door)
{
    return is_door(door) && (policy->place_doors >> door & 1) != 0;
}

uint8_t rfl_policy_notify(const struct rfl_policy *policy, enum rfl_door door)
{
    return is_door(door) ? policy->notify[door] : 0;
}

int64_t rfl_policy_outcome_ms(const struct rfl_policy *policy) { return policy->outcome_ms; }
