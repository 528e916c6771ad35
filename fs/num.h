/* SPDX-License-Identifier: MIT */
/* num.h - the smaller and the larger of two sizes. */
#ifndef POURFS_NUM_H
#define POURFS_NUM_H

#include <stdint.h>

static inline uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
