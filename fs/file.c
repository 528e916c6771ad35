/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS       250 /* how soon a waiter notices that it was cancelled */
#define ANCESTORS_MAX 32

static struct file *file_new(struct mount *m, struct node *n)
{
	struct file *f = calloc(1, sizeof *f);
	pthread_condattr_t attr;

	if (!f)
		return NULL;
	f->m = m;
	f->node = n;
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->changed, &attr);
	pthread_condattr_destroy(&attr);
	tree_hold_locked(n);
	n->file = f;
	return f;
}

struct file *file_get(struct mount *m, struct node *n)
{
	struct file *f;

	pthread_mutex_lock(&m->tree->lock);
	f = n->file ? n->file : file_new(m, n);
	if (f)
		f->counted++;
	pthread_mutex_unlock(&m->tree->lock);
	return f;
}

struct file *file_find(struct mount *m, struct node *n)
{
	struct file *f;

	pthread_mutex_lock(&m->tree->lock);
	f = n->file;
	if (f)
		f->counted++;
	pthread_mutex_unlock(&m->tree->lock);
	return f;
}

void file_hold(struct file *f)
{
	pthread_mutex_lock(&f->m->tree->lock);
	f->counted++;
	pthread_mutex_unlock(&f->m->tree->lock);
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
	free(f);
}

int file_wait(struct file *f, const atomic_bool *cancel)
{
	struct timespec t;

	if (cancel && *cancel)
		return -EINTR;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += WAIT_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&f->changed, &f->lock, &t);
	return cancel && *cancel ? -EINTR : 0;
}

void file_used_by(struct file *f, pid_t pid)
{
	unsigned i = 0;

	if (pid <= 0)
		return;
	while (i < f->nusers && f->users[i] != pid)
		i++;
	if (i == f->nusers)
		f->nusers += f->nusers < FILE_USERS;
	if (i == FILE_USERS)
		i--;
	memmove(f->users + 1, f->users, i * sizeof f->users[0]);
	f->users[0] = pid;
}

/* The number after name in a file of /proc, base 0 as strtoull means it; -1: none. */
static long long proc_number(const char *path, const char *name, int base)
{
	FILE *in = fopen(path, "re");
	char line[256];
	long long n = -1;

	if (!in)
		return -1;
	while (n < 0 && fgets(line, sizeof line, in))
		if (!strncmp(line, name, strlen(name)))
			n = (long long)strtoull(line + strlen(name), NULL, base);
	fclose(in);
	return n;
}

/* The process of a thread; its parent. */
static pid_t process_of(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	return (pid_t)proc_number(path, "Tgid:", 10);
}

static pid_t parent_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	return (pid_t)proc_number(path, "PPid:", 10);
}

/* The process has a descriptor of that inode that may write. fdinfo, unlike
 * fd, tells so without a call into this very filesystem. */
static bool process_has(pid_t pid, uint64_t ino)
{
	char path[400];
	DIR *dir;
	struct dirent *d;
	bool has = false;

	snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!has && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)pid, d->d_name);
		if (proc_number(path, "ino:", 10) == (long long)ino)
			has = (proc_number(path, "flags:", 8) & O_ACCMODE) != O_RDONLY;
	}
	closedir(dir);
	return has;
}

bool file_held_elsewhere(struct file *f, pid_t tid)
{
	pid_t users[FILE_USERS], pid = process_of(tid);
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = f->nusers;
	memcpy(users, f->users, sizeof users);
	pthread_mutex_unlock(&f->lock);
	for (unsigned i = 0; i < n; i++) {
		pid_t user = process_of(users[i]);

		if (user > 0 && user != pid && process_has(user, f->node->ino))
			return true;
	}
	for (unsigned i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		if (process_has(pid, f->node->ino))
			return true;
		pid = parent_of(pid);
	}
	return false;
}
