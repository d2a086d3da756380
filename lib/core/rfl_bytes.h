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

/* The next `bytes` bytes (1 to 8, a literal) as a little-endian number. Inline, so that the loop folds into a load. */
static inline uint64_t rfl__rd_le(struct rfl_rd *r, unsigned bytes)
{
    if (r->bad || r->left < bytes) {
        r->bad = true;
        return 0;
    }
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)r->p[i] << (8 * i);
    r->p += bytes;
    r->left -= bytes;
    return v;
}
static inline uint8_t rfl_rd_u8(struct rfl_rd *r) { return (uint8_t)rfl__rd_le(r, 1); }
static inline uint16_t rfl_rd_u16(struct rfl_rd *r) { return (uint16_t)rfl__rd_le(r, 2); }
static inline uint32_t rfl_rd_u32(struct rfl_rd *r) { return (uint32_t)rfl__rd_le(r, 4); }
static inline uint64_t rfl_rd_u64(struct rfl_rd *r) { return rfl__rd_le(r, 8); }
static inline int64_t rfl_rd_i64(struct rfl_rd *r) { return (int64_t)rfl__rd_le(r, 8); }
/* Copies n bytes to out; zeroes out when they are not there. */
void rfl_rd_bytes(struct rfl_rd *r, void *out, size_t n);
/* A view of the next n bytes, borrowed from the reader's memory; empty when they are not there. */
struct rfl_view rfl_rd_view(struct rfl_rd *r, size_t n);
/* True when everything was there and nothing is left over. */
bool rfl_rd_done(const struct rfl_rd *r);

static inline void rfl__wr_le(struct rfl_wr *w, uint64_t v, unsigned bytes)
{
    if (w->bad || w->cap - w->used < bytes) {
        w->bad = true;
        return;
    }
    for (unsigned i = 0; i < bytes; i++)
        w->p[w->used + i] = (uint8_t)(v >> (8 * i));
    w->used += bytes;
}
static inline void rfl_wr_u8(struct rfl_wr *w, uint8_t v) { rfl__wr_le(w, v, 1); }
static inline void rfl_wr_u16(struct rfl_wr *w, uint16_t v) { rfl__wr_le(w, v, 2); }
static inline void rfl_wr_u32(struct rfl_wr *w, uint32_t v) { rfl__wr_le(w, v, 4); }
static inline void rfl_wr_u64(struct rfl_wr *w, uint64_t v) { rfl__wr_le(w, v, 8); }
static inline void rfl_wr_i64(struct rfl_wr *w, int64_t v) { rfl__wr_le(w, (uint64_t)v, 8); }
void rfl_wr_bytes(struct rfl_wr *w, const void *p, size_t n);

/* Big-endian, for keys whose byte order is their order. */
void rfl_put_be64(uint8_t out[8], uint64_t v);
uint64_t rfl_get_be64(const uint8_t in[8]);

/* A 64-bit checksum against accidents (bit flips, torn or swapped pages); no protection against intent. Depends on
 * every byte, on the length and on `seed`, which callers set to the record's key so that swapped records are found. */
uint64_t rfl_checksum64(const void *p, size_t n, uint64_t seed);

#endif
