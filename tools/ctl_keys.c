/* Keys: make a pair, allow it, list, revoke, change it without a gap, and try one on a running daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "rfl_conf_keyfile.h"

static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;

static const char *keys_path(const struct ctl *ctl)
{
    const char *set = getenv("REFERRALD_KEYS");
    if (ctl->keys != NULL)
        return ctl->keys;
    return set != NULL && set[0] != '\0' ? set : "/etc/referrald/keys.conf";
}

/* Everything the report has, and the exit code. */
static int report_failed(const struct ctl *ctl, enum rfl_err err, const struct rfl_conf_report *report)
{
    rfl_conf_report_print(report, stderr);
    if (err == RFL_E_LOCKED)
        return ctl_fail(ctl, CTL_TRY_AGAIN, "somebody else is changing that file", "try again");
    if (err == RFL_E_MEMORY)
        return ctl_fail(ctl, CTL_TRY_AGAIN, rfl_err_text(err), "try again");
    if (err == RFL_E_IO)
        return ctl_fail(ctl, CTL_NO_INPUT, report->count == 0 ? strerror(errno) : "the file cannot be used",
                        "name another with --keys FILE, or correct its owner and mode");
    return ctl_fail(ctl, CTL_BAD_DATA, "it would not be a good file of keys, and was not written",
                    "correct what is named above");
}

static void print_date(const char *label, int64_t ms)
{
    struct rfl_date date = rfl_london_date(ms);
    printf("%s%04d-%02d-%02d", label, (int)date.year, date.month, date.day);
}

/* ---- new ---- */

/* The daemon's public key: as it is, or out of its key file. */
static bool trusted(const struct ctl *ctl, char out[RFL_Z85_CHARS + 1])
{
    struct rfl_curve_key key;
    struct rfl_identity server;
    static struct rfl_conf_report report;
    if (ctl->trust != NULL && rfl_key_from_z85(rfl_view_of(ctl->trust), &key)) {
        memcpy(out, ctl->trust, RFL_Z85_CHARS + 1);
        return true;
    }
    const char *path = ctl->trust != NULL ? ctl->trust : "/etc/referrald/server.key";
    if (rfl_identity_read(path, false, &report, &server) != RFL_E_OK) {
        rfl_conf_report_print(&report, stderr);
        return false;
    }
    memcpy(out, server.public, RFL_Z85_CHARS + 1);
    rfl_identity_forget(&server);
    return true;
}

static int make_identity(const struct ctl *ctl, struct rfl_identity *made)
{
    char server[RFL_Z85_CHARS + 1] = "";
    if (ctl->out == NULL)
        return ctl_fail(ctl, CTL_USAGE, "where the secret key goes is not said", "add --out FILE");
    if (!ctl->server && !trusted(ctl, server))
        return ctl_fail(ctl, CTL_USAGE, "a client must know which daemon it trusts",
                        "add --trust with the daemon's public key, or the path of its server.key");
    rfl_identity_make(made);
    memcpy(made->server, server, sizeof made->server);
    enum rfl_err err = rfl_identity_write(ctl->out, made);
    if (err == RFL_E_EXISTS)
        return ctl_fail(ctl, CTL_CANNOT_CREATE, "that file is there already, and was left as it is",
                        "name a new file: a key that may be in use is never written over");
    return err == RFL_E_OK ? CTL_OK : ctl_fail(ctl, CTL_CANNOT_CREATE, strerror(errno), "name another file");
}

int ctl_keys_new(const struct ctl *ctl)
{
    struct rfl_identity made;
    if (ctl->server ? ctl->argc != 0 : ctl->argc != 1)
        return ctl_fail(ctl, CTL_USAGE, "a client's key has a name, and the daemon's has none",
                        "keys new NAME --out FILE, or keys new --server --out FILE");
    int exit_code = make_identity(ctl, &made);
    if (exit_code != CTL_OK)
        return exit_code;
    if (ctl->json) {
        exit_code = ctl_print_value(json_pack("{s:s, s:s, s:s}", "file", ctl->out, "public", made.public, "name",
                                              ctl->server ? "" : ctl->argv[0]));
    } else if (ctl->server) {
        printf("made    %s: the daemon's key pair; set server_key to it\npublic  %s\n        clients trust this one: "
               "keys new NAME --out FILE --trust 'KEY'\n", ctl->out, made.public);
    } else {
        printf("made    %s: a key pair, secret: keep it\npublic  %s\nnext    referralctl keys allow %s KIND:WHO RIGHTS "
               "--public '%s' --owner ROLE --until DATE\n", ctl->out, made.public, ctl->argv[0], made.public);
    }
    rfl_identity_forget(&made);
    return exit_code;
}

