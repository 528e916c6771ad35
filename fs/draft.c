/* SPDX-License-Identifier: MIT */
#include "draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "hints.h"
#include "log.h"
#include "note.h"
#include "num.h"
#include "reader.h"
#include "source.h"

#define RELIEF_WAIT_MS 100
#define FIRSTS         4 /* of the memory, one part in so many: for what is kept of files' beginnings */

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

int draft_new(struct file *f)
{
	struct mount *m = f->m;
	struct draft *d = calloc(1, sizeof *d);
	struct parts_mem mem = {BUDGET_BLOCK, block_take, block_hold, block_put, block_shared, d};
	struct parts_limits limits = {m->conf.part_size, S3_PART_MIN, S3_PART_MAX,
	                              m->conf.max_parts, m->conf.equal_parts};

	if (!d)
		return -ENOMEM;
	d->parts = parts_new(&limits, &mem);
	if (!d->parts) {
		free(d);
		return -ENOMEM;
	}
	d->file = f;
	d->started_ms = mount_now_ms();
	d->sample_ms = d->started_ms;
	d->kept = UINT64_MAX;
	if (m->conf.staging == MOUNT_STAGING_ALWAYS || f->passes)
		(void)!parts_redirect(d->parts);
	tree_lock(m->tree);
	f->counted++;
	f->node->drafted = true;
	d->base = f->node->etag;
	d->base_size = f->node->attr.size;
	tree_unlock(m->tree);
	f->draft = d;
	pthread_mutex_lock(&m->drafts_lock);
	d->next = m->drafts;
	if (d->next)
		d->next->previous = d;
	m->drafts = d;
	pthread_mutex_unlock(&m->drafts_lock);
	return 0;
}

/* The object that the file has just now. *size 0: it is empty. -EAGAIN: it is
 * just being changed. */
static int object_of(struct file *f, struct buf *key, struct s3_etag *etag, uint64_t *size)
{
	struct mount *m = f->m;
	int err = 0;

	tree_lock(m->tree);
	*size = f->node->attr.size;
	*etag = f->node->etag;
	if (f->node->busy || tree_moving_locked(f->node)) {
		err = -EAGAIN;
	} else if (f->ghost) { /* unlinked, and kept for those that have it open */
		buf_adds(key, f->ghost);
		*etag = f->ghost_etag;
		err = buf_error(key);
	} else if (*size) {
		err = mount_key_locked(m, f->node, NULL, key);
	}
	tree_unlock(m->tree);
	return err == -ENOENT ? -ESTALE : err; /* what it had is gone from the bucket */
}

/* Takes back a draft in which there is nothing yet. */
static void draft_undo(struct file *f)
{
	(void)!draft_free_if_done(f->draft);
	tree_lock(f->m->tree);
	f->counted--; /* not the last: the caller counts it, too */
	tree_unlock(f->m->tree);
}

/* The draft is made before one looks whether the object is changing: who
 * changes it later will see it. */
int draft_from_object(struct file *f)
{
	struct buf key = BUF_INIT;
	struct s3_etag etag;
	uint64_t size = 0;
	int source, err = draft_new(f);

	if (!err) {
		err = object_of(f, &key, &etag, &size);
		if (err)
			draft_undo(f);
	}
	if (!err && file_unlinked(f))
		draft_set_discarded(f->draft);
	if (!err && size) {
		source = source_add(f->draft, key.s, &etag, size, false);
		err = source < 0 ? source : parts_replace(f->draft->parts, 0, size, source, 0);
		if (err)
			draft_fail(f->draft, err);
	}
	buf_fini(&key);
	return err;
}

