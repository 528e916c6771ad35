/* SPDX-License-Identifier: MIT */
/* aside.c - the jobs that keep a draft's bytes readable in the service while
 * it is not published: slots composed of pieces, dirty bytes spilled into
 * hidden objects, the staged upload completed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flight.h"
#include "log.h"
#include "source.h"

/* ---------------------------------------------------- a slot over ranges */

static int fetch(struct draft *d, struct parts_action *a)
{
	struct s3_call call = flight_call(d);
	struct source_pin pin;
	ssize_t n;

	do {
		if (source_pin(d, a->source, &pin))
			return -ENOMEM;
		pthread_mutex_unlock(&d->file->lock);
		n = s3_get(d->file->m->s3, pin.key, a->source_offset, a->iov, a->iovcnt, &pin.etag,
		           NULL, &call);
		pthread_mutex_lock(&d->file->lock);
	} while (source_unpin(d, a->source, &pin, n < 0 ? (int)n : 0));
	if (n >= 0 && (uint64_t)n < a->size)
		n = -EIO;
	return n < 0 ? (int)n : 0;
}

/* The slot is whole: it goes as the object, or as a part. */
static int send_composed(struct draft *d, struct parts_action *a)
{
	if (d->publish && !d->own.id && d->step == DRAFT_READY && parts_slots(d->parts) <= 1 &&
	    !draft_name_moves(d))
		return publish_put(d, a);
	return transfer_part(d, a, false);
}

/* What the slot needs next; with reserved, the reserve is this job's. */
static int next_step(struct draft *d, uint64_t slot, bool reserved, struct parts_action *a)
{
	int err = d->error;

	if (err)
		return err;
	d->reserve = reserved;
	err = parts_fetch(d->parts, slot, a);
	d->reserve = false;
	return err;
}

/* Blocks for the slot: the reserve, and when that is not enough, others'. */
static void need_blocks(struct file *f, bool *reserved)
{
	pthread_mutex_unlock(&f->lock);
	if (*reserved)
		draft_relieve(f->m, true);
	else
		budget_reserve(f->m->budget);
	*reserved = true;
	pthread_mutex_lock(&f->lock);
}

/* Fetches what lies under the slot, then sends it. */
static int compose(struct draft *d, uint64_t slot, bool *reserved)
{
	for (;;) {
		struct parts_action a;
		int err = next_step(d, slot, *reserved, &a);

		if (err == PARTS_NO_BLOCK) {
			need_blocks(d->file, reserved);
			continue;
		}
		if (err || a.what == PARTS_NOTHING)
			return err;
		if (a.what == PARTS_SEND)
			return send_composed(d, &a);
		err = fetch(d, &a);
		parts_fetched(d->parts, &a, err);
		if (err)
			return err;
	}
}

static void compose_job(void *arg)
{
	struct flight *fl = arg;
	struct budget *budget = fl->file->m->budget;
	bool reserved = false;
	int err;

	pthread_mutex_lock(&fl->file->lock);
	err = compose(fl->draft, fl->slot, &reserved);
	parts_composed(fl->draft->parts, fl->slot);
	fl->draft->composing--;
	if (reserved)
		budget_unreserve(budget);
	flight_land(fl, err);
}

int aside_start_compose(struct draft *d, uint64_t slot)
{
	/* It waits for memory: who looks for some must not wait for it. */
	struct flight fl = {.slot = slot};
	int err = flight_take_off(d, d->file->m->fetches, compose_job, &fl);

	if (err)
		parts_composed(d->parts, slot);
	else
		d->composing++;
	return err;
}

/* ------------------------------------------------------------------- spills */

static void spill_job(void *arg)
{
	struct flight *fl = arg;
	struct draft *d = fl->draft;
	struct mount *m = fl->file->m;
	struct s3_body body = {fl->a.iov, fl->a.iovcnt, fl->a.size};
	struct s3_call call = flight_call(d);
	struct s3_etag etag = {0};
	struct buf key = BUF_INIT;
	int err, e, source = -1;

	pthread_mutex_lock(&fl->file->lock);
	err = d->error;
	pthread_mutex_unlock(&fl->file->lock);
	if (!err)
		err = mount_hidden_key(m, &key);
	if (!err)
		err = s3_put(m->s3, key.s, NULL, &body, 0, &etag, &call);
	pthread_mutex_lock(&fl->file->lock);
	if (!err) {
		source = source_add(d, key.s, &etag, body.size, true);
		err = source < 0 ? source : 0;
	}
	e = parts_spilled(d->parts, &fl->a, err, source);
	if (source < 0 && key.len) /* it may be there all the same */
		source_delete_later(m, buf_detach(&key));
	buf_fini(&key);
	flight_land(fl, err ? err : e);
}

int aside_start_spill(struct draft *d, struct parts_action *a)
{
	struct flight fl = {.a = *a, .frees = true};
	int err = flight_take_off(d, d->file->m->uploads, spill_job, &fl);

	if (err)
		(void)!parts_spilled(d->parts, a, err, -1);
	return err;
}

/* ------------------------------------------------------------------ staging */

static void stage_job(void *arg)
{
	struct flight *fl = arg;
	struct draft *d = fl->draft;
	struct s3_call call = flight_call(d);
	const struct s3_part *parts;
	struct draft_upload u;
	struct s3_etag etag = {0};
	uint64_t size;
	size_t n;
	int err, source = -1;

	pthread_mutex_lock(&fl->file->lock);
	err = d->error;
	u = d->staged;
	parts_stage(d->parts, &parts, &n); /* stays as it is until parts_staged() */
	size = n * parts_part_size(d->parts);
	pthread_mutex_unlock(&fl->file->lock);
	if (!err)
		err = s3_upload_complete(fl->file->m->s3, u.key, u.id, parts, n, size, 0, &etag,
		                         &call);
	pthread_mutex_lock(&fl->file->lock);
	if (!err) {
		source = source_add(d, u.key, &etag, size, true);
		free(u.id);
		free(u.key);
		d->staged = (struct draft_upload){0};
		err = source < 0 ? source : 0;
	} else {
		char *key = strdup(u.key); /* it may be there all the same */

		if (key)
			source_delete_later(d->file->m, key);
	}
	if (parts_staged(d->parts, err, source) && !err)
		err = -ENOMEM;
	d->stage = false;
	d->step = DRAFT_READY;
	flight_land(fl, err);
}

int aside_start_stage(struct draft *d)
{
	struct flight fl = {.frees = true};
	int err = flight_take_off(d, d->file->m->uploads, stage_job, &fl);

	if (!err)
		d->step = DRAFT_STAGING;
	return err;
}
