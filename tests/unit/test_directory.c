/* The compiled directory, from invented files: every published way to name the columns, hostile files, the swap, dated
 * sets and damaged bytes. All postcodes and practices here are invented; area codes 000 to 002 do not exist. */
#include "directory_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "rfl_dirfile.h"

#define EN "\",\"E92000001\",\"E380000"

/* The same five rows under the headers of four editions; EN goes from the user type to the sub-ICB. */
static const char *const editions[] = {
    "pcd,pcd2,pcds,dointr,doterm,usertype,ctry,sicbl,lat,icb,oa21\n"
    "\"QA1 1AA\",\"QA1  1AA\",\"QA1 1AA\",\"198001\",\"\",\"0" EN "01\",57.1,\"E54000001\",\"\"\n"
    "\"QA1 1AB\",\"QA1  1AB\",\"QA1 1AB\",\"198001\",\"199606\",\"0" EN "02\",57.1,\"E54000001\",\"\"\n"
    "\"QA101AA\",\"QA10 1AA\",\"QA10 1AA\",\"198001\",\"\",\"1" EN "03\",57.1,\"E54000002\",\"\"\n"
    "\"QB1 1AA\",\"QB1  1AA\",\"QB1 1AA\",\"198001\",\"\",\"0\",\"S92000003\",\"S03000012\",57.1,\"S99999999\",\"\"\n"
    "\"QC1 1AA\",\"QC1  1AA\",\"QC1 1AA\",\"198001\",\"\",\"0\",\"L93000001\",\"L99999999\",99.9,\"L99999999\",\"\"\n",
    /* August 2026: years in the names, CRLF, the ICB before the sub-ICB, no line end at the last row */
    "pcd7,pcd8,pcds,dointr,doterm,ctry26cd,usrtypind,icb26cd,imd25ind,sicbl26cd\r\n"
    "QA1 1AA,QA1  1AA,QA1 1AA,198001,,E92000001,0,E54000001,1,E38000001\r\n"
    "QA1 1AB,QA1  1AB,QA1 1AB,198001,199606,E92000001,0,E54000001,1,E38000002\r\n"
    "QA101AA,QA10 1AA,QA10 1AA,198001,,E92000001,1,E54000002,1,E38000003\r\n"
    "QB1 1AA,QB1  1AA,QB1 1AA,198001,,S92000003,0,S99999999,1,S03000012\r\n"
    "QC1 1AA,QC1  1AA,QC1 1AA,198001,,L93000001,0,L99999999,1,L99999999",
    /* NSPL 2025: different years in one header; quoted upper-case names and a byte order mark */
    "\xef\xbb\xbf\"PCD7\",\"DOTERM\",\"USRTYPIND\",\"CTRY25CD\",\"SICBL24CD\",\"ICB23CD\"\n"
    "\"QA1 1AA\",\"\",\"0\",\"E92000001\",\"E38000001\",\"E54000001\"\n"
    "\"QA1 1AB\",\"199606\",\"0\",\"E92000001\",\"E38000002\",\"E54000001\"\n"
    "\"QA101AA\",\"\",\"1\",\"E92000001\",\"E38000003\",\"E54000002\"\n"
    "\"QB1 1AA\",\"\",\"0\",\"S92000003\",\"S03000012\",\"S99999999\"\n"
    "\"QC1 1AA\",\"\",\"0\",\"L93000001\",\"L99999999\",\"L99999999\"\n",
    /* without the columns one can do without: the country is then the ICB column's */
    "pcd,doterm,sicbl,icb,usertype\n"
    "QA1 1AA,,E38000001,E54000001,0\nQA1 1AB,199606,E38000002,E54000001,0\nQA101AA,,E38000003,E54000002,1\n"
    "QB1 1AA,,S03000012,S99999999,0\nQC1 1AA,,L99999999,L99999999,0\n",
};

