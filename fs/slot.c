/* SPDX-License-Identifier: MIT */
#include "slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"

_Static_assert(PARTS_ZERO == RUN_ZERO, "one number for zeros");

uint64_t slot_len(const struct parts *p, uint64_t index)
{
	uint64_t start = index * p->part_size;

	return start >= p->size ? 0 : min64(p->part_size, p->size - start);
}

size_t slot_position(const struct parts *p, uint64_t index)
{
	size_t lo = 0, hi = p->nslots;

	if (hi && p->slots[hi - 1]->index < index)
		return hi; /* the sequential writer's case */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->slots[mid]->index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct slot *slot_find(const struct parts *p, uint64_t index)
{
	size_t at = slot_position(p, index);

	return at < p->nslots && p->slots[at]->index == index ? p->slots[at] : NULL;
}

struct slot *slot_make(struct parts *p, uint64_t index)
{
	size_t at = slot_position(p, index);
	struct slot *s;

	if (at < p->nslots && p->slots[at]->index == index)
		return p->slots[at];
	if (p->nslots == p->slots_cap) {
		size_t cap = p->slots_cap ? 2 * p->slots_cap : 8;
		struct slot **slots = realloc(p->slots, cap * sizeof *slots);

		if (!slots)
			return NULL;
		p->slots = slots;
		p->slots_cap = cap;
	}
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->index = index;
	s->generation = ++p->generation;
	memmove(p->slots + at + 1, p->slots + at, (p->nslots - at) * sizeof *p->slots);
	p->slots[at] = s;
	p->nslots++;
	return s;
}

void slot_free(struct parts *p, struct slot *s)
{
	slot_drop_blocks(p, s);
	free(s->etag);
	free(s);
}

bool slot_ready(const struct parts *p, const struct slot *s)
{
	return s->progress == IDLE && !s->sent && !s->composing &&
	       slot_len(p, s->index) == p->part_size && extents_cover(&s->dirty, 0, p->part_size);
}

bool slot_appended(const struct parts *p, const struct slot *s)
{
	uint64_t start = s->index * p->part_size, from;

	if (s->progress != IDLE || s->sent || s->composing || s->dirty.n != 1)
		return false;
	from = s->dirty.v[0].from;
	return from && s->dirty.v[0].to == p->part_size &&
	       slot_base(p, start + from - 1, 1).kind == PARTS_IS_REMOTE &&
	       slot_base(p, start + from, 1).kind == PARTS_IS_ZERO;
}

static void count(struct parts *p, const struct slot *s, size_t by)
{
	if (slot_ready(p, s)) {
		p->ready += by;
		p->ready_from = min64(p->ready_from, s->index);
	}
	if (s->staged && s->progress != IDLE)
		p->staged_slots += by;
}

void slot_begin(struct parts *p, const struct slot *s)
{
	count(p, s, (size_t)-1);
}

void slot_end(struct parts *p, const struct slot *s)
{
	count(p, s, 1);
}

void slot_changed(struct parts *p, struct slot *s)
{
	s->generation = ++p->generation;
	if (s->progress == STORED)
		s->progress = IDLE;
	p->low = min64(p->low, s->index);
}

/* What is cached of block i; the rest of it a fetch may be filling. */
static void copy_cached(const struct parts *p, const struct slot *s, size_t i, char *to)
{
	uint64_t start = i * p->mem.block_size, end = start + p->mem.block_size;
	const struct extents *w = &s->cached;

	for (size_t e = extents_position(w, start); e < w->n && w->v[e].from < end; e++) {
		uint64_t from = max64(w->v[e].from, start) - start;

		memcpy(to + from, (const char *)s->blocks[i] + from,
		       min64(w->v[e].to, end) - start - from);
	}
}

void *slot_block(struct parts *p, struct slot *s, uint64_t at)
{
	size_t i = at / p->mem.block_size;
	void *block, *old;

	if (!s->blocks) {
		s->blocks = calloc(p->part_size / p->mem.block_size, sizeof *s->blocks);
		if (!s->blocks)
			return NULL;
	}
	old = s->blocks[i];
	if (old && !p->mem.shared(p->mem.arg, old))
		return old;
	block = p->mem.take(p->mem.arg);
	if (!block)
		return NULL;
	if (old) { /* a transfer still has the old one */
		copy_cached(p, s, i, block);
		p->mem.put(p->mem.arg, old);
	} else {
		s->nblocks++;
		p->blocks++;
	}
	s->blocks[i] = block;
	return block;
}

static void drop_block(struct parts *p, struct slot *s, size_t i)
{
	if (!s->blocks[i])
		return;
	p->mem.put(p->mem.arg, s->blocks[i]);
	s->blocks[i] = NULL;
	s->nblocks--;
	p->blocks--;
}

void slot_drop_blocks(struct parts *p, struct slot *s)
{
	size_t n = p->part_size / p->mem.block_size;

	for (size_t i = 0; s->blocks && i < n; i++)
		drop_block(p, s, i);
	free(s->blocks);
	s->blocks = NULL;
	extents_fini(&s->cached);
	extents_fini(&s->dirty);
	extents_fini(&s->spilling);
}

void slot_trim(struct parts *p, struct slot *s)
{
	size_t n = p->part_size / p->mem.block_size, size = p->mem.block_size;

	if (s->fetch || !s->blocks)
		return;
	for (size_t i = 0; i < n; i++)
		if (!extents_touch(&s->cached, i * size, (i + 1) * size))
			drop_block(p, s, i);
}

int slot_reserve(struct slot *s)
{
	if (extents_reserve(&s->cached) || extents_reserve(&s->dirty) ||
	    extents_reserve(&s->spilling))
		return -ENOMEM;
	return 0;
}

void slot_forget(struct parts *p, struct slot *s, uint64_t from, uint64_t to)
{
	extents_remove(&s->cached, from, to);
	extents_remove(&s->dirty, from, to);
	extents_remove(&s->spilling, from, to);
	slot_trim(p, s);
}

struct parts_range slot_base(const struct parts *p, uint64_t offset, uint64_t len)
{
	struct run r = runs_at(&p->base, offset, offset + len);

	if (r.source == RUN_ZERO)
		return (struct parts_range){.kind = PARTS_IS_ZERO, .len = r.to - r.from};
	return (struct parts_range){.kind = PARTS_IS_REMOTE,
	                            .len = r.to - r.from,
	                            .source = r.source,
	                            .source_offset = r.source_offset};
}

/* ------------------------------------------------------------------ crowds */

#define SLOT_PIECES 256  /* of one slot, before it is made whole again */
#define FILE_PIECES 8192 /* of all */

static size_t pieces_of(const struct parts *p, uint64_t index)
{
	const struct slot *s = slot_find(p, index);
	uint64_t start = index * p->part_size;

	return (s ? s->cached.n : 0) + runs_count(&p->base, start, start + slot_len(p, index));
}

void slot_crowd(struct parts *p, uint64_t index)
{
	size_t n = pieces_of(p, index);

	if (n > SLOT_PIECES || (p->base.n > FILE_PIECES && n > 2))
		if (p->crowded == NO_SLOT || pieces_of(p, p->crowded) < n)
			p->crowded = index;
}

/* ----------------------------------------------------------------- actions */

int action_begin(struct parts *p, struct parts_action *a, uint64_t index, size_t pieces)
{
	size_t blocks = p->part_size / p->mem.block_size;

	*a = (struct parts_action){.slot = index};
	a->iov = malloc((2 * blocks + 3 * pieces + 2) * sizeof *a->iov);
	a->blocks = calloc(2 * blocks + 2 * pieces + 1, sizeof *a->blocks);
	a->pieces = malloc((pieces + 1) * sizeof *a->pieces);
	if (a->iov && a->blocks && a->pieces)
		return 0;
	action_release(p, a);
	return -ENOMEM;
}

void action_add(struct parts *p, struct parts_action *a, const struct slot *s, uint64_t from,
                uint64_t to, bool zeros)
{
	while (from < to) {
		size_t in_block = from % p->mem.block_size;
		size_t n = min64(to - from, p->mem.block_size - in_block);
		char *block = zeros ? p->zeros : s->blocks[from / p->mem.block_size];

		a->iov[a->iovcnt++] = (struct iovec){block + (zeros ? 0 : in_block), n};
		if (!zeros && (!a->nblocks || a->blocks[a->nblocks - 1] != block)) {
			p->mem.hold(p->mem.arg, block);
			a->blocks[a->nblocks++] = block;
		}
		from += n;
		a->size += n;
	}
}

void action_release(struct parts *p, struct parts_action *a)
{
	for (size_t i = 0; i < a->nblocks; i++)
		p->mem.put(p->mem.arg, a->blocks[i]);
	free(a->blocks);
	free(a->iov);
	free(a->pieces);
	a->blocks = NULL;
	a->iov = NULL;
	a->pieces = NULL;
	a->nblocks = 0;
}
