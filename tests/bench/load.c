#include "load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

enum { SILENCE_MS = 30000, FIELD_RECEIPT = 11, FIELD_REFUSAL = 12 };

uint64_t load_now_ns(void)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_MONOTONIC, &t);
    assert(rc == 0);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static bool use_keys(void *socket, const struct rfl_identity *identity)
{
    return identity == NULL || (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, identity->server, RFL_Z85_CHARS + 1) == 0
        && zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, identity->public, RFL_Z85_CHARS + 1) == 0
        && zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, identity->secret, RFL_Z85_CHARS + 1) == 0);
}

static void *connect_dealer(void *context, const char *endpoint, const struct rfl_identity *identity)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int none = 0;                                       /* no linger; the windows bound what queues */
    if (socket == NULL)
        return NULL;
    if (zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) == -1
        || zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none) == -1
        || zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none) == -1 || !use_keys(socket, identity)
        || zmq_connect(socket, endpoint) == -1) {
        (void)zmq_close(socket);                        /* or the context would never end */
        return NULL;
    }
    return socket;
}

/* ---- producers ---- */

struct slot { uint64_t correlation, sent_ns; };         /* correlation 0: free */

struct producer {
    struct invent *invent;
    const struct load_submit *how;
    struct load_submitted *out;
    void *socket[LOAD_CONNECTIONS_MAX];
    struct slot slot[LOAD_IN_FLIGHT_MAX];               /* connection i has every connections-th, from i on */
    uint64_t next[LOAD_IN_FLIGHT_MAX];                  /* each slot's next correlation: slot + a multiple of all */
    uint32_t free_slot[LOAD_IN_FLIGHT_MAX], free_count;
    uint64_t mark_ns, end_ns, heard_ns, receipts_in_all;
};

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

/* The correlation of a reply and which message it is, without decoding the rest. False: not an Envelope. */
static bool read_head(const uint8_t *frame, size_t len, uint64_t *correlation, unsigned *field)
{
    const uint8_t *at = frame, *end = frame + len;
    uint64_t tag, value;
    *correlation = 0;
    *field = 0;
    while (at < end) {
        if (!read_varint(&at, end, &tag) || !read_varint(&at, end, &value))
            return false;
        if (tag == (2 << 3))
            *correlation = value;
        if ((tag & 7) == 0)
            continue;
        if ((tag & 7) != 2 || value > (uint64_t)(end - at))
            return false;
        *field = (unsigned)(tag >> 3);
        at += value;
    }
    return *field != 0;
}

static void send_next(struct producer *p, uint32_t slot)
{
    unsigned connection = slot % p->how->connections;
    uint64_t now_ns = load_now_ns();
    struct rfl_view frame = invent_next(p->invent, connection % INVENT_SOURCES, p->next[slot], now_ns);
    if (zmq_send(p->socket[connection], frame.p, frame.len, ZMQ_DONTWAIT) == -1) {
        p->free_slot[p->free_count++] = slot;           /* not connected yet: tried again in the next round */
        return;
    }
    p->slot[slot] = (struct slot){ p->next[slot], now_ns };
    p->next[slot] += p->how->in_flight;
    if (p->next[slot] >= INVENT_CORRELATION_END)
        p->next[slot] = INVENT_CORRELATION_FIRST + slot;
}

static uint8_t refusal_code(const uint8_t *bytes, size_t len)
{
    static _Thread_local uint8_t memory[RFL_ARENA_BYTES];
    struct rfl_arena arena;
    struct rfl_reply reply;
    rfl_arena_init(&arena, memory, sizeof memory);
    if (rfl_wire_decode_reply((struct rfl_view){ bytes, len }, &arena, &reply) != RFL_CODE_OK
        || reply.kind != RFL_MSG_REFUSAL)
        return RFL_CODE_PARSE;
    return reply.refusal.code;
}

static void take_answer(struct producer *p, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    uint64_t correlation;
    unsigned field;
    bool read = read_head(bytes, len, &correlation, &field);
    uint64_t slot = (correlation - INVENT_CORRELATION_FIRST) % p->how->in_flight;
    if (!read || correlation < INVENT_CORRELATION_FIRST || p->slot[slot].correlation != correlation) {
        p->out->strays++;
        return;
    }
    if (field == FIELD_RECEIPT) {
        p->receipts_in_all++;
        if (now_ns >= p->mark_ns && now_ns < p->end_ns) {
            p->out->receipts++;
            hist_add(&p->out->latency, now_ns - p->slot[slot].sent_ns);
        }
    } else {
        p->out->refused++;
        p->out->refusal = field == FIELD_REFUSAL ? refusal_code(bytes, len) : (uint8_t)RFL_CODE_PARSE;
    }
    p->slot[slot].correlation = 0;
    p->free_slot[p->free_count++] = (uint32_t)slot;
    p->heard_ns = now_ns;
}

static void take_answers(struct producer *p, void *socket)
{
    uint64_t now_ns = load_now_ns();
    zmq_msg_t msg;
    (void)zmq_msg_init(&msg);
    while (zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT) != -1)
        take_answer(p, zmq_msg_data(&msg), zmq_msg_size(&msg), now_ns);
    (void)zmq_msg_close(&msg);
}

