/* SPDX-License-Identifier: MIT */
#include "ops.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "attr.h"
#include "channel.h"
#include "draft.h"
#include "handle.h"
#include "lookup.h"
#include "names.h"
#include "op.h"

/* ------------------------------------------------------------------- names */

static void ops_init(void *userdata, struct fuse_conn_info *conn)
{
	const struct mount *m = userdata;

	conn->max_write = OP_WRITE_MAX;
	conn->max_readahead = 1 << 20;
	if (conn->capable & FUSE_CAP_PARALLEL_DIROPS) {
		conn->want |= FUSE_CAP_PARALLEL_DIROPS;
		channel_want_parallel_dirops();
	}
	/* A pipe for each thread: see ops_write_buf(). */
	if (!m->roomy)
		conn->want &= ~(unsigned)FUSE_CAP_SPLICE_READ;
	else
		conn->want |= conn->capable & FUSE_CAP_SPLICE_READ;
	/* One write at a time reaches the table anyway: order is all that counts. */
	conn->want &= ~(unsigned)FUSE_CAP_WRITEBACK_CACHE;
	/* FUSE_CAP_CACHE_SYMLINKS is not wanted: the kernel would keep a target as
	 * long as it knows the name, also when others change it. */
	conn->time_gran = 1;
}

static void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct op op;
	struct node *n;
	int err;

	op_begin(&op, req);
	err = lookup_name(op.m, op_node(&op, parent), name, &n, &op.call);
	if (err)
		op_error(&op, err);
	else
		op_reply_entry(&op, n);
}

static void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	struct mount *m = fuse_req_userdata(req);

	if (ino != FUSE_ROOT_ID)
		tree_forget(m->tree, (struct node *)(uintptr_t)ino, nlookup);
	fuse_reply_none(req);
}

static void ops_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct mount *m = fuse_req_userdata(req);

	for (size_t i = 0; i < count; i++)
		if (forgets[i].ino != FUSE_ROOT_ID)
			tree_forget(m->tree, (struct node *)(uintptr_t)forgets[i].ino,
			            forgets[i].nlookup);
	fuse_reply_none(req);
}

static void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct op op;
	struct attr a;
	struct node *n;
	int err;

	op_begin(&op, req);
	a = op_new_attr(&op, S_IFDIR | (mode & 07777));
	err = op_may_make(&op, op_node(&op, parent), name);
	if (!err)
		err = names_mkdir(op.m, op_node(&op, parent), name, &a, &n, &op.call);
	if (err)
		op_error(&op, err);
	else
		op_reply_entry(&op, n);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name,
                        int (*from)(struct mount *, struct node *, const char *, struct s3_call *))
{
	struct op op;
	int err;

	op_begin(&op, req);
	err = op_may_change(&op, op_node(&op, parent), name);
	if (!err)
		err = from(op.m, op_node(&op, parent), name, &op.call);
	op_error(&op, err);
}

static void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, names_unlink);
}

static void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, names_rmdir);
}

static void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                       const char *new_name, unsigned flags)
{
	struct op op;
	int err;

	op_begin(&op, req);
	err = op_may_change(&op, op_node(&op, parent), name);
	if (!err)
		err = op_may_make(&op, op_node(&op, new_parent), new_name);
	if (!err)
		err = names_rename(op.m, op_node(&op, parent), name, op_node(&op, new_parent),
		                   new_name, flags, &op.call);
	op_error(&op, err);
}

/* -------------------------------------------------------------- attributes */

static void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;
	struct node *n;
	struct stat st;
	double timeout;
	int err;

	op_begin(&op, req);
	n = op_node(&op, ino);
	err = lookup_refresh(op.m, n, &op.call);
	/* Asked for a read: the size of another object would look like its end. */
	if (!err && fi && handle_is_stale(op.m, op_handle(fi)))
		err = -ESTALE;
	if (err) {
		op_error(&op, err);
		return;
	}
	timeout = op_fill_stat(op.m, n, &st);
	op_end(&op);
	fuse_reply_attr(req, &st, timeout);
}

/* Asked only without default_permissions: then the owner of the mount may do
 * everything, but for running what is no program. */
static void ops_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct op op;
	struct node *n;
	mode_t mode;
	int err;

	op_begin(&op, req);
	n = op_node(&op, ino);
	err = mask & W_OK && op.m->conf.read_only ? -EROFS : lookup_refresh(op.m, n, &op.call);
	tree_lock(op.m->tree);
	mode = n->attr.mode;
	tree_unlock(op.m->tree);
	if (!err && mask & X_OK && !S_ISDIR(mode) && !(mode & 0111))
		err = -EACCES;
	op_error(&op, err);
}

