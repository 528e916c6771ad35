/* SPDX-License-Identifier: MIT */
#include "checksum.h"
#include "encode.h"
#include "request.h"
#include "xml.h"

#include <errno.h>

static int read_tags(const char *s, size_t n, void *tags)
{
	return xml_read_tags(s, n, tags);
}

int s3_get_tags(struct s3 *s3, const char *key, char **tags, struct s3_call *call)
{
	struct request r = {.op = "GetObjectTagging", .method = "GET", .key = key};

	request_param(&r, "tagging", "");
	return request_read(s3, &r, read_tags, tags, "no tags", call);
}

int s3_put_tags(struct s3 *s3, const char *key, const char *tags, struct s3_call *call)
{
	struct request r = {.op = "PutObjectTagging", .method = "PUT", .key = key};
	struct buf text = BUF_INIT, sum = BUF_INIT;
	struct s3_call unwatched = {0};
	unsigned char md5[CHECKSUM_MD5];
	struct iovec iov;
	struct s3_body body = {.iov = &iov, .iovcnt = 1};
	int err = xml_add_tags(&text, tags);

	iov = (struct iovec){text.s, text.len};
	body.size = text.len;
	r.body = &body;
	if (!err)
		err = checksum_md5(&iov, 1, md5);
	if (!err) {
		base64_encode(&sum, md5, sizeof(md5));
		request_param(&r, "tagging", "");
		request_header(&r, "content-type", "application/xml");
		request_header(&r, "content-md5", sum.s);
		err = request_do(s3, &r, call ? call : &unwatched);
	}
	buf_fini(&text);
	buf_fini(&sum);
	return err;
}
