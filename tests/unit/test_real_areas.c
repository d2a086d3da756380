/* The shipped areas against published data, where it lies beside the project: every English GP practice of December
 * 2023 is routed as of 2023 and as of April 2026, and the border cases one by one. Nothing of the data stands here but
 * codes and postcodes of buildings that the cases are about. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rfl_conf.h"
#include "rfl_directory_build.h"
#include "rfl_route.h"

#define DATA "../shared/data/"

static struct rfl_policy *policy;
static struct rfl_directory *practices, *postcodes;
static bool have_data;
static char folder[64];
static int64_t in_2023_ms, in_2026_ms;

static const char *in_folder(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool no_data(void)
{
    if (!have_data)
        print_message("skipped: no reference data\n");
    return !have_data;
}

/* The border postcodes come as a plain list; as rows of a postcode file they have the column of their Welsh or Scottish
 * health board, which must not be taken for an area. One invented English row stands for a postcode that has ended. */
static void write_border_rows(const char *path)
{
    char line[256];
    FILE *in = fopen(DATA "border_postcodes.csv", "r"), *out = fopen(path, "w");
    assert_non_null(in);
    assert_non_null(out);
    (void)fprintf(out, "pcds,doterm,usertype,ctry,sicbl,icb\n\"QQ9 9ZZ\",\"202001\",\"0\",\"E92000001\",\"E38000217\","
                  "\"E54000057\"\n");
    assert_non_null(fgets(line, sizeof line, in));
    while (fgets(line, sizeof line, in) != NULL) {
        char postcode[16], country[16];
        if (sscanf(line, "%15[^,],%15[^,]", postcode, country) != 2 || strcmp(country, "NOT_FOUND") == 0)
            continue;
        bool wales = strcmp(country, "Wales") == 0;
        (void)fprintf(out, "\"%s\",\"\",\"0\",\"%s\",\"%s\",\"%s\"\n", postcode, wales ? "W92000004" : "S92000003",
                      wales ? "W11000028" : "S03000044", wales ? "W99999999" : "S99999999");
    }
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

static struct rfl_directory *build(const char *out, const char *const *postcode_paths, size_t postcode_count,
                                   const char *practice_path)
{
    static struct rfl_directory_report report;
    struct rfl_directory *directory = NULL;
    const struct rfl_directory_recipe recipe = { .out_path = out, .label = "test", .edition = 7,
        .effective = { 2023, 12, 1 }, .postcode_paths = postcode_paths, .postcode_path_count = postcode_count,
        .practice_paths = &practice_path, .practice_path_count = practice_path != NULL ? 1 : 0 };
    assert_int_equal(rfl_directory_build(&recipe, &report), RFL_E_OK);
    assert_int_equal(rfl_directory_open(out, &directory, NULL), RFL_E_OK);
    return directory;
}

static int set_up(void **state)
{
    (void)state;
    static struct rfl_conf_report report;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/rfl-areas-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(rfl_conf_policy_load("config/policy", &policy, &report), RFL_E_OK);
    in_2023_ms = rfl_london_midnight_ms((struct rfl_date){ 2023, 12, 15 });
    in_2026_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 4, 2 });
    have_data = access(DATA "epraccur_2023-12.csv", R_OK) == 0;
    if (!have_data)
        return 0;
    char border[128];
    (void)snprintf(border, sizeof border, "%s", in_folder("border.csv"));
    write_border_rows(border);
    const char *const paths[] = { DATA "onspd_sample_2023.csv", border };
    practices = build(in_folder("practices.rfldir"), NULL, 0, DATA "epraccur_2023-12.csv");
    postcodes = build(in_folder("postcodes.rfldir"), paths, 2, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (have_data) {
        rfl_directory_close(&practices);
        rfl_directory_close(&postcodes);
        (void)unlink(in_folder("practices.rfldir"));
        (void)unlink(in_folder("postcodes.rfldir"));
        (void)unlink(in_folder("border.csv"));
    }
    rfl_conf_policy_free(&policy);
    return rmdir(folder);
}

static struct rfl_view view(const char *text)
{
    return (struct rfl_view){ (const uint8_t *)text, strlen(text) };
}

