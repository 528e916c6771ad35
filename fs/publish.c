/* SPDX-License-Identifier: MIT */
/* publish.c - the jobs that make a draft the object: by one PUT, by a copy of
 * one object, or by the completion of its upload. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "copy.h"
#include "flight.h"
#include "log.h"
#include "note.h"
#include "source.h"

/* The object is made: the draft has nothing more to do. */
static void published(struct draft *d)
{
	note_end(d, false);
	d->taken = 0;
	d->exclusive = false; /* the object is ours from now on */
	d->dirty = false;
	d->publish = false;
	d->sync = false;
	d->file->published++;
}

/* A PUT of the body. */
static int put(struct mount *m, const char *key, const struct s3_body *body,
               struct s3_headers *headers, const char *tags, unsigned flags, struct s3_etag *etag,
               struct s3_call *call)
{
	int err = tags ? s3_headers_set(headers, "x-amz-tagging", tags) : 0;

	return err ? err : s3_put(m->s3, key, headers, body, flags, etag, call);
}

/* A copy, which comes with the tags of its source, if any. It is never
 * exclusive: when the answer to one is lost, the next try finds the object, and
 * nothing tells that it is ours. */
static int copy(struct mount *m, const char *key, const struct source_pin *pin,
                const struct s3_headers *headers, const char *tags, struct s3_etag *etag,
                struct s3_call *call)
{
	int err = copy_whole(m, pin->key, &pin->etag, key, headers, 0, etag, call);
	int lost = err || !tags ? 0 : s3_put_tags(m->s3, key, tags, call);

	if (lost)
		flight_tags_lost(key, lost);
	return err;
}

/* One request that makes the object, with its attributes: a PUT of body, or a
 * copy of the source that pin says. */
static int make_whole(struct draft *d, const struct s3_body *body, const struct source_pin *pin,
                      uint64_t size)
{
	struct mount *m = d->file->m;
	struct node *n = d->file->node;
	struct s3_call call = flight_call(d);
	struct s3_headers headers = {0};
	struct s3_etag etag = {0};
	struct buf key = BUF_INIT;
	struct attr attr;
	unsigned taken = 0;
	char *tags = NULL;
	int err = mount_key(m, n, &key);

	if (!err)
		err = draft_rescue(m, key.s, d, &call);
	if (!err)
		err = flight_attr(d, true, &attr, &headers, &taken);
	if (!err)
		err = flight_tags(d, key.s, &headers, &tags);
	if (!err && pin)
		err = copy(m, key.s, pin, &headers, tags, &etag, &call);
	else if (!err)
		err = put(m, key.s, body, &headers, tags, d->exclusive ? S3_IF_ABSENT : 0, &etag,
		          &call);
	free(tags);
	if (err) {
		attr_untake(m, n, taken);
	} else {
		attr.size = size;
		attr_made(m, n, &attr, &etag, &headers);
	}
	s3_headers_fini(&headers);
	buf_fini(&key);
	return err;
}

/* The upload was created under a name that the file has no longer: it is
 * completed there, unless somebody else has taken that name, and moved. */
static int complete_elsewhere(struct draft *d, const struct s3_part *parts, size_t n,
                              const char *key, struct s3_etag *etag, struct s3_call *call)
{
	struct mount *m = d->file->m;
	struct s3_etag made;
	int err = s3_upload_complete(m->s3, d->own.key, d->own.id, parts, n, d->attr.size,
	                             S3_IF_ABSENT, &made, call);

	if (!err)
		err = meta_follow_name(&d->headers, d->own.key, key);
	if (err >= 0)
		err = copy_object(m, d->own.key, &made, d->attr.size, key, &d->headers, 0, etag,
		                  call);
	if (!err && s3_delete(m->s3, d->own.key, NULL)) {
		char text[1200];

		log_error("renamed, but the old name %s is still there",
		          log_quote(text, sizeof text, d->own.key));
	}
	return err;
}

/* When the content was last written, if no program has set an mtime since; one
 * that was set before does not count any more. */
static struct timespec take_written(struct draft *d)
{
	struct timespec written;

	pthread_mutex_lock(&d->file->lock);
	written = d->written_at;
	if (written.tv_sec)
		d->taken |= attr_take_mtime(d->file->m, d->file->node);
	pthread_mutex_unlock(&d->file->lock);
	return written;
}

/* The upload has become the object. */
static void completed(struct draft *d, struct timespec written, const struct s3_etag *etag)
{
	struct timespec told = d->attr.mtime;
	unsigned wrong = 0;

	if (written.tv_sec) {
		meta_written(&d->attr, written);
		if (meta_says_mtime(&d->headers) && !meta_same(told, written))
			wrong = META_MTIME;
	}
	attr_made_late(d->file->m, d->file->node, &d->attr, etag, &d->headers, wrong);
}

