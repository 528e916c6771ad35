/* SPDX-License-Identifier: MIT */
/*
 * listing.h - the names in one directory, as a service listed them.
 *
 * Sorted by name, without duplicates. Shared by reference: a reader of the
 * directory keeps the listing it began with, and a change copies it first if
 * somebody else holds it.
 *
 * Threads: counting is atomic; a listing held once is its holder's to change.
 */
#ifndef POURFS_LISTING_H
#define POURFS_LISTING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct listing_entry {
	char *name;
	bool dir;
	uint64_t size;
	time_t modified;
};

struct listing {
	atomic_uint held;
	struct listing_entry *v;
	size_t n, cap;
};

struct listing *listing_new(void); /* held once; NULL: no memory */
struct listing *listing_hold(struct listing *l);
void listing_put(struct listing *l); /* accepts NULL */

/* NULL: no such name. */
const struct listing_entry *listing_find(const struct listing *l, const char *name);
/* The first entry whose name comes after name. */
size_t listing_after(const struct listing *l, const char *name);

/* Adds or replaces, removes. *l is replaced by a copy if it is shared.
 * On -ENOMEM *l has been put and is NULL: nothing is known any more. */
int listing_add(struct listing **l, const char *name, bool dir, uint64_t size, time_t modified);
int listing_remove(struct listing **l, const char *name);

#endif
