/* replay FOLDER: every file of a corpus through a fuzz target, without libFuzzer, as an ordinary test. A crash of years
 * ago stays found. An empty folder is a failure: it would prove nothing. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_target.h"

enum { FILE_BYTES_MAX = 1 << 20, PATH_BYTES = 4096 };

static int replay_file(const char *path)
{
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    FILE *file = fopen(path, "rb");
    int failed = bytes == NULL || file == NULL;
    if (!failed) {
        size_t len = fread(bytes, 1, FILE_BYTES_MAX, file);
        failed = ferror(file) || !feof(file);
        if (!failed)
            (void)LLVMFuzzerTestOneInput(bytes, len);
    }
    if (failed)
        (void)fprintf(stderr, "cannot read %s\n", path);
    if (file != NULL)
        (void)fclose(file);
    free(bytes);
    return failed;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    int failed = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        (void)fprintf(stderr, "usage: replay FOLDER\n");
        return 64;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[PATH_BYTES];
        if (entry->d_name[0] == '.')
            continue;
        int len = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        (void)printf("%s\n", entry->d_name);        /* before it runs: the last line names the file that broke it */
        (void)fflush(stdout);
        failed |= len >= (int)sizeof path || replay_file(path);
        files++;
    }
    (void)closedir(folder);
    (void)printf("%u files\n", files);
    return failed || files == 0;
}
