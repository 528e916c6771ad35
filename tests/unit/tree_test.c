/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "tree.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static struct tree *t;

static void begin(void)
{
	struct attr root = {.mode = S_IFDIR | 0755};

	t = tree_new(&root);
	pthread_mutex_lock(&t->lock);
}

static void end(void)
{
	pthread_mutex_unlock(&t->lock);
	tree_free(t);
}

static struct node *add(struct node *parent, const char *name, mode_t type)
{
	return tree_add_locked(t, parent, name, type);
}

static void check_path(const struct node *n, const char *want)
{
	struct buf path = BUF_INIT;

	tree_path_locked(n, &path);
	check_str(path.s, want);
	buf_fini(&path);
}

TEST(the_root_is_there_and_has_the_empty_path)
{
	begin();
	check_path(t->root, "");
	check_int(t->root->attr.mode, S_IFDIR | 0755);
	check(!tree_find_locked(t, t->root, "x"));
	end();
	tree_free(NULL);
}

TEST(a_name_is_found_as_long_as_somebody_holds_it)
{
	struct node *n;

	begin();
	n = add(t->root, "a", S_IFREG);
	check_int(n->attr.mode, S_IFREG);
	check(tree_find_locked(t, t->root, "a") == n);
	check(add(t->root, "a", S_IFDIR) == n); /* as it is */
	check_int(n->attr.mode, S_IFREG);
	check(!tree_find_locked(t, t->root, "b"));
	tree_put_locked(t, n);
	tree_put_locked(t, n);
	check_int(t->nnodes, 1);
	tree_put_locked(t, n);
	check_int(t->nnodes, 0);
	check(!tree_find_locked(t, t->root, "a"));
	end();
}

TEST(a_child_keeps_its_parents)
{
	struct node *a, *b, *c;

	begin();
	a = add(t->root, "a", S_IFDIR);
	b = add(a, "b", S_IFDIR);
	c = add(b, "c", S_IFREG);
	tree_put_locked(t, a);
	tree_put_locked(t, b);
	check_path(c, "a/b/c");
	check_path(b, "a/b/");
	check(tree_below_locked(c, a) && tree_below_locked(c, c) && tree_below_locked(c, t->root));
	check(!tree_below_locked(a, c));
	tree_put_locked(t, c);
	check_int(t->nnodes, 0);
	end();
}

TEST(what_the_kernel_knows_stays_until_it_forgets)
{
	struct node *n;

	begin();
	n = add(t->root, "a", S_IFREG);
	n->lookups = 3;
	tree_put_locked(t, n);
	check_int(t->nnodes, 1);
	pthread_mutex_unlock(&t->lock);
	tree_forget(t, n, 2);
	check_int(t->nnodes, 1);
	tree_forget(t, n, 1);
	check_int(t->nnodes, 0);
	pthread_mutex_lock(&t->lock);
	end();
}

TEST(inode_numbers_differ)
{
	struct node *a, *b;

	begin();
	a = add(t->root, "a", S_IFREG);
	b = add(t->root, "b", S_IFREG);
	check(a->ino != b->ino && a->ino != t->root->ino && a->ino > 1);
	end();
}

TEST(an_unlinked_node_has_no_name_but_stays_for_its_holders)
{
	struct node *n, *again;

	begin();
	n = add(t->root, "a", S_IFREG);
	tree_unlink_locked(t, n);
	check(n->unlinked && !tree_find_locked(t, t->root, "a"));
	check_path(n, "");
	again = add(t->root, "a", S_IFREG);
	check(again != n && !again->unlinked);
	tree_unlink_locked(t, n); /* nothing more */
	tree_put_locked(t, n);
	tree_put_locked(t, again);
	end();
}

TEST(what_is_still_known_at_the_end_is_freed)
{
	struct node *n;

	begin();
	n = add(add(t->root, "d", S_IFDIR), "f", S_IFREG);
	tree_unlink_locked(t, n);
	add(t->root, "e", S_IFREG);
	end();
}

TEST(a_moved_directory_takes_its_children_along)
{
	struct node *a, *b, *c;

	begin();
	a = add(t->root, "a", S_IFDIR);
	b = add(t->root, "b", S_IFDIR);
	c = add(a, "c", S_IFREG);
	check_int(tree_move_locked(t, a, b, "new"), 0);
	check_path(c, "b/new/c");
	check(!tree_find_locked(t, t->root, "a"));
	check(tree_find_locked(t, a, "c") == c);
	check_int(tree_move_locked(t, a, b, "new"), 0); /* where it is */
	check_path(c, "b/new/c");
	end();
}

TEST(a_move_over_a_name_unlinks_it)
{
	struct node *a, *b;

	begin();
	a = add(t->root, "a", S_IFREG);
	b = add(t->root, "b", S_IFREG);
	check_int(tree_move_locked(t, a, t->root, "b"), 0);
	check(b->unlinked && !a->unlinked);
	check(tree_find_locked(t, t->root, "b") == a);
	check_path(a, "b");
	end();
}

TEST(a_move_into_a_directory_that_only_the_replaced_name_held)
{
	struct node *a, *d, *old;

	begin();
	a = add(t->root, "a", S_IFREG);
	d = add(t->root, "d", S_IFDIR);
	old = add(d, "x", S_IFREG);
	old->lookups = 1; /* the kernel knows it, and has forgotten d */
	tree_put_locked(t, old);
	tree_put_locked(t, d);
	check_int(tree_move_locked(t, a, d, "x"), 0);
	check_path(a, "d/x");
	end();
}

TEST(many_names_are_all_found)
{
	char name[16];
	struct node *n;

	begin();
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%d", i);
		check(add(t->root, name, S_IFREG) != NULL);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%d", i);
		n = tree_find_locked(t, t->root, name);
		check(n && !strcmp(n->name, name));
	}
	check_int(t->nnodes, 5000);
	end();
}

static atomic_int arrived;
static void *be_busy(void *arg)
{
	struct node *n = arg;

	pthread_mutex_lock(&t->lock);
	arrived = 1;
	check_int(tree_busy_locked(t, n, NULL), 0);
	arrived = 2;
	tree_idle_locked(t, n);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

TEST(one_at_a_time_changes_an_object_and_who_waits_holds_it)
{
	struct node *n;
	pthread_t thread;

	begin();
	arrived = 0;
	n = add(t->root, "a", S_IFREG);
	check_int(tree_busy_locked(t, n, NULL), 0);
	tree_put_locked(t, n); /* held by the busy one alone */
	pthread_mutex_unlock(&t->lock);
	pthread_create(&thread, NULL, be_busy, n);
	while (!arrived)
		usleep(1000);
	pthread_mutex_lock(&t->lock); /* the other waits by now */
	check_int(arrived, 1);
	tree_idle_locked(t, n);
	pthread_mutex_unlock(&t->lock);
	pthread_join(thread, NULL);
	check_int(arrived, 2);
	pthread_mutex_lock(&t->lock);
	check_int(t->nnodes, 0);
	end();
}

TEST_MAIN
