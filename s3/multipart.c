/* SPDX-License-Identifier: MIT */
#include "acl.h"
#include "checksum.h"
#include "log.h"
#include "object.h"
#include "xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECENT_S      900
#define LOOK_S        10 /* how long a look at a doubtful outcome is tried */
#define CLOCK_SLACK_S 5

/* A try whose answer was lost may have made one, too. Nothing tells it from
 * another client's, so it is not ended, but named. */
static void name_lost(struct s3 *s3, const char *key, const char *id, time_t since,
                      const struct s3_call *call)
{
	struct s3_call look = {.cancel = call ? call->cancel : NULL, .retry_time_s = LOOK_S};
	struct s3_uploads found;
	char text[1200], quoted[256];

	if (s3_uploads(s3, key, &found, &look) != 0)
		return;
	for (size_t i = 0; i < found.n; i++) {
		const struct s3_upload *u = &found.v[i];

		if (strcmp(u->key, key) == 0 && strcmp(u->id, id) != 0 && u->initiated >= since)
			log_warn("an upload of %s may have been left behind, its id is %s",
			         log_quote(text, sizeof(text), key),
			         log_quote(quoted, sizeof(quoted), u->id));
	}
	s3_uploads_fini(&found);
}

int s3_upload_create(struct s3 *s3, const char *key, const struct s3_headers *headers, char **id,
                     struct s3_call *call)
{
	struct request r = {.op = "CreateMultipartUpload", .method = "POST", .key = key};
	time_t since = time(NULL) + atomic_load(&s3->skew_s) - CLOCK_SLACK_S;
	struct http_answer answer;
	int err;

	request_param(&r, "uploads", "");
	object_add_headers(&r, headers);
	terms_add_to_new(&s3->terms, &r);
	terms_add_key(&s3->terms, &r);
	err = request_run(s3, &r, &answer, call);
	if (!err) {
		err = xml_read_upload_id(answer.body.s, answer.body.len, id);
		if (err)
			request_fail(s3, &r, call, err, "Damaged", "no id of the upload");
	}
	if (r.tries > 1 || err == -EIO)
		name_lost(s3, key, err ? "" : *id, since, call);
	http_answer_fini(&answer);
	request_fini(&r);
	return err;
}

int s3_upload_part(struct s3 *s3, const char *key, const char *id, unsigned number,
                   const struct s3_body *body, struct s3_etag *etag, struct s3_call *call)
{
	struct request r = {.op = "UploadPart", .method = "PUT", .key = key, .body = body};
	struct http_answer answer;
	struct s3_etag made;
	const char *value;
	char text[16];
	int err;

	snprintf(text, sizeof(text), "%u", number);
	request_param(&r, "partNumber", text);
	request_param(&r, "uploadId", id);
	terms_add_key(&s3->terms, &r);
	err = request_run(s3, &r, &answer, call);
	value = s3_headers_get(&answer.headers, "etag");
	xml_set_etag(&made, value ? value : "");
	/* No upload can be completed without it. */
	if (!err && !made.s[0])
		err = request_fail(s3, &r, call, -EIO, "Damaged", "no ETag of the part");
	if (!err && etag)
		*etag = made;
	http_answer_fini(&answer);
	request_fini(&r);
	return err;
}

int s3_upload_part_copy(struct s3 *s3, const char *key, const char *id, unsigned number,
                        const char *from, uint64_t offset, uint64_t size,
                        const struct s3_etag *if_match, struct s3_etag *etag, struct s3_call *call)
{
	struct request r = {.op = "UploadPartCopy",
	                    .method = "PUT",
	                    .key = key,
	                    .slow = true,
	                    .late_error = true};
	char text[16];
	int err;

	snprintf(text, sizeof(text), "%u", number);
	request_param(&r, "partNumber", text);
	request_param(&r, "uploadId", id);
	object_add_source(s3, &r, from, if_match);
	terms_add_key(&s3->terms, &r);
	if (size > 0)
		request_headerf(&r, "x-amz-copy-source-range", "bytes=%llu-%llu",
		                (unsigned long long)offset,
		                (unsigned long long)(offset + size - 1));
	err = object_copy(s3, &r, from, if_match, 0, etag, call);
	request_fini(&r);
	return err;
}

