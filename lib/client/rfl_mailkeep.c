#include "rfl_mailkeep.h"

enum rfl_err rfl_mailkeep_start(struct rfl_mailkeep *keep, struct rfl_view source, uint32_t credit)
{
    if (source.len == 0 || source.len > RFL_NAME_BYTES_MAX || credit == 0)
        return RFL_E_INVALID;
    *keep = (struct rfl_mailkeep){ .on = true, .ping_ms = keep->ping_ms, .credit = credit, .due_ms = INT64_MIN,
                                   .source_bytes = source.len };
    memcpy(keep->source, source.p, source.len);
    return RFL_E_OK;
}

int64_t rfl_mailkeep_due_ms(const struct rfl_mailkeep *keep)
{
    return keep->on ? keep->due_ms : INT64_MAX;
}

void rfl_mailkeep_ask(const struct rfl_mailkeep *keep, struct rfl_ask *ask)
{
    assert(keep->on);
    memset(ask, 0, sizeof *ask);
    ask->kind = RFL_MSG_MAILBOX_OPEN;
    ask->source = (struct rfl_view){ (const uint8_t *)keep->source, keep->source_bytes };
    ask->credit = keep->credit;
    ask->after_sequence = keep->heard;
}

void rfl_mailkeep_sent(struct rfl_mailkeep *keep, uint64_t correlation, int64_t now_ms)
{
    keep->correlation = correlation;
    keep->due_ms = now_ms + keep->ping_ms;
}

bool rfl_mailkeep_answer(struct rfl_mailkeep *keep, const struct rfl_reply *reply)
{
    keep->correlation = 0;
    if (reply->kind != RFL_MSG_REFUSAL)
        return true;
    if (rfl_code_retryable((enum rfl_code)reply->refusal.code))
        return false;
    keep->on = false;
    return true;
}

bool rfl_mailkeep_is_new(struct rfl_mailkeep *keep, const struct rfl_msg_feedback *feedback)
{
    if (!keep->on || feedback->source.len != keep->source_bytes
        || memcmp(feedback->source.p, keep->source, keep->source_bytes) != 0)
        return true;
    if (feedback->sequence <= keep->heard)
        return false;
    keep->heard = feedback->sequence;
    return true;
}
