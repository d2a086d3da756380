/* Findings: what is wrong is said once, by its path, all at once, without a value; and the specification's lists. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rfl_finding.h"
#include "wire_fill.h"

#define V(text) (struct rfl_view){ (const uint8_t *)"" text, sizeof text - 1 }

static _Alignas(16) uint8_t arena_memory[RFL_ARENA_BYTES];
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
    /* but another field's error says nothing of the door */
    ask.referral = V("\x1a\x06\x0a\x01" "N\x3a\x01\xff");
    frame.len = rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes);
    assert_int_equal(decode(frame, &back), RFL_CODE_OK);
    assert_int_equal(count_of(&back.findings, "referral.door", "V-020"), 1);
    assert_int_equal(count_of(&back.findings, "referral.person.phone", "V-003"), 1);
    ask.referral = V("\x08\x01\x1a\x03\x0a\x01" "N\x48\x63\x40\x09\xf8\x06\x01");
    frame.len = rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes);
    assert_int_equal(decode(frame, &back), RFL_CODE_OK);
    assert_int_equal(back.findings.errors, 0);      /* words of a newer schema never cost a person their referral */
    assert_int_equal(count_of(&back.findings, "referral.consent", "V-041"), 1);
    assert_int_equal(count_of(&back.findings, "referral.band", "V-041"), 1);
    assert_int_equal(count_of(&back.findings, "referral", "V-043"), 1);
    assert_int_equal(back.form.band, RFL_BAND_ROUTINE);
}

/* One thing wrong with an otherwise good form is one finding; nothing wrong is none. */
static void each_oddity_of_a_referral_is_one_finding(void **state)
{
    (void)state;
#define P "referral.person."
    static const struct { size_t at; struct rfl_view value; const char *path, *code; } odd[] = {
#define F(member, value, path, code) \
    { offsetof(struct rfl_form, member), { (const uint8_t *)value, sizeof value - 1 }, path, code }
        F(name, "Somebody Else", NULL, NULL), F(name, "", P "name", "V-045"),
        F(phone, "", "referral.person", "V-044"), F(nhs_number, "943 476 5919", NULL, NULL),
        F(nhs_number, "943 476 591", P "nhs_number", "V-047"), F(nhs_number, "943 476 5910", P "nhs_number", "V-048"),
        F(nhs_number, "999 000 0018", P "nhs_number", "V-049"), F(nhs_number, "4444444444", P "nhs_number", "V-049"),
        F(nino, "AB 12 34 56 C", NULL, NULL), F(nino, "QQ 12 34 56 C", P "nino", "V-050"),
        F(postcode, "ls1 4ap", NULL, NULL), F(postcode, "ZZ99 3VZ", NULL, NULL),
        F(postcode, "LS1 4", P "postcode", "V-051"), F(date_of_birth, "1980-02-29", NULL, NULL),
        F(date_of_birth, "1981-02-29", P "date_of_birth", "V-052"),
        F(date_of_birth, "29/02/1980", P "date_of_birth", "V-052"), F(email, "a@b", NULL, NULL),
        F(email, "a@", P "email", "V-055"), F(email, "@b", P "email", "V-055"), F(email, "ab", P "email", "V-055"),
        F(gp_practice, "A81001", NULL, NULL), F(gp_practice, "V81997", NULL, NULL),
        F(gp_practice, "A8100", "referral.gp_practice", "V-053"), F(referrer_area, "QWO", NULL, NULL),
        F(referrer_area, "E5-4", "referral.referrer_area", "V-054"),
        F(name, "N\x1b", P "name", "V-040"), F(address, "1 Road\r\nTown\t", NULL, NULL),
#undef F
    };
#undef P
    struct rfl_findings findings;
    struct rfl_form form, back;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct rfl_arena arena = fresh(arena_memory);
        memset(&form, 0, sizeof form);
        form.door = RFL_DOOR_GP;
        form.consent = RFL_CONSENT_GIVEN;
        form.name = V("Invented Person");
        form.phone = V("07700 900123");
        memcpy((uint8_t *)&form + odd[i].at, &odd[i].value, sizeof odd[i].value);
        struct rfl_view bytes = { frame_bytes, rfl_wire_encode_form(&form, frame_bytes, sizeof frame_bytes) };
        enum rfl_code code = rfl_wire_decode_form(bytes, &arena, &back, &findings);
        unsigned expected = odd[i].path != NULL;
        if (code != RFL_CODE_OK || findings.count != expected)
            fail_msg("oddity %zu: code %s, %u findings", i, rfl_code_name(code), findings.count);
        assert_true(expected == 0 || count_of(&findings, odd[i].path, odd[i].code) == 1);
    }
}

