/* SPDX-License-Identifier: MIT */
#include "buf.h"
#include "client.h"
#include "log.h"
#include "sign.h"
#include "uri.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int add_signature(struct s3 *s3, const struct client_place *place, const struct keys *keys,
                         unsigned expires_s, const char *host, const char *path, struct buf *url)
{
	static const struct uri_param payer = {"x-amz-request-payer", "requester"};
	const struct sign_key key = {keys->access, keys->secret, keys->token, place->region, "s3"};
	time_t now = time(NULL) + (time_t)atomic_load(&s3->skew_s);
	struct buf query = BUF_INIT;
	int err = sign_query(&query, &key, now, expires_s, "GET", host, path, &payer,
	                     s3->terms.requester_pays);

	if (!err)
		buf_addf(url, "?%s", query.s);
	if (keys->expires && keys->expires < now + (time_t)expires_s)
		log_warn("the keys expire in %lld s, and the URL with them",
		         (long long)(keys->expires - now));
	buf_fini(&query);
	return err;
}

int s3_url(struct s3 *s3, const char *key, unsigned expires_s, char **url, struct s3_call *call)
{
	const struct client_place *place = client_place(s3);
	struct buf host = BUF_INIT, path = BUF_INIT, all = BUF_INIT;
	struct s3_call unwatched = {0};
	struct keys *keys = NULL;
	int err = 0;

	if (!call)
		call = &unwatched;
	if (s3->terms.customer_key)
		return -EOPNOTSUPP; /* whoever has it would need the key, too */
	if (!key[0] || strlen(key) > S3_KEY_MAX || !expires_s || expires_s > S3_URL_MAX)
		return -EINVAL;
	uri_add_authority(&host, &place->uri, s3->path_style ? NULL : s3->bucket);
	uri_add_path(&path, &place->uri, s3->path_style ? s3->bucket : NULL, key);
	buf_addf(&all, "%s://%s%s", place->uri.tls ? "https" : "http", host.s, path.s);
	err = buf_error(&host) | buf_error(&path) | buf_error(&all);
	if (!err)
		err = keyring_take(&s3->keyring, s3->http, atomic_load(&s3->skew_s), call->cancel,
		                   &keys, &call->fault);
	if (!err && keys)
		err = add_signature(s3, place, keys, expires_s, host.s, path.s, &all);
	if (!err)
		err = buf_error(&all);
	if (!err)
		*url = buf_detach(&all);
	keys_put(keys);
	buf_fini(&host);
	buf_fini(&path);
	buf_fini(&all);
	return err;
}
