/* SPDX-License-Identifier: MIT */
/*
 * proc.h - what /proc tells of the processes that use the mount.
 *
 * A process that cannot be seen (another user's, another namespace's) is as
 * one that is not there: -1, false.
 */
#ifndef POURFS_PROC_H
#define POURFS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

pid_t proc_process_of(pid_t tid);
pid_t proc_parent_of(pid_t pid);

/* The arguments of the process, each ended by a NUL, as far as there is room.
 * Bytes, 0 if it cannot be seen. */
size_t proc_arguments(pid_t pid, char *to, size_t room);

/* The process has a descriptor of that inode that may write. Asks fdinfo,
 * which, unlike fd, answers without a call into this very file system. */
bool proc_holds(pid_t pid, uint64_t ino);

/* The thread is to end, or somebody wants to stop it: a signal is pending that
 * would kill it, or SIGINT, SIGTERM, SIGQUIT or SIGHUP. Timers, children and
 * other everyday signals are no reason to break off a call. */
bool proc_wants_out(pid_t tid);

#endif
