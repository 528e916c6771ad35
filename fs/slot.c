/* SPDX-License-Identifier: MIT */
#include "slot.h"

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
	return s->progress == IDLE && slot_len(p, s->index) == p->part_size &&
	       extents_cover(&s->written, 0, p->part_size);
}

void slot_begin(struct parts *p, const struct slot *s)
{
	p->ready -= slot_ready(p, s);
}

void slot_end(struct parts *p, const struct slot *s)
{
	p->ready += slot_ready(p, s);
}

void slot_changed(struct parts *p, struct slot *s)
{
	s->generation = ++p->generation;
	if (s->progress == STORED)
		s->progress = IDLE;
	p->low = min64(p->low, s->index);
}

/* What was written of block i; the rest of it a fetch may be filling. */
static void copy_written(const struct parts *p, const struct slot *s, size_t i, char *to)
{
	uint64_t start = i * p->mem.block_size, end = start + p->mem.block_size;
	const struct extents *w = &s->written;

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
		copy_written(p, s, i, block);
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
	extents_fini(&s->written);
}

void slot_trim(struct parts *p, struct slot *s)
{
	size_t n = p->part_size / p->mem.block_size, size = p->mem.block_size;

	if (s->progress == FLYING || !s->blocks)
		return;
	for (size_t i = 0; i < n; i++)
		if (!extents_touch(&s->written, i * size, (i + 1) * size))
			drop_block(p, s, i);
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
