/* The tables of what the daemon answers and tells. */
#include "rfl_wire_rows.h"

/* Limits of what we say ourselves: generous, they only keep a broken daemon from surprising a client. */
enum { WORD = 256, SAID = 4096, MARKS_MAX = 64, LEGAL_MAX = RFL_MSG_COUNT, EVENTS_MAX = 64,
       STORE_ID = 16, HASH = 32, SIGNATURE = 64, RAW = RFL__WIRE_RAW };

#define PREFIX ""
#define CORE struct rfl_finding
#define PB Referrald__V1__Finding
static const struct rfl__wire_row finding_rows[] = {
    ROW_STRING(1, path, path, WORD, 0), ROW_STRING(2, code, code, WORD, 0),
    ROW_ENUM(3, severity, severity, severity, 0),
    ROW_STRING(4, rule, rule, WORD, 0), ROW_STRING(5, remedy, remedy, WORD, 0) };
RFL_TABLE(static, finding, finding);
#undef PB
#undef CORE
#define CORE struct rfl_surplus
#define PB Referrald__V1__Surplus
static const struct rfl__wire_row surplus_rows[] = {
    ROW_STRING(1, reference, reference, WORD, 0), ROW_STRING(2, receipt, receipt, WORD, 0),
    ROW_I64(3, received_ms, received_ms, 0) };
RFL_TABLE(static, surplus, surplus);
#undef PB
#undef CORE
#define CORE struct rfl_queue_row
#define PB Referrald__V1__QueueRow
static const struct rfl__wire_row queue_row_rows[] = {
    ROW_STRING(1, name, name, WORD, 0), ROW_STRING(2, owner, owner, WORD, 0), ROW_U64(3, waiting, waiting, 0),
    ROW_I64(4, oldest_ms, oldest_ms, 0), ROW_U32(5, workers, workers, 0, 0), ROW_STRING(6, area, area, WORD, 0),
    ROW_ENUM(7, mode, mode, queue_mode, 0), ROW_I64(8, until_ms, until_ms, 0), ROW_STRING(9, to, to, WORD, 0),
    ROW_U32(10, capacity, capacity, 0, 0), ROW_U64(11, working, working, 0), ROW_STRING(12, set_by, set_by, WORD, 0),
    ROW_STRING(13, why, why, SAID, RFL__WIRE_LINES) };
RFL_TABLE(static, queue_row, queue_row);
#undef PB
#undef CORE
#define CORE struct rfl_counter
#define PB Referrald__V1__Counter
static const struct rfl__wire_row counter_rows[] = {
    ROW_STRING(1, name, name, WORD, 0), ROW_U64(2, value, value, 0) };
RFL_TABLE(static, counter, counter);
#undef PB
#undef CORE
#define CORE struct rfl_key_ending
#define PB Referrald__V1__KeyEnding
static const struct rfl__wire_row key_ending_rows[] = {
    ROW_STRING(1, name, name, WORD, 0), ROW_I64(2, until_ms, until_ms, 0) };
RFL_TABLE(static, key_ending, key_ending);
#undef PB
#undef CORE
#define CORE struct rfl_case_row
#define PB Referrald__V1__CaseRow
static const struct rfl__wire_row case_row_rows[] = {
    ROW_STRING(1, case_code, case_code, WORD, 0), ROW_ENUM(2, status, status, status, 0),
    ROW_STRING(3, area, area, WORD, 0), ROW_STRING(4, queue, queue, WORD, 0), ROW_STRING(5, owner, owner, WORD, 0),
    ROW_STRING(6, next_action, next_action, WORD, 0), ROW_I64(7, opened_ms, opened_ms, 0),
    ROW_I64(8, due_ms, due_ms, 0), ROW_U32(9, referrals, referrals, 0, 0), ROW_ENUM(10, door, door, door, 0),
    ROW_U32(11, hops, hops, 0, 0), ROW_ENUM(12, band, band, band, 0), ROW_STRING(13, receipt, receipt, WORD, 0),
    ROW_U32(14, escalation, escalation, 0, 0), ROW_STRING(15, hold, hold, WORD, 0),
    ROW_STRING(16, linked_to, linked_to, WORD, 0), ROW_STRING(17, resembles, resembles, WORD, 0),
    ROW_STRING(18, previous, previous, WORD, 0), ROW_BOOL(19, kept, kept), ROW_BOOL(20, erased, erased) };
