/* small_policy.h: a small country whose policy is written in a few lines of text, for tests.
 *
 * There are two areas, kent (places dover and hythe) and essex, alive from 0 on, each with <area>/intake and
 * <area>/triage; the sources gp-feed (gp), self-page (self), jc-feed (jobcentre) and hub (gp and pharmacist). A line
 * adds or changes one thing:
 *
 *   queue kent/young [opens=N] [closes=N] [capacity=N] [overflow=kent/a,kent/b] [no_worker] [no_owner]
 *   intake kent [opens=N] [closes=N] [capacity=N] [overflow=...] [no_worker]
 *   area old until=N to=kent                 an area that ends, and who follows it
 *   keys kent postcode,gp_practice           by which keys it takes people
 *   rule NAME kent|* [from=N] [until=N] [shadow] [doors_differ] [FIELD=VALUES ...] -> kent/young | nowhere | not_yet:N
 *   advice NAME kent|* [from=N] [until=N] [FIELD=VALUES ...] [-> kent/young]
 *   no_clock WORD                            takes that clock's default away
 *
 * Fields and words are those of rfl_rule.h: door=gp,self age=16..17,unknown flags=interpreter,!incident
 * place=none,dover. A line that cannot be read fails the test. */
#ifndef SMALL_POLICY_H
#define SMALL_POLICY_H

#include "rfl_policy.h"

struct small_policy {
    struct rfl_policy policy;
    uint32_t idle_count;
    struct rfl_queue_no idle[16];               /* queues with no_worker */
};

void small_policy_make(const char *lines, struct small_policy *out);
/* A has_worker of rfl_prove.h; ctx is the small_policy. */
bool small_policy_has_worker(void *ctx, struct rfl_queue_no queue);

#endif
