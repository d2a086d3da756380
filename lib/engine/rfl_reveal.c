/* The personal data of a case, for somebody who says who they are and why: first the log says so, then it is read. And
 * what its referrers have been told. */
#include "rfl_disclose.h"
#include "rfl_engine_int.h"

#include <stdlib.h>

/* ENTRIES_MAX bounds one turn's work; a journey has some tens of entries. */
enum { ENTRIES_MAX = 20000, PART_BYTES = 256, ROW_BYTES = 96, PAGE_BYTES_MAX = RFL_MESSAGE_BYTES_MAX - 2048,
       TOLD_PAGE_BYTES = 40 * 1024, LINKS_SEEN_MAX = 16 };

bool rfl__who_and_why(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    bool said = ask->operator_name.len > 0 && ask->operator_name.len <= RFL_NAME_BYTES_MAX && ask->why.len > 0;
    if (!said)
        rfl__refuse(e, session, RFL_CODE_REASON_MISSING);
    return said;
}

enum rfl_err rfl__note_revealed(struct rfl_engine *e, const struct rfl_ask *ask, struct rfl_case *kase)
{
    static const struct rfl_command command = { .kind = RFL_DO_REVEAL };
    struct rfl_entry entry = { .actor = RFL_ACTOR_OPERATOR, .actor_name = ask->operator_name };
    const struct rfl_personal_words words = { .text = ask->why };
    struct rfl_view personal = { e->personal, rfl_personal_put_words(&words, e->personal, sizeof e->personal) };
    return rfl__do(e, kase, &command, &entry, personal);
}

/* ---- a list of entries, oldest first ---- */

struct list { uint64_t *seq; uint32_t count, room; };

static bool list_init(struct rfl_engine *e, struct list *list)
{
    *list = (struct list){ rfl_arena_take(&e->arena, ENTRIES_MAX * sizeof *list->seq), 0, ENTRIES_MAX };
    return list->seq != NULL;
}

/* The entries of the case from `newest` back to `from` (exclusive of earlier ones). False: too many, or unreadable. */
static bool list_add(struct rfl_engine *e, struct list *list, struct rfl_seq newest, uint64_t from, uint64_t before)
{
    for (struct rfl_seq seq = newest; seq.v != 0 && seq.v >= from;) {
        struct rfl_entry entry;
        if (list->count == list->room || rfl_store_entry(e->store, seq, &entry) != RFL_E_OK)
            return false;
        if (seq.v < before)
            list->seq[list->count++] = seq.v;
        seq = entry.prev_of_case;
    }
    return true;
}

static int compare_numbers(const void *x, const void *y)
{
    uint64_t a, b;
    memcpy(&a, x, sizeof a);
    memcpy(&b, y, sizeof b);
    return a < b ? -1 : a > b;
}

static void list_sort(struct list *list) { qsort(list->seq, list->count, sizeof *list->seq, compare_numbers); }

/* ---- Reveal ---- */

/* The referral that an entry brings or is about; zero: about none. */
static struct rfl_referral_id referral_of(const struct rfl_entry *entry)
{
    for (uint32_t i = 0; i < entry->event_count; i++) {
        const struct rfl_event *event = &entry->events[i];
        if (event->kind == RFL_EVENT_RECEIVED || event->kind == RFL_EVENT_JOINED)
            return event->submission.id;
        if (event->referral.v != 0)
            return event->referral;
    }
    return (struct rfl_referral_id){ 0 };
}

/* Opens one entry. False: it has nothing to open. */
static bool open_part(struct rfl_engine *e, uint64_t seq, struct rfl_revealed_part *part)
{
    struct rfl_entry entry;
    struct rfl_referral referral;
    struct rfl_personal_submission submission;
    struct rfl_personal_words words;
    size_t len;
    if (rfl_store_entry(e->store, (struct rfl_seq){ seq }, &entry) != RFL_E_OK || entry.sealed.len == 0)
        return false;
    *part = (struct rfl_revealed_part){ .sequence = seq, .at_ms = entry.wall_ms,
        .event = rfl__literal(rfl_event_kind_word((enum rfl_event_kind)entry.events[0].kind)),
        .actor = rfl__actor_text(e, &entry) };
    if (rfl_store_referral(e->store, referral_of(&entry), &referral) == RFL_E_OK) {
        part->receipt = rfl__receipt_text(e, referral.id);
        part->door = referral.door;
    }
    if (rfl_store_unseal(e->store, &entry, e->personal, sizeof e->personal, &len) != RFL_E_OK)
        return false;
    struct rfl_view opened = rfl__copy(e, e->personal, len);
    if (rfl_personal_get_submission(opened, &submission) == RFL_E_OK) {
        part->reference = submission.reference;
        part->referral = submission.referral;
    } else if (rfl_personal_get_words(opened, &words) == RFL_E_OK) {
        part->text = words.text;
        part->role = words.role;
        part->next_step = words.next_step;
    }
    return true;
}

