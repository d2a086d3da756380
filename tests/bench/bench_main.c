/* bench: what the daemon does on this machine, beside what the machine's disk does, in one run.
 *
 *   bench --bin DIR [--dir FOLDER] [--policy DIR] [--cases N] [--only TEXT] [--quick] [--ipc] [--json FILE]
 *
 * --only TEXT: the rows whose label has TEXT in it, for a profile. --ipc: over Unix sockets, not TCP on loopback.
 *
 * Every row of submissions has a store of its own. Nothing here fails on a speed; it fails (1) when a figure is not
 * trustworthy: a refusal, an answer to nothing, or a daemon that counts otherwise than we do. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"
#include "world.h"

enum { WORKERS = 4, CREDIT = 256, QUEUES_MAX = 256 };

struct bench {
    struct world_options world;
    bool quick;
    const char *only;                   /* NULL: everything */
    uint64_t cases, drain, year;
    double warm_s, run_s;
    double flush_rate;                  /* 4 KiB appends with fdatasync a second, one after the other */
    double per_s, cpu_us;               /* of the row reported last; 0: none */
    json_t *rows;
    bool untrusted;
};

static void distrust(struct bench *b, const char *label, const char *what, uint64_t value)
{
    fprintf(stderr, "bench: %s: %s: %llu\n", label, what, (unsigned long long)value);
    b->untrusted = true;
}

/* ---- the machine ---- */

static bool measure_flush(struct bench *b)
{
    char path[4200];
    static uint8_t page[4096];
    static struct hist h;
    (void)snprintf(path, sizeof path, "%s/flush-XXXXXX", b->world.parent_dir);
    int fd = mkstemp(path);
    if (fd == -1)
        return fprintf(stderr, "bench: %s: %s\n", path, strerror(errno)) < 0;
    (void)unlink(path);
    uint64_t start_ns = load_now_ns(), now_ns = start_ns, end_ns = start_ns + (uint64_t)(b->run_s * 1e9);
    bool good = true;
    while (good && now_ns < end_ns) {
        good = write(fd, page, sizeof page) == (ssize_t)sizeof page && fdatasync(fd) == 0;
        uint64_t then_ns = now_ns;
        now_ns = load_now_ns();
        hist_add(&h, now_ns - then_ns);
    }
    (void)close(fd);
    b->flush_rate = (double)h.count / ((double)(now_ns - start_ns) / 1e9);
    double p50_us = (double)hist_quantile(&h, 0.5) / 1e3, p99_us = (double)hist_quantile(&h, 0.99) / 1e3;
    printf("\nmachine: 4 KiB append + fdatasync %.0f /s, p50 %.0f us, p99 %.0f us\n\n", b->flush_rate, p50_us, p99_us);
    json_t *row = json_pack("{s:s, s:f, s:f, s:f}", "row", "fdatasync", "per_s", b->flush_rate, "p50_us", p50_us,
                            "p99_us", p99_us);
    return good && row != NULL && json_array_append_new(b->rows, row) == 0;
}

static uint64_t disk_bytes(const char *dir)
{
    char path[4200];
    uint64_t bytes = 0;
    DIR *d = opendir(dir);
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;) {
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_blocks * 512;
    }
    if (d != NULL)
        (void)closedir(d);
    return bytes;
}

/* ---- rows ---- */

static void print_heading(void)
{
    printf("%-38s %10s %8s %9s %9s %9s %8s\n", "", "per s", "/flush", "p50 ms", "p99 ms", "p99.9 ms", "cpu us");
}

/* `count` things in `run_s`, with their latencies; cpu_s is the daemon's. */
static void report(struct bench *b, const char *label, uint64_t count, double run_s, const struct hist *h,
                   double cpu_us)
{
    double rate = (double)count / run_s, p50 = (double)hist_quantile(h, 0.5) / 1e6;
    double p99 = (double)hist_quantile(h, 0.99) / 1e6, p999 = (double)hist_quantile(h, 0.999) / 1e6;
    b->per_s = rate;
    b->cpu_us = cpu_us;
    printf("%-38s %10.0f %8.1f %9.2f %9.2f %9.2f %8.1f\n", label, rate, rate / b->flush_rate, p50, p99, p999, cpu_us);
    (void)fflush(stdout);
    json_t *row = json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "row", label, "count", (json_int_t)count,
                            "run_s", run_s, "per_s", rate, "per_flush", rate / b->flush_rate, "p50_ms", p50,
                            "p99_ms", p99, "p999_ms", p999, "daemon_cpu_us", cpu_us);
    if (row == NULL || json_array_append_new(b->rows, row) != 0)
        b->untrusted = true;
}