static void every_header_style_gives_the_same_answers(void **state)
{
    (void)state;
    static const struct { const char *text, *icb, *sub; unsigned grade, flags; char country; uint32_t line; } v[] = {
        { "QA1 1AA", "E54000001", "E38000001", RFL_GRADE_OK, 0, 'E', 2 },
        { "qa11ab", "E54000001", "E38000002", RFL_GRADE_OK, RFL_CLUE_TERMINATED, 'E', 3 },
        { "QA10 1AA", "E54000002", "E38000003", RFL_GRADE_OK, RFL_CLUE_LARGE_USER, 'E', 4 },
        { "QB1 1AA", "", "", RFL_GRADE_OUTSIDE, 0, 'S', 5 }, { "QC1 1AA", "", "", RFL_GRADE_OUTSIDE, 0, 'I', 6 },
        { "QA1 1AC", "", "", RFL_GRADE_UNKNOWN, 0, 0, 0 }, { "AA1 1AA", "", "", RFL_GRADE_UNKNOWN, 0, 0, 0 },
        { "ZA1 1AA", "", "", RFL_GRADE_UNKNOWN, 0, 0, 0 },
    };
    for (size_t e = 0; e < sizeof editions / sizeof editions[0]; e++) {
        struct rfl_directory_report report;
        struct rfl_directory *d = NULL;
        put_bytes("p.csv", editions[e], strlen(editions[e]));
        assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_OK);
        assert_null(report.fault.rule);
        assert_int_equal(report.rows_read, 5);
        assert_int_equal(report.postcodes, 5);
        assert_int_equal(report.postcodes_outside, 2);
        assert_int_equal(report.postcodes_terminated, 1);
        assert_int_equal(report.postcodes_large_user, 1);
        assert_int_equal(report.places, 5);
        assert_adds_up(&report);
        assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &d, NULL), RFL_E_OK);
        for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
            struct rfl_clue clue = ask_postcode(d, v[i].text);
            assert_int_equal(clue.grade, v[i].grade);
            assert_int_equal(clue.flags, v[i].flags);
            assert_int_equal(clue.country, v[i].country);
            assert_string_equal(clue.icb, v[i].icb);
            assert_string_equal(clue.sub_icb, v[i].sub);
            assert_int_equal(clue.line, v[i].line);
            assert_int_equal(clue.edition, 7);
        }
        assert_string_equal(rfl_directory_label(d), "invented");
        assert_string_equal(rfl_directory_source(d, 0), "p.csv");
        assert_null(rfl_directory_source(d, 1));
        assert_int_equal(rfl_directory_postcode_count(d), 5);
        assert_int_equal(rfl_directory_practice_count(d), 0);
        rfl_directory_close(&d);
        assert_null(d);
    }
}

static void rows_left_out_are_counted_with_their_lines(void **state)
{
    (void)state;
    static const char text[] =
        "pcds,doterm,usertype,ctry,sicbl,icb\n"
        "QA1 1AA,,0,E92000001,E38000001,E54000001\n"
        "not a postcode,,0,E92000001,E38000001,E54000001\n"         /* 3 */
        "ZZ99 3VZ,,0,E92000001,E38000001,E54000001\n"               /* 4: a pseudo postcode is no place */
        "QA1 1AB,,0,E92000001,E38000001,E99999999\n"                /* 5 */
        "QA1 1AD,,0,E92000001,E38000001,E54999999\n"                /* 6 */
        "QA1 1AE,,0,W92000004,W11000024,E54000001\n"                /* 7 */
        "QA1 1AF,,0,,,\n"                                           /* 8 */
        "QA1 1AA,,0,E92000001,E38000002,E54000002\n"                /* 9: live like line 2, which was first */
        "QA1 1AG,,0,E92000001,S03000012,E54000001\n"                /* 10: kept, without its sub-ICB */
        "QA1 1AH,202001,0,E92000001,E38000001,E54000001\n"          /* 11: ended earlier than 12 */
        "QA1 1AH,202101,0,E92000001,E38000002,E54000002\n"
        "QA1 1AJ,202101,0,E92000001,E38000001,E54000001\n"          /* 13: ended, and used again in 14 */
        "QA1 1AJ,,0,E92000001,E38000002,E54000002\n"
        "QA1 1AL,,0,E92000001,E38000001,E5400001\n";                /* 15 */
    static const struct { unsigned skip; uint64_t count; uint32_t lines[3]; } v[] = {
        { RFL_DIRECTORY_SKIP_POSTCODE_SHAPE, 2, { 3, 4 } }, { RFL_DIRECTORY_SKIP_POSTCODE_ICB, 3, { 5, 6, 15 } },
        { RFL_DIRECTORY_SKIP_POSTCODE_COUNTRY, 2, { 7, 8 } }, { RFL_DIRECTORY_SKIP_POSTCODE_TWICE, 3, { 9, 11, 13 } },
    };
    struct rfl_directory_report report;
    struct rfl_directory *d = NULL;
    put_bytes("p.csv", text, strlen(text));
    assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_OK);
    assert_int_equal(report.rows_read, 14);
    assert_int_equal(report.postcodes, 4);
    assert_adds_up(&report);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        assert_int_equal(report.skipped[v[i].skip].count, v[i].count);
        assert_true(strlen(rfl_directory_skip_text((enum rfl_directory_skip)v[i].skip)) > 10);
        for (size_t k = 0; k < v[i].count; k++)
            assert_int_equal(report.skipped[v[i].skip].first[k].line, v[i].lines[k]);
    }
    assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &d, NULL), RFL_E_OK);
    assert_int_equal(ask_postcode(d, "QA1 1AA").line, 2);
    assert_string_equal(ask_postcode(d, "QA1 1AG").sub_icb, "");
    assert_int_equal(ask_postcode(d, "QA1 1AH").line, 12);
    assert_int_equal(ask_postcode(d, "QA1 1AJ").line, 14);
    assert_int_equal(ask_postcode(d, "QA1 1AJ").flags, 0);
    assert_int_equal(ask_postcode(d, "QA1 1AE").grade, RFL_GRADE_UNKNOWN);
    rfl_directory_close(&d);
}