static size_t bytes_of_part(const struct rfl_revealed_part *part)
{
    return part->actor.len + part->reference.len + part->referral.len + part->text.len + part->role.len +
           part->next_step.len + PART_BYTES;
}

static void fill_revealed(struct rfl_engine *e, const struct list *list, uint64_t after, struct rfl_msg_revealed *out)
{
    struct rfl_revealed_part *parts = rfl_arena_take(&e->arena, (list->count + 1) * sizeof *parts);
    size_t bytes = 0;
    for (uint32_t i = 0; parts != NULL && i < list->count; i++) {
        struct rfl_revealed_part *part = &parts[out->parts_count];
        if (list->seq[i] <= after || !open_part(e, list->seq[i], part))
            continue;
        bytes += bytes_of_part(part);
        if (bytes > PAGE_BYTES_MAX && out->parts_count > 0) {
            out->next = part[-1].sequence;
            break;
        }
        out->parts_count++;
    }
    out->parts = parts;
}

void rfl__handle_reveal(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    struct rfl_case kase;
    struct list list;
    if (!rfl__who_and_why(e, session, ask))
        return;
    if (!rfl__find_code(e, ask->code, &kase, NULL)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    if (!kase.erased && rfl__note_revealed(e, ask, &kase) != RFL_E_OK)
        return;                 /* the store's error is sticky: nobody hears anything of this turn */
    if (!list_init(e, &list) || !list_add(e, &list, kase.last_seq, 0, UINT64_MAX)) {
        rfl__refuse(e, session, RFL_CODE_LIMIT);
        return;
    }
    list_sort(&list);
    struct rfl_msg_revealed *out = &rfl__say(e, session, RFL_MSG_REVEALED)->revealed;
    out->case_code = rfl__case_text(e, kase.id);
    out->erased = kase.erased != 0;
    if (!kase.erased)
        fill_revealed(e, &list, ask->after_sequence, out);
}

/* ---- Told ---- */

/* What the mailbox says of one mail: it is there until it is acknowledged. Mail is in the order of the log. */
static bool is_acknowledged(struct rfl_engine *e, const struct rfl_referral *referral, uint64_t seq, uint8_t index)
{
    struct rfl_source_row row;
    struct rfl_mail mail;
    rfl_store_source(e->store, referral->source, &row);
    uint64_t low = row.mailbox_acked, high = row.mailbox_last;      /* the first mail of `seq` or later follows low */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (rfl_store_mail_after(e->store, referral->source, middle, &mail) && mail.seq.v < seq)
            low = middle + 1;
        else
            high = middle;
    }
    while (rfl_store_mail_after(e->store, referral->source, low, &mail) && mail.seq.v <= seq) {
        if (mail.seq.v == seq && mail.referral.v == referral->id.v && mail.event_index == index)
            return false;
        low = mail.sequence;
    }
    return true;
}

/* When the referral was taken back, as an entry of the list; UINT64_MAX: it stands. */
static uint64_t withdrawn_at(struct rfl_engine *e, const struct list *list, const struct rfl_referral *referral)
{
    struct rfl_entry entry;
    for (uint32_t i = 0; referral->withdrawn != RFL_WITHDRAW_NONE && i < list->count; i++)
        if (rfl_store_entry(e->store, (struct rfl_seq){ list->seq[i] }, &entry) == RFL_E_OK)
            for (uint32_t k = 0; k < entry.event_count; k++)
                if (entry.events[k].kind == RFL_EVENT_WITHDRAWN && entry.events[k].referral.v == referral->id.v)
                    return list->seq[i];
    return UINT64_MAX;
}

/* As lib/store/rfl_news.c puts mail. */
static bool heard(const struct rfl_entry *entry, const struct rfl_event *event, const struct rfl_referral *referral,
                  uint64_t withdrawn_seq)
{
    enum rfl_notify notify = rfl_event_notify((enum rfl_event_kind)event->kind);
    if (referral->seq.v > entry->seq.v || (event->told & 1u << referral->door) == 0)
        return false;
    if (referral->notify != 0 && notify != RFL_NOTIFY_COUNT && (referral->notify & 1u << notify) == 0)
        return false;
    if (event->kind == RFL_EVENT_WITHDRAWN)
        return event->referral.v == referral->id.v;
    if (withdrawn_seq <= entry->seq.v)
        return withdrawn_seq == entry->seq.v && event->kind == RFL_EVENT_CLOSED;
    return referral->seq.v != entry->seq.v || event->kind == RFL_EVENT_HELD;
}

