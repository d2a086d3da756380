/* referralctl: a table of subcommands; each family has a file, ctl_<family>.c. */
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>

#include "ctl.h"
#include "ctl_directory.h"


struct command {
    const char *words, *operands, *help;
    unsigned options;               /* CTL_OPT_... */
    int operands_min, operands_max;
    int (*run)(const struct ctl *ctl);
};

static const struct command commands[] = {
    { "init", "DIR", "make an empty store and its master key", CTL_OPT_MAP | CTL_OPT_KEY | CTL_OPT_ANY_FS, 1, 1,
      ctl_init },
    { "status", "", "is it well: counts, store, policy, counters", CTL_OPT_WAIT, 0, 0, ctl_status },
    { "submit", "FILE.json", "send one referral and wait for its receipt", CTL_OPT_SOURCE | CTL_OPT_REFERENCE, 1, 1,
      ctl_submit },
    { "validate", "FILE.json", "check a referral here, or at a daemon with --endpoint", CTL_OPT_SOURCE
      | CTL_OPT_ENDPOINT, 1, 1, ctl_validate },
    { "list", "", "cases, newest last", CTL_OPT_STATUS | CTL_OPT_QUEUE | CTL_OPT_DOOR | CTL_OPT_LIMIT, 0, 0, ctl_list },
    { "show", "CODE", "one case and what happened to it; CODE is WW-... or WC-...", 0, 1, 1, ctl_show_case },
    { "explain", "CODE | --file FILE.json", "why a referral went, or would go, where it goes",
      CTL_OPT_FILE | CTL_OPT_AT | CTL_OPT_COUNTERFACTUAL, 0, 1, ctl_explain },
    { "triage list", "", "who waits for the triage desk: why, with whom, until when",
      CTL_OPT_STATUS | CTL_OPT_QUEUE | CTL_OPT_LIMIT, 0, 0, ctl_triage_list },
    { "triage assign", "CODE QUEUE", "give a case without a provider to a queue", CTL_OPT_ACT | CTL_OPT_OVERRIDE, 2, 2,
      ctl_triage_assign },
    { "triage redirect", "CODE QUEUE", "move a case on from a provider's queue", CTL_OPT_ACT | CTL_OPT_OVERRIDE, 2, 2,
      ctl_triage_redirect },
    { "triage approve", "CODE [QUEUE]", "a decline stands; on to QUEUE, else to the area's desk",
      CTL_OPT_ACT | CTL_OPT_OVERRIDE, 1, 2, ctl_triage_approve },
    { "triage send-back", "CODE", "a decline does not stand; back to who declined", CTL_OPT_ACT, 1, 1,
      ctl_triage_send_back },
    { "triage hold", "CODE", "keep a case where it is, --until TIME", CTL_OPT_ACT | CTL_OPT_UNTIL, 1, 1,
      ctl_triage_hold },
    { "triage release", "CODE [QUEUE]", "end a hold of any kind", CTL_OPT_ACT, 1, 2, ctl_triage_release },
    { "triage close", "CODE", "close a case --as WORD", CTL_OPT_ACT | CTL_OPT_AS, 1, 1, ctl_triage_close },
    { "case link", "CODE TO", "they are one person: CODE rests on TO", CTL_OPT_ACT, 2, 2, ctl_case_link },
    { "case unlink", "CODE", "exactly as before the link; or: no such resemblance", CTL_OPT_ACT, 1, 1,
      ctl_case_unlink },
    { "case reveal", "CODE", "read the personal data of a case; the log says who did, and why", CTL_OPT_ACT, 1, 1,
      ctl_case_reveal },
    { "subject find", "", "the cases of a person, who is typed in, not written on the command line", CTL_OPT_WHO, 0, 0,
      ctl_subject_find },
    { "subject export", "CODE", "everything held about the person of a case, for them to read", CTL_OPT_WHO, 1, 1,
      ctl_subject_export },
    { "subject erase", "CODE", "destroy what names the person of a case, in all their cases", CTL_OPT_ACT, 1, 1,
      ctl_subject_erase },
    { "subject hold", "CODE", "legal hold: nothing of this person may be erased", CTL_OPT_ACT, 1, 1, ctl_subject_hold },
    { "subject release", "CODE", "end a legal hold", CTL_OPT_ACT, 1, 1, ctl_subject_release },
    { "audit export", "", "the whole log into a file, --out FILE, that others can check", CTL_OPT_OUT, 0, 0,
      ctl_audit_export },
    { "audit verify", "FILE [HEAD.json ...]", "check an exported log, and that heads kept elsewhere lie on it",
      0, 1, 1000, ctl_audit_verify },
    { "audit head", "", "the signed head of the log now, to be kept elsewhere", 0, 0, 0, ctl_audit_head },
    { "audit tail", "", "the newest entries of the log: when, who, what, which case", CTL_OPT_LIMIT, 0, 0,
      ctl_audit_tail },
    { "receipt verify", "RECEIPT.json", "hold a receipt of submit --json against an exported log, --audit FILE",
      CTL_OPT_AUDIT, 1, 1, ctl_receipt_verify },
    { "retention", "", "what is kept for how long, and how much is older than that", 0, 0, 0, ctl_retention },
    { "queue list", "", "every queue: who owns it, how many wait and since when", CTL_OPT_WAITING, 0, 0,
      ctl_queue_list },
    { "queue pause", "QUEUE", "nobody is offered from it, --until TIME", CTL_OPT_ACT | CTL_OPT_UNTIL, 1, 1,
      ctl_queue_pause },
    { "queue hold", "QUEUE", "it takes nobody new, --until TIME", CTL_OPT_ACT | CTL_OPT_UNTIL, 1, 1, ctl_queue_hold },
    { "queue divert", "QUEUE", "who would come goes to another, --to QUEUE --until TIME",
      CTL_OPT_ACT | CTL_OPT_UNTIL | CTL_OPT_TO, 1, 1, ctl_queue_divert },
    { "queue capacity", "QUEUE N", "at most N cases at once, --until TIME", CTL_OPT_ACT | CTL_OPT_UNTIL, 2, 2,
      ctl_queue_capacity },
    { "queue clear", "QUEUE", "take back whatever is set", CTL_OPT_ACT, 1, 1, ctl_queue_clear },
    { "policy check", "[DIR]", "is a policy folder sound for everybody, from now or --at on; needs no daemon",
      CTL_OPT_AT | CTL_OPT_STRICT | CTL_OPT_KEYS, 0, 1, ctl_policy_check },
    { "policy diff", "DIR DIR", "who would go elsewhere, from now on or only --at TIME; needs no daemon", CTL_OPT_AT,
      2, 2, ctl_policy_diff },
    { "area plan", "", "who would move, and where, when areas change; of a time that is over: who did",
      CTL_OPT_AT, 0, 0, ctl_area_plan },
    { "area list", "DIR", "the areas of a policy folder at a time, with their codes", CTL_OPT_AT, 1, 1, ctl_area_list },
    { "area lineage", "DIR NAME|CODE", "an area through time: codes, where it came from, where it goes", CTL_OPT_AT, 2,
      2, ctl_area_lineage },
    { "policy load", "", "put policy_dir as it is now in force, after trying it; a pin goes",
      CTL_OPT_ACT | CTL_OPT_FORCE, 0, 0, ctl_policy_load },
    { "policy rollback", "[DIGEST]", "an older policy again (default: the one before), pinned through restarts",
      CTL_OPT_ACT | CTL_OPT_FORCE, 0, 1, ctl_policy_rollback },
    { "policy list", "", "what has been in force: since when, by whom and why", 0, 0, 0, ctl_policy_list },
    { "whatif", "", "the decisions of the log made again under --policy DIR; nothing is written",
      CTL_OPT_WHATIF | CTL_OPT_UNTIL | CTL_OPT_AT | CTL_OPT_AUDIT, 0, 0, ctl_whatif },
    { "route test", "[DIR]", "do the rules of a policy folder do what its tests.d expects; needs no daemon",
      CTL_OPT_AT, 0, 1, ctl_route_test },
    { "route list", "AREA [DIR]", "the eligibility and rules of an area in their order; needs no daemon", 0, 1, 2,
      ctl_route_list },
    { "directory", "build | lookup ...", "compile and ask the dated directory of postcodes and practices", 0, 0, 0,
      NULL },
    { "store verify", "DIR", "read everything and check it: hashes, chain, tables, counts",
      CTL_OPT_KEY | CTL_OPT_MAP | CTL_OPT_ANY_FS, 1, 1, ctl_store_verify },
    { "store rebuild", "DIR NEWDIR", "write a new store whose tables are made from the log of DIR",
      CTL_OPT_KEY | CTL_OPT_MAP | CTL_OPT_ANY_FS, 2, 2, ctl_store_rebuild },
    { "store compare", "DIR DIR", "compare two stores table by table, byte for byte",
      CTL_OPT_KEY | CTL_OPT_MAP | CTL_OPT_ANY_FS, 2, 2, ctl_store_compare },
    { "store stat", "DIR", "figures of a store nobody has open (opening it raises its epoch)",
      CTL_OPT_KEY | CTL_OPT_MAP | CTL_OPT_ANY_FS, 1, 1, ctl_store_stat },
    { "store compact", "DIR", "write the file anew, so that no erased key lies in its free pages",
      CTL_OPT_KEY | CTL_OPT_MAP | CTL_OPT_ANY_FS, 1, 1, ctl_store_compact },
    { "store backup", "DIR NEWDIR", "a compact, verified copy, also while the daemon runs; without the master key",
      CTL_OPT_KEY | CTL_OPT_MAP | CTL_OPT_ANY_FS, 2, 2, ctl_store_backup },
    { "store rotate-master", "DIR NEWKEY", "wrap all keys under another master key; killed, run it again",
      CTL_OPT_KEY | CTL_OPT_MAP | CTL_OPT_ANY_FS, 2, 2, ctl_store_rotate },
    { "keys rotate-master", "DIR", "the same, with --new-key FILE",
      CTL_OPT_KEY | CTL_OPT_MAP | CTL_OPT_ANY_FS | CTL_OPT_NEW_KEY, 1, 1, ctl_store_rotate },
    { "keys new", "[NAME]", "a key pair: of a client, or with --server the daemon's own", CTL_OPT_PAIR, 0, 1,
      ctl_keys_new },
    { "keys list", "", "who may connect, what each may do, and how long", CTL_OPT_KEYS, 0, 0, ctl_keys_list },
    { "keys allow", "NAME KIND:WHO RIGHTS", "let a key in: source:gp-north gp,self", CTL_OPT_KEYS | CTL_OPT_ACT
      | CTL_OPT_GRANT | CTL_OPT_UNTIL, 3, 3, ctl_keys_allow },
    { "keys revoke", "NAME", "never again, at once", CTL_OPT_KEYS | CTL_OPT_ACT, 1, 1, ctl_keys_revoke },
    { "keys rotate", "NAME", "a new key with the same rights; the old one ends after --overlap",
      CTL_OPT_KEYS | CTL_OPT_ACT | CTL_OPT_PAIR | CTL_OPT_OVERLAP, 1, 1, ctl_keys_rotate },
    { "keys reload", "", "put keys.conf as it is now in force", CTL_OPT_ACT, 0, 0, ctl_keys_reload },
    { "keys test", "[NAME]", "connect with --identity, and say what it may do", CTL_OPT_ENDPOINT, 0, 1, ctl_keys_test },
    { "errors", "[CODE]", "what a refusal code means and what to do", 0, 0, 1, ctl_errors },
};
enum { COMMANDS_COUNT = sizeof commands / sizeof commands[0] };

