/* SPDX-License-Identifier: MIT */
/* edit.c - what programs do to the content of a file: edits of its draft, and
 * reads. */
#include <errno.h>
#include <string.h>

#include "draft.h"
#include "log.h"
#include "note.h"
#include "num.h"
#include "source.h"

#define READ_SHARE       4 /* of the memory, one part in so many: for reading ahead */
#define WAITS_FOR_NOBODY ((uint64_t)1 << 20) /* written bytes: as much as a small file has */
#define COPY_MIN         ((uint64_t)1 << 20) /* bytes that are worth a copy by the service */

/* ------------------------------------------------------------------- edits */

/* It is being published: what it is now will be the object. */
static bool is_frozen(const struct draft *d)
{
	return d->publish || d->step == DRAFT_PUTTING || d->step == DRAFT_COMPLETING ||
	       parts_finishing(d->parts);
}

/* Waits until the draft may be edited: there is one, and it is not just being
 * published. */
static int editable(struct file *f, const atomic_bool *cancel)
{
	int err = 0;

	while (!err) {
		struct draft *d = f->draft;

		if (!d) {
			err = draft_from_object(f);
			if (err == -EAGAIN)
				err = file_wait(f, cancel);
		} else if (d->error)
			return d->error;
		else if (is_frozen(d))
			err = file_wait(f, cancel);
		else
			return 0;
	}
	return err;
}

/* From that byte on, or some of them. */
static void edited(struct draft *d, uint64_t from)
{
	struct mount *m = d->file->m;
	uint64_t now = m->conf.sync_interval_ms ? mount_now_ms() : 0;

	d->dirty = true;
	if (from < d->kept) {
		d->kept = from;
		note_changed(d);
	}
	clock_gettime(CLOCK_REALTIME, &d->written_at);
	if (m->conf.sync_interval_ms && now >= d->synced_ms + m->conf.sync_interval_ms) {
		d->sync = d->synced_ms != 0 && !d->discarded;
		d->synced_ms = now;
	}
	draft_pump(d);
}

/* S3 has no way to the bytes. A write that is refused must not be followed by
 * a publish without it: many programs never look. */
static int sealed(struct draft *d, const char *what)
{
	char name[300];

	if (!d->told)
		log_warn("cannot %s a part of %s that has left already: mount with "
		         "-o staging=always, or with more memory=, for programs that do",
		         what, log_quote(name, sizeof name, d->file->node->name));
	d->told = true;
	return -EOPNOTSUPP;
}

/* Waits until what hindered an edit or a read of the table may be gone. 0: it
 * may be tried again. */
static int hindered(struct file *f, int why, const char *what, const atomic_bool *cancel)
{
	struct draft *d = f->draft;

	if (why == PARTS_STAGED) {
		d->stage = true;
		draft_pump(d);
		return file_wait(f, cancel);
	}
	if (why == PARTS_CROWDED) {
		draft_pump(d);
		return file_wait(f, cancel);
	}
	if (why == PARTS_NO_BLOCK) {
		if (cancel && *cancel)
			return -EINTR;
		draft_pump(d); /* what is full can leave */
		room_lacks(&f->m->room, &f->claim, true);
		pthread_mutex_unlock(&f->lock);
		draft_relieve(f->m, false);
		pthread_mutex_lock(&f->lock);
		room_lacks(&f->m->room, &f->claim, false);
		return 0;
	}
	if (why == PARTS_SEALED)
		why = sealed(d, what);
	else if (why == -EIO)
		d->dirty = true; /* what is there now is neither old nor new */
	else
		return why;
	draft_fail(d, why);
	return why;
}

static void expect_passes(struct draft *d)
{
	if (d->file->m->conf.staging == MOUNT_STAGING_AUTO) {
		d->file->passes = true;
		(void)!parts_redirect(d->parts);
	}
}

