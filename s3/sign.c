/* SPDX-License-Identifier: MIT */
#include "sign.h"

#include "buf.h"
#include "checksum.h"
#include "date.h"
#include "uri.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Spaces around the value go, and those within become one. */
static void add_trimmed(struct buf *to, const char *s)
{
	bool first = true;

	for (;;) {
		size_t n;

		s += strspn(s, " \t");
		n = strcspn(s, " \t");
		if (n == 0)
			return;
		if (!first)
			buf_addc(to, ' ');
		buf_add(to, s, n);
		s += n;
		first = false;
	}
}

static int compare_headers(const void *a, const void *b)
{
	const struct s3_header *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The canonical headers, and their names joined by semicolons. */
static int add_headers(struct buf *canonical, struct buf *names, const struct s3_headers *headers)
{
	struct s3_header *sorted = reallocarray(NULL, headers->n + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < headers->n; i++)
		sorted[i] = headers->v[i];
	qsort(sorted, headers->n, sizeof(*sorted), compare_headers);
	for (size_t i = 0; i < headers->n; i++) {
		buf_adds(canonical, sorted[i].name);
		buf_addc(canonical, ':');
		add_trimmed(canonical, sorted[i].value);
		buf_addc(canonical, '\n');
		if (i > 0)
			buf_addc(names, ';');
		buf_adds(names, sorted[i].name);
	}
	free(sorted);
	return 0;
}

static void add_scope(struct buf *to, const struct sign_key *key, const char *stamp)
{
	buf_addf(to, "%.8s/%s/%s/aws4_request", stamp, key->region, key->service);
}

static int derive_key(const struct sign_key *key, const char *stamp,
                      unsigned char out[CHECKSUM_SHA256])
{
	const char *steps[] = {key->region, key->service, "aws4_request"};
	struct buf secret = BUF_INIT;
	int err;

	buf_addf(&secret, "AWS4%s", key->secret);
	err = buf_error(&secret);
	if (!err)
		err = checksum_hmac_sha256(secret.s, secret.len, stamp, 8, out);
	for (size_t i = 0; !err && i < 3; i++) {
		unsigned char previous[CHECKSUM_SHA256];

		memcpy(previous, out, sizeof(previous));
		err = checksum_hmac_sha256(previous, sizeof(previous), steps[i], strlen(steps[i]),
		                           out);
		OPENSSL_cleanse(previous, sizeof(previous));
	}
	OPENSSL_cleanse(secret.s, secret.len);
	buf_fini(&secret);
	return err;
}

/* The signature of a canonical request, in hex. */
static int sign(char signature[CHECKSUM_HEX], const struct sign_key *key, const char *stamp,
                const struct buf *canonical)
{
	struct iovec all = {canonical->s, canonical->len};
	unsigned char digest[CHECKSUM_SHA256], secret[CHECKSUM_SHA256];
	struct buf text = BUF_INIT;
	int err = buf_error(canonical);

	if (!err)
		err = checksum_sha256(&all, 1, digest);
	if (err)
		return err;
	buf_addf(&text, "AWS4-HMAC-SHA256\n%s\n", stamp);
	add_scope(&text, key, stamp);
	buf_addf(&text, "\n%s", checksum_hex(signature, digest, sizeof(digest)));
	err = buf_error(&text);
	if (!err)
		err = derive_key(key, stamp, secret);
	if (!err)
		err = checksum_hmac_sha256(secret, sizeof(secret), text.s, text.len, digest);
	if (!err)
		checksum_hex(signature, digest, sizeof(digest));
	OPENSSL_cleanse(secret, sizeof(secret));
	buf_fini(&text);
	return err;
}

int sign_headers(struct buf *authorization, const struct sign_key *key, time_t t,
                 const char *method, const char *path, const char *query,
                 const struct s3_headers *headers, const char *payload_hash)
{
	struct buf canonical = BUF_INIT, names = BUF_INIT;
	char stamp[DATE_AMZ_SIZE], signature[CHECKSUM_HEX];
	int err;

	date_format_amz(stamp, t);
	buf_addf(&canonical, "%s\n%s\n%s\n", method, path, query);
	err = add_headers(&canonical, &names, headers);
	buf_addf(&canonical, "\n%s\n%s", names.s, payload_hash);
	if (!err)
		err = buf_error(&names);
	if (!err)
		err = sign(signature, key, stamp, &canonical);
	if (!err) {
		buf_addf(authorization, "AWS4-HMAC-SHA256 Credential=%s/", key->access);
		add_scope(authorization, key, stamp);
		buf_addf(authorization, ",SignedHeaders=%s,Signature=%s", names.s, signature);
		err = buf_error(authorization);
	}
	buf_fini(&canonical);
	buf_fini(&names);
	return err;
}

int sign_query(struct buf *query, const struct sign_key *key, time_t t, unsigned expires_s,
               const char *method, const char *host, const char *path,
               const struct uri_param *params, size_t n)
{
	struct buf credential = BUF_INIT, expires = BUF_INIT, canonical = BUF_INIT;
	char stamp[DATE_AMZ_SIZE], signature[CHECKSUM_HEX];
	struct uri_param *all = reallocarray(NULL, n + 6, sizeof(*all));
	size_t start = query->len;
	int err = all ? 0 : -ENOMEM;

	date_format_amz(stamp, t);
	buf_addf(&credential, "%s/", key->access);
	add_scope(&credential, key, stamp);
	buf_addf(&expires, "%u", expires_s);
	if (!err)
		err = buf_error(&credential) ? -ENOMEM : buf_error(&expires);
	if (err)
		goto out;
	for (size_t i = 0; i < n; i++)
		all[i] = params[i];
	all[n++] = (struct uri_param){"X-Amz-Algorithm", "AWS4-HMAC-SHA256"};
	all[n++] = (struct uri_param){"X-Amz-Credential", credential.s};
	all[n++] = (struct uri_param){"X-Amz-Date", stamp};
	all[n++] = (struct uri_param){"X-Amz-Expires", expires.s};
	all[n++] = (struct uri_param){"X-Amz-SignedHeaders", "host"};
	if (key->token)
		all[n++] = (struct uri_param){"X-Amz-Security-Token", key->token};
	uri_add_query(query, all, n);
	buf_addf(&canonical, "%s\n%s\n%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD", method, path,
	         query->s + (buf_error(query) ? 0 : start), host);
	err = sign(signature, key, stamp, &canonical);
	if (!err) {
		buf_addf(query, "&X-Amz-Signature=%s", signature);
		err = buf_error(query);
	}
out:
	free(all);
	buf_fini(&credential);
	buf_fini(&expires);
	buf_fini(&canonical);
	return err;
}
