#include "crash_clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "canaries.h"

enum { IN_FLIGHT = 64, RESEND_MS = 60, RESEND_MAX_MS = 500, PING_MS = 100, QUIET_MS = 100, MAIL_CREDIT = 128,
       WORKER_CREDIT = 48, SAY_MAX = 20 };

/* What an adapter's tags mean: a reference's number plus one, or one of these kinds of probe. */
#define TAG_REPLAY (UINT64_C(1) << 40)
#define TAG_CONFLICT (UINT64_C(2) << 40)
#define TAG_MAILBOX (UINT64_C(3) << 40)
#define TAG_KIND(tag) ((tag) & (UINT64_C(7) << 40))
/* A worker's tags are a slot of its cases plus one, and the verb. */
#define TAG_VERB(kind) ((uint64_t)(kind) << 40)
#define TAG_NUMBER(tag) ((uint32_t)(tag) - 1)

void crash_violation(struct crash_shared *shared, const char *rule, const char *code)
{
    if (atomic_fetch_add(&shared->violations, 1) < SAY_MAX)
        fprintf(stderr, "crash: VIOLATION: %s: %s\n", rule, code);
}

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t boot_ms(void)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_BOOTTIME, &t);
    assert(rc == 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void keep_text(char out[CRASH_CODE_BYTES], struct rfl_view text)
{
    (void)snprintf(out, CRASH_CODE_BYTES, "%.*s", (int)text.len, (const char *)text.p);
}

static bool same_text(const char *kept, struct rfl_view text)
{
    return strlen(kept) == text.len && memcmp(kept, text.p, text.len) == 0;
}

/* ---- adapters ---- */

static const char *const areas[] = { "QOP", "QWO", "QE1", "QHL", "QF7", "QUA", "QT6", "QJK" };

/* A number of the range that is never issued; the check digit is right, so that it is used. */
static void nhs_number(uint32_t person, char out[11])
{
    uint32_t n = person;
    unsigned check;
    do {
        (void)snprintf(out, 11, "999%06u", n % 1000000u);
        unsigned sum = 0;
        for (unsigned i = 0; i < 9; i++)
            sum += (unsigned)(out[i] - '0') * (10 - i);
        check = (11 - sum % 11) % 11;
        n += 500009;                    /* numbers that would need an X are never issued: take another */
    } while (check == 10);
    out[9] = (char)('0' + check);
    out[10] = '\0';
}

void crash_reference_name(unsigned adapter, uint32_t n, char out[32])
{
    (void)snprintf(out, 32, "a%u-%08x", adapter, n * 2654435761u);
}

uint32_t crash_reference_number(unsigned adapter, struct rfl_view name)
{
    char own[32];
    uint32_t mixed = 0;
    for (size_t i = 3; i < name.len && i < 11; i++)
        mixed = mixed << 4 | (uint32_t)(name.p[i] <= '9' ? name.p[i] - '0' : name.p[i] - 'a' + 10);
    uint32_t n = mixed * 244002641u;    /* the inverse of the factor above, modulo 2^32 */
    crash_reference_name(adapter, n, own);
    return same_text(own, name) ? n : UINT32_MAX;
}

void crash_invent(unsigned adapter, uint32_t n, bool other, struct rfl_form *form, char text[3][64])
{
    uint32_t person = n % 20 == 19 ? n - 19 : n;
    nhs_number(person * 4 + adapter, text[0]);
    (void)snprintf(text[1], 64, CANARY_NAME " %u", person);
    (void)snprintf(text[2], 64, "referral %u of adapter %u%s", n, adapter, other ? ", changed" : "");
    *form = (struct rfl_form){ .door = adapter % 2 == 0 ? RFL_DOOR_GP : RFL_DOOR_SELF, .consent = RFL_CONSENT_GIVEN,
        .nhs_number = rfl_view_of(text[0]), .name = rfl_view_of(text[1]), .phone = rfl_view_of(CANARY_PHONE),
        .address = rfl_view_of(CANARY_STREET), .email = rfl_view_of(CANARY_EMAIL),
        .contact_notes = rfl_view_of(CANARY_NOTES),
        .reason = rfl_view_of(text[2]), .referrer_area = rfl_view_of(areas[person % 8]) };
    if (n % 3 == 2)                     /* as in life: no number, and so nobody to join */
        form->nhs_number = (struct rfl_view){ NULL, 0 };
}

static bool send_reference(struct crash_adapter *a, struct rfl_client *client, uint32_t n, uint64_t tag)
{
    char source[16], reference[32], text[3][64];
    struct rfl_form form;
    (void)snprintf(source, sizeof source, "bench-%u", a->number);
    crash_reference_name(a->number, n, reference);
    crash_invent(a->number, n, TAG_KIND(tag) == TAG_CONFLICT, &form, text);
    return rfl_client_submit_later(client, rfl_view_of(source), rfl_view_of(reference), &form, tag) == RFL_E_OK;
}

static void take_receipt(struct crash_adapter *a, uint64_t tag, const struct rfl_msg_receipt *receipt)
{
    uint32_t n = TAG_NUMBER(tag);
    struct crash_reference *r = &a->reference[n];
    if (TAG_KIND(tag) == TAG_CONFLICT) {
        crash_violation(a->shared, "other bytes under one reference were taken", r->receipt);
        return;
    }
    if (r->receipt[0] == '\0') {
        keep_text(r->receipt, receipt->receipt);
        a->receipted++;
        atomic_fetch_add(&a->settled, 1);
        atomic_fetch_add(&a->shared->receipts, 1);
        return;
    }
    atomic_fetch_add(&a->shared->replays, 1);
    if (!same_text(r->receipt, receipt->receipt))
        crash_violation(a->shared, "a reference has two receipts", r->receipt);
    if (!receipt->replayed)
        crash_violation(a->shared, "a repeated submission is not marked as one", r->receipt);
}

static void take_refusal(struct crash_adapter *a, uint64_t tag, const struct rfl_msg_refusal *refusal)
{
    if (TAG_KIND(tag) == TAG_CONFLICT && refusal->code == RFL_CODE_CONFLICT)
        atomic_fetch_add(&a->shared->conflicts, 1);
    else
        crash_violation(a->shared, "an adapter was refused", rfl_code_name((enum rfl_code)refusal->code));
}

static void find_accepted(struct crash_adapter *a, const struct rfl_msg_feedback *feedback)
{
    uint32_t n = crash_reference_number(a->number, feedback->reference);
    if (n >= a->used) {
        crash_violation(a->shared, "feedback about a reference never sent", "");
        return;
    }
    struct crash_reference *r = &a->reference[n];
    if (r->receipt[0] != '\0' && !same_text(r->receipt, feedback->receipt))
        crash_violation(a->shared, "feedback about another receipt than the reference has", r->receipt);
    r->fed_accepted = true;
}

static void take_feedback(struct crash_adapter *a, const struct rfl_msg_feedback *feedback)
{
    uint64_t fed = atomic_load(&a->fed);
    if (feedback->sequence != fed + 1)
        crash_violation(a->shared, "a gap in a mailbox", "");
    if (feedback->word.len == 8 && memcmp(feedback->word.p, "accepted", 8) == 0)
        find_accepted(a, feedback);
    atomic_store(&a->fed, feedback->sequence);
    a->unacknowledged++;
}

static void adapter_hears(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    (void)client;
    struct crash_adapter *a = ctx;
    a->told_ms = boot_ms();
    if (reply->kind == RFL_MSG_RECEIPT)
        take_receipt(a, tag, &reply->receipt);
    else if (reply->kind == RFL_MSG_REFUSAL)
        take_refusal(a, tag, &reply->refusal);
    else if (reply->kind == RFL_MSG_FEEDBACK)
        take_feedback(a, &reply->feedback);
    else if (reply->kind == RFL_MSG_MAILBOX_OPENED) {
        if (reply->mailbox_opened.last < atomic_load(&a->mailbox_last))
            crash_violation(a->shared, "a mailbox has less in it than before", "");
        atomic_store(&a->mailbox_last, reply->mailbox_opened.last);
        atomic_fetch_add(&a->opened, 1);
    }
}

static void acknowledge(struct crash_adapter *a, struct rfl_client *client)
{
    if (a->unacknowledged < MAIL_CREDIT / 4 && (a->unacknowledged == 0 || boot_ms() - a->told_ms <= QUIET_MS))
        return;
    char source[16];
    (void)snprintf(source, sizeof source, "bench-%u", a->number);
    struct rfl_ask ask = { .kind = RFL_MSG_FEEDBACK_ACK, .source = rfl_view_of(source),
                           .upto = atomic_load(&a->fed) };
    if (rfl_client_send(client, &ask, TAG_MAILBOX) == RFL_E_OK)
        a->unacknowledged = 0;
}

static void fill_window(struct crash_adapter *a, struct rfl_client *client)
{
    uint32_t allowance = atomic_load(&a->shared->allowance);
    if (allowance > CRASH_REFERENCES_MAX)
        allowance = CRASH_REFERENCES_MAX;
    while (a->used < allowance && rfl_client_in_flight(client) < IN_FLIGHT) {
        if (!send_reference(a, client, a->used, a->used + 1))
            return;
        a->used++;
        uint64_t luck = draw(&a->random);
        uint32_t old = (uint32_t)((luck >> 16) % a->used);
        if (luck % 50 == 0 && a->reference[old].receipt[0] != '\0')
            (void)send_reference(a, client, old, TAG_REPLAY | (old + 1));
        if (luck % 50 == 1 && a->reference[old].receipt[0] != '\0')
            (void)send_reference(a, client, old, TAG_CONFLICT | (old + 1));
    }
}

static void *run_adapter(void *arg)
{
    struct crash_adapter *a = arg;
    struct rfl_client *client = NULL;
    struct rfl_client_options options = { .endpoint = a->shared->doors, .heard = adapter_hears, .ctx = a,
        .resend_ms = RESEND_MS, .resend_max_ms = RESEND_MAX_MS, .in_flight_max = 4 * IN_FLIGHT, .ping_ms = PING_MS };
    char source[16];
    (void)snprintf(source, sizeof source, "bench-%u", a->number);
    if (rfl_client_new(&options, &client) != RFL_E_OK
        || rfl_client_mailbox(client, rfl_view_of(source), MAIL_CREDIT) != RFL_E_OK) {
        crash_violation(a->shared, "no adapter", source);
        rfl_client_free(&client);
        return NULL;
    }
    while (!atomic_load(&a->shared->stopping)) {
        fill_window(a, client);
        acknowledge(a, client);
        if (rfl_client_poll(client, 20) == -1)
            crash_violation(a->shared, "a client's context broke", "");
    }
    a->counts = *rfl_client_counts(client);
    rfl_client_free(&client);
    return NULL;
}

bool crash_adapter_start(struct crash_adapter *adapter)
{
    adapter->random = (adapter->shared->seed + adapter->number + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    adapter->reference = calloc(CRASH_REFERENCES_MAX, sizeof *adapter->reference);
    return adapter->reference != NULL && pthread_create(&adapter->thread, NULL, run_adapter, adapter) == 0;
}

/* ---- workers ---- */

static uint32_t hash_of(const char *code, size_t code_bytes)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < code_bytes; i++)
        h = (h ^ (uint8_t)code[i]) * 16777619u;
    return h ^ h >> 15;
}

