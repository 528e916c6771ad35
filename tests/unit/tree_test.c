/* SPDX-License-Identifier: MIT */
#include "test.h"
#include "tree.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static struct tree *t;

static void begin(void)
{
	struct attr root = {.mode = S_IFDIR | 0755};

	t = tree_new(&root);
	t->limit = 0;
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

static struct node *forgotten[40];
static size_t nforgotten;

static bool note_forgotten(void *arg, struct node *n)
{
	(void)arg;
	forgotten[nforgotten++] = n;
	return true;
}

/* A name that is known, and that nobody holds. */
static void remember(const char *name)
{
	tree_put_locked(t, add(t->root, name, S_IFREG));
}

static bool remembered(const char *name)
{
	struct node *n = tree_find_locked(t, t->root, name);

	if (n)
		tree_put_locked(t, n);
	return n;
}

TEST(names_are_remembered_up_to_the_limit_and_the_longest_unused_go_first)
{
	char name[8];

	begin();
	t->limit = 3;
	remember("a");
	remember("b");
	remember("c");
	check(remembered("a")); /* a use */
	remember("d");
	check_int(t->nnodes, 3);
	check(remembered("a") && !remembered("b") && remembered("c") && remembered("d"));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "%d", i);
		remember(name);
		check(t->nnodes <= 3);
	}
	end();
}

TEST(what_only_the_kernel_knows_it_is_asked_to_forget_once_but_no_directory)
{
	struct node *file, *dir, *held;

	begin();
	t->limit = 2;
	t->forget_locked = note_forgotten;
	nforgotten = 0;
	file = add(t->root, "file", S_IFREG);
	file->lookups = 1;
	tree_put_locked(t, file);
	dir = add(t->root, "dir", S_IFDIR);
	dir->lookups = 1;
	tree_put_locked(t, dir);
	held = add(t->root, "held", S_IFREG);
	for (int i = 0; i < 10; i++)
		remember("x");
	check_int(nforgotten, 1);
	check(forgotten[0] == file);
	pthread_mutex_unlock(&t->lock);
	tree_forget(t, file, 1); /* as it says */
	pthread_mutex_lock(&t->lock);
	check(!remembered("file") && remembered("dir") && remembered("held"));
	tree_put_locked(t, held);
	end();
}

TEST(what_the_kernel_was_asked_to_forget_makes_room_before_it_has)
{
	struct node *known[3];

	begin();
	t->limit = 3;
	t->forget_locked = note_forgotten;
	nforgotten = 0;
	for (int i = 0; i < 3; i++) {
		known[i] = add(t->root, (const char *[]){"a", "b", "c"}[i], S_IFREG);
		tree_told_locked(t, known[i]);
		tree_put_locked(t, known[i]);
	}
	remember("x");
	remember("y");
	check_int(nforgotten, 2); /* as many as there are too many of, the oldest first */
	check(forgotten[0] == known[0] && forgotten[1] == known[1]);
	check(remembered("x") && remembered("y"));
	pthread_mutex_unlock(&t->lock);
	tree_forget(t, known[0], 1);
	pthread_mutex_lock(&t->lock);
	check(!remembered("a") && remembered("b") && remembered("x") && remembered("y"));
	tree_told_locked(t, known[1]); /* it wants to know it after all */
	remember("z");
	check_int(nforgotten, 4);
	check(forgotten[2] == known[2] && forgotten[3] == known[1]);
	check(remembered("x") && remembered("y") && remembered("z"));
	pthread_mutex_unlock(&t->lock);
	tree_forget(t, known[1], 2);
	tree_forget(t, known[2], 1);
	pthread_mutex_lock(&t->lock);
	check_int(t->leaving, 0);
	check(!remembered("b") && !remembered("c") && t->nnodes == 3);
	end();
}

static void list(struct node *dir, unsigned from, unsigned to)
{
	char name[16];

	for (unsigned i = from; i < to; i++) {
		snprintf(name, sizeof name, "%u", i);
		check(!listing_add_name(&dir->listing, name, false));
		tree_listing_changed_locked(t, dir);
		if (!dir->listing)
			return;
	}
}

TEST(listings_that_grow_are_dropped_the_longest_unused_first_and_at_last_the_one_that_grows)
{
	struct node *a, *b;

	begin();
	t->limit = 2;
	a = add(t->root, "a", S_IFDIR);
	b = add(t->root, "b", S_IFDIR);
	tree_set_listing_locked(t, a, listing_new(), 0);
	tree_set_listing_locked(t, b, listing_new(), 0);
	list(a, 0, 20);
	check_int(t->listed, 20);
	check(!listing_remove_name(&a->listing, "7"));
	tree_listing_changed_locked(t, a);
	check_int(t->listed, 19);
	list(b, 0, 3 * TREE_LISTED - 1);
	check(!a->listing && b->listing);
	check_int(t->listed, 3 * TREE_LISTED - 1);
	list(b, 3 * TREE_LISTED - 1, 3 * TREE_LISTED);
	check(!b->listing);
	check_int(t->listed, 0);
	tree_put_locked(t, a);
	tree_put_locked(t, b);
	end();
}

TEST(a_change_that_is_pending_is_not_forgotten)
{
	struct node *n;

	begin();
	n = add(t->root, "n", S_IFREG);
	n->pending = META_MODE;
	tree_put_locked(t, n);
	remember("x");
	check(remembered("n"));
	end();
}