bool draft_free_if_done(struct draft *d)
{
	struct file *f = d->file;
	struct mount *m = f->m;

	if (d->flights || d->reading || d->step != DRAFT_READY || d->own.id || d->staged.id)
		return false;
	if (d->dirty && (d->error       ? f->writers != 0 /* an error to tell */
	                 : d->discarded ? f->handles != 0 /* bytes for those that have it open */
	                                : true))
		return false;
	pthread_mutex_lock(&m->drafts_lock);
	*(d->previous ? &d->previous->next : &m->drafts) = d->next;
	if (d->next)
		d->next->previous = d->previous;
	pthread_mutex_unlock(&m->drafts_lock);
	f->draft = NULL;
	tree_lock(m->tree);
	f->node->drafted = false;
	f->node->passes |= f->passes;
	tree_unlock(m->tree);
	attr_untake(m, f->node, d->taken); /* with none, too: changes that waited for the draft */
	if (d->error && !d->discarded)
		attr_never_made(m, f->node);
	pthread_cond_broadcast(&f->changed);
	parts_free(d->parts);
	source_end_all(d);
	note_end(d, d->left);
	s3_headers_fini(&d->headers);
	free(d);
	return true;
}

void draft_set_discarded(struct draft *d)
{
	d->discarded = true;
	d->publish = false;
	d->sync = false;
	note_discarded(d);
	(void)!parts_redirect(d->parts); /* there is no name to upload to */
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
	return !d->own.id && parts_slots(d->parts) <= 1 && !parts_staged_any(d->parts);
}

bool draft_name_moves(const struct draft *d)
{
	struct tree *t = d->file->m->tree;
	bool moves;

	tree_lock(t);
	moves = tree_moving_locked(d->file->node);
	tree_unlock(t);
	return moves;
}

/* Everything is in the upload. */
static int all_stored(struct draft *d)
{
	if (d->flights || draft_name_moves(d))
		return 0;
	if (!parts_slots(d->parts))
		return d->own.id ? transfer_start_abort(d, &d->own) : publish_start_put(d, NULL);
	return publish_start_complete(d);
}

static int start(struct draft *d, struct parts_action *a)
{
	switch (a->what) {
	case PARTS_COMPOSE:
		return aside_start_compose(d, a->slot);
	case PARTS_SPILL:
		return aside_start_spill(d, a);
	case PARTS_STAGE:
		d->stage = true;
		return d->flights ? 0 : aside_start_stage(d);
	case PARTS_DONE:
		if (d->publish)
			return all_stored(d);
		if (d->sync)
			d->sync_error = note_synced(d);
		d->sync = false;
		pthread_cond_broadcast(&d->file->changed);
		return 0;
	default:
		return a->what == PARTS_SEND && d->publish && is_small(d) ? publish_start_put(d, a)
		                                                          : transfer_start(d, a);
	}
}

bool draft_will_judge(struct file *f, uint64_t end)
{
	bool will;

	pthread_mutex_lock(&f->lock);
	will = f->draft && !f->draft->judged &&
	       end + parts_size(f->draft->parts) > f->m->conf.part_size;
	pthread_mutex_unlock(&f->lock);
	return will;
}

/* Before the first full slot leaves: will there be more than one pass? */
static void judge(struct draft *d)
{
	struct file *f = d->file;
	struct parts_range head;

	if (d->judged || f->m->conf.staging != MOUNT_STAGING_AUTO || parts_slots(d->parts) < 2)
		return;
	d->judged = true;
	head = parts_at(d->parts, 0, HINTS_HEAD);
	if (head.kind == PARTS_IS_MEMORY && hints_many_passes(f->program, head.data, head.len)) {
		f->passes = true;
		(void)!parts_redirect(d->parts);
	}
}

/* All of the file is one object by now: no byte has to be moved. */
static bool is_whole(struct draft *d, int *source)
{
	return !d->own.id && !d->flights && parts_whole(d->parts, source) &&
	       d->sources[*source].size == parts_size(d->parts) &&
	       parts_size(d->parts) <= S3_PART_MAX;
}