static bool check_submitted(struct bench *b, struct world *world, const char *label, const struct invent *invent,
                            const struct load_submitted *done)
{
    struct rfl_msg_admin_state state;
    if (!world_await(world, &state))
        return false;
    if (done->refused != 0)
        distrust(b, label, "refused, the last with code", done->refusal);
    if (done->strays != 0)
        distrust(b, label, "answers to nothing", done->strays);
    if (state.referrals != invent->made || state.cases + state.joined != state.referrals)
        distrust(b, label, "the daemon counts other referrals", state.referrals);
    if (!state.adds_up)
        distrust(b, label, "the daemon's books do not add up", 1);
    return true;
}

static bool run_submit(struct bench *b, struct world *world, struct invent *invent, const struct load_submit *how,
                       const char *label)
{
    static struct load_submitted done;
    struct world_usage before, after;
    struct load_submit here = *how;
    here.endpoint = world->doors;
    uint64_t made = invent->made;
    if (!world_usage(world, &before) || load_submit(invent, &here, &done) != RFL_E_OK || !world_usage(world, &after))
        return fprintf(stderr, "bench: %s: no answer\n", label) < 0;
    double cpu_us = (after.cpu_s - before.cpu_s) * 1e6 / (double)(invent->made - made);
    report(b, label, done.receipts, done.run_s, &done.latency, cpu_us);
    return check_submitted(b, world, label, invent, &done);
}

static bool fresh_submit(struct bench *b, const struct load_submit *how, bool with_keys, const char *label)
{
    static struct invent invent;
    struct world world;
    struct world_options options = b->world;
    struct load_submit here = *how;
    options.keys = with_keys ? how->connections : 0;
    here.identity = with_keys ? world.adapter : NULL;
    invent_init(&invent);
    bool good = world_init(&world, &options) && world_start(&world) && run_submit(b, &world, &invent, &here, label);
    world_fini(&world);
    return good;
}

/* The same load on a daemon that demands keys, each connection with one of its own, and what of the row before, which
 * was without, is left. */
static bool keyed_submit(struct bench *b, const struct load_submit *how, const char *label)
{
    double plain_per_s = b->per_s, plain_cpu_us = b->cpu_us;
    if (!fresh_submit(b, how, true, label))
        return false;
    if (plain_per_s == 0)
        return true;
    double of_per_s = b->per_s / plain_per_s, of_cpu = plain_cpu_us > 0 ? b->cpu_us / plain_cpu_us : 0;
    printf("%-38s %10.2f of those without, for %.2f times the processor time each\n", "", of_per_s, of_cpu);
    json_t *row = json_pack("{s:s, s:s, s:f, s:f}", "row", "keys to none", "of", label, "of_per_s", of_per_s,
                            "of_daemon_cpu", of_cpu);
    return row != NULL && json_array_append_new(b->rows, row) == 0;
}

/* ---- workers ---- */

static bool start_workers(struct world *world, struct load_work **work)
{
    static char names[QUEUES_MAX][RFL_NAME_BYTES_MAX + 1];
    struct rfl_view queue[QUEUES_MAX];
    unsigned count = world_queues(world, names, QUEUES_MAX), kept = 0;
    for (unsigned i = 0; i < count; i++)                /* triage is for people */
        if (strstr(names[i], "/intake") != NULL)
            queue[kept++] = rfl_view_of(names[i]);
    if (kept == 0)
        return fprintf(stderr, "bench: the daemon names no intake queue\n") < 0;
    return load_work_start(world->workers, WORKERS, CREDIT, queue, kept, work) == RFL_E_OK;
}

