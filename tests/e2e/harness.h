/* harness.h: the real daemon on a folder of its own, and peers that talk to its sockets.
 *
 * e2e_setup makes a folder under $TMPDIR or /tmp with a store, a copy of config/policy and a configuration whose
 * sockets are ipc; e2e_start waits until the admin socket answers, never for a time to pass. Every wait has a deadline
 * and fails the test when it comes. The folder is removed by e2e_teardown, the daemon with it. Tests run from the
 * project's root. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdio.h>
#include <sys/types.h>

#include "rfl_conf_identity.h"
#include "rfl_message.h"
#include "rfl_store.h"
#include "rfl_wire.h"

enum { E2E_PATH_BYTES = 256, E2E_DEADLINE_MS = 20000, E2E_EXTRA_BYTES = 1024,
       E2E_KEYS_BYTES = 32768 };

struct e2e {
    char dir[E2E_PATH_BYTES], conf[E2E_PATH_BYTES], store[E2E_PATH_BYTES], policy[E2E_PATH_BYTES];
    char log[E2E_PATH_BYTES];                   /* what the daemon said on stderr, all runs */
    char doors[E2E_PATH_BYTES], workers[E2E_PATH_BYTES], admin[E2E_PATH_BYTES];
    char store_map[32];                         /* "256MiB" */
    const char *preload;                        /* a library loaded into the daemon first; NULL none */
    char extra[E2E_EXTRA_BYTES];                /* settings put into the configuration as they are; "" none */
    pid_t pid;                                  /* 0: not running */
    bool keys;                                  /* the daemon asks for keys; else it runs without_keys */
    char server_key[E2E_PATH_BYTES], keys_file[E2E_PATH_BYTES];
    struct rfl_identity operator;               /* may do every verb; what e2e_start and e2e_counter use */
    char entries[E2E_KEYS_BYTES];               /* of keys.conf, as they are */
};

void e2e_setup(struct e2e *e);
void e2e_teardown(struct e2e *e);
/* Writes referrald.conf from the fields. Called by e2e_setup; call it again after changing one. */
void e2e_write_conf(const struct e2e *e);
/* After e2e_setup: a server key, and keys.conf with one operator of all verbs; writes the configuration. */
void e2e_use_keys(struct e2e *e);
/* A new key pair that trusts this daemon. */
struct rfl_identity e2e_identity(const struct e2e *e);
/* Adds an entry to `entries`: `terms` has its dates, kind and rights. e2e_write_keys then writes keys.conf. */
void e2e_allow(struct e2e *e, const char *name, const struct rfl_identity *identity, const char *terms);
void e2e_write_keys(const struct e2e *e);
/* "from = ...; until = ...;" in days from today (London); in one of four static buffers. */
const char *e2e_days(int from, int until);
/* Puts the port that "tcp://...:*" became into the endpoints, once the daemon runs. */
void e2e_learn_endpoints(struct e2e *e);
void e2e_write_file(const char *path, const char *text);
/* The whole file, terminated; the caller frees it. */
char *e2e_read_file(const char *path);

/* Forks and executes the daemon with its configuration. e2e_start also waits until it answers AdminStatus. */
void e2e_spawn(struct e2e *e);
void e2e_start(struct e2e *e);
/* Runs the daemon with these arguments (NULL at the end, the program's name is added) to its end. Returns the exit
 * code, and what it printed on both streams, cut to cap. */
int e2e_run(const char *const *arguments, char *out, size_t cap);
/* Sends the signal and waits for the end. Returns the exit code, or -signal when a signal ended it. */
int e2e_stop(struct e2e *e, int signal);
/* Waits for the daemon to end by itself. */
int e2e_wait(struct e2e *e);
bool e2e_is_running(const struct e2e *e);
/* Waits until the daemon's log has this text at or after `from`; returns where the log ended then. */
size_t e2e_await_log(const struct e2e *e, const char *text, size_t from);
size_t e2e_log_bytes(const struct e2e *e);
/* Resident memory in KiB, without files: the map of the store fills up with what is stored. */
long e2e_rss_kib(const struct e2e *e);

/* Monotonic ms, for deadlines. */
int64_t e2e_clock_ms(void);

/* ---- a peer ---- */

struct e2e_peer {
    void *context, *socket;                     /* context: NULL when it is somebody else's */
    uint64_t correlation;                       /* of the last ask */
    uint8_t *memory, *frame;
    struct rfl_arena arena;
};

void e2e_peer_open(struct e2e_peer *peer, const char *endpoint);
/* With keys; NULL as above. */
void e2e_peer_open_as(struct e2e_peer *peer, const char *endpoint, const struct rfl_identity *identity);
/* One of many in one context, which stays the caller's. */
void e2e_peer_open_in(void *context, struct e2e_peer *peer, const char *endpoint, const struct rfl_identity *identity);
void e2e_peer_close(struct e2e_peer *peer);
/* Frames as they are, one message. */
void e2e_peer_send_frames(struct e2e_peer *peer, const struct rfl_view *frames, size_t count);
void e2e_peer_send(struct e2e_peer *peer, struct rfl_ask *ask);
/* The next message, decoded; its views are valid until the next call. False when none came within timeout_ms. */
bool e2e_peer_hear(struct e2e_peer *peer, struct rfl_reply *reply, int timeout_ms);
/* Passes over everything else until a message of this kind comes; fails at the deadline. */
void e2e_peer_await(struct e2e_peer *peer, enum rfl_message_kind kind, struct rfl_reply *reply);
/* Asks and waits for the answer with the ask's correlation, passing over everything else. */
void e2e_peer_ask(struct e2e_peer *peer, struct rfl_ask *ask, struct rfl_reply *reply);
/* The refusal code that the answer must carry; fails when it is anything else. */
void e2e_peer_expect_refusal(struct e2e_peer *peer, struct rfl_ask *ask, enum rfl_code code);

/* ---- messages ---- */

struct rfl_view e2e_view(const char *text);
/* A referral through the Jobcentre door that greater-manchester/intake will own, as bytes in a static buffer. `words`
 * makes it differ from others; it is the free text. */
struct rfl_view e2e_referral(const char *words);
/* Submit as source jobcentre-feed. */
struct rfl_ask e2e_submit(const char *reference, const char *words);
/* AdminStatus over this admin connection: the counter's value; fails when there is none of that name. */
uint64_t e2e_peer_counter(struct e2e_peer *admin, const char *name);
/* The same over a connection of its own. */
uint64_t e2e_counter(const struct e2e *e, const char *name);
/* AdminStatus over a connection of its own: the state without its views. */
struct rfl_msg_admin_state e2e_admin_state(const struct e2e *e);

#endif
