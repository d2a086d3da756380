/* libreferral against a small ROUTER of our own, over real sockets: lost, late, repeated, wrong, oversize answers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "referral.h"
#include "rfl_flight.h"
#include "rfl_keep.h"

enum { PATIENCE_MS = 20000 };

static int64_t boot_ms(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the daemon's side ---- */

struct peer {
    char dir[64], endpoint[96];
    void *context, *router;
    uint8_t id[16];                             /* of who spoke last */
    int id_bytes;
    uint8_t frame[RFL_MESSAGE_BYTES_MAX], first[RFL_MESSAGE_BYTES_MAX];
    uint8_t *memory;
    struct rfl_arena arena;
    struct rfl_ask ask;                         /* what it said */
    size_t frame_bytes;
};

static void peer_bind(struct peer *p)
{
    p->router = zmq_socket(p->context, ZMQ_ROUTER);
    assert_non_null(p->router);
    assert_int_equal(zmq_setsockopt(p->router, ZMQ_LINGER, &(int){ 0 }, sizeof(int)), 0);
    assert_int_equal(zmq_setsockopt(p->router, ZMQ_ROUTER_MANDATORY, &(int){ 1 }, sizeof(int)), 0);
    assert_int_equal(zmq_bind(p->router, p->endpoint), 0);
}

/* Whether somebody still accepts connections at the peer's path. */
static bool is_listening(const struct peer *p)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/s", p->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(fd, -1);
    bool listening = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return listening;
}

/* libzmq closes in the background: until then a client would still be let in. */
static void peer_unbind(struct peer *p)
{
    assert_int_equal(zmq_close(p->router), 0);
    p->router = NULL;
    int64_t until_ms = boot_ms() + PATIENCE_MS;
    while (is_listening(p))
        assert_true(boot_ms() < until_ms);
}

static struct peer *peer_new(void)
{
    struct peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/rfl-client-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->endpoint, sizeof p->endpoint, "ipc://%s/s", p->dir);
    p->context = zmq_ctx_new();
    p->memory = malloc(RFL_ARENA_BYTES);
    assert_non_null(p->memory);
    rfl_arena_init(&p->arena, p->memory, RFL_ARENA_BYTES);
    peer_bind(p);
    return p;
}

static void peer_free(struct peer *p)
{
    if (p->router != NULL)
        peer_unbind(p);
    (void)zmq_ctx_term(p->context);
    char path[80];
    (void)snprintf(path, sizeof path, "%s/s", p->dir);
    (void)unlink(path);
    (void)rmdir(p->dir);
    free(p->memory);
    free(p);
}

static bool peer_has_ask(struct peer *p, int wait_ms)
{
    zmq_pollitem_t item = { .socket = p->router, .events = ZMQ_POLLIN };
    if (zmq_poll(&item, 1, wait_ms) <= 0)
        return false;
    p->id_bytes = zmq_recv(p->router, p->id, sizeof p->id, 0);
    assert_true(p->id_bytes > 0);
    int n = zmq_recv(p->router, p->frame, sizeof p->frame, 0);
    assert_true(n > 0);
    p->frame_bytes = (size_t)n;
    rfl_arena_reset(&p->arena);
    assert_int_equal(rfl_wire_decode_ask((struct rfl_view){ p->frame, p->frame_bytes }, &p->arena, &p->ask),
                     RFL_CODE_OK);
    return true;
}

static void peer_say_bytes(struct peer *p, const void *bytes, size_t len)
{
    assert_int_equal(zmq_send(p->router, p->id, (size_t)p->id_bytes, ZMQ_SNDMORE), p->id_bytes);
    assert_int_equal(zmq_send(p->router, bytes, len, 0), (int)len);
}

static void peer_say(struct peer *p, const struct rfl_reply *reply)
{
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    size_t len = rfl_wire_encode_reply(reply, frame, sizeof frame);
    assert_true(len > 0);
    peer_say_bytes(p, frame, len);
}

static struct rfl_reply receipt_for(const struct peer *p, const char *code)
{
    return (struct rfl_reply){ .kind = RFL_MSG_RECEIPT, .correlation = p->ask.correlation,
                               .receipt = { .receipt = rfl_view_of(code), .status = RFL_STATUS_QUEUED,
                                            .received_ms = 1, .epoch = 1, .log_sequence = 1 } };
}

static struct rfl_reply refusal_for(const struct peer *p, enum rfl_code code, uint32_t retry_after_ms)
{
    return (struct rfl_reply){ .kind = RFL_MSG_REFUSAL, .correlation = p->ask.correlation,
                               .refusal = { .code = (uint8_t)code, .retry_after_ms = retry_after_ms } };
}

