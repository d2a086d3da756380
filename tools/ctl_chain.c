#include "ctl_chain.h"

#include <sodium.h>
#include <stdlib.h>

/* Where an entry says its number and what it follows (lib/store/FORMAT.md): to say what is wrong with it. */
enum { SEQ_AT = 4, PREV_AT = 12, ENTRY_BYTES_MIN = 78, ENTRY_TEXT_MAX = 2 * RFL_MESSAGE_BYTES_MAX };

/* ---- heads ---- */

static bool bytes_of_hex(const json_t *text, uint8_t *out, size_t size)
{
    size_t len = 0;
    const char *hex = json_string_value(text);
    return hex != NULL && json_string_length(text) == 2 * size &&
           sodium_hex2bin(out, size, hex, 2 * size, NULL, &len, NULL) == 0 && len == size;
}

static json_t *hex_of_bytes(const uint8_t *bytes, size_t size)
{
    char hex[2 * 64 + 1];
    assert(size <= 64);
    return json_string(sodium_bin2hex(hex, sizeof hex, bytes, size));
}

bool ctl_head_of_json(const json_t *object, struct ctl_head *out)
{
    const json_t *head = json_object_get(object, "head");
    head = head != NULL ? head : object;
    const json_t *epoch = json_object_get(head, "epoch"), *sequence = json_object_get(head, "sequence");
    const json_t *at = json_object_get(head, "at_ms");
    if (!json_is_integer(epoch) || !json_is_integer(sequence) || !json_is_integer(at))
        return false;
    if (json_integer_value(epoch) < 0 || json_integer_value(epoch) > UINT32_MAX || json_integer_value(sequence) < 1)
        return false;
    struct rfl_head *h = &out->head;
    h->epoch = (uint32_t)json_integer_value(epoch);
    h->seq = (struct rfl_seq){ (uint64_t)json_integer_value(sequence) };
    h->wall_ms = json_integer_value(at);
    return bytes_of_hex(json_object_get(head, "store_id"), h->store_id, sizeof h->store_id) &&
           bytes_of_hex(json_object_get(head, "hash"), h->hash, sizeof h->hash) &&
           bytes_of_hex(json_object_get(head, "signature"), h->signature, sizeof h->signature) &&
           bytes_of_hex(json_object_get(head, "public_key"), out->public_key, sizeof out->public_key);
}

json_t *ctl_head_json(const struct ctl_head *head)
{
    const struct rfl_head *h = &head->head;
    return json_pack("{s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "store_id", hex_of_bytes(h->store_id, sizeof h->store_id),
                     "epoch", (json_int_t)h->epoch, "sequence", (json_int_t)h->seq.v, "at_ms", (json_int_t)h->wall_ms,
                     "hash", hex_of_bytes(h->hash, sizeof h->hash), "signature",
                     hex_of_bytes(h->signature, sizeof h->signature), "public_key",
                     hex_of_bytes(head->public_key, sizeof head->public_key));
}

static bool take(struct rfl_view from, uint8_t *to, size_t size)
{
    if (from.len == size)
        memcpy(to, from.p, size);
    return from.len == size;
}

bool ctl_head_of_message(const struct rfl_msg_head *said, struct ctl_head *out)
{
    struct rfl_head *h = &out->head;
    h->epoch = said->epoch;
    h->seq = (struct rfl_seq){ said->sequence };
    h->wall_ms = said->at_ms;
    return take(said->store_id, h->store_id, sizeof h->store_id) && take(said->hash, h->hash, sizeof h->hash) &&
           take(said->signature, h->signature, sizeof h->signature) &&
           take(said->public_key, out->public_key, sizeof out->public_key);
}

const char *ctl_head_judge(const struct ctl_chain *chain, const struct ctl_head *head)
{
    const struct rfl_head *h = &head->head;
    if (!rfl_head_verify(h, head->public_key))
        return "its signature is not true";
    if (memcmp(head->public_key, chain->public_key, sizeof head->public_key) != 0 ||
        memcmp(h->store_id, chain->store_id, sizeof h->store_id) != 0)
        return "it is of another store, or signed by another key";
    if (h->seq.v > chain->count)
        return "the export ends before its entry: export again; if it still does, entries were cut off";
    if (memcmp(h->hash, chain->hash[h->seq.v - 1], sizeof h->hash) != 0)
        return "the entry that it was signed over is another one here: the log was written anew";
    return NULL;
}

/* ---- the file ---- */

static bool bad(struct ctl_chain *chain, uint64_t seq, const char *why)
{
    chain->bad_seq = seq;
    chain->why = why;
    return false;
}

static bool read_header(struct ctl_chain *chain, const json_t *line)
{
    const char *format = json_string_value(json_object_get(line, "format"));
    if (format == NULL || strcmp(format, CTL_CHAIN_FORMAT) != 0)
        return bad(chain, 0, "the first line does not say that this is an export, format " CTL_CHAIN_FORMAT);
    if (!bytes_of_hex(json_object_get(line, "store_id"), chain->store_id, sizeof chain->store_id) ||
        !bytes_of_hex(json_object_get(line, "public_key"), chain->public_key, sizeof chain->public_key))
        return bad(chain, 0, "the first line has no store_id and public_key");
    return true;
}

