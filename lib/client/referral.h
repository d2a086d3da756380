/* referral.h: libreferral, for writers of adapters and intake workers.
 *
 * One client is one connection to one socket of referrald (doors, workers or admin). It reconnects by itself, and it
 * sends a Submit again, with the same reference and the same bytes, until a receipt or a final refusal comes: a
 * referral handed to it is delivered at least once and takes effect exactly once. It starts no thread of its own besides
 * the I/O thread of ZeroMQ, and calls back only from inside rfl_client_poll, on the thread that called it.
 *
 * Not thread-safe: one client, one thread. Strings are views; nothing given to a call is kept unless it says so.
 *
 *     struct rfl_client *c;
 *     err = rfl_client_new(&(struct rfl_client_options){ .endpoint = "tcp://127.0.0.1:5701" }, &c);
 *     err = rfl_client_submit(c, source, reference, &form, 30000, &reply);      blocks until receipted
 *     rfl_client_free(&c);
 */
#ifndef REFERRAL_H
#define REFERRAL_H

#include "rfl_message.h"
#include "rfl_wire.h"

struct rfl_client;

/* Every message that is not the answer to a blocking call. `ctx` is the options'. The reply's views are valid during
 * the call only. `tag` is what the asynchronous ask was sent with, 0 for what nobody asked (Offer, Feedback, Notice). */
typedef void rfl_client_heard(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply);

struct rfl_client_options {
    const char *endpoint;               /* such as "tcp://127.0.0.1:5701" or "ipc:///run/referrald/admin" */
    rfl_client_heard *heard;            /* may be NULL: then only blocking calls are useful */
    void *ctx;
    uint32_t resend_ms;                 /* first wait for an answer before asking again; doubles, with jitter, up to */
    uint32_t resend_max_ms;             /*   this. 0: 1 s and 30 s */
    uint32_t in_flight_max;             /* asks waiting for an answer; more are refused with RFL_E_FULL. 0: 4096 */
};

/* RFL_E_INVALID: no endpoint or one that ZeroMQ cannot use; RFL_E_MEMORY; RFL_E_IO: no socket (errno). */
RFL_MUST_USE enum rfl_err rfl_client_new(const struct rfl_client_options *options, struct rfl_client **out);
/* Drops what is in flight (it may or may not have taken effect: send it again with the same reference). */
void rfl_client_free(struct rfl_client **client);

/* Asks and waits for the answer, asking again as needed; asks that are safe to repeat are repeated (every one but the
 * worker verbs is; a worker verb that is repeated after its effect is answered FENCED or STATE, which the caller sees).
 * heard is called meanwhile for whatever else arrives. *reply's views are valid until the next call with this client.
 * RFL_E_FULL: too much in flight; RFL_E_IO: no answer within timeout_ms (its fate is unknown). */
RFL_MUST_USE enum rfl_err rfl_client_ask(struct rfl_client *client, const struct rfl_ask *ask, int timeout_ms,
                                         struct rfl_reply *reply);
/* Sends without waiting; the answer comes to `heard` with this tag (not 0) when polled. The bytes are copied and kept
 * until answered. */
RFL_MUST_USE enum rfl_err rfl_client_send(struct rfl_client *client, const struct rfl_ask *ask, uint64_t tag);
/* Receives what is there, resends what is due, and waits up to timeout_ms (0: not at all, -1: for ever) for something
 * to receive. Returns how many messages were heard; -1 on a broken context. */
int rfl_client_poll(struct rfl_client *client, int timeout_ms);
/* Asks waiting for an answer. */
uint32_t rfl_client_in_flight(const struct rfl_client *client);
/* For callers with a loop of their own: the ZeroMQ socket, to be polled for reading only. */
void *rfl_client_socket(struct rfl_client *client);

/* Encodes the form and submits it: rfl_client_ask with a Submit. *reply is a Receipt or a Refusal. */
RFL_MUST_USE enum rfl_err rfl_client_submit(struct rfl_client *client, struct rfl_view source,
                                            struct rfl_view reference, const struct rfl_form *form, int timeout_ms,
                                            struct rfl_reply *reply);
/* The same without waiting. */
RFL_MUST_USE enum rfl_err rfl_client_submit_later(struct rfl_client *client, struct rfl_view source,
                                                  struct rfl_view reference, const struct rfl_form *form,
                                                  uint64_t tag);
/* A view of a terminated string. */
struct rfl_view rfl_view_of(const char *text);

#endif
