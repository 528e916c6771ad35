/* SPDX-License-Identifier: MIT */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "attr.h"
#include "draft.h"
#include "handle.h"
#include "names.h"
#include "proc.h"

#define WRITE_MAX                                                                                  \
	((unsigned)256 << 10) /* bytes of one request; each FUSE thread has room for it            \
	                       */
#define KERNEL_TTL_S 1.0      /* the rest of ttl= is remembered here, not in the kernel */

/* ----------------------------------------------------------------- helpers */

/* A request that may be interrupted. */
struct op {
	fuse_req_t req;
	struct mount *m;
	atomic_bool cancelled;
	struct s3_call call;
};

/* The kernel tells of every signal; a local disk would not heed most. */
static void cancel(fuse_req_t req, void *data)
{
	struct op *op = data;

	if (proc_wants_out(fuse_req_ctx(req)->pid))
		op->cancelled = true;
}

static void op_begin(struct op *op, fuse_req_t req)
{
	*op = (struct op){.req = req, .m = fuse_req_userdata(req)};
	op->call.cancel = &op->cancelled;
	fuse_req_interrupt_func(req, cancel, op);
}

/* Before the reply, which ends the request. */
static void op_end(struct op *op)
{
	fuse_req_interrupt_func(op->req, NULL, NULL);
}

/* The one place where errors change their sign; 0 is a reply too. */
static void op_error(struct op *op, int err)
{
	op_end(op);
	fuse_reply_err(op->req, -err);
}

static struct node *node_of(struct op *op, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? op->m->tree->root : (struct node *)(uintptr_t)ino;
}

static fuse_ino_t id_of(const struct mount *m, const struct node *n)
{
	return n == m->tree->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)n;
}

static pid_t pid_of(struct op *op)
{
	return fuse_req_ctx(op->req)->pid;
}

/* Whether the kernel may remember: not what changes under its eyes. */
static double fill_stat(struct mount *m, struct node *n, struct stat *st)
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
	st->st_blksize = WRITE_MAX;
	st->st_blocks = (blkcnt_t)((size + 511) / 512);
	if (draft || n->special || m->conf.ttl_ms < 1000)
		return 0;
	return KERNEL_TTL_S;
}

/* The kernel knows n from now on; fills in what it is told. */
static void fill_entry(struct mount *m, struct node *n, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof *e);
	pthread_mutex_lock(&m->tree->lock);
	n->lookups++;
	pthread_mutex_unlock(&m->tree->lock);
	e->ino = id_of(m, n);
	e->attr_timeout = fill_stat(m, n, &e->attr);
	e->entry_timeout = e->attr_timeout;
}

/* Tells the kernel of n, which was held for the caller. */
static void reply_entry(struct op *op, struct node *n)
{
	struct fuse_entry_param e;

	fill_entry(op->m, n, &e);
	op_end(op);
	if (fuse_reply_entry(op->req, &e))
		tree_forget(op->m->tree, n, 1);
	tree_put(op->m->tree, n);
}

/* Names that nobody may make or remove here. */
static int may_change(struct op *op, const struct node *parent, const char *name)
{
	if (op->m->conf.read_only)
		return -EROFS;
	if (parent->special || (parent == op->m->tree->root && !strcmp(name, MOUNT_HIDDEN)))
		return -EPERM;
	return 0;
}

static struct attr new_attr(struct op *op, mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(op->req);
	struct attr a = {.mode = mode, .uid = ctx->uid, .gid = ctx->gid};

	clock_gettime(CLOCK_REALTIME, &a.mtime);
	a.ctime = a.mtime;
	return a;
}

/* ------------------------------------------------------------------- names */

static void ops_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_write = WRITE_MAX;
	conn->max_readahead = 1 << 20;
	if (conn->capable & FUSE_CAP_PARALLEL_DIROPS)
		conn->want |= FUSE_CAP_PARALLEL_DIROPS;
	/* One write at a time reaches the table anyway: order is all that counts. */
	conn->want &= ~(unsigned)FUSE_CAP_WRITEBACK_CACHE;
	conn->time_gran = 1;
}

static void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct op op;
	struct node *n;
	int err;

	op_begin(&op, req);
	err = attr_lookup(op.m, node_of(&op, parent), name, &n, &op.call);
	if (err)
		op_error(&op, err);
	else
		reply_entry(&op, n);
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
	a = new_attr(&op, S_IFDIR | (mode & 07777));
	err = may_change(&op, node_of(&op, parent), name);
	if (!err)
		err = names_mkdir(op.m, node_of(&op, parent), name, &a, &n, &op.call);
	if (err)
		op_error(&op, err);
	else
		reply_entry(&op, n);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name,
                        int (*from)(struct mount *, struct node *, const char *, struct s3_call *))
{
	struct op op;
	int err;

	op_begin(&op, req);
	err = may_change(&op, node_of(&op, parent), name);
	if (!err)
		err = from(op.m, node_of(&op, parent), name, &op.call);
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
	err = may_change(&op, node_of(&op, parent), name);
	if (!err)
		err = may_change(&op, node_of(&op, new_parent), new_name);
	if (!err)
		err = names_rename(op.m, node_of(&op, parent), name, node_of(&op, new_parent),
		                   new_name, flags, &op.call);
	op_error(&op, err);
}