/* One row an option: name, argument's name or NULL for a switch, the bit that allows it (0: always), where it goes. */
struct option_row {
    const char *name, *argument, *help;
    unsigned bit;
    size_t text, flag;              /* offset of a const char * or a bool in struct ctl; the other is NOWHERE */
};
#define NOWHERE ((size_t)-1)
#define TEXT(name, argument, bit, field, help) { name, argument, help, bit, offsetof(struct ctl, field), NOWHERE }
#define FLAG(name, bit, field, help) { name, NULL, help, bit, NOWHERE, offsetof(struct ctl, field) }
static const struct option_row option_rows[] = {
    FLAG("json", 0, json, "one JSON value instead of tables, with the same content"),
    TEXT("admin", "ENDPOINT", 0, admin, "admin socket; REFERRALD_ADMIN, else ipc:///run/referrald/admin"),
    TEXT("doors", "ENDPOINT", 0, doors, "doors socket; REFERRALD_DOORS, else tcp://127.0.0.1:5701"),
    TEXT("identity", "FILE", 0, identity, "the key to connect with; REFERRALD_IDENTITY; none: a daemon without keys"),
    TEXT("source", "NAME", CTL_OPT_SOURCE, source, "the registered source to act as"),
    TEXT("reference", "TEXT", CTL_OPT_REFERENCE, reference, "the source's own reference, unique for ever"),
    TEXT("endpoint", "ENDPOINT", CTL_OPT_ENDPOINT, endpoint, "ask the daemon behind this doors socket"),
    TEXT("file", "FILE.json", CTL_OPT_FILE, file, "a referral that was not sent ('-' reads standard input)"),
    TEXT("at", "TIME", CTL_OPT_AT, at, "2026-04-01, 2026-04-01 09:30 (local) or 2026-04-01T09:30:00Z"),
    TEXT("status", "WORD", CTL_OPT_STATUS, status, "only cases with this status, such as triage"),
    TEXT("queue", "NAME", CTL_OPT_QUEUE, queue, "only cases of this queue"),
    TEXT("door", "WORD", CTL_OPT_DOOR, door, "only cases that came through this door, such as gp"),
    TEXT("limit", "N", CTL_OPT_LIMIT, limit, "at most N rows (default 100)"),
    TEXT("operator", "NAME", CTL_OPT_ACT | CTL_OPT_WHO, operator, "who acts, kept for ever (default: the user's name)"),
    TEXT("reason", "TEXT", CTL_OPT_ACT | CTL_OPT_WHO, reason, "why, in words, kept for ever"),
    FLAG("dry-run", CTL_OPT_ACT, dry_run, "say what would happen and change nothing"),
    FLAG("execute", CTL_OPT_ACT, execute, "do it"),
    TEXT("until", "TIME", CTL_OPT_UNTIL, until, "when it ends: +30m, +4h, +3d from now, or as --at"),
    TEXT("as", "WORD", CTL_OPT_AS, as, "how it is closed, such as person_moved"),
    TEXT("to", "QUEUE", CTL_OPT_TO, to, "where a diversion leads"),
    FLAG("override-no", CTL_OPT_OVERRIDE, override_no, "although that queue said no to this case before"),
    FLAG("strict", CTL_OPT_STRICT, strict, "exit 1 on warnings too"),
    FLAG("force", CTL_OPT_FORCE, force, "although queues would go, or people are in them"),
    TEXT("policy", "DIR", CTL_OPT_WHATIF, policy, "the folder of the other policy"),
    TEXT("directory", "DIR", CTL_OPT_WHATIF, directory, "compiled directories to place people by instead"),
    TEXT("since", "TIME", CTL_OPT_WHATIF, since, "decisions from then on"),
    TEXT("list", "KIND", CTL_OPT_WHATIF, kind, "all of one kind of change, such as to-triage"),
    TEXT("samples", "N", CTL_OPT_WHATIF, samples, "so many of each kind (default 3)"),
    TEXT("max-to-triage", "PERCENT", CTL_OPT_WHATIF, max_to_triage, "exit 1 when more would go to a desk"),
    TEXT("max-changed", "PERCENT", CTL_OPT_WHATIF, max_changed, "exit 1 when more would change"),
    TEXT("audit", "FILE", CTL_OPT_AUDIT, audit, "a log that audit export wrote, instead of the daemon's"),
    FLAG("counterfactual", CTL_OPT_COUNTERFACTUAL, counterfactual, "also which one change would have led elsewhere"),
    FLAG("waiting", CTL_OPT_WAITING, waiting, "only queues where somebody waits"),
    FLAG("wait", CTL_OPT_WAIT, wait, "for a daemon that is still starting, up to --timeout"),
    TEXT("keys", "FILE", CTL_OPT_KEYS, keys, "keys.conf; REFERRALD_KEYS, else /etc/referrald/keys.conf"),
    TEXT("out", "FILE", CTL_OPT_PAIR | CTL_OPT_OUT, out, "the file to be made, mode 0600: a secret key, an export"),
    FLAG("server", CTL_OPT_PAIR, server, "the daemon's own key pair"),
    TEXT("trust", "KEY", CTL_OPT_PAIR, trust, "the daemon's public key or key file (/etc/referrald/server.key)"),
    TEXT("public", "KEY", CTL_OPT_GRANT, public, "the public key, as keys new printed it"),
    TEXT("owner", "ROLE", CTL_OPT_GRANT, owner, "who answers for the key"),
    TEXT("overlap", "DAYS", CTL_OPT_OVERLAP, overlap, "how long the old key goes on, such as 14d (default)"),
    TEXT("map", "SIZE", CTL_OPT_MAP, map, "largest size of the store file in MiB (default 65536)"),
    TEXT("key", "FILE", CTL_OPT_KEY, key, "master key (default: master.key in the store; without '/': a credential)"),
    TEXT("new-key", "FILE", CTL_OPT_NEW_KEY, new_key, "the master key to be, made when it is not there"),
    FLAG("any-fs", CTL_OPT_ANY_FS, any_fs, "accept a filesystem not known to keep its promises"),
};
enum { OPTIONS_COUNT = sizeof option_rows / sizeof option_rows[0], OPTION_BASE = 1000, OPTION_TIMEOUT = 900,
       OPTION_HELP = 901, OPTION_VERSION = 902 };

