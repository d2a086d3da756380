/* world.h: a daemon on a throw-away store, for benchmarks and crash campaigns.
 *
 * A folder of its own holds the store, a copy of the project's policy with other sources (bench-0 to bench-7, which may
 * use every door), the configuration (invented people count as people, so that they join) and the daemon's log. The
 * daemon dies with its parent. One thread. */
#ifndef WORLD_H
#define WORLD_H

#include <sys/types.h>

#include "referral.h"
#include "rfl_conf_identity.h"

enum { WORLD_PATH_BYTES = 200, WORLD_SOURCES = 8, WORLD_KEYS_MAX = 64 };

struct world_options {
    const char *bin_dir;                /* where referrald and referralctl were built */
    const char *policy_dir;             /* what is copied, such as config/policy */
    const char *parent_dir;             /* the folder is made here; must be on a real disk for figures that mean much */
    const char *more_conf;              /* lines added to referrald.conf; NULL: none */
    bool ipc;                           /* sockets in the folder instead of TCP ports on loopback */
    unsigned keys;                      /* it demands keys, and so many adapters have one; 0: it runs without_keys */
};

struct world {
    struct world_options options;
    char dir[WORLD_PATH_BYTES], store_dir[WORLD_PATH_BYTES + 32], conf_path[WORLD_PATH_BYTES + 32];
    char log_path[WORLD_PATH_BYTES + 32];
    char doors[WORLD_PATH_BYTES + 32], workers[WORLD_PATH_BYTES + 32], admin[WORLD_PATH_BYTES + 32];
    pid_t daemon;                       /* 0: not running */
    struct rfl_identity operator;       /* with keys: what the functions below ask as; may read */
    struct rfl_identity adapter[WORLD_KEYS_MAX];    /* of source bench-<n modulo WORLD_SOURCES>, at the greatest rate */
};

/* Makes the folder and an empty store. False: said why on stderr. */
bool world_init(struct world *world, const struct world_options *options);
/* Starts the daemon and waits until it answers an operator. False: it ended or did not answer in a minute (stderr). */
bool world_start(struct world *world);
/* Only starts it. */
bool world_spawn(struct world *world);
/* Waits until it answers, as world_start does. *state_out may be NULL; its views do not survive (they are emptied). */
bool world_await(struct world *world, struct rfl_msg_admin_state *state_out);
/* Sends the signal and waits for its end. Returns the wait status. */
int world_end(struct world *world, int signal_number);
/* True when the daemon has ended by itself: world->daemon is then 0. */
bool world_has_ended(struct world *world);
/* Runs referralctl with these arguments (NULL at the end), output to `out_path` or /dev/null. Returns its exit code.
 * Only without keys. */
int world_ctl(const struct world *world, const char *out_path, char *const arguments[]);
/* Ends the daemon and removes the folder. */
void world_fini(struct world *world);

/* Resident memory has the store's pages in it, which the kernel can take back; private memory is what is the daemon's
 * alone and not in any file. */
struct world_usage { uint64_t resident_bytes, private_bytes; double cpu_s; };
bool world_usage(const struct world *world, struct world_usage *out);

/* Names of all queues, by asking. Returns how many; names[i] is terminated. */
unsigned world_queues(struct world *world, char (*names)[RFL_NAME_BYTES_MAX + 1], unsigned names_max);

#endif
