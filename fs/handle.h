/* SPDX-License-Identifier: MIT */
/*
 * handle.h - open files and directories: what open(2) to close(2) promise.
 *
 * No lock may be held when calling. 0 or a length, or -errno.
 */
#ifndef POURFS_HANDLE_H
#define POURFS_HANDLE_H

#include "dir.h"
#include "file.h"
#include "parts.h"
#include "reader.h"

struct handle {
	struct handle *next, *previous; /* of the mount */
	struct node *node;              /* held */
	struct file *file;              /* counted; NULL: a directory or a control file */
	bool writes, appends;
	bool full;             /* it was not empty when it was opened */
	bool unseen;           /* the kernel was told the size of another version */
	pthread_rwlock_t lock; /* of reader */
	struct reader *reader;
	unsigned replaced;     /* node->replaced, when it was opened; -ESTALE after it */
	struct dir_pass *pass; /* directories */
	bool passed;           /* something was read of it */
	char *text;            /* control files */
};

/* flags as open(2). truncate: O_TRUNC or just created. pid: who opens. */
int handle_open(struct mount *m, struct node *n, int flags, bool created, pid_t pid,
                struct handle **out, const atomic_bool *cancel) s3_must_check;
/* Fills the answer up to its size; less at the end. */
int handle_read(struct mount *m, struct handle *h, struct answer *to, uint64_t offset,
                const atomic_bool *cancel) s3_must_check;
ssize_t handle_write(struct handle *h, const struct parts_input *in, size_t len, uint64_t offset,
                     pid_t pid, const atomic_bool *cancel) s3_must_check;
/* copy_file_range(2): bytes, or -EOPNOTSUPP: they must be read and written. */
ssize_t handle_copy(struct handle *from, uint64_t from_offset, struct handle *to, uint64_t offset,
                    uint64_t len, pid_t pid, const atomic_bool *cancel) s3_must_check;
/* lseek(2) with SEEK_DATA or SEEK_HOLE. */
int64_t handle_seek(struct mount *m, struct handle *h, uint64_t offset, bool data) s3_must_check;
/* fallocate(2). */
int handle_allocate(struct mount *m, struct handle *h, int mode, uint64_t offset, uint64_t len,
                    const atomic_bool *cancel) s3_must_check;
/* Another client has replaced what it reads. */
bool handle_is_stale(struct mount *m, const struct handle *h);
/* One of the descriptors was closed, by the thread tid. */
int handle_flush(struct handle *h, pid_t tid, const atomic_bool *cancel) s3_must_check;
int handle_sync(struct mount *m, struct handle *h, const atomic_bool *cancel) s3_must_check;
void handle_release(struct mount *m, struct handle *h);
/* Those that the kernel will release no more, when the mount has ended. */
void handle_release_all(struct mount *m);

int handle_opendir(struct mount *m, struct node *n, struct handle **out,
                   const atomic_bool *cancel) s3_must_check;
/* It is read from its beginning: as it is then. */
int handle_rewinddir(struct mount *m, struct handle *h, const atomic_bool *cancel) s3_must_check;

#endif
