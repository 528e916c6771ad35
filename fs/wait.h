/* SPDX-License-Identifier: MIT */
/* wait.h - waits with an end, by CLOCK_MONOTONIC. */
#ifndef POURFS_WAIT_H
#define POURFS_WAIT_H

#include <pthread.h>
#include <stdatomic.h>

/* A condition that the others here can wait for. */
void wait_init(pthread_cond_t *cond);

/* Waits for cond, with lock held, ms milliseconds at most. */
void wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned ms);

/* Waits for cond a moment: 0, or -EINTR when *cancel is true. cancel may be
 * NULL. For loops: how soon a wait notices that it was cancelled. */
int wait_moment(pthread_cond_t *cond, pthread_mutex_t *lock, const atomic_bool *cancel)
	__attribute__((warn_unused_result));

#endif
