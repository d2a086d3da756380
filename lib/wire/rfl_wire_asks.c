/* The tables of what peers ask, and of the Referral inside. */
#include "rfl_wire_rows.h"

enum {
    NAME = RFL_NAME_BYTES_MAX, REFERENCE = RFL_REFERENCE_BYTES_MAX, TEXT = RFL_TEXT_BYTES_MAX, CODE = 64, ROLE = 128,
    NEED = RFL__WIRE_REQUIRED, LINES = RFL__WIRE_LINES, SOFT = RFL__WIRE_LENIENT, REFERENCES_MAX = 4096,
    WHY = RFL_WHY_BYTES_MAX
};

#define PREFIX "token."
#define PB Referrald__V1__Token
#define CORE struct rfl_token
/* Epochs begin at 1, so a token without one is none. */
static const struct rfl__wire_row rfl__wire_token_rows[] = { ROW_U32(1, epoch, epoch, 0, NEED),
                                                             ROW_U32(2, sequence, seq, 0, 0) };
RFL_TABLE(, rfl__wire_token, token);
#undef CORE
#undef PB
#undef PREFIX

/* ---- the referral ---- */
#define CORE struct rfl_form
#define PREFIX "referral.person."
#define PB Referrald__V1__Person
static const struct rfl__wire_row person_rows[] = {
    ROW_STRING(1, name, name, 300, SOFT), ROW_STRING(2, date_of_birth, date_of_birth, 64, SOFT),
    ROW_STRING(3, nhs_number, nhs_number, 64, SOFT), ROW_STRING(4, nino, nino, 64, SOFT),
    ROW_STRING(5, postcode, postcode, 64, SOFT), ROW_STRING(6, address, address, 1000, SOFT | LINES),
    ROW_STRING(7, phone, phone, 128, SOFT), ROW_STRING(8, email, email, 320, SOFT),
    ROW_STRING(9, language, language, 64, SOFT), ROW_STRING(10, contact_notes, contact_notes, TEXT, SOFT | LINES) };
RFL_TABLE(static, person, person);
#undef PB
#undef PREFIX
#define PREFIX "referral.referrer."
#define PB Referrald__V1__Referrer
static const struct rfl__wire_row referrer_rows[] = {
    ROW_STRING(1, name, referrer_name, 300, SOFT), ROW_STRING(2, role, referrer_role, 300, SOFT),
    ROW_STRING(3, organisation, referrer_organisation, 300, SOFT), ROW_STRING(4, phone, referrer_phone, 128, SOFT) };
RFL_TABLE(static, referrer, referrer);
#undef PB
#undef PREFIX
#define PREFIX "referral."
#define PB Referrald__V1__Referral
static const struct rfl__wire_row rfl__wire_referral_rows[] = {
    ROW_ENUM(1, door, door, door, 0), ROW_STRING(2, door_code, door_code, 128, SOFT),
    ROW_MESSAGE(3, person, 0, person, 0), ROW_MESSAGE(4, referrer, 0, referrer, 0),
    ROW_STRING(5, gp_practice, gp_practice, 64, SOFT), ROW_STRING(6, jobcentre, jobcentre, 64, SOFT),
    ROW_STRING(7, referrer_area, referrer_area, 64, SOFT),
    RFL_PLAIN(8, band, ENUM, band, .words = &referrald__v1__band__descriptor, .flags = SOFT,
              .count_at = offsetof(CORE, has_band)),
    ROW_ENUM(9, consent, consent, consent, SOFT), ROW_ENUM(10, employment, employment, employment, SOFT),
    ROW_U32(11, weeks_out_of_work, weeks_out_of_work, 5200, SOFT),
    ROW_U8(12, main_barrier, main_barrier, RFL_BARRIER_MAX, SOFT),
    ROW_STRING(13, reason, reason, 20000, SOFT | LINES),
    ROW_WORDS(14, needs, needs, needs_count, RFL_NEEDS_MAX, 128),
    ROW_BOOL(15, safeguarding, safeguarding), ROW_BOOL(16, incident, incident),
    ROW_BOOL(17, interpreter, interpreter), ROW_BOOL(18, step_free, step_free),
    ROW_I64(19, made_ms, made_ms, SOFT), ROW_STRING(20, correlation_id, correlation_id, 128, SOFT),
    ROW_BITS(21, notify, notify, notify, SOFT) };
RFL_TABLE(, rfl__wire_referral, referral);
#undef PB
#undef PREFIX
#undef CORE

