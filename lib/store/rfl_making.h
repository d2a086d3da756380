/* rfl_making.h: the steps that init and rebuild share. For lib/store. */
#ifndef RFL_MAKING_H
#define RFL_MAKING_H

#include <fcntl.h>

#include "rfl_env.h"
#include "rfl_rows.h"
#include "rfl_seal.h"

/* The rows every store starts with: identity, an empty state, and the wrapped store secret (NULL: none). */
RFL_MUST_USE enum rfl_err rfl_making_rows(struct rfl_env *env, const struct rfl_identity *identity,
                                          const uint8_t *secret);
/* The row of meta that says how many cases had been erased when the file was written anew. Inside a transaction. */
RFL_MUST_USE enum rfl_err rfl_making_compacted(struct rfl_env *env, uint64_t erased);
/* Syncs the finished folder `made`, gives it the name `dir` and syncs the folder it lies in. RFL_E_EXISTS: the name is
 * taken; RFL_E_IO: errno says why. */
RFL_MUST_USE enum rfl_err rfl_making_name(const char *made, const char *dir);

#endif
