#include "rfl_wire.h"

#include "rfl_finding.h"
#include "rfl_wire_decode.h"
#include "rfl_wire_encode.h"
#include "rfl_wire_judge.h"

#define PATH(text) (struct rfl_view){ (const uint8_t *)"" text, sizeof text - 1 }

/* The envelope of a frame of tolerable size and of our version. */
static enum rfl_code open_frame(struct rfl_view frame, struct rfl__wire_envelope *envelope)
{
    bool large = frame.len > RFL_MESSAGE_BYTES_MAX;
    if (large)
        frame.len = RFL_MESSAGE_BYTES_MAX;      /* enough to find whom to answer */
    enum rfl_code code = rfl__wire_open(frame, envelope);
    if (large)
        return RFL_CODE_LIMIT;
    if (code == RFL_CODE_OK && envelope->version != RFL_WIRE_VERSION)
        return RFL_CODE_VERSION;
    return code;
}

/* The findings between the head and the rest are 2 KiB that need no zeroes. */
static void begin_ask(struct rfl_ask *ask)
{
    uint8_t *bytes = (uint8_t *)ask;
    size_t rest = offsetof(struct rfl_ask, findings) + sizeof ask->findings;
    memset(bytes, 0, offsetof(struct rfl_ask, findings));
    memset(bytes + rest, 0, sizeof *ask - rest);
    rfl_findings_clear(&ask->findings);
    ask->form.band = RFL_BAND_ROUTINE;
}

/* What no single field can say. */
static void check_together(struct rfl_ask *ask)
{
    if (ask->kind == RFL_MSG_STATUS_QUERY && ask->code.len == 0 && ask->reference.len == 0)
        rfl_findings_add(&ask->findings, PATH("receipt"), RFL_FINDING_ONE_OF);
    bool of_either = ask->kind == RFL_MSG_EXPLAIN || ask->kind == RFL_MSG_SUBJECT_FIND;
    if (of_either && ask->code.len == 0 && ask->referral.len == 0)
        rfl_findings_add(&ask->findings, PATH("code"), RFL_FINDING_ONE_OF);
    if (ask->kind == RFL_MSG_SUBSCRIBE && ask->names_count == 0)
        rfl_findings_add(&ask->findings, PATH("queues"), RFL_FINDING_REQUIRED);
}

static bool said(const struct rfl_findings *findings, struct rfl_view path)
{
    for (uint32_t i = 0; i < findings->count; i++)
        if (findings->list[i].path.len == path.len && memcmp(findings->list[i].path.p, path.p, path.len) == 0)
            return true;
    return false;
}

/* LIMIT, or OK with whatever is wrong in the findings. */
static enum rfl_code read_form(struct rfl_view referral, struct rfl_arena *arena, struct rfl_form *form,
                               struct rfl_findings *findings)
{
    uint32_t errors = findings->errors;
    enum rfl_code code = rfl__wire_read(&rfl__wire_referral, referral, arena, findings, form);
    if (code == RFL_CODE_PARSE) {
        rfl_findings_add(findings, PATH("referral"), RFL_FINDING_UNREADABLE);
        return RFL_CODE_OK;
    }
    if (code == RFL_CODE_OK)
        rfl__wire_judge(form, findings->errors > errors && said(findings, PATH("referral.door")), findings);
    return code;
}

enum rfl_code rfl_wire_decode_ask(struct rfl_view frame, struct rfl_arena *arena, struct rfl_ask *ask)
{
    struct rfl__wire_envelope envelope;
    begin_ask(ask);
    enum rfl_code code = open_frame(frame, &envelope);
    ask->correlation = envelope.correlation;
    if (code != RFL_CODE_OK)
        return code;
    const struct rfl__wire_message *message = &rfl__wire_asks[envelope.kind];
    if (message->number == 0)
        return RFL_CODE_PARSE;
    ask->kind = (uint8_t)envelope.kind;
    code = rfl__wire_read(&message->table, envelope.body, arena, &ask->findings, ask);
    if (code != RFL_CODE_OK)
        return code;
    check_together(ask);
    bool invalid = ask->findings.errors > 0;
    if (ask->referral.len > 0)
        code = read_form(ask->referral, arena, &ask->form, &ask->findings);
    return code == RFL_CODE_OK && invalid ? RFL_CODE_INVALID : code;
}

uint64_t rfl_wire_correlation(struct rfl_view frame)
{
    struct rfl__wire_envelope envelope;
    (void)open_frame(frame, &envelope);
    return envelope.correlation;
}

enum rfl_code rfl_wire_decode_reply(struct rfl_view frame, struct rfl_arena *arena, struct rfl_reply *reply)
{
    struct rfl__wire_envelope envelope;
    struct rfl_findings findings;
    memset(reply, 0, sizeof *reply);
    rfl_findings_clear(&findings);
    enum rfl_code code = open_frame(frame, &envelope);
    reply->correlation = envelope.correlation;
    if (code != RFL_CODE_OK)
        return code;
    const struct rfl__wire_message *message = &rfl__wire_replies[envelope.kind];
    if (message->number == 0)
        return RFL_CODE_PARSE;
    reply->kind = (uint8_t)envelope.kind;
    code = rfl__wire_read(&message->table, envelope.body, arena, &findings, reply);
    return code == RFL_CODE_OK && findings.errors > 0 ? RFL_CODE_INVALID : code;
}

size_t rfl_wire_encode_reply(const struct rfl_reply *reply, uint8_t *out, size_t cap)
{
    assert(reply->kind < RFL_MSG_COUNT && rfl__wire_replies[reply->kind].number != 0);
    return rfl__wire_seal(&rfl__wire_replies[reply->kind], reply->correlation, reply, out, cap);
}

size_t rfl_wire_encode_ask(const struct rfl_ask *ask, uint8_t *out, size_t cap)
{
    assert(ask->kind < RFL_MSG_COUNT && rfl__wire_asks[ask->kind].number != 0);
    return rfl__wire_seal(&rfl__wire_asks[ask->kind], ask->correlation, ask, out, cap);
}

size_t rfl_wire_encode_form(const struct rfl_form *form, uint8_t *out, size_t cap)
{
    return rfl__wire_pack(&rfl__wire_referral, form, out, cap);
}

enum rfl_code rfl_wire_decode_form(struct rfl_view referral, struct rfl_arena *arena, struct rfl_form *form,
                                   struct rfl_findings *findings)
{
    memset(form, 0, sizeof *form);
    form->band = RFL_BAND_ROUTINE;
    rfl_findings_clear(findings);
    enum rfl_code code = referral.len > RFL_BODY_BYTES_MAX ? RFL_CODE_LIMIT
                                                           : read_form(referral, arena, form, findings);
    return code == RFL_CODE_OK && findings->errors > 0 ? RFL_CODE_INVALID : code;
}
