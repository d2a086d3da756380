/* referral.h: libreferral, for writers of adapters and intake workers.
 *
 * One client is one connection to one socket of referrald (doors, workers or admin). It reconnects by itself, and it
 * sends a Submit again, with the same reference and the same bytes, until a receipt or a final refusal comes: a
 * referral handed to it is delivered at least once and takes effect exactly once. It starts no thread besides the I/O
 * thread of ZeroMQ, and calls back only from inside rfl_client_poll or _ask, on the thread that called it.
 *
 * Not thread-safe: one client, one thread. Strings are views; nothing given to a call is kept unless it says so.
 *
 * A daemon lets nobody in without a key (CurveZMQ): the client's own pair and the public key of the daemon it means to
 * talk to, as referralctl keys new writes them to a file.
 *
 *     struct rfl_client *c;
 *     err = rfl_client_new(&(struct rfl_client_options){ .endpoint = "tcp://daemon:5701",
 *                              .server_key = identity.server,
 *                              .public_key = identity.public, .secret_key = identity.secret }, &c);
 *     err = rfl_client_submit(c, source, reference, &form, 30000, &reply);      blocks until receipted
 *     rfl_client_free(&c);
 */
#ifndef REFERRAL_H
#define REFERRAL_H

#include "rfl_message.h"
#include "rfl_wire.h"

struct rfl_client;

/* Every message that is not the answer to a blocking call. `ctx` is the options'. The reply's views are valid during
 * the call only. `tag` is what the asynchronous ask was sent with; 0 for what nobody asked (Offer, Notice ...). */
typedef void rfl_client_heard(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply);

struct rfl_client_options {
    const char *endpoint;               /* such as "tcp://127.0.0.1:5701" or "ipc:///run/referrald/admin" */
    const char *server_key, *public_key, *secret_key;   /* Z85, 40 characters each. All NULL: without keys, for a daemon
                                                         * that runs so for development */
    bool give_up;                       /* a blocking ask ends when the connection is refused, not only at its time */
    rfl_client_heard *heard;            /* may be NULL: then only blocking calls are useful */
    void *ctx;
    uint32_t resend_ms;                 /* first wait for an answer before asking again; doubles, with jitter, up to */
    uint32_t resend_max_ms;             /*   this. 0: 1 s and 30 s */
    uint32_t in_flight_max;             /* asks waiting for an answer; more are refused with RFL_E_FULL. 0: 4096 */
    uint32_t ping_ms;                   /* how often a kept subscription or mailbox is checked. 0: 5 s; below 30 s */
};

/* What a client keeps on sending, and what it ignored on purpose. */
struct rfl_client_counts {
    uint64_t sent, resent;              /* frames handed to ZeroMQ; those of them that had been sent before */
    uint64_t answered;                  /* asks that got their final answer */
    uint64_t retried;                   /* answers such as BUSY that were met by asking again */
    uint64_t stray;                     /* answers to nothing in flight: late, repeated or not ours; dropped.
                                         * Feedback heard before counts as well */
    uint64_t malformed;                 /* not one frame, or not an Envelope with a reply in it; dropped */
    uint64_t subscribed;                /* times a kept subscription was made, the first included */
};

/* Why nobody answers. */
enum rfl_client_trouble {
    RFL_TROUBLE_NONE,                   /* connected, and let in */
    RFL_TROUBLE_UNREACHABLE,            /* nobody listens there, or the network does not lead there */
    RFL_TROUBLE_WRONG_SERVER_KEY,       /* that daemon has another key than server_key; or it runs without keys */
    RFL_TROUBLE_KEY_NOT_KNOWN,          /* the daemon has no such public key in its keys.conf (ZAP status 400) */
    RFL_TROUBLE_KEY_ENDED,              /* it has, but revoked, expired or not good yet (ZAP status 500) */
    RFL_TROUBLE_REFUSED,                /* it wants a key and none was given, or it does not speak this protocol */
    RFL_TROUBLE_COUNT
};
/* As of the last poll or ask; UNREACHABLE before the first. The client goes on trying whatever it is. */
enum rfl_client_trouble rfl_client_trouble(const struct rfl_client *client);
/* What it is, and what to do about it; literals. */
const char *rfl_trouble_text(enum rfl_client_trouble trouble);
const char *rfl_trouble_remedy(enum rfl_client_trouble trouble);

/* Connecting goes on in the background, for as long as it takes: an endpoint where nobody listens yet is no error.
 * RFL_E_INVALID: no endpoint or one that ZeroMQ cannot use, or keys that are none or not all three;
 * RFL_E_MEMORY; RFL_E_IO: no socket (errno). */
