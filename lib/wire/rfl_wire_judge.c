#include "rfl_wire_judge.h"

#include "rfl_finding.h"
#include "rfl_date.h"
#include "rfl_ident.h"

#define PATH(text) (struct rfl_view){ (const uint8_t *)"referral." text, sizeof "referral." text - 1 }

static void judge_person(const struct rfl_form *form, struct rfl_findings *findings)
{
    bool reachable = form->phone.len > 0 || form->email.len > 0 || form->address.len > 0;
    bool known = form->name.len > 0 || form->nhs_number.len > 0 || form->nino.len > 0;
    if (!reachable && !known && form->postcode.len == 0) {
        rfl_findings_add(findings, PATH("person"), RFL_FINDING_NOBODY);
        return;
    }
    if (!reachable)
        rfl_findings_add(findings, PATH("person"), RFL_FINDING_NO_ROUTE);
    if (form->name.len == 0)
        rfl_findings_add(findings, PATH("person.name"), RFL_FINDING_NO_NAME);
}

static void judge_nhs(struct rfl_view text, struct rfl_findings *findings)
{
    char normal[RFL_NHS_BYTES];
    enum rfl_grade grade = rfl_ident_nhs(text, normal);
    if (grade == RFL_GRADE_MALFORMED)
        rfl_findings_add(findings, PATH("person.nhs_number"), RFL_FINDING_NHS_SHAPE);
    else if (grade == RFL_GRADE_BAD_CHECK)
        rfl_findings_add(findings, PATH("person.nhs_number"), RFL_FINDING_NHS_CHECK);
    else if (grade == RFL_GRADE_TEST_RANGE || grade == RFL_GRADE_UNKNOWN)
        rfl_findings_add(findings, PATH("person.nhs_number"), RFL_FINDING_NHS_NEVER);
}

static bool is_email(struct rfl_view text)
{
    const uint8_t *at = text.len == 0 ? NULL : memchr(text.p, '@', text.len);
    return at != NULL && at > text.p && at < text.p + text.len - 1;
}

static void judge_shapes(const struct rfl_form *form, struct rfl_findings *findings)
{
    char nino[RFL_NINO_BYTES], code[RFL_ODS_BYTES];
    struct rfl_postcode postcode;
    struct rfl_date date;
    if (rfl_ident_nino(form->nino, nino) == RFL_GRADE_MALFORMED)
        rfl_findings_add(findings, PATH("person.nino"), RFL_FINDING_NINO_SHAPE);
    if (rfl_ident_postcode(form->postcode, &postcode) == RFL_GRADE_MALFORMED)
        rfl_findings_add(findings, PATH("person.postcode"), RFL_FINDING_POSTCODE_SHAPE);
    if (form->date_of_birth.len > 0 && !rfl_date_parse(form->date_of_birth, &date))
        rfl_findings_add(findings, PATH("person.date_of_birth"), RFL_FINDING_BIRTH_SHAPE);
    if (form->email.len > 0 && !is_email(form->email))
        rfl_findings_add(findings, PATH("person.email"), RFL_FINDING_EMAIL_SHAPE);
    if (rfl_ident_practice(form->gp_practice, code) == RFL_GRADE_MALFORMED)
        rfl_findings_add(findings, PATH("gp_practice"), RFL_FINDING_PRACTICE_SHAPE);
    if (rfl_ident_ods(form->referrer_area, code) == RFL_GRADE_MALFORMED)
        rfl_findings_add(findings, PATH("referrer_area"), RFL_FINDING_AREA_SHAPE);
}

void rfl__wire_judge(const struct rfl_form *form, bool door_said, struct rfl_findings *findings)
{
    if (form->door == RFL_DOOR_NONE && !door_said)
        rfl_findings_add(findings, PATH("door"), RFL_FINDING_NO_DOOR);
    judge_person(form, findings);
    if (form->consent == RFL_CONSENT_NOT_STATED)
        rfl_findings_add(findings, PATH("consent"), RFL_FINDING_NO_CONSENT);
    judge_nhs(form->nhs_number, findings);
    judge_shapes(form, findings);
}
