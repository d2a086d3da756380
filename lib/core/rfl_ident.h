/* rfl_ident.h: identifiers as strangers write them, made comparable and graded.
 *
 * Every function takes untrusted bytes and answers with a grade; none refuses anybody. A bad identifier is passed over
 * as a routing or matching key, and its grade is kept so that the trail can say why. Nothing is allocated, nothing is
 * kept, no locale is consulted: only ASCII letters and digits count, tested before any change of case, so that a
 * dotless i or a long s (which some libraries fold to I and S) is malformed and never a look-alike of a real code.
 *
 * On RFL_GRADE_ABSENT and RFL_GRADE_MALFORMED *out is all zero; on every other grade it holds the normal form.
 * ABSENT means no bytes, or spaces only. Spaces around the value are ignored everywhere. */
#ifndef RFL_IDENT_H
#define RFL_IDENT_H

#include "rfl_words.h"

enum {
    RFL_NHS_BYTES = 11,             /* ten digits and a zero byte */
    RFL_NINO_BYTES = 10,            /* eight or nine characters and a zero byte */
    RFL_POSTCODE_BYTES = 8,         /* five to seven characters, padded with zero bytes */
    RFL_ODS_BYTES = 13              /* three to twelve characters, padded with zero bytes */
};

/* NHS number: ten digits, mod 11 check, weights 10 to 2. One space or dash may follow the 3rd and the 6th digit.
 *
 *   OK          the check digit fits
 *   TEST_RANGE  999 000 0000 to 999 999 9999 with a fitting check digit: never issued, for tests only
 *   UNKNOWN     the check digit fits, but nobody can have it: ten equal digits (every such number passes mod 11, and it
 *               is what people type into a box they may not leave empty), or below 010 100 0000
 *   BAD_CHECK   the check digit does not fit (NHS England's own example 3478526985 is one)
 *
 * Issued so far: 010 100 0000 to 311 299 9999 (Scotland's CHI, a date of birth first), 320 000 0010 to 399 999 9999
 * (Northern Ireland), 400 000 0000 to 499 999 9999 and 600 000 0000 to 799 999 9999 (England, Wales, Isle of Man).
 * These blocks are not enforced: a block opened next year would cut its people off from their open cases, and nobody
 * would notice. Only OK may serve as a match key; any other grade could join strangers. */
enum rfl_grade rfl_ident_nhs(struct rfl_view text, char out[RFL_NHS_BYTES]);

/* National Insurance number: two letters, six digits, suffix A to D or none. Spaces or dashes between the groups of
 * two. First and second letter are never D F I Q U V, the second is never O, and the prefixes BG GB KN NK NT TN ZZ are
 * not used (HMRC NIM39110); so QQ 12 34 56 A, the published example, is MALFORMED. There is no check digit. The suffix
 * says nothing about the person and may be missing in feeds: compare the first eight characters. OK or MALFORMED. */
enum rfl_grade rfl_ident_nino(struct rfl_view text, char out[RFL_NINO_BYTES]);

/* What a well-shaped postcode is. All but ORDINARY and GIRO grade PSEUDO: they say something, but not where. */
enum rfl_postcode_kind {
    RFL_POSTCODE_NONE,
    RFL_POSTCODE_ORDINARY,
    RFL_POSTCODE_GIRO,              /* GIR 0AA, in the published files but of no regular shape */
    RFL_POSTCODE_BFPO,              /* BF1 .., or "BFPO" and a number of one to four digits: forces' mail */
    RFL_POSTCODE_NO_FIXED_ABODE,    /* ZZ99 3VZ */
    RFL_POSTCODE_NOT_KNOWN,         /* ZZ99 3WZ */
    RFL_POSTCODE_ENGLAND,           /* ZZ99 3CZ: England, Great Britain or United Kingdom, not otherwise stated */
    RFL_POSTCODE_WALES,             /* ZZ99 3GZ */
    RFL_POSTCODE_SCOTLAND,          /* ZZ99 1WZ */
    RFL_POSTCODE_NORTHERN_IRELAND,  /* ZZ99 2WZ */
    RFL_POSTCODE_ABROAD             /* any other ZZ99: a country code */
};

struct rfl_postcode {
    char text[RFL_POSTCODE_BYTES];  /* upper case, no spaces; the inward code is the last three characters */
    uint64_t key;                   /* the eight bytes of text, first byte highest: sorts as text does; 0 none */
    enum rfl_postcode_kind kind;
};

/* Postcode: [A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2} once spaces are dropped, wherever they stand (the published files
 * spell one postcode with none, one, two or three), GIR 0AA and BFPO numbers. OK, PSEUDO or MALFORMED. The letters that
 * an inward code never uses are not enforced: a postcode that does not exist is UNKNOWN to the directory anyway. */
enum rfl_grade rfl_ident_postcode(struct rfl_view text, struct rfl_postcode *out);

/* Any ODS code: 3 to 12 letters and digits, made upper case because senders differ. OK or MALFORMED. */
enum rfl_grade rfl_ident_ods(struct rfl_view text, char out[RFL_ODS_BYTES]);

/* The code of a GP practice: A99999, AAA999 (Crown dependencies), or the A9A9A of codes made since April 2020.
 * PSEUDO: V81997 no registered practice, V81998 not applicable, V81999 not known. OK, PSEUDO or MALFORMED. */
enum rfl_grade rfl_ident_practice(struct rfl_view text, char out[RFL_ODS_BYTES]);

struct rfl_birth {
    uint16_t year;
    uint8_t month, day;
    uint8_t age_years;              /* 0 to 130, completed years; a person born on 29 February ages on 1 March */
};

/* Date of birth, exactly YYYY-MM-DD, seen from `now_ms` (ms since 1970 UTC, years 1970 to 9999). The day of `now_ms`
 * is taken in UTC, so in summer an age changes an hour after midnight in England.
 *
 *   MALFORMED   not that shape, or no such day in the calendar
 *   BAD_CHECK   a real day on which no living person was born: in the future, or more than 130 years ago
 *   OK */
enum rfl_grade rfl_ident_birth(struct rfl_view text, int64_t now_ms, struct rfl_birth *out);

#endif
