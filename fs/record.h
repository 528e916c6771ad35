/* SPDX-License-Identifier: MIT */
/*
 * record.h - what the journal says of one draft: where its bytes are in the
 * service, so that another process can bring them back.
 *
 * As text it is JSON, with keys percent-encoded: they may be any bytes. Pure.
 */
#ifndef POURFS_RECORD_H
#define POURFS_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "s3.h"

/* Sources of a range that are no object. What no range covers is zeros. */
#define RECORD_OWN    (-2) /* `at` is the number of its first part in the own upload */
#define RECORD_STAGED (-3) /* likewise, in the staged upload */

struct record_upload {
	char *key, *id; /* NULL: none */
};

struct record_source {
	char *key;
	struct s3_etag etag;
	uint64_t size;
	bool ours; /* hidden; not needed when the file is recovered */
};

struct record_range {
	uint64_t from, len; /* bytes of the file */
	int source;         /* >= 0: of sources */
	uint64_t at;        /* where in it */
};

/* Zero-initialise. Owns all that it points to. */
struct record {
	char *endpoint, *bucket, *run; /* run: of the mount */
	char *key;                     /* the file's name by now */
	uint64_t part_size;
	bool equal_parts;
	uint64_t direct;     /* slots below it are parts of the own upload: number slot + 1 */
	int64_t began;       /* CLOCK_REALTIME, s */
	struct s3_etag base; /* of the object that the draft is an edit of; "": none */
	uint64_t base_size;  /* its size */
	uint64_t kept;       /* bytes from its start that nobody has changed */
	bool removed;        /* there is no such file any more: its uploads are to be ended */
	bool synced;         /* the ranges were promised to be safe, all of the file */
	uint64_t size;       /* of the file then */
	uint64_t cut;        /* 0, or: the own upload is being completed with more than
	                        the file had, see recover.h; it is to be cut to that */
	uint64_t cut_from;   /* how long it is then */
	struct record_upload own, staged;
	struct record_upload *old; /* uploads that are not needed when the file is recovered */
	size_t nold;
	struct record_source *sources;
	size_t nsources;
	struct record_range *ranges; /* ascending, of unsynced ones those that are objects */
	size_t nranges;
	struct s3_headers headers; /* for the new object */
};

void record_fini(struct record *r);

/* -ENOMEM each. */
int record_add_range(struct record *r, uint64_t from, uint64_t len, int source,
                     uint64_t at) s3_must_check;
int record_add_source(struct record *r, const char *key, const struct s3_etag *etag, uint64_t size,
                      bool ours) s3_must_check;
int record_add_old(struct record *r, const char *key, const char *id) s3_must_check;

/* The stretch at offset, up to len bytes, that is one range, or zeros (source -1). */
struct record_range record_at(const struct record *r, uint64_t offset, uint64_t len);

void record_write(const struct record *r, struct buf *json);
/* -EINVAL: not such a text; -ENOMEM. */
int record_read(struct record *r, const char *json) s3_must_check;

#endif
