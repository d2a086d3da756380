/* canaries.h: what the tests say about invented people so that it would be noticed anywhere else. One list for C and,
 * read as text, for Python (tests/canary.py).
 *
 * Whoever sends a referral in a test plants some of these; whoever leaves a folder behind has it searched first
 * (tests/security/canary.h), and tools/test searches all that the suite printed. None is anybody's: the telephone
 * number is of the range kept for drama, the NHS number is of the range that is never issued, the National Insurance
 * number has a prefix that is never used, and the postcode is of an area that does not exist. */
#ifndef CANARIES_H
#define CANARIES_H

#define CANARY_NAME "Quillfeather"
#define CANARY_STREET "Umbrellabird Crescent"
#define CANARY_PHONE "07700 900461"
#define CANARY_EMAIL "wrenhouse@nobody.example"
#define CANARY_NHS_NUMBER "9994618024"
#define CANARY_NINO "QQ461802C"
#define CANARY_POSTCODE "QZ46 8ZZ"
#define CANARY_BIRTH "1947-07-19"
#define CANARY_WORDS "flibbertigibbet"

/* For contact notes: what a form does not say in a field of its own, because it would make everybody one person. */
#define CANARY_NOTES CANARY_WORDS ", " CANARY_NHS_NUMBER ", " CANARY_NINO ", " CANARY_POSTCODE ", " CANARY_BIRTH ", " \
                     CANARY_EMAIL

#endif
