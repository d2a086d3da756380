/* faultio.h: makes the n-th I/O call on a store's data file fail. See faultio.c. */
#ifndef FAULTIO_H
#define FAULTIO_H

#include <stdbool.h>

enum faultio_kind { FAULTIO_EIO, FAULTIO_ENOSPC, FAULTIO_SHORT, FAULTIO_KIND_COUNT };

/* The n-th call from now on fails (n from 0); sticky: and every one after it. A negative n disarms. */
void faultio_arm(int n, enum faultio_kind kind, bool sticky);
bool faultio_fired(void);
/* The name of the call that failed first; "" when none did. */
const char *faultio_call(void);

#endif
