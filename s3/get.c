/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "object.h"
#include "proof.h"
#include "xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A read under way: bytes [offset, offset + wanted), of which done are here. */
struct get {
	uint64_t offset, wanted, done;
	struct s3_etag etag; /* "": not known yet */
	uint64_t size;       /* of the object; valid once known */
	bool known;          /* an answer came, and object was filled in */
	struct s3_object *object;
	struct s3_headers headers; /* of the first answer, if it may be the whole object */
	unsigned strange;          /* how often not what was asked for came */
	unsigned damaged;          /* how often the bytes were wrong */
	char md5[CHECKSUM_HEX];    /* that they had then */
};

/* Which bytes of how many the answer carries. 0 or -EIO. */
static int read_extent(const struct http_answer *a, uint64_t *first, uint64_t *n, uint64_t *size)
{
	const char *range = s3_headers_get(&a->headers, "content-range");
	const char *length = s3_headers_get(&a->headers, "content-length");
	unsigned long long from, to, of;
	int end = 0;

	if (a->status == 206) {
		if (!range || sscanf(range, "bytes %llu-%llu/%llu%n", &from, &to, &of, &end) != 3 ||
		    range[end] || from > to || to >= of || of > INT64_MAX)
			return -EIO;
		*first = from;
		*n = to - from + 1;
		*size = of;
		return 0;
	}
	if (a->status != 200 || !length || sscanf(length, "%llu%n", &of, &end) != 1 ||
	    length[end] || of > INT64_MAX)
		return -EIO;
	*first = 0;
	*n = *size = of;
	return 0;
}

/* Whether this is what was asked for, whole or not; then it counts as done. */
static int accept(struct get *g, struct http_answer *a, bool whole)
{
	const char *value = s3_headers_get(&a->headers, "etag");
	struct s3_etag etag;
	uint64_t first, n, size;
	int err = read_extent(a, &first, &n, &size);

	if (err)
		return err;
	xml_set_etag(&etag, value ? value : "");
	if (g->etag.s[0] && etag.s[0] && strcmp(g->etag.s, etag.s) != 0)
		return -ESTALE; /* some services do not know If-Match */
	if (first != g->offset + g->done || n > g->wanted - g->done ||
	    (whole ? a->received != n : a->received > n) || (g->known && size != g->size))
		return -EIO;
	if (!g->known && g->object) {
		err = object_read(a, g->object);
		if (err)
			return err;
		g->object->size = size;
	}
	if (!g->known && g->offset == 0 && size <= g->wanted) {
		s3_headers_fini(&g->headers);
		g->headers = a->headers;
		a->headers = (struct s3_headers){0};
	}
	g->known = true;
	g->size = size;
	g->etag = etag;
	g->done += a->received;
	return 0;
}

/* Nothing to read at the offset: but what is the object? */
static int settle_beyond(struct s3 *s3, const struct request *r, struct get *g,
                         struct s3_call *call)
{
	int err = 0;

	if (g->done > 0)
		return request_fail(s3, r, call, -EIO, "Damaged", "the object ends too early");
	if (g->object)
		err = s3_head(s3, r->key, g->object, call);
	if (!err && g->object) {
		g->known = true;
		if (g->etag.s[0] && strcmp(g->object->etag.s, g->etag.s) != 0)
			err = request_fail(s3, r, call, -ESTALE, "PreconditionFailed", "");
	}
	return err;
}

static int step(struct s3 *s3, struct request *r, struct get *g, struct s3_call *call)
{
	struct http_answer answer;
	int err, end;

	r->into_skip = g->done;
	r->err = 0;
	s3_headers_fini(&r->headers);
	request_headerf(r, "range", "bytes=%llu-%llu", (unsigned long long)(g->offset + g->done),
	                (unsigned long long)(g->offset + g->wanted - 1));
	object_add_etag(r, "if-match", &g->etag);
	terms_add_key(&s3->terms, r);
	if (g->offset + g->done == 0)
		request_header(r, "x-amz-checksum-mode", "ENABLED");
	err = request_run(s3, r, &answer, call);
	if (err == 0 && answer.status == 416) {
		err = settle_beyond(s3, r, g, call);
		g->wanted = err ? g->wanted : 0;
	} else if (err >= 0) {
		end = accept(g, &answer, err == 0);
		if (end == -EIO && ++g->strange < REQUEST_DAMAGED_MAX) {
			http_answer_fini(&answer);
			return 0;
		}
		/* Without an ETag the rest may be of another object. */
		if (!end && err == REQUEST_RESUME && !g->etag.s[0])
			end = -EIO;
		err = end;
		if (err)
			request_fail(s3, r, call, err,
			             err == -ESTALE ? "PreconditionFailed" : "Damaged",
			             err == -ESTALE ? "" : "not the bytes that were asked for");
	}
	http_answer_fini(&answer);
	return err;
}

