/* The wire: tables against the schema, every message both ways, and frames from people who mean harm. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "wire_fill.h"

#define V(text) (struct rfl_view){ (const uint8_t *)"" text, sizeof text - 1 }

static _Alignas(16) uint8_t arena_memory[RFL_ARENA_BYTES], spare_memory[RFL_ARENA_BYTES];
static uint8_t frame_bytes[RFL_MESSAGE_BYTES_MAX], other_bytes[RFL_MESSAGE_BYTES_MAX];

static struct rfl_arena fresh(void *memory)
{
    struct rfl_arena arena;
    rfl_arena_init(&arena, memory, RFL_ARENA_BYTES);
    return arena;
}

static enum rfl_code decode(struct rfl_view frame, struct rfl_ask *ask)
{
    struct rfl_arena arena = fresh(arena_memory);
    return rfl_wire_decode_ask(frame, &arena, ask);
}

/* ---- tables and schema ---- */

static void check_type(const struct rfl__wire_row *row, const ProtobufCFieldDescriptor *field)
{
    static const ProtobufCType types[] = { [RFL__WIRE_STRING] = PROTOBUF_C_TYPE_STRING,
        [RFL__WIRE_BYTES] = PROTOBUF_C_TYPE_BYTES, [RFL__WIRE_ENUM] = PROTOBUF_C_TYPE_ENUM,
        [RFL__WIRE_BOOL] = PROTOBUF_C_TYPE_BOOL, [RFL__WIRE_FLAG] = PROTOBUF_C_TYPE_BOOL,
        [RFL__WIRE_U8] = PROTOBUF_C_TYPE_UINT32, [RFL__WIRE_U32] = PROTOBUF_C_TYPE_UINT32,
        [RFL__WIRE_U64] = PROTOBUF_C_TYPE_UINT64, [RFL__WIRE_I64] = PROTOBUF_C_TYPE_INT64,
        [RFL__WIRE_MESSAGE] = PROTOBUF_C_TYPE_MESSAGE, [RFL__WIRE_STRINGS] = PROTOBUF_C_TYPE_STRING,
        [RFL__WIRE_WORDS] = PROTOBUF_C_TYPE_STRING, [RFL__WIRE_MESSAGES] = PROTOBUF_C_TYPE_MESSAGE,
        [RFL__WIRE_BITS] = PROTOBUF_C_TYPE_ENUM,
        [RFL__WIRE_BY_STATUS] = PROTOBUF_C_TYPE_MESSAGE, [RFL__WIRE_CODE_TEXT] = PROTOBUF_C_TYPE_STRING,
        [RFL__WIRE_CODE_REMEDY] = PROTOBUF_C_TYPE_STRING, [RFL__WIRE_CODE_RETRY] = PROTOBUF_C_TYPE_BOOL };
    bool many = row->type == RFL__WIRE_STRINGS || row->type == RFL__WIRE_WORDS || row->type == RFL__WIRE_MESSAGES ||
                row->type == RFL__WIRE_BITS || row->type == RFL__WIRE_BY_STATUS;
    assert_int_equal(field->type, types[row->type]);
    assert_int_equal(field->label, many ? PROTOBUF_C_LABEL_REPEATED : PROTOBUF_C_LABEL_OPTIONAL);
}

static void check_words(const ProtobufCEnumDescriptor *words)
{
    assert_non_null(words);
    for (unsigned i = 0; i < words->n_values; i++)
        assert_int_equal(words->values[i].value, i);        /* the decoder's range check is "below n_values" */
}

/* Returns how deep messages nest below this one. A message inside itself would recurse for ever here; the budget stops
 * that and says so. */
