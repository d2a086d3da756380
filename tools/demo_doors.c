/* The adapters: one connection for each source, referrals handed over and never forgotten, mailboxes read. */
#include <stdlib.h>

#include "demo.h"

enum { SETTLE_MS = 60000, ANSWER_MS = 20000, MAIL_CREDIT = 256, SHOW_EVERY = 50 };

struct mailbox { struct demo *demo; uint64_t next, acknowledged; uint32_t source; };

static void copy_code(struct rfl_view from, char to[DEMO_CODE_BYTES])
{
    size_t len = from.len < DEMO_CODE_BYTES ? from.len : DEMO_CODE_BYTES - 1;
    memcpy(to, from.p, len);
    to[len] = '\0';
}

/* Where it went and why, as an operator may ask; some doors are told neither. */
static bool show_sample(struct demo *demo)
{
    const struct demo_referral *r = &demo->plan.referral[demo->sample - 1];
    struct rfl_ask ask = { .kind = RFL_MSG_EXPLAIN, .code = rfl_view_of(r->receipt) };
    struct rfl_reply reply;
    demo->sample = 0;
    if (!demo_ask_operator(demo, &ask, RFL_MSG_EXPLAINED, &reply))
        return false;
    const struct rfl_msg_explained *why = &reply.explained;
    demo_say("%s  %-16s ->  %.*s   %.*s%s", r->receipt, rfl_door_name((enum rfl_door)r->door), (int)why->queue.len,
             (const char *)why->queue.p, (int)why->reason.len, (const char *)why->reason.p,
             r->kind == DEMO_JOIN ? "   joined an open case" : r->kind == DEMO_REPLAY ? "   sent again" : "");
    return true;
}

/* Tags are one more than the index of the referral. */
static void heard(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    struct demo *demo = ctx;
    (void)client;
    if (tag == 0 || tag > demo->plan.count)
        return;
    struct demo_referral *r = &demo->plan.referral[tag - 1];
    if (r->answered)
        return;
    r->answered = true;
    demo->answered++;
    if (reply->kind != RFL_MSG_RECEIPT) {
        r->refused = reply->kind == RFL_MSG_REFUSAL ? reply->refusal.code : RFL_CODE_COUNT;
        if (r->kind != DEMO_CONFLICT)
            demo_say("a referral was refused: %s", rfl_code_name((enum rfl_code)r->refused));
        return;
    }
    r->replayed = reply->receipt.replayed;
    r->joined = reply->receipt.joined;
    copy_code(reply->receipt.receipt, r->receipt);
    if (demo->answered % SHOW_EVERY == 1)
        demo->sample = (uint32_t)tag;
}

bool demo_doors_open(struct demo *demo)
{
    for (uint32_t i = 0; i < demo_source_count; i++) {
        const struct rfl_client_options options = { .endpoint = demo->doors, .heard = heard, .ctx = demo,
                                                    .resend_ms = 500, .resend_max_ms = 2000 };
        if (!demo_keys_connect(demo, demo_source_names[i], &options, &demo->client[i]))
            return false;
    }
    return demo_keys_connect(demo, DEMO_DESK_OPERATOR, &(struct rfl_client_options){ .endpoint = demo->admin,
                             .resend_ms = 250, .resend_max_ms = 1000 }, &demo->operator);
}

void demo_doors_close(struct demo *demo)
{
    for (uint32_t i = 0; i < demo_source_count; i++)
        rfl_client_free(&demo->client[i]);
    rfl_client_free(&demo->operator);
}

static uint32_t in_flight(const struct demo *demo)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < demo_source_count; i++)
        count += rfl_client_in_flight(demo->client[i]);
    return count;
}

/* Hears whatever came; when nothing did, waits a moment on `on`'s connection. */
static bool hear(struct demo *demo, uint32_t on)
{
    int heard_count = 0;
    for (uint32_t i = 0; i < demo_source_count; i++) {
        int count = rfl_client_poll(demo->client[i], 0);
        if (count == -1)
            return false;
        heard_count += count;
    }
    demo_workers_hear(demo);
    if (demo->sample != 0 && !show_sample(demo))
        return false;
    return heard_count > 0 || rfl_client_poll(demo->client[on], 5) != -1;
}

static bool hand_over(struct demo *demo, uint32_t index)
{
    struct demo_form form;
    const struct demo_referral *r = &demo->plan.referral[index];
    demo_form_make(&demo->world, &demo->plan, index, &form);
    enum rfl_err err = rfl_client_submit_later(demo->client[r->source], rfl_view_of(demo_source_names[r->source]),
                                               rfl_view_of(form.reference), &form.form, (uint64_t)index + 1);
    if (err == RFL_E_OK)
        demo->sent++;
    else
        printf("a referral could not be handed over: %s\n", rfl_err_text(err));
    return err == RFL_E_OK;
}

/* A referral that follows another waits for that one's receipt: the demonstration promises what follows. */
static bool must_wait(const struct demo *demo, uint32_t index)
{
    const struct demo_referral *r = &demo->plan.referral[index];
    return in_flight(demo) >= DEMO_IN_FLIGHT_MAX || (r->kind != DEMO_NEW && !demo->plan.referral[r->of].answered);
}

bool demo_doors_send(struct demo *demo, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        int64_t until_ms = demo_now_ms() + SETTLE_MS;
        while (must_wait(demo, i)) {
            const struct demo_referral *r = &demo->plan.referral[i];
            uint32_t on = r->kind != DEMO_NEW ? demo->plan.referral[r->of].source : r->source;
            if (!hear(demo, on) || demo_now_ms() > until_ms)
                return false;
        }
        if (!hand_over(demo, i) || rfl_client_poll(demo->client[demo->plan.referral[i].source], 0) == -1)
            return false;
    }
    return true;
}

