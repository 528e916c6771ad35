/* SPDX-License-Identifier: MIT */
/*
 * s3.h - the whole contract between the filesystem and the S3 client.
 *
 * A struct s3 is one bucket of one service. Its functions are plain and
 * blocking: one call, one answer. Each call signs, sends, classifies and
 * retries by itself; what comes back is final. How fast all of them retry
 * together is bounded, so that a service in trouble gets no more of it.
 *
 * Results   0 (or a length) on success, else -errno:
 *             -ENOENT     no such key, upload or bucket
 *             -EACCES     refused: credentials, signature, policy
 *             -ESTALE     a precondition on an ETag failed (If-Match)
 *             -EEXIST     S3_IF_ABSENT, and the key exists
 *             -EDQUOT     over quota;  -ENOSPC  the service is full
 *             -EFBIG      over a limit of the service
 *             -EINVAL     a request the service does not accept
 *             -EOPNOTSUPP the service does not know the operation
 *             -EINTR      *call->cancel became true
 *             -ETIMEDOUT  still failing when retry_time_s had passed
 *             -EIO        anything else, damaged answers among it
 *             -EMFILE     no connection, as no more files may be open
 *             -ENOMEM
 * Keys      NUL-terminated, not encoded, without a leading slash; at most
 *           S3_KEY_MAX bytes.
 * Units     sizes, offsets and lengths are bytes; _s and _ms say their own.
 * Ownership arguments are borrowed for the call. What a call fills in
 *           (struct s3_object, s3_page, s3_parts, s3_uploads, char **) is
 *           the caller's, to be ended with its _fini (or free()). After an
 *           error nothing needs to be ended.
 * Threads   every function may be called from any thread at any time.
 */
#ifndef POURFS_S3_H
#define POURFS_S3_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#define S3_KEY_MAX    1024                /* bytes of a key */
#define S3_PARTS_MAX  10000               /* parts of an upload */
#define S3_PART_MIN   (UINT64_C(5) << 20) /* all but the last part */
#define S3_PART_MAX   (UINT64_C(5) << 30) /* one part, one PUT, one copy */
#define S3_META_MAX   2048                /* user metadata, names and values */
#define S3_DELETE_MAX 1000                /* keys of a DeleteObjects */
#define S3_URL_MAX    604800              /* seconds for which a URL is good */

#define s3_must_check __attribute__((warn_unused_result))

struct s3;

enum s3_addressing {
	S3_ADDRESS_AUTO,  /* by path at a given endpoint, by host at AWS */
	S3_ADDRESS_PATH,  /* https://endpoint/bucket/key */
	S3_ADDRESS_VHOST, /* https://bucket.endpoint/key */
};

/* Of AWS's own endpoints. */
enum s3_variants {
	S3_DUALSTACK = 1,  /* by IPv6, too; else AWS_USE_DUALSTACK_ENDPOINT */
	S3_FIPS = 2,       /* else AWS_USE_FIPS_ENDPOINT */
	S3_ACCELERATE = 4, /* through the nearest edge, for buckets that allow it */
};

/* All strings are borrowed for s3_new() only. NULL or 0: the default. */
struct s3_conf {
	const char *bucket;   /* or the ARN of an access point */
	const char *endpoint; /* URL; else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL,
	                         the profile's endpoint_url, or AWS by region */
	const char *region;   /* else AWS_REGION, AWS_DEFAULT_REGION, the
	                         profile's region, or us-east-1 */
	const char *profile;  /* else AWS_PROFILE, AWS_DEFAULT_PROFILE, "default" */
	const char *user_agent;
	const char *acl; /* x-amz-acl of all that is made; "keep": an object that is
	                    copied or replaced hands its list on, by two requests */
	const char *sse; /* "AES256", "aws:kms", "aws:kms:dsse": of all that is made */
	const char *sse_kms_key_id;
	const char *sse_c_key_file; /* a customer's key for all that is made and read: 32 bytes
	                               or their base64, in a file that others cannot read */
	const char *bucket_owner;   /* the account that has to own the bucket */
	const char *ca_file;        /* PEM; else AWS_CA_BUNDLE, else the system's */
	const char *client_cert;    /* PEM, to show to a service that asks for one */
	const char *client_key;     /* PEM; else it is in client_cert, too */
	const char *proxy;          /* URL; "": none. NULL: as the environment says */
	const char *passwd_file;    /* of s3fs: [BUCKET:]ACCESS:SECRET a line */
	enum s3_addressing addressing;
	unsigned variants;   /* enum s3_variants */
	bool anonymous;      /* send unsigned requests */
	bool requester_pays; /* and know it */
	uint64_t send_rate;  /* bytes a second of all bodies together; 0: no limit */
	uint64_t receive_rate;
	unsigned connect_timeout_s; /* 10 */
	unsigned stall_timeout_s;   /* 30: a transfer below 1 KiB/s for so long is begun anew */
	unsigned retry_time_s;      /* 300: how long one call is kept trying, from its first
	                               failure on */
	unsigned connections;       /* 16: idle connections kept open at most */
};