static unsigned check_table(const struct rfl__wire_table *table, unsigned budget)
{
    const ProtobufCMessageDescriptor *descriptor = table->descriptor;
    unsigned deepest = 0;
    assert_true(budget > 0);
    assert_int_equal(table->rows_count, descriptor->n_fields);
    for (unsigned i = 0; i < table->rows_count; i++) {
        const struct rfl__wire_row *row = &table->rows[i];
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(descriptor, row->number);
        assert_non_null(field);
        assert_string_equal(row->name, field->name);
        assert_int_equal(row->pb, field->offset);
        if (row->pb_has != 0)
            assert_int_equal(row->pb_has, field->quantifier_offset);
        assert_true(i == 0 || row[-1].number < row->number);
        size_t name = strlen(row->name);
        assert_true(row->path.len >= name);
        assert_memory_equal(row->path.p + row->path.len - name, row->name, name);
        check_type(row, field);
        if (row->type == RFL__WIRE_ENUM || row->type == RFL__WIRE_BITS) {
            check_words(row->words);
            assert_ptr_equal(row->words, field->descriptor);
        }
        if (row->sub != NULL) {
            assert_ptr_equal(row->sub->descriptor, field->descriptor);
            unsigned depth = 1 + check_table(row->sub, budget - 1);
            deepest = depth > deepest ? depth : deepest;
        }
    }
    return deepest;
}

static void tables_say_what_the_schema_says(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++) {
        bool asked = rfl__wire_asks[kind].number != 0;
        assert_true(asked != (rfl__wire_replies[kind].number != 0));
        const struct rfl__wire_message *message = asked ? &rfl__wire_asks[kind] : &rfl__wire_replies[kind];
        assert_in_range(check_table(&message->table, 4), 0, 2);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(&referrald__v1__envelope__descriptor, message->number);
        assert_non_null(field);
        assert_string_equal(field->name, rfl_message_name((enum rfl_message_kind)kind));
        assert_ptr_equal(field->descriptor, message->table.descriptor);
        assert_int_equal(rfl__wire_kind_of(message->number), kind);
    }
    assert_in_range(check_table(&rfl__wire_referral, 4), 1, 1);
    assert_int_equal(referrald__v1__envelope__descriptor.n_fields, 2 + RFL_MSG_COUNT - 1);
    for (unsigned number = 0; number < 300; number++) {
        const void *field = protobuf_c_message_descriptor_get_field(&referrald__v1__envelope__descriptor, number);
        assert_int_equal(rfl__wire_kind_of(number) != RFL_MSG_NONE, field != NULL && number > 2);
    }
}

/* Members are named after their fields; these differ, and no others. A row that fills its neighbour's member would pass
 * every round trip, because both ways go through the same table. */