TEST(an_absent_name_is_believed_for_a_while_and_can_be_made)
{
	struct node *n;

	begin();
	t->limit = 10;
	tree_set_absent_locked(t, t->root, "x", 1000);
	check(tree_absent_locked(t, t->root, "x", 999));
	check(!tree_absent_locked(t, t->root, "x", 1000));
	check(!tree_absent_locked(t, t->root, "y", 0));
	check(!remembered("x"));
	n = add(t->root, "x", S_IFDIR);
	check(S_ISDIR(n->attr.mode) && !n->fresh_until_ms);
	check(!tree_absent_locked(t, t->root, "x", 0));
	tree_set_absent_locked(t, t->root, "x", 1000); /* it is known otherwise */
	check(!tree_absent_locked(t, t->root, "x", 0));
	tree_set_absent_locked(t, t->root, "y", 1000);
	check_int(tree_move_locked(t, n, t->root, "y"), 0);
	check(remembered("y") && !remembered("x"));
	tree_put_locked(t, n);
	end();
}

static struct listing *listing_of(unsigned names)
{
	struct listing *l = listing_new();
	char name[16];

	for (unsigned i = 0; i < names; i++) {
		snprintf(name, sizeof name, "%u", i);
		check_int(listing_add(&l, name, true), 0);
	}
	return l;
}

TEST(listings_are_kept_up_to_the_limit)
{
	struct node *a, *b;

	begin();
	t->limit = 2;
	a = add(t->root, "a", S_IFDIR);
	b = add(t->root, "b", S_IFDIR);
	tree_set_listing_locked(t, a, listing_of(TREE_LISTED), 1);
	tree_set_listing_locked(t, b, listing_of(TREE_LISTED), 1);
	check(a->listing && b->listing);
	tree_set_listing_locked(t, b, listing_of(2 * TREE_LISTED), 1);
	check(!a->listing && b->listing);
	check_int(t->listed, 2 * TREE_LISTED);
	/* One alone may be larger. */
	tree_set_listing_locked(t, a, listing_of(5 * TREE_LISTED), 1);
	check(a->listing && !b->listing);
	t->limit = 0;
	tree_put_locked(t, a);
	tree_put_locked(t, b);
	check_int(t->listed, 0);
	end();
}

TEST(below_a_frozen_directory_nothing_becomes_busy_before_it_thaws)
{
	struct node *dir, *sub, *n, *beside;
	atomic_bool cancel = true;
	pthread_t thread;

	begin();
	arrived = 0;
	dir = add(t->root, "d", S_IFDIR);
	sub = add(dir, "s", S_IFDIR);
	n = add(sub, "a", S_IFREG);
	beside = add(t->root, "b", S_IFREG);
	check_int(tree_busy_locked(t, dir, NULL), 0);
	check_int(tree_freeze_locked(t, dir, NULL), 0);
	check(tree_moving_locked(n) && tree_moving_locked(dir) && !tree_moving_locked(beside));
	check_int(tree_busy_locked(t, n, &cancel), -EINTR);
	check_int(tree_busy_locked(t, beside, &cancel), 0);
	tree_idle_locked(t, beside);
	check_int(tree_busy_begun_locked(t, n, &cancel), 0); /* as it had begun */
	tree_idle_locked(t, n);
	pthread_mutex_unlock(&t->lock);
	pthread_create(&thread, NULL, be_busy, n);
	while (!arrived)
		usleep(1000);
	pthread_mutex_lock(&t->lock);
	check_int(arrived, 1);
	tree_thaw_locked(t, dir);
	tree_idle_locked(t, dir);
	pthread_mutex_unlock(&t->lock);
	pthread_join(thread, NULL);
	check_int(arrived, 2);
	pthread_mutex_lock(&t->lock);
	end();
}

TEST(a_directory_is_frozen_when_nothing_below_is_busy_any_more)
{
	struct node *dir, *n;
	atomic_bool cancel = true;

	begin();
	dir = add(t->root, "d", S_IFDIR);
	n = add(dir, "a", S_IFREG);
	check_int(tree_busy_locked(t, n, NULL), 0);
	check_int(tree_busy_locked(t, dir, NULL), 0);
	check_int(tree_freeze_locked(t, dir, &cancel), -EINTR);
	check(!tree_moving_locked(n));
	tree_idle_locked(t, n);
	check_int(tree_freeze_locked(t, dir, &cancel), 0);
	tree_thaw_locked(t, dir);
	tree_idle_locked(t, dir);
	end();
}

TEST(several_become_busy_together_or_none)
{
	struct node *all[3];
	atomic_bool cancel = true;

	begin();
	all[0] = add(t->root, "a", S_IFREG);
	all[1] = NULL;
	all[2] = add(t->root, "b", S_IFREG);
	check_int(tree_busy_locked(t, all[2], NULL), 0);
	check_int(tree_busy_all_locked(t, all, 3, &cancel), -EINTR);
	check(!all[0]->busy && all[2]->busy);
	tree_idle_locked(t, all[2]);
	check_int(tree_busy_all_locked(t, all, 3, &cancel), 0);
	check(all[0]->busy && all[2]->busy);
	tree_idle_locked(t, all[0]);
	tree_idle_locked(t, all[2]);
	end();
}

TEST_MAIN
