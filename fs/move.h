/* SPDX-License-Identifier: MIT */
/*
 * move.h - the objects of a directory that gets another name.
 *
 *	move_copy     copies each, several at once       the target is whole
 *	move_sweep    deletes the sources, a thousand    the source is gone
 *	              at once
 *	move_undo     after a copy that failed: deletes  the source is whole,
 *	              what was made                      the target gone
 *
 * However many objects there are, a page of their keys is held at a time: what
 * was copied is read off the bucket, where source and target lie side by side.
 * A key to which there is no copy (another client has just made it) stays.
 *
 * The directory is frozen (tree.h) all the while. No lock may be held when
 * calling. Errors are -errno as s3.h gives them.
 */
#ifndef POURFS_MOVE_H
#define POURFS_MOVE_H

#include "mount.h"

/* What the journal says of a move. Owns its strings. */
struct move_note {
	char *endpoint, *bucket, *from, *to; /* from, to: key prefixes */
	bool copied;                         /* all are: the sources may be swept */
	bool marker;                         /* the directory has one of its own */
};

struct move {
	struct move *next; /* of the mount; tree lock */
	struct mount *m;
	struct node *dir;
	struct buf from, to; /* key prefixes, each with a slash at its end */
	const atomic_bool *cancel;
	uint64_t started_ms;
	_Atomic uint64_t objects, bytes; /* that were copied */
	_Atomic bool etags_change;       /* the service gives a copy another ETag */

	struct journal_entry *entry; /* what it is about to do */
	bool marker; /* the directory's own, which move_copy() leaves to the caller */
	uint64_t marker_size;

	pthread_mutex_t lock; /* a leaf, of what follows */
	pthread_cond_t landed;
	unsigned flying;
	int err;
	struct buf reached; /* the last key of which a copy was begun */
	bool stranger;      /* copies were made by a process that is dead */
};

/* With the tree's lock held: enters it into the mount's list. -ENAMETOOLONG, ...
 * move_fini() in any case. */
int move_init_locked(struct move *mv, struct mount *m, struct node *dir, struct node *new_parent,
                     const char *new_name, const atomic_bool *cancel) s3_must_check;
void move_fini(struct move *mv);

/* -ENOTEMPTY: the target has more than a marker. */
int move_check_target(struct move *mv) s3_must_check;
int move_copy(struct move *mv) s3_must_check;
/* One object, by its source's key. It may be gone. */
int move_copy_one(struct move *mv, const char *key) s3_must_check;
/* What is left behind is logged, and counted. -errno: some of it could not be
 * deleted; the rest is what another client has made meanwhile. */
int move_sweep(struct move *mv, unsigned *left) s3_must_check;
/* How many copies are left behind, which is logged, too. */
unsigned move_undo(struct move *mv);

/* Tells the journal how far it is. */
void move_note(struct move *mv, bool copied);
/* It stays there, for pourfs recover. */
void move_leave(struct move *mv);
/* -EINVAL, -ENOMEM; *note is to be ended in any case. */
int move_note_read(struct move_note *note, const char *text) s3_must_check;
void move_note_fini(struct move_note *note);
/* A crash has interrupted the move: the copies are undone; when all had been made,
 * the sources are swept. -EIO: some could not be. */
int move_recover(struct s3 *s3, const struct move_note *note) s3_must_check;

/* The key that the source will have: of a key below from. */
int move_target(const struct move *mv, const char *key, struct buf *to) s3_must_check;
/* A copy of an object with that ETag may have another one. */
bool move_changes_etag(const struct move *mv, const struct s3_etag *etag);

#endif
