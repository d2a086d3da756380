/* rfl_engine_int.h: what the engine's files share. Internal to lib/engine. */
#ifndef RFL_ENGINE_INT_H
#define RFL_ENGINE_INT_H

#include "rfl_decide.h"
#include "rfl_engine.h"
#include "rfl_match.h"
#include "rfl_personal.h"
#include "rfl_sessions.h"

#define RFL_COUNTERS(X) \
    X(turns) X(asks) X(refused) X(submits) X(receipts) X(replays) X(conflicts) X(joined) X(invalid) X(busy) \
    X(offers) X(accepts) X(declines) X(redirects) X(lapses) X(returns) X(fenced) X(feedback_sent) X(parked) \
    X(escalations) X(sessions_gone) X(turns_undone) X(warnings) X(amended) X(withdrawn) X(resembled) X(acted) \
    X(dry_runs) X(old_codes) X(rehomed) X(unhomed)

enum rfl__counter {
#define X(name) RFL__N_##name,
    RFL_COUNTERS(X)
#undef X
    RFL__COUNTER_COUNT
};

enum { RFL__OUTBOX_MAX = 16384, RFL__TURN_ARENA_BYTES = 48 << 20 };

struct rfl__asked { uint64_t session, correlation; };

/* What each door is owed in a queue (rfl_offers.c). Lost with the process: the next turns are as fair as the first. */
struct rfl__turns { int32_t balance[RFL_BAND_COUNT][RFL_DOOR_COUNT]; };

/* A walk over the cases of queues whose area has ended or lost a part, index by index (rfl_areas.c). */
struct rfl__walk {
    enum rfl_index index[3];
    unsigned index_count, turn;                 /* which of them it is at, */
    uint32_t queue;                             /* which queue, by its place in the policy, */
    bool inside;                                /* and, once it is inside that one, where it goes on */
    struct rfl_order from;
};

struct rfl_engine {
    struct rfl_engine_options options;
    struct rfl_store *store;
    const struct rfl_policy *policy;
    const struct rfl_directory *directory;      /* in force at the turn's moment; NULL: none */
    struct rfl_now now;
    struct rfl__sessions sessions;
    struct rfl_arena arena;                     /* replies' strings; reset at begin */
    struct rfl_outgoing *outbox;
    uint32_t outbox_count;
    struct rfl__asked asked[RFL_BATCH_MAX];
    uint32_t asked_count;
    uint64_t correlation;                       /* of the ask being handled; 0 otherwise */
    bool draining, draining_said, leftover;
    bool head_asked;                            /* something in the outbox carries the signed head */
    struct rfl_head head;                       /* the last one signed */
    uint8_t public_key[32];
    uint64_t queue_changes, mail_changes;       /* raised when a case starts to wait; when mail is put */
    int64_t idle_check_ms;
    int64_t rest_ends_ms;                       /* when the next resting queue with people in it is free; 0: none */
    int64_t started_ms;
    struct rfl__walk sweep;                     /* of who waits where an area has changed, */
    int64_t sweep_due_ms;                       /* 0: going on; else when the next begins */
    int64_t changed_ms;                         /* when the latest began: workers are told of queues that ended */
    struct rfl_engine_move moves[RFL_MOVES_MAX];
    uint32_t moves_count;
    struct rfl__turns *turns;                   /* whose turn it is in each queue, by the queue's place in the policy */
    uint8_t personal[RFL_PERSONAL_BYTES_MAX];
    struct rfl_engine_counter counters[RFL__COUNTER_COUNT];
};

/* ---- rfl_engine.c ---- */
/* The next reply of the outbox, zeroed, addressed and correlated; NULL when the outbox is full (has_room prevents it
 * for asks; unasked messages are then left for the next turn). */
struct rfl_reply *rfl__say(struct rfl_engine *e, uint64_t session, enum rfl_message_kind kind);
void rfl__refuse(struct rfl_engine *e, uint64_t session, enum rfl_code code);
/* STATE, naming what is possible now among `verbs` (bits 1 << enum rfl_command_kind); status as the asker may know
 * it. */
void rfl__refuse_state(struct rfl_engine *e, uint64_t session, enum rfl_status status, uint32_t verbs);
/* What to name of `verbs`, the asker's; of a case that rests on another all that is possible, whoever may do it: so it
 * is clear why nothing else is. */
uint32_t rfl__legal_of(const struct rfl_case *kase, uint32_t verbs);
void rfl__count(struct rfl_engine *e, enum rfl__counter counter);
/* Decides and appends in one step: entry is completed with the events. RFL_E_OK, or decide's error (nothing happened),
 * or the store's (sticky). *kase becomes the case as it is afterwards. What rests on a case is closed with it. */
RFL_MUST_USE enum rfl_err rfl__do(struct rfl_engine *e, struct rfl_case *kase, const struct rfl_command *command,
                                  struct rfl_entry *entry, struct rfl_view personal);