int s3_upload_abort(struct s3 *s3, const char *key, const char *id, struct s3_call *call)
{
	struct request r = {.op = "AbortMultipartUpload", .method = "DELETE", .key = key};
	struct s3_call unwatched = {0};
	int err;

	call = call ? call : &unwatched;
	request_param(&r, "uploadId", id);
	err = request_do(s3, &r, call);
	return err == -ENOENT && strcmp(call->fault.code, "NoSuchBucket") != 0 ? 0 : err;
}

/* --------------------------------------------------------------- complete */

struct complete {
	const char *key;
	const struct s3_part *parts;
	size_t n;
	uint64_t size;
};

/* The ETag that S3 gives to such an object: the MD5 of the MD5s of the parts,
 * and their number. False if the ETags of the parts are no MD5s. */
static bool expected_etag(const struct complete *c, struct s3_etag *etag)
{
	unsigned char *all = reallocarray(NULL, c->n, CHECKSUM_MD5), md5[CHECKSUM_MD5];
	struct iovec iov = {all, c->n * CHECKSUM_MD5};
	char hex[CHECKSUM_HEX];
	bool ok = all != NULL;

	for (size_t i = 0; ok && i < c->n; i++)
		ok = checksum_unhex(all + i * CHECKSUM_MD5, CHECKSUM_MD5, c->parts[i].etag.s) == 0;
	ok = ok && checksum_md5(&iov, 1, md5) == 0;
	if (ok)
		snprintf(etag->s, sizeof(etag->s), "%s-%zu", checksum_hex(hex, md5, sizeof(md5)),
		         c->n);
	free(all);
	return ok;
}

bool s3_parts_make(const struct s3_parts *p, const struct s3_etag *etag)
{
	const struct complete c = {.parts = p->v, .n = p->n};
	struct s3_etag want;

	return p->n && expected_etag(&c, &want) && strcmp(want.s, etag->s) == 0;
}

/* Whether the object under the key was made by this upload. */
static bool is_made(struct s3 *s3, const struct complete *c, struct s3_etag *etag,
                    const struct s3_call *call)
{
	struct s3_call look = {.cancel = call->cancel, .retry_time_s = LOOK_S};
	struct s3_object object;
	struct s3_etag want;
	char count[16];
	const char *dash;
	int64_t age;
	bool made;

	if (s3_head(s3, c->key, &object, &look) != 0)
		return false;
	*etag = object.etag;
	snprintf(count, sizeof(count), "%zu", c->n);
	dash = strchr(object.etag.s, '-');
	age = time(NULL) + atomic_load(&s3->skew_s) - object.modified;
	made = object.size == c->size &&
	       (expected_etag(c, &want) ? strcmp(want.s, object.etag.s) == 0
	                                : dash && strcmp(dash + 1, count) == 0 && age < RECENT_S &&
	                                          age > -RECENT_S);
	s3_object_fini(&object);
	return made;
}

static int check_parts(const struct complete *c)
{
	uint64_t sum = 0;

	if (c->n < 1 || c->n > S3_PARTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < c->n; i++) {
		unsigned previous = i > 0 ? c->parts[i - 1].number : 0;

		if (c->parts[i].number <= previous || c->parts[i].number > S3_PARTS_MAX)
			return -EINVAL;
		sum += c->parts[i].size;
	}
	return sum == c->size ? 0 : -EINVAL;
}

/* Takes out a header that the service does not know. False: none is to blame. */
static bool degrade(struct s3 *s3, struct request *r, int err, const struct s3_fault *fault)
{
	bool named = strstr(fault->message, "mp-object-size") != NULL;

	if (err != -EOPNOTSUPP && !(err == -EINVAL && named))
		return false;
	if (s3_headers_get(&r->headers, "x-amz-mp-object-size")) {
		s3_headers_remove(&r->headers, "x-amz-mp-object-size");
		atomic_store(&s3->no_object_size, true);
		return true;
	}
	if (s3_headers_get(&r->headers, "if-none-match")) {
		s3_headers_remove(&r->headers, "if-none-match");
		atomic_store(&s3->no_complete_if_absent, true);
		return true;
	}
	return false;
}

