/* routes.d: the shipped examples as they were meant, what a file may say, what is refused and where it says so. */
#include "route_folder.h"

#include "rfl_conf.h"
#include "rfl_route.h"

static struct rfl_conf_report report;

static struct rfl_policy *loaded(const char *dir)
{
    struct rfl_policy *policy = NULL;
    memset(&report, 0, sizeof report);
    if (rfl_conf_policy_load(dir, &policy, &report) != RFL_E_OK)
        rfl_conf_report_print(&report, stdout);
    assert_non_null(policy);
    return policy;
}

/* Two places and two providers of Devon; `more` begins in line 8. */
static char text_of_devon[4096];
static char *devon(const char *more)
{
    (void)snprintf(text_of_devon, sizeof text_of_devon,
        "schema_version = 1;\narea = \"devon\";\n"
        "places = ( { id = 901; name = \"moor\"; sub_icbs = ( \"15N\" ); },\n"
        "  { id = 902; name = \"coast\"; sub_icbs = ( \"99P\", \"E38900001\" ); } );\n"
        "providers = ( { id = 3901; name = \"moor/one\"; owner = \"o\"; lead = \"l\"; capacity = 5;\n"
        "                overflow = \"devon/two\"; },\n"
        "  { id = 3902; name = \"two\"; owner = \"o\"; lead = \"l\"; opens = \"2026-05-01\"; "
        "closes = \"2027-05-01\"; } "
        ");\n%s\nend_of_config = true;\n", more);
    return text_of_devon;
}

static struct rfl_hash digest_with(const char *a)
{
    write_policy("routes.d/a.conf", a);
    struct rfl_policy *policy = loaded(folder);
    struct rfl_hash digest = rfl_policy_digest(policy);
    rfl_conf_policy_free(&policy);
    return digest;
}

#define RULE(name, rest) "{ name = \"" name "\"; owner = \"Lead\"; why = \"agreed\"; " rest " }"
#define EVERY(name) RULE(name, "to = \"devon/two\";")

/* ---- what a file says is what the policy has ---- */

