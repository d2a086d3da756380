/* Stored records as bytes. The golden files are what their version wrote: a store that exists must be readable for
 * ever, so they are changed by adding files of a new version, never by writing these again. `test_record --write`
 * makes them. */
#include "core_case.h"

#include <stdio.h>

#include "rfl_record.h"

enum { ROUNDS = 300 };

/* How long the word lists were when version 1 was written: appending a word must not change what golden files hold. */
enum { V1_BANDS = 2, V1_DOORS = 10, V1_OUTCOMES = 9, V1_CONSENTS = 4, V1_WITHDRAWS = 4, V1_CLOCKS = 13,
       V1_EMPLOYMENTS = 6, V1_GRADES = 8, V1_VERDICTS = 4, V1_ROUTE_REASONS = 17, V1_HOWS = 11 };

/* ---- values ---- */

static struct rfl_hash hash_of(uint64_t *random)
{
    struct rfl_hash hash;
    for (unsigned i = 0; i < sizeof hash.b; i++)
        hash.b[i] = (uint8_t)next_number(random);
    return hash;
}

static struct rfl_case any_case(uint64_t *random)
{
    enum rfl_status status = (enum rfl_status)(RFL_STATUS_TRIAGE + next_number(random) % RFL_STATUS_ACTIVE);
    struct rfl_case kase = case_in(status);
    kase.id.v = next_number(random) | 1;
    kase.band = (uint8_t)(next_number(random) % V1_BANDS);
    kase.door = (uint8_t)(next_number(random) % V1_DOORS);
    kase.hops = (uint8_t)next_number(random);
    kase.lapses = (uint8_t)next_number(random);
    kase.touches = (uint8_t)next_number(random);
    kase.escalation = (uint8_t)next_number(random);
    kase.outcome = (uint8_t)(next_number(random) % V1_OUTCOMES);
    kase.contacts = (uint8_t)next_number(random);
    kase.declined_count = (uint8_t)(next_number(random) % (RFL_DECLINED_BY_MAX + 1));
    for (unsigned i = 0; i < kase.declined_count; i++)
        kase.declined_by[i].v = (uint16_t)next_number(random);
    kase.area.v = (uint16_t)next_number(random);
    kase.queue.v = (uint16_t)(next_number(random) | 1);
    kase.referral_count = (uint16_t)(next_number(random) | 1);
    kase.version = (uint32_t)next_number(random);
    kase.opened_ms = (int64_t)(next_number(random) >> 1);
    kase.since_ms = (int64_t)next_number(random);
    kase.accept_by_ms = (int64_t)(next_number(random) >> 1 | 1);
    kase.due_ms = status == RFL_STATUS_CLOSED ? 0 : (int64_t)(next_number(random) >> 1 | 1);
    kase.first_referral.v = next_number(random) >> 1 | 1;
    kase.last_referral.v = kase.first_referral.v + next_number(random) % 9;
    kase.last_seq.v = next_number(random);
    kase.tries = (uint8_t)next_number(random);
    kase.tried_channels = (uint8_t)next_number(random);
    kase.warned = (uint8_t)(next_number(random) % 3);
    kase.withdrawn_count = (uint16_t)(next_number(random) % kase.referral_count);
    kase.closed_ms = status == RFL_STATUS_CLOSED ? (int64_t)(next_number(random) >> 1 | 1) : 0;
    int64_t end_ms = status == RFL_STATUS_OFFERED ? kase.accept_by_ms : kase.due_ms;
    kase.half_ms = end_ms / 2;
    kase.most_ms = end_ms > 1 ? end_ms / 2 + end_ms / 5 : 0;
    kase.linked_to.v = status == RFL_STATUS_CLOSED ? 0 : kase.id.v ^ 1;
    kase.resembles.v = next_number(random);
    kase.previous.v = next_number(random) % kase.id.v;
    kase.kept = (uint8_t)(next_number(random) % 2);
    if (status == RFL_STATUS_CLOSED && kase.kept == 0 && next_number(random) % 2 == 0) {
        kase.erased = 1;
        kase.linked_to.v = kase.resembles.v = kase.previous.v = 0;
    }
    return kase;
}

