/* The numbers of a case's journey: quiet, ageing, attempts, turns; and a clock's warnings. */
#include "rfl_policy.h"
#include "rfl_policy_index.h"

#define HOUR_MS (INT64_C(3600) * 1000)
#define DAY_MS (24 * HOUR_MS)

void rfl__policy_journey_init(struct rfl_policy *policy)
{
    policy->quiet_ms = 26 * 7 * DAY_MS;
    policy->ageing_ms = 40 * HOUR_MS;
    policy->attempts_min = 3;
    policy->channels_min = 2;
    for (unsigned door = RFL_DOOR_NONE + 1; door < RFL_DOOR_COUNT; door++)
        policy->door_share[door] = 1;
}

/* ---- setting ---- */

enum rfl_err rfl_policy_set_quiet(struct rfl_policy *policy, int64_t wall_ms)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (wall_ms < 0 || wall_ms > 731 * DAY_MS)
        return RFL_E_INVALID;
    policy->quiet_ms = wall_ms;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_ageing(struct rfl_policy *policy, int64_t work_ms)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (work_ms <= 0 || work_ms > RFL_POLICY_DAYS_MAX * DAY_MS)
        return RFL_E_INVALID;
    policy->ageing_ms = work_ms;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_unreachable(struct rfl_policy *policy, unsigned attempts, unsigned channels)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (attempts < 1 || attempts > RFL_POLICY_ATTEMPTS_MAX || channels < 1 || channels >= RFL_CHANNEL_COUNT ||
        channels > attempts)
        return RFL_E_INVALID;
    policy->attempts_min = (uint8_t)attempts;
    policy->channels_min = (uint8_t)channels;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_door_share(struct rfl_policy *policy, enum rfl_door door, unsigned share)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (door <= RFL_DOOR_NONE || door >= RFL_DOOR_COUNT || share < 1 || share > RFL_POLICY_SHARE_MAX)
        return RFL_E_INVALID;
    policy->door_share[door] = (uint8_t)share;
    return RFL_E_OK;
}

/* ---- reading ---- */

int64_t rfl_policy_quiet_ms(const struct rfl_policy *policy) { return policy->quiet_ms; }
unsigned rfl_policy_attempts_min(const struct rfl_policy *policy) { return policy->attempts_min; }
unsigned rfl_policy_channels_min(const struct rfl_policy *policy) { return policy->channels_min; }

unsigned rfl_policy_door_share(const struct rfl_policy *policy, enum rfl_door door)
{
    return door > RFL_DOOR_NONE && door < RFL_DOOR_COUNT ? policy->door_share[door] : 1;
}

static int64_t after(const struct rfl_policy *policy, int64_t from_ms, int64_t work_ms)
{
    int64_t at_ms;
    if (rfl_worktime_add(&policy->calendar, from_ms, work_ms, &at_ms) == RFL_E_OK)
        return at_ms;
    return from_ms + 9 * work_ms;
}

int64_t rfl_policy_aged_ms(const struct rfl_policy *policy, int64_t since_ms)
{
    return after(policy, since_ms, policy->ageing_ms);
}

void rfl_policy_run(const struct rfl_policy *policy, struct rfl_queue_no queue, enum rfl_clock clock, int64_t from_ms,
                    struct rfl_run *out)
{
    int64_t work_ms = rfl_policy_clock_ms(policy, queue, clock);
    out->half_ms = after(policy, from_ms, work_ms / 2);
    out->most_ms = after(policy, from_ms, work_ms / 5 * 4);
    out->due_ms = after(policy, from_ms, work_ms);
}
