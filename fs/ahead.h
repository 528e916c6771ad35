/* SPDX-License-Identifier: MIT */
/*
 * ahead.h - which attributes to ask for before they are wanted.
 *
 * ls -l, find and rsync look names up one after another, in the order in which
 * the directory lists them. Once that is seen, the next ones are asked for side
 * by side, twice as many each time; and in the directories that come after it
 * from the first name on. Those are listed ahead, as many as fill the window. Pure.
 */
#ifndef POURFS_AHEAD_H
#define POURFS_AHEAD_H

#include <stdbool.h>
#include <stddef.h>

#define AHEAD_MAX 256

struct ahead {
	size_t next;     /* the entry behind the last one that was looked up */
	size_t asked;    /* the first one that was not asked for */
	unsigned streak; /* lookups in order so far */
	bool from_first; /* and it was the first with which they began */
	bool files;      /* there were files among them, not only directories to go into */
};

enum ahead_flags {
	AHEAD_DIR = 1,    /* the entry is a directory */
	AHEAD_LIKELY = 2, /* a pass over another directory was seen a moment ago */
};

/* Entry i of n was looked up. Returns how many to ask for now, from *first on; as long as
 * a->files is not set, of the directories among them. */
size_t ahead_look(struct ahead *a, size_t i, size_t n, unsigned flags, size_t *first);
/* Many of the n names were looked up in order, or all of them. */
bool ahead_is_pass(const struct ahead *a, size_t n);

/* Of the directories in one. */
struct ahead_below {
	unsigned foretold; /* opened as foreseen, one after the other */
	unsigned names;    /* in the one that was listed last */
	unsigned unproved; /* names asked for since the last one that was looked up */
};

/* One was opened. */
void ahead_opened(struct ahead_below *b, bool foreseen);
/* How many of those behind it to list now. */
unsigned ahead_directories(const struct ahead_below *b);
/* One of them was listed and has n names. Whether their attributes are wanted, too, does
 * not show as long as the kernel has them all with the names: true if they still may be. */
bool ahead_listed(struct ahead_below *b, size_t n);
/* One of their names was looked up. */
void ahead_proved(struct ahead_below *b);

#endif