/* Why a call failed, for people. Texts are printable: control characters of
 * the service's own words have been replaced. */
struct s3_fault {
	int status;    /* HTTP status; 0: no answer came */
	char code[64]; /* the service's <Code>, or ours: Connect, Timeout, ... */
	char message[256];
	char request_id[128]; /* x-amz-request-id, for the service's support */
};

/* What accompanies one call; zero-initialise. Every function takes NULL. */
struct s3_call {
	const atomic_bool *cancel; /* in: set it to end the call with -EINTR, also
	                              while it waits to retry (noticed within 1 s) */
	_Atomic uint64_t *sent;    /* in: grows by the body bytes handed to the
	                              network; a try that fails takes its own back */
	_Atomic uint64_t *retries; /* in: grows by one with each further try */
	unsigned retry_time_s;     /* in: 0, or instead of the client's own */
	bool may_refuse;           /* in: -EACCES is an answer like -ENOENT: not logged */
	bool guess;                /* in: what nobody may want: one try, and no failure
	                              is counted or logged */
	struct s3_fault fault;     /* out: valid after an error */
};

struct s3_etag {
	char s[80]; /* without quotes; "" is unknown */
};

/* Header fields of an object, in the order they were added. Names are lower
 * case. Received are only those that describe the object: content-type,
 * -encoding, -disposition, -language, cache-control, expires, x-amz-meta-*,
 * x-amz-storage-class, x-amz-server-side-encryption*, x-amz-version-id,
 * x-amz-tagging-count, x-amz-website-redirect-location. */
struct s3_header {
	char *name;
	char *value;
};
struct s3_headers {
	struct s3_header *v;
	size_t n;
};

/* Copies both strings; a name that is there already gets the new value.
 * -EINVAL: not a header name, or a value with CR, LF, NUL or another control
 * character. -ENOMEM. */
int s3_headers_set(struct s3_headers *h, const char *name, const char *value) s3_must_check;
/* NULL if there is none. Borrowed until h changes. */
const char *s3_headers_get(const struct s3_headers *h, const char *name);
void s3_headers_remove(struct s3_headers *h, const char *name);
int s3_headers_copy(struct s3_headers *to, const struct s3_headers *from) s3_must_check;
void s3_headers_fini(struct s3_headers *h);

struct s3_object {
	uint64_t size;
	time_t modified; /* Last-Modified */
	struct s3_etag etag;
	struct s3_headers headers;
};
void s3_object_fini(struct s3_object *o);

/* Bytes to be sent, wherever they lie. They must not change during the call. */
struct s3_body {
	const struct iovec *iov;
	int iovcnt;
	uint64_t size; /* the sum of iov_len */
};

/* ------------------------------------------------------------- the client */

/* Reads the configuration and credentials; sends nothing. On error *fault says
 * what is wrong and what to do. -EINVAL, -EACCES (no credentials, or a
 * credentials file that others can read), -ENOMEM. Call it after fork(). */
int s3_new(struct s3 **out, const struct s3_conf *conf, struct s3_fault *fault) s3_must_check;
void s3_free(struct s3 *s3); /* no call may be under way; accepts NULL */

const char *s3_bucket(const struct s3 *s3);
const char *s3_endpoint(const struct s3 *s3); /* "https://host[:port]" */
const char *s3_region(const struct s3 *s3);
/* Where its keys are from, for people; NULL: it signs nothing. */
const char *s3_source(const struct s3 *s3);

/* What it was seen not to know, and is done without since: an ability of the API, for
 * people. The i-th; NULL: there are no more. */
