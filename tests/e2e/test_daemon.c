/* The daemon as its operator and its peers meet it: arguments, configuration, start, reload, stop, kill, and a referral
 * from door to desk over real sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "harness.h"

enum { OUT_BYTES = 65536 };
static char out[OUT_BYTES];
static const char queue_name[] = "greater-manchester/intake";

static int setup(void **state)
{
    static struct e2e e;
    e2e_setup(&e);
    *state = &e;
    return 0;
}

static int teardown(void **state)
{
    e2e_teardown(*state);
    return 0;
}

static void expect_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static int run_with_conf(const struct e2e *e, const char *flag)
{
    return e2e_run((const char *const[]){ "-c", e->conf, flag, NULL }, out, sizeof out);
}

/* ---- arguments and configuration ---- */

static void arguments_are_answered(void **state)
{
    (void)state;
    assert_int_equal(e2e_run((const char *const[]){ "--version", NULL }, out, sizeof out), 0);
    assert_memory_equal(out, "referrald ", 10);
    assert_int_equal(e2e_run((const char *const[]){ "--help", NULL }, out, sizeof out), 0);
    expect_in(out, "usage: referrald");
    assert_int_equal(e2e_run((const char *const[]){ "-x", NULL }, out, sizeof out), EX_USAGE);
    expect_in(out, "usage: referrald");
    assert_int_equal(e2e_run((const char *const[]){ "-t", "surplus", NULL }, out, sizeof out), EX_USAGE);
}

static void a_missing_configuration_is_an_error(void **state)
{
    struct e2e *e = *state;
    assert_int_equal(unlink(e->conf), 0);
    assert_int_equal(run_with_conf(e, "-t"), EX_CONFIG);
    assert_int_equal(access(e->conf, F_OK), -1);            /* never a written default */
}

static void check_prints_the_digest_that_status_shows(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer peer;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    char digest[128];
    assert_int_equal(run_with_conf(e, "-t"), 0);
    expect_in(out, "configuration ok\npolicy ");
    e2e_start(e);
    e2e_peer_open(&peer, e->admin);
    e2e_peer_ask(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_ADMIN_STATE);
    struct rfl_view policy = reply.admin_state.policy;
    assert_true(policy.len >= 8 && policy.len < sizeof digest);
    memcpy(digest, policy.p, policy.len);
    digest[policy.len] = '\0';
    expect_in(out, digest);
    e2e_peer_close(&peer);
}

static void show_prints_each_value_with_its_origin(void **state)
{
    struct e2e *e = *state;
    char line[512];
    (void)snprintf(e->extra, sizeof e->extra, "session_idle = \"45s\";");
    e2e_write_conf(e);
    assert_int_equal(run_with_conf(e, "-T"), 0);
    (void)snprintf(line, sizeof line, "session_idle = \"45s\";    # %s:9\n", e->conf);
    expect_in(out, line);
    expect_in(out, "lease_min = \"0ms\";    # default\n");
    /* What it prints is configuration: read again, it says the same of every value. */
    char *first = strdup(out);
    assert_non_null(first);
    e2e_write_file(e->conf, first);
    assert_int_equal(run_with_conf(e, "-T"), 0);
    for (char *a = first, *b = out; *a != '\0'; a = strchr(a, '\n') + 1, b = strchr(b, '\n') + 1)
        assert_memory_equal(a, b, strcspn(a, "#\n"));
    free(first);
}

