/* SPDX-License-Identifier: MIT */
/* parts.c - the part table: its edits, its reads and its invariants. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "slot.h"

_Static_assert(PARTS_NO_BLOCK == -EAGAIN && PARTS_CROWDED == -EBUSY && PARTS_SEALED == -EXDEV &&
                       PARTS_STAGED == -EINPROGRESS,
               "as parts.h says");

#define CACHED_MAX 1024 /* pieces of one slot in memory; until then it is made whole */

/* ------------------------------------------------------------ life, facts */

struct parts *parts_new(const struct parts_limits *limits, const struct parts_mem *mem)
{
	struct parts *p = calloc(1, sizeof *p);

	assert(mem->block_size && limits->part_size % mem->block_size == 0);
	assert(limits->parts && limits->copy_max >= limits->part_size);
	if (!p)
		return NULL;
	p->limits = *limits;
	p->part_size = limits->part_size;
	/* The numbers that are left are for runs of up to copy_max. */
	p->direct = limits->parts - limits->parts / 5;
	p->mem = *mem;
	p->tail = NO_SLOT;
	p->crowded = NO_SLOT;
	p->appended = NO_SLOT;
	p->gathering = NO_SLOT;
	p->zeros = calloc(1, mem->block_size);
	if (!p->zeros) {
		free(p);
		return NULL;
	}
	return p;
}

void parts_clear(struct parts *p)
{
	assert(!p->flying);
	while (p->nslots)
		slot_free(p, p->slots[--p->nslots]);
	runs_fini(&p->base);
	p->size = 0;
	p->low = 0;
	p->top = 0;
	p->numbers = 0;
	p->ready = 0;
	p->nstaged = 0;
	p->staged_slots = 0;
	p->tail = NO_SLOT;
	p->crowded = NO_SLOT;
	p->appended = NO_SLOT;
	p->gathering = NO_SLOT;
	p->outgrown = false;
	p->finishing = false;
}

void parts_free(struct parts *p)
{
	if (!p)
		return;
	parts_clear(p);
	free(p->slots);
	free(p->staged);
	free(p->zeros);
	free(p);
}

uint64_t parts_size(const struct parts *p)
{
	return p->size;
}

uint64_t parts_part_size(const struct parts *p)
{
	return p->part_size;
}

uint64_t parts_slots(const struct parts *p)
{
	return (p->size + p->part_size - 1) / p->part_size;
}

uint64_t parts_direct(const struct parts *p)
{
	return p->direct;
}

uint64_t parts_in_memory(const struct parts *p)
{
	return p->blocks * p->mem.block_size;
}

uint64_t parts_safe_bytes(const struct parts *p)
{
	uint64_t unsafe = 0;

	for (size_t i = 0; i < p->nslots; i++) {
		const struct slot *s = p->slots[i];

		for (size_t e = 0; s->progress != STORED && e < s->dirty.n; e++)
			unsafe += s->dirty.v[e].to - s->dirty.v[e].from;
	}
	return p->size - unsafe;
}

bool parts_finishing(const struct parts *p)
{
	return p->finishing;
}

bool parts_flying(const struct parts *p)
{
	return p->flying != 0;
}

/* ------------------------------------------------------------------ edits */

/* The largest file: parts of the own upload as they fill, and the rest of its
 * numbers for whole staged uploads. */
static uint64_t limit(const struct parts *p)
{
	uint64_t run = p->limits.equal ? p->part_size : stage_parts(p) * p->part_size;

	return p->direct * p->part_size + (p->limits.parts - p->direct) * run;
}

/* What an edit of a sealed slot says. */
static int sealed(const struct slot *s)
{
	return s->staged ? PARTS_STAGED : PARTS_SEALED;
}

/* If the last slot becomes longer, the part that was sent of it is too short. */
static void grow(struct parts *p, uint64_t size)
{
	struct slot *last;

	if (size <= p->size)
		return;
	last = p->size ? slot_find(p, (p->size - 1) / p->part_size) : NULL;
	if (last && slot_len(p, last->index) < p->part_size) {
		assert(!last->sealed);
		slot_begin(p, last);
		if (last->progress != IDLE)
			slot_changed(p, last);
		p->size = size;
		slot_end(p, last);
	}
	p->size = size;
}

/* Only an IDLE slot can be made whole. What is to be written would make it
 * that anyway. */
static int crowded(struct parts *p, struct slot *s)
{
	slot_begin(p, s);
	if (s->progress == STORED)
		slot_changed(p, s);
	slot_end(p, s);
	return PARTS_CROWDED;
}