/* ---- list ---- */

static void rights_text(const struct rfl_keys *keys, const struct rfl_key_entry *entry, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
#define ADD(...) used += (size_t)snprintf(out + (used < size ? used : size - 1), used < size ? size - used : 1, \
                                          __VA_ARGS__)
    for (unsigned door = 1; door < RFL_DOOR_COUNT; door++)
        if (rfl_key_may_use_door(entry, (enum rfl_door)door))
            ADD("%s%s", used > 0 ? "," : "", rfl_door_name((enum rfl_door)door));
    for (unsigned verb = 0; verb < RFL_VERB_COUNT; verb++)
        if (rfl_key_may(entry, (enum rfl_verb)verb))
            ADD("%s%s", used > 0 ? "," : "", rfl_verb_word((enum rfl_verb)verb));
    for (uint32_t i = 0; i < entry->queues_count; i++) {
        const struct rfl_key_queue *queue = rfl_keys_queue(keys, entry, i);
        ADD("%s%s%s", used > 0 ? "," : "", queue->name, queue->prefix ? "*" : "");
    }
#undef ADD
}

static void list_row(struct ctl_table *table, json_t *all, const struct rfl_keys *keys,
                     const struct rfl_key_entry *entry, int64_t now_ms)
{
    static char rights[RFL_KEY_QUEUES_MAX * (RFL_NAME_BYTES_MAX + 2)];
    char until[16], who[RFL_NAME_BYTES_MAX + 16];
    struct rfl_date date = rfl_london_date(entry->until_ms);
    enum rfl_key_state state = rfl_key_state(entry, now_ms);
    long long days = entry->until_ms > now_ms ? (entry->until_ms - now_ms) / DAY_MS : 0;
    rights_text(keys, entry, rights, sizeof rights);
    (void)snprintf(until, sizeof until, "%04d-%02d-%02d", (int)date.year, date.month, date.day);
    (void)snprintf(who, sizeof who, "%s:%s", rfl_key_kind_word((enum rfl_key_kind)entry->kind), entry->who);
    ctl_cell(table, "%s", entry->name);
    ctl_cell(table, "%s", who);
    ctl_cell(table, "%s", rights);
    ctl_cell(table, "%s", until);
    ctl_cell_count(table, (uint64_t)days);
    ctl_cell(table, "%s", rfl_key_state_word(state));
    ctl_cell(table, "%s", entry->fingerprint);
    ctl_cell(table, "%s", entry->owner);
    (void)json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "name", entry->name,
        "kind", rfl_key_kind_word((enum rfl_key_kind)entry->kind), "who", entry->who, "may", rights, "until", until,
        "days", (json_int_t)days, "state", rfl_key_state_word(state), "fingerprint", entry->fingerprint,
        "owner", entry->owner));
}

int ctl_keys_list(const struct ctl *ctl)
{
    static struct rfl_conf_report report;
    struct rfl_keys *keys = NULL;
    struct ctl_table table;
    enum rfl_err err = rfl_keys_load(keys_path(ctl), &report, &keys);
    if (err != RFL_E_OK)
        return report_failed(ctl, err, &report);
    json_t *all = json_array();
    ctl_table_init(&table, "NAME WHO MAY UNTIL >DAYS STATE FINGERPRINT OWNER");
    for (uint32_t i = 0; i < rfl_keys_count(keys); i++)
        list_row(&table, all, keys, rfl_keys_get(keys, i), ctl_now_ms());
    rfl_keys_free(&keys);
    if (ctl->json) {
        ctl_table_drop(&table);
        return ctl_print_value(all);
    }
    ctl_table_print(&table, stdout);
    json_decref(all);
    return CTL_OK;
}

