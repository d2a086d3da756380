/* rfl_opening.h: a store opened step by step, without raising its epoch or building its indexes. For lib/store. */
#ifndef RFL_OPENING_H
#define RFL_OPENING_H

#include "rfl_env.h"

/* Environment, identity and keys; leaves a transaction open. mode: RFL_ENV_WRITE or RFL_ENV_READ. *why_out gets a
 * literal on every error. Closed by rfl_store_close. */
RFL_MUST_USE enum rfl_err rfl_opening(const char *dir, enum rfl_env_mode mode, const struct rfl_store_options *options,
                                      struct rfl_store **out, const char **why_out);

/* Then: the state row and the sources. Inside that transaction. */
RFL_MUST_USE enum rfl_err rfl_opening_state(struct rfl_store *store, const char **why_out);

#endif