/* ---- asks ---- */
#define CORE struct rfl_ask
#define PREFIX ""
#define PB Referrald__V1__Submit
static const struct rfl__wire_row submit_rows[] = {
    ROW_STRING(1, source, source, NAME, NEED), ROW_STRING(2, reference, reference, REFERENCE, NEED),
    ROW_BYTES(3, referral, referral, RFL_BODY_BYTES_MAX, NEED) };
#undef PB
#define PB Referrald__V1__Validate
static const struct rfl__wire_row validate_rows[] = {
    ROW_STRING(1, source, source, NAME, NEED), ROW_BYTES(2, referral, referral, RFL_BODY_BYTES_MAX, NEED) };
#undef PB
#define PB Referrald__V1__StatusQuery
static const struct rfl__wire_row status_query_rows[] = {
    ROW_STRING(1, source, source, NAME, NEED), ROW_STRING(2, receipt, code, CODE, 0),
    ROW_STRING(3, reference, reference, REFERENCE, 0) };
#undef PB
#define PB Referrald__V1__MailboxOpen
static const struct rfl__wire_row mailbox_open_rows[] = {
    ROW_STRING(1, source, source, NAME, NEED), ROW_U32(2, credit, credit, RFL_CREDIT_MAX, 0),
    ROW_U64(3, after, after_sequence, 0) };
#undef PB
#define PB Referrald__V1__FeedbackAck
static const struct rfl__wire_row feedback_ack_rows[] = {
    ROW_STRING(1, source, source, NAME, NEED), ROW_U64(2, upto, upto, 0) };
#undef PB
#define PB Referrald__V1__Reconcile
static const struct rfl__wire_row reconcile_rows[] = {
    ROW_STRING(1, source, source, NAME, NEED), ROW_I64(2, since_ms, at_ms, 0),
    ROW_STRINGS(3, references, names, names_count, REFERENCES_MAX, REFERENCE) };
#undef PB
#define PB Referrald__V1__Amend
static const struct rfl__wire_row amend_rows[] = {
    ROW_STRING(1, source, source, NAME, NEED), ROW_STRING(2, reference, reference, REFERENCE, NEED),
    ROW_BYTES(3, referral, referral, RFL_BODY_BYTES_MAX, NEED), ROW_U32(4, version, version, 0, 0) };
#undef PB
#define PB Referrald__V1__Withdraw
static const struct rfl__wire_row withdraw_rows[] = {
    ROW_STRING(1, source, source, NAME, NEED), ROW_STRING(2, reference, reference, REFERENCE, NEED),
    ROW_ENUM(3, reason, reason, withdraw_reason, NEED), ROW_STRING(4, text, text, TEXT, LINES) };
#undef PB
#define PB Referrald__V1__Subscribe
static const struct rfl__wire_row subscribe_rows[] = {
    ROW_STRING(1, worker, worker, NAME, NEED),
    ROW_STRINGS(2, queues, names, names_count, RFL_QUEUES_PER_WORKER_MAX, NAME),
    ROW_U32(3, credit, credit, RFL_CREDIT_MAX, 0) };
#undef PB

/* Every verb on a case begins with these three. */
#define CASE_ROWS ROW_STRING(1, worker, worker, NAME, NEED), ROW_STRING(2, case_code, code, CODE, NEED), \
                  ROW_TOKEN(3, token, NEED)
#define PB Referrald__V1__Accept
static const struct rfl__wire_row accept_rows[] = { CASE_ROWS };
#undef PB
#define PB Referrald__V1__Decline
static const struct rfl__wire_row decline_rows[] = {
    CASE_ROWS, ROW_ENUM(4, reason, reason, decline_reason, NEED), ROW_STRING(5, text, text, TEXT, NEED | LINES),
    ROW_STRING(6, role, role, ROLE, NEED), ROW_STRING(7, next_step, next_step, TEXT, LINES) };
#undef PB
#define PB Referrald__V1__Redirect
static const struct rfl__wire_row redirect_rows[] = {
    CASE_ROWS, ROW_STRING(4, queue, queue, NAME, NEED), ROW_ENUM(5, reason, reason, decline_reason, NEED),
    ROW_STRING(6, text, text, TEXT, LINES) };
#undef PB
#define PB Referrald__V1__Defer
static const struct rfl__wire_row defer_rows[] = {
    CASE_ROWS, ROW_I64(4, until_ms, at_ms, NEED), ROW_STRING(5, text, text, TEXT, LINES) };
