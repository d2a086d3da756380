/* Talking to the daemon, and telling a person what came of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "rfl_conf_identity.h"
#include "rfl_json.h"

int ctl_fail(const struct ctl *ctl, int exit_code, const char *what, const char *next)
{
    if (ctl->quiet)
        return exit_code;
    if (ctl->command != NULL)
        fprintf(stderr, "referralctl: %s: %s\n", ctl->command, what);
    else
        fprintf(stderr, "referralctl: %s\n", what);
    if (next != NULL && next[0] != '\0')
        fprintf(stderr, "  do: %s\n", next);
    return exit_code;
}

/* Whether a connect to an ipc endpoint would be refused this moment. Anything else is only known by waiting. */
static bool surely_nobody(const char *endpoint)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    static const char scheme[] = "ipc://";
    const char *path = endpoint + sizeof scheme - 1;
    if (strncmp(endpoint, scheme, sizeof scheme - 1) != 0 || path[0] == '@' || strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return false;
    bool nobody = connect(fd, (const struct sockaddr *)&address, sizeof address) == -1
        && (errno == ENOENT || errno == ECONNREFUSED);
    (void)close(fd);
    return nobody;
}

static int unreachable(const struct ctl *ctl, const char *endpoint, const char *how)
{
    char what[256];
    (void)snprintf(what, sizeof what, "%s %s", how, endpoint);
    return ctl_fail(ctl, CTL_UNREACHABLE, what,
                    "start referrald, or name its sockets with --admin and --doors (REFERRALD_ADMIN, REFERRALD_DOORS)");
}

int ctl_talk_open(const struct ctl *ctl, const char *endpoint, struct ctl_talk *talk)
{
    static struct rfl_conf_report report;
    struct rfl_identity identity;
    struct rfl_client_options options = { .endpoint = endpoint, .give_up = true };
    *talk = (struct ctl_talk){ .endpoint = endpoint };
    if (!ctl->wait && surely_nobody(endpoint))
        return unreachable(ctl, endpoint, "nobody listens on");
    if (ctl->identity != NULL && rfl_identity_read(ctl->identity, true, &report, &identity) != RFL_E_OK) {
        rfl_conf_report_print(&report, stderr);
        return ctl_fail(ctl, CTL_NO_INPUT, "that identity cannot be used", "name another with --identity FILE");
    }
    if (ctl->identity != NULL) {
        options.server_key = identity.server;
        options.public_key = identity.public;
        options.secret_key = identity.secret;
    }
    enum rfl_err err = rfl_client_new(&options, &talk->client);
    rfl_identity_forget(&identity);
    if (err == RFL_E_INVALID)
        return ctl_fail(ctl, CTL_USAGE, "that is no endpoint", "such as ipc:///run/referrald/admin");
    if (err != RFL_E_OK)
        return ctl_fail(ctl, CTL_TRY_AGAIN, rfl_err_text(err), "try again");
    return CTL_OK;
}

void ctl_talk_close(struct ctl_talk *talk)
{
    rfl_client_free(&talk->client);
}

/* By refusal code; a switch, so that a new code is not forgotten. */
static int exit_of(enum rfl_code code)
{
    switch (code) {
    case RFL_CODE_OK: return CTL_OK;
    case RFL_CODE_PARSE: case RFL_CODE_LIMIT: case RFL_CODE_VERSION: case RFL_CODE_NOT_SUBSCRIBED:
    case RFL_CODE_WRONG_SOCKET: return CTL_PROTOCOL;
    case RFL_CODE_INVALID: case RFL_CODE_CONFLICT: case RFL_CODE_VERSION_CONFLICT: return CTL_BAD_DATA;
    case RFL_CODE_REASON_MISSING: return CTL_USAGE;
    case RFL_CODE_BUSY: case RFL_CODE_STORE_FULL: case RFL_CODE_DRAINING: case RFL_CODE_UNKNOWN_OUTCOME:
        return CTL_TRY_AGAIN;
    case RFL_CODE_UNKNOWN_SOURCE: case RFL_CODE_DOOR_NOT_ALLOWED:
    case RFL_CODE_NOT_PERMITTED: case RFL_CODE_KEY_ENDED: return CTL_NOT_PERMITTED;
    case RFL_CODE_NOT_FOUND: case RFL_CODE_UNKNOWN_QUEUE: return CTL_NO_INPUT;
    case RFL_CODE_FENCED: case RFL_CODE_STATE: return CTL_FINDINGS;
    case RFL_CODE_COUNT: break;
    }
    return CTL_PROTOCOL;
}

