/* clock.h: the only place of the daemon that asks what time it is.
 *
 * The loop reads once a turn. Wall time never goes below an earlier reading of this process; boot time is
 * CLOCK_BOOTTIME, which counts suspended time. Owns nothing. */
#ifndef CLOCK_H
#define CLOCK_H

#include "rfl_base.h"

/* All zero before the first reading. */
struct clock { int64_t wall_floor_ms; };

void clock_read(struct clock *clock, struct rfl_now *now);
/* For log lines: the wall clock as it is, in ms since 1970. */
int64_t clock_stamp_ms(void);
/* What this thread has worked so far, in us: time in which others had the processor, or it slept, is not in it. */
uint64_t clock_worked_us(void);
/* CLOCK_MONOTONIC in us, as sd_notify's MONOTONIC_USEC wants it. */
uint64_t clock_monotonic_us(void);

#endif
