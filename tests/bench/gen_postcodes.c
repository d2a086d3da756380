/* gen_postcodes: writes an invented postcode file of any size in the shape of ONSPD or NSPL, for measuring.
 *
 *   gen_postcodes [--rows N] [--seed N] [--style onspd|nspl] [--year 23..99] > FILE
 *
 * Nothing in it is real: outward codes run through all letters, areas are dealt out by hash, and only the shape of the
 * columns (names, positions, widths, quoting) follows the published files. The same options give the same bytes. */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_DEFAULT = 2700000, ROWS_MAX = 5000000, OUT_BYTES = 1 << 20 };

struct options { uint64_t rows, seed; bool nspl; unsigned year; };

/* splitmix64: any good mixing will do; it only has to be the same everywhere. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* % stands for the year; a star marks the columns that are filled with something other than a pseudo code. */
static const char *const onspd[] = {
    "*pcd7", "*pcd8", "*pcds", "*dointr", "*doterm", "cty%cd", "ced%cd", "lad%cd", "wd%cd", "parncp%cd", "*usrtypind",
    "east1m", "north1m", "gridind", "hlth19cd", "nhser24cd", "*ctry%cd", "rgn%cd", "ssr95cd", "pcon24cd", "eer20cd",
    "educ23cd", "ttwa15cd", "pco19cd", "itl25cd", "wdstl05cd", "oa01cd", "wdcas03cd", "npark16cd", "lsoa01cd",
    "msoa01cd", "ruc01ind", "oac01ind", "oa11cd", "lsoa11cd", "msoa11cd", "wz11cd", "*sicbl%cd", "bua24cd", "ruc11ind",
    "oac11ind", "lat", "long", "lep21cd1", "lep21cd2", "pfa23cd", "imd20ind", "cal%cd", "*icb%cd", "oa21cd", "lsoa21cd",
    "msoa21cd", "ruc21ind", "oac21ind", "imd25ind"
};
static const char *const nspl[] = {
    "*pcd7", "*pcd8", "*pcds", "*dointr", "*doterm", "*usrtypind", "east1m", "north1m", "gridind", "oa21cd", "cty%cd",
    "ced%cd", "lad%cd", "wd%cd", "nhser24cd", "*ctry%cd", "rgn%cd", "pcon24cd", "ttwa15cd", "itl25cd", "npark16cd",
    "lsoa21cd", "msoa21cd", "wz11cd", "*sicbl%cd", "bua24cd", "ruc21ind", "oac11ind", "lat", "long", "lep21cd1",
    "lep21cd2", "pfa23cd", "imd20ind", "*icb%cd"
};

struct row { char outward[5], inward[4]; char country; unsigned icb, sub_icb, year, ended; bool large_user; };

/* Row n of an order that rises as the published files do: area, district, sector, unit. */
static struct row make_row(uint64_t n, uint64_t seed)
{
    static const char units[] = "ABDEFGHJLNPQRSTUWXYZ";
    struct row row;
    uint64_t unit = n % 400, sector = n / 400 % 10, district = n / 4000 % 60, area = n / 240000;
    uint64_t h = mix(seed ^ (n / 1200)), own = mix(seed + n * 3);
    (void)snprintf(row.outward, sizeof row.outward, "%c%c%u", (char)('A' + area % 24), (char)('A' + seed % 7),
                   (unsigned)district + 1);
    (void)snprintf(row.inward, sizeof row.inward, "%u%c%c", (unsigned)sector, units[unit / 20], units[unit % 20]);
    row.country = h % 100 < 83 ? 'E' : "WSNL"[h % 4];
    row.icb = (unsigned)(h >> 8) % 36;
    row.sub_icb = row.icb * 3 + (unsigned)(h >> 16) % 3;
    row.year = 1980 + (unsigned)(own % 40);
    row.ended = own % 3 == 0 ? row.year * 100 + 100 + 1 + (unsigned)(own >> 8) % 12 : 0;
    row.large_user = own % 11 == 0;
    return row;
}

