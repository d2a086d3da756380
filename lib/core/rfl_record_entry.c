/* The log entry's bytes; the fields of each kind of event are rfl_event_fields, for both directions. */
#include "rfl_record.h"

/* Version 2 is written where a decision has something that version 1 has no place for, and only there. */
enum { ENTRY_VERSION = 1, ENTRY_VERSION_RULES = 2,
       HAS_DECIDED = 1, HAS_SEALED = 2, HAS_WHY = 4, HAS_ALL = HAS_DECIDED | HAS_SEALED | HAS_WHY };
static const uint64_t entry_seed = UINT64_C(0x7972746E65);

static void write_submission(struct rfl_wr *w, const struct rfl_submission *s)
{
    rfl_wr_u64(w, s->id.v);
    rfl_wr_bytes(w, s->reference.b, sizeof s->reference.b);
    rfl_wr_bytes(w, s->body.b, sizeof s->body.b);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
        rfl_wr_bytes(w, s->match[i].b, sizeof s->match[i].b);
    rfl_wr_u8(w, s->door);
    rfl_wr_u8(w, s->consent);
    rfl_wr_u8(w, s->notify);
}

static void read_submission(struct rfl_rd *r, struct rfl_submission *s)
{
    s->id.v = rfl_rd_u64(r);
    rfl_rd_bytes(r, s->reference.b, sizeof s->reference.b);
    rfl_rd_bytes(r, s->body.b, sizeof s->body.b);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++)
        rfl_rd_bytes(r, s->match[i].b, sizeof s->match[i].b);
    s->door = rfl_rd_u8(r);
    s->consent = rfl_rd_u8(r);
    s->notify = rfl_rd_u8(r);
    if (s->door >= RFL_DOOR_COUNT || s->consent >= RFL_CONSENT_COUNT)
        r->bad = true;
}

static void write_event(struct rfl_wr *w, const struct rfl_event *e)
{
    uint32_t has = rfl_event_fields((enum rfl_event_kind)e->kind);
    rfl_wr_u8(w, e->kind);
    if (has & RFL_HAS_QUEUE) rfl_wr_u16(w, e->queue.v);
    if (has & RFL_HAS_AREA) rfl_wr_u16(w, e->area.v);
    if (has & RFL_HAS_CLOCK) { rfl_wr_u8(w, e->clock); rfl_wr_i64(w, e->due_ms); }
    if (has & RFL_HAS_ACCEPT_BY) rfl_wr_i64(w, e->accept_by_ms);
    if (has & RFL_HAS_SINCE) rfl_wr_i64(w, e->since_ms);
    if (has & RFL_HAS_TOKEN) { rfl_wr_u32(w, e->token.epoch); rfl_wr_u32(w, e->token.seq); }
    if (has & RFL_HAS_HOLDER) rfl_wr_u64(w, e->holder);
    if (has & RFL_HAS_REASON) rfl_wr_u8(w, e->reason);
    if (has & RFL_HAS_CODE) rfl_wr_u8(w, e->code);
    if (has & RFL_HAS_LEVEL) rfl_wr_u8(w, e->level);
    if (has & RFL_HAS_BAND) rfl_wr_u8(w, e->band);
    if (has & RFL_HAS_TOLD) rfl_wr_u16(w, e->told);
    if (has & RFL_HAS_UPTO) rfl_wr_u64(w, e->upto);
    if (has & RFL_HAS_DIGEST) rfl_wr_bytes(w, e->digest.b, sizeof e->digest.b);
    if (has & RFL_HAS_SUBMISSION) write_submission(w, &e->submission);
    if (has & RFL_HAS_WARN) { rfl_wr_i64(w, e->half_ms); rfl_wr_i64(w, e->most_ms); }
    if (has & RFL_HAS_OTHER) rfl_wr_u64(w, e->other.v);
    if (has & RFL_HAS_UNTIL) rfl_wr_i64(w, e->until_ms);
    if (has & RFL_HAS_REFERRAL) rfl_wr_u64(w, e->referral.v);
}

