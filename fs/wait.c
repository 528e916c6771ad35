/* SPDX-License-Identifier: MIT */
#include "wait.h"

#include <errno.h>
#include <time.h>

#define MOMENT_MS 250

void wait_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

void wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_cond_timedwait(cond, lock, &t);
}

int wait_moment(pthread_cond_t *cond, pthread_mutex_t *lock, const atomic_bool *cancel)
{
	if (cancel && *cancel)
		return -EINTR;
	wait_ms(cond, lock, MOMENT_MS);
	return cancel && *cancel ? -EINTR : 0;
}
