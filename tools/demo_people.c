/* Who is referred, through which door, with what in hand: all of it invented, all of it a function of the seed. */
#include <stdlib.h>

#include "demo.h"

/* Adapters of config/policy/sources.conf, and in a hundred referrals how many come through each: the pilot's GP 28,
 * self 27, Jobcentre 24, the rest spread over the other doors. */
static const struct { const char *name; uint8_t door, percent; } sources[] = {
    { "gp-north", RFL_DOOR_GP, 15 }, { "gp-south", RFL_DOOR_GP, 13 }, { "self-page", RFL_DOOR_SELF, 27 },
    { "jobcentre-feed", RFL_DOOR_JOBCENTRE, 24 }, { "employer-portal", RFL_DOOR_EMPLOYER, 9 },
    { "local-service-manchester", RFL_DOOR_LOCAL_SERVICE, 4 }, { "local-service-cornwall", RFL_DOOR_LOCAL_SERVICE, 3 },
    { "fit-note-lancashire", RFL_DOOR_FIT_NOTE_SERVICE, 2 }, { "pharmacy-bridge", RFL_DOOR_PHARMACIST, 1 },
    { "provider-transfer", RFL_DOOR_PROVIDER, 1 }, { "talking-therapies", RFL_DOOR_OTHER, 1 },
};
enum { SOURCES_COUNT = sizeof sources / sizeof sources[0] };
static_assert(sizeof sources / sizeof sources[0] <= (size_t)DEMO_SOURCES_MAX, "an index of a source fits");
const char *const demo_source_names[] = {
    "gp-north", "gp-south", "self-page", "jobcentre-feed", "employer-portal", "local-service-manchester",
    "local-service-cornwall", "fit-note-lancashire", "pharmacy-bridge", "provider-transfer", "talking-therapies",
};
const uint32_t demo_source_count = SOURCES_COUNT;
enum rfl_door demo_source_door(uint32_t source) { return (enum rfl_door)sources[source].door; }
static_assert(sizeof demo_source_names / sizeof demo_source_names[0] == SOURCES_COUNT, "one list in two shapes");

uint64_t demo_rng_next(struct demo_rng *rng)        /* SplitMix64 */
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t demo_rng_below(struct demo_rng *rng, uint32_t limit)
{
    return (uint32_t)((demo_rng_next(rng) >> 32) * limit >> 32);
}

static void copy_text(struct rfl_view from, char *to, size_t room)
{
    size_t len = from.len < room ? from.len : room - 1;
    memcpy(to, from.p, len);
    to[len] = '\0';
}

/* The codes in force: ODS for practices, ONS for postcodes, as the published files have them. */
static void codes_of(const struct rfl_policy *policy, const struct rfl_area *area, int64_t now_ms,
                     struct demo_area *out)
{
    for (uint32_t i = 0; i < policy->alias_count; i++) {
        const struct rfl_alias *alias = &policy->alias[i];
        if (alias->area.v == area->id.v && alias->from_ms <= now_ms && now_ms < alias->until_ms)
            memcpy(memcmp(alias->code, "E54", 3) == 0 ? out->ons : out->ods, alias->code, sizeof alias->code);
    }
}

void demo_world_init(struct demo_world *world, const struct rfl_policy *policy, uint64_t seed, int64_t now_ms)
{
    *world = (struct demo_world){ .seed = seed };
    for (uint32_t i = 0; i < policy->area_count && world->area_count < DEMO_AREAS_MAX; i++) {
        const struct rfl_area *area = &policy->area[i];
        const struct rfl_queue *intake = rfl_policy_queue(policy, area->intake);
        if (!rfl_area_alive(area, now_ms) || intake == NULL || intake->opens_ms > now_ms)
            continue;
        struct demo_area *out = &world->area[world->area_count++];
        codes_of(policy, area, now_ms, out);
        copy_text(rfl_policy_text(policy, area->name), out->name, sizeof out->name);
        copy_text(rfl_policy_text(policy, intake->name), out->intake, sizeof out->intake);
    }
    for (uint32_t i = 0; i < policy->queue_count && world->further_count < DEMO_FURTHER_MAX; i++) {
        const struct rfl_queue *queue = &policy->queue[i];
        const struct rfl_area *area = rfl_policy_area(policy, queue->area);
        if (queue->kind == RFL_QUEUE_KIND_PROVIDER && area->intake.v != queue->id.v && rfl_area_alive(area, now_ms))
            copy_text(rfl_policy_text(policy, queue->name), world->further[world->further_count++],
                      sizeof world->further[0]);
    }
}

