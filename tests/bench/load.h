/* load.h: producers and workers that keep a daemon busy, each in one loop of its own, and the figures they take.
 *
 * They speak to raw DEALER sockets with frames made ready beforehand, so that on a machine shared with the daemon what
 * is measured is the daemon. Nothing is sent twice: a refusal is counted and fails the run that did not expect one. */
#ifndef LOAD_H
#define LOAD_H

#include "hist.h"
#include "invent.h"
#include "rfl_conf_identity.h"

enum { LOAD_CONNECTIONS_MAX = 64, LOAD_IN_FLIGHT_MAX = 8192, LOAD_WORKERS_MAX = 16 };

struct load_submit {
    const char *endpoint;
    const struct rfl_identity *identity;    /* one for each connection; NULL: without keys */
    unsigned connections, in_flight;    /* in_flight in all; a multiple of connections */
    double warm_s, run_s;               /* measured after warm_s; run_s 0: until `count` */
    uint64_t count;                     /* receipts to stop at, when run_s is 0 */
};

struct load_submitted {
    uint64_t receipts, refused, strays; /* receipts within the measured time; the others over all of it */
    uint8_t refusal;                    /* enum rfl_code of the last one */
    double run_s;
    struct hist latency;                /* of each receipt, from the send call on */
};

/* Sends until the time or count is up, then waits for the answers to what is in flight. RFL_E_IO: no answer at all came
 * for 30 s. */
RFL_MUST_USE enum rfl_err load_submit(struct invent *invent, const struct load_submit *how,
                                      struct load_submitted *out);

struct load_work;                       /* a thread with `workers` connections that accept whatever they are offered */

struct load_work_figures {
    uint64_t offers, records, refused;
    uint8_t refusal;
    struct hist delivery;               /* from the send call of the Submit to the Record; all since load_work_mark */
    uint64_t marked_records;            /* Records since load_work_mark */
};
/* queues: what every worker subscribes to, up to RFL_QUEUES_PER_WORKER_MAX; copied. RFL_E_MEMORY, RFL_E_IO. */
RFL_MUST_USE enum rfl_err load_work_start(const char *endpoint, unsigned workers, uint32_t credit,
                                          const struct rfl_view *queues, uint32_t queue_count,
                                          struct load_work **out);
/* Records since the start; may be read while it runs. */
uint64_t load_work_records(const struct load_work *work);
/* From here on deliveries are measured. */
void load_work_mark(struct load_work *work);
/* Stops it and frees it. */
void load_work_stop(struct load_work **work, struct load_work_figures *out);

uint64_t load_now_ns(void);

#endif