static void print_help(FILE *out)
{
    fputs("usage: referralctl [options] COMMAND ...\n\n", out);
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        int used = fprintf(out, "  %s %s", commands[i].words, commands[i].operands);
        fprintf(out, "%*s%s\n", used < 38 ? 38 - used : 1, "", commands[i].help);
    }
    fputs("\noptions\n", out);
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        int used = fprintf(out, "  --%s %s", option_rows[i].name,
                           option_rows[i].argument != NULL ? option_rows[i].argument : "");
        fprintf(out, "%*s%s\n", used < 38 ? 38 - used : 1, "", option_rows[i].help);
    }
    fputs("  --timeout SECONDS                   how long to wait for an answer (default 5)\n\n"
          "exit codes: 0 well, 1 findings, 64 wrong use, 65 bad data, 66 no such file or code, 69 no daemon there,\n"
          "            73 cannot create, 74 store failed, 75 try again, 76 protocol, 77 not permitted\n", out);
}

static void fill_long_options(struct option out[OPTIONS_COUNT + 4])
{
    for (size_t i = 0; i < OPTIONS_COUNT; i++) {
        int takes = option_rows[i].argument != NULL ? required_argument : no_argument;
        out[i] = (struct option){ option_rows[i].name, takes, NULL, OPTION_BASE + (int)i };
    }
    out[OPTIONS_COUNT] = (struct option){ "timeout", required_argument, NULL, OPTION_TIMEOUT };
    out[OPTIONS_COUNT + 1] = (struct option){ "help", no_argument, NULL, OPTION_HELP };
    out[OPTIONS_COUNT + 2] = (struct option){ "version", no_argument, NULL, OPTION_VERSION };
    out[OPTIONS_COUNT + 3] = (struct option){ NULL, 0, NULL, 0 };
}

