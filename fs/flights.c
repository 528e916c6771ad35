/* SPDX-License-Identifier: MIT */
/* flights.c - the transfers of the part table: which one is next, and what
 * becomes of its slot when it ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "slot.h"

#define FETCH_PIECES 256
#define FILLER_MAX   ((uint64_t)128 << 10) /* bytes fetched in vain, to save a request */

/* --------------------------------------------------------------- take-offs */

/* Slots that go to the own upload: while it fills, and to finish it. */
static bool goes_own(const struct parts *p, const struct slot *s)
{
	return p->finishing || s->index < p->direct;
}

/* Of those that no slot below `direct` has. */
static bool numbers_left(const struct parts *p)
{
	return p->direct + p->numbers < p->limits.parts;
}

/* The number under which the slot goes to the own upload. Those beyond
 * `direct` get theirs in the order of the file. -EFBIG. */
static int own_number(struct parts *p, struct slot *s)
{
	if (s->own_number)
		return 0;
	if (s->index < p->direct)
		s->own_number = (unsigned)s->index + 1;
	else if (numbers_left(p))
		s->own_number = (unsigned)p->direct + ++p->numbers;
	return s->own_number ? 0 : -EFBIG;
}

/* A number in the staged upload; there is room. */
int staged_number(struct parts *p, struct slot *s)
{
	struct s3_part *parts;

	if (s->number)
		return 0;
	parts = reallocarray(p->staged, 2 * (p->nstaged + 1),
	                     sizeof *parts); /* see parts_stage() */
	if (!parts)
		return -ENOMEM;
	p->staged = parts;
	parts[p->nstaged] = (struct s3_part){.number = (unsigned)p->nstaged + 1};
	s->number = (unsigned)++p->nstaged;
	return 0;
}

static bool staged_is_full(struct parts *p, const struct slot *s)
{
	return !s->number && p->nstaged >= stage_parts(p) && !stage_unused(p);
}

void slot_fly(struct parts *p, struct slot *s, struct parts_action *a)
{
	slot_begin(p, s);
	a->generation = s->generation;
	s->flight = s->generation;
	s->progress = FLYING;
	s->staged = a->staged;
	s->sent = a->size == p->part_size; /* a shorter one goes again when it is full */
	if (!a->staged) {                  /* an answer may be lost */
		p->top = max64(p->top, a->number);
		if (a->size < p->limits.part_min)
			p->tail = s->index;
	}
	p->flying++;
	slot_end(p, s);
}

int action_send(struct parts *p, struct slot *s, struct parts_action *a)
{
	uint64_t at = s->skip, len = slot_len(p, s->index);
	bool own = goes_own(p, s);
	int err = own ? own_number(p, s) : staged_number(p, s);

	if (!err)
		err = action_begin(p, a, s->index, s->cached.n);
	if (err)
		return err;
	a->what = PARTS_SEND;
	a->staged = !own;
	a->number = own ? s->own_number : s->number;
	for (size_t i = extents_position(&s->cached, at); i < s->cached.n; i++) {
		action_add(p, a, s, at, s->cached.v[i].from, true);
		at = max64(at, s->cached.v[i].from);
		action_add(p, a, s, at, s->cached.v[i].to, false);
		at = s->cached.v[i].to;
	}
	action_add(p, a, s, at, len, true);
	slot_fly(p, s, a);
	return 0;
}

/* -------------------------------------------------------------------- gaps */

/* The next stretch of the slot, from `at` on, that is not in memory: what its
 * base has there. kind END: none. */
static struct parts_range next_gap(const struct parts *p, const struct slot *s, uint64_t *at)
{
	uint64_t start = s->index * p->part_size, len = slot_len(p, s->index);
	size_t i = extents_position(&s->cached, *at);

	if (i < s->cached.n && s->cached.v[i].from <= *at)
		*at = s->cached.v[i++].to;
	if (*at >= len)
		return (struct parts_range){.kind = PARTS_IS_END};
	return slot_base(p, start + *at, (i < s->cached.n ? s->cached.v[i].from : len) - *at);
}

/* The first gap that must be filled before the slot can be sent: a range of an
 * object; to make it compact, zeros as well. */
static struct parts_range first_gap(const struct parts *p, const struct slot *s, uint64_t *at)
{
	*at = s->skip;
	for (;;) {
		struct parts_range r = next_gap(p, s, at);

		if (r.kind != PARTS_IS_ZERO || s->compact)
			return r;
		*at += r.len;
	}
}