RFL_TABLE(static, case_row, case_row);
#undef PB
#undef CORE
#define CORE struct rfl_timeline_row
#define PB Referrald__V1__TimelineRow
static const struct rfl__wire_row timeline_row_rows[] = {
    ROW_U64(1, sequence, sequence, 0), ROW_I64(2, at_ms, at_ms, 0), ROW_STRING(3, event, event, WORD, 0),
    ROW_STRING(4, actor, actor, WORD, 0), ROW_STRING(5, detail, detail, SAID, RFL__WIRE_LINES) };
RFL_TABLE(static, timeline_row, timeline_row);
#undef PB
#undef CORE
#define CORE struct rfl_candidate_row
#define PB Referrald__V1__Candidate
static const struct rfl__wire_row candidate_rows[] = {
    ROW_STRING(1, key, key, WORD, 0), ROW_STRING(2, grade, grade, WORD, 0), ROW_STRING(3, icb, icb, WORD, 0),
    ROW_STRING(4, sub_icb, sub_icb, WORD, 0), ROW_STRING(5, area, area, WORD, 0), ROW_STRING(6, how, how, WORD, 0),
    ROW_BOOL(7, chosen, chosen), ROW_U32(8, line, line, 0, 0), ROW_U32(9, edition, edition, 0, 0),
    ROW_STRINGS(10, marks, marks, marks_count, MARKS_MAX, WORD) };
RFL_TABLE(static, candidate, candidate);
#undef PB
#undef CORE
#define CORE struct rfl_msg_head
#define PB Referrald__V1__Head
static const struct rfl__wire_row head_rows[] = {
    ROW_BYTES(1, store_id, store_id, STORE_ID, RAW), ROW_U32(2, epoch, epoch, 0, 0), ROW_U64(3, sequence, sequence, 0),
    ROW_I64(4, at_ms, at_ms, 0), ROW_BYTES(5, hash, hash, HASH, RAW),
    ROW_BYTES(6, signature, signature, SIGNATURE, RAW), ROW_BYTES(7, public_key, public_key, HASH, RAW) };
RFL_TABLE(static, head, head);
#undef PB
#undef CORE
#define CORE struct rfl_audit_row
#define PB Referrald__V1__AuditEntry
static const struct rfl__wire_row audit_entry_rows[] = {
    ROW_U64(1, sequence, sequence, 0), ROW_BYTES(2, entry, entry, RFL_MESSAGE_BYTES_MAX, RAW),
    ROW_STRING(3, case_code, case_code, WORD, 0), ROW_STRING(4, receipt, receipt, WORD, 0),
    ROW_STRING(5, actor, actor, WORD, 0) };
RFL_TABLE(static, audit_entry, audit_entry);
#undef PB
#undef CORE
#define CORE struct rfl_revealed_part
#define PB Referrald__V1__RevealedPart
static const struct rfl__wire_row revealed_part_rows[] = {
    ROW_U64(1, sequence, sequence, 0), ROW_I64(2, at_ms, at_ms, 0), ROW_STRING(3, event, event, WORD, 0),
    ROW_STRING(4, actor, actor, WORD, 0), ROW_STRING(5, receipt, receipt, WORD, 0), ROW_ENUM(6, door, door, door, 0),
    ROW_STRING(7, reference, reference, WORD, 0), ROW_BYTES(8, referral, referral, RFL_BODY_BYTES_MAX, 0),
    ROW_STRING(9, text, text, SAID, RFL__WIRE_LINES), ROW_STRING(10, role, role, WORD, 0),
    ROW_STRING(11, next_step, next_step, SAID, RFL__WIRE_LINES) };
