/* SPDX-License-Identifier: MIT */
/*
 * start.h - what has to be true before a mount can be: checks with words that
 * say what to do, and the way into the background.
 */
#ifndef POURFS_START_H
#define POURFS_START_H

#include <stdbool.h>

#include "mount.h"

#define START_FILES_LEAST 64

/* As many files may be open as the system lets us: in *files, how many. 0, or
 * -EMFILE after a message on stderr. */
int start_raise_files(unsigned long *files) s3_must_check;

/* The content types of mime.types: of a file that comes before ours (NULL: none), and of
 * the system's behind them. -errno, when it has been said what is wrong with the first. */
int start_read_types(const char *path) __attribute__((warn_unused_result));

/* The mountpoint is there, a directory, empty, and nothing is mounted at it but the
 * trigger of an automount; /dev/fuse works. 0, or -errno after a message on stderr. */
int start_check_mountpoint(const char *path, bool nonempty) s3_must_check;

/* The journal's folder is not below the mountpoint: who writes there would wait for us, and
 * we for him. The same. */
int start_check_journal(const char *folder, const char *mountpoint) s3_must_check;

/* The bucket answers, and may be listed if it is to be. The same; -EAGAIN: a later try
 * may fare better. */
int start_check_bucket(struct s3 *s3, const struct mount_conf *conf) s3_must_check;

/* Explains on stderr why the service refused. */
void start_explain(const struct s3_fault *fault, const char *bucket, const char *endpoint);

/* Goes on in a child process. The parent waits for start_detached(), or for
 * the child's end, and exits with what it said. Returns in the child, or
 * -errno. Before any thread. */
int start_background(int *to_parent) s3_must_check;
/* All is well: leaves the terminal, and lets the parent exit with 0. */
void start_detached(int to_parent);

#endif
