/* SPDX-License-Identifier: MIT */
#include "rebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "salvage.h"

#define SKEW_S     900 /* what clocks may be off */
#define LATE_TRIES 3

static int abort_upload(struct s3 *s3, struct record_upload *u)
{
	int err = u->id ? s3_upload_abort(s3, u->key, u->id, NULL) : 0;

	if (err)
		return err;
	free(u->key);
	free(u->id);
	*u = (struct record_upload){0};
	return 0;
}

/* ------------------------------------------------------- the staged upload */

/* Where the parts lie in the object: one number after the other, but a number may
 * be missing. false: that part is not there. */
static bool place_of(const struct s3_parts *parts, uint64_t number, uint64_t *at)
{
	*at = 0;
	for (size_t i = 0; i < parts->n; i++) {
		if (parts->v[i].number == number)
			return true;
		*at += parts->v[i].size;
	}
	return false;
}

/* The ranges of the staged upload are ranges of its object from now on. What was
 * lost stays a range of the staged upload, which no plan can use. */
static int point_to(struct record *r, const struct s3_parts *parts, int source)
{
	struct record_range *old = r->ranges;
	size_t n = r->nranges;
	int err = 0;

	r->ranges = NULL;
	r->nranges = 0;
	for (size_t i = 0; i < n && !err; i++) {
		uint64_t done = 0;

		if (old[i].source != RECORD_STAGED) {
			err = record_add_range(r, old[i].from, old[i].len, old[i].source,
			                       old[i].at);
			continue;
		}
		for (; done < old[i].len && !err; done += r->part_size) {
			uint64_t number = old[i].at + done / r->part_size, at;
			uint64_t len = min64(r->part_size, old[i].len - done);
			bool there = place_of(parts, number, &at);

			err = record_add_range(r, old[i].from + done, len,
			                       there ? source : RECORD_STAGED, there ? at : number);
		}
	}
	free(old);
	return err;
}

/* What the staged upload held when it was completed, all of it: its parts were of
 * one size. */
static int parts_of_object(const struct record *r, uint64_t size, struct s3_parts *parts)
{
	size_t n = size / r->part_size;

	*parts = (struct s3_parts){calloc(n + 1, sizeof *parts->v), n};
	for (size_t i = 0; parts->v && i < n; i++)
		parts->v[i] = (struct s3_part){.number = (unsigned)i + 1, .size = r->part_size};
	return parts->v ? 0 : -ENOMEM;
}

static bool uses_staged(const struct record *r)
{
	for (size_t i = 0; i < r->nranges; i++)
		if (r->ranges[i].source == RECORD_STAGED)
			return true;
	return false;
}

/* The object that the staged upload becomes, as a source; -1: it is none yet. */
static int staged_source(const struct record *r)
{
	for (size_t i = 0; i < r->nsources; i++)
		if (!strcmp(r->sources[i].key, r->staged.key))
			return (int)i;
	return -1;
}

/* Its ranges become ranges of the object, and are kept so, before it is one:
 * afterwards nobody could tell which parts it had. */
static int name_object(struct record *r, const struct s3_parts *parts, struct rebuild_keeper *k)
{
	const struct s3_etag unknown = {""};
	int err = record_add_source(r, r->staged.key, &unknown, 0, true);

	if (!err)
		err = point_to(r, parts, (int)r->nsources - 1);
	return err ? err : k->keep(r, k->arg);
}

/* The mount had completed it, and did not come to say so. */
static int name_complete(struct s3 *s3, struct record *r, struct rebuild_keeper *k)
{
	struct s3_object object;
	struct s3_parts parts = {0};
	int err = s3_head(s3, r->staged.key, &object, NULL);

	if (err)
		return err;
	err = parts_of_object(r, object.size, &parts);
	s3_object_fini(&object);
	if (!err)
		err = name_object(r, &parts, k);
	s3_parts_fini(&parts);
	return err;
}

