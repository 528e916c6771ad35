/* SPDX-License-Identifier: MIT */
/* parts.c - the part table: its edits, its reads and its invariants. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "slot.h"

_Static_assert(PARTS_NO_BLOCK == -EAGAIN && PARTS_SEALED == -EXDEV, "as parts.h says");

/* ------------------------------------------------------------ life, facts */

struct parts *parts_new(uint64_t part_size, const struct parts_mem *mem)
{
	struct parts *p = calloc(1, sizeof *p);

	assert(mem->block_size && part_size % mem->block_size == 0);
	if (!p)
		return NULL;
	p->part_size = part_size;
	p->mem = *mem;
	p->zeros = calloc(1, mem->block_size);
	if (!p->zeros) {
		free(p);
		return NULL;
	}
	return p;
}

void parts_free(struct parts *p)
{
	if (!p)
		return;
	assert(!p->flying);
	for (size_t i = 0; i < p->nslots; i++)
		slot_free(p, p->slots[i]);
	free(p->slots);
	runs_fini(&p->base);
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

uint64_t parts_in_memory(const struct parts *p)
{
	return p->blocks * p->mem.block_size;
}

uint64_t parts_stored_bytes(const struct parts *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->nslots; i++)
		if (p->slots[i]->progress == STORED)
			sum += p->slots[i]->stored_len;
	return sum;
}

bool parts_flying(const struct parts *p)
{
	return p->flying != 0;
}

bool parts_outgrown(const struct parts *p)
{
	return p->outgrown;
}

void parts_keep_back(struct parts *p)
{
	p->kept_back = true;
}

/* ------------------------------------------------------------------ edits */