/* ---------------------------------------------------------- what is missing */

/* All its bytes are its base's; and as a further slot of a copy it must not
 * have a part of its own in the upload, which the file then had not. */
static bool untouched(const struct slot *s, bool further)
{
	return !s || (s->progress == IDLE && !s->dirty.n && !s->spilling.n && !s->composing &&
	              !s->skip && !(further && s->own_number));
}

uint64_t slots_copyable(const struct parts *p, uint64_t index, uint64_t *prefix)
{
	uint64_t start = index * p->part_size, end = parts_slots(p), slots = 0, bytes = 0;
	bool small = p->limits.equal || (p->small_copies && end <= p->limits.parts);
	uint64_t most = small ? p->part_size : p->limits.copy_max;
	struct parts_range base;
	const struct slot *s = slot_find(p, index);

	*prefix = 0;
	if (s && s->own_number) /* what that part was said to be it stays */
		most = p->part_size;
	base = slot_base(p, start, min64(most, p->size - start));
	if (base.kind != PARTS_IS_REMOTE)
		return 0;
	while (index + slots < end && untouched(slot_find(p, index + slots), slots > 0) &&
	       bytes + slot_len(p, index + slots) <= base.len)
		bytes += slot_len(p, index + slots++);
	s = slot_find(p, end - 1);
	/* The last part may be of any size, and so begin anywhere. */
	if (bytes && index + slots == end - 1 && s && s->progress == IDLE && !s->composing &&
	    !s->own_number && s->cached.n && numbers_left(p))
		*prefix = min64(base.len - bytes, s->cached.v[0].from);
	return bytes + *prefix;
}

/* The structs of untouched slots of [from, to) are not needed. */
static void forget_untouched(struct parts *p, uint64_t from, uint64_t to)
{
	size_t i = slot_position(p, from), j = i;

	while (j < p->nslots && p->slots[j]->index < to)
		slot_free(p, p->slots[j++]);
	memmove(p->slots + i, p->slots + j, (p->nslots - j) * sizeof *p->slots);
	p->nslots -= j - i;
}

/* The last slot is without its beginning: it gets a number that tells it from one
 * that is whole, in case somebody has to find out what the upload holds. */
static void begin_later(struct parts *p, struct slot *last, uint64_t prefix)
{
	last->skip = prefix;
	if (last->index < p->direct)
		last->own_number = (unsigned)p->direct + ++p->numbers;
}

static int action_copy(struct parts *p, struct slot *s, uint64_t len, uint64_t prefix,
                       struct parts_action *a)
{
	uint64_t start = s->index * p->part_size;
	uint64_t slots = (len - prefix + p->part_size - 1) / p->part_size;
	struct parts_range base = slot_base(p, start, len);
	int err = own_number(p, s);

	if (err)
		return err;
	if (prefix)
		begin_later(p, slot_find(p, s->index + slots), prefix);
	forget_untouched(p, s->index + 1, s->index + slots);
	*a = (struct parts_action){.what = PARTS_COPY,
	                           .slot = s->index,
	                           .number = s->own_number,
	                           .size = len,
	                           .source = base.source,
	                           .source_offset = base.source_offset};
	slot_drop_blocks(p, s);
	s->span = slots;
	slot_fly(p, s, a);
	return 0;
}

int action_compose(struct parts *p, struct slot *s, bool compact, struct parts_action *a)
{
	int err = p->finishing ? own_number(p, s) : 0;

	if (err)
		return err;
	slot_begin(p, s);
	s->composing = true;
	s->compact = compact;
	slot_end(p, s);
	*a = (struct parts_action){.what = PARTS_COMPOSE, .slot = s->index};
	return 0;
}

/* The slot waits for the one that was synced when it was shorter than a part may be:
 * Ceph completes an upload only with all of its parts, and of these none but the last
 * may be that short. So no other may be stored behind it, as long as a crash would
 * leave it as it is. */
static bool waits_for_tail(const struct parts *p, const struct slot *s)
{
	return p->tail < s->index && goes_own(p, s);
}

int action_next(struct parts *p, uint64_t index, struct parts_action *a)
{
	struct slot *s = slot_make(p, index);
	uint64_t prefix = 0, at, len;

	if (s && waits_for_tail(p, s)) {
		s = slot_make(p, p->tail);
		if (s && (s->progress != IDLE || s->composing))
			return 0;
	}
	if (!s)
		return -ENOMEM;
	index = s->index;
	len = p->finishing ? slots_copyable(p, index, &prefix) : 0;
	if (len >= p->limits.part_min)
		return action_copy(p, s, len, prefix, a);
	if (first_gap(p, s, &at).kind == PARTS_IS_REMOTE)
		return action_compose(p, s, false, a);
	return action_send(p, s, a);
}