/* Where the policy or the example of a boundary that moves looks at parts of an area. */
static const char *sub_icb(const struct demo_area *area, uint32_t practice)
{
    static const struct { const char *ods, *parts[DEMO_PRACTICES_PER_AREA]; } divided[] = {
        { DEMO_EXPLAINED_AREA, { "14L", "02H", "00T" } }, { "T6Y0W", { "06L", "07K", "26A" } },
    };
    for (size_t i = 0; i < sizeof divided / sizeof divided[0]; i++)
        if (strcmp(area->ods, divided[i].ods) == 0)
            return divided[i].parts[practice];
    return "";
}

static bool write_practices(const struct demo_world *world, FILE *f)
{
    /* Of the 27 columns: code, name, grouping, ICB (4th), status (13th), commissioner (15th), setting (26th). The last
     * practice is of Frimley, which was divided: only a sub-ICB could tell to whom it went. */
    for (uint32_t a = 0; a < world->area_count; a++)
        for (uint32_t k = 0; k < DEMO_PRACTICES_PER_AREA; k++)
            fprintf(f, "\"Z99%03u\",\"INVENTED SURGERY %u\",\"Y99\",\"%s\",,,,,,,,,\"A\",,\"%s\",,,,,,,,,,,\"4\",\n",
                    a * DEMO_PRACTICES_PER_AREA + k, a * DEMO_PRACTICES_PER_AREA + k, world->area[a].ods,
                    sub_icb(&world->area[a], k));
    fputs("\"Z99990\",\"INVENTED SURGERY OF A DIVIDED AREA\",\"Y99\",\"QNQ\",,,,,,,,,\"A\",,,,,,,,,,,,,\"4\",\n", f);
    return ferror(f) == 0;
}

static bool write_postcodes(const struct demo_world *world, FILE *f)
{
    fputs("pcds,doterm,usrtypind,ctry25cd,icb26cd,sicbl26cd\n", f);
    for (uint32_t a = 0; a < world->area_count; a++)
        for (uint32_t k = 1; k <= 9; k++)
            fprintf(f, "QX%u %uAA,,0,E92000001,%s,\n", a, k, world->area[a].ons);
    fputs("QS1 1AA,,0,S92000003,S99999999,S99999999\n", f);
    return ferror(f) == 0;
}

bool demo_world_publish(const struct demo_world *world, const char *folder)
{
    static const struct { const char *name; bool (*write)(const struct demo_world *world, FILE *f); } files[] = {
        { "practices.csv", write_practices }, { "postcodes.csv", write_postcodes },
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        FILE *f = fopen(path, "we");
        if (f == NULL)
            return false;
        bool good = files[i].write(world, f);
        if (fclose(f) != 0 || !good)
            return false;
    }
    return true;
}

/* ---- the plan ---- */

/* In a thousand referrals after the first fifty: joins by another door, replays, conflicts; the rest are new people. */
enum { JOINS = 60, REPLAYS = 40, CONFLICTS = 6, FIRST_NEW = 50 };

/* A new referral before `limit` that still may be followed; the sources' rules decide what fits. */
static uint32_t earlier(struct demo_rng *rng, const struct demo_plan *plan, uint32_t limit)
{
    uint32_t at;
    do
        at = demo_rng_below(rng, limit);
    while (plan->referral[at].kind != DEMO_NEW);
    return at;
}

/* Each block of a hundred has every source as often as its percentage says, in shuffled order. */
static void deal(struct demo_rng *rng, uint8_t deck[100])
{
    uint32_t used = 0;
    for (uint8_t source = 0; source < SOURCES_COUNT; source++)
        for (uint32_t i = 0; i < sources[source].percent; i++)
            deck[used++] = source;
    assert(used == 100);
    for (uint32_t i = 99; i > 0; i--) {
        uint32_t other = demo_rng_below(rng, i + 1);
        uint8_t swapped = deck[i];
        deck[i] = deck[other];
        deck[other] = swapped;
    }
}

/* Three of four have an NHS number in hand; of the others every second one a National Insurance number. */
static bool has_number(uint32_t person) { return person % 4 != 3; }
static bool has_nino(uint32_t person) { return person % 8 == 3; }

static enum demo_key key_of(const struct demo_world *world, uint32_t person);

