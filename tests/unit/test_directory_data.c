/* The directory against published files, where these lie beside the project: counts and places that were
 * established independently. Only codes and counts stand here; the rows stay in their files. */
#include "directory_fixture.h"

#define DATA "../shared/data/"

static bool have(const char *path)
{
    if (access(path, R_OK) == 0)
        return true;
    print_message("skipped: no reference data\n");
    return false;
}

struct question { const char *postcode; unsigned grade, flags; char country; const char *icb, *sub_icb; };

/* Builds from the sample, asks every question, closes. */
static void ask_all(const char *path, const struct question *questions, size_t count, uint32_t kept)
{
    struct rfl_directory_report report;
    struct rfl_directory *d = NULL;
    assert_int_equal(build(path, NULL, &report), RFL_E_OK);
    assert_int_equal(report.postcodes, kept);
    assert_int_equal(skipped_total(&report), 0);
    assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &d, NULL), RFL_E_OK);
    for (size_t i = 0; i < count; i++) {
        struct rfl_clue clue = ask_postcode(d, questions[i].postcode);
        assert_int_equal(clue.grade, questions[i].grade);
        assert_int_equal(clue.flags, questions[i].flags);
        assert_int_equal(clue.country, questions[i].country);
        assert_string_equal(clue.icb, questions[i].icb);
        assert_string_equal(clue.sub_icb, questions[i].sub_icb);
    }
    rfl_directory_close(&d);
}

static void onspd_2023(void **state)
{
    (void)state;
    static const struct question q[] = {
        { "SE1P 5ZZ", RFL_GRADE_OK, RFL_CLUE_LARGE_USER, 'E', "E54000030", "E38000244" },
        { "SE1 9ZZ", RFL_GRADE_OK, RFL_CLUE_LARGE_USER | RFL_CLUE_TERMINATED, 'E', "E54000030", "E38000244" },
        { "M1 1AD", RFL_GRADE_OK, 0, 'E', "E54000057", "E38000217" },
        { "M11 1AA", RFL_GRADE_OK, 0, 'E', "E54000057", "E38000217" },
        { "AB1 0AA", RFL_GRADE_OUTSIDE, RFL_CLUE_TERMINATED, 'S', "", "" },
        { "AB16 9ZZ", RFL_GRADE_OUTSIDE, RFL_CLUE_LARGE_USER, 'S', "", "" },
        { "JE2 4WD", RFL_GRADE_OUTSIDE, 0, 'I', "", "" },
        { "GL16 8PB", RFL_GRADE_UNKNOWN, 0, 0, "", "" },
    };
    if (have(DATA "onspd_sample_2023.csv"))
        ask_all(DATA "onspd_sample_2023.csv", q, sizeof q / sizeof q[0], 10);
}

static void nspl_2025(void **state)
{
    (void)state;
    static const struct question q[] = {
        { "CA8 7JG", RFL_GRADE_OK, 0, 'E', "E54000050", "E38000130" },
        { "BR8 7QP", RFL_GRADE_OK, 0, 'E', "E54000030", "E38000244" },
        { "BR8 7QX", RFL_GRADE_UNKNOWN, 0, 0, "", "" },
    };
    if (have(DATA "nspl_sample_2025.csv"))
        ask_all(DATA "nspl_sample_2025.csv", q, sizeof q / sizeof q[0], 3);
}

struct cell { const char *column, *value; };

/* Puts one invented row under a published header line: every field but the named ones is empty. */
static void row_under_header(const char *path, const struct cell *set, size_t count)
{
    char header[4096];
    FILE *in = fopen(path, "r"), *out = fopen(in_folder("made.csv"), "w");
    assert_non_null(in);
    assert_non_null(out);
    assert_non_null(fgets(header, sizeof header, in));
    assert_int_equal(fclose(in), 0);
    header[strcspn(header, "\r\n")] = '\0';
    assert_true(fprintf(out, "%s\r\n", header) > 0);
    unsigned used = 0;
    for (const char *name = header;; name++) {
        size_t len = strcspn(name, ",");
        for (size_t i = 0; i < count; i++)
            if (strlen(set[i].column) == len && memcmp(name, set[i].column, len) == 0) {
                assert_true(fprintf(out, "\"%s\"", set[i].value) > 0);
                used++;
            }
        name += len;
        if (*name == '\0')
            break;
        assert_int_equal(fputc(',', out), ',');
    }
    assert_int_equal(used, count);
    assert_int_equal(fclose(out), 0);
}

