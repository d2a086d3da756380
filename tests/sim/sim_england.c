/* The England of a seed, drawn by luck, written as its areas' people would write it, and loaded by the real loader. The
 * model has the same as a few arrays (struct m_england). */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "rfl_date.h"

static const char *const queue_names[M_QUEUES] = {
    "greater-manchester/intake", "black-country/intake", "birmingham-solihull/intake", NULL, NULL,
    "greater-manchester/city/one", "greater-manchester/city/two", "greater-manchester/three",
    "birmingham-solihull/further" };
enum { GM = 0, ONE = 5, TWO = 6, THREE = 7, FURTHER = 8 };
enum { BATH = 1, BIRMINGHAM = 3, BLACK_COUNTRY = 4, BRISTOL = 5, MANCHESTER = 16 };

static int64_t midnight_ms(int32_t day) { return rfl_london_midnight_ms(rfl_date_from_days(day)); }

static const char *date_text(int64_t at_ms)
{
    static char texts[4][16];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    struct rfl_date date = rfl_london_date(at_ms);
    (void)snprintf(text, sizeof texts[0], "%04d-%02u-%02u", date.year, date.month, date.day);
    return text;
}

/* Tomorrow, this month, this year: seeds live for hours or for years. */
static int64_t some_day(struct sim *sim, int64_t after_ms)
{
    static const unsigned within[] = { 1, 2, 20, 200 };
    struct rfl_date first = rfl_london_date(after_ms);
    return midnight_ms(rfl_date_days(first) + 1 + (int32_t)sim_below(sim, within[sim_below(sim, 4)]));
}

/* ---- drawing ---- */

static void draw_age(struct sim *sim, struct m_rule *rule)
{
    rule->age_min = (uint8_t)(36 + sim_below(sim, 45));         /* people are about 36 to 88, and grow older */
    rule->age_max = (uint8_t)(rule->age_min + sim_below(sim, 25));
    rule->age_unknown = sim_below(sim, 2) == 0;
}

static struct m_rule some_rule(struct sim *sim)
{
    static const uint16_t to[] = { 1016, 3001, 3002, 3003, 3001, 0 };
    static const uint8_t doors[] = { RFL_DOOR_GP, RFL_DOOR_SELF, RFL_DOOR_LOCAL_SERVICE };
    struct m_rule rule = { .area = MANCHESTER, .to = to[sim_below(sim, 6)], .where = (uint8_t)sim_below(sim, 3),
                           .door = sim_below(sim, 3) == 0 ? doors[sim_below(sim, 3)] : 0,
                           .off_sick = sim_below(sim, 3) == 0, .shadow = sim_below(sim, 4) == 0,
                           .from_ms = 0, .until_ms = INT64_MAX };
    if (sim_below(sim, 4) == 0)
        rule.from_ms = some_day(sim, WORLD_BEGINS_MS);
    if (sim_below(sim, 4) == 0)
        rule.until_ms = (rule.from_ms != 0 ? rule.from_ms : WORLD_BEGINS_MS) + INT64_C(40) * 86400000;
    if (rule.until_ms != INT64_MAX)
        rule.until_ms = midnight_ms(rfl_date_days(rfl_london_date(rule.until_ms)));
    if (sim_below(sim, 3) == 0)
        draw_age(sim, &rule);
    if (sim_below(sim, 4) == 0)
        rule.to = 0;
    if (rule.to == 0 && sim_below(sim, 4) != 0)
        rule.again_ms = some_day(sim, rule.from_ms != 0 ? rule.from_ms : WORLD_BEGINS_MS);
    return rule;
}