static void read_event(struct rfl_rd *r, struct rfl_event *e)
{
    memset(e, 0, sizeof *e);
    e->kind = rfl_rd_u8(r);
    uint32_t has = rfl_event_fields((enum rfl_event_kind)e->kind);
    if (e->kind == RFL_EVENT_NONE || e->kind >= RFL_EVENT_COUNT)
        r->bad = true;
    if (has & RFL_HAS_QUEUE) e->queue.v = rfl_rd_u16(r);
    if (has & RFL_HAS_AREA) e->area.v = rfl_rd_u16(r);
    if (has & RFL_HAS_CLOCK) { e->clock = rfl_rd_u8(r); e->due_ms = rfl_rd_i64(r); }
    if (has & RFL_HAS_ACCEPT_BY) e->accept_by_ms = rfl_rd_i64(r);
    if (has & RFL_HAS_SINCE) e->since_ms = rfl_rd_i64(r);
    if (has & RFL_HAS_TOKEN) { e->token.epoch = rfl_rd_u32(r); e->token.seq = rfl_rd_u32(r); }
    if (has & RFL_HAS_HOLDER) e->holder = rfl_rd_u64(r);
    if (has & RFL_HAS_REASON) e->reason = rfl_rd_u8(r);
    if (has & RFL_HAS_CODE) e->code = rfl_rd_u8(r);
    if (has & RFL_HAS_LEVEL) e->level = rfl_rd_u8(r);
    if (has & RFL_HAS_BAND) e->band = rfl_rd_u8(r);
    if (has & RFL_HAS_TOLD) e->told = rfl_rd_u16(r);
    if (has & RFL_HAS_UPTO) e->upto = rfl_rd_u64(r);
    if (has & RFL_HAS_DIGEST) rfl_rd_bytes(r, e->digest.b, sizeof e->digest.b);
    if (has & RFL_HAS_SUBMISSION) read_submission(r, &e->submission);
    if (has & RFL_HAS_WARN) { e->half_ms = rfl_rd_i64(r); e->most_ms = rfl_rd_i64(r); }
    if (has & RFL_HAS_OTHER) e->other.v = rfl_rd_u64(r);
    if (has & RFL_HAS_UNTIL) e->until_ms = rfl_rd_i64(r);
    if (has & RFL_HAS_REFERRAL) e->referral.v = rfl_rd_u64(r);
    if (e->clock >= RFL_CLOCK_COUNT || e->band >= RFL_BAND_COUNT)
        r->bad = true;
}

static void write_code(struct rfl_wr *w, const char code[RFL_CODE_BYTES])
{
    uint8_t len = 0;
    while (len < RFL_CODE_BYTES - 1 && code[len] != '\0')
        len++;
    rfl_wr_u8(w, len);
    rfl_wr_bytes(w, code, len);
}

static void read_code(struct rfl_rd *r, char code[RFL_CODE_BYTES])
{
    uint8_t len = rfl_rd_u8(r);
    memset(code, 0, RFL_CODE_BYTES);
    if (len > RFL_CODE_BYTES - 1)
        r->bad = true;
    else
        rfl_rd_bytes(r, code, len);
}

/* A place, rules, advice, or full queues: what a decision has since version 2. */
static bool goes_on(const struct rfl_entry *entry)
{
    const struct rfl_decision *d = &entry->decided.decision;
    return entry->has_decided && (entry->decided.facts.full_count != 0 || d->place.v != 0 || d->rule != 0 ||
                                  d->advice != 0 || d->shadow != 0 || d->shadow_queue.v != 0);
}

static void write_rules(struct rfl_wr *w, const struct rfl_decided *decided)
{
    const struct rfl_decision *d = &decided->decision;
    rfl_wr_u8(w, decided->facts.full_count);
    for (unsigned i = 0; i < decided->facts.full_count; i++)
        rfl_wr_u16(w, decided->facts.full[i].v);
    rfl_wr_u16(w, d->place.v);
    rfl_wr_u16(w, d->rule);
    rfl_wr_u16(w, d->advice);
    rfl_wr_u16(w, d->shadow);
    rfl_wr_u16(w, d->shadow_queue.v);
}

static void read_rules(struct rfl_rd *r, struct rfl_decided *decided)
{
    struct rfl_decision *d = &decided->decision;
    decided->facts.full_count = rfl_rd_u8(r);
    if (decided->facts.full_count > RFL_FULL_MAX) {
        r->bad = true;
        return;
    }
    for (unsigned i = 0; i < decided->facts.full_count; i++)
        decided->facts.full[i].v = rfl_rd_u16(r);
    d->place.v = rfl_rd_u16(r);
    d->rule = rfl_rd_u16(r);
    d->advice = rfl_rd_u16(r);
    d->shadow = rfl_rd_u16(r);
    d->shadow_queue.v = rfl_rd_u16(r);
}

/* An absent clue is one byte: most referrals carry one or two keys of the four. */
static void write_clue(struct rfl_wr *w, const struct rfl_clue *clue)
{
    rfl_wr_u8(w, clue->grade);
    if (clue->grade == RFL_GRADE_ABSENT)
        return;
    rfl_wr_u8(w, clue->flags);
    rfl_wr_u8(w, (uint8_t)clue->country);
    write_code(w, clue->icb);
    write_code(w, clue->sub_icb);
    rfl_wr_u16(w, clue->edition);
}

