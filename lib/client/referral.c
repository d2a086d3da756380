#include "referral.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <zmq.h>

#include "rfl_flight.h"
#include "rfl_keep.h"
#include "rfl_link.h"
#include "rfl_mailkeep.h"

enum {
    RESEND_MS = 1000, RESEND_MAX_MS = 30000, IN_FLIGHT = 4096, PING_MS = 5000,
    HEARTBEAT_MS = 5000, HEARTBEAT_TIMEOUT_MS = 30000,  /* slow: a daemon in a long commit must not be cut off */
    RECONNECT_MS = 50, RECONNECT_MAX_MS = 2000, HANDSHAKE_MS = 3000,
    RENEW_MS = 1000,                                    /* nobody there for so long: connect anew */
    ENDPOINT_BYTES = 256,
    RECEIVE_MAX = 1024                                  /* messages in one look, so that resends get their turn */
};

struct rfl_client {
    void *context, *socket;
    struct rfl_link link;
    bool give_up;
    char endpoint[ENDPOINT_BYTES];
    int64_t absent_since_ms;            /* when the socket was first found unable to send; 0: it can */
    rfl_client_heard *heard;
    void *ctx;
    uint32_t resend_ms, resend_max_ms;
    uint64_t luck;                      /* state of the jitter */
    struct rfl_flight flight;
    struct rfl_keep keep;
    struct rfl_mailkeep mailkeep;
    struct rfl_client_counts counts;
    struct rfl_arena arena;
    zmq_msg_t held;                     /* what the last reply's views point into */
    uint64_t asking;                    /* correlation of the blocking ask; 0: none */
    int64_t asking_until_ms;
    struct rfl_reply *answer;           /* where its answer goes; NULL once it is there */
    bool in_heard, broken;
    uint8_t frame[RFL_MESSAGE_BYTES_MAX];
};

struct rfl_view rfl_view_of(const char *text)
{
    return (struct rfl_view){ (const uint8_t *)text, strlen(text) };
}

static int64_t boot_ms(void)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_BOOTTIME, &t);
    assert(rc == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- making and freeing ---- */

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool socket_options(void *socket, uint32_t in_flight_max)
{
    int in_flight = (int)in_flight_max;
    return set_int(socket, ZMQ_LINGER, 0)               /* what is unsent is still in the table, or given up */
        && set_int(socket, ZMQ_IMMEDIATE, 1)            /* nothing queues for a peer that is away: the table does */
        && set_int(socket, ZMQ_SNDHWM, in_flight + 64)
        && set_int(socket, ZMQ_RCVHWM, 2 * in_flight + RFL_CREDIT_MAX)  /* never full, or heartbeats cut us off */
        && set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS)
        && set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        && set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS)
        && set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS)
        && set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS)
        && zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &(int64_t){ RFL_MESSAGE_BYTES_MAX }, sizeof(int64_t)) == 0;
}

static enum rfl_err open_socket(struct rfl_client *client, const struct rfl_client_options *options)
{
    client->context = zmq_ctx_new();
    if (client->context == NULL)
        return RFL_E_IO;
    client->socket = zmq_socket(client->context, ZMQ_DEALER);
    if (client->socket == NULL || !socket_options(client->socket, client->flight.count_max))
        return RFL_E_IO;
    enum rfl_err err = rfl_link_open(&client->link, client->context, client->socket, options);
    if (err != RFL_E_OK)
        return err;
    return zmq_connect(client->socket, client->endpoint) == 0 ? RFL_E_OK : RFL_E_INVALID;
}

enum rfl_err rfl_client_new(const struct rfl_client_options *options, struct rfl_client **out)
{
    assert(options->in_flight_max <= 1u << 20 && options->ping_ms < 30000);
    size_t endpoint_bytes = options->endpoint == NULL ? 0 : strlen(options->endpoint) + 1;
    if (endpoint_bytes == 0 || endpoint_bytes > ENDPOINT_BYTES)
        return RFL_E_INVALID;
    struct rfl_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return RFL_E_MEMORY;
    memcpy(client->endpoint, options->endpoint, endpoint_bytes);
    client->heard = options->heard;
    client->ctx = options->ctx;
    client->give_up = options->give_up;
    client->resend_ms = options->resend_ms != 0 ? options->resend_ms : RESEND_MS;
    client->resend_max_ms = options->resend_max_ms != 0 ? options->resend_max_ms : RESEND_MAX_MS;
    if (client->resend_max_ms < client->resend_ms)
        client->resend_max_ms = client->resend_ms;
    client->keep.ping_ms = options->ping_ms != 0 ? options->ping_ms : PING_MS;
    client->mailkeep.ping_ms = client->keep.ping_ms;
    (void)zmq_msg_init(&client->held);
    void *memory = malloc(RFL_ARENA_BYTES);
    if (memory != NULL)
        rfl_arena_init(&client->arena, memory, RFL_ARENA_BYTES);
    enum rfl_err err = rfl_flight_init(&client->flight, options->in_flight_max != 0 ? options->in_flight_max
                                                                                  : IN_FLIGHT);
    if (memory == NULL)
        err = RFL_E_MEMORY;
    if (getrandom(&client->luck, sizeof client->luck, 0) != (ssize_t)sizeof client->luck)
        client->luck = (uint64_t)boot_ms();             /* only spreads resends; any start will do */
    client->luck |= 1;
    if (err == RFL_E_OK)
        err = open_socket(client, options);
    if (err == RFL_E_OK)
        *out = client;
    else
        rfl_client_free(&client);
    return err;
}

