/* SPDX-License-Identifier: MIT */
/*
 * upload.c - the transfers of drafts: one function a kind, each a job of a
 * worker pool. A job comes with its file counted and the draft's flights
 * raised; it lands by giving both back, under file->lock, and pumps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "draft.h"
#include "log.h"

struct flight {
	struct file *file;
	struct draft *draft;
	struct parts_action a;
	uint64_t slot; /* compose */
	bool frees;    /* memory, when it lands */
};

static void compose_job(void *arg);

static int take_off(struct draft *d, struct workers *pool, void (*run)(void *),
                    const struct parts_action *a, uint64_t slot)
{
	struct flight *fl = malloc(sizeof *fl);
	int err;

	if (!fl)
		return -ENOMEM;
	/* A slot to be composed waits for memory: who looks for some must not
	 * wait for that. */
	*fl = (struct flight){
		.file = d->file, .draft = d, .slot = slot, .frees = run != compose_job};
	if (a)
		fl->a = *a;
	/* The job waits for file->lock before it does anything with the file. */
	err = workers_give(pool, 0, run, fl);
	if (err) {
		free(fl);
		return err;
	}
	file_hold(d->file);
	d->flights++;
	d->file->m->flying += fl->frees;
	return 0;
}

/* Unlinked while it was on its way: then a missing key is no error. */
static bool was_unlinked(struct file *f)
{
	bool unlinked;

	pthread_mutex_lock(&f->m->tree->lock);
	unlinked = f->node->unlinked;
	pthread_mutex_unlock(&f->m->tree->lock);
	return unlinked;
}

/* With file->lock held, which it gives back. */
static void land(struct flight *fl, int err)
{
	struct file *f = fl->file;
	struct draft *d = fl->draft;
	bool gone;

	d->flights--;
	f->m->flying -= fl->frees;
	if (err == -ENOENT && was_unlinked(f))
		draft_set_discarded(d);
	else if (err)
		draft_fail(d, err);
	draft_pump(d);
	gone = draft_free_if_done(d);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	if (gone)
		file_put(f);
	file_put(f);
	free(fl);
}

static struct s3_call call_of(struct draft *d)
{
	return (struct s3_call){.cancel = &d->cancel, .sent = &d->sent, .retries = &d->retries};
}

/* ------------------------------------------------------------------- parts */

/* Attributes go with the upload's creation. */
static int create(struct draft *d)
{
	struct file *f = d->file;
	struct mount *m = f->m;
	struct s3_call call = call_of(d);
	struct s3_headers headers = {0};
	struct attr attr;
	struct buf key = BUF_INIT;
	unsigned fields = d->written_at.tv_sec ? META_ALL & ~META_MTIME : META_ALL;
	unsigned taken = 0;
	char *id = NULL;
	int err;

	d->step = DRAFT_CREATING;
	pthread_mutex_unlock(&f->lock);
	/* When it will have been written is not known yet, unless a program has
	 * set it: the object goes without, and Last-Modified serves. */
	err = attr_take(m, f->node, NULL, fields, &attr, &headers, &taken);
	if (!err)
		err = mount_key(m, f->node, &key);
	if (!err)
		err = s3_upload_create(m->s3, key.s, &headers, &id, &call);
	if (err)
		attr_untake(m, f->node, taken);
	pthread_mutex_lock(&f->lock);
	d->step = DRAFT_READY;
	if (!err) {
		s3_headers_fini(&d->headers);
		d->headers = headers;
		headers = (struct s3_headers){0};
		d->attr = attr;
		d->taken = taken;
		free(d->upload_key);
		d->upload_key = buf_detach(&key);
		d->upload_id = id;
		if (!d->upload_key)
			err = -ENOMEM;
	}
	s3_headers_fini(&headers);
	buf_fini(&key);
	return err;
}

