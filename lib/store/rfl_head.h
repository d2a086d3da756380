/* rfl_head.h: the signed head of a log, and following a chain without a store. Pure: bytes in, an answer out.
 *
 * The head is the hash of a log's newest entry. Each entry holds the hash of the one before it, so whoever keeps a
 * signed head can check later that nothing up to it was changed, left out or put in, and can prove to others that
 * this store said so. The key (Ed25519) comes from the store secret: it is the same for the life of a store,
 * whatever master key wraps the secret. rfl_store_sign_head makes heads. */
#ifndef RFL_HEAD_H
#define RFL_HEAD_H

#include "rfl_base.h"

struct rfl_head {
    uint8_t store_id[16];
    uint32_t epoch;
    struct rfl_seq seq;             /* of the newest entry, */
    int64_t wall_ms;                /* its time */
    uint8_t hash[32];               /* and its hash */
    uint8_t signature[64];          /* of all the above: FORMAT.md has the bytes */
};

/* What is signed: name 16, store id 16, epoch 4, sequence 8, time 8, hash 32. */
enum { RFL_HEAD_TEXT_BYTES = 84 };
void rfl_head_text(const struct rfl_head *head, uint8_t out[RFL_HEAD_TEXT_BYTES]);

/* Whether the store with this public key signed exactly this head. */
bool rfl_head_verify(const struct rfl_head *head, const uint8_t public_key[32]);

/* One step along a chain: `bytes` are entry `seq` as stored (rfl_store_raw), and it names `prev`, the hash of the entry
 * before it (32 zeroes for the first). next_out gets its own hash; it may be the same memory as `prev`. RFL_E_CORRUPT:
 * damaged, another entry, or one that follows another; RFL_E_VERSION: an entry this program does not know. On an error
 * next_out is unchanged. Needs no store and no key. */
RFL_MUST_USE enum rfl_err rfl_chain_check(const uint8_t prev[32], struct rfl_seq seq, struct rfl_view bytes,
                                          uint8_t next_out[32]);

#endif
