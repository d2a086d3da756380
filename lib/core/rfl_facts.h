/* rfl_facts.h: what routing may look at, and nothing else.
 *
 * Facts are coarse on purpose: no name, number, date of birth or postcode is in them, so a decision can be kept and
 * replayed after the person's record is erased. A clue is what one key said: where the directory or the configuration
 * places it. The caller (the engine) fills the clues; routing only reads them. Values, no ownership. */
#ifndef RFL_FACTS_H
#define RFL_FACTS_H

#include "rfl_words.h"

enum { RFL_CODE_BYTES = 12 };                   /* an ODS or ONS code, zero padded, at most 11 characters */
enum { RFL_FULL_MAX = 8 };                      /* full queues that one decision can pass over */

enum { RFL_CLUE_TERMINATED = 1, RFL_CLUE_LARGE_USER = 2, RFL_CLUE_CLOSED_PRACTICE = 4 };

struct rfl_clue {
    uint8_t grade;                              /* enum rfl_grade */
    uint8_t flags;                              /* RFL_CLUE_... */
    char country;                               /* 'E' 'W' 'S' 'N' 'I' (islands), 0 not known */
    char icb[RFL_CODE_BYTES];                   /* as in the directory's edition: Q?? or ANANA, or E54......; "" none */
    char sub_icb[RFL_CODE_BYTES];               /* 3 or 5 characters, or E38......; "" none */
    uint32_t line;                              /* line of the source file; 0 when it was configuration */
    uint16_t edition;                           /* the directory's edition number; 0 when it was configuration */
};

struct rfl_facts {
    uint8_t door, band, consent, employment;    /* enums of the same names */
    uint8_t main_barrier;                       /* 1..18, Labour Force Survey; 0 not stated */
    uint8_t age_years;                          /* 0 not known */
    uint16_t weeks_out_of_work;                 /* 0 not stated or in work */
    uint32_t flags;                             /* RFL_FLAG_... */
    struct rfl_source_no source;
    struct rfl_clue clue[RFL_KEY_COUNT];
    uint8_t full_count;
    struct rfl_queue_no full[RFL_FULL_MAX];     /* queues that had no room when it was decided, of those asked */
};

#endif