void rfl_client_free(struct rfl_client **client)
{
    struct rfl_client *c = *client;
    if (c == NULL)
        return;
    assert(!c->in_heard);
    (void)zmq_msg_close(&c->held);
    rfl_link_close(&c->link, c->socket);
    if (c->socket != NULL)
        (void)zmq_close(c->socket);
    if (c->context != NULL)
        (void)zmq_ctx_term(c->context);
    rfl_keep_stop(&c->keep);
    rfl_flight_fini(&c->flight);
    free(c->arena.base);
    free(c);
    *client = NULL;
}

uint32_t rfl_client_in_flight(const struct rfl_client *client) { return client->flight.count; }
void *rfl_client_socket(struct rfl_client *client) { return client->socket; }
enum rfl_client_trouble rfl_client_trouble(const struct rfl_client *client) { return client->link.trouble; }
const struct rfl_client_counts *rfl_client_counts(const struct rfl_client *client) { return &client->counts; }

/* ---- sending ---- */

/* wait_ms, give or take a quarter: clients cut off together must not come back together. */
static int64_t jittered(struct rfl_client *client, uint32_t wait_ms)
{
    client->luck ^= client->luck << 13;
    client->luck ^= client->luck >> 7;
    client->luck ^= client->luck << 17;
    return (int64_t)wait_ms - wait_ms / 4 + (int64_t)(client->luck % (wait_ms / 2 + 1));
}

/* False: not now (nobody is connected, or the pipe is full). */
static bool send_frame(struct rfl_client *client, const uint8_t *frame, size_t frame_bytes)
{
    if (zmq_send(client->socket, frame, frame_bytes, ZMQ_DONTWAIT) == -1) {
        if (zmq_errno() != EAGAIN && zmq_errno() != EINTR)
            client->broken = true;
        return false;
    }
    client->counts.sent++;
    return true;
}

static void wait_for_answer(struct rfl_client *client, struct rfl_flight_entry *entry, int64_t now_ms)
{
    uint64_t doubled = entry->wait_ms == 0 ? client->resend_ms : 2 * (uint64_t)entry->wait_ms;
    entry->wait_ms = doubled < client->resend_max_ms ? (uint32_t)doubled : client->resend_max_ms;
    rfl_flight_set_due(&client->flight, entry, now_ms + jittered(client, entry->wait_ms));
}

struct resending { struct rfl_client *client; int64_t now_ms; };

static bool resend(void *ctx, struct rfl_flight_entry *entry)
{
    struct resending *r = ctx;
    if (!send_frame(r->client, entry->frame, entry->frame_bytes))
        return false;
    if (entry->sent)
        r->client->counts.resent++;
    rfl_flight_mark_sent(&r->client->flight, entry);
    wait_for_answer(r->client, entry, r->now_ms);
    return true;
}

static size_t encode(struct rfl_client *client, const struct rfl_ask *ask, uint64_t correlation)
{
    struct rfl_ask numbered = *ask;
    numbered.correlation = correlation;
    return rfl_wire_encode_ask(&numbered, client->frame, sizeof client->frame);
}

static void keep_subscribed(struct rfl_client *client, int64_t now_ms)
{
    enum rfl_message_kind kind = rfl_keep_next(&client->keep, now_ms);
    if (kind == RFL_MSG_NONE)
        return;
    struct rfl_ask ask;
    rfl_keep_ask(&client->keep, kind, &ask);
    uint64_t correlation = client->flight.next_correlation++;
    size_t frame_bytes = encode(client, &ask, correlation);
    assert(frame_bytes > 0);                            /* 512 queue names of 64 bytes fit a frame */
    if (send_frame(client, client->frame, frame_bytes))
        rfl_keep_sent(&client->keep, kind, correlation, now_ms);
}

