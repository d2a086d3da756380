/* The log seen from outside: exported, checked, shown; and a receipt held against it. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_chain.h"
#include "rfl_apply.h"
#include "rfl_record.h"

enum { TAIL_DEFAULT = 20, TAIL_MAX = 100000, JSON_TEXT_MAX = 1 << 20, WHAT_BYTES = 160 };

/* ---- export ---- */

static bool put_line(FILE *out, json_t *line)
{
    int rc = line == NULL ? -1 : json_dumpf(line, out, JSON_COMPACT);
    json_decref(line);
    return rc == 0 && fputc('\n', out) != EOF;
}

static bool put_entry(FILE *out, const struct rfl_audit_row *row)
{
    size_t room = sodium_base64_encoded_len(row->entry.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    if (text == NULL)
        return false;
    (void)sodium_bin2base64(text, room, row->entry.p, row->entry.len, sodium_base64_VARIANT_ORIGINAL);
    json_t *line = json_pack("{s:I, s:s}", "seq", (json_int_t)row->sequence, "bytes", text);
    free(text);
    if (row->case_code.len > 0)
        (void)json_object_set_new(line, "case", json_stringn((const char *)row->case_code.p, row->case_code.len));
    if (row->receipt.len > 0)
        (void)json_object_set_new(line, "receipt", json_stringn((const char *)row->receipt.p, row->receipt.len));
    return put_line(out, line);
}

static json_t *header_of(const struct ctl_head *head)
{
    json_t *all = ctl_head_json(head), *header = json_pack("{s:s}", "format", CTL_CHAIN_FORMAT);
    (void)json_object_set(header, "store_id", json_object_get(all, "store_id"));
    (void)json_object_set(header, "public_key", json_object_get(all, "public_key"));
    json_decref(all);
    return header;
}

/* Page by page, until the head that came with a page is the head of its last entry. */
static int export_pages(const struct ctl *ctl, struct ctl_talk *talk, FILE *out, struct ctl_head *head)
{
    struct rfl_ask ask = { .kind = RFL_MSG_AUDIT_READ };
    struct rfl_reply reply;
    bool written = true;
    do {
        int exit_code = ctl_ask(ctl, talk, &ask, RFL_MSG_AUDIT_PAGE, &reply);
        if (exit_code != CTL_OK)
            return exit_code;
        const struct rfl_msg_audit_page *page = &reply.audit_page;
        if (!ctl_head_of_message(&page->head, head))
            return ctl_fail(ctl, CTL_PROTOCOL, "the daemon sent no signed head", "use one version of both programs");
        if (page->entries_count == 0)
            return ctl_fail(ctl, CTL_STORE_FAILED, "an entry of the log cannot be read",
                            "stop the daemon, then: referralctl store verify");
        if (ask.after_sequence == 0)
            written = put_line(out, header_of(head));
        for (uint32_t i = 0; written && i < page->entries_count; i++)
            written = put_entry(out, &page->entries[i]);
        ask.after_sequence += page->entries_count;
    } while (written && ask.after_sequence < head->head.seq.v);
    written = written && put_line(out, json_pack("{s:o}", "head", ctl_head_json(head)));
    written = written && fflush(out) == 0 && (out == stdout || fsync(fileno(out)) == 0);
    return written ? CTL_OK : ctl_fail(ctl, CTL_CANNOT_CREATE, strerror(errno), "is the disk full?");
}

int ctl_audit_export(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct ctl_head head;
    if (ctl->out == NULL)
        return ctl_fail(ctl, CTL_USAGE, "--out says where to", "such as: audit export --out audit.ndjson");
    if (sodium_init() < 0)
        return ctl_fail(ctl, CTL_TRY_AGAIN, "no source of randomness", "try again");
    int exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    int fd = exit_code == CTL_OK ? open(ctl->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR) : -1;
    FILE *out = fd != -1 ? fdopen(fd, "w") : NULL;
    if (exit_code == CTL_OK && out == NULL)
        exit_code = ctl_fail(ctl, CTL_CANNOT_CREATE, strerror(errno), "name a file that is not there yet");
    else if (exit_code == CTL_OK)
        exit_code = export_pages(ctl, &talk, out, &head);
    ctl_talk_close(&talk);
    if (out != NULL && fclose(out) != 0 && exit_code == CTL_OK)
        exit_code = ctl_fail(ctl, CTL_CANNOT_CREATE, strerror(errno), "is the disk full?");
    if (fd != -1 && exit_code != CTL_OK)
        (void)unlink(ctl->out);
    if (exit_code != CTL_OK)
        return exit_code;
    if (ctl->json)
        return ctl_print_value(json_pack("{s:I, s:o}", "entries", (json_int_t)head.head.seq.v, "head",
                                         ctl_head_json(&head)));
    printf("%llu entries, signed at entry %llu; check it with: referralctl audit verify %s\n",
           (unsigned long long)head.head.seq.v, (unsigned long long)head.head.seq.v, ctl->out);
    return CTL_OK;
}

/* ---- verify ---- */

static int read_chain(const struct ctl *ctl, const char *path, ctl_chain_each *each, void *ctx, struct ctl_chain *out)
{
    int exit_code = ctl_chain_read(path, each, ctx, out);
    return exit_code != CTL_NO_INPUT ? exit_code : ctl_fail(ctl, exit_code, strerror(errno),
                                                            "name a file that referralctl audit export wrote");
}

static json_t *read_json(const struct ctl *ctl, const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        (void)ctl_fail(ctl, CTL_NO_INPUT, "a file is not readable JSON", path);
    return json;
}

/* Whether a head that was kept elsewhere lies on the chain; said to the person. */
static int witness(const struct ctl *ctl, const struct ctl_chain *chain, const char *path, unsigned *held)
{
    struct ctl_head head;
    json_t *json = read_json(ctl, path);
    if (json == NULL)
        return CTL_NO_INPUT;
    bool readable = ctl_head_of_json(json, &head);
    json_decref(json);
    const char *why = readable ? ctl_head_judge(chain, &head) : "there is no readable head in it";
    if (why == NULL) {
        ++*held;
        return CTL_OK;
    }
    fprintf(ctl->json ? stderr : stdout, "BAD  the head of %s: %s\n", path, why);
    return CTL_FINDINGS;
}

static int say_bad(const struct ctl *ctl, const struct ctl_chain *chain)
{
    if (ctl->json)
        (void)ctl_print_value(json_pack("{s:b, s:I, s:s}", "good", 0, "entry", (json_int_t)chain->bad_seq, "why",
                                        chain->why));
    else if (chain->bad_seq == 0)
        printf("BAD  %s\n", chain->why);
    else
        printf("BAD  entry %llu %s\n", (unsigned long long)chain->bad_seq, chain->why);
    return CTL_FINDINGS;
}

int ctl_audit_verify(const struct ctl *ctl)
{
    struct ctl_chain chain;
    unsigned held = 0;
    int exit_code = read_chain(ctl, ctl->argv[0], NULL, NULL, &chain);
    if (exit_code == CTL_FINDINGS)
        (void)say_bad(ctl, &chain);
    for (int i = 1; (exit_code == CTL_OK || exit_code == CTL_FINDINGS) && chain.why == NULL && i < ctl->argc; i++) {
        int one = witness(ctl, &chain, ctl->argv[i], &held);
        exit_code = one != CTL_OK ? one : exit_code;
    }
    if (exit_code == CTL_OK && ctl->json)
        exit_code = ctl_print_value(json_pack("{s:b, s:I, s:i, s:o}", "good", 1, "entries", (json_int_t)chain.count,
                                              "witnesses", (int)held, "head", ctl_head_json(&chain.head)));
    else if (exit_code == CTL_OK)
        printf("GOOD %llu entries, each chained to the one before, the last one signed; %u kept heads lie on it\n",
               (unsigned long long)chain.count, held);
    ctl_chain_free(&chain);
    return exit_code;
}

/* ---- head and tail ---- */

static int show_head(const struct ctl *ctl, const struct rfl_reply *reply)
{
    struct ctl_head head;
    if (!ctl_head_of_message(&reply->audit_page.head, &head) || !rfl_head_verify(&head.head, head.public_key))
        return ctl_fail(ctl, CTL_PROTOCOL, "the daemon sent no head with a true signature",
                        "use one version of both programs");
    return ctl_print_value(json_pack("{s:o}", "head", ctl_head_json(&head)));
}

int ctl_audit_head(const struct ctl *ctl)
{
    struct ctl plain = *ctl;
    const struct rfl_ask ask = { .kind = RFL_MSG_AUDIT_READ, .after_sequence = UINT64_MAX };
    plain.json = false;                         /* it is JSON either way: to be kept in a file */
    return ctl_ask_once(&plain, ctl->admin, &ask, RFL_MSG_AUDIT_PAGE, show_head);
}

static void what_of(const struct rfl_entry *entry, char out[WHAT_BYTES])
{
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < entry->event_count; i++)
        len += (size_t)snprintf(out + len, WHAT_BYTES - len, "%s%s", i > 0 ? ", " : "",
                                rfl_event_kind_word((enum rfl_event_kind)entry->events[i].kind));
}