RFL_TABLE(static, revealed_part, revealed_part);
#undef PB
#undef CORE
#define CORE struct rfl_told_row
#define PB Referrald__V1__ToldRow
static const struct rfl__wire_row told_row_rows[] = {
    ROW_U64(1, sequence, sequence, 0), ROW_I64(2, at_ms, at_ms, 0), ROW_STRING(3, source, source, WORD, 0),
    ROW_ENUM(4, door, door, door, 0), ROW_STRING(5, receipt, receipt, WORD, 0), ROW_STRING(6, word, word, WORD, 0),
    ROW_STRING(7, detail, detail, WORD, 0), ROW_STRING(8, provider, provider, WORD, 0),
    ROW_BOOL(9, acknowledged, acknowledged) };
RFL_TABLE(static, told_row, told_row);
#undef PB
#undef CORE
#define CORE struct rfl_retention_row
#define PB Referrald__V1__RetentionRow
static const struct rfl__wire_row retention_row_rows[] = {
    ROW_STRING(1, what, what, WORD, 0), ROW_STRING(2, keep, keep, WORD, 0), ROW_STRING(3, why, why, SAID, 0),
    ROW_U64(4, items, items, 0), ROW_I64(5, oldest_ms, oldest_ms, 0), ROW_U64(6, beyond, beyond, 0) };
RFL_TABLE(static, retention_row, retention_row);
#undef PB
#undef CORE
#define CORE struct rfl_tried_row
#define PB Referrald__V1__Tried
static const struct rfl__wire_row tried_rows[] = {
    ROW_STRING(1, name, name, WORD, 0), ROW_STRING(2, owner, owner, WORD, 0), ROW_STRING(3, file, file, WORD, 0),
    ROW_U32(4, line, line, 0, 0), ROW_BOOL(5, advice, advice), ROW_BOOL(6, shadow, shadow), ROW_BOOL(7, holds, holds),
    ROW_STRING(8, unmet, unmet, WORD, 0) };
RFL_TABLE(static, tried, tried);
#undef PB
#undef CORE
#define CORE struct rfl_differ_row
#define PB Referrald__V1__Differ
static const struct rfl__wire_row differ_rows[] = {
    ROW_STRING(1, change, change, WORD, 0), ROW_STRING(2, queue, queue, WORD, 0) };
RFL_TABLE(static, differ, differ);
#undef PB
#undef CORE
#define CORE struct rfl_policy_finding_row
#define PB Referrald__V1__PolicyFinding
static const struct rfl__wire_row policy_finding_rows[] = {
    ROW_STRING(1, file, file, SAID, 0), ROW_U32(2, line, line, 0, 0), ROW_STRING(3, key, key, WORD, 0),
    ROW_STRING(4, rule, rule, SAID, 0), ROW_STRING(5, remedy, remedy, SAID, 0) };
RFL_TABLE(static, policy_finding, policy_finding);
#undef PB
#undef CORE
#define CORE struct rfl_policy_row
#define PB Referrald__V1__PolicyRow
static const struct rfl__wire_row policy_row_rows[] = {
    ROW_STRING(1, digest, digest, WORD, 0), ROW_I64(2, since_ms, since_ms, 0), ROW_STRING(3, by, by, WORD, 0),
    ROW_STRING(4, why, why, SAID, RFL__WIRE_LINES), ROW_BOOL(5, in_force, in_force), ROW_BOOL(6, pinned, pinned),
    ROW_BOOL(7, kept, kept) };
RFL_TABLE(static, policy_row, policy_row);
#undef PB
#undef CORE
#define CORE struct rfl_area_row
#define PB Referrald__V1__AreaRow
static const struct rfl__wire_row area_row_rows[] = {
    ROW_STRING(1, queue, queue, WORD, 0), ROW_STRING(2, to, to, WORD, 0), ROW_STRING(3, reason, reason, WORD, 0),
    ROW_U64(4, waiting, waiting, 0), ROW_U64(5, held, held, 0),
    ROW_STRINGS(6, samples, samples, samples_count, MARKS_MAX, WORD) };
RFL_TABLE(static, area_row, area_row);
#undef PB
#undef CORE