static void file_becomes_places_queues_and_rules(void **state)
{
    (void)state;
    write_policy("routes.d/a.conf", devon(
        "accepts = ( \"postcode\", \"jobcentre\" );\n"
        "precedence = ( \"jobcentre\", \"postcode\", \"gp_practice\", \"referrer_area\" );\n"
        "eligibility = ( { name = \"e\"; owner = \"Lead\"; why = \"agreed\"; says = \"too_late\";\n"
        "  when = { weeks_out_of_work = ( \"27+\", \"unknown\" ); }; to = \"devon/two\"; } );\n"
        "rules = (\n"
        RULE("all", "from = \"2026-06-01\"; until = \"2026-07-01\"; shadow = true; doors_differ = true;\n"
             "when = { door = ( \"gp\", \"self\" ); band = \"urgent\"; employment = ( \"off_sick\", \"unknown\" );\n"
             "barrier = ( \"mental_health\", 9, \"unknown\" ); age = \"16-64\"; weeks_out_of_work = \"12\";\n"
             "flags = \"interpreter\"; without_flags = ( \"incident\", \"step_free\" ); decided_by = \"postcode\";\n"
             "place = ( \"coast\", \"unknown\" ); source = ( \"gp-north\", \"self-page\" ); };\n"
             "to = \"devon/moor/one\";") ",\n"
        RULE("wait", "not_yet = \"2026-05-01\";") ",\n" RULE("desk", "nowhere = true;") " );"));
    struct rfl_policy *policy = loaded(folder);
    const struct rfl_area *area = rfl_policy_area_by_name(policy, (struct rfl_view){ (const uint8_t *)"devon", 5 });
    const struct rfl_rule *rule = &policy->rule[0];
    const struct rfl_condition want = { .fields = (1u << RFL_FIELD_COUNT) - 1,
        .doors = 1u << RFL_DOOR_GP | 1u << RFL_DOOR_SELF, .bands = 1u << RFL_BAND_URGENT,
        .employments = 1u << RFL_EMPLOYMENT_OFF_SICK | 1u, .keys = 1u << RFL_KEY_POSTCODE,
        .barriers = 1u | 1u << 9 | 1u << 12 | 1u << 15, .age = { 16, 64, false }, .weeks = { 12, 12, false },
        .flags_set = RFL_FLAG_INTERPRETER, .flags_clear = RFL_FLAG_INCIDENT | RFL_FLAG_STEP_FREE,
        .places = 1u << 2 | 1u, .source_count = 2, .source = { { 1 }, { 5 } } };
    assert_int_equal(policy->rule_count, 3);
    assert_int_equal(rule->when.fields, want.fields);
    assert_int_equal(rule->when.doors, want.doors);
    assert_int_equal(rule->when.bands, want.bands);
    assert_int_equal(rule->when.employments, want.employments);
    assert_int_equal(rule->when.barriers, want.barriers);
    assert_memory_equal(&rule->when.age, &want.age, offsetof(struct rfl_range, unknown) + sizeof(bool));
    assert_memory_equal(&rule->when.weeks, &want.weeks, offsetof(struct rfl_range, unknown) + sizeof(bool));
    assert_true(rule->when.flags_set == want.flags_set && rule->when.flags_clear == want.flags_clear);
    assert_true(rule->when.keys == want.keys && rule->when.places == want.places);
    assert_memory_equal(rule->when.source, want.source, sizeof want.source);
    assert_true(rule->shadow && rule->doors_differ && rule->to.v == 3901 && rule->written.line == 13);
    assert_true(rule->from_ms == rfl_london_midnight_ms((struct rfl_date){ 2026, 6, 1 }));
    assert_true(rule->until_ms == rfl_london_midnight_ms((struct rfl_date){ 2026, 7, 1 }));
    assert_true(policy->rule[1].retry_ms == rfl_london_midnight_ms((struct rfl_date){ 2026, 5, 1 }));
    assert_int_equal(policy->rule[2].answer, RFL_ANSWER_NOWHERE);
    assert_true(policy->advice[0].to.v == 3902 && policy->advice[0].when.weeks.unknown &&
                policy->advice[0].when.weeks.min == 27 && policy->advice[0].when.weeks.max == UINT16_MAX);
    assert_int_equal(area->accepts, 1u << RFL_KEY_POSTCODE | 1u << RFL_KEY_JOBCENTRE);
    assert_int_equal(area->precedence[0], RFL_KEY_JOBCENTRE);
    assert_int_equal(area->place_count, 2);
    const struct rfl_queue *one = rfl_policy_queue(policy, (struct rfl_queue_no){ 3901 });
    assert_true(one->capacity == 5 && one->overflow_count == 1 && one->overflow[0].v == 3902);
    assert_true(rfl_policy_queue(policy, (struct rfl_queue_no){ 3902 })->closes_ms ==
                rfl_london_midnight_ms((struct rfl_date){ 2027, 5, 1 }));
    rfl_conf_policy_free(&policy);
}

static void files_are_read_in_the_order_of_their_names(void **state)
{
    (void)state;
    write_policy("routes.d/b.conf", "schema_version = 1;\nrules = ( " RULE("z", "nowhere = true;") " );\n"
                                  "end_of_config = true;\n");
    write_policy("routes.d/a.conf", devon("rules = ( " EVERY("y") ", " EVERY("x") " );"));
    struct rfl_policy *policy = loaded(folder);
    assert_int_equal(policy->rule_count, 3);
    const char *const order = "yxz";
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rfl_policy_text(policy, policy->rule[i].written.name).p[0], order[i]);
    assert_int_equal(policy->rule[2].area.v, 0);
    rfl_conf_policy_free(&policy);
}

