/* invent.h: invented referrals, as ready frames, as fast as they can be sent.
 *
 * A few frames are encoded once; for each referral one of them is patched with a reference that is used once, and most
 * with an NHS number of the range 999 000 0000 to 999 999 9999, which is never issued, with a right check digit. Both
 * come in an order without plan, which is what real ones look like to an index. Every third referral has no NHS number,
 * as in life; so have all once the 909,000 numbers of the range are used up: nobody is invented twice. */
#ifndef INVENT_H
#define INVENT_H

#include "rfl_wire.h"

enum {
    INVENT_SOURCES = 8,                 /* sources.conf of the throw-away policy has bench-0 to bench-7 */
    INVENT_AREAS = 24,
    INVENT_FRAME_BYTES = 1024,
    INVENT_REFERENCE_BYTES = 20
};
/* Correlations with which a frame keeps its length: their varints have five bytes. */
#define INVENT_CORRELATION_FIRST (UINT64_C(1) << 28)
#define INVENT_CORRELATION_END (UINT64_C(1) << 35)

struct invent_frame {
    uint8_t bytes[INVENT_FRAME_BYTES];
    size_t len, correlation_at, source_at, reference_at, nhs_number_at, stamp_at;
};

struct invent {
    struct invent_frame frame[2][INVENT_AREAS];     /* without and with an NHS number */
    uint64_t made;                                  /* referrals so far */
    uint32_t nhs_cursor, nhs_used;
};

void invent_init(struct invent *invent);
/* The next one, as a frame that holds a Submit from source `bench-<source>` with this correlation. stamp is carried in
 * the referral's correlation_id (as 16 hex digits) and comes back in the Record. Valid until the next call. */
struct rfl_view invent_next(struct invent *invent, unsigned source, uint64_t correlation, uint64_t stamp);
/* The stamp inside a Record's referral; 0: none. */
uint64_t invent_stamp_of(struct rfl_view referral);
/* A permutation of 0 .. 2^bits - 1 (bits even, up to 40). */
uint64_t invent_shuffled(uint64_t n, unsigned bits);
/* Writes the next unused number of the range; false when there is none. */
bool invent_nhs_number(struct invent *invent, char out[10]);

#endif