static void anything_about_the_person_is_enough_to_be_somebody(void **state)
{
    (void)state;
    static const size_t enough[] = {
        offsetof(struct rfl_form, name), offsetof(struct rfl_form, nhs_number), offsetof(struct rfl_form, nino),
        offsetof(struct rfl_form, postcode), offsetof(struct rfl_form, address), offsetof(struct rfl_form, phone),
        offsetof(struct rfl_form, email) };
    struct rfl_findings findings;
    struct rfl_form form, back;
    for (size_t i = 0; i <= sizeof enough / sizeof enough[0]; i++) {
        struct rfl_arena arena = fresh(arena_memory);
        bool none = i == sizeof enough / sizeof enough[0];
        memset(&form, 0, sizeof form);
        form.door = RFL_DOOR_OTHER;
        form.reason = V("somebody needs help");
        form.language = V("en");
        if (!none)
            memcpy((uint8_t *)&form + enough[i], &V("x"), sizeof(struct rfl_view));
        struct rfl_view bytes = { frame_bytes, rfl_wire_encode_form(&form, frame_bytes, sizeof frame_bytes) };
        assert_int_equal(rfl_wire_decode_form(bytes, &arena, &back, &findings), none ? RFL_CODE_INVALID : RFL_CODE_OK);
        assert_int_equal(count_of(&findings, "referral.person", "V-021"), none);
    }
}

/* Every ask with nothing in it: each required field of the specification is one finding, and nothing else is. */
static void empty_asks_name_every_required_field(void **state)
{
    (void)state;
#define CASE "worker", "case_code", "token"
    static const char *const need[RFL_MSG_COUNT][8] = {
        [RFL_MSG_SUBMIT] = { "source", "reference", "referral" }, [RFL_MSG_VALIDATE] = { "source", "referral" },
        [RFL_MSG_STATUS_QUERY] = { "source" }, [RFL_MSG_MAILBOX_OPEN] = { "source" },
        [RFL_MSG_FEEDBACK_ACK] = { "source" }, [RFL_MSG_RECONCILE] = { "source" },
        [RFL_MSG_SUBSCRIBE] = { "worker", "queues" }, [RFL_MSG_ACCEPT] = { CASE }, [RFL_MSG_TOUCH] = { CASE },
        [RFL_MSG_DECLINE] = { CASE, "reason", "text", "role" }, [RFL_MSG_REDIRECT] = { CASE, "queue", "reason" },
        [RFL_MSG_DEFER] = { CASE, "until_ms" }, [RFL_MSG_CONTACTED] = { CASE, "channel" },
        [RFL_MSG_STARTED] = { CASE }, [RFL_MSG_OUTCOME] = { CASE, "kind" }, [RFL_MSG_CLOSE] = { CASE, "reason" },
        [RFL_MSG_GOODBYE] = { "worker" }, [RFL_MSG_SHOW] = { "code" },
        [RFL_MSG_AMEND] = { "source", "reference", "referral" },
        [RFL_MSG_WITHDRAW] = { "source", "reference", "reason" }, [RFL_MSG_PLACE] = { "code", "queue" },
        [RFL_MSG_SEND_BACK] = { "code" }, [RFL_MSG_HOLD] = { "code", "until_ms" }, [RFL_MSG_RELEASE] = { "code" },
        [RFL_MSG_SHUT] = { "code", "close" }, [RFL_MSG_LINK] = { "code", "to" }, [RFL_MSG_UNLINK] = { "code" },
        [RFL_MSG_QUEUE_SET] = { "queue" }, [RFL_MSG_DECISION_QUERY] = { "sequence" }, [RFL_MSG_REVEAL] = { "code" },
        [RFL_MSG_TOLD_QUERY] = { "code" }, [RFL_MSG_SUBJECT_ERASE] = { "code" }, [RFL_MSG_SUBJECT_HOLD] = { "code" },
        [RFL_MSG_SUBJECT_RELEASE] = { "code" } };
#undef CASE
    static struct rfl_ask ask, back;
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++) {
        if (rfl__wire_asks[kind].number == 0)
            continue;
        memset(&ask, 0, sizeof ask);
        ask.kind = (uint8_t)kind;
        ask.correlation = 9;
        struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
        enum rfl_code code = decode(frame, &back);
        unsigned required = 0;
        for (; need[kind][required] != NULL; required++)
            assert_int_equal(count_of(&back.findings, need[kind][required], "V-001"), 1);
        if (kind == RFL_MSG_STATUS_QUERY || kind == RFL_MSG_EXPLAIN || kind == RFL_MSG_SUBJECT_FIND)
            required += count_of(&back.findings, kind == RFL_MSG_STATUS_QUERY ? "receipt" : "code", "V-009");
        assert_true(required > 0 || kind == RFL_MSG_PING || kind == RFL_MSG_LIST || kind == RFL_MSG_QUEUE_LIST ||
                    kind == RFL_MSG_ADMIN_STATUS || kind == RFL_MSG_AUDIT_READ || kind == RFL_MSG_RETENTION_QUERY ||
                    kind == RFL_MSG_POLICY_LOAD || kind == RFL_MSG_POLICY_LIST || kind == RFL_MSG_KEYS_RELOAD ||
                    kind == RFL_MSG_KEY_SHOW || kind == RFL_MSG_AREA_PLAN);
        assert_int_equal(back.findings.count, required);
        assert_int_equal(code, required > 0 ? RFL_CODE_INVALID : RFL_CODE_OK);
        assert_int_equal(back.correlation, 9);
    }
}

