#include "rfl_record.h"

/* Stored numbers of this version; lib/store/FORMAT.md has the table and the steps to change it. */
enum { CASE_VERSION = 2, REFERRAL_VERSION = 1 };
/* Version 1 of a case has no flags. */
enum { CASE_BYTES_V1 = 189, FLAG_KEPT = 1, FLAG_ERASED = 2, FLAGS = FLAG_KEPT | FLAG_ERASED };
static const uint64_t case_seed = UINT64_C(0x6573616372), referral_seed = UINT64_C(0x6572666572);

static void write_checksum(struct rfl_wr *w, uint64_t seed) { rfl_wr_u64(w, rfl_checksum64(w->p, w->used, seed)); }

/* RFL_E_OK and a reader past the version byte, over everything but the checksum. */
static enum rfl_err open_record(struct rfl_view bytes, size_t exact, uint8_t version, uint64_t seed, struct rfl_rd *r)
{
    if (bytes.len != exact)
        return RFL_E_CORRUPT;
    struct rfl_rd tail = rfl_rd_of((struct rfl_view){ bytes.p + exact - 8, 8 });
    if (rfl_rd_u64(&tail) != rfl_checksum64(bytes.p, exact - 8, seed))
        return RFL_E_CORRUPT;
    *r = rfl_rd_of((struct rfl_view){ bytes.p, exact - 8 });
    return rfl_rd_u8(r) == version ? RFL_E_OK : RFL_E_VERSION;
}

static void write_moments_and_links(struct rfl_wr *w, const struct rfl_case *kase)
{
    rfl_wr_i64(w, kase->half_ms);
    rfl_wr_i64(w, kase->most_ms);
    rfl_wr_i64(w, kase->due_ms);
    rfl_wr_i64(w, kase->closed_ms);
    rfl_wr_i64(w, kase->quiet_until_ms);
    rfl_wr_u64(w, kase->linked_to.v);
    rfl_wr_u64(w, kase->resembles.v);
    rfl_wr_u64(w, kase->previous.v);
}

static void read_moments_and_links(struct rfl_rd *r, struct rfl_case *kase)
{
    kase->half_ms = rfl_rd_i64(r);
    kase->most_ms = rfl_rd_i64(r);
    kase->due_ms = rfl_rd_i64(r);
    kase->closed_ms = rfl_rd_i64(r);
    kase->quiet_until_ms = rfl_rd_i64(r);
    kase->linked_to.v = rfl_rd_u64(r);
    kase->resembles.v = rfl_rd_u64(r);
    kase->previous.v = rfl_rd_u64(r);
}

void rfl_case_encode(const struct rfl_case *kase, uint8_t out[RFL_CASE_BYTES])
{
    assert(rfl_case_broken(kase) == NULL);
    struct rfl_wr w = rfl_wr_of(out, RFL_CASE_BYTES);
    rfl_wr_u8(&w, CASE_VERSION);
    rfl_wr_u8(&w, kase->status);
    rfl_wr_u8(&w, kase->clock);
    rfl_wr_u8(&w, kase->band);
    rfl_wr_u8(&w, kase->hold);
    rfl_wr_u8(&w, kase->door);
    rfl_wr_u8(&w, kase->hops);
    rfl_wr_u8(&w, kase->lapses);
    rfl_wr_u8(&w, kase->touches);
    rfl_wr_u8(&w, kase->escalation);
    rfl_wr_u8(&w, kase->close);
    rfl_wr_u8(&w, kase->outcome);
    rfl_wr_u8(&w, kase->contacts);
    rfl_wr_u8(&w, kase->tries);
    rfl_wr_u8(&w, kase->tried_channels);
    rfl_wr_u8(&w, kase->warned);
    rfl_wr_u8(&w, kase->declined_count);
    for (unsigned i = 0; i < RFL_DECLINED_BY_MAX; i++)
        rfl_wr_u16(&w, kase->declined_by[i].v);
    rfl_wr_u16(&w, kase->area.v);
    rfl_wr_u16(&w, kase->queue.v);
    rfl_wr_u16(&w, kase->referral_count);
    rfl_wr_u16(&w, kase->withdrawn_count);
    rfl_wr_u32(&w, kase->version);
    rfl_wr_u32(&w, kase->token.epoch);
    rfl_wr_u32(&w, kase->token.seq);
    rfl_wr_u64(&w, kase->holder);
    rfl_wr_i64(&w, kase->opened_ms);
    rfl_wr_i64(&w, kase->since_ms);
    rfl_wr_i64(&w, kase->accept_by_ms);
    write_moments_and_links(&w, kase);
    rfl_wr_u64(&w, kase->first_referral.v);
    rfl_wr_u64(&w, kase->last_referral.v);
    rfl_wr_u64(&w, kase->last_seq.v);
    rfl_wr_u64(&w, kase->id.v);
    rfl_wr_u8(&w, (uint8_t)((kase->kept ? FLAG_KEPT : 0) | (kase->erased ? FLAG_ERASED : 0)));
    write_checksum(&w, case_seed);
    assert(!w.bad && w.used == RFL_CASE_BYTES);
}

