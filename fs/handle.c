/* SPDX-License-Identifier: MIT */
#include "handle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "dir.h"
#include "draft.h"
#include "hints.h"
#include "lookup.h"
#include "metrics.h"
#include "status.h"
#include "wait.h"

static struct handle *handle_new(struct mount *m, struct node *n)
{
	struct handle *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->node = n;
	pthread_rwlock_init(&h->lock, NULL);
	tree_lock(m->tree);
	tree_hold_locked(n);
	tree_unlock(m->tree);
	pthread_mutex_lock(&m->handles_lock);
	h->next = m->handles;
	if (h->next)
		h->next->previous = h;
	m->handles = h;
	pthread_mutex_unlock(&m->handles_lock);
	return h;
}

void handle_release(struct mount *m, struct handle *h)
{
	pthread_mutex_lock(&m->handles_lock);
	*(h->previous ? &h->previous->next : &m->handles) = h->next;
	if (h->next)
		h->next->previous = h->previous;
	pthread_mutex_unlock(&m->handles_lock);
	if (h->file)
		draft_user_gone(h->file, h->writes);
	if (h->file)
		file_put(h->file);
	reader_free(h->reader);
	dir_close(m, h->pass);
	free(h->text);
	pthread_rwlock_destroy(&h->lock);
	tree_put(m->tree, h->node);
	free(h);
}

void handle_release_all(struct mount *m)
{
	while (m->handles)
		handle_release(m, m->handles);
}

static struct s3_etag etag_of(struct mount *m, const struct node *n)
{
	struct s3_etag etag;

	tree_lock(m->tree);
	etag = n->etag;
	tree_unlock(m->tree);
	return etag;
}

/* What the handle will read is of this version, also what the kernel has of it. */
static struct s3_etag version(struct mount *m, struct handle *h)
{
	struct s3_etag etag;

	tree_lock(m->tree);
	etag = h->node->etag;
	h->replaced = h->node->replaced;
	h->full = h->node->attr.size;
	tree_unlock(m->tree);
	return etag;
}

/* The file is about to be removed or replaced: when it is, the name is to be
 * looked up again (-ESTALE). Who had it open before reads on. */
static int wait_while_leaving(struct mount *m, struct handle *h, const atomic_bool *cancel)
{
	const struct node *n = h->node;
	int err = 0;

	tree_lock(m->tree);
	while (n->leaving && !err)
		err = wait_moment(&m->tree->idle, &m->tree->lock, cancel);
	if (!err && n->unlinked && !h->file->ghost && !n->drafted && n->attr.size)
		err = -ESTALE;
	tree_unlock(m->tree);
	return err;
}

static int open_file(struct mount *m, struct handle *h, int flags, bool created, pid_t pid,
                     struct s3_call *call)
{
	struct s3_etag told = etag_of(m, h->node), opened;
	int err = created ? 0 : lookup_refresh(m, h->node, call);

	opened = version(m, h);
	h->unseen = strcmp(told.s, opened.s) != 0;
	if (err)
		return err == -ENOENT ? -ESTALE : err;
	h->file = file_get(m, h->node);
	if (!h->file)
		return -ENOMEM;
	h->writes = (flags & O_ACCMODE) != O_RDONLY;
	h->appends = h->writes && flags & O_APPEND;
	draft_user_came(h->file, h->writes);
	err = wait_while_leaving(m, h, call->cancel);
	if (err || !h->writes)
		return err;
	file_used_by(h->file, pid);
	if (created || flags & O_TRUNC)
		draft_forget_passes(h->file);
	/* Who can read it may do so; but rsync only opens its files that way. */
	if ((flags & O_ACCMODE) == O_RDWR && !(flags & O_EXCL && hints_temporary(h->node->name)))
		draft_expect_passes(h->file);
	if (!created && !(flags & O_TRUNC))
		return 0;
	return draft_begin(h->file, created && flags & O_EXCL, call->cancel);
}

int handle_open(struct mount *m, struct node *n, int flags, bool created, pid_t pid,
                struct handle **out, const atomic_bool *cancel)
{
	struct s3_call call = {.cancel = cancel};
	struct handle *h = handle_new(m, n);
	int err = 0;

