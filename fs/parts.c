/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PARTS_NO_BLOCK == -EAGAIN && PARTS_SEALED == -EXDEV, "as parts.h says");

enum progress { IDLE, FLYING, STORED };

struct extent {
	uint64_t from, to; /* in the slot */
};

struct slot {
	uint64_t index;
	enum progress progress;
	bool sealed;
	uint64_t generation;    /* of its content */
	uint64_t stored_len;    /* STORED: bytes of the part */
	void **blocks;          /* part_size / block_size of them, or NULL */
	size_t nblocks;         /* that are not NULL */
	struct extent *written; /* ascending, never touching */
	size_t nwritten;
	char *etag;
};

/* A range of an object under the slots. What no run covers is zeros. */
struct run {
	uint64_t from, to; /* in the file */
	int source;
	uint64_t source_offset;
};

struct parts {
	uint64_t part_size, size;
	struct parts_mem mem;
	struct slot **slots; /* ascending; those that have blocks or progress */
	size_t nslots, slots_cap;
	struct run *runs; /* ascending */
	size_t nruns, runs_cap;
	uint64_t low;  /* no slot below it lacks in the upload */
	size_t flying; /* transfers, those of slots that were cut off among them */
	size_t blocks; /* held by slots */
	size_t ready;  /* IDLE slots that were wholly written */
	bool outgrown;
	void *zeros; /* one block of them */
};

/* ---------------------------------------------------------------- helpers */

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Bytes of the file that slot covers. */
static uint64_t slot_len(const struct parts *p, uint64_t index)
{
	uint64_t start = index * p->part_size;

	return start >= p->size ? 0 : min64(p->part_size, p->size - start);
}

/* Where slot index is, or would be inserted. */
static size_t slot_position(const struct parts *p, uint64_t index)
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

static struct slot *slot_find(const struct parts *p, uint64_t index)
{
	size_t at = slot_position(p, index);

	return at < p->nslots && p->slots[at]->index == index ? p->slots[at] : NULL;
}

static struct slot *slot_make(struct parts *p, uint64_t index)
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
	memmove(p->slots + at + 1, p->slots + at, (p->nslots - at) * sizeof *p->slots);
	p->slots[at] = s;
	p->nslots++;
	return s;
}

static void slot_drop_blocks(struct parts *p, struct slot *s)
{
	size_t n = p->part_size / p->mem.block_size;

	for (size_t i = 0; s->blocks && s->nblocks && i < n; i++) {
		if (!s->blocks[i])
			continue;
		p->mem.put(p->mem.arg, s->blocks[i]);
		s->nblocks--;
		p->blocks--;
	}
	free(s->blocks);
	free(s->written);
	s->blocks = NULL;
	s->written = NULL;
	s->nwritten = 0;
}

/* Wholly written, whatever lies under it. */
static bool slot_covered(const struct parts *p, const struct slot *s)
{
	return s->nwritten == 1 && s->written[0].from == 0 &&
	       s->written[0].to >= slot_len(p, s->index);
}

static bool slot_ready(const struct parts *p, const struct slot *s)
{
	return s->progress == IDLE && slot_len(p, s->index) == p->part_size && slot_covered(p, s);
}

static void slot_free(struct parts *p, struct slot *s)
{
	slot_drop_blocks(p, s);
	free(s->etag);
	free(s);
}

/* Brackets around each change of a slot, so that p->ready stays right. */
static void slot_begin(struct parts *p, const struct slot *s)
{
	p->ready -= slot_ready(p, s);
}

static void slot_end(struct parts *p, const struct slot *s)
{
	p->ready += slot_ready(p, s);
}

/* Its content is another one now. */
static void slot_changed(struct parts *p, struct slot *s)
{
	s->generation++;
	if (s->progress == STORED)
		s->progress = IDLE;
	p->low = min64(p->low, s->index);
}

/* ---------------------------------------------------------------- extents */

