/* shows.h: whether a finding's witness shows what the finding says, when the real routing is asked about it. */
#ifndef SHOWS_H
#define SHOWS_H

#include "rfl_prove.h"

/* NULL: it does; else what is not so. A finding without a witness is believed here, and judged by brute force. */
const char *shows(const struct rfl_policy *policy, const struct rfl_prove_options *options,
                  const struct rfl_proof_finding *finding);
/* Whether such a person can come at all. */
bool can_exist(const struct rfl_policy *policy, const struct rfl_witness *witness);
void ask_about(const struct rfl_policy *policy, const struct rfl_witness *witness, struct rfl_decision *out);
/* Who decided. */
struct rfl_decider decider_in(const struct rfl_policy *policy, const struct rfl_decision *decision);

#endif
