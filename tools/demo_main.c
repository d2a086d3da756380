/* The demonstration, as an order of events. tools/demo makes the store, the configuration and the directory first.
 *
 *   demo_driver prepare FOLDER POLICY SEED            writes the invented practices.csv and postcodes.csv, a key pair
 *                                                     for everybody, keys.conf, and endpoints that are free
 *   demo_driver run FOLDER POLICY SEED COUNT DAEMON CTL [JSON]
 *
 * Exit 0: everything adds up. 1: something does not, and it was said. 64: wrong use. */
#include <poll.h>
#include <stdlib.h>

#include "demo.h"
#include "rfl_conf.h"

enum { QUIET_MS = 90000, EXIT_USAGE = 64 };

static bool load_world(const char *policy_dir, uint64_t seed, struct demo_world *world)
{
    static struct rfl_conf_report report;
    struct rfl_policy *policy = NULL;
    if (rfl_conf_policy_load(policy_dir, &policy, &report) != RFL_E_OK) {
        rfl_conf_report_print(&report, stderr);
        return false;
    }
    demo_world_init(world, policy, seed, demo_now_ms());
    rfl_conf_policy_free(&policy);
    return world->area_count > 0;
}

/* Until no case waits for a worker, is out with one, or comes back to one after a deferral. */
static bool wait_until_quiet(struct demo *demo)
{
    int64_t until_ms = demo_now_ms() + QUIET_MS;
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    uint64_t busy = 1;
    while (busy > 0 && demo_now_ms() < until_ms) {
        struct rfl_reply reply;
        demo_workers_hear(demo);
        if (!demo_ask_operator(demo, &ask, RFL_MSG_ADMIN_STATE, &reply))
            return false;
        busy = reply.admin_state.by_status[RFL_STATUS_QUEUED] + reply.admin_state.by_status[RFL_STATUS_OFFERED]
             + reply.admin_state.by_status[RFL_STATUS_RECEIVED];
        uint64_t deferred;
        if (!demo_audit_held(demo, "deferred", &deferred))
            return false;
        busy += deferred;
        if (busy > 0)
            (void)poll(NULL, 0, 50);
    }
    if (busy > 0)
        printf("%llu cases are still waiting for a worker or out with one\n", (unsigned long long)busy);
    return busy == 0;
}

static bool busy_hours(struct demo *demo)
{
    uint32_t on_time = demo->plan.crowd - demo->plan.late, half = on_time / 2;
    if (!demo_doors_send(demo, 0, half / 2))
        return false;
    if (!demo_workers_kill_one(demo))
        return false;
    demo_say("killed a worker (SIGKILL) that held %u offers: they go back to their queues", demo->held_at_death);
    if (!demo_doors_send(demo, half / 2, half) || !demo_workers_revoke_one(demo))
        return false;
    demo_say("revoked the key of a worker that held %u offers: cut off at once, and others take them",
             demo->cut_count);
    uint32_t next = demo_doors_burst(demo, half, on_time);
    uint32_t unanswered = demo->sent - demo->answered;
    demo_daemon_kill(demo);
    demo_say("killed the daemon (SIGKILL) with %u referrals not yet answered", unanswered);
    int64_t down_ms = demo_now_ms();
    if (!demo_daemon_start(demo))
        return false;
    demo_say("restarted in %lld ms; adapters and workers go on by themselves", (long long)(demo_now_ms() - down_ms));
    return demo_desk_queues_set(demo) && demo_doors_send(demo, next, on_time) && demo_doors_settle(demo)
        && demo_desk_queues_clear(demo);
}

/* Who gets in: everybody who is in keys.conf, and nobody else. */
static bool try_keys(struct demo *demo)
{
    struct rfl_ask ask = { .kind = RFL_MSG_ADMIN_STATUS };
    struct rfl_reply reply;
    if (!demo_ask_operator(demo, &ask, RFL_MSG_ADMIN_STATE, &reply))
        return false;
    demo->keys = reply.admin_state.keys;
    demo_say("keys are on: %u, made just now; every connection is CURVE, and each key may do the least it needs",
             demo->keys);
    return demo_keys_stranger(demo);
}