static int extent_add(struct slot *s, uint64_t from, uint64_t to)
{
	size_t i = s->nwritten, j;
	struct extent *grown;

	if (i && s->written[i - 1].to == from) { /* the sequential writer's case */
		s->written[i - 1].to = to;
		return 0;
	}
	for (i = 0; i < s->nwritten && s->written[i].to < from; i++)
		;
	for (j = i; j < s->nwritten && s->written[j].from <= to; j++)
		;
	if (i < j) { /* i..j-1 touch it: one extent */
		s->written[i].from = min64(s->written[i].from, from);
		s->written[i].to = max64(s->written[j - 1].to, to);
		memmove(s->written + i + 1, s->written + j, (s->nwritten - j) * sizeof *s->written);
		s->nwritten -= j - i - 1;
		return 0;
	}
	grown = realloc(s->written, (s->nwritten + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	s->written = grown;
	memmove(grown + i + 1, grown + i, (s->nwritten - i) * sizeof *grown);
	grown[i] = (struct extent){from, to};
	s->nwritten++;
	return 0;
}

/* Forgets [from, to). Splitting an extent needs memory. */
static int extent_remove(struct slot *s, uint64_t from, uint64_t to)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nwritten; i++) {
		struct extent *e = &s->written[i];

		if (e->from < from && e->to > to) {
			struct extent *grown =
				realloc(s->written, (s->nwritten + 1) * sizeof *grown);

			if (!grown)
				return -ENOMEM;
			s->written = grown;
			memmove(grown + i + 1, grown + i, (s->nwritten - i) * sizeof *grown);
			grown[i].to = from;
			grown[i + 1].from = to;
			s->nwritten++;
			return 0;
		}
	}
	for (size_t i = 0; i < s->nwritten; i++) {
		struct extent e = s->written[i];

		if (e.from >= from && e.to <= to)
			continue;
		if (e.from < to && e.to > to)
			e.from = to;
		else if (e.to > from && e.from < from)
			e.to = from;
		s->written[n++] = e;
	}
	s->nwritten = n;
	return 0;
}

/* ------------------------------------------------------------------- runs */

/* The first run that ends after offset. */
static size_t run_position(const struct parts *p, uint64_t offset)
{
	size_t lo = 0, hi = p->nruns;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->runs[mid].to <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int runs_reserve(struct parts *p, size_t more)
{
	size_t cap = p->runs_cap ? p->runs_cap : 4;
	struct run *runs;

	while (cap < p->nruns + more)
		cap *= 2;
	if (cap == p->runs_cap)
		return 0;
	runs = realloc(p->runs, cap * sizeof *runs);
	if (!runs)
		return -ENOMEM;
	p->runs = runs;
	p->runs_cap = cap;
	return 0;
}

static void run_insert(struct parts *p, size_t at, struct run run)
{
	memmove(p->runs + at + 1, p->runs + at, (p->nruns - at) * sizeof *p->runs);
	p->runs[at] = run;
	p->nruns++;
}

/* Zeros under [from, to). The caller has reserved one run. */
static void runs_clear(struct parts *p, uint64_t from, uint64_t to)
{
	size_t i = run_position(p, from), j;

	if (i < p->nruns && p->runs[i].from < from) {
		struct run tail = p->runs[i];

		p->runs[i].to = from;
		i++;
		if (tail.to > to) {
			tail.source_offset += to - tail.from;
			tail.from = to;
			run_insert(p, i, tail);
			return;
		}
	}
	for (j = i; j < p->nruns && p->runs[j].to <= to; j++)
		;
	memmove(p->runs + i, p->runs + j, (p->nruns - j) * sizeof *p->runs);
	p->nruns -= j - i;
	if (i < p->nruns && p->runs[i].from < to) {
		p->runs[i].source_offset += to - p->runs[i].from;
		p->runs[i].from = to;
	}
}

/* [from, to) is that range of the source. The caller has reserved two runs. */
static void runs_set(struct parts *p, uint64_t from, uint64_t to, int source,
                     uint64_t source_offset)
{
	size_t i;

	runs_clear(p, from, to);
	i = run_position(p, from);
	run_insert(p, i, (struct run){from, to, source, source_offset});
	for (i = i ? i - 1 : 0; i + 1 < p->nruns && p->runs[i].from <= from;) {
		struct run *a = &p->runs[i], *b = a + 1;

		if (a->to != b->from || a->source != b->source ||
		    a->source_offset + (a->to - a->from) != b->source_offset) {
			i++;
			continue;
		}
		a->to = b->to;
		memmove(b, b + 1, (p->nruns - i - 2) * sizeof *b);
		p->nruns--;
	}
}

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
	free(p->runs);
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

/* ------------------------------------------------------------------ edits */

/* The last slot is about to be longer than the part that was sent of it. */
static int grow(struct parts *p, uint64_t size)
{
	uint64_t limit = S3_PARTS_MAX * p->part_size;
	struct slot *last;

	if (size > limit)
		return -EFBIG;
	if (size <= p->size)
		return 0;
	last = p->size ? slot_find(p, (p->size - 1) / p->part_size) : NULL;
	if (last && slot_len(p, last->index) < p->part_size) {
		assert(!last->sealed);
		slot_begin(p, last);
		if (last->progress != IDLE)
			slot_changed(p, last);
		p->size = size;
		slot_end(p, last);
	}
	p->low = min64(p->low, p->size / p->part_size);
	p->size = size;
	return 0;
}

/* A block of the slot that may be written to. */
static void *block_for_write(struct parts *p, struct slot *s, uint64_t at)
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
	if (old) { /* a transfer still reads the old one */
		memcpy(block, old, p->mem.block_size);
		p->mem.put(p->mem.arg, old);
	} else {
		s->nblocks++;
		p->blocks++;
	}
	s->blocks[i] = block;
	return block;
}