	if (!h)
		return -ENOMEM;
	if (n->special == NODE_STATUS || n->special == NODE_METRICS) {
		if ((flags & O_ACCMODE) == O_RDONLY)
			h->text = n->special == NODE_STATUS ? status_json(m) : metrics_text(m);
		err = h->text ? 0 : -EACCES;
	} else {
		err = open_file(m, h, flags, created, pid, &call);
	}
	if (err) {
		handle_release(m, h);
		return err;
	}
	*out = h;
	return 0;
}

int handle_opendir(struct mount *m, struct node *n, struct handle **out, const atomic_bool *cancel)
{
	struct s3_call call = {.cancel = cancel};
	struct handle *h = handle_new(m, n);
	int err;

	if (!h)
		return -ENOMEM;
	lookup_opened(m, n);
	err = dir_open(m, n, &h->pass, &call);
	if (err) {
		handle_release(m, h);
		return err;
	}
	*out = h;
	return 0;
}

int handle_rewinddir(struct mount *m, struct handle *h, const atomic_bool *cancel)
{
	struct s3_call call = {.cancel = cancel};
	struct dir_pass *pass;
	int err = h->passed ? dir_open(m, h->node, &pass, &call) : 0;

	if (!err && h->passed) {
		dir_close(m, h->pass);
		h->pass = pass;
	}
	h->passed = true;
	return err;
}

/* -------------------------------------------------------------------- read */

/* Where the object is that the handle reads. -ENOENT: nowhere any more. */
static int object_key_locked(struct mount *m, struct handle *h, struct buf *key,
                             struct s3_etag *etag)
{
	if (!h->file->ghost) {
		*etag = h->node->etag;
		return mount_key_locked(m, h->node, NULL, key);
	}
	*etag = h->file->ghost_etag;
	buf_adds(key, h->file->ghost);
	return buf_error(key);
}

bool handle_is_stale(struct mount *m, const struct handle *h)
{
	bool stale;

	if (!h->file || h->writes)
		return false;
	tree_lock(m->tree);
	stale = h->full && h->replaced != h->node->replaced && !h->file->ghost;
	tree_unlock(m->tree);
	return stale;
}

/* The reader of the object as it is now, with h->lock held for reading; NULL
 * and an error, or 0 for an empty file. */
static int reader_get(struct mount *m, struct handle *h, struct reader **out)
{
	struct buf key = BUF_INIT;
	struct s3_etag etag;
	unsigned replaced;
	uint64_t size;
	bool fits;
	int err;

	*out = NULL;
	tree_lock(m->tree);
	err = object_key_locked(m, h, &key, &etag);
	size = h->node->attr.size;
	replaced = h->node->replaced;
	tree_unlock(m->tree);
	pthread_rwlock_rdlock(&h->lock);
	if ((h->reader || h->full) && h->replaced != replaced && !err) {
		pthread_rwlock_unlock(&h->lock);
		buf_fini(&key);
		return -ESTALE; /* never a mixture of two versions */
	}
	/* Unlinked: what was opened is all there is. */
	fits = h->reader && (err == -ENOENT || reader_is_of(h->reader, key.s, &etag));
	if (fits || !size) /* of nothing there need not be an object */
		err = 0;
	if (!fits && !err && size) {
		pthread_rwlock_unlock(&h->lock);
		pthread_rwlock_wrlock(&h->lock);
		if (!h->reader || !reader_is_of(h->reader, key.s, &etag)) {
			reader_free(h->reader);
			h->reader = reader_new(m, key.s, &etag, size);
			h->replaced = replaced;
		}
		if (!h->reader)
			err = -ENOMEM;
		pthread_rwlock_unlock(&h->lock);
		pthread_rwlock_rdlock(&h->lock);
	}
	buf_fini(&key);
	if (err || (!fits && !size))
		pthread_rwlock_unlock(&h->lock);
	else
		*out = h->reader;
	return err;
}

/* Our own mount has made another version since the reader began, or is just
 * about to: then it is waited for. */
static bool reader_is_old(struct mount *m, struct handle *h, const struct reader *r,
                          const atomic_bool *cancel)
{
	struct buf key = BUF_INIT;
	struct s3_etag etag;
	bool old;

	tree_lock(m->tree);
	if (!tree_busy_locked(m->tree, h->node, cancel))
		tree_idle_locked(m->tree, h->node);
	old = !object_key_locked(m, h, &key, &etag) && !reader_is_of(r, key.s, &etag);
	tree_unlock(m->tree);
	buf_fini(&key);
	return old;
}