/* Full slots, in the order of the file: then they lie so in a staged object. */
static int next_ready(struct parts *p, struct parts_action *a)
{
	size_t i = slot_position(p, p->ready_from);

	for (; p->ready && i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		p->ready_from = s->index;
		if (!slot_ready(p, s))
			continue;
		if (waits_for_tail(p, s))
			return action_next(p, s->index, a);
		if (goes_own(p, s) || !staged_is_full(p, s))
			return action_send(p, s, a);
		a->what = stage_filled(p) ? PARTS_STAGE : PARTS_NOTHING;
		return 0;
	}
	return 0;
}

static int next_missing(struct parts *p, struct parts_action *a)
{
	uint64_t end = parts_slots(p);
	bool complete = true;

	if (p->gathering != NO_SLOT)
		return gather_next(p, a);
	/* Not every slot can have a number: full ones go with others, by a copy. */
	if (!p->finishing && p->ready && end > p->limits.parts)
		return next_ready(p, a);
	if (p->staged_slots) {
		a->what = PARTS_STAGE;
		return 0;
	}
	if (!p->finishing && gather_must(p))
		return gather_next(p, a);
	p->finishing = true;
	for (uint64_t i = p->low; i < end;) {
		struct slot *s = slot_find(p, i);
		uint64_t span = s && s->span ? s->span : 1;

		if (s && s->progress == STORED) {
			if (complete)
				p->low = i + span;
			i += span;
			continue;
		}
		complete = false;
		if (!s || (s->progress == IDLE && !s->composing))
			return action_next(p, i, a);
		if (own_number(p, s))
			return -EFBIG;
		i += span;
	}
	if (complete)
		a->what = PARTS_DONE;
	return 0;
}

static int next_crowded(struct parts *p, struct parts_action *a)
{
	uint64_t index = p->crowded;
	struct slot *s;

	if (index == NO_SLOT)
		return 0;
	p->crowded = NO_SLOT;
	if (!slot_len(p, index))
		return 0;
	s = slot_make(p, index);
	if (!s)
		return -ENOMEM;
	if (s->progress != IDLE || s->composing) {
		p->crowded = s->progress == FLYING ? index : NO_SLOT;
		return 0;
	}
	return action_compose(p, s, true, a);
}

static int next_appended(struct parts *p, struct parts_action *a)
{
	struct slot *s = p->appended == NO_SLOT ? NULL : slot_find(p, p->appended);

	if (s && waits_for_tail(p, s))
		return action_next(p, s->index, a);
	p->appended = NO_SLOT;
	return s && slot_appended(p, s) ? action_compose(p, s, false, a) : 0;
}

/* Bytes that are in memory alone. */
static int next_unsafe(struct parts *p, struct parts_action *a)
{
	bool spill = false, waits = false;

	for (size_t i = 0; i < p->nslots; i++) {
		struct slot *s = p->slots[i];

		if ((!s->dirty.n && !s->spilling.n) || s->progress == STORED)
			continue;
		if (s->progress == FLYING || s->composing || s->spilling.n)
			waits = true;
		else if (s->index < p->direct)
			return action_next(p, s->index, a);
		else if (!extents_cover(&s->dirty, 0, p->part_size))
			spill = true;
		else if (staged_is_full(p, s) && !stage_filled(p))
			waits = true;
		else if (staged_is_full(p, s))
			a->what = PARTS_STAGE;
		else
			return action_send(p, s, a);
	}
	if (a->what == PARTS_STAGE)
		return 0;
	if (spill)
		return parts_spill(p, false, a);
	a->what = waits ? PARTS_NOTHING : PARTS_DONE;
	return 0;
}

int parts_next(struct parts *p, enum parts_mode mode, struct parts_action *a)
{
	int err;

	*a = (struct parts_action){.what = PARTS_NOTHING};
	if (p->outgrown || p->staging)
		return 0;
	if (mode == PARTS_FINISH)
		return next_missing(p, a);
	p->gathering = NO_SLOT; /* nobody wants it finished any more */
	err = parts_slots(p) > 1 ? next_ready(p, a) : 0;
	if (!err && a->what == PARTS_NOTHING)
		err = next_crowded(p, a);
	if (!err && a->what == PARTS_NOTHING)
		err = next_appended(p, a);
	if (!err && a->what == PARTS_NOTHING && mode == PARTS_SYNC)
		err = next_unsafe(p, a);
	return err;
}

