/* SPDX-License-Identifier: MIT */
/*
 * link.h - where symbolic links point to.
 *
 * As s3fs has it, the target is the content of the object. It is remembered
 * with the node, as long as the object is the same.
 *
 * No lock may be held when calling. 0 or -errno.
 */
#ifndef POURFS_LINK_H
#define POURFS_LINK_H

#include <limits.h>

#include "mount.h"

/* -EIO: what the object holds cannot be a target. */
int link_read(struct mount *m, struct node *n, char target[PATH_MAX],
              struct s3_call *call) s3_must_check;
/* The object of n, which has that ETag, points there. */
void link_know(struct mount *m, struct node *n, const char *target, const struct s3_etag *etag);

#endif
