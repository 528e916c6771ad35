/* SPDX-License-Identifier: MIT */
/* flights.c - the transfers of the part table: which one is next, and what
 * becomes of its slot when it ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "slot.h"

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
	size_t blocks = p->part_size / p->mem.block_size, extents = s->written.n;

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
	s->flight = s->generation;
	s->progress = FLYING;
	if (a->what == PARTS_SEND || a->what == PARTS_COPY)
		p->top = max64(p->top, a->number); /* an answer may be lost */
	p->flying++;
	slot_end(p, s);
}

/* The slot has come back. NULL: it was cut off while it flew. */
static struct slot *land(struct parts *p, const struct parts_action *a, bool *unchanged)
{
	struct slot *s = slot_find(p, a->slot);

	*unchanged = false;
	p->flying--;
	if (!s || s->progress != FLYING || s->flight != a->generation)
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
	for (size_t i = 0; i < s->written.n; i++) {
		action_add(p, a, s, at, s->written.v[i].from, true);
		action_add(p, a, s, s->written.v[i].from, min64(s->written.v[i].to, len), false);
		at = min64(s->written.v[i].to, len);
	}
	action_add(p, a, s, at, len, true);
	fly(p, s, a);
	return 0;
}

/* The first range under the slot that must be fetched before it can be sent. */
static struct parts_range slot_gap(const struct parts *p, const struct slot *s, uint64_t *from)
{
	uint64_t start = s->index * p->part_size, len = slot_len(p, s->index), at = 0;

	for (size_t i = 0; i <= s->written.n; i++) {
		uint64_t to = i < s->written.n ? min64(s->written.v[i].from, len) : len;

		while (at < to) {
			struct parts_range r = slot_base(p, start + at, to - at);

			if (r.kind == PARTS_IS_REMOTE) {
				*from = at;
				return r;
			}
			at += r.len;
		}
		if (i < s->written.n)
			at = s->written.v[i].to;
	}
	return (struct parts_range){.kind = PARTS_IS_END};
}

/* What the slot at index needs before the upload holds it. */
static int slot_next(struct parts *p, uint64_t index, struct parts_action *a)
{
	uint64_t len = slot_len(p, index), from;
	struct slot *s = slot_find(p, index);
	struct parts_range base = slot_base(p, index * p->part_size, len);

	if (!s || !s->written.n) {
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
		if (!slot_block(p, s, at))
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
	if (err) {
		slot_trim(p, s);
		return err;
	}
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
	if (!s->written.n || s->progress == FLYING)
		return false;
	if (s->index == 0 && s->progress == STORED)
		return first;
	if (s->progress == STORED)
		return !first && s->stored_len < p->part_size;
	return !first && (p->kept_back || !slot_ready(p, s) || parts_slots(p) == 1);
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
	for (size_t i = 0; i < s->written.n; i++)
		action_add(p, a, s, s->written.v[i].from, s->written.v[i].to, false);
	fly(p, s, a);
	return 0;
}

/* ------------------------------------------------------ ends of transfers */

void parts_sent(struct parts *p, struct parts_action *a, int error, const struct s3_etag *etag)
{
	bool unchanged;
	struct slot *s = land(p, a, &unchanged);
	char *copy = s && !error && unchanged ? strdup(etag->s) : NULL;

	if (s) {
		s->progress = IDLE;
		if (copy) {
			free(s->etag);
			s->etag = copy;
			s->progress = STORED;
			s->stored_len = a->size;
		}
		slot_trim(p, s);
		slot_end(p, s);
	}
	action_release(p, a);
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

			for (size_t e = 0; e <= s->written.n && from < end; e++) {
				uint64_t to = e < s->written.n ? s->written.v[e].from : end;

				to = min64(to, end);
				if (to > from)
					memcpy(block + from % p->mem.block_size,
					       fetched + (from - at), to - from);
				if (e < s->written.n)
					from = max64(from, s->written.v[e].to);
			}
		}
		at = end;
	}
}

/* The range is still what lies under the slot. */
static bool fetch_fits(const struct parts *p, const struct parts_action *a)
{
	struct parts_range r = slot_base(p, a->slot * p->part_size + a->from, a->size);

	return r.kind == PARTS_IS_REMOTE && r.source == a->source &&
	       r.source_offset == a->source_offset && r.len == a->size;
}

void parts_fetched(struct parts *p, struct parts_action *a, int error)
{
	bool unchanged;
	struct slot *s = land(p, a, &unchanged);

	if (s) {
		s->progress = IDLE;
		if (!error && fetch_fits(p, a) && !extents_reserve(&s->written)) {
			merge_fetched(p, s, a);
			extents_add(&s->written, a->from, a->from + a->size);
		}
		slot_trim(p, s);
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
		err = error || !unchanged ? 0 : runs_reserve(&p->base, 2 * s->written.n);
		if (!error && unchanged && !err) {
			for (size_t i = 0; i < s->written.n; i++) {
				const struct extent *e = &s->written.v[i];

				runs_set(&p->base, start + e->from, start + e->to, source, at);
				at += e->to - e->from;
			}
			slot_drop_blocks(p, s);
		}
		slot_trim(p, s);
		slot_end(p, s);
	}
	action_release(p, a);
	return err;
}

bool parts_drop(struct parts *p)
{
	/* An upload that is to be thrown away must not have the only copy. */
	for (size_t i = 0; !p->outgrown && i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		if (s->index == 0 || s->progress != STORED || !s->written.n ||
		    s->stored_len != p->part_size)
			continue;
		slot_drop_blocks(p, s);
		s->sealed = true;
		return true;
	}
	return false;
}