static void take_option(struct ctl *ctl, uint64_t *seen, size_t row, const char *value)
{
    const struct option_row *option = &option_rows[row];
    *seen |= UINT64_C(1) << row;
    if (option->text != NOWHERE)
        memcpy((char *)ctl + option->text, &value, sizeof value);
    else
        memcpy((char *)ctl + option->flag, &(bool){ true }, sizeof(bool));
}

/* -1: go on; else the exit code. */
static int parse_options(struct ctl *ctl, int argc, char **argv, uint64_t *seen)
{
    struct option long_options[OPTIONS_COUNT + 4];
    fill_long_options(long_options);
    int option;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        uint64_t seconds;
        if (option == 'h' || option == OPTION_HELP) {
            print_help(stdout);
            return CTL_OK;
        } else if (option == OPTION_VERSION) {
            puts("referralctl " RFL_VERSION);
            return CTL_OK;
        } else if (option == OPTION_TIMEOUT) {
            if (!ctl_number_parse(optarg, 86400, &seconds) || seconds == 0)
                return ctl_fail(ctl, CTL_USAGE, "--timeout is not a number of seconds", "give 1 to 86400");
            ctl->timeout_ms = (int)seconds * 1000;
        } else if (option >= OPTION_BASE) {
            take_option(ctl, seen, (size_t)(option - OPTION_BASE), optarg);
        } else {
            return ctl_fail(ctl, CTL_USAGE, "wrong use", "see referralctl --help");
        }
    }
    ctl->argc = argc - optind;
    ctl->argv = argv + optind;
    return -1;
}

