/* SPDX-License-Identifier: MIT */
#include "mount.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define NODE_BYTES       704          /* with what hangs on it; measured, as the next ones */
#define ENTRY_BYTES      32           /* of a listing */
#define CONNECTION_BYTES (104U << 10) /* over TLS */
#define ALWAYS_BYTES     (2U << 20)   /* of these; with it all is below 100 MB by default */

#define AHEAD_TIME_S 5 /* for what may not be wanted: a request waits for a little longer */

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

	tree_lock(m->tree);
	err = mount_key_locked(m, n, NULL, key);
	tree_unlock(m->tree);
	return err;
}

bool mount_key_moved_locked(struct mount *m, const struct node *n, const char *name,
                            const struct buf *key)
{
	struct buf now = BUF_INIT;
	bool moved = !mount_key_locked(m, n, name, &now) && strcmp(now.s, key->s) != 0;

	buf_fini(&now);
	return moved;
}

bool mount_key_moved(struct mount *m, const struct node *n, const char *name, const struct buf *key)
{
	bool moved;

	tree_lock(m->tree);
	moved = mount_key_moved_locked(m, n, name, key);
	tree_unlock(m->tree);
	return moved;
}

int mount_hidden_key(struct mount *m, struct buf *key)
{
	buf_clear(key);
	buf_addf(key, "%s" MOUNT_HIDDEN "/stage/%s-%llu", m->conf.prefix, m->run_id,
	         (unsigned long long)m->next_hidden++);
	return buf_error(key);
}

void mount_weigh_locked(void *arg)
{
	struct mount *m = arg;
	uint64_t all = (uint64_t)m->tree->nnodes * NODE_BYTES + m->tree->listed * ENTRY_BYTES +
	               (uint64_t)workers_started(m->looks) * CONNECTION_BYTES;

	budget_give_up(m->budget, all > ALWAYS_BYTES ? all - ALWAYS_BYTES : 0);
}

struct s3_call mount_call_ahead(const struct mount *m)
{
	return (struct s3_call){.cancel = &m->ending, .retry_time_s = AHEAD_TIME_S, .guess = true};
}

struct attr mount_default_attr(const struct mount *m, mode_t type, time_t mtime)
{
	mode_t mode = type == S_IFDIR ? m->conf.dir_mode : m->conf.file_mode;

	return (struct attr){.mode = type | mode,
	                     .uid = m->conf.uid,
	                     .gid = m->conf.gid,
	                     .mtime.tv_sec = mtime,
	                     .ctime.tv_sec = mtime,
	                     .atime.tv_nsec = UTIME_OMIT};
}