void ctl_print_findings(FILE *out, const struct rfl_finding *findings, uint32_t count)
{
    struct ctl_table table;
    if (count == 0)
        return;
    ctl_table_init(&table, "FIELD CODE SEVERITY RULE WHAT_TO_DO");
    for (uint32_t i = 0; i < count; i++) {
        ctl_cell_view(&table, findings[i].path);
        ctl_cell_view(&table, findings[i].code);
        ctl_cell(&table, findings[i].severity == RFL_SEVERITY_ERROR ? "error" : "warning");
        ctl_cell_view(&table, findings[i].rule);
        ctl_cell_view(&table, findings[i].remedy);
    }
    ctl_table_print(&table, out);
}

/* What can be done with the case instead, in this program's words. */
static void print_legal(FILE *out, const struct rfl_msg_refusal *refusal)
{
    static const struct { const char *verb, *command; } commands[] = {
        { "place", "triage assign/redirect/approve" }, { "send_back", "triage send-back" }, { "hold", "triage hold" },
        { "release", "triage release" }, { "shut", "triage close" }, { "link", "case link" },
        { "unlink", "case unlink" }, { "erase", "subject erase" }, { "keep", "subject hold" },
        { "unkeep", "subject release" } };
    fputs("  possible now: ", out);
    for (uint32_t i = 0; i < refusal->legal_count; i++) {
        struct rfl_view verb = refusal->legal[i];
        for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++)
            if (verb.len == strlen(commands[c].verb) && memcmp(verb.p, commands[c].verb, verb.len) == 0)
                verb = rfl_view_of(commands[c].command);
        fputs(i > 0 ? ", " : "", out);
        ctl_put_view(out, verb);
    }
    fputs(refusal->legal_count == 0 ? "nothing\n" : "\n", out);
}

static int refused(const struct ctl *ctl, const struct ctl_talk *talk, const struct rfl_reply *reply)
{
    const struct rfl_msg_refusal *refusal = &reply->refusal;
    enum rfl_code code = (enum rfl_code)refusal->code;
    if (ctl->json)
        (void)ctl_print_json(reply);
    else
        ctl_print_findings(stderr, refusal->findings, refusal->findings_count);
    char what[200];
    if (code == RFL_CODE_STATE)
        (void)snprintf(what, sizeof what, "%s: %s (it is %s)", rfl_code_name(code), rfl_code_text(code),
                       rfl_status_word((enum rfl_status)refusal->status));
    else
        (void)snprintf(what, sizeof what, "%s: %s", rfl_code_name(code), rfl_code_text(code));
    bool bare = code == RFL_CODE_INVALID && refusal->findings_count == 0 && talk->invalid_remedy != NULL;
    bool denied = code == RFL_CODE_NOT_PERMITTED && talk->denied_remedy != NULL;
    int exit_code = ctl_fail(ctl, exit_of(code), what, bare     ? talk->invalid_remedy
                                                       : denied ? talk->denied_remedy
                                                                : rfl_code_remedy(code));
    if (code == RFL_CODE_STATE)
        print_legal(stderr, refusal);
    return exit_code;
}

/* Never only that the time was up: what the connection came to is known. */
static int unanswered(const struct ctl *ctl, const struct ctl_talk *talk)
{
    enum rfl_client_trouble trouble = rfl_client_trouble(talk->client);
    char what[320];
    if (trouble == RFL_TROUBLE_NONE || trouble == RFL_TROUBLE_UNREACHABLE)
        return unreachable(ctl, talk->endpoint, "no answer in time from");
    (void)snprintf(what, sizeof what, "%s: %s", talk->endpoint, rfl_trouble_text(trouble));
    return ctl_fail(ctl, CTL_NOT_PERMITTED, what, rfl_trouble_remedy(trouble));
}

