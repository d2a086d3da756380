/* Two of every kind of hostile client (hostile.h) beside adapters and workers who go about their work, in windows of
 * quiet and attack by turns: every kind meets what its row says, the others go on being answered soon, nothing
 * receipted is lost, and memory and descriptors stay under their bounds. Nothing here is compared with a time but the
 * two halves of one run with each other. The aim is twice; what it is where attackers and daemon share two processors
 * is in tests/README.md, "Hostile clients". */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <zmq.h>

#include "elsewhere.h"
#include "harness.h"
#include "hostile.h"

enum {
    EACH = 2, FOES = EACH * HOSTILE_COUNT,
    ADAPTERS = 4, WORKERS = 2, LINES = ADAPTERS + WORKERS,
    IN_FLIGHT = 2, CREDIT = 16,                 /* of one adapter; of one worker */
    ASKED_MAX = 64, ASK_BYTES_MAX = 1024,       /* of one line, without an answer yet */
    TRIES_MAX = 100,                            /* of one question, each as late as BUSY said */
    PAIRS = 5, WINDOWS = 2 * PAIRS,             /* quiet, attack, quiet ... */
    SAMPLES_MAX = 40000, REFERENCES_MAX = 1000000,
    FILES = 2048,                               /* the daemon's RLIMIT_NOFILE: less than all foes want */
    RSS_KIB_MAX = 600 * 1024,                   /* METER_ALL_HELD_MAX twice, for what one byte costs, and the rest */
    RECONCILED_AT_ONCE = 400,
    RATIO_MAX = 4,                              /* red beyond, so that it does not grow again: it was 9 once */
    TIMES_MEASURED = 2                          /* and only when it is so twice: others may use this machine too */
};
static bool is_elsewhere;                      /* the foes are where elsewhere.h says */
static const int64_t WINDOW_MS[2] = { 2000, 3500 }, SETTLE_MS = 1000;

struct shared { atomic_bool attack, over; struct hostile_seen seen[FOES]; };

struct asked { uint64_t correlation; int64_t again_us; size_t len; uint8_t frame[ASK_BYTES_MAX]; };

struct line { struct e2e_peer peer; struct rfl_identity identity; struct asked asked[ASKED_MAX]; };

static struct e2e e;
static struct shared *shared;
static struct rfl_identity foes[FOES];
static pid_t foe_pids[FOES];
static const struct { const char *name, *text, *rights; unsigned must; } kinds[HOSTILE_COUNT] = {
#define X(name, text, must, rights) { #name, text, rights, must },
    HOSTILE_LIST(X)
#undef X
};

/* ---- the live load: one thread ---- */

static struct {
    void *context;
    struct line line[LINES];
    atomic_int window;                          /* -1: nothing is measured */
    atomic_bool stop;
    unsigned made, accepted, refused, busy;
    const char *why;                            /* of the last refusal */
    int64_t sent_us[REFERENCES_MAX];
    uint8_t sent_in[REFERENCES_MAX];
    bool receipted[REFERENCES_MAX];
    uint32_t samples[WINDOWS];
    int64_t sample[WINDOWS][SAMPLES_MAX];
} live;

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The live load's thread: cmocka ends the program without a word when an assertion fails there. */
static void sure(bool good, const char *otherwise)
{
    if (good)
        return;
    (void)fprintf(stderr, "the live load: %s\n", otherwise);
    exit(EXIT_FAILURE);
}

static struct asked *asked(struct line *line, uint64_t correlation)
{
    for (unsigned i = 0; i < ASKED_MAX; i++)
        if (line->asked[i].correlation == correlation)
            return &line->asked[i];
    return NULL;
}

static void say(struct line *line, struct asked *ask)
{
    ask->again_us = INT64_MAX;
    e2e_peer_send_frames(&line->peer, &(struct rfl_view){ ask->frame, ask->len }, 1);
}

/* Kept until it has its answer: whoever hears BUSY sends the same bytes again, and not before it was told to. */
static void ask(struct line *line, uint64_t correlation, struct rfl_ask *what)
{
    struct asked *free_one = asked(line, 0);
    sure(free_one != NULL, "a line has ASKED_MAX questions without an answer");
    what->correlation = free_one->correlation = correlation;
    free_one->len = rfl_wire_encode_ask(what, free_one->frame, sizeof free_one->frame);
    sure(free_one->len > 0, "a question is longer than ASK_BYTES_MAX");
    say(line, free_one);
}