static struct rfl_referral any_referral(uint64_t *random)
{
    struct rfl_referral referral = {
        .id = { next_number(random) | 1 }, .kase = { next_number(random) | 1 },
        .prev_on_case = { next_number(random) }, .prev_of_source = { next_number(random) },
        .seq = { next_number(random) }, .received_ms = (int64_t)next_number(random),
        .source = { (uint16_t)(next_number(random) | 1) }, .door = (uint8_t)(next_number(random) % V1_DOORS),
        .consent = (uint8_t)(next_number(random) % V1_CONSENTS), .reference = hash_of(random),
        .body = hash_of(random), .match = { hash_of(random), hash_of(random), hash_of(random) },
        .latest = { UINT64_MAX - next_number(random) % 3 }, .amendments = (uint16_t)next_number(random),
        .withdrawn = (uint8_t)(next_number(random) % V1_WITHDRAWS), .notify = (uint8_t)next_number(random) };
    for (unsigned k = 0; k < RFL_MATCH_COUNT; k++)
        referral.prev_of_match[k].v = next_number(random);
    return referral;
}

static struct rfl_event any_event(enum rfl_event_kind kind, uint64_t *random)
{
    uint32_t has = rfl_event_fields(kind);
    struct rfl_event e = { .kind = (uint8_t)kind };
    if (has & RFL_HAS_QUEUE) e.queue.v = (uint16_t)next_number(random);
    if (has & RFL_HAS_AREA) e.area.v = (uint16_t)next_number(random);
    if (has & RFL_HAS_CLOCK) e.clock = (uint8_t)(next_number(random) % V1_CLOCKS);
    if (has & RFL_HAS_CLOCK) e.due_ms = (int64_t)next_number(random);
    if (has & RFL_HAS_ACCEPT_BY) e.accept_by_ms = (int64_t)next_number(random);
    if (has & RFL_HAS_SINCE) e.since_ms = (int64_t)next_number(random);
    if (has & RFL_HAS_TOKEN) e.token.epoch = (uint32_t)next_number(random);
    if (has & RFL_HAS_TOKEN) e.token.seq = (uint32_t)next_number(random);
    if (has & RFL_HAS_HOLDER) e.holder = next_number(random);
    if (has & RFL_HAS_REASON) e.reason = (uint8_t)next_number(random);
    if (has & RFL_HAS_CODE) e.code = (uint8_t)next_number(random);
    if (has & RFL_HAS_LEVEL) e.level = (uint8_t)next_number(random);
    if (has & RFL_HAS_BAND) e.band = (uint8_t)(next_number(random) % V1_BANDS);
    if (has & RFL_HAS_TOLD) e.told = (uint16_t)next_number(random);
    if (has & RFL_HAS_UPTO) e.upto = next_number(random);
    if (has & RFL_HAS_DIGEST) e.digest = hash_of(random);
    if (has & RFL_HAS_WARN) e.half_ms = (int64_t)next_number(random);
    if (has & RFL_HAS_WARN) e.most_ms = (int64_t)next_number(random);
    if (has & RFL_HAS_OTHER) e.other.v = next_number(random);
    if (has & RFL_HAS_UNTIL) e.until_ms = (int64_t)next_number(random);
    if (has & RFL_HAS_REFERRAL) e.referral.v = next_number(random);
    if (has & RFL_HAS_SUBMISSION) {
        e.submission.id.v = next_number(random);
        e.submission.reference = hash_of(random);
        e.submission.body = hash_of(random);
        for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
            e.submission.match[i] = hash_of(random);
        e.submission.notify = (uint8_t)next_number(random);
        e.submission.door = (uint8_t)(next_number(random) % V1_DOORS);
        e.submission.consent = (uint8_t)(next_number(random) % V1_CONSENTS);
    }
    return e;
}

static void any_code(char code[RFL_CODE_BYTES], uint64_t *random)
{
    memset(code, 0, RFL_CODE_BYTES);
    for (unsigned i = 0, len = (unsigned)(next_number(random) % RFL_CODE_BYTES); i < len; i++)
        code[i] = (char)('A' + next_number(random) % 26);
}

