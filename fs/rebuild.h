/* SPDX-License-Identifier: MIT */
/* rebuild.h - makes the object that a record tells of, out of what is in the service. */
#ifndef POURFS_REBUILD_H
#define POURFS_REBUILD_H

#include "record.h"

/* Told before a step after which the service no longer says what r says: keeps r. */
struct rebuild_keeper {
	int (*keep)(const struct record *r, void *arg);
	void *arg;
};

struct rebuilt {
	uint64_t size; /* of the object that was made; 0: nothing could be */
	bool loses;    /* less than an fsync had promised */
	bool whole;    /* the upload had become the file already */
};

/* How large the object would be. Completes the staged upload for it. The record is
 * changed as the uploads are. */
int rebuild_look(struct s3 *s3, struct record *r, struct rebuild_keeper *k,
                 struct rebuilt *out) s3_must_check;

/* Makes it, under r->key; the uploads of r are gone then. */
int rebuild(struct s3 *s3, struct record *r, struct rebuild_keeper *k,
            struct rebuilt *out) s3_must_check;

/* Ends the uploads of r, and deletes hidden objects that it names. */
int rebuild_clean(struct s3 *s3, const struct record *r) s3_must_check;

#endif