#define CORE struct rfl_reply
#define PB Referrald__V1__Receipt
static const struct rfl__wire_row receipt_rows[] = {
    ROW_STRING(1, receipt, receipt.receipt, WORD, 0), ROW_BOOL(2, replayed, receipt.replayed),
    ROW_BOOL(3, joined, receipt.joined), ROW_ENUM(4, status, receipt.status, status, 0),
    ROW_STRING(5, area, receipt.area, WORD, 0), ROW_STRING(6, queue, receipt.queue, WORD, 0),
    ROW_STRING(7, reason, receipt.reason, WORD, 0), ROW_I64(8, received_ms, receipt.received_ms, 0),
    ROW_I64(9, due_ms, receipt.due_ms, 0), ROW_U32(10, epoch, receipt.epoch, 0, 0),
    ROW_U64(11, log_sequence, receipt.log_sequence, 0),
    ROW_MESSAGES(12, warnings, receipt.warnings, receipt.warnings_count, struct rfl_finding, finding),
    ROW_U32(13, version, receipt.version, 0, 0), ROW_MESSAGE(14, head, offsetof(CORE, receipt.head), head, 0) };
#undef PB
#define PB Referrald__V1__Refusal
#define CODE_AT offsetof(CORE, refusal.code)
static const struct rfl__wire_row refusal_rows[] = {
    ROW_ENUM(1, code, refusal.code, code, 0), ROW_CODE(2, text, CODE_TEXT), ROW_CODE(3, remedy, CODE_REMEDY),
    ROW_CODE(4, retryable, CODE_RETRY), ROW_U32(5, retry_after_ms, refusal.retry_after_ms, 0, 0),
    ROW_MESSAGES(6, findings, refusal.findings, refusal.findings_count, struct rfl_finding, finding),
    ROW_ENUM(7, status, refusal.status, status, 0),
    ROW_STRINGS(8, legal, refusal.legal, refusal.legal_count, LEGAL_MAX, WORD) };
#undef PB
#define PB Referrald__V1__Validated
static const struct rfl__wire_row validated_rows[] = {
    ROW_MESSAGES(1, findings, validated.findings, validated.findings_count, struct rfl_finding, finding),
    ROW_BOOL(2, acceptable, validated.acceptable) };
#undef PB
#define PB Referrald__V1__StatusReport
static const struct rfl__wire_row status_report_rows[] = {
    ROW_STRING(1, receipt, status_report.receipt, WORD, 0), ROW_ENUM(2, status, status_report.status, status, 0),
    ROW_STRING(3, owner, status_report.owner, WORD, 0), ROW_STRING(4, next_action, status_report.next_action, WORD, 0),
    ROW_I64(5, since_ms, status_report.since_ms, 0), ROW_I64(6, due_ms, status_report.due_ms, 0),
    ROW_STRING(7, area, status_report.area, WORD, 0), ROW_I64(8, received_ms, status_report.received_ms, 0),
    ROW_U32(9, version, status_report.version, 0, 0) };
#undef PB
#define PB Referrald__V1__MailboxOpened
static const struct rfl__wire_row mailbox_opened_rows[] = {
    ROW_U64(1, acknowledged, mailbox_opened.acknowledged, 0), ROW_U64(2, last, mailbox_opened.last, 0) };
#undef PB
#define PB Referrald__V1__Feedback
static const struct rfl__wire_row feedback_rows[] = {
    ROW_STRING(1, source, feedback.source, WORD, 0), ROW_U64(2, sequence, feedback.sequence, 0),
    ROW_STRING(3, receipt, feedback.receipt, WORD, 0), ROW_STRING(4, word, feedback.word, WORD, 0),
    ROW_I64(5, at_ms, feedback.at_ms, 0), ROW_STRING(6, detail, feedback.detail, SAID, RFL__WIRE_LINES),
    ROW_STRING(7, provider, feedback.provider, WORD, 0), ROW_STRING(8, reference, feedback.reference, WORD, 0),
    ROW_ENUM(9, status, feedback.status, status, 0), ROW_STRING(10, owner, feedback.owner, WORD, 0),
    ROW_I64(11, since_ms, feedback.since_ms, 0), ROW_I64(12, due_ms, feedback.due_ms, 0) };
