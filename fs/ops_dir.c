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

#define DOTS 2 /* "." and ".." come first */

/* What is known of a name without asking. Returns the node, which the kernel
 * knows from now on, or NULL: then only its type, if that. */
static struct node *entry_fill(struct op *op, struct handle *h, const struct dir_entry *found,
                               struct fuse_entry_param *e)
{
	struct mount *m = op->m;
	struct node *n;

	memset(e, 0, sizeof *e);
	e->attr.st_mode = found->type;
	e->attr.st_ino = 0xffffffff; /* not known yet */
	tree_lock(m->tree);
	n = tree_find_locked(m->tree, h->node, found->name);
	tree_unlock(m->tree);
	if (!n)
		return NULL;
	if (attr_stale(m, n)) {
		e->attr.st_ino = n->ino;
		tree_put(m->tree, n);
		return NULL;
	}
	op_fill_entry(m, n, e);
	tree_put(m->tree, n);
	return n;
}

static size_t add_dots(struct op *op, struct handle *h, size_t at, bool plus, char *to, size_t room)
{
	struct fuse_entry_param e = {.attr = {.st_mode = S_IFDIR, .st_ino = h->node->ino}};
	const char *name = at ? ".." : ".";

	return plus ? fuse_add_direntry_plus(op->req, to, room, name, &e, (off_t)at + 1)
	            : fuse_add_direntry(op->req, to, room, name, &e.attr, (off_t)at + 1);
}

/* Adds the entry from position *at on: its size, more than room if it did not
 * fit, 0 at the end, or -errno. */
static ssize_t add_entry(struct op *op, struct handle *h, size_t *at, bool plus, char *to,
                         size_t room)
{
	struct fuse_entry_param e;
	struct dir_entry found;
	struct node *n;
	size_t size, position = *at - DOTS;
	int more;

	if (*at < DOTS)
		return (ssize_t)add_dots(op, h, *at, plus, to, room);
	more = dir_read(op->m, h->pass, &position, &found, &op->call);
	if (more <= 0)
		return more;
	*at = position + DOTS;
	n = entry_fill(op, h, &found, &e);
	size = plus ? fuse_add_direntry_plus(op->req, to, room, found.name, &e, (off_t)*at + 1)
	            : fuse_add_direntry(op->req, to, room, found.name, &e.attr, (off_t)*at + 1);
	if (n && (!plus || size > room))
		tree_forget(op->m->tree, n, 1);
	return (ssize_t)size;
}

static void read_directory(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *fi,
                           bool plus)
{
	struct op op;
	char *data;
	size_t used = 0;
	ssize_t n = 0;

	op_begin(&op, req);
	data = malloc(size ? size : 1);
	if (!data) {
		op_error(&op, -ENOMEM);
		return;
	}
	if (!offset)
		n = handle_rewinddir(op.m, op_handle(fi), &op.cancelled);
	for (size_t at = (size_t)offset; !n; at++) {
		n = add_entry(&op, op_handle(fi), &at, plus, data + used, size - used);
		if (n <= 0 || (size_t)n > size - used)
			break;
		used += (size_t)n;
		n = 0;
	}
	if (n < 0 && !used) {
		op_error(&op, (int)n);
	} else {
		op_end(&op);
		fuse_reply_buf(req, data, used);
	}
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
