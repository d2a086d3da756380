/* wire_fill.h: messages with every field set, and their comparison, from the tables of lib/wire. For tests. */
#ifndef WIRE_FILL_H
#define WIRE_FILL_H

#include <stdio.h>
#include <stdlib.h>

#include "rfl_wire.h"
#include "rfl_wire_table.h"

struct fill { struct rfl_arena *arena; unsigned n; uint32_t items; };

static inline struct rfl_view fill_text(struct fill *f, size_t limit)
{
    char *text = rfl_arena_take(f->arena, 32);
    size_t len = (size_t)snprintf(text, 32, "t%u \xc3\xa9", ++f->n);
    return (struct rfl_view){ (const uint8_t *)text, len < limit ? len : 1 };
}

static inline void fill_table(struct fill *f, const struct rfl__wire_table *table, uint8_t *core);

/* A Referral with every field set, as bytes. */
static inline struct rfl_view fill_referral(struct fill *f)
{
    struct rfl_form form;
    memset(&form, 0, sizeof form);
    fill_table(f, &rfl__wire_referral, (uint8_t *)&form);
    uint8_t *bytes = rfl_arena_take(f->arena, 8192);
    return (struct rfl_view){ bytes, rfl_wire_encode_form(&form, bytes, 8192) };
}

static inline void fill_list(struct fill *f, const struct rfl__wire_row *row, uint8_t *core)
{
    size_t item = row->type == RFL__WIRE_MESSAGES ? row->item_bytes : sizeof(struct rfl_view);
    uint8_t *list = row->type == RFL__WIRE_WORDS ? core + row->at : rfl_arena_take(f->arena, f->items * item);
    for (uint32_t i = 0; i < f->items; i++) {
        if (row->type == RFL__WIRE_MESSAGES) {
            fill_table(f, row->sub, list + i * item);
            continue;
        }
        struct rfl_view text = fill_text(f, row->item_bytes);
        memcpy(list + i * item, &text, sizeof text);
    }
    if (row->type != RFL__WIRE_WORDS)
        memcpy(core + row->at, &list, sizeof list);
    memcpy(core + row->count_at, &f->items, sizeof f->items);
}

static inline void fill_row(struct fill *f, const struct rfl__wire_row *row, uint8_t *core)
{
    uint8_t *member = core + row->at;
    struct rfl_view view;
    uint32_t narrow = row->limit != 0 ? 1 + f->n % row->limit : UINT32_MAX - f->n, flags;
    uint64_t wide = UINT64_MAX - f->n;
    f->n++;
    switch ((enum rfl__wire_type)row->type) {
    case RFL__WIRE_STRING: case RFL__WIRE_BYTES:
        view = row->type == RFL__WIRE_BYTES && (row->flags & RFL__WIRE_RAW) == 0 ? fill_referral(f)
                                                                                : fill_text(f, row->limit);
        memcpy(member, &view, sizeof view);
        return;
    case RFL__WIRE_ENUM:
        *member = (uint8_t)(row->words->n_values - 1);
        if (row->count_at != 0)
            core[row->count_at] = true;
        return;
    case RFL__WIRE_BOOL: *member = true; return;
    case RFL__WIRE_FLAG:
        memcpy(&flags, member, sizeof flags);
        flags |= row->limit;
        memcpy(member, &flags, sizeof flags);
        return;
    case RFL__WIRE_U8: *member = (uint8_t)narrow; return;
    case RFL__WIRE_U32: memcpy(member, &narrow, sizeof narrow); return;
    case RFL__WIRE_I64: wide = INT64_MAX - f->n;    /* then as U64 */  /* fall through */
    case RFL__WIRE_U64: memcpy(member, &wide, sizeof wide); return;
    case RFL__WIRE_MESSAGE: fill_table(f, row->sub, member); return;
    case RFL__WIRE_STRINGS: case RFL__WIRE_WORDS: case RFL__WIRE_MESSAGES: fill_list(f, row, core); return;
    case RFL__WIRE_BITS: *member = (uint8_t)((1U << row->words->n_values) - 1); return;
    case RFL__WIRE_BY_STATUS:
        for (uint64_t i = 0; i < RFL_STATUS_COUNT; i++)
            memcpy(member + i * sizeof i, &(uint64_t){ i * i + 1 }, sizeof i);
        return;
    case RFL__WIRE_CODE_TEXT: case RFL__WIRE_CODE_REMEDY: case RFL__WIRE_CODE_RETRY: return;
    }
}

