/* Referrals as they come, are amended and taken back; and the mailboxes of those who sent them. */
#include "rfl_tables.h"

static struct rfl_source_row *touch(struct rfl_store *s, struct rfl_source_no source)
{
    struct rfl_source_row *row = &s->sources[source.v];
    row->source = source;
    if (!s->is_touched[source.v]) {
        s->is_touched[source.v] = true;
        s->touched[s->touched_count++] = *row;
    }
    return row;
}

enum rfl_err rfl_news_referral(struct rfl_store *s, const struct rfl_entry *entry, const struct rfl_event *event,
                               struct rfl_referral_id prev_on_case)
{
    struct rfl_source_row *source = touch(s, entry->source);
    const struct rfl_submission *submission = &event->submission;
    struct rfl_referral referral = {
        .id = submission->id, .kase = entry->kase, .prev_on_case = prev_on_case,
        .prev_of_source = source->last_referral, .seq = entry->seq, .latest = entry->seq,
        .received_ms = entry->wall_ms, .source = entry->source, .door = submission->door,
        .consent = submission->consent, .notify = submission->notify, .reference = submission->reference,
        .body = submission->body };
    memcpy(referral.match, submission->match, sizeof referral.match);
    source->last_referral = referral.id;
    source->referral_count++;
    s->state.referrals = referral.id.v;
    enum rfl_err err = rfl_chain_write(s, NULL, &referral);
    return err == RFL_E_OK ? rfl_tables_point_reference(s, &referral) : err;
}

/* The body's hash stays that of the bytes it came with first: whoever sends those again gets the first receipt. */
enum rfl_err rfl_news_change(struct rfl_store *s, const struct rfl_entry *entry, const struct rfl_event *event)
{
    struct rfl_referral referral, before;
    enum rfl_err err = rfl_tables_referral(s, event->referral.v, &referral);
    if (err != RFL_E_OK)
        return rfl_env_fail(&s->env, RFL_E_CORRUPT);
    before = referral;
    if (event->kind == RFL_EVENT_WITHDRAWN) {
        referral.withdrawn = event->reason;
    } else {
        referral.latest = entry->seq;
        referral.amendments = referral.amendments < UINT16_MAX ? (uint16_t)(referral.amendments + 1) : UINT16_MAX;
        referral.consent = event->submission.consent;
        referral.notify = event->submission.notify;
        memcpy(referral.match, event->submission.match, sizeof referral.match);
    }
    return rfl_chain_write(s, &before, &referral);
}

enum rfl_err rfl_news_erase(struct rfl_store *s, struct rfl_referral_id newest)
{
    struct rfl_referral referral = { .prev_on_case = newest };
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK && referral.prev_on_case.v != 0) {
        struct rfl_referral before;
        err = rfl_tables_referral(s, referral.prev_on_case.v, &before);
        if (err != RFL_E_OK)
            return rfl_env_fail(&s->env, err == RFL_E_ABSENT ? RFL_E_CORRUPT : err);
        referral = before;
        memset(referral.match, 0, sizeof referral.match);
        err = rfl_chain_write(s, &before, &referral);
    }
    return err;
}

static enum rfl_err put_mail(struct rfl_store *s, const struct rfl_referral *referral, struct rfl_seq seq,
                             uint8_t event_index)
{
    struct rfl_source_row *source = touch(s, referral->source);
    const struct rfl_mail mail = { ++source->mailbox_last, referral->id, seq, event_index };
    uint8_t key[RFL_KEY_MAIL_BYTES], row[RFL_MAIL_BYTES];
    rfl_key_mail(referral->source, mail.sequence, key);
    rfl_mail_encode(&mail, referral->source, row);
    s->state.mailbox_rows++;
    return rfl_env_put(&s->env, RFL_TABLE_MAILBOXES, (struct rfl_view){ key, sizeof key },
                       (struct rfl_view){ row, sizeof row }, false);
}

