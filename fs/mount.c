/* SPDX-License-Identifier: MIT */
#include "mount.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

uint64_t mount_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int mount_key_locked(struct mount *m, const struct node *n, const char *name, struct buf *key)
{
	buf_clear(key);
	/* Below a directory that lost its name there are no paths either. */
	for (const struct node *up = n; up != m->tree->root; up = up->parent)
		if (!up->parent)
			return -ENOENT;
	buf_adds(key, m->conf.prefix);
	tree_path_locked(n, key);
	if (name)
		buf_adds(key, name);
	if (buf_error(key))
		return -ENOMEM;
	return key->len > S3_KEY_MAX ? -ENAMETOOLONG : 0;
}

int mount_key(struct mount *m, const struct node *n, struct buf *key)
{
	int err;

	pthread_mutex_lock(&m->tree->lock);
	err = mount_key_locked(m, n, NULL, key);
	pthread_mutex_unlock(&m->tree->lock);
	return err;
}

int mount_hidden_key(struct mount *m, struct buf *key)
{
	buf_clear(key);
	buf_addf(key, "%s" MOUNT_HIDDEN "/stage/%s-%llu", m->conf.prefix, m->run_id,
	         (unsigned long long)m->next_hidden++);
	return buf_error(key);
}

struct attr mount_default_attr(const struct mount *m, mode_t type, time_t mtime)
{
	mode_t mode = type == S_IFDIR ? 0777 : 0666;

	return (struct attr){.mode = type | (mode & ~m->conf.umask),
	                     .uid = m->conf.uid,
	                     .gid = m->conf.gid,
	                     .mtime.tv_sec = mtime,
	                     .ctime.tv_sec = mtime};
}