/* False: it is no answer, or not the last one. */
static bool is_answer(struct line *line, const struct rfl_reply *reply)
{
    struct asked *ask = reply->correlation != 0 ? asked(line, reply->correlation) : NULL;
    if (ask == NULL)
        return false;
    if (reply->kind == RFL_MSG_REFUSAL && reply->refusal.code == RFL_CODE_BUSY) {
        live.busy++;
        ask->again_us = now_us() + reply->refusal.retry_after_ms * INT64_C(1000);
        return false;
    }
    ask->correlation = 0;
    return true;
}

/* Says again what is due. Returns when the next is. */
static int64_t heed(struct line *line)
{
    int64_t next_us = INT64_MAX;
    for (unsigned i = 0; i < ASKED_MAX; i++) {
        struct asked *ask = &line->asked[i];
        if (ask->correlation != 0 && ask->again_us <= now_us())
            say(line, ask);
        if (ask->correlation != 0 && ask->again_us < next_us)
            next_us = ask->again_us;
    }
    return next_us;
}

/* A referral's number is its correlation, and in its reference. */
static void submit(unsigned adapter)
{
    static char reference[32];
    unsigned n = ++live.made;
    sure(n < REFERENCES_MAX, "REFERENCES_MAX are made");
    (void)snprintf(reference, sizeof reference, "live-%u", n);
    struct rfl_ask submit = e2e_submit(reference, reference);
    live.sent_in[n] = (uint8_t)(atomic_load(&live.window) + 1);
    live.sent_us[n] = now_us();
    ask(&live.line[adapter], n, &submit);
}

static void take_receipt(unsigned adapter, const struct rfl_reply *reply)
{
    uint64_t n = reply->correlation;
    sure(n >= 1 && n <= live.made && !live.receipted[n], "a receipt for nothing, or a second one");
    if (reply->kind != RFL_MSG_RECEIPT) {       /* which fails the run: they are within their quotas */
        live.refused++;
        live.why = reply->kind == RFL_MSG_REFUSAL ? rfl_code_name((enum rfl_code)reply->refusal.code) : "no receipt";
    }
    live.receipted[n] = true;
    unsigned window = live.sent_in[n];
    if (window > 0 && live.samples[window - 1] < SAMPLES_MAX)
        live.sample[window - 1][live.samples[window - 1]++] = now_us() - live.sent_us[n];
    if (!atomic_load(&live.stop))
        submit(adapter);
}

static void say_as_worker(struct line *line, struct rfl_ask what)
{
    what.worker = e2e_view("desk");
    ask(line, ++line->peer.correlation, &what);
}

static void take_work(struct line *worker, const struct rfl_reply *reply)
{
    live.accepted += reply->kind == RFL_MSG_RECORD;
    if (reply->kind == RFL_MSG_OFFER)
        say_as_worker(worker, (struct rfl_ask){ .kind = RFL_MSG_ACCEPT, .code = reply->offer.case_code,
                                                .token = reply->offer.token });
}

static void take_line(unsigned at)
{
    struct line *line = &live.line[at];
    struct rfl_reply reply;
    while (e2e_peer_hear(&line->peer, &reply, 0)) {
        bool answer = is_answer(line, &reply);
        if (at >= ADAPTERS)
            take_work(line, &reply);
        else if (answer)
            take_receipt(at, &reply);
    }
}

static unsigned in_flight(void)
{
    unsigned missing = 0;
    for (unsigned n = 1; n <= live.made; n++)
        missing += !live.receipted[n];
    return missing;
}

static void *run_live(void *arg)
{
    const struct rfl_view queue = e2e_view("greater-manchester/intake");
    zmq_pollitem_t items[LINES];
    int64_t pinged_us = now_us(), deadline_us = INT64_MAX;
    for (unsigned i = 0; i < LINES; i++) {
        items[i] = (zmq_pollitem_t){ .socket = live.line[i].peer.socket, .events = ZMQ_POLLIN };
        for (unsigned k = 0; i < ADAPTERS && k < IN_FLIGHT; k++)
            submit(i);
        if (i >= ADAPTERS)
            say_as_worker(&live.line[i], (struct rfl_ask){ .kind = RFL_MSG_SUBSCRIBE, .names = &queue,
                                                           .names_count = 1, .credit = CREDIT });
    }
    while (now_us() < deadline_us && !(atomic_load(&live.stop) && in_flight() == 0)) {
        int64_t next_us = now_us() + 100000;
        if (atomic_load(&live.stop) && deadline_us == INT64_MAX)
            deadline_us = now_us() + E2E_DEADLINE_MS * INT64_C(1000);
        for (unsigned i = 0; i < LINES; i++) {
            int64_t due_us = heed(&live.line[i]);
            next_us = due_us < next_us ? due_us : next_us;
        }
        int64_t wait_us = next_us - now_us();
        (void)zmq_poll(items, LINES, wait_us > 0 ? wait_us / 1000 + 1 : 0);
        for (unsigned i = 0; i < LINES; i++)
            take_line(i);
        if (now_us() - pinged_us < 1000000)
            continue;
        pinged_us = now_us();
        for (unsigned i = ADAPTERS; i < LINES; i++)
            say_as_worker(&live.line[i], (struct rfl_ask){ .kind = RFL_MSG_PING });
    }
    return arg;
}

