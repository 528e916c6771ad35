/* SPDX-License-Identifier: MIT */
/* relief.c - the memory of the part table: what it can give up, and how the
 * bytes that only memory has are put aside. */
#include <errno.h>
#include <stdlib.h>

#include "num.h"
#include "slot.h"

#define SPILL_PIECES 1024 /* of one spill */

/* No transfer needs its blocks. */
static bool at_rest(const struct slot *s)
{
	return s->nblocks && s->progress != FLYING && !s->composing && !s->fetch && !s->spilling.n;
}

/* Dropping its blocks would seal it; and that may be done. */
static bool sealable(const struct parts *p, const struct slot *s)
{
	if (s->progress != STORED || s->stored_len != p->part_size)
		return false;
	if (s->staged) /* the upload can be completed when somebody needs it */
		return true;
	/* An upload that is to be thrown away must not have the only copy; and to a slot
	 * with gaps there may be more to come. */
	return s->index != 0 && !p->outgrown &&
	       (p->finishing || extents_cover(&s->cached, 0, p->part_size));
}

/* Of two that can be dropped: the clean one, any but the first, the older. */
static bool drops_before(const struct slot *a, const struct slot *b)
{
	if (!b || !a->dirty.n != !b->dirty.n)
		return !b || !a->dirty.n;
	if (!a->index != !b->index)
		return a->index != 0;
	return a->generation < b->generation;
}

bool parts_drop(struct parts *p, bool only_clean)
{
	struct slot *best = NULL;

	for (size_t i = 0; i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		if (at_rest(s) && (!s->dirty.n || (!only_clean && sealable(p, s))) &&
		    drops_before(s, best))
			best = s;
	}
	if (!best)
		return false;
	slot_begin(p, best);
	if (best->dirty.n) {
		uint64_t start = best->index * p->part_size;

		best->sealed = true;
		if (!runs_reserve(&p->base, 1)) /* its base is not needed any more */
			runs_clear(&p->base, start, start + p->part_size);
	}
	slot_drop_blocks(p, best);
	slot_end(p, best);
	return true;
}

/* Only a spill can make its blocks free: it is in no upload, or in the own one as
 * what is not to be sealed: the first slot, a short one, one with gaps. */
static bool spillable(const struct parts *p, const struct slot *s, bool first)
{
	if (!at_rest(s) || !s->dirty.n)
		return false;
	if (s->progress == STORED && s->index == 0)
		return first && !s->staged;
	return !first && (s->progress == IDLE || (!s->staged && !sealable(p, s)));
}

uint64_t parts_spillable(const struct parts *p, bool first)
{
	uint64_t blocks = 0;

	for (size_t i = 0; !p->spilling && !p->outgrown && i < p->nslots; i++)
		if (spillable(p, p->slots[i], first))
			blocks += p->slots[i]->nblocks;
	return blocks * p->mem.block_size;
}

static int by_age(const void *a, const void *b)
{
	const struct slot *const *x = a, *const *y = b;

	return (*x)->generation < (*y)->generation ? -1 : (*x)->generation > (*y)->generation;
}

/* The slots that can be spilled, the oldest first. */
static int victims(const struct parts *p, bool first, struct slot ***list, size_t *n)
{
	*n = 0;
	*list = malloc((p->nslots + 1) * sizeof **list);
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < p->nslots; i++)
		if (spillable(p, p->slots[i], first))
			(*list)[(*n)++] = p->slots[i];
	qsort(*list, *n, sizeof **list, by_age);
	return 0;
}

static void spill_slot(struct parts *p, struct parts_action *a, struct slot *s)
{
	for (size_t i = 0; i < s->dirty.n; i++) {
		const struct extent *e = &s->dirty.v[i];

		a->pieces[a->npieces++] = (struct parts_piece){s->index, e->from, e->to, a->size};
		action_add(p, a, s, e->from, e->to, false);
	}
	slot_begin(p, s);
	extents_fini(&s->spilling);
	s->spilling = s->dirty;
	s->dirty = (struct extents){0};
	slot_end(p, s);
}

int parts_spill(struct parts *p, bool first, struct parts_action *a)
{
	struct slot **list;
	size_t n;
	int err;

	*a = (struct parts_action){.what = PARTS_NOTHING};
	if (p->spilling || p->outgrown || p->staging)
		return 0;
	err = victims(p, first, &list, &n);
	if (err || !n) {
		free(list);
		return err;
	}
	err = action_begin(p, a, list[0]->index, SPILL_PIECES + list[0]->dirty.n);
	for (size_t i = 0; !err && i < n; i++)
		if (!i || (a->size < p->part_size && a->npieces + list[i]->dirty.n <= SPILL_PIECES))
			spill_slot(p, a, list[i]);
	free(list);
	if (err)
		return err;
	a->what = PARTS_SPILL;
	p->spilling = true;
	p->flying++;
	return 0;
}

/* The object has these bytes of the slot: as far as they were not cut off or
 * replaced meanwhile, they are its base now. */
static void settle(struct parts *p, const struct slot *s, const struct parts_piece *piece,
                   int source)
{
	const struct extents *e = &s->spilling;
	uint64_t start = s->index * p->part_size;

	for (size_t i = extents_position(e, piece->from); i < e->n && e->v[i].from < piece->to;
	     i++) {
		uint64_t from = max64(e->v[i].from, piece->from);
		uint64_t to = min64(e->v[i].to, piece->to);

		runs_set(&p->base, start + from, start + to, source,
		         piece->at + (from - piece->from));
	}
}

/* Ends the spilling of the slot: its bytes are in the base, or dirty as before. */
static int unspill(struct parts *p, struct slot *s, bool failed)
{
	int err = 0;

	slot_begin(p, s);
	for (size_t i = 0; failed && !err && i < s->spilling.n; i++) {
		err = extents_reserve(&s->dirty);
		if (!err)
			extents_add(&s->dirty, s->spilling.v[i].from, s->spilling.v[i].to);
	}
	extents_fini(&s->spilling);
	slot_end(p, s);
	return err;
}

int parts_spilled(struct parts *p, struct parts_action *a, int error, int source)
{
	size_t pieces = 2 * a->npieces;
	int err = 0;

	for (size_t i = 0; i < a->npieces; i++) {
		const struct slot *s = slot_find(p, a->pieces[i].slot);

		pieces += s ? 2 * s->spilling.n : 0; /* too many, but enough */
		while (i + 1 < a->npieces && a->pieces[i + 1].slot == a->pieces[i].slot)
			i++;
	}
	if (!error)
		err = runs_reserve(&p->base, pieces);
	for (size_t i = 0; i < a->npieces; i++) {
		struct slot *s = slot_find(p, a->pieces[i].slot);
		bool last = i + 1 == a->npieces || a->pieces[i + 1].slot != a->pieces[i].slot;

		if (s && !error && !err)
			settle(p, s, &a->pieces[i], source);
		if (s && last) {
			if (unspill(p, s, error || err))
				err = -ENOMEM;
			slot_crowd(p, s->index);
		}
	}
	p->spilling = false;
	p->flying--;
	action_release(p, a);
	return err;
}
