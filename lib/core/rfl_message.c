#include "rfl_message.h"

const char *rfl_message_name(enum rfl_message_kind kind)
{
    static const char *const names[] = {
        [RFL_MSG_NONE] = "none",
#define X(name, field, direction) [RFL_MSG_##name] = #field,
        RFL_MESSAGE_LIST(X)
#undef X
    };
    return (unsigned)kind < RFL_MSG_COUNT ? names[kind] : "unknown";
}

struct code_row { const char *name, *text, *remedy; bool retryable; char fault; };

static const struct code_row code_rows[RFL_CODE_COUNT] = {
#define X(name_, number, fault_, retryable_, text_, remedy_) \
    [RFL_CODE_##name_] = { #name_, text_, remedy_, retryable_, fault_ },
    RFL_CODE_LIST(X)
#undef X
};

static const struct code_row *row_of(enum rfl_code code)
{
    assert((unsigned)code < RFL_CODE_COUNT);
    return &code_rows[code];
}

const char *rfl_code_name(enum rfl_code code) { return row_of(code)->name; }
const char *rfl_code_text(enum rfl_code code) { return row_of(code)->text; }
const char *rfl_code_remedy(enum rfl_code code) { return row_of(code)->remedy; }
bool rfl_code_retryable(enum rfl_code code) { return row_of(code)->retryable; }
char rfl_code_fault(enum rfl_code code) { return row_of(code)->fault; }
