/* SPDX-License-Identifier: MIT */
#include "op.h"

#include <errno.h>
#include <string.h>

#include "dir.h"
#include "draft.h"
#include "encode.h"
#include "proc.h"

#define KERNEL_TTL_S 1.0 /* the rest of ttl= is remembered here, not in the kernel */
#define FOREVER_S    1e9

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
	struct attr a;
	struct timespec written = {0};
	bool draft = f && draft_stat(f, &draft_size, &written);

	/* The draft first: once it is gone, the node knows all that it knew. */
	if (f)
		file_put(f);
	memset(st, 0, sizeof *st);
	tree_lock(m->tree);
	a = n->attr;
	size = draft ? draft_size : a.size;
	if (written.tv_sec)
		meta_written(&a, written);
	st->st_ino = n->ino;
	st->st_nlink = n->unlinked ? 0 : 1;
	tree_unlock(m->tree);
	st->st_mode = a.mode;
	st->st_uid = a.uid;
	st->st_gid = a.gid;
	st->st_size = (off_t)size;
	st->st_mtim = a.mtime;
	st->st_ctim = a.ctime;
	st->st_atim = meta_atime(&a);
	st->st_blksize = OP_WRITE_MAX;
	st->st_blocks = (blkcnt_t)((size + 511) / 512);
	if (draft || n->special || m->conf.ttl_ms < 1000)
		return 0;
	return KERNEL_TTL_S;
}

void op_fill_entry(struct mount *m, struct node *n, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof *e);
	tree_lock(m->tree);
	tree_told_locked(m->tree, n);
	tree_unlock(m->tree);
	e->ino = op_id(m, n);
	e->attr_timeout = op_fill_stat(m, n, &e->attr);
	/* Names of our own stay. As long as a name in the root is being renamed the
	 * kernel looks up no other there, and status has to be read then, too. */
	e->entry_timeout = n->special ? FOREVER_S : e->attr_timeout;
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
	/* It would be taken for what other clients mean by such a name. */
	return dir_name_has_meaning(name) ? -EPERM : 0;
}

int op_may_make(struct op *op, const struct node *parent, const char *name)
{
	int err = op_may_change(op, parent, name);

	return err || utf8_is_valid(name) ? err : -EILSEQ;
}

struct attr op_new_attr(struct op *op, mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(op->req);
	struct attr a = {
		.mode = mode, .uid = ctx->uid, .gid = ctx->gid, .atime.tv_nsec = UTIME_OMIT};

	clock_gettime(CLOCK_REALTIME, &a.mtime);
	a.ctime = a.mtime;
	return a;
}