ssize_t parts_write(struct parts *p, uint64_t offset, const void *data, size_t len)
{
	size_t done = 0;
	int err = 0;

	if (offset + len < offset || offset + len > S3_PARTS_MAX * p->part_size)
		return -EFBIG;
	while (!err && done < len) {
		uint64_t at = offset + done, in_slot = at % p->part_size;
		size_t in_block = in_slot % p->mem.block_size;
		size_t n = min64(len - done, p->mem.block_size - in_block);
		struct slot *s = slot_make(p, at / p->part_size);
		char *block;

		if (!s) {
			err = -ENOMEM;
			break;
		}
		if (s->sealed) {
			err = PARTS_SEALED;
			break;
		}
		block = block_for_write(p, s, in_slot);
		if (!block) {
			err = PARTS_NO_BLOCK;
			break;
		}
		err = grow(p, at + n);
		if (err)
			break;
		slot_begin(p, s);
		err = extent_add(s, in_slot, in_slot + n);
		if (!err) {
			memcpy(block + in_block, (const char *)data + done, n);
			slot_changed(p, s);
			done += n;
		}
		slot_end(p, s);
	}
	return done ? (ssize_t)done : err;
}

/* The parts that the upload has of the slots from index on are in the way. */
static bool stored_from(const struct parts *p, uint64_t index)
{
	for (size_t i = slot_position(p, index); i < p->nslots; i++)
		if (p->slots[i]->progress != IDLE)
			return true;
	return false;
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
	bool outgrown = p->outgrown || stored_from(p, keep);

	if ((last && last->sealed) || (outgrown && sealed_before(p, keep)))
		return PARTS_SEALED;
	if (runs_reserve(p, 1))
		return -ENOMEM;
	p->outgrown = outgrown;
	while (p->nslots && p->slots[p->nslots - 1]->index >= keep) {
		struct slot *s = p->slots[--p->nslots];

		slot_begin(p, s);
		slot_free(p, s); /* a transfer of it still has to land */
	}
	if (last) {
		slot_begin(p, last);
		(void)extent_remove(last, size % p->part_size, p->part_size); /* splits none */
		slot_changed(p, last);
	}
	runs_clear(p, size, UINT64_MAX);
	p->size = size;
	p->low = min64(p->low, size / p->part_size);
	if (last)
		slot_end(p, last);
	return 0;
}

int parts_truncate(struct parts *p, uint64_t size)
{
	return size < p->size ? shrink(p, size) : grow(p, size);
}

