/* referrald: takes referrals in, makes each one durable before it answers, and sees that somebody owns it.
 *
 * usage: referrald [-c FILE] [-t | -T] [--version] [--help]
 * Exit codes: 0 stopped in order; 64 usage; 66 no store there; 69 cannot listen; 74 the store failed (stay down until a
 * person has looked); 75 try again later; 78 bad configuration. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "gates.h"
#include "loop.h"
#include "notify.h"
#include "sandbox.h"
#include "signals.h"

enum { LINGER_MS = 1000 };          /* for answers already given to libzmq when an orderly stop closes it */

enum mode { MODE_SERVE, MODE_CHECK, MODE_SHOW, MODE_VERSION, MODE_HELP, MODE_BAD_USE };
struct arguments { enum mode mode; const char *conf_path; };

static const char usage[] =
    "usage: referrald [-c FILE] [-t | -T] [--version] [--help]\n"
    "  -c FILE    configuration; default " OPTIONS_FILE_DEFAULT "\n"
    "  -t         check configuration, keys, policy and directories, print their digests, and exit\n"
    "  -T         print the effective configuration and where each value comes from, and exit\n"
    "signals: HUP reloads policy, directories and keys (all or nothing), TERM and INT drain and stop\n";

static struct arguments parse(int argc, char **argv)
{
    static const struct option longs[] = {
        { "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    struct arguments arguments = { MODE_SERVE, OPTIONS_FILE_DEFAULT };
    for (int c; (c = getopt_long(argc, argv, "c:tTh", longs, NULL)) != -1; ) {
        switch (c) {
        case 'c': arguments.conf_path = optarg; break;
        case 't': arguments.mode = MODE_CHECK; break;
        case 'T': arguments.mode = MODE_SHOW; break;
        case 'V': arguments.mode = MODE_VERSION; return arguments;
        case 'h': arguments.mode = MODE_HELP; return arguments;
        default: arguments.mode = MODE_BAD_USE; return arguments;
        }
    }
    if (optind != argc)
        arguments.mode = MODE_BAD_USE;
    return arguments;
}

/* True when the process has said all it was asked to say. */
static bool finished(const struct daemon *d, enum mode mode)
{
    if (mode == MODE_CHECK) {
        (void)printf("configuration ok\npolicy ");
        for (size_t i = 0; i < sizeof d->guidance.policy->digest.b; i++)
            (void)printf("%02x", d->guidance.policy->digest.b[i]);
        (void)printf("\n");
        if (d->options.without_keys)
            (void)printf("without keys: for development only\n");
        else
            (void)printf("keys %u\n", (unsigned)rfl_keys_count(d->keyring.keys));
        const struct rfl_directory_set *set = d->guidance.directories;
        for (uint32_t i = 0; set != NULL && i < rfl_directory_set_count(set); i++)
            (void)printf("directory %s\n", rfl_directory_label(rfl_directory_set_get(set, i)));
    }
    return mode == MODE_CHECK;
}

/* Returns 0, or the exit code after saying on stderr what is wrong. */
static int configure(struct daemon *d, enum mode mode)
{
    struct rfl_conf_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return EX_TEMPFAIL;
    enum rfl_err err = options_read(d->conf_path, &d->options, d->origins, report);
    if (err == RFL_E_OK && mode != MODE_SHOW)
        err = mode == MODE_CHECK ? guidance_load(&d->options, NULL, &d->guidance, report) : reload_first(d, report);
    if (err == RFL_E_OK && mode == MODE_CHECK) {        /* at the start: reload_judge_first */
        clock_read(&d->clock, &d->now);
        err = gates_pass(d->guidance.policy, d->options.policy_dir, d->now.wall_ms, report);
    }
    if (err == RFL_E_OK && mode != MODE_SHOW)
        err = keyring_open(&d->keyring, &d->options, report);
    if (report->count > 0)
        rfl_conf_report_print(report, stderr);
    if (err != RFL_E_OK)
        (void)fprintf(stderr, "referrald: configuration refused: %s\n", rfl_err_text(err));
    free(report);
    return err == RFL_E_OK ? 0 : err == RFL_E_MEMORY ? EX_TEMPFAIL : EX_CONFIG;
}

static enum log_format log_format_of(const char *word)
{
    if (strcmp(word, "logfmt") == 0)
        return LOG_FORMAT_LOGFMT;
    if (strcmp(word, "journal") == 0)
        return LOG_FORMAT_JOURNAL;
    return strcmp(word, "human") == 0 ? LOG_FORMAT_HUMAN : LOG_FORMAT_AUTO;
}

/* Privileges go before the store is opened. Returns 0, or the exit code after logging why not. */
static int lower(struct daemon *d)
{
    if (!sandbox_start()) {
        LOG(&d->log, ERROR, "sandbox.failed", F_ERRNO("errno", errno));
        return EX_OSERR;
    }
    const char *why = sandbox_become(d->options.user);
    if (why != NULL) {
        LOG(&d->log, ERROR, "user.refused", F_OURS("why", why), F_ERRNO("errno", errno),
            F_LIT("next", "correct the option user, or start as that user"));
        return EX_CONFIG;
    }
    if (sandbox_is_root())
        LOG(&d->log, WARN, "user.root", F_LIT("why", "a fault in this process would be root's"),
            F_LIT("next", "set the option user, or start it as a user of its own"));
    return 0;
}

static int serve(struct daemon *d)
{
    log_init(&d->log, STDERR_FILENO, log_format_of(d->options.log_format));
    int code = lower(d);
    if (code != 0) {
        daemon_close(d, 0);
        return code;
    }
    d->signal_fd = signals_start();         /* before libzmq has threads that would inherit another mask */
    if (d->signal_fd == -1) {
        LOG(&d->log, ERROR, "signals.failed", F_ERRNO("errno", errno));
        return EX_OSERR;
    }
    code = daemon_open(d);
    if (code == 0 && !sandbox_filter()) {
        LOG(&d->log, ERROR, "sandbox.failed", F_ERRNO("errno", errno),
            F_LIT("next", "the kernel must offer seccomp filters"));
        code = EX_OSERR;
    }
    if (code == 0) {
        notify_ready("ready");
        enum loop_end end = loop_run(d);
        code = end == LOOP_DRAINED ? 0 : EX_IOERR;
        LOG(&d->log, NOTE, "daemon.stopped", F_I64("exit", code));
    }
    daemon_close(d, code == 0 ? LINGER_MS : 0);
    (void)close(d->signal_fd);
    return code;
}

int main(int argc, char **argv)
{
    struct daemon d;
    memset(&d, 0, sizeof d);
    struct arguments arguments = parse(argc, argv);
    d.conf_path = arguments.conf_path;
    switch (arguments.mode) {
    case MODE_BAD_USE:
        (void)fputs(usage, stderr);
        return EX_USAGE;
    case MODE_HELP:
        (void)fputs(usage, stdout);
        return 0;
    case MODE_VERSION:
        (void)puts("referrald " RFL_VERSION);
        return 0;
    case MODE_SHOW:
    case MODE_CHECK:
    case MODE_SERVE:
        break;
    }
    int code = configure(&d, arguments.mode);
    if (code == 0 && arguments.mode == MODE_SHOW)
        return rfl_conf_print(options_table(), &d.options, d.origins, stdout) ? 0 : EX_IOERR;
    if (code != 0 || finished(&d, arguments.mode)) {
        guidance_free(&d.guidance);
        keyring_close(&d.keyring);
        return code;
    }
    return serve(&d);
}