static bool may_differ(const char *field, const char *member)
{
    static const char *const pairs[][2] = {
        { "sequence", "seq" }, { "receipt", "code" }, { "case_code", "code" }, { "after", "after_sequence" },
        { "since_ms", "at_ms" }, { "until_ms", "at_ms" }, { "references", "names" }, { "queues", "names" },
        { "kind", "outcome" }, { "operator", "operator_name" }, { "reason", "why" },
        { "close", "reason" }, { "waiting_since_ms", "since_ms" }, { "queues", "rows" }, { "cases", "rows" },
        { "safeguarding", "flags" }, { "incident", "flags" }, { "interpreter", "flags" }, { "step_free", "flags" },
        { "name", "referrer_name" }, { "role", "referrer_role" }, { "organisation", "referrer_organisation" },
        { "phone", "referrer_phone" }, { "policies", "rows" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (strcmp(field, pairs[i][0]) == 0 && strcmp(member, pairs[i][1]) == 0)
            return true;
    return false;
}

static unsigned check_members(const struct rfl__wire_table *table)
{
    unsigned checked = 0;
    for (unsigned i = 0; i < table->rows_count; i++) {
        const struct rfl__wire_row *row = &table->rows[i];
        if (row->sub != NULL)
            checked += check_members(row->sub);
        for (unsigned k = 0; k < i && row->member != NULL && row->type != RFL__WIRE_FLAG; k++)
            assert_true(table->rows[k].member == NULL || strcmp(row->member, table->rows[k].member) != 0);
        if (row->member == NULL)
            continue;
        const char *dot = strchr(row->member, '.'), *last = dot != NULL ? dot + 1 : row->member;
        if (strcmp(row->name, last) != 0 && !may_differ(row->name, last))
            fail_msg("field %s is member %s", row->name, row->member);
        checked++;
    }
    return checked;
}

static void fields_fill_the_members_named_after_them(void **state)
{
    (void)state;
    unsigned checked = check_members(&rfl__wire_referral);
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++)
        checked += check_members(&rfl__wire_asks[kind].table) + check_members(&rfl__wire_replies[kind].table);
    assert_true(checked > 250);
}

static void directions_are_those_of_the_list(void **state)
{
    (void)state;
    enum { A = 1, R = 0 };
#define X(name, field, direction) assert_int_equal(rfl__wire_asks[RFL_MSG_##name].number != 0, direction);
    RFL_MESSAGE_LIST(X)
#undef X
}

/* The schema's DOOR_LOCAL_SERVICE is our "local_service", and has the same number. */
static void check_word(const ProtobufCEnumDescriptor *words, unsigned value, const char *word)
{
    assert_in_range(value, 0, words->n_values - 1);
    const char *name = memchr(words->values[value].name, '_', 64);
    assert_non_null(name);
    assert_int_equal(strlen(name + 1), strlen(word));
    for (size_t i = 0; word[i] != 0; i++)
        assert_int_equal(name[1 + i] | 0x20, word[i] | 0x20);
}

static void enums_are_the_core_s_lists(void **state)
{
    (void)state;
#define CHECK(lower, count, word) \
    assert_int_equal(referrald__v1__##lower##__descriptor.n_values, count); \
    for (unsigned i = 0; i < count; i++) \
        check_word(&referrald__v1__##lower##__descriptor, i, word);
    CHECK(door, RFL_DOOR_COUNT, rfl_door_name((enum rfl_door)i))
    CHECK(band, RFL_BAND_COUNT, rfl_band_word((enum rfl_band)i))
    CHECK(consent, RFL_CONSENT_COUNT, rfl_consent_word((enum rfl_consent)i))
    CHECK(employment, RFL_EMPLOYMENT_COUNT, rfl_employment_word((enum rfl_employment)i))
    CHECK(status, RFL_STATUS_COUNT, rfl_status_word((enum rfl_status)i))
    CHECK(decline_reason, RFL_DECLINE_COUNT, rfl_decline_word((enum rfl_decline)i))
    CHECK(close_reason, RFL_CLOSE_COUNT, rfl_close_word((enum rfl_close)i))
    CHECK(channel, RFL_CHANNEL_COUNT, rfl_channel_word((enum rfl_channel)i))
    CHECK(outcome_kind, RFL_OUTCOME_COUNT, rfl_outcome_word((enum rfl_outcome)i))
    CHECK(withdraw_reason, RFL_WITHDRAW_COUNT, rfl_withdraw_word((enum rfl_withdraw)i))
    CHECK(notify, RFL_NOTIFY_COUNT, rfl_notify_word((enum rfl_notify)i))
    CHECK(queue_mode, RFL_QUEUE_MODE_COUNT, rfl_queue_mode_word((enum rfl_queue_mode)i))
    CHECK(code, RFL_CODE_COUNT, rfl_code_name((enum rfl_code)i))
#undef CHECK
    assert_int_equal(referrald__v1__notice_kind__descriptor.n_values, RFL_NOTICE_QUEUE_MOVED + 1);
    assert_int_equal(referrald__v1__severity__descriptor.n_values, RFL_SEVERITY_WARNING + 1);
}

/* ---- both ways ---- */

/* protobuf-c, which knows the schema and not our tables, must read our bytes and write the very same ones. */
static void check_canonical(struct rfl_view frame)
{
    Referrald__V1__Envelope *envelope = referrald__v1__envelope__unpack(NULL, frame.len, frame.p);
    assert_non_null(envelope);
    assert_int_equal(referrald__v1__envelope__get_packed_size(envelope), frame.len);
    assert_int_equal(referrald__v1__envelope__pack(envelope, other_bytes), frame.len);
    assert_memory_equal(other_bytes, frame.p, frame.len);
    referrald__v1__envelope__free_unpacked(envelope, NULL);
}

static void check_ask(unsigned kind, uint32_t items)
{
    static struct rfl_ask ask, back;
    struct rfl_arena spare = fresh(spare_memory);
    struct fill f = { &spare, kind * 100, items };
    memset(&ask, 0, sizeof ask);
    ask.kind = (uint8_t)kind;
    ask.correlation = UINT64_MAX - kind;
    fill_table(&f, &rfl__wire_asks[kind].table, (uint8_t *)&ask);
    struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
    assert_true(frame.len > 0);
    check_canonical(frame);
    assert_int_equal(decode(frame, &back), RFL_CODE_OK);
    assert_int_equal(back.kind, kind);
    assert_int_equal(back.correlation, ask.correlation);
    assert_true(fill_same(&rfl__wire_asks[kind].table, (uint8_t *)&ask, (uint8_t *)&back));
    for (size_t cap = 0; cap < frame.len; cap++)
        assert_int_equal(rfl_wire_encode_ask(&ask, other_bytes, cap), 0);
    assert_int_equal(rfl_wire_encode_ask(&ask, other_bytes, frame.len), frame.len);
}

static void check_reply(unsigned kind, uint32_t items)
{
    static struct rfl_reply reply, back;
    struct rfl_arena spare = fresh(spare_memory), arena = fresh(arena_memory);
    struct fill f = { &spare, kind * 100, items };
    memset(&reply, 0, sizeof reply);
    reply.kind = (uint8_t)kind;
    reply.correlation = kind;
    fill_table(&f, &rfl__wire_replies[kind].table, (uint8_t *)&reply);
    struct rfl_view frame = { frame_bytes, rfl_wire_encode_reply(&reply, frame_bytes, sizeof frame_bytes) };
    assert_true(frame.len > 0);
    check_canonical(frame);
    assert_int_equal(rfl_wire_decode_reply(frame, &arena, &back), RFL_CODE_OK);
    assert_int_equal(back.kind, kind);
    assert_int_equal(back.correlation, kind);
    assert_true(fill_same(&rfl__wire_replies[kind].table, (uint8_t *)&reply, (uint8_t *)&back));
    for (size_t cap = 0; cap < frame.len; cap++)
        assert_int_equal(rfl_wire_encode_reply(&reply, other_bytes, cap), 0);
}

static void every_message_survives_the_way_there_and_back(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++)
        for (uint32_t items = 1; items <= 3; items += 2) {
            if (rfl__wire_asks[kind].number != 0)
                check_ask(kind, items);
            else
                check_reply(kind, items);
        }
}

static void comparison_sees_every_field(void **state)
{
    (void)state;
    static struct rfl_reply full, without;
    unsigned seen = 0, rows = 0;
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++) {
        const struct rfl__wire_table *table = &rfl__wire_replies[kind].table;
        struct rfl_arena spare = fresh(spare_memory);
        struct fill f = { &spare, 0, 2 };
        memset(&full, 0, sizeof full);
        fill_table(&f, table, (uint8_t *)&full);
        for (unsigned i = 0; i < table->rows_count; i++) {
            const struct rfl__wire_row *row = &table->rows[i];
            struct fill again = { &spare, 0, 2 };
            memset(&without, 0, sizeof without);
            for (unsigned k = 0; k < table->rows_count; k++)
                if (k != i)
                    fill_row(&again, &table->rows[k], (uint8_t *)&without);
            bool derived = row->type >= RFL__WIRE_CODE_TEXT;
            rows += !derived;
            seen += !derived && !fill_same_row(row, (uint8_t *)&full, (uint8_t *)&without);
        }
    }
    assert_int_equal(seen, rows);
    assert_true(rows > 100);
}

static void each_flag_of_a_preview_is_its_own(void **state)
{
    (void)state;
    static struct rfl_reply reply, back;
    for (uint32_t flags = 0; flags < 16; flags++) {
        struct rfl_arena arena = fresh(arena_memory);
        memset(&reply, 0, sizeof reply);
        reply.kind = RFL_MSG_OFFER;
        reply.offer.flags = flags;
        struct rfl_view frame = { frame_bytes, rfl_wire_encode_reply(&reply, frame_bytes, sizeof frame_bytes) };
        assert_int_equal(rfl_wire_decode_reply(frame, &arena, &back), RFL_CODE_OK);
        assert_int_equal(back.offer.flags, flags);
        Referrald__V1__Envelope *envelope = referrald__v1__envelope__unpack(NULL, frame.len, frame.p);
        const Referrald__V1__Preview *preview = envelope->offer->preview;
        assert_true((preview != NULL) == (flags != 0));
        assert_true(preview == NULL || preview->safeguarding == ((flags & RFL_FLAG_SAFEGUARDING) != 0));
        assert_true(preview == NULL || preview->incident == ((flags & RFL_FLAG_INCIDENT) != 0));
        assert_true(preview == NULL || preview->interpreter == ((flags & RFL_FLAG_INTERPRETER) != 0));
        assert_true(preview == NULL || preview->step_free == ((flags & RFL_FLAG_STEP_FREE) != 0));
        referrald__v1__envelope__free_unpacked(envelope, NULL);
    }
}

static void a_form_survives_as_bytes(void **state)
{
    (void)state;
    struct rfl_arena spare = fresh(spare_memory), arena = fresh(arena_memory);
    struct fill f = { &spare, 7, RFL_NEEDS_MAX };
    struct rfl_form form, back;
    struct rfl_findings findings;
    memset(&form, 0, sizeof form);
    fill_table(&f, &rfl__wire_referral, (uint8_t *)&form);
    struct rfl_view bytes = { frame_bytes, rfl_wire_encode_form(&form, frame_bytes, sizeof frame_bytes) };
    assert_int_equal(rfl_wire_decode_form(bytes, &arena, &back, &findings), RFL_CODE_OK);
    assert_true(fill_same(&rfl__wire_referral, (uint8_t *)&form, (uint8_t *)&back));
    memset(&form, 0, sizeof form);
    form.door = RFL_DOOR_SELF;
    form.name = V("Invented Person");
    form.phone = V("07700 900000");
    form.band = RFL_BAND_ROUTINE;
    bytes.len = rfl_wire_encode_form(&form, frame_bytes, sizeof frame_bytes);
    assert_int_equal(rfl_wire_decode_form(bytes, &arena, &back, &findings), RFL_CODE_OK);
    assert_true(fill_same(&rfl__wire_referral, (uint8_t *)&form, (uint8_t *)&back));
    assert_false(back.has_band);
    assert_int_equal(findings.errors, 0);           /* name and one contact route are enough; consent is asked about */
    assert_int_equal(findings.count, 1);
    assert_true(fill_same_view(findings.list[0].code, V("V-046")));
}

/* ---- frames that mean harm ---- */

static void hostile_frames_get_a_code(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t len; enum rfl_code code; uint64_t correlation; } frames[] = {
#define F(bytes, code, correlation) { bytes, sizeof bytes - 1, RFL_CODE_##code, correlation }
        F("", VERSION, 0), F("\x00", PARSE, 0), F("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", PARSE, 0),
        F("\x08\x01", PARSE, 0), F("\x08\x02\xc2\x03\x00", VERSION, 0), F("\xc2\x03\x00", VERSION, 0),
        F("\x08\x01\xc2\x03\x00", OK, 0), F("\x08\x01\x10\x2a\xc2\x03\x00", OK, 42),
        F("\x08\x01\xc2\x03\x00\x10\x2a", OK, 42),                      /* the order of fields is free */
        F("\x08\x01\x10\x2a\xc2\x03\x05", PARSE, 42),                   /* longer than the frame */
        F("\x08\x01\x10\x2a\xc2\x03\xff\xff\xff\xff\xff\xff\xff\xff\x7f", PARSE, 42),
        F("\x08\x01\x10\x2a\xc0\x03\x00", PARSE, 42),                   /* a body that is a number */
        F("\x08\x01\xc2\x03\x00\xc2\x03\x00", PARSE, 0), F("\x08\x01\xc2\x03\x00\xb2\x03\x00", PARSE, 0),
        F("\x08\x01\x5a\x00", PARSE, 0),                                /* a Receipt is not asked */
        F("\x08\x01\x10\x2a\x0b\x0c", PARSE, 42),                       /* groups */
        F("\x09\x01\x00\x00\x00\x00\x00\x00\x00\xc2\x03\x00", VERSION, 0),      /* the version as fixed64 */
        F("\x88\x80\x80\x80\x80\x80\x80\x80\x80\x02\x01", PARSE, 0),    /* a field number of 64 bits */
        F("\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xc2\x03\x00", OK, UINT64_MAX),
        F("\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03\xc2\x03\x00", PARSE, 0),
        F("\x08\x81\x80\x80\x80\x10\xc2\x03\x00", VERSION, 0),          /* 2^32 + 1 is not 1 */
        F("\x08\x01\x10\x2a\xc2\x03\x02\x0a\x05", PARSE, 42), F("\x08\x01\x10\x2a\x52\x02\x0d\x05", PARSE, 42),
#undef F
    };
    static struct rfl_ask ask;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        uint8_t *exact = malloc(frames[i].len + 1);         /* so that a read past the end is seen */
        assert_non_null(exact);
        memcpy(exact, frames[i].bytes, frames[i].len);
        enum rfl_code code = decode((struct rfl_view){ exact, frames[i].len }, &ask);
        if (code != frames[i].code || ask.correlation != frames[i].correlation)
            fail_msg("frame %zu: code %s, correlation %llu", i, rfl_code_name(code),
                     (unsigned long long)ask.correlation);
        free(exact);
    }
}