int ctl_ask(const struct ctl *ctl, struct ctl_talk *talk, const struct rfl_ask *ask, enum rfl_message_kind wanted,
            struct rfl_reply *reply)
{
    enum rfl_err err = rfl_client_ask(talk->client, ask, ctl->timeout_ms, reply);
    if (err == RFL_E_IO)
        return unanswered(ctl, talk);
    if (err == RFL_E_INVALID)
        return ctl_fail(ctl, CTL_BAD_DATA, "that does not fit one message", "see the limits in proto/README.md");
    if (err != RFL_E_OK)
        return ctl_fail(ctl, CTL_TRY_AGAIN, rfl_err_text(err), "try again");
    if (reply->kind == RFL_MSG_REFUSAL)
        return refused(ctl, talk, reply);
    if (reply->kind != wanted)
        return ctl_fail(ctl, CTL_PROTOCOL, "the daemon answered something else", "use one version of both programs");
    return CTL_OK;
}

int ctl_ask_once(const struct ctl *ctl, const char *endpoint, const struct rfl_ask *ask, enum rfl_message_kind wanted,
                 ctl_show *show)
{
    struct ctl_talk talk;
    struct rfl_reply reply;
    int exit_code = ctl_talk_open(ctl, endpoint, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, ask, wanted, &reply);
    if (exit_code == CTL_OK)
        exit_code = ctl->json ? ctl_print_json(&reply) : show(ctl, &reply);
    ctl_talk_close(&talk);
    return exit_code;
}

int ctl_print_value(json_t *value)
{
    if (value == NULL) {
        fputs("referralctl: out of memory\n", stderr);
        return CTL_TRY_AGAIN;
    }
    int rc = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    (void)putchar('\n');
    json_decref(value);
    return rc == 0 ? CTL_OK : CTL_CANNOT_CREATE;
}

int ctl_print_json(const struct rfl_reply *reply)
{
    return ctl_print_value(rfl_json_of_reply(reply));
}

static void errors_row(struct ctl_table *table, enum rfl_code code)
{
    static const struct { char fault; const char *text; } faults[] = { { 'S', "sender" }, { 'R', "router" } };
    const char *fault = "nobody";
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (faults[i].fault == rfl_code_fault(code))
            fault = faults[i].text;
    ctl_cell(table, "%s", rfl_code_name(code));
    ctl_cell_count(table, (uint64_t)code);
    ctl_cell(table, "%s", fault);
    ctl_cell(table, rfl_code_retryable(code) ? "yes" : "no");
    ctl_cell(table, "%s", rfl_code_text(code));
    ctl_cell(table, "%s", rfl_code_remedy(code));
}

static json_t *errors_json(enum rfl_code code)
{
    char fault[2] = { rfl_code_fault(code), '\0' };
    return json_pack("{s:s, s:i, s:s, s:b, s:s, s:s}", "code", rfl_code_name(code), "number", (int)code, "fault", fault,
                     "retryable", (int)rfl_code_retryable(code), "text", rfl_code_text(code), "remedy",
                     rfl_code_remedy(code));
}

int ctl_errors(const struct ctl *ctl)
{
    struct ctl_table table;
    json_t *all = json_array();
    bool found = false;
    ctl_table_init(&table, "CODE >NUMBER FAULT RETRY MEANING WHAT_TO_DO");
    for (unsigned number = RFL_CODE_PARSE; number < RFL_CODE_COUNT; number++) {
        enum rfl_code code = (enum rfl_code)number;
        if (ctl->argc == 1 && strcasecmp(ctl->argv[0], rfl_code_name(code)) != 0)
            continue;
        found = true;
        errors_row(&table, code);
        (void)json_array_append_new(all, errors_json(code));
    }
    FILE *out = !ctl->json && found ? stdout : NULL;
    if (out != NULL)
        ctl_table_print(&table, out);
    else
        ctl_table_drop(&table);
    if (ctl->json && found)
        return ctl_print_value(all);
    json_decref(all);
    return found ? CTL_OK : ctl_fail(ctl, CTL_NO_INPUT, "no such refusal code", "see referralctl errors");
}
