/* The log as it is stored, for whoever checks it from outside. */
#include "rfl_engine_int.h"

enum { PAGE_ENTRIES_MAX = 1000, PAGE_BYTES_MAX = RFL_MESSAGE_BYTES_MAX - 1024, ROW_BYTES = 40 /* beside the views */ };
static_assert(RFL_ENTRY_BYTES_MAX + RFL_NAME_BYTES_MAX + 2 * RFL_RECEIPT_BYTES + ROW_BYTES <= PAGE_BYTES_MAX,
              "one entry always fits");

static struct rfl_msg_head head_of(const struct rfl_engine *e)
{
    const struct rfl_head *head = &e->head;
    return (struct rfl_msg_head){ .store_id = { head->store_id, sizeof head->store_id }, .epoch = head->epoch,
                                  .sequence = head->seq.v, .at_ms = head->wall_ms,
                                  .hash = { head->hash, sizeof head->hash },
                                  .signature = { head->signature, sizeof head->signature },
                                  .public_key = { e->public_key, sizeof e->public_key } };
}

void rfl__want_head(struct rfl_engine *e, struct rfl_msg_head *head)
{
    e->head_asked = true;
    head->store_id = (struct rfl_view){ e->head.store_id, sizeof e->head.store_id };
}

void rfl__sign_outbox(struct rfl_engine *e)
{
    rfl_store_sign_head(e->store, &e->head);
    rfl_store_public_key(e->store, e->public_key);
    for (uint32_t i = 0; i < e->outbox_count; i++) {
        struct rfl_reply *reply = &e->outbox[i].reply;
        struct rfl_msg_head *head = reply->kind == RFL_MSG_RECEIPT ? &reply->receipt.head
                                    : reply->kind == RFL_MSG_AUDIT_PAGE ? &reply->audit_page.head
                                    : reply->kind == RFL_MSG_ADMIN_STATE ? &reply->admin_state.head : NULL;
        if (head != NULL && head->store_id.len > 0)
            *head = head_of(e);
    }
}

/* What people call what the entry is about. */
static void fill_names(struct rfl_engine *e, uint64_t seq, struct rfl_audit_row *row)
{
    struct rfl_entry entry;
    if (rfl_store_entry(e->store, (struct rfl_seq){ seq }, &entry) != RFL_E_OK)
        return;
    row->actor = rfl__actor_text(e, &entry);
    if (entry.kase.v != 0)
        row->case_code = rfl__case_text(e, entry.kase);
    for (uint32_t i = 0; i < entry.event_count; i++)
        if (entry.events[i].kind == RFL_EVENT_RECEIVED || entry.events[i].kind == RFL_EVENT_JOINED)
            row->receipt = rfl__receipt_text(e, entry.events[i].submission.id);
}

/* False: there is no such entry, or no room for it. */
static bool take_entry(struct rfl_engine *e, uint64_t seq, size_t *used, struct rfl_audit_row *row)
{
    struct rfl_view bytes;
    *row = (struct rfl_audit_row){ .sequence = seq };
    if (rfl_store_raw(e->store, (struct rfl_seq){ seq }, &bytes) != RFL_E_OK)
        return false;
    row->entry = rfl__copy(e, bytes.p, bytes.len);
    if (row->entry.p == NULL)
        return false;
    fill_names(e, seq, row);
    *used += row->entry.len + row->case_code.len + row->receipt.len + row->actor.len + ROW_BYTES;
    return *used <= PAGE_BYTES_MAX;
}

void rfl__handle_audit_read(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    uint32_t limit = ask->limit == 0 || ask->limit > PAGE_ENTRIES_MAX ? PAGE_ENTRIES_MAX : ask->limit, count = 0;
    struct rfl_audit_row *rows = rfl_arena_take(&e->arena, limit * sizeof *rows);
    uint64_t seq = ask->after_sequence;
    size_t used = 0;
    while (rows != NULL && count < limit && seq < UINT64_MAX && take_entry(e, ++seq, &used, &rows[count]))
        count++;
    struct rfl_msg_audit_page *page = &rfl__say(e, session, RFL_MSG_AUDIT_PAGE)->audit_page;
    rfl__want_head(e, &page->head);
    page->entries = rows;
    page->entries_count = count;
}
