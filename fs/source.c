/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "log.h"
#include "note.h"
#include "reader.h"

int source_add(struct draft *d, const char *key, const struct s3_etag *etag, uint64_t size,
               bool ours)
{
	struct draft_source *sources;
	int at = d->nsources;

	for (int i = 0; i < d->nsources; i++) {
		if (!d->sources[i].key)
			at = i; /* was collected: no byte and no job refers to it */
		else if (!strcmp(d->sources[i].key, key) && !strcmp(d->sources[i].etag.s, etag->s))
			return i;
	}
	if (at == d->nsources) {
		sources = realloc(d->sources, (d->nsources + 1) * sizeof *sources);
		if (!sources)
			return -ENOMEM;
		d->sources = sources;
	}
	d->sources[at] = (struct draft_source){
		.key = strdup(key), .etag = *etag, .size = size, .ours = ours};
	if (!d->sources[at].key)
		return -ENOMEM;
	d->nsources += at == d->nsources;
	return at;
}

int source_pin(const struct draft *d, int source, struct source_pin *pin)
{
	const struct draft_source *s = &d->sources[source];

	pin->etag = s->etag;
	pin->key = strdup(s->key);
	return pin->key ? 0 : -ENOMEM;
}

bool source_unpin(struct draft *d, int source, struct source_pin *pin, int err)
{
	const struct draft_source *s = &d->sources[source];
	bool moved = false;

	if (err == -ENOENT || err == -ESTALE) {
		while (d->sources[source].moving)
			(void)!file_wait(d->file, NULL);
		s = &d->sources[source];
		moved = strcmp(s->key, pin->key) != 0 || strcmp(s->etag.s, pin->etag.s) != 0;
	}
	free(pin->key);
	return moved;
}

/* -------------------------------------------------------------------- read */

/* The source has moved since the reader began. */
static bool reader_is_old(const struct draft_source *s)
{
	return s->reader && !reader_is_of(s->reader, s->key, &s->etag);
}

static struct reader *reader_of(struct draft *d, int source)
{
	struct draft_source *s = &d->sources[source];

	if (reader_is_old(s)) {
		reader_free(s->reader);
		s->reader = NULL;
	}
	if (!s->reader)
		s->reader = reader_new(d->file->m, s->key, &s->etag, s->size);
	return s->reader;
}

ssize_t source_read(struct file *f, int source, uint64_t offset, struct answer *to, size_t len,
                    const atomic_bool *cancel)
{
	struct draft *d = f->draft;
	struct reader *r;
	struct source_pin pin;
	ssize_t n;
	bool again;

	/* Others may be in the old reader. Who waits is not counted: the draft
	 * may be gone then, so the caller has to look for it again. */
	if (reader_is_old(&d->sources[source]) && d->reading)
		return file_wait(f, cancel) ? -EINTR : -EAGAIN;
	r = reader_of(d, source);
	if (!r || source_pin(d, source, &pin))
		return -ENOMEM;
	d->reading++;
	pthread_mutex_unlock(&f->lock);
	n = reader_read(r, to, len, offset, cancel);
	pthread_mutex_lock(&f->lock);
	again = source_unpin(d, source, &pin, n < 0 ? (int)n : 0);
	d->reading--;
	if (!d->reading)
		pthread_cond_broadcast(&f->changed);
	if (again)
		return -EAGAIN;
	return n >= 0 && (size_t)n < len ? -EIO : n;
}

/* --------------------------------------------------------------------- end */

struct leftover {
	struct mount *m;
	char *key, *id; /* id NULL: an object */
};

static void is_left_behind(const char *key, const char *id)
{
	char text[1200];

	log_error("%s %s is left behind", id ? "an upload of" : "the hidden object",
	          log_quote(text, sizeof text, key));
}

static void end_job(void *arg)
{
	struct leftover *l = arg;
	int err = l->id ? s3_upload_abort(l->m->s3, l->key, l->id, NULL)
	                : s3_delete(l->m->s3, l->key, NULL);

	if (err)
		is_left_behind(l->key, l->id);
	free(l->key);
	free(l->id);
	free(l);
}

void source_abort_later(struct mount *m, char *key, char *id)
{
	struct leftover *l = malloc(sizeof *l);

	if (l) {
		*l = (struct leftover){m, key, id};
		if (!workers_give(m->fetches, 0, end_job, l))
			return;
		free(l);
	}
	is_left_behind(key, id);
	free(key);
	free(id);
}

void source_delete_later(struct mount *m, char *key)
{
	source_abort_later(m, key, NULL);
}