#define EPRACCUR(code, group, icb, closed, status, sub, setting) \
    "\"" code "\",\"INVENTED\",\"" group "\",\"" icb "\",\"\",\"\",\"\",\"\",\"\",\"QA1 1AA\",\"19740401\",\"" closed \
    "\",\"" status "\",\"B\",\"" sub "\",\"\",\"\",\"\",\"\",\"\",\"\",\"0\",\"\",\"\",\"\",\"" setting "\",\"\"\n"

static void practices_are_read_by_position(void **state)
{
    (void)state;
    static const char text[] =
        EPRACCUR("Z99001", "Y63", "Q0A", "", "A", "00A", "4")
        EPRACCUR("Z99002", "Y63", "S0X0D", "20200331", "C", "A0A0A", "4")
        EPRACCUR("Z99003", "W00", "Q99", "", "A", "7A1", "4")
        EPRACCUR("JER999", "", "YAD", "", "A", "", "4")
        EPRACCUR("Z99004", "Y99", "Q99", "", "A", "", "0")          /* 5: no ICB commissions it */
        EPRACCUR("Z9", "Y63", "Q0A", "", "A", "00A", "4")           /* 6 */
        EPRACCUR("Z99005", "Y63", "Q0A", "20190101", "C", "00A", "4")  /* 7: closed; 8 is open */
        EPRACCUR("z99005", "Y63", "Q0B", "", "A", "00B", "10")
        EPRACCUR("Z99006", "Y63", "Q0B", "", "D", "", "");
    struct rfl_directory_report report;
    struct rfl_directory_detail detail;
    struct rfl_directory *d = NULL;
    put_bytes("e.csv", text, strlen(text));
    assert_int_equal(build(NULL, in_folder("e.csv"), &report), RFL_E_OK);
    assert_int_equal(report.rows_read, 9);
    assert_int_equal(report.practices, 6);
    assert_int_equal(report.practices_outside, 2);
    assert_int_equal(report.practices_closed, 1);
    assert_int_equal(report.gp_practices_active, 1);
    assert_int_equal(report.skipped[RFL_DIRECTORY_SKIP_PRACTICE_ICB].first[0].line, 5);
    assert_int_equal(report.skipped[RFL_DIRECTORY_SKIP_PRACTICE_CODE].first[0].line, 6);
    assert_int_equal(report.skipped[RFL_DIRECTORY_SKIP_PRACTICE_TWICE].first[0].line, 7);
    assert_adds_up(&report);
    assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &d, NULL), RFL_E_OK);
    struct rfl_clue clue = ask_practice(d, " z99001");
    assert_int_equal(clue.grade, RFL_GRADE_OK);
    assert_string_equal(clue.icb, "Q0A");
    assert_string_equal(clue.sub_icb, "00A");
    assert_int_equal(clue.line, 1);
    clue = ask_practice(d, "Z99002");
    assert_int_equal(clue.flags, RFL_CLUE_CLOSED_PRACTICE);
    assert_string_equal(clue.icb, "S0X0D");
    assert_true(rfl_directory_practice_detail(d, (struct rfl_view){ (const uint8_t *)"Z99002", 6 }, &detail));
    assert_int_equal(detail.closed_on, 20200331);
    assert_int_equal(detail.setting, 4);
    assert_int_equal(detail.status, 'C');
    assert_int_equal(ask_practice(d, "Z99003").grade, RFL_GRADE_OUTSIDE);
    assert_int_equal(ask_practice(d, "Z99003").country, 'W');
    assert_string_equal(ask_practice(d, "Z99003").icb, "");
    assert_int_equal(ask_practice(d, "JER999").country, 'I');
    assert_string_equal(ask_practice(d, "Z99005").icb, "Q0B");
    static const char *const unknown[] = { "Z99004", "Z99007", "A00000", "Z9900", "", "-", "ABCDEFGHIJKL" };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_int_equal(ask_practice(d, unknown[i]).grade, RFL_GRADE_UNKNOWN);
    rfl_directory_close(&d);
}

