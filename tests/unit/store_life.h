/* store_life.h: well-formed random lives of cases for the store's tests; shared by unit and crash tests.
 *
 * Walks the core's own table of what is allowed, so a new event or status is exercised without an edit here. */
#ifndef STORE_LIFE_H
#define STORE_LIFE_H

#include <string.h>

#include "rfl_apply.h"
#include "rfl_store.h"

struct life { uint64_t random; int64_t wall_ms; uint64_t references; };

static inline uint64_t life_draw(struct life *life)
{
    life->random ^= life->random << 13;
    life->random ^= life->random >> 7;
    life->random ^= life->random << 17;
    return life->random;
}

static inline uint8_t life_clock(enum rfl_status status, enum rfl_event_kind kind)
{
    static const uint8_t clocks[RFL_STATUS_COUNT] = {
        [RFL_STATUS_TRIAGE] = RFL_CLOCK_TRIAGE, [RFL_STATUS_ON_HOLD] = RFL_CLOCK_HOLD,
        [RFL_STATUS_QUEUED] = RFL_CLOCK_ACCEPT, [RFL_STATUS_OFFERED] = RFL_CLOCK_LEASE,
        [RFL_STATUS_DECLINING] = RFL_CLOCK_DECLINE, [RFL_STATUS_ACCEPTED] = RFL_CLOCK_CONTACT,
        [RFL_STATUS_WAITING_ON_PERSON] = RFL_CLOCK_FOLLOW_UP, [RFL_STATUS_ACTIVE] = RFL_CLOCK_OUTCOME_FIRST,
    };
    return kind == RFL_EVENT_ESCALATED ? (uint8_t)RFL_CLOCK_ESCALATED : clocks[status];
}

static inline struct rfl_hash life_reference(uint64_t number)
{
    struct rfl_hash hash;
    uint64_t words[2] = { number * UINT64_C(0x9E3779B97F4A7C15), ~number * UINT64_C(0xD1B54A32D192ED03) };
    memcpy(hash.b, words, sizeof hash.b);
    return hash;
}

/* Only the fields that the kind has; the rest is zero, as it will be when the log is read again. */
static inline struct rfl_event life_event(struct life *life, struct rfl_store *store, enum rfl_event_kind kind,
                                          enum rfl_status next)
{
    uint32_t has = rfl_event_fields(kind);
    struct rfl_event e = { .kind = (uint8_t)kind };
    if (has & RFL_HAS_QUEUE) e.queue.v = (uint16_t)(1 + life_draw(life) % 9);
    if (has & RFL_HAS_AREA) e.area.v = (uint16_t)(1 + life_draw(life) % 4);
    if (has & RFL_HAS_CLOCK) {
        e.clock = life_clock(next, kind);
        e.due_ms = e.clock == RFL_CLOCK_NONE ? 0 : life->wall_ms + 1 + (int64_t)(life_draw(life) % 1000000);
    }
    if (has & RFL_HAS_ACCEPT_BY) e.accept_by_ms = life->wall_ms + 5000000;
    if (has & RFL_HAS_SINCE) e.since_ms = life->wall_ms;
    if (has & RFL_HAS_TOKEN) e.token = rfl_store_next_token(store);
    if (has & RFL_HAS_HOLDER) e.holder = 1 + life_draw(life) % 5;
    if (has & RFL_HAS_REASON) e.reason = 1;
    if (has & RFL_HAS_CODE) e.code = 1;
    if (has & RFL_HAS_LEVEL) e.level = 1;
    if (has & RFL_HAS_BAND) e.band = (uint8_t)(life_draw(life) % RFL_BAND_COUNT);
    if (has & RFL_HAS_TOLD) e.told = (uint16_t)(life_draw(life) % (1 << RFL_DOOR_COUNT));
    if (has & RFL_HAS_SUBMISSION) {
        e.submission.id = rfl_store_next_referral(store);
        e.submission.reference = life_reference(++life->references);
        e.submission.body = life_reference(life->references + (UINT64_C(1) << 40));
        if (life_draw(life) % 3 != 0) {     /* few enough persons that some come again; keys of two kinds never agree */
            uint64_t of = life_draw(life) % RFL_MATCH_COUNT;
            e.submission.match[of] = life_reference(life_draw(life) % 40 * 977 + of * 331);
            e.submission.match[of].b[15] = (uint8_t)(2 + of);
        }
        e.submission.door = (uint8_t)(1 + life_draw(life) % (RFL_DOOR_COUNT - 1));
        e.submission.consent = (uint8_t)(life_draw(life) % RFL_CONSENT_COUNT);
    }
    return e;
}

