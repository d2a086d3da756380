/* daemon.h: everything the running process holds, on main's stack and passed down; and what is done with it once.
 *
 * daemon_open and daemon_close are the two ends of main's order of events; reload.h is between turns. */
#ifndef DAEMON_H
#define DAEMON_H

#include "bus.h"
#include "clock.h"
#include "keyring.h"
#include "log.h"
#include "options.h"
#include "reload.h"
#include "rfl_directory.h"
#include "rfl_engine.h"

/* What a policy folder and a directory folder give, loaded and replaced together. */
struct guidance { struct rfl_policy *policy; struct rfl_directory_set *directories; };

struct daemon {
    const char *conf_path;
    struct options options;
    struct rfl_conf_origin origins[OPTIONS_COUNT];
    struct log log;
    struct clock clock;
    struct rfl_now now;
    int signal_fd;
    struct guidance guidance;
    struct reload_standing standing;
    struct keyring keyring;
    struct rfl_policy *kept;            /* the archived policy that was asked for last; NULL none */
    struct rfl_store *store;
    struct rfl_engine *engine;
    struct bus *bus;
    bool draining;
};

/* Loads both folders of the options, or instead of policy_dir a policy of the archive; all or nothing. RFL_E_INVALID,
 * IO, ABSENT, VERSION, CORRUPT, FULL, MEMORY: the report says why and *out is untouched. */
RFL_MUST_USE enum rfl_err guidance_load(const struct options *options, const struct rfl_hash *archived,
                                        struct guidance *out, struct rfl_conf_report *report);
void guidance_free(struct guidance *guidance);

/* Opens store, engine and sockets. Returns 0, or the exit code after logging what failed and what to do. */
RFL_MUST_USE int daemon_open(struct daemon *daemon);
/* Reverse order of opening; whatever was not opened is passed over. linger_ms is bus_free's. */
void daemon_close(struct daemon *daemon, int linger_ms);

/* keys.conf again, all or nothing; connections whose key is not good any more, or is somebody else's or of other queues
 * now, are cut. *ended counts them; with `dry_run`, those that would be, and nothing changes. On an error, as of
 * keyring_read, the old table stays in force. */
RFL_MUST_USE enum rfl_err daemon_reload_keys(struct daemon *daemon, bool dry_run, struct rfl_conf_report *report,
                                             uint32_t *ended);
/* Puts a table in force that was read before; it is the daemon's on RFL_E_OK. RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err daemon_put_keys(struct daemon *daemon, struct rfl_keys *keys, uint32_t *ended);
/* Cuts connections whose key has expired meanwhile. */
void daemon_end_expired(struct daemon *daemon);

#endif