static void a_frame_too_large_is_answered_with_its_correlation(void **state)
{
    (void)state;
    static uint8_t large[RFL_MESSAGE_BYTES_MAX + 1] = "\x08\x01\x10\x2a\x52\xfc\xff\x03";
    static struct rfl_ask ask;
    assert_int_equal(decode((struct rfl_view){ large, sizeof large }, &ask), RFL_CODE_LIMIT);
    assert_int_equal(ask.correlation, 42);
}

/* PITFALLS of the parser: two bytes on the wire that become a hundred in memory, many times over. */
static void amplifying_frames_meet_the_cap(void **state)
{
    (void)state;
    static const struct { uint8_t head[2]; uint8_t kind_key[2]; } floods[] = {
        { { 0x1a, 0x00 }, { 0xb2, 0x01 } },     /* Reconcile.references, empty */
        { { 0x12, 0x00 }, { 0xc2, 0x02 } },     /* Subscribe.queues, empty */
        { { 0x78, 0x00 }, { 0xc2, 0x03 } },     /* Ping, field 15: unknown */
        { { 0x1a, 0x00 }, { 0xda, 0x02 } },     /* Accept.token again and again: merged */
    };
    static struct rfl_ask ask;
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++)
        for (size_t pairs = 16; pairs <= 32000; pairs *= 2) {
            size_t len = pairs * 2, at = 0;
            uint8_t *p = frame_bytes;
            p[at++] = 0x08, p[at++] = 0x01, p[at++] = floods[i].kind_key[0], p[at++] = floods[i].kind_key[1];
            p[at++] = (uint8_t)(len | 0x80), p[at++] = (uint8_t)(len >> 7 | 0x80), p[at++] = (uint8_t)(len >> 14);
            for (size_t k = 0; k < pairs; k++, at += 2)
                memcpy(p + at, floods[i].head, 2);
            enum rfl_code code = decode((struct rfl_view){ p, at }, &ask);
            assert_true(code == RFL_CODE_OK || code == RFL_CODE_INVALID || code == RFL_CODE_LIMIT);
            if (i == 2)
                assert_int_equal(code, pairs > 32 ? RFL_CODE_LIMIT : RFL_CODE_OK);
        }
}

