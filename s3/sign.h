/* SPDX-License-Identifier: MIT */
/*
 * sign.h - AWS Signature Version 4.
 *
 * Pure: the time is an argument.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
#ifndef POURFS_SIGN_H
#define POURFS_SIGN_H

#include "s3.h"

struct buf;
struct uri_param;

struct sign_key {
	const char *access, *secret;
	const char *token; /* of temporary credentials, else NULL */
	const char *region;
	const char *service; /* "s3" */
};

/* Adds to authorization the value of the Authorization header over method,
 * path (encoded), query (as by uri_add_query()), all of headers, and the hex
 * SHA-256 of the payload. The headers must hold host and x-amz-date (of t),
 * and what else the service wants to be signed. -ENOMEM. */
int sign_headers(struct buf *authorization, const struct sign_key *key, time_t t,
                 const char *method, const char *path, const char *query,
                 const struct s3_headers *headers, const char *payload_hash) s3_must_check;

/* Adds to query all of a presigned URL behind its "?": the n params (which may
 * be reordered) and the signature, good for expires_s from t on. */
int sign_query(struct buf *query, const struct sign_key *key, time_t t, unsigned expires_s,
               const char *method, const char *host, const char *path,
               const struct uri_param *params, size_t n) s3_must_check;

#endif
