/* SPDX-License-Identifier: MIT */
/*
 * tree.h - the names and attributes that are known: an inode table over keys.
 *
 * A node is a file or directory that the kernel knows (lookups), or that
 * something of ours holds (held: open handles, drafts, children, pending
 * changes). It goes when nobody does. Its address is the nodeid that the
 * kernel uses; its inode number stays the same as long as it lives.
 *
 * A node that was unlinked has no name any more but stays for those that hold it.
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

#include "buf.h"
#include "listing.h"
#include "meta.h"
#include "s3.h"

struct file; /* file.h: an open file's shared state */

enum node_special { NODE_PLAIN, NODE_CONTROL_DIR, NODE_STATUS };

struct node {
	struct node *parent; /* NULL: the root, or unlinked */
	char *name;
	struct node *next; /* in its hash chain */
	uint64_t ino;
	uint64_t lookups;
	unsigned held;
	enum node_special special;
	bool unlinked;
	bool busy;    /* somebody is changing its object */
	bool drafted; /* its file has a draft */

	struct attr attr;
	uint64_t fresh_until_ms; /* until when attr is believed */
	bool full;               /* user metadata is in attr, not only what a listing tells */
	struct s3_etag etag;     /* of the object that attr describes; "": none yet */
	bool covers; /* none yet, and the key has that of a file which this one replaced */
	struct s3_headers headers; /* as the object has them; empty unless full */
	unsigned pending;          /* META_*: changes that the object does not have yet */
	bool pending_scheduled;

	struct listing *listing; /* directories: NULL if not known */
	uint64_t listing_until_ms;
	uint64_t changes; /* of this directory by us: a listing begun before is stale */

	struct file *file; /* NULL: nobody has it open */
};

struct tree {
	pthread_mutex_t lock;
	struct node *root;
	struct node **buckets;
	size_t nbuckets, nnodes;
	struct node *orphans;
	pthread_cond_t idle; /* a node is not busy any more */
	uint64_t next_ino;
};

/* NULL: no memory. */
struct tree *tree_new(const struct attr *root_attr);
void tree_free(struct tree *t); /* whatever the kernel still knows */

/* The child of that name, held once more, or NULL. */
struct node *tree_find_locked(struct tree *t, struct node *parent, const char *name);
/* Finds or makes it (attr is then all zeros but for its type), held once more. NULL: no memory. */
struct node *tree_add_locked(struct tree *t, struct node *parent, const char *name, mode_t type);
void tree_hold_locked(struct node *n);
void tree_put_locked(struct tree *t, struct node *n);
void tree_put(struct tree *t, struct node *n);
void tree_forget(struct tree *t, struct node *n, uint64_t lookups);

/* Makes the caller the only one who changes the object of n (by a publish, a
 * copy, a delete), and holds n; waits as long as somebody else is. Who has one
 * node may wait for another only if that one comes later in ino order.
 * 0, or -EINTR when cancelled. */
int tree_busy_locked(struct tree *t, struct node *n, const atomic_bool *cancel) s3_must_check;
void tree_idle_locked(struct tree *t, struct node *n);

/* Takes the name away. */
void tree_unlink_locked(struct tree *t, struct node *n);
/* Gives it another name; a node that has it becomes unlinked. 0 or -ENOMEM. */
int tree_move_locked(struct tree *t, struct node *n, struct node *parent, const char *name);

/* A path is ancestor's or lies below it. */
bool tree_below_locked(const struct node *n, const struct node *ancestor);

/* Appends the path below the mount: "a/b/c", directories with a slash behind;
 * "" for the root. */
void tree_path_locked(const struct node *n, struct buf *path);

#endif