#undef PB
#define PB Referrald__V1__Acked
static const struct rfl__wire_row acked_rows[] = { ROW_U64(1, upto, acked.upto, 0) };
#undef PB
#define PB Referrald__V1__Reconciled
static const struct rfl__wire_row reconciled_rows[] = {
    ROW_STRINGS(1, missing, reconciled.missing, reconciled.missing_count, ITEMS_MAX, WORD),
    ROW_MESSAGES(2, surplus, reconciled.surplus, reconciled.surplus_count, struct rfl_surplus, surplus),
    ROW_BOOL(3, truncated, reconciled.truncated) };
#undef PB
#define PB Referrald__V1__Changed
static const struct rfl__wire_row changed_rows[] = {
    ROW_STRING(1, receipt, changed.receipt, WORD, 0), ROW_ENUM(2, status, changed.status, status, 0),
    ROW_U32(3, version, changed.version, 0, 0) };
#undef PB
#define PB Referrald__V1__Subscribed
static const struct rfl__wire_row subscribed_rows[] = {
    ROW_U32(1, queues, subscribed.queues, 0, 0), ROW_U32(2, credit, subscribed.credit, 0, 0),
    ROW_U32(3, outstanding, subscribed.outstanding, 0, 0) };
#undef PB
#define PB Referrald__V1__Preview
static const struct rfl__wire_row preview_rows[] = {
    ROW_STRING(1, area, offer.area, WORD, 0), ROW_STRING(2, queue, offer.queue, WORD, 0),
    ROW_ENUM(3, band, offer.band, band, 0), ROW_ENUM(4, door, offer.door, door, 0),
    ROW_I64(5, waiting_since_ms, offer.since_ms, 0), ROW_U8(6, main_barrier, offer.main_barrier, RFL_BARRIER_MAX, 0),
    ROW_ENUM(7, employment, offer.employment, employment, 0),
    ROW_U32(8, weeks_out_of_work, offer.weeks_out_of_work, 0, 0),
    ROW_FLAG(9, safeguarding, offer.flags, RFL_FLAG_SAFEGUARDING),
    ROW_FLAG(10, incident, offer.flags, RFL_FLAG_INCIDENT),
    ROW_FLAG(11, interpreter, offer.flags, RFL_FLAG_INTERPRETER),
    ROW_FLAG(12, step_free, offer.flags, RFL_FLAG_STEP_FREE),
    ROW_U32(13, hops, offer.hops, 0, 0), ROW_U32(14, lapses, offer.lapses, 0, 0),
    ROW_U32(15, referrals, offer.referrals, 0, 0), ROW_STRING(16, barrier_group, offer.barrier_group, WORD, 0) };
RFL_TABLE(static, preview, preview);
#undef PB
#define PB Referrald__V1__Offer
static const struct rfl__wire_row offer_rows[] = {
    ROW_STRING(1, case_code, offer.case_code, WORD, 0), ROW_TOKEN(2, offer.token, 0),
    ROW_I64(3, deadline_ms, offer.deadline_ms, 0), ROW_MESSAGE(4, preview, 0, preview, 0) };
#undef PB
#define PB Referrald__V1__Record
static const struct rfl__wire_row record_rows[] = {
    ROW_STRING(1, case_code, record.case_code, WORD, 0), ROW_TOKEN(2, record.token, 0),
    ROW_U32(3, index, record.index, 0, 0), ROW_U32(4, total, record.total, 0, 0),
    ROW_STRING(5, receipt, record.receipt, WORD, 0), ROW_I64(6, received_ms, record.received_ms, 0),
    ROW_ENUM(7, door, record.door, door, 0), ROW_BYTES(8, referral, record.referral, RFL_BODY_BYTES_MAX, 0),
    ROW_I64(9, due_ms, record.due_ms, 0) };
#undef PB
#define PB Referrald__V1__Done
static const struct rfl__wire_row done_rows[] = {
    ROW_STRING(1, case_code, done.case_code, WORD, 0), ROW_TOKEN(2, done.token, 0),
    ROW_ENUM(3, status, done.status, status, 0), ROW_I64(4, due_ms, done.due_ms, 0),
    ROW_STRING(5, queue, done.queue, WORD, 0) };