/* As routing leaves it, without lines: a step's grade and edition are those of its clue. */
static struct rfl_decided any_decided(uint64_t *random)
{
    struct rfl_decided d;
    memset(&d, 0, sizeof d);
    d.facts.door = (uint8_t)(next_number(random) % V1_DOORS);
    d.facts.band = (uint8_t)(next_number(random) % V1_BANDS);
    d.facts.consent = (uint8_t)(next_number(random) % V1_CONSENTS);
    d.facts.employment = (uint8_t)(next_number(random) % V1_EMPLOYMENTS);
    d.facts.main_barrier = (uint8_t)next_number(random);
    d.facts.age_years = (uint8_t)next_number(random);
    d.facts.weeks_out_of_work = (uint16_t)next_number(random);
    d.facts.flags = (uint32_t)next_number(random);
    d.facts.source.v = (uint16_t)next_number(random);
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++) {
        struct rfl_clue *clue = &d.facts.clue[key];
        clue->grade = (uint8_t)(next_number(random) % V1_GRADES);
        if (clue->grade == RFL_GRADE_ABSENT)
            continue;
        clue->flags = (uint8_t)(next_number(random) % 8);
        clue->country = "EWSNI"[next_number(random) % 5];
        any_code(clue->icb, random);
        any_code(clue->sub_icb, random);
        clue->edition = (uint16_t)next_number(random);
    }
    d.decision.verdict = (uint8_t)(next_number(random) % V1_VERDICTS);
    d.decision.reason = (uint8_t)(next_number(random) % V1_ROUTE_REASONS);
    d.decision.key = (uint8_t)(next_number(random) % (RFL_KEY_COUNT + 1));
    d.decision.conflict = next_number(random) % 2 == 1;
    d.decision.area.v = (uint16_t)next_number(random);
    d.decision.queue.v = (uint16_t)next_number(random);
    d.decision.retry_ms = (int64_t)next_number(random);
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++) {
        struct rfl_route_step *step = &d.decision.step[i];
        step->key = (uint8_t)((i + d.facts.door) % RFL_KEY_COUNT);
        step->how = (uint8_t)(next_number(random) % V1_HOWS);
        step->flags = (uint8_t)next_number(random);
        step->named.v = (uint16_t)next_number(random);
        step->area.v = (uint16_t)next_number(random);
        step->grade = d.facts.clue[step->key].grade;
        step->edition = d.facts.clue[step->key].edition;
    }
    return d;
}

/* What came with version 2. */
static void add_rules(struct rfl_decided *d, uint64_t *random)
{
    d->facts.full_count = (uint8_t)(next_number(random) % (RFL_FULL_MAX + 1));
    for (unsigned i = 0; i < d->facts.full_count; i++)
        d->facts.full[i].v = (uint16_t)next_number(random);
    d->decision.place.v = (uint16_t)next_number(random);
    d->decision.rule = (uint16_t)(next_number(random) % RFL_RULES_MAX);
    d->decision.advice = (uint16_t)(next_number(random) % RFL_ADVICE_MAX);
    d->decision.shadow = (uint16_t)(next_number(random) % RFL_RULES_MAX);
    d->decision.shadow_queue.v = (uint16_t)next_number(random);
}

static uint8_t sealed_bytes[200];

static struct rfl_entry any_entry(enum rfl_event_kind first, uint64_t *random)
{
    struct rfl_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.seq.v = next_number(random) | 1;
    entry.prev_of_case.v = next_number(random);
    entry.policy.v = next_number(random);
    entry.wall_ms = (int64_t)next_number(random);
    entry.actor = (uint8_t)(next_number(random) % (RFL_ACTOR_CLOCK + 1));
    entry.source.v = (uint16_t)next_number(random);
    entry.actor_name = (struct rfl_view){ sealed_bytes, next_number(random) % (RFL_NAME_BYTES_MAX + 1) };
    entry.kase.v = next_number(random);
    entry.event_count = (uint32_t)(1 + next_number(random) % RFL_EVENTS_PER_COMMAND_MAX);
    entry.events[0] = any_event(first, random);
    for (uint32_t i = 1; i < entry.event_count; i++)
        entry.events[i] = any_event((enum rfl_event_kind)(1 + next_number(random) % (RFL_EVENT_COUNT - 1)), random);
    entry.has_decided = next_number(random) % 2 == 1;
    if (entry.has_decided)
        entry.decided = any_decided(random);
    if (entry.has_decided && next_number(random) % 2 == 1)
        add_rules(&entry.decided, random);
    entry.sealed = (struct rfl_view){ sealed_bytes, next_number(random) % sizeof sealed_bytes };
    return entry;
}

/* ---- round trips: what is decoded encodes to the same bytes, and the members are the ones that went in ---- */