static void a_damaged_file_fails_and_the_old_one_stays(void **state)
{
    (void)state;
    static const char head[] = "pcds,doterm,usertype,ctry,sicbl,icb\n";
    static const char row[] = "QA1 1AA,,0,E92000001,E38000001,E54000001\n";
    static const struct { const char *text; size_t len; uint32_t line; const char *rule; } v[] = {
        { "", 0, 0, "empty" }, { head, sizeof head - 1, 0, "no row" },
        { "pcds,doterm,ctry,sicbl,ccg\nx,,,,\n", 33, 1, "no ICB column" },
        { "doterm,ctry,sicbl,icb\nx,,,\n", 27, 1, "no postcode column" },
        { "pcds,doterm,ctry,icb\nx,,,\n", 26, 1, "no sub-ICB column" },
        { "pcds,sicbl,icb26cd\nx,,\n", 23, 1, "doterm" },
        { "pcds,doterm,sicbl,icb26\nx,,,\n", 29, 1, "no ICB column" },
        { "pcds,doterm,sicbl,icbx6cd\nx,,,\n", 31, 1, "no ICB column" },
        { "pcds,doterm,sicbl,icb26cds\nx,,,\n", 32, 1, "no ICB column" },
        { "pcds,doterm,sicbl,icb\nQA1 1AA,,E38000001\n", 41, 2, "as many columns" },
        { "pcds,doterm,sicbl,icb\nQA1 1AA,,E38000001,E54000001,\n", 52, 2, "as many columns" },
        { "pcds,doterm,sicbl,icb\n\"QA1 1AA,,E38000001,E54000001\n", 52, 2, "not closed" },
        { "pcds,doterm,sicbl,icb\nQA1\0001AA,,E38000001,E54000001\n", 51, 2, "zero byte" },
        { "pcds,doterm,sicbl,icb\nnowhere,,E38000001,E54000001\n", 51, 0, "no row" },
    };
    struct rfl_directory_report report;
    size_t before_len, after_len;
    put_bytes("p.csv", head, sizeof head - 1);
    FILE *f = fopen(in_folder("p.csv"), "a");
    assert_non_null(f);
    assert_true(fputs(row, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_OK);
    uint8_t *before = get_bytes("out.rfldir", &before_len);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        put_bytes("bad.csv", v[i].text, v[i].len);
        if (build(in_folder("bad.csv"), NULL, &report) != RFL_E_INVALID || strstr(report.fault.rule, v[i].rule) == NULL)
            print_message("row %zu: %s\n", i, report.fault.rule);
        assert_int_equal(build(in_folder("bad.csv"), NULL, &report), RFL_E_INVALID);
        assert_non_null(strstr(report.fault.rule, v[i].rule));
        assert_string_equal(report.fault.file, "bad.csv");
        assert_int_equal(report.fault.line, v[i].line);
        uint8_t *after = get_bytes("out.rfldir", &after_len);
        assert_int_equal(after_len, before_len);
        assert_memory_equal(after, before, before_len);
        free(after);
        assert_int_equal(count_files(), 3);
    }
    free(before);
    put_bytes("bad.csv", "a,b\n", 4);
    assert_int_equal(build(NULL, in_folder("bad.csv"), &report), RFL_E_INVALID);
    assert_non_null(strstr(report.fault.rule, "27 columns"));
    assert_int_equal(build(in_folder("none.csv"), NULL, &report), RFL_E_ABSENT);
    assert_string_equal(report.fault.file, "none.csv");
}

