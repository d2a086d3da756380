/* rfl_seal.h: every key and every cipher of the store, on libsodium.
 *
 *   master key (a file) ── kdf ──▶ key-encryption key ── wraps ──▶ data key of each case ── seals ──▶ personal parts
 *            (one a key version)                      └─ wraps ──▶ store secret ── kdf ──▶ hash keys, receipt key,
 *                                                                                          signing key
 *
 * A key version is the epoch of a key-encryption key: 1 for the master key a store was made with, one more at every
 * rotation. Each wrapped key names its own, so that old and new are told apart while a rotation is under way.
 *
 * Erasing a case's wrapped key erases the person. The store secret is random and kept wrapped, so that another master
 * key means rewrapping small rows and neither references nor receipts change. Everything is XChaCha20-Poly1305 with a
 * random nonce; the associated data names the table, the store and the record, so a sealed part that was moved does not
 * open. Keys lie in memory from sodium_malloc: between guard pages, left out of core files, and locked when
 * RLIMIT_MEMLOCK allows it (not locked otherwise: a page of keys that may be swapped is no reason to refuse people).
 *
 * Randomness comes from the kernel 32 bytes at a time and is stretched, because a system call for each of the 80 bytes
 * a submission needs costs more than sealing it. Not thread-safe; no fork while it is open. */
#ifndef RFL_SEAL_H
#define RFL_SEAL_H

#include "rfl_store.h"

enum {
    RFL_SEAL_MASTER_BYTES = 32,
    RFL_SEAL_ROW_BYTES = 76,                /* version 1, zero 1, key version 2, nonce 24, key 32, tag 16 */
    RFL_SEAL_OVERHEAD_BYTES = 24 + 16,      /* what sealing adds to a text: nonce and tag */
    RFL_SEAL_VERSION_FIRST = 1
};

struct rfl_seal;

/* Makes a master key file of mode 0600 and syncs it. RFL_E_EXISTS; RFL_E_IO: errno says why. */
RFL_MUST_USE enum rfl_err rfl_seal_master_make(const char *path);

/* A random store id. RFL_E_IO: libsodium cannot start. */
RFL_MUST_USE enum rfl_err rfl_seal_identity(uint8_t store_id_out[16]);

/* The key version a row names; 0, which none has, when it is no such row. Nothing is checked. */
uint16_t rfl_seal_row_version(struct rfl_view row);

/* Reads the master key, for rows of this key version. RFL_E_ABSENT: no such file; RFL_E_INVALID: not 32 bytes, or
 * others may read it (a file of root's that a group may read is taken: that is how systemd hands over credentials);
 * RFL_E_IO; RFL_E_MEMORY. *why_out gets a literal. */
RFL_MUST_USE enum rfl_err rfl_seal_open(const char *master_path, const uint8_t store_id[16], uint16_t version,
                                        struct rfl_seal **out, const char **why_out);
void rfl_seal_close(struct rfl_seal **seal);

/* Draws the store secret and wraps it; or opens it, RFL_E_CORRUPT: not with this master key, or damaged. Hashes and the
 * receipt key work after one of the two. */
void rfl_seal_secret_new(struct rfl_seal *seal, uint8_t row_out[RFL_SEAL_ROW_BYTES]);
RFL_MUST_USE enum rfl_err rfl_seal_secret_load(struct rfl_seal *seal, struct rfl_view row);

/* The data key in use. _new draws one for a case and wraps it; _load opens a case's wrapped key (RFL_E_CORRUPT: forged,
 * moved or damaged; RFL_E_VERSION); asking again for the case in use costs nothing. _forget: none is in use. */
void rfl_seal_key_new(struct rfl_seal *seal, struct rfl_case_id kase, uint8_t row_out[RFL_SEAL_ROW_BYTES]);
bool rfl_seal_key_in_use(const struct rfl_seal *seal, struct rfl_case_id kase);
RFL_MUST_USE enum rfl_err rfl_seal_key_load(struct rfl_seal *seal, struct rfl_case_id kase, struct rfl_view row);
void rfl_seal_key_forget(struct rfl_seal *seal);

/* A row of `from` (of a case; case 0: the store secret) as a row of `to`, another master key of the same store.
 * RFL_E_CORRUPT, RFL_E_VERSION: it does not open with `from`. */
RFL_MUST_USE enum rfl_err rfl_seal_rewrap(struct rfl_seal *from, struct rfl_seal *to, struct rfl_case_id kase,
                                          struct rfl_view row, uint8_t row_out[RFL_SEAL_ROW_BYTES]);

/* Seals text under the key in use, which must be the case's, for the log entry `seq`. Writes text.len +
 * RFL_SEAL_OVERHEAD_BYTES bytes to out and returns that number. */
size_t rfl_seal_text(struct rfl_seal *seal, struct rfl_case_id kase, struct rfl_seq seq, struct rfl_view text,
                     uint8_t *out);
/* The reverse. out needs sealed.len - RFL_SEAL_OVERHEAD_BYTES bytes. RFL_E_CORRUPT: forged, moved or damaged; out is
 * then zeroed. */
RFL_MUST_USE enum rfl_err rfl_seal_open_text(struct rfl_seal *seal, struct rfl_case_id kase, struct rfl_seq seq,
                                             struct rfl_view sealed, uint8_t *out);

struct rfl_hash rfl_seal_hash(const struct rfl_seal *seal, enum rfl_hash_domain domain, uint64_t tag,
                              struct rfl_view bytes);
const struct rfl_receipt_key *rfl_seal_receipt_key(const struct rfl_seal *seal);
/* Ed25519, with the key pair that comes of the store secret. */
void rfl_seal_public_key(const struct rfl_seal *seal, uint8_t out[32]);
void rfl_seal_sign(const struct rfl_seal *seal, struct rfl_view text, uint8_t signature_out[64]);

/* n random bytes, at most 1024. */
void rfl_seal_draw(struct rfl_seal *seal, uint8_t *out, size_t n);

/* BLAKE2b-256, the hash of the chain. Not keyed: anyone may check a chain. */
void rfl_seal_chain(struct rfl_view bytes, uint8_t out[32]);

#endif
