/* What an operator would ask at the end: the ledger, and every case with the queue it is in. */
#include <stdlib.h>

#include "demo.h"

enum { PAGE_ROWS = 200 };

static struct demo_queue *queue_of(struct demo_findings *found, struct rfl_view name)
{
    for (uint32_t i = 0; i < found->queue_count; i++)
        if (strlen(found->queue[i].name) == name.len && memcmp(found->queue[i].name, name.p, name.len) == 0)
            return &found->queue[i];
    if (found->queue_count == DEMO_QUEUES_MAX || name.len > RFL_NAME_BYTES_MAX)
        return NULL;
    struct demo_queue *queue = &found->queue[found->queue_count++];
    memcpy(queue->name, name.p, name.len);
    return queue;
}

/* By code alone; what has the same code stands together. */
static int compare_told(const void *a, const void *b)
{
    const struct demo_told *x = a, *y = b;
    return strcmp(x->code, y->code);
}

/* A worker may hear of its own acceptance again: an offer comes once more to a worker that came back, and accepting
 * twice what one holds is answered twice. Only another worker's would be one too many. */
static void count_told(const struct demo *demo, struct demo_findings *found)
{
    qsort(demo->told, demo->told_count, sizeof demo->told[0], compare_told);
    for (uint32_t i = 0; i < demo->told_count; i++) {
        bool again = i > 0 && strcmp(demo->told[i - 1].code, demo->told[i].code) == 0;
        found->told += !again;
        found->told_twice += again && demo->told[i - 1].worker != demo->told[i].worker;
    }
}

static bool with_provider(uint8_t status)
{
    return status == RFL_STATUS_ACCEPTED || status == RFL_STATUS_WAITING_ON_PERSON || status == RFL_STATUS_ACTIVE;
}

static bool was_told(const struct demo *demo, struct rfl_view code)
{
    struct demo_told key = { .code = "" };
    if (code.len < sizeof key.code)
        memcpy(key.code, code.p, code.len);
    return demo->told_count > 0
        && bsearch(&key, demo->told, demo->told_count, sizeof demo->told[0], compare_told) != NULL;
}

static bool take_rows(const struct demo *demo, struct demo_findings *found, const struct rfl_msg_cases *page)
{
    for (uint32_t i = 0; i < page->rows_count; i++) {
        const struct rfl_case_row *row = &page->rows[i];
        struct demo_queue *queue = queue_of(found, row->queue);
        if (queue == NULL || row->status >= RFL_STATUS_COUNT)
            return false;
        queue->by_status[row->status]++;
        queue->total++;
        found->listed++;
        found->listed_referrals += row->referrals;
        found->hops += row->hops;
        found->told_wrong += !with_provider(row->status) && was_told(demo, row->case_code);
    }
    return true;
}

static bool list_cases(struct demo *demo, struct demo_findings *found)
{
    struct rfl_ask ask = { .kind = RFL_MSG_LIST, .limit = PAGE_ROWS };
    struct rfl_reply reply;
    char after[RFL_NAME_BYTES_MAX];
    do {
        if (!demo_ask_operator(demo, &ask, RFL_MSG_CASES, &reply) || !take_rows(demo, found, &reply.cases)
            || reply.cases.next.len > sizeof after)
            return false;
        if (reply.cases.next.len > 0)
            memcpy(after, reply.cases.next.p, reply.cases.next.len);
        ask.after = (struct rfl_view){ (const uint8_t *)after, reply.cases.next.len };
    } while (ask.after.len > 0);
    return true;
}

bool demo_audit_ask(struct demo *demo, struct demo_findings *found)
{
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    struct rfl_reply reply;
    memset(found, 0, sizeof *found);
    found->daemon_exit = found->verify_exit = -1;
    if (!demo_ask_operator(demo, &ask, RFL_MSG_ADMIN_STATE, &reply))
        return false;
    const struct rfl_msg_admin_state *state = &reply.admin_state;
    found->referrals = state->referrals;
    found->cases = state->cases;
    found->joined = state->joined;
    found->log_entries = state->log_entries;
    found->adds_up = state->adds_up;
    memcpy(found->by_status, state->by_status, sizeof found->by_status);
    count_told(demo, found);
    return list_cases(demo, found);
}
