/* SPDX-License-Identifier: MIT */
#include "op.h"

#include <errno.h>
#include <string.h>

#include "draft.h"
#include "proc.h"

#define KERNEL_TTL_S 1.0 /* the rest of ttl= is remembered here, not in the kernel */

/* The kernel tells of every signal; a local disk would not heed most. */
static void cancel(fuse_req_t req, void *data)
{
	struct op *op = data;

	if (proc_wants_out(fuse_req_ctx(req)->pid))
		op->cancelled = true;
}

void op_begin(struct op *op, fuse_req_t req)
{
	*op = (struct op){.req = req, .m = fuse_req_userdata(req)};
	op->call.cancel = &op->cancelled;
	fuse_req_interrupt_func(req, cancel, op);
}

void op_end(struct op *op)
{
	fuse_req_interrupt_func(op->req, NULL, NULL);
}

void op_error(struct op *op, int err)
{
	op_end(op);
	fuse_reply_err(op->req, -err);
}

struct node *op_node(struct op *op, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? op->m->tree->root : (struct node *)(uintptr_t)ino;
}

fuse_ino_t op_id(const struct mount *m, const struct node *n)
{
	return n == m->tree->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)n;
}

pid_t op_pid(struct op *op)
{
	return fuse_req_ctx(op->req)->pid;
}

struct handle *op_handle(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

double op_fill_stat(struct mount *m, struct node *n, struct stat *st)
{
	struct file *f = file_find(m, n);
	uint64_t size = 0, draft_size;
	struct timespec mtime = {0}, written = {0};
	bool draft = f && draft_stat(f, &draft_size, &written);

	/* The draft first: once it is gone, the node knows all that it knew. */
	if (f)
		file_put(f);
	memset(st, 0, sizeof *st);
	pthread_mutex_lock(&m->tree->lock);
	size = draft ? draft_size : n->attr.size;
	mtime = written.tv_sec ? written : n->attr.mtime;
	st->st_ino = n->ino;
	st->st_mode = n->attr.mode;
	st->st_uid = n->attr.uid;
	st->st_gid = n->attr.gid;
	st->st_ctim = n->attr.ctime;
	st->st_nlink = n->unlinked ? 0 : 1;
	pthread_mutex_unlock(&m->tree->lock);
	st->st_size = (off_t)size;
	st->st_mtim = mtime;
	st->st_atim = mtime;
	st->st_blksize = OP_WRITE_MAX;
	st->st_blocks = (blkcnt_t)((size + 511) / 512);
	if (draft || n->special || m->conf.ttl_ms < 1000)
		return 0;
	return KERNEL_TTL_S;
}

void op_fill_entry(struct mount *m, struct node *n, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof *e);
	pthread_mutex_lock(&m->tree->lock);
	n->lookups++;
	pthread_mutex_unlock(&m->tree->lock);
	e->ino = op_id(m, n);
	e->attr_timeout = op_fill_stat(m, n, &e->attr);
	e->entry_timeout = e->attr_timeout;
}

void op_reply_entry(struct op *op, struct node *n)
{
	struct fuse_entry_param e;

	op_fill_entry(op->m, n, &e);
	op_end(op);
	if (fuse_reply_entry(op->req, &e))
		tree_forget(op->m->tree, n, 1);
	tree_put(op->m->tree, n);
}

int op_may_change(struct op *op, const struct node *parent, const char *name)
{
	if (op->m->conf.read_only)
		return -EROFS;
	if (parent->special || (parent == op->m->tree->root && !strcmp(name, MOUNT_HIDDEN)))
		return -EPERM;
	return 0;
}

struct attr op_new_attr(struct op *op, mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(op->req);
	struct attr a = {.mode = mode, .uid = ctx->uid, .gid = ctx->gid};

	clock_gettime(CLOCK_REALTIME, &a.mtime);
	a.ctime = a.mtime;
	return a;
}
