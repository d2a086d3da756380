#include "rfl_wire_decode.h"

#include "rfl_text.h"

/* ---- the envelope, by hand: the correlation is wanted even of a frame whose body is refused, and its one field is not
 * worth a generated struct with a pointer for every message ---- */

static bool take_varint(struct rfl_view *in, uint64_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < 10 && i < in->len; i++) {
        if (i == 9 && in->p[i] > 1)
            return false;
        *out |= (uint64_t)(in->p[i] & 0x7f) << (7 * i);
        if (in->p[i] < 0x80) {
            in->p += i + 1;
            in->len -= i + 1;
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct rfl_view *in, uint64_t len, struct rfl_view *out)
{
    if (len > in->len)
        return false;
    *out = (struct rfl_view){ in->p, (size_t)len };
    in->p += len;
    in->len -= (size_t)len;
    return true;
}

enum { VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5 };

/* One field of any kind. Groups (3 and 4) are not spoken. */
static bool take_field(struct rfl_view *in, uint64_t *key, uint64_t *number, struct rfl_view *bytes)
{
    *bytes = (struct rfl_view){ NULL, 0 };
    *number = 0;
    if (!take_varint(in, key) || *key >> 3 == 0 || *key >> 32 != 0)
        return false;
    switch (*key & 7) {
    case VARINT: return take_varint(in, number);
    case FIXED64: return take_bytes(in, 8, bytes);
    case DELIMITED: return take_varint(in, number) && take_bytes(in, *number, bytes);
    case FIXED32: return take_bytes(in, 4, bytes);
    default: return false;
    }
}

enum rfl_code rfl__wire_open(struct rfl_view frame, struct rfl__wire_envelope *out)
{
    enum { VERSION = 1 << 3 | VARINT, CORRELATION = 2 << 3 | VARINT };
    *out = (struct rfl__wire_envelope){ .kind = RFL_MSG_NONE };
    unsigned unknown = 0;
    while (frame.len > 0) {
        uint64_t key, number;
        struct rfl_view bytes;
        if (!take_field(&frame, &key, &number, &bytes))
            return RFL_CODE_PARSE;
        enum rfl_message_kind kind = rfl__wire_kind_of(key >> 3);
        if (key == VERSION) {
            out->version = number;
        } else if (key == CORRELATION) {
            out->correlation = number;
        } else if (kind != RFL_MSG_NONE) {
            if (out->kind != RFL_MSG_NONE || (key & 7) != DELIMITED)
                return RFL_CODE_PARSE;
            out->kind = kind;
            out->body = bytes;
        } else if (++unknown > RFL__WIRE_UNKNOWN_MAX) {
            return RFL_CODE_LIMIT;
        }
    }
    return out->kind == RFL_MSG_NONE && out->version == 1 ? RFL_CODE_PARSE : RFL_CODE_OK;
}

/* ---- protobuf-c's memory: the arena, each piece behind its own length ---- */

enum { LENGTH_BYTES = 16 };

/* over: a limit was met. in_referral: fields we do not know are to be mentioned, once. */
struct reading { struct rfl_arena *arena; struct rfl_findings *findings; bool over, in_referral; };

static void *arena_alloc(void *ctx, size_t bytes)
{
    struct reading *r = ctx;
    uint8_t *p = bytes > SIZE_MAX - LENGTH_BYTES ? NULL : rfl_arena_take(r->arena, bytes + LENGTH_BYTES);
    if (p == NULL) {
        r->over = true;
        return NULL;
    }
    memcpy(p, &bytes, sizeof bytes);
    return p + LENGTH_BYTES;
}

static void arena_free(void *ctx, void *p) { (void)ctx, (void)p; }

/* protobuf-c keeps a string's end but not its length, so a zero byte inside would cut it short unseen; what it asked
 * of the arena for the string says the length. */
static struct rfl_view string_view(const char *text)
{
    if (text == NULL)
        return (struct rfl_view){ NULL, 0 };
    size_t bytes;
    memcpy(&bytes, text - LENGTH_BYTES, sizeof bytes);
    return (struct rfl_view){ (const uint8_t *)text, bytes - 1 };
}

/* ---- one row ---- */

static void find(struct reading *r, const struct rfl__wire_row *row, enum rfl_finding_kind kind)
{
    rfl_findings_add(r->findings, row->path, kind);
}

static void require(struct reading *r, const struct rfl__wire_row *row, bool given)
{
    if (!given && (row->flags & RFL__WIRE_REQUIRED) != 0)
        find(r, row, RFL_FINDING_REQUIRED);
}

/* Empty when it may not be used. */
static struct rfl_view checked(struct reading *r, const struct rfl__wire_row *row, struct rfl_view text, size_t limit)
{
    static const struct rfl_view none;
    if (text.len > limit) {
        find(r, row, RFL_FINDING_TOO_LONG);
        return none;
    }
    enum rfl_text_state state = rfl_text_check(text, (row->flags & RFL__WIRE_LINES) != 0);
    if (state == RFL_TEXT_OK)
        return text;
    if (state == RFL_TEXT_CONTROL && (row->flags & RFL__WIRE_LENIENT) != 0) {
        find(r, row, RFL_FINDING_ODD_CONTROL);
        return text;
    }
    find(r, row, state == RFL_TEXT_CONTROL ? RFL_FINDING_CONTROL
               : state == RFL_TEXT_NUL ? RFL_FINDING_NUL : RFL_FINDING_NOT_UTF8);
    return none;
}

static void read_string(struct reading *r, const struct rfl__wire_row *row, const void *field, void *member)
{
    const char *text;
    memcpy(&text, field, sizeof text);
    struct rfl_view given = string_view(text), view = checked(r, row, given, row->limit);
    require(r, row, given.len > 0);
    memcpy(member, &view, sizeof view);
}

static void read_bytes(struct reading *r, const struct rfl__wire_row *row, const void *field, void *member)
{
    ProtobufCBinaryData data;
    memcpy(&data, field, sizeof data);
    struct rfl_view view = { data.len > 0 ? data.data : NULL, data.len };
    require(r, row, view.len > 0);
    if (view.len > row->limit) {
        find(r, row, RFL_FINDING_TOO_LONG);
        view = (struct rfl_view){ NULL, 0 };
    }
    memcpy(member, &view, sizeof view);
}

static enum rfl_finding_kind odd_enum(const struct rfl__wire_row *row)
{
    return (row->flags & RFL__WIRE_LENIENT) != 0 ? RFL_FINDING_ODD_ENUM : RFL_FINDING_ENUM;
}

static void read_enum(struct reading *r, const struct rfl__wire_row *row, const uint8_t *pb, uint8_t *core)
{
    int32_t value;
    protobuf_c_boolean has;
    memcpy(&value, pb + row->pb, sizeof value);
    memcpy(&has, pb + row->pb_has, sizeof has);
    bool known = value >= 0 && (uint32_t)value < row->words->n_values;
    if (!known)
        find(r, row, odd_enum(row));
    else
        require(r, row, (row->flags & RFL__WIRE_STATED) != 0 ? has != 0 : value > 0);
    if (!known)
        return;
    core[row->at] = (uint8_t)value;
    bool given = has != 0;
    if (row->count_at != 0)
        memcpy(core + row->count_at, &given, sizeof given);
}

static bool in_range(struct reading *r, const struct rfl__wire_row *row, bool in)
{
    if (!in)
        find(r, row, (row->flags & RFL__WIRE_LENIENT) != 0 ? RFL_FINDING_ODD_RANGE : RFL_FINDING_RANGE);
    return in;
}

static void read_number(struct reading *r, const struct rfl__wire_row *row, const void *field, uint8_t *member)
{
    uint32_t narrow;
    uint64_t wide;
    if (row->type == RFL__WIRE_U64 || row->type == RFL__WIRE_I64) {
        memcpy(&wide, field, sizeof wide);
        require(r, row, wide != 0);
        if (row->type == RFL__WIRE_U64 || in_range(r, row, wide <= INT64_MAX))
            memcpy(member, &wide, sizeof wide);
        return;
    }
    memcpy(&narrow, field, sizeof narrow);
    require(r, row, narrow != 0);
    if (row->limit != 0 && !in_range(r, row, narrow <= row->limit))
        return;
    if (row->type == RFL__WIRE_U8)
        *member = (uint8_t)narrow;
    else
        memcpy(member, &narrow, sizeof narrow);
}

static void read_bool(const struct rfl__wire_row *row, const void *field, uint8_t *member)
{
    protobuf_c_boolean given;
    memcpy(&given, field, sizeof given);
    bool value = given != 0;
    uint32_t flags;
    if (row->type == RFL__WIRE_BOOL) {
        memcpy(member, &value, sizeof value);
        return;
    }
    memcpy(&flags, member, sizeof flags);
    flags |= value ? row->limit : 0;
    memcpy(member, &flags, sizeof flags);
}

/* ---- repeated rows ---- */

static void read_message(struct reading *r, const struct rfl__wire_table *table, const void *pb, void *core);

/* The number of items to read: none when there are too many. */
static uint32_t items(struct reading *r, const struct rfl__wire_row *row, const uint8_t *pb)
{
    size_t count;
    memcpy(&count, pb + row->pb_has, sizeof count);
    if (count <= row->limit)
        return (uint32_t)count;
    find(r, row, RFL_FINDING_TOO_MANY);
    return 0;
}

static void *item_memory(struct reading *r, uint32_t count, size_t item_bytes)
{
    void *p = count == 0 ? NULL : rfl_arena_take(r->arena, count * item_bytes);
    r->over = r->over || (count > 0 && p == NULL);
    return p;
}

static void read_strings(struct reading *r, const struct rfl__wire_row *row, const uint8_t *pb, uint8_t *core)
{
    char *const *texts;
    uint32_t count = items(r, row, pb), kept = 0;
    memcpy(&texts, pb + row->pb, sizeof texts);
    bool inside = row->type == RFL__WIRE_WORDS;
    struct rfl_view *views = inside ? (void *)(core + row->at) : item_memory(r, count, sizeof *views);
    for (uint32_t i = 0; views != NULL && i < count; i++) {
        views[kept] = checked(r, row, string_view(texts[i]), row->item_bytes);
        kept += views[kept].len > 0;
    }
    if (!inside)
        memcpy(core + row->at, &views, sizeof views);
    memcpy(core + row->count_at, &kept, sizeof kept);
}

static void read_messages(struct reading *r, const struct rfl__wire_row *row, const uint8_t *pb, uint8_t *core)
{
    void *const *messages;
    uint32_t count = items(r, row, pb);
    memcpy(&messages, pb + row->pb, sizeof messages);
    uint8_t *rows = item_memory(r, count, row->item_bytes);
    count = rows == NULL ? 0 : count;
    for (uint32_t i = 0; i < count; i++)
        read_message(r, row->sub, messages[i], rows + (size_t)i * row->item_bytes);
    memcpy(core + row->at, &rows, sizeof rows);
    memcpy(core + row->count_at, &count, sizeof count);
}

/* However many: a choice said twice is one, and a value not known here is mentioned once. */
static void read_bits(struct reading *r, const struct rfl__wire_row *row, const uint8_t *pb, uint8_t *member)
{
    const int32_t *values;
    size_t count;
    bool odd = false;
    memcpy(&count, pb + row->pb_has, sizeof count);
    memcpy(&values, pb + row->pb, sizeof values);
    for (size_t i = 0; i < count; i++) {
        bool known = values[i] >= 0 && (uint32_t)values[i] < row->words->n_values;
        if (known)
            *member = (uint8_t)(*member | 1U << values[i]);
        odd = odd || !known;
    }
    if (odd)
        find(r, row, odd_enum(row));
}

static void read_by_status(struct reading *r, const struct rfl__wire_row *row, const uint8_t *pb, uint8_t *core)
{
    Referrald__V1__StatusCount *const *counts;
    uint32_t count = items(r, row, pb);
    memcpy(&counts, pb + row->pb, sizeof counts);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t status = (uint32_t)counts[i]->status;
        if (status >= RFL_STATUS_COUNT)
            find(r, row, RFL_FINDING_ENUM);
        else
            memcpy(core + row->at + status * sizeof(uint64_t), &counts[i]->cases, sizeof(uint64_t));
    }
}

