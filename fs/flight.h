/* SPDX-License-Identifier: MIT */
/*
 * flight.h - jobs of a draft: what transfer.c, aside.c and publish.c share.
 *
 * A job comes with its file counted and the draft's flights raised; it lands
 * by giving both back, under file->lock, and pumps.
 */
#ifndef POURFS_FLIGHT_H
#define POURFS_FLIGHT_H

#include "draft.h"

struct flight {
	struct file *file;
	struct draft *draft;
	struct parts_action a;
	uint64_t slot;               /* compose */
	int source;                  /* copy of a whole object */
	struct draft_upload *upload; /* abort */
	bool frees;                  /* memory, when it lands */
};

/* Gives run(a copy of *f) to the pool. What f has of file and draft is filled
 * in. With file->lock. 0 or -errno. */
int flight_take_off(struct draft *d, struct workers *pool, void (*run)(void *),
                    const struct flight *f) s3_must_check;
/* With file->lock held, which it gives back. Frees fl. */
void flight_land(struct flight *fl, int err);

struct s3_call flight_call(struct draft *d);

/* attr_take() for the draft's new version; last: all is written. */
int flight_attr(struct draft *d, bool last, struct attr *attr, struct s3_headers *headers,
                unsigned *taken) s3_must_check;
/* The tags that the object of that key has: its new version gets them, too. */
int flight_tags(struct draft *d, const char *key, const struct s3_headers *headers,
                char **tags) s3_must_check;
/* It could not be given them: the bytes matter more. */
void flight_tags_lost(const char *key, int err);

/* Of transfer.c, with file->lock, released meanwhile: sends or copies the part,
 * into an upload that is created if need be. Ends the action. */
int transfer_part(struct draft *d, struct parts_action *a, bool creator) s3_must_check;
/* Of publish.c, likewise: makes the object of its one part. Ends the action. */
int publish_put(struct draft *d, struct parts_action *a) s3_must_check;

#endif
