/* SPDX-License-Identifier: MIT */
#include "object.h"

#include "acl.h"
#include "checksum.h"
#include "date.h"
#include "encode.h"
#include "xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECENT_S 900 /* longer than a call is tried */

/* Of all headers these describe the object; those of the second list come
 * from the service only. Names that end in '*' are prefixes. */
static const char *const settable[] = {
	"content-type",
	"content-encoding",
	"content-disposition",
	"content-language",
	"cache-control",
	"expires",
	"x-amz-meta-*",
	"x-amz-storage-class",
	"x-amz-server-side-encryption",
	"x-amz-server-side-encryption-aws-kms-key-id",
	"x-amz-server-side-encryption-bucket-key-enabled",
	"x-amz-server-side-encryption-context",
	"x-amz-website-redirect-location",
	"x-amz-acl",
	"x-amz-tagging",
	NULL,
};
static const char *const received[] = {
	"x-amz-server-side-encryption*",
	"x-amz-version-id",
	"x-amz-tagging-count",
	NULL,
};

/* Of these a copy has what its request says, even if all else travels along. */
static const char *const stay_behind[] = {
	"x-amz-storage-class",
	"x-amz-server-side-encryption",
	"x-amz-server-side-encryption-aws-kms-key-id",
	"x-amz-server-side-encryption-bucket-key-enabled",
	"x-amz-website-redirect-location",
	NULL,
};

