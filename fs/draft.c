/* SPDX-License-Identifier: MIT */
#include "draft.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "log.h"
#include "reader.h"

#define RELIEF_WAIT_MS 100

/* ------------------------------------------------------ memory for parts.c */

static void *block_take(void *arg)
{
	struct draft *d = arg;

	return budget_take(d->file->m->budget, d->reserve);
}

static void block_hold(void *arg, void *block)
{
	struct draft *d = arg;

	budget_hold(d->file->m->budget, block);
}

static void block_put(void *arg, void *block)
{
	struct draft *d = arg;

	budget_put(d->file->m->budget, block);
}

static bool block_shared(void *arg, void *block)
{
	struct draft *d = arg;

	return budget_shared(d->file->m->budget, block);
}

/* -------------------------------------------------------------------- life */

static int draft_new(struct file *f)
{
	struct mount *m = f->m;
	struct draft *d = calloc(1, sizeof *d);
	struct parts_mem mem = {BUDGET_BLOCK, block_take, block_hold, block_put, block_shared, d};

	if (!d)
		return -ENOMEM;
	d->parts = parts_new(m->conf.part_size, &mem);
	if (!d->parts) {
		free(d);
		return -ENOMEM;
	}
	d->file = f;
	d->started_ms = mount_now_ms();
	d->sample_ms = d->started_ms;
	pthread_mutex_lock(&m->tree->lock);
	f->counted++;
	f->node->drafted = true;
	pthread_mutex_unlock(&m->tree->lock);
	f->draft = d;
	pthread_mutex_lock(&m->drafts_lock);
	d->next = m->drafts;
	if (d->next)
		d->next->previous = d;
	m->drafts = d;
	pthread_mutex_unlock(&m->drafts_lock);
	return 0;
}

/* A draft whose content is the object's, to be edited. */
static int draft_from_object(struct file *f)
{
	struct mount *m = f->m;
	struct buf key = BUF_INIT;
	struct s3_etag etag;
	uint64_t size;
	int err;

	pthread_mutex_lock(&m->tree->lock);
	size = f->node->attr.size;
	etag = f->node->etag;
	err = f->node->unlinked ? 0 : mount_key_locked(m, f->node, NULL, &key);
	pthread_mutex_unlock(&m->tree->lock);
	if (!err && f->node->unlinked && size)
		err = -ESTALE; /* what it had is gone from the bucket */
	if (!err)
		err = draft_new(f);
	if (!err) {
		if (f->node->unlinked)
			draft_set_discarded(f->draft);
		if (size) {
			err = draft_source_add(f->draft, key.s, &etag, false);
			if (!err)
				err = parts_replace(f->draft->parts, 0, size, 0, 0);
			if (err)
				draft_fail(f->draft, err);
		}
	}
	buf_fini(&key);
	return err;
}

int draft_source_add(struct draft *d, const char *key, const struct s3_etag *etag, bool ours)
{
	struct draft_source *sources = realloc(d->sources, (d->nsources + 1) * sizeof *sources);

	if (!sources)
		return -ENOMEM;
	d->sources = sources;
	sources[d->nsources] = (struct draft_source){strdup(key), *etag, ours};
	if (!sources[d->nsources].key)
		return -ENOMEM;
	d->nsources++;
	return 0;
}

bool draft_free_if_done(struct draft *d)
{
	struct file *f = d->file;
	struct mount *m = f->m;

	if (d->flights || d->step != DRAFT_READY || d->upload_id)
		return false;
	if (d->dirty && (f->writers || !(d->error || d->discarded)))
		return false; /* it has bytes to keep, or an error to tell */
	pthread_mutex_lock(&m->drafts_lock);
	*(d->previous ? &d->previous->next : &m->drafts) = d->next;
	if (d->next)
		d->next->previous = d->previous;
	pthread_mutex_unlock(&m->drafts_lock);
	f->draft = NULL;
	pthread_mutex_lock(&m->tree->lock);
	f->node->drafted = false;
	pthread_mutex_unlock(&m->tree->lock);
	if (d->taken)
		attr_untake(m, f->node, d->taken);
	if (d->error)
		attr_never_made(m, f->node);
	pthread_cond_broadcast(&f->changed);
	parts_free(d->parts);
	upload_delete_sources(m, d->sources, d->nsources);
	s3_headers_fini(&d->headers);
	free(d->upload_key);
	free(d);
	return true;
}

void draft_set_discarded(struct draft *d)
{
	d->discarded = true;
	d->publish = false;
	d->sync = false;
	parts_keep_back(d->parts);
	pthread_cond_broadcast(&d->file->changed);
}