struct crash_case *crash_case_of(struct crash_worker *worker, const char *code, size_t code_bytes, bool make)
{
    assert(code_bytes > 0 && code_bytes < CRASH_CODE_BYTES);
    uint32_t at = hash_of(code, code_bytes) % CRASH_CASES_MAX;
    while (worker->cases[at].code[0] != '\0') {
        if (strlen(worker->cases[at].code) == code_bytes && memcmp(worker->cases[at].code, code, code_bytes) == 0)
            return &worker->cases[at];
        at = (at + 1) % CRASH_CASES_MAX;
    }
    if (!make)
        return NULL;
    assert(worker->case_count < CRASH_CASES_MAX / 2);
    worker->case_count++;
    memcpy(worker->cases[at].code, code, code_bytes);
    return &worker->cases[at];
}

static void do_verb(struct crash_worker *w, struct rfl_client *client, struct crash_case *c, struct rfl_ask *ask)
{
    char name[16];
    (void)snprintf(name, sizeof name, "worker-%u", w->number);
    ask->worker = rfl_view_of(name);
    ask->code = rfl_view_of(c->code);
    ask->token = c->token;
    if (rfl_client_send(client, ask, TAG_VERB(ask->kind) | ((uint64_t)(c - w->cases) + 1)) == RFL_E_OK)
        c->doing = ask->kind;
    else
        crash_violation(w->shared, "a worker cannot send", c->code);
}

