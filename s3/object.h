/* SPDX-License-Identifier: MIT */
/*
 * object.h - what the operations share. For the files of s3/ only.
 */
#ifndef POURFS_OBJECT_H
#define POURFS_OBJECT_H

#include "request.h"

/* Adds those of headers (may be NULL) that a client may set. */
void object_add_headers(struct request *r, const struct s3_headers *headers);
/* x-amz-copy-source, and the condition on it if there is one. */
void object_add_source(const struct s3 *s3, struct request *r, const char *from,
                       const struct s3_etag *if_match);
/* Name: "etag", quoted as the service wants it. */
void object_add_etag(struct request *r, const char *name, const struct s3_etag *etag);
/* All but the size, from the headers of an answer. -ENOMEM. */
int object_read(const struct http_answer *answer, struct s3_object *object) s3_must_check;

/*
 * Runs a copy (slow, with late errors) and reads its ETag, which may be NULL.
 *
 * Swift answers 412 to any condition on a source that was uploaded in parts. So a
 * 412 for such a source is believed only if a HEAD agrees; else the copy is
 * made without the condition. Services that ignore the condition (Ceph before
 * 18; for part copies Ceph at all) copy what is there: a caller to whom it
 * matters looks at the source again afterwards.
 */
int object_copy(struct s3 *s3, struct request *r, const char *from, const struct s3_etag *if_match,
                unsigned flags, struct s3_etag *etag, struct s3_call *call) s3_must_check;

#endif
