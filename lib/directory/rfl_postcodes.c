/* The loader of ONSPD and NSPL postcode files. */
#include "rfl_dirdraft.h"

enum column { COL_POSTCODE, COL_ICB, COL_SUB_ICB, COL_ENDED, COL_USER, COL_COUNTRY, COL_COUNT };

/* Names in the order of preference; `year` columns carry the year of their codes, as in icb26cd, or none. */
static const struct { const char *name; enum column column; bool year; } names[] = {
    { "pcds", COL_POSTCODE, false }, { "pcd7", COL_POSTCODE, false }, { "pcd8", COL_POSTCODE, false },
    { "pcd", COL_POSTCODE, false }, { "pcd2", COL_POSTCODE, false },
    { "icb", COL_ICB, true }, { "sicbl", COL_SUB_ICB, true }, { "doterm", COL_ENDED, false },
    { "usertype", COL_USER, false }, { "usrtypind", COL_USER, false }, { "ctry", COL_COUNTRY, true },
};

/* What to say when a column is missing; NULL where the file can be read without it. */
static const char *const missing[COL_COUNT] = {
    [COL_POSTCODE] = "the header has no postcode column (pcds, pcd7, pcd8, pcd or pcd2)",
    [COL_ICB] = "the header has no ICB column (icb, or icb with its year such as icb26cd); ONSPD and NSPL of 2023 or "
                "later have one",
    [COL_SUB_ICB] = "the header has no sub-ICB column (sicbl, or sicbl with its year such as sicbl26cd)",
    [COL_ENDED] = "the header has no column for the month a postcode ended (doterm)",
    [COL_USER] = NULL,
    [COL_COUNTRY] = NULL,
};

enum { NO_COLUMN = RFL_CSV_FIELDS_MAX };
struct binding { size_t column[COL_COUNT], count; };

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c; }
static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static bool is_named(struct rfl_view field, const char *name, bool year)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (i >= field.len || lower(field.p[i]) != (uint8_t)name[i])
            return false;
    if (field.len == len)
        return true;
    const uint8_t *rest = field.p + len;
    return year && field.len == len + 4 && is_digit(rest[0]) && is_digit(rest[1]) && lower(rest[2]) == 'c' &&
           lower(rest[3]) == 'd';
}

static enum rfl_err bind(struct rfl__draft *draft, const struct rfl_csv *csv, struct binding *out)
{
    out->count = csv->field_count;
    for (size_t c = 0; c < COL_COUNT; c++)
        out->column[c] = NO_COLUMN;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        for (size_t i = 0; i < csv->field_count && out->column[names[n].column] == NO_COLUMN; i++)
            if (is_named(csv->field[i], names[n].name, names[n].year))
                out->column[names[n].column] = i;
    if (csv->field_count == 0)
        return rfl__draft_refuse(draft, "the file is empty", 0);
    for (size_t c = 0; c < COL_COUNT; c++)
        if (out->column[c] == NO_COLUMN && missing[c] != NULL)
            return rfl__draft_refuse(draft, missing[c], csv->line);
    return RFL_E_OK;
}

/* `prefix` and six digits: an ONS code of nine characters. */
static bool is_ons_code(struct rfl_view v, const char *prefix)
{
    if (v.len != 9 || memcmp(v.p, prefix, 3) != 0)
        return false;
    for (size_t i = 3; i < 9; i++)
        if (!is_digit(v.p[i]))
            return false;
    return true;
}

/* The country of an ONS code by its first letter; 0 when it is none of theirs. Jersey, Guernsey and Man are islands. */
static char country_of(struct rfl_view v)
{
    if (v.len == 0)
        return 0;
    switch (v.p[0]) {
    case 'E': case 'W': case 'S': case 'N':
        return (char)v.p[0];
    case 'L': case 'M':
        return 'I';
    default:
        return 0;
    }
}

/* Fills *place. False when the row has to be left out; *skip then says why. Outside England the ICB and sub-ICB columns
 * hold health boards and pseudo codes, so they are not looked at there. */
