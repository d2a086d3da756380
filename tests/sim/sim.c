/* sim: everything at once, by the numbers.
 *
 *   sim [--seed N] [--seeds COUNT] [--seconds S] [--steps M] [--verbose] [--summary] [--covered]
 *
 * Runs COUNT seeds from N on (or as many as S seconds have room for), M steps each. Prints each failing seed, with all
 * that happened in it, and stops. --covered: fails as well when a cell of the table of transitions was not reached, or
 * a day on which somebody is decided again. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct options { uint64_t seed, seeds, seconds, steps; bool verbose, summary, covered; };

static bool number(const char *name, int argc, char **argv, int *i, uint64_t *out)
{
    if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
        return false;
    *out = strtoull(argv[++*i], NULL, 10);
    return true;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (number("--seed", argc, argv, &i, &o->seed) || number("--seeds", argc, argv, &i, &o->seeds) ||
            number("--seconds", argc, argv, &i, &o->seconds) || number("--steps", argc, argv, &i, &o->steps))
            continue;
        if (strcmp(argv[i], "--verbose") == 0)
            o->verbose = true;
        else if (strcmp(argv[i], "--summary") == 0)
            o->summary = true;
        else if (strcmp(argv[i], "--covered") == 0)
            o->covered = true;
        else
            return false;
    }
    return true;
}

/* Mostly peaceful, sometimes not: a quarter of the weights is zero. */
void sim_choose_habits(struct sim *sim)
{
    struct sim_habits *h = &sim->habits;
    memset(h, 0, sizeof *h);
    for (unsigned i = 0; i < SIM_DEEDS; i++)
        h->weight[i] = sim_below(sim, 4) == 0 ? 0 : 1 + sim_below(sim, 8);
    h->weight[SIM_NEW] += 2;
    h->weight[SIM_VERB] = h->weight[SIM_VERB] * 4 + 4;
    h->weight[SIM_SUBSCRIBE] += 1;
    for (unsigned i = 0; i < RFL_MSG_COUNT; i++)
        h->verb[i] = sim_below(sim, 4) == 0 ? 0 : 1 + sim_below(sim, 6);
    for (unsigned i = RFL_MSG_CONTACTED; i <= RFL_MSG_STARTED; i++)
        h->verb[i] += 2;                /* or few cases would get far */
    h->verb[RFL_MSG_ACCEPT] += 3;
    if (sim_below(sim, 4) == 0)
        h->verb[RFL_MSG_REDIRECT] += 16;    /* some pass everybody on: budgets are there to be used up */
    h->wire = sim_below(sim, 5);
    h->lawful = 6 + sim_below(sim, 11);
    h->turn = 1 + sim_below(sim, 48);
    for (unsigned i = 0; i < 6; i++)
        h->jump[i] = sim_below(sim, 3) == 0 ? 0 : 1 + sim_below(sim, i == 5 ? 2 : 20);
    h->crash = sim_below(sim, 2) * sim_below(sim, 8);
    h->undo = sim_below(sim, 2) * sim_below(sim, 8);
    h->lose = sim_below(sim, 2) * sim_below(sim, 64);
    h->reload = sim_below(sim, 2) * sim_below(sim, 16);
    h->drain = sim_below(sim, 3) == 0 ? 1 + sim_below(sim, 6) : 0;
    h->back = sim_below(sim, 3) == 0 ? 1 + sim_below(sim, 24) : 0;
    h->flood = sim_below(sim, 6) == 0 ? 128 + sim_below(sim, 128) : 0;
    h->flooded = 1 + sim_below(sim, 6);
    h->people = 4 + sim_below(sim, M_PEOPLE - 3);
    h->faithful = sim_below(sim, 2) == 0;
    h->small = sim_below(sim, 12) == 0;
}

/* Two folders of policies: the shipped one, and one with other budgets and clocks. */
static void make_folders(struct sim *sim)
{
    char command[1024];
    (void)snprintf(command, sizeof command,
                   "cp -r config/policy '%s/policy-0' && cp -r config/policy '%s/policy-1' && cd '%s/policy-1' &&"
                   " sed -i 's/hops_max = 2;/hops_max = 3;/; s/offers_max = 5;/offers_max = 3;/;"
                   " s/touches_max = 4;/touches_max = 2;/' rules.conf && sed -i 's/lease = \"4wh\"/lease = \"2wh\"/;"
                   " s/contact = \"3wd\"/contact = \"2wd\"/' clocks.conf",
                   sim->world.folder, sim->world.folder, sim->world.folder);
    if (system(command) != 0)
        exit(2);
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void run_seeds(struct sim *sim, const struct options *o)
{
    struct timespec start;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint64_t i = 0; o->seconds > 0 ? seconds_since(&start) < (double)o->seconds : i < o->seeds; i++)
        sim_run(sim, o->seed + i, o->steps);
    double seconds = seconds_since(&start);
    (void)printf("%llu seeds, %llu commands in %.1f s (%.0f a second), %llu compared\n",
                 (unsigned long long)sim->tally.seeds, (unsigned long long)sim->tally.commands, seconds,
                 (double)sim->tally.commands / seconds, (unsigned long long)sim->tally.compared);
}

int main(int argc, char **argv)
{
    struct options o = { .seed = 1, .seeds = 1, .steps = 2000 };
    if (!read_options(argc, argv, &o)) {
        (void)fputs("usage: sim [--seed N] [--seeds COUNT] [--seconds S] [--steps M] [--verbose] [--summary] "
                    "[--covered]\n", stderr);
        return 64;
    }
    (void)printf("seed %llu, %llu steps\n", (unsigned long long)o.seed, (unsigned long long)o.steps);
    (void)fflush(stdout);
    struct sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return 2;
    sim->verbose = o.verbose;
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);      /* the durability of a disk is not the subject here */
    world_open(&sim->world, "config/policy", 1 << 20);
    sim->first_policy = sim->world.policy;
    make_folders(sim);
    run_seeds(sim, &o);
    if (o.summary)
        sim_summary(sim);
    bool good = !o.covered || sim_covered(sim);
    sim->world.policy = sim->first_policy;
    world_close(&sim->world);
    sim_free_england(sim);
    free(sim);
    return good ? 0 : 1;
}
