/* ctl.h: what the families of referralctl share: options, exit codes, asking the daemon, tables and times.
 *
 * A family is a file ctl_<family>.c with one function a subcommand, listed in the table of referralctl.c. Each gets the
 * parsed options and returns the exit code. Results go to standard output, as a table for people or, with --json, as
 * one JSON value with the same content; everything else goes to standard error. Nothing printed names a person. */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdio.h>

#include "referral.h"

/* sysexits.h, by the names of this program's manual. */
enum ctl_exit {
    CTL_OK = 0, CTL_FINDINGS = 1, CTL_USAGE = 64, CTL_BAD_DATA = 65, CTL_NO_INPUT = 66, CTL_UNREACHABLE = 69,
    CTL_CANNOT_CREATE = 73, CTL_STORE_FAILED = 74, CTL_TRY_AGAIN = 75, CTL_PROTOCOL = 76, CTL_NOT_PERMITTED = 77
};

/* Options a subcommand may take, as bits; the rest is refused. --json, --admin, --doors and --timeout are for all. */
enum {
    CTL_OPT_SOURCE = 1, CTL_OPT_REFERENCE = 2, CTL_OPT_FILE = 4, CTL_OPT_AT = 8, CTL_OPT_STATUS = 16,
    CTL_OPT_QUEUE = 32, CTL_OPT_DOOR = 64, CTL_OPT_LIMIT = 128, CTL_OPT_ENDPOINT = 256, CTL_OPT_MAP = 512,
    CTL_OPT_KEY = 1024, CTL_OPT_ANY_FS = 2048, CTL_OPT_WAITING = 4096,
    CTL_OPT_WAIT = 8192, CTL_OPT_UNTIL = 16384, CTL_OPT_AS = 32768, CTL_OPT_OVERRIDE = 65536, CTL_OPT_TO = 131072,
    CTL_OPT_ACT = 262144,       /* --operator, --reason, --dry-run and --execute: of what changes something */
    CTL_OPT_FORCE = 1 << 24, CTL_OPT_NEW_KEY = 1 << 25, CTL_OPT_KEYS = 1 << 26, CTL_OPT_PAIR = 1 << 27,
    CTL_OPT_GRANT = 1 << 28, CTL_OPT_OVERLAP = 1 << 29,
    CTL_OPT_STRICT = 1 << 30, CTL_OPT_WHATIF = 1 << 20, CTL_OPT_COUNTERFACTUAL = 1 << 21,
    CTL_OPT_OUT = 1 << 22, CTL_OPT_AUDIT = 1 << 23,
    CTL_OPT_WHO = 524288        /* of these only --operator and --reason: of what reads about a person */
};

struct ctl {
    const char *admin, *doors;      /* endpoints */
    const char *endpoint;           /* of --endpoint, or NULL */
    bool quiet;                     /* nothing is said of what fails: the caller has better words */
    bool json, any_fs, waiting, wait, dry_run, execute, override_no, force, server, counterfactual;
    int timeout_ms;
    const char *source, *reference, *file, *at, *status, *queue, *door, *limit, *map, *key, *new_key;
                                    /* NULL: not given */
    const char *operator, *reason, *until, *as, *to, *audit;
    const char *identity;           /* a file; NULL: without keys */
    const char *keys, *trust, *out, *owner, *public, *overlap;
    bool strict;                    /* of policy check */
    const char *policy, *directory, *since, *kind, *samples, *max_to_triage, *max_changed;      /* of whatif */
    const char *command;            /* "queue list" */
    int argc;                       /* operands after the subcommand's words */
    char **argv;
};

/* ---- saying what is wrong: "referralctl: show: no such case" and "  do: check the code" (next may be NULL) ---- */
int ctl_fail(const struct ctl *ctl, int exit_code, const char *what, const char *next);

/* ---- asking (ctl_ask.c) ---- */
struct ctl_talk {
    struct rfl_client *client;
    const char *endpoint;
    const char *invalid_remedy;     /* what to do about INVALID without findings; NULL: what the code says */
    const char *denied_remedy;      /* likewise, about NOT_PERMITTED */
};
/* CTL_OK, or the exit code after telling the person. A socket nobody listens on is found at once where that can be. */
int ctl_talk_open(const struct ctl *ctl, const char *endpoint, struct ctl_talk *talk);
void ctl_talk_close(struct ctl_talk *talk);
/* Asks and waits. A reply of another kind than `wanted` ends in its exit code: a Refusal is explained, with its
 * findings, and with --json also printed. *reply lives until the next ask. */