static int complete_staged(struct s3 *s3, struct record *r, const struct s3_parts *parts,
                           struct rebuild_keeper *k)
{
	uint64_t size = 0;
	int err = staged_source(r) < 0 ? name_object(r, parts, k) : 0;

	for (size_t i = 0; i < parts->n; i++)
		size += parts->v[i].size;
	if (!err && parts->n)
		err = s3_upload_complete(s3, r->staged.key, r->staged.id, parts->v, parts->n, size,
		                         0, NULL, NULL);
	return err;
}

/* Completes the staged upload, if that did not happen yet and is of use. */
static int settle_staged(struct s3 *s3, struct record *r, struct rebuild_keeper *k)
{
	struct s3_parts parts = {0};
	struct s3_object object = {0};
	int err;

	if (!r->staged.id)
		return 0;
	if (staged_source(r) < 0 && !uses_staged(r))
		return abort_upload(s3, &r->staged);
	err = s3_upload_parts(s3, r->staged.key, r->staged.id, &parts, NULL);
	if (!err)
		err = complete_staged(s3, r, &parts, k);
	else if (err == -ENOENT && staged_source(r) < 0)
		err = name_complete(s3, r, k);
	else if (err == -ENOENT)
		err = 0;
	if (!err)
		err = s3_head(s3, r->staged.key, &object, NULL);
	if (!err) {
		struct record_source *s = &r->sources[staged_source(r)];

		s->etag = object.etag;
		s->size = object.size;
	}
	s3_object_fini(&object);
	s3_parts_fini(&parts);
	if (err)
		return err;
	free(r->staged.key);
	free(r->staged.id);
	r->staged = (struct record_upload){0};
	return 0;
}

/* ------------------------------------------------------------------- steps */

struct work {
	struct s3 *s3;
	struct record *r;
	struct rebuild_keeper *k;
	const char *key, *id; /* of the upload, which is being filled */
	char *bytes;          /* part_size of them, when first needed */
	bool carries;         /* a copy was refused */
};

/* The bytes of a step, whatever they are ranges of. */
static int gather(struct work *w, const struct salvage_step *step)
{
	uint64_t done = 0;

	if (!w->bytes)
		w->bytes = malloc(w->r->part_size);
	if (!w->bytes)
		return -ENOMEM;
	while (done < step->part.size) {
		struct record_range a = record_at(w->r, step->from + done, step->part.size - done);
		struct iovec iov = {w->bytes + done, a.len};

		if (a.source < 0) {
			memset(w->bytes + done, 0, a.len);
		} else {
			const struct record_source *s = &w->r->sources[a.source];
			ssize_t n = s3_get(w->s3, s->key, a.at, &iov, 1, &s->etag, NULL, NULL);

			if (n < 0 || (uint64_t)n < a.len)
				return n < 0 ? (int)n : -EIO;
		}
		done += a.len;
	}
	return 0;
}

static int send_gathered(struct work *w, struct salvage_step *step)
{
	int err = gather(w, step);
	struct iovec iov = {w->bytes, step->part.size};
	struct s3_body body = {&iov, 1, step->part.size};

	return err ? err
	           : s3_upload_part(w->s3, w->key, w->id, step->part.number, &body,
	                            &step->part.etag, NULL);
}

/* A copy that is refused is carried, if it is no larger than a part. */
static int carry_out(struct work *w, struct salvage_step *step)
{
	const struct record_source *s;
	int err;

	switch (step->what) {
	case SALVAGE_COPY:
		s = &w->r->sources[step->source];
		err = w->carries ? -EOPNOTSUPP
		                 : s3_upload_part_copy(w->s3, w->key, w->id, step->part.number,
		                                       s->key, step->at, step->part.size, &s->etag,
		                                       &step->part.etag, NULL);
		if (err != -EOPNOTSUPP || step->part.size > w->r->part_size)
			return err;
		w->carries = true;
		return send_gathered(w, step);
	case SALVAGE_GATHER:
		return send_gathered(w, step);
	default:
		return 0;
	}
}