static void tail_row(const struct ctl *ctl, const struct rfl_audit_row *row, struct ctl_table *table, json_t *all)
{
    struct rfl_entry entry = { .event_count = 0 };
    uint8_t prev[32];
    char what[WHAT_BYTES] = "not readable";
    if (rfl_entry_decode(row->entry, &entry, prev) == RFL_E_OK)
        what_of(&entry, what);
    if (ctl->json) {
        (void)json_array_append_new(all, json_pack("{s:I, s:I, s:s%, s:s, s:s%}", "sequence",
            (json_int_t)row->sequence, "at_ms", (json_int_t)entry.wall_ms, "who", (const char *)row->actor.p,
            row->actor.len, "what", what, "case", row->case_code.len > 0 ? (const char *)row->case_code.p : "",
            row->case_code.len));
        return;
    }
    ctl_cell_count(table, row->sequence);
    ctl_cell_time(table, entry.wall_ms);
    ctl_cell_view(table, row->actor);
    ctl_cell(table, "%s", what);
    ctl_cell_view(table, row->case_code);
}

int ctl_audit_tail(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct ctl_table table;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_AUDIT_READ, .after_sequence = UINT64_MAX };
    uint64_t limit = TAIL_DEFAULT, last = 0;
    if (ctl->limit != NULL && (!ctl_number_parse(ctl->limit, TAIL_MAX, &limit) || limit == 0))
        return ctl_fail(ctl, CTL_USAGE, "--limit is not a number of rows", "give 1 to 100000");
    int exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_AUDIT_PAGE, &reply);
    if (exit_code == CTL_OK)
        last = reply.audit_page.head.sequence;
    ask.after_sequence = last > limit ? last - limit : 0;
    ctl_table_init(&table, ">ENTRY WHEN WHO WHAT CASE");
    json_t *all = json_array();
    while (exit_code == CTL_OK && ask.after_sequence < last) {
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_AUDIT_PAGE, &reply);
        if (exit_code != CTL_OK || reply.audit_page.entries_count == 0)
            break;
        for (uint32_t i = 0; i < reply.audit_page.entries_count; i++, ask.after_sequence++)
            if (ask.after_sequence < last)
                tail_row(ctl, &reply.audit_page.entries[i], &table, all);
    }
    ctl_talk_close(&talk);
    if (exit_code == CTL_OK && !ctl->json)
        ctl_table_print(&table, stdout);
    else
        ctl_table_drop(&table);
    if (exit_code == CTL_OK && ctl->json)
        return ctl_print_value(json_pack("{s:o}", "entries", all));
    json_decref(all);
    return exit_code;
}