/* Before all others: for some, or for everybody, it is too early in this area. */
static void put_off(struct sim *sim, struct m_england *e, uint16_t area, int64_t after_ms)
{
    struct m_rule rule = { .area = area, .off_sick = sim_below(sim, 3) == 0, .until_ms = INT64_MAX,
                           .again_ms = some_day(sim, after_ms) };
    if (sim_below(sim, 2) == 0)         /* the day after: clocks run that would run past it */
        rule.again_ms = midnight_ms(rfl_date_days(rfl_london_date(after_ms)) + 1);
    if (e->rules == M_RULES || sim_below(sim, 3) == 0)
        return;
    if (sim_below(sim, 3) == 0)
        draw_age(sim, &rule);
    memmove(&e->rule[1], &e->rule[0], e->rules++ * sizeof rule);
    e->rule[0] = rule;
}

/* As shipped: config/policy/routes.d/greater-manchester.conf, of which the simulator's people meet two rules. */
static void as_shipped(struct m_england *e)
{
    e->rule[e->rules++] = (struct m_rule){ .area = MANCHESTER, .to = 3002, .where = M_IN_THE_CITY, .off_sick = true,
                                           .until_ms = INT64_MAX };
    e->rule[e->rules++] = (struct m_rule){ .area = MANCHESTER, .to = 3001, .where = M_IN_THE_CITY,
                                           .until_ms = INT64_MAX };
}

static void draw_room(struct sim *sim, struct m_england *e)
{
    static const struct { uint8_t queue, next[2]; } may[] = {
        { ONE, { TWO, GM } }, { TWO, { THREE, GM } }, { THREE, { GM, GM } } };
    for (unsigned i = 0; i < 3; i++) {
        if (sim_below(sim, 2) == 0)
            continue;
        e->capacity[may[i].queue] = 1 + sim_below(sim, 6);
        if (sim_below(sim, 4) != 0)
            e->overflow[may[i].queue] = model_intake[may[i].next[sim_below(sim, 2)]];
    }
}

/* Providers who begin later, and who end. */
static void draw_dates(struct sim *sim, struct m_england *e, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        if (sim_below(sim, 3) == 0)
            e->opens_ms[i] = some_day(sim, WORLD_BEGINS_MS);
        if (sim_below(sim, 4) == 0)
            e->closes_ms[i] = some_day(sim, e->opens_ms[i] != 0 ? e->opens_ms[i] : WORLD_BEGINS_MS);
    }
}

static void draw_changes(struct sim *sim, struct m_england *e, int64_t after_ms)
{
    unsigned what = sim_below(sim, 6);
    if (what < 4) {
        e->ends_ms = some_day(sim, after_ms);
        e->divided = what < 2;
        put_off(sim, e, BIRMINGHAM, e->ends_ms);
        if (e->divided)
            put_off(sim, e, BATH, e->ends_ms);
    }
    if (what > 2) {
        e->leaves_ms = some_day(sim, after_ms);
        put_off(sim, e, BRISTOL, e->leaves_ms);
    }
}

static bool draw(struct sim *sim, struct m_england *e)
{
    bool shipped = sim_below(sim, 3) == 0;
    *e = (struct m_england){ .ends_ms = INT64_MAX, .leaves_ms = INT64_MAX };
    sim->announced_at = 500 + sim_below(sim, 7000);
    if (sim_below(sim, 6) == 0)
        draw_changes(sim, e, WORLD_BEGINS_MS);
    if (sim_below(sim, 2) == 0)
        put_off(sim, e, sim_below(sim, 2) == 0 ? BIRMINGHAM : BLACK_COUNTRY, WORLD_BEGINS_MS);
    draw_dates(sim, e, FURTHER, FURTHER);
    if (sim_below(sim, 2) == 0) {
        e->rule[e->rules++] = (struct m_rule){ .area = BIRMINGHAM, .to = 3005, .until_ms = INT64_MAX };
        e->capacity[FURTHER] = sim_below(sim, 2) * (1 + sim_below(sim, 8));
        e->overflow[FURTHER] = e->capacity[FURTHER] != 0 && sim_below(sim, 4) != 0 ? 1003 : 0;
    }
    if (shipped) {
        as_shipped(e);
        return true;
    }
    for (unsigned i = sim_below(sim, 6); i > 0; i--)
        e->rule[e->rules++] = some_rule(sim);
    draw_room(sim, e);
    draw_dates(sim, e, ONE, THREE);
    return false;
}