/* Small, and nothing of it is in an upload: one PUT. */
static int put(struct work *w, const struct salvage *plan)
{
	struct salvage_step all = {.part.size = plan->size};
	struct iovec iov;
	struct s3_body body = {&iov, 1, plan->size};
	int err = gather(w, &all);

	iov = (struct iovec){w->bytes, plan->size};
	return err ? err : s3_put(w->s3, w->r->key, &w->r->headers, &body, 0, NULL, NULL);
}

static int carry_out_all(struct work *w, struct salvage *plan)
{
	int err = 0;

	for (size_t i = 0; i < plan->n && !err; i++)
		err = carry_out(w, &plan->v[i]);
	return err;
}

/* Completes the upload with just the parts of the plan. */
static int complete(struct work *w, const struct salvage *plan, unsigned flags)
{
	struct s3_part *parts = calloc(plan->n, sizeof *parts);
	int err = -ENOMEM;

	for (size_t i = 0; parts && i < plan->n; i++)
		parts[i] = plan->v[i].part;
	if (parts)
		err = s3_upload_complete(w->s3, w->key, w->id, parts, plan->n, plan->size, flags,
		                         NULL, NULL);
	free(parts);
	return err;
}

static int make_new(struct work *w, struct salvage *plan)
{
	char *id;
	int err;

	if (plan->size <= w->r->part_size)
		return put(w, plan);
	err = s3_upload_create(w->s3, w->r->key, &w->r->headers, &id, NULL);
	if (err)
		return err;
	w->key = w->r->key;
	w->id = id;
	err = record_add_old(w->r, w->key, id);
	if (!err)
		err = w->k->keep(w->r, w->k->arg);
	if (!err)
		err = carry_out_all(w, plan);
	if (!err)
		err = complete(w, plan, 0);
	if (err)
		(void)!s3_upload_abort(w->s3, w->key, id, NULL);
	free(id);
	return err;
}

/* -------------------------------------------------------------------- cuts */

static void forget_own(struct record *r)
{
	free(r->own.key);
	free(r->own.id);
	r->own = (struct record_upload){0};
}

static bool is_elsewhere(const struct record *r)
{
	return strcmp(r->own.key, r->key) != 0;
}

/* r becomes the first size bytes of the object that its own upload has become; if
 * the file has another name by now, that object goes when it is there. */
static int become_range(struct record *r, const struct s3_etag *etag, uint64_t full, uint64_t size)
{
	int source = (int)r->nsources;
	int err = record_add_source(r, r->own.key, etag, full, is_elsewhere(r));

	forget_own(r);
	free(r->ranges);
	r->ranges = NULL;
	r->nranges = 0;
	r->synced = true;
	r->size = size;
	return err ? err : record_add_range(r, 0, size, source, 0);
}

/* The upload begins with these parts, and has more. */
static bool begins_with(const struct s3_parts *all, const struct salvage *plan)
{
	if (all->n <= plan->n)
		return false;
	for (size_t i = 0; i < plan->n; i++)
		if (all->v[i].number != plan->v[i].part.number ||
		    all->v[i].size != plan->v[i].part.size ||
		    strcmp(all->v[i].etag.s, plan->v[i].part.etag.s) != 0)
			return false;
	return true;
}

/* A part that is too short to be followed goes again, with zeros behind its bytes:
 * they are cut off with the rest. */
static int lengthen_last(struct work *w, struct salvage *plan)
{
	struct salvage_step *last = &plan->v[plan->n - 1];
	uint64_t size = last->part.size;
	struct iovec iov;
	struct s3_body body = {&iov, 1, S3_PART_MIN};
	int err;

	if (last->what != SALVAGE_GATHER || size >= S3_PART_MIN)
		return 0;
	err = gather(w, last);
	if (err)
		return err;
	memset(w->bytes + size, 0, S3_PART_MIN - size);
	iov = (struct iovec){w->bytes, S3_PART_MIN};
	last->part.size = S3_PART_MIN;
	return s3_upload_part(w->s3, w->key, w->id, last->part.number, &body, &last->part.etag,
	                      NULL);
}

