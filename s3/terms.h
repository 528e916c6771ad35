/* SPDX-License-Identifier: MIT */
/*
 * terms.h - on what terms requests are made: who may read what is made, how it
 * is encrypted, who pays, and whose bucket it has to be. For the files of s3/.
 */
#ifndef POURFS_TERMS_H
#define POURFS_TERMS_H

#include "s3.h"

struct request;

struct terms {
	char *acl;                         /* x-amz-acl of what is made; NULL: none */
	bool keep_acl;                     /* acl.h */
	char *sse, *sse_kms_key_id;        /* of what is made; NULL: the bucket's own */
	char *customer_key, *customer_md5; /* SSE-C, base64; NULL: none. The key is secret */
	char *owner;                       /* account that has to own the bucket; NULL: any */
	bool requester_pays;
};

/* Copies what it needs. -EINVAL, -EACCES (a key that others can read), with the
 * fault telling what to do; -ENOMEM. After an error terms_fini() is due, too. */
int terms_init(struct terms *t, const struct s3_conf *conf, struct s3_fault *fault) s3_must_check;
void terms_fini(struct terms *t);

/* To each request, when all else of it is known. -ENOMEM, -EINVAL. */
int terms_add_to_all(const struct terms *t, struct s3_headers *headers) s3_must_check;
/* To those that make an object: PutObject, CopyObject, CreateMultipartUpload. What
 * they say of encryption already is replaced. */
void terms_add_to_new(const struct terms *t, struct request *r);
/* To those that write or read an object's bytes, or look at it: without the
 * customer's key the service does neither. */
void terms_add_key(const struct terms *t, struct request *r);
/* An answer that has these is of an object that is encrypted with a key of KMS or a
 * customer: its ETag is no MD5 (proof.h), and not every service copies it. */
bool terms_encrypted(const struct s3_headers *headers);
/* To those that copy, of what they copy from. */
void terms_add_to_source(const struct terms *t, struct request *r);

#endif