/* ---- the client's side ---- */

struct heard { unsigned count; uint64_t tag[64]; uint8_t kind[64]; char receipt[64][16]; uint8_t code[64]; };

static void hear(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    (void)client;
    struct heard *h = ctx;
    assert_true(h->count < 64);
    unsigned i = h->count++;
    h->tag[i] = tag;
    h->kind[i] = reply->kind;
    if (reply->kind == RFL_MSG_RECEIPT)
        (void)snprintf(h->receipt[i], sizeof h->receipt[i], "%.*s", (int)reply->receipt.receipt.len,
                       (const char *)reply->receipt.receipt.p);
    if (reply->kind == RFL_MSG_REFUSAL)
        h->code[i] = reply->refusal.code;
}

static struct rfl_client *client_of(const struct peer *p, struct heard *h, uint32_t resend_ms)
{
    struct rfl_client *client = NULL;
    struct rfl_client_options options = { .endpoint = p->endpoint, .heard = hear, .ctx = h, .resend_ms = resend_ms,
                                          .in_flight_max = 40, .ping_ms = 40 };
    assert_int_equal(rfl_client_new(&options, &client), RFL_E_OK);
    return client;
}

static struct rfl_form invented(void)
{
    return (struct rfl_form){ .door = RFL_DOOR_GP, .consent = RFL_CONSENT_GIVEN, .name = rfl_view_of("Ann Example"),
                              .date_of_birth = rfl_view_of("1980-02-29") };
}

static void submit(struct rfl_client *client, const char *reference, uint64_t tag)
{
    struct rfl_form form = invented();
    assert_int_equal(rfl_client_submit_later(client, rfl_view_of("test-gp"), rfl_view_of(reference), &form, tag),
                     RFL_E_OK);
}

static void next_ask(struct peer *p, struct rfl_client *client)
{
    int64_t until_ms = boot_ms() + PATIENCE_MS;
    do {
        assert_int_not_equal(rfl_client_poll(client, 0), -1);
        if (peer_has_ask(p, 2))
            return;
    } while (boot_ms() < until_ms);
    fail_msg("the client said nothing");
}

static void hear_until(struct rfl_client *client, const struct heard *h, unsigned count)
{
    int64_t until_ms = boot_ms() + PATIENCE_MS;
    while (h->count < count && boot_ms() < until_ms)
        assert_int_not_equal(rfl_client_poll(client, 20), -1);
    assert_int_equal(h->count, count);
}

/* ---- submissions ---- */

static void receipt_comes_with_its_tag(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    submit(client, "r-1", 71);
    submit(client, "r-2", 72);
    assert_int_equal(rfl_client_in_flight(client), 2);
    next_ask(p, client);
    struct rfl_reply first = receipt_for(p, "WW-0000-0001");
    next_ask(p, client);
    assert_int_equal(p->ask.kind, RFL_MSG_SUBMIT);
    assert_memory_equal(p->ask.reference.p, "r-2", 3);
    assert_int_equal(p->ask.findings.errors, 0);
    struct rfl_reply second = receipt_for(p, "WW-0000-0002");
    assert_int_not_equal(first.correlation, second.correlation);
    peer_say(p, &second);                       /* in any order */
    peer_say(p, &first);
    hear_until(client, &h, 2);
    assert_int_equal(h.tag[0], 72);
    assert_string_equal(h.receipt[0], "WW-0000-0002");
    assert_int_equal(h.tag[1], 71);
    assert_string_equal(h.receipt[1], "WW-0000-0001");
    assert_int_equal(rfl_client_in_flight(client), 0);
    assert_int_equal(rfl_client_counts(client)->resent, 0);
    rfl_client_free(&client);
    assert_null(client);
    peer_free(p);
}

static void lost_answer_is_asked_for_with_the_same_bytes(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 20);
    submit(client, "r-1", 5);
    next_ask(p, client);
    size_t first_bytes = p->frame_bytes;
    memcpy(p->first, p->frame, first_bytes);
    for (unsigned i = 0; i < 3; i++) {          /* answered by silence */
        next_ask(p, client);
        assert_int_equal(p->frame_bytes, first_bytes);
        assert_memory_equal(p->frame, p->first, first_bytes);
    }
    struct rfl_reply reply = receipt_for(p, "WW-0000-0001");
    peer_say(p, &reply);
    hear_until(client, &h, 1);
    assert_int_equal(h.tag[0], 5);
    assert_true(rfl_client_counts(client)->resent >= 3);
    rfl_client_free(&client);
    peer_free(p);
}

