/* SPDX-License-Identifier: MIT */
#include "request.h"
#include "xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define UPLOADS_MAX 100000 /* a service that lists more is not to be believed */

void s3_page_fini(struct s3_page *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].key);
	free(p->v);
	free(p->next);
	*p = (struct s3_page){0};
}

void s3_parts_fini(struct s3_parts *p)
{
	free(p->v);
	*p = (struct s3_parts){0};
}

void s3_uploads_fini(struct s3_uploads *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->v[i].key);
		free(u->v[i].id);
	}
	free(u->v);
	*u = (struct s3_uploads){0};
}

static int read_list(const char *s, size_t n, void *page)
{
	return xml_read_list(s, n, page);
}

int s3_list(struct s3 *s3, const char *prefix, char delimiter, const char *start_after,
            const char *token, unsigned max, struct s3_page *page, struct s3_call *call)
{
	struct request r = {.op = "ListObjectsV2", .method = "GET"};
	const char delimiters[2] = {delimiter, '\0'};
	char number[16];

	snprintf(number, sizeof(number), "%u", max);
	request_param(&r, "list-type", "2");
	request_param(&r, "encoding-type", "url");
	request_param(&r, "max-keys", number);
	request_param(&r, "prefix", prefix);
	if (delimiter)
		request_param(&r, "delimiter", delimiters);
	if (start_after)
		request_param(&r, "start-after", start_after);
	if (token)
		request_param(&r, "continuation-token", token);
	return request_read(s3, &r, read_list, page, "not a listing", call);
}

struct parts_pages {
	struct s3_parts found;
	struct xml_marker next;
};

static int read_parts(const char *s, size_t n, void *arg)
{
	struct parts_pages *pages = arg;

	return xml_read_parts(s, n, &pages->found, &pages->next);
}

int s3_upload_parts(struct s3 *s3, const char *key, const char *id, struct s3_parts *parts,
                    struct s3_call *call)
{
	struct parts_pages pages = {0};
	int err;

	do {
		struct request r = {.op = "ListParts", .method = "GET", .key = key};
		char marker[16];

		snprintf(marker, sizeof(marker), "%u", pages.next.part);
		request_param(&r, "uploadId", id);
		request_param(&r, "max-parts", "1000");
		if (pages.next.part)
			request_param(&r, "part-number-marker", marker);
		err = request_read(s3, &r, read_parts, &pages, "not a list of parts", call);
	} while (!err && pages.next.part);
	if (err)
		s3_parts_fini(&pages.found);
	else
		*parts = pages.found;
	return err;
}

static int list_uploads(struct s3 *s3, const char *prefix, bool encoded, struct s3_uploads *found,
                        struct xml_marker *next, struct s3_call *call)
{
	struct request r = {.op = "ListMultipartUploads", .method = "GET"};
	struct http_answer answer;
	int err;

	request_param(&r, "uploads", "");
	if (encoded)
		request_param(&r, "encoding-type", "url");
	request_param(&r, "max-uploads", "1000");
	request_param(&r, "prefix", prefix);
	if (next->key)
		request_param(&r, "key-marker", next->key);
	if (next->key && next->upload_id)
		request_param(&r, "upload-id-marker", next->upload_id);
	err = request_run(s3, &r, &answer, call);
	if (!err) {
		err = xml_read_uploads(answer.body.s, answer.body.len, encoded, found, next);
		if (!err && found->n > UPLOADS_MAX)
			err = -EIO;
		if (err && encoded)
			request_fail(s3, &r, call, err, "Damaged", "not a list of uploads");
	}
	http_answer_fini(&answer);
	request_fini(&r);
	return err;
}

int s3_uploads(struct s3 *s3, const char *prefix, struct s3_uploads *uploads, struct s3_call *call)
{
	struct s3_uploads found = {0};
	struct xml_marker next = {0};
	int err;

	do {
		/* Not all services say whether they encoded the keys, so that is
		 * asked for only if a key is one that XML cannot carry. */
		err = list_uploads(s3, prefix, false, &found, &next, call);
		if (err == -EIO)
			err = list_uploads(s3, prefix, true, &found, &next, call);
	} while (!err && next.key);
	xml_marker_fini(&next);
	if (err)
		s3_uploads_fini(&found);
	else
		*uploads = found;
	return err;
}