static void few_unknown_fields_are_ignored_and_many_are_a_limit(void **state)
{
    (void)state;
    static struct rfl_ask ask;
    for (size_t unknown = 0; unknown < 40; unknown++) {
        memcpy(frame_bytes, "\x08\x01\x10\x2a\xc2\x03\x00", 7);
        for (size_t i = 0; i < unknown; i++)
            memcpy(frame_bytes + 7 + 2 * i, "\x18\x00", 2);
        enum rfl_code code = decode((struct rfl_view){ frame_bytes, 7 + 2 * unknown }, &ask);
        assert_int_equal(code, unknown > 32 ? RFL_CODE_LIMIT : RFL_CODE_OK);
        assert_int_equal(ask.correlation, 42);
    }
}

static void a_token_of_nothing_is_no_token(void **state)
{
    (void)state;
    static struct rfl_ask ask;
    struct rfl_view frame = V("\x08\x01\xda\x02\x08\x0a\x01w\x12\x01" "c\x1a\x00");
    assert_int_equal(decode(frame, &ask), RFL_CODE_INVALID);
    assert_int_equal(count_of(&ask.findings, "token.epoch", "V-001"), 1);
    assert_int_equal(ask.findings.count, 1);
}

static void too_little_memory_is_a_limit_at_every_size(void **state)
{
    (void)state;
    static struct rfl_ask ask, back;
    struct rfl_arena spare = fresh(spare_memory), arena;
    struct fill f = { &spare, 0, 3 };
    memset(&ask, 0, sizeof ask);
    ask.kind = RFL_MSG_SUBMIT;
    fill_table(&f, &rfl__wire_asks[RFL_MSG_SUBMIT].table, (uint8_t *)&ask);
    struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
    size_t enough = 0;
    for (size_t cap = 0; enough == 0; cap += 16) {
        uint8_t *memory = aligned_alloc(16, cap + 16);
        assert_non_null(memory);
        rfl_arena_init(&arena, memory, cap);
        enum rfl_code code = rfl_wire_decode_ask(frame, &arena, &back);
        if (code == RFL_CODE_OK)
            enough = cap;
        else
            assert_int_equal(code, RFL_CODE_LIMIT);
        free(memory);
    }
    assert_true(enough > 1000 && enough < 16 * frame.len);
}

