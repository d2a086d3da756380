/* rfl_apply.h: the case after an event; the only function that changes a case, and the table of what is allowed. */
#ifndef RFL_APPLY_H
#define RFL_APPLY_H

#include "rfl_event.h"

/* The status after `event` in `status`; RFL_STATUS_NONE: not allowed there (an existing case never becomes NONE).
 * Events that are about no case (MAILBOX_ACKED, EPOCH_STARTED, POLICY_LOADED) are allowed nowhere. */
enum rfl_status rfl_table_next(enum rfl_status status, enum rfl_event_kind event);

/* The case after one event of entry `entry` (its time, sequence and case id are read; its event list is not).
 * before may equal after. RFL_E_STATE: the table does not allow it here; RFL_E_CORRUPT: the event contradicts the case
 * or the result breaks rfl_case_broken's rules. On any error *after is unchanged. Does not touch last_seq and version:
 * rfl_apply_entry_done does, once an entry. */
RFL_MUST_USE enum rfl_err rfl_apply(const struct rfl_case *before, const struct rfl_event *event,
                                    const struct rfl_entry *entry, struct rfl_case *after);

/* Marks that `entry` has been applied: sets last_seq and raises version. */
void rfl_apply_entry_done(struct rfl_case *kase, const struct rfl_entry *entry);

#endif
