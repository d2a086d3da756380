#include "ctl_directory.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rfl_directory_build.h"

enum { EXIT_FOUND = 0, EXIT_UNKNOWN = 1, EXIT_USAGE = 64, EXIT_BAD_DATA = 65, EXIT_NO_INPUT = 66,
       EXIT_CANNOT_CREATE = 73, EXIT_TRY_AGAIN = 75 };

static const char usage_text[] =
    "usage: referralctl directory build --out FILE --edition LABEL --number N --effective YYYY-MM-DD\n"
    "                                   [--postcodes FILE]... [--practices FILE]... [--json]\n"
    "       referralctl directory list FOLDER [--json]\n"
    "       referralctl directory lookup --directory FILE [--json] (POSTCODE | PRACTICE | -)...\n"
    "\n"
    "build   compiles ONSPD or NSPL postcode files and epraccur practice files into one dated directory\n"
    "list    shows the directories of a folder, in the order in which they take effect\n"
    "lookup  says where a postcode or practice lies; \"-\" reads one a line from standard input, which keeps\n"
    "        them out of the process list\n";

struct options {
    const char *out, *label, *number, *effective, *directory;
    const char *postcodes[RFL_DIRECTORY_FILES_MAX], *practices[RFL_DIRECTORY_FILES_MAX];
    size_t postcode_count, practice_count;
    bool json;
};

static int fail(int code, const char *what)
{
    (void)fprintf(stderr, "referralctl: directory: %s\n", what);
    return code;
}

static int usage(const char *what)
{
    (void)fprintf(stderr, "referralctl: directory: %s\n%s", what, usage_text);
    return EXIT_USAGE;
}

static bool add_path(const char **paths, size_t *count)
{
    if (*count == RFL_DIRECTORY_FILES_MAX)
        return false;
    paths[(*count)++] = optarg;
    return true;
}

/* False for an option that is not known, lacks its value, or comes too often. argv[0] is the subcommand's word. */
static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        { "out", required_argument, NULL, 'o' }, { "edition", required_argument, NULL, 'e' },
        { "number", required_argument, NULL, 'n' }, { "effective", required_argument, NULL, 'f' },
        { "postcodes", required_argument, NULL, 'p' }, { "practices", required_argument, NULL, 'g' },
        { "directory", required_argument, NULL, 'd' }, { "json", no_argument, NULL, 'j' },
        { NULL, 0, NULL, 0 }
    };
    bool good = true;
    memset(o, 0, sizeof *o);
    optind = 0;                             /* glibc: start over, whatever was parsed before */
    opterr = 0;                             /* the callers say it in their words */
    for (int c; good && (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 'o': o->out = optarg; break;
        case 'e': o->label = optarg; break;
        case 'n': o->number = optarg; break;
        case 'f': o->effective = optarg; break;
        case 'd': o->directory = optarg; break;
        case 'j': o->json = true; break;
        case 'p': good = add_path(o->postcodes, &o->postcode_count); break;
        case 'g': good = add_path(o->practices, &o->practice_count); break;
        default: good = false; break;
        }
    }
    return good;
}

static struct rfl_view view_of(const char *text) { return (struct rfl_view){ (const uint8_t *)text, strlen(text) }; }

static void say_fault(enum rfl_err err, const struct rfl_directory_fault *fault)
{
    (void)fputs("referralctl: directory: ", stderr);
    if (fault->file[0] != '\0')
        (void)fprintf(stderr, "%s: ", fault->file);
    if (fault->line != 0)
        (void)fprintf(stderr, "line %" PRIu32 ": ", fault->line);
    (void)fputs(fault->rule == NULL ? rfl_err_text(err) : fault->rule, stderr);
    if (fault->sys_errno != 0)
        (void)fprintf(stderr, " (%s)", strerror(fault->sys_errno));
    (void)fputc('\n', stderr);
}

static int exit_of(enum rfl_err err)
{
    if (err == RFL_E_ABSENT || err == RFL_E_IO)
        return EXIT_NO_INPUT;
    return err == RFL_E_MEMORY ? EXIT_TRY_AGAIN : EXIT_BAD_DATA;
}

static int print_json(json_t *value)
{
    int rc = value == NULL ? -1 : json_dumpf(value, stdout, JSON_INDENT(2));
    (void)fputc('\n', stdout);
    json_decref(value);
    return rc == 0 && fflush(stdout) == 0 ? EXIT_FOUND : EXIT_TRY_AGAIN;
}