#undef PB
#define PB Referrald__V1__Touch
static const struct rfl__wire_row touch_rows[] = { CASE_ROWS };
#undef PB
#define PB Referrald__V1__Contacted
static const struct rfl__wire_row contacted_rows[] = {
    CASE_ROWS, ROW_ENUM(4, channel, channel, channel, NEED), ROW_BOOL(5, reached, reached) };
#undef PB
#define PB Referrald__V1__Started
static const struct rfl__wire_row started_rows[] = {
    CASE_ROWS, ROW_ENUM(4, employment, employment, employment, 0),
    ROW_U8(5, main_barrier, main_barrier, RFL_BARRIER_MAX, 0) };
#undef PB
#define PB Referrald__V1__Outcome
static const struct rfl__wire_row outcome_rows[] = {
    CASE_ROWS, ROW_ENUM(4, kind, outcome, outcome_kind, NEED) };
#undef PB
#define PB Referrald__V1__Close
static const struct rfl__wire_row close_rows[] = {
    CASE_ROWS, ROW_ENUM(4, reason, reason, close_reason, NEED), ROW_STRING(5, text, text, TEXT, LINES) };
#undef PB
#define PB Referrald__V1__Goodbye
static const struct rfl__wire_row goodbye_rows[] = { ROW_STRING(1, worker, worker, NAME, NEED) };
#undef PB
#define PB Referrald__V1__Ping
static const struct rfl__wire_row ping_rows[] = { ROW_STRING(1, worker, worker, NAME, 0) };
#undef PB
#define PB Referrald__V1__QueueList
static const struct rfl__wire_row queue_list_rows[] = { ROW_STRING(1, after, after, NAME, 0) };
#undef PB
#define PB Referrald__V1__List
static const struct rfl__wire_row list_rows[] = {
    ROW_ENUM(1, status, status, status, 0), ROW_STRING(2, queue, queue, NAME, 0), ROW_STRING(3, after, after, CODE, 0),
    ROW_U32(4, limit, limit, 0, 0), ROW_ENUM(5, door, door, door, 0) };
#undef PB
#define PB Referrald__V1__Show
static const struct rfl__wire_row show_rows[] = { ROW_STRING(1, code, code, CODE, NEED) };
#undef PB
#define PB Referrald__V1__Explain
static const struct rfl__wire_row explain_rows[] = {
    ROW_STRING(1, code, code, CODE, 0), ROW_BYTES(2, referral, referral, RFL_BODY_BYTES_MAX, 0),
    ROW_I64(3, at_ms, at_ms, 0), ROW_BOOL(4, counterfactual, counterfactual) };
#undef PB

/* Every verb of an operator begins with these. Who and why are asked for by the engine, which has a code for their want
 * (REASON_MISSING); what is done to a queue has a shorter reason, kept where it is shown with the queue. */
#define OPERATOR_ROWS(why_bytes) ROW_OPERATOR(1), ROW_STRING(2, reason, why, why_bytes, LINES), \
                                 ROW_BOOL(3, dry_run, dry_run)
#define TRIAGE_ROWS OPERATOR_ROWS(TEXT), ROW_STRING(4, code, code, CODE, NEED)
#define PB Referrald__V1__Place
static const struct rfl__wire_row place_rows[] = {
    TRIAGE_ROWS, ROW_STRING(5, queue, queue, NAME, NEED), ROW_BOOL(6, override_no, override_no) };
#undef PB
#define PB Referrald__V1__SendBack
static const struct rfl__wire_row send_back_rows[] = { TRIAGE_ROWS };
#undef PB
#define PB Referrald__V1__Hold
static const struct rfl__wire_row hold_rows[] = { TRIAGE_ROWS, ROW_I64(5, until_ms, at_ms, NEED) };
#undef PB
#define PB Referrald__V1__Release
static const struct rfl__wire_row release_rows[] = { TRIAGE_ROWS, ROW_STRING(5, queue, queue, NAME, 0) };
#undef PB
#define PB Referrald__V1__Shut
static const struct rfl__wire_row shut_rows[] = { TRIAGE_ROWS, ROW_ENUM(5, close, reason, close_reason, NEED) };
#undef PB
#define PB Referrald__V1__Link
static const struct rfl__wire_row link_rows[] = { TRIAGE_ROWS, ROW_STRING(5, to, to, CODE, NEED) };
#undef PB
#define PB Referrald__V1__Unlink
static const struct rfl__wire_row unlink_rows[] = { TRIAGE_ROWS };
#undef PB
#define PB Referrald__V1__QueueSet
static const struct rfl__wire_row queue_set_rows[] = {
    OPERATOR_ROWS(WHY), ROW_STRING(4, queue, queue, NAME, NEED),
    ROW_ENUM(5, mode, mode, queue_mode, NEED | RFL__WIRE_STATED), ROW_I64(6, until_ms, at_ms, 0),
    ROW_STRING(7, to, to, NAME, 0), ROW_U32(8, capacity, capacity, 0, 0) };