static void put_value(FILE *out, const char *name, const struct row *row)
{
    if (strcmp(name, "pcd7") == 0)
        (void)fprintf(out, "\"%-4s%s\"", row->outward, row->inward);
    else if (strcmp(name, "pcd8") == 0)
        (void)fprintf(out, "\"%-4s %s\"", row->outward, row->inward);
    else if (strcmp(name, "pcds") == 0)
        (void)fprintf(out, "\"%s %s\"", row->outward, row->inward);
    else if (strcmp(name, "dointr") == 0)
        (void)fprintf(out, "\"%u01\"", row->year);
    else if (strcmp(name, "doterm") == 0 && row->ended != 0)
        (void)fprintf(out, "\"%u\"", row->ended);
    else if (strcmp(name, "doterm") == 0)
        (void)fputs("\"\"", out);
    else if (strcmp(name, "usrtypind") == 0)
        (void)fprintf(out, "\"%d\"", row->large_user);
    else if (strcmp(name, "ctry%cd") == 0)
        (void)fprintf(out, "\"%c92000001\"", row->country);
    else if (row->country != 'E')
        (void)fprintf(out, "\"%c99999999\"", row->country);
    else if (strcmp(name, "icb%cd") == 0)
        (void)fprintf(out, "\"E54000%03u\"", 800 + row->icb);
    else
        (void)fprintf(out, "\"E38000%03u\"", 800 + row->sub_icb);
}

static void put_file(FILE *out, const struct options *o)
{
    const char *const *names = o->nspl ? nspl : onspd;
    size_t count = o->nspl ? sizeof nspl / sizeof nspl[0] : sizeof onspd / sizeof onspd[0];
    for (size_t i = 0; i < count; i++) {
        const char *name = names[i] + (names[i][0] == '*');
        const char *gap = strchr(name, '%');
        if (i > 0)
            (void)fputc(',', out);
        if (gap == NULL)
            (void)fputs(name, out);
        else
            (void)fprintf(out, "%.*s%02u%s", (int)(gap - name), name, o->year, gap + 1);
    }
    (void)fputs("\r\n", out);
    for (uint64_t n = 0; n < o->rows; n++) {
        struct row row = make_row(n, o->seed);
        for (size_t i = 0; i < count; i++) {
            if (i > 0)
                (void)fputc(',', out);
            if (names[i][0] == '*')
                put_value(out, names[i] + 1, &row);
            else if (strstr(names[i], "cd") != NULL)
                (void)fprintf(out, "\"%c99999999\"", row.country);
            else
                (void)fputs("\"1\"", out);
        }
        (void)fputs("\r\n", out);
    }
}

static bool number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    char *end = NULL;
    uintmax_t n = strtoumax(text, &end, 10);
    *out = n;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && n >= low && n <= high;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        { "rows", required_argument, NULL, 'r' }, { "seed", required_argument, NULL, 's' },
        { "style", required_argument, NULL, 't' }, { "year", required_argument, NULL, 'y' }, { NULL, 0, NULL, 0 }
    };
    bool good = true;
    for (int c; good && (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        uint64_t year = o->year;
        if (c == 'r')
            good = number(optarg, 1, ROWS_MAX, &o->rows);
        else if (c == 's')
            good = number(optarg, 0, UINT32_MAX, &o->seed);
        else if (c == 'y')
            good = number(optarg, 23, 99, &year);
        else
            good = c == 't' && (strcmp(optarg, "onspd") == 0 || strcmp(optarg, "nspl") == 0);
        if (c == 't' && good)
            o->nspl = strcmp(optarg, "nspl") == 0;
        o->year = (unsigned)year;
    }
    return good && optind == argc;
}

int main(int argc, char **argv)
{
    struct options o = { .rows = ROWS_DEFAULT, .seed = 1, .nspl = false, .year = 26 };
    if (!read_options(argc, argv, &o)) {
        (void)fputs("usage: gen_postcodes [--rows 1..5000000] [--seed N] [--style onspd|nspl] [--year 23..99]\n",
                    stderr);
        return 64;
    }
    static char buffer[OUT_BYTES];
    (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    put_file(stdout, &o);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 74;
}