/* "2700000" as "2,700,000". */
static const char *grouped(uint64_t n, char out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* ---------------------------------------------------------------------------------------------------------- build */

static void show_progress(void *arg, const struct rfl_directory_progress *p)
{
    char rows[32];
    (void)arg;
    unsigned percent = p->bytes_total == 0 ? 100 : (unsigned)(p->bytes * 100 / p->bytes_total);
    (void)fprintf(stderr, "\r\033[K%3u %%  %s rows  %s", percent, grouped(p->rows, rows), p->file);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static const char *file_of(const struct rfl_directory_recipe *r, uint32_t index)
{
    return base_name(index < r->postcode_path_count ? r->postcode_paths[index]
                                                    : r->practice_paths[index - r->postcode_path_count]);
}

static void print_count(const char *name, uint64_t n)
{
    char text[32];
    printf("%-34s %12s\n", name, grouped(n, text));
}

static size_t lines_shown(const struct rfl_directory_report *report, size_t skip)
{
    uint64_t count = report->skipped[skip].count;
    return count < RFL_DIRECTORY_SKIP_LINES ? (size_t)count : RFL_DIRECTORY_SKIP_LINES;
}

static int report_table(const struct rfl_directory_recipe *recipe, const struct rfl_directory_report *report)
{
    char text[32];
    print_count("rows read", report->rows_read);
    print_count("postcodes kept", report->postcodes);
    print_count("  outside England", report->postcodes_outside);
    print_count("  terminated", report->postcodes_terminated);
    print_count("  large users", report->postcodes_large_user);
    print_count("practices kept", report->practices);
    print_count("  outside England", report->practices_outside);
    print_count("  closed", report->practices_closed);
    print_count("  active GP practices in England", report->gp_practices_active);
    print_count("areas named", report->places);
    for (size_t s = 0; s < RFL_DIRECTORY_SKIP_COUNT; s++) {
        if (report->skipped[s].count == 0)
            continue;
        printf("left out %12s  %s\n%24s", grouped(report->skipped[s].count, text),
               rfl_directory_skip_text((enum rfl_directory_skip)s), "first at");
        for (size_t i = 0; i < lines_shown(report, s); i++) {
            uint32_t file = report->skipped[s].first[i].file;
            if (i == 0 || report->skipped[s].first[i - 1].file != file)
                printf("%s %s line", i == 0 ? "" : ";", file_of(recipe, file));
            else
                printf(",");
            printf(" %" PRIu32, report->skipped[s].first[i].line);
        }
        printf("%s\n", report->skipped[s].count > RFL_DIRECTORY_SKIP_LINES ? " ..." : "");
    }
    printf("written  %s, %s bytes, edition %u \"%s\", in force from %04d-%02d-%02d\n", recipe->out_path,
           grouped(report->file_bytes, text), recipe->edition, recipe->label, (int)recipe->effective.year,
           recipe->effective.month, recipe->effective.day);
    return fflush(stdout) == 0 ? EXIT_FOUND : EXIT_TRY_AGAIN;
}

static json_t *skips_json(const struct rfl_directory_recipe *recipe, const struct rfl_directory_report *report)
{
    json_t *skips = json_array();
    for (size_t s = 0; s < RFL_DIRECTORY_SKIP_COUNT; s++) {
        if (report->skipped[s].count == 0)
            continue;
        json_t *first = json_array();
        for (size_t i = 0; i < lines_shown(report, s); i++)
            (void)json_array_append_new(first, json_pack("{s:s, s:I}", "file",
                file_of(recipe, report->skipped[s].first[i].file), "line",
                (json_int_t)report->skipped[s].first[i].line));
        (void)json_array_append_new(skips, json_pack("{s:s, s:I, s:o}", "reason",
            rfl_directory_skip_text((enum rfl_directory_skip)s), "count", (json_int_t)report->skipped[s].count,
            "first", first));
    }
    return skips;
}

static int report_json(const struct rfl_directory_recipe *recipe, const struct rfl_directory_report *r)
{
    return print_json(json_pack("{s:I, s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:I}, s:I, s:I, s:o}",
        "rows_read", (json_int_t)r->rows_read,
        "postcodes", "kept", (json_int_t)r->postcodes, "outside_england", (json_int_t)r->postcodes_outside,
        "terminated", (json_int_t)r->postcodes_terminated, "large_users", (json_int_t)r->postcodes_large_user,
        "practices", "kept", (json_int_t)r->practices, "outside_england", (json_int_t)r->practices_outside,
        "closed", (json_int_t)r->practices_closed, "gp_active_england", (json_int_t)r->gp_practices_active,
        "areas", (json_int_t)r->places, "file_bytes", (json_int_t)r->file_bytes,
        "left_out", skips_json(recipe, r)));
}

static int build(int argc, char **argv)
{
    struct options o;
    if (!read_options(argc, argv, &o) || optind != argc)
        return usage("build: an option is not known, lacks its value or comes too often");
    if (o.out == NULL || o.label == NULL || o.number == NULL || o.effective == NULL)
        return usage("build: --out, --edition, --number and --effective are needed");
    struct rfl_directory_recipe recipe = {
        .out_path = o.out, .label = o.label, .postcode_paths = o.postcodes, .postcode_path_count = o.postcode_count,
        .practice_paths = o.practices, .practice_path_count = o.practice_count,
        .progress = !o.json && isatty(STDERR_FILENO) ? show_progress : NULL,
    };
    char *end = NULL;
    unsigned long number = strtoul(o.number, &end, 10);
    if (o.number[0] < '0' || o.number[0] > '9' || *end != '\0' || number < 1 || number > UINT16_MAX)
        return usage("build: --number must be 1 to 65535");
    recipe.edition = (uint16_t)number;
    if (!rfl_date_parse(view_of(o.effective), &recipe.effective))
        return usage("build: --effective must be a day as YYYY-MM-DD");
    struct rfl_directory_report report;
    enum rfl_err err = rfl_directory_build(&recipe, &report);
    if (recipe.progress != NULL)
        (void)fputs("\r\033[K", stderr);
    if (err == RFL_E_OK)
        return o.json ? report_json(&recipe, &report) : report_table(&recipe, &report);
    say_fault(err, &report.fault);
    if ((err == RFL_E_IO || err == RFL_E_ABSENT) && strcmp(report.fault.file, base_name(o.out)) == 0)
        return EXIT_CANNOT_CREATE;
    return exit_of(err);
}

/* ----------------------------------------------------------------------------------------------------------- list */

static int list(int argc, char **argv)
{
    struct options o;
    struct rfl_directory_set *set = NULL;
    struct rfl_directory_fault fault;
    if (!read_options(argc, argv, &o) || optind + 1 != argc)
        return usage("list: one folder is needed");
    enum rfl_err err = rfl_directory_set_open(argv[optind], &set, &fault);
    if (err != RFL_E_OK) {
        say_fault(err, &fault);
        return exit_of(err);
    }
    json_t *all = o.json ? json_array() : NULL;
    if (!o.json)
        printf("%-10s  %6s  %-31s  %10s  %10s\n", "IN FORCE", "NUMBER", "EDITION", "POSTCODES", "PRACTICES");
    for (uint32_t i = 0; i < rfl_directory_set_count(set); i++) {
        const struct rfl_directory *d = rfl_directory_set_get(set, i);
        struct rfl_date day = rfl_directory_effective(d);
        char from[32], postcodes[32], practices[32];
        (void)snprintf(from, sizeof from, "%04d-%02d-%02d", (int)day.year, day.month, day.day);
        if (o.json)
            (void)json_array_append_new(all, json_pack("{s:s, s:i, s:s, s:I, s:I}", "effective", from, "number",
                (int)rfl_directory_edition(d), "edition", rfl_directory_label(d), "postcodes",
                (json_int_t)rfl_directory_postcode_count(d), "practices", (json_int_t)rfl_directory_practice_count(d)));
        else
            printf("%-10s  %6u  %-31s  %10s  %10s\n", from, rfl_directory_edition(d), rfl_directory_label(d),
                   grouped(rfl_directory_postcode_count(d), postcodes),
                   grouped(rfl_directory_practice_count(d), practices));
    }
    rfl_directory_set_close(&set);
    if (o.json)
        return print_json(all);
    return fflush(stdout) == 0 ? EXIT_FOUND : EXIT_TRY_AGAIN;
}

/* --------------------------------------------------------------------------------------------------------- lookup */

struct answer {
    const char *kind;                       /* "postcode", "practice" or "neither" */
    const char *pseudo;                     /* what a pseudo code stands for, or NULL */
    struct rfl_clue clue;
    struct rfl_directory_detail detail;
    bool found;
};

static const char *pseudo_text(enum rfl_postcode_kind kind)
{
    switch (kind) {
    case RFL_POSTCODE_BFPO: return "forces' mail";
    case RFL_POSTCODE_NO_FIXED_ABODE: return "no fixed abode";
    case RFL_POSTCODE_NOT_KNOWN: return "address not known";
    case RFL_POSTCODE_ENGLAND: return "England, not otherwise stated";
    case RFL_POSTCODE_WALES: return "Wales, not otherwise stated";
    case RFL_POSTCODE_SCOTLAND: return "Scotland, not otherwise stated";
    case RFL_POSTCODE_NORTHERN_IRELAND: return "Northern Ireland, not otherwise stated";
    case RFL_POSTCODE_ABROAD: return "abroad";
    case RFL_POSTCODE_NONE: case RFL_POSTCODE_ORDINARY: case RFL_POSTCODE_GIRO: break;
    }
    return NULL;
}

/* No text is both: every postcode ends in two letters after a digit, no practice code does. */
static struct answer answer_for(const struct rfl_directory *d, struct rfl_view text)
{
    struct answer a;
    struct rfl_postcode postcode;
    char code[RFL_ODS_BYTES];
    memset(&a, 0, sizeof a);
    enum rfl_grade as_postcode = rfl_ident_postcode(text, &postcode), as_practice = rfl_ident_practice(text, code);
    a.kind = as_postcode >= RFL_GRADE_PSEUDO ? "postcode" : as_practice >= RFL_GRADE_PSEUDO ? "practice" : "neither";
    a.clue.edition = rfl_directory_edition(d);
    if (as_postcode == RFL_GRADE_OK) {
        rfl_directory_postcode(d, postcode.key, &a.clue);
        a.found = rfl_directory_postcode_detail(d, postcode.key, &a.detail);
    } else if (as_practice == RFL_GRADE_OK) {
        rfl_directory_practice(d, text, &a.clue);
        a.found = rfl_directory_practice_detail(d, text, &a.detail);
    } else {
        bool pseudo = as_postcode == RFL_GRADE_PSEUDO || as_practice == RFL_GRADE_PSEUDO;
        a.clue.grade = (uint8_t)(pseudo ? RFL_GRADE_PSEUDO : as_postcode);       /* absent or malformed, either way */
        a.pseudo = as_postcode == RFL_GRADE_PSEUDO ? pseudo_text(postcode.kind) : pseudo ? "no practice" : NULL;
    }
    return a;
}

static const char *country_name(char country)
{
    switch (country) {
    case 'E': return "England";
    case 'W': return "Wales";
    case 'S': return "Scotland";
    case 'N': return "Northern Ireland";
    case 'I': return "Jersey, Guernsey, Alderney or Isle of Man";
    default: return "";
    }
}

static void print_answer(const struct rfl_directory *d, const struct answer *a)
{
    struct rfl_date day = rfl_directory_effective(d);
    printf("%-10s %s%s%s\n", a->kind, rfl_grade_word((enum rfl_grade)a->clue.grade), a->pseudo == NULL ? "" : ": ",
           a->pseudo == NULL ? "" : a->pseudo);
    if (a->found) {
        printf("country    %s\n", country_name(a->clue.country));
        if (a->clue.icb[0] != '\0')
            printf("ICB        %s\nsub-ICB    %s\n", a->clue.icb, a->clue.sub_icb[0] == '\0' ? "-" : a->clue.sub_icb);
        if (a->clue.flags != 0)
            printf("flags     %s%s%s\n", a->clue.flags & RFL_CLUE_TERMINATED ? " terminated" : "",
                   a->clue.flags & RFL_CLUE_LARGE_USER ? " large-user" : "",
                   a->clue.flags & RFL_CLUE_CLOSED_PRACTICE ? " closed" : "");
        if (a->detail.closed_on != 0)
            printf("closed on  %04u-%02u-%02u\n", (unsigned)a->detail.closed_on / 10000,
                   (unsigned)a->detail.closed_on / 100 % 100, (unsigned)a->detail.closed_on % 100);
        if (a->detail.setting == 4)
            printf("setting    GP practice\n");
        printf("source     %s line %" PRIu32 "\n", rfl_directory_source(d, a->detail.source), a->clue.line);
    }
    printf("edition    %u \"%s\", in force from %04d-%02d-%02d\n", a->clue.edition, rfl_directory_label(d),
           (int)day.year, day.month, day.day);
}

static json_t *answer_json(const struct rfl_directory *d, const struct answer *a)
{
    char from[32];
    struct rfl_date day = rfl_directory_effective(d);
    (void)snprintf(from, sizeof from, "%04d-%02d-%02d", (int)day.year, day.month, day.day);
    json_t *j = json_pack("{s:s, s:s, s:i, s:s, s:s}", "kind", a->kind, "grade",
                          rfl_grade_word((enum rfl_grade)a->clue.grade), "number", (int)a->clue.edition, "edition",
                          rfl_directory_label(d), "effective", from);
    if (a->pseudo != NULL)
        (void)json_object_set_new(j, "stands_for", json_string(a->pseudo));
    if (!a->found)
        return j;
    (void)json_object_set_new(j, "country", json_stringn(&a->clue.country, 1));
    (void)json_object_set_new(j, "icb", json_string(a->clue.icb));
    (void)json_object_set_new(j, "sub_icb", json_string(a->clue.sub_icb));
    (void)json_object_set_new(j, "terminated", json_boolean(a->clue.flags & RFL_CLUE_TERMINATED));
    (void)json_object_set_new(j, "large_user", json_boolean(a->clue.flags & RFL_CLUE_LARGE_USER));
    (void)json_object_set_new(j, "closed", json_boolean(a->clue.flags & RFL_CLUE_CLOSED_PRACTICE));
    (void)json_object_set_new(j, "closed_on", json_integer(a->detail.closed_on));
    (void)json_object_set_new(j, "gp_practice", json_boolean(a->detail.setting == 4));
    (void)json_object_set_new(j, "source", json_string(rfl_directory_source(d, a->detail.source)));
    (void)json_object_set_new(j, "line", json_integer(a->clue.line));
    return j;
}

/* Prints, or adds to `all` when that is there. Returns the exit code for this key. */
static int look_up(const struct rfl_directory *d, struct rfl_view text, json_t *all)
{
    struct answer a = answer_for(d, text);
    if (all != NULL)
        (void)json_array_append_new(all, answer_json(d, &a));
    else
        print_answer(d, &a);
    bool answered = a.found || a.clue.grade == RFL_GRADE_PSEUDO;
    return answered ? EXIT_FOUND : EXIT_UNKNOWN;
}

static int look_up_lines(const struct rfl_directory *d, FILE *in, json_t *all)
{
    char *line = NULL;
    size_t room = 0;
    int code = EXIT_FOUND;
    for (ssize_t len; (len = getline(&line, &room, in)) != -1;) {
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (look_up(d, (struct rfl_view){ (const uint8_t *)line, (size_t)len }, all) != EXIT_FOUND)
            code = EXIT_UNKNOWN;
    }
    free(line);
    return code;
}

static int lookup(int argc, char **argv)
{
    struct options o;
    struct rfl_directory *d = NULL;
    struct rfl_directory_fault fault;
    if (!read_options(argc, argv, &o) || o.directory == NULL || optind == argc)
        return usage("lookup: --directory FILE and a postcode or practice code are needed");
    enum rfl_err err = rfl_directory_open(o.directory, &d, &fault);
    if (err != RFL_E_OK) {
        say_fault(err, &fault);
        return exit_of(err);
    }
    int code = EXIT_FOUND;
    json_t *all = o.json ? json_array() : NULL;
    for (int i = optind; i < argc; i++) {
        int one = strcmp(argv[i], "-") == 0 ? look_up_lines(d, stdin, all) : look_up(d, view_of(argv[i]), all);
        code = one != EXIT_FOUND ? one : code;
    }
    rfl_directory_close(&d);
    int printed = o.json ? print_json(all) : fflush(stdout) == 0 ? EXIT_FOUND : EXIT_TRY_AGAIN;
    return printed != EXIT_FOUND ? fail(printed, "the answer could not be written") : code;
}

int ctl_directory(int argc, char **argv)
{
    static const struct { const char *word; int (*run)(int argc, char **argv); } words[] = {
        { "build", build }, { "list", list }, { "lookup", lookup },
    };
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || (i == 1 && strcmp(argv[i], "help") == 0))
            return fputs(usage_text, stdout) >= 0 ? EXIT_FOUND : EXIT_TRY_AGAIN;
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(argv[1], words[i].word) == 0)
            return words[i].run(argc - 1, argv + 1);
    return usage("the next word must be build, list or lookup");
}
