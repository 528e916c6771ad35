/* SPDX-License-Identifier: MIT */
/*
 * xml.h - the documents of the S3 API: answers read, request bodies written.
 *
 * Pure. Answers are hostile: a document type, an entity declaration, a depth
 * beyond any real answer or text that is not what its field should be makes
 * the whole document -EIO. Nothing is ever loaded for them. The other error is
 * -ENOMEM. On error the output is as it was.
 */
#ifndef POURFS_XML_H
#define POURFS_XML_H

#include "s3.h"

struct buf;

struct xml_error {
	char code[64];
	char message[256];
	char request_id[128];
	char region[64];
};
/* 1: the document is an <Error>, and *error is set; 0: it is not. */
int xml_read_error(const char *s, size_t n, struct xml_error *error) s3_must_check;

/* ListObjectsV2. Keys that no C string can hold are left out and logged. */
int xml_read_list(const char *s, size_t n, struct s3_page *page) s3_must_check;
/* CreateMultipartUpload. *id is for free(). */
int xml_read_upload_id(const char *s, size_t n, char **id) s3_must_check;
/* CopyObject, UploadPartCopy, CompleteMultipartUpload. -ENODATA: an empty ETag. */
int xml_read_etag(const char *s, size_t n, struct s3_etag *etag) s3_must_check;

/* Where the next page of ListParts or ListMultipartUploads begins; zeros at
 * the end of the list. */
struct xml_marker {
	unsigned part;
	char *key, *upload_id;
};
void xml_marker_fini(struct xml_marker *m);
/* Both append one page and replace *next. encoded: the keys were asked for with
 * encoding-type=url; Ceph then encodes them without saying so. */
int xml_read_parts(const char *s, size_t n, struct s3_parts *parts,
                   struct xml_marker *next) s3_must_check;
int xml_read_uploads(const char *s, size_t n, bool encoded, struct s3_uploads *uploads,
                     struct xml_marker *next) s3_must_check;

/* DeleteObjects: the keys that were not deleted. */
struct xml_undeleted {
	char *key;
	char code[64];
	char message[256];
};
struct xml_delete_result {
	struct xml_undeleted *v;
	size_t n;
};
int xml_read_delete(const char *s, size_t n, struct xml_delete_result *result) s3_must_check;
void xml_delete_result_fini(struct xml_delete_result *r);

/* GetObjectTagging: "key=value&...", percent-encoded; for free(). */
int xml_read_tags(const char *s, size_t n, char **tags) s3_must_check;

/* The body of PutObjectTagging, of what xml_read_tags() gave. -EINVAL, -ENOMEM. */
int xml_add_tags(struct buf *to, const char *tags) s3_must_check;
void xml_add_complete(struct buf *to, const struct s3_part *parts, size_t n);
void xml_add_delete(struct buf *to, const char *const *keys, size_t n);
/* Whether XML 1.0 can carry the key: UTF-8 without control characters. */
bool xml_can_carry(const char *key);

/* The text without its quotes, and without W/ before them; "" if that is too
 * long for an ETag or not printable. */
void xml_set_etag(struct s3_etag *etag, const char *s);
/* Copies text for people: cut to size, control characters replaced. */
void xml_set_text(char *to, size_t size, const char *s);

#endif