struct rfl_view rfl__copy(struct rfl_engine *e, const void *p, size_t len);
struct rfl_view rfl__literal(const char *text);
struct rfl_view rfl__receipt_text(struct rfl_engine *e, struct rfl_referral_id id);
struct rfl_view rfl__case_text(struct rfl_engine *e, struct rfl_case_id id);
struct rfl_view rfl__queue_name(const struct rfl_engine *e, struct rfl_queue_no queue);
struct rfl_view rfl__area_name(const struct rfl_engine *e, struct rfl_area_no area);
/* The case a receipt or case code names; false: none. *referral_out (may be NULL) gets the referral, zero for WC-. */
bool rfl__find_code(struct rfl_engine *e, struct rfl_view code, struct rfl_case *kase,
                    struct rfl_referral *referral_out);
/* Opens the sealed submission of a referral; its views live in the turn's arena. */
RFL_MUST_USE enum rfl_err rfl__open_submission(struct rfl_engine *e, const struct rfl_referral *referral,
                                               struct rfl_personal_submission *out);

/* Tells the worker behind holder (0, or nobody connected: nothing) about a case. */
void rfl__notice(struct rfl_engine *e, uint64_t holder, const struct rfl_case *kase, enum rfl_notice kind);

/* ---- rfl_people.c: who a referral speaks of ---- */
struct rfl__person {
    struct rfl_case open;               /* the person's open case, links followed; id 0: none */
    struct rfl_case_id resembles;       /* another open case that may be theirs */
    struct rfl_case_id previous;        /* the newest closed episode */
    int64_t quiet_until_ms;             /* of an earlier no; 0: none */
};
/* The keys of a form, hashed. */
void rfl__match_of(const struct rfl_engine *e, const struct rfl_form *form, struct rfl_hash match[RFL_MATCH_COUNT]);
void rfl__person_of(struct rfl_engine *e, const struct rfl_hash match[RFL_MATCH_COUNT], struct rfl__person *out);
/* The case itself, or the one it is linked to. False: a record cannot be read. */
bool rfl__survivor(struct rfl_engine *e, struct rfl_case_id id, struct rfl_case *out);

enum { RFL__SUBJECT_CASES_MAX = 128 };
/* The cases of one person: found by the same judgement as a new referral's, and whatever is linked to one of them or
 * was the episode before it. over: there are too many to be one person's. */
struct rfl__subject { struct rfl_case_id list[RFL__SUBJECT_CASES_MAX]; uint32_t count; bool over; };
void rfl__subject_of(struct rfl_engine *e, struct rfl_case_id id, struct rfl__subject *out);
void rfl__subject_by_keys(struct rfl_engine *e, const struct rfl_hash match[RFL_MATCH_COUNT],
                          struct rfl__subject *out);

/* ---- rfl_doors.c, shared with rfl_changes.c ---- */
const struct rfl_source *rfl__source_of(struct rfl_engine *e, uint64_t session, struct rfl_view name);
void rfl__say_invalid(struct rfl_engine *e, uint64_t session, const struct rfl_findings *findings);
/* Routes the form and completes the entry; returns the bytes of the personal part in e->personal. own: the case it is
 * about; NULL: none yet. */
size_t rfl__decide_form(struct rfl_engine *e, const struct rfl_ask *ask, const struct rfl_case *own,
                        struct rfl_entry *entry);
/* What a door may know of a status. */
enum rfl_status rfl__status_for(const struct rfl_engine *e, uint8_t door, uint8_t status);

