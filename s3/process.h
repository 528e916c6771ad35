/* SPDX-License-Identifier: MIT */
/* process.h - what a command prints. */
#ifndef POURFS_PROCESS_H
#define POURFS_PROCESS_H

#include <stdatomic.h>
#include <stddef.h>

struct buf;

/* Runs command by /bin/sh, without input, and adds what it prints to out; what it
 * says on standard error goes where ours goes. 0 and *status, as a shell has it
 * (128 and the signal's number, if one ended it): when it has ended, whoever may hold
 * its output open. -ETIMEDOUT: it was ended after ms milliseconds, with all that it
 * started in its process group; -EINTR: when *cancel (or NULL) became true; -EFBIG:
 * after max bytes; -ENOMEM; or what posix_spawn() or pipe2() said. */
int process_read(const char *command, unsigned ms, size_t max, const atomic_bool *cancel,
                 struct buf *out, int *status) __attribute__((warn_unused_result));

#endif