void draft_expect_passes(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	f->passes = f->m->conf.staging == MOUNT_STAGING_AUTO;
	if (f->draft && !is_frozen(f->draft))
		expect_passes(f->draft);
	pthread_mutex_unlock(&f->lock);
}

void draft_forget_passes(struct file *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->writers == 1) {
		f->passes = false;
		tree_lock(f->m->tree);
		f->node->passes = false;
		tree_unlock(f->m->tree);
	}
	pthread_mutex_unlock(&f->lock);
}

static uint64_t left_of_part(const struct draft *d, uint64_t offset)
{
	uint64_t part = parts_part_size(d->parts);

	return part - offset % part;
}

/* What needs no more memory, or little, waits for nobody. */
static bool has_room(const struct draft *d, uint64_t offset, size_t len)
{
	struct file *f = d->file;
	struct parts_range there;

	if (d->written + len <= WAITS_FOR_NOBODY || room_has(&f->m->room, &f->claim, len))
		return true;
	there = parts_at(d->parts, offset, len);
	return there.kind == PARTS_IS_MEMORY && there.len >= min64(len, BUDGET_BLOCK);
}

/* A write far from where the last one ended, neither at the file's beginning nor at its
 * end, as who has patched a header goes on there: others like it will come. */
static bool is_far(const struct draft *d, uint64_t offset)
{
	uint64_t part = parts_part_size(d->parts), end = d->write_end;

	return offset >= part && offset != parts_size(d->parts) &&
	       (offset > end + part || offset + part < end);
}

ssize_t draft_write(struct file *f, const struct parts_input *in, size_t len, uint64_t offset,
                    bool append, const atomic_bool *cancel)
{
	size_t done = 0;
	int err = 0;

	room_begin(&f->m->room, &f->claim, mount_now_ms());
	pthread_mutex_lock(&f->lock);
	while (!err && done < len) {
		struct draft *d;
		size_t piece; /* what completes a part must not wait for room in the next */
		ssize_t n;

		err = editable(f, cancel);
		if (err)
			break;
		d = f->draft;
		if (append && !done)
			offset = parts_size(d->parts);
		if (!append && is_far(d, offset))
			expect_passes(d);
		piece = min64(len - done, left_of_part(d, offset + done));
		if (!has_room(d, offset + done, piece)) {
			err = draft_wait_for_room(f, left_of_part(d, offset + done), cancel);
			continue;
		}
		n = parts_write(d->parts, offset + done, in, piece);
		if (n > 0) {
			room_use(&f->m->room, &f->claim, (size_t)n);
			done += (size_t)n;
			d->written += (uint64_t)n;
			d->write_end = offset + done;
			edited(d, offset + done - (uint64_t)n);
		} else {
			err = hindered(f, (int)n, "write to", cancel);
		}
	}
	pthread_mutex_unlock(&f->lock);
	if (err)
		room_give_back(&f->m->room, &f->claim);
	room_end(&f->m->room, &f->claim, mount_now_ms());
	return done && err != -EIO ? (ssize_t)done : err;
}

int draft_begin(struct file *f, bool exclusive, const atomic_bool *cancel)
{
	int err = 0;

	pthread_mutex_lock(&f->lock);
	while (!err && f->draft && !f->draft->error && is_frozen(f->draft))
		err = file_wait(f, cancel);
	if (!err && f->draft)
		err = f->draft->error ? f->draft->error : parts_truncate(f->draft->parts, 0);
	else if (!err)
		err = draft_new(f);
	if (!err) {
		f->draft->exclusive |= exclusive;
		edited(f->draft, 0);
	}
	pthread_mutex_unlock(&f->lock);
	return err;
}