static void a_recipe_out_of_bounds_is_refused(void **state)
{
    (void)state;
    const char *path = in_folder("p.csv");
    put_bytes("p.csv", editions[0], strlen(editions[0]));
    const struct rfl_directory_recipe good = { .out_path = in_folder("out.rfldir"), .label = "x", .edition = 1,
        .effective = { 2026, 4, 1 }, .postcode_paths = &path, .postcode_path_count = 1 };
    struct rfl_directory_recipe bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].label = "";
    bad[1].label = "0123456789012345678901234567890x";
    bad[2].label = "l\xc3\xa9";
    bad[3].edition = 0;
    bad[4].effective = (struct rfl_date){ 2026, 2, 29 };
    bad[5].effective.year = 1971;
    bad[6].postcode_path_count = 0;
    bad[7].postcode_path_count = 256;
    for (size_t i = 0; i < 8; i++) {
        struct rfl_directory_report report;
        assert_int_equal(rfl_directory_build(&bad[i], &report), RFL_E_INVALID);
        assert_non_null(report.fault.rule);
        assert_int_equal(count_files(), 1);
    }
    struct rfl_directory_report report;
    assert_int_equal(rfl_directory_build(&good, &report), RFL_E_OK);
}

static void a_failed_write_leaves_no_trace(void **state)
{
    (void)state;
    struct rfl_directory_report report;
    struct rlimit old, tiny;
    put_bytes("p.csv", editions[0], strlen(editions[0]));
    put_bytes("out.rfldir", "former", 6);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tiny = old;
    tiny.rlim_cur = 300;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    enum rfl_err err = build(in_folder("p.csv"), NULL, &report);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(err, RFL_E_IO);
    assert_int_equal(report.fault.sys_errno, EFBIG);
    assert_int_equal(count_files(), 2);
    size_t len;
    uint8_t *bytes = get_bytes("out.rfldir", &len);
    assert_int_equal(len, 6);
    free(bytes);
    assert_int_equal(unlink(in_folder("out.rfldir")), 0);
    assert_int_equal(mkdir(in_folder("out.rfldir"), 0700), 0);      /* a folder cannot be renamed over */
    assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_IO);
    assert_int_equal(report.fault.sys_errno, EISDIR);
    assert_int_equal(count_files(), 2);
    const char *path = in_folder("p.csv");
    struct rfl_directory_recipe recipe = { .out_path = in_folder("no/out"), .label = "x", .edition = 1,
        .effective = { 2026, 4, 1 }, .postcode_paths = &path, .postcode_path_count = 1 };
    assert_int_equal(rfl_directory_build(&recipe, &report), RFL_E_ABSENT);
}

static void an_open_directory_survives_the_swap(void **state)
{
    (void)state;
    struct rfl_directory_report report;
    struct rfl_directory *old = NULL, *new = NULL;
    put_bytes("p.csv", editions[0], strlen(editions[0]));
    assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_OK);
    assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &old, NULL), RFL_E_OK);
    static const char moved[] = "pcds,doterm,sicbl,icb\nQA1 1AA,,E38000009,E54000009\n";
    put_bytes("p.csv", moved, strlen(moved));
    assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_OK);
    assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &new, NULL), RFL_E_OK);
    assert_string_equal(ask_postcode(old, "QA1 1AA").icb, "E54000001");
    assert_string_equal(ask_postcode(new, "QA1 1AA").icb, "E54000009");
    assert_int_equal(ask_postcode(new, "QA1 1AB").grade, RFL_GRADE_UNKNOWN);
    rfl_directory_close(&old);
    rfl_directory_close(&new);
}

static void no_directory_knows_nobody(void **state)
{
    (void)state;
    struct rfl_directory_detail detail;
    struct rfl_clue clue = ask_postcode(NULL, "QA1 1AA"), practice = ask_practice(NULL, "Z99001"), unknown;
    memset(&unknown, 0, sizeof unknown);
    unknown.grade = RFL_GRADE_UNKNOWN;
    assert_memory_equal(&clue, &unknown, sizeof clue);
    assert_memory_equal(&practice, &unknown, sizeof practice);
    assert_false(rfl_directory_postcode_detail(NULL, 1, &detail));
    assert_false(rfl_directory_practice_detail(NULL, (struct rfl_view){ NULL, 0 }, &detail));
}

