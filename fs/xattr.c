/* SPDX-License-Identifier: MIT */
#include "xattr.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "encode.h"
#include "meta.h"

#define USER           "user."
#define VIRTUAL        "user.s3."
#define META           "x-amz-meta-"
#define NAME_MAX_XATTR 255 /* as Linux has it */

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

int xattr_check_name(const char *name)
{
	if (!begins(name, USER))
		return -EOPNOTSUPP;
	return name[strlen(USER)] && strlen(name) <= NAME_MAX_XATTR ? 0 : -EINVAL;
}

bool xattr_is_virtual(const char *name)
{
	return begins(name, VIRTUAL);
}

/* ------------------------------------------------------------- the header */

/* All that there are; an empty object if none. NULL: no memory. */
static json_t *parse(const struct s3_headers *h)
{
	const char *value = s3_headers_get(h, XATTR_HEADER);
	char *text = value ? strdup(value) : NULL;
	json_t *all = NULL;

	if (value && !text)
		return NULL;
	if (text && percent_decode(text) >= 0)
		all = json_loads(text, 0, NULL);
	free(text);
	if (all && !json_is_object(all)) {
		json_decref(all);
		all = NULL;
	}
	return all ? all : json_object();
}

/* Bytes that the service counts. */
static size_t metadata_size(const struct s3_headers *h)
{
	size_t n = META_ROOM;

	for (size_t i = 0; i < h->n; i++)
		if (begins(h->v[i].name, META))
			n += strlen(h->v[i].name) + strlen(h->v[i].value);
	return n;
}

/* Puts *all into the headers. */
static int store(struct s3_headers *h, const json_t *all)
{
	const char *old = s3_headers_get(h, XATTR_HEADER);
	size_t was = old ? strlen(XATTR_HEADER) + strlen(old) : 0;
	struct buf value = BUF_INIT;
	char *text;
	int err;

	if (!json_object_size(all)) {
		s3_headers_remove(h, XATTR_HEADER);
		return 0;
	}
	text = json_dumps(all, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	percent_encode(&value, text, false);
	free(text);
	err = buf_error(&value);
	if (!err && metadata_size(h) - was + strlen(XATTR_HEADER) + value.len > S3_META_MAX)
		err = -ENOSPC;
	if (!err)
		err = s3_headers_set(h, XATTR_HEADER, value.s);
	buf_fini(&value);
	return err;
}

/* Appends the bytes of one; -ENODATA: it is none. */
static int decode(const json_t *one, struct buf *value)
{
	int err = json_is_string(one) ? base64_decode(value, json_string_value(one)) : -EINVAL;

	return err == -EINVAL ? -ENODATA : err;
}

/* One that programs may see. */
static bool is_shown(const char *name, const json_t *one)
{
	struct buf value = BUF_INIT;
	bool shown = !xattr_check_name(name) && !xattr_is_virtual(name) && !decode(one, &value);

	buf_fini(&value);
	return shown;
}

/* ------------------------------------------------------------- operations */

int xattr_get(const struct s3_headers *h, const char *name, struct buf *value)
{
	json_t *all = parse(h);
	const json_t *one = all ? json_object_get(all, name) : NULL;
	int err = !all ? -ENOMEM : one && is_shown(name, one) ? decode(one, value) : -ENODATA;

	json_decref(all);
	return err;
}

int xattr_list(const struct s3_headers *h, struct buf *names)
{
	json_t *all = parse(h), *one;
	const char *name;

	if (!all)
		return -ENOMEM;
	json_object_foreach(all, name, one) if (is_shown(name, one))
		buf_add(names, name, strlen(name) + 1);
	json_decref(all);
	return buf_error(names);
}

/* NULL: no memory. */
static json_t *encode(const void *value, size_t size)
{
	struct buf text = BUF_INIT;
	json_t *one = NULL;

	base64_encode(&text, value, size);
	if (!buf_error(&text))
		one = json_string(text.s);
	buf_fini(&text);
	return one;
}

int xattr_set(struct s3_headers *h, const char *name, const void *value, size_t size, int flags)
{
	json_t *all = parse(h), *one;
	bool there;
	int err = 0;

	if (!all)
		return -ENOMEM;
	one = json_object_get(all, name);
	there = one && is_shown(name, one);
	if (there && flags & XATTR_CREATE)
		err = -EEXIST;
	else if (!there && flags & XATTR_REPLACE)
		err = -ENODATA;
	else if (json_object_set_new(all, name, encode(value, size)))
		err = -EINVAL;
	if (!err)
		err = store(h, all);
	json_decref(all);
	return err;
}

int xattr_remove(struct s3_headers *h, const char *name)
{
	json_t *all = parse(h);
	const json_t *one = all ? json_object_get(all, name) : NULL;
	int err = !all ? -ENOMEM : one && is_shown(name, one) ? 0 : -ENODATA;

	if (!err) {
		(void)json_object_del(all, name);
		err = store(h, all);
	}
	json_decref(all);
	return err;
}

/* ---------------------------------------------------------------- virtual */

const char *xattr_from_header(const struct s3_headers *h, const char *name)
{
	/* As the AWS tools call them; the same names, but for a prefix. */
	static const char *const plain[] = {"content-type",     "content-encoding",
	                                    "content-language", "content-disposition",
	                                    "cache-control",    "expires"};
	static const char *const amz[] = {"storage-class",
	                                  "version-id",
	                                  "server-side-encryption",
	                                  "server-side-encryption-aws-kms-key-id",
	                                  "website-redirect-location",
	                                  "tagging-count"};
	char header[64] = "x-amz-";

	if (!xattr_is_virtual(name))
		return NULL;
	name += strlen(VIRTUAL);
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (!strcmp(name, plain[i]))
			return s3_headers_get(h, name);
	for (size_t i = 0; i < sizeof amz / sizeof amz[0]; i++)
		if (!strcmp(name, amz[i]))
			return s3_headers_get(h, strcat(header, name));
	return NULL;
}
