/* permit.h: what a key may ask for. One table, message by message; every message is judged against the keys in force.
 *
 * A connection proved which key it has when it was made. That says who it is, not what it may do: names in a message
 * are its sender's words, and must be the key's own. */
#ifndef PERMIT_H
#define PERMIT_H

#include "rfl_conf_keys.h"
#include "rfl_message.h"

/* RFL_CODE_OK, or RFL_CODE_NOT_PERMITTED. An operator's name that was left out is filled in from the key: a view into
 * the entry. */
RFL_MUST_USE enum rfl_code permit(const struct rfl_keys *keys, const struct rfl_key_entry *entry, struct rfl_ask *ask);

#endif
