/* rfl_link.h: the keys of a client's connection, and what became of it. Internal to lib/client. */
#ifndef RFL_LINK_H
#define RFL_LINK_H

#include "referral.h"

struct rfl_link {
    void *monitor;                      /* to be polled for reading */
    bool has_keys;
    unsigned dropped;                   /* handshakes in a row that the daemon ended without saying why */
    enum rfl_client_trouble trouble;
};

/* Sets the keys and starts watching, before the socket is connected. RFL_E_INVALID: keys that are none, or not all
 * three; RFL_E_IO. */
RFL_MUST_USE enum rfl_err rfl_link_open(struct rfl_link *link, void *context, void *socket,
                                        const struct rfl_client_options *options);
void rfl_link_close(struct rfl_link *link, void *socket);
/* Reads what libzmq has told since. Never waits. */
void rfl_link_look(struct rfl_link *link);

#endif