/* ---- changing the file ---- */

/* Tells the daemon that the file changed, when it can be reached. The change is made either way. */
static int reload(const struct ctl *ctl, const struct rfl_ask *who)
{
    struct ctl quiet = *ctl;
    struct ctl_talk talk;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_KEYS_RELOAD, .operator_name = who->operator_name, .why = who->why };
    quiet.quiet = true;
    if (ctl_talk_open(&quiet, ctl->admin, &talk) != CTL_OK) {
        puts("it takes effect when the daemon starts, or on HUP");
        return CTL_OK;
    }
    quiet.quiet = false;
    int exit_code = ctl_ask(&quiet, &talk, &ask, RFL_MSG_KEYS_RELOADED, &reply);
    if (exit_code == CTL_OK)
        printf("in force: %u good keys, %u connections cut\n", (unsigned)reply.keys_reloaded.keys,
               (unsigned)reply.keys_reloaded.ended);
    else
        puts("the file is written; it takes effect on HUP, or by referralctl keys reload");
    ctl_talk_close(&talk);
    return exit_code == CTL_UNREACHABLE ? CTL_OK : exit_code;
}

int ctl_keys_reload(const struct ctl *ctl)
{
    struct rfl_ask ask = { .kind = RFL_MSG_KEYS_RELOAD };
    struct ctl_talk talk;
    struct rfl_reply reply;
    int exit_code = ctl_act_begin(ctl, &ask);
    if (exit_code != CTL_OK)
        return exit_code;
    exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_KEYS_RELOADED, &reply);
    if (exit_code == CTL_OK && ctl->json)
        exit_code = ctl_print_json(&reply);
    else if (exit_code == CTL_OK)
        printf("%s%u good keys, %u connections %s\n", ctl->dry_run ? "dry run: " : "in force: ",
               (unsigned)reply.keys_reloaded.keys, (unsigned)reply.keys_reloaded.ended,
               ctl->dry_run ? "would be cut" : "cut");
    ctl_talk_close(&talk);
    return exit_code;
}

/* What a change does to an open file; CTL_OK, or the exit code after telling. */
typedef int change(const struct ctl *ctl, struct rfl_keyfile *file, const char *why);

static int change_file(const struct ctl *ctl, change *make)
{
    static struct rfl_conf_report report;
    struct rfl_keyfile *file = NULL;
    struct rfl_ask who = { .kind = RFL_MSG_KEYS_RELOAD };
    char why[256];
    int exit_code = ctl_act_begin(ctl, &who);
    if (exit_code != CTL_OK)
        return exit_code;
    struct rfl_date today = rfl_london_date(ctl_now_ms());
    const char *by = ctl->operator != NULL ? ctl->operator : getenv("USER");
    (void)snprintf(why, sizeof why, "%04d-%02d-%02d %s: %s", (int)today.year, today.month, today.day,
                   by != NULL ? by : "", ctl->reason);
    enum rfl_err err = rfl_keyfile_open(keys_path(ctl), &report, &file);
    if (err != RFL_E_OK)
        return report_failed(ctl, err, &report);
    exit_code = make(ctl, file, why);
    if (exit_code == CTL_OK) {
        err = rfl_keyfile_save(file, ctl->execute, &report);
        if (err != RFL_E_OK)
            exit_code = report_failed(ctl, err, &report);
    }
    rfl_keyfile_close(&file);
    if (exit_code != CTL_OK)
        return exit_code;
    if (ctl->dry_run) {
        printf("dry run, nothing was changed; %s would be good\n", keys_path(ctl));
        return CTL_OK;
    }
    printf("changed %s\n", keys_path(ctl));
    return reload(ctl, &who);
}

static int no_entry(const struct ctl *ctl)
{
    return ctl_fail(ctl, CTL_NO_INPUT, "no key has that name", "see referralctl keys list");
}

