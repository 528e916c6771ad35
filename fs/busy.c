/* SPDX-License-Identifier: MIT */
/* busy.c - who may change an object just now, and what lies below a directory
 * that gets another key: tree.h. */
#include "tree.h"

#include "wait.h"

bool tree_moving_locked(const struct node *n)
{
	while (n && !n->moving)
		n = n->parent;
	return n;
}

static void begin(struct tree *t, struct node *n)
{
	n->busy = true;
	n->next_busy = t->busy;
	t->busy = n;
}

static bool all_free(struct node *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] && (v[i]->busy || tree_moving_locked(v[i])))
			return false;
	return true;
}

int tree_busy_all_locked(struct tree *t, struct node *const *v, size_t n, const atomic_bool *cancel)
{
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i])
			v[i]->held++; /* the one who is busy may be the last who holds it */
	while (!all_free(v, n) && !err)
		err = wait_moment(&t->idle, &t->lock, cancel);
	for (size_t i = 0; i < n; i++) {
		if (v[i] && err)
			tree_put_locked(t, v[i]);
		else if (v[i])
			begin(t, v[i]);
	}
	return err;
}

int tree_busy_locked(struct tree *t, struct node *n, const atomic_bool *cancel)
{
	return tree_busy_all_locked(t, &n, 1, cancel);
}

int tree_busy_begun_locked(struct tree *t, struct node *n, const atomic_bool *cancel)
{
	int err = 0;

	n->held++;
	while (n->busy && !err)
		err = wait_moment(&t->idle, &t->lock, cancel);
	if (err)
		tree_put_locked(t, n);
	else
		begin(t, n);
	return err;
}

void tree_idle_locked(struct tree *t, struct node *n)
{
	struct node **at = &t->busy;

	while (*at != n)
		at = &(*at)->next_busy;
	*at = n->next_busy;
	n->busy = false;
	n->leaving = false;
	n->turn = ++t->turns;
	pthread_cond_broadcast(&t->idle);
	tree_put_locked(t, n);
}

static bool any_busy_below(const struct tree *t, const struct node *dir)
{
	for (const struct node *n = t->busy; n; n = n->next_busy)
		if (n != dir && tree_below_locked(n, dir))
			return true;
	return false;
}

int tree_freeze_locked(struct tree *t, struct node *dir, const atomic_bool *cancel)
{
	int err = 0;

	dir->moving = true;
	while (any_busy_below(t, dir) && !err)
		err = wait_moment(&t->idle, &t->lock, cancel);
	if (err)
		tree_thaw_locked(t, dir);
	return err;
}

void tree_thaw_locked(struct tree *t, struct node *dir)
{
	dir->moving = false;
	pthread_cond_broadcast(&t->idle);
}