static void repeated_and_unknown_answers_are_dropped_and_counted(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    submit(client, "r-1", 1);
    next_ask(p, client);
    struct rfl_reply reply = receipt_for(p, "WW-0000-0001"), alien = reply;
    alien.correlation += 1000;
    peer_say(p, &alien);
    peer_say(p, &reply);
    peer_say(p, &reply);
    peer_say(p, &reply);
    submit(client, "r-2", 2);                   /* what follows is still understood */
    next_ask(p, client);
    reply = receipt_for(p, "WW-0000-0002");
    peer_say(p, &reply);
    hear_until(client, &h, 2);
    assert_string_equal(h.receipt[0], "WW-0000-0001");
    assert_string_equal(h.receipt[1], "WW-0000-0002");
    assert_int_equal(rfl_client_counts(client)->stray, 3);
    assert_int_equal(rfl_client_counts(client)->answered, 2);
    rfl_client_free(&client);
    peer_free(p);
}

static void busy_is_met_by_asking_again_and_no_sooner_than_told(void **state)
{
    (void)state;
    static const enum rfl_code codes[] = { RFL_CODE_BUSY, RFL_CODE_STORE_FULL, RFL_CODE_DRAINING,
                                           RFL_CODE_UNKNOWN_OUTCOME };
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 10);
    submit(client, "r-1", 9);
    next_ask(p, client);
    for (unsigned i = 0; i < 4; i++) {
        while (peer_has_ask(p, 0))              /* more than one may have been sent while nobody looked */
            ;
        struct rfl_reply reply = refusal_for(p, codes[i], 50);
        peer_say(p, &reply);
        int64_t said_ms = boot_ms();
        while (rfl_client_counts(client)->retried == i) {
            assert_int_equal(rfl_client_poll(client, 1), 0);
            assert_true(boot_ms() < said_ms + PATIENCE_MS);
        }
        while (peer_has_ask(p, 20))             /* sent before it heard; it sends nothing while nobody polls it */
            ;
        next_ask(p, client);
        assert_true(boot_ms() - said_ms >= 50);
    }
    assert_int_equal(h.count, 0);
    struct rfl_reply reply = receipt_for(p, "WW-0000-0001");
    peer_say(p, &reply);
    hear_until(client, &h, 1);
    assert_int_equal(h.kind[0], RFL_MSG_RECEIPT);
    rfl_client_free(&client);
    peer_free(p);
}

static void final_refusal_is_heard_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    unsigned heard = 0;
    for (unsigned code = 1; code < RFL_CODE_COUNT; code++) {
        if (rfl_code_retryable((enum rfl_code)code))
            continue;
        submit(client, "r-1", code);
        next_ask(p, client);
        struct rfl_reply reply = refusal_for(p, (enum rfl_code)code, 0);
        struct rfl_finding finding = { rfl_view_of("person.name"), rfl_view_of("required"), rfl_view_of("rule"),
                                       rfl_view_of("remedy"), RFL_SEVERITY_ERROR };
        reply.refusal.findings = &finding;
        reply.refusal.findings_count = 1;
        peer_say(p, &reply);
        hear_until(client, &h, ++heard);
        assert_int_equal(h.kind[heard - 1], RFL_MSG_REFUSAL);
        assert_int_equal(h.code[heard - 1], code);
        assert_int_equal(h.tag[heard - 1], code);
    }
    assert_true(heard >= 12);
    assert_int_equal(rfl_client_counts(client)->sent, heard);
    rfl_client_free(&client);
    peer_free(p);
}

static void broken_and_several_frames_are_dropped_and_counted(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    submit(client, "r-1", 3);
    next_ask(p, client);
    peer_say_bytes(p, "\xff\xff\xff", 3);
    peer_say_bytes(p, "", 0);
    struct rfl_reply reply = receipt_for(p, "WW-0000-0001");
    uint8_t frame[512];
    size_t len = rfl_wire_encode_reply(&reply, frame, sizeof frame);
    assert_int_equal(zmq_send(p->router, p->id, (size_t)p->id_bytes, ZMQ_SNDMORE), p->id_bytes);
    assert_int_equal(zmq_send(p->router, "first", 5, ZMQ_SNDMORE), 5);
    assert_int_equal(zmq_send(p->router, frame, len, 0), (int)len);     /* right, but not the only frame */
    int64_t until_ms = boot_ms() + PATIENCE_MS;
    while (rfl_client_counts(client)->malformed < 3 && boot_ms() < until_ms)
        assert_int_equal(rfl_client_poll(client, 20), 0);
    assert_int_equal(rfl_client_counts(client)->malformed, 3);
    assert_int_equal(rfl_client_in_flight(client), 1);
    peer_say(p, &reply);
    hear_until(client, &h, 1);
    assert_int_equal(h.tag[0], 3);
    rfl_client_free(&client);
    peer_free(p);
}

