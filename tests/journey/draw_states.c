/* draw_states: the life of a case as a diagram and tables, for proto/README.md. Prints them, or with --write puts them
 * between the markers of that file. tests/journey/test_states.c compares. */
#include "states.h"
#include "states_doc.h"

int main(int argc, char **argv)
{
    if (argc == 1) {
        states_print(stdout);
        return fflush(stdout) == 0 ? 0 : 74;
    }
    if (argc != 3 || strcmp(argv[1], "--write") != 0) {
        (void)fputs("usage: draw_states [--write FILE]\n", stderr);
        return 64;
    }
    if (states_doc_write(argv[2]))
        return 0;
    (void)fprintf(stderr, "draw_states: %s: it cannot be read or written, or has no markers\n", argv[2]);
    return 66;
}
