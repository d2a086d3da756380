/* ctl_chain.h: a log outside its store: the file that `audit export` writes, checked without daemon or store.
 *
 * NDJSON (lib/store/FORMAT.md, "An exported log"): a header, one line an entry, the signed head. */
#ifndef CTL_CHAIN_H
#define CTL_CHAIN_H

#include "ctl.h"
#include "rfl_head.h"

#define CTL_CHAIN_FORMAT "referrald-audit-1"

/* A head as it travels: with the key that is to check it. */
struct ctl_head { struct rfl_head head; uint8_t public_key[32]; };

/* Called for each entry that holds so far, in order. case_code and receipt are what the daemon called them when it
 * exported; they may be NULL, and the chain does not cover them. */
typedef void ctl_chain_each(void *ctx, uint64_t seq, struct rfl_view entry, const char *case_code,
                            const char *receipt);

struct ctl_chain {
    uint8_t (*hash)[32];                /* of entry i + 1 */
    uint64_t count, room;
    struct ctl_head head;
    bool has_header, has_head;
    uint8_t store_id[16], public_key[32];   /* as the header says */
    uint64_t bad_seq;                   /* of a file that is not good: from which entry on, */
    const char *why;                    /* and a literal that says what is wrong; NULL: it is good */
};

/* Checks one line after those before; the chain begins all zero. False: it does not hold, `why` says what. */
bool ctl_chain_line(struct ctl_chain *chain, const json_t *line, ctl_chain_each *each, void *ctx);
/* Reads and checks a file: every entry there once and in order, each chained to the one before, the last one signed.
 * CTL_OK: good; CTL_FINDINGS: not, see `why`; CTL_NO_INPUT: errno says why it cannot be read. Free it whatever the
 * result. each may be NULL. */
int ctl_chain_read(const char *path, ctl_chain_each *each, void *ctx, struct ctl_chain *out);
void ctl_chain_free(struct ctl_chain *chain);

/* The head in a JSON file: a receipt's, one of `audit head`, or the last line of an export. False: none is readable. */
bool ctl_head_of_json(const json_t *object, struct ctl_head *out);
json_t *ctl_head_json(const struct ctl_head *head);
/* From what the daemon said. False: it said none. */
bool ctl_head_of_message(const struct rfl_msg_head *said, struct ctl_head *out);
/* NULL: a true signature by the store of this chain, over an entry that lies on it. Else a literal: what is wrong. */
const char *ctl_head_judge(const struct ctl_chain *chain, const struct ctl_head *head);

#endif
