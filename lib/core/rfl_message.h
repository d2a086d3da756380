/* rfl_message.h: what peers ask for and what they are answered, as values: the wire's messages without the wire.
 *
 * lib/wire turns frames into these and these into frames, both ways, so the daemon and the client share them; the
 * engine knows nothing else of the outside. proto/README.md says what each message means. All views and arrays are
 * borrowed from whoever made the message: a decoded one lives until its arena is reset, one from the engine until the
 * turn after the one it was made in begins. Strings are valid UTF-8 without NUL once decoded, not terminated.
 *
 * A member is named after the protocol's field. Zero and empty mean "not given". */
#ifndef RFL_MESSAGE_H
#define RFL_MESSAGE_H

#include "rfl_facts.h"

/* (NAME, protobuf Envelope case, direction: A = asked by a peer, R = answered or told by us) */
#define RFL_MESSAGE_LIST(X) \
    X(SUBMIT, submit, A) X(RECEIPT, receipt, R) X(REFUSAL, refusal, R) X(VALIDATE, validate, A) \
    X(VALIDATED, validated, R) X(STATUS_QUERY, status_query, A) X(STATUS_REPORT, status_report, R) \
    X(MAILBOX_OPEN, mailbox_open, A) X(MAILBOX_OPENED, mailbox_opened, R) X(FEEDBACK, feedback, R) \
    X(FEEDBACK_ACK, feedback_ack, A) X(ACKED, acked, R) X(RECONCILE, reconcile, A) X(RECONCILED, reconciled, R) \
    X(AMEND, amend, A) X(WITHDRAW, withdraw, A) X(CHANGED, changed, R) \
    X(SUBSCRIBE, subscribe, A) X(SUBSCRIBED, subscribed, R) X(OFFER, offer, R) X(ACCEPT, accept, A) \
    X(RECORD, record, R) X(DECLINE, decline, A) X(REDIRECT, redirect, A) X(DEFER, defer, A) X(TOUCH, touch, A) \
    X(CONTACTED, contacted, A) X(STARTED, started, A) X(OUTCOME, outcome, A) X(CLOSE, close, A) X(DONE, done, R) \
    X(GOODBYE, goodbye, A) X(BYE, bye, R) X(PING, ping, A) X(PONG, pong, R) X(NOTICE, notice, R) \
    X(ADMIN_STATUS, admin_status, A) X(ADMIN_STATE, admin_state, R) X(QUEUE_LIST, queue_list, A) \
    X(QUEUES, queues, R) X(LIST, list, A) X(CASES, cases, R) X(SHOW, show, A) X(SHOWN, shown, R) \
    X(EXPLAIN, explain, A) X(EXPLAINED, explained, R) X(PLACE, place, A) X(SEND_BACK, send_back, A) \
    X(HOLD, hold, A) X(RELEASE, release, A) X(SHUT, shut, A) X(LINK, link, A) X(UNLINK, unlink, A) \
    X(QUEUE_SET, queue_set, A) X(ACTED, acted, R) \
    X(AUDIT_READ, audit_read, A) X(AUDIT_PAGE, audit_page, R) X(REVEAL, reveal, A) X(REVEALED, revealed, R) \
    X(SUBJECT_FIND, subject_find, A) X(SUBJECT_FOUND, subject_found, R) X(TOLD_QUERY, told_query, A) \
    X(TOLD, told, R) X(SUBJECT_ERASE, subject_erase, A) X(SUBJECT_HOLD, subject_hold, A) \
    X(SUBJECT_RELEASE, subject_release, A) X(SUBJECT_DONE, subject_done, R) \
    X(RETENTION_QUERY, retention_query, A) X(RETENTION, retention, R) \
    X(POLICY_LOAD, policy_load, A) X(POLICY_LOADED, policy_loaded, R) X(POLICY_LIST, policy_list, A) \
    X(POLICIES, policies, R) X(DECISION_QUERY, decision_query, A) X(DECISION, decision, R) \
    X(AREA_PLAN, area_plan, A) X(AREA_PLANNED, area_planned, R) \
    X(KEYS_RELOAD, keys_reload, A) X(KEYS_RELOADED, keys_reloaded, R) X(KEY_SHOW, key_show, A) \
    X(KEY_SHOWN, key_shown, R)

enum rfl_message_kind {
    RFL_MSG_NONE,
#define X(name, field, direction) RFL_MSG_##name,
    RFL_MESSAGE_LIST(X)
#undef X
    RFL_MSG_COUNT
};
const char *rfl_message_name(enum rfl_message_kind kind);   /* "submit"; never NULL */

