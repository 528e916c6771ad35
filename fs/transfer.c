/* SPDX-License-Identifier: MIT */
/* transfer.c - the jobs of a draft: how they come and land; those that create
 * uploads, send and copy their parts, and abort them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "carry.h"
#include "copy.h"
#include "flight.h"
#include "log.h"
#include "note.h"
#include "source.h"

/* ------------------------------------------------------------------ flights */

int flight_take_off(struct draft *d, struct workers *pool, void (*run)(void *),
                    const struct flight *f)
{
	struct flight *fl = malloc(sizeof *fl);
	int err;

	if (!fl)
		return -ENOMEM;
	*fl = *f;
	fl->file = d->file;
	fl->draft = d;
	/* The job waits for file->lock before it does anything with the file. */
	err = workers_give(pool, 0, run, fl);
	if (err) {
		free(fl);
		return err;
	}
	file_hold(d->file);
	d->flights++;
	d->file->m->flying += f->frees;
	return 0;
}

void flight_land(struct flight *fl, int err)
{
	struct file *f = fl->file;
	struct draft *d = fl->draft;
	bool gone;

	d->flights--;
	f->m->flying -= fl->frees;
	/* Unlinked while it was on its way: then a missing key is no error. */
	if (err == -ENOENT && file_unlinked(f))
		draft_set_discarded(d);
	else if (err)
		draft_fail(d, err);
	source_collect(d);
	draft_pump(d);
	gone = draft_free_if_done(d);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	budget_tell(f->m->budget); /* what is stored can be dropped */
	room_tell(&f->m->room);
	if (gone)
		file_put(f);
	file_put(f);
	free(fl);
}

struct s3_call flight_call(struct draft *d)
{
	return (struct s3_call){.cancel = &d->cancel, .sent = &d->sent, .retries = &d->retries};
}

/* When the file will have been written is not known before the last write,
 * unless a program has set that: then the object goes without, and
 * Last-Modified serves. A program that sets it after this look finds its change
 * pending. */
int flight_attr(struct draft *d, bool last, struct attr *attr, struct s3_headers *headers,
                unsigned *taken)
{
	struct file *f = d->file;
	const struct timespec *written;
	bool known;
	int err;

	pthread_mutex_lock(&f->lock);
	written = d->written_at.tv_sec ? &d->written_at : NULL;
	known = last || !written;
	err = attr_take(f->m, f->node, known ? written : NULL,
	                known ? META_ALL : META_ALL & ~(META_MTIME | META_CTIME), attr, headers,
	                taken);
	pthread_mutex_unlock(&f->lock);
	return err;
}

int flight_tags(struct draft *d, const char *key, const struct s3_headers *headers, char **tags)
{
	struct s3_call call = flight_call(d);
	int err = copy_tags(d->file->m, key, headers, tags, &call);

	if (!err || err == -ENOMEM || err == -EINTR)
		return err;
	if (err != -ENOENT)
		flight_tags_lost(key, err);
	return 0;
}

void flight_tags_lost(const char *key, int err)
{
	char text[1200];

	log_error("the new version of %s is without its tags: %s",
	          log_quote(text, sizeof text, key), strerror(-err));
}

/* ------------------------------------------------------------------ uploads */

/* Attributes go with the creation of the file's own upload. */
static int own_headers(struct draft *d, bool last, struct attr *attr, struct s3_headers *headers,
                       unsigned *taken, struct buf *key)
{
	struct file *f = d->file;
	int err = flight_attr(d, last, attr, headers, taken);

	if (!err)
		err = mount_key(f->m, f->node, key);
	if (err) {
		attr_untake(f->m, f->node, *taken);
		*taken = 0;
	}
	return err;
}

/* The own upload has the file's name for good: while that is being changed it
 * must not be created. A rename sees DRAFT_CREATING and comes back later. (The
 * rename of a directory above does not: an upload may stay behind.) */
