/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "attr.h"
#include "lookup.h"
#include "op.h"
#include "xattr.h"

static void reply(struct op *op, int err, const struct buf *b, size_t room)
{
	if (err) {
		op_error(op, err);
		return;
	}
	op_end(op);
	if (!room)
		fuse_reply_xattr(op->req, b->len);
	else if (b->len > room)
		fuse_reply_err(op->req, ERANGE);
	else
		fuse_reply_buf(op->req, b->s, b->len);
}

/* What is known here of the object that the node has; asked: the service has just
 * told all of it. */
static int virtual_locked(const struct node *n, const char *name, bool asked, struct buf *value)
{
	const char *text = xattr_from_header(&n->headers, name);

	if (!n->etag.s[0] || n->drafted) /* there is no such object, or not for long */
		return -ENODATA;
	if (!strcmp(name, "user.s3.etag"))
		text = n->etag.s;
	if (!text && asked && !strcmp(name, "user.s3.storage-class"))
		text = "STANDARD"; /* which no service says */
	if (!text)
		return -ENODATA;
	buf_adds(value, text);
	return buf_error(value);
}

/* user.s3.*: what a new version of ours has got from the service is not known
 * before it is asked. */
static int get_virtual(struct op *op, struct node *n, const char *name, struct buf *value)
{
	int err = 0;

	if (!strcmp(name, "user.s3.key"))
		return mount_key(op->m, n, value);
	for (int tries = 0; !err && tries < 2; tries++) {
		if (tries)
			attr_distrust(op->m, n);
		err = lookup_refresh(op->m, n, &op->call);
		if (err)
			break;
		tree_lock(op->m->tree);
		err = virtual_locked(n, name, tries > 0, value);
		tree_unlock(op->m->tree);
		if (err != -ENODATA)
			return err;
		err = 0;
	}
	return err ? err : -ENODATA;
}

static int get(struct op *op, struct node *n, const char *name, struct buf *value)
{
	int err;

	if (xattr_is_virtual(name))
		return get_virtual(op, n, name, value);
	err = lookup_refresh(op->m, n, &op->call);
	if (err)
		return err;
	tree_lock(op->m->tree);
	err = xattr_get(&n->headers, name, value);
	tree_unlock(op->m->tree);
	return err;
}

void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct op op;
	struct buf value = BUF_INIT;
	int err = xattr_check_name(name);

	/* The kernel asks for security.capability before nearly every write. */
	if (err) {
		fuse_reply_err(req, strncmp(name, "security.", 9) ? EOPNOTSUPP : ENODATA);
		return;
	}
	op_begin(&op, req);
	reply(&op, get(&op, op_node(&op, ino), name, &value), &value, size);
	buf_fini(&value);
}

void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct op op;
	struct node *n;
	struct buf names = BUF_INIT;
	int err;

	op_begin(&op, req);
	n = op_node(&op, ino);
	err = lookup_refresh(op.m, n, &op.call);
	if (!err) {
		tree_lock(op.m->tree);
		err = xattr_list(&n->headers, &names);
		tree_unlock(op.m->tree);
	}
	reply(&op, err, &names, size);
	buf_fini(&names);
}

/* value NULL: it is removed. */
static void change(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                   int flags)
{
	struct op op;
	struct node *n;
	int err;

	op_begin(&op, req);
	n = op_node(&op, ino);
	err = xattr_check_name(name);
	if (!err && op.m->conf.read_only)
		err = -EROFS;
	if (!err && (n->special || xattr_is_virtual(name)))
		err = -EPERM;
	if (!err && n == op.m->tree->root)
		err = -EOPNOTSUPP; /* it has no object that could keep them */
	if (!err)
		err = lookup_refresh(op.m, n, &op.call);
	if (!err)
		err = attr_change_xattr(op.m, n, name, value, size, flags);
	op_error(&op, err);
}

void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                  int flags)
{
	change(req, ino, name, value ? value : "", size, flags);
}

void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	change(req, ino, name, NULL, 0, 0);
}