int draft_truncate(struct file *f, uint64_t size, const atomic_bool *cancel)
{
	int err;

	pthread_mutex_lock(&f->lock);
	do {
		err = editable(f, cancel);
		if (err || size == parts_size(f->draft->parts))
			break;
		if (size > parts_size(f->draft->parts) + parts_part_size(f->draft->parts))
			expect_passes(f->draft); /* it will be filled in here and there */
		err = parts_truncate(f->draft->parts, size);
		if (!err) {
			edited(f->draft, size);
			break;
		}
		err = hindered(f, err, "cut", cancel);
	} while (!err);
	pthread_mutex_unlock(&f->lock);
	return err;
}

int draft_zero(struct file *f, uint64_t offset, uint64_t len, bool grow, const atomic_bool *cancel)
{
	int err;

	pthread_mutex_lock(&f->lock);
	do {
		uint64_t size, n = len;

		err = editable(f, cancel);
		if (err)
			break;
		size = parts_size(f->draft->parts);
		if (!grow && offset + n > size)
			n = offset < size ? size - offset : 0;
		if (!n)
			break;
		err = parts_replace(f->draft->parts, offset, n, PARTS_ZERO, 0);
		if (!err) {
			edited(f->draft, offset);
			break;
		}
		err = hindered(f, err, "punch a hole into", cancel);
	} while (!err);
	pthread_mutex_unlock(&f->lock);
	return err;
}

/* Which object from is, as a source of the draft; and as long as f->lock is
 * held it cannot be changed or removed without draft_rescue() seeing that.
 * -EAGAIN: it is just being changed. */
static int source_of(struct file *from, struct buf *key, struct s3_etag *etag, uint64_t *size)
{
	struct mount *m = from->m;
	struct node *n = from->node;
	int err = 0;

	tree_lock(m->tree);
	if (n->drafted || n->unlinked || !n->etag.s[0])
		err = -EOPNOTSUPP;
	else if (n->busy || tree_moving_locked(n))
		err = -EAGAIN;
	else
		err = mount_key_locked(m, n, NULL, key);
	*etag = n->etag;
	*size = n->attr.size;
	tree_unlock(m->tree);
	return err;
}

/* One try. Bytes, or -errno. */
static ssize_t copy_range(struct file *f, uint64_t offset, struct file *from, uint64_t from_offset,
                          uint64_t len)
{
	struct draft *d = f->draft;
	struct buf key = BUF_INIT;
	struct s3_etag etag;
	uint64_t size;
	bool whole;
	int source, err = source_of(from, &key, &etag, &size);

	len = err || from_offset >= size ? 0 : len < size - from_offset ? len : size - from_offset;
	whole = !offset && !from_offset && len == size && parts_size(d->parts) <= size;
	if (!err && len && len < COPY_MIN && !whole)
		err = -EOPNOTSUPP; /* a request for each would be slower */
	if (!err && len) {
		source = source_add(d, key.s, &etag, size, false);
		err = source < 0 ? source
		                 : parts_replace(d->parts, offset, len, source, from_offset);
	}
	buf_fini(&key);
	return err ? err : (ssize_t)len;
}

ssize_t draft_copy(struct file *f, uint64_t offset, struct file *from, uint64_t from_offset,
                   uint64_t len, const atomic_bool *cancel)
{
	ssize_t n;
	int err;

	if (f == from || f->m != from->m)
		return -EOPNOTSUPP;
	pthread_mutex_lock(&f->lock);
	do {
		n = 0;
		err = editable(f, cancel);
		if (err)
			break;
		n = copy_range(f, offset, from, from_offset, len);
		if (n > 0) {
			f->draft->written += (uint64_t)n;
			f->draft->write_end = offset + (uint64_t)n;
			edited(f->draft, offset);
		}
		if (n >= 0)
			break;
		err = n == -EAGAIN ? file_wait(f, cancel)
		                   : hindered(f, (int)n, "copy over", cancel);
	} while (!err);
	pthread_mutex_unlock(&f->lock);
	return err ? err : n;
}

/* ------------------------------------------------------------------- reads */