/* Stable refusal codes: (NAME, number, whose fault S sender / R router / N nobody's, retryable, text, remedy). */
#define RFL_CODE_LIST(X) \
    X(OK, 0, 'N', false, "ok", "") \
    X(PARSE, 1, 'S', false, "the frame is not a valid Envelope", \
      "send exactly one payload frame holding one Envelope") \
    X(LIMIT, 2, 'S', false, "a size limit is exceeded", "see the limits in proto/README.md") \
    X(VERSION, 3, 'S', false, "protocol version not spoken here", "set Envelope.version to 1") \
    X(INVALID, 4, 'S', false, "fields need correcting", "correct every finding and send again") \
    X(CONFLICT, 5, 'S', false, "this reference came with other bytes before", \
      "give a changed referral a new reference; ask Status for the first one") \
    X(BUSY, 6, 'R', true, "too much is in flight", "wait retry_after_ms, then send the same bytes again") \
    X(STORE_FULL, 7, 'R', true, "the store has no room for new work", "wait retry_after_ms; operators have been told") \
    X(DRAINING, 8, 'R', true, "the daemon is stopping", "reconnect, then send the same bytes again") \
    X(UNKNOWN_SOURCE, 9, 'S', false, "no such source", "use the source name you were registered under") \
    X(DOOR_NOT_ALLOWED, 10, 'S', false, "this source may not act for that door", "use one of its own doors") \
    X(NOT_FOUND, 11, 'S', false, "nothing is known under that code or reference", "check the code") \
    X(FENCED, 12, 'N', false, "this offer has lapsed, was handed on or is finished", \
      "drop it; wait for the next offer") \
    X(STATE, 13, 'S', false, "not possible in the case's present status", "ask again when the status has changed") \
    X(UNKNOWN_QUEUE, 14, 'S', false, "no such queue", "see the queue list") \
    X(NOT_SUBSCRIBED, 15, 'S', false, "this connection has no subscription", "send Subscribe first") \
    X(WRONG_SOCKET, 16, 'S', false, "that message belongs to another socket", \
      "doors, workers and admin each have one") \
    X(UNKNOWN_OUTCOME, 17, 'R', true, "it is not known whether this was stored", "send the same bytes again") \
    X(VERSION_CONFLICT, 18, 'S', false, "the referral was amended since", \
      "ask Status, then amend the newest version") \
    X(REASON_MISSING, 19, 'S', false, "an operator's verb needs a name and a reason", "say who acts and why") \
    X(NOT_PERMITTED, 20, 'S', false, "this key may not do that", "ask whoever keeps keys.conf") \
    X(KEY_ENDED, 21, 'S', false, "this key is expired or revoked", "use the new key, or ask whoever keeps keys.conf")

enum rfl_code {
#define X(name, number, fault, retryable, text, remedy) RFL_CODE_##name = number,
    RFL_CODE_LIST(X)
#undef X
    RFL_CODE_COUNT
};
const char *rfl_code_name(enum rfl_code code);
const char *rfl_code_text(enum rfl_code code);
const char *rfl_code_remedy(enum rfl_code code);
bool rfl_code_retryable(enum rfl_code code);
char rfl_code_fault(enum rfl_code code);        /* 'S' sender, 'R' router, 'N' nobody */

/* One thing wrong with one field. Views to literals when we make it; never holds the value. */
enum rfl_severity { RFL_SEVERITY_ERROR, RFL_SEVERITY_WARNING };
struct rfl_finding { struct rfl_view path, code, rule, remedy; uint8_t severity; };
struct rfl_findings { uint32_t count, errors, dropped; struct rfl_finding list[RFL_FINDINGS_MAX]; };

/* ---- a referral as a form: every field of the message Referral ---- */
enum { RFL_NEEDS_MAX = 32 };
struct rfl_form {
    uint8_t door, band, consent, employment, main_barrier;
    bool has_band, safeguarding, incident, interpreter, step_free;
    uint32_t weeks_out_of_work;
    int64_t made_ms;
    struct rfl_view door_code, gp_practice, jobcentre, referrer_area, reason, correlation_id;
    struct rfl_view name, date_of_birth, nhs_number, nino, postcode, address, phone, email, language, contact_notes;
    struct rfl_view referrer_name, referrer_role, referrer_organisation, referrer_phone;
    struct rfl_view needs[RFL_NEEDS_MAX];
    uint32_t needs_count;
    uint8_t notify;                             /* bit 1 << enum rfl_notify; 0: the door's default */
};

