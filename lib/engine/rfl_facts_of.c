/* From what a person wrote to what routing may look at. */
#include "rfl_engine_int.h"

/* A code the configuration places, not the directory: an ODS or ONS code of an ICB, or of a part of one. */
static void clue_of_area_code(const struct rfl_engine *e, struct rfl_view text, int64_t at_ms, struct rfl_clue *clue)
{
    char code[RFL_ODS_BYTES];
    enum rfl_grade grade = rfl_ident_ods(text, code);
    size_t len = 0;
    while (len < sizeof code && code[len] != '\0')
        len++;
    clue->grade = (uint8_t)grade;
    if (grade != RFL_GRADE_OK)
        return;
    enum rfl_code_stand stand;
    if (len >= RFL_CODE_BYTES ||
        rfl_policy_area_by_code(e->policy, (struct rfl_view){ (const uint8_t *)code, len }, at_ms, &stand) == NULL) {
        clue->grade = RFL_GRADE_UNKNOWN;
        return;
    }
    memcpy(clue->icb, code, len);
    clue->country = 'E';
}

static void clue_of_postcode(const struct rfl_engine *e, struct rfl_view text, struct rfl_clue *clue)
{
    struct rfl_postcode postcode;
    enum rfl_grade grade = rfl_ident_postcode(text, &postcode);
    if (grade == RFL_GRADE_OK) {
        rfl_directory_postcode(e->directory, postcode.key, clue);
        return;
    }
    clue->grade = (uint8_t)grade;
    if (postcode.kind == RFL_POSTCODE_WALES)
        clue->country = 'W';
    else if (postcode.kind == RFL_POSTCODE_SCOTLAND)
        clue->country = 'S';
    else if (postcode.kind == RFL_POSTCODE_NORTHERN_IRELAND)
        clue->country = 'N';
}

static void clue_of_practice(const struct rfl_engine *e, struct rfl_view text, struct rfl_clue *clue)
{
    char code[RFL_ODS_BYTES];
    enum rfl_grade grade = rfl_ident_practice(text, code);
    clue->grade = (uint8_t)grade;
    if (grade == RFL_GRADE_OK)
        rfl_directory_practice(e->directory, text, clue);
}

static uint32_t flags_of(const struct rfl_form *form)
{
    return (form->safeguarding ? RFL_FLAG_SAFEGUARDING : 0u) | (form->incident ? RFL_FLAG_INCIDENT : 0u) |
           (form->interpreter ? RFL_FLAG_INTERPRETER : 0u) | (form->step_free ? RFL_FLAG_STEP_FREE : 0u);
}

void rfl__facts_of(const struct rfl_engine *e, const struct rfl_form *form, struct rfl_source_no source,
                   int64_t at_ms, struct rfl_facts *facts)
{
    struct rfl_birth birth;
    memset(facts, 0, sizeof *facts);
    facts->door = form->door;
    facts->band = form->has_band ? form->band : RFL_BAND_ROUTINE;
    facts->consent = form->consent;
    facts->employment = form->employment;
    facts->main_barrier = form->main_barrier;
    if (rfl_ident_birth(form->date_of_birth, at_ms, &birth) == RFL_GRADE_OK)
        facts->age_years = birth.age_years;
    facts->weeks_out_of_work = form->weeks_out_of_work > UINT16_MAX ? UINT16_MAX : (uint16_t)form->weeks_out_of_work;
    facts->flags = flags_of(form);
    facts->source = source;
    clue_of_postcode(e, form->postcode, &facts->clue[RFL_KEY_POSTCODE]);
    clue_of_practice(e, form->gp_practice, &facts->clue[RFL_KEY_GP_PRACTICE]);
    rfl_policy_clue_jobcentre(e->policy, form->jobcentre, &facts->clue[RFL_KEY_JOBCENTRE]);
    if (form->referrer_area.len > 0)
        clue_of_area_code(e, form->referrer_area, at_ms, &facts->clue[RFL_KEY_REFERRER_AREA]);
    else
        rfl_policy_clue_referrer(e->policy, source, &facts->clue[RFL_KEY_REFERRER_AREA]);
}
