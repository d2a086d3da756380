/* ctl_directory.h: `referralctl directory build | list | lookup`, the dated directory of postcodes and practices.
 *
 * These need no daemon: they read and write files. */
#ifndef CTL_DIRECTORY_H
#define CTL_DIRECTORY_H

/* argv[0] is "directory". Returns the exit code: 0; 1 a looked-up key is unknown or malformed; 64 usage; 65 an input or
 * a directory is damaged or breaks a limit; 66 an input cannot be read; 73 the output cannot be written; 75 out of
 * memory. */
int ctl_directory(int argc, char **argv);

#endif
