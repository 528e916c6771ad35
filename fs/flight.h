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

/* Of transfer.c, with file->lock, released meanwhile: sends or copies the part,
 * into an upload that is created if need be. Ends the action. */
int transfer_part(struct draft *d, struct parts_action *a, bool creator) s3_must_check;
/* Of publish.c, likewise: makes the object of its one part. Ends the action. */
int publish_put(struct draft *d, struct parts_action *a) s3_must_check;

#endif