static void oversize_answer_costs_the_connection_and_nothing_else(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 20);
    submit(client, "r-1", 3);
    next_ask(p, client);
    int old_id_bytes = p->id_bytes;
    uint8_t old_id[16];
    memcpy(old_id, p->id, sizeof old_id);
    static uint8_t big[RFL_MESSAGE_BYTES_MAX + 1];
    peer_say_bytes(p, big, sizeof big);
    int64_t until_ms = boot_ms() + PATIENCE_MS;
    do {
        next_ask(p, client);                    /* asked again over a new connection */
        assert_true(boot_ms() < until_ms);
    } while (p->id_bytes == old_id_bytes && memcmp(p->id, old_id, (size_t)old_id_bytes) == 0);
    struct rfl_reply reply = receipt_for(p, "WW-0000-0001");
    peer_say(p, &reply);
    hear_until(client, &h, 1);
    assert_string_equal(h.receipt[0], "WW-0000-0001");
    rfl_client_free(&client);
    peer_free(p);
}

static void ask_that_does_not_fit_or_is_one_too_many_is_refused_here(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    static uint8_t big[RFL_MESSAGE_BYTES_MAX];
    memset(big, 'x', sizeof big);
    struct rfl_ask ask = { .kind = RFL_MSG_SUBMIT, .source = rfl_view_of("test-gp"), .reference = rfl_view_of("r"),
                           .referral = { big, sizeof big } };
    assert_int_equal(rfl_client_send(client, &ask, 1), RFL_E_INVALID);
    struct rfl_form form = invented();
    form.reason = (struct rfl_view){ big, sizeof big };
    assert_int_equal(rfl_client_submit_later(client, ask.source, ask.reference, &form, 1), RFL_E_INVALID);
    assert_int_equal(rfl_client_in_flight(client), 0);
    for (unsigned i = 0; i < 40; i++)
        submit(client, "r-1", i + 1);
    form = invented();
    assert_int_equal(rfl_client_submit_later(client, ask.source, ask.reference, &form, 99), RFL_E_FULL);
    assert_int_equal(rfl_client_in_flight(client), 40);
    rfl_client_free(&client);
    peer_free(p);
}

static void nobody_there_is_waited_for(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_unbind(p);
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);    /* so long that only the first sending can succeed */
    submit(client, "r-1", 8);
    assert_int_equal(rfl_client_poll(client, 30), 0);
    assert_int_equal(rfl_client_counts(client)->sent, 0);
    assert_true(rfl_client_wait_ms(client) <= 1000);
    peer_bind(p);
    next_ask(p, client);
    assert_int_equal(rfl_client_counts(client)->sent, 1);
    struct rfl_reply reply = receipt_for(p, "WW-0000-0001");
    peer_say(p, &reply);
    hear_until(client, &h, 1);
    rfl_client_free(&client);
    peer_free(p);
}

static void endpoints_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct rfl_client *client = NULL;
    assert_int_equal(rfl_client_new(&(struct rfl_client_options){ .endpoint = NULL }, &client), RFL_E_INVALID);
    assert_int_equal(rfl_client_new(&(struct rfl_client_options){ .endpoint = "nowhere" }, &client), RFL_E_INVALID);
    assert_int_equal(rfl_client_new(&(struct rfl_client_options){ .endpoint = "tcp://" }, &client), RFL_E_INVALID);
    assert_null(client);
    rfl_client_free(&client);
}

/* ---- blocking ---- */

struct script { struct peer *peer; unsigned asks, busy_first; uint32_t retry_ms; bool feedback, records, silent; };

static void *serve(void *arg)
{
    struct script *s = arg;
    int64_t until_ms = boot_ms() + PATIENCE_MS;
    for (unsigned i = 0; i < s->asks && boot_ms() < until_ms;) {
        if (!peer_has_ask(s->peer, 20))
            continue;
        i++;
        if (s->silent)
            continue;
        struct rfl_reply reply = receipt_for(s->peer, "WW-0000-0001");
        if (i <= s->busy_first)
            reply = refusal_for(s->peer, RFL_CODE_BUSY, s->retry_ms);
        else if (s->feedback)
            peer_say(s->peer, &(struct rfl_reply){ .kind = RFL_MSG_FEEDBACK,
                     .feedback = { .source = rfl_view_of("test-gp"), .receipt = rfl_view_of("WW-0000-0009"),
                                   .word = rfl_view_of("received"), .sequence = 4, .at_ms = 1 } });
        for (uint32_t n = 0; s->records && n < 3; n++) {
            reply = (struct rfl_reply){ .kind = RFL_MSG_RECORD, .correlation = s->peer->ask.correlation,
                    .record = { .case_code = rfl_view_of("WC-0000-0001"), .receipt = rfl_view_of("WW-0000-0001"),
                                .token = { 1, 1 }, .index = n, .total = 3, .door = RFL_DOOR_GP,
                                .referral = s->peer->ask.worker } };
            if (n < 2)
                peer_say(s->peer, &reply);
        }
        peer_say(s->peer, &reply);
    }
    return NULL;
}

