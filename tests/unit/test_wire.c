/* The wire: tables against the schema, every message both ways, and frames from people who mean harm. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rfl_finding.h"
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
        [RFL__WIRE_BY_STATUS] = PROTOBUF_C_TYPE_MESSAGE, [RFL__WIRE_CODE_TEXT] = PROTOBUF_C_TYPE_STRING,
        [RFL__WIRE_CODE_REMEDY] = PROTOBUF_C_TYPE_STRING, [RFL__WIRE_CODE_RETRY] = PROTOBUF_C_TYPE_BOOL };
    bool many = row->type == RFL__WIRE_STRINGS || row->type == RFL__WIRE_WORDS || row->type == RFL__WIRE_MESSAGES ||
                row->type == RFL__WIRE_BY_STATUS;
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
        if (row->type == RFL__WIRE_ENUM) {
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
    CHECK(code, RFL_CODE_COUNT, rfl_code_name((enum rfl_code)i))
#undef CHECK
    assert_int_equal(referrald__v1__notice_kind__descriptor.n_values, RFL_NOTICE_DRAINING + 1);
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

/* ---- findings ---- */

static unsigned count_of(const struct rfl_findings *findings, const char *path, const char *code)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct rfl_finding *x = &findings->list[i];
        count += x->path.len == strlen(path) && memcmp(x->path.p, path, x->path.len) == 0 &&
                 x->code.len == strlen(code) && memcmp(x->code.p, code, x->code.len) == 0;
    }
    return count;
}

/* "CANARY" wherever a value can stand, so that a value in a finding cannot go unseen. */
static const struct rfl_form bad_form = {
    .door = RFL_DOOR_GP, .weeks_out_of_work = 5201, .main_barrier = 19, .made_ms = -1,
    .date_of_birth = { (const uint8_t *)"CANARY-02-30", 12 }, .nhs_number = { (const uint8_t *)"CANARY 1", 8 },
    .nino = { (const uint8_t *)"CANARY 2", 8 }, .postcode = { (const uint8_t *)"CANARY POST", 11 },
    .email = { (const uint8_t *)"CANARY.example", 14 }, .gp_practice = { (const uint8_t *)"CANARYGP", 8 },
    .referrer_area = { (const uint8_t *)"CANARY AREA!", 12 }, .jobcentre = { (const uint8_t *)"CANARY\x80", 7 },
    .phone = { (const uint8_t *)"CANARY\0" "3", 8 }, .contact_notes = { (const uint8_t *)"CANARY\x1b", 7 },
    .language = { (const uint8_t *)"CANARY\xc0\xaf", 8 }, .referrer_role = { (const uint8_t *)"CANARY\xed\xa0\x80", 9 },
};

static void twenty_seeded_defects_are_twenty_findings(void **state)
{
    (void)state;
    static const struct { const char *path, *code; } expected[] = {
        { "source", "V-002" }, { "reference", "V-005" },
        { "referral.weeks_out_of_work", "V-042" }, { "referral.main_barrier", "V-042" },
        { "referral.made_ms", "V-042" }, { "referral.person.date_of_birth", "V-052" },
        { "referral.person.nhs_number", "V-047" }, { "referral.person.nino", "V-050" },
        { "referral.person.postcode", "V-051" }, { "referral.person.email", "V-055" },
        { "referral.gp_practice", "V-053" }, { "referral.referrer_area", "V-054" }, { "referral.jobcentre", "V-003" },
        { "referral.person.phone", "V-004" }, { "referral.person.contact_notes", "V-040" },
        { "referral.person.language", "V-003" }, { "referral.referrer.role", "V-003" },
        { "referral.person.name", "V-045" }, { "referral.consent", "V-046" }, { "referral.person.address", "V-002" },
    };
    static char large[1001];
    static struct rfl_ask ask, back;
    struct rfl_form form = bad_form;
    memset(large, 'x', sizeof large);
    form.address = (struct rfl_view){ (const uint8_t *)large, sizeof large };
    memset(&ask, 0, sizeof ask);
    ask.kind = RFL_MSG_SUBMIT;
    ask.source = (struct rfl_view){ (const uint8_t *)large, RFL_NAME_BYTES_MAX + 1 };
    ask.reference = V("CANARY\n");
    ask.referral = (struct rfl_view){ other_bytes, rfl_wire_encode_form(&form, other_bytes, sizeof other_bytes) };
    struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
    assert_int_equal(decode(frame, &back), RFL_CODE_INVALID);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (count_of(&back.findings, expected[i].path, expected[i].code) != 1)
            fail_msg("%s %s is not there once", expected[i].path, expected[i].code);
    assert_int_equal(back.findings.count, sizeof expected / sizeof expected[0]);
    for (uint32_t i = 0; i < back.findings.count; i++) {
        struct rfl_view parts[] = { back.findings.list[i].path, back.findings.list[i].rule,
                                    back.findings.list[i].remedy, back.findings.list[i].code };
        for (unsigned k = 0; k < 4; k++) {
            assert_true(parts[k].len > 0);
            assert_null(memmem(parts[k].p, parts[k].len, "CANARY", 6));
        }
    }
    assert_int_equal(back.source.len + back.reference.len + back.form.phone.len, 0);    /* refused, so not usable */
    assert_int_equal(back.form.main_barrier + back.form.weeks_out_of_work, 0);
}

