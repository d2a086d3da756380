/* The loader of epraccur: 27 columns by position, no header. */
#include "rfl_dirdraft.h"

enum { COL_CODE = 0, COL_GROUPING = 2, COL_ICB = 3, COL_CLOSED_ON = 11, COL_STATUS = 12, COL_COMMISSIONER = 14,
       COL_SETTING = 25, COL_COUNT = 27 };
enum { GP_SETTING = 4 };

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static bool is(struct rfl_view v, const char *text)
{
    return v.len == strlen(text) && memcmp(v.p, text, v.len) == 0;
}

/* The number of up to `max` digits; 0 when the field is anything else. */
static uint32_t number(struct rfl_view v, size_t max)
{
    uint32_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.len > max || !is_digit(v.p[i]))
            return 0;
        n = n * 10 + (uint32_t)(v.p[i] - '0');
    }
    return n;
}

/* Q and two more, or letter-digit-letter-digit-letter. Q99 is no ICB: it stands for Wales and for services that no ICB
 * commissions. Closed practices may carry codes of the regions before 2013; whether a code is an ICB is policy. */
static bool is_icb(const char code[RFL_ODS_BYTES])
{
    size_t len = strlen(code);
    if (len == 3)
        return code[0] == 'Q' && strcmp(code, "Q99") != 0;
    return len == 5 && !is_digit((uint8_t)code[0]) && is_digit((uint8_t)code[1]) && !is_digit((uint8_t)code[2]) &&
           is_digit((uint8_t)code[3]) && !is_digit((uint8_t)code[4]);
}

static bool is_island(struct rfl_view region, const char *code)
{
    return is(region, "YAC") || is(region, "YAD") || is(region, "YAE") || is(region, "YAF") ||
           memcmp(code, "JER", 3) == 0 || memcmp(code, "GUE", 3) == 0 || memcmp(code, "ALD", 3) == 0;
}

static bool place_of(const struct rfl_csv *csv, const char *code, struct rfl__draft_place *place)
{
    char icb[RFL_ODS_BYTES], sub_icb[RFL_ODS_BYTES];
    memset(place, 0, sizeof *place);
    place->country = is_island(csv->field[COL_ICB], code) ? 'I' : is(csv->field[COL_GROUPING], "W00") ? 'W' : 'E';
    if (place->country != 'E')
        return true;
    if (rfl_ident_ods(csv->field[COL_ICB], icb) != RFL_GRADE_OK || !is_icb(icb))
        return false;
    memcpy(place->icb, icb, RFL_CODE_BYTES);
    if (rfl_ident_ods(csv->field[COL_COMMISSIONER], sub_icb) == RFL_GRADE_OK &&
        (strlen(sub_icb) == 3 || strlen(sub_icb) == 5))
        memcpy(place->sub_icb, sub_icb, RFL_CODE_BYTES);
    return true;
}

static enum rfl_err take_row(struct rfl__draft *draft, const struct rfl_csv *csv)
{
    char code[RFL_ODS_BYTES];
    struct rfl__draft_place place;
    if (rfl_ident_ods(csv->field[COL_CODE], code) != RFL_GRADE_OK || strlen(code) >= RFL_CODE_BYTES) {
        rfl__draft_skip(draft, RFL_DIRECTORY_SKIP_PRACTICE_CODE, draft->source, csv->line);
        return RFL_E_OK;
    }
    if (!place_of(csv, code, &place)) {
        rfl__draft_skip(draft, RFL_DIRECTORY_SKIP_PRACTICE_ICB, draft->source, csv->line);
        return RFL_E_OK;
    }
    struct rfl__draft_practice row = { .line = csv->line, .source = draft->source, .setting = UINT8_MAX };
    enum rfl_err err = rfl__draft_place(draft, &place, &row.place);
    void *array = draft->practices;
    if (err == RFL_E_OK)
        err = rfl__draft_grow(&array, draft->practice_count, &draft->practice_room, RFL_DIR_PRACTICES_MAX, sizeof row);
    draft->practices = array;
    if (err != RFL_E_OK)
        return err;
    memcpy(row.code, code, RFL_CODE_BYTES);
    row.closed_on = number(csv->field[COL_CLOSED_ON], 8);
    if (csv->field[COL_STATUS].len == 1 && memchr("ACDP", csv->field[COL_STATUS].p[0], 4) != NULL)
        row.status = (char)csv->field[COL_STATUS].p[0];
    if (row.status == 'C')
        row.flags |= RFL_CLUE_CLOSED_PRACTICE;
    if (csv->field[COL_SETTING].len > 0 && csv->field[COL_SETTING].len <= 2)
        row.setting = (uint8_t)number(csv->field[COL_SETTING], 2);
    if (row.setting == GP_SETTING)
        row.flags |= RFL_DIR_GP_PRACTICE;
    draft->practices[draft->practice_count++] = row;
    return RFL_E_OK;
}

enum rfl_err rfl__practices_load(struct rfl__draft *draft, const char *path)
{
    struct rfl_csv csv;
    size_t kept_before = draft->practice_count;
    enum rfl_err err = rfl_csv_init(&csv, path);
    if (err != RFL_E_OK) {
        err = rfl__draft_csv_error(draft, &csv, err);
        goto out;
    }
    while (err == RFL_E_OK) {
        err = rfl_csv_next(&csv);
        if (err != RFL_E_OK) {
            err = rfl__draft_csv_error(draft, &csv, err);
            break;
        }
        if (csv.field_count == 0)
            break;
        if (csv.field_count != COL_COUNT) {
            err = rfl__draft_refuse(draft, "the row has not the 27 columns of epraccur", csv.line);
            break;
        }
        draft->report->rows_read++;
        err = take_row(draft, &csv);
    }
    if (err == RFL_E_OK && draft->practice_count == kept_before)
        err = rfl__draft_refuse(draft, "the file has no row that can be used", 0);
    rfl__draft_progress(draft, &csv);
    draft->bytes_before += csv.bytes;
out:
    rfl_csv_fini(&csv);
    return err;
}