/* ---- a receipt ---- */

struct follow {
    uint64_t seq;                       /* the receipt's entry */
    struct rfl_case_id kase;            /* which case it was; 0: the entry brought no referral */
    int64_t at_ms;
    char code[64], receipt[64];         /* as the daemon called them when it exported */
    struct rfl_case now;                /* the case, as the log makes it */
    enum rfl_status then;               /* its status right after the receipt's entry */
    uint64_t last;                      /* its newest entry */
};

static void find_entry(void *ctx, uint64_t seq, struct rfl_view bytes, const char *code, const char *receipt)
{
    struct follow *f = ctx;
    struct rfl_entry entry;
    uint8_t prev[32];
    if (seq != f->seq || rfl_entry_decode(bytes, &entry, prev) != RFL_E_OK)
        return;
    for (uint32_t i = 0; i < entry.event_count; i++)
        if (entry.events[i].kind == RFL_EVENT_RECEIVED || entry.events[i].kind == RFL_EVENT_JOINED)
            f->kase = entry.kase;
    f->at_ms = entry.wall_ms;
    (void)snprintf(f->code, sizeof f->code, "%s", code != NULL ? code : "");
    (void)snprintf(f->receipt, sizeof f->receipt, "%s", receipt != NULL ? receipt : "");
}