static bool make_room(struct ctl_chain *chain)
{
    if (chain->count < chain->room)
        return true;
    uint64_t room = chain->room == 0 ? 1024 : 2 * chain->room;
    void *grown = realloc(chain->hash, room * sizeof *chain->hash);
    if (grown == NULL)
        return bad(chain, chain->count + 1, "and what follows need more memory than there is");
    chain->hash = grown;
    chain->room = room;
    return true;
}

static bool read_entry(struct ctl_chain *chain, const json_t *line, ctl_chain_each *each, void *ctx)
{
    static uint8_t bytes[RFL_MESSAGE_BYTES_MAX];
    static const uint8_t zero[32];
    const json_t *text = json_object_get(line, "bytes"), *said = json_object_get(line, "seq");
    uint64_t due = chain->count + 1, seq = 0;
    size_t len = 0;
    if (!json_is_string(text) || json_string_length(text) > ENTRY_TEXT_MAX ||
        sodium_base642bin(bytes, sizeof bytes, json_string_value(text), json_string_length(text), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 || len < ENTRY_BYTES_MIN)
        return bad(chain, due, "is not the bytes of an entry in base64");
    for (unsigned i = 0; i < 8; i++)
        seq |= (uint64_t)bytes[SEQ_AT + i] << (8 * i);
    if (seq != due || (uint64_t)json_integer_value(said) != due)
        return bad(chain, due, seq > due ? "is missing, or stands in another place"
                                         : "stands where another entry belongs");
    const struct rfl_view entry = { bytes, len };
    const uint8_t *prev = due == 1 ? zero : chain->hash[due - 2];
    if (memcmp(bytes + PREV_AT, prev, 32) != 0)
        return due == 1 ? bad(chain, 1, "does not begin a log")
                        : bad(chain, due - 1, "is not the entry that the next one was chained to: one was changed");
    if (!make_room(chain))
        return false;
    prev = due == 1 ? zero : chain->hash[due - 2];
    enum rfl_err err = rfl_chain_check(prev, (struct rfl_seq){ due }, entry, chain->hash[due - 1]);
    if (err != RFL_E_OK)
        return bad(chain, due, err == RFL_E_VERSION ? "is of a later version of the program: check it with that one"
                                                    : "was changed: its checksum does not fit, or it is no entry");
    chain->count++;
    if (each != NULL)
        each(ctx, seq, entry, json_string_value(json_object_get(line, "case")),
             json_string_value(json_object_get(line, "receipt")));
    return true;
}

static bool read_head(struct ctl_chain *chain, const json_t *line)
{
    chain->has_head = ctl_head_of_json(line, &chain->head);
    if (!chain->has_head || chain->count == 0)
        return bad(chain, chain->count, "is followed by a head that is not readable");
    if (chain->head.head.seq.v < chain->count)
        return bad(chain, chain->head.head.seq.v + 1, "is not covered by the signed head");
    if (chain->head.head.seq.v > chain->count)
        return bad(chain, chain->count + 1, "is missing, with all that follow up to the signed head");
    if (memcmp(chain->head.head.hash, chain->hash[chain->count - 1], 32) != 0)
        return bad(chain, chain->count, "is not the entry that the head was signed over: it was changed");
    if (ctl_head_judge(chain, &chain->head) != NULL)
        return bad(chain, chain->count, "has a head that this store did not sign");
    return true;
}

bool ctl_chain_line(struct ctl_chain *chain, const json_t *line, ctl_chain_each *each, void *ctx)
{
    if (!json_is_object(line))
        return bad(chain, chain->has_header ? chain->count + 1 : 0, "is on a line that is not readable");
    if (!chain->has_header)
        return chain->has_header = read_header(chain, line);
    if (chain->has_head)
        return bad(chain, chain->count, "and its head are followed by something else");
    return json_object_get(line, "head") != NULL ? read_head(chain, line) : read_entry(chain, line, each, ctx);
}

int ctl_chain_read(const char *path, ctl_chain_each *each, void *ctx, struct ctl_chain *out)
{
    char *text = NULL;
    size_t room = 0;
    memset(out, 0, sizeof *out);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return CTL_NO_INPUT;
    if (sodium_init() < 0)
        abort();
    bool good = true;
    while (good && getline(&text, &room, f) != -1) {
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        good = ctl_chain_line(out, line, each, ctx);
        json_decref(line);
    }
    if (good && ferror(f) != 0)
        good = bad(out, out->count + 1, "cannot be read: the disk says no");
    if (good && !out->has_head)
        (void)bad(out, out->count + 1, "or the signed head is missing: the end of the file was cut off");
    free(text);
    (void)fclose(f);
    return out->why == NULL ? CTL_OK : CTL_FINDINGS;
}

void ctl_chain_free(struct ctl_chain *chain)
{
    free(chain->hash);
    chain->hash = NULL;
}
