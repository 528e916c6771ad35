/* SPDX-License-Identifier: MIT */
/*
 * client.h - what is inside a struct s3. For the files of s3/ only.
 *
 * All of it is constant after s3_new() but: the place, which changes once when
 * the service names another region; the clock's offset; what the service was
 * seen not to know; what may be retried; and the counters.
 */
#ifndef POURFS_CLIENT_H
#define POURFS_CLIENT_H

#include "http.h"
#include "keyring.h"
#include "meter.h"
#include "retry.h"
#include "s3.h"
#include "terms.h"
#include "uri.h"

#include <pthread.h>

/* Where the bucket is. */
struct client_place {
	char *region;
	struct uri uri;
	char *url; /* scheme://host[:port], for people */
};

struct s3 {
	char *bucket;
	struct keyring keyring;
	char *source; /* where its keys are from, for people; NULL: anonymous */
	struct http *http;
	bool aws; /* no endpoint was given: AWS's, by region */
	unsigned variants;
	char *access_point; /* its ARN; then bucket is what stands for it in the host */
	bool path_style;    /* the bucket is in the path, not in the host */
	unsigned connect_timeout_s, stall_timeout_s, retry_time_s;
	struct terms terms;

	pthread_mutex_t lock; /* a leaf: for the move from places[0] to [1], and retries */
	struct retry_budget budget;
	struct client_place places[2];
	_Atomic unsigned place; /* index of the one in use */

	_Atomic int64_t skew_s;       /* the service's clock minus ours */
	atomic_bool no_put_if_absent; /* it answered 501 to If-None-Match */
	atomic_bool no_complete_if_absent;
	atomic_bool no_object_size; /* it refused x-amz-mp-object-size */
	atomic_bool no_delete_many; /* it has no DeleteObjects */
	atomic_bool no_copy;        /* it refused one, for what the object is */
	atomic_bool has_encrypted;  /* objects that not every service copies: terms_encrypted() */
	atomic_bool copied_encrypted;
	atomic_bool md5_etags;    /* an ETag was seen to be an MD5 */
	atomic_bool no_md5_etags; /* the first that had its form was not */

	struct meters meters;
	_Atomic uint64_t requests, retries, errors, bytes_sent, bytes_received;
};

const struct client_place *client_place(const struct s3 *s3);
/* The service said that the bucket is in region, in answer to a request to
 * *from. True if the request may pass when sent again. */
bool client_follow(struct s3 *s3, const struct client_place *from, const char *region);

#endif