/* Links of either kind: what programs know how to do without. */
static void ops_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	(void)link;
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM);
}

static void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	(void)ino;
	(void)new_parent;
	(void)new_name;
	fuse_reply_err(req, EPERM);
}

/* -------------------------------------------------------------- attributes */

static void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;
	struct node *n;
	struct stat st;
	double timeout;
	int err;

	(void)fi;
	op_begin(&op, req);
	n = node_of(&op, ino);
	err = attr_refresh(op.m, n, &op.call);
	if (err) {
		op_error(&op, err);
		return;
	}
	timeout = fill_stat(op.m, n, &st);
	op_end(&op);
	fuse_reply_attr(req, &st, timeout);
}

/* truncate(2) of a file that nobody has open publishes by itself. */
static int truncate_node(struct op *op, struct node *n, uint64_t size, bool open)
{
	struct file *f = file_get(op->m, n);
	int err;

	if (!f)
		return -ENOMEM;
	draft_writer_came(f);
	err = draft_truncate(f, size, &op->cancelled);
	if (!err && !open && !file_held_elsewhere(f, pid_of(op)))
		err = draft_publish(f, &op->cancelled);
	draft_writer_gone(f);
	file_put(f);
	return err;
}

/* Which fields a setattr is about, with their new values. */
static unsigned decode_setattr(const struct stat *st, int to_set, struct attr *a)
{
	unsigned fields = 0;

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
		a->mtime = st->st_mtim;
		if (to_set & FUSE_SET_ATTR_MTIME_NOW)
			clock_gettime(CLOCK_REALTIME, &a->mtime);
		fields |= META_MTIME;
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
	n = node_of(&op, ino);
	err = op.m->conf.read_only ? -EROFS : n->special ? -EPERM : 0;
	if (!err)
		err = attr_refresh(op.m, n, &op.call);
	if (!err && to_set & FUSE_SET_ATTR_SIZE)
		err = truncate_node(&op, n, (uint64_t)attr->st_size, fi != NULL);
	if (!err)
		set_attributes(&op, n, attr, to_set);
	if (err) {
		op_error(&op, err);
		return;
	}
	timeout = fill_stat(op.m, n, &st);
	op_end(&op);
	fuse_reply_attr(req, &st, timeout);
}

/* The kernel asks for security.capability before nearly every write. */
static void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	(void)ino;
	(void)size;
	fuse_reply_err(req, strncmp(name, "system.", 7) ? ENODATA : EOPNOTSUPP);
}

static void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	(void)ino;
	if (size)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_xattr(req, 0);
}

static void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
                         size_t size, int flags)
{
	(void)ino;
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	fuse_reply_err(req, EOPNOTSUPP);
}

static void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ino;
	fuse_reply_err(req, strncmp(name, "system.", 7) ? ENODATA : EOPNOTSUPP);
}

static void ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	/* A bucket has no size: enough that no program thinks it full. */
	struct statvfs st = {.f_bsize = WRITE_MAX,
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

/* ------------------------------------------------------------------- files */

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/* Writers and readers of what is being written come to us for every byte;
 * others may use the kernel's pages. */
static void set_handle(struct fuse_file_info *fi, struct handle *h)
{
	fi->fh = (uintptr_t)h;
	fi->direct_io = h->writes || h->text;
	if (h->file && !h->writes) {
		pthread_mutex_lock(&h->file->lock);
		fi->direct_io = h->file->draft || h->file->writers;
		pthread_mutex_unlock(&h->file->lock);
	}
}

static void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;
	struct handle *h;
	int err;

	op_begin(&op, req);
	err = op.m->conf.read_only && (fi->flags & O_ACCMODE) != O_RDONLY ? -EROFS : 0;
	if (!err)
		err = handle_open(op.m, node_of(&op, ino), fi->flags, false, pid_of(&op), &h,
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
	struct attr a = new_attr(op, S_IFREG | (mode & 07777));
	bool created = true;
	int err = may_change(op, parent, name);

	if (!err)
		err = names_create(op->m, parent, name, &a, n, &op->call);
	if (err == -EEXIST && !(fi->flags & O_EXCL)) { /* somebody else was faster */
		created = false;
		err = attr_lookup(op->m, parent, name, n, &op->call);
	}
	if (err)
		return err;
	if (S_ISDIR((*n)->attr.mode))
		err = -EISDIR;
	else
		err = handle_open(op->m, *n, fi->flags, created, pid_of(op), h, &op->cancelled);
	if (err)
		tree_put(op->m->tree, *n);
	return err;
}

static void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                       struct fuse_file_info *fi)
{
	struct op op;
	struct fuse_entry_param e;
	struct handle *h;
	struct node *n;
	int err;

	op_begin(&op, req);
	err = create(&op, node_of(&op, parent), name, mode, fi, &n, &h);
	if (err) {
		op_error(&op, err);
		return;
	}
	set_handle(fi, h);
	fill_entry(op.m, n, &e);
	op_end(&op);
	if (fuse_reply_create(req, &e, fi)) {
		handle_release(op.m, h);
		tree_forget(op.m->tree, n, 1);
	}
	tree_put(op.m->tree, n);
}

