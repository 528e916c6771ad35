/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "wait.h"

#define FORGET_TRIES 32
#define WEIGHED      256

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

/* ------------------------------------------------------------ order of use */

static void enter_newest(struct tree *t, struct node *n)
{
	n->older = t->newest;
	n->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = n;
	t->newest = n;
}

static void leave_order(struct tree *t, struct node *n)
{
	*(n->newer ? &n->newer->older : &t->newest) = n->older;
	*(n->older ? &n->older->newer : &t->oldest) = n->newer;
}

static void use(struct tree *t, struct node *n)
{
	if (t->newest == n)
		return;
	leave_order(t, n);
	enter_newest(t, n);
}

/* ------------------------------------------------------------------- nodes */

static struct node *node_new(struct tree *t, mode_t type)
{
	struct node *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	n->attr.mode = type;
	n->suffix = "";
	n->ino = t->next_ino++;
	n->held = 1;
	return n;
}

static void node_free(struct tree *t, struct node *n)
{
	assert(!n->file);
	t->listed -= n->listed;
	listing_put(n->listing);
	listing_put(n->coming);
	s3_headers_fini(&n->headers);
	free(n->target);
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
	t->limit = SIZE_MAX;
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

static void free_chain(struct tree *t, struct node *n)
{
	while (n) {
		struct node *next = n->next;

		node_free(t, n);
		n = next;
	}
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nbuckets; i++)
		free_chain(t, t->buckets[i]);
	free_chain(t, t->orphans);
	node_free(t, t->root);
	pthread_cond_destroy(&t->idle);
	pthread_mutex_destroy(&t->lock);
	free(t->buckets);
	free(t);
}

void tree_lock(struct tree *t)
{
	pthread_mutex_lock(&t->lock);
}

void tree_unlock(struct tree *t)
{
	pthread_mutex_unlock(&t->lock);
}

void tree_hold_locked(struct node *n)
{
	n->held++;
}

static void count_nodes(struct tree *t, int more)
{
	t->nnodes += (size_t)more;
	if (t->nnodes % WEIGHED == 0 && t->weigh_locked)
		t->weigh_locked(t->arg);
}

static void set_asked(struct tree *t, struct node *n, bool asked)
{
	t->leaving += (size_t)asked - (size_t)n->asked;
	n->asked = asked;
}

/* Also when the kernel has forgotten what it was asked to. */
static bool is_over(const struct tree *t)
{
	return t->nnodes - t->leaving > t->limit;
}

/* The named node goes; returns its parent, which it held. */
static struct node *free_named(struct tree *t, struct node *n)
{
	struct node *parent = n->parent;

	leave_order(t, n);
	link_out(t, n);
	count_nodes(t, -1);
	set_asked(t, n, false);
	parent->held--;
	node_free(t, n);
	return parent;
}

static void free_if_unknown(struct tree *t, struct node *n)
{
	while (n && n != t->root && !n->held && !n->lookups) {
		if (!n->parent) {
			unlink_orphan(t, n);
			node_free(t, n);
			return;
		}
		if (!is_over(t) || n->pending)
			return; /* remembered */
		n = free_named(t, n);
	}
}

/* Makes room for one more, if there is something to be forgotten among those
 * that were used the longest time ago. A directory is not taken from the kernel:
 * somebody may be in it. */