/* Up to the end of the block. Returns how many bytes, or an error. */
static ssize_t write_block(struct parts *p, uint64_t offset, const struct parts_input *in,
                           size_t len)
{
	uint64_t in_slot = offset % p->part_size;
	size_t in_block = in_slot % p->mem.block_size;
	size_t n = min64(len, p->mem.block_size - in_block);
	struct slot *s = slot_make(p, offset / p->part_size);
	char *block;
	int err;

	if (!s)
		return -ENOMEM;
	if (s->sealed)
		return sealed(s);
	if (slot_reserve(s))
		return -ENOMEM;
	if (s->cached.n > 1)
		slot_crowd(p, s->index);
	if (s->cached.n >= CACHED_MAX)
		return crowded(p, s);
	block = slot_block(p, s, in_slot);
	if (!block)
		return PARTS_NO_BLOCK;
	grow(p, offset + n);
	slot_begin(p, s);
	err = in->read(in->arg, block + in_block, n);
	extents_add(&s->cached, in_slot, in_slot + n);
	extents_add(&s->dirty, in_slot, in_slot + n);
	slot_changed(p, s);
	slot_end(p, s);
	if (in_slot + n == p->part_size && slot_appended(p, s))
		p->appended = s->index;
	return err ? err : (ssize_t)n;
}

