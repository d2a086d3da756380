#include "rfl_rows.h"

enum { ROW_VERSION = 1, CHECKSUM_BYTES = 8 };

/* Seeds that no two rows share: the table in the top byte, the key below. */
static uint64_t seed_of(unsigned table, uint64_t key) { return (uint64_t)table << 56 ^ key; }
enum { SEED_IDENTITY = 1, SEED_STATE, SEED_SOURCE, SEED_MAIL, SEED_QUEUE, SEED_COMPACTED };

static void finish(struct rfl_wr *w, size_t size, uint64_t seed)
{
    rfl_wr_u64(w, rfl_checksum64(w->p, w->used, seed));
    assert(!w->bad && w->used == size);
}

/* Whether a row has the size and the checksum it must have. The version is judged by the caller, before this. */
static bool intact(struct rfl_view bytes, size_t size, uint64_t seed)
{
    if (bytes.len != size)
        return false;
    struct rfl_rd r = { bytes.p + size - CHECKSUM_BYTES, CHECKSUM_BYTES, false };
    return rfl_rd_u64(&r) == rfl_checksum64(bytes.p, size - CHECKSUM_BYTES, seed);
}

void rfl_identity_encode(const struct rfl_identity *identity, uint8_t out[RFL_IDENTITY_BYTES])
{
    struct rfl_wr w = rfl_wr_of(out, RFL_IDENTITY_BYTES);
    rfl_wr_u16(&w, identity->format);
    rfl_wr_u16(&w, 0);
    rfl_wr_bytes(&w, identity->store_id, sizeof identity->store_id);
    finish(&w, RFL_IDENTITY_BYTES, seed_of(SEED_IDENTITY, 0));
}

enum rfl_err rfl_identity_decode(struct rfl_view bytes, struct rfl_identity *out)
{
    struct rfl_rd r = rfl_rd_of(bytes);
    struct rfl_identity identity = { .format = rfl_rd_u16(&r) };
    *out = identity;
    if (!r.bad && identity.format != RFL_STORE_FORMAT)
        return RFL_E_VERSION;
    uint16_t zero = rfl_rd_u16(&r);
    rfl_rd_bytes(&r, identity.store_id, sizeof identity.store_id);
    if (zero != 0 || !intact(bytes, RFL_IDENTITY_BYTES, seed_of(SEED_IDENTITY, 0)))
        return RFL_E_CORRUPT;
    *out = identity;
    return RFL_E_OK;
}

void rfl_state_encode(const struct rfl_state *state, uint8_t out[RFL_STATE_BYTES])
{
    struct rfl_wr w = rfl_wr_of(out, RFL_STATE_BYTES);
    rfl_wr_u16(&w, ROW_VERSION);
    rfl_wr_u16(&w, 0);
    rfl_wr_u32(&w, state->epoch);
    rfl_wr_u64(&w, state->entries);
    rfl_wr_u64(&w, state->policy);
    rfl_wr_u64(&w, state->cases);
    rfl_wr_u64(&w, state->referrals);
    rfl_wr_u64(&w, state->joined);
    rfl_wr_u64(&w, state->mailbox_rows);
    rfl_wr_i64(&w, state->wall_ms);
    rfl_wr_bytes(&w, state->head, sizeof state->head);
    finish(&w, RFL_STATE_BYTES, seed_of(SEED_STATE, 0));
}

enum rfl_err rfl_state_decode(struct rfl_view bytes, struct rfl_state *out)
{
    struct rfl_rd r = rfl_rd_of(bytes);
    uint16_t version = rfl_rd_u16(&r), zero = rfl_rd_u16(&r);
    if (!r.bad && version != ROW_VERSION)
        return RFL_E_VERSION;
    struct rfl_state state;
    state.epoch = rfl_rd_u32(&r);
    state.entries = rfl_rd_u64(&r);
    state.policy = rfl_rd_u64(&r);
    state.cases = rfl_rd_u64(&r);
    state.referrals = rfl_rd_u64(&r);
    state.joined = rfl_rd_u64(&r);
    state.mailbox_rows = rfl_rd_u64(&r);
    state.wall_ms = rfl_rd_i64(&r);
    rfl_rd_bytes(&r, state.head, sizeof state.head);
    if (zero != 0 || !intact(bytes, RFL_STATE_BYTES, seed_of(SEED_STATE, 0)) || state.policy > state.entries ||
        state.cases + state.joined != state.referrals)
        return RFL_E_CORRUPT;
    *out = state;
    return RFL_E_OK;
}