static void blocking_ask_hears_the_rest_meanwhile(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 5000);
    struct script script = { .peer = p, .asks = 3, .busy_first = 2, .retry_ms = 5, .feedback = true };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &script), 0);
    struct rfl_form form = invented();
    struct rfl_reply reply;
    assert_int_equal(rfl_client_submit(client, rfl_view_of("test-gp"), rfl_view_of("r-1"), &form, PATIENCE_MS, &reply),
                     RFL_E_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    assert_memory_equal(reply.receipt.receipt.p, "WW-0000-0001", 12);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.kind[0], RFL_MSG_FEEDBACK);
    assert_int_equal(h.tag[0], 0);
    assert_int_equal(rfl_client_counts(client)->retried, 2);
    assert_int_equal(rfl_client_in_flight(client), 0);
    rfl_client_free(&client);
    peer_free(p);
}

static void every_record_of_a_case_is_heard(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 5000);
    struct script script = { .peer = p, .asks = 1, .records = true };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &script), 0);
    struct rfl_ask ask = { .kind = RFL_MSG_ACCEPT, .worker = rfl_view_of("w"), .code = rfl_view_of("WC-0000-0001"),
                           .token = { 1, 1 } };
    struct rfl_reply reply;
    assert_int_equal(rfl_client_ask(client, &ask, PATIENCE_MS, &reply), RFL_E_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reply.kind, RFL_MSG_RECORD);
    assert_int_equal(reply.record.index, 2);
    assert_int_equal(h.count, 2);
    assert_int_equal(h.kind[0], RFL_MSG_RECORD);
    assert_int_equal(rfl_client_in_flight(client), 0);
    rfl_client_free(&client);
    peer_free(p);
}

static void silence_ends_with_the_time_given(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 10);
    struct script script = { .peer = p, .asks = 3, .silent = true };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &script), 0);
    struct rfl_form form = invented();
    struct rfl_reply reply;
    assert_int_equal(rfl_client_submit(client, rfl_view_of("test-gp"), rfl_view_of("r-1"), &form, 400, &reply),
                     RFL_E_IO);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(rfl_client_counts(client)->resent >= 2);
    assert_int_equal(rfl_client_in_flight(client), 0);
    struct rfl_reply late = receipt_for(p, "WW-0000-0001");
    peer_say(p, &late);                         /* too late: nobody asks any more */
    int64_t until_ms = boot_ms() + PATIENCE_MS;
    while (rfl_client_counts(client)->stray == 0 && boot_ms() < until_ms)
        assert_int_equal(rfl_client_poll(client, 20), 0);
    assert_int_equal(rfl_client_counts(client)->stray, 1);
    assert_int_equal(h.count, 0);
    rfl_client_free(&client);
    peer_free(p);
}

static void busy_is_the_answer_when_no_time_is_left(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    struct script script = { .peer = p, .asks = 1, .busy_first = 1, .retry_ms = 10 * PATIENCE_MS };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &script), 0);
    struct rfl_form form = invented();
    struct rfl_reply reply;
    assert_int_equal(rfl_client_submit(client, rfl_view_of("test-gp"), rfl_view_of("r-1"), &form, PATIENCE_MS, &reply),
                     RFL_E_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reply.kind, RFL_MSG_REFUSAL);
    assert_int_equal(reply.refusal.code, RFL_CODE_BUSY);
    assert_int_equal(rfl_client_in_flight(client), 0);
    rfl_client_free(&client);
    peer_free(p);
}

/* ---- a kept subscription ---- */

static void subscribe(struct rfl_client *client)
{
    const struct rfl_view queues[] = { rfl_view_of("a/b"), rfl_view_of("c/triage") };
    assert_int_equal(rfl_client_subscribe(client, rfl_view_of("w-1"), queues, 2, 16), RFL_E_OK);
}

static void expect_subscribe(struct peer *p, struct rfl_client *client)
{
    next_ask(p, client);
    assert_int_equal(p->ask.kind, RFL_MSG_SUBSCRIBE);
    assert_int_equal(p->ask.credit, 16);
    assert_int_equal(p->ask.names_count, 2);
    assert_int_equal(p->ask.worker.len, 3);
    assert_memory_equal(p->ask.names[1].p, "c/triage", 8);
}