/* What a worker does with an offer depends on the case alone, so that every run of a seed does alike. */
static void take_offer(struct crash_worker *w, struct rfl_client *client, const struct rfl_msg_offer *offer)
{
    struct crash_case *c = crash_case_of(w, (const char *)offer->case_code.p, offer->case_code.len, true);
    if (c->doing != RFL_MSG_NONE && rfl_token_same(c->token, offer->token))
        return;                         /* told twice; it is being answered */
    if (c->has_it) {
        crash_violation(w->shared, "a case that was accepted is offered again", c->code);
        return;
    }
    c->token = offer->token;
    struct rfl_ask ask = { .kind = RFL_MSG_ACCEPT };
    uint32_t luck = hash_of(c->code, strlen(c->code)) >> 7 & 63;
    if (luck < 3) {
        ask.kind = RFL_MSG_DECLINE;
        ask.reason = RFL_DECLINE_NO_CAPACITY;
        ask.text = rfl_view_of("no room");
        ask.role = rfl_view_of("intake");
    } else if (luck < 6 && offer->hops == 0) {
        const char *target = luck == 3 ? "cornwall-isles-of-scilly/intake" : "greater-manchester/intake";
        if (!same_text(target, offer->queue)) {
            ask.kind = RFL_MSG_REDIRECT;
            ask.reason = RFL_DECLINE_OUT_OF_AREA;
            ask.queue = rfl_view_of(target);
        }
    }
    do_verb(w, client, c, &ask);
}