static void read_row(struct reading *r, const struct rfl__wire_row *row, const uint8_t *pb, uint8_t *core)
{
    const uint8_t *field = pb + row->pb;
    switch ((enum rfl__wire_type)row->type) {
    case RFL__WIRE_STRING: read_string(r, row, field, core + row->at); return;
    case RFL__WIRE_BYTES: read_bytes(r, row, field, core + row->at); return;
    case RFL__WIRE_ENUM: read_enum(r, row, pb, core); return;
    case RFL__WIRE_BOOL: case RFL__WIRE_FLAG: read_bool(row, field, core + row->at); return;
    case RFL__WIRE_U8: case RFL__WIRE_U32: case RFL__WIRE_U64: case RFL__WIRE_I64:
        read_number(r, row, field, core + row->at);
        return;
    case RFL__WIRE_MESSAGE: {
        const void *message;
        memcpy(&message, field, sizeof message);
        require(r, row, message != NULL);
        if (message != NULL)
            read_message(r, row->sub, message, core + row->at);
        return;
    }
    case RFL__WIRE_STRINGS: case RFL__WIRE_WORDS: read_strings(r, row, pb, core); return;
    case RFL__WIRE_MESSAGES: read_messages(r, row, pb, core); return;
    case RFL__WIRE_BITS: read_bits(r, row, pb, core + row->at); return;
    case RFL__WIRE_BY_STATUS: read_by_status(r, row, pb, core); return;
    case RFL__WIRE_CODE_TEXT: case RFL__WIRE_CODE_REMEDY: case RFL__WIRE_CODE_RETRY: return;
    }
}