/* "source:gp-north" -> the kind and the name. */
static bool kind_of(const char *text, enum rfl_key_kind *kind, const char **who)
{
    for (unsigned i = 0; i < RFL_KEY_KIND_COUNT; i++) {
        const char *word = rfl_key_kind_word((enum rfl_key_kind)i);
        if (strncmp(text, word, strlen(word)) == 0 && text[strlen(word)] == ':') {
            *kind = (enum rfl_key_kind)i;
            *who = text + strlen(word) + 1;
            return **who != '\0';
        }
    }
    return false;
}

static int allow(const struct ctl *ctl, struct rfl_keyfile *file, const char *why)
{
    struct rfl_key_grant grant = { .name = ctl->argv[0], .rights = ctl->argv[2], .why = why, .public = ctl->public,
                                   .owner = ctl->owner, .from = rfl_london_date(ctl_now_ms()) };
    if (!kind_of(ctl->argv[1], &grant.kind, &grant.who))
        return ctl_fail(ctl, CTL_USAGE, "whose key it is must be said as KIND:NAME",
                        "source:gp-north, worker:desk-1 or operator:anna");
    if (grant.public == NULL || grant.owner == NULL)
        return ctl_fail(ctl, CTL_USAGE, "the key, or who answers for it, is not said",
                        "add --public KEY and --owner ROLE");
    if (ctl->until == NULL || rfl_conf_parse_date(ctl->until, &grant.until) != RFL_E_OK)
        return ctl_fail(ctl, CTL_USAGE, "a key has a last day", "add --until 2027-04-01: good to before that day");
    enum rfl_err err = rfl_keyfile_add(file, &grant);
    return err == RFL_E_OK ? CTL_OK : ctl_fail(ctl, CTL_TRY_AGAIN, rfl_err_text(err), "try again");
}

static int revoke(const struct ctl *ctl, struct rfl_keyfile *file, const char *why)
{
    enum rfl_err err = rfl_keyfile_revoke(file, ctl->argv[0], why);
    if (err == RFL_E_ABSENT)
        return no_entry(ctl);
    if (err == RFL_E_STATE)
        return ctl_fail(ctl, CTL_FINDINGS, "that key is revoked already", "see referralctl keys list");
    return err == RFL_E_OK ? CTL_OK : ctl_fail(ctl, CTL_TRY_AGAIN, "out of memory", "try again");
}

int ctl_keys_allow(const struct ctl *ctl) { return change_file(ctl, allow); }
int ctl_keys_revoke(const struct ctl *ctl) { return change_file(ctl, revoke); }

/* ---- rotate ---- */

/* NAME-2, or the first number that is free. */
static void next_name(const struct rfl_keys *keys, const char *name, char out[RFL_NAME_BYTES_MAX + 1])
{
    int digits = (int)strlen(name);
    while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9')
        digits--;
    bool numbered = digits > 1 && name[digits] != '\0' && name[digits - 1] == '-' && strlen(name + digits) < 4;
    int stem = numbered ? digits - 1 : (int)strlen(name);
    for (unsigned n = numbered ? (unsigned)strtoul(name + digits, NULL, 10) + 1 : 2;; n++) {
        (void)snprintf(out, RFL_NAME_BYTES_MAX + 1, "%.*s-%u", stem < 56 ? stem : 56, name, n);
        if (rfl_keys_named(keys, rfl_view_of(out)) == NULL)
            return;
    }
}

