#include "rfl_json.h"

#include <stdlib.h>

#include "rfl_finding.h"
#include "rfl_wire_decode.h"

#define PATH(text) (struct rfl_view){ (const uint8_t *)"" text, sizeof text - 1 }

enum { WORD_BYTES = 64 };

/* "DOOR_LOCAL_SERVICE" -> "local_service": what follows the first underscore, in lower case. */
static size_t word_of(const ProtobufCEnumDescriptor *words, uint32_t value, char out[WORD_BYTES])
{
    const char *name = words->values[value].name;
    const char *from = memchr(name, '_', strlen(name));
    size_t len = 0;
    assert(from != NULL);
    for (from++; *from != 0 && len < WORD_BYTES - 1; from++)
        out[len++] = *from >= 'A' && *from <= 'Z' ? (char)(*from - 'A' + 'a') : *from;
    out[len] = 0;
    return len;
}

/* ---- to JSON ---- */

struct showing { bool all, failed; };

static json_t *json_of_table(struct showing *s, const struct rfl__wire_table *table, const uint8_t *core);

static json_t *json_of_view(struct rfl_view view)
{
    return json_stringn(view.len > 0 ? (const char *)view.p : "", view.len);
}

static json_t *json_of_number(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* The words of a case's statuses as keys, so that the counts can be read by name. */
static json_t *json_of_statuses(const uint8_t *member)
{
    json_t *counts = json_object();
    for (uint32_t status = 0; counts != NULL && status < RFL_STATUS_COUNT; status++) {
        uint64_t cases;
        memcpy(&cases, member + status * sizeof cases, sizeof cases);
        if (json_object_set_new(counts, rfl_status_word((enum rfl_status)status), json_of_number(cases)) != 0) {
            json_decref(counts);
            return NULL;
        }
    }
    return counts;
}

static json_t *json_of_list(struct showing *s, const struct rfl__wire_row *row, const uint8_t *core)
{
    uint32_t count;
    const uint8_t *items = core + row->at;
    memcpy(&count, core + row->count_at, sizeof count);
    if (row->type != RFL__WIRE_WORDS)
        memcpy(&items, core + row->at, sizeof items);
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        struct rfl_view view;
        json_t *item;
        if (row->type == RFL__WIRE_MESSAGES) {
            item = json_of_table(s, row->sub, items + (size_t)i * row->item_bytes);
        } else {
            memcpy(&view, items + (size_t)i * sizeof view, sizeof view);
            item = json_of_view(view);
        }
        s->failed = json_array_append_new(list, item) != 0 || s->failed;
    }
    return list;
}

static json_t *json_of_bits(struct showing *s, const struct rfl__wire_row *row, uint8_t bits)
{
    char word[WORD_BYTES];
    json_t *list = json_array();
    for (uint32_t value = 0; value < row->words->n_values; value++)
        if ((bits & 1U << value) != 0)
            s->failed = json_array_append_new(list, json_stringn(word, word_of(row->words, value, word))) != 0 ||
                        s->failed;
    return list;
}

static json_t *json_of_referral(struct rfl_view bytes)
{
    struct rfl_form form = { .band = RFL_BAND_ROUTINE };
    struct rfl_findings findings;
    struct rfl_arena arena;
    void *memory = malloc(RFL_ARENA_BYTES);
    if (memory == NULL)
        return NULL;
    rfl_arena_init(&arena, memory, RFL_ARENA_BYTES);
    rfl_findings_clear(&findings);
    enum rfl_code code = rfl__wire_read(&rfl__wire_referral, bytes, &arena, &findings, &form);
    json_t *object = code == RFL_CODE_OK ? rfl_json_of_form(&form) : json_null();
    free(memory);
    return object;
}

static json_t *json_of_hex(struct rfl_view bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * bytes.len + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = digits[bytes.p[i] >> 4];
        text[2 * i + 1] = digits[bytes.p[i] & 15];
    }
    json_t *value = json_stringn(text, 2 * bytes.len);
    free(text);
    return value;
}