/* Every byte of a small directory is changed in turn, and the file is cut at every length: it never opens. */
static void no_damaged_byte_is_overlooked(void **state)
{
    (void)state;
    struct rfl_directory_report report;
    struct rfl_directory *d = NULL;
    struct rfl_directory_fault fault;
    size_t len;
    static const char practice[] = EPRACCUR("Z99001", "Y63", "Q0A", "", "A", "00A", "4");
    put_bytes("p.csv", editions[0], strlen(editions[0]));
    put_bytes("e.csv", practice, strlen(practice));
    assert_int_equal(build(in_folder("p.csv"), in_folder("e.csv"), &report), RFL_E_OK);
    uint8_t *bytes = get_bytes("out.rfldir", &len);
    assert_int_equal(report.file_bytes, len);
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= 1;
        put_bytes("bad", bytes, len);
        enum rfl_err err = rfl_directory_open(in_folder("bad"), &d, &fault);
        assert_int_equal(err, i >= 8 && i < 12 ? RFL_E_VERSION : RFL_E_CORRUPT);
        assert_non_null(fault.rule);
        assert_null(d);
        bytes[i] ^= 1;
        put_bytes("bad", bytes, i);
        assert_int_equal(rfl_directory_open(in_folder("bad"), &d, NULL), RFL_E_CORRUPT);
    }
    bytes[len] = 0;
    put_bytes("bad", bytes, len + 1);
    assert_int_equal(rfl_directory_open(in_folder("bad"), &d, &fault), RFL_E_CORRUPT);
    assert_string_equal(fault.file, "bad");
    put_bytes("bad", bytes, len);
    assert_int_equal(rfl_directory_open(in_folder("bad"), &d, &fault), RFL_E_OK);
    rfl_directory_close(&d);
    free(bytes);
    assert_int_equal(rfl_directory_open(in_folder("none"), &d, &fault), RFL_E_ABSENT);
    assert_int_equal(rfl_directory_open(folder, &d, &fault), RFL_E_CORRUPT);
}

/* Checksums made right again by hand: then order and bounds alone must find it. */
static void contradictory_tables_are_refused(void **state)
{
    (void)state;
    struct rfl_directory_report report;
    struct rfl__dir_header head;
    const char *rule;
    size_t len;
    static const char practices[] =
        EPRACCUR("Z99001", "Y63", "Q0A", "", "A", "00A", "4") EPRACCUR("Z99002", "Y63", "Q0A", "", "A", "00A", "4");
    put_bytes("p.csv", editions[0], strlen(editions[0]));
    put_bytes("e.csv", practices, strlen(practices));
    assert_int_equal(build(in_folder("p.csv"), in_folder("e.csv"), &report), RFL_E_OK);
    uint8_t *good = get_bytes("out.rfldir", &len), bytes[4096];
    assert_true(len <= sizeof bytes);
    assert_int_equal(rfl__dir_header_read(good, len, &head, &rule), RFL_E_OK);
    struct rfl__dir_layout at = rfl__dir_layout_of(&head);
    const struct { uint64_t offset; uint8_t value; bool bad; } v[] = {
        { at.entries + 4, 99, false }, { at.entries, 6, true }, { at.entries + 1, 1, true },
        { at.entries + 3, 2, true },
        { at.keys + 7, 'Z', true }, { at.fences, 'B', true }, { at.places + 24, 'X', true },
        { at.places + 11, 'x', false },
        { at.places, 1, true }, { at.sources, 200, true },
        { at.practices + 5, '2', true }, { at.practices + 5, '3', true }, { at.practices + 12, 6, true },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct rfl_directory *d = NULL;
        memcpy(bytes, good, len);
        bytes[v[i].offset] = v[i].value;
        if (v[i].offset == at.places + 11)
            memcpy(bytes + at.places, "ABCDEFGHIJK", 12);       /* eleven characters are allowed */
        head.body_checksum = rfl__dir_checksum(bytes + RFL_DIR_HEADER_BYTES, len - RFL_DIR_HEADER_BYTES);
        rfl__dir_header_write(&head, bytes);
        put_bytes("bad", bytes, len);
        enum rfl_err err = rfl_directory_open(in_folder("bad"), &d, NULL);
        if (err != (v[i].bad ? RFL_E_CORRUPT : RFL_E_OK))
            print_message("row %zu\n", i);
        assert_int_equal(err, v[i].bad ? RFL_E_CORRUPT : RFL_E_OK);
        rfl_directory_close(&d);
    }
    free(good);
}

