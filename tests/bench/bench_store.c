/* How fast the store takes submissions, and what a commit writes.
 *
 *   bench_store <folder> [cases to start with, in thousands] [seconds for each batch size]
 *
 * Each submission: both lookups, one entry of two events with a sealed body of 600 bytes, a new case, random reference
 * and match key. Prints a table; never fails on elapsed time. The folder is made and removed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "rfl_store.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Bytes given to write calls so far, which is what LMDB wrote: pages and a header for each commit. */
static uint64_t written_bytes(void)
{
    uint64_t bytes = 0;
    char line[128];
    FILE *f = fopen("/proc/self/io", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "wchar: %" SCNu64, &bytes) == 1)
            break;
    if (f != NULL)
        (void)fclose(f);
    return bytes;
}

static void die(const char *what, enum rfl_err err)
{
    (void)fprintf(stderr, "bench_store: %s: %s\n", what, rfl_err_text(err));
    exit(1);
}

static struct rfl_hash random_hash(void)
{
    struct rfl_hash hash;
    uint64_t words[2] = { draw(), draw() };
    memcpy(hash.b, words, sizeof hash.b);
    return hash;
}

static void submit(struct rfl_store *store, int64_t wall_ms)
{
    static uint8_t body[600];
    static struct rfl_entry entry;
    struct rfl_referral other;
    struct rfl_case_id kase = rfl_store_next_case(store);
    struct rfl_submission submission = {
        .id = rfl_store_next_referral(store), .reference = random_hash(), .body = random_hash(),
        .match = { random_hash() }, .door = RFL_DOOR_GP, .consent = RFL_CONSENT_GIVEN,
    };
    struct rfl_queue_no queue = { (uint16_t)(1 + draw() % 100) };
    if (rfl_store_find_reference(store, submission.reference, &other) ||
        rfl_store_find_match(store, submission.match[0], &other))
        die("a random hash was there already", RFL_E_CORRUPT);
    memset(&entry, 0, sizeof entry);
    entry.wall_ms = wall_ms;
    entry.actor = RFL_ACTOR_SOURCE;
    entry.source.v = (uint16_t)(1 + draw() % 8);
    entry.kase = kase;
    entry.has_decided = true;
    entry.event_count = 2;
    entry.events[0] = (struct rfl_event){ .kind = RFL_EVENT_RECEIVED, .band = RFL_BAND_ROUTINE,
                                          .submission = submission };
    entry.events[1] = (struct rfl_event){ .kind = RFL_EVENT_ROUTED, .queue = queue, .area = { 7 },
                                          .clock = RFL_CLOCK_ACCEPT, .due_ms = wall_ms + 172800000,
                                          .accept_by_ms = wall_ms + 172800000, .since_ms = wall_ms };
    enum rfl_err err = rfl_store_append(store, &entry, (struct rfl_view){ body, sizeof body });
    if (err != RFL_E_OK)
        die("append", err);
}

static void turn(struct rfl_store *store, unsigned batch, int64_t *wall_ms)
{
    enum rfl_err err = rfl_store_begin(store);
    if (err != RFL_E_OK)
        die("begin", err);
    for (unsigned i = 0; i < batch; i++)
        submit(store, *wall_ms);
    *wall_ms += 1;
    err = rfl_store_commit(store);
    if (err != RFL_E_OK)
        die("commit", err);
}

static void measure(struct rfl_store *store, unsigned batch, double seconds, int64_t *wall_ms)
{
    uint64_t turns = 0, bytes = written_bytes();
    double start = now_s(), end = start, worst = 0;
    while (end - start < seconds) {
        double before = end;
        turn(store, batch, wall_ms);
        end = now_s();
        turns++;
        if (end - before > worst)
            worst = end - before;
    }
    printf("%8u  %12.0f  %10.1f  %12.1f  %10.2f\n", batch, (double)(turns * batch) / (end - start),
           (end - start) / (double)turns * 1e6, (double)(written_bytes() - bytes) / 4096 / (double)turns, worst * 1e3);
    (void)fflush(stdout);
}

static void remove_store(const char *dir)
{
    static const char *const names[] = { "data.mdb", "lock.mdb", "lock", "master.key" };
    char path[4200];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static struct rfl_store *open_timed(const char *dir, int64_t wall_ms)
{
    static const struct rfl_store_options options = { .allow_any_fs = true };
    struct rfl_store *store = NULL;
    struct rfl_store_stat st;
    const char *why = "";
    double start = now_s();
    enum rfl_err err = rfl_store_open(dir, &options, wall_ms, &store, &why);
    if (err != RFL_E_OK)
        die(why, err);
    double took = now_s() - start;
    rfl_store_stat(store, &st);
    printf("open: %.0f ms; %" PRIu64 " cases; file %" PRIu64 " MiB in use; indexes %.1f bytes a case\n", took * 1e3,
           st.cases, st.used_bytes >> 20, st.cases > 0 ? (double)st.index_bytes / (double)st.cases : 0);
    return store;
}

int main(int argc, char **argv)
{
    static const unsigned batches[] = { 1, 64, 128, 512 };
    static const struct rfl_store_options options = { .allow_any_fs = true };
    if (argc < 2) {
        (void)fprintf(stderr, "use: bench_store <new folder> [thousands of cases first] [seconds a row]\n");
        return 64;
    }
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) * 1000 : 0;
    double seconds = argc > 3 ? strtod(argv[3], NULL) : 2;
    int64_t wall_ms = INT64_C(1780000000000);
    enum rfl_err err = rfl_store_init(argv[1], &options);
    if (err != RFL_E_OK)
        die("init", err);
    struct rfl_store *store = open_timed(argv[1], wall_ms);
    double start = now_s();
    for (uint64_t done = 0; done < first; done += 2000)
        turn(store, 2000, &wall_ms);
    if (first > 0)
        printf("filled: %.0f submissions/s in batches of 2000\n", (double)first / (now_s() - start));
    rfl_store_close(&store);
    store = open_timed(argv[1], wall_ms);
    printf("   batch  submissions/s  us a turn  pages a turn  worst ms\n");
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++)
        measure(store, batches[i], seconds, &wall_ms);
    rfl_store_close(&store);
    store = open_timed(argv[1], wall_ms);
    rfl_store_close(&store);
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("memory at most %ld MiB; verify: ", usage.ru_maxrss >> 10);
    (void)fflush(stdout);
    struct rfl_store_report report = { 0 };
    start = now_s();
    err = rfl_store_verify(argv[1], &options, &report);
    printf("%s in %.1f s\n", rfl_err_name(err), now_s() - start);
    remove_store(argv[1]);
    return err == RFL_E_OK ? 0 : 1;
}