/* A setting's zero takes back what is set, so it must be said and is never assumed. */
static void a_queue_s_setting_must_be_stated(void **state)
{
    (void)state;
    static struct rfl_ask ask, back;
    /* QueueSet: operator "o", reason "r", queue "q"; then without a mode, with CLEAR, with PAUSE, with one not known */
    static const struct { struct rfl_view frame; enum rfl_code code; const char *finding; uint8_t mode; } said[] = {
#define F(bytes, code, finding, mode) \
    { { (const uint8_t *)"\x08\x01\x8a\x06" bytes, sizeof bytes + 3 }, code, finding, mode }
        F("\x09\x0a\x01o\x12\x01r\x22\x01q", RFL_CODE_INVALID, "V-001", 0),
        F("\x0b\x0a\x01o\x12\x01r\x22\x01q\x28\x00", RFL_CODE_OK, NULL, RFL_QUEUE_MODE_CLEAR),
        F("\x0b\x0a\x01o\x12\x01r\x22\x01q\x28\x01", RFL_CODE_OK, NULL, RFL_QUEUE_MODE_PAUSE),
        F("\x0b\x0a\x01o\x12\x01r\x22\x01q\x28\x05", RFL_CODE_INVALID, "V-006", 0),
#undef F
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        assert_int_equal(decode(said[i].frame, &back), said[i].code);
        assert_int_equal(back.kind, RFL_MSG_QUEUE_SET);
        assert_int_equal(back.findings.count, said[i].finding != NULL);
        assert_true(said[i].finding == NULL || count_of(&back.findings, "mode", said[i].finding) == 1);
        assert_int_equal(back.mode, said[i].mode);
        assert_true(fill_same_view(back.operator_name, V("o")) && fill_same_view(back.why, V("r")));
    }
    memset(&ask, 0, sizeof ask);                    /* and the encoder says it */
    ask.kind = RFL_MSG_QUEUE_SET;
    ask.queue = V("q");
    struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
    assert_int_equal(decode(frame, &back), RFL_CODE_OK);
}