uint32_t demo_doors_burst(struct demo *demo, uint32_t from, uint32_t to)
{
    uint32_t at = from;
    while (at < to && demo->plan.referral[at].kind == DEMO_NEW && in_flight(demo) < 2 * DEMO_IN_FLIGHT_MAX
           && hand_over(demo, at))
        at++;
    return at;
}

bool demo_doors_withdraw(struct demo *demo, uint32_t index)
{
    const struct demo_referral *r = &demo->plan.referral[index];
    struct demo_form form;
    struct rfl_reply reply;
    demo_form_make(&demo->world, &demo->plan, index, &form);
    struct rfl_ask ask = { .kind = RFL_MSG_WITHDRAW, .source = rfl_view_of(demo_source_names[r->source]),
                           .reference = rfl_view_of(form.reference), .reason = RFL_WITHDRAW_PERSON,
                           .text = rfl_view_of("invented: has changed their mind") };
    return rfl_client_ask(demo->client[r->source], &ask, ANSWER_MS, &reply) == RFL_E_OK
        && reply.kind == RFL_MSG_CHANGED;
}

bool demo_doors_settle(struct demo *demo)
{
    int64_t until_ms = demo_now_ms() + SETTLE_MS;
    while (demo->answered < demo->sent) {
        uint32_t busy = 0;
        while (busy + 1 < demo_source_count && rfl_client_in_flight(demo->client[busy]) == 0)
            busy++;
        if (!hear(demo, busy) || demo_now_ms() > until_ms)
            return false;
    }
    return true;
}

/* ---- mailboxes: a connection of its own for each, because feedback comes unasked ---- */

static void mail_heard(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    struct mailbox *mailbox = ctx;
    (void)client;
    (void)tag;
    if (reply->kind != RFL_MSG_FEEDBACK || reply->feedback.sequence < mailbox->next)
        return;
    if (reply->feedback.sequence != mailbox->next)
        mailbox->demo->feedback_gaps++;
    mailbox->next = reply->feedback.sequence + 1;
    mailbox->demo->feedback++;
    enum rfl_tell word = RFL_TELL_NOTHING;
    (void)rfl_tell_from_word((const char *)reply->feedback.word.p, reply->feedback.word.len, &word);
    mailbox->demo->journey.told[word]++;
}

static bool read_mailbox(struct rfl_client *client, struct mailbox *mailbox, uint64_t *last)
{
    struct rfl_reply reply;
    struct rfl_view source = rfl_view_of(demo_source_names[mailbox->source]);
    struct rfl_ask open = { .kind = RFL_MSG_MAILBOX_OPEN, .source = source, .credit = MAIL_CREDIT };
    if (rfl_client_ask(client, &open, ANSWER_MS, &reply) != RFL_E_OK || reply.kind != RFL_MSG_MAILBOX_OPENED)
        return false;
    *last = reply.mailbox_opened.last;
    if (mailbox->next <= reply.mailbox_opened.acknowledged)
        mailbox->next = reply.mailbox_opened.acknowledged + 1;
    int64_t until_ms = demo_now_ms() + SETTLE_MS;
    while (mailbox->next <= *last) {
        if (rfl_client_poll(client, 50) == -1 || demo_now_ms() > until_ms)
            return false;
        if (mailbox->next - 1 == mailbox->acknowledged)
            continue;
        struct rfl_ask ack = { .kind = RFL_MSG_FEEDBACK_ACK, .source = source, .upto = mailbox->next - 1 };
        if (rfl_client_ask(client, &ack, ANSWER_MS, &reply) != RFL_E_OK || reply.kind != RFL_MSG_ACKED)
            return false;
        mailbox->acknowledged = reply.acked.upto;
    }
    return true;
}

bool demo_doors_mailboxes(struct demo *demo)
{
    for (uint32_t i = 0; i < demo_source_count; i++) {
        struct mailbox mailbox = { .demo = demo, .next = 1, .source = i };
        const struct rfl_client_options options = { .endpoint = demo->doors, .heard = mail_heard, .ctx = &mailbox };
        struct rfl_client *client = NULL;
        uint64_t last = 0;
        bool good = demo_keys_connect(demo, demo_source_names[i], &options, &client)
            && read_mailbox(client, &mailbox, &last);
        rfl_client_free(&client);
        if (!good) {
            printf("the mailbox of %s could not be read to its end\n", demo_source_names[i]);
            return false;
        }
    }
    return true;
}

bool demo_doors_recall(struct demo *demo, uint64_t *lost)
{
    *lost = 0;
    for (uint32_t i = 0; i < demo->plan.count; i++) {
        const struct demo_referral *r = &demo->plan.referral[i];
        struct demo_form form;
        struct rfl_reply reply;
        if (r->kind == DEMO_CONFLICT)
            continue;                                   /* the reference it used is the other one's */
        demo_form_make(&demo->world, &demo->plan, i, &form);
        struct rfl_ask ask = { .kind = RFL_MSG_STATUS_QUERY, .source = rfl_view_of(demo_source_names[r->source]),
                               .reference = rfl_view_of(form.reference) };
        if (rfl_client_ask(demo->client[r->source], &ask, ANSWER_MS, &reply) != RFL_E_OK)
            return false;
        char receipt[DEMO_CODE_BYTES] = "";
        if (reply.kind == RFL_MSG_STATUS_REPORT)
            copy_code(reply.status_report.receipt, receipt);
        if (r->receipt[0] == '\0' || strcmp(receipt, r->receipt) != 0)
            ++*lost;
    }
    return true;
}
