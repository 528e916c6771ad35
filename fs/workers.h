/* SPDX-License-Identifier: MIT */
/*
 * workers.h - a pool of threads that carry out transfers.
 *
 * Jobs are taken in the order they were given. Threads are started as jobs
 * need them and the system lets us, up to the limit, and kept. A job may give further jobs; it must
 * not wait for one of its own pool.
 *
 * Threads: any.
 */
#ifndef POURFS_WORKERS_H
#define POURFS_WORKERS_H

struct workers;

/* With a thread, so that there is always one. NULL: no memory, or no thread. */
struct workers *workers_new(unsigned limit);
/* Carries out all jobs given so far, delayed ones at once, and ends the threads. */
void workers_free(struct workers *w);

/* Will call run(arg) on a thread of the pool, delay_ms from now at the
 * earliest. 0, or -ENOMEM and no call. */
int workers_give(struct workers *w, unsigned delay_ms, void (*run)(void *arg), void *arg)
	__attribute__((warn_unused_result));

#endif