static void digest_is_of_all_that_is_said(void **state)
{
    (void)state;
    static const char *const others[] = {
        "rules = ( " EVERY("b") " );", "rules = ( " RULE("a", "to = \"devon/moor/one\";") " );",
        "rules = ( { name = \"a\"; owner = \"Another\"; why = \"agreed\"; to = \"devon/two\"; } );",
        "rules = ( { name = \"a\"; owner = \"Lead\"; why = \"else\"; to = \"devon/two\"; } );",
        "rules = ( " RULE("a", "to = \"devon/two\"; shadow = true;") " );",
        "rules = ( " RULE("a", "to = \"devon/two\"; doors_differ = true;") " );",
        "rules = ( " RULE("a", "to = \"devon/two\"; from = \"2026-05-01\";") " );",
        "rules = ( " RULE("a", "to = \"devon/two\"; until = \"2026-05-01\";") " );",
        "rules = ( " RULE("a", "to = \"devon/two\"; when = { age = \"16+\"; };") " );",
        "rules = ( " RULE("a", "to = \"devon/two\"; when = { age = ( \"16+\", \"unknown\" ); };") " );",
        "rules = ( " RULE("a", "to = \"devon/two\"; when = { place = \"coast\"; };") " );",
        "rules = ( " EVERY("a") " );\naccepts = ( \"postcode\" );",
        "rules = ( " EVERY("a") " );\n"
        "precedence = ( \"jobcentre\", \"postcode\", \"gp_practice\", \"referrer_area\" );",
        "rules = ( " EVERY("a") " );\neligibility = ( " RULE("e", "says = \"x\"; when = { age = \"16+\"; };") " );",
    };
    struct rfl_hash seen[2 + sizeof others / sizeof others[0]];
    unsigned count = 0;
    seen[count++] = digest_with(devon("rules = ( " EVERY("a") " );"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        seen[count++] = digest_with(devon(others[i]));
    strstr(devon("rules = ( " EVERY("a") " );"), "capacity = 5")[11] = '6';
    seen[count++] = digest_with(text_of_devon);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < i; j++)
            if (rfl_hash_same(seen[i], seen[j]))
                fail_msg("%u and %u have one digest", j, i);
    struct rfl_hash again = digest_with(devon("# a comment moves every line\nrules = ( " EVERY("a") " );"));
    assert_true(rfl_hash_same(again, seen[0]));
}

/* ---- what is refused ---- */

struct bad { const char *more; int line; const char *words; };

static void every_mistake_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        { "rule = ();", 8, "no setting of that name" },
        { "area = 5;", 0, "" },
        { "rules = ( { name = \"a\"; owner = \"Lead\"; to = \"devon/two\"; } );", 8, "why is missing" },
        { "rules = ( { name = \"a\"; why = \"w\"; to = \"devon/two\"; } );", 8, "owner is missing" },
        { "rules = ( { name = \"a\"; why = \"\"; owner = \"o\"; to = \"devon/two\"; } );", 8, "ill-formed" },
        { "rules = ( " RULE("a", "") " );", 8, "no answer, or more than one" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; nowhere = true;") " );", 8, "no answer, or more than one" },
        { "rules = ( " RULE("a", "to = \"devon/three\";") " );", 8, "no queue has that name" },
        { "rules = ( " RULE("a", "to = \"kent-medway/intake\";") " );", 8, "belongs to another area" },
        { "rules = (\n" RULE("a", "not_yet = \"2026-05-01\"; from = \"2026-05-01\";") " );", 9, "not after" },
        { "rules = ( " EVERY("a") ",\n" EVERY("a") " );", 9, "another of that name" },
        { "rules = (\n" RULE("a", "to = \"devon/two\"; until = \"2022-01-01\";") " );", 9, "does not exist" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { dor = \"gp\"; };") " );", 8, "no setting" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { door = \"church\"; };") " );", 8, "no door" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { door = (); };") " );", 8, "empty" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { band = \"soon\"; };") " );", 8, "no band" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { employment = \"x\"; };") " );", 8, "employment" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { barrier = 19; };") " );", 8, "another type" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { barrier = ( 19 ); };") " );", 8, "main barrier" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { age = \"64-16\"; };") " );", 8, "no range" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { age = \"16-\"; };") " );", 8, "no range" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { age = \"256+\"; };") " );", 8, "no range" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { age = ( \"16\", \"18\" ); };") " );", 8, "no range" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { place = \"wood\"; };") " );", 8, "no place" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { source = \"x\"; };") " );", 8, "no source" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { decided_by = \"x\"; };") " );", 8, "no key" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { flags = \"x\"; };") " );", 8, "no flag" },
        { "rules = ( " RULE("a", "to = \"devon/two\"; when = { flags = \"incident\"; without_flags = \"incident\"; };")
          " );", 8, "a flag and against it" },
        { "accepts = ();", 8, "accepts nobody" },
        { "accepts = ( \"nhs_number\" );", 8, "no key" },
        { "precedence = ( \"postcode\" );", 8, "exactly once" },
        { "eligibility = ( " RULE("a", "says = \"Too Late\"; when = { age = \"16+\"; };") " );", 8, "ill-formed" },
        { "eligibility = ( " RULE("a", "says = \"x\";") " );", 8, "when is missing" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rfl_policy *policy = NULL;
        memset(&report, 0, sizeof report);
        write_policy("routes.d/a.conf", devon(cases[i].more));
        assert_int_equal(rfl_conf_policy_load(folder, &policy, &report), RFL_E_INVALID);
        assert_null(policy);
        bool found = false;
        for (uint32_t f = 0; f < report.count; f++)
            found = found || (strstr(report.finding[f].rule, cases[i].words) != NULL &&
                              (cases[i].line == 0 || report.finding[f].line == cases[i].line) &&
                              strstr(report.finding[f].file, "/routes.d/a.conf") != NULL &&
                              report.finding[f].remedy[0] != '\0');
        if (!found) {
            rfl_conf_report_print(&report, stdout);
            fail_msg("case %u: nobody said \"%s\" in line %d", (unsigned)i, cases[i].words, cases[i].line);
        }
    }
}