static int rotate(const struct ctl *ctl, struct rfl_keyfile *file, const char *why)
{
    static char rights[RFL_KEY_QUEUES_MAX * (RFL_NAME_BYTES_MAX + 2)];
    char name[RFL_NAME_BYTES_MAX + 1];
    struct rfl_identity made;
    int64_t overlap_ms = 14 * DAY_MS, now_ms = ctl_now_ms();
    const struct rfl_keys *keys = rfl_keyfile_keys(file);
    const struct rfl_key_entry *old = rfl_keys_named(keys, rfl_view_of(ctl->argv[0]));
    if (old == NULL)
        return no_entry(ctl);
    if (rfl_key_state(old, now_ms) != RFL_KEY_GOOD)
        return ctl_fail(ctl, CTL_FINDINGS, "that key is not good, so nothing can be handed on",
                        "keys new and keys allow");
    if (ctl->overlap != NULL && rfl_conf_parse_duration(ctl->overlap, &overlap_ms) != RFL_E_OK)
        return ctl_fail(ctl, CTL_USAGE, "--overlap is no duration", "such as 14d");
    next_name(keys, old->name, name);
    rights_text(keys, old, rights, sizeof rights);
    struct rfl_key_grant grant = {
        .name = name, .owner = old->owner, .who = old->who, .rights = rights, .why = why,
        .kind = (enum rfl_key_kind)old->kind, .from = rfl_london_date(now_ms),
        .until = rfl_london_date(now_ms + (old->until_ms - old->from_ms)),
        .rate = old->rate != RFL_KEY_RATE_DEFAULT ? old->rate : 0,
        .connections = old->connections != RFL_KEY_CONNECTIONS_DEFAULT ? old->connections : 0 };
    struct rfl_date last = rfl_date_from_days(rfl_date_days(rfl_london_date(now_ms + overlap_ms)) + 1);
    bool shorten = rfl_london_midnight_ms(last) < old->until_ms;
    int exit_code = CTL_OK;
    if (ctl->dry_run)
        rfl_identity_make(&made);       /* for the file to be tried with; it goes nowhere */
    else
        exit_code = make_identity(ctl, &made);
    if (exit_code != CTL_OK)
        return exit_code;
    grant.public = made.public;
    enum rfl_err err = shorten ? rfl_keyfile_set_until(file, old->name, last) : RFL_E_OK;
    if (err == RFL_E_OK)
        err = rfl_keyfile_add(file, &grant);
    printf("%s -> %s", old->name, name);
    print_date("; the old key is good to before ", shorten ? rfl_london_midnight_ms(last) : old->until_ms);
    print_date(", the new one to before ", rfl_london_midnight_ms(grant.until));
    printf("\npublic  %s\n", ctl->dry_run ? "(made when it is done)" : made.public);
    rfl_identity_forget(&made);
    return err == RFL_E_OK ? CTL_OK : ctl_fail(ctl, CTL_TRY_AGAIN, rfl_err_text(err), "try again");
}

int ctl_keys_rotate(const struct ctl *ctl) { return change_file(ctl, rotate); }

/* ---- test ---- */

static int show_key(const struct ctl *ctl, const struct rfl_reply *reply)
{
    const struct rfl_msg_key_shown *shown = &reply->key_shown;
    struct ctl_table table;
    (void)ctl;
    if (shown->without_keys) {
        puts("that daemon runs without keys: whoever reaches it may do everything");
        return CTL_OK;
    }
    ctl_fields_init(&table);
    const struct { const char *label; struct rfl_view value; } rows[] = {
        { "let in as", shown->name }, { "kind", shown->kind }, { "who", shown->who }, { "owner", shown->owner },
        { "fingerprint", shown->fingerprint } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ctl_cell(&table, "%s", rows[i].label);
        ctl_cell_view(&table, rows[i].value);
    }
    for (uint32_t i = 0; i < shown->may_count; i++) {
        ctl_cell(&table, i == 0 ? "may" : "");
        ctl_cell_view(&table, shown->may[i]);
    }
    ctl_cell(&table, "until");
    ctl_cell_time(&table, shown->until_ms);
    ctl_table_print(&table, stdout);
    return CTL_OK;
}

static bool shown_is(const struct ctl *ctl, const struct rfl_reply *reply)
{
    struct rfl_view name = reply->key_shown.name;
    return ctl->argc == 0 || reply->key_shown.without_keys
        || (name.len == strlen(ctl->argv[0]) && memcmp(name.p, ctl->argv[0], name.len) == 0);
}

int ctl_keys_test(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_KEY_SHOW };
    int exit_code = ctl_talk_open(ctl, ctl->endpoint != NULL ? ctl->endpoint : ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_KEY_SHOWN, &reply);
    if (exit_code == CTL_OK)
        exit_code = ctl->json ? ctl_print_json(&reply) : show_key(ctl, &reply);
    if (exit_code == CTL_OK && !shown_is(ctl, &reply))
        exit_code = ctl_fail(ctl, CTL_FINDINGS, "this identity is another key than the one named",
                             "look at --identity, or at the name in keys.conf");
    ctl_talk_close(&talk);
    return exit_code;
}
