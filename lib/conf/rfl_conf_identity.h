/* rfl_conf_identity.h: a key pair, and the file it lives in.
 *
 * Keys are CurveZMQ's (Curve25519), written in Z85: 40 characters for 32 bytes. An identity file is libconfig text of
 * mode 0600 (see rfl_conf.h for the frame): `secret`, `public`, and for a client `server`, the public key of the daemon
 * it trusts. The daemon's own key file has no `server`. Nothing here prints or logs a secret. */
#ifndef RFL_CONF_IDENTITY_H
#define RFL_CONF_IDENTITY_H

#include "rfl_conf.h"

enum { RFL_KEY_BYTES = 32, RFL_Z85_CHARS = 40, RFL_FINGERPRINT_CHARS = 16 };

struct rfl_curve_key { uint8_t b[RFL_KEY_BYTES]; };

/* Terminated Z85; server is "" when there is none. */
struct rfl_identity { char secret[RFL_Z85_CHARS + 1], public[RFL_Z85_CHARS + 1], server[RFL_Z85_CHARS + 1]; };

/* False: not exactly 40 characters of Z85, or more than 32 bits in a group of five; *key is then zero. */
bool rfl_key_from_z85(struct rfl_view text, struct rfl_curve_key *key);
void rfl_key_to_z85(const struct rfl_curve_key *key, char out[RFL_Z85_CHARS + 1]);
/* The first 8 bytes of BLAKE2b of the public key as hexadecimal digits: what logs and people call a key. */
void rfl_key_fingerprint(const struct rfl_curve_key *key, char out[RFL_FINGERPRINT_CHARS + 1]);

/* A new pair from the system's random numbers; server stays "". */
void rfl_identity_make(struct rfl_identity *identity);
/* Overwrites the secret in memory. */
void rfl_identity_forget(struct rfl_identity *identity);

/* Reads a file that must be regular, closed to others (mode & 077 is 0; a file of root's that a group may read is a
 * credential of systemd, and is taken too), and whose public key fits its secret. With `wants_server` its `server` must
 * be there, without it must not. RFL_E_INVALID: the report says why; RFL_E_IO: it
 * cannot be read (reported too); RFL_E_MEMORY. */
RFL_MUST_USE enum rfl_err rfl_identity_read(const char *path, bool wants_server, struct rfl_conf_report *report,
                                            struct rfl_identity *out);
/* Makes the file, mode 0600, and syncs it and its folder. RFL_E_EXISTS: it is there already, and stays as it is;
 * RFL_E_IO: errno says why. */
RFL_MUST_USE enum rfl_err rfl_identity_write(const char *path, const struct rfl_identity *identity);

#endif