const char *s3_lacks(const struct s3 *s3, size_t i);
/* Whether any object will be copied that it is asked to copy. false when it refused one,
 * and when there are encrypted ones and it has not copied any yet: some services know
 * CopyObject and UploadPartCopy, and answer those of such objects with -EOPNOTSUPP. AWS
 * is not suspected. */
bool s3_copies(const struct s3 *s3);

struct s3_stats {
	uint64_t requests;                   /* tries, all of them */
	uint64_t retries;                    /* tries beyond the first of their call */
	uint64_t errors;                     /* calls that failed, -ENOENT not counted */
	uint64_t bytes_sent, bytes_received; /* bodies */
};
void s3_stats(const struct s3 *s3, struct s3_stats *out);

/* How a request ended: by an answer that did what was asked, one that refused it (4xx),
 * one that asked for patience (429, 5xx), or none. */
enum s3_result {
	S3_RESULT_OK,
	S3_RESULT_REFUSED,
	S3_RESULT_UNWELL,
	S3_RESULT_SILENT,
};
#define S3_RESULTS       4
#define S3_METER_BUCKETS 12
extern const unsigned s3_meter_ms[S3_METER_BUCKETS]; /* their upper ends */

struct s3_meter {
	const char *op; /* S3 API action */
	uint64_t results[S3_RESULTS], retries, took_us;
	uint64_t buckets[S3_METER_BUCKETS + 1]; /* tries that took so long, and longer */
};
/* The i-th action; false: there are no more. */
bool s3_meter(const struct s3 *s3, size_t i, struct s3_meter *out);

/* ---------------------------------------------------------------- objects */

enum s3_flags {
	S3_IF_ABSENT = 1,     /* If-None-Match: *, where the service honours it */
	S3_KEEP_METADATA = 2, /* of s3_copy() alone */
};

/* PutObject. headers may be NULL. etag may be NULL. size <= S3_PART_MAX. */
int s3_put(struct s3 *s3, const char *key, const struct s3_headers *headers,
           const struct s3_body *body, unsigned flags, struct s3_etag *etag,
           struct s3_call *call) s3_must_check;

/* GetObject with a Range into iov, beginning at offset. Returns the number of
 * bytes read: the sum of iov_len, fewer only at the end of the object, 0 at or
 * beyond it. if_match: NULL, or -ESTALE when the object has another ETag by
 * now. object: NULL, or filled in as by s3_head() (size of the whole object).
 * A body that breaks off is resumed, with If-Match, where it broke. iov_base
 * NULL: those bytes are not wanted. */
ssize_t s3_get(struct s3 *s3, const char *key, uint64_t offset, const struct iovec *iov, int iovcnt,
               const struct s3_etag *if_match, struct s3_object *object,
               struct s3_call *call) s3_must_check;

/* A URL by which anybody may read the object, for expires_s (1 to S3_URL_MAX) from
 * now on or until the keys expire; without keys the plain one. Nobody is asked
 * whether it is there. *url is for free(). -EINVAL: no such key or time;
 * -EOPNOTSUPP: with a customer's key there are none. */
int s3_url(struct s3 *s3, const char *key, unsigned expires_s, char **url,
           struct s3_call *call) s3_must_check;

/* HeadObject. */
int s3_head(struct s3 *s3, const char *key, struct s3_object *object,
            struct s3_call *call) s3_must_check;

/* CopyObject within the bucket, up to S3_PART_MAX. headers NULL: the metadata
 * travels along, but storage class, encryption and redirection do not; else
 * these replace it (content-type and the other settable names of struct
 * s3_headers; the rest is ignored). With S3_KEEP_METADATA they are those of the
 * source: what travels by itself does, and the rest is taken from them. Tags
 * travel, but not all services let them when metadata are replaced. from may
 * equal to if metadata are replaced. if_match: -ESTALE when the source has
 * another ETag by now. */
int s3_copy(struct s3 *s3, const char *from, const struct s3_etag *if_match, const char *to,
            const struct s3_headers *headers, unsigned flags, struct s3_etag *etag,
            struct s3_call *call) s3_must_check;

/* GetObjectTagging. *tags is for free(): "key=value&...", encoded as the header
 * x-amz-tagging wants them; "" if there are none. */