/* ---- rfl_changes.c: Amend and Withdraw ---- */
void rfl__handle_amend(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
void rfl__handle_withdraw(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
/* Ends a case that another one rests on or rested on: by the person's no, or when no referral of it or of what rests on
 * it stands any more. Holds it when something with consent (`consented`) is gone and it goes on only for what rests on
 * it without. Else nothing. `like`: the entry that it follows from. */
void rfl__end_case(struct rfl_engine *e, const struct rfl_entry *like, uint8_t reason, struct rfl_case_id id,
                   bool consented);

/* ---- rfl_triage.c: what operators do ---- */
bool rfl__is_triage(uint8_t message_kind);
void rfl__handle_triage(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);

/* ---- rfl_queue_set.c: what operators have said of queues ---- */
void rfl__handle_queue_set(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
/* Fills target and target_held of a command that would place somebody in `queue`. */
void rfl__where(struct rfl_engine *e, struct rfl_queue_no queue, struct rfl_command *command);
/* Whether nobody is offered from it: paused, or working at its capacity. */
bool rfl__queue_rests(struct rfl_engine *e, struct rfl_queue_no queue);
void rfl__queue_settings(struct rfl_engine *e, struct rfl_queue_no queue, struct rfl_queue_row *row);

/* ---- rfl_explain.c ---- */
/* Completes an explanation with what was tried, under the policy that decided (NULL: it is not kept). */
void rfl__explain_rules(struct rfl_engine *e, const struct rfl_policy *policy, const struct rfl_decided *decided,
                        int64_t at_ms, bool counterfactual, struct rfl_msg_explained *out);

/* ---- rfl_policies.c: what has been in force ---- */
void rfl__handle_policy_list(struct rfl_engine *e, uint64_t session);
/* Since when the present policy is in force; 0: that cannot be read. */
int64_t rfl__policy_since(struct rfl_engine *e);
/* The policy an entry was decided under: the present one, or one that is kept; NULL: not kept. *digest_out is zero when
 * the log does not say. */
const struct rfl_policy *rfl__policy_of(struct rfl_engine *e, struct rfl_seq loaded, struct rfl_hash *digest_out);
void rfl__handle_decision(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);

/* ---- rfl_placing.c ---- */
/* Routes at this turn's moment. The queues that were full are put into the facts, so that a decision is one of its
 * facts alone; `own` (may be NULL) does not count where it is. */
void rfl__route(const struct rfl_engine *e, struct rfl_facts *facts, const struct rfl_case *own,
                struct rfl_decision *out);
/* Given a place, and not merely given back to the one it had. */
bool rfl__is_placed(const struct rfl_entry *entry);
/* Completes an EXPIRE, RELEASE or SEND_BACK of a case that a decision has put off: until its day no clock of its desk
 * is to run past it, from then on it is decided again, into the entry; one that is not at its desk yet, as soon as it
 * is. Any other case: nothing. */
void rfl__put_off(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_command *command,
                  struct rfl_entry *entry);

/* ---- rfl_offers.c: whose turn it is ---- */
void rfl__make_offers(struct rfl_engine *e);
bool rfl__may_offer(const struct rfl_engine *e);
/* How many wait in a queue, and since when the one who waits longest. */
uint64_t rfl__waiting_in(const struct rfl_engine *e, struct rfl_queue_no queue, int64_t *oldest_ms);

/* ---- rfl_admin.c ---- */
void rfl__case_row(struct rfl_engine *e, const struct rfl_case *kase, struct rfl_case_row *row);
/* Who an entry is by: a worker's, operator's or source's name, or "clock". */
struct rfl_view rfl__actor_text(struct rfl_engine *e, const struct rfl_entry *entry);
void rfl__queue_row(struct rfl_engine *e, const struct rfl_queue *queue, struct rfl_queue_row *row);

/* ---- rfl_audit.c: the log as it is stored, and its signed head ---- */
/* A reply's head is to be the signed one. */
void rfl__want_head(struct rfl_engine *e, struct rfl_msg_head *head);
/* Signs the log as this turn leaves it and puts the head wherever one is wanted. Before the commit. */
void rfl__sign_outbox(struct rfl_engine *e);
void rfl__handle_audit_read(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);

/* ---- rfl_reveal.c: personal data, and what referrers were told ---- */
void rfl__handle_reveal(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
void rfl__handle_told(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
/* Whether the ask says who acts and why; else it has been refused. */
bool rfl__who_and_why(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
/* Writes down that the asker reads something of the case. The store's errors. */
RFL_MUST_USE enum rfl_err rfl__note_revealed(struct rfl_engine *e, const struct rfl_ask *ask, struct rfl_case *kase);

/* ---- rfl_subject.c: what is done about a person ---- */
bool rfl__is_of_subject(uint8_t message_kind);      /* erase, hold, release */
void rfl__handle_subject(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
void rfl__handle_subject_find(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);

/* ---- rfl_retention.c: what is kept for how long ---- */
void rfl__handle_retention(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);

/* ---- rfl_areas.c, shared with rfl_area_plan.c ---- */
/* The next case of the walk; false: it is over. Cases may leave their queues while it goes on. */
bool rfl__walk_next(const struct rfl_engine *e, struct rfl__walk *walk, struct rfl_case_id *out);

/* ---- by socket ---- */
void rfl__handle_door(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
void rfl__handle_worker(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);
void rfl__handle_admin(struct rfl_engine *e, uint64_t session, const struct rfl_ask *ask);

/* ---- rfl_facts_of.c ---- */
/* What the form says: graded, looked up, coarse. The clues still have their lines. */
void rfl__facts_of(const struct rfl_engine *e, const struct rfl_form *form, struct rfl_source_no source,
                   int64_t at_ms, struct rfl_facts *facts);

/* ---- rfl_settle.c ---- */
/* What feedback of an event says beside its word: the reason or outcome; who had it after the event. */
struct rfl_view rfl__feedback_detail(const struct rfl_event *event);
struct rfl_view rfl__feedback_provider(struct rfl_engine *e, const struct rfl_entry *entry, uint32_t index);
/* Offers that are out to this worker, counted in the store. */
uint32_t rfl__outstanding_of(const struct rfl_engine *e, uint64_t holder);
/* Back to their queues, uncounted; returns how many. */
uint32_t rfl__return_offers(struct rfl_engine *e, struct rfl__session *session);
void rfl__offer_again(struct rfl_engine *e, struct rfl__session *session);

#endif