static int complete(struct draft *d, const struct s3_part *parts, size_t n)
{
	struct mount *m = d->file->m;
	struct node *node = d->file->node;
	struct s3_call call = flight_call(d);
	struct s3_etag etag = {0};
	struct buf key = BUF_INIT;
	struct timespec written = take_written(d);
	char *tags = NULL;
	int err = mount_key(m, node, &key);

	if (!err)
		err = draft_rescue(m, key.s, d, &call);
	if (!err)
		err = flight_tags(d, key.s, &d->headers, &tags);
	d->attr.size = 0;
	for (size_t i = 0; i < n; i++)
		d->attr.size += parts[i].size;
	if (!err && strcmp(key.s, d->own.key) != 0)
		err = complete_elsewhere(d, parts, n, key.s, &etag, &call);
	else if (!err)
		err = s3_upload_complete(m->s3, key.s, d->own.id, parts, n, d->attr.size,
		                         d->exclusive ? S3_IF_ABSENT : 0, &etag, &call);
	if (!err && tags) {
		int lost = copy_keep_tags(m, key.s, &d->headers, tags, &call);

		if (lost)
			flight_tags_lost(key.s, lost);
	}
	free(tags);
	if (err) {
		attr_untake(m, node, d->taken);
		d->taken = 0;
	} else {
		completed(d, written, &etag);
	}
	buf_fini(&key);
	return err;
}

/* The node is ours alone, as long as the object is made. */
static void begin(struct draft *d, enum draft_step step)
{
	struct file *f = d->file;
	struct tree *t = f->m->tree;

	d->step = step;
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_lock(&t->lock);
	(void)!tree_busy_begun_locked(t, f->node, NULL);
	pthread_mutex_unlock(&t->lock);
}

static void end(struct draft *d, int err)
{
	struct file *f = d->file;
	struct tree *t = f->m->tree;

	pthread_mutex_lock(&t->lock);
	tree_idle_locked(t, f->node);
	pthread_mutex_unlock(&t->lock);
	pthread_mutex_lock(&f->lock);
	d->step = DRAFT_READY;
	if (!err)
		published(d);
}

int publish_put(struct draft *d, struct parts_action *a)
{
	struct s3_body body = {a ? a->iov : NULL, a ? a->iovcnt : 0, a ? a->size : 0};
	int err;

	begin(d, DRAFT_PUTTING);
	err = make_whole(d, &body, NULL, body.size);
	end(d, err);
	if (a) /* its bytes are in the object now, in no upload */
		parts_sent(d->parts, a, err ? err : -ECANCELED, NULL);
	return err;
}

static void put_job(void *arg)
{
	struct flight *fl = arg;

	mount_weigh(fl->file->m);
	pthread_mutex_lock(&fl->file->lock);
	flight_land(fl, publish_put(fl->draft, fl->a.what == PARTS_SEND ? &fl->a : NULL));
}

int publish_start_put(struct draft *d, struct parts_action *a)
{
	struct flight fl = {.frees = true};
	int err;

	if (a)
		fl.a = *a;
	err = flight_take_off(d, d->file->m->uploads, put_job, &fl);
	if (!err)
		d->step = DRAFT_PUTTING;
	else if (a)
		parts_sent(d->parts, a, err, NULL);
	return err;
}

static void copy_job(void *arg)
{
	struct flight *fl = arg;
	struct draft *d = fl->draft;
	struct source_pin pin;
	uint64_t size;
	int err;

	pthread_mutex_lock(&fl->file->lock);
	size = parts_size(d->parts);
	do {
		err = source_pin(d, fl->source, &pin);
		if (err)
			break;
		begin(d, DRAFT_PUTTING);
		err = make_whole(d, NULL, &pin, size);
		end(d, err);
		d->step = DRAFT_PUTTING; /* nothing else may start while it is unpinned */
	} while (source_unpin(d, fl->source, &pin, err));
	d->step = DRAFT_READY;
	flight_land(fl, err);
}

int publish_start_copy(struct draft *d, int source)
{
	struct flight fl = {.source = source, .frees = true};
	int err = flight_take_off(d, d->file->m->uploads, copy_job, &fl);

	if (!err)
		d->step = DRAFT_PUTTING;
	return err;
}

static void complete_job(void *arg)
{
	struct flight *fl = arg;
	struct draft *d = fl->draft;
	struct s3_part *parts;
	size_t n;
	int err;

	pthread_mutex_lock(&fl->file->lock);
	err = parts_list(d->parts, &parts, &n);
	begin(d, DRAFT_COMPLETING);
	if (!err)
		err = complete(d, parts, n);
	free(parts);
	end(d, err);
	if (!err) {
		free(d->own.id);
		free(d->own.key);
		d->own = (struct draft_upload){0};
	}
	flight_land(fl, err);
}

int publish_start_complete(struct draft *d)
{
	struct flight fl = {.frees = true};
	int err = flight_take_off(d, d->file->m->uploads, complete_job, &fl);

	if (!err)
		d->step = DRAFT_COMPLETING;
	return err;
}
