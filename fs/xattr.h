/* SPDX-License-Identifier: MIT */
/*
 * xattr.h - extended attributes of a file <-> the headers of its object.
 *
 * Those of the namespace user are kept as s3fs keeps them: one header of user
 * metadata, a percent-encoded JSON object of base64 values. What it says of
 * other namespaces stays in it, and is not shown. A header that is no such
 * thing counts as absent.
 *
 * Those named user.s3.* tell what the service says of the object. They are
 * never listed, so that no program copies them.
 *
 * Pure. 0 or -errno.
 */
#ifndef POURFS_XATTR_H
#define POURFS_XATTR_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "s3.h"

#define XATTR_HEADER "x-amz-meta-xattr"

/* -EOPNOTSUPP: not of the namespace user. -EINVAL: not a name. */
int xattr_check_name(const char *name) s3_must_check;
/* It is named user.s3.*. */
bool xattr_is_virtual(const char *name);

/* Appends the value; -ENODATA. */
int xattr_get(const struct s3_headers *h, const char *name, struct buf *value) s3_must_check;
/* Appends the names, each with a NUL behind it. */
int xattr_list(const struct s3_headers *h, struct buf *names) s3_must_check;
/* flags: as setxattr(2): -EEXIST, -ENODATA. -ENOSPC: the service keeps no more
 * than S3_META_MAX. -EINVAL: JSON cannot hold such a name. */
int xattr_set(struct s3_headers *h, const char *name, const void *value, size_t size,
              int flags) s3_must_check;
/* -ENODATA. */
int xattr_remove(struct s3_headers *h, const char *name) s3_must_check;

/* The value of a virtual one that is a header; NULL: there is none. Borrowed. */
const char *xattr_from_header(const struct s3_headers *h, const char *name);

#endif