static void read_message(struct reading *r, const struct rfl__wire_table *table, const void *pb, void *core)
{
    static const struct rfl_view referral = { (const uint8_t *)"referral", sizeof "referral" - 1 };
    const ProtobufCMessage *base = pb;
    r->over = r->over || base->n_unknown_fields > RFL__WIRE_UNKNOWN_MAX;
    if (base->n_unknown_fields > 0 && r->in_referral) {
        rfl_findings_add(r->findings, referral, RFL_FINDING_ODD_UNKNOWN);
        r->in_referral = false;
    }
    for (uint32_t i = 0; i < table->rows_count; i++) {
        const struct rfl__wire_row *row = &table->rows[i];
        read_row(r, row, pb, core);
    }
}

enum rfl_code rfl__wire_read(const struct rfl__wire_table *table, struct rfl_view bytes, struct rfl_arena *arena,
                             struct rfl_findings *findings, void *core)
{
    static const uint8_t empty[1];
    struct reading r = { arena, findings, false, table == &rfl__wire_referral };
    ProtobufCAllocator allocator = { arena_alloc, arena_free, &r };
    if (bytes.len == 0)
        bytes.p = empty;                        /* an empty message is a message; a null pointer is not bytes */
    const void *pb = protobuf_c_message_unpack(table->descriptor, &allocator, bytes.len, bytes.p);
    if (pb == NULL)
        return r.over ? RFL_CODE_LIMIT : RFL_CODE_PARSE;
    read_message(&r, table, pb, core);
    return r.over ? RFL_CODE_LIMIT : RFL_CODE_OK;
}
