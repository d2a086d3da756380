#include "clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    assert(rc == 0);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void clock_read(struct clock *clock, struct rfl_now *now)
{
    int64_t wall_ms = read_ms(CLOCK_REALTIME);
    if (wall_ms > clock->wall_floor_ms)
        clock->wall_floor_ms = wall_ms;
    now->wall_ms = clock->wall_floor_ms;
    now->boot_ms = read_ms(CLOCK_BOOTTIME);
}

int64_t clock_stamp_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

static uint64_t read_us(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    assert(rc == 0);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_monotonic_us(void) { return read_us(CLOCK_MONOTONIC); }
uint64_t clock_worked_us(void) { return read_us(CLOCK_THREAD_CPUTIME_ID); }
