/* rfl_rows.h: keys and small rows of the store's tables as bytes (FORMAT.md has them as tables).
 *
 * Cases, referrals and entries are lib/core's (rfl_record.h); these are the store's own. Little-endian, version first,
 * checksum last and seeded with the row's key, so that two rows that changed places are found. Keys are big-endian. */
#ifndef RFL_ROWS_H
#define RFL_ROWS_H

#include "rfl_store.h"

enum {
    RFL_STORE_FORMAT = 1,
    RFL_IDENTITY_BYTES = 28, RFL_STATE_BYTES = 104, RFL_SOURCE_BYTES = 44, RFL_MAIL_BYTES = 28,
    RFL_QUEUE_BYTES = 62, RFL_COMPACTED_BYTES = 20,
    RFL_KEY_ID_BYTES = 8, RFL_KEY_PART_BYTES = 10, RFL_KEY_SOURCE_BYTES = 2, RFL_KEY_QUEUE_BYTES = 2,
    RFL_KEY_MAIL_BYTES = 10
};

/* Row "store" of meta: never changes. */
struct rfl_identity { uint16_t format; uint8_t store_id[16]; };

/* Row "state" of meta: written once a commit. */
struct rfl_state {
    uint32_t epoch;
    uint64_t entries;               /* the newest entry's sequence */
    uint64_t policy;                /* entry of the newest POLICY_LOADED */
    uint64_t cases, referrals, joined, mailbox_rows;
    int64_t wall_ms;                /* of the newest entry */
    uint8_t head[32];               /* its hash */
};

void rfl_identity_encode(const struct rfl_identity *identity, uint8_t out[RFL_IDENTITY_BYTES]);
/* RFL_E_VERSION: *out has the format found, so that it can be said. The three others give VERSION or CORRUPT. */
RFL_MUST_USE enum rfl_err rfl_identity_decode(struct rfl_view bytes, struct rfl_identity *out);
void rfl_state_encode(const struct rfl_state *state, uint8_t out[RFL_STATE_BYTES]);
RFL_MUST_USE enum rfl_err rfl_state_decode(struct rfl_view bytes, struct rfl_state *out);
void rfl_source_encode(const struct rfl_source_row *row, uint8_t out[RFL_SOURCE_BYTES]);
RFL_MUST_USE enum rfl_err rfl_source_decode(struct rfl_view bytes, struct rfl_source_row *out);
void rfl_queue_encode(const struct rfl_queue_row_stored *row, uint8_t out[RFL_QUEUE_BYTES]);
RFL_MUST_USE enum rfl_err rfl_queue_decode(struct rfl_view bytes, struct rfl_queue_row_stored *out);
void rfl_mail_encode(const struct rfl_mail *mail, struct rfl_source_no source, uint8_t out[RFL_MAIL_BYTES]);
/* mail->sequence is read: it is in the key, not in the row. */
RFL_MUST_USE enum rfl_err rfl_mail_decode(struct rfl_view bytes, struct rfl_source_no source, struct rfl_mail *mail);

/* Row "compacted" of meta: how many cases had been erased when the file was last compacted. */
void rfl_compacted_encode(uint64_t erased, uint8_t out[RFL_COMPACTED_BYTES]);
RFL_MUST_USE enum rfl_err rfl_compacted_decode(struct rfl_view bytes, uint64_t *erased_out);

void rfl_key_part(uint64_t seq, uint16_t part, uint8_t out[RFL_KEY_PART_BYTES]);
void rfl_key_mail(struct rfl_source_no source, uint64_t sequence, uint8_t out[RFL_KEY_MAIL_BYTES]);
void rfl_key_source(struct rfl_source_no source, uint8_t out[RFL_KEY_SOURCE_BYTES]);
void rfl_key_queue(struct rfl_queue_no queue, uint8_t out[RFL_KEY_QUEUE_BYTES]);

#endif
