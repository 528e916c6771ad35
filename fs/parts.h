/* SPDX-License-Identifier: MIT */
/*
 * parts.h - the part table: the unpublished content of one file, as slots.
 *
 * Slot i covers the bytes [i * P, (i + 1) * P), P = part_size, and travels as
 * part number i + 1. Its content is what was written (extents in memory
 * blocks) over its base: zeros, or ranges of objects that exist already.
 *
 *	progress   means                                   leaves by
 *	IDLE       not in the upload, or changed since     parts_next -> FLYING
 *	FLYING     a transfer reads (or fills) its blocks  parts_sent/_fetched/
 *	                                                   _spilled
 *	STORED     the upload holds it as it is now        a change -> IDLE,
 *	                                                   parts_drop -> sealed
 *
 *	sealed     STORED, and the upload alone has its bytes: nobody can read
 *	           or patch it before the upload is complete (S3 has no way to)
 *
 * A change of a FLYING slot goes to fresh blocks and a new generation; the
 * late result then leaves the slot IDLE, so that it is sent once more.
 * Dropping the blocks of a STORED slot seals it. Spilling them instead (to an
 * object of its own, which becomes its base) keeps it readable.
 *
 * Pure: no lock, no I/O, no clock. One thread at a time. Sizes and offsets are
 * bytes of the file. What the table cannot take is said by an error and leaves
 * it as it was.
 */
#ifndef POURFS_PARTS_H
#define POURFS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "s3.h"

#define PARTS_NO_BLOCK (-11) /* -EAGAIN: the memory budget is used up */
#define PARTS_SEALED   (-18) /* -EXDEV: only the upload has these bytes */
#define PARTS_ZERO     (-1)  /* source of a range that reads as zeros */

/* Where blocks come from. A block may be held several times over. */
struct parts_mem {
	size_t block_size;        /* bytes; divides part_size */
	void *(*take)(void *arg); /* held once, or NULL */
	void (*hold)(void *arg, void *block);
	void (*put)(void *arg, void *block);
	bool (*shared)(void *arg, void *block); /* held more than once */
	void *arg;
};

struct parts;

/* NULL: no memory. mem is copied. */
struct parts *parts_new(uint64_t part_size, const struct parts_mem *mem);
void parts_free(struct parts *p); /* nothing may be FLYING; accepts NULL */

uint64_t parts_size(const struct parts *p);
uint64_t parts_part_size(const struct parts *p);
uint64_t parts_slots(const struct parts *p);        /* of a file of this size */
uint64_t parts_in_memory(const struct parts *p);    /* bytes of blocks held */
uint64_t parts_stored_bytes(const struct parts *p); /* bytes the upload holds as they are now */
bool parts_flying(const struct parts *p);

/* ------------------------------------------------------------------ edits */

/* Copies len bytes to offset. Returns how many it took: fewer when the blocks
 * ran out, PARTS_NO_BLOCK when none was taken. PARTS_SEALED, -EFBIG (over
 * S3_PARTS_MAX slots), -ENOMEM. */
ssize_t parts_write(struct parts *p, uint64_t offset, const void *data, size_t len);

/* Sets the size. Bytes that come into being are zeros. PARTS_SEALED, -EFBIG, -ENOMEM. */
int parts_truncate(struct parts *p, uint64_t size);

/* Replaces [offset, offset + len) by that range of an object (source >= 0, as
 * the caller numbers them) or by zeros (PARTS_ZERO), growing the file if need
 * be. PARTS_SEALED, -EFBIG, -ENOMEM. */
int parts_replace(struct parts *p, uint64_t offset, uint64_t len, int source,
                  uint64_t source_offset);

/* Nothing of it will be sent any more (the file was unlinked): slots that wait
 * to be sent may be spilled as well. */
void parts_keep_back(struct parts *p);

/* ------------------------------------------------------------------ reads */

enum parts_kind { PARTS_IS_END, PARTS_IS_MEMORY, PARTS_IS_ZERO, PARTS_IS_REMOTE, PARTS_IS_SEALED };