/* Completes the upload with all that it has. refused: what the service said to the
 * plan alone. */
static int complete_all(struct work *w, struct salvage *plan, unsigned flags, int refused)
{
	struct record *r = w->r;
	struct s3_parts all = {0};
	int err = lengthen_last(w, plan);

	if (!err)
		err = s3_upload_parts(w->s3, w->key, w->id, &all, NULL);
	if (!err && !begins_with(&all, plan))
		err = refused;
	r->cut_from = 0;
	for (size_t i = 0; i < all.n; i++)
		r->cut_from += all.v[i].size;
	if (!err)
		err = w->k->keep(r, w->k->arg);
	if (!err)
		err = s3_upload_complete(w->s3, w->key, w->id, all.v, all.n, r->cut_from, flags,
		                         NULL, NULL);
	s3_parts_fini(&all);
	return err;
}

/* The object that the own upload has become, if it is what the record says. */
static int find_cut(struct s3 *s3, struct record *r)
{
	struct s3_object object = {0};
	int err = r->cut ? s3_head(s3, r->own.key, &object, NULL) : 0;

	if (!err && r->cut && object.size == r->cut_from)
		err = become_range(r, &object.etag, object.size, r->cut);
	s3_object_fini(&object);
	return err == -ENOENT ? 0 : err;
}

/* --------------------------------------------------------------------- all */

/* The crash came after the upload was completed: there is another object than the
 * one it began with, and of these parts, if they are known. */
static int find_whole(struct s3 *s3, const struct record *r, const struct s3_parts *parts,
                      bool *whole)
{
	struct s3_object object = {0};
	int err = r->own.id ? s3_head(s3, r->own.key, &object, NULL) : -ENOENT;

	*whole = !err && strcmp(object.etag.s, r->base.s) != 0 &&
	         object.modified + SKEW_S >= r->began &&
	         (!parts->n || s3_parts_make(parts, &object.etag));
	s3_object_fini(&object);
	return err == -ENOENT ? 0 : err;
}

/* What the own upload has by the service's account. */
static int own_parts(struct s3 *s3, struct record *r, struct s3_parts *parts, bool *whole)
{
	int err = r->own.id ? s3_upload_parts(s3, r->own.key, r->own.id, parts, NULL) : 0;

	*whole = false;
	if (!err && parts->n) /* Swift tells the parts of what it completed, too */
		return find_whole(s3, r, parts, whole);
	if (err != -ENOENT)
		return err;
	err = find_cut(s3, r); /* completed, or aborted */
	if (!err)
		err = find_whole(s3, r, parts, whole);
	if (!*whole)
		forget_own(r);
	return err;
}

static int make_plan(struct s3 *s3, struct record *r, struct rebuild_keeper *k,
                     struct salvage *plan, bool *whole)
{
	struct s3_parts parts = {0};
	int err = settle_staged(s3, r, k);

	if (!err)
		err = own_parts(s3, r, &parts, whole);
	if (!err && !*whole)
		err = salvage_plan(r, &parts, plan);
	s3_parts_fini(&parts);
	return err;
}

int rebuild_look(struct s3 *s3, struct record *r, struct rebuild_keeper *k, struct rebuilt *out)
{
	struct salvage plan = {0};
	bool whole = false;
	int err = make_plan(s3, r, k, &plan, &whole);

	*out = (struct rebuilt){0};
	if (err)
		return err;
	*out = (struct rebuilt){plan.size, plan.loses, whole};
	salvage_fini(&plan);
	return 0;
}

/* The record says from now on what the plan says, step by step: else who repeats it
 * would take parts that this one makes for parts of the file. */