/* Waits for the workers to have this many Records; false when none came for half a minute. */
static bool await_records(const struct load_work *work, uint64_t wanted)
{
    uint64_t seen = load_work_records(work), seen_ns = load_now_ns();
    while (seen < wanted) {
        (void)poll(NULL, 0, 1);
        uint64_t now = load_work_records(work), now_ns = load_now_ns();
        if (now != seen)
            seen_ns = now_ns;
        seen = now;
        if (now_ns - seen_ns > UINT64_C(30000000000))
            return fprintf(stderr, "bench: only %llu of %llu records came\n", (unsigned long long)seen,
                           (unsigned long long)wanted) < 0;
    }
    return true;
}

static void check_worked(struct bench *b, const char *label, const struct load_work_figures *figures)
{
    if (figures->refused != 0)
        distrust(b, label, "refusals to workers, the last with code", figures->refusal);
}

static bool end_to_end(struct bench *b)
{
    static struct invent invent;
    static struct load_submitted done;
    static struct load_work_figures figures;
    struct world world;
    struct world_usage before = { 0 }, after = { 0 };
    struct load_work *work = NULL;
    invent_init(&invent);
    struct load_submit how = { .connections = 16, .in_flight = 256, .warm_s = b->warm_s, .run_s = b->run_s };
    bool good = world_init(&world, &b->world) && world_start(&world) && start_workers(&world, &work);
    how.endpoint = world.doors;
    if (good) {
        load_work_mark(work);
        uint64_t start_ns = load_now_ns();
        good = world_usage(&world, &before) && load_submit(&invent, &how, &done) == RFL_E_OK
            && await_records(work, invent.made) && world_usage(&world, &after);
        double all_s = (double)(load_now_ns() - start_ns) / 1e9;
        load_work_stop(&work, &figures);
        double cpu_us = (after.cpu_s - before.cpu_s) * 1e6 / (double)(invent.made + 1);
        report(b, "end to end: receipts", done.receipts, done.run_s, &done.latency, cpu_us);
        report(b, "end to end: submit to record", figures.records, all_s, &figures.delivery, cpu_us);
        good = good && check_submitted(b, &world, "end to end", &invent, &done);
        check_worked(b, "end to end", &figures);
    }
    world_fini(&world);
    return good;
}

static bool drain(struct bench *b)
{
    static struct invent invent;
    static struct load_submitted done;
    static struct load_work_figures figures;
    struct world world;
    struct world_usage before = { 0 }, after = { 0 };
    struct load_work *work = NULL;
    invent_init(&invent);
    struct load_submit how = { .connections = 64, .in_flight = 4096, .count = b->drain };
    bool good = world_init(&world, &b->world) && world_start(&world);
    how.endpoint = world.doors;
    good = good && load_submit(&invent, &how, &done) == RFL_E_OK
        && check_submitted(b, &world, "drain", &invent, &done) && world_usage(&world, &before);
    uint64_t start_ns = load_now_ns();
    good = good && start_workers(&world, &work);
    if (good) {
        good = await_records(work, invent.made) && world_usage(&world, &after);
        double run_s = (double)(load_now_ns() - start_ns) / 1e9;
        load_work_stop(&work, &figures);
        report(b, "drain: 4 workers, queued before", figures.records, run_s, &(struct hist){ 0 },
               (after.cpu_s - before.cpu_s) * 1e6 / (double)(figures.records + 1));
        check_worked(b, "drain", &figures);
    }
    world_fini(&world);
    return good;
}

/* ---- many cases ---- */

static bool report_size(struct bench *b, const struct world *world, uint64_t cases, double stop_s, double start_s)
{
    struct world_usage usage;
    if (!world_usage(world, &usage))
        return false;
    double per = (double)cases;
    uint64_t disk = disk_bytes(world->store_dir);
    printf("\n%llu cases: disk %.0f B a case, resident %.0f MiB (%.0f B a case), private %.0f MiB (%.0f B a case)\n"
           "stopping took %.2f s, starting again until it answered %.2f s\n", (unsigned long long)cases,
           (double)disk / per, (double)usage.resident_bytes / 1048576.0, (double)usage.resident_bytes / per,
           (double)usage.private_bytes / 1048576.0, (double)usage.private_bytes / per, stop_s, start_s);
    json_t *row = json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:f}", "row", "size", "cases", (json_int_t)cases,
                            "disk_bytes", (json_int_t)disk, "resident_bytes", (json_int_t)usage.resident_bytes,
                            "private_bytes", (json_int_t)usage.private_bytes, "stop_s", stop_s, "start_s", start_s);
    return row != NULL && json_array_append_new(b->rows, row) == 0;
}