/* ----------------------------------------------------------------- fetches */

/* Blocks under [from, to), so that a transfer can fill them. */
static int reserve_blocks(struct parts *p, struct slot *s, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at += p->mem.block_size - at % p->mem.block_size)
		if (!slot_block(p, s, at))
			return PARTS_NO_BLOCK;
	return 0;
}

/* Skips bytes of the source that are not needed. */
static void add_filler(struct parts_action *a, uint64_t len)
{
	if (len)
		a->iov[a->iovcnt++] = (struct iovec){NULL, len};
	a->size += len;
}

static int add_gap(struct parts *p, struct slot *s, struct parts_action *a, uint64_t from,
                   const struct parts_range *gap)
{
	int err = reserve_blocks(p, s, from, from + gap->len);

	if (err)
		return err;
	add_filler(a, gap->source_offset - a->source_offset - a->size);
	a->pieces[a->npieces++] =
		(struct parts_piece){s->index, from, from + gap->len, gap->source_offset};
	action_add(p, a, s, from, from + gap->len, false);
	return 0;
}

/* One request for the first gap, and for those behind it in the same object. */
static int action_fetch(struct parts *p, struct slot *s, struct parts_action *a, uint64_t at,
                        struct parts_range gap)
{
	int err = action_begin(p, a, s->index, FETCH_PIECES);

	if (err)
		return err;
	a->what = PARTS_FETCH;
	a->source = gap.source;
	a->source_offset = gap.source_offset;
	while (!err && a->npieces < FETCH_PIECES && gap.kind != PARTS_IS_END) {
		uint64_t next = a->source_offset + a->size;

		if (gap.kind == PARTS_IS_REMOTE && gap.source == a->source) {
			if (gap.source_offset < next || gap.source_offset - next > FILLER_MAX)
				break;
			err = add_gap(p, s, a, at, &gap);
		}
		at += gap.len;
		gap = next_gap(p, s, &at);
	}
	if (err && !a->npieces) {
		slot_trim(p, s);
		action_release(p, a);
		return err;
	}
	s->fetch = ++p->generation;
	a->generation = s->fetch;
	p->flying++;
	return 0;
}

static int fill_zeros(struct parts *p, struct slot *s, uint64_t at, uint64_t len)
{
	int err = extents_reserve(&s->cached) ? -ENOMEM : reserve_blocks(p, s, at, at + len);

	if (err) {
		slot_trim(p, s);
		return err;
	}
	for (uint64_t end = at + len, n; at < end; at += n) {
		n = min64(end - at, p->mem.block_size - at % p->mem.block_size);
		memset((char *)s->blocks[at / p->mem.block_size] + at % p->mem.block_size, 0, n);
		extents_add(&s->cached, at, at + n);
	}
	return 0;
}

/* All of the slot is in memory: it needs no base, and is new as a whole. */
static int made_whole(struct parts *p, struct slot *s)
{
	uint64_t start = s->index * p->part_size, len = slot_len(p, s->index);

	if (slot_reserve(s) || runs_reserve(&p->base, 1))
		return -ENOMEM;
	slot_begin(p, s);
	runs_clear(&p->base, start, start + len);
	extents_add(&s->dirty, 0, len);
	s->compact = false;
	s->sent = false;
	slot_changed(p, s);
	slot_end(p, s);
	return 0;
}

int parts_fetch(struct parts *p, uint64_t index, struct parts_action *a)
{
	struct slot *s = slot_find(p, index);
	struct parts_range gap;
	uint64_t at;
	int err;

	*a = (struct parts_action){.what = PARTS_NOTHING};
	if (p->outgrown || p->staging || !s || s->progress != IDLE || !s->composing || s->fetch ||
	    !slot_len(p, index))
		return 0;
	for (;;) {
		gap = first_gap(p, s, &at);
		if (gap.kind == PARTS_IS_END)
			break;
		if (gap.kind == PARTS_IS_REMOTE)
			return action_fetch(p, s, a, at, gap);
		err = fill_zeros(p, s, at, gap.len);
		if (err)
			return err;
	}
	if (s->compact)
		return made_whole(p, s);
	/* Numbers are given in order, by parts_next(). */
	if (p->finishing ? !s->own_number : p->gathering != NO_SLOT && !s->number)
		return 0;
	if (waits_for_tail(p, s))
		return 0;
	if (!goes_own(p, s) && (slot_len(p, index) < p->part_size || staged_is_full(p, s)))
		return 0;
	return action_send(p, s, a);
}

