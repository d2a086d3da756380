/* rfl_receipt.h: the codes people read out on the phone, WW-7K3M-92QX for a referral and WC-.... for a case.
 *
 * A code is two letters for the kind and eight symbols: seven carry the id, the last is a check character.
 *
 * Alphabet (32): 0123456789 ABCDEFGHJKMNPQRSTVWXYZ. Left out are I and L (read as 1), O (read as 0) and U (read as V
 * in handwriting). Since those four are never written, reading them as 1, 1, 0 and V cannot be wrong, and
 * rfl_receipt_decode does so. It also takes lower case, and any spaces and dashes between symbols.
 *
 * Check character: the symbols are elements of GF(32) (x^5 + x^2 + 1) and their sum, each weighted with its own power
 * of x, has a fixed value for each kind. All weights differ and none is zero, so every single wrong symbol and every
 * swap of two symbols, adjacent or not, is found; so is a code read with the other kind's letters, and a swap of the
 * last letter of the kind with the first symbol.
 *
 * The id is passed through a keyed permutation of the 2^35 codes of its kind (ten Feistel rounds, SipHash-2-4 as the
 * round function), so consecutive ids give unrelated codes, codes need no table, and nobody can read from two receipts
 * how many referrals lay between. It is not a security boundary: a receipt authorises nothing, and 35 bits can be
 * searched by anyone who holds the key. The key belongs to a store for its whole life: with another key every receipt
 * given out names another referral.
 *
 * Pure: no allocation, no clock, no secrets kept. */
#ifndef RFL_RECEIPT_H
#define RFL_RECEIPT_H

#include "rfl_base.h"

enum {
    RFL_RECEIPT_BYTES = 13,             /* "WW-7K3M-92QX" and a zero byte */
    RFL_RECEIPT_TEXT_BYTES_MAX = 64     /* longer texts are not receipts, whatever they are */
};
#define RFL_RECEIPT_ID_MAX ((UINT64_C(1) << 35) - 1)        /* 34 thousand million; at 1,000 a second, a year */

enum rfl_receipt_kind { RFL_RECEIPT_REFERRAL, RFL_RECEIPT_CASE, RFL_RECEIPT_KIND_COUNT };

struct rfl_receipt_key { uint8_t b[16]; };

/* Writes the code of `id` and a zero byte. RFL_E_INVALID: id is 0 or above RFL_RECEIPT_ID_MAX; out is then "". */
RFL_MUST_USE enum rfl_err rfl_receipt_encode(const struct rfl_receipt_key *key, enum rfl_receipt_kind kind, uint64_t id,
                                             char out[RFL_RECEIPT_BYTES]);

/* Reads a code as people write it. RFL_E_INVALID: not two kind letters and eight symbols of the alphabet, the check
 * character does not fit (one symbol was misread or two were swapped), or the code belongs to no id; *kind and *id are
 * then unchanged. That a referral of that id exists is not checked. */
RFL_MUST_USE enum rfl_err rfl_receipt_decode(const struct rfl_receipt_key *key, struct rfl_view text,
                                             enum rfl_receipt_kind *kind, uint64_t *id);

/* SipHash-2-4 of one 8-byte word, as little-endian bytes. The round function; visible so that it can be checked against
 * the published vectors. */
uint64_t rfl__receipt_mix(const struct rfl_receipt_key *key, uint64_t word);

#endif