static void keep_mailbox(struct rfl_client *client, int64_t now_ms)
{
    if (rfl_mailkeep_due_ms(&client->mailkeep) > now_ms)
        return;
    struct rfl_ask ask;
    rfl_mailkeep_ask(&client->mailkeep, &ask);
    uint64_t correlation = client->flight.next_correlation++;
    size_t frame_bytes = encode(client, &ask, correlation);
    assert(frame_bytes > 0);
    if (send_frame(client, client->frame, frame_bytes))
        rfl_mailkeep_sent(&client->mailkeep, correlation, now_ms);
}

static bool writable(struct rfl_client *client)
{
    int events = 0;
    size_t events_bytes = sizeof events;
    return zmq_getsockopt(client->socket, ZMQ_EVENTS, &events, &events_bytes) == 0 && (events & ZMQ_POLLOUT) != 0;
}

/* libzmq connects again after a connection broke, but never after its peer broke the protocol (a frame over
 * ZMQ_MAXMSGSIZE is enough): such a socket would stay deaf for ever. */
static void renew_connection(struct rfl_client *client, int64_t now_ms)
{
    if (client->absent_since_ms == 0)
        client->absent_since_ms = now_ms;
    if (now_ms - client->absent_since_ms < RENEW_MS)
        return;
    client->absent_since_ms = now_ms;
    (void)zmq_disconnect(client->socket, client->endpoint);     /* may be gone already */
    if (zmq_connect(client->socket, client->endpoint) == -1 && zmq_errno() == ETERM)
        client->broken = true;
}

static int64_t next_due_ms(const struct rfl_client *client)
{
    if (client->flight.unsent_count > 0)
        return INT64_MIN;
    int64_t keep_ms = rfl_keep_due_ms(&client->keep), mail_ms = rfl_mailkeep_due_ms(&client->mailkeep);
    if (mail_ms < keep_ms)
        keep_ms = mail_ms;
    return keep_ms < client->flight.next_due_ms ? keep_ms : client->flight.next_due_ms;
}

static void send_due(struct rfl_client *client, int64_t now_ms)
{
    if (next_due_ms(client) > now_ms)
        return;
    if (!writable(client)) {
        renew_connection(client, now_ms);
        return;
    }
    client->absent_since_ms = 0;
    keep_subscribed(client, now_ms);                    /* first: without it the worker verbs below are refused */
    keep_mailbox(client, now_ms);
    struct resending r = { client, now_ms };
    rfl_flight_each_due(&client->flight, now_ms, resend, &r);
}

static enum rfl_err send_ask(struct rfl_client *client, const struct rfl_ask *ask, uint64_t tag,
                             uint64_t *correlation_out)
{
    uint64_t correlation = client->flight.next_correlation;
    size_t frame_bytes = encode(client, ask, correlation);
    if (frame_bytes == 0)
        return RFL_E_INVALID;
    struct rfl_flight_entry *entry = NULL;
    int64_t now_ms = boot_ms();
    enum rfl_err err = rfl_flight_add(&client->flight, correlation, (struct rfl_view){ client->frame, frame_bytes },
                                      now_ms, &entry);
    if (err != RFL_E_OK)
        return err;
    client->flight.next_correlation++;
    entry->kind = ask->kind;
    entry->tag = tag;
    (void)resend(&(struct resending){ client, now_ms }, entry);     /* not now: poll sends it when it can */
    if (ask->kind == RFL_MSG_GOODBYE)
        rfl_keep_stop(&client->keep);
    *correlation_out = correlation;
    return RFL_E_OK;
}

/* ---- receiving ---- */

static int tell(struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    if (client->heard == NULL)
        return 0;
    client->in_heard = true;
    client->heard(client->ctx, client, tag, reply);
    client->in_heard = false;
    return 1;
}

/* A refusal that is met by asking again. False: it is the answer. */
static bool try_again(struct rfl_client *client, struct rfl_flight_entry *entry, const struct rfl_reply *reply)
{
    if (reply->kind != RFL_MSG_REFUSAL)
        return false;
    enum rfl_code code = (enum rfl_code)reply->refusal.code;
    if (code == RFL_CODE_NOT_SUBSCRIBED && client->keep.on)
        rfl_keep_lost(&client->keep);
    else if (!rfl_code_retryable(code))
        return false;
    int64_t now_ms = boot_ms();
    uint32_t asked_ms = reply->refusal.retry_after_ms;
    if (asked_ms == 0) {
        wait_for_answer(client, entry, now_ms);
    } else {                                            /* never sooner than we were asked to wait */
        entry->wait_ms = 0;
        rfl_flight_set_due(&client->flight, entry, now_ms + asked_ms + jittered(client, asked_ms) / 4);
    }
    if (entry->correlation == client->asking && entry->due_ms >= client->asking_until_ms)
        return false;
    client->counts.retried++;
    return true;
}

