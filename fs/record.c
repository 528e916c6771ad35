/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jbytes.h"
#include "num.h"

#define RECORD_VERSION 1

static void upload_fini(struct record_upload *u)
{
	free(u->key);
	free(u->id);
}

void record_fini(struct record *r)
{
	free(r->endpoint);
	free(r->bucket);
	free(r->run);
	free(r->key);
	upload_fini(&r->own);
	upload_fini(&r->staged);
	for (size_t i = 0; i < r->nold; i++)
		upload_fini(&r->old[i]);
	for (size_t i = 0; i < r->nsources; i++)
		free(r->sources[i].key);
	free(r->old);
	free(r->sources);
	free(r->ranges);
	s3_headers_fini(&r->headers);
	*r = (struct record){0};
}

/* ------------------------------------------------------------------ ranges */

static bool goes_on(const struct record *r, const struct record_range *a, uint64_t from, int source,
                    uint64_t at)
{
	if (a->source != source || a->from + a->len != from)
		return false;
	if (source >= 0)
		return a->at + a->len == at;
	return a->len % r->part_size == 0 && a->at + a->len / r->part_size == at;
}

int record_add_range(struct record *r, uint64_t from, uint64_t len, int source, uint64_t at)
{
	struct record_range *v;

	if (r->nranges && goes_on(r, &r->ranges[r->nranges - 1], from, source, at)) {
		r->ranges[r->nranges - 1].len += len;
		return 0;
	}
	v = reallocarray(r->ranges, r->nranges + 1, sizeof *v);
	if (!v)
		return -ENOMEM;
	r->ranges = v;
	v[r->nranges++] = (struct record_range){from, len, source, at};
	return 0;
}

int record_add_source(struct record *r, const char *key, const struct s3_etag *etag, uint64_t size,
                      bool ours)
{
	struct record_source *v = reallocarray(r->sources, r->nsources + 1, sizeof *v);

	if (!v)
		return -ENOMEM;
	r->sources = v;
	v[r->nsources] = (struct record_source){strdup(key), *etag, size, ours};
	return v[r->nsources++].key ? 0 : -ENOMEM;
}

int record_add_old(struct record *r, const char *key, const char *id)
{
	struct record_upload *v = reallocarray(r->old, r->nold + 1, sizeof *v);

	if (!v)
		return -ENOMEM;
	r->old = v;
	v[r->nold] = (struct record_upload){strdup(key), strdup(id)};
	return v[r->nold].key && v[r->nold++].id ? 0 : -ENOMEM;
}

struct record_range record_at(const struct record *r, uint64_t offset, uint64_t len)
{
	for (size_t i = 0; i < r->nranges; i++) {
		const struct record_range *a = &r->ranges[i];
		uint64_t skip = offset - a->from;

		if (a->from + a->len <= offset)
			continue;
		if (a->from > offset)
			return (struct record_range){offset, min64(len, a->from - offset), -1, 0};
		return (struct record_range){offset, min64(len, a->len - skip), a->source,
		                             a->source >= 0 ? a->at + skip
		                                            : a->at + skip / r->part_size};
	}
	return (struct record_range){offset, len, -1, 0};
}

/* ----------------------------------------------------------------- writing */

static json_t *upload_json(const struct record_upload *u)
{
	return u->id ? json_pack("{so, so}", "key", jbytes_new(u->key), "id", jbytes_new(u->id))
	             : json_null();
}

static json_t *lists_json(const struct record *r)
{
	json_t *old = json_array(), *sources = json_array(), *ranges = json_array(),
	       *headers = json_array();

	for (size_t i = 0; i < r->nold; i++)
		json_array_append_new(old, upload_json(&r->old[i]));
	for (size_t i = 0; i < r->nsources; i++) {
		const struct record_source *s = &r->sources[i];

		json_array_append_new(sources,
		                      json_pack("{so, so, sI, sb}", "key", jbytes_new(s->key),
		                                "etag", jbytes_new(s->etag.s), "size",
		                                (json_int_t)s->size, "ours", s->ours));
	}
	for (size_t i = 0; i < r->nranges; i++) {
		const struct record_range *a = &r->ranges[i];

		json_array_append_new(ranges,
		                      json_pack("[I, I, i, I]", (json_int_t)a->from,
		                                (json_int_t)a->len, a->source, (json_int_t)a->at));
	}
	for (size_t i = 0; i < r->headers.n; i++)
		json_array_append_new(headers, json_pack("[o, o]", jbytes_new(r->headers.v[i].name),
		                                         jbytes_new(r->headers.v[i].value)));
	return json_pack("{so, so, so, so}", "old", old, "sources", sources, "ranges", ranges,
	                 "headers", headers);
}

void record_write(const struct record *r, struct buf *json)
{
	json_t *lists = lists_json(r);
	json_t *all = json_pack(
		"{si, so, so, so, so, sI, sb, sI, sI, so, sI, sI, sb, sb, sI, sI, sI, so, so}",
		"version", RECORD_VERSION, "endpoint", jbytes_new(r->endpoint), "bucket",
		jbytes_new(r->bucket), "run", jbytes_new(r->run), "key", jbytes_new(r->key),
		"part_size", (json_int_t)r->part_size, "equal_parts", r->equal_parts, "direct",
		(json_int_t)r->direct, "began", (json_int_t)r->began, "base", jbytes_new(r->base.s),
		"base_size", (json_int_t)r->base_size, "kept", (json_int_t)r->kept, "removed",
		r->removed, "synced", r->synced, "size", (json_int_t)r->size, "cut",
		(json_int_t)r->cut, "cut_from", (json_int_t)r->cut_from, "own",
		upload_json(&r->own), "staged", upload_json(&r->staged));
	char *s = all && lists && !json_object_update(all, lists) ? json_dumps(all, JSON_COMPACT)
	                                                          : NULL;

	if (s)
		buf_adds(json, s);
	else
		json->failed = true;
	free(s);
	json_decref(lists);
	json_decref(all);
}

