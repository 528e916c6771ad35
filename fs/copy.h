/* SPDX-License-Identifier: MIT */
/* copy.h - server-side copies of objects of any size. */
#ifndef POURFS_COPY_H
#define POURFS_COPY_H

#include "mount.h"

/* Copies an object of that size and ETag. headers: those of the source, with
 * S3_KEEP_METADATA in flags; or what replaces them; or NULL: the bytes are all
 * that matters. Tags travel along (which is known from x-amz-tagging-count).
 * One CopyObject up to S3_PART_MAX; above, ranges are copied as the parts of an
 * upload, several at once, by m->copies. What the service will not copy is carried
 * (carry.h). Errors as s3_copy(). */
int copy_object(struct mount *m, const char *from, const struct s3_etag *etag, uint64_t size,
                const char *to, const struct s3_headers *headers, unsigned flags,
                struct s3_etag *made, struct s3_call *call) s3_must_check;

/* One CopyObject; or, where the service makes none, carry_object(). Tags do not travel
 * along with headers that replace. */
int copy_whole(struct mount *m, const char *from, const struct s3_etag *etag, const char *to,
               const struct s3_headers *headers, unsigned flags, struct s3_etag *made,
               struct s3_call *call) s3_must_check;

/* The tags of an object with such headers (may be NULL), as s3_get_tags() gives
 * them: those that the headers ask for, of a new one; else those that it has. *tags
 * is NULL, and nothing is asked, if there are none. */
int copy_tags(struct mount *m, const char *key, const struct s3_headers *headers, char **tags,
              struct s3_call *call) s3_must_check;
/* From now on it has the tags that its headers asked for: they only count them. */
void copy_tags_made(struct s3_headers *headers);
/* The object of that key was made anew with these tags: makes sure that it has them. Ceph drops
 * those that come with an upload or with a copy that replaces metadata. */
int copy_keep_tags(struct mount *m, const char *key, const struct s3_headers *headers,
                   const char *tags, struct s3_call *call) s3_must_check;

#endif
