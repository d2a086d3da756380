/* rfl_mailkeep.h: keeps a source's mailbox open, as a value.
 *
 * An open mailbox is forgotten with its connection, and a DEALER cannot see that it was reconnected. So the mailbox is
 * opened again each ping_ms, after what was heard already: nothing is missed, and nothing is heard twice. It reads no
 * clock and sends nothing. Internal to libreferral. */
#ifndef RFL_MAILKEEP_H
#define RFL_MAILKEEP_H

#include "rfl_message.h"

struct rfl_mailkeep {
    bool on;
    uint32_t ping_ms, credit;
    int64_t due_ms;                     /* when to open it again */
    uint64_t correlation;               /* of what was asked last; 0: it is answered */
    uint64_t heard;                     /* highest sequence so far */
    char source[RFL_NAME_BYTES_MAX];
    size_t source_bytes;
};

/* RFL_E_INVALID: source is empty or longer than RFL_NAME_BYTES_MAX, or credit 0; *keep is unchanged. */
RFL_MUST_USE enum rfl_err rfl_mailkeep_start(struct rfl_mailkeep *keep, struct rfl_view source, uint32_t credit);
/* When to send the ask again; INT64_MAX when off. */
int64_t rfl_mailkeep_due_ms(const struct rfl_mailkeep *keep);
void rfl_mailkeep_ask(const struct rfl_mailkeep *keep, struct rfl_ask *ask);
void rfl_mailkeep_sent(struct rfl_mailkeep *keep, uint64_t correlation, int64_t now_ms);
/* An answer with the correlation sent last. A refusal that asking again cannot change ends the keeping; false when it
 * is one that can, which nobody needs to hear. */
bool rfl_mailkeep_answer(struct rfl_mailkeep *keep, const struct rfl_reply *reply);
/* False: heard before. Feedback of another source is none of its business. */
bool rfl_mailkeep_is_new(struct rfl_mailkeep *keep, const struct rfl_msg_feedback *feedback);

#endif
