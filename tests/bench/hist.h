/* hist.h: a histogram of durations in ns, exact to 1.6 %, in fixed memory. Zero initialises. */
#ifndef HIST_H
#define HIST_H

#include <stdint.h>

enum { HIST_SUB_BITS = 6, HIST_BUCKETS = 64 << HIST_SUB_BITS };

struct hist { uint64_t count, max_ns, bucket[HIST_BUCKETS]; };

static inline unsigned hist_at(uint64_t ns)
{
    if (ns < 1u << HIST_SUB_BITS)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - HIST_SUB_BITS;
    return ((shift + 1) << HIST_SUB_BITS) + (unsigned)((ns >> shift) & ((1u << HIST_SUB_BITS) - 1));
}

static inline void hist_add(struct hist *h, uint64_t ns)
{
    h->bucket[hist_at(ns)]++;
    h->count++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

/* The value that `share` (0 to 1) of all values do not exceed, rounded up to its bucket's end. 0 when empty. */
static inline uint64_t hist_quantile(const struct hist *h, double share)
{
    uint64_t want = (uint64_t)(share * (double)h->count), seen = 0;
    for (unsigned i = 0; i < HIST_BUCKETS && h->count > 0; i++) {
        seen += h->bucket[i];
        if (seen <= want && seen < h->count)
            continue;
        if (i < 1u << HIST_SUB_BITS)
            return i;
        unsigned shift = (i >> HIST_SUB_BITS) - 1;
        uint64_t sub = (i & ((1u << HIST_SUB_BITS) - 1)) + (1u << HIST_SUB_BITS) + 1;
        uint64_t end = (sub << shift) - 1;
        return end < h->max_ns ? end : h->max_ns;
    }
    return h->max_ns;
}

#endif