/* There is an upload: this job's, or another's. */
static int need_upload(struct draft *d, bool creator)
{
	int err;

	while (!creator && d->step == DRAFT_CREATING)
		(void)!file_wait(d->file, NULL);
	err = d->error;
	if (creator && err)
		d->step = DRAFT_READY;
	if (err || d->upload_id)
		return err;
	err = create(d);
	if (!err)
		draft_pump(d);
	return err;
}

static int copy_part(struct draft *d, const struct parts_action *a, struct s3_etag *etag)
{
	struct s3_call call = call_of(d);
	struct s3_etag from_etag = d->sources[a->source].etag;
	char *from = strdup(d->sources[a->source].key);
	int err = -ENOMEM;

	pthread_mutex_unlock(&d->file->lock);
	if (from)
		err = s3_upload_part_copy(d->file->m->s3, d->upload_key, d->upload_id, a->number,
		                          from, a->source_offset, a->size, &from_etag, etag, &call);
	pthread_mutex_lock(&d->file->lock);
	free(from);
	return err;
}

static int send_part(struct draft *d, const struct parts_action *a, struct s3_etag *etag)
{
	struct s3_call call = call_of(d);
	struct s3_body body = {a->iov, a->iovcnt, a->size};
	int err;

	pthread_mutex_unlock(&d->file->lock);
	err = s3_upload_part(d->file->m->s3, d->upload_key, d->upload_id, a->number, &body, etag,
	                     &call);
	pthread_mutex_lock(&d->file->lock);
	return err;
}

static int transfer(struct draft *d, struct parts_action *a, bool creator)
{
	struct s3_etag etag = {0};
	int err = need_upload(d, creator);

	if (!err)
		err = a->what == PARTS_COPY ? copy_part(d, a, &etag) : send_part(d, a, &etag);
	parts_sent(d->parts, a, err, &etag);
	return err;
}

static void transfer_job(void *arg)
{
	struct flight *fl = arg;

	pthread_mutex_lock(&fl->file->lock);
	land(fl, transfer(fl->draft, &fl->a, false));
}

static void first_transfer_job(void *arg)
{
	struct flight *fl = arg;

	pthread_mutex_lock(&fl->file->lock);
	land(fl, transfer(fl->draft, &fl->a, true));
}

int upload_start(struct draft *d, struct parts_action *a)
{
	bool first = !d->upload_id;
	int err = take_off(d, d->file->m->uploads, first ? first_transfer_job : transfer_job, a, 0);

	if (err)
		parts_sent(d->parts, a, err, NULL);
	else if (first)
		d->step = DRAFT_CREATING; /* no second one meanwhile */
	return err;
}

/* ----------------------------------------------------------------- publish */

/* The object is made: the draft has nothing more to do. */
static void published(struct draft *d)
{
	free(d->upload_id);
	d->upload_id = NULL;
	d->taken = 0;
	d->dirty = false;
	d->publish = false;
	d->sync = false;
	d->file->published++;
}

static int whole_put(struct draft *d, const struct s3_body *body, const struct timespec *written)
{
	struct mount *m = d->file->m;
	struct node *n = d->file->node;
	struct s3_call call = call_of(d);
	struct s3_headers headers = {0};
	struct s3_etag etag = {0};
	struct buf key = BUF_INIT;
	struct attr attr;
	unsigned taken = 0;
	int err = mount_key(m, n, &key);

	if (!err)
		err = attr_take(m, n, written->tv_sec ? written : NULL, META_ALL, &attr, &headers,
		                &taken);
	if (!err)
		err = s3_put(m->s3, key.s, &headers, body, 0, &etag, &call);
	if (err) {
		attr_untake(m, n, taken);
	} else {
		attr.size = body->size;
		attr_made(m, n, &attr, &etag, &headers);
	}
	s3_headers_fini(&headers);
	buf_fini(&key);
	return err;
}