void draft_fail(struct draft *d, int error)
{
	if (d->error)
		return;
	d->error = error;
	d->cancel = true;
	pthread_cond_broadcast(&d->file->changed);
}

/* -------------------------------------------------------------------- pump */

/* Fits in one slot and has no upload: one PUT. */
static bool is_small(const struct draft *d)
{
	return !d->upload_id && parts_slots(d->parts) <= 1;
}

static int start(struct draft *d, struct parts_action *a)
{
	if (a->what == PARTS_COMPOSE)
		return d->composing ? 0 : upload_start_compose(d, a->slot);
	if (a->what == PARTS_SEND && is_small(d))
		return upload_start_put(d, a);
	return upload_start(d, a);
}

/* Everything is in the upload. */
static int all_stored(struct draft *d)
{
	if (d->sync) {
		d->sync = false;
		pthread_cond_broadcast(&d->file->changed);
	}
	if (!d->publish || d->flights)
		return 0;
	if (!parts_slots(d->parts))
		return d->upload_id ? upload_start_abort(d) : upload_start_put(d, NULL);
	return upload_start_complete(d);
}

/* Transfers, until nothing more can fly. */
static int start_all(struct draft *d)
{
	enum parts_mode mode = d->publish || d->sync ? PARTS_ALL : PARTS_FULL;
	int err = 0;

	while (!err && d->step == DRAFT_READY && d->flights < d->file->m->conf.parallel) {
		struct parts_action a;

		err = parts_next(d->parts, mode, &a);
		if (err || a.what == PARTS_NOTHING)
			break;
		if (a.what == PARTS_DONE)
			return all_stored(d);
		if (a.what == PARTS_COMPOSE && d->composing)
			break;
		err = start(d, &a);
	}
	return err;
}

/* The upload's parts are not the file's any more, or nobody wants them. */
static int start_over(struct draft *d)
{
	if (d->flights)
		return 0;
	if (d->upload_id)
		return upload_start_abort(d);
	if (d->error)
		return parts_truncate(d->parts, 0); /* its memory serves others */
	return d->discarded ? 0 : parts_restart(d->parts);
}

void draft_pump(struct draft *d)
{
	bool unwanted = d->error || (d->discarded && !d->file->writers);
	int err = 0;

	if (d->step != DRAFT_READY)
		return;
	if (unwanted || parts_outgrown(d->parts))
		err = start_over(d);
	if (!err && !unwanted && !d->discarded && d->step == DRAFT_READY &&
	    !parts_outgrown(d->parts))
		err = start_all(d);
	if (err)
		draft_fail(d, err);
}

/* ------------------------------------------------------------------- edits */

/* A copy of attributes or a rename is under way: the ETag is about to change. */
static bool object_is_changing(struct file *f)
{
	bool busy;

	pthread_mutex_lock(&f->m->tree->lock);
	busy = f->node->busy;
	pthread_mutex_unlock(&f->m->tree->lock);
	return busy;
}

/* Waits until the draft may be edited: there is one, and it is not just being
 * published. */
static int editable(struct file *f, const atomic_bool *cancel)
{
	int err = 0;

	while (!err) {
		struct draft *d = f->draft;

		if (!d && object_is_changing(f))
			err = file_wait(f, cancel);
		else if (!d)
			err = draft_from_object(f);
		else if (d->error)
			return d->error;
		else if (d->step == DRAFT_PUTTING || d->step == DRAFT_COMPLETING)
			err = file_wait(f, cancel);
		else
			return 0;
	}
	return err;
}

static void edited(struct draft *d)
{
	d->dirty = true;
	d->publish = false; /* whoever closes next asks again */
	clock_gettime(CLOCK_REALTIME, &d->written_at);
}

static int sealed(struct draft *d, const char *what)
{
	char name[300];

	if (!d->told)
		log_warn("cannot %s a part of %s that has left already: "
		         "raise memory= so that the file fits, or write it elsewhere first",
		         what, log_quote(name, sizeof name, d->file->node->name));
	d->told = true;
	return -EOPNOTSUPP;
}

/* Frees memory for a write, with no lock held meanwhile. */
static int wait_for_memory(struct file *f, const atomic_bool *cancel)
{
	if (cancel && *cancel)
		return -EINTR;
	pthread_mutex_unlock(&f->lock);
	draft_relieve(f->m);
	pthread_mutex_lock(&f->lock);
	return 0;
}