int ctl_ask(const struct ctl *ctl, struct ctl_talk *talk, const struct rfl_ask *ask, enum rfl_message_kind wanted,
            struct rfl_reply *reply);
/* Opens, asks once and hands the reply to `show` while it is alive. */
typedef int ctl_show(const struct ctl *ctl, const struct rfl_reply *reply);
int ctl_ask_once(const struct ctl *ctl, const char *endpoint, const struct rfl_ask *ask, enum rfl_message_kind wanted,
                 ctl_show *show);
/* Prints the reply as JSON; CTL_OK. */
int ctl_print_json(const struct rfl_reply *reply);
/* Prints and frees any JSON value. */
int ctl_print_value(json_t *value);
/* Findings as a table; the values are never in them. */
void ctl_print_findings(FILE *out, const struct rfl_finding *findings, uint32_t count);

bool ctl_view_same(struct rfl_view a, struct rfl_view b);

/* ---- reading a referral from JSON (ctl_referral.c) ---- */
struct ctl_referral {
    json_t *object;                 /* owned; findings may borrow from it */
    struct rfl_findings findings;
    size_t len;
    uint8_t body[RFL_BODY_BYTES_MAX];
};
/* The file ("-": standard input) as the bytes of a Referral; free it whatever the result. CTL_OK, or the exit code:
 * after telling the person, but for CTL_BAD_DATA with findings, which are left to the caller. */
int ctl_referral_read(const struct ctl *ctl, const char *path, struct ctl_referral *out);
void ctl_referral_free(struct ctl_referral *referral);

/* ---- tables (ctl_table.c) ---- */
enum { CTL_COLUMNS_MAX = 16 };
struct ctl_table {
    unsigned columns, right;        /* right: bit n set when column n is aligned to the right */
    char *heading[CTL_COLUMNS_MAX];   /* owned; NULL: no headings */
    char **cell;                    /* rows * columns, owned */
    size_t count, room;
};
/* headings: a literal such as "CODE STATUS >WAITING"; words parted by spaces, ">" aligns right, "_" prints as a space.
 * The memory for the headings is the table's. */
void ctl_table_init(struct ctl_table *table, const char *headings);
__attribute__((format(printf, 2, 3))) void ctl_cell(struct ctl_table *table, const char *format, ...);
/* A view as a cell; control characters are shown as '?', so that no text can drive the terminal. Empty: a dash. */
void ctl_cell_view(struct ctl_table *table, struct rfl_view view);
void ctl_cell_count(struct ctl_table *table, uint64_t count);
/* Local time and the distance from now: "21 Nov 09:14 (2 h ago)"; 0: a dash. */
void ctl_cell_time(struct ctl_table *table, int64_t ms);
/* Prints with single spaces never less than two apart, and frees everything. Headings are bold on a terminal. */
void ctl_table_print(struct ctl_table *table, FILE *out);
/* Frees a table that is not printed. */
void ctl_table_drop(struct ctl_table *table);
/* "label  value" lines: a table of two columns without headings. */
void ctl_fields_init(struct ctl_table *table);

/* A view printed to a stream, made harmless as above. */
void ctl_put_view(FILE *out, struct rfl_view view);

/* ---- times (ctl_time.c) ---- */
int64_t ctl_now_ms(void);
enum { CTL_TIME_BYTES = 64 };
/* "21 Nov 09:14 (2 h ago)", with the year when it is not this one. */
void ctl_time_text(int64_t ms, int64_t now_ms, char out[CTL_TIME_BYTES]);
/* "2026-04-01" or "2026-04-01 09:30" in local time, "2026-04-01T09:30:00Z" in UTC. False: none of these. */
bool ctl_time_parse(const char *text, int64_t *ms);
/* Plain digits up to `max`. */
bool ctl_number_parse(const char *text, uint64_t max, uint64_t *out);