/* 1 to 200 postcodes, so that every count meets both ends of a fence: all found, all between them unknown. */
static void every_count_of_postcodes_is_searched_whole(void **state)
{
    (void)state;
    static const char letters[] = "ABDEFGHJLN";
    for (unsigned count = 1; count <= 200; count += count < 140 ? 1 : 7) {
        struct rfl_directory_report report;
        struct rfl_directory *d = NULL;
        FILE *f = fopen(in_folder("p.csv"), "w");
        assert_non_null(f);
        assert_true(fputs("pcds,doterm,sicbl,icb\n", f) >= 0);
        for (unsigned i = count; i-- > 0;)                      /* falling, so sorting has work */
            assert_true(fprintf(f, "QA1 %u%cB,,E38000001,E54%06u\n", i / 10 % 10, letters[i % 10], i) > 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_OK);
        unsigned different = count < 100 ? count : 100;
        assert_int_equal(report.postcodes, different);
        assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &d, NULL), RFL_E_OK);
        for (unsigned i = 0; i < 100; i++) {
            char text[16];
            (void)snprintf(text, sizeof text, "QA1 %u%cB", i / 10, letters[i % 10]);
            assert_int_equal(ask_postcode(d, text).grade, i < different ? RFL_GRADE_OK : RFL_GRADE_UNKNOWN);
            text[6] = 'C';
            assert_int_equal(ask_postcode(d, text).grade, RFL_GRADE_UNKNOWN);
        }
        rfl_directory_close(&d);
    }
}

static void the_same_inputs_give_the_same_bytes(void **state)
{
    (void)state;
    struct rfl_directory_report report;
    size_t first_len, second_len;
    put_bytes("p.csv", editions[1], strlen(editions[1]));
    assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_OK);
    uint8_t *first = get_bytes("out.rfldir", &first_len);
    assert_int_equal(build(in_folder("p.csv"), NULL, &report), RFL_E_OK);
    uint8_t *second = get_bytes("out.rfldir", &second_len);
    assert_int_equal(first_len, second_len);
    assert_memory_equal(first, second, first_len);
    free(first);
    free(second);
}

struct seen { unsigned calls; uint64_t rows, bytes, total; };

static void see(void *arg, const struct rfl_directory_progress *p)
{
    struct seen *seen = arg;
    assert_true(p->rows >= seen->rows && p->bytes >= seen->bytes && p->bytes <= p->bytes_total);
    *seen = (struct seen){ seen->calls + 1, p->rows, p->bytes, p->bytes_total };
}

static void several_files_are_one_directory(void **state)
{
    (void)state;
    struct rfl_directory_report report;
    struct rfl_directory_detail detail;
    struct rfl_directory *d = NULL;
    struct seen seen = { 0, 0, 0, 0 };
    static const char second[] = "pcd,doterm,sicbl,icb\nQD1 1AA,,E38000004,E54000004\nQA1 1AB,,E38000004,E54000004\n";
    put_bytes("a.csv", editions[0], strlen(editions[0]));
    put_bytes("b.csv", second, strlen(second));
    const char *paths[] = { in_folder("a.csv"), in_folder("b.csv") };
    struct rfl_directory_recipe recipe = { .out_path = in_folder("out.rfldir"), .label = "two", .edition = 1,
        .effective = { 2026, 4, 1 }, .postcode_paths = paths, .postcode_path_count = 2, .progress = see,
        .progress_arg = &seen };
    assert_int_equal(rfl_directory_build(&recipe, &report), RFL_E_OK);
    assert_int_equal(report.postcodes, 6);
    assert_int_equal(report.skipped[RFL_DIRECTORY_SKIP_POSTCODE_TWICE].first[0].file, 0);    /* ended; live in b */
    assert_int_equal(report.skipped[RFL_DIRECTORY_SKIP_POSTCODE_TWICE].first[0].line, 3);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(seen.rows, 7);
    assert_int_equal(seen.bytes, seen.total);
    assert_int_equal(rfl_directory_open(in_folder("out.rfldir"), &d, NULL), RFL_E_OK);
    struct rfl_postcode postcode;
    assert_int_equal(rfl_ident_postcode((struct rfl_view){ (const uint8_t *)"QA11AB", 6 }, &postcode), RFL_GRADE_OK);
    assert_true(rfl_directory_postcode_detail(d, postcode.key, &detail));
    assert_string_equal(rfl_directory_source(d, detail.source), "b.csv");
    rfl_directory_close(&d);
}