static uint64_t limit(const struct parts *p)
{
	return S3_PARTS_MAX * p->part_size;
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

/* Up to the end of the block. Returns how many bytes, or an error. */
static ssize_t write_block(struct parts *p, uint64_t offset, const void *data, size_t len)
{
	uint64_t in_slot = offset % p->part_size;
	size_t in_block = in_slot % p->mem.block_size;
	size_t n = min64(len, p->mem.block_size - in_block);
	struct slot *s = slot_make(p, offset / p->part_size);
	char *block;

	if (!s)
		return -ENOMEM;
	if (s->sealed)
		return PARTS_SEALED;
	if (extents_reserve(&s->written))
		return -ENOMEM;
	block = slot_block(p, s, in_slot);
	if (!block)
		return PARTS_NO_BLOCK;
	grow(p, offset + n);
	slot_begin(p, s);
	memcpy(block + in_block, data, n);
	extents_add(&s->written, in_slot, in_slot + n);
	slot_changed(p, s);
	slot_end(p, s);
	return (ssize_t)n;
}

ssize_t parts_write(struct parts *p, uint64_t offset, const void *data, size_t len)
{
	size_t done = 0;

	if (offset + len < offset || offset + len > limit(p))
		return -EFBIG;
	while (done < len) {
		ssize_t n = write_block(p, offset + done, (const char *)data + done, len - done);

		if (n < 0)
			return done ? (ssize_t)done : n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static bool sealed_before(const struct parts *p, uint64_t index)
{
	for (size_t i = 0; i < p->nslots && p->slots[i]->index < index; i++)
		if (p->slots[i]->sealed)
			return true;
	return false;
}

static int shrink(struct parts *p, uint64_t size)
{
	uint64_t keep = (size + p->part_size - 1) / p->part_size;
	bool cut = size % p->part_size != 0;
	struct slot *last = cut ? slot_find(p, keep - 1) : NULL;
	bool outgrown = p->outgrown || p->top > keep;

	if ((last && last->sealed) || (outgrown && sealed_before(p, keep)))
		return PARTS_SEALED;
	if (last && extents_reserve(&last->written))
		return -ENOMEM;
	p->outgrown = outgrown;
	while (p->nslots && p->slots[p->nslots - 1]->index >= keep) {
		struct slot *s = p->slots[--p->nslots];

		slot_begin(p, s);
		slot_free(p, s); /* a transfer of it still has to land */
	}
	if (last) {
		slot_begin(p, last);
		extents_remove(&last->written, size % p->part_size, p->part_size);
		slot_trim(p, last);
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
			return PARTS_SEALED;
		if (extents_reserve(&s->written))
			return -ENOMEM;
	}
	return runs_reserve(&p->base, 2);
}

int parts_replace(struct parts *p, uint64_t offset, uint64_t len, int source,
                  uint64_t source_offset)
{
	uint64_t end = offset + len;
	int err;

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
		extents_remove(&s->written, offset > start ? offset - start : 0,
		               min64(end - start, p->part_size));
		slot_trim(p, s);
		slot_changed(p, s);
		slot_end(p, s);
	}
	if (source == PARTS_ZERO)
		runs_clear(&p->base, offset, end);
	else
		runs_set(&p->base, offset, end, source, source_offset);
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
		return (struct parts_range){.kind = PARTS_IS_SEALED, .len = len};
	i = extents_position(&s->written, in_slot);
	if (i == s->written.n)
		return slot_base(p, offset, len);
	e = &s->written.v[i];
	if (e->from > in_slot)
		return slot_base(p, offset, min64(len, e->from - in_slot));
	return (struct parts_range){
		.kind = PARTS_IS_MEMORY,
		.len = min64(len, min64(e->to - in_slot, p->mem.block_size - in_block)),
		.data = (char *)s->blocks[in_slot / p->mem.block_size] + in_block};
}

int parts_list(const struct parts *p, struct s3_part **list, size_t *n)
{
	uint64_t end = parts_slots(p);

	*n = 0;
	*list = calloc(end ? end : 1, sizeof **list);
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < p->nslots; i++) {
		const struct slot *s = p->slots[i];
		struct s3_part *part = &(*list)[*n];

		if (s->index >= end)
			break;
		assert(s->progress == STORED);
		part->number = s->index + 1;
		part->size = s->stored_len;
		strncpy(part->etag.s, s->etag, sizeof part->etag.s - 1);
		++*n;
	}
	assert(*n == end);
	return 0;
}

int parts_restart(struct parts *p)
{
	assert(!p->flying);
	if (sealed_before(p, UINT64_MAX))
		return PARTS_SEALED;
	for (size_t i = 0; i < p->nslots; i++) {
		slot_begin(p, p->slots[i]);
		p->slots[i]->progress = IDLE;
		slot_end(p, p->slots[i]);
	}
	p->outgrown = false;
	p->top = 0;
	p->low = 0;
	return 0;
}

/* ------------------------------------------------------------- invariants */

static void check_written(const struct parts *p, const struct slot *s)
{
	size_t n = p->part_size / p->mem.block_size, size = p->mem.block_size, blocks = 0;
	uint64_t len = slot_len(p, s->index);

	for (size_t i = 0; i < s->written.n; i++) {
		const struct extent *e = &s->written.v[i];

		assert(e->from < e->to && e->to <= len);
		assert(!i || e[-1].to < e->from);
	}
	for (size_t i = 0; i < n; i++) {
		bool block = s->blocks && s->blocks[i];
		bool written = extents_touch(&s->written, i * size, (i + 1) * size);

		blocks += block;
		assert(written ? block : !block || s->progress == FLYING);
	}
	assert(blocks == s->nblocks);
}

static void check_slot(const struct parts *p, const struct slot *s)
{
	check_written(p, s);
	assert(slot_len(p, s->index) > 0 || s->progress == IDLE);
	assert(s->generation <= p->generation);
	if (s->sealed)
		assert(s->progress == STORED && !s->nblocks && s->stored_len == p->part_size);
	if (s->progress == STORED)
		assert(s->stored_len == slot_len(p, s->index) && s->etag);
	else
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
	size_t flying = 0, blocks = 0, ready = 0, below = 0;

	for (size_t i = 0; i < p->nslots; i++) {
		const struct slot *s = p->slots[i];

		assert(!i || p->slots[i - 1]->index < s->index);
		check_slot(p, s);
		flying += s->progress == FLYING;
		blocks += s->nblocks;
		ready += slot_ready(p, s);
		below += s->index < p->low;
	}
	assert(flying <= p->flying && blocks == p->blocks && ready == p->ready);
	assert(below == p->low);
	assert(p->outgrown || p->top <= parts_slots(p));
	check_base(p);
}
