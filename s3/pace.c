/* SPDX-License-Identifier: MIT */
#include "pace.h"

#define SECOND_US   INT64_C(1000000)
#define SLACK_US    (SECOND_US / 10) /* that may be made up for */
#define CHUNKS      20               /* a second */
#define CHUNK_LEAST 1024

size_t pace_chunk(const struct pace *p, size_t n)
{
	uint64_t most = p->rate / CHUNKS;

	if (most < CHUNK_LEAST)
		most = CHUNK_LEAST;
	return p->rate && n > most ? (size_t)most : n;
}

int64_t pace_take(struct pace *p, int64_t now_us, size_t n)
{
	int64_t wait_us;

	if (!p->rate)
		return 0;
	if (p->next_us < now_us - SLACK_US)
		p->next_us = now_us - SLACK_US;
	wait_us = p->next_us - now_us;
	p->next_us += (int64_t)((double)n * (double)SECOND_US / (double)p->rate);
	return wait_us > 0 ? wait_us : 0;
}