static void read_clue(struct rfl_rd *r, struct rfl_clue *clue)
{
    memset(clue, 0, sizeof *clue);
    clue->grade = rfl_rd_u8(r);
    if (clue->grade >= RFL_GRADE_COUNT)
        r->bad = true;
    if (clue->grade == RFL_GRADE_ABSENT)
        return;
    clue->flags = rfl_rd_u8(r);
    clue->country = (char)rfl_rd_u8(r);
    read_code(r, clue->icb);
    read_code(r, clue->sub_icb);
    clue->edition = rfl_rd_u16(r);
}

static void write_decided(struct rfl_wr *w, const struct rfl_decided *decided)
{
    const struct rfl_facts *f = &decided->facts;
    const struct rfl_decision *d = &decided->decision;
    rfl_wr_u8(w, f->door);
    rfl_wr_u8(w, f->band);
    rfl_wr_u8(w, f->consent);
    rfl_wr_u8(w, f->employment);
    rfl_wr_u8(w, f->main_barrier);
    rfl_wr_u8(w, f->age_years);
    rfl_wr_u16(w, f->weeks_out_of_work);
    rfl_wr_u32(w, f->flags);
    rfl_wr_u16(w, f->source.v);
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        write_clue(w, &f->clue[key]);
    rfl_wr_u8(w, d->verdict);
    rfl_wr_u8(w, d->reason);
    rfl_wr_u8(w, d->key);
    rfl_wr_u8(w, d->conflict);
    rfl_wr_u16(w, d->area.v);
    rfl_wr_u16(w, d->queue.v);
    rfl_wr_i64(w, d->retry_ms);
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++) {
        rfl_wr_u8(w, d->step[i].key);
        rfl_wr_u8(w, d->step[i].how);
        rfl_wr_u8(w, d->step[i].flags);
        rfl_wr_u16(w, d->step[i].named.v);
        rfl_wr_u16(w, d->step[i].area.v);
    }
}

static void read_decision(struct rfl_rd *r, const struct rfl_facts *f, struct rfl_decision *d)
{
    d->verdict = rfl_rd_u8(r);
    d->reason = rfl_rd_u8(r);
    d->key = rfl_rd_u8(r);
    d->conflict = rfl_rd_u8(r) != 0;
    d->area.v = rfl_rd_u16(r);
    d->queue.v = rfl_rd_u16(r);
    d->retry_ms = rfl_rd_i64(r);
    if (d->verdict >= RFL_ROUTE_COUNT || d->reason >= RFL_ROUTE_REASON_COUNT || d->key > RFL_KEY_COUNT)
        r->bad = true;
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++) {
        struct rfl_route_step *step = &d->step[i];
        step->key = rfl_rd_u8(r);
        step->how = rfl_rd_u8(r);
        step->flags = rfl_rd_u8(r);
        step->named.v = rfl_rd_u16(r);
        step->area.v = rfl_rd_u16(r);
        if (step->key >= RFL_KEY_COUNT || step->how >= RFL_HOW_COUNT) {
            r->bad = true;
            return;
        }
        step->grade = f->clue[step->key].grade;
        step->edition = f->clue[step->key].edition;
    }
}

static void read_decided(struct rfl_rd *r, struct rfl_decided *decided)
{
    memset(decided, 0, sizeof *decided);
    struct rfl_facts *f = &decided->facts;
    f->door = rfl_rd_u8(r);
    f->band = rfl_rd_u8(r);
    f->consent = rfl_rd_u8(r);
    f->employment = rfl_rd_u8(r);
    f->main_barrier = rfl_rd_u8(r);
    f->age_years = rfl_rd_u8(r);
    f->weeks_out_of_work = rfl_rd_u16(r);
    f->flags = rfl_rd_u32(r);
    f->source.v = rfl_rd_u16(r);
    if (f->door >= RFL_DOOR_COUNT || f->band >= RFL_BAND_COUNT || f->consent >= RFL_CONSENT_COUNT ||
        f->employment >= RFL_EMPLOYMENT_COUNT)
        r->bad = true;
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        read_clue(r, &f->clue[key]);
    read_decision(r, f, &decided->decision);
}