static bool place_of(struct rfl_view icb, struct rfl_view sub_icb, struct rfl_view ctry, struct rfl__draft_place *place,
                     enum rfl_directory_skip *skip)
{
    memset(place, 0, sizeof *place);
    bool english_icb = is_ons_code(icb, "E54") && memcmp(icb.p + 3, "999999", 6) != 0;
    char country = country_of(ctry);
    place->country = country != 0 ? country : country_of(icb);
    *skip = RFL_DIRECTORY_SKIP_POSTCODE_COUNTRY;
    if (place->country == 0 || (english_icb && place->country != 'E'))
        return false;
    if (place->country != 'E')
        return true;
    *skip = RFL_DIRECTORY_SKIP_POSTCODE_ICB;
    if (!english_icb)
        return false;
    memcpy(place->icb, icb.p, icb.len);
    if (is_ons_code(sub_icb, "E38") && memcmp(sub_icb.p + 3, "999999", 6) != 0)
        memcpy(place->sub_icb, sub_icb.p, sub_icb.len);
    return true;
}

/* YYYYMM; a month that cannot be read still ends the postcode. */
static uint32_t ended_in(struct rfl_view v)
{
    uint32_t month = 0;
    for (size_t i = 0; i < v.len && v.len == 6 && is_digit(v.p[i]); i++)
        month = month * 10 + (uint32_t)(v.p[i] - '0');
    return v.len > 0 && month == 0 ? 1 : month;
}

static enum rfl_err take_row(struct rfl__draft *draft, const struct rfl_csv *csv, const struct binding *b)
{
    static const struct rfl_view none = { NULL, 0 };
    struct rfl_postcode postcode;
    struct rfl__draft_place place;
    enum rfl_directory_skip skip;
    if (rfl_ident_postcode(csv->field[b->column[COL_POSTCODE]], &postcode) != RFL_GRADE_OK) {
        rfl__draft_skip(draft, RFL_DIRECTORY_SKIP_POSTCODE_SHAPE, draft->source, csv->line);
        return RFL_E_OK;
    }
    struct rfl_view country = b->column[COL_COUNTRY] == NO_COLUMN ? none : csv->field[b->column[COL_COUNTRY]];
    if (!place_of(csv->field[b->column[COL_ICB]], csv->field[b->column[COL_SUB_ICB]], country, &place, &skip)) {
        rfl__draft_skip(draft, skip, draft->source, csv->line);
        return RFL_E_OK;
    }
    struct rfl__draft_postcode row = { .key = postcode.key, .line = csv->line, .source = draft->source };
    enum rfl_err err = rfl__draft_place(draft, &place, &row.place);
    void *array = draft->postcodes;
    if (err == RFL_E_OK)
        err = rfl__draft_grow(&array, draft->postcode_count, &draft->postcode_room, RFL_DIR_POSTCODES_MAX, sizeof row);
    draft->postcodes = array;
    if (err != RFL_E_OK)
        return err;
    row.ended = ended_in(csv->field[b->column[COL_ENDED]]);
    if (row.ended != 0)
        row.flags |= RFL_CLUE_TERMINATED;
    struct rfl_view user = b->column[COL_USER] == NO_COLUMN ? none : csv->field[b->column[COL_USER]];
    if (user.len == 1 && user.p[0] == '1')
        row.flags |= RFL_CLUE_LARGE_USER;
    draft->postcodes[draft->postcode_count++] = row;
    return RFL_E_OK;
}

enum rfl_err rfl__postcodes_load(struct rfl__draft *draft, const char *path)
{
    struct rfl_csv csv;
    struct binding binding;
    size_t kept_before = draft->postcode_count;
    enum rfl_err err = rfl_csv_init(&csv, path);
    if (err == RFL_E_OK)
        err = rfl_csv_next(&csv);
    if (err != RFL_E_OK) {
        err = rfl__draft_csv_error(draft, &csv, err);
        goto out;
    }
    err = bind(draft, &csv, &binding);
    while (err == RFL_E_OK) {
        err = rfl_csv_next(&csv);
        if (err != RFL_E_OK) {
            err = rfl__draft_csv_error(draft, &csv, err);
            break;
        }
        if (csv.field_count == 0)
            break;
        if (csv.field_count != binding.count) {
            err = rfl__draft_refuse(draft, "the row has not as many columns as the header", csv.line);
            break;
        }
        draft->report->rows_read++;
        err = take_row(draft, &csv, &binding);
        if (csv.line % 65536 == 0)
            rfl__draft_progress(draft, &csv);
    }
    if (err == RFL_E_OK && draft->postcode_count == kept_before)
        err = rfl__draft_refuse(draft, "the file has no row that can be used", 0);
    rfl__draft_progress(draft, &csv);
    draft->bytes_before += csv.bytes;
out:
    rfl_csv_fini(&csv);
    return err;
}