static bool is_over(const struct producer *p, uint64_t now_ns)
{
    if (p->how->run_s > 0)
        return now_ns >= p->end_ns;
    return p->receipts_in_all + (p->how->in_flight - p->free_count) >= p->how->count;
}

static enum rfl_err produce(struct producer *p)
{
    zmq_pollitem_t item[LOAD_CONNECTIONS_MAX];
    for (unsigned i = 0; i < p->how->connections; i++)
        item[i] = (zmq_pollitem_t){ .socket = p->socket[i], .events = ZMQ_POLLIN };
    for (;;) {
        uint64_t now_ns = load_now_ns();
        uint32_t waiting = p->free_count;
        for (uint32_t i = 0; i < waiting && !is_over(p, now_ns); i++)
            send_next(p, p->free_slot[--p->free_count]);
        if (p->free_count == p->how->in_flight && is_over(p, now_ns))
            return RFL_E_OK;
        if (now_ns - p->heard_ns > SILENCE_MS * UINT64_C(1000000))
            return RFL_E_IO;
        if (zmq_poll(item, (int)p->how->connections, 1000) == -1)
            return RFL_E_IO;
        for (unsigned i = 0; i < p->how->connections; i++)
            if ((item[i].revents & ZMQ_POLLIN) != 0)
                take_answers(p, p->socket[i]);
    }
}

enum rfl_err load_submit(struct invent *invent, const struct load_submit *how, struct load_submitted *out)
{
    assert(how->connections >= 1 && how->connections <= LOAD_CONNECTIONS_MAX);
    assert(how->in_flight <= LOAD_IN_FLIGHT_MAX && how->in_flight % how->connections == 0 && how->in_flight > 0);
    enum rfl_err err = RFL_E_MEMORY;
    struct producer *p = calloc(1, sizeof *p);
    void *context = zmq_ctx_new();
    if (p == NULL || context == NULL)
        goto out;
    memset(out, 0, sizeof *out);
    p->invent = invent;
    p->how = how;
    p->out = out;
    err = RFL_E_IO;
    for (unsigned i = 0; i < how->connections; i++)
        if ((p->socket[i] = connect_dealer(context, how->endpoint, how->identity != NULL ? &how->identity[i] : NULL))
            == NULL)
            goto out;
    for (uint32_t i = 0; i < how->in_flight; i++) {
        p->next[i] = INVENT_CORRELATION_FIRST + i;
        p->free_slot[p->free_count++] = i;
    }
    p->heard_ns = load_now_ns();
    p->mark_ns = p->heard_ns + (uint64_t)(how->warm_s * 1e9);
    p->end_ns = how->run_s > 0 ? p->mark_ns + (uint64_t)(how->run_s * 1e9) : UINT64_MAX;
    err = produce(p);
    uint64_t end_ns = how->run_s > 0 ? p->end_ns : load_now_ns();
    out->run_s = (double)(end_ns - p->mark_ns) / 1e9;
out:
    for (unsigned i = 0; p != NULL && i < how->connections; i++)
        if (p->socket[i] != NULL)
            (void)zmq_close(p->socket[i]);
    if (context != NULL)
        (void)zmq_ctx_term(context);
    free(p);
    return err;
}

/* ---- workers ---- */

struct load_work {
    pthread_t thread;
    void *context, *socket[LOAD_WORKERS_MAX];
    unsigned workers;
    uint32_t credit, queue_count;
    struct rfl_view queue[RFL_QUEUES_PER_WORKER_MAX];
    uint8_t names[RFL_QUEUES_PER_WORKER_MAX][RFL_NAME_BYTES_MAX];
    atomic_bool stopping, marking;
    atomic_uint_fast64_t records;
    struct load_work_figures figures;
    uint8_t frame[RFL_MESSAGE_BYTES_MAX], memory[RFL_ARENA_BYTES];
    struct rfl_arena arena;
};

static bool work_ask(struct load_work *w, unsigned worker, struct rfl_ask *ask)
{
    static const char names[LOAD_WORKERS_MAX + 1] = "abcdefghijklmnop";
    ask->worker = (struct rfl_view){ (const uint8_t *)names + worker, 1 };
    ask->correlation = 1;
    size_t len = rfl_wire_encode_ask(ask, w->frame, sizeof w->frame);
    assert(len > 0);
    return zmq_send(w->socket[worker], w->frame, len, ZMQ_DONTWAIT) != -1;
}

