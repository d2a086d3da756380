#include "rfl_base.h"

const char *rfl_err_text(enum rfl_err err)
{
    switch (err) {
#define X(name, value, text) case RFL_E_##name: return text;
    RFL_ERR_LIST(X)
#undef X
    }
    return "an error this version does not know";
}

const char *rfl_err_name(enum rfl_err err)
{
    switch (err) {
#define X(name, value, text) case RFL_E_##name: return #name;
    RFL_ERR_LIST(X)
#undef X
    }
    return "UNKNOWN";
}

const char *rfl_door_name(enum rfl_door door)
{
    static const char *const names[] = {
#define X(name, text) [RFL_DOOR_##name] = text,
    RFL_DOOR_LIST(X)
#undef X
    };
    return (unsigned)door < RFL_DOOR_COUNT ? names[door] : "unknown";
}
