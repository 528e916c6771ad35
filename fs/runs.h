/* SPDX-License-Identifier: MIT */
/*
 * runs.h - which bytes of a file are ranges of objects: [from, to) is what
 * source has from source_offset on. What no run covers is zeros.
 *
 * Ascending, never empty, never overlapping; neighbours that go on in the same
 * object are one run. All zeros is: no run. Room is reserved beforehand, so that an edit
 * cannot fail half-way. Pure.
 */
#ifndef POURFS_RUNS_H
#define POURFS_RUNS_H

#include <stddef.h>
#include <stdint.h>

#define RUN_ZERO (-1) /* source of what no run covers */

struct run {
	uint64_t from, to;
	int source;
	uint64_t source_offset;
};

struct runs {
	struct run *v;
	size_t n, cap;
};

void runs_fini(struct runs *r); /* there is none then */

/* Room for more runs: runs_clear() may add one, runs_set() two. 0 or -ENOMEM. */
int runs_reserve(struct runs *r, size_t more) __attribute__((warn_unused_result));

/* [from, to) is zeros, or that range of a source >= 0. from < to. */
void runs_clear(struct runs *r, uint64_t from, uint64_t to);
void runs_set(struct runs *r, uint64_t from, uint64_t to, int source, uint64_t source_offset);

/* The stretch at from, up to to at most, of one run or of zeros. from < to. */
struct run runs_at(const struct runs *r, uint64_t from, uint64_t to);

/* How many runs touch [from, to). from < to. */
size_t runs_count(const struct runs *r, uint64_t from, uint64_t to);

#endif
