/* loop.h: the turns of the daemon, from ready to stopped. */
#ifndef LOOP_H
#define LOOP_H

#include "daemon.h"

enum loop_end {
    LOOP_DRAINED,           /* asked to stop; what was in flight is answered */
    LOOP_STOP_STORE         /* the store failed: nothing of the last turn was said, and nothing may be */
};

/* Runs until one of these. Allocates its buffers once: LOOP_STOP_STORE without a turn when there is no memory. */
RFL_MUST_USE enum loop_end loop_run(struct daemon *daemon);

#endif
