/* SPDX-License-Identifier: MIT */
/*
 * gather.c - a file in more pieces than an upload has parts.
 *
 * A file of more slots than that was written in no order, or patched in very
 * many places. Its slots are gathered run by run into a staged upload, by
 * copies as far as they lie in objects: then one part can carry the run.
 */
#include <errno.h>

#include "num.h"
#include "slot.h"

/* Parts that [from, to) of the slots would take; to is the end of the file or
 * of a run. */
static uint64_t pieces(const struct parts *p, uint64_t from, uint64_t to)
{
	uint64_t n = 0, prefix;

	for (uint64_t i = from; i < to; n++) {
		uint64_t bytes = slots_copyable(p, i, &prefix);

		i += bytes >= p->limits.part_min && bytes > prefix
		             ? (bytes - prefix + p->part_size - 1) / p->part_size
		             : 1;
	}
	return n;
}

/* The end of the run of slots at from: whole ones only. */
static uint64_t run_end(const struct parts *p, uint64_t from)
{
	return min64(from + stage_parts(p), p->size / p->part_size);
}

bool gather_must(struct parts *p)
{
	uint64_t end = parts_slots(p);

	if (p->limits.equal || end <= p->limits.parts ||
	    pieces(p, p->direct, end) <= p->limits.parts - p->direct)
		return false;
	for (uint64_t at = p->direct; run_end(p, at) > at + 1; at += stage_parts(p)) {
		if (pieces(p, at, run_end(p, at)) > 1) {
			p->gathering = at;
			return true;
		}
	}
	return false;
}

static bool is_copy(const struct parts *p, const struct slot *s)
{
	struct parts_range base = slot_base(p, s->index * p->part_size, p->part_size);

	return !s->dirty.n && !s->spilling.n && base.kind == PARTS_IS_REMOTE &&
	       base.len == p->part_size;
}

static int gather_slot(struct parts *p, struct slot *s, struct parts_action *a)
{
	struct parts_range base = slot_base(p, s->index * p->part_size, p->part_size);
	int err = staged_number(p, s); /* in the order of the file */

	if (err || !is_copy(p, s))
		return err ? err : action_next(p, s->index, a);
	*a = (struct parts_action){.what = PARTS_COPY,
	                           .staged = true,
	                           .slot = s->index,
	                           .number = s->number,
	                           .size = p->part_size,
	                           .source = base.source,
	                           .source_offset = base.source_offset};
	slot_fly(p, s, a);
	return 0;
}

int gather_next(struct parts *p, struct parts_action *a)
{
	bool complete = true;

	if (p->nstaged && !p->staged_slots &&
	    !stage_unused(p)) { /* parts that nobody needs: not among ours */
		a->what = stage_filled(p) ? PARTS_STAGE : PARTS_NOTHING; /* until it lands */
		return 0;
	}
	for (uint64_t i = p->gathering; i < run_end(p, p->gathering); i++) {
		struct slot *s = slot_make(p, i);

		if (!s)
			return -ENOMEM;
		if (s->progress == STORED && s->staged)
			continue;
		complete = false;
		if (s->progress == IDLE && !s->composing)
			return gather_slot(p, s, a);
		if (s->progress == IDLE && staged_number(p, s))
			return -ENOMEM;
	}
	if (complete) {
		p->gathering = NO_SLOT;
		a->what = PARTS_STAGE;
	}
	return 0;
}