/* Room for reading ahead: rather than that, no copy of what the service has. */
static void make_room(struct draft *d)
{
	struct budget *b = d->file->m->budget;

	while (!budget_has_to_read(b, budget_size(b) / READ_SHARE / BUDGET_BLOCK) &&
	       parts_drop(d->parts, true))
		;
}

/* Bytes of a source. -ENODATA: they are in the object by now. */
static ssize_t read_source(struct file *f, const struct parts_range *r, struct answer *to,
                           const atomic_bool *cancel)
{
	struct draft *d = f->draft;
	ssize_t n = source_read(f, r->source, r->source_offset, to, r->len, cancel);

	if (n != -ESTALE && n != -ENOENT)
		return n;
	/* A file that was changed in places is made of the object that it replaces. */
	if (!d->dirty)
		return -ENODATA;
	if (d->step == DRAFT_PUTTING || d->step == DRAFT_COMPLETING)
		return file_wait(f, cancel) ? -EINTR : -EAGAIN;
	return n;
}

/* Some bytes, from one place. 0: at the end. */
static ssize_t read_range(struct file *f, struct answer *to, size_t len, uint64_t offset,
                          const atomic_bool *cancel)
{
	struct draft *d = f->draft;
	struct parts_range r = parts_at(d->parts, offset, len);

	if (offset >= parts_part_size(d->parts) && !is_frozen(d))
		expect_passes(d);
	switch (r.kind) {
	case PARTS_IS_MEMORY:
		return answer_add(to, r.data, r.len) ? -ENOMEM : (ssize_t)r.len;
	case PARTS_IS_ZERO:
		return answer_add(to, NULL, r.len) ? -ENOMEM : (ssize_t)r.len;
	case PARTS_IS_REMOTE:
		make_room(d);
		return read_source(f, &r, to, cancel);
	case PARTS_IS_STAGED:
		return hindered(f, PARTS_STAGED, "read", cancel) ? -EINTR : -EAGAIN;
	case PARTS_IS_SEALED:
		/* Soon it is an object that can be read. */
		if (is_frozen(d))
			return file_wait(f, cancel) ? -EINTR : -EAGAIN;
		return sealed(d, "read");
	default:
		return 0;
	}
}

ssize_t draft_read(struct file *f, struct answer *to, size_t len, uint64_t offset,
                   const atomic_bool *cancel)
{
	size_t done = 0, had = to->len;
	ssize_t n = 1;
	bool gone;

	pthread_mutex_lock(&f->lock);
	while (n > 0 && done < len && f->draft) {
		n = f->draft->error ? f->draft->error
		                    : read_range(f, to, len - done, offset + done, cancel);
		if (n > 0)
			done += (size_t)n;
		else if (n == -EAGAIN)
			n = 1;
		if (n > 0 && done < len && answer_own(to)) /* there may be something to wait for */
			n = -ENOMEM;
	}
	/* Published while it was read: all of it is in the object. Never a part:
	 * to the kernel a short read is the end of the file. */
	if (n > 0 && done < len && !f->draft)
		n = -ENODATA;
	gone = f->draft && draft_free_if_done(f->draft);
	pthread_mutex_unlock(&f->lock);
	if (gone)
		file_put(f);
	if (n < 0)
		answer_cut(to, had);
	return n < 0 ? n : (ssize_t)done;
}

int64_t draft_seek(struct file *f, uint64_t offset, bool data)
{
	int64_t at = -ENODATA;
	uint64_t from = offset;

	pthread_mutex_lock(&f->lock);
	while (f->draft) {
		struct parts_range r = parts_at(f->draft->parts, offset, UINT64_MAX);

		if (r.kind == PARTS_IS_END) /* behind the last byte there is a hole */
			at = data || offset == from ? -ENXIO : (int64_t)offset;
		else if ((r.kind != PARTS_IS_ZERO) == data)
			at = (int64_t)offset;
		else
			offset += r.len;
		if (at != -ENODATA)
			break;
	}
	pthread_mutex_unlock(&f->lock);
	return at;
}