/* Who acts and why is the engine's to ask for: it has a code of its own for that, so here it is no finding. */
static void an_operator_s_name_and_reason_have_limits_only(void **state)
{
    (void)state;
    static char text[RFL_TEXT_BYTES_MAX + 1];
    static struct rfl_ask ask, back;
    memset(text, 'x', sizeof text);
    for (unsigned more = 0; more < 2; more++)
        for (unsigned set = 0; set < 2; set++) {
            size_t most = set ? RFL_WHY_BYTES_MAX : RFL_TEXT_BYTES_MAX;
            memset(&ask, 0, sizeof ask);
            ask.kind = set ? RFL_MSG_QUEUE_SET : RFL_MSG_UNLINK;
            ask.code = V("WC-1");
            ask.queue = V("q");
            ask.why = (struct rfl_view){ (const uint8_t *)text, most + more };
            ask.operator_name = (struct rfl_view){ (const uint8_t *)text, RFL_NAME_BYTES_MAX + more };
            struct rfl_view frame = { frame_bytes, rfl_wire_encode_ask(&ask, frame_bytes, sizeof frame_bytes) };
            assert_int_equal(decode(frame, &back), more ? RFL_CODE_INVALID : RFL_CODE_OK);
            assert_int_equal(back.findings.count, 2 * more);
            assert_int_equal(count_of(&back.findings, "reason", "V-002"), more);
            assert_int_equal(count_of(&back.findings, "operator", "V-002"), more);
        }
}