/* The entries whose events the case's referrals heard of: its own, and those of a case while it rested on that one. */
static bool list_heard(struct rfl_engine *e, const struct rfl_case *kase, struct list *own, struct list *all)
{
    struct { uint64_t from, to; struct rfl_case_id other; } rest[LINKS_SEEN_MAX];
    unsigned rests = 0;
    if (!list_init(e, own) || !list_init(e, all) || !list_add(e, own, kase->last_seq, 0, UINT64_MAX))
        return false;
    list_sort(own);
    for (uint32_t i = 0; i < own->count; i++) {
        struct rfl_entry entry;
        if (rfl_store_entry(e->store, (struct rfl_seq){ own->seq[i] }, &entry) != RFL_E_OK)
            return false;
        all->seq[all->count++] = own->seq[i];
        for (uint32_t k = 0; k < entry.event_count; k++) {
            const struct rfl_event *event = &entry.events[k];
            if (event->kind == RFL_EVENT_LINKED && rests < LINKS_SEEN_MAX) {
                rest[rests].from = entry.seq.v + 1;
                rest[rests].to = UINT64_MAX;
                rest[rests++].other = event->other;
            } else if (rests > 0 && rest[rests - 1].to == UINT64_MAX &&
                       (event->kind == RFL_EVENT_UNLINKED || event->kind == RFL_EVENT_CLOSED)) {
                rest[rests - 1].to = entry.seq.v;
            }
        }
    }
    for (unsigned i = 0; i < rests; i++) {
        struct rfl_case other;
        if (rfl_store_case(e->store, rest[i].other, &other) != RFL_E_OK ||
            !list_add(e, all, other.last_seq, rest[i].from, rest[i].to))
            return false;
    }
    list_sort(all);
    return true;
}

static void tell_row(struct rfl_engine *e, const struct rfl_entry *entry, uint8_t index,
                     const struct rfl_referral *referral, struct rfl_told_row *row)
{
    struct rfl_event event = entry->events[index];
    const struct rfl_disclosure *may = rfl_disclose(e->policy, (enum rfl_door)referral->door, &event);
    const struct rfl_source *source = rfl_policy_source(e->policy, referral->source);
    *row = (struct rfl_told_row){ .sequence = entry->seq.v, .at_ms = entry->wall_ms, .door = referral->door,
                                  .receipt = rfl__receipt_text(e, referral->id) };
    row->source = source != NULL ? rfl_policy_text(e->policy, source->name) : rfl__literal("");
    row->word = rfl__literal(may != NULL ? rfl_tell_word((enum rfl_tell)may->tell) : "nothing");
    if (may != NULL && may->reason)
        row->detail = rfl__feedback_detail(&event);
    if (may != NULL && may->provider)
        row->provider = rfl__feedback_provider(e, entry, index);
    row->acknowledged = is_acknowledged(e, referral, row->sequence, index);
}

/* All rows of one entry; the entry's memory is lent only until the next read, so it is copied. */
static size_t tell_entry(struct rfl_engine *e, const struct rfl_case *kase, const struct list *own, uint64_t seq,
                         struct rfl_told_row *rows, uint32_t room, uint32_t *count)
{
    struct rfl_entry entry;
    struct rfl_referral referral = { .prev_on_case = kase->last_referral };
    size_t bytes = 0;
    if (rfl_store_entry(e->store, (struct rfl_seq){ seq }, &entry) != RFL_E_OK)
        return 0;
    entry.actor_name = entry.why = entry.sealed = (struct rfl_view){ NULL, 0 };
    while (referral.prev_on_case.v != 0 &&
           rfl_store_referral(e->store, referral.prev_on_case, &referral) == RFL_E_OK) {
        uint64_t withdrawn = withdrawn_at(e, own, &referral);
        for (uint32_t i = 0; i < entry.event_count && *count < room; i++) {
            if ((rfl_event_fields((enum rfl_event_kind)entry.events[i].kind) & RFL_HAS_TOLD) == 0 ||
                !heard(&entry, &entry.events[i], &referral, withdrawn))
                continue;
            struct rfl_told_row *row = &rows[(*count)++];
            tell_row(e, &entry, (uint8_t)i, &referral, row);
            bytes += row->source.len + row->receipt.len + row->word.len + row->detail.len + row->provider.len +
                     ROW_BYTES;
        }
    }
    return bytes;
}

void rfl__handle_told(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    enum { ROWS_MAX = 2000 };
    struct rfl_case kase;
    struct list own, all;
    if (!rfl__find_code(e, ask->code, &kase, NULL)) {
        rfl__refuse(e, session, RFL_CODE_NOT_FOUND);
        return;
    }
    struct rfl_told_row *rows = rfl_arena_take(&e->arena, ROWS_MAX * sizeof *rows);
    if (rows == NULL || !list_heard(e, &kase, &own, &all)) {
        rfl__refuse(e, session, RFL_CODE_LIMIT);
        return;
    }
    struct rfl_msg_told *told = &rfl__say(e, session, RFL_MSG_TOLD)->told;
    size_t bytes = 0;
    for (uint32_t i = 0; i < all.count && told->next == 0; i++) {
        if (all.seq[i] > ask->after_sequence)
            bytes += tell_entry(e, &kase, &own, all.seq[i], rows, ROWS_MAX, &told->rows_count);
        if (bytes > TOLD_PAGE_BYTES && i + 1 < all.count)
            told->next = all.seq[i];
    }
    told->rows = rows;
}
