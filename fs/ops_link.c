/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "link.h"
#include "names.h"
#include "op.h"

void ops_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct op op;
	struct attr a;
	struct node *n;
	int err;

	op_begin(&op, req);
	a = op_new_attr(&op, S_IFLNK | 0777);
	err = op_may_make(&op, op_node(&op, parent), name);
	if (!err)
		err = *target && strlen(target) < PATH_MAX ? 0 : -ENAMETOOLONG;
	if (!err)
		err = names_symlink(op.m, op_node(&op, parent), name, target, &a, &n, &op.call);
	if (err)
		op_error(&op, err);
	else
		op_reply_entry(&op, n);
}

void ops_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[PATH_MAX];
	struct op op;
	int err;

	op_begin(&op, req);
	err = link_read(op.m, op_node(&op, ino), target, &op.call);
	if (err) {
		op_error(&op, err);
		return;
	}
	op_end(&op);
	fuse_reply_readlink(req, target);
}

/* An object has one name. EPERM is what link(2) has for such file systems; no
 * other errno has more programs do without: git, restic, rsync --link-dest and
 * vim copy whatever it is; ln, cp -a and mv of linked files, tar, rsync -H and
 * 7z report EOPNOTSUPP, EMLINK, EXDEV and ENOSYS just so. */
void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	(void)ino;
	(void)new_parent;
	(void)new_name;
	fuse_reply_err(req, EPERM);
}