/* truncate(2) of a file that nobody has open publishes by itself. */
static int truncate_node(struct op *op, struct node *n, uint64_t size, bool open)
{
	struct file *f = file_get(op->m, n);
	int err;

	if (!f)
		return -ENOMEM;
	draft_user_came(f, true);
	err = draft_truncate(f, size, &op->cancelled);
	if (!err && !open && !file_held_elsewhere(f, op_pid(op)))
		err = draft_publish(f, &op->cancelled);
	draft_user_gone(f, true);
	file_put(f);
	return err;
}

/* Which fields a setattr is about, with their new values. */
static unsigned decode_setattr(const struct stat *st, int to_set, struct attr *a)
{
	unsigned fields = 0;

	clock_gettime(CLOCK_REALTIME,
	              &a->ctime); /* one now for all: what is the same costs nothing */
	if (to_set & FUSE_SET_ATTR_MODE) {
		a->mode = st->st_mode;
		fields |= META_MODE;
	}
	if (to_set & FUSE_SET_ATTR_UID) {
		a->uid = st->st_uid;
		fields |= META_UID;
	}
	if (to_set & FUSE_SET_ATTR_GID) {
		a->gid = st->st_gid;
		fields |= META_GID;
	}
	if (to_set & FUSE_SET_ATTR_MTIME) {
		a->mtime = to_set & FUSE_SET_ATTR_MTIME_NOW ? a->ctime : meta_time(st->st_mtim);
		fields |= META_MTIME;
	}
	if (to_set & FUSE_SET_ATTR_ATIME) {
		a->atime = to_set & FUSE_SET_ATTR_ATIME_NOW ? a->ctime : meta_time(st->st_atim);
		fields |= META_ATIME;
	}
	return fields;
}

static void set_attributes(struct op *op, struct node *n, const struct stat *st, int to_set)
{
	struct attr a = {0};
	unsigned fields = decode_setattr(st, to_set, &a);
	struct file *f = fields & META_MTIME ? file_find(op->m, n) : NULL;

	if (f) {
		draft_mtime_set(f);
		file_put(f);
	}
	if (fields)
		attr_change(op->m, n, &a, fields);
}

static void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                        struct fuse_file_info *fi)
{
	struct op op;
	struct node *n;
	struct stat st;
	double timeout;
	int err;

	op_begin(&op, req);
	n = op_node(&op, ino);
	err = op.m->conf.read_only ? -EROFS : n->special ? -EPERM : 0;
	if (!err)
		err = lookup_refresh(op.m, n, &op.call);
	if (!err && to_set & FUSE_SET_ATTR_SIZE)
		err = truncate_node(&op, n, (uint64_t)attr->st_size, fi != NULL);
	if (!err)
		set_attributes(&op, n, attr, to_set);
	if (err) {
		op_error(&op, err);
		return;
	}
	timeout = op_fill_stat(op.m, n, &st);
	op_end(&op);
	fuse_reply_attr(req, &st, timeout);
}

static void ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	/* A bucket has no size: enough that no program thinks it full. */
	struct statvfs st = {.f_bsize = OP_WRITE_MAX,
	                     .f_frsize = 4096,
	                     .f_blocks = UINT64_C(1) << 38,
	                     .f_bfree = UINT64_C(1) << 38,
	                     .f_bavail = UINT64_C(1) << 38,
	                     .f_files = UINT64_C(1) << 40,
	                     .f_ffree = UINT64_C(1) << 40,
	                     .f_favail = UINT64_C(1) << 40,
	                     .f_namemax = 255};

	(void)ino;
	fuse_reply_statfs(req, &st);
}

const struct fuse_lowlevel_ops ops_table = {
	.init = ops_init,
	.lookup = ops_lookup,
	.forget = ops_forget,
	.forget_multi = ops_forget_multi,
	.getattr = ops_getattr,
	.setattr = ops_setattr,
	.mknod = ops_mknod,
	.mkdir = ops_mkdir,
	.unlink = ops_unlink,
	.rmdir = ops_rmdir,
	.readlink = ops_readlink,
	.symlink = ops_symlink,
	.rename = ops_rename,
	.link = ops_link,
	.open = ops_open,
	.read = ops_read,
	.write_buf = ops_write_buf,
	.flush = ops_flush,
	.release = ops_release,
	.fsync = ops_fsync,
	.opendir = ops_opendir,
	.readdir = ops_readdir,
	.readdirplus = ops_readdirplus,
	.releasedir = ops_releasedir,
	.fsyncdir = ops_fsyncdir,
	.statfs = ops_statfs,
	.access = ops_access,
	.setxattr = ops_setxattr,
	.getxattr = ops_getxattr,
	.listxattr = ops_listxattr,
	.removexattr = ops_removexattr,
	.create = ops_create,
	.fallocate = ops_fallocate,
	.copy_file_range = ops_copy_file_range,
	.lseek = ops_lseek,
};
