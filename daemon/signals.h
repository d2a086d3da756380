/* signals.h: signals as readable events.
 *
 * TERM and INT drain, HUP reloads. They are blocked before any thread exists and read from one descriptor. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "rfl_base.h"

enum signals_event { SIGNALS_NONE, SIGNALS_DRAIN, SIGNALS_RELOAD };

/* Before any thread: SIGPIPE ignored, TERM INT HUP blocked, and a SIGBUS handler that writes a fixed message and ends
 * the process with 74: a store file that shrank or cannot be read under its mapping must never be served on. Returns
 * the descriptor to poll, or -1 with errno. */
RFL_MUST_USE int signals_start(void);
/* The next event; SIGNALS_NONE when there is none. Never waits. */
enum signals_event signals_next(int fd);

#endif