/* ---- the world ---- */

static void allow(const char *name, unsigned n, struct rfl_identity *identity, const char *rights, const char *more)
{
    char full[64], terms[256];
    *identity = e2e_identity(&e);
    (void)snprintf(full, sizeof full, "%s-%u", name, n);
    (void)snprintf(terms, sizeof terms, "%s %s %s", e2e_days(-1, 100), rights, more);
    e2e_allow(&e, full, identity, terms);
}

static void limit_files(rlim_t files, rlim_t *before)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    *before = limit.rlim_cur;
    limit.rlim_cur = files;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int start(void **state)
{
    (void)state;
    static const char source[] = "source = \"jobcentre-feed\"; doors = ( \"jobcentre\" );";
    static const char worker[] = "worker = \"desk\"; queues = ( \"greater-manchester/*\" );";
    const char *any = "tcp://127.0.0.1:*";
    rlim_t before;
    e2e_setup(&e);
    memcpy(e.doors, any, strlen(any) + 1);
    memcpy(e.workers, any, strlen(any) + 1);
    (void)snprintf(e.store_map, sizeof e.store_map, "4GiB");
    e2e_use_keys(&e);
    for (unsigned i = 0; i < LINES; i++)
        allow("live", i, &live.line[i].identity, i < ADAPTERS ? source : worker, "rate = 20000;");
    for (unsigned i = 0; i < FOES; i++)
        if (kinds[i / EACH].rights != NULL)
            allow("foe", i, &foes[i], source, kinds[i / EACH].rights);
        else
            foes[i] = e2e_identity(&e);
    e2e_write_keys(&e);
    limit_files(FILES, &before);
    e2e_start(&e);
    limit_files(before, &before);
    e2e_learn_endpoints(&e);
    is_elsewhere = elsewhere_make();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    for (unsigned i = 0; i < FOES; i++) {
        struct hostile foe = { (enum hostile_kind)(i / EACH), e.doors, foes[i], &shared->attack, &shared->over,
                               &shared->seen[i] };
        foe_pids[i] = hostile_start(&foe);
        assert_true(foe_pids[i] > 0);
    }
    assert_non_null(live.context = zmq_ctx_new());
    for (unsigned i = 0; i < LINES; i++)
        e2e_peer_open_in(live.context, &live.line[i].peer, i < ADAPTERS ? e.doors : e.workers, &live.line[i].identity);
    return 0;
}