static void plan_one(const struct demo_world *world, struct demo_rng *rng, struct demo_plan *plan, uint32_t at,
                     uint8_t source)
{
    struct demo_referral *r = &plan->referral[at];
    uint32_t lot = at < FIRST_NEW ? 1000 : demo_rng_below(rng, 1000);
    *r = (struct demo_referral){ .kind = DEMO_NEW, .source = source, .door = sources[source].door, .person = at };
    if (lot >= JOINS + REPLAYS + CONFLICTS)
        return;
    r->of = earlier(rng, plan, at);
    r->person = plan->referral[r->of].person;
    r->kind = lot < JOINS ? DEMO_JOIN : lot < JOINS + REPLAYS ? DEMO_REPLAY : DEMO_CONFLICT;
    r->key = r->kind == DEMO_JOIN ? (uint8_t)key_of(world, r->person) : DEMO_KEY_NONE;
    if (r->key == DEMO_KEY_NONE && r->kind == DEMO_JOIN) {
        *r = (struct demo_referral){ .kind = DEMO_NEW, .source = source, .door = sources[source].door, .person = at };
    } else if (r->kind != DEMO_JOIN) {
        r->source = plan->referral[r->of].source;
        r->door = plan->referral[r->of].door;
    }
}

/* One is taken back, the same person comes again, one is sent round, and some are answered by nobody. */
static void plan_scenes(const struct demo_world *world, struct demo_plan *plan)
{
    static const uint8_t source_of[DEMO_SCENES] = { 2, 0, 1, 0, 1, 2, 3, 4, 2 };
    for (uint32_t i = 0; i < DEMO_SCENES; i++) {
        uint8_t source = source_of[i];
        uint32_t area = (i == DEMO_SCENE_AGAIN ? DEMO_SCENE_WITHDRAWN : i) % world->area_count;
        plan->referral[plan->crowd + i] = (struct demo_referral){
            .kind = DEMO_NEW, .source = source, .door = sources[source].door, .area = (uint8_t)(1 + area),
            .person = plan->crowd + (i == DEMO_SCENE_AGAIN ? DEMO_SCENE_WITHDRAWN : i) };
    }
}

bool demo_plan_make(const struct demo_world *world, uint32_t count, struct demo_plan *plan)
{
    struct demo_rng rng = { world->seed };
    uint8_t deck[100];
    plan->referral = calloc(count + DEMO_SCENES, sizeof plan->referral[0]);
    if (plan->referral == NULL)
        return false;
    plan->count = count + DEMO_SCENES;
    plan->crowd = count;
    plan->late = count / 20;
    for (uint32_t i = 0; i < count; i++) {
        if (i % 100 == 0)
            deal(&rng, deck);
        plan_one(world, &rng, plan, i, deck[i % 100]);
    }
    plan_scenes(world, plan);
    return true;
}

/* ---- a form ---- */

/* 999 and seven digits of which the last is the check digit: never issued. Of two neighbouring stems at least one has a
 * check digit (10 is none). */
static void nhs_number(uint32_t person, char out[24])
{
    for (uint32_t stem = 999000000u + 2 * person;; stem++) {
        uint32_t rest = stem, sum = 0;
        for (uint32_t weight = 2; weight <= 10; weight++, rest /= 10)
            sum += rest % 10 * weight;
        uint32_t check = 11 - sum % 11;
        if (check != 10) {
            (void)snprintf(out, 24, "%u%u", stem, check == 11 ? 0 : check);
            return;
        }
    }
}

/* What the person's area can be found from. Most have a practice and a postcode, and these may disagree. */
static void place_person(const struct demo_world *world, struct demo_rng *rng, struct demo_form *out)
{
    uint32_t area = demo_rng_below(rng, world->area_count), lot = demo_rng_below(rng, 100);
    uint32_t practice = area * DEMO_PRACTICES_PER_AREA + demo_rng_below(rng, DEMO_PRACTICES_PER_AREA);
    uint32_t home = lot < 4 ? demo_rng_below(rng, world->area_count) : area, sector = 1 + demo_rng_below(rng, 9);
    if (lot < 74)
        (void)snprintf(out->practice, sizeof out->practice, "Z99%03u", practice);
    if (lot < 60 || (lot >= 74 && lot < 91))
        (void)snprintf(out->postcode, sizeof out->postcode, "QX%u %uAA", home, sector);
    else if (lot >= 91 && lot < 93)
        (void)snprintf(out->postcode, sizeof out->postcode, "ZZ99 3VZ");        /* no fixed abode */
    else if (lot >= 93 && lot < 95)
        (void)snprintf(out->postcode, sizeof out->postcode, "QS1 1AA");         /* Scotland, in the demo's directory */
    else if (lot >= 95 && lot < 97)
        (void)snprintf(out->practice, sizeof out->practice, "Z99990");          /* of an area that was divided */
}