static int hold_name(struct draft *d)
{
	struct tree *t = d->file->m->tree;
	int err;

	pthread_mutex_lock(&t->lock);
	err = tree_busy_begun_locked(t, d->file->node, &d->cancel);
	pthread_mutex_unlock(&t->lock);
	return err;
}

static void release_name(struct draft *d)
{
	struct tree *t = d->file->m->tree;

	pthread_mutex_lock(&t->lock);
	tree_idle_locked(t, d->file->node);
	pthread_mutex_unlock(&t->lock);
}

static int create_own(struct draft *d, bool last, struct attr *attr, struct s3_headers *headers,
                      unsigned *taken, struct buf *key, char **id)
{
	struct s3_call call = flight_call(d);
	char *tags = NULL;
	bool asked;
	int err = hold_name(d);

	if (err)
		return err;
	err = own_headers(d, last, attr, headers, taken, key);
	asked = s3_headers_get(headers, "x-amz-tagging");
	if (!err)
		err = flight_tags(d, key->s, headers, &tags);
	if (!err && tags)
		err = s3_headers_set(headers, "x-amz-tagging", tags);
	if (!err)
		err = s3_upload_create(d->file->m->s3, key->s, headers, id, &call);
	if (!asked)
		s3_headers_remove(headers, "x-amz-tagging"); /* they may change meanwhile */
	free(tags);
	release_name(d);
	return err;
}

static int create_staged(struct draft *d, const struct s3_headers *none, struct buf *key, char **id)
{
	struct s3_call call = flight_call(d);
	int err = mount_hidden_key(d->file->m, key);

	return err ? err : s3_upload_create(d->file->m->s3, key->s, none, id, &call);
}

static int create(struct draft *d, bool staged)
{
	struct file *f = d->file;
	struct draft_upload *u = staged ? &d->staged : &d->own;
	bool last = d->publish;
	unsigned taken = 0;
	struct s3_headers headers = {0};
	struct buf key = BUF_INIT;
	struct attr attr;
	char *id = NULL;
	int err;

	d->step = DRAFT_CREATING;
	pthread_mutex_unlock(&f->lock);
	err = staged ? create_staged(d, &headers, &key, &id)
	             : create_own(d, last, &attr, &headers, &taken, &key, &id);
	if (err)
		attr_untake(f->m, f->node, taken);
	pthread_mutex_lock(&f->lock);
	d->step = DRAFT_READY;
	if (!err && !staged) {
		s3_headers_fini(&d->headers);
		d->headers = headers;
		headers = (struct s3_headers){0};
		d->attr = attr;
		d->taken = taken;
	}
	if (!err) {
		u->key = buf_detach(&key);
		u->id = id;
		if (!u->key)
			err = -ENOMEM;
		else
			note_begun(d);
	}
	s3_headers_fini(&headers);
	buf_fini(&key);
	return err;
}

/* There is an upload: this job's, or another's. */
static int need_upload(struct draft *d, bool staged, bool creator)
{
	int err;

	/* (A slot that was cut off while it was composed may be late for all that.) */
	while (!creator && d->step != DRAFT_READY)
		(void)!file_wait(d->file, NULL);
	err = d->error;
	if (creator && err)
		d->step = DRAFT_READY;
	if (err || (staged ? d->staged.id : d->own.id))
		return err;
	err = create(d, staged);
	if (!err)
		draft_pump(d);
	return err;
}

static int copy_part(struct draft *d, const struct parts_action *a, struct s3_etag *etag)
{
	struct mount *m = d->file->m;
	const struct draft_upload *u = a->staged ? &d->staged : &d->own;
	struct s3_call call = flight_call(d);
	struct source_pin pin;
	int err;

	do {
		if (source_pin(d, a->source, &pin))
			return -ENOMEM;
		pthread_mutex_unlock(&d->file->lock);
		err = s3_upload_part_copy(m->s3, u->key, u->id, a->number, pin.key,
		                          a->source_offset, a->size, &pin.etag, etag, &call);
		if (err == -EOPNOTSUPP)
			err = carry_part(m, u->key, u->id, a->number, pin.key, a->source_offset,
			                 a->size, &pin.etag, etag, &call);
		pthread_mutex_lock(&d->file->lock);
	} while (source_unpin(d, a->source, &pin, err));
	return err;
}

