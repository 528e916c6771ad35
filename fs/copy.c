/* SPDX-License-Identifier: MIT */
#include "copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carry.h"

#define RANGE      (UINT64_C(1) << 30) /* of one part; smaller ones run side by side */
#define TAGS       "x-amz-tagging"
#define TAGS_COUNT "x-amz-tagging-count"

struct big_copy {
	struct mount *m;
	const char *from, *to, *id;
	const struct s3_etag *etag;
	struct s3_part *parts;
	struct s3_call *call;
	pthread_mutex_t lock;
	pthread_cond_t landed;
	unsigned flying;
	int err;
};

struct range_job {
	struct big_copy *c;
	struct s3_part *part;
};

static void copy_range(void *arg)
{
	struct range_job *job = arg;
	struct big_copy *c = job->c;
	struct s3_call call = {.cancel = c->call ? c->call->cancel : NULL};
	int err = s3_upload_part_copy(c->m->s3, c->to, c->id, job->part->number, c->from,
	                              (job->part->number - 1) * RANGE, job->part->size, c->etag,
	                              &job->part->etag, &call);

	pthread_mutex_lock(&c->lock);
	if (err && !c->err)
		c->err = err;
	c->flying--;
	pthread_cond_broadcast(&c->landed);
	pthread_mutex_unlock(&c->lock);
	free(job);
}

static int start(struct big_copy *c, struct s3_part *part)
{
	struct range_job *job = malloc(sizeof *job);
	int err;

	if (!job)
		return -ENOMEM;
	*job = (struct range_job){c, part};
	c->flying++;
	err = workers_give(c->m->copies, 0, copy_range, job);
	if (err) {
		c->flying--;
		free(job);
	}
	return err;
}

/* All ranges, as many at once as the mount allows. */
static int copy_ranges(struct big_copy *c, size_t n, uint64_t size)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < n && !c->err; i++) {
		c->parts[i].number = (unsigned)i + 1;
		c->parts[i].size = i + 1 < n ? RANGE : size - i * RANGE;
		while (c->flying >= c->m->conf.parallel)
			pthread_cond_wait(&c->landed, &c->lock);
		if (!c->err)
			c->err = start(c, &c->parts[i]);
	}
	while (c->flying)
		pthread_cond_wait(&c->landed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	return c->err;
}

/* An upload has nothing of the source but what its creation says. */
static int create(struct mount *m, const char *to, const struct s3_headers *headers,
                  const char *tags, char **id, struct s3_call *call)
{
	struct s3_headers all = {0};
	int err = headers ? s3_headers_copy(&all, headers) : 0;

	if (!err && tags)
		err = s3_headers_set(&all, TAGS, tags);
	if (!err)
		err = s3_upload_create(m->s3, to, &all, id, call);
	s3_headers_fini(&all);
	return err;
}

static int copy_big(struct mount *m, const char *from, const struct s3_etag *etag, uint64_t size,
                    const char *to, const struct s3_headers *headers, const char *tags,
                    struct s3_etag *made, struct s3_call *call)
{
	struct big_copy c = {.m = m, .from = from, .to = to, .etag = etag, .call = call};
	size_t n = (size + RANGE - 1) / RANGE;
	char *id = NULL;
	int err = 0;

	c.parts = calloc(n, sizeof *c.parts);
	if (!c.parts)
		err = -ENOMEM;
	if (!err)
		err = create(m, to, headers, tags, &id, call);
	if (!err) {
		c.id = id;
		pthread_mutex_init(&c.lock, NULL);
		pthread_cond_init(&c.landed, NULL);
		err = copy_ranges(&c, n, size);
		pthread_cond_destroy(&c.landed);
		pthread_mutex_destroy(&c.lock);
		if (!err)
			err = s3_upload_complete(m->s3, to, id, c.parts, n, size, 0, made, call);
		if (err)
			(void)!s3_upload_abort(m->s3, to, id, NULL);
		else if (strcmp(from, to) != 0)
			s3_keep_acl(m->s3, from, to, call);
	}
	free(c.parts);
	free(id);
	return err;
}

int copy_tags(struct mount *m, const char *key, const struct s3_headers *headers, char **tags,
              struct s3_call *call)
{
	const char *count = headers ? s3_headers_get(headers, TAGS_COUNT) : NULL;
	const char *asked = headers ? s3_headers_get(headers, TAGS) : NULL;

	*tags = asked ? strdup(asked) : NULL;
	if (asked)
		return *tags ? 0 : -ENOMEM;
	return count && strcmp(count, "0") != 0 ? s3_get_tags(m->s3, key, tags, call) : 0;
}

/* "a=b&c=d" are two. */
static void count_tags(const char *tags, char count[16])
{
	unsigned n = 1;

	while ((tags = strchr(tags, '&'))) {
		n++;
		tags++;
	}
	snprintf(count, 16, "%u", n);
}

void copy_tags_made(struct s3_headers *headers)
{
	const char *tags = s3_headers_get(headers, TAGS);
	char count[16];

	if (!tags)
		return;
	count_tags(tags, count);
	s3_headers_remove(headers, TAGS);
	(void)!s3_headers_set(headers, TAGS_COUNT, count); /* else the service will tell */
}

int copy_keep_tags(struct mount *m, const char *key, const struct s3_headers *headers,
                   const char *tags, struct s3_call *call)
{
	const char *wanted = s3_headers_get(headers, TAGS_COUNT), *has;
	struct s3_object made;
	char count[16];
	bool kept;
	int err = s3_head(m->s3, key, &made, call);

	if (err)
		return err;
	has = s3_headers_get(&made.headers, TAGS_COUNT);
	if (!wanted) {
		count_tags(tags, count);
		wanted = count;
	}
	kept = has && !strcmp(has, wanted);
	s3_object_fini(&made);
	return kept ? 0 : s3_put_tags(m->s3, key, tags, call);
}

int copy_whole(struct mount *m, const char *from, const struct s3_etag *etag, const char *to,
               const struct s3_headers *headers, unsigned flags, struct s3_etag *made,
               struct s3_call *call)
{
	int err = s3_copy(m->s3, from, etag, to, headers, flags, made, call);

	if (err == -EOPNOTSUPP)
		err = carry_object(m, from, etag, to, headers, flags, made, call);
	return err;
}

int copy_object(struct mount *m, const char *from, const struct s3_etag *etag, uint64_t size,
                const char *to, const struct s3_headers *headers, unsigned flags,
                struct s3_etag *made, struct s3_call *call)
{
	bool big = size > S3_PART_MAX, replaces = headers && !(flags & S3_KEEP_METADATA);
	char *tags = NULL;
	int err = 0;

	if (big || replaces)
		err = copy_tags(m, from, headers, &tags, call);
	if (!err && big)
		err = copy_big(m, from, etag, size, to, headers, tags, made, call);
	else if (!err)
		err = copy_whole(m, from, etag, to, headers, flags, made, call);
	if (err == -EOPNOTSUPP && big)
		err = carry_object(m, from, etag, to, headers, flags, made, call);
	if (!err && tags)
		err = copy_keep_tags(m, to, headers, tags, call);
	free(tags);
	return err;
}
