/* SPDX-License-Identifier: MIT */
/*
 * types.h - content types by the ends of names: ours, and those of mime.types.
 *
 * What is added is added before there are threads. Pure.
 */
#ifndef POURFS_TYPES_H
#define POURFS_TYPES_H

#include <stdbool.h>
#include <stddef.h>

/* By the extension. Never NULL; borrowed until types_fini(). */
const char *types_of(const char *name);

/* Takes over what a file in the form of mime.types says: "type extension...".
 * first: it comes before ours, else behind. -EINVAL: *line says none; -ENOMEM. */
int types_add(const char *text, size_t n, bool first, unsigned *line)
	__attribute__((warn_unused_result));
void types_fini(void);

#endif