/* The facts of a referral with these keys; NULL: not given. */
static struct rfl_facts facts_of(const char *practice, const char *postcode, const char *jobcentre)
{
    struct rfl_facts facts = { 0 };
    if (practice != NULL)
        rfl_directory_practice(practices, view(practice), &facts.clue[RFL_KEY_GP_PRACTICE]);
    if (postcode != NULL) {
        struct rfl_postcode normal;
        enum rfl_grade grade = rfl_ident_postcode(view(postcode), &normal);
        facts.clue[RFL_KEY_POSTCODE].grade = (uint8_t)grade;
        if (grade == RFL_GRADE_OK)
            rfl_directory_postcode(postcodes, normal.key, &facts.clue[RFL_KEY_POSTCODE]);
    }
    if (jobcentre != NULL)
        rfl_policy_clue_jobcentre(policy, view(jobcentre), &facts.clue[RFL_KEY_JOBCENTRE]);
    return facts;
}

static const char *queue_name(const struct rfl_decision *d)
{
    static char name[RFL_NAME_BYTES_MAX + 1];
    const struct rfl_queue *queue = rfl_policy_queue(policy, d->queue);
    assert_non_null(queue);
    struct rfl_view text = rfl_policy_text(policy, queue->name);
    memcpy(name, text.p, text.len);
    name[text.len] = '\0';
    return name;
}

/* ---- every practice ---- */

enum { LINKS_MAX = 64, SUBS_MAX = 128 };

struct link { char from[8], to[8]; };
struct sub { char code[8], icb[8], then[32]; };

static struct link links[LINKS_MAX];
static struct sub subs[SUBS_MAX];
static size_t link_count, sub_count;

