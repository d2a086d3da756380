/* Whose turn it was: within a queue and a band, the one of each door who has waited longest, and no door for ever. */
#include "sim.h"

enum { DOORS = 8 /* that people of the simulator come through */,
       PASSED_MAX = 3 * DOORS /* a turn for each other door, after the debt of the door's own last turn is paid off, and
                                 once more for doors that had waited as long */ };

/* The one who has waited longest of each door; 0: nobody. Who has waited for the ageing time counts as urgent. */
struct waiting { int64_t since_ms[RFL_BAND_COUNT][RFL_DOOR_COUNT]; };

static void note(int64_t *longest_ms, int64_t since_ms)
{
    if (*longest_ms == 0 || since_ms < *longest_ms)
        *longest_ms = since_ms;
}

static bool has_aged(const struct model *m, int64_t since_ms)
{
    return since_ms != 0 && rfl_policy_aged_ms(m->policy, since_ms) <= m->now_ms;
}

static void find_waiting(const struct model *m, uint16_t queue, struct waiting *out)
{
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < m->open_count; i++) {
        const struct m_case *k = &m->kase[m->open[i]];
        if (k->status == RFL_STATUS_QUEUED && k->queue == queue && k->linked_to == 0)
            note(&out->since_ms[k->band][k->door], k->since_ms);
    }
    for (unsigned door = 0; door < RFL_DOOR_COUNT; door++) {
        int64_t *routine_ms = &out->since_ms[RFL_BAND_ROUTINE][door];
        if (!has_aged(m, *routine_ms))
            continue;
        note(&out->since_ms[RFL_BAND_URGENT][door], *routine_ms);
        *routine_ms = 0;
    }
}

static unsigned index_of(const struct sim *sim, uint16_t queue)
{
    unsigned i = 0;
    while (i < M_QUEUES && model_intake[i] != queue)
        i++;
    (void)sim;
    assert(i < M_QUEUES);
    return i;
}

/* Every door that somebody waits at in this band was passed over by this offer, but for its own. */
static void count_passed(struct sim *sim, uint8_t *passed, const int64_t *since_ms, unsigned door)
{
    for (unsigned other = 0; other < RFL_DOOR_COUNT; other++) {
        passed[other] = other == door || since_ms[other] == 0 ? 0 : (uint8_t)(passed[other] + 1);
        if (passed[other] > sim->tally.passed_most)
            sim->tally.passed_most = passed[other];
        if (passed[other] > PASSED_MAX)
            sim_fail(sim, "who came through door %s was passed over %u times", rfl_door_name((enum rfl_door)other),
                     passed[other]);
    }
}

void sim_check_turn(struct sim *sim, uint16_t kase)
{
    const struct model *m = &sim->model;
    const struct m_case *k = &m->kase[kase];
    struct waiting waiting;
    if (k->status != RFL_STATUS_QUEUED || k->linked_to != 0)
        return;                         /* what was offered before, again; or a fault that the model names */
    find_waiting(m, k->queue, &waiting);
    unsigned band = has_aged(m, k->since_ms) ? RFL_BAND_URGENT : k->band, queue = index_of(sim, k->queue);
    if (k->since_ms != waiting.since_ms[band][k->door])
        sim_fail(sim, "case %u: somebody through the same door waits longer", kase);
    for (unsigned b = 0; b < band; b++)
        memset(sim->passed[queue][b], 0, sizeof sim->passed[queue][b]);
    count_passed(sim, sim->passed[queue][band], waiting.since_ms[band], k->door);
}

void sim_forget_turns(struct sim *sim) { memset(sim->passed, 0, sizeof sim->passed); }
