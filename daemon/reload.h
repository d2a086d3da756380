/* reload.h: which policy is in force, and how another one comes in: at the start, by HUP, by an operator's PolicyLoad.
 *
 * Whatever comes in passes the same gates: it is read and checked as a whole, and compared with what is in force,
 * because a file that was cut off reads well. All of it takes effect or none. What is in force is kept in the archive
 * (rfl_conf_archive.h) before the log says that it is. */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdbool.h>

#include "rfl_conf_archive.h"
#include "rfl_engine.h"
#include "rfl_message.h"

struct daemon;

enum { RELOAD_PATH_BYTES = RFL_CONF_STRING_BYTES + 16, RELOAD_SAID_BYTES = 448 };

/* What status says of it. */
struct reload_standing {
    bool pinned;
    int64_t refused_ms;
    char refused[RELOAD_SAID_BYTES];
    char doubtful[RELOAD_SAID_BYTES];           /* of the policy that came up at the start; "": it passed the gates */
};

struct reload_wish {
    char digest[RFL_CONF_DIGEST_TEXT];          /* "": policy_dir; "previous", or digits of one in the archive */
    bool dry_run, force;
    char operator_name[RFL_NAME_BYTES_MAX + 1], why[RFL_WHY_BYTES_MAX + 1];     /* "": a signal */
};

struct reload_result {
    bool taken;                                 /* in force; dry_run: could be */
    bool store_works;                           /* false: the process must stop */
    struct rfl_hash before, after;              /* after: zero when nothing could be read */
};

/* Loads what is to be in force at the start: the pinned policy, else policy_dir's. As guidance_load. */
RFL_MUST_USE enum rfl_err reload_first(struct daemon *d, struct rfl_conf_report *report);
/* At the start, when the store is open: keeps it in the archive. Serving does not depend on it; the log says. */
void reload_keep_first(struct daemon *d);
/* At the start too, but after it: says what the gates of a reload say of the policy that came up, in the log as errors
 * and in status until another one is in force. It is served all the same: it was in force before the stop, perhaps
 * before the program had this gate, or time has made a test of it fail, and a daemon that does not start takes nobody
 * in (P2). Warnings of the prover are not said here. */
void reload_judge_first(struct daemon *d);

/* Between turns. The report says what is in the way, or was forced; the log says it too. */
void reload(struct daemon *d, const struct reload_wish *wish, struct rfl_conf_report *report,
            struct reload_result *out);
/* HUP. False when the store failed underneath: the process must stop. */
RFL_MUST_USE bool reload_signalled(struct daemon *d);

/* A policy of the archive, for explanations; lent until the next call. NULL: not kept or not readable. ctx: the daemon.
 * The last one is remembered: who asks about the past asks about one day of it. */
const struct rfl_policy *reload_kept(void *ctx, struct rfl_hash digest);

/* False, and *code says why: who and why are missing, or the digest is no text for one. */
bool reload_wish_of(const struct rfl_ask *ask, struct reload_wish *out, enum rfl_code *code);
/* The engine knows what was in force; what is kept and pinned is completed here, in `rows` (RFL_POLICY_ROWS_MAX). */
void reload_complete_list(const struct daemon *d, struct rfl_msg_policies *policies, struct rfl_policy_row *rows);

#endif