static void findings_of_the_referral_do_not_refuse_the_message(void **state)
{
    (void)state;
    static struct rfl_ask ask, back;
    memset(&ask, 0, sizeof ask);
    ask.kind = RFL_MSG_SUBMIT;
    ask.source = V("gp.north");
    ask.reference = V("1");
    static const struct { struct rfl_view bytes; const char *path, *code; } cases[] = {
        { { (const uint8_t *)"\xff", 1 }, "referral", "V-010" },
        { { (const uint8_t *)"\x08\x63", 2 }, "referral.door", "V-006" },
        { { (const uint8_t *)"\x08\x01", 2 }, "referral.person", "V-021" },
        { { (const uint8_t *)"\x1a\x03\x0a\x01" "N", 5 }, "referral.door", "V-020" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask.referral = cases[i].bytes;
        struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
        assert_int_equal(decode(frame, &back), RFL_CODE_OK);
        assert_int_equal(count_of(&back.findings, cases[i].path, cases[i].code), 1);
        assert_true(back.findings.errors >= 1);
        assert_true(fill_same_view(back.referral, cases[i].bytes));
    }
    ask.referral = V("\x08\x63");                   /* an unknown door is not also a missing one */
    struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
    assert_int_equal(decode(frame, &back), RFL_CODE_OK);
    assert_int_equal(count_of(&back.findings, "referral.door", "V-020"), 0);
    ask.referral = V("\x08\x01\x1a\x03\x0a\x01" "N\x48\x63\x40\x09\xf8\x06\x01");
    frame.len = rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes);
    assert_int_equal(decode(frame, &back), RFL_CODE_OK);
    assert_int_equal(back.findings.errors, 0);      /* words of a newer schema never cost a person their referral */
    assert_int_equal(count_of(&back.findings, "referral.consent", "V-041"), 1);
    assert_int_equal(count_of(&back.findings, "referral.band", "V-041"), 1);
    assert_int_equal(count_of(&back.findings, "referral", "V-043"), 1);
    assert_int_equal(back.form.band, RFL_BAND_ROUTINE);
}

/* Every ask with nothing in it: each required field is one finding, and nothing else is. */
static void empty_asks_name_every_required_field(void **state)
{
    (void)state;
    static struct rfl_ask ask, back;
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++) {
        const struct rfl__wire_table *table = &rfl__wire_asks[kind].table;
        if (rfl__wire_asks[kind].number == 0)
            continue;
        memset(&ask, 0, sizeof ask);
        ask.kind = (uint8_t)kind;
        ask.correlation = 9;
        struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
        enum rfl_code code = decode(frame, &back);
        unsigned required = kind == RFL_MSG_STATUS_QUERY || kind == RFL_MSG_EXPLAIN || kind == RFL_MSG_SUBSCRIBE;
        for (unsigned i = 0; i < table->rows_count; i++)
            if ((table->rows[i].flags & RFL__WIRE_REQUIRED) != 0) {
                assert_int_equal(count_of(&back.findings, table->rows[i].name, "V-001"), 1);
                required++;
            }
        assert_int_equal(back.findings.count, required);
        assert_int_equal(code, required > 0 ? RFL_CODE_INVALID : RFL_CODE_OK);
        assert_int_equal(back.correlation, 9);
    }
}