static void bad_configuration_is_refused_with_its_reason(void **state)
{
    struct e2e *e = *state;
    static const struct { const char *setting, *said; } cases[] = {
        { "store_mapp = \"1GiB\";", "store_map" },                          /* with a suggestion */
        { "store_full_permille = 4294967297;", ":9: an integer does not fit" },
        { "store_full_permille = \"700\";", "store_full_permille" },
        { "store_full_permille = 0;", "store_full_permille" },
        { "session_idle = 30;", "session_idle" },
        { "session_idle = \"30 parsecs\";", "session_idle" },
        { "session_idle = \"2h\";", "session_idle" },
        { "doors = \"tcp://127.0.0.1:1\";", "" },                           /* given twice */
        { "lease_min = ;", ":9" },
        { "end_of_config = true;", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(e->extra, sizeof e->extra, "%s", cases[i].setting);
        e2e_write_conf(e);
        int code = run_with_conf(e, "-t");
        if (code != EX_CONFIG)
            fail_msg("case %zu: exit %d\n%s", i, code, out);
        expect_in(out, e->conf);
        expect_in(out, cases[i].said);
        assert_null(strstr(out, "parsecs"));                /* never the value */
    }
}

static void addresses_beyond_this_machine_are_refused(void **state)
{
    struct e2e *e = *state;
    static const char *const refused[] = { "tcp://0.0.0.0:5701", "tcp://*:5701", "tcp://192.0.2.1:5701",
                                           "tcp://[::]:5701", "tcp://localhost:5701" };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        (void)snprintf(e->doors, sizeof e->doors, "%s", refused[i]);
        e2e_write_conf(e);
        assert_int_equal(run_with_conf(e, "-t"), EX_CONFIG);
        expect_in(out, "doors: without keys only this machine may connect");
    }
    (void)snprintf(e->doors, sizeof e->doors, "tcp://127.0.0.1:5701");
    (void)snprintf(e->admin, sizeof e->admin, "tcp://127.0.0.1:5703");
    e2e_write_conf(e);
    assert_int_equal(run_with_conf(e, "-t"), EX_CONFIG);
    expect_in(out, "admin: without keys admin listens on ipc only");
}

/* A file cut at every line is refused: nothing half-written takes effect. */
static void a_truncated_configuration_is_refused(void **state)
{
    struct e2e *e = *state;
    char *whole = e2e_read_file(e->conf);
    size_t cuts = 0;
    for (char *at = strchr(whole, '\n'); at != NULL && at[1] != '\0'; at = strchr(at + 1, '\n')) {
        char *part = strdup(whole);
        assert_non_null(part);
        part[at - whole + 1] = '\0';
        e2e_write_file(e->conf, part);
        assert_int_equal(run_with_conf(e, "-t"), EX_CONFIG);
        free(part);
        cuts++;
    }
    assert_true(cuts >= 8);
    e2e_write_file(e->conf, "");
    assert_int_equal(run_with_conf(e, "-t"), EX_CONFIG);
    e2e_write_file(e->conf, whole);
    assert_int_equal(run_with_conf(e, "-t"), 0);
    free(whole);
}

/* ---- start ---- */

static void a_missing_store_is_never_made(void **state)
{
    struct e2e *e = *state;
    char elsewhere[E2E_PATH_BYTES + 8];
    (void)snprintf(elsewhere, sizeof elsewhere, "%s.away", e->store);
    assert_int_equal(rename(e->store, elsewhere), 0);
    e2e_spawn(e);
    assert_int_equal(e2e_wait(e), EX_NOINPUT);
    assert_int_equal(access(e->store, F_OK), -1);
    char *log = e2e_read_file(e->log);
    expect_in(log, "store.absent");
    expect_in(log, "referralctl init");
    free(log);
}