/* ---- an operator's verbs (ctl_act.c) ---- */
/* Who, why, and whether it is tried or done, as every verb needs them. CTL_OK, or CTL_USAGE after telling. */
int ctl_act_begin(const struct ctl *ctl, struct rfl_ask *ask);
/* The first two of these, for what changes nothing. */
int ctl_who_and_why(const struct ctl *ctl, struct rfl_ask *ask);
/* --until as a moment: a time as above, or a distance such as "+4h". CTL_OK, or CTL_USAGE after telling. */
int ctl_act_until(const struct ctl *ctl, int64_t *ms);
/* Asks, and shows the case or queue before and after. */
int ctl_act(const struct ctl *ctl, struct ctl_talk *talk, const struct rfl_ask *ask);
enum { CTL_SETTING_BYTES = 160 };
/* What an operator has set a queue to, in words; a dash for nothing. */
void ctl_queue_setting(const struct rfl_queue_row *row, char *out, size_t size);

/* ---- subcommands ---- */
int ctl_init(const struct ctl *ctl);
int ctl_status(const struct ctl *ctl);
int ctl_submit(const struct ctl *ctl);
int ctl_validate(const struct ctl *ctl);
int ctl_list(const struct ctl *ctl);
int ctl_show_case(const struct ctl *ctl);
int ctl_explain(const struct ctl *ctl);
int ctl_triage_list(const struct ctl *ctl);
int ctl_triage_assign(const struct ctl *ctl);
int ctl_triage_redirect(const struct ctl *ctl);
int ctl_triage_approve(const struct ctl *ctl);
int ctl_triage_send_back(const struct ctl *ctl);
int ctl_triage_hold(const struct ctl *ctl);
int ctl_triage_release(const struct ctl *ctl);
int ctl_triage_close(const struct ctl *ctl);
int ctl_case_link(const struct ctl *ctl);
int ctl_case_unlink(const struct ctl *ctl);
int ctl_case_reveal(const struct ctl *ctl);
int ctl_subject_find(const struct ctl *ctl);
int ctl_subject_export(const struct ctl *ctl);
int ctl_subject_erase(const struct ctl *ctl);
int ctl_subject_hold(const struct ctl *ctl);
int ctl_subject_release(const struct ctl *ctl);
int ctl_retention(const struct ctl *ctl);
int ctl_audit_export(const struct ctl *ctl);
int ctl_audit_verify(const struct ctl *ctl);
int ctl_audit_head(const struct ctl *ctl);
int ctl_audit_tail(const struct ctl *ctl);
int ctl_receipt_verify(const struct ctl *ctl);
int ctl_queue_list(const struct ctl *ctl);
int ctl_queue_pause(const struct ctl *ctl);
int ctl_queue_hold(const struct ctl *ctl);
int ctl_queue_divert(const struct ctl *ctl);
int ctl_queue_capacity(const struct ctl *ctl);
int ctl_queue_clear(const struct ctl *ctl);
int ctl_policy_check(const struct ctl *ctl);
int ctl_policy_diff(const struct ctl *ctl);
int ctl_area_plan(const struct ctl *ctl);
int ctl_area_list(const struct ctl *ctl);
int ctl_area_lineage(const struct ctl *ctl);
int ctl_policy_load(const struct ctl *ctl);
int ctl_policy_rollback(const struct ctl *ctl);
int ctl_policy_list(const struct ctl *ctl);
int ctl_whatif(const struct ctl *ctl);
int ctl_route_test(const struct ctl *ctl);
int ctl_route_list(const struct ctl *ctl);
int ctl_store_verify(const struct ctl *ctl);
int ctl_store_rebuild(const struct ctl *ctl);
int ctl_store_compare(const struct ctl *ctl);
int ctl_store_stat(const struct ctl *ctl);
int ctl_store_compact(const struct ctl *ctl);
int ctl_store_backup(const struct ctl *ctl);
int ctl_store_rotate(const struct ctl *ctl);
int ctl_keys_new(const struct ctl *ctl);
int ctl_keys_list(const struct ctl *ctl);
int ctl_keys_allow(const struct ctl *ctl);
int ctl_keys_revoke(const struct ctl *ctl);
int ctl_keys_rotate(const struct ctl *ctl);
int ctl_keys_reload(const struct ctl *ctl);
int ctl_keys_test(const struct ctl *ctl);
int ctl_errors(const struct ctl *ctl);

#endif
