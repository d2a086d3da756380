/* rfl_directory.h: which ICB a postcode or a GP practice belongs to, in a dated edition.
 *
 * A directory is one compiled file (FORMAT.md), made by rfl_directory_build and mapped read-only: opening costs one
 * pass over its bytes (checksum, order, bounds), a lookup a fraction of a microsecond and no memory. A directory never
 * changes once open: a newer file is put in place by rename, and the mapped one stays whole until it is closed.
 * Truncating a mapped file in place ends every reader with SIGBUS; nothing of ours does that.
 *
 * A set is a folder of them. Editions for a future date can lie there in advance: each takes effect at 00:00 in England
 * on its date. Lookups write no personal data anywhere and keep nothing. Safe to read from several threads. */
#ifndef RFL_DIRECTORY_H
#define RFL_DIRECTORY_H

#include "rfl_date.h"
#include "rfl_facts.h"
#include "rfl_ident.h"

#define RFL_DIRECTORY_SUFFIX ".rfldir"
enum { RFL_DIRECTORY_NAME_BYTES = 64, RFL_DIRECTORY_SET_MAX = 64 };

struct rfl_directory;
struct rfl_directory_set;

/* Why a file was refused. Never holds anything that was read from the file. */
struct rfl_directory_fault {
    const char *rule;                           /* what is wrong and what to do, as a sentence without a full stop */
    char file[RFL_DIRECTORY_NAME_BYTES];        /* name without folders, shortened when longer; "" when no file */
    uint32_t line;                              /* 0 when it is not about a line */
    int sys_errno;                              /* after RFL_E_IO; 0 otherwise */
};

/* Maps and checks a compiled directory; the caller closes it. `fault` may be NULL.
 * RFL_E_ABSENT: no such file; RFL_E_IO; RFL_E_MEMORY; RFL_E_VERSION: compiled by another version; RFL_E_CORRUPT: not a
 * directory, cut short, or its checksum, order or bounds are wrong. *out is NULL after an error. */
RFL_MUST_USE enum rfl_err rfl_directory_open(const char *path, struct rfl_directory **out,
                                             struct rfl_directory_fault *fault);
void rfl_directory_close(struct rfl_directory **directory);

/* Borrowed until close; 1 to 31 printable ASCII characters. */
const char *rfl_directory_label(const struct rfl_directory *directory);
uint16_t rfl_directory_edition(const struct rfl_directory *directory);
struct rfl_date rfl_directory_effective(const struct rfl_directory *directory);
/* 00:00 in England on that day, ms since 1970 UTC. */
int64_t rfl_directory_effective_ms(const struct rfl_directory *directory);
uint32_t rfl_directory_postcode_count(const struct rfl_directory *directory);
uint32_t rfl_directory_practice_count(const struct rfl_directory *directory);
/* The name of the published file that a clue's line counts in, by index; NULL past the last. Borrowed until close. */
const char *rfl_directory_source(const struct rfl_directory *directory, uint32_t index);

/* Places a postcode that rfl_ident_postcode graded OK; `key` is its packed form. The grade of *out becomes
 *   OK       in England: icb (E54......) and, where the file had one, sub_icb (E38......)
 *   OUTSIDE  a real postcode outside England: country only
 *   UNKNOWN  not in this edition, or there is no directory (NULL is allowed): all else but the edition is zero
 * Flags: TERMINATED for a postcode no longer in use (its last place stands), LARGE_USER for an organisation's mail. */
void rfl_directory_postcode(const struct rfl_directory *directory, uint64_t key, struct rfl_clue *out);

/* The same for a GP practice; upper or lower case. icb is Q?? or A9A9A, sub_icb 3 or 5 characters. Not the practice's
 * own postcode but the list it is on decides, as the NHS counts it. Flag: CLOSED_PRACTICE. Bytes that are no ODS code
 * are UNKNOWN. Whether an old regional code is an ICB today is for the policy's dated aliases to say. */
void rfl_directory_practice(const struct rfl_directory *directory, struct rfl_view code, struct rfl_clue *out);

/* The ICB that a sub-ICB's code belongs to in this edition. False: the edition does not have the code. Linear in the
 * edition's places, of which there are a few hundred. */
bool rfl_directory_sub_icb(const struct rfl_directory *directory, const char sub_icb[RFL_CODE_BYTES],
                           char icb[RFL_CODE_BYTES]);

/* What lookup tools show beside the clue. */
struct rfl_directory_detail {
    uint32_t source;                            /* for rfl_directory_source */
    uint32_t closed_on;                         /* YYYYMMDD when the file gave one, else 0 */
    uint8_t setting;                            /* prescribing setting; 4 is a GP practice; 255 not given */
    char status;                                /* A active, C closed, D dormant, P proposed; 0 for a postcode */
};
/* False when the code or postcode is not in the directory; *out is then zero. */
bool rfl_directory_postcode_detail(const struct rfl_directory *directory, uint64_t key,
                                   struct rfl_directory_detail *out);
bool rfl_directory_practice_detail(const struct rfl_directory *directory, struct rfl_view code,
                                   struct rfl_directory_detail *out);

/* Opens every file of a folder whose name ends in RFL_DIRECTORY_SUFFIX and does not begin with a dot. All or nothing:
 * one bad file and the set is not opened, so that a reload keeps the old set. An empty folder gives an empty set.
 * RFL_E_ABSENT: no such folder; RFL_E_FULL: more than RFL_DIRECTORY_SET_MAX files; else as rfl_directory_open. */
RFL_MUST_USE enum rfl_err rfl_directory_set_open(const char *folder, struct rfl_directory_set **out,
                                                 struct rfl_directory_fault *fault);
void rfl_directory_set_close(struct rfl_directory_set **set);
uint32_t rfl_directory_set_count(const struct rfl_directory_set *set);
/* By effective moment, then edition number; index below the count. Borrowed until the set is closed. */
const struct rfl_directory *rfl_directory_set_get(const struct rfl_directory_set *set, uint32_t index);
/* The last one in that order whose moment is not after `at_ms`; NULL when there is none, or `set` is NULL. */
const struct rfl_directory *rfl_directory_set_at(const struct rfl_directory_set *set, int64_t at_ms);
/* When the next edition after `at_ms` takes effect, so that open cases can be looked at again; INT64_MAX if none. */
int64_t rfl_directory_set_next_ms(const struct rfl_directory_set *set, int64_t at_ms);

#endif
