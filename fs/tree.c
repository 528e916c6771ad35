/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "wait.h"

static size_t hash(const struct tree *t, const struct node *parent, const char *name)
{
	uint64_t h = (uintptr_t)parent * UINT64_C(0x9e3779b97f4a7c15);

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return (h ^ (h >> 29)) & (t->nbuckets - 1);
}

static void link_in(struct tree *t, struct node *n)
{
	struct node **bucket = &t->buckets[hash(t, n->parent, n->name)];

	n->next = *bucket;
	*bucket = n;
}

static void link_out(struct tree *t, struct node *n)
{
	struct node **at = &t->buckets[hash(t, n->parent, n->name)];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
}

/* Chains stay short; without memory they get longer. */
static void rehash(struct tree *t)
{
	size_t old = t->nbuckets;
	struct node **from = t->buckets, **to;

	if (t->nnodes < old)
		return;
	to = calloc(2 * old, sizeof *to);
	if (!to)
		return;
	t->buckets = to;
	t->nbuckets = 2 * old;
	for (size_t i = 0; i < old; i++) {
		for (struct node *n = from[i], *next; n; n = next) {
			next = n->next;
			link_in(t, n);
		}
	}
	free(from);
}

/* Nodes without a name are in a list of their own. */
static void link_orphan(struct tree *t, struct node *n)
{
	n->next = t->orphans;
	t->orphans = n;
}

static void unlink_orphan(struct tree *t, struct node *n)
{
	struct node **at = &t->orphans;

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
}

static struct node *node_new(struct tree *t, mode_t type)
{
	struct node *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	n->attr.mode = type;
	n->ino = t->next_ino++;
	n->held = 1;
	return n;
}

static void node_free(struct node *n)
{
	assert(!n->file);
	listing_put(n->listing);
	s3_headers_fini(&n->headers);
	free(n->name);
	free(n);
}

struct tree *tree_new(const struct attr *root_attr)
{
	struct tree *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	/* A random range of its own, so that a number found in /proc is ours. */
	if (getrandom(&t->next_ino, sizeof t->next_ino, 0) != sizeof t->next_ino)
		t->next_ino = (uintptr_t)t << 16;
	t->next_ino &= UINT64_C(0x7fffffff00000000);
	t->next_ino |= 2;
	t->nbuckets = 1024;
	t->buckets = calloc(t->nbuckets, sizeof *t->buckets);
	t->root = t->buckets ? node_new(t, S_IFDIR) : NULL;
	if (!t->root) {
		free(t->buckets);
		free(t);
		return NULL;
	}
	t->root->attr = *root_attr;
	t->root->lookups = 1;
	pthread_mutex_init(&t->lock, NULL);
	wait_init(&t->idle);
	return t;
}

static void free_chain(struct node *n)
{
	while (n) {
		struct node *next = n->next;

		node_free(n);
		n = next;
	}
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nbuckets; i++)
		free_chain(t->buckets[i]);
	free_chain(t->orphans);
	node_free(t->root);
	pthread_cond_destroy(&t->idle);
	pthread_mutex_destroy(&t->lock);
	free(t->buckets);
	free(t);
}

void tree_hold_locked(struct node *n)
{
	n->held++;
}

static void free_if_unknown(struct tree *t, struct node *n)
{
	while (n && n != t->root && !n->held && !n->lookups) {
		struct node *parent = n->parent;

		if (parent) {
			link_out(t, n);
			t->nnodes--;
			parent->held--;
		} else {
			unlink_orphan(t, n);
		}
		node_free(n);
		n = parent;
	}
}

void tree_put_locked(struct tree *t, struct node *n)
{
	assert(n->held);
	n->held--;
	free_if_unknown(t, n);
}

void tree_put(struct tree *t, struct node *n)
{
	pthread_mutex_lock(&t->lock);
	tree_put_locked(t, n);
	pthread_mutex_unlock(&t->lock);
}

void tree_forget(struct tree *t, struct node *n, uint64_t lookups)
{
	pthread_mutex_lock(&t->lock);
	assert(n->lookups >= lookups);
	n->lookups -= lookups;
	free_if_unknown(t, n);
	pthread_mutex_unlock(&t->lock);
}

struct node *tree_find_locked(struct tree *t, struct node *parent, const char *name)
{
	struct node *n = t->buckets[hash(t, parent, name)];

	while (n && (n->parent != parent || strcmp(n->name, name)))
		n = n->next;
	if (n)
		n->held++;
	return n;
}

struct node *tree_add_locked(struct tree *t, struct node *parent, const char *name, mode_t type)
{
	struct node *n = tree_find_locked(t, parent, name);

	if (n)
		return n;
	n = node_new(t, type);
	if (!n)
		return NULL;
	n->name = strdup(name);
	if (!n->name) {
		node_free(n);
		return NULL;
	}
	n->parent = parent;
	parent->held++;
	t->nnodes++;
	rehash(t);
	link_in(t, n);
	return n;
}

int tree_busy_locked(struct tree *t, struct node *n, const atomic_bool *cancel)
{
	int err = 0;

	n->held++; /* the one who is busy may be the last who holds it */
	while (n->busy && !err)
		err = wait_moment(&t->idle, &t->lock, cancel);
	if (err)
		tree_put_locked(t, n);
	else
		n->busy = true;
	return err;
}

void tree_idle_locked(struct tree *t, struct node *n)
{
	n->busy = false;
	pthread_cond_broadcast(&t->idle);
	tree_put_locked(t, n);
}

void tree_unlink_locked(struct tree *t, struct node *n)
{
	struct node *parent = n->parent;

	if (!parent)
		return;
	link_out(t, n);
	t->nnodes--;
	n->parent = NULL;
	n->unlinked = true;
	link_orphan(t, n);
	parent->held--;
	free_if_unknown(t, parent);
}

int tree_move_locked(struct tree *t, struct node *n, struct node *parent, const char *name)
{
	struct node *there = tree_find_locked(t, parent, name);
	struct node *old = n->parent;
	bool same = there == n;
	char *copy = same ? NULL : strdup(name);

	if (!copy) {
		if (there)
			tree_put_locked(t, there);
		return same ? 0 : -ENOMEM;
	}
	parent->held++; /* what has the name may be all that holds it */
	if (there) {
		tree_unlink_locked(t, there);
		tree_put_locked(t, there);
	}
	link_out(t, n);
	free(n->name);
	n->name = copy;
	n->parent = parent;
	link_in(t, n);
	old->held--;
	free_if_unknown(t, old);
	return 0;
}

bool tree_below_locked(const struct node *n, const struct node *ancestor)
{
	while (n && n != ancestor)
		n = n->parent;
	return n == ancestor;
}

void tree_path_locked(const struct node *n, struct buf *path)
{
	if (!n->parent)
		return;
	tree_path_locked(n->parent, path);
	buf_adds(path, n->name);
	if (S_ISDIR(n->attr.mode))
		buf_addc(path, '/');
}