/* notify: each choice once, in any order and however often; a choice of a newer schema is a warning. */
static void a_choice_of_notices_is_read_as_bits(void **state)
{
    (void)state;
#define BASE "\x08\x01\x1a\x08\x0a\x01N\x3a\x03" "077\x48\x01"
#define N(value) "\xa8\x01" value
    const struct { struct rfl_view bytes; uint8_t bits; unsigned warnings; } choices[] = {
        { V(BASE), 0, 0 }, { V(BASE N("\x00")), 1, 0 }, { V(BASE N("\x04") N("\x00") N("\x04")), 17, 0 },
        { V(BASE "\xaa\x01\x02\x01\x03"), 10, 0 },          /* packed, as other libraries may */
        { V(BASE N("\x05") N("\x02") N("\x7f")), 4, 1 },
        { V(BASE N("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), 0, 1 },
    };
#undef N
#undef BASE
    struct rfl_findings findings;
    struct rfl_form form;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        struct rfl_arena arena = fresh(arena_memory);
        if (rfl_wire_decode_form(choices[i].bytes, &arena, &form, &findings) != RFL_CODE_OK)
            fail_msg("choice %zu is refused", i);
        assert_int_equal(form.notify, choices[i].bits);
        assert_int_equal(findings.count, choices[i].warnings);
        assert_int_equal(count_of(&findings, "referral.notify", "V-041"), choices[i].warnings);
    }
    /* Thousands are odd, but cost nobody their referral. */
    memcpy(frame_bytes, choices[0].bytes.p, choices[0].bytes.len);
    size_t len = choices[0].bytes.len;
    for (unsigned i = 0; i < 3000; i++, len += 3)
        memcpy(frame_bytes + len, i % 2 == 0 ? "\xa8\x01\x02" : "\xa8\x01\x63", 3);
    struct rfl_arena arena = fresh(arena_memory);
    struct rfl_view many = { frame_bytes, len };
    assert_int_equal(rfl_wire_decode_form(many, &arena, &form, &findings), RFL_CODE_OK);
    assert_int_equal(form.notify, 1 << RFL_NOTIFY_MOVED);
    assert_int_equal(findings.count, 1);
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

/* 2000 as the document writes it: "2,000". */
static void grouped(uint32_t number, char out[16])
{
    if (number < 1000)
        (void)snprintf(out, 16, "%u", number);
    else
        (void)snprintf(out, 16, "%u,%03u", number / 1000, number % 1000);
}

/* A row of a table that names the field and has the number. */
static bool says_limit(const char *text, const char *field, uint32_t limit)
{
    char name[80], number[16], line[1024];
    (void)snprintf(name, sizeof name, "%s`", field);
    grouped(limit, number);
    for (const char *at = strstr(text, "\n|"); at != NULL; at = strstr(at + 1, "\n|")) {
        size_t len = strcspn(at + 1, "\n");
        if (len >= sizeof line)
            continue;
        memcpy(line, at + 1, len);
        line[len] = 0;
        const char *value = strrchr(line, '|') == line + len - 1 ? memrchr(line, '|', len - 1) : NULL;
        if (value != NULL && strstr(line, name) != NULL && strstr(value, number) != NULL)
            return true;
    }
    return false;
}

static unsigned check_limits(const char *text, const struct rfl__wire_table *table)
{
    unsigned checked = 0;
    for (uint32_t i = 0; i < table->rows_count; i++) {
        const struct rfl__wire_row *row = &table->rows[i];
        if (row->type == RFL__WIRE_MESSAGE)
            checked += check_limits(text, row->sub);
        if (row->limit == 0)
            continue;
        if (!says_limit(text, row->name, row->limit))
            fail_msg("proto/README.md has no row with %s and %u", row->name, row->limit);
        checked++;
    }
    return checked;
}

static void the_specification_has_every_limit(void **state)
{
    (void)state;
    char *text = spec_text();
    unsigned checked = check_limits(text, &rfl__wire_referral);
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++)
        checked += check_limits(text, &rfl__wire_asks[kind].table);
    assert_true(checked > 60);
    assert_false(says_limit(text, "reference", RFL_REFERENCE_BYTES_MAX + 1));
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

/* Values of an enum that the specification explains one by one, named without what they begin with. */
static void check_explained(const char *text, const ProtobufCEnumDescriptor *words, unsigned from)
{
    for (unsigned i = from; i < words->n_values; i++) {
        const char *name = strchr(words->values[i].name, '_');
        char row[80];
        assert_non_null(name);
        (void)snprintf(row, sizeof row, "| %s | ", name + 1);
        if (rows_beginning(text, row) != 1)
            fail_msg("proto/README.md has not one row: %s", row);
    }
}

static void the_specification_explains_every_notice_setting_and_withdrawal(void **state)
{
    (void)state;
    char *text = spec_text();
    check_explained(text, &referrald__v1__notice_kind__descriptor, RFL_NOTICE_NONE + 1);
    check_explained(text, &referrald__v1__queue_mode__descriptor, RFL_QUEUE_MODE_CLEAR);
    check_explained(text, &referrald__v1__withdraw_reason__descriptor, RFL_WITHDRAW_NONE + 1);
    for (unsigned i = 0; i < RFL_NOTIFY_COUNT; i++) {
        const char *name = strchr(referrald__v1__notify__descriptor.values[i].name, '_');
        const char *list = strstr(text, "is `Referral.notify`");
        assert_non_null(list);
        if (memmem(list, 400, name + 1, strlen(name + 1)) == NULL)
            fail_msg("proto/README.md does not say what %s is", name + 1);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_seeded_defects_are_twenty_findings),
        cmocka_unit_test(findings_of_the_referral_do_not_refuse_the_message),
        cmocka_unit_test(each_oddity_of_a_referral_is_one_finding),
        cmocka_unit_test(anything_about_the_person_is_enough_to_be_somebody),
        cmocka_unit_test(empty_asks_name_every_required_field),
        cmocka_unit_test(a_queue_s_setting_must_be_stated),
        cmocka_unit_test(an_operator_s_name_and_reason_have_limits_only),
        cmocka_unit_test(a_choice_of_notices_is_read_as_bits),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(a_full_list_of_findings_keeps_the_errors),
        cmocka_unit_test(the_specification_lists_every_finding_as_it_is),
        cmocka_unit_test(the_specification_lists_every_refusal_as_it_is),
        cmocka_unit_test(the_specification_has_every_limit),
        cmocka_unit_test(the_specification_lists_every_message_and_status),
        cmocka_unit_test(the_specification_explains_every_notice_setting_and_withdrawal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