/* ---- writing ---- */

static FILE *open_file(struct sim *sim, unsigned policy, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/policy-%u/%s", sim->world.folder, policy, name);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        sim_fail(sim, "%s cannot be written", name);
    return f;
}

static void write_provider(FILE *f, const struct m_england *e, unsigned i, const char *end)
{
    (void)fprintf(f, "  { id = %u; name = \"%s\"; owner = \"Intake\"; lead = \"Manager\";", model_intake[i],
                  strchr(queue_names[i], '/') + 1);
    if (e->capacity[i] != 0)
        (void)fprintf(f, " capacity = %u;", e->capacity[i]);
    for (unsigned j = 0; e->overflow[i] != 0 && j < M_QUEUES; j++)
        if (model_intake[j] == e->overflow[i])
            (void)fprintf(f, " overflow = \"%s\";", queue_names[j]);
    if (e->opens_ms[i] != 0)
        (void)fprintf(f, " opens = \"%s\";", date_text(e->opens_ms[i]));
    if (e->closes_ms[i] != 0)
        (void)fprintf(f, " closes = \"%s\";", date_text(e->closes_ms[i]));
    (void)fprintf(f, " }%s\n", end);
}

static void write_rule(FILE *f, const struct m_rule *rule, unsigned number, bool last)
{
    static const char *const where[] = { "", "place = \"city\"; ", "place = \"unknown\"; " };
    (void)fprintf(f, "  { name = \"rule-%u\"; owner = \"Lead\"; why = \"Drawn.\";", number);
    if (rule->shadow)
        (void)fputs(" shadow = true;", f);
    if (rule->from_ms != 0)
        (void)fprintf(f, " from = \"%s\";", date_text(rule->from_ms));
    if (rule->until_ms != INT64_MAX)
        (void)fprintf(f, " until = \"%s\";", date_text(rule->until_ms));
    if (rule->door != 0)
        (void)fputs(" doors_differ = true;", f);
    (void)fprintf(f, " when = { %s", where[rule->where]);
    if (rule->door != 0)
        (void)fprintf(f, "door = \"%s\"; ", rfl_door_name((enum rfl_door)rule->door));
    if (rule->off_sick)
        (void)fputs("employment = \"off_sick\"; ", f);
    if (rule->age_max != 0)
        (void)fprintf(f, "age = ( \"%u-%u\"%s ); ", rule->age_min, rule->age_max,
                      rule->age_unknown ? ", \"unknown\"" : "");
    (void)fputs("}; ", f);
    for (unsigned i = 0; i < M_QUEUES; i++)
        if (rule->to != 0 && model_intake[i] == rule->to)
            (void)fprintf(f, "to = \"%s\"; ", queue_names[i]);
    if (rule->again_ms != 0)
        (void)fprintf(f, "not_yet = \"%s\"; ", date_text(rule->again_ms));
    (void)fprintf(f, "%s}%s\n", rule->to == 0 && rule->again_ms == 0 ? "nowhere = true; " : "", last ? "" : ",");
}

static void write_rules(FILE *f, const struct m_england *e, uint16_t area)
{
    unsigned left = 0;
    for (unsigned i = 0; i < e->rules; i++)
        left += e->rule[i].area == area;
    bool any = left > 0;
    (void)fputs(any ? "rules = (\n" : "", f);
    for (unsigned i = 0; i < e->rules; i++)
        if (e->rule[i].area == area)
            write_rule(f, &e->rule[i], i, --left == 0);
    (void)fputs(any ? ");\nend_of_config = true;\n" : "end_of_config = true;\n", f);
    (void)fclose(f);
}

