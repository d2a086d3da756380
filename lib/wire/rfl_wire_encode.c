#include "rfl_wire_encode.h"

#include "rfl_wire.h"

enum { VARINT = 0, DELIMITED = 2 };

static void put_bytes(struct rfl__wire_out *out, const void *bytes, size_t len)
{
    if (out->bad || (size_t)(out->p - out->base) < len) {
        out->bad = true;
        return;
    }
    out->p -= len;
    if (len > 0)
        memcpy(out->p, bytes, len);
}

static void put_varint(struct rfl__wire_out *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    do {
        bytes[len++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    put_bytes(out, bytes, len);
}

static void put_key(struct rfl__wire_out *out, uint32_t number, uint32_t type) { put_varint(out, number << 3 | type); }

/* A length and a key before what was written since `end`. */
static void put_frame(struct rfl__wire_out *out, uint32_t number, const uint8_t *end)
{
    put_varint(out, (uint64_t)(end - out->p));
    put_key(out, number, DELIMITED);
}

static void put_view(struct rfl__wire_out *out, uint32_t number, struct rfl_view view)
{
    const uint8_t *end = out->p;
    put_bytes(out, view.p, view.len);
    put_frame(out, number, end);
}

static void put_text(struct rfl__wire_out *out, uint32_t number, const char *text)
{
    struct rfl_view view = { (const uint8_t *)text, strlen(text) };
    if (view.len > 0)
        put_view(out, number, view);
}

static void put_number(struct rfl__wire_out *out, uint32_t number, uint64_t value)
{
    put_varint(out, value);
    put_key(out, number, VARINT);
}

static uint64_t number_of(const struct rfl__wire_row *row, const uint8_t *member)
{
    uint32_t narrow;
    uint64_t wide;
    if (row->type == RFL__WIRE_ENUM || row->type == RFL__WIRE_U8 || row->type == RFL__WIRE_BOOL)
        return *member;
    if (row->type == RFL__WIRE_U64 || row->type == RFL__WIRE_I64) {
        memcpy(&wide, member, sizeof wide);
        return wide;
    }
    memcpy(&narrow, member, sizeof narrow);
    return row->type == RFL__WIRE_FLAG ? (narrow & row->limit) != 0 : narrow;
}

static void write_number(struct rfl__wire_out *out, const struct rfl__wire_row *row, const uint8_t *core)
{
    uint64_t value = number_of(row, core + row->at);
    bool given = value != 0 || (row->flags & RFL__WIRE_STATED) != 0;
    if (row->type == RFL__WIRE_ENUM && row->count_at != 0)
        memcpy(&given, core + row->count_at, sizeof given);
    if (given)
        put_number(out, row->number, value);
}

static void write_strings(struct rfl__wire_out *out, const struct rfl__wire_row *row, const uint8_t *core)
{
    const struct rfl_view *views = (const void *)(core + row->at);
    uint32_t count;
    memcpy(&count, core + row->count_at, sizeof count);
    if (row->type == RFL__WIRE_STRINGS)
        memcpy(&views, core + row->at, sizeof views);
    while (count-- > 0)
        put_view(out, row->number, views[count]);
}

static void write_messages(struct rfl__wire_out *out, const struct rfl__wire_row *row, const uint8_t *core)
{
    const uint8_t *rows;
    uint32_t count;
    memcpy(&rows, core + row->at, sizeof rows);
    memcpy(&count, core + row->count_at, sizeof count);
    while (count-- > 0) {
        const uint8_t *end = out->p;
        rfl__wire_write(out, row->sub, rows + (size_t)count * row->item_bytes);
        put_frame(out, row->number, end);
    }
}

static void write_bits(struct rfl__wire_out *out, const struct rfl__wire_row *row, uint8_t bits)
{
    for (uint32_t value = row->words->n_values; value-- > 0; )
        if ((bits & 1U << value) != 0)
            put_number(out, row->number, value);
}

static void write_by_status(struct rfl__wire_out *out, const struct rfl__wire_row *row, const uint8_t *core)
{
    for (uint32_t status = RFL_STATUS_COUNT; status-- > 0; ) {
        uint64_t cases;
        memcpy(&cases, core + row->at + status * sizeof cases, sizeof cases);
        if (cases == 0)
            continue;
        const uint8_t *end = out->p;
        put_number(out, 2, cases);
        put_number(out, 1, status);
        put_frame(out, row->number, end);
    }
}

static void write_message(struct rfl__wire_out *out, const struct rfl__wire_row *row, const uint8_t *core)
{
    const uint8_t *end = out->p;
    rfl__wire_write(out, row->sub, core + row->at);
    if (out->p != end)
        put_frame(out, row->number, end);
}

static void write_row(struct rfl__wire_out *out, const struct rfl__wire_row *row, const uint8_t *core)
{
    struct rfl_view view;
    switch ((enum rfl__wire_type)row->type) {
    case RFL__WIRE_STRING: case RFL__WIRE_BYTES:
        memcpy(&view, core + row->at, sizeof view);
        if (view.len > 0)
            put_view(out, row->number, view);
        return;
    case RFL__WIRE_ENUM: case RFL__WIRE_BOOL: case RFL__WIRE_FLAG: case RFL__WIRE_U8: case RFL__WIRE_U32:
    case RFL__WIRE_U64: case RFL__WIRE_I64:
        write_number(out, row, core);
        return;
    case RFL__WIRE_MESSAGE: write_message(out, row, core); return;
    case RFL__WIRE_STRINGS: case RFL__WIRE_WORDS: write_strings(out, row, core); return;
    case RFL__WIRE_MESSAGES: write_messages(out, row, core); return;
    case RFL__WIRE_BITS: write_bits(out, row, core[row->at]); return;
    case RFL__WIRE_BY_STATUS: write_by_status(out, row, core); return;
    case RFL__WIRE_CODE_TEXT: put_text(out, row->number, rfl_code_text((enum rfl_code)core[row->at])); return;
    case RFL__WIRE_CODE_REMEDY: put_text(out, row->number, rfl_code_remedy((enum rfl_code)core[row->at])); return;
    case RFL__WIRE_CODE_RETRY:
        if (rfl_code_retryable((enum rfl_code)core[row->at]))
            put_number(out, row->number, 1);
        return;
    }
}

void rfl__wire_write(struct rfl__wire_out *out, const struct rfl__wire_table *table, const void *core)
{
    for (uint32_t i = table->rows_count; i-- > 0; )
        write_row(out, &table->rows[i], core);
}

static size_t finish(struct rfl__wire_out *out, size_t cap)
{
    if (out->bad)
        return 0;
    size_t bytes = cap - (size_t)(out->p - out->base);
    memmove(out->base, out->p, bytes);
    return bytes;
}

size_t rfl__wire_pack(const struct rfl__wire_table *table, const void *core, uint8_t *out, size_t cap)
{
    struct rfl__wire_out o = { out, out + cap, false };
    rfl__wire_write(&o, table, core);
    return finish(&o, cap);
}

size_t rfl__wire_seal(const struct rfl__wire_message *message, uint64_t correlation, const void *core, uint8_t *out,
                      size_t cap)
{
    struct rfl__wire_out o = { out, out + cap, false };
    rfl__wire_write(&o, &message->table, core);
    put_frame(&o, message->number, out + cap);
    if (correlation != 0)
        put_number(&o, 2, correlation);
    put_number(&o, 1, RFL_WIRE_VERSION);
    return finish(&o, cap);
}
