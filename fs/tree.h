/* SPDX-License-Identifier: MIT */
/*
 * tree.h - the names and attributes that are known: an inode table over keys.
 *
 * A node is a file or directory that the kernel knows (lookups), or that
 * something of ours holds (held: open handles, drafts, children, pending
 * changes). One that nobody does is remembered for a while: as long as there
 * are not more than limit nodes. Beyond that the one that was used the longest
 * time ago goes; what only the kernel knows, it is asked to forget. Its address
 * is the nodeid that the kernel uses; its inode number stays the same as long
 * as it lives.
 *
 * A node that was unlinked has no name any more but stays for those that hold it.
 * A node that is absent says that nothing has that name: nobody holds it.
 *
 * Locks: tree->lock guards everything in the tree and in its nodes but
 * node->file, which has a lock of its own. Functions ending in _locked want
 * the lock held; the others take it. It comes after file->lock, and before no other but the leaves.
 */
#ifndef POURFS_TREE_H
#define POURFS_TREE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "ahead.h"
#include "buf.h"
#include "listing.h"
#include "meta.h"
#include "s3.h"

struct file; /* file.h: an open file's shared state */

enum node_special { NODE_PLAIN, NODE_CONTROL_DIR, NODE_STATUS, NODE_METRICS };

/* What is asked for before it is wanted. Who wants it waits if the job has begun,
 * and else asks himself. */
enum node_ahead { NODE_NOT_ASKED, NODE_ASK_SOON, NODE_ASKING, NODE_ASKED };

enum node_foreign {
	NODE_MARK_FOLDER = 1, /* an object "name_$folder$" */
	NODE_MARK_PLAIN = 2,  /* an empty object "name" of a directory's content type */
	NODE_MARK_LINK = 4,   /* rclone's of a link, where it is none of the node's own */
};

struct node {
	struct node *parent; /* NULL: the root, or unlinked */
	char *name;
	struct node *next;          /* in its hash chain */
	struct node *newer, *older; /* by use; of those that have a name */
	struct node *next_busy;     /* of those that are */
	uint64_t ino;
	uint64_t lookups;
	unsigned held;
	enum node_special special;
	bool unlinked;
	bool busy;    /* somebody is changing its object */
	bool leaving; /* busy, and its object is about to go: who opens it waits */
	bool moving;  /* a directory that gets another key, and so does all below it */
	bool drafted; /* its file has a draft */
	bool passes;  /* who wrote it came back to what had been written, or might have */
	bool absent;
	enum node_ahead fetched; /* attr */
	bool asked;              /* the kernel was, to forget it */
	const char *suffix;      /* what its key has behind the name: "", or rclone's for a link */
	unsigned foreign;        /* NODE_*: markers of other clients that a directory has */

	struct attr attr;
	uint64_t fresh_until_ms; /* until when attr is believed */
	bool full;               /* user metadata is in attr, not only what a listing tells */
	struct s3_etag etag;     /* of the object that attr describes; "": none yet */
	uint64_t turn;           /* of the tree, when we last changed the object */
	unsigned replaced;       /* how often another client has made another object of it */
	bool covers; /* none yet, and the key has that of a file which this one replaced */
	struct s3_headers headers; /* as the object has them; empty unless full */
	unsigned pending;          /* META_*: changes that the object does not have yet */
	bool pending_scheduled;
	unsigned char pending_failures; /* one after the other */

	char *target; /* links: where to, for the object that has etag; NULL: not known */

	struct listing *listing; /* directories: NULL if not known */
	uint64_t listing_until_ms;
	struct listing *coming;    /* its beginning, as far as one pass has come; or NULL */
	uint64_t coming_until_ms;  /* until when that is believed */
	enum node_ahead foreseen;  /* its listing; asked: and not opened yet */
	uint64_t foresee_after_ms; /* it failed a moment ago */
	uint64_t looked_ms;        /* when a name in it was last looked up */
	uint64_t passed_ms;      /* when those in it, or in a directory in it, last were in order */
	size_t listed;           /* its entries, as they count for tree->listed */
	uint64_t changes;        /* of this directory by us: a listing begun before is stale */
	uint64_t large_until_ms; /* until when it is known to need many pages */
	struct ahead ahead;      /* of its names */
	struct ahead_below below;
	bool learning; /* it is being listed as one of its names is wanted: others wait */
	bool unasked;  /* foreseen, and the attributes of its names were not asked for */

