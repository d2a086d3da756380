/* core_case.h: a sound case in each status, and a small policy, for the core's tests. */
#ifndef CORE_CASE_H
#define CORE_CASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "rfl_apply.h"
#include "rfl_decide.h"

#define V(text) ((struct rfl_view){ (const uint8_t *)(text), sizeof(text) - 1 })

/* Wednesday 2 September 2026, 11:00 in London. */
#define NOW_MS INT64_C(1788343200000)
#define HOUR_MS INT64_C(3600000)

enum { NORTH = 1, SOUTH, ENDED, LATE, N_INTAKE = 101, S_INTAKE, E_INTAKE, L_INTAKE, N_SECOND, N_TRIAGE = 201,
       S_TRIAGE, E_TRIAGE, L_TRIAGE, NATIONAL = 900, NO_SUCH_QUEUE = 999, HOLDER = 77, CASE = 5, FIRST = 40 };

/* Every clock has a length of its own, so that a deadline says which clock made it. */
static inline int64_t clock_length_ms(unsigned clock)
{
    if (clock == RFL_CLOCK_LEASE)
        return HOUR_MS;
    return ((int64_t)clock + 1) * HOUR_MS + (clock == RFL_CLOCK_HOLD ? 40 * HOUR_MS : 0);
}

static inline void must(enum rfl_err err) { assert_int_equal(err, RFL_E_OK); }

static inline void add_core_area(struct rfl_policy *p, uint16_t id, struct rfl_view name, struct rfl_view intake,
                                 struct rfl_view triage)
{
    static const char *const codes[] = { [NORTH] = "QNN", [SOUTH] = "QSS", [ENDED] = "QEE", [LATE] = "QLL" };
    int64_t until_ms = id == ENDED ? NOW_MS - HOUR_MS : RFL_NO_END_MS;
    must(rfl_policy_add_area(p, &(struct rfl_area_input){ .id = { id }, .name = name, .full_name = name,
        .region = V("Middle"), .from_ms = 1000, .until_ms = until_ms, .intake = { (uint16_t)(100 + id) },
        .triage = { (uint16_t)(200 + id) } }));
    must(rfl_policy_add_alias(p, &(struct rfl_alias_input){ { id }, { (const uint8_t *)codes[id], 3 }, 1000,
                                                            until_ms }));
    must(rfl_policy_add_queue(p, &(struct rfl_queue_input){ .id = { (uint16_t)(100 + id) }, .area = { id },
        .kind = RFL_QUEUE_KIND_PROVIDER, .name = intake, .owner = V("intake owner"), .lead = V("intake lead"),
        .opens_ms = id == LATE ? NOW_MS + HOUR_MS : RFL_ALWAYS_FROM_MS }));
    must(rfl_policy_add_queue(p, &(struct rfl_queue_input){ .id = { (uint16_t)(200 + id) }, .area = { id },
        .kind = RFL_QUEUE_KIND_TRIAGE, .name = triage, .owner = V("desk"), .lead = V("head of desk") }));
}

/* Budgets: 2 hops, 3 offers, 2 touches. To be freed. The calendar's last year is given. */
static inline struct rfl_policy *core_policy(int last_year)
{
    struct rfl_policy *p = malloc(sizeof *p);
    assert_non_null(p);
    rfl_policy_init(p);
    add_core_area(p, NORTH, V("north"), V("north/intake"), V("north/triage"));
    add_core_area(p, SOUTH, V("south"), V("south/intake"), V("south/triage"));
    add_core_area(p, ENDED, V("ended"), V("ended/intake"), V("ended/triage"));
    add_core_area(p, LATE, V("late"), V("late/intake"), V("late/triage"));
    must(rfl_policy_add_successor(p, &(struct rfl_successor_input){ { ENDED }, { NORTH }, NOW_MS - HOUR_MS, NULL, 0 }));
    must(rfl_policy_add_queue(p, &(struct rfl_queue_input){ .id = { N_SECOND }, .area = { NORTH },
        .kind = RFL_QUEUE_KIND_PROVIDER, .name = V("north/second"), .owner = V("second"), .lead = V("second lead") }));
    must(rfl_policy_add_queue(p, &(struct rfl_queue_input){ .id = { NATIONAL }, .kind = RFL_QUEUE_KIND_NATIONAL,
        .name = V("national/triage"), .owner = V("national desk"), .lead = V("head of national") }));
    for (unsigned i = 1; i < RFL_CLOCK_COUNT; i++)
        must(rfl_policy_set_clock(p, (enum rfl_clock)i, clock_length_ms(i)));
    must(rfl_policy_set_implied_consent(p, RFL_DOOR_GP, true));
    must(rfl_policy_set_budgets(p, 2, 3, 2));
    struct rfl_calendar *cal = rfl_policy_calendar_edit(p);
    must(rfl_calendar_init(cal, 2026, last_year));
    for (unsigned day = RFL_MONDAY; day <= RFL_FRIDAY; day++)
        must(rfl_calendar_hours(cal, day, 9 * 60, 17 * 60));
    must(rfl_calendar_finish(cal));
    must(rfl_policy_compile(p));
    return p;
}