#undef PB
#define PB Referrald__V1__Bye
static const struct rfl__wire_row bye_rows[] = { ROW_U32(1, returned, bye.returned, 0, 0) };
#undef PB
#define PB Referrald__V1__Notice
static const struct rfl__wire_row notice_rows[] = {
    ROW_ENUM(1, kind, notice.kind, notice_kind, 0), ROW_STRING(2, case_code, notice.case_code, WORD, 0),
    ROW_TOKEN(3, notice.token, 0), ROW_STRING(4, queue, notice.queue, WORD, 0),
    ROW_STRINGS(5, moved_to, notice.moved_to, notice.moved_to_count, MARKS_MAX, WORD) };
#undef PB
#define PB Referrald__V1__AdminState
static const struct rfl__wire_row admin_state_rows[] = {
    ROW_STRING(1, version, admin_state.version, WORD, 0), ROW_STRING(2, policy, admin_state.policy, WORD, 0),
    ROW_STRING(3, directory, admin_state.directory, WORD, 0), ROW_U32(4, epoch, admin_state.epoch, 0, 0),
    ROW_U64(5, log_entries, admin_state.log_entries, 0), ROW_U64(6, referrals, admin_state.referrals, 0),
    ROW_U64(7, cases, admin_state.cases, 0), ROW_U64(8, joined, admin_state.joined, 0),
    RFL_ROW(9, by_status, .type = RFL__WIRE_BY_STATUS, .pb_has = offsetof(PB, n_by_status),
            RFL_AT(admin_state.by_status), .limit = RFL_STATUS_COUNT),
    ROW_U32(10, store_permille, admin_state.store_permille, 0, 0), ROW_U64(11, store_bytes, admin_state.store_bytes, 0),
    ROW_U64(12, mailbox_rows, admin_state.mailbox_rows, 0), ROW_I64(13, started_ms, admin_state.started_ms, 0),
    ROW_I64(14, now_ms, admin_state.now_ms, 0),
    ROW_MESSAGES(15, counters, admin_state.counters, admin_state.counters_count, struct rfl_counter, counter),
    ROW_BOOL(16, adds_up, admin_state.adds_up), ROW_STRING(17, bind, admin_state.bind, SAID, 0),
    ROW_U64(18, index_bytes, admin_state.index_bytes, 0), ROW_BOOL(19, without_keys, admin_state.without_keys),
    ROW_U32(20, keys, admin_state.keys, 0, 0),
    ROW_MESSAGES(21, keys_ending, admin_state.keys_ending, admin_state.keys_ending_count, struct rfl_key_ending,
                 key_ending),
    ROW_I64(30, policy_since_ms, admin_state.policy_since_ms, 0),
    ROW_BOOL(31, policy_pinned, admin_state.policy_pinned),
    ROW_I64(32, reload_refused_ms, admin_state.reload_refused_ms, 0),
    ROW_STRING(33, reload_refused, admin_state.reload_refused, SAID, 0),
    ROW_STRING(34, policy_doubtful, admin_state.policy_doubtful, SAID, 0),
    ROW_MESSAGE(40, head, offsetof(CORE, admin_state.head), head, 0) };
#undef PB
#define PB Referrald__V1__Queues
static const struct rfl__wire_row queues_rows[] = {
    ROW_MESSAGES(1, queues, queues.rows, queues.rows_count, struct rfl_queue_row, queue_row),
    ROW_BOOL(2, more, queues.more) };
#undef PB
#define PB Referrald__V1__Cases
static const struct rfl__wire_row cases_rows[] = {
    ROW_MESSAGES(1, cases, cases.rows, cases.rows_count, struct rfl_case_row, case_row),
    ROW_STRING(2, next, cases.next, WORD, 0) };
#undef PB
#define PB Referrald__V1__Shown
static const struct rfl__wire_row shown_rows[] = {
    ROW_MESSAGE(1, row, offsetof(CORE, shown.row), case_row, 0),
    ROW_MESSAGES(2, timeline, shown.timeline, shown.timeline_count, struct rfl_timeline_row, timeline_row),
    ROW_STRINGS(3, receipts, shown.receipts, shown.receipts_count, ITEMS_MAX, WORD),
    ROW_BOOL(4, truncated, shown.truncated) };
