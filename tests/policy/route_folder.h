/* route_folder.h: a policy folder made of the shipped plain files and of routes.d as a test writes it. */
#ifndef ROUTE_FOLDER_H
#define ROUTE_FOLDER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const plain_files[] = { "calendar.conf", "clocks.conf", "rules.conf", "disclosure.conf",
                                           "journey.conf", "retention.conf", "areas.conf", "jobcentres.conf",
                                           "sources.conf" };
static char folder[] = "/tmp/rfl-routes-XXXXXX";
static inline void path_in_folder(char out[256], const char *name) { (void)snprintf(out, 256, "%s/%s", folder, name); }

static inline void write_policy(const char *name, const char *text)
{
    char path[256];
    path_in_folder(path, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static inline void remove_policy(const char *name)
{
    char path[256];
    path_in_folder(path, name);
    (void)remove(path);
}

static inline int folder_up(void **state)
{
    (void)state;
    char path[256], from[256];
    (void)snprintf(folder, sizeof folder, "/tmp/rfl-routes-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof plain_files / sizeof plain_files[0]; i++) {
        path_in_folder(path, plain_files[i]);
        (void)snprintf(from, sizeof from, "config/policy/%s", plain_files[i]);
        char *whole = realpath(from, NULL);
        assert_non_null(whole);
        assert_int_equal(symlink(whole, path), 0);
        free(whole);
    }
    path_in_folder(path, "routes.d");
    assert_int_equal(mkdir(path, 0700), 0);
    return 0;
}

static inline int folder_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain_files / sizeof plain_files[0]; i++)
        remove_policy(plain_files[i]);
    remove_policy("routes.d/a.conf");
    remove_policy("routes.d/b.conf");
    remove_policy("routes.d");
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

#endif
