/* SPDX-License-Identifier: MIT */
/*
 * names.h - making, removing and renaming names.
 *
 * No lock may be held when calling. 0 or -errno.
 */
#ifndef POURFS_NAMES_H
#define POURFS_NAMES_H

#include "mount.h"

/* A directory: one marker object. *out is held for the caller. */
int names_mkdir(struct mount *m, struct node *parent, const char *name, const struct attr *a,
                struct node **out, struct s3_call *call) s3_must_check;
/* A file without an object yet, held for the caller; -EEXIST. */
int names_create(struct mount *m, struct node *parent, const char *name, const struct attr *a,
                 struct node **out, struct s3_call *call) s3_must_check;
int names_unlink(struct mount *m, struct node *parent, const char *name,
                 struct s3_call *call) s3_must_check;
int names_rmdir(struct mount *m, struct node *parent, const char *name,
                struct s3_call *call) s3_must_check;
/* flags: as renameat2(2). */
int names_rename(struct mount *m, struct node *parent, const char *name, struct node *new_parent,
                 const char *new_name, unsigned flags, struct s3_call *call) s3_must_check;

#endif
