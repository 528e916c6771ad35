/* SPDX-License-Identifier: MIT */
#include "acl.h"

#include <errno.h>
#include <string.h>

#include "checksum.h"
#include "encode.h"
#include "log.h"
#include "request.h"

int acl_take(struct s3 *s3, const char *key, struct buf *acl, struct s3_call *call)
{
	struct request r = {.op = "GetObjectAcl", .method = "GET", .key = key};
	struct http_answer answer;
	int err;

	if (!s3->terms.keep_acl)
		return 0;
	request_param(&r, "acl", "");
	err = request_run(s3, &r, &answer, call);
	if (!err) {
		buf_add(acl, answer.body.s, answer.body.len);
		err = buf_error(acl);
	}
	http_answer_fini(&answer);
	request_fini(&r);
	return err == -ENOENT || err == -EOPNOTSUPP ? 0 : err;
}

void acl_give(struct s3 *s3, const char *key, const struct buf *acl, struct s3_call *call)
{
	struct request r = {.op = "PutObjectAcl", .method = "PUT", .key = key};
	struct iovec iov = {acl->s, acl->len};
	struct s3_body body = {&iov, 1, acl->len};
	struct s3_call own = {.cancel = call ? call->cancel : NULL};
	struct buf sum = BUF_INIT;
	unsigned char md5[CHECKSUM_MD5];
	char quoted[600];
	int err;

	if (!acl->len)
		return;
	r.body = &body;
	err = checksum_md5(&iov, 1, md5);
	if (!err) {
		base64_encode(&sum, md5, sizeof(md5));
		request_param(&r, "acl", "");
		request_header(&r, "content-type", "application/xml");
		request_header(&r, "content-md5", sum.s);
		err = request_do(s3, &r, &own);
	}
	if (err)
		log_error("the access control list of %s could not be kept: %s",
		          log_quote(quoted, sizeof(quoted), key), strerror(-err));
	buf_fini(&sum);
}

void s3_keep_acl(struct s3 *s3, const char *from, const char *to, struct s3_call *call)
{
	struct buf acl = BUF_INIT;
	char quoted[600];
	int err = acl_take(s3, from, &acl, call);

	if (err)
		log_error("the access control list of %s could not be read: %s",
		          log_quote(quoted, sizeof(quoted), from), strerror(-err));
	else
		acl_give(s3, to, &acl, call);
	buf_fini(&acl);
}
