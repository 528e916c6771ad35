/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "attr.h"
#include "draft.h"
#include "handle.h"
#include "lookup.h"
#include "names.h"
#include "op.h"

/* Writers and readers of what is being written come to us for every byte;
 * others may use the kernel's pages. */
static void set_handle(struct fuse_file_info *fi, struct handle *h)
{
	fi->fh = (uintptr_t)h;
	fi->direct_io = h->writes || h->text;
	if (h->file && !h->writes) {
		pthread_mutex_lock(&h->file->lock);
		fi->direct_io = h->file->draft || h->file->writers || h->unseen;
		pthread_mutex_unlock(&h->file->lock);
	}
}

void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;
	struct handle *h;
	int err;

	op_begin(&op, req);
	err = op.m->conf.read_only && (fi->flags & O_ACCMODE) != O_RDONLY ? -EROFS : 0;
	if (!err)
		err = handle_open(op.m, op_node(&op, ino), fi->flags, false, op_pid(&op), &h,
		                  &op.cancelled);
	if (err) {
		op_error(&op, err);
		return;
	}
	set_handle(fi, h);
	op_end(&op);
	if (fuse_reply_open(req, fi))
		handle_release(op.m, h);
}

static int create(struct op *op, struct node *parent, const char *name, mode_t mode,
                  struct fuse_file_info *fi, struct node **n, struct handle **h)
{
	struct attr a = op_new_attr(op, mode & (S_IFMT | 07777));
	bool created = true;
	int err = op_may_make(op, parent, name);

	if (!err)
		err = names_create(op->m, parent, name, &a, n, &op->call);
	if (err == -EEXIST && !(fi->flags & O_EXCL)) { /* somebody else was faster */
		created = false;
		err = lookup_name(op->m, parent, name, n, &op->call);
	}
	if (err)
		return err;
	if (attr_is_dir(op->m, *n))
		err = -EISDIR;
	else
		err = handle_open(op->m, *n, fi->flags, created, op_pid(op), h, &op->cancelled);
	if (err)
		tree_put(op->m->tree, *n);
	return err;
}

void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                struct fuse_file_info *fi)
{
	struct op op;
	struct fuse_entry_param e;
	struct handle *h;
	struct node *n;
	int err;

	op_begin(&op, req);
	err = create(&op, op_node(&op, parent), name, S_IFREG | (mode & 07777), fi, &n, &h);
	if (err) {
		op_error(&op, err);
		return;
	}
	set_handle(fi, h);
	op_fill_entry(op.m, n, &e);
	op_end(&op);
	if (fuse_reply_create(req, &e, fi)) {
		handle_release(op.m, h);
		tree_forget(op.m->tree, n, 1);
	}
	tree_put(op.m->tree, n);
}

/* A regular file, a FIFO or a socket by mknod(2): an empty object. What is sent
 * through the latter two never comes here. */
void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct fuse_file_info fi = {.flags = O_WRONLY | O_CREAT | O_EXCL};
	struct op op;
	struct handle *h;
	struct node *n;
	int err;

	(void)rdev;
	op_begin(&op, req);
	err = S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode)
	              ? create(&op, op_node(&op, parent), name, mode, &fi, &n, &h)
	              : -EPERM;
	if (err) {
		op_error(&op, err);
		return;
	}
	err = draft_publish(h->file, &op.cancelled);
	handle_release(op.m, h);
	if (err) {
		tree_put(op.m->tree, n);
		op_error(&op, err);
	} else {
		op_reply_entry(&op, n);
	}
}

void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct op op;
	struct answer a;
	int err;

	(void)ino;
	op_begin(&op, req);
	answer_begin(&a, op.m->budget, size);
	err = handle_read(op.m, op_handle(fi), &a, (uint64_t)offset, &op.cancelled);
	if (err) {
		op_error(&op, err);
	} else {
		op_end(&op);
		fuse_reply_iov(req, a.iov, a.n);
	}
	answer_end(&a);
}

static int read_bufvec(void *arg, void *to, size_t n)
{
	struct fuse_bufvec into = FUSE_BUFVEC_INIT(n);

	into.buf[0].mem = to;
	return fuse_buf_copy(&into, arg, 0) == (ssize_t)n ? 0 : -EIO;
}

/* What was not taken. Else libfuse would close the pipe; and if it got no other one
 * then, it would take this thread's next requests for bytes of that. */
static void drop_rest(struct fuse_bufvec *data)
{
	char rest[4096];

	while (data->idx < data->count) {
		struct fuse_bufvec into = FUSE_BUFVEC_INIT(sizeof rest);

		into.buf[0].mem = rest;
		if (fuse_buf_copy(&into, data, 0) <= 0)
			break;
	}
}

/* Its bytes are still in a pipe, where the kernel can do that, and come from there
 * straight to their blocks: so a write that waits for memory holds none of this
 * process. */
void ops_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *data, off_t offset,
                   struct fuse_file_info *fi)
{
	const struct parts_input in = {read_bufvec, data};
	struct op op;
	ssize_t n;

	(void)ino;
	op_begin(&op, req);
	n = handle_write(op_handle(fi), &in, fuse_buf_size(data), (uint64_t)offset, op_pid(&op),
	                 &op.cancelled);
	drop_rest(data);
	if (n < 0) {
		op_error(&op, (int)n);
	} else {
		op_end(&op);
		fuse_reply_write(req, (size_t)n);
	}
}

void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	op_begin(&op, req);
	op_error(&op, handle_flush(op_handle(fi), op_pid(&op), &op.cancelled));
}

void ops_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	(void)datasync;
	op_begin(&op, req);
	op_error(&op, handle_sync(op.m, op_handle(fi), &op.cancelled));
}

void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	op_begin(&op, req);
	handle_release(op.m, op_handle(fi));
	op_error(&op, 0);
}

void ops_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                   struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	op_begin(&op, req);
	op_error(&op, handle_allocate(op.m, op_handle(fi), mode, (uint64_t)offset, (uint64_t)length,
	                              &op.cancelled));
}

void ops_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t offset_in,
                         struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t offset_out,
                         struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct op op;
	ssize_t n;

	(void)ino_in;
	(void)ino_out;
	op_begin(&op, req);
	n = flags ? -EINVAL
	          : handle_copy(op_handle(fi_in), (uint64_t)offset_in, op_handle(fi_out),
	                        (uint64_t)offset_out, len, op_pid(&op), &op.cancelled);
	if (n < 0) {
		op_error(&op, (int)n);
	} else {
		op_end(&op);
		fuse_reply_write(req, (size_t)n);
	}
}

void ops_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	struct op op;
	int64_t at = -EINVAL;

	(void)ino;
	op_begin(&op, req);
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		at = handle_seek(op.m, op_handle(fi), (uint64_t)offset, whence == SEEK_DATA);
	if (at < 0) {
		op_error(&op, (int)at);
	} else {
		op_end(&op);
		fuse_reply_lseek(req, at);
	}
}
