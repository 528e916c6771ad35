/* SPDX-License-Identifier: MIT */
#include "terms.h"

#include "buf.h"
#include "checksum.h"
#include "encode.h"
#include "profile.h"
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SSE               "x-amz-server-side-encryption"
#define CUSTOMER          "x-amz-server-side-encryption-customer-"
#define CUSTOMER_SOURCE   "x-amz-copy-source-server-side-encryption-customer-"
#define CUSTOMER_KEY      32 /* bytes of it: AES-256 */
#define CUSTOMER_KEY_FILE 64 /* at most, of the file: in base64, with a newline */

static int keep(char **to, const char *s)
{
	*to = s ? strdup(s) : NULL;
	return s && !*to ? -ENOMEM : 0;
}

static int take_key(struct terms *t, const unsigned char key[CUSTOMER_KEY])
{
	struct iovec iov = {(void *)key, CUSTOMER_KEY};
	unsigned char md5[CHECKSUM_MD5];
	struct buf text = BUF_INIT, sum = BUF_INIT;
	int err = checksum_md5(&iov, 1, md5);

	if (!err) {
		base64_encode(&text, key, CUSTOMER_KEY);
		base64_encode(&sum, md5, sizeof(md5));
		err = buf_error(&text) ? buf_error(&text) : buf_error(&sum);
	}
	if (!err) {
		t->customer_key = buf_detach(&text);
		t->customer_md5 = buf_detach(&sum);
	}
	buf_fini(&text);
	buf_fini(&sum);
	return err;
}

/* n bytes of a file, which are a key as they are or in base64. False: neither. */
static bool decode_key(unsigned char key[CUSTOMER_KEY], const char *text, size_t n)
{
	struct buf bytes = BUF_INIT;
	bool good = n == CUSTOMER_KEY;

	if (good)
		memcpy(key, text, CUSTOMER_KEY);
	else if (strlen(text) == n && !base64_decode(&bytes, text) && bytes.len == CUSTOMER_KEY) {
		memcpy(key, bytes.s, CUSTOMER_KEY);
		good = true;
	}
	explicit_bzero(bytes.s, bytes.len);
	buf_fini(&bytes);
	return good;
}

static int read_key(struct terms *t, const char *path, struct s3_fault *fault)
{
	char text[CUSTOMER_KEY_FILE + 1];
	unsigned char key[CUSTOMER_KEY];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = 0;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	struct stat st;

	if (n < 0 || fstat(fd, &st) != 0)
		err = profile_complain(fault, -EINVAL, "Key", "sse_c_key_file=%s: %s", path,
		                       strerror(errno));
	else if (st.st_mode & 077)
		err = profile_complain(fault, -EACCES, "Key",
		                       "%s can be read by others: chmod 600 %s", path, path);
	if (fd >= 0)
		close(fd);
	while (!err && n > CUSTOMER_KEY && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (!err) {
		text[n] = '\0';
		if (decode_key(key, text, (size_t)n))
			err = take_key(t, key);
		else
			err = profile_complain(fault, -EINVAL, "Key",
			                       "sse_c_key_file=%s: it takes a file of 32 bytes, or "
			                       "of their base64: openssl rand -base64 32 >FILE",
			                       path);
	}
	explicit_bzero(text, sizeof(text));
	explicit_bzero(key, sizeof(key));
	return err;
}

int terms_init(struct terms *t, const struct s3_conf *conf, struct s3_fault *fault)
{
	int err;

	*t = (struct terms){.requester_pays = conf->requester_pays};
	t->keep_acl = conf->acl && !strcmp(conf->acl, "keep");
	err = keep(&t->acl, t->keep_acl ? NULL : conf->acl);
	if (!err)
		err = keep(&t->sse, conf->sse);
	if (!err)
		err = keep(&t->sse_kms_key_id, conf->sse_kms_key_id);
	if (!err)
		err = keep(&t->owner, conf->bucket_owner);
	if (!err && conf->sse_c_key_file)
		err = read_key(t, conf->sse_c_key_file, fault);
	return err;
}

void terms_fini(struct terms *t)
{
	if (t->customer_key)
		explicit_bzero(t->customer_key, strlen(t->customer_key));
	free(t->customer_key);
	free(t->customer_md5);
	free(t->acl);
	free(t->sse);
	free(t->sse_kms_key_id);
	free(t->owner);
}

int terms_add_to_all(const struct terms *t, struct s3_headers *headers)
{
	int err = 0;

	if (t->requester_pays)
		err = s3_headers_set(headers, "x-amz-request-payer", "requester");
	if (!err && t->owner)
		err = s3_headers_set(headers, "x-amz-expected-bucket-owner", t->owner);
	return err;
}

void terms_add_to_new(const struct terms *t, struct request *r)
{
	request_header(r, "x-amz-acl", t->acl);
	if (t->sse || t->customer_key) {
		s3_headers_remove(&r->headers, SSE);
		s3_headers_remove(&r->headers, SSE "-aws-kms-key-id");
		s3_headers_remove(&r->headers, SSE "-bucket-key-enabled");
		s3_headers_remove(&r->headers, SSE "-context");
	}
	request_header(r, SSE, t->sse);
	request_header(r, SSE "-aws-kms-key-id", t->sse_kms_key_id);
}

static void add_key(const struct terms *t, struct request *r, const char *algorithm,
                    const char *key, const char *md5)
{
	if (!t->customer_key)
		return;
	request_header(r, algorithm, "AES256");
	request_header(r, key, t->customer_key);
	request_header(r, md5, t->customer_md5);
}

void terms_add_key(const struct terms *t, struct request *r)
{
	add_key(t, r, CUSTOMER "algorithm", CUSTOMER "key", CUSTOMER "key-md5");
}

void terms_add_to_source(const struct terms *t, struct request *r)
{
	add_key(t, r, CUSTOMER_SOURCE "algorithm", CUSTOMER_SOURCE "key",
	        CUSTOMER_SOURCE "key-md5");
	request_header(r, "x-amz-source-expected-bucket-owner", t->owner);
}

bool terms_encrypted(const struct s3_headers *headers)
{
	const char *sse = s3_headers_get(headers, SSE);

	return (sse && strncmp(sse, "aws:kms", 7) == 0) ||
	       s3_headers_get(headers, CUSTOMER "algorithm");
}
