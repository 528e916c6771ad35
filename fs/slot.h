/* SPDX-License-Identifier: MIT */
/*
 * slot.h - the inside of the part table (parts.h): for parts.c, flights.c,
 * relief.c and stage.c.
 *
 * A slot has a struct only if it has blocks or progress: an untouched one is
 * IDLE, and its bytes are its base. The bytes of `cached` are in its blocks and
 * lie over the base; where they are not `dirty` the base has the same. A block
 * that no extent of cached touches is held only while a fetch fills it.
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
	bool staged;         /* FLYING, STORED: in the staged upload, not in the file's own */
	bool sealed;         /* STORED, and only the upload has its bytes */
	bool sent;           /* once in this upload: it waits until it must go again */
	bool composing;      /* parts_next() has asked for it */
	bool compact;        /* composing makes it one piece in memory, and sends nothing */
	unsigned number;     /* its part in the staged upload; 0: none */
	unsigned own_number; /* its part in the file's own upload, when finishing; 0: none yet */
	uint64_t span;       /* of a copy: the slots that its part covers, from this one on; or 0 */
	uint64_t skip;       /* bytes at its start that belong to the span before it */
	uint64_t generation; /* of its content; no two are the same in a table */
	uint64_t flight;     /* FLYING: its generation when it took off */
	uint64_t fetch;      /* of the fetch that fills some of its blocks; 0: none */
	uint64_t stored_len; /* STORED: bytes of the part */
	void **blocks;       /* part_size / block_size of them, or NULL */
	size_t nblocks;      /* that are not NULL */
	struct extents cached, dirty;
	struct extents spilling; /* were dirty, and are on their way to an object of their own */
	char *etag;              /* STORED in the file's own upload */
};

struct parts {
	struct parts_limits limits;
	uint64_t part_size, size;
	uint64_t direct; /* slots below it go to the file's own upload as they fill */
	struct parts_mem mem;
	struct slot **slots; /* ascending */
	size_t nslots, slots_cap;
	struct runs base;
	uint64_t generation; /* the last one given */
	uint64_t low;        /* every slot below it is STORED in the file's own upload */
	uint64_t top;        /* that upload may hold parts up to this number */
	unsigned numbers;    /* given to slots from `direct` on, when finishing */
	size_t flying;       /* transfers, those of slots that were cut off among them */
	size_t blocks;       /* held by slots */
	size_t ready;        /* slots that slot_ready() is true of */
	uint64_t ready_from; /* none of them is below it */
	uint64_t tail;       /* a slot of which that upload may hold a part shorter than
	                        part_min, or NO_SLOT */
	uint64_t crowded;    /* a slot of very many pieces, or NO_SLOT */
	uint64_t appended;   /* a slot that was filled up from where its base ends, or NO_SLOT */
	uint64_t gathering;  /* where the slots begin that are being gathered, or NO_SLOT */
	bool outgrown;
	bool small_copies; /* parts_copy_small() */
	bool finishing;
	bool spilling;          /* one spill at a time */
	bool staging;           /* the staged upload is being completed */
	struct s3_part *staged; /* what that upload holds; [i] is part i + 1 */
	size_t nstaged;         /* numbers given */
	size_t staged_slots;    /* that are STORED there, or FLYING to there */
	void *zeros;            /* one block of them */
};

#define NO_SLOT UINT64_MAX

/* Bytes of the file that the slot covers. */
uint64_t slot_len(const struct parts *p, uint64_t index);
/* Where the slot is among p->slots, or would be inserted. */
size_t slot_position(const struct parts *p, uint64_t index);
/* NULL: it has no struct, or could not get one. */
struct slot *slot_find(const struct parts *p, uint64_t index);
struct slot *slot_make(struct parts *p, uint64_t index);
void slot_free(struct parts *p, struct slot *s); /* it must be out of p->slots */

/* It travels as soon as it is full: IDLE, new in every byte, to its full length. */
bool slot_ready(const struct parts *p, const struct slot *s);
/* Brackets around each change of a slot, so that the counts in p stay right. */
void slot_begin(struct parts *p, const struct slot *s);
void slot_end(struct parts *p, const struct slot *s);
/* Its content is another one now. */
void slot_changed(struct parts *p, struct slot *s);

/* The block at that offset in the slot, such that it may be written to: no
 * transfer has it. NULL: no memory. */
void *slot_block(struct parts *p, struct slot *s, uint64_t at);
/* Gives up all blocks, and what is cached in them. */
void slot_drop_blocks(struct parts *p, struct slot *s);
/* Gives up the blocks that hold nothing, unless a fetch fills them. */
void slot_trim(struct parts *p, struct slot *s);
/* [from, to) of it is not in memory any more. Room must have been reserved. */
void slot_forget(struct parts *p, struct slot *s, uint64_t from, uint64_t to);
/* Room for one more edit in each of its sets. 0 or -ENOMEM. */
int slot_reserve(struct slot *s) s3_must_check;

/* The stretch at offset of what lies under the slots; len > 0. */
struct parts_range slot_base(const struct parts *p, uint64_t offset, uint64_t len);

/* How many parts one staged upload takes: then one copy can carry it. */
size_t stage_parts(const struct parts *p);
/* There are parts in the staged upload. */
bool stage_filled(const struct parts *p);
/* No part is in the staged upload, and nothing flies: then no slot has a number in it any
 * more. (A gather that was given up leaves numbers.) */
bool stage_unused(struct parts *p);
/* Some slot below index is sealed in the file's own upload. */
bool sealed_in_own(const struct parts *p, uint64_t index);

/* It was filled up from where its base ends: nothing more is to come to it, as
 * when a file is appended to. */
bool slot_appended(const struct parts *p, const struct slot *s);

/* Notes slots that are kept in very many pieces. */
void slot_crowd(struct parts *p, uint64_t index);

/* How many bytes can be copied from one object, as one part that begins with
 * the slot at index; 0: not even that slot. *prefix: those of them that belong
 * to the last slot of the file, whose rest is something else. */
uint64_t slots_copyable(const struct parts *p, uint64_t index, uint64_t *prefix);

/* The take-offs of a slot: it is sent as it is, which must be possible, or
 * composed first. -ENOMEM, -EFBIG. */
int action_send(struct parts *p, struct slot *s, struct parts_action *a);
int action_compose(struct parts *p, struct slot *s, bool compact, struct parts_action *a);
/* What the slot needs before its upload holds it. */
int action_next(struct parts *p, uint64_t index, struct parts_action *a);

/* Of gather.c: the file lies in more pieces than the own upload has numbers
 * for; the slots from p->gathering on are to be put together. */
bool gather_must(struct parts *p);
int gather_next(struct parts *p, struct parts_action *a);
/* The slot's number in the staged upload; -ENOMEM. */
int staged_number(struct parts *p, struct slot *s);
void slot_fly(struct parts *p, struct slot *s, struct parts_action *a);

/* Room for a slot's pieces in an action. -ENOMEM. */
int action_begin(struct parts *p, struct parts_action *a, uint64_t index, size_t pieces);
/* Adds [from, to) of the slot to iov: its blocks, or zeros. */
void action_add(struct parts *p, struct parts_action *a, const struct slot *s, uint64_t from,
                uint64_t to, bool zeros);
void action_release(struct parts *p, struct parts_action *a);

#endif
