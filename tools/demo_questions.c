/* What a newcomer would ask at the end, asked with referralctl: why did this one go there, and what would the next
 * change of boundaries do to everybody here. */
#include <stdlib.h>

#include "demo.h"

#define MOVES_AT "2027-04-01"                       /* the date in boundary-move.patch */
enum { PATH_BYTES = 512, LINES_SHOWN = 30 };

static const char *const names[DEMO_QUESTIONS] = {
    [DEMO_EXPLAIN] = "explain", [DEMO_AREA_PLAN] = "area_plan", [DEMO_WHATIF] = "whatif" };

const char *demo_question_name(enum demo_question question) { return names[question]; }

/* The first who was registered with the first surgery of the area: one whom its rules could tell apart. */
static const char *somebody(const struct demo *demo)
{
    char practice[24] = "";
    for (uint32_t a = 0; a < demo->world.area_count; a++)
        if (strcmp(demo->world.area[a].ods, DEMO_EXPLAINED_AREA) == 0)
            (void)snprintf(practice, sizeof practice, "Z99%03u", a * DEMO_PRACTICES_PER_AREA);
    for (uint32_t i = 0; i < demo->plan.crowd; i++) {
        struct demo_form form;
        demo_form_make(&demo->world, &demo->plan, i, &form);
        if (demo->plan.referral[i].kind == DEMO_NEW && strcmp(form.practice, practice) == 0)
            return demo->plan.referral[i].receipt;
    }
    return demo->plan.referral[0].receipt;
}

/* The question as one types it. False when it does not fit. */
static bool ask(struct demo *demo, enum demo_question question, const char *const words[])
{
    const char *argv[DEMO_WORDS_MAX + 1];
    char file[64];
    size_t n = 0;
    char *command = demo->question[question];
    size_t used = (size_t)snprintf(command, sizeof demo->question[0], "referralctl");
    for (; words[n] != NULL; n++) {
        assert(n + 1 < DEMO_WORDS_MAX);
        argv[n] = words[n];
        used += (size_t)snprintf(command + used, sizeof demo->question[0] - used, " %s", words[n]);
    }
    argv[n] = NULL;
    (void)snprintf(file, sizeof file, "%s.txt", names[question]);
    if (!demo_ctl(demo, DEMO_VISITOR, argv, file))
        return false;
    argv[n] = "--json";
    argv[n + 1] = NULL;
    (void)snprintf(file, sizeof file, "%s.json", names[question]);
    return demo_ctl(demo, DEMO_VISITOR, argv, file);
}

/* The change is announced: in force with its date, long before it. */
static bool announce(struct demo *demo)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    const char *const load[] = { "policy", "load", "--operator", DEMO_KEEPER, "--reason", "announced for 1 April 2027",
                                 "--execute", NULL };
    (void)snprintf(from, sizeof from, "%s/areas-next.conf", demo->dir);
    (void)snprintf(to, sizeof to, "%s/policy/areas.conf", demo->dir);
    if (rename(from, to) != 0)
        return false;
    demo_say("a change of boundaries is announced, config/examples/boundary-move.patch: nothing moves before its date");
    return demo_ctl(demo, DEMO_KEEPER, load, "operator.log");
}

bool demo_questions_ask(struct demo *demo)
{
    char policy[PATH_BYTES];
    (void)snprintf(policy, sizeof policy, "%s/policy-next", demo->dir);
    const char *const explain[] = { "explain", somebody(demo), "--counterfactual", NULL };
    const char *const plan[] = { "area", "plan", "--at", MOVES_AT, NULL };
    const char *const whatif[] = { "whatif", "--policy", policy, "--at", MOVES_AT, "--samples", "1", NULL };
    return ask(demo, DEMO_EXPLAIN, explain) && ask(demo, DEMO_WHATIF, whatif) && announce(demo)
        && ask(demo, DEMO_AREA_PLAN, plan);
}

void demo_questions_print(const struct demo *demo)
{
    static const char *const about[DEMO_QUESTIONS] = {
        [DEMO_EXPLAIN] = "why did this one go there",
        [DEMO_AREA_PLAN] = "who would move with the boundaries of config/examples/boundary-move.patch",
        [DEMO_WHATIF] = "where would everybody who came today go by then" };
    for (unsigned i = 0; i < DEMO_QUESTIONS; i++) {
        char path[PATH_BYTES], line[1024];
        (void)snprintf(path, sizeof path, "%s/%s.txt", demo->dir, names[i]);
        FILE *f = fopen(path, "re");
        printf("\n%s?\n$ %s\n", about[i], demo->question[i]);
        unsigned lines = 0;
        while (f != NULL && fgets(line, sizeof line, f) != NULL)
            if (++lines <= LINES_SHOWN)
                (void)fputs(line, stdout);
        if (lines > LINES_SHOWN)
            printf("(%u more lines)\n", lines - LINES_SHOWN);
        if (f != NULL)
            (void)fclose(f);
    }
}