static void headers_of_august_2026(void **state)
{
    (void)state;
    static const char *const paths[] = { DATA "onspd_header_2026-08.csv", DATA "nspl_header_2026-08.csv" };
    static const struct cell set[] = {
        { "pcd7", "AL100JP" }, { "pcds", "AL10 0JP" }, { "doterm", "" }, { "usrtypind", "0" },
        { "ctry26cd", "E92000001" }, { "sicbl26cd", "E38000001" }, { "icb26cd", "E54000065" },
    };
    static const struct question q[] = {
        { "AL10 0JP", RFL_GRADE_OK, 0, 'E', "E54000065", "E38000001" },
    };
    for (size_t i = 0; i < 2; i++) {
        if (!have(paths[i]))
            continue;
        row_under_header(paths[i], set, sizeof set / sizeof set[0]);
        ask_all(in_folder("made.csv"), q, 1, 1);
        struct rfl_directory_report report;             /* and the bare header is no file to work from */
        assert_int_equal(build(paths[i], NULL, &report), RFL_E_INVALID);
        assert_non_null(strstr(report.fault.rule, "no row"));
    }
}

static void epraccur_of_december_2023(void **state)
{
    (void)state;
    if (!have(DATA "epraccur_2023-12.csv"))
        return;
    struct rfl_directory_report report;
    struct rfl_directory *d = NULL;
    assert_int_equal(build(NULL, DATA "epraccur_2023-12.csv", &report), RFL_E_OK);
    assert_int_equal(report.rows_read, 15971);
    assert_adds_up(&report);
    assert_int_equal(report.gp_practices_active, 6348);
    assert_int_equal(report.practices_outside, 753 + 80 + 55 + 5 + 23);     /* Wales, the Channel Islands, Man */
    assert_int_equal(report.skipped[RFL_DIRECTORY_SKIP_PRACTICE_ICB].count, 335);
    assert_int_equal(report.practices, 15971 - 335);
    assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &d, NULL), RFL_E_OK);
    /* Two practices behind one postcode, in two ICBs: DN10 6RQ and SE6 4JH. A practice's ICB is its list's, not its
     * building's: EN1 3LL in London houses a Bedfordshire practice. */
    static const struct { const char *code, *icb; } v[] = {
        { "C84101", "QT1" }, { "C86009", "QF7" }, { "G85633", "QKK" }, { "Y06592", "QMF" }, { "Y07040", "QHG" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct rfl_clue clue = ask_practice(d, v[i].code);
        assert_int_equal(clue.grade, RFL_GRADE_OK);
        assert_int_equal(clue.flags, 0);
        assert_string_equal(clue.icb, v[i].icb);
        assert_true(clue.sub_icb[0] != '\0' && clue.line > 0);
    }
    assert_string_equal(ask_practice(d, "Y06592").sub_icb, "A3A8R");
    assert_int_equal(ask_practice(d, "A81003").flags, RFL_CLUE_CLOSED_PRACTICE);
    rfl_directory_close(&d);
}

/* The sub-ICB column is filled in Scotland and Wales, with health boards: such rows are outside, never an area. */
static void border_postcodes_are_outside(void **state)
{
    (void)state;
    if (!have(DATA "border_postcodes.csv"))
        return;
    char line[256];
    unsigned asked = 0;
    FILE *in = fopen(DATA "border_postcodes.csv", "r"), *out = fopen(in_folder("made.csv"), "w");
    assert_non_null(in);
    assert_non_null(out);
    assert_true(fputs("pcds,doterm,usertype,ctry,sicbl,icb\n", out) >= 0);
    for (unsigned n = 0; fgets(line, sizeof line, in) != NULL; n++) {
        char *field[7] = { line }, *at = line;
        for (unsigned i = 1; i < 7 && (at = strchr(at, ',')) != NULL; i++) {
            *at++ = '\0';
            field[i] = at;
        }
        if (n == 0 || field[4][0] == '\0')
            continue;
        assert_true(fprintf(out, "%s,,0,%c92000001,%s,%c99999999\n", field[0], field[1][0], field[4], field[1][0]) > 0);
        asked++;
    }
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(asked, 24);
    static const struct question q[] = {
        { "GL16 8PB", RFL_GRADE_OUTSIDE, 0, 'W', "", "" }, { "SY10 0AA", RFL_GRADE_OUTSIDE, 0, 'W', "", "" },
        { "LD8 2RN", RFL_GRADE_OUTSIDE, 0, 'W', "", "" }, { "NP25 5LD", RFL_GRADE_OUTSIDE, 0, 'W', "", "" },
        { "TD1 1AA", RFL_GRADE_OUTSIDE, 0, 'S', "", "" }, { "IV1 1AA", RFL_GRADE_UNKNOWN, 0, 0, "", "" },
    };
    ask_all(in_folder("made.csv"), q, sizeof q / sizeof q[0], 24);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        T(onspd_2023), T(nspl_2025), T(headers_of_august_2026), T(epraccur_of_december_2023),
        T(border_postcodes_are_outside),
    };
#undef T
    return cmocka_run_group_tests_name("directory_data", tests, NULL, NULL);
}