static void every_cut_and_every_flipped_bit_is_survived(void **state)
{
    (void)state;
    static struct rfl_ask ask, back;
    struct rfl_arena spare = fresh(spare_memory);
    struct fill f = { &spare, 0, 2 };
    memset(&ask, 0, sizeof ask);
    ask.kind = RFL_MSG_SUBMIT;
    fill_table(&f, &rfl__wire_asks[RFL_MSG_SUBMIT].table, (uint8_t *)&ask);
    struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
    unsigned fine = 0;
    for (size_t len = 0; len < frame.len; len++) {
        uint8_t *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, frame.p, len);
        assert_int_not_equal(decode((struct rfl_view){ exact, len }, &back), RFL_CODE_OK);
        free(exact);
    }
    for (size_t bit = 0; bit < frame.len * 8; bit++) {
        frame_bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        fine += decode(frame, &back) == RFL_CODE_OK;
        frame_bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_true(fine > 0 && fine < frame.len * 8);
}

static void a_reply_that_breaks_the_limits_is_refused(void **state)
{
    (void)state;
    static struct rfl_reply reply;
    static const struct { const char *bytes; size_t len; enum rfl_code code; } frames[] = {
#define F(bytes, code) { bytes, sizeof bytes - 1, RFL_CODE_##code }
        F("\x08\x01\x62\x02\x08\x04", OK), F("\x08\x01\x62\x02\x08\x63", INVALID),      /* a Refusal with code 99 */
        F("\x08\x01\x5a\x03\x0a\x01\xff", INVALID), F("\x08\x01\x5a\x03\x0a\x01\x00", INVALID),
        F("\x08\x02\x5a\x00", VERSION), F("\x08\x01\x52\x00", PARSE), F("\x08\x01\x5a\x02\x0a\x05", PARSE),
#undef F
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct rfl_arena arena = fresh(arena_memory);
        struct rfl_view frame = { (const uint8_t *)frames[i].bytes, frames[i].len };
        assert_int_equal(rfl_wire_decode_reply(frame, &arena, &reply), frames[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_say_what_the_schema_says),
        cmocka_unit_test(fields_fill_the_members_named_after_them),
        cmocka_unit_test(directions_are_those_of_the_list),
        cmocka_unit_test(enums_are_the_core_s_lists),
        cmocka_unit_test(every_message_survives_the_way_there_and_back),
        cmocka_unit_test(comparison_sees_every_field),
        cmocka_unit_test(each_flag_of_a_preview_is_its_own),
        cmocka_unit_test(a_form_survives_as_bytes),
        cmocka_unit_test(hostile_frames_get_a_code),
        cmocka_unit_test(a_frame_too_large_is_answered_with_its_correlation),
        cmocka_unit_test(amplifying_frames_meet_the_cap),
        cmocka_unit_test(few_unknown_fields_are_ignored_and_many_are_a_limit),
        cmocka_unit_test(a_token_of_nothing_is_no_token),
        cmocka_unit_test(too_little_memory_is_a_limit_at_every_size),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_survived),
        cmocka_unit_test(a_reply_that_breaks_the_limits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