/* ---- asked ---- */
struct rfl_ask {
    uint8_t kind;                               /* enum rfl_message_kind, of direction A */
    uint64_t correlation;
    struct rfl_view source, reference, worker;
    struct rfl_view code;                       /* receipt or case_code */
    struct rfl_view queue;                      /* Redirect's target; List's filter */
    struct rfl_view text, role, next_step;
    struct rfl_view referral;                   /* the encoded Referral, byte for byte */
    struct rfl_form form;                       /* what decoding `referral` gave; Submit, Validate, Explain */
    struct rfl_findings findings;               /* of the form: errors refuse it, warnings travel with the receipt */
    struct rfl_token token;
    uint32_t credit, limit;
    uint64_t after_sequence, upto;              /* MailboxOpen.after and other cursors by number, FeedbackAck.upto */
    uint64_t sequence;                          /* DecisionQuery.sequence */
    struct rfl_view after;                      /* paging cursors of List and QueueList */
    int64_t at_ms;                              /* Defer.until_ms, Reconcile.since_ms, Explain.at_ms */
    uint8_t reason, channel, outcome, status, door;
    uint8_t mode;                               /* QueueSet.mode */
    uint8_t employment, main_barrier;           /* Started: at the first appointment */
    uint32_t version, capacity;                 /* Amend.version; QueueSet.capacity */
    struct rfl_view operator_name, why, to;     /* an operator's verb: who, and why; Link.to, QueueSet.to */
    bool dry_run, override_no;
    struct rfl_view digest;                     /* PolicyLoad: some digits, or "previous"; empty: policy_dir */
    bool force;
    bool counterfactual;                        /* Explain: also what would have made a difference */
    bool past;                                  /* AreaPlan: what was done rather than what would be */
    bool reached;
    const struct rfl_view *names;               /* Subscribe.queues, Reconcile.references */
    uint32_t names_count;
};

/* ---- answered ---- */
/* The newest entry of the log, signed (proto/README.md section 7). Views of 16, 32, 64 and 32 bytes; all empty where no
 * head was signed. */
struct rfl_msg_head { struct rfl_view store_id, hash, signature, public_key; uint32_t epoch; uint64_t sequence;
                      int64_t at_ms; };
struct rfl_msg_receipt { struct rfl_view receipt, area, queue, reason; bool replayed, joined; uint8_t status;
                         int64_t received_ms, due_ms; uint32_t epoch; uint64_t log_sequence;
                         const struct rfl_finding *warnings; uint32_t warnings_count; uint32_t version;
                         struct rfl_msg_head head; };
struct rfl_msg_refusal { uint8_t code; uint8_t status; uint32_t retry_after_ms;
                         const struct rfl_finding *findings; uint32_t findings_count;
                         const struct rfl_view *legal; uint32_t legal_count; };     /* STATE: verbs possible now */
struct rfl_msg_validated { const struct rfl_finding *findings; uint32_t findings_count; bool acceptable; };
struct rfl_msg_status_report { struct rfl_view receipt, owner, next_action, area; uint8_t status;
                               int64_t since_ms, due_ms, received_ms; uint32_t version; };
struct rfl_msg_mailbox_opened { uint64_t acknowledged, last; };
struct rfl_msg_feedback { struct rfl_view source, receipt, word, detail, provider, reference; uint64_t sequence;
                          int64_t at_ms;
                          uint8_t status; struct rfl_view owner; int64_t since_ms, due_ms; };
struct rfl_msg_acked { uint64_t upto; };
struct rfl_surplus { struct rfl_view reference, receipt; int64_t received_ms; };
struct rfl_msg_reconciled { const struct rfl_view *missing; uint32_t missing_count;
                            const struct rfl_surplus *surplus; uint32_t surplus_count; bool truncated; };
struct rfl_msg_changed { struct rfl_view receipt; uint8_t status; uint32_t version; };
struct rfl_msg_subscribed { uint32_t queues, credit, outstanding; };
struct rfl_msg_offer { struct rfl_view case_code, area, queue, barrier_group; struct rfl_token token;
                       int64_t deadline_ms, since_ms;
                       uint8_t band, door, main_barrier, employment; uint32_t weeks_out_of_work, flags;
                       uint32_t hops, lapses, referrals; };
