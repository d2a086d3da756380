/* belongs.h: which messages are heard on which socket. One table; everything else there is WRONG_SOCKET. */
#ifndef BELONGS_H
#define BELONGS_H

#include "bus.h"
#include "rfl_message.h"

/* False for kinds that only we send, and for kinds that are none. */
bool belongs_on(enum rfl_message_kind kind, enum bus_socket socket);

#endif