#undef PB
#define PB Referrald__V1__Explained
static const struct rfl__wire_row explained_rows[] = {
    ROW_STRING(1, code, explained.code, WORD, 0), ROW_I64(2, at_ms, explained.at_ms, 0),
    ROW_STRING(3, policy, explained.policy, WORD, 0), ROW_STRING(4, verdict, explained.verdict, WORD, 0),
    ROW_STRING(5, reason, explained.reason, WORD, 0), ROW_STRING(6, area, explained.area, WORD, 0),
    ROW_STRING(7, queue, explained.queue, WORD, 0), ROW_STRING(8, owner, explained.owner, WORD, 0),
    ROW_MESSAGES(9, candidates, explained.candidates, explained.candidates_count, struct rfl_candidate_row, candidate),
    ROW_STRING(10, consent, explained.consent, WORD, 0), ROW_STRING(11, next_action, explained.next_action, WORD, 0),
    ROW_I64(12, due_ms, explained.due_ms, 0), ROW_BOOL(13, hypothetical, explained.hypothetical),
    ROW_MESSAGES(14, warnings, explained.warnings, explained.warnings_count, struct rfl_finding, finding),
    ROW_ENUM(15, door, explained.door, door, 0), ROW_STRING(16, place, explained.place, WORD, 0),
    ROW_STRING(17, rule, explained.rule, WORD, 0), ROW_STRING(18, advice, explained.advice, WORD, 0),
    ROW_STRING(19, shadow, explained.shadow, WORD, 0), ROW_STRING(20, shadow_queue, explained.shadow_queue, WORD, 0),
    ROW_STRING(21, again, explained.again, WORD, 0),
    ROW_MESSAGES(22, tried, explained.tried, explained.tried_count, struct rfl_tried_row, tried),
    ROW_U32(23, capacity, explained.capacity, 0, 0), ROW_U64(24, people, explained.people, 0),
    ROW_STRINGS(25, full, explained.full, explained.full_count, RFL_FULL_MAX, WORD),
    ROW_MESSAGES(26, differ, explained.differ, explained.differ_count, struct rfl_differ_row, differ),
    ROW_U32(27, differ_all, explained.differ_all, 0, 0) };
#undef PB
#define PB Referrald__V1__Acted
static const struct rfl__wire_row acted_rows[] = {
    ROW_BOOL(1, dry_run, acted.dry_run), ROW_MESSAGE(2, before, offsetof(CORE, acted.before), case_row, 0),
    ROW_MESSAGE(3, after, offsetof(CORE, acted.after), case_row, 0),
    ROW_STRINGS(4, events, acted.events, acted.events_count, EVENTS_MAX, WORD),
    ROW_MESSAGE(5, queue, offsetof(CORE, acted.queue), queue_row, 0) };
#undef PB
#define PB Referrald__V1__AuditPage
static const struct rfl__wire_row audit_page_rows[] = {
    ROW_MESSAGES(1, entries, audit_page.entries, audit_page.entries_count, struct rfl_audit_row, audit_entry),
    ROW_MESSAGE(2, head, offsetof(CORE, audit_page.head), head, 0) };
#undef PB
#define PB Referrald__V1__Revealed
static const struct rfl__wire_row revealed_rows[] = {
    ROW_STRING(1, case_code, revealed.case_code, WORD, 0),
    ROW_MESSAGES(2, parts, revealed.parts, revealed.parts_count, struct rfl_revealed_part, revealed_part),
    ROW_U64(3, next, revealed.next, 0), ROW_BOOL(4, erased, revealed.erased) };
#undef PB
#define PB Referrald__V1__SubjectFound
static const struct rfl__wire_row subject_found_rows[] = {
    ROW_MESSAGES(1, cases, subject_found.cases, subject_found.cases_count, struct rfl_case_row, case_row) };
#undef PB
#define PB Referrald__V1__Told
static const struct rfl__wire_row told_rows[] = {
    ROW_MESSAGES(1, rows, told.rows, told.rows_count, struct rfl_told_row, told_row), ROW_U64(2, next, told.next, 0) };
#undef PB
#define PB Referrald__V1__SubjectDone
static const struct rfl__wire_row subject_done_rows[] = {
    ROW_BOOL(1, dry_run, subject_done.dry_run),
    ROW_MESSAGES(2, cases, subject_done.cases, subject_done.cases_count, struct rfl_case_row, case_row),
    ROW_STRINGS(3, events, subject_done.events, subject_done.events_count, EVENTS_MAX, WORD) };
