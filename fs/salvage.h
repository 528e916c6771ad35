/* SPDX-License-Identifier: MIT */
/*
 * salvage.h - what can be made of an interrupted upload: the longest file from
 * its start that is wholly in the service, and the steps to it.
 *
 * Pure.
 */
#ifndef POURFS_SALVAGE_H
#define POURFS_SALVAGE_H

#include "record.h"

enum salvage_what {
	SALVAGE_PART,   /* is in the upload */
	SALVAGE_COPY,   /* one range of an object, as a part */
	SALVAGE_GATHER, /* bytes of several ranges: read, and sent as a part */
};

struct salvage_step {
	enum salvage_what what;
	struct s3_part part; /* number and size; PART: etag, too */
	uint64_t from;       /* where it begins in the file */
	int source;          /* COPY */
	uint64_t at;         /* COPY: where in it */
};

struct salvage {
	struct salvage_step *v;
	size_t n;
	uint64_t size;
	bool reuses; /* some step is a SALVAGE_PART */
	bool loses;  /* it is shorter than what was promised to be safe */
};

/* own: what the own upload holds by the service's account. -ENOMEM; -EFBIG: it
 * would take too many parts. */
int salvage_plan(const struct record *r, const struct s3_parts *own,
                 struct salvage *out) s3_must_check;
void salvage_fini(struct salvage *s);

#endif
