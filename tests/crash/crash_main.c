/* crash: the daemon is killed again and again under load, and nobody may notice but by waiting.
 *
 *   crash --bin DIR [--dir FOLDER] [--policy DIR] [--kills N] [--seed S]
 *
 * Adapters and workers go on over real sockets while the daemon is ended with SIGKILL at moments drawn from the seed,
 * some of them while it starts, and started again. At the end everything in the clients' ledgers must be so: every
 * reference has one receipt and keeps it, nothing is there twice, every case has one holder, every acceptance stands,
 * mailboxes have no gap, and the store verifies. Ends with a line of figures; exit 1: a violation or no end. */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "canary.h"
#include "crash_clients.h"
#include "world.h"

enum { ADAPTERS = 4, WORKERS = 3, QUEUES_MAX = 128, PER_CYCLE = 60, DELAY_MS_MAX = 250, PATIENCE_MS = 60000 };

struct campaign {
    struct world world;
    struct crash_shared shared;
    struct crash_adapter adapter[ADAPTERS];
    struct crash_worker worker[WORKERS];
    char queues[QUEUES_MAX][RFL_NAME_BYTES_MAX + 1];
    unsigned queue_count, kills, kills_starting;
    uint64_t random;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_MONOTONIC, &t);
    assert(rc == 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t draw(struct campaign *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return c->random;
}

/* ---- killing ---- */

static bool start_clients(struct campaign *c)
{
    static char all[QUEUES_MAX][RFL_NAME_BYTES_MAX + 1];
    unsigned count = world_queues(&c->world, all, QUEUES_MAX);
    for (unsigned i = 0; i < count; i++)
        if (strstr(all[i], "/intake") != NULL)
            memcpy(c->queues[c->queue_count++], all[i], sizeof all[i]);
    c->shared.doors = c->world.doors;
    c->shared.workers = c->world.workers;
    bool good = c->queue_count > 0;
    for (unsigned i = 0; i < WORKERS && good; i++) {
        c->worker[i] = (struct crash_worker){ .shared = &c->shared, .number = i, .queues = c->queues,
                                              .queue_count = c->queue_count };
        good = crash_worker_start(&c->worker[i]);
    }
    for (unsigned i = 0; i < ADAPTERS && good; i++) {
        c->adapter[i] = (struct crash_adapter){ .shared = &c->shared, .number = i };
        good = crash_adapter_start(&c->adapter[i]);
    }
    return good || fprintf(stderr, "crash: the clients did not start\n") < 0;
}

/* One kill: now and then while the daemon starts, else a random time after it answered. */
static bool kill_once(struct campaign *c)
{
    atomic_fetch_add(&c->shared.allowance, PER_CYCLE);
    bool starting = draw(c) % 8 == 0;
    if (!world_spawn(&c->world))
        return false;
    if (!starting && !world_await(&c->world, NULL))
        return false;
    (void)poll(NULL, 0, (int)(draw(c) % (starting ? 30 : DELAY_MS_MAX)));
    if (world_has_ended(&c->world))
        return fprintf(stderr, "crash: the daemon ended by itself; its log is %s\n", c->world.log_path) < 0;
    int status = world_end(&c->world, SIGKILL);
    if (!WIFSIGNALED(status))
        return fprintf(stderr, "crash: the daemon ended by itself with %d\n", WEXITSTATUS(status)) < 0;
    c->kills++;
    c->kills_starting += starting;
    return true;
}

/* ---- the end: everything sent is answered, everything offered is decided, everything told is heard ---- */

static uint64_t waiting_in(const struct rfl_msg_admin_state *state)
{
    return state->by_status[RFL_STATUS_RECEIVED] + state->by_status[RFL_STATUS_QUEUED]
        + state->by_status[RFL_STATUS_OFFERED];
}

static bool is_settled(const struct campaign *c)
{
    for (unsigned i = 0; i < ADAPTERS; i++)
        if (atomic_load(&c->adapter[i].settled) < atomic_load(&c->shared.allowance))
            return false;
    for (unsigned i = 0; i < WORKERS; i++)
        if (atomic_load(&c->worker[i].in_flight) != 0)
            return false;
    return true;
}

static bool mail_is_read(const struct campaign *c, const unsigned opened[ADAPTERS])
{
    for (unsigned i = 0; i < ADAPTERS; i++)
        if (atomic_load(&c->adapter[i].opened) < opened[i] + 2
            || atomic_load(&c->adapter[i].fed) != atomic_load(&c->adapter[i].mailbox_last))
            return false;
    return true;
}

static bool let_finish(struct campaign *c, struct rfl_msg_admin_state *state)
{
    enum { QUIET_LOOKS = 5, LOOK_MS = 50 };
    unsigned quiet = 0, opened[ADAPTERS];
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    while (quiet < QUIET_LOOKS) {
        if (!world_await(&c->world, state))
            return false;
        quiet = is_settled(c) && waiting_in(state) == 0 ? quiet + 1 : 0;
        if (now_ms() > until_ms) {
            fprintf(stderr, "crash: not finished in time: %llu cases wait, clients %s\n",
                    (unsigned long long)waiting_in(state), is_settled(c) ? "settled" : "not settled");
            return false;
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
    for (unsigned i = 0; i < ADAPTERS; i++)
        opened[i] = atomic_load(&c->adapter[i].opened);
    while (!mail_is_read(c, opened)) {
        if (now_ms() > until_ms)
            return fprintf(stderr, "crash: mailboxes were not read to their ends in time\n") < 0;
        (void)poll(NULL, 0, LOOK_MS);
    }
    return true;
}

static void join_once(pthread_t *thread)
{
    if (*thread != 0)
        (void)pthread_join(*thread, NULL);
    *thread = 0;
}

static void stop_clients(struct campaign *c)
{
    atomic_store(&c->shared.stopping, true);
    for (unsigned i = 0; i < ADAPTERS; i++)
        join_once(&c->adapter[i].thread);
    for (unsigned i = 0; i < WORKERS; i++)
        join_once(&c->worker[i].thread);
}

/* ---- judging ---- */

struct replays { struct campaign *campaign; struct crash_adapter *adapter; uint32_t answered; };

static void replay_heard(void *ctx, struct rfl_client *client, uint64_t tag, const struct rfl_reply *reply)
{
    (void)client;
    struct replays *r = ctx;
    const char *receipt = r->adapter->reference[tag - 1].receipt;
    r->answered++;
    if (reply->kind != RFL_MSG_RECEIPT || reply->receipt.receipt.len != strlen(receipt)
        || memcmp(reply->receipt.receipt.p, receipt, strlen(receipt)) != 0 || !reply->receipt.replayed)
        crash_violation(&r->campaign->shared, "a receipted reference is not answered with its receipt", receipt);
}

/* Every reference once more, with the same bytes. */
static bool replay_all(struct campaign *c, struct crash_adapter *adapter)
{
    struct replays replays = { c, adapter, 0 };
    struct rfl_client *client = NULL;
    struct rfl_client_options options = { .endpoint = c->world.doors, .heard = replay_heard, .ctx = &replays,
                                          .in_flight_max = 512 };
    bool good = rfl_client_new(&options, &client) == RFL_E_OK;
    char source[16];
    (void)snprintf(source, sizeof source, "bench-%u", adapter->number);
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    for (uint32_t n = 0; good && replays.answered < adapter->used;) {
        while (good && n < adapter->used && rfl_client_in_flight(client) < 512) {
            char reference[32], text[3][64];
            struct rfl_form form;
            crash_reference_name(adapter->number, n, reference);
            crash_invent(adapter->number, n, false, &form, text);
            n++;
            good = rfl_client_submit_later(client, rfl_view_of(source), rfl_view_of(reference), &form, n) == RFL_E_OK;
        }
        good = good && rfl_client_poll(client, 100) != -1 && now_ms() < until_ms;
    }
    rfl_client_free(&client);
    return good || fprintf(stderr, "crash: references could not all be replayed\n") < 0;
}

/* One holder a case, and the daemon's books count what the workers hold. */
static void judge_cases(struct campaign *c, const struct rfl_msg_admin_state *state)
{
    uint64_t had = 0, closed = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        for (uint32_t i = 0; i < CRASH_CASES_MAX; i++) {
            const struct crash_case *mine = &c->worker[w].cases[i];
            if (!mine->has_it)
                continue;
            had++;
            closed += mine->status == RFL_STATUS_CLOSED;
            for (unsigned other = 0; other < w; other++) {
                const struct crash_case *theirs = crash_case_of(&c->worker[other], mine->code, strlen(mine->code),
                                                                false);
                if (theirs != NULL && theirs->has_it)
                    crash_violation(&c->shared, "two workers were given one case", mine->code);
            }
        }
    uint64_t accepted = state->by_status[RFL_STATUS_ACCEPTED] + state->by_status[RFL_STATUS_WAITING_ON_PERSON]
        + state->by_status[RFL_STATUS_ACTIVE] + state->by_status[RFL_STATUS_CLOSED];
    if (accepted != had)
        crash_violation(&c->shared, "the daemon counts other acceptances than the workers have", "");
    if (state->by_status[RFL_STATUS_CLOSED] != closed)
        crash_violation(&c->shared, "the daemon counts other closed cases than the workers closed", "");
}

/* The adapter of every accepted case's first referral heard so. Receipts are compared through a sorted list. */
static int compare_receipts(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void judge_feedback(struct campaign *c, uint64_t total)
{
    const char **fed = calloc(total, sizeof *fed), **all = calloc(total, sizeof *all);
    uint64_t fed_count = 0, all_count = 0;
    assert(fed != NULL && all != NULL);
    for (unsigned i = 0; i < ADAPTERS; i++)
        for (uint32_t n = 0; n < c->adapter[i].used; n++) {
            const struct crash_reference *r = &c->adapter[i].reference[n];
            all[all_count++] = r->receipt;
            if (r->fed_accepted)
                fed[fed_count++] = r->receipt;
        }
    qsort(all, all_count, sizeof *all, compare_receipts);
    qsort(fed, fed_count, sizeof *fed, compare_receipts);
    for (uint64_t i = 1; i < all_count; i++)
        if (strcmp(all[i - 1], all[i]) == 0)
            crash_violation(&c->shared, "two references have one receipt", all[i]);
    for (unsigned w = 0; w < WORKERS; w++)
        for (uint32_t i = 0; i < CRASH_CASES_MAX; i++) {
            const char *receipt = c->worker[w].cases[i].receipt;
            if (c->worker[w].cases[i].has_it
                && bsearch(&receipt, fed, fed_count, sizeof *fed, compare_receipts) == NULL)
                crash_violation(&c->shared, "an accepted referral's adapter never heard of it", receipt);
        }
    free(all);
    free(fed);
}

/* What the clients said last (an acknowledgement of mail is in the log as well) may still be on its way in. */
static bool await_calm(struct campaign *c, struct rfl_msg_admin_state *state)
{
    enum { CALM_LOOKS = 4, LOOK_MS = 50 };
    uint64_t entries = 0;
    for (unsigned calm = 0; calm < CALM_LOOKS; (void)poll(NULL, 0, LOOK_MS)) {
        if (!world_await(&c->world, state))
            return false;
        calm = state->log_entries == entries ? calm + 1 : 0;
        entries = state->log_entries;
    }
    return true;
}

static bool judge(struct campaign *c)
{
    struct rfl_msg_admin_state state, after;
    uint64_t total = 0;
    if (!let_finish(c, &state))
        return false;
    stop_clients(c);
    if (!await_calm(c, &state))
        return false;
    for (unsigned i = 0; i < ADAPTERS; i++)
        total += c->adapter[i].used;
    if (state.referrals != total || atomic_load(&c->shared.receipts) != total)
        crash_violation(&c->shared, "referrals and references are not as many", "");
    if (state.cases + state.joined != state.referrals || !state.adds_up)
        crash_violation(&c->shared, "the daemon's books do not add up", "");
    judge_cases(c, &state);
    judge_feedback(c, total);
    for (unsigned i = 0; i < ADAPTERS; i++)
        if (!replay_all(c, &c->adapter[i]))
            return false;
    if (!world_await(&c->world, &after))
        return false;
    /* Log entries may have come meanwhile: an adapter's last acknowledgement was under way when it was stopped. */
    if (after.referrals != total || after.cases != state.cases || after.joined != state.joined)
        crash_violation(&c->shared, "replaying stored something", "");
    int status = world_end(&c->world, SIGTERM);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        crash_violation(&c->shared, "the daemon did not stop in order", "");
    char *const verify[] = { "--any-fs", "store", "verify", c->world.store_dir, NULL };
    char out_path[WORLD_PATH_BYTES + 32];
    (void)snprintf(out_path, sizeof out_path, "%s/verify.out", c->world.dir);
    if (world_ctl(&c->world, out_path, verify) != 0)
        crash_violation(&c->shared, "referralctl store verify found something", out_path);
    return true;
}

static void print_figures(const struct campaign *c, uint64_t took_ms)
{
    uint64_t sent = 0, resent = 0, retried = 0, stray = 0, malformed = 0, subscribed = 0;
    for (unsigned i = 0; i < ADAPTERS + WORKERS; i++) {
        const struct rfl_client_counts *n = i < ADAPTERS ? &c->adapter[i].counts : &c->worker[i - ADAPTERS].counts;
        sent += n->sent;
        resent += n->resent;
        retried += n->retried;
        stray += n->stray;
        malformed += n->malformed;
        subscribed += n->subscribed;
    }
    printf("crash: kills %u (%u while starting), receipts %lu, accepts %lu, replays %lu, conflicts %lu, frames sent "
           "%llu, resent %llu, told to retry %llu, late answers %llu, malformed %llu, subscriptions %llu, "
           "seconds %.1f, violations %lu\n", c->kills, c->kills_starting, atomic_load(&c->shared.receipts),
           atomic_load(&c->shared.accepts), atomic_load(&c->shared.replays), atomic_load(&c->shared.conflicts),
           (unsigned long long)sent, (unsigned long long)resent, (unsigned long long)retried,
           (unsigned long long)stray, (unsigned long long)malformed, (unsigned long long)subscribed,
           (double)took_ms / 1e3, atomic_load(&c->shared.violations));
}

static bool run_campaign(struct campaign *c, unsigned kills)
{
    if (!world_start(&c->world) || !start_clients(c))
        return false;
    (void)world_end(&c->world, SIGKILL);
    for (unsigned i = 0; i < kills; i++)
        if (!kill_once(c))
            return false;
    return world_spawn(&c->world) && judge(c);
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "bin", required_argument, NULL, 'b' },
        { "dir", required_argument, NULL, 'd' }, { "policy", required_argument, NULL, 'p' },
        { "kills", required_argument, NULL, 'k' }, { "seed", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
    static struct campaign c;
    struct world_options world = { .policy_dir = "config/policy", .ipc = true };
    unsigned kills = 200;
    const char *parent = getenv("TMPDIR");
    uint64_t seed = now_ms();
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b': world.bin_dir = optarg; break;
        case 'd': parent = optarg; break;
        case 'p': world.policy_dir = optarg; break;
        case 'k': kills = (unsigned)strtoul(optarg, NULL, 10); break;
        case 's': seed = strtoull(optarg, NULL, 10); break;
        default: return 64;
        }
    }
    if (world.bin_dir == NULL || optind != argc) {
        fprintf(stderr, "usage: crash --bin DIR [--dir DIR] [--policy DIR] [--kills N] [--seed S]\n");
        return 64;
    }
    world.parent_dir = parent != NULL ? parent : "/tmp";
    printf("crash: --kills %u --seed %llu\n", kills, (unsigned long long)seed);
    (void)fflush(stdout);
    c.shared.seed = seed;
    c.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    uint64_t start_ms = now_ms();
    bool good = world_init(&c.world, &world) && run_campaign(&c, kills);
    stop_clients(&c);
    print_figures(&c, now_ms() - start_ms);
    good = good && atomic_load(&c.shared.violations) == 0;
    (void)world_end(&c.world, SIGKILL);
    good = good && canary_search(c.world.dir) == 0;     /* nobody is named in store, logs and what was printed */
    if (good)
        world_fini(&c.world);
    else                                /* the store is the evidence: it stays */
        fprintf(stderr, "crash: FAILED; store and log stay in %s\n", c.world.dir);
    return good ? 0 : 1;
}