/* A regular file by mknod(2): an empty object. */
static void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct fuse_file_info fi = {.flags = O_WRONLY | O_CREAT | O_EXCL};
	struct op op;
	struct handle *h;
	struct node *n;
	int err;

	(void)rdev;
	op_begin(&op, req);
	err = S_ISREG(mode) ? create(&op, node_of(&op, parent), name, mode, &fi, &n, &h) : -EPERM;
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
		reply_entry(&op, n);
	}
}

static void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
	struct op op;
	char *data;
	ssize_t n = -ENOMEM;

	(void)ino;
	op_begin(&op, req);
	data = malloc(size ? size : 1);
	if (data)
		n = handle_read(op.m, handle_of(fi), data, size, (uint64_t)offset, &op.cancelled);
	if (n < 0) {
		op_error(&op, (int)n);
	} else {
		op_end(&op);
		fuse_reply_buf(req, data, (size_t)n);
	}
	free(data);
}

static void ops_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                      struct fuse_file_info *fi)
{
	struct op op;
	ssize_t n;

	(void)ino;
	op_begin(&op, req);
	n = handle_write(handle_of(fi), data, size, (uint64_t)offset, pid_of(&op), &op.cancelled);
	if (n < 0) {
		op_error(&op, (int)n);
	} else {
		op_end(&op);
		fuse_reply_write(req, (size_t)n);
	}
}

static void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	op_begin(&op, req);
	op_error(&op, handle_flush(handle_of(fi), pid_of(&op), &op.cancelled));
}

static void ops_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	(void)datasync;
	op_begin(&op, req);
	op_error(&op, handle_sync(op.m, handle_of(fi), &op.cancelled));
}

static void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	op_begin(&op, req);
	handle_release(op.m, handle_of(fi));
	op_error(&op, 0);
}

static void ops_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                          struct fuse_file_info *fi)
{
	struct op op;
	uint64_t size = 0;
	struct timespec t;
	struct handle *h = handle_of(fi);
	int err = 0;

	(void)ino;
	op_begin(&op, req);
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		err = -EOPNOTSUPP;
	else if (!(mode & FALLOC_FL_KEEP_SIZE)) {
		if (!draft_stat(h->file, &size, &t))
			size = h->node->attr.size;
		if ((uint64_t)offset + (uint64_t)length > size)
			err = draft_truncate(h->file, (uint64_t)offset + (uint64_t)length,
			                     &op.cancelled);
	}
	op_error(&op, err);
}

/* ------------------------------------------------------------- directories */

static void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op;
	struct handle *h;
	int err;

	op_begin(&op, req);
	err = handle_opendir(op.m, node_of(&op, ino), &h, &op.cancelled);
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
	fill_entry(op->m, n, e);
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
		size_t n = add_entry(&op, handle_of(fi), at, plus, data + used, size - used);

		if (!n || n > size - used)
			break;
		used += n;
	}
	op_end(&op);
	fuse_reply_buf(req, data, used);
	free(data);
}

static void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                        struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, offset, fi, false);
}

static void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                            struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, offset, fi, true);
}

static void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	ops_release(req, ino, fi);
}

/* What a directory holds is in the bucket when its calls return. */
static void ops_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct op op;

	(void)ino;
	(void)datasync;
	op_begin(&op, req);
	op_error(&op, attr_flush(op.m, handle_of(fi)->node, &op.call));
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
	.symlink = ops_symlink,
	.rename = ops_rename,
	.link = ops_link,
	.open = ops_open,
	.read = ops_read,
	.write = ops_write,
	.flush = ops_flush,
	.release = ops_release,
	.fsync = ops_fsync,
	.opendir = ops_opendir,
	.readdir = ops_readdir,
	.readdirplus = ops_readdirplus,
	.releasedir = ops_releasedir,
	.fsyncdir = ops_fsyncdir,
	.statfs = ops_statfs,
	.setxattr = ops_setxattr,
	.getxattr = ops_getxattr,
	.listxattr = ops_listxattr,
	.removexattr = ops_removexattr,
	.create = ops_create,
	.fallocate = ops_fallocate,
};
