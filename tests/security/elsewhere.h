/* elsewhere.h: processes that stand for other machines.
 *
 * What an attacker on another machine does costs this one what it sends, and no processor time of its own. Here both
 * are on one machine, and even at the lowest priority their processes hold up the kernel's own threads, which write to
 * the disk and deliver packets. Linux has a place for them that does not: a group of the processor controller with
 * cpu.idle set, which gets what nobody else in the machine wants. Making one wants root and a cgroup file system. */
#ifndef ELSEWHERE_H
#define ELSEWHERE_H

#include <stdbool.h>

/* Makes the group. False: this machine has no such place for us. */
bool elsewhere_make(void);
/* Moves this process there, and whatever it starts later; nothing when there is no group. */
void elsewhere_go(void);
/* Removes the group, when all who went there have ended. */
void elsewhere_end(void);

#endif
