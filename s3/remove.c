/* SPDX-License-Identifier: MIT */
#include "checksum.h"
#include "encode.h"
#include "fault.h"
#include "request.h"
#include "xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int s3_delete(struct s3 *s3, const char *key, struct s3_call *call)
{
	struct request r = {.op = "DeleteObject", .method = "DELETE", .key = key};
	struct s3_call unwatched = {0};
	int err;

	call = call ? call : &unwatched;
	err = request_do(s3, &r, call);
	/* Some services say so when there was nothing to delete. */
	return err == -ENOENT && strcmp(call->fault.code, "NoSuchBucket") != 0 ? 0 : err;
}

/* A batch: keys[at[i]] for each i. */
struct batch {
	const char *const *keys;
	size_t *at;
	const char **names; /* the keys themselves, for the body */
	size_t n;
	int *results;
};

/* Notes the keys that were not deleted. */
static void note(struct batch *b, const struct xml_delete_result *said, struct s3_call *call)
{
	for (size_t i = 0; i < said->n; i++) {
		const struct xml_undeleted *u = &said->v[i];
		int err = fault_errno(200, u->code, 0);
		bool known = false;

		if (err == -ENOENT && strcmp(u->code, "NoSuchBucket") != 0)
			continue;
		for (size_t k = 0; k < b->n; k++)
			if (u->key && strcmp(b->names[k], u->key) == 0) {
				b->results[b->at[k]] = err;
				known = true;
			}
		/* A key that was spelt another way: any of them may be meant. */
		for (size_t k = 0; !known && k < b->n; k++)
			if (!b->results[b->at[k]])
				b->results[b->at[k]] = err;
		call->fault = (struct s3_fault){.status = 200};
		strcpy(call->fault.code, u->code);
		strcpy(call->fault.message, u->message);
	}
}

static int send_batch(struct s3 *s3, struct batch *b, struct s3_call *call)
{
	struct request r = {.op = "DeleteObjects", .method = "POST", .late_error = true};
	struct xml_delete_result said = {0};
	struct buf text = BUF_INIT, sum = BUF_INIT;
	struct http_answer answer;
	unsigned char md5[CHECKSUM_MD5];
	struct iovec iov;
	struct s3_body body = {.iov = &iov, .iovcnt = 1};
	int err;

	xml_add_delete(&text, b->names, b->n);
	iov = (struct iovec){text.s, text.len};
	body.size = text.len;
	r.body = &body;
	request_param(&r, "delete", "");
	request_header(&r, "content-type", "application/xml");
	err = buf_error(&text);
	if (!err)
		err = checksum_md5(&iov, 1, md5);
	if (!err) {
		base64_encode(&sum, md5, sizeof(md5));
		request_header(&r, "content-md5", sum.s);
		err = request_run(s3, &r, &answer, call);
		if (!err) {
			err = xml_read_delete(answer.body.s, answer.body.len, &said);
			if (err)
				request_fail(s3, &r, call, err, "Damaged", "no DeleteResult");
		}
		http_answer_fini(&answer);
	}
	if (!err)
		note(b, &said, call);
	xml_delete_result_fini(&said);
	buf_fini(&text);
	buf_fini(&sum);
	request_fini(&r);
	return err;
}

/* Fills results; each key's own result is in it. */
static void delete_all(struct s3 *s3, struct batch *b, size_t n, struct s3_call *call)
{
	int err = 0;

	for (size_t i = 0; i < n; i++)
		b->results[i] = 1; /* not settled yet */
	for (size_t i = 0; i < n && !atomic_load(&s3->no_delete_many); i++)
		if (b->keys[i][0] && xml_can_carry(b->keys[i])) {
			b->names[b->n] = b->keys[i];
			b->at[b->n++] = i;
			b->results[i] = 0;
		}
	if (b->n > 0)
		err = send_batch(s3, b, call);
	if (err == -EOPNOTSUPP) {
		atomic_store(&s3->no_delete_many, true);
		for (size_t k = 0; k < b->n; k++)
			b->results[b->at[k]] = 1;
	} else if (err) {
		for (size_t i = 0; i < n; i++)
			b->results[i] = err;
	}
	for (size_t i = 0; i < n; i++)
		if (b->results[i] == 1)
			b->results[i] = s3_delete(s3, b->keys[i], call);
}

int s3_delete_many(struct s3 *s3, const char *const *keys, size_t n, int *results,
                   struct s3_call *call)
{
	struct s3_call unwatched = {0};
	struct batch b = {.keys = keys};
	int err = 0;

	if (n > S3_DELETE_MAX)
		return -EINVAL;
	b.at = calloc(n + 1, sizeof(*b.at));
	b.names = calloc(n + 1, sizeof(*b.names));
	b.results = calloc(n + 1, sizeof(*b.results));
	if (!b.at || !b.names || !b.results)
		err = -ENOMEM;
	else
		delete_all(s3, &b, n, call ? call : &unwatched);
	for (size_t i = 0; i < n; i++) {
		int one = b.results ? b.results[i] : -ENOMEM;

		if (results)
			results[i] = one;
		if (!err)
			err = one;
	}
	free(b.at);
	free(b.names);
	free(b.results);
	return err;
}
