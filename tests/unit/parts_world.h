/* SPDX-License-Identifier: MIT */
/*
 * parts_world.h - what the part table lives in, for its tests: blocks that are
 * counted and can run out, uploads that are arrays of parts, objects that
 * are byte arrays, and the transfers under way, each with a copy of the bytes
 * it was given.
 */
#ifndef POURFS_PARTS_WORLD_H
#define POURFS_PARTS_WORLD_H

#include "slot.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART    ((uint64_t)64)
#define BLOCK   ((size_t)16)
#define SOURCES 512
#define FLIGHTS 16
#define PARTS   64 /* of a simulated upload, at most */
#define COPY    (4 * PART)
#define MOVED   (PARTS * PART) /* by one transfer, at most */

struct world_block {
	int held;
	char data[BLOCK];
};

struct world_part {
	bool there;
	uint64_t size;
	char data[COPY];
	struct s3_etag etag;
};

struct world_flight {
	bool there;
	struct parts_action a;
	char sent[MOVED]; /* what the iov held when it took off */
};

struct world {
	struct parts *parts;
	long blocks_out, blocks_max; /* in use; at most */
	unsigned take_fails;         /* in 256 */
	unsigned long (*random)(void);
	struct parts_limits limits;
	struct world_part upload[PARTS + 1], staged[PARTS + 1];
	struct {
		char *data;
		uint64_t size;
	} sources[SOURCES];
	int nsources;
	struct world_flight flights[FLIGHTS];
	unsigned etags;
};

static void *world_take(void *arg)
{
	struct world *w = arg;
	struct world_block *b;

	if (w->blocks_out >= w->blocks_max || (w->take_fails && w->random() % 256 < w->take_fails))
		return NULL;
	b = malloc(sizeof *b);
	assert(b);
	b->held = 1;
	memset(b->data, '?', BLOCK);
	w->blocks_out++;
	return b->data;
}

static struct world_block *world_block(void *block)
{
	struct world_block *b = (void *)((char *)block - offsetof(struct world_block, data));

	assert(b->held > 0);
	return b;
}

static void world_hold(void *arg, void *block)
{
	(void)arg;
	world_block(block)->held++;
}

static void world_put(void *arg, void *block)
{
	struct world *w = arg;
	struct world_block *b = world_block(block);

	if (--b->held)
		return;
	w->blocks_out--;
	free(b);
}

static bool world_shared(void *arg, void *block)
{
	(void)arg;
	return world_block(block)->held > 1;
}

static int world_input(void *arg, void *to, size_t n)
{
	const char **at = arg;

	memcpy(to, *at, n);
	*at += n;
	return 0;
}

/* parts_write() of bytes in memory. */
static ssize_t world_write(struct parts *p, uint64_t offset, const char *data, size_t len)
{
	return parts_write(p, offset, &(struct parts_input){world_input, &data}, len);
}

static void world_begin_with(struct world *w, struct parts_limits limits)
{
	struct parts_mem mem = {BLOCK, world_take, world_hold, world_put, world_shared, w};

	*w = (struct world){.blocks_max = 1000000, .limits = limits};
	w->parts = parts_new(&limits, &mem);
	assert(w->parts);
}

static inline void world_begin(struct world *w)
{
	world_begin_with(w, (struct parts_limits){PART, 40, COPY, PARTS, false});
}

static void world_end(struct world *w)
{
	parts_free(w->parts);
	assert(w->blocks_out == 0);
	for (int i = 0; i < w->nsources; i++)
		free(w->sources[i].data);
}

static int world_source(struct world *w, const char *data, uint64_t size)
{
	assert(w->nsources < SOURCES);
	w->sources[w->nsources].data = malloc(size + 1);
	assert(w->sources[w->nsources].data);
	memcpy(w->sources[w->nsources].data, data, size);
	w->sources[w->nsources].size = size;
	return w->nsources++;
}

static uint64_t world_gather(const struct parts_action *a, char *to)
{
	uint64_t n = 0;

	for (int i = 0; i < a->iovcnt; i++) {
		assert(n + a->iov[i].iov_len <= MOVED);
		memcpy(to + n, a->iov[i].iov_base, a->iov[i].iov_len);
		n += a->iov[i].iov_len;
	}
	assert(n == a->size);
	return n;
}

static void world_copy(const struct world *w, const struct parts_action *a, char *to)
{
	assert(a->source >= 0 && a->source < w->nsources && a->size <= MOVED);
	assert(a->source_offset + a->size <= w->sources[a->source].size);
	memcpy(to, w->sources[a->source].data + a->source_offset, a->size);
}

/* Notes a transfer that has begun. */
static struct world_flight *world_fly(struct world *w, const struct parts_action *a)
{
	struct world_flight *f = w->flights;

