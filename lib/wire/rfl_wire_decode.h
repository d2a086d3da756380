/* rfl_wire_decode.h: bytes to members through a table. Internal to lib/wire. */
#ifndef RFL_WIRE_DECODE_H
#define RFL_WIRE_DECODE_H

#include "rfl_arena.h"
#include "rfl_finding.h"
#include "rfl_wire_table.h"

enum { RFL__WIRE_UNKNOWN_MAX = 32 };    /* unknown fields in one message: room for newer peers, not for floods */

/* What one frame's top level says. A body is the last field of Envelope's oneof; two of them are refused. */
struct rfl__wire_envelope { uint64_t version, correlation; enum rfl_message_kind kind; struct rfl_view body; };

/* Members read before a failure stay set. PARSE: not the bytes of an Envelope with one body; LIMIT: unknown fields. */
RFL_MUST_USE enum rfl_code rfl__wire_open(struct rfl_view frame, struct rfl__wire_envelope *out);

/* Reads `bytes` as the table's message into `core`, which is zeroed. PARSE: not such a message; LIMIT: the arena's cap
 * or too many unknown fields. Everything else wrong is in *findings, and its member stays zero. */
RFL_MUST_USE enum rfl_code rfl__wire_read(const struct rfl__wire_table *table, struct rfl_view bytes,
                                          struct rfl_arena *arena, struct rfl_findings *findings, void *core);

#endif