/* Lengths and items: at the limit is fine, one more is a finding. */
static void limits_hold_exactly(void **state)
{
    (void)state;
    static char text[RFL_NAME_BYTES_MAX + RFL_REFERENCE_BYTES_MAX];
    /* field 100, not known here, and its length: 5 bytes before a payload */
    static uint8_t body[RFL_BODY_BYTES_MAX + 1] = { 0xa2, 0x06, ((RFL_BODY_BYTES_MAX - 5) & 0x7f) | 0x80,
        ((RFL_BODY_BYTES_MAX - 5) >> 7 & 0x7f) | 0x80, (RFL_BODY_BYTES_MAX - 5) >> 14 };
    static struct rfl_ask ask, back;
    static struct rfl_view names[RFL_QUEUES_PER_WORKER_MAX + 1];
    memset(text, 'x', sizeof text);
    for (unsigned more = 0; more < 2; more++) {
        memset(&ask, 0, sizeof ask);
        ask.kind = RFL_MSG_SUBMIT;
        ask.source = (struct rfl_view){ (const uint8_t *)text, RFL_NAME_BYTES_MAX + more };
        ask.reference = (struct rfl_view){ (const uint8_t *)text, RFL_REFERENCE_BYTES_MAX + more };
        ask.referral = (struct rfl_view){ body, RFL_BODY_BYTES_MAX + more };
        struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
        assert_int_equal(decode(frame, &back), more ? RFL_CODE_INVALID : RFL_CODE_OK);
        assert_int_equal(count_of(&back.findings, "source", "V-002"), more);
        assert_int_equal(count_of(&back.findings, "reference", "V-002"), more);
        assert_int_equal(count_of(&back.findings, "referral", "V-002"), more);
        assert_int_equal(count_of(&back.findings, "referral", "V-043"), 1 - more);
        memset(&ask, 0, sizeof ask);
        ask.kind = RFL_MSG_SUBSCRIBE;
        ask.worker = V("w");
        ask.names = names;
        ask.names_count = RFL_QUEUES_PER_WORKER_MAX + more;
        for (unsigned i = 0; i < ask.names_count; i++)
            names[i] = V("area/provider");
        frame.len = rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes);
        assert_int_equal(decode(frame, &back), more ? RFL_CODE_INVALID : RFL_CODE_OK);
        assert_int_equal(count_of(&back.findings, "queues", "V-007"), more);
    }
}

