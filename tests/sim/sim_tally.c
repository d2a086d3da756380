/* Luck, the trace, the summary. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t sim_random(struct sim *sim)
{
    uint64_t z = sim->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

unsigned sim_below(struct sim *sim, unsigned n) { return (unsigned)(sim_random(sim) % n); }

bool sim_chance(struct sim *sim, unsigned of_256) { return sim_below(sim, 256) < of_256; }

unsigned sim_draw(struct sim *sim, const unsigned *weights, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += weights[i];
    if (sum == 0)
        return count;
    unsigned at = sim_below(sim, sum), i = 0;
    while (at >= weights[i])
        at -= weights[i++];
    return i;
}

void sim_say(struct sim *sim, const char *format, ...)
{
    va_list arguments;
    char *line = sim->trace[sim->traced++ % SIM_TRACE];
    va_start(arguments, format);
    int len = snprintf(line, SIM_TRACE_BYTES, "[%6llu] ", (unsigned long long)sim->step);
    (void)vsnprintf(line + len, (size_t)(SIM_TRACE_BYTES - len), format, arguments);
    va_end(arguments);
    if (sim->verbose)
        (void)puts(line);
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list arguments;
    uint64_t first = sim->traced > SIM_TRACE ? sim->traced - SIM_TRACE : 0;
    for (uint64_t i = first; !sim->verbose && i < sim->traced; i++)
        (void)puts(sim->trace[i % SIM_TRACE]);
    (void)printf("FAILED seed %llu, turn %llu, step %llu: ", (unsigned long long)sim->seed,
                 (unsigned long long)sim->turn, (unsigned long long)sim->step);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)putchar('\n');
    (void)fflush(stdout);
    world_abandon(&sim->world);
    exit(1);
}

static void print_one(const char *kind, const char *name, uint64_t value)
{
    if (value > 0)
        (void)printf("%s %s %llu\n", kind, name, (unsigned long long)value);
}

static void print_cells(const struct sim_tally *tally)
{
    for (unsigned s = 0; s < RFL_STATUS_COUNT; s++)
        for (unsigned e = 0; e < RFL_EVENT_COUNT; e++)
            if (tally->cell[s][e] > 0)
                (void)printf("cell %s %s %llu\n", rfl_status_word((enum rfl_status)s),
                             rfl_event_kind_word((enum rfl_event_kind)e), (unsigned long long)tally->cell[s][e]);
}

void sim_summary(const struct sim *sim)
{
    static const char *const deeds[SIM_DEEDS] = {
#define X(name, word) [SIM_##name] = word,
        SIM_DEED_LIST(X)
#undef X
    };
    const struct sim_tally *t = &sim->tally;
    const struct { const char *name; uint64_t value; } totals[] = {
        { "seeds", t->seeds }, { "commands", t->commands }, { "framed", t->framed }, { "turns", t->turns },
        { "crashes", t->crashes }, { "undone", t->undone }, { "lost_answers", t->lost }, { "reloads", t->reloads },
        { "drains", t->drains }, { "clock_set_back", t->backward }, { "passed_over_most", t->passed_most },
        { "offers", t->offers }, { "feedback", t->feedback }, { "notices", t->notices }, { "compared", t->compared },
        { "decided_again", t->again }, { "decided_again_of_moved", t->again_moved },
        { "decided_by_age", t->by_age }, { "rehomed", t->rehomed },
        { "rules_as_shipped", t->england[0] }, { "area_ended", t->england[1] },
        { "area_divided", t->england[2] }, { "part_left", t->england[3] } };
    for (unsigned i = 0; i < sizeof totals / sizeof totals[0]; i++)
        print_one("total", totals[i].name, totals[i].value);
    for (unsigned i = 0; i < SIM_DEEDS; i++)
        print_one("deed", deeds[i], t->deeds[i]);
    for (unsigned i = 0; i < RFL_MSG_COUNT; i++)
        print_one("ask", rfl_message_name((enum rfl_message_kind)i), t->asks[i]);
    for (unsigned i = 0; i < RFL_CODE_COUNT; i++)
        print_one("refused", rfl_code_name((enum rfl_code)i), t->refused[i]);
    for (unsigned i = 0; i < RFL_STATUS_COUNT; i++)
        print_one("left_in", rfl_status_word((enum rfl_status)i), t->ended[i]);
    for (unsigned i = 0; i < RFL_ROUTE_REASON_COUNT; i++)
        print_one("reason", rfl_route_reason_word((enum rfl_route_reason)i), t->reason[i]);
    print_cells(t);
}

/* What has no cell of its own: a day that came, and why there was one; an age. */
static bool days_covered(const struct sim_tally *t)
{
    const struct { const char *what; uint64_t count; } wanted[] = {
        { "decided again on the day", t->again }, { "the same of whom a change of areas had moved", t->again_moved },
        { "too early by a rule", t->reason[RFL_ROUTE_REASON_RULE_NOT_YET] },
        { "too early because a provider has not opened", t->reason[RFL_ROUTE_REASON_INTAKE_NOT_OPEN] },
        { "a provider has closed", t->reason[RFL_ROUTE_REASON_QUEUE_CLOSED] }, { "decided by age", t->by_age } };
    bool all = true;
    for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (wanted[i].count > 0)
            continue;
        (void)printf("never reached: %s\n", wanted[i].what);
        all = false;
    }
    return all;
}

bool sim_covered(const struct sim *sim)
{
    bool all = days_covered(&sim->tally);
    for (unsigned s = 0; s < RFL_STATUS_COUNT; s++) {
        for (unsigned e = 0; e < RFL_EVENT_COUNT; e++) {
            bool allowed = rfl_table_next((enum rfl_status)s, (enum rfl_event_kind)e) != RFL_STATUS_NONE;
            if (!allowed || sim->tally.cell[s][e] > 0)
                continue;
            (void)printf("never reached: %s in %s\n", rfl_event_kind_word((enum rfl_event_kind)e),
                         rfl_status_word((enum rfl_status)s));
            all = false;
        }
    }
    return all;
}
