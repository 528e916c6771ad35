/* SPDX-License-Identifier: MIT */
/*
 * file.h - what all open handles of one file share, and who has it open.
 *
 * Counted: by handles, by its draft, by transfers under way.
 * Locks: file->lock guards the file and its draft. It is never held across a
 * request. Counting is under the tree's lock.
 */
#ifndef POURFS_FILE_H
#define POURFS_FILE_H

#include <pthread.h>

#include "hints.h"
#include "mount.h"

#define FILE_USERS 16

struct draft;

struct file {
	struct mount *m;
	struct node *node; /* held */
	unsigned counted;  /* tree lock */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something in the file or its draft did */
	unsigned handles;       /* open ones */
	unsigned writers;       /* those that may write */
	struct draft *draft;    /* NULL: the content is the object's */
	uint64_t published;     /* counts publishes */
	bool passes;            /* a program may come back to what it has written; the node
	                           remembers those of a draft */
	char *ghost; /* tree lock: hidden copy of the object, which was unlinked; or NULL */
	struct s3_etag ghost_etag;
	pid_t users[FILE_USERS]; /* processes that opened or wrote it, the latest first */
	unsigned nusers;
	enum hints_program program; /* that writes it */
	struct room_claim claim;
};

/* The node's file, made if need be; counted. NULL: no memory. */
struct file *file_get(struct mount *m, struct node *n);
/* The node's file if there is one; counted. */
struct file *file_find(struct mount *m, struct node *n);
void file_hold(struct file *f);
void file_put(struct file *f); /* file->lock must not be held */

/* The file has lost its name. Takes the tree's lock. */
bool file_unlinked(struct file *f);

/* Waits for file->changed, with file->lock held: 0, or -EINTR when cancelled. */
int file_wait(struct file *f, const atomic_bool *cancel) s3_must_check;

/* The process writes the file: which program is it? Takes file->lock; looks
 * into /proc. */
void file_written_by(struct file *f, pid_t pid);

/* The process uses the file. Takes file->lock. */
void file_used_by(struct file *f, pid_t pid);
/* A process other than the one whose thread tid is closing it, or that process
 * by another descriptor, still has it open for writing: one that used it, or
 * an ancestor of the closing one. Takes file->lock; looks into /proc. */
bool file_held_elsewhere(struct file *f, pid_t tid);

#endif