	while (f->there)
		f++;
	assert(f < w->flights + FLIGHTS);
	*f = (struct world_flight){.there = true, .a = *a};
	if (a->what == PARTS_COPY)
		world_copy(w, a, f->sent);
	else if (a->what != PARTS_FETCH)
		world_gather(a, f->sent);
	else /* half of another try */
		for (int i = 0; i < a->iovcnt; i++)
			if (a->iov[i].iov_base)
				memset(a->iov[i].iov_base, '!', a->iov[i].iov_len);
	return f;
}

/* Of what a crash would leave, the service can make an object: no part but the last
 * is too short. */
static void world_check_upload(const struct world *w)
{
	bool shorter = false;

	for (unsigned i = 1; i <= PARTS; i++) {
		assert(!(w->upload[i].there && shorter));
		shorter |= w->upload[i].there && w->upload[i].size < w->limits.part_min;
	}
}

/* It has arrived, or failed. Returns what parts_spilled() said, or 0. */
static int world_land(struct world *w, struct world_flight *f, int error)
{
	struct parts_action *a = &f->a;
	char now[MOVED];
	int err = 0;

	if (a->what == PARTS_SEND || a->what == PARTS_SPILL) {
		world_gather(a, now);
		assert(!memcmp(now, f->sent, a->size)); /* nobody touched it */
	}
	if (a->what == PARTS_FETCH) {
		uint64_t n = 0;

		world_copy(w, a, now);
		for (int i = 0; i < a->iovcnt; n += a->iov[i++].iov_len)
			if (a->iov[i].iov_base)
				memcpy(a->iov[i].iov_base, now + n, a->iov[i].iov_len);
		parts_fetched(w->parts, a, error);
	} else if (a->what == PARTS_SPILL) {
		err = parts_spilled(w->parts, a, error,
		                    error ? -1 : world_source(w, f->sent, a->size));
	} else {
		struct world_part *part = (a->staged ? w->staged : w->upload) + a->number;

		assert(a->number >= 1 && a->number <= w->limits.parts);
		if (!error) {
			part->there = true;
			part->size = a->size;
			memcpy(part->data, f->sent, a->size);
			snprintf(part->etag.s, sizeof part->etag.s, "etag-%u", ++w->etags);
			world_check_upload(w);
		}
		parts_sent(w->parts, a, error, &part->etag);
	}
	f->there = false;
	return err;
}

static inline void world_forget_upload(struct world *w)
{
	memset(w->upload, 0, sizeof w->upload);
}

/* The staged upload becomes an object, of all parts that it holds. */
static inline int world_stage(struct world *w, int error)
{
	const struct s3_part *list;
	char data[PARTS * PART];
	uint64_t at = 0;
	size_t n;

	parts_stage(w->parts, &list, &n);
	assert(n);
	for (size_t i = 0; i < n; i++) {
		const struct world_part *part = &w->staged[list[i].number];

		assert(!i || list[i].number > list[i - 1].number);
		assert(part->there && part->size == PART);
		assert(list[i].size == PART && !strcmp(list[i].etag.s, part->etag.s));
		memcpy(data + at, part->data, PART);
		at += PART;
	}
	for (size_t i = 1; i <= PARTS; i++)
		n -= w->staged[i].there;
	assert(!n); /* Ceph completes only all of them */
	if (!error)
		memset(w->staged, 0, sizeof w->staged);
	return parts_staged(w->parts, error, error ? -1 : world_source(w, data, at));
}

/* The part that a sealed slot is. Tests look into the table for that: no
 * caller needs it. */
static const struct world_part *world_sealed(const struct world *w, uint64_t offset)
{
	const struct slot *s = slot_find(w->parts, offset / PART);

	return s->staged ? &w->staged[s->number] : &w->upload[s->own_number];
}

/* What a reader sees in [offset, offset + len); bytes that nobody can read
 * come from the upload. Returns whether none was of that kind. */
static bool world_read(const struct world *w, uint64_t offset, char *to, uint64_t len)
{
	bool readable = true;

	while (len) {
		struct parts_range r = parts_at(w->parts, offset, len);
		const struct world_part *part;

		assert(r.len > 0 && r.len <= len);
		switch (r.kind) {
		case PARTS_IS_END:
			assert(!"a read beyond the end");
			break;
		case PARTS_IS_MEMORY:
			memcpy(to, r.data, r.len);
			break;
		case PARTS_IS_ZERO:
			memset(to, 0, r.len);
			break;
		case PARTS_IS_REMOTE:
			assert(r.source >= 0 && r.source < w->nsources &&
			       r.source_offset + r.len <= w->sources[r.source].size);
			memcpy(to, w->sources[r.source].data + r.source_offset, r.len);
			break;
		case PARTS_IS_STAGED:
		case PARTS_IS_SEALED:
			part = world_sealed(w, offset);
			assert(part->there && part->size == PART);
			memcpy(to, part->data + offset % PART, r.len);
			readable = false;
			break;
		}
		to += r.len;
		offset += r.len;
		len -= r.len;
	}
	return readable;
}

#endif