static void cases_come_back(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rfl_case kase = any_case(&random), back;
        uint8_t bytes[RFL_CASE_BYTES], again[RFL_CASE_BYTES];
        assert_null(rfl_case_broken(&kase));
        rfl_case_encode(&kase, bytes);
        memset(&back, 0, sizeof back);
        must(rfl_case_decode((struct rfl_view){ bytes, sizeof bytes }, &back));
        rfl_case_encode(&back, again);
        assert_memory_equal(bytes, again, sizeof bytes);
        assert_true(back.id.v == kase.id.v && back.holder == kase.holder && back.version == kase.version);
        assert_true(back.due_ms == kase.due_ms && back.since_ms == kase.since_ms && back.opened_ms == kase.opened_ms);
        assert_true(rfl_token_same(back.token, kase.token) && back.accept_by_ms == kase.accept_by_ms);
        assert_true(back.last_seq.v == kase.last_seq.v && back.last_referral.v == kase.last_referral.v);
        assert_memory_equal(back.declined_by, kase.declined_by, sizeof kase.declined_by);
        assert_memory_equal(&back.status, &kase.status, offsetof(struct rfl_case, declined_by) -
                                                        offsetof(struct rfl_case, status));
    }
}

static void referrals_come_back(void **state)
{
    (void)state;
    uint64_t random = 2;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rfl_referral referral = any_referral(&random), back;
        uint8_t bytes[RFL_REFERRAL_BYTES], again[RFL_REFERRAL_BYTES];
        rfl_referral_encode(&referral, bytes);
        must(rfl_referral_decode((struct rfl_view){ bytes, sizeof bytes }, &back));
        rfl_referral_encode(&back, again);
        assert_memory_equal(bytes, again, sizeof bytes);
        assert_true(back.id.v == referral.id.v && back.kase.v == referral.kase.v && back.seq.v == referral.seq.v);
        assert_true(back.prev_on_case.v == referral.prev_on_case.v);
        assert_true(back.prev_of_source.v == referral.prev_of_source.v);
        assert_true(rfl_hash_same(back.reference, referral.reference) && rfl_hash_same(back.body, referral.body));
        assert_memory_equal(back.match, referral.match, sizeof back.match);
        for (unsigned k = 0; k < RFL_MATCH_COUNT; k++)
            assert_true(back.prev_of_match[k].v == referral.prev_of_match[k].v);
        assert_true(back.received_ms == referral.received_ms && back.latest.v == referral.latest.v);
        assert_true(back.amendments == referral.amendments && back.withdrawn == referral.withdrawn);
        assert_int_equal(back.notify, referral.notify);
        assert_true(back.door == referral.door && back.consent == referral.consent);
    }
}

static void entries_of_every_kind_come_back(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (unsigned i = 0; i < sizeof sealed_bytes; i++)
        sealed_bytes[i] = (uint8_t)(i * 7 + 1);
    for (unsigned kind = RFL_EVENT_RECEIVED; kind < RFL_EVENT_COUNT; kind++)
        for (unsigned i = 0; i < ROUNDS / 5; i++) {
            struct rfl_entry entry = any_entry((enum rfl_event_kind)kind, &random), back;
            uint8_t prev[32] = { 4, 2 }, prev_out[32], bytes[2048], again[2048];
            size_t len = rfl_entry_encode(&entry, prev, bytes, sizeof bytes);
            assert_in_range(len, 1, sizeof bytes);
            must(rfl_entry_decode((struct rfl_view){ bytes, len }, &back, prev_out));
            assert_memory_equal(prev, prev_out, sizeof prev);
            assert_int_equal(rfl_entry_encode(&back, prev_out, again, sizeof again), len);
            assert_memory_equal(bytes, again, len);
            assert_int_equal(back.event_count, entry.event_count);
            assert_memory_equal(&back.decided.facts, &entry.decided.facts, sizeof entry.decided.facts);
            assert_memory_equal(&back.decided.decision, &entry.decided.decision, sizeof entry.decided.decision);
            assert_int_equal(back.actor_name.len, entry.actor_name.len);
            assert_int_equal(back.sealed.len, entry.sealed.len);
            if (entry.sealed.len > 0)
                assert_memory_equal(back.sealed.p, entry.sealed.p, entry.sealed.len);
            for (uint32_t e = 0; e < entry.event_count; e++) {
                assert_int_equal(back.events[e].kind, entry.events[e].kind);
                assert_true(back.events[e].due_ms == entry.events[e].due_ms);
                assert_true(back.events[e].holder == entry.events[e].holder);
                assert_true(back.events[e].submission.id.v == entry.events[e].submission.id.v);
            }
        }
}