static ssize_t read_object(struct mount *m, struct handle *h, struct answer *to, size_t len,
                           uint64_t offset, const atomic_bool *cancel)
{
	for (;;) {
		struct reader *r;
		ssize_t n = reader_get(m, h, &r);
		bool old;

		if (!r)
			return n;
		n = reader_read(r, to, len, offset, cancel);
		old = (n == -ESTALE || n == -ENOENT) && reader_is_old(m, h, r, cancel);
		pthread_rwlock_unlock(&h->lock);
		if (old)
			continue;
		if (n != -ESTALE && n != -ENOENT)
			return n;
		attr_distrust(m, h->node);
		return -ESTALE;
	}
}

int handle_read(struct mount *m, struct handle *h, struct answer *to, uint64_t offset,
                const atomic_bool *cancel)
{
	size_t len = to->size;
	ssize_t n;

	if (h->text) {
		size_t size = strlen(h->text);

		if (offset >= size)
			return 0;
		len = len < size - offset ? len : size - offset;
		return answer_add(to, h->text + offset, len);
	}
	n = draft_read(h->file, to, len, offset, cancel);
	if (n == -ENODATA)
		n = read_object(m, h, to, len, offset, cancel);
	return n < 0 ? (int)n : 0;
}

/* ------------------------------------------------------------------- write */

ssize_t handle_write(struct handle *h, const struct parts_input *in, size_t len, uint64_t offset,
                     pid_t pid, const atomic_bool *cancel)
{
	if (!h->writes)
		return -EBADF;
	file_used_by(h->file, pid);
	/* Not at its opening: a shell opens a file, and becomes the program then. */
	if (draft_will_judge(h->file, offset + len))
		file_written_by(h->file, pid);
	return draft_write(h->file, in, len, offset, h->appends, cancel);
}

ssize_t handle_copy(struct handle *from, uint64_t from_offset, struct handle *to, uint64_t offset,
                    uint64_t len, pid_t pid, const atomic_bool *cancel)
{
	if (!to->writes)
		return -EBADF;
	if (!from->file)
		return -EOPNOTSUPP;
	file_used_by(to->file, pid);
	return draft_copy(to->file, offset, from->file, from_offset, len, cancel);
}

int64_t handle_seek(struct mount *m, struct handle *h, uint64_t offset, bool data)
{
	int64_t at = h->file ? draft_seek(h->file, offset, data) : -ENODATA;
	uint64_t size = 0;

	if (at != -ENODATA)
		return at;
	if (h->text) {
		size = strlen(h->text);
	} else {
		tree_lock(m->tree);
		size = h->node->attr.size;
		tree_unlock(m->tree);
	}
	/* An object has no holes but the one behind its end. */
	if (offset >= size)
		return -ENXIO;
	return (int64_t)(data ? offset : size);
}

int handle_allocate(struct mount *m, struct handle *h, int mode, uint64_t offset, uint64_t len,
                    const atomic_bool *cancel)
{
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	struct timespec mtime;
	uint64_t size;

	if (!h->writes)
		return -EBADF;
	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case 0:
		if (!draft_stat(h->file, &size, &mtime)) {
			tree_lock(m->tree);
			size = h->node->attr.size;
			tree_unlock(m->tree);
		}
		return keep || offset + len <= size ? 0
		                                    : draft_truncate(h->file, offset + len, cancel);
	case FALLOC_FL_PUNCH_HOLE:
		return keep ? draft_zero(h->file, offset, len, false, cancel) : -EOPNOTSUPP;
	case FALLOC_FL_ZERO_RANGE:
		return draft_zero(h->file, offset, len, !keep, cancel);
	default:
		return -EOPNOTSUPP;
	}
}

int handle_flush(struct handle *h, pid_t tid, const atomic_bool *cancel)
{
	int err;

	if (!h->writes)
		return 0;
	err = draft_error(h->file);
	if (err || file_held_elsewhere(h->file, tid))
		return err;
	return draft_publish(h->file, cancel);
}

int handle_sync(struct mount *m, struct handle *h, const atomic_bool *cancel)
{
	struct s3_call call = {.cancel = cancel};
	int err = 0;

	if (h->file) /* for reading, too: sync(1) opens it so */
		err = draft_sync(h->file, cancel);
	if (!err && !h->node->special)
		err = attr_flush(m, h->node, &call);
	return err;
}