static void say_subscribed(struct peer *p)
{
    peer_say(p, &(struct rfl_reply){ .kind = RFL_MSG_SUBSCRIBED, .correlation = p->ask.correlation,
                                     .subscribed = { .queues = 2, .credit = 16 } });
}

static void unanswered_ping_makes_it_subscribe_again(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    subscribe(client);
    expect_subscribe(p, client);
    say_subscribed(p);
    hear_until(client, &h, 1);
    assert_int_equal(h.kind[0], RFL_MSG_SUBSCRIBED);
    assert_int_equal(h.tag[0], 0);
    for (unsigned i = 0; i < 3; i++) {
        next_ask(p, client);
        assert_int_equal(p->ask.kind, RFL_MSG_PING);
        peer_say(p, &(struct rfl_reply){ .kind = RFL_MSG_PONG, .correlation = p->ask.correlation });
        int64_t until_ms = boot_ms() + PATIENCE_MS;
        while (rfl_client_wait_ms(client) == 0 && boot_ms() < until_ms)
            assert_int_equal(rfl_client_poll(client, 1), 0);
    }
    assert_int_equal(h.count, 1);               /* a Pong is between the two of them */
    next_ask(p, client);
    while (p->ask.kind == RFL_MSG_PING)         /* this one stays without an answer */
        next_ask(p, client);
    assert_int_equal(p->ask.kind, RFL_MSG_SUBSCRIBE);
    expect_subscribe(p, client);                /* and so does that: it goes on trying */
    say_subscribed(p);
    hear_until(client, &h, 2);
    assert_int_equal(rfl_client_counts(client)->subscribed, 2);
    rfl_client_free(&client);
    peer_free(p);
}

static void verb_refused_for_want_of_a_subscription_is_sent_after_it(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 20);
    subscribe(client);
    expect_subscribe(p, client);
    say_subscribed(p);
    hear_until(client, &h, 1);
    struct rfl_ask ask = { .kind = RFL_MSG_TOUCH, .worker = rfl_view_of("w-1"), .code = rfl_view_of("WC-0000-0001"),
                           .token = { 1, 1 } };
    assert_int_equal(rfl_client_send(client, &ask, 44), RFL_E_OK);
    do
        next_ask(p, client);
    while (p->ask.kind != RFL_MSG_TOUCH);
    struct rfl_reply reply = refusal_for(p, RFL_CODE_NOT_SUBSCRIBED, 0);
    peer_say(p, &reply);
    do
        next_ask(p, client);
    while (p->ask.kind != RFL_MSG_SUBSCRIBE);
    say_subscribed(p);
    do
        next_ask(p, client);
    while (p->ask.kind != RFL_MSG_TOUCH);
    peer_say(p, &(struct rfl_reply){ .kind = RFL_MSG_DONE, .correlation = p->ask.correlation,
             .done = { .case_code = rfl_view_of("WC-0000-0001"), .token = { 1, 1 }, .status = RFL_STATUS_OFFERED } });
    hear_until(client, &h, 3);
    assert_int_equal(h.kind[2], RFL_MSG_DONE);
    assert_int_equal(h.tag[2], 44);
    rfl_client_free(&client);
    peer_free(p);
}

static void final_refusal_or_goodbye_ends_the_keeping(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    subscribe(client);
    expect_subscribe(p, client);
    struct rfl_reply reply = refusal_for(p, RFL_CODE_UNKNOWN_QUEUE, 0);
    peer_say(p, &reply);
    hear_until(client, &h, 1);
    assert_int_equal(h.code[0], RFL_CODE_UNKNOWN_QUEUE);
    assert_true(rfl_client_wait_ms(client) > 1000000);
    subscribe(client);
    expect_subscribe(p, client);
    say_subscribed(p);
    hear_until(client, &h, 2);
    struct rfl_ask bye = { .kind = RFL_MSG_GOODBYE, .worker = rfl_view_of("w-1") };
    assert_int_equal(rfl_client_send(client, &bye, 1), RFL_E_OK);
    do
        next_ask(p, client);
    while (p->ask.kind == RFL_MSG_PING);        /* one may have been on its way */
    assert_int_equal(p->ask.kind, RFL_MSG_GOODBYE);
    peer_say(p, &(struct rfl_reply){ .kind = RFL_MSG_BYE, .correlation = p->ask.correlation });
    hear_until(client, &h, 3);
    assert_true(rfl_client_wait_ms(client) > 1000000);
    rfl_client_free(&client);
    peer_free(p);
}