RFL_MUST_USE enum rfl_err rfl_client_new(const struct rfl_client_options *options, struct rfl_client **out);
/* Drops what is in flight (it may or may not have taken effect: send it again with the same reference). */
void rfl_client_free(struct rfl_client **client);

/* Asks and waits for the answer, sending the same bytes again as long as none comes, at growing intervals. Repeating
 * is safe: a repeated Submit, Amend or Withdraw has one effect and one answer, and a verb of a worker or an operator
 * that is repeated after its effect is answered FENCED or STATE, which the caller sees. A retryable refusal (BUSY,
 * STORE_FULL, DRAINING, UNKNOWN_OUTCOME) is met by asking again after its retry_after_ms, and is the answer only when
 * no time is left for that. So is NOT_SUBSCRIBED while a subscription is kept (rfl_client_subscribe).
 * ask->correlation is ignored: the client chooses its own.
 *
 * heard is called meanwhile for whatever else arrives; an Accept of a case with several referrals is answered by
 * several Records, of which *reply is the last and the others go to heard with tag 0. *reply's views are valid until
 * the next call with this client. timeout_ms -1: for ever.
 * RFL_E_INVALID: the ask does not fit a frame; RFL_E_FULL: too much in flight; RFL_E_MEMORY; RFL_E_IO: no answer within
 * timeout_ms (its fate is unknown; rfl_client_trouble says whether anybody was there), or the context is broken. */
RFL_MUST_USE enum rfl_err rfl_client_ask(struct rfl_client *client, const struct rfl_ask *ask, int timeout_ms,
                                         struct rfl_reply *reply);
/* Sends without waiting; the answer comes to `heard` with this tag (not 0) when polled. The bytes are copied and kept
 * until answered, and sent again as above, with no end. Errors as above but for RFL_E_IO. May be called from heard. */
RFL_MUST_USE enum rfl_err rfl_client_send(struct rfl_client *client, const struct rfl_ask *ask, uint64_t tag);
/* Receives what is there, resends what is due, and waits up to timeout_ms (0: not at all, -1: for ever) for something
 * to receive. Returns how many messages were heard, which may be 0 before the time is up when a signal came; -1 on a
 * broken context. Not to be called from heard; nor is rfl_client_ask. */
int rfl_client_poll(struct rfl_client *client, int timeout_ms);
/* Asks waiting for an answer. */
uint32_t rfl_client_in_flight(const struct rfl_client *client);
/* For callers with a loop of their own: the ZeroMQ socket, to be polled for reading only. Call rfl_client_poll(.., 0)
 * when it is readable, after every send, and at the latest after rfl_client_wait_ms. */
void *rfl_client_socket(struct rfl_client *client);
/* How long such a caller may wait before it must poll again, 0 to INT_MAX. */
int rfl_client_wait_ms(const struct rfl_client *client);
/* Borrowed; counts since rfl_client_new. */
const struct rfl_client_counts *rfl_client_counts(const struct rfl_client *client);

/* For workers: subscribes, and keeps the subscription for as long as the client is polled: a Ping each ping_ms, and a
 * new Subscribe when one goes unanswered or the daemon no longer knows the connection (a DEALER cannot see that it was
 * reconnected). Everything is copied. Each Subscribed goes to heard with tag 0; so does a refusal that ends it, such as
 * UNKNOWN_QUEUE. A Goodbye sent with this client ends it too; calling again replaces it.
 * RFL_E_INVALID: a name or the credit breaks its limit (RFL_NAME_BYTES_MAX, RFL_QUEUES_PER_WORKER_MAX, RFL_CREDIT_MAX);
 * RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl_client_subscribe(struct rfl_client *client, struct rfl_view worker,
                                               const struct rfl_view *queues, uint32_t queue_count, uint32_t credit);

/* For adapters: opens the source's mailbox and keeps it open in the same way: MailboxOpen each ping_ms, after what this
 * client has heard. Each Feedback goes to heard once, in order, from the first unacknowledged on; acknowledge with an
 * ordinary FeedbackAck. Each MailboxOpened goes to heard with tag 0; so does a refusal that ends it, such as
 * UNKNOWN_SOURCE. A mailbox of one source per client; calling again replaces it. RFL_E_INVALID: source or credit. */
RFL_MUST_USE enum rfl_err rfl_client_mailbox(struct rfl_client *client, struct rfl_view source, uint32_t credit);

/* Encodes the form and submits it: rfl_client_ask with a Submit. *reply is a Receipt or a Refusal. Errors as there;
 * RFL_E_INVALID also for a form that does not fit RFL_BODY_BYTES_MAX. */
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