static int send_part(struct draft *d, const struct parts_action *a, struct s3_etag *etag)
{
	const struct draft_upload *u = a->staged ? &d->staged : &d->own;
	struct s3_call call = flight_call(d);
	struct s3_body body = {a->iov, a->iovcnt, a->size};
	int err;

	pthread_mutex_unlock(&d->file->lock);
	err = s3_upload_part(d->file->m->s3, u->key, u->id, a->number, &body, etag, &call);
	pthread_mutex_lock(&d->file->lock);
	return err;
}

int transfer_part(struct draft *d, struct parts_action *a, bool creator)
{
	struct s3_etag etag = {0};
	int err = need_upload(d, a->staged, creator);
	bool again;

	if (!err)
		err = a->what == PARTS_COPY ? copy_part(d, a, &etag) : send_part(d, a, &etag);
	again = err == -EOPNOTSUPP && a->what == PARTS_COPY && parts_copy_refused(d->parts, a);
	parts_sent(d->parts, a, err, &etag);
	return again ? 0 : err;
}

static void transfer_job(void *arg)
{
	struct flight *fl = arg;

	mount_weigh(fl->file->m);
	pthread_mutex_lock(&fl->file->lock);
	flight_land(fl, transfer_part(fl->draft, &fl->a, false));
}

static void first_transfer_job(void *arg)
{
	struct flight *fl = arg;

	mount_weigh(fl->file->m);
	pthread_mutex_lock(&fl->file->lock);
	flight_land(fl, transfer_part(fl->draft, &fl->a, true));
}

int transfer_start(struct draft *d, struct parts_action *a)
{
	struct mount *m = d->file->m;
	bool first = !(a->staged ? d->staged.id : d->own.id);
	/* A copy takes long, and moves nothing through here. The first one may
	 * have to wait for a rename, which needs m->copies itself. */
	struct workers *pool = a->what == PARTS_COPY && !first ? m->copies : m->uploads;
	struct flight fl = {.a = *a, .frees = true};
	int err = flight_take_off(d, pool, first ? first_transfer_job : transfer_job, &fl);

	if (err)
		parts_sent(d->parts, a, err, NULL);
	else if (first)
		d->step = DRAFT_CREATING; /* no second one meanwhile */
	return err;
}

static void abort_job(void *arg)
{
	struct flight *fl = arg;
	struct draft *d = fl->draft;
	struct draft_upload u;
	int err;

	pthread_mutex_lock(&fl->file->lock);
	u = *fl->upload;
	pthread_mutex_unlock(&fl->file->lock);
	err = s3_upload_abort(fl->file->m->s3, u.key, u.id, NULL);
	if (err) {
		char key[1200];

		log_error("an upload of %s is left behind: %s", log_quote(key, sizeof key, u.key),
		          strerror(-err));
	}
	free(u.id);
	free(u.key);
	pthread_mutex_lock(&fl->file->lock);
	*fl->upload = (struct draft_upload){0};
	d->left |= err && d->error;
	if (fl->upload == &d->staged && !parts_staged_any(d->parts))
		parts_unstaged(d->parts);
	d->step = DRAFT_READY;
	flight_land(fl, 0);
}

int transfer_start_abort(struct draft *d, struct draft_upload *u)
{
	struct flight fl = {.upload = u};
	int err = flight_take_off(d, d->file->m->uploads, abort_job, &fl);

	if (!err)
		d->step = DRAFT_ABORTING;
	return err;
}