/* An area that has rules, and no providers but its intake. */
static void write_other(struct sim *sim, unsigned policy, const char *name, uint16_t area)
{
    char file[96];
    (void)snprintf(file, sizeof file, "routes.d/%s.conf", name);
    FILE *f = open_file(sim, policy, file);
    (void)fprintf(f, "schema_version = 1;\narea = \"%s\";\n", name);
    write_rules(f, &sim->england, area);
}

static void write_routes(struct sim *sim, unsigned policy, bool shipped)
{
    const struct m_england *e = &sim->england;
    FILE *f = open_file(sim, policy, "routes.d/birmingham-solihull.conf");
    (void)fputs("schema_version = 1;\narea = \"birmingham-solihull\";\nproviders = (\n", f);
    write_provider(f, e, FURTHER, ");");
    write_rules(f, e, BIRMINGHAM);
    write_other(sim, policy, "black-country", BLACK_COUNTRY);
    write_other(sim, policy, "bath-swindon-wiltshire", BATH);
    write_other(sim, policy, "bristol-north-somerset-south-gloucestershire", BRISTOL);
    f = open_file(sim, policy, "routes.d/greater-manchester.conf");
    if (shipped) {
        char line[512];
        FILE *from = fopen("config/policy/routes.d/greater-manchester.conf", "r");
        while (from != NULL && fgets(line, sizeof line, from) != NULL)
            (void)fputs(line, f);
        if (from == NULL || fclose(from) != 0 || fclose(f) != 0)
            sim_fail(sim, "the shipped rules cannot be copied");
        return;
    }
    (void)fputs("schema_version = 1;\narea = \"greater-manchester\";\n"
                "places = ( { id = 4; name = \"city\"; sub_icbs = ( \"14L\", \"E38000217\" ); } );\n"
                "providers = (\n", f);
    write_provider(f, e, ONE, ",");
    write_provider(f, e, TWO, ",");
    write_provider(f, e, THREE, ");");
    write_rules(f, e, MANCHESTER);
}

/* The shipped areas, with what this seed changes behind the names of two of them. */
static void write_areas(struct sim *sim, unsigned policy)
{
    const struct m_england *e = &sim->england;
    char line[512];
    FILE *from = fopen("config/policy/areas.conf", "r"), *f = open_file(sim, policy, "areas.conf");
    while (from != NULL && fgets(line, sizeof line, from) != NULL) {
        (void)fputs(line, f);
        if (strstr(line, "name = \"black-country\";") != NULL && e->ends_ms != INT64_MAX)
            (void)fprintf(f, "    until = \"%s\"; successors = ( %s );\n", date_text(e->ends_ms),
                          e->divided ? "{ to = \"birmingham-solihull\"; sub_icbs = ( \"E38000259\" ); }, "
                                       "{ to = \"bath-swindon-wiltshire\"; sub_icbs = ( \"E38000997\" ); }"
                                     : "{ to = \"birmingham-solihull\"; }");
        if (strstr(line, "name = \"greater-manchester\";") != NULL && e->leaves_ms != INT64_MAX)
            (void)fprintf(f, "    boundary = ( { at = \"%s\"; to = \"bristol-north-somerset-south-gloucestershire\";"
                          " sub_icbs = ( \"14L\", \"E38000217\" ); } );\n", date_text(e->leaves_ms));
    }
    if (from == NULL || fclose(from) != 0 || fclose(f) != 0)
        sim_fail(sim, "the areas cannot be written");
}

void sim_free_england(struct sim *sim)
{
    for (unsigned i = 0; i < 2; i++)
        rfl_conf_policy_free(&sim->policies[i]);
}

static void load(struct sim *sim, struct rfl_policy *policies[2])
{
    for (unsigned i = 0; i < 2; i++) {
        struct rfl_conf_report report;
        char folder[256];
        memset(&report, 0, sizeof report);
        write_areas(sim, i);
        (void)snprintf(folder, sizeof folder, "%s/policy-%u", sim->world.folder, i);
        policies[i] = NULL;
        if (rfl_conf_policy_load(folder, &policies[i], &report) != RFL_E_OK) {
            rfl_conf_report_print(&report, stderr);
            sim_fail(sim, "the policy of this seed is refused");
        }
    }
}

