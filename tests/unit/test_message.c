/* The refusal codes and the names of messages: one list here, one in the protocol, and they agree. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "rfl_message.h"

static char proto[65536];

static int read_proto(void **state)
{
    (void)state;
    FILE *f = fopen("proto/referral.proto", "r");
    if (f == NULL)
        return -1;
    size_t len = fread(proto, 1, sizeof proto - 1, f);
    (void)fclose(f);
    return len > 1000 && len < sizeof proto - 1 ? 0 : -1;
}

static const struct { const char *name; unsigned number; } codes[] = {
#define X(name, number, fault, retryable, text, remedy) { #name, number },
    RFL_CODE_LIST(X)
#undef X
};
enum { CODES = sizeof codes / sizeof codes[0] };

static unsigned count_in(const char *text, const char *what)
{
    unsigned count = 0;
    for (const char *p = strstr(text, what); p != NULL; p = strstr(p + 1, what))
        count++;
    return count;
}

static void code_numbers_are_unique_dense_and_the_protocols(void **state)
{
    (void)state;
    char line[96];
    for (unsigned i = 0; i < CODES; i++) {
        assert_int_equal(codes[i].number, i);
        (void)snprintf(line, sizeof line, " CODE_%s = %u;", codes[i].name, codes[i].number);
        if (strstr(proto, line) == NULL)
            fail_msg("the protocol does not say \"%s\"", line + 1);
    }
    assert_int_equal(CODES, RFL_CODE_COUNT);
    assert_int_equal(count_in(proto, " CODE_"), CODES);         /* and no other */
}

static void every_code_says_what_to_do_and_whose_fault_it_is(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RFL_CODE_COUNT; i++) {
        enum rfl_code code = (enum rfl_code)i;
        assert_string_equal(rfl_code_name(code), codes[i].name);
        assert_true(rfl_code_text(code)[0] != '\0');
        assert_int_equal(rfl_code_remedy(code)[0] == '\0', code == RFL_CODE_OK);
        char fault = rfl_code_fault(code);
        assert_true(fault == 'S' || fault == 'R' || fault == 'N');
        assert_int_equal(rfl_code_retryable(code), fault == 'R');   /* the same bytes again help only if it was us */
    }
}

static const struct { const char *field; char direction; enum rfl_message_kind kind; } messages[] = {
#define X(name, field, direction) { #field, #direction[0], RFL_MSG_##name },
    RFL_MESSAGE_LIST(X)
#undef X
};

static void messages_are_the_envelopes_in_its_order(void **state)
{
    (void)state;
    char with_number[64];
    const char *at = strstr(proto, "oneof body");
    assert_non_null(at);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        assert_string_equal(rfl_message_name(messages[i].kind), messages[i].field);
        assert_true(messages[i].direction == 'A' || messages[i].direction == 'R');
        (void)snprintf(with_number, sizeof with_number, " %s = ", messages[i].field);
        at = strstr(at, with_number);
        if (at == NULL)
            fail_msg("the envelope has no %s after the message before it", messages[i].field);
    }
    assert_int_equal(sizeof messages / sizeof messages[0], RFL_MSG_COUNT - 1);
    assert_string_equal(rfl_message_name(RFL_MSG_NONE), "none");
    assert_string_equal(rfl_message_name(RFL_MSG_COUNT), "unknown");
    assert_string_equal(rfl_message_name((enum rfl_message_kind)255), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_numbers_are_unique_dense_and_the_protocols),
        cmocka_unit_test(every_code_says_what_to_do_and_whose_fault_it_is),
        cmocka_unit_test(messages_are_the_envelopes_in_its_order),
    };
    return cmocka_run_group_tests_name("message", tests, read_proto, NULL);
}