/* The service says that it is done. Its ETag proves that the object is what was
 * sent; where there is none, or it is no MD5, a look at the size has to do.
 * made: as it was answered, or "". */
static int confirm(struct s3 *s3, const struct request *r, const struct complete *c,
                   struct s3_etag *made, struct s3_call *call)
{
	struct s3_call look = {.cancel = call->cancel, .may_refuse = true};
	struct s3_etag want;
	bool known = expected_etag(c, &want), same;
	struct s3_object object;
	int err;

	if (known && strcmp(made->s, want.s) == 0)
		return 0;
	err = s3_head(s3, c->key, &object, &look);
	if (err == -EACCES && (known || made->s[0])) {
		*made = made->s[0] ? *made : want;
		return 0; /* who may only write has to believe it */
	}
	if (err) {
		call->fault = look.fault;
		return err == -ENOENT ? -EIO : err;
	}
	/* With another ETag than was answered, it is another's by now. */
	same = object.size == c->size || (made->s[0] && strcmp(made->s, object.etag.s) != 0);
	*made = made->s[0] ? *made : object.etag;
	s3_object_fini(&object);
	if (!same)
		err = request_fail(s3, r, call, -EIO, "Damaged",
		                   "the object has not the size of what was sent");
	return err;
}

static int send_complete(struct s3 *s3, struct request *r, const struct complete *c,
                         struct s3_etag *etag, struct s3_call *call)
{
	struct http_answer answer;
	int err;

	for (;;) {
		err = request_run(s3, r, &answer, call);
		if (!err || !degrade(s3, r, err, &call->fault))
			break;
		http_answer_fini(&answer);
	}
	if (!err) {
		err = xml_read_etag(answer.body.s, answer.body.len, etag);
		if (err == -ENODATA) /* Ceph 16 leaves it empty */
			*etag = (struct s3_etag){""};
		if (err == -ENODATA || !err)
			err = confirm(s3, r, c, etag, call);
		else if (is_made(s3, c, etag, call))
			err = 0;
		else
			request_fail(s3, r, call, err, "Damaged", "no ETag of the object");
	} else if (r->tries > 1 && err != -EINTR && err != -EACCES && is_made(s3, c, etag, call)) {
		/* An earlier try had done it, and its answer was lost: the later
		 * ones found no upload (404; 500 from Ceph) or its object (412). */
		err = 0;
	}
	http_answer_fini(&answer);
	return err;
}

int s3_upload_complete(struct s3 *s3, const char *key, const char *id, const struct s3_part *parts,
                       size_t n, uint64_t size, unsigned flags, struct s3_etag *etag,
                       struct s3_call *call)
{
	struct request r = {.op = "CompleteMultipartUpload",
	                    .method = "POST",
	                    .key = key,
	                    .flags = flags,
	                    .slow = true,
	                    .late_error = true};
	const struct complete c = {key, parts, n, size};
	struct s3_call unwatched = {0};
	struct s3_etag made = {""};
	struct buf text = BUF_INIT, acl = BUF_INIT;
	struct s3_body body = {.iovcnt = 1};
	struct iovec iov;
	int err = check_parts(&c);

	call = call ? call : &unwatched;
	if (err)
		return request_fail(s3, &r, call, err, "Parts", "not the parts of such an object");
	xml_add_complete(&text, parts, n);
	iov = (struct iovec){text.s, text.len};
	body.iov = &iov;
	body.size = text.len;
	r.body = &body;
	r.err = buf_error(&text);
	request_param(&r, "uploadId", id);
	request_header(&r, "content-type", "application/xml");
	terms_add_key(&s3->terms, &r);
	if (!atomic_load(&s3->no_object_size))
		request_headerf(&r, "x-amz-mp-object-size", "%llu", (unsigned long long)size);
	if ((flags & S3_IF_ABSENT) && !atomic_load(&s3->no_complete_if_absent))
		request_header(&r, "if-none-match", "*");
	err = acl_take(s3, key, &acl, call);
	if (!err)
		err = send_complete(s3, &r, &c, &made, call);
	if (!err)
		acl_give(s3, key, &acl, call);
	if (!err && etag)
		*etag = made;
	buf_fini(&acl);
	buf_fini(&text);
	request_fini(&r);
	return err;
}