static int whole_complete(struct draft *d, const struct s3_part *parts, size_t n,
                          const struct timespec *written)
{
	struct mount *m = d->file->m;
	struct node *node = d->file->node;
	struct s3_call call = call_of(d);
	struct s3_etag etag = {0};
	struct buf key = BUF_INIT;
	int err = mount_key(m, node, &key);

	if (!err && strcmp(key.s, d->upload_key) != 0)
		err = -ESTALE; /* renames are refused meanwhile: this is a bug of ours */
	d->attr.size = parts_size(d->parts);
	if (!err)
		err = s3_upload_complete(m->s3, key.s, d->upload_id, parts, n, d->attr.size, 0,
		                         &etag, &call);
	if (err) {
		attr_untake(m, node, d->taken);
		d->taken = 0;
	} else {
		if (written->tv_sec)
			d->attr.mtime = *written;
		attr_made(m, node, &d->attr, &etag, &d->headers);
	}
	buf_fini(&key);
	return err;
}

/* Makes the object, with the node busy: a: the one part it has, or NULL. */
static int make_object(struct draft *d, enum draft_step step, const struct parts_action *a)
{
	struct file *f = d->file;
	struct tree *t = f->m->tree;
	struct s3_body body = {a ? a->iov : NULL, a ? a->iovcnt : 0, a ? a->size : 0};
	struct timespec written;
	struct s3_part *parts = NULL;
	size_t n = 0;
	int err = step == DRAFT_COMPLETING ? parts_list(d->parts, &parts, &n) : 0;

	d->step = step;
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_lock(&t->lock);
	(void)!tree_busy_locked(t, f->node, NULL);
	pthread_mutex_unlock(&t->lock);
	pthread_mutex_lock(&f->lock);
	written = d->written_at; /* a program may have set the mtime meanwhile */
	pthread_mutex_unlock(&f->lock);
	if (!err)
		err = step == DRAFT_COMPLETING ? whole_complete(d, parts, n, &written)
		                               : whole_put(d, &body, &written);
	pthread_mutex_lock(&t->lock);
	tree_idle_locked(t, f->node);
	pthread_mutex_unlock(&t->lock);
	free(parts);
	pthread_mutex_lock(&f->lock);
	d->step = DRAFT_READY;
	if (!err)
		published(d);
	return err;
}

static int put(struct draft *d, struct parts_action *a)
{
	int err = make_object(d, DRAFT_PUTTING, a);

	if (a) /* its bytes are in the object now, in no upload */
		parts_sent(d->parts, a, err ? err : -ECANCELED, NULL);
	return err;
}

static void put_job(void *arg)
{
	struct flight *fl = arg;

	pthread_mutex_lock(&fl->file->lock);
	land(fl, put(fl->draft, fl->a.what == PARTS_SEND ? &fl->a : NULL));
}

int upload_start_put(struct draft *d, struct parts_action *a)
{
	int err = take_off(d, d->file->m->uploads, put_job, a, 0);

	if (!err)
		d->step = DRAFT_PUTTING;
	else if (a)
		parts_sent(d->parts, a, err, NULL);
	return err;
}

static void complete_job(void *arg)
{
	struct flight *fl = arg;

	pthread_mutex_lock(&fl->file->lock);
	land(fl, make_object(fl->draft, DRAFT_COMPLETING, NULL));
}

int upload_start_complete(struct draft *d)
{
	int err = take_off(d, d->file->m->uploads, complete_job, NULL, 0);

	if (!err)
		d->step = DRAFT_COMPLETING;
	return err;
}

static void abort_job(void *arg)
{
	struct flight *fl = arg;
	struct draft *d = fl->draft;
	int err;

	pthread_mutex_lock(&fl->file->lock);
	pthread_mutex_unlock(&fl->file->lock);
	err = s3_upload_abort(fl->file->m->s3, d->upload_key, d->upload_id, NULL);
	pthread_mutex_lock(&fl->file->lock);
	if (err) {
		char key[1200];

		log_error("an upload of %s is left behind: %s",
		          log_quote(key, sizeof key, d->upload_key), strerror(-err));
	}
	free(d->upload_id);
	d->upload_id = NULL;
	d->step = DRAFT_READY;
	land(fl, 0);
}