static void read_links(void)
{
    char line[256];
    FILE *f = fopen(DATA "icb_succession_2026.csv", "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    for (link_count = 0; link_count < LINKS_MAX && fgets(line, sizeof line, f) != NULL; link_count++)
        assert_int_equal(sscanf(line, "%7[^,],%7[^,]", links[link_count].from, links[link_count].to), 2);
    (void)fclose(f);
    f = fopen(DATA "sub_icb_to_icb_2023.csv", "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    for (sub_count = 0; sub_count < SUBS_MAX && fgets(line, sizeof line, f) != NULL; sub_count++)
        assert_int_equal(sscanf(line, "%7[^,],%*[^,],%7[^,],%*[^,],%31[^,]", subs[sub_count].code,
                                subs[sub_count].icb, subs[sub_count].then), 3);
    (void)fclose(f);
}

static const struct sub *sub_of(const char *code)
{
    for (size_t i = 0; i < sub_count; i++)
        if (strcmp(subs[i].code, code) == 0)
            return &subs[i];
    fail_msg("a sub-ICB of the practices is not in the list");
    return NULL;
}

/* A successor must be one that the published succession names; an area without one lives on. */
static bool succession_allows(const char *from, const char *to)
{
    bool ended = false;
    for (size_t i = 0; i < link_count; i++) {
        ended = ended || strcmp(links[i].from, from) == 0;
        if (strcmp(links[i].from, from) == 0 && strcmp(links[i].to, to) == 0)
            return true;
    }
    return !ended && strcmp(from, to) == 0;
}

struct tally { unsigned all, by_practice, same, succeeded, split, undecided; };

static uint16_t area_of_code(const char *code, int64_t at_ms)
{
    const struct rfl_area *area = rfl_policy_area_by_code(policy, view(code), at_ms, NULL);
    assert_non_null(area);
    return area->id.v;
}

static void expect_2023(const char *practice, const char *icb, struct tally *tally)
{
    struct rfl_facts facts = facts_of(practice, NULL, NULL);
    struct rfl_decision d;
    rfl_route(policy, &facts, in_2023_ms, &d);
    const struct rfl_area *area = rfl_policy_area(policy, (struct rfl_area_no){ area_of_code(icb, in_2023_ms) });
    if (d.verdict != RFL_ROUTE_TO || d.key != RFL_KEY_GP_PRACTICE || d.area.v != area->id.v ||
        rfl_policy_queue(policy, d.queue)->area.v != area->id.v)
        fail_msg("practice %s of %s went to %s in 2023", practice, icb, queue_name(&d));
    tally->by_practice++;
}

static void expect_2026(const char *practice, const struct sub *sub, struct tally *tally)
{
    struct rfl_facts facts = facts_of(practice, NULL, NULL);
    struct rfl_decision d;
    rfl_route(policy, &facts, in_2026_ms, &d);
    enum rfl_how how = (enum rfl_how)d.step[0].how;
    if (strchr(sub->then, '|') != NULL) {
        if (d.reason != RFL_ROUTE_REASON_AREA_SPLIT_UNDECIDED || how != RFL_HOW_UNDECIDED ||
            d.queue.v != rfl_policy_national_triage(policy)->id.v)
            fail_msg("practice %s cannot be decided, yet went to %s in 2026", practice, queue_name(&d));
        tally->undecided++;
        return;
    }
    if (d.verdict != RFL_ROUTE_TO || d.area.v != area_of_code(sub->then, in_2026_ms) ||
        !succession_allows(sub->icb, sub->then))
        fail_msg("practice %s of %s went to %s in 2026", practice, sub->icb, queue_name(&d));
    tally->same += how == RFL_HOW_CODE ? 1 : 0;
    tally->succeeded += how == RFL_HOW_SUCCEEDED ? 1 : 0;
    tally->split += how == RFL_HOW_SPLIT ? 1 : 0;
}

static void every_practice_goes_to_its_area_in_both_years(void **state)
{
    (void)state;
    struct tally tally = { 0 };
    char line[256], practice[16], sub[8], icb[8];
    if (no_data())
        return;
    read_links();
    FILE *f = fopen(DATA "gp_practice_icb_2023-12.csv", "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f) != NULL) {
        /* practice_ods,postcode,status,open_date,close_date (empty),sub_icb_ods,icb_ods,... */
        assert_int_equal(sscanf(line, "%15[^,],%*[^,],%*[^,],%*[^,],,%7[^,],%7[^,]", practice, sub, icb), 3);
        assert_string_equal(sub_of(sub)->icb, icb);
        expect_2023(practice, icb, &tally);
        expect_2026(practice, sub_of(sub), &tally);
        tally.all++;
    }
    (void)fclose(f);
    print_message("practices %u: as of 15 December 2023 all %u in their area; as of 2 April 2026 %u unchanged, "
                  "%u with their area's successor, %u decided by sub-ICB, %u undecided\n", tally.all,
                  tally.by_practice, tally.same, tally.succeeded, tally.split, tally.undecided);
    assert_int_equal(tally.all, 6348);
    assert_int_equal(tally.by_practice, 6348);
    assert_int_equal(tally.same + tally.succeeded + tally.split + tally.undecided, 6348);
    assert_true(tally.same > 0 && tally.succeeded > 0 && tally.split > 0 && tally.undecided > 0);
}

/* Both kinds of code of every published list lead to one area, by name, at any time they could be met. */
static void every_published_code_is_known(void **state)
{
    (void)state;
    static const char *const lists[] = { DATA "icb.csv", DATA "icb_2026.csv" };
    char line[512], ods[16], ons[16];
    unsigned count = 0;
    if (no_data())
        return;
    for (unsigned i = 0; i < 2; i++) {
        int64_t at_ms = i == 0 ? in_2023_ms : in_2026_ms;
        FILE *f = fopen(lists[i], "r");
        assert_non_null(f);
        assert_non_null(fgets(line, sizeof line, f));
        for (; fgets(line, sizeof line, f) != NULL; count++) {
            enum rfl_code_stand stand;
            assert_int_equal(sscanf(line, "%15[^,],%15[^,]", ods, ons), 2);
            const struct rfl_area *area = rfl_policy_area_by_code(policy, view(ods), at_ms, &stand);
            assert_non_null(area);
            assert_int_equal(stand, RFL_CODE_STAND_IN_FORCE);
            assert_ptr_equal(rfl_policy_area_by_code(policy, view(ons), at_ms, &stand), area);
            assert_int_equal(stand, RFL_CODE_STAND_IN_FORCE);
            struct rfl_view full = rfl_policy_text(policy, area->full_name);
            char name[RFL_POLICY_TEXT_BYTES_MAX + 1] = { 0 };
            memcpy(name, full.p, full.len);
            assert_non_null(strstr(line, name));
        }
        (void)fclose(f);
    }
    assert_int_equal(count, 42 + 36);
}

/* ---- the border cases by name ---- */

/* Its rules know the city by its sub-ICB. */
#define MANCHESTER "greater-manchester/manchester/growth-company"

struct border { const char *practice, *postcode, *jobcentre, *queue, *reason; };

static void expect_borders(const struct border *cases, size_t count, int64_t at_ms)
{
    if (no_data())
        return;
    for (size_t i = 0; i < count; i++) {
        struct rfl_facts facts = facts_of(cases[i].practice, cases[i].postcode, cases[i].jobcentre);
        struct rfl_decision d;
        rfl_route(policy, &facts, at_ms, &d);
        const char *reason = rfl_route_reason_word((enum rfl_route_reason)d.reason);
        if (strcmp(queue_name(&d), cases[i].queue) != 0 || strcmp(reason, cases[i].reason) != 0)
            fail_msg("case %u: %s %s, wanted %s %s", (unsigned)i, queue_name(&d), reason, cases[i].queue,
                     cases[i].reason);
    }
}

#define BORDERS(at_ms, ...) \
    do { \
        static const struct border cases[] = { __VA_ARGS__ }; \
        expect_borders(cases, sizeof cases / sizeof cases[0], at_ms); \
    } while (0)

/* DN10 6RQ and SE6 4JH each house two practices of different areas; EN1 3LL one of an area far away. */
static void two_practices_in_one_postcode(void **state)
{
    (void)state;
    BORDERS(in_2023_ms,
        { "C84101", "DN10 6RQ", NULL, "nottingham-nottinghamshire/intake", "by_gp_practice" },
        { "C86009", "DN10 6RQ", NULL, "south-yorkshire/intake", "by_gp_practice" },
        { "G85633", "SE6 4JH", NULL, "south-east-london/intake", "by_gp_practice" },
        { "Y06592", "SE6 4JH", NULL, "north-east-london/intake", "by_gp_practice" },
        { "Y07040", "EN1 3LL", NULL, "bedfordshire-luton-milton-keynes/intake", "by_gp_practice" });
    BORDERS(in_2026_ms, { "Y07040", "EN1 3LL", NULL, "central-east/intake", "by_gp_practice" });
}

/* English-looking outward codes in Wales, Scotland, Jersey: signposted by a person, unless the practice is English. */
static void homes_outside_england(void **state)
{
    (void)state;
    BORDERS(in_2023_ms,
        { NULL, "GL16 8PB", NULL, "national/triage", "outside_england" },
        { NULL, "SY10 0AA", NULL, "national/triage", "outside_england" },
        { NULL, "LD8 2RN", NULL, "national/triage", "outside_england" },
        { NULL, "NP25 5LD", NULL, "national/triage", "outside_england" },
        { NULL, "TD1 1AA", NULL, "national/triage", "outside_england" },
        { NULL, "EH1 1AD", NULL, "national/triage", "outside_england" },
        { NULL, "JE2 4WD", NULL, "national/triage", "outside_england" },
        { NULL, "AB1 0AA", NULL, "national/triage", "outside_england" },
        { NULL, "GL16 8PB", "EX0001", "national/triage", "outside_england" },
        { "C86009", "GL16 8PB", NULL, "south-yorkshire/intake", "by_gp_practice" },
        { "W91058", "M1 1AD", NULL, MANCHESTER, "by_rule" },
        { "W91058", NULL, NULL, "national/triage", "outside_england" });
}

/* ZZ99: no fixed abode, not known, England, Scotland, Northern Ireland, Wales, India. None of them says where. */
static void pseudo_postcodes_fall_to_the_next_key(void **state)
{
    (void)state;
    static const char *const pseudo[] = { "ZZ99 3VZ", "ZZ99 3WZ", "ZZ99 3CZ", "ZZ99 1WZ", "ZZ99 2WZ", "ZZ99 3GZ",
                                          "ZZ99 6CZ" };
    for (size_t i = 0; i < sizeof pseudo / sizeof pseudo[0]; i++) {
        const struct border cases[] = {
            { NULL, pseudo[i], NULL, "national/triage", "all_keys_unusable" },
            { NULL, pseudo[i], "EX0001", "greater-manchester/intake", "by_jobcentre" },
            { "C84101", pseudo[i], "EX0001", "nottingham-nottinghamshire/intake", "by_gp_practice" },
        };
        expect_borders(cases, sizeof cases / sizeof cases[0], in_2023_ms);
    }
}

/* Ended, organisation's, unknown and malformed postcodes, and nothing at all. */
static void postcodes_with_something_about_them(void **state)
{
    (void)state;
    BORDERS(in_2023_ms,
        { NULL, "M1 1AD", NULL, MANCHESTER, "by_rule" },
        { NULL, "m11ad", NULL, MANCHESTER, "by_rule" },
        { NULL, "QQ9 9ZZ", NULL, MANCHESTER, "by_rule" },
        { NULL, "SE1P 5ZZ", NULL, "south-east-london/intake", "by_postcode" },
        { NULL, "SE1P 5ZZ", "EX0001", "greater-manchester/intake", "by_jobcentre" },
        { NULL, "SE1 9ZZ", "EX0001", "greater-manchester/intake", "by_jobcentre" },
        { NULL, "AB16 9ZZ", "EX0001", "greater-manchester/intake", "by_jobcentre" },
        { NULL, "AB16 9ZZ", NULL, "national/triage", "outside_england" },
        { NULL, "IV1 1AA", NULL, "national/triage", "all_keys_unusable" },
        { NULL, "M1 1A", NULL, "national/triage", "all_keys_unusable" },
        { NULL, "IV1 1AA", "EX0002", "lancashire-south-cumbria/intake", "by_jobcentre" },
        { "Z99999", "M1 1AD", NULL, MANCHESTER, "by_rule" },
        { NULL, NULL, NULL, "national/triage", "no_key" },
        { NULL, NULL, "EX9999", "national/triage", "all_keys_unusable" });
}

/* Jobcentres of ended and divided areas, before and after. No reference data needed. */
static void offices_follow_their_area(void **state)
{
    (void)state;
    static const struct { const char *office, *before, *after, *reason; } cases[] = {
        { "EX0005", "north-central-london/intake", "west-north-london/intake", "by_jobcentre" },
        { "EX0006", "hertfordshire-west-essex/intake", "central-east/intake", "by_jobcentre" },
        { "EX0007", "suffolk-north-east-essex/intake", "essex/intake", "by_jobcentre" },
        { "EX0008", "frimley/intake", "national/triage", "area_split_undecided" },
        { "EX0009", "frimley/intake", "thames-valley/intake", "by_jobcentre" },
    };
    int64_t change_ms = rfl_london_midnight_ms((struct rfl_date){ 2026, 4, 1 });
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rfl_facts facts = facts_of(NULL, NULL, cases[i].office);
        struct rfl_decision d;
        rfl_route(policy, &facts, change_ms - 1, &d);
        assert_string_equal(queue_name(&d), cases[i].before);
        rfl_route(policy, &facts, change_ms, &d);
        assert_string_equal(queue_name(&d), cases[i].after);
        assert_string_equal(rfl_route_reason_word((enum rfl_route_reason)d.reason), cases[i].reason);
    }
}

/* Codes that changed while the area did not, and the three parts of Frimley. No reference data needed. */
static void codes_that_changed(void **state)
{
    (void)state;
    static const struct { const char *icb, *sub; int year; const char *queue, *how; } cases[] = {
        { "E54000052", "", 2022, "surrey-heartlands/intake", "code" },
        { "E54000052", "", 2024, "surrey-heartlands/intake", "old_code" },
        { "E54000063", "", 2024, "surrey-heartlands/intake", "code" },
        { "E54000063", "", 2022, "surrey-heartlands/intake", "early_code" },
        { "E54000053", "", 2027, "surrey-sussex/intake", "succeeded" },
        { "QRL", "", 2027, "hampshire-isle-of-wight/intake", "code" },
        { "E54000042", "", 2027, "hampshire-isle-of-wight/intake", "old_code" },
        { "E54000067", "", 2027, "hampshire-isle-of-wight/intake", "code" },
        { "E54000067", "", 2024, "hampshire-isle-of-wight/intake", "early_code" },
        { "S1Y5D", "", 2024, "national/triage", "unknown_code" },
        { "QNQ", "D4U1Y", 2024, "frimley/intake", "code" },
        { "QNQ", "D4U1Y", 2027, "national/triage", "undecided" },
        { "QNQ", "U2G6B", 2027, "thames-valley/intake", "split" },
        { "QNQ", "D9Y0V", 2027, "hampshire-isle-of-wight/intake", "split" },
        { "QNQ", "92A", 2027, "surrey-sussex/intake", "split" },
        { "E54000034", "E38000264", 2027, "surrey-sussex/intake", "split" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rfl_facts facts = { 0 };
        struct rfl_decision d;
        struct rfl_clue *clue = &facts.clue[RFL_KEY_POSTCODE];
        clue->grade = RFL_GRADE_OK;
        memcpy(clue->icb, cases[i].icb, strlen(cases[i].icb));
        memcpy(clue->sub_icb, cases[i].sub, strlen(cases[i].sub));
        rfl_route(policy, &facts, rfl_london_midnight_ms((struct rfl_date){ cases[i].year, 9, 1 }), &d);
        assert_string_equal(queue_name(&d), cases[i].queue);
        assert_string_equal(rfl_how_word((enum rfl_how)d.step[1].how), cases[i].how);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_practice_goes_to_its_area_in_both_years),
        cmocka_unit_test(every_published_code_is_known),
        cmocka_unit_test(two_practices_in_one_postcode),
        cmocka_unit_test(homes_outside_england),
        cmocka_unit_test(pseudo_postcodes_fall_to_the_next_key),
        cmocka_unit_test(postcodes_with_something_about_them),
        cmocka_unit_test(offices_follow_their_area),
        cmocka_unit_test(codes_that_changed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
