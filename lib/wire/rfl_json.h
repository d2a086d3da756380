/* rfl_json.h: messages as JSON, for `--json` and for referrals written by hand. Field names are the protocol's.
 *
 * Enums are their lower-case words (Door DOOR_GP is "gp"), times stay numbers in ms, a referral's bytes are shown
 * decoded. A reply says all its fields, whatever their values, and its own name under "message"; a form says only what
 * is given. A number above INT64_MAX, which JSON's readers could not hold, is shown as INT64_MAX. The caller frees with
 * json_decref. Not for the hot path: everything is allocated. */
#ifndef RFL_JSON_H
#define RFL_JSON_H

#include <jansson.h>

#include "rfl_wire.h"

/* NULL when out of memory, or when a string is not UTF-8 (no decoded message has such). A referral whose bytes cannot
 * be read is null. */
json_t *rfl_json_of_reply(const struct rfl_reply *reply);
json_t *rfl_json_of_form(const struct rfl_form *form);
/* A JSON object as the bytes of a Referral. On false, *findings says which keys are unknown (a path that is the key
 * alone, borrowed from `object`) or of the wrong type, which words or numbers are out of range, and "referral" is too
 * long when cap is. Content is not judged: rfl_wire_decode_form or Validate do that. A null is a field not given. */
bool rfl_json_to_referral(const json_t *object, uint8_t *out, size_t cap, size_t *len_out,
                          struct rfl_findings *findings);

#endif