/* Which referral and which other case an event speaks of; of none when there is none that it may be. */
static inline void life_names(struct life *life, struct rfl_store *store, const struct rfl_case *kase,
                              struct rfl_event *e)
{
    uint32_t has = rfl_event_fields((enum rfl_event_kind)e->kind);
    struct rfl_referral referral;
    if ((has & RFL_HAS_REFERRAL) != 0 && rfl_store_referral(store, kase->last_referral, &referral) == RFL_E_OK &&
        referral.withdrawn == RFL_WITHDRAW_NONE) {
        e->referral = referral.id;
        /* A key may be new where there was none. One that is taken away leaves older referrals unfound until the next
         * start (rfl_store_find_match says so), and what is compared here is before and after one. */
        for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
            if (!rfl_hash_none(referral.match[i]))
                e->submission.match[i] = referral.match[i];
    }
    if ((has & RFL_HAS_REFERRAL) != 0 && (has & RFL_HAS_SUBMISSION) != 0)
        e->submission.id = e->referral;
    if (e->kind == RFL_EVENT_UNLINKED)
        e->other = kase->linked_to.v != 0 ? kase->linked_to : kase->resembles;
    else if ((has & RFL_HAS_OTHER) != 0 && e->kind != RFL_EVENT_RECEIVED)
        e->other.v = 1 + life_draw(life) % rfl_store_next_case(store).v;
}

/* Adds a random allowed event; false when the one drawn is not allowed here. */
static inline bool life_step(struct life *life, struct rfl_store *store, struct rfl_entry *entry,
                             struct rfl_case *kase)
{
    enum rfl_event_kind kind = kase->status == RFL_STATUS_NONE ? RFL_EVENT_RECEIVED :
                               (enum rfl_event_kind)(1 + life_draw(life) % (RFL_EVENT_COUNT - 1));
    enum rfl_status next = rfl_table_next((enum rfl_status)kase->status, kind);
    if (next == RFL_STATUS_NONE || (kind == RFL_EVENT_CLOSED && life_draw(life) % 3 != 0))
        return false;
    struct rfl_event event = life_event(life, store, kind, next);
    life_names(life, store, kase, &event);
    if (rfl_apply(kase, &event, entry, kase) != RFL_E_OK)
        return false;
    entry->events[entry->event_count++] = event;
    return true;
}

/* A random entry about case `id` (the next case: a new one) that the core allows; false when none was found. */
static inline bool life_entry(struct life *life, struct rfl_store *store, struct rfl_case_id id,
                              struct rfl_entry *entry)
{
    struct rfl_case before = { .status = RFL_STATUS_NONE };
    if (id.v != rfl_store_next_case(store).v && rfl_store_case(store, id, &before) != RFL_E_OK)
        return false;
    for (int attempt = 0; attempt < 60; attempt++) {
        struct rfl_case kase = before;
        memset(entry, 0, sizeof *entry);
        entry->wall_ms = life->wall_ms;
        entry->actor = RFL_ACTOR_SOURCE;
        entry->source.v = (uint16_t)(1 + life_draw(life) % 6);
        entry->kase = id;
        bool fits = life_step(life, store, entry, &kase);
        for (int more = 0; fits && kase.status == RFL_STATUS_RECEIVED && more < 60 && entry->event_count < 4; more++)
            (void)life_step(life, store, entry, &kase);
        if (fits && rfl_apply_done(&kase, entry) == RFL_E_OK)
            return true;
    }
    return false;
}