int parts_replace(struct parts *p, uint64_t offset, uint64_t len, int source,
                  uint64_t source_offset)
{
	uint64_t end = offset + len;
	int err;

	if (!len)
		return 0;
	if (end < offset)
		return -EFBIG;
	for (size_t i = slot_position(p, offset / p->part_size); i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		if (s->index * p->part_size >= end)
			break;
		if (s->sealed)
			return PARTS_SEALED;
	}
	err = runs_reserve(p, 2);
	if (!err)
		err = grow(p, max64(p->size, end));
	for (size_t i = slot_position(p, offset / p->part_size); !err && i < p->nslots; i++) {
		struct slot *s = p->slots[i];
		uint64_t start = s->index * p->part_size;

		if (start >= end)
			break;
		slot_begin(p, s);
		err = extent_remove(s, offset > start ? offset - start : 0,
		                    min64(end - start, p->part_size));
		slot_changed(p, s);
		slot_end(p, s);
	}
	if (err)
		return err;
	if (source == PARTS_ZERO)
		runs_clear(p, offset, end);
	else
		runs_set(p, offset, end, source, source_offset);
	p->low = min64(p->low, offset / p->part_size);
	return 0;
}

/* ------------------------------------------------------------------ reads */

/* What lies under [offset, offset + len), at its beginning. */
static struct parts_range base_at(const struct parts *p, uint64_t offset, uint64_t len)
{
	size_t i = run_position(p, offset);
	const struct run *r = i < p->nruns ? &p->runs[i] : NULL;

	if (!r || r->from >= offset + len)
		return (struct parts_range){.kind = PARTS_IS_ZERO, .len = len};
	if (r->from > offset)
		return (struct parts_range){.kind = PARTS_IS_ZERO, .len = r->from - offset};
	return (struct parts_range){.kind = PARTS_IS_REMOTE,
	                            .len = min64(len, r->to - offset),
	                            .source = r->source,
	                            .source_offset = r->source_offset + (offset - r->from)};
}

struct parts_range parts_at(const struct parts *p, uint64_t offset, uint64_t len)
{
	uint64_t in_slot = offset % p->part_size;
	const struct slot *s;

	if (offset >= p->size || !len)
		return (struct parts_range){.kind = PARTS_IS_END};
	len = min64(len, min64(p->size - offset, p->part_size - in_slot));
	s = slot_find(p, offset / p->part_size);
	if (!s)
		return base_at(p, offset, len);
	if (s->sealed)
		return (struct parts_range){.kind = PARTS_IS_SEALED, .len = len};
	for (size_t i = 0; i < s->nwritten; i++) {
		const struct extent *e = &s->written[i];
		size_t in_block = in_slot % p->mem.block_size;

		if (e->to <= in_slot)
			continue;
		if (e->from > in_slot) {
			len = min64(len, e->from - in_slot);
			break;
		}
		len = min64(len, min64(e->to - in_slot, p->mem.block_size - in_block));
		return (struct parts_range){.kind = PARTS_IS_MEMORY,
		                            .len = len,
		                            .data = (char *)s->blocks[in_slot / p->mem.block_size] +
		                                    in_block};
	}
	return base_at(p, offset, len);
}

/* ---------------------------------------------------------------- actions */

static void action_release(struct parts *p, struct parts_action *a)
{
	for (size_t i = 0; i < a->nblocks; i++)
		p->mem.put(p->mem.arg, a->blocks[i]);
	free(a->blocks);
	free(a->iov);
	a->blocks = NULL;
	a->iov = NULL;
	a->nblocks = 0;
}

