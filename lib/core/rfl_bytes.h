/* rfl_bytes.h: bounded readers and writers of little-endian bytes with a sticky error.
 *
 * A caller reads or writes a straight line of fields and asks once, at the end, whether all of it fitted: after the
 * first failure every read gives zero and every write does nothing. Owns nothing; the memory is the caller's. */
#ifndef RFL_BYTES_H
#define RFL_BYTES_H

#include "rfl_base.h"

struct rfl_rd { const uint8_t *p; size_t left; bool bad; };
struct rfl_wr { uint8_t *p; size_t used, cap; bool bad; };

static inline struct rfl_rd rfl_rd_of(struct rfl_view v) { return (struct rfl_rd){ v.p, v.len, false }; }
static inline struct rfl_wr rfl_wr_of(void *p, size_t cap) { return (struct rfl_wr){ p, 0, cap, false }; }

uint8_t rfl_rd_u8(struct rfl_rd *r);
uint16_t rfl_rd_u16(struct rfl_rd *r);
uint32_t rfl_rd_u32(struct rfl_rd *r);
uint64_t rfl_rd_u64(struct rfl_rd *r);
int64_t rfl_rd_i64(struct rfl_rd *r);
/* Copies n bytes to out; zeroes out when they are not there. */
void rfl_rd_bytes(struct rfl_rd *r, void *out, size_t n);
/* A view of the next n bytes, borrowed from the reader's memory; empty when they are not there. */
struct rfl_view rfl_rd_view(struct rfl_rd *r, size_t n);
/* True when everything was there and nothing is left over. */
bool rfl_rd_done(const struct rfl_rd *r);

void rfl_wr_u8(struct rfl_wr *w, uint8_t v);
void rfl_wr_u16(struct rfl_wr *w, uint16_t v);
void rfl_wr_u32(struct rfl_wr *w, uint32_t v);
void rfl_wr_u64(struct rfl_wr *w, uint64_t v);
void rfl_wr_i64(struct rfl_wr *w, int64_t v);
void rfl_wr_bytes(struct rfl_wr *w, const void *p, size_t n);

/* Big-endian, for keys whose byte order is their order. */
void rfl_put_be64(uint8_t out[8], uint64_t v);
uint64_t rfl_get_be64(const uint8_t in[8]);

/* A 64-bit checksum against accidents (bit flips, torn or swapped pages); no protection against intent. Depends on
 * every byte, on the length and on `seed`, which callers set to the record's key so that swapped records are found. */
uint64_t rfl_checksum64(const void *p, size_t n, uint64_t seed);

#endif
