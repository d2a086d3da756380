/* libzmq gives each of its threads the scheduling that it has already, and aborts when the system refuses (4.3.4,
 * thread.cpp). That would be the only reason to let the daemon change scheduling at all, so libzmq is answered here:
 * the dynamic linker takes the program's definition before the C library's. Nothing else in the process asks. */
#include <errno.h>
#include <pthread.h>

int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *param)
{
    int its_policy;
    struct sched_param its;
    int rc = pthread_getschedparam(thread, &its_policy, &its);
    if (rc != 0)
        return rc;
    return policy == its_policy && param->sched_priority == its.sched_priority ? 0 : EPERM;
}
