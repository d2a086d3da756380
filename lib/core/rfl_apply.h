/* rfl_apply.h: the case after an event; the only function that changes a case, and the table of what is allowed. */
#ifndef RFL_APPLY_H
#define RFL_APPLY_H

#include "rfl_event.h"

/* The status after `event` in `status`; RFL_STATUS_NONE: not allowed there (an existing case never becomes NONE).
 * Events that are about no case (MAILBOX_ACKED, EPOCH_STARTED, POLICY_LOADED) are allowed nowhere. */
enum rfl_status rfl_table_next(enum rfl_status status, enum rfl_event_kind event);

/* The case after one event of entry `entry` (its time is read). before may equal after. RFL_E_STATE: the table does not
 * allow it here; RFL_E_CORRUPT: the event contradicts the case. On any error *after is unchanged. Between two events of
 * one entry a case may be "received" and have no clock; after the last, rfl_apply_done judges it. */
RFL_MUST_USE enum rfl_err rfl_apply(const struct rfl_case *before, const struct rfl_event *event,
                                    const struct rfl_entry *entry, struct rfl_case *after);

/* After the last event of `entry`: sets last_seq, raises version. RFL_E_CORRUPT: rfl_case_broken has an objection. */
RFL_MUST_USE enum rfl_err rfl_apply_done(struct rfl_case *kase, const struct rfl_entry *entry);

#endif
