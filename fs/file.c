/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proc.h"
#include "source.h"
#include "wait.h"

#define ANCESTORS_MAX 32

static struct file *file_new(struct mount *m, struct node *n)
{
	struct file *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->m = m;
	f->node = n;
	f->passes = n->passes;
	pthread_mutex_init(&f->lock, NULL);
	wait_init(&f->changed);
	tree_hold_locked(n);
	n->file = f;
	return f;
}

struct file *file_get(struct mount *m, struct node *n)
{
	struct file *f;

	tree_lock(m->tree);
	f = n->file ? n->file : file_new(m, n);
	if (f)
		f->counted++;
	tree_unlock(m->tree);
	return f;
}

struct file *file_find(struct mount *m, struct node *n)
{
	struct file *f;

	tree_lock(m->tree);
	f = n->file;
	if (f)
		f->counted++;
	tree_unlock(m->tree);
	return f;
}

void file_hold(struct file *f)
{
	tree_lock(f->m->tree);
	f->counted++;
	tree_unlock(f->m->tree);
}

void file_put(struct file *f)
{
	struct tree *t = f->m->tree;

	pthread_mutex_lock(&t->lock);
	if (--f->counted) {
		pthread_mutex_unlock(&t->lock);
		return;
	}
	assert(!f->draft);
	f->node->file = NULL;
	tree_put_locked(t, f->node);
	pthread_mutex_unlock(&t->lock);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	if (f->ghost)
		source_delete_later(f->m, f->ghost);
	room_drop(&f->m->room, &f->claim);
	free(f);
}

bool file_unlinked(struct file *f)
{
	bool unlinked;

	tree_lock(f->m->tree);
	unlinked = f->node->unlinked;
	tree_unlock(f->m->tree);
	return unlinked;
}

int file_wait(struct file *f, const atomic_bool *cancel)
{
	return wait_moment(&f->changed, &f->lock, cancel);
}

void file_written_by(struct file *f, pid_t pid)
{
	char arguments[8192];
	/* Not with the file's lock held: who waits for a page of this file to be
	 * read keeps /proc from answering. */
	size_t n = proc_arguments(pid, arguments, sizeof arguments);
	enum hints_program program = hints_program(arguments, n);

	pthread_mutex_lock(&f->lock);
	f->program = program;
	pthread_mutex_unlock(&f->lock);
}

void file_used_by(struct file *f, pid_t pid)
{
	unsigned i = 0;

	if (pid <= 0)
		return;
	pthread_mutex_lock(&f->lock);
	while (i < f->nusers && f->users[i] != pid)
		i++;
	if (i == f->nusers)
		f->nusers += f->nusers < FILE_USERS;
	if (i == FILE_USERS)
		i--;
	memmove(f->users + 1, f->users, i * sizeof f->users[0]);
	f->users[0] = pid;
	pthread_mutex_unlock(&f->lock);
}

bool file_held_elsewhere(struct file *f, pid_t tid)
{
	pid_t users[FILE_USERS], pid = proc_process_of(tid);
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = f->nusers;
	memcpy(users, f->users, sizeof users);
	pthread_mutex_unlock(&f->lock);
	for (unsigned i = 0; i < n; i++) {
		pid_t user = proc_process_of(users[i]);

		if (user > 0 && user != pid && proc_holds(user, f->node->ino))
			return true;
	}
	for (unsigned i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		if (proc_holds(pid, f->node->ino))
			return true;
		pid = proc_parent_of(pid);
	}
	return false;
}
