/* rfl_wire.h: frames <-> messages. The only code that knows protobuf-c.
 *
 * One payload frame is one Envelope (proto/referral.proto). Decoding is for hostile bytes: the size is capped, memory
 * comes from the caller's arena (a hard cap: an amplifying message is RFL_CODE_LIMIT), then every string is checked for
 * UTF-8, NUL and length, every enum for its range, and every required field for presence; all findings are reported at
 * once, with path, stable code and remedy, never with the value. What a field maps to is one table, read both ways, so
 * daemon (decodes asks, encodes replies) and client (encodes asks, decodes replies) cannot disagree. */
#ifndef RFL_WIRE_H
#define RFL_WIRE_H

#include "rfl_arena.h"
#include "rfl_message.h"

enum { RFL_WIRE_VERSION = 1 };

/* Frame -> ask. Anything but RFL_CODE_OK must be refused with that code and ask->findings (INVALID has at least one).
 * ask->correlation is set whenever it could be read. The referral inside a Submit, Validate or Explain is decoded and
 * validated too: its errors and warnings are in ask->findings and do not change the result. PARSE, LIMIT, VERSION,
 * INVALID are the possible results. Views in *ask are borrowed from frame and arena. Of ask->findings.list only the
 * first `count` are set. */
RFL_MUST_USE enum rfl_code rfl_wire_decode_ask(struct rfl_view frame, struct rfl_arena *arena, struct rfl_ask *ask);

/* The correlation alone, when a frame is to be answered unread; 0 when it could not be found. */
uint64_t rfl_wire_correlation(struct rfl_view frame);

/* Reply -> frame. Returns the bytes written to out; 0 when cap is too small (the caller's mistake: every reply the
 * engine makes fits RFL_MESSAGE_BYTES_MAX). */
size_t rfl_wire_encode_reply(const struct rfl_reply *reply, uint8_t *out, size_t cap);

/* The client's half. encode_ask returns 0 when cap is too small. decode_reply refuses what breaks the same limits. */
size_t rfl_wire_encode_ask(const struct rfl_ask *ask, uint8_t *out, size_t cap);
RFL_MUST_USE enum rfl_code rfl_wire_decode_reply(struct rfl_view frame, struct rfl_arena *arena,
                                                 struct rfl_reply *reply);

/* A form as the bytes of a Referral (for Submit.referral), and back with all findings. encode returns 0 when cap is too
 * small, or when every field is empty. decode: OK (perhaps with warnings), INVALID (a finding is an error) or LIMIT.
 * No clock is consulted: whether a date of birth can be true is judged where the time is known. */
size_t rfl_wire_encode_form(const struct rfl_form *form, uint8_t *out, size_t cap);
RFL_MUST_USE enum rfl_code rfl_wire_decode_form(struct rfl_view referral, struct rfl_arena *arena,
                                                struct rfl_form *form, struct rfl_findings *findings);

#endif