static void end_foes(void)
{
    atomic_store(&shared->attack, false);
    atomic_store(&shared->over, true);
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    for (unsigned i = 0; i < FOES; i++) {
        int status = 0;
        while (waitpid(foe_pids[i], &status, WNOHANG) == 0) {
            if (e2e_clock_ms() > deadline)
                (void)kill(foe_pids[i], SIGKILL);
            (void)poll(NULL, 0, 5);
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("foe %u (%s) ended with %d", i, kinds[i / EACH].name, status);
    }
}

static unsigned files_of_daemon(void)
{
    char path[64];
    unsigned count = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/fd", (long)e.pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count;
}

/* ---- what was measured ---- */

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t p99(unsigned window)
{
    uint32_t n = live.samples[window];
    assert_true(n >= 100);
    qsort(live.sample[window], n, sizeof live.sample[window][0], by_value);
    return live.sample[window][n - 1 - n / 100];
}

/* Of all windows of attack (1) or of quiet (0). */
static int64_t median_p99(unsigned attack)
{
    int64_t each[PAIRS];
    for (unsigned i = 0; i < PAIRS; i++) {
        each[i] = p99(2 * i + attack);
        print_message("%s window %u: %5u receipts, p99 %7.2f ms\n", attack ? "attack" : "quiet ", i,
                      live.samples[2 * i + attack], (double)each[i] / 1000);
    }
    qsort(each, PAIRS, sizeof each[0], by_value);
    return each[PAIRS / 2];
}

static bool met(unsigned must, const struct hostile_seen *seen)
{
    return ((must & CUT) == 0 || atomic_load(&seen->cut) > 0) && ((must & BUSY) == 0 || atomic_load(&seen->busy) > 0)
        && ((must & REFUSED) == 0 || atomic_load(&seen->refused) > 0)
        && ((must & IGNORED) == 0 || (atomic_load(&seen->tried) > 0 && atomic_load(&seen->answered) == 0));
}

static void print_kinds(void)
{
    unsigned unmet = 0;
    print_message("\n%-15s %-66s %-12s %9s %9s %9s %7s %7s %5s\n", "KIND", "WHAT IT DOES", "MUST BE", "TRIED",
                  "ANSWERED", "BUSY", "LET IN", "REFUSED", "CUT");
    for (unsigned i = 0; i < FOES; i++) {
        const struct hostile_seen *seen = &shared->seen[i];
        unsigned must = kinds[i / EACH].must;
        bool good = met(must, seen);
        unmet += !good;
        print_message("%-15s %-66s %-12s %9llu %9llu %9llu %7llu %7llu %5llu%s\n", kinds[i / EACH].name,
                      kinds[i / EACH].text, must == (BUSY | CUT) ? "BUSY, cut" : must == (CUT | IGNORED)
                      ? "ignored, cut" : must == CUT ? "cut" : must == BUSY ? "BUSY" : "refused",
                      atomic_load(&seen->tried), atomic_load(&seen->answered), atomic_load(&seen->busy),
                      atomic_load(&seen->connected), atomic_load(&seen->refused), atomic_load(&seen->cut),
                      good ? "" : "   <- NOT MET");
    }
    assert_int_equal(unmet, 0);
}

/* ---- the run ---- */

static long rss_kib_most;
static unsigned files_most;

static void pass_window(int window, int64_t for_ms)
{
    atomic_store(&live.window, window);
    for (int64_t end_ms = e2e_clock_ms() + for_ms; e2e_clock_ms() < end_ms; ) {
        (void)poll(NULL, 0, 50);
        if (!e2e_is_running(&e)) {
            char *log = e2e_read_file(e.log);
            size_t len = strlen(log);
            print_error("the daemon is gone; the end of its log:\n%s\n", log + (len > 2000 ? len - 2000 : 0));
            free(log);
            fail();
        }
        long rss_kib = e2e_rss_kib(&e);
        unsigned files = files_of_daemon();
        rss_kib_most = rss_kib > rss_kib_most ? rss_kib : rss_kib_most;
        files_most = files > files_most ? files : files_most;
    }
    atomic_store(&live.window, -1);
}

/* Waits as long as it is told to, as often as BUSY is the answer, up to a bound. */
static void ask_patiently(struct e2e_peer *peer, struct rfl_ask *what, struct rfl_reply *reply)
{
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        e2e_peer_ask(peer, what, reply);
        if (reply->kind != RFL_MSG_REFUSAL || reply->refusal.code != RFL_CODE_BUSY)
            return;
        (void)poll(NULL, 0, (int)reply->refusal.retry_after_ms);
    }
    fail_msg("%s heard nothing but BUSY, %u times", rfl_message_name(what->kind), (unsigned)TRIES_MAX);
}

/* Somebody honest who comes in the middle of it is let in and answered; so is an operator. */
static void a_newcomer_is_served(void)
{
    struct e2e_peer peer;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_KEY_SHOW };
    e2e_peer_open_as(&peer, e.doors, &live.line[0].identity);
    ask_patiently(&peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_KEY_SHOWN);
    e2e_peer_close(&peer);
    (void)e2e_admin_state(&e);
}

/* Under attack the silent ones go as soon as there is a crowd; what else ends them shows when they are left alone. */
static void the_silent_go_without_a_crowd(void)
{
    struct e2e_peer admin;
    int64_t deadline = e2e_clock_ms() + E2E_DEADLINE_MS;
    e2e_peer_open_as(&admin, e.admin, &e.operator);
    while (e2e_peer_counter(&admin, "meter_cut_silent") == 0 && e2e_clock_ms() < deadline)
        (void)poll(NULL, 0, 200);
    e2e_peer_close(&admin);
}

/* p99 under attack, in parts of the quiet one. */
static double measure(void)
{
    pass_window(-1, SETTLE_MS);
    memset(live.samples, 0, sizeof live.samples);
    for (int i = 0; i < PAIRS; i++) {
        pass_window(2 * i, WINDOW_MS[0]);
        atomic_store(&shared->attack, true);
        pass_window(2 * i + 1, WINDOW_MS[1]);
        if (i == 0)
            a_newcomer_is_served();
        atomic_store(&shared->attack, false);
        pass_window(-1, SETTLE_MS);
    }
    double quiet_us = (double)median_p99(0), attack_us = (double)median_p99(1);
    print_message("\n%u foes of %u kinds %s beside %u adapters and %u workers: p99 quiet %.2f ms, under attack %.2f "
                  "ms, ratio %.2f; most memory %ld MiB of %d, most descriptors %u of %u\n", FOES, HOSTILE_COUNT,
                  is_elsewhere ? "in a group of their own" : "on this machine's processors", ADAPTERS, WORKERS,
                  quiet_us / 1000, attack_us / 1000, attack_us / quiet_us, rss_kib_most / 1024, RSS_KIB_MAX / 1024,
                  files_most, FILES);
    return attack_us / quiet_us;
}