static int words_of(const char *words) { return strchr(words, ' ') != NULL ? 2 : 1; }

static bool words_match(const char *words, const struct ctl *ctl)
{
    const char *space = strchr(words, ' ');
    if (space == NULL)
        return strcmp(words, ctl->argv[0]) == 0;
    size_t first = (size_t)(space - words);
    return ctl->argc > 1 && strlen(ctl->argv[0]) == first && memcmp(words, ctl->argv[0], first) == 0
        && strcmp(space + 1, ctl->argv[1]) == 0;
}

static const struct command *find_command(struct ctl *ctl)
{
    for (size_t i = 0; ctl->argc > 0 && i < COMMANDS_COUNT; i++)
        if (words_match(commands[i].words, ctl)) {
            ctl->command = commands[i].words;
            ctl->argc -= words_of(commands[i].words);
            ctl->argv += words_of(commands[i].words);
            return &commands[i];
        }
    return NULL;
}

static int run(struct ctl *ctl, const struct command *command, uint64_t seen)
{
    for (size_t i = 0; i < OPTIONS_COUNT; i++)
        if ((seen & UINT64_C(1) << i) != 0 && option_rows[i].bit != 0 && (option_rows[i].bit & command->options) == 0) {
            fprintf(stderr, "referralctl: %s: --%s is no option of this command\n  do: see referralctl --help\n",
                    command->words, option_rows[i].name);
            return CTL_USAGE;
        }
    if (ctl->argc < command->operands_min || ctl->argc > command->operands_max) {
        fprintf(stderr, "usage: referralctl %s %s\n", command->words, command->operands);
        return CTL_USAGE;
    }
    return command->run(ctl);
}

static const char *or_default(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : fallback;
}

int main(int argc, char **argv)
{
    struct ctl ctl = { .admin = or_default("REFERRALD_ADMIN", "ipc:///run/referrald/admin"),
                       .doors = or_default("REFERRALD_DOORS", "tcp://127.0.0.1:5701"), .timeout_ms = 5000,
                       .identity = or_default("REFERRALD_IDENTITY", NULL) };
    uint64_t seen = 0;
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    /* Its options are its own: what follows the word "directory" is not for us to read. */
    if (argc > 1 && strcmp(argv[1], "directory") == 0)
        return ctl_directory(argc - 1, argv + 1);
    int early = parse_options(&ctl, argc, argv, &seen);
    if (early >= 0)
        return early;
    const struct command *command = find_command(&ctl);
    if (command == NULL || command->run == NULL) {
        print_help(stderr);
        return CTL_USAGE;
    }
    int exit_code = run(&ctl, command, seen);
    if (fflush(stdout) != 0 || ferror(stdout))
        return ctl_fail(&ctl, CTL_CANNOT_CREATE, "the output could not be written", "free the disk or the pipe");
    return exit_code;
}