static bool whole_day(struct demo *demo, struct demo_findings *found)
{
    /* The desks first: they are forked and go on without an exec, which only a process without threads may do. They
     * wait for the daemon by themselves. */
    if (!demo_workers_start(demo) || !demo_doors_open(demo) || !demo_daemon_start(demo) || !try_keys(demo))
        return false;
    demo_say("%u areas, %u desks (one is doomed, one will lose its key), %u adapters; %u referrals to come",
             demo->world.area_count, DEMO_DESKS, demo_source_count, demo->plan.crowd);
    if (!busy_hours(demo) || !wait_until_quiet(demo) || !demo_desk_afternoon(demo) || !wait_until_quiet(demo)
        || !demo_workers_stop(demo))
        return false;
    demo_say("the desks have closed");
    if (!demo_evening(demo))
        return false;
    demo_say("%u more referrals come and wait for tomorrow", demo->plan.late);
    if (!demo_doors_send(demo, demo->plan.crowd - demo->plan.late, demo->plan.crowd) || !demo_doors_settle(demo))
        return false;
    demo_say("reading every mailbox, asking for every receipt, listing every case");
    return demo_doors_mailboxes(demo) && demo_doors_recall(demo, &demo->lost) && demo_audit_ask(demo, found)
        && demo_questions_ask(demo);
}

static bool read_endpoints(struct demo *demo)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/endpoints", demo->dir);
    FILE *f = fopen(path, "re");
    bool good = f != NULL && fscanf(f, "%255s %255s %255s", demo->doors, demo->workers, demo->admin) == 3;
    if (f != NULL)
        (void)fclose(f);
    return good && setenv("REFERRALD_ADMIN", demo->admin, 1) == 0;     /* for what is run as an operator runs it */
}

static int run(struct demo *demo)
{
    static struct demo_findings found;
    char store[512], conf[512], log[512];
    (void)snprintf(store, sizeof store, "%s/store", demo->dir);
    (void)snprintf(conf, sizeof conf, "%s/referrald.conf", demo->dir);
    (void)snprintf(log, sizeof log, "%s/verify.log", demo->dir);
    demo->conf_path = conf;
    demo->started_ms = demo_now_ms();
    if (!read_endpoints(demo) || !whole_day(demo, &found)) {
        printf("the demonstration could not be finished; see %s/referrald.log\n", demo->dir);
        return 1;
    }
    demo_doors_close(demo);
    found.daemon_exit = demo_daemon_stop(demo);
    const char *const verify[] = { demo->ctl_path, "--any-fs", "store", "verify", store, NULL };
    found.verify_exit = demo_run(verify, log);
    int problems = demo_report(demo, &found);
    return problems == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct demo demo;
    if (argc == 5 && strcmp(argv[1], "prepare") == 0)
        return load_world(argv[3], strtoull(argv[4], NULL, 10), &demo.world)
            && demo_world_publish(&demo.world, argv[2]) && demo_keys_make(&demo.world, argv[2])
            && demo_daemon_addresses(argv[2]) ? 0 : 1;
    if (argc < 8 || argc > 9 || strcmp(argv[1], "run") != 0) {
        fputs("usage: demo_driver prepare FOLDER POLICY SEED | run FOLDER POLICY SEED COUNT DAEMON CTL [JSON]\n",
              stderr);
        return EXIT_USAGE;
    }
    unsigned long long count = strtoull(argv[5], NULL, 10);
    demo.dir = argv[2];
    demo.daemon_path = argv[6];
    demo.ctl_path = argv[7];
    demo.json_path = argc == 9 ? argv[8] : NULL;
    if (count < DEMO_REFERRALS_MIN || count > DEMO_REFERRALS_MAX) {
        fputs("demo_driver: give 500 to 100000 referrals\n", stderr);
        return EXIT_USAGE;
    }
    if (!load_world(argv[3], strtoull(argv[4], NULL, 10), &demo.world)
        || !demo_plan_make(&demo.world, (uint32_t)count, &demo.plan))
        return 1;
    demo.told_room = 2 * demo.plan.count;
    demo.told = calloc(demo.told_room, sizeof demo.told[0]);
    if (demo.told == NULL)
        return 1;
    int exit_code = run(&demo);
    free(demo.told);
    free(demo.plan.referral);
    return exit_code;
}
