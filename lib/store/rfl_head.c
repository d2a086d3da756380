#include "rfl_head.h"

#include <sodium.h>

#include "rfl_record.h"
#include "rfl_seal.h"

/* Parts these signatures from any other that a key of a store may ever make. */
static const char name[16] = "rfl-log-head-v1";

void rfl_head_text(const struct rfl_head *head, uint8_t out[RFL_HEAD_TEXT_BYTES])
{
    struct rfl_wr w = rfl_wr_of(out, RFL_HEAD_TEXT_BYTES);
    rfl_wr_bytes(&w, name, sizeof name);
    rfl_wr_bytes(&w, head->store_id, sizeof head->store_id);
    rfl_wr_u32(&w, head->epoch);
    rfl_wr_u64(&w, head->seq.v);
    rfl_wr_i64(&w, head->wall_ms);
    rfl_wr_bytes(&w, head->hash, sizeof head->hash);
    assert(!w.bad && w.used == RFL_HEAD_TEXT_BYTES);
}

bool rfl_head_verify(const struct rfl_head *head, const uint8_t public_key[32])
{
    static_assert(crypto_sign_PUBLICKEYBYTES == 32 && crypto_sign_BYTES == sizeof head->signature, "Ed25519");
    uint8_t text[RFL_HEAD_TEXT_BYTES];
    rfl_head_text(head, text);
    return sodium_init() != -1 && crypto_sign_verify_detached(head->signature, text, sizeof text, public_key) == 0;
}

enum rfl_err rfl_chain_check(const uint8_t prev[32], struct rfl_seq seq, struct rfl_view bytes, uint8_t next_out[32])
{
    struct rfl_entry entry;
    uint8_t named[32];
    enum rfl_err err = rfl_entry_decode(bytes, &entry, named);
    if (err == RFL_E_OK && (entry.seq.v != seq.v || memcmp(named, prev, sizeof named) != 0))
        err = RFL_E_CORRUPT;
    if (err == RFL_E_OK)
        rfl_seal_chain(bytes, next_out);
    return err;
}
