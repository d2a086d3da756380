/* rfl_finding.h: what can be wrong with a message, one stable code each. proto/README.md has the same list.
 *
 * A code is never reused. Its severity is part of it: an error is in the way, a warning travels with the receipt. Rules
 * and remedies are literals; a finding never holds a value somebody sent. */
#ifndef RFL_FINDING_H
#define RFL_FINDING_H

#include "rfl_message.h"

/* (NAME, code, severity, rule, remedy) */
#define RFL_FINDING_LIST(X) \
    X(REQUIRED, "V-001", ERROR, "is required", "fill it in") \
    X(TOO_LONG, "V-002", ERROR, "is longer than allowed", "shorten it; proto/README.md has the limits") \
    X(NOT_UTF8, "V-003", ERROR, "is not valid UTF-8", "encode text as UTF-8") \
    X(NUL, "V-004", ERROR, "holds a zero byte", "remove the zero byte") \
    X(CONTROL, "V-005", ERROR, "holds a control character", "remove it; only free text may have tabs and line ends") \
    X(ENUM, "V-006", ERROR, "is not one of the known values", "use a value of its enum in referral.proto") \
    X(TOO_MANY, "V-007", ERROR, "has more items than allowed", "send fewer items; proto/README.md has the limits") \
    X(RANGE, "V-008", ERROR, "is out of range", "use a number in the range that proto/README.md gives") \
    X(ONE_OF, "V-009", ERROR, "or its alternative is required", "fill in one of the two") \
    X(UNREADABLE, "V-010", ERROR, "is not a readable Referral", "send the bytes of one encoded Referral") \
    X(KEY, "V-011", ERROR, "is not a key that is known here", "use the field names of referral.proto") \
    X(KIND, "V-012", ERROR, "has the wrong type of JSON value", "see the field's type in referral.proto") \
    X(NO_DOOR, "V-020", ERROR, "says nothing about who refers", "set the door; OTHER if none fits") \
    X(NOBODY, "V-021", ERROR, "says nothing about who the person is", "give a name, a number or a way to reach them") \
    X(ODD_CONTROL, "V-040", WARNING, "holds a control character", "remove it; the text was kept as it is") \
    X(ODD_ENUM, "V-041", WARNING, "has a value not known here and was read as not stated", "check your schema's age") \
    X(ODD_RANGE, "V-042", WARNING, "is out of range and was read as not stated", "check the number") \
    X(ODD_UNKNOWN, "V-043", WARNING, "has fields not known here; kept, not used", "check your schema's age") \
    X(NO_ROUTE, "V-044", WARNING, "has no phone, email or address", "add a way to reach the person") \
    X(NO_NAME, "V-045", WARNING, "is missing, so nobody knows whom to ask for", "add the person's name") \
    X(NO_CONSENT, "V-046", WARNING, "is not stated, so the case waits until it is known", "ask, and state it") \
    X(NHS_SHAPE, "V-047", WARNING, "is not ten digits and was not used", "check the NHS number") \
    X(NHS_CHECK, "V-048", WARNING, "has a check digit that does not fit and was not used", "check the NHS number") \
    X(NHS_NEVER, "V-049", WARNING, "is a number nobody can have and was not used", "check the NHS number") \
    X(NINO_SHAPE, "V-050", WARNING, "is not of the published shape and was not used", "check the NI number") \
    X(POSTCODE_SHAPE, "V-051", WARNING, "is not of the published shape and was not used", "check the postcode") \
    X(BIRTH_SHAPE, "V-052", WARNING, "is not a day written YYYY-MM-DD and was not used", "check the date of birth") \
    X(PRACTICE_SHAPE, "V-053", WARNING, "is not the code of a GP practice and was not used", "check the ODS code") \
    X(AREA_SHAPE, "V-054", WARNING, "is not an ODS or ONS code and was not used", "check the code of the area") \
    X(EMAIL_SHAPE, "V-055", WARNING, "has no @ with something on both sides", "check the email address")

enum rfl_finding_kind {
#define X(name, code, severity, rule, remedy) RFL_FINDING_##name,
    RFL_FINDING_LIST(X)
#undef X
    RFL_FINDING_COUNT
};

/* Forgets all findings. */
void rfl_findings_clear(struct rfl_findings *findings);
/* Adds one. When the list is full an error takes the place of a warning, and the one left out is counted in `dropped`.
 * `path` must outlive *findings. */
void rfl_findings_add(struct rfl_findings *findings, struct rfl_view path, enum rfl_finding_kind kind);
/* The finding that add would make. */
struct rfl_finding rfl_finding_of(struct rfl_view path, enum rfl_finding_kind kind);

#endif