static json_t *json_of_text_row(const struct rfl__wire_row *row, const uint8_t *member)
{
    struct rfl_view view;
    memcpy(&view, member, sizeof view);
    if ((row->flags & RFL__WIRE_RAW) != 0)
        return json_of_hex(view);
    return row->type == RFL__WIRE_BYTES ? json_of_referral(view) : json_of_view(view);
}

static json_t *json_of_number_row(const struct rfl__wire_row *row, const uint8_t *member)
{
    uint32_t narrow;
    uint64_t wide;
    if (row->type == RFL__WIRE_BOOL)
        return json_boolean(*member != 0);
    if (row->type == RFL__WIRE_U8)
        return json_integer(*member);
    if (row->type == RFL__WIRE_U32 || row->type == RFL__WIRE_FLAG) {
        memcpy(&narrow, member, sizeof narrow);
        return row->type == RFL__WIRE_U32 ? json_integer(narrow) : json_boolean((narrow & row->limit) != 0);
    }
    memcpy(&wide, member, sizeof wide);
    return json_of_number(wide);
}

static json_t *json_of_row(struct showing *s, const struct rfl__wire_row *row, const uint8_t *core)
{
    const uint8_t *member = core + row->at;
    char word[WORD_BYTES];
    switch ((enum rfl__wire_type)row->type) {
    case RFL__WIRE_STRING: case RFL__WIRE_BYTES: return json_of_text_row(row, member);
    case RFL__WIRE_ENUM: return json_stringn(word, word_of(row->words, *member, word));
    case RFL__WIRE_BOOL: case RFL__WIRE_FLAG: case RFL__WIRE_U8: case RFL__WIRE_U32: case RFL__WIRE_U64:
    case RFL__WIRE_I64:
        return json_of_number_row(row, member);
    case RFL__WIRE_MESSAGE: return json_of_table(s, row->sub, member);
    case RFL__WIRE_STRINGS: case RFL__WIRE_WORDS: case RFL__WIRE_MESSAGES: return json_of_list(s, row, core);
    case RFL__WIRE_BITS: return json_of_bits(s, row, *member);
    case RFL__WIRE_BY_STATUS: return json_of_statuses(member);
    case RFL__WIRE_CODE_TEXT: return json_string(rfl_code_text((enum rfl_code)*member));
    case RFL__WIRE_CODE_REMEDY: return json_string(rfl_code_remedy((enum rfl_code)*member));
    case RFL__WIRE_CODE_RETRY: return json_boolean(rfl_code_retryable((enum rfl_code)*member));
    }
    return NULL;
}

/* Said in a form: not empty, not zero, not false; a band when it was given. */
static bool given(const struct rfl__wire_row *row, const uint8_t *core, const json_t *value)
{
    if (row->type == RFL__WIRE_ENUM)
        return core[row->count_at != 0 ? row->count_at : row->at] != 0;
    if (json_is_string(value))
        return json_string_length(value) > 0;
    if (json_is_integer(value))
        return json_integer_value(value) != 0;
    if (json_is_array(value) || json_is_object(value))
        return json_array_size(value) + json_object_size(value) > 0;
    return json_is_true(value);
}

static json_t *json_of_table(struct showing *s, const struct rfl__wire_table *table, const uint8_t *core)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < table->rows_count; i++) {
        const struct rfl__wire_row *row = &table->rows[i];
        json_t *value = json_of_row(s, row, core);
        if (value != NULL && !s->all && !given(row, core, value))
            json_decref(value);
        else
            s->failed = json_object_set_new(object, row->name, value) != 0 || s->failed;
    }
    return object;
}

static json_t *finished(const struct showing *s, json_t *object)
{
    if (!s->failed)
        return object;
    json_decref(object);
    return NULL;
}