ssize_t draft_write(struct file *f, const void *data, size_t len, uint64_t offset, bool append,
                    const atomic_bool *cancel)
{
	size_t done = 0;
	int err = 0;

	pthread_mutex_lock(&f->lock);
	while (!err && done < len) {
		ssize_t n;

		err = editable(f, cancel);
		if (err)
			break;
		if (append && !done)
			offset = parts_size(f->draft->parts);
		n = parts_write(f->draft->parts, offset + done, (const char *)data + done,
		                len - done);
		if (n > 0) {
			done += (size_t)n;
			f->draft->written += (uint64_t)n;
			edited(f->draft);
			draft_pump(f->draft);
		} else if (n == PARTS_NO_BLOCK) {
			err = wait_for_memory(f, cancel);
		} else {
			err = n == PARTS_SEALED ? sealed(f->draft, "write to") : (int)n;
		}
	}
	pthread_mutex_unlock(&f->lock);
	return done ? (ssize_t)done : err;
}

int draft_begin(struct file *f, const atomic_bool *cancel)
{
	int err = 0;

	pthread_mutex_lock(&f->lock);
	while (!err && f->draft &&
	       (f->draft->step == DRAFT_PUTTING || f->draft->step == DRAFT_COMPLETING))
		err = file_wait(f, cancel);
	if (!err && f->draft)
		err = f->draft->error ? f->draft->error : parts_truncate(f->draft->parts, 0);
	else if (!err)
		err = draft_new(f);
	if (!err) {
		edited(f->draft);
		draft_pump(f->draft);
	}
	pthread_mutex_unlock(&f->lock);
	return err;
}

int draft_truncate(struct file *f, uint64_t size, const atomic_bool *cancel)
{
	int err;

	pthread_mutex_lock(&f->lock);
	err = editable(f, cancel);
	if (!err && size != parts_size(f->draft->parts)) {
		err = parts_truncate(f->draft->parts, size);
		if (!err) {
			edited(f->draft);
			draft_pump(f->draft);
		} else if (err == PARTS_SEALED) {
			err = sealed(f->draft, "cut");
		}
	}
	pthread_mutex_unlock(&f->lock);
	return err;
}

/* ------------------------------------------------------------------- reads */

/* A range of a source, with file->lock released meanwhile. */
static ssize_t read_source(struct file *f, int source, uint64_t offset, void *data, size_t len,
                           const atomic_bool *cancel)
{
	const struct draft_source *src = &f->draft->sources[source];
	struct iovec iov = {data, len};
	struct s3_call call = {.cancel = cancel};
	struct s3_etag etag = src->etag;
	char *key = strdup(src->key);
	ssize_t n;

	if (!key)
		return -ENOMEM;
	pthread_mutex_unlock(&f->lock);
	n = s3_get(f->m->s3, key, offset, &iov, 1, &etag, NULL, &call);
	pthread_mutex_lock(&f->lock);
	free(key);
	if (n >= 0 && (size_t)n < len)
		return -EIO;
	return n;
}

ssize_t draft_read(struct file *f, void *data, size_t len, uint64_t offset,
                   const atomic_bool *cancel)
{
	size_t done = 0;
	ssize_t n = 0;

	pthread_mutex_lock(&f->lock);
	if (f->draft && f->draft->error)
		n = f->draft->error;
	while (n >= 0 && done < len && f->draft) {
		struct parts_range r = parts_at(f->draft->parts, offset + done, len - done);
		char *to = (char *)data + done;

		n = (ssize_t)r.len;
		if (r.kind == PARTS_IS_END)
			break;
		if (r.kind == PARTS_IS_MEMORY)
			memcpy(to, r.data, r.len);
		else if (r.kind == PARTS_IS_ZERO)
			memset(to, 0, r.len);
		else if (r.kind == PARTS_IS_REMOTE)
			n = read_source(f, r.source, r.source_offset, to, r.len, cancel);
		else
			n = sealed(f->draft, "read");
		if (n > 0)
			done += (size_t)n;
	}
	/* Published while it was read: all of it is in the object. Never a part:
	 * to the kernel a short read is the end of the file. */
	if (n >= 0 && done < len && !f->draft)
		n = -ENODATA;
	pthread_mutex_unlock(&f->lock);
	return n < 0 ? n : (ssize_t)done;
}

bool draft_stat(struct file *f, uint64_t *size, struct timespec *mtime)
{
	struct draft *d;

	pthread_mutex_lock(&f->lock);
	d = f->draft;
	if (d) {
		*size = parts_size(d->parts);
		if (d->written_at.tv_sec)
			*mtime = d->written_at;
	}
	pthread_mutex_unlock(&f->lock);
	return d != NULL;
}

void draft_mtime_set(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->draft)
		f->draft->written_at = (struct timespec){0};
	pthread_mutex_unlock(&f->lock);
}

/* ----------------------------------------------------------------- outcome */