/* One stretch of bytes that lie in one place. */
struct parts_range {
	enum parts_kind kind;
	uint64_t len;
	const void *data;       /* MEMORY: valid until the next edit */
	int source;             /* REMOTE */
	uint64_t source_offset; /* REMOTE */
};

/* The stretch at offset, at most len bytes. */
struct parts_range parts_at(const struct parts *p, uint64_t offset, uint64_t len);

/* -------------------------------------------------------------- transfers */

enum parts_mode {
	PARTS_FULL, /* only slots that were wholly written */
	PARTS_ALL,  /* whatever the upload lacks: for fsync and publish */
};

enum parts_what {
	PARTS_NOTHING, /* nothing to do now */
	PARTS_DONE,    /* PARTS_ALL: the upload holds everything */
	PARTS_SEND,    /* send iov as part number */
	PARTS_COPY,    /* copy the range of the source as part number */
	PARTS_COMPOSE, /* the slot lies over ranges that must be fetched first:
	                  parts_fetch() until it says PARTS_SEND */
	PARTS_FETCH,   /* read the range of the source into iov */
	PARTS_SPILL,   /* put iov as an object of its own */
};

struct parts_action {
	enum parts_what what;
	uint64_t slot;
	unsigned number; /* of the part */
	uint64_t size;   /* bytes to be moved */
	int source;      /* COPY, FETCH */
	uint64_t source_offset;
	struct iovec *iov; /* SEND, FETCH, SPILL; held until the action ends */
	int iovcnt;

	/* for the table itself */
	void **blocks;
	size_t nblocks;
	uint64_t from; /* in the slot */
	uint64_t generation;
	bool was_stored;
};

/* The next transfer; its slot is FLYING (COMPOSE: not yet) until one of the
 * ends below. -ENOMEM. */
int parts_next(struct parts *p, enum parts_mode mode, struct parts_action *a) s3_must_check;

/* The next step for a slot that parts_next() wants composed: PARTS_FETCH,
 * PARTS_SEND, or PARTS_NOTHING when the slot is flying or needs nothing by
 * now. PARTS_NO_BLOCK, -ENOMEM. */
int parts_fetch(struct parts *p, uint64_t slot, struct parts_action *a) s3_must_check;

/* The slot with the most blocks that only a spill can free: one that is not
 * wholly written (first: the STORED first slot). PARTS_NOTHING if there is
 * none. -ENOMEM. */
int parts_spill(struct parts *p, bool first, struct parts_action *a) s3_must_check;

/* Ends of the actions above; error 0 or -errno. They release the action. */
void parts_sent(struct parts *p, struct parts_action *a, int error, const struct s3_etag *etag);
void parts_fetched(struct parts *p, struct parts_action *a, int error);
/* source: the object that holds exactly the bytes of iov. */
int parts_spilled(struct parts *p, struct parts_action *a, int error, int source) s3_must_check;

/* Gives up the blocks of one STORED, wholly sent slot, not the first, which
 * becomes sealed. false: there is none, or the upload is outgrown. */
bool parts_drop(struct parts *p);

/* Bytes of blocks that parts_spill() would free. */
uint64_t parts_spillable(const struct parts *p, bool first);

/* The parts of the finished upload, ascending: for s3_upload_complete().
 * Only after PARTS_DONE. n = parts_slots(). -ENOMEM. */
int parts_list(const struct parts *p, struct s3_part **list, size_t *n) s3_must_check;

/* The upload holds, or may hold, parts that the file has no longer (it was
 * cut): it must be aborted, and everything sent again. Nothing flies, is
 * spilled or dropped until then. */
bool parts_outgrown(const struct parts *p);
/* The upload is gone: nothing is STORED any more. PARTS_SEALED, if that would
 * lose bytes. Nothing may be FLYING. */
int parts_restart(struct parts *p);

/* Aborts when an invariant does not hold. For tests. */
void parts_check(const struct parts *p);

#endif
