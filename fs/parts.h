/* SPDX-License-Identifier: MIT */
/*
 * parts.h - the part table: the unpublished content of one file, as slots.
 *
 * Slot i covers the bytes [i * P, (i + 1) * P), P = part_size. Its content is
 * what was written (in memory blocks) over its base: zeros, or ranges of
 * objects that exist already. Two uploads carry slots:
 *
 *	own      under the file's name. Slots below `direct` go there as they
 *	         fill, as part i + 1. Its parts can be read by nobody before the
 *	         upload is complete, and then it is the file.
 *	staged   under a hidden key. The other slots go there as they fill,
 *	         whole slots only, numbered as they come. It can be completed at
 *	         any time: then its slots are ranges of that object, which can be
 *	         read, patched and copied, and another one may begin.
 *
 *	progress   means                                   leaves by
 *	IDLE       in no upload, or changed since          parts_next -> FLYING
 *	FLYING     a transfer reads its blocks             parts_sent
 *	STORED     an upload holds it as it is now         a change -> IDLE,
 *	                                                   parts_staged -> IDLE
 *
 *	cached     bytes that are in memory
 *	dirty      those of them that the base has not     parts_spilled,
 *	                                                   parts_staged -> clean
 *	sealed     STORED, out of memory, and not in the base: nobody can read or
 *	           patch it before that upload is complete (S3 has no way to)
 *
 * To publish the file the table is finished: the staged upload is completed,
 * then the own one gets what it lacks: ranges that lie in one object as copies
 * of up to copy_max, the rest slot by slot. While it is finishing it must not
 * be edited; parts_restart() ends that.
 *
 * A change of a FLYING slot goes to fresh blocks and a new generation; the
 * late result then leaves the slot IDLE, so that it is sent once more.
 *
 * Pure: no lock, no I/O of its own, no clock. One thread at a time. Sizes and
 * offsets are bytes of the file. What the table cannot take is said by an error and
 * leaves it as it was.
 */
#ifndef POURFS_PARTS_H
#define POURFS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "s3.h"

#define PARTS_NO_BLOCK (-11)  /* -EAGAIN: the memory budget is used up */
#define PARTS_CROWDED  (-16)  /* -EBUSY: the slot is in too many pieces, until it is composed */
#define PARTS_SEALED   (-18)  /* -EXDEV: only the own upload has these bytes */
#define PARTS_STAGED   (-115) /* -EINPROGRESS: only the staged upload has them: complete it */
#define PARTS_ZERO     (-1)   /* source of a range that reads as zeros */

/* Where blocks come from. A block may be held several times over. */
struct parts_mem {
	size_t block_size;        /* bytes; divides part_size */
	void *(*take)(void *arg); /* held once, or NULL */
	void (*hold)(void *arg, void *block);
	void (*put)(void *arg, void *block);
	bool (*shared)(void *arg, void *block); /* held more than once */
	void *arg;
};

/* What the service allows. */
struct parts_limits {
	uint64_t part_size;
	uint64_t part_min; /* bytes of all parts but the last; <= part_size */
	uint64_t copy_max; /* bytes of one copied part; >= part_size */
	unsigned parts;    /* of one upload */
	bool equal;        /* all parts but the last must be of one size */
};

struct parts;

/* NULL: no memory. limits and mem are copied. */
struct parts *parts_new(const struct parts_limits *limits, const struct parts_mem *mem);
void parts_free(struct parts *p); /* nothing may be FLYING; accepts NULL */

uint64_t parts_size(const struct parts *p);
uint64_t parts_part_size(const struct parts *p);
uint64_t parts_slots(const struct parts *p);     /* of a file of this size */
uint64_t parts_direct(const struct parts *p);    /* slots below it go to the own upload */
uint64_t parts_in_memory(const struct parts *p); /* bytes of blocks held */
uint64_t
parts_safe_bytes(const struct parts *p); /* of the file, that no upload and no object lacks */
bool parts_flying(const struct parts *p);

