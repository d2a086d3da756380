/* One referral by hand: submit, validate. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "rfl_json.h"

/* jansson's own text may quote what it stumbled on, which may be somebody's name: only the place is passed on. */
static int bad_json(const struct ctl *ctl, const json_error_t *error)
{
    char what[120];
    if (error->line > 0)
        (void)snprintf(what, sizeof what, "not valid JSON at line %d, column %d", error->line, error->column);
    else
        (void)snprintf(what, sizeof what, "the file cannot be read: %s", strerror(errno));
    return ctl_fail(ctl, error->line > 0 ? CTL_BAD_DATA : CTL_NO_INPUT, what, "give one JSON object in UTF-8");
}

int ctl_referral_read(const struct ctl *ctl, const char *path, struct ctl_referral *out)
{
    json_error_t error = { .line = -1 };
    *out = (struct ctl_referral){ 0 };
    errno = 0;
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (f == NULL)
        return bad_json(ctl, &error);
    out->object = json_loadf(f, JSON_REJECT_DUPLICATES, &error);
    if (f != stdin)
        (void)fclose(f);
    if (out->object == NULL)
        return bad_json(ctl, &error);
    return rfl_json_to_referral(out->object, out->body, sizeof out->body, &out->len, &out->findings) ? CTL_OK
                                                                                                     : CTL_BAD_DATA;
}

void ctl_referral_free(struct ctl_referral *referral)
{
    json_decref(referral->object);
    referral->object = NULL;
}

static json_t *findings_json(const struct rfl_findings *findings, bool acceptable)
{
    struct rfl_reply reply = { .kind = RFL_MSG_VALIDATED };
    reply.validated = (struct rfl_msg_validated){ findings->list, findings->count, acceptable };
    return rfl_json_of_reply(&reply);
}

static int say_findings(const struct ctl *ctl, const struct rfl_findings *findings, bool acceptable)
{
    if (ctl->json)
        (void)ctl_print_value(findings_json(findings, acceptable));
    else if (findings->count > 0)
        ctl_print_findings(stdout, findings->list, findings->count);
    if (!ctl->json)
        printf("%s, %u findings%s\n", acceptable ? "acceptable" : "not acceptable",
               (unsigned)(findings->count + findings->dropped), findings->dropped > 0 ? " (the first are shown)" : "");
    return acceptable ? CTL_OK : CTL_BAD_DATA;
}

static int show_validated(const struct ctl *ctl, const struct rfl_reply *reply)
{
    struct rfl_findings findings = { 0 };
    findings.count = reply->validated.findings_count < RFL_FINDINGS_MAX ? reply->validated.findings_count
                                                                        : RFL_FINDINGS_MAX;
    if (findings.count > 0)
        memcpy(findings.list, reply->validated.findings, findings.count * sizeof findings.list[0]);
    return say_findings(ctl, &findings, reply->validated.acceptable);
}

static int validate_there(const struct ctl *ctl, struct rfl_view referral)
{
    struct ctl_talk talk;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_VALIDATE, .referral = referral };
    if (ctl->source == NULL)
        return ctl_fail(ctl, CTL_USAGE, "--source is missing", "name the registered source that would send it");
    ask.source = rfl_view_of(ctl->source);
    int exit_code = ctl_talk_open(ctl, ctl->endpoint, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_VALIDATED, &reply);
    if (exit_code == CTL_OK)
        exit_code = show_validated(ctl, &reply);
    ctl_talk_close(&talk);
    return exit_code;
}

static int validate_here(const struct ctl *ctl, struct rfl_view referral)
{
    struct rfl_arena arena;
    struct rfl_form form;
    struct rfl_findings findings = { 0 };
    void *memory = malloc(RFL_ARENA_BYTES);
    if (memory == NULL)
        return ctl_fail(ctl, CTL_TRY_AGAIN, rfl_err_text(RFL_E_MEMORY), "try again");
    rfl_arena_init(&arena, memory, RFL_ARENA_BYTES);
    enum rfl_code code = rfl_wire_decode_form(referral, &arena, &form, &findings);
    int exit_code = say_findings(ctl, &findings, code == RFL_CODE_OK && findings.errors == 0);
    free(memory);
    return exit_code;
}

int ctl_validate(const struct ctl *ctl)
{
    static struct ctl_referral referral;
    int exit_code = ctl_referral_read(ctl, ctl->argv[0], &referral);
    struct rfl_view body = { referral.body, referral.len };
    if (exit_code == CTL_BAD_DATA && referral.findings.count > 0)
        exit_code = say_findings(ctl, &referral.findings, false);
    else if (exit_code == CTL_OK)
        exit_code = ctl->endpoint != NULL ? validate_there(ctl, body) : validate_here(ctl, body);
    ctl_referral_free(&referral);
    return exit_code;
}

static int show_receipt(const struct ctl *ctl, const struct rfl_reply *reply)
{
    const struct rfl_msg_receipt *receipt = &reply->receipt;
    struct ctl_table table;
    (void)ctl;
    ctl_fields_init(&table);
    ctl_cell(&table, "receipt");
    ctl_cell_view(&table, receipt->receipt);
    ctl_cell(&table, "this was");
    ctl_cell(&table, receipt->replayed ? "sent before: same receipt, nothing changed"
                     : receipt->joined ? "joined to a case that is open already" : "new");
    ctl_cell(&table, "status");
    ctl_cell(&table, "%s", rfl_status_word((enum rfl_status)receipt->status));
    ctl_cell(&table, "area");
    ctl_cell_view(&table, receipt->area);
    ctl_cell(&table, "queue");
    ctl_cell_view(&table, receipt->queue);
    ctl_cell(&table, "placed");
    ctl_cell_view(&table, receipt->reason);
    ctl_cell(&table, "received");
    ctl_cell_time(&table, receipt->received_ms);
    ctl_cell(&table, "due");
    ctl_cell_time(&table, receipt->due_ms);
    ctl_table_print(&table, stdout);
    ctl_print_findings(stdout, receipt->warnings, receipt->warnings_count);
    return CTL_OK;
}

int ctl_submit(const struct ctl *ctl)
{
    static struct ctl_referral referral;
    if (ctl->source == NULL || ctl->reference == NULL)
        return ctl_fail(ctl, CTL_USAGE, "--source and --reference are needed",
                        "the reference is the source's own number for this referral; sending it again is harmless");
    int exit_code = ctl_referral_read(ctl, ctl->argv[0], &referral);
    struct rfl_ask ask = { .kind = RFL_MSG_SUBMIT, .source = rfl_view_of(ctl->source),
                           .reference = rfl_view_of(ctl->reference), .referral = { referral.body, referral.len } };
    if (exit_code == CTL_BAD_DATA && referral.findings.count > 0)
        exit_code = say_findings(ctl, &referral.findings, false);
    else if (exit_code == CTL_OK)
        exit_code = ctl_ask_once(ctl, ctl->doors, &ask, RFL_MSG_RECEIPT, show_receipt);
    ctl_referral_free(&referral);
    return exit_code;
}