ssize_t parts_write(struct parts *p, uint64_t offset, const struct parts_input *in, size_t len)
{
	size_t done = 0;

	assert(!p->finishing);
	if (offset + len < offset || offset + len > limit(p))
		return -EFBIG;
	while (done < len) {
		ssize_t n = write_block(p, offset + done, in, len - done);

		if (n < 0)
			return done && n != -EIO ? (ssize_t)done : n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int shrink(struct parts *p, uint64_t size)
{
	uint64_t keep = (size + p->part_size - 1) / p->part_size;
	bool cut = size % p->part_size != 0;
	struct slot *last = cut ? slot_find(p, keep - 1) : NULL;
	bool outgrown = p->outgrown || p->top > keep;

	if (last && last->sealed)
		return sealed(last);
	if (outgrown && sealed_in_own(p, keep))
		return PARTS_SEALED;
	if (last && slot_reserve(last))
		return -ENOMEM;
	p->outgrown = outgrown;
	while (p->nslots && p->slots[p->nslots - 1]->index >= keep) {
		struct slot *s = p->slots[--p->nslots];

		slot_begin(p, s);
		slot_free(p, s); /* a transfer of it still has to land */
	}
	if (last) {
		slot_begin(p, last);
		slot_forget(p, last, size % p->part_size, p->part_size);
		slot_changed(p, last);
	}
	runs_clear(&p->base, size, UINT64_MAX); /* splits none */
	p->size = size;
	p->low = min64(p->low, size / p->part_size);
	if (last)
		slot_end(p, last);
	return 0;
}

int parts_truncate(struct parts *p, uint64_t size)
{
	assert(!p->finishing);
	if (size > limit(p))
		return -EFBIG;
	if (size < p->size)
		return shrink(p, size);
	grow(p, size);
	return 0;
}

/* The slots of [offset, end) can be edited there. */
static int reserve(struct parts *p, uint64_t offset, uint64_t end)
{
	for (size_t i = slot_position(p, offset / p->part_size); i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		if (s->index * p->part_size >= end)
			break;
		if (s->sealed)
			return sealed(s);
		if (slot_reserve(s))
			return -ENOMEM;
	}
	return runs_reserve(&p->base, 2);
}

int parts_replace(struct parts *p, uint64_t offset, uint64_t len, int source,
                  uint64_t source_offset)
{
	uint64_t end = offset + len;
	int err;

	assert(!p->finishing);
	if (!len)
		return 0;
	if (end < offset || end > limit(p))
		return -EFBIG;
	err = reserve(p, offset, end);
	if (err)
		return err;
	grow(p, end);
	for (size_t i = slot_position(p, offset / p->part_size); i < p->nslots; i++) {
		struct slot *s = p->slots[i];
		uint64_t start = s->index * p->part_size;

		if (start >= end)
			break;
		slot_begin(p, s);
		slot_forget(p, s, offset > start ? offset - start : 0,
		            min64(end - start, p->part_size));
		slot_changed(p, s);
		slot_end(p, s);
	}
	if (source == PARTS_ZERO)
		runs_clear(&p->base, offset, end);
	else
		runs_set(&p->base, offset, end, source, source_offset);
	slot_crowd(p, offset / p->part_size);
	slot_crowd(p, (end - 1) / p->part_size);
	return 0;
}

/* ------------------------------------------------------------------ reads */

struct parts_range parts_at(const struct parts *p, uint64_t offset, uint64_t len)
{
	uint64_t in_slot = offset % p->part_size;
	size_t in_block = in_slot % p->mem.block_size;
	const struct extent *e;
	const struct slot *s;
	size_t i;

	if (offset >= p->size || !len)
		return (struct parts_range){.kind = PARTS_IS_END};
	len = min64(len, min64(p->size - offset, p->part_size - in_slot));
	s = slot_find(p, offset / p->part_size);
	if (!s)
		return slot_base(p, offset, len);
	if (s->sealed)
		return (struct parts_range){.kind = s->staged ? PARTS_IS_STAGED : PARTS_IS_SEALED,
		                            .len = len};
	i = extents_position(&s->cached, in_slot);
	if (i == s->cached.n)
		return slot_base(p, offset, len);
	e = &s->cached.v[i];
	if (e->from > in_slot)
		return slot_base(p, offset, min64(len, e->from - in_slot));
	return (struct parts_range){
		.kind = PARTS_IS_MEMORY,
		.len = min64(len, min64(e->to - in_slot, p->mem.block_size - in_block)),
		.data = (char *)s->blocks[in_slot / p->mem.block_size] + in_block};
}

struct parts_range parts_safe_at(const struct parts *p, uint64_t offset)
{
	uint64_t index = offset / p->part_size;
	size_t i = slot_position(p, index);
	const struct slot *s = i < p->nslots ? p->slots[i] : NULL;

	if (offset >= p->size)
		return (struct parts_range){.kind = PARTS_IS_END};
	if (s && s->index > index)
		return slot_base(p, offset, min64(p->size, s->index * p->part_size) - offset);
	if (!s)
		return slot_base(p, offset, p->size - offset);
	if (s->progress == STORED)
		return (struct parts_range){.kind = s->staged ? PARTS_IS_STAGED : PARTS_IS_SEALED,
		                            .len = slot_len(p, index),
		                            .source_offset = s->staged ? s->number : s->own_number};
	return slot_base(p, offset, index * p->part_size + slot_len(p, index) - offset);
}

bool parts_uses(const struct parts *p, int source)
{
	for (size_t i = 0; i < p->base.n; i++)
		if (p->base.v[i].source == source)
			return true;
	return false;
}

bool parts_whole(const struct parts *p, int *source)
{
	const struct run *r = p->base.v;

	if (p->base.n != 1 || r->from || r->to != p->size || r->source_offset || p->top)
		return false;
	for (size_t i = 0; i < p->nslots; i++)
		if (p->slots[i]->dirty.n || p->slots[i]->spilling.n ||
		    p->slots[i]->progress != IDLE)
			return false;
	*source = r->source;
	return true;
}

/* ------------------------------------------------------------- invariants */

static bool within(const struct extents *a, const struct extents *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!extents_cover(b, a->v[i].from, a->v[i].to))
			return false;
	return true;
}

static void check_blocks(const struct parts *p, const struct slot *s)
{
	size_t n = p->part_size / p->mem.block_size, size = p->mem.block_size, blocks = 0;
	uint64_t len = slot_len(p, s->index);

	for (size_t i = 0; i < s->cached.n; i++) {
		const struct extent *e = &s->cached.v[i];

		assert(e->from < e->to && e->to <= len);
		assert(!i || e[-1].to < e->from);
	}
	for (size_t i = 0; i < n; i++) {
		bool block = s->blocks && s->blocks[i];
		bool cached = extents_touch(&s->cached, i * size, (i + 1) * size);

		blocks += block;
		assert(cached ? block : !block || s->fetch);
	}
	assert(blocks == s->nblocks);
	assert(within(&s->dirty, &s->cached) && within(&s->spilling, &s->cached));
}

static void check_slot(const struct parts *p, const struct slot *s)
{
	check_blocks(p, s);
	assert(slot_len(p, s->index) > 0 || s->progress == IDLE);
	assert(s->generation <= p->generation && s->number <= p->nstaged);
	if (s->sealed)
		assert(s->progress == STORED && !s->nblocks && s->stored_len == p->part_size);
	if (s->progress == STORED && s->staged)
		assert(s->number && s->stored_len == p->part_size);
	else if (s->progress == STORED)
		assert(s->etag && (s->span || s->skip || s->stored_len == slot_len(p, s->index)));
	if (s->span)
		assert(p->finishing && !s->cached.n && s->progress != IDLE);
	if (s->progress != STORED || s->staged)
		assert(s->progress == FLYING || s->index >= p->low);
}

static void check_base(const struct parts *p)
{
	for (size_t i = 0; i < p->base.n; i++) {
		const struct run *r = &p->base.v[i];

		assert(r->from < r->to && r->to <= p->size && r->source != RUN_ZERO);
		assert(!i || r[-1].to <= r->from);
	}
}

void parts_check(const struct parts *p)
{
	size_t flying = 0, blocks = 0, ready = 0, staged = 0;
	uint64_t below = 0;

	for (size_t i = 0; i < p->nslots; i++) {
		const struct slot *s = p->slots[i];

		assert(!i || p->slots[i - 1]->index + max64(p->slots[i - 1]->span, 1) <= s->index);
		check_slot(p, s);
		flying += s->progress == FLYING;
		blocks += s->nblocks;
		ready += slot_ready(p, s);
		staged += s->staged && s->progress != IDLE;
		below += s->index < p->low ? max64(s->span, 1) : 0;
	}
	assert(flying <= p->flying && blocks == p->blocks && ready == p->ready);
	assert(staged == p->staged_slots && below == p->low);
	assert(p->outgrown || p->finishing || p->top <= parts_slots(p));
	check_base(p);
}
