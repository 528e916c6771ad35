/* SPDX-License-Identifier: MIT */
/*
 * extents.h - a set of bytes, as ranges [from, to): ascending, never empty,
 * never touching one another.
 *
 * All zeros is the empty set. Room is reserved beforehand, so that an edit
 * cannot fail half-way. Pure.
 */
#ifndef POURFS_EXTENTS_H
#define POURFS_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
	uint64_t from, to;
};

struct extents {
	struct extent *v;
	size_t n, cap;
};

void extents_fini(struct extents *e); /* it is empty then */

/* Room for one more edit. 0 or -ENOMEM. */
int extents_reserve(struct extents *e) __attribute__((warn_unused_result));

/* [from, to) is in the set, or not. from < to. Room must have been reserved. */
void extents_add(struct extents *e, uint64_t from, uint64_t to);
void extents_remove(struct extents *e, uint64_t from, uint64_t to);

/* The index of the first extent that ends after at; e->n if there is none. */
size_t extents_position(const struct extents *e, uint64_t at);
/* All of [from, to) is in the set; true of an empty range. */
bool extents_cover(const struct extents *e, uint64_t from, uint64_t to);
/* Some of [from, to) is in the set. */
bool extents_touch(const struct extents *e, uint64_t from, uint64_t to);

#endif
