/* SPDX-License-Identifier: MIT */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

#include "ops.h"

struct word {
	struct mount *m;
	struct node *n; /* held */
	char *name;     /* NULL: of its content; else of that name in n */
};

static fuse_ino_t id_of(const struct mount *m, const struct node *n)
{
	return n == m->tree->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)n;
}

/* That the kernel knows nothing of it is no error. */
static void say(void *arg)
{
	struct word *w = arg;
	struct mount *m = w->m;

	if (w->name)
		fuse_lowlevel_notify_inval_entry(m->session, id_of(m, w->n), w->name,
		                                 strlen(w->name));
	else
		fuse_lowlevel_notify_inval_inode(m->session, id_of(m, w->n), 0, 0);
	tree_put(m->tree, w->n);
	free(w->name);
	free(w);
}

static bool give_locked(struct mount *m, struct node *n, const char *name)
{
	struct word *w = m->session && !m->ending ? malloc(sizeof *w) : NULL;

	if (!w)
		return false;
	*w = (struct word){m, n, name ? strdup(name) : NULL};
	if ((name && !w->name) || workers_give(m->words, 0, say, w)) {
		free(w->name);
		free(w);
		return false;
	}
	tree_hold_locked(n);
	return true;
}

bool kernel_forget_locked(void *arg, struct node *n)
{
	return give_locked(arg, n->parent, n->name);
}

void kernel_changed_locked(struct mount *m, struct node *n)
{
	if (n->lookups)
		(void)give_locked(m, n, NULL);
}