int s3_get_tags(struct s3 *s3, const char *key, char **tags, struct s3_call *call) s3_must_check;
/* PutObjectTagging, of what s3_get_tags() gave. */
int s3_put_tags(struct s3 *s3, const char *key, const char *tags,
                struct s3_call *call) s3_must_check;

/* With acl "keep": to gets the access control list of from, as s3_copy() gives it. */
void s3_keep_acl(struct s3 *s3, const char *from, const char *to, struct s3_call *call);

/* DeleteObject: no error if there is none. */
int s3_delete(struct s3 *s3, const char *key, struct s3_call *call) s3_must_check;

/* DeleteObjects, n <= S3_DELETE_MAX. results: NULL, or n entries that get 0 or
 * -errno each. Returns the first of the errors. */
int s3_delete_many(struct s3 *s3, const char *const *keys, size_t n, int *results,
                   struct s3_call *call) s3_must_check;

/* ---------------------------------------------------------------- listing */

struct s3_entry {
	char *key; /* a key, or a common prefix with its trailing delimiter */
	uint64_t size;
	time_t modified;
	struct s3_etag etag;
	bool prefix; /* a common prefix: only key is set */
};
struct s3_page {
	struct s3_entry *v; /* in the order of their keys */
	size_t n;
	char *next; /* token of the next page, NULL at the end */
};
void s3_page_fini(struct s3_page *p);

/* ListObjectsV2: one page of the keys that begin with prefix. delimiter: '/'
 * or 0. start_after, token: NULL or as the API means them. max: 1..1000. */
int s3_list(struct s3 *s3, const char *prefix, char delimiter, const char *start_after,
            const char *token, unsigned max, struct s3_page *page,
            struct s3_call *call) s3_must_check;

/* -------------------------------------------------------------- multipart */

struct s3_part {
	unsigned number; /* 1..S3_PARTS_MAX */
	uint64_t size;
	struct s3_etag etag;
};
struct s3_parts {
	struct s3_part *v; /* ascending numbers */
	size_t n;
};
void s3_parts_fini(struct s3_parts *p);
/* Whether an object with that ETag is what completing just these parts makes. false
 * also where an ETag is no MD5, so that it cannot be told. */
bool s3_parts_make(const struct s3_parts *p, const struct s3_etag *etag);

struct s3_upload {
	char *key;
	char *id;
	time_t initiated;
};
struct s3_uploads {
	struct s3_upload *v;
	size_t n;
};
void s3_uploads_fini(struct s3_uploads *u);

/* CreateMultipartUpload. *id is for free(). When answers were lost, what other
 * uploads were begun for the key meanwhile is logged. */
int s3_upload_create(struct s3 *s3, const char *key, const struct s3_headers *headers, char **id,
                     struct s3_call *call) s3_must_check;

/* UploadPart. The same number again overwrites the part. */
int s3_upload_part(struct s3 *s3, const char *key, const char *id, unsigned number,
                   const struct s3_body *body, struct s3_etag *etag,
                   struct s3_call *call) s3_must_check;

/* UploadPartCopy of [offset, offset + size) of an object of the bucket.
 * size 0: the whole object. -ESTALE as in s3_copy(). */
int s3_upload_part_copy(struct s3 *s3, const char *key, const char *id, unsigned number,
                        const char *from, uint64_t offset, uint64_t size,
                        const struct s3_etag *if_match, struct s3_etag *etag,
                        struct s3_call *call) s3_must_check;

/* CompleteMultipartUpload with these parts, in ascending order. size: of the
 * whole object, checked. An answer that was lost is settled by a look at the
 * object: success if it is this upload's. */
int s3_upload_complete(struct s3 *s3, const char *key, const char *id, const struct s3_part *parts,
                       size_t n, uint64_t size, unsigned flags, struct s3_etag *etag,
                       struct s3_call *call) s3_must_check;

/* AbortMultipartUpload: no error if there is none. */
int s3_upload_abort(struct s3 *s3, const char *key, const char *id,
                    struct s3_call *call) s3_must_check;

/* ListParts, all pages. */
int s3_upload_parts(struct s3 *s3, const char *key, const char *id, struct s3_parts *parts,
                    struct s3_call *call) s3_must_check;

/* ListMultipartUploads below prefix, all pages. */
int s3_uploads(struct s3 *s3, const char *prefix, struct s3_uploads *uploads,
               struct s3_call *call) s3_must_check;

#endif