static void forget_oldest(struct tree *t)
{
	for (unsigned tries = 0; tries < FORGET_TRIES && is_over(t); tries++) {
		struct node *n = t->oldest;

		use(t, n);
		if (n->held)
			continue;
		if (!n->lookups)
			free_if_unknown(t, n);
		else if (t->forget_locked && !S_ISDIR(n->attr.mode) && !n->asked)
			set_asked(t, n, t->forget_locked(t->arg, n));
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
	tree_lock(t);
	tree_put_locked(t, n);
	tree_unlock(t);
}

void tree_told_locked(struct tree *t, struct node *n)
{
	n->lookups++;
	set_asked(t, n, false);
}

void tree_forget(struct tree *t, struct node *n, uint64_t lookups)
{
	tree_lock(t);
	assert(n->lookups >= lookups);
	n->lookups -= lookups;
	if (!n->lookups)
		set_asked(t, n, false);
	free_if_unknown(t, n);
	tree_unlock(t);
}

static void drop_listing(struct tree *t, struct node *dir)
{
	listing_put(dir->listing);
	dir->listing = NULL;
	t->listed -= dir->listed;
	dir->listed = 0;
}

static bool too_much_listed(const struct tree *t)
{
	return t->listed / TREE_LISTED > t->limit;
}

/* Those of other directories go first. */
static void drop_oldest_listings(struct tree *t, const struct node *but)
{
	for (struct node *n = t->oldest; n && too_much_listed(t); n = n->newer)
		if (n != but && n->listing)
			drop_listing(t, n);
}

void tree_listing_changed_locked(struct tree *t, struct node *dir)
{
	t->listed -= dir->listed;
	dir->listed = dir->listing ? dir->listing->n : 0;
	t->listed += dir->listed;
	if (too_much_listed(t))
		drop_oldest_listings(t, dir);
	if (too_much_listed(t))
		drop_listing(t, dir);
}

void tree_set_listing_locked(struct tree *t, struct node *dir, struct listing *l, uint64_t until_ms)
{
	drop_listing(t, dir);
	dir->listing = l;
	dir->listed = l ? l->n : 0;
	dir->listing_until_ms = until_ms;
	t->listed += dir->listed;
	drop_oldest_listings(t, dir);
}

/* Absent ones too. Not held. */
static struct node *find(struct tree *t, const struct node *parent, const char *name)
{
	struct node *n = t->buckets[hash(t, parent, name)];

	while (n && (n->parent != parent || strcmp(n->name, name)))
		n = n->next;
	if (n)
		use(t, n);
	return n;
}

static struct node *make(struct tree *t, struct node *parent, const char *name, mode_t type)
{
	struct node *n = node_new(t, type);

	if (!n)
		return NULL;
	n->name = strdup(name);
	if (!n->name) {
		node_free(t, n);
		return NULL;
	}
	n->parent = parent;
	parent->held++;
	count_nodes(t, 1);
	rehash(t);
	link_in(t, n);
	enter_newest(t, n);
	forget_oldest(t);
	return n;
}

struct node *tree_find_locked(struct tree *t, struct node *parent, const char *name)
{
	struct node *n = find(t, parent, name);

	if (!n || n->absent)
		return NULL;
	n->held++;
	return n;
}

struct node *tree_add_locked(struct tree *t, struct node *parent, const char *name, mode_t type)
{
	struct node *n = find(t, parent, name);

	if (!n)
		return make(t, parent, name, type);
	n->held++;
	if (n->absent) {
		n->absent = false;
		n->attr.mode = type;
		n->fresh_until_ms = 0;
	}
	return n;
}

bool tree_absent_locked(struct tree *t, struct node *parent, const char *name, uint64_t now_ms)
{
	struct node *n = find(t, parent, name);

	return n && n->absent && now_ms < n->fresh_until_ms;
}

void tree_set_absent_locked(struct tree *t, struct node *parent, const char *name,
                            uint64_t until_ms)
{
	struct node *n = find(t, parent, name);

	if (n && !n->absent)
		return;
	if (!n)
		n = make(t, parent, name, 0);
	else
		n->held++;
	if (!n)
		return;
	n->absent = true;
	n->fresh_until_ms = until_ms;
	tree_put_locked(t, n);
}

void tree_unlink_locked(struct tree *t, struct node *n)
{
	struct node *parent = n->parent;

	if (!parent)
		return;
	leave_order(t, n);
	link_out(t, n);
	count_nodes(t, -1);
	set_asked(t, n, false);
	n->parent = NULL;
	n->unlinked = true;
	link_orphan(t, n);
	parent->held--;
	free_if_unknown(t, parent);
}

int tree_move_locked(struct tree *t, struct node *n, struct node *parent, const char *name)
{
	struct node *there = find(t, parent, name);
	struct node *old = n->parent;
	char *copy = there == n ? NULL : strdup(name);

	if (!copy)
		return there == n ? 0 : -ENOMEM;
	parent->held++; /* what has the name may be all that holds it */
	if (there) {
		there->held++;
		tree_unlink_locked(t, there);
		tree_put_locked(t, there);
	}
	link_out(t, n);
	set_asked(t, n, false); /* to forget the old name */
	free(n->name);
	n->name = copy;
	n->suffix = "";
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
	buf_adds(path, S_ISDIR(n->attr.mode) ? "/" : n->suffix);
}
