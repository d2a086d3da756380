/* under_filter LIST PROGRAM ARGUMENT ...: runs the program with nothing but the system calls named in the file LIST,
 * one a line ("socket 1": with this first argument only); every other is EPERM: what systemd makes of
 * SystemCallFilter= and RestrictAddressFamilies= with SystemCallErrorNumber=EPERM. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int allow(scmp_filter_ctx filter, const char *path)
{
    char line[64], name[64];
    FILE *f = fopen(path, "re");
    int rc = f == NULL ? -errno : 0;
    while (rc == 0 && fgets(line, sizeof line, f) != NULL) {
        unsigned first = 0;
        int words = sscanf(line, "%63s %u", name, &first);
        int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR)          /* of a kernel or machine that libseccomp does not know */
            continue;
        rc = words == 2 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, SCMP_A0(SCMP_CMP_EQ, first))
                        : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    if (f != NULL)
        (void)fclose(f);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fputs("usage: under_filter LIST PROGRAM ARGUMENT ...\n", stderr);
        return 64;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = filter == NULL ? -ENOMEM : allow(filter, argv[1]);
    if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        rc = -errno;
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    if (rc == 0)
        (void)execv(argv[2], argv + 2);
    (void)fprintf(stderr, "under_filter: %s\n", strerror(rc != 0 ? -rc : errno));
    return 71;
}
