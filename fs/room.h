/* SPDX-License-Identifier: MIT */
/*
 * room.h - who may go on to fill a part while memory is short.
 *
 * Many that write at once would share all memory out among parts of which none is whole:
 * then nothing can leave, and what can be given up has to be put aside first. So who
 * is about to fill another part waits, in the order they came, until there is room for
 * all of it beside what the others that write just now have still to fill: those leave as
 * soon as they are whole. Who has nothing to write most of the time waits for nobody,
 * and nobody for it: there may be more of that kind than memory has parts.
 *
 * Threads: any. The lock is a leaf, but for the budget's.
 */
#ifndef POURFS_ROOM_H
#define POURFS_ROOM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct room_waiter;

/* What a file may fill without asking again. All zero at first. */
struct room_claim {
	struct room_claim *next, *previous;
	bool listed;
	uint64_t left;    /* bytes */
	bool slow;        /* nobody waits for that */
	unsigned lacking; /* writes that wait for memory to fill it */
	unsigned writing; /* writes under way */
	uint64_t used_ms; /* CLOCK_MONOTONIC: when the last one ended */
	uint64_t idle_ms; /* between writes, in all since it was granted */
};

struct room {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct room_claim *claims;
	struct room_waiter *waiting; /* in the order they came */
};

void room_init(struct room *r);
void room_fini(struct room *r);

/* A write comes, and has ended. */
void room_begin(struct room *r, struct room_claim *c, uint64_t now_ms);
void room_end(struct room *r, struct room_claim *c, uint64_t now_ms);
/* It may fill len bytes. */
bool room_has(struct room *r, const struct room_claim *c, uint64_t len);
/* A write waits for memory by which to fill them, and goes on. */
void room_lacks(struct room *r, struct room_claim *c, bool lacks);
/* len bytes were filled. */
void room_use(struct room *r, struct room_claim *c, uint64_t len);
void room_drop(struct room *r, struct room_claim *c);
/* There may be more memory. */
void room_tell(struct room *r);

/* Who waits for so many bytes. */
struct room_waiter {
	struct room_waiter *next;
	struct room_claim *claim; /* its own is not in its way */
	uint64_t bytes;
};

enum room_answer {
	ROOM_GRANTED,
	ROOM_LACKS, /* it is its turn: memory is lacking */
	ROOM_LATER
};

/* true: it is slow, and granted at once. */
bool room_enter(struct room *r, struct room_waiter *w);
/* spare: bytes of memory that can be had. Granted, it has left. */
enum room_answer room_ask(struct room *r, struct room_waiter *w, uint64_t spare, uint64_t now_ms);
/* Until something has changed, or for a moment. */
void room_wait(struct room *r);
/* Not granted. */
void room_leave(struct room *r, struct room_waiter *w);

#endif
