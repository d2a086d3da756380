/* canaries PATH ...: searches files and folders for the canaries of the tests. Exit 0: none; 1: some, said on stderr;
 * 64: wrong use. tests/canary.py and tools/test call it. */
#include <stdio.h>

#include "canary.h"

int main(int argc, char **argv)
{
    size_t found = 0;
    if (argc < 2) {
        (void)fputs("usage: canaries PATH ...\n", stderr);
        return 64;
    }
    for (int i = 1; i < argc; i++)
        found += canary_search(argv[i]);
    if (found > 0)
        (void)fprintf(stderr, "canaries: %zu found where nobody may be named\n", found);
    return found > 0 ? 1 : 0;
}
