/* SPDX-License-Identifier: MIT */
/*
 * pace.h - so many bytes a second, for all who share it.
 *
 * Bytes are promised one after the other: who asks is told when its own may
 * move. What was not used of the past is lost but for a tenth of a second. Pure.
 */
#ifndef POURFS_PACE_H
#define POURFS_PACE_H

#include <stddef.h>
#include <stdint.h>

struct pace {
	uint64_t rate;   /* bytes a second; 0: any */
	int64_t next_us; /* when the next byte may move */
};

/* How many of n bytes are best taken at once: none waits for long. */
size_t pace_chunk(const struct pace *p, size_t n);
/* Takes n bytes at now_us of a clock that runs steadily; returns the microseconds
 * to wait before they move. */
int64_t pace_take(struct pace *p, int64_t now_us, size_t n);

#endif
