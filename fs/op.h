/* SPDX-License-Identifier: MIT */
/*
 * op.h - one FUSE request: what all entry points share.
 *
 * Between op_begin() and the reply the request can be interrupted: op->call
 * then ends with -EINTR.
 */
#ifndef POURFS_OP_H
#define POURFS_OP_H

#include "mount.h"
#include "ops.h"

#define OP_WRITE_MAX ((unsigned)256 << 10) /* bytes of one; each FUSE thread has room for it */

struct op {
	fuse_req_t req;
	struct mount *m;
	atomic_bool cancelled;
	struct s3_call call;
};

void op_begin(struct op *op, fuse_req_t req);
void op_end(struct op *op); /* before the reply, which ends the request */
/* The one place where errors change their sign; 0 is a reply too. */
void op_error(struct op *op, int err);

struct node *op_node(struct op *op, fuse_ino_t ino);
fuse_ino_t op_id(const struct mount *m, const struct node *n);
pid_t op_pid(struct op *op);
struct handle *op_handle(const struct fuse_file_info *fi);

/* Fills in what stat(2) says. Returns for how many seconds the kernel may
 * remember it: not at all what changes under its eyes. */
double op_fill_stat(struct mount *m, struct node *n, struct stat *st);
/* The same for an entry: the kernel knows n from now on. */
void op_fill_entry(struct mount *m, struct node *n, struct fuse_entry_param *e);
/* Replies with n, which was held for the caller. */
void op_reply_entry(struct op *op, struct node *n);

/* 0, or why nobody may make or remove that name. */
int op_may_change(struct op *op, const struct node *parent, const char *name) s3_must_check;
/* The same for making it. -EILSEQ: no key can hold that name. */
int op_may_make(struct op *op, const struct node *parent, const char *name) s3_must_check;
/* Attributes of what the caller makes now. mode: with the type bits. */
struct attr op_new_attr(struct op *op, mode_t mode);

#endif