	struct file *file; /* NULL: nobody has it open */
};

#define TREE_LISTED 16 /* a node needs so many times the memory of an entry */

struct tree {
	pthread_mutex_t lock;
	struct node *root;
	struct node **buckets;
	size_t nbuckets, nnodes;
	size_t leaving; /* of those, the kernel was asked to forget */
	size_t limit;   /* of nodes; set before others use the tree */
	size_t listed;  /* entries of all listings: TREE_LISTED * limit at most */
	struct node *newest, *oldest;
	struct node *orphans;
	/* Asks the kernel to forget n, which has a name; does not wait. Whether it will be. */
	bool (*forget_locked)(void *arg, struct node *n);
	/* There are more nodes by some hundreds, or fewer. */
	void (*weigh_locked)(void *arg);
	void *arg; /* of these */
	struct node *busy;
	pthread_cond_t idle; /* a node is not busy any more */
	uint64_t turns;      /* counts changes: what was asked before one is old */
	uint64_t next_ino;
};

/* NULL: no memory. */
struct tree *tree_new(const struct attr *root_attr);
void tree_free(struct tree *t); /* whatever the kernel still knows */

void tree_lock(struct tree *t);
void tree_unlock(struct tree *t);

/* The child of that name, held once more, or NULL. */
struct node *tree_find_locked(struct tree *t, struct node *parent, const char *name);
/* That name is known to be absent, and this is still believed. */
bool tree_absent_locked(struct tree *t, struct node *parent, const char *name, uint64_t now_ms);
/* Remembers that, if nothing is known under that name. */
void tree_set_absent_locked(struct tree *t, struct node *parent, const char *name,
                            uint64_t until_ms);
/* Finds or makes it (attr is then all zeros but for its type), held once more. NULL: no memory. */
struct node *tree_add_locked(struct tree *t, struct node *parent, const char *name, mode_t type);
/* The directory has this listing from now on, which is taken over; NULL: none.
 * If that is too much, those that were not used the longest time go. */
void tree_set_listing_locked(struct tree *t, struct node *dir, struct listing *l,
                             uint64_t until_ms);
/* Names were added to it, or removed; or it was lost (NULL). */
void tree_listing_changed_locked(struct tree *t, struct node *dir);
void tree_hold_locked(struct node *n);
void tree_put_locked(struct tree *t, struct node *n);
void tree_put(struct tree *t, struct node *n);
void tree_forget(struct tree *t, struct node *n, uint64_t lookups);
/* The kernel is about to be told of n: it will forget it once more. */
void tree_told_locked(struct tree *t, struct node *n);

/* Makes the caller the only one who changes the object of n (by a publish, a
 * copy, a delete) or, of a directory, what objects there are just below; and
 * holds n. Waits as long as somebody else is, or a directory above n is moving.
 * Who has one node must not wait for another. 0, or -EINTR when cancelled. */
int tree_busy_locked(struct tree *t, struct node *n, const atomic_bool *cancel) s3_must_check;
/* The same for several at once, the NULLs among them left out. */
int tree_busy_all_locked(struct tree *t, struct node *const *v, size_t n,
                         const atomic_bool *cancel) s3_must_check;
/* The same for a job that tree_freeze_locked()'s caller waits for by other
 * means, or whose object has a key that does not matter: above n may be what will. */
int tree_busy_begun_locked(struct tree *t, struct node *n, const atomic_bool *cancel) s3_must_check;
void tree_idle_locked(struct tree *t, struct node *n);

/* With dir busy: nothing below it becomes busy any more, and what is has come to
 * its end. -EINTR when cancelled. */
int tree_freeze_locked(struct tree *t, struct node *dir, const atomic_bool *cancel) s3_must_check;
void tree_thaw_locked(struct tree *t, struct node *dir);
/* n or a directory above it is moving. */
bool tree_moving_locked(const struct node *n);

/* Takes the name away. */
void tree_unlink_locked(struct tree *t, struct node *n);
/* Gives it another name; a node that has it becomes unlinked. 0 or -ENOMEM. */
int tree_move_locked(struct tree *t, struct node *n, struct node *parent, const char *name);

/* A path is ancestor's or lies below it. */
bool tree_below_locked(const struct node *n, const struct node *ancestor);

/* Appends the path below the mount as its key has it: "a/b/c", directories with
 * a slash behind; "" for the root. */
void tree_path_locked(const struct node *n, struct buf *path);

#endif
