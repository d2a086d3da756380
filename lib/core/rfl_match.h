/* rfl_match.h: by what two referrals are known to speak of one person.
 *
 * Up to three keys, strongest first: a valid NHS number; a well-formed National Insurance number (its eight characters:
 * the suffix says nothing); name, date of birth and postcode, normalised so that order, case, accents, titles and
 * spelling of spaces do not matter. A bad check digit, a pseudo-postcode or a missing part is never a key. The keys are
 * texts here; who stores them hashes them under a secret key first, and forgets the text. Pure; no ownership.
 *
 * What follows from comparing is rfl_match_judge: joining needs the strongest key that both have to be the same. */
#ifndef RFL_MATCH_H
#define RFL_MATCH_H

#include "rfl_ident.h"
#include "rfl_message.h"

enum { RFL_MATCH_TEXT_BYTES_MAX = 160 };

/* text[i] of kind i; len 0: this referral has no such key. */
struct rfl_match_texts { uint8_t text[RFL_MATCH_COUNT][RFL_MATCH_TEXT_BYTES_MAX]; size_t len[RFL_MATCH_COUNT]; };

/* test_people: NHS numbers of the never-issued test range count as valid. now_ms judges the date of birth. */
void rfl_match_texts_of(const struct rfl_form *form, bool test_people, int64_t now_ms, struct rfl_match_texts *out);

enum rfl_match_verdict {
    RFL_MATCH_STRANGERS,        /* no key in common */
    RFL_MATCH_SAME,             /* the strongest key that both have is the same */
    RFL_MATCH_RESEMBLES         /* a weaker key is the same, a stronger one that both have differs: a person decides */
};
enum rfl_match_verdict rfl_match_judge(const struct rfl_hash mine[RFL_MATCH_COUNT],
                                       const struct rfl_hash theirs[RFL_MATCH_COUNT]);

#endif