static void a_second_daemon_on_one_store_is_refused(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer peer;
    struct rfl_reply reply;
    e2e_start(e);
    e2e_peer_open(&peer, e->doors);
    assert_int_equal(e2e_run((const char *const[]){ "-c", e->conf, NULL }, out, sizeof out), EX_TEMPFAIL);
    expect_in(out, "store.locked");
    struct rfl_ask ask = e2e_submit("still-here", "the first daemon goes on");
    e2e_peer_ask(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    e2e_peer_close(&peer);
}

static void an_open_folder_for_admin_is_refused(void **state)
{
    struct e2e *e = *state;
    char folder[E2E_PATH_BYTES + 8];
    (void)snprintf(folder, sizeof folder, "%s/run", e->dir);
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(chmod(folder, 0755), 0);               /* whatever the umask */
    e2e_spawn(e);
    assert_int_equal(e2e_wait(e), EX_CONFIG);
    assert_int_equal(chmod(folder, 0700), 0);
    e2e_start(e);
    struct stat st;
    assert_int_equal(stat(e->admin + strlen("ipc://"), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
}

static void an_address_in_use_is_said(void **state)
{
    struct e2e *e = *state;
    (void)snprintf(e->doors, sizeof e->doors, "tcp://127.0.0.1:*");
    e2e_write_conf(e);
    e2e_start(e);
    struct e2e_peer peer;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    e2e_peer_open(&peer, e->admin);
    e2e_peer_ask(&peer, &ask, &reply);
    const char *bound = (const char *)reply.admin_state.bind.p;
    struct e2e other;
    e2e_setup(&other);
    (void)snprintf(other.doors, sizeof other.doors, "%.*s", (int)strcspn(bound, " "), bound);
    assert_memory_equal(other.doors, "tcp://127.0.0.1:", 16);
    e2e_peer_close(&peer);
    e2e_write_conf(&other);
    e2e_spawn(&other);
    assert_int_equal(e2e_wait(&other), EX_UNAVAILABLE);
    char *log = e2e_read_file(other.log);
    expect_in(log, "bind.failed socket=doors errno=EADDRINUSE");
    free(log);
    e2e_teardown(&other);
}

/* ---- from door to desk ---- */

static void copy_view(char *to, size_t cap, struct rfl_view view)
{
    assert_true(view.len > 0 && view.len < cap);
    memcpy(to, view.p, view.len);
    to[view.len] = '\0';
}

static void same_reference_same_receipt_other_bytes_conflict(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer peer;
    struct rfl_reply reply;
    char receipt[32];
    e2e_start(e);
    e2e_peer_open(&peer, e->doors);
    struct rfl_ask ask = e2e_submit("ref-1", "first words");
    e2e_peer_ask(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    assert_false(reply.receipt.replayed);
    assert_int_equal(reply.receipt.status, RFL_STATUS_RECEIVED);    /* all that a Jobcentre is told */
    copy_view(receipt, sizeof receipt, reply.receipt.receipt);
    e2e_peer_ask(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    assert_true(reply.receipt.replayed);
    assert_int_equal(reply.receipt.receipt.len, strlen(receipt));
    assert_memory_equal(reply.receipt.receipt.p, receipt, strlen(receipt));
    ask = e2e_submit("ref-1", "other words");
    e2e_peer_expect_refusal(&peer, &ask, RFL_CODE_CONFLICT);
    struct rfl_ask query = { .kind = RFL_MSG_STATUS_QUERY, .source = e2e_view("jobcentre-feed"),
                             .code = e2e_view(receipt) };
    e2e_peer_ask(&peer, &query, &reply);
    assert_int_equal(reply.kind, RFL_MSG_STATUS_REPORT);
    assert_int_equal(reply.status_report.status, RFL_STATUS_RECEIVED);
    assert_int_equal(e2e_admin_state(e).by_status[RFL_STATUS_QUEUED], 1);
    query.source = e2e_view("gp-north");                    /* another source learns nothing by it */
    e2e_peer_expect_refusal(&peer, &query, RFL_CODE_NOT_FOUND);
    assert_int_equal(e2e_admin_state(e).referrals, 1);
    e2e_peer_close(&peer);
}

struct desk { struct e2e_peer peer; const char *worker; char case_code[32]; struct rfl_token token; };

static void subscribe(struct desk *desk, const struct e2e *e, const char *worker, uint32_t credit)
{
    struct rfl_reply reply;
    struct rfl_view queue = e2e_view(queue_name);
    struct rfl_ask ask = { .kind = RFL_MSG_SUBSCRIBE, .worker = e2e_view(worker), .names = &queue, .names_count = 1,
                           .credit = credit };
    desk->worker = worker;
    e2e_peer_open(&desk->peer, e->workers);
    e2e_peer_ask(&desk->peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_SUBSCRIBED);
    assert_int_equal(reply.subscribed.queues, 1);
}

static void await_offer(struct desk *desk)
{
    struct rfl_reply reply;
    e2e_peer_await(&desk->peer, RFL_MSG_OFFER, &reply);
    copy_view(desk->case_code, sizeof desk->case_code, reply.offer.case_code);
    desk->token = reply.offer.token;
}

static struct rfl_ask accept_of(const struct desk *desk)
{
    return (struct rfl_ask){ .kind = RFL_MSG_ACCEPT, .worker = e2e_view(desk->worker),
                             .code = e2e_view(desk->case_code), .token = desk->token };
}

static void a_referral_goes_from_door_to_desk_and_back(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer door;
    struct desk desk;
    struct rfl_reply reply;
    e2e_start(e);
    subscribe(&desk, e, "desk-1", 4);
    e2e_peer_open(&door, e->doors);
    struct rfl_ask open = { .kind = RFL_MSG_MAILBOX_OPEN, .source = e2e_view("jobcentre-feed"), .credit = 16 };
    e2e_peer_ask(&door, &open, &reply);
    assert_int_equal(reply.kind, RFL_MSG_MAILBOX_OPENED);
    struct rfl_ask submit = e2e_submit("ref-2", "Zebedee prefers mornings");
    e2e_peer_ask(&door, &submit, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    await_offer(&desk);
    struct rfl_ask accept = accept_of(&desk);
    e2e_peer_ask(&desk.peer, &accept, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECORD);
    assert_int_equal(reply.record.total, 1);
    struct rfl_view sent = e2e_referral("Zebedee prefers mornings");
    assert_int_equal(reply.record.referral.len, sent.len);
    assert_memory_equal(reply.record.referral.p, sent.p, sent.len);     /* byte for byte */
    e2e_peer_await(&door, RFL_MSG_FEEDBACK, &reply);
    uint64_t last = reply.feedback.sequence;
    struct rfl_ask ack = { .kind = RFL_MSG_FEEDBACK_ACK, .source = e2e_view("jobcentre-feed"), .upto = last };
    e2e_peer_ask(&door, &ack, &reply);
    assert_int_equal(reply.kind, RFL_MSG_ACKED);
    assert_int_equal(reply.acked.upto, last);
    assert_int_equal(e2e_admin_state(e).by_status[RFL_STATUS_ACCEPTED], 1);
    assert_true(e2e_admin_state(e).adds_up);
    e2e_peer_close(&door);
    e2e_peer_close(&desk.peer);
    assert_int_equal(e2e_stop(e, SIGTERM), 0);
    char *log = e2e_read_file(e->log);
    assert_null(strstr(log, "Zebedee"));
    assert_null(strstr(log, "ref-2"));
    free(log);
}

static void a_lapsed_offer_is_fenced_and_offered_again(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer door;
    struct desk desk;
    struct rfl_reply reply;
    (void)snprintf(e->extra, sizeof e->extra, "lease_min = \"200ms\";");
    e2e_write_conf(e);
    e2e_start(e);
    e2e_peer_open(&door, e->doors);
    struct rfl_ask submit = e2e_submit("ref-3", "nobody looks");
    e2e_peer_ask(&door, &submit, &reply);
    subscribe(&desk, e, "desk-1", 1);
    await_offer(&desk);
    struct rfl_ask late = accept_of(&desk);
    struct rfl_token old = desk.token;
    e2e_peer_await(&desk.peer, RFL_MSG_NOTICE, &reply);
    assert_int_equal(reply.notice.kind, RFL_NOTICE_OFFER_LAPSED);
    assert_true(rfl_token_same(reply.notice.token, old));
    await_offer(&desk);
    assert_int_equal(desk.token.epoch, old.epoch);
    assert_true(desk.token.seq > old.seq);
    e2e_peer_expect_refusal(&desk.peer, &late, RFL_CODE_FENCED);
    assert_int_equal(e2e_admin_state(e).by_status[RFL_STATUS_ACCEPTED], 0);
    e2e_peer_close(&door);
    e2e_peer_close(&desk.peer);
}

/* Nobody says goodbye for it: the next thing it is sent finds it gone, and what it held goes to the next desk. */
static void a_worker_that_vanished_holds_nothing(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer door;
    struct desk gone, desk;
    struct rfl_reply reply;
    char first[32];
    e2e_start(e);
    subscribe(&gone, e, "desk-1", 4);
    e2e_peer_open(&door, e->doors);
    struct rfl_ask submit = e2e_submit("vanish-1", "offered to nobody");
    e2e_peer_ask(&door, &submit, &reply);
    await_offer(&gone);
    memcpy(first, gone.case_code, sizeof first);
    e2e_peer_close(&gone.peer);
    uint64_t sessions = e2e_counter(e, "bus_sessions");
    int number = 1;
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    while (e2e_counter(e, "bus_unreachable") == 0) {        /* libzmq takes a moment to notice */
        char reference[32];
        assert_true(e2e_clock_ms() < deadline);
        (void)snprintf(reference, sizeof reference, "vanish-%d", ++number);
        submit = e2e_submit(reference, "offered to nobody");
        e2e_peer_ask(&door, &submit, &reply);
        assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    }
    /* Each look at a counter is a connection of its own; the one session that ended is no longer counted. */
    assert_int_equal(e2e_counter(e, "bus_sessions"), sessions + (uint64_t)number);
    subscribe(&desk, e, "desk-2", (uint32_t)number);
    do
        await_offer(&desk);
    while (strcmp(desk.case_code, first) != 0);
    struct rfl_ask accept = accept_of(&desk);
    e2e_peer_ask(&desk.peer, &accept, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECORD);
    e2e_peer_close(&door);
    e2e_peer_close(&desk.peer);
}

/* ---- trouble ---- */

static void a_full_store_refuses_the_new_and_finishes_the_old(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer door;
    struct desk desk;
    struct rfl_reply reply;
    char words[1900];
    uint64_t receipted = 0;
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    (void)snprintf(e->store_map, sizeof e->store_map, "4MiB");
    (void)snprintf(e->extra, sizeof e->extra, "store_full_permille = 300;");
    e2e_write_conf(e);
    e2e_start(e);
    e2e_peer_open(&door, e->doors);
    for (int i = 0; i < 4000; i++) {
        char reference[32];
        (void)snprintf(reference, sizeof reference, "full-%d", i);
        struct rfl_ask ask = e2e_submit(reference, words);
        e2e_peer_ask(&door, &ask, &reply);
        if (reply.kind != RFL_MSG_RECEIPT)
            break;
        receipted++;
    }
    assert_true(receipted > 100);
    assert_int_equal(reply.kind, RFL_MSG_REFUSAL);
    assert_int_equal(reply.refusal.code, RFL_CODE_STORE_FULL);
    assert_true(reply.refusal.retry_after_ms > 0);
    struct rfl_ask again = e2e_submit("full-0", words);     /* what is receipted is known and said */
    e2e_peer_ask(&door, &again, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    assert_true(reply.receipt.replayed);
    subscribe(&desk, e, "desk-1", 1);
    for (int i = 0; i < 5; i++) {
        await_offer(&desk);
        struct rfl_ask accept = accept_of(&desk);
        e2e_peer_ask(&desk.peer, &accept, &reply);
        assert_int_equal(reply.kind, RFL_MSG_RECORD);
    }
    assert_int_equal(e2e_admin_state(e).referrals, receipted);
    assert_in_range(e2e_admin_state(e).store_permille, 290, 400);           /* the configured mark, not another */
    assert_int_equal(e2e_admin_state(e).by_status[RFL_STATUS_ACCEPTED], 5);
    assert_true(e2e_admin_state(e).adds_up);
    e2e_peer_close(&door);
    e2e_peer_close(&desk.peer);
}

/* The first flush that fails ends the process: nobody hears of that turn, and a restart goes on from the disk. */
static void a_failed_commit_ends_the_process_unsaid(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer door;
    struct rfl_reply reply;
    char sign[E2E_PATH_BYTES + 8];
    (void)snprintf(sign, sizeof sign, "%s/fails", e->dir);
    (void)setenv("E2E_DISK_FAILS", sign, 1);
    e->preload = RFL_FAILING_DISK;
    e2e_start(e);
    (void)unsetenv("E2E_DISK_FAILS");
    e2e_peer_open(&door, e->doors);
    struct rfl_ask ask = e2e_submit("before", "the disk works");
    e2e_peer_ask(&door, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    e2e_write_file(sign, "");
    ask = e2e_submit("during", "the disk fails");
    e2e_peer_send(&door, &ask);
    assert_int_equal(e2e_wait(e), EX_IOERR);
    assert_false(e2e_peer_hear(&door, &reply, 0));
    char *log = e2e_read_file(e->log);
    expect_in(log, "event=store.failed error=IO errno=EIO");
    free(log);
    e->preload = NULL;
    e2e_start(e);
    e2e_peer_ask(&door, &ask, &reply);                      /* sent again: once, whatever the disk had kept */
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    assert_int_equal(e2e_admin_state(e).referrals, 2);
    e2e_peer_close(&door);
}

/* The file under the mapping is cut short: the next page that is touched is not there. */
static void a_store_cut_short_ends_the_process(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer door;
    struct rfl_reply reply;
    char data[E2E_PATH_BYTES + 16];
    (void)snprintf(data, sizeof data, "%s/data.mdb", e->store);
    e2e_start(e);
    e2e_peer_open(&door, e->doors);
    struct rfl_ask ask = e2e_submit("whole", "the file is whole");
    e2e_peer_ask(&door, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    assert_int_equal(truncate(data, 0), 0);
    ask = e2e_submit("cut", "the file is cut");
    e2e_peer_send(&door, &ask);
    assert_int_equal(e2e_wait(e), EX_IOERR);
    assert_false(e2e_peer_hear(&door, &reply, 0));
    e2e_peer_close(&door);
    char *log = e2e_read_file(e->log);
    expect_in(log, "event=store.sigbus");
    free(log);
    e2e_spawn(e);                                           /* and it stays down: this is no store any more */
    assert_int_equal(e2e_wait(e), EX_IOERR);
}

static void a_silent_worker_gives_its_offer_back(void **state)
{
    struct e2e *e = *state;
    struct e2e_peer door;
    struct desk silent, desk;
    struct rfl_reply reply;
    (void)snprintf(e->extra, sizeof e->extra, "session_idle = \"1s\";");
    e2e_write_conf(e);
    e2e_start(e);
    subscribe(&silent, e, "desk-1", 1);
    e2e_peer_open(&door, e->doors);
    struct rfl_ask submit = e2e_submit("silent", "offered and left");
    e2e_peer_ask(&door, &submit, &reply);
    await_offer(&silent);
    subscribe(&desk, e, "desk-2", 1);
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    struct rfl_ask ping = { .kind = RFL_MSG_PING, .worker = e2e_view("desk-2") };
    do {                                                    /* this desk shows that it is there */
        assert_true(e2e_clock_ms() < deadline);
        e2e_peer_send(&desk.peer, &ping);
        assert_true(e2e_peer_hear(&desk.peer, &reply, E2E_DEADLINE_MS));
    } while (reply.kind != RFL_MSG_OFFER);
    struct rfl_view code = reply.offer.case_code;
    assert_true(code.len == strlen(silent.case_code) && memcmp(code.p, silent.case_code, code.len) == 0);
    e2e_peer_close(&door);
    e2e_peer_close(&silent.peer);
    e2e_peer_close(&desk.peer);
}

/* ---- stop, kill, restart ---- */

static void killed_at_any_time_everything_receipted_is_there(void **state)
{
    struct e2e *e = *state;
    enum { ROUNDS = 5, PER_ROUND = 40 };
    static char receipts[ROUNDS * PER_ROUND][32];
    uint32_t epoch = 0;
    struct e2e_peer door;
    struct rfl_reply reply;
    for (int round = 0; round < ROUNDS; round++) {
        e2e_start(e);
        assert_true(e2e_admin_state(e).epoch > epoch);
        epoch = e2e_admin_state(e).epoch;
        assert_int_equal(e2e_admin_state(e).referrals, round * PER_ROUND);
        e2e_peer_open(&door, e->doors);
        for (int i = 0; i < PER_ROUND; i++) {
            char reference[32];
            (void)snprintf(reference, sizeof reference, "kill-%d-%d", round, i);
            struct rfl_ask ask = e2e_submit(reference, reference);
            e2e_peer_ask(&door, &ask, &reply);
            assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
            copy_view(receipts[round * PER_ROUND + i], 32, reply.receipt.receipt);
        }
        assert_int_equal(e2e_stop(e, SIGKILL), -SIGKILL);
        e2e_peer_close(&door);
    }
    e2e_start(e);
    e2e_peer_open(&door, e->doors);
    for (int i = 0; i < ROUNDS * PER_ROUND; i++) {
        char reference[32];
        (void)snprintf(reference, sizeof reference, "kill-%d-%d", i / PER_ROUND, i % PER_ROUND);
        struct rfl_ask ask = e2e_submit(reference, reference);
        e2e_peer_ask(&door, &ask, &reply);
        assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
        assert_true(reply.receipt.replayed);
        assert_memory_equal(reply.receipt.receipt.p, receipts[i], strlen(receipts[i]));
    }
    assert_int_equal(e2e_admin_state(e).referrals, ROUNDS * PER_ROUND);
    assert_true(e2e_admin_state(e).adds_up);
    e2e_peer_close(&door);
}

/* Stopped with work in flight: whatever was answered with a receipt is there afterwards, and nothing else counts. */
static void stopping_answers_or_leaves_to_be_sent_again(void **state)
{
    struct e2e *e = *state;
    enum { SENT = 300 };
    struct e2e_peer door;
    struct desk desk;
    struct rfl_reply reply;
    uint64_t receipted = 0;
    e2e_start(e);
    subscribe(&desk, e, "desk-1", 1);
    e2e_peer_open(&door, e->doors);
    for (int i = 0; i < SENT; i++) {
        char reference[32];
        (void)snprintf(reference, sizeof reference, "drain-%d", i);
        struct rfl_ask ask = e2e_submit(reference, "in flight");
        e2e_peer_send(&door, &ask);
    }
    e2e_peer_await(&door, RFL_MSG_RECEIPT, &reply);
    receipted++;
    assert_int_equal(e2e_stop(e, SIGTERM), 0);
    do
        e2e_peer_await(&desk.peer, RFL_MSG_NOTICE, &reply);
    while (reply.notice.kind != RFL_NOTICE_DRAINING);
    while (e2e_peer_hear(&door, &reply, 0)) {
        assert_true(reply.kind == RFL_MSG_RECEIPT
                    || (reply.kind == RFL_MSG_REFUSAL && reply.refusal.code == RFL_CODE_DRAINING));
        receipted += reply.kind == RFL_MSG_RECEIPT;
    }
    e2e_peer_close(&door);
    e2e_peer_close(&desk.peer);
    e2e_start(e);
    assert_true(e2e_admin_state(e).referrals >= receipted);
    assert_true(e2e_admin_state(e).referrals <= SENT);
}

/* ---- reload ---- */

static void a_bad_policy_keeps_the_old_and_says_why(void **state)
{
    struct e2e *e = *state;
    char path[E2E_PATH_BYTES + 16];
    struct e2e_peer peer;
    struct rfl_reply reply;
    e2e_start(e);
    e2e_peer_open(&peer, e->doors);
    (void)snprintf(path, sizeof path, "%s/sources.conf", e->policy);
    char *good = e2e_read_file(path);
    e2e_write_file(path, "schema_version = 1;\nsources = (\n");
    size_t from = e2e_log_bytes(e);
    assert_int_equal(kill(e->pid, SIGHUP), 0);
    (void)e2e_await_log(e, "event=reload.kept_old", from);
    char *log = e2e_read_file(e->log);
    expect_in(log + from, "event=reload.finding");
    expect_in(log + from, "sources.conf");
    free(log);
    struct rfl_ask ask = e2e_submit("after-bad-reload", "still served");
    e2e_peer_ask(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    /* A good one takes effect: a source that was unknown is known. */
    ask = e2e_submit("from-new-source", "now known");
    ask.source = e2e_view("jobcentre-new");
    e2e_peer_expect_refusal(&peer, &ask, RFL_CODE_UNKNOWN_SOURCE);
    char *at = strstr(good, "jobcentre-feed\"");
    assert_non_null(at);
    memcpy(at, "jobcentre-new\" ", 15);                    /* as long as the old one with its quote */
    e2e_write_file(path, good);
    from = e2e_log_bytes(e);
    assert_int_equal(kill(e->pid, SIGHUP), 0);
    (void)e2e_await_log(e, "event=reload.done", from);
    e2e_peer_ask(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECEIPT);
    free(good);
    e2e_peer_close(&peer);
}

static void an_option_that_needs_a_restart_is_not_reloaded(void **state)
{
    struct e2e *e = *state;
    e2e_start(e);
    size_t from = e2e_log_bytes(e);
    (void)snprintf(e->extra, sizeof e->extra, "session_idle = \"45s\";");
    e2e_write_conf(e);
    assert_int_equal(kill(e->pid, SIGHUP), 0);
    (void)e2e_await_log(e, "key=session_idle rule=\"this option needs a restart\"", from);
    (void)e2e_await_log(e, "event=reload.kept_old", from);
    assert_true(e2e_is_running(e));
}

/* ---- systemd ---- */

static void await_notify(int fd, const char *wanted)
{
    char text[1024];
    struct pollfd pollfd = { .fd = fd, .events = POLLIN };
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    do {
        if (poll(&pollfd, 1, (int)(deadline - e2e_clock_ms())) != 1)
            fail_msg("%s was not notified", wanted);
        ssize_t len = recv(fd, text, sizeof text - 1, 0);
        assert_true(len > 0);
        text[len] = '\0';
    } while (strstr(text, wanted) == NULL);
}

static void systemd_is_told(void **state)
{
    struct e2e *e = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
#ifndef RFL_HAVE_SYSTEMD
    print_message("skipped: built without libsystemd\n");
    skip();
#endif
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.90s/notify", e->dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    (void)setenv("NOTIFY_SOCKET", address.sun_path, 1);
    (void)setenv("WATCHDOG_USEC", "200000", 1);
    e2e_spawn(e);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    await_notify(fd, "READY=1");
    await_notify(fd, "STATUS=serving: 0 sessions, store ");
    await_notify(fd, "WATCHDOG=1");
    await_notify(fd, "WATCHDOG=1");
    assert_int_equal(kill(e->pid, SIGHUP), 0);
    await_notify(fd, "RELOADING=1\nMONOTONIC_USEC=");
    await_notify(fd, "READY=1");
    assert_int_equal(kill(e->pid, SIGTERM), 0);
    await_notify(fd, "STOPPING=1");
    assert_int_equal(e2e_wait(e), 0);
    (void)close(fd);
}

#define E2E_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_answered),
        E2E_TEST(a_missing_configuration_is_an_error),
        E2E_TEST(check_prints_the_digest_that_status_shows),
        E2E_TEST(show_prints_each_value_with_its_origin),
        E2E_TEST(bad_configuration_is_refused_with_its_reason),
        E2E_TEST(addresses_beyond_this_machine_are_refused),
        E2E_TEST(a_truncated_configuration_is_refused),
        E2E_TEST(a_missing_store_is_never_made),
        E2E_TEST(a_second_daemon_on_one_store_is_refused),
        E2E_TEST(an_open_folder_for_admin_is_refused),
        E2E_TEST(an_address_in_use_is_said),
        E2E_TEST(same_reference_same_receipt_other_bytes_conflict),
        E2E_TEST(a_referral_goes_from_door_to_desk_and_back),
        E2E_TEST(a_lapsed_offer_is_fenced_and_offered_again),
        E2E_TEST(a_worker_that_vanished_holds_nothing),
        E2E_TEST(a_full_store_refuses_the_new_and_finishes_the_old),
        E2E_TEST(a_failed_commit_ends_the_process_unsaid),
        E2E_TEST(a_store_cut_short_ends_the_process),
        E2E_TEST(a_silent_worker_gives_its_offer_back),
        E2E_TEST(killed_at_any_time_everything_receipted_is_there),
        E2E_TEST(stopping_answers_or_leaves_to_be_sent_again),
        E2E_TEST(a_bad_policy_keeps_the_old_and_says_why),
        E2E_TEST(an_option_that_needs_a_restart_is_not_reloaded),
        E2E_TEST(systemd_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
