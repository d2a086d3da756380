/* rfl_wire_encode.h: members to bytes through a table. Internal to lib/wire. */
#ifndef RFL_WIRE_ENCODE_H
#define RFL_WIRE_ENCODE_H

#include "rfl_wire_table.h"

/* Written from the end of the buffer towards its beginning: a length is then known before it is written, so one pass is
 * enough and nothing is allocated. */
struct rfl__wire_out { uint8_t *base, *p; bool bad; };

/* The fields of one message. What is zero or empty is left out. */
void rfl__wire_write(struct rfl__wire_out *out, const struct rfl__wire_table *table, const void *core);
/* An envelope around a message. Returns the bytes, moved to the beginning of `out`; 0 when cap is too small. */
size_t rfl__wire_seal(const struct rfl__wire_message *message, uint64_t correlation, const void *core, uint8_t *out,
                      size_t cap);
/* The message alone, the same way. */
size_t rfl__wire_pack(const struct rfl__wire_table *table, const void *core, uint8_t *out, size_t cap);

#endif