static inline bool is_held_by_worker(enum rfl_status status)
{
    return status == RFL_STATUS_OFFERED || status == RFL_STATUS_ACCEPTED ||
           status == RFL_STATUS_WAITING_ON_PERSON || status == RFL_STATUS_ACTIVE;
}

static inline uint8_t clock_in(enum rfl_status status)
{
    static const uint8_t clocks[RFL_STATUS_COUNT] = {
        [RFL_STATUS_TRIAGE] = RFL_CLOCK_TRIAGE, [RFL_STATUS_ON_HOLD] = RFL_CLOCK_HOLD,
        [RFL_STATUS_QUEUED] = RFL_CLOCK_ACCEPT, [RFL_STATUS_OFFERED] = RFL_CLOCK_LEASE,
        [RFL_STATUS_DECLINING] = RFL_CLOCK_DECLINE, [RFL_STATUS_ACCEPTED] = RFL_CLOCK_CONTACT,
        [RFL_STATUS_WAITING_ON_PERSON] = RFL_CLOCK_FOLLOW_UP, [RFL_STATUS_ACTIVE] = RFL_CLOCK_OUTCOME_FIRST };
    return clocks[status];
}

/* Sound in every status that is stored; all zero for NONE; RECEIVED as it is inside an entry. */
static inline struct rfl_case case_in(enum rfl_status status)
{
    struct rfl_case kase;
    memset(&kase, 0, sizeof kase);
    if (status == RFL_STATUS_NONE)
        return kase;
    bool triage = status == RFL_STATUS_TRIAGE;
    kase.id.v = CASE;
    kase.status = (uint8_t)status;
    kase.clock = clock_in(status);
    kase.band = RFL_BAND_ROUTINE;
    kase.hold = status == RFL_STATUS_ON_HOLD ? RFL_HOLD_DEFERRED : RFL_HOLD_NONE;
    kase.door = RFL_DOOR_GP;
    kase.area.v = NORTH;
    kase.queue.v = triage ? N_TRIAGE : N_INTAKE;
    kase.referral_count = 1;
    kase.version = 3;
    kase.opened_ms = NOW_MS - 30 * HOUR_MS;
    kase.since_ms = triage ? 0 : NOW_MS - 20 * HOUR_MS;
    kase.accept_by_ms = triage ? 0 : NOW_MS + 10 * HOUR_MS;
    kase.due_ms = status == RFL_STATUS_CLOSED || status == RFL_STATUS_RECEIVED ? 0 : NOW_MS - 1;
    kase.first_referral.v = kase.last_referral.v = FIRST;
    kase.last_seq.v = 60;
    kase.token = triage ? (struct rfl_token){ 0, 0 } : (struct rfl_token){ 2, 9 };
    kase.holder = is_held_by_worker(status) ? HOLDER : 0;
    kase.close = status == RFL_STATUS_CLOSED ? RFL_CLOSE_COMPLETED : RFL_CLOSE_NONE;
    kase.closed_ms = status == RFL_STATUS_CLOSED ? NOW_MS - HOUR_MS : 0;
    return kase;
}

/* The entry that a test's events are in. */
static inline struct rfl_entry entry_at(int64_t wall_ms)
{
    struct rfl_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.seq.v = 61;
    entry.wall_ms = wall_ms;
    entry.kase.v = CASE;
    entry.actor = RFL_ACTOR_SYSTEM;
    entry.event_count = 1;
    return entry;
}

/* A small generator: the same numbers in every run. */
static inline uint64_t next_number(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

#endif