static void files_must_fit_together(void **state)
{
    (void)state;
    static const struct { const char *b, *words; } cases[] = {
        { "area = \"devon\";\nplaces = ( { id = 901; name = \"new\"; sub_icbs = ( \"X1\" ); } );", "taken" },
        { "area = \"devon\";\nplaces = ( { id = 903; name = \"new\"; sub_icbs = ( \"15N\" ); } );", "two places" },
        { "area = \"devon\";\naccepts = ( \"postcode\" );", "another file" },
        { "area = \"atlantis\";", "no area has that name" },
        { "places = ();", "without an area" },
        { "area = \"devon\";\nproviders = ( { id = 3903; name = \"x\"; owner = \"o\"; lead = \"l\"; "
          "overflow = \"devon/y\"; }, { id = 3904; name = \"y\"; owner = \"o\"; lead = \"l\"; "
          "overflow = \"devon/x\"; } );", "comes back" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        struct rfl_policy *policy = NULL;
        memset(&report, 0, sizeof report);
        (void)snprintf(text, sizeof text, "schema_version = 1;\n%s\nend_of_config = true;\n", cases[i].b);
        write_policy("routes.d/a.conf", devon("accepts = ( \"jobcentre\" );"));
        write_policy("routes.d/b.conf", text);
        assert_int_equal(rfl_conf_policy_load(folder, &policy, &report), RFL_E_INVALID);
        if (strstr(report.finding[0].rule, cases[i].words) == NULL ||
            strstr(report.finding[0].file, "/routes.d/b.conf") == NULL)
            fail_msg("case %u: %s: %s", (unsigned)i, report.finding[0].file, report.finding[0].rule);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_up, folder_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(file_becomes_places_queues_and_rules), TEST(files_are_read_in_the_order_of_their_names),
        TEST(digest_is_of_all_that_is_said), TEST(every_mistake_is_named_with_its_line), TEST(files_must_fit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