#undef PB
#define PB Referrald__V1__Retention
static const struct rfl__wire_row retention_rows[] = {
    ROW_MESSAGES(1, rows, retention.rows, retention.rows_count, struct rfl_retention_row, retention_row),
    ROW_U64(2, next, retention.next, 0) };
#undef PB
#define PB Referrald__V1__PolicyLoaded
static const struct rfl__wire_row policy_loaded_rows[] = {
    ROW_BOOL(1, dry_run, policy_loaded.dry_run), ROW_BOOL(2, taken, policy_loaded.taken),
    ROW_STRING(3, before, policy_loaded.before, WORD, 0), ROW_STRING(4, after, policy_loaded.after, WORD, 0),
    ROW_BOOL(5, pinned, policy_loaded.pinned),
    ROW_MESSAGES(6, findings, policy_loaded.findings, policy_loaded.findings_count, struct rfl_policy_finding_row,
                 policy_finding) };
#undef PB
#define PB Referrald__V1__Policies
static const struct rfl__wire_row policies_rows[] = {
    ROW_MESSAGES(1, policies, policies.rows, policies.rows_count, struct rfl_policy_row, policy_row),
    ROW_BOOL(2, truncated, policies.truncated) };
#undef PB
#define PB Referrald__V1__AreaPlanned
static const struct rfl__wire_row area_planned_rows[] = {
    ROW_I64(1, at_ms, area_planned.at_ms, 0),
    ROW_MESSAGES(2, rows, area_planned.rows, area_planned.rows_count, struct rfl_area_row, area_row),
    ROW_STRING(3, next, area_planned.next, WORD, 0) };
#undef PB
#define PB Referrald__V1__KeysReloaded
static const struct rfl__wire_row keys_reloaded_rows[] = {
    ROW_BOOL(1, dry_run, keys_reloaded.dry_run), ROW_U32(2, keys, keys_reloaded.keys, 0, 0),
    ROW_U32(3, ended, keys_reloaded.ended, 0, 0) };
#undef PB
#define PB Referrald__V1__KeyShown
static const struct rfl__wire_row key_shown_rows[] = {
    ROW_STRING(1, name, key_shown.name, WORD, 0), ROW_STRING(2, kind, key_shown.kind, WORD, 0),
    ROW_STRING(3, who, key_shown.who, WORD, 0), ROW_STRING(4, owner, key_shown.owner, SAID, 0),
    ROW_STRING(5, fingerprint, key_shown.fingerprint, WORD, 0),
    ROW_STRINGS(6, may, key_shown.may, key_shown.may_count, ITEMS_MAX, WORD),
    ROW_I64(7, from_ms, key_shown.from_ms, 0), ROW_I64(8, until_ms, key_shown.until_ms, 0),
    ROW_BOOL(9, without_keys, key_shown.without_keys) };
#undef PB
#define PB Referrald__V1__Decision
static const struct rfl__wire_row decision_rows[] = {
    ROW_U64(1, sequence, decision.sequence, 0), ROW_STRING(2, case_code, decision.case_code, WORD, 0),
    ROW_I64(3, at_ms, decision.at_ms, 0), ROW_ENUM(4, door, decision.door, door, 0),
    ROW_STRING(5, queue, decision.queue, WORD, 0), ROW_STRING(6, rule, decision.rule, WORD, 0),
    ROW_STRING(7, policy, decision.policy, WORD, 0), ROW_STRING(8, reason, decision.reason, WORD, 0) };
#undef PB
#undef CORE

#define X(NAME_, name_, number_) \
    [RFL_MSG_##NAME_] = { .number = number_, .table = { name_##_rows, sizeof name_##_rows / sizeof name_##_rows[0], \
                                                        &referrald__v1__##name_##__descriptor } },
const struct rfl__wire_message rfl__wire_replies[RFL_MSG_COUNT] = {
    RFL__WIRE_REPLIES(X)
    [RFL_MSG_PONG] = { .number = 57, .table = { NULL, 0, &referrald__v1__pong__descriptor } },
};
#undef X