enum rfl_err rfl_case_decode(struct rfl_view bytes, struct rfl_case *out)
{
    struct rfl_rd r;
    bool v1 = bytes.len == CASE_BYTES_V1;
    enum rfl_err err = open_record(bytes, v1 ? CASE_BYTES_V1 : RFL_CASE_BYTES, v1 ? 1 : CASE_VERSION, case_seed, &r);
    if (err != RFL_E_OK)
        return err;
    struct rfl_case kase = { .status = rfl_rd_u8(&r) };
    kase.clock = rfl_rd_u8(&r);
    kase.band = rfl_rd_u8(&r);
    kase.hold = rfl_rd_u8(&r);
    kase.door = rfl_rd_u8(&r);
    kase.hops = rfl_rd_u8(&r);
    kase.lapses = rfl_rd_u8(&r);
    kase.touches = rfl_rd_u8(&r);
    kase.escalation = rfl_rd_u8(&r);
    kase.close = rfl_rd_u8(&r);
    kase.outcome = rfl_rd_u8(&r);
    kase.contacts = rfl_rd_u8(&r);
    kase.tries = rfl_rd_u8(&r);
    kase.tried_channels = rfl_rd_u8(&r);
    kase.warned = rfl_rd_u8(&r);
    kase.declined_count = rfl_rd_u8(&r);
    for (unsigned i = 0; i < RFL_DECLINED_BY_MAX; i++)
        kase.declined_by[i].v = rfl_rd_u16(&r);
    kase.area.v = rfl_rd_u16(&r);
    kase.queue.v = rfl_rd_u16(&r);
    kase.referral_count = rfl_rd_u16(&r);
    kase.withdrawn_count = rfl_rd_u16(&r);
    kase.version = rfl_rd_u32(&r);
    kase.token.epoch = rfl_rd_u32(&r);
    kase.token.seq = rfl_rd_u32(&r);
    kase.holder = rfl_rd_u64(&r);
    kase.opened_ms = rfl_rd_i64(&r);
    kase.since_ms = rfl_rd_i64(&r);
    kase.accept_by_ms = rfl_rd_i64(&r);
    read_moments_and_links(&r, &kase);
    kase.first_referral.v = rfl_rd_u64(&r);
    kase.last_referral.v = rfl_rd_u64(&r);
    kase.last_seq.v = rfl_rd_u64(&r);
    kase.id.v = rfl_rd_u64(&r);
    uint8_t flags = v1 ? 0 : rfl_rd_u8(&r);
    kase.kept = (flags & FLAG_KEPT) != 0;
    kase.erased = (flags & FLAG_ERASED) != 0;
    if (!rfl_rd_done(&r) || (flags & ~FLAGS) != 0 || rfl_case_broken(&kase) != NULL)
        return RFL_E_CORRUPT;
    *out = kase;
    return RFL_E_OK;
}

