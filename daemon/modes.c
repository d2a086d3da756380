#include "modes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 2 * RFL_CONF_STRING_BYTES + 2 };

void modes_check_guarded(const char *path, const char *role, struct rfl_conf_report *report)
{
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
        rfl_conf_report_add(report, path, 0, role, "everybody on this machine may write it", "chmod o-w it");
}

void modes_check_folder(const char *folder, const char *role, struct rfl_conf_report *report)
{
    modes_check_guarded(folder, role, report);
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (const struct dirent *at; (at = readdir(dir)) != NULL; ) {
        char path[PATH_BYTES];
        if (at->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, at->d_name);
        modes_check_guarded(path, role, report);
    }
    (void)closedir(dir);
}

static void check_private(const char *path, const char *role, const struct stat *st, struct rfl_conf_report *report)
{
    bool folder = S_ISDIR(st->st_mode);
    if (st->st_uid != geteuid())
        rfl_conf_report_add(report, path, 0, role, "it belongs to another user than the daemon's",
                            "chown it to that user, or start the daemon as its owner");
    if ((st->st_mode & 077) != 0)
        rfl_conf_report_add(report, path, 0, role, "others than its owner may use it",
                            folder ? "chmod 0700 the folder" : "chmod 0600 the file");
}

static void check_key(const char *path, struct rfl_conf_report *report)
{
    struct stat st;
    if (stat(path, &st) == -1)
        return;
    bool credential = st.st_uid == 0 && geteuid() != 0;
    if (!credential)
        check_private(path, "master key", &st, report);
    else if ((st.st_mode & 037) != 0)
        rfl_conf_report_add(report, path, 0, "master key", "others than root and its group may use it",
                            "chmod 0440 the file");
}

void modes_check_store(const struct options *options, struct rfl_conf_report *report)
{
    struct stat st;
    char path[PATH_BYTES];
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (stat(options->store_dir, &st) == -1)
        return;
    check_private(options->store_dir, "store folder", &st, report);
    (void)snprintf(path, sizeof path, "%s/master.key", options->store_dir);
    if (strchr(options->store_key, '/') == NULL && options->store_key[0] != '\0')
        (void)snprintf(path, sizeof path, "%s/%s", credentials != NULL ? credentials : ".", options->store_key);
    else if (options->store_key[0] != '\0')
        (void)snprintf(path, sizeof path, "%s", options->store_key);
    check_key(path, report);
    DIR *dir = opendir(options->store_dir);
    if (dir == NULL)
        return;
    for (const struct dirent *at; (at = readdir(dir)) != NULL; ) {
        (void)snprintf(path, sizeof path, "%s/%s", options->store_dir, at->d_name);
        if (strcmp(at->d_name, "master.key") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode))
            check_private(path, "store file", &st, report);
    }
    (void)closedir(dir);
}