static void others_are_answered_soon(void **state)
{
    (void)state;
    pthread_t thread;
    double ratio = RATIO_MAX + 1;
    uint64_t epoch = e2e_admin_state(&e).epoch;
    atomic_store(&live.window, -1);
    assert_int_equal(pthread_create(&thread, NULL, run_live, NULL), 0);
    for (int i = 0; i < TIMES_MEASURED && ratio > RATIO_MAX; i++)
        ratio = measure();
    the_silent_go_without_a_crowd();
    end_foes();
    atomic_store(&live.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(e2e_admin_state(&e).epoch, epoch);         /* it was never restarted */
    assert_true(ratio <= RATIO_MAX);
}

static void every_kind_met_its_row(void **state)
{
    (void)state;
    static const char *const moved[] = { "key_over_rate", "bus_no_room", "key_strikes", "key_shut_out",
                                         "key_over_connections", "key_unknown",
                                         "meter_cut_in", "meter_cut_out",
                                         "meter_cut_silent", "meter_cut_shut_out", "bus_foreign_ids", "bus_no_key",
                                         "bus_misframed", "bus_kept_out" };
    print_kinds();
    for (size_t i = 0; i < sizeof moved / sizeof moved[0]; i++) {
        uint64_t count = e2e_counter(&e, moved[i]);
        print_message("%-22s %10llu\n", moved[i], (unsigned long long)count);
        assert_true(count > 0);
    }
    assert_int_equal(e2e_counter(&e, "bus_accept_failed"), 0);
    assert_true(files_most <= FILES);
    assert_true(rss_kib_most <= RSS_KIB_MAX);
}

static unsigned reconciled(struct e2e_peer *peer, unsigned from, unsigned to)
{
    static char name[RECONCILED_AT_ONCE][32];
    struct rfl_view names[RECONCILED_AT_ONCE];
    struct rfl_reply reply;
    unsigned count = 0;
    for (unsigned n = from; n < to; n++, count++) {
        (void)snprintf(name[count], sizeof name[count], "live-%u", n);
        names[count] = e2e_view(name[count]);
    }
    struct rfl_ask ask = { .kind = RFL_MSG_RECONCILE, .source = e2e_view("jobcentre-feed"), .names = names,
                           .names_count = count };
    ask_patiently(peer, &ask, &reply);
    assert_int_equal(reply.kind, RFL_MSG_RECONCILED);
    return count - reply.reconciled.missing_count;
}

static void nothing_receipted_is_lost(void **state)
{
    (void)state;
    struct e2e_peer peer;
    assert_int_equal(in_flight(), 0);
    print_message("%u referrals made, %u refused (%s); BUSY heard and heeded %u times\n", live.made, live.refused,
                  live.why != NULL ? live.why : "none", live.busy);
    assert_int_equal(live.refused, 0);
    assert_true(live.accepted > 0);
    assert_int_equal(e2e_stop(&e, SIGKILL), -SIGKILL);          /* what is there then is on disk */
    e2e_start(&e);
    e2e_learn_endpoints(&e);
    e2e_peer_open_as(&peer, e.doors, &live.line[0].identity);
    unsigned known = 0;
    for (unsigned n = 1; n <= live.made; n += RECONCILED_AT_ONCE)
        known += reconciled(&peer, n, n + RECONCILED_AT_ONCE <= live.made ? n + RECONCILED_AT_ONCE : live.made + 1);
    e2e_peer_close(&peer);
    print_message("%u receipts, %u known after a kill -9; %u cases accepted by workers\n", live.made, known,
                  live.accepted);
    assert_int_equal(known, live.made);
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINES; i++)
        e2e_peer_close(&live.line[i].peer);
    (void)zmq_ctx_term(live.context);
    assert_int_equal(e2e_stop(&e, SIGTERM), 0);
    e2e_teardown(&e);
    elsewhere_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_are_answered_soon),
        cmocka_unit_test(every_kind_met_its_row),
        cmocka_unit_test(nothing_receipted_is_lost),
    };
    return cmocka_run_group_tests(tests, start, end);
}