/* It was asked to finish: it must not be edited until parts_restart(). */
bool parts_finishing(const struct parts *p);
/* Forgets everything. Nothing may be FLYING. */
void parts_clear(struct parts *p);

/* From now on no slot goes to the own upload before the table is finished: a
 * second pass over the file, or many places at once, are to be expected.
 * If the upload holds slots it is outgrown. false: it has sealed ones, and
 * all stays as it was. */
bool parts_redirect(struct parts *p);

/* ------------------------------------------------------------------ edits */

/* Where bytes to be written come from, one after the other. */
struct parts_input {
	int (*read)(void *arg, void *to, size_t n); /* the next n of them; 0 or -EIO */
	void *arg;
};

/* Puts the next len bytes of in at offset. Returns how many it took: fewer when the
 * blocks ran out, PARTS_NO_BLOCK when none was taken. PARTS_CROWDED, PARTS_SEALED,
 * PARTS_STAGED, -EFBIG (more than the uploads can carry), -ENOMEM. -EIO: they could
 * not be read, and what is there now is neither old nor new. */
ssize_t parts_write(struct parts *p, uint64_t offset, const struct parts_input *in, size_t len);

/* Sets the size. Bytes that come into being are zeros. Errors as above. */
int parts_truncate(struct parts *p, uint64_t size);

/* Replaces [offset, offset + len) by that range of an object (source >= 0, as
 * the caller numbers them) or by zeros (PARTS_ZERO), growing the file if need
 * be. Errors as above. */
int parts_replace(struct parts *p, uint64_t offset, uint64_t len, int source,
                  uint64_t source_offset);

/* ------------------------------------------------------------------ reads */

enum parts_kind {
	PARTS_IS_END,
	PARTS_IS_MEMORY,
	PARTS_IS_ZERO,
	PARTS_IS_REMOTE,
	PARTS_IS_SEALED,
	PARTS_IS_STAGED, /* sealed, until the staged upload is complete */
};

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

/* Where the stretch at offset would be found if memory were lost: never MEMORY.
 * SEALED and STAGED: it begins part source_offset of that upload. offset: the
 * beginning of a stretch. */
struct parts_range parts_safe_at(const struct parts *p, uint64_t offset);

/* Some byte's base is in that source. */
bool parts_uses(const struct parts *p, int source);
/* All of the file is [0, size) of one source, and no upload is needed. */
bool parts_whole(const struct parts *p, int *source);

/* -------------------------------------------------------------- transfers */

enum parts_mode {
	PARTS_FULL,   /* only slots that were wholly written */
	PARTS_SYNC,   /* every byte that is in memory alone */
	PARTS_FINISH, /* whatever the own upload lacks, for its completion */
};

enum parts_what {
	PARTS_NOTHING, /* nothing to do now */
	PARTS_DONE,    /* SYNC: nothing is in memory alone; FINISH: the own upload holds all */
	PARTS_SEND,    /* send iov as part number */
	PARTS_COPY,    /* copy the range of the source as part number */
	PARTS_COMPOSE, /* the slot is in pieces that must be fetched first: parts_fetch()
	                  until it says PARTS_SEND or PARTS_NOTHING, then parts_composed() */
	PARTS_FETCH,   /* read the range of the source into iov */
	PARTS_SPILL,   /* put iov as an object of its own */
	PARTS_STAGE,   /* complete the staged upload: parts_stage() */
};

/* Bytes of a slot, and where they are in what is moved. */
struct parts_piece {
	uint64_t slot;
	uint64_t from, to; /* in the slot */
	uint64_t at;       /* in the source */
};

struct parts_action {
	enum parts_what what;
	bool staged;     /* SEND, COPY: to the staged upload */
	uint64_t slot;   /* the first */
	unsigned number; /* of the part */
	uint64_t size;   /* bytes to be moved */
	int source;      /* COPY, FETCH */
	uint64_t source_offset;
	struct iovec *iov; /* SEND, FETCH, SPILL; held until the action ends. FETCH: what is
	                      not needed has no place (NULL) */
	int iovcnt;