static void build_edition(const char *name, uint16_t edition, struct rfl_date effective)
{
    struct rfl_directory_report report;
    const char *path = in_folder("p.csv");
    put_bytes("p.csv", editions[0], strlen(editions[0]));
    struct rfl_directory_recipe recipe = { .out_path = in_folder(name), .label = name, .edition = edition,
        .effective = effective, .postcode_paths = &path, .postcode_path_count = 1 };
    assert_int_equal(rfl_directory_build(&recipe, &report), RFL_E_OK);
}

static void editions_take_effect_at_their_hour(void **state)
{
    (void)state;
    struct rfl_directory_set *set = NULL;
    struct rfl_directory_fault fault;
    assert_int_equal(rfl_directory_set_open(folder, &set, &fault), RFL_E_OK);
    assert_int_equal(rfl_directory_set_count(set), 0);
    assert_null(rfl_directory_set_at(set, 0));
    assert_int_equal(rfl_directory_set_next_ms(set, 0), INT64_MAX);
    rfl_directory_set_close(&set);
    build_edition("b.rfldir", 2, (struct rfl_date){ 2026, 4, 1 });
    build_edition("a.rfldir", 3, (struct rfl_date){ 2027, 4, 1 });
    build_edition("c.rfldir", 1, (struct rfl_date){ 2025, 2, 1 });
    build_edition("d.rfldir", 4, (struct rfl_date){ 2026, 4, 1 });
    put_bytes("notes.txt", "x", 1);
    put_bytes(".e.rfldir", "x", 1);
    assert_int_equal(rfl_directory_set_open(folder, &set, &fault), RFL_E_OK);
    assert_int_equal(rfl_directory_set_count(set), 4);
    assert_int_equal(rfl_directory_edition(rfl_directory_set_get(set, 0)), 1);
    assert_int_equal(rfl_directory_edition(rfl_directory_set_get(set, 3)), 3);
    /* 1 April is summer time, 1 February is not: midnight in England is 23:00 UTC the day before, and 00:00 UTC. */
    const int64_t april_2026_ms = INT64_C(1774998000000), february_2025_ms = INT64_C(1738368000000);
    assert_null(rfl_directory_set_at(set, february_2025_ms - 1));
    assert_int_equal(rfl_directory_edition(rfl_directory_set_at(set, february_2025_ms)), 1);
    assert_int_equal(rfl_directory_edition(rfl_directory_set_at(set, april_2026_ms - 1)), 1);
    assert_int_equal(rfl_directory_edition(rfl_directory_set_at(set, april_2026_ms)), 4);
    assert_int_equal(rfl_directory_set_next_ms(set, february_2025_ms), april_2026_ms);
    assert_int_equal(rfl_directory_edition(rfl_directory_set_at(set, INT64_MAX)), 3);
    assert_int_equal(rfl_directory_set_next_ms(set, INT64_MAX - 1), INT64_MAX);
    assert_null(rfl_directory_set_at(NULL, 0));
    rfl_directory_set_close(&set);
    assert_null(set);
    put_bytes("z.rfldir", "damaged", 7);
    assert_int_equal(rfl_directory_set_open(folder, &set, &fault), RFL_E_CORRUPT);
    assert_string_equal(fault.file, "z.rfldir");
    assert_null(set);
    assert_int_equal(rfl_directory_set_open(in_folder("none"), &set, &fault), RFL_E_ABSENT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        T(every_header_style_gives_the_same_answers), T(rows_left_out_are_counted_with_their_lines),
        T(practices_are_read_by_position), T(a_damaged_file_fails_and_the_old_one_stays),
        T(a_recipe_out_of_bounds_is_refused), T(a_failed_write_leaves_no_trace), T(an_open_directory_survives_the_swap),
        T(no_directory_knows_nobody), T(no_damaged_byte_is_overlooked), T(contradictory_tables_are_refused),
        T(every_count_of_postcodes_is_searched_whole), T(the_same_inputs_give_the_same_bytes),
        T(several_files_are_one_directory), T(editions_take_effect_at_their_hour),
    };
#undef T
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
