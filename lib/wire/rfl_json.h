/* rfl_json.h: messages as JSON, for `--json` and for referrals written by hand. Field names are the protocol's.
 *
 * Enums are their lower-case words (Door DOOR_GP is "gp"), times stay numbers in ms, Submit.referral and
 * Record.referral are shown decoded. The caller frees with json_decref. */
#ifndef RFL_JSON_H
#define RFL_JSON_H

#include <jansson.h>

#include "rfl_wire.h"

/* NULL when out of memory. */
json_t *rfl_json_of_reply(const struct rfl_reply *reply);
json_t *rfl_json_of_form(const struct rfl_form *form);
/* A JSON object as the bytes of a Referral. On false, *findings says which keys are unknown or of the wrong type. */
bool rfl_json_to_referral(const json_t *object, uint8_t *out, size_t cap, size_t *len_out,
                          struct rfl_findings *findings);

#endif