/* One random command in the open turn: a new case, a step of an old one, an acknowledged mailbox or a new policy. */
static inline enum rfl_err life_command(struct life *life, struct rfl_store *store, size_t personal_bytes_max)
{
    static uint8_t personal[RFL_BODY_BYTES_MAX];
    static struct rfl_entry entry;
    struct rfl_source_row source;
    uint64_t cases = rfl_store_next_case(store).v, what = life_draw(life) % 20;
    size_t len = what < 12 && personal_bytes_max > 0 ? life_draw(life) % personal_bytes_max : 0;
    life->wall_ms += 1 + (int64_t)(life_draw(life) % 1000);
    memset(personal, (int)(life->references & 0xff), len);
    if (what > 1) {
        uint64_t id = what < 7 || cases == 1 ? cases : 1 + life_draw(life) % (cases - 1);
        if (!life_entry(life, store, (struct rfl_case_id){ id }, &entry))
            return RFL_E_OK;
        if (entry.events[0].kind == RFL_EVENT_ERASED)           /* nothing is sealed with the key it destroys */
            len = 0;
        return rfl_store_append(store, &entry, (struct rfl_view){ personal, len });
    }
    memset(&entry, 0, sizeof entry);
    entry.wall_ms = life->wall_ms;
    entry.event_count = 1;
    entry.source.v = (uint16_t)(1 + life_draw(life) % 6);
    rfl_store_source(store, entry.source, &source);
    if (what == 0 && life_draw(life) % 2 == 0) {
        entry.events[0] = (struct rfl_event){ .kind = RFL_EVENT_QUEUE_SET, .queue = { (uint16_t)(1 + cases % 9) },
                                              .code = (uint8_t)(life_draw(life) % RFL_QUEUE_MODE_COUNT),
                                              .until_ms = life->wall_ms + 9, .upto = 4 };
        entry.events[0].other.v = entry.events[0].code == RFL_QUEUE_MODE_DIVERT ? 3 : 0;
        entry.why = (struct rfl_view){ (const uint8_t *)"flood", 5 };
        return rfl_store_append(store, &entry, (struct rfl_view){ NULL, 0 });
    }
    entry.events[0].kind = what == 0 ? (uint8_t)RFL_EVENT_POLICY_LOADED : (uint8_t)RFL_EVENT_MAILBOX_ACKED;
    if (what == 0)
        entry.events[0].digest = life_reference(life_draw(life));
    else
        entry.events[0].upto = source.mailbox_acked + life_draw(life) % 4;
    return rfl_store_append(store, &entry, (struct rfl_view){ NULL, 0 });
}

/* Everything readable, folded into one number: memory and tables, entries up to `entries`. */
static inline void life_fold(uint64_t *sum, const void *p, size_t n) { *sum = rfl_checksum64(p, n, *sum); }

static inline uint64_t life_fingerprint(struct rfl_store *store)
{
    struct rfl_store_stat st;
    struct rfl_order at = { 0, 0, 0 };
    uint64_t sum = 1;
    rfl_store_stat(store, &st);
    life_fold(&sum, st.case_by_status, sizeof st.case_by_status);
    for (unsigned index = 0; index < RFL_INDEX_COUNT; index++) {
        struct rfl_order from = { 0, 0, 0 };
        for (; rfl_store_first(store, (enum rfl_index)index, &from, &at); from = at, from.c++)
            life_fold(&sum, &at, sizeof at);
    }
    for (uint64_t id = 1; id <= st.referrals; id++) {
        struct rfl_referral r = { .id = { 0 } }, by_reference = r, by_match = r;
        bool has = rfl_store_referral(store, (struct rfl_referral_id){ id }, &r) == RFL_E_OK &&
                   rfl_store_find_reference(store, r.reference, &by_reference);
        for (unsigned i = 0; has && i < RFL_MATCH_COUNT; i++)
            if (!rfl_hash_none(r.match[i]))
                has = rfl_store_find_match(store, r.match[i], &by_match);
        uint64_t found[4] = { has, r.id.v, by_reference.id.v, by_match.id.v };
        life_fold(&sum, found, sizeof found);
    }
    for (uint16_t number = 0; number < 10; number++) {
        struct rfl_queue_row_stored queue;
        rfl_store_queue(store, (struct rfl_queue_no){ number }, &queue);
        uint64_t settings[7] = { (uint64_t)queue.pause_until_ms, (uint64_t)queue.hold_until_ms,
                                 (uint64_t)queue.divert_until_ms, (uint64_t)queue.capacity_until_ms,
                                 queue.divert_to.v, queue.capacity, queue.set_by.v };
        life_fold(&sum, settings, sizeof settings);
        struct rfl_source_row row;
        struct rfl_mail mail = { .sequence = 0 };
        rfl_store_source(store, (struct rfl_source_no){ number }, &row);
        uint64_t words[4] = { row.mailbox_last, row.mailbox_acked, row.last_referral.v, row.referral_count };
        life_fold(&sum, words, sizeof words);
        while (rfl_store_mail_after(store, (struct rfl_source_no){ number }, mail.sequence, &mail)) {
            uint64_t seen[4] = { mail.sequence, mail.referral.v, mail.seq.v, mail.event_index };
            life_fold(&sum, seen, sizeof seen);
        }
    }
    for (uint64_t id = 1; id <= st.cases; id++) {
        struct rfl_case kase;
        memset(&kase, 0, sizeof kase);
        uint64_t read = rfl_store_case(store, (struct rfl_case_id){ id }, &kase) == RFL_E_OK ? kase.last_seq.v : 0;
        uint64_t words[4] = { read, kase.status, (uint64_t)kase.due_ms, kase.version };
        life_fold(&sum, words, sizeof words);
    }
    return sum;
}

#endif