static void wrong_subscriptions_are_refused_here(void **state)
{
    (void)state;
    static uint8_t name[RFL_NAME_BYTES_MAX + 1];
    memset(name, 'x', sizeof name);
    const struct rfl_view longest = { name, RFL_NAME_BYTES_MAX }, longer = { name, RFL_NAME_BYTES_MAX + 1 };
    const struct rfl_view none = { NULL, 0 };
    struct rfl_keep keep = { .ping_ms = 7 };
    assert_int_equal(rfl_keep_start(&keep, longer, &longest, 1, 1), RFL_E_INVALID);
    assert_int_equal(rfl_keep_start(&keep, none, &longest, 1, 1), RFL_E_INVALID);
    assert_int_equal(rfl_keep_start(&keep, longest, &longer, 1, 1), RFL_E_INVALID);
    assert_int_equal(rfl_keep_start(&keep, longest, &longest, 0, 1), RFL_E_INVALID);
    assert_int_equal(rfl_keep_start(&keep, longest, &longest, 1, 0), RFL_E_INVALID);
    assert_int_equal(rfl_keep_start(&keep, longest, &longest, 1, RFL_CREDIT_MAX + 1), RFL_E_INVALID);
    assert_int_equal(rfl_keep_start(&keep, longest, &longest, RFL_QUEUES_PER_WORKER_MAX + 1, 1), RFL_E_INVALID);
    assert_false(keep.on);
    assert_true(rfl_keep_due_ms(&keep) == INT64_MAX);
    static struct rfl_view every[RFL_QUEUES_PER_WORKER_MAX];
    for (unsigned i = 0; i < RFL_QUEUES_PER_WORKER_MAX; i++)
        every[i] = longest;
    assert_int_equal(rfl_keep_start(&keep, longest, every, RFL_QUEUES_PER_WORKER_MAX, RFL_CREDIT_MAX), RFL_E_OK);
    struct rfl_ask ask;
    rfl_keep_ask(&keep, RFL_MSG_SUBSCRIBE, &ask);
    static uint8_t frame[RFL_MESSAGE_BYTES_MAX];
    assert_true(rfl_wire_encode_ask(&ask, frame, sizeof frame) > 0);    /* the longest there is fits a frame */
    rfl_keep_stop(&keep);
}

/* ---- a kept mailbox ---- */

static void say_feedback(struct peer *p, uint64_t sequence)
{
    peer_say(p, &(struct rfl_reply){ .kind = RFL_MSG_FEEDBACK,
             .feedback = { .source = rfl_view_of("test-gp"), .receipt = rfl_view_of("WW-0000-0009"),
                           .word = rfl_view_of("started"), .sequence = sequence, .at_ms = 1 } });
}

static void expect_open(struct peer *p, struct rfl_client *client, uint64_t after)
{
    int64_t until_ms = boot_ms() + PATIENCE_MS;
    do {
        next_ask(p, client);                    /* some may have been sent before the feedback was heard */
        assert_int_equal(p->ask.kind, RFL_MSG_MAILBOX_OPEN);
        assert_int_equal(p->ask.credit, 10);
        assert_memory_equal(p->ask.source.p, "test-gp", 7);
        assert_true(boot_ms() < until_ms);
    } while (p->ask.after_sequence != after);
}

static void mailbox_is_opened_again_after_what_was_heard(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct heard h = { 0 };
    struct rfl_client *client = client_of(p, &h, 60000);
    assert_int_equal(rfl_client_mailbox(client, rfl_view_of(""), 10), RFL_E_INVALID);
    assert_int_equal(rfl_client_mailbox(client, rfl_view_of("test-gp"), 0), RFL_E_INVALID);
    assert_int_equal(rfl_client_mailbox(client, rfl_view_of("test-gp"), 10), RFL_E_OK);
    expect_open(p, client, 0);
    peer_say(p, &(struct rfl_reply){ .kind = RFL_MSG_MAILBOX_OPENED, .correlation = p->ask.correlation,
                                     .mailbox_opened = { .acknowledged = 3, .last = 5 } });
    say_feedback(p, 4);
    say_feedback(p, 5);
    say_feedback(p, 4);                         /* repeated: not heard again */
    say_feedback(p, 5);
    hear_until(client, &h, 3);
    assert_int_equal(h.kind[0], RFL_MSG_MAILBOX_OPENED);
    assert_int_equal(h.kind[2], RFL_MSG_FEEDBACK);
    expect_open(p, client, 5);                  /* whoever it reaches now goes on from there */
    assert_int_equal(rfl_client_counts(client)->stray, 2);
    assert_int_equal(h.count, 3);
    struct rfl_reply reply = refusal_for(p, RFL_CODE_BUSY, 5);
    peer_say(p, &reply);
    expect_open(p, client, 5);
    assert_int_equal(h.count, 3);
    reply = refusal_for(p, RFL_CODE_UNKNOWN_SOURCE, 0);
    peer_say(p, &reply);
    hear_until(client, &h, 4);
    assert_int_equal(h.code[3], RFL_CODE_UNKNOWN_SOURCE);
    assert_true(rfl_client_wait_ms(client) > 1000000);
    rfl_client_free(&client);
    peer_free(p);
}

