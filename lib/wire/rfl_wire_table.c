#include "rfl_wire_table.h"

enum { NUMBERS_MAX = 160 };

enum rfl_message_kind rfl__wire_kind_of(uint64_t number)
{
    static const uint8_t kinds[NUMBERS_MAX] = {
#define X(NAME_, name_, number_) [number_] = RFL_MSG_##NAME_,
        RFL__WIRE_ASKS(X) RFL__WIRE_REPLIES(X)
#undef X
        [80] = RFL_MSG_ADMIN_STATUS, [123] = RFL_MSG_POLICY_LIST, [57] = RFL_MSG_PONG,
        [133] = RFL_MSG_KEY_SHOW,
    };
    return number < NUMBERS_MAX ? (enum rfl_message_kind)kinds[number] : RFL_MSG_NONE;
}