struct rfl_msg_record { struct rfl_view case_code, receipt, referral; struct rfl_token token; uint32_t index, total;
                        int64_t received_ms, due_ms; uint8_t door; };
struct rfl_msg_done { struct rfl_view case_code, queue; struct rfl_token token; uint8_t status; int64_t due_ms; };
struct rfl_msg_bye { uint32_t returned; };
enum rfl_notice { RFL_NOTICE_NONE, RFL_NOTICE_OFFER_LAPSED, RFL_NOTICE_DRAINING, RFL_NOTICE_DEADLINE_SOON,
                  RFL_NOTICE_WITHDRAWN, RFL_NOTICE_AMENDED, RFL_NOTICE_QUEUE_MOVED };
struct rfl_msg_notice { uint8_t kind; struct rfl_view case_code; struct rfl_token token;
                        struct rfl_view queue;                      /* QUEUE_MOVED: the queue that has ended, */
                        const struct rfl_view *moved_to; uint32_t moved_to_count; };    /* and where its people are */
struct rfl_counter { struct rfl_view name; uint64_t value; };
struct rfl_key_ending { struct rfl_view name; int64_t until_ms; };
struct rfl_msg_admin_state { struct rfl_view version, policy, directory, bind; uint32_t epoch, store_permille;
                             uint64_t log_entries, referrals, cases, joined, store_bytes, mailbox_rows, index_bytes;
                             uint64_t by_status[RFL_STATUS_COUNT]; int64_t started_ms, now_ms; bool adds_up;
                             const struct rfl_counter *counters; uint32_t counters_count;
                             int64_t policy_since_ms, reload_refused_ms; bool policy_pinned;
                             struct rfl_view reload_refused, policy_doubtful;
                             bool without_keys; uint32_t keys;  /* keys: good at this moment */
                             const struct rfl_key_ending *keys_ending; uint32_t keys_ending_count;
                             struct rfl_msg_head head; };
struct rfl_queue_row { struct rfl_view name, owner, area; uint64_t waiting; int64_t oldest_ms; uint32_t workers;
                       uint8_t mode; int64_t until_ms; struct rfl_view to, set_by, why; uint32_t capacity;
                       uint64_t working; };
struct rfl_msg_queues { const struct rfl_queue_row *rows; uint32_t rows_count; bool more; };
struct rfl_case_row { struct rfl_view case_code, area, queue, owner, next_action, receipt; uint8_t status, door, band;
                      int64_t opened_ms, due_ms; uint32_t referrals, hops, escalation;
                      struct rfl_view hold, linked_to, resembles, previous; bool kept, erased; };
struct rfl_msg_cases { const struct rfl_case_row *rows; uint32_t rows_count; struct rfl_view next; };
struct rfl_timeline_row { uint64_t sequence; int64_t at_ms; struct rfl_view event, actor, detail; };
struct rfl_msg_shown { struct rfl_case_row row; const struct rfl_timeline_row *timeline; uint32_t timeline_count;
                       const struct rfl_view *receipts; uint32_t receipts_count; bool truncated; };
struct rfl_candidate_row { struct rfl_view key, grade, icb, sub_icb, area, how; bool chosen; uint32_t line, edition;
                           const struct rfl_view *marks; uint32_t marks_count; };
struct rfl_tried_row { struct rfl_view name, owner, file, unmet; uint32_t line; bool advice, shadow, holds; };
struct rfl_differ_row { struct rfl_view change, queue; };
struct rfl_msg_explained { struct rfl_view code, policy, verdict, reason, area, queue, owner, consent, next_action;
                           int64_t at_ms, due_ms; bool hypothetical; uint8_t door;
                           const struct rfl_candidate_row *candidates; uint32_t candidates_count;
                           const struct rfl_finding *warnings; uint32_t warnings_count;
                           struct rfl_view place, rule, advice, shadow, shadow_queue, again;
                           const struct rfl_tried_row *tried; uint32_t tried_count;
                           uint32_t capacity; uint64_t people;
                           const struct rfl_view *full; uint32_t full_count;
                           const struct rfl_differ_row *differ; uint32_t differ_count, differ_all; };

/* How many of a queue's cases go (or went) to one other; reason: of those that nobody's queue could be found for. */
struct rfl_area_row { struct rfl_view queue, to, reason; uint64_t waiting, held;
                      const struct rfl_view *samples; uint32_t samples_count; };
