/* SPDX-License-Identifier: MIT */
/* process.h - what a command prints. */
#ifndef POURFS_PROCESS_H
#define POURFS_PROCESS_H

#include <stddef.h>

struct buf;

/* Runs command by /bin/sh, without input, and adds what it prints to out; what it
 * says on standard error goes where ours goes. 0 and *status, as a shell has it
 * (128 and the signal's number, if one ended it); -ETIMEDOUT: it was ended after
 * ms milliseconds, with all that it started in its process group; -EFBIG: after
 * max bytes; -ENOMEM; or what posix_spawn() or pipe2() said. */
int process_read(const char *command, unsigned ms, size_t max, struct buf *out, int *status)
	__attribute__((warn_unused_result));

#endif