/* Transfers, until nothing more can fly. */
static int start_all(struct draft *d)
{
	enum parts_mode mode = d->publish ? PARTS_FINISH : d->sync ? PARTS_SYNC : PARTS_FULL;
	int err = 0, source;

	judge(d);
	parts_copy_small(d->parts, !s3_copies(d->file->m->s3));
	if (d->publish && is_small(d) && draft_name_moves(d))
		return 0;
	if (d->publish && is_whole(d, &source))
		return draft_name_moves(d) ? 0 : publish_start_copy(d, source);
	while (!err && d->step == DRAFT_READY && d->flights < d->file->m->conf.parallel) {
		struct parts_action a;

		err = parts_next(d->parts, mode, &a);
		if (err || a.what == PARTS_NOTHING)
			break;
		err = start(d, &a);
		if (a.what == PARTS_DONE || a.what == PARTS_STAGE)
			break;
	}
	return err;
}

/* The service was not to be reached: what it has of the file waits there. */
static void leave(struct draft *d)
{
	struct draft_upload *uploads[] = {&d->own, &d->staged};

	d->left = true;
	for (int i = 0; i < 2; i++) {
		free(uploads[i]->key);
		free(uploads[i]->id);
		*uploads[i] = (struct draft_upload){0};
	}
}

/* Nobody wants the uploads any more. */
static int give_up(struct draft *d)
{
	if (d->flights && d->discarded && !d->file->handles)
		d->cancel = true; /* nor what is on its way to them */
	if (d->flights)
		return 0;
	if (d->error == -ETIMEDOUT && d->note && !d->discarded)
		leave(d);
	if (d->own.id)
		return transfer_start_abort(d, &d->own);
	if (d->staged.id)
		return transfer_start_abort(d, &d->staged);
	if (d->error)
		parts_clear(d->parts); /* its memory serves others */
	return 0;
}

/* The own upload's parts are not the file's any more. */
static int start_over(struct draft *d)
{
	if (d->flights)
		return 0;
	if (d->own.id && note_retire(d, d->own.key, d->own.id))
		d->own = (struct draft_upload){0};
	return d->own.id ? transfer_start_abort(d, &d->own) : parts_restart(d->parts);
}

static int pump(struct draft *d)
{
	if (!d->dirty || d->error || (d->discarded && !d->file->handles))
		return give_up(d);
	if (parts_outgrown(d->parts) || (parts_finishing(d->parts) && !d->publish)) {
		int err = start_over(d);

		if (err || d->own.id || parts_outgrown(d->parts) || parts_finishing(d->parts))
			return err;
	}
	d->stage = d->stage && parts_staged_any(d->parts);
	if (d->stage)
		return d->flights ? 0 : aside_start_stage(d);
	return start_all(d);
}

static void tell_too_many(const struct draft *d)
{
	char name[300];

	log_error("%s lies in more pieces than an upload can have parts: mount with a larger "
	          "part_size=, or write it in order",
	          log_quote(name, sizeof name, d->file->node->name));
}

void draft_pump(struct draft *d)
{
	int err;

	if (d->step != DRAFT_READY)
		return;
	err = pump(d);
	if (err == -EFBIG)
		tell_too_many(d);
	if (err)
		draft_fail(d, err == PARTS_SEALED ? -EIO : err);
}

