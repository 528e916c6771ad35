/* SPDX-License-Identifier: MIT */
/*
 * lookup.h - finds names, and what there is to know of them.
 *
 * No lock may be held when calling. Errors are -errno as s3.h gives them.
 */
#ifndef POURFS_LOOKUP_H
#define POURFS_LOOKUP_H

#include "mount.h"

/* The child of that name, held for the caller, its attributes fresh. -ENOENT. */
int lookup_name(struct mount *m, struct node *parent, const char *name, struct node **out,
                struct s3_call *call) s3_must_check;

/* The directory is about to be read: what comes next in a pass over several is
 * asked for. */
void lookup_opened(struct mount *m, struct node *dir);

/* Fresh attributes, user metadata and headers for a node. -ENOENT, -ESTALE if it is gone. */
int lookup_refresh(struct mount *m, struct node *n, struct s3_call *call) s3_must_check;

/* Which markers of other clients the directory n of that name has: NODE_MARK_*. */
int lookup_foreign(struct mount *m, struct node *parent, const char *name, struct node *n,
                   unsigned *foreign, struct s3_call *call) s3_must_check;

#endif