static void take_work(struct load_work *w, unsigned worker, const struct rfl_reply *reply, struct rfl_ask *ask)
{
    if (reply->kind == RFL_MSG_OFFER) {
        w->figures.offers++;
        ask->kind = RFL_MSG_ACCEPT;
        ask->code = reply->offer.case_code;
        ask->token = reply->offer.token;
        (void)work_ask(w, worker, ask);
    } else if (reply->kind == RFL_MSG_RECORD) {
        if (reply->record.index + 1 < reply->record.total)
            return;
        atomic_fetch_add_explicit(&w->records, 1, memory_order_relaxed);
        w->figures.records++;
        uint64_t now_ns = load_now_ns(), stamp = invent_stamp_of(reply->record.referral);
        if (atomic_load_explicit(&w->marking, memory_order_relaxed) && stamp != 0 && stamp <= now_ns) {
            w->figures.marked_records++;
            hist_add(&w->figures.delivery, now_ns - stamp);
        }
    } else if (reply->kind == RFL_MSG_REFUSAL) {
        w->figures.refused++;
        w->figures.refusal = reply->refusal.code;
    }
}

static void take_messages(struct load_work *w, unsigned worker, struct rfl_ask *ask)
{
    zmq_msg_t msg;
    (void)zmq_msg_init(&msg);
    while (zmq_msg_recv(&msg, w->socket[worker], ZMQ_DONTWAIT) != -1) {
        struct rfl_reply reply;
        rfl_arena_reset(&w->arena);
        struct rfl_view frame = { zmq_msg_data(&msg), zmq_msg_size(&msg) };
        if (rfl_wire_decode_reply(frame, &w->arena, &reply) == RFL_CODE_OK)
            take_work(w, worker, &reply, ask);
        else
            w->figures.refused++;
    }
    (void)zmq_msg_close(&msg);
}

static void *work(void *arg)
{
    enum { PING_NS = 1000000000 };
    struct load_work *w = arg;
    struct rfl_ask *ask = calloc(1, sizeof *ask);
    assert(ask != NULL);
    zmq_pollitem_t item[LOAD_WORKERS_MAX];
    for (unsigned i = 0; i < w->workers; i++)
        item[i] = (zmq_pollitem_t){ .socket = w->socket[i], .events = ZMQ_POLLIN };
    uint64_t pinged_ns = load_now_ns();
    while (!atomic_load(&w->stopping)) {
        (void)zmq_poll(item, (int)w->workers, 50);
        for (unsigned i = 0; i < w->workers; i++)
            if ((item[i].revents & ZMQ_POLLIN) != 0)
                take_messages(w, i, ask);
        if (load_now_ns() - pinged_ns < PING_NS)
            continue;
        pinged_ns = load_now_ns();
        ask->kind = RFL_MSG_PING;
        for (unsigned i = 0; i < w->workers; i++)
            (void)work_ask(w, i, ask);
    }
    free(ask);
    return NULL;
}

static void work_close(struct load_work *w)
{
    for (unsigned i = 0; i < w->workers; i++)
        if (w->socket[i] != NULL)
            (void)zmq_close(w->socket[i]);
    if (w->context != NULL)
        (void)zmq_ctx_term(w->context);
    free(w);
}

static enum rfl_err work_connect(struct load_work *w, const char *endpoint)
{
    struct rfl_ask *ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        return RFL_E_MEMORY;
    ask->kind = RFL_MSG_SUBSCRIBE;
    ask->names = w->queue;
    ask->names_count = w->queue_count;
    ask->credit = w->credit;
    bool good = (w->context = zmq_ctx_new()) != NULL;
    for (unsigned i = 0; i < w->workers && good; i++) {
        w->socket[i] = connect_dealer(w->context, endpoint, NULL);
        good = w->socket[i] != NULL && work_ask(w, i, ask);
    }
    free(ask);
    return good ? RFL_E_OK : RFL_E_IO;
}

enum rfl_err load_work_start(const char *endpoint, unsigned workers, uint32_t credit, const struct rfl_view *queues,
                             uint32_t queue_count, struct load_work **out)
{
    assert(workers >= 1 && workers <= LOAD_WORKERS_MAX && queue_count <= RFL_QUEUES_PER_WORKER_MAX);
    struct load_work *w = calloc(1, sizeof *w);
    if (w == NULL)
        return RFL_E_MEMORY;
    w->workers = workers;
    w->credit = credit;
    w->queue_count = queue_count;
    rfl_arena_init(&w->arena, w->memory, sizeof w->memory);
    for (uint32_t i = 0; i < queue_count; i++) {
        assert(queues[i].len <= RFL_NAME_BYTES_MAX);
        memcpy(w->names[i], queues[i].p, queues[i].len);
        w->queue[i] = (struct rfl_view){ w->names[i], queues[i].len };
    }
    enum rfl_err err = work_connect(w, endpoint);
    if (err == RFL_E_OK && pthread_create(&w->thread, NULL, work, w) != 0)
        err = RFL_E_IO;
    if (err == RFL_E_OK)
        *out = w;
    else
        work_close(w);
    return err;
}

uint64_t load_work_records(const struct load_work *work)
{
    return atomic_load_explicit(&work->records, memory_order_relaxed);
}

void load_work_mark(struct load_work *work) { atomic_store(&work->marking, true); }

void load_work_stop(struct load_work **work, struct load_work_figures *out)
{
    atomic_store(&(*work)->stopping, true);
    int rc = pthread_join((*work)->thread, NULL);
    assert(rc == 0);
    if (out != NULL)
        *out = (*work)->figures;
    work_close(*work);
    *work = NULL;
}