static bool many_cases(struct bench *b)
{
    static struct invent invent;
    struct world world;
    char label[64];
    invent_init(&invent);
    const struct load_submit fill = { .connections = 64, .in_flight = 4096, .count = b->cases };
    const struct load_submit how = { .connections = 16, .in_flight = 256, .warm_s = b->warm_s, .run_s = b->run_s };
    (void)snprintf(label, sizeof label, "until %llu cases, 4096 on 64", (unsigned long long)b->cases);
    bool good = world_init(&world, &b->world) && world_start(&world)
        && run_submit(b, &world, &invent, &fill, label);
    if (good) {
        uint64_t start_ns = load_now_ns();
        int status = world_end(&world, SIGTERM);
        uint64_t ended_ns = load_now_ns();
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            distrust(b, "stopping", "wait status", (uint64_t)status);
        good = world_start(&world)
            && report_size(b, &world, b->cases, (double)(ended_ns - start_ns) / 1e9,
                           (double)(load_now_ns() - ended_ns) / 1e9);
    }
    if (good) {
        printf("\n");
        print_heading();
        (void)snprintf(label, sizeof label, "256 on 16, with %llu cases", (unsigned long long)b->cases);
        good = run_submit(b, &world, &invent, &how, label);
    }
    world_fini(&world);
    return good;
}

/* ---- a year again ---- */

static double children_cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_CHILDREN, &usage);       /* of those that ended: the daemon is not among them */
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* One command of referralctl, from its start to its end; the column of cpu is the daemon's. */
static bool time_ctl(struct bench *b, const struct world *world, char *const arguments[], uint64_t count,
                     const char *label)
{
    struct world_usage before, after;
    if (!world_usage(world, &before))
        return false;
    double cpu_s = children_cpu_s();
    uint64_t start_ns = load_now_ns();
    int exit_code = world_ctl(world, NULL, arguments);
    double run_s = (double)(load_now_ns() - start_ns) / 1e9;
    if (exit_code != 0)
        distrust(b, label, "exit code", (uint64_t)exit_code);
    if (!world_usage(world, &after))
        return false;
    report(b, label, count, run_s, &(struct hist){ 0 }, (after.cpu_s - before.cpu_s) * 1e6 / (double)count);
    printf("%-38s %10.2f s, of which the command's processor time %.2f s\n", "", run_s, children_cpu_s() - cpu_s);
    return true;
}

/* All that was decided, decided again under the very policy: exit code 0 says that nothing came out otherwise. */
static bool replayed(struct bench *b)
{
    static struct invent invent;
    static struct load_submitted done;
    struct world world;
    char policy[WORLD_PATH_BYTES + 32], file[WORLD_PATH_BYTES + 32];
    invent_init(&invent);
    struct load_submit fill = { .connections = 64, .in_flight = 4096, .count = b->year };
    bool good = world_init(&world, &b->world) && world_start(&world);
    fill.endpoint = world.doors;
    (void)snprintf(policy, sizeof policy, "%s/policy", world.dir);
    (void)snprintf(file, sizeof file, "%s/audit.ndjson", world.dir);
    char *const live[] = { "whatif", "--policy", policy, "--max-changed", "0", NULL };
    char *const export[] = { "audit", "export", "--out", file, NULL };
    char *const stored[] = { "whatif", "--policy", policy, "--max-changed", "0", "--audit", file, NULL };
    good = good && load_submit(&invent, &fill, &done) == RFL_E_OK
        && check_submitted(b, &world, "replayed", &invent, &done)
        && setenv("REFERRALD_ADMIN", world.admin, 1) == 0
        && time_ctl(b, &world, live, invent.made, "replayed: whatif")
        && time_ctl(b, &world, export, invent.made, "replayed: audit export")
        && time_ctl(b, &world, stored, invent.made, "replayed: whatif --audit");
    world_fini(&world);
    return good;
}