void parts_composed(struct parts *p, uint64_t index)
{
	struct slot *s = slot_find(p, index);

	if (!s)
		return;
	slot_begin(p, s);
	s->composing = false;
	s->compact = false;
	slot_end(p, s);
}

/* ------------------------------------------------------ ends of transfers */

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

void parts_copy_small(struct parts *p, bool small)
{
	p->small_copies = small;
}

bool parts_copy_refused(struct parts *p, const struct parts_action *a)
{
	uint64_t end = a->slot + (a->size + p->part_size - 1) / p->part_size;
	uint64_t stop = a->slot * p->part_size + a->size;
	/* Beyond `direct` others may have the numbers that its slots would need; and the
	 * last slot may have left its beginning to it. */
	bool again = end > p->direct || (stop % p->part_size && stop < p->size);

	if (a->staged || a->size <= p->part_size || parts_slots(p) > p->limits.parts ||
	    (again && sealed_in_own(p, UINT64_MAX)))
		return false;
	p->outgrown = p->outgrown || again;
	p->small_copies = true;
	return true;
}

void parts_sent(struct parts *p, struct parts_action *a, int error, const struct s3_etag *etag)
{
	bool unchanged;
	struct slot *s = land(p, a, &unchanged);
	char *copy = s && !error && unchanged ? strdup(etag->s) : NULL;

	if (!error && a->staged) {
		p->staged[a->number - 1].size = a->size;
		p->staged[a->number - 1].etag = *etag;
	}
	if (!error && !a->staged && a->slot == p->tail && a->size >= p->limits.part_min)
		p->tail = NO_SLOT;
	if (s) {
		slot_begin(p, s);
		s->progress = IDLE;
		if (copy) {
			free(s->etag);
			s->etag = copy;
			s->progress = STORED;
			s->stored_len = a->size;
		} else {
			s->span = 0;
		}
		slot_trim(p, s);
		slot_end(p, s);
	}
	action_release(p, a);
}

/* The piece is still what lies under the slot. */
static bool piece_fits(const struct parts *p, const struct parts_action *a,
                       const struct parts_piece *piece)
{
	uint64_t len = piece->to - piece->from;
	struct parts_range r = slot_base(p, a->slot * p->part_size + piece->from, len);

	return r.kind == PARTS_IS_REMOTE && r.source == a->source && r.source_offset == piece->at &&
	       r.len == len;
}

/* Copies what was fetched for [from, to), within one block, to where it is not
 * cached: a program wrote to a copy of the block while the fetch was under way. */
static void merge_block(const struct slot *s, char *block, const char *fetched, uint64_t from,
                        uint64_t to)
{
	const struct extents *c = &s->cached;
	uint64_t at = from;

	for (size_t i = extents_position(c, from); at < to; i++) {
		uint64_t end = i < c->n ? min64(c->v[i].from, to) : to;

		if (end > at)
			memcpy(block + (at - from), fetched + (at - from), end - at);
		at = i < c->n ? max64(at, c->v[i].to) : to;
	}
}

/* Returns the iov behind the piece. */
static const struct iovec *merge_piece(struct parts *p, struct slot *s,
                                       const struct parts_action *a,
                                       const struct parts_piece *piece, const struct iovec *iov)
{
	bool fits = piece_fits(p, a, piece) && !extents_reserve(&s->cached);

	for (uint64_t at = piece->from; at < piece->to; at += iov++->iov_len) {
		char *block = s->blocks[at / p->mem.block_size];

		block = fits ? block + at % p->mem.block_size : iov->iov_base;
		if (block != iov->iov_base)
			merge_block(s, block, iov->iov_base, at, at + iov->iov_len);
	}
	if (fits)
		extents_add(&s->cached, piece->from, piece->to);
	return iov;
}

void parts_fetched(struct parts *p, struct parts_action *a, int error)
{
	struct slot *s = slot_find(p, a->slot);
	const struct iovec *iov = a->iov;

	p->flying--;
	if (s && s->fetch == a->generation) {
		slot_begin(p, s);
		for (size_t i = 0; !error && i < a->npieces; i++) {
			iov += !iov->iov_base;
			iov = merge_piece(p, s, a, &a->pieces[i], iov);
		}
		s->fetch = 0;
		slot_trim(p, s);
		slot_end(p, s);
	}
	action_release(p, a);
}