/* ----------------------------------------------------------------- reading */

/* Errors latch in *err. */
static uint64_t get_number(json_t *t, int *err)
{
	if (!json_is_integer(t) || json_integer_value(t) < 0)
		*err = -EINVAL;
	return *err ? 0 : (uint64_t)json_integer_value(t);
}

static struct s3_etag get_etag(json_t *t, int *err)
{
	struct s3_etag etag = {""};
	char *s = jbytes_get(t, err);

	if (s && strlen(s) < sizeof etag.s)
		strcpy(etag.s, s);
	else
		*err = -EINVAL;
	free(s);
	return etag;
}

static void get_upload(json_t *t, struct record_upload *u, int *err)
{
	if (t && json_is_null(t))
		return;
	u->key = jbytes_get(json_object_get(t, "key"), err);
	u->id = jbytes_get(json_object_get(t, "id"), err);
}

/* An array with room for what the JSON has. */
static void *get_room(json_t *t, size_t size, size_t *n, int *err)
{
	void *v;

	if (!json_is_array(t))
		*err = -EINVAL;
	v = *err ? NULL : calloc(json_array_size(t) + 1, size);
	if (!v && !*err)
		*err = -ENOMEM;
	*n = v ? json_array_size(t) : 0;
	return v;
}

static void get_lists(struct record *r, json_t *all, int *err)
{
	json_t *old = json_object_get(all, "old"), *sources = json_object_get(all, "sources"),
	       *headers = json_object_get(all, "headers"), *t;
	size_t i;

	r->old = get_room(old, sizeof *r->old, &r->nold, err);
	for (i = 0; i < r->nold; i++)
		get_upload(json_array_get(old, i), &r->old[i], err);
	r->sources = get_room(sources, sizeof *r->sources, &r->nsources, err);
	for (i = 0; i < r->nsources; i++) {
		t = json_array_get(sources, i);
		r->sources[i].key = jbytes_get(json_object_get(t, "key"), err);
		r->sources[i].etag = get_etag(json_object_get(t, "etag"), err);
		r->sources[i].size = get_number(json_object_get(t, "size"), err);
		r->sources[i].ours = json_is_true(json_object_get(t, "ours"));
	}
	json_array_foreach(headers, i, t)
	{
		char *name = jbytes_get(json_array_get(t, 0), err);
		char *value = jbytes_get(json_array_get(t, 1), err);

		if (!*err)
			*err = s3_headers_set(&r->headers, name, value);
		free(name);
		free(value);
	}
}

static void get_ranges(struct record *r, json_t *ranges, int *err)
{
	uint64_t end = 0;

	r->ranges = get_room(ranges, sizeof *r->ranges, &r->nranges, err);
	for (size_t i = 0; i < r->nranges && !*err; i++) {
		json_t *t = json_array_get(ranges, i);
		struct record_range *a = &r->ranges[i];
		json_int_t source = json_integer_value(json_array_get(t, 2));

		a->from = get_number(json_array_get(t, 0), err);
		a->len = get_number(json_array_get(t, 1), err);
		a->at = get_number(json_array_get(t, 3), err);
		if (a->from < end || !a->len || source < RECORD_STAGED || source == -1 ||
		    (source >= 0 && (size_t)source >= r->nsources) ||
		    (source < 0 && a->from % r->part_size))
			*err = -EINVAL;
		a->source = (int)source;
		end = a->from + a->len;
	}
	if (r->synced && end > r->size)
		*err = -EINVAL;
}

int record_read(struct record *r, const char *json)
{
	json_t *all = json_loads(json, 0, NULL);
	int err =
		json_integer_value(json_object_get(all, "version")) == RECORD_VERSION ? 0 : -EINVAL;

	*r = (struct record){0};
	if (!err) {
		r->endpoint = jbytes_get(json_object_get(all, "endpoint"), &err);
		r->bucket = jbytes_get(json_object_get(all, "bucket"), &err);
		r->run = jbytes_get(json_object_get(all, "run"), &err);
		r->key = jbytes_get(json_object_get(all, "key"), &err);
		r->part_size = get_number(json_object_get(all, "part_size"), &err);
		r->equal_parts = json_is_true(json_object_get(all, "equal_parts"));
		r->direct = get_number(json_object_get(all, "direct"), &err);
		r->began = (int64_t)get_number(json_object_get(all, "began"), &err);
		r->base = get_etag(json_object_get(all, "base"), &err);
		r->base_size = get_number(json_object_get(all, "base_size"), &err);
		r->kept = get_number(json_object_get(all, "kept"), &err);
		r->removed = json_is_true(json_object_get(all, "removed"));
		r->synced = json_is_true(json_object_get(all, "synced"));
		r->size = get_number(json_object_get(all, "size"), &err);
		r->cut = get_number(json_object_get(all, "cut"), &err);
		r->cut_from = get_number(json_object_get(all, "cut_from"), &err);
		get_upload(json_object_get(all, "own"), &r->own, &err);
		get_upload(json_object_get(all, "staged"), &r->staged, &err);
		if (!err && (r->part_size < S3_PART_MIN || r->part_size > S3_PART_MAX))
			err = -EINVAL;
		get_lists(r, all, &err);
		if (!err)
			get_ranges(r, json_object_get(all, "ranges"), &err);
	}
	json_decref(all);
	if (err)
		record_fini(r);
	return err;
}