static bool is_wanted(const struct bench *b, const char *label)
{
    return b->only == NULL || strstr(label, b->only) != NULL;
}

static bool run_all(struct bench *b)
{
    static const struct { unsigned connections, in_flight; const char *label, *keyed; } rows[] = {
        { 1, 1, "1 in flight", "1 in flight, keys" },
        { 1, 256, "256 in flight on 1 connection", "256 in flight on 1 connection, keys" },
        { 16, 256, "256 in flight on 16 connections", "256 in flight on 16 connections, keys" },
        { 64, 4096, "4096 in flight on 64 connections", NULL },
    };
    if (!measure_flush(b))
        return false;
    print_heading();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct load_submit how = { .connections = rows[i].connections, .in_flight = rows[i].in_flight,
                                   .warm_s = b->warm_s, .run_s = b->run_s };
        b->per_s = 0;
        if (is_wanted(b, rows[i].label) && !fresh_submit(b, &how, false, rows[i].label))
            return false;
        if (rows[i].keyed != NULL && is_wanted(b, rows[i].keyed) && !keyed_submit(b, &how, rows[i].keyed))
            return false;
    }
    return (!is_wanted(b, "end to end") || end_to_end(b)) && (!is_wanted(b, "drain") || drain(b))
        && (!is_wanted(b, "replayed") || replayed(b)) && (!is_wanted(b, "cases") || many_cases(b));
}

static bool write_json(const struct bench *b, const char *path)
{
    struct utsname machine;
    if (uname(&machine) == -1)
        return false;
    json_t *all = json_pack("{s:s, s:s, s:i, s:b, s:O}", "kernel", machine.release, "arch", machine.machine,
                            "cores", (int)sysconf(_SC_NPROCESSORS_ONLN), "quick", b->quick, "rows", b->rows);
    bool good = all != NULL && json_dump_file(all, path, JSON_INDENT(2)) == 0;
    json_decref(all);
    return good || fprintf(stderr, "bench: cannot write %s\n", path) < 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "bin", required_argument, NULL, 'b' },
        { "dir", required_argument, NULL, 'd' }, { "policy", required_argument, NULL, 'p' },
        { "cases", required_argument, NULL, 'c' }, { "quick", no_argument, NULL, 'q' },
        { "json", required_argument, NULL, 'j' }, { "ipc", no_argument, NULL, 'i' },
        { "only", required_argument, NULL, 'o' }, { NULL, 0, NULL, 0 } };
    struct bench b = { .world = { .policy_dir = "config/policy" }, .rows = json_array() };
    const char *json_path = NULL;
    char here[4096];
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b': b.world.bin_dir = optarg; break;
        case 'd': b.world.parent_dir = optarg; break;
        case 'p': b.world.policy_dir = optarg; break;
        case 'c': b.cases = strtoull(optarg, NULL, 10); break;
        case 'q': b.quick = true; break;
        case 'i': b.world.ipc = true; break;
        case 'o': b.only = optarg; break;
        case 'j': json_path = optarg; break;
        default: return 64;
        }
    }
    if (b.world.bin_dir == NULL || b.rows == NULL || optind != argc) {
        fprintf(stderr, "usage: bench --bin DIR [--dir DIR] [--policy DIR] [--cases N] [--only TEXT] [--quick] "
                        "[--ipc] [--json FILE]\n");
        return 64;
    }
    if (b.world.parent_dir == NULL)
        b.world.parent_dir = b.world.bin_dir;
    if (realpath(b.world.parent_dir, here) == NULL)
        return fprintf(stderr, "bench: %s: %s\n", b.world.parent_dir, strerror(errno)), 66;
    b.world.parent_dir = here;
    b.warm_s = b.quick ? 0.1 : 1;
    b.run_s = b.quick ? 0.3 : 5;
    b.drain = b.quick ? 2000 : 200000;
    b.year = b.quick ? 2000 : 100000;
    b.cases = b.cases != 0 ? b.cases : b.quick ? 5000 : 1000000;
    bool good = run_all(&b) && (json_path == NULL || write_json(&b, json_path));
    json_decref(b.rows);
    return good && !b.untrusted ? 0 : 1;
}
