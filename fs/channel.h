/* SPDX-License-Identifier: MIT */
/*
 * channel.h - how bytes go between libfuse and the kernel.
 *
 * As libfuse does it by itself, but for one flag: libfuse before 3.17 has
 * FUSE_CAP_PARALLEL_DIROPS, and forgets to tell the kernel. Without it, the kernel asks
 * for one name of a directory at a time, and each waits for the answers to all before it.
 */
#ifndef POURFS_CHANNEL_H
#define POURFS_CHANNEL_H

struct fuse_session;

/* After the session was mounted, before its first request is read. When it fails, the
 * session does without. */
void channel_open(struct fuse_session *session);
/* The kernel offers it, and it is wanted: called while FUSE_INIT is answered. */
void channel_want_parallel_dirops(void);

#endif