void rfl_referral_encode(const struct rfl_referral *referral, uint8_t out[RFL_REFERRAL_BYTES])
{
    assert(referral->id.v != 0 && referral->kase.v != 0 && referral->source.v != 0);
    assert(referral->door < RFL_DOOR_COUNT && referral->consent < RFL_CONSENT_COUNT);
    assert(referral->withdrawn < RFL_WITHDRAW_COUNT && referral->latest.v >= referral->seq.v);
    struct rfl_wr w = rfl_wr_of(out, RFL_REFERRAL_BYTES);
    rfl_wr_u8(&w, REFERRAL_VERSION);
    rfl_wr_u8(&w, referral->door);
    rfl_wr_u8(&w, referral->consent);
    rfl_wr_u16(&w, referral->source.v);
    rfl_wr_u64(&w, referral->id.v);
    rfl_wr_u64(&w, referral->kase.v);
    rfl_wr_u64(&w, referral->prev_on_case.v);
    rfl_wr_u64(&w, referral->prev_of_source.v);
    rfl_wr_u64(&w, referral->seq.v);
    rfl_wr_i64(&w, referral->received_ms);
    rfl_wr_bytes(&w, referral->reference.b, sizeof referral->reference.b);
    rfl_wr_bytes(&w, referral->body.b, sizeof referral->body.b);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
        rfl_wr_bytes(&w, referral->match[i].b, sizeof referral->match[i].b);
    rfl_wr_u64(&w, referral->latest.v);
    rfl_wr_u16(&w, referral->amendments);
    rfl_wr_u8(&w, referral->withdrawn);
    rfl_wr_u8(&w, referral->notify);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
        rfl_wr_u64(&w, referral->prev_of_match[i].v);
    write_checksum(&w, referral_seed);
    assert(!w.bad && w.used == RFL_REFERRAL_BYTES);
}

enum rfl_err rfl_referral_decode(struct rfl_view bytes, struct rfl_referral *out)
{
    struct rfl_rd r;
    enum rfl_err err = open_record(bytes, RFL_REFERRAL_BYTES, REFERRAL_VERSION, referral_seed, &r);
    if (err != RFL_E_OK)
        return err;
    struct rfl_referral referral = { .door = rfl_rd_u8(&r) };
    referral.consent = rfl_rd_u8(&r);
    referral.source.v = rfl_rd_u16(&r);
    referral.id.v = rfl_rd_u64(&r);
    referral.kase.v = rfl_rd_u64(&r);
    referral.prev_on_case.v = rfl_rd_u64(&r);
    referral.prev_of_source.v = rfl_rd_u64(&r);
    referral.seq.v = rfl_rd_u64(&r);
    referral.received_ms = rfl_rd_i64(&r);
    rfl_rd_bytes(&r, referral.reference.b, sizeof referral.reference.b);
    rfl_rd_bytes(&r, referral.body.b, sizeof referral.body.b);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
        rfl_rd_bytes(&r, referral.match[i].b, sizeof referral.match[i].b);
    referral.latest.v = rfl_rd_u64(&r);
    referral.amendments = rfl_rd_u16(&r);
    referral.withdrawn = rfl_rd_u8(&r);
    referral.notify = rfl_rd_u8(&r);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
        referral.prev_of_match[i].v = rfl_rd_u64(&r);
    if (!rfl_rd_done(&r) || referral.id.v == 0 || referral.kase.v == 0 || referral.source.v == 0 ||
        referral.door >= RFL_DOOR_COUNT || referral.consent >= RFL_CONSENT_COUNT ||
        referral.withdrawn >= RFL_WITHDRAW_COUNT || referral.latest.v < referral.seq.v)
        return RFL_E_CORRUPT;
    *out = referral;
    return RFL_E_OK;
}