size_t rfl_entry_encode(const struct rfl_entry *entry, const uint8_t prev[32], uint8_t *out, size_t cap)
{
    assert(entry->seq.v != 0 && entry->event_count >= 1 && entry->event_count <= RFL_EVENTS_PER_COMMAND_MAX);
    assert(entry->actor_name.len <= RFL_NAME_BYTES_MAX && entry->why.len <= RFL_WHY_BYTES_MAX);
    struct rfl_wr w = rfl_wr_of(out, cap);
    rfl_wr_u8(&w, goes_on(entry) ? ENTRY_VERSION_RULES : ENTRY_VERSION);
    rfl_wr_u8(&w, (uint8_t)((entry->has_decided ? HAS_DECIDED : 0) | (entry->sealed.len > 0 ? HAS_SEALED : 0) |
                         (entry->why.len > 0 ? HAS_WHY : 0)));
    rfl_wr_u8(&w, entry->actor);
    rfl_wr_u8(&w, (uint8_t)entry->event_count);
    rfl_wr_u64(&w, entry->seq.v);
    rfl_wr_bytes(&w, prev, 32);
    rfl_wr_u64(&w, entry->prev_of_case.v);
    rfl_wr_u64(&w, entry->policy.v);
    rfl_wr_i64(&w, entry->wall_ms);
    rfl_wr_u64(&w, entry->kase.v);
    rfl_wr_u16(&w, entry->source.v);
    rfl_wr_u8(&w, (uint8_t)entry->actor_name.len);
    rfl_wr_bytes(&w, entry->actor_name.p, entry->actor_name.len);
    for (uint32_t i = 0; i < entry->event_count; i++)
        write_event(&w, &entry->events[i]);
    if (entry->why.len > 0) {
        rfl_wr_u8(&w, (uint8_t)entry->why.len);
        rfl_wr_bytes(&w, entry->why.p, entry->why.len);
    }
    if (entry->has_decided)
        write_decided(&w, &entry->decided);
    if (goes_on(entry))
        write_rules(&w, &entry->decided);
    assert(w.bad || w.used <= RFL_ENTRY_CLEAR_BYTES_MAX);
    if (entry->sealed.len > 0) {
        rfl_wr_u32(&w, (uint32_t)entry->sealed.len);
        rfl_wr_bytes(&w, entry->sealed.p, entry->sealed.len);
    }
    if (!w.bad)
        rfl_wr_u64(&w, rfl_checksum64(out, w.used, entry_seed));
    return w.bad ? 0 : w.used;
}

enum rfl_err rfl_entry_decode(struct rfl_view bytes, struct rfl_entry *out, uint8_t prev_out[32])
{
    if (bytes.len < 9)
        return RFL_E_CORRUPT;
    struct rfl_rd tail = rfl_rd_of((struct rfl_view){ bytes.p + bytes.len - 8, 8 });
    if (rfl_rd_u64(&tail) != rfl_checksum64(bytes.p, bytes.len - 8, entry_seed))
        return RFL_E_CORRUPT;
    struct rfl_rd r = rfl_rd_of((struct rfl_view){ bytes.p, bytes.len - 8 });
    uint8_t version = rfl_rd_u8(&r);
    if (version != ENTRY_VERSION && version != ENTRY_VERSION_RULES)
        return RFL_E_VERSION;
    uint8_t has = rfl_rd_u8(&r);
    memset(out, 0, sizeof *out);
    out->actor = rfl_rd_u8(&r);
    out->event_count = rfl_rd_u8(&r);
    out->seq.v = rfl_rd_u64(&r);
    rfl_rd_bytes(&r, prev_out, 32);
    out->prev_of_case.v = rfl_rd_u64(&r);
    out->policy.v = rfl_rd_u64(&r);
    out->wall_ms = rfl_rd_i64(&r);
    out->kase.v = rfl_rd_u64(&r);
    out->source.v = rfl_rd_u16(&r);
    out->actor_name = rfl_rd_view(&r, rfl_rd_u8(&r));
    if (r.bad || (has & ~HAS_ALL) != 0 || out->actor > RFL_ACTOR_CLOCK || out->event_count < 1 ||
        out->event_count > RFL_EVENTS_PER_COMMAND_MAX)
        return RFL_E_CORRUPT;
    for (uint32_t i = 0; i < out->event_count; i++)
        read_event(&r, &out->events[i]);
    if ((has & HAS_WHY) != 0)
        out->why = rfl_rd_view(&r, rfl_rd_u8(&r));
    out->has_decided = (has & HAS_DECIDED) != 0;
    if (out->has_decided)
        read_decided(&r, &out->decided);
    if (version == ENTRY_VERSION_RULES)
        read_rules(&r, &out->decided);
    if (goes_on(out) != (version == ENTRY_VERSION_RULES))
        r.bad = true;
    if ((has & HAS_SEALED) != 0)
        out->sealed = rfl_rd_view(&r, rfl_rd_u32(&r));
    return rfl_rd_done(&r) && out->seq.v != 0 ? RFL_E_OK : RFL_E_CORRUPT;
}