void sim_draw_england(struct sim *sim)
{
    sim->shipped_rules = draw(sim, &sim->england);
    for (unsigned i = 0; i < 2; i++)
        write_routes(sim, i, sim->shipped_rules);
    sim_free_england(sim);
    load(sim, sim->policies);
}

void sim_count_england(struct sim *sim)
{
    const struct m_england *e = &sim->england;
    int64_t now_ms = sim->world.now.wall_ms;
    sim->tally.england[0] += sim->shipped_rules;
    sim->tally.england[1] += e->ends_ms <= now_ms && !e->divided;
    sim->tally.england[2] += e->ends_ms <= now_ms && e->divided;
    sim->tally.england[3] += e->leaves_ms <= now_ms;
}

/* While people wait and are worked on, the areas' changes become known. */
void sim_announce(struct sim *sim)
{
    struct rfl_policy *policies[2];
    struct m_england before = sim->england;
    sim->announced_at = UINT64_MAX;
    if (before.ends_ms != INT64_MAX || before.leaves_ms != INT64_MAX)
        return;
    draw_changes(sim, &sim->england, sim->world.now.wall_ms);
    for (unsigned i = 0; i < 2; i++)
        write_routes(sim, i, sim->shipped_rules);
    load(sim, policies);
    enum rfl_err err = rfl_engine_set_policy(sim->world.engine, policies[sim->policy], sim->world.directories,
                                             &sim->world.now, NULL);
    bool refused = err == RFL_E_FULL && sim->habits.small;      /* no room even to note it */
    if (err != RFL_E_OK && !refused)
        sim_fail(sim, "the policy cannot be replaced: %s", rfl_err_text(err));
    for (unsigned i = 0; i < 2; i++) {
        struct rfl_policy *other = refused ? policies[i] : sim->policies[i];
        if (!refused)
            sim->policies[i] = policies[i];
        rfl_conf_policy_free(&other);
    }
    if (refused)
        sim->england = before;
    sim->world.policy = sim->policies[sim->policy];
    sim_forget_turns(sim);
    sim_say(sim, "areas will change: one ends %lld and a part leaves %lld minutes from now",
            (long long)(sim->england.ends_ms - sim->world.now.wall_ms) / 60000,
            (long long)(sim->england.leaves_ms - sim->world.now.wall_ms) / 60000);
}

static void note_next(const struct sim *sim, int64_t at_ms, int64_t *next_ms)
{
    if (at_ms > sim->machine_ms && at_ms < *next_ms)
        *next_ms = at_ms;
}

/* The first day on which everybody is a year older. */
static int64_t birthday_ms(void)
{
    const struct rfl_date day = { rfl_london_date(WORLD_BEGINS_MS).year, M_BIRTH_MONTH, M_BIRTH_DAY };
    return rfl_date_days(day) * INT64_C(86400000);
}

/* Until the hour of the next change, of areas, rules, providers or people; 0: there is none. */
int64_t sim_until_change(const struct sim *sim)
{
    const struct m_england *e = &sim->england;
    int64_t next_ms = INT64_MAX;
    note_next(sim, e->ends_ms, &next_ms);
    note_next(sim, e->leaves_ms, &next_ms);
    for (unsigned i = 0; i < e->rules; i++) {
        note_next(sim, e->rule[i].from_ms, &next_ms);
        note_next(sim, e->rule[i].until_ms, &next_ms);
        note_next(sim, e->rule[i].again_ms, &next_ms);
    }
    note_next(sim, birthday_ms(), &next_ms);
    for (unsigned i = 0; i < M_QUEUES; i++) {
        note_next(sim, e->opens_ms[i], &next_ms);
        note_next(sim, e->closes_ms[i], &next_ms);
    }
    return next_ms == INT64_MAX ? 0 : next_ms - sim->machine_ms;
}
