/* JSON: every reply shows every field, referrals written by hand become the bytes meant, and mistakes are named. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rfl_finding.h"
#include "rfl_json.h"
#include "wire_fill.h"

#define V(text) (struct rfl_view){ (const uint8_t *)"" text, sizeof text - 1 }

static _Alignas(16) uint8_t arena_memory[RFL_ARENA_BYTES];
static uint8_t out[RFL_BODY_BYTES_MAX];

static struct rfl_arena fresh(void)
{
    struct rfl_arena arena;
    rfl_arena_init(&arena, arena_memory, sizeof arena_memory);
    return arena;
}

static void check_keys(const json_t *object, const struct rfl__wire_table *table)
{
    for (unsigned i = 0; i < table->rows_count; i++) {
        const struct rfl__wire_row *row = &table->rows[i];
        json_t *value = json_object_get(object, row->name);
        if (value == NULL)
            fail_msg("no key %s", row->name);
        if (row->type == RFL__WIRE_MESSAGE)
            check_keys(value, row->sub);
        if (row->type != RFL__WIRE_MESSAGES)
            continue;
        assert_true(json_is_array(value) && json_array_size(value) > 0);
        check_keys(json_array_get(value, 0), row->sub);
    }
}

static void every_reply_shows_every_field(void **state)
{
    (void)state;
    static struct rfl_reply reply;
    for (unsigned kind = 1; kind < RFL_MSG_COUNT; kind++) {
        const struct rfl__wire_table *table = &rfl__wire_replies[kind].table;
        if (rfl__wire_replies[kind].number == 0)
            continue;
        for (unsigned full = 0; full < 2; full++) {
            struct rfl_arena arena = fresh();
            struct fill f = { &arena, 0, 2 };
            memset(&reply, 0, sizeof reply);
            reply.kind = (uint8_t)kind;
            if (full)
                fill_table(&f, table, (uint8_t *)&reply);
            json_t *object = rfl_json_of_reply(&reply);
            assert_non_null(object);
            assert_string_equal(json_string_value(json_object_get(object, "message")),
                                rfl_message_name((enum rfl_message_kind)kind));
            assert_int_equal(json_object_size(object), table->rows_count + 1);
            if (full)
                check_keys(object, table);
            json_decref(object);
        }
    }
}

static void values_are_shown_as_people_read_them(void **state)
{
    (void)state;
    struct rfl_arena arena = fresh();
    struct fill f = { &arena, 0, 2 };
    struct rfl_reply reply = { .kind = RFL_MSG_RECORD };
    reply.record = (struct rfl_msg_record){ .case_code = V("WC-1"), .door = RFL_DOOR_LOCAL_SERVICE, .due_ms = 5,
                                            .token = { 3, 4 }, .referral = fill_referral(&f) };
    json_t *object = rfl_json_of_reply(&reply);
    assert_string_equal(json_string_value(json_object_get(object, "door")), "local_service");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "token"), "sequence")), 4);
    const json_t *referral = json_object_get(object, "referral");
    assert_string_equal(json_string_value(json_object_get(referral, "door")), "other");
    assert_non_null(json_object_get(json_object_get(referral, "person"), "nhs_number"));
    json_decref(object);
    reply.record.referral = V("\xff");
    object = rfl_json_of_reply(&reply);
    assert_true(json_is_null(json_object_get(object, "referral")));
    json_decref(object);
    memset(&reply, 0, sizeof reply);
    reply.kind = RFL_MSG_REFUSAL;
    reply.refusal.code = RFL_CODE_STORE_FULL;
    object = rfl_json_of_reply(&reply);
    assert_string_equal(json_string_value(json_object_get(object, "code")), "store_full");
    assert_string_equal(json_string_value(json_object_get(object, "remedy")), rfl_code_remedy(RFL_CODE_STORE_FULL));
    assert_true(json_is_true(json_object_get(object, "retryable")));
    json_decref(object);
    static const struct rfl_view legal[] = { { (const uint8_t *)"accept", 6 }, { (const uint8_t *)"decline", 7 } };
    reply.refusal.code = RFL_CODE_STATE;
    reply.refusal.legal = legal;
    reply.refusal.legal_count = 2;
    object = rfl_json_of_reply(&reply);
    const json_t *moves = json_object_get(object, "legal");
    assert_int_equal(json_array_size(moves), 2);
    assert_string_equal(json_string_value(json_array_get(moves, 1)), "decline");
    json_decref(object);
    memset(&reply, 0, sizeof reply);
    reply.kind = RFL_MSG_OFFER;
    reply.offer.flags = RFL_FLAG_INTERPRETER;
    object = rfl_json_of_reply(&reply);
    const json_t *preview = json_object_get(object, "preview");
    assert_true(json_is_true(json_object_get(preview, "interpreter")));
    assert_true(json_is_false(json_object_get(preview, "incident")));
    json_decref(object);
    memset(&reply, 0, sizeof reply);
    reply.kind = RFL_MSG_ADMIN_STATE;
    reply.admin_state.by_status[RFL_STATUS_WAITING_ON_PERSON] = 7;
    reply.admin_state.referrals = UINT64_MAX;
    object = rfl_json_of_reply(&reply);
    const json_t *counts = json_object_get(object, "by_status");
    assert_int_equal(json_integer_value(json_object_get(counts, "waiting_on_person")), 7);
    assert_int_equal(json_integer_value(json_object_get(object, "referrals")), INT64_MAX);
    json_decref(object);
}

static void a_form_there_and_back_is_the_same(void **state)
{
    (void)state;
    struct rfl_arena arena = fresh();
    struct fill f = { &arena, 0, 3 };
    struct rfl_form form, back;
    struct rfl_findings findings;
    size_t len;
    memset(&form, 0, sizeof form);
    fill_table(&f, &rfl__wire_referral, (uint8_t *)&form);
    json_t *object = rfl_json_of_form(&form);
    assert_non_null(object);
    assert_true(rfl_json_to_referral(object, out, sizeof out, &len, &findings));
    assert_int_equal(findings.count, 0);
    assert_int_equal(rfl_wire_decode_form((struct rfl_view){ out, len }, &arena, &back, &findings), RFL_CODE_OK);
    assert_true(fill_same(&rfl__wire_referral, (uint8_t *)&form, (uint8_t *)&back));
    assert_false(rfl_json_to_referral(object, out, len - 1, &len, &findings));
    assert_true(fill_same_view(findings.list[0].code, V("V-002")));
    json_decref(object);
}

static void a_form_says_only_what_is_given(void **state)
{
    (void)state;
    struct rfl_form form;
    memset(&form, 0, sizeof form);
    form.door = RFL_DOOR_SELF;
    form.phone = V("07700 900000");
    json_t *object = rfl_json_of_form(&form);
    assert_int_equal(json_object_size(object), 2);
    assert_int_equal(json_object_size(json_object_get(object, "person")), 1);
    json_decref(object);
}

static void mistakes_are_named_where_they_are(void **state)
{
    (void)state;
    static const struct { const char *text, *path, *code; } mistakes[] = {
        { "{\"dor\":\"gp\"}", "dor", "V-011" },
        { "{\"person\":{\"nam\":\"CANARY\"}}", "nam", "V-011" },
        { "{\"door\":\"CANARY\"}", "referral.door", "V-006" }, { "{\"door\":1}", "referral.door", "V-012" },
        { "{\"door\":\"GP\"}", "referral.door", "V-006" },
        { "{\"person\":{\"name\":7}}", "referral.person.name", "V-012" },
        { "{\"person\":\"CANARY\"}", "referral.person", "V-012" }, { "{\"person\":[]}", "referral.person", "V-012" },
        { "{\"weeks_out_of_work\":-1}", "referral.weeks_out_of_work", "V-008" },
        { "{\"weeks_out_of_work\":5201}", "referral.weeks_out_of_work", "V-008" },
        { "{\"weeks_out_of_work\":\"7\"}", "referral.weeks_out_of_work", "V-012" },
        { "{\"weeks_out_of_work\":7.5}", "referral.weeks_out_of_work", "V-012" },
        { "{\"main_barrier\":19}", "referral.main_barrier", "V-008" },
        { "{\"made_ms\":-1}", "referral.made_ms", "V-008" },
        { "{\"needs\":\"CANARY\"}", "referral.needs", "V-012" }, { "{\"needs\":[1]}", "referral.needs", "V-012" },
        { "{\"notify\":\"closed\"}", "referral.notify", "V-012" },
        { "{\"notify\":[\"closed\",\"CANARY\"]}", "referral.notify", "V-006" },
        { "{\"notify\":[4]}", "referral.notify", "V-012" },
        { "{\"interpreter\":\"yes\"}", "referral.interpreter", "V-012" },
        { "[]", "referral", "V-012" }, { "{}", "referral", "V-001" }, { "{\"door\":null}", "referral", "V-001" },
        { "{\"person\":{}}", "referral", "V-001" },
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct rfl_findings findings;
        size_t len = 1;
        json_t *object = json_loads(mistakes[i].text, 0, NULL);
        assert_non_null(object);
        assert_false(rfl_json_to_referral(object, out, sizeof out, &len, &findings));
        assert_int_equal(len, 0);
        assert_int_equal(findings.count, 1);
        assert_int_equal(findings.errors, 1);
        const struct rfl_finding *x = &findings.list[0];
        assert_int_equal(x->path.len, strlen(mistakes[i].path));
        assert_memory_equal(x->path.p, mistakes[i].path, x->path.len);
        assert_memory_equal(x->code.p, mistakes[i].code, x->code.len);
        assert_null(memmem(x->rule.p, x->rule.len, "CANARY", 6));
        json_decref(object);
    }
}

static void too_many_needs_and_all_mistakes_at_once(void **state)
{
    (void)state;
    struct rfl_findings findings;
    size_t len;
    json_t *needs = json_array();
    for (unsigned i = 0; i <= RFL_NEEDS_MAX; i++)
        assert_int_equal(json_array_append_new(needs, json_string("a need")), 0);
    json_t *object = json_pack("{s:o, s:s, s:i}", "needs", needs, "consent", "maybe", "step_free", 1);
    assert_non_null(object);
    assert_false(rfl_json_to_referral(object, out, sizeof out, &len, &findings));
    assert_int_equal(findings.count, 3);
    assert_int_equal(json_array_remove(needs, 0), 0);
    json_object_del(object, "consent");
    json_object_del(object, "step_free");
    assert_true(rfl_json_to_referral(object, out, sizeof out, &len, &findings));
    json_decref(object);
}

static void a_referral_written_by_hand_is_understood(void **state)
{
    (void)state;
    static const char text[] = "{\"door\":\"gp\",\"band\":\"urgent\",\"consent\":\"given\","
        "\"needs\":[\"sleep\",\"pain\"],\"notify\":[\"closed\",\"accepted\"],"
        "\"person\":{\"name\":\"Invented Person\",\"phone\":\"07700 900123\"},\"gp_practice\":\"A81001\","
        "\"employment\":\"off_sick\",\"weeks_out_of_work\":5200,\"main_barrier\":18,\"step_free\":true,"
        "\"safeguarding\":false,\"reason\":null}";
    struct rfl_arena arena = fresh();
    struct rfl_findings findings;
    struct rfl_form form;
    size_t len;
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    assert_true(rfl_json_to_referral(object, out, sizeof out, &len, &findings));
    json_decref(object);
    assert_int_equal(rfl_wire_decode_form((struct rfl_view){ out, len }, &arena, &form, &findings), RFL_CODE_OK);
    assert_int_equal(findings.count, 0);
    assert_int_equal(form.door, RFL_DOOR_GP);
    assert_int_equal(form.band, RFL_BAND_URGENT);
    assert_true(form.has_band && form.step_free && !form.safeguarding);
    assert_int_equal(form.employment, RFL_EMPLOYMENT_OFF_SICK);
    assert_int_equal(form.weeks_out_of_work, 5200);
    assert_int_equal(form.notify, 1 << RFL_NOTIFY_ACCEPTED | 1 << RFL_NOTIFY_CLOSED);
    assert_int_equal(form.needs_count, 2);
    assert_true(fill_same_view(form.needs[1], V("pain")));
    assert_true(fill_same_view(form.name, V("Invented Person")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply_shows_every_field),
        cmocka_unit_test(values_are_shown_as_people_read_them),
        cmocka_unit_test(a_form_there_and_back_is_the_same),
        cmocka_unit_test(a_form_says_only_what_is_given),
        cmocka_unit_test(mistakes_are_named_where_they_are),
        cmocka_unit_test(too_many_needs_and_all_mistakes_at_once),
        cmocka_unit_test(a_referral_written_by_hand_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
