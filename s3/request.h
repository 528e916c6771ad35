/* SPDX-License-Identifier: MIT */
/*
 * request.h - one operation: built, signed, sent, judged, and tried again.
 *
 * What may pass when repeated is repeated, signed anew each time, until
 * retry_time_s have passed since the first try failed. A clock that is off and
 * a bucket that is elsewhere are corrected once a call, and for good.
 */
#ifndef POURFS_REQUEST_H
#define POURFS_REQUEST_H

#include "client.h"

#define REQUEST_PARAMS_MAX  8
#define REQUEST_DAMAGED_MAX 3 /* answers to one read that are not what they should be */

/* Zero-initialise. What is pointed to is borrowed. */
struct request {
	const char *op; /* the API's name of it, for the log */
	const char *method;
	const char *key; /* NULL: the bucket itself */
	struct uri_param params[REQUEST_PARAMS_MAX];
	size_t nparams;
	struct s3_headers headers; /* owned; as added by request_header() */
	const struct s3_body *body;
	const struct iovec *into; /* as in struct http_request; 416 is a good answer then */
	int intocnt;
	uint64_t into_skip;
	unsigned flags;  /* S3_IF_ABSENT: a 412 is -EEXIST */
	bool slow;       /* the service may be silent for minutes (copies) */
	bool late_error; /* a 200 may carry an <Error> (copies, Complete) */
	bool may_lack;   /* -EOPNOTSUPP is an answer: it is done in another way */
	int err;         /* latched by request_header() */

	/* Kept from one request_run() to the next, for a call of several. */
	unsigned tries;
	int64_t deadline_ms; /* 0: nothing failed yet */
};

#define REQUEST_RESUME 1 /* see request_run() */

void request_param(struct request *r, const char *name, const char *value);
/* value NULL: nothing is added. An error latches, and is request_run()'s. */
void request_header(struct request *r, const char *name, const char *value);
void request_headerf(struct request *r, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* 0: a good answer, in *answer. -errno: final, with the fault in call.
 * REQUEST_RESUME: a body broke off, answer->received bytes of it are in into,
 * and the wait before the next try is over: ask for the rest.
 * The answer is to be ended whatever is returned. */
int request_run(struct s3 *s3, struct request *r, struct http_answer *answer,
                struct s3_call *call) s3_must_check;
/* The same for those who need nothing of the answer. Ends r as well. */
int request_do(struct s3 *s3, struct request *r, struct s3_call *call) s3_must_check;
/* The same for a GET whose answer read() takes apart: 0, or -errno with nothing in
 * arg. -EIO: it makes no sense, and is asked for again, as it may have been damaged
 * on its way. wanted: what it is none of, for the log. */
typedef int request_reader(const char *s, size_t n, void *arg);
int request_read(struct s3 *s3, struct request *r, request_reader *read, void *arg,
                 const char *wanted, struct s3_call *call) s3_must_check;
void request_fini(struct request *r);

/* For what is wrong with a good answer: sets the fault, counts and logs.
 * Returns err. */
int request_fail(struct s3 *s3, const struct request *r, struct s3_call *call, int err,
                 const char *code, const char *message);

#endif
