/* What is done about a person's data. Whether it may be is in rfl_decide.c and, for good, in rfl_apply. */
#include "rfl_decide_int.h"

enum rfl_err rfl__decide_subject(const struct rfl__deciding *d)
{
    static const uint8_t events[RFL_DO_COUNT] = {
        [RFL_DO_ERASE] = RFL_EVENT_ERASED, [RFL_DO_KEEP] = RFL_EVENT_KEPT, [RFL_DO_UNKEEP] = RFL_EVENT_UNKEPT,
        [RFL_DO_REVEAL] = RFL_EVENT_REVEALED };
    assert(events[d->command->kind] != RFL_EVENT_NONE);
    (void)rfl__add(d, (enum rfl_event_kind)events[d->command->kind]);
    return RFL_E_OK;
}