/* Adds [from, to) of the slot to iov: its blocks, or zeros. */
static void action_add(struct parts *p, struct parts_action *a, const struct slot *s, uint64_t from,
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

/* Room for the pieces of a slot: each extent and each gap begins a new one. */
static int action_begin(struct parts *p, struct parts_action *a, uint64_t index,
                        const struct slot *s)
{
	size_t blocks = p->part_size / p->mem.block_size, extents = s ? s->nwritten : 0;

	*a = (struct parts_action){.slot = index, .number = index + 1};
	a->iov = malloc((blocks + 2 * extents + 2) * sizeof *a->iov);
	a->blocks = malloc((blocks + extents + 1) * sizeof *a->blocks);
	if (a->iov && a->blocks)
		return 0;
	free(a->iov);
	free(a->blocks);
	*a = (struct parts_action){0};
	return -ENOMEM;
}

static void fly(struct parts *p, struct slot *s, struct parts_action *a)
{
	slot_begin(p, s);
	a->was_stored = s->progress == STORED;
	a->generation = s->generation;
	s->progress = FLYING;
	p->flying++;
	slot_end(p, s);
}

/* The slot has come back. NULL: it was cut off while it flew. */
static struct slot *land(struct parts *p, const struct parts_action *a, bool *unchanged)
{
	struct slot *s = slot_find(p, a->slot);

	*unchanged = false;
	p->flying--;
	if (!s || s->progress != FLYING)
		return NULL;
	*unchanged = s->generation == a->generation;
	return s;
}

static int action_send(struct parts *p, struct slot *s, struct parts_action *a)
{
	uint64_t at = 0, len = slot_len(p, s->index);
	int err = action_begin(p, a, s->index, s);

	if (err)
		return err;
	a->what = PARTS_SEND;
	for (size_t i = 0; i < s->nwritten; i++) {
		action_add(p, a, s, at, s->written[i].from, true);
		action_add(p, a, s, s->written[i].from, min64(s->written[i].to, len), false);
		at = min64(s->written[i].to, len);
	}
	action_add(p, a, s, at, len, true);
	fly(p, s, a);
	return 0;
}

/* The first range under the slot that must be fetched before it can be sent. */
static struct parts_range slot_gap(const struct parts *p, const struct slot *s, uint64_t *from)
{
	uint64_t start = s->index * p->part_size, len = slot_len(p, s->index), at = 0;

	for (size_t i = 0; i <= s->nwritten; i++) {
		uint64_t to = i < s->nwritten ? min64(s->written[i].from, len) : len;

		while (at < to) {
			struct parts_range r = base_at(p, start + at, to - at);

			if (r.kind == PARTS_IS_REMOTE) {
				*from = at;
				return r;
			}
			at += r.len;
		}
		if (i < s->nwritten)
			at = s->written[i].to;
	}
	return (struct parts_range){.kind = PARTS_IS_END};
}

/* What the slot at index needs before the upload holds it. */
static int slot_next(struct parts *p, uint64_t index, struct parts_action *a)
{
	uint64_t len = slot_len(p, index), from;
	struct slot *s = slot_find(p, index);
	struct parts_range base = base_at(p, index * p->part_size, len);

	if (!s || !s->nwritten) {
		if (!s)
			s = slot_make(p, index);
		if (!s)
			return -ENOMEM;
		if (base.kind == PARTS_IS_REMOTE && base.len == len) {
			*a = (struct parts_action){.what = PARTS_COPY,
			                           .slot = index,
			                           .number = index + 1,
			                           .size = len,
			                           .source = base.source,
			                           .source_offset = base.source_offset};
			fly(p, s, a);
			return 0;
		}
	}
	if (slot_gap(p, s, &from).kind == PARTS_IS_REMOTE) {
		*a = (struct parts_action){
			.what = PARTS_COMPOSE, .slot = index, .number = index + 1};
		return 0;
	}
	return action_send(p, s, a);
}

static int next_ready(struct parts *p, struct parts_action *a)
{
	for (size_t i = p->nslots; p->ready && i-- > 0;)
		if (slot_ready(p, p->slots[i]))
			return action_send(p, p->slots[i], a);
	return 0;
}

int parts_next(struct parts *p, enum parts_mode mode, struct parts_action *a)
{
	uint64_t end = parts_slots(p);
	bool complete = true;

	*a = (struct parts_action){.what = PARTS_NOTHING};
	if (p->outgrown)
		return 0;
	if (mode == PARTS_FULL)
		return end > 1 ? next_ready(p, a) : 0;
	for (uint64_t i = p->low; i < end; i++) {
		struct slot *s = slot_find(p, i);

		if (s && s->progress == STORED) {
			if (complete)
				p->low = i + 1;
			continue;
		}
		complete = false;
		if (!s || s->progress == IDLE)
			return slot_next(p, i, a);
	}
	if (complete)
		a->what = PARTS_DONE;
	return 0;
}

/* Blocks under [from, from + len), so that a transfer can fill them. */
static int slot_reserve(struct parts *p, struct slot *s, uint64_t from, uint64_t len)
{
	for (uint64_t at = from; at < from + len; at += p->mem.block_size - at % p->mem.block_size)
		if (!block_for_write(p, s, at))
			return PARTS_NO_BLOCK;
	return 0;
}

int parts_fetch(struct parts *p, uint64_t index, struct parts_action *a)
{
	struct slot *s = slot_find(p, index);
	struct parts_range gap;
	uint64_t from;
	int err;

	*a = (struct parts_action){.what = PARTS_NOTHING};
	if (p->outgrown || !s || s->progress != IDLE || !slot_len(p, index))
		return 0;
	gap = slot_gap(p, s, &from);
	if (gap.kind != PARTS_IS_REMOTE)
		return action_send(p, s, a);
	err = slot_reserve(p, s, from, gap.len);
	if (!err)
		err = action_begin(p, a, index, s);
	if (err)
		return err;
	a->what = PARTS_FETCH;
	a->from = from;
	a->source = gap.source;
	a->source_offset = gap.source_offset;
	action_add(p, a, s, from, from + gap.len, false);
	fly(p, s, a);
	return 0;
}

/* What may be written on stays in memory as long as it can. */
static bool slot_spillable(const struct parts *p, const struct slot *s, bool first)
{
	if (!s->nwritten || s->progress == FLYING)
		return false;
	if (s->index == 0 && s->progress == STORED)
		return first;
	if (s->progress == STORED)
		return !first && s->stored_len < p->part_size;
	return !first && !(slot_ready(p, s) && parts_slots(p) > 1);
}

static struct slot *spill_victim(const struct parts *p, bool first)
{
	struct slot *best = NULL;

	for (size_t i = 0; !p->outgrown && i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		if (slot_spillable(p, s, first) && (!best || s->nblocks > best->nblocks))
			best = s;
	}
	return best;
}

uint64_t parts_spillable(const struct parts *p, bool first)
{
	const struct slot *s = spill_victim(p, first);

	return s ? s->nblocks * p->mem.block_size : 0;
}

int parts_spill(struct parts *p, bool first, struct parts_action *a)
{
	struct slot *s = spill_victim(p, first);
	int err;

	*a = (struct parts_action){.what = PARTS_NOTHING};
	if (!s)
		return 0;
	err = action_begin(p, a, s->index, s);
	if (err)
		return err;
	a->what = PARTS_SPILL;
	for (size_t i = 0; i < s->nwritten; i++)
		action_add(p, a, s, s->written[i].from, s->written[i].to, false);
	fly(p, s, a);
	return 0;
}

/* ------------------------------------------------------ ends of transfers */

static void landed_in_upload(struct parts *p, struct parts_action *a, int error,
                             const struct s3_etag *etag)
{
	bool unchanged;
	struct slot *s = land(p, a, &unchanged);
	char *copy = s && !error && unchanged ? strdup(etag->s) : NULL;

	if (!s) {
		if (!error)
			p->outgrown |= a->number > parts_slots(p);
	} else {
		s->progress = IDLE;
		if (copy) {
			free(s->etag);
			s->etag = copy;
			s->progress = STORED;
			s->stored_len = a->size;
		}
		slot_end(p, s);
	}
	action_release(p, a);
}

void parts_sent(struct parts *p, struct parts_action *a, int error, const struct s3_etag *etag)
{
	landed_in_upload(p, a, error, etag);
}

void parts_copied(struct parts *p, struct parts_action *a, int error, const struct s3_etag *etag)
{
	landed_in_upload(p, a, error, etag);
}

/* Bytes that a program wrote while the fetch was under way went to a copy of
 * the block: the fetched ones around them must follow. */
static void merge_fetched(struct parts *p, struct slot *s, const struct parts_action *a)
{
	uint64_t at = a->from;

	for (int i = 0; i < a->iovcnt; i++) {
		const char *fetched = a->iov[i].iov_base;
		uint64_t end = at + a->iov[i].iov_len;
		char *block = s->blocks[at / p->mem.block_size];
		size_t in_block = at % p->mem.block_size;

		if (block && block + in_block != fetched) {
			uint64_t from = at;

			for (size_t e = 0; e <= s->nwritten && from < end; e++) {
				uint64_t to = e < s->nwritten ? s->written[e].from : end;

				to = min64(to, end);
				if (to > from)
					memcpy(block + from % p->mem.block_size,
					       fetched + (from - at), to - from);
				if (e < s->nwritten)
					from = max64(from, s->written[e].to);
			}
		}
		at = end;
	}
}

void parts_fetched(struct parts *p, struct parts_action *a, int error)
{
	bool unchanged;
	struct slot *s = land(p, a, &unchanged);
	uint64_t from, to;

	if (s) {
		s->progress = IDLE;
		to = min64(a->from + a->size, slot_len(p, s->index));
		/* A cut or a replaced base makes the fetched bytes stale. */
		if (!error && (unchanged || slot_gap(p, s, &from).kind == PARTS_IS_REMOTE)) {
			struct parts_range base =
				base_at(p, s->index * p->part_size + a->from, a->size);

			if (base.kind == PARTS_IS_REMOTE && base.source == a->source &&
			    base.source_offset == a->source_offset && base.len == a->size &&
			    to > a->from) {
				merge_fetched(p, s, a);
				(void)extent_add(s, a->from, to);
			}
		}
		slot_end(p, s);
	}
	action_release(p, a);
}

int parts_spilled(struct parts *p, struct parts_action *a, int error, int source)
{
	bool unchanged;
	struct slot *s = land(p, a, &unchanged);
	int err = 0;

	if (s) {
		uint64_t start = s->index * p->part_size, at = 0;

		s->progress = a->was_stored && unchanged ? STORED : IDLE;
		err = error || !unchanged ? 0 : runs_reserve(p, 2 * s->nwritten);
		if (!error && unchanged && !err) {
			for (size_t i = 0; i < s->nwritten; i++) {
				const struct extent *e = &s->written[i];

				runs_set(p, start + e->from, start + e->to, source, at);
				at += e->to - e->from;
			}
			slot_drop_blocks(p, s);
		}
		slot_end(p, s);
	}
	action_release(p, a);
	return err;
}

bool parts_drop(struct parts *p)
{
	for (size_t i = 0; i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		if (s->index == 0 || s->progress != STORED || !s->nwritten ||
		    s->stored_len != p->part_size)
			continue;
		slot_drop_blocks(p, s);
		s->sealed = true;
		return true;
	}
	return false;
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
	p->low = 0;
	return 0;
}

/* ------------------------------------------------------------- invariants */

static void slot_check(const struct parts *p, const struct slot *s)
{
	size_t blocks = 0, n = p->part_size / p->mem.block_size;
	uint64_t end = 0;

	assert(slot_len(p, s->index) > 0 || s->progress == IDLE);
	for (size_t i = 0; s->blocks && i < n; i++)
		blocks += s->blocks[i] != NULL;
	assert(blocks == s->nblocks);
	for (size_t i = 0; i < s->nwritten; i++) {
		const struct extent *e = &s->written[i];

		assert(e->from < e->to && e->to <= p->part_size && (!i || e->from > end));
		for (uint64_t b = e->from / p->mem.block_size; b <= (e->to - 1) / p->mem.block_size;
		     b++)
			assert(s->blocks[b]);
		end = e->to;
	}
	if (s->sealed)
		assert(s->progress == STORED && !s->nwritten && s->stored_len == p->part_size);
	if (s->progress == STORED)
		assert(s->stored_len == slot_len(p, s->index) && s->etag);
	else
		assert(s->progress == FLYING || s->index >= p->low);
}

void parts_check(const struct parts *p)
{
	size_t flying = 0, blocks = 0, ready = 0;

	for (size_t i = 0; i < p->nslots; i++) {
		const struct slot *s = p->slots[i];

		assert(!i || p->slots[i - 1]->index < s->index);
		slot_check(p, s);
		flying += s->progress == FLYING;
		blocks += s->nblocks;
		ready += slot_ready(p, s);
	}
	assert(flying <= p->flying && blocks == p->blocks && ready == p->ready);
	for (size_t i = 0; i < p->nruns; i++) {
		assert(p->runs[i].from < p->runs[i].to && p->runs[i].to <= p->size);
		assert(!i || p->runs[i - 1].to <= p->runs[i].from);
	}
}
