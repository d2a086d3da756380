/* rfl_path.h: the few things the store does with folders: join names, sync, remove what it made itself. */
#ifndef RFL_PATH_H
#define RFL_PATH_H

#include "rfl_base.h"

enum { RFL_PATH_BYTES_MAX = 4096 };         /* RFL_STORE_PATH_BYTES */

/* "dir/name". False: it does not fit. */
RFL_MUST_USE bool rfl_path_join(char out[RFL_PATH_BYTES_MAX], const char *dir, const char *name);
/* A new folder of mode 0700 beside `dir`, named after it; its path in out. False: errno says why. */
RFL_MUST_USE bool rfl_path_make_beside(char out[RFL_PATH_BYTES_MAX], const char *dir);
/* The folder that `path` lies in. */
RFL_MUST_USE bool rfl_path_parent(char out[RFL_PATH_BYTES_MAX], const char *path);
/* fsync of a file or folder. */
RFL_MUST_USE bool rfl_path_sync(const char *path);
/* Removes a store's folder: only the files a store has, so a wrong name cannot take anything else away. */
void rfl_path_remove_store(const char *dir);
/* Copies a small file with mode 0600 and syncs it; the new one must not exist. */
RFL_MUST_USE bool rfl_path_copy(const char *from, const char *to);

#endif