static void go_on(struct crash_worker *w, struct rfl_client *client, struct crash_case *c)
{
    struct rfl_ask ask = { .kind = RFL_MSG_NONE };
    uint32_t luck = hash_of(c->code, strlen(c->code)) >> 13 & 3;
    if (c->status == RFL_STATUS_ACCEPTED && luck != 0) {
        ask.kind = RFL_MSG_CONTACTED;
        ask.channel = RFL_CHANNEL_PHONE;
        ask.reached = true;
    } else if (c->status == RFL_STATUS_WAITING_ON_PERSON && luck != 1) {
        ask.kind = RFL_MSG_STARTED;
    } else if (c->status == RFL_STATUS_ACTIVE && luck != 2) {
        ask.kind = RFL_MSG_CLOSE;
        ask.reason = RFL_CLOSE_COMPLETED;
    }
    if (ask.kind != RFL_MSG_NONE)
        do_verb(w, client, c, &ask);
}

static void take_record(struct crash_worker *w, struct rfl_client *client, struct crash_case *c,
                        const struct rfl_msg_record *record)
{
    if (!same_text(c->code, record->case_code))
        crash_violation(w->shared, "a record of another case than was accepted", c->code);
    if (!rfl_token_same(c->token, record->token))
        crash_violation(w->shared, "a record with another token than was accepted", c->code);
    if (record->index == 0 && c->receipt[0] == '\0')
        keep_text(c->receipt, record->receipt);
    if (record->index + 1 < record->total)
        return;
    c->doing = RFL_MSG_NONE;
    if (c->has_it)
        return;
    c->has_it = true;
    c->status = RFL_STATUS_ACCEPTED;
    atomic_fetch_add(&w->shared->accepts, 1);
    go_on(w, client, c);
}