static inline void fill_table(struct fill *f, const struct rfl__wire_table *table, uint8_t *core)
{
    for (uint32_t i = 0; i < table->rows_count; i++)
        fill_row(f, &table->rows[i], core);
}

static inline bool fill_same_view(struct rfl_view a, struct rfl_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool fill_same(const struct rfl__wire_table *table, const uint8_t *a, const uint8_t *b);

static inline bool fill_same_list(const struct rfl__wire_row *row, const uint8_t *a, const uint8_t *b)
{
    uint32_t a_count, b_count;
    const uint8_t *p = a + row->at, *q = b + row->at;
    memcpy(&a_count, a + row->count_at, sizeof a_count);
    memcpy(&b_count, b + row->count_at, sizeof b_count);
    if (row->type != RFL__WIRE_WORDS) {
        memcpy(&p, a + row->at, sizeof p);
        memcpy(&q, b + row->at, sizeof q);
    }
    for (uint32_t i = 0; a_count == b_count && i < a_count; i++) {
        struct rfl_view v, w;
        if (row->type == RFL__WIRE_MESSAGES) {
            if (!fill_same(row->sub, p + (size_t)i * row->item_bytes, q + (size_t)i * row->item_bytes))
                return false;
            continue;
        }
        memcpy(&v, p + i * sizeof v, sizeof v);
        memcpy(&w, q + i * sizeof w, sizeof w);
        if (!fill_same_view(v, w))
            return false;
    }
    return a_count == b_count;
}

static inline bool fill_same_row(const struct rfl__wire_row *row, const uint8_t *a, const uint8_t *b)
{
    static const uint8_t bytes[] = { [RFL__WIRE_ENUM] = 1, [RFL__WIRE_BOOL] = 1, [RFL__WIRE_FLAG] = 4,
        [RFL__WIRE_U8] = 1, [RFL__WIRE_BITS] = 1, [RFL__WIRE_U32] = 4, [RFL__WIRE_U64] = 8, [RFL__WIRE_I64] = 8,
        [RFL__WIRE_BY_STATUS] = RFL_STATUS_COUNT * 8, [RFL__WIRE_CODE_RETRY] = 0 };
    if (row->type == RFL__WIRE_STRING || row->type == RFL__WIRE_BYTES) {
        struct rfl_view v, w;
        memcpy(&v, a + row->at, sizeof v);
        memcpy(&w, b + row->at, sizeof w);
        return fill_same_view(v, w);
    }
    if (row->type == RFL__WIRE_MESSAGE)
        return fill_same(row->sub, a + row->at, b + row->at);
    if (row->type == RFL__WIRE_STRINGS || row->type == RFL__WIRE_WORDS || row->type == RFL__WIRE_MESSAGES)
        return fill_same_list(row, a, b);
    bool has = row->type != RFL__WIRE_ENUM || row->count_at == 0 || a[row->count_at] == b[row->count_at];
    return has && memcmp(a + row->at, b + row->at, bytes[row->type]) == 0;
}

static inline bool fill_same(const struct rfl__wire_table *table, const uint8_t *a, const uint8_t *b)
{
    for (uint32_t i = 0; i < table->rows_count; i++)
        if (!fill_same_row(&table->rows[i], a, b))
            return false;
    return true;
}

/* How often this finding is there. */
static inline unsigned count_of(const struct rfl_findings *findings, const char *path, const char *code)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct rfl_finding *x = &findings->list[i];
        count += x->path.len == strlen(path) && memcmp(x->path.p, path, x->path.len) == 0 &&
                 x->code.len == strlen(code) && memcmp(x->code.p, code, x->code.len) == 0;
    }
    return count;
}

#endif
