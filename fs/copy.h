/* SPDX-License-Identifier: MIT */
/* copy.h - server-side copies of objects of any size. */
#ifndef POURFS_COPY_H
#define POURFS_COPY_H

#include "mount.h"

/* Copies an object of that size and ETag. headers NULL: all metadata travels
 * along. One CopyObject up to S3_PART_MAX; above, ranges are copied as the
 * parts of an upload, several at once. Errors as s3_copy(). */
int copy_object(struct mount *m, const char *from, const struct s3_etag *etag, uint64_t size,
                const char *to, const struct s3_headers *headers, struct s3_etag *made,
                struct s3_call *call) s3_must_check;

#endif
