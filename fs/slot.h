/* SPDX-License-Identifier: MIT */
/*
 * slot.h - the inside of the part table (parts.h): for parts.c and flights.c.
 *
 * A slot has a struct only if it has blocks or progress: an untouched one is
 * IDLE, and its bytes are its base. Bytes of `written` are in its blocks; a
 * block that no extent touches is held only while the slot is FLYING.
 */
#ifndef POURFS_SLOT_H
#define POURFS_SLOT_H

#include "extents.h"
#include "parts.h"
#include "runs.h"

enum progress { IDLE, FLYING, STORED };

struct slot {
	uint64_t index;
	enum progress progress;
	bool sealed;
	uint64_t generation; /* of its content; no two are the same in a table */
	uint64_t flight;     /* FLYING: its generation when it took off */
	uint64_t stored_len; /* STORED: bytes of the part */
	void **blocks;       /* part_size / block_size of them, or NULL */
	size_t nblocks;      /* that are not NULL */
	struct extents written;
	char *etag;
};

struct parts {
	uint64_t part_size, size;
	struct parts_mem mem;
	struct slot **slots; /* ascending */
	size_t nslots, slots_cap;
	struct runs base;
	uint64_t generation; /* the last one given */
	uint64_t low;        /* every slot below it is STORED, or was and is being spilled */
	uint64_t top;        /* the upload may hold parts up to this number */
	size_t flying;       /* transfers, those of slots that were cut off among them */
	size_t blocks;       /* held by slots */
	size_t ready;        /* slots that slot_ready() is true of */
	bool outgrown;
	bool kept_back; /* nothing is sent any more */
	void *zeros;    /* one block of them */
};

/* Bytes of the file that the slot covers. */
uint64_t slot_len(const struct parts *p, uint64_t index);
/* Where the slot is among p->slots, or would be inserted. */
size_t slot_position(const struct parts *p, uint64_t index);
/* NULL: it has no struct, or could not get one. */
struct slot *slot_find(const struct parts *p, uint64_t index);
struct slot *slot_make(struct parts *p, uint64_t index);
void slot_free(struct parts *p, struct slot *s); /* it must be out of p->slots */

/* IDLE and wholly written, whatever lies under it, to its full length. */
bool slot_ready(const struct parts *p, const struct slot *s);
/* Brackets around each change of a slot, so that p->ready stays right. */
void slot_begin(struct parts *p, const struct slot *s);
void slot_end(struct parts *p, const struct slot *s);
/* Its content is another one now. */
void slot_changed(struct parts *p, struct slot *s);

/* The block at that offset in the slot, such that it may be written to: no
 * transfer has it. NULL: no memory. */
void *slot_block(struct parts *p, struct slot *s, uint64_t at);
/* Gives up all blocks, and what was written with them. */
void slot_drop_blocks(struct parts *p, struct slot *s);
/* Gives up the blocks that no extent touches, unless the slot is FLYING. */
void slot_trim(struct parts *p, struct slot *s);

/* The stretch at offset of what lies under the slots; len > 0. */
struct parts_range slot_base(const struct parts *p, uint64_t offset, uint64_t len);

#endif
