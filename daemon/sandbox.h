/* sandbox.h: what the process gives up before it reads the first message, so that a fault in a parser, in libzmq or in
 * protobuf-c stays a fault in one process that can do next to nothing.
 *
 * Three steps in main's order; none can be taken back, and threads that exist or come later have them too. There is no
 * option to leave one out. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "rfl_base.h"

/* First of all, before anything personal or secret is in memory: umask 0077, no core file ever (limit 0 and not
 * dumpable, which also keeps others of the same user from reading the memory), no new privileges. False: errno says
 * why. Under the address sanitizer the same holds: its reports go to stderr, and its leak check makes the process
 * dumpable only while it runs, at the end. */
RFL_MUST_USE bool sandbox_start(void);

/* Becomes this user for ever: supplementary groups, group, user, and then the proof that root cannot be regained. ""
 * changes nothing. Call it before the store is opened, so that what is made belongs to the user. Returns NULL, or what
 * is wrong (a literal; errno is 0 when no call failed): no such user, the user is root, this process is somebody else
 * and not root, or a step failed. */
RFL_MUST_USE const char *sandbox_become(const char *user);
/* True when the process is still root: worth a warning. */
bool sandbox_is_root(void);

/* The system calls that are left, for all threads, once the store is open and the sockets are bound: files, memory that
 * is never both written and run, the connections that come in, and messages to systemd. No new connection, listener,
 * process or thread. What no honest code of ours asks for (execve, ptrace ...) kills the process at once; everything
 * else that is not on the list is refused with EPERM. False: errno says why, and nothing may be served. */
RFL_MUST_USE bool sandbox_filter(void);

#endif
