/* notify.h: what systemd is told. Without libsystemd, or when not started by systemd, every call does nothing. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "rfl_base.h"

/* How often notify_alive must be called, in ms: half of WatchdogSec; 0: no watchdog. Read once, at start. */
int64_t notify_watchdog_ms(void);
void notify_ready(const char *status);
/* The one line that systemctl status shows. */
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);
/* Feeds the watchdog: only after a turn whose commit succeeded, or an idle turn. */
void notify_alive(void);

#endif