static int answer(struct rfl_client *client, struct rfl_flight_entry *entry, const struct rfl_reply *reply)
{
    if (try_again(client, entry, reply))
        return 0;
    uint64_t tag = entry->tag;
    bool asked_for = entry->correlation == client->asking;
    bool more = reply->kind == RFL_MSG_RECORD && reply->record.index + 1 < reply->record.total;
    if (!more) {
        rfl_flight_remove(&client->flight, entry);
        client->counts.answered++;
    }
    if (!asked_for || more)
        return tell(client, asked_for ? 0 : tag, reply);
    *client->answer = *reply;
    client->answer = NULL;
    return 1;
}

static int dispatch(struct rfl_client *client, const struct rfl_reply *reply)
{
    if (reply->correlation == 0) {
        if (reply->kind != RFL_MSG_FEEDBACK || rfl_mailkeep_is_new(&client->mailkeep, &reply->feedback))
            return tell(client, 0, reply);
        client->counts.stray++;
        return 0;
    }
    if (reply->correlation == client->mailkeep.correlation)
        return rfl_mailkeep_answer(&client->mailkeep, reply) ? tell(client, 0, reply) : 0;
    if (reply->correlation == client->keep.correlation) {
        bool worth = rfl_keep_answer(&client->keep, reply);
        client->counts.subscribed += reply->kind == RFL_MSG_SUBSCRIBED;
        return worth ? tell(client, 0, reply) : 0;
    }
    struct rfl_flight_entry *entry = rfl_flight_find(&client->flight, reply->correlation);
    if (entry != NULL)
        return answer(client, entry, reply);
    client->counts.stray++;
    return 0;
}

/* Whole messages are taken, so that what follows a message of several frames is not read as part of it. */
static bool receive_one(struct rfl_client *client, bool *single_frame)
{
    *single_frame = true;
    for (;;) {
        if (zmq_msg_recv(&client->held, client->socket, ZMQ_DONTWAIT) == -1) {
            if (zmq_errno() != EAGAIN && zmq_errno() != EINTR)
                client->broken = true;
            return false;
        }
        if (!zmq_msg_more(&client->held))
            return true;
        *single_frame = false;
    }
}

/* Returns how many were heard; stops early when the blocking ask has its answer, whose views would not survive. */
static int receive_all(struct rfl_client *client)
{
    int heard = 0;
    for (unsigned i = 0; i < RECEIVE_MAX; i++) {
        bool single_frame;
        if (!receive_one(client, &single_frame))
            break;
        struct rfl_reply reply;
        struct rfl_view frame = { zmq_msg_data(&client->held), zmq_msg_size(&client->held) };
        rfl_arena_reset(&client->arena);
        if (!single_frame || rfl_wire_decode_reply(frame, &client->arena, &reply) != RFL_CODE_OK) {
            client->counts.malformed++;
            continue;
        }
        heard += dispatch(client, &reply);
        if (client->asking != 0 && client->answer == NULL)
            break;
    }
    return heard;
}

/* ---- waiting ---- */

static int wait_until(const struct rfl_client *client, int64_t until_ms, int64_t now_ms, bool *for_room)
{
    int64_t due_ms = next_due_ms(client);
    *for_room = due_ms <= now_ms;                       /* due, yet not sent: there is no room, or nobody there */
    if (!*for_room && due_ms < until_ms)
        until_ms = due_ms;
    if (*for_room && now_ms + RENEW_MS < until_ms)
        until_ms = now_ms + RENEW_MS;
    if (until_ms == INT64_MAX)
        return -1;
    int64_t wait_ms = until_ms - now_ms;
    return wait_ms <= 0 ? 0 : wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}

int rfl_client_wait_ms(const struct rfl_client *client)
{
    enum { LOOK_AGAIN_MS = 100 };
    bool for_room;
    int wait_ms = wait_until(client, INT64_MAX, boot_ms(), &for_room);
    if (for_room)                                       /* the caller polls for reading only */
        return LOOK_AGAIN_MS;
    return wait_ms < 0 ? INT_MAX : wait_ms;
}

static bool answered(const struct rfl_client *client)
{
    return client->asking != 0 && client->answer == NULL;
}