static bool is_among(const char *name, const char *const *names)
{
	for (; *names; names++) {
		size_t n = strlen(*names);

		if ((*names)[n - 1] == '*' ? strncmp(name, *names, n - 1) == 0
		                           : strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

static void add_those(struct request *r, const struct s3_headers *headers, const char *const *names)
{
	for (size_t i = 0; headers && i < headers->n; i++)
		if (is_among(headers->v[i].name, names))
			request_header(r, headers->v[i].name, headers->v[i].value);
}

void object_add_headers(struct request *r, const struct s3_headers *headers)
{
	add_those(r, headers, settable);
}

void object_add_etag(struct request *r, const char *name, const struct s3_etag *etag)
{
	if (etag && etag->s[0])
		request_headerf(r, name, "\"%s\"", etag->s);
}

void object_add_source(const struct s3 *s3, struct request *r, const char *from,
                       const struct s3_etag *if_match)
{
	struct buf path = BUF_INIT;

	if (s3->access_point) {
		percent_encode(&path, s3->access_point, true);
		buf_adds(&path, "/object/");
	} else {
		buf_addc(&path, '/');
		percent_encode(&path, s3->bucket, false);
		buf_addc(&path, '/');
	}
	percent_encode(&path, from, true);
	if (!r->err)
		r->err = buf_error(&path);
	request_header(r, "x-amz-copy-source", path.s);
	object_add_etag(r, "x-amz-copy-source-if-match", if_match);
	terms_add_to_source(&s3->terms, r);
	buf_fini(&path);
}

int object_read(const struct http_answer *answer, struct s3_object *object)
{
	const char *modified = s3_headers_get(&answer->headers, "last-modified");
	const char *etag = s3_headers_get(&answer->headers, "etag");

	*object = (struct s3_object){.modified = modified ? date_parse_http(modified) : -1};
	xml_set_etag(&object->etag, etag ? etag : "");
	for (size_t i = 0; i < answer->headers.n; i++) {
		const struct s3_header *h = &answer->headers.v[i];
		int err = 0;

		if (is_among(h->name, settable) || is_among(h->name, received))
			err = s3_headers_set(&object->headers, h->name, h->value);
		if (err) {
			s3_object_fini(object);
			return err;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------- PUT */

static bool is_recent(struct s3 *s3, time_t modified)
{
	return llabs(time(NULL) + atomic_load(&s3->skew_s) - modified) < RECENT_S;
}

/* Whether the object is the one that body would make. */
static bool is_there(struct s3 *s3, const char *key, const struct s3_body *body,
                     struct s3_etag *etag, const struct s3_call *call)
{
	struct s3_call look = {.cancel = call ? call->cancel : NULL};
	unsigned char md5[CHECKSUM_MD5];
	char hex[CHECKSUM_HEX];
	struct s3_object object;
	bool same;

	if (s3_head(s3, key, &object, &look) != 0)
		return false;
	same = object.size == body->size && checksum_md5(body->iov, body->iovcnt, md5) == 0 &&
	       (strcmp(checksum_hex(hex, md5, sizeof(md5)), object.etag.s) == 0 ||
	        (terms_encrypted(&object.headers) && is_recent(s3, object.modified)));
	*etag = object.etag;
	s3_object_fini(&object);
	return same;
}

static int put(struct s3 *s3, const char *key, const struct s3_headers *headers,
               const struct s3_body *body, unsigned flags, struct s3_etag *etag,
               struct s3_call *call)
{
	struct request r = {
		.op = "PutObject", .method = "PUT", .key = key, .body = body, .flags = flags};
	struct http_answer answer;
	struct s3_etag made = {""};
	const char *value;
	int err;

	object_add_headers(&r, headers);
	terms_add_to_new(&s3->terms, &r);
	terms_add_key(&s3->terms, &r);
	r.may_lack = (flags & S3_IF_ABSENT) && !atomic_load(&s3->no_put_if_absent);
	if (r.may_lack)
		request_header(&r, "if-none-match", "*");
	err = request_run(s3, &r, &answer, call);
	if (err == -EOPNOTSUPP && s3_headers_get(&r.headers, "if-none-match")) {
		atomic_store(&s3->no_put_if_absent, true);
		s3_headers_remove(&r.headers, "if-none-match");
		r.may_lack = false;
		http_answer_fini(&answer);
		err = request_run(s3, &r, &answer, call);
	}
	value = s3_headers_get(&answer.headers, "etag");
	xml_set_etag(&made, value ? value : "");
	/* The first try may have made it, and only its answer been lost. */
	if (err == -EEXIST && r.tries > 1 && is_there(s3, key, body, &made, call))
		err = 0;
	if (!err && !made.s[0])
		err = request_fail(s3, &r, call, -EIO, "Damaged", "no ETag of the object");
	if (!err && etag)
		*etag = made;
	http_answer_fini(&answer);
	request_fini(&r);
	return err;
}

int s3_put(struct s3 *s3, const char *key, const struct s3_headers *headers,
           const struct s3_body *body, unsigned flags, struct s3_etag *etag, struct s3_call *call)
{
	struct buf acl = BUF_INIT;
	int err = acl_take(s3, key, &acl, call);

	if (!err)
		err = put(s3, key, headers, body, flags, etag, call);
	if (!err)
		acl_give(s3, key, &acl, call);
	buf_fini(&acl);
	return err;
}

/* ------------------------------------------------------------------ HEAD */

int s3_head(struct s3 *s3, const char *key, struct s3_object *object, struct s3_call *call)
{
	struct request r = {.op = "HeadObject", .method = "HEAD", .key = key};
	struct http_answer answer;
	int err;

	terms_add_key(&s3->terms, &r);
	err = request_run(s3, &r, &answer, call);
	if (!err) {
		const char *length = s3_headers_get(&answer.headers, "content-length");
		char *end = NULL;
		unsigned long long size = length ? strtoull(length, &end, 10) : 0;

		if (!length || *length < '0' || *length > '9' || *end || size > INT64_MAX)
			err = request_fail(s3, &r, call, -EIO, "Damaged", "no length");
		else
			err = object_read(&answer, object);
		if (!err)
			object->size = size;
	}
	http_answer_fini(&answer);
	request_fini(&r);
	return err;
}

/* ------------------------------------------------------------------ COPY */

/* Whether the object has this ETag by now; -errno. */
static int has_etag(struct s3 *s3, const char *key, const struct s3_etag *etag,
                    struct s3_call *call)
{
	struct s3_object object;
	int err = s3_head(s3, key, &object, call);

	if (err)
		return err;
	err = strcmp(object.etag.s, etag->s) == 0;
	s3_object_fini(&object);
	return err;
}

int object_copy(struct s3 *s3, struct request *r, const char *from, const struct s3_etag *if_match,
                unsigned flags, struct s3_etag *etag, struct s3_call *call)
{
	struct s3_etag made = {""};
	struct http_answer answer;
	bool conditional = if_match && if_match->s[0];
	int err;

	r->may_lack = true;
	err = request_run(s3, r, &answer, call);
	if (err == -ESTALE && conditional) {
		int same = has_etag(s3, from, if_match, call);

		if (same < 0)
			err = same;
		else if (same && strchr(if_match->s, '-')) {
			s3_headers_remove(&r->headers, "x-amz-copy-source-if-match");
			http_answer_fini(&answer);
			err = request_run(s3, r, &answer, call);
			conditional = false;
		} else if (same) {
			conditional = false;
		}
	}
	/* What else there was a condition on is the target. */
	if (err == -ESTALE && !conditional && (flags & S3_IF_ABSENT))
		err = -EEXIST;
	if (!err) {
		err = xml_read_etag(answer.body.s, answer.body.len, &made);
		if (err)
			err = request_fail(s3, r, call, err == -ENODATA ? -EIO : err, "Damaged",
			                   "no ETag of the copy");
	}
	if (!err && terms_encrypted(&answer.headers))
		atomic_store(&s3->copied_encrypted, true);
	if (err == -EOPNOTSUPP && !s3_headers_get(&r->headers, "if-none-match"))
		atomic_store(&s3->no_copy, true);
	if (!err && etag)
		*etag = made;
	http_answer_fini(&answer);
	return err;
}

/* Whether the object has all these metadata. */
static bool has_metadata(struct s3 *s3, const char *key, const struct s3_headers *headers,
                         struct s3_etag *etag, const struct s3_call *call)
{
	struct s3_call look = {.cancel = call ? call->cancel : NULL};
	struct s3_object object;
	bool all = true;

	if (s3_head(s3, key, &object, &look) != 0)
		return false;
	for (size_t i = 0; i < headers->n; i++) {
		const struct s3_header *h = &headers->v[i];
		const char *there = s3_headers_get(&object.headers, h->name);

		if (strncmp(h->name, "x-amz-meta-", 11) == 0)
			all = all && there && strcmp(there, h->value) == 0;
	}
	*etag = object.etag;
	s3_object_fini(&object);
	return all;
}

static int copy(struct s3 *s3, const char *from, const struct s3_etag *if_match, const char *to,
                const struct s3_headers *headers, unsigned flags, struct s3_etag *etag,
                struct s3_call *call)
{
	struct request r = {
		.op = "CopyObject", .method = "PUT", .key = to, .slow = true, .late_error = true};
	struct s3_etag made = {""};
	int err;

	object_add_source(s3, &r, from, if_match);
	if (flags & S3_KEEP_METADATA) {
		add_those(&r, headers, stay_behind);
	} else if (headers) {
		object_add_headers(&r, headers);
		request_header(&r, "x-amz-metadata-directive", "REPLACE");
		if (s3_headers_get(headers, "x-amz-tagging"))
			request_header(&r, "x-amz-tagging-directive", "REPLACE");
	}
	terms_add_to_new(&s3->terms, &r);
	terms_add_key(&s3->terms, &r);
	if ((flags & S3_IF_ABSENT) && !atomic_load(&s3->no_put_if_absent))
		request_header(&r, "if-none-match", "*");
	err = object_copy(s3, &r, from, if_match, flags, &made, call);
	if (err == -EOPNOTSUPP && s3_headers_get(&r.headers, "if-none-match")) {
		s3_headers_remove(&r.headers, "if-none-match");
		err = object_copy(s3, &r, from, if_match, flags, &made, call);
	}
	/* A copy onto itself may have got it another ETag, and its answer been lost. */
	if (err == -ESTALE && r.tries > 1 && headers && strcmp(from, to) == 0 &&
	    has_metadata(s3, to, headers, &made, call))
		err = 0;
	if (!err && etag)
		*etag = made;
	request_fini(&r);
	return err;
}

int s3_copy(struct s3 *s3, const char *from, const struct s3_etag *if_match, const char *to,
            const struct s3_headers *headers, unsigned flags, struct s3_etag *etag,
            struct s3_call *call)
{
	struct buf acl = BUF_INIT;
	int err = acl_take(s3, from, &acl, call);

	if (!err)
		err = copy(s3, from, if_match, to, headers, flags, etag, call);
	if (!err)
		acl_give(s3, to, &acl, call);
	buf_fini(&acl);
	return err;
}