static int freeze(struct record *r, const struct salvage *plan)
{
	struct record old = *r;
	int err = 0;

	r->ranges = NULL;
	r->nranges = 0;
	for (size_t i = 0; i < plan->n && !err; i++) {
		const struct salvage_step *v = &plan->v[i];
		uint64_t end = v->from + v->part.size;

		if (v->what == SALVAGE_PART)
			err = record_add_range(r, v->from, v->part.size, RECORD_OWN,
			                       v->part.number);
		for (uint64_t at = v->from; v->what != SALVAGE_PART && at < end && !err;) {
			struct record_range a = record_at(&old, at, end - at);

			if (a.source >= 0)
				err = record_add_range(r, at, a.len, a.source, a.at);
			at += a.len;
		}
	}
	free(old.ranges);
	r->synced = true;
	r->size = plan->size;
	r->cut = plan->size;
	r->cut_from = plan->size;
	return err;
}

/* The object of the own upload is too long, or has another name than the file. */
static int finish_elsewhere(struct work *w)
{
	const struct s3_parts none = {0};
	struct salvage plan = {0};
	int err = find_cut(w->s3, w->r);

	if (!err && w->r->own.id)
		err = -EIO; /* it is not what was made */
	if (!err)
		err = salvage_plan(w->r, &none, &plan);
	if (!err)
		err = make_new(w, &plan);
	salvage_fini(&plan);
	return err;
}

/* By the own upload, which has bytes of it. */
static int finish_own(struct work *w, struct salvage *plan)
{
	struct record *r = w->r;
	bool elsewhere = is_elsewhere(r);
	unsigned flags = elsewhere ? S3_IF_ABSENT : 0;
	int err = freeze(r, plan);

	w->key = r->own.key;
	w->id = r->own.id;
	if (!err)
		err = w->k->keep(r, w->k->arg);
	if (!err)
		err = carry_out_all(w, plan);
	if (err)
		return err;
	err = complete(w, plan, flags);
	if (!err && !elsewhere)
		return 0;
	if (err == -EINVAL) /* not without the others */
		err = complete_all(w, plan, flags, err);
	return err ? err : finish_elsewhere(w);
}

static int rebuild_once(struct s3 *s3, struct record *r, struct rebuild_keeper *k,
                        struct rebuilt *out)
{
	struct work w = {.s3 = s3, .r = r, .k = k};
	struct salvage plan = {0};
	bool whole = false;
	int err = make_plan(s3, r, k, &plan, &whole);

	*out = (struct rebuilt){plan.size, plan.loses, whole};
	if (!err && plan.reuses)
		err = finish_own(&w, &plan);
	else if (!err && plan.size)
		err = make_new(&w, &plan);
	salvage_fini(&plan);
	free(w.bytes);
	return err;
}

/* A part that was on its way in the crash may take the place of one that the plan
 * has: then there is another plan. So there is when a large copy is refused: of copies
 * that can be carried, if an upload has room for so many. */
int rebuild(struct s3 *s3, struct record *r, struct rebuild_keeper *k, struct rebuilt *out)
{
	unsigned late = 0;
	bool refused = false;

	for (;;) {
		int err = rebuild_once(s3, r, k, out);

		if (err == -EOPNOTSUPP && !r->equal_parts)
			r->equal_parts = refused = true;
		else if ((err == -EINVAL || err == -EIO) && late++ < LATE_TRIES)
			sleep(1);
		else
			return err == -EFBIG && refused ? -EOPNOTSUPP : err;
	}
}

int rebuild_clean(struct s3 *s3, const struct record *r)
{
	int first = 0, err;

	if (r->own.id)
		first = s3_upload_abort(s3, r->own.key, r->own.id, NULL);
	if (r->staged.id) {
		err = s3_upload_abort(s3, r->staged.key, r->staged.id, NULL);
		if (!err) /* it may be complete */
			err = s3_delete(s3, r->staged.key, NULL);
		first = first ? first : err;
	}
	for (size_t i = 0; i < r->nold; i++) {
		err = r->old[i].id ? s3_upload_abort(s3, r->old[i].key, r->old[i].id, NULL) : 0;
		first = first ? first : err;
	}
	for (size_t i = 0; i < r->nsources; i++) {
		err = r->sources[i].ours ? s3_delete(s3, r->sources[i].key, NULL) : 0;
		first = first ? first : err;
	}
	return first;
}