static bool withdrawn_here(const struct rfl_entry *entry, struct rfl_referral_id id)
{
    for (uint32_t i = 0; i < entry->event_count; i++)
        if (entry->events[i].kind == RFL_EVENT_WITHDRAWN && entry->events[i].referral.v == id.v)
            return true;
    return false;
}

/* The submission that this entry brings gets a receipt, which is enough unless consent is missing. A referral that was
 * taken back hears of that, or of the whole case's closing that follows from it, and of nothing else. */
static bool hears(const struct rfl_entry *entry, const struct rfl_event *event, const struct rfl_referral *referral)
{
    enum rfl_notify notify = rfl_event_notify((enum rfl_event_kind)event->kind);
    if ((event->told & 1u << referral->door) == 0)
        return false;
    if (referral->notify != 0 && notify != RFL_NOTIFY_COUNT && (referral->notify & 1u << notify) == 0)
        return false;
    if (event->kind == RFL_EVENT_WITHDRAWN)
        return event->referral.v == referral->id.v;
    if (referral->withdrawn != RFL_WITHDRAW_NONE)
        return event->kind == RFL_EVENT_CLOSED && withdrawn_here(entry, referral->id);
    return referral->seq.v != entry->seq.v || event->kind == RFL_EVENT_HELD;
}

static enum rfl_err tell_chain(struct rfl_store *s, const struct rfl_entry *entry, uint8_t event_index,
                               struct rfl_referral_id newest)
{
    struct rfl_referral referral = { .prev_on_case = newest };
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK && referral.prev_on_case.v != 0) {
        err = rfl_tables_referral(s, referral.prev_on_case.v, &referral);
        if (err != RFL_E_OK)
            return rfl_env_fail(&s->env, err == RFL_E_ABSENT ? RFL_E_CORRUPT : err);
        if (hears(entry, &entry->events[event_index], &referral))
            err = put_mail(s, &referral, entry->seq, event_index);
    }
    return err;
}

enum rfl_err rfl_news_tell(struct rfl_store *s, const struct rfl_entry *entry, uint8_t event_index,
                           struct rfl_referral_id newest)
{
    const struct rfl_event *event = &entry->events[event_index];
    struct rfl_order from = { entry->kase.v, 0, 0 }, at;
    /* As the log will say it when it is read again: a kind that has no such field tells nobody. */
    if ((rfl_event_fields((enum rfl_event_kind)event->kind) & RFL_HAS_TOLD) == 0 || event->told == 0)
        return RFL_E_OK;
    enum rfl_err err = tell_chain(s, entry, event_index, newest);
    for (; err == RFL_E_OK && rfl_ordset_first(&s->order[RFL_INDEX_LINKED], &from, &at) && at.a == from.a; from.c++) {
        struct rfl_case linked;
        err = rfl_tables_case(s, at.c, &linked);
        if (err != RFL_E_OK)
            return rfl_env_fail(&s->env, err == RFL_E_ABSENT ? RFL_E_CORRUPT : err);
        err = tell_chain(s, entry, event_index, linked.last_referral);
        from = at;
    }
    return err;
}

enum rfl_err rfl_news_acknowledge(struct rfl_store *s, struct rfl_source_no source, uint64_t upto)
{
    struct rfl_source_row *row = touch(s, source);
    enum rfl_err err = RFL_E_OK;
    while (err == RFL_E_OK && row->mailbox_acked < upto && row->mailbox_acked < row->mailbox_last) {
        uint8_t key[RFL_KEY_MAIL_BYTES];
        rfl_key_mail(source, row->mailbox_acked + 1, key);
        err = rfl_env_del(&s->env, RFL_TABLE_MAILBOXES, (struct rfl_view){ key, sizeof key });
        row->mailbox_acked++;
        s->state.mailbox_rows--;
    }
    return rfl_env_fail(&s->env, err == RFL_E_ABSENT ? RFL_E_CORRUPT : err);
}
