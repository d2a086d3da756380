/* rfl_personal.h: what the sealed part of a log entry holds, as bytes (lib/store/FORMAT.md, "Sealed parts").
 *
 * Two layouts. A submission: the source's own reference, the directory lines its keys were found at, and the Referral
 * exactly as it came. Words: what a worker, a referrer or an operator says, in which role, and the next step that it
 * proposes. Views are borrowed from the input. */
#ifndef RFL_PERSONAL_H
#define RFL_PERSONAL_H

#include "rfl_facts.h"

struct rfl_personal_submission { struct rfl_view reference, referral; uint32_t line[RFL_KEY_COUNT]; };
struct rfl_personal_words { struct rfl_view text, role, next_step; };

enum { RFL_PERSONAL_BYTES_MAX = RFL_BODY_BYTES_MAX + RFL_REFERENCE_BYTES_MAX + 64 };

/* Bytes written, 0 when cap is too small. */
size_t rfl_personal_put_submission(const struct rfl_personal_submission *in, uint8_t *out, size_t cap);
size_t rfl_personal_put_words(const struct rfl_personal_words *in, uint8_t *out, size_t cap);
/* RFL_E_CORRUPT when the bytes are not of that layout. */
RFL_MUST_USE enum rfl_err rfl_personal_get_submission(struct rfl_view bytes, struct rfl_personal_submission *out);
RFL_MUST_USE enum rfl_err rfl_personal_get_words(struct rfl_view bytes, struct rfl_personal_words *out);

#endif