/* ---- the table ---- */

static bool count_due(void *ctx, struct rfl_flight_entry *entry)
{
    unsigned *seen = ctx;
    seen[entry->tag]++;
    return true;
}

/* Adds and removes in an order without plan, with long-lived entries that later correlations collide with, against a
 * plain list of what must be there. */
static void table_holds_what_was_added_and_not_removed(void **state)
{
    (void)state;
    enum { MAX = 24, STEPS = 20000 };
    struct rfl_flight flight;
    assert_int_equal(rfl_flight_init(&flight, MAX), RFL_E_OK);
    uint64_t there[MAX] = { 0 }, luck = 88172645463325252u;
    unsigned count = 0, refused = 0;
    for (uint64_t step = 1; step <= STEPS; step++) {
        luck ^= luck << 13;
        luck ^= luck >> 7;
        luck ^= luck << 17;
        unsigned at = (unsigned)(luck % MAX);
        bool is_add = (luck >> 32) % 100 < 55;
        struct rfl_flight_entry *entry = NULL;
        struct rfl_view frame = { (const uint8_t *)&step, sizeof step };
        if (is_add && count == MAX) {
            assert_int_equal(rfl_flight_add(&flight, step, frame, 0, &entry), RFL_E_FULL);
            refused++;
        } else if (is_add) {
            while (there[at] != 0)
                at = (at + 1) % MAX;
            assert_int_equal(rfl_flight_add(&flight, step, frame, (int64_t)step, &entry), RFL_E_OK);
            entry->tag = at;
            there[at] = step;
            count++;
        } else if (there[at] != 0) {
            rfl_flight_remove(&flight, rfl_flight_find(&flight, there[at]));
            assert_null(rfl_flight_find(&flight, there[at]));
            there[at] = 0;
            count--;
        }
        assert_int_equal(flight.count, count);
        for (unsigned i = 0; i < MAX; i++) {
            entry = rfl_flight_find(&flight, there[i]);
            assert_true((entry != NULL) == (there[i] != 0));
            assert_true(entry == NULL || (entry->tag == i && memcmp(entry->frame, &there[i], 8) == 0));
        }
    }
    assert_true(refused > 0);
    unsigned seen[MAX] = { 0 };
    rfl_flight_each_due(&flight, STEPS, count_due, seen);
    for (unsigned i = 0; i < MAX; i++)
        assert_int_equal(seen[i], there[i] != 0);
    rfl_flight_fini(&flight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receipt_comes_with_its_tag),
        cmocka_unit_test(lost_answer_is_asked_for_with_the_same_bytes),
        cmocka_unit_test(repeated_and_unknown_answers_are_dropped_and_counted),
        cmocka_unit_test(busy_is_met_by_asking_again_and_no_sooner_than_told),
        cmocka_unit_test(final_refusal_is_heard_at_once),
        cmocka_unit_test(broken_and_several_frames_are_dropped_and_counted),
        cmocka_unit_test(oversize_answer_costs_the_connection_and_nothing_else),
        cmocka_unit_test(ask_that_does_not_fit_or_is_one_too_many_is_refused_here),
        cmocka_unit_test(nobody_there_is_waited_for),
        cmocka_unit_test(endpoints_that_cannot_be_are_refused),
        cmocka_unit_test(blocking_ask_hears_the_rest_meanwhile),
        cmocka_unit_test(every_record_of_a_case_is_heard),
        cmocka_unit_test(silence_ends_with_the_time_given),
        cmocka_unit_test(busy_is_the_answer_when_no_time_is_left),
        cmocka_unit_test(unanswered_ping_makes_it_subscribe_again),
        cmocka_unit_test(verb_refused_for_want_of_a_subscription_is_sent_after_it),
        cmocka_unit_test(final_refusal_or_goodbye_ends_the_keeping),
        cmocka_unit_test(wrong_subscriptions_are_refused_here),
        cmocka_unit_test(mailbox_is_opened_again_after_what_was_heard),
        cmocka_unit_test(table_holds_what_was_added_and_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