int upload_start_abort(struct draft *d)
{
	int err = take_off(d, d->file->m->uploads, abort_job, NULL, 0);

	if (!err)
		d->step = DRAFT_ABORTING;
	return err;
}

/* ----------------------------------------------------- a slot over a range */

static int fetch(struct draft *d, struct parts_action *a)
{
	struct s3_call call = call_of(d);
	struct s3_etag etag = d->sources[a->source].etag;
	char *key = strdup(d->sources[a->source].key);
	ssize_t n = -ENOMEM;

	pthread_mutex_unlock(&d->file->lock);
	if (key)
		n = s3_get(d->file->m->s3, key, a->source_offset, a->iov, a->iovcnt, &etag, NULL,
		           &call);
	pthread_mutex_lock(&d->file->lock);
	free(key);
	if (n >= 0 && (uint64_t)n < a->size)
		n = -EIO;
	return n < 0 ? (int)n : 0;
}

/* The slot is whole: it goes as the object, or as a part. */
static int send_composed(struct draft *d, struct parts_action *a)
{
	if (d->publish && !d->upload_id && d->step == DRAFT_READY && parts_slots(d->parts) <= 1)
		return put(d, a);
	return transfer(d, a, false);
}

/* What the slot needs next; with *reserved, the reserve is this job's. */
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
		draft_relieve(f->m);
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
	fl->draft->composing = false;
	if (reserved)
		budget_unreserve(budget);
	land(fl, err);
}

int upload_start_compose(struct draft *d, uint64_t slot)
{
	int err = take_off(d, d->file->m->fetches, compose_job, NULL, slot);

	d->composing = !err;
	return err;
}

/* ------------------------------------------------------- a slot put aside */

static void spill_job(void *arg)
{
	struct flight *fl = arg;
	struct draft *d = fl->draft;
	struct mount *m = fl->file->m;
	struct s3_body body = {fl->a.iov, fl->a.iovcnt, fl->a.size};
	struct s3_call call = call_of(d);
	struct s3_etag etag = {0};
	struct buf key = BUF_INIT;
	int err, e;

	pthread_mutex_lock(&fl->file->lock);
	err = d->error;
	pthread_mutex_unlock(&fl->file->lock);
	if (!err)
		err = mount_hidden_key(m, &key);
	if (!err)
		err = s3_put(m->s3, key.s, NULL, &body, 0, &etag, &call);
	pthread_mutex_lock(&fl->file->lock);
	if (!err)
		err = draft_source_add(d, key.s, &etag, true);
	e = parts_spilled(d->parts, &fl->a, err, d->nsources - 1);
	buf_fini(&key);
	land(fl, err ? err : e);
}

int upload_start_spill(struct draft *d, bool first)
{
	struct parts_action a;
	int err = parts_spill(d->parts, first, &a);

	if (err || a.what == PARTS_NOTHING)
		return err;
	err = take_off(d, d->file->m->uploads, spill_job, &a, 0);
	if (err)
		(void)!parts_spilled(d->parts, &a, err, -1);
	return err ? err : 1;
}

/* ---------------------------------------------------------------- clean-up */

struct leftovers {
	struct mount *m;
	struct draft_source *sources;
	int n;
};

static void leftovers_job(void *arg)
{
	struct leftovers *l = arg;

	for (int i = 0; i < l->n; i++) {
		if (l->sources[i].ours && s3_delete(l->m->s3, l->sources[i].key, NULL))
			log_error("the hidden object %s is left behind", l->sources[i].key);
		free(l->sources[i].key);
	}
	free(l->sources);
	free(l);
}

void upload_delete_sources(struct mount *m, struct draft_source *sources, int n)
{
	struct leftovers *l = malloc(sizeof *l);

	if (l) {
		*l = (struct leftovers){m, sources, n};
		if (!workers_give(m->fetches, 0, leftovers_job, l))
			return;
		free(l);
	}
	for (int i = 0; i < n; i++) {
		if (sources[i].ours)
			log_error("the hidden object %s is left behind", sources[i].key);
		free(sources[i].key);
	}
	free(sources);
}