static void entry_needs_room_for_all_of_itself(void **state)
{
    (void)state;
    uint64_t random = 4;
    struct rfl_entry entry = any_entry(RFL_EVENT_RECEIVED, &random);
    uint8_t prev[32] = { 0 }, bytes[2048];
    size_t len = rfl_entry_encode(&entry, prev, bytes, sizeof bytes);
    for (size_t cap = 0; cap < len; cap++)
        assert_int_equal(rfl_entry_encode(&entry, prev, bytes, cap), 0);
    assert_int_equal(rfl_entry_encode(&entry, prev, bytes, len), len);
}

/* ---- damage ---- */

typedef enum rfl_err (*decode_fn)(struct rfl_view bytes);

static enum rfl_err decode_case(struct rfl_view v) { struct rfl_case out; return rfl_case_decode(v, &out); }
static enum rfl_err decode_referral(struct rfl_view v) { struct rfl_referral out; return rfl_referral_decode(v, &out); }
static enum rfl_err decode_entry(struct rfl_view v)
{
    struct rfl_entry out;
    uint8_t prev[32];
    return rfl_entry_decode(v, &out, prev);
}

/* Every single bit, and every shorter length, in memory of exactly that length so that reading beyond it is seen. */
static void expect_damage_is_found(const uint8_t *bytes, size_t len, decode_fn decode)
{
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    copy[len] = 0;
    must(decode((struct rfl_view){ copy, len }));
    for (size_t bit = 0; bit < 8 * len; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(decode((struct rfl_view){ copy, len }), RFL_E_CORRUPT);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(decode((struct rfl_view){ copy, len + 1 }), RFL_E_CORRUPT);
    free(copy);
    for (size_t shorter = 0; shorter < len; shorter++) {
        uint8_t *part = malloc(shorter > 0 ? shorter : 1);
        assert_non_null(part);
        memcpy(part, bytes, shorter);
        assert_int_equal(decode((struct rfl_view){ part, shorter }), RFL_E_CORRUPT);
        free(part);
    }
}

/* The same with a checksum that fits: then the decoder itself must hold. */
static void reseal(uint8_t *bytes, size_t len, uint64_t seed)
{
    struct rfl_wr w = rfl_wr_of(bytes + len - 8, 8);
    rfl_wr_u64(&w, rfl_checksum64(bytes, len - 8, seed));
}

static const uint64_t case_seed = UINT64_C(0x6573616372), referral_seed = UINT64_C(0x6572666572),
                      entry_seed = UINT64_C(0x7972746E65);

static void every_flipped_bit_and_every_shorter_length_is_found(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (unsigned i = 0; i < 5; i++) {
        struct rfl_case kase = any_case(&random);
        struct rfl_referral referral = any_referral(&random);
        struct rfl_entry entry = any_entry((enum rfl_event_kind)(RFL_EVENT_RECEIVED + i), &random);
        uint8_t c[RFL_CASE_BYTES], r[RFL_REFERRAL_BYTES], e[2048], prev[32] = { 1 };
        rfl_case_encode(&kase, c);
        rfl_referral_encode(&referral, r);
        size_t len = rfl_entry_encode(&entry, prev, e, sizeof e);
        expect_damage_is_found(c, sizeof c, decode_case);
        expect_damage_is_found(r, sizeof r, decode_referral);
        expect_damage_is_found(e, len, decode_entry);
    }
}

static void another_version_is_named_and_not_guessed(void **state)
{
    (void)state;
    uint64_t random = 6;
    struct rfl_case kase = any_case(&random);
    struct rfl_referral referral = any_referral(&random);
    struct rfl_entry entry = any_entry(RFL_EVENT_ROUTED, &random);
    uint8_t c[RFL_CASE_BYTES], r[RFL_REFERRAL_BYTES], e[2048], prev[32] = { 1 };
    rfl_case_encode(&kase, c);
    rfl_referral_encode(&referral, r);
    size_t len = rfl_entry_encode(&entry, prev, e, sizeof e);
    const uint8_t own = e[0];
    for (unsigned version = 0; version < 256; version++) {
        c[0] = r[0] = e[0] = (uint8_t)version;
        reseal(c, sizeof c, case_seed);
        reseal(r, sizeof r, referral_seed);
        reseal(e, len, entry_seed);
        enum rfl_err expected = version == 1 ? RFL_E_OK : RFL_E_VERSION;
        assert_int_equal(decode_case((struct rfl_view){ c, sizeof c }), version == 2 ? RFL_E_OK : RFL_E_VERSION);
        assert_int_equal(decode_referral((struct rfl_view){ r, sizeof r }), expected);
        if (version == 1 || version == 2)       /* of two versions each has its own length */
            expected = version == own ? RFL_E_OK : RFL_E_CORRUPT;
        assert_int_equal(decode_entry((struct rfl_view){ e, len }), expected);
    }
}

/* A record of another kind that lies under a key is not taken for this one, although both are sound. */
static void kinds_of_records_are_not_mistaken(void **state)
{
    (void)state;
    uint64_t random = 7;
    struct rfl_case kase = any_case(&random);
    uint8_t c[RFL_CASE_BYTES];
    rfl_case_encode(&kase, c);
    assert_int_equal(decode_entry((struct rfl_view){ c, sizeof c }), RFL_E_CORRUPT);
    reseal(c, sizeof c, entry_seed);
    assert_int_equal(decode_case((struct rfl_view){ c, sizeof c }), RFL_E_CORRUPT);
}

static void forged_values_with_a_good_checksum_are_refused_or_mean_what_they_say(void **state)
{
    (void)state;
    uint64_t random = 8;
    unsigned refused = 0, accepted = 0;
    for (unsigned i = 0; i < 20; i++) {
        struct rfl_entry entry = any_entry((enum rfl_event_kind)(1 + i), &random);
        uint8_t bytes[2048], again[2048], prev[32] = { 1 };
        size_t len = rfl_entry_encode(&entry, prev, bytes, sizeof bytes);
        for (size_t at = 0; at < len - 8; at++) {
            struct rfl_entry back;
            uint8_t kept = bytes[at];
            bytes[at] = (uint8_t)next_number(&random);
            reseal(bytes, len, entry_seed);
            enum rfl_err err = rfl_entry_decode((struct rfl_view){ bytes, len }, &back, prev);
            assert_true(err == RFL_E_OK || err == RFL_E_CORRUPT || err == RFL_E_VERSION);
            refused += err != RFL_E_OK;
            accepted += err == RFL_E_OK;
            if (err == RFL_E_OK && back.actor_name.len <= RFL_NAME_BYTES_MAX)
                assert_int_not_equal(rfl_entry_encode(&back, prev, again, sizeof again), 0);
            bytes[at] = kept;
        }
    }
    assert_true(refused > 0 && accepted > 0);
    struct rfl_case kase = any_case(&random);
    uint8_t c[RFL_CASE_BYTES];
    rfl_case_encode(&kase, c);
    c[1] = RFL_STATUS_RECEIVED;                 /* between two owners: never stored */
    reseal(c, sizeof c, case_seed);
    assert_int_equal(decode_case((struct rfl_view){ c, sizeof c }), RFL_E_CORRUPT);
}

/* ---- golden files ---- */

static size_t golden_case(uint8_t *out)
{
    uint64_t random = 100;
    struct rfl_case kase = any_case(&random);
    rfl_case_encode(&kase, out);
    return RFL_CASE_BYTES;
}

static size_t golden_referral(uint8_t *out)
{
    uint64_t random = 101;
    struct rfl_referral referral = any_referral(&random);
    rfl_referral_encode(&referral, out);
    return RFL_REFERRAL_BYTES;
}

/* One event of the kind, with a decision and a sealed part where such an entry has them. */
static size_t golden_entry(enum rfl_event_kind kind, unsigned version, uint8_t *out, size_t cap)
{
    uint64_t random = 102 + (uint64_t)kind;
    uint8_t prev[32];
    struct rfl_entry entry;
    memset(&entry, 0, sizeof entry);
    memset(prev, 0xA0 + (int)kind, sizeof prev);
    entry.seq.v = 1000 + (uint64_t)kind;
    entry.prev_of_case.v = 900;
    entry.policy.v = 2;
    entry.wall_ms = NOW_MS;
    entry.actor = RFL_ACTOR_WORKER;
    entry.source.v = 3;
    entry.actor_name = V("intake-1");
    entry.kase.v = CASE;
    entry.event_count = 1;
    entry.events[0] = any_event(kind, &random);
    entry.has_decided = (rfl_event_fields(kind) & RFL_HAS_SUBMISSION) != 0;
    if (entry.has_decided) {
        entry.decided = any_decided(&random);
        entry.sealed = V("not really sealed, only its length matters here");
        if (version == 2)
            add_rules(&entry.decided, &random);
    }
    return rfl_entry_encode(&entry, prev, out, cap);
}

static void golden_path(char *path, size_t cap, const char *name)
{
    assert_in_range(snprintf(path, cap, "tests/golden/%s.bin", name), 1, cap - 1);
}

static void compare_golden(const char *name, const uint8_t *bytes, size_t len, decode_fn decode)
{
    char path[128];
    uint8_t stored[2048];
    golden_path(path, sizeof path, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s cannot be read", path);
    size_t stored_len = fread(stored, 1, sizeof stored, f);
    (void)fclose(f);
    assert_int_equal(stored_len, len);
    assert_memory_equal(stored, bytes, len);
    must(decode((struct rfl_view){ stored, stored_len }));
}

static void write_golden(const char *name, const uint8_t *bytes, size_t len, decode_fn decode)
{
    char path[128];
    (void)decode;
    golden_path(path, sizeof path, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
        (void)fprintf(stderr, "%s cannot be written\n", path);
}

static void for_each_golden(void (*with)(const char *name, const uint8_t *bytes, size_t len, decode_fn decode))
{
    uint8_t bytes[2048];
    char name[64];
    with("case-v2", bytes, golden_case(bytes), decode_case);
    with("referral-v1", bytes, golden_referral(bytes), decode_referral);
    for (unsigned kind = RFL_EVENT_RECEIVED; kind < RFL_EVENT_COUNT; kind++) {
        (void)snprintf(name, sizeof name, "entry-%s-v1", rfl_event_kind_word((enum rfl_event_kind)kind));
        with(name, bytes, golden_entry((enum rfl_event_kind)kind, 1, bytes, sizeof bytes), decode_entry);
        if ((rfl_event_fields((enum rfl_event_kind)kind) & RFL_HAS_SUBMISSION) == 0)
            continue;                           /* version 2 differs from version 1 in decisions only */
        (void)snprintf(name, sizeof name, "entry-%s-v2", rfl_event_kind_word((enum rfl_event_kind)kind));
        with(name, bytes, golden_entry((enum rfl_event_kind)kind, 2, bytes, sizeof bytes), decode_entry);
    }
}

static void golden_records_of_the_newest_version_are_still_written_and_read(void **state)
{
    (void)state;
    for_each_golden(compare_golden);
}

/* Version 1 had no flags; all else it says is what version 2 says, one byte later. */
static void golden_case_of_version_1_is_still_read(void **state)
{
    (void)state;
    uint8_t v1[256], v2[256], again[RFL_CASE_BYTES];
    struct rfl_case old, kase;
    FILE *f = fopen("tests/golden/case-v1.bin", "rb");
    assert_non_null(f);
    size_t len = fread(v1, 1, sizeof v1, f);
    (void)fclose(f);
    assert_int_equal(len, RFL_CASE_BYTES - 1);
    must(rfl_case_decode((struct rfl_view){ v1, len }, &old));
    assert_int_equal(old.kept + old.erased, 0);
    must(rfl_case_decode((struct rfl_view){ v2, golden_case(v2) }, &kase));
    kase.kept = 0;
    rfl_case_encode(&kase, v2);
    rfl_case_encode(&old, again);
    assert_memory_equal(again, v2, sizeof again);
    expect_damage_is_found(v1, len, decode_case);
    v1[0] = 2;
    reseal(v1, len, case_seed);
    assert_int_equal(rfl_case_decode((struct rfl_view){ v1, len }, &old), RFL_E_VERSION);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_come_back),
        cmocka_unit_test(referrals_come_back),
        cmocka_unit_test(entries_of_every_kind_come_back),
        cmocka_unit_test(entry_needs_room_for_all_of_itself),
        cmocka_unit_test(every_flipped_bit_and_every_shorter_length_is_found),
        cmocka_unit_test(another_version_is_named_and_not_guessed),
        cmocka_unit_test(kinds_of_records_are_not_mistaken),
        cmocka_unit_test(forged_values_with_a_good_checksum_are_refused_or_mean_what_they_say),
        cmocka_unit_test(golden_records_of_the_newest_version_are_still_written_and_read),
        cmocka_unit_test(golden_case_of_version_1_is_still_read),
    };
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        for_each_golden(write_golden);
        return 0;
    }
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