/* The ETags of some services only look like MD5s. They are believed when one was
 * one; else when the same bytes, read again and again, are at odds with it. */
static bool is_no_md5(struct s3 *s3, struct get *g, const char md5[CHECKSUM_HEX])
{
	bool same = g->damaged == 0 || strcmp(g->md5, md5) == 0;

	strcpy(g->md5, same ? md5 : "");
	if (atomic_load(&s3->md5_etags) || !same || !g->md5[0] ||
	    g->damaged + 1 < REQUEST_DAMAGED_MAX)
		return false;
	if (!atomic_exchange(&s3->no_md5_etags, true))
		log_warn("the ETags of this service are no MD5s: what is read cannot be checked "
		         "by them");
	return true;
}

/* Whether the bytes of a whole object are its own. 1: no, but they may be next time. */
static int prove(struct s3 *s3, const struct request *r, struct get *g, struct s3_call *call)
{
	struct iovec *iov = calloc((size_t)r->intocnt, sizeof(*iov));
	char md5[CHECKSUM_HEX], text[128], key[256];
	uint64_t left = g->size;
	enum proof proof;
	const char *by;
	int n = 0;

	if (!iov)
		return request_fail(s3, r, call, -ENOMEM, "NoMemory", strerror(ENOMEM));
	for (; n < r->intocnt && left > 0; n++) {
		if (!r->into[n].iov_base) { /* nobody has those */
			free(iov);
			return 0;
		}
		iov[n] = r->into[n];
		if (iov[n].iov_len > left)
			iov[n].iov_len = left;
		left -= iov[n].iov_len;
	}
	proof = proof_of(&g->headers, iov, n, &by, md5);
	free(iov);
	if (proof == PROOF_GOOD && md5[0])
		atomic_store(&s3->md5_etags, true);
	if (proof == PROOF_NOT_MD5 && (atomic_load(&s3->no_md5_etags) || is_no_md5(s3, g, md5)))
		proof = PROOF_NONE;
	if (proof == PROOF_GOOD || proof == PROOF_NONE)
		return 0;
	snprintf(text, sizeof(text), "the bytes are not those of its %s", by);
	if (++g->damaged == REQUEST_DAMAGED_MAX)
		return request_fail(s3, r, call, -EIO, "Damaged", text);
	log_info("%s %s: %s: try again", r->op, log_quote(key, sizeof(key), r->key), text);
	g->done = 0;
	return 1;
}

ssize_t s3_get(struct s3 *s3, const char *key, uint64_t offset, const struct iovec *iov, int iovcnt,
               const struct s3_etag *if_match, struct s3_object *object, struct s3_call *call)
{
	struct request r = {
		.op = "GetObject", .method = "GET", .key = key, .into = iov, .intocnt = iovcnt};
	struct get g = {.offset = offset, .object = object};
	int err = 0, again;

	for (int i = 0; i < iovcnt; i++)
		g.wanted += iov[i].iov_len;
	if (offset > INT64_MAX || g.wanted > INT64_MAX - offset)
		return -EINVAL;
	if (if_match)
		g.etag = *if_match;
	if (g.wanted == 0)
		return object ? s3_head(s3, key, object, call) : 0;
	/* Each round has brought a byte or some damage, so the rounds end. */
	do {
		while (!err && g.done < g.wanted && (!g.known || g.offset + g.done < g.size))
			err = step(s3, &r, &g, call);
		again = !err && g.headers.n > 0 ? prove(s3, &r, &g, call) : err;
	} while (again > 0);
	err = again;
	s3_headers_fini(&g.headers);
	request_fini(&r);
	if (err && g.known && object)
		s3_object_fini(object);
	return err ? err : (ssize_t)g.done;
}