void rfl_source_encode(const struct rfl_source_row *row, uint8_t out[RFL_SOURCE_BYTES])
{
    struct rfl_wr w = rfl_wr_of(out, RFL_SOURCE_BYTES);
    rfl_wr_u16(&w, ROW_VERSION);
    rfl_wr_u16(&w, row->source.v);
    rfl_wr_u64(&w, row->mailbox_last);
    rfl_wr_u64(&w, row->mailbox_acked);
    rfl_wr_u64(&w, row->last_referral.v);
    rfl_wr_u64(&w, row->referral_count);
    finish(&w, RFL_SOURCE_BYTES, seed_of(SEED_SOURCE, row->source.v));
}

enum rfl_err rfl_source_decode(struct rfl_view bytes, struct rfl_source_row *out)
{
    struct rfl_rd r = rfl_rd_of(bytes);
    uint16_t version = rfl_rd_u16(&r);
    if (!r.bad && version != ROW_VERSION)
        return RFL_E_VERSION;
    struct rfl_source_row row;
    row.source.v = rfl_rd_u16(&r);
    row.mailbox_last = rfl_rd_u64(&r);
    row.mailbox_acked = rfl_rd_u64(&r);
    row.last_referral.v = rfl_rd_u64(&r);
    row.referral_count = rfl_rd_u64(&r);
    if (!intact(bytes, RFL_SOURCE_BYTES, seed_of(SEED_SOURCE, row.source.v)) || row.mailbox_acked > row.mailbox_last)
        return RFL_E_CORRUPT;
    *out = row;
    return RFL_E_OK;
}

static uint64_t mail_seed(struct rfl_source_no source, uint64_t sequence)
{
    return seed_of(SEED_MAIL, (uint64_t)source.v << 40 ^ sequence);
}

void rfl_mail_encode(const struct rfl_mail *mail, struct rfl_source_no source, uint8_t out[RFL_MAIL_BYTES])
{
    struct rfl_wr w = rfl_wr_of(out, RFL_MAIL_BYTES);
    rfl_wr_u16(&w, ROW_VERSION);
    rfl_wr_u8(&w, mail->event_index);
    rfl_wr_u8(&w, 0);
    rfl_wr_u64(&w, mail->referral.v);
    rfl_wr_u64(&w, mail->seq.v);
    finish(&w, RFL_MAIL_BYTES, mail_seed(source, mail->sequence));
}

enum rfl_err rfl_mail_decode(struct rfl_view bytes, struct rfl_source_no source, struct rfl_mail *mail)
{
    struct rfl_rd r = rfl_rd_of(bytes);
    uint16_t version = rfl_rd_u16(&r);
    if (!r.bad && version != ROW_VERSION)
        return RFL_E_VERSION;
    struct rfl_mail read = { .sequence = mail->sequence, .event_index = rfl_rd_u8(&r) };
    uint8_t zero = rfl_rd_u8(&r);
    read.referral.v = rfl_rd_u64(&r);
    read.seq.v = rfl_rd_u64(&r);
    if (zero != 0 || !intact(bytes, RFL_MAIL_BYTES, mail_seed(source, mail->sequence)) || read.referral.v == 0 ||
        read.seq.v == 0 || read.event_index >= RFL_EVENTS_PER_COMMAND_MAX)
        return RFL_E_CORRUPT;
    *mail = read;
    return RFL_E_OK;
}

