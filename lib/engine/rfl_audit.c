/* The log as it is stored, for whoever checks it from outside. */
#include "rfl_engine_int.h"

enum { PAGE_ENTRIES_MAX = 1000, PAGE_BYTES_MAX = RFL_MESSAGE_BYTES_MAX - 1024, ROW_BYTES = 24 /* beside the entry */ };
static_assert(RFL_ENTRY_BYTES_MAX + ROW_BYTES <= PAGE_BYTES_MAX, "one entry always fits");

void rfl__handle_audit_read(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask)
{
    uint32_t limit = ask->limit == 0 || ask->limit > PAGE_ENTRIES_MAX ? PAGE_ENTRIES_MAX : ask->limit, count = 0;
    struct rfl_audit_row *rows = rfl_arena_take(&e->arena, limit * sizeof *rows);
    struct rfl_view bytes;
    size_t used = 0;
    for (uint64_t seq = ask->after_sequence; rows != NULL && count < limit && seq < UINT64_MAX; count++) {
        enum rfl_err err = rfl_store_raw(e->store, (struct rfl_seq){ ++seq }, &bytes);
        used += bytes.len + ROW_BYTES;
        if (err != RFL_E_OK || used > PAGE_BYTES_MAX)
            break;
        rows[count] = (struct rfl_audit_row){ seq, rfl__copy(e, bytes.p, bytes.len) };
        if (rows[count].entry.p == NULL)
            break;
    }
    struct rfl_msg_audit_page *page = &rfl__say(e, session, RFL_MSG_AUDIT_PAGE)->audit_page;
    page->entries = rows;
    page->entries_count = count;
}
