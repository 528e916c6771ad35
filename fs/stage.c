/* SPDX-License-Identifier: MIT */
/* stage.c - the two uploads of the part table as wholes: which slots go where,
 * and what becomes of them when an upload ends. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "slot.h"

size_t stage_parts(const struct parts *p)
{
	return min64(p->limits.parts, p->limits.copy_max / p->part_size);
}

/* ------------------------------------------------------- the own upload */

bool sealed_in_own(const struct parts *p, uint64_t index)
{
	for (size_t i = 0; i < p->nslots && p->slots[i]->index < index; i++)
		if (p->slots[i]->sealed && !p->slots[i]->staged)
			return true;
	return false;
}

bool parts_redirect(struct parts *p)
{
	if (!p->direct)
		return true;
	if (sealed_in_own(p, UINT64_MAX))
		return false;
	p->outgrown = p->outgrown || p->top;
	p->direct = 0;
	return true;
}

bool parts_outgrown(const struct parts *p)
{
	return p->outgrown;
}

int parts_restart(struct parts *p)
{
	if (sealed_in_own(p, UINT64_MAX))
		return PARTS_SEALED;
	for (size_t i = 0; i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		slot_begin(p, s);
		s->span = 0;
		s->skip = 0;
		s->own_number = 0;
		if (!s->staged) {
			assert(s->progress != FLYING);
			s->progress = IDLE;
			s->sent = false;
		}
		slot_end(p, s);
	}
	p->outgrown = false;
	p->finishing = false;
	p->gathering = NO_SLOT;
	p->numbers = 0;
	p->top = 0;
	p->tail = NO_SLOT;
	p->low = 0;
	return 0;
}

int parts_list(const struct parts *p, struct s3_part **list, size_t *n)
{
	uint64_t at = 0;

	*n = 0;
	*list = calloc(p->nslots + 1, sizeof **list);
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < p->nslots; i++) {
		const struct slot *s = p->slots[i];
		struct s3_part *part = &(*list)[*n];

		if (s->progress != STORED || s->staged)
			continue;
		part->number = s->own_number;
		part->size = s->stored_len;
		strncpy(part->etag.s, s->etag, sizeof part->etag.s - 1);
		at += part->size;
		++*n;
	}
	assert(at == p->size);
	return 0;
}

/* ---------------------------------------------------- the staged upload */

bool parts_staged_any(const struct parts *p)
{
	return p->staged_slots != 0;
}

void parts_stage(struct parts *p, const struct s3_part **list, size_t *n)
{
	struct s3_part *there = p->staged + p->nstaged;

	p->staging = true;
	*list = there;
	*n = 0;
	/* A gather that was given up may have left numbers without a part. */
	for (size_t i = 0; i < p->nstaged; i++)
		if (p->staged[i].size)
			there[(*n)++] = p->staged[i];
}

/* Where each part lies in the object, in parts, instead of that list. */
static void rank(struct parts *p)
{
	struct s3_part *ranks = p->staged + p->nstaged;
	unsigned n = 0;

	for (size_t i = 0; i < p->nstaged; i++) {
		ranks[i].number = n;
		n += p->staged[i].size != 0;
	}
}

/* The slot has no number in the next staged upload. */
static void unnumber(struct slot *s)
{
	s->number = 0;
	if (s->progress == IDLE || s->staged)
		s->sent = false;
}

bool stage_filled(const struct parts *p)
{
	for (size_t i = 0; i < p->nstaged; i++)
		if (p->staged[i].size)
			return true;
	return false;
}

bool stage_unused(struct parts *p)
{
	if (stage_filled(p) || p->flying)
		return false;
	parts_unstaged(p);
	return true;
}

/* Structs that say nothing are not kept: a file may have millions of slots.
 * (One with a part in the own upload says that.) */
static void forget_plain(struct parts *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		if (s->progress == IDLE && !s->nblocks && !s->composing && !s->own_number)
			slot_free(p, s);
		else
			p->slots[n++] = s;
	}
	p->nslots = n;
}

static void settle(struct parts *p, struct slot *s, int source)
{
	uint64_t start = s->index * p->part_size;
	uint64_t at = p->staged[p->nstaged + s->number - 1].number * p->part_size;

	runs_set(&p->base, start, start + p->part_size, source, at);
	s->progress = IDLE;
	s->staged = false;
	s->sealed = false;
	extents_fini(&s->dirty);
	extents_fini(&s->spilling);
}

int parts_staged(struct parts *p, int error, int source)
{
	p->staging = false;
	if (error)
		return 0;
	if (runs_reserve(&p->base, 2 * p->staged_slots))
		return -ENOMEM;
	rank(p);
	for (size_t i = 0; i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		slot_begin(p, s);
		if (s->progress == STORED && s->staged)
			settle(p, s, source);
		unnumber(s);
		slot_end(p, s);
	}
	p->nstaged = 0;
	forget_plain(p);
	return 0;
}

void parts_unstaged(struct parts *p)
{
	assert(!p->staged_slots);
	for (size_t i = 0; i < p->nslots; i++) {
		slot_begin(p, p->slots[i]);
		unnumber(p->slots[i]);
		slot_end(p, p->slots[i]);
	}
	p->nstaged = 0;
}