/* version 2, queue 2, four ends 32, divert_to 2, capacity 8, entry 8, checksum 8 */
void rfl_queue_encode(const struct rfl_queue_row_stored *row, uint8_t out[RFL_QUEUE_BYTES])
{
    struct rfl_wr w = rfl_wr_of(out, RFL_QUEUE_BYTES);
    rfl_wr_u16(&w, ROW_VERSION);
    rfl_wr_u16(&w, row->queue.v);
    rfl_wr_i64(&w, row->pause_until_ms);
    rfl_wr_i64(&w, row->hold_until_ms);
    rfl_wr_i64(&w, row->divert_until_ms);
    rfl_wr_i64(&w, row->capacity_until_ms);
    rfl_wr_u16(&w, row->divert_to.v);
    rfl_wr_u64(&w, row->capacity);
    rfl_wr_u64(&w, row->set_by.v);
    finish(&w, RFL_QUEUE_BYTES, seed_of(SEED_QUEUE, row->queue.v));
}

enum rfl_err rfl_queue_decode(struct rfl_view bytes, struct rfl_queue_row_stored *out)
{
    struct rfl_rd r = rfl_rd_of(bytes);
    uint16_t version = rfl_rd_u16(&r);
    if (!r.bad && version != ROW_VERSION)
        return RFL_E_VERSION;
    struct rfl_queue_row_stored row = { .queue = { rfl_rd_u16(&r) } };
    row.pause_until_ms = rfl_rd_i64(&r);
    row.hold_until_ms = rfl_rd_i64(&r);
    row.divert_until_ms = rfl_rd_i64(&r);
    row.capacity_until_ms = rfl_rd_i64(&r);
    row.divert_to.v = rfl_rd_u16(&r);
    row.capacity = rfl_rd_u64(&r);
    row.set_by.v = rfl_rd_u64(&r);
    if (!intact(bytes, RFL_QUEUE_BYTES, seed_of(SEED_QUEUE, row.queue.v)) || row.queue.v == 0)
        return RFL_E_CORRUPT;
    *out = row;
    return RFL_E_OK;
}

void rfl_compacted_encode(uint64_t erased, uint8_t out[RFL_COMPACTED_BYTES])
{
    struct rfl_wr w = rfl_wr_of(out, RFL_COMPACTED_BYTES);
    rfl_wr_u16(&w, ROW_VERSION);
    rfl_wr_u16(&w, 0);
    rfl_wr_u64(&w, erased);
    finish(&w, RFL_COMPACTED_BYTES, seed_of(SEED_COMPACTED, 0));
}

enum rfl_err rfl_compacted_decode(struct rfl_view bytes, uint64_t *erased_out)
{
    struct rfl_rd r = rfl_rd_of(bytes);
    uint16_t version = rfl_rd_u16(&r), zero = rfl_rd_u16(&r);
    if (!r.bad && version != ROW_VERSION)
        return RFL_E_VERSION;
    uint64_t erased = rfl_rd_u64(&r);
    if (zero != 0 || !intact(bytes, RFL_COMPACTED_BYTES, seed_of(SEED_COMPACTED, 0)))
        return RFL_E_CORRUPT;
    *erased_out = erased;
    return RFL_E_OK;
}

void rfl_key_part(uint64_t seq, uint16_t part, uint8_t out[RFL_KEY_PART_BYTES])
{
    rfl_put_be64(out, seq);
    out[8] = (uint8_t)(part >> 8);
    out[9] = (uint8_t)part;
}

void rfl_key_mail(struct rfl_source_no source, uint64_t sequence, uint8_t out[RFL_KEY_MAIL_BYTES])
{
    rfl_key_source(source, out);
    rfl_put_be64(out + 2, sequence);
}

void rfl_key_source(struct rfl_source_no source, uint8_t out[RFL_KEY_SOURCE_BYTES])
{
    out[0] = (uint8_t)(source.v >> 8);
    out[1] = (uint8_t)source.v;
}

void rfl_key_queue(struct rfl_queue_no queue, uint8_t out[RFL_KEY_QUEUE_BYTES])
{
    rfl_key_source((struct rfl_source_no){ queue.v }, out);
}
