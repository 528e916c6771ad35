/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "handle.h"
#include "op.h"

void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;
	struct handle *h;
	int err;

	op_begin(&op, req);
	err = handle_opendir(op.m, op_node(&op, ino), &h, &op.cancelled);
	if (err) {
		op_error(&op, err);
		return;
	}
	fi->fh = (uintptr_t)h;
	op_end(&op);
	if (fuse_reply_open(req, fi))
		handle_release(op.m, h);
}

/* The entry at position at: "." and ".." first. */
static const char *entry_name(const struct handle *h, size_t at, bool *dir)
{
	*dir = true;
	if (at < 2)
		return at ? ".." : ".";
	if (at - 2 >= h->listing->n)
		return NULL;
	*dir = h->listing->v[at - 2].dir;
	return h->listing->v[at - 2].name;
}

/* What is known of a name without asking; only the type otherwise. Returns the
 * node, which the kernel knows from now on, or NULL. */
static struct node *entry_fill(struct op *op, struct handle *h, size_t at, const char *name,
                               bool dir, struct fuse_entry_param *e)
{
	struct node *n = NULL;

	memset(e, 0, sizeof *e);
	e->attr.st_mode = dir ? S_IFDIR : S_IFREG;
	e->attr.st_ino = at < 2 ? h->node->ino : 0xffffffff; /* not known yet */
	if (at < 2)
		return NULL;
	pthread_mutex_lock(&op->m->tree->lock);
	n = tree_find_locked(op->m->tree, h->node, name);
	pthread_mutex_unlock(&op->m->tree->lock);
	if (!n)
		return NULL;
	if (attr_stale(op->m, n)) {
		e->attr.st_ino = n->ino;
		tree_put(op->m->tree, n);
		return NULL;
	}
	op_fill_entry(op->m, n, e);
	tree_put(op->m->tree, n);
	return n;
}

static size_t add_entry(struct op *op, struct handle *h, size_t at, bool plus, char *to,
                        size_t room)
{
	struct fuse_entry_param e;
	bool dir;
	const char *name = entry_name(h, at, &dir);
	struct node *n = NULL;
	size_t size;

	if (!name)
		return 0;
	n = entry_fill(op, h, at, name, dir, &e);
	size = plus ? fuse_add_direntry_plus(op->req, to, room, name, &e, (off_t)at + 1)
	            : fuse_add_direntry(op->req, to, room, name, &e.attr, (off_t)at + 1);
	if (n && (!plus || size > room))
		tree_forget(op->m->tree, n, 1);
	return size;
}

static void read_directory(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *fi,
                           bool plus)
{
	struct op op;
	char *data;
	size_t used = 0;

	op_begin(&op, req);
	data = malloc(size ? size : 1);
	if (!data) {
		op_error(&op, -ENOMEM);
		return;
	}
	for (size_t at = (size_t)offset;; at++) {
		size_t n = add_entry(&op, op_handle(fi), at, plus, data + used, size - used);

		if (!n || n > size - used)
			break;
		used += n;
	}
	op_end(&op);
	fuse_reply_buf(req, data, used);
	free(data);
}

void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                 struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, offset, fi, false);
}

void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, offset, fi, true);
}

void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	ops_release(req, ino, fi);
}

/* What a directory holds is in the bucket when its calls return. */
void ops_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	(void)datasync;
	op_begin(&op, req);
	op_error(&op, attr_flush(op.m, op_handle(fi)->node, &op.call));
}
