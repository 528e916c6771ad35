/* SPDX-License-Identifier: MIT */
/* cursor.h - the keys below a prefix, in their order, a page at a time. */
#ifndef POURFS_CURSOR_H
#define POURFS_CURSOR_H

#include "mount.h"

/* Zero-initialise but for what is said. */
struct cursor {
	struct mount *m;    /* given */
	const char *prefix; /* given, and borrowed */
	struct s3_page page;
	size_t next; /* entry of the page */
	char *token; /* of the next page */
	bool last;   /* there is none */
};

/* The next entry, which is valid until the next call; NULL at the end. */
int cursor_next(struct cursor *c, const struct s3_entry **out, struct s3_call *call) s3_must_check;
void cursor_fini(struct cursor *c);

#endif