#undef PB
#define PB Referrald__V1__AuditRead
static const struct rfl__wire_row audit_read_rows[] = {
    ROW_U64(1, after, after_sequence, 0), ROW_U32(2, limit, limit, 0, 0) };
#undef PB
#define WHO_AND_WHY ROW_OPERATOR(1), ROW_STRING(2, reason, why, TEXT, LINES)
#define PB Referrald__V1__Reveal
static const struct rfl__wire_row reveal_rows[] = {
    WHO_AND_WHY, ROW_STRING(3, code, code, CODE, NEED), ROW_U64(4, after, after_sequence, 0) };
#undef PB
#define PB Referrald__V1__SubjectFind
static const struct rfl__wire_row subject_find_rows[] = {
    WHO_AND_WHY, ROW_BYTES(3, referral, referral, RFL_BODY_BYTES_MAX, 0), ROW_STRING(4, code, code, CODE, 0) };
#undef PB
#define PB Referrald__V1__ToldQuery
static const struct rfl__wire_row told_query_rows[] = {
    ROW_STRING(1, code, code, CODE, NEED), ROW_U64(2, after, after_sequence, 0) };
#undef PB
/* The reason of an erasure outlives the case's key, so it is kept in the clear and short, as a queue's is. */
#define PB Referrald__V1__SubjectErase
static const struct rfl__wire_row subject_erase_rows[] = {
    OPERATOR_ROWS(WHY), ROW_STRING(4, code, code, CODE, NEED) };
#undef PB
#define PB Referrald__V1__SubjectHold
static const struct rfl__wire_row subject_hold_rows[] = { TRIAGE_ROWS };
#undef PB
#define PB Referrald__V1__SubjectRelease
static const struct rfl__wire_row subject_release_rows[] = { TRIAGE_ROWS };
#undef PB
#define PB Referrald__V1__RetentionQuery
static const struct rfl__wire_row retention_query_rows[] = { ROW_U64(1, after, after_sequence, 0) };
#undef PB
#define PB Referrald__V1__PolicyLoad
static const struct rfl__wire_row policy_load_rows[] = {
    OPERATOR_ROWS(WHY), ROW_STRING(4, digest, digest, CODE, 0), ROW_BOOL(5, force, force) };
#undef PB
#define PB Referrald__V1__AreaPlan
static const struct rfl__wire_row area_plan_rows[] = {
    ROW_I64(1, at_ms, at_ms, 0), ROW_STRING(2, after, after, CODE, 0), ROW_BOOL(3, past, past) };
#undef PB
#define PB Referrald__V1__KeysReload
static const struct rfl__wire_row keys_reload_rows[] = { OPERATOR_ROWS(TEXT) };
#undef PB
#define PB Referrald__V1__DecisionQuery
static const struct rfl__wire_row decision_query_rows[] = { ROW_U64(1, sequence, sequence, NEED) };
#undef PB
#undef PREFIX
#undef CORE

#define X(NAME_, name_, number_) \
    [RFL_MSG_##NAME_] = { .number = number_, .table = { name_##_rows, sizeof name_##_rows / sizeof name_##_rows[0], \
                                                        &referrald__v1__##name_##__descriptor } },
const struct rfl__wire_message rfl__wire_asks[RFL_MSG_COUNT] = {
    RFL__WIRE_ASKS(X)
    [RFL_MSG_POLICY_LIST] = { .number = 123, .table = { NULL, 0, &referrald__v1__policy_list__descriptor } },
    [RFL_MSG_ADMIN_STATUS] = { .number = 80, .table = { NULL, 0, &referrald__v1__admin_status__descriptor } },
    [RFL_MSG_KEY_SHOW] = { .number = 133, .table = { NULL, 0, &referrald__v1__key_show__descriptor } },
};
#undef X
