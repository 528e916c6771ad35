/* SPDX-License-Identifier: MIT */
/*
 * walk.h - walks an XML document without keeping it.
 *
 * Each element that ends is reported with its path below the root ("Contents/
 * Key") and its text. begin, if set, is called when one begins, so that a reader
 * can start an entry. Both say that the document is no good by setting err.
 * No document type, no entities, no network, no depth that no answer has.
 */
#ifndef POURFS_WALK_H
#define POURFS_WALK_H

#include "buf.h"

#include <stdint.h>

#define WALK_DEPTH_MAX 8
#define WALK_NAME_MAX  63

struct walk {
	void (*begin)(struct walk *w, const char *path);
	void (*end)(struct walk *w, const char *path, const char *text);
	void *out; /* what the reader fills in */
	/* Services echo keys that XML cannot carry. A reader to whom the key is
	 * nothing gets a '?' for such characters instead of an error. */
	bool lenient;
	int err;
	char root[WALK_NAME_MAX + 1]; /* local name of the root element */
	/* The walker's own: */
	struct buf path, text;
	size_t starts[WALK_DEPTH_MAX]; /* lengths of the paths of the open elements */
	int depth;
	void *parser;
};

/* Walks the document. roots: NULL, or the names its root may have, a space
 * behind each. -EIO: no good; -ENOMEM; or what the reader set. */
int walk_xml(struct walk *w, const char *s, size_t n, const char *roots)
	__attribute__((warn_unused_result));

/* For readers. They set w->err. */
uint64_t walk_number(struct walk *w, const char *s, uint64_t max);
void walk_string(struct walk *w, char **to, const char *s); /* frees the old one */
/* Appends a zeroed element of size bytes to the array *v of *n elements, all of
 * whose growth must happen here; NULL if it fails. */
void *walk_grow(struct walk *w, void **v, size_t *n, size_t size);

#endif
