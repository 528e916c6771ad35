/* SPDX-License-Identifier: MIT */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num.h"

#define BESIDES  (15U << 20) /* for all but contents, more than there was at first */
#define WEIGH_MS 50

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

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define IS_SANITIZED 1 /* what is resident is mostly theirs */
#else
#define IS_SANITIZED 0
#endif

/* Resident bytes of the process; 0: not known. */
static uint64_t resident(void)
{
	char text[64] = "";
	unsigned long long pages = 0;
	int fd = IS_SANITIZED ? -1 : open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof text - 1) > 0)
		(void)sscanf(text, "%*u %llu", &pages);
	close(fd);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void mount_weigh_first(struct mount *m)
{
	m->besides = resident();
	if (m->besides)
		m->besides += BESIDES;
}

void mount_weigh(void *arg)
{
	struct mount *m = arg;
	uint64_t now = mount_now_ms(), is, touched;

	if (!m->besides || now - m->weighed_ms < WEIGH_MS)
		return;
	m->weighed_ms = now;
	touched = budget_touched(m->budget);
	is = resident();
	is -= min64(is, touched);
	budget_give_up(m->budget, is > m->besides ? is - m->besides : 0);
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