static void take_no(struct crash_worker *w, struct rfl_client *client, struct crash_case *c,
                    const struct rfl_msg_refusal *refusal)
{
    uint8_t doing = c->doing;
    c->doing = RFL_MSG_NONE;
    if (c->has_it && refusal->code == RFL_CODE_STATE) {
        c->status = refusal->status;    /* done before the answer was lost: go on from where it is */
        go_on(w, client, c);
        return;
    }
    if (c->has_it && refusal->code == RFL_CODE_FENCED && doing == RFL_MSG_CLOSE) {
        c->status = RFL_STATUS_CLOSED;
        return;
    }
    bool late = refusal->code == RFL_CODE_FENCED || refusal->code == RFL_CODE_STATE;
    if (!late || c->has_it)
        crash_violation(w->shared, "a worker was refused", rfl_code_name((enum rfl_code)refusal->code));
}

static void worker_hears(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    struct crash_worker *w = ctx;
    if (reply->kind == RFL_MSG_OFFER)
        take_offer(w, client, &reply->offer);
    if (tag == 0) {
        if (reply->kind == RFL_MSG_REFUSAL)
            crash_violation(w->shared, "a subscription was refused", "");
        return;
    }
    struct crash_case *c = &w->cases[TAG_NUMBER(tag)];
    /* A verb whose answer was lost may have had its effect, and the case may have come back as another offer since. */
    if (TAG_VERB(c->doing) != (tag & ~UINT64_C(0xffffffff)) && !(c->has_it && reply->kind == RFL_MSG_RECORD))
        return;
    if (reply->kind == RFL_MSG_RECORD) {
        take_record(w, client, c, &reply->record);
    } else if (reply->kind == RFL_MSG_REFUSAL) {
        take_no(w, client, c, &reply->refusal);
    } else if (reply->kind == RFL_MSG_DONE) {
        c->doing = RFL_MSG_NONE;
        c->status = reply->done.status;
        if (c->has_it)
            go_on(w, client, c);
        else
            c->passed_on = true;
    }
}

static void *run_worker(void *arg)
{
    struct crash_worker *w = arg;
    struct rfl_client *client = NULL;
    struct rfl_view queue[RFL_QUEUES_PER_WORKER_MAX];
    char name[16];
    (void)snprintf(name, sizeof name, "worker-%u", w->number);
    for (unsigned i = 0; i < w->queue_count; i++)
        queue[i] = rfl_view_of(w->queues[i]);
    struct rfl_client_options options = { .endpoint = w->shared->workers, .heard = worker_hears, .ctx = w,
        .resend_ms = RESEND_MS, .resend_max_ms = RESEND_MAX_MS, .ping_ms = PING_MS };
    if (rfl_client_new(&options, &client) != RFL_E_OK
        || rfl_client_subscribe(client, rfl_view_of(name), queue, w->queue_count, WORKER_CREDIT) != RFL_E_OK) {
        crash_violation(w->shared, "no worker", name);
        rfl_client_free(&client);
        return NULL;
    }
    while (!atomic_load(&w->shared->stopping)) {
        if (rfl_client_poll(client, 20) == -1)
            crash_violation(w->shared, "a client's context broke", name);
        atomic_store(&w->in_flight, rfl_client_in_flight(client));
    }
    w->counts = *rfl_client_counts(client);
    rfl_client_free(&client);
    return NULL;
}

bool crash_worker_start(struct crash_worker *worker)
{
    worker->cases = calloc(CRASH_CASES_MAX, sizeof *worker->cases);
    return worker->cases != NULL && pthread_create(&worker->thread, NULL, run_worker, worker) == 0;
}
