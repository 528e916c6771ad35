/* SPDX-License-Identifier: MIT */
/* parts_steps.h - the words in which the promises of parts.h are tested. A slot
 * is 64 bytes here, a block 16. */
#ifndef POURFS_PARTS_STEPS_H
#define POURFS_PARTS_STEPS_H

#include "parts_world.h"
#include "test.h"

#include <errno.h>

/* len bytes that tell where they are. */
static inline const char *text(uint64_t offset, uint64_t len)
{
	static char s[64 * PART];

	for (uint64_t i = 0; i < len; i++)
		s[i] = (char)('a' + (offset + i) % 23);
	return s;
}

static inline void write_ok(struct world *w, uint64_t offset, uint64_t len)
{
	check_int(world_write(w->parts, offset, text(offset, len), len), len);
	parts_check(w->parts);
}

static inline struct parts_action next(struct world *w, enum parts_mode mode)
{
	struct parts_action a;

	check_int(parts_next(w->parts, mode, &a), 0);
	parts_check(w->parts);
	return a;
}

/* The next is of that kind, of that slot; it has taken off. */
static inline struct world_flight *take_off(struct world *w, enum parts_mode mode,
                                            enum parts_what what, uint64_t slot)
{
	struct parts_action a = next(w, mode);

	check_int(a.what, what);
	check_int(a.slot, slot);
	assert(a.what == what && a.slot == slot);
	return world_fly(w, &a);
}

static inline void land(struct world *w, struct world_flight *f, int error)
{
	check_int(world_land(w, f, error), 0);
	parts_check(w->parts);
}

static inline void send_slot(struct world *w, enum parts_mode mode, uint64_t slot)
{
	land(w, take_off(w, mode, PARTS_SEND, slot), 0);
}

/* Composes the slot, to its end. */
static inline void compose(struct world *w, uint64_t slot)
{
	struct parts_action a;

	do {
		check_int(parts_fetch(w->parts, slot, &a), 0);
		if (a.what != PARTS_NOTHING)
			land(w, world_fly(w, &a), 0);
	} while (a.what == PARTS_FETCH);
	parts_composed(w->parts, slot);
	parts_check(w->parts);
}

/* Whatever the mode wants, until it is done. */
static inline void do_all(struct world *w, enum parts_mode mode)
{
	for (;;) {
		struct parts_action a = next(w, mode);

		switch (a.what) {
		case PARTS_COMPOSE:
			compose(w, a.slot);
			break;
		case PARTS_STAGE:
			check_int(world_stage(w, 0), 0);
			parts_check(w->parts);
			break;
		case PARTS_SEND:
		case PARTS_COPY:
		case PARTS_SPILL:
			land(w, world_fly(w, &a), 0);
			break;
		default:
			check_int(a.what, PARTS_DONE);
			return;
		}
	}
}

/* Everything that is in memory alone; edits may follow. */
static inline void sync_all(struct world *w)
{
	do_all(w, PARTS_SYNC);
}

/* Everything, into the own upload; no edit may follow but a restart. */
static inline void send_all(struct world *w)
{
	do_all(w, PARTS_FINISH);
}

static inline void check_reads(struct world *w, uint64_t offset, const char *want, uint64_t len)
{
	char got[64 * PART];

	check(offset + len <= parts_size(w->parts) && world_read(w, offset, got, len) &&
	      !memcmp(got, want, len));
}

static inline void check_uploaded(struct world *w, unsigned number, const char *want, uint64_t len)
{
	check(w->upload[number].there);
	check_int(w->upload[number].size, len);
	check(!memcmp(w->upload[number].data, want, len));
}

static inline void drop_all(struct world *w)
{
	while (parts_drop(w->parts, false))
		parts_check(w->parts);
}

static const char zeros[64 * PART] __attribute__((unused));

#endif