json_t *rfl_json_of_reply(const struct rfl_reply *reply)
{
    assert(reply->kind < RFL_MSG_COUNT && rfl__wire_replies[reply->kind].number != 0);
    struct showing s = { true, false };
    json_t *object = json_of_table(&s, &rfl__wire_replies[reply->kind].table, (const uint8_t *)reply);
    const char *name = rfl_message_name((enum rfl_message_kind)reply->kind);
    s.failed = json_object_set_new(object, "message", json_string(name)) != 0 || s.failed;
    return finished(&s, object);
}

json_t *rfl_json_of_form(const struct rfl_form *form)
{
    struct showing s = { false, false };
    json_t *object = json_of_table(&s, &rfl__wire_referral, (const uint8_t *)form);
    return finished(&s, object);
}

/* ---- from JSON ---- */

static void table_of_json(const struct rfl__wire_table *table, const json_t *object, uint8_t *core,
                          struct rfl_findings *findings);

static bool view_of_json(const struct rfl__wire_row *row, const json_t *value, size_t limit, struct rfl_view *out,
                         struct rfl_findings *findings)
{
    if (!json_is_string(value)) {
        rfl_findings_add(findings, row->path, RFL_FINDING_KIND);
        return false;
    }
    *out = (struct rfl_view){ (const uint8_t *)json_string_value(value), json_string_length(value) };
    if (out->len <= limit)
        return true;
    rfl_findings_add(findings, row->path, RFL_FINDING_TOO_LONG);
    return false;
}

static bool value_of_json(const struct rfl__wire_row *row, const json_t *word_given, uint8_t *out,
                          struct rfl_findings *findings)
{
    char word[WORD_BYTES];
    struct rfl_view view;
    if (!view_of_json(row, word_given, WORD_BYTES, &view, findings))
        return false;
    for (uint32_t i = 0; i < row->words->n_values; i++) {
        if (word_of(row->words, i, word) == view.len && memcmp(word, view.p, view.len) == 0) {
            *out = (uint8_t)i;
            return true;
        }
    }
    rfl_findings_add(findings, row->path, RFL_FINDING_ENUM);
    return false;
}

static void enum_of_json(const struct rfl__wire_row *row, const json_t *value, uint8_t *core,
                         struct rfl_findings *findings)
{
    if (value_of_json(row, value, &core[row->at], findings) && row->count_at != 0)
        core[row->count_at] = true;
}

static void bits_of_json(const struct rfl__wire_row *row, const json_t *value, uint8_t *member,
                         struct rfl_findings *findings)
{
    uint8_t bit;
    if (!json_is_array(value))
        rfl_findings_add(findings, row->path, RFL_FINDING_KIND);
    for (size_t i = 0; i < json_array_size(value); i++)         /* of what is no array: 0 */
        if (value_of_json(row, json_array_get(value, i), &bit, findings))
            *member = (uint8_t)(*member | 1U << bit);
}

static void number_of_json(const struct rfl__wire_row *row, const json_t *value, uint8_t *member,
                           struct rfl_findings *findings)
{
    if (!json_is_integer(value)) {
        rfl_findings_add(findings, row->path, RFL_FINDING_KIND);
        return;
    }
    bool wide = row->type == RFL__WIRE_I64 || row->type == RFL__WIRE_U64;
    json_int_t given_value = json_integer_value(value), most = wide ? INT64_MAX : UINT32_MAX;
    if (row->limit != 0)
        most = row->limit;
    if (given_value < 0 || given_value > most) {
        rfl_findings_add(findings, row->path, RFL_FINDING_RANGE);
        return;
    }
    uint32_t narrow = (uint32_t)given_value;
    if (wide)
        memcpy(member, &given_value, sizeof given_value);
    else if (row->type == RFL__WIRE_U8)
        *member = (uint8_t)narrow;
    else
        memcpy(member, &narrow, sizeof narrow);
}

