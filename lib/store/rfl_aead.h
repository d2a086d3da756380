/* rfl_aead.h: XChaCha20-Poly1305 (IETF), sealing only, in one pass of the cipher.
 *
 * Writes what crypto_aead_xchacha20poly1305_ietf_encrypt writes, byte for byte (RFC 8439 section 2.8 under a subkey of
 * HChaCha20), and test_seal compares the two for every length. libsodium's own takes the block for the one-time key by
 * itself and the end of the text in small pieces, each of which costs as much as 256 bytes of the stream; here that
 * block and the text are one stretch of the stream, rounded up. Half the time for texts of 100 to 1,000 bytes. Opening
 * is libsodium's alone: whatever is wrong here does not open.
 *
 * Owns nothing. Not thread-safe for one stage. */
#ifndef RFL_AEAD_H
#define RFL_AEAD_H

#include "rfl_base.h"

enum {
    RFL_AEAD_KEY_BYTES = 32, RFL_AEAD_NONCE_BYTES = 24, RFL_AEAD_TAG_BYTES = 16,
    RFL_AEAD_AD_BYTES_MAX = 48,
    RFL_AEAD_ONE_PASS_BYTES_MAX = 4032,     /* longer texts go to libsodium whole */
    RFL_AEAD_STAGE_BYTES = 64 + RFL_AEAD_ONE_PASS_BYTES_MAX + 16
};

/* Where a text is worked on; all zero before and after each call. */
struct rfl_aead_stage { uint8_t b[RFL_AEAD_STAGE_BYTES]; };

/* out: text.len + RFL_AEAD_TAG_BYTES bytes, not overlapping the text. ad: at most RFL_AEAD_AD_BYTES_MAX. A nonce is
 * never used twice with one key. */
void rfl_aead_seal(struct rfl_aead_stage *stage, const uint8_t key[RFL_AEAD_KEY_BYTES],
                   const uint8_t nonce[RFL_AEAD_NONCE_BYTES], struct rfl_view ad, struct rfl_view text, uint8_t *out);

#endif
