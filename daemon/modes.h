/* modes.h: who may read or write the files the daemon trusts, looked at before they are.
 *
 * A wrong mode is a finding that names the file, its role and the chmod or chown to do; nothing is put right silently,
 * because somebody should learn that it was wrong. What is not there is not reported: whoever opens it will say so. */
#ifndef MODES_H
#define MODES_H

#include "options.h"

/* The file or folder must not be writable by everybody. role: a literal, the key of the finding. */
void modes_check_guarded(const char *path, const char *role, struct rfl_conf_report *report);
/* modes_check_guarded for the folder and every file in it. */
void modes_check_folder(const char *folder, const char *role, struct rfl_conf_report *report);

/* The store's folder, every file in it and the master key: this user's (the process's effective one) and closed to
 * everybody else. A master key that is root's, as systemd hands credentials over, may be readable by its group. */
void modes_check_store(const struct options *options, struct rfl_conf_report *report);

#endif