static void words_of_json(const struct rfl__wire_row *row, const json_t *value, uint8_t *core,
                          struct rfl_findings *findings)
{
    struct rfl_view *views = (void *)(core + row->at);
    uint32_t count = 0;
    if (!json_is_array(value) || json_array_size(value) > row->limit) {
        rfl_findings_add(findings, row->path, json_is_array(value) ? RFL_FINDING_TOO_MANY : RFL_FINDING_KIND);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        if (view_of_json(row, json_array_get(value, i), row->item_bytes, &views[count], findings))
            count++;
    memcpy(core + row->count_at, &count, sizeof count);
}

static void row_of_json(const struct rfl__wire_row *row, const json_t *value, uint8_t *core,
                        struct rfl_findings *findings)
{
    struct rfl_view view;
    if (json_is_null(value))
        return;
    switch ((enum rfl__wire_type)row->type) {
    case RFL__WIRE_STRING:
        if (view_of_json(row, value, row->limit, &view, findings))
            memcpy(core + row->at, &view, sizeof view);
        return;
    case RFL__WIRE_ENUM: enum_of_json(row, value, core, findings); return;
    case RFL__WIRE_BOOL:
        if (!json_is_boolean(value))
            rfl_findings_add(findings, row->path, RFL_FINDING_KIND);
        core[row->at] = json_is_true(value);
        return;
    case RFL__WIRE_U8: case RFL__WIRE_U32: case RFL__WIRE_U64: case RFL__WIRE_I64:
        number_of_json(row, value, core + row->at, findings);
        return;
    case RFL__WIRE_MESSAGE:
        if (!json_is_object(value))
            rfl_findings_add(findings, row->path, RFL_FINDING_KIND);
        table_of_json(row->sub, value, core + row->at, findings);
        return;
    case RFL__WIRE_WORDS: words_of_json(row, value, core, findings); return;
    case RFL__WIRE_BITS: bits_of_json(row, value, core + row->at, findings); return;
    case RFL__WIRE_BYTES: case RFL__WIRE_FLAG: case RFL__WIRE_STRINGS: case RFL__WIRE_MESSAGES:
    case RFL__WIRE_BY_STATUS: case RFL__WIRE_CODE_TEXT: case RFL__WIRE_CODE_REMEDY: case RFL__WIRE_CODE_RETRY:
        assert(false && "no Referral has such a field");
    }
}

static const struct rfl__wire_row *row_named(const struct rfl__wire_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->rows_count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

static void table_of_json(const struct rfl__wire_table *table, const json_t *object, uint8_t *core,
                          struct rfl_findings *findings)
{
    json_t *walked = (json_t *)(uintptr_t)object;     /* the iterator's signature lacks the const that it keeps */
    for (void *i = json_object_iter(walked); i != NULL; i = json_object_iter_next(walked, i)) {
        const char *key = json_object_iter_key(i);
        const struct rfl__wire_row *row = row_named(table, key);
        if (row != NULL)
            row_of_json(row, json_object_iter_value(i), core, findings);
        else
            rfl_findings_add(findings, (struct rfl_view){ (const uint8_t *)key, strlen(key) }, RFL_FINDING_KEY);
    }
}

bool rfl_json_to_referral(const json_t *object, uint8_t *out, size_t cap, size_t *len_out,
                          struct rfl_findings *findings)
{
    static const struct rfl_form nothing = { .band = RFL_BAND_ROUTINE };
    struct rfl_form form;
    memcpy(&form, &nothing, sizeof form);
    *len_out = 0;
    rfl_findings_clear(findings);
    if (!json_is_object(object)) {
        rfl_findings_add(findings, PATH("referral"), RFL_FINDING_KIND);
        return false;
    }
    table_of_json(&rfl__wire_referral, object, (uint8_t *)&form, findings);
    if (findings->errors > 0)
        return false;
    *len_out = rfl_wire_encode_form(&form, out, cap);
    bool empty = memcmp(&form, &nothing, sizeof form) == 0;
    if (*len_out == 0)
        rfl_findings_add(findings, PATH("referral"), empty ? RFL_FINDING_REQUIRED : RFL_FINDING_TOO_LONG);
    return *len_out > 0;
}
