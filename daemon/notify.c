#include "notify.h"

#ifdef RFL_HAVE_SYSTEMD

#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "clock.h"

int64_t notify_watchdog_ms(void)
{
    uint64_t period_us = 0;
    if (sd_watchdog_enabled(0, &period_us) <= 0)
        return 0;
    return period_us < 2000 ? 1 : (int64_t)(period_us / 2000);
}

void notify_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_us());
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=draining");
}

void notify_alive(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

#else

int64_t notify_watchdog_ms(void) { return 0; }
void notify_ready(const char *status) { (void)status; }
void notify_status(const char *status) { (void)status; }
void notify_reloading(void) { }
void notify_stopping(void) { }
void notify_alive(void) { }

#endif