static void ask_publish(struct draft *d)
{
	if (d->dirty && !d->error && !d->discarded) {
		d->publish = true;
		draft_pump(d);
	}
}

int draft_publish(struct file *f, const atomic_bool *cancel)
{
	uint64_t published;
	int err = 0;

	pthread_mutex_lock(&f->lock);
	published = f->published;
	if (f->draft)
		ask_publish(f->draft);
	while (!err && f->draft && f->published == published && !f->draft->error &&
	       f->draft->publish)
		err = file_wait(f, cancel);
	if (!err && f->draft && f->published == published)
		err = f->draft->error;
	pthread_mutex_unlock(&f->lock);
	return err;
}

void draft_publish_later(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->draft)
		ask_publish(f->draft);
	pthread_mutex_unlock(&f->lock);
}

int draft_sync(struct file *f, const atomic_bool *cancel)
{
	int err = 0;

	pthread_mutex_lock(&f->lock);
	if (f->draft && is_small(f->draft)) {
		pthread_mutex_unlock(&f->lock);
		return draft_publish(f, cancel);
	}
	if (f->draft && f->draft->dirty && !f->draft->error && !f->draft->discarded) {
		f->draft->sync = true;
		draft_pump(f->draft);
	}
	while (!err && f->draft && f->draft->sync && !f->draft->error)
		err = file_wait(f, cancel);
	if (!err && f->draft)
		err = f->draft->error;
	pthread_mutex_unlock(&f->lock);
	return err;
}

int draft_error(struct file *f)
{
	int err;

	pthread_mutex_lock(&f->lock);
	err = f->draft ? f->draft->error : 0;
	pthread_mutex_unlock(&f->lock);
	return err;
}

/* Pumps once more after what the caller changed; with file->lock, which it
 * gives back. */
static void settle(struct file *f)
{
	bool gone = false;

	if (f->draft) {
		draft_pump(f->draft);
		gone = draft_free_if_done(f->draft);
	}
	pthread_mutex_unlock(&f->lock);
	if (gone)
		file_put(f);
}

void draft_writer_came(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	f->writers++;
	pthread_mutex_unlock(&f->lock);
}

void draft_writer_gone(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	if (--f->writers) {
		pthread_mutex_unlock(&f->lock);
		return;
	}
	if (f->draft)
		ask_publish(f->draft);
	settle(f);
}

void draft_discard(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->draft) {
		draft_set_discarded(f->draft);
	}
	settle(f);
}

/* --------------------------------------------------------------- pressure */

bool draft_any(struct mount *m, bool (*what)(struct draft *d, void *arg), void *arg)
{
	struct file **files;
	size_t n = 0, all = 0;
	bool found = false;

	/* A draft that is listed counts its file, so counting it is safe. */
	pthread_mutex_lock(&m->tree->lock);
	pthread_mutex_lock(&m->drafts_lock);
	for (struct draft *d = m->drafts; d; d = d->next)
		all++;
	files = all ? malloc(all * sizeof *files) : NULL;
	for (struct draft *d = m->drafts; d && files; d = d->next) {
		d->file->counted++;
		files[n++] = d->file;
	}
	pthread_mutex_unlock(&m->drafts_lock);
	pthread_mutex_unlock(&m->tree->lock);
	for (size_t i = 0; i < n; i++) {
		pthread_mutex_lock(&files[i]->lock);
		if (!found && files[i]->draft)
			found = what(files[i]->draft, arg);
		pthread_mutex_unlock(&files[i]->lock);
		file_put(files[i]);
	}
	free(files);
	return found;
}

static bool drop_one(struct draft *d, void *arg)
{
	(void)arg;
	return parts_drop(d->parts);
}

struct victim {
	bool first;
	uint64_t most;
};

static bool find_victim(struct draft *d, void *arg)
{
	struct victim *v = arg;
	uint64_t n = d->error ? 0 : parts_spillable(d->parts, v->first);

	if (n > v->most)
		v->most = n;
	return false;
}

static bool spill_victim(struct draft *d, void *arg)
{
	struct victim *v = arg;

	if (d->error || d->step == DRAFT_PUTTING || d->step == DRAFT_COMPLETING ||
	    parts_spillable(d->parts, v->first) < v->most)
		return false;
	return upload_start_spill(d, v->first) > 0;
}

void draft_relieve(struct mount *m)
{
	if (reader_relieve(m) || draft_any(m, drop_one, NULL))
		return;
	for (int first = 1; first >= 0 && !m->flying; first--) {
		struct victim v = {.first = first};

		draft_any(m, find_victim, &v);
		if (v.most && draft_any(m, spill_victim, &v))
			break;
	}
	budget_wait(m->budget, RELIEF_WAIT_MS);
}
