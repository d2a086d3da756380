#include "rfl_aead.h"

#include <sodium.h>

#include "rfl_bytes.h"

enum { BLOCK_BYTES = 64, STRETCH_BYTES = 256, UNIT_BYTES = 16, LENGTHS_BYTES = 16, SHORT_NONCE_BYTES = 12,
       HCHACHA_NONCE_BYTES = 16 };
static_assert(RFL_AEAD_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");
static_assert(RFL_AEAD_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce size");
static_assert(RFL_AEAD_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag size");
static_assert(RFL_AEAD_KEY_BYTES == crypto_core_hchacha20_OUTPUTBYTES, "a subkey is a key");
static_assert(RFL_AEAD_NONCE_BYTES - HCHACHA_NONCE_BYTES == SHORT_NONCE_BYTES - 4, "the nonce's rest and four zeroes");
static_assert(RFL_AEAD_AD_BYTES_MAX % UNIT_BYTES == 0 && (int)RFL_AEAD_AD_BYTES_MAX <= (int)BLOCK_BYTES,
              "the associated data takes the place of the one-time key's block");
static_assert((BLOCK_BYTES + RFL_AEAD_ONE_PASS_BYTES_MAX) % STRETCH_BYTES == 0, "the last stretch fits the stage");

static size_t rounded(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

void rfl_aead_seal(struct rfl_aead_stage *stage, const uint8_t key[RFL_AEAD_KEY_BYTES],
                   const uint8_t nonce[RFL_AEAD_NONCE_BYTES], struct rfl_view ad, struct rfl_view text, uint8_t *out)
{
    assert(ad.len <= RFL_AEAD_AD_BYTES_MAX);
    if (text.len > RFL_AEAD_ONE_PASS_BYTES_MAX) {
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, text.p, text.len, ad.p, ad.len, NULL, nonce, key);
        return;
    }
    uint8_t subkey[RFL_AEAD_KEY_BYTES], one_time[crypto_onetimeauth_KEYBYTES], short_nonce[SHORT_NONCE_BYTES] = { 0 };
    uint8_t *body = stage->b + BLOCK_BYTES;
    (void)crypto_core_hchacha20(subkey, nonce, key, NULL);
    memcpy(short_nonce + 4, nonce + HCHACHA_NONCE_BYTES, RFL_AEAD_NONCE_BYTES - HCHACHA_NONCE_BYTES);
    if (text.len > 0)
        memcpy(body, text.p, text.len);
    size_t stretch = rounded(BLOCK_BYTES + text.len, STRETCH_BYTES);
    (void)crypto_stream_chacha20_ietf_xor_ic(stage->b, stage->b, stretch, short_nonce, 0, subkey);
    memcpy(one_time, stage->b, sizeof one_time);
    memcpy(out, body, text.len);
    /* The tag is over the associated data and the ciphertext, each filled up with zeroes, and their lengths. */
    size_t ad_bytes = rounded(ad.len, UNIT_BYTES), body_bytes = rounded(text.len, UNIT_BYTES);
    memset(body - ad_bytes, 0, ad_bytes);
    if (ad.len > 0)
        memcpy(body - ad_bytes, ad.p, ad.len);
    memset(body + text.len, 0, body_bytes - text.len);
    struct rfl_wr lengths = rfl_wr_of(body + body_bytes, LENGTHS_BYTES);
    rfl_wr_u64(&lengths, ad.len);
    rfl_wr_u64(&lengths, text.len);
    (void)crypto_onetimeauth(out + text.len, body - ad_bytes, ad_bytes + body_bytes + LENGTHS_BYTES, one_time);
    sodium_memzero(subkey, sizeof subkey);
    sodium_memzero(one_time, sizeof one_time);
    size_t used = BLOCK_BYTES + body_bytes + LENGTHS_BYTES;
    sodium_memzero(stage->b, used > stretch ? used : stretch);
}
