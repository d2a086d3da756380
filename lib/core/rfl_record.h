/* rfl_record.h: stored records and log entries as bytes, and back.
 *
 * Field by field, little-endian, version first, checksum last (lib/store/FORMAT.md has the tables). Encoding asserts
 * what decoding verifies. An unknown version is RFL_E_VERSION; anything else that does not fit is RFL_E_CORRUPT. A
 * record holds its own id: whoever reads it under a key compares the two, which finds records that were swapped. */
#ifndef RFL_RECORD_H
#define RFL_RECORD_H

#include "rfl_bytes.h"
#include "rfl_event.h"

enum {
    RFL_CASE_BYTES = 190,           /* exactly; 189 in version 1, which is read still */
    RFL_REFERRAL_BYTES = 177,       /* exactly */
    RFL_ENTRY_CLEAR_BYTES_MAX = 1280,   /* an entry without its sealed part */
    RFL_ENTRY_BYTES_MAX = RFL_ENTRY_CLEAR_BYTES_MAX + RFL_BODY_BYTES_MAX + 1024
};

void rfl_case_encode(const struct rfl_case *kase, uint8_t out[RFL_CASE_BYTES]);
RFL_MUST_USE enum rfl_err rfl_case_decode(struct rfl_view bytes, struct rfl_case *out);

void rfl_referral_encode(const struct rfl_referral *referral, uint8_t out[RFL_REFERRAL_BYTES]);
RFL_MUST_USE enum rfl_err rfl_referral_decode(struct rfl_view bytes, struct rfl_referral *out);

/* Writes the entry after `prev`, the hash of the entry before it (32 bytes). Returns the bytes written, at most
 * RFL_ENTRY_BYTES_MAX; 0 when cap is too small. The hash of the entry is BLAKE2b-256 over exactly these bytes. */
size_t rfl_entry_encode(const struct rfl_entry *entry, const uint8_t prev[32], uint8_t *out, size_t cap);
/* Views in *out are borrowed from bytes. prev_out gets the stored hash of the entry before. */
RFL_MUST_USE enum rfl_err rfl_entry_decode(struct rfl_view bytes, struct rfl_entry *out, uint8_t prev_out[32]);

#endif