	/* for the table itself */
	void **blocks;
	size_t nblocks;
	struct parts_piece *pieces; /* FETCH, SPILL */
	size_t npieces;
	uint64_t generation;
};

/* The next transfer; what it moves is FLYING (COMPOSE: not yet) until one of
 * the ends below. -ENOMEM, -EFBIG (FINISH: more pieces than an upload can have). */
int parts_next(struct parts *p, enum parts_mode mode, struct parts_action *a) s3_must_check;

/* The next step for a slot that parts_next() wants composed: PARTS_FETCH,
 * PARTS_SEND, or PARTS_NOTHING when it needs nothing any more.
 * PARTS_NO_BLOCK, -ENOMEM. */
int parts_fetch(struct parts *p, uint64_t slot, struct parts_action *a) s3_must_check;
void parts_composed(struct parts *p, uint64_t slot);

/* Copies that are planned from now on are of no more than a part, as the service may
 * refuse them and they are carried then; but in a file that has more slots than an upload
 * has parts. */
void parts_copy_small(struct parts *p, bool small);
/* A copy was refused, before parts_sent(). true: it was larger than that, and what it
 * was to copy is planned anew, small; the own upload may be outgrown by that. */
bool parts_copy_refused(struct parts *p, const struct parts_action *a);

/* Ends of the actions; error 0 or -errno. They release the action. */
void parts_sent(struct parts *p, struct parts_action *a, int error, const struct s3_etag *etag);
void parts_fetched(struct parts *p, struct parts_action *a, int error);
/* source: the object that holds exactly the bytes of iov. -ENOMEM. */
int parts_spilled(struct parts *p, struct parts_action *a, int error, int source) s3_must_check;

/* The parts of the finished own upload, ascending: for s3_upload_complete().
 * Only after PARTS_DONE. *list is the caller's. -ENOMEM. */
int parts_list(const struct parts *p, struct s3_part **list, size_t *n) s3_must_check;

/* The own upload holds, or may hold, parts that the file has no longer (it was
 * cut, or is to go another way): it must be aborted, and what was in it sent
 * again. Nothing flies until then. */
bool parts_outgrown(const struct parts *p);
/* The own upload is gone: nothing is STORED in it any more. PARTS_SEALED, if
 * that would lose bytes. Nothing may be FLYING to it. */
int parts_restart(struct parts *p) s3_must_check;

/* ---------------------------------------------------------------- staging */

/* The staged upload holds slots of the file. */
bool parts_staged_any(const struct parts *p);
/* Its parts, all that it holds, for s3_upload_complete(): *list stays the
 * table's. Nothing may be FLYING to it; nothing will, until parts_staged(). */
void parts_stage(struct parts *p, const struct s3_part **list, size_t *n);
/* It is complete, as that source. -ENOMEM. error: it stays as it is. */
int parts_staged(struct parts *p, int error, int source) s3_must_check;
/* It was aborted, and had nothing that is needed. */
void parts_unstaged(struct parts *p);

/* ----------------------------------------------------------------- memory */

/* Gives up blocks of one slot: of bytes that the base has as well; else, if
 * not only those, of a STORED slot, which becomes sealed (the first one: only
 * when it can be staged). false: there is none, or the upload is outgrown. */
bool parts_drop(struct parts *p, bool only_clean);

/* Dirty bytes, the longest unchanged first, up to about one part, from any
 * number of slots. first: those of the STORED first slot. PARTS_NOTHING if
 * there are none, or a spill is under way. -ENOMEM. */
int parts_spill(struct parts *p, bool first, struct parts_action *a) s3_must_check;
/* Bytes of blocks that a spill, and then parts_drop(), would free. */
uint64_t parts_spillable(const struct parts *p, bool first);

/* Aborts when an invariant does not hold. For tests. */
void parts_check(const struct parts *p);

#endif