/* ----------------------------------------------------------------- outcome */

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
	if (f->draft && f->draft->publish) { /* by another close: that is durable, too */
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
		err = f->draft->error ? f->draft->error : f->draft->sync_error;
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

void draft_user_came(struct file *f, bool writes)
{
	pthread_mutex_lock(&f->lock);
	f->handles++;
	f->writers += writes;
	pthread_mutex_unlock(&f->lock);
}

void draft_user_gone(struct file *f, bool writes)
{
	pthread_mutex_lock(&f->lock);
	f->handles--;
	f->writers -= writes;
	if (writes && !f->writers) {
		room_give_back(&f->m->room, &f->claim);
		if (f->draft)
			ask_publish(f->draft);
	}
	settle(f);
}

void draft_discard(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->draft) {
		draft_set_discarded(f->draft);
		/* Also what nobody has changed is not in the bucket any more. */
		if (f->handles && !parts_finishing(f->draft->parts))
			f->draft->dirty = true;
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
	tree_lock(m->tree);
	pthread_mutex_lock(&m->drafts_lock);
	for (struct draft *d = m->drafts; d; d = d->next)
		all++;
	files = all ? malloc(all * sizeof *files) : NULL;
	for (struct draft *d = m->drafts; d && files; d = d->next) {
		d->file->counted++;
		files[n++] = d->file;
	}
	pthread_mutex_unlock(&m->drafts_lock);
	tree_unlock(m->tree);
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
	return parts_drop(d->parts, false);
}

struct victim {
	bool first;
	uint64_t most, all; /* bytes that one draft could put aside, and all of them */
};

static bool may_spill(const struct draft *d)
{
	return !d->error && d->step != DRAFT_PUTTING && d->step != DRAFT_COMPLETING;
}

static bool find_victim(struct draft *d, void *arg)
{
	struct victim *v = arg;
	uint64_t n = may_spill(d) ? parts_spillable(d->parts, v->first) : 0;

	v->most = max64(v->most, n);
	v->all += n;
	return false;
}

static bool spill_victim(struct draft *d, void *arg)
{
	struct victim *v = arg;
	struct parts_action a;
	int err;

	if (!may_spill(d) || parts_spillable(d->parts, v->first) < v->most)
		return false;
	err = parts_spill(d->parts, v->first, &a);
	if (!err && a.what == PARTS_SPILL)
		err = aside_start_spill(d, &a);
	if (err)
		draft_fail(d, err);
	return !err && a.what == PARTS_SPILL;
}

static bool drop(struct mount *m)
{
	return reader_relieve(m) || draft_any(m, drop_one, NULL);
}

/* Puts aside what one draft has: of all, more than so many bytes. */
static bool spill(struct mount *m, bool first, uint64_t more_than)
{
	struct victim v = {.first = first};

	draft_any(m, find_victim, &v);
	return v.all > more_than && draft_any(m, spill_victim, &v);
}

/* That of a file by itself stays. */
static bool spill_firsts(struct mount *m)
{
	return spill(m, true, max64(budget_size(m->budget) / FIRSTS, m->conf.part_size));
}

void draft_relieve(struct mount *m, bool must)
{
	/* Before the look: what lands after it wakes, and is no reason to spill. */
	uint64_t told = budget_told(m->budget);
	bool quiet = !m->flying;

	if (drop(m) || spill_firsts(m))
		return;
	/* What is being read ahead, beyond the readers' share, can be had soon: but it may
	 * have to wait for who must have memory. */
	quiet = quiet && (must || !budget_read_too_much(m->budget));
	for (int first = 1; first >= 0 && quiet && !m->flying; first--)
		if (spill(m, first, 0))
			break;
	budget_wait(m->budget, told, RELIEF_WAIT_MS);
}

static bool has_failed(struct file *f)
{
	bool has;

	pthread_mutex_lock(&f->lock);
	has = f->draft && f->draft->error;
	pthread_mutex_unlock(&f->lock);
	return has;
}

int draft_wait_for_room(struct file *f, uint64_t bytes, const atomic_bool *cancel)
{
	struct mount *m = f->m;
	struct room_waiter w = {.claim = &f->claim, .bytes = bytes};
	enum room_answer answer = room_enter(&m->room, &w);
	bool ends = false;

	if (answer == ROOM_GRANTED)
		return 0;
	pthread_mutex_unlock(&f->lock);
	while (answer != ROOM_GRANTED && !ends) {
		answer = room_ask(&m->room, &w, budget_spare(m->budget), mount_now_ms());
		if (answer == ROOM_LATER || (answer == ROOM_LACKS && !drop(m) && !spill_firsts(m)))
			room_wait(&m->room, &w);
		ends = (cancel && *cancel) || has_failed(f);
	}
	if (answer != ROOM_GRANTED)
		room_leave(&m->room, &w);
	pthread_mutex_lock(&f->lock);
	return cancel && *cancel ? -EINTR : 0;
}