struct rfl_msg_area_planned { int64_t at_ms; const struct rfl_area_row *rows; uint32_t rows_count;
                              struct rfl_view next; };
struct rfl_msg_acted { bool dry_run; struct rfl_case_row before, after; const struct rfl_view *events;
                       uint32_t events_count; struct rfl_queue_row queue; };
struct rfl_msg_keys_reloaded { bool dry_run; uint32_t keys, ended; };
struct rfl_msg_key_shown { struct rfl_view name, kind, who, owner, fingerprint; const struct rfl_view *may;
                           uint32_t may_count; int64_t from_ms, until_ms; bool without_keys; };

/* case_code, receipt and actor: what the daemon calls them, for readers; only the entry is in the chain. */
struct rfl_audit_row { uint64_t sequence; struct rfl_view entry, case_code, receipt, actor; };
struct rfl_msg_audit_page { const struct rfl_audit_row *entries; uint32_t entries_count; struct rfl_msg_head head; };
struct rfl_revealed_part { uint64_t sequence; int64_t at_ms; uint8_t door;
                           struct rfl_view event, actor, receipt, reference, referral, text, role, next_step; };
struct rfl_msg_revealed { struct rfl_view case_code; const struct rfl_revealed_part *parts; uint32_t parts_count;
                          uint64_t next; bool erased; };
struct rfl_msg_subject_found { const struct rfl_case_row *cases; uint32_t cases_count; };
struct rfl_told_row { uint64_t sequence; int64_t at_ms; uint8_t door; bool acknowledged;
                      struct rfl_view source, receipt, word, detail, provider; };
struct rfl_msg_told { const struct rfl_told_row *rows; uint32_t rows_count; uint64_t next; };
struct rfl_msg_subject_done { bool dry_run; const struct rfl_case_row *cases; uint32_t cases_count;
                              const struct rfl_view *events; uint32_t events_count; };
struct rfl_retention_row { struct rfl_view what, keep, why; uint64_t items, beyond; int64_t oldest_ms; };
struct rfl_msg_retention { const struct rfl_retention_row *rows; uint32_t rows_count; uint64_t next; };
struct rfl_policy_finding_row { struct rfl_view file, key, rule, remedy; uint32_t line; };
struct rfl_msg_policy_loaded { bool dry_run, taken, pinned; struct rfl_view before, after;
                               const struct rfl_policy_finding_row *findings; uint32_t findings_count; };
enum { RFL_POLICY_ROWS_MAX = 100 };             /* of an answer: it has to fit one frame */
struct rfl_policy_row { struct rfl_view digest, by, why; int64_t since_ms; bool in_force, pinned, kept; };
struct rfl_msg_decision { struct rfl_view case_code, queue, rule, policy, reason; uint64_t sequence; int64_t at_ms;
                          uint8_t door; };
struct rfl_msg_policies { const struct rfl_policy_row *rows; uint32_t rows_count; bool truncated; };

struct rfl_reply {
    uint8_t kind;                               /* enum rfl_message_kind, of direction R */
    uint64_t correlation;
    union {
        struct rfl_msg_receipt receipt; struct rfl_msg_refusal refusal; struct rfl_msg_validated validated;
        struct rfl_msg_status_report status_report; struct rfl_msg_mailbox_opened mailbox_opened;
        struct rfl_msg_feedback feedback; struct rfl_msg_acked acked; struct rfl_msg_reconciled reconciled;
        struct rfl_msg_subscribed subscribed; struct rfl_msg_offer offer; struct rfl_msg_record record;
        struct rfl_msg_done done; struct rfl_msg_bye bye; struct rfl_msg_notice notice;
        struct rfl_msg_admin_state admin_state; struct rfl_msg_queues queues; struct rfl_msg_cases cases;
        struct rfl_msg_shown shown; struct rfl_msg_explained explained; struct rfl_msg_changed changed;
        struct rfl_msg_acted acted; struct rfl_msg_audit_page audit_page; struct rfl_msg_revealed revealed;
        struct rfl_msg_subject_found subject_found; struct rfl_msg_told told;
        struct rfl_msg_subject_done subject_done; struct rfl_msg_retention retention;
        struct rfl_msg_policy_loaded policy_loaded; struct rfl_msg_policies policies;
        struct rfl_msg_area_planned area_planned;
        struct rfl_msg_keys_reloaded keys_reloaded; struct rfl_msg_key_shown key_shown;
        struct rfl_msg_decision decision;
    };
};

#endif