static void a_full_list_of_findings_keeps_the_errors(void **state)
{
    (void)state;
    struct rfl_findings findings;
    rfl_findings_clear(&findings);
    for (unsigned i = 0; i < RFL_FINDINGS_MAX + 3; i++)
        rfl_findings_add(&findings, V("field"), RFL_FINDING_NO_NAME);
    rfl_findings_add(&findings, V("door"), RFL_FINDING_NO_DOOR);
    assert_int_equal(findings.count, RFL_FINDINGS_MAX);
    assert_int_equal(findings.errors, 1);
    assert_int_equal(findings.dropped, 4);
    assert_int_equal(count_of(&findings, "door", "V-020"), 1);
    assert_int_equal(count_of(&findings, "field", "V-045"), RFL_FINDINGS_MAX - 1);
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

/* ---- the specification ---- */

static char *spec_text(void)
{
    FILE *file = fopen("proto/README.md", "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t len = fread(text, 1, (1 << 20) - 1, file);
    assert_true(len > 0 && len < (1 << 20) - 1);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* Rows of tables that begin so. */
static unsigned rows_beginning(const char *text, const char *begin)
{
    unsigned count = 0;
    size_t len = strlen(begin);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        count += strncmp(line, begin, len) == 0;
    }
    return count;
}

static void the_specification_lists_every_finding_as_it_is(void **state)
{
    (void)state;
    char *text = spec_text(), row[512];
    for (unsigned i = 0; i < RFL_FINDING_COUNT; i++) {
        struct rfl_finding x = rfl_finding_of(V("x"), (enum rfl_finding_kind)i);
        (void)snprintf(row, sizeof row, "\n| `%.*s` | %s | %.*s | %.*s |\n", (int)x.code.len, (const char *)x.code.p,
                       x.severity == RFL_SEVERITY_ERROR ? "error" : "warning", (int)x.rule.len,
                       (const char *)x.rule.p, (int)x.remedy.len, (const char *)x.remedy.p);
        if (strstr(text, row) == NULL)
            fail_msg("proto/README.md has no row: %s", row);
    }
    assert_int_equal(rows_beginning(text, "| `V-"), RFL_FINDING_COUNT);
    free(text);
}

static void the_specification_lists_every_refusal_as_it_is(void **state)
{
    (void)state;
    char *text = spec_text(), row[512];
    unsigned rows = 0;
    for (unsigned i = 1; i < RFL_CODE_COUNT; i++) {
        enum rfl_code code = (enum rfl_code)i;
        const char *fault = rfl_code_fault(code) == 'S' ? "sender" : rfl_code_fault(code) == 'R' ? "router" : "nobody";
        (void)snprintf(row, sizeof row, "\n| `%s` | %u | %s | %s | %s | %s |", rfl_code_name(code), i, fault,
                       rfl_code_retryable(code) ? "yes" : "no", rfl_code_text(code), rfl_code_remedy(code));
        if (strstr(text, row) == NULL)
            fail_msg("proto/README.md has no row: %s", row);
        (void)snprintf(row, sizeof row, "| `%s` | ", rfl_code_name(code));
        rows += rows_beginning(text, row);
    }
    assert_int_equal(rows, RFL_CODE_COUNT - 1);
    free(text);
}

static void the_specification_lists_every_message_and_status(void **state)
{
    (void)state;
    char *text = spec_text(), row[512];
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++) {
        bool asked = rfl__wire_asks[kind].number != 0;
        const struct rfl__wire_message *message = asked ? &rfl__wire_asks[kind] : &rfl__wire_replies[kind];
        (void)snprintf(row, sizeof row, "| `%s` | %s | ", message->table.descriptor->short_name, asked ? "C:" : "S:");
        if (rows_beginning(text, row) != 1)
            fail_msg("proto/README.md has not one row: %s", row);
    }
    for (unsigned i = 1; i < RFL_STATUS_COUNT; i++) {
        (void)snprintf(row, sizeof row, "| `%s` | ", rfl_status_word((enum rfl_status)i));
        if (rows_beginning(text, row) != 1)
            fail_msg("proto/README.md has not one row: %s", row);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_say_what_the_schema_says),
        cmocka_unit_test(directions_are_those_of_the_list),
        cmocka_unit_test(enums_are_the_core_s_lists),
        cmocka_unit_test(every_message_survives_the_way_there_and_back),
        cmocka_unit_test(comparison_sees_every_field),
        cmocka_unit_test(a_form_survives_as_bytes),
        cmocka_unit_test(twenty_seeded_defects_are_twenty_findings),
        cmocka_unit_test(findings_of_the_referral_do_not_refuse_the_message),
        cmocka_unit_test(empty_asks_name_every_required_field),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(a_full_list_of_findings_keeps_the_errors),
        cmocka_unit_test(hostile_frames_get_a_code),
        cmocka_unit_test(a_frame_too_large_is_answered_with_its_correlation),
        cmocka_unit_test(amplifying_frames_meet_the_cap),
        cmocka_unit_test(too_little_memory_is_a_limit_at_every_size),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_survived),
        cmocka_unit_test(a_reply_that_breaks_the_limits_is_refused),
        cmocka_unit_test(the_specification_lists_every_finding_as_it_is),
        cmocka_unit_test(the_specification_lists_every_refusal_as_it_is),
        cmocka_unit_test(the_specification_lists_every_message_and_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