static void follow_case(void *ctx, uint64_t seq, struct rfl_view bytes, const char *code, const char *receipt)
{
    struct follow *f = ctx;
    struct rfl_entry entry;
    uint8_t prev[32];
    (void)code;
    (void)receipt;
    if (rfl_entry_decode(bytes, &entry, prev) != RFL_E_OK || entry.kase.v != f->kase.v)
        return;
    for (uint32_t i = 0; i < entry.event_count; i++)
        if (rfl_apply(&f->now, &entry.events[i], &entry, &f->now) != RFL_E_OK)
            return;
    if (rfl_apply_done(&f->now, &entry) != RFL_E_OK)
        return;
    f->last = seq;
    if (seq == f->seq)
        f->then = (enum rfl_status)f->now.status;
}

static const char *judge_receipt(const json_t *json, const struct ctl_chain *chain, struct follow *f)
{
    struct ctl_head head;
    const char *code = json_string_value(json_object_get(json, "receipt"));
    if (!ctl_head_of_json(json, &head))
        return "it holds no readable head: was it made by submit --json?";
    const char *why = ctl_head_judge(chain, &head);
    if (why != NULL)
        return why;
    if (f->seq == 0 || f->seq > head.head.seq.v)
        return "its log_sequence is not covered by its own head";
    if (f->kase.v == 0)
        return "the entry at its log_sequence brought no referral";
    if (f->at_ms != json_integer_value(json_object_get(json, "received_ms")))
        return "the entry at its log_sequence is of another time than its received_ms";
    if (code == NULL || strcmp(code, f->receipt) != 0)
        return "the export gives the entry at its log_sequence another receipt";
    return NULL;
}

static int say_receipt(const struct ctl *ctl, const json_t *json, const struct follow *f, const char *why)
{
    const char *code = json_string_value(json_object_get(json, "receipt"));
    code = code != NULL ? code : "the receipt";
    if (ctl->json)
        (void)ctl_print_value(why != NULL
            ? json_pack("{s:b, s:s, s:s}", "good", 0, "receipt", code, "why", why)
            : json_pack("{s:b, s:s, s:I, s:s, s:s, s:s, s:b}", "good", 1, "receipt", code, "entry",
                        (json_int_t)f->seq, "case", f->code, "status_then", rfl_status_word(f->then), "status_now",
                        rfl_status_word((enum rfl_status)f->now.status), "erased", (int)f->now.erased));
    else if (why != NULL)
        printf("BAD  %s: %s\n", code, why);
    else
        printf("GOOD %s is entry %llu of the log, case %s: %s then, %s at entry %llu, the case's last here%s\n", code,
               (unsigned long long)f->seq, f->code, rfl_status_word(f->then),
               rfl_status_word((enum rfl_status)f->now.status), (unsigned long long)f->last,
               f->now.erased ? "; the person was erased from it" : "");
    return why == NULL ? CTL_OK : CTL_FINDINGS;
}

int ctl_receipt_verify(const struct ctl *ctl)
{
    static struct follow follow;
    struct ctl_chain chain, again = { .hash = NULL };
    if (ctl->audit == NULL)
        return ctl_fail(ctl, CTL_USAGE, "--audit names the log to hold it against",
                        "such as: receipt verify receipt.json --audit audit.ndjson");
    json_t *json = read_json(ctl, ctl->argv[0]);
    if (json == NULL)
        return CTL_NO_INPUT;
    follow.seq = (uint64_t)json_integer_value(json_object_get(json, "log_sequence"));
    int exit_code = read_chain(ctl, ctl->audit, find_entry, &follow, &chain);
    if (exit_code == CTL_FINDINGS)
        (void)say_bad(ctl, &chain);
    if (exit_code == CTL_OK)
        exit_code = read_chain(ctl, ctl->audit, follow_case, &follow, &again);
    if (exit_code == CTL_OK)
        exit_code = say_receipt(ctl, json, &follow, judge_receipt(json, &chain, &follow));
    ctl_chain_free(&chain);
    ctl_chain_free(&again);
    json_decref(json);
    return exit_code;
}
