/* SPDX-License-Identifier: MIT */
#include "salvage.h"

#include <errno.h>
#include <stdlib.h>

#include "num.h"

void salvage_fini(struct salvage *s)
{
	free(s->v);
	*s = (struct salvage){0};
}

static int add(struct salvage *s, const struct salvage_step *step)
{
	struct salvage_step *v = reallocarray(s->v, s->n + 1, sizeof *v);

	if (!v)
		return -ENOMEM;
	s->v = v;
	v[s->n] = *step;
	/* Slots that travel together need one number. */
	if (step->what != SALVAGE_PART)
		v[s->n].part.number = s->n ? v[s->n - 1].part.number + 1 : 1;
	if (v[s->n].part.number > S3_PARTS_MAX)
		return -EFBIG;
	s->reuses |= step->what == SALVAGE_PART;
	s->size += step->part.size;
	s->n++;
	return 0;
}

static const struct s3_part *part_of(const struct s3_parts *own, uint64_t number)
{
	for (size_t i = 0; i < own->n; i++)
		if (own->v[i].number == number)
			return &own->v[i];
	return NULL;
}

/* How far the bytes go that are known to be the file's: all that was promised;
 * else what lies in objects, without a gap. */
static uint64_t known_end(const struct record *r, uint64_t from)
{
	uint64_t at = from;

	if (r->synced)
		return r->size;
	for (;;) {
		struct record_range a = record_at(r, at, UINT64_MAX - at);

		if (a.source < 0)
			return at;
		at += a.len;
	}
}

/* The slot as a part of the own upload. What the file was promised to have in
 * other places it has there: such a part is older, or is no promise yet. The last
 * of the promise may be shorter than that: it was cut since. */
static const struct s3_part *stored(const struct record *r, const struct s3_parts *own,
                                    uint64_t from)
{
	uint64_t slot = from / r->part_size, end = known_end(r, from);
	const struct s3_part *part = slot < r->direct ? part_of(own, slot + 1) : NULL;
	bool promised = r->synced && from < r->size;

	if (!part || part->size > r->part_size)
		return NULL;
	if (promised && record_at(r, from, 1).source != RECORD_OWN)
		return NULL;
	if (promised && from + r->part_size >= r->size)
		return part;
	return part->size < (end > from ? min64(r->part_size, end - from) : 0) ? NULL : part;
}

/* One stretch of an object that begins with the slot: as much of it as a part may
 * be copied from. */
static uint64_t copyable(const struct record *r, uint64_t from, uint64_t end,
                         const struct s3_parts *own, struct record_range *a)
{
	uint64_t most = r->equal_parts ? r->part_size : S3_PART_MAX / r->part_size * r->part_size;
	uint64_t len = 0;

	*a = record_at(r, from, min64(most, end - from));
	if (a->source < 0)
		return 0;
	while (len < a->len && !(len && stored(r, own, from + len)))
		len += min64(r->part_size, a->len - len);
	if (from + len < end)
		len -= len % r->part_size;
	return len;
}

/* Some of those bytes were in a part that is not there any more. */
static bool is_lost(const struct record *r, uint64_t from, uint64_t len)
{
	for (uint64_t at = from; at < from + len;) {
		struct record_range a = record_at(r, at, from + len - at);

		if (a.source < -1)
			return true;
		at += a.len;
	}
	return false;
}

int salvage_plan(const struct record *r, const struct s3_parts *own, struct salvage *out)
{
	int err = 0;

	*out = (struct salvage){0};
	while (!err) {
		const struct s3_part *part = stored(r, own, out->size);
		struct salvage_step step = {.from = out->size};
		uint64_t end = known_end(r, out->size);
		struct record_range a;

		if (part) {
			step.part = *part;
			err = add(out, &step);
			if (part->size < r->part_size)
				break;
			continue;
		}
		if (end <= out->size)
			break;
		step.what = SALVAGE_COPY;
		step.part.size = copyable(r, out->size, end, own, &a);
		step.source = a.source;
		step.at = a.at;
		if (step.part.size < S3_PART_MIN) { /* AWS copies no range of a small object */
			step.what = SALVAGE_GATHER;
			step.part.size = min64(r->part_size, end - out->size);
		}
		if (is_lost(r, step.from, step.part.size))
			break;
		err = add(out, &step);
		if (step.part.size % r->part_size)
			break; /* a shorter one can only be the last */
	}
	out->loses = r->synced && out->size < r->size;
	if (err)
		salvage_fini(out);
	return err;
}
