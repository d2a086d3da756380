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

bool demo_audit_list(struct demo *demo, enum rfl_status status, const char *queue, demo_take_row *take, void *ctx)
{
    struct rfl_ask ask = { .kind = RFL_MSG_LIST, .limit = PAGE_ROWS, .status = (uint8_t)status };
    struct rfl_reply reply;
    char after[RFL_NAME_BYTES_MAX];
    if (queue != NULL)
        ask.queue = rfl_view_of(queue);
    do {
        if (!demo_ask_operator(demo, &ask, RFL_MSG_CASES, &reply) || reply.cases.next.len > sizeof after)
            return false;
        for (uint32_t i = 0; i < reply.cases.rows_count; i++)
            if (!take(ctx, &reply.cases.rows[i]))
                return false;
        if (reply.cases.next.len > 0)
            memcpy(after, reply.cases.next.p, reply.cases.next.len);
        ask.after = (struct rfl_view){ (const uint8_t *)after, reply.cases.next.len };
    } while (ask.after.len > 0);
    return true;
}

struct held { const char *hold; uint64_t count; };

static bool take_held(void *ctx, const struct rfl_case_row *row)
{
    struct held *held = ctx;
    held->count += row->hold.len == strlen(held->hold) && memcmp(row->hold.p, held->hold, row->hold.len) == 0;
    return true;
}

bool demo_audit_held(struct demo *demo, const char *hold, uint64_t *count)
{
    struct held held = { hold, 0 };
    bool good = demo_audit_list(demo, RFL_STATUS_ON_HOLD, NULL, take_held, &held);
    *count = held.count;
    return good;
}

struct audit { const struct demo *demo; struct demo_findings *found; };

static bool take_case(void *ctx, const struct rfl_case_row *row)
{
    const struct audit *audit = ctx;
    struct demo_findings *found = audit->found;
    struct demo_queue *queue = queue_of(found, row->queue);
    if (queue == NULL || row->status >= RFL_STATUS_COUNT)
        return false;
    queue->by_status[row->status]++;
    queue->total++;
    found->listed++;
    found->listed_referrals += row->referrals;
    found->hops += row->hops;
    found->told_wrong += !with_provider(row->status) && was_told(audit->demo, row->case_code);
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
    struct audit audit = { demo, found };
    return demo_audit_list(demo, RFL_STATUS_NONE, NULL, take_case, &audit);
}