static void fill_needs(struct demo_rng *rng, struct rfl_form *form)
{
    form->main_barrier = (uint8_t)(1 + demo_rng_below(rng, RFL_BARRIER_MAX));
    form->employment = (uint8_t)(RFL_EMPLOYMENT_IN_WORK + demo_rng_below(rng, 3));
    if (form->employment == RFL_EMPLOYMENT_OUT_OF_WORK)
        form->weeks_out_of_work = 1 + demo_rng_below(rng, 100);
    form->has_band = true;
    form->band = demo_rng_below(rng, 20) == 0 ? RFL_BAND_URGENT : RFL_BAND_ROUTINE;
    form->interpreter = demo_rng_below(rng, 25) == 0;
    form->step_free = demo_rng_below(rng, 25) == 0;
}

static void fill_person(uint32_t person, struct demo_rng *rng, struct demo_form *out)
{
    static const char *const given[] = { "Ada", "Bola", "Carys", "Dev", "Eilidh", "Farah", "Grace", "Hugh", "Imran" };
    (void)snprintf(out->name, sizeof out->name, "%s Quillfeather-%u", given[person % 9], person);
    (void)snprintf(out->birth, sizeof out->birth, "%04u-%02u-%02u", 1962 + demo_rng_below(rng, 42),
                   1 + demo_rng_below(rng, 12), 1 + demo_rng_below(rng, 28));
    (void)snprintf(out->phone, sizeof out->phone, "07700 900%03u", demo_rng_below(rng, 1000));  /* Ofcom's, for drama */
    if (has_number(person))
        nhs_number(person, out->nhs);
    else if (has_nino(person))
        (void)snprintf(out->nino, sizeof out->nino, "ZX%06uA", person % 1000000);
}

static struct demo_rng rng_of(const struct demo_world *world, uint32_t person)
{
    return (struct demo_rng){ world->seed ^ (uint64_t)(person + 1) * UINT64_C(0xd1342543de82ef95) };
}

/* An ordinary postcode is needed for the third; the demo has a pseudo-postcode that is none. */
static enum demo_key key_of(const struct demo_world *world, uint32_t person)
{
    struct demo_form form = { .name = "" };
    struct demo_rng rng = rng_of(world, person);
    fill_person(person, &rng, &form);
    place_person(world, &rng, &form);
    if (form.nhs[0] != '\0' || form.nino[0] != '\0')
        return form.nhs[0] != '\0' ? DEMO_KEY_NHS_NUMBER : DEMO_KEY_NINO;
    return form.postcode[0] == 'Q' ? DEMO_KEY_NAME_BIRTH_POSTCODE : DEMO_KEY_NONE;
}

/* Everybody of a scene can be found again, and lives where it plays. */
static void place_scene(const struct demo_referral *r, struct demo_form *out)
{
    nhs_number(r->person, out->nhs);
    out->nino[0] = out->postcode[0] = '\0';
    (void)snprintf(out->practice, sizeof out->practice, "Z99%03u", (r->area - 1u) * DEMO_PRACTICES_PER_AREA);
}

void demo_form_make(const struct demo_world *world, const struct demo_plan *plan, uint32_t index,
                    struct demo_form *out)
{
    const struct demo_referral *r = &plan->referral[index];
    bool follows = r->kind == DEMO_REPLAY || r->kind == DEMO_CONFLICT;
    uint32_t named = follows ? r->of : index;
    struct demo_rng rng = rng_of(world, r->person);
    *out = (struct demo_form){ 0 };
    fill_person(r->person, &rng, out);
    place_person(world, &rng, out);
    fill_needs(&rng, &out->form);
    bool refuses = demo_rng_below(&rng, 50) == 0 && r->area == 0;
    if (r->area != 0)
        place_scene(r, out);
    (void)snprintf(out->reason, sizeof out->reason, "%s%u", r->kind == DEMO_CONFLICT ? "changed " : "invented reason ",
                   named);
    (void)snprintf(out->reference, sizeof out->reference, "demo-%llu-%u", (unsigned long long)world->seed, named);
    struct rfl_form *form = &out->form;
    form->door = r->door;
    form->consent = refuses ? RFL_CONSENT_NOT_GIVEN : r->door == RFL_DOOR_GP ? RFL_CONSENT_IMPLIED : RFL_CONSENT_GIVEN;
    form->name = rfl_view_of(out->name);
    form->date_of_birth = rfl_view_of(out->birth);
    form->nhs_number = rfl_view_of(out->nhs);
    form->nino = rfl_view_of(out->nino);
    form->postcode = rfl_view_of(out->postcode);
    form->gp_practice = rfl_view_of(out->practice);
    form->phone = rfl_view_of(out->phone);
    form->reason = rfl_view_of(out->reason);
    form->address = rfl_view_of("1 Umbrellabird Crescent");         /* values that the tests look for everywhere else */
    form->contact_notes = rfl_view_of("says flibbertigibbet when it is a bad time");
}
