/* Any bytes as an ask, a reply and a Referral. Property: what decodes, encoded and decoded again, is the same; all else
 * has a code. libFuzzer calls this; replay.c calls it over a folder. */
#include "wire_fill.h"

#include "fuzz_target.h"

static _Alignas(16) uint8_t first_memory[RFL_ARENA_BYTES], again_memory[RFL_ARENA_BYTES];
static uint8_t bytes_again[RFL_MESSAGE_BYTES_MAX];

static struct rfl_arena fresh(void *memory)
{
    struct rfl_arena arena;
    rfl_arena_init(&arena, memory, RFL_ARENA_BYTES);
    return arena;
}

/* assert, but also when the fuzzer's build would have none */
static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_findings(const struct rfl_findings *findings)
{
    uint32_t errors = 0;
    require(findings->count <= RFL_FINDINGS_MAX);
    for (uint32_t i = 0; i < findings->count; i++) {
        require(findings->list[i].path.len > 0 && findings->list[i].code.len == 5);
        errors += findings->list[i].severity == RFL_SEVERITY_ERROR;
    }
    require(findings->errors == errors || (findings->errors > errors && findings->dropped > 0));
}

static void try_ask(struct rfl_view frame)
{
    static struct rfl_ask ask, back;
    struct rfl_arena arena = fresh(first_memory), other = fresh(again_memory);
    enum rfl_code code = rfl_wire_decode_ask(frame, &arena, &ask);
    require(code == RFL_CODE_OK || code == RFL_CODE_PARSE || code == RFL_CODE_LIMIT || code == RFL_CODE_VERSION ||
            code == RFL_CODE_INVALID);
    require(code != RFL_CODE_INVALID || ask.findings.errors > 0);
    check_findings(&ask.findings);
    if (code != RFL_CODE_OK)
        return;
    size_t len = rfl_wire_encode_ask(&ask, bytes_again, sizeof bytes_again);
    require(len > 0 && len <= RFL_MESSAGE_BYTES_MAX);
    require(rfl_wire_decode_ask((struct rfl_view){ bytes_again, len }, &other, &back) == RFL_CODE_OK);
    require(back.kind == ask.kind && back.correlation == ask.correlation);
    require(fill_same(&rfl__wire_asks[ask.kind].table, (const uint8_t *)&ask, (const uint8_t *)&back));
    require(fill_same(&rfl__wire_referral, (const uint8_t *)&ask.form, (const uint8_t *)&back.form));
    require(back.findings.errors == ask.findings.errors && back.findings.count == ask.findings.count);
}

static void try_reply(struct rfl_view frame)
{
    static struct rfl_reply reply, back;
    struct rfl_arena arena = fresh(first_memory), other = fresh(again_memory);
    enum rfl_code code = rfl_wire_decode_reply(frame, &arena, &reply);
    if (code != RFL_CODE_OK)
        return;
    size_t len = rfl_wire_encode_reply(&reply, bytes_again, sizeof bytes_again);
    if (len == 0)
        return;             /* a Refusal's texts are ours, and may be longer than those that came */
    require(rfl_wire_decode_reply((struct rfl_view){ bytes_again, len }, &other, &back) == RFL_CODE_OK);
    require(back.kind == reply.kind && back.correlation == reply.correlation);
    require(fill_same(&rfl__wire_replies[reply.kind].table, (const uint8_t *)&reply, (const uint8_t *)&back));
}

static void try_form(struct rfl_view referral)
{
    static struct rfl_form form, back;
    static struct rfl_findings findings, findings_again;
    struct rfl_arena arena = fresh(first_memory), other = fresh(again_memory);
    enum rfl_code code = rfl_wire_decode_form(referral, &arena, &form, &findings);
    require(code == RFL_CODE_OK || code == RFL_CODE_INVALID || code == RFL_CODE_LIMIT);
    require(code == RFL_CODE_LIMIT || (code == RFL_CODE_INVALID) == (findings.errors > 0));
    check_findings(&findings);
    if (code != RFL_CODE_OK)
        return;
    size_t len = rfl_wire_encode_form(&form, bytes_again, sizeof bytes_again);
    require(len > 0);
    code = rfl_wire_decode_form((struct rfl_view){ bytes_again, len }, &other, &back, &findings_again);
    require(code == RFL_CODE_OK);
    require(fill_same(&rfl__wire_referral, (const uint8_t *)&form, (const uint8_t *)&back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* a copy of exactly this size, so that a read past its end is seen */
    uint8_t *exact = malloc(size + (size == 0));
    require(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    struct rfl_view view = { exact, size };
    try_ask(view);
    try_reply(view);
    try_form(view);
    free(exact);
    return 0;
}
