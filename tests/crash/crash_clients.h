/* crash_clients.h: adapters and workers that go on through any number of kills, and remember what they were told.
 *
 * Each runs in a thread of its own with libreferral alone, and keeps a ledger: an adapter the receipt of every
 * reference and the feedback of its mailbox, a worker every case that it was given. What must never be is a violation:
 * it is said on stderr (without personal data: all of it is invented) and counted. Ledgers are read after the thread
 * was joined. */
#ifndef CRASH_CLIENTS_H
#define CRASH_CLIENTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "referral.h"

enum { CRASH_CODE_BYTES = 16, CRASH_REFERENCES_MAX = 1 << 18, CRASH_CASES_MAX = 1 << 19 };

struct crash_shared {
    const char *doors, *workers;
    uint64_t seed;
    atomic_uint allowance;              /* references each adapter may have used by now */
    atomic_bool stopping;               /* leave the loop at once */
    atomic_ulong violations, receipts, accepts, replays, conflicts;
};

void crash_violation(struct crash_shared *shared, const char *rule, const char *code);

struct crash_reference { char receipt[CRASH_CODE_BYTES]; bool fed_accepted; };

struct crash_adapter {
    struct crash_shared *shared;
    pthread_t thread;
    unsigned number;                    /* its source is bench-<number> */
    uint32_t used;                      /* references sent so far */
    uint32_t receipted;                 /* of them, those that have a receipt */
    atomic_uint settled;                /* the same, for others to watch */
    atomic_ullong fed;                  /* mailbox sequence handled last */
    atomic_ullong mailbox_last;         /* the last there is, as MailboxOpened said */
    atomic_uint opened;                 /* how often it said so */
    uint64_t told_ms, random;
    uint32_t unacknowledged;
    struct rfl_client_counts counts;
    struct crash_reference *reference;  /* CRASH_REFERENCES_MAX */
};

/* The referral of a reference: the same bytes whenever it is asked for. Every 20th person is one seen before, so that
 * it joins. `other` makes other bytes, for a conflict. */
void crash_invent(unsigned adapter, uint32_t n, bool other, struct rfl_form *form, char text[3][64]);
void crash_reference_name(unsigned adapter, uint32_t n, char out[32]);
/* Which n has this name; UINT32_MAX: none of this adapter's. */
uint32_t crash_reference_number(unsigned adapter, struct rfl_view name);

bool crash_adapter_start(struct crash_adapter *adapter);

/* What a worker knows of one case. */
struct crash_case {
    char code[CRASH_CODE_BYTES], receipt[CRASH_CODE_BYTES];    /* receipt: of its first referral */
    struct rfl_token token;             /* of the offer it answered last; of the accepted one once it has it */
    uint8_t doing;                      /* enum rfl_message_kind of what is in flight; RFL_MSG_NONE */
    uint8_t status;                     /* enum rfl_status as last told; ACCEPTED from the Record on */
    bool has_it, passed_on;
};

struct crash_worker {
    struct crash_shared *shared;
    pthread_t thread;
    unsigned number;
    char (*queues)[RFL_NAME_BYTES_MAX + 1];
    unsigned queue_count;
    struct rfl_client_counts counts;
    atomic_uint in_flight;
    struct crash_case *cases;           /* open addressing by code; CRASH_CASES_MAX slots */
    uint32_t case_count;
};

bool crash_worker_start(struct crash_worker *worker);
/* NULL: never met. */
struct crash_case *crash_case_of(struct crash_worker *worker, const char *code, size_t code_bytes, bool make);

#endif
