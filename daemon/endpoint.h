/* endpoint.h: which addresses the daemon may listen on.
 *
 * With keys every peer proves who it is, and any address of this machine will do. Without them nobody beyond this
 * machine may reach a socket: only 127.0.0.0/8, [::1] and ipc paths are accepted, and admin is ipc alone. Names are
 * never resolved. Pure; owns nothing. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "rfl_base.h"

/* sun_path holds 108 bytes with its terminator; "ipc://" comes before the path. */
enum { ENDPOINT_BYTES_MAX = 6 + 107 };

/* Literals. rule is NULL when the endpoint is accepted. */
struct endpoint_verdict { const char *rule, *remedy; };

/* A tcp port is 1 to 65535, or "*" for a free one (the admin status says which it became). */
enum endpoint_rule { ENDPOINT_ANY, ENDPOINT_LOOPBACK, ENDPOINT_IPC };
struct endpoint_verdict endpoint_check(const char *endpoint, enum endpoint_rule rule);

/* The folder of an ipc endpoint that endpoint_check accepted, without its last slash ("/" stays), into out (cap bytes,
 * at least ENDPOINT_BYTES_MAX). False for tcp. */
bool endpoint_ipc_folder(const char *endpoint, char *out, size_t cap);

#endif
