/* SPDX-License-Identifier: MIT */
/*
 * room.h - who may go on to fill a part while memory is short.
 *
 * Many that write at once would share all memory out among parts of which none is whole:
 * then nothing can leave, and what can be given up has to be put aside first. So who
 * is about to fill another part waits, in the order they came, until there is room for
 * all of it beside what the others that write just now have still to fill: those leave as
 * soon as they are whole. Who would take long to fill a part, as it has nothing to write
 * most of the time, waits for nobody, and nobody for it: there may be more of that kind
 * than memory has parts.
 *
 * Threads: any. The lock is a leaf.
 */
#ifndef POURFS_ROOM_H
#define POURFS_ROOM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What a file may fill without asking again. All zero at first; under the room's lock. */
struct room_claim {
	struct room_claim *next, *previous;
	bool listed;
	uint64_t left;            /* bytes */
	bool slow;                /* nobody waits for it, nor it for others */
	unsigned lacking;         /* writes that wait for memory to fill it */
	unsigned writing;         /* writes under way */
	uint64_t used_ms;         /* CLOCK_MONOTONIC: when the last one ended; 0: there was none */
	uint64_t filled, idle_ms; /* bytes, and the time between writes, since it was granted */
};

/* Who waits for so many bytes. */
struct room_waiter {
	struct room_waiter *next;
	struct room_claim *claim; /* its own is not in its way */
	uint64_t bytes;
	uint64_t told; /* of the room, when it asked */
};

struct room {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t told; /* how often */
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
/* It fills no more of it. */
void room_give_back(struct room *r, struct room_claim *c);
/* The same, for good. No write is under way. */
void room_drop(struct room *r, struct room_claim *c);
/* There may be more memory. */
void room_tell(struct room *r);

enum room_answer {
	ROOM_GRANTED,
	ROOM_LACKS, /* it is its turn: memory is lacking */
	ROOM_LATER
};

/* ROOM_GRANTED: it is slow, and need not wait. */
enum room_answer room_enter(struct room *r, struct room_waiter *w);
/* spare: bytes of memory that can be had. Granted, it has left. */
enum room_answer room_ask(struct room *r, struct room_waiter *w, uint64_t spare, uint64_t now_ms);
/* Until something has changed since it asked, or for a moment. */
void room_wait(struct room *r, const struct room_waiter *w);
/* Not granted. */
void room_leave(struct room *r, struct room_waiter *w);

#endif