static bool given_up(const struct rfl_client *client)
{
    return client->asking != 0 && client->give_up && client->link.trouble != RFL_TROUBLE_NONE
        && client->link.trouble != RFL_TROUBLE_UNREACHABLE;
}

static int run(struct rfl_client *client, int64_t until_ms)
{
    assert(!client->in_heard);
    for (;;) {
        int64_t now_ms = boot_ms();
        rfl_link_look(&client->link);
        send_due(client, now_ms);
        int heard = receive_all(client);
        if (client->broken)
            return -1;
        now_ms = boot_ms();
        if (heard > 0 || answered(client) || now_ms >= until_ms || given_up(client))
            return heard;
        bool for_room;
        int wait_ms = wait_until(client, until_ms, now_ms, &for_room);
        zmq_pollitem_t items[] = { { .socket = client->socket, .events = ZMQ_POLLIN },
                                   { .socket = client->link.monitor, .events = ZMQ_POLLIN } };
        if (for_room)
            items[0].events |= ZMQ_POLLOUT;
        if (zmq_poll(items, 2, wait_ms) == -1)
            return zmq_errno() == EINTR ? 0 : -1;
    }
}

static int64_t until_ms_of(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : boot_ms() + timeout_ms;
}

int rfl_client_poll(struct rfl_client *client, int timeout_ms)
{
    return run(client, until_ms_of(timeout_ms));
}

enum rfl_err rfl_client_ask(struct rfl_client *client, const struct rfl_ask *ask, int timeout_ms,
                            struct rfl_reply *reply)
{
    assert(!client->in_heard);
    uint64_t correlation = 0;
    enum rfl_err err = send_ask(client, ask, 0, &correlation);
    if (err != RFL_E_OK)
        return err;
    client->asking = correlation;
    client->asking_until_ms = until_ms_of(timeout_ms);
    client->answer = reply;
    while (!answered(client) && boot_ms() < client->asking_until_ms && !client->broken && !given_up(client))
        if (run(client, client->asking_until_ms) == -1)
            break;
    err = answered(client) ? RFL_E_OK : RFL_E_IO;
    struct rfl_flight_entry *left = rfl_flight_find(&client->flight, correlation);
    if (left != NULL)
        rfl_flight_remove(&client->flight, left);
    client->asking = 0;
    client->answer = NULL;
    return err;
}

enum rfl_err rfl_client_send(struct rfl_client *client, const struct rfl_ask *ask, uint64_t tag)
{
    assert(tag != 0);
    uint64_t correlation;
    return send_ask(client, ask, tag, &correlation);
}

enum rfl_err rfl_client_subscribe(struct rfl_client *client, struct rfl_view worker, const struct rfl_view *queues,
                                  uint32_t queue_count, uint32_t credit)
{
    return rfl_keep_start(&client->keep, worker, queues, queue_count, credit);
}

enum rfl_err rfl_client_mailbox(struct rfl_client *client, struct rfl_view source, uint32_t credit)
{
    return rfl_mailkeep_start(&client->mailkeep, source, credit);
}

/* ---- submitting ---- */

static enum rfl_err submission(struct rfl_view source, struct rfl_view reference, const struct rfl_form *form,
                               struct rfl_ask *ask, uint8_t body[RFL_BODY_BYTES_MAX])
{
    size_t body_bytes = rfl_wire_encode_form(form, body, RFL_BODY_BYTES_MAX);
    if (body_bytes == 0)
        return RFL_E_INVALID;
    memset(ask, 0, sizeof *ask);
    ask->kind = RFL_MSG_SUBMIT;
    ask->source = source;
    ask->reference = reference;
    ask->referral = (struct rfl_view){ body, body_bytes };
    return RFL_E_OK;
}

enum rfl_err rfl_client_submit(struct rfl_client *client, struct rfl_view source, struct rfl_view reference,
                               const struct rfl_form *form, int timeout_ms, struct rfl_reply *reply)
{
    struct rfl_ask ask;
    uint8_t body[RFL_BODY_BYTES_MAX];
    enum rfl_err err = submission(source, reference, form, &ask, body);
    return err == RFL_E_OK ? rfl_client_ask(client, &ask, timeout_ms, reply) : err;
}

enum rfl_err rfl_client_submit_later(struct rfl_client *client, struct rfl_view source, struct rfl_view reference,
                                     const struct rfl_form *form, uint64_t tag)
{
    struct rfl_ask ask;
    uint8_t body[RFL_BODY_BYTES_MAX];
    enum rfl_err err = submission(source, reference, form, &ask, body);
    return err == RFL_E_OK ? rfl_client_send(client, &ask, tag) : err;
}