static void end(struct draft *d, struct draft_source *s)
{
	if (d->left || !s->ours || !s->key)
		free(s->key);
	else if (!note_retire(d, s->key, NULL))
		source_delete_later(d->file->m, s->key);
	reader_free(s->reader);
	s->key = NULL;
	s->reader = NULL;
}

void source_collect(struct draft *d)
{
	if (d->flights || d->reading)
		return; /* they may be using it */
	for (int i = 0; i < d->nsources; i++)
		if (d->sources[i].ours && d->sources[i].key && !parts_uses(d->parts, i))
			end(d, &d->sources[i]);
}

void source_end_all(struct draft *d)
{
	for (int i = 0; i < d->nsources; i++)
		end(d, &d->sources[i]);
	free(d->sources);
	d->sources = NULL;
	d->nsources = 0;
}

/* ------------------------------------------------------------------- moves */

struct move {
	const char *key, *to;
	const struct s3_etag *made;
	bool moving;
};

static bool move_sources(struct draft *d, void *arg)
{
	const struct move *move = arg;

	for (int i = 0; i < d->nsources; i++) {
		struct draft_source *s = &d->sources[i];
		char *to;

		if (!s->key || s->ours || strcmp(s->key, move->key) != 0)
			continue;
		s->moving = move->moving;
		if (!move->to)
			continue;
		to = strdup(move->to);
		if (to) {
			free(s->key);
			s->key = to;
			s->etag = *move->made;
			note_moved(d);
		} else {
			draft_fail(d, -ENOMEM);
		}
	}
	pthread_cond_broadcast(&d->file->changed);
	return false;
}

void draft_moving(struct mount *m, const char *key)
{
	struct move move = {.key = key, .moving = true};

	draft_any(m, move_sources, &move);
}

void draft_moved(struct mount *m, const char *key, const char *to, const struct s3_etag *made)
{
	struct move move = {.key = key, .to = to, .made = made};

	draft_any(m, move_sources, &move);
}

struct rescue {
	const char *key;
	const struct draft *but;
	struct file *file; /* counted */
	int source;
	struct s3_etag etag;
	uint64_t size;
};

static bool find_source(struct draft *d, void *arg)
{
	struct rescue *r = arg;

	for (int i = 0; d != r->but && !d->error && i < d->nsources; i++) {
		struct draft_source *s = &d->sources[i];

		if (!s->key || s->ours || strcmp(s->key, r->key) != 0 ||
		    (!parts_uses(d->parts, i) && !note_uses(d, i)))
			continue;
		s->moving = true;
		r->source = i;
		r->etag = s->etag;
		r->size = s->size;
		r->file = d->file;
		file_hold(d->file);
		return true;
	}
	return false;
}

/* It is still the one that find_source() found: the file may have begun
 * another draft meanwhile. */
static bool is_rescued(const struct draft_source *s, const struct rescue *r)
{
	return s->moving && s->key && !strcmp(s->key, r->key) && !strcmp(s->etag.s, r->etag.s);
}

/* The source is a hidden copy from now on; or was lost, if there is none. */
static void rescued(struct rescue *r, struct buf *key, const struct s3_etag *made, int err)
{
	struct file *f = r->file;
	struct draft *d;

	pthread_mutex_lock(&f->lock);
	d = f->draft;
	if (d && r->source < d->nsources && is_rescued(&d->sources[r->source], r)) {
		struct draft_source *s = &d->sources[r->source];

		s->moving = false;
		if (!err) {
			free(s->key);
			s->key = buf_detach(key);
			s->etag = *made;
			s->ours = true;
			note_moved(d);
		} else if (err == -ENOENT || err == -ESTALE)
			draft_fail(d, -ESTALE); /* somebody else has changed the object */
		pthread_cond_broadcast(&f->changed);
	} else if (!err) { /* it was published meanwhile */
		source_delete_later(f->m, buf_detach(key));
	}
	pthread_mutex_unlock(&f->lock);
	file_put(f);
}

int draft_rescue(struct mount *m, const char *key, const struct draft *but, struct s3_call *call)
{
	struct rescue r = {.key = key, .but = but};
	int err = 0;

	while (!err && draft_any(m, find_source, &r)) {
		struct buf hidden = BUF_INIT;
		struct s3_etag made;

		err = mount_hidden_key(m, &hidden);
		if (!err)
			err = copy_object(m, key, &r.etag, r.size, hidden.s, NULL, 0, &made, call);
		rescued(&r, &hidden, &made, err);
		buf_fini(&hidden);
		if (err == -ENOENT || err == -ESTALE)
			err = 0; /* that draft has failed; there may be others */
	}
	return err;
}
