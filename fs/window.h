/* SPDX-License-Identifier: MIT */
/*
 * window.h - the read-ahead policy: how far ahead of a reader to fetch.
 *
 * The window doubles while the reads are sequential and closes when they are
 * not. Reads that arrive a little out of order, as the kernel's own read-ahead
 * sends them, count as sequential. When the last two runs
 * were long, the next one is fetched to that length at once.
 *
 * Pure. Units: bytes.
 */
#ifndef POURFS_WINDOW_H
#define POURFS_WINDOW_H

#include <stdint.h>

#define WINDOW_FIRST ((uint64_t)256 << 10) /* size of the first fetch ahead */
#define WINDOW_CHUNK ((uint64_t)4 << 20)   /* one request at most */

struct window {
	uint64_t limit; /* ahead at most; set by the owner */
	uint64_t next;  /* where a sequential reader goes on */
	uint64_t ahead; /* how far to be ahead of next; 0: not at all */
	uint64_t chunk; /* size of the next request, at most */
	/* Runs: reads without a jump. */
	uint64_t began;    /* this one */
	uint64_t last;     /* size of the one before */
	uint64_t expected; /* this one goes as far, as those before; not later than next: done */
};

/* The next read begins as if it were the first. */
void window_close(struct window *w);
/* A read of len bytes at offset came in. */
void window_read(struct window *w, uint64_t offset, uint64_t len);

#endif
